//! What the log needs of a database, and of the place where its anchor lies.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use crate::hash::Hash;
use crate::tree::Tile;

/// What identifies a log in its store; written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The origin.
    pub origin: String,
    /// The first epoch's verifier key, as text.
    pub vkey: String,
}

/// A stored checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Length of the log it speaks of.
    pub size: u64,
    /// The signed note, as signed.
    pub note: String,
}

/// A stored entry: the header's bytes, and the columns copied from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRow<'a> {
    /// Position.
    pub seq: u64,
    /// Leaf hash of the entry before.
    pub prev: Hash,
    /// Milliseconds since 1970.
    pub time: i64,
    /// The header, as encoded once.
    pub bytes: &'a [u8],
}

/// An entry to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Position.
    pub seq: u64,
    /// Leaf hash of the entry before.
    pub prev: Hash,
    /// Milliseconds since 1970.
    pub time: i64,
    /// The header's bytes.
    pub bytes: Vec<u8>,
    /// What it can be found by; see [`index_key`].
    pub keys: Vec<i64>,
}

/// A sealed payload as it lies in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// SHA-256 of the ciphertext.
    pub ciphertext: Hash,
    /// Retention group.
    pub group: String,
    /// The data key, wrapped under the group's key.
    pub wrapped_key: Vec<u8>,
    /// The ciphertext; `None` when it lies in the blob store.
    pub body: Option<Vec<u8>>,
}

/// Everything one durable commit writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The note of the checkpoint this commit builds on. A store whose latest is another refuses with
    /// [`StoreError::Moved`].
    pub onto: String,
    /// The entries, in order.
    pub entries: Vec<NewRow>,
    /// Their payloads. One that is stored already, under the same ciphertext hash, is left as it is.
    pub payloads: Vec<StoredPayload>,
    /// Tiles that became full.
    pub tiles: Vec<Tile>,
    /// The checkpoint after the last entry.
    pub checkpoint: StoredCheckpoint,
}

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process is writing and did not finish in time. Nothing was written; it may be tried again.
    #[error("another provenote is writing to this ledger; try again when it has finished")]
    Busy,
    /// The disk is full. Nothing was written; it may be tried again when there is space.
    #[error("the disk is full; nothing was written; free some space and try again")]
    Full,
    /// The log grew since the caller read its head. Nothing was written.
    #[error("the ledger was extended by another process meanwhile")]
    Moved,
    /// There is no ledger here.
    #[error("there is no ledger here; `provenote init` makes one")]
    Missing,
    /// A ledger is here already.
    #[error("there is a ledger here already")]
    Exists,
    /// The file is something else, or too damaged to be read as a database.
    #[error("{0} is not a ledger of provenote, or it is damaged: restore it from a backup")]
    Foreign(String),
    /// Written by a newer program.
    #[error("the ledger has format {found}, this program knows format {known}: install a newer provenote")]
    TooNew {
        /// The file's format.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The contents contradict each other.
    #[error("the ledger is damaged: {0}; `provenote ledger verify` says where")]
    Corrupt(String),
    /// The database failed for another reason. A write that failed so may or may not have become durable:
    /// read the head before writing again.
    #[error("the ledger's database failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Storage for one log.
///
/// **Durability.** When [`Store::commit`] or [`Store::create`] returns `Ok`, all of it survives power loss; a reader
/// sees all of a commit or nothing. When it returns [`StoreError::Busy`], `Full`, `Moved` or `Exists`, none of it
/// was kept. With any other error it is unknown whether it was: the caller reads [`Store::latest`] again.
///
/// **Consistency.** Of two commits onto the same checkpoint one wins, the other gets `Moved`, also between
/// processes. Reads see the latest commit of their own process, and of others at the latest on the next call.
///
/// **Not found** is `Ok(None)` or an empty result; never an error. A store that has not been created answers
/// `Missing`.
///
/// **Retry.** Reads may be repeated freely. `Busy` and `Full` may be tried again as they are.
///
/// A store checks nothing it is given but the order of commits; the log and the verifier do.
pub trait Store: Send {
    /// Begins a log: its identity and its checkpoint of size 0.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is one.
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError>;

    /// Whose log this is.
    ///
    /// # Errors
    /// [`StoreError`].
    fn identity(&self) -> Result<Identity, StoreError>;

    /// The latest checkpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    fn latest(&self) -> Result<StoredCheckpoint, StoreError>;

    /// Writes one commit. See the trait for what errors promise.
    ///
    /// # Errors
    /// [`StoreError`].
    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError>;

    /// An entry's bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError>;

    /// Shows the stored entries from `from` on, ascending by position, gaps and all, until told to stop.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entries(&self, from: u64, visit: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// The `prev` column of a range of entries: the leaf hashes of the entries one before each.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is missing.
    fn previous(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError>;

    /// Positions above `after`, ascending, of entries stored under all of `keys`, not before `since_ms`.
    /// Keys may collide: the caller compares the headers.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find(&self, keys: &[i64], since_ms: Option<i64>, after: Option<u64>) -> Result<Vec<u64>, StoreError>;

    /// Shows every row of the index, in any order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn index(&self, visit: &mut dyn FnMut(i64, u64)) -> Result<(), StoreError>;

    /// A payload that has not been destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError>;

    /// How many payloads lie here undestroyed, by group.
    ///
    /// # Errors
    /// [`StoreError`].
    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError>;

    /// The hashes of a full tile.
    ///
    /// # Errors
    /// [`StoreError`].
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError>;

    /// The roots of full tiles of one level.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is missing.
    fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError>;

    /// Stored checkpoints of at least `from`, ascending by size, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError>;

    /// Destroys the ciphertexts and wrapped keys of a retention group, so that none of their bytes stay in the
    /// database, its journal or its free pages. Returns how many bytes of ciphertext. May be repeated.
    ///
    /// # Errors
    /// [`StoreError`]; `Busy` when a reader in another process keeps the journal from being emptied.
    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError>;
}

/// The place beside the keys where the latest checkpoint is kept, outside the database.
///
/// It may lag behind the log, it never leads: it is written after the commit, without waiting for the disk.
pub trait Anchor: Send {
    /// The note last written; `None` when there is none.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn read(&self) -> std::io::Result<Option<String>>;

    /// Replaces the note. Need not be durable when it returns.
    ///
    /// # Errors
    /// When it cannot be written; the log goes on.
    fn write(&mut self, note: &str) -> std::io::Result<()>;
}

/// An [`Anchor`] that keeps nothing: for reading a copy of a ledger where it has no keys.
pub struct NoAnchor;

impl Anchor for NoAnchor {
    fn read(&self) -> std::io::Result<Option<String>> {
        Ok(None)
    }

    fn write(&mut self, _note: &str) -> std::io::Result<()> {
        Ok(())
    }
}

/// The index's key for a name and a value: FNV-1a, 64 bits, over `name=value`. A collision costs a look at one
/// header more; it changes no answer.
#[must_use]
pub fn index_key(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.as_ref().iter().copied().for_each(&mut add);
    add(b'=');
    value.as_ref().iter().copied().for_each(&mut add);
    hash.cast_signed()
}

/// All keys an entry is stored under: its kind (under the empty name, which no reference has), then its references.
pub(crate) fn index_keys<'a>(kind: &'a str, refs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<i64> {
    let mut keys: Vec<i64> = refs.map(|(name, value)| index_key(name, value)).collect();
    keys.push(index_key("", kind));
    keys.sort_unstable();
    keys.dedup();
    keys
}
