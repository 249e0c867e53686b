//! From consent to export, on drivers in memory and engines that answer from a script: what the use
//! cases promise whatever the engines do. The real engines run in `tests/`.

mod common;

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;

use common::{Counting, Hand, elm_street};
use provenote_consent::Particulars;
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{Argon2Params, Log, Vault};
use provenote_pipeline::engine::{
    Drafter, EngineError, Engines, Generated, HeardSegment, HeardWord, ModelFile, OnProgress, Progress, Rendered,
    Transcriber,
};
use provenote_pipeline::protocol::{Handshake, Message, Probe, Sampler};
use provenote_practice::bundles::{BundleExtras, BundleScope};
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::drafting::DraftRequest;
use provenote_practice::notes::{Export, edit_text};
use provenote_practice::ports::Models;
use provenote_practice::retention::RecordClass;
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::withdrawal::RevokeRequest;
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::Digest;
use provenote_schemas::consent::Evidence;
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::note::NoteState;
use provenote_templates::Shelf as Templates;

struct Shelf;

impl Models for Shelf {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        (id != "unknown").then(|| ModelFact {
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

type Hook = Box<dyn Fn()>;

/// Engines that answer from a script, and look at the ledger while they work.
#[derive(Clone)]
struct Script {
    answer: Rc<RefCell<Result<String, &'static str>>>,
    context: u32,
    asked: Rc<RefCell<Vec<String>>>,
    while_hearing: Rc<RefCell<Option<Hook>>>,
    before_answer: Rc<RefCell<Option<Hook>>>,
    /// Runs on and on unless repetition is penalised.
    loops: bool,
}

impl Script {
    fn new(answer: &str) -> Self {
        Self {
            answer: Rc::new(RefCell::new(Ok(answer.to_owned()))),
            context: 8192,
            asked: Rc::default(),
            while_hearing: Rc::default(),
            before_answer: Rc::default(),
            loops: false,
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

const SPOKEN: [&str; 6] = [
    "How has the week been since we last met?",
    "I slept about six hours most nights.",
    "Are you still taking the sertraline, fifty milligrams, in the morning?",
    "Yes, every day.",
    "Have you had any thoughts of harming yourself?",
    "No. Nothing like that.",
];

struct Hears(Script, Handshake);

impl Transcriber for Hears {
    fn handshake(&self) -> &Handshake {
        &self.1
    }

    fn transcribe(
        &mut self,
        audio: &mut dyn Iterator<Item = Result<Vec<f32>, String>>,
        _seconds: f64,
        progress: OnProgress<'_>,
    ) -> Result<Vec<HeardSegment>, EngineError> {
        for block in audio {
            block.map_err(EngineError::Audio)?;
        }
        if let Some(hook) = self.0.while_hearing.borrow().as_ref() {
            hook();
        }
        if progress(Progress(0.5)) == ControlFlow::Break(()) {
            return Err(EngineError::Cancelled { engine: "whisper" });
        }
        Ok(SPOKEN
            .iter()
            .zip(0_u64..)
            .map(|(text, index)| HeardSegment {
                start_ms: index * 1000,
                end_ms: index * 1000 + 900,
                text: (*text).to_owned(),
                no_speech: 0.0,
                words: text
                    .split_whitespace()
                    .map(|word| HeardWord {
                        start_ms: index * 1000,
                        end_ms: index * 1000 + 900,
                        text: format!(" {word}"),
                        p: 0.9,
                    })
                    .collect(),
            })
            .collect())
    }
}

struct Drafts(Script, Handshake);

impl Drafter for Drafts {
    fn handshake(&self) -> &Handshake {
        &self.1
    }

    fn render_watched(&mut self, messages: &[Message], _: OnProgress<'_>) -> Result<Rendered, EngineError> {
        let prompt: String = messages.iter().map(|message| format!("<{}>{}", message.role, message.content)).collect();
        let tokens = u32::try_from(prompt.len() / 4).unwrap_or(u32::MAX);
        Ok(Rendered { prompt, tokens, context: self.0.context })
    }

    fn generate(
        &mut self,
        prompt: &str,
        schema: &serde_json::Value,
        sampler: &Sampler,
        progress: OnProgress<'_>,
    ) -> Result<Generated, EngineError> {
        self.0.asked.borrow_mut().push(prompt.to_owned());
        if let Some(hook) = self.0.before_answer.borrow().as_ref() {
            hook();
        }
        if progress(Progress(0.5)) == ControlFlow::Break(()) {
            return Err(EngineError::Cancelled { engine: "llama" });
        }
        if schema["properties"].get("facts").is_some() {
            let text =
                r#"{"facts":[{"text":"The client slept about six hours most nights.","segments":[2]}]}"#.to_owned();
            return Ok(Generated { text, tokens: 9, finished: true });
        }
        if self.0.loops && sampler.repeat_penalty <= 1.0 {
            return Ok(Generated {
                text: r#"{"Subjective":[{"text":"The client slept"#.to_owned(),
                tokens: sampler.max_tokens,
                finished: false,
            });
        }
        match &*self.0.answer.borrow() {
            Ok(text) => Ok(Generated { text: text.clone(), tokens: 9, finished: true }),
            Err(why) => Err(EngineError::Failed { engine: "llama", why: (*why).to_owned() }),
        }
    }
}

impl Engines for Script {
    fn transcriber_watched(
        &self,
        _: &ModelFile,
        _: Option<&ModelFile>,
        _: OnProgress<'_>,
    ) -> Result<Box<dyn Transcriber>, EngineError> {
        Ok(Box::new(Hears(self.clone(), Self::shake("whisper"))))
    }

    fn drafter_watched(&self, _: &ModelFile, _: OnProgress<'_>) -> Result<Box<dyn Drafter>, EngineError> {
        Ok(Box::new(Drafts(self.clone(), Self::shake("llama"))))
    }
}

const ANSWER: &str = r#"{"Subjective":[{"text":"The client slept about six hours most nights.","segments":[2]}],
"Objective":[],"Assessment":[],"Plan":[{"text":"The client takes sertraline fifty milligrams every day.","segments":[3,4]}]}"#;

/// A practice in memory, with another process's way into it.
struct Desk {
    practice: Practice,
    actor: Actor,
    store: MemoryStore,
    keys: MemoryKeys,
    blobs: MemoryBlobs,
    anchor: MemoryAnchor,
    clock: Hand,
}

const PASSPHRASE: &[u8] = b"five random words in order";

fn light() -> Argon2Params {
    Argon2Params { memory_kib: 8, passes: 1, lanes: 1 }
}

fn desk() -> Desk {
    let (store, keys, blobs, anchor) =
        (MemoryStore::default(), MemoryKeys::default(), MemoryBlobs::default(), MemoryAnchor::default());
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
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, light()).expect("a practice");
    Desk { practice: made.practice, actor: made.actor, store, keys, blobs, anchor, clock }
}

impl Desk {
    /// The same practice as another process has it open.
    fn elsewhere(&self) -> (Practice, Actor) {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let epochs = vault.epochs().expect("epochs");
        let log =
            Log::open(Box::new(self.store.clone()), &epochs, Box::new(self.anchor.clone())).expect("the log opens");
        let practice = Practice::open(log, vault, Box::new(self.clock.clone()), Box::new(Counting(1 << 40)));
        let user = practice.only_user().expect("one user");
        let actor = practice.sign_in(&user, PASSPHRASE).expect("the passphrase fits");
        (practice, actor)
    }

    fn client(&mut self) -> String {
        let asked = NewClient { name: "Maria Alvarez".to_owned(), ..NewClient::default() };
        self.practice.add_client(&self.actor, &asked).expect("a client").client.to_string()
    }

    fn consented(&mut self) -> String {
        let client = self.client();
        let form = FormRequest { client: &client, template: None, lang: "en", particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &form, &Templates::bundled(), &Shelf).expect("a form");
        let taken = SignatureTaken::Typed("Maria Alvarez".to_owned());
        let signature =
            SignRequest { participant: "Maria Alvarez", consent: None, taken, evidence: Evidence::default() };
        self.practice.consent_sign(&self.actor, &client, signature, &Shelf).expect("a signature");
        client
    }

    fn add(&mut self, client: &str) -> Result<String, PracticeError> {
        let (session, _) = self.practice.add_session(
            &self.actor,
            client,
            &SessionAsked::default(),
            &Shelf,
            || Ok(recording(3)),
            &mut |_, _| ControlFlow::Continue(()),
        )?;
        Ok(session.session.to_string())
    }

    fn draft(&mut self, session: &str, script: &Script) -> Result<String, PracticeError> {
        let request = DraftRequest { session, format: "soap", model: None };
        let (text, _) =
            self.practice.draft_note(&self.actor, &request, script, &Shelf, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(text.note.to_string())
    }

    fn kinds(&self) -> Vec<String> {
        self.practice
            .ledger_log(None, None, None)
            .expect("the log reads")
            .into_iter()
            .map(|header| header.kind)
            .collect()
    }

    fn answer_all(&mut self, note: &str) {
        let view = self.practice.show_note(&self.actor, note).expect("a note");
        for warning in view.text.warnings.iter().filter(|warning| !warning.in_draft) {
            self.practice
                .answer_warning(&self.actor, note, &warning.id, "Asked as routine; the client said no.", &Shelf)
                .expect("an answer");
        }
    }
}

fn recording(seconds: usize) -> Opened {
    let blocks = (0..seconds).map(|_| Ok(vec![0.25_f32; 16_000]));
    Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None }
}

#[test]
fn without_consent_nothing_is_stored_and_the_refusal_is_an_entry() {
    let mut desk = desk();
    let client = desk.client();
    let keys = desk.keys.0.lock().expect("keys").len();
    let refused = desk.practice.add_session(
        &desk.actor,
        &client,
        &SessionAsked::default(),
        &Shelf,
        || panic!("the recording of a refused session is not even opened"),
        &mut |_, _| ControlFlow::Continue(()),
    );
    assert!(matches!(refused, Err(PracticeError::Gate { .. })));
    assert_eq!(desk.kinds().last().map(String::as_str), Some("session.refused"));
    assert!(desk.blobs.0.lock().expect("blobs").is_empty());
    assert_eq!(desk.keys.0.lock().expect("keys").len(), keys, "no key was made for it");
}

#[test]
fn a_recording_that_breaks_off_leaves_nothing() {
    let mut desk = desk();
    let client = desk.consented();
    let keys = desk.keys.0.lock().expect("keys").len();
    let broken = || {
        let blocks = [Ok(vec![0.1_f32; 16_000]), Err("the file is cut short".to_owned())];
        Ok(Opened { blocks: Box::new(blocks.into_iter()), source_sha256: Digest::of(b"x"), expected_s: None })
    };
    let outcome =
        desk.practice.add_session(&desk.actor, &client, &SessionAsked::default(), &Shelf, broken, &mut |_, _| {
            ControlFlow::Continue(())
        });
    assert!(matches!(outcome, Err(PracticeError::Audio(_))));
    assert!(desk.blobs.0.lock().expect("blobs").is_empty());
    assert_eq!(desk.keys.0.lock().expect("keys").len(), keys);
    assert!(!desk.kinds().contains(&"session.recorded".to_owned()));
}

#[test]
fn the_prompt_is_in_the_ledger_before_the_model_is_asked() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let script = Script::new(ANSWER);
    let store = desk.store.clone();
    let seen = Rc::new(Cell::new(false));
    let told = Rc::clone(&seen);
    *script.before_answer.borrow_mut() = Some(Box::new(move || {
        let contents = store.contents();
        let (_, last) = contents.entries().pop().expect("an entry");
        told.set(String::from_utf8_lossy(&last).contains("prompt.sent"));
    }));
    let note = desk.draft(&session, &script).expect("a draft");
    assert!(seen.get(), "the newest entry was the prompt when the model was asked");
    let kinds = desk.kinds();
    let order: Vec<usize> = [
        "session.recorded",
        "worker.started",
        "transcription.requested",
        "transcript.received",
        "prompt.sent",
        "output.received",
        "draft.made",
    ]
    .iter()
    .map(|kind| kinds.iter().position(|found| found == kind).expect("each step is an entry"))
    .collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{kinds:?}");
    let asked = script.asked.borrow().first().cloned().expect("a prompt");
    let sent = desk.practice.ledger_log(Some("prompt.sent"), None, None).expect("log")[0].seq;
    let (_, shown) = desk.practice.ledger_show(&desk.actor, sent).expect("the entry");
    let opened = format!("{shown:?}");
    assert!(asked.contains("six hours"));
    assert!(!opened.is_empty() && desk.practice.show_note(&desk.actor, &note).is_ok());
}

#[test]
fn a_withdrawal_while_the_recording_is_heard_stops_it_and_leaves_no_transcript() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let script = Script::new(ANSWER);
    let other = RefCell::new(Some(desk.elsewhere()));
    let who = client.clone();
    *script.while_hearing.borrow_mut() = Some(Box::new(move || {
        if let Some((mut practice, actor)) = other.borrow_mut().take() {
            let request = RevokeRequest {
                participant: "Maria Alvarez",
                purposes: std::collections::BTreeSet::new(),
                words: "",
                choice: None,
            };
            practice.consent_revoke(&actor, &who, &request).expect("the withdrawal");
        }
    }));
    let outcome = desk.draft(&session, &script);
    assert!(matches!(outcome, Err(PracticeError::Gate { .. })), "{outcome:?}");
    let kinds = desk.kinds();
    assert!(!kinds.contains(&"transcript.received".to_owned()), "{kinds:?}");
    assert!(kinds.contains(&"worker.failed".to_owned()), "{kinds:?}");
    assert_eq!(kinds.last().map(String::as_str), Some("draft.refused"));
}

#[test]
fn a_withdrawal_while_the_model_writes_yields_no_draft() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let script = Script::new(ANSWER);
    let other = RefCell::new(Some(desk.elsewhere()));
    let who = client.clone();
    *script.before_answer.borrow_mut() = Some(Box::new(move || {
        if let Some((mut practice, actor)) = other.borrow_mut().take() {
            let request = RevokeRequest {
                participant: "Maria Alvarez",
                purposes: std::collections::BTreeSet::new(),
                words: "",
                choice: None,
            };
            practice.consent_revoke(&actor, &who, &request).expect("the withdrawal");
        }
    }));
    assert!(matches!(desk.draft(&session, &script), Err(PracticeError::Gate { .. })));
    let kinds = desk.kinds();
    assert!(!kinds.contains(&"output.received".to_owned()) && !kinds.contains(&"draft.made".to_owned()), "{kinds:?}");
}

#[test]
fn a_worker_that_fails_is_an_entry_and_leaves_no_draft() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let script = Script::new(ANSWER);
    *script.answer.borrow_mut() = Err("stopped (signal 6, abort)");
    assert!(matches!(desk.draft(&session, &script), Err(PracticeError::Engine(EngineError::Failed { .. }))));
    assert_eq!(desk.kinds().last().map(String::as_str), Some("worker.failed"));
    *script.answer.borrow_mut() = Ok(ANSWER.to_owned());
    desk.draft(&session, &script).expect("the next try drafts");
    let heard = desk.kinds().iter().filter(|kind| *kind == "transcript.received").count();
    assert_eq!(heard, 1, "what was heard before is not heard again");
}

