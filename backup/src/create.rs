//! Making a backup of a practice that others may be at work on.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use provenote_ledger::{BlobStore as _, Checkpoint, KeyStore as _, SignedNote, Store as _, Unlocked, vault};
use provenote_ledger_files::{FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;

use crate::BackupError;
use crate::archive::{self, BLOBS, CATALOGUE, KEYS, LEDGER, Manifest, Member, POLICY, Part, WriteError, digest};
use crate::disk::{Disk, RealDisk, Scratch};
use crate::place::{KEYS_NAME, data_name};
use crate::verify::ANCHOR;

/// How often a part is begun again because files changed under it.
const ATTEMPTS: usize = 5;

/// What is backed up, and where to.
pub struct Source<'a> {
    /// The practice's folder.
    pub home: &'a Path,
    /// The folder of backups; made if it is not there.
    pub into: &'a Path,
    /// The entry that records this backup. The ledger has it by now.
    pub seq: u64,
    /// The time, in milliseconds since 1970.
    pub made: i64,
    /// Who makes it, and signs for it.
    pub by: &'a Unlocked,
}

/// A backup just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The data archive.
    pub data: PathBuf,
    /// The key archive.
    pub keys: PathBuf,
    /// Entries in it.
    pub size: u64,
    /// Bytes of both files.
    pub bytes: u64,
    /// The ledger's checkpoint of that moment, a signed note: worth keeping elsewhere.
    pub checkpoint: String,
}

/// Makes a backup. Both files are durable when this returns; when it fails, the backup that was there is as it was.
///
/// # Errors
/// [`BackupError`].
pub fn create(source: &Source<'_>) -> Result<Created, BackupError> {
    create_on(&RealDisk, source)
}

/// As [`create`], on this disk.
///
/// # Errors
/// [`BackupError`].
pub fn create_on(disk: &dyn Disk, source: &Source<'_>) -> Result<Created, BackupError> {
    let Source { home, into, .. } = source;
    for name in [LEDGER, "keys/log.json"] {
        if !home.join(name).is_file() {
            return Err(BackupError::NotAPractice(home.join(name).display().to_string()));
        }
    }
    let into_name = into.display().to_string();
    let unwritten = BackupError::writing(&into_name);
    refuse_inside(home, into)?;
    disk.make_folder(into).map_err(&unwritten)?;
    let scratch = Scratch::in_folder(into).map_err(&unwritten)?;

    // The data first: keys saved later than it open all of it.
    let copy = scratch.path().join(LEDGER);
    drop(disk.make_file(&copy).map_err(BackupError::writing(LEDGER))?);
    SqliteStore::open(&home.join(LEDGER))?.copy_to(&copy)?;
    let data_temporary = scratch.path().join("data");
    let blobs = FileBlobs::open(home.join(BLOBS)).map_err(BackupError::reading(BLOBS))?;
    let (data, data_bytes) = attempt(|| {
        let manifest = data_manifest(source, &copy, &blobs)?;
        let bytes =
            write_part(disk, &data_temporary, &manifest, source.by, &mut |member| match member.name.as_str() {
                LEDGER => Ok(Box::new(File::open(&copy)?)),
                name => Ok(Box::new(File::open(home.join(name))?)),
            })?;
        Ok((manifest, bytes))
    })?;

    let keys_temporary = scratch.path().join("keys");
    let key_files = FileKeys::open(home.join(KEYS)).map_err(BackupError::reading(KEYS))?;
    let key_files = KeySource { home, anchor: anchor_of(home, &key_files, &data)?, files: key_files };
    let (_, keys_bytes) = attempt(|| {
        let manifest = keys_manifest(&key_files, &data)?;
        let bytes = write_part(disk, &keys_temporary, &manifest, source.by, &mut |member| {
            Ok(Box::new(io::Cursor::new(key_files.contents(&member.name)?)))
        })?;
        Ok((manifest, bytes))
    })?;

    // Keys go first: older data under newer keys is a backup, the other way round it lacks keys.
    let created = Created {
        data: into.join(data_name(source.seq)),
        keys: into.join(KEYS_NAME),
        size: data.size,
        bytes: data_bytes + keys_bytes,
        checkpoint: data.checkpoint,
    };
    let old = match fs::OpenOptions::new().write(true).open(&created.keys) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(BackupError::writing(KEYS_NAME)(error)),
    };
    disk.rename(&keys_temporary, &created.keys).map_err(BackupError::writing(KEYS_NAME))?;
    disk.sync_folder(into).map_err(BackupError::writing(KEYS_NAME))?;
    disk.rename(&data_temporary, &created.data).map_err(BackupError::writing("the data archive"))?;
    disk.sync_folder(into).map_err(BackupError::writing("the data archive"))?;
    // Held open over the renaming, so that keys destroyed since do not stay where nothing names them.
    old.map_or(Ok(()), overwrite).map_err(BackupError::writing("the keys.pvk before this one"))?;
    Ok(created)
}

