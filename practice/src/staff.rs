//! Who works here: users come, change and go; who treats whom, and who answers for whose work. The entry comes first and
//! is what counts; the keys follow it.

use provenote_access::{Act, Resource};
use provenote_ledger::{Argon2Params, Fact, Unlocked};
use provenote_schemas::{ClientId, Kind, Role, Time, UserId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::act::{Actor, Practice, payload};
use crate::error::PracticeError;
use crate::notes::hex;

/// How a new user comes to a passphrase.
#[derive(Clone, Copy)]
pub enum Entry<'a> {
    /// They typed it here.
    Passphrase(&'a [u8]),
    /// They get the code of an invitation, and choose a passphrase where they redeem it.
    Invitation,
}

/// A user to be added.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// The name, with credentials as they sign.
    pub name: &'a str,
    /// What they are.
    pub role: Role,
    /// When the account ends; an auditor's has to.
    pub ends: Option<Time>,
    /// How they come to a passphrase.
    pub entry: Entry<'a>,
    /// How hard the passphrase is to try.
    pub argon2: Argon2Params,
}

/// A user who was added.
pub struct Added {
    /// The pseudonym.
    pub user: UserId,
    /// The entry.
    pub seq: u64,
    /// How many keys were wrapped to them.
    pub wrapped: usize,
    /// The invitation's code, shown once and kept nowhere.
    pub code: Option<Zeroizing<String>>,
}

/// What a change of people did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The entry.
    pub seq: u64,
    /// How many keys were wrapped anew or made anew at once; the others follow before the next thing is sealed.
    pub keys: usize,
}

impl Practice {
    /// Adds a user: keys of their own, an entry that names the public halves, and what the role opens wrapped to them, no
    /// more.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for a name that is none, a passphrase that is too weak, or
    /// an auditor without an end.
    pub fn add_user(&mut self, actor: &Actor, asked: &NewUser<'_>) -> Result<Added, PracticeError> {
        self.allow_here(actor, Act::ManageUsers)?;
        let name = provenote_consent::people::checked_name(asked.name).map_err(crate::clients::refused)?;
        self.checked_end(asked.role, asked.ends)?;
        if let Entry::Passphrase(passphrase) = asked.entry {
            let practice = self.record(actor)?.name;
            crate::setup::checked_passphrase(passphrase, &[&name, &practice])?;
        }
        let user = self.random_id(UserId::from_random);
        let mut nobodys = Zeroizing::new([0u8; 32]);
        self.entropy.fill(nobodys.as_mut_slice());
        let secret = match asked.entry {
            Entry::Passphrase(passphrase) => passphrase,
            // Only the code opens these keys.
            Entry::Invitation => nobodys.as_slice(),
        };
        // Nothing is wrapped to these keys until the entry names them.
        let keys = self.vault.create_user(user.as_str(), secret, asked.argon2, &mut *self.entropy)?;
        let code = match asked.entry {
            Entry::Passphrase(_) => None,
            Entry::Invitation => Some(self.vault.create_recovery(&keys, &mut *self.entropy)?),
        };
        let kind = if code.is_some() { Kind::UserInvited } else { Kind::UserAdded };
        let seq = self.append_user(actor, kind, &user, &keys, asked.role, asked.ends, Some(&name))?;
        let wrapped = self.let_in(actor, &keys)?;
        Ok(Added { user, seq, wrapped, code })
    }

