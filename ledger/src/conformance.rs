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
use crate::log::{AppendError, Body, Log, NewEntry, OpenError, Prepared, Query, Sealed};
use crate::memory::MemoryAnchor;
use crate::note::{Epoch, LogSigner};
use crate::packing::{Entries, Members, Packed};
use crate::store::{Anchor as _, Commit, Identity, NoAnchor, Run, Store, StoreError, StoredCheckpoint, StoredPayload};
use crate::tree::{Tile, leaf_hash};
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
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.write(|store| store.commit(commit))
    }
    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        self.write(|store| store.pack(packed))
    }
    fn bundles(&self) -> Result<u64, StoreError> {
        self.inner.bundles()
    }
    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.entry(seq)
    }
    fn runs(&self, from: u64, visit: &mut dyn FnMut(Run<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.inner.runs(from, visit)
    }
    fn find(
        &self,
        keys: &[i64],
        since_ms: Option<i64>,
        after: Option<u64>,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.inner.find(keys, since_ms, after, visit)
    }
    fn index(&self, visit: &mut dyn FnMut(i64, u64, &Members)) -> Result<(), StoreError> {
        self.inner.index(visit)
    }
    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError> {
        self.inner.payload(ciphertext)
    }
    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.inner.payload_counts()
    }
    fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Tile>, StoreError> {
        self.inner.stored_tile(level, index)
    }
    fn stored_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.inner.stored_roots(level, range)
    }
    fn stored_tiles(&self) -> Result<u64, StoreError> {
        self.inner.stored_tiles()
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
    let given = Verification { local_anchor: anchor, ..Verification::new(store, &epochs) };
    verify(&given, &mut |_, _| {})
}

