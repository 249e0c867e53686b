//! Starts the worker programs and watches over them: the engines behind the ports of
//! `provenote_pipeline::engine`.
//!
//! A worker is believed only as far as can be checked. Its program file is hashed before it is
//! started and must be what the handshake names; so must the models; and every probe of its sandbox
//! must have been refused. A worker that hangs, floods, dies or talks nonsense is ended and becomes
//! one [`EngineError`]; nothing of its work is kept, and no process is left behind.

mod drafting;
mod hearing;
mod pieces;
mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

use provenote_pipeline::engine::{Drafter, EngineError, Engines, ModelFile, OnProgress, Transcriber};

use crate::worker::{Start, Worker};

/// Where the worker programs are, and how they are started.
#[derive(Debug, Clone)]
pub struct WorkerPrograms {
    /// The folder that holds them: the one `provenote` itself is in.
    pub dir: PathBuf,
    /// Threads of each engine. Outputs can differ between numbers of threads.
    pub threads: u32,
    /// Go on where the operating system enforces no sandbox. The handshake then says `none`.
    pub allow_no_sandbox: bool,
    /// A worker that says nothing for so long is ended.
    pub idle: Duration,
    /// Tokens of context of the drafting engine; the worker's own choice unless set.
    pub context: Option<u32>,
    /// The language spoken: an ISO 639-1 code, or `auto`.
    pub language: String,
}

impl WorkerPrograms {
    /// Workers in this folder: one thread, English, two minutes of patience, the sandbox demanded.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            threads: 1,
            allow_no_sandbox: false,
            idle: Duration::from_secs(120),
            context: None,
            language: "en".to_owned(),
        }
    }

    fn start(
        &self,
        engine: &'static str,
        program: &'static str,
        model: &ModelFile,
        vad: Option<&ModelFile>,
        progress: OnProgress<'_>,
    ) -> Result<Worker, EngineError> {
        let path = self.dir.join(program);
        if !path.is_file() {
            return Err(EngineError::NoWorker { program, path: path.display().to_string() });
        }
        Worker::start(&Start { engine, program: &path, model, vad, how: self }, progress)
    }
}

impl Engines for WorkerPrograms {
    fn transcriber_watched(
        &self,
        model: &ModelFile,
        voice_activity: Option<&ModelFile>,
        progress: OnProgress<'_>,
    ) -> Result<Box<dyn Transcriber>, EngineError> {
        let worker = self.start("whisper", "provenote-worker-whisper", model, voice_activity, progress)?;
        Ok(Box::new(hearing::Hearing(worker)))
    }

    fn drafter_watched(&self, model: &ModelFile, progress: OnProgress<'_>) -> Result<Box<dyn Drafter>, EngineError> {
        let worker = self.start("llama", "provenote-worker-llama", model, None, progress)?;
        Ok(Box::new(drafting::Drafting(worker)))
    }
}

/// The profile under which a worker runs on macOS. UNTESTED: written from Apple's profile language
/// without a Mac at hand. Where it does not hold, the worker's own probes say so and it does not start.
#[cfg_attr(not(target_os = "macos"), expect(dead_code, reason = "used on macOS, kept in sight everywhere"))]
fn macos_profile(program: &Path, models: &[&Path]) -> String {
    use std::fmt::Write as _;
    let quoted = |path: &Path| format!("\"{}\"", path.display().to_string().replace('\\', "\\\\").replace('"', "\\\""));
    let mut profile = String::from(
        "(version 1)\n(allow default)\n(deny network*)\n(deny process-fork)\n(deny process-exec*)\n(deny file-write*)\n(deny file-read-data)\n\
         (allow file-write-data (literal \"/dev/null\"))\n\
         (allow file-read-data (literal \"/dev/null\") (literal \"/\") (subpath \"/usr/lib\") (subpath \"/System/Library\") (subpath \"/System/Volumes/Preboot/Cryptexes\"))\n",
    );
    let _ = writeln!(profile, "(allow process-exec* file-read-data (literal {}))", quoted(program));
    for model in models {
        let _ = writeln!(profile, "(allow file-read-data (literal {}))", quoted(model));
    }
    profile
}
