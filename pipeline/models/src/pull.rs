//! A model over HTTP: resumed where it broke off, and kept only when its digest is the one asked for.
//!
//! The bytes gather in `NAME.part`; `NAME.part.tag` says which address and digest they are for, and the server's
//! validator, so that a resumed download never joins two different files (RFC 9110 §13.1.5, If-Range). The digest is
//! the judge in the end: a server that ignores ranges, lies about them or changes the file costs time, nothing more.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use provenote_schemas::Digest;
use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode};

use crate::dir::Description;
use crate::durable::{beside, digest, put_in_place};

/// What to pull.
#[derive(Debug, Clone, Default)]
pub struct Pull {
    /// The catalogue's id, or a new one.
    pub id: String,
    /// Where from; needed where the catalogue knows no address.
    pub url: Option<String>,
    /// What it must be; needed where the catalogue does not know the id.
    pub sha256: Option<Digest>,
    /// What to call it, where the catalogue does not know the id.
    pub description: Description,
    /// `http://host:port`, where the machine reaches the network through a proxy. The edge reads its environment.
    pub proxy: Option<String>,
}

/// How far a download has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulled {
    /// Bytes here, those of an earlier try included.
    pub done: u64,
    /// Bytes in all, where the server says.
    pub total: Option<u64>,
}

/// Why a download gave no model. What `NAME.part` holds is kept unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No `http://` or `https://` address.
    #[error("the address is neither http:// nor https://; give the address of the file itself")]
    BadAddress,
    /// The server could not be reached, or what it said was no HTTP.
    #[error("{host} could not be reached: {why}; check the address and the network, and pull again")]
    Unreachable {
        /// The address's host.
        host: String,
        /// What the network said.
        why: String,
    },
    /// The server answered with something else than the file.
    #[error("{host} answered {status}; check the address")]
    Refused {
        /// The address's host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended before the file did.
    #[error("the download broke off at {done} bytes; pull again, and it goes on from there")]
    BrokenOff {
        /// Bytes that are here.
        done: u64,
    },
    /// The server announces or sends a file of another length. Nothing is kept.
    #[error("the server's file has {found} bytes and the model has {expected}; it was not kept: check the address")]
    WrongLength {
        /// Bytes of the model.
        expected: u64,
        /// Bytes announced, or received until it was stopped.
        found: u64,
    },
    /// Longer than any model that fits here. Nothing is kept.
    #[error("the server's file is longer than {most} bytes; it was not kept: check the address")]
    TooLong {
        /// The most that is taken.
        most: u64,
    },
    /// The bytes are another file's. Nothing is kept.
    #[error("the file that came has SHA-256 {found}, not {expected}; it was removed: check the address and the digest")]
    WrongDigest {
        /// What it must be.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// The person stopped it.
    #[error("the download was stopped as asked at {done} bytes; pull again, and it goes on from there")]
    Stopped {
        /// Bytes that are here.
        done: u64,
    },
    /// Another process is pulling the same file.
    #[error("another process is pulling this model; wait for it to end")]
    Busy,
    /// The disk said no.
    #[error("the download could not be written: {0}; make room in the models folder and pull again")]
    Disk(#[source] io::Error),
}

/// A length of which no model file is, where the catalogue knows none: 256 GiB.
const MOST: u64 = 256 << 30;
/// Tries in one pull; each but the first needs that the one before brought bytes.
const TRIES: u32 = 8;

/// What is known of the file before it comes.
pub(crate) struct Wanted<'a> {
    pub(crate) url: &'a str,
    pub(crate) sha256: Digest,
    pub(crate) bytes: Option<u64>,
    pub(crate) proxy: Option<&'a str>,
}

#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tag {
    url: String,
    sha256: String,
    validator: Option<String>,
}

/// Downloads to `target`, which appears only whole and right.
pub(crate) fn download(
    wanted: &Wanted<'_>,
    target: &Path,
    progress: &mut dyn FnMut(Pulled) -> ControlFlow<()>,
) -> Result<(), PullError> {
    let host = host(wanted.url).ok_or(PullError::BadAddress)?;
    let part = beside(target, ".part");
    let file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&part).map_err(PullError::Disk)?;
    if file.try_lock().is_err() {
        return Err(PullError::Busy);
    }
    let agent =
        agent(wanted).map_err(|error| PullError::Unreachable { host: host.to_owned(), why: error.to_string() })?;
    let mut transfer = Transfer { wanted, host, agent, file, part: &part, total: None, progress };
    let gathered = transfer.gather();
    if let Err(PullError::WrongLength { .. } | PullError::TooLong { .. }) = &gathered {
        remove(&part)?;
    }
    gathered?;
    let found = digest(&part, &mut |_| {}).map_err(PullError::Disk)?;
    if found != wanted.sha256 {
        remove(&part)?;
        return Err(PullError::WrongDigest { expected: wanted.sha256, found });
    }
    put_in_place(&part, target).map_err(PullError::Disk)?;
    remove(&part)
}

/// Removes a partial file and its tag.
fn remove(part: &Path) -> Result<(), PullError> {
    for path in [part, &beside(part, ".tag")] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(PullError::Disk(error)),
            _ => {}
        }
    }
    Ok(())
}

/// The host of an http or https address.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    // A name and password before the host stay out of messages.
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

