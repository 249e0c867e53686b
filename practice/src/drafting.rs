//! From a sealed recording to a draft: gate, worker, transcript, prompts, raw outputs, draft.
//!
//! Each step's entry is durable before the next step uses its result. What the model is asked and
//! what it answers is in the ledger word for word, sealed, before anything reads it.

use std::cell::Cell;
use std::ops::ControlFlow;

use provenote_access::Act;
use provenote_ledger::{Fact, NewEntry};
use provenote_pipeline::engine::{Drafter, EngineError, Engines, Generated, HeardSegment, ModelFile, Progress};
use provenote_pipeline::formats::NoteFormat;
use provenote_pipeline::prompt::PromptText;
use provenote_pipeline::protocol::{Handshake, Message, Sampler};
use provenote_pipeline::{draft, grounding, parts, prompt, safety, sentences};
use provenote_schemas::note::NoteText;
use provenote_schemas::people::Client;
use provenote_schemas::transcript::Transcript;
use provenote_schemas::{Kind, NoteId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::ports::{Models, OnStage, Stage};
use crate::sessions::{duration_s, pcm_blocks, session_of};

/// What a draft is made with.
pub struct DraftRequest<'a> {
    /// The session.
    pub session: &'a str,
    /// The note format's id, such as `soap`.
    pub format: &'a str,
    /// A drafting model other than the practice's first one.
    pub model: Option<&'a str>,
}

/// What the model was asked; sealed before it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PromptRecord {
    /// Template id and version.
    pub template: String,
    /// The chat.
    pub messages: Vec<Message>,
    /// The exact text the model was shown.
    pub prompt: String,
    /// The JSON schema its answer was held to.
    pub schema: Value,
    /// How its tokens were chosen.
    pub sampler: Sampler,
}

/// What the speech engine answered; sealed as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct HeardRecord {
    segments: Vec<HeardSegment>,
}

/// Tokens an answer may have. A note of a session needs a few hundred; the schema allows eight sentences a section.
const ANSWER_TOKENS: u32 = 1600;

/// How dear repetition is in a second try.
const REPEAT_PENALTY: f32 = 1.15;

/// How often a model may be asked again for a summary in smaller parts.
const MOST_PARTS: usize = 64;

impl Practice {
    /// Drafts a note of a session.
    ///
    /// # Errors
    /// [`PracticeError::Gate`] when consent is not in force, now or at the end of any step;
    /// [`PracticeError::Engine`] when a worker fails. Either is an entry, and nothing half-made is kept.
    pub fn draft_note(
        &mut self,
        actor: &Actor,
        request: &DraftRequest<'_>,
        engines: &dyn Engines,
        models: &dyn Models,
        on_stage: OnStage<'_>,
    ) -> Result<(NoteText, u64), PracticeError> {
        actor.authorise(Act::DraftNote)?;
        let format = NoteFormat::by_id(request.format).ok_or_else(|| {
            let known: Vec<_> = NoteFormat::all().iter().map(|format| format.id.as_str()).collect();
            PracticeError::BadRequest(format!(
                "there is no note format `{}`: there are {}",
                request.format.chars().take(20).collect::<String>(),
                known.join(", ")
            ))
        })?;
        let settings = self.settings()?;
        let model = request.model.or(settings.drafting.first().map(String::as_str)).unwrap_or_default().to_owned();
        if !settings.drafting.contains(&model) {
            return Err(PracticeError::BadRequest(format!(
                "clients were told of the drafting models {}, not of {}: `provenote settings set drafting {}` allows it, and consents are then asked for anew",
                settings.drafting.join(", "),
                model.chars().take(64).collect::<String>(),
                model.chars().take(64).collect::<String>(),
            )));
        }
        let header = self.session_header(request.session)?;
        let session = session_of(&header)?;
        let client = self.client(actor, reference(&header, "client")?)?;
        self.pass_gate(actor, &client, models, Kind::DraftRefused, &[("session", session.as_str())])?;
        let file = |id: &str| models.file(id).map_err(PracticeError::BadRequest);
        // Everything that can be missing is looked for before anything is started.
        let drafting = file(&model)?;
        let work = Work { session: session.clone(), client, working: reference(&header, "working")?.to_owned() };
        let transcript = match self.transcript(actor, &session)? {
            Some(transcript) => transcript,
            None => {
                let (speech, voice) = (file(&settings.speech)?, file(&settings.voice_activity)?);
                self.transcribe(actor, &work, &header, engines, models, (&speech, &voice), on_stage)?
            }
        };
        if transcript.segments.is_empty() {
            return Err(PracticeError::NotAllowed(
                "no speech was heard in this recording, so there is nothing to draft from: write the note yourself"
                    .to_owned(),
            ));
        }
        self.draft_from(actor, &work, &transcript, format, engines, models, &drafting, on_stage)
    }

