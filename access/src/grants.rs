//! Access for a limited time: asked for, approved by somebody else, ended by itself.
//!
//! The state is folded from the ledger's entries in their order. Two times are never mixed up: the time an entry carries,
//! and the [clock](Grants::clock) of the fold, the latest time of any entry. An end that the clock has passed holds for
//! good: a clock that is set back revives nothing, and a use is judged at the later of the two.
//!
//! What a grant opens is told by [`Scope::covers`]; that the wrapped key is destroyed at the end is the edge's work, which
//! [`Grants::to_destroy`] lists.

use std::collections::BTreeMap;

use provenote_schemas::{Class, ClientId, GrantId, NoteId, SessionId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::resource::Resource;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Whose payloads of the class are opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeOf {
    /// Every client's.
    EveryClient,
    /// One client's.
    Client(ClientId),
    /// Those of one session.
    Session(ClientId, SessionId),
    /// Those of one note.
    Note(ClientId, NoteId),
}

/// What a grant opens: payloads of one class. A wider need is several grants, each with its own entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The class.
    pub class: Class,
    /// Whose.
    pub of: ScopeOf,
}

impl Scope {
    /// True where the resource's payloads are among those opened.
    #[must_use]
    pub fn covers(&self, resource: &Resource) -> bool {
        let Resource::OfClient(of) = resource else { return false };
        self.class == of.class()
            && match &self.of {
                ScopeOf::EveryClient => true,
                ScopeOf::Client(client) => of.client() == Some(client),
                ScopeOf::Session(client, session) => of.client() == Some(client) && of.in_session() == Some(session),
                ScopeOf::Note(client, note) => of.client() == Some(client) && of.in_note() == Some(note),
            }
    }

    /// Whose records it is about; none for every client's.
    #[must_use]
    pub fn client(&self) -> Option<&ClientId> {
        match &self.of {
            ScopeOf::EveryClient => None,
            ScopeOf::Client(client) | ScopeOf::Session(client, _) | ScopeOf::Note(client, _) => Some(client),
        }
    }

    /// True for notes that are kept apart: no access without an [`Authority`].
    #[must_use]
    pub fn kept_apart(&self) -> bool {
        matches!(self.class, Class::PsychotherapyNotes | Class::SudCounselingNotes)
    }
}

/// On what ground somebody other than the author reads notes that are kept apart (45 CFR 164.508(a)(2); the list is
/// verified from cfr-copy, see access-control.yaml ACC-14). Payment and operations are no ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The client's own authorization, on its own form; for substance use disorder counseling notes the consent of
    /// 42 CFR 2.31(b).
    ClientAuthorization,
    /// The practice's own training programs.
    OwnTraining,
    /// Defence in a legal action brought by the client.
    LegalDefence,
    /// Demanded by the Secretary (164.502(a)(2)(ii)).
    Secretary,
    /// Required by law (164.512(a)).
    RequiredByLaw,
    /// Oversight of the author (164.512(d)).
    Oversight,
    /// A coroner or medical examiner (164.512(g)(1)).
    Coroner,
    /// To avert a serious and imminent threat (164.512(j)(1)(i)).
    SeriousThreat,
}

/// Why access is asked for, as the requester wrote it. The text is sealed by the edge and stands in no header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Takes a reason of 10 to 1,000 characters, at least two words.
    ///
    /// # Errors
    /// [`GrantError::NoReason`].
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let text = text.trim();
        let long_enough = (10..=1000).contains(&text.chars().count());
        if long_enough && text.split_whitespace().count() >= 2 {
            Ok(Self(text.to_owned()))
        } else {
            Err(GrantError::NoReason)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long access may last, in milliseconds. A practice may set less than [`Limits::HARDEST`], never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    approved_ms: i64,
    emergency_ms: i64,
    answer_ms: i64,
    review_ms: i64,
}

impl Limits {
    /// What no setting exceeds: seven days, a day in an emergency, seven days to answer, seven to review.
    pub const HARDEST: Self = Self { approved_ms: 7 * DAY, emergency_ms: DAY, answer_ms: 7 * DAY, review_ms: 7 * DAY };

