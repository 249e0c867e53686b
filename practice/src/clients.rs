//! Clients' files and who takes part.

use provenote_access::Act;
use provenote_consent::checked_people;
use provenote_consent::people::{PeopleError, checked_born, checked_name, same_name};
use provenote_ledger::{Fact, Header, VaultError};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{Class, ClientId, Kind, ParticipantId};

use crate::act::{Actor, Practice, Reader, reference};
use crate::consents::participant_named;
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
    /// Everybody else who takes part or signs for the client.
    pub people: Vec<NewPerson>,
}

/// Somebody to be added to a client's file.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The name as it is signed.
    pub name: String,
    /// What the person is in the sessions.
    pub role: ParticipantRole,
    /// Date of birth, `YYYY-MM-DD`.
    pub born: Option<String>,
    /// US state; the client's when none is given.
    pub state: Option<String>,
    /// For a guardian: for whom they sign, by name or id; the client where nobody is named.
    pub answers_for: Vec<String>,
}

impl Default for NewPerson {
    fn default() -> Self {
        Self {
            name: String::new(),
            role: ParticipantRole::Participant,
            born: None,
            state: None,
            answers_for: Vec::new(),
        }
    }
}

impl Practice {
    /// Opens a client's file: keys by class for the client, and the first entry.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for an empty name, an unknown state, a birth date that is none or in the
    /// future, or two participants of one name.
    pub fn add_client(&mut self, actor: &Actor, asked: &NewClient) -> Result<Client, PracticeError> {
        self.allow_here(actor, Act::AddClient)?;
        let practice = self.record(actor)?;
        let client = self.checked_client(asked, &practice)?;
        let scope = client.client.as_str();
        let file = self.new_group(actor, Class::Administrative, scope)?;
        let notes = self.new_group(actor, Class::Clinical, scope)?;
        let record = self.seal_record(actor, file.as_str(), "client", &client)?;
        let entry = self
            .entry(actor, Kind::ClientAdded)
            .refer("client", &client.client)
            .refer("file", &file)
            .refer("notes", &notes)
            .fact("participants", Fact::Number(number_of(&client)))
            .payload(record);
        self.append_one(actor, entry)?;
        Ok(client)
    }

    /// Adds somebody to a client's file. Consents given before do not name them, and are stale for sessions with them.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] as for [`Practice::add_client`], and for a second client.
    pub fn add_person(&mut self, actor: &Actor, client: &str, asked: &NewPerson) -> Result<Client, PracticeError> {
        let id = self.allow_client(actor, Act::AddClient, client)?;
        let mut client = self.client(actor, id.as_str())?;
        if asked.role == ParticipantRole::Client {
            return Err(PracticeError::BadRequest(
                "a file has one client: add the person as what they are in the sessions, such as partner or family"
                    .to_owned(),
            ));
        }
        self.join(&mut client, std::slice::from_ref(asked))?;
        self.change_client(actor, client)
    }

    /// Takes somebody, by name or id, out of a client's file. What they signed, and what was recorded of them, stays as
    /// it was: drafting from a session they were in still asks for their consent.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for the client, and for somebody whom a guardian
    /// still answers for.
    pub fn remove_person(&mut self, actor: &Actor, client: &str, person: &str) -> Result<Client, PracticeError> {
        let id = self.allow_client(actor, Act::AddClient, client)?;
        let mut client = self.client(actor, id.as_str())?;
        let gone = participant_named(&client, person)?;
        if gone.role == ParticipantRole::Client {
            return Err(PracticeError::BadRequest(
                "the client cannot leave their own file: `provenote client destroy` ends a file".to_owned(),
            ));
        }
        if client.participants.iter().any(|one| one.answers_for.contains(&gone.id)) {
            return Err(PracticeError::BadRequest(
                "a guardian of this person stands in the file: take the guardian out first".to_owned(),
            ));
        }
        client.participants.retain(|one| one.id != gone.id);
        self.change_client(actor, client)
    }

    /// Writes a client's file as it is from now on.
    fn change_client(&mut self, actor: &Actor, client: Client) -> Result<Client, PracticeError> {
        checked_people(&client, self.clock.now()).map_err(refused)?;
        let file = self.file_group(&client.client)?;
        let record = self.seal_record(actor, &file, "client", &client)?;
        let entry = self
            .entry(actor, Kind::ClientChanged)
            .refer("client", &client.client)
            .fact("participants", Fact::Number(number_of(&client)))
            .payload(record);
        self.append_one(actor, entry)?;
        Ok(client)
    }

    fn checked_client(&mut self, asked: &NewClient, practice: &PracticeRecord) -> Result<Client, PracticeError> {
        let name = checked_name(&asked.name).map_err(refused)?;
        let state = match &asked.state {
            None => practice.state.clone(),
            Some(given) => crate::setup::checked_state(given)?,
        };
        let now = self.clock.now();
        let born = asked.born.as_deref().map(|given| checked_born(given, now).map_err(refused)).transpose()?;
        let own = Participant::new(self.random_id(ParticipantId::from_random), name.clone(), ParticipantRole::Client);
        let client = self.random_id(ClientId::from_random);
        let mut client = Client { client, name, state, born, participants: vec![own] };
        self.join(&mut client, &asked.people)?;
        checked_people(&client, now).map_err(refused)?;
        Ok(client)
    }

