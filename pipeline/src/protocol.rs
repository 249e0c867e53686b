//! Frames between `provenote` and its workers: a length (4 bytes, big-endian) and that many bytes
//! of JSON, over the worker's standard input and output.
//!
//! A worker is started as `worker --model FILE --model-sha256 HEX [--vad FILE --vad-sha256 HEX]
//! [--threads N] [--context N] [--language CODE] [--allow-no-sandbox]`, locks itself down before it
//! opens the model, writes [`FromWorker::Progress`] while it reads it, and then one
//! [`FromWorker::Ready`] or [`FromWorker::Refused`]. After that it answers requests one at a time, in order.

use std::io::Read;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use provenote_schemas::Digest;

use crate::engine::{Generated, HeardSegment, Rendered};

/// The protocol's version; a worker of another version is refused.
pub const VERSION: u32 = 1;

/// The longest frame either side accepts, in bytes.
pub const MAX_FRAME: u32 = 4 * 1024 * 1024;

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The words.
    pub content: String,
}

/// How the next token is chosen. Greedy and seeded, so that a run can be repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampler {
    /// 0 means greedy.
    pub temperature: f32,
    /// Used where the temperature is above 0.
    pub seed: u32,
    /// The answer is cut there.
    pub max_tokens: u32,
    /// What the logits of recent tokens are divided by; 1 leaves them alone. Small models repeat themselves without.
    #[serde(default = "no_penalty")]
    pub repeat_penalty: f32,
}

const fn no_penalty() -> f32 {
    1.0
}

impl Sampler {
    /// The likeliest token each time.
    #[must_use]
    pub const fn greedy(max_tokens: u32) -> Self {
        Self { temperature: 0.0, seed: 0, max_tokens, repeat_penalty: no_penalty() }
    }
}

/// One thing the sandbox must refuse, tried by the worker itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// `tcp_socket`, `udp_socket`, `unix_socket`, `read_foreign_file`, `write_foreign_file`, `start_program`.
    pub name: String,
    /// True where the kernel refused it.
    pub refused: bool,
}

/// What a worker says of itself when it has come up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// [`VERSION`].
    pub protocol: u32,
    /// `whisper` or `llama`.
    pub engine: String,
    /// The engine's version, such as `whisper.cpp 1.8.3`.
    pub engine_version: String,
    /// The worker's own version.
    pub worker_version: String,
    /// SHA-256 of the worker's own program file.
    pub worker_sha256: Digest,
    /// SHA-256 of the model it read, and of the voice activity model.
    pub model_sha256: Digest,
    /// SHA-256 of the voice activity model, where there is one.
    pub vad_sha256: Option<Digest>,
    /// `landlock-abi-N+seccomp`, `macos-sandbox`, or `none`.
    pub sandbox: String,
    /// The self-test; empty where the sandbox was overridden.
    pub probes: Vec<Probe>,
    /// Threads the engine uses.
    pub threads: u32,
}

impl Handshake {
    /// True where every probe was tried and refused by the kernel.
    #[must_use]
    pub fn isolated(&self) -> bool {
        !self.probes.is_empty() && self.probes.iter().all(|probe| probe.refused)
    }
}

/// To a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Samples of the recording: little-endian signed 16-bit, 16 kHz mono, base64. At most ten seconds a frame.
    Audio {
        /// The samples.
        pcm: String,
    },
    /// Transcribe what was sent since the last `Transcribe`; times count from the start of that.
    Transcribe {},
    /// Put messages under the chat template and count.
    Render {
        /// The chat.
        messages: Vec<Message>,
    },
    /// Answer a rendered prompt.
    Generate {
        /// As rendered.
        prompt: String,
        /// JSON schema that the answer follows.
        schema: serde_json::Value,
        /// How tokens are chosen.
        sampler: Sampler,
    },
}

/// From a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    /// Locked down, model loaded.
    Ready(Handshake),
    /// Will not start.
    Refused {
        /// `sandbox` or `model`.
        what: String,
        /// One sentence.
        why: String,
    },
    /// Still at work.
    Progress {
        /// 0 to 1.
        done: f32,
    },
    /// Answer to `Transcribe`.
    Heard {
        /// In order of time.
        segments: Vec<HeardSegment>,
    },
    /// Answer to `Render`.
    Rendered(Rendered),
    /// Answer to `Generate`.
    Generated(Generated),
    /// The request does not fit the model; the engine has not seen it.
    TooLong {
        /// Tokens asked.
        tokens: u32,
        /// Tokens held.
        context: u32,
    },
    /// The request failed; the worker is ready for another.
    Failed {
        /// One sentence, no words of the session in it.
        why: String,
    },
}