    #[allow(clippy::too_many_arguments)]
    fn transcribe(
        &mut self,
        actor: &Actor,
        work: &Work,
        header: &provenote_ledger::Header,
        engines: &dyn Engines,
        models: &dyn Models,
        (speech, voice): (&ModelFile, &ModelFile),
        on_stage: OnStage<'_>,
    ) -> Result<Transcript, PracticeError> {
        let _ = on_stage(Stage::StartingSpeech, 0.0);
        let recording = self.open_recording(actor, header)?;
        let mut transcriber = match engines.transcriber(speech, Some(voice)) {
            Ok(transcriber) => transcriber,
            Err(error) => return Err(self.failed(actor, work, "whisper", error)?),
        };
        let shake = transcriber.handshake().clone();
        self.worker_started(actor, work, &shake, &speech.id)?;
        let asked =
            work.refer(self.entry(actor, Kind::TranscriptionRequested)).fact("model", Fact::Text(speech.id.clone()));
        self.append_one(actor, asked)?;
        let withdrawn = Withdrawn::watch(self)?;
        let heard = transcriber.transcribe(&mut pcm_blocks(recording), duration_s(header), &mut |Progress(done)| {
            if withdrawn.now(self, actor, work, models) {
                ControlFlow::Break(())
            } else {
                on_stage(Stage::Transcribing, done)
            }
        });
        drop(transcriber);
        let heard = match heard {
            Ok(heard) => heard,
            Err(error) => {
                let error = self.failed(actor, work, "whisper", error)?;
                if withdrawn.seen.get() {
                    self.pass_gate(
                        actor,
                        &work.client,
                        models,
                        Kind::DraftRefused,
                        &[("session", work.session.as_str())],
                    )?;
                }
                return Err(error);
            }
        };
        self.pass_gate(actor, &work.client, models, Kind::DraftRefused, &[("session", work.session.as_str())])?;
        let transcript = sentences::split(&heard);
        let raw = self.seal_record(actor, &work.working, "heard", &HeardRecord { segments: heard })?;
        let sealed = self.seal_record(actor, &work.working, "transcript", &transcript)?;
        let entry = engine_facts(work.refer(self.entry(actor, Kind::TranscriptReceived)), &shake, &speech.id)
            .fact("segments", Fact::Number(count(transcript.segments.len())))
            .payload(raw)
            .payload(sealed);
        self.append_one(actor, entry)?;
        Ok(transcript)
    }

