//! The vault: who can open what.
//!
//! ```text
//! data key  ->  retention-group key  ->  class-and-scope key  ->  users' X25519 keys  ->  passphrase (Argon2id)
//! beside the    groups/GROUP.json        classes/CLASS.SCOPE.json  users/USER.json         or recovery code
//! ciphertext
//! ```
//!
//! Each arrow reads "is wrapped under". A class key is wrapped to the office of its class besides (`offices/CLASS.json`), a
//! key pair whose private half is wrapped to users; and keys that somebody has for a time lie in `grants/GRANT.json`. Keys
//! have generations: when somebody may not open what comes after, the next is made, and those before are sealed under it.
//! The files lie in a [`KeyStore`], outside the ledger's database
//! and its backups; destroying a group's file makes every payload of the group worthless in one act.

mod attempts;
mod blob;
mod class;
mod destruction;
mod factor;
mod files;
mod grant;
mod group;
mod keys;
mod log_key;
mod office;
mod payload;
mod people;
mod wraps;

use std::io::Read;

use zeroize::Zeroizing;

pub use attempts::{ATTEMPTS, AttemptLock, Failure, NOBODY};
pub use blob::SealingWriter;
pub use class::{Freshened, Freshness, Recipients};
pub use destruction::{DESTROYED, Destruction, DestructionList, Extent, SCOPE_DESTROYED};
pub use grant::GrantOpens;
pub use keys::{Argon2Params, Unlocked, UserPublic, verify_signature};
pub use log_key::LogKeyLock;
pub use office::{NextOffice, OfficePublic};
pub use wraps::{Signers, Wraps};

use crate::entropy::{self, Entropy};
use crate::hash::Hash;
use crate::header::{PayloadRef, is_media_type, is_name, is_word};
use crate::log::{Body, MAX_INLINE, Sealed};
use files::UserFile;
use group::GroupKeys;
use keys::Key;
use log_key::LOG_FILE;

/// A place for key files. Names look like `users/usr-0123456789abcdef.json`: lower case, digits and `. _ - /`.
///
/// **Durability.** When `write` or `destroy` returns `Ok`, it survives power loss. **Atomicity.** After a failed or
/// interrupted `write` the old contents or the new are there, never a mixture. **Not found** is `Ok(None)`, and
/// destroying what is not there is `Ok`. **Retry.** Everything may be repeated.
pub trait KeyStore: Send {
    /// A file's contents.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    fn read(&self, name: &str) -> std::io::Result<Option<Vec<u8>>>;

    /// Makes or replaces a file; what it replaces is overwritten.
    ///
    /// # Errors
    /// When it was not made durable.
    fn write(&mut self, name: &str, contents: &[u8]) -> std::io::Result<()>;

    /// Adds to the end of a file, making it if need be. Where several processes share the place, one call's bytes stay
    /// together and take no other's away. What is cut off by a crash may leave a part of `contents` at the end.
    ///
    /// # Errors
    /// When it was not made durable.
    fn append(&mut self, name: &str, contents: &[u8]) -> std::io::Result<()> {
        let mut all = self.read(name)?.unwrap_or_default();
        all.extend_from_slice(contents);
        self.write(name, &all)
    }

    /// Overwrites a file and removes it.
    ///
    /// # Errors
    /// When it was not made durable; the contents may be gone all the same.
    fn destroy(&mut self, name: &str) -> std::io::Result<()>;

    /// The names that begin with `prefix`, ascending.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn list(&self, prefix: &str) -> std::io::Result<Vec<String>>;

    /// Waits until no other process holds the lock of this place, and holds it until what is returned is dropped or the
    /// process ends. Reading and writing go on without it: it is for who reads a file, changes it and writes it back.
    ///
    /// # Errors
    /// When there can be no lock.
    fn lock(&self) -> std::io::Result<Box<dyn Send>>;
}