#[test]
fn an_answer_that_is_no_note_is_kept_and_refused() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    assert!(desk.draft(&session, &Script::new("{\"Subjective\":[{\"te")).is_err());
    let kinds = desk.kinds();
    assert!(kinds.contains(&"output.received".to_owned()) && !kinds.contains(&"draft.made".to_owned()), "{kinds:?}");
}

#[test]
fn a_model_that_falls_into_a_loop_is_asked_once_more_with_repetition_made_dear() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let mut script = Script::new(ANSWER);
    script.loops = true;
    desk.draft(&session, &script).expect("the second try drafts");
    assert_eq!(script.asked.borrow().len(), 2);
    let prompts = desk.practice.ledger_log(Some("prompt.sent"), None, None).expect("log");
    assert_ne!(prompts[0].facts["sampler"], prompts[1].facts["sampler"], "the ledger tells the two tries apart");
}

#[test]
fn a_session_longer_than_the_context_is_read_in_parts_and_every_part_is_logged() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let mut script = Script::new(ANSWER);
    let whole = Script::new(ANSWER);
    desk.draft(&session, &whole).expect("a draft of the whole");
    let tokens = whole.asked.borrow()[0].len() / 4;
    // One token too few for the whole, so it must be read in parts.
    script.context = u32::try_from(tokens).expect("a prompt's length") + 1600 - 1;
    desk.draft(&session, &script).expect("a draft in parts");
    let asked = script.asked.borrow();
    assert!(asked.len() >= 2, "{} prompts", asked.len());
    let summaries: String = asked[..asked.len() - 1].concat();
    for spoken in SPOKEN {
        assert!(summaries.contains(spoken.split(['.', '?']).next().unwrap_or_default()), "{spoken} was cut");
    }
    let sent = desk.kinds().iter().filter(|kind| *kind == "prompt.sent").count();
    assert_eq!(sent, asked.len() + 1);
}

