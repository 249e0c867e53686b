//! Files that are there whole or not at all, and their digests.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use provenote_schemas::Digest;
use sha2::{Digest as _, Sha256};

/// Reads a file through SHA-256. `seen` hears how many bytes are done.
pub(crate) fn digest(path: &Path, seen: &mut dyn FnMut(u64)) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let (mut hash, mut block, mut done) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(Digest(hash.finalize().into())),
            n => {
                hash.update(&block[..n]);
                done += n as u64;
                seen(done);
            }
        }
    }
}

/// `name` with something after it, beside it.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Puts a finished file in its place, durably.
pub(crate) fn put_in_place(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    if let Some(folder) = to.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Writes a file so that a reader finds the old one or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = beside(path, ".part");
    File::create(&fresh)?.write_all(bytes)?;
    put_in_place(&fresh, path)
}

/// The same bytes at a second place: one inode where the file system allows, a copy where not.
pub(crate) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    let fresh = beside(to, ".part");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    if fs::hard_link(from, &fresh).is_err() {
        fs::copy(from, &fresh)?;
    }
    put_in_place(&fresh, to)
}
