//! The keys of a class and scope, generation after generation, in `classes/CLASS.SCOPE.json`.
//!
//! Only the newest generation is wrapped: to users, and to the office of the class. Each generation before is sealed under
//! the one after it, so that who opens the newest opens all. Who makes a generation signs for it: its number, the key, and
//! how many entries the ledger had. So a key file that is put back or edited cannot make an old key look new
//! ([`Vault::freshen`]).

use std::collections::BTreeSet;

use super::files::{self, Bytes, ClassFile, Made, OfficeWrap, WrapRecord};
use super::keys::{self, Key, Unlocked, UserPublic, Wrapping, open_wrap, verify_signature};
use super::office::OfficePublic;
use super::{Vault, VaultError, class_file, damaged, named};
use crate::entropy::Entropy;
use crate::header::is_name;

const PURPOSE: &str = "class";

/// Whom a class key is wrapped to. Public keys as the ledger names them, never as a key file does.
#[derive(Clone, Copy)]
pub struct Recipients<'a> {
    /// Users entitled to this class and scope alone.
    pub users: &'a [UserPublic],
    /// The office of this class: those entitled to the class of every client. Its key must be newer than the removal of
    /// any of its members, or be left out.
    pub office: Option<&'a OfficePublic>,
}

/// Whether a key is new enough to seal under, and who should have it.
#[derive(Clone, Copy)]
pub struct Freshness<'a> {
    /// Whom the key is for.
    pub recipients: Recipients<'a>,
    /// How many entries the ledger had after the last that took this class and scope away from somebody: its position plus
    /// one. 0 where there was none, and then no signature is asked for.
    pub needs: u64,
    /// How many entries the ledger has.
    pub size: u64,
    /// The Ed25519 key of a user who was entitled to **this class and scope** when the ledger had that many entries; `None`
    /// for everybody else.
    pub signer: &'a dyn Fn(&str, u64) -> Option<[u8; 32]>,
}

/// What [`Vault::freshen`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshened {
    /// Nothing: it only read.
    Kept,
    /// It wrapped the same key to somebody entitled who did not have it.
    Extended,
    /// It made the next key.
    Rekeyed,
}

/// How a user came to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Own,
    Office,
    Grant,
}

/// A class key, opened: the newest generation that the user can open, and all before it.
pub(super) struct ClassKey {
    file: ClassFile,
    number: u32,
    key: Key,
    hold: Hold,
}

impl ClassKey {
    /// The number of the newest generation there is.
    pub(super) fn newest(&self) -> u32 {
        self.file.number
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// The key of one generation; `None` for a later one than could be opened.
    pub(super) fn at(&self, number: u32) -> Option<Key> {
        if !(1..=self.number).contains(&number) {
            return None;
        }
        let mut key = self.key.clone();
        for below in (number..self.number).rev() {
            let sealed = self.file.earlier.get(below as usize - 1)?;
            key = key.unwrap(sealed, &earlier_place(&self.file.class, &self.file.scope, &below.to_string()))?;
        }
        Some(key)
    }
}

fn earlier_place<'a>(class: &'a str, scope: &'a str, number: &'a str) -> [&'a str; 4] {
    ["earlier class key", class, scope, number]
}

/// Where a wrap lies. The first generation's place has no number: such files were written before there were others.
fn place<'a>(class: &'a str, scope: &'a str, number: u32, written: &'a str) -> Vec<&'a str> {
    let mut place = vec![class, scope];
    if number > 1 {
        place.push(written);
    }
    place
}

fn office_name(class: &str, number: u32) -> String {
    // No user's name has a space.
    format!("office {class} {number}")
}

/// What the maker of a key signs.
fn statement(file: &ClassFile, made: &Made) -> Vec<u8> {
    let ClassFile { class, scope, number, .. } = file;
    let Made { since, by, check, .. } = made;
    format!("provenote/class-key/v1\n{class}\n{scope}\n{number}\n{since}\n{by}\n{check}\n").into_bytes()
}

