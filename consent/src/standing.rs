//! Which consents are in force: a state machine over what the participants did.
//!
//! # What counts
//! A participant's consent is in force only if all of this is so:
//! - they signed a form that was made for them and for this purpose, and was recorded before;
//! - what they signed is this form's text to the byte, and the form is what its digests say;
//! - the form names everybody who takes part today;
//! - the facts the form told are the facts of today, to the last field;
//! - the form has not ended;
//! - they have not declined or revoked since.
//!
//! The latest word of a participant counts. A signature older than a refusal or withdrawal never
//! undoes it, wherever it stands in the ledger. Anything that is not as above is not consent.
//!
//! # Which status is told
//! When participants differ, the whole stands as the first of these that is true of anybody:
//! revoked, declined, stale, expired; then incomplete where some signed and some did not; missing
//! where nobody did; in force only where everybody's is. For one participant it is the same
//! order: a form that has both ended and become stale is stale, since that is what must be told.

use std::collections::BTreeMap;

use provenote_schemas::consent::{ConsentForm, Grant};
use provenote_schemas::disclosure::{DisclosureFacts, Isolation, ModelFact, Place};
use provenote_schemas::people::{Participant, ParticipantRole};
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
    /// The form was talked through aloud. It opens nothing.
    Discussed {
        /// With whom.
        participant: ParticipantId,
        /// When.
        time: Time,
    },
    /// A participant signed.
    Granted(Grant),
    /// A participant said no: to everything, whichever form it was said of.
    Declined {
        /// Who.
        participant: ParticipantId,
        /// When.
        time: Time,
    },
    /// A participant took back what they had signed: all of it, whichever form it was said of.
    Revoked {
        /// Who.
        participant: ParticipantId,
        /// When.
        time: Time,
    },
}

/// Where a client's or a participant's consent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Everybody's consent is in force: the gate is open.
    InForce,
    /// Nobody has signed.
    Missing,
    /// Somebody said no.
    Declined,
    /// Somebody took their consent back.
    Revoked,
    /// What was agreed to is no longer what is done, or who takes part.
    Stale,
    /// The time agreed on is over.
    Expired,
    /// Some signed and others have not.
    Incomplete,
}

impl Status {
    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Missing => "missing",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::Incomplete => "incomplete",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where one participant stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParticipantStanding {
    /// Who.
    pub participant: ParticipantId,
    /// As what.
    pub role: ParticipantRole,
    /// Where. Never [`Status::Incomplete`].
    pub status: Status,
    /// When they last signed, declined or revoked.
    pub since: Option<Time>,
    /// The form they signed, where that is their last word.
    pub consent: Option<ConsentId>,
    /// Why it is not in force, in sentences without names.
    pub reasons: Vec<String>,
}

/// Where a client's consent for one purpose stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// As a whole.
    pub status: Status,
    /// Why it is not in force, in sentences without names; empty where it is.
    pub reasons: Vec<String>,
    /// Everybody who takes part, in the order given.
    pub people: Vec<ParticipantStanding>,
    /// When the first of the consents in force ends.
    pub until: Option<Time>,
}

/// A participant's last word, with what is needed to judge it.
enum Word<'a> {
    Nothing,
    Signed { form: &'a ConsentForm, grant: &'a Grant },
    Declined(Time),
    Revoked(Time),
}

/// What is known of a participant so far.
struct Heard<'a> {
    word: Word<'a>,
    /// The latest time at which they declined or revoked: no signature from before it
    /// counts. The order of the ledger is what decides between two of one time.
    no_since: Option<Time>,
    /// Why a signature of theirs was passed over.
    passed_over: Option<&'static str>,
}

impl Default for Heard<'_> {
    fn default() -> Self {
        Self { word: Word::Nothing, no_since: None, passed_over: None }
    }
}

/// A form on record, and why no signature under it counts, if so.
struct Shown<'a> {
    form: &'a ConsentForm,
    flaw: Option<&'static str>,
}

impl<'a> Shown<'a> {
    fn new(form: &'a ConsentForm, purpose: Purpose) -> Self {
        let flaw = if !form.purposes.contains(&purpose) {
            Some("a form for another purpose was signed")
        } else if Digest::of(form.text.as_bytes()) != form.text_sha256
            || disclosure_digest(&form.facts) != form.disclosure_digest
        {
            Some("the form on record is not the one that was made")
        } else {
            None
        };
        Self { form, flaw }
    }
}