#[test]
fn a_warning_must_be_answered_and_a_draft_cannot_leave() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let note = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    let left = desk.practice.export_note(&desk.actor, &note, Export::Json, |_| Ok(Vec::new()));
    assert!(matches!(left, Err(PracticeError::NotAllowed(_))));
    let view = desk.practice.show_note(&desk.actor, &note).expect("the draft");
    assert!(
        view.text.warnings.iter().any(|warning| !warning.in_draft),
        "the question about self-harm is missing from the draft"
    );
    assert!(matches!(desk.practice.attest_note(&desk.actor, &note, &Shelf), Err(PracticeError::NotAllowed(_))));
    desk.answer_all(&note);
    let (view, _) = desk.practice.attest_note(&desk.actor, &note, &Shelf).expect("a note");
    assert_eq!(view.state, NoteState::Attested);
    assert!(matches!(
        desk.practice.edit_note(&desk.actor, &note, "## Plan\nNo.\n", &Shelf),
        Err(PracticeError::NotAllowed(_))
    ));
    let (bytes, _, _) =
        desk.practice.export_note(&desk.actor, &note, Export::Json, |_| Ok(Vec::new())).expect("an export");
    assert!(String::from_utf8_lossy(&bytes).contains("six hours"));
    let kinds = desk.kinds();
    assert_eq!(kinds.last().map(String::as_str), Some("note.exported"));
    let (view, _) = desk.practice.amend_note(&desk.actor, &note, "Moved to Friday.").expect("an amendment");
    assert_eq!((view.state, view.amendments.len()), (NoteState::Amended, 1));
    let trace: Vec<_> =
        desk.practice.trace_note(&desk.actor, &note).expect("a trace").into_iter().map(|entry| entry.kind).collect();
    for kind in [
        "client.added",
        "consent.requested",
        "consent.granted",
        "session.recorded",
        "prompt.sent",
        "output.received",
        "draft.made",
        "note.attested",
        "note.exported",
    ] {
        assert!(trace.contains(&kind.to_owned()), "{kind} is behind the note: {trace:?}");
    }
}

