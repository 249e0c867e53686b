//! One process at a time writes to a home folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use crate::private_file;

/// Why the home could not be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another provenote is at work in this home folder; wait until it has finished")]
    Held,
    /// The lock file cannot be used.
    #[error("the home folder cannot be locked: {0}")]
    Io(#[from] io::Error),
}

/// The lock on a home folder; released when dropped, and by the operating system when the process dies.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

impl HomeLock {
    /// Takes the lock in the file `path`, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it.
    pub fn acquire(path: &Path) -> Result<Self, LockError> {
        let file = private_file().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held),
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_and_the_third_gets_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let first = HomeLock::acquire(&path).expect("free");
        assert!(matches!(HomeLock::acquire(&path), Err(LockError::Held)));
        drop(first);
        HomeLock::acquire(&path).expect("free again");
    }
}
