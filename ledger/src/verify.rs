//! The verifier: reads everything, believes nothing the log's writer wrote about itself.
//!
//! It walks the stored entries once, in order, and compares for each its bytes with what its successor, its tile, its
//! columns and the signed checkpoints say of it. It has its own tree and its own bookkeeping: of the writer's code it
//! shares the strict reading of headers and notes, nothing that appends or projects.
//!
//! Hashing and reading headers (the module `scan`) go on in other threads while the walk reads on; where there is one
//! processor, in turn with it.
//!
//! **Signatures.** Every stored checkpoint's signature is verified, strictly (`verify_strict`), however many there are.
//! The newest alone would prove the entries, since its root covers them all; but a checkpoint that was handed out is
//! evidence of its own, "intact" means that nothing stored was changed, and a sample would miss a damaged one. Batch
//! verification is faster and not strict. So a log with one entry in each commit is verified at the speed of Ed25519
//! (some 20,000 commits a second and processor), one with many at the speed of hashing.

mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::hash::Hash;
use crate::header::{self, FactView, PayloadRef, View};
use crate::log::Body;
use crate::moment;
use crate::note::{Checkpoint, Epoch, SignedNote, VerifierKey, epoch_at};
use crate::store::{EntryRow, Store, StoreError, StoredCheckpoint};
use crate::tree::node_hash;
use crate::vault::{Unlocked, Vault, VaultError};
use scan::{Batch, Fingerprint, Kind, Readers, Scanned};

/// The kind of entry that records a destruction. Its reference (or fact) `group` names the retention group.
pub const RECORD_DESTROYED: &str = "record.destroyed";
/// What verification never shows.
pub const CANNOT_SHOW: &str = "No log can show what was never recorded in it, nor that what was recorded is true. \
    Entries after the last checkpoint known outside this machine could have been rewritten by whoever holds its keys.";
/// Findings told one by one; more are counted.
const MAX_FINDINGS: usize = 200;
const SIGNATURES_AT_ONCE: usize = 2_048;
const CHECKPOINTS_AT_ONCE: usize = 512;

/// What is to be verified, and against what.
pub struct Verification<'a> {
    /// The log.
    pub store: &'a dyn Store,
    /// The keys that may sign it; from outside the store.
    pub epochs: &'a [Epoch],
    /// The checkpoint kept beside the keys. One that cannot be read is noted, not held against the log: it is not
    /// written durably.
    pub local_anchor: Option<String>,
    /// Checkpoints handed out earlier: signed notes.
    pub anchors: &'a [String],
    /// The keys and blobs. Without them, destroyed keys and large payloads are not looked for.
    pub vault: Option<&'a Vault>,
    /// Opened keys. With them every payload this user may read is opened, and its commitment checked.
    pub unlocked: Option<&'a Unlocked>,
}

/// The outcome in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is as it was signed, up to an anchor outside the database and beyond.
    Intact,
    /// Something is not what was signed.
    Altered,
    /// The end is missing, by the database's own account.
    Truncated,
    /// The log is shorter than a checkpoint from outside it.
    RolledBack,
    /// Entries or checkpoints without a valid signature of this log's key.
    Unsigned,
    /// The log is as it was signed, but payloads are missing that no entry says were destroyed.
    Incomplete,
    /// As it was signed, but no checkpoint from outside the database tells whether it is all.
    Unanchored,
}

impl Verdict {
    /// The word, as reports and scripts use it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::Altered => "altered",
            Self::Truncated => "truncated",
            Self::RolledBack => "rolled_back",
            Self::Unsigned => "unsigned",
            Self::Incomplete => "incomplete",
            Self::Unanchored => "unanchored",
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// An entry's bytes are not what was signed.
    AlteredEntry,
    /// An entry lies where it does not belong.
    OutOfOrder,
    /// An entry is missing between others.
    MissingEntry,
    /// Entries are missing at the end.
    Truncated,
    /// A checkpoint from outside shows a longer log.
    RolledBack,
    /// A checkpoint from outside shows another log of the same name.
    Rewritten,
    /// The root of the entries is not the one a signed checkpoint states.
    RootMismatch,
    /// A time before that of the entry before, without a clock reset.
    TimeWentBack,
    /// A stored tile is not what the entries give.
    AlteredTile,
    /// Columns or index of the database are not what the entries give.
    AlteredIndex,
    /// A checkpoint is damaged.
    AlteredCheckpoint,
    /// A checkpoint is not signed by the key of its epoch.
    BadSignature,
    /// Entries that no checkpoint covers.
    UnsignedEntries,
    /// The database says it is another log than its keys do.
    AlteredIdentity,
    /// A ciphertext or a wrapped key is not what its entry says.
    AlteredPayload,
    /// A payload no entry speaks of.
    UnloggedPayload,
    /// A ciphertext is gone and no entry says that it was destroyed.
    MissingPayload,
    /// A group's key is gone and no entry says that it was destroyed.
    DestroyedWithoutEntry,
    /// A key file is damaged.
    AlteredKey,
    /// A checkpoint handed in as an anchor is not one of this log's.
    AnchorRefused,
    /// Something could not be read.
    Unreadable,
}

