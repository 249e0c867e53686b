//! What is in force, and why not: for one client, for all of them in one pass, and for the gate.

use std::collections::{BTreeMap, BTreeSet};

use provenote_access::Act;
use provenote_consent::gate::{self, Decision};
use provenote_consent::{
    ConsentEvent, FactsBook, Modality, Question, Record as ConsentRecord, Room, Standing, State, Status, Today,
    purposes_needed, terms_for,
};
use provenote_ledger::{Fact, Header};
use provenote_schemas::consent::{Discussion, Refusal, Withdrawal};
use provenote_schemas::disclosure::DisclosureFacts;
use provenote_schemas::ids::BadId;
use provenote_schemas::people::{Client, ParticipantRole};
use provenote_schemas::{ClientId, ConsentId, Kind, ParticipantId, Purpose, Time};

use super::facts::Configured;
use super::forms::signed_purposes;
use super::{ClientStanding, SessionAsked, SessionTerms};
use crate::act::{Actor, Practice, Reader, fact_text, payload, reference};
use crate::error::PracticeError;
use crate::ports::Models;
use crate::sessions::bad_reference;

/// What somebody did about consent.
const KINDS: [Kind; 7] = [
    Kind::ConsentRequested,
    Kind::ConsentOffered,
    Kind::ConsentDiscussed,
    Kind::ConsentSpoken,
    Kind::ConsentGranted,
    Kind::ConsentDeclined,
    Kind::ConsentRevoked,
];

/// Told how many clients of how many are done.
pub type OnClient<'a> = &'a mut dyn FnMut(usize, usize);

impl Practice {
    /// What is in force for a session of a client, and why not; it names the client, so asking is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for somebody present who stands in no file.
    pub fn consent_status(
        &mut self,
        actor: &Actor,
        client: &str,
        asked: &SessionAsked<'_>,
        models: &dyn Models,
    ) -> Result<ClientStanding, PracticeError> {
        self.allow_client(actor, Act::ViewConsent, client)?;
        let client = self.client(actor, client)?;
        let session = SessionTerms::of(&client, asked)?;
        let configured = self.configured(actor, models)?;
        let events = self.consent_events(actor, &client.client)?;
        let record = ConsentRecord::of(&events);
        let standing = self.judge(&configured, &client, &session, &events, &record, &[])?;
        let entry = self.entry(actor, Kind::ClientViewed).refer("client", &client.client);
        self.append_one(actor, entry)?;
        Ok(told(client, standing, session, events.len()))
    }