#[test]
fn an_edit_keeps_marks_of_what_it_leaves_and_records_the_difference() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let note = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    let before = desk.practice.show_note(&desk.actor, &note).expect("the draft");
    let text = edit_text(&before.text);
    assert!(
        desk.practice.edit_note(&desk.actor, &note, &text, &Shelf).expect("no change").is_none(),
        "the text as it was is no edit"
    );
    let edited = text.replace("## Objective\n", "## Objective\nClient arrived on time.\n");
    let (view, _) = desk.practice.edit_note(&desk.actor, &note, &edited, &Shelf).expect("an edit").expect("a change");
    assert_eq!(view.text.sections[0], before.text.sections[0], "what was not touched keeps its mark");
    let own = &view.text.sections[1].sentences[0];
    assert_eq!((own.text.as_str(), own.segments.len()), ("Client arrived on time.", 0));
    let wrong = desk.practice.edit_note(&desk.actor, &note, "## Subjektive\nText.\n", &Shelf);
    assert!(matches!(&wrong, Err(PracticeError::BadRequest(why)) if why.starts_with("line 1:")), "{wrong:?}");
}

#[test]
fn what_is_due_is_destroyed_with_a_receipt_and_cannot_be_opened_again() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let note = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    assert!(desk.practice.retention_run(&desk.actor, None).expect("a run").is_empty(), "nothing is due yet");
    desk.answer_all(&note);
    desk.practice.attest_note(&desk.actor, &note, &Shelf).expect("a note");
    let receipts = desk.practice.retention_run(&desk.actor, None).expect("a run");
    let classes: Vec<_> = receipts.iter().map(|receipt| receipt.class).collect();
    assert_eq!(classes.len(), 2);
    assert!(classes.contains(&RecordClass::Audio) && classes.contains(&RecordClass::WorkingPapers));
    assert!(desk.blobs.0.lock().expect("blobs").is_empty(), "no ciphertext of the recording is left");
    assert!(matches!(desk.practice.show_transcript(&desk.actor, &session), Err(PracticeError::Destroyed { .. })));
    let view = desk.practice.show_note(&desk.actor, &note).expect("the note itself stays");
    assert_eq!(view.state, NoteState::Attested);
    assert!(desk.practice.retention_run(&desk.actor, None).expect("a run").is_empty(), "nothing is destroyed twice");
}