    /// Adds people to a file that is not kept yet. A guardian may answer for somebody who joins at the same time.
    fn join(&mut self, client: &mut Client, joining: &[NewPerson]) -> Result<(), PracticeError> {
        let now = self.clock.now();
        let first = client.participants.len();
        for asked in joining {
            let name = checked_name(&asked.name).map_err(refused)?;
            let mut person = Participant::new(self.random_id(ParticipantId::from_random), name, asked.role);
            person.born = asked.born.as_deref().map(|given| checked_born(given, now).map_err(refused)).transpose()?;
            person.state = asked.state.as_deref().map(crate::setup::checked_state).transpose()?;
            client.participants.push(person);
        }
        for (place, asked) in joining.iter().enumerate() {
            if asked.answers_for.is_empty() {
                continue;
            }
            if asked.role != ParticipantRole::Guardian {
                return Err(PracticeError::BadRequest(
                    "only a parent or guardian answers for somebody else: give the role guardian".to_owned(),
                ));
            }
            let wards = asked
                .answers_for
                .iter()
                .map(|of| participant_named(client, of).map(|ward| ward.id))
                .collect::<Result<Vec<_>, _>>()?;
            if let Some(guardian) = client.participants.get_mut(first + place) {
                guardian.answers_for = wards;
            }
        }
        Ok(())
    }

    /// All clients, by name; reading them is an entry.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn list_clients(&mut self, actor: &Actor) -> Result<Vec<Client>, PracticeError> {
        let seen = self.seen(actor, Act::ViewClient)?;
        let mut clients = self.clients(actor)?;
        clients.retain(|client| seen.contains(&client.client));
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
        let id = self.allow_client(actor, Act::ViewClient, asked)?;
        let client = self.client(actor, id.as_str())?;
        let entry = self.entry(actor, Kind::ClientViewed).refer("client", &client.client);
        self.append_one(actor, entry)?;
        Ok(client)
    }

    /// The name of the client of that id or name: who signs or withdraws where nobody else is named.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn client_named(&mut self, actor: &Actor, asked: &str) -> Result<String, PracticeError> {
        self.allow_client(actor, Act::ViewConsent, asked)?;
        Ok(self.client(actor, asked)?.name)
    }

    /// Every file as it is today, but those of which nobody is left.
    pub(crate) fn clients(&self, actor: &Actor) -> Result<Vec<Client>, PracticeError> {
        self.clients_by(&self.reader_of_all(actor)?)
    }

    pub(crate) fn clients_by(&self, reader: &Reader<'_>) -> Result<Vec<Client>, PracticeError> {
        let mut newest = self.headers(Kind::ClientAdded, &[])?;
        let mut places = std::collections::BTreeMap::new();
        for (place, header) in newest.iter().enumerate() {
            places.insert(reference(header, "client")?.to_owned(), place);
        }
        for changed in self.headers(Kind::ClientChanged, &[])? {
            if let Some(slot) = places.get(reference(&changed, "client")?).and_then(|place| newest.get_mut(*place)) {
                *slot = changed;
            }
        }
        let mut clients = Vec::with_capacity(newest.len());
        for header in newest {
            match reader.record(&header, "client", "client's file") {
                Ok(client) => clients.push(client),
                // Nobody is left there to list, or nobody whom this user's keys open.
                Err(PracticeError::Destroyed { .. } | PracticeError::Vault(VaultError::NotEntitled { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(clients)
    }

    /// A client's file and somebody of it, by id or name. Somebody who has left the file can still say no, and take back
    /// what they signed: they are put back into the copy that is returned.
    pub(crate) fn somebody(
        &self,
        actor: &Actor,
        client: &str,
        asked: &str,
    ) -> Result<(Client, Participant), PracticeError> {
        let mut client = self.client(actor, client)?;
        let unknown = match participant_named(&client, asked) {
            Ok(person) => return Ok((client, person)),
            Err(error) => error,
        };
        for former in self.client_versions(actor, &client.client)?.iter().rev() {
            if let Ok(person) = participant_named(former, asked) {
                client.participants.push(person.clone());
                return Ok((client, person));
            }
        }
        Err(unknown)
    }

    /// Every version of a client's file, the oldest first.
    pub(crate) fn client_versions(&self, actor: &Actor, id: &ClientId) -> Result<Vec<Client>, PracticeError> {
        let mut headers = vec![self.client_header(id)?];
        headers.extend(self.headers(Kind::ClientChanged, &[("client", id.as_str())])?);
        headers.iter().map(|header| self.open_record(actor, header, "client", "client's file")).collect()
    }

    /// A client by id, or by the whole name where only one has it: the file as it is today. No entry: part of other acts.
    pub(crate) fn client(&self, actor: &Actor, asked: &str) -> Result<Client, PracticeError> {
        if let Ok(id) = asked.parse::<ClientId>() {
            let added = self.client_header(&id)?;
            let changed = self.headers(Kind::ClientChanged, &[("client", id.as_str())])?.pop();
            return self.open_record(actor, &changed.unwrap_or(added), "client", "client's file");
        }
        let mut found = self.clients(actor)?.into_iter().filter(|client| same_name(&client.name, asked));
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

    pub(crate) fn file_group(&self, client: &ClientId) -> Result<String, PracticeError> {
        reference(&self.client_header(client)?, "file").map(str::to_owned)
    }

    pub(crate) fn notes_group(&self, client: &ClientId) -> Result<String, PracticeError> {
        reference(&self.client_header(client)?, "notes").map(str::to_owned)
    }
}

fn number_of(client: &Client) -> i64 {
    i64::try_from(client.participants.len()).unwrap_or(i64::MAX)
}

pub(crate) fn refused(error: PeopleError) -> PracticeError {
    PracticeError::BadRequest(error.to_string())
}
