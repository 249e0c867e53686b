//! Destroying everything of one client: when it is allowed, what it leaves, and what a crash in between leaves to do.

mod common;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use common::{Catalogue, Counting, Hand, LIGHT, elm_street};
use provenote_consent::Particulars;
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{BlobStore, BlobWriter, Hash, KeyStore, Log, NoAnchor, Vault, Verdict, Verification};
use provenote_practice::clients::{NewClient, NewPerson};
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::erasure::ErasureReason;
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::Digest;
use provenote_schemas::consent::Evidence;
use provenote_schemas::people::ParticipantRole;
use provenote_templates::Shelf as Templates;

const YEAR: i64 = 366 * 24 * 3_600_000;
const PASSPHRASE: &[u8] = b"five random words in order";

/// Keys and blobs that fail once, after some destructions, and done or not.
#[derive(Clone)]
struct Failing<T> {
    inner: T,
    left: Arc<AtomicI64>,
    kept: bool,
}

impl<T> Failing<T> {
    fn act(&mut self, act: impl FnOnce(&mut T) -> io::Result<()>) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::SeqCst) != 0 {
            return act(&mut self.inner);
        }
        if self.kept {
            act(&mut self.inner)?;
        }
        Err(io::Error::other("the disk failed"))
    }
}

impl KeyStore for Failing<MemoryKeys> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.inner.read(name)
    }

    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.inner.write(name, contents)
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.act(|keys| keys.append(name, contents))
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        self.act(|keys| keys.destroy(name))
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.inner.list(prefix)
    }

    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.inner.lock()
    }
}

impl BlobStore for Failing<MemoryBlobs> {
    fn writer(&self) -> io::Result<Box<dyn BlobWriter>> {
        self.inner.writer()
    }

    fn open(&self, hash: &Hash) -> io::Result<Option<Box<dyn Read + Send>>> {
        self.inner.open(hash)
    }

    fn destroy(&mut self, hash: &Hash) -> io::Result<()> {
        self.act(|blobs| blobs.destroy(hash))
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        self.inner.list()
    }
}

struct Desk {
    practice: Practice,
    actor: Actor,
    store: MemoryStore,
    keys: MemoryKeys,
    blobs: MemoryBlobs,
    clock: Hand,
    left: Arc<AtomicI64>,
}

