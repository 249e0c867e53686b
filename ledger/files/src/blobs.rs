//! Large ciphertexts, by their SHA-256.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::PathBuf;

use provenote_ledger::{BlobStore, BlobWriter, Hash};
use sha2::{Digest as _, Sha256};

use crate::temporary::{Temporary, sweep};
use crate::{found, private_folder, sync_folder};

/// A [`BlobStore`] in a folder: one file for each ciphertext, named by its SHA-256.
///
/// A destroyed blob is unlinked, not overwritten: its key is gone, and audio is too long to overwrite.
#[derive(Debug, Clone)]
pub struct FileBlobs {
    folder: PathBuf,
}

impl FileBlobs {
    /// Opens the folder, making it if need be, and removes what killed processes left unfinished.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        private_folder(&folder)?;
        sweep(&folder)?;
        Ok(Self { folder })
    }
}

struct Writer {
    folder: PathBuf,
    file: Temporary,
    hash: Sha256,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes)?;
        self.hash.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BlobWriter for Writer {
    fn finish(self: Box<Self>) -> io::Result<Hash> {
        let hash = Hash(self.hash.finalize().into());
        self.file.keep_as(&self.folder.join(hash.to_string()))?;
        Ok(hash)
    }
}

impl BlobStore for FileBlobs {
    fn writer(&self) -> io::Result<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer { folder: self.folder.clone(), file: Temporary::new(&self.folder)?, hash: Sha256::new() }))
    }

    fn open(&self, hash: &Hash) -> io::Result<Option<Box<dyn Read + Send>>> {
        let file = found(File::open(self.folder.join(hash.to_string())))?;
        Ok(file.map(|file| Box::new(BufReader::with_capacity(1 << 17, file)) as Box<dyn Read + Send>))
    }

    fn destroy(&mut self, hash: &Hash) -> io::Result<()> {
        if found(fs::remove_file(self.folder.join(hash.to_string())))?.is_some() {
            sync_folder(&self.folder)?;
        }
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            hashes.extend(entry?.file_name().to_string_lossy().parse::<Hash>());
        }
        hashes.sort_unstable();
        Ok(hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_kept_under_its_hash_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut blobs = FileBlobs::open(dir.path()).expect("opens");
        let mut dropped = blobs.writer().expect("begins");
        dropped.write_all(b"half a recording").expect("writes");
        drop(dropped);
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 0, "nothing is kept");

        let mut writer = blobs.writer().expect("begins");
        writer.write_all(b"a recording").expect("writes");
        let hash = writer.finish().expect("finishes");
        assert_eq!(hash, Hash::of(b"a recording"));
        assert_eq!(blobs.list().expect("lists"), [hash]);
        let read = io::read_to_string(blobs.open(&hash).expect("opens").expect("is there")).expect("reads");
        assert_eq!(read, "a recording");
        blobs.destroy(&hash).expect("destroys");
        blobs.destroy(&hash).expect("twice is no error");
        assert!(blobs.open(&hash).expect("reads").is_none());
    }

    #[test]
    fn a_folder_opened_again_takes_nothing_from_a_recording_under_way() {
        let dir = tempfile::tempdir().expect("a folder");
        let recording = FileBlobs::open(dir.path()).expect("opens");
        let mut writer = recording.writer().expect("begins");
        writer.write_all(b"a long ").expect("writes");
        // What another process that lists the clients does meanwhile, and what an earlier one left when it was killed.
        fs::write(dir.path().join(".new-1-1"), b"left over").expect("writes");
        let other = FileBlobs::open(dir.path()).expect("opens");
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1, "only the one being written");
        writer.write_all(b"recording").expect("writes");
        let hash = writer.finish().expect("finishes");
        assert_eq!(other.list().expect("lists"), [hash]);
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1);
    }
}
