//! The log: appends, reads, and the check of the head on opening.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::hash::Hash;
use crate::header::{Draft, FORMAT, Fact, Header, HeaderError, MAX_HEADER, PayloadRef, TokenError, View, check_parts};
use crate::moment;
use crate::note::{Checkpoint, Epoch, LogSigner, NoteError, SignedNote, VerifierKey, epoch_at};
use crate::packing::{BUNDLE, Entries, Packed, write_entry};
use crate::rotation::{self, FollowError, Rotation};
use crate::store::{Anchor, Commit, Identity, Store, StoreError, StoredCheckpoint, StoredPayload, index_key};
use crate::tree::{Edge, Tile, leaf_hash};

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
    /// What is kept beside the keys is another log's checkpoint.
    #[error("the checkpoint kept beside the keys is of another ledger: restore the key files that belong to this one")]
    ForeignAnchor,
    /// The log's keys do not follow from its entries.
    #[error("{0}; run `provenote ledger verify`")]
    Keys(#[source] FollowError),
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
    /// The commit the entries were to be part of failed; everybody who had entries in it is told.
    #[error(transparent)]
    Shared(Arc<AppendError>),
    /// The thread that writes is gone. What it was writing may have been kept or not.
    #[error("the thread that writes the ledger has stopped: open the ledger again")]
    WriterGone,
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
    /// Bundles in the store.
    bundles: u64,
    /// The entries after them, as a run.
    unpacked: Vec<u8>,
    /// The tiles those complete.
    tiles: Vec<Tile>,
}

impl Head {
    fn unpacked_entries(&self) -> u64 {
        self.edge.size() - self.bundles * BUNDLE
    }
}

/// Entries that have been checked and encoded, but for what their place in the log will give them.
#[derive(Debug)]
pub struct Prepared {
    drafts: Vec<(String, Draft)>,
    payloads: Vec<StoredPayload>,
    resets_clock: bool,
}

impl Prepared {
    /// Checks what is to be logged.
    ///
    /// # Errors
    /// [`AppendError::Token`], [`AppendError::PayloadTooLarge`].
    pub fn new(entries: Vec<NewEntry>) -> Result<Self, AppendError> {
        let resets_clock = entries.first().is_some_and(|entry| entry.kind == CLOCK_RESET);
        let mut drafts = Vec::with_capacity(entries.len());
        let mut payloads = Vec::new();
        for entry in entries {
            let references: Vec<PayloadRef> = entry.payloads.iter().map(|sealed| sealed.reference.clone()).collect();
            check_parts(&entry.actor, &entry.kind, &entry.refs, &entry.facts, &references)?;
            let draft = Draft::new(&entry.actor, &entry.kind, &entry.refs, &entry.facts, references.iter());
            drafts.push((entry.kind, draft));
            for sealed in entry.payloads {
                let body = match sealed.body {
                    Body::Inline(bytes) if bytes.len() > MAX_INLINE => {
                        return Err(AppendError::PayloadTooLarge(sealed.reference.name));
                    }
                    Body::Inline(bytes) => Some(bytes),
                    Body::Blob => None,
                };
                payloads.push(StoredPayload {
                    ciphertext: sealed.reference.ciphertext,
                    group: sealed.reference.group,
                    wrapped_key: sealed.wrapped_key,
                    body,
                });
            }
        }
        Ok(Self { drafts, payloads, resets_clock })
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.drafts.len()
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// About how many bytes they come to, payloads included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bodies = self.payloads.iter().map(|payload| payload.body.as_ref().map_or(0, Vec::len));
        self.drafts.iter().map(|(_, draft)| draft.length(0)).chain(bodies).sum()
    }
}

