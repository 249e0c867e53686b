//! The process that parses what strangers send.
//!
//! The child is a program of ours that does nothing else: `provenote-reader`, or `provenote` itself with an argument
//! that leads to [`child_main`]. It takes 24 bytes of limits and then the file on standard input, limits its own memory
//! and processor time, raises the sandbox of the workers (`provenote-lockdown`: no file, no network, no program), and
//! answers with one line of JSON on standard output. The parent ends it when the time is up, and believes nothing it
//! says before the positions have been checked.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use provenote_vendors::reading::Document;
use serde::{Deserialize, Serialize};

use crate::{LARGEST_FILE, LONGEST_TEXT, ReadError, limit, read};

/// The program that becomes the child.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program's file.
    pub path: PathBuf,
    /// What makes it call [`child_main`]; never anything of the document.
    pub arguments: Vec<OsString>,
}

/// What the child may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory (address space), in bytes.
    pub memory: u64,
    /// Processor time, in seconds.
    pub processor_seconds: u64,
    /// Time by the clock, in seconds.
    pub seconds: u64,
    /// Go on where the system enforces no sandbox; the limits hold all the same.
    pub allow_no_sandbox: bool,
}

impl Default for Limits {
    /// 1 GiB, 20 seconds of processor time, 60 seconds by the clock, never without a sandbox.
    fn default() -> Self {
        Self { memory: 1 << 30, processor_seconds: 20, seconds: 60, allow_no_sandbox: false }
    }
}

/// Why the child gave no text.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The program did not start.
    #[error("the reader {} could not be started: {source}; install Provenote again", path.display())]
    Start {
        /// The program's file.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// The system enforces no sandbox.
    #[error("the file was not opened, because the reader could not be shut in: {0}")]
    NoSandbox(
        /// What was missing, and what to do.
        String,
    ),
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Document(Document),
    Error(ReadError),
    NoSandbox(String),
}

/// The longest answer: every byte of the text may become six in JSON, and the blocks come on top.
const LONGEST_ANSWER: u64 = (LONGEST_TEXT as u64) * 12;

/// Reads a file in a process of its own.
///
/// # Errors
/// [`ChildError`].
pub fn read_in_child(program: &Program, bytes: &[u8], limits: Limits) -> Result<Document, ChildError> {
    limit(bytes.len(), LARGEST_FILE)?;
    let not_started = |source| ChildError::Start { path: program.path.clone(), source };
    let mut child = Command::new(&program.path)
        .args(&program.arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(not_started)?;
    let said = converse(&mut child, bytes, limits);
    if said.is_none() {
        // Gone already, or it goes now; either way it is waited for.
        let _ = child.kill();
    }
    let status = child.wait().map_err(not_started)?;
    let Some((answer, complaint)) = said else { return Err(ReadError::TooLong { seconds: limits.seconds }.into()) };
    match serde_json::from_slice(&answer) {
        Ok(Answer::Document(document)) if status.success() => Ok(document),
        Ok(Answer::Error(error)) => Err(error.into()),
        Ok(Answer::NoSandbox(why)) => Err(ChildError::NoSandbox(why)),
        _ => Err(end(status, &complaint, limits).into()),
    }
}

/// Gives the child the file, and takes what it says on standard output and standard error; `None` when time is up.
fn converse(child: &mut Child, bytes: &[u8], limits: Limits) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut stdin, stdout, stderr) = (child.stdin.take()?, child.stdout.take()?, child.stderr.take()?);
    let (said, answers) = mpsc::channel();
    let mut request = header(limits);
    request.extend_from_slice(bytes);
    // Threads, because either pipe may be full while the other waits. They end when the child does; nobody waits for
    // them, so a child that hands its pipes on cannot hold the parent.
    std::thread::spawn(move || {
        // A child that has gone does not take all of it; its answer says why.
        let _ = stdin.write_all(&request);
    });
    let (complained, complaints) = mpsc::channel();
    std::thread::spawn(move || {
        let mut complaint = Vec::new();
        let _ = stderr.take(4096).read_to_end(&mut complaint);
        let _ = complained.send(complaint);
    });
    std::thread::spawn(move || {
        let mut answer = Vec::new();
        let _ = stdout.take(LONGEST_ANSWER).read_to_end(&mut answer);
        let _ = said.send(answer);
    });
    let answer = answers.recv_timeout(Duration::from_secs(limits.seconds)).ok()?;
    let complaint = complaints.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    Some((answer, complaint))
}

/// What a child that said nothing died of.
fn end(status: ExitStatus, complaint: &[u8], limits: Limits) -> ReadError {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status.signal().and_then(rustix::process::Signal::from_named_raw);
    if String::from_utf8_lossy(complaint).contains("memory allocation of") {
        return ReadError::TooMuchMemory { megabytes: limits.memory >> 20 };
    }
    match signal {
        Some(rustix::process::Signal::XCPU | rustix::process::Signal::KILL) => {
            ReadError::TooLong { seconds: limits.processor_seconds }
        }
        _ => ReadError::Stopped,
    }
}

fn header(limits: Limits) -> Vec<u8> {
    let mut header = limits.memory.to_le_bytes().to_vec();
    header.extend(limits.processor_seconds.to_le_bytes());
    header.extend(u64::from(limits.allow_no_sandbox).to_le_bytes());
    header
}

/// The child's whole life. Its arguments are not looked at.
#[must_use]
pub fn child_main() -> ExitCode {
    match child() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn child() -> std::io::Result<()> {
    let mut stdin = std::io::stdin().lock();
    let mut header = [0_u8; 24];
    stdin.read_exact(&mut header)?;
    let number = |at: usize| header[at..at + 8].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let (memory, seconds, allow_no_sandbox) = (number(0), number(8), number(16) == 1);
    restrict(memory, seconds)?;
    let locked = provenote_lockdown::lock(&[]).and_then(|_| provenote_lockdown::tighten());
    if let (Err(error), false) = (locked, allow_no_sandbox) {
        return answer(&Answer::NoSandbox(error.to_string()));
    }
    let mut bytes = Vec::new();
    stdin.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes)?;
    // Parsers of nested formats call themselves: with room for it, and a fall that is caught.
    let work = std::thread::Builder::new().stack_size(64 << 20).spawn(move || read(&bytes))?;
    answer(&match work.join() {
        Ok(Ok(document)) => Answer::Document(document),
        Ok(Err(error)) => Answer::Error(error),
        Err(_) => Answer::Error(ReadError::Stopped),
    })
}

/// Limits this process for good.
fn restrict(memory: u64, seconds: u64) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let at_most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    setrlimit(Resource::As, at_most(memory))?;
    setrlimit(Resource::Cpu, at_most(seconds))?;
    setrlimit(Resource::Core, at_most(0))?;
    Ok(())
}

fn answer(answer: &Answer) -> std::io::Result<()> {
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer(&mut stdout, answer)?;
    stdout.flush()
}
