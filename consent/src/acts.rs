//! What the participants did, and where each of them stands for each purpose: a state machine.
//!
//! # What counts
//! Two things are kept apart for every person and purpose: their word (silence, a signature, a refusal, a
//! withdrawal), and what was said around it (an offer, a talk, a spoken yes). Only a word opens or closes anything;
//! a spoken yes is weaker, and only the practice's policy lets it count.
//!
//! - A signature counts only under a form that was recorded before, was made for the signer and for the purpose,
//!   is what its digests say, has no blank, and stands under a statement of intent.
//! - A signature under an amendment counts only where the signer's word is a signature under the form it amends.
//! - A signature older than a refusal or withdrawal undoes nothing, wherever it stands in the ledger.
//! - After a refusal or withdrawal only a new signature opens again, never a spoken yes.
//!
//! History is never overwritten: a form of an id that is known is passed over, and what a new signature supersedes
//! stays in the list of what was superseded.

use std::collections::BTreeMap;
use std::sync::Arc;

use provenote_schemas::consent::{ConsentForm, Discussion, Grant, Offer, Promise, Refusal, Verbal, Withdrawal};
use provenote_schemas::disclosure::DisclosureFacts;
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{ConsentId, Digest, ParticipantId, Purpose, Time};
use serde::{Deserialize, Serialize};

use crate::form::disclosure_digest;

/// Something that was done about consent, in the order of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a client has few events, and most of them are forms and signatures")]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ConsentEvent {
    /// A form was made and can be signed.
    Requested(ConsentForm),
    /// A form was put before a participant.
    Offered(Offer),
    /// The form was talked through aloud. It opens nothing.
    Discussed(Discussion),
    /// A participant signed.
    Granted(Grant),
    /// The clinician states that a participant said yes aloud.
    Spoken(Verbal),
    /// A participant said no, whichever form it was said of.
    Declined(Refusal),
    /// A participant took back what they had signed, whichever form it was said of.
    Revoked(Withdrawal),
}

impl ConsentEvent {
    /// When it was done.
    #[must_use]
    pub const fn time(&self) -> Time {
        match self {
            Self::Requested(form) => form.made,
            Self::Offered(Offer { time, .. })
            | Self::Discussed(Discussion { time, .. })
            | Self::Granted(Grant { time, .. })
            | Self::Spoken(Verbal { time, .. })
            | Self::Declined(Refusal { time, .. })
            | Self::Revoked(Withdrawal { time, .. }) => *time,
        }
    }
}

/// Why a signature is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The text or the facts do not fit their digests.
    Altered,
    /// The text has a place left to fill in.
    Blank,
    /// It was made for others.
    NotForThisPerson,
    /// Another text was signed.
    OtherText,
    /// Other facts were signed.
    OtherFacts,
    /// There is no statement of intent above it.
    NoIntent,
    /// The form is not on record, or was recorded later.
    NoForm,
    /// An amendment of a form whose signature does not stand.
    AmendsNothing,
    /// It is older than a refusal or withdrawal.
    BeforeTheNo,
    /// The form is of another purpose.
    OtherPurpose,
}

impl Flaw {
    /// Why, as a clause.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Altered => "the form on record is not the one that was made",
            Self::Blank => "the form has a place left to fill in",
            Self::NotForThisPerson => "a form was signed that was not made for this person",
            Self::OtherText => "what was signed is not the text of the form",
            Self::OtherFacts => "what was signed is not what the form told",
            Self::NoIntent => "the signature does not stand under a statement of intent",
            Self::NoForm => "a form was signed that is not on record",
            Self::AmendsNothing => "a change was signed to a form whose signature does not stand",
            Self::BeforeTheNo => "a signature is older than the refusal or withdrawal",
            Self::OtherPurpose => "a form for another purpose was signed",
        }
    }
}

/// A form without its text and facts: all that judging needs once it was checked. Small enough to be kept for
/// every client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormRecord {
    /// The form.
    pub consent: ConsentId,
    /// Template id and version.
    pub template: String,
    /// What is agreed to.
    pub purposes: Vec<Purpose>,
    /// Who is asked, and as what.
    pub people: Vec<(ParticipantId, ParticipantRole)>,
    /// SHA-256 of the text.
    pub text_sha256: Digest,
    /// SHA-256 of the facts.
    pub disclosure_digest: Digest,
    /// When it was made.
    pub made: Time,
    /// When the consent ends by itself.
    pub expires: Time,
    /// The form it amends.
    pub amends: Option<ConsentId>,
    /// Which changes end it.
    pub promise: Promise,
    /// Why no signature under it counts, if so.
    pub flaw: Option<Flaw>,
}

