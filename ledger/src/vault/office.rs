//! Offices, in `offices/CLASS.json`: a key pair for all who open a class of every client, so that one more of them costs one
//! wrap, and not one for each client.
//!
//! The private half is wrapped to each member. **Removal.** The next key pair is made, wrapped to who is left
//! ([`Vault::prepare_office`]), with the private half before sealed under it; then an entry of the ledger names its public
//! half; then [`Vault::settle_office`] makes it the one that counts. Which public key counts is told by the ledger alone:
//! one that was made and never named does no harm and is replaced by the next.

use super::files::{self, Bytes, Made, OfficeFile, OfficeGeneration, WrapRecord};
use super::keys::{self, Key, Unlocked, UserPublic};
use super::{LogKeyLock, Vault, VaultError, class, damaged, named, office_file};
use crate::entropy::Entropy;
use crate::hash::Hash;

const PURPOSE: &str = "office";

/// An office's public key, as an entry of the ledger names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficePublic {
    /// Which class.
    pub class: String,
    /// Which generation, from 1.
    pub number: u32,
    /// X25519.
    pub seal_key: [u8; 32],
}

/// The next key pair of an office.
#[derive(Clone, Copy)]
pub struct NextOffice<'a> {
    /// Which class.
    pub class: &'a str,
    /// The public key that counts now, by the ledger; none for the first.
    pub named: Option<&'a OfficePublic>,
    /// Who is to be of the office.
    pub members: &'a [UserPublic],
    /// How many entries the ledger has.
    pub size: u64,
}

impl OfficeGeneration {
    fn key(&self) -> [u8; 32] {
        self.seal_key.0.as_slice().try_into().unwrap_or_default()
    }

    fn public(&self, class: &str) -> OfficePublic {
        OfficePublic { class: class.to_owned(), number: self.number, seal_key: self.key() }
    }

    fn place<'a>(class: &'a str, written: &'a str) -> [&'a str; 2] {
        [class, written]
    }

    /// The private half, if it is this public key's.
    fn fitting(&self, private: Key) -> Option<Key> {
        (keys::public_half(private.bytes())? == self.key()).then_some(private)
    }

    fn own(&self, class: &str, by: &Unlocked) -> Option<Key> {
        let (written, public) = (self.written(), by.public());
        let own = self.wraps.iter().filter(|wrap| wrap.is_for(&public));
        let open = |wrap| keys::unwrap_with(by, PURPOSE, &Self::place(class, &written), wrap);
        // Whatever it was opened from: it is right if it is this public key's.
        own.filter_map(|wrap| by.remembered(wrap, || open(wrap))).find_map(|private| self.fitting(private))
    }

    /// Number and public key, so that a wrap of another key pair of the same number does not pass for it.
    fn written(&self) -> String {
        format!("{} {}", self.number, Hash::of(&self.seal_key.0))
    }

    fn wrap(
        &mut self,
        class: &str,
        to: &UserPublic,
        private: &Key,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let written = self.written();
        let wrap = keys::wrap_to(to, PURPOSE, &Self::place(class, &written), private, entropy)?;
        self.wraps.retain(|wrap| wrap.user != to.user);
        self.wraps.push(wrap);
        Ok(())
    }

    /// What the maker signs.
    fn statement(&self, class: &str, made: &Made) -> Vec<u8> {
        let Made { since, by, check, .. } = made;
        format!("provenote/office-key/v1\n{class}\n{}\n{since}\n{by}\n{check}\n", self.number).into_bytes()
    }

    pub(super) fn is_signed(&self, class: &str, signer: &dyn Fn(&str, u64) -> Option<[u8; 32]>) -> bool {
        let signature: Option<[u8; 64]> = self.made.signature.0.as_slice().try_into().ok();
        let key = signer(&self.made.by, self.made.since);
        let fits = self.made.check == Hash::of(&self.seal_key.0);
        fits && key.zip(signature).is_some_and(|(key, signature)| {
            keys::verify_signature(&key, &self.statement(class, &self.made), &signature)
        })
    }
}

impl OfficeFile {
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &OfficeGeneration> {
        self.generations.iter().chain(&self.next)
    }

    /// The generation that members have, or are about to have.
    fn newest(&self) -> Option<&OfficeGeneration> {
        self.generations.last().or(self.next.as_ref())
    }

    /// From the private half of generation `from` down to that of `to`.
    fn down(&self, from: u32, private: Key, to: u32) -> Option<Key> {
        let mut private = private;
        for number in (to..from).rev() {
            let above = self.all().find(|one| one.number == number + 1)?;
            let below = self.all().find(|one| one.number == number)?;
            let sealed = above.former.as_ref()?;
            private =
                below.fitting(former_key(&private).unwrap(sealed, &former_place(&self.class, &below.written()))?)?;
        }
        Some(private)
    }

