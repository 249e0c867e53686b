//! The verifier: reads everything, believes nothing the log's writer wrote about itself.
//!
//! It walks the stored entries once, in order, and compares for each its bytes with what its successor, its tile and the
//! signed checkpoint say of it. It has its own tree and its own bookkeeping: of the writer's code it shares the strict
//! reading of headers, runs and notes, nothing that appends or projects.
//!
//! The log's keys are followed through the entries that give it new ones, and compared with those it was given; what
//! others hold of the log (`outside`) is compared with the root of the first entries it covers, and signed by the key of
//! that time. What is gone has to be lawfully destroyed (`destroyed`).
//!
//! Hashing and reading headers (the module `scan`) go on in other threads while the walk reads on; where there is one
//! processor, in turn with it.

mod destroyed;
mod epochs;
mod outside;
mod scan;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::hash::Hash;
use crate::header::{self, PayloadRef, View};
use crate::log::Body;
use crate::moment;
use crate::note::{Checkpoint, Epoch, SignedNote};
use crate::packing::BUNDLE;
use crate::policy::Policy;
use crate::store::{Store, StoreError};
use crate::tree::node_hash;
use crate::vault::{Unlocked, Vault, VaultError};
use destroyed::Groups;
pub use destroyed::{Destroyed, DestroyedPayload};
use epochs::{Epochs, SignedBy};
use outside::Outside;
pub use outside::{AnchorReport, Comparison, Cosigned};
use scan::{Batch, Fingerprint, Kind, Readers, Scanned, ScannedRun};

/// The kind of entry that records a destruction. Its reference (or fact) `group` names the retention group.
pub const RECORD_DESTROYED: &str = "record.destroyed";
/// What the names of retention groups begin with, where an entry refers to one before anything is sealed under it.
pub const GROUP_MARK: &str = "grp-";
/// What verification never shows.
pub const CANNOT_SHOW: &str = "No log can show what was never recorded in it, nor that what was recorded is true. \
    Entries after the last checkpoint known outside this machine could have been rewritten by whoever holds its keys.";
/// Findings told one by one; more are counted.
const MAX_FINDINGS: usize = 200;
/// How far the entries of a run may lie from where they say they belong, to be taken for moved and not for altered.
const MOST_MOVED: u64 = 256;

/// What is to be verified, and against what.
pub struct Verification<'a> {
    /// The log.
    pub store: &'a dyn Store,
    /// The keys that may sign it; from outside the store.
    pub epochs: &'a [Epoch],
    /// The checkpoint kept beside the keys. One that cannot be read is noted, not held against the log: it is not
    /// written durably.
    pub local_anchor: Option<String>,
    /// Checkpoints handed out earlier, of any epoch.
    pub anchors: &'a [GivenAnchor],
    /// The witnesses that are trusted, and how many of them have to agree.
    pub policy: Option<&'a Policy>,
    /// The keys and blobs. Without them, destroyed keys and large payloads are not looked for.
    pub vault: Option<&'a Vault>,
    /// Opened keys. With them every payload this user may read is opened, and its commitment checked.
    pub unlocked: Option<&'a Unlocked>,
}

impl<'a> Verification<'a> {
    /// Of a stored log by its keys alone; the other fields add to it.
    #[must_use]
    pub fn new(store: &'a dyn Store, epochs: &'a [Epoch]) -> Self {
        Self { store, epochs, local_anchor: None, anchors: &[], policy: None, vault: None, unlocked: None }
    }
}

