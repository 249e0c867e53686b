use super::*;
use crate::conformance::{Fault, Faulty, Seeded, entry, signer};
use crate::log::{AppendError, Log, OpenError};
use crate::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use crate::note::{Checkpoint, SignedNote};
use crate::store::{NoAnchor, StoreError};
use crate::vault::{Argon2Params, KeyStore, Unlocked, Vault, VaultError};
use std::io;
use std::sync::{Arc, Mutex};

fn epoch(signer: &LogSigner, number: u32, from_size: u64) -> Epoch {
    Epoch { number, from_size, key: signer.verifier().clone() }
}

fn header(rotation: &Rotation, seq: u64) -> Header {
    let entry = rotation.entry("usr-owner");
    Header {
        v: 1,
        seq,
        time: 1,
        prev: crate::Hash::ZERO,
        actor: entry.actor,
        kind: entry.kind,
        refs: entry.refs,
        facts: entry.facts,
        payloads: Vec::new(),
    }
}

#[test]
fn a_rotation_comes_back_from_its_entry_and_names_its_epoch() {
    let (old, new) = (signer(1), signer(2));
    let rotation = Rotation::sign(&old, &new, 2, 8, Some(5));
    let bytes = header(&rotation, 7).encode();
    let read = Rotation::read(&Header::parse(&bytes).expect("a header holds it")).expect("reads");
    assert_eq!(read, rotation);
    assert_eq!(read.after(&epoch(&old, 1, 0), 7), Ok(epoch(&new, 2, 8)));
    assert_eq!(read.compromised_after(), Some(5));
}

#[test]
fn whatever_does_not_fit_is_refused() {
    let (old, new, other) = (signer(1), signer(2), signer(3));
    let first = epoch(&old, 1, 0);
    let sign = |epoch, from_size| Rotation::sign(&old, &new, epoch, from_size, None);
    assert_eq!(sign(3, 8).after(&first, 7), Err(RotationError::Gap { found: 3, expected: 2 }));
    assert_eq!(sign(1, 8).after(&first, 7), Err(RotationError::Gap { found: 1, expected: 2 }));
    assert_eq!(sign(2, 9).after(&first, 7), Err(RotationError::Misplaced { from_size: 9, seq: 7 }));
    assert_eq!(sign(2, 8).after(&epoch(&old, 1, 8), 7), Err(RotationError::Misplaced { from_size: 8, seq: 7 }));
    assert_eq!(sign(2, 8).after(&epoch(&other, 1, 0), 7), Err(RotationError::OldKey), "signed by another key");
    let mut stolen = sign(2, 8);
    stolen.key = other.verifier().clone();
    assert_eq!(stolen.after(&first, 7), Err(RotationError::OldKey), "the statement names the key");
    let mut unproven = Rotation::sign(&old, &new, 2, 8, None);
    unproven.signatures[1] = unproven.signatures[0];
    assert_eq!(unproven.after(&first, 7), Err(RotationError::NewKey), "nobody shows that they hold the new key");
    let elsewhere = LogSigner::new("provenote.local/elsewhere", &zeroize::Zeroizing::new([2; 32])).expect("a signer");
    assert_eq!(Rotation::sign(&old, &elsewhere, 2, 8, None).after(&first, 7), Err(RotationError::OtherLog));
    let overstated = Rotation::sign(&old, &new, 2, 8, Some(8)).after(&first, 7);
    assert_eq!(overstated, Err(RotationError::Overstated { compromised_after: 8, size: 7 }));

    type Change = fn(&mut BTreeMap<String, Fact>);
    let changes: [(&str, Change); 6] = [
        ("epoch", |f| drop(f.remove("epoch"))),
        ("epoch", |f| drop(f.insert("epoch".to_owned(), Fact::Number(1 << 40)))),
        ("from_size", |f| drop(f.insert("from_size".to_owned(), Fact::Number(-1)))),
        ("vkey", |f| drop(f.insert("vkey".to_owned(), Fact::Text("none".to_owned())))),
        ("signature_old", |f| drop(f.insert("signature_old".to_owned(), Fact::Text("AAAA".to_owned())))),
        ("compromised_after", |f| drop(f.insert("compromised_after".to_owned(), Fact::Flag(true)))),
    ];
    for (fact, change) in changes {
        let mut header = header(&sign(2, 8), 7);
        change(&mut header.facts);
        assert_eq!(Rotation::read(&header), Err(RotationError::Malformed(fact)));
    }
}

