//! The vault: who can open what.
//!
//! ```text
//! data key  ->  retention-group key  ->  class-and-scope key  ->  users' X25519 keys  ->  passphrase (Argon2id)
//! beside the    groups/GROUP.json        classes/CLASS.SCOPE.json  users/USER.json         or recovery code
//! ciphertext
//! ```
//!
//! Each arrow reads "is wrapped under". The three kinds of files lie in a [`KeyStore`], outside the ledger's database
//! and its backups; destroying a group's file makes every payload of the group worthless in one act.

mod blob;
mod destruction;
mod files;
mod keys;
mod log_key;
mod payload;

use std::io::Read;

use zeroize::Zeroizing;

pub use blob::SealingWriter;
pub use destruction::{DESTROYED, Destruction, DestructionList, Extent, SCOPE_DESTROYED};
pub use keys::{Argon2Params, Unlocked, UserPublic, verify_signature};
pub use log_key::LogKeyLock;

use crate::entropy::{self, Entropy};
use crate::hash::Hash;
use crate::header::{PayloadRef, is_media_type, is_name, is_word};
use crate::log::{Body, MAX_INLINE, Sealed};
use files::{ClassFile, GroupFile, UserFile, WrapRecord};
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

    // -- classes and groups -----------------------------------------------------------------------------------

    /// Makes the key of a class and scope, wrapped to each of `to`.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::BadName`], [`VaultError::Io`].
    pub fn create_class_key(
        &mut self,
        class: &str,
        scope: &str,
        to: &[UserPublic],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let name = class_file(named(class)?, named(scope)?);
        if self.keys.read(&name)?.is_some() {
            return Err(VaultError::Exists(format!("the {class} key of {scope}")));
        }
        let key = Key::generate(entropy);
        let mut wraps = Vec::with_capacity(to.len());
        for user in to {
            wraps.push(keys::wrap_to(user, "class", &[class, scope], &key, entropy)?);
        }
        let file = ClassFile { v: 1, class: class.to_owned(), scope: scope.to_owned(), wraps };
        Ok(self.keys.write(&name, &files::encode(&file))?)
    }

    /// Entitles another user to a class and scope.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` is not; [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn grant_class_key(
        &mut self,
        by: &Unlocked,
        class: &str,
        scope: &str,
        to: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let key = self.class_key(by, class, scope)?;
        let mut file = self.class_of(class, scope)?;
        file.wraps.retain(|wrap| wrap.user != to.user);
        file.wraps.push(keys::wrap_to(to, "class", &[class, scope], &key, entropy)?);
        Ok(self.keys.write(&class_file(class, scope), &files::encode(&file))?)
    }

    /// Whether there is a key for a class and scope.
    #[must_use]
    pub fn has_class_key(&self, class: &str, scope: &str) -> bool {
        is_name(class) && is_name(scope) && matches!(self.keys.read(&class_file(class, scope)), Ok(Some(_)))
    }

    /// Whether this user's keys open a class and scope.
    #[must_use]
    pub fn is_entitled(&self, by: &Unlocked, class: &str, scope: &str) -> bool {
        self.class_key(by, class, scope).is_ok()
    }

    /// Makes the key of a retention group, wrapped under the key of its class and scope.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::NotEntitled`], [`VaultError::Missing`], [`VaultError::Io`].
    pub fn create_group(
        &mut self,
        by: &Unlocked,
        group: &str,
        class: &str,
        scope: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let name = group_file(named(group)?);
        if self.keys.read(&name)?.is_some() {
            return Err(VaultError::Exists(format!("retention group {group}")));
        }
        let class_key = self.class_key(by, class, scope)?;
        let key = Key::generate(entropy);
        let sealed = class_key.wrap(&key, &["group", group, class, scope], entropy);
        let file =
            GroupFile { v: 1, group: group.to_owned(), class: class.to_owned(), scope: scope.to_owned(), sealed };
        Ok(self.keys.write(&name, &files::encode(&file))?)
    }

    /// Whether the key of a group is there.
    #[must_use]
    pub fn group_exists(&self, group: &str) -> bool {
        is_name(group) && matches!(self.keys.read(&group_file(group)), Ok(Some(_)))
    }

    /// The groups whose keys are there.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn groups(&self) -> Result<Vec<String>, VaultError> {
        let names = self.keys.list("groups/")?;
        let group = |name: &String| Some(name.strip_prefix("groups/")?.strip_suffix(".json")?.to_owned());
        Ok(names.iter().filter_map(group).collect())
    }

    /// Destroys a group's key, and the given blobs. After it, nothing the group sealed can be opened or guessed at.
    /// Comes after the entry that records it; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn destroy_group(&mut self, group: &str, blobs: &[Hash]) -> Result<(), VaultError> {
        self.keys.destroy(&group_file(named(group)?))?;
        for blob in blobs {
            self.blobs.destroy(blob)?;
        }
        Ok(())
    }

    fn class_of(&self, class: &str, scope: &str) -> Result<ClassFile, VaultError> {
        let name = class_file(named(class)?, named(scope)?);
        let file: ClassFile = files::parse(&name, &self.present(&name)?)?;
        if file.class == class && file.scope == scope { Ok(file) } else { Err(damaged(&name, "it is another class's")) }
    }

    fn class_key(&self, by: &Unlocked, class: &str, scope: &str) -> Result<Key, VaultError> {
        let file = self.class_of(class, scope)?;
        open_wrap(&file.wraps, by, "class", &[class, scope])
            .ok_or_else(|| VaultError::NotEntitled { class: class.to_owned(), scope: scope.to_owned() })
    }

    fn group_of(&self, group: &str) -> Result<GroupFile, VaultError> {
        let name = group_file(named(group)?);
        let contents = self.keys.read(&name)?.ok_or_else(|| VaultError::GroupGone(group.to_owned()))?;
        let file: GroupFile = files::parse(&name, &contents)?;
        if file.group == group { Ok(file) } else { Err(damaged(&name, "it is another group's")) }
    }

    fn group_key(&self, by: &Unlocked, file: &GroupFile) -> Result<Key, VaultError> {
        let class_key = self.class_key(by, &file.class, &file.scope)?;
        class_key
            .unwrap(&file.sealed, &["group", &file.group, &file.class, &file.scope])
            .ok_or_else(|| damaged(&group_file(&file.group), "its key does not open"))
    }

    /// Checks that a group's key opens for this user.
    ///
    /// # Errors
    /// [`VaultError::GroupGone`], [`VaultError::NotEntitled`], [`VaultError::Damaged`].
    pub fn check_group(&self, by: &Unlocked, group: &str) -> Result<(), VaultError> {
        self.group_key(by, &self.group_of(group)?).map(drop)
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
            let file = self.class_of(class, scope)?;
            let mine = |by: &Unlocked| file.wraps.iter().any(|wrap| wrap.user == by.user());
            if by.is_some_and(|by| mine(by) && !self.is_entitled(by, class, scope)) {
                return Err(damaged(name, "its key does not open"));
            }
        } else if let Some(group) = strip("groups/") {
            let file = self.group_of(group)?;
            if let Some(by) = by.filter(|by| self.is_entitled(by, &file.class, &file.scope)) {
                self.group_key(by, &file)?;
            }
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
        let file = self.group_of(group)?;
        let key = self.group_key(by, &file)?;
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
        let file = self.group_of(&reference.group)?;
        let group_key = self.group_key(by, &file)?;
        unwrapped(reference, wrapped, &file, &group_key)
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

/// The payload's own key, out of its group's.
fn unwrapped(
    reference: &PayloadRef,
    wrapped: &[u8],
    file: &GroupFile,
    group_key: &Key,
) -> Result<(payload::Place, Key), VaultError> {
    let altered = |what| VaultError::Altered { name: reference.name.clone(), what };
    if file.class != reference.class || file.scope != reference.scope {
        return Err(altered("its class or scope is not its group's"));
    }
    let place = payload::Place::of(reference);
    let key = place.unwrap(group_key, wrapped).ok_or_else(|| altered("its key does not open"))?;
    Ok((place, key))
}

/// Opens many payloads, and keeps the group keys it needed until it is dropped: unwrapping one takes an X25519 opening and
/// two key files, far longer than opening a small payload. Checks are those of [`Vault::open`].
pub struct Opening<'a> {
    vault: &'a Vault,
    by: &'a Unlocked,
    groups: std::cell::RefCell<std::collections::BTreeMap<String, (GroupFile, Key)>>,
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
            let file = self.vault.group_of(&reference.group)?;
            let key = self.vault.group_key(self.by, &file)?;
            groups.insert(reference.group.clone(), (file, key));
        }
        let (file, key) = groups.get(&reference.group).ok_or_else(|| VaultError::GroupGone(reference.group.clone()))?;
        let (place, data_key) = unwrapped(reference, wrapped_key, file, key)?;
        payload::open(&place, &data_key, reference, ciphertext)
    }
}

fn damaged(name: &str, what: &'static str) -> VaultError {
    VaultError::Damaged { name: name.to_owned(), what }
}

fn open_wrap(wraps: &[WrapRecord], by: &Unlocked, purpose: &str, place: &[&str]) -> Option<Key> {
    wraps.iter().filter(|wrap| wrap.user == by.user()).find_map(|wrap| keys::unwrap_with(by, purpose, place, wrap))
}

#[cfg(test)]
mod tests;
