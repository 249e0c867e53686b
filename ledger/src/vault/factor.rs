//! A user's second factor, in `factors/USER.json`: what is shared with an authenticator, sealed to the user's own keys.
//!
//! Which of the sealed secrets is the one in force is told by the log alone, by the SHA-256 of its ciphertext: so a file
//! that somebody made of a secret of their own, or an older one put back, is none. A new one is made durable beside the
//! one in force ([`Vault::prepare_factor`]); then the log's entry names it; then [`Vault::settle_factor`] destroys the one
//! before. A crash in between leaves a factor that opens.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::files::{self, Bytes, KeyFile, WrapRecord};
use super::keys::{self, Key, Unlocked};
use super::{Vault, VaultError, damaged, named};
use crate::entropy::Entropy;
use crate::hash::Hash;

const PURPOSE: &str = "factor";

/// `factors/USER.json`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorFile {
    v: u32,
    user: String,
    sealed: Vec<SealedFactor>,
}

impl KeyFile for FactorFile {
    fn version(&self) -> u32 {
        self.v
    }
}

/// A secret under a key of its own, which is wrapped to the user.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedFactor {
    wrap: WrapRecord,
    /// Nonce and AES-256-GCM ciphertext.
    body: Bytes,
}

impl SealedFactor {
    fn digest(&self) -> Hash {
        Hash::of(&self.body.0)
    }
}

fn factor_file(user: &str) -> Result<String, VaultError> {
    Ok(format!("factors/{}.json", named(user)?))
}

