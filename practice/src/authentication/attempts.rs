//! Tries that failed: counted without keys, slowed, and told by entries once somebody with keys is there.

use provenote_access::lockout::{self, Lockout};
use provenote_ledger::vault::{Failure, NOBODY};
use provenote_ledger::{Fact, NewEntry, VaultError};
use provenote_schemas::{Kind, Time};

use super::AuthenticationError;
use crate::act::{Actor, Practice};
use crate::error::PracticeError;

/// How long to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Milliseconds, at most [`lockout::LONGEST_MS`].
    pub ms: i64,
    /// After so many failures. A wait that passed is good for one try: the next failure begins another.
    failures: usize,
}

impl std::fmt::Display for Wait {
    /// In words, rounded up.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.ms.max(1).saturating_add(999) / 1000 {
            1 => f.write_str("1 second"),
            seconds if seconds <= 90 => write!(f, "{seconds} seconds"),
            seconds => write!(f, "{} minutes", (seconds + 59) / 60),
        }
    }
}

/// Failures that no entry tells of yet, and the entries that will.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    pub(super) entries: Vec<NewEntry>,
    /// Whose failures they are, as they are counted.
    names: Vec<String>,
}

impl Practice {
    /// How long a user has to wait before the next try; none where it may be made now. The edge lets the time pass by a
    /// steady clock of its own and hands the wait back in: so a clock that was set back shortens nothing, and one that is
    /// wrong locks nobody out.
    ///
    /// # Errors
    /// Where the counts or the ledger cannot be read.
    pub fn wait_of(&self, user: &str) -> Result<Option<Wait>, PracticeError> {
        self.wait_as(&self.vault.counted_as(user)?)
    }

    /// Signs a user in with a passphrase, and counts it where it does not fit. [`Practice::arrive`] comes next.
    ///
    /// `waited`: what [`Practice::wait_of`] told, or the error, where the edge let it pass.
    ///
    /// # Errors
    /// [`AuthenticationError::Delayed`], without the passphrase having been looked at; otherwise as
    /// [`Practice::sign_in`].
    pub fn sign_in_counted(
        &mut self,
        user: &str,
        passphrase: &[u8],
        waited: Option<Wait>,
    ) -> Result<Actor, PracticeError> {
        let counted_as = self.vault.counted_as(user)?;
        // Many at once wait for each other, so that each counts before the next is tried.
        let _lock = self.vault.lock_attempts()?;
        self.may_try(&counted_as, waited)?;
        match self.sign_in(user, passphrase) {
            Err(error @ PracticeError::Vault(VaultError::WrongPassphrase | VaultError::BadName(_))) => {
                self.failed(&counted_as, false)?;
                Err(error)
            }
            done => done,
        }
    }

    /// Whether a try may be made now.
    pub(super) fn may_try(&self, counted_as: &str, waited: Option<Wait>) -> Result<(), PracticeError> {
        match self.wait_as(counted_as)? {
            Some(wait) if waited.is_none_or(|waited| waited.failures != wait.failures) => {
                Err(AuthenticationError::Delayed(wait).into())
            }
            _ => Ok(()),
        }
    }

    /// Counts a failure. Under the lock.
    pub(super) fn failed(&mut self, counted_as: &str, code: bool) -> Result<(), PracticeError> {
        let now = self.judged_at()?;
        Ok(self.vault.add_failure(counted_as, now.millis(), code)?)
    }

    fn wait_as(&self, counted_as: &str) -> Result<Option<Wait>, PracticeError> {
        let failures = self.vault.failures(counted_as)?;
        let times: Vec<Time> = failures.iter().map(|failure| Time::from_millis(failure.at_ms)).collect();
        Ok(match lockout::standing(&times, self.judged_at()?) {
            Lockout::Open => None,
            Lockout::Wait { ms } => Some(Wait { ms, failures: failures.len() }),
        })
    }

    /// Entries for the failures that none tells of yet, everybody's.
    pub(super) fn unrecorded(&self, actor: &Actor) -> Result<Noted, PracticeError> {
        let mut noted = Noted::default();
        for name in self.vault.names_with_failures()? {
            let failures = self.vault.failures(&name)?;
            let known = failures.iter().filter(|failure| failure.recorded).count();
            let new = failures.get(known..).unwrap_or_default();
            let told = self.failures_told(actor, &name, known, new);
            if !told.is_empty() || name == actor.user().as_str() {
                noted.entries.extend(told);
                noted.names.push(name);
            }
        }
        Ok(noted)
    }

    fn failures_told(&self, actor: &Actor, name: &str, known: usize, new: &[Failure]) -> Vec<NewEntry> {
        let (Some(first), Some(last)) = (new.first(), new.last()) else { return Vec::new() };
        let number = |count: usize| Fact::Number(i64::try_from(count).unwrap_or(i64::from(u32::MAX)));
        let time = |failure: &Failure| Fact::Text(Time::from_millis(failure.at_ms).to_string());
        let of = |kind: Kind| {
            let entry = self.entry(actor, kind);
            if name == NOBODY { entry.fact("nobody", Fact::Flag(true)) } else { entry.refer("user", name) }
        };
        let mut refused =
            of(Kind::UserRefused).fact("times", number(new.len())).fact("first", time(first)).fact("last", time(last));
        let codes = new.iter().filter(|failure| failure.code).count();
        if codes > 0 {
            refused = refused.fact("codes", number(codes));
        }
        let mut entries = vec![refused];
        // Each failure beyond those that are free began a wait.
        let free = usize::try_from(lockout::FREE).unwrap_or(usize::MAX);
        let waits = (known + new.len()).saturating_sub(free.max(known));
        if waits > 0 {
            let longest = lockout::wait_ms(u32::try_from(known + new.len()).unwrap_or(u32::MAX));
            entries.push(
                of(Kind::UserDelayed)
                    .fact("times", number(waits))
                    .fact("longest_seconds", Fact::Number(longest / 1000))
                    .fact("last", time(last)),
            );
        }
        entries
    }

    /// After their entries: the actor's own failures are over, those for names of nobody too; others' still count for
    /// their waits, so that nobody ends another's wait by signing in. Under the lock.
    pub(super) fn forget_recorded(&mut self, actor: &Actor, noted: &Noted) -> Result<(), PracticeError> {
        for name in &noted.names {
            if name == actor.user().as_str() || name == NOBODY {
                self.vault.clear_failures(name)?;
            } else {
                self.vault.failures_recorded(name, self.log.size()?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words_and_never_as_nothing() {
        let told = |ms| Wait { ms, failures: 5 }.to_string();
        assert_eq!(told(0), "1 second");
        assert_eq!(told(4_001), "5 seconds");
        assert_eq!(told(90_000), "90 seconds");
        assert_eq!(told(90_001), "2 minutes");
        assert_eq!(told(lockout::LONGEST_MS), "15 minutes");
    }
}
