//! Key files that give somebody what the entries do not say is theirs. Keys follow the people lazily, so what somebody
//! could open when a key was made is no finding; what they never could, is.

use provenote_access::State;
use provenote_ledger::VaultError;
use provenote_schemas::{Class, GrantId, Kind, UserId};
use serde::Serialize;

use crate::act::Practice;
use crate::error::PracticeError;
use crate::people::People;

/// A key file that says something else than the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Astray {
    /// The key file, below the folder of keys.
    pub file: String,
    /// What is wrong with it; part of a sentence.
    pub detail: String,
}

/// A key wrapped to somebody, or made by them, who could not have it when the people were looked at.
struct Suspect {
    file: String,
    class: Class,
    scope: Option<String>,
    user: String,
    since: u64,
    made: bool,
}

impl Practice {
    /// Holds every key file against the entries: users, offices, classes, grants, and the key that signs the ledger. Needs
    /// no keys. Damaged files are left to the ledger's own verification.
    ///
    /// # Errors
    /// Where ledger or key files cannot be read.
    pub fn keys_astray(&self) -> Result<Vec<Astray>, PracticeError> {
        let people = self.people()?;
        let mut found = self.users_astray(&people)?;
        found.extend(self.wraps_astray(&people)?);
        found.extend(self.grants_astray()?);
        Ok(found)
    }

    fn users_astray(&self, people: &People) -> Result<Vec<Astray>, PracticeError> {
        let mut found = Vec::new();
        let emergencies: Vec<String> = self
            .headers(Kind::EmergencyPrepared, &[])?
            .iter()
            .filter_map(|one| one.refs.get("user").cloned())
            .collect();
        for public in readable(self.vault.users())?.unwrap_or_default() {
            let person = public.user.parse().ok().and_then(|user: UserId| people.person(&user).cloned());
            let wrong = match person {
                Some(person) if person.removed.is_some() => "is of a user who was removed",
                // After a crash while an invitation was redeemed, the next sign-in writes the entry.
                Some(person) if *person.public() != public && self.vault.succeeded(&public.user)?.is_none() => {
                    "holds other public keys than the ledger names for its user"
                }
                None if !emergencies.contains(&public.user) => "is of a user whom the ledger does not know",
                _ => continue,
            };
            found.push(Astray { file: format!("users/{}.json", public.user), detail: wrong.to_owned() });
        }
        for user in readable(self.vault.log_signers())?.unwrap_or_default() {
            if !people.signers().iter().any(|one| one.user == user) {
                let detail = format!("gives the key that signs the ledger to {user}, who is no user");
                found.push(Astray { file: "log.json".to_owned(), detail });
            }
        }
        Ok(found)
    }

    fn wraps_astray(&self, people: &People) -> Result<Vec<Astray>, PracticeError> {
        let mut keys: Vec<(String, [u8; 32])> =
            people.all().map(|person| (person.id.to_string(), person.public().sign_key)).collect();
        keys.extend(self.emergency_keys()?);
        let signer = |_: &str, _: Option<&str>, user: &str, _: u64| {
            keys.iter().find(|(one, _)| one == user).map(|(_, key)| *key)
        };
        let (mut found, mut suspects) = (Vec::new(), Vec::new());
        for wraps in self.vault.wraps(&signer)? {
            let Some(class) = Class::from_word(&wraps.class) else { continue };
            if wraps.signed == Some(false) {
                let detail = "is not signed by who is said to have made its key".to_owned();
                found.push(Astray { file: wraps.file.clone(), detail });
            }
            if let Some(number) = wraps.office
                && people.named_office(class).is_none_or(|named| named.number < number)
            {
                let detail = format!("is wrapped to office key {number} of its class, which the ledger does not name");
                found.push(Astray { file: wraps.file.clone(), detail });
            }
            let named = wraps.recipients.iter().map(|user| (user, false)).chain(wraps.by.iter().map(|by| (by, true)));
            for (user, made) in named {
                if !people.may_have(class, wraps.scope.as_deref(), user) {
                    let (file, scope, user) = (wraps.file.clone(), wraps.scope.clone(), user.clone());
                    suspects.push(Suspect { file, class, scope, user, since: wraps.since, made });
                }
            }
        }
        if !suspects.is_empty() {
            self.people_over_time(|people, until| {
                suspects.retain(|suspect| {
                    until < suspect.since || !people.may_have(suspect.class, suspect.scope.as_deref(), &suspect.user)
                });
            })?;
        }
        found.extend(suspects.into_iter().map(|Suspect { file, class, user, made, .. }| {
            let did = if made { "was made by" } else { "is wrapped to" };
            let detail = format!("{did} {user}, who could not open {class} of it at any time since its key was made");
            Astray { file, detail }
        }));
        Ok(found)
    }

    fn grants_astray(&self) -> Result<Vec<Astray>, PracticeError> {
        let grants = self.grants()?;
        let mut found = Vec::new();
        for (file, user, until) in self.vault.grants()? {
            let known = file.parse::<GrantId>().ok().and_then(|id| grants.get(&id).cloned());
            let wrong = match known.as_ref().map(|grant| (grant.requester().as_str() == user, grant.state())) {
                None => "is of a grant that the ledger does not know",
                Some((false, _)) => "is of another user than asked for it",
                Some((true, State::InForce { until: end, .. } | State::Ended { at: end })) => {
                    if end.millis() == until {
                        continue;
                    }
                    "does not end when the ledger says"
                }
                Some((true, _)) => "is of access that was never given, or was taken back",
            };
            found.push(Astray { file: format!("grants/{file}.json"), detail: wrong.to_owned() });
        }
        Ok(found)
    }

    /// Whose keys emergencies were taken with: they make a key where a stale one would be given.
    fn emergency_keys(&self) -> Result<Vec<(String, [u8; 32])>, PracticeError> {
        let mut keys = Vec::new();
        self.people_over_time(|people, _| {
            if let Some(emergency) = people.emergency()
                && keys.last().is_none_or(|(user, _)| *user != emergency.user)
            {
                keys.push((emergency.user.clone(), emergency.sign_key));
            }
        })?;
        Ok(keys)
    }
}

/// None where a file is missing or damaged.
fn readable<T>(read: Result<T, VaultError>) -> Result<Option<T>, PracticeError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(VaultError::Io(error)) => Err(VaultError::Io(error).into()),
        Err(_) => Ok(None),
    }
}
