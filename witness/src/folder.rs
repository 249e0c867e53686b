//! A witness's folder: its key, the logs it knows, and what it has cosigned of each.
//!
//! ```text
//! lock              held by the one process that serves
//! key               PRIVATE+KEY+NAME+ID+BASE64, mode 0600, not encrypted: a server starts without anybody there
//! logs.policy       one `log VKEY` line for each key of each log
//! seen/HASH         the latest checkpoint cosigned of the log whose origin has this SHA-256
//! evidence/HASH-N   checkpoints a log signed that contradict what was cosigned; at most 16 of a log
//! ```
//!
//! The records in `seen` are what makes a witness one. **An older copy of the folder must never be put back**: it would
//! let the witness sign a second history. A witness whose folder is lost begins anew, under a new key.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_ledger::cosignature::{Cosigner, CosignerKey};
use provenote_ledger::note::{MAX_NOTE, VerifierKey, origin_from};
use provenote_ledger::policy::{MAX_POLICY, Policy, PolicyError};
use provenote_ledger::witness::{AddCheckpoint, Refusal, Seen, Witness};
use provenote_ledger::{Entropy, Hash};
use zeroize::Zeroizing;

use crate::durable::{found, private_file, private_folder, replace, sync_folder};

/// How many contradicting checkpoints of one log are kept.
const MAX_EVIDENCE: usize = 16;
/// The longest key file, in bytes.
const MAX_KEY: u64 = 4096;
const SIGNATURE_TYPE: u8 = 4;

/// Why a witness's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process serves from it.
    #[error("another witness is running on the folder {}: stop it first, two could sign two histories", .0.display())]
    Taken(PathBuf),
    /// The key file is no key.
    #[error("{} is no witness's key: put the file back as it was, or begin a new witness in an empty folder", .0.display())]
    Key(PathBuf),
    /// The key file can be read by others.
    #[error("{} can be read by other users of this machine: `chmod 600` it", .0.display())]
    KeyOpen(PathBuf),
    /// There are records, but the key that signed them is gone.
    #[error("{} has records of a witness, but its key is missing: begin a new witness in an empty folder", .0.display())]
    KeyMissing(PathBuf),
    /// The name given is not the one the witness was begun with.
    #[error("this witness is called {is}: leave out the name, or begin another witness in an empty folder")]
    OtherName {
        /// Its name.
        is: String,
    },
    /// The name cannot name a key.
    #[error(transparent)]
    Name(#[from] provenote_ledger::NoteError),
    /// A record is damaged or not this witness's.
    #[error(
        "the record {} is damaged: without it this witness could sign a second history; begin a new witness in an empty \
         folder (an older copy of the record must not be put back)",
        .0.display()
    )]
    Record(PathBuf),
    /// The list of logs cannot be read, or a log cannot be added to it.
    #[error("{}: {source}", path.display())]
    Logs {
        /// The list.
        path: PathBuf,
        /// What is wrong.
        source: PolicyError,
    },
    /// The disk failed.
    #[error("{} cannot be read or written: {source}", path.display())]
    Disk {
        /// What was read or written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    move |source| FolderError::Disk { path: path.to_owned(), source }
}

/// The folder, locked for this process as long as the value lives.
pub struct Folder {
    path: PathBuf,
    witness: Witness,
    /// What is on the disk; a log that is not in here has to be read first.
    seen: BTreeMap<String, Option<Seen>>,
    _lock: File,
}

/// What a request came to.
pub type Answer = Result<String, Refusal>;

