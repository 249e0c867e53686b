//! What the log needs of a database, and of the place where its anchor lies.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use crate::hash::Hash;
use crate::packing::{BUNDLE, Entries, Members, Packed};
use crate::tree::{TILE_HEIGHT, Tile, leaf_hash, tile_root};

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

/// A stored run of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// Position of its first entry.
    pub first: u64,
    /// For a bundle, the latest time among its entries as stored beside them; `None` in the tail.
    pub newest: Option<i64>,
    /// The entries; see [`Entries`].
    pub bytes: &'a [u8],
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
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// The note of the checkpoint this commit builds on. A store whose latest is another refuses with
    /// [`StoreError::Moved`].
    pub onto: &'a str,
    /// Bundles this commit makes full, in order; what they hold leaves the tail.
    pub packed: &'a [Packed],
    /// Position of the first entry of `tail`.
    pub first: u64,
    /// The entries that go into the tail, as a run; none when `packed` holds them all.
    pub tail: &'a [u8],
    /// Their payloads. One that is stored already, under the same ciphertext hash, is left as it is.
    pub payloads: Vec<&'a StoredPayload>,
    /// The checkpoint after the last entry. It takes the place of the one before.
    pub checkpoint: &'a StoredCheckpoint,
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
    /// Written by a program before the first release.
    #[error("the ledger has format {found}, which no released provenote wrote: make a new practice")]
    TooOld {
        /// The file's format.
        found: i64,
    },
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

/// Storage for one log: its entries, in bundles of 256 and a tail; the tiles and the index of the bundles; its latest
/// checkpoint; and sealed payloads.
///
/// **Durability.** When [`Store::commit`], [`Store::create`] or [`Store::destroy_group`] returns `Ok`, all of it
/// survives power loss; a reader sees all of a commit or nothing. When it returns [`StoreError::Busy`], `Full`, `Moved`
/// or `Exists`, none of it was kept. With any other error it is unknown whether it was: the caller reads
/// [`Store::latest`] again. [`Store::pack`] only moves what is durable already, and need not be durable itself.
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
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError>;

    /// Moves entries out of the tail into bundles. A bundle that is there already is left as it is, and what the tail
    /// does not hold is not packed. A reader sees all of it or nothing; it does not wait for another process that
    /// writes.
    ///
    /// # Errors
    /// [`StoreError`]. Whatever it is, every entry is still there.
    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError>;

    /// How many bundles there are. The tail begins where they end.
    ///
    /// # Errors
    /// [`StoreError`].
    fn bundles(&self) -> Result<u64, StoreError>;

    /// An entry's bytes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = None;
        self.runs(seq, &mut |run| {
            let place = seq.checked_sub(run.first).and_then(|place| usize::try_from(place).ok());
            found = place.and_then(|place| Entries::of(run.bytes).nth(place)).map(<[u8]>::to_vec);
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Shows the stored runs, bundles before the tail and each ascending by position, as they lie there, gaps and all,
    /// until told to stop. Begins with the one that holds entry `from`, or the next after it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn runs(&self, from: u64, visit: &mut dyn FnMut(Run<'_>) -> ControlFlow<()>) -> Result<(), StoreError>;

    /// Shows, ascending by position and until told to stop, every entry after `after` that has all of `keys` and is not
    /// of before `since_ms`. May show others too: keys may collide, and the tail has no index. So the caller compares
    /// the headers.
    ///
    /// # Errors
    /// [`StoreError`].
    fn find(
        &self,
        keys: &[i64],
        since_ms: Option<i64>,
        after: Option<u64>,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError>;

    /// Shows every row of the index, in any order: key, bundle, and which of its entries have the key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn index(&self, visit: &mut dyn FnMut(i64, u64, &Members)) -> Result<(), StoreError>;

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

    /// A stored tile.
    ///
    /// # Errors
    /// [`StoreError`].
    fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Tile>, StoreError>;

    /// The roots of the stored tiles of one level, from the first of `range` up to its end or the first that is missing.
    ///
    /// # Errors
    /// [`StoreError`].
    fn stored_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError>;

    /// How many tiles are stored, of all levels.
    ///
    /// # Errors
    /// [`StoreError`].
    fn stored_tiles(&self) -> Result<u64, StoreError>;

    /// The leaf hashes of a range of entries: from tiles, or of the entries themselves where they are not packed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an entry is missing.
    fn leaf_hashes(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut hashes = Vec::new();
        let mut next = range.start;
        while next < range.end
            && let Some(tile) = self.stored_tile(0, next / BUNDLE)?
        {
            let from = next - next % BUNDLE;
            let to = range.end.min(from + BUNDLE);
            let part = tile.hashes.get((next - from) as usize..(to - from) as usize);
            hashes.extend_from_slice(part.ok_or_else(|| missing("tile 0", next / BUNDLE))?);
            next = to;
        }
        if next < range.end {
            self.runs(next, &mut |run| {
                for (seq, entry) in (run.first..range.end).zip(Entries::of(run.bytes)) {
                    if seq < next {
                        continue;
                    }
                    if seq > next {
                        return ControlFlow::Break(());
                    }
                    hashes.push(leaf_hash(entry));
                    next += 1;
                }
                if next < range.end { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        if next < range.end { Err(missing("entry", next)) } else { Ok(hashes) }
    }

    /// The hashes of a full tile: as stored, or computed where its entries are not packed yet. `None` for a tile that is
    /// not full, and for one that is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if let Some(tile) = self.stored_tile(level, index)? {
            return Ok(Some(tile.hashes));
        }
        let spans = 1_u64.checked_shl(TILE_HEIGHT * (u32::from(level) + 1));
        let Some(end) = spans.and_then(|spans| (index.checked_add(1)?).checked_mul(spans)) else { return Ok(None) };
        if end > self.latest()?.size || end <= self.bundles()? * BUNDLE {
            // Packed by another process since it was looked for, or missing.
            return Ok(self.stored_tile(level, index)?.map(|tile| tile.hashes));
        }
        let children = index * BUNDLE..(index + 1) * BUNDLE;
        match level.checked_sub(1) {
            None => self.leaf_hashes(children),
            Some(below) => self.tile_roots(below, children),
        }
        .map(Some)
    }

    /// The roots of full tiles of one level.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one is missing.
    fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut roots = self.stored_roots(level, range.clone())?;
        for index in range.start + roots.len() as u64..range.end {
            let hashes = self.tile(level, index)?.ok_or_else(|| missing(&format!("tile of level {level}"), index))?;
            roots.push(tile_root(&hashes));
        }
        Ok(roots)
    }

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

fn missing(what: &str, number: u64) -> StoreError {
    StoreError::Corrupt(format!("{what} {number} is missing"))
}