/// Why a signature does not count, if so. Only the form and the grant are looked at.
fn flaw(shown: &Shown<'_>, grant: &Grant) -> Option<&'static str> {
    let form = shown.form;
    if shown.flaw.is_some() {
        shown.flaw
    } else if !form.participants.iter().any(|person| person.id == grant.participant) {
        Some("a form was signed that was not made for this person")
    } else if grant.text_sha256 != form.text_sha256 {
        Some("what was signed is not the text of the form")
    } else if grant.disclosure_digest != form.disclosure_digest {
        Some("what was signed is not what the form told")
    } else if grant.intent.trim().is_empty() {
        // Any statement counts: a later version of the program may word it anew.
        Some("the signature does not stand under a statement of intent")
    } else {
        None
    }
}

impl<'a> Heard<'a> {
    fn signed(&mut self, forms: &BTreeMap<&ConsentId, Shown<'a>>, grant: &'a Grant) {
        let Some(shown) = forms.get(&grant.consent) else {
            self.passed_over = Some("a form was signed that is not on record");
            return;
        };
        if let Some(flaw) = flaw(shown, grant) {
            self.passed_over = Some(flaw);
        } else if self.no_since.is_some_and(|no| grant.time < no) {
            self.passed_over = Some("a signature is older than the refusal or withdrawal");
        } else {
            self.word = Word::Signed { form: shown.form, grant };
            self.passed_over = None;
        }
    }

    fn said_no(&mut self, word: Word<'a>, time: Time) {
        self.word = word;
        self.no_since = Some(self.no_since.map_or(time, |no| no.max(time)));
    }
}

/// Everything one participant's word is judged against.
struct Today<'a> {
    people: &'a [Participant],
    facts: &'a DisclosureFacts,
    digest: Digest,
    now: Time,
}

/// What a sentence about a participant begins with. Never a name: reasons go into messages.
fn who(person: &Participant, people: &[Participant]) -> String {
    let role = match person.role {
        ParticipantRole::Client => "the client",
        ParticipantRole::Guardian => "the parent or guardian",
        ParticipantRole::Participant => "a participant",
    };
    if person.role != ParticipantRole::Participant
        && people.iter().filter(|other| other.role == person.role).count() == 1
    {
        role.to_owned()
    } else {
        format!("{role} ({})", person.id)
    }
}

fn judged(person: &Participant, heard: &Heard<'_>, today: &Today<'_>) -> ParticipantStanding {
    let who = who(person, today.people);
    let (status, since, consent, mut reasons) = match heard.word {
        Word::Nothing => (Status::Missing, None, None, vec![format!("{who} has not signed")]),
        Word::Declined(time) => (Status::Declined, Some(time), None, vec![format!("{who} said no on {}", time.date())]),
        Word::Revoked(time) => {
            (Status::Revoked, Some(time), None, vec![format!("{who} took the consent back on {}", time.date())])
        }
        Word::Signed { form, grant } => {
            let mut stale: Vec<String> = Vec::new();
            if form.disclosure_digest != today.digest {
                stale.push(format!(
                    "since {who} signed on {}: {}",
                    grant.time.date(),
                    changes(&form.facts, today.facts).join("; ")
                ));
            }
            if today.people.iter().any(|now_here| {
                !form.participants.iter().any(|named| named.id == now_here.id && named.role == now_here.role)
            }) {
                stale.push(format!(
                    "since {who} signed on {}, somebody has joined whom the form does not name",
                    grant.time.date()
                ));
            }
            let over = today.now >= form.expires;
            let status = match (stale.is_empty(), over) {
                (false, _) => Status::Stale,
                (true, true) => Status::Expired,
                (true, false) => Status::InForce,
            };
            if over {
                stale.push(format!("the consent {who} signed ended on {}", form.expires.date()));
            }
            (status, Some(grant.time), Some(form.consent.clone()), stale)
        }
    };
    if status != Status::InForce
        && let Some(flaw) = heard.passed_over
    {
        reasons.push(format!("a signature of {who} does not count: {flaw}"));
    }
    ParticipantStanding { participant: person.id.clone(), role: person.role, status, since, consent, reasons }
}

/// Judges everybody's consent for one purpose. `events` are the client's, in the order of the
/// ledger; `people` are all who take part now; `today` is the pipeline as it is configured.
///
/// Nobody taking part, or no client among them, is [`Status::Missing`].
#[must_use]
pub fn standing(
    people: &[Participant],
    events: &[ConsentEvent],
    purpose: Purpose,
    today: &DisclosureFacts,
    now: Time,
) -> Standing {
    let mut forms: BTreeMap<&ConsentId, Shown<'_>> = BTreeMap::new();
    let mut heard: BTreeMap<&ParticipantId, Heard<'_>> = BTreeMap::new();
    for event in events {
        match event {
            // The first form of an id counts: a form is never replaced.
            ConsentEvent::Requested(form) => {
                forms.entry(&form.consent).or_insert_with(|| Shown::new(form, purpose));
            }
            ConsentEvent::Discussed { .. } => {}
            ConsentEvent::Granted(grant) => heard.entry(&grant.participant).or_default().signed(&forms, grant),
            ConsentEvent::Declined { participant, time } => {
                heard.entry(participant).or_default().said_no(Word::Declined(*time), *time);
            }
            ConsentEvent::Revoked { participant, time } => {
                heard.entry(participant).or_default().said_no(Word::Revoked(*time), *time);
            }
        }
    }
    let silent = Heard::default();
    let today = Today { people, facts: today, digest: disclosure_digest(today), now };
    let judged: Vec<ParticipantStanding> =
        people.iter().map(|person| judged(person, heard.get(&person.id).unwrap_or(&silent), &today)).collect();

    let any = |status| judged.iter().any(|one| one.status == status);
    let all = |status| judged.iter().all(|one| one.status == status);
    let client = people.iter().any(|person| person.role == ParticipantRole::Client);
    let first =
        [Status::Revoked, Status::Declined, Status::Stale, Status::Expired].into_iter().find(|status| any(*status));
    let status = match first {
        Some(status) => status,
        None if judged.is_empty() || !client || all(Status::Missing) => Status::Missing,
        None if all(Status::InForce) => Status::InForce,
        None => Status::Incomplete,
    };
    let mut reasons: Vec<String> = Vec::new();
    if !client {
        reasons.push("no client is among the people who take part".to_owned());
    }
    for reason in judged.iter().flat_map(|one| &one.reasons) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    let until = if status == Status::InForce {
        judged
            .iter()
            .filter_map(|one| one.consent.as_ref())
            .filter_map(|id| forms.get(id))
            .map(|shown| shown.form.expires)
            .min()
    } else {
        None
    };
    Standing { status, reasons, people: judged, until }
}

