//! Payloads that fit into one AEAD message, and what both forms share.
//!
//! The plaintext of the AEAD is `length (8 bytes, big endian) ‖ payload ‖ zeros`, padded by Padmé (Nikitin et al.,
//! "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PoPETs 2019, §4) to at least 256
//! bytes: a length tells an observer little. Encryption and commitment have keys of their own, derived from the data
//! key, so that a commitment can be opened without the data key. Each encryption key seals one message, so the nonce
//! is zero.

use aes_gcm::Nonce;
use aes_gcm::aead::{Aead as _, Payload};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::VaultError;
use super::files::Bytes;
use super::keys::{Key, WRAPPED, bind};
use crate::entropy::Entropy;
use crate::hash::Hash;
use crate::header::PayloadRef;
use crate::log::{Body, Sealed};

pub(crate) const TAG: usize = 16;
const LENGTH: usize = 8;
const SMALLEST: usize = 256;

/// Where a payload belongs. Every ciphertext and every wrapped key is bound to it, so none can be moved.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) class: String,
    pub(crate) scope: String,
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) media_type: String,
}

impl Place {
    pub(crate) fn of(reference: &PayloadRef) -> Self {
        Self {
            class: reference.class.clone(),
            scope: reference.scope.clone(),
            group: reference.group.clone(),
            name: reference.name.clone(),
            media_type: reference.media_type.clone(),
        }
    }

    pub(crate) fn fields<'a>(&'a self, form: &'a str) -> [&'a str; 6] {
        [form, &self.class, &self.scope, &self.group, &self.name, &self.media_type]
    }

    pub(crate) fn reference(
        self,
        padded_length: u64,
        ciphertext: Hash,
        commitment: Hash,
        wrapped_key: &[u8],
    ) -> PayloadRef {
        PayloadRef {
            name: self.name,
            class: self.class,
            scope: self.scope,
            group: self.group,
            media_type: self.media_type,
            padded_length,
            ciphertext,
            commitment,
            wrapped_key: Hash::of(wrapped_key),
        }
    }

    pub(crate) fn wrap(&self, group_key: &Key, data_key: &Key, entropy: &mut dyn Entropy) -> Vec<u8> {
        group_key.wrap(data_key, &self.fields("data key"), entropy).0
    }

    pub(crate) fn unwrap(&self, group_key: &Key, wrapped: &[u8]) -> Option<Key> {
        if wrapped.len() != WRAPPED {
            return None;
        }
        group_key.unwrap(&Bytes(wrapped.to_vec()), &self.fields("data key"))
    }
}

/// Padmé: at most 12 % more, and far fewer lengths.
pub(crate) fn padme(length: u64) -> u64 {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let zero_bits = exponent - (exponent.ilog2() + 1);
    let mask = (1_u64 << zero_bits) - 1;
    length.saturating_add(mask) & !mask
}

/// Length of the padded plaintext of a payload.
pub(crate) fn padded(length: usize) -> usize {
    usize::try_from(padme((length + LENGTH) as u64)).unwrap_or(usize::MAX).max(SMALLEST)
}

/// The key a payload is committed to with. It may be handed out with the plaintext: it opens nothing else.
pub(crate) fn commitment_key(data_key: &Key) -> Key {
    data_key.derive("payload commitment")
}

pub(crate) fn commitment(data_key: &Key) -> Hmac<Sha256> {
    let key = commitment_key(data_key);
    // RFC 2104 §2 pads a key shorter than the block with zeros.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.bytes().as_slice());
    Hmac::<Sha256>::new((&*block).into())
}

pub(crate) fn encryption_key(data_key: &Key) -> Key {
    data_key.derive("payload encryption")
}

pub(crate) fn seal(place: &Place, data_key: &Key, wrapped_key: Vec<u8>, plaintext: &[u8]) -> Sealed {
    let padded_length = padded(plaintext.len());
    let mut buffer = Zeroizing::new(Vec::with_capacity(padded_length));
    buffer.extend_from_slice(&(plaintext.len() as u64).to_be_bytes());
    buffer.extend_from_slice(plaintext);
    buffer.resize(padded_length, 0);
    let payload = Payload { msg: &buffer, aad: &bind(&place.fields("inline")) };
    // AES-GCM fails only beyond 64 GiB; inline payloads end at 1 MiB.
    let ciphertext = encryption_key(data_key).cipher().encrypt(&Nonce::from([0; 12]), payload).unwrap_or_default();
    let mac = commitment(data_key).chain_update(plaintext).finalize().into_bytes().into();
    let reference = place.clone().reference(padded_length as u64, Hash::of(&ciphertext), Hash(mac), &wrapped_key);
    Sealed { reference, wrapped_key, body: Body::Inline(ciphertext) }
}

pub(crate) fn open(
    place: &Place,
    data_key: &Key,
    reference: &PayloadRef,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let altered = |what| VaultError::Altered { name: reference.name.clone(), what };
    if Hash::of(ciphertext) != reference.ciphertext {
        return Err(altered("its ciphertext has another SHA-256"));
    }
    let payload = Payload { msg: ciphertext, aad: &bind(&place.fields("inline")) };
    let mut buffer = encryption_key(data_key)
        .cipher()
        .decrypt(&Nonce::from([0; 12]), payload)
        .map(Zeroizing::new)
        .map_err(|_| altered("its ciphertext does not authenticate"))?;
    let (length, rest) = buffer.split_first_chunk::<LENGTH>().ok_or_else(|| altered("its padding"))?;
    let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (plaintext, padding) = rest.split_at_checked(length).ok_or_else(|| altered("its padding"))?;
    let well_padded = buffer.len() as u64 == reference.padded_length && buffer.len() == padded(length);
    if !well_padded || padding.iter().any(|byte| *byte != 0) {
        return Err(altered("its padding"));
    }
    commitment(data_key)
        .chain_update(plaintext)
        .verify_slice(&reference.commitment.0)
        .map_err(|_| altered("it breaks its commitment"))?;
    buffer.copy_within(LENGTH..LENGTH + length, 0);
    buffer[length..].zeroize();
    buffer.truncate(length);
    Ok(buffer)
}
