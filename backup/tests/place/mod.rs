//! A practice on a disk, with clients and what was recorded of them. Each test program uses a part of it.

#![allow(dead_code)]

use std::cell::Cell;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use provenote_backup::{Backup, Created, Source, create};
use provenote_consent::Particulars;
use provenote_ledger::{Argon2Params, Entropy, Log, Report, Store as _, Vault, Verification};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use provenote_pipeline::engine::ModelFile;
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::ports::{Clock, Models};
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, PracticeRecord, found};
use provenote_practice::{Actor, Practice};
use provenote_schemas::consent::Evidence;
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::{Digest, Time};
use provenote_templates::Shelf as Templates;
use zeroize::Zeroizing;

/// A clock that tests move.
#[derive(Clone)]
pub(crate) struct Hand(pub(crate) Rc<Cell<i64>>);

impl Clock for Hand {
    fn now(&self) -> Time {
        Time::from_millis(self.0.get())
    }
}

/// Bytes that never repeat within a test.
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bytes = (self.0 ^ (self.0 >> 29)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

struct Shelf;

impl Models for Shelf {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        Some(ModelFact {
            id: id.to_owned(),
            name: id.to_owned(),
            maker: "A maker".to_owned(),
            sha256: Digest::of(id.as_bytes()),
        })
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        Ok(ModelFile { id: id.to_owned(), path: "/nowhere".into(), sha256: Digest::of(id.as_bytes()) })
    }
}

pub(crate) const PASSPHRASE: &[u8] = b"five random words in order";

/// What is open of a practice's folder.
pub(crate) struct Open {
    pub(crate) practice: Practice,
    pub(crate) actor: Actor,
}

/// Folders of one test: the practice, its backups, the new machine.
pub(crate) struct Place {
    dir: tempfile::TempDir,
    pub(crate) clock: Hand,
    pub(crate) recovery: Zeroizing<String>,
    pub(crate) user: String,
    pub(crate) vkey: String,
    seeds: Cell<u64>,
}

/// A client.
pub(crate) struct Client {
    pub(crate) id: String,
}

pub(crate) fn practice(seed: u64) -> (Place, Open) {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Hand(Rc::new(Cell::new(1_800_000_000_000)));
    let home = dir.path().join("home");
    fs::create_dir(&home).expect("makes it");
    let parts = Parts {
        store: Box::new(SqliteStore::create(&home.join("ledger.db")).expect("makes it")),
        keys: Box::new(FileKeys::open(home.join("keys")).expect("makes it")),
        blobs: Box::new(FileBlobs::open(home.join("blobs")).expect("makes it")),
        anchor: Box::new(FileAnchor::new(home.join("keys/anchor"))),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(seed)),
    };
    let record = PracticeRecord {
        name: "Elm Street Counseling".to_owned(),
        clinician: "Dana Reyes".to_owned(),
        license: None,
        state: "il".to_owned(),
    };
    let light = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, light).expect("a practice");
    let place = Place {
        dir,
        clock,
        recovery: made.recovery_code,
        user: made.actor.user().to_string(),
        vkey: made.vkey,
        seeds: Cell::new(seed << 20),
    };
    (place, Open { practice: made.practice, actor: made.actor })
}

impl Place {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.path("backups")
    }

    pub(crate) fn back_up(&self, open: &mut Open) -> Created {
        self.clock.0.set(self.clock.0.get() + 1_000);
        let seq = open.practice.backup_created(&open.actor).expect("an entry");
        let (home, into) = (self.home(), self.backups());
        create(&Source { home: &home, into: &into, seq, made: self.clock.0.get(), by: open.actor.keys() })
            .expect("a backup")
    }

    /// A copy of a file of the backups, kept apart.
    pub(crate) fn keep(&self, file: &Path, name: &str) -> PathBuf {
        let kept = self.path(name);
        fs::copy(file, &kept).expect("copies");
        kept
    }

    pub(crate) fn newest(&self) -> Backup {
        Backup::newest(&self.backups()).expect("a backup")
    }

    pub(crate) fn opened(&self, home: &Path) -> Practice {
        let vault = vault(home);
        let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
        let epochs = vault.epochs().expect("reads");
        let log =
            Log::open(Box::new(store), &epochs, Box::new(FileAnchor::new(home.join("keys/anchor")))).expect("opens");
        self.seeds.set(self.seeds.get() + 1);
        Practice::open(log, vault, Box::new(self.clock.clone()), Box::new(Counting(self.seeds.get())))
    }

    pub(crate) fn signed_in(&self, home: &Path) -> Open {
        let practice = self.opened(home);
        let actor = practice.sign_in(&self.user, PASSPHRASE).expect("the passphrase fits");
        Open { practice, actor }
    }
}

pub(crate) fn vault(home: &Path) -> Vault {
    let keys = FileKeys::open(home.join("keys")).expect("opens");
    let blobs = FileBlobs::open(home.join("blobs")).expect("opens");
    Vault::new(Box::new(keys), Box::new(blobs))
}

/// What the ledger's verifier says of a folder, with its user's keys at hand.
pub(crate) fn verified(home: &Path, open: &Open) -> Report {
    let vault = vault(home);
    let store = SqliteStore::snapshot(&home.join("ledger.db")).expect("opens");
    let local_anchor = fs::read_to_string(home.join("keys/anchor")).ok();
    assert!(store.latest().is_ok());
    provenote_ledger::verify(
        &Verification {
            local_anchor,
            vault: Some(&vault),
            unlocked: Some(open.actor.keys()),
            ..Verification::new(&store, &vault.epochs().expect("reads"))
        },
        &mut |_, _| {},
    )
}

impl Open {
    /// A client with a consent and a recording.
    pub(crate) fn client(&mut self, name: &str) -> Client {
        let asked = NewClient { name: name.to_owned(), ..NewClient::default() };
        let id = self.practice.add_client(&self.actor, &asked).expect("a client").client.to_string();
        let form = FormRequest { client: &id, template: None, lang: "en", particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &form, &Templates::bundled(), &Shelf).expect("a form");
        let signature = SignRequest {
            participant: name,
            consent: None,
            taken: SignatureTaken::Typed(name.to_owned()),
            evidence: Evidence::default(),
        };
        self.practice.consent_sign(&self.actor, &id, signature, &Shelf).expect("a signature");
        self.session(&id);
        Client { id }
    }

    fn session(&mut self, client: &str) {
        let recording = || {
            let blocks = (0..3).map(|_| Ok(vec![0.25_f32; 16_000]));
            Ok(Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None })
        };
        let held = SessionAsked::default();
        let added = self
            .practice
            .add_session(&self.actor, client, &held, &Shelf, recording, &mut |_, _| ControlFlow::Continue(()));
        added.expect("a session");
    }

    /// Which payloads of a client's entries open with the user's keys, whatever the practice's own rules say.
    pub(crate) fn opening(&self, client: &str) -> Vec<bool> {
        let entries = self.practice.ledger_log(None, Some(client), None).expect("reads");
        let payloads = entries.iter().flat_map(|header| &header.payloads);
        payloads
            .map(|payload| {
                let sealed = self.practice.log().sealed(payload).expect("reads");
                sealed.is_some_and(|(wrapped, body)| {
                    self.practice.vault().open(self.actor.keys(), payload, &wrapped, &body).is_ok()
                })
            })
            .collect()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let entries = self.practice.ledger_log(None, None, None).expect("reads");
        entries.into_iter().map(|header| header.kind).collect()
    }
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("lists") {
            let path = entry.expect("lists").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
