//! Whom the practice asks to watch its ledger.

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_schemas::Kind;

use crate::act::{Actor, Practice};
use crate::error::PracticeError;

impl Practice {
    /// Records that a witness is asked from now on, before it is. Its name and key are no health information.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for an address an entry cannot hold; where the ledger cannot be written, then the
    /// witness must not be added.
    pub fn witness_added(&mut self, actor: &Actor, name: &str, vkey: &str, url: &str) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        for (what, text) in [("name", name), ("key", vkey), ("address", url)] {
            if !provenote_ledger::header::is_word(text) {
                return Err(PracticeError::BadRequest(format!(
                    "the witness's {what} is empty, longer than 128 characters or has other ones than letters, digits and . _ : + / @ , = -"
                )));
            }
        }
        let entry = self
            .entry(actor, Kind::WitnessAdded)
            .fact("name", Fact::Text(name.to_owned()))
            .fact("vkey", Fact::Text(vkey.to_owned()))
            .fact("url", Fact::Text(url.to_owned()));
        self.append_one(actor, entry)
    }

    /// Records that a witness is no longer asked, before it is so. `alarm` is the length of the ledger it claimed to have
    /// seen, where it had raised an alarm.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then the witness must not be removed.
    pub fn witness_removed(&mut self, actor: &Actor, name: &str, alarm: Option<u64>) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let mut entry = self.entry(actor, Kind::WitnessRemoved).fact("name", Fact::Text(name.to_owned()));
        if let Some(size) = alarm {
            let largest = provenote_ledger::header::MAX_NUMBER;
            entry = entry.fact("alarm_size", Fact::Number(i64::try_from(size).unwrap_or(largest).min(largest)));
        }
        self.append_one(actor, entry)
    }
}
