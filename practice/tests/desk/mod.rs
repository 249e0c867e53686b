//! A practice that several processes have open at once, with engines that answer from a script: for tests of what happens
//! when one of them writes a withdrawal. Each process is a [`Practice`] of its own on the same drivers.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]

#[path = "../common/mod.rs"]
mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

pub(crate) use common::{Catalogue, Counting, DAY, Hand, LIGHT, START};
use provenote_consent::{AfterWithdrawal, Modality, Particulars};
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{Header, Log, Store, Vault};
use provenote_ledger_sqlite::SqliteStore;
use provenote_pipeline::engine::{
    Drafter, EngineError, Engines, Generated, HeardSegment, ModelFile, OnProgress, Progress, Rendered, Transcriber,
};
use provenote_pipeline::protocol::{Handshake, Message, Probe, Sampler};
use provenote_practice::clients::{NewClient, NewPerson};
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::drafting::DraftRequest;
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, PracticeRecord, found};
use provenote_practice::withdrawal::{RevokeRequest, WithdrawalDone};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::Evidence;
use provenote_schemas::note::NoteText;
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Digest, Purpose};
use provenote_templates::Shelf;

pub(crate) const CLIENT: &str = "Maria Alvarez";
const PASSPHRASE: &[u8] = b"five random words in order";

/// What all processes share.
#[derive(Clone)]
pub(crate) struct Drivers {
    memory: MemoryStore,
    sqlite: Option<PathBuf>,
    pub(crate) keys: MemoryKeys,
    pub(crate) blobs: MemoryBlobs,
    anchor: MemoryAnchor,
}

impl Drivers {
    fn store(&self) -> Box<dyn Store> {
        match &self.sqlite {
            Some(path) => Box::new(SqliteStore::open(path).expect("the database opens")),
            None => Box::new(self.memory.clone()),
        }
    }

    /// The practice as one more process has it open. `seed` keeps its random bytes apart from the others'.
    pub(crate) fn process(&self, seed: u64, clock: Hand) -> (Practice, Actor) {
        let practice = self.opened(seed, clock);
        let user = practice.only_user().expect("one user");
        let actor = practice.sign_in(&user, PASSPHRASE).expect("the passphrase fits");
        (practice, actor)
    }

    /// The same for somebody of several.
    pub(crate) fn process_of(&self, seed: u64, clock: Hand, user: &str, passphrase: &[u8]) -> (Practice, Actor) {
        let practice = self.opened(seed, clock);
        let actor = practice.sign_in(user, passphrase).expect("the passphrase fits");
        (practice, actor)
    }

    fn opened(&self, seed: u64, clock: Hand) -> Practice {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let epochs = vault.epochs().expect("epochs");
        let log = Log::open(self.store(), &epochs, Box::new(self.anchor.clone())).expect("the log opens");
        Practice::open(log, vault, Box::new(clock), Box::new(Counting(seed << 32 | 1)))
    }
}

