//! Grants, in `grants/GRANT.json`: keys that somebody has for a time.
//!
//! A grant has a key of its own, wrapped to its user by HPKE with the grant, the user and the end bound to it; under that
//! key lie those that it opens, each bound to what it is. So an end that was edited opens nothing. Whether a grant is in
//! force is told by the ledger alone: only those that the caller names with the user's keys are tried
//! ([`Unlocked::with_grants`]). At its end the file is destroyed, and the keys count as taken away.

use std::collections::BTreeSet;

use super::files::{self, ClassFile, GrantFile, Granted, GrantedKey, GroupFile};
use super::keys::{Key, Unlocked, UserPublic, Wrapping};
use super::{Vault, VaultError, damaged, grant_file, named};
use crate::entropy::Entropy;

/// What a grant opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantOpens {
    /// A class of one scope: what was sealed before the grant, and after it until the class gets its next key.
    Class {
        /// The class.
        class: String,
        /// Whose.
        scope: String,
    },
    /// Retention groups: what was sealed before the grant, and after it until a group gets its next key.
    Groups(Vec<String>),
    /// A class of every client.
    Office {
        /// The class.
        class: String,
    },
}

fn end(until: i64) -> String {
    until.to_string()
}

impl GrantedKey {
    fn bound<'a>(&'a self, grant: &'a str, written: &'a str) -> [&'a str; 7] {
        let what = match self.what {
            Granted::Class => "class",
            Granted::Group => "group",
            Granted::Office => "office",
        };
        let or_none = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        ["granted", grant, what, &self.class, or_none(&self.scope), or_none(&self.group), written]
    }

    fn seal(mut self, grant: &str, own: &Key, key: &Key, entropy: &mut dyn Entropy) -> Self {
        self.sealed = own.wrap(key, &self.bound(grant, &self.number.to_string()), entropy);
        self
    }
}

impl GrantFile {
    /// The grant's own key.
    fn open(&self, by: &Unlocked) -> Option<Key> {
        let until = end(self.until);
        let place = [self.grant.as_str(), &until];
        let wrapping = Wrapping { purpose: "grant", place: &place, recipient: by.user() };
        if self.user == by.user() { wrapping.open(by.seal_half(), &self.enc, &self.sealed) } else { None }
    }

    fn key(&self, own: &Key, key: &GrantedKey) -> Option<Key> {
        own.unwrap(&key.sealed, &key.bound(&self.grant, &key.number.to_string()))
    }
}