fn refuse_inside(home: &Path, into: &Path) -> Result<(), BackupError> {
    let home = fs::canonicalize(home).map_err(BackupError::reading(&home.display().to_string()))?;
    let absolute = std::path::absolute(into).map_err(BackupError::reading(&into.display().to_string()))?;
    // The folder may not be there yet: what counts is the part of its path that is.
    let there = absolute.ancestors().find_map(|folder| fs::canonicalize(folder).ok());
    if there.is_some_and(|there| there.starts_with(&home)) || absolute.starts_with(&home) {
        return Err(BackupError::Inside(into.display().to_string()));
    }
    Ok(())
}

fn attempt<T>(mut part: impl FnMut() -> Result<T, Failed>) -> Result<T, BackupError> {
    for _ in 0..ATTEMPTS {
        match part() {
            Ok(done) => return Ok(done),
            Err(Failed::Changed) => {}
            Err(Failed::Other(error)) => return Err(error),
        }
    }
    Err(BackupError::Unsettled)
}

enum Failed {
    /// Another process took a file away, or replaced it.
    Changed,
    Other(BackupError),
}

impl<E: Into<BackupError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

fn data_manifest(source: &Source<'_>, copy: &Path, blobs: &FileBlobs) -> Result<Manifest, Failed> {
    let mut named = Vec::new();
    let latest = {
        let store = SqliteStore::open(copy)?;
        for blob in blobs.list().map_err(BackupError::reading(BLOBS))? {
            // One that no entry speaks of is being written just now.
            if store.payload(&blob)?.is_some_and(|stored| stored.body.is_none()) {
                named.push(blob);
            }
        }
        store.latest()?
    };
    // Read after the copy has been closed: until then its bytes may change.
    let (bytes, sha256) =
        digest(File::open(copy).map_err(BackupError::reading(LEDGER))?).map_err(BackupError::reading(LEDGER))?;
    let mut members = vec![Member { name: LEDGER.to_owned(), bytes, sha256 }];
    for blob in named {
        let name = format!("{BLOBS}{blob}");
        let bytes = match fs::metadata(source.home.join(&name)) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Failed::Changed),
            Err(error) => return Err(BackupError::reading(&name)(error).into()),
        };
        members.push(Member { name, bytes, sha256: blob });
    }
    let catalogue = source.home.join(CATALOGUE);
    if catalogue.is_file() {
        let read = File::open(&catalogue).and_then(digest).map_err(BackupError::reading(CATALOGUE))?;
        members.push(Member { name: CATALOGUE.to_owned(), bytes: read.0, sha256: read.1 });
    }
    Ok(Manifest {
        v: 1,
        part: Part::Data,
        made: source.made,
        seq: source.seq,
        size: latest.size,
        checkpoint: latest.note,
        by: source.by.user().to_owned(),
        members,
    })
}

