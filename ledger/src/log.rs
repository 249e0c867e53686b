//! The log: appends, reads, and the check of the head on opening.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::ControlFlow;

use crate::hash::Hash;
use crate::header::{FORMAT, Fact, Header, HeaderError, MAX_HEADER, PayloadRef, TokenError, check_parts};
use crate::moment;
use crate::note::{Checkpoint, Epoch, LogSigner, NoteError, SignedNote, epoch_at};
use crate::store::{
    Anchor, Commit, Identity, NewRow, Store, StoreError, StoredCheckpoint, StoredPayload, index_key, index_keys,
};
use crate::tree::{Edge, TILE_WIDTH, leaf_hash};

/// The largest ciphertext kept in the ledger's database; larger ones are blobs.
pub const MAX_INLINE: usize = 1 << 20;
/// How far the clock may be behind the last entry without being refused, in milliseconds. Within it the last
/// entry's time is used again, so that times never go back.
pub const CLOCK_TOLERANCE_MS: i64 = 5_000;
/// The kind of entry by which a person accepts a clock that is behind the log.
pub const CLOCK_RESET: &str = "clock.reset";
/// How often an append starts again because other processes were faster.
const ATTEMPTS: usize = 64;

/// A sealed payload, ready to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What the header says of it.
    pub reference: PayloadRef,
    /// The data key, wrapped under the key of the retention group.
    pub wrapped_key: Vec<u8>,
    /// The ciphertext.
    pub body: Body,
}

/// Where a ciphertext lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// In the ledger's database: at most [`MAX_INLINE`] bytes.
    Inline(Vec<u8>),
    /// In the blob store, durable, under its SHA-256.
    Blob,
}

/// An entry to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Who acts.
    pub actor: String,
    /// What is recorded.
    pub kind: String,
    /// Pseudonymous ids by name.
    pub refs: BTreeMap<String, String>,
    /// Facts by name.
    pub facts: BTreeMap<String, Fact>,
    /// Sealed payloads.
    pub payloads: Vec<Sealed>,
}

impl NewEntry {
    /// An entry without references, facts or payloads.
    #[must_use]
    pub fn new(actor: impl Display, kind: impl Display) -> Self {
        Self {
            actor: actor.to_string(),
            kind: kind.to_string(),
            refs: BTreeMap::new(),
            facts: BTreeMap::new(),
            payloads: Vec::new(),
        }
    }

    /// Adds a reference.
    #[must_use]
    pub fn refer(mut self, name: &str, id: impl Display) -> Self {
        self.refs.insert(name.to_owned(), id.to_string());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &str, fact: Fact) -> Self {
        self.facts.insert(name.to_owned(), fact);
        self
    }

    /// Adds a payload.
    #[must_use]
    pub fn payload(mut self, sealed: Sealed) -> Self {
        self.payloads.push(sealed);
        self
    }
}

/// What to look for. Everything given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// The kind.
    pub kind: Option<&'a str>,
    /// References by name and id.
    pub refs: Vec<(String, String)>,
    /// Not before this time, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only entries after this one.
    pub after_seq: Option<u64>,
}