    /// Limits of a practice, each cut to [`Limits::HARDEST`] and to at least a minute.
    #[must_use]
    pub fn new(approved_ms: i64, emergency_ms: i64, answer_ms: i64, review_ms: i64) -> Self {
        let hardest = Self::HARDEST;
        Self {
            approved_ms: approved_ms.clamp(MINUTE, hardest.approved_ms),
            emergency_ms: emergency_ms.clamp(MINUTE, hardest.emergency_ms),
            answer_ms: answer_ms.clamp(MINUTE, hardest.answer_ms),
            review_ms: review_ms.clamp(MINUTE, hardest.review_ms),
        }
    }

    /// The longest access of the kind, in milliseconds.
    #[must_use]
    pub const fn longest_ms(&self, emergency: bool) -> i64 {
        if emergency { self.emergency_ms } else { self.approved_ms }
    }
}

impl Default for Limits {
    /// A day, four hours in an emergency, two days to answer, three to review.
    fn default() -> Self {
        Self { approved_ms: DAY, emergency_ms: 4 * HOUR, answer_ms: 2 * DAY, review_ms: 3 * DAY }
    }
}

/// What happened to a grant: one entry of the ledger each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum GrantEvent {
    /// Somebody asks for access.
    Requested {
        /// The grant.
        grant: GrantId,
        /// Who asks.
        requester: UserId,
        /// For what.
        scope: Scope,
        /// For how long from the approval, in milliseconds.
        duration_ms: i64,
        /// The ground, for notes that are kept apart.
        authority: Option<Authority>,
    },
    /// Somebody else says yes.
    Approved {
        /// The grant.
        grant: GrantId,
        /// Who.
        by: UserId,
    },
    /// Somebody else says no.
    Denied {
        /// The grant.
        grant: GrantId,
        /// Who.
        by: UserId,
    },
    /// Taken back before its end, or the request withdrawn.
    Revoked {
        /// The grant.
        grant: GrantId,
        /// Who.
        by: UserId,
    },
    /// Emergency access: in force at once (45 CFR 164.312(a)(2)(ii)).
    Taken {
        /// The grant.
        grant: GrantId,
        /// Who takes it.
        requester: UserId,
        /// To what.
        scope: Scope,
        /// For how long, in milliseconds.
        duration_ms: i64,
        /// The ground, for notes that are kept apart.
        authority: Option<Authority>,
    },
    /// Emergency access was looked at by somebody else.
    Reviewed {
        /// The grant.
        grant: GrantId,
        /// Who.
        by: UserId,
    },
    /// The wrapped key was destroyed.
    Destroyed {
        /// The grant.
        grant: GrantId,
    },
    /// A user left or changed role: all access of theirs is over.
    UserGone {
        /// Who.
        user: UserId,
    },
}

/// Where a grant stands. Only [`State::InForce`] opens anything, and no state leads back to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody has answered; `until` then it lapses.
    Waiting {
        /// The last moment for an answer.
        until: Time,
    },
    /// It opens what its scope says.
    InForce {
        /// From when.
        since: Time,
        /// Until when; at this moment it is over.
        until: Time,
        /// Who approved; none for emergency access.
        approver: Option<UserId>,
    },
    /// Somebody said no.
    Denied {
        /// Who.
        by: UserId,
    },
    /// Nobody answered in time.
    Lapsed,
    /// Taken back before its end.
    Revoked {
        /// Who took it back.
        by: UserId,
        /// When.
        at: Time,
    },
    /// Over by itself.
    Ended {
        /// When it was to end.
        at: Time,
    },
}

/// The review that emergency access waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// By when.
    pub due: Time,
    /// Who reviewed it and when.
    pub done: Option<(UserId, Time)>,
}

/// One grant as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    id: GrantId,
    requester: UserId,
    scope: Scope,
    duration_ms: i64,
    authority: Option<Authority>,
    asked: Time,
    review: Option<Review>,
    state: State,
    was_in_force: bool,
    destroyed: bool,
}

impl Grant {
    /// The grant's pseudonym.
    #[must_use]
    pub fn id(&self) -> &GrantId {
        &self.id
    }

