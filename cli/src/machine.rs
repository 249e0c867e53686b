//! The key pair of this machine, one for each practice. It lies in the user's folder for settings and never in the
//! practice's: a copy of the practice's folder on another machine does not have it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer as _, SigningKey};
use provenote_access::place::DeviceKey;
use provenote_ledger::Entropy as _;
use provenote_practice::Practice;
use provenote_practice::ports::DeviceKeys;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::screen::say;
use crate::surroundings::{SystemEntropy, device_keys};

/// This machine, as a practice knows it.
pub(crate) struct Machine {
    /// Where the key is; none where this system has no folder for settings.
    file: Option<PathBuf>,
    key: Option<SigningKey>,
}

impl Machine {
    /// The key that this machine has for a practice, if it has one. One that cannot be used is told of and is none.
    pub(crate) fn of(practice: &Practice) -> Result<Self, Failure> {
        let origin = practice.log().identity().map_err(Failure::could)?.origin;
        let digest = Sha256::digest(origin.as_bytes());
        let name: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
        let Some(file) = device_keys().map(|folder| folder.join(format!("{name}.key"))) else {
            return Ok(Self { file: None, key: None });
        };
        let key = match read(&file) {
            Ok(key) => key,
            Err(why) => {
                say(&format!(
                    "The key of this machine, {}, {why}: make another with `provenote access device enrol --new-key`",
                    file.display()
                ));
                None
            }
        };
        Ok(Self { file: Some(file), key })
    }

    /// Makes a key where there is none, or another in its place. Returns where it is.
    pub(crate) fn make(&mut self, anew: bool) -> Result<PathBuf, Failure> {
        let file =
            self.file.clone().ok_or_else(|| Failure::could("this system names no folder for settings: set HOME"))?;
        if self.key.is_some() && !anew {
            return Ok(file);
        }
        let problem =
            |error: &std::io::Error| Failure::could(format!("{} could not be written: {error}", file.display()));
        let folder = file.parent().unwrap_or(&file);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| problem(&error))?;
        let mut seed = Zeroizing::new([0; 32]);
        SystemEntropy.fill(seed.as_mut_slice());
        // A temporary file is its owner's alone.
        let mut written = tempfile::NamedTempFile::new_in(folder).map_err(|error| problem(&error))?;
        written
            .write_all(seed.as_slice())
            .and_then(|()| written.as_file().sync_all())
            .map_err(|error| problem(&error))?;
        written.persist(&file).map_err(|error| problem(&error.error))?;
        self.key = Some(SigningKey::from_bytes(&seed));
        Ok(file)
    }
}

/// The key in a file that only its owner can read; none where there is no file.
fn read(file: &Path) -> Result<Option<SigningKey>, String> {
    let seed = match fs::read(file).map(Zeroizing::new) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("could not be read: {error}")),
        Ok(seed) => seed,
    };
    let mode = fs::metadata(file).map_err(|error| format!("could not be read: {error}"))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err("is open to other users of the machine".to_owned());
    }
    let seed = seed.as_slice().try_into().map_err(|_| "is damaged".to_owned())?;
    Ok(Some(SigningKey::from_bytes(seed)))
}

impl DeviceKeys for Machine {
    fn public(&self) -> Option<DeviceKey> {
        self.key.as_ref().map(|key| DeviceKey(key.verifying_key().to_bytes()))
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.key.as_ref().map(|key| key.sign(message).to_bytes())
    }
}
