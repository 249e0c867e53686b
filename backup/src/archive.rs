//! The container: a plain tar file in one exact form.
//!
//! ```text
//! manifest.json   what is in here, with lengths and SHA-256, and the ledger's checkpoint of that moment
//! manifest.sig    64 bytes: Ed25519 of a user of the practice over "provenote/backup/v1\n" and the manifest's bytes
//! …               the members, in the manifest's order
//! ```
//!
//! Any tar program lists and unpacks it. This one does not: it computes each header from the manifest and compares all
//! 512 bytes, so that no link, device, long name, sparse map or extension is ever interpreted, and no byte of the file
//! is left unchecked: names and lengths by the signature, contents by their SHA-256, padding by being zero, the file's
//! length by the sum. A length can promise no more than the file holds, and nothing is compressed.
//!
//! The signature is by a key whose file lies in `keys.pvk`. Who forges both files with keys of their own is told by the
//! vkey, which the recovery kit prints.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use provenote_ledger::{Hash, Unlocked, UserPublic, verify_signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::BackupError;

/// A tar file's unit, in bytes.
const BLOCK: u64 = 512;
/// Two blocks of zeros end a tar file.
const END: u64 = 2 * BLOCK;
const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
const SIGNED: &[u8] = b"provenote/backup/v1\n";
/// The longest manifest that is read, in bytes.
const MAX_MANIFEST: u64 = 64 << 20;
/// The longest file of a key archive, in bytes: what the vault reads, and room for a long list of destructions.
const MAX_KEY_FILE: u64 = 64 << 20;
/// The longest key archive: it is held in memory while it is checked.
const MAX_KEYS: u64 = 1 << 30;
/// The longest catalogue of models, in bytes.
const MAX_CATALOGUE: u64 = 16 << 20;

/// The ledger's place in the practice's folder and in the archive.
pub const LEDGER: &str = "ledger.db";
/// Where large ciphertexts lie.
pub const BLOBS: &str = "blobs/";
/// Where keys lie.
pub const KEYS: &str = "keys/";
/// The witness policy.
pub const POLICY: &str = "witness.policy";
/// The practice's own catalogue of models.
pub const CATALOGUE: &str = "models/catalogue.yaml";

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// `data-SEQ.pvb`
    Data,
    /// `keys.pvk`
    Keys,
}

/// One file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its path in the practice's folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Hash,
}

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format, 1.
    pub v: u32,
    /// Which of the two files.
    pub part: Part,
    /// When it was made, in milliseconds since 1970.
    pub made: i64,
    /// The entry that records the backup.
    pub seq: u64,
    /// Length of the ledger. In a key archive: as long as it was at least.
    pub size: u64,
    /// The ledger's checkpoint at that length, a signed note.
    pub checkpoint: String,
    /// Whose signature it is.
    pub by: String,
    /// The files.
    pub members: Vec<Member>,
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        // Strings and numbers: these always have a JSON form.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn allows(&self) -> Result<(), &'static str> {
        if self.v != 1 {
            return Err("it is of a format this program does not know");
        }
        let mut names = BTreeSet::new();
        for member in &self.members {
            if !names.insert(member.name.as_str()) {
                return Err("it holds a file twice");
            }
            let most = match self.part {
                Part::Data => data_member(member),
                Part::Keys => key_member(&member.name),
            };
            match most {
                None => return Err("it holds a file that belongs to no backup of this kind"),
                Some(most) if member.bytes > most => return Err("it holds a file longer than such files are"),
                Some(_) => {}
            }
        }
        let needed: &[&str] = match self.part {
            Part::Data => &[LEDGER],
            Part::Keys => &["keys/log.json"],
        };
        if !needed.iter().all(|name| names.contains(name)) {
            return Err("its most important file is missing");
        }
        // Read first, since it says which of the others are wanted.
        if self.part == Part::Data && self.members.first().is_none_or(|first| first.name != LEDGER) {
            return Err("its ledger does not come first");
        }
        Ok(())
    }
}

/// The most bytes a file of a data archive may have; `None` for one that may not be there.
fn data_member(member: &Member) -> Option<u64> {
    match member.name.as_str() {
        LEDGER => Some(u64::MAX),
        CATALOGUE => Some(MAX_CATALOGUE),
        // A blob is named by what it holds.
        name => (name.strip_prefix(BLOBS)? == member.sha256.to_string()).then_some(u64::MAX),
    }
}

fn key_member(name: &str) -> Option<u64> {
    let part_ok = |part: &str| {
        (1..=200).contains(&part.len())
            && !part.starts_with('.')
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    let is_key = |rest: &str| rest.split('/').all(part_ok) && rest.split('/').count() <= 2;
    (name == POLICY || name.strip_prefix(KEYS).is_some_and(is_key)).then_some(MAX_KEY_FILE)
}

/// The header of a member: the same 512 bytes for the same name and length.
fn header(name: &str, bytes: u64) -> Option<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).ok()?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Some(header)
}

const fn padding(bytes: u64) -> u64 {
    (BLOCK - bytes % BLOCK) % BLOCK
}

