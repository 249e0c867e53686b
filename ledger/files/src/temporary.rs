//! Temporary files that one process writes and no other removes.
//!
//! Several processes may have the practice open at once, and a recording is written for minutes. So the writer holds
//! the operating system's lock on its temporary file for as long as it lives, and whoever opens the folder removes
//! only what it can lock itself: files whose writer was killed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{found, private_file, sync_folder};

static COUNT: AtomicU64 = AtomicU64::new(0);
/// What temporary files begin with.
pub(crate) const PREFIX: &str = ".new-";
/// How often a file taken by a sweeper is made anew before that is an error.
const ATTEMPTS: usize = 100;

/// A temporary file with its lock. Dropped before [`Temporary::keep_as`], it is removed.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Temporary {
    /// Makes one in the folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let name = format!("{PREFIX}{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = folder.join(name);
            let file = match private_file().write(true).create_new(true).open(&path) {
                // Left by a killed process that had this one's number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            match file.try_lock() {
                // A sweeper that was faster may have removed the file before this lock was had.
                Ok(()) if names(&path, &file)? => return Ok(Self { path, file, kept: false }),
                // The sweeper has it, and will remove it.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => {
                    let _ = fs::remove_file(&path);
                    return Err(error);
                }
            }
        }
        Err(io::Error::other("a temporary file was taken away again and again"))
    }

    /// Gives the file its name, durably, with all that was written.
    pub(crate) fn keep_as(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.kept = true;
        sync_folder(path.parent().unwrap_or(path))
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed now is swept when the folder is opened next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether a path still names an open file.
fn names(path: &Path, file: &File) -> io::Result<bool> {
    let Some(there) = found(fs::symlink_metadata(path))? else { return Ok(false) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let open = file.metadata()?;
        Ok((there.dev(), there.ino()) == (open.dev(), open.ino()))
    }
    #[cfg(not(unix))]
    {
        // Elsewhere an open file keeps its name, or cannot be removed.
        let _ = (there, file);
        Ok(true)
    }
}

/// Removes what killed processes left in a folder, and nothing that is being written.
pub(crate) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !entry.file_type()?.is_file() {
            continue;
        }
        let path = entry.path();
        // Its writer may have renamed or removed it since it was listed.
        let Some(file) = found(private_file().write(true).open(&path))? else { continue };
        match file.try_lock() {
            // The lock is held while it is removed: nobody else comes by this file any more.
            Ok(()) if names(&path, &file)? => {
                found(fs::remove_file(&path))?;
            }
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn leftovers(folder: &Path) -> usize {
        fs::read_dir(folder).expect("lists").count()
    }

    #[test]
    fn what_is_being_written_stays_and_what_a_killed_writer_left_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut writing = Temporary::new(dir.path()).expect("begins");
        writing.write_all(b"half").expect("writes");
        // A killed process leaves the file; its lock went with it.
        fs::write(dir.path().join(".new-1-1"), b"left over").expect("writes");
        sweep(dir.path()).expect("sweeps");
        assert_eq!(leftovers(dir.path()), 1, "the one being written");
        writing.write_all(b" and half").expect("writes");
        let kept = dir.path().join("kept");
        writing.keep_as(&kept).expect("keeps");
        sweep(dir.path()).expect("sweeps");
        assert_eq!(fs::read(kept).expect("reads"), b"half and half");
        drop(Temporary::new(dir.path()).expect("begins"));
        assert_eq!(leftovers(dir.path()), 1);
    }

    #[test]
    fn a_file_whose_writer_is_gone_without_cleaning_up_is_swept() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut killed = Temporary::new(dir.path()).expect("begins");
        killed.write_all(b"half").expect("writes");
        // As if the process had been killed: the lock is released, the file is not removed.
        killed.kept = true;
        drop(killed);
        assert_eq!(leftovers(dir.path()), 1);
        sweep(dir.path()).expect("sweeps");
        assert_eq!(leftovers(dir.path()), 0);
    }

    #[test]
    fn a_folder_named_like_a_temporary_file_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join(".new-folder")).expect("makes it");
        sweep(dir.path()).expect("sweeps");
        assert_eq!(leftovers(dir.path()), 1);
    }

    #[test]
    fn sweepers_at_work_all_the_time_take_nothing_from_writers() {
        let dir = tempfile::tempdir().expect("a folder");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        sweep(dir.path()).expect("sweeps");
                    }
                });
            }
            let writers = [0, 1].map(|writer| {
                let folder = dir.path();
                scope.spawn(move || {
                    (0..200).try_for_each(|n| {
                        let mut file = Temporary::new(folder)?;
                        file.write_all(format!("{writer} {n}").as_bytes())?;
                        file.keep_as(&folder.join(format!("{writer}-{n}")))
                    })
                })
            });
            let written = writers.map(|writer| writer.join());
            done.store(true, Ordering::Relaxed);
            for written in written {
                written.expect("no panic").expect("writes");
            }
        });
        for writer in [0, 1] {
            for n in 0..200 {
                assert_eq!(
                    fs::read_to_string(dir.path().join(format!("{writer}-{n}"))).expect("is there"),
                    format!("{writer} {n}")
                );
            }
        }
        assert_eq!(leftovers(dir.path()), 400);
    }
}
