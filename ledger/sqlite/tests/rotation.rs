//! The log's key is rotated while other processes append and rotate: each thread here has files of its own open, as a
//! process has.

use std::path::Path;

use provenote_ledger::conformance::{Seeded, entry};
use provenote_ledger::{
    AppendError, Argon2Params, Log, LogSigner, Store as _, Unlocked, Vault, Verdict, Verification, verify,
};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;

const APPENDS: u64 = 40;
const ROTATIONS: u64 = 3;

/// A practice's files, opened by one process.
struct Process {
    vault: Vault,
    log: Log,
    user: Unlocked,
    signer: LogSigner,
}

fn vault(home: &Path) -> Vault {
    let keys = FileKeys::open(home.join("keys")).expect("opens");
    Vault::new(Box::new(keys), Box::new(FileBlobs::open(home.join("blobs")).expect("opens")))
}

fn anchor(home: &Path) -> Box<FileAnchor> {
    Box::new(FileAnchor::new(home.join("keys/anchor")))
}

impl Process {
    fn start(home: &Path) -> Self {
        let vault = vault(home);
        let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
        let log = Log::open(Box::new(store), &vault.epochs().expect("reads"), anchor(home)).expect("opens");
        let user = vault.unlock("usr-owner", b"pass").expect("opens");
        let signer = vault.log_signer_of(&user, log.key().expect("a key")).expect("opens");
        Self { vault, log, user, signer }
    }

    fn append(&mut self, n: u64) {
        loop {
            match self.log.append(1_000, &self.signer, vec![entry("client.viewed", n)]) {
                Ok(_) => return,
                // Another process was here with a rotation.
                Err(AppendError::WrongKey) => self.sign_on(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn sign_on(&mut self) {
        let key = self.log.key().expect("a key");
        self.signer = self.vault.log_signer_of(&self.user, key).expect("the key files know the key that signs");
    }

    fn rotate(&mut self, random: &mut Seeded) {
        let lock = self.vault.lock_log_key().expect("locks");
        self.log.refresh().expect("reads");
        self.vault.settle_log_key(&lock, self.log.epochs()).expect("settles");
        self.sign_on();
        let next = self.vault.prepare_log_key(&lock, &self.user, &[], random).expect("makes a key");
        self.log.rotate(1_000, "usr-owner", &self.signer, &next, None).expect("rotates");
        self.vault.settle_log_key(&lock, self.log.epochs()).expect("settles");
        self.signer = next;
    }
}

#[test]
fn processes_that_append_and_rotate_at_once_leave_one_log_and_one_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let home = dir.path();
    let mut random = Seeded::new(1);
    let mut first = vault(home);
    let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let owner = first.create_user("usr-owner", b"pass", small, &mut random).expect("makes a user");
    let signer = first.create_log_key(&owner, &mut random).expect("makes a key");
    let store = SqliteStore::create(&home.join("ledger.db")).expect("makes a database");
    drop(Log::create(Box::new(store), &signer, anchor(home)).expect("begins"));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            scope.spawn(move || {
                let mut process = Process::start(home);
                (0..APPENDS).for_each(|n| process.append(writer * APPENDS + n));
            });
        }
        for rotator in 0..2 {
            scope.spawn(move || {
                let (mut process, mut random) = (Process::start(home), Seeded::new(100 + rotator));
                for n in 0..ROTATIONS {
                    process.rotate(&mut random);
                    process.append(1_000 + n);
                }
            });
        }
    });
    let epochs = first.epochs().expect("reads");
    assert_eq!(epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    let file = std::fs::read_to_string(home.join("keys/log.json")).expect("reads");
    assert_eq!(file.matches("\"enc\"").count(), 1, "one private key is left");
    let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
    let given = Verification {
        // Not the one beside the keys: processes that write it at the same moment may tear it.
        local_anchor: Some(store.latest().expect("reads").note),
        vault: Some(&first),
        unlocked: Some(&owner),
        ..Verification::new(&store, &epochs)
    };
    let report = verify(&given, &mut |_, _| {});
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
    assert_eq!(report.size, 2 * APPENDS + 2 * ROTATIONS * 2);
}