/// One process at work on it, and a client who has signed nothing yet.
pub(crate) struct Desk {
    pub(crate) practice: Practice,
    pub(crate) actor: Actor,
    pub(crate) drivers: Drivers,
    pub(crate) clock: Hand,
    pub(crate) client: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(None, &[])
    }

    /// On a database at this path, or in memory; with these people besides the client.
    pub(crate) fn with(sqlite: Option<PathBuf>, others: &[(&str, ParticipantRole)]) -> Self {
        let drivers = Drivers {
            memory: MemoryStore::default(),
            keys: MemoryKeys::default(),
            blobs: MemoryBlobs::default(),
            anchor: MemoryAnchor::default(),
            sqlite,
        };
        let clock = Hand::at(START);
        let store: Box<dyn Store> = match &drivers.sqlite {
            Some(path) => Box::new(SqliteStore::create(path).expect("a database")),
            None => Box::new(drivers.memory.clone()),
        };
        let parts = Parts {
            store,
            keys: Box::new(drivers.keys.clone()),
            blobs: Box::new(drivers.blobs.clone()),
            anchor: Box::new(drivers.anchor.clone()),
            clock: Box::new(clock.clone()),
            entropy: Box::new(Counting(1)),
        };
        let record = PracticeRecord {
            name: "Elm Street Counseling".to_owned(),
            clinician: "Dana Reyes".to_owned(),
            license: None,
            state: "il".to_owned(),
        };
        let mut made = found(parts, &record, &Settings::default(), PASSPHRASE, LIGHT).expect("a practice");
        let asked = NewClient {
            name: CLIENT.to_owned(),
            people: others
                .iter()
                .map(|(name, role)| NewPerson { name: (*name).to_owned(), role: *role, ..NewPerson::default() })
                .collect(),
            ..NewClient::default()
        };
        let client = made.practice.add_client(&made.actor, &asked).expect("a client").client.to_string();
        Self { practice: made.practice, actor: made.actor, drivers, clock, client }
    }

    /// With the client's signature and everybody else's.
    pub(crate) fn consented() -> Self {
        let mut desk = Self::new();
        desk.form("ai-notes");
        desk.sign(CLIENT);
        desk
    }

    pub(crate) fn form(&mut self, template: &str) {
        let request = FormRequest {
            client: &self.client,
            template: Some(template),
            lang: "en",
            particulars: Particulars::default(),
        };
        self.practice.consent_form(&self.actor, &request, &Shelf::bundled(), &Catalogue).expect("a form");
    }

    pub(crate) fn sign(&mut self, who: &str) {
        let taken = SignatureTaken::Typed(who.to_owned());
        let request = SignRequest { participant: who, consent: None, taken, evidence: Evidence::default() };
        self.practice.consent_sign(&self.actor, &self.client, request, &Catalogue).expect("a signature");
    }

    pub(crate) fn record_with(&mut self, present: &[String]) -> Result<String, PracticeError> {
        let asked = SessionAsked { modality: Modality::InPerson, present };
        let (session, _) = self.practice.add_session(
            &self.actor,
            &self.client,
            &asked,
            &Catalogue,
            || Ok(sound(2)),
            &mut |_, _| ControlFlow::Continue(()),
        )?;
        Ok(session.session.to_string())
    }

    pub(crate) fn record(&mut self) -> String {
        self.record_with(&[]).expect("the gate is open")
    }

    pub(crate) fn draft(&mut self, session: &str, script: &Script) -> Result<NoteText, PracticeError> {
        draft(&mut self.practice, &self.actor, session, script)
    }

    pub(crate) fn attest(&mut self, text: &NoteText) -> Result<NoteText, PracticeError> {
        for warning in text.warnings.iter().filter(|warning| !warning.in_draft) {
            self.practice.answer_warning(
                &self.actor,
                text.note.as_str(),
                &warning.id,
                "Asked as routine.",
                &Catalogue,
            )?;
        }
        let (view, _) = self.practice.attest_note(&self.actor, text.note.as_str(), &Catalogue)?;
        Ok(view.text)
    }

    pub(crate) fn revoke(&mut self, who: &str, choice: Option<AfterWithdrawal>) -> WithdrawalDone {
        self.revoke_for(who, &[], choice)
    }

    pub(crate) fn revoke_for(
        &mut self,
        who: &str,
        purposes: &[Purpose],
        choice: Option<AfterWithdrawal>,
    ) -> WithdrawalDone {
        let request = revoking(who, purposes, choice);
        self.practice.consent_revoke(&self.actor, &self.client, &request).expect("the withdrawal")
    }

    pub(crate) fn log(&self) -> Vec<Header> {
        self.practice.ledger_log(None, None, None).expect("the log reads")
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.log().into_iter().map(|header| header.kind).collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|found| *found == kind).count()
    }

    pub(crate) fn later(&self, milliseconds: i64) {
        self.clock.0.set(self.clock.0.get() + milliseconds);
    }
}

pub(crate) fn draft(
    practice: &mut Practice,
    actor: &Actor,
    session: &str,
    script: &Script,
) -> Result<NoteText, PracticeError> {
    let request = DraftRequest { session, format: "soap", model: None };
    let (text, _) = practice.draft_note(actor, &request, script, &Catalogue, &mut |_, _| ControlFlow::Continue(()))?;
    Ok(text)
}

pub(crate) fn revoking<'a>(who: &'a str, purposes: &[Purpose], choice: Option<AfterWithdrawal>) -> RevokeRequest<'a> {
    let purposes: BTreeSet<Purpose> = purposes.iter().copied().collect();
    RevokeRequest { participant: who, purposes, words: "I do not want this any more.", choice }
}

pub(crate) fn sound(seconds: usize) -> Opened {
    let blocks = (0..seconds).map(|_| Ok(vec![0.25_f32; 16_000]));
    Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None }
}

/// Where an engine is when it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The speech worker reads its model.
    LoadingSpeech,
    /// It hears.
    Hearing,
    /// It has heard, and its answer is on its way.
    Heard,
    /// The drafting worker reads its model.
    LoadingDrafting,
    /// It counts a prompt's tokens.
    Rendering,
    /// It writes.
    Writing,
    /// It has written, and its answer is on its way.
    Written,
}

impl Place {
    pub(crate) const ALL: [Self; 7] = [
        Self::LoadingSpeech,
        Self::Hearing,
        Self::Heard,
        Self::LoadingDrafting,
        Self::Rendering,
        Self::Writing,
        Self::Written,
    ];
}

type Call = Box<dyn FnMut(Place)>;

/// Engines that answer from a script, call out at each place, and otherwise say nothing: what asks them whether to stop
/// is the one who waits for them.
#[derive(Clone)]
pub(crate) struct Script {
    heard: Rc<Vec<String>>,
    answer: String,
    at: Rc<RefCell<Option<Call>>>,
    pub(crate) asked: Rc<RefCell<Vec<String>>>,
}

