//! What stands before a piece of work on a session, and entries that are written only while it is open.
//!
//! Asking and writing are two steps, and another process may write a withdrawal between them. So an entry that uses a
//! session is written only onto the very ledger the gate was asked on; where that has grown meanwhile, the gate is asked
//! again. A withdrawal is therefore either behind the entry, or it prevents it.

use std::cell::Cell;

use provenote_consent::gate::{Decision, decide};
use provenote_consent::{ConsentEvent, Status};
use provenote_ledger::{AppendError, Fact, Header, NewEntry, StoreError};
use provenote_schemas::people::{Client, ParticipantRole};
use provenote_schemas::{ConsentId, Kind, ParticipantId, SessionId};

use crate::act::{Actor, Practice, payload};
use crate::consents::SessionTerms;
use crate::error::PracticeError;
use crate::ports::Models;

/// How often the gate is asked again because others were faster with entries of their own.
const ATTEMPTS: usize = 64;

/// What a session asks of its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asks {
    /// They are recorded: everybody's consent, in force.
    Consent(SessionTerms),
    /// The clinician speaks alone, and a program makes text of it: nobody who took part has objected to that.
    NoObjection(SessionTerms),
    /// The clinician typed it: nothing.
    Nothing(SessionTerms),
}

impl Asks {
    /// What an entry that began a session tells of it.
    pub(crate) fn of(session: &Header) -> Result<Self, PracticeError> {
        let terms = Practice::terms_of_session(session)?;
        if session.kind != Kind::SessionDictated.as_str() {
            return Ok(Self::Consent(terms));
        }
        Ok(match payload(session, "audio") {
            Some(_) => Self::NoObjection(terms),
            None => Self::Nothing(terms),
        })
    }

    /// How the session was held, and who was there.
    pub(crate) const fn terms(&self) -> &SessionTerms {
        match self {
            Self::Consent(terms) | Self::NoObjection(terms) | Self::Nothing(terms) => terms,
        }
    }
}

/// The gate before one piece of work.
pub(crate) struct Gate<'a> {
    /// Whose session.
    pub(crate) client: &'a Client,
    /// What it asks.
    pub(crate) asks: &'a Asks,
    /// What the pipeline is today.
    pub(crate) models: &'a dyn Models,
    /// The kind of entry a refusal is.
    pub(crate) refusal: Kind,
    /// What that entry refers to besides the client.
    pub(crate) refs: Vec<(&'a str, &'a str)>,
}

impl<'a> Gate<'a> {
    /// Before work on what a session left.
    pub(crate) fn of_session(
        client: &'a Client,
        asks: &'a Asks,
        models: &'a dyn Models,
        session: &'a SessionId,
    ) -> Self {
        Self { client, asks, models, refusal: Kind::DraftRefused, refs: vec![("session", session.as_str())] }
    }
}

impl Practice {
    /// Asks the gate. Closed, it is an entry before it is an answer. Open, it names the consents that open it.
    pub(crate) fn pass(&mut self, actor: &Actor, gate: &Gate<'_>) -> Result<Vec<ConsentId>, PracticeError> {
        match gate.asks {
            Asks::Consent(terms) => self.pass_gate(actor, gate.client, terms, gate.models, gate.refusal, &gate.refs),
            Asks::NoObjection(terms) => {
                self.pass_objections(actor, gate.client, terms, gate.refusal, &gate.refs).map(|()| Vec::new())
            }
            Asks::Nothing(_) => Ok(Vec::new()),
        }
    }

    /// Asks whether anybody objected to dictation. An objection is an entry of a refusal before it is an answer.
    pub(crate) fn pass_objections(
        &mut self,
        actor: &Actor,
        client: &Client,
        terms: &SessionTerms,
        refusal: Kind,
        refs: &[(&str, &str)],
    ) -> Result<(), PracticeError> {
        if !self.objected(actor, client, terms)? {
            return Ok(());
        }
        let entry = self
            .entry(actor, refusal)
            .refer("client", &client.client)
            .fact("status", Fact::Text(Status::Declined.to_string()))
            .fact("objection", Fact::Text("dictation".to_owned()));
        let entry = refs.iter().fold(entry, |entry, (name, id)| entry.refer(name, id));
        let seq = self.append_one(actor, entry)?;
        Err(PracticeError::Gate {
            client: client.client.to_string(),
            status: Status::Declined,
            reasons: "somebody who takes part does not want the clinician's dictation to be turned into text by a \
                      program: write the note by hand and add it with `provenote session dictate CLIENT --text FILE`"
                .to_owned(),
            seq,
        })
    }

    /// Whether the gate would let something through now. No entry.
    fn is_open(&self, actor: &Actor, gate: &Gate<'_>) -> Result<bool, PracticeError> {
        Ok(match gate.asks {
            Asks::Consent(terms) => {
                let (standing, _) = self.standing_for(actor, gate.client, terms, gate.models)?;
                matches!(decide(&standing), Decision::Open { .. })
            }
            Asks::NoObjection(terms) => !self.objected(actor, gate.client, terms)?,
            Asks::Nothing(_) => true,
        })
    }

