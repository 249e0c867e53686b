//! What an authority answers.

use der::asn1::AnyRef;
use der::{Decode as _, Encode as _};

use crate::formats::{PkiStatusInfo, TimeStampResp, damage};

/// The longest answer that is read, in bytes: a token with a chain of certificates has three to ten thousand.
pub const MAX_RESPONSE: usize = 64 * 1024;
/// The most of an authority's words that is repeated, in characters.
const MAX_WORDS: usize = 200;
/// `PKIFailureInfo` (RFC 3161 §2.4.2), by bit.
const FAILURES: [(usize, &str); 8] = [
    (0, "it does not know the hash"),
    (2, "it does not serve this kind of request"),
    (5, "it could not read the request"),
    (14, "it has no time at the moment"),
    (15, "it does not serve this policy"),
    (16, "it does not know an extension"),
    (17, "it has not the information asked for"),
    (25, "it has a fault of its own"),
];

/// Why an answer holds no time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// Longer than any answer is.
    #[error("the authority's answer is longer than {MAX_RESPONSE} bytes: check the address")]
    TooLong,
    /// Not a `TimeStampResp`.
    #[error("this is no answer of a time-stamping authority: {0}")]
    Malformed(&'static str),
    /// The authority refused.
    #[error("the authority gave no time-stamp: {0}")]
    Refused(String),
    /// The authority stamped something, but changed what it was asked for (status `grantedWithMods`).
    #[error("the authority changed what it was asked for: ask another")]
    Changed,
}

/// An authority's answer that holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    token: Vec<u8>,
}

impl Response {
    /// Reads a `TimeStampResp` (RFC 3161 §2.4.2), in DER. What the token says and who signed it, [`verify`](crate::verify)
    /// tells.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn parse(der: &[u8]) -> Result<Self, ResponseError> {
        if der.len() > MAX_RESPONSE {
            return Err(ResponseError::TooLong);
        }
        let response = TimeStampResp::from_der(der)
            .map_err(|error| ResponseError::Malformed(damage(&error, "it is not of the form of RFC 3161")))?;
        match (response.status.status, response.time_stamp_token) {
            (0, Some(token)) => token
                .to_der()
                .map(|token| Self { token })
                .map_err(|_| ResponseError::Malformed("its token cannot be read")),
            (0 | 1, None) => Err(ResponseError::Malformed("it grants a time-stamp and holds none")),
            (1, Some(_)) => Err(ResponseError::Changed),
            _ => Err(ResponseError::Refused(reason(&response.status))),
        }
    }

    /// The token: a CMS `ContentInfo`, in DER.
    #[must_use]
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    /// The answer as it is kept: `granted`, and the token. What else an authority says beside the token nobody signed.
    /// `openssl ts -verify` reads it.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let status = PkiStatusInfo { status: 0, status_string: None, fail_info: None };
        let token = AnyRef::from_der(&self.token).ok();
        let encoded = TimeStampResp { status, time_stamp_token: token }.to_der();
        encoded.expect("a token that was decoded can be encoded")
    }
}

fn reason(status: &PkiStatusInfo<'_>) -> String {
    let mut words: Vec<String> = FAILURES
        .iter()
        .filter(|(bit, _)| {
            status
                .fail_info
                .is_some_and(|bits| bits.raw_bytes().get(bit / 8).is_some_and(|b| b & (0x80 >> (bit % 8)) != 0))
        })
        .map(|(_, words)| (*words).to_owned())
        .collect();
    let said = plain(&status.status_string.as_deref().unwrap_or_default().join(" "));
    if !said.is_empty() {
        words.push(format!("it says \u{201c}{said}\u{201d}"));
    }
    if words.is_empty() {
        words.push(format!("it answered with status {} and no reason", status.status));
    }
    words.join(", ")
}

/// A stranger's words, fit for one line of a terminal: no control characters, and none that turn the direction of
/// reading.
pub(crate) fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let clean: String = text.chars().map(|c| if hidden(c) { ' ' } else { c }).take(MAX_WORDS).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_words() {
        // SEQUENCE { SEQUENCE { INTEGER 2, SEQUENCE { UTF8String "no\ntime" }, BIT STRING 'bit 14' } }
        let der = b"\x30\x15\x30\x13\x02\x01\x02\x30\x09\x0c\x07no\ntime\x03\x03\x01\x00\x02";
        assert_eq!(
            Response::parse(der).expect_err("refused").to_string(),
            "the authority gave no time-stamp: it has no time at the moment, it says \u{201c}no time\u{201d}"
        );
        let silent = Response::parse(b"\x30\x05\x30\x03\x02\x01\x02").expect_err("refused");
        assert_eq!(silent.to_string(), "the authority gave no time-stamp: it answered with status 2 and no reason");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for (bad, why) in [
            (&b""[..], "it breaks off"),
            (b"\x30\x05\x30\x03\x02\x01", "it breaks off"),
            (b"\x30\x05\x30\x03\x02\x01\x00", "it grants a time-stamp and holds none"),
            (b"<html></html>", "it is not of the form of RFC 3161"),
            (b"\x30\x05\x30\x03\x02\x01\x02\x00", "it is not of the form of RFC 3161"),
        ] {
            assert_eq!(Response::parse(bad), Err(ResponseError::Malformed(why)), "{bad:?}");
        }
        assert_eq!(Response::parse(b"\x30\x07\x30\x03\x02\x01\x01\x05\x00"), Err(ResponseError::Changed));
        assert_eq!(Response::parse(&vec![0x30; MAX_RESPONSE + 1]), Err(ResponseError::TooLong));
    }

    #[test]
    fn what_an_authority_adds_is_not_kept() {
        // Granted, with words and a token (here a NULL).
        let der = b"\x30\x0d\x30\x09\x02\x01\x00\x30\x04\x0c\x02ok\x05\x00";
        let kept = Response::parse(der).expect("an answer").to_der();
        assert_eq!(kept, b"\x30\x07\x30\x03\x02\x01\x00\x05\x00");
        assert_eq!(Response::parse(&kept).expect("an answer").token(), b"\x05\x00");
    }
}
