//! Why an act was not done. The edge decides the exit code from the variant.

use provenote_access::{Act, GrantError, Refusal};
use provenote_consent::Status;
use provenote_ledger::{AppendError, OpenError, ReadError, StoreError, VaultError};
use provenote_pipeline::engine::EngineError;

/// Why an act was not done. Nothing of the act is kept unless the variant says so.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// The gate is closed: somebody's consent is not in force. The refusal is an entry.
    #[error(
        "refused, consent is {status}: {reasons}. The refusal is entry {seq}; see `provenote consent status {client}`"
    )]
    Gate {
        /// The client.
        client: String,
        /// Why, in a word.
        status: Status,
        /// Why, in sentences.
        reasons: String,
        /// The entry of the refusal.
        seq: u64,
    },
    /// The actor's role does not allow the act.
    #[error(transparent)]
    Access(#[from] Refusal),
    /// Somebody was not let in, or not yet.
    #[error(transparent)]
    Authentication(#[from] crate::authentication::AuthenticationError),
    /// The policies do not permit the act. The refusal is an entry.
    #[error(
        "refused, a user may not {} here: {reasons}. The refusal is entry {seq}; `provenote access explain` tells what decided",
        act.in_words()
    )]
    Denied {
        /// What was asked for.
        act: Act,
        /// Why, in sentences.
        reasons: String,
        /// The entry of the refusal.
        seq: u64,
    },
    /// Access for a limited time cannot change like that.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The act is not allowed in this state: a draft cannot be exported, a warning is open.
    #[error("{0}")]
    NotAllowed(String),
    /// No such client, session, note …
    #[error("there is no {what} {id} in this practice: `provenote {list}` shows what there is")]
    NotFound {
        /// `client`, `session` …
        what: &'static str,
        /// As asked for.
        id: String,
        /// The command that lists them.
        list: &'static str,
    },
    /// What was asked for makes no sense; nothing was tried.
    #[error("{0}")]
    BadRequest(String),
    /// The client's records are to be kept; nothing was destroyed.
    #[error(
        "refused, the records of this client are to be kept until {until} ({basis}); where a reason outweighs that, say so with --before-retention-ends, and the ledger records that you did"
    )]
    Retained {
        /// The date.
        until: String,
        /// The rule, its source and mark.
        basis: String,
    },
    /// The record was destroyed, with a receipt.
    #[error("the {what} was destroyed on {on} (entry {seq} records it); its digest is still in the ledger")]
    Destroyed {
        /// `recording`, `transcript` …
        what: &'static str,
        /// The date.
        on: String,
        /// The receipt's entry.
        seq: u64,
    },
    /// A withdrawal holds, and something it destroys could not be destroyed yet.
    #[error(
        "the withdrawal is recorded and holds (entry {seq}), but a record could not be destroyed yet ({source}): run `provenote retention run`"
    )]
    Unfinished {
        /// The entry of the withdrawal.
        seq: u64,
        /// Why.
        source: Box<PracticeError>,
    },
    /// The ledger has its new key, but the old one could not be destroyed.
    #[error(
        "entry {seq} gives the ledger its new key, but the old private key could not be destroyed ({source}): see to the \
         folder of keys, then run `provenote ledger rotate-key` again"
    )]
    OldKeyRemains {
        /// The entry.
        seq: u64,
        /// Why.
        source: VaultError,
    },
    /// The ledger could not be written; the act did not happen.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The ledger could not be opened, or is not the one its anchor remembers.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The ledger could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The ledger's database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys: a wrong passphrase, a missing or damaged key file.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// An engine gave nothing. The failure is an entry.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A sealed record opens but is not what its entry says.
    #[error("entry {seq} holds a {what} that cannot be read: {why}. Run `provenote ledger verify`")]
    Unreadable {
        /// The entry.
        seq: u64,
        /// What was expected.
        what: &'static str,
        /// What was wrong with it, without its words.
        why: String,
    },
    /// An evidence bundle could not be made. That one was asked for may be in the ledger.
    #[error(transparent)]
    Bundle(#[from] provenote_bundle::BundleError),
    /// A form could not be made.
    #[error("{0}")]
    Form(String),
    /// A document could not be made.
    #[error("{0}")]
    Print(String),
    /// A recording could not be read.
    #[error("{0}")]
    Audio(String),
}
