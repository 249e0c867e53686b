//! Whether consent is in force: for which people and purposes, since when, why not, and what to do next.
//!
//! # What is judged
//! Everybody who has to say yes for the session ([`Room::circle`]), each for every purpose the session needs. A
//! yes is in force only if all of this is so:
//! - it counts ([`crate::acts`]);
//! - the form names everybody who is asked today, in the role they have today;
//! - the facts the form told have not changed in a way that its promise says ends it ([`crate::changes`]);
//! - the form has not ended, and the signer has not come of age since;
//! - they have not declined or revoked since.
//!
//! Guardians of one person are asked together: so many have to say yes as the policy says, and none may have said
//! no. Anything that is not as above is not consent.
//!
//! # Which status is told
//! When people or purposes differ, the whole stands as the first of these that is true of anybody: revoked,
//! declined, stale, expired; then incomplete where something is in force and something is not; missing where
//! nothing is; in force only where everything is.

use std::collections::{BTreeMap, BTreeSet};

use provenote_schemas::disclosure::DisclosureFacts;
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_schemas::{ConsentId, Digest, ParticipantId, Purpose, Time};
use serde::{Deserialize, Serialize};

use crate::acts::{FactsBook, FormRecord, Record, Stand, Talk, Word, Yes};
use crate::changes::{Change, compare};
use crate::form::disclosure_digest;
use crate::jurisdictions::Terms;
use crate::people::{Asked, Capacity, Circle, Room, Wards};
use crate::policy::Policy;

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
    /// Every status.
    pub const ALL: &'static [Self] =
        &[Self::InForce, Self::Missing, Self::Declined, Self::Revoked, Self::Stale, Self::Expired, Self::Incomplete];

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

    /// The same for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Missing => "not in force: nobody has signed",
            Self::Declined => "not in force: somebody said no",
            Self::Revoked => "not in force: somebody took it back",
            Self::Stale => "not in force: something has changed since it was signed",
            Self::Expired => "not in force: its time is over",
            Self::Incomplete => "not in force: somebody has yet to sign",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The pipeline and the clock of today, and what each form's facts differ in from them: worked out once, however
/// many clients are judged.
#[derive(Debug)]
pub struct Today<'a> {
    facts: &'a DisclosureFacts,
    digest: Digest,
    now: Time,
    changes: BTreeMap<Digest, Vec<Change>>,
}

impl<'a> Today<'a> {
    /// Compares today's facts with those of every form in the book.
    #[must_use]
    pub fn new(facts: &'a DisclosureFacts, now: Time, book: &FactsBook) -> Self {
        let mut changes: BTreeMap<Digest, Vec<Change>> =
            book.iter().map(|(digest, then)| (*digest, compare(then, facts))).collect();
        let digest = disclosure_digest(facts);
        changes.insert(digest, Vec::new());
        Self { facts, digest, now, changes }
    }

    /// The facts of today.
    #[must_use]
    pub const fn facts(&self) -> &'a DisclosureFacts {
        self.facts
    }

    /// This moment.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    fn since(&self, form: &FormRecord) -> Option<Vec<&Change>> {
        let all = self.changes.get(&form.disclosure_digest)?;
        Some(all.iter().filter(|change| change.ends(form.promise)).collect())
    }
}

/// What is asked of a record.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub room: Room<'a>,
    /// For what. Nothing is never in force.
    pub purposes: &'a [Purpose],
    /// What the rules of the states ask.
    pub terms: Terms,
    /// What the practice has decided.
    pub policy: &'a Policy,
}

