//! Proofs over the tree: that an entry is in it (inclusion), and that one tree begins with another (consistency).
//!
//! RFC 6962 §2.1.1 and §2.1.2; the checks are those of RFC 9162 §2.1.3.2 and §2.1.4.2, widened to subtrees as
//! draft-ietf-plants-merkle-tree-certs §4 does. [`TlogProof`] is the file of C2SP tlog-proof.
//!
//! A proof is made from the tiles on its path and the last tiles of the right edge, never from entries.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::hash::Hash;
use crate::note::{Checkpoint, MAX_NOTE, NoteError, SignedNote, base64_hash, decimal};
use crate::store::{Store, StoreError};
use crate::tree::{Frontier, TILE_HEIGHT, TILE_WIDTH, leaf_hash, node_hash};

/// The longest proof there can be, in hashes: one for each level of a tree of 2⁶³ leaves, as C2SP tlog-witness counts.
pub const MAX_PROOF: usize = 63;
/// The longest text read as a C2SP tlog-proof, in bytes.
pub const MAX_TLOG_PROOF: usize = 2 * MAX_NOTE;

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The position is not within the tree or subtree.
    #[error("the proof is of entry {index}, which a tree of {size} entries does not have")]
    Outside {
        /// The position.
        index: u64,
        /// Where the tree ends.
        size: u64,
    },
    /// The later tree is the smaller one.
    #[error("the proof leads from a tree of {old} entries to one of {new}, which is shorter")]
    Backwards {
        /// Size of the earlier tree.
        old: u64,
        /// Size of the later tree.
        new: u64,
    },
    /// Every tree begins with the empty one, so there is nothing to prove.
    #[error("a proof from the empty tree shows nothing")]
    FromNothing,
    /// The range is not one that a node of some tree covers (draft-ietf-plants-merkle-tree-certs §4.1).
    #[error("entries {start} to {end} are no subtree")]
    NoSubtree {
        /// First leaf.
        start: u64,
        /// One past the last.
        end: u64,
    },
    /// The proof has more or fewer hashes than the sizes call for.
    #[error("the proof has {0} hashes, which is not what its sizes call for: it is truncated, or has something added")]
    Length(usize),
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Mismatch,
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The log is not so long.
    #[error("the ledger has {log} entries, so nothing can be proved of {asked}")]
    Beyond {
        /// What was asked for.
        asked: u64,
        /// Length of the log.
        log: u64,
    },
    /// Not an entry of the tree that was named, or a later tree that is the shorter one.
    #[error(transparent)]
    Asked(#[from] ProofError),
    /// The checkpoint given is none.
    #[error(transparent)]
    Checkpoint(#[from] NoteError),
    /// The proof that came out does not lead to the checkpoint's root.
    #[error(
        "entry {0} or the tree above it was altered: it does not lead to the checkpoint's root; \
         run `provenote ledger verify`"
    )]
    Altered(u64),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks that the entry with hash `leaf` stands at `index` in the tree of `size` entries with this root.
///
/// RFC 9162 §2.1.3.2.
///
/// # Errors
/// [`ProofError`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Outside { index, size });
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            // A node without a sibling stands for itself one level up.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length(proof.len()));
    }
    if hash == *root { Ok(()) } else { Err(ProofError::Mismatch) }
}

/// Checks that a tree of `new` entries begins with the tree of `old` entries.
///
/// RFC 9162 §2.1.4.2. From the empty tree there is no proof ([`ProofError::FromNothing`]): whoever starts there has
/// nothing to compare. Between two empty trees both roots must be the empty tree's.
///
/// # Errors
/// [`ProofError`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old > new {
        return Err(ProofError::Backwards { old, new });
    }
    if new == 0 {
        if !proof.is_empty() {
            return Err(ProofError::Length(proof.len()));
        }
        let empty = Frontier::default().root();
        return if *old_root == empty && *new_root == empty { Ok(()) } else { Err(ProofError::Mismatch) };
    }
    if old == 0 {
        return Err(ProofError::FromNothing);
    }
    verify_subtree_consistency(0..old, old_root, new, new_root, proof)
}