    /// Who has it, or asks for it.
    #[must_use]
    pub fn requester(&self) -> &UserId {
        &self.requester
    }

    /// What it opens.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// For how long from the approval, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> i64 {
        self.duration_ms
    }

    /// The ground, for notes that are kept apart.
    #[must_use]
    pub fn authority(&self) -> Option<Authority> {
        self.authority
    }

    /// When it was asked for or taken.
    #[must_use]
    pub fn asked(&self) -> Time {
        self.asked
    }

    /// The review of emergency access; none for approved access.
    #[must_use]
    pub fn review(&self) -> Option<&Review> {
        self.review.as_ref()
    }

    /// Where it stands, as of the last entry. Ask [`Grants::in_force`] before a use.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Brings the state up to a moment. Only ever takes access away.
    fn pass(&mut self, now: Time) {
        match self.state {
            State::Waiting { until } if now >= until => self.state = State::Lapsed,
            State::InForce { until, .. } if now >= until => self.state = State::Ended { at: until },
            _ => {}
        }
    }
}

/// Access that opens something at this moment, for [`crate::decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The grant.
    pub grant: GrantId,
    /// What it opens.
    pub scope: Scope,
    /// Until when.
    pub until: Time,
    /// Taken in an emergency.
    pub emergency: bool,
}

/// Why something cannot happen to a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No such grant.
    #[error("there is no grant {0}; see `provenote access grant list`")]
    NotFound(GrantId),
    /// The pseudonym is taken.
    #[error("the grant {0} exists already; nothing was changed")]
    Exists(GrantId),
    /// It was answered, taken back or over before.
    #[error("the grant {0} is not waiting for an answer any more; ask for a new one")]
    NotWaiting(GrantId),
    /// There is nothing to take back.
    #[error("the grant {0} is over already; nothing is left to take back")]
    Over(GrantId),
    /// Nobody approves or reviews their own.
    #[error("the grant {0} is the user's own: somebody else has to answer or review it")]
    Own(GrantId),
    /// Longer than is allowed.
    #[error("access may last at most {longest_minutes} minutes; ask for less, and again when it is over")]
    TooLong {
        /// What is allowed.
        longest_minutes: i64,
    },
    /// No time at all, or less than a minute.
    #[error("access of less than a minute opens nothing; say for how long")]
    TooShort,
    /// A reason is missing or says nothing.
    #[error("say why in a sentence of 10 to 1,000 characters; it is sealed, and shown to whoever approves and reviews")]
    NoReason,
    /// Notes that are kept apart.
    #[error(
        "notes that are kept apart are opened to others only on a ground that 45 CFR 164.508(a)(2) lists, such as the client's authorization: name it"
    )]
    NeedsAuthority,
    /// There is no review to do.
    #[error("the grant {0} waits for no review")]
    NoReview(GrantId),
    /// The key of access that is in force cannot be told as destroyed.
    #[error("the grant {0} is still in force; take it back first")]
    StillInForce(GrantId),
}

/// An entry of the ledger that ought not to be there. It changed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// The entry.
    pub seq: u64,
    /// What is wrong with it.
    pub error: GrantError,
}

/// Every grant of a practice, folded from the entries in their order.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    by_id: BTreeMap<GrantId, Grant>,
    clock: Option<Time>,
    oddities: Vec<Oddity>,
}

impl Grants {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The latest time of any entry.
    #[must_use]
    pub fn clock(&self) -> Option<Time> {
        self.clock
    }

    /// The time a use is judged at: `now`, or the latest entry's where the clock was set back.
    #[must_use]
    pub fn judged_at(&self, now: Time) -> Time {
        self.clock.map_or(now, |clock| clock.max(now))
    }

    /// Takes note of any entry's time; call it for every entry of the ledger, whatever its kind.
    pub fn observe(&mut self, time: Time) {
        let now = self.judged_at(time);
        self.clock = Some(now);
        for grant in self.by_id.values_mut() {
            grant.pass(now);
        }
    }

