//! The log's signing keys, in `log.json`: one wrapped to the users who may sign, and of those before it the public halves.
//!
//! **Rotation.** The next key is made and kept in `log.json` beside the one that signs ([`Vault::prepare_log_key`]); then
//! the log's entry gives it the log ([`Log::rotate`](crate::log::Log::rotate)); then [`Vault::settle_log_key`] makes it the
//! one that signs and destroys the wraps of the one before. Which key signs is told by the log alone, so a crash in
//! between leaves a log that opens and signs: with the old key where the entry is not there, with the new one where it is.

use zeroize::Zeroizing;

use super::files::{self, EpochRecord, LogFile, NextRecord, WrapRecord};
use super::keys::{self, Key, Unlocked, UserPublic, open_wrap};
use super::{Vault, VaultError, damaged};
use crate::entropy::{self, Entropy};
use crate::note::{Epoch, LogSigner, VerifierKey, origin_from};

pub(super) const LOG_FILE: &str = "log.json";
const PURPOSE: &str = "log";

/// Held by the one process that changes the log's keys, from reading the log's epochs until the keys agree with them.
pub struct LogKeyLock(#[expect(dead_code, reason = "held until it is dropped")] Box<dyn Send>);

impl Vault {
    /// Makes the log's first signing key and its random origin, wrapped to `by`.
    ///
    /// # Errors
    /// [`VaultError::Exists`], [`VaultError::Io`].
    pub fn create_log_key(&mut self, by: &Unlocked, entropy: &mut dyn Entropy) -> Result<LogSigner, VaultError> {
        if self.keys.read(LOG_FILE)?.is_some() {
            return Err(VaultError::Exists("the log's key".to_owned()));
        }
        let origin = origin_from(*entropy::bytes::<10>(entropy));
        let (signer, vkey, wraps) = make(&origin, &[by.public()], entropy)?;
        let first = EpochRecord { number: 1, from_size: 0, vkey, wraps };
        self.write_log_file(&LogFile { v: 1, origin, epochs: vec![first], next: None })?;
        Ok(signer)
    }

    /// Lets another user sign the log.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` may not themselves; [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn grant_log_key(
        &mut self,
        by: &Unlocked,
        to: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let _lock = self.lock_log_key()?;
        let mut file = self.log_file()?;
        let mut grant = |vkey: &str, wraps: &mut Vec<WrapRecord>| {
            let key = open_wrap(wraps, by, PURPOSE, &[vkey]).ok_or_else(not_the_logs)?;
            wraps.retain(|wrap| wrap.user != to.user);
            wraps.push(keys::wrap_to(to, PURPOSE, &[vkey], &key, entropy)?);
            Ok::<(), VaultError>(())
        };
        let last = file.epochs.last_mut().ok_or_else(|| damaged(LOG_FILE, "it has no key"))?;
        grant(&last.vkey, &mut last.wraps)?;
        // Where a crash left it open which of the two signs, the user may sign with either.
        if let Some(next) = &mut file.next {
            grant(&next.vkey, &mut next.wraps)?;
        }
        self.write_log_file(&file)
    }

    /// The log's signing key as the key files know it, opened by an entitled user. After a crash in a rotation the log may
    /// have passed to the next one; [`Vault::log_signer_of`] opens the one that it tells of.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`], [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn log_signer(&self, by: &Unlocked) -> Result<LogSigner, VaultError> {
        let file = self.log_file()?;
        let last = file.epochs.last().ok_or_else(|| damaged(LOG_FILE, "it has no key"))?;
        open(&file.origin, &last.vkey, &last.wraps, by)
    }

    /// The private half of the key that signs the log, opened by an entitled user.
    ///
    /// # Errors
    /// [`VaultError::LogKeyGone`] when it is not here: key files older than the log's last rotation.
    /// [`VaultError::NotEntitled`], [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn log_signer_of(&self, by: &Unlocked, key: &VerifierKey) -> Result<LogSigner, VaultError> {
        let file = self.log_file()?;
        let wanted = key.to_string();
        let epochs = file.epochs.iter().map(|record| (&record.vkey, &record.wraps));
        let found = epochs.chain(file.next.iter().map(|next| (&next.vkey, &next.wraps)));
        let mut found = found.filter(|(vkey, wraps)| **vkey == wanted && !wraps.is_empty());
        let (vkey, wraps) = found.next().ok_or_else(|| VaultError::LogKeyGone(format!("{:08x}", key.id())))?;
        open(&file.origin, vkey, wraps, by)
    }

    /// The log's verifier key as the key files know it, as C2SP text: `origin+keyid+base64`.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn vkey(&self) -> Result<String, VaultError> {
        let last = self.epochs()?.pop().ok_or_else(|| damaged(LOG_FILE, "it has no key"))?;
        Ok(last.key.to_string())
    }

    /// The keys that signed the log and that sign it, first to last, as the key files know them. After a crash in a
    /// rotation the log may know one more.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn epochs(&self) -> Result<Vec<Epoch>, VaultError> {
        let file = self.log_file()?;
        let epochs: Option<Vec<Epoch>> = file
            .epochs
            .iter()
            .map(|record| {
                let key = of_log(&record.vkey, &file.origin)?;
                Some(Epoch { number: record.number, from_size: record.from_size, key })
            })
            .collect();
        epochs.filter(|epochs| !epochs.is_empty()).ok_or_else(|| damaged(LOG_FILE, "a verifier key cannot be read"))
    }

    /// The next key, where a rotation was begun and the key files do not know how it ended.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn next_log_key(&self) -> Result<Option<VerifierKey>, VaultError> {
        let file = self.log_file()?;
        let unreadable = || damaged(LOG_FILE, "a verifier key cannot be read");
        file.next.map(|next| of_log(&next.vkey, &file.origin).ok_or_else(unreadable)).transpose()
    }

    /// Whose keys open the key that signs the log, by the key files.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`].
    pub fn log_signers(&self) -> Result<Vec<String>, VaultError> {
        let file = self.log_file()?;
        Ok(file.epochs.last().map_or_else(Vec::new, |last| last.wraps.iter().map(|wrap| wrap.user.clone()).collect()))
    }

    /// Waits until no other process changes the log's keys, and keeps them from it.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lock_log_key(&self) -> Result<LogKeyLock, VaultError> {
        Ok(LogKeyLock(self.keys.lock()?))
    }

    /// Makes the next key of the log, durably, beside the one that signs, and wraps it to `by` and to `to`. It signs
    /// nothing before the log says so; one that was prepared earlier must have been settled.
    ///
    /// # Errors
    /// [`VaultError::NotEntitled`] when `by` may not sign; [`VaultError::Exists`] when one is prepared;
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn prepare_log_key(
        &mut self,
        _lock: &LogKeyLock,
        by: &Unlocked,
        to: &[UserPublic],
        entropy: &mut dyn Entropy,
    ) -> Result<LogSigner, VaultError> {
        let mut file = self.log_file()?;
        let last = file.epochs.last().ok_or_else(|| damaged(LOG_FILE, "it has no key"))?;
        open(&file.origin, &last.vkey, &last.wraps, by)?;
        if file.next.is_some() {
            return Err(VaultError::Exists("the log's next key".to_owned()));
        }
        let mut users = vec![by.public()];
        users.extend(to.iter().filter(|user| user.user != by.user()).cloned());
        let (signer, vkey, wraps) = make(&file.origin, &users, entropy)?;
        file.next = Some(NextRecord { vkey, wraps });
        self.write_log_file(&file)?;
        Ok(signer)
    }

    /// Brings the key files to what the log says of its keys, read under the lock: where the log has passed to the
    /// prepared key, that becomes the one that signs, and the private half of the one before it is destroyed; where it
    /// has not, the prepared key is. Returns whether anything was to be done; may be repeated.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::Damaged`], [`VaultError::Io`].
    pub fn settle_log_key(&mut self, _lock: &LogKeyLock, epochs: &[Epoch]) -> Result<bool, VaultError> {
        let mut file = self.log_file()?;
        let Some(next) = file.next.take() else { return Ok(false) };
        if let Some(begun) = epochs.iter().find(|epoch| epoch.key.to_string() == next.vkey) {
            file.epochs.iter_mut().for_each(|record| record.wraps.clear());
            let (number, from_size) = (begun.number, begun.from_size);
            file.epochs.push(EpochRecord { number, from_size, vkey: next.vkey, wraps: next.wraps });
        }
        self.write_log_file(&file)?;
        Ok(true)
    }

    /// Drops wraps of the log's keys; none where there is no log.
    pub(super) fn drop_log_wraps(&mut self, gone: &dyn Fn(&WrapRecord) -> bool) -> Result<(), VaultError> {
        if self.keys.read(LOG_FILE)?.is_none() {
            return Ok(());
        }
        let mut file = self.log_file()?;
        let mut dropped = false;
        let epochs = file.epochs.iter_mut().map(|epoch| &mut epoch.wraps);
        for wraps in epochs.chain(file.next.iter_mut().map(|next| &mut next.wraps)) {
            let before = wraps.len();
            wraps.retain(|wrap| !gone(wrap));
            dropped |= wraps.len() < before;
        }
        if dropped { self.write_log_file(&file) } else { Ok(()) }
    }

    /// Wraps what a user has of the log's keys to their new keys beside their old.
    pub(super) fn wrap_log_beside(
        &mut self,
        old: &Unlocked,
        new: &UserPublic,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        if self.keys.read(LOG_FILE)?.is_none() {
            return Ok(());
        }
        let mut file = self.log_file()?;
        let mut wrapped = false;
        let epochs = file.epochs.iter_mut().map(|epoch| (&epoch.vkey, &mut epoch.wraps));
        for (vkey, wraps) in epochs.chain(file.next.iter_mut().map(|next| (&next.vkey, &mut next.wraps))) {
            let Some(key) = open_wrap(wraps, old, PURPOSE, &[vkey]) else { continue };
            wraps.retain(|wrap| wrap.user != new.user || wrap.is_for(&old.public()));
            wraps.push(keys::wrap_to(new, PURPOSE, &[vkey], &key, entropy)?);
            wrapped = true;
        }
        if wrapped { self.write_log_file(&file) } else { Ok(()) }
    }

    fn log_file(&self) -> Result<LogFile, VaultError> {
        files::parse(LOG_FILE, &self.present(LOG_FILE)?)
    }

    /// What is written is a replacement, so that no wrap of a destroyed key stays on the disk.
    fn write_log_file(&mut self, file: &LogFile) -> Result<(), VaultError> {
        Ok(self.keys.write(LOG_FILE, &files::encode(file))?)
    }
}

