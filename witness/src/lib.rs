//! Witnesses over HTTP: a server that cosigns other practices' checkpoints, and a client that asks for cosignatures.
//!
//! What is decided stands in [`provenote_ledger::witness`], without network or files. Here are the network and the
//! files: [`server`] with its [`folder`], and [`client`] with the log's [`standing`] with its witnesses.
//!
//! This crate reads neither clock nor environment: the time, randomness and the proxy are handed in.

pub mod client;
mod durable;
pub mod folder;
pub mod server;
pub mod standing;

pub use client::{Call, Log, Outcome, update};
pub use folder::{Folder, FolderError};
pub use server::{Limits, ServeError, Server, told_to_stop};
pub use standing::{Round, Standing, Standings, update_all};
