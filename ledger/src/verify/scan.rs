//! What of the verification needs no order: hashing entries, reading their headers, and gathering the index rows they
//! give. It is done in other threads, a batch of entries at a time, while the walk goes on.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::mpsc::{Receiver, SendError, Sender, TryRecvError, channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::hash::Hash;
use crate::header::{HeaderError, View};
use crate::log::CLOCK_RESET;
use crate::store::{EntryRow, index_key};
use crate::tree::leaf_hash;

use super::RECORD_DESTROYED;

/// Small enough to stay in a processor's cache.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 256 << 10;
const MAX_THREADS: usize = 7;
/// Batches a thread is given at most before it has given one back; the walk scans further ones itself.
const AHEAD: usize = 4;
/// Batches held at most, scanned or not, for each thread.
const HELD: usize = 8;

/// The kinds of entries the walk does more for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The clock was set back, by somebody who said so.
    ClockReset,
    /// A destruction.
    Destroyed,
    /// All others.
    Other,
}

/// What the walk needs to know of every header.
pub(super) struct Outline {
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) time: i64,
    pub(super) kind: Kind,
    pub(super) has_payloads: bool,
}

/// An entry, hashed and read.
pub(super) struct Scanned {
    pub(super) leaf: Hash,
    pub(super) outline: Result<Outline, HeaderError>,
}

struct Row {
    seq: u64,
    prev: Hash,
    time: i64,
    /// Where its bytes end in the batch.
    end: usize,
}

/// Rows copied from the store, and what was found in them.
pub(super) struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    scanned: Vec<Scanned>,
    index: Fingerprint,
    keys: Vec<i64>,
}

impl Batch {
    /// An empty batch whose index rows will be added to `index`.
    pub(super) fn new(index: &Fingerprint) -> Self {
        Self { bytes: Vec::new(), rows: Vec::new(), scanned: Vec::new(), index: index.empty(), keys: Vec::new() }
    }

    pub(super) fn push(&mut self, row: EntryRow<'_>) {
        self.bytes.extend_from_slice(row.bytes);
        self.rows.push(Row { seq: row.seq, prev: row.prev, time: row.time, end: self.bytes.len() });
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes.len() >= BATCH_BYTES
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.scanned.clear();
        self.index = self.index.empty();
    }

    /// Hashes and reads what was pushed.
    pub(super) fn scan(&mut self) {
        let mut start = 0;
        for row in &self.rows {
            let bytes = self.bytes.get(start..row.end).unwrap_or_default();
            start = row.end;
            let outline = View::parse(bytes).map(|view| {
                self.keys.clear();
                self.keys.push(index_key("", view.kind));
                for (name, value) in view.refs() {
                    self.keys.push(index_key(name, value));
                }
                // Two references under one key give one row.
                self.keys.sort_unstable();
                self.keys.dedup();
                self.keys.iter().for_each(|key| self.index.add(*key, row.seq));
                let kind = match view.kind {
                    kind if kind == RECORD_DESTROYED.as_bytes() => Kind::Destroyed,
                    kind if kind == CLOCK_RESET.as_bytes() => Kind::ClockReset,
                    _ => Kind::Other,
                };
                Outline { seq: view.seq, prev: view.prev, time: view.time, kind, has_payloads: view.has_payloads() }
            });
            self.scanned.push(Scanned { leaf: leaf_hash(bytes), outline });
        }
    }

    /// The rows with what was found in them, in the order pushed.
    pub(super) fn rows(&self) -> impl Iterator<Item = (EntryRow<'_>, &Scanned)> {
        let mut start = 0;
        self.rows.iter().zip(&self.scanned).map(move |(row, scanned)| {
            let bytes = self.bytes.get(start..row.end).unwrap_or_default();
            start = row.end;
            (EntryRow { seq: row.seq, prev: row.prev, time: row.time, bytes }, scanned)
        })
    }

    /// The index rows its entries give.
    pub(super) fn index(&self) -> &Fingerprint {
        &self.index
    }
}

struct Reader<'scope> {
    to: Sender<Batch>,
    from: Receiver<Batch>,
    thread: ScopedJoinHandle<'scope, ()>,
    /// Batches given and not yet back.
    pending: usize,
}

