//! Access for a limited time: asked for, given by somebody else, ended by itself; and access in an emergency, taken at once
//! and reviewed afterwards (45 CFR 164.312(a)(2)(ii)). The entry comes first; the wrapped key follows it, and goes at its
//! end with whichever process comes first.

use std::rc::Rc;

use provenote_access::{
    Access, Act, Authority, Grant, GrantEvent, GrantSeen, Grants, Limits, Reason, Resource, Scope, ScopeOf, State,
};
use provenote_ledger::{Argon2Params, Fact, GrantOpens, Header, NewEntry, Unlocked, VaultError};
use provenote_schemas::{Class, ClientId, GrantId, GroupId, Kind, NoteId, SessionId, Time, UserId};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::act::{Actor, PRACTICE_SCOPE, Practice, fact_text, reference};
use crate::error::PracticeError;
use crate::notes::hex;
use crate::sessions::{bad_reference, client_of};

/// The kinds that tell of grants.
const KINDS: [Kind; 9] = [
    Kind::GrantRequested,
    Kind::GrantApproved,
    Kind::GrantDenied,
    Kind::GrantRevoked,
    Kind::GrantTaken,
    Kind::GrantReviewed,
    Kind::GrantEnded,
    Kind::UserRemoved,
    Kind::UserChanged,
];

/// What is asked for.
#[derive(Debug, Clone)]
pub struct GrantAsked<'a> {
    /// The client, by id or, where the actor's keys open it, by name; none for every client.
    pub client: Option<&'a str>,
    /// One session of the client.
    pub session: Option<&'a str>,
    /// One note of the client.
    pub note: Option<&'a str>,
    /// The class.
    pub class: Class,
    /// For how long, in minutes.
    pub minutes: u32,
    /// Why.
    pub reason: &'a str,
    /// The ground, for notes that are kept apart.
    pub authority: Option<Authority>,
}

/// A grant, as people are shown it.
#[derive(Debug, Clone, Serialize)]
pub struct GrantShown {
    /// The grant.
    pub grant: GrantId,
    /// Who has it or asks for it.
    pub requester: UserId,
    /// The class it opens.
    pub class: Class,
    /// Whose; none for every client's.
    pub client: Option<ClientId>,
    /// The session, where it is about one.
    pub session: Option<SessionId>,
    /// The note, where it is about one.
    pub note: Option<NoteId>,
    /// For how long, in minutes.
    pub minutes: i64,
    /// When it was asked for.
    pub asked: Time,
    /// Where it stands: `waiting`, `in_force`, `denied`, `lapsed`, `revoked` or `ended`.
    pub state: &'static str,
    /// Until when it waits or is in force, or when it was over.
    pub until: Option<Time>,
    /// Taken in an emergency.
    pub emergency: bool,
    /// An emergency that nobody has reviewed.
    pub unreviewed: bool,
    /// By when an emergency is to be reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_due: Option<Time>,
}

impl GrantShown {
    fn of(grant: &Grant) -> Self {
        let scope = grant.scope();
        let (session, note) = match &scope.of {
            ScopeOf::Session(_, session) => (Some(session.clone()), None),
            ScopeOf::Note(_, note) => (None, Some(note.clone())),
            ScopeOf::EveryClient | ScopeOf::Client(_) => (None, None),
        };
        let (state, until) = match grant.state() {
            State::Waiting { until } => ("waiting", Some(*until)),
            State::InForce { until, .. } => ("in_force", Some(*until)),
            State::Denied { .. } => ("denied", None),
            State::Lapsed => ("lapsed", None),
            State::Revoked { at, .. } => ("revoked", Some(*at)),
            State::Ended { at } => ("ended", Some(*at)),
        };
        Self {
            grant: grant.id().clone(),
            requester: grant.requester().clone(),
            class: scope.class,
            client: scope.client().cloned(),
            session,
            note,
            minutes: grant.duration_ms() / 60_000,
            asked: grant.asked(),
            state,
            until,
            emergency: grant.review().is_some(),
            unreviewed: grant.review().is_some_and(|review| review.done.is_none()),
            review_due: grant.review().map(|review| review.due),
        }
    }
}

/// A change of a grant that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantChanged {
    /// The grant.
    pub grant: GrantId,
    /// The entry.
    pub seq: u64,
    /// Until when it is in force, where it is.
    pub until: Option<Time>,
}