/// Where one participant stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParticipantStanding {
    /// Who.
    pub participant: ParticipantId,
    /// As what.
    pub role: ParticipantRole,
    /// In what way they are asked.
    pub capacity: Capacity,
    /// False for a guardian whose yes is not needed, since enough others gave theirs.
    pub needed: bool,
    /// Where. Never [`Status::Incomplete`].
    pub status: Status,
    /// The same for each purpose.
    pub purposes: Vec<(Purpose, Status)>,
    /// When they last signed, declined or revoked.
    pub since: Option<Time>,
    /// The forms they said yes to, where that is their last word.
    pub consents: Vec<ConsentId>,
    /// True where a spoken yes counts in place of a signature.
    pub spoken: bool,
    /// Why it is not in force, in sentences without names.
    pub reasons: Vec<String>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A new form has to be made for these purposes.
    MakeForm {
        /// For what.
        purposes: Vec<Purpose>,
    },
    /// These people have a form before them to sign or to decline.
    Ask {
        /// Who.
        participants: Vec<ParticipantId>,
        /// Which form.
        consent: ConsentId,
    },
    /// These people are asked with the short form that tells only what is new.
    Amend {
        /// Who.
        participants: Vec<ParticipantId>,
        /// Which form is amended.
        consent: ConsentId,
    },
    /// A parent or guardian has to be added to the file.
    AddGuardian {
        /// For whom.
        participant: ParticipantId,
    },
    /// Somebody said no: the clinician writes or dictates the note, and does not press.
    Dictate,
}

impl Step {
    /// In plain words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::MakeForm { purposes } => {
                let what: Vec<&str> = purposes.iter().map(|purpose| purpose_words(*purpose)).collect();
                format!("make a new form ({}) and go through it with everybody", what.join(", "))
            }
            Self::Ask { participants, .. } => {
                format!("{} to sign the form or to say no", people_words(participants, "has", "have"))
            }
            Self::Amend { participants, .. } => {
                format!("show what is new in the short form; {} to sign it or to say no", people_words(participants, "has", "have"))
            }
            Self::AddGuardian { participant } => format!("add a parent or guardian who signs for {participant}"),
            Self::Dictate => "write the note by hand or dictate it afterwards; do not press: ask again only when the person brings it up".to_owned(),
        }
    }
}

fn people_words(people: &[ParticipantId], one: &str, many: &str) -> String {
    let names: Vec<&str> = people.iter().map(ParticipantId::as_str).collect();
    format!("{} {}", names.join(", "), if people.len() == 1 { one } else { many })
}

/// A purpose for people.
#[must_use]
pub const fn purpose_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::AiNotes => "recording and AI-assisted notes",
        Purpose::TelehealthRecording => "recording by phone or video",
        Purpose::Supervision => "use in supervision",
        Purpose::Training => "use in teaching",
        Purpose::CloudProcessing => "work by companies outside the practice",
        Purpose::Part2Disclosure => "disclosure of records on substance use",
        Purpose::PsychotherapyNotesDisclosure => "use or disclosure of psychotherapy notes",
    }
}

/// A purpose in a language (ISO 639-1) that has words for it; in English otherwise. The Spanish is machine-translated
/// by Provenote's makers, not reviewed by a person.
#[must_use]
pub fn purpose_words_in(purpose: Purpose, lang: &str) -> &'static str {
    if lang != "es" {
        return purpose_words(purpose);
    }
    match purpose {
        Purpose::AiNotes => "grabación y notas con ayuda de IA",
        Purpose::TelehealthRecording => "grabación por teléfono o video",
        Purpose::Supervision => "uso en la supervisión",
        Purpose::Training => "uso en la enseñanza",
        Purpose::CloudProcessing => "trabajo de empresas de fuera del consultorio",
        Purpose::Part2Disclosure => "entrega de expedientes sobre consumo de sustancias",
        Purpose::PsychotherapyNotesDisclosure => "uso o entrega de notas de psicoterapia",
    }
}

/// Where a client's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// As a whole.
    pub status: Status,
    /// Why it is not in force, in sentences without names; empty where it is.
    pub reasons: Vec<String>,
    /// Everybody who is asked, in the order of the file.
    pub people: Vec<ParticipantStanding>,
    /// For what it was asked.
    pub purposes: Vec<(Purpose, Status)>,
    /// Since when it is in force, or since when it is not, where that is known.
    pub since: Option<Time>,
    /// When the first of the consents in force ends.
    pub until: Option<Time>,
    /// What has changed since the forms that are stale, each once.
    pub changes: Vec<Change>,
    /// What to do next; empty where it is in force.
    pub next: Vec<Step>,
}

