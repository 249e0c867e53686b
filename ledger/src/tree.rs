//! The Merkle tree of RFC 6962 §2.1 over entries' bytes, and its tiles.
//!
//! Tiles are those of C2SP tlog-tiles: height 8, so a full tile holds 256 hashes of one level. Only full tiles are
//! stored; what lies right of them, the right edge, follows from the last entries and the roots of the last tiles.
//! So an append writes a tile once in 256 entries, and opening a log or proving an entry reads one path.

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;
/// Levels of the tree a tile spans.
pub const TILE_HEIGHT: u32 = 8;

/// SHA-256(0x00 ‖ entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [1; 65];
    block[1..33].copy_from_slice(&left.0);
    block[33..].copy_from_slice(&right.0);
    Hash::of(&block)
}

/// The roots of the complete subtrees a tree of some size falls into, largest first: enough to append and to tell
/// the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.nodes.pop() {
                hash = node_hash(&left, &hash);
            }
            size >>= 1;
        }
        self.nodes.push(hash);
        self.size += 1;
    }

    /// The tree's root; of the empty tree, SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.nodes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| Hash::of(b""))
    }
}

/// A full tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// 0 for leaf hashes, 1 for roots of level-0 tiles, and so on.
    pub level: u8,
    /// Position within the level.
    pub index: u64,
    /// Root of the 256 hashes.
    pub root: Hash,
    /// The 256 hashes.
    pub hashes: Vec<Hash>,
}

impl Tile {
    /// The position after the last entry below it.
    #[must_use]
    pub fn end(&self) -> u64 {
        (self.index + 1)
            .saturating_mul(1_u64.checked_shl(TILE_HEIGHT * (u32::from(self.level) + 1)).unwrap_or(u64::MAX))
    }
}

/// Root of a complete subtree of 2ⁿ hashes.
#[must_use]
pub fn tile_root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}

/// The right edge: at each level, the hashes that do not yet fill a tile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    frontier: Frontier,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// How many hashes of `level` stand in the edge of a tree of `size` leaves, and where they start.
    #[must_use]
    pub fn span(size: u64, level: u8) -> (u64, u64) {
        let count = size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0);
        (count & !(TILE_WIDTH as u64 - 1), count)
    }

    /// Levels a tree of `size` leaves has.
    #[must_use]
    pub fn height(size: u64) -> u8 {
        (0..8).find(|level| size.checked_shr(TILE_HEIGHT * u32::from(*level)).unwrap_or(0) == 0).unwrap_or(8)
    }

    /// Puts an edge together: `levels[l]` holds the hashes of [`Edge::span`]`(size, l)`.
    /// `None` when the counts do not fit the size.
    #[must_use]
    pub fn from_levels(size: u64, levels: Vec<Vec<Hash>>) -> Option<Self> {
        if levels.len() != usize::from(Self::height(size)) {
            return None;
        }
        let mut nodes = Vec::new();
        for (level, hashes) in (0..Self::height(size)).zip(&levels).rev() {
            let (from, to) = Self::span(size, level);
            if hashes.len() as u64 != to - from {
                return None;
            }
            let mut part = Frontier::default();
            hashes.iter().for_each(|hash| part.push(*hash));
            nodes.append(&mut part.nodes);
        }
        Some(Self { frontier: Frontier { size, nodes }, levels })
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.frontier.size
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Adds a leaf; tiles that become full are appended to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        self.frontier.push(leaf);
        let mut hash = leaf;
        for level in 0_u8.. {
            if self.levels.len() == usize::from(level) {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < TILE_WIDTH {
                return;
            }
            let hashes = std::mem::take(hashes);
            hash = tile_root(&hashes);
            let (_, count) = Self::span(self.frontier.size, level + 1);
            full.push(Tile { level, index: count - 1, root: hash, hashes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962 §2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => *one,
            _ => {
                let mut k = 1;
                while k * 2 < leaves.len() {
                    k *= 2;
                }
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| leaf_hash(&i.to_be_bytes())).collect()
    }

    #[test]
    fn known_roots() {
        // RFC 6962's empty tree, and the first leaves of the test vectors every implementation shares.
        assert_eq!(
            Frontier::default().root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(leaf_hash(b"").to_string(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        let mut two = Frontier::default();
        two.push(leaf_hash(b""));
        two.push(leaf_hash(&[0]));
        assert_eq!(two.root().to_string(), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn tiles_and_edge_rebuild_every_size() {
        let leaves = leaves(66_000);
        let mut edge = Edge::default();
        let mut tiles: Vec<Tile> = Vec::new();
        for (i, leaf) in leaves.iter().enumerate() {
            edge.push(*leaf, &mut tiles);
            let size = i as u64 + 1;
            if size < 600 && !size.is_multiple_of(7)
                || size >= 600 && ![65_535, 65_536, 65_537, 65_793, 66_000].contains(&size)
            {
                continue;
            }
            let levels = (0..Edge::height(size))
                .map(|level| {
                    let (from, to) = Edge::span(size, level);
                    (from..to)
                        .map(|at| {
                            if level == 0 {
                                leaves[at as usize]
                            } else {
                                tiles.iter().find(|t| t.level == level - 1 && t.index == at).expect("a full tile").root
                            }
                        })
                        .collect()
                })
                .collect();
            let rebuilt = Edge::from_levels(size, levels).expect("fits");
            assert_eq!(rebuilt.root(), edge.root(), "size {size}");
            assert_eq!(rebuilt.levels, edge.levels, "size {size}");
        }
        assert_eq!(tiles.len(), 66_000 / 256 + 1);
        assert_eq!(edge.root(), mth(&leaves));
        assert!(tiles.iter().all(|tile| tile.root == mth(&tile.hashes)));
    }

    proptest! {
        #[test]
        fn frontier_is_rfc_6962(n in 0_u64..700) {
            let leaves = leaves(n);
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.push(*leaf));
            prop_assert_eq!(frontier.root(), mth(&leaves));
        }
    }

    #[test]
    fn a_wrong_edge_is_refused() {
        assert_eq!(Edge::from_levels(3, vec![leaves(2)]), None);
        assert_eq!(Edge::from_levels(256, vec![Vec::new()]), None);
        assert!(Edge::from_levels(256, vec![Vec::new(), leaves(1)]).is_some());
    }
}