/// A checkpoint handed out earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAnchor {
    /// What findings call it, such as a file's name or a witness's.
    pub label: String,
    /// The signed note, with the cosignatures it bears.
    pub note: String,
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
    /// Entries, checkpoints or key files do not belong to the key that signed then.
    WrongEpoch,
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
            Self::WrongEpoch => "wrong_epoch",
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
    /// A destruction is recorded, but the key or a ciphertext is still there.
    FakeDestruction,
    /// A key file is damaged.
    AlteredKey,
    /// A key file gives somebody what the entries do not say is theirs. Who people are is not the log's to know: whoever
    /// reads the entries finds it.
    KeyAstray,
    /// A checkpoint, a change of key or a key file does not belong to the key that signed then.
    WrongEpoch,
    /// A change of the log's key is missing.
    MissingEpoch,
    /// An entry is dated before the key that signs it came to be.
    BeforeEpoch,
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
            Self::WrongEpoch | Self::MissingEpoch | Self::BeforeEpoch => Verdict::WrongEpoch,
            Self::MissingPayload | Self::DestroyedWithoutEntry | Self::FakeDestruction => Verdict::Incomplete,
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
    /// Which checkpoint that is.
    pub anchored_by: Option<String>,
    /// Time of the last entry that checkpoint covers: up to it the log is complete.
    pub complete_until: Option<String>,
    /// Entries that no checkpoint known outside this machine covers; none where there are none.
    pub unanchored: Option<Unanchored>,
    /// Every checkpoint from outside the database, and what came of it.
    pub anchors: Vec<AnchorReport>,
    /// The log's keys, first to last.
    pub epochs: Vec<EpochReport>,
    /// Entries that a stolen key could have signed in place of others.
    pub doubtful: Vec<Doubtful>,
    /// What was lawfully destroyed.
    pub destroyed: Vec<Destroyed>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// What verification never shows.
    pub cannot_show: &'static str,
}

/// Entries after the last checkpoint known outside this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unanchored {
    /// The first of them.
    pub from_seq: u64,
    /// How many.
    pub entries: u64,
    /// Time of the first of them.
    pub since: Option<String>,
}

/// One of the log's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EpochReport {
    /// 1 for the first.
    pub number: u32,
    /// The length of the log from which on it signs.
    pub from_size: u64,
    /// The key, C2SP form.
    pub vkey: String,
    /// The entry that gave it the log; none for the first.
    pub seq: Option<u64>,
    /// Where it may be in other hands: the length of the log known outside before that.
    pub compromised_after: Option<u64>,
}

/// Entries whose only signature could be a thief's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doubtful {
    /// The first.
    pub from_seq: u64,
    /// The last.
    pub to_seq: u64,
    /// Time of the first.
    pub since: Option<String>,
    /// Why.
    pub why: String,
}

impl Report {
    /// The length of the log that was known outside this machine before a moment, in milliseconds since 1970: by the
    /// newest checkpoint that agrees with it and that as many witnesses as the policy asks for had cosigned by then. 0
    /// where there is none.
    #[must_use]
    pub fn known_outside_before(&self, millis: i64) -> u64 {
        let before = moment::text(millis);
        let known = self.anchors.iter().filter(|anchor| {
            anchor.comparison == Comparison::Agrees
                && anchor.enough == Some(true)
                // Times of one form are in the order of their letters.
                && anchor.cosigned.iter().all(|cosigned| cosigned.time < before)
                && !anchor.cosigned.is_empty()
        });
        known.filter_map(|anchor| anchor.size).max().unwrap_or(0)
    }
}

/// A tree that is only ever added to: complete subtrees, largest first, and the hashes since the last full tile of
/// each level.
#[derive(Default, Clone)]
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

/// The latest checkpoint, read. Who signed it is told when all entries, and with them all keys, are known.
struct Latest {
    size: u64,
    root: Hash,
    note: SignedNote,
}

/// Two entries of the tail that disagree: which of them was altered, what comes after the second tells.
struct Doubt {
    seq: u64,
    /// The first one's leaf hash, as it lies there.
    found: Hash,
    /// What the second says it is.
    said: Hash,
}

