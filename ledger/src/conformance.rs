//! What every storage driver has to pass, and a store that fails on demand.
//!
//! Compiled with the feature `conformance`, which drivers' tests turn on. Everything here panics when a promise of
//! [`Store`] is broken.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::hash::Hash;
use crate::header::{Fact, Header, PayloadRef};
use crate::log::{AppendError, Body, Log, NewEntry, OpenError, Query, Sealed};
use crate::memory::MemoryAnchor;
use crate::note::{Epoch, LogSigner};
use crate::store::{
    Anchor as _, Commit, EntryRow, Identity, NoAnchor, Store, StoreError, StoredCheckpoint, StoredPayload,
};
use crate::verify::{Report, Verdict, Verification, verify};

/// Bytes that look random and are the same in each run.
pub struct Seeded(u64);

impl Seeded {
    /// A sequence of its own for each seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed << 32)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Hash::of(&self.0.to_be_bytes()).0[..chunk.len()]);
        }
    }
}

/// A log's signer for tests.
#[must_use]
pub fn signer(seed: u8) -> LogSigner {
    LogSigner::new("provenote.local/0000000000000000", &Zeroizing::new([seed; 32])).expect("a good origin")
}

/// The first epoch of a signer.
#[must_use]
pub fn epochs(signer: &LogSigner) -> Vec<Epoch> {
    vec![Epoch { number: 1, from_size: 0, key: signer.verifier().clone() }]
}

/// An inline payload that only looks sealed.
#[must_use]
pub fn payload(group: &str, ciphertext: &[u8]) -> Sealed {
    let wrapped_key = Hash::of(&[b"key", ciphertext].concat()).0.repeat(2);
    Sealed {
        reference: PayloadRef {
            name: "record".to_owned(),
            class: "clinical".to_owned(),
            scope: "cli-0123456789abcdef".to_owned(),
            group: group.to_owned(),
            media_type: "text/plain".to_owned(),
            padded_length: ciphertext.len() as u64,
            ciphertext: Hash::of(ciphertext),
            commitment: Hash::ZERO,
            wrapped_key: Hash::of(&wrapped_key),
        },
        wrapped_key,
        body: Body::Inline(ciphertext.to_vec()),
    }
}

/// An entry of some kind about some client.
#[must_use]
pub fn entry(kind: &str, client: u64) -> NewEntry {
    NewEntry::new("usr-0123456789abcdef", kind)
        .refer("client", format!("cli-{client:016}"))
        .fact("number", Fact::Number(7))
}

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Reported as failed, and not kept.
    Lost,
    /// Reported as failed, and kept all the same.
    Kept,
}

/// A store whose next write fails as planned, then works again.
pub struct Faulty {
    inner: Box<dyn Store>,
    plan: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    /// Wraps a store; the plan is shared with whoever holds it.
    #[must_use]
    pub fn new(inner: Box<dyn Store>) -> (Self, Arc<Mutex<Option<Fault>>>) {
        let plan = Arc::new(Mutex::new(None));
        (Self { inner, plan: Arc::clone(&plan) }, plan)
    }

    fn write<T>(&mut self, act: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).take();
        let failed = || StoreError::Backend("a fault on purpose".into());
        match fault {
            None => act(self.inner.as_mut()),
            Some(Fault::Lost) => Err(failed()),
            Some(Fault::Kept) => act(self.inner.as_mut()).and_then(|_| Err(failed())),
        }
    }
}

impl Store for Faulty {
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError> {
        self.write(|store| store.create(identity, checkpoint))
    }
    fn identity(&self) -> Result<Identity, StoreError> {
        self.inner.identity()
    }
    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        self.inner.latest()
    }
    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        self.write(|store| store.commit(commit))
    }
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.entry(seq)
    }
    fn entries(&self, from: u64, visit: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.inner.entries(from, visit)
    }
    fn previous(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.inner.previous(range)
    }
    fn find(&self, keys: &[i64], since_ms: Option<i64>, after: Option<u64>) -> Result<Vec<u64>, StoreError> {
        self.inner.find(keys, since_ms, after)
    }
    fn index(&self, visit: &mut dyn FnMut(i64, u64)) -> Result<(), StoreError> {
        self.inner.index(visit)
    }
    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError> {
        self.inner.payload(ciphertext)
    }
    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.inner.payload_counts()
    }
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.inner.tile(level, index)
    }
    fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.inner.tile_roots(level, range)
    }
    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.inner.checkpoints(from, limit)
    }
    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError> {
        self.write(|store| store.destroy_group(group))
    }
}