impl Standing {
    /// In plain words, a line for each thing: whether it is in force, since when, for what, why not, what to do.
    /// People stand in it by id.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let what: Vec<&str> = self.purposes.iter().map(|(purpose, _)| purpose_words(*purpose)).collect();
        let mut lines = Vec::new();
        let mut first = format!("Consent to {} is {}", what.join(" and "), self.status.words());
        if let Some(since) = self.since {
            first += &format!(", since {}", since.date());
        }
        if let Some(until) = self.until {
            first += &format!(", until {}", until.date());
        }
        lines.push(first + ".");
        lines.extend(self.reasons.iter().map(|reason| {
            let mut chars = reason.chars();
            let head: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
            format!("{head}{}.", chars.as_str())
        }));
        lines.extend(self.next.iter().map(|step| format!("Next: {}.", step.words())));
        lines
    }
}

/// One person and one purpose, judged.
struct Cell {
    purpose: Purpose,
    status: Status,
    since: Option<Time>,
    yes: Option<(ConsentId, Time)>,
    spoken: bool,
    reasons: Vec<String>,
    changes: Vec<Change>,
    /// Stale by changes of the facts alone, so that the short form is enough.
    amendable: bool,
}

/// What a sentence about a participant begins with. Never a name: reasons go into messages.
fn who(person: &Participant, people: &[Participant]) -> String {
    let role = match person.role {
        ParticipantRole::Client => "the client",
        ParticipantRole::Guardian => "the parent or guardian",
        ParticipantRole::Participant => return format!("a participant ({})", person.id),
        ParticipantRole::Partner => "the partner",
        ParticipantRole::Family => "the family member",
        ParticipantRole::GroupMember => "the group member",
        ParticipantRole::Minor => "the young person",
        ParticipantRole::Interpreter => "the interpreter",
        ParticipantRole::Observer => "the observer",
        ParticipantRole::Supervisor => "the supervisor",
    };
    if people.iter().filter(|other| other.role == person.role).count() == 1 {
        role.to_owned()
    } else {
        format!("{role} ({})", person.id)
    }
}

struct Judge<'q, 'r> {
    question: &'q Question<'q>,
    record: &'r Record,
    today: &'q Today<'q>,
    circle: Circle<'q>,
}

impl Judge<'_, '_> {
    /// Whether a yes holds today; the reasons why not, what changed, and whether the changes are all.
    fn holds(&self, asked: &Asked<'_>, who: &str, yes: &Yes, how: &str) -> (Status, Vec<String>, Vec<Change>, bool) {
        let form = &yes.form;
        let day = yes.time.date();
        let mut reasons = Vec::new();
        let mut changes = Vec::new();
        let mut amendable = true;
        match self.today.since(form) {
            Some(since) if since.is_empty() => {}
            Some(since) => {
                let told: Vec<&str> = since.iter().map(|change| change.words.as_str()).collect();
                reasons.push(format!("since {who} {how} on {day}: {}", told.join("; ")));
                changes.extend(since.into_iter().cloned());
            }
            None => {
                amendable = false;
                reasons
                    .push(format!("what the form told that {who} {how} on {day} is not at hand to compare with today"));
            }
        }
        let unnamed = |one: &Asked<'_>| !form.people.contains(&(one.person.id.clone(), one.person.role));
        if self.circle.asked.iter().any(unnamed) {
            amendable = false;
            reasons.push(format!("since {who} {how} on {day}, somebody has joined whom the form does not name"));
        }
        if asked.of_age.is_some_and(|at| yes.time < at && at <= self.today.now) {
            amendable = false;
            reasons.push(format!("since {who} {how} on {day}, the signer has come of age and is asked again"));
        }
        let over = self.today.now >= form.expires;
        let status = match (reasons.is_empty(), over) {
            (false, _) => Status::Stale,
            (true, true) => Status::Expired,
            (true, false) => Status::InForce,
        };
        if over {
            amendable = false;
            reasons.push(format!("the consent {who} {how} ended on {}", form.expires.date()));
        }
        (status, reasons, changes, amendable)
    }

