//! Which rules of law bear on a session: recording, written notice of AI, what AI may not do, minors.
//! Read from `rules/jurisdictions.yaml`; every line carries its citation, its mark and the date it was checked.
//!
//! Where several states may apply, the strictest rule of all counts. What is not verified is treated as the
//! strictest, and said so. Facts for product design, not legal advice.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use provenote_schemas::Purpose;
use provenote_schemas::disclosure::{DisclosureFacts, Place};
use serde::{Deserialize, Serialize};

use crate::states::{AiNotice, State};

const RULES: &str = include_str!("../rules/jurisdictions.yaml");

/// What is said of everything that is not known.
pub const NOT_VERIFIED: &str = "not verified, treated as the strictest";

/// How the session is held. Rules on recording differ between the room and the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// In one room.
    InPerson,
    /// By telephone.
    Telephone,
    /// By video.
    Video,
}

impl Modality {
    /// Every modality.
    pub const ALL: &'static [Self] = &[Self::InPerson, Self::Telephone, Self::Video];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InPerson => "in_person",
            Self::Telephone => "telephone",
            Self::Video => "video",
        }
    }

    /// The modality a word stands for, if it is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::InPerson => "in person",
            Self::Telephone => "by telephone",
            Self::Video => "by video",
        }
    }
}

/// Whose consent the law on recording asks for. The product asks everybody, whatever the law says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parties {
    /// One of those who talk.
    OneParty,
    /// Everybody who talks.
    AllParty,
}

/// Whether a law stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawStanding {
    /// Enacted, as the sources say.
    Enacted,
    /// Pending, failed or dead when checked.
    NotLaw,
    /// Reported, not verified.
    NotVerified,
}

/// Whether a law reaches the drafting of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// It speaks of it.
    Direct,
    /// It may touch it.
    Indirect,
    /// It does not.
    None,
    /// Not known.
    Unknown,
}

/// A law or bill on AI, as the sources tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AiLaw {
    /// Its name.
    pub law: String,
    /// Where it stands.
    pub citation: String,
    /// Whether it is law.
    pub standing: LawStanding,
    /// The same in the words of the sources.
    pub status: String,
    /// Since when, as the sources say.
    pub effective: Option<String>,
    /// Whether it reaches the drafting of notes.
    pub bears_on_notes: Bearing,
    /// What it asks of the clinician.
    pub requires: Vec<String>,
    /// What it forbids.
    pub forbids: Vec<String>,
    /// Whether consent must be in writing; `None` where that was not verified.
    pub written_consent: Option<bool>,
    /// Whether the use of AI must be told; `None` where that was not verified.
    pub disclosure: Option<bool>,
    /// Whether the specific purpose must be told; `None` where that was not verified.
    pub specific_purpose: Option<bool>,
    /// What a breach costs, as the sources say.
    pub penalty: Option<String>,
    /// How all this was checked. Always shown with the citation.
    pub mark: String,
    /// Remarks of whoever checked.
    pub notes: Vec<String>,
}

