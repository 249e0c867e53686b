//! Key files: strict JSON, one form each, with a version and a checksum.
//!
//! The checksum tells a damaged file from a wrong passphrase; it is no protection against a forger, the tags of the
//! sealed keys are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::keys::{Argon2Params, Key, Unlocked, UserPublic};
use super::{VaultError, damaged};
use crate::entropy::{self, Entropy};
use crate::hash::Hash;

/// The longest key file this program reads, in bytes.
const MAX_FILE: usize = 4 << 20;

/// Bytes, in base64.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(|_| serde::de::Error::custom("no base64"))
    }
}

/// A key wrapped to one user by HPKE.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapRecord {
    pub(crate) user: String,
    pub(crate) enc: Bytes,
    pub(crate) sealed: Bytes,
}

/// `classes/CLASS.SCOPE.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassFile {
    pub(crate) v: u32,
    pub(crate) class: String,
    pub(crate) scope: String,
    pub(crate) wraps: Vec<WrapRecord>,
}

/// `groups/GROUP.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupFile {
    pub(crate) v: u32,
    pub(crate) group: String,
    pub(crate) class: String,
    pub(crate) scope: String,
    /// Nonce and AES-256-GCM ciphertext of the group's key under the key of the class.
    pub(crate) sealed: Bytes,
}

/// `log.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogFile {
    pub(crate) v: u32,
    pub(crate) origin: String,
    pub(crate) epochs: Vec<EpochRecord>,
    /// The next key: made, and not yet known to have been given the log by an entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<NextRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EpochRecord {
    pub(crate) number: u32,
    pub(crate) from_size: u64,
    pub(crate) vkey: String,
    pub(crate) wraps: Vec<WrapRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NextRecord {
    pub(crate) vkey: String,
    pub(crate) wraps: Vec<WrapRecord>,
}

/// `users/USER.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserFile {
    v: u32,
    user: String,
    seal_key: Bytes,
    sign_key: Bytes,
    passphrase: SecretBox,
    recovery: Option<SecretBox>,
}

/// Private halves, sealed under a secret a person keeps.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretBox {
    argon2id: Argon2Params,
    salt: Bytes,
    sealed: Bytes,
}

pub(crate) trait KeyFile: Serialize + DeserializeOwned {
    fn version(&self) -> u32;
}

macro_rules! key_files {
    ($($file:ty),+) => { $(impl KeyFile for $file { fn version(&self) -> u32 { self.v } })+ };
}
key_files!(ClassFile, GroupFile, LogFile, UserFile);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    /// SHA-256 of `file` as compact JSON.
    check: Hash,
    file: T,
}

pub(crate) fn parse<T: KeyFile>(name: &str, contents: &[u8]) -> Result<T, VaultError> {
    if contents.len() > MAX_FILE {
        return Err(damaged(name, "it is too long"));
    }
    let envelope: Envelope<T> =
        serde_json::from_slice(contents).map_err(|_| damaged(name, "it is not the JSON it should be"))?;
    let file = envelope.file;
    if file.version() != 1 {
        return Err(damaged(name, "it is of another version"));
    }
    // One form only: this covers the checksum, and changes that JSON does not notice.
    if encode(&file) != contents {
        return Err(damaged(name, "its checksum does not fit"));
    }
    Ok(file)
}

pub(crate) fn encode<T: KeyFile>(file: &T) -> Vec<u8> {
    // These types have string keys and no maps of others, so they always have a JSON form.
    let check = Hash::of(&serde_json::to_vec(file).unwrap_or_default());
    let mut bytes = serde_json::to_vec_pretty(&Envelope { check, file }).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl UserFile {
    pub(crate) fn new(
        of: &Unlocked,
        passphrase: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, VaultError> {
        let public = of.public();
        Ok(Self {
            v: 1,
            user: public.user.clone(),
            seal_key: Bytes(public.seal_key.to_vec()),
            sign_key: Bytes(public.sign_key.to_vec()),
            passphrase: SecretBox::new(of, "passphrase", passphrase, params, entropy)?,
            recovery: None,
        })
    }

    pub(crate) fn parse(name: &str, contents: &[u8]) -> Result<Self, VaultError> {
        let file: Self = parse(name, contents)?;
        if file.seal_key.0.len() != 32 || file.sign_key.0.len() != 32 {
            return Err(damaged(name, "a public key has the wrong length"));
        }
        for secret in std::iter::once(&file.passphrase).chain(&file.recovery) {
            if !secret.argon2id.acceptable() || secret.salt.0.len() != 16 {
                return Err(damaged(name, "its Argon2 parameters"));
            }
        }
        Ok(file)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(crate) fn params(&self) -> Argon2Params {
        self.passphrase.argon2id
    }

    pub(crate) fn public(&self) -> UserPublic {
        let key = |bytes: &Bytes| bytes.0.as_slice().try_into().unwrap_or_default();
        UserPublic { user: self.user.clone(), seal_key: key(&self.seal_key), sign_key: key(&self.sign_key) }
    }

    pub(crate) fn unlock(&self, passphrase: &[u8]) -> Result<Unlocked, VaultError> {
        self.passphrase.open(&self.public(), "passphrase", passphrase)
    }

    pub(crate) fn unlock_with_recovery(&self, secret: &[u8]) -> Result<Unlocked, VaultError> {
        self.recovery.as_ref().ok_or(VaultError::WrongPassphrase)?.open(&self.public(), "recovery", secret)
    }

    pub(crate) fn set_recovery(
        &mut self,
        of: &Unlocked,
        secret: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        self.recovery = Some(SecretBox::new(of, "recovery", secret, self.params(), entropy)?);
        Ok(())
    }

    pub(crate) fn set_passphrase(
        &mut self,
        of: &Unlocked,
        passphrase: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        self.passphrase = SecretBox::new(of, "passphrase", passphrase, params, entropy)?;
        Ok(())
    }
}

/// What a secret box is bound to: both public keys, so that none can be exchanged unnoticed.
fn bound(public: &UserPublic, what: &str) -> [String; 5] {
    [
        "user".to_owned(),
        what.to_owned(),
        public.user.clone(),
        BASE64.encode(public.seal_key),
        BASE64.encode(public.sign_key),
    ]
}

impl SecretBox {
    fn new(
        of: &Unlocked,
        what: &str,
        secret: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, VaultError> {
        let salt = entropy::bytes::<16>(entropy);
        let key = Key::new(&params.derive(secret, salt.as_slice())?);
        let bound = bound(&of.public(), what);
        let bound: Vec<&str> = bound.iter().map(String::as_str).collect();
        let sealed = key.seal(of.private().as_slice(), &bound, entropy);
        Ok(Self { argon2id: params, salt: Bytes(salt.to_vec()), sealed: Bytes(sealed) })
    }

    fn open(&self, public: &UserPublic, what: &str, secret: &[u8]) -> Result<Unlocked, VaultError> {
        let key = Key::new(&self.argon2id.derive(secret, &self.salt.0)?);
        let bound = bound(public, what);
        let bound: Vec<&str> = bound.iter().map(String::as_str).collect();
        let private = key.open(&self.sealed.0, &bound).ok_or(VaultError::WrongPassphrase)?;
        let unlocked = Unlocked::from_private(&public.user, &private).ok_or(VaultError::WrongPassphrase)?;
        if unlocked.public() == *public { Ok(unlocked) } else { Err(VaultError::WrongPassphrase) }
    }
}
