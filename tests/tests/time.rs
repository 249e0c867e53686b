//! Time as the use cases meet it, with a clock that the test moves: what falls due, what expires, a clock set back.

use std::ops::ControlFlow;
use std::path::PathBuf;

use provenote_consent::Particulars;
use provenote_ledger::AppendError;
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken, SignedForm};
use provenote_practice::ports::Models;
use provenote_practice::retention::RecordClass;
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::Evidence;
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::{Digest, Time};
use provenote_templates::Shelf;
use provenote_tests::drivers::{Counted, Moved, QUICK, elm_street};

const DAY: i64 = 86_400;
const CLIENT: &str = "Maria Alvarez";

/// A catalogue that knows every model and has none on disk.
struct Known;

impl Models for Known {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        Some(ModelFact {
            id: id.to_owned(),
            name: id.to_owned(),
            maker: "somebody".to_owned(),
            sha256: Digest::of(id.as_bytes()),
        })
    }

    fn file(&self, id: &str) -> Result<provenote_pipeline::engine::ModelFile, String> {
        Err(format!("{id} is not on this machine, {}", PathBuf::new().display()))
    }
}

struct Elm {
    practice: Practice,
    actor: Actor,
    clock: Moved,
}

fn elm() -> Elm {
    let clock = Moved::at(Time::parse("2026-03-01T09:00:00.000Z").expect("a time").millis());
    let parts = Parts {
        store: Box::new(MemoryStore::default()),
        keys: Box::new(MemoryKeys::default()),
        blobs: Box::new(MemoryBlobs::default()),
        anchor: Box::new(MemoryAnchor::default()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counted(1)),
    };
    let founded =
        found(parts, &elm_street(), &Settings::default(), b"five random words in order", QUICK).expect("a practice");
    Elm { practice: founded.practice, actor: founded.actor, clock }
}

impl Elm {
    fn consent(&mut self) -> String {
        let asked = NewClient { name: CLIENT.to_owned(), ..NewClient::default() };
        let client = self.practice.add_client(&self.actor, &asked).expect("a client").client.to_string();
        self.sign(&client);
        client
    }

    fn sign(&mut self, client: &str) {
        let asked = FormRequest { client, template: None, lang: "en", particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &asked, &Shelf::bundled(), &Known).expect("a form");
        self.try_sign(client).expect("a signature");
    }

    fn try_sign(&mut self, client: &str) -> Result<SignedForm, PracticeError> {
        let request = SignRequest {
            participant: CLIENT,
            consent: None,
            taken: SignatureTaken::Typed(CLIENT.to_owned()),
            evidence: Evidence::default(),
        };
        self.practice.consent_sign(&self.actor, client, request, &Known)
    }

    fn session(&mut self, client: &str) -> Result<String, PracticeError> {
        let opened = || {
            let blocks = std::iter::repeat_n(Ok(vec![0.1_f32; 1600]), 20);
            Ok(Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"a recording"), expected_s: None })
        };
        let held = SessionAsked::default();
        let added = self
            .practice
            .add_session(&self.actor, client, &held, &Known, opened, &mut |_, _| ControlFlow::Continue(()));
        added.map(|(record, _)| record.session.to_string())
    }

    fn status(&mut self, client: &str) -> String {
        let held = SessionAsked::default();
        let found = self.practice.consent_status(&self.actor, client, &held, &Known).expect("a standing");
        found.standing.status.to_string()
    }
}

#[test]
fn a_recording_falls_due_after_its_days_even_without_a_note() {
    let mut elm = elm();
    let client = elm.consent();
    let session = elm.session(&client).expect("passes");
    assert!(
        elm.practice.retention_plan(&elm.actor).expect("a plan").iter().all(|due| !due.now && due.record == session)
    );
    elm.clock.by(7 * DAY - 1);
    assert!(elm.practice.retention_run(&elm.actor, None).expect("runs").is_empty(), "a second too early");
    elm.clock.by(1);
    let receipts = elm.practice.retention_run(&elm.actor, None).expect("runs");
    let classes: Vec<_> = receipts.iter().map(|receipt| receipt.class).collect();
    assert_eq!(classes, [RecordClass::Audio, RecordClass::WorkingPapers]);
    assert!(receipts[0].bytes > 60_000, "the recording's ciphertext: {} bytes", receipts[0].bytes);
    assert!(elm.practice.retention_plan(&elm.actor).expect("a plan").is_empty());
    assert!(elm.practice.retention_run(&elm.actor, None).expect("runs").is_empty(), "once");
}

#[test]
fn a_consent_ends_by_itself() {
    let mut elm = elm();
    let client = elm.consent();
    assert_eq!(elm.status(&client), "in_force");
    elm.clock.by(365 * DAY - 1);
    assert_eq!(elm.status(&client), "in_force");
    elm.session(&client).expect("passes");
    elm.clock.by(1);
    assert_eq!(elm.status(&client), "expired");
    let refused = elm.session(&client);
    assert!(matches!(refused, Err(PracticeError::Gate { .. })), "the gate is closed");
    let late = elm.try_sign(&client);
    assert!(late.is_err_and(|error| error.to_string().contains("expired")), "an old form cannot be signed");
    elm.sign(&client);
    elm.session(&client).expect("passes again");
}

#[test]
fn a_clock_set_back_stops_entries_until_it_is_accepted() {
    let mut elm = elm();
    let client = elm.consent();
    let size = elm.practice.log().size().expect("a size");
    let last = elm.practice.log().header(size - 1).expect("a header").time;
    // A few seconds are a clock being set by the network: the time stands still.
    elm.clock.by(-4);
    elm.practice.show_client(&elm.actor, &client).expect("an entry");
    assert_eq!(elm.practice.log().header(size).expect("a header").time, last);
    elm.clock.by(-3600);
    let refused = elm.practice.show_client(&elm.actor, &client);
    assert!(matches!(refused, Err(PracticeError::Append(AppendError::ClockBehind { .. }))));
    assert!(elm.session(&client).is_err());
    assert_eq!(elm.practice.log().size().expect("a size"), size + 1, "nothing was written");
    let seq = elm.practice.accept_clock(&elm.actor).expect("an entry that says so");
    assert_eq!(elm.practice.log().header(seq).expect("a header").kind, "clock.reset");
    elm.practice.show_client(&elm.actor, &client).expect("an entry");
    elm.session(&client).expect("passes");
}
