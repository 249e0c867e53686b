//! One worker process: started, believed after its handshake, asked, and ended.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use provenote_pipeline::engine::{EngineError, ModelFile, OnProgress, Progress};
use provenote_pipeline::protocol::{FrameError, FromWorker, Handshake, ToWorker, VERSION, frame, read_frame};
use provenote_schemas::Digest;

use crate::WorkerPrograms;

/// How often a wait looks up: to see whether the person has stopped it, and to count silence.
const TICK: Duration = Duration::from_millis(100);

/// The most frames that one request can reasonably bring.
const MOST_FRAMES: u32 = 100_000;

/// Frames that may wait on either side.
const WAITING: usize = 4;

/// What is to be started.
pub(crate) struct Start<'a> {
    pub(crate) engine: &'static str,
    pub(crate) program: &'a Path,
    pub(crate) model: &'a ModelFile,
    pub(crate) vad: Option<&'a ModelFile>,
    pub(crate) how: &'a WorkerPrograms,
}

/// A worker that has passed its handshake.
pub(crate) struct Worker {
    process: Process,
    handshake: Handshake,
}

impl Worker {
    /// Starts a worker and checks what it says of itself. Loading a model may take long, and can be stopped as any work.
    pub(crate) fn start(start: &Start<'_>, progress: OnProgress<'_>) -> Result<Self, EngineError> {
        let failed = |why: String| EngineError::Failed { engine: start.engine, why };
        let bad_model = |why: String| EngineError::BadModel { engine: start.engine, why };
        let program_sha256 =
            digest_of_file(start.program).map_err(|error| failed(format!("could not be read: {error}")))?;
        let mut process = Process::start(start)?;
        let mut reading = false;
        let mut loaded = 0.0;
        let handshake = loop {
            match process.hear(progress, loaded) {
                Ok(FromWorker::Progress { done }) => {
                    reading = true;
                    if done.is_finite() {
                        loaded = done.clamp(0.0, 1.0);
                    }
                    process.stopped_by(progress, loaded)?;
                }
                Ok(FromWorker::Ready(handshake)) => break handshake,
                Ok(FromWorker::Refused { what, why }) if what == "sandbox" => {
                    return Err(EngineError::NoSandbox { engine: start.engine, why });
                }
                Ok(FromWorker::Refused { why, .. }) => return Err(bad_model(why)),
                Ok(_) => return Err(process.nonsense("spoke before its handshake")),
                // It has passed its own checks, and died of what is in the file.
                Err(EngineError::Failed { why, .. }) if reading => {
                    return Err(bad_model(format!("while reading {} the worker {why}", start.model.path.display())));
                }
                Err(error) => return Err(error),
            }
        };
        if handshake.protocol != VERSION || handshake.engine != start.engine {
            return Err(failed(format!(
                "speaks version {} of the protocol for `{}`, and version {VERSION} for `{}` was started: run `make`",
                handshake.protocol, handshake.engine, start.engine
            )));
        }
        if handshake.worker_sha256 != program_sha256 {
            return Err(failed(format!(
                "says that its file is {}, and {program_sha256} was started",
                handshake.worker_sha256
            )));
        }
        let wanted = (Some(start.model.sha256), start.vad.map(|vad| vad.sha256));
        if (Some(handshake.model_sha256), handshake.vad_sha256) != wanted {
            return Err(bad_model("it read another file than the catalogue names".to_owned()));
        }
        let overridden = start.how.allow_no_sandbox && handshake.sandbox == "none" && handshake.probes.is_empty();
        if !handshake.isolated() && !overridden {
            return Err(EngineError::NoSandbox {
                engine: start.engine,
                why: "its self-test does not show that the sandbox holds".to_owned(),
            });
        }
        Ok(Self { process, handshake })
    }

    pub(crate) fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Hands over a frame that has no answer.
    pub(crate) fn tell(&mut self, message: &ToWorker, progress: OnProgress<'_>, done: f32) -> Result<(), EngineError> {
        self.process.tell(message, progress, done)
    }

    /// Asks, and waits for the answer. `scale` carries the worker's progress over to the whole work's.
    pub(crate) fn ask(
        &mut self,
        message: &ToWorker,
        progress: OnProgress<'_>,
        scale: impl Fn(f32) -> f32,
    ) -> Result<FromWorker, EngineError> {
        let mut done = scale(0.0);
        self.process.tell(message, progress, done)?;
        for _ in 0..MOST_FRAMES {
            match self.process.hear(progress, done)? {
                FromWorker::Progress { done: share } => {
                    if share.is_finite() {
                        done = scale(share.clamp(0.0, 1.0));
                    }
                    self.process.stopped_by(progress, done)?;
                }
                FromWorker::TooLong { tokens, context } => return Err(EngineError::TooLong { tokens, context }),
                FromWorker::Failed { why } => return Err(EngineError::Failed { engine: self.process.engine, why }),
                answer => return Ok(answer),
            }
        }
        Err(self.process.nonsense("flooded its output"))
    }