/// Opens one store again and again: each call is another process's view of it.
pub type Opener = Box<dyn Fn() -> Box<dyn Store>>;

/// Verifies without keys; with an anchor if there is one.
#[must_use]
pub fn verified(store: &dyn Store, signer: &LogSigner, anchor: Option<String>) -> Report {
    let epochs = epochs(signer);
    let given =
        Verification { store, epochs: &epochs, local_anchor: anchor, anchors: &[], vault: None, unlocked: None };
    verify(&given, &mut |_, _| {})
}

/// Everything below, each on a fresh store.
pub fn suite(fresh: &dyn Fn() -> Opener) {
    an_empty_store_says_so(&fresh());
    a_log_begins_once(&fresh());
    what_is_appended_is_found_again(&fresh());
    a_stale_commit_changes_nothing(&fresh());
    two_writers_do_not_fork(&fresh());
    tiles_and_checkpoints_are_kept(&fresh());
    a_destroyed_group_is_gone(&fresh());
    the_clock_may_not_go_back(&fresh());
    for fault in [Fault::Lost, Fault::Kept] {
        a_failed_write_does_not_fork(&fresh(), fault);
    }
}

fn begin(open: &Opener) -> (Log, LogSigner) {
    let signer = signer(1);
    (Log::create(open(), &signer, Box::new(NoAnchor)).expect("begins"), signer)
}

fn an_empty_store_says_so(open: &Opener) {
    let store = open();
    assert!(matches!(store.latest(), Err(StoreError::Missing)));
    assert!(matches!(store.identity(), Err(StoreError::Missing)));
    assert!(matches!(
        Log::open(open(), &epochs(&signer(1)), Box::new(NoAnchor)),
        Err(OpenError::Store(StoreError::Missing))
    ));
}

fn a_log_begins_once(open: &Opener) {
    let (log, signer) = begin(open);
    assert_eq!(log.size().expect("reads"), 0);
    let again = Log::create(open(), &signer, Box::new(NoAnchor));
    assert!(matches!(again, Err(OpenError::Store(StoreError::Exists))));
    let reopened = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    assert_eq!(reopened.identity().expect("reads").origin, signer.origin());
    let other = Log::open(open(), &epochs(&self::signer(2)), Box::new(NoAnchor));
    assert!(matches!(other, Err(OpenError::NotOurs(_))));
}

fn what_is_appended_is_found_again(open: &Opener) {
    let (mut log, signer) = begin(open);
    assert_eq!(log.append(1_000, &signer, Vec::new()).expect("nothing to do"), Vec::<u64>::new());
    let seqs =
        log.append(1_000, &signer, vec![entry("client.added", 1), entry("consent.granted", 1)]).expect("appends");
    assert_eq!(seqs, [0, 1]);
    let sealed = payload("grp-0123456789abcdef", b"ciphertext");
    let third = entry("consent.granted", 2).payload(sealed.clone());
    assert_eq!(log.append(2_000, &signer, vec![third]).expect("appends"), [2]);

    let log = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    assert_eq!(log.size().expect("reads"), 3);
    let header = log.header(2).expect("is there");
    assert_eq!(header.encode(), log.entry_bytes(2).expect("is there"), "one encoding");
    assert_eq!((header.seq, header.time, header.payloads.as_slice()), (2, 2_000, &[sealed.reference.clone()][..]));
    assert!(log.header(3).is_err());
    let seqs = |query: &Query<'_>| log.find(query).expect("finds").iter().map(|h| h.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&Query::kind("consent.granted")), [1, 2]);
    assert_eq!(seqs(&Query::kind("consent.granted").refer("client", "cli-0000000000000001")), [1]);
    assert_eq!(seqs(&Query::default().refer("client", "cli-0000000000000001")), [0, 1]);
    assert_eq!(seqs(&Query { since_ms: Some(1_500), ..Query::default() }), [2]);
    assert_eq!(seqs(&Query { since_ms: Some(1_500), ..Query::kind("consent.granted") }), [2]);
    assert_eq!(seqs(&Query { after_seq: Some(0), ..Query::default() }), [1, 2]);
    assert_eq!(seqs(&Query { after_seq: Some(1), ..Query::kind("consent.granted") }), [2]);
    assert_eq!(seqs(&Query::kind("client.viewed")), Vec::<u64>::new());
    let (wrapped, body) = log.sealed(&sealed.reference).expect("reads").expect("is there");
    assert_eq!((wrapped, body), (sealed.wrapped_key, sealed.body));
    let report = verified(log.store(), &signer, Some(log.checkpoint().expect("reads")));
    assert_eq!((report.verdict, report.size, report.findings), (Verdict::Intact, 3, Vec::new()));
}