impl Folder {
    /// Opens a witness's folder, making what is missing: the folder, and at the first start a key under `name`, or under
    /// a random name that names nobody. `logs` are added to the list of known logs.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(
        path: &Path,
        name: Option<&str>,
        logs: &[VerifierKey],
        entropy: &mut dyn Entropy,
    ) -> Result<Self, FolderError> {
        private_folder(path).map_err(disk(path))?;
        let lock = lock(path)?;
        for sub in ["seen", "evidence"] {
            let sub = path.join(sub);
            private_folder(&sub).map_err(disk(&sub))?;
        }
        sync_folder(path).map_err(disk(path))?;
        let cosigner = key(path, name, entropy)?;
        let logs = known_logs(path, logs)?;
        let mut this =
            Self { path: path.to_owned(), witness: Witness::new(cosigner, logs), seen: BTreeMap::new(), _lock: lock };
        let origins: Vec<String> = this.witness.logs().iter().map(|log| log.name().to_owned()).collect();
        for origin in origins {
            this.read(&origin)?;
        }
        Ok(this)
    }

    /// The witness's public key; its text is the vkey to hand to those who want its cosignatures.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        self.witness.key()
    }

    /// The keys of the logs it knows.
    #[must_use]
    pub fn logs(&self) -> &[VerifierKey] {
        self.witness.logs()
    }

    fn record(&self, origin: &str) -> PathBuf {
        self.path.join("seen").join(Hash::of(origin.as_bytes()).to_string())
    }

    /// The record of a log, from the disk when it is not at hand.
    fn read(&mut self, origin: &str) -> Result<Option<&Seen>, FolderError> {
        if !self.seen.contains_key(origin) {
            let path = self.record(origin);
            let seen = match found(bounded(&path, MAX_NOTE as u64)).map_err(disk(&path))? {
                None => None,
                Some(note) => {
                    let note = String::from_utf8(note).map_err(|_| FolderError::Record(path.clone()))?;
                    let seen = Seen::parse(&note, self.witness.key()).ok();
                    let seen = seen.filter(|seen| seen.checkpoint().origin == origin);
                    Some(seen.ok_or(FolderError::Record(path))?)
                }
            };
            self.seen.insert(origin.to_owned(), seen);
        }
        Ok(self.seen.get(origin).and_then(Option::as_ref))
    }

    /// Decides about a request and, when it is granted, makes the new record durable before it returns the answer's
    /// body. Nothing else may decide meanwhile: hence `&mut`.
    ///
    /// # Errors
    /// [`FolderError`] when the record cannot be read or written; then nothing was cosigned.
    pub fn add_checkpoint(&mut self, body: &[u8], seconds: u64) -> Result<Answer, FolderError> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let origin = request.checkpoint().origin.clone();
        if !self.witness.knows(&origin) {
            return Ok(Err(Refusal::UnknownLog));
        }
        self.read(&origin)?;
        let seen = self.seen.get(&origin).and_then(Option::as_ref);
        match self.witness.decide(seen, &request, seconds) {
            Ok(cosigned) => {
                let path = self.record(&origin);
                // Should the write fail, what the disk holds is unknown: it is read again before the next decision.
                self.seen.remove(&origin);
                replace(&path, cosigned.next.note().as_bytes()).map_err(disk(&path))?;
                self.seen.insert(origin, Some(cosigned.next));
                Ok(Ok(cosigned.body))
            }
            Err(refusal) => {
                if refusal.is_evidence() {
                    // It is kept for people; the refusal stands without it.
                    let _ = self.keep_evidence(&origin, request.note());
                }
                Ok(Err(refusal))
            }
        }
    }

    fn keep_evidence(&self, origin: &str, note: &str) -> io::Result<()> {
        let hash = Hash::of(origin.as_bytes());
        for n in 1..=MAX_EVIDENCE {
            let path = self.path.join("evidence").join(format!("{hash}-{n}"));
            match found(fs::read(&path))? {
                Some(kept) if kept == note.as_bytes() => return Ok(()),
                Some(_) => {}
                None => return replace(&path, note.as_bytes()),
            }
        }
        Ok(())
    }

    /// The latest checkpoint cosigned of the log whose origin has this SHA-256, for monitors; `None` when there is none.
    ///
    /// # Errors
    /// [`FolderError`] when its record cannot be read.
    pub fn checkpoint(&mut self, origin_hash: &str) -> Result<Option<String>, FolderError> {
        let known = self.witness.logs().iter().map(VerifierKey::name);
        let origin = known.into_iter().find(|origin| Hash::of(origin.as_bytes()).to_string() == origin_hash);
        let Some(origin) = origin.map(str::to_owned) else { return Ok(None) };
        Ok(self.read(&origin)?.map(|seen| seen.note().to_owned()))
    }
}

fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let at = path.join("lock");
    let file = private_file().write(true).create(true).truncate(false).open(&at).map_err(disk(&at))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::Taken(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(FolderError::Disk { path: at, source }),
    }
}