/// Whether one node of a large enough tree covers exactly these leaves: the start is a multiple of the length, rounded
/// up to a power of two. draft-ietf-plants-merkle-tree-certs §4.1.
fn is_subtree(range: &Range<u64>) -> bool {
    range.start < range.end
        && (range.end - range.start).checked_next_power_of_two().is_some_and(|span| range.start.is_multiple_of(span))
}

/// Checks that the entry with hash `leaf` stands at `index` of a log, in the subtree over `range` with this root.
///
/// draft-ietf-plants-merkle-tree-certs §4.3.
///
/// # Errors
/// [`ProofError`].
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    range: Range<u64>,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if !is_subtree(&range) {
        return Err(ProofError::NoSubtree { start: range.start, end: range.end });
    }
    if !range.contains(&index) {
        return Err(ProofError::Outside { index, size: range.end });
    }
    verify_inclusion(leaf, index - range.start, range.end - range.start, proof, root)
}

/// Checks that the tree of `size` entries with root `root` has, over `range`, the subtree with root `node`.
///
/// draft-ietf-plants-merkle-tree-certs §4.4. An empty range within the tree has the empty tree's root and an empty
/// proof, and then `root` is not looked at.
///
/// # Errors
/// [`ProofError`].
pub fn verify_subtree_consistency(
    range: Range<u64>,
    node: &Hash,
    size: u64,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let Range { start, end } = range;
    if end > size {
        return Err(ProofError::Backwards { old: end, new: size });
    }
    if start == end {
        if !proof.is_empty() {
            return Err(ProofError::Length(proof.len()));
        }
        return if *node == Frontier::default().root() { Ok(()) } else { Err(ProofError::Mismatch) };
    }
    if !is_subtree(&range) {
        return Err(ProofError::NoSubtree { start, end });
    }
    // Positions, level by level, of the subtree's first and last node and of the tree's last.
    let (mut first, mut last, mut tree_last) = (start, end - 1, size - 1);
    // Below this level all of the subtree's right edge is complete, so it is a node of the larger tree as well.
    while first != last && (last & 1 == 1 || last == tree_last) {
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    let mut rest = proof.iter();
    let begin = if first == last { *node } else { *rest.next().ok_or(ProofError::Length(0))? };
    let (mut small, mut large) = (begin, begin);
    for sibling in rest {
        if tree_last == 0 {
            return Err(ProofError::Length(proof.len()));
        }
        if last & 1 == 1 || last == tree_last {
            if first < last {
                small = node_hash(sibling, &small);
            }
            large = node_hash(sibling, &large);
            while last & 1 == 0 && last != 0 {
                first >>= 1;
                last >>= 1;
                tree_last >>= 1;
            }
        } else {
            large = node_hash(&large, sibling);
        }
        first >>= 1;
        last >>= 1;
        tree_last >>= 1;
    }
    if tree_last != 0 {
        return Err(ProofError::Length(proof.len()));
    }
    if small == *node && large == *root { Ok(()) } else { Err(ProofError::Mismatch) }
}

/// The nodes of a log's tree, read from its store tile by tile; each tile once.
struct Nodes<'a> {
    store: &'a dyn Store,
    /// Length of the log: which tiles are full.
    size: u64,
    tiles: BTreeMap<(u8, u64), Vec<Hash>>,
}

impl<'a> Nodes<'a> {
    fn new(store: &'a dyn Store, asked: u64) -> Result<Self, ProveError> {
        let size = store.latest()?.size;
        if asked > size {
            return Err(ProveError::Beyond { asked, log: size });
        }
        Ok(Self { store, size, tiles: BTreeMap::new() })
    }