/// A practice whose disk never fails until it is told to.
fn desk(kept: bool) -> Desk {
    let (store, keys, blobs) = (MemoryStore::default(), MemoryKeys::default(), MemoryBlobs::default());
    let clock = Hand::at(1_800_000_000_000);
    let left = Arc::new(AtomicI64::new(-1));
    let parts = Parts {
        store: Box::new(store.clone()),
        keys: Box::new(Failing { inner: keys.clone(), left: Arc::clone(&left), kept }),
        blobs: Box::new(Failing { inner: blobs.clone(), left: Arc::clone(&left), kept }),
        anchor: Box::new(MemoryAnchor::default()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street("il");
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, LIGHT).expect("a practice");
    Desk { practice: made.practice, actor: made.actor, store, keys, blobs, clock, left }
}

impl Desk {
    /// A client with a consent and a recording.
    fn client(&mut self, asked: &NewClient) -> String {
        let client = self.practice.add_client(&self.actor, asked).expect("a client");
        let id = client.client.to_string();
        let form = FormRequest { client: &id, template: None, lang: "en", particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &form, &Templates::bundled(), &Catalogue).expect("a form");
        for person in &client.participants {
            let taken = SignatureTaken::Typed(person.name.clone());
            let authority = (person.role == ParticipantRole::Guardian).then(|| "mother, sole custody".to_owned());
            let evidence = Evidence { authority, ..Evidence::default() };
            let signature = SignRequest { participant: &person.name, consent: None, taken, evidence };
            self.practice.consent_sign(&self.actor, &id, signature, &Catalogue).expect("a signature");
        }
        let recording = || {
            let blocks = (0..2).map(|_| Ok(vec![0.25_f32; 16_000]));
            Ok(Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None })
        };
        let on_stage = &mut |_, _| ControlFlow::Continue(());
        let asked = SessionAsked::default();
        self.practice.add_session(&self.actor, &id, &asked, &Catalogue, recording, on_stage).expect("a session");
        id
    }

    fn opening(&self, client: &str) -> Vec<bool> {
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

    fn count(&self, kind: &str) -> usize {
        self.practice.ledger_log(Some(kind), None, None).expect("reads").len()
    }

    /// The same practice as another process has it open, on a disk that works.
    fn elsewhere(&self) -> (Practice, Actor) {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let epochs = vault.epochs().expect("reads");
        let log = Log::open(Box::new(self.store.clone()), &epochs, Box::new(NoAnchor)).expect("opens");
        let practice = Practice::open(log, vault, Box::new(self.clock.clone()), Box::new(Counting(1 << 40)));
        let actor = practice.sign_in(&practice.only_user().expect("one user"), PASSPHRASE).expect("signs in");
        (practice, actor)
    }

    fn verdict(&self) -> (Verdict, Vec<String>) {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let report = provenote_ledger::verify(
            &Verification {
                local_anchor: Some(self.practice.log().checkpoint().expect("reads")),
                vault: Some(&vault),
                unlocked: Some(self.actor.keys()),
                ..Verification::new(&self.store, &vault.epochs().expect("reads"))
            },
            &mut |_, _| {},
        );
        (report.verdict, report.findings.into_iter().map(|finding| finding.detail).collect())
    }
}

fn named(name: &str) -> NewClient {
    NewClient { name: name.to_owned(), ..NewClient::default() }
}

#[test]
fn everything_of_a_client_is_destroyed_and_the_ledger_says_so() {
    let mut desk = desk(false);
    let (one, other) = (desk.client(&named("Maria Alvarez")), desk.client(&named("Jon Park")));
    desk.clock.0.set(desk.clock.0.get() + 30 * YEAR);
    let receipt =
        desk.practice.destroy_client(&desk.actor, &one, ErasureReason::RetentionEnded, false).expect("destroys");
    let mut classes: Vec<&str> = receipt.receipts.iter().map(|receipt| receipt.class).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["audio", "client_file", "notes", "working_papers"]);
    let audio = receipt.receipts.iter().find(|receipt| receipt.class == "audio").expect("a receipt");
    assert!(audio.bytes > 64_000 && audio.session.is_some(), "{audio:?}");
    assert!(receipt.kept_until.is_some_and(|kept| !kept.runs));

    assert!(desk.opening(&one).len() > 3 && desk.opening(&one).iter().all(|opens| !opens));
    assert!(desk.opening(&other).iter().all(|opens| *opens), "the other client is untouched");
    assert_eq!((desk.count("client.destroyed"), desk.count("record.destroyed")), (1, 4));
    assert_eq!(desk.verdict(), (Verdict::Intact, vec![]));
    let entry = desk.practice.ledger_log(Some("client.destroyed"), None, None).expect("reads").remove(0);
    assert_eq!(format!("{:?}", entry.facts["before_retention_ends"]), "Flag(false)");
    assert_eq!(desk.practice.vault().destructions().expect("reads").held.len(), 5);

    let left = desk.practice.list_clients(&desk.actor).expect("the list still opens");
    assert_eq!(left.iter().map(|client| client.name.as_str()).collect::<Vec<_>>(), ["Jon Park"]);
    let again = desk.practice.destroy_client(&desk.actor, &one, ErasureReason::RetentionEnded, false);
    assert!(matches!(again, Err(PracticeError::Destroyed { .. })), "{again:?}");
    assert!(desk.practice.list_sessions(&desk.actor, None).is_ok() && desk.practice.board_record(&desk.actor).is_ok());
    assert_eq!(desk.practice.finish_destructions(&desk.actor).expect("a run"), 0);
}