fn key(folder: &Path, name: Option<&str>, entropy: &mut dyn Entropy) -> Result<Cosigner, FolderError> {
    let path = folder.join("key");
    if let Some(bytes) = found(bounded(&path, MAX_KEY)).map_err(disk(&path))? {
        let bytes = Zeroizing::new(bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            if fs::metadata(&path).map_err(disk(&path))?.permissions().mode() & 0o077 != 0 {
                return Err(FolderError::KeyOpen(path));
            }
        }
        let cosigner = read_key(&bytes).ok_or(FolderError::Key(path))?;
        return match name {
            Some(name) if name != cosigner.key().name() => {
                Err(FolderError::OtherName { is: cosigner.key().name().to_owned() })
            }
            _ => Ok(cosigner),
        };
    }
    let seen = folder.join("seen");
    if fs::read_dir(&seen).map_err(disk(&seen))?.next().is_some() {
        return Err(FolderError::KeyMissing(folder.to_owned()));
    }
    let name = name.map_or_else(
        || {
            let mut random = [0; 10];
            entropy.fill(&mut random);
            format!("{}/witness", origin_from(random))
        },
        str::to_owned,
    );
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut_slice());
    let cosigner = Cosigner::new(&name, &seed)?;
    let mut material = Zeroizing::new([SIGNATURE_TYPE; 33]);
    material[1..].copy_from_slice(seed.as_slice());
    let text = Zeroizing::new(BASE64.encode(material.as_slice()));
    let text = Zeroizing::new(format!("PRIVATE+KEY+{name}+{:08x}+{}\n", cosigner.key().id(), text.as_str()));
    replace(&path, text.as_bytes()).map_err(disk(&path))?;
    Ok(cosigner)
}

/// Reads a key as Go's note package writes private keys, of signature type 4.
fn read_key(bytes: &[u8]) -> Option<Cosigner> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.strip_prefix("PRIVATE+KEY+")?;
    let mut parts = text.splitn(3, '+');
    let (name, id, material) = (parts.next()?, parts.next()?, parts.next()?);
    let material = Zeroizing::new(BASE64.decode(material).ok()?);
    let (&SIGNATURE_TYPE, seed) = material.split_first()? else { return None };
    let cosigner = Cosigner::new(name, &Zeroizing::new(seed.try_into().ok()?)).ok()?;
    (format!("{:08x}", cosigner.key().id()) == id).then_some(cosigner)
}

/// The logs of the list, after those given have been added to it.
fn known_logs(folder: &Path, given: &[VerifierKey]) -> Result<Vec<VerifierKey>, FolderError> {
    let path = folder.join("logs.policy");
    let wrong = |source| FolderError::Logs { path: path.clone(), source };
    let old = match found(bounded(&path, MAX_POLICY as u64)).map_err(disk(&path))? {
        Some(text) => Policy::parse(text).map_err(wrong)?,
        None => Policy::without_witnesses(),
    };
    let mut policy = old.clone();
    for log in given {
        policy = policy.with_log(log).map_err(wrong)?;
    }
    if policy != old {
        replace(&path, policy.text()).map_err(disk(&path))?;
    }
    Ok(policy.logs().iter().map(|log| log.key.clone()).collect())
}

#[cfg(test)]
mod tests {
    use provenote_ledger::LogSigner;

    use super::*;

    struct Counted(u8);

    impl Entropy for Counted {
        fn fill(&mut self, out: &mut [u8]) {
            self.0 += 1;
            out.fill(self.0);
        }
    }

    fn signer(seed: u8) -> LogSigner {
        LogSigner::new("log.example/1", &Zeroizing::new([seed; 32])).expect("a signer")
    }

    fn open(path: &Path, name: Option<&str>, logs: &[VerifierKey]) -> Result<Folder, FolderError> {
        Folder::open(path, name, logs, &mut Counted(0))
    }

    fn first(size: u64, root: u8) -> Vec<u8> {
        format!("old 0\n\n{}", signer(1).sign(size, Hash([root; 32]))).into_bytes()
    }

    #[test]
    fn a_witness_keeps_its_key_its_logs_and_its_records() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("witness");
        let mut folder = open(&path, None, &[signer(1).verifier().clone()]).expect("opens");
        let vkey = folder.key().to_string();
        assert!(vkey.starts_with("provenote.local/"), "{vkey}");
        assert!(folder.add_checkpoint(&first(3, 9), 5).expect("works").is_ok());
        let kept = folder.checkpoint(&Hash::of(b"log.example/1").to_string()).expect("reads");
        assert!(kept.as_ref().is_some_and(|note| note.starts_with("log.example/1\n3\n")));
        assert_eq!(folder.checkpoint(&Hash::of(b"log.example/2").to_string()).expect("reads"), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |name: &str| fs::metadata(path.join(name)).expect("is there").permissions().mode() & 0o777;
            assert_eq!((mode("key"), mode("."), mode("seen")), (0o600, 0o700, 0o700));
        }
        assert!(matches!(open(&path, None, &[]), Err(FolderError::Taken(_))), "one process at a time");
        drop(folder);