impl FormRecord {
    /// Checks a form's text and facts against their digests, and the text for blanks.
    #[must_use]
    pub fn of(form: &ConsentForm) -> Self {
        Self::checked(form, disclosure_digest(&form.facts) == form.disclosure_digest)
    }

    /// `facts_fit`: whether the facts are what the digest of them says.
    fn checked(form: &ConsentForm, facts_fit: bool) -> Self {
        let flaw = if Digest::of(form.text.as_bytes()) != form.text_sha256 || !facts_fit {
            Some(Flaw::Altered)
        } else if has_blank(&form.text) {
            Some(Flaw::Blank)
        } else {
            None
        };
        Self {
            consent: form.consent.clone(),
            template: form.template.clone(),
            purposes: form.purposes.clone(),
            people: form.participants.iter().map(|one| (one.id.clone(), one.role)).collect(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            made: form.made,
            expires: form.expires,
            amends: form.amends.clone(),
            promise: form.promise,
            flaw,
        }
    }
}

/// Places left to fill in. Values in a rendered form are escaped, so that a name cannot look like one: an
/// underscore or bracket of a name has a backslash before it.
fn has_blank(text: &str) -> bool {
    text.contains("___") || text.contains("{{") || text.contains("}}") || text.contains("{%")
}

/// A yes under a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yes {
    /// The form.
    pub form: Arc<FormRecord>,
    /// When.
    pub time: Time,
}

/// What counts of what a person did for one purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum Word {
    /// Nothing.
    #[default]
    Silent,
    /// They signed.
    Signed(Yes),
    /// They said no.
    Declined {
        /// When.
        time: Time,
    },
    /// They took back what they had signed.
    Revoked {
        /// When.
        time: Time,
    },
}

impl Word {
    fn no(&self) -> Option<Time> {
        match self {
            Self::Declined { time } | Self::Revoked { time } => Some(*time),
            Self::Silent | Self::Signed(_) => None,
        }
    }
}

/// What was said around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "talk", rename_all = "snake_case")]
pub enum Talk {
    /// Nothing.
    #[default]
    Nothing,
    /// The form was put before them.
    Offered {
        /// The form.
        consent: ConsentId,
        /// When.
        time: Time,
    },
    /// It was talked through.
    Discussed {
        /// When.
        time: Time,
    },
    /// They said yes aloud, as the clinician states.
    Spoken(Yes),
}

/// Where one person stands for one purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stand {
    /// What counts.
    pub word: Word,
    /// What was said around it.
    pub talk: Talk,
    /// The latest time at which they said no: no signature from before it counts.
    pub no_since: Option<Time>,
    /// Why a signature or spoken yes of theirs was passed over, the newest.
    pub passed_over: Option<Flaw>,
    /// Signatures that a later one took the place of, the oldest first.
    pub superseded: Vec<(ConsentId, Time)>,
}

impl Stand {
    fn signed(mut self, form: &Arc<FormRecord>, time: Time) -> Self {
        let yes = Yes { form: Arc::clone(form), time };
        if self.no_since.is_some_and(|no| time < no) {
            self.passed_over = Some(Flaw::BeforeTheNo);
            return self;
        }
        if let Some(base) = &form.amends
            && !matches!(&self.word, Word::Signed(under) if under.form.consent == *base && may_amend(&under.form, form))
        {
            self.passed_over = Some(Flaw::AmendsNothing);
            return self;
        }
        let before = match self.word {
            Word::Signed(before) if before.form.consent != form.consent => {
                Some((before.form.consent.clone(), before.time))
            }
            _ => None,
        };
        self.superseded.extend(before);
        Self { word: Word::Signed(yes), talk: Talk::Nothing, passed_over: None, ..self }
    }

    fn spoken(self, form: &Arc<FormRecord>, time: Time) -> Self {
        // An amendment tells only what is new, and after a no only a signature opens again.
        if self.word.no().is_some() || self.no_since.is_some_and(|no| time < no) {
            Self { passed_over: Some(Flaw::BeforeTheNo), ..self }
        } else if form.amends.is_some() {
            Self { passed_over: Some(Flaw::AmendsNothing), ..self }
        } else {
            Self { talk: Talk::Spoken(Yes { form: Arc::clone(form), time }), ..self }
        }
    }

    fn said_no(self, word: Word, time: Time) -> Self {
        let no_since = Some(self.no_since.map_or(time, |no| no.max(time)));
        let superseded = match self.word {
            Word::Signed(before) => {
                let mut list = self.superseded;
                list.push((before.form.consent.clone(), before.time));
                list
            }
            _ => self.superseded,
        };
        Self { word, talk: Talk::Nothing, no_since, passed_over: self.passed_over, superseded }
    }