/// What was done with each group of a commit, in their order: the positions it took, or why it was refused.
pub type Outcomes = Vec<Result<Range<u64>, AppendError>>;

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
        let head = Head {
            edge,
            last_leaf: Hash::ZERO,
            last_time: None,
            note,
            bundles: 0,
            unpacked: Vec::new(),
            tiles: Vec::new(),
        };
        Ok(Self { store, anchor, epochs, head: Some(head), anchor_trouble: None })
    }

    /// Opens a log and checks its head: the entries' right edge and the tiles give the root of the latest checkpoint,
    /// the log's key signed it, and the anchor beside the keys is not ahead of it and agrees with it. Reads a path of
    /// the tree, not the log; [`verify`](crate::verify::verify) reads everything.
    ///
    /// An anchor that is not a checkpoint signed by the log's key is taken for none: it is not written durably, so
    /// power loss may tear it. One that is whole and another log's is not.
    ///
    /// Of `epochs`, the first is what is trusted; later ones are followed through the log's entries, which must agree
    /// with those given and may tell of more.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(store: Box<dyn Store>, epochs: &[Epoch], anchor: Box<dyn Anchor>) -> Result<Self, OpenError> {
        // The anchor before the log: another process that appends in between makes the log longer than the anchor, never
        // the anchor newer than the log.
        let noted = anchor.read().map_err(OpenError::Anchor)?;
        let (head, epochs) = load(store.as_ref(), epochs)?;
        if let Some(noted) = noted.map(|note| anchored(&note, &epochs)).transpose()?.flatten() {
            let size = head.edge.size();
            if noted.size > size {
                return Err(OpenError::RolledBack { size, anchor: noted.size });
            }
            if load_edge(store.as_ref(), noted.size)?.root() != noted.root {
                return Err(OpenError::Forked(noted.size));
            }
        }
        Ok(Self { store, anchor, epochs, head: Some(head), anchor_trouble: None })
    }

    /// Appends entries in one durable commit, with one checkpoint. Returns their positions.
    ///
    /// # Errors
    /// [`AppendError`]. Nothing was written, except perhaps after [`StoreError::Backend`]: then the log reads its head
    /// again before it goes on, and an entry that was kept without being acknowledged stays in the log.
    pub fn append(&mut self, now_ms: i64, signer: &LogSigner, entries: Vec<NewEntry>) -> Result<Vec<u64>, AppendError> {
        let group = Prepared::new(entries)?;
        let mut outcomes = self.append_groups(now_ms, signer, std::slice::from_ref(&group))?;
        self.pack();
        outcomes.pop().unwrap_or(Ok(0..0)).map(Iterator::collect)
    }

    /// Appends entries in one durable commit, as [`Log::append`] does, but only while the log has exactly `size` entries:
    /// for what may be written only if nothing was since the writer looked. Read [`Log::size`] first, then whatever the
    /// decision rests on, and append with that size; between processes it is the store's commit that settles who was
    /// first.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when the log has another length: nothing was written; look again and decide anew.
    /// Otherwise as [`Log::append`].
    pub fn append_if(
        &mut self,
        size: u64,
        now_ms: i64,
        signer: &LogSigner,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<u64>, AppendError> {
        if !(moment::EARLIEST..=moment::LATEST).contains(&now_ms) {
            return Err(AppendError::ClockAbsurd);
        }
        let group = Prepared::new(entries)?;
        let mut head = self.take_head()?;
        if head.edge.size() < size {
            // Others appended since the head was read.
            head = self.take_head()?;
        }
        let known = head.edge.size();
        self.head = Some(head);
        if known != size {
            return Err(StoreError::Moved.into());
        }
        let outcomes = self.attempt(now_ms, signer, None, std::slice::from_ref(&group))?;
        let mut outcomes = outcomes.ok_or(StoreError::Moved)?;
        self.pack();
        outcomes.pop().unwrap_or(Ok(0..0)).map(Iterator::collect)
    }

    /// Appends several groups of entries in one durable commit, with one checkpoint. A group that is refused by itself
    /// leaves the others alone. What became full is not packed yet; see [`Log::pack`].
    ///
    /// # Errors
    /// [`AppendError`] when no group was written, for a reason that concerns all. As with [`Log::append`], after
    /// [`StoreError::Backend`] they may have been kept all the same.
    pub fn append_groups(
        &mut self,
        now_ms: i64,
        signer: &LogSigner,
        groups: &[Prepared],
    ) -> Result<Outcomes, AppendError> {
        if !(moment::EARLIEST..=moment::LATEST).contains(&now_ms) {
            return Err(AppendError::ClockAbsurd);
        }
        for _ in 0..ATTEMPTS {
            if let Some(outcomes) = self.attempt(now_ms, signer, None, groups)? {
                return Ok(outcomes);
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Packs the entries of the tail that fill bundles, where there are some. What cannot be packed now, because another
    /// process is writing or the disk is full, is packed after a later append; the log is whole either way.
    pub fn pack(&mut self) {
        let Some(head) = &mut self.head else { return };
        if head.unpacked_entries() < BUNDLE {
            return;
        }
        if let Ok((packed, rest)) = packed(head.bundles, &head.unpacked, &head.tiles)
            && self.store.pack(&packed).is_ok()
        {
            head.bundles += packed.len() as u64;
            head.unpacked.drain(..rest);
            head.tiles.clear();
        }
    }

    /// Gives the log a new key: one entry, signed for by both keys, in a commit of its own whose checkpoint both sign.
    /// From it on `new` signs. `compromised_after`: where the old key may be in other hands, the length of the log last
    /// known outside before that. Returns the new epoch.
    ///
    /// # Errors
    /// As [`Log::append`]. After [`StoreError::Backend`] the log may have the new key or not: [`Log::refresh`] tells.
    pub fn rotate(
        &mut self,
        now_ms: i64,
        actor: &str,
        old: &LogSigner,
        new: &LogSigner,
        compromised_after: Option<u64>,
    ) -> Result<Epoch, AppendError> {
        for _ in 0..ATTEMPTS {
            let head = self.take_head()?;
            let size = head.edge.size();
            self.head = Some(head);
            let number = self.epochs.last().map_or(1, |epoch| epoch.number) + 1;
            let rotation = Rotation::sign(old, new, number, size + 1, compromised_after);
            let group = Prepared::new(vec![rotation.entry(actor)])?;
            if let Some(outcomes) = self.attempt(now_ms, old, Some(new), &[group])? {
                outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
                self.pack();
                let epoch = Epoch { number, from_size: size + 1, key: new.verifier().clone() };
                self.epochs.push(epoch.clone());
                return Ok(epoch);
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Reads the head and the log's keys again: other processes may have appended, or given the log a new key.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn refresh(&mut self) -> Result<(), OpenError> {
        self.head = None;
        let (head, epochs) = load(self.store.as_ref(), &self.epochs)?;
        self.epochs = epochs;
        self.head = Some(head);
        Ok(())
    }

    /// The key that signs the next entry, as far as this process knows.
    #[must_use]
    pub fn key(&self) -> Option<&VerifierKey> {
        self.epochs.last().map(|epoch| &epoch.key)
    }

    /// The head, read again where the last write failed or came too late.
    fn take_head(&mut self) -> Result<Head, AppendError> {
        if self.head.is_none() {
            self.refresh().map_err(|error| match error {
                OpenError::Store(error) => AppendError::Store(error),
                other => AppendError::Head(Box::new(other)),
            })?;
        }
        self.head.take().ok_or(AppendError::Store(StoreError::Moved))
    }

    /// One try to write. `None` when another process was faster.
    fn attempt(
        &mut self,
        now_ms: i64,
        signer: &LogSigner,
        next: Option<&LogSigner>,
        groups: &[Prepared],
    ) -> Result<Option<Outcomes>, AppendError> {
        let mut head = self.take_head()?;
        let extension = match extend(&head, &self.epochs, now_ms, signer, next, groups) {
            Ok(extension) if extension.edge.size() > head.edge.size() => extension,
            refused => {
                self.head = Some(head);
                return refused.map(|extension| Some(extension.outcomes));
            }
        };
        let size = head.edge.size();
        // Many entries at once go into bundles right away, with those of the tail before them: moved there afterwards,
        // they would be written twice.
        let whole = extension.edge.size() - size >= BUNDLE;
        let (full, tail);
        if whole {
            head.unpacked.extend_from_slice(&extension.run);
            head.tiles.extend_from_slice(&extension.tiles);
            let (packed, rest) = packed(head.bundles, &head.unpacked, &head.tiles)?;
            (full, tail) = (packed, &head.unpacked[rest..]);
        } else {
            (full, tail) = (Vec::new(), extension.run.as_slice());
        }
        let checkpoint = StoredCheckpoint { size: extension.edge.size(), note: extension.note };
        let written = groups.iter().zip(&extension.outcomes).filter(|(_, outcome)| outcome.is_ok());
        let commit = Commit {
            onto: &head.note,
            packed: &full,
            first: full.last().map_or(size, Packed::end),
            tail,
            payloads: written.flat_map(|(group, _)| &group.payloads).collect(),
            checkpoint: &checkpoint,
        };
        match self.store.commit(&commit) {
            Ok(()) => {
                self.anchor_trouble = self.anchor.write(&checkpoint.note).err();
                if whole {
                    let rest = head.unpacked.len() - tail.len();
                    head.unpacked.drain(..rest);
                    head.tiles.clear();
                } else {
                    head.unpacked.extend_from_slice(&extension.run);
                    head.tiles.extend(extension.tiles);
                }
                self.head = Some(Head {
                    edge: extension.edge,
                    last_leaf: extension.last_leaf,
                    last_time: extension.last_time,
                    note: checkpoint.note,
                    bundles: head.bundles + full.len() as u64,
                    ..head
                });
                Ok(Some(extension.outcomes))
            }
            Err(StoreError::Moved) => Ok(None),
            Err(error @ (StoreError::Busy | StoreError::Full)) => {
                // Read again: what was added to it for packing is not in the log.
                self.head = (!whole).then_some(head);
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
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
        let mut found = Vec::new();
        self.look_for(query, |header| {
            found.push(header);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The first of the entries that fit, if any does; those after it are not read.
    ///
    /// # Errors
    /// As [`Log::find`].
    pub fn first(&self, query: &Query<'_>) -> Result<Option<Header>, ReadError> {
        let mut first = None;
        self.look_for(query, |header| {
            first = Some(header);
            ControlFlow::Break(())
        })?;
        Ok(first)
    }

    /// Hands every entry that fits to `take`, in order, until that breaks off.
    fn look_for(&self, query: &Query<'_>, mut take: impl FnMut(Header) -> ControlFlow<()>) -> Result<(), ReadError> {
        let mut keys: Vec<i64> = query.refs.iter().map(|(name, id)| index_key(name, id)).collect();
        keys.extend(query.kind.map(|kind| index_key("", kind)));
        let matches = |view: &View<'_>| {
            query.kind.is_none_or(|kind| view.kind == kind.as_bytes())
                && query.since_ms.is_none_or(|since| view.time >= since)
                && query.refs.iter().all(|(name, id)| {
                    view.refs().any(|(other, value)| other == name.as_bytes() && value == id.as_bytes())
                })
        };
        let mut read = Ok(());
        self.store.find(&keys, query.since_ms, query.after_seq, &mut |seq, bytes| {
            let fitting = View::parse(bytes).and_then(|view| matches(&view).then(|| Header::parse(bytes)).transpose());
            match fitting {
                Ok(Some(header)) => take(header),
                Ok(None) => ControlFlow::Continue(()),
                Err(source) => {
                    read = Err(ReadError::Header { seq, source });
                    ControlFlow::Break(())
                }
            }
        })?;
        read
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

/// What the anchor says: `None` for one that is torn.
fn anchored(note: &str, epochs: &[Epoch]) -> Result<Option<Checkpoint>, OpenError> {
    let origin = SignedNote::parse(note).and_then(|note| Checkpoint::parse(note.text())).map(|read| read.origin);
    match origin {
        Ok(origin) if epochs.first().is_some_and(|epoch| epoch.key.name() != origin) => Err(OpenError::ForeignAnchor),
        _ => Ok(open_signed(note, epochs).ok()),
    }
}

/// The right edge of the tree of the first `size` entries, from the store.
fn load_edge(store: &dyn Store, size: u64) -> Result<Edge, StoreError> {
    let mut levels = Vec::new();
    for level in 0..Edge::height(size) {
        let (from, to) = Edge::span(size, level);
        levels.push(match level {
            _ if from == to => Vec::new(),
            0 => store.leaf_hashes(from..to)?,
            _ => store.tile_roots(level - 1, from..to)?,
        });
    }
    Edge::from_levels(size, levels).ok_or_else(|| StoreError::Corrupt("its tree has holes".to_owned()))
}

/// Bundles of the entries of a run, the first of which is the first entry of bundle `first`; and where the rest begins.
fn packed(first: u64, run: &[u8], tiles: &[Tile]) -> Result<(Vec<Packed>, usize), StoreError> {
    let mut full = Vec::new();
    let (mut entries, mut start) = (Entries::of(run), 0);
    for index in first.. {
        if entries.nth(BUNDLE as usize - 1).is_none() {
            break;
        }
        let end = run.len() - entries.rest().len();
        let completed = tiles.iter().filter(|tile| tile.end() == (index + 1) * BUNDLE).cloned().collect();
        let bundle = Packed::new(index, run[start..end].to_vec(), completed)
            .map_err(|error| StoreError::Corrupt(format!("an entry of bundle {index} is no entry: {error}")))?;
        full.push(bundle);
        start = end;
    }
    Ok((full, start))
}

/// Reads the head and the epochs from the store and checks them against the checkpoint and what is known.
fn load(store: &dyn Store, known: &[Epoch]) -> Result<(Head, Vec<Epoch>), OpenError> {
    let state = || Ok::<_, StoreError>((store.latest()?, store.bundles()?));
    for _ in 0..ATTEMPTS {
        let before = state()?;
        let loaded = load_once(store, known);
        // What another process writes or packs between two reads is no alteration.
        if loaded.is_ok() || state()? == before {
            return loaded;
        }
    }
    Err(StoreError::Busy.into())
}

fn load_once(store: &dyn Store, known: &[Epoch]) -> Result<(Head, Vec<Epoch>), OpenError> {
    let latest = store.latest()?;
    let epochs = rotation::follow(store, known).map_err(|error| match error {
        FollowError::Store(error) => OpenError::Store(error),
        FollowError::Unknown { from_size, .. } if from_size > latest.size => {
            OpenError::RolledBack { size: latest.size, anchor: from_size }
        }
        error => OpenError::Keys(error),
    })?;
    // Another process may have given the log a new key since the checkpoint was read; its commit is refused as stale.
    let checkpoint = open_signed(&latest.note, &epochs).map_err(OpenError::NotOurs)?;
    let bundles = store.bundles()?;
    let mut head = Head {
        edge: load_edge(store, bundles.saturating_mul(BUNDLE))?,
        last_leaf: Hash::ZERO,
        last_time: None,
        note: latest.note,
        bundles,
        unpacked: Vec::new(),
        tiles: Vec::new(),
    };
    let mut last = None;
    let mut whole = true;
    store.runs(head.edge.size(), &mut |run| {
        let mut entries = Entries::of(run.bytes);
        whole &= run.first == head.edge.size();
        for entry in entries.by_ref() {
            head.edge.push(leaf_hash(entry), &mut head.tiles);
            last = Some(entry.to_vec());
        }
        whole &= entries.rest().is_empty();
        head.unpacked.extend_from_slice(run.bytes);
        if whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if !whole
        || (head.edge.size(), head.edge.root()) != (checkpoint.size, checkpoint.root)
        || latest.size != checkpoint.size
    {
        return Err(OpenError::Altered);
    }
    if let Some(seq) = checkpoint.size.checked_sub(1) {
        let last = last.map_or_else(|| store.entry(seq), |last| Ok(Some(last)))?.ok_or(OpenError::Altered)?;
        head.last_time = Some(Header::parse(&last).map_err(|_| OpenError::Altered)?.time);
        head.last_leaf = leaf_hash(&last);
    }
    Ok((head, epochs))
}

/// A head as it will be when some entries are added to it, and what the store has to be given for that.
struct Extension {
    edge: Edge,
    last_leaf: Hash,
    last_time: Option<i64>,
    note: String,
    /// The entries.
    run: Vec<u8>,
    tiles: Vec<Tile>,
    outcomes: Outcomes,
}

/// Fits groups of entries to a head. `next`: the key this commit gives the log, which signs too.
fn extend(
    head: &Head,
    epochs: &[Epoch],
    now: i64,
    signer: &LogSigner,
    next: Option<&LogSigner>,
    groups: &[Prepared],
) -> Result<Extension, AppendError> {
    let mut edge = head.edge.clone();
    let (mut prev, mut last_time) = (head.last_leaf, head.last_time);
    let (mut run, mut tiles) = (Vec::new(), Vec::new());
    let mut fit = |group: &Prepared| {
        let time = match last_time {
            Some(last) if now < last && !group.resets_clock => {
                if now < last - CLOCK_TOLERANCE_MS {
                    return Err(AppendError::ClockBehind { now, last });
                }
                last
            }
            _ => now,
        };
        let first = edge.size();
        for (seq, (kind, draft)) in (first..).zip(&group.drafts) {
            let length = draft.length(seq);
            if length > MAX_HEADER {
                return Err(AppendError::TooLong { kind: kind.clone(), length });
            }
        }
        let text = moment::text(time);
        for (_, draft) in &group.drafts {
            let entry = write_entry(&mut run, |out| draft.finish(&prev, edge.size(), &text, FORMAT, out));
            prev = leaf_hash(entry);
            edge.push(prev, &mut tiles);
        }
        if !group.is_empty() {
            last_time = Some(time);
        }
        Ok(first..edge.size())
    };
    let outcomes = groups.iter().map(&mut fit).collect();
    if epoch_at(epochs, edge.size()).is_none_or(|epoch| epoch.key != *signer.verifier()) {
        return Err(AppendError::WrongKey);
    }
    let mut note = signer.sign(edge.size(), edge.root());
    if let Some(next) = next {
        let text = Checkpoint { origin: signer.origin().to_owned(), size: edge.size(), root: edge.root() }.text();
        note.push_str(&next.line(&text));
    }
    Ok(Extension { edge, last_leaf: prev, last_time, note, run, tiles, outcomes })
}
