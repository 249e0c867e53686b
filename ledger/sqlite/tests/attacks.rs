//! A real ledger is attacked by a program that shares no code with its verification (tests/attack/ledger_attack.py), one
//! test for each attack, and flipped at random. What verification has to say stands in the tables below.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use provenote_ledger::conformance::Seeded;
use provenote_ledger::log::{Body, NewEntry, OpenError, Query};
use provenote_ledger::store::Anchor as _;
use provenote_ledger::vault::{Destruction, Extent};
use provenote_ledger::verify::FindingKind::{self as Kind, *};
use provenote_ledger::verify::Verdict::{self, *};
use provenote_ledger::{
    Argon2Params, Entropy, Epoch, Fact, GivenAnchor, Log, LogSigner, Report, Unlocked, Vault, Verification, verify,
};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use tempfile::TempDir;
use zeroize::Zeroizing;

const PASSPHRASE: &[u8] = b"five random words in order";
/// What the practice gave away, known outside: a checkpoint of its first 300 entries.
const HANDED_OUT: &str = "consent-signed.pdf";

/// Randomness that remembers what it gave: an insider knows the log's seeds.
struct Remembering {
    inner: Seeded,
    given: Vec<[u8; 32]>,
}

impl Entropy for Remembering {
    fn fill(&mut self, out: &mut [u8]) {
        self.inner.fill(out);
        if let Ok(seed) = <[u8; 32]>::try_from(&*out) {
            self.given.push(seed);
        }
    }
}

struct Practice {
    home: PathBuf,
    log: Log,
    vault: Vault,
    owner: Unlocked,
    signer: LogSigner,
    random: Remembering,
    seeds: Vec<[u8; 32]>,
    time: i64,
}

fn vault_of(home: &Path) -> Vault {
    let keys = FileKeys::open(home.join("keys")).expect("a folder of keys");
    let blobs = FileBlobs::open(home.join("blobs")).expect("a folder of blobs");
    Vault::new(Box::new(keys), Box::new(blobs))
}

fn anchor_of(home: &Path) -> FileAnchor {
    FileAnchor::new(home.join("keys/anchor"))
}

impl Practice {
    fn begin(home: &Path, seed: u64) -> Self {
        let mut random = Remembering { inner: Seeded::new(seed), given: Vec::new() };
        let mut vault = vault_of(home);
        let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
        let owner = vault.create_user("usr-owner", PASSPHRASE, small, &mut random).expect("makes a user");
        let signer = vault.create_log_key(&owner, &mut random).expect("makes a key");
        vault.create_class_key("clinical", "cli-1", &[owner.public()], &mut random).expect("makes a class");
        let store = SqliteStore::create(&home.join("ledger.db")).expect("makes a database");
        let log = Log::create(Box::new(store), &signer, Box::new(anchor_of(home))).expect("begins");
        let mut practice = Self {
            home: home.to_owned(),
            log,
            vault,
            owner,
            signer,
            random,
            seeds: Vec::new(),
            time: 1_780_000_000_000,
        };
        practice.remember_seed();
        practice
    }

    /// The seed of the key that signs now.
    fn remember_seed(&mut self) {
        let origin = self.signer.origin().to_owned();
        let signs = |seed: &&[u8; 32]| {
            LogSigner::new(&origin, &Zeroizing::new(**seed)).is_ok_and(|s| s.verifier() == self.signer.verifier())
        };
        self.seeds.push(*self.random.given.iter().find(signs).expect("the key is made of it"));
    }

    fn add(&mut self, entries: Vec<NewEntry>) {
        self.time += 1_000;
        self.log.append(self.time, &self.signer, entries).expect("appends");
    }

    fn view(&mut self, times: usize) {
        let viewed =
            (0..times).map(|n| NewEntry::new("usr-owner", "client.viewed").refer("client", format!("cli-{n}")));
        let viewed: Vec<NewEntry> = viewed.collect();
        for part in viewed.chunks(7) {
            self.add(part.to_vec());
        }
    }

