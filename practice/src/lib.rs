//! The use cases. Each one goes the same way: authorise, decide, append, act.
//!
//! An act's entry is durable before its effect can be seen (design, invariant 2), and every act
//! carries its actor. Nothing here reads a clock, the environment or a terminal: the edge hands in
//! the time, randomness, engines and printers as [`ports`].

mod act;
mod allow;
mod around;
pub mod astray;
pub mod authentication;
pub mod backups;
pub mod board;
pub mod bundles;
pub mod clients;
pub mod consents;
mod destruction;
pub mod dictation;
pub mod drafting;
mod entitlement;
pub mod erasure;
pub mod error;
mod gate;
pub mod grants;
pub mod keys;
pub mod ledger_views;
pub mod notes;
pub mod people;
pub mod policies;
pub mod ports;
pub mod retention;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod staff;
pub mod trail;
pub mod users;
pub mod vendors;
pub mod views;
pub mod withdrawal;
pub mod witnesses;

pub use act::{Actor, Practice, Presence};
pub use error::PracticeError;
