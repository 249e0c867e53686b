//! Entries that lie together, and what is stored beside them.
//!
//! A **run** is entries one after the other in the form of an entry bundle of C2SP tlog-tiles ("Log Entries"): each as
//! its length, two bytes big endian, and its bytes. The latest entries lie in runs as they were committed, the *tail*;
//! whenever 256 of them are full they are **packed**: one run, the tiles they complete, and the index they are found by.

use std::collections::BTreeMap;

use crate::header::{HeaderError, View};
use crate::store::index_key;
use crate::tree::{TILE_WIDTH, Tile};

/// Entries in a bundle: the width of a tile.
pub const BUNDLE: u64 = TILE_WIDTH as u64;

/// Adds an entry to a run. A header has at most 65,535 bytes; what is longer is cut off there.
pub fn push_entry(run: &mut Vec<u8>, entry: &[u8]) {
    write_entry(run, |out| out.extend_from_slice(entry));
}

/// Adds an entry to a run where `write` appends its bytes, and returns them.
pub(crate) fn write_entry(run: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
    let start = run.len();
    run.extend_from_slice(&[0; 2]);
    write(run);
    let length = u16::try_from(run.len().saturating_sub(start + 2)).unwrap_or(u16::MAX);
    let end = start + 2 + usize::from(length);
    run.truncate(end);
    if let Some(two) = run.get_mut(start..start + 2) {
        two.copy_from_slice(&length.to_be_bytes());
    }
    run.get(start + 2..).unwrap_or_default()
}

/// The entries of a run, in order.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    /// Of a run's bytes.
    #[must_use]
    pub fn of(run: &'a [u8]) -> Self {
        Self { rest: run }
    }

    /// What has not been read. After the last entry it is empty, unless the run was cut or is none.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some(entry)
    }
}

/// Some of the entries of a bundle: entry `i` is one of them when bit `i % 8`, 1 being the lowest, of byte `i / 8` is
/// set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Members(pub [u8; 32]);

impl Members {
    /// Every entry.
    pub const ALL: Self = Self([0xff; 32]);

    /// Adds an entry by its place in the bundle.
    pub fn insert(&mut self, place: u8) {
        self.0[usize::from(place / 8)] |= 1 << (place % 8);
    }

    /// Keeps those that are in `other` too.
    pub fn retain(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// True for an entry that is one of them.
    #[must_use]
    pub fn contains(&self, place: u8) -> bool {
        self.0[usize::from(place / 8)] & (1 << (place % 8)) != 0
    }

    /// True when there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 32]
    }
}

/// A bundle of 256 entries and everything that is stored with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its place: it holds entries `256 * index` to `256 * index + 255`.
    pub index: u64,
    /// The latest time among its entries, in milliseconds since 1970.
    pub newest: i64,
    /// The entries, as a run.
    pub entries: Vec<u8>,
    /// What they are found by, ascending by key.
    pub keys: Vec<(i64, Members)>,
    /// The tiles they complete: one of level 0, and those of higher levels whose last entry is among them.
    pub tiles: Vec<Tile>,
}

impl Packed {
    /// Packs a run of 256 entries. `tiles` are those they complete.
    ///
    /// # Errors
    /// [`HeaderError`] of an entry that is no header; there should be none in a log.
    pub fn new(index: u64, entries: Vec<u8>, tiles: Vec<Tile>) -> Result<Self, HeaderError> {
        let mut newest = i64::MIN;
        let mut keys: BTreeMap<i64, Members> = BTreeMap::new();
        for (place, entry) in (0..=u8::MAX).zip(Entries::of(&entries)) {
            let view = View::parse(entry)?;
            newest = newest.max(view.time);
            for key in view_keys(&view) {
                keys.entry(key).or_default().insert(place);
            }
        }
        Ok(Self { index, newest, entries, keys: keys.into_iter().collect(), tiles })
    }

    /// The position after its last entry.
    #[must_use]
    pub fn end(&self) -> u64 {
        (self.index + 1) * BUNDLE
    }
}

/// What an entry is found by: its kind (under the empty name, which no reference has) and its references.
pub(crate) fn view_keys<'a>(view: &View<'a>) -> impl Iterator<Item = i64> + use<'a> {
    std::iter::once(index_key("", view.kind)).chain(view.refs().map(|(name, value)| index_key(name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_pushed_is_read_again(entries in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..700), 0..9)) {
            let mut run = Vec::new();
            entries.iter().for_each(|entry| push_entry(&mut run, entry));
            let mut read = Entries::of(&run);
            prop_assert_eq!(read.by_ref().map(<[u8]>::to_vec).collect::<Vec<_>>(), entries);
            prop_assert!(read.rest().is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut read = Entries::of(&bytes);
            let used: usize = read.by_ref().map(|entry| entry.len() + 2).sum();
            prop_assert_eq!(used + read.rest().len(), bytes.len());
        }
    }

    #[test]
    fn the_form_is_that_of_tlog_tiles() {
        let mut run = Vec::new();
        push_entry(&mut run, b"ab");
        push_entry(&mut run, b"");
        push_entry(&mut run, &[7; 258]);
        assert_eq!(run[..8], [0, 2, b'a', b'b', 0, 0, 1, 2]);
        assert_eq!(run.len(), 4 + 2 + 260);
        let mut cut = Entries::of(&run[..200]);
        assert_eq!(cut.by_ref().count(), 2);
        assert_eq!(cut.rest().len(), 194, "a cut entry is not read");
    }

    #[test]
    fn members_are_bits_in_order() {
        let mut members = Members::default();
        assert!(members.is_empty());
        for place in [0, 9, 255] {
            members.insert(place);
        }
        assert_eq!((members.0[0], members.0[1], members.0[31]), (1, 2, 0x80));
        let found: Vec<u8> = (0..=u8::MAX).filter(|place| members.contains(*place)).collect();
        assert_eq!(found, [0, 9, 255]);
        let mut both = Members::ALL;
        both.retain(&members);
        assert_eq!(both, members);
    }
}