    /// The private half of a generation, for a member.
    fn private(&self, by: &Unlocked, number: u32) -> Option<Key> {
        let above = self.all().rev().filter(|one| one.number >= number);
        let mut opened = above.filter_map(|one| Some((one.number, one.own(&self.class, by)?)));
        opened.find_map(|(from, private)| self.down(from, private, number))
    }

    /// The same, for who was granted the private half of generation `from`.
    pub(super) fn private_of_granted(&self, from: u32, private: Key, number: u32) -> Option<Key> {
        let granted = self.all().find(|one| one.number == from)?.fitting(private)?;
        if number <= from { self.down(from, granted, number) } else { None }
    }

    pub(super) fn wraps(&self) -> impl Iterator<Item = &WrapRecord> {
        self.all().flat_map(|one| &one.wraps)
    }

    pub(super) fn retain_wraps(&mut self, kept: &dyn Fn(&WrapRecord) -> bool) {
        self.generations.iter_mut().chain(&mut self.next).for_each(|one| one.wraps.retain(kept));
    }

    /// Wraps what a user has to their new keys beside their old. Whether there was anything to wrap.
    pub(super) fn wrap_beside(
        &mut self,
        old: &Unlocked,
        new: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<bool, VaultError> {
        let mut wrapped = false;
        for one in self.generations.iter_mut().chain(&mut self.next) {
            let Some(private) = one.own(&self.class, old) else { continue };
            let mut kept = std::mem::take(&mut one.wraps);
            kept.retain(|wrap| wrap.user != new.user || wrap.is_for(&old.public()));
            one.wrap(&self.class, new, &private, entropy)?;
            kept.append(&mut one.wraps);
            one.wraps = kept;
            wrapped = true;
        }
        Ok(wrapped)
    }

    /// What the ledger has named since the file was written counts from now on. Whether there was anything to do.
    fn settle(&mut self, named: &OfficePublic) -> bool {
        if self.next.as_ref().is_none_or(|next| next.public(&self.class) != *named) {
            return false;
        }
        self.generations.iter_mut().for_each(|one| one.wraps.clear());
        self.generations.extend(self.next.take());
        true
    }
}

fn former_key(private: &Key) -> Key {
    private.derive("former office")
}

fn former_place<'a>(class: &'a str, written: &'a str) -> [&'a str; 3] {
    ["former office", class, written]
}

impl Vault {
    /// Makes an office's next key pair, or its first, and keeps it beside the one that counts, which goes on being usable.
    /// One that was prepared before and never named is replaced. Hold the lock from reading the ledger until the entry
    /// that names the new key is written and settled.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` is not of the office; [`VaultError::NoRecipient`];
    /// [`VaultError::Damaged`] when the file does not hold the key that the ledger names; [`VaultError::Missing`],
    /// [`VaultError::Io`].
    pub fn prepare_office(
        &mut self,
        _lock: &LogKeyLock,
        by: &Unlocked,
        next: &NextOffice<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<OfficePublic, VaultError> {
        let NextOffice { class, named: counts, members, size } = *next;
        let name = office_file(named(class)?);
        if members.is_empty() {
            return Err(VaultError::NoRecipient);
        }
        let file =
            if counts.is_some() || self.keys.read(&name)?.is_some() { Some(self.office_of(class)?) } else { None };
        let mut file =
            file.unwrap_or_else(|| OfficeFile { v: 1, class: class.to_owned(), generations: Vec::new(), next: None });
        if let Some(counts) = counts {
            file.settle(counts);
        }
        if file.generations.last().map(|last| last.public(class)).as_ref() != counts {
            return Err(damaged(&name, "it does not hold the key that the ledger names"));
        }
        let (private, seal_key) = keys::key_pair(entropy);
        let number = file.generations.last().map_or(1, |last| last.number.saturating_add(1));
        let former = match file.generations.last() {
            None => None,
            Some(last) => {
                let before = last.own(class, by).ok_or_else(|| not_of(class))?;
                Some(former_key(&private).wrap(&before, &former_place(class, &last.written()), entropy))
            }
        };
        let check = Hash::of(&seal_key);
        let unsigned = Made { since: size, by: by.user().to_owned(), check, signature: Bytes(Vec::new()) };
        let mut made = OfficeGeneration {
            number,
            seal_key: Bytes(seal_key.to_vec()),
            made: unsigned.clone(),
            wraps: Vec::new(),
            former,
        };
        made.made.signature = Bytes(by.sign(&made.statement(class, &unsigned)).to_vec());
        for member in members {
            made.wrap(class, member, &private, entropy)?;
        }
        let public = made.public(class);
        file.next = Some(made);
        self.keys.write(&name, &files::encode(&file))?;
        Ok(public)
    }

    /// Brings an office's file to what the ledger says of its key: where that is the prepared one, it counts from now on,
    /// and the wraps of the one before are destroyed. Returns whether anything was to be done; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn settle_office(&mut self, _lock: &LogKeyLock, named: &OfficePublic) -> Result<bool, VaultError> {
        let mut file = self.office_of(&named.class)?;
        let settled = file.settle(named);
        if settled {
            self.keys.write(&office_file(&named.class), &files::encode(&file))?;
        }
        Ok(settled)
    }