impl Vault {
    /// Seals a user's new secret to that user's keys, durably, beside the one that `in_force` names. What is returned is
    /// the digest by which the log's entry has to name it before it counts.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn prepare_factor(
        &mut self,
        by: &Unlocked,
        secret: &[u8],
        in_force: Option<&Hash>,
        entropy: &mut dyn Entropy,
    ) -> Result<Hash, VaultError> {
        let name = factor_file(by.user())?;
        let _lock = self.keys.lock()?;
        let mut file = match self.factor_file_of(by.user()) {
            Ok(file) => file,
            // One that nobody can read holds nothing to keep.
            Err(VaultError::Missing(_) | VaultError::Damaged { .. }) => {
                FactorFile { v: 1, user: by.user().to_owned(), sealed: Vec::new() }
            }
            Err(error) => return Err(error),
        };
        file.sealed.retain(|sealed| in_force == Some(&sealed.digest()));
        let key = Key::generate(entropy);
        let wrap = keys::wrap_to(&by.public(), PURPOSE, &[by.user()], &key, entropy)?;
        let sealed = SealedFactor { wrap, body: Bytes(key.seal(secret, &[PURPOSE, by.user()], entropy)) };
        let digest = sealed.digest();
        file.sealed.push(sealed);
        self.keys.write(&name, &files::encode(&file))?;
        Ok(digest)
    }

    /// Destroys every secret of a user but the one that the log says is in force. May be repeated.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn settle_factor(&mut self, user: &str, in_force: &Hash) -> Result<(), VaultError> {
        let name = factor_file(user)?;
        let _lock = self.keys.lock()?;
        let mut file = self.factor_file_of(user)?;
        let before = file.sealed.len();
        file.sealed.retain(|sealed| sealed.digest() == *in_force);
        if file.sealed.len() == before {
            return Ok(());
        }
        Ok(self.keys.write(&name, &files::encode(&file))?)
    }

    /// Opens the secret that the log names, with the user's own keys.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where it is not here: nobody enrolled it on these key files, or it was replaced.
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn open_factor(&self, by: &Unlocked, in_force: &Hash) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let name = factor_file(by.user())?;
        let file = self.factor_file_of(by.user())?;
        let sealed = file.sealed.iter().find(|sealed| sealed.digest() == *in_force);
        let sealed = sealed.ok_or_else(|| VaultError::Missing(name.clone()))?;
        keys::unwrap_with(by, PURPOSE, &[by.user()], &sealed.wrap)
            .and_then(|key| key.open(&sealed.body.0, &[PURPOSE, by.user()]))
            .ok_or_else(|| damaged(&name, "its secret does not open"))
    }

    /// Destroys every secret of a user. May be repeated.
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::Io`].
    pub fn destroy_factor(&mut self, user: &str) -> Result<(), VaultError> {
        Ok(self.keys.destroy(&factor_file(user)?)?)
    }

    /// Whether a user's file can be read and is that user's.
    pub(super) fn audit_factor(&self, user: &str) -> Result<(), VaultError> {
        self.factor_file_of(user).map(|_| ())
    }

    fn factor_file_of(&self, user: &str) -> Result<FactorFile, VaultError> {
        let name = factor_file(user)?;
        let contents = self.keys.read(&name)?.ok_or_else(|| VaultError::Missing(name.clone()))?;
        let file: FactorFile = files::parse(&name, &contents)?;
        if file.user == user { Ok(file) } else { Err(damaged(&name, "it is another user's")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Seeded;
    use crate::memory::{MemoryBlobs, MemoryKeys};
    use crate::vault::Argon2Params;

    const SMALL: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    const FILE: &str = "factors/usr-a.json";

    struct Desk {
        vault: Vault,
        keys: MemoryKeys,
        user: Unlocked,
        other: Unlocked,
        random: Seeded,
    }

    fn desk() -> Desk {
        let (keys, mut random) = (MemoryKeys::default(), Seeded::new(3));
        let mut vault = Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default()));
        let user = vault.create_user("usr-a", b"one", SMALL, &mut random).expect("makes a user");
        let other = vault.create_user("usr-b", b"two", SMALL, &mut random).expect("makes a user");
        Desk { vault, keys, user, other, random }
    }

    fn file(keys: &MemoryKeys) -> Option<Vec<u8>> {
        keys.0.lock().expect("no panic").get(FILE).cloned()
    }

    #[test]
    fn the_one_that_is_named_opens_for_its_user() {
        let Desk { mut vault, keys, user, other, mut random } = desk();
        let first = vault.prepare_factor(&user, b"first", None, &mut random).expect("seals");
        assert_eq!(*vault.open_factor(&user, &first).expect("opens"), b"first");
        assert!(matches!(vault.open_factor(&other, &first), Err(VaultError::Missing(_))), "another's own file");
        // Copied to another user's name it is another's.
        let stolen = file(&keys).expect("is there");
        keys.0.lock().expect("no panic").insert("factors/usr-b.json".to_owned(), stolen);
        assert!(matches!(vault.open_factor(&other, &first), Err(VaultError::Damaged { .. })));
        // Between the new one and the entry that names it both are there; afterwards one.
        let second = vault.prepare_factor(&user, b"second", Some(&first), &mut random).expect("seals");
        assert_eq!(*vault.open_factor(&user, &first).expect("opens"), b"first");
        vault.settle_factor("usr-a", &second).expect("settles");
        vault.settle_factor("usr-a", &second).expect("settles again");
        assert!(matches!(vault.open_factor(&user, &first), Err(VaultError::Missing(_))));
        assert_eq!(*vault.open_factor(&user, &second).expect("opens"), b"second");
    }

    #[test]
    fn an_older_file_and_one_of_somebody_elses_making_are_not_taken() {
        let Desk { mut vault, keys, user, mut random, .. } = desk();
        let first = vault.prepare_factor(&user, b"first", None, &mut random).expect("seals");
        let old = file(&keys).expect("is there");
        let second = vault.prepare_factor(&user, b"second", Some(&first), &mut random).expect("seals");
        vault.settle_factor("usr-a", &second).expect("settles");
        keys.0.lock().expect("no panic").insert(FILE.to_owned(), old);
        assert!(matches!(vault.open_factor(&user, &second), Err(VaultError::Missing(_))), "older");
        // The public key is enough to make a file; the digest is not the log's then.
        vault.destroy_factor("usr-a").expect("destroys");
        let forged = vault.prepare_factor(&user, b"the thief's own", None, &mut random).expect("seals");
        assert_ne!(forged, second);
        assert!(matches!(vault.open_factor(&user, &second), Err(VaultError::Missing(_))));
    }

    #[test]
    fn a_changed_byte_is_noticed_and_a_destroyed_file_is_gone() {
        let Desk { mut vault, keys, user, mut random, .. } = desk();
        let named = vault.prepare_factor(&user, b"secret", None, &mut random).expect("seals");
        let whole = file(&keys).expect("is there");
        for place in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            keys.0.lock().expect("no panic").insert(FILE.to_owned(), bytes);
            assert!(vault.open_factor(&user, &named).is_err(), "byte {place}");
        }
        keys.0.lock().expect("no panic").insert(FILE.to_owned(), whole);
        assert!(vault.open_factor(&user, &named).is_ok());
        vault.destroy_factor("usr-a").expect("destroys");
        vault.destroy_factor("usr-a").expect("destroying twice is no error");
        assert!(file(&keys).is_none());
        assert!(matches!(vault.open_factor(&user, &named), Err(VaultError::Missing(_))));
    }
}
