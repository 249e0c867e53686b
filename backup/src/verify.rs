//! Reading a backup through: every byte of both archives, then the ledger in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use provenote_ledger::memory::MemoryKeys;
use provenote_ledger::policy::Policy;
use provenote_ledger::verify::GivenAnchor;
use provenote_ledger::{
    BlobStore, BlobWriter, Checkpoint, Epoch, Fact, Hash, KeyStore as _, Log, NoAnchor, Query, Report, SignedNote,
    Store as _, Vault, Verdict, Verification,
};
use provenote_ledger_sqlite::SqliteStore;

use crate::archive::{Archive, BLOBS, KEYS, LEDGER, Part};
use crate::disk::{Disk, RealDisk, Scratch};
use crate::{Backup, BackupError};

/// The kind of entry that says which keys a user has: its reference `user`, its fact `sign_key` in hexadecimal.
const USER_ADDED: &str = "user.added";
/// The file beside the keys with the last checkpoint.
pub(crate) const ANCHOR: &str = "anchor";

/// A backup, read through and found whole.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The log's name.
    pub origin: String,
    /// Its first key: what the recovery kit prints.
    pub vkey: String,
    /// When the data was saved, in milliseconds since 1970.
    pub made: i64,
    /// The entry that recorded it.
    pub seq: u64,
    /// Entries in it.
    pub size: u64,
    /// Entries the ledger had at least when the keys were saved.
    pub keys_size: u64,
    /// Entries that the anchors beside the keys, or the list of destructions, show to have been.
    pub anchor: Option<u64>,
    /// Recordings and other large ciphertexts.
    pub blobs: usize,
    /// What the ledger's own verifier found. Payloads are not opened: nobody's keys are.
    pub report: Report,
}

/// Reads a backup through. `vkey` is what the log's first key must be, where the recovery kit is at hand; `anchors` are
/// checkpoints handed out earlier; the ledger is unpacked into a private folder in `room` for as long as this takes.
///
/// # Errors
/// [`BackupError`]: an altered or truncated archive, keys of another practice. What is wrong with the ledger itself is
/// in the report.
pub fn verify(
    backup: &Backup,
    vkey: Option<&str>,
    anchors: &[GivenAnchor],
    room: &Path,
) -> Result<Verified, BackupError> {
    let scratch = Scratch::in_folder(room).map_err(BackupError::writing(&room.display().to_string()))?;
    let opened = Opened::read(&RealDisk, backup, vkey, anchors, &scratch.path().join(LEDGER))?;
    Ok(opened.verified)
}

/// A backup that was read through: the ledger unpacked, the keys in memory, the rest still in the archive.
pub(crate) struct Opened {
    pub(crate) verified: Verified,
    pub(crate) data: Archive,
    pub(crate) keys: MemoryKeys,
    /// The witness policy, which lies outside the folder of keys.
    pub(crate) policy: Option<Vec<u8>>,
    pub(crate) vault: Vault,
    pub(crate) epochs: Vec<Epoch>,
}

