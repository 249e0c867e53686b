//! A copy of the whole ledger as it stands at one moment.

use std::path::Path;

use provenote_ledger::StoreError;

use crate::{SqliteStore, failed};

impl SqliteStore {
    /// Writes a copy of the ledger as it stands at this moment into a new file, or an empty one, while others go on
    /// writing. The copy is made row by row (`VACUUM INTO`), so that it has no free pages, no journal and nothing of
    /// what was overwritten; it is not flushed to the disk.
    ///
    /// # Errors
    /// [`StoreError::Full`]; [`StoreError::Backend`] also where the path is no text or the file is not empty.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let text = path.to_str().ok_or_else(|| StoreError::Backend("the path of the copy is no text".into()))?;
        self.connection.execute("VACUUM INTO ?1", [text]).map_err(|error| failed(&self.name, error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use provenote_ledger::conformance::{entry, payload, signer, verified};
    use provenote_ledger::{Log, NoAnchor, Store as _};

    use super::*;

    fn holds(path: &Path, secret: &[u8]) -> bool {
        let bytes = std::fs::read(path).expect("reads");
        bytes.windows(secret.len()).any(|window| window == secret)
    }

    #[test]
    fn a_copy_holds_what_was_committed_and_nothing_that_was_destroyed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ledger.db");
        let signer = signer(1);
        let store = SqliteStore::create(&path).expect("makes it");
        let mut log = Log::create(Box::new(store), &signer, Box::new(NoAnchor)).expect("begins");
        let (doomed, kept) = ([0xd0; 5_000], [0x4e; 5_000]);
        let both = vec![
            entry("session.recorded", 1).payload(payload("grp-doomed", &doomed)),
            entry("session.recorded", 2).payload(payload("grp-kept", &kept)),
        ];
        log.append(1_000, &signer, both).expect("appends");
        log.append(2_000, &signer, vec![entry("record.destroyed", 1).refer("group", "grp-doomed")]).expect("appends");
        let before = dir.path().join("before.db");
        SqliteStore::open(&path).expect("opens").copy_to(&before).expect("copies");
        assert!(holds(&before, &doomed[..64]), "the search finds what is there");
        log.delete_ciphertext("grp-doomed").expect("destroys");

        let copy = dir.path().join("copy.db");
        std::fs::write(&copy, b"").expect("an empty file of our own");
        let source = SqliteStore::open(&path).expect("opens");
        source.copy_to(&copy).expect("copies while the log is open");
        assert!(!holds(&copy, &doomed[..64]) && holds(&copy, &kept[..64]));
        let store = SqliteStore::open(&copy).expect("it is a ledger");
        assert_eq!(store.latest().expect("reads"), log.store().latest().expect("reads"));
        let report = verified(&store, &signer, None);
        assert_eq!((report.size, report.signed, report.findings), (3, true, vec![]));
        assert!(source.copy_to(&copy).is_err(), "no file is written over");
    }
}