    /// Ends the worker: what it said cannot be used.
    pub(crate) fn nonsense(&mut self, why: &str) -> EngineError {
        self.process.nonsense(why)
    }

    /// Ends the worker: the work is given up.
    pub(crate) fn end(&mut self) {
        self.process.end();
    }
}

/// The process and its pipes. Dropped, it is killed and waited for.
struct Process {
    engine: &'static str,
    child: Child,
    input: Option<SyncSender<Vec<u8>>>,
    output: Receiver<Result<FromWorker, FrameError>>,
    idle: Duration,
}

impl Process {
    fn start(start: &Start<'_>) -> Result<Self, EngineError> {
        let failed = |why: String| EngineError::Failed { engine: start.engine, why };
        let model = absolute(start.model).map_err(|why| EngineError::BadModel { engine: start.engine, why })?;
        let vad =
            start.vad.map(absolute).transpose().map_err(|why| EngineError::BadModel { engine: start.engine, why })?;
        let mut arguments: Vec<OsString> = vec![
            "--model".into(),
            model.clone().into(),
            "--model-sha256".into(),
            start.model.sha256.to_string().into(),
        ];
        if let Some((path, file)) = vad.as_ref().zip(start.vad) {
            arguments.extend([
                "--vad".into(),
                path.clone().into(),
                "--vad-sha256".into(),
                file.sha256.to_string().into(),
            ]);
        }
        arguments.extend([
            "--threads".into(),
            start.how.threads.to_string().into(),
            "--language".into(),
            start.how.language.clone().into(),
        ]);
        if let Some(context) = start.how.context {
            arguments.extend(["--context".into(), context.to_string().into()]);
        }
        if start.how.allow_no_sandbox {
            arguments.push("--allow-no-sandbox".into());
        }
        let program =
            std::path::absolute(start.program).map_err(|error| failed(format!("could not be started: {error}")))?;
        let models: Vec<&Path> = [Some(model.as_path()), vad.as_deref()].into_iter().flatten().collect();
        let mut child = command(&program, &models)
            .args(&arguments)
            .env_clear()
            // Otherwise the engine starts a debugger on itself when it aborts.
            .env("GGML_NO_BACKTRACE", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| failed(format!("could not be started: {error}")))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, waiting) = sync_channel(WAITING);
        let (heard, output) = sync_channel(WAITING);
        let process = Self { engine: start.engine, child, input: Some(input), output, idle: start.how.idle };
        let (stdin, stdout) = pipes.ok_or_else(|| failed("has no pipes".to_owned()))?;
        let writer =
            std::thread::Builder::new().name("to-worker".to_owned()).spawn(move || write_frames(stdin, &waiting));
        let reader =
            std::thread::Builder::new().name("from-worker".to_owned()).spawn(move || read_frames(stdout, &heard));
        match (writer, reader) {
            (Ok(_), Ok(_)) => Ok(process),
            (Err(error), _) | (_, Err(error)) => Err(failed(format!("could not be listened to: {error}"))),
        }
    }

    /// Hands a frame to the writing thread; waits while the worker is slow to read.
    fn tell(&mut self, message: &ToWorker, progress: OnProgress<'_>, done: f32) -> Result<(), EngineError> {
        let mut bytes = frame(message).map_err(|error| EngineError::Failed {
            engine: self.engine,
            why: format!("was not asked, because {error}"),
        })?;
        let mut silent = Duration::ZERO;
        loop {
            let Some(input) = &self.input else {
                return Err(EngineError::Failed { engine: self.engine, why: "was stopped before".to_owned() });
            };
            match input.try_send(bytes) {
                Ok(()) => return self.stopped_by(progress, done),
                Err(TrySendError::Disconnected(_)) => return Err(self.died()),
                Err(TrySendError::Full(back)) => bytes = back,
            }
            match self.output.recv_timeout(TICK) {
                Ok(Ok(FromWorker::Progress { .. })) => silent = Duration::ZERO,
                Ok(Ok(_)) => return Err(self.nonsense("spoke out of turn")),
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
                Err(RecvTimeoutError::Timeout) => self.silence(&mut silent)?,
            }
            self.stopped_by(progress, done)?;
        }
    }

    /// Waits for the next frame.
    fn hear(&mut self, progress: OnProgress<'_>, done: f32) -> Result<FromWorker, EngineError> {
        let mut silent = Duration::ZERO;
        loop {
            match self.output.recv_timeout(TICK) {
                Ok(Ok(message)) => return Ok(message),
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
                Err(RecvTimeoutError::Timeout) => self.silence(&mut silent)?,
            }
            self.stopped_by(progress, done)?;
        }
    }

    fn silence(&mut self, silent: &mut Duration) -> Result<(), EngineError> {
        *silent += TICK;
        if *silent < self.idle {
            return Ok(());
        }
        self.end();
        Err(EngineError::Failed { engine: self.engine, why: format!("said nothing for {} s", self.idle.as_secs_f32()) })
    }

    fn stopped_by(&mut self, progress: OnProgress<'_>, done: f32) -> Result<(), EngineError> {
        match progress(Progress(done)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                self.end();
                Err(EngineError::Cancelled { engine: self.engine })
            }
        }
    }

    fn nonsense(&mut self, why: &str) -> EngineError {
        self.end();
        EngineError::Failed { engine: self.engine, why: why.to_owned() }
    }

    fn broken(&mut self, error: &FrameError) -> EngineError {
        // A worker that dies in the middle of a frame has died; one that lives has talked nonsense.
        match self.ended_by_itself() {
            Some(status) => EngineError::Failed { engine: self.engine, why: told(status) },
            None => self.nonsense(&format!("wrote nonsense ({error})")),
        }
    }

    fn died(&mut self) -> EngineError {
        match self.ended_by_itself() {
            Some(status) => EngineError::Failed { engine: self.engine, why: told(status) },
            None => self.nonsense("closed its output"),
        }
    }

    /// A process closes its pipes a moment before its end can be seen: up to a second is waited for it.
    fn ended_by_itself(&mut self) -> Option<ExitStatus> {
        self.input = None;
        for _ in 0..20 {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::park_timeout(TICK / 2),
                Err(_) => return None,
            }
        }
        None
    }

    /// Kills the process and waits for it, so that nothing of it remains.
    fn end(&mut self) {
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(not(target_os = "macos"))]
fn command(program: &Path, _models: &[&Path]) -> Command {
    Command::new(program)
}

