//! The one encoding: RFC 8785 JSON, and SHA-256 over it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A value that has no RFC 8785 form (a map with keys that are no strings, a number that is no IEEE double).
#[derive(Debug, thiserror::Error)]
#[error("this value has no canonical JSON form")]
pub struct NoCanonicalForm(#[source] serde_json::Error);

/// The RFC 8785 bytes of a value.
///
/// # Errors
/// [`NoCanonicalForm`] when the value cannot be JSON.
pub fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, NoCanonicalForm> {
    serde_json_canonicalizer::to_vec(value).map_err(NoCanonicalForm)
}

/// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(pub [u8; 32]);

/// A text that is no SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SHA-256: it has 64 hexadecimal digits")]
pub struct BadDigest(String);

impl Digest {
    /// SHA-256 of the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// SHA-256 of a value's RFC 8785 bytes.
///
/// # Errors
/// [`NoCanonicalForm`] when the value cannot be JSON.
pub fn digest_of<T: Serialize>(value: &T) -> Result<Digest, NoCanonicalForm> {
    canonical(value).map(|bytes| Digest::of(&bytes))
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bad = || BadDigest(text.chars().take(70).collect());
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let mut out = [0; 32];
        for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()).ok_or_else(bad)?;
        }
        Ok(Self(out))
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}