    /// Takes another user into an office: one wrap, however many clients there are. Takes the lock itself.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` is not of the office themselves, or by a grant only;
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn grant_office(
        &mut self,
        by: &Unlocked,
        class: &str,
        to: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let _lock = self.keys.lock()?;
        let mut file = self.office_of(class)?;
        let mut granted = false;
        // Where a crash left it open which of the two counts, the user gets both.
        for one in file.generations.last_mut().into_iter().chain(&mut file.next) {
            if let Some(private) = one.own(class, by) {
                one.wrap(class, to, &private, entropy)?;
                granted = true;
            }
        }
        if !granted {
            return Err(not_of(class));
        }
        Ok(self.keys.write(&office_file(class), &files::encode(&file))?)
    }

    /// Who is of an office, by its file; nobody where there is none.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn office_members(&self, class: &str) -> Result<Vec<String>, VaultError> {
        let file = self.office_if_any(class)?;
        Ok(file.as_ref().and_then(OfficeFile::newest).map_or_else(Vec::new, |one| class::recipients_of(&one.wraps)))
    }

    /// Whether this user's keys open the office's private half, without a grant.
    #[must_use]
    pub fn is_of_office(&self, by: &Unlocked, class: &str) -> bool {
        let file = self.office_if_any(class).ok().flatten();
        file.is_some_and(|file| file.newest().is_some_and(|one| one.own(class, by).is_some()))
    }

    /// Whether the file holds the key that the ledger names, settled or prepared.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn has_office(&self, named: &OfficePublic) -> Result<bool, VaultError> {
        let file = self.office_if_any(&named.class)?;
        Ok(file.is_some_and(|file| file.all().any(|one| one.public(&file.class) == *named)))
    }

    /// Whether a key pair was prepared for an office, and the file does not know whether the ledger names it.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn next_office(&self, class: &str) -> Result<Option<OfficePublic>, VaultError> {
        Ok(self.office_if_any(class)?.and_then(|file| Some(file.next.as_ref()?.public(class))))
    }

    /// The private half of the newest generation, opened by a member.
    pub(super) fn held_office(&self, by: &Unlocked, class: &str) -> Result<(u32, Key), VaultError> {
        let file = self.office_of(class)?;
        let newest = file.newest().ok_or_else(|| damaged(&office_file(class), "it has no key"))?;
        Ok((newest.number, newest.own(class, by).ok_or_else(|| not_of(class))?))
    }

    pub(super) fn office_private(&self, by: &Unlocked, class: &str, number: u32) -> Result<Option<Key>, VaultError> {
        Ok(self.office_if_any(class)?.and_then(|file| file.private(by, number)))
    }

    pub(super) fn office_if_any(&self, class: &str) -> Result<Option<OfficeFile>, VaultError> {
        match self.office_of(class) {
            Ok(file) => Ok(Some(file)),
            Err(VaultError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn office_of(&self, class: &str) -> Result<OfficeFile, VaultError> {
        let name = office_file(named(class)?);
        let file: OfficeFile = files::parse(&name, &self.present(&name)?)?;
        if file.class != class {
            return Err(damaged(&name, "it is another class's"));
        }
        let whole = (1..).zip(file.all()).all(|(number, one)| {
            one.number == number && one.seal_key.0.len() == 32 && one.former.is_some() == (number > 1)
        });
        if whole { Ok(file) } else { Err(damaged(&name, "its generations do not fit together")) }
    }

    /// What the audit asks of an office's file.
    pub(super) fn audit_office(&self, class: &str, by: Option<&Unlocked>) -> Result<(), VaultError> {
        let file = self.office_of(class)?;
        let Some(by) = by else { return Ok(()) };
        for one in file.all().filter(|one| one.wraps.iter().any(|wrap| wrap.is_for(&by.public()))) {
            let opens = |private| file.down(one.number, private, 1).is_some();
            if !one.own(class, by).is_some_and(opens) {
                return Err(damaged(&office_file(class), "its key does not open"));
            }
        }
        Ok(())
    }
}

fn not_of(class: &str) -> VaultError {
    VaultError::NotEntitled { class: class.to_owned(), scope: "every client".to_owned() }
}