impl Opened {
    /// Reads both archives, unpacks the ledger to `ledger`, and verifies it.
    pub(crate) fn read(
        disk: &dyn Disk,
        backup: &Backup,
        vkey: Option<&str>,
        anchors: &[GivenAnchor],
        ledger: &Path,
    ) -> Result<Self, BackupError> {
        let mut keys_archive = Archive::open(&backup.keys, Part::Keys)?;
        let mut data = Archive::open(&backup.data, Part::Data)?;
        let keys = MemoryKeys::default();
        let mut policy = None;
        let mut memory = keys.clone();
        let keys_name = keys_archive.name().to_owned();
        keys_archive.members(&mut |member, contents| {
            let mut bytes = Vec::new();
            contents.read_to_end(&mut bytes).map_err(BackupError::reading(&keys_name))?;
            match member.name.strip_prefix(KEYS) {
                Some(key) => provenote_ledger::KeyStore::write(&mut memory, key, &bytes)
                    .map_err(BackupError::reading(&keys_name))?,
                None => policy = Some(bytes),
            }
            Ok(())
        })?;
        let blobs = ArchiveBlobs::of(&data);
        let blob_count = blobs.places.len();
        let vault = Vault::new(Box::new(keys.clone()), Box::new(blobs));
        let users = vault.users()?;
        keys_archive.check_signature(&users)?;
        data.check_signature(&users)?;
        let epochs = vault.epochs()?;
        let first =
            epochs.iter().min_by_key(|epoch| epoch.number).map(|epoch| epoch.key.to_string()).unwrap_or_default();
        let origin = epochs.first().map(|epoch| epoch.key.name().to_owned()).unwrap_or_default();
        let of_data = SignedNote::parse(&data.manifest().checkpoint)
            .and_then(|note| Checkpoint::parse(note.text()))
            .map_err(|_| data.altered("its checkpoint cannot be read"))?;
        if of_data.origin != origin {
            return Err(BackupError::TwoPractices { keys: origin, data: of_data.origin });
        }
        if vkey.is_some_and(|vkey| vkey.trim() != first) {
            return Err(BackupError::OtherLog { found: first });
        }

        let data_name = data.name().to_owned();
        data.members(&mut |member, contents| {
            if member.name != LEDGER {
                return Ok(());
            }
            let mut file = disk.make_file(ledger).map_err(BackupError::writing(LEDGER))?;
            copy(contents, &mut *file, &data_name, LEDGER)?;
            file.sync().map_err(BackupError::writing(LEDGER))
        })?;
        let store = SqliteStore::open(ledger)?;
        let latest = store.latest()?;
        if latest.note != data.manifest().checkpoint || latest.size != data.manifest().size {
            return Err(data.altered("its ledger does not end where its manifest says"));
        }
        // A key that begins beyond the end of this ledger: the one it ended with is gone.
        if epochs.iter().any(|epoch| epoch.from_size > latest.size) {
            return Err(BackupError::KeyRotated);
        }
        let local_anchor = keys.read(ANCHOR).map_err(BackupError::reading(&keys_name))?;
        let local_anchor = local_anchor.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        // Besides those given, the checkpoints that lie beside the keys.
        let mut given = anchors.to_vec();
        for (name, (_, note)) in noted(&keys)?.into_iter().filter(|(name, _)| name != ANCHOR) {
            given.push(GivenAnchor { label: name, note });
        }
        // A policy that cannot be read is for whoever uses it to tell.
        let trusted = policy.as_ref().and_then(|policy| Policy::parse(policy).ok());
        let report = provenote_ledger::verify(
            &Verification {
                local_anchor,
                anchors: &given,
                policy: trusted.as_ref(),
                vault: Some(&vault),
                ..Verification::new(&store, &epochs)
            },
            &mut |_, _| {},
        );
        // Entries that are not as they were signed can say nothing of users.
        if acceptable(report.verdict) {
            let log = Log::open(Box::new(store), &epochs, Box::new(NoAnchor))?;
            // The key that signs the next entry; after a crash in a rotation it may be the one that was to be next.
            let signs = log.epochs().last().map(|epoch| epoch.key.clone());
            if signs != epochs.last().map(|epoch| epoch.key.clone()) && signs != vault.next_log_key()? {
                return Err(BackupError::KeyRotated);
            }
            let signers = [&data, &keys_archive];
            for archive in signers {
                check_signer(&log, archive, &users)?;
            }
        }
        let anchor = known_size(&vault, &keys, &epochs)?;
        let (manifest, keys_manifest) = (data.manifest(), keys_archive.manifest());
        let verified = Verified {
            origin,
            vkey: first,
            made: manifest.made,
            seq: manifest.seq,
            size: manifest.size,
            keys_size: keys_manifest.size,
            anchor,
            blobs: blob_count,
            report,
        };
        Ok(Self { verified, data, keys, policy, vault, epochs })
    }
}

