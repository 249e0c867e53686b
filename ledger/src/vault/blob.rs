//! Payloads of any length, sealed and opened in constant memory.
//!
//! The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance", CRYPTO 2015) over AES-256-GCM: chunks of 64 KiB, each under the nonce
//! `zeros (7 bytes) ‖ chunk number (4, big endian) ‖ 1 for the last chunk, else 0`, so that none can be dropped,
//! repeated, reordered or cut off. A chunk's plaintext is `payload bytes in it (4, big endian) ‖ payload ‖ zeros`;
//! chunks that hold no payload follow until their number is one of Padmé's.

use std::io::{self, Read, Write};

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::keys::{Key, bind};
use super::payload::{Place, TAG, commitment, encryption_key, padme};
use super::{BlobWriter, VaultError};
use crate::hash::Hash;
use crate::header::PayloadRef;
use crate::log::{Body, Sealed};

/// Plaintext of a chunk, in bytes.
const CHUNK: usize = 64 * 1024;
const COUNT: usize = 4;
const ROOM: usize = CHUNK - COUNT;

fn nonce(chunk: u32, last: bool) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&chunk.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::from(nonce)
}

/// Seals what is written to it. [`SealingWriter::finish`] makes it a payload; dropped unfinished, nothing is kept.
pub struct SealingWriter {
    place: Place,
    cipher: Aes256Gcm,
    bound: Vec<u8>,
    commitment: Hmac<Sha256>,
    wrapped_key: Vec<u8>,
    blob: Box<dyn BlobWriter>,
    hash: Sha256,
    /// Room for the count, then payload not yet sealed.
    chunk: Zeroizing<Vec<u8>>,
    chunks: u32,
}

impl SealingWriter {
    pub(crate) fn new(place: Place, data_key: &Key, wrapped_key: Vec<u8>, blob: Box<dyn BlobWriter>) -> Self {
        let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK + TAG));
        chunk.extend_from_slice(&[0; COUNT]);
        Self {
            bound: bind(&place.fields("stream")),
            place,
            cipher: encryption_key(data_key).cipher(),
            commitment: commitment(data_key),
            wrapped_key,
            blob,
            hash: Sha256::new(),
            chunk,
            chunks: 0,
        }
    }

    fn seal_chunk(&mut self, last: bool) -> io::Result<()> {
        let payload = u32::try_from(self.chunk.len() - COUNT).map_err(io::Error::other)?;
        self.chunk[..COUNT].copy_from_slice(&payload.to_be_bytes());
        self.chunk.resize(CHUNK, 0);
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce(self.chunks, last), &self.bound, self.chunk.as_mut_slice().into())
            .map_err(|_| io::Error::other("a chunk could not be sealed"))?;
        for part in [self.chunk.as_slice(), tag.as_slice()] {
            self.hash.update(part);
            self.blob.write_all(part)?;
        }
        self.chunk.truncate(COUNT);
        self.chunks = self.chunks.checked_add(1).ok_or_else(|| io::Error::other("a payload of more than 256 TiB"))?;
        Ok(())
    }

    /// Seals the rest and makes the blob durable.
    ///
    /// # Errors
    /// [`VaultError::Io`]; nothing is kept.
    pub fn finish(mut self) -> Result<Sealed, VaultError> {
        let chunks = u32::try_from(padme(u64::from(self.chunks) + 1)).map_err(io::Error::other)?;
        while self.chunks + 1 < chunks {
            self.seal_chunk(false)?;
        }
        self.seal_chunk(true)?;
        let ciphertext = Hash(self.hash.finalize().into());
        if self.blob.finish()? != ciphertext {
            return Err(VaultError::Io(io::Error::other("the blob store kept other bytes than it was given")));
        }
        let commitment = Hash(self.commitment.finalize().into_bytes().into());
        let reference =
            self.place.reference(u64::from(self.chunks) * CHUNK as u64, ciphertext, commitment, &self.wrapped_key);
        Ok(Sealed { reference, wrapped_key: self.wrapped_key, body: Body::Blob })
    }
}