enum Held {
    /// With the reader of this number.
    Away(usize),
    Scanned(Batch),
}

/// The threads that scan batches. Batches come back in the order they were given. What the threads are too busy for,
/// and everything where there is no processor to spare, is scanned where it is given.
pub(super) struct Readers<'scope> {
    readers: Vec<Reader<'scope>>,
    held: VecDeque<Held>,
    spare: Vec<Batch>,
    index: Fingerprint,
    /// A thread ended early: its batch is lost, and nothing after it can be told.
    failed: bool,
}

impl<'scope> Readers<'scope> {
    pub(super) fn start<'env>(scope: &'scope Scope<'scope, 'env>, index: &Fingerprint) -> Self {
        let spare_processors = std::thread::available_parallelism().map_or(0, |all| usize::from(all) - 1);
        let readers = (0..spare_processors.min(MAX_THREADS)).filter_map(|_| {
            let (to, work) = channel::<Batch>();
            let (done, from) = channel();
            let scan_all = move || {
                for mut batch in work {
                    batch.scan();
                    if done.send(batch).is_err() {
                        return;
                    }
                }
            };
            // A thread that cannot be had is done without.
            let thread = std::thread::Builder::new().spawn_scoped(scope, scan_all).ok()?;
            Some(Reader { to, from, thread, pending: 0 })
        });
        Self {
            readers: readers.collect(),
            held: VecDeque::new(),
            spare: Vec::new(),
            index: index.empty(),
            failed: false,
        }
    }

    /// Takes a full batch and leaves an empty one.
    pub(super) fn exchange(&mut self, batch: &mut Batch) {
        let empty = self.spare.pop().unwrap_or_else(|| Batch::new(&self.index));
        let mut full = std::mem::replace(batch, empty);
        let idlest = self.readers.iter_mut().enumerate().min_by_key(|(_, reader)| reader.pending);
        let held = match idlest.filter(|(_, reader)| reader.pending < AHEAD) {
            None => {
                full.scan();
                Held::Scanned(full)
            }
            Some((number, reader)) => {
                // One that cannot be sent comes back, and is scanned here.
                match reader.to.send(full) {
                    Ok(()) => {
                        reader.pending += 1;
                        Held::Away(number)
                    }
                    Err(SendError(mut full)) => {
                        full.scan();
                        Held::Scanned(full)
                    }
                }
            }
        };
        self.held.push_back(held);
    }

    /// The oldest batch, if it is scanned or too many are held.
    pub(super) fn ready(&mut self) -> Option<Batch> {
        self.take(self.held.len() > HELD * self.readers.len())
    }

    /// The oldest batch, waited for; `None` when there is none.
    pub(super) fn next(&mut self) -> Option<Batch> {
        self.take(true)
    }

    fn take(&mut self, wait: bool) -> Option<Batch> {
        if self.failed {
            return None;
        }
        let number = match self.held.pop_front()? {
            Held::Scanned(batch) => return Some(batch),
            Held::Away(number) => number,
        };
        let reader = self.readers.get_mut(number)?;
        let read = if wait { reader.from.recv().map_err(TryRecvError::from) } else { reader.from.try_recv() };
        match read {
            Ok(read) => {
                reader.pending -= 1;
                return Some(read);
            }
            Err(TryRecvError::Empty) => self.held.push_front(Held::Away(number)),
            Err(TryRecvError::Disconnected) => self.failed = true,
        }
        None
    }

    /// Takes a batch back for later use.
    pub(super) fn recycle(&mut self, mut batch: Batch) {
        batch.clear();
        self.spare.push(batch);
    }

    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// Ends the threads; true when one of them died. Scanning does not panic: that would be a mistake in it.
    pub(super) fn end(self) -> bool {
        let ended = self.readers.into_iter().map(|reader| {
            drop(reader.to);
            reader.thread.join().is_err()
        });
        ended.fold(self.failed, |failed, died| failed | died)
    }
}

/// The field the fingerprint counts in: 2⁶¹−1, a prime.
const PRIME: u64 = (1 << 61) - 1;