    /// The hashes of a tile, full or not, as the log has them.
    fn tile(&mut self, level: u8, index: u64) -> Result<&[Hash], StoreError> {
        if !self.tiles.contains_key(&(level, index)) {
            let wrong =
                || StoreError::Corrupt(format!("tile {index} of level {level} is missing or has a wrong length"));
            let from = index * TILE_WIDTH as u64;
            let to = self.size.checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0).min(from + TILE_WIDTH as u64);
            let hashes = if to - from == TILE_WIDTH as u64 {
                self.store.tile(level, index)?.ok_or_else(wrong)?
            } else if level == 0 {
                self.store.leaf_hashes(from..to)?
            } else {
                self.store.tile_roots(level - 1, from..to)?
            };
            if hashes.len() as u64 != to - from {
                return Err(wrong());
            }
            self.tiles.insert((level, index), hashes);
        }
        Ok(self.tiles.get(&(level, index)).map_or(&[], Vec::as_slice))
    }

    /// The hash over `range`, RFC 6962's MTH(D[start:end]): of complete subtrees, joined from the right.
    fn hash(&mut self, range: Range<u64>) -> Result<Hash, StoreError> {
        let Range { mut start, end } = range;
        let mut parts = Vec::new();
        while start < end {
            // The largest complete subtree that begins here.
            let height = (end - start).ilog2().min(if start == 0 { 63 } else { start.trailing_zeros() });
            let level = (height / TILE_HEIGHT) as u8;
            let within = height % TILE_HEIGHT;
            let at = start >> (TILE_HEIGHT * u32::from(level));
            let offset = (at % TILE_WIDTH as u64) as usize;
            let hashes = self.tile(level, at / TILE_WIDTH as u64)?;
            parts.push(complete(&hashes[offset..offset + (1 << within)]));
            start += 1 << height;
        }
        let joined = parts.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
        Ok(joined.unwrap_or_else(|| Frontier::default().root()))
    }
}

/// Root over a power of two of hashes.
fn complete(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    hashes.iter().for_each(|hash| frontier.push(*hash));
    frontier.root()
}

