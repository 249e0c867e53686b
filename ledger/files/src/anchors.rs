//! Checkpoints known outside this machine, kept beside the keys: cosigned by witnesses, or stamped with a time.
//!
//! ```text
//! anchors/SIZE.note   a checkpoint of SIZE entries, with the cosignatures it got
//! anchors/SIZE.tsr    an RFC 3161 token over the SHA-256 of that checkpoint's text
//! anchors/alarm       a witness knows a longer log than this one: the size it told, and which witness
//! ```
//!
//! Unlike the last checkpoint ([`FileAnchor`](crate::FileAnchor)), these are durable when they are acknowledged.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::temporary::{Temporary, sweep};
use crate::{found, private_folder, sync_folder};

/// The longest file that is read, in bytes: a note has at most 128 KiB, a token far less.
const LONGEST: u64 = 1 << 20;
const ALARM: &str = "alarm";

/// A witness's word that it has signed for a longer log, as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// How many entries the witness knows.
    pub size: u64,
    /// The witness's name.
    pub witness: String,
}

/// The folder of anchors.
#[derive(Debug, Clone)]
pub struct FileAnchors {
    folder: PathBuf,
}

impl FileAnchors {
    /// The folder, made if need be; what killed processes left unfinished is removed.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        private_folder(&folder)?;
        sync_folder(folder.parent().unwrap_or(&folder))?;
        sweep(&folder)?;
        Ok(Self { folder })
    }

    /// The checkpoints kept, ascending by size. What is no text is handed out with its bytes replaced: whoever reads it
    /// as a note will say so.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn notes(&self) -> io::Result<Vec<(u64, String)>> {
        let read = self.all("note")?.into_iter();
        Ok(read.map(|(size, bytes)| (size, String::from_utf8_lossy(&bytes).into_owned())).collect())
    }

    /// The checkpoint of one size.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn note(&self, size: u64) -> io::Result<Option<String>> {
        let read = read(&self.folder.join(format!("{size}.note")))?;
        Ok(read.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Keeps a checkpoint, in place of an earlier one of its size: to add cosignatures, hand in those there were as well.
    ///
    /// # Errors
    /// When it was not made durable; then the earlier one or this one is there.
    pub fn keep_note(&self, size: u64, note: &str) -> io::Result<()> {
        self.keep(&format!("{size}.note"), note.as_bytes())
    }

    /// The time-stamp tokens kept, ascending by the size of the checkpoint they are for.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn timestamps(&self) -> io::Result<Vec<(u64, Vec<u8>)>> {
        self.all("tsr")
    }

    /// Keeps a time-stamp token for the checkpoint of this size.
    ///
    /// # Errors
    /// When it was not made durable.
    pub fn keep_timestamp(&self, size: u64, token: &[u8]) -> io::Result<()> {
        self.keep(&format!("{size}.tsr"), token)
    }

    /// The alarm, if one was raised and not cleared. One that cannot be read as such is an alarm all the same.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn alarm(&self) -> io::Result<Option<Alarm>> {
        let Some(bytes) = read(&self.folder.join(ALARM))? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        let size = lines.next().and_then(|size| size.parse().ok()).unwrap_or(u64::MAX);
        Ok(Some(Alarm { size, witness: lines.next().unwrap_or("a witness").to_owned() }))
    }

    /// Keeps an alarm; of two, the one of the longer log.
    ///
    /// # Errors
    /// When it was not made durable.
    pub fn raise_alarm(&self, alarm: &Alarm) -> io::Result<()> {
        if self.alarm()?.is_some_and(|known| known.size >= alarm.size) {
            return Ok(());
        }
        let witness: String = alarm.witness.chars().filter(|c| !c.is_control()).collect();
        self.keep(ALARM, format!("{}\n{witness}\n", alarm.size).as_bytes())
    }

    /// Removes the alarm: the log is as long again as the witness knows it, or a person has accepted the loss.
    ///
    /// # Errors
    /// When that was not made durable.
    pub fn clear_alarm(&self) -> io::Result<()> {
        match found(fs::remove_file(self.folder.join(ALARM)))? {
            Some(()) => sync_folder(&self.folder),
            None => Ok(()),
        }
    }

    fn keep(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut file = Temporary::new(&self.folder)?;
        file.write_all(contents)?;
        file.keep_as(&self.folder.join(name))
    }

    /// The files `SIZE.suffix`, ascending by size.
    fn all(&self, suffix: &str) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some(size) = name.strip_suffix(suffix).and_then(|rest| rest.strip_suffix('.')).and_then(size_of) else {
                continue;
            };
            // It may have been replaced since it was listed, never removed.
            if let Some(bytes) = read(&self.folder.join(&name))? {
                all.push((size, bytes));
            }
        }
        all.sort_unstable_by_key(|(size, _)| *size);
        Ok(all)
    }
}

