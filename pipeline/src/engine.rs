//! The ports to the engines. `provenote-host` stands behind them with worker processes.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::protocol::{Handshake, Message, Sampler};

/// How far an engine has come, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress(pub f32);

/// Called as work goes on, and several times a second while an engine is silent; `Break` cancels.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;

/// One stretch of speech as the engine cut it, before sentences are split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardSegment {
    /// Milliseconds from the start of the recording.
    pub start_ms: u64,
    /// Milliseconds from the start of the recording.
    pub end_ms: u64,
    /// What was heard.
    pub text: String,
    /// The engine's estimate that nobody spoke, 0 to 1.
    pub no_speech: f32,
    /// Words with times, in milliseconds from the start of the recording.
    pub words: Vec<HeardWord>,
}

/// A word with its times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeardWord {
    /// Milliseconds from the start of the recording.
    pub start_ms: u64,
    /// Milliseconds from the start of the recording.
    pub end_ms: u64,
    /// The word, with a leading space where the engine wrote one.
    pub text: String,
    /// The engine's probability, 0 to 1.
    pub p: f32,
}

/// What the model is shown, exactly, and how long it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    /// The messages under the model's own chat template: the exact bytes tokenised.
    pub prompt: String,
    /// Tokens of `prompt`.
    pub tokens: u32,
    /// Tokens the model can hold, prompt and answer together.
    pub context: u32,
}

/// What the model answered, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The raw output.
    pub text: String,
    /// Tokens made.
    pub tokens: u32,
    /// False where the answer was cut at the token limit.
    pub finished: bool,
}

/// Why an engine gave nothing. Whatever it was, nothing of the work is kept.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The worker's program is not beside `provenote`.
    #[error("the worker {program} was not found at {path}: run `make`, which leaves it beside `provenote`")]
    NoWorker {
        /// The program's name.
        program: &'static str,
        /// Where it was looked for.
        path: String,
    },
    /// The operating system does not enforce the sandbox.
    #[error("the {engine} worker refused to start: {why}")]
    NoSandbox {
        /// `whisper` or `llama`.
        engine: &'static str,
        /// What could not be enforced, and what to do.
        why: String,
    },
    /// The model file is not what the catalogue says, or not a model.
    #[error("the {engine} worker could not use its model: {why}")]
    BadModel {
        /// `whisper` or `llama`.
        engine: &'static str,
        /// What was wrong.
        why: String,
    },
    /// The request is longer than the model can hold.
    #[error("the request has {tokens} tokens and the model holds {context}")]
    TooLong {
        /// Tokens asked.
        tokens: u32,
        /// Tokens held.
        context: u32,
    },
    /// The person, or a withdrawn consent, stopped it.
    #[error("the {engine} worker was stopped as asked")]
    Cancelled {
        /// `whisper` or `llama`.
        engine: &'static str,
    },
    /// The worker died, hung, or spoke nonsense.
    #[error("the {engine} worker {why}; nothing of its work was kept, and you can run the command again")]
    Failed {
        /// `whisper` or `llama`.
        engine: &'static str,
        /// In words a person understands: `stopped (signal 6, abort)`, `said nothing for 120 s`.
        why: String,
    },
    /// The recording could not be read while it was being handed over.
    #[error("{0}")]
    Audio(String),
}

/// A speech engine, locked down, with its model loaded.
pub trait Transcriber {
    /// What the worker said of itself at start.
    fn handshake(&self) -> &Handshake;

    /// Hears a recording: 16 kHz mono samples in `-1.0..=1.0`, handed over a block at a time.
    ///
    /// Memory does not grow with the length of the recording.
    ///
    /// # Errors
    /// [`EngineError`]; nothing is returned of a recording heard in part.
    fn transcribe(
        &mut self,
        audio: &mut dyn Iterator<Item = Result<Vec<f32>, String>>,
        seconds: f64,
        progress: OnProgress<'_>,
    ) -> Result<Vec<HeardSegment>, EngineError>;
}

/// A language model, locked down and loaded.
pub trait Drafter {
    /// What the worker said of itself at start.
    fn handshake(&self) -> &Handshake;

    /// Puts the messages under the model's chat template and counts tokens; generates nothing. `progress` is asked again
    /// and again while the engine is silent.
    ///
    /// # Errors
    /// [`EngineError`].
    fn render_watched(&mut self, messages: &[Message], progress: OnProgress<'_>) -> Result<Rendered, EngineError>;

    /// [`Drafter::render_watched`], with nobody watching.
    ///
    /// # Errors
    /// As there.
    fn render(&mut self, messages: &[Message]) -> Result<Rendered, EngineError> {
        self.render_watched(messages, &mut |_| ControlFlow::Continue(()))
    }

    /// Answers a prompt as [`Drafter::render`] returned it, constrained to a JSON schema.
    ///
    /// # Errors
    /// [`EngineError::TooLong`] before the engine sees a prompt that does not fit with `sampler.max_tokens`.
    fn generate(
        &mut self,
        prompt: &str,
        schema: &serde_json::Value,
        sampler: &Sampler,
        progress: OnProgress<'_>,
    ) -> Result<Generated, EngineError>;
}

/// Starts engines. The edge builds one from the practice's settings.
pub trait Engines {
    /// Starts the speech worker with its models. `progress` is asked while they load, also while the worker is silent.
    ///
    /// # Errors
    /// [`EngineError`] when it does not come up, locked down, with the model asked for, or is stopped before it has.
    fn transcriber_watched(
        &self,
        model: &ModelFile,
        voice_activity: Option<&ModelFile>,
        progress: OnProgress<'_>,
    ) -> Result<Box<dyn Transcriber>, EngineError>;

    /// Starts the drafting worker with its model. `progress` is asked while it loads, also while the worker is silent.
    ///
    /// # Errors
    /// [`EngineError`] when it does not come up, locked down, with the model asked for, or is stopped before it has.
    fn drafter_watched(&self, model: &ModelFile, progress: OnProgress<'_>) -> Result<Box<dyn Drafter>, EngineError>;

    /// [`Engines::transcriber_watched`], with nobody watching.
    ///
    /// # Errors
    /// As there.
    fn transcriber(
        &self,
        model: &ModelFile,
        voice_activity: Option<&ModelFile>,
    ) -> Result<Box<dyn Transcriber>, EngineError> {
        self.transcriber_watched(model, voice_activity, &mut |_| ControlFlow::Continue(()))
    }

    /// [`Engines::drafter_watched`], with nobody watching.
    ///
    /// # Errors
    /// As there.
    fn drafter(&self, model: &ModelFile) -> Result<Box<dyn Drafter>, EngineError> {
        self.drafter_watched(model, &mut |_| ControlFlow::Continue(()))
    }
}

/// A model in the catalogue, present on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// The catalogue's id.
    pub id: String,
    /// Where the file is.
    pub path: std::path::PathBuf,
    /// What it must be.
    pub sha256: provenote_schemas::Digest,
}