    fn group(&mut self, name: &str) {
        self.vault.create_group(&self.owner, name, "clinical", "cli-1", &mut self.random).expect("makes a group");
    }

    /// One entry with a text sealed under a group of its own.
    fn output(&mut self, group: &str) {
        self.group(group);
        let text = format!("what the model answered for {group}");
        let sealed = self
            .vault
            .seal(&self.owner, group, "output", "text/plain", text.as_bytes(), &mut self.random)
            .expect("seals");
        self.add(vec![NewEntry::new("usr-owner", "output.received").payload(sealed)]);
    }

    fn rotate(&mut self) {
        self.time += 1_000;
        let lock = self.vault.lock_log_key().expect("locks");
        let next = self.vault.prepare_log_key(&lock, &self.owner, &[], &mut self.random).expect("makes a key");
        self.log.rotate(self.time, "usr-owner", &self.signer, &next, None).expect("rotates");
        self.vault.settle_log_key(&lock, self.log.epochs()).expect("settles");
        self.signer = next;
        self.remember_seed();
    }

    fn destroy(&mut self, group: &str) {
        let entry = NewEntry::new("usr-owner", "record.destroyed").refer("group", group);
        self.add(vec![entry.fact("basis", Fact::Text("RET-10".to_owned()))]);
        let seq = self.size() - 1;
        let noted = Destruction {
            extent: Extent::Group,
            name: group.to_owned(),
            seq,
            time: self.time,
            by: "usr-owner".to_owned(),
        };
        self.vault.note_destructions(&self.owner, &[noted]).expect("notes");
        self.vault.destroy_group(group, &[]).expect("destroys");
        self.log.delete_ciphertext(group).expect("destroys");
    }

    fn size(&self) -> u64 {
        self.log.size().expect("reads")
    }

    /// A copy of the files as they are at this moment, the journal folded into the database.
    fn copy_to(&self, to: &Path) {
        fold(&self.home);
        copy(&self.home, to);
    }
}

fn fold(home: &Path) {
    let database = rusqlite::Connection::open(home.join("ledger.db")).expect("opens");
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("folds");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes a folder");
    for entry in fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        let (path, name) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &name);
        } else if path.extension().is_none_or(|ending| ending != "db-shm") {
            fs::copy(&path, &name).expect("copies");
        }
    }
}

/// Made once, and never changed: `practice`, an `old` copy of it, `other`, and the practice's seeds.
struct Base {
    folder: TempDir,
    handed_out: String,
}

impl Base {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// 310 entries, the first 256 packed. Positions that the tables below name:
/// 1 to 6, 271 to 276 and 290 to 295 seal a text each; 7 a recording; 8 announces a group that nothing was sealed under;
/// 270 and 278 rotate the key; 277 destroys what entry 4 sealed.
fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().join("practice");
        fs::create_dir_all(&home).expect("makes a folder");
        let mut practice = Practice::begin(&home, 1);
        practice.view(1);
        (1..=6).for_each(|n| practice.output(&format!("grp-{n}")));
        practice.group("grp-audio");
        let mut audio = practice
            .vault
            .seal_stream(&practice.owner, "grp-audio", "audio", "audio/L16", &mut practice.random)
            .expect("begins");
        std::io::Write::write_all(&mut audio, &[7; 150_000]).expect("writes");
        let audio = audio.finish().expect("finishes");
        assert_eq!(audio.body, Body::Blob);
        practice.add(vec![NewEntry::new("usr-owner", "session.recorded").payload(audio)]);
        practice.group("grp-unused");
        practice.add(vec![NewEntry::new("usr-owner", "session.recorded").refer("working", "grp-unused")]);
        practice.view(261);
        assert_eq!(practice.size(), 270);
        practice.rotate();
        (271..=276).for_each(|n| practice.output(&format!("grp-{n}")));
        practice.copy_to(&folder.path().join("old"));
        practice.destroy("grp-4");
        practice.rotate();
        practice.view(11);
        (290..=295).for_each(|n| practice.output(&format!("grp-{n}")));
        practice.view(4);
        assert_eq!(practice.size(), 300);
        let handed_out = practice.log.checkpoint().expect("reads");
        practice.view(10);
        let seeds: String = practice.seeds.iter().map(|seed| hex(seed) + "\n").collect();
        fs::write(folder.path().join("seeds"), seeds).expect("writes");
        fold(&home);
        drop(practice);

