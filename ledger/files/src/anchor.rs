//! The latest checkpoint, beside the keys.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use provenote_ledger::Anchor;

use crate::{found, private_file};

/// The longest anchor that is read, in bytes.
const MAX_ANCHOR: u64 = 128 * 1024;

/// An [`Anchor`] in one file, written in place and without waiting for the disk. A checkpoint fits into one block, so a
/// killed process leaves the old one or the new one; power loss may leave neither, which is told apart from a
/// rollback by the signature.
#[derive(Debug)]
pub struct FileAnchor {
    path: PathBuf,
    file: Option<File>,
}

impl FileAnchor {
    /// The anchor in this file, which need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None }
    }
}

impl Anchor for FileAnchor {
    fn read(&self) -> io::Result<Option<String>> {
        let Some(file) = found(File::open(&self.path))? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(MAX_ANCHOR).read_to_end(&mut bytes)?;
        // Bytes that are no text are no checkpoint; whoever asked will say so.
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn write(&mut self, note: &str) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => private_file().write(true).create(true).truncate(false).open(&self.path)?,
        };
        file.rewind()?;
        file.write_all(note.as_bytes())?;
        if file.metadata()?.len() > note.len() as u64 {
            file.set_len(note.len() as u64)?;
        }
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_note_is_read_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut anchor = FileAnchor::new(dir.path().join("anchor"));
        assert_eq!(anchor.read().expect("reads"), None);
        anchor.write("a longer note\n").expect("writes");
        anchor.write("a note\n").expect("writes");
        assert_eq!(anchor.read().expect("reads").as_deref(), Some("a note\n"));
        let mut second = FileAnchor::new(dir.path().join("anchor"));
        second.write("another\n").expect("writes");
        assert_eq!(anchor.read().expect("reads").as_deref(), Some("another\n"));
        std::fs::write(dir.path().join("anchor"), [0xff, 0xfe]).expect("writes");
        assert!(anchor.read().expect("torn bytes are no error").is_some());
    }
}