/// Where RFC 6962 splits a tree of `n` leaves: the largest power of two below `n`.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The proof that entry `index` is in the tree of the first `size` entries: siblings from the leaf up.
///
/// RFC 6962 §2.1.1. Reads the tiles on the path and those of the right edge.
///
/// # Errors
/// [`ProveError::Beyond`] when the log is shorter than `size`, [`ProveError::Asked`] when the tree has no such entry.
pub fn prove_inclusion(store: &dyn Store, index: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    let mut nodes = Nodes::new(store, size)?;
    if index >= size {
        return Err(ProofError::Outside { index, size }.into());
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(nodes.hash(middle..end)?);
            end = middle;
        } else {
            proof.push(nodes.hash(start..middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the first `new` entries begins with that of the first `old`. Empty when both are the
/// same, and from the empty tree.
///
/// RFC 6962 §2.1.2.
///
/// # Errors
/// [`ProveError::Beyond`] when the log is shorter than `new`, [`ProveError::Asked`] when `old` is more than `new`.
pub fn prove_consistency(store: &dyn Store, old: u64, new: u64) -> Result<Vec<Hash>, ProveError> {
    let mut nodes = Nodes::new(store, new)?;
    if old > new {
        return Err(ProofError::Backwards { old, new }.into());
    }
    let (mut start, mut end) = (0, new);
    let mut proof = Vec::new();
    if old == 0 {
        return Ok(proof);
    }
    // Down to the node whose right edge is the old tree's; the old tree itself need not be told.
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(nodes.hash(middle..end)?);
            end = middle;
        } else {
            proof.push(nodes.hash(start..middle)?);
            start = middle;
        }
    }
    if start != 0 {
        proof.push(nodes.hash(start..end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of the first `size` entries.
///
/// # Errors
/// [`ProveError::Beyond`] when the log is shorter.
pub fn root_at(store: &dyn Store, size: u64) -> Result<Hash, ProveError> {
    Ok(Nodes::new(store, size)?.hash(0..size)?)
}

/// A proof that stands alone: a checkpoint, an entry's position, and the hashes between. C2SP tlog-proof.
///
/// It says nothing before its checkpoint's signature, and the cosignatures one wants, have been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// Data for the application, which nothing vouches for.
    pub extra: Option<Vec<u8>>,
    /// Position of the entry.
    pub index: u64,
    /// Siblings from the leaf up.
    pub hashes: Vec<Hash>,
    /// The checkpoint: a whole signed note.
    pub checkpoint: String,
}

/// Why a text is no C2SP tlog-proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// A line is not what the specification has there.
    #[error("this is no proof of the form c2sp.org/tlog-proof@v1: line {line} {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is longer than any proof.
    #[error("this is no proof: it is longer than 256 KiB")]
    TooLong,
    /// What follows the proof is no checkpoint.
    #[error("the proof's checkpoint cannot be read: {0}")]
    Checkpoint(#[from] NoteError),
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

const MAGIC: &str = "c2sp.org/tlog-proof@v1";

impl TlogProof {
    /// Proves entry `index` of a log to the checkpoint in `note`, and checks the proof against the checkpoint's root,
    /// so that none goes out which nobody would accept. The note's signatures are not looked at.
    ///
    /// # Errors
    /// [`ProveError`]; `Altered` when the store's entry or tiles do not lead to the root.
    pub fn prove(store: &dyn Store, index: u64, note: &str) -> Result<Self, ProveError> {
        let checkpoint = Checkpoint::parse(SignedNote::parse(note)?.text())?;
        let hashes = prove_inclusion(store, index, checkpoint.size)?;
        let entry = store.entry(index)?.ok_or(ProveError::Altered(index))?;
        verify_inclusion(&leaf_hash(&entry), index, checkpoint.size, &hashes, &checkpoint.root)
            .map_err(|_| ProveError::Altered(index))?;
        Ok(Self { extra: None, index, hashes, checkpoint: note.to_owned() })
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_TLOG_PROOF {
            return Err(TlogProofError::TooLong);
        }
        let mut rest = text;
        let mut number = 0;
        let mut next = || {
            number += 1;
            let (line, after) = rest.split_once('\n').ok_or(TlogProofError::Line {
                line: number,
                what: "is missing or does not end: the proof is truncated",
            })?;
            rest = after;
            Ok::<_, TlogProofError>((number, line))
        };
        let wrong = |line, what| TlogProofError::Line { line, what };
        let (at, magic) = next()?;
        if magic != MAGIC {
            return Err(wrong(at, "is not `c2sp.org/tlog-proof@v1`"));
        }
        let (mut at, mut line) = next()?;
        let mut extra = None;
        if let Some(data) = line.strip_prefix("extra ") {
            extra = Some(BASE64.decode(data).map_err(|_| wrong(at, "has extra data that is no base64"))?);
            (at, line) = next()?;
        }
        let index = line.strip_prefix("index ").and_then(decimal).ok_or(wrong(at, "is not `index N`"))?;
        let mut hashes = Vec::new();
        loop {
            let (at, line) = next()?;
            if line.is_empty() {
                break;
            }
            if hashes.len() == MAX_PROOF {
                return Err(wrong(at, "is one hash more than any proof has"));
            }
            hashes.push(base64_hash(line).ok_or(wrong(at, "is no SHA-256 in base64"))?);
        }
        Checkpoint::parse(SignedNote::parse(rest)?.text())?;
        Ok(Self { extra, index, hashes, checkpoint: rest.to_owned() })
    }

    /// Checks that the entry with hash `leaf` is in the tree of the proof's checkpoint, and returns the checkpoint.
    /// Who signed it is for [`SignedNote::signed_by`] and [`Policy`](crate::policy::Policy) to say.
    ///
    /// # Errors
    /// [`TlogProofError`].
    pub fn verify(&self, leaf: &Hash) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = Checkpoint::parse(SignedNote::parse(&self.checkpoint)?.text())?;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{MAGIC}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.0)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::log::{Log, NewEntry};
    use crate::memory::{MemoryAnchor, MemoryStore};
    use crate::note::LogSigner;

    /// RFC 6962 §2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => *one,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
            }
        }
    }

    /// RFC 6962 §2.1.1, word for word.
    fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, other) = if m < k {
            (path(m, &leaves[..k]), mth(&leaves[k..]))
        } else {
            (path(m - k, &leaves[k..]), mth(&leaves[..k]))
        };
        proof.push(other);
        proof
    }

    /// RFC 6962 §2.1.2, word for word: SUBPROOF(m, D[n], b).
    fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if whole { Vec::new() } else { vec![mth(leaves)] };
        }
        let k = leaves.len().next_power_of_two() / 2;
        let (mut proof, other) = if m <= k {
            (subproof(m, &leaves[..k], whole), mth(&leaves[k..]))
        } else {
            (subproof(m - k, &leaves[k..], false), mth(&leaves[..k]))
        };
        proof.push(other);
        proof
    }

    fn grown(batches: &[usize]) -> (MemoryStore, Vec<Hash>) {
        let store = MemoryStore::default();
        let signer = LogSigner::new("log.example/1", &Zeroizing::new([7; 32])).expect("a signer");
        let mut log = Log::create(Box::new(store.clone()), &signer, Box::new(MemoryAnchor::default())).expect("begins");
        for batch in batches {
            let entries = (0..*batch).map(|_| NewEntry::new("u-1", "note.edited")).collect();
            log.append(1_800_000_000_000, &signer, entries).expect("appends");
        }
        let size = log.size().expect("reads");
        let leaves = (0..size).map(|seq| leaf_hash(&store.entry(seq).expect("reads").expect("an entry"))).collect();
        (store, leaves)
    }

    /// Two full tiles of leaves and a third begun, committed in uneven parts.
    static SMALL: LazyLock<(MemoryStore, Vec<Hash>)> = LazyLock::new(|| grown(&[1, 3, 200, 52, 100, 300, 17, 1]));

    #[test]
    fn every_small_proof_is_rfc_6962s_and_holds() {
        let (store, leaves) = &*SMALL;
        for size in (1..=40_u64).chain([255, 256, 257, 511, 512, 513, leaves.len() as u64]) {
            let root = root_at(store, size).expect("a root");
            assert_eq!(root, mth(&leaves[..size as usize]), "size {size}");
            for index in (0..size).filter(|i| size <= 40 || i % 37 == 0 || i + 1 == size) {
                let proof = prove_inclusion(store, index, size).expect("proves");
                assert_eq!(proof, path(index as usize, &leaves[..size as usize]), "{index} of {size}");
                assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root), Ok(()));
            }
            for old in (1..=size).filter(|o| size <= 40 || o % 41 == 0 || o.is_power_of_two()) {
                let proof = prove_consistency(store, old, size).expect("proves");
                assert_eq!(proof, subproof(old as usize, &leaves[..size as usize], true), "{old} to {size}");
                let old_root = mth(&leaves[..old as usize]);
                assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()), "{old} to {size}");
            }
        }
    }

    #[test]
    fn proofs_over_three_levels_of_tiles_hold() {
        let (store, leaves) = grown(&[40_000, 26_000]);
        for size in [65_535_u64, 65_536, 65_537, 66_000] {
            let root = root_at(&store, size).expect("a root");
            assert_eq!(root, mth(&leaves[..size as usize]));
            for index in [0, 255, 256, 32_767, 65_279, 65_534, size - 1] {
                let proof = prove_inclusion(&store, index, size).expect("proves");
                assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root), Ok(()));
            }
            for old in [1, 256, 257, 40_000, 65_280, 65_535] {
                let proof = prove_consistency(&store, old, size).expect("proves");
                let old_root = root_at(&store, old).expect("a root");
                assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()), "{old} to {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_proved_is_refused() {
        let (store, leaves) = &*SMALL;
        let size = leaves.len() as u64;
        assert!(matches!(prove_inclusion(store, 0, size + 1), Err(ProveError::Beyond { .. })));
        assert!(matches!(prove_inclusion(store, 5, 5), Err(ProveError::Asked(ProofError::Outside { .. }))));
        assert!(matches!(prove_inclusion(store, 0, 0), Err(ProveError::Asked(ProofError::Outside { .. }))));
        assert!(matches!(prove_consistency(store, 1, u64::MAX), Err(ProveError::Beyond { .. })));
        assert!(matches!(prove_consistency(store, 6, 5), Err(ProveError::Asked(ProofError::Backwards { .. }))));
        assert!(matches!(root_at(store, size + 1), Err(ProveError::Beyond { .. })));
        assert!(prove_consistency(store, 0, size).expect("nothing to prove").is_empty());
        assert_eq!(root_at(store, 0).expect("a root"), Hash::of(b""));
        let empty = Hash::of(b"");
        assert_eq!(verify_consistency(0, &empty, 0, &empty, &[]), Ok(()));
        assert_eq!(verify_consistency(0, &empty, 1, &leaves[0], &[]), Err(ProofError::FromNothing));
        assert_eq!(verify_inclusion(&leaves[0], 0, 0, &[], &empty), Err(ProofError::Outside { index: 0, size: 0 }));
        let huge = vec![empty; 64];
        assert!(verify_inclusion(&leaves[0], u64::MAX - 1, u64::MAX, &huge, &empty).is_err());
        assert!(verify_consistency(u64::MAX - 1, &empty, u64::MAX, &empty, &huge).is_err());
        assert!(verify_subtree_inclusion(&leaves[0], 1, 1..u64::MAX, &huge, &empty).is_err());
    }

    #[test]
    fn subtrees_of_a_tree_are_consistent_with_it() {
        let (_, leaves) = &*SMALL;
        let leaves = &leaves[..70];
        let root = mth(leaves);
        for start in (0..70_usize).step_by(2) {
            for end in start..=70 {
                if !is_subtree(&(start as u64..end as u64)) {
                    continue;
                }
                let node = mth(&leaves[start..end]);
                for at in start..end {
                    let range = start as u64..end as u64;
                    let proof = path(at - start, &leaves[start..end]);
                    assert_eq!(verify_subtree_inclusion(&leaves[at], at as u64, range, &proof, &node), Ok(()));
                }
                let proof = subtree_subproof(start, end, leaves, true);
                assert_eq!(
                    verify_subtree_consistency(start as u64..end as u64, &node, 70, &root, &proof),
                    Ok(()),
                    "{start}..{end}"
                );
            }
        }
    }

    /// draft-ietf-plants-merkle-tree-certs §4.4.1, word for word: SUBTREE_SUBPROOF(start, end, D[n], b).
    fn subtree_subproof(start: usize, end: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        let n = leaves.len();
        if start == 0 && end == n {
            return if whole { Vec::new() } else { vec![mth(leaves)] };
        }
        let k = n.next_power_of_two() / 2;
        let (mut proof, other) = if end <= k {
            (subtree_subproof(start, end, &leaves[..k], whole), mth(&leaves[k..]))
        } else if k <= start {
            (subtree_subproof(start - k, end - k, &leaves[k..], whole), mth(&leaves[..k]))
        } else {
            (subtree_subproof(0, end - k, &leaves[k..], false), mth(&leaves[..k]))
        };
        proof.push(other);
        proof
    }

    proptest! {
        #[test]
        fn a_changed_proof_does_not_hold(
            size in 1_u64..650, index in 0_u64..650, old in 1_u64..650, at in 0_usize..12, bit in 0_usize..256,
        ) {
            let (store, leaves) = &*SMALL;
            let (index, old) = (index % size, old % size + 1);
            let root = root_at(store, size).expect("a root");
            let leaf = leaves[index as usize];
            let proof = prove_inclusion(store, index, size).expect("proves");
            prop_assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
            let flipped = |hash: &Hash| {
                let mut hash = *hash;
                hash.0[bit / 8] ^= 1 << (bit % 8);
                hash
            };
            prop_assert!(verify_inclusion(&flipped(&leaf), index, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&leaf, index, size, &proof, &flipped(&root)).is_err());
            if size > 1 {
                prop_assert!(verify_inclusion(&leaf, (index + 1) % size, size, &proof, &root).is_err());
                let mut changed = proof.clone();
                let at = at % changed.len();
                changed[at] = flipped(&changed[at]);
                prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
                changed.truncate(at);
                prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
            }
            let mut longer = proof;
            longer.push(root);
            prop_assert!(verify_inclusion(&leaf, index, size, &longer, &root).is_err());

            let old_root = root_at(store, old).expect("a root");
            let proof = prove_consistency(store, old, size).expect("proves");
            prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
            prop_assert!(verify_consistency(old, &flipped(&old_root), size, &root, &proof).is_err());
            prop_assert!(verify_consistency(old, &old_root, size, &flipped(&root), &proof).is_err());
            if !proof.is_empty() {
                let mut changed = proof.clone();
                let at = at % changed.len();
                changed[at] = flipped(&changed[at]);
                prop_assert!(verify_consistency(old, &old_root, size, &root, &changed).is_err());
                changed.truncate(at);
                prop_assert!(verify_consistency(old, &old_root, size, &root, &changed).is_err());
            }
            let mut longer = proof;
            longer.push(root);
            prop_assert!(verify_consistency(old, &old_root, size, &root, &longer).is_err());
        }

        #[test]
        fn a_proof_is_read_back_as_written(
            index in 0_u64..640, extra in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        ) {
            let (store, leaves) = &*SMALL;
            let note = store.latest().expect("reads").note;
            let mut proof = TlogProof::prove(store, index, &note).expect("proves");
            proof.extra = extra;
            let text = proof.to_string();
            let read = TlogProof::parse(&text).expect("reads");
            prop_assert_eq!(&read, &proof);
            prop_assert_eq!(read.verify(&leaves[index as usize]).map(|c| c.size), Ok(leaves.len() as u64));
            prop_assert!(read.verify(&Hash::ZERO).is_err());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[ -~\n—]{0,200}", cut in 0_usize..400, bytes in "\\PC{0,5}") {
            let _ = TlogProof::parse(&text);
            let (store, _) = &*SMALL;
            let valid = TlogProof::prove(store, 3, &store.latest().expect("reads").note).expect("proves").to_string();
            let cut = (0..=cut.min(valid.len())).rev().find(|at| valid.is_char_boundary(*at)).unwrap_or(0);
            let _ = TlogProof::parse(&format!("{}{bytes}{}", &valid[..cut], &valid[cut..]));
        }
    }

    #[test]
    fn malformed_proofs_are_refused() {
        let (store, _) = &*SMALL;
        let note = store.latest().expect("reads").note;
        let proof = TlogProof { extra: Some(b"x".to_vec()), ..TlogProof::prove(store, 5, &note).expect("proves") };
        let valid = proof.to_string();
        assert_eq!(TlogProof::parse(&valid).as_ref(), Ok(&proof));
        let hash = BASE64.encode([1; 32]);
        for bad in [
            String::new(),
            valid.replacen("@v1", "@v2", 1),
            valid.replacen("extra eA==", "extra eA=", 1),
            valid.replacen("extra eA==\n", "extra eA==\nextra eA==\n", 1),
            valid.replacen("index 5", "index 05", 1),
            valid.replacen("index 5", "index -5", 1),
            valid.replacen("index 5", "index 18446744073709551616", 1),
            valid.replacen("index 5\n", "", 1),
            valid.replacen("index 5\n", "index 5\nAAAA\n", 1),
            valid.replacen("index 5\n", &format!("index 5\n{}", format!("{hash}\n").repeat(60)), 1),
            valid.replacen("\n\n", "\n", 1),
            valid.replacen('\n', "\r\n", 1),
            valid.trim_end().to_owned(),
            format!("{valid}x"),
            "c2sp.org/tlog-proof@v1\nindex 0\n\n".to_owned(),
        ] {
            assert!(TlogProof::parse(&bad).is_err(), "{bad}");
        }
        for end in 0..valid.len() {
            if valid.is_char_boundary(end) {
                assert!(TlogProof::parse(&valid[..end]).is_err(), "cut at {end}");
            }
        }
        let shorter = TlogProof { hashes: proof.hashes[1..].to_vec(), ..proof };
        let leaf = leaf_hash(&store.entry(5).expect("reads").expect("an entry"));
        assert!(matches!(shorter.verify(&leaf), Err(TlogProofError::Proof(ProofError::Length(_)))));
    }

    #[test]
    fn an_altered_store_gives_no_proof() {
        let (store, _) = grown(&[300]);
        let note = store.latest().expect("reads").note;
        store.contents().alter(2, |bytes| bytes.push(b' '));
        assert!(matches!(TlogProof::prove(&store, 2, &note), Err(ProveError::Altered(2))));
        assert!(TlogProof::prove(&store, 3, &note).is_ok(), "the others' proofs stand");
        assert!(matches!(TlogProof::prove(&store, 3, "no note"), Err(ProveError::Checkpoint(_))));
    }
}