fn reduced(n: u128) -> u64 {
    let prime = u128::from(PRIME);
    let n = (n & prime) + (n >> 61);
    let n = (n & prime) + (n >> 61);
    let n = n as u64;
    if n >= PRIME { n - PRIME } else { n }
}

/// A multiset of index rows in one number, whatever their order: the product of r + c·row over all rows, in the field
/// of 2⁶¹−1 elements, for r and c drawn afresh in each run. Two different multisets of n rows agree with a probability
/// below n/2⁶⁰ (a polynomial of degree n has at most n roots), and nobody can choose rows that do.
#[derive(Clone)]
pub(super) struct Fingerprint {
    /// r, and c for the halves of key and position.
    drawn: [u64; 5],
    product: u64,
    rows: u64,
}

impl Fingerprint {
    /// Of nothing; with fresh numbers.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self { drawn: [0_u8, 1, 2, 3, 4].map(|n| random.hash_one(n) % PRIME), product: 1, rows: 0 }
    }

    /// Of nothing; to be compared with this one.
    pub(super) fn empty(&self) -> Self {
        Self { drawn: self.drawn, product: 1, rows: 0 }
    }

    pub(super) fn add(&mut self, key: i64, seq: u64) {
        let key = key.cast_unsigned();
        // Halves, since a whole number of 64 bits has no element of its own in the field.
        let halves = [key >> 32, key & 0xffff_ffff, seq >> 32, seq & 0xffff_ffff];
        let [r, c @ ..] = self.drawn;
        let row: u128 = halves.into_iter().zip(c).map(|(half, c)| u128::from(half) * u128::from(c)).sum();
        let factor = reduced(row + u128::from(r));
        self.product = reduced(u128::from(self.product) * u128::from(factor));
        self.rows += 1;
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.product = reduced(u128::from(self.product) * u128::from(other.product));
        self.rows += other.rows;
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        (self.product, self.rows) == (other.product, other.rows)
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_multisets_apart_and_orders_not() {
        let of = |like: &Fingerprint, rows: &[(i64, u64)]| {
            let mut fingerprint = like.empty();
            rows.iter().for_each(|(key, seq)| fingerprint.add(*key, *seq));
            fingerprint
        };
        let drawn = Fingerprint::new();
        let rows = [(7, 0), (-7, 1), (i64::MIN, u64::MAX), (7, 2)];
        let whole = of(&drawn, &rows);
        let mut turned = rows;
        turned.reverse();
        assert!(of(&drawn, &turned).same(&whole));
        let mut parts = of(&drawn, &rows[..1]);
        parts.add_all(&of(&drawn, &rows[1..]));
        assert!(parts.same(&whole));
        for (at, other) in
            [(0, (8, 0)), (0, (7, 1)), (1, (7, 1)), (2, (i64::MIN, u64::MAX - 1)), (3, (7, 2 + PRIME)), (3, (7, 0))]
        {
            let mut changed = rows;
            changed[at] = other;
            assert!(!of(&drawn, &changed).same(&whole), "{other:?}");
        }
        assert!(!of(&drawn, &rows[1..]).same(&whole));
    }

    #[test]
    fn batches_come_back_in_order_and_scanned() {
        let index = Fingerprint::new();
        std::thread::scope(|scope| {
            let mut readers = Readers::start(scope, &index);
            let mut batch = Batch::new(&index);
            let mut seen = Vec::new();
            let mut note = |read: &Batch| {
                seen.extend(read.rows().map(|(row, scanned)| (row.seq, scanned.leaf == leaf_hash(row.bytes))))
            };
            for seq in 0..40 * BATCH_ROWS as u64 {
                batch.push(EntryRow { seq, prev: Hash::ZERO, time: 0, bytes: &seq.to_be_bytes() });
                if batch.is_full() {
                    readers.exchange(&mut batch);
                    while let Some(read) = readers.ready() {
                        note(&read);
                        readers.recycle(read);
                    }
                }
            }
            while let Some(read) = readers.next() {
                note(&read);
            }
            assert!(!readers.end());
            assert_eq!(seen.len(), 40 * BATCH_ROWS);
            assert!(seen.iter().enumerate().all(|(at, (seq, right))| at as u64 == *seq && *right));
        });
    }
}
