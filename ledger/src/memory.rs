//! Drivers that keep everything in memory: for tests of what stands above, and for looking at a copy of a ledger.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hash::Hash;
use crate::packing::{BUNDLE, Entries, Members, Packed, push_entry};
use crate::store::{Anchor, Commit, Identity, Run, Store, StoreError, StoredCheckpoint, StoredPayload};
use crate::tree::Tile;
use crate::vault::{BlobStore, BlobWriter, KeyStore};

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bundle, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryBundle {
    /// The latest time among its entries, in milliseconds since 1970.
    pub newest: i64,
    /// Its entries, as a run.
    pub entries: Vec<u8>,
}

/// What a [`MemoryStore`] holds. Open to everybody, so that tests can do to it what a forger would.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Whose log; `None` before it is created.
    pub identity: Option<Identity>,
    /// The latest checkpoint.
    pub head: Option<StoredCheckpoint>,
    /// Bundles by their place.
    pub bundles: BTreeMap<u64, MemoryBundle>,
    /// Runs of the tail by the position of their first entry.
    pub tail: BTreeMap<u64, Vec<u8>>,
    /// Tiles by level and position.
    pub tiles: BTreeMap<(u8, u64), Tile>,
    /// The index, by key and bundle.
    pub index: BTreeMap<(i64, u64), Members>,
    /// Payloads by ciphertext hash.
    pub payloads: BTreeMap<Hash, StoredPayload>,
}

impl Contents {
    /// The entries in order, by the positions that where they lie gives them.
    #[must_use]
    pub fn entries(&self) -> Vec<(u64, Vec<u8>)> {
        let bundles = self.bundles.iter().map(|(index, bundle)| (index * BUNDLE, &bundle.entries));
        let runs = bundles.chain(self.tail.iter().map(|(first, run)| (*first, run)));
        runs.flat_map(|(first, run)| (first..).zip(Entries::of(run).map(<[u8]>::to_vec))).collect()
    }

    /// Lays entries out anew, by position, in as many bundles as there are and a tail, and changes nothing else: tiles,
    /// index and checkpoint stay. Entries that are left out leave their bundle shorter.
    pub fn lay(&mut self, entries: impl IntoIterator<Item = (u64, Vec<u8>)>) {
        self.tail.clear();
        self.bundles.values_mut().for_each(|bundle| bundle.entries.clear());
        let mut last = None;
        for (seq, entry) in entries {
            let run = match self.bundles.get_mut(&(seq / BUNDLE)) {
                Some(bundle) => &mut bundle.entries,
                None => {
                    // A gap begins another row.
                    let first = last.filter(|(_, next)| *next == seq).map_or(seq, |(first, _)| first);
                    last = Some((first, seq + 1));
                    self.tail.entry(first).or_default()
                }
            };
            push_entry(run, &entry);
        }
    }

    /// Changes the bytes of an entry where it lies.
    ///
    /// # Panics
    /// When there is no such entry.
    pub fn alter(&mut self, seq: u64, change: impl FnOnce(&mut Vec<u8>)) {
        let mut entries = self.entries();
        let (_, bytes) = entries.iter_mut().find(|(at, _)| *at == seq).expect("there is such an entry");
        change(bytes);
        self.lay(entries);
    }

    fn pack(&mut self, packed: &Packed) {
        if self.bundles.contains_key(&packed.index) {
            return;
        }
        let bundle = MemoryBundle { newest: packed.newest, entries: packed.entries.clone() };
        self.bundles.insert(packed.index, bundle);
        self.tiles.extend(packed.tiles.iter().map(|tile| ((tile.level, tile.index), tile.clone())));
        self.index.extend(packed.keys.iter().map(|(key, members)| ((*key, packed.index), *members)));
        let beyond = self.tail.split_off(&packed.end());
        for (first, run) in std::mem::replace(&mut self.tail, beyond) {
            let mut entries = Entries::of(&run);
            if let Some(below) = (packed.end() - first).checked_sub(1) {
                entries.nth(below as usize);
            }
            if !entries.rest().is_empty() {
                self.tail.insert(packed.end(), entries.rest().to_vec());
            }
        }
    }
}

/// A [`Store`] in memory. Clones share their contents, as two processes share a database. Nothing survives the process.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Contents>>);

impl MemoryStore {
    /// What it holds, to look at or to change.
    pub fn contents(&self) -> MutexGuard<'_, Contents> {
        locked(&self.0)
    }

    fn created(&self) -> Result<MutexGuard<'_, Contents>, StoreError> {
        let contents = self.contents();
        if contents.identity.is_some() { Ok(contents) } else { Err(StoreError::Missing) }
    }
}

impl Store for MemoryStore {
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError> {
        let mut contents = self.contents();
        if contents.identity.is_some() {
            return Err(StoreError::Exists);
        }
        contents.identity = Some(identity.clone());
        contents.head = Some(StoredCheckpoint { size: 0, note: checkpoint.to_owned() });
        Ok(())
    }

