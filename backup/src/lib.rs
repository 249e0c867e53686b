//! Backups of a practice's folder, and a practice restored from them.
//!
//! A backup is two files, since they have two lives:
//!
//! - `data-SEQ.pvb`: the ledger's database as it stood at one moment, the large ciphertexts it names, and the practice's
//!   own catalogue of models. Every backup makes another one; old ones may be kept as long as one likes.
//! - `keys.pvk`: the key files, the anchors, the list of destructions, the witness policy. There is one, and each
//!   backup replaces and overwrites it. So what was destroyed since an older `data-SEQ.pvb` was made cannot be opened
//!   from it: the one key file there is no longer has its key.
//!
//! Every key in `keys.pvk` is sealed to a passphrase or a recovery code. Whoever has the folder and neither sees what
//! stands in headers (pseudonyms, kinds, times, sizes, the vkey), can try passphrases at the cost of Argon2id, and can
//! destroy or withhold the backup; it can read no payload, and change nothing unnoticed: see [`archive`].
//!
//! - [`archive`]: the container
//! - [`create`]: making a backup
//! - [`verify`]: reading one through
//! - [`restore`]: a new folder from one, with all destructions carried out again
//! - [`disk`]: the few things all this does to the disk

pub mod archive;
pub mod create;
pub mod disk;
mod place;
mod replay;
pub mod restore;
pub mod verify;

pub use create::{Created, Source, create};
pub use place::Backup;
pub use restore::{Restore, Restored, pending, restore, settle};
pub use verify::{Verified, verify};

/// Why a backup could not be made, checked or restored. Nothing was left half made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder has no backup in it.
    #[error("{0} holds no backup: it has no data-….pvb beside a keys.pvk")]
    NoBackup(String),
    /// The folder to back up into lies in the practice's own.
    #[error("{0} lies in the practice's own folder: name a folder elsewhere, best on another disk")]
    Inside(String),
    /// The practice's folder has no ledger or no keys.
    #[error("{0} is missing: this folder is not a whole practice")]
    NotAPractice(String),
    /// Files went away or changed again and again while they were copied.
    #[error(
        "the practice changed while it was copied, again and again: try once more when nothing else is at work on it"
    )]
    Unsettled,
    /// An archive that is not what its maker wrote. Names the archive, never what stood in it.
    #[error("{archive} was altered or is no backup: {what}; nothing was restored from it")]
    Altered {
        /// The file's name.
        archive: String,
        /// What was found.
        what: &'static str,
    },
    /// An archive that ends early.
    #[error("{0} is cut short: copy it again from where it was made")]
    Truncated(String),
    /// Keys and data are of different practices.
    #[error("the keys are of log {keys}, the data is of log {data}: give the two files of one practice")]
    TwoPractices {
        /// The origin in the keys.
        keys: String,
        /// The origin in the data.
        data: String,
    },
    /// The vkey is not the one that was asked for.
    #[error("this backup is of another log: its vkey is {found}")]
    OtherLog {
        /// The first key of the log in the backup.
        found: String,
    },
    /// Keys from before entries in the data.
    #[error(
        "the keys were saved when the ledger had {keys} entries, the data has {data}: what was sealed in between cannot be opened with them. Give the keys.pvk made with this data or later, or accept older keys"
    )]
    KeysOlder {
        /// Entries at the time of the keys.
        keys: u64,
        /// Entries in the data.
        data: u64,
    },
    /// The ledger was given a new key between data and keys.
    #[error(
        "the ledger got a new key between these keys and this data, so that the one cannot go on with the other: give the keys.pvk and the data-….pvb that were made together"
    )]
    KeyRotated,
    /// The ledger in the backup is not as it was signed.
    #[error("the ledger in this backup is {verdict}: {first}; nothing was restored")]
    Ledger {
        /// The verdict's word.
        verdict: String,
        /// The first finding.
        first: String,
    },
    /// The folder to restore into holds something.
    #[error("{0} is not empty: a practice is restored into a folder that is empty or not there yet")]
    NotEmpty(String),
    /// A list of destructions given by hand that no user of this practice signed.
    #[error(
        "the list of destructions has {0} lines that no user of this practice has signed: it is of another practice, or was changed"
    )]
    ForeignList(usize),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] provenote_ledger::StoreError),
    /// A log that could not be opened.
    #[error(transparent)]
    Open(#[from] provenote_ledger::OpenError),
    /// A log that could not be read.
    #[error(transparent)]
    Read(#[from] provenote_ledger::ReadError),
    /// The key files.
    #[error(transparent)]
    Vault(#[from] provenote_ledger::VaultError),
    /// The disk failed.
    #[error("{what} could not be {done}: {error}")]
    Disk {
        /// Which file, by its name.
        what: String,
        /// `read` or `written`.
        done: &'static str,
        /// How.
        error: std::io::Error,
    },
}

impl BackupError {
    pub(crate) fn reading(what: &str) -> impl Fn(std::io::Error) -> Self + use<> {
        let what = what.to_owned();
        move |error| Self::Disk { what: what.clone(), done: "read", error }
    }

    pub(crate) fn writing(what: &str) -> impl Fn(std::io::Error) -> Self + use<> {
        let what = what.to_owned();
        move |error| Self::Disk { what: what.clone(), done: "written", error }
    }
}
