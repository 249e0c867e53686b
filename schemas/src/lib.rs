//! The words of Provenote and their one encoding.
//!
//! Everything that is written to the ledger's payloads, printed by `--json` or handed from one
//! crate to another is named here once. The crate is pure: no clock, no files, no environment.

pub mod consent;
pub mod disclosure;
pub mod encoding;
pub mod ids;
pub mod kind;
pub mod note;
pub mod numerals;
pub mod people;
pub mod time;
pub mod transcript;

pub use encoding::{Digest, canonical, digest_of};
pub use ids::{
    ClientId, ConsentId, DeviceId, GrantId, GroupId, NoteId, ParticipantId, SessionId, TermsId, UserId, VendorId,
};
pub use kind::{Class, Kind, Purpose, Role};
pub use time::Time;
