//! What of the verification needs no order: hashing entries, reading their headers, and gathering the index rows they
//! give. It is done in other threads, a batch of entries at a time, while the walk goes on.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SendError, Sender, TryRecvError, channel};
use std::thread::{Scope, ScopedJoinHandle};

use crate::hash::Hash;
use crate::header::{HeaderError, View};
use crate::log::CLOCK_RESET;
use crate::packing::{BUNDLE, Entries, Members};
use crate::rotation::KEY_ROTATED;
use crate::store::{Run, index_key};
use crate::tree::leaf_hash;

use super::{RECORD_DESTROYED, is_group};

/// Small enough to stay in a processor's cache: a bundle of entries of a kilobyte, or as many of the tail.
const BATCH_BYTES: usize = 256 << 10;
const BATCH_RUNS: usize = 256;
/// A batch that grew beyond this, because entries were large, is not kept for later use.
const KEPT_BYTES: usize = 2 << 20;
const MAX_THREADS: usize = 7;
/// A kind and as many references as entries commonly have.
const SEEN: usize = 6;
/// Batches a thread is given at most before it has given one back; the walk scans further ones itself.
const AHEAD: usize = 4;
/// Batches held at most, scanned or not, for each thread; and bytes of all of them, more or less a batch.
const HELD: usize = 8;
const HELD_BYTES: usize = 32 << 20;

/// The kinds of entries the walk does more for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The clock was set back, by somebody who said so.
    ClockReset,
    /// A destruction.
    Destroyed,
    /// A new key of the log.
    KeyRotated,
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
    /// It refers to a retention group.
    pub(super) announces: bool,
}

/// An entry, hashed and read.
pub(super) struct Scanned {
    pub(super) leaf: Hash,
    pub(super) outline: Result<Outline, HeaderError>,
    /// Where its bytes lie in the batch.
    pub(super) bytes: Range<usize>,
}

struct Row {
    first: u64,
    newest: Option<i64>,
    /// Where its bytes end in the batch.
    end: usize,
    /// Where its entries end in `scanned`.
    scanned: usize,
    /// Bytes after its last entry that are none.
    torn: bool,
}

/// A run, and what was found in it.
pub(super) struct ScannedRun<'a> {
    pub(super) first: u64,
    pub(super) newest: Option<i64>,
    pub(super) entries: &'a [Scanned],
    pub(super) torn: bool,
    /// The batch's bytes, of which entries name parts.
    pub(super) bytes: &'a [u8],
}

/// Runs copied from the store, and what was found in them.
pub(super) struct Batch {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    scanned: Vec<Scanned>,
    index: Fingerprint,
    members: Keyed,
}

/// The index rows of a bundle.
#[derive(Default)]
struct Keyed {
    rows: Vec<(i64, Members)>,
    /// Where each key stands in them. The keys are hashes already.
    places: HashMap<i64, usize, BuildHasherDefault<Unhashed>>,
}

impl Keyed {
    fn row(&mut self, key: i64) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.rows.push((key, Members::default()));
            self.rows.len() - 1
        })
    }
}

/// What the entry before had in the same place, and its row: the next one often has the same.
#[derive(Clone, Copy)]
struct Seen<'a> {
    name: &'a [u8],
    value: &'a [u8],
    row: usize,
}

#[derive(Default)]
struct Unhashed(u64);

impl Hasher for Unhashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_i64(&mut self, key: i64) {
        self.0 = key.cast_unsigned();
    }
}

impl Batch {
    /// An empty batch whose index rows will be added to `index`.
    pub(super) fn new(index: &Fingerprint) -> Self {
        Self {
            bytes: Vec::new(),
            rows: Vec::new(),
            scanned: Vec::new(),
            index: index.empty(),
            members: Keyed::default(),
        }
    }

    pub(super) fn push(&mut self, run: Run<'_>) {
        self.bytes.extend_from_slice(run.bytes);
        let end = self.bytes.len();
        self.rows.push(Row { first: run.first, newest: run.newest, end, scanned: 0, torn: false });
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_RUNS
            || self.bytes.len() >= BATCH_BYTES
            || self.rows.iter().any(|row| row.newest.is_some())
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.scanned.clear();
        self.index = self.index.empty();
    }

    /// Hashes and reads what was pushed.
    pub(super) fn scan(&mut self) {
        let Self { bytes, rows, scanned, index, members } = self;
        let mut start = 0;
        for row in rows {
            scan_run(row, start, bytes, scanned, index, members);
            start = row.end;
        }
    }

    /// Hashes and reads a run where it lies, for who has nobody to give it to. The batch holds nothing but that.
    pub(super) fn scan_here<'a>(&'a mut self, run: Run<'a>) -> ScannedRun<'a> {
        self.clear();
        let Run { first, newest, bytes } = run;
        let mut row = Row { first, newest, end: bytes.len(), scanned: 0, torn: false };
        scan_run(&mut row, 0, bytes, &mut self.scanned, &mut self.index, &mut self.members);
        ScannedRun { first, newest, entries: &self.scanned, torn: row.torn, bytes }
    }

