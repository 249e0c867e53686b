//! Clients' files and who takes part.

use chrono::NaiveDate;
use provenote_access::Act;
use provenote_ledger::{Fact, Header, UserPublic};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{Class, ClientId, Kind, ParticipantId, Role};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::setup::PracticeRecord;

/// A client to be added.
#[derive(Debug, Clone, Default)]
pub struct NewClient {
    /// The client's name.
    pub name: String,
    /// US state; the practice's when none is given.
    pub state: Option<String>,
    /// Date of birth, `YYYY-MM-DD`.
    pub born: Option<String>,
    /// A guardian who signs with or for the client.
    pub guardian: Option<String>,
    /// Anybody else in the sessions.
    pub participants: Vec<String>,
}

/// The longest name a form can carry well.
const LONGEST_NAME: usize = 200;

fn checked_name(what: &str, given: &str) -> Result<String, PracticeError> {
    let name = given.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(PracticeError::BadRequest(format!("the {what}'s name is empty: give a name")));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(PracticeError::BadRequest(format!(
            "the {what}'s name has control characters or is longer than {LONGEST_NAME} characters: give the name as it is signed"
        )));
    }
    Ok(name)
}

impl Practice {
    /// Opens a client's file: keys by class for the client, and the first entry.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for an empty name, an unknown state, a birth date that is none or in the
    /// future, or two participants of one name.
    pub fn add_client(&mut self, actor: &Actor, asked: &NewClient) -> Result<Client, PracticeError> {
        actor.authorise(Act::AddClient)?;
        let practice = self.record(actor)?;
        let client = self.checked_client(asked, &practice)?;
        let scope = client.client.as_str();
        for class in Class::ALL {
            let users = self.users_entitled(*class)?;
            self.vault.create_class_key(class.as_str(), scope, &users, &mut *self.entropy)?;
        }
        let file = self.new_group(actor, Class::Administrative, scope)?;
        let notes = self.new_group(actor, Class::Clinical, scope)?;
        let record = self.seal_record(actor, file.as_str(), "client", &client)?;
        let entry = self
            .entry(actor, Kind::ClientAdded)
            .refer("client", &client.client)
            .refer("file", &file)
            .refer("notes", &notes)
            .fact("participants", Fact::Number(i64::try_from(client.participants.len()).unwrap_or(i64::MAX)))
            .payload(record);
        self.append_one(actor, entry)?;
        Ok(client)
    }

    /// Everybody to whom the keys of this class are wrapped.
    fn users_entitled(&self, class: Class) -> Result<Vec<UserPublic>, PracticeError> {
        let mut entitled = Vec::new();
        for user in self.vault.users()? {
            let added = self.one(Kind::UserAdded, &[("user", &user.user)])?;
            let added_key =
                added.as_ref().and_then(|header| header.facts.get("seal_key").and_then(fact_text)).map(str::to_owned);
            let role = added.and_then(|header| header.facts.get("role").and_then(fact_text).and_then(Role::from_word));
            // A key file swapped for another's must not be wrapped to.
            if added_key.as_deref() == Some(crate::notes::hex(&user.seal_key).as_str())
                && role.is_some_and(|role| provenote_access::entitled(role, class))
            {
                entitled.push(user);
            }
        }
        Ok(entitled)
    }

