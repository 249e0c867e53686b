//! The model file: what kind it is, what it hashes to, and that it stays the same file.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use provenote_schemas::Digest;
use sha2::{Digest as _, Sha256};

/// The kinds of model file the engines read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `GGUF`, version 2 or 3: language models.
    Gguf,
    /// The older `ggml` file of whisper.cpp, for speech and for voice activity.
    Ggml,
}

impl Format {
    /// True where a file that begins so may be handed to the engine.
    fn begins(self, head: &[u8; 8]) -> bool {
        let [a, b, c, d, version @ ..] = *head;
        match self {
            Self::Gguf => [a, b, c, d] == *b"GGUF" && (2..=3).contains(&u32::from_le_bytes(version)),
            // 0x67676d6c, little-endian.
            Self::Ggml => [a, b, c, d] == *b"lmgg",
        }
    }
}

/// Why a model file was not handed to the engine.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file could not be read.
    #[error("the file {path} could not be read: {source}")]
    Unreadable {
        /// Where it is.
        path: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// It does not begin as a model of this engine does.
    #[error("the file {path} is no {format:?} model")]
    WrongFormat {
        /// Where it is.
        path: String,
        /// What it should be.
        format: Format,
    },
    /// It is not the file the catalogue names.
    #[error("the file {path} has SHA-256 {found}, and the catalogue says {wanted}: fetch the model again")]
    WrongDigest {
        /// Where it is.
        path: String,
        /// What it hashes to.
        found: Digest,
        /// What it should hash to.
        wanted: Digest,
    },
    /// It was exchanged while it was being read.
    #[error("the file {path} changed while it was being read")]
    Changed {
        /// Where it is.
        path: String,
    },
}

/// A model file that has been read through once: of the right kind, with the right digest.
#[derive(Debug)]
pub(crate) struct Checked<'a> {
    path: &'a Path,
    digest: Digest,
    identity: [i128; 5],
}

impl<'a> Checked<'a> {
    /// Reads the file through. `progress` is told the share that has been read, now and then.
    pub(crate) fn read(
        path: &'a Path,
        format: Format,
        wanted: Option<Digest>,
        progress: impl Fn(f32),
    ) -> Result<Self, ModelError> {
        let shown = || path.display().to_string();
        let unreadable = |source| ModelError::Unreadable { path: shown(), source };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 20];
        let mut read: u64 = 0;
        let mut head = [0; 8];
        let mut headed = 0;
        loop {
            let n = match file.read(&mut block) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            for byte in block[..n].iter().take(head.len() - headed) {
                head[headed] = *byte;
                headed += 1;
            }
            if headed == head.len() && !format.begins(&head) {
                return Err(ModelError::WrongFormat { path: shown(), format });
            }
            hash.update(&block[..n]);
            let before = read;
            read += n as u64;
            if before >> 26 != read >> 26 {
                progress(read as f32 / metadata.len().max(1) as f32);
            }
        }
        if headed < head.len() {
            return Err(ModelError::WrongFormat { path: shown(), format });
        }
        let found = Digest(hash.finalize().into());
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            return Err(ModelError::WrongDigest { path: shown(), found, wanted });
        }
        Ok(Self { path, digest: found, identity: identity(&metadata) })
    }

    /// What the file hashes to.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// Looks again, after the engine has opened the path for itself.
    pub(crate) fn still_the_same(&self) -> Result<(), ModelError> {
        let same = std::fs::metadata(self.path).is_ok_and(|now| identity(&now) == self.identity);
        if same { Ok(()) } else { Err(ModelError::Changed { path: self.path.display().to_string() }) }
    }
}

/// Device, inode, size and time of the last change.
fn identity(metadata: &Metadata) -> [i128; 5] {
    [
        metadata.dev().into(),
        metadata.ino().into(),
        metadata.size().into(),
        metadata.mtime().into(),
        metadata.mtime_nsec().into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        file
    }

    #[test]
    fn a_file_is_a_model_by_how_it_begins() {
        let gguf = file(b"GGUF\x03\0\0\0rest");
        assert!(Checked::read(gguf.path(), Format::Gguf, None, |_| {}).is_ok());
        assert!(matches!(Checked::read(gguf.path(), Format::Ggml, None, |_| {}), Err(ModelError::WrongFormat { .. })));
        for wrong in [&b""[..], b"GGUF", b"GGUF\x09\0\0\0rest", b"#!/bin/sh\n", b"lmg"] {
            let wrong = file(wrong);
            assert!(matches!(
                Checked::read(wrong.path(), Format::Gguf, None, |_| {}),
                Err(ModelError::WrongFormat { .. })
            ));
            assert!(matches!(
                Checked::read(wrong.path(), Format::Ggml, None, |_| {}),
                Err(ModelError::WrongFormat { .. })
            ));
        }
    }

    #[test]
    fn a_file_with_another_digest_is_refused() {
        let bytes = b"lmggmodel of some kind";
        let model = file(bytes);
        let right = Checked::read(model.path(), Format::Ggml, Some(Digest::of(bytes)), |_| {}).expect("the right file");
        assert_eq!(right.digest(), Digest::of(bytes));
        let wrong = Checked::read(model.path(), Format::Ggml, Some(Digest::of(b"other")), |_| {});
        assert!(matches!(wrong, Err(ModelError::WrongDigest { .. })));
    }

    #[test]
    fn a_file_exchanged_after_it_was_hashed_is_noticed() {
        let model = file(b"lmggmodel of some kind");
        let checked = Checked::read(model.path(), Format::Ggml, None, |_| {}).expect("a model");
        assert!(checked.still_the_same().is_ok());
        let other = file(b"lmggmodel of some kind");
        std::fs::rename(other.path(), model.path()).expect("exchanged");
        assert!(matches!(checked.still_the_same(), Err(ModelError::Changed { .. })));
    }
}