/// A size as file names write it: digits, no zero before them.
fn size_of(text: &str) -> Option<u64> {
    text.parse().ok().filter(|size: &u64| size.to_string() == text)
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let Some(file) = found(fs::File::open(path))? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_listed_by_size() {
        let dir = tempfile::tempdir().expect("a folder");
        let anchors = FileAnchors::open(dir.path().join("keys/anchors")).expect("opens");
        assert_eq!(anchors.notes().expect("lists"), []);
        anchors.keep_note(100, "a note of 100\n").expect("keeps");
        anchors.keep_note(20, "a note of 20\n").expect("keeps");
        anchors.keep_note(20, "with a cosignature\n").expect("replaces");
        anchors.keep_timestamp(20, b"\x30\x03token").expect("keeps");
        for stray in ["007.note", "x.note", ".note", "30", "30.txt", ".new-1-1"] {
            fs::write(dir.path().join("keys/anchors").join(stray), b"?").expect("writes");
        }
        let again = FileAnchors::open(dir.path().join("keys/anchors")).expect("opens");
        let notes = [(20, "with a cosignature\n".to_owned()), (100, "a note of 100\n".to_owned())];
        assert_eq!(again.notes().expect("lists"), notes);
        assert_eq!(again.note(100).expect("reads").as_deref(), Some("a note of 100\n"));
        assert_eq!(again.note(30).expect("reads"), None);
        assert_eq!(again.timestamps().expect("lists"), [(20, b"\x30\x03token".to_vec())]);
        assert!(!dir.path().join("keys/anchors/.new-1-1").exists(), "swept");
    }

    #[test]
    fn an_alarm_stays_until_it_is_cleared() {
        let dir = tempfile::tempdir().expect("a folder");
        let anchors = FileAnchors::open(dir.path()).expect("opens");
        assert_eq!(anchors.alarm().expect("reads"), None);
        let alarm = |size, witness: &str| Alarm { size, witness: witness.to_owned() };
        anchors.raise_alarm(&alarm(40, "board.example/\nwitness")).expect("keeps");
        anchors.raise_alarm(&alarm(30, "other.example")).expect("keeps");
        assert_eq!(anchors.alarm().expect("reads"), Some(alarm(40, "board.example/witness")), "the longer one stays");
        fs::write(dir.path().join(ALARM), [0xff]).expect("writes");
        assert_eq!(anchors.alarm().expect("reads").map(|alarm| alarm.size), Some(u64::MAX), "damaged, and still one");
        anchors.clear_alarm().expect("clears");
        anchors.clear_alarm().expect("twice is no error");
        assert_eq!(anchors.alarm().expect("reads"), None);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().expect("a folder");
        let anchors = FileAnchors::open(dir.path().join("anchors")).expect("opens");
        anchors.keep_note(1, "a note\n").expect("keeps");
        let mode = |path: &str| fs::metadata(dir.path().join(path)).expect("is there").permissions().mode() & 0o777;
        assert_eq!((mode("anchors"), mode("anchors/1.note")), (0o700, 0o600));
    }
}