#[cfg(target_os = "macos")]
fn command(program: &Path, models: &[&Path]) -> Command {
    let mut command = Command::new("/usr/bin/sandbox-exec");
    command.arg("-p").arg(crate::macos_profile(program, models)).arg(program);
    command
}

fn absolute(model: &ModelFile) -> Result<PathBuf, String> {
    std::fs::canonicalize(&model.path)
        .map_err(|error| format!("the file {} could not be read: {error}", model.path.display()))
}

fn write_frames(mut stdin: ChildStdin, waiting: &Receiver<Vec<u8>>) {
    for bytes in waiting {
        if stdin.write_all(&bytes).is_err() {
            return;
        }
    }
}

fn read_frames(stdout: ChildStdout, heard: &SyncSender<Result<FromWorker, FrameError>>) {
    let mut stdout = std::io::BufReader::new(stdout);
    while let Some(message) = read_frame(&mut stdout).transpose() {
        let last = message.is_err();
        if heard.send(message).is_err() || last {
            return;
        }
    }
}

/// How a process ended, in words.
fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    const NAMES: [(i32, &str); 10] = [
        (4, "illegal instruction: this build is for another processor"),
        (6, "abort"),
        (7, "bus error"),
        (8, "arithmetic error"),
        (9, "killed: the machine may be short of memory"),
        (11, "segmentation fault"),
        (15, "terminated"),
        (24, "out of processor time"),
        (25, "tried to write a file"),
        (31, "made a forbidden system call"),
    ];
    match (status.signal(), status.code()) {
        (Some(signal), _) => match NAMES.iter().find(|(number, _)| *number == signal) {
            Some((_, name)) => format!("stopped (signal {signal}, {name})"),
            None => format!("stopped (signal {signal})"),
        },
        (None, Some(code)) => format!("stopped (exit code {code})"),
        (None, None) => "stopped".to_owned(),
    }
}

fn digest_of_file(path: &Path) -> std::io::Result<Digest> {
    use sha2::{Digest as _, Sha256};
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(Digest(hash.finalize().into())),
            n => hash.update(&block[..n]),
        }
    }
}
