//! A practice in memory for tests of consent: a clock that tests move, models that are names, and people by first name.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

pub(crate) use common::{Catalogue, Counting, DAY, Hand, LIGHT, START};
use provenote_consent::{Modality, Particulars};
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_practice::clients::{NewClient, NewPerson};
use provenote_practice::consents::{
    ClientStanding, FormMade, FormRequest, NoRequest, SessionAsked, SignRequest, SignatureTaken, SignedForm,
};
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, PracticeRecord, found};
use provenote_practice::withdrawal::RevokeRequest;
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::Evidence;
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Digest, Purpose};
use provenote_templates::Shelf;

pub(crate) struct Office {
    pub(crate) practice: Practice,
    pub(crate) actor: Actor,
    pub(crate) clock: Hand,
    pub(crate) client: String,
}

impl Office {
    /// A practice in a state with one client: these people, the client first.
    pub(crate) fn new(state: &str, born: Option<&str>, people: &[(&str, ParticipantRole)]) -> Self {
        let clock = Hand::at(START);
        let parts = Parts {
            store: Box::new(MemoryStore::default()),
            keys: Box::new(MemoryKeys::default()),
            blobs: Box::new(MemoryBlobs::default()),
            anchor: Box::new(MemoryAnchor::default()),
            clock: Box::new(clock.clone()),
            entropy: Box::new(Counting(1)),
        };
        let record = PracticeRecord {
            name: "Elm Street Counseling".to_owned(),
            clinician: "Dana Reyes".to_owned(),
            license: None,
            state: state.to_owned(),
        };
        let made = found(parts, &record, &Settings::default(), b"five random words in order", LIGHT)
            .expect("a practice is made");
        let mut office = Self { practice: made.practice, actor: made.actor, clock, client: String::new() };
        let asked = NewClient {
            name: people[0].0.to_owned(),
            born: born.map(str::to_owned),
            people: people[1..].iter().map(|(name, role)| somebody(name, *role)).collect(),
            ..NewClient::default()
        };
        office.client =
            office.practice.add_client(&office.actor, &asked).expect("a client is added").client.to_string();
        office
    }

    pub(crate) fn form(&mut self, template: &str) -> Result<FormMade, PracticeError> {
        self.form_in(template, "en")
    }

    pub(crate) fn form_in(&mut self, template: &str, lang: &str) -> Result<FormMade, PracticeError> {
        let client = self.client.clone();
        let request =
            FormRequest { client: &client, template: Some(template), lang, particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &request, &Shelf::bundled(), &Catalogue)
    }

    /// Somebody types their name under a form, the newest one that names them where none is given.
    pub(crate) fn sign(&mut self, who: &str, consent: Option<&str>) -> Result<SignedForm, PracticeError> {
        let client = self.client.clone();
        let evidence = Evidence {
            device: Some("the practice's tablet".to_owned()),
            identity: Some("known to the clinician".to_owned()),
            authority: Some("parent".to_owned()),
        };
        let request = SignRequest { participant: who, consent, taken: SignatureTaken::Typed(who.to_owned()), evidence };
        self.practice.consent_sign(&self.actor, &client, request, &Catalogue)
    }

    pub(crate) fn decline(&mut self, who: &str, purposes: &[Purpose]) -> Result<u64, PracticeError> {
        let client = self.client.clone();
        let purposes: BTreeSet<Purpose> = purposes.iter().copied().collect();
        let request = NoRequest { participant: who, purposes, words: "No, thank you.", no_dictation: false };
        self.practice.consent_decline(&self.actor, &client, &request)
    }

    pub(crate) fn revoke(&mut self, who: &str, purposes: &[Purpose]) -> Result<u64, PracticeError> {
        let client = self.client.clone();
        let purposes: BTreeSet<Purpose> = purposes.iter().copied().collect();
        let request = RevokeRequest { participant: who, purposes, words: "", choice: None };
        Ok(self.practice.consent_revoke(&self.actor, &client, &request)?.seq)
    }

    pub(crate) fn standing(&mut self, modality: Modality) -> ClientStanding {
        let client = self.client.clone();
        let asked = SessionAsked { modality, present: &[] };
        self.practice.consent_status(&self.actor, &client, &asked, &Catalogue).expect("a status")
    }

    /// A second of silence, through the gate.
    pub(crate) fn record(&mut self, modality: Modality) -> Result<u64, PracticeError> {
        let client = self.client.clone();
        let asked = SessionAsked { modality, present: &[] };
        let silence = || {
            Ok(Opened {
                source_sha256: Digest::of(b"a file"),
                expected_s: Some(1.0),
                blocks: Box::new(std::iter::once(Ok(vec![0.0_f32; 16_000]))),
            })
        };
        let (_, seq) = self
            .practice
            .add_session(&self.actor, &client, &asked, &Catalogue, silence, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(seq)
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        let log = self.practice.ledger_log(None, None, None).expect("the log reads");
        log.into_iter().map(|header| header.kind).collect()
    }

    pub(crate) fn size(&self) -> u64 {
        self.practice.log().size().expect("the log reads")
    }

    pub(crate) fn later(&self, days: i64) {
        self.clock.0.set(self.clock.0.get() + days * DAY);
    }
}

pub(crate) fn somebody(name: &str, role: ParticipantRole) -> NewPerson {
    NewPerson { name: name.to_owned(), role, ..NewPerson::default() }
}