        let other = folder.path().join("other");
        fs::create_dir_all(&other).expect("makes a folder");
        let mut practice = Practice::begin(&other, 2);
        practice.view(20);
        fold(&other);
        Base { folder, handed_out }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What verification has at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// What lies in the practice's own folder.
    Own,
    /// And a checkpoint that was handed out.
    Outside,
}
use Evidence::{Outside, Own};

/// Runs an attack on a copy; the copy.
fn attacked(name: &str, options: &[&str]) -> TempDir {
    let base = base();
    let copied = tempfile::tempdir().expect("a folder");
    let home = copied.path().join("practice");
    copy(&base.path("practice"), &home);
    // Relative to the package, where cargo runs its tests: build products are kept between checkouts, so the folder they
    // were compiled in may be gone.
    let program = PathBuf::from("../../tests/attack/ledger_attack.py");
    let mut command = Command::new("python3");
    command.arg(&program).arg(name).arg(&home);
    command.arg("--old").arg(base.path("old")).arg("--other").arg(base.path("other"));
    for option in options {
        match *option {
            "--insider" => command.arg("--seeds").arg(base.path("seeds")),
            other => command.arg(other),
        };
    }
    let ran = command.output().expect("python3 is needed for the attacks: run scripts/install-deps.sh test");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(
        !said.contains("No module named 'cryptography'"),
        "python3's package `cryptography` is needed for the attacks: run scripts/install-deps.sh test"
    );
    assert!(ran.status.success(), "the attack {name} could not be made: {said}");
    copied
}

fn examine(home: &Path, evidence: Evidence) -> Report {
    let vault = vault_of(home);
    let epochs = vault.epochs().unwrap_or_default();
    let local_anchor = anchor_of(home).read().expect("reads");
    let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
    let unlocked = vault.unlock("usr-owner", PASSPHRASE).ok();
    let handed = [GivenAnchor { label: HANDED_OUT.to_owned(), note: base().handed_out.clone() }];
    let given = Verification {
        local_anchor,
        anchors: if evidence == Outside { &handed } else { &[] },
        vault: Some(&vault),
        unlocked: unlocked.as_ref(),
        ..Verification::new(&store, &epochs)
    };
    verify(&given, &mut |_, _| {})
}

fn expect(attack: &str, options: &[&str], evidence: Evidence, verdict: Verdict, finding: Option<(Kind, Option<u64>)>) {
    let copied = attacked(attack, options);
    let report = examine(&copied.path().join("practice"), evidence);
    let told = serde_json::to_string_pretty(&report).expect("JSON");
    assert_eq!(report.verdict, verdict, "{told}");
    match finding {
        None => assert_eq!(report.findings, [], "{told}"),
        Some((kind, seq)) => {
            let named = |f: &provenote_ledger::Finding| f.kind == kind && f.seq == seq;
            assert!(report.findings.iter().any(named), "no {kind:?} of {seq:?} in {told}");
        }
    }
}

