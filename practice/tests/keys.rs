//! The ledger's key is rotated, with other processes at work and writes that fail.

mod common;

use std::io;
use std::sync::{Arc, Mutex};

use common::{Counting, Hand, LIGHT, elm_street};
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{KeyStore, Log, Vault};
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::{Actor, Practice, PracticeError};

/// Key files of which the write of this number, counted from 0, fails: kept all the same, or lost.
#[derive(Clone, Default)]
struct Keys {
    inner: MemoryKeys,
    fails: Arc<Mutex<Option<(usize, bool)>>>,
}

impl KeyStore for Keys {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.read(name)
    }
    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut plan = self.fails.lock().expect("unpoisoned");
        match plan.take() {
            Some((0, kept)) => {
                if kept {
                    self.inner.write(name, contents)?;
                }
                return Err(io::Error::other("a fault on purpose"));
            }
            Some((later, kept)) => *plan = Some((later - 1, kept)),
            None => {}
        }
        self.inner.write(name, contents)
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

const PASSPHRASE: &[u8] = b"five random words in order";

struct Desk {
    practice: Practice,
    actor: Actor,
    store: MemoryStore,
    keys: Keys,
    blobs: MemoryBlobs,
    anchor: MemoryAnchor,
    clock: Hand,
}

fn desk() -> Desk {
    let (store, keys, blobs, anchor) =
        (MemoryStore::default(), Keys::default(), MemoryBlobs::default(), MemoryAnchor::default());
    let clock = Hand::at(1_800_000_000_000);
    let parts = Parts {
        store: Box::new(store.clone()),
        keys: Box::new(keys.clone()),
        blobs: Box::new(blobs.clone()),
        anchor: Box::new(anchor.clone()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street("il");
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, LIGHT).expect("a practice");
    Desk { practice: made.practice, actor: made.actor, store, keys, blobs, anchor, clock }
}

impl Desk {
    /// Another process that has the practice open, its user signed in.
    fn elsewhere(&self) -> (Practice, Actor) {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let epochs = vault.epochs().expect("the key files");
        let log = Log::open(Box::new(self.store.clone()), &epochs, Box::new(self.anchor.clone())).expect("opens");
        let practice = Practice::open(log, vault, Box::new(self.clock.clone()), Box::new(Counting(77)));
        let user = practice.only_user().expect("one user");
        let actor = practice.sign_in(&user, PASSPHRASE).expect("signs in");
        (practice, actor)
    }

    fn private_keys(&self) -> usize {
        let file = self.keys.read("log.json").expect("reads").expect("is there");
        String::from_utf8(file).expect("text").matches("\"enc\"").count()
    }
}

#[test]
fn a_rotation_is_told_and_the_new_key_signs() {
    let mut desk = desk();
    let before = desk.practice.vault().vkey().expect("a key");
    let size = desk.practice.log().size().expect("a size");
    let rotated = desk.practice.rotate_log_key(&mut desk.actor, Some(size - 1)).expect("rotates");
    assert_eq!((rotated.epoch, rotated.seq, rotated.from_size), (2, size, size + 1));
    assert_eq!((rotated.old_vkey, rotated.compromised_after), (before, Some(size - 1)));
    assert_eq!(desk.practice.vault().vkey().expect("a key"), rotated.vkey);
    assert_eq!(desk.private_keys(), 1);
    desk.practice.unlocked(&desk.actor, 15).expect("signs on");
    let again = desk.practice.rotate_log_key(&mut desk.actor, None).expect("rotates again");
    assert_eq!((again.epoch, again.old_vkey), (3, rotated.vkey));
    assert_eq!(desk.private_keys(), 1);
    assert!(!desk.practice.finish_rotation().expect("nothing is left"));
    let (mut practice, actor) = desk.elsewhere();
    practice.unlocked(&actor, 15).expect("whoever opens it now signs with the third key");
}

#[test]
fn what_cannot_have_been_known_outside_is_refused() {
    let mut desk = desk();
    let size = desk.practice.log().size().expect("a size");
    let refused = desk.practice.rotate_log_key(&mut desk.actor, Some(size + 1));
    assert!(matches!(refused, Err(PracticeError::BadRequest(_))));
    assert_eq!((desk.practice.log().size().expect("a size"), desk.private_keys()), (size, 1));
}

#[test]
fn a_process_that_was_signed_in_before_signs_with_the_new_key() {
    let mut desk = desk();
    let (mut practice, mut actor) = desk.elsewhere();
    practice.unlocked(&actor, 15).expect("appends");
    let rotated = desk.practice.rotate_log_key(&mut desk.actor, None).expect("the other's entry is counted");
    // The log this process knows has no new key yet; its append finds out.
    let seq = practice.unlocked(&actor, 15).expect("appends");
    assert_eq!(seq, rotated.from_size);
    let second = practice.rotate_log_key(&mut actor, None).expect("rotates in its turn");
    assert_eq!((second.epoch, second.old_vkey), (3, rotated.vkey));
    desk.practice.unlocked(&desk.actor, 15).expect("and the first goes on");
    assert_eq!(desk.private_keys(), 1);
}

#[test]
fn a_key_put_into_a_users_file_gets_no_ledger_key() {
    let mut desk = desk();
    let user = desk.actor.user().to_string();
    let mut vault = Vault::new(Box::new(desk.keys.clone()), Box::new(desk.blobs.clone()));
    let name = format!("users/{user}.json");
    let file = desk.keys.read(&name).expect("reads").expect("is there");
    desk.keys.destroy(&name).expect("goes");
    vault.create_user(&user, b"the thief's own", LIGHT, &mut Counting(9)).expect("a file of the same name");
    let refused = desk.practice.rotate_log_key(&mut desk.actor, None);
    let Err(PracticeError::NotAllowed(why)) = refused else { panic!("{refused:?}") };
    assert!(why.contains(&user) && why.contains("restore it"), "{why}");
    desk.keys.write(&name, &file).expect("as it was");
    desk.practice.rotate_log_key(&mut desk.actor, None).expect("rotates");
}

/// Each write to the key files fails, lost and kept; then the process goes on, and another starts.
#[test]
fn a_failing_key_file_leaves_a_practice_that_signs() {
    for (write, kept) in [(0, false), (0, true), (1, false), (1, true)] {
        let what = format!("write {write}, kept: {kept}");
        let mut desk = desk();
        *desk.keys.fails.lock().expect("unpoisoned") = Some((write, kept));
        let failed = desk.practice.rotate_log_key(&mut desk.actor, None);
        match write {
            0 => assert!(matches!(failed, Err(PracticeError::Vault(_))), "{what}: {failed:?}"),
            _ => assert!(matches!(failed, Err(PracticeError::OldKeyRemains { .. })), "{what}: {failed:?}"),
        }
        let old_remains = write == 1 && !kept;
        let (mut practice, mut actor) = desk.elsewhere();
        assert!(!practice.finish_rotation().expect("settles") || write == 0, "{what}: nothing is sure yet");
        desk.practice.unlocked(&desk.actor, 15).unwrap_or_else(|error| panic!("{what}: {error}"));
        practice.unlocked(&actor, 15).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(practice.finish_rotation().expect("settles"), old_remains, "{what}");
        assert_eq!(desk.private_keys(), 1, "{what}");
        let epoch = if write == 0 { 2 } else { 3 };
        assert_eq!(practice.rotate_log_key(&mut actor, None).expect("rotates").epoch, epoch, "{what}");
        desk.practice.unlocked(&desk.actor, 15).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(desk.private_keys(), 1, "{what}");
    }
}
