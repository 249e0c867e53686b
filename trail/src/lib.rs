//! The audit trail in other people's words: which entry is which event type of an audit log, its exports, who opened a
//! client's file, what was disclosed, and how long the trail is kept.
//!
//! Pure: no clock, no database, no keys. What is handed in is what headers hold ([`Record`]): pseudonyms, words, numbers and
//! digests, never the text of a payload; so no export made here can hold any.
//!
//! The citations are facts for product design with the mark of how they were checked. They are not legal advice.

pub mod csv;
pub mod disclosures;
mod events;
pub mod fhir;
pub mod ocsf;
mod openings;
mod record;
pub mod retention;

pub use events::{Cannot, Event, Extra, Placed, cannot, extras, of_act, place};
pub use openings::{Opened, opened};
pub use record::{Digested, Outcome, Record, Value};

/// What made an export, the same for all of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The ledger's origin: it names no practice.
    pub origin: String,
    /// The version of the program.
    pub version: String,
}

#[cfg(test)]
mod samples;
