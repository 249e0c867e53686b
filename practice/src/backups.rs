//! Backups as acts of somebody: recorded before they are made, and accepted when one was restored.

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_schemas::Kind;
use serde::Serialize;

use crate::act::{Actor, Practice};
use crate::error::PracticeError;

/// What a practice was restored from, as whoever restored it found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredFrom {
    /// The entry that recorded the backup.
    pub backup: u64,
    /// Entries restored.
    pub size: u64,
    /// Entries the ledger had at least when the keys were saved.
    pub keys_size: u64,
    /// Entries that were known to have been, where that is more than were restored.
    pub anchor: Option<u64>,
    /// Groups and clients destroyed again.
    pub destroyed_again: u64,
}

/// What accepting a restored practice came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The entry.
    pub seq: u64,
    /// Destructions that had to be recorded or carried out again.
    pub destructions: usize,
}

fn number(n: u64) -> Fact {
    Fact::Number(i64::try_from(n).unwrap_or(i64::MAX))
}

impl Practice {
    /// Records that a backup is made, before it is: so the backup holds the entry, and is named after it.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] where clients are told that no backups are made; where the ledger cannot be written.
    /// Then no backup must be made.
    pub fn backup_created(&mut self, actor: &Actor) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::MakeBackup)?;
        if self.settings()?.backup_days == 0 {
            return Err(PracticeError::NotAllowed(
                "clients are told that no backups are made (backup_days is 0): `provenote settings set backup_days 30` tells them otherwise, and consents are then asked for anew".to_owned(),
            ));
        }
        let entry = self.entry(actor, Kind::BackupCreated);
        self.append_one(actor, entry)
    }

    /// Records that a backup was read through: which one, how many entries it has, and the verifier's word.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn backup_verified(
        &mut self,
        actor: &Actor,
        backup: u64,
        size: u64,
        verdict: &str,
    ) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::MakeBackup)?;
        let entry = self
            .entry(actor, Kind::BackupVerified)
            .fact("backup", number(backup))
            .fact("size", number(size))
            .fact("verdict", Fact::Text(verdict.to_owned()));
        self.append_one(actor, entry)
    }

    /// Accepts that this practice was restored, and what its backup lacks, by an entry that says both. Then destructions
    /// that only the list beside the keys knows become entries of this ledger too.
    ///
    /// # Errors
    /// Where the ledger cannot be written, or a key cannot be removed.
    pub fn accept_restored(&mut self, actor: &Actor, from: &RestoredFrom) -> Result<Accepted, PracticeError> {
        self.allow_here(actor, Act::RestoreBackup)?;
        let mut entry = self
            .entry(actor, Kind::BackupRestored)
            .fact("backup", number(from.backup))
            .fact("from", number(from.size))
            .fact("keys_from", number(from.keys_size))
            .fact("destroyed_again", number(from.destroyed_again));
        if let Some(anchor) = from.anchor {
            entry = entry.fact("anchor", number(anchor));
        }
        let seq = self.append_one(actor, entry)?;
        let before = self.log.size()?;
        let finished = self.finish_destructions(actor)?;
        let recorded = usize::try_from(self.log.size()? - before).unwrap_or(usize::MAX);
        Ok(Accepted { seq, destructions: finished.max(recorded) })
    }
}