    /// Folds the next entry in. One that ought not to be there changes nothing and is kept as an [`Oddity`]. Judged by
    /// [`Limits::HARDEST`]: what a practice's setting was on that day is not asked again.
    pub fn apply(&mut self, seq: u64, time: Time, limits: &Limits, event: &GrantEvent) {
        self.observe(time);
        let now = self.judged_at(time);
        match self.check(now, &Limits::HARDEST, event) {
            Ok(()) => self.change(now, limits, event),
            Err(error) => self.oddities.push(Oddity { seq, error }),
        }
    }

    /// Whether an event may happen now, before its entry is written.
    ///
    /// # Errors
    /// [`GrantError`]: why it may not. Who has the right to approve at all is for the policies to say.
    pub fn check(&self, now: Time, limits: &Limits, event: &GrantEvent) -> Result<(), GrantError> {
        let now = self.judged_at(now);
        match event {
            GrantEvent::Requested { grant, scope, duration_ms, authority, .. } => {
                self.check_new(grant, scope, *duration_ms, *authority, limits.longest_ms(false))
            }
            GrantEvent::Taken { grant, scope, duration_ms, authority, .. } => {
                self.check_new(grant, scope, *duration_ms, *authority, limits.longest_ms(true))
            }
            GrantEvent::Approved { grant, by } | GrantEvent::Denied { grant, by } => {
                let found = self.at(grant, now)?;
                if found.requester == *by {
                    return Err(GrantError::Own(grant.clone()));
                }
                match found.state {
                    State::Waiting { .. } => Ok(()),
                    _ => Err(GrantError::NotWaiting(grant.clone())),
                }
            }
            GrantEvent::Revoked { grant, .. } => match self.at(grant, now)?.state {
                State::Waiting { .. } | State::InForce { .. } => Ok(()),
                _ => Err(GrantError::Over(grant.clone())),
            },
            GrantEvent::Reviewed { grant, by } => {
                let found = self.at(grant, now)?;
                match &found.review {
                    Some(Review { done: None, .. }) if found.requester == *by => Err(GrantError::Own(grant.clone())),
                    Some(Review { done: None, .. }) => Ok(()),
                    _ => Err(GrantError::NoReview(grant.clone())),
                }
            }
            GrantEvent::Destroyed { grant } => match self.at(grant, now)?.state {
                State::InForce { .. } => Err(GrantError::StillInForce(grant.clone())),
                _ => Ok(()),
            },
            GrantEvent::UserGone { .. } => Ok(()),
        }
    }

    fn check_new(
        &self,
        grant: &GrantId,
        scope: &Scope,
        duration_ms: i64,
        authority: Option<Authority>,
        longest_ms: i64,
    ) -> Result<(), GrantError> {
        if self.by_id.contains_key(grant) {
            return Err(GrantError::Exists(grant.clone()));
        }
        if duration_ms < MINUTE {
            return Err(GrantError::TooShort);
        }
        if duration_ms > longest_ms {
            return Err(GrantError::TooLong { longest_minutes: longest_ms / MINUTE });
        }
        if scope.kept_apart() && authority.is_none() {
            return Err(GrantError::NeedsAuthority);
        }
        Ok(())
    }