impl Practice {
    /// Every grant, folded from the ledger, as of now.
    pub(crate) fn grants(&self) -> Result<Grants, PracticeError> {
        let mut grants = Grants::clone(&*self.folded_grants()?);
        grants.observe(self.judged_at()?);
        Ok(grants)
    }

    /// What the entries say of grants, whatever the time; folded once for each size of the ledger.
    fn folded_grants(&self) -> Result<Rc<Grants>, PracticeError> {
        let size = self.log.size()?;
        let (from, mut folded) = self.folded.take().unwrap_or_default();
        if from < size {
            let grants = Rc::make_mut(&mut folded);
            for header in self.since(&KINDS, from, size)? {
                let told = Kind::from_word(&header.kind).is_some_and(|kind| KINDS.contains(&kind));
                if told && let Some(event) = event(&header)? {
                    grants.apply(header.seq, Time::from_millis(header.time), &Limits::default(), &event);
                }
            }
        }
        self.folded.replace(Some((size, Rc::clone(&folded))));
        Ok(folded)
    }

    /// What opens something for a user at this moment.
    pub(crate) fn grants_in_force(&self, user: &UserId) -> Result<Vec<Access>, PracticeError> {
        // Nobody ever asked: so it is with a practice of one.
        if self.folded_grants()?.all().next().is_none() {
            return Ok(Vec::new());
        }
        Ok(self.grants()?.in_force(user, self.clock.now()))
    }

    /// Asks for access for a limited time. The reason is sealed where whoever answers can read it.
    ///
    /// # Errors
    /// [`PracticeError::Grant`]; [`PracticeError::Denied`]; [`PracticeError::NotFound`].
    pub fn request_grant(&mut self, actor: &Actor, asked: &GrantAsked<'_>) -> Result<GrantChanged, PracticeError> {
        let reason = Reason::parse(asked.reason)?;
        let (grant, scope) = self.asked_for(actor, asked, Act::RequestGrant)?;
        let entry = self.grant_entry(actor, Kind::GrantRequested, &grant, &scope, asked);
        let entry = self.with_reason(actor, entry, &reason)?;
        let seq = self.append_one(actor, entry)?;
        Ok(GrantChanged { grant, seq, until: None })
    }

    /// Gives what was asked for: the keys of whoever approves open it, and are wrapped to the requester until its end.
    ///
    /// # Errors
    /// [`PracticeError::Grant`] also for one's own; [`PracticeError::Denied`]; [`PracticeError::Vault`] where the approver's
    /// keys do not open it.
    pub fn approve_grant(&mut self, actor: &Actor, grant: &str) -> Result<GrantChanged, PracticeError> {
        let (id, found) =
            self.may_answer(actor, grant, Act::ApproveGrant, |grant, by| GrantEvent::Approved { grant, by })?;
        let opens = self.opens(found.scope())?;
        self.freshen_for(actor.keys(), actor, &opens)?;
        let entry = self.grant_answer(actor, Kind::GrantApproved, &id, found.scope());
        let seq = self.append_one(actor, entry)?;
        let until = self.end_of(seq, found.duration_ms())?;
        let to = self.public_of(found.requester())?;
        self.vault.create_grant(actor.keys(), id.as_str(), &to, until.millis(), &opens, &mut *self.entropy)?;
        Ok(GrantChanged { grant: id, seq, until: Some(until) })
    }

    /// Says no to what was asked for.
    ///
    /// # Errors
    /// As [`Practice::approve_grant`].
    pub fn deny_grant(&mut self, actor: &Actor, grant: &str) -> Result<GrantChanged, PracticeError> {
        let (id, found) =
            self.may_answer(actor, grant, Act::ApproveGrant, |grant, by| GrantEvent::Denied { grant, by })?;
        let entry = self.grant_answer(actor, Kind::GrantDenied, &id, found.scope());
        let seq = self.append_one(actor, entry)?;
        Ok(GrantChanged { grant: id, seq, until: None })
    }