/// The practice's keys, as they go into the archive.
struct KeySource<'a> {
    home: &'a Path,
    files: FileKeys,
    /// Goes in place of the file: every append changes that.
    anchor: Option<Vec<u8>>,
}

impl KeySource<'_> {
    fn contents(&self, name: &str) -> io::Result<Vec<u8>> {
        match (name.strip_prefix(KEYS), &self.anchor) {
            (Some(ANCHOR), Some(anchor)) => Ok(anchor.clone()),
            (Some(key), _) => self.files.read(key)?.ok_or_else(|| io::ErrorKind::NotFound.into()),
            (None, _) => fs::read(self.home.join(name)),
        }
    }
}

/// The checkpoint beside the keys. Where others have appended since the data was copied, that of the data: a backup that
/// can be told from a rollback from the first moment. Where it shows more than the ledger has even now, it stays.
fn anchor_of(home: &Path, keys: &FileKeys, data: &Manifest) -> Result<Option<Vec<u8>>, BackupError> {
    let Some(kept) = keys.read(ANCHOR).map_err(BackupError::reading(ANCHOR))? else { return Ok(None) };
    let note = String::from_utf8_lossy(&kept);
    let size =
        SignedNote::parse(&note).and_then(|note| Checkpoint::parse(note.text())).map(|checkpoint| checkpoint.size);
    let now = SqliteStore::open(&home.join(LEDGER))?.latest()?.size;
    let appended = size.is_ok_and(|size| size > data.size && size <= now);
    Ok(Some(if appended { data.checkpoint.clone().into_bytes() } else { kept }))
}

fn keys_manifest(keys: &KeySource<'_>, data: &Manifest) -> Result<Manifest, Failed> {
    let mut members = Vec::new();
    let names = keys.files.list("").map_err(BackupError::reading(KEYS))?;
    // Tries that failed are this machine's to count: a copy of them would slow people again after their entries.
    let kept = names.into_iter().filter(|name| !name.starts_with(vault::ATTEMPTS));
    let mut names: Vec<String> = kept.map(|name| format!("{KEYS}{name}")).collect();
    names.push(POLICY.to_owned());
    for name in names {
        match keys.contents(&name) {
            Ok(contents) => {
                let sha256 = provenote_ledger::Hash::of(&contents);
                members.push(Member { name, bytes: contents.len() as u64, sha256 });
            }
            // There need not be a policy; and a group's key may have been destroyed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::reading(&name)(error).into()),
        }
    }
    Ok(Manifest { part: Part::Keys, members, ..data.clone() })
}

fn write_part(
    disk: &dyn Disk,
    path: &Path,
    manifest: &Manifest,
    by: &Unlocked,
    open: &mut dyn FnMut(&Member) -> io::Result<Box<dyn Read>>,
) -> Result<u64, Failed> {
    let what = match manifest.part {
        Part::Data => "the data archive",
        Part::Keys => "the key archive",
    };
    if path.exists() {
        fs::remove_file(path).map_err(BackupError::writing(what))?;
    }
    let mut file = disk.make_file(path).map_err(BackupError::writing(what))?;
    let bytes = {
        let mut buffered = io::BufWriter::with_capacity(1 << 17, &mut file);
        let written = archive::write(&mut buffered, manifest, by, open);
        let written = written.and_then(|bytes| buffered.flush().map(|()| bytes).map_err(WriteError::Write));
        written.map_err(|error| match error {
            WriteError::Changed => Failed::Changed,
            WriteError::Read(name, error) => BackupError::reading(&name)(error).into(),
            WriteError::Write(error) => BackupError::writing(what)(error).into(),
        })?
    };
    file.sync().map_err(BackupError::writing(what))?;
    Ok(bytes)
}

fn overwrite(mut file: File) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0 {
        // It has another name: somebody's own copy, which is not ours to take.
        return Ok(());
    }
    let length = file.metadata()?.len();
    file.rewind()?;
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    file.sync_all()
}