/// A checkpoint from outside that the log continues.
struct Anchored {
    size: u64,
    by: String,
    /// Time of the last entry it covers.
    until: Option<i64>,
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
    doubt: Option<Doubt>,
    latest: Option<Latest>,
    /// The root of the entries is not the latest checkpoint's: what of them it concerns.
    differs: Option<String>,
    /// The latest checkpoint is signed by the key that signs at its size.
    head_signed: bool,
    latest_size: Option<u64>,
    bundles: u64,
    /// Tiles that the stored bundles complete.
    tiles_due: u64,
    epochs: Epochs,
    outside: Outside,
    /// The newest agreeing checkpoint from outside the database, and from outside this machine.
    anchored: Option<Anchored>,
    known_outside: u64,
    /// Time of the first entry after that.
    since: Option<i64>,
    /// Of the index rows the entries give.
    index: Fingerprint,
    groups: Groups,
    unopened: u64,
    unchecked_blobs: u64,
    entries: u64,
}

/// Verifies a log. `progress` is called now and then with the entries walked and the entries there should be.
#[must_use]
pub fn verify(given: &Verification<'_>, progress: &mut dyn FnMut(u64, u64)) -> Report {
    let epochs = Epochs::new(given.epochs);
    let origin = epochs.first().map(|first| first.key.name().to_owned());
    let local = given.local_anchor.as_ref();
    let (outside, refused) = Outside::gather(local, given.anchors, given.policy, origin.as_deref());
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
        doubt: None,
        latest: None,
        differs: None,
        head_signed: false,
        latest_size: None,
        bundles: 0,
        tiles_due: 0,
        epochs,
        outside,
        anchored: None,
        known_outside: 0,
        since: None,
        index: Fingerprint::new(),
        groups: Groups::default(),
        unopened: 0,
        unchecked_blobs: 0,
        entries: 0,
    };
    refused.into_iter().for_each(|finding| walk.add(finding));
    walk.run(progress);
    walk.report()
}