    fn offered(self, consent: &ConsentId, time: Time) -> Self {
        match self.talk {
            // What was said weighs more than a paper put before somebody.
            Talk::Spoken(_) => self,
            _ => Self { talk: Talk::Offered { consent: consent.clone(), time }, ..self },
        }
    }

    fn discussed(self, time: Time) -> Self {
        match self.talk {
            Talk::Spoken(_) => self,
            _ => Self { talk: Talk::Discussed { time }, ..self },
        }
    }
}

/// An amendment asks nobody else and for nothing else, and lasts no longer.
fn may_amend(base: &FormRecord, amendment: &FormRecord) -> bool {
    amendment.flaw.is_none()
        && amendment.purposes.iter().all(|purpose| base.purposes.contains(purpose))
        && amendment.people.iter().all(|one| base.people.contains(one))
        && amendment.expires <= base.expires
}

/// Why a yes under a form does not count, if so.
fn flaw(form: &FormRecord, who: &ParticipantId, text: &Digest, facts: &Digest) -> Option<Flaw> {
    if form.flaw.is_some() {
        form.flaw
    } else if !form.people.iter().any(|(id, _)| id == who) {
        Some(Flaw::NotForThisPerson)
    } else if *text != form.text_sha256 {
        Some(Flaw::OtherText)
    } else if *facts != form.disclosure_digest {
        Some(Flaw::OtherFacts)
    } else {
        None
    }
}

/// Everything a client's events come to, checked once: what [`crate::standing()`] judges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Every form on record, the first of each id.
    forms: Vec<Arc<FormRecord>>,
    /// Where everybody stands, by person.
    people: Vec<(ParticipantId, Vec<(Purpose, Stand)>)>,
    /// What was signed or refused in general, for purposes that no form names yet.
    general: Vec<(ParticipantId, Stand)>,
}

impl Record {
    /// Reads a client's events in the order of the ledger.
    #[must_use]
    pub fn of(events: &[ConsentEvent]) -> Self {
        events.iter().fold(Self::default(), |record, event| record.after(event))
    }

    /// As [`Record::of`], for many clients in a row: facts that stand in the book under their digest are compared with
    /// those there, which costs less than the digest.
    #[must_use]
    pub fn with(book: &FactsBook, events: &[ConsentEvent]) -> Self {
        events.iter().fold(Self::default(), |record, event| match event {
            ConsentEvent::Requested(form) => record.and_form(form, || {
                let fit = book.holds(&form.disclosure_digest, &form.facts)
                    || disclosure_digest(&form.facts) == form.disclosure_digest;
                FormRecord::checked(form, fit)
            }),
            _ => record.after(event),
        })
    }

    /// The first form of an id counts: a form is never replaced.
    fn and_form(mut self, form: &ConsentForm, checked: impl FnOnce() -> FormRecord) -> Self {
        if self.form(&form.consent).is_none() {
            self.forms.push(Arc::new(checked()));
        }
        self
    }

    /// The record after one more event. What was before is never lost.
    #[must_use]
    pub fn after(mut self, event: &ConsentEvent) -> Self {
        match event {
            ConsentEvent::Requested(form) => return self.and_form(form, || FormRecord::of(form)),
            ConsentEvent::Offered(offer) => {
                self.each(&offer.participant, &[], |stand| stand.offered(&offer.consent, offer.time));
            }
            ConsentEvent::Discussed(talk) => self.each(&talk.participant, &[], |stand| stand.discussed(talk.time)),
            ConsentEvent::Granted(grant) => {
                let no_intent = grant.intent.trim().is_empty().then_some(Flaw::NoIntent);
                self.yes(
                    &grant.consent,
                    &grant.participant,
                    (&grant.text_sha256, &grant.disclosure_digest),
                    no_intent,
                    |stand, form| stand.signed(form, grant.time),
                );
            }
            ConsentEvent::Spoken(verbal) => self.yes(
                &verbal.consent,
                &verbal.participant,
                (&verbal.text_sha256, &verbal.disclosure_digest),
                None,
                |stand, form| stand.spoken(form, verbal.time),
            ),
            ConsentEvent::Declined(refusal) => {
                let purposes: Vec<Purpose> = refusal.purposes.iter().copied().collect();
                self.each(&refusal.participant, &purposes, |stand| {
                    stand.said_no(Word::Declined { time: refusal.time }, refusal.time)
                });
            }
            ConsentEvent::Revoked(withdrawal) => {
                let purposes: Vec<Purpose> = withdrawal.purposes.iter().copied().collect();
                self.each(&withdrawal.participant, &purposes, |stand| {
                    stand.said_no(Word::Revoked { time: withdrawal.time }, withdrawal.time)
                });
            }
        }
        self
    }

