//! The keys of retention groups, in `groups/GROUP.json`. A group has one key for each generation of its class key under
//! which something was sealed; each lies under that generation. Destroying the file destroys all of them.

use super::class::{ClassKey, Freshened, Freshness};
use super::files::{self, EarlierGroupKey, GroupFile};
use super::keys::{Key, Unlocked};
use super::{Vault, VaultError, damaged, group_file, named};
use crate::entropy::Entropy;
use crate::hash::Hash;
use crate::header::is_name;

/// What a group's key is bound to. Under the first class key there is no number: such files were written before there were
/// others.
fn bound<'a>(file: &'a GroupFile, number: u32, written: &'a str) -> Vec<&'a str> {
    let mut bound = vec!["group", &file.group, &file.class, &file.scope];
    if number > 1 {
        bound.push(written);
    }
    bound
}

impl GroupFile {
    fn seal(&self, number: u32, class_key: &Key, key: &Key, entropy: &mut dyn Entropy) -> files::Bytes {
        class_key.wrap(key, &bound(self, number, &number.to_string()), entropy)
    }

    fn open(&self, number: u32, sealed: &files::Bytes, class_key: &ClassKey) -> Option<Key> {
        class_key.at(number)?.unwrap(sealed, &bound(self, number, &number.to_string()))
    }

    /// Each key with its place among the group's keys from 1, newest first.
    fn sealed_keys(&self) -> impl Iterator<Item = (u32, u32, &files::Bytes)> {
        let newest = (self.class_number, &self.sealed);
        let all = std::iter::once(newest).chain(self.earlier.iter().rev().map(|key| (key.class_number, &key.sealed)));
        let count = u32::try_from(self.earlier.len()).unwrap_or(u32::MAX);
        all.zip(0..=count).map(move |((class_number, sealed), back)| (count - back + 1, class_number, sealed))
    }
}

/// A group's keys, opened, newest first.
pub(super) struct GroupKeys {
    pub(super) file: GroupFile,
    /// Each with its place among the group's keys, from 1.
    pub(super) keys: Vec<(u32, Key)>,
}

impl GroupKeys {
    pub(super) fn all(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|(_, key)| key)
    }
}

impl Vault {
    /// Makes the key of a retention group, wrapped under the key of its class and scope.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::NotEntitled`], [`VaultError::Missing`], [`VaultError::Io`].
    pub fn create_group(
        &mut self,
        by: &Unlocked,
        group: &str,
        class: &str,
        scope: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let name = group_file(named(group)?);
        if self.keys.read(&name)?.is_some() {
            return Err(VaultError::Exists(format!("retention group {group}")));
        }
        let class_key = newest(self.class_key(by, class, scope)?, class, scope)?;
        let mut file = GroupFile {
            v: 1,
            group: group.to_owned(),
            class: class.to_owned(),
            scope: scope.to_owned(),
            class_number: class_key.newest(),
            sealed: files::Bytes(Vec::new()),
            earlier: Vec::new(),
        };
        file.sealed = file.seal(file.class_number, class_key.key(), &Key::generate(entropy), entropy);
        Ok(self.keys.write(&name, &files::encode(&file))?)
    }

    /// Sees to it that a group's key is one to seal under: first that of its class ([`Vault::freshen`]); then, where the
    /// group's key lies under an earlier one, gives the group its next. Where there is nothing to do, it only reads.
    ///
    /// # Errors
    /// As [`Vault::freshen`]; [`VaultError::GroupGone`].
    pub fn freshen_group(
        &mut self,
        by: &Unlocked,
        group: &str,
        due: &Freshness<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Freshened, VaultError> {
        let file = self.group_of(group)?;
        let (done, number) = self.freshen_class(by, &file.class, &file.scope, due, file.class_number, entropy)?;
        if file.class_number == number {
            return Ok(done);
        }
        let _lock = self.keys.lock()?;
        let mut file = self.group_of(group)?;
        let class_key = newest(self.class_key(by, &file.class, &file.scope)?, &file.class, &file.scope)?;
        if file.class_number == class_key.newest() {
            return Ok(done);
        }
        let sealed = file.seal(class_key.newest(), class_key.key(), &Key::generate(entropy), entropy);
        let before = std::mem::replace(&mut file.sealed, sealed);
        file.earlier.push(EarlierGroupKey { class_number: file.class_number, sealed: before });
        file.class_number = class_key.newest();
        self.keys.write(&group_file(group), &files::encode(&file))?;
        Ok(done.max(Freshened::Rekeyed))
    }

    /// Whether the key of a group is there.
    #[must_use]
    pub fn group_exists(&self, group: &str) -> bool {
        is_name(group) && matches!(self.keys.read(&group_file(group)), Ok(Some(_)))
    }

    /// Class and scope of a group.
    ///
    /// # Errors
    /// [`VaultError::GroupGone`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn group_place(&self, group: &str) -> Result<(String, String), VaultError> {
        let file = self.group_of(group)?;
        Ok((file.class, file.scope))
    }