impl Walk<'_> {
    fn find(&mut self, kind: FindingKind, seq: Option<u64>, detail: impl Into<String>) {
        self.add(Finding { kind, seq, detail: detail.into() });
    }

    fn add(&mut self, finding: Finding) {
        const ORDER: [Verdict; 7] = [
            Verdict::Altered,
            Verdict::Truncated,
            Verdict::RolledBack,
            Verdict::WrongEpoch,
            Verdict::Unsigned,
            Verdict::Incomplete,
            Verdict::Unanchored,
        ];
        let rank = |verdict: Verdict| ORDER.iter().position(|other| *other == verdict);
        let verdict = finding.kind.verdict();
        if self.worst.is_none_or(|worst| rank(verdict) < rank(worst)) {
            self.worst = Some(verdict);
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
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
        self.read_latest();
        match given.store.bundles() {
            Ok(bundles) => self.bundles = bundles,
            Err(error) => self.unreadable("the bundles", &error),
        }
        self.check_roots();
        let total = self.latest_size.unwrap_or(0);
        let walked = std::thread::scope(|scope| {
            let mut readers = Readers::start(scope, &self.index);
            let mut batch = Batch::new(&self.index);
            let mut walked = given.store.runs(0, &mut |run| {
                if readers.is_empty() && run.newest.is_some() {
                    // A bundle, and nobody to give it to: it need not be copied.
                    let scanned = batch.scan_here(run);
                    self.run_of_entries(&scanned);
                    self.index.add_all(batch.index());
                    batch.clear();
                    progress(self.entries, total);
                    return ControlFlow::Continue(());
                }
                batch.push(run);
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
        self.finish();
        progress(self.entries, total);
        self.check_end();
        self.check_tiles();
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

    /// Reads the latest checkpoint. It covers everything before it.
    fn read_latest(&mut self) {
        let stored = match self.given.store.latest() {
            Ok(stored) => stored,
            Err(error) => return self.unreadable("the latest checkpoint", &error),
        };
        self.latest_size = Some(stored.size);
        let seq = stored.size.checked_sub(1);
        let parsed = SignedNote::parse(&stored.note).and_then(|note| Ok((Checkpoint::parse(note.text())?, note)));
        let (checkpoint, note) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                let detail = format!("the latest checkpoint cannot be read: {error}");
                return self.find(FindingKind::AlteredCheckpoint, seq, detail);
            }
        };
        let foreign = self.epochs.first().is_some_and(|first| first.key.name() != checkpoint.origin);
        if checkpoint.size != stored.size || foreign {
            return self.find(FindingKind::AlteredCheckpoint, seq, "the latest checkpoint is of another log or size");
        }
        self.latest = Some(Latest { size: stored.size, root: checkpoint.root, note });
    }

    /// Compares the tree as it stands with the checkpoints of its size: the latest, and those from outside.
    fn check_roots(&mut self) {
        let size = self.tree.size;
        let signed = self.latest.as_ref().filter(|latest| latest.size == size).map(|latest| latest.root);
        if signed.is_none() && !self.outside.is_due(size) {
            return;
        }
        let root = self.tree.root();
        let (agreed, findings) = self.outside.compare(size, self.roots_known.then_some(root), &self.epochs);
        findings.into_iter().for_each(|finding| self.add(finding));
        for anchor in agreed {
            self.good = size;
            if !anchor.local {
                (self.known_outside, self.since) = (size, None);
            }
            // Of two of one size, the one from outside this machine is the better evidence.
            if self.anchored.as_ref().is_none_or(|known| known.size < size || !anchor.local) {
                // Leaves are pushed before the next entry's time is read.
                let until = self.last_time.filter(|_| size > 0);
                self.anchored = Some(Anchored { size, by: anchor.label, until });
            }
        }
        if self.roots_known && signed.is_some_and(|signed| signed != root) {
            self.differs = Some(match size.checked_sub(self.good) {
                None | Some(0) => "the latest checkpoint is not the one".to_owned(),
                Some(1) => format!("entry {} is not the one", self.good),
                Some(_) => format!("one of entries {} to {} is not the one", self.good, size - 1),
            });
        }
    }

    /// Who signed the latest checkpoint, and whether it is what the entries give.
    fn check_latest(&mut self) {
        let Some(latest) = self.latest.take() else { return };
        let seq = latest.size.checked_sub(1);
        match self.epochs.who_signed(&latest.note, latest.size) {
            SignedBy::Right(_) => {
                self.head_signed = true;
                if let Some(which) = self.differs.take() {
                    let detail = format!("{which} that was signed: the root differs from the latest checkpoint's");
                    self.find(FindingKind::RootMismatch, seq, detail);
                }
            }
            SignedBy::Other(number) => {
                let detail = format!(
                    "the latest checkpoint, of {} entries, is signed by key {number}, which does not sign at that size",
                    latest.size
                );
                self.find(FindingKind::WrongEpoch, seq, detail);
            }
            SignedBy::Nobody => {
                self.find(FindingKind::BadSignature, seq, "the latest checkpoint is not signed by this log's key");
            }
        }
    }

    /// What the keys given say beyond what the entries do.
    fn check_epochs(&mut self) {
        let found = self.tree.size;
        for finding in self.epochs.untold(found) {
            self.add(finding);
        }
        // Who has no key files knows the first key alone, and follows it.
        let Some(vault) = self.given.vault else { return };
        let next = vault.next_log_key().ok().flatten();
        // Another process may have changed the key since the key files were read for this.
        let by_now = vault.epochs().unwrap_or_default();
        let not_given: Vec<Epoch> = self.epochs.not_given().filter(|epoch| !by_now.contains(epoch)).cloned().collect();
        for epoch in not_given {
            if next.as_ref() == Some(&epoch.key) {
                self.notes.push(format!(
                    "the change to key {} was cut off before the old private key was destroyed; the next act finishes it",
                    epoch.number
                ));
            } else {
                let detail = format!("the key files do not know key {}, which the entries tell of", epoch.number);
                self.find(FindingKind::WrongEpoch, epoch.from_size.checked_sub(1), detail);
            }
        }
    }

    // -- entries ----------------------------------------------------------------------------------------------

    fn batch(&mut self, batch: &Batch) {
        self.index.add_all(batch.index());
        for run in batch.runs() {
            self.run_of_entries(&run);
        }
    }

    fn next_seq(&self) -> u64 {
        self.before.as_ref().map_or(self.tree.size + u64::from(self.doubt.is_some()), |before| before.seq + 1)
    }

    /// Entries have no position of their own but the one that their run and their place in it give them. Where some were
    /// taken out or put in, the others lie elsewhere than they say: they are told by that, and not for altered.
    fn run_of_entries(&mut self, run: &ScannedRun<'_>) {
        let said = |scanned: &Scanned| scanned.outline.as_ref().ok().map(|outline| outline.seq);
        // Bytes that are no entries at the end have no places of their own.
        let readable = run.entries.iter().rposition(|scanned| scanned.outline.is_ok()).map_or(0, |last| last + 1);
        let count = run.entries.len() as u64;
        let lost = run.torn || run.newest.is_some() && count != BUNDLE;
        let entries = if lost { &run.entries[..readable] } else { run.entries };
        let last = entries.iter().enumerate().rev().find_map(|(place, scanned)| Some((place as u64, said(scanned)?)));
        let (mut missing, mut extra) = match last.map(|(place, said)| (run.first.saturating_add(place), said)) {
            Some((lies, says)) if says.abs_diff(lies) <= MOST_MOVED => {
                (says.saturating_sub(lies), lies.saturating_sub(says))
            }
            _ => (0, 0),
        };
        if run.first < self.next_seq() && !entries.is_empty() {
            let detail = format!("entries from {} on lie where others belong", run.first);
            self.find(FindingKind::OutOfOrder, Some(run.first), detail);
        }
        let mut seq = run.first;
        let mut newest = i64::MIN;
        for scanned in entries {
            let says = said(scanned).unwrap_or(seq);
            if extra > 0 && says < seq {
                self.find(FindingKind::OutOfOrder, Some(seq), format!("entry {seq} lies where another belongs"));
                (extra, self.entries) = (extra - 1, self.entries + 1);
                continue;
            }
            if says > seq && says - seq <= missing {
                missing -= says - seq;
                seq = says;
            }
            newest = newest.max(scanned.outline.as_ref().map_or(i64::MIN, |outline| outline.time));
            self.entry(seq, &run.bytes[scanned.bytes.clone()], scanned);
            seq = seq.saturating_add(1);
        }
        if lost && (run.torn || readable < run.entries.len()) {
            let detail = format!("entry {seq} and what lies with it were altered: no entry can be read there");
            self.find(FindingKind::AlteredEntry, Some(seq), detail);
            let end = run.first.saturating_add(BUNDLE);
            if run.newest.is_some() && seq < end && seq >= self.next_seq() {
                self.fill(seq, end, None);
            }
        } else if run.newest.is_some_and(|stored| stored != newest)
            && entries.iter().all(|scanned| scanned.outline.is_ok())
        {
            let detail =
                format!("the latest time stored with entries {} to {} is not theirs", run.first, seq.saturating_sub(1));
            self.find(FindingKind::AlteredIndex, Some(run.first), detail);
        }
    }

    fn entry(&mut self, seq: u64, bytes: &[u8], scanned: &Scanned) {
        self.entries += 1;
        let leaf = scanned.leaf;
        let next = self.next_seq();
        let says_prev = scanned.outline.as_ref().ok().map(|outline| outline.prev);
        if seq < next {
            return;
        }
        if seq > next {
            self.gap(next, seq, says_prev);
        } else if let Some(before) = self.before.take() {
            self.link(&before, says_prev);
        } else if seq == 0 && says_prev.is_some_and(|prev| prev != Hash::ZERO) {
            self.find(FindingKind::AlteredEntry, Some(seq), "the first entry names one before it");
        }
        self.before = Some(Before { seq, leaf });
        let outline = match &scanned.outline {
            Ok(outline) => outline,
            Err(error) => {
                return self.find(FindingKind::AlteredEntry, Some(seq), format!("entry {seq} was altered: {error}"));
            }
        };
        if outline.seq != seq {
            let detail = format!("where entry {seq} should be lies one that says it is entry {}", outline.seq);
            self.find(FindingKind::OutOfOrder, Some(seq), detail);
        }
        if outline.kind == Kind::ClockReset {
            self.epochs.clock_was_reset();
        }
        let early = match self.epochs.check_time(seq, outline.time) {
            Some(Ok(finding)) => {
                self.add(finding);
                true
            }
            Some(Err(accepted)) => {
                self.notes.push(accepted);
                false
            }
            None => false,
        };
        if let Some(last) = self.last_time.filter(|last| outline.time < *last && !early) {
            let back =
                format!("entry {seq} is of {}, the one before of {}", moment::text(outline.time), moment::text(last));
            if outline.kind == Kind::ClockReset {
                let actor = View::parse(bytes).map_or_else(|_| "somebody".to_owned(), |view| header::text(view.actor));
                self.notes.push(format!("{back}: {actor} accepted a clock that was behind"));
            } else {
                self.find(FindingKind::TimeWentBack, Some(seq), back);
            }
        }
        self.last_time = Some(outline.time);
        self.since.get_or_insert(outline.time);
        // Few entries have more to tell; those are read again.
        if outline.kind == Kind::KeyRotated
            && let Some(finding) = self.epochs.rotate(seq, bytes)
        {
            self.add(finding);
        }
        if (outline.kind == Kind::Destroyed || outline.has_payloads || outline.announces)
            && let Ok(view) = View::parse(bytes)
        {
            self.contents(seq, leaf, outline.kind, &view);
        }
    }

    /// What an entry says of groups and payloads: its own, or those it destroyed.
    fn contents(&mut self, seq: u64, leaf: Hash, kind: Kind, view: &View<'_>) {
        if kind == Kind::Destroyed {
            self.groups.destroy(seq, leaf, view);
        } else {
            view.refs().filter(|(_, value)| is_group(value)).for_each(|(_, group)| self.groups.announce(seq, group));
        }
        for payload in view.payloads() {
            self.groups.sealed(seq, &payload);
            self.payload(seq, &payload);
        }
    }

    /// What the stored tile says an entry's leaf hash is.
    fn tiled(&mut self, seq: u64) -> Option<Hash> {
        let index = seq / BUNDLE;
        if self.tile.as_ref().is_none_or(|(at, _)| *at != index) {
            let tile = if index < self.bundles {
                match self.given.store.stored_tile(0, index) {
                    Ok(tile) => tile.map(|tile| tile.hashes).filter(|hashes| hashes.len() as u64 == BUNDLE),
                    // Told when the tile is compared.
                    Err(_) => None,
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
    fn link(&mut self, before: &Before, says: Option<Hash>) {
        let seq = before.seq;
        let Some(says) = says.filter(|says| *says != before.leaf) else {
            self.settle(true);
            return self.push_leaf(before.leaf);
        };
        // Two disagree. The tile tells which of them was altered; where there is none yet, what comes after the second.
        if let Some(tiled) = self.tiled(seq) {
            self.settle(true);
            self.disagreed(seq, tiled == before.leaf);
            self.push_leaf(tiled);
        } else if self.doubt.is_some() {
            // The one in the middle agrees with neither side.
            self.settle(false);
            self.push_leaf(says);
        } else {
            self.doubt = Some(Doubt { seq, found: before.leaf, said: says });
        }
    }

    /// Decides a doubt: whether the first of the two was altered, or else the second.
    fn settle(&mut self, first: bool) {
        let Some(doubt) = self.doubt.take() else { return };
        self.disagreed(doubt.seq, !first);
        self.push_leaf(if first { doubt.said } else { doubt.found });
    }

    fn disagreed(&mut self, seq: u64, second: bool) {
        let next = seq + 1;
        if second {
            let detail = format!("entry {next} was altered: it names another entry before it than entry {seq}");
            self.find(FindingKind::AlteredEntry, Some(next), detail);
        } else {
            let detail = format!("entry {seq} was altered: its hash is not the one entry {next} names");
            self.find(FindingKind::AlteredEntry, Some(seq), detail);
        }
    }

    /// There are no more entries.
    fn finish(&mut self) {
        let last = self.before.take();
        if let (Some(doubt), Some(last)) = (&self.doubt, &last) {
            // Nothing comes after the second: the signed root tells.
            let mut tree = self.tree.clone();
            tree.push(doubt.said, &mut Vec::new());
            tree.push(last.leaf, &mut Vec::new());
            let first =
                self.latest.as_ref().is_some_and(|latest| latest.size == tree.size && latest.root == tree.root());
            self.settle(first);
        }
        self.settle(true);
        if let Some(last) = last {
            self.push_leaf(last.leaf);
        }
    }

    /// Entries `next` up to `seq` are not there.
    fn gap(&mut self, next: u64, seq: u64, says: Option<Hash>) {
        let detail = if seq - next == 1 {
            format!("entry {next} is missing")
        } else {
            format!("entries {next} to {} are missing", seq - 1)
        };
        self.find(FindingKind::MissingEntry, Some(next), detail);
        self.fill(next, seq, says);
    }

    /// Adds to the tree what tiles, and the entry after them, say of entries `next` up to `seq`.
    fn fill(&mut self, next: u64, seq: u64, says: Option<Hash>) {
        self.settle(true);
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
            let successor = says.filter(|_| missing + 1 == seq);
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
        full.iter().for_each(|tile| self.check_tile(tile));
        self.check_roots();
    }

    fn check_tile(&mut self, tile: &Full) {
        let Full { level, index, hashes, root } = tile;
        let (level, index) = (*level, *index);
        let end = (index + 1).checked_shl(8 * (u32::from(level) + 1));
        // Tiles are stored with the bundle that completes them.
        let Some(end) = end.filter(|end| *end <= self.bundles.saturating_mul(BUNDLE)) else { return };
        self.tiles_due += 1;
        if !self.roots_known {
            return;
        }
        let of = format!("tile {index} of level {level}");
        match self.given.store.stored_tile(level, index) {
            Ok(Some(stored)) => {
                let differs = stored.hashes.iter().zip(hashes).position(|(stored, hash)| stored != hash);
                if let Some(place) = differs {
                    let first = (index * BUNDLE + place as u64) << (8 * u32::from(level));
                    let detail = format!("{of} is not what the entries give, from entry {first} on");
                    self.find(FindingKind::AlteredTile, Some(first), detail);
                } else if stored.root != *root || stored.hashes.len() != hashes.len() {
                    self.find(FindingKind::AlteredTile, Some(end - 1), format!("{of} is not what the entries give"));
                }
            }
            Ok(None) => self.find(FindingKind::AlteredTile, Some(end - 1), format!("{of} is missing")),
            Err(StoreError::Corrupt(error)) => {
                self.find(FindingKind::AlteredTile, Some(end - 1), format!("{of} is damaged: {error}"));
            }
            Err(error) => self.unreadable(&of, &error),
        }
    }

    fn check_tiles(&mut self) {
        if !self.roots_known {
            return;
        }
        match self.given.store.stored_tiles() {
            Ok(found) if found > self.tiles_due => {
                let detail = format!("{found} tiles are stored, where the entries complete {}", self.tiles_due);
                self.find(FindingKind::AlteredTile, None, detail);
            }
            Ok(_) => {}
            Err(error) => self.unreadable("the tiles", &error),
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
        self.check_latest();
        for finding in self.outside.settle(found, &self.epochs) {
            self.add(finding);
        }
        self.check_epochs();
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
        let read = self.given.store.index(&mut |key, bundle, members| stored.add(key, bundle, members));
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
        let stored = match self.given.store.payload(&reference.ciphertext) {
            Ok(Some(stored)) => stored,
            Ok(None) => return self.groups.gone(seq, reference),
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
                    Ok(None) => return self.groups.gone(seq, reference),
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

    fn check_groups(&mut self) {
        let stored = match self.given.store.payload_counts() {
            Ok(counts) => counts,
            Err(error) => {
                self.unreadable("the payloads", &error);
                BTreeMap::new()
            }
        };
        let mut groups = std::mem::take(&mut self.groups);
        groups.judge(self.tree.size, &stored, self.given.vault, &mut |finding| self.add(finding));
        self.groups = groups;
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

    fn unanchored(&self) -> Option<Unanchored> {
        let from_seq = self.known_outside;
        let entries = self.tree.size.checked_sub(from_seq).filter(|entries| *entries > 0)?;
        Some(Unanchored { from_seq, entries, since: self.since.map(moment::text) })
    }

    fn doubtful(&self) -> Vec<Doubtful> {
        let mut doubtful = self.epochs.doubtful();
        doubtful.iter_mut().for_each(|doubt| doubt.since = self.time_of(doubt.from_seq));
        doubtful
    }

    fn time_of(&self, seq: u64) -> Option<String> {
        let bytes = self.given.store.entry(seq).ok()??;
        Some(moment::text(View::parse(&bytes).ok()?.time))
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
        self.notes.append(&mut self.outside.notes);
        if self.anchored.is_none() {
            self.notes
                .push("no checkpoint from outside the database was given: a cut-off end would not show".to_owned());
        }
        let unanchored = self.unanchored();
        if let (Some(unanchored), true) = (&unanchored, self.anchored.is_some()) {
            let since = unanchored.since.as_deref().unwrap_or("an unknown time");
            self.notes.push(format!(
                "{} entries, from entry {} of {since} on, are covered by no checkpoint known outside this machine: whoever \
                 holds its keys could have rewritten them",
                unanchored.entries, unanchored.from_seq
            ));
        }
        let doubtful = self.doubtful();
        for doubt in &doubtful {
            let since = doubt.since.as_deref().unwrap_or("an unknown time");
            self.notes.push(format!(
                "entries {} to {}, since {since}, could have been rewritten with a stolen key: {}",
                doubt.from_seq, doubt.to_seq, doubt.why
            ));
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
        let signed = self.head_signed && !self.findings.iter().any(unsigned);
        let fallback = if self.anchored.is_some() { Verdict::Intact } else { Verdict::Unanchored };
        let (anchored_to, anchored_by, until) = match self.anchored {
            Some(Anchored { size, by, until }) => (Some(size), Some(by), until),
            None => (None, None, None),
        };
        Report {
            verdict: self.worst.unwrap_or(fallback),
            size: self.entries,
            root: self.tree.root(),
            signed,
            anchored_to,
            anchored_by,
            complete_until: until.map(moment::text),
            unanchored,
            anchors: self.outside.reports(),
            epochs: self.epochs.report(),
            doubtful,
            destroyed: self.groups.destroyed(),
            findings: self.findings,
            notes: self.notes,
            cannot_show: CANNOT_SHOW,
        }
    }
}

/// References to retention groups are told by how they begin.
fn is_group(value: &[u8]) -> bool {
    value.starts_with(GROUP_MARK.as_bytes())
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
mod key_tests;
#[cfg(test)]
mod tests;
