//! Key files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use provenote_ledger::KeyStore;

use crate::temporary::{Temporary, sweep};
use crate::{found, overwrite, private_file, private_folder, sync_folder};

/// What processes lock that change a key file; no key's name begins so.
const LOCK: &str = ".lock";

/// A [`KeyStore`] in a folder: a key file's name is its path below it.
#[derive(Debug, Clone)]
pub struct FileKeys {
    folder: PathBuf,
}

impl FileKeys {
    /// Opens the folder, making it if need be.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        private_folder(&folder)?;
        sweep(&folder)?;
        for sub in ["users", "classes", "groups", "offices", "grants", "factors"] {
            if folder.join(sub).is_dir() {
                sweep(&folder.join(sub))?;
            }
        }
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let part_ok = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if name.split('/').all(part_ok) && name.split('/').count() <= 2 {
            Ok(self.folder.join(name))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "this cannot name a key file"))
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

impl KeyStore for FileKeys {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        found(fs::read(self.path(name)?))
    }

    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folder = parent(&path);
        if !folder.is_dir() {
            private_folder(folder)?;
            sync_folder(&self.folder)?;
        }
        // Held open over the rename, so that the bytes it held can be overwritten when nothing names them any more.
        let old = found(OpenOptions::new().write(true).open(&path))?;
        let mut file = Temporary::new(folder)?;
        file.write_all(contents)?;
        file.keep_as(&path)?;
        old.map_or(Ok(()), |mut old| overwrite(&mut old))
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        let path = self.path(name)?;
        let folder = parent(&path);
        if !folder.is_dir() {
            private_folder(folder)?;
            sync_folder(&self.folder)?;
        }
        let new = !path.exists();
        // One write to a file opened so goes to its end whoever else writes to it.
        let mut file = private_file().append(true).create(true).open(&path)?;
        file.write_all(contents)?;
        file.sync_all()?;
        if new { sync_folder(folder) } else { Ok(()) }
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        let path = self.path(name)?;
        let Some(mut file) = found(OpenOptions::new().write(true).open(&path))? else { return Ok(()) };
        overwrite(&mut file)?;
        found(fs::remove_file(&path))?;
        sync_folder(parent(&path))
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        let mut folders = vec![(self.folder.clone(), String::new())];
        while let Some((folder, above)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let name = format!("{above}{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() {
                    // Of the other folders, which may hold a file for each client, nothing is wanted.
                    if above.is_empty() && (prefix.starts_with(&format!("{name}/")) || !prefix.contains('/')) {
                        folders.push((entry.path(), format!("{name}/")));
                    }
                } else if name.starts_with(prefix) && self.path(&name).is_ok() {
                    names.push(name);
                }
            }
        }
        names.sort();
        Ok(names)
    }

    fn lock(&self) -> io::Result<Box<dyn Send>> {
        // The file is empty and stays; the operating system releases the lock when it is closed.
        let file = private_file().write(true).create(true).truncate(false).open(self.folder.join(LOCK))?;
        file.lock()?;
        Ok(Box::new(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_replaced_listed_and_destroyed() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keys = FileKeys::open(dir.path().join("keys")).expect("opens");
        assert_eq!(keys.read("users/a.json").expect("reads"), None);
        keys.write("users/a.json", b"one").expect("writes");
        keys.write("log.json", b"log").expect("writes");
        let first = fs::File::open(dir.path().join("keys/users/a.json")).expect("opens");
        keys.write("users/a.json", b"two").expect("writes");
        assert_eq!(io::read_to_string(first).expect("reads"), "\0\0\0", "the replaced file is overwritten");
        assert_eq!(keys.read("users/a.json").expect("reads").as_deref(), Some(&b"two"[..]));
        assert_eq!(keys.list("").expect("lists"), ["log.json", "users/a.json"]);
        assert_eq!(keys.list("users/").expect("lists"), ["users/a.json"]);
        let held = fs::File::open(dir.path().join("keys/users/a.json")).expect("opens");
        keys.destroy("users/a.json").expect("destroys");
        keys.destroy("users/a.json").expect("destroying twice is no error");
        assert_eq!(io::read_to_string(held).expect("reads"), "\0\0\0", "the destroyed file was overwritten");
        assert_eq!(keys.read("users/a.json").expect("reads"), None);
    }

    #[test]
    fn lines_added_by_several_at_once_are_all_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("keys");
        FileKeys::open(&folder).expect("opens");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let folder = &folder;
                scope.spawn(move || {
                    let mut keys = FileKeys::open(folder).expect("opens");
                    for n in 0..25 {
                        keys.append("destroyed.jsonl", format!("{writer} {n}\n").as_bytes()).expect("appends");
                    }
                });
            }
        });
        let keys = FileKeys::open(&folder).expect("opens");
        let text = String::from_utf8(keys.read("destroyed.jsonl").expect("reads").expect("is there")).expect("text");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        let mut expected: Vec<String> = (0..4).flat_map(|w| (0..25).map(move |n| format!("{w} {n}"))).collect();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }

    #[test]
    fn one_at_a_time_holds_the_lock() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = FileKeys::open(dir.path()).expect("opens");
        let held = keys.lock().expect("locks");
        let (to, from) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let (other, folder) = (to.clone(), dir.path());
            scope.spawn(move || {
                let waited = FileKeys::open(folder).and_then(|keys| keys.lock()).expect("locks in the end");
                other.send("second").expect("is heard");
                drop(waited);
            });
            to.send("first").expect("is heard");
            drop(held);
        });
        assert_eq!(from.try_iter().collect::<Vec<_>>(), ["first", "second"]);
        assert_eq!(keys.list("").expect("lists"), [""; 0], "the lock is no key");
    }

    #[test]
    fn no_name_leads_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keys = FileKeys::open(dir.path()).expect("opens");
        for bad in ["", "../a", "/etc/passwd", "users/../../a", "users//a", "users/.a", "a/b/c", "A", "a\0b"] {
            assert!(keys.read(bad).is_err() && keys.write(bad, b"x").is_err() && keys.destroy(bad).is_err(), "{bad:?}");
            assert!(keys.append(bad, b"x").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn leftovers_are_swept_and_modes_are_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut keys = FileKeys::open(dir.path().join("keys")).expect("opens");
        keys.write("users/a.json", b"one").expect("writes");
        fs::write(dir.path().join("keys/users/.new-1-1"), b"half").expect("writes");
        let keys = FileKeys::open(dir.path().join("keys")).expect("opens");
        assert_eq!(fs::read_dir(dir.path().join("keys/users")).expect("lists").count(), 1);
        assert_eq!(keys.list("").expect("lists").len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &str| fs::metadata(dir.path().join(path)).expect("is there").permissions().mode() & 0o777;
            assert_eq!((mode("keys"), mode("keys/users"), mode("keys/users/a.json")), (0o700, 0o700, 0o600));
        }
    }
}