/// A place for large ciphertexts, by their SHA-256.
///
/// **Durability.** When `finish` or `destroy` returns `Ok`, it survives power loss. **Not found** is `Ok(None)`;
/// destroying what is not there is `Ok`. What a writer has taken leaves no trace when it is dropped unfinished.
pub trait BlobStore: Send {
    /// Begins a blob.
    ///
    /// # Errors
    /// When there is no room.
    fn writer(&self) -> std::io::Result<Box<dyn BlobWriter>>;

    /// Reads a blob.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    fn open(&self, hash: &Hash) -> std::io::Result<Option<Box<dyn Read + Send>>>;

    /// Removes a blob.
    ///
    /// # Errors
    /// When it was not made durable.
    fn destroy(&mut self, hash: &Hash) -> std::io::Result<()>;

    /// The blobs there are, ascending.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn list(&self) -> std::io::Result<Vec<Hash>>;
}

/// A blob being written.
pub trait BlobWriter: std::io::Write + Send {
    /// Makes the blob durable under the SHA-256 of what was written, and returns that.
    ///
    /// # Errors
    /// When it was not made durable; nothing is kept.
    fn finish(self: Box<Self>) -> std::io::Result<Hash>;
}

/// Why the vault could not do what was asked. None holds a secret, a name or a text.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Passphrase or recovery code do not open the keys of this user, or there is no such user: which, is not told.
    #[error("this passphrase does not open the keys of this user")]
    WrongPassphrase,
    /// A recovery code with a typing error.
    #[error("this is no recovery code: it has nine groups of four letters or digits, and one of them is mistyped")]
    MistypedRecoveryCode,
    /// A name with characters that could not be a file's name.
    #[error("`{0}` cannot name a key: use lower-case letters, digits, dot, hyphen and underscore")]
    BadName(String),
    /// A user, class or group that exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// A key that is not there.
    #[error("there is no key file {0}")]
    Missing(String),
    /// The retention group's key has been destroyed, or never was.
    #[error("the key of retention group {0} is gone: what it sealed cannot be opened any more")]
    GroupGone(String),
    /// This user's keys do not open this class of payload.
    #[error("the keys of this user do not open {class} payloads of {scope}")]
    NotEntitled {
        /// The class.
        class: String,
        /// Whose.
        scope: String,
    },
    /// A key that nobody could open.
    #[error("this key would be wrapped to nobody: name at least one user who is to open it")]
    NoRecipient,
    /// The group's key lies under an earlier key of its class than the newest.
    #[error(
        "the key of retention group {0} is older than the key of its class, which was renewed: renew the group's too"
    )]
    Stale(String),
    /// A key file that cannot be read as what it should be.
    #[error("key file {name} is damaged ({what}): restore it from a backup or with the recovery kit")]
    Damaged {
        /// Which.
        name: String,
        /// How.
        what: &'static str,
    },
    /// A payload whose ciphertext, tag, padding or commitment is not what its header says.
    #[error("payload {name} is not what its entry says: {what}")]
    Altered {
        /// The payload's name.
        name: String,
        /// Which check failed.
        what: &'static str,
    },
    /// The key that signs the log has no private half here.
    #[error(
        "the key that signs this ledger now (key id {0}) is not among the key files, which are older than its last \
         change of key: restore newer ones"
    )]
    LogKeyGone(String),
    /// The ciphertext is not in the blob store.
    #[error("the ciphertext of payload {0} is missing")]
    BlobMissing(String),
    /// Argon2 parameters outside what this program accepts.
    #[error("these Argon2 parameters are not accepted: 8 KiB to 2 GiB of memory, 1 to 64 passes, 1 to 16 lanes")]
    Parameters,
    /// The key or blob store failed.
    #[error("the key store failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A payload opened for somebody without keys. Zeroed when dropped; has no `Debug`.
pub struct Disclosed {
    /// What was sealed, without its padding.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The key of the payload's commitment: HMAC-SHA256 of the plaintext under it is what the header holds.
    pub commitment_key: Zeroizing<[u8; 32]>,
}

