//! The ledger: an append-only log of entries with a Merkle tree, signed checkpoints, and the vault its payloads are
//! sealed in. It logs bytes and tokens and knows nothing of practices, clients or consents; it has no clock, no
//! randomness and no files of its own.
//!
//! - [`header`]: an entry's header and its one encoding
//! - [`tree`]: RFC 6962 hashing and tiles
//! - [`note`]: C2SP signed notes and checkpoints
//! - [`proof`]: inclusion and consistency, made and checked
//! - [`cosignature`]: what witnesses sign
//! - [`policy`]: how many witnesses must agree
//! - [`witness`]: what a log asks a witness, and what it decides
//! - [`rotation`]: how the log passes from one key to the next
//! - [`packing`]: entries in bundles, and what is stored beside them
//! - [`store`]: the contract of a storage driver
//! - [`log`]: appending and reading
//! - [`writer`]: one thread that writes for many
//! - [`verify`]: reading everything and believing nothing
//! - [`vault`]: keys and sealed payloads
//! - [`memory`]: drivers that keep everything in memory

pub mod cosignature;
pub mod entropy;
pub mod hash;
pub mod header;
pub mod log;
pub mod memory;
mod moment;
pub mod note;
pub mod packing;
pub mod policy;
pub mod proof;
pub mod rotation;
pub mod store;
pub mod tree;
pub mod vault;
pub mod verify;
pub mod witness;
pub mod writer;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use cosignature::{Cosigner, CosignerKey};
pub use entropy::Entropy;
pub use hash::Hash;
pub use header::{Fact, Header, HeaderError, PayloadRef, TokenError};
pub use log::{AppendError, Body, Log, NewEntry, OpenError, Prepared, Query, ReadError, Sealed};
pub use note::{Checkpoint, Epoch, LogSigner, NoteError, SignedNote, VerifierKey};
pub use policy::{Policy, PolicyError};
pub use proof::TlogProof;
pub use store::{Anchor, NoAnchor, Store, StoreError};
pub use vault::{
    Argon2Params, BlobStore, BlobWriter, Disclosed, Freshened, Freshness, GrantOpens, KeyStore, LogKeyLock, NextOffice,
    OfficePublic, Opening, Recipients, SealingWriter, Unlocked, UserPublic, Vault, VaultError, verify_signature,
};
pub use verify::{Finding, FindingKind, GivenAnchor, Report, Verdict, Verification, verify};
pub use writer::{Ticket, Writer};