#[test]
fn a_recording_never_outlives_its_latest_date_without_a_note() {
    let mut desk = desk();
    let client = desk.consented();
    desk.add(&client).expect("a session");
    desk.clock.0.set(desk.clock.0.get() + 7 * 24 * 3_600_000);
    let receipts = desk.practice.retention_run(&desk.actor, None).expect("a run");
    assert_eq!(receipts.len(), 2);
}

#[test]
fn a_destruction_cut_off_after_its_entry_is_carried_out_later() {
    let mut desk = desk();
    let client = desk.consented();
    desk.add(&client).expect("a session");
    // A backup of the keys from before the destruction, put back after it.
    let backup = desk.keys.0.lock().expect("keys").clone();
    desk.clock.0.set(desk.clock.0.get() + 8 * 24 * 3_600_000);
    desk.practice.retention_run(&desk.actor, None).expect("a run");
    let destroyed = desk.keys.0.lock().expect("keys").len();
    desk.keys.0.lock().expect("keys").extend(backup);
    assert_eq!(desk.practice.finish_destructions(&desk.actor).expect("the rest"), 2);
    assert_eq!(desk.keys.0.lock().expect("keys").len(), destroyed);
}

#[test]
fn a_setting_that_clients_were_told_otherwise_closes_the_gate() {
    for (name, value) in
        [("audio_days", "14"), ("allow_no_sandbox", "true"), ("drafting", "another-model"), ("speech", "another-model")]
    {
        let mut desk = desk();
        let client = desk.consented();
        desk.practice.configure(&desk.actor, name, value).expect("a setting");
        let outcome = desk.add(&client);
        assert!(
            matches!(&outcome, Err(PracticeError::Gate { status, .. }) if status.to_string() == "stale"),
            "{name}: {outcome:?}"
        );
    }
}