    #[allow(clippy::too_many_arguments)]
    fn draft_from(
        &mut self,
        actor: &Actor,
        work: &Work,
        transcript: &Transcript,
        format: &NoteFormat,
        engines: &dyn Engines,
        models: &dyn Models,
        model: &ModelFile,
        on_stage: OnStage<'_>,
    ) -> Result<(NoteText, u64), PracticeError> {
        let _ = on_stage(Stage::StartingDrafting, 0.0);
        let mut drafter = match engines.drafter(model) {
            Ok(drafter) => drafter,
            Err(error) => return Err(self.failed(actor, work, "llama", error)?),
        };
        let shake = drafter.handshake().clone();
        self.worker_started(actor, work, &shake, &model.id)?;
        let mut asking = Asking {
            work,
            drafter: &mut *drafter,
            shake: &shake,
            model: &model.id,
            models,
            part: 1,
            parts: 1,
            repeat_penalty: 1.0,
        };
        let last = count_u32(transcript.segments.len());
        let whole = prompt::draft_messages(format, &transcript.segments);
        let schema = prompt::output_schema(format, 1..=last);
        let (text, raw) = match self.ask(actor, &mut asking, &whole, &schema, on_stage) {
            Err(PracticeError::Engine(EngineError::TooLong { context, .. })) => {
                let facts = self.summarise(actor, &mut asking, transcript, context, on_stage)?;
                let combined = prompt::combine_messages(format, &facts);
                asking.part = asking.parts;
                let raw = self.ask(actor, &mut asking, &combined, &schema, on_stage).map_err(|error| match error {
                    PracticeError::Engine(EngineError::TooLong { tokens, context }) => PracticeError::NotAllowed(format!(
                        "the facts of this session's parts have {tokens} tokens and the model holds {context}, even summarised: use a model with a longer context"
                    )),
                    other => other,
                })?;
                (combined, raw)
            }
            other => (whole, other?),
        };
        let mut sections = match draft::parse(&raw.text, format, transcript) {
            Ok(sections) => sections,
            // A small model that fell into a loop runs on until it is cut off. Once more, with repetition made dear.
            Err(_) if !raw.finished => {
                asking.repeat_penalty = REPEAT_PENALTY;
                let raw = self.ask(actor, &mut asking, &text, &schema, on_stage)?;
                draft::parse(&raw.text, format, transcript)
                    .map_err(|error| PracticeError::NotAllowed(error.to_string()))?
            }
            Err(error) => return Err(PracticeError::NotAllowed(error.to_string())),
        };
        let _ = on_stage(Stage::Checking, 0.0);
        grounding::check(transcript, &mut sections);
        let warnings = safety::screen(transcript, &sections);
        self.pass_gate(actor, &work.client, models, Kind::DraftRefused, &[("session", work.session.as_str())])?;
        let text = NoteText {
            note: self.random_id(NoteId::from_random),
            session: work.session.clone(),
            format: format.id.clone(),
            sections,
            warnings,
        };
        let sealed = self.seal_record(actor, &work.working, "text", &text)?;
        let entry = engine_facts(work.refer(self.entry(actor, Kind::DraftMade)), &shake, &model.id)
            .refer("note", &text.note)
            .fact("format", Fact::Text(text.format.clone()))
            .payload(sealed);
        let seq = self.append_one(actor, entry)?;
        let _ = on_stage(Stage::Checking, 1.0);
        Ok((text, seq))
    }

    /// Facts of each part of a session that is longer than the model's context.
    fn summarise(
        &mut self,
        actor: &Actor,
        asking: &mut Asking<'_>,
        transcript: &Transcript,
        context: u32,
        on_stage: OnStage<'_>,
    ) -> Result<Vec<draft::Fact>, PracticeError> {
        let failed = |practice: &mut Self, work: &Work, error: EngineError| -> Result<PracticeError, PracticeError> {
            practice.failed(actor, work, "llama", error)
        };
        let user = |content: String| [Message { role: "user".to_owned(), content }];
        let empty = match asking.drafter.render(&user(String::new())) {
            Ok(rendered) => rendered.tokens,
            Err(error) => return Err(failed(self, asking.work, error)?),
        };
        let mut tokens = Vec::with_capacity(transcript.segments.len());
        for segment in &transcript.segments {
            match asking.drafter.render(&user(prompt::segment_line(segment))) {
                // One more for the line's end.
                Ok(rendered) => tokens.push(rendered.tokens.saturating_sub(empty) + 1),
                Err(error) => return Err(failed(self, asking.work, error)?),
            }
        }
        let frame = prompt::summary_messages(&[], MOST_PARTS, MOST_PARTS);
        let frame = match asking.drafter.render(&frame.messages) {
            Ok(rendered) => rendered.tokens,
            Err(error) => return Err(failed(self, asking.work, error)?),
        };
        let budget = context.saturating_sub(frame + ANSWER_TOKENS + 16);
        let ranges = parts::plan(&tokens, budget).map_err(|error| PracticeError::NotAllowed(error.to_string()))?;
        if ranges.len() > MOST_PARTS {
            return Err(PracticeError::NotAllowed(format!(
                "this session would take {} prompts: use a model with a longer context",
                ranges.len()
            )));
        }
        asking.parts = ranges.len() + 1;
        let mut facts = Vec::new();
        for (index, range) in ranges.iter().enumerate() {
            asking.part = index + 1;
            let segments = &transcript.segments[range.clone()];
            let (Some(first), Some(last)) = (segments.first(), segments.last()) else { continue };
            let text = prompt::summary_messages(segments, index + 1, ranges.len());
            let schema = prompt::summary_schema(first.id..=last.id);
            let raw = self.ask(actor, asking, &text, &schema, on_stage)?;
            facts.extend(
                draft::parse_facts(&raw.text, transcript)
                    .map_err(|error| PracticeError::NotAllowed(error.to_string()))?,
            );
        }
        Ok(facts)
    }