    fn cell(&self, asked: &Asked<'_>, who: &str, purpose: Purpose) -> Cell {
        let silent = Stand::default();
        let stand = self.record.stand(&asked.person.id, purpose).unwrap_or(&silent);
        let several = self.question.purposes.len() > 1;
        let for_what = if several { format!(" for {}", purpose_words(purpose)) } else { String::new() };
        let mut cell = match &stand.word {
            Word::Silent => Cell {
                purpose,
                status: Status::Missing,
                since: None,
                yes: None,
                spoken: false,
                reasons: vec![format!("{who} has not signed{for_what}")],
                changes: Vec::new(),
                amendable: false,
            },
            Word::Declined { time } | Word::Revoked { time } => {
                let revoked = matches!(stand.word, Word::Revoked { .. });
                let what = if revoked { "took the consent back" } else { "said no" };
                Cell {
                    purpose,
                    status: if revoked { Status::Revoked } else { Status::Declined },
                    since: Some(*time),
                    yes: None,
                    spoken: false,
                    reasons: vec![format!("{who} {what}{for_what} on {}", time.date())],
                    changes: Vec::new(),
                    amendable: false,
                }
            }
            Word::Signed(yes) => {
                let (status, reasons, changes, amendable) = self.holds(asked, who, yes, "signed");
                Cell {
                    purpose,
                    status,
                    since: Some(yes.time),
                    yes: Some((yes.form.consent.clone(), yes.form.expires)),
                    spoken: false,
                    reasons,
                    changes,
                    amendable,
                }
            }
        };
        if let Talk::Spoken(yes) = &stand.talk
            && cell.status != Status::InForce
        {
            let (status, reasons, ..) = self.holds(asked, who, yes, "said yes aloud");
            if !self.question.policy.spoken_opens {
                cell.reasons.push(format!(
                    "{who} said yes aloud on {}; by the practice's policy only a signature counts",
                    yes.time.date()
                ));
            } else if self.question.terms.writing {
                cell.reasons.push(format!(
                    "{who} said yes aloud on {}; a law that applies asks for writing, or it is not verified that none does, so only a signature counts",
                    yes.time.date()
                ));
            } else if status == Status::InForce {
                cell = Cell {
                    status,
                    since: Some(yes.time),
                    yes: Some((yes.form.consent.clone(), yes.form.expires)),
                    spoken: true,
                    reasons: Vec::new(),
                    changes: Vec::new(),
                    ..cell
                };
            } else {
                cell.reasons.extend(reasons);
            }
        }
        if cell.status != Status::InForce
            && let Some(flaw) = stand.passed_over
        {
            cell.reasons.push(format!("a signature of {who} does not count: {}", flaw.words()));
        }
        cell
    }
}

/// First what weighs most.
const ORDER: [Status; 4] = [Status::Revoked, Status::Declined, Status::Stale, Status::Expired];

fn worst(statuses: &[Status]) -> Status {
    let all = |status| statuses.iter().all(|one| *one == status);
    match ORDER.into_iter().find(|status| statuses.contains(status)) {
        Some(status) => status,
        None if statuses.is_empty() || all(Status::Missing) => Status::Missing,
        None if all(Status::InForce) => Status::InForce,
        None => Status::Incomplete,
    }
}