    /// The groups whose keys are there.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn groups(&self) -> Result<Vec<String>, VaultError> {
        let names = self.keys.list("groups/")?;
        let group = |name: &String| Some(name.strip_prefix("groups/")?.strip_suffix(".json")?.to_owned());
        Ok(names.iter().filter_map(group).collect())
    }

    /// Destroys a group's keys, also where they were granted, and the given blobs. After it, nothing the group sealed can
    /// be opened or guessed at. Comes after the entry that records it; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn destroy_group(&mut self, group: &str, blobs: &[Hash]) -> Result<(), VaultError> {
        let name = group_file(named(group)?);
        self.forget_granted(&|key| key.group.as_deref() == Some(group))?;
        self.keys.destroy(&name)?;
        for blob in blobs {
            self.blobs.destroy(blob)?;
        }
        Ok(())
    }

    pub(super) fn group_of(&self, group: &str) -> Result<GroupFile, VaultError> {
        let name = group_file(named(group)?);
        let contents = self.keys.read(&name)?.ok_or_else(|| VaultError::GroupGone(group.to_owned()))?;
        let file: GroupFile = files::parse(&name, &contents)?;
        if file.group == group { Ok(file) } else { Err(damaged(&name, "it is another group's")) }
    }

    /// The group's keys that the user can open; at least one.
    pub(super) fn group_keys(&self, by: &Unlocked, file: GroupFile) -> Result<GroupKeys, VaultError> {
        let class_key = self.class_key(by, &file.class, &file.scope);
        let keys: Vec<(u32, Key)> = match &class_key {
            Ok(class_key) => file
                .sealed_keys()
                .filter_map(|(number, class_number, sealed)| {
                    Some((number, file.open(class_number, sealed, class_key)?))
                })
                .collect(),
            Err(_) => Vec::new(),
        };
        if !keys.is_empty() {
            return Ok(GroupKeys { file, keys });
        }
        let granted = self.group_keys_of_grants(by, &file);
        if !granted.is_empty() {
            return Ok(GroupKeys { file, keys: granted });
        }
        match class_key {
            Ok(class_key) if class_key.number() < class_key.newest() => Err(not_entitled(&file.class, &file.scope)),
            Ok(_) => Err(damaged(&group_file(&file.group), "its key does not open")),
            Err(error) => Err(error),
        }
    }

    /// The group's keys, opened by somebody who may hand them on: all of them.
    pub(super) fn held_group_keys(&self, by: &Unlocked, group: &str) -> Result<GroupKeys, VaultError> {
        let file = self.group_of(group)?;
        let class_key = self.held_class_key(by, &file.class, &file.scope)?;
        let opened: Option<Vec<(u32, Key)>> = file
            .sealed_keys()
            .map(|(number, class_number, sealed)| Some((number, file.open(class_number, sealed, &class_key)?)))
            .collect();
        let keys = opened.ok_or_else(|| damaged(&group_file(group), "one of its keys does not open"))?;
        Ok(GroupKeys { file, keys })
    }

    /// The key to seal under: the group's newest, under the newest of its class.
    pub(super) fn sealing_key(&self, by: &Unlocked, group: &str) -> Result<(GroupFile, Key), VaultError> {
        let file = self.group_of(group)?;
        let class_key = newest(self.class_key(by, &file.class, &file.scope)?, &file.class, &file.scope)?;
        if file.class_number != class_key.newest() {
            return Err(VaultError::Stale(group.to_owned()));
        }
        let key = file
            .open(file.class_number, &file.sealed, &class_key)
            .ok_or_else(|| damaged(&group_file(group), "its key does not open"))?;
        Ok((file, key))
    }

    /// Checks that a group's key opens for this user.
    ///
    /// # Errors
    /// [`VaultError::GroupGone`], [`VaultError::NotEntitled`], [`VaultError::Damaged`].
    pub fn check_group(&self, by: &Unlocked, group: &str) -> Result<(), VaultError> {
        self.group_keys(by, self.group_of(group)?).map(drop)
    }
}

fn not_entitled(class: &str, scope: &str) -> VaultError {
    VaultError::NotEntitled { class: class.to_owned(), scope: scope.to_owned() }
}

/// A grant made before the class was given its next key does not open that.
fn newest(class_key: ClassKey, class: &str, scope: &str) -> Result<ClassKey, VaultError> {
    if class_key.number() == class_key.newest() { Ok(class_key) } else { Err(not_entitled(class, scope)) }
}