impl Vault {
    /// Grants keys to a user until a moment, in milliseconds since 1970. A grant of that name that is there is replaced:
    /// so one in force gets the keys that were made after it.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` does not hold them, or by a grant only; [`VaultError::GroupGone`],
    /// [`VaultError::BadName`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn create_grant(
        &mut self,
        by: &Unlocked,
        grant: &str,
        to: &UserPublic,
        until: i64,
        opens: &GrantOpens,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let name = grant_file(named(grant)?);
        let own = Key::generate(entropy);
        let unsealed = |what, class: &str, scope: Option<&str>, group: Option<&str>, number| GrantedKey {
            what,
            class: class.to_owned(),
            scope: scope.map(str::to_owned),
            group: group.map(str::to_owned),
            number,
            sealed: files::Bytes(Vec::new()),
        };
        // From reading the keys until they lie in the grant, so that a group destroyed meanwhile is not kept in it.
        let _lock = self.keys.lock()?;
        let mut keys = Vec::new();
        match opens {
            GrantOpens::Class { class, scope } => {
                let held = self.held_class_key(by, class, scope)?;
                let key = unsealed(Granted::Class, class, Some(scope), None, held.number());
                keys.push(key.seal(grant, &own, held.key(), entropy));
            }
            GrantOpens::Groups(groups) => {
                for group in groups {
                    let held = self.held_group_keys(by, group)?;
                    let (class, scope) = (&held.file.class, Some(held.file.scope.as_str()));
                    for (number, key) in &held.keys {
                        let granted = unsealed(Granted::Group, class, scope, Some(group), *number);
                        keys.push(granted.seal(grant, &own, key, entropy));
                    }
                }
            }
            GrantOpens::Office { class } => {
                let (number, private) = self.held_office(by, class)?;
                let key = unsealed(Granted::Office, class, None, None, number);
                keys.push(key.seal(grant, &own, &private, entropy));
            }
        }
        let end = end(until);
        let (enc, sealed) = Wrapping { purpose: "grant", place: &[grant, &end], recipient: &to.user }
            .seal(&to.seal_key, &own, entropy)
            .ok_or_else(|| damaged(&super::user_file(&to.user), "its public key is unusable"))?;
        let file = GrantFile { v: 1, grant: grant.to_owned(), user: to.user.clone(), until, enc, sealed, keys };
        Ok(self.keys.write(&name, &files::encode(&file))?)
    }

    /// Destroys a grant; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::Io`].
    pub fn destroy_grant(&mut self, grant: &str) -> Result<(), VaultError> {
        Ok(self.keys.destroy(&grant_file(named(grant)?))?)
    }

    /// The grants whose files are there: each with its user and its end, in milliseconds since 1970. What a damaged file
    /// says is not told; see [`Vault::audit`].
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn grants(&self) -> Result<Vec<(String, String, i64)>, VaultError> {
        let mut grants = Vec::new();
        for name in self.keys.list("grants/")? {
            match self.grant_named(&name) {
                Ok(file) => grants.push((file.grant, file.user, file.until)),
                Err(VaultError::Io(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(grants)
    }

    fn grant_named(&self, name: &str) -> Result<GrantFile, VaultError> {
        let file: GrantFile = files::parse(name, &self.present(name)?)?;
        if grant_file(&file.grant) == name { Ok(file) } else { Err(damaged(name, "it is another grant's")) }
    }

    /// The grants that are tried: in force, this user's, and with the end that the ledger gives.
    fn in_force(&self, by: &Unlocked) -> impl Iterator<Item = GrantFile> {
        let listed = by.grants().iter().filter(|(grant, _)| named(grant).is_ok());
        listed.filter_map(|(grant, until)| {
            self.grant_named(&grant_file(grant)).ok().filter(|file| file.until == *until && file.user == by.user())
        })
    }

    /// The newest key of a class and scope that a grant opens, and its number.
    pub(super) fn class_key_of_grant(&self, by: &Unlocked, class: &ClassFile) -> Option<(u32, Key)> {
        let mut best: Option<(u32, Key)> = None;
        for file in self.in_force(by) {
            let mut of_class = file.keys.iter().filter(|key| key.class == class.class).peekable();
            if of_class.peek().is_none() {
                continue;
            }
            let Some(own) = file.open(by) else { continue };
            let opened = of_class.filter_map(|granted| match granted.what {
                Granted::Class if granted.scope.as_deref() == Some(&class.scope) => {
                    Some((granted.number, file.key(&own, granted)?))
                }
                Granted::Office => {
                    let wrapped = class.office.as_ref()?.number;
                    let office = self.office_if_any(&class.class).ok()??;
                    let private = office.private_of_granted(granted.number, file.key(&own, granted)?, wrapped)?;
                    Some((class.number, class.through_office(&private)?))
                }
                _ => None,
            });
            let fitting = opened.filter(|(number, key)| class.may_be(*number, key));
            best = fitting.chain(best).max_by_key(|(number, _)| *number);
        }
        best
    }

    /// A group's keys that grants open, each with its place among them, newest first.
    pub(super) fn group_keys_of_grants(&self, by: &Unlocked, group: &GroupFile) -> Vec<(u32, Key)> {
        let mut keys: Vec<(u32, Key)> = Vec::new();
        for file in self.in_force(by) {
            let is_of = |key: &&GrantedKey| {
                let scope = key.scope.as_deref() == Some(&group.scope) && key.class == group.class;
                key.what == Granted::Group && scope && key.group.as_deref() == Some(&group.group)
            };
            let mut of_group = file.keys.iter().filter(is_of).peekable();
            if of_group.peek().is_some()
                && let Some(own) = file.open(by)
            {
                keys.extend(of_group.filter_map(|granted| Some((granted.number, file.key(&own, granted)?))));
            }
        }
        keys.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
        keys.dedup_by_key(|(number, _)| *number);
        keys
    }

    /// Takes the keys of groups and of scopes that were destroyed out of every grant; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn forget_grants_of(&mut self, groups: &BTreeSet<String>, scopes: &BTreeSet<String>) -> Result<(), VaultError> {
        let among = |names: &BTreeSet<String>, name: &Option<String>| name.as_ref().is_some_and(|n| names.contains(n));
        self.forget_granted(&|key| among(groups, &key.group) || among(scopes, &key.scope))
    }

    /// Takes keys out of every grant that has them, for they are destroyed.
    pub(super) fn forget_granted(&mut self, gone: &dyn Fn(&GrantedKey) -> bool) -> Result<(), VaultError> {
        let names = self.keys.list("grants/")?;
        if names.is_empty() {
            return Ok(());
        }
        let _lock = self.keys.lock()?;
        for name in names {
            let mut file = match self.grant_named(&name) {
                Ok(file) => file,
                Err(VaultError::Missing(_)) => continue,
                Err(VaultError::Io(error)) => return Err(error.into()),
                // What cannot be read may hold the key, and is of no use to its user.
                Err(_) => {
                    self.keys.destroy(&name)?;
                    continue;
                }
            };
            let before = file.keys.len();
            file.keys.retain(|key| !gone(key));
            if file.keys.is_empty() {
                self.keys.destroy(&name)?;
            } else if file.keys.len() < before {
                self.keys.write(&name, &files::encode(&file))?;
            }
        }
        Ok(())
    }

    /// What the audit asks of a grant's file. Whether the grant is in force is no matter here.
    pub(super) fn audit_grant(&self, name: &str, by: Option<&Unlocked>) -> Result<(), VaultError> {
        let file = self.grant_named(name)?;
        let Some(by) = by.filter(|by| by.user() == file.user) else { return Ok(()) };
        let own = file.open(by).ok_or_else(|| damaged(name, "its end, its user or its key was changed"))?;
        if file.keys.iter().all(|key| file.key(&own, key).is_some()) {
            Ok(())
        } else {
            Err(damaged(name, "what it opens was changed"))
        }
    }
}
