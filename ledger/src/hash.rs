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
        let mut wrong = 0;
        for (four, digits) in out.as_chunks_mut::<4>().0.iter_mut().zip(text.as_chunks::<8>().0) {
            let (bytes, other) = eight_digits(u64::from_le_bytes(*digits));
            *four = bytes;
            wrong |= other;
        }
        if wrong == 0 { Ok(Self(out)) } else { Err(NotAHash) }
    }

    pub(crate) fn push_hex(&self, out: &mut Vec<u8>) {
        push_hex(&self.0, out);
    }
}

pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// The four bytes that eight lower-case hexadecimal digits write, all at once, a byte of the word for each digit; and,
/// as the second, something other than zero when they are anything else.
fn eight_digits(text: u64) -> ([u8; 4], u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Digits have their value in the low half; letters have bit 6 set and are nine short there.
    let values = ((text & (0x0f * EACH)) + 9 * ((text >> 6) & EACH)) & (0x0f * EACH);
    // Written again, they have to be what was read.
    let letters = ((values + 6 * EACH) >> 4) & EACH;
    let written = values + u64::from(b'0') * EACH + u64::from(b'a' - b'0' - 10) * letters;
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let pairs = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (((pairs | pairs >> 16) as u32).to_le_bytes(), written ^ text)
}

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
    fn every_byte_is_a_digit_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..64 {
                let mut text = *b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
                text[at] = byte;
                let value = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
                let read = Hash::from_hex(&text).ok().map(|hash| {
                    let both = hash.0[at / 2];
                    u32::from(if at % 2 == 0 { both >> 4 } else { both & 15 })
                });
                assert_eq!(read, value, "{byte} at {at}");
            }
        }
    }

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
