//! Keys and what they are made with: Argon2id (RFC 9106), HPKE base mode (RFC 9180, DHKEM(X25519, HKDF-SHA256),
//! HKDF-SHA256, AES-256-GCM), AES-256-GCM (NIST SP 800-38D), HKDF (RFC 5869), Ed25519 (RFC 8032).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use argon2::{Algorithm, Argon2, Params, Version};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::VaultError;
use super::files::{Bytes, KeyId, WrapRecord};
use crate::entropy::{self, Entropy, Source};
use crate::hash::Hash;

const NONCE: usize = 12;
/// A wrapped key: nonce, 32 bytes, tag.
pub(crate) const WRAPPED: usize = NONCE + 32 + 16;

/// How a passphrase is stretched. Stored with each sealed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Params {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Argon2Params {
    /// RFC 9106 §4, second recommendation, with one lane: 64 MiB, 3 passes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl Argon2Params {
    /// Bounds, so that a forged key file cannot make a machine run out of memory or time.
    pub(crate) fn acceptable(self) -> bool {
        (8..=2 << 20).contains(&self.memory_kib)
            && (1..=64).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
            && self.memory_kib >= 8 * self.lanes
    }

    pub(crate) fn derive(self, secret: &[u8], salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        if !self.acceptable() {
            return Err(VaultError::Parameters);
        }
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(|_| VaultError::Parameters)?;
        let mut out = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret, salt, out.as_mut_slice())
            .map_err(|_| VaultError::Parameters)?;
        Ok(out)
    }
}

/// Fields, each with its length before it, so that no two lists of fields give the same bytes.
pub(crate) fn bind(fields: &[&str]) -> Vec<u8> {
    let mut out = b"provenote/1".to_vec();
    for field in fields {
        out.extend_from_slice(&(field.len() as u64).to_be_bytes());
        out.extend_from_slice(field.as_bytes());
    }
    out
}

/// A symmetric key, or the private half of an X25519 key pair: 32 bytes. Zeroed when dropped; has no `Debug`.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; 32]>);

impl Key {
    pub(crate) fn new(bytes: &Zeroizing<[u8; 32]>) -> Self {
        Self(bytes.clone())
    }

    pub(crate) fn generate(entropy: &mut dyn Entropy) -> Self {
        Self(entropy::bytes(entropy))
    }

    pub(crate) fn bytes(&self) -> &Zeroizing<[u8; 32]> {
        &self.0
    }

    /// What this key is known by. Nobody finds a random key of 256 bits by it, and no two keys have the same.
    pub(crate) fn check(&self) -> Hash {
        Hash(**self.derive("key check").bytes())
    }

    /// A key derived from this one, for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        let mut out = Zeroizing::new([0; 32]);
        // HKDF gives up to 8160 bytes; 32 cannot fail, and a zero key would fail every tag.
        let _ = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(&bind(&[purpose]), out.as_mut_slice());
        Self(out)
    }

    pub(crate) fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }

    /// Seals under a random nonce, which comes first.
    pub(crate) fn seal(&self, plaintext: &[u8], bound: &[&str], entropy: &mut dyn Entropy) -> Vec<u8> {
        let nonce = *entropy::bytes::<NONCE>(entropy);
        let mut out = nonce.to_vec();
        let payload = Payload { msg: plaintext, aad: &bind(bound) };
        out.extend(self.cipher().encrypt(&Nonce::from(nonce), payload).unwrap_or_default());
        out
    }

    pub(crate) fn open(&self, sealed: &[u8], bound: &[&str]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: ciphertext, aad: &bind(bound) };
        self.cipher().decrypt(&Nonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }

    pub(crate) fn wrap(&self, inner: &Self, bound: &[&str], entropy: &mut dyn Entropy) -> Bytes {
        Bytes(self.seal(inner.0.as_slice(), bound, entropy))
    }

    pub(crate) fn unwrap(&self, sealed: &Bytes, bound: &[&str]) -> Option<Self> {
        let bytes = self.open(&sealed.0, bound)?;
        Some(Self(Zeroizing::new(bytes.as_slice().try_into().ok()?)))
    }
}

/// A user's public keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPublic {
    /// Who.
    pub user: String,
    /// X25519: what keys are wrapped to.
    pub seal_key: [u8; 32],
    /// Ed25519: what attestations are verified with.
    pub sign_key: [u8; 32],
}

/// A user's opened keys. Zeroed when dropped; has no `Debug`.
pub struct Unlocked {
    user: String,
    seal: Zeroizing<[u8; 32]>,
    seal_public: [u8; 32],
    sign: SigningKey,
    /// Grants in force, and their ends in milliseconds since 1970.
    grants: Vec<(String, i64)>,
    /// Private halves of offices, by the SHA-256 of the wrap that each was opened from: who is of an office opens it for
    /// every client.
    offices: Mutex<BTreeMap<Hash, Key>>,
}