/// Keys and sealed payloads over a key store and a blob store.
pub struct Vault {
    keys: Box<dyn KeyStore>,
    blobs: Box<dyn BlobStore>,
}

fn user_file(user: &str) -> String {
    format!("users/{user}.json")
}

fn class_file(class: &str, scope: &str) -> String {
    format!("classes/{class}.{scope}.json")
}

fn group_file(group: &str) -> String {
    format!("groups/{group}.json")
}

fn office_file(class: &str) -> String {
    format!("offices/{class}.json")
}

fn grant_file(grant: &str) -> String {
    format!("grants/{grant}.json")
}

fn named(name: &str) -> Result<&str, VaultError> {
    if is_name(name) && !name.starts_with('.') {
        Ok(name)
    } else {
        Err(VaultError::BadName(name.chars().take(64).collect()))
    }
}

impl Vault {
    /// A vault over its two stores.
    #[must_use]
    pub fn new(keys: Box<dyn KeyStore>, blobs: Box<dyn BlobStore>) -> Self {
        Self { keys, blobs }
    }

    // -- users ------------------------------------------------------------------------------------------------

    /// Makes a user: an X25519 key pair to wrap keys to (HPKE, RFC 9180) and an Ed25519 key pair to sign with. The
    /// private halves are sealed under the passphrase.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::BadName`], [`VaultError::Parameters`], [`VaultError::Io`].
    pub fn create_user(
        &mut self,
        user: &str,
        passphrase: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<Unlocked, VaultError> {
        let name = user_file(named(user)?);
        if self.keys.read(&name)?.is_some() {
            return Err(VaultError::Exists(format!("user {user}")));
        }
        let unlocked = Unlocked::generate(user, entropy);
        let file = UserFile::new(&unlocked, passphrase, params, entropy)?;
        self.keys.write(&name, &file.encode())?;
        Ok(unlocked)
    }

    /// Opens a user's keys.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] also for a user that is not there, after the same work;
    /// [`VaultError::Damaged`].
    pub fn unlock(&self, user: &str, passphrase: &[u8]) -> Result<Unlocked, VaultError> {
        match self.user(user)? {
            Some(file) => file.unlock(passphrase),
            None => Err(self.as_slow_as_unlocking(passphrase)),
        }
    }

    /// Opens a user's keys with the recovery code.
    ///
    /// # Errors
    /// [`VaultError::MistypedRecoveryCode`], otherwise as [`Vault::unlock`].
    pub fn unlock_with_recovery(&self, user: &str, code: &str) -> Result<Unlocked, VaultError> {
        let secret = keys::recovery_secret(code)?;
        match self.user(user)? {
            Some(file) => file.unlock_with_recovery(secret.as_slice()),
            None => Err(self.as_slow_as_unlocking(secret.as_slice())),
        }
    }

    fn as_slow_as_unlocking(&self, passphrase: &[u8]) -> VaultError {
        let known = self.keys.list("users/").unwrap_or_default();
        let params = known.iter().find_map(|name| UserFile::parse(name, &self.keys.read(name).ok()??).ok());
        let params = params.map_or_else(Argon2Params::default, |file| file.params());
        match params.derive(passphrase, &[0; 16]) {
            Ok(_) | Err(_) => VaultError::WrongPassphrase,
        }
    }

    /// Makes a recovery code for the user, replacing an earlier one, and returns it: nine groups of four letters and
    /// digits, 160 random bits and a checksum. It opens the same keys.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn create_recovery(
        &mut self,
        by: &Unlocked,
        entropy: &mut dyn Entropy,
    ) -> Result<Zeroizing<String>, VaultError> {
        let mut file = self.user(by.user())?.ok_or_else(|| VaultError::Missing(user_file(by.user())))?;
        let secret = entropy::bytes::<20>(entropy);
        file.set_recovery(by, secret.as_slice(), entropy)?;
        self.keys.write(&user_file(by.user()), &file.encode())?;
        Ok(keys::recovery_code(&secret))
    }