    /// Where every client stands for a session in one room with everybody of the file, by name. One entry for all.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn consent_overview(
        &mut self,
        actor: &Actor,
        models: &dyn Models,
        on_client: OnClient<'_>,
    ) -> Result<Vec<ClientStanding>, PracticeError> {
        self.all_standings(actor, models, on_client, |_, _| Vec::new())
    }

    /// The clients whose consent no longer tells what is done or who takes part, for whatever it was signed for. One
    /// entry for all.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn consent_stale(
        &mut self,
        actor: &Actor,
        models: &dyn Models,
        on_client: OnClient<'_>,
    ) -> Result<Vec<ClientStanding>, PracticeError> {
        let mut all = self.all_standings(actor, models, on_client, signed_purposes)?;
        all.retain(|one| {
            let stale = |(_, status): &(Purpose, Status)| *status == Status::Stale;
            one.standing.people.iter().any(|person| person.needed && person.purposes.iter().any(stale))
        });
        Ok(all)
    }

    /// Every client's standing: the headers are read once by kind, facts and their changes worked out once by state.
    fn all_standings(
        &mut self,
        actor: &Actor,
        models: &dyn Models,
        on_client: OnClient<'_>,
        also: impl Fn(&Client, &ConsentRecord) -> Vec<Purpose>,
    ) -> Result<Vec<ClientStanding>, PracticeError> {
        let seen = self.seen(actor, Act::ViewConsent)?;
        let configured = self.configured(actor, models)?;
        let reader = self.reader_of_all(actor)?;
        let mut clients = self.clients_by(&reader)?;
        clients.retain(|client| seen.contains(&client.client));
        clients.sort_by_cached_key(|client| client.name.to_lowercase());
        let mut headers: BTreeMap<String, Vec<Header>> = BTreeMap::new();
        for header in self.consent_headers(None)? {
            headers.entry(reference(&header, "client")?.to_owned()).or_default().push(header);
        }
        let mut book = FactsBook::default();
        let mut records = Vec::with_capacity(clients.len());
        let total = clients.len();
        for (done, client) in clients.into_iter().enumerate() {
            on_client(done, total);
            let own = headers.remove(client.client.as_str()).unwrap_or_default();
            let events = own.iter().map(|header| event(&reader, header)).collect::<Result<Vec<_>, _>>()?;
            for event in &events {
                if let ConsentEvent::Requested(form) = event {
                    book.add(form.disclosure_digest, &form.facts);
                }
            }
            records.push((client, ConsentRecord::with(&book, &events), events.len()));
        }
        on_client(total, total);
        let states: BTreeSet<String> = records.iter().map(|(client, ..)| client.state.clone()).collect();
        let facts: BTreeMap<String, DisclosureFacts> = states
            .into_iter()
            .map(|state| Ok((state.clone(), configured.facts(&state)?)))
            .collect::<Result<_, PracticeError>>()?;
        let now = self.clock.now();
        let today: BTreeMap<&String, Today<'_>> =
            facts.iter().map(|(state, facts)| (state, Today::new(facts, now, &book))).collect();
        let mut all = Vec::with_capacity(records.len());
        for (client, record, events) in records {
            let Some(today) = today.get(&client.state) else { continue };
            let session = SessionTerms::default();
            let standing = judged(&configured, &client, &session, &record, today, &also(&client, &record), &[]);
            all.push(told(client, standing, session, events));
        }
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let entry = self.entry(actor, Kind::ClientViewed).fact("clients", Fact::Number(count));
        self.append_one(actor, entry)?;
        Ok(all)
    }

    /// Where a client's consent stands for a session.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read, or somebody who was present stands in no version of the file.
    pub(crate) fn standing_for(
        &self,
        actor: &Actor,
        client: &Client,
        terms: &SessionTerms,
        models: &dyn Models,
    ) -> Result<(Standing, ConsentRecord), PracticeError> {
        let configured = self.configured(actor, models)?;
        let client = self.with_former(actor, client, terms)?;
        let events = self.consent_events(actor, &client.client)?;
        let record = ConsentRecord::of(&events);
        let standing = self.judge(&configured, &client, terms, &events, &record, &[])?;
        Ok((standing, record))
    }

    /// Judges one client's record for a session; for `only` these purposes where some are named, else for those the
    /// session needs.
    pub(super) fn judge(
        &self,
        configured: &Configured<'_>,
        client: &Client,
        terms: &SessionTerms,
        events: &[ConsentEvent],
        record: &ConsentRecord,
        only: &[Purpose],
    ) -> Result<Standing, PracticeError> {
        let facts = configured.facts(&client.state)?;
        let today = Today::new(&facts, self.clock.now(), &FactsBook::of(events));
        if let Some(present) = &terms.present {
            Room::of(client).with(present).checked().map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        }
        Ok(judged(configured, client, terms, record, &today, &[], only))
    }

    /// The file with whoever was in the session and has left the file since: what was said in the room stays theirs.
    fn with_former(&self, actor: &Actor, client: &Client, terms: &SessionTerms) -> Result<Client, PracticeError> {
        let mut file = client.clone();
        let Some(present) = &terms.present else { return Ok(file) };
        let lacks = |file: &Client| present.iter().any(|id| !file.participants.iter().any(|person| person.id == *id));
        if lacks(&file) {
            for former in self.client_versions(actor, &client.client)?.into_iter().rev() {
                for person in former.participants {
                    if present.contains(&person.id) && !file.participants.iter().any(|one| one.id == person.id) {
                        file.participants.push(person);
                    }
                }
            }
        }
        Ok(file)
    }

    /// Asks the gate for a session. A closed gate is an entry of its own kind before it is an answer.
    pub(crate) fn pass_gate(
        &mut self,
        actor: &Actor,
        client: &Client,
        terms: &SessionTerms,
        models: &dyn Models,
        refusal: Kind,
        refs: &[(&str, &str)],
    ) -> Result<Vec<ConsentId>, PracticeError> {
        let (standing, _) = self.standing_for(actor, client, terms, models)?;
        match gate::decide(&standing) {
            Decision::Open { consents } => Ok(consents),
            Decision::Closed { status, reasons } => {
                let mut entry = self
                    .entry(actor, refusal)
                    .refer("client", &client.client)
                    .fact("status", Fact::Text(status.to_string()))
                    .fact("modality", Fact::Text(terms.modality.as_str().to_owned()));
                for (name, id) in refs {
                    entry = entry.refer(name, *id);
                }
                let seq = self.append_one(actor, entry)?;
                Err(PracticeError::Gate { client: client.client.to_string(), status, reasons: reasons.join("; "), seq })
            }
        }
    }

    /// What happened to a client's consent, in order.
    pub(crate) fn consent_events(&self, actor: &Actor, client: &ClientId) -> Result<Vec<ConsentEvent>, PracticeError> {
        let reader = self.reader(actor);
        self.consent_headers(Some(client))?.iter().map(|header| event(&reader, header)).collect()
    }

    /// The headers of everything that was done about consent, of one client or of all, in order.
    pub(crate) fn consent_headers(&self, client: Option<&ClientId>) -> Result<Vec<Header>, PracticeError> {
        let refs: Vec<(&str, &str)> = client.iter().map(|client| ("client", client.as_str())).collect();
        let mut headers = Vec::new();
        for kind in KINDS {
            headers.extend(self.headers(kind, &refs)?);
        }
        headers.sort_by_key(|header| header.seq);
        Ok(headers)
    }

    /// How a session was held and who was there, as its entry tells. A session from before that was recorded was held in one
    /// room, with everybody of the file.
    ///
    /// # Errors
    /// [`PracticeError::Unreadable`] for a modality or id that is none.
    pub(crate) fn terms_of_session(header: &Header) -> Result<SessionTerms, PracticeError> {
        let modality = match header.facts.get("modality").and_then(fact_text) {
            None => Modality::InPerson,
            Some(word) => Modality::from_word(word).ok_or_else(|| {
                bad_reference(header, &"the way the session was held is none that this version knows")
            })?,
        };
        let present = header
            .refs
            .iter()
            .filter(|(name, _)| name.starts_with("person."))
            .map(|(_, id)| id.parse().map_err(|error: BadId| bad_reference(header, &error)))
            .collect::<Result<Vec<ParticipantId>, _>>()?;
        Ok(SessionTerms { modality, present: (!present.is_empty()).then_some(present) })
    }
}