#[test]
fn while_the_law_keeps_the_records_they_stay_unless_that_is_overridden() {
    let mut desk = desk(false);
    let one = desk.client(&named("Maria Alvarez"));
    let keys = desk.keys.0.lock().expect("keys").len();
    let size = desk.practice.log().size().expect("reads");
    let refused = desk.practice.destroy_client(&desk.actor, &one, ErasureReason::ClientRequest, false);
    let Err(PracticeError::Retained { until, basis }) = &refused else { panic!("{refused:?}") };
    assert!(until.starts_with("20") && until.len() == 10 && basis.contains("mark"), "{until}: {basis}");
    assert!(until.as_str() > "2032", "Illinois keeps notes for years after the last session: {until}");
    assert_eq!((desk.keys.0.lock().expect("keys").len(), desk.practice.log().size().expect("reads")), (keys, size));
    let kept = desk.practice.kept_until(&desk.actor, &one).expect("reads").expect("a time");
    assert!(kept.runs && kept.until == *until);

    desk.practice.destroy_client(&desk.actor, &one, ErasureReason::ClientRequest, true).expect("is overridden");
    let entry = desk.practice.ledger_log(Some("client.destroyed"), None, None).expect("reads").remove(0);
    assert_eq!(format!("{:?}", entry.facts["before_retention_ends"]), "Flag(true)");
    assert_eq!(format!("{:?}", entry.facts["retained_until"]), format!("Text({until:?})"));
    assert_eq!(format!("{:?}", entry.facts["reason"]), "Text(\"client_request\")");
}

#[test]
fn a_client_without_session_or_consent_may_go_at_once_and_a_child_is_kept_longer() {
    let mut desk = desk(false);
    let mistaken = desk.practice.add_client(&desk.actor, &named("Maria Alvares")).expect("a client").client.to_string();
    assert_eq!(desk.practice.kept_until(&desk.actor, &mistaken).expect("reads"), None);
    desk.practice.destroy_client(&desk.actor, &mistaken, ErasureReason::AddedInError, false).expect("destroys");

    let grown = desk.client(&named("Jon Park"));
    let guardian =
        |name: &str| vec![NewPerson { name: name.to_owned(), role: ParticipantRole::Guardian, ..NewPerson::default() }];
    let child = NewClient { born: Some("2020-02-29".to_owned()), people: guardian("Ada Moss"), ..named("Bo Moss") };
    let child = desk.client(&child);
    let unknown = desk.client(&NewClient { people: guardian("Lee Hall"), ..named("Kit Hall") });
    let mut until = |id: &str| desk.practice.kept_until(&desk.actor, id).expect("reads").expect("a time").until;
    let (child, unknown, grown) = (until(&child), until(&unknown), until(&grown));
    assert!(child.as_str() > "2043" && child < unknown && grown < child);
}

/// The disk fails at each thing the destruction does to keys and blobs, done or not done. The entry is there, so the next
/// run finishes it.
#[test]
fn a_destruction_cut_off_anywhere_is_finished_by_the_next_run() {
    for kept in [false, true] {
        let mut failures = 0;
        for after in 0.. {
            let mut desk = desk(kept);
            let (one, other) = (desk.client(&named("Maria Alvarez")), desk.client(&named("Jon Park")));
            desk.left.store(after, Ordering::SeqCst);
            let outcome = desk.practice.destroy_client(&desk.actor, &one, ErasureReason::Ordered, true);
            assert_eq!(
                (desk.count("client.destroyed"), desk.count("record.destroyed")),
                (1, 4),
                "{after}: the entries came first"
            );
            if outcome.is_err() {
                failures += 1;
                let (mut practice, actor) = desk.elsewhere();
                practice.retention_run(&actor, None).expect("a run");
            }
            assert!(desk.opening(&one).iter().all(|opens| !opens), "{after}");
            assert!(desk.opening(&other).iter().all(|opens| *opens), "{after}");
            let (practice, _) = desk.elsewhere();
            assert!(!practice.vault().scope_exists(&one).expect("reads"), "{after}");
            assert_eq!(practice.vault().destructions().expect("reads").held.len(), 5, "{after}");
            assert_eq!(desk.blobs.0.lock().expect("blobs").len(), 1, "{after}: the other client's recording");
            assert_eq!(desk.verdict(), (Verdict::Intact, vec![]), "{after}");
            if outcome.is_ok() {
                break;
            }
        }
        assert!(failures > 7, "{failures}: the list, two classes, four groups, a blob");
    }
}