#[test]
fn a_rotated_log_is_followed_from_its_first_key_alone() {
    let (store, keys) = (MemoryStore::default(), [signer(1), signer(2), signer(3)]);
    let mut log = Log::create(Box::new(store.clone()), &keys[0], Box::new(NoAnchor)).expect("begins");
    log.append(1, &keys[0], vec![entry("client.added", 1)]).expect("appends");
    assert_eq!(log.rotate(2, "usr-owner", &keys[0], &keys[1], None).expect("rotates"), epoch(&keys[1], 2, 2));
    // Both keys signed the checkpoint that the entry lies under.
    let note = SignedNote::parse(&log.checkpoint().expect("reads")).expect("a note");
    assert_eq!(note.signatures().len(), 2);
    for key in &keys[..2] {
        assert_eq!(note.signed_by(key.verifier()), Ok(()));
    }
    assert!(matches!(log.append(3, &keys[0], vec![entry("client.added", 2)]), Err(AppendError::WrongKey)));
    log.append(3, &keys[1], vec![entry("client.added", 2)]).expect("the new key signs");
    assert!(matches!(log.rotate(4, "usr-owner", &keys[0], &keys[2], None), Err(AppendError::WrongKey)));
    log.rotate(4, "usr-owner", &keys[1], &keys[2], Some(1)).expect("rotates again");
    log.append(5, &keys[2], vec![entry("client.added", 3)]).expect("appends");

    let all = [epoch(&keys[0], 1, 0), epoch(&keys[1], 2, 2), epoch(&keys[2], 3, 4)];
    for known in [1, 2, 3] {
        assert_eq!(follow(&store, &all[..known]).expect("follows"), all);
        let opened = Log::open(Box::new(store.clone()), &all[..known], Box::new(NoAnchor)).expect("opens");
        assert_eq!((opened.epochs(), opened.key()), (&all[..], Some(keys[2].verifier())));
    }
    assert!(matches!(follow(&store, &[]), Err(FollowError::NoKey)));
    let other = [all[0].clone(), epoch(&keys[2], 2, 2)];
    assert!(matches!(follow(&store, &other), Err(FollowError::Disagree(2))));
    let stranger = [epoch(&signer(9), 1, 0)];
    let refused = follow(&store, &stranger);
    assert!(matches!(refused, Err(FollowError::Refused { seq: 1, source: RotationError::OldKey })));
}

#[test]
fn a_rotation_lost_with_an_older_copy_is_a_rollback() {
    let (store, keys) = (MemoryStore::default(), [signer(1), signer(2)]);
    let mut log = Log::create(Box::new(store.clone()), &keys[0], Box::new(NoAnchor)).expect("begins");
    log.append(1, &keys[0], vec![entry("client.added", 1)]).expect("appends");
    let known = [epoch(&keys[0], 1, 0), epoch(&keys[1], 2, 2)];
    let opened = Log::open(Box::new(store.clone()), &known, Box::new(NoAnchor));
    assert!(matches!(opened, Err(OpenError::RolledBack { size: 1, anchor: 2 })));
    log.append(1, &keys[0], vec![entry("client.added", 1), entry("client.added", 2)]).expect("appends");
    let opened = Log::open(Box::new(store), &known, Box::new(NoAnchor));
    assert!(matches!(opened, Err(OpenError::Keys(FollowError::Unknown { number: 2, from_size: 2 }))));
}

#[test]
fn an_anchor_of_another_log_is_no_torn_one() {
    let store = MemoryStore::default();
    drop(Log::create(Box::new(store.clone()), &signer(1), Box::new(NoAnchor)).expect("begins"));
    let open = |note: &str| {
        let anchor = MemoryAnchor::default();
        *anchor.0.lock().expect("unpoisoned") = Some(note.to_owned());
        Log::open(Box::new(store.clone()), &[epoch(&signer(1), 1, 0)], Box::new(anchor))
    };
    let other = LogSigner::new("provenote.local/another", &zeroize::Zeroizing::new([1; 32])).expect("a signer");
    assert!(matches!(open(&other.sign(9, crate::Hash::ZERO)), Err(OpenError::ForeignAnchor)));
    // Half of an older note and half of a newer one are told by the signature.
    let torn = signer(1).sign(9, crate::Hash::ZERO).replace("\n9\n", "\n8\n");
    assert!(open(&torn).is_ok() && open("").is_ok());
}

/// Two processes: the one that did not rotate learns it from the log, and may not sign with the old key any more.
#[test]
fn another_process_learns_of_the_new_key() {
    let (store, keys) = (MemoryStore::default(), [signer(1), signer(2), signer(3)]);
    let mut here = Log::create(Box::new(store.clone()), &keys[0], Box::new(NoAnchor)).expect("begins");
    let first = [epoch(&keys[0], 1, 0)];
    let mut there = Log::open(Box::new(store.clone()), &first, Box::new(NoAnchor)).expect("opens");
    there.append(1, &keys[0], vec![entry("client.added", 1)]).expect("appends");
    // The rotation has to count the entry the other process added.
    assert_eq!(here.rotate(2, "usr-owner", &keys[0], &keys[1], None).expect("rotates").from_size, 2);
    assert!(matches!(there.append(3, &keys[0], vec![entry("client.added", 2)]), Err(AppendError::WrongKey)));
    assert_eq!(there.key(), Some(keys[1].verifier()));
    assert!(matches!(there.rotate(3, "usr-owner", &keys[0], &keys[2], None), Err(AppendError::WrongKey)));
    there.append(3, &keys[1], vec![entry("client.added", 2)]).expect("appends with the new key");
    here.append(4, &keys[1], vec![entry("client.added", 3)]).expect("appends");
    assert_eq!(follow(&store, &first).expect("follows").len(), 2);
    assert_eq!(here.size().expect("reads"), 4);
}