/// Everybody in the room of a session that is about to be recorded: what its entry names, so that who joins or leaves
/// the file later changes nothing of it.
pub(crate) fn in_the_room(client: &Client, terms: &SessionTerms) -> Vec<ParticipantId> {
    match &terms.present {
        Some(present) => present.clone(),
        None => client
            .participants
            .iter()
            .filter(|person| person.role != ParticipantRole::Guardian)
            .map(|person| person.id.clone())
            .collect(),
    }
}

/// Judges a record by the facts of today. `also` are purposes asked for besides those the session needs; `only`, where
/// some are named, are asked for instead.
fn judged(
    configured: &Configured<'_>,
    client: &Client,
    terms: &SessionTerms,
    record: &ConsentRecord,
    today: &Today<'_>,
    also: &[Purpose],
    only: &[Purpose],
) -> Standing {
    let state = |code: &str| State::parse(code).ok();
    let there = |id: &ParticipantId| terms.present.as_ref().is_none_or(|present| present.contains(id));
    let people: Vec<Option<State>> = client
        .participants
        .iter()
        // A guardian is asked though absent.
        .filter(|person| there(&person.id) || person.role == ParticipantRole::Guardian)
        .map(|person| state(person.state.as_deref().unwrap_or(&client.state)))
        .collect();
    let law = terms_for(state(&configured.practice.state), &people);
    let mut purposes = if only.is_empty() { purposes_needed(terms.modality, today.facts()) } else { only.to_vec() };
    for purpose in configured.policy.always.iter().filter(|_| only.is_empty()).chain(also) {
        if !purposes.contains(purpose) {
            purposes.push(*purpose);
        }
    }
    let room = Room::of(client);
    let room = terms.present.as_ref().map_or(room, |present| room.with(present));
    let question = Question { room, purposes: &purposes, terms: law, policy: &configured.policy };
    provenote_consent::standing(&question, record, today)
}