    fn checked_client(&mut self, asked: &NewClient, practice: &PracticeRecord) -> Result<Client, PracticeError> {
        let name = checked_name("client", &asked.name)?;
        let state = match &asked.state {
            None => practice.state.clone(),
            Some(given) => crate::setup::checked_state(given)?,
        };
        let born = asked.born.as_deref().map(|given| {
            let date = NaiveDate::parse_from_str(given, "%Y-%m-%d").map_err(|_| {
                PracticeError::BadRequest(format!("`{given}` is no date of birth: write it like 1984-02-29"))
            })?;
            if date.to_string() > self.clock.now().date() {
                return Err(PracticeError::BadRequest(format!("the date of birth {given} lies in the future")));
            }
            Ok(date.to_string())
        });
        let born = born.transpose()?;
        let mut people = vec![(name.clone(), ParticipantRole::Client)];
        if let Some(guardian) = &asked.guardian {
            people.push((checked_name("guardian", guardian)?, ParticipantRole::Guardian));
        }
        for other in &asked.participants {
            people.push((checked_name("participant", other)?, ParticipantRole::Participant));
        }
        for (index, (name, _)) in people.iter().enumerate() {
            if people.iter().take(index).any(|(other, _)| other.to_lowercase() == name.to_lowercase()) {
                return Err(PracticeError::BadRequest(
                    "two people in this file have the same name: add a second name or a number, so that each signature names one".to_owned(),
                ));
            }
        }
        let participants = people
            .into_iter()
            .map(|(name, role)| Participant::new(self.random_id(ParticipantId::from_random), name, role))
            .collect();
        Ok(Client { client: self.random_id(ClientId::from_random), name, state, born, participants })
    }

    /// All clients, by name; reading them is an entry.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn list_clients(&mut self, actor: &Actor) -> Result<Vec<Client>, PracticeError> {
        actor.authorise(Act::ViewClient)?;
        let mut clients = self.clients(actor)?;
        clients.sort_by_key(|client| client.name.to_lowercase());
        let entry = self
            .entry(actor, Kind::ClientViewed)
            .fact("clients", Fact::Number(i64::try_from(clients.len()).unwrap_or(i64::MAX)));
        self.append_one(actor, entry)?;
        Ok(clients)
    }

    /// One client's file; reading it is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn show_client(&mut self, actor: &Actor, asked: &str) -> Result<Client, PracticeError> {
        actor.authorise(Act::ViewClient)?;
        let client = self.client(actor, asked)?;
        let entry = self.entry(actor, Kind::ClientViewed).refer("client", &client.client);
        self.append_one(actor, entry)?;
        Ok(client)
    }

    /// The name of the client of that id or name: who signs or withdraws where nobody else is named.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn client_named(&self, actor: &Actor, asked: &str) -> Result<String, PracticeError> {
        actor.authorise(Act::ViewConsent)?;
        Ok(self.client(actor, asked)?.name)
    }

    fn clients(&self, actor: &Actor) -> Result<Vec<Client>, PracticeError> {
        let mut clients = Vec::new();
        for header in self.headers(Kind::ClientAdded, &[])? {
            match self.open_record(actor, &header, "client", "client's file") {
                Ok(client) => clients.push(client),
                // Nobody is left there to list.
                Err(PracticeError::Destroyed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(clients)
    }

    /// A client by id, or by the whole name where only one has it. No entry: part of other acts.
    pub(crate) fn client(&self, actor: &Actor, asked: &str) -> Result<Client, PracticeError> {
        if let Ok(id) = asked.parse::<ClientId>() {
            let header = self.client_header(&id)?;
            return self.open_record(actor, &header, "client", "client's file");
        }
        let wanted = asked.trim().to_lowercase();
        let mut found = self.clients(actor)?.into_iter().filter(|client| client.name.to_lowercase() == wanted);
        let client = found.next().ok_or_else(|| PracticeError::NotFound {
            what: "client",
            // The name typed may be a person's: it is not repeated.
            id: "of that id or name".to_owned(),
            list: "client list",
        })?;
        if found.next().is_some() {
            return Err(PracticeError::BadRequest(
                "several clients have that name: give the id (`provenote client list`)".to_owned(),
            ));
        }
        Ok(client)
    }

    pub(crate) fn client_header(&self, id: &ClientId) -> Result<Header, PracticeError> {
        self.one(Kind::ClientAdded, &[("client", id.as_str())])?.ok_or_else(|| PracticeError::NotFound {
            what: "client",
            id: id.to_string(),
            list: "client list",
        })
    }
}
