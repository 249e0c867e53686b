//! A practice restored from a backup.
//!
//! It is built beside its place and renamed when it is whole: a crash or a full disk leaves no half practice. What was
//! destroyed since the backup was made is left out while it is built, so that the keys of it never lie on the new disk.
//!
//! A backup is older than the practice it was made of. The checkpoint beside the keys may show entries that the backup
//! does not have, and that is what a rollback looks like. So the checkpoints ahead of the restored ledger are kept as
//! evidence in `keys/superseded`, the newest one is told, and `keys/restored.json` stays until the owner has accepted it by
//! an entry: see [`pending`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use provenote_ledger::vault::{DESTROYED, DestructionList};
use provenote_ledger::verify::GivenAnchor;
use provenote_ledger::{Hash, KeyStore as _, Log, NoAnchor};
use provenote_ledger_files::FileKeys;
use provenote_ledger_sqlite::SqliteStore;
use serde::{Deserialize, Serialize};

use crate::archive::{BLOBS, KEYS, LEDGER, POLICY};
use crate::disk::{Disk, RealDisk, Scratch};
use crate::replay::Destroyed;
use crate::verify::{ANCHOR, Opened, acceptable, copy, noted};
use crate::{Backup, BackupError};

/// What says that nobody has accepted the restored practice yet; a name among the keys.
const MARKER: &str = "restored.json";
/// Where checkpoints ahead of a restored ledger are kept; a folder among the keys.
const SUPERSEDED: &str = "superseded";

/// What to restore, where to, and how.
pub struct Restore<'a> {
    /// The two files.
    pub backup: &'a Backup,
    /// The practice's folder: empty, or not there yet.
    pub home: &'a Path,
    /// What the log's first key must be, where the recovery kit is at hand.
    pub vkey: Option<&'a str>,
    /// Checkpoints handed out earlier.
    pub anchors: &'a [GivenAnchor],
    /// Lists of destructions besides the one in the key archive: `keys/destroyed.jsonl` of the old machine.
    pub lists: &'a [Vec<u8>],
    /// Goes on with keys saved before the last entries of the data.
    pub accept_older_keys: bool,
}

/// A practice just restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// The log's name.
    pub origin: String,
    /// Its first key: to be compared with the recovery kit.
    pub vkey: String,
    /// When the data was saved, in milliseconds since 1970.
    pub made: i64,
    /// The entry that recorded the backup.
    pub seq: u64,
    /// Entries restored.
    pub size: u64,
    /// Entries the ledger had at least when the keys were saved.
    pub keys_size: u64,
    /// Entries that anchors or destructions show to have been, where that is more than were restored.
    pub anchor: Option<u64>,
    /// Groups and clients that the backup still held and that were destroyed again.
    pub destroyed_again: u64,
    /// What the ledger's verifier said of the backup, in a word.
    pub verdict: String,
}

impl Restored {
    /// What a person must know before they accept it.
    #[must_use]
    pub fn told(&self) -> String {
        match self.anchor {
            Some(anchor) => format!(
                "entries from {} on are not in this backup; a checkpoint beside the keys, or the list of destructions, shows that there were at least {anchor}",
                self.size
            ),
            None => format!(
                "{} entries were restored; nothing beside the keys shows that there were more, and nothing can show that there were not",
                self.size
            ),
        }
    }
}

/// Restores a practice. When it fails, nothing is left at `home`; only where the very last step fails, making the
/// folder's name durable, a whole practice is there.
///
/// # Errors
/// [`BackupError`].
pub fn restore(asked: &Restore<'_>) -> Result<Restored, BackupError> {
    restore_on(&RealDisk, asked)
}

