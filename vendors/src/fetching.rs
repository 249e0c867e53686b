//! Getting terms from where they are published: what is asked of whoever does it. Nothing here opens a socket or a file.

use serde::{Deserialize, Serialize};

/// What came from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it came from in the end.
    pub address: String,
    /// The addresses that led there, in order, the one asked for first; empty where none did.
    pub redirects: Vec<String>,
    /// The HTTP status; `None` for a file.
    pub status: Option<u16>,
    /// Whether the network was used.
    pub network: bool,
    /// The content, without transfer and content codings.
    pub bytes: Vec<u8>,
}

/// Why nothing came that could be terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchError {
    /// Somebody answered, and kept the page from a program that asks for it. What the page says now is not known, which is
    /// another answer than "unchanged".
    #[error("{why}")]
    Blocked {
        /// The HTTP status.
        status: Option<u16>,
        /// One sentence: what was in the way, and what to do.
        why: String,
    },
    /// There was no page to be had.
    #[error("{why}")]
    Failed {
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// One sentence: what was wrong, and what to do.
        why: String,
    },
}

/// Gets pages and files of terms. Practices only ask it for addresses that they list.
pub trait Fetch {
    /// Gets what stands at `address`: `https://…`, or the whole path of a file on this machine.
    ///
    /// # Errors
    /// [`FetchError`].
    fn get(&self, address: &str) -> Result<Fetched, FetchError>;
}

/// Whether an address names a file on this machine, which is read and not fetched.
#[must_use]
pub fn is_file(address: &str) -> bool {
    address.starts_with('/')
}
