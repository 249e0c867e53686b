//! Before anything is done: what the policies say of who asks, what for, on what and under what circumstances. A refusal
//! is an entry before it is an answer.

use std::collections::BTreeSet;

use provenote_access::{
    Act, Circumstances, Decision, OfClient, Policies, Request, Resource, ResourceKind, Subject, WrongClass, decide,
    decide_at_all,
};
use provenote_consent::{Record, Word};
use provenote_ledger::{Fact, Header};
use provenote_schemas::ids::BadId;
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Class, ClientId, Kind, NoteId, ParticipantId, Purpose, SessionId, Time};

use crate::act::{Actor, Practice, reference};
use crate::consents::in_the_room;
use crate::error::PracticeError;
use crate::sessions::{bad_reference, client_of, session_of};

impl Practice {
    /// Lets an act pass, or writes the refusal and says why.
    ///
    /// # Errors
    /// [`PracticeError::Denied`], after its entry.
    pub(crate) fn allow(&mut self, actor: &Actor, act: Act, resource: &Resource) -> Result<(), PracticeError> {
        self.allow_in(actor, act, resource, false)
    }

    /// The same where a reason was written for this very act, or was not.
    ///
    /// # Errors
    /// As [`Practice::allow`].
    pub(crate) fn allow_in(
        &mut self,
        actor: &Actor,
        act: Act,
        resource: &Resource,
        reason_given: bool,
    ) -> Result<(), PracticeError> {
        let circumstances = Circumstances { reason_given, ..self.circumstances(actor)? };
        let decision = self.decided(actor, act, resource, &circumstances)?;
        if decision.allowed { Ok(()) } else { Err(self.refused(actor, act, resource, &decision)?) }
    }

    /// The same for what belongs to no client.
    ///
    /// # Errors
    /// As [`Practice::allow`].
    pub(crate) fn allow_here(&mut self, actor: &Actor, act: Act) -> Result<(), PracticeError> {
        let resource = if act.kinds().contains(&ResourceKind::Ledger) { Resource::Ledger } else { Resource::Practice };
        self.allow(actor, act, &resource)
    }

    /// The same for a client's file, by id or name.
    ///
    /// # Errors
    /// As [`Practice::allow`]; [`PracticeError::NotFound`].
    pub(crate) fn allow_client(&mut self, actor: &Actor, act: Act, asked: &str) -> Result<ClientId, PracticeError> {
        let client = match asked.parse::<ClientId>() {
            Ok(id) => client_of(&self.client_header(&id)?)?,
            // By name somebody finds only those whose files their keys open.
            Err(_) => self.client(actor, asked)?.client,
        };
        let resource = if act.kinds().contains(&ResourceKind::Session) {
            self.coming_session(&client)?
        } else {
            self.file_of(&client)?
        };
        self.allow(actor, act, &resource)?;
        Ok(client)
    }

    /// The same for a session.
    ///
    /// # Errors
    /// As [`Practice::allow`]; [`PracticeError::NotFound`].
    pub(crate) fn allow_session(&mut self, actor: &Actor, act: Act, asked: &str) -> Result<Header, PracticeError> {
        let header = self.session_header(asked)?;
        let resource = self.session_resource(actor, &header)?;
        self.allow(actor, act, &resource)?;
        Ok(header)
    }

    /// The same for a note.
    ///
    /// # Errors
    /// As [`Practice::allow`]; [`PracticeError::NotFound`].
    pub(crate) fn allow_note(&mut self, actor: &Actor, act: Act, asked: &str) -> Result<Header, PracticeError> {
        let draft = self.draft_header(asked)?;
        let resource = self.note_resource(&draft)?;
        self.allow(actor, act, &resource)?;
        Ok(draft)
    }

    /// Lets an act pass that is done to many things, where somebody may do it to any of them; or writes the refusal and
    /// says why. What comes of it is asked for one by one.
    ///
    /// # Errors
    /// As [`Practice::allow`].
    pub fn allow_at_all(&mut self, actor: &Actor, act: Act) -> Result<(), PracticeError> {
        let circumstances = self.circumstances(actor)?;
        let subject = self.subject_of(actor)?;
        let decision = decide_at_all(self.policies(), &subject, act, &circumstances);
        if decision.allowed {
            return Ok(());
        }
        let kind = act.kinds().first().map(ToString::to_string).unwrap_or_default();
        Err(self.refused_on(actor, act, &kind, None, &decision)?)
    }