impl<'a> Query<'a> {
    /// Entries of a kind.
    #[must_use]
    pub fn kind(kind: &'a str) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    /// And with this reference.
    #[must_use]
    pub fn refer(mut self, name: &str, id: impl Display) -> Self {
        self.refs.push((name.to_owned(), id.to_string()));
        self
    }
}

/// Why a log could not be opened or begun.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log is shorter than a checkpoint kept beside its keys: an older copy was put back, or its end was cut off.
    #[error(
        "the ledger was rolled back: it has {size} entries, but the checkpoint kept beside the keys shows {anchor}; \
         restore the newest copy, or run `provenote ledger verify`"
    )]
    RolledBack {
        /// Entries the log has.
        size: u64,
        /// Entries the anchor shows.
        anchor: u64,
    },
    /// The log is not the one whose checkpoint is kept beside its keys.
    #[error(
        "the ledger is not the one whose checkpoint is kept beside the keys: they disagree about its first {0} entries; \
         run `provenote ledger verify`"
    )]
    Forked(u64),
    /// The head does not follow from the entries.
    #[error(
        "the ledger was altered: its entries do not give the root its last checkpoint signs; run `provenote ledger verify`"
    )]
    Altered,
    /// The latest checkpoint is not signed by this log's key.
    #[error("the ledger's last checkpoint is not signed by this practice's key: {0}")]
    NotOurs(#[source] NoteError),
    /// The anchor could not be read or written.
    #[error("the checkpoint beside the keys cannot be used: {0}")]
    Anchor(#[source] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why entries were not appended. Unless `Store` says that it is unknown, nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The clock is behind the last entry.
    #[error(
        "the clock says {}, but the last entry is of {}: set the clock, or accept it by a clock reset",
        moment::text(*now), moment::text(*last)
    )]
    ClockBehind {
        /// The clock, in milliseconds since 1970.
        now: i64,
        /// The last entry's time.
        last: i64,
    },
    /// The clock shows a year that cannot be written.
    #[error("the clock shows a year beyond 9999 or before 0: set the clock")]
    ClockAbsurd,
    /// A header would be longer than 65,535 bytes.
    #[error("an entry of kind {kind} would have a header of {length} bytes; at most 65535 are allowed")]
    TooLong {
        /// The entry's kind.
        kind: String,
        /// What its header would take.
        length: usize,
    },
    /// A header may not hold this.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An inline ciphertext of more than [`MAX_INLINE`] bytes.
    #[error("payload {0} is larger than 1 MiB: it has to be sealed as a blob")]
    PayloadTooLarge(String),
    /// The signer is not this log's current key.
    #[error("this key may not sign this ledger")]
    WrongKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head, read again, is damaged.
    #[error(transparent)]
    Head(Box<OpenError>),
}

