//! The ledger: an append-only log of entries with a Merkle tree, signed checkpoints, and the vault its payloads are
//! sealed in. It logs bytes and tokens and knows nothing of practices, clients or consents; it has no clock, no
//! randomness and no files of its own.
//!
//! - [`header`]: an entry's header and its one encoding
//! - [`tree`]: RFC 6962 hashing and tiles
//! - [`note`]: C2SP signed notes and checkpoints
//! - [`store`]: the contract of a storage driver
//! - [`log`]: appending and reading
//! - [`verify`]: reading everything and believing nothing
//! - [`vault`]: keys and sealed payloads
//! - [`memory`]: drivers that keep everything in memory

pub mod entropy;
pub mod hash;
pub mod header;
pub mod log;
pub mod memory;
mod moment;
pub mod note;
pub mod store;
pub mod tree;
pub mod vault;
pub mod verify;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use entropy::Entropy;
pub use hash::Hash;
pub use header::{Fact, Header, HeaderError, PayloadRef, TokenError};
pub use log::{AppendError, Body, Log, NewEntry, OpenError, Query, ReadError, Sealed};
pub use note::{Checkpoint, Epoch, LogSigner, NoteError, SignedNote, VerifierKey};
pub use store::{Anchor, NoAnchor, Store, StoreError};
pub use vault::{
    Argon2Params, BlobStore, BlobWriter, KeyStore, SealingWriter, Unlocked, UserPublic, Vault, VaultError,
    verify_signature,
};
pub use verify::{Finding, FindingKind, Report, Verdict, Verification, verify};
