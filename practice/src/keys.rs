//! The ledger's key: its rotation, and what a crash left of one.

use provenote_access::Act;
use provenote_ledger::{AppendError, Epoch, LogSigner, UserPublic};
use provenote_schemas::Kind;
use serde::Serialize;

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::notes::hex;

/// A rotation that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// The key before, C2SP form. Its private half is destroyed.
    pub old_vkey: String,
    /// The key that signs from now on, C2SP form.
    pub vkey: String,
    /// Its number; the first key has 1.
    pub epoch: u32,
    /// Checkpoints of at least this many entries are signed by it.
    pub from_size: u64,
    /// The entry.
    pub seq: u64,
    /// Where the old key may be in other hands: how many entries were last known outside before that.
    pub compromised_after: Option<u64>,
}

impl Practice {
    /// Gives the ledger a new key: an entry signed for by the old key and the new one. Then the old private key is
    /// destroyed. Everybody who could sign can sign again.
    ///
    /// `compromised_after`: where the old key may be in other hands, the size of the newest checkpoint that was cosigned
    /// or handed out before that; 0 where there is none.
    ///
    /// # Errors
    /// Nothing has changed, but for [`PracticeError::OldKeyRemains`], and after a failure of the ledger's database, where
    /// the next act finds out which key signs.
    pub fn rotate_log_key(
        &mut self,
        actor: &mut Actor,
        compromised_after: Option<u64>,
    ) -> Result<Rotated, PracticeError> {
        self.allow_here(actor, Act::RotateLogKey)?;
        let lock = self.vault.lock_log_key()?;
        // Under the lock no other process rotates: what the ledger says of its keys now holds until this is done.
        self.log.refresh()?;
        self.vault.settle_log_key(&lock, self.log.epochs())?;
        let size = self.log.size()?;
        if compromised_after.is_some_and(|known| known > size) {
            return Err(PracticeError::BadRequest(format!(
                "the ledger has {size} entries; a checkpoint known outside cannot have shown more"
            )));
        }
        let old = self.log_signer(actor)?;
        let users = self.signing_users()?;
        let next = self.vault.prepare_log_key(&lock, actor.keys(), &users, &mut *self.entropy)?;
        let now = self.clock.now().millis();
        let epoch = match self.log.rotate(now, actor.user().as_str(), &old, &next, compromised_after) {
            Ok(epoch) => epoch,
            Err(error) => return Err(self.not_rotated(&lock, &next, error)),
        };
        let old_vkey = old.verifier().to_string();
        let rotated = told(&epoch, old_vkey, compromised_after);
        actor.sign_with(next);
        self.vault
            .settle_log_key(&lock, self.log.epochs())
            .map_err(|source| PracticeError::OldKeyRemains { seq: rotated.seq, source })?;
        Ok(rotated)
    }

    /// Brings the key files to what the ledger says of its keys, where a crash cut a rotation off. The old private key is
    /// destroyed once an entry after the rotation is in the ledger: then that is sure to be on the disk. No entry of its
    /// own. Returns whether there was anything to do.
    ///
    /// # Errors
    /// Where the ledger cannot be read or the key files cannot be written.
    pub fn finish_rotation(&mut self) -> Result<bool, PracticeError> {
        let Some(next) = self.vault.next_log_key()? else { return Ok(false) };
        let lock = self.vault.lock_log_key()?;
        self.log.refresh()?;
        let size = self.log.size()?;
        if self.log.epochs().iter().any(|epoch| epoch.key == next && epoch.from_size >= size) {
            return Ok(false);
        }
        Ok(self.vault.settle_log_key(&lock, self.log.epochs())?)
    }

    /// The key that signs the next entry, opened with the actor's keys.
    pub(crate) fn log_signer(&self, actor: &Actor) -> Result<LogSigner, PracticeError> {
        let key = self.log.key().ok_or(AppendError::WrongKey)?;
        Ok(self.vault.log_signer_of(actor.keys(), key)?)
    }

    /// Who may sign, with the public keys that their entries name: the new key must not be wrapped to a key that somebody
    /// put into a key file.
    fn signing_users(&self) -> Result<Vec<UserPublic>, PracticeError> {
        let signing = self.vault.log_signers()?;
        let added = self.headers(Kind::UserAdded, &[])?;
        let mut users = self.vault.users()?;
        users.retain(|user| signing.contains(&user.user));
        for user in &users {
            let entry = added.iter().rev().find(|entry| entry.refs.get("user") == Some(&user.user));
            let known = entry.and_then(|entry| entry.facts.get("seal_key")).and_then(fact_text);
            if known != Some(hex(&user.seal_key).as_str()) {
                return Err(PracticeError::NotAllowed(format!(
                    "the key file of {} does not hold the public key that the ledger names for this user: restore it, \
                     then rotate the ledger's key again",
                    user.user
                )));
            }
        }
        Ok(users)
    }

    /// After a rotation that failed: the prepared key goes where it is certain that the ledger has not passed to it.
    fn not_rotated(
        &mut self,
        lock: &provenote_ledger::LogKeyLock,
        next: &LogSigner,
        error: AppendError,
    ) -> PracticeError {
        let read = self.log.refresh().is_ok();
        if read && self.log.key() != Some(next.verifier()) {
            // Where this fails too, the next rotation destroys it.
            let _ = self.vault.settle_log_key(lock, self.log.epochs());
        }
        error.into()
    }
}

fn told(epoch: &Epoch, old_vkey: String, compromised_after: Option<u64>) -> Rotated {
    Rotated {
        old_vkey,
        vkey: epoch.key.to_string(),
        epoch: epoch.number,
        from_size: epoch.from_size,
        seq: epoch.from_size.saturating_sub(1),
        compromised_after,
    }
}
