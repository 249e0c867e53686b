//! From a sealed recording to a draft: gate, worker, transcript, prompts, raw outputs, draft.
//!
//! Each step's entry is durable before the next step uses its result. What the model is asked and
//! what it answers is in the ledger word for word, sealed, before anything reads it. Each is written only while the
//! gate is open ([`crate::gate`]), and a withdrawal ends an engine that is at work.

use std::ops::ControlFlow;

use provenote_access::Act;
use provenote_consent::statement::{Naming, statement, without_claims};
use provenote_ledger::{Fact, NewEntry};
use provenote_pipeline::engine::{
    Drafter, EngineError, Engines, Generated, HeardSegment, ModelFile, Progress, Rendered,
};
use provenote_pipeline::formats::NoteFormat;
use provenote_pipeline::prompt::PromptText;
use provenote_pipeline::protocol::{Handshake, Message, Sampler};
use provenote_pipeline::{draft, grounding, parts, prompt, safety, sentences};
use provenote_schemas::note::{DoubtfulClaim, NoteText, RemovedClaim, Section};
use provenote_schemas::transcript::Transcript;
use provenote_schemas::{Kind, NoteId, SessionId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::gate::{Asks, Gate, Watch};
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
    /// Drafts a note of a session. Of a dictated one the clinician's own sentences are put into their sections, and no
    /// model drafts.
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
        let format = NoteFormat::by_id(request.format).ok_or_else(|| {
            let known: Vec<_> = NoteFormat::all().iter().map(|format| format.id.as_str()).collect();
            PracticeError::BadRequest(format!(
                "there is no note format `{}`: there are {}",
                request.format.chars().take(20).collect::<String>(),
                known.join(", ")
            ))
        })?;
        let header = self.allow_session(actor, Act::DraftNote, request.session)?;
        let settings = self.settings()?;
        let session = session_of(&header)?;
        let asks = Asks::of(&header)?;
        let dictated = !matches!(asks, Asks::Consent(_));
        let model = request.model.or(settings.drafting.first().map(String::as_str)).unwrap_or_default().to_owned();
        if dictated && request.model.is_some() {
            return Err(PracticeError::BadRequest(
                "the note of a dictated session is made of the clinician's own sentences: leave --model out".to_owned(),
            ));
        }
        if !dictated && !settings.drafting.contains(&model) {
            return Err(PracticeError::BadRequest(format!(
                "clients were told of the drafting models {}, not of {}: `provenote settings set drafting {}` allows it, and consents are then asked for anew",
                settings.drafting.join(", "),
                model.chars().take(64).collect::<String>(),
                model.chars().take(64).collect::<String>(),
            )));
        }
        let client = self.client(actor, reference(&header, "client")?)?;
        let work = Work {
            session: &session,
            working: reference(&header, "working")?.to_owned(),
            watch: Watch::begin(self)?,
            gate: Gate::of_session(&client, &asks, models, &session),
        };
        self.pass(actor, &work.gate)?;
        let file = |id: &str| models.file(id).map_err(PracticeError::BadRequest);
        // Everything that can be missing is looked for before anything is started.
        let drafting = if dictated { None } else { Some(file(&model)?) };
        let transcript = match self.transcript(actor, &session)? {
            Some(transcript) => transcript,
            None => {
                let (speech, voice) = (file(&settings.speech)?, file(&settings.voice_activity)?);
                self.transcribe(actor, &work, &header, engines, (&speech, &voice), on_stage)?
            }
        };
        if transcript.segments.is_empty() {
            return Err(PracticeError::NotAllowed(
                "no speech was heard in this recording, so there is nothing to draft from: write the note yourself"
                    .to_owned(),
            ));
        }
        match drafting {
            Some(model) => self.draft_from(actor, &work, &transcript, format, engines, &model, on_stage),
            None => self.dictated_note(actor, &work, &transcript, format, on_stage),
        }
    }

    fn transcribe(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
        header: &provenote_ledger::Header,
        engines: &dyn Engines,
        (speech, voice): (&ModelFile, &ModelFile),
        on_stage: OnStage<'_>,
    ) -> Result<Transcript, PracticeError> {
        let _ = on_stage(Stage::StartingSpeech, 0.0);
        let recording = self.open_recording(actor, header)?;
        let started = engines.transcriber_watched(speech, Some(voice), &mut |Progress(done)| {
            self.goes_on(actor, work, on_stage, Stage::StartingSpeech, done)
        });
        let mut transcriber = match started {
            Ok(transcriber) => transcriber,
            Err(error) => return Err(self.stopped(actor, work, "whisper", error)?),
        };
        let shake = transcriber.handshake().clone();
        self.worker_started(actor, work, &shake, &speech.id)?;
        self.append_while_open(actor, &work.gate, |practice, _| {
            let entry = work.refer(practice.entry(actor, Kind::TranscriptionRequested));
            Ok(entry.fact("model", Fact::Text(speech.id.clone())))
        })?;
        let heard = transcriber.transcribe(&mut pcm_blocks(recording), duration_s(header), &mut |Progress(done)| {
            self.goes_on(actor, work, on_stage, Stage::Transcribing, done)
        });
        drop(transcriber);
        let heard = match heard {
            Ok(heard) => heard,
            Err(error) => return Err(self.stopped(actor, work, "whisper", error)?),
        };
        let transcript = sentences::split(&heard);
        let heard = HeardRecord { segments: heard };
        self.append_while_open(actor, &work.gate, |practice, _| {
            let raw = practice.seal_record(actor, &work.working, "heard", &heard)?;
            let sealed = practice.seal_record(actor, &work.working, "transcript", &transcript)?;
            let entry = work.refer(practice.entry(actor, Kind::TranscriptReceived));
            Ok(engine_facts(entry, &shake, &speech.id)
                .fact("segments", Fact::Number(count(transcript.segments.len())))
                .payload(raw)
                .payload(sealed))
        })?;
        Ok(transcript)
    }

    #[allow(clippy::too_many_arguments)]
    fn draft_from(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
        transcript: &Transcript,
        format: &NoteFormat,
        engines: &dyn Engines,
        model: &ModelFile,
        on_stage: OnStage<'_>,
    ) -> Result<(NoteText, u64), PracticeError> {
        let _ = on_stage(Stage::StartingDrafting, 0.0);
        let started = engines.drafter_watched(model, &mut |Progress(done)| {
            self.goes_on(actor, work, on_stage, Stage::StartingDrafting, done)
        });
        let mut drafter = match started {
            Ok(drafter) => drafter,
            Err(error) => return Err(self.stopped(actor, work, "llama", error)?),
        };
        let shake = drafter.handshake().clone();
        self.worker_started(actor, work, &shake, &model.id)?;
        let mut asking = Asking {
            work,
            drafter: &mut *drafter,
            shake: &shake,
            model: &model.id,
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
        let sections = match draft::parse(&raw.text, format, transcript) {
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
        self.keep_draft(actor, work, transcript, format, sections, Some((&shake, &model.id)), on_stage)
    }

    /// Marks what was written, and keeps it as a draft: the model's own words on consent are taken out first, and what
    /// the records say of it stands beside.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn keep_draft(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
        transcript: &Transcript,
        format: &NoteFormat,
        sections: Vec<Section>,
        drafter: Option<(&Handshake, &str)>,
        on_stage: OnStage<'_>,
    ) -> Result<(NoteText, u64), PracticeError> {
        let _ = on_stage(Stage::Checking, 0.0);
        let cleaned = without_claims(&sections);
        let mut sections = cleaned.sections;
        grounding::check(transcript, &mut sections);
        let removed = cleaned.removed.into_iter().map(|one| RemovedClaim {
            section: one.section,
            text: one.text,
            rest: one.rest,
            look: one.look,
        });
        let mut text = NoteText {
            note: self.random_id(NoteId::from_random),
            session: work.session.clone(),
            format: format.id.clone(),
            warnings: safety::screen(transcript, &sections),
            doubts: doubts(&sections),
            sections,
            removed: removed.collect(),
            consent_statement: Vec::new(),
        };
        let seq = self.append_while_open(actor, &work.gate, |practice, _| {
            text.consent_statement = practice.consent_statement(actor, &work.gate)?;
            let sealed = practice.seal_record(actor, &work.working, "text", &text)?;
            let mut entry = work.refer(practice.entry(actor, Kind::DraftMade));
            if let Some((shake, model)) = drafter {
                entry =
                    engine_facts(entry, shake, model).fact("claims_removed", Fact::Number(count(text.removed.len())));
            }
            Ok(entry.refer("note", &text.note).fact("format", Fact::Text(text.format.clone())).payload(sealed))
        })?;
        let _ = on_stage(Stage::Checking, 1.0);
        Ok((text, seq))
    }

    /// What the records say of consent now, for a session whose people are recorded; nothing for a dictated one.
    pub(crate) fn consent_statement(&self, actor: &Actor, gate: &Gate<'_>) -> Result<Vec<String>, PracticeError> {
        let Asks::Consent(terms) = gate.asks else { return Ok(Vec::new()) };
        let (standing, record) = self.standing_for(actor, gate.client, terms, gate.models)?;
        Ok(statement(&standing, &record, &gate.client.participants, self.clock.now(), Naming::Roles))
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
        let user = |content: String| [Message { role: "user".to_owned(), content }];
        let empty = self.rendered(actor, asking, &user(String::new()), on_stage)?.tokens;
        let mut tokens = Vec::with_capacity(transcript.segments.len());
        for segment in &transcript.segments {
            let line = self.rendered(actor, asking, &user(prompt::segment_line(segment)), on_stage)?;
            // One more for the line's end.
            tokens.push(line.tokens.saturating_sub(empty) + 1);
        }
        let frame = prompt::summary_messages(&[], MOST_PARTS, MOST_PARTS);
        let frame = self.rendered(actor, asking, &frame.messages, on_stage)?.tokens;
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
        let rendered = self.rendered(actor, asking, &text.messages, on_stage)?;
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
        let (work, shake, model, part) = (asking.work, asking.shake, asking.model, asking.part);
        let prompt_seq = self.append_while_open(actor, &work.gate, |practice, _| {
            let sealed = practice.seal_record(actor, &work.working, "prompt", &record)?;
            Ok(engine_facts(work.refer(practice.entry(actor, Kind::PromptSent)), shake, model)
                .fact("template", Fact::Text(text.template.clone()))
                .fact("tokens", Fact::Number(rendered.tokens.into()))
                .fact("max_tokens", Fact::Number(sampler.max_tokens.into()))
                .fact("sampler", Fact::Text(format!("greedy,repeat_penalty={:.2}", sampler.repeat_penalty)))
                .fact("seed", Fact::Number(sampler.seed.into()))
                .fact("part", Fact::Number(count(part)))
                .payload(sealed))
        })?;
        let stage = Stage::Drafting { part: asking.part, parts: asking.parts };
        let answer = asking.drafter.generate(&rendered.prompt, schema, &sampler, &mut |Progress(done)| {
            self.goes_on(actor, work, on_stage, stage, done)
        });
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.stopped(actor, work, "llama", error)?),
        };
        self.append_while_open(actor, &work.gate, |practice, _| {
            let sealed = practice.seal_bytes(actor, &work.working, "output", "text/plain", answer.text.as_bytes())?;
            Ok(engine_facts(work.refer(practice.entry(actor, Kind::OutputReceived)), shake, model)
                .fact("prompt", Fact::Number(i64::try_from(prompt_seq).unwrap_or(i64::MAX)))
                .fact("tokens", Fact::Number(answer.tokens.into()))
                .fact("finished", Fact::Flag(answer.finished))
                .payload(sealed))
        })?;
        Ok(answer)
    }

    /// Messages under the model's chat template.
    fn rendered(
        &mut self,
        actor: &Actor,
        asking: &mut Asking<'_>,
        messages: &[Message],
        on_stage: OnStage<'_>,
    ) -> Result<Rendered, PracticeError> {
        let (work, stage) = (asking.work, Stage::Drafting { part: asking.part, parts: asking.parts });
        let rendered =
            asking.drafter.render_watched(messages, &mut |_| self.goes_on(actor, work, on_stage, stage, 0.0));
        match rendered {
            Ok(rendered) => Ok(rendered),
            Err(error) => Err(self.stopped(actor, work, "llama", error)?),
        }
    }

    /// Whether an engine may go on: asked several times a second, whatever the engine says.
    fn goes_on(
        &self,
        actor: &Actor,
        work: &Work<'_>,
        on_stage: OnStage<'_>,
        stage: Stage,
        done: f32,
    ) -> ControlFlow<()> {
        if work.watch.closed(self, actor, &work.gate) { ControlFlow::Break(()) } else { on_stage(stage, done) }
    }

    fn worker_started(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
        shake: &Handshake,
        model: &str,
    ) -> Result<(), PracticeError> {
        let entry = engine_facts(work.refer(self.entry(actor, Kind::WorkerStarted)), shake, model);
        self.append_one(actor, entry)?;
        Ok(())
    }

    /// Writes that a worker failed or was stopped, and hands on why: the gate's word where that has closed.
    fn stopped(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
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
        if work.watch.seen() {
            self.pass(actor, &work.gate)?;
        }
        Ok(error.into())
    }
}

/// Work on a session: what its entries refer to, and what it stands before.
pub(crate) struct Work<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) working: String,
    pub(crate) gate: Gate<'a>,
    pub(crate) watch: Watch,
}

impl Work<'_> {
    fn refer(&self, entry: NewEntry) -> NewEntry {
        entry.refer("client", &self.gate.client.client).refer("session", self.session)
    }
}

/// A drafter at work.
struct Asking<'a> {
    work: &'a Work<'a>,
    drafter: &'a mut dyn Drafter,
    shake: &'a Handshake,
    model: &'a str,
    part: usize,
    parts: usize,
    repeat_penalty: f32,
}

/// Sentences that may speak of consent to the session and stay where they are.
pub(crate) fn doubts(sections: &[Section]) -> Vec<DoubtfulClaim> {
    let doubts = without_claims(sections).doubts.into_iter();
    doubts.map(|doubt| DoubtfulClaim { section: doubt.section, text: doubt.text }).collect()
}

/// What the handshake tells, as facts of an entry.
pub(crate) fn engine_facts(entry: NewEntry, shake: &Handshake, model: &str) -> NewEntry {
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
