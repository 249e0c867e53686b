//! The two files of a backup, by name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::BackupError;

/// The key archive's name.
pub(crate) const KEYS_NAME: &str = "keys.pvk";

/// Where the two files of a backup are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// `data-SEQ.pvb`
    pub data: PathBuf,
    /// `keys.pvk`
    pub keys: PathBuf,
}

impl Backup {
    /// The newest data in a folder, with the keys beside it.
    ///
    /// # Errors
    /// [`BackupError::NoBackup`], [`BackupError::Disk`].
    pub fn newest(folder: &Path) -> Result<Self, BackupError> {
        let none = || BackupError::NoBackup(folder.display().to_string());
        let data = generations(folder)?.pop().ok_or_else(none)?.1;
        let keys = folder.join(KEYS_NAME);
        if keys.is_file() { Ok(Self { data, keys }) } else { Err(none()) }
    }
}

/// The data archives in a folder, oldest first: the entry each was recorded by, and its path.
///
/// # Errors
/// [`BackupError::Disk`] where the folder cannot be read.
pub(crate) fn generations(folder: &Path) -> Result<Vec<(u64, PathBuf)>, BackupError> {
    let unread = BackupError::reading(&folder.display().to_string());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(&unread)? {
        let entry = entry.map_err(&unread)?;
        let name = entry.file_name();
        let seq = name.to_str().and_then(|name| name.strip_prefix("data-")?.strip_suffix(".pvb")?.parse().ok());
        found.extend(seq.map(|seq| (seq, entry.path())));
    }
    found.sort();
    Ok(found)
}

/// The name of the data archive that an entry records; names sort as the entries do.
pub(crate) fn data_name(seq: u64) -> String {
    format!("data-{seq:010}.pvb")
}