    /// Where somebody stands for a purpose.
    #[must_use]
    pub fn stand(&self, who: &ParticipantId, purpose: Purpose) -> Option<&Stand> {
        self.people
            .iter()
            .find(|(id, _)| id == who)
            .and_then(|(_, stands)| stands.iter().find(|(of, _)| *of == purpose))
            .map(|(_, stand)| stand)
            .or_else(|| self.general.iter().find(|(id, _)| id == who).map(|(_, stand)| stand))
    }

    /// Every form on record.
    pub fn forms(&self) -> impl DoubleEndedIterator<Item = &FormRecord> {
        self.forms.iter().map(Arc::as_ref)
    }

    /// A form on record.
    #[must_use]
    pub fn form(&self, consent: &ConsentId) -> Option<&Arc<FormRecord>> {
        self.forms.iter().find(|form| form.consent == *consent)
    }

    fn yes(
        &mut self,
        consent: &ConsentId,
        who: &ParticipantId,
        digests: (&Digest, &Digest),
        also: Option<Flaw>,
        step: impl Fn(Stand, &Arc<FormRecord>) -> Stand,
    ) {
        let Some(form) = self.form(consent).cloned() else {
            self.each(who, &[], |stand| Stand { passed_over: Some(Flaw::NoForm), ..stand });
            return;
        };
        if let Some(flaw) = flaw(&form, who, digests.0, digests.1).or(also) {
            self.each(who, &[], |stand| Stand { passed_over: Some(flaw), ..stand });
            return;
        }
        for purpose in Purpose::ALL {
            if form.purposes.contains(purpose) {
                self.each(who, &[*purpose], |stand| step(stand, &form));
            }
        }
        if let Some((_, general)) = self.general.iter_mut().find(|(id, _)| id == who)
            && general.word == Word::Silent
        {
            general.passed_over = Some(Flaw::OtherPurpose);
        }
    }

    /// Takes one step for every purpose named, or for all where none is.
    fn each(&mut self, who: &ParticipantId, purposes: &[Purpose], step: impl Fn(Stand) -> Stand) {
        let place = self.people.iter().position(|(id, _)| id == who).unwrap_or_else(|| {
            self.people.push((who.clone(), Vec::new()));
            self.general.push((who.clone(), Stand::default()));
            self.people.len() - 1
        });
        let general = self.general.iter().position(|(id, _)| id == who);
        let of_all = general.map(|at| self.general[at].1.clone()).unwrap_or_default();
        let stands = &mut self.people[place].1;
        if purposes.is_empty() {
            for (_, stand) in stands.iter_mut() {
                *stand = step(std::mem::take(stand));
            }
            if let Some(at) = general {
                self.general[at].1 = step(of_all);
            }
            return;
        }
        for purpose in purposes {
            match stands.iter_mut().find(|(of, _)| of == purpose) {
                Some((_, stand)) => *stand = step(std::mem::take(stand)),
                // What was said of everything before holds for this purpose too.
                None => stands.push((*purpose, step(of_all.clone()))),
            }
        }
    }
}

/// The facts that forms told, each once, by digest: what a change is measured against.
#[derive(Debug, Clone, Default)]
pub struct FactsBook(BTreeMap<Digest, Arc<DisclosureFacts>>);

impl FactsBook {
    /// The facts of every form among the events.
    #[must_use]
    pub fn of(events: &[ConsentEvent]) -> Self {
        let mut book = Self::default();
        for event in events {
            if let ConsentEvent::Requested(form) = event {
                book.add(form.disclosure_digest, &form.facts);
            }
        }
        book
    }

    /// Adds facts under their digest; facts that do not fit it are left out.
    pub fn add(&mut self, digest: Digest, facts: &DisclosureFacts) {
        if !self.0.contains_key(&digest) && disclosure_digest(facts) == digest {
            self.0.insert(digest, Arc::new(facts.clone()));
        }
    }

    /// Whether exactly these facts stand under the digest.
    fn holds(&self, digest: &Digest, facts: &DisclosureFacts) -> bool {
        self.0.get(digest).is_some_and(|known| **known == *facts)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Digest, &DisclosureFacts)> {
        self.0.iter().map(|(digest, facts)| (digest, facts.as_ref()))
    }
}