impl Write for SealingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // A full chunk waits for the next byte: only then is it known not to be the last.
        if self.chunk.len() == CHUNK {
            self.seal_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        self.commitment.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a blob as it is read.
pub(crate) struct OpeningReader {
    cipher: Aes256Gcm,
    bound: Vec<u8>,
    /// Taken when the end has been checked.
    commitment: Option<Hmac<Sha256>>,
    reference: PayloadRef,
    source: Box<dyn Read + Send>,
    hash: Sha256,
    /// The next chunk's ciphertext, read ahead to know which chunk is the last.
    ahead: Vec<u8>,
    /// Opened payload, and how much of it has been handed out.
    open: Zeroizing<Vec<u8>>,
    given: usize,
    chunks: u32,
    /// A chunk that was not full has been seen: no payload may follow.
    ended: bool,
    started: bool,
}

/// Marks an error as the payload's, not the disk's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Broken(&'static str);

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Broken(what))
}

/// Turns a reader's error back into what it says of the payload.
pub(crate) fn unwrap_error(error: io::Error, name: &str) -> VaultError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Broken>()) {
        Some(Broken(what)) => VaultError::Altered { name: name.to_owned(), what },
        None => VaultError::Io(error),
    }
}

impl OpeningReader {
    pub(crate) fn new(place: &Place, data_key: &Key, reference: &PayloadRef, source: Box<dyn Read + Send>) -> Self {
        Self {
            cipher: encryption_key(data_key).cipher(),
            bound: bind(&place.fields("stream")),
            commitment: Some(commitment(data_key)),
            reference: reference.clone(),
            source,
            hash: Sha256::new(),
            ahead: Vec::with_capacity(CHUNK + TAG),
            open: Zeroizing::new(Vec::with_capacity(CHUNK)),
            given: 0,
            chunks: 0,
            ended: false,
            started: false,
        }
    }

    fn read_ahead(&mut self) -> io::Result<()> {
        self.ahead.clear();
        self.source.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut self.ahead)?;
        self.hash.update(&self.ahead);
        Ok(())
    }

    /// Opens the next chunk; false at the checked end.
    fn advance(&mut self) -> io::Result<bool> {
        if !self.started {
            self.started = true;
            self.read_ahead()?;
        } else if self.ahead.is_empty() {
            return self.check_end().map(|()| false);
        }
        let mut chunk = std::mem::take(&mut self.ahead);
        self.ahead = Vec::with_capacity(CHUNK + TAG);
        if chunk.len() != CHUNK + TAG {
            return Err(broken("its ciphertext was cut off"));
        }
        self.read_ahead()?;
        let last = self.ahead.is_empty();
        let tag: [u8; TAG] = chunk[CHUNK..].try_into().map_err(io::Error::other)?;
        chunk.truncate(CHUNK);
        self.cipher
            .decrypt_inout_detached(&nonce(self.chunks, last), &self.bound, chunk.as_mut_slice().into(), &tag.into())
            .map_err(|_| broken("its ciphertext does not authenticate"))?;
        self.open.zeroize();
        *self.open = chunk;
        self.given = COUNT;
        self.chunks = self.chunks.checked_add(1).ok_or_else(|| broken("it is too long"))?;
        let mut count = [0; COUNT];
        count.copy_from_slice(&self.open[..COUNT]);
        let payload = u32::from_be_bytes(count) as usize;
        if payload > ROOM || (self.ended && payload > 0) || self.open[COUNT + payload..].iter().any(|byte| *byte != 0) {
            return Err(broken("its padding"));
        }
        self.ended = payload < ROOM;
        self.open.truncate(COUNT + payload);
        if let Some(mac) = &mut self.commitment {
            mac.update(&self.open[COUNT..]);
        }
        Ok(true)
    }

    fn check_end(&mut self) -> io::Result<()> {
        let Some(mac) = self.commitment.take() else { return Ok(()) };
        if Hash(self.hash.finalize_reset().into()) != self.reference.ciphertext {
            return Err(broken("its ciphertext has another SHA-256"));
        }
        if u64::from(self.chunks) * CHUNK as u64 != self.reference.padded_length {
            return Err(broken("its padding"));
        }
        mac.verify_slice(&self.reference.commitment.0).map_err(|_| broken("it breaks its commitment"))
    }
}

impl Read for OpeningReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.given == self.open.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let taken = out.len().min(self.open.len() - self.given);
        out[..taken].copy_from_slice(&self.open[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}