fn a_stale_commit_changes_nothing(open: &Opener) {
    let (mut log, signer) = begin(open);
    let onto = log.checkpoint().expect("reads");
    log.append(1_000, &signer, vec![entry("client.added", 1)]).expect("appends");
    let mut other = open();
    let commit = Commit {
        onto,
        entries: Vec::new(),
        payloads: Vec::new(),
        tiles: Vec::new(),
        checkpoint: StoredCheckpoint { size: 9, note: "forged".to_owned() },
    };
    assert!(matches!(other.commit(&commit), Err(StoreError::Moved)));
    assert_eq!(other.latest().expect("reads").size, 1);
}

fn two_writers_do_not_fork(open: &Opener) {
    let (mut one, signer) = begin(open);
    let mut two = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    for round in 0..5 {
        let here = one.append(1_000, &signer, vec![entry("client.added", round)]).expect("appends");
        let there = two.append(1_000, &signer, vec![entry("client.viewed", round)]).expect("appends");
        assert_eq!((here, there), (vec![round * 2], vec![round * 2 + 1]));
    }
    assert_eq!(verified(open().as_ref(), &signer, Some(one.checkpoint().expect("reads"))).verdict, Verdict::Intact);
}

fn tiles_and_checkpoints_are_kept(open: &Opener) {
    let (mut log, signer) = begin(open);
    for batch in [1_u64, 254, 1, 300, 3] {
        let entries = (0..batch).map(|n| entry("client.viewed", n % 3)).collect();
        log.append(1_000, &signer, entries).expect("appends");
        Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens at every size");
    }
    let store = open();
    assert_eq!(store.tile(0, 0).expect("reads").map(|hashes| hashes.len()), Some(256));
    assert_eq!(store.tile(0, 1).expect("reads").map(|hashes| hashes.len()), Some(256));
    assert_eq!(store.tile(0, 2).expect("reads"), None);
    assert_eq!(store.tile_roots(0, 0..2).expect("reads").len(), 2);
    assert!(store.tile_roots(0, 0..3).is_err());
    let sizes: Vec<u64> = store.checkpoints(0, 99).expect("reads").iter().map(|c| c.size).collect();
    assert_eq!(sizes, [0, 1, 255, 256, 556, 559]);
    let sizes: Vec<u64> = store.checkpoints(2, 2).expect("reads").iter().map(|c| c.size).collect();
    assert_eq!(sizes, [255, 256]);
    let mut seen = Vec::new();
    let stop_at_five = &mut |row: EntryRow<'_>| {
        seen.push(row.seq);
        if row.seq == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.entries(3, stop_at_five).expect("reads");
    assert_eq!(seen, [3, 4, 5]);
    assert_eq!(verified(store.as_ref(), &signer, Some(log.checkpoint().expect("reads"))).verdict, Verdict::Intact);
}