/// Why an entry could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such entry.
    #[error("the ledger has no entry {0}")]
    Unknown(u64),
    /// The entry's bytes are no header.
    #[error("entry {seq} is damaged: {source}")]
    Header {
        /// Which.
        seq: u64,
        /// How.
        source: HeaderError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state appends build on.
struct Head {
    edge: Edge,
    last_leaf: Hash,
    last_time: Option<i64>,
    note: String,
}

/// One log, owned by one process. Other processes may append to the same store: each append builds on the head as
/// the store holds it.
pub struct Log {
    store: Box<dyn Store>,
    anchor: Box<dyn Anchor>,
    epochs: Vec<Epoch>,
    /// `None` after a failed write: what the store holds is unknown until it is read again.
    head: Option<Head>,
    anchor_trouble: Option<std::io::Error>,
}

impl Log {
    /// Begins a log in an empty store.
    ///
    /// # Errors
    /// [`OpenError::Store`] with [`StoreError::Exists`] when there is one.
    pub fn create(
        mut store: Box<dyn Store>,
        signer: &LogSigner,
        mut anchor: Box<dyn Anchor>,
    ) -> Result<Self, OpenError> {
        let edge = Edge::default();
        let note = signer.sign(0, edge.root());
        let identity = Identity { origin: signer.origin().to_owned(), vkey: signer.verifier().to_string() };
        store.create(&identity, &note)?;
        anchor.write(&note).map_err(OpenError::Anchor)?;
        let epochs = vec![Epoch { number: 1, from_size: 0, key: signer.verifier().clone() }];
        let head = Head { edge, last_leaf: Hash::ZERO, last_time: None, note };
        Ok(Self { store, anchor, epochs, head: Some(head), anchor_trouble: None })
    }

    /// Opens a log and checks its head: the entries' right edge and the tiles give the root of the latest checkpoint,
    /// the log's key signed it, and the anchor beside the keys is not ahead of it and agrees with it. Reads a path of
    /// the tree, not the log; [`verify`](crate::verify::verify) reads everything.
    ///
    /// An anchor that is not a checkpoint signed by the log's key is taken for none: it is not written durably, so
    /// power loss may tear it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(store: Box<dyn Store>, epochs: &[Epoch], anchor: Box<dyn Anchor>) -> Result<Self, OpenError> {
        let head = load(store.as_ref(), epochs)?;
        let noted = anchor.read().map_err(OpenError::Anchor)?.and_then(|note| open_signed(&note, epochs).ok());
        if let Some(noted) = noted {
            let size = head.edge.size();
            if noted.size > size {
                return Err(OpenError::RolledBack { size, anchor: noted.size });
            }
            if load_edge(store.as_ref(), noted.size)?.root() != noted.root {
                return Err(OpenError::Forked(noted.size));
            }
        }
        Ok(Self { store, anchor, epochs: epochs.to_vec(), head: Some(head), anchor_trouble: None })
    }

    /// Appends entries in one durable commit, with one checkpoint. Returns their positions.
    ///
    /// # Errors
    /// [`AppendError`]. Nothing was written, except perhaps after [`StoreError::Backend`]: then the log reads its head
    /// again before it goes on, and an entry that was kept without being acknowledged stays in the log.
    pub fn append(&mut self, now_ms: i64, signer: &LogSigner, entries: Vec<NewEntry>) -> Result<Vec<u64>, AppendError> {
        if !(moment::EARLIEST..=moment::LATEST).contains(&now_ms) {
            return Err(AppendError::ClockAbsurd);
        }
        let mut references: Vec<Vec<PayloadRef>> = Vec::with_capacity(entries.len());
        for entry in &entries {
            let refs: Vec<PayloadRef> = entry.payloads.iter().map(|sealed| sealed.reference.clone()).collect();
            check_parts(&entry.actor, &entry.kind, &entry.refs, &entry.facts, &refs)?;
            if let Some(large) =
                entry.payloads.iter().find(|p| matches!(&p.body, Body::Inline(b) if b.len() > MAX_INLINE))
            {
                return Err(AppendError::PayloadTooLarge(large.reference.name.clone()));
            }
            references.push(refs);
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut payloads = Vec::new();
        let mut headers = Vec::with_capacity(entries.len());
        for (entry, payload_refs) in entries.into_iter().zip(references) {
            payloads.extend(entry.payloads.into_iter().map(|sealed| StoredPayload {
                ciphertext: sealed.reference.ciphertext,
                group: sealed.reference.group,
                wrapped_key: sealed.wrapped_key,
                body: match sealed.body {
                    Body::Inline(bytes) => Some(bytes),
                    Body::Blob => None,
                },
            }));
            headers.push(Header {
                v: FORMAT,
                seq: 0,
                time: 0,
                prev: Hash::ZERO,
                actor: entry.actor,
                kind: entry.kind,
                refs: entry.refs,
                facts: entry.facts,
                payloads: payload_refs,
            });
        }
        let mut commit = Commit {
            onto: String::new(),
            entries: Vec::new(),
            payloads,
            tiles: Vec::new(),
            checkpoint: StoredCheckpoint { size: 0, note: String::new() },
        };
        for _ in 0..ATTEMPTS {
            let head = match self.head.take() {
                Some(head) => head,
                None => load(self.store.as_ref(), &self.epochs).map_err(|error| match error {
                    OpenError::Store(error) => AppendError::Store(error),
                    other => AppendError::Head(Box::new(other)),
                })?,
            };
            let extended = match extend(&head, &self.epochs, now_ms, signer, &mut headers, &mut commit) {
                Ok(extended) => extended,
                Err(error) => {
                    self.head = Some(head);
                    return Err(error);
                }
            };
            match self.store.commit(&commit) {
                Ok(()) => {
                    self.anchor_trouble = self.anchor.write(&extended.note).err();
                    self.head = Some(extended);
                    return Ok(headers.iter().map(|header| header.seq).collect());
                }
                Err(StoreError::Moved) => {}
                Err(error @ (StoreError::Busy | StoreError::Full)) => {
                    self.head = Some(head);
                    return Err(error.into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Busy.into())
    }

    /// How many entries the log has.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn size(&self) -> Result<u64, StoreError> {
        Ok(self.store.latest()?.size)
    }

    /// The root of the tree as the latest checkpoint states it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn root(&self) -> Result<Hash, StoreError> {
        let latest = self.store.latest()?;
        let checkpoint = SignedNote::parse(&latest.note).and_then(|note| Checkpoint::parse(note.text()));
        checkpoint.map(|checkpoint| checkpoint.root).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// Whose log this is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn identity(&self) -> Result<Identity, StoreError> {
        self.store.identity()
    }

    /// An entry's header.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn header(&self, seq: u64) -> Result<Header, ReadError> {
        Header::parse(&self.entry_bytes(seq)?).map_err(|source| ReadError::Header { seq, source })
    }

    /// An entry's bytes, as they were made, hashed and stored.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn entry_bytes(&self, seq: u64) -> Result<Vec<u8>, ReadError> {
        self.store.entry(seq)?.ok_or(ReadError::Unknown(seq))
    }

    /// The headers that answer a query, in the order of the log.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find(&self, query: &Query<'_>) -> Result<Vec<Header>, ReadError> {
        let mut keys: Vec<i64> = query.refs.iter().map(|(name, id)| index_key(name, id)).collect();
        keys.extend(query.kind.map(|kind| index_key("", kind)));
        let matches = |header: &Header| {
            query.kind.is_none_or(|kind| header.kind == kind)
                && query.refs.iter().all(|(name, id)| header.refs.get(name) == Some(id))
                && query.since_ms.is_none_or(|since| header.time >= since)
        };
        let mut found = Vec::new();
        if keys.is_empty() {
            let from = query.after_seq.map_or(0, |after| after.saturating_add(1));
            let mut failed = None;
            self.store.entries(from, &mut |row| {
                if query.since_ms.is_some_and(|since| row.time < since) {
                    return ControlFlow::Continue(());
                }
                match Header::parse(row.bytes) {
                    Ok(header) => found.push(header),
                    Err(source) => {
                        failed = Some(ReadError::Header { seq: row.seq, source });
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            })?;
            return failed.map_or(Ok(found), Err);
        }
        for seq in self.store.find(&keys, query.since_ms, query.after_seq)? {
            let header = self.header(seq)?;
            if matches(&header) {
                found.push(header);
            }
        }
        Ok(found)
    }

    /// A payload's wrapped data key and ciphertext; `None` once destroyed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sealed(&self, reference: &PayloadRef) -> Result<Option<(Vec<u8>, Body)>, StoreError> {
        let stored = self.store.payload(&reference.ciphertext)?;
        Ok(stored.map(|stored| (stored.wrapped_key, stored.body.map_or(Body::Blob, Body::Inline))))
    }

    /// The latest checkpoint: a C2SP signed note.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn checkpoint(&self) -> Result<String, StoreError> {
        Ok(self.store.latest()?.note)
    }

    /// Destroys the ciphertexts and wrapped keys of a retention group. Comes after the entry that records it, and
    /// may be repeated. Returns the bytes of ciphertext destroyed in the database; blobs are the vault's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn delete_ciphertext(&mut self, group: &str) -> Result<u64, StoreError> {
        self.store.destroy_group(group)
    }

    /// Why the anchor could not be written after the last append, if it could not: the log is ahead of it until the
    /// next append writes it.
    #[must_use]
    pub fn anchor_trouble(&self) -> Option<&std::io::Error> {
        self.anchor_trouble.as_ref()
    }

    /// The store, for the verifier.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The keys that sign this log.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }
}