/// Whether a ledger of this verdict is what was signed, as far as it goes. A backup is older than its practice, so that
/// a checkpoint ahead of it and keys destroyed since are to be expected.
pub(crate) fn acceptable(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Intact | Verdict::Unanchored | Verdict::RolledBack | Verdict::Incomplete)
}

/// The ledger vouches for the keys that vouch for the archive.
fn check_signer(log: &Log, archive: &Archive, users: &[provenote_ledger::UserPublic]) -> Result<(), BackupError> {
    let by = &archive.manifest().by;
    let added = log.find(&Query::kind(USER_ADDED).refer("user", by))?;
    let recorded = added.first().and_then(|header| header.facts.get("sign_key"));
    let key = users.iter().find(|user| user.user == *by).map(|user| hex(&user.sign_key));
    match (recorded, key) {
        (Some(Fact::Text(recorded)), Some(key)) if *recorded == key => Ok(()),
        _ => Err(archive.altered("the key that signed it is not the one the ledger names for that user")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The longest the ledger is known to have been: by its anchors, as far as its keys signed them, and by the list of
/// destructions.
fn known_size(vault: &Vault, keys: &MemoryKeys, epochs: &[Epoch]) -> Result<Option<u64>, BackupError> {
    let mut sizes: Vec<u64> = vault.destructions()?.held.iter().map(|destruction| destruction.seq + 1).collect();
    for (size, note) in noted(keys)?.into_values() {
        let signed = epochs.iter().any(|epoch| Checkpoint::open(&note, &epoch.key).is_ok());
        sizes.extend(signed.then_some(size));
    }
    Ok(sizes.into_iter().max())
}

/// The checkpoints beside the keys, by file, with their sizes. One that cannot be read is none: the last one is not
/// written durably.
pub(crate) fn noted(keys: &MemoryKeys) -> Result<BTreeMap<String, (u64, String)>, BackupError> {
    let unread = BackupError::reading("keys.pvk");
    let mut found = BTreeMap::new();
    for name in keys.list(ANCHOR).map_err(&unread)? {
        let Some(bytes) = keys.read(&name).map_err(&unread)? else { continue };
        let Ok(note) = String::from_utf8(bytes) else { continue };
        let read = SignedNote::parse(&note).and_then(|note| Checkpoint::parse(note.text()));
        if let Ok(Checkpoint { size, .. }) = read {
            found.insert(name, (size, note));
        }
    }
    Ok(found)
}

/// Copies all of it, and says which of the two sides failed.
pub(crate) fn copy(from: &mut dyn Read, to: &mut dyn io::Write, archive: &str, what: &str) -> Result<(), BackupError> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer).map_err(BackupError::reading(archive))? {
            0 => return Ok(()),
            n => to.write_all(&buffer[..n]).map_err(BackupError::writing(what))?,
        }
    }
}

/// The large ciphertexts, read where they lie in the archive.
struct ArchiveBlobs {
    path: PathBuf,
    /// Where each begins, and how long it is.
    places: BTreeMap<Hash, (u64, u64)>,
}

impl ArchiveBlobs {
    fn of(archive: &Archive) -> Self {
        let blobs = archive.places().into_iter().filter(|(member, _)| member.name.starts_with(BLOBS));
        let places = blobs.map(|(member, start)| (member.sha256, (start, member.bytes))).collect();
        Self { path: archive.path().to_path_buf(), places }
    }
}

fn read_only<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "a backup is only read"))
}

impl BlobStore for ArchiveBlobs {
    fn writer(&self) -> io::Result<Box<dyn BlobWriter>> {
        read_only()
    }

    fn open(&self, hash: &Hash) -> io::Result<Option<Box<dyn Read + Send>>> {
        let Some((start, bytes)) = self.places.get(hash) else { return Ok(None) };
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(*start))?;
        Ok(Some(Box::new(file.take(*bytes))))
    }

    fn destroy(&mut self, _: &Hash) -> io::Result<()> {
        read_only()
    }

    fn list(&self) -> io::Result<Vec<Hash>> {
        Ok(self.places.keys().copied().collect())
    }
}