/// Why a frame could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The pipe broke off inside a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// The length announced is over [`MAX_FRAME`].
    #[error("a frame of {0} bytes was announced, and {MAX_FRAME} is the most")]
    TooLong(u64),
    /// The bytes are no message of this protocol. What they were is not repeated: it may be speech.
    #[error("a frame held no message of the protocol")]
    NotAMessage,
    /// The pipe failed.
    #[error("the pipe failed: {0}")]
    Pipe(#[from] std::io::Error),
}

/// The bytes of one frame.
///
/// # Errors
/// [`FrameError::TooLong`] for a message over [`MAX_FRAME`].
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message).map_err(|_| FrameError::NotAMessage)?;
    let length = bytes.len() - 4;
    let announced =
        u32::try_from(length).ok().filter(|length| *length <= MAX_FRAME).ok_or(FrameError::TooLong(length as u64))?;
    bytes[..4].copy_from_slice(&announced.to_be_bytes());
    Ok(bytes)
}

/// Reads one frame; `None` where the stream ended between two frames.
///
/// Memory is taken as bytes arrive, never on the strength of the length announced.
///
/// # Errors
/// [`FrameError`]; after one, the stream cannot be read on.
pub fn read_frame<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut length = [0; 4];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(&mut length[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(FrameError::Truncated),
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_be_bytes(length);
    if length > MAX_FRAME {
        return Err(FrameError::TooLong(length.into()));
    }
    let mut body = Vec::new();
    stream.take(length.into()).read_to_end(&mut body)?;
    if body.len() < length as usize {
        return Err(FrameError::Truncated);
    }
    serde_json::from_slice(&body).map(Some).map_err(|_| FrameError::NotAMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<FromWorker>, FrameError> {
        read_frame(&mut &bytes[..])
    }

    #[test]
    fn frames_follow_one_another_and_end_cleanly() {
        let said = [FromWorker::Progress { done: 0.5 }, FromWorker::TooLong { tokens: 9, context: 8 }];
        let bytes: Vec<u8> = said.iter().flat_map(|message| frame(message).expect("short")).collect();
        let mut stream = &bytes[..];
        for message in &said {
            assert_eq!(read_frame::<FromWorker>(&mut stream).expect("a frame").as_ref(), Some(message));
        }
        assert!(read_frame::<FromWorker>(&mut stream).expect("the end").is_none());
    }

    #[test]
    fn every_way_of_breaking_off_is_told() {
        let whole = frame(&FromWorker::Progress { done: 0.25 }).expect("short");
        for cut in 1..whole.len() {
            assert!(matches!(read(&whole[..cut]), Err(FrameError::Truncated)), "cut at {cut}");
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_by_its_length_alone() {
        assert!(matches!(read(&(MAX_FRAME + 1).to_be_bytes()), Err(FrameError::TooLong(_))));
        assert!(matches!(read(&[0xff; 64]), Err(FrameError::TooLong(_))));
        let long = "x".repeat(MAX_FRAME as usize);
        assert!(matches!(frame(&FromWorker::Failed { why: long }), Err(FrameError::TooLong(_))));
    }

    #[test]
    fn what_is_no_message_is_refused_and_not_repeated() {
        for body in [
            &b"hello"[..],
            b"",
            b"{}",
            b"{\"type\":\"shout\"}",
            b"\xff\xfe",
            b"{\"type\":\"progress\",\"done\":\"secret\"}",
        ] {
            let mut bytes = u32::try_from(body.len()).expect("short").to_be_bytes().to_vec();
            bytes.extend_from_slice(body);
            let error = read(&bytes).expect_err("no message");
            assert!(matches!(error, FrameError::NotAMessage), "{error}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        // A small linear congruential generator: the same bytes on every run.
        let mut state: u64 = 7;
        for _ in 0..20_000 {
            let mut bytes = Vec::new();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let length = (state >> 33) % 40;
            bytes.extend_from_slice(&u32::try_from(length).expect("small").to_be_bytes());
            for _ in 0..(state >> 20) % 48 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                bytes.push((state >> 40) as u8);
            }
            assert!(!matches!(read(&bytes), Ok(Some(_))), "noise was taken for a message: {bytes:?}");
        }
    }
}