/// Judges a record: everybody who is asked, each for every purpose.
///
/// Nobody present, no client in the file, or no purpose at all is [`Status::Missing`].
#[must_use]
pub fn standing(question: &Question<'_>, record: &Record, today: &Today<'_>) -> Standing {
    let circle = question.room.circle(&question.terms, question.policy, today.now);
    let judge = Judge { question, record, today, circle };
    let cells: Vec<Vec<Cell>> = judge
        .circle
        .asked
        .iter()
        .map(|asked| {
            let who = who(asked.person, question.room.people);
            question.purposes.iter().map(|purpose| judge.cell(asked, &who, *purpose)).collect()
        })
        .collect();
    let spare: Vec<bool> =
        judge.circle.asked.iter().zip(&cells).map(|(asked, own)| spared(&judge.circle, asked, own, &cells)).collect();

    let mut reasons: Vec<String> = Vec::new();
    let mut statuses: Vec<Status> = Vec::new();
    let mut next: Vec<Step> = Vec::new();
    let client = question.room.people.iter().any(|person| person.role == ParticipantRole::Client);
    if !client {
        reasons.push("no client is among the people who take part".to_owned());
        statuses.push(Status::Missing);
    }
    if question.purposes.is_empty() || cells.is_empty() {
        statuses.push(Status::Missing);
        reasons.push("nobody was asked for anything".to_owned());
    }
    for ward in judge.circle.wards.iter().filter(|ward| ward.guardians.len() < ward.needed) {
        statuses.push(Status::Missing);
        let person = question.room.people.iter().find(|person| person.id == *ward.of);
        let of = person.map_or_else(String::new, |person| who(person, question.room.people));
        reasons.push(format!(
            "{of} is asked together with {}, and {} in the file",
            if ward.needed == 1 { "a parent or guardian" } else { "two parents or guardians" },
            if ward.guardians.is_empty() { "none stands" } else { "only one stands" }
        ));
        next.push(Step::AddGuardian { participant: ward.of.clone() });
    }
    let needed = || judge.circle.asked.iter().zip(&cells).zip(&spare).filter(|(_, spare)| !**spare).map(|(one, _)| one);
    for reason in needed().flat_map(|(_, own)| own).flat_map(|cell| &cell.reasons) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    statuses.extend(needed().flat_map(|(_, own)| own).map(|cell| cell.status));
    let status = worst(&statuses);
    let in_force = status == Status::InForce;
    let all_cells = || needed().flat_map(|(_, own)| own);
    let mut changes: Vec<Change> = Vec::new();
    for change in all_cells().flat_map(|cell| &cell.changes) {
        if !changes.contains(change) {
            changes.push(change.clone());
        }
    }
    if in_force {
        reasons.clear();
    } else {
        let open: Vec<(&Asked<'_>, &Cell)> = needed()
            .flat_map(|(asked, own)| own.iter().map(move |cell| (asked, cell)))
            .filter(|(_, cell)| cell.status != Status::InForce)
            .collect();
        steps(&judge, &open, &mut next);
    }
    Standing {
        status,
        since: if in_force {
            all_cells().filter_map(|cell| cell.since).max()
        } else {
            match status {
                Status::Revoked | Status::Declined => {
                    all_cells().filter(|cell| cell.status == status).filter_map(|cell| cell.since).min()
                }
                Status::Expired => all_cells()
                    .filter(|cell| cell.status == status)
                    .filter_map(|cell| cell.yes.as_ref().map(|(_, expires)| *expires))
                    .min(),
                _ => None,
            }
        },
        until: in_force
            .then(|| all_cells().filter_map(|cell| cell.yes.as_ref().map(|(_, expires)| *expires)).min())
            .flatten(),
        purposes: question
            .purposes
            .iter()
            .map(|purpose| {
                let own: Vec<Status> =
                    all_cells().filter(|cell| cell.purpose == *purpose).map(|cell| cell.status).collect();
                (*purpose, worst(&own))
            })
            .collect(),
        people: judge
            .circle
            .asked
            .iter()
            .zip(cells.iter().zip(&spare))
            .map(|(asked, (own, spare))| person_standing(asked, own, !*spare))
            .collect(),
        reasons,
        changes,
        next,
    }
}

fn person_standing(asked: &Asked<'_>, own: &[Cell], needed: bool) -> ParticipantStanding {
    let statuses: Vec<Status> = own.iter().map(|cell| cell.status).collect();
    let status = match worst(&statuses) {
        Status::Incomplete => Status::Missing,
        status => status,
    };
    let consents: BTreeSet<ConsentId> =
        own.iter().filter_map(|cell| cell.yes.as_ref()).map(|(id, _)| id.clone()).collect();
    let mut reasons: Vec<String> = Vec::new();
    for reason in own.iter().flat_map(|cell| &cell.reasons) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    ParticipantStanding {
        participant: asked.person.id.clone(),
        role: asked.person.role,
        capacity: asked.capacity.clone(),
        needed,
        status,
        purposes: own.iter().map(|cell| (cell.purpose, cell.status)).collect(),
        since: own.iter().filter_map(|cell| cell.since).max(),
        consents: consents.into_iter().collect(),
        spoken: own.iter().any(|cell| cell.spoken),
        reasons,
    }
}

/// True for a guardian who need not be waited for: who is not present, has not said no, and of whose every ward
/// enough other guardians have said yes to everything.
fn spared(circle: &Circle<'_>, asked: &Asked<'_>, own: &[Cell], cells: &[Vec<Cell>]) -> bool {
    let Capacity::Guardian { of } = &asked.capacity else { return false };
    let said_no = own.iter().any(|cell| matches!(cell.status, Status::Revoked | Status::Declined));
    let in_force = |own: &[Cell]| !own.is_empty() && own.iter().all(|cell| cell.status == Status::InForce);
    let enough = |ward: &Wards<'_>| {
        let others = circle
            .asked
            .iter()
            .zip(cells)
            .filter(|(one, _)| one.person.id != asked.person.id && ward.guardians.contains(&&one.person.id));
        others.filter(|(_, own)| in_force(own)).count() >= ward.needed
    };
    !asked.present && !said_no && !in_force(own) && circle.wards.iter().filter(|ward| of.contains(ward.of)).all(enough)
}