impl Unlocked {
    pub(crate) fn generate(user: &str, entropy: &mut dyn Entropy) -> Self {
        let (Key(seal), seal_public) = key_pair(entropy);
        let sign = SigningKey::from_bytes(&entropy::bytes::<32>(entropy));
        Self { user: user.to_owned(), seal, seal_public, sign, grants: Vec::new(), offices: Mutex::default() }
    }

    pub(crate) fn from_private(user: &str, private: &[u8]) -> Option<Self> {
        let (seal, sign) = private.split_first_chunk::<32>()?;
        let sign: Zeroizing<[u8; 32]> = Zeroizing::new(sign.try_into().ok()?);
        let seal = Zeroizing::new(*seal);
        Some(Self {
            user: user.to_owned(),
            seal_public: public_half(&seal)?,
            seal,
            sign: SigningKey::from_bytes(&sign),
            grants: Vec::new(),
            offices: Mutex::default(),
        })
    }

    pub(crate) fn seal_half(&self) -> &Zeroizing<[u8; 32]> {
        &self.seal
    }

    pub(crate) fn private(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(64));
        out.extend_from_slice(self.seal.as_slice());
        out.extend_from_slice(self.sign.as_bytes());
        out
    }

    /// Whose keys these are.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// These keys with the grants that are in force now, and their ends in milliseconds since 1970, as the ledger tells
    /// of them: no other grant is tried when a payload is opened.
    #[must_use]
    pub fn with_grants(self, grants: Vec<(String, i64)>) -> Self {
        Self { grants, ..self }
    }

    /// As [`Unlocked::with_grants`], in place.
    pub fn set_grants(&mut self, grants: Vec<(String, i64)>) {
        self.grants = grants;
    }

    /// Opens a wrap, or remembers what it held.
    pub(crate) fn remembered(&self, wrap: &WrapRecord, open: impl FnOnce() -> Option<Key>) -> Option<Key> {
        let hash = Hash::of(&[wrap.enc.0.as_slice(), &wrap.sealed.0].concat());
        let mut offices = self.offices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = offices.get(&hash) {
            return Some(key.clone());
        }
        let key = open()?;
        offices.insert(hash, key.clone());
        Some(key)
    }

    pub(crate) fn grants(&self) -> &[(String, i64)] {
        &self.grants
    }

    /// An Ed25519 signature by this user.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.sign.sign(message).to_bytes()
    }

    /// The public halves.
    #[must_use]
    pub fn public(&self) -> UserPublic {
        UserPublic {
            user: self.user.clone(),
            seal_key: self.seal_public,
            sign_key: self.sign.verifying_key().to_bytes(),
        }
    }

    /// The keys as bytes, for a process that holds them for a limited time.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.user.len()));
        out.extend_from_slice(&self.private());
        out.extend_from_slice(self.user.as_bytes());
        out
    }

    /// Reads what [`Unlocked::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (private, user) = bytes.split_at_checked(64)?;
        let user = std::str::from_utf8(user).ok().filter(|user| crate::header::is_name(user))?;
        Self::from_private(user, private)
    }
}

/// Verifies a user's signature, strictly: no key of small order, one encoding of a signature.
#[must_use]
pub fn verify_signature(sign_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(sign_key)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

/// A new X25519 key pair: the private half and the public one.
pub(crate) fn key_pair(entropy: &mut dyn Entropy) -> (Key, [u8; 32]) {
    let seed = entropy::bytes::<32>(entropy);
    let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_slice());
    let mut bytes = Zeroizing::new([0; 32]);
    private.write_exact(bytes.as_mut_slice());
    (Key(bytes), public.to_bytes().into())
}

/// The public half of an X25519 key.
pub(crate) fn public_half(private: &Zeroizing<[u8; 32]>) -> Option<[u8; 32]> {
    let private = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(private.as_slice()).ok()?;
    Some(X25519HkdfSha256::sk_to_pk(&private).to_bytes().into())
}

/// What a key is wrapped for, and where it lies.
#[derive(Clone, Copy)]
pub(crate) struct Wrapping<'a> {
    pub(crate) purpose: &'a str,
    pub(crate) place: &'a [&'a str],
    /// The user's name, or an office's.
    pub(crate) recipient: &'a str,
}