impl ClassFile {
    fn first(class: &str, scope: &str) -> Self {
        Self {
            v: 1,
            class: class.to_owned(),
            scope: scope.to_owned(),
            number: 1,
            made: None,
            wraps: Vec::new(),
            office: None,
            earlier: Vec::new(),
        }
    }

    fn sign(&mut self, by: &Unlocked, since: u64, key: &Key) {
        let unsigned = Made { since, by: by.user().to_owned(), check: key.check(), signature: Bytes(Vec::new()) };
        let signature = by.sign(&statement(self, &unsigned)).to_vec();
        self.made = Some(Made { signature: Bytes(signature), ..unsigned });
    }

    pub(super) fn since(&self) -> u64 {
        self.made.as_ref().map_or(0, |made| made.since)
    }

    /// Whether the key's maker, by the key that `signer` gives for them, signed what this file says of it. None where
    /// nobody claims to have.
    pub(super) fn is_signed(&self, signer: &dyn Fn(&str, u64) -> Option<[u8; 32]>) -> Option<bool> {
        let made = self.made.as_ref()?;
        let signature: Option<[u8; 64]> = made.signature.0.as_slice().try_into().ok();
        let key = signer(&made.by, made.since);
        Some(
            key.zip(signature)
                .is_some_and(|(key, signature)| verify_signature(&key, &statement(self, made), &signature)),
        )
    }

    fn is_fresh(&self, due: &Freshness<'_>) -> bool {
        due.needs == 0 || ((due.needs..=due.size).contains(&self.since()) && self.is_signed(due.signer) == Some(true))
    }

    /// Whether this is the key that the file speaks of.
    fn is_of(&self, key: &Key) -> bool {
        self.made.as_ref().is_none_or(|made| made.check == key.check())
    }

    fn wrap(&mut self, to: &UserPublic, key: &Key, entropy: &mut dyn Entropy) -> Result<(), VaultError> {
        let written = self.number.to_string();
        let wrap = keys::wrap_to(to, PURPOSE, &place(&self.class, &self.scope, self.number, &written), key, entropy)?;
        self.wraps.retain(|wrap| wrap.user != to.user);
        self.wraps.push(wrap);
        Ok(())
    }

    /// Wraps to the recipients and to nobody else; wraps that are there for them stay.
    fn wrap_to_all(&mut self, to: Recipients<'_>, key: &Key, entropy: &mut dyn Entropy) -> Result<(), VaultError> {
        self.wraps.retain(|wrap| to.users.iter().any(|user| wrap.is_for(user)));
        for user in to.users {
            if !self.wraps.iter().any(|wrap| wrap.user == user.user) {
                self.wrap(user, key, entropy)?;
            }
        }
        let Some(office) = to.office else {
            self.office = None;
            return Ok(());
        };
        if self.lacks_office(office) {
            let (written, recipient) = (self.number.to_string(), office_name(&self.class, office.number));
            let place = place(&self.class, &self.scope, self.number, &written);
            let (enc, sealed) = Wrapping { purpose: PURPOSE, place: &place, recipient: &recipient }
                .seal(&office.seal_key, key, entropy)
                .ok_or_else(|| damaged(&super::office_file(&self.class), "its public key is unusable"))?;
            self.office =
                Some(OfficeWrap { number: office.number, to: files::KeyId::of(&office.seal_key), enc, sealed });
        }
        Ok(())
    }

    fn lacks_office(&self, office: &OfficePublic) -> bool {
        let to = files::KeyId::of(&office.seal_key);
        self.office.as_ref().is_none_or(|wrap| wrap.number != office.number || wrap.to != to)
    }

    fn lacks(&self, to: Recipients<'_>) -> bool {
        to.users.iter().any(|user| !self.wraps.iter().any(|wrap| wrap.is_for(user)))
            || to.office.is_some_and(|office| self.lacks_office(office))
    }