/// What to do about the people and purposes that are open.
fn steps(judge: &Judge<'_, '_>, open: &[(&Asked<'_>, &Cell)], next: &mut Vec<Step>) {
    if open.iter().any(|(_, cell)| matches!(cell.status, Status::Revoked | Status::Declined)) {
        next.push(Step::Dictate);
        return;
    }
    // A form that can be signed as it is: whole, of today's facts, not over, naming everybody.
    let now = judge.today.now;
    let digest = judge.today.digest;
    let ready = |purpose: Purpose, who: &ParticipantId| {
        judge
            .record
            .forms()
            .rfind(|form| {
                form.flaw.is_none()
                    && form.amends.is_none()
                    && form.purposes.contains(&purpose)
                    && form.disclosure_digest == digest
                    && now < form.expires
                    && form.people.iter().any(|(id, _)| id == who)
                    && judge
                        .circle
                        .asked
                        .iter()
                        .all(|one| form.people.contains(&(one.person.id.clone(), one.person.role)))
            })
            .map(|form| form.consent.clone())
    };
    // A short form of today's facts that was made already.
    let short = |base: &ConsentId, who: &ParticipantId| {
        let mut made = judge.record.forms().filter(|form| {
            form.flaw.is_none()
                && form.amends.as_ref() == Some(base)
                && form.disclosure_digest == digest
                && now < form.expires
                && form.people.iter().any(|(id, _)| id == who)
        });
        made.next_back().map(|form| form.consent.clone())
    };
    let mut make: Vec<Purpose> = Vec::new();
    let mut ask: BTreeMap<ConsentId, Vec<ParticipantId>> = BTreeMap::new();
    let mut amend: BTreeMap<ConsentId, Vec<ParticipantId>> = BTreeMap::new();
    for (asked, cell) in open {
        let id = &asked.person.id;
        let amendable = cell.yes.as_ref().filter(|_| cell.amendable).map(|(consent, _)| (consent, short(consent, id)));
        let list = match (amendable, ready(cell.purpose, id)) {
            (Some((_, Some(made))), _) => ask.entry(made).or_default(),
            (Some((consent, None)), _) => amend.entry(consent.clone()).or_default(),
            (None, Some(consent)) => ask.entry(consent).or_default(),
            (None, None) => {
                if !make.contains(&cell.purpose) {
                    make.push(cell.purpose);
                }
                continue;
            }
        };
        if !list.contains(id) {
            list.push(id.clone());
        }
    }
    if !make.is_empty() {
        next.push(Step::MakeForm { purposes: make });
    }
    next.extend(amend.into_iter().map(|(consent, participants)| Step::Amend { participants, consent }));
    next.extend(ask.into_iter().map(|(consent, participants)| Step::Ask { participants, consent }));
}

#[cfg(test)]
mod tests;