    fn checked_end(&self, role: Role, ends: Option<Time>) -> Result<(), PracticeError> {
        match ends {
            None if role == Role::Auditor => {
                Err(PracticeError::BadRequest("an auditor's account needs an end: give --until DATE".to_owned()))
            }
            Some(ends) if ends <= self.clock.now() => {
                Err(PracticeError::BadRequest(format!("{ends} is past: give an end that is still to come")))
            }
            _ => Ok(()),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what one entry about a user names")]
    fn append_user(
        &mut self,
        actor: &Actor,
        kind: Kind,
        user: &UserId,
        keys: &Unlocked,
        role: Role,
        ends: Option<Time>,
        name: Option<&str>,
    ) -> Result<u64, PracticeError> {
        let public = keys.public();
        let mut entry = self
            .entry(actor, kind)
            .refer("user", user)
            .fact("role", Fact::Text(role.as_str().to_owned()))
            .fact("seal_key", Fact::Text(hex(&public.seal_key)))
            .fact("sign_key", Fact::Text(hex(&public.sign_key)));
        if let Some(name) = name {
            let file = self.practice_group()?;
            entry = entry.payload(self.seal_bytes(actor, &file, "name", "text/plain", name.as_bytes())?);
        }
        if let Some(ends) = ends {
            entry = entry.fact("ends", Fact::Number(ends.millis()));
        }
        self.append_one(actor, entry)
    }

    /// Wraps what a user's role opens, and the key that signs entries.
    fn let_in(&mut self, actor: &Actor, keys: &Unlocked) -> Result<usize, PracticeError> {
        self.vault.grant_log_key(actor.keys(), &keys.public(), &mut *self.entropy)?;
        self.settle_keys(actor, &[])
    }

    /// An invited user chooses a passphrase and makes keys of their own: those of the invitation, which others have seen,
    /// are replaced.
    ///
    /// # Errors
    /// [`PracticeError::Vault`] for a wrong code; [`PracticeError::NotAllowed`] where the invitation was redeemed;
    /// [`PracticeError::BadRequest`] for a weak passphrase.
    pub fn redeem(
        &mut self,
        user: &str,
        code: &str,
        passphrase: &[u8],
        argon2: Argon2Params,
    ) -> Result<Actor, PracticeError> {
        let invited = self.recover(user, code)?;
        let people = self.people()?;
        let person = people.person(invited.user()).filter(|person| person.invited).cloned().ok_or_else(|| {
            PracticeError::NotAllowed("this invitation was redeemed already: sign in with your passphrase".to_owned())
        })?;
        // The name stands in the entry of the invitation, sealed to those who may know it; the user knows it anyway.
        let name = self.user_name(&invited, &person.id).unwrap_or_default();
        crate::setup::checked_passphrase(passphrase, &[&name])?;
        let keys = self.vault.redeem_user(invited.keys(), passphrase, argon2, &mut *self.entropy)?;
        self.append_user(&invited, Kind::UserAdded, &person.id, &keys, person.role, person.ends, None)?;
        self.resume(keys)
    }

    /// Changes what a user is, or when the account ends.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for an auditor without an end;
    /// [`PracticeError::NotAllowed`] where the practice would be left without an owner.
    pub fn change_user(
        &mut self,
        actor: &mut Actor,
        user: &str,
        role: Role,
        ends: Option<Time>,
    ) -> Result<Changed, PracticeError> {
        let user = self.user_of(user)?;
        self.allow(actor, Act::ManageUsers, &Resource::User(user.clone()))?;
        self.checked_end(role, ends)?;
        if role != Role::Owner || ends.is_some() {
            self.another_owner(&user)?;
        }
        let mut entry = self
            .entry(actor, Kind::UserChanged)
            .refer("user", &user)
            .fact("role", Fact::Text(role.as_str().to_owned()));
        if let Some(ends) = ends {
            entry = entry.fact("ends", Fact::Number(ends.millis()));
        }
        let seq = self.append_one(actor, entry)?;
        // What they were given for a time goes with what they were.
        self.end_grants(actor)?;
        let touched = self.clients_touched(&user)?;
        Ok(Changed { seq, keys: self.settle_keys(actor, &touched)? })
    }

    /// Removes a user: their keys open nothing that is written from now on, and sign nothing.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::NotAllowed`] for the only owner.
    pub fn remove_user(&mut self, actor: &mut Actor, user: &str) -> Result<Changed, PracticeError> {
        let user = self.user_of(user)?;
        self.allow(actor, Act::ManageUsers, &Resource::User(user.clone()))?;
        self.another_owner(&user)?;
        if user == *actor.user() {
            return Err(PracticeError::NotAllowed("nobody removes themselves: another owner has to do it".to_owned()));
        }
        let touched = self.clients_touched(&user)?;
        let entry = self.entry(actor, Kind::UserRemoved).refer("user", &user);
        let seq = self.append_one(actor, entry)?;
        let keys = self.settle_keys(actor, &touched)?;
        self.vault.remove_user(actor.keys(), user.as_str())?;
        // Who left knows the key that signs the ledger.
        self.rotate_log_key(actor, None)?;
        Ok(Changed { seq, keys })
    }

    /// Says that somebody treats a client from now on.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] where the role treats nobody
    /// or they do already.
    pub fn assign(&mut self, actor: &Actor, client: &str, user: &str) -> Result<Changed, PracticeError> {
        let user = self.user_of(user)?;
        let client = self.allow_client(actor, Act::AssignClients, client)?;
        let people = self.people()?;
        let role = people.person(&user).map_or(Role::FrontDesk, |person| person.role);
        if !provenote_access::with_included(role).contains(&Role::Clinician) {
            return Err(PracticeError::BadRequest(format!("a user with the role {role} treats nobody")));
        }
        if people.clinicians_of(&client).contains(&user) {
            return Err(PracticeError::BadRequest("this user treats the client already".to_owned()));
        }
        let entry = self.entry(actor, Kind::ClientAssigned).refer("client", &client).refer("user", &user);
        self.moved(actor, entry, &client)
    }

    /// Says that somebody treats a client no longer.
    ///
    /// # Errors
    /// As [`Practice::assign`]; [`PracticeError::NotAllowed`] where nobody would be left.
    pub fn unassign(&mut self, actor: &Actor, client: &str, user: &str) -> Result<Changed, PracticeError> {
        let user = self.user_of(user)?;
        let client = self.allow_client(actor, Act::AssignClients, client)?;
        let treating = self.people()?.clinicians_of(&client);
        if !treating.contains(&user) {
            return Err(PracticeError::BadRequest("this user does not treat the client".to_owned()));
        }
        if treating.len() == 1 {
            return Err(PracticeError::NotAllowed(
                "nobody else treats this client: say first who does, with `provenote access assign`".to_owned(),
            ));
        }
        let entry = self.entry(actor, Kind::ClientUnassigned).refer("client", &client).refer("user", &user);
        self.moved(actor, entry, &client)
    }

    fn moved(
        &mut self,
        actor: &Actor,
        entry: provenote_ledger::NewEntry,
        client: &ClientId,
    ) -> Result<Changed, PracticeError> {
        let seq = self.append_one(actor, entry)?;
        Ok(Changed { seq, keys: self.settle_keys(actor, &[client.to_string()])? })
    }

    /// Says that a supervisor answers for somebody's work, or no longer does.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] where the role supervises
    /// nobody.
    pub fn supervise(
        &mut self,
        actor: &Actor,
        supervisor: &str,
        supervisee: &str,
        on: bool,
    ) -> Result<Changed, PracticeError> {
        let (supervisor, supervisee) = (self.user_of(supervisor)?, self.user_of(supervisee)?);
        self.allow(actor, Act::AssignClients, &Resource::User(supervisor.clone()))?;
        let people = self.people()?;
        let role = people.person(&supervisor).map_or(Role::FrontDesk, |person| person.role);
        if role != Role::Supervisor || supervisor == supervisee {
            return Err(PracticeError::BadRequest(
                "only a user with the role supervisor answers for the work of another".to_owned(),
            ));
        }
        let entry = self
            .entry(actor, Kind::SupervisionSet)
            .refer("user", &supervisor)
            .refer("supervisee", &supervisee)
            .fact("supervises", Fact::Flag(on));
        let touched: Vec<String> = people.clients_of(&supervisee).map(ToString::to_string).collect();
        let seq = self.append_one(actor, entry)?;
        Ok(Changed { seq, keys: self.settle_keys(actor, &touched)? })
    }

    /// A user by pseudonym, or by name where the actor may see names.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn user_of(&self, asked: &str) -> Result<UserId, PracticeError> {
        let not_found =
            || PracticeError::NotFound { what: "user", id: asked.chars().take(40).collect(), list: "access user list" };
        let user: UserId = asked.parse().map_err(|_| not_found())?;
        let people = self.people()?;
        people.person(&user).filter(|person| person.removed.is_none()).ok_or_else(not_found)?;
        Ok(user)
    }

    /// A user's name, as whoever holds the practice's administrative key reads it.
    pub(crate) fn user_name(&self, actor: &Actor, user: &UserId) -> Result<String, PracticeError> {
        let refs = [("user", user.as_str())];
        let mut named = self.headers(Kind::UserInvited, &refs)?;
        named.extend(self.headers(Kind::UserAdded, &refs)?);
        named.sort_by_key(|header| header.seq);
        let header = named.iter().rev().find(|header| payload(header, "name").is_some());
        let header = header.ok_or_else(|| PracticeError::NotFound {
            what: "user",
            id: user.to_string(),
            list: "access user list",
        })?;
        Ok(String::from_utf8_lossy(&self.open_bytes(actor, header, "name", "user's name")?).into_owned())
    }

    /// The scopes of the clients whom a user treats, or opens through those they supervise.
    fn clients_touched(&self, user: &UserId) -> Result<Vec<String>, PracticeError> {
        let people = self.people()?;
        let mut touched: Vec<String> = people.clients_of(user).map(ToString::to_string).collect();
        for supervisee in people.supervises(user) {
            touched.extend(people.clients_of(&supervisee).map(ToString::to_string));
        }
        touched.sort();
        touched.dedup();
        Ok(touched)
    }

    fn another_owner(&self, but: &UserId) -> Result<(), PracticeError> {
        let people = self.people()?;
        let owner = |person: &&crate::people::Person| person.role == Role::Owner && person.ends.is_none();
        if people.users().filter(owner).any(|person| person.id != *but) {
            return Ok(());
        }
        if people.person(but).is_some_and(|person| person.role == Role::Owner) {
            return Err(PracticeError::NotAllowed(
                "this is the practice's only owner: make another user an owner first".to_owned(),
            ));
        }
        Ok(())
    }
}
