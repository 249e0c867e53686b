//! What is asked of an authority.

use der::Encode as _;
use der::asn1::{AnyRef, OctetString, Uint};
use x509_cert::spki::AlgorithmIdentifierRef;

use crate::formats::{ID_SHA_256, MessageImprint, TimeStampReq};

/// A `TimeStampReq` (RFC 3161 §2.4.1), in DER: the SHA-256 of a checkpoint's note text, a nonce that makes the answer
/// fresh, and the wish for the authority's certificates, so that the stamp can be verified offline.
///
/// `note_text` is [`SignedNote::text`](provenote_ledger::SignedNote::text), with its last newline. Draw the nonce from
/// [`Entropy`](provenote_ledger::Entropy), once for each request.
#[must_use]
pub fn request(note_text: &str, nonce: u64) -> Vec<u8> {
    let imprint = ring::digest::digest(&ring::digest::SHA256, note_text.as_bytes());
    let encoded = OctetString::new(imprint.as_ref()).and_then(|hashed_message| {
        TimeStampReq {
            version: 1,
            message_imprint: MessageImprint {
                hash_algorithm: AlgorithmIdentifierRef { oid: ID_SHA_256, parameters: Some(AnyRef::NULL) },
                hashed_message,
            },
            nonce: Uint::new(&nonce.to_be_bytes())?,
            cert_req: true,
        }
        .to_der()
    });
    encoded.expect("seventy bytes of known shape can be encoded")
}
