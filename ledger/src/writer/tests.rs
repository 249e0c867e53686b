use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::*;
use crate::conformance::{Fault, Faulty, entry, epochs, signer, verified};
use crate::hash::Hash;
use crate::header::Fact;
use crate::memory::MemoryStore;
use crate::note::LogSigner;
use crate::packing::{Members, Packed};
use crate::store::{Commit, Identity, NoAnchor, Run, Store, StoredCheckpoint, StoredPayload};
use crate::tree::Tile;
use crate::verify::Verdict;

fn begun(store: Box<dyn Store>) -> (Log, LogSigner) {
    let signer = signer(1);
    (Log::create(store, &signer, Box::new(NoAnchor)).expect("begins"), self::signer(1))
}

/// The client each entry is about, in the order of the log.
fn clients(store: &MemoryStore) -> Vec<String> {
    let log = Log::open(Box::new(store.clone()), &epochs(&signer(1)), Box::new(NoAnchor)).expect("opens");
    let size = log.size().expect("reads");
    (0..size).map(|seq| log.header(seq).expect("is there").refs["client"].clone()).collect()
}

fn intact(store: &MemoryStore) {
    let latest = store.latest().expect("reads");
    let report = verified(store, &signer(1), Some(latest.note));
    assert_eq!((report.verdict, report.size, report.findings), (Verdict::Intact, latest.size, Vec::new()));
}