    fn identity(&self) -> Result<Identity, StoreError> {
        self.created()?.identity.clone().ok_or(StoreError::Missing)
    }

    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        self.created()?.head.clone().ok_or_else(|| StoreError::Corrupt("it has no checkpoint".to_owned()))
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let mut contents = self.created()?;
        if contents.head.as_ref().is_none_or(|head| head.note != commit.onto) {
            return Err(StoreError::Moved);
        }
        commit.packed.iter().for_each(|packed| contents.pack(packed));
        if !commit.tail.is_empty() {
            contents.tail.insert(commit.first, commit.tail.to_vec());
        }
        for payload in &commit.payloads {
            contents.payloads.entry(payload.ciphertext).or_insert_with(|| (*payload).clone());
        }
        contents.head = Some(commit.checkpoint.clone());
        Ok(())
    }

    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        let mut contents = self.created()?;
        let size = contents.head.as_ref().map_or(0, |head| head.size);
        packed.iter().filter(|packed| packed.end() <= size).for_each(|packed| contents.pack(packed));
        Ok(())
    }

    fn bundles(&self) -> Result<u64, StoreError> {
        Ok(self.created()?.bundles.last_key_value().map_or(0, |(last, _)| last + 1))
    }

    fn runs(&self, from: u64, visit: &mut dyn FnMut(Run<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        // One at a time, and copies, so that the visitor may ask the store for more.
        let mut index = from / BUNDLE;
        loop {
            let next = self.created()?.bundles.range(index..).next().map(|(at, bundle)| (*at, bundle.clone()));
            let Some((at, MemoryBundle { newest, entries })) = next else { break };
            if visit(Run { first: at.saturating_mul(BUNDLE), newest: Some(newest), bytes: &entries }).is_break() {
                return Ok(());
            }
            index = at + 1;
        }
        let tail = self.created()?.tail.clone();
        let begin = tail.range(..=from).next_back().map_or(0, |(first, _)| *first);
        for (first, run) in tail.range(begin..) {
            if visit(Run { first: *first, newest: None, bytes: run }).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn find(
        &self,
        keys: &[i64],
        since_ms: Option<i64>,
        after: Option<u64>,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        self.runs(from, &mut |run| {
            let mut members = Members::ALL;
            if let Some(newest) = run.newest {
                if since_ms.is_some_and(|since| newest < since) {
                    return ControlFlow::Continue(());
                }
                let contents = self.contents();
                for key in keys {
                    members.retain(&contents.index.get(&(*key, run.first / BUNDLE)).copied().unwrap_or_default());
                }
            }
            for (seq, entry) in (run.first..).zip(Entries::of(run.bytes)) {
                let member = run.newest.is_none() || members.contains((seq % BUNDLE) as u8);
                if seq >= from && member && visit(seq, entry).is_break() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })
    }

    fn index(&self, visit: &mut dyn FnMut(i64, u64, &Members)) -> Result<(), StoreError> {
        self.created()?.index.iter().for_each(|((key, bundle), members)| visit(*key, *bundle, members));
        Ok(())
    }

    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError> {
        Ok(self.created()?.payloads.get(ciphertext).cloned())
    }

    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut counts = BTreeMap::new();
        for payload in self.created()?.payloads.values() {
            *counts.entry(payload.group.clone()).or_default() += 1;
        }
        Ok(counts)
    }

    fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Tile>, StoreError> {
        Ok(self.created()?.tiles.get(&(level, index)).cloned())
    }

    fn stored_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let contents = self.created()?;
        Ok(range.map_while(|index| contents.tiles.get(&(level, index)).map(|tile| tile.root)).collect())
    }

    fn stored_tiles(&self) -> Result<u64, StoreError> {
        Ok(self.created()?.tiles.len() as u64)
    }

    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError> {
        let mut contents = self.created()?;
        let mut bytes = 0;
        contents.payloads.retain(|_, payload| {
            let kept = payload.group != group;
            if !kept {
                bytes += payload.body.as_ref().map_or(0, Vec::len) as u64;
            }
            kept
        });
        Ok(bytes)
    }
}

/// An [`Anchor`] in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryAnchor(pub Arc<Mutex<Option<String>>>);

impl Anchor for MemoryAnchor {
    fn read(&self) -> io::Result<Option<String>> {
        Ok(locked(&self.0).clone())
    }

    fn write(&mut self, note: &str) -> io::Result<()> {
        *locked(&self.0) = Some(note.to_owned());
        Ok(())
    }
}

/// A [`KeyStore`] in memory; clones share it.
#[derive(Clone, Default)]
pub struct MemoryKeys(pub Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl KeyStore for MemoryKeys {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(locked(&self.0).get(name).cloned())
    }

    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        locked(&self.0).insert(name.to_owned(), contents.to_vec());
        Ok(())
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        locked(&self.0).entry(name.to_owned()).or_default().extend_from_slice(contents);
        Ok(())
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        locked(&self.0).remove(name);
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        Ok(locked(&self.0).keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    // Nothing here outlives the process, and within it the vault is borrowed by one at a time.
    fn lock(&self) -> io::Result<Box<dyn Send>> {
        Ok(Box::new(()))
    }
}

/// A [`BlobStore`] in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryBlobs(pub Arc<Mutex<BTreeMap<Hash, Vec<u8>>>>);

struct MemoryBlobWriter {
    store: MemoryBlobs,
    bytes: Vec<u8>,
}

impl Write for MemoryBlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl BlobWriter for MemoryBlobWriter {
    fn finish(self: Box<Self>) -> io::Result<Hash> {
        let hash = Hash::of(&self.bytes);
        locked(&self.store.0).insert(hash, self.bytes);
        Ok(hash)
    }
}

impl BlobStore for MemoryBlobs {
    fn writer(&self) -> io::Result<Box<dyn BlobWriter>> {
        Ok(Box::new(MemoryBlobWriter { store: self.clone(), bytes: Vec::new() }))
    }

    fn open(&self, hash: &Hash) -> io::Result<Option<Box<dyn Read + Send>>> {
        let found = locked(&self.0).get(hash).cloned();
        Ok(found.map(|bytes| Box::new(io::Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn destroy(&mut self, hash: &Hash) -> io::Result<()> {
        locked(&self.0).remove(hash);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        Ok(locked(&self.0).keys().copied().collect())
    }
}
