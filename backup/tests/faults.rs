//! A disk that fails at each thing a backup does to it, once before it is done and once after.

mod place;

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use place::{files, practice};
use provenote_backup::create::create_on;
use provenote_backup::disk::{Disk, NewFile, RealDisk};
use provenote_backup::restore::restore_on;
use provenote_backup::{Backup, Restore, Source, pending, verify};

/// Fails one act, the one that many acts come before.
struct Failing {
    left: Rc<Cell<Option<u64>>>,
    /// Done all the same, and only reported to have failed.
    kept: bool,
}

impl Failing {
    fn new(after: u64, kept: bool) -> Self {
        Self { left: Rc::new(Cell::new(Some(after))), kept }
    }

    fn has_failed(&self) -> bool {
        self.left.get().is_none()
    }
}

/// Counts an act; true when it is the one that fails.
fn is_due(left: &Cell<Option<u64>>) -> bool {
    match left.get() {
        Some(0) => {
            left.set(None);
            true
        }
        Some(n) => {
            left.set(Some(n - 1));
            false
        }
        None => false,
    }
}

fn failed<T>(left: &Cell<Option<u64>>, kept: bool, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if !is_due(left) {
        return act();
    }
    if kept {
        act()?;
    }
    Err(io::Error::from(io::ErrorKind::StorageFull))
}

struct FailingFile {
    inner: Box<dyn NewFile>,
    left: Rc<Cell<Option<u64>>>,
    kept: bool,
}

impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        failed(&self.left, self.kept, || self.inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl NewFile for FailingFile {
    fn sync(&mut self) -> io::Result<()> {
        failed(&self.left, self.kept, || self.inner.sync())
    }
}

impl Disk for Failing {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        failed(&self.left, self.kept, || RealDisk.make_folder(path))
    }

    fn make_file(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let inner = failed(&self.left, self.kept, || RealDisk.make_file(path))?;
        Ok(Box::new(FailingFile { inner, left: Rc::clone(&self.left), kept: self.kept }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        failed(&self.left, self.kept, || RealDisk.rename(from, to))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        failed(&self.left, self.kept, || RealDisk.sync_folder(path))
    }
}

#[test]
fn a_restoration_that_fails_leaves_no_half_practice() {
    let (place, mut open) = practice(30);
    open.client("Maria Alvarez");
    place.back_up(&mut open);
    let backup = place.newest();
    let (parent, home) = (place.path("machine"), place.path("machine/practice"));
    let asked =
        Restore { backup: &backup, home: &home, vkey: None, anchors: &[], lists: &[], accept_older_keys: false };
    for kept in [false, true] {
        for after in 0.. {
            let disk = Failing::new(after, kept);
            let outcome = restore_on(&disk, &asked);
            if !disk.has_failed() {
                outcome.expect("nothing failed");
                assert!(after > 60, "{after} acts: each key file alone takes three");
                fs::remove_dir_all(&parent).expect("removes it");
                break;
            }
            assert!(outcome.is_err(), "act {after}");
            if home.exists() {
                // Renamed already, and only its name not certain to last: a whole practice.
                assert!(pending(&home).expect("reads").is_some(), "act {after}");
                assert!(place.signed_in(&home).opening("nobody").is_empty());
                fs::remove_dir_all(&home).expect("removes it");
            }
            if parent.exists() {
                assert_eq!(files(&parent), Vec::<std::path::PathBuf>::new(), "act {after}");
                assert_eq!(fs::read_dir(&parent).expect("lists").count(), 0, "act {after}");
            }
        }
    }
}

#[test]
fn a_backup_that_fails_leaves_the_one_before_whole() {
    let (place, mut open) = practice(31);
    open.client("Maria Alvarez");
    let first = place.back_up(&mut open);
    open.client("Jon Park");
    let (home, into) = (place.home(), place.backups());
    for kept in [false, true] {
        for after in 0.. {
            let seq = open.practice.backup_created(&open.actor).expect("an entry");
            let source = Source { home: &home, into: &into, seq, made: 0, by: open.actor.keys() };
            let disk = Failing::new(after, kept);
            let outcome = create_on(&disk, &source);
            // Whatever happened: the first data under whatever keys there are now.
            let backup = Backup { data: first.data.clone(), keys: first.keys.clone() };
            verify(&backup, None, &[], &place.path("")).expect("the first backup is whole");
            for file in files(&into) {
                let name = file.file_name().expect("a name").to_string_lossy().into_owned();
                assert!(name == "keys.pvk" || name.starts_with("data-"), "{name} is left after act {after}");
                if name.starts_with("data-") {
                    let one = Backup { data: file, keys: first.keys.clone() };
                    verify(&one, None, &[], &place.path("")).expect("no half archive has a name");
                }
            }
            if !disk.has_failed() {
                outcome.expect("nothing failed");
                assert!(after > 8);
                break;
            }
            assert!(outcome.is_err(), "act {after}");
            for later in files(&into).into_iter().filter(|file| *file != first.data && *file != first.keys) {
                fs::remove_file(later).expect("removes it");
            }
        }
    }
}