/// Key files whose next write fails as planned.
#[derive(Clone, Default)]
struct FaultyKeys {
    inner: MemoryKeys,
    plan: Arc<Mutex<Option<Fault>>>,
}

impl KeyStore for FaultyKeys {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.read(name)
    }
    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let failed = || Err(io::Error::other("a fault on purpose"));
        match self.plan.lock().expect("unpoisoned").take() {
            None => self.inner.write(name, contents),
            Some(Fault::Lost) => failed(),
            Some(Fault::Kept) => self.inner.write(name, contents).and_then(|()| failed()),
        }
    }
    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.inner.append(name, contents)
    }
    fn destroy(&mut self, name: &str) -> io::Result<()> {
        self.inner.destroy(name)
    }
    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.inner.list(prefix)
    }
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.inner.lock()
    }
}

struct Bench {
    store: MemoryStore,
    keys: FaultyKeys,
    random: Seeded,
    owner: Unlocked,
    first: LogSigner,
}

fn bench() -> (Bench, Vault) {
    let (keys, mut random) = (FaultyKeys::default(), Seeded::new(5));
    let mut vault = Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default()));
    let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let owner = vault.create_user("usr-owner", b"pass", small, &mut random).expect("makes a user");
    let first = vault.create_log_key(&owner, &mut random).expect("makes a key");
    let store = MemoryStore::default();
    let mut log = Log::create(Box::new(store.clone()), &first, Box::new(NoAnchor)).expect("begins");
    log.append(1, &first, vec![entry("client.added", 1)]).expect("appends");
    (Bench { store, keys, random, owner, first }, vault)
}

/// A process that starts now: it opens the log, signs an entry with the key the log tells of, and settles the keys.
fn goes_on(b: &Bench, rotated: bool) {
    let mut vault = Vault::new(Box::new(b.keys.clone()), Box::new(MemoryBlobs::default()));
    let mut log =
        Log::open(Box::new(b.store.clone()), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
    assert_eq!(log.epochs().len(), if rotated { 2 } else { 1 });
    let signer = vault.log_signer_of(&b.owner, log.key().expect("a key")).expect("its private half is here");
    assert_eq!(signer.verifier() == b.first.verifier(), !rotated);
    log.append(9, &signer, vec![entry("client.added", 9)]).expect("signs");
    let lock = vault.lock_log_key().expect("locks");
    log.refresh().expect("reads");
    vault.settle_log_key(&lock, log.epochs()).expect("settles");
    assert!(!vault.settle_log_key(&lock, log.epochs()).expect("settles"), "once is enough");
    assert_eq!(vault.epochs().expect("reads"), log.epochs());
    assert_eq!(vault.next_log_key().expect("reads"), None);
    // Whatever happened, one private key is left: the one that signs.
    let file = b.keys.read("log.json").expect("reads").expect("is there");
    assert_eq!(String::from_utf8(file).expect("text").matches("\"enc\"").count(), 1);
    let old = vault.log_signer_of(&b.owner, b.first.verifier());
    assert_eq!(old.is_ok(), !rotated);
    if rotated {
        assert!(matches!(old, Err(VaultError::LogKeyGone(_))));
    }
    assert_eq!(vault.log_signer(&b.owner).expect("opens").verifier(), signer.verifier());
    assert_eq!(vault.audit(Some(&b.owner)).expect("reads"), []);
}

#[test]
fn a_rotation_leaves_one_private_key() {
    let (mut b, mut vault) = bench();
    let mut log =
        Log::open(Box::new(b.store.clone()), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
    let lock = vault.lock_log_key().expect("locks");
    let next = vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random).expect("makes it");
    let again = vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random);
    assert!(matches!(again, Err(VaultError::Exists(_))), "the first is not overwritten");
    assert_eq!(vault.next_log_key().expect("reads").as_ref(), Some(next.verifier()));
    log.rotate(2, "usr-owner", &b.first, &next, None).expect("rotates");
    assert!(vault.settle_log_key(&lock, log.epochs()).expect("settles"));
    goes_on(&b, true);
}