    /// One prompt: rendered, written to the ledger, sent, and its raw answer written before it is returned.
    fn ask(
        &mut self,
        actor: &Actor,
        asking: &mut Asking<'_>,
        text: &PromptText,
        schema: &Value,
        on_stage: OnStage<'_>,
    ) -> Result<Generated, PracticeError> {
        let sampler = Sampler { repeat_penalty: asking.repeat_penalty, ..Sampler::greedy(ANSWER_TOKENS) };
        let rendered = match asking.drafter.render(&text.messages) {
            Ok(rendered) => rendered,
            Err(error) => return Err(self.failed(actor, asking.work, "llama", error)?),
        };
        if rendered.tokens + sampler.max_tokens > rendered.context {
            return Err(EngineError::TooLong {
                tokens: rendered.tokens + sampler.max_tokens,
                context: rendered.context,
            }
            .into());
        }
        let record = PromptRecord {
            template: text.template.clone(),
            messages: text.messages.clone(),
            prompt: rendered.prompt.clone(),
            schema: schema.clone(),
            sampler: sampler.clone(),
        };
        let sealed = self.seal_record(actor, &asking.work.working, "prompt", &record)?;
        let sent = engine_facts(asking.work.refer(self.entry(actor, Kind::PromptSent)), asking.shake, asking.model)
            .fact("template", Fact::Text(text.template.clone()))
            .fact("tokens", Fact::Number(rendered.tokens.into()))
            .fact("max_tokens", Fact::Number(sampler.max_tokens.into()))
            .fact("sampler", Fact::Text(format!("greedy,repeat_penalty={:.2}", sampler.repeat_penalty)))
            .fact("seed", Fact::Number(sampler.seed.into()))
            .fact("part", Fact::Number(count(asking.part)))
            .payload(sealed);
        let prompt_seq = self.append_one(actor, sent)?;
        let stage = Stage::Drafting { part: asking.part, parts: asking.parts };
        let withdrawn = Withdrawn::watch(self)?;
        let answer = asking.drafter.generate(&rendered.prompt, schema, &sampler, &mut |Progress(done)| {
            if withdrawn.now(self, actor, asking.work, asking.models) {
                ControlFlow::Break(())
            } else {
                on_stage(stage, done)
            }
        });
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let error = self.failed(actor, asking.work, "llama", error)?;
                if withdrawn.seen.get() {
                    self.pass_gate(
                        actor,
                        &asking.work.client,
                        asking.models,
                        Kind::DraftRefused,
                        &[("session", asking.work.session.as_str())],
                    )?;
                }
                return Err(error);
            }
        };
        let sealed = self.seal_bytes(actor, &asking.work.working, "output", "text/plain", answer.text.as_bytes())?;
        let received =
            engine_facts(asking.work.refer(self.entry(actor, Kind::OutputReceived)), asking.shake, asking.model)
                .fact("prompt", Fact::Number(i64::try_from(prompt_seq).unwrap_or(i64::MAX)))
                .fact("tokens", Fact::Number(answer.tokens.into()))
                .fact("finished", Fact::Flag(answer.finished))
                .payload(sealed);
        self.append_one(actor, received)?;
        Ok(answer)
    }

    fn worker_started(
        &mut self,
        actor: &Actor,
        work: &Work,
        shake: &Handshake,
        model: &str,
    ) -> Result<(), PracticeError> {
        let entry = engine_facts(work.refer(self.entry(actor, Kind::WorkerStarted)), shake, model);
        self.append_one(actor, entry)?;
        Ok(())
    }

    /// Writes that a worker failed, and hands the failure on.
    fn failed(
        &mut self,
        actor: &Actor,
        work: &Work,
        engine: &str,
        error: EngineError,
    ) -> Result<PracticeError, PracticeError> {
        let why = match &error {
            EngineError::NoWorker { .. } => "no_worker",
            EngineError::NoSandbox { .. } => "no_sandbox",
            EngineError::BadModel { .. } => "bad_model",
            EngineError::TooLong { .. } => "too_long",
            EngineError::Cancelled { .. } => "cancelled",
            EngineError::Failed { .. } => "failed",
            EngineError::Audio(_) => "audio",
        };
        let entry = work
            .refer(self.entry(actor, Kind::WorkerFailed))
            .fact("engine", Fact::Text(engine.to_owned()))
            .fact("why", Fact::Text(why.to_owned()));
        self.append_one(actor, entry)?;
        Ok(error.into())
    }
}