/// A fresh key with its vkey, wrapped to users.
fn make(
    origin: &str,
    to: &[UserPublic],
    entropy: &mut dyn Entropy,
) -> Result<(LogSigner, String, Vec<WrapRecord>), VaultError> {
    let seed: Zeroizing<[u8; 32]> = entropy::bytes::<32>(entropy);
    let signer = LogSigner::new(origin, &seed).map_err(|_| damaged(LOG_FILE, "its origin"))?;
    let vkey = signer.verifier().to_string();
    let mut wraps = Vec::with_capacity(to.len());
    for user in to {
        wraps.push(keys::wrap_to(user, PURPOSE, &[&vkey], &Key::new(&seed), entropy)?);
    }
    Ok((signer, vkey, wraps))
}

fn open(origin: &str, vkey: &str, wraps: &[WrapRecord], by: &Unlocked) -> Result<LogSigner, VaultError> {
    let key = open_wrap(wraps, by, PURPOSE, &[vkey]).ok_or_else(not_the_logs)?;
    let signer = LogSigner::new(origin, key.bytes()).map_err(|_| damaged(LOG_FILE, "its origin"))?;
    if signer.verifier().to_string() == vkey { Ok(signer) } else { Err(damaged(LOG_FILE, "its halves do not fit")) }
}

fn of_log(vkey: &str, origin: &str) -> Option<VerifierKey> {
    vkey.parse().ok().filter(|key: &VerifierKey| key.name() == origin)
}

fn not_the_logs() -> VaultError {
    VaultError::NotEntitled { class: "log".to_owned(), scope: "practice".to_owned() }
}