/// A standing with names for the actor's own screen.
fn told(client: Client, standing: Standing, session: SessionTerms, events: usize) -> ClientStanding {
    let named = |line: String| {
        client.participants.iter().fold(line, |line, person| line.replace(person.id.as_str(), &person.name))
    };
    let words = standing.words().into_iter().map(named).collect();
    let next = standing.next.iter().map(|step| named(step.words())).collect();
    ClientStanding { client, standing, session, events, words, next }
}

/// What an entry about consent records.
fn event(reader: &Reader<'_>, header: &Header) -> Result<ConsentEvent, PracticeError> {
    // Acts from before their whole record was kept have only what the header says.
    let old = |name: &str| payload(header, name).is_none();
    Ok(match Kind::from_word(&header.kind) {
        Some(Kind::ConsentRequested) => ConsentEvent::Requested(reader.record(header, "form", "consent form")?),
        Some(Kind::ConsentOffered) => ConsentEvent::Offered(reader.record(header, "offer", "record of an offer")?),
        Some(Kind::ConsentSpoken) => ConsentEvent::Spoken(reader.record(header, "verbal", "record of a spoken yes")?),
        Some(Kind::ConsentGranted) => ConsentEvent::Granted(reader.record(header, "grant", "signature")?),
        Some(Kind::ConsentDeclined) if old("refusal") => ConsentEvent::Declined(Refusal {
            participant: participant_of(header)?,
            purposes: purposes_of(header),
            no_dictation: false,
            time: Time::from_millis(header.time),
        }),
        Some(Kind::ConsentDeclined) => ConsentEvent::Declined(reader.record(header, "refusal", "refusal")?),
        Some(Kind::ConsentRevoked) if old("withdrawal") => ConsentEvent::Revoked(Withdrawal {
            participant: participant_of(header)?,
            purposes: purposes_of(header),
            time: Time::from_millis(header.time),
        }),
        Some(Kind::ConsentRevoked) => ConsentEvent::Revoked(reader.record(header, "withdrawal", "withdrawal")?),
        Some(Kind::ConsentDiscussed) if old("discussion") => ConsentEvent::Discussed(Discussion {
            participant: participant_of(header)?,
            consent: None,
            by: None,
            summary: String::new(),
            questions: Vec::new(),
            time: Time::from_millis(header.time),
        }),
        Some(Kind::ConsentDiscussed) => {
            ConsentEvent::Discussed(reader.record(header, "discussion", "record of a talk")?)
        }
        _ => {
            return Err(PracticeError::Unreadable {
                seq: header.seq,
                what: "consent",
                why: "it is of another kind".to_owned(),
            });
        }
    })
}

/// The purposes that stand in a header.
pub(crate) fn purposes_of(header: &Header) -> BTreeSet<Purpose> {
    header.facts.keys().filter_map(|name| Purpose::from_word(name.strip_prefix("purpose.")?)).collect()
}

fn participant_of(header: &Header) -> Result<ParticipantId, PracticeError> {
    reference(header, "participant")?.parse().map_err(|error: BadId| bad_reference(header, &error))
}
