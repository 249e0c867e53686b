//! SHA-256 digests as the ledger uses them: for tree nodes, ciphertexts and commitments.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Thirty-two bytes; written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

/// A text that is no SHA-256 in lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no SHA-256: it has 64 lower-case hexadecimal digits")]
pub struct NotAHash;

impl Hash {
    /// Thirty-two zeros: what stands before the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// SHA-256 of the bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hexadecimal digits; nothing else is a hash.
    pub(crate) fn from_hex(text: &[u8]) -> Result<Self, NotAHash> {
        if text.len() != 64 {
            return Err(NotAHash);
        }
        let mut out = [0; 32];
        // Anything but a digit has high bits in the table; they are looked at once, at the end.
        let mut wrong = 0;
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let (high, low) = (DIGIT[usize::from(pair[0])], DIGIT[usize::from(pair[1])]);
            wrong |= high | low;
            *byte = (high << 4) | (low & 15);
        }
        if wrong < 16 { Ok(Self(out)) } else { Err(NotAHash) }
    }

    pub(crate) fn push_hex(&self, out: &mut Vec<u8>) {
        push_hex(&self.0, out);
    }
}

pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// The value of a lower-case hexadecimal digit; 255 for any other byte.
const DIGIT: [u8; 256] = {
    let mut table = [255_u8; 256];
    let mut value = 0_u8;
    while value < 16 {
        table[if value < 10 { b'0' + value } else { b'a' + value - 10 } as usize] = value;
        value += 1;
    }
    table
};

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        Self::from_hex(text.as_bytes())
    }
}

impl TryFrom<String> for Hash {
    type Error = NotAHash;

    fn try_from(text: String) -> Result<Self, NotAHash> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = NotAHash;

    fn try_from(bytes: &[u8]) -> Result<Self, NotAHash> {
        bytes.try_into().map(Self).map_err(|_| NotAHash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_hexadecimal_is_read() {
        let hash = Hash::of(b"a hash");
        let text = hash.to_string();
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!("0123456789abcdef".repeat(4).parse::<Hash>().map(|h| h.0[0]), Ok(0x01));
        for bad in [
            text.to_uppercase(),
            text[1..].to_owned(),
            format!("{text}0"),
            text.replacen(&text[..1], "g", 1),
            " ".repeat(64),
        ] {
            assert_eq!(bad.parse::<Hash>(), Err(NotAHash), "{bad}");
        }
    }
}