fn open_signed(note: &str, epochs: &[Epoch]) -> Result<Checkpoint, NoteError> {
    let size = SignedNote::parse(note).and_then(|note| Checkpoint::parse(note.text()))?.size;
    Checkpoint::open(note, &epoch_at(epochs, size).ok_or(NoteError::Unsigned)?.key)
}

/// The right edge of the tree of the first `size` entries, from the store.
fn load_edge(store: &dyn Store, size: u64) -> Result<Edge, StoreError> {
    let mut levels = Vec::new();
    for level in 0..Edge::height(size) {
        let (from, to) = Edge::span(size, level);
        levels.push(match level {
            _ if from == to => Vec::new(),
            0 => {
                // An entry's leaf hash stands in its successor; only the last one's has to be computed.
                let mut hashes = store.previous(from + 1..to)?;
                let last =
                    store.entry(to - 1)?.ok_or_else(|| StoreError::Corrupt(format!("entry {} is missing", to - 1)))?;
                hashes.push(leaf_hash(&last));
                hashes
            }
            _ => store.tile_roots(level - 1, from..to)?,
        });
    }
    Edge::from_levels(size, levels).ok_or_else(|| StoreError::Corrupt("its tree has holes".to_owned()))
}

/// Reads the head from the store and checks it against its checkpoint.
fn load(store: &dyn Store, epochs: &[Epoch]) -> Result<Head, OpenError> {
    let latest = store.latest()?;
    let checkpoint = open_signed(&latest.note, epochs).map_err(OpenError::NotOurs)?;
    let edge = load_edge(store, checkpoint.size)?;
    if edge.root() != checkpoint.root || latest.size != checkpoint.size || store.entry(checkpoint.size)?.is_some() {
        return Err(OpenError::Altered);
    }
    let (last_leaf, last_time) = match checkpoint.size.checked_sub(1) {
        None => (Hash::ZERO, None),
        Some(seq) => {
            let bytes = store.entry(seq)?.ok_or(OpenError::Altered)?;
            let header = Header::parse(&bytes).map_err(|_| OpenError::Altered)?;
            (leaf_hash(&bytes), Some(header.time))
        }
    };
    Ok(Head { edge, last_leaf, last_time, note: latest.note })
}