/// As [`restore`], on this disk.
///
/// # Errors
/// [`BackupError`].
pub fn restore_on(disk: &dyn Disk, asked: &Restore<'_>) -> Result<Restored, BackupError> {
    let home = std::path::absolute(asked.home).map_err(BackupError::reading(&asked.home.display().to_string()))?;
    let name = home.display().to_string();
    let unwritten = BackupError::writing(&name);
    refuse_full(&home)?;
    let parent = home.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    disk.make_folder(&parent).map_err(&unwritten)?;
    let scratch = Scratch::in_folder(&parent).map_err(&unwritten)?;
    let building = scratch.path();

    let mut opened = Opened::read(disk, asked.backup, asked.vkey, asked.anchors, &building.join(LEDGER))?;
    let verified = opened.verified.clone();
    if !acceptable(verified.report.verdict) {
        let first = verified.report.findings.first().map(|finding| finding.detail.clone()).unwrap_or_default();
        return Err(BackupError::Ledger { verdict: verified.report.verdict.to_string(), first });
    }
    if verified.keys_size < verified.size && !asked.accept_older_keys {
        return Err(BackupError::KeysOlder { keys: verified.keys_size, data: verified.size });
    }
    let mut listed = 0;
    for list in asked.lists {
        let read: DestructionList = opened.vault.take_over_destructions(list)?;
        let strange = read.unsigned.len() + read.damaged.len();
        if strange > 0 {
            return Err(BackupError::ForeignList(strange));
        }
        listed = read.held.iter().map(|held| held.seq + 1).max().unwrap_or(0).max(listed);
    }

    let store = SqliteStore::open(&building.join(LEDGER))?;
    let mut log = Log::open(Box::new(store), &opened.epochs, Box::new(NoAnchor))?;
    let destroyed = Destroyed::known(&log, &opened.vault)?;
    // While the rows of destroyed payloads are there, they tell which blobs are of them.
    unpack_rest(disk, &mut opened, &log, &destroyed, &building)?;
    let destroyed_again = destroyed.carry_out(&mut log, &mut opened.keys)?;
    let head = log.checkpoint()?;
    // Closing it moves everything from its journal into the one file.
    drop(log);

    let known = verified.anchor.unwrap_or(0).max(verified.keys_size).max(listed);
    let restored = Restored {
        origin: verified.origin,
        vkey: verified.vkey,
        made: verified.made,
        seq: verified.seq,
        size: verified.size,
        keys_size: verified.keys_size,
        anchor: (known > verified.size).then_some(known),
        destroyed_again,
        verdict: verified.report.verdict.to_string(),
    };
    set_anchor(&mut opened, &head, restored.size)?;
    let marker = serde_json::to_vec_pretty(&restored).unwrap_or_default();
    opened.keys.write(MARKER, &marker).map_err(&unwritten)?;
    write_keys(disk, &opened, &building)?;
    disk.sync_folder(&building).map_err(&unwritten)?;

    // An empty folder gives way to another of its name; one that holds something does not.
    disk.rename(&building, &home).map_err(&unwritten)?;
    scratch.keep();
    disk.sync_folder(&parent).map_err(&unwritten)?;
    Ok(restored)
}

