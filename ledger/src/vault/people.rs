//! A user who goes, and one who takes keys of their own.

use super::files::{self, OfficeFile, UserFile};
use super::keys::{Argon2Params, Unlocked, UserPublic};
use super::{Vault, VaultError, damaged, grant_file, user_file};
use crate::entropy::Entropy;

impl Vault {
    /// Removes a user's key file, their wraps of the key that signs the log, and what was granted to them. `by` signs anew
    /// for the destructions that the user had signed for. May be repeated.
    ///
    /// What the user could open they can still open with a copy of the files, until it gets its next key: the log's by a
    /// rotation, an office's by [`Vault::prepare_office`], a class's by [`Vault::freshen`].
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::Damaged`] for the log's key file, [`VaultError::Io`].
    pub fn remove_user(&mut self, by: &Unlocked, user: &str) -> Result<(), VaultError> {
        let name = user_file(super::named(user)?);
        let granted = self.grants()?;
        let _lock = self.keys.lock()?;
        self.sign_destructions_of(by, user)?;
        self.drop_log_wraps(&|wrap| wrap.user == user)?;
        for (grant, _, _) in granted.iter().filter(|(_, to, _)| to == user) {
            self.keys.destroy(&grant_file(grant))?;
        }
        Ok(self.keys.destroy(&name)?)
    }

    /// Gives a user keys of their own in place of those that somebody else made for them, with a passphrase of their own.
    /// Everything wrapped to the old keys is wrapped to the new ones first, so after a crash either pair opens it, and this
    /// may be repeated with the old keys until it has succeeded. The old keys sign for the new ([`Vault::succeeded`]).
    ///
    /// Grants to the user are not carried over, nor is a recovery code.
    ///
    /// # Errors
    /// [`VaultError::Missing`]; [`VaultError::Damaged`] also when `old` are not this user's keys any more;
    /// [`VaultError::Parameters`], [`VaultError::Io`].
    pub fn redeem_user(
        &mut self,
        old: &Unlocked,
        passphrase: &[u8],
        params: Argon2Params,
        entropy: &mut dyn Entropy,
    ) -> Result<Unlocked, VaultError> {
        let user = old.user();
        let name = user_file(user);
        let new = Unlocked::generate(user, entropy);
        let mut file = UserFile::new(&new, passphrase, params, entropy)?;
        file.succeed(old);
        let _lock = self.keys.lock()?;
        let current = self.user(user)?.ok_or_else(|| VaultError::Missing(name.clone()))?;
        if current.public() != old.public() {
            return Err(damaged(&name, "its public keys are not this user's"));
        }
        let places = self.wrapped_to(user)?;
        for place in &places {
            self.wrap_beside(place, old, &new.public(), entropy)?;
        }
        self.wrap_log_beside(old, &new.public(), entropy)?;
        self.sign_destructions_of(&new, user)?;
        self.keys.write(&name, &file.encode())?;
        self.drop_wraps_but(&places, &new.public())?;
        Ok(new)
    }

    /// Where a user took keys of their own: the public keys before, whose owner signed that the file's are theirs now. The
    /// ledger names the new ones only after the file is written; where a crash came between, this is the proof.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn succeeded(&self, user: &str) -> Result<Option<UserPublic>, VaultError> {
        Ok(self.user(user)?.and_then(|file| file.former()))
    }

    /// Drops what is wrapped to the keys that this user had before, where a crash left some of it. May be repeated.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn forget_former_keys(&mut self, by: &Unlocked) -> Result<(), VaultError> {
        let _lock = self.keys.lock()?;
        let places = self.wrapped_to(by.user())?;
        self.drop_wraps_but(&places, &by.public())
    }

    /// The class and office files that name a user. A file is parsed only where the name is in it.
    fn wrapped_to(&self, user: &str) -> Result<Vec<String>, VaultError> {
        let wanted = format!("\"{user}\"");
        let mut found = Vec::new();
        for folder in ["classes/", "offices/"] {
            for name in self.keys.list(folder)? {
                let contents = self.keys.read(&name)?.unwrap_or_default();
                if contents.windows(wanted.len()).any(|part| part == wanted.as_bytes()) {
                    found.push(name);
                }
            }
        }
        Ok(found)
    }

    /// Adds a wrap for the new keys beside that for the old. What is damaged is passed over: nobody opens it.
    fn wrap_beside(
        &mut self,
        name: &str,
        old: &Unlocked,
        new: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let contents = if let Some((class, scope)) = class_of_name(name) {
            match self.class_of(class, scope) {
                Ok(mut file) => file.wrap_beside(old, new, entropy)?.then(|| files::encode(&file)),
                Err(VaultError::Io(error)) => return Err(error.into()),
                Err(_) => None,
            }
        } else {
            match self.office_of_name(name) {
                Ok(mut file) => file.wrap_beside(old, new, entropy)?.then(|| files::encode(&file)),
                Err(VaultError::Io(error)) => return Err(error.into()),
                Err(_) => None,
            }
        };
        contents.map_or(Ok(()), |contents| Ok(self.keys.write(name, &contents)?))
    }

    fn drop_wraps_but(&mut self, places: &[String], kept: &UserPublic) -> Result<(), VaultError> {
        for name in places {
            let contents = if let Some((class, scope)) = class_of_name(name) {
                self.class_of(class, scope).ok().and_then(|mut file| {
                    let before = file.wraps.len();
                    file.wraps.retain(|wrap| wrap.user != kept.user || wrap.is_surely_for(kept));
                    (file.wraps.len() < before).then(|| files::encode(&file))
                })
            } else {
                self.office_of_name(name).ok().and_then(|mut file| {
                    let before = file.wraps().count();
                    file.retain_wraps(&|wrap| wrap.user != kept.user || wrap.is_surely_for(kept));
                    (file.wraps().count() < before).then(|| files::encode(&file))
                })
            };
            if let Some(contents) = contents {
                self.keys.write(name, &contents)?;
            }
        }
        self.drop_log_wraps(&|wrap| wrap.user == kept.user && !wrap.is_surely_for(kept))
    }

    fn office_of_name(&self, name: &str) -> Result<OfficeFile, VaultError> {
        let class = name.strip_prefix("offices/").and_then(|rest| rest.strip_suffix(".json"));
        self.office_of(class.ok_or_else(|| damaged(name, "its name"))?)
    }
}

pub(super) fn class_of_name(name: &str) -> Option<(&str, &str)> {
    // A class has no dot in its name, so that the first one parts it from the scope.
    name.strip_prefix("classes/")?.strip_suffix(".json")?.split_once('.')
}