    /// The runs with what was found in them, in the order pushed.
    pub(super) fn runs(&self) -> impl Iterator<Item = ScannedRun<'_>> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let entries = self.scanned.get(start..row.scanned).unwrap_or_default();
            start = row.scanned;
            ScannedRun { first: row.first, newest: row.newest, entries, torn: row.torn, bytes: &self.bytes }
        })
    }

    /// The index rows its bundles give.
    pub(super) fn index(&self) -> &Fingerprint {
        &self.index
    }
}

/// Hashes and reads the entries of one run, which begins at `start` of `bytes`.
fn scan_run(
    row: &mut Row,
    start: usize,
    bytes: &[u8],
    scanned: &mut Vec<Scanned>,
    index: &mut Fingerprint,
    members: &mut Keyed,
) {
    let mut entries = Entries::of(bytes.get(start..row.end).unwrap_or_default());
    let mut seen = [None::<Seen<'_>>; SEEN];
    let mut add = |slot: usize, name, value, place| {
        let before = seen.get(slot).copied().flatten().filter(|seen| seen.value == value && seen.name == name);
        let row = before.map_or_else(|| members.row(index_key(name, value)), |seen| seen.row);
        if let Some(slot) = seen.get_mut(slot) {
            *slot = Some(Seen { name, value, row });
        }
        if let Some((_, members)) = members.rows.get_mut(row) {
            members.insert(place);
        }
    };
    for place in 0.. {
        let Some(entry) = entries.next() else { break };
        let end = row.end - entries.rest().len();
        let outline = View::parse(entry).map(|view| {
            let mut announces = false;
            if row.newest.is_some()
                && let Ok(place) = u8::try_from(place)
            {
                add(0, b"", view.kind, place);
                for (slot, (name, value)) in (1..).zip(view.refs()) {
                    add(slot, name, value, place);
                    announces |= is_group(value);
                }
            } else {
                announces = view.refs().any(|(_, value)| is_group(value));
            }
            let kind = match view.kind {
                kind if kind == RECORD_DESTROYED.as_bytes() => Kind::Destroyed,
                kind if kind == CLOCK_RESET.as_bytes() => Kind::ClockReset,
                kind if kind == KEY_ROTATED.as_bytes() => Kind::KeyRotated,
                _ => Kind::Other,
            };
            Outline {
                seq: view.seq,
                prev: view.prev,
                time: view.time,
                kind,
                has_payloads: view.has_payloads(),
                announces,
            }
        });
        scanned.push(Scanned { leaf: leaf_hash(entry), outline, bytes: end - entry.len()..end });
    }
    (row.scanned, row.torn) = (scanned.len(), !entries.rest().is_empty());
    for (key, members) in members.rows.drain(..) {
        index.add(key, row.first / BUNDLE, &members);
    }
    members.places.clear();
}

struct Reader<'scope> {
    to: Sender<Batch>,
    from: Receiver<Batch>,
    thread: ScopedJoinHandle<'scope, ()>,
    /// Batches given and not yet back.
    pending: usize,
}

enum Held {
    /// With the reader of this number; so many bytes.
    Away(usize, usize),
    Scanned(Box<Batch>),
}