#[test]
fn every_other_user_who_could_sign_can_sign_again() {
    let (mut b, mut vault) = bench();
    let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let clinician = vault.create_user("usr-clinician", b"pass", small, &mut b.random).expect("makes a user");
    vault.grant_log_key(&b.owner, &clinician.public(), &mut b.random).expect("grants");
    assert_eq!(vault.log_signers().expect("reads"), ["usr-owner", "usr-clinician"]);
    let lock = vault.lock_log_key().expect("locks");
    let stranger = vault.create_user("usr-stranger", b"pass", small, &mut b.random).expect("makes a user");
    let refused = vault.prepare_log_key(&lock, &stranger, &[], &mut b.random);
    assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
    let next = vault.prepare_log_key(&lock, &clinician, &[b.owner.public()], &mut b.random).expect("makes it");
    for user in [&b.owner, &clinician] {
        assert_eq!(vault.log_signer_of(user, next.verifier()).expect("opens").verifier(), next.verifier());
        assert_eq!(vault.log_signer(user).expect("opens").verifier(), b.first.verifier(), "the old one signs still");
    }
    // A user added after a crash in between can sign with whichever it turns out to be.
    drop(lock);
    vault.grant_log_key(&b.owner, &stranger.public(), &mut b.random).expect("grants");
    for key in [next.verifier(), b.first.verifier()] {
        assert!(vault.log_signer_of(&stranger, key).is_ok());
    }
}

/// Every write of a rotation, lost and kept but reported failed: what starts next opens the log and signs.
#[test]
fn a_rotation_that_fails_at_any_write_leaves_a_log_that_signs() {
    for fault in [Fault::Lost, Fault::Kept] {
        // The next key could not be kept: the log has not passed to it.
        let (mut b, mut vault) = bench();
        let lock = vault.lock_log_key().expect("locks");
        *b.keys.plan.lock().expect("unpoisoned") = Some(fault);
        assert!(matches!(vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random), Err(VaultError::Io(_))));
        goes_on(&b, false);

        // The entry.
        let (mut b, mut vault) = bench();
        let (store, plan) = Faulty::new(Box::new(b.store.clone()));
        let mut log = Log::open(Box::new(store), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
        let lock = vault.lock_log_key().expect("locks");
        let next = vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random).expect("makes it");
        *plan.lock().expect("unpoisoned") = Some(fault);
        let failed = log.rotate(2, "usr-owner", &b.first, &next, None);
        assert!(matches!(failed, Err(AppendError::Store(StoreError::Backend(_)))));
        // The same process goes on as well: what it may sign with, the store tells.
        log.refresh().expect("reads");
        assert_eq!(log.key() == Some(next.verifier()), fault == Fault::Kept);
        drop(lock);
        goes_on(&b, fault == Fault::Kept);

        // The destruction of the old key.
        let (mut b, mut vault) = bench();
        let mut log =
            Log::open(Box::new(b.store.clone()), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
        let lock = vault.lock_log_key().expect("locks");
        let next = vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random).expect("makes it");
        log.rotate(2, "usr-owner", &b.first, &next, None).expect("rotates");
        *b.keys.plan.lock().expect("unpoisoned") = Some(fault);
        assert!(matches!(vault.settle_log_key(&lock, log.epochs()), Err(VaultError::Io(_))));
        drop(lock);
        goes_on(&b, true);
    }
}

#[test]
fn key_files_older_than_the_rotation_say_so() {
    let (mut b, mut vault) = bench();
    let backup = b.keys.read("log.json").expect("reads").expect("is there");
    let mut log =
        Log::open(Box::new(b.store.clone()), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
    let lock = vault.lock_log_key().expect("locks");
    let next = vault.prepare_log_key(&lock, &b.owner, &[], &mut b.random).expect("makes it");
    log.rotate(2, "usr-owner", &b.first, &next, None).expect("rotates");
    vault.settle_log_key(&lock, log.epochs()).expect("settles");
    b.keys.write("log.json", &backup).expect("puts it back");
    let log = Log::open(Box::new(b.store.clone()), &vault.epochs().expect("reads"), Box::new(NoAnchor)).expect("opens");
    let gone = vault.log_signer_of(&b.owner, log.key().expect("a key"));
    assert!(matches!(&gone, Err(VaultError::LogKeyGone(_))));
    assert!(gone.err().is_some_and(|error| error.to_string().contains("restore newer ones")));
}

#[test]
fn the_checkpoint_of_a_rotation_is_the_new_keys() {
    let keys = [signer(1), signer(2)];
    let mut log = Log::create(Box::new(MemoryStore::default()), &keys[0], Box::new(NoAnchor)).expect("begins");
    log.rotate(2, "usr-owner", &keys[0], &keys[1], None).expect("rotates");
    let note = log.checkpoint().expect("reads");
    for key in &keys {
        assert_eq!(Checkpoint::open(&note, key.verifier()).expect("signed by both").size, 1);
    }
}