fn agent(wanted: &Wanted<'_>) -> Result<Agent, ureq::Error> {
    let proxy = wanted.proxy.map(ureq::Proxy::new).transpose()?;
    let minute = Some(Duration::from_secs(60));
    Ok(Agent::config_builder()
        .http_status_as_error(false)
        // A redirect may lead to a mirror, but never from TLS to clear text.
        .https_only(wanted.url.starts_with("https://"))
        .accept_encoding("identity")
        .user_agent(concat!("provenote/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .timeout_resolve(minute)
        .timeout_connect(minute)
        .timeout_recv_response(minute)
        .timeout_per_read(minute)
        .build()
        .into())
}

struct Transfer<'a> {
    wanted: &'a Wanted<'a>,
    host: &'a str,
    agent: Agent,
    file: File,
    part: &'a Path,
    total: Option<u64>,
    progress: &'a mut dyn FnMut(Pulled) -> ControlFlow<()>,
}

impl Transfer<'_> {
    /// Fills the partial file, resuming as long as each try brings something.
    fn gather(&mut self) -> Result<(), PullError> {
        let mut had = self.start()?;
        for tries in 1.. {
            if self.wanted.bytes == Some(had) {
                break;
            }
            match self.attempt(had) {
                Ok(()) => break,
                Err(PullError::BrokenOff { done }) if done > had && tries < TRIES => had = done,
                Err(error) => return Err(error),
            }
        }
        self.file.sync_all().map_err(PullError::Disk)
    }

    /// Bytes that an earlier pull of the same file left; anything else is thrown away.
    fn start(&mut self) -> Result<u64, PullError> {
        let tag = self.tag();
        let had = self.file.metadata().map_err(PullError::Disk)?.len();
        let same = tag.url == self.wanted.url && tag.sha256 == self.wanted.sha256.to_string();
        if same && had <= self.wanted.bytes.unwrap_or(MOST) {
            return Ok(had);
        }
        self.restart()?;
        Ok(0)
    }

    fn tag(&self) -> Tag {
        fs::read(beside(self.part, ".tag"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    fn restart(&mut self) -> Result<(), PullError> {
        self.file.set_len(0).map_err(PullError::Disk)
    }

    /// One request, from byte `had` on where the server agrees.
    fn attempt(&mut self, had: u64) -> Result<(), PullError> {
        let mut request = self.agent.get(self.wanted.url);
        if had > 0 {
            request = request.header("Range", format!("bytes={had}-"));
            if let Some(validator) = self.tag().validator {
                request = request.header("If-Range", validator);
            }
        }
        let response = request
            .call()
            .map_err(|error| PullError::Unreachable { host: self.host.to_owned(), why: error.to_string() })?;
        let range = content_range(response.headers());
        let from = match response.status() {
            StatusCode::PARTIAL_CONTENT if range.is_some_and(|(from, _)| from == had) => {
                self.total = range.and_then(|(_, total)| total);
                had
            }
            StatusCode::OK => {
                // The whole file again: the server knows no ranges, or the file is another now.
                self.restart()?;
                self.total = length(response.headers());
                0
            }
            StatusCode::RANGE_NOT_SATISFIABLE if had > 0 => {
                // What is here is as long as the server's file, or longer: the digest tells.
                return Ok(());
            }
            StatusCode::PARTIAL_CONTENT => {
                self.restart()?;
                return Err(PullError::BrokenOff { done: 0 });
            }
            status => return Err(PullError::Refused { host: self.host.to_owned(), status: status.as_u16() }),
        };
        self.check_length(self.total)?;
        let tag = Tag {
            url: self.wanted.url.to_owned(),
            sha256: self.wanted.sha256.to_string(),
            validator: validator(response.headers()),
        };
        let tag = serde_json::to_vec(&tag).map_err(|error| PullError::Disk(error.into()))?;
        fs::write(beside(self.part, ".tag"), tag).map_err(PullError::Disk)?;
        self.receive(response.into_body().into_reader(), from)
    }

    fn receive(&mut self, mut body: impl Read, from: u64) -> Result<(), PullError> {
        self.file.seek(SeekFrom::Start(from)).map_err(PullError::Disk)?;
        let (mut block, mut done) = (vec![0; 64 << 10], from);
        loop {
            if (self.progress)(Pulled { done, total: self.total.or(self.wanted.bytes) }).is_break() {
                return Err(PullError::Stopped { done });
            }
            let read = match body.read(&mut block) {
                Ok(0) if self.total.is_none_or(|total| done == total) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => return Err(PullError::BrokenOff { done }),
                Ok(read) => read,
            };
            self.check_length(Some(done + read as u64).filter(|&so_far| so_far > self.wanted.bytes.unwrap_or(MOST)))?;
            self.file.write_all(&block[..read]).map_err(PullError::Disk)?;
            done += read as u64;
        }
    }

    fn check_length(&self, found: Option<u64>) -> Result<(), PullError> {
        match (found, self.wanted.bytes) {
            (Some(found), Some(expected)) if found != expected => Err(PullError::WrongLength { expected, found }),
            (Some(found), None) if found > MOST => Err(PullError::TooLong { most: MOST }),
            _ => Ok(()),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, "content-length")?.trim().parse().ok()
}

/// First byte and whole length of `Content-Range: bytes 100-199/200` (RFC 9110 §14.4).
fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let (range, total) = text(headers, "content-range")?.trim().strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()))
}

/// What may stand in If-Range: a strong entity tag (RFC 9110 §13.1.5).
fn validator(headers: &HeaderMap) -> Option<String> {
    text(headers, "etag").filter(|tag| tag.starts_with('"')).map(str::to_owned)
}
