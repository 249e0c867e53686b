//! Evidence for a stranger: one file that a licensing board or a client can check without Provenote.
//!
//! A bundle holds chosen entries of a practice's ledger with proofs that they stand in it, the checkpoint those lead to
//! with its cosignatures, texts with the keys that open their commitments, the list of what is withheld and why, and
//! the verifiers. `docs/bundle-format.md` describes the format; this crate writes it and checks it. It knows the log
//! and nothing of practices: which entries and texts go in is decided by the use case (`practice::bundles`).
//!
//! - [`container`]: the ZIP file with one possible form
//! - [`manifest`]: what a bundle lists, bound to the ledger by an entry
//! - [`write`](mod@write): putting one together
//! - [`verify`](mod@verify): believing nothing
//! - [`page`]: the verifiers that travel in it

mod attestations;
pub mod container;
pub mod manifest;
pub mod page;
pub mod report;
pub mod verify;
pub mod write;

pub use manifest::{KeyEpoch, LeftOut, Manifest, Scope, Withheld};
pub use report::{BundleReport, Finding, FindingKind, Verdict};
pub use verify::{BUNDLE_CREATED, Known, verify};
pub use write::{BundleError, Contents, Opened, Prepared, Proved};