    /// Takes access back before its end, or a request.
    ///
    /// # Errors
    /// As [`Practice::approve_grant`].
    pub fn revoke_grant(&mut self, actor: &Actor, grant: &str) -> Result<GrantChanged, PracticeError> {
        let (id, found) =
            self.may_answer(actor, grant, Act::RevokeGrant, |grant, by| GrantEvent::Revoked { grant, by })?;
        let entry = self.grant_answer(actor, Kind::GrantRevoked, &id, found.scope());
        let seq = self.append_one(actor, entry)?;
        self.vault.destroy_grant(id.as_str())?;
        self.settle_offices_left(actor)?;
        Ok(GrantChanged { grant: id, seq, until: None })
    }

    /// Ends what is over: the wrapped keys are destroyed, each with its entry. Whichever process comes first does it.
    /// Returns the grants.
    ///
    /// # Errors
    /// Where ledger or key files cannot be written.
    pub fn end_grants(&mut self, actor: &Actor) -> Result<Vec<GrantId>, PracticeError> {
        let on_disk = self.vault.grants()?;
        if on_disk.is_empty() {
            self.settle_offices_left(actor)?;
            return Ok(Vec::new());
        }
        let grants = self.grants()?;
        let now = self.judged_at()?;
        let in_force = |id: &GrantId| {
            grants.get(id).is_some_and(|grant| matches!(grant.state(), State::InForce { until, .. } if now < *until))
        };
        let mut ended = Vec::new();
        for (file, ..) in on_disk {
            let Ok(id) = file.parse::<GrantId>() else { continue };
            if in_force(&id) {
                continue;
            }
            if let Some(grant) = grants.get(&id)
                && matches!(grant.state(), State::Ended { .. })
            {
                let entry = self.grant_answer(actor, Kind::GrantEnded, &id, grant.scope());
                self.append_one(actor, entry)?;
            }
            self.vault.destroy_grant(id.as_str())?;
            ended.push(id);
        }
        self.settle_offices_left(actor)?;
        Ok(ended)
    }