    /// Seals a user's keys under a new passphrase. The recovery code stays as it is.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Parameters`], [`VaultError::Io`].
    pub fn change_passphrase(
        &mut self,
        by: &Unlocked,
        passphrase: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let mut file = self.user(by.user())?.ok_or_else(|| VaultError::Missing(user_file(by.user())))?;
        file.set_passphrase(by, passphrase, params, entropy)?;
        Ok(self.keys.write(&user_file(by.user()), &file.encode())?)
    }

    /// Every user's public keys, by name.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn users(&self) -> Result<Vec<UserPublic>, VaultError> {
        let names = self.keys.list("users/")?;
        names.iter().map(|name| Ok(UserFile::parse(name, &self.present(name)?)?.public())).collect()
    }

    fn user(&self, user: &str) -> Result<Option<UserFile>, VaultError> {
        let name = user_file(named(user)?);
        let Some(contents) = self.keys.read(&name)? else { return Ok(None) };
        let file = UserFile::parse(&name, &contents)?;
        if file.public().user == user { Ok(Some(file)) } else { Err(damaged(&name, "it is another user's")) }
    }

    fn present(&self, name: &str) -> Result<Vec<u8>, VaultError> {
        self.keys.read(name)?.ok_or_else(|| VaultError::Missing(name.to_owned()))
    }

    // -- payloads ---------------------------------------------------------------------------------------------

    /// Seals a payload under a group's key. Class and scope are the group's. A payload whose ciphertext would be over
    /// 1 MiB becomes a blob, durable before this returns.
    ///
    /// # Errors
    /// [`VaultError::GroupGone`], [`VaultError::NotEntitled`], [`VaultError::BadName`], [`VaultError::Io`].
    pub fn seal(
        &self,
        by: &Unlocked,
        group: &str,
        name: &str,
        media_type: &str,
        plaintext: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        if payload::padded(plaintext.len()) + payload::TAG > MAX_INLINE {
            let mut writer = self.seal_stream(by, group, name, media_type, entropy)?;
            std::io::Write::write_all(&mut writer, plaintext)?;
            return writer.finish();
        }
        let (place, group_key) = self.place(by, group, name, media_type)?;
        let data_key = Key::generate(entropy);
        let wrapped_key = place.wrap(&group_key, &data_key, entropy);
        Ok(payload::seal(&place, &data_key, wrapped_key, plaintext))
    }

    /// Begins a payload of unknown length, sealed as it is written, in constant memory.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub fn seal_stream(
        &self,
        by: &Unlocked,
        group: &str,
        name: &str,
        media_type: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<SealingWriter, VaultError> {
        let (place, group_key) = self.place(by, group, name, media_type)?;
        let data_key = Key::generate(entropy);
        let wrapped_key = place.wrap(&group_key, &data_key, entropy);
        Ok(SealingWriter::new(place, &data_key, wrapped_key, self.blobs.writer()?))
    }

    /// Opens a payload: checks the ciphertext's hash, its tag, the padding and the commitment.
    ///
    /// # Errors
    /// [`VaultError::Altered`], [`VaultError::GroupGone`], [`VaultError::NotEntitled`], [`VaultError::BlobMissing`].
    pub fn open(
        &self,
        by: &Unlocked,
        reference: &PayloadRef,
        wrapped_key: &[u8],
        body: &Body,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match body {
            Body::Inline(ciphertext) => {
                let (place, data_key) = self.data_key(by, reference, wrapped_key)?;
                payload::open(&place, &data_key, reference, ciphertext)
            }
            Body::Blob => {
                let mut plaintext = Zeroizing::new(Vec::with_capacity(
                    usize::try_from(reference.padded_length).unwrap_or(0).min(1 << 24),
                ));
                let mut reader = self.open_stream(by, reference, wrapped_key)?;
                reader.read_to_end(&mut plaintext).map_err(|error| blob::unwrap_error(error, &reference.name))?;
                Ok(plaintext)
            }
        }
    }

    /// For opening many payloads in a row; see [`Opening`].
    #[must_use]
    pub fn opening<'a>(&'a self, by: &'a Unlocked) -> Opening<'a> {
        Opening { vault: self, by, groups: std::cell::RefCell::default() }
    }

    /// Opens a payload to be shown to somebody without keys: its text, and the key that opens its commitment. The key
    /// opens nothing else: neither the ciphertext nor another payload's commitment, for it is derived from the data key
    /// of this payload alone (HKDF, RFC 5869).
    ///
    /// `commitment = HMAC-SHA256(commitment_key, plaintext)`, checked here before either is handed out.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn disclose(
        &self,
        by: &Unlocked,
        reference: &PayloadRef,
        wrapped_key: &[u8],
        body: &Body,
    ) -> Result<Disclosed, VaultError> {
        let plaintext = self.open(by, reference, wrapped_key, body)?;
        let (_, data_key) = self.data_key(by, reference, wrapped_key)?;
        Ok(Disclosed { plaintext, commitment_key: payload::commitment_key(&data_key).bytes().clone() })
    }

    /// Opens a blob payload chunk by chunk, in constant memory. Every chunk is authenticated before it is handed out;
    /// a ciphertext cut short, or one that breaks the commitment, ends in an error of kind `InvalidData`.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open_stream(
        &self,
        by: &Unlocked,
        reference: &PayloadRef,
        wrapped_key: &[u8],
    ) -> Result<Box<dyn Read + Send>, VaultError> {
        let (place, data_key) = self.data_key(by, reference, wrapped_key)?;
        let source =
            self.blobs.open(&reference.ciphertext)?.ok_or_else(|| VaultError::BlobMissing(reference.name.clone()))?;
        Ok(Box::new(blob::OpeningReader::new(&place, &data_key, reference, source)))
    }

    /// Reads every key file, and opens what `by` can open. Returns the files that are damaged, and how.
    ///
    /// # Errors
    /// [`VaultError::Io`] when the files cannot be listed.
    pub fn audit(&self, by: Option<&Unlocked>) -> Result<Vec<(String, String)>, VaultError> {
        let mut wrong = Vec::new();
        for name in self.keys.list("")? {
            if let Err(error) = self.audit_file(&name, by) {
                wrong.push((name, error.to_string()));
            }
        }
        Ok(wrong)
    }

    fn audit_file(&self, name: &str, by: Option<&Unlocked>) -> Result<(), VaultError> {
        let strip = |folder| name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".json"));
        if let Some(user) = strip("users/") {
            let file = self.user(user)?.ok_or_else(|| VaultError::Missing(name.to_owned()))?;
            if by.is_some_and(|by| by.user() == user && by.public() != file.public()) {
                return Err(damaged(name, "its public keys are not this user's"));
            }
        } else if let Some(place) = strip("classes/") {
            let (class, scope) = place.split_once('.').ok_or_else(|| damaged(name, "its name"))?;
            self.audit_class(class, scope, by)?;
        } else if let Some(class) = strip("offices/") {
            self.audit_office(class, by)?;
        } else if strip("grants/").is_some() {
            self.audit_grant(name, by)?;
        } else if let Some(group) = strip("groups/") {
            let file = self.group_of(group)?;
            if self.class_of(&file.class, &file.scope).is_ok_and(|class| class.number < file.class_number) {
                return Err(damaged(name, "the key file of its class is older than it"));
            }
            if let Some(by) = by.filter(|by| self.holds_class_key(by, &file.class, &file.scope)) {
                self.held_group_keys(by, group)?;
            }
        } else if let Some(user) = strip("factors/") {
            self.audit_factor(user)?;
        } else if name == DESTROYED {
            self.audit_destructions()?;
        } else if name == LOG_FILE {
            self.epochs()?;
            match by.map(|by| self.log_signer(by)) {
                None | Some(Ok(_) | Err(VaultError::NotEntitled { .. })) => {}
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// The vault's blobs, for the verifier.
    #[must_use]
    pub fn blobs(&self) -> &dyn BlobStore {
        self.blobs.as_ref()
    }

    fn place(
        &self,
        by: &Unlocked,
        group: &str,
        name: &str,
        media_type: &str,
    ) -> Result<(payload::Place, Key), VaultError> {
        named(name)?;
        if !is_media_type(media_type) {
            return Err(VaultError::BadName(media_type.chars().take(64).collect()));
        }
        let (file, key) = self.sealing_key(by, group)?;
        let place = payload::Place {
            class: file.class,
            scope: file.scope,
            group: file.group,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
        };
        Ok((place, key))
    }

    fn data_key(
        &self,
        by: &Unlocked,
        reference: &PayloadRef,
        wrapped: &[u8],
    ) -> Result<(payload::Place, Key), VaultError> {
        check_reference(reference, wrapped)?;
        unwrapped(reference, wrapped, &self.group_keys(by, self.group_of(&reference.group)?)?)
    }
}

/// Before a key is looked for.
fn check_reference(reference: &PayloadRef, wrapped: &[u8]) -> Result<(), VaultError> {
    let altered = |what| VaultError::Altered { name: reference.name.clone(), what };
    if !is_word(&reference.group) {
        return Err(altered("its group"));
    }
    if Hash::of(wrapped) != reference.wrapped_key {
        return Err(altered("its wrapped key has another SHA-256"));
    }
    Ok(())
}

/// The payload's own key, out of whichever of its group's it is under.
fn unwrapped(reference: &PayloadRef, wrapped: &[u8], group: &GroupKeys) -> Result<(payload::Place, Key), VaultError> {
    let altered = |what| VaultError::Altered { name: reference.name.clone(), what };
    if group.file.class != reference.class || group.file.scope != reference.scope {
        return Err(altered("its class or scope is not its group's"));
    }
    let place = payload::Place::of(reference);
    let key = group.all().find_map(|key| place.unwrap(key, wrapped));
    Ok((place, key.ok_or_else(|| altered("its key does not open"))?))
}

/// Opens many payloads, and keeps the group keys it needed until it is dropped: unwrapping one takes an X25519 opening and
/// two key files, far longer than opening a small payload. Checks are those of [`Vault::open`].
pub struct Opening<'a> {
    vault: &'a Vault,
    by: &'a Unlocked,
    groups: std::cell::RefCell<std::collections::BTreeMap<String, GroupKeys>>,
}

impl Opening<'_> {
    /// As [`Vault::open`], for a payload in the ledger's database. A blob is opened as always.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub fn open(
        &self,
        reference: &PayloadRef,
        wrapped_key: &[u8],
        body: &Body,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let Body::Inline(ciphertext) = body else { return self.vault.open(self.by, reference, wrapped_key, body) };
        check_reference(reference, wrapped_key)?;
        let mut groups = self.groups.borrow_mut();
        if !groups.contains_key(&reference.group) {
            let keys = self.vault.group_keys(self.by, self.vault.group_of(&reference.group)?)?;
            groups.insert(reference.group.clone(), keys);
        }
        let keys = groups.get(&reference.group).ok_or_else(|| VaultError::GroupGone(reference.group.clone()))?;
        let (place, data_key) = unwrapped(reference, wrapped_key, keys)?;
        payload::open(&place, &data_key, reference, ciphertext)
    }
}

fn damaged(name: &str, what: &'static str) -> VaultError {
    VaultError::Damaged { name: name.to_owned(), what }
}

#[cfg(test)]
mod tests;