impl AiLaw {
    /// True where it may bind whoever drafts notes with AI: what is not verified counts as binding.
    #[must_use]
    pub const fn may_bind(&self) -> bool {
        !matches!(self.standing, LawStanding::NotLaw)
            && matches!(self.bears_on_notes, Bearing::Direct | Bearing::Unknown)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    checked: String,
    defaults: Defaults,
    federal: Federal,
    interstate: Interstate,
    majority: Majority,
    states: Vec<StateRules>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    mark: String,
    recording: String,
    unknown_state: String,
    minor: String,
    ai_notice: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Federal {
    #[serde(rename = "parties")]
    _parties: Parties,
    citation: String,
    says: String,
    mark: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Interstate {
    says: String,
    mark: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Majority {
    age: u8,
    says: String,
    #[serde(rename = "citation")]
    _citation: Option<String>,
    mark: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRules {
    code: String,
    recording: Recording,
    minor_consent: Option<MinorConsent>,
    minor_note: Option<String>,
    majority: Option<u8>,
    ai_laws: Vec<AiLaw>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    phone_or_video: Option<Parties>,
    in_person: Option<Parties>,
    citation: Option<String>,
    mark: String,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MinorConsent {
    age: Option<u8>,
    limits: String,
    citation: String,
    mark: String,
}

static TABLE: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

fn rules() -> Option<&'static Rules> {
    TABLE.as_ref()
}

fn of(state: State) -> Option<&'static StateRules> {
    rules().and_then(|rules| rules.states.iter().find(|one| one.code == state.code()))
}

impl StateRules {
    const fn parties(&self, modality: Modality) -> Option<Parties> {
        match modality {
            Modality::InPerson => self.recording.in_person,
            Modality::Telephone | Modality::Video => self.recording.phone_or_video,
        }
    }

    /// Whether consent must be in writing: `Some(false)` only where a law that binds was read and does not ask.
    fn writing(&self) -> Option<bool> {
        let mut binding = self.ai_laws.iter().filter(|law| law.may_bind()).peekable();
        binding.peek()?;
        let asked: Vec<Option<bool>> = binding.map(|law| law.written_consent).collect();
        if asked.contains(&Some(true)) {
            Some(true)
        } else if asked.contains(&None) {
            None
        } else {
            Some(false)
        }
    }
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Consent to recording.
    Recording,
    /// Notice of AI, and consent to it.
    AiNotice,
    /// What AI may not do.
    Prohibition,
    /// Whether a minor may consent alone.
    MinorConsent,
    /// When somebody comes of age.
    Majority,
    /// What the product does of itself, which is not law.
    Product,
}

/// One rule, as it is printed: never without its mark and date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What it is about.
    pub topic: Topic,
    /// Whose rule; `None` for federal law and for the product's own.
    pub state: Option<State>,
    /// What it says.
    pub says: String,
    /// Where it stands; `None` where no text was found.
    pub citation: Option<String>,
    /// How it was checked.
    pub mark: String,
    /// The day it was checked, `YYYY-MM-DD`.
    pub checked: String,
    /// True where nothing was verified and the strictest is taken instead.
    pub strictest: bool,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(state) = self.state {
            write!(f, "{state}: ")?;
        }
        write!(
            f,
            "{} ({}; mark: {}; checked {})",
            self.says,
            self.citation.as_deref().unwrap_or("no citation"),
            self.mark,
            self.checked
        )
    }
}

/// What judging a consent needs of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// From this age on somebody signs for themselves, in years.
    pub majority: u8,
    /// From this age on every state that applies lets a minor consent to the care; `None` where one of them was
    /// not verified. Used only where the practice has confirmed the rules.
    pub own_consent_age: Option<u8>,
    /// A law that applies asks for consent in writing, or it was not verified that none does.
    pub writing: bool,
}

impl Terms {
    /// Of a place of which nothing is known.
    pub const STRICTEST: Self = Self { majority: 21, own_consent_age: None, writing: true };
}

/// The rules for one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applicable {
    /// The states that may apply, each once; `None` stands for somebody whose place is not known.
    pub states: Vec<Option<State>>,
    /// How the session is held.
    pub modality: Modality,
    /// Whose consent the strictest law on recording asks for.
    pub parties: Parties,
    /// What the gate goes by.
    pub terms: Terms,
    /// Every rule behind it.
    pub lines: Vec<Line>,
}

impl Applicable {
    /// What was not verified and is treated as the strictest.
    pub fn not_verified(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.strictest)
    }

    /// What AI may not do.
    pub fn prohibitions(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.topic == Topic::Prohibition)
    }

    /// The laws that ask for a written notice of AI, for the form.
    #[must_use]
    pub fn notices(&self) -> Vec<&'static AiNotice> {
        self.states.iter().flatten().filter_map(|state| state.ai_notice()).collect()
    }
}