fn a_destroyed_group_is_gone(open: &Opener) {
    let (mut log, signer) = begin(open);
    let (doomed, kept) = (payload("grp-doomed", &[1; 5_000]), payload("grp-kept", &[2; 300]));
    let entries = vec![entry("session.recorded", 1).payload(doomed.clone()).payload(kept.clone())];
    log.append(1_000, &signer, entries).expect("appends");
    log.append(2_000, &signer, vec![entry("record.destroyed", 1).refer("group", "grp-doomed")]).expect("appends");
    assert_eq!(log.delete_ciphertext("grp-doomed").expect("destroys"), 5_000);
    assert_eq!(log.delete_ciphertext("grp-doomed").expect("twice is no error"), 0);
    assert_eq!(log.sealed(&doomed.reference).expect("reads"), None);
    assert!(log.sealed(&kept.reference).expect("reads").is_some());
    assert_eq!(open().payload_counts().expect("reads"), BTreeMap::from([("grp-kept".to_owned(), 1)]));
    let report = verified(log.store(), &signer, Some(log.checkpoint().expect("reads")));
    assert_eq!(report.verdict, Verdict::Intact, "{:?}", report.findings);
    log.delete_ciphertext("grp-kept").expect("destroys");
    assert_eq!(verified(log.store(), &signer, None).verdict, Verdict::Incomplete, "no entry records it");
}

fn the_clock_may_not_go_back(open: &Opener) {
    let (mut log, signer) = begin(open);
    log.append(100_000, &signer, vec![entry("client.added", 1)]).expect("appends");
    log.append(95_000, &signer, vec![entry("client.added", 2)]).expect("within five seconds");
    assert_eq!(log.header(1).expect("is there").time, 100_000);
    let behind = log.append(94_999, &signer, vec![entry("client.added", 3)]);
    assert!(matches!(behind, Err(AppendError::ClockBehind { now: 94_999, last: 100_000 })));
    log.append(50_000, &signer, vec![entry("clock.reset", 1), entry("client.added", 3)]).expect("accepted");
    assert_eq!(log.header(3).expect("is there").time, 50_000);
    let report = verified(log.store(), &signer, Some(log.checkpoint().expect("reads")));
    assert_eq!(report.verdict, Verdict::Intact);
    assert!(report.notes.iter().any(|note| note.contains("accepted a clock")), "{:?}", report.notes);
}

fn a_failed_write_does_not_fork(open: &Opener, fault: Fault) {
    let signer = signer(1);
    let anchor = MemoryAnchor::default();
    let (store, plan) = Faulty::new(open());
    let mut log = Log::create(Box::new(store), &signer, Box::new(anchor.clone())).expect("begins");
    log.append(1_000, &signer, vec![entry("client.added", 1)]).expect("appends");
    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    assert!(matches!(log.append(1_000, &signer, vec![entry("client.added", 2)]), Err(AppendError::Store(_))));
    let seqs = log.append(1_000, &signer, vec![entry("client.added", 3)]).expect("works again");
    let kept: Vec<String> = (0..log.size().expect("reads"))
        .map(|seq| Header::parse(&log.entry_bytes(seq).expect("reads")).expect("a header").refs["client"].clone())
        .collect();
    match fault {
        Fault::Lost => assert_eq!((seqs, kept.len()), (vec![1], 2)),
        Fault::Kept => assert_eq!((seqs, kept.len()), (vec![2], 3)),
    }
    // The anchor never led: it opens, and everything verifies.
    let noted = anchor.read().expect("reads");
    Log::open(open(), &epochs(&signer), Box::new(anchor)).expect("opens");
    let report = verified(open().as_ref(), &signer, noted);
    assert_eq!(report.verdict, Verdict::Intact, "{:?}", report.findings);

    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    let sealed = payload("grp-doomed", b"ciphertext");
    assert!(log.append(1_000, &signer, vec![entry("session.recorded", 1).payload(sealed.clone())]).is_err());
    log.append(1_000, &signer, vec![entry("session.recorded", 1).payload(sealed)]).expect("the same again");
    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    log.append(1_000, &signer, vec![entry("record.destroyed", 1).refer("group", "grp-doomed")]).expect_err("fails");
    log.append(1_000, &signer, vec![entry("record.destroyed", 1).refer("group", "grp-doomed")]).expect("appends");
    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    assert!(log.delete_ciphertext("grp-doomed").is_err());
    log.delete_ciphertext("grp-doomed").expect("repeated");
    assert!(open().payload_counts().expect("reads").is_empty());
    let report = verified(open().as_ref(), &signer, None);
    assert_eq!(report.findings, Vec::new());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn the_store_in_memory_passes() {
        suite(&|| {
            let store = MemoryStore::default();
            Box::new(move || Box::new(store.clone()))
        });
    }
}