fn model_change(what: &str, before: &ModelFact, after: &ModelFact, out: &mut Vec<String>) {
    if before.sha256 != after.sha256 {
        if before.name == after.name {
            out.push(format!("the model that {what} is another version of {}", after.name));
        } else {
            out.push(format!("the model that {what} is {} instead of {}", after.name, before.name));
        }
    } else if before != after {
        out.push(format!("the model that {what} is described in other words ({} by {})", after.name, after.maker));
    }
}

/// Models are the same by their digest. One that went and one that came under the same name are
/// two versions of it.
fn drafting_changes(before: &[ModelFact], after: &[ModelFact], out: &mut Vec<String>) {
    let said_before = out.len();
    let has = |list: &[ModelFact], model: &ModelFact| list.iter().any(|one| one.sha256 == model.sha256);
    let gone: Vec<&ModelFact> = before.iter().filter(|model| !has(after, model)).collect();
    for new in after.iter().filter(|model| !has(before, model)) {
        if gone.iter().any(|old| old.name == new.name) {
            out.push(format!("a model that drafts the note is another version of {}", new.name));
        } else {
            out.push(format!("{} may draft the note now", new.name));
        }
    }
    for old in gone.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
        out.push(format!("{} no longer drafts the note", old.name));
    }
    if out.len() == said_before && before != after {
        out.push("the models that may draft the note are described in other words or another order".to_owned());
    }
}

/// What differs between the facts somebody agreed to and the facts of today, a clause for each
/// field; empty only where they are equal.
#[must_use]
pub fn changes(before: &DisclosureFacts, after: &DisclosureFacts) -> Vec<String> {
    // Taken apart by name, so that a new field cannot be forgotten here.
    let DisclosureFacts { speech, voice_activity, drafting, place, isolation, processors, retention } = before;
    let mut out = Vec::new();
    model_change("turns speech into text", speech, &after.speech, &mut out);
    match (voice_activity, &after.voice_activity) {
        (Some(before), Some(after)) => model_change("finds speech", before, after, &mut out),
        (Some(_), None) => out.push("no model looks for speech any more".to_owned()),
        (None, Some(after)) => out.push(format!("a model was added that finds speech ({})", after.name)),
        (None, None) => {}
    }
    drafting_changes(drafting, &after.drafting, &mut out);
    if *place != after.place {
        out.push(match after.place {
            Place::ThisComputer => "the work is done on the practice's own computer now".to_owned(),
        });
    }
    if *isolation != after.isolation {
        out.push(match after.isolation {
            Isolation::Enforced => "the operating system now keeps the models from network and files".to_owned(),
            Isolation::Overridden => {
                "the operating system no longer keeps the models from network and files".to_owned()
            }
        });
    }
    for new in after.processors.iter().filter(|one| !processors.contains(one)) {
        out.push(format!("{new} gets the words too"));
    }
    for gone in processors.iter().filter(|one| !after.processors.contains(one)) {
        out.push(format!("{gone} no longer gets the words"));
    }
    let same_ones = after.processors.iter().all(|one| processors.contains(one))
        && processors.iter().all(|one| after.processors.contains(one));
    if *processors != after.processors && same_ones {
        out.push("the list of those who get the words is in another order".to_owned());
    }
    let kept = [
        ("recordings are", retention.audio_days, after.retention.audio_days, "days"),
        ("transcripts are", retention.transcript_days, after.retention.transcript_days, "days"),
        ("prompts and raw outputs are", retention.prompts_days, after.retention.prompts_days, "days"),
        ("drafts are", retention.drafts_days, after.retention.drafts_days, "days"),
        ("notes are", retention.note_years, after.retention.note_years, "years"),
    ];
    for (what, before, after, unit) in kept {
        if before != after {
            out.push(format!("{what} kept for {after} {unit} instead of {before}"));
        }
    }
    if retention.note_basis != after.retention.note_basis {
        out.push("the reason for how long notes are kept is another".to_owned());
    }
    out
}

#[cfg(test)]
mod tests;