fn refuse_full(home: &Path) -> Result<(), BackupError> {
    let name = home.display().to_string();
    match fs::read_dir(home) {
        Ok(mut files) => {
            if files.next().is_none() {
                Ok(())
            } else {
                Err(BackupError::NotEmpty(name))
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A file of that name.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(BackupError::NotEmpty(name)),
        Err(error) => Err(BackupError::reading(&name)(error)),
    }
}

/// Unpacks the blobs that were not destroyed, and the catalogue.
fn unpack_rest(
    disk: &dyn Disk,
    opened: &mut Opened,
    log: &Log,
    destroyed: &Destroyed,
    building: &Path,
) -> Result<(), BackupError> {
    let blobs = building.join(BLOBS);
    disk.make_folder(&blobs).map_err(BackupError::writing(BLOBS))?;
    let archive = opened.data.name().to_owned();
    let wanted = |hash: &Hash| -> Result<bool, BackupError> {
        Ok(log.store().payload(hash)?.is_some_and(|stored| !destroyed.groups.contains(&stored.group)))
    };
    opened.data.members(&mut |member, contents| {
        if member.name == LEDGER || (member.name.starts_with(BLOBS) && !wanted(&member.sha256)?) {
            return Ok(());
        }
        let path = building.join(&member.name);
        let folder = path.parent().unwrap_or(building);
        disk.make_folder(folder).map_err(BackupError::writing(&member.name))?;
        let mut file = disk.make_file(&path).map_err(BackupError::writing(&member.name))?;
        copy(contents, &mut *file, &archive, &member.name)?;
        file.sync().map_err(BackupError::writing(&member.name))?;
        disk.sync_folder(folder).map_err(BackupError::writing(&member.name))
    })?;
    disk.sync_folder(&blobs).map_err(BackupError::writing(BLOBS))
}

/// The restored head becomes the anchor; what was known of a longer log becomes evidence: checkpoints, their time-stamps,
/// a witness's alarm.
fn set_anchor(opened: &mut Opened, head: &str, size: u64) -> Result<(), BackupError> {
    let unread = BackupError::reading("keys.pvk");
    let checkpoints = noted(&opened.keys)?;
    for name in opened.keys.list(ANCHOR).map_err(&unread)? {
        let contents = opened.keys.read(&name).map_err(&unread)?.unwrap_or_default();
        let file = name.split_once('/').map(|(_, file)| file);
        // A time-stamp is named after its checkpoint's size; an alarm begins with the size the witness knows.
        let named = || file?.split_once('.')?.0.parse().ok();
        let told = || String::from_utf8_lossy(&contents).lines().next()?.parse().ok();
        let of: Option<u64> = checkpoints.get(&name).map(|(size, _)| *size).or_else(named).or_else(told);
        if let Some(of) = of.filter(|of| *of > size) {
            let kept = file.map_or_else(|| format!("{of}.{ANCHOR}"), str::to_owned);
            opened.keys.write(&format!("{SUPERSEDED}/{kept}"), &contents).map_err(&unread)?;
            opened.keys.destroy(&name).map_err(&unread)?;
        }
    }
    opened.keys.write(ANCHOR, head.as_bytes()).map_err(&unread)
}

fn write_keys(disk: &dyn Disk, opened: &Opened, building: &Path) -> Result<(), BackupError> {
    let unread = BackupError::reading("keys.pvk");
    let folder = building.join(KEYS);
    disk.make_folder(&folder).map_err(BackupError::writing(KEYS))?;
    let mut folders = vec![folder.clone()];
    let put = |path: &Path, name: &str, contents: &[u8]| -> Result<(), BackupError> {
        let mut file = disk.make_file(path).map_err(BackupError::writing(name))?;
        file.write_all(contents).map_err(BackupError::writing(name))?;
        file.sync().map_err(BackupError::writing(name))
    };
    for name in opened.keys.list("").map_err(&unread)? {
        let contents = opened.keys.read(&name).map_err(&unread)?.unwrap_or_default();
        let path = folder.join(&name);
        if let Some(above) = path.parent().filter(|above| !folders.iter().any(|made| made == above)) {
            disk.make_folder(above).map_err(BackupError::writing(&name))?;
            folders.push(above.to_path_buf());
        }
        put(&path, &name, &contents)?;
    }
    for made in folders.iter().rev() {
        disk.sync_folder(made).map_err(BackupError::writing(KEYS))?;
    }
    match &opened.policy {
        Some(policy) => put(&building.join(POLICY), POLICY, policy),
        None => Ok(()),
    }
}

/// What a practice was restored from, as long as its owner has not accepted it.
///
/// # Errors
/// [`BackupError`] where it cannot be read.
pub fn pending(home: &Path) -> Result<Option<Restored>, BackupError> {
    let keys = FileKeys::open(home.join(KEYS)).map_err(BackupError::reading(KEYS))?;
    let Some(bytes) = keys.read(MARKER).map_err(BackupError::reading(MARKER))? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| BackupError::Altered { archive: MARKER.to_owned(), what: "it is not in its form" })
}

/// Says that the entry is written by which the owner accepts.
///
/// # Errors
/// [`BackupError::Disk`].
pub fn settle(home: &Path) -> Result<(), BackupError> {
    let mut keys = FileKeys::open(home.join(KEYS)).map_err(BackupError::writing(KEYS))?;
    keys.destroy(MARKER).map_err(BackupError::writing(MARKER))
}

/// The list of destructions of a practice's folder, to be given to a restoration elsewhere.
///
/// # Errors
/// [`BackupError::Disk`].
pub fn destruction_list(home: &Path) -> Result<Vec<u8>, BackupError> {
    let keys = FileKeys::open(home.join(KEYS)).map_err(BackupError::reading(KEYS))?;
    Ok(keys.read(DESTROYED).map_err(BackupError::reading(DESTROYED))?.unwrap_or_default())
}