/// The threads that scan batches. Batches come back in the order they were given. What the threads are too busy for,
/// and everything where there is no processor to spare, is scanned where it is given.
pub(super) struct Readers<'scope> {
    readers: Vec<Reader<'scope>>,
    held: VecDeque<Held>,
    held_bytes: usize,
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
            held_bytes: 0,
            spare: Vec::new(),
            index: index.empty(),
            failed: false,
        }
    }

    /// Takes a full batch and leaves an empty one.
    pub(super) fn exchange(&mut self, batch: &mut Batch) {
        let empty = self.spare.pop().unwrap_or_else(|| Batch::new(&self.index));
        let mut full = std::mem::replace(batch, empty);
        let bytes = full.bytes.len();
        self.held_bytes += bytes;
        let idlest = self.readers.iter_mut().enumerate().min_by_key(|(_, reader)| reader.pending);
        let held = match idlest.filter(|(_, reader)| reader.pending < AHEAD) {
            None => {
                full.scan();
                Held::Scanned(Box::new(full))
            }
            Some((number, reader)) => {
                // One that cannot be sent comes back, and is scanned here.
                match reader.to.send(full) {
                    Ok(()) => {
                        reader.pending += 1;
                        Held::Away(number, bytes)
                    }
                    Err(SendError(mut full)) => {
                        full.scan();
                        Held::Scanned(Box::new(full))
                    }
                }
            }
        };
        self.held.push_back(held);
    }

    /// The oldest batch, if it is scanned or too many are held.
    pub(super) fn ready(&mut self) -> Option<Batch> {
        self.take(self.held.len() > HELD * self.readers.len() || self.held_bytes > HELD_BYTES)
    }

    /// The oldest batch, waited for; `None` when there is none.
    pub(super) fn next(&mut self) -> Option<Batch> {
        self.take(true)
    }

    fn take(&mut self, wait: bool) -> Option<Batch> {
        if self.failed {
            return None;
        }
        let (number, bytes) = match self.held.pop_front()? {
            Held::Scanned(batch) => {
                self.held_bytes -= batch.bytes.len();
                return Some(*batch);
            }
            Held::Away(number, bytes) => (number, bytes),
        };
        let reader = self.readers.get_mut(number)?;
        let read = if wait { reader.from.recv().map_err(TryRecvError::from) } else { reader.from.try_recv() };
        match read {
            Ok(read) => {
                reader.pending -= 1;
                self.held_bytes -= bytes;
                return Some(read);
            }
            Err(TryRecvError::Empty) => self.held.push_front(Held::Away(number, bytes)),
            Err(TryRecvError::Disconnected) => self.failed = true,
        }
        None
    }

    /// Takes a batch back for later use.
    pub(super) fn recycle(&mut self, mut batch: Batch) {
        if batch.bytes.capacity() <= KEPT_BYTES {
            batch.clear();
            self.spare.push(batch);
        }
    }

    /// True when there is nobody but who gives.
    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty()
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
    /// r, and c for the halves of key, bundle and members.
    drawn: [u64; 13],
    product: u64,
    rows: u64,
}

impl Fingerprint {
    /// Of nothing; with fresh numbers.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self { drawn: std::array::from_fn(|n| random.hash_one(n) % PRIME), product: 1, rows: 0 }
    }

    /// Of nothing; to be compared with this one.
    pub(super) fn empty(&self) -> Self {
        Self { drawn: self.drawn, product: 1, rows: 0 }
    }

    pub(super) fn add(&mut self, key: i64, bundle: u64, members: &Members) {
        let [r, c @ ..] = self.drawn;
        let (eights, _) = members.0.as_chunks::<8>();
        let words =
            [key.cast_unsigned(), bundle].into_iter().chain(eights.iter().map(|eight| u64::from_le_bytes(*eight)));
        // Halves, since a whole number of 64 bits has no element of its own in the field.
        let halves = words.flat_map(|word| [word >> 32, word & 0xffff_ffff]);
        let row: u128 = halves.zip(c).map(|(half, c)| u128::from(half) * u128::from(c)).sum();
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

    fn members(places: &[u8]) -> Members {
        let mut members = Members::default();
        places.iter().for_each(|place| members.insert(*place));
        members
    }

    #[test]
    fn a_fingerprint_tells_multisets_apart_and_orders_not() {
        type Row = (i64, u64, Members);
        let of = |like: &Fingerprint, rows: &[Row]| {
            let mut fingerprint = like.empty();
            rows.iter().for_each(|(key, bundle, members)| fingerprint.add(*key, *bundle, members));
            fingerprint
        };
        let drawn = Fingerprint::new();
        let rows =
            [(7, 0, members(&[0])), (-7, 1, members(&[255])), (i64::MIN, u64::MAX, members(&[])), (7, 2, Members::ALL)];
        let whole = of(&drawn, &rows);
        let mut turned = rows;
        turned.reverse();
        assert!(of(&drawn, &turned).same(&whole));
        let mut parts = of(&drawn, &rows[..1]);
        parts.add_all(&of(&drawn, &rows[1..]));
        assert!(parts.same(&whole));
        for (at, other) in [
            (0, (8, 0, members(&[0]))),
            (0, (7, 1, members(&[0]))),
            (0, (7, 0, members(&[1]))),
            (0, (7, 0, members(&[0, 255]))),
            (1, (7, 1, members(&[255]))),
            (2, (i64::MIN, u64::MAX - 1, members(&[]))),
            (3, (7, 2 + PRIME, Members::ALL)),
            (3, (7, 0, Members::ALL)),
        ] {
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
                for run in read.runs() {
                    let [scanned] = run.entries else { panic!("one entry") };
                    seen.push((run.first, scanned.leaf == leaf_hash(&run.bytes[scanned.bytes.clone()]) && !run.torn));
                }
            };
            for seq in 0..40 * BATCH_RUNS as u64 {
                let mut bytes = Vec::new();
                crate::packing::push_entry(&mut bytes, &seq.to_be_bytes());
                batch.push(Run { first: seq, newest: None, bytes: &bytes });
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
            assert_eq!(seen.len(), 40 * BATCH_RUNS);
            assert!(seen.iter().enumerate().all(|(at, (seq, right))| at as u64 == *seq && *right));
        });
    }
}