impl Wrapping<'_> {
    fn bound(&self) -> Vec<u8> {
        let fields: Vec<&str> = self.place.iter().copied().chain([self.recipient]).collect();
        bind(&fields)
    }

    /// HPKE base mode, single shot. What the key is for is bound as `info`, where it lies and whose it is as associated
    /// data. None when the public key is of small order, so that anybody could open what is wrapped to it.
    pub(crate) fn seal(&self, to: &[u8; 32], key: &Key, entropy: &mut dyn Entropy) -> Option<(Bytes, Bytes)> {
        let public = <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(to).ok()?;
        let (enc, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            &bind(&[self.purpose]),
            key.0.as_slice(),
            &self.bound(),
            &mut Source(entropy),
        )
        .ok()?;
        Some((Bytes(enc.to_bytes().to_vec()), Bytes(sealed)))
    }

    pub(crate) fn open(&self, private: &Zeroizing<[u8; 32]>, enc: &Bytes, sealed: &Bytes) -> Option<Key> {
        let private = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(private.as_slice()).ok()?;
        let enc = <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&enc.0).ok()?;
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &private,
            &enc,
            &bind(&[self.purpose]),
            &sealed.0,
            &self.bound(),
        );
        let opened = Zeroizing::new(opened.ok()?);
        Some(Key(Zeroizing::new(opened.as_slice().try_into().ok()?)))
    }
}

/// Wraps a key to a user.
///
/// # Errors
/// When the public key is of small order.
pub(crate) fn wrap_to(
    to: &UserPublic,
    purpose: &str,
    place: &[&str],
    key: &Key,
    entropy: &mut dyn Entropy,
) -> Result<WrapRecord, VaultError> {
    let wrapping = Wrapping { purpose, place, recipient: &to.user };
    let (enc, sealed) = wrapping.seal(&to.seal_key, key, entropy).ok_or_else(|| VaultError::Damaged {
        name: format!("users/{}.json", to.user),
        what: "its public key is unusable",
    })?;
    Ok(WrapRecord { user: to.user.clone(), to: Some(KeyId::of(&to.seal_key)), enc, sealed })
}

pub(crate) fn unwrap_with(by: &Unlocked, purpose: &str, place: &[&str], wrap: &WrapRecord) -> Option<Key> {
    let wrapping = Wrapping { purpose, place, recipient: &by.user };
    wrapping.open(&by.seal, &wrap.enc, &wrap.sealed)
}

/// Opens the first of the user's wraps that opens.
pub(crate) fn open_wrap(wraps: &[WrapRecord], by: &Unlocked, purpose: &str, place: &[&str]) -> Option<Key> {
    let own = wraps.iter().filter(|wrap| wrap.user == by.user);
    own.filter(|wrap| wrap.is_for(&by.public())).find_map(|wrap| unwrap_with(by, purpose, place, wrap))
}

/// Crockford's base 32: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const CODE_LETTERS: usize = 36;

fn checksum(secret: &[u8]) -> u32 {
    let hash = Hash::of(&[b"provenote recovery code", secret].concat()).0;
    u32::from_be_bytes([0, hash[0], hash[1], hash[2]]) >> 4
}

/// 160 bits as 32 letters, 20 bits of checksum as 4, in groups of four.
pub(crate) fn recovery_code(secret: &[u8; 20]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(CODE_LETTERS + 8));
    let mut letters = 0;
    let mut push = |five_bits: u32| {
        if letters > 0 && letters % 4 == 0 {
            out.push('-');
        }
        letters += 1;
        out.push(char::from(ALPHABET[(five_bits & 31) as usize]));
    };
    for five in secret.chunks(5) {
        let word = five.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        (0..8).rev().for_each(|i| push(((word >> (i * 5)) & 31) as u32));
    }
    let check = checksum(secret);
    (0..4).rev().for_each(|i| push(check >> (i * 5)));
    out
}

/// Reads a recovery code as people type it: any case, any spaces and hyphens, `o` for 0, `i` and `l` for 1.
pub(crate) fn recovery_secret(code: &str) -> Result<Zeroizing<[u8; 20]>, VaultError> {
    let mut values = Zeroizing::new(Vec::with_capacity(CODE_LETTERS));
    for letter in code.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let letter = match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let value =
            ALPHABET.iter().position(|known| char::from(*known) == letter).ok_or(VaultError::MistypedRecoveryCode)?;
        values.push(value as u64);
        if values.len() > CODE_LETTERS {
            return Err(VaultError::MistypedRecoveryCode);
        }
    }
    if values.len() != CODE_LETTERS {
        return Err(VaultError::MistypedRecoveryCode);
    }
    let mut secret = Zeroizing::new([0; 20]);
    for (bytes, letters) in secret.chunks_mut(5).zip(values.chunks(8)) {
        let word = letters.iter().fold(0_u64, |word, value| (word << 5) | value);
        bytes.copy_from_slice(&word.to_be_bytes()[3..]);
    }
    let check = values[32..].iter().fold(0_u64, |word, value| (word << 5) | value);
    if check == u64::from(checksum(secret.as_slice())) { Ok(secret) } else { Err(VaultError::MistypedRecoveryCode) }
}
