//! The few things a backup does to the disk, so that tests can make each of them fail.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A disk. Folders are made with mode 0700, files with 0600.
pub trait Disk {
    /// Makes a folder, and those above it.
    ///
    /// # Errors
    /// When it cannot be made.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// When it is there, or cannot be made.
    fn make_file(&self, path: &Path) -> io::Result<Box<dyn NewFile>>;

    /// Gives a file or folder another name; what had that name before is gone.
    ///
    /// # Errors
    /// When it keeps its old name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// A file being written.
pub trait NewFile: Write {
    /// Makes what was written durable.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync(&mut self) -> io::Result<()>;
}

/// The machine's own.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn make_file(&self, path: &Path) -> io::Result<Box<dyn NewFile>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        File::open(path)?.sync_all()?;
        #[cfg(not(unix))]
        let _ = path;
        Ok(())
    }
}

impl NewFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A folder of its own beside a place, that goes with everything in it unless it is kept.
#[derive(Debug)]
pub(crate) struct Scratch(Option<tempfile::TempDir>);

impl Scratch {
    /// Makes one in a folder that is there.
    pub(crate) fn in_folder(folder: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".provenote-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        Ok(Self(Some(builder.tempdir_in(folder)?)))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.as_ref().map_or_else(PathBuf::new, |folder| folder.path().to_path_buf())
    }

    /// Leaves the folder to the name it has been given.
    pub(crate) fn keep(mut self) {
        if let Some(folder) = self.0.take() {
            let _ = folder.keep();
        }
    }
}