/// What every entry of a draft refers to.
struct Work {
    session: SessionId,
    client: Client,
    working: String,
}

impl Work {
    fn refer(&self, entry: NewEntry) -> NewEntry {
        entry.refer("client", &self.client.client).refer("session", &self.session)
    }
}

/// A drafter at work.
struct Asking<'a> {
    work: &'a Work,
    drafter: &'a mut dyn Drafter,
    shake: &'a Handshake,
    model: &'a str,
    models: &'a dyn Models,
    part: usize,
    parts: usize,
    repeat_penalty: f32,
}

/// Notices, while an engine works, that another process wrote a withdrawal.
struct Withdrawn {
    size: Cell<u64>,
    seen: Cell<bool>,
}

impl Withdrawn {
    fn watch(practice: &Practice) -> Result<Self, PracticeError> {
        Ok(Self { size: Cell::new(practice.log.size()?), seen: Cell::new(false) })
    }

    /// True where the gate has closed. A ledger that cannot be read closes it too.
    fn now(&self, practice: &Practice, actor: &Actor, work: &Work, models: &dyn Models) -> bool {
        match practice.log.size() {
            Ok(size) if size == self.size.get() => return false,
            Ok(size) => self.size.set(size),
            Err(_) => return true,
        }
        let open = practice.standing(actor, &work.client, models).is_ok_and(|standing| {
            matches!(provenote_consent::gate::decide(&standing), provenote_consent::gate::Decision::Open { .. })
        });
        self.seen.set(!open);
        !open
    }
}

/// What the handshake tells, as facts of an entry.
fn engine_facts(entry: NewEntry, shake: &Handshake, model: &str) -> NewEntry {
    // A version in words, such as `llama.cpp (llama-cpp-sys-2 0.1.161)`, as one token.
    let token = |text: &str| {
        let parts =
            text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-+".contains(c))).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("-").chars().take(120).collect::<String>()
    };
    let mut entry = entry
        .fact("engine", Fact::Text(token(&shake.engine)))
        .fact("engine_version", Fact::Text(token(&shake.engine_version)))
        .fact("worker_version", Fact::Text(token(&shake.worker_version)))
        .fact("worker_sha256", Fact::Text(shake.worker_sha256.to_string()))
        .fact("model", Fact::Text(token(model)))
        .fact("model_sha256", Fact::Text(shake.model_sha256.to_string()))
        .fact("sandbox", Fact::Text(token(&shake.sandbox)))
        .fact("isolated", Fact::Flag(shake.isolated()))
        .fact("threads", Fact::Number(shake.threads.into()));
    if let Some(vad) = shake.vad_sha256 {
        entry = entry.fact("vad_sha256", Fact::Text(vad.to_string()));
    }
    entry
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
