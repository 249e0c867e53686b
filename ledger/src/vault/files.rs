//! Key files: strict JSON, one form each, with a version and a checksum.
//!
//! The checksum tells a damaged file from a wrong passphrase; it is no protection against a forger, the tags of the
//! sealed keys are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::keys::{Argon2Params, Key, Unlocked, UserPublic, verify_signature};
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrapRecord {
    pub(crate) user: String,
    /// Which of the user's public keys it is for. Wraps made by early programs do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<KeyId>,
    pub(crate) enc: Bytes,
    pub(crate) sealed: Bytes,
}

/// The first 8 bytes of the SHA-256 of a public X25519 key, in base64. It tells keys of one user apart; nothing is decided
/// by it but whether a wrap is worth making anew.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeyId(Bytes);

impl KeyId {
    pub(crate) fn of(seal_key: &[u8; 32]) -> Self {
        Self(Bytes(Hash::of(seal_key).0[..8].to_vec()))
    }
}

impl WrapRecord {
    pub(crate) fn is_surely_for(&self, user: &UserPublic) -> bool {
        self.to.is_some() && self.is_for(user)
    }

    /// Whether it may be for this key of this user.
    pub(crate) fn is_for(&self, user: &UserPublic) -> bool {
        self.user == user.user && self.to.as_ref().is_none_or(|to| *to == KeyId::of(&user.seal_key))
    }
}

/// When a key was made, and by whom.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Made {
    /// How many entries the ledger had.
    pub(crate) since: u64,
    pub(crate) by: String,
    /// What the key is known by: derived from it, and no help in finding it.
    pub(crate) check: Hash,
    /// Ed25519, by `by`.
    pub(crate) signature: Bytes,
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_first(number: &u32) -> bool {
    *number == 1
}

/// `classes/CLASS.SCOPE.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClassFile {
    pub(crate) v: u32,
    pub(crate) class: String,
    pub(crate) scope: String,
    /// Which generation of the key is wrapped here.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(crate) number: u32,
    /// None only for first generations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<Made>,
    pub(crate) wraps: Vec<WrapRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) office: Option<OfficeWrap>,
    /// The generations before, from the first on, each sealed under the next.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<Bytes>,
}

/// A class key wrapped to the office of its class.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficeWrap {
    /// Which generation of the office's key pair.
    pub(crate) number: u32,
    pub(crate) to: KeyId,
    pub(crate) enc: Bytes,
    pub(crate) sealed: Bytes,
}

/// `groups/GROUP.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupFile {
    pub(crate) v: u32,
    pub(crate) group: String,
    pub(crate) class: String,
    pub(crate) scope: String,
    /// The generation of the class key that `sealed` is under.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub(crate) class_number: u32,
    /// Nonce and AES-256-GCM ciphertext of the group's key under the key of the class.
    pub(crate) sealed: Bytes,
    /// The group's keys before, from the first on, as they were sealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<EarlierGroupKey>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EarlierGroupKey {
    pub(crate) class_number: u32,
    pub(crate) sealed: Bytes,
}

/// `offices/CLASS.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficeFile {
    pub(crate) v: u32,
    pub(crate) class: String,
    /// What the ledger is known to have named, from number 1 on. Only the last has wraps.
    pub(crate) generations: Vec<OfficeGeneration>,
    /// Made, and not yet known to be named by the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<OfficeGeneration>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfficeGeneration {
    pub(crate) number: u32,
    pub(crate) seal_key: Bytes,
    pub(crate) made: Made,
    /// The private half, wrapped to the members.
    pub(crate) wraps: Vec<WrapRecord>,
    /// The private half of the generation before, sealed under a key of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) former: Option<Bytes>,
}

/// `grants/GRANT.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantFile {
    pub(crate) v: u32,
    pub(crate) grant: String,
    pub(crate) user: String,
    /// Its end, in milliseconds since 1970.
    pub(crate) until: i64,
    /// The grant's own key, wrapped to the user by HPKE.
    pub(crate) enc: Bytes,
    pub(crate) sealed: Bytes,
    pub(crate) keys: Vec<GrantedKey>,
}

/// What a granted key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Granted {
    Class,
    Group,
    Office,
}

/// A key sealed under a grant's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantedKey {
    pub(crate) what: Granted,
    pub(crate) class: String,
    /// None for an office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<String>,
    /// None for all but a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// Which generation.
    pub(crate) number: u32,
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
    /// Where the user took a key pair of their own: the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<FormerKeys>,
}

/// Public keys before, whose owner signed that these are theirs now.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormerKeys {
    seal_key: Bytes,
    sign_key: Bytes,
    signature: Bytes,
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
key_files!(ClassFile, GrantFile, GroupFile, LogFile, OfficeFile, UserFile);

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
            former: None,
        })
    }

    /// Notes whose keys these took the place of: `before` signs for it.
    pub(crate) fn succeed(&mut self, before: &Unlocked) {
        let (public, own) = (before.public(), self.public());
        self.former = Some(FormerKeys {
            seal_key: Bytes(public.seal_key.to_vec()),
            sign_key: Bytes(public.sign_key.to_vec()),
            signature: Bytes(before.sign(&succession(&public, &own)).to_vec()),
        });
    }

    /// The keys before, where their owner has signed for these.
    pub(crate) fn former(&self) -> Option<UserPublic> {
        let former = self.former.as_ref()?;
        let seal_key = former.seal_key.0.as_slice().try_into().ok()?;
        let sign_key = former.sign_key.0.as_slice().try_into().ok()?;
        let signature = former.signature.0.as_slice().try_into().ok()?;
        let before = UserPublic { user: self.user.clone(), seal_key, sign_key };
        verify_signature(&before.sign_key, &succession(&before, &self.public()), &signature).then_some(before)
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

/// What the keys before sign.
fn succession(before: &UserPublic, after: &UserPublic) -> Vec<u8> {
    let [old, new] = [before, after].map(|of| BASE64.encode([of.seal_key, of.sign_key].concat()));
    format!("provenote/succession/v1\n{}\n{old}\n{new}\n", after.user).into_bytes()
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