    /// Wraps the key to a user's new keys beside their old. Whether there was anything to wrap.
    pub(super) fn wrap_beside(
        &mut self,
        old: &Unlocked,
        new: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<bool, VaultError> {
        let Some(key) = self.own(old) else { return Ok(false) };
        let mut kept = std::mem::take(&mut self.wraps);
        kept.retain(|wrap| wrap.user != new.user || wrap.is_for(&old.public()));
        self.wrap(new, &key, entropy)?;
        kept.append(&mut self.wraps);
        self.wraps = kept;
        Ok(true)
    }

    /// Opens the key with what is wrapped to the user themselves.
    fn own(&self, by: &Unlocked) -> Option<Key> {
        let written = self.number.to_string();
        let key = open_wrap(&self.wraps, by, PURPOSE, &place(&self.class, &self.scope, self.number, &written))?;
        self.is_of(&key).then_some(key)
    }

    /// Opens the key with the private half of the office's generation that it is wrapped to.
    pub(super) fn through_office(&self, private: &Key) -> Option<Key> {
        let (wrap, written) = (self.office.as_ref()?, self.number.to_string());
        let recipient = office_name(&self.class, wrap.number);
        let place = place(&self.class, &self.scope, self.number, &written);
        let key = Wrapping { purpose: PURPOSE, place: &place, recipient: &recipient }.open(
            private.bytes(),
            &wrap.enc,
            &wrap.sealed,
        )?;
        self.is_of(&key).then_some(key)
    }

    /// Whether a key that somebody was granted may be the newest of this file.
    pub(super) fn may_be(&self, number: u32, key: &Key) -> bool {
        number < self.number || (number == self.number && self.is_of(key))
    }
}

impl Vault {
    /// Makes the key of a class and scope, wrapped to each of `to`. Nobody signs for it; see [`Vault::ensure_class_key`].
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::BadName`], [`VaultError::Io`].
    pub fn create_class_key(
        &mut self,
        class: &str,
        scope: &str,
        to: &[UserPublic],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let name = class_file(named(class)?, named(scope)?);
        if self.keys.read(&name)?.is_some() {
            return Err(VaultError::Exists(format!("the {class} key of {scope}")));
        }
        let mut file = ClassFile::first(class, scope);
        file.wrap_to_all(Recipients { users: to, office: None }, &Key::generate(entropy), entropy)?;
        self.write_class(&file)
    }

    /// Makes the key of a class and scope where there is none, wrapped to the recipients and signed by `by`. `size` is how
    /// many entries the ledger has. Returns whether it was made.
    ///
    /// # Errors
    /// [`VaultError::NoRecipient`], [`VaultError::BadName`], [`VaultError::Io`].
    pub fn ensure_class_key(
        &mut self,
        by: &Unlocked,
        class: &str,
        scope: &str,
        recipients: Recipients<'_>,
        size: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<bool, VaultError> {
        let name = class_file(named(class)?, named(scope)?);
        if self.keys.read(&name)?.is_some() {
            return Ok(false);
        }
        checked(class, recipients)?;
        let _lock = self.keys.lock()?;
        if self.keys.read(&name)?.is_some() {
            return Ok(false);
        }
        let (mut file, key) = (ClassFile::first(class, scope), Key::generate(entropy));
        file.sign(by, size, &key);
        file.wrap_to_all(recipients, &key, entropy)?;
        self.write_class(&file)?;
        Ok(true)
    }

    /// Entitles another user to a class and scope.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` is not, or by a grant only; [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn grant_class_key(
        &mut self,
        by: &Unlocked,
        class: &str,
        scope: &str,
        to: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let _lock = self.keys.lock()?;
        let ClassKey { mut file, key, .. } = self.held_class_key(by, class, scope)?;
        file.wrap(to, &key, entropy)?;
        self.write_class(&file)
    }

    /// Sees to it that the key of a class and scope is one to seal under: made after the last time that it was taken away
    /// from somebody, and there for everybody entitled. Otherwise makes the next, wrapped to exactly the recipients and
    /// signed by `by`. Where there is nothing to do, it only reads.
    ///
    /// Who holds the key by a grant extends nothing and makes no key.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where there is no key; [`VaultError::NotEntitled`] where `by` cannot make the next one;
    /// [`VaultError::NoRecipient`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn freshen(
        &mut self,
        by: &Unlocked,
        class: &str,
        scope: &str,
        due: &Freshness<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Freshened, VaultError> {
        self.freshen_class(by, class, scope, due, 1, entropy).map(|(done, _)| done)
    }

    /// [`Vault::freshen`], and the number of the key that there is after it. `known` is the number of a key that there was:
    /// a file with an earlier one was put back, which is told before the next key is made of an old one.
    pub(super) fn freshen_class(
        &mut self,
        by: &Unlocked,
        class: &str,
        scope: &str,
        due: &Freshness<'_>,
        known: u32,
        entropy: &mut dyn Entropy,
    ) -> Result<(Freshened, u32), VaultError> {
        let file = self.class_of(class, scope)?;
        if file.number < known {
            return Err(damaged(&class_file(class, scope), "it is older than its groups' keys"));
        }
        if file.is_fresh(due) && !file.lacks(due.recipients) {
            return Ok((Freshened::Kept, file.number));
        }
        checked(class, due.recipients)?;
        let _lock = self.keys.lock()?;
        let file = self.class_of(class, scope)?;
        let fresh = file.is_fresh(due);
        if fresh && !file.lacks(due.recipients) {
            return Ok((Freshened::Kept, file.number));
        }
        let ClassKey { mut file, key, .. } = match self.held_class_key(by, class, scope) {
            // Somebody who may not extend it goes on with it as it is.
            Err(VaultError::NotEntitled { .. }) if fresh => return Ok((Freshened::Kept, file.number)),
            held => held?,
        };
        if fresh {
            file.wrap_to_all(due.recipients, &key, entropy)?;
            self.write_class(&file)?;
            return Ok((Freshened::Extended, file.number));
        }
        let next = Key::generate(entropy);
        let number = file.number.to_string();
        file.earlier.push(next.wrap(&key, &earlier_place(class, scope, &number), entropy));
        file.number = file.number.checked_add(1).ok_or_else(|| damaged(&class_file(class, scope), "its number"))?;
        file.wraps.clear();
        file.office = None;
        file.sign(by, due.size, &next);
        file.wrap_to_all(due.recipients, &next, entropy)?;
        self.write_class(&file)?;
        Ok((Freshened::Rekeyed, file.number))
    }

    /// Whether there is a key for a class and scope.
    #[must_use]
    pub fn has_class_key(&self, class: &str, scope: &str) -> bool {
        is_name(class) && is_name(scope) && matches!(self.keys.read(&class_file(class, scope)), Ok(Some(_)))
    }

    /// Whether this user's keys open a class and scope, be it by a grant.
    #[must_use]
    pub fn is_entitled(&self, by: &Unlocked, class: &str, scope: &str) -> bool {
        self.class_key(by, class, scope).is_ok()
    }

    /// Whether this user's keys open a class and scope without a grant.
    #[must_use]
    pub fn holds_class_key(&self, by: &Unlocked, class: &str, scope: &str) -> bool {
        self.held_class_key(by, class, scope).is_ok()
    }

    pub(super) fn class_of(&self, class: &str, scope: &str) -> Result<ClassFile, VaultError> {
        let name = class_file(named(class)?, named(scope)?);
        let file: ClassFile = files::parse(&name, &self.present(&name)?)?;
        if file.class != class || file.scope != scope {
            return Err(damaged(&name, "it is another class's"));
        }
        let whole = file.number >= 1
            && file.earlier.len() as u64 + 1 == u64::from(file.number)
            && (file.number == 1 || file.made.is_some())
            && file.made.as_ref().is_none_or(|made| is_name(&made.by));
        if whole { Ok(file) } else { Err(damaged(&name, "its generations do not fit together")) }
    }

    fn write_class(&mut self, file: &ClassFile) -> Result<(), VaultError> {
        Ok(self.keys.write(&class_file(&file.class, &file.scope), &files::encode(file))?)
    }

    /// The key, opened with the user's own wrap, or through the office, or with a grant in force.
    pub(super) fn class_key(&self, by: &Unlocked, class: &str, scope: &str) -> Result<ClassKey, VaultError> {
        let file = self.class_of(class, scope)?;
        if let Some(key) = file.own(by) {
            return Ok(ClassKey { number: file.number, file, key, hold: Hold::Own });
        }
        // What is wrong with the office's file is no matter to somebody who has a grant.
        let office = self.class_key_of_office(by, &file);
        if let Ok(Some(key)) = office {
            return Ok(ClassKey { number: file.number, file, key, hold: Hold::Office });
        }
        if let Some((number, key)) = self.class_key_of_grant(by, &file) {
            return Ok(ClassKey { number, file, key, hold: Hold::Grant });
        }
        office?;
        Err(VaultError::NotEntitled { class: class.to_owned(), scope: scope.to_owned() })
    }

    /// The key, opened by somebody who may hand it on.
    pub(super) fn held_class_key(&self, by: &Unlocked, class: &str, scope: &str) -> Result<ClassKey, VaultError> {
        let key = self.class_key(by, class, scope)?;
        if key.hold == Hold::Grant {
            return Err(VaultError::NotEntitled { class: class.to_owned(), scope: scope.to_owned() });
        }
        Ok(key)
    }

    /// What the audit asks of a class file.
    pub(super) fn audit_class(&self, class: &str, scope: &str, by: Option<&Unlocked>) -> Result<(), VaultError> {
        let (file, name) = (self.class_of(class, scope)?, class_file(class, scope));
        let Some(by) = by else { return Ok(()) };
        let own = || file.wraps.iter().any(|wrap| wrap.is_for(&by.public()));
        let office = || file.office.is_some() && self.is_of_office(by, class);
        match self.held_class_key(by, class, scope) {
            Ok(key) if key.at(1).is_none() => Err(damaged(&name, "an earlier key does not open")),
            Ok(_) => Ok(()),
            Err(VaultError::NotEntitled { .. }) if own() || office() => Err(damaged(&name, "its key does not open")),
            // What is wrong with another file is told of that one.
            Err(_) => Ok(()),
        }
    }

    fn class_key_of_office(&self, by: &Unlocked, file: &ClassFile) -> Result<Option<Key>, VaultError> {
        let Some(wrap) = &file.office else { return Ok(None) };
        let private = self.office_private(by, &file.class, wrap.number)?;
        Ok(private.and_then(|private| file.through_office(&private)))
    }
}

fn checked(class: &str, recipients: Recipients<'_>) -> Result<(), VaultError> {
    let mut seen = BTreeSet::new();
    if recipients.users.is_empty() && recipients.office.is_none() {
        return Err(VaultError::NoRecipient);
    }
    if let Some(office) = recipients.office.filter(|office| office.class != class) {
        return Err(VaultError::BadName(office.class.chars().take(64).collect()));
    }
    recipients.users.iter().try_for_each(|user| {
        named(&user.user)?;
        if seen.insert(&user.user) { Ok(()) } else { Err(VaultError::Exists(format!("user {}", user.user))) }
    })
}

pub(super) fn recipients_of(wraps: &[WrapRecord]) -> Vec<String> {
    wraps.iter().map(|wrap| wrap.user.clone()).collect()
}
