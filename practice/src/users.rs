//! Users: who there is, when their keys were held, and what they added to the catalogue.

use provenote_access::Act;
use provenote_ledger::{Argon2Params, Fact};
use provenote_schemas::{Digest, Kind, Role, Time, UserId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::act::{Actor, Practice};
use crate::authentication::FactorStanding;
use crate::error::PracticeError;

/// A user of the practice.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// Pseudonym.
    pub id: UserId,
    /// The name, sealed in the ledger.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The second factor, where there is one.
    pub factor: Option<FactorStanding>,
    /// When the account ends.
    pub ends: Option<Time>,
    /// Invited, and has not yet made keys of their own.
    pub invited: bool,
}

impl Practice {
    /// Everybody who has keys.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn list_users(&mut self, actor: &Actor) -> Result<Vec<User>, PracticeError> {
        self.allow_here(actor, Act::ViewUsers)?;
        let people = self.people()?;
        let mut users = Vec::new();
        for person in people.users() {
            users.push(User {
                id: person.id.clone(),
                name: self.user_name(actor, &person.id)?,
                role: person.role,
                factor: self.factor_of(&person.id)?,
                ends: person.ends,
                invited: person.invited,
            });
        }
        Ok(users)
    }

    /// Signs a user in with the recovery code.
    ///
    /// # Errors
    /// One and the same error for a wrong code and an unknown user.
    pub fn recover(&self, user: &str, code: &str) -> Result<Actor, PracticeError> {
        let keys = self.vault.unlock_with_recovery(user, code)?;
        self.resume(keys)
    }

    /// A new recovery code in place of the one that was used. The entry comes first.
    ///
    /// # Errors
    /// Where ledger or key file cannot be written.
    pub fn new_recovery_code(&mut self, actor: &Actor) -> Result<Zeroizing<String>, PracticeError> {
        self.recovery_printed(actor)?;
        Ok(self.vault.create_recovery(actor.keys(), &mut *self.entropy)?)
    }

    /// Seals a user's keys under another passphrase. The entry comes first.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a passphrase that is too easy to guess; vault and ledger errors.
    pub fn change_passphrase(&mut self, actor: &Actor, passphrase: &[u8]) -> Result<u64, PracticeError> {
        let names = [self.record(actor).ok().map(|record| record.name), self.user_name(actor, actor.user()).ok()];
        let names: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
        crate::setup::checked_passphrase(passphrase, &names)?;
        let entry = self.entry(actor, Kind::UserRecovered).refer("user", actor.user());
        let seq = self.append_one(actor, entry)?;
        self.vault.change_passphrase(actor.keys(), passphrase, Argon2Params::default(), &mut *self.entropy)?;
        Ok(seq)
    }

    /// Records that the keys are held for a while.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then they must not be held.
    pub fn unlocked(&mut self, actor: &Actor, idle_minutes: u32) -> Result<u64, PracticeError> {
        let entry = self
            .entry(actor, Kind::UserUnlocked)
            .refer("user", actor.user())
            .fact("idle_minutes", Fact::Number(idle_minutes.into()));
        self.append_one(actor, entry)
    }

    /// Records that the keys are forgotten.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn locked(&mut self, actor: &Actor) -> Result<u64, PracticeError> {
        let entry = self.entry(actor, Kind::UserLocked).refer("user", actor.user());
        self.append_one(actor, entry)
    }

    /// Records that a model came into the practice's catalogue.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn model_added(&mut self, actor: &Actor, id: &str, sha256: &Digest) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::ManageModels)?;
        let entry = self
            .entry(actor, Kind::ModelAdded)
            .fact("model", Fact::Text(id.to_owned()))
            .fact("model_sha256", Fact::Text(sha256.to_string()));
        self.append_one(actor, entry)
    }
}