impl FindingKind {
    fn verdict(self) -> Verdict {
        match self {
            Self::Truncated => Verdict::Truncated,
            Self::RolledBack => Verdict::RolledBack,
            Self::BadSignature | Self::UnsignedEntries => Verdict::Unsigned,
            Self::MissingPayload | Self::DestroyedWithoutEntry => Verdict::Incomplete,
            Self::AnchorRefused => Verdict::Unanchored,
            _ => Verdict::Altered,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The entry it names.
    pub seq: Option<u64>,
    /// One sentence.
    pub detail: String,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In a word.
    pub verdict: Verdict,
    /// Entries found.
    pub size: u64,
    /// Root of the tree over them, hexadecimal.
    pub root: Hash,
    /// Whether the latest checkpoint covers all entries and every checkpoint is signed by this log's key.
    pub signed: bool,
    /// Length of the log shown by the newest agreeing checkpoint from outside the database.
    pub anchored_to: Option<u64>,
    /// Time of the last entry that checkpoint covers: up to it the log is complete.
    pub complete_until: Option<String>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// What verification never shows.
    pub cannot_show: &'static str,
}

/// A tree that is only ever added to: complete subtrees, largest first, and the hashes since the last full tile of
/// each level.
#[derive(Default)]
struct Tree {
    subtrees: Vec<(u32, Hash)>,
    open: Vec<Vec<Hash>>,
    size: u64,
}

/// A tile the entries complete, as they give it.
struct Full {
    level: u8,
    index: u64,
    hashes: Vec<Hash>,
    root: Hash,
}

impl Tree {
    /// Adds a leaf. What tiles it completes are added to `full`.
    fn push(&mut self, leaf: Hash, full: &mut Vec<Full>) {
        let (mut height, mut hash) = (0, leaf);
        self.size += 1;
        loop {
            if height % 8 == 0 {
                let level = (height / 8) as usize;
                // A subtree of this height is what 256 hashes of the level below come to.
                if let Some(below) = level.checked_sub(1) {
                    let hashes = std::mem::replace(&mut self.open[below], Vec::with_capacity(256));
                    full.push(Full { level: below as u8, index: (self.size >> height) - 1, hashes, root: hash });
                }
                if self.open.len() == level {
                    self.open.push(Vec::with_capacity(256));
                }
                self.open[level].push(hash);
            }
            match self.subtrees.last() {
                Some((below, left)) if *below == height => {
                    hash = node_hash(left, &hash);
                    height += 1;
                    self.subtrees.pop();
                }
                _ => break,
            }
        }
        self.subtrees.push((height, hash));
    }

    fn root(&self) -> Hash {
        let mut hashes = self.subtrees.iter().rev().map(|(_, hash)| *hash);
        let Some(mut root) = hashes.next() else { return Hash::of(b"") };
        for left in hashes {
            root = node_hash(&left, &root);
        }
        root
    }
}

/// The entry before the one at hand.
struct Before {
    seq: u64,
    leaf: Hash,
}

/// A checkpoint the walk will come by.
struct Expected {
    size: u64,
    root: Hash,
    /// Which anchor, for those from outside.
    anchor: String,
}

struct Signature {
    size: u64,
    text: String,
    bytes: [u8; 64],
    key: VerifierKey,
}

#[derive(Default)]
struct GroupState {
    /// First entry with a payload of the group.
    first: u64,
    /// Payloads that are gone: entry and name.
    gone: Vec<(u64, String)>,
}

struct Walk<'a> {
    given: &'a Verification<'a>,
    findings: Vec<Finding>,
    unlisted: usize,
    worst: Option<Verdict>,
    notes: Vec<String>,
    tree: Tree,
    before: Option<Before>,
    last_time: Option<i64>,
    /// The tile of the entries at hand, and its index.
    tile: Option<(u64, Option<Vec<Hash>>)>,
    /// False once leaf hashes are missing for good: roots tell nothing any more.
    roots_known: bool,
    /// The last size at which a signed root agreed.
    good: u64,
    checkpoints: std::vec::IntoIter<StoredCheckpoint>,
    next_checkpoint: Option<StoredCheckpoint>,
    next_from: Option<u64>,
    latest_size: Option<u64>,
    signatures: Vec<Signature>,
    anchors: std::vec::IntoIter<Expected>,
    next_anchor: Option<Expected>,
    anchored_to: Option<u64>,
    complete_until: Option<i64>,
    /// Of the index rows the entries give.
    index: Fingerprint,
    groups: BTreeMap<String, GroupState>,
    destroyed: BTreeMap<String, u64>,
    unopened: u64,
    unchecked_blobs: u64,
    entries: u64,
}

/// Verifies a log. `progress` is called now and then with the entries walked and the entries there should be.
#[must_use]
pub fn verify(given: &Verification<'_>, progress: &mut dyn FnMut(u64, u64)) -> Report {
    let mut walk = Walk {
        given,
        findings: Vec::new(),
        unlisted: 0,
        worst: None,
        notes: Vec::new(),
        tree: Tree::default(),
        before: None,
        last_time: None,
        tile: None,
        roots_known: true,
        good: 0,
        checkpoints: Vec::new().into_iter(),
        next_checkpoint: None,
        next_from: Some(0),
        latest_size: None,
        signatures: Vec::new(),
        anchors: Vec::new().into_iter(),
        next_anchor: None,
        anchored_to: None,
        complete_until: None,
        index: Fingerprint::new(),
        groups: BTreeMap::new(),
        destroyed: BTreeMap::new(),
        unopened: 0,
        unchecked_blobs: 0,
        entries: 0,
    };
    walk.run(progress);
    walk.report()
}

impl Walk<'_> {
    fn find(&mut self, kind: FindingKind, seq: Option<u64>, detail: impl Into<String>) {
        const ORDER: [Verdict; 6] = [
            Verdict::Altered,
            Verdict::Truncated,
            Verdict::RolledBack,
            Verdict::Unsigned,
            Verdict::Incomplete,
            Verdict::Unanchored,
        ];
        let rank = |verdict: Verdict| ORDER.iter().position(|other| *other == verdict);
        if self.worst.is_none_or(|worst| rank(kind.verdict()) < rank(worst)) {
            self.worst = Some(kind.verdict());
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { kind, seq, detail: detail.into() });
        } else {
            self.unlisted += 1;
        }
    }

    fn unreadable(&mut self, what: &str, error: &StoreError) {
        let cause = std::error::Error::source(error).map(|cause| format!(" ({cause})")).unwrap_or_default();
        self.find(FindingKind::Unreadable, None, format!("{what} could not be read: {error}{cause}"));
    }

    fn run(&mut self, progress: &mut dyn FnMut(u64, u64)) {
        let given = self.given;
        self.check_identity();
        match given.store.latest() {
            Ok(latest) => self.latest_size = Some(latest.size),
            Err(error) => self.unreadable("the latest checkpoint", &error),
        }
        self.gather_anchors();
        self.pull_checkpoint();
        self.check_roots();
        let total = self.latest_size.unwrap_or(0);
        let walked = std::thread::scope(|scope| {
            let mut readers = Readers::start(scope, &self.index);
            let mut batch = Batch::new(&self.index);
            let mut walked = given.store.entries(0, &mut |row| {
                batch.push(row);
                if !batch.is_full() {
                    return ControlFlow::Continue(());
                }
                readers.exchange(&mut batch);
                while let Some(read) = readers.ready() {
                    self.batch(&read);
                    progress(self.entries, total);
                    readers.recycle(read);
                }
                if readers.is_failed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            // What lies in the threads comes before what is left here.
            while let Some(read) = readers.next() {
                self.batch(&read);
            }
            batch.scan();
            self.batch(&batch);
            if readers.end() {
                walked = walked.and(Err(StoreError::Backend("a thread of the verification ended early".into())));
            }
            walked
        });
        if let Err(error) = walked {
            self.unreadable("the entries", &error);
        }
        if let Some(before) = self.before.take() {
            self.push_leaf(before.leaf);
        }
        progress(self.entries, total);
        self.check_end();
        self.flush_signatures();
        self.check_index();
        self.check_groups();
        self.check_keys();
    }

    // -- identity, anchors, checkpoints -----------------------------------------------------------------------

    fn check_identity(&mut self) {
        match self.given.store.identity() {
            Ok(identity) => {
                let first = self.given.epochs.iter().min_by_key(|epoch| epoch.number);
                if let Some(first) = first
                    && (first.key.name() != identity.origin || first.key.to_string() != identity.vkey)
                {
                    let detail = format!(
                        "the database says it is log {}, its keys are of log {}",
                        identity.origin,
                        first.key.name()
                    );
                    self.find(FindingKind::AlteredIdentity, None, detail);
                }
            }
            Err(error) => self.unreadable("the log's identity", &error),
        }
    }

    fn gather_anchors(&mut self) {
        let given = self.given;
        let mut expected = Vec::new();
        let local = given.local_anchor.iter().map(|note| (note, None));
        let handed = given.anchors.iter().enumerate().map(|(i, note)| (note, Some(i + 1)));
        for (note, number) in local.chain(handed) {
            let opened =
                SignedNote::parse(note).and_then(|parsed| Checkpoint::parse(parsed.text())).and_then(|checkpoint| {
                    match epoch_at(given.epochs, checkpoint.size) {
                        Some(epoch) => Checkpoint::open(note, &epoch.key),
                        None => Err(crate::note::NoteError::Unsigned),
                    }
                });
            let anchor = number.map_or_else(|| "the checkpoint beside the keys".to_owned(), |n| format!("anchor {n}"));
            match (opened, number) {
                (Ok(checkpoint), _) => expected.push(Expected { size: checkpoint.size, root: checkpoint.root, anchor }),
                (Err(error), Some(_)) => {
                    self.find(FindingKind::AnchorRefused, None, format!("{anchor} is of no use: {error}"))
                }
                (Err(error), None) => self.notes.push(format!("{anchor} is of no use: {error}")),
            }
        }
        expected.sort_by_key(|expected| expected.size);
        self.anchors = expected.into_iter();
        self.next_anchor = self.anchors.next();
    }

    fn pull_checkpoint(&mut self) {
        if let Some(next) = self.checkpoints.next() {
            self.next_checkpoint = Some(next);
            return;
        }
        self.next_checkpoint = None;
        let Some(from) = self.next_from else { return };
        match self.given.store.checkpoints(from, CHECKPOINTS_AT_ONCE) {
            Ok(page) => {
                self.next_from = page.last().and_then(|last| last.size.checked_add(1));
                self.checkpoints = page.into_iter();
                self.next_checkpoint = self.checkpoints.next();
            }
            Err(error) => {
                self.next_from = None;
                self.unreadable("the checkpoints", &error);
            }
        }
    }

    /// Compares the tree as it stands with the checkpoints and anchors of its size.
    fn check_roots(&mut self) {
        let size = self.tree.size;
        let wanted = self.next_checkpoint.as_ref().is_some_and(|next| next.size <= size)
            || self.next_anchor.as_ref().is_some_and(|next| next.size <= size);
        if !wanted {
            return;
        }
        let root = self.tree.root();
        while let Some(stored) = self.next_checkpoint.take_if(|next| next.size <= size) {
            self.check_checkpoint(&stored, root);
            self.pull_checkpoint();
        }
        while let Some(anchor) = self.next_anchor.take_if(|next| next.size <= size) {
            if self.roots_known && anchor.size == size {
                if anchor.root == root {
                    self.anchored_to = Some(size);
                    // Leaves are pushed before the next entry's time is read.
                    self.complete_until = self.last_time.filter(|_| size > 0);
                } else {
                    let detail = format!(
                        "{} shows another root for the first {size} entries: this log was rewritten",
                        anchor.anchor
                    );
                    self.find(FindingKind::Rewritten, size.checked_sub(1), detail);
                }
            }
            self.next_anchor = self.anchors.next();
        }
    }

    fn check_checkpoint(&mut self, stored: &StoredCheckpoint, root: Hash) {
        let parsed = SignedNote::parse(&stored.note).and_then(|note| Ok((Checkpoint::parse(note.text())?, note)));
        let (checkpoint, note) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                let detail = format!("the checkpoint of size {} cannot be read: {error}", stored.size);
                return self.find(FindingKind::AlteredCheckpoint, stored.size.checked_sub(1), detail);
            }
        };
        let seq = stored.size.checked_sub(1);
        let epoch = epoch_at(self.given.epochs, stored.size);
        if checkpoint.size != stored.size || epoch.is_some_and(|epoch| epoch.key.name() != checkpoint.origin) {
            let detail = format!("the checkpoint of size {} is of another log or size", stored.size);
            return self.find(FindingKind::AlteredCheckpoint, seq, detail);
        }
        let signature = epoch.and_then(|epoch| {
            let line =
                note.signatures().iter().find(|line| line.name == epoch.key.name() && line.id == epoch.key.id())?;
            let bytes = line.bytes.as_slice().try_into().ok()?;
            Some(Signature { size: stored.size, text: note.text().to_owned(), bytes, key: epoch.key.clone() })
        });
        let Some(signature) = signature else {
            let detail = format!("the checkpoint of size {} is not signed by the key that signed then", stored.size);
            return self.find(FindingKind::BadSignature, seq, detail);
        };
        if !self.roots_known || stored.size != self.tree.size {
            self.queue(signature);
        } else if checkpoint.root == root {
            self.good = stored.size;
            self.queue(signature);
        } else if !signature.key.verifies(signature.text.as_bytes(), &signature.bytes) {
            // The checkpoint is what was altered; the next one will tell whether the entries are right.
            let detail = format!("the checkpoint of size {} was altered: its signature does not verify", stored.size);
            self.find(FindingKind::AlteredCheckpoint, seq, detail);
        } else {
            // Everything after differs too: only the first is told, and no root after it.
            self.roots_known = false;
            let detail = if stored.size - self.good == 1 {
                format!(
                    "entry {} is not the one that was signed: the root differs from the checkpoint of size {}",
                    self.good, stored.size
                )
            } else {
                format!(
                    "one of entries {} to {} is not the one that was signed: the root differs from the checkpoint of size {}",
                    self.good,
                    stored.size - 1,
                    stored.size
                )
            };
            self.find(FindingKind::RootMismatch, seq, detail);
        }
    }

    fn queue(&mut self, signature: Signature) {
        self.signatures.push(signature);
        if self.signatures.len() >= SIGNATURES_AT_ONCE {
            self.flush_signatures();
        }
    }

    /// Verifies the signatures gathered, on all processors: they are what verification costs most.
    fn flush_signatures(&mut self) {
        let signatures = std::mem::take(&mut self.signatures);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = signatures.len().div_ceil(threads).max(32);
        let bad_in = |part: &[Signature]| -> Vec<u64> {
            let bad = part.iter().filter(|s| !s.key.verifies(s.text.as_bytes(), &s.bytes));
            bad.map(|s| s.size).collect()
        };
        let mut bad: Vec<u64> = Vec::new();
        if signatures.len() <= share {
            bad = bad_in(&signatures);
        } else {
            std::thread::scope(|scope| {
                let parts: Vec<_> = signatures.chunks(share).map(|part| scope.spawn(move || bad_in(part))).collect();
                for part in parts {
                    bad.extend(part.join().unwrap_or_default());
                }
            });
        }
        for size in bad {
            let detail = format!("the checkpoint of size {size} is not signed by this log's key");
            self.find(FindingKind::BadSignature, size.checked_sub(1), detail);
        }
    }

    // -- entries ----------------------------------------------------------------------------------------------

    fn batch(&mut self, batch: &Batch) {
        self.index.add_all(batch.index());
        for (row, scanned) in batch.rows() {
            self.entry(row, scanned);
        }
    }

    fn entry(&mut self, row: EntryRow<'_>, scanned: &Scanned) {
        self.entries += 1;
        let seq = row.seq;
        let leaf = scanned.leaf;
        let next = self.before.as_ref().map_or(self.tree.size, |before| before.seq + 1);
        let says_prev = scanned.outline.as_ref().ok().map(|outline| outline.prev);
        if seq < next {
            return self.find(FindingKind::OutOfOrder, Some(seq), format!("entry {seq} lies where another belongs"));
        }
        if seq > next {
            self.gap(next, seq, says_prev, row.prev);
        } else if let Some(before) = self.before.take() {
            self.link(&before, says_prev, row.prev);
        } else if says_prev.is_some_and(|prev| prev != Hash::ZERO) {
            self.find(FindingKind::AlteredEntry, Some(seq), "the first entry names one before it");
        }
        self.before = Some(Before { seq, leaf });
        let outline = match &scanned.outline {
            Ok(outline) => outline,
            Err(error) => {
                self.last_time = Some(self.last_time.unwrap_or(row.time).max(row.time));
                return self.find(FindingKind::AlteredEntry, Some(seq), format!("entry {seq} was altered: {error}"));
            }
        };
        if outline.seq != seq {
            let detail = format!("where entry {seq} should be lies one that says it is entry {}", outline.seq);
            self.find(FindingKind::OutOfOrder, Some(seq), detail);
        }
        if outline.prev != row.prev || outline.time != row.time {
            let detail = format!("the database's columns for entry {seq} are not what the entry says");
            self.find(FindingKind::AlteredIndex, Some(seq), detail);
        }
        if let Some(last) = self.last_time.filter(|last| outline.time < *last) {
            let back =
                format!("entry {seq} is of {}, the one before of {}", moment::text(outline.time), moment::text(last));
            if outline.kind == Kind::ClockReset {
                let actor =
                    View::parse(row.bytes).map_or_else(|_| "somebody".to_owned(), |view| header::text(view.actor));
                self.notes.push(format!("{back}: {actor} accepted a clock that was behind"));
            } else {
                self.find(FindingKind::TimeWentBack, Some(seq), back);
            }
        }
        self.last_time = Some(outline.time);
        // Few entries have more to tell; those are read again.
        if (outline.kind == Kind::Destroyed || outline.has_payloads)
            && let Ok(view) = View::parse(row.bytes)
        {
            self.contents(seq, outline.kind, &view);
        }
    }

    /// What an entry says of payloads: its own, or those it destroyed.
    fn contents(&mut self, seq: u64, kind: Kind, view: &View<'_>) {
        if kind == Kind::Destroyed {
            let refs = view.refs().filter(|(name, _)| *name == b"group").map(|(_, group)| group);
            let facts = view.facts().filter_map(|(name, fact)| match fact {
                FactView::Text(group) if name == b"group" => Some(group),
                _ => None,
            });
            for group in refs.chain(facts) {
                self.destroyed.entry(header::text(group)).or_insert(seq);
            }
        }
        for payload in view.payloads() {
            self.payload(seq, &payload);
        }
    }

    /// What the stored tile says an entry's leaf hash is.
    fn tiled(&mut self, seq: u64) -> Option<Hash> {
        let index = seq / 256;
        if self.tile.as_ref().is_none_or(|(at, _)| *at != index) {
            let complete = self.latest_size.is_some_and(|size| (index + 1) * 256 <= size);
            let tile = if complete {
                match self.given.store.tile(0, index) {
                    Ok(tile) => tile.filter(|hashes| hashes.len() == 256),
                    Err(error) => {
                        self.unreadable(&format!("tile {index}"), &error);
                        None
                    }
                }
            } else {
                None
            };
            self.tile = Some((index, tile));
        }
        let (_, hashes) = self.tile.as_ref()?;
        hashes.as_ref()?.get((seq % 256) as usize).copied()
    }

    /// Settles an entry's leaf hash by its successor, and adds it to the tree.
    fn link(&mut self, before: &Before, says: Option<Hash>, column: Hash) {
        let Some(says) = says.filter(|says| *says != before.leaf) else {
            return self.push_leaf(before.leaf);
        };
        // Two disagree; the tile, or else the column copied from the successor, tells which of them was altered.
        let seq = before.seq;
        let tiled = self.tiled(seq);
        if tiled.unwrap_or(column) == before.leaf {
            let detail = format!("entry {} was altered: it names another entry before it than entry {seq}", seq + 1);
            self.find(FindingKind::AlteredEntry, Some(seq + 1), detail);
            self.push_leaf(before.leaf);
        } else {
            let detail = format!("entry {seq} was altered: its hash is not the one entry {} names", seq + 1);
            self.find(FindingKind::AlteredEntry, Some(seq), detail);
            self.push_leaf(tiled.unwrap_or(says));
        }
    }

    /// Entries `next` up to `seq` are not there.
    fn gap(&mut self, next: u64, seq: u64, says: Option<Hash>, column: Hash) {
        let detail = if seq - next == 1 {
            format!("entry {next} is missing")
        } else {
            format!("entries {next} to {} are missing", seq - 1)
        };
        self.find(FindingKind::MissingEntry, Some(next), detail);
        if let Some(before) = self.before.take() {
            self.push_leaf(before.leaf);
        }
        // A forged position far away must not cost a walk there.
        if seq - next > 1 << 20 {
            self.roots_known = false;
            self.tree.size = seq;
            return;
        }
        for missing in next..seq {
            let successor = (missing + 1 == seq).then(|| says.unwrap_or(column));
            match self.tiled(missing).or(successor) {
                Some(leaf) => self.push_leaf(leaf),
                None => {
                    self.roots_known = false;
                    self.push_leaf(Hash::ZERO);
                }
            }
        }
    }

    fn push_leaf(&mut self, leaf: Hash) {
        let mut full = Vec::new();
        self.tree.push(leaf, &mut full);
        if self.roots_known {
            full.iter().for_each(|tile| self.check_tile(tile));
        }
        self.check_roots();
    }

    fn check_tile(&mut self, tile: &Full) {
        let Full { level, index, hashes, root } = tile;
        let (level, index) = (*level, *index);
        let last = (index + 1).checked_shl(8 * (u32::from(level) + 1)).map(|end| end - 1);
        // A tile past the latest checkpoint was never due.
        if self.latest_size.is_none_or(|size| last.is_none_or(|last| last >= size)) {
            return;
        }
        let wrong = match (self.given.store.tile(level, index), self.given.store.tile_roots(level, index..index + 1)) {
            (Ok(Some(stored)), Ok(roots)) => stored != *hashes || roots != [*root],
            (Ok(None), _) | (_, Err(StoreError::Corrupt(_))) => true,
            (Err(error), _) | (_, Err(error)) => {
                return self.unreadable(&format!("tile {index} of level {level}"), &error);
            }
        };
        if wrong {
            let detail = format!("tile {index} of level {level} is not what the entries give");
            self.find(FindingKind::AlteredTile, last, detail);
        }
    }

    fn check_end(&mut self) {
        let found = self.tree.size;
        if let Some(size) = self.latest_size {
            if found < size {
                let detail = if size - found == 1 {
                    format!("entry {found}, the last one, is missing: the latest checkpoint signs {size} entries")
                } else {
                    format!("entries {found} to {} are missing: the latest checkpoint signs {size} entries", size - 1)
                };
                self.find(FindingKind::Truncated, Some(found), detail);
            } else if found > size {
                let detail =
                    format!("entries from {size} on are not signed: the latest checkpoint signs {size} entries");
                self.find(FindingKind::UnsignedEntries, Some(size), detail);
            }
        }
        // Checkpoints beyond the end still have to be signed by this log's key.
        while let Some(stored) = self.next_checkpoint.take() {
            self.check_checkpoint(&stored, Hash::ZERO);
            self.pull_checkpoint();
        }
        while let Some(anchor) = self.next_anchor.take() {
            let detail = format!(
                "{} shows {} entries, the log has {found}: its end was cut off or an older copy was put back",
                anchor.anchor, anchor.size
            );
            self.find(FindingKind::RolledBack, Some(found), detail);
            self.next_anchor = self.anchors.next();
        }
    }

    // -- index ------------------------------------------------------------------------------------------------

    fn check_index(&mut self) {
        // Where entries are missing, the index is bound to differ; that has been told.
        let gone = |f: &Finding| {
            matches!(
                f.kind,
                FindingKind::MissingEntry | FindingKind::Truncated | FindingKind::Unreadable | FindingKind::OutOfOrder
            ) || f.kind == FindingKind::AlteredEntry
        };
        if self.findings.iter().any(gone) {
            return;
        }
        let mut stored = self.index.empty();
        let read = self.given.store.index(&mut |key, seq| stored.add(key, seq));
        match read {
            Err(error) => self.unreadable("the index", &error),
            Ok(()) if stored.same(&self.index) => {}
            Ok(()) => {
                let (rows, due) = (stored.rows(), self.index.rows());
                let detail = format!(
                    "the index the ledger is searched by has {rows} rows and is not the one of {due} that the entries give"
                );
                self.find(FindingKind::AlteredIndex, None, detail);
            }
        }
    }

    // -- payloads and keys ------------------------------------------------------------------------------------

    fn payload(&mut self, seq: u64, reference: &PayloadRef) {
        if !self.groups.contains_key(&reference.group) {
            self.groups.insert(reference.group.clone(), GroupState { first: seq, gone: Vec::new() });
        }
        let stored = match self.given.store.payload(&reference.ciphertext) {
            Ok(Some(stored)) => stored,
            Ok(None) => return self.gone(seq, reference),
            Err(error) => return self.unreadable(&format!("payload {} of entry {seq}", reference.name), &error),
        };
        let name = &reference.name;
        if stored.group != reference.group || Hash::of(&stored.wrapped_key) != reference.wrapped_key {
            let detail = format!("the wrapped key of payload {name} of entry {seq} is not the one the entry names");
            return self.find(FindingKind::AlteredPayload, Some(seq), detail);
        }
        let altered = format!("the ciphertext of payload {name} of entry {seq} is not the one the entry names");
        let body = match (stored.body, self.given.vault) {
            (Some(bytes), _) => {
                if Hash::of(&bytes) != reference.ciphertext {
                    return self.find(FindingKind::AlteredPayload, Some(seq), altered);
                }
                Body::Inline(bytes)
            }
            (None, None) => {
                self.unchecked_blobs += 1;
                return;
            }
            (None, Some(vault)) => {
                match hash_blob(vault, &reference.ciphertext) {
                    Ok(Some(hash)) if hash == reference.ciphertext => {}
                    Ok(Some(_)) => return self.find(FindingKind::AlteredPayload, Some(seq), altered),
                    Ok(None) => return self.gone(seq, reference),
                    Err(error) => {
                        let detail =
                            format!("the ciphertext of payload {name} of entry {seq} could not be read: {error}");
                        return self.find(FindingKind::Unreadable, Some(seq), detail);
                    }
                }
                Body::Blob
            }
        };
        let (Some(vault), Some(by)) = (self.given.vault, self.given.unlocked) else { return };
        let opened = match &body {
            Body::Inline(_) => vault.open(by, reference, &stored.wrapped_key, &body).map(drop),
            Body::Blob => vault
                .open_stream(by, reference, &stored.wrapped_key)
                .and_then(|mut reader| Ok(std::io::copy(&mut reader, &mut std::io::sink()).map(drop)?)),
        };
        match opened {
            Ok(()) => {}
            // A destroyed group is judged when all entries are known; damaged key files are told once, by file.
            Err(
                VaultError::NotEntitled { .. }
                | VaultError::GroupGone(_)
                | VaultError::Damaged { .. }
                | VaultError::Missing(_),
            ) => {
                self.unopened += 1;
            }
            Err(error) => self.find(FindingKind::AlteredPayload, Some(seq), format!("entry {seq}: {error}")),
        }
    }

    fn gone(&mut self, seq: u64, reference: &PayloadRef) {
        if let Some(group) = self.groups.get_mut(&reference.group).filter(|group| group.gone.len() < MAX_FINDINGS) {
            group.gone.push((seq, reference.name.clone()));
        }
    }

    fn check_groups(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        let destroyed = std::mem::take(&mut self.destroyed);
        let stored = match self.given.store.payload_counts() {
            Ok(counts) => counts,
            Err(error) => {
                self.unreadable("the payloads", &error);
                BTreeMap::new()
            }
        };
        for (name, group) in &groups {
            let key_exists = self.given.vault.map(|vault| vault.group_exists(name));
            if let Some(entry) = destroyed.get(name) {
                if stored.contains_key(name) || key_exists == Some(true) {
                    self.notes.push(format!("entry {entry} records that group {name} was destroyed, but it is not destroyed in full: repeat it"));
                } else {
                    self.notes.push(format!("group {name} was lawfully destroyed: entry {entry} records it"));
                }
                continue;
            }
            if key_exists == Some(false) {
                let detail = format!("the key of group {name} is gone, and no entry records that it was destroyed");
                self.find(FindingKind::DestroyedWithoutEntry, Some(group.first), detail);
            }
            for (seq, payload) in &group.gone {
                let detail =
                    format!("payload {payload} of entry {seq} is missing, and no entry records that it was destroyed");
                self.find(FindingKind::MissingPayload, Some(*seq), detail);
            }
        }
        let unlogged: BTreeSet<&String> = stored.keys().filter(|name| !groups.contains_key(*name)).collect();
        for name in unlogged {
            self.find(
                FindingKind::UnloggedPayload,
                None,
                format!("payloads of group {name} are stored that no entry speaks of"),
            );
        }
    }

    fn check_keys(&mut self) {
        let Some(vault) = self.given.vault else { return };
        match vault.audit(self.given.unlocked) {
            Ok(wrong) => {
                for (_, detail) in wrong {
                    self.find(FindingKind::AlteredKey, None, detail);
                }
            }
            Err(error) => self.find(FindingKind::Unreadable, None, format!("the key files could not be read: {error}")),
        }
    }

    fn report(mut self) -> Report {
        if self.given.unlocked.is_none() {
            self.notes.push("payloads were not opened: no user's keys were unlocked".to_owned());
        } else if self.unopened > 0 {
            self.notes.push(format!("{} payloads could not be opened with this user's keys", self.unopened));
        }
        if self.unchecked_blobs > 0 {
            self.notes.push(format!(
                "{} large payloads were not checked: the blob store was not given",
                self.unchecked_blobs
            ));
        }
        if self.unlisted > 0 {
            self.notes.push(format!("{} more findings are not listed", self.unlisted));
        }
        if self.given.epochs.is_empty() && self.worst.is_none() {
            self.worst = Some(Verdict::Unsigned);
        }
        if self.anchored_to.is_none() {
            self.notes
                .push("no checkpoint from outside the database was given: a cut-off end would not show".to_owned());
        }
        let unsigned = |f: &Finding| {
            matches!(
                f.kind,
                FindingKind::BadSignature
                    | FindingKind::UnsignedEntries
                    | FindingKind::AlteredCheckpoint
                    | FindingKind::RootMismatch
                    | FindingKind::Unreadable
            )
        };
        let signed = !self.given.epochs.is_empty() && self.latest_size.is_some() && !self.findings.iter().any(unsigned);
        let fallback = if self.anchored_to.is_some() { Verdict::Intact } else { Verdict::Unanchored };
        Report {
            verdict: self.worst.unwrap_or(fallback),
            size: self.entries,
            root: self.tree.root(),
            signed,
            anchored_to: self.anchored_to,
            complete_until: self.complete_until.map(moment::text),
            findings: self.findings,
            notes: self.notes,
            cannot_show: CANNOT_SHOW,
        }
    }
}

fn hash_blob(vault: &Vault, hash: &Hash) -> std::io::Result<Option<Hash>> {
    let Some(mut reader) = vault.blobs().open(hash)? else { return Ok(None) };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Some(Hash(hasher.finalize().into()))),
            n => hasher.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests;