#[test]
fn a_clock_set_back_is_refused_until_it_is_accepted() {
    let mut desk = desk();
    desk.client();
    desk.clock.0.set(desk.clock.0.get() - 3_600_000);
    let asked = NewClient { name: "Jon Park".to_owned(), ..NewClient::default() };
    assert!(desk.practice.add_client(&desk.actor, &asked).is_err());
    desk.practice.accept_clock(&desk.actor).expect("accepted");
    desk.practice.add_client(&desk.actor, &asked).expect("a client");
}

#[test]
fn nothing_of_a_session_stands_in_the_clear() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let note = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    desk.answer_all(&note);
    desk.practice.attest_note(&desk.actor, &note, &Shelf).expect("a note");
    let contents = desk.store.contents();
    let mut bytes: Vec<u8> = contents.entries().into_iter().flat_map(|(_, entry)| entry).collect();
    bytes.extend(contents.payloads.values().flat_map(|payload| payload.body.clone().unwrap_or_default()));
    bytes.extend(desk.blobs.0.lock().expect("blobs").values().flatten());
    bytes.extend(desk.keys.0.lock().expect("keys").values().flatten());
    for word in ["Maria", "Alvarez", "sertraline", "six hours", "Elm Street", "Dana"] {
        assert!(!bytes.windows(word.len()).any(|window| window == word.as_bytes()), "{word} stands in the clear");
    }
}

#[test]
fn a_note_goes_into_a_bundle_with_its_attestation_and_without_other_notes() {
    let mut desk = desk();
    let client = desk.consented();
    let session = desk.add(&client).expect("a session");
    let other = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    let note = desk.draft(&session, &Script::new(ANSWER)).expect("a draft");
    desk.answer_all(&note);
    desk.practice.attest_note(&desk.actor, &note, &Shelf).expect("a note");
    desk.practice.amend_note(&desk.actor, &note, "Also spoke of “work”.").expect("an amendment");
    let scope = BundleScope::Note(note.clone());
    let plan = desk.practice.bundle_plan(&desk.actor, &scope, &[]).expect("a plan");
    assert!(plan.entries().iter().any(|header| header.kind == "prompt.sent"));
    assert!(plan.entries().iter().any(|header| header.kind == "consent.granted"));
    assert!(plan.entries().iter().all(|header| header.refs.get("note").is_none_or(|of| *of == note)));
    let made = desk
        .practice
        .bundle_create(&desk.actor, &plan, BundleExtras::default(), |_, note| Ok(note.to_owned()))
        .expect("a bundle");
    let report = provenote_bundle::verify(&made.bytes, &provenote_bundle::Known::default());
    assert_eq!(report.verdict, provenote_bundle::Verdict::Intact, "{:#?}", report.findings);
    // The clinician's own signature holds over what the bundle shows: under the note, and under what was added.
    assert_eq!(report.attestations, 2);
    assert!(!made.bytes.windows(other.len()).any(|window| window == other.as_bytes()), "the other note");
}