/// The length of a member with its header, if it can be counted.
fn space(bytes: u64) -> Option<u64> {
    bytes.checked_add(BLOCK)?.checked_add(padding(bytes))
}

/// Reads to the end, hashing.
pub(crate) fn digest(mut from: impl Read) -> io::Result<(u64, Hash)> {
    let mut hashing = Hashing { inner: &mut from, hash: Sha256::new(), bytes: 0 };
    io::copy(&mut hashing, &mut io::sink())?;
    Ok((hashing.bytes, Hash(hashing.hash.finalize().into())))
}

struct Hashing<'a> {
    inner: &'a mut dyn Read,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.hash.update(&out[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Why an archive was not written.
pub(crate) enum WriteError {
    /// A file is no longer what the manifest says.
    Changed,
    /// A file could not be read.
    Read(String, io::Error),
    /// The archive could not be written.
    Write(io::Error),
}

/// Writes an archive. `open` gives each member's contents.
pub(crate) fn write(
    to: &mut dyn Write,
    manifest: &Manifest,
    by: &Unlocked,
    open: &mut dyn FnMut(&Member) -> io::Result<Box<dyn Read>>,
) -> Result<u64, WriteError> {
    let bytes = manifest.encode();
    let signature = by.sign(&[SIGNED, &bytes].concat());
    let mut out = Tar { to, bytes: 0 };
    out.whole(MANIFEST, &bytes).map_err(WriteError::Write)?;
    out.whole(SIGNATURE, &signature).map_err(WriteError::Write)?;
    let unreadable = |member: &Member, error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => WriteError::Changed,
        _ => WriteError::Read(member.name.clone(), error),
    };
    for member in &manifest.members {
        let mut contents = open(member).map_err(|error| unreadable(member, error))?.take(member.bytes);
        let mut hash = Sha256::new();
        out.header(&member.name, member.bytes).map_err(WriteError::Write)?;
        let mut buffer = vec![0; 1 << 16];
        let mut read = 0;
        loop {
            match contents.read(&mut buffer).map_err(|error| unreadable(member, error))? {
                0 => break,
                n => {
                    hash.update(&buffer[..n]);
                    out.put(&buffer[..n]).map_err(WriteError::Write)?;
                    read += n as u64;
                }
            }
        }
        if read != member.bytes || Hash(hash.finalize().into()) != member.sha256 {
            return Err(WriteError::Changed);
        }
        out.pad(member.bytes).map_err(WriteError::Write)?;
    }
    out.put(&[0; END as usize]).map_err(WriteError::Write)?;
    Ok(out.bytes)
}

struct Tar<'a> {
    to: &'a mut dyn Write,
    bytes: u64,
}

impl Tar<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes)
    }

    fn header(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        let header = header(name, bytes).ok_or_else(|| io::Error::other("a name that is too long for an archive"))?;
        self.put(header.as_bytes())
    }

    fn pad(&mut self, bytes: u64) -> io::Result<()> {
        self.put(&[0; BLOCK as usize][..padding(bytes) as usize])
    }

    fn whole(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.header(name, contents.len() as u64)?;
        self.put(contents)?;
        self.pad(contents.len() as u64)
    }
}

/// An archive, its manifest read and found possible. [`Archive::check_signature`] and [`Archive::members`] check the
/// rest.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    /// The file's name, for what is said of it.
    name: String,
    file: File,
    manifest: Manifest,
    encoded: Vec<u8>,
    signature: [u8; 64],
    /// Where the first member's header begins.
    start: u64,
}

impl Archive {
    /// Opens an archive and reads its manifest.
    ///
    /// # Errors
    /// [`BackupError::Altered`], [`BackupError::Truncated`], [`BackupError::Disk`].
    pub fn open(path: &Path, part: Part) -> Result<Self, BackupError> {
        let name =
            path.file_name().map_or_else(|| "the archive".to_owned(), |name| name.to_string_lossy().into_owned());
        let altered = |what| BackupError::Altered { archive: name.clone(), what };
        let unread = BackupError::reading(&name);
        let mut file = File::open(path).map_err(&unread)?;
        let metadata = file.metadata().map_err(&unread)?;
        if !metadata.is_file() {
            return Err(altered("it is no file"));
        }
        if part == Part::Keys && metadata.len() > MAX_KEYS {
            return Err(altered("it is longer than the keys of a practice are"));
        }
        let short = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::Truncated(name.clone()),
            _ => unread(error),
        };
        let mut first = tar::Header::new_ustar();
        file.read_exact(first.as_mut_bytes()).map_err(short)?;
        let length = first.entry_size().ok().filter(|length| *length <= MAX_MANIFEST);
        let length = length.ok_or_else(|| altered("it does not begin with a manifest"))?;
        if header(MANIFEST, length).is_none_or(|expected| expected.as_bytes() != first.as_bytes()) {
            return Err(altered("it does not begin with a manifest"));
        }
        if length > metadata.len() {
            return Err(BackupError::Truncated(name));
        }
        let mut encoded = vec![0; usize::try_from(length).map_err(|_| altered("its manifest is too long"))?];
        file.read_exact(&mut encoded).map_err(short)?;
        let mut archive = Self {
            manifest: serde_json::from_slice(&encoded).map_err(|_| altered("its manifest cannot be read"))?,
            path: path.to_path_buf(),
            file,
            encoded,
            signature: [0; 64],
            start: 0,
            name: name.clone(),
        };
        archive.zeros(padding(length))?;
        archive.expect_header(SIGNATURE, 64)?;
        let mut signature = [0; 64];
        archive.file.read_exact(&mut signature).map_err(|error| archive.short(error))?;
        archive.signature = signature;
        archive.zeros(padding(64))?;
        archive.start = archive.file.stream_position().map_err(&unread)?;

