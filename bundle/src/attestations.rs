//! A clinician's own signature under a note: whether it holds, with the key the ledger names for that user.
//!
//! An attestation (`note.attested`) is the payload `attestation`, JSON of the form
//! `{"attestation":{"note","statement","text","time","user"},"signature":"…"}`: Ed25519, hexadecimal, over the RFC 8785
//! bytes of the inner object, whose `text` is the SHA-256 of the payload `text`. An amendment (`note.amended`) is the
//! payload `amendment` with its signature beside it in the payload `signature`. The key stands in the entry
//! `user.added` of that user, as the fact `sign_key`.

use std::collections::BTreeMap;

use provenote_ledger::{Fact, Hash, Header, verify_signature};
use serde_json::Value;

/// What became of an attestation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attested {
    /// The signature holds, and is of the text shown.
    Holds,
    /// The signature holds; the text it is of is not shown.
    TextWithheld,
    /// It does not hold: why.
    Broken(&'static str),
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = text.as_bytes();
    let digits = bytes.len() == 2 * N && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let out: Option<Vec<u8>> = bytes.chunks(2).map(pair).collect();
    out.filter(|_| digits)?.try_into().ok()
}

/// The signing key an entry `user.added` names, by user.
pub(crate) fn signing_key(header: &Header) -> Option<(String, [u8; 32])> {
    if header.kind != "user.added" {
        return None;
    }
    match header.facts.get("sign_key") {
        Some(Fact::Text(key)) => Some((header.refs.get("user")?.clone(), hex(key)?)),
        _ => None,
    }
}

/// Checks an entry's attestation, if it carries one that is shown. `shown` are the entry's disclosed payloads by name.
pub(crate) fn check(
    header: &Header,
    shown: &BTreeMap<&str, &[u8]>,
    keys: &BTreeMap<String, [u8; 32]>,
) -> Option<Attested> {
    const FORM: Attested = Attested::Broken("it is not of an attestation's form");
    let key = keys.get(&header.actor);
    let verified = |message: &[u8], signature: Option<[u8; 64]>| match (key, signature) {
        (None, _) => Attested::Broken("the entry that names its signer's key is not in the bundle"),
        (_, None) => FORM,
        (Some(key), Some(signature)) if verify_signature(key, message, &signature) => Attested::Holds,
        _ => Attested::Broken("its signature does not hold"),
    };
    match header.kind.as_str() {
        "note.attested" => {
            let outer: Value = match serde_json::from_slice(shown.get("attestation")?) {
                Ok(value) => value,
                Err(_) => return Some(FORM),
            };
            let inner = &outer["attestation"];
            let (Some(signature), Ok(message)) = (outer["signature"].as_str(), serde_json_canonicalizer::to_vec(inner))
            else {
                return Some(FORM);
            };
            if inner["user"].as_str() != Some(&header.actor)
                || inner["note"].as_str() != header.refs.get("note").map(String::as_str)
            {
                return Some(Attested::Broken("it is of another note or user than its entry"));
            }
            let held = verified(&message, hex(signature));
            if held != Attested::Holds {
                return Some(held);
            }
            Some(match shown.get("text") {
                None => Attested::TextWithheld,
                Some(text) if inner["text"].as_str() == Some(&Hash::of(text).to_string()) => Attested::Holds,
                Some(_) => Attested::Broken("it is of another text"),
            })
        }
        "note.amended" => {
            let (amendment, signature) = (shown.get("amendment")?, shown.get("signature")?);
            let signature = std::str::from_utf8(signature).ok().and_then(hex);
            Some(verified(amendment, signature))
        }
        _ => None,
    }
}