    /// The grants the actor may know of: their own, those they may answer, and every one for who reviews access.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn list_grants(&self, actor: &Actor) -> Result<Vec<GrantShown>, PracticeError> {
        let grants = self.grants()?;
        let mut shown = Vec::new();
        for grant in grants.all() {
            let resource = self.grant_seen(grant.id(), grant.requester(), grant.scope())?;
            if self.may(actor, Act::ViewGrant, &resource)? {
                shown.push(GrantShown::of(grant));
            }
        }
        shown.sort_by_key(|grant| grant.asked);
        Ok(shown)
    }

    /// The grants about a client: what the client's file shows. No entry: part of showing it, which is one.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn grants_about(&self, client: &ClientId) -> Result<Vec<GrantShown>, PracticeError> {
        Ok(self.grants()?.of_client(client).map(GrantShown::of).collect())
    }

    /// The reason that was given for a grant, for who asked and who may answer, end or review it.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`].
    pub fn grant_reason(&mut self, actor: &Actor, grant: &str) -> Result<String, PracticeError> {
        let (id, found) = self.grant_of(grant)?;
        let resource = self.grant_seen(&id, found.requester(), found.scope())?;
        self.allow(actor, Act::ViewGrant, &resource)?;
        let refs = [("grant", id.as_str())];
        let asked = self.one(Kind::GrantRequested, &refs)?;
        let asked = match asked {
            Some(asked) => Some(asked),
            None => self.one(Kind::GrantTaken, &refs)?,
        };
        let asked = asked.ok_or_else(|| not_found(grant))?;
        Ok(String::from_utf8_lossy(&self.open_bytes(actor, &asked, "reason", "reason")?).into_owned())
    }

    /// A grant as the policies see it, where the word is the id of one.
    pub(crate) fn grant_resource(&self, asked: &str) -> Result<Option<Resource>, PracticeError> {
        if asked.parse::<GrantId>().is_err() {
            return Ok(None);
        }
        let (id, found) = self.grant_of(asked)?;
        self.grant_seen(&id, found.requester(), found.scope()).map(Some)
    }

    /// The grant that would be asked for, or taken at once where the act is that; where the rules let it be.
    fn asked_for(
        &mut self,
        actor: &Actor,
        asked: &GrantAsked<'_>,
        act: Act,
    ) -> Result<(GrantId, Scope), PracticeError> {
        let id = self.random_id(GrantId::from_random);
        let scope = self.scope_of(actor, asked)?;
        let (grant, requester, of) = (id.clone(), actor.user().clone(), scope.clone());
        let (duration_ms, authority) = (i64::from(asked.minutes) * 60_000, asked.authority);
        let event = if act == Act::BreakGlass {
            GrantEvent::Taken { grant, requester, scope: of, duration_ms, authority }
        } else {
            GrantEvent::Requested { grant, requester, scope: of, duration_ms, authority }
        };
        self.grants()?.check(self.clock.now(), &Limits::default(), &event)?;
        let seen = self.grant_seen(&id, actor.user(), &scope)?;
        // There is one, parsed before anything else.
        self.allow_in(actor, act, &seen, true)?;
        Ok((id, scope))
    }

    /// A grant that the actor may do this to, and that it may be done to.
    fn may_answer(
        &mut self,
        actor: &Actor,
        grant: &str,
        act: Act,
        event: impl FnOnce(GrantId, UserId) -> GrantEvent,
    ) -> Result<(GrantId, Grant), PracticeError> {
        let (id, found) = self.grant_of(grant)?;
        let resource = self.grant_seen(&id, found.requester(), found.scope())?;
        self.allow(actor, act, &resource)?;
        let event = event(id.clone(), actor.user().clone());
        self.grants()?.check(self.clock.now(), &Limits::default(), &event)?;
        Ok((id, found))
    }

    /// Gives grants in force the keys that were made after them, where these keys reach them: a grant lasts until its end
    /// and no less, though others' end before. `given` says which grants are concerned.
    ///
    /// # Errors
    /// Where ledger or key files cannot be read or written.
    pub(crate) fn renew_grants(
        &mut self,
        keys: &Unlocked,
        given: impl Fn(&GrantOpens) -> bool,
    ) -> Result<(), PracticeError> {
        if self.vault.grants()?.is_empty() {
            return Ok(());
        }
        let (grants, now) = (self.grants()?, self.judged_at()?);
        for grant in grants.all() {
            let State::InForce { until, .. } = grant.state() else { continue };
            if *until <= now {
                continue;
            }
            let opens = match self.opens(grant.scope()) {
                Ok(opens) if given(&opens) => opens,
                // Of another class or client, or nothing of it is there any more.
                Ok(_) | Err(PracticeError::NotAllowed(_)) => continue,
                Err(error) => return Err(error),
            };
            let to = self.public_of(grant.requester())?;
            match self.vault.create_grant(keys, grant.id().as_str(), &to, until.millis(), &opens, &mut *self.entropy) {
                // Whoever holds them renews it with their next act.
                Ok(()) | Err(VaultError::NotEntitled { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn grant_of(&self, asked: &str) -> Result<(GrantId, Grant), PracticeError> {
        let id: GrantId = asked.parse().map_err(|_| not_found(asked))?;
        let found = self.grants()?.get(&id).cloned().ok_or_else(|| not_found(asked))?;
        Ok((id, found))
    }

    fn scope_of(&self, actor: &Actor, asked: &GrantAsked<'_>) -> Result<Scope, PracticeError> {
        let of = match (asked.client, asked.session, asked.note) {
            (_, Some(session), _) => {
                let header = self.session_header(session)?;
                ScopeOf::Session(client_of(&header)?, crate::sessions::session_of(&header)?)
            }
            (_, None, Some(note)) => {
                let header = self.draft_header(note)?;
                let note = reference(&header, "note")?;
                let note =
                    note.parse().map_err(|error: provenote_schemas::ids::BadId| bad_reference(&header, &error))?;
                ScopeOf::Note(client_of(&header)?, note)
            }
            (Some(client), None, None) => match client.parse::<ClientId>() {
                Ok(id) => ScopeOf::Client(client_of(&self.client_header(&id)?)?),
                Err(_) => ScopeOf::Client(self.client(actor, client)?.client),
            },
            (None, None, None) => ScopeOf::EveryClient,
        };
        Ok(Scope { class: asked.class, of })
    }

    fn grant_seen(&self, grant: &GrantId, requester: &UserId, scope: &Scope) -> Result<Resource, PracticeError> {
        let clinicians = match scope.client() {
            Some(client) => self.people()?.clinicians_of(client),
            None => std::collections::BTreeSet::new(),
        };
        let author = match &scope.of {
            ScopeOf::Note(_, note) => self.draft_header(note.as_str())?.actor.parse().ok(),
            _ => None,
        };
        Ok(Resource::Grant(GrantSeen {
            id: grant.clone(),
            requester: requester.clone(),
            class: scope.class,
            client: scope.client().cloned(),
            clinicians,
            author,
        }))
    }

    /// What the wrapped key of a scope opens.
    fn opens(&self, scope: &Scope) -> Result<GrantOpens, PracticeError> {
        let class = scope.class.as_str().to_owned();
        let groups_of = |header: &Header| -> Vec<String> {
            let mut groups: Vec<String> = header
                .payloads
                .iter()
                .filter(|payload| payload.class == class)
                .map(|payload| payload.group.clone())
                .collect();
            groups.extend(header.refs.get("working").cloned().filter(|_| scope.class == Class::Clinical));
            groups
        };
        let mut groups: Vec<String> = match &scope.of {
            ScopeOf::EveryClient => return Ok(GrantOpens::Office { class }),
            ScopeOf::Client(client) => return Ok(GrantOpens::Class { class, scope: client.to_string() }),
            ScopeOf::Session(_, session) => {
                self.headers_with("session", session.as_str())?.iter().flat_map(groups_of).collect()
            }
            ScopeOf::Note(_, note) => self.headers_with("note", note.as_str())?.iter().flat_map(groups_of).collect(),
        };
        groups.sort();
        groups.dedup();
        groups.retain(|group| self.vault.group_exists(group));
        if groups.is_empty() {
            return Err(PracticeError::NotAllowed(
                "nothing of that class is there any more: there is nothing to give access to".to_owned(),
            ));
        }
        Ok(GrantOpens::Groups(groups))
    }

    /// The end that an entry's own time sets: the wrapped key carries the very same.
    fn end_of(&self, seq: u64, duration_ms: i64) -> Result<Time, PracticeError> {
        Ok(Time::from_millis(self.log.header(seq)?.time.saturating_add(duration_ms)))
    }

    /// A whole class of a client is given with a key that what is written meanwhile is sealed under too.
    fn freshen_for(&mut self, keys: &Unlocked, actor: &Actor, opens: &GrantOpens) -> Result<(), PracticeError> {
        let GrantOpens::Class { class, scope } = opens else { return Ok(()) };
        let Some(class) = Class::from_word(class) else { return Ok(()) };
        let people = self.people()?;
        self.freshen_class_with(keys, actor, &people, class, scope).map(drop)
    }

    fn public_of(&self, user: &UserId) -> Result<provenote_ledger::UserPublic, PracticeError> {
        let people = self.people()?;
        let person = people.person(user).filter(|person| person.removed.is_none());
        person.map(|person| person.public().clone()).ok_or_else(|| PracticeError::NotFound {
            what: "user",
            id: user.to_string(),
            list: "access user list",
        })
    }

    fn grant_entry(
        &self,
        actor: &Actor,
        kind: Kind,
        grant: &GrantId,
        scope: &Scope,
        asked: &GrantAsked<'_>,
    ) -> NewEntry {
        let entry = self
            .grant_answer(actor, kind, grant, scope)
            .fact("duration_ms", Fact::Number(i64::from(asked.minutes) * 60_000));
        match asked.authority.map(serde_json::to_value) {
            Some(Ok(serde_json::Value::String(word))) => entry.fact("authority", Fact::Text(word)),
            _ => entry,
        }
    }

    /// An entry about a grant: what it opens, whose.
    fn grant_answer(&self, actor: &Actor, kind: Kind, grant: &GrantId, scope: &Scope) -> NewEntry {
        let mut entry =
            self.entry(actor, kind).refer("grant", grant).fact("class", Fact::Text(scope.class.as_str().to_owned()));
        if let Some(client) = scope.client() {
            entry = entry.refer("client", client);
        }
        match &scope.of {
            ScopeOf::Session(_, session) => entry.refer("session", session),
            ScopeOf::Note(_, note) => entry.refer("note", note),
            ScopeOf::EveryClient | ScopeOf::Client(_) => entry,
        }
    }

    /// Seals a reason under a group of its own in the practice's administrative class, which who answers can open; and,
    /// where the writer's keys do not reach that, in none: then it stands with the grant as given aloud.
    fn with_reason(&mut self, actor: &Actor, entry: NewEntry, reason: &Reason) -> Result<NewEntry, PracticeError> {
        let class = self.reason_class(actor);
        let group: GroupId = self.new_group(actor, class, PRACTICE_SCOPE)?;
        let sealed = self.seal_bytes(actor, group.as_str(), "reason", "text/plain", reason.as_str().as_bytes())?;
        Ok(entry.payload(sealed))
    }

    /// The first class of the practice that the actor's keys open: who answers opens each of them.
    fn reason_class(&self, actor: &Actor) -> Class {
        let opens = |class: &Class| provenote_access::opens(actor.role(), *class, provenote_access::Tie::Practice);
        [Class::Administrative, Class::Billing, Class::Research]
            .into_iter()
            .find(opens)
            .unwrap_or(Class::Administrative)
    }

    // -- emergencies ----------------------------------------------------------------------------------------------

    /// Makes the emergency key anew, and returns its code for the sealed envelope. Whoever holds the code opens what a
    /// clinician may need at once, through [`Practice::break_glass`]; the code before it opens nothing written later.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; where ledger or key files cannot be written.
    pub fn prepare_emergency(
        &mut self,
        actor: &Actor,
        argon2: Argon2Params,
    ) -> Result<Zeroizing<String>, PracticeError> {
        self.allow_here(actor, Act::ManageUsers)?;
        let id = self.random_id(UserId::from_random);
        let mut nobodys = Zeroizing::new([0u8; 32]);
        self.entropy.fill(nobodys.as_mut_slice());
        let keys = self.vault.create_user(id.as_str(), nobodys.as_slice(), argon2, &mut *self.entropy)?;
        let code = self.vault.create_recovery(&keys, &mut *self.entropy)?;
        let public = keys.public();
        let entry = self
            .entry(actor, Kind::EmergencyPrepared)
            .refer("user", &id)
            .fact("seal_key", Fact::Text(hex(&public.seal_key)))
            .fact("sign_key", Fact::Text(hex(&public.sign_key)));
        self.append_one(actor, entry)?;
        self.settle_keys(actor, &[])?;
        Ok(code)
    }

    /// Takes access at once in an emergency, with the code of the sealed envelope: loud, with a reason, reviewed afterwards
    /// by somebody else. The entry stands before anything is opened.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] where no emergency key was prepared; [`PracticeError::Vault`] for a wrong code;
    /// [`PracticeError::Grant`]; [`PracticeError::Denied`].
    pub fn break_glass(
        &mut self,
        actor: &Actor,
        asked: &GrantAsked<'_>,
        code: &str,
    ) -> Result<GrantChanged, PracticeError> {
        let reason = Reason::parse(asked.reason)?;
        let emergency = self.people()?.emergency().map(|public| public.user.clone()).ok_or_else(|| {
            PracticeError::NotAllowed(
                "no emergency key was prepared here: an owner makes one with `provenote access emergency prepare` and keeps its code in a sealed envelope"
                    .to_owned(),
            )
        })?;
        let (grant, scope) = self.asked_for(actor, asked, Act::BreakGlass)?;
        let opens = self.opens(&scope)?;
        let envelope: Unlocked = self.vault.unlock_with_recovery(&emergency, code)?;
        self.freshen_for(&envelope, actor, &opens)?;
        let entry = self.grant_entry(actor, Kind::GrantTaken, &grant, &scope, asked);
        let entry = self.with_reason(actor, entry, &reason)?;
        let seq = self.append_one(actor, entry)?;
        let until = self.end_of(seq, i64::from(asked.minutes) * 60_000)?;
        let to = self.public_of(actor.user())?;
        self.vault.create_grant(&envelope, grant.as_str(), &to, until.millis(), &opens, &mut *self.entropy)?;
        Ok(GrantChanged { grant, seq, until: Some(until) })
    }

    /// Reviews emergency access of somebody else, in words.
    ///
    /// # Errors
    /// [`PracticeError::Grant`] for one's own or one that waits for no review; [`PracticeError::Denied`].
    pub fn review_emergency(&mut self, actor: &Actor, grant: &str, words: &str) -> Result<GrantChanged, PracticeError> {
        let words = Reason::parse(words)?;
        let (id, found) =
            self.may_answer(actor, grant, Act::ReviewEmergency, |grant, by| GrantEvent::Reviewed { grant, by })?;
        let entry = self.grant_answer(actor, Kind::GrantReviewed, &id, found.scope());
        let entry = self.with_reason(actor, entry, &words)?;
        let seq = self.append_one(actor, entry)?;
        Ok(GrantChanged { grant: id, seq, until: None })
    }

    /// Emergencies that nobody has reviewed, and whether a code was used that is still the one in force.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn emergencies(&self) -> Result<Emergencies, PracticeError> {
        let unreviewed = self.grants()?.unreviewed().into_iter().map(GrantShown::of).collect();
        let prepared = self.headers(Kind::EmergencyPrepared, &[])?.last().map(|header| header.seq);
        let taken = self.headers(Kind::GrantTaken, &[])?.last().map(|header| header.seq);
        Ok(Emergencies { unreviewed, prepared: prepared.is_some(), envelope_open: prepared < taken })
    }
}

/// Where a practice stands with emergencies.
#[derive(Debug, Clone, Serialize)]
pub struct Emergencies {
    /// What nobody has reviewed.
    pub unreviewed: Vec<GrantShown>,
    /// There is an emergency key.
    pub prepared: bool,
    /// Its code was used since it was made, so it is known: it has to be made anew.
    pub envelope_open: bool,
}

/// What was folded last, and at which size of the ledger.
pub(crate) type Remembered = std::cell::RefCell<Option<(u64, Rc<Grants>)>>;

fn not_found(asked: &str) -> PracticeError {
    PracticeError::NotFound { what: "grant", id: asked.chars().take(40).collect(), list: "access grant list" }
}

/// What an entry tells about a grant.
fn event(header: &Header) -> Result<Option<GrantEvent>, PracticeError> {
    let parsed = |name: &'static str| -> Result<String, PracticeError> { reference(header, name).map(str::to_owned) };
    let bad = |error: provenote_schemas::ids::BadId| bad_reference(header, &error);
    let by: UserId = header.actor.parse().map_err(bad)?;
    let grant = || -> Result<GrantId, PracticeError> { parsed("grant")?.parse().map_err(bad) };
    let duration_ms = match header.facts.get("duration_ms") {
        Some(Fact::Number(ms)) => *ms,
        _ => 0,
    };
    let authority = || {
        let word = header.facts.get("authority").and_then(fact_text)?;
        serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
    };
    Ok(match Kind::from_word(&header.kind) {
        Some(kind @ (Kind::GrantRequested | Kind::GrantTaken)) => {
            let (grant, requester, scope, authority) = (grant()?, by, scope(header)?, authority());
            Some(if kind == Kind::GrantRequested {
                GrantEvent::Requested { grant, requester, scope, duration_ms, authority }
            } else {
                GrantEvent::Taken { grant, requester, scope, duration_ms, authority }
            })
        }
        Some(Kind::GrantApproved) => Some(GrantEvent::Approved { grant: grant()?, by }),
        Some(Kind::GrantDenied) => Some(GrantEvent::Denied { grant: grant()?, by }),
        Some(Kind::GrantRevoked) => Some(GrantEvent::Revoked { grant: grant()?, by }),
        Some(Kind::GrantReviewed) => Some(GrantEvent::Reviewed { grant: grant()?, by }),
        Some(Kind::GrantEnded) => Some(GrantEvent::Destroyed { grant: grant()? }),
        Some(Kind::UserRemoved | Kind::UserChanged) => {
            Some(GrantEvent::UserGone { user: parsed("user")?.parse().map_err(bad)? })
        }
        _ => None,
    })
}

fn scope(header: &Header) -> Result<Scope, PracticeError> {
    let bad = |error: provenote_schemas::ids::BadId| bad_reference(header, &error);
    let class = header.facts.get("class").and_then(fact_text).and_then(Class::from_word);
    let class = class.ok_or_else(|| bad_reference(header, &"the class is none that this version knows"))?;
    let client: Option<ClientId> = header.refs.get("client").map(|id| id.parse().map_err(bad)).transpose()?;
    let session: Option<SessionId> = header.refs.get("session").map(|id| id.parse().map_err(bad)).transpose()?;
    let note: Option<NoteId> = header.refs.get("note").map(|id| id.parse().map_err(bad)).transpose()?;
    let of = match (client, session, note) {
        (Some(client), Some(session), _) => ScopeOf::Session(client, session),
        (Some(client), None, Some(note)) => ScopeOf::Note(client, note),
        (Some(client), None, None) => ScopeOf::Client(client),
        (None, ..) => ScopeOf::EveryClient,
    };
    Ok(Scope { class, of })
}