    /// The clients with whose files somebody may do something, for lists: an entry only where they may not at all.
    ///
    /// # Errors
    /// As [`Practice::allow_at_all`].
    pub(crate) fn seen(&mut self, actor: &Actor, act: Act) -> Result<BTreeSet<ClientId>, PracticeError> {
        self.allow_at_all(actor, act)?;
        let mut seen = BTreeSet::new();
        for header in self.headers(Kind::ClientAdded, &[])? {
            let client = client_of(&header)?;
            if self.may(actor, act, &self.file_of(&client)?)? {
                seen.insert(client);
            }
        }
        Ok(seen)
    }

    /// Whether somebody may, for lists that leave out what they may not. No entry.
    pub(crate) fn may(&self, actor: &Actor, act: Act, resource: &Resource) -> Result<bool, PracticeError> {
        Ok(self.decision(actor, act, resource)?.allowed)
    }

    /// What the policies say. No entry.
    pub(crate) fn decision(&self, actor: &Actor, act: Act, resource: &Resource) -> Result<Decision, PracticeError> {
        self.decided(actor, act, resource, &self.circumstances(actor)?)
    }

    fn decided(
        &self,
        actor: &Actor,
        act: Act,
        resource: &Resource,
        circumstances: &Circumstances,
    ) -> Result<Decision, PracticeError> {
        let grants = self.grants_in_force(actor.user())?;
        let subject = self.subject_of(actor)?;
        let request = Request { subject: &subject, act, resource, circumstances, grants: &grants };
        Ok(decide(self.policies(), &request))
    }

    /// The actor as the ledger says today, whatever held when they signed in; of who is no user any more, nothing.
    fn subject_of(&self, actor: &Actor) -> Result<Subject, PracticeError> {
        self.people()?.subject(actor.user()).ok_or_else(|| PracticeError::NotFound {
            what: "user",
            id: actor.user().to_string(),
            list: "access user list",
        })
    }

