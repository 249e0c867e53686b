//! The schedule: what falls due when and why, and destruction with a receipt.
//!
//! The entry comes first, then the keys, then the ciphertext (design, invariants 2 and 5). What a crash leaves in between
//! [`Practice::finish_destructions`] carries out at the next run, also on a backup put back.

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_schemas::{Kind, Time};
use serde::Serialize;

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;

/// What a group of payloads is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordClass {
    /// A session's recording.
    Audio,
    /// A session's transcript, prompts, raw outputs and drafts.
    WorkingPapers,
}

impl RecordClass {
    /// The word of a receipt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::WorkingPapers => "working_papers",
        }
    }
}

/// Something that falls due.
#[derive(Debug, Clone, Serialize)]
pub struct Due {
    /// The session it is of.
    pub record: String,
    /// What it is.
    pub class: RecordClass,
    /// From when on it is to be destroyed.
    pub at: Time,
    /// True where that time has come and nothing holds it.
    pub now: bool,
    /// The hold that keeps it, by the entry that placed it, whatever its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    /// The rule, its source and mark.
    pub basis: String,
    /// The retention group.
    pub group: String,
}

/// What was destroyed.
#[derive(Debug, Clone, Serialize)]
pub struct Receipt {
    /// The session it was of.
    pub record: String,
    /// What it was.
    pub class: RecordClass,
    /// The entry.
    pub seq: u64,
    /// Bytes of ciphertext removed with the key.
    pub bytes: u64,
}

impl Practice {
    /// Everything on the schedule that still exists, what is due first.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn retention_plan(&self, actor: &Actor) -> Result<Vec<Due>, PracticeError> {
        actor.authorise(Act::RunRetention)?;
        self.due(self.clock.now())
    }

    /// The same, for acts that have to know what there is.
    pub(crate) fn due(&self, now: Time) -> Result<Vec<Due>, PracticeError> {
        let settings = self.settings()?;
        let mut plan = Vec::new();
        let holds = self.holds()?;
        for session in self.session_headers(&[])? {
            let id = reference(&session, "session")?;
            let attested =
                self.one(Kind::NoteAttested, &[("session", id)])?.map(|header| Time::from_millis(header.time));
            for (name, class, days, basis) in [
                (
                    "audio",
                    RecordClass::Audio,
                    settings.audio_days,
                    "RET-09: when the note is attested, at most %d days after the session; practice policy [verified from seed-000; the number is a product default]",
                ),
                (
                    "working",
                    RecordClass::WorkingPapers,
                    settings.working_days,
                    "RET-10 to RET-12: when the note is attested, at most %d days after the session; practice policy [verified from seed-000 and seed-002; the number is a product default]",
                ),
            ] {
                // A session that was typed has no recording.
                let Some(group) = session.refs.get(name) else { continue };
                if self.destruction(group)?.is_some() && !self.vault.group_exists(group) {
                    continue;
                }
                let latest = Time::from_millis(session.time).plus_days(days);
                let at = attested.map_or(latest, |attested| attested.min(latest));
                let client = reference(&session, "client")?;
                let held = holds.iter().find(|hold| hold.covers(client, Some(id))).map(|hold| hold.seq);
                plan.push(Due {
                    record: id.to_owned(),
                    class,
                    at,
                    now: at <= now && held.is_none(),
                    held,
                    basis: basis.replace("%d", &days.to_string()),
                    group: group.to_owned(),
                });
            }
        }
        plan.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.record.cmp(&b.record)));
        Ok(plan)
    }

    /// Destroys what is due. `only` limits it to one session's record of one class.
    ///
    /// # Errors
    /// Where the entry cannot be written (then nothing is destroyed) or a key cannot be removed.
    pub fn retention_run(
        &mut self,
        actor: &Actor,
        only: Option<(&str, RecordClass)>,
    ) -> Result<Vec<Receipt>, PracticeError> {
        match only {
            // Who attests a note has what it was made of destroyed with it.
            Some((session, _)) => self.allow_session(actor, Act::DraftNote, session).map(drop)?,
            None => self.allow_here(actor, Act::RunRetention)?,
        }
        self.finish_destructions(actor)?;
        let mut receipts = Vec::new();
        for due in self.due(self.clock.now())?.into_iter().filter(|due| due.now) {
            if only.is_some_and(|(record, class)| due.record != record || due.class != class) {
                continue;
            }
            let session = self.session_header(&due.record)?;
            let entry = self
                .entry(actor, Kind::RecordDestroyed)
                .refer("client", reference(&session, "client")?)
                .refer("session", &due.record)
                .refer("group", &due.group)
                .fact("class", Fact::Text(due.class.as_str().to_owned()))
                .fact("due", Fact::Text(due.at.to_string()))
                .fact(
                    "basis",
                    Fact::Text(if due.class == RecordClass::Audio { "RET-09" } else { "RET-10" }.to_owned()),
                );
            let seq = self.append_one(actor, entry)?;
            let bytes = self.carry_out(actor, &self.log.header(seq)?)?;
            receipts.push(Receipt { record: due.record, class: due.class, seq, bytes });
        }
        Ok(receipts)
    }
}