struct Writer {
    lines: Vec<Line>,
    checked: &'static str,
}

impl Writer {
    fn says(&mut self, topic: Topic, state: Option<State>, says: String, citation: Option<&str>, mark: &str) {
        self.line(topic, state, says, citation, mark, false);
    }

    fn line(
        &mut self,
        topic: Topic,
        state: Option<State>,
        says: String,
        citation: Option<&str>,
        mark: &str,
        strictest: bool,
    ) {
        let line = Line {
            topic,
            state,
            says,
            citation: citation.map(str::to_owned),
            mark: mark.to_owned(),
            checked: self.checked.to_owned(),
            strictest,
        };
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn recording(&mut self, state: State, rule: &StateRules, modality: Modality) {
        let recording = &rule.recording;
        let how = modality.words();
        let note = recording.note.as_ref().map_or_else(String::new, |note| format!(" Remark: {note}."));
        let (says, strictest) = match rule.parties(modality) {
            Some(Parties::AllParty) => {
                (format!("Everybody in a session {how} must consent to its recording.{note}"), false)
            }
            Some(Parties::OneParty) => (
                format!(
                    "The law on recording asks for the consent of one party to a session {how}; the product asks everybody.{note}"
                ),
                false,
            ),
            None => (format!("Recording a session {how}: {NOT_VERIFIED} (everybody must consent).{note}"), true),
        };
        self.line(Topic::Recording, Some(state), says, recording.citation.as_deref(), &recording.mark, strictest);
    }

    fn ai(&mut self, state: State, rule: &StateRules) {
        for law in &rule.ai_laws {
            let standing = match law.standing {
                LawStanding::Enacted => String::new(),
                LawStanding::NotLaw => "Not a law when checked. ".to_owned(),
                LawStanding::NotVerified => format!("Not a verified law ({NOT_VERIFIED}). "),
            };
            let reach = match law.bears_on_notes {
                Bearing::Direct => "",
                Bearing::Indirect => " It may touch the drafting of notes.",
                Bearing::None => " It does not reach the drafting of notes.",
                Bearing::Unknown => " Whether it reaches the drafting of notes is not known.",
            };
            let asked = |what: &str, value: Option<bool>| match value {
                Some(true) => format!(" {what}: yes."),
                Some(false) => format!(" {what}: no."),
                None => format!(" {what}: {NOT_VERIFIED}."),
            };
            let mut says = format!("{standing}{}. Status: {}.", law.law, law.status);
            if let Some(effective) = &law.effective {
                says += &format!(" In force: {effective}.");
            }
            says += reach;
            for required in &law.requires {
                says += &format!(" {}", required.trim_end_matches('.'));
                says.push('.');
            }
            if law.standing != LawStanding::NotLaw {
                says += &asked("Notice of AI", law.disclosure);
                says += &asked("Consent in writing", law.written_consent);
                says += &asked("The specific purpose must be told", law.specific_purpose);
            }
            if let Some(penalty) = &law.penalty {
                says += &format!(" Penalty: {penalty}.");
            }
            for note in &law.notes {
                says += &format!(" Remark: {}.", note.trim_end_matches('.'));
            }
            let unknown = law.may_bind()
                && (law.standing == LawStanding::NotVerified
                    || law.written_consent.is_none()
                    || law.disclosure.is_none());
            self.line(Topic::AiNotice, Some(state), says, Some(&law.citation), &law.mark, unknown);
            if law.standing != LawStanding::NotLaw {
                for forbidden in &law.forbids {
                    let says = format!("{forbidden} ({})", law.law);
                    self.says(Topic::Prohibition, Some(state), says, Some(&law.citation), &law.mark);
                }
            }
        }
        if !rule.ai_laws.iter().any(AiLaw::may_bind) {
            let says = format!(
                "No law on AI in therapy that is in force was found, which does not show that there is none: {NOT_VERIFIED} (written notice and consent)."
            );
            self.line(Topic::AiNotice, Some(state), says, None, "no text found", true);
        }
    }

    fn minors(&mut self, state: State, rule: &StateRules, all: &Rules) {
        match &rule.minor_consent {
            Some(MinorConsent { age: Some(age), limits, citation, mark }) => self.says(
                Topic::MinorConsent,
                Some(state),
                format!(
                    "A minor of {age} or older may consent to outpatient mental health care. Limits: {limits}. The product asks a parent or guardian too until the practice has confirmed the rule."
                ),
                Some(citation),
                mark,
            ),
            Some(MinorConsent { age: None, limits, citation, mark }) => self.line(
                Topic::MinorConsent,
                Some(state),
                format!("No age from which a minor may consent alone: {NOT_VERIFIED} ({}). The text says: {limits}.", all.defaults.minor),
                Some(citation),
                mark,
                true,
            ),
            None => self.line(
                Topic::MinorConsent,
                Some(state),
                format!("The age from which a minor may consent alone: {NOT_VERIFIED} ({}).", all.defaults.minor),
                None,
                "no text found",
                true,
            ),
        }
        if let Some(note) = &rule.minor_note {
            self.line(Topic::MinorConsent, Some(state), note.clone(), None, "not confirmed", true);
        }
        let age = rule.majority.unwrap_or(all.majority.age);
        let says = format!("Somebody comes of age at {age}. The list behind it: {}.", all.majority.says);
        self.says(Topic::Majority, Some(state), says, None, &all.majority.mark);
    }

    fn everywhere(&mut self, all: &Rules) {
        let federal = &all.federal;
        self.says(
            Topic::Recording,
            None,
            format!("Federal law: {}.", federal.says),
            Some(&federal.citation),
            &federal.mark,
        );
        self.says(Topic::Recording, None, all.interstate.says.clone(), None, &all.interstate.mark);
        let defaults = &all.defaults;
        for says in [&defaults.recording, &defaults.ai_notice, &defaults.minor] {
            let says = format!("What the product does of itself, which is not law: {says}.");
            self.says(Topic::Product, None, says, None, &defaults.mark);
        }
    }
}

/// Everything that is known of one state, a line for each rule, for `consent rules --state XX`.
#[must_use]
pub fn rules_of(state: State) -> Vec<Line> {
    // A test reads the file, so nothing is ever missing here.
    let (Some(all), Some(rule)) = (rules(), of(state)) else { return Vec::new() };
    let mut writer = Writer { lines: Vec::new(), checked: &all.checked };
    writer.recording(state, rule, Modality::InPerson);
    writer.recording(state, rule, Modality::Telephone);
    writer.recording(state, rule, Modality::Video);
    writer.ai(state, rule);
    writer.minors(state, rule, all);
    writer.everywhere(all);
    writer.lines
}

/// The rules for a session: the clinician's state and that of everybody who takes part, `None` where a person's
/// place is not known. The strictest of all counts.
#[must_use]
pub fn rules_for(clinician: Option<State>, people: &[Option<State>], modality: Modality) -> Applicable {
    let states = states_of(clinician, people);
    let Some(all) = rules() else {
        return Applicable { states, modality, parties: Parties::AllParty, terms: Terms::STRICTEST, lines: Vec::new() };
    };
    let mut writer = Writer { lines: Vec::new(), checked: &all.checked };
    let mut parties = Parties::OneParty;
    for state in &states {
        let Some((state, rule)) = state.and_then(|state| of(state).map(|rule| (state, rule))) else {
            let says = format!(
                "The state of somebody who takes part is not known: {NOT_VERIFIED} ({}).",
                all.defaults.unknown_state
            );
            writer.line(Topic::Recording, None, says, None, &all.defaults.mark, true);
            parties = Parties::AllParty;
            continue;
        };
        writer.recording(state, rule, modality);
        writer.ai(state, rule);
        writer.minors(state, rule, all);
        parties = parties.max(rule.parties(modality).unwrap_or(Parties::AllParty));
    }
    writer.everywhere(all);
    let terms = strictest(all, &states);
    Applicable { states, modality, parties, terms, lines: writer.lines }
}

/// The terms of [`rules_for`] alone, without its words: for judging many clients.
#[must_use]
pub fn terms_for(clinician: Option<State>, people: &[Option<State>]) -> Terms {
    rules().map_or(Terms::STRICTEST, |all| strictest(all, &states_of(clinician, people)))
}

/// Every state that somebody is in, each once.
fn states_of(clinician: Option<State>, people: &[Option<State>]) -> Vec<Option<State>> {
    std::iter::once(clinician).chain(people.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What the states ask for, of each the strictest.
fn strictest(all: &Rules, states: &[Option<State>]) -> Terms {
    let mut terms = Terms { majority: all.majority.age, own_consent_age: Some(0), writing: false };
    for state in states {
        let Some(rule) = state.and_then(of) else {
            let oldest = all.states.iter().filter_map(|one| one.majority).max().unwrap_or(Terms::STRICTEST.majority);
            terms = Terms { majority: oldest.max(terms.majority), own_consent_age: None, writing: true };
            continue;
        };
        terms = Terms {
            majority: terms.majority.max(rule.majority.unwrap_or(all.majority.age)),
            own_consent_age: terms
                .own_consent_age
                .and_then(|age| rule.minor_consent.as_ref().and_then(|minor| minor.age).map(|own| own.max(age))),
            writing: terms.writing || rule.writing() != Some(false),
        };
    }
    terms
}

/// The age at which somebody comes of age in a state, in years; mark: from memory, unverified.
#[must_use]
pub fn majority(state: State) -> u8 {
    rules()
        .map_or(Terms::STRICTEST.majority, |all| of(state).and_then(|rule| rule.majority).unwrap_or(all.majority.age))
}

static NOTICES: LazyLock<Vec<(&'static str, AiNotice)>> = LazyLock::new(|| {
    let notice = |rule: &'static StateRules| {
        let law = rule
            .ai_laws
            .iter()
            .find(|law| law.may_bind() && law.standing == LawStanding::Enacted && law.written_consent == Some(true))?;
        let notice = AiNotice {
            law: law.law.clone(),
            citation: law.citation.clone(),
            status: law.status.clone(),
            effective: law.effective.clone().unwrap_or_else(|| NOT_VERIFIED.to_owned()),
            mark: law.mark.clone(),
        };
        Some((rule.code.as_str(), notice))
    };
    rules().map(|all| all.states.iter().filter_map(notice).collect()).unwrap_or_default()
});

/// The law that asks for a written notice of AI and consent in writing, where one was found.
pub(crate) fn written_notice(state: State) -> Option<&'static AiNotice> {
    NOTICES.iter().find(|(code, _)| *code == state.code()).map(|(_, notice)| notice)
}

/// The laws and bills on AI of a state, in the order of the file.
#[must_use]
pub fn ai_laws(state: State) -> &'static [AiLaw] {
    of(state).map_or(&[], |rule| &rule.ai_laws)
}

/// What everybody has to have agreed to before a session is recorded and a note drafted of it: no purpose is
/// implied by another.
#[must_use]
pub fn purposes_needed(modality: Modality, facts: &DisclosureFacts) -> Vec<Purpose> {
    let mut needed = vec![Purpose::AiNotes];
    if modality != Modality::InPerson {
        needed.push(Purpose::TelehealthRecording);
    }
    if facts.place == Place::Cloud || !facts.processors.is_empty() || !facts.vendors.is_empty() {
        needed.push(Purpose::CloudProcessing);
    }
    needed
}

#[cfg(test)]
mod tests;