/// A draft with the model's own words on consent in it.
pub(crate) const ANSWER: &str = r#"{"Subjective":[{"text":"The client consented to the recording of the session.","segments":[1]},
{"text":"The client slept about six hours most nights.","segments":[2]}],
"Objective":[],"Assessment":[],"Plan":[{"text":"The client takes sertraline fifty milligrams every day.","segments":[3,4]}]}"#;

const SPOKEN: [&str; 4] = [
    "How has the week been since we last met?",
    "I slept about six hours most nights.",
    "Are you still taking the sertraline, fifty milligrams, in the morning?",
    "Yes, every day.",
];

impl Script {
    pub(crate) fn new() -> Self {
        Self::hearing(&SPOKEN)
    }

    pub(crate) fn hearing(spoken: &[&str]) -> Self {
        Self {
            heard: Rc::new(spoken.iter().map(|one| (*one).to_owned()).collect()),
            answer: ANSWER.to_owned(),
            at: Rc::default(),
            asked: Rc::default(),
        }
    }

    /// With this raw answer to every prompt.
    pub(crate) fn answering(self, answer: &str) -> Self {
        Self { answer: answer.to_owned(), ..self }
    }

    pub(crate) fn calling(self, at: impl FnMut(Place) + 'static) -> Self {
        *self.at.borrow_mut() = Some(Box::new(at));
        self
    }

    /// Calls out, then asks whether to go on as whoever waits for a silent worker does.
    fn reach(&self, place: Place, engine: &'static str, progress: OnProgress<'_>) -> Result<(), EngineError> {
        if let Some(at) = self.at.borrow_mut().as_mut() {
            at(place);
        }
        match progress(Progress(0.0)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(EngineError::Cancelled { engine }),
        }
    }

    fn last(&self, place: Place) {
        if let Some(at) = self.at.borrow_mut().as_mut() {
            at(place);
        }
    }

    fn shake(engine: &str) -> Handshake {
        Handshake {
            protocol: 1,
            engine: engine.to_owned(),
            engine_version: format!("{engine} 1"),
            worker_version: "0.1.0".to_owned(),
            worker_sha256: Digest::of(b"worker"),
            model_sha256: Digest::of(b"model"),
            vad_sha256: None,
            sandbox: "landlock+seccomp".to_owned(),
            probes: vec![Probe { name: "tcp_socket".to_owned(), refused: true }],
            threads: 1,
        }
    }
}

struct Hears(Script, Handshake);

impl Transcriber for Hears {
    fn handshake(&self) -> &Handshake {
        &self.1
    }

    fn transcribe(
        &mut self,
        audio: &mut dyn Iterator<Item = Result<Vec<f32>, String>>,
        _: f64,
        progress: OnProgress<'_>,
    ) -> Result<Vec<HeardSegment>, EngineError> {
        for block in audio {
            block.map_err(EngineError::Audio)?;
        }
        self.0.reach(Place::Hearing, "whisper", progress)?;
        let heard = self.0.heard.iter().zip(0_u64..).map(|(text, index)| HeardSegment {
            start_ms: index * 2000,
            end_ms: index * 2000 + 900,
            text: text.clone(),
            no_speech: 0.0,
            words: Vec::new(),
        });
        let heard = heard.collect();
        self.0.last(Place::Heard);
        Ok(heard)
    }
}

struct Drafts(Script, Handshake);

impl Drafter for Drafts {
    fn handshake(&self) -> &Handshake {
        &self.1
    }

    fn render_watched(&mut self, messages: &[Message], progress: OnProgress<'_>) -> Result<Rendered, EngineError> {
        self.0.reach(Place::Rendering, "llama", progress)?;
        let prompt: String = messages.iter().map(|message| format!("<{}>{}", message.role, message.content)).collect();
        let tokens = u32::try_from(prompt.len() / 4).unwrap_or(u32::MAX);
        Ok(Rendered { prompt, tokens, context: 8192 })
    }

    fn generate(
        &mut self,
        prompt: &str,
        _: &serde_json::Value,
        _: &Sampler,
        progress: OnProgress<'_>,
    ) -> Result<Generated, EngineError> {
        self.0.asked.borrow_mut().push(prompt.to_owned());
        self.0.reach(Place::Writing, "llama", progress)?;
        self.0.last(Place::Written);
        Ok(Generated { text: self.0.answer.clone(), tokens: 9, finished: true })
    }
}

impl Engines for Script {
    fn transcriber_watched(
        &self,
        _: &ModelFile,
        _: Option<&ModelFile>,
        progress: OnProgress<'_>,
    ) -> Result<Box<dyn Transcriber>, EngineError> {
        self.reach(Place::LoadingSpeech, "whisper", progress)?;
        Ok(Box::new(Hears(self.clone(), Self::shake("whisper"))))
    }

    fn drafter_watched(&self, _: &ModelFile, progress: OnProgress<'_>) -> Result<Box<dyn Drafter>, EngineError> {
        self.reach(Place::LoadingDrafting, "llama", progress)?;
        Ok(Box::new(Drafts(self.clone(), Self::shake("llama"))))
    }
}