#[test]
fn many_threads_append_and_each_is_told_its_own_positions() {
    let store = MemoryStore::default();
    let (log, key) = begun(Box::new(store.clone()));
    let (writer, thread) = Writer::start(log, key, || 1_000).expect("starts");
    let told: Vec<(u64, Vec<u64>)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u64)
            .map(|number| {
                let writer = writer.clone();
                scope.spawn(move || {
                    (0..40_u64)
                        .map(|round| {
                            let client = number * 1_000 + round;
                            let entries = vec![entry("client.viewed", client); (round % 3) as usize + 1];
                            (client, writer.append(entries).expect("appends"))
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("does not panic")).collect()
    });
    drop(writer);
    let log = thread.join().expect("ends when nobody is left");
    let size = told.iter().map(|(_, seqs)| seqs.len() as u64).sum::<u64>();
    assert_eq!(log.size().expect("reads"), size);
    let clients = clients(&store);
    let mut seen = BTreeSet::new();
    for (client, seqs) in &told {
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "together, in order");
        for seq in seqs {
            assert_eq!(clients[*seq as usize], format!("cli-{client:016}"));
            assert!(seen.insert(*seq));
        }
    }
    intact(&store);
    assert_eq!(store.bundles().expect("reads"), size / 256, "packed as it went");
}

#[test]
fn a_group_that_is_refused_leaves_the_others_alone() {
    let store = MemoryStore::default();
    let (mut log, key) = begun(Box::new(store.clone()));
    let long = (0..600)
        .fold(entry("client.viewed", 1), |entry, n| entry.fact(&format!("fact_{n}"), Fact::Text("x".repeat(128))));
    let group = |entries| Prepared::new(entries).expect("is good");
    log.append(10_000, &key, vec![entry("client.added", 1)]).expect("appends");
    let groups = [
        group(vec![entry("client.viewed", 2)]),
        group(vec![entry("client.viewed", 3), long]),
        group(vec![entry("client.viewed", 4)]),
    ];
    let outcomes = log.append_groups(10_000, &key, &groups).expect("is written");
    assert!(matches!(
        outcomes.as_slice(),
        [Ok(Range { start: 1, end: 2 }), Err(AppendError::TooLong { .. }), Ok(Range { start: 2, end: 3 })]
    ));
    // The clock is behind for all but the one that accepts it, and those after it.
    let groups = [
        group(vec![entry("client.viewed", 5)]),
        group(vec![entry("clock.reset", 6)]),
        group(vec![entry("client.viewed", 7)]),
    ];
    let outcomes = log.append_groups(1_000, &key, &groups).expect("is written");
    assert!(matches!(outcomes.as_slice(), [Err(AppendError::ClockBehind { .. }), Ok(_), Ok(_)]));
    // All refused: nothing is written.
    let before = log.checkpoint().expect("reads");
    let outcomes = log.append_groups(-100_000, &key, &groups[..1]).expect("nothing to write");
    assert!(matches!(outcomes.as_slice(), [Err(AppendError::ClockBehind { .. })]));
    assert_eq!(log.checkpoint().expect("reads"), before);
    let kept: Vec<String> = [1, 2, 4, 6, 7].iter().map(|n| format!("cli-{n:016}")).collect();
    assert_eq!(clients(&store), kept);

    let (writer, _) = Writer::start(log, key, || 1_000).expect("starts");
    assert!(matches!(writer.append(vec![entry("two words", 1)]), Err(AppendError::Token(_))));
    assert_eq!(writer.append(vec![entry("client.viewed", 8)]).expect("appends"), [5]);
    assert_eq!(writer.append(Vec::new()).expect("nothing to do"), Vec::<u64>::new());
    intact(&store);
}

/// Each write of a long run fails once, lost or kept; what was acknowledged is there, once, and nothing else but what
/// was reported as failed.
#[test]
fn a_store_that_fails_is_told_to_everybody_and_nothing_is_lost() {
    for fault in [Fault::Lost, Fault::Kept] {
        let store = MemoryStore::default();
        let (faulty, plan) = Faulty::new(Box::new(store.clone()));
        let (log, key) = begun(Box::new(faulty));
        let (writer, thread) = Writer::start(log, key, || 1_000).expect("starts");
        let outcomes: Vec<(u64, Result<Vec<u64>, AppendError>)> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u64)
                .map(|number| {
                    let (writer, plan) = (writer.clone(), &plan);
                    scope.spawn(move || {
                        (0..60_u64)
                            .map(|round| {
                                if number == 0 && round % 5 == 3 {
                                    *plan.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                                }
                                let client = number * 1_000 + round;
                                (client, writer.append(vec![entry("client.viewed", client)]))
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("does not panic")).collect()
        });
        drop(writer);
        thread.join().expect("ends");
        let clients = clients(&store);
        let once: BTreeSet<&String> = clients.iter().collect();
        assert_eq!(once.len(), clients.len(), "nothing twice");
        let mut failed = 0;
        for (client, outcome) in &outcomes {
            let client = format!("cli-{client:016}");
            match outcome {
                Ok(seqs) => assert_eq!(clients[seqs[0] as usize], client),
                Err(error) => {
                    assert!(error.to_string().contains("database failed"), "{error}");
                    assert_eq!(once.contains(&client), fault == Fault::Kept, "{client}");
                    failed += 1;
                }
            }
        }
        assert!(failed > 0 && failed < outcomes.len(), "{failed} of {}", outcomes.len());
        intact(&store);
    }
}

/// A store that panics in its second commit.
struct Panicking {
    inner: MemoryStore,
    commits: u32,
}

impl Store for Panicking {
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError> {
        self.inner.create(identity, checkpoint)
    }
    fn identity(&self) -> Result<Identity, StoreError> {
        self.inner.identity()
    }
    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        self.inner.latest()
    }
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.commits += 1;
        assert!(self.commits < 2, "a panic on purpose");
        self.inner.commit(commit)
    }
    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        self.inner.pack(packed)
    }
    fn bundles(&self) -> Result<u64, StoreError> {
        self.inner.bundles()
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
    fn payload_counts(&self) -> Result<std::collections::BTreeMap<String, u64>, StoreError> {
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
        self.inner.destroy_group(group)
    }
}

#[test]
fn a_panic_is_told_to_everybody_who_waits_and_whoever_comes_later() {
    let store = MemoryStore::default();
    let (log, key) = begun(Box::new(Panicking { inner: store.clone(), commits: 0 }));
    let (writer, thread) = Writer::start(log, key, || 1_000).expect("starts");
    assert_eq!(writer.append(vec![entry("client.added", 1)]).expect("appends"), [0]);
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for number in 0..8 {
            let (writer, outcomes) = (writer.clone(), &outcomes);
            scope.spawn(move || {
                let outcome = writer.append(vec![entry("client.viewed", number)]);
                outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(outcomes.len(), 8);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(AppendError::WriterGone))), "{outcomes:?}");
    // The thread lets go of its answers before it lets go of its queue: one who comes between the two is told, too.
    assert!(matches!(writer.append(vec![entry("client.viewed", 9)]), Err(AppendError::WriterGone)));
    assert!(thread.join().is_err());
    assert!(matches!(writer.submit(vec![entry("client.viewed", 9)]).map(drop), Err(AppendError::WriterGone)));
    assert_eq!(clients(&store).len(), 1);
    intact(&store);
}

#[test]
fn two_writers_on_one_store_do_not_fork() {
    let store = MemoryStore::default();
    let (log, key) = begun(Box::new(store.clone()));
    let other = Log::open(Box::new(store.clone()), &epochs(&key), Box::new(NoAnchor)).expect("opens");
    let writers = [(log, key), (other, signer(1))].map(|(log, key)| Writer::start(log, key, || 1_000).expect("starts"));
    let told: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u64)
            .map(|number| {
                let writer = writers[(number % 2) as usize].0.clone();
                scope.spawn(move || {
                    let each = (0..50).map(|round| writer.append(vec![entry("client.viewed", number * 100 + round)]));
                    each.map(|outcome| outcome.expect("appends")[0]).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("does not panic")).collect()
    });
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 400);
    for (writer, thread) in writers {
        drop(writer);
        thread.join().expect("ends");
    }
    assert_eq!(clients(&store).len(), 400);
    intact(&store);
}
