//! Drivers that keep everything in memory: for tests of what stands above, and for looking at a copy of a ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hash::Hash;
use crate::store::{Anchor, Commit, EntryRow, Identity, Store, StoreError, StoredCheckpoint, StoredPayload};
use crate::tree::Tile;
use crate::vault::{BlobStore, BlobWriter, KeyStore};

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An entry and its columns, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryEntry {
    /// Leaf hash of the entry before.
    pub prev: Hash,
    /// Milliseconds since 1970.
    pub time: i64,
    /// The header's bytes.
    pub bytes: Vec<u8>,
}

/// What a [`MemoryStore`] holds. Open to everybody, so that tests can do to it what a forger would.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Whose log; `None` before it is created.
    pub identity: Option<Identity>,
    /// Entries by position.
    pub entries: BTreeMap<u64, MemoryEntry>,
    /// Rows of the index.
    pub index: BTreeSet<(i64, u64)>,
    /// Payloads by ciphertext hash.
    pub payloads: BTreeMap<Hash, StoredPayload>,
    /// Tiles by level and position.
    pub tiles: BTreeMap<(u8, u64), Tile>,
    /// Checkpoint notes by size.
    pub checkpoints: BTreeMap<u64, String>,
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
        contents.checkpoints.insert(0, checkpoint.to_owned());
        Ok(())
    }

    fn identity(&self) -> Result<Identity, StoreError> {
        self.created()?.identity.clone().ok_or(StoreError::Missing)
    }

    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        let contents = self.created()?;
        let last = contents
            .checkpoints
            .last_key_value()
            .map(|(size, note)| StoredCheckpoint { size: *size, note: note.clone() });
        last.ok_or_else(|| StoreError::Corrupt("it has no checkpoint".to_owned()))
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), StoreError> {
        if self.latest()?.note != commit.onto {
            return Err(StoreError::Moved);
        }
        let mut contents = self.contents();
        for row in &commit.entries {
            let entry = MemoryEntry { prev: row.prev, time: row.time, bytes: row.bytes.clone() };
            contents.entries.insert(row.seq, entry);
            contents.index.extend(row.keys.iter().map(|key| (*key, row.seq)));
        }
        for payload in &commit.payloads {
            contents.payloads.entry(payload.ciphertext).or_insert_with(|| payload.clone());
        }
        for tile in &commit.tiles {
            contents.tiles.insert((tile.level, tile.index), tile.clone());
        }
        contents.checkpoints.insert(commit.checkpoint.size, commit.checkpoint.note.clone());
        Ok(())
    }

    fn entry(&self, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.created()?.entries.get(&seq).map(|entry| entry.bytes.clone()))
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(EntryRow<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        // A copy, so that the visitor may ask the store for more.
        let entries: Vec<(u64, MemoryEntry)> =
            self.created()?.entries.range(from..).map(|(seq, entry)| (*seq, entry.clone())).collect();
        for (seq, entry) in &entries {
            let row = EntryRow { seq: *seq, prev: entry.prev, time: entry.time, bytes: &entry.bytes };
            if visit(row).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn previous(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let contents = self.created()?;
        let missing = |seq| StoreError::Corrupt(format!("entry {seq} is missing"));
        range.map(|seq| contents.entries.get(&seq).map(|entry| entry.prev).ok_or_else(|| missing(seq))).collect()
    }

    fn find(&self, keys: &[i64], since_ms: Option<i64>, after: Option<u64>) -> Result<Vec<u64>, StoreError> {
        let contents = self.created()?;
        let from = after.map_or(0, |after| after.saturating_add(1));
        let found = contents.entries.range(from..).filter(|(seq, entry)| {
            keys.iter().all(|key| contents.index.contains(&(*key, **seq)))
                && since_ms.is_none_or(|since| entry.time >= since)
        });
        Ok(found.map(|(seq, _)| *seq).collect())
    }

    fn index(&self, visit: &mut dyn FnMut(i64, u64)) -> Result<(), StoreError> {
        self.created()?.index.iter().for_each(|(key, seq)| visit(*key, *seq));
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

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        Ok(self.created()?.tiles.get(&(level, index)).map(|tile| tile.hashes.clone()))
    }

    fn tile_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let contents = self.created()?;
        let missing = |index| StoreError::Corrupt(format!("tile {index} of level {level} is missing"));
        range
            .map(|index| contents.tiles.get(&(level, index)).map(|tile| tile.root).ok_or_else(|| missing(index)))
            .collect()
    }

    fn checkpoints(&self, from: u64, limit: usize) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let contents = self.created()?;
        let found = contents.checkpoints.range(from..).take(limit);
        Ok(found.map(|(size, note)| StoredCheckpoint { size: *size, note: note.clone() }).collect())
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

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        locked(&self.0).remove(name);
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        Ok(locked(&self.0).keys().filter(|name| name.starts_with(prefix)).cloned().collect())
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