/// Fits headers to a head, and the commit to both.
fn extend(
    head: &Head,
    epochs: &[Epoch],
    now: i64,
    signer: &LogSigner,
    headers: &mut [Header],
    commit: &mut Commit,
) -> Result<Head, AppendError> {
    let resets = headers.first().is_some_and(|header| header.kind == CLOCK_RESET);
    let time = match head.last_time {
        Some(last) if now < last && !resets => {
            if now < last - CLOCK_TOLERANCE_MS {
                return Err(AppendError::ClockBehind { now, last });
            }
            last
        }
        _ => now,
    };
    let mut edge = head.edge.clone();
    let mut prev = head.last_leaf;
    commit.entries.clear();
    commit.tiles.clear();
    for header in headers {
        header.seq = edge.size();
        header.time = time;
        header.prev = prev;
        let bytes = header.encode();
        if bytes.len() > MAX_HEADER {
            return Err(AppendError::TooLong { kind: header.kind.clone(), length: bytes.len() });
        }
        let keys = index_keys(&header.kind, header.refs.iter().map(|(name, id)| (name.as_str(), id.as_str())));
        let leaf = leaf_hash(&bytes);
        commit.entries.push(NewRow { seq: header.seq, prev, time, bytes, keys });
        edge.push(leaf, &mut commit.tiles);
        prev = leaf;
    }
    if epoch_at(epochs, edge.size()).is_none_or(|epoch| epoch.key != *signer.verifier()) {
        return Err(AppendError::WrongKey);
    }
    let note = signer.sign(edge.size(), edge.root());
    commit.onto.clone_from(&head.note);
    commit.checkpoint = StoredCheckpoint { size: edge.size(), note: note.clone() };
    debug_assert!(commit.tiles.iter().all(|tile| tile.hashes.len() == TILE_WIDTH));
    Ok(Head { edge, last_leaf: prev, last_time: Some(time), note })
}