        // One form only, so that nothing of a manifest goes unread.
        if archive.manifest.encode() != archive.encoded {
            return Err(altered("its manifest is not in the form it is written in"));
        }
        if archive.manifest.part != part {
            return Err(altered("it is the other of a backup's two files"));
        }
        archive.manifest.allows().map_err(altered)?;
        let sum = archive
            .manifest
            .members
            .iter()
            .try_fold(archive.start, |sum, member| sum.checked_add(space(member.bytes)?));
        match sum.and_then(|sum| sum.checked_add(END)) {
            Some(sum) if sum == metadata.len() => Ok(archive),
            Some(sum) if sum < metadata.len() => Err(altered("it is longer than its manifest says")),
            _ => Err(BackupError::Truncated(name)),
        }
    }

    /// What the archive says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where the archive is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn altered(&self, what: &'static str) -> BackupError {
        BackupError::Altered { archive: self.name.clone(), what }
    }

    fn short(&self, error: io::Error) -> BackupError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::Truncated(self.name.clone()),
            _ => BackupError::reading(&self.name)(error),
        }
    }

    /// Checks that one of these users signed the manifest.
    ///
    /// # Errors
    /// [`BackupError::Altered`].
    pub fn check_signature(&self, users: &[UserPublic]) -> Result<(), BackupError> {
        let message = [SIGNED, &self.encoded].concat();
        let signer = users.iter().find(|user| user.user == self.manifest.by);
        if signer.is_some_and(|user| verify_signature(&user.sign_key, &message, &self.signature)) {
            Ok(())
        } else {
            Err(self.altered("no user whose keys are in keys.pvk signed its manifest"))
        }
    }

    /// Reads all members in order, and checks every byte of the archive. What `visit` was given counts only when this
    /// returns without an error.
    ///
    /// # Errors
    /// [`BackupError::Altered`], [`BackupError::Truncated`], [`BackupError::Disk`], and what `visit` returns.
    pub fn members(
        &mut self,
        visit: &mut dyn FnMut(&Member, &mut dyn Read) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let start = self.start;
        self.file.seek(SeekFrom::Start(start)).map_err(BackupError::reading(&self.name))?;
        for member in self.manifest.members.clone() {
            self.member(&member, visit)?;
        }
        self.zeros(END)
    }

    fn member(
        &mut self,
        member: &Member,
        visit: &mut dyn FnMut(&Member, &mut dyn Read) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        self.expect_header(&member.name, member.bytes)?;
        let mut contents = (&mut self.file).take(member.bytes);
        let mut hashing = Hashing { inner: &mut contents, hash: Sha256::new(), bytes: 0 };
        visit(member, &mut hashing)?;
        io::copy(&mut hashing, &mut io::sink()).map_err(BackupError::reading(&self.name))?;
        let (bytes, hash) = (hashing.bytes, Hash(hashing.hash.finalize().into()));
        if bytes != member.bytes {
            return Err(BackupError::Truncated(self.name.clone()));
        }
        if hash != member.sha256 {
            return Err(self.altered("a file in it is not the one that was saved"));
        }
        self.zeros(padding(member.bytes))
    }

    fn expect_header(&mut self, name: &str, bytes: u64) -> Result<(), BackupError> {
        let expected = header(name, bytes).ok_or_else(|| self.altered("it holds a name that is too long"))?;
        let mut found = [0; BLOCK as usize];
        self.file.read_exact(&mut found).map_err(|error| self.short(error))?;
        if expected.as_bytes() == &found {
            Ok(())
        } else {
            Err(self.altered("a header in it is not the one its manifest gives"))
        }
    }

    fn zeros(&mut self, count: u64) -> Result<(), BackupError> {
        let mut found = vec![0; count as usize];
        self.file.read_exact(&mut found).map_err(|error| self.short(error))?;
        if found.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(self.altered("there is something between its files"))
        }
    }

    /// Where the contents of each member begin.
    pub(crate) fn places(&self) -> Vec<(Member, u64)> {
        let mut next = self.start;
        let mut places = Vec::with_capacity(self.manifest.members.len());
        for member in &self.manifest.members {
            places.push((member.clone(), next + BLOCK));
            // Checked when the archive was opened.
            next += space(member.bytes).unwrap_or_default();
        }
        places
    }
}
