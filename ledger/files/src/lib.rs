//! Key files, large ciphertexts and the anchor, as files of the practice's home folder.
//!
//! Folders are made with mode 0700 and files with 0600. A file is replaced by writing a temporary one beside it,
//! flushing it to the disk, renaming it and flushing the folder. Any number of processes may do so at once; see
//! the module `temporary`.

mod anchor;
mod anchors;
mod blobs;
mod keys;
mod temporary;

pub use anchor::FileAnchor;
pub use anchors::{Alarm, FileAnchors};
pub use blobs::FileBlobs;
pub use keys::FileKeys;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Overwrites an open file with zeros, down to the disk. On disks that write elsewhere than they are told (flash,
/// copy-on-write file systems) the old bytes may survive: the whole disk should be encrypted.
fn overwrite(file: &mut File) -> io::Result<()> {
    use std::io::{Seek as _, Write as _};
    let mut left = file.metadata()?.len();
    file.rewind()?;
    let zeros = [0_u8; 4096];
    while left > 0 {
        let part = usize::try_from(left.min(zeros.len() as u64)).unwrap_or(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    file.sync_all()
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