        let mut again = open(&path, None, &[signer(2).verifier().clone()]).expect("opens");
        assert_eq!((again.key().to_string(), again.logs().len()), (vkey, 2));
        let conflict = again.add_checkpoint(&first(3, 9), 6).expect("works");
        assert_eq!(conflict, Err(Refusal::Conflict { seen: 3 }));
        drop(again);
        assert!(matches!(open(&path, Some("other.example"), &[]), Err(FolderError::OtherName { .. })));
        let stranger = VerifierKey::new("log.example/3", &signer(1).verifier().key()).expect("a key");
        assert!(matches!(open(&path, None, &[stranger]), Err(FolderError::Logs { .. })), "one key is one log's");
    }

    #[test]
    fn a_damaged_record_or_key_stops_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let logs = [signer(1).verifier().clone()];
        let mut folder = open(dir.path(), Some("w.example"), &logs).expect("opens");
        assert!(folder.add_checkpoint(&first(3, 9), 5).expect("works").is_ok());
        let record = folder.record("log.example/1");
        drop(folder);
        let good = fs::read_to_string(&record).expect("reads");
        let end = good.len() - 1;
        for bad in [String::new(), good[..end].to_owned(), good.replacen("\n3\n", "\n2\n", 1), "x".repeat(300_000)] {
            fs::write(&record, &bad).expect("writes");
            assert!(matches!(open(dir.path(), None, &[]), Err(FolderError::Record(_))));
        }
        fs::write(&record, good).expect("writes");
        let key = dir.path().join("key");
        let secret = fs::read_to_string(&key).expect("reads");
        for bad in ["", "PRIVATE+KEY+w.example+00000000+AAAA\n", secret.trim_end()] {
            fs::write(&key, bad).expect("writes");
            assert!(matches!(open(dir.path(), None, &[]), Err(FolderError::Key(_))), "{}", bad.len());
        }
        fs::write(&key, &secret).expect("writes");
        assert!(open(dir.path(), None, &[]).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changes");
            assert!(matches!(open(dir.path(), None, &[]), Err(FolderError::KeyOpen(_))));
        }
        fs::remove_file(&key).expect("removes");
        assert!(matches!(open(dir.path(), None, &[]), Err(FolderError::KeyMissing(_))));
        fs::write(dir.path().join("logs.policy"), "nonsense\n").expect("writes");
        assert!(open(dir.path(), None, &[]).is_err());
    }

    #[test]
    fn a_record_that_cannot_be_written_gives_no_cosignature() {
        let dir = tempfile::tempdir().expect("a folder");
        let logs = [signer(1).verifier().clone()];
        let mut folder = open(dir.path(), None, &logs).expect("opens");
        let seen = dir.path().join("seen");
        fs::remove_dir(&seen).expect("removes");
        assert!(matches!(folder.add_checkpoint(&first(3, 9), 5), Err(FolderError::Disk { .. })));
        fs::create_dir(&seen).expect("makes");
        assert!(folder.add_checkpoint(&first(4, 8), 6).expect("works").is_ok(), "nothing had been cosigned");
    }

    #[test]
    fn what_contradicts_is_kept_and_not_without_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut folder = open(dir.path(), None, &[signer(1).verifier().clone()]).expect("opens");
        assert!(folder.add_checkpoint(&first(3, 9), 5).expect("works").is_ok());
        for root in (0..60).filter(|root| *root != 9) {
            for _ in 0..2 {
                let body = format!("old 3\n\n{}", signer(1).sign(3, Hash([root; 32])));
                let answer = folder.add_checkpoint(body.as_bytes(), 6).expect("works");
                assert_eq!(answer, Err(Refusal::Inconsistent { seen: 3 }));
            }
        }
        assert_eq!(fs::read_dir(dir.path().join("evidence")).expect("lists").count(), MAX_EVIDENCE);
        let unsigned = format!("old 3\n\n{}", signer(2).sign(3, Hash([7; 32])));
        assert_eq!(folder.add_checkpoint(unsigned.as_bytes(), 6).expect("works"), Err(Refusal::NotSigned));
    }
}