    /// Appends an entry while the gate is open: the gate is asked, the entry is made, and it is written only where
    /// nothing was written in between. Otherwise all of it is done once more.
    ///
    /// # Errors
    /// [`PracticeError::Gate`], also where what the entry is made with has gone because of a withdrawal; then nothing
    /// but the refusal was written.
    pub(crate) fn append_while_open(
        &mut self,
        actor: &Actor,
        gate: &Gate<'_>,
        make: impl FnMut(&mut Self, &[ConsentId]) -> Result<NewEntry, PracticeError>,
    ) -> Result<u64, PracticeError> {
        self.append_asking(actor, |practice| practice.pass(actor, gate), make)
    }

    /// [`Practice::append_while_open`] with another question.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn append_asking(
        &mut self,
        actor: &Actor,
        ask: impl FnMut(&mut Self) -> Result<Vec<ConsentId>, PracticeError>,
        mut make: impl FnMut(&mut Self, &[ConsentId]) -> Result<NewEntry, PracticeError>,
    ) -> Result<u64, PracticeError> {
        let seqs = self.append_all_asking(actor, ask, |practice, consents| Ok(vec![make(practice, consents)?]))?;
        Ok(seqs.first().copied().unwrap_or_default())
    }

    /// [`Practice::append_asking`] with several entries, which are one commit.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn append_all_asking(
        &mut self,
        actor: &Actor,
        mut ask: impl FnMut(&mut Self) -> Result<Vec<ConsentId>, PracticeError>,
        mut make: impl FnMut(&mut Self, &[ConsentId]) -> Result<Vec<NewEntry>, PracticeError>,
    ) -> Result<Vec<u64>, PracticeError> {
        for _ in 0..ATTEMPTS {
            let size = self.log.size()?;
            let consents = ask(self)?;
            let entries = match make(self, &consents) {
                Ok(entries) => entries,
                // A withdrawal may have destroyed the keys they are sealed with.
                Err(error) => return Err(ask(self).err().unwrap_or(error)),
            };
            match self.append_if(actor, size, entries) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {}
                done => return done,
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Whether somebody who was there, or who answers for them, does not want dictation turned into text. Their own
    /// signature since takes that back.
    fn objected(&self, actor: &Actor, client: &Client, terms: &SessionTerms) -> Result<bool, PracticeError> {
        let mut objectors: Vec<ParticipantId> = Vec::new();
        for event in self.consent_events(actor, &client.client)? {
            match event {
                ConsentEvent::Declined(refusal) if refusal.no_dictation => objectors.push(refusal.participant),
                ConsentEvent::Granted(grant) => objectors.retain(|one| *one != grant.participant),
                _ => {}
            }
        }
        Ok(objectors.iter().any(|one| concerned(client, terms, one)))
    }
}

/// Whether a session is this person's to speak of: they were there, or answer for somebody who was. Somebody who no
/// longer stands in the file is taken to have been.
pub(crate) fn concerned(client: &Client, terms: &SessionTerms, who: &ParticipantId) -> bool {
    let person = |id: &ParticipantId| client.participants.iter().find(|person| person.id == *id);
    let there = |id: &ParticipantId| match &terms.present {
        Some(present) => present.contains(id),
        None => person(id).is_none_or(|person| person.role != ParticipantRole::Guardian),
    };
    let answers = person(who).is_some_and(|person| {
        person.role == ParticipantRole::Guardian
            && (person.answers_for.is_empty() || person.answers_for.iter().any(there))
    });
    there(who) || answers
}

/// Notices, while an engine works, that another process wrote something that closes the gate.
pub(crate) struct Watch {
    size: Cell<u64>,
    seen: Cell<bool>,
}

impl Watch {
    /// Begins before the gate is asked for the first time, so that nothing falls between.
    pub(crate) fn begin(practice: &Practice) -> Result<Self, PracticeError> {
        Ok(Self { size: Cell::new(practice.log.size()?), seen: Cell::new(false) })
    }

    /// True where the gate has closed. A ledger that cannot be read closes it too.
    pub(crate) fn closed(&self, practice: &Practice, actor: &Actor, gate: &Gate<'_>) -> bool {
        match practice.log.size() {
            Ok(size) if size == self.size.get() => return self.seen.get(),
            Ok(size) => self.size.set(size),
            Err(_) => {
                self.seen.set(true);
                return true;
            }
        }
        self.seen.set(!practice.is_open(actor, gate).unwrap_or(false));
        self.seen.get()
    }

    /// Whether it was closed when last looked at.
    pub(crate) fn seen(&self) -> bool {
        self.seen.get()
    }
}
