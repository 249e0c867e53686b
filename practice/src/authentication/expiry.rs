//! Keys that were forgotten because nobody asked for them: who forgot them has none, so whoever signs in next tells of it.

use provenote_ledger::{Fact, Header, Query};
use provenote_schemas::{Kind, UserId};

use crate::act::{Actor, Practice};
use crate::error::PracticeError;

impl Practice {
    /// Records that a user's keys were forgotten after so many seconds without a command.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn expired(&mut self, actor: &Actor, idle_seconds: u32) -> Result<u64, PracticeError> {
        let entry = self
            .entry(actor, Kind::UserExpired)
            .refer("user", actor.user())
            .fact("idle_seconds", Fact::Number(idle_seconds.into()));
        self.append_one(actor, entry)
    }

    /// The same where the ledger shows that the user's keys were unlocked and neither locked nor told to have expired
    /// since. The edge calls it where no process holds the keys any more: then the holder ended by itself, because it was
    /// idle, was killed, or the machine was switched off. Returns the entry, where there was one to write.
    ///
    /// # Errors
    /// Where the ledger cannot be read or written.
    pub fn expired_unnoticed(&mut self, actor: &Actor) -> Result<Option<u64>, PracticeError> {
        let user = [("user", actor.user().as_str())];
        let Some(unlocked) = self.headers(Kind::UserUnlocked, &user)?.pop() else { return Ok(None) };
        if self.ended_since(actor.user(), unlocked.seq)? {
            return Ok(None);
        }
        self.expired(actor, idle_seconds(&unlocked)).map(Some)
    }

    /// Whether a user's keys were locked or expired by an entry at or after this place in the ledger.
    pub(super) fn ended_since(&self, user: &UserId, from: u64) -> Result<bool, PracticeError> {
        for kind in [Kind::UserLocked, Kind::UserExpired] {
            let query = Query::kind(kind.as_str()).refer("user", user);
            if self.log.first(&Query { after_seq: from.checked_sub(1), ..query })?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn idle_seconds(unlocked: &Header) -> u32 {
    match unlocked.facts.get("idle_minutes") {
        Some(Fact::Number(minutes)) => u32::try_from(minutes.saturating_mul(60)).unwrap_or(u32::MAX),
        _ => 0,
    }
}