    /// The policies in force: the bundled ones, and the practice's own.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        self.policies.as_ref().unwrap_or_else(|| Policies::bundled())
    }

    /// The moment an act is judged at: the ledger's own where the clock was set back behind it.
    pub(crate) fn judged_at(&self) -> Result<Time, PracticeError> {
        let now = self.clock.now();
        let last = match self.log.size()?.checked_sub(1) {
            Some(seq) => Time::from_millis(self.log.header(seq)?.time),
            None => now,
        };
        Ok(now.max(last))
    }

    fn circumstances(&self, actor: &Actor) -> Result<Circumstances, PracticeError> {
        let presence = actor.presence();
        Ok(Circumstances {
            now: self.judged_at()?,
            hour: presence.hour,
            weekday: presence.weekday,
            factor_required: presence.factor_required,
            factor_given: presence.factor_given,
            passphrase_anew: presence.passphrase_anew,
            reason_given: presence.reason_given,
            device_known: presence.device_known,
            place_allowed: presence.place_allowed,
            network: presence.network.clone(),
            country: presence.country.clone(),
        })
    }

    fn refused(
        &mut self,
        actor: &Actor,
        act: Act,
        resource: &Resource,
        decision: &Decision,
    ) -> Result<PracticeError, PracticeError> {
        self.refused_on(actor, act, &resource.kind().to_string(), Some(resource), decision)
    }

    fn refused_on(
        &mut self,
        actor: &Actor,
        act: Act,
        kind: &str,
        resource: Option<&Resource>,
        decision: &Decision,
    ) -> Result<PracticeError, PracticeError> {
        let mut entry = self
            .entry(actor, Kind::AccessRefused)
            .fact("act", Fact::Text(act.as_str().to_owned()))
            .fact("of", Fact::Text(kind.to_owned()));
        if let Some(policy) = decision.policies.first() {
            entry = entry.fact("policy", Fact::Text(word_of(policy)));
        }
        if let Some(Resource::OfClient(of)) = resource {
            let refs = [
                ("client", of.client().map(ToString::to_string)),
                ("session", of.in_session().map(ToString::to_string)),
                ("note", of.in_note().map(ToString::to_string)),
            ];
            for (name, id) in refs {
                entry = id.into_iter().fold(entry, |entry, id| entry.refer(name, id));
            }
        }
        let seq = self.append_one(actor, entry)?;
        Ok(PracticeError::Denied { act, reasons: decision.reasons.join("; "), seq })
    }

    /// A client's file as the policies see it.
    pub(crate) fn file_of(&self, client: &ClientId) -> Result<Resource, PracticeError> {
        Ok(OfClient::file(client, self.people()?.clinicians_of(client)).into())
    }

    /// A session that is about to be added, as the policies see it.
    fn coming_session(&self, client: &ClientId) -> Result<Resource, PracticeError> {
        let clinicians = self.people()?.clinicians_of(client);
        let id = SessionId::from_random([0; 10]);
        let of = OfClient::session(&id, Class::Clinical, client, clinicians, false);
        Ok(of.map_err(|error| PracticeError::BadRequest(error.to_string()))?.into())
    }

    /// A session as the policies see it.
    pub(crate) fn session_resource(&self, actor: &Actor, session: &Header) -> Result<Resource, PracticeError> {
        let (client, id) = (client_of(session)?, session_of(session)?);
        let class = class_of(session);
        let people = self.people()?;
        let clinicians = people.clinicians_of(&client);
        // Asked for only where it decides: it opens consents.
        let supervises = !people.supervises(actor.user()).is_disjoint(&clinicians);
        let agreed = supervises && self.supervision_agreed(actor, &client, session)?;
        Ok(OfClient::session(&id, class, &client, clinicians, agreed).map_err(|error| odd(session, &error))?.into())
    }

    /// A note as the policies see it, by the entry of its draft.
    pub(crate) fn note_resource(&self, draft: &Header) -> Result<Resource, PracticeError> {
        let client = client_of(draft)?;
        let note: NoteId = reference(draft, "note")?.parse().map_err(|error: BadId| bad_reference(draft, &error))?;
        let session: Option<SessionId> = draft.refs.get("session").and_then(|id| id.parse().ok());
        let author = draft.actor.parse().ok();
        let clinicians = self.people()?.clinicians_of(&client);
        let of = OfClient::note(&note, class_of(draft), &client, session.as_ref(), clinicians, author.as_ref());
        Ok(of.map_err(|error| odd(draft, &error))?.into())
    }

    /// What a claim for a note needs, as the policies see it.
    pub(crate) fn claim_resource(&self, note: &NoteId, client: &ClientId) -> Result<Resource, PracticeError> {
        Ok(OfClient::claim(note, client, self.people()?.clinicians_of(client)).into())
    }

    /// A text without identifiers, as the policies see it.
    pub(crate) fn release_resource(&self, note: &NoteId, client: &ClientId) -> Result<Resource, PracticeError> {
        Ok(OfClient::release(note, client, self.people()?.clinicians_of(client)).into())
    }

    /// Whether everybody in a session agreed that a supervisor hears or reads it, and nobody took that back.
    fn supervision_agreed(&self, actor: &Actor, client: &ClientId, session: &Header) -> Result<bool, PracticeError> {
        let file = self.client(actor, client.as_str())?;
        let terms = Self::terms_of_session(session)?;
        let record = Record::of(&self.consent_events(actor, client)?);
        let said = |who: &ParticipantId| {
            record.stand(who, Purpose::Supervision).is_some_and(|stand| matches!(stand.word, Word::Signed(_)))
        };
        let answered_for = |who: &ParticipantId| {
            file.participants.iter().any(|person| {
                person.role == ParticipantRole::Guardian && person.answers_for.contains(who) && said(&person.id)
            })
        };
        let room = in_the_room(&file, &terms);
        Ok(!room.is_empty() && room.iter().all(|who| said(who) || answered_for(who)))
    }
}

/// The class of an entry's payloads that are of a session; clinical where it has none.
fn class_of(header: &Header) -> Class {
    let mut classes = header.payloads.iter().filter_map(|payload| Class::from_word(&payload.class));
    let of_session = |class: &Class| {
        matches!(class, Class::Part2 | Class::PsychotherapyNotes | Class::SudCounselingNotes | Class::Clinical)
    };
    classes.find(of_session).unwrap_or(Class::Clinical)
}

/// A policy's name as a fact may hold it.
fn word_of(policy: &str) -> String {
    policy.chars().filter(|c| c.is_ascii_alphanumeric() || "._:+/@-".contains(*c)).take(128).collect()
}

fn odd(header: &Header, error: &WrongClass) -> PracticeError {
    bad_reference(header, error)
}