macro_rules! attacks {
    ($($test:ident: $attack:literal $options:expr, $evidence:expr => $verdict:expr, $finding:expr;)+) => {
        $(#[test] fn $test() { expect($attack, &$options, $evidence, $verdict, $finding); })+
    };
}

// An insider has the log's keys; `--local-anchor` replaces the checkpoint beside the keys as well.
attacks! {
    // The attacker builds what the program builds, to the byte.
    the_same_again: "nothing" ["--insider"], Outside => Intact, None;

    edit_in_a_bundle: "edit" ["--seq", "3"], Own => Altered, Some((AlteredEntry, Some(3)));
    edit_in_the_tail: "edit" ["--seq", "280"], Own => Altered, Some((AlteredEntry, Some(280)));
    edit_of_the_last: "edit" ["--seq", "309"], Own => Altered, Some((Rewritten, Some(309)));
    edit_with_hashes_made_to_fit: "edit-and-fit" ["--seq", "3"], Own => Altered, Some((RootMismatch, Some(309)));
    edit_that_is_no_entry: "garble" ["--seq", "5"], Own => Altered, Some((AlteredEntry, Some(5)));
    deletion: "delete" ["--seq", "3"], Own => Altered, Some((MissingEntry, Some(3)));
    deletion_in_the_tail: "delete" ["--seq", "301"], Own => Altered, Some((MissingEntry, Some(301)));
    deletion_with_hashes_made_to_fit: "delete-and-fit" ["--seq", "280"], Own
        => Verdict::Truncated, Some((Kind::Truncated, Some(309)));
    insertion: "insert" ["--seq", "3"], Own => Altered, Some((OutOfOrder, Some(4)));
    insertion_with_hashes_made_to_fit: "insert-and-fit" ["--seq", "280"], Own => Altered, Some((Rewritten, Some(309)));
    reordering: "reorder" ["--seq", "20"], Own => Altered, Some((OutOfOrder, Some(20)));
    reordering_with_hashes_made_to_fit: "reorder-and-fit" ["--seq", "20"], Own => Altered, Some((RootMismatch, Some(309)));

    an_entry_without_a_checkpoint: "append-unsigned" [], Outside => Unsigned, Some((UnsignedEntries, Some(310)));
    an_entry_under_a_forged_checkpoint: "append-with-forged-head" [], Outside => Unsigned, Some((BadSignature, Some(310)));

    dropped_tail: "drop-tail" ["--seq", "305"], Own => Verdict::Truncated, Some((Kind::Truncated, Some(305)));
    dropped_tail_signed: "drop-tail-and-sign" ["--seq", "305", "--insider"], Own
        => Verdict::RolledBack, Some((Kind::RolledBack, Some(305)));
    dropped_tail_signed_with_the_local_anchor: "drop-tail-and-sign" ["--seq", "297", "--insider", "--local-anchor"], Outside
        => Verdict::RolledBack, Some((Kind::RolledBack, Some(297)));
    dropped_tail_to_an_old_checkpoint: "drop-tail-to-an-old-head" [], Own
        => Verdict::RolledBack, Some((Kind::RolledBack, Some(277)));
    empty_database: "empty" [], Own => Verdict::Truncated, Some((Kind::Truncated, Some(0)));
    empty_database_signed: "empty-and-sign" ["--insider", "--local-anchor"], Outside
        => Verdict::RolledBack, Some((Kind::RolledBack, Some(0)));
    replaced_database: "replace-database" [], Own => Altered, Some((AlteredIdentity, None));
    replaced_database_under_this_name: "replace-database-and-identity" [], Own
        => Verdict::Truncated, Some((Kind::RolledBack, Some(20)));
    older_copy: "older-copy" [], Own => Verdict::RolledBack, Some((Kind::RolledBack, Some(277)));
    // The key files know a key that the older copy does not.
    older_copy_with_the_local_anchor: "older-copy" ["--local-anchor"], Own
        => Verdict::RolledBack, Some((Kind::RolledBack, Some(277)));

    fork: "fork" ["--insider"], Own => Altered, Some((Rewritten, Some(309)));
    fork_with_the_local_anchor: "fork" ["--insider", "--local-anchor"], Outside
        => Altered, Some((MissingEpoch, Some(278)));
    rewrite: "edit-and-fit" ["--seq", "3", "--insider"], Own => Altered, Some((Rewritten, Some(309)));
    rewrite_with_the_local_anchor: "edit-and-fit" ["--seq", "3", "--insider", "--local-anchor"], Outside
        => Altered, Some((Rewritten, Some(299)));
    deletion_signed: "delete-and-fit" ["--seq", "285", "--insider", "--local-anchor"], Outside
        => Altered, Some((Rewritten, Some(299)));
    insertion_signed: "insert-and-fit" ["--seq", "285", "--insider", "--local-anchor"], Outside
        => Altered, Some((Rewritten, Some(299)));
    reordering_signed: "reorder-and-fit" ["--seq", "285", "--insider", "--local-anchor"], Outside
        => Altered, Some((Rewritten, Some(299)));

    clock_set_back: "backdate" ["--seq", "305", "--insider", "--local-anchor"], Outside
        => Altered, Some((TimeWentBack, Some(305)));
    entries_dated_before_their_key: "backdate-before-epoch" ["--seq", "300", "--insider", "--local-anchor"], Outside
        => Verdict::WrongEpoch, Some((BeforeEpoch, Some(300)));
    missing_epoch: "skip-epoch" ["--insider", "--local-anchor"], Own
        => Verdict::WrongEpoch, Some((MissingEpoch, Some(278)));
    hidden_epoch: "hide-epoch" ["--insider", "--local-anchor"], Own
        => Verdict::WrongEpoch, Some((MissingEpoch, Some(278)));
    hidden_epoch_forgotten_by_the_key_files: "hide-epoch-everywhere" ["--insider", "--local-anchor"], Outside
        => Unanchored, Some((AnchorRefused, None));
    stolen_epoch: "steal-epoch" ["--insider", "--local-anchor"], Own
        => Verdict::WrongEpoch, Some((Kind::WrongEpoch, Some(278)));
    signed_with_a_retired_key: "sign-with-retired-key" ["--seq", "305", "--insider", "--local-anchor"], Outside
        => Verdict::WrongEpoch, Some((Kind::WrongEpoch, Some(309)));
    epochs_of_the_key_files_moved: "move-epoch" [], Own => Verdict::WrongEpoch, Some((Kind::WrongEpoch, Some(278)));

    tile: "change-tile" ["--seq", "5"], Own => Altered, Some((AlteredTile, Some(5)));
    hidden_from_the_index: "hide-from-index" ["--seq", "3"], Own => Altered, Some((AlteredIndex, None));

    ciphertexts_swapped: "swap-ciphertexts" ["--seq", "1"], Own => Altered, Some((AlteredPayload, Some(1)));
    ciphertexts_swapped_and_signed: "swap-ciphertexts-and-fit" ["--seq", "1", "--insider", "--local-anchor"], Own
        => Altered, Some((AlteredPayload, Some(1)));
    commitment_that_does_not_open: "break-commitment" ["--seq", "2", "--insider", "--local-anchor"], Own
        => Altered, Some((AlteredPayload, Some(2)));
    ciphertext_changed: "change-ciphertext" ["--seq", "2"], Own => Altered, Some((AlteredPayload, Some(2)));
    wrapped_key_changed: "change-wrapped-key" ["--seq", "2"], Own => Altered, Some((AlteredPayload, Some(2)));
    payload_removed: "remove-payload" ["--seq", "2"], Own => Incomplete, Some((MissingPayload, Some(2)));
    payload_slipped_in: "add-payload" [], Own => Altered, Some((UnloggedPayload, None));
    recording_removed: "remove-blob" ["--seq", "7"], Own => Incomplete, Some((MissingPayload, Some(7)));
    recording_changed: "change-blob" ["--seq", "7"], Own => Altered, Some((AlteredPayload, Some(7)));

    destroyed_without_an_entry: "destroy-unlogged" ["--seq", "2"], Own => Incomplete, Some((DestroyedWithoutEntry, Some(2)));
    unused_key_destroyed: "destroy-unused-key" ["--seq", "8"], Own => Incomplete, Some((DestroyedWithoutEntry, Some(8)));
    destruction_pretended: "pretend-destruction" ["--seq", "6", "--insider", "--local-anchor"], Outside
        => Incomplete, Some((FakeDestruction, Some(310)));
    destroyed_key_put_back: "restore-destroyed-key" ["--seq", "277"], Own
        => Incomplete, Some((FakeDestruction, Some(277)));

    checkpoint_of_another_practice: "replay-checkpoint" [], Own => Altered, Some((AlteredCheckpoint, Some(19)));
    checkpoint_of_another_practice_renamed: "replay-checkpoint-renamed" [], Own
        => Unsigned, Some((BadSignature, Some(19)));
    anchor_of_another_practice: "replay-anchor" [], Outside => Unanchored, Some((AnchorRefused, None));
}

#[test]
fn what_is_as_it_was_is_told_in_full() {
    let report = examine(&base().path("practice"), Outside);
    assert_eq!((report.verdict, report.findings.as_slice()), (Intact, &[][..]));
    assert_eq!((report.size, report.signed, report.anchored_to), (310, true, Some(310)));
    assert_eq!(report.anchored_by.as_deref(), Some("the checkpoint beside the keys"));
    let unanchored = report.unanchored.expect("ten entries are after what was handed out");
    assert_eq!((unanchored.from_seq, unanchored.entries), (300, 10));
    assert!(unanchored.since.is_some_and(|since| since.starts_with("2026-")));
    let epochs: Vec<_> = report.epochs.iter().map(|epoch| (epoch.number, epoch.from_size, epoch.seq)).collect();
    assert_eq!(epochs, [(1, 0, None), (2, 271, Some(270)), (3, 279, Some(278))]);
    let [destroyed] = report.destroyed.as_slice() else { panic!("{:?}", report.destroyed) };
    assert_eq!((destroyed.seq, destroyed.group.as_str(), destroyed.actor.as_str()), (277, "grp-4", "usr-owner"));
    assert_eq!((destroyed.basis.as_deref(), destroyed.carried_out), (Some("RET-10"), Some(true)));
    let payloads: Vec<_> = destroyed.payloads.iter().map(|payload| (payload.seq, payload.name.as_str())).collect();
    assert_eq!(payloads, [(4, "output")]);
    let handed = report.anchors.iter().find(|anchor| anchor.label == HANDED_OUT).expect("is told");
    assert_eq!((handed.size, handed.local), (Some(300), false));
    assert!(report.cannot_show.contains("never recorded"));
}

/// What no verification finds: the insider rewrites what nobody outside knows yet. It is said in each run.
#[test]
fn what_an_insider_rewrites_after_the_last_anchor_is_said_to_be_open_to_it() {
    let copied = attacked("edit-and-fit", &["--seq", "305", "--insider", "--local-anchor"]);
    let report = examine(&copied.path().join("practice"), Outside);
    assert_eq!(report.verdict, Intact);
    assert!(report.unanchored.is_some_and(|unanchored| (unanchored.from_seq..310).contains(&305)));
    assert!(report.notes.iter().any(|note| note.contains("could have rewritten them")), "{:?}", report.notes);
}

#[test]
fn a_clock_reset_that_reaches_before_the_key_is_told() {
    let copied = attacked("reset-clock-before-epoch", &["--seq", "300", "--insider", "--local-anchor"]);
    let report = examine(&copied.path().join("practice"), Outside);
    assert_eq!(report.findings, []);
    let told = |words: &str| report.notes.iter().any(|note| note.contains(words));
    assert!(told("before") && told("accepted a clock that was behind"), "{:?}", report.notes);
}

#[test]
fn the_anchor_that_tells_is_named() {
    let copied = attacked("edit-and-fit", &["--seq", "3", "--insider", "--local-anchor"]);
    let report = examine(&copied.path().join("practice"), Outside);
    let rewritten = report.findings.iter().find(|finding| finding.kind == Rewritten).expect("is found");
    assert!(rewritten.detail.starts_with(HANDED_OUT), "{}", rewritten.detail);
}

/// Opening reads a path, not the log, and still does not add to what was rolled back, forked or robbed of a key.
#[test]
fn what_was_rolled_back_or_forked_does_not_open() {
    let open = |attack: &str, options: &[&str]| {
        let copied = attacked(attack, options);
        let home = copied.path().join("practice");
        let epochs = vault_of(&home).epochs().expect("reads");
        let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
        Log::open(Box::new(store), &epochs, Box::new(anchor_of(&home))).map(|_| ())
    };
    assert!(open("nothing", &[]).is_ok());
    assert!(matches!(open("older-copy", &[]), Err(OpenError::RolledBack { size: 277, .. })));
    assert!(matches!(open("older-copy", &["--local-anchor"]), Err(OpenError::RolledBack { size: 277, .. })));
    let dropped = open("drop-tail-and-sign", &["--seq", "305", "--insider"]);
    assert!(matches!(dropped, Err(OpenError::RolledBack { size: 305, anchor: 310 })));
    assert!(matches!(open("edit-and-fit", &["--seq", "3", "--insider"]), Err(OpenError::Forked(310))));
    assert!(matches!(open("edit-and-fit", &["--seq", "3"]), Err(OpenError::Altered)));
    assert!(matches!(open("hide-epoch", &["--insider", "--local-anchor"]), Err(OpenError::Keys(_))));
    assert!(matches!(open("steal-epoch", &["--insider", "--local-anchor"]), Err(OpenError::Keys(_))));
    assert!(matches!(open("replay-anchor", &[]), Err(OpenError::ForeignAnchor)));
    assert!(matches!(open("append-with-forged-head", &[]), Err(OpenError::NotOurs(_))));
}

/// What a reader gets: entries, checkpoint, searches, opened payloads, and the keys.
fn content(home: &Path) -> Result<Vec<String>, String> {
    let vault = vault_of(home);
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let owner = vault.unlock("usr-owner", PASSPHRASE).map_err(|error| told(&error))?;
    let epochs = vault.epochs().map_err(|error| told(&error))?;
    let store = SqliteStore::open(&home.join("ledger.db")).map_err(|error| told(&error))?;
    let log = Log::open(Box::new(store), &epochs, Box::new(anchor_of(home))).map_err(|error| told(&error))?;
    let signer = log.key().map(|key| vault.log_signer_of(&owner, key));
    signer.transpose().map_err(|error| told(&error))?;
    let mut content =
        vec![format!("{:?}", log.checkpoint()), format!("{:?}", epochs.iter().map(epoch_text).collect::<Vec<_>>())];
    let users = vault.users().map_err(|error| told(&error))?;
    content.push(format!("{users:?}"));
    let groups = vault.groups().map_err(|error| told(&error))?;
    for group in &groups {
        vault.check_group(&owner, group).map_err(|error| told(&error))?;
    }
    content.push(format!("{groups:?} {:?}", vault.destructions().map_err(|error| told(&error))?));
    for seq in 0..log.size().map_err(|error| told(&error))? {
        let header = log.header(seq).map_err(|error| told(&error))?;
        content.push(format!("{:?}", log.entry_bytes(seq).map_err(|error| told(&error))?));
        for reference in &header.payloads {
            let sealed = log.sealed(reference).map_err(|error| told(&error))?;
            let opened = sealed.map(|(wrapped, body)| vault.open(&owner, reference, &wrapped, &body));
            content.push(format!("{:?}", opened.map(|opened| opened.map_err(|error| told(&error)))));
        }
    }
    for kind in ["client.viewed", "output.received", "log.key_rotated"] {
        let found = log.find(&Query::kind(kind)).map_err(|error| told(&error))?;
        content.push(format!("{:?}", found.iter().map(|header| header.seq).collect::<Vec<_>>()));
    }
    Ok(content)
}

fn epoch_text(epoch: &Epoch) -> String {
    format!("{} {} {}", epoch.number, epoch.from_size, epoch.key)
}

/// Bits of the database, its journal and the key files flipped at random: never a panic, and never "intact" where a
/// reader gets anything else than before. How many times: `PROVENOTE_FLIPS`, 300 unless told.
#[test]
fn flipped_bits_are_found_wherever_they_lie() {
    let times: u64 = std::env::var("PROVENOTE_FLIPS").ok().and_then(|times| times.parse().ok()).unwrap_or(300);
    // With commits that lie in the journal alone: the process still runs.
    let folder = tempfile::tempdir().expect("a folder");
    let (home, whole) = (folder.path().join("practice"), folder.path().join("whole"));
    copy(&base().path("practice"), &home);
    let vault = vault_of(&home);
    let owner = vault.unlock("usr-owner", PASSPHRASE).expect("opens");
    let store = SqliteStore::open(&home.join("ledger.db")).expect("opens");
    let mut log =
        Log::open(Box::new(store), &vault.epochs().expect("reads"), Box::new(anchor_of(&home))).expect("opens");
    let signer = vault.log_signer(&owner).expect("opens");
    for n in 0..5 {
        let entry = NewEntry::new("usr-owner", "client.viewed").refer("client", format!("cli-late-{n}"));
        log.append(1_790_000_000_000, &signer, vec![entry]).expect("appends");
    }
    copy(&home, &whole);
    drop(log);
    assert!(fs::metadata(whole.join("ledger.db-wal")).expect("a journal").len() > 4_096);
    assert_eq!(examine_copy(&whole, folder.path()).verdict, Intact);
    let before = content(&copied(&whole, folder.path())).expect("reads");

    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    gather(&whole, &whole, &mut files);
    let kinds = ["ledger.db", "ledger.db-wal", "keys/"];
    let mut found = BTreeMap::from(kinds.map(|kind| (kind, 0_u64)));
    for seed in 0..times {
        let mut random = Seeded::new(seed + 1_000);
        let mut words = [0; 24];
        random.fill(&mut words);
        let word = |at: usize| usize::from_be_bytes(words[at..at + 8].try_into().expect("eight bytes"));
        let kind = kinds[(seed % 3) as usize];
        let of_kind =
            |path: &&PathBuf| path.to_str().is_some_and(|p| p == kind || kind.ends_with('/') && p.starts_with(kind));
        let of_kind: Vec<&PathBuf> = files.keys().filter(of_kind).filter(|path| !files[*path].is_empty()).collect();
        let path = of_kind[word(0) % of_kind.len()];
        let mut bytes = files[path].clone();
        let at = word(8) % bytes.len();
        bytes[at] ^= 1 << (word(16) % 8);
        let home = copied(&whole, folder.path());
        fs::write(home.join(path), &bytes).expect("writes");
        let what = format!("seed {seed}: byte {at} of {}", path.display());
        // Verification looks first, as the first to open the copy.
        let intact = match SqliteStore::open(&home.join("ledger.db")) {
            Ok(store) => {
                drop(store);
                examine(&home, Outside).verdict == Intact
            }
            Err(_) => false,
        };
        let changed = content(&home).map_or(true, |after| after != before);
        assert!(!(intact && changed), "{what}");
        *found.entry(kind).or_default() += u64::from(!intact);
        fs::remove_dir_all(&home).expect("removes");
    }
    if times >= 300 {
        assert!(found.values().all(|found| *found > times / 30), "flips matter everywhere: {found:?} of {times}");
    }
}

fn copied(whole: &Path, folder: &Path) -> PathBuf {
    let home = folder.join("copy");
    if home.exists() {
        fs::remove_dir_all(&home).expect("removes");
    }
    copy(whole, &home);
    home
}

fn examine_copy(whole: &Path, folder: &Path) -> Report {
    examine(&copied(whole, folder), Outside)
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below").to_owned();
            files.insert(name, fs::read(&path).expect("reads"));
        }
    }
}
