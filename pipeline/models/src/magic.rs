//! Is this a model at all, and whose? By its first bytes, before anything else is believed of it.

use std::io::{ErrorKind, Read};

use crate::catalogue::Engine;

/// A model file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// GGUF, versions 2 and 3: what llama.cpp loads.
    Gguf,
    /// ggml as whisper.cpp loads it.
    Whisper,
    /// ggml as whisper.cpp loads it for voice activity.
    Silero,
}

impl Format {
    /// What loads it.
    #[must_use]
    pub const fn engine(self) -> Engine {
        match self {
            Self::Gguf => Engine::Llama,
            Self::Whisper => Engine::Whisper,
            Self::Silero => Engine::Vad,
        }
    }
}

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum NoModel {
    /// It cannot be read.
    #[error("the file could not be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The first bytes are no model's.
    #[error("the file is no model: it begins neither as GGUF nor as a whisper.cpp file; give one of these")]
    Unknown,
    /// GGUF of a version or shape that llama.cpp does not load.
    #[error("the file begins as GGUF, but {0}; fetch it again, or convert it with a newer tool")]
    BadGguf(&'static str),
}

/// GGUF counts its tensors and keys; no model has more than this, and a damaged header usually claims it.
const MOST_COUNTED: u64 = 1 << 20;

impl Format {
    /// Reads the header.
    ///
    /// # Errors
    /// [`NoModel`].
    pub fn of(mut source: impl Read) -> Result<Self, NoModel> {
        let mut head = [0; 24];
        let mut read = 0;
        while read < head.len() {
            match source.read(&mut head[read..]) {
                Ok(0) => return Err(NoModel::Unknown),
                Ok(n) => read += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        match &head[..4] {
            b"GGUF" if !(2..=3).contains(&word(4)) => Err(NoModel::BadGguf("is neither version 2 nor 3")),
            b"GGUF" if long(8) == 0 || long(8) > MOST_COUNTED => {
                Err(NoModel::BadGguf("holds no sane number of tensors"))
            }
            b"GGUF" if long(16) == 0 || long(16) > MOST_COUNTED => {
                Err(NoModel::BadGguf("holds no sane number of keys"))
            }
            b"GGUF" => Ok(Self::Gguf),
            b"lmgg" if word(4) == 10 && &head[8..18] == b"silero-16k" => Ok(Self::Silero),
            // n_vocab, then n_audio_ctx, which is 1500 in every Whisper model.
            b"lmgg" if (50_000..60_000).contains(&word(4)) && word(8) == 1500 => Ok(Self::Whisper),
            _ => Err(NoModel::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gguf(version: u32, tensors: u64, keys: u64) -> Vec<u8> {
        [&b"GGUF"[..], &version.to_le_bytes(), &tensors.to_le_bytes(), &keys.to_le_bytes()].concat()
    }

    #[test]
    fn models_are_told_from_each_other_and_from_everything_else() {
        assert!(matches!(Format::of(gguf(3, 290, 30).as_slice()), Ok(Format::Gguf)));
        let whisper = [&b"lmgg"[..], &51_865u32.to_le_bytes(), &1500u32.to_le_bytes(), &[0; 20]].concat();
        assert!(matches!(Format::of(whisper.as_slice()), Ok(Format::Whisper)));
        let silero = [&b"lmgg"[..], &10u32.to_le_bytes(), b"silero-16k", &[0; 20]].concat();
        assert!(matches!(Format::of(silero.as_slice()), Ok(Format::Silero)));
        for other in [
            &b""[..],
            b"GGUF",
            b"lmgg",
            b"<!doctype html><html lang=en><head>",
            &[0; 64],
            b"lmgg\x0a\0\0\0something else entirely",
        ] {
            assert!(matches!(Format::of(other), Err(NoModel::Unknown)), "{other:?}");
        }
    }

    #[test]
    fn a_gguf_of_an_unknown_version_or_shape_is_refused() {
        for bytes in [
            gguf(1, 290, 30),
            gguf(4, 290, 30),
            gguf(0x0300_0000, 290, 30),
            gguf(3, 0, 30),
            gguf(3, u64::MAX, 30),
            gguf(3, 290, 0),
        ] {
            assert!(matches!(Format::of(bytes.as_slice()), Err(NoModel::BadGguf(_))));
        }
    }
}