    fn change(&mut self, now: Time, limits: &Limits, event: &GrantEvent) {
        match event {
            GrantEvent::Requested { grant, requester, scope, duration_ms, authority } => {
                let state = State::Waiting { until: after(now, limits.answer_ms) };
                self.keep(grant, requester, scope, *duration_ms, *authority, now, None, state);
            }
            GrantEvent::Taken { grant, requester, scope, duration_ms, authority } => {
                let state = State::InForce { since: now, until: after(now, *duration_ms), approver: None };
                let review = Review { due: after(now, limits.review_ms), done: None };
                self.keep(grant, requester, scope, *duration_ms, *authority, now, Some(review), state);
            }
            GrantEvent::Approved { grant, by } => self.set(grant, |found| {
                found.was_in_force = true;
                found.state =
                    State::InForce { since: now, until: after(now, found.duration_ms), approver: Some(by.clone()) };
            }),
            GrantEvent::Denied { grant, by } => {
                self.set(grant, |found| found.state = State::Denied { by: by.clone() });
            }
            GrantEvent::Revoked { grant, by } => {
                self.set(grant, |found| found.state = State::Revoked { by: by.clone(), at: now });
            }
            GrantEvent::Reviewed { grant, by } => self.set(grant, |found| {
                if let Some(review) = &mut found.review {
                    review.done = Some((by.clone(), now));
                }
            }),
            GrantEvent::Destroyed { grant } => self.set(grant, |found| found.destroyed = true),
            GrantEvent::UserGone { user } => {
                for found in self.by_id.values_mut().filter(|grant| grant.requester == *user) {
                    if matches!(found.state, State::Waiting { .. } | State::InForce { .. }) {
                        found.state = State::Revoked { by: user.clone(), at: now };
                    }
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one new grant, put together here and nowhere else")]
    fn keep(
        &mut self,
        id: &GrantId,
        requester: &UserId,
        scope: &Scope,
        duration_ms: i64,
        authority: Option<Authority>,
        asked: Time,
        review: Option<Review>,
        state: State,
    ) {
        let was_in_force = matches!(state, State::InForce { .. });
        let grant = Grant {
            id: id.clone(),
            requester: requester.clone(),
            scope: scope.clone(),
            duration_ms,
            authority,
            asked,
            review,
            state,
            was_in_force,
            destroyed: false,
        };
        self.by_id.insert(id.clone(), grant);
    }

    fn set(&mut self, id: &GrantId, change: impl FnOnce(&mut Grant)) {
        if let Some(grant) = self.by_id.get_mut(id) {
            change(grant);
        }
    }

    fn at(&self, id: &GrantId, now: Time) -> Result<Grant, GrantError> {
        let mut found = self.by_id.get(id).cloned().ok_or_else(|| GrantError::NotFound(id.clone()))?;
        found.pass(now);
        Ok(found)
    }

    /// What opens something for a user at this moment.
    #[must_use]
    pub fn in_force(&self, user: &UserId, now: Time) -> Vec<Access> {
        let now = self.judged_at(now);
        self.by_id
            .values()
            .filter(|grant| grant.requester == *user && !grant.destroyed)
            .filter_map(|grant| match grant.state {
                State::InForce { until, .. } if now < until => Some(Access {
                    grant: grant.id.clone(),
                    scope: grant.scope.clone(),
                    until,
                    emergency: grant.review.is_some(),
                }),
                _ => None,
            })
            .collect()
    }

    /// Grants that were in force and are over, whose wrapped key nobody has destroyed yet.
    #[must_use]
    pub fn to_destroy(&self, now: Time) -> Vec<&GrantId> {
        let now = self.judged_at(now);
        self.by_id
            .values()
            .filter(|grant| grant.was_in_force && !grant.destroyed)
            .filter(|grant| !matches!(grant.state, State::InForce { until, .. } if now < until))
            .map(|grant| &grant.id)
            .collect()
    }

    /// Emergency access that nobody has reviewed; it stands in every report until somebody does.
    #[must_use]
    pub fn unreviewed(&self) -> Vec<&Grant> {
        self.by_id.values().filter(|grant| matches!(grant.review, Some(Review { done: None, .. }))).collect()
    }

    /// Every grant about a client, and those about every client: what the client's file shows.
    pub fn of_client<'a>(&'a self, client: &'a ClientId) -> impl Iterator<Item = &'a Grant> {
        self.by_id.values().filter(move |grant| grant.scope.client().is_none_or(|of| of == client))
    }

    /// Every grant.
    pub fn all(&self) -> impl Iterator<Item = &Grant> {
        self.by_id.values()
    }

    /// One grant.
    #[must_use]
    pub fn get(&self, id: &GrantId) -> Option<&Grant> {
        self.by_id.get(id)
    }

    /// Entries that ought not to be there, such as an approval by the requester.
    #[must_use]
    pub fn oddities(&self) -> &[Oddity] {
        &self.oddities
    }
}

fn after(time: Time, millis: i64) -> Time {
    Time::from_millis(time.millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