/// Everything below, each on a fresh store.
pub fn suite(fresh: &dyn Fn() -> Opener) {
    an_empty_store_says_so(&fresh());
    a_log_begins_once(&fresh());
    what_is_appended_is_found_again(&fresh());
    a_stale_commit_changes_nothing(&fresh());
    two_writers_do_not_fork(&fresh());
    what_was_decided_on_an_older_log_is_not_written(&fresh());
    bundles_tiles_and_tail_are_kept(&fresh());
    what_is_packed_is_found_as_before(&fresh());
    a_run_across_two_bundles_is_cut(&fresh());
    lost_packing_is_made_up_for(&fresh());
    two_writers_pack_once(&fresh());
    a_destroyed_group_is_gone(&fresh());
    the_clock_may_not_go_back(&fresh());
    for fault in [Fault::Lost, Fault::Kept] {
        a_failed_write_does_not_fork(&fresh(), fault);
        failed_packing_loses_nothing(&fresh(), fault);
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
    let checkpoint = StoredCheckpoint { size: 9, note: "forged".to_owned() };
    let commit =
        Commit { onto: &onto, packed: &[], first: 1, tail: b"\0\x01x", payloads: Vec::new(), checkpoint: &checkpoint };
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

fn what_was_decided_on_an_older_log_is_not_written(open: &Opener) {
    let (mut one, signer) = begin(open);
    let mut two = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    let moved = |outcome| matches!(outcome, Err(AppendError::Store(StoreError::Moved)));
    for round in 0..5 {
        let looked = one.size().expect("reads");
        two.append(1_000, &signer, vec![entry("consent.revoked", round)]).expect("appends");
        // Once with the head of before in its memory, once with the one it has read since.
        assert!(moved(one.append_if(looked, 1_000, &signer, vec![entry("draft.made", round)])));
        assert!(moved(one.append_if(looked, 1_000, &signer, vec![entry("draft.made", round)])));
        let looked = one.size().expect("reads");
        assert!(moved(one.append_if(looked + 1, 1_000, &signer, vec![entry("draft.made", round)])));
        let written = one.append_if(looked, 1_000, &signer, vec![entry("client.viewed", round)]).expect("appends");
        assert_eq!((written, one.size().expect("reads")), (vec![looked], looked + 1));
    }
    let log = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    assert_eq!((log.size().expect("reads"), log.find(&Query::kind("draft.made")).expect("finds").len()), (10, 0));
    assert_eq!(verified(open().as_ref(), &signer, Some(one.checkpoint().expect("reads"))).verdict, Verdict::Intact);
}

fn bundles_tiles_and_tail_are_kept(open: &Opener) {
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
    assert_eq!((store.bundles().expect("reads"), store.stored_tiles().expect("reads")), (2, 2));
    assert_eq!(store.latest().expect("reads").size, 559);
    let leaves: Vec<Hash> =
        (0..559).map(|seq| leaf_hash(&store.entry(seq).expect("reads").expect("is there"))).collect();
    for range in [0..0, 0..1, 3..255, 255..257, 250..559, 512..559] {
        let part = &leaves[range.start as usize..range.end as usize];
        assert_eq!(store.leaf_hashes(range.clone()).expect("reads"), part, "{range:?}");
    }
    assert!(store.leaf_hashes(558..560).is_err());
    assert_eq!(store.entry(559).expect("reads"), None);
    let mut runs = Vec::new();
    store
        .runs(300, &mut |run| {
            runs.push((run.first, Entries::of(run.bytes).count(), run.newest));
            if runs.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .expect("reads");
    assert_eq!(runs, [(256, 256, Some(1_000)), (512, 44, None)]);
    assert_eq!(verified(store.as_ref(), &signer, Some(log.checkpoint().expect("reads"))).verdict, Verdict::Intact);
}

fn intact(open: &Opener, signer: &LogSigner, size: u64) {
    let store = open();
    let report = verified(store.as_ref(), signer, Some(store.latest().expect("reads").note));
    assert_eq!((report.verdict, report.size, report.findings), (Verdict::Intact, size, Vec::new()));
}

fn prepared(entries: Vec<NewEntry>) -> Prepared {
    Prepared::new(entries).expect("is good")
}

fn what_is_packed_is_found_as_before(open: &Opener) {
    let (mut log, signer) = begin(open);
    // In the tail, across the end of a bundle, and in bundles at once.
    let mut time = 0;
    for batch in [200_u64, 100, 600, 30] {
        time += 1_000;
        let entries = (0..batch).map(|n| entry(if n % 50 == 7 { "client.added" } else { "client.viewed" }, n % 30));
        log.append(time, &signer, entries.collect()).expect("appends");
    }
    let log = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    assert_eq!(open().bundles().expect("reads"), 3);
    let all: Vec<Header> = (0..930).map(|seq| log.header(seq).expect("is there")).collect();
    let client = "cli-0000000000000007";
    for (kind, of, since_ms, after_seq) in [
        (None, None, None, None),
        (None, None, Some(3_000), Some(800)),
        (None, None, Some(9_000), None),
        (Some("client.added"), None, None, None),
        (Some("client.added"), None, Some(2_000), None),
        (Some("client.added"), None, Some(3_000), Some(511)),
        (None, Some(client), None, Some(255)),
        (Some("client.added"), Some(client), None, None),
        (Some("client.viewed"), Some(client), Some(4_000), Some(100)),
        (Some("client.gone"), Some(client), None, None),
    ] {
        let refs = of.iter().map(|of: &&str| ("client".to_owned(), (*of).to_owned())).collect();
        let found = log.find(&Query { kind, refs, since_ms, after_seq }).expect("finds");
        let wanted = all.iter().filter(|header| {
            kind.is_none_or(|kind| header.kind == kind)
                && of.is_none_or(|of| header.refs["client"] == of)
                && since_ms.is_none_or(|since| header.time >= since)
                && after_seq.is_none_or(|after| header.seq > after)
        });
        assert_eq!(found, wanted.cloned().collect::<Vec<_>>());
    }
    let mut seen = 0;
    let stop_at_three = &mut |_, _: &[u8]| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    log.store().find(&[], None, Some(254), stop_at_three).expect("reads");
    assert_eq!(seen, 3);
    intact(open, &signer, 930);
}

fn a_run_across_two_bundles_is_cut(open: &Opener) {
    let (mut log, signer) = begin(open);
    for batch in [250_u64, 255, 255] {
        log.append_groups(1_000, &signer, &[prepared((0..batch).map(|n| entry("client.viewed", n)).collect())])
            .expect("appends");
    }
    assert_eq!(open().bundles().expect("reads"), 0, "packed by nobody yet");
    assert_eq!(open().tile(0, 1).expect("reads").map(|hashes| hashes.len()), Some(256), "computed");
    assert_eq!(open().tile_roots(0, 0..2).expect("reads").len(), 2);
    intact(open, &signer, 760);
    let before: Vec<_> = (0..760).map(|seq| log.entry_bytes(seq).expect("reads")).collect();
    log.pack();
    let store = open();
    assert_eq!((store.bundles().expect("reads"), store.stored_tiles().expect("reads")), (2, 2));
    let mut runs = Vec::new();
    let each = &mut |run: Run<'_>| {
        runs.push((run.first, Entries::of(run.bytes).count()));
        ControlFlow::Continue(())
    };
    store.runs(0, each).expect("reads");
    assert_eq!(runs, [(0, 256), (256, 256), (512, 248)]);
    assert_eq!(before, (0..760).map(|seq| log.entry_bytes(seq).expect("reads")).collect::<Vec<_>>());
    intact(open, &signer, 760);
    log.append(1_000, &signer, vec![entry("client.viewed", 1)]).expect("goes on");
    intact(open, &signer, 761);
}

fn lost_packing_is_made_up_for(open: &Opener) {
    // A process that is killed after each append, before it packs.
    let signer = signer(1);
    drop(Log::create(open(), &signer, Box::new(NoAnchor)).expect("begins"));
    for round in 0..5 {
        let mut log = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
        let entries = (0..120).map(|n| entry("client.viewed", n)).collect();
        log.append_groups(1_000, &signer, &[prepared(entries)]).expect("appends");
        intact(open, &signer, (round + 1) * 120);
    }
    assert_eq!(open().bundles().expect("reads"), 0);
    let mut log = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    log.append(1_000, &signer, vec![entry("client.viewed", 1)]).expect("appends");
    assert_eq!(open().bundles().expect("reads"), 2);
    intact(open, &signer, 601);
    // Many at once go into bundles together with a tail that was not packed.
    let entries = (0..200).map(|n| entry("client.viewed", n)).collect();
    log.append_groups(1_000, &signer, &[prepared(entries)]).expect("appends");
    log.append(1_000, &signer, (0..300).map(|n| entry("client.viewed", n)).collect()).expect("appends");
    assert_eq!(open().bundles().expect("reads"), 4);
    intact(open, &signer, 1_101);
}

fn two_writers_pack_once(open: &Opener) {
    let (mut one, signer) = begin(open);
    let mut two = Log::open(open(), &epochs(&signer), Box::new(NoAnchor)).expect("opens");
    for round in 0..5 {
        // Both know of the same full bundles, and one packs behind the other's back.
        let log = if round % 2 == 0 { &mut one } else { &mut two };
        let entries = (0..200).map(|n| entry("client.viewed", n)).collect();
        log.append_groups(1_000, &signer, &[prepared(entries)]).expect("appends");
        one.pack();
        two.pack();
        intact(open, &signer, (round + 1) * 200);
    }
    two.append(1_000, &signer, (0..300).map(|n| entry("client.viewed", n)).collect()).expect("appends");
    one.append(1_000, &signer, vec![entry("client.viewed", 1)]).expect("appends");
    assert_eq!(open().bundles().expect("reads"), 5);
    intact(open, &signer, 1_301);
}

fn failed_packing_loses_nothing(open: &Opener, fault: Fault) {
    let signer = signer(1);
    let (store, plan) = Faulty::new(open());
    let mut log = Log::create(Box::new(store), &signer, Box::new(NoAnchor)).expect("begins");
    let fail = || *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    for _ in 0..3 {
        log.append_groups(1_000, &signer, &[prepared((0..100).map(|n| entry("client.viewed", n)).collect())])
            .expect("appends");
    }
    fail();
    log.pack();
    let kept = u64::from(fault == Fault::Kept);
    assert_eq!(open().bundles().expect("reads"), kept, "reported as failed");
    intact(open, &signer, 300);
    assert_eq!(log.append(1_000, &signer, vec![entry("client.viewed", 1)]).expect("goes on"), [300]);
    assert_eq!(open().bundles().expect("reads"), 1, "tried again");
    intact(open, &signer, 301);
    // A commit that packs at once.
    fail();
    let many = || (0..600).map(|n| entry("client.viewed", n)).collect();
    assert!(matches!(log.append(1_000, &signer, many()), Err(AppendError::Store(_))));
    intact(open, &signer, 301 + 600 * kept);
    assert_eq!(log.append(1_000, &signer, many()).expect("works again").len(), 600);
    intact(open, &signer, 901 + 600 * kept);
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
