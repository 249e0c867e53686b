//! The views of a note: what a role needs and no more (45 CFR 164.502(b), 164.514(d)(2)).
//!
//! A biller's view is made without the note: [`Claim`] holds what `rules/billing.yaml` lists, and nothing of the text can
//! get into it. The de-identified view goes through [`crate::clean_parts`] and needs a person's confirmation before it
//! leaves.

use std::sync::LazyLock;

use provenote_schemas::Time;
use provenote_schemas::note::{Danger, NoteState, NoteText, Warning};
use serde::{Deserialize, Serialize};

use crate::cleaned::{Doubt, Removal, Withheld};
use crate::{Options, Roster, clean_parts};

const RULES: &str = include_str!("../rules/billing.yaml");

/// The codes of an individual session that go by its time: one of them per session.
const INDIVIDUAL: [&str; 3] = ["90832", "90834", "90837"];

/// How much of a note somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The note as it is: who treats or supervises.
    Full,
    /// Codes, dates, times and identities, never note text: who bills.
    Billing,
    /// Text without identifiers: who does research.
    Deidentified,
    /// That there is a note and how far it has come.
    StatusOnly,
}

/// What a claim needs, as the practice recorded it beside the note. The fields are those of `rules/billing.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claim {
    /// The client's name.
    pub client_name: Option<String>,
    /// YYYY-MM-DD.
    pub birth_date: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// Payer, plan and member number.
    pub policy: Option<String>,
    /// YYYY-MM-DD.
    pub service_date: Option<String>,
    /// Place of service, or the telehealth modifier.
    pub place_of_service: Option<String>,
    /// CPT codes, each with its units.
    pub codes: Vec<Code>,
    /// When the psychotherapy began, as the clinician entered it; never the length of a recording.
    pub start: Option<Time>,
    /// When it ended.
    pub stop: Option<Time>,
    /// Diagnosis codes on the claim (ICD-10-CM).
    pub diagnoses: Vec<String>,
    /// Who rendered the service.
    pub clinician: Option<String>,
    /// Their National Provider Identifier.
    pub npi: Option<String>,
    /// The payer's authorization.
    pub authorization: Option<String>,
    /// In cents.
    pub fee_cents: Option<u64>,
    /// In cents.
    pub paid_cents: Option<u64>,
}

/// A code on a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Five digits.
    pub code: String,
    /// How many.
    pub units: u32,
}

/// What a person should settle before the claim leaves. Software proposes nothing here: the clinician confirms the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The minutes between start and stop are not those of the code.
    TimeDoesNotFit {
        /// The code.
        code: String,
        /// From start to stop, whole minutes.
        minutes: i64,
        /// The fewest minutes of the code.
        least: i64,
        /// The most, if there is a most.
        most: Option<i64>,
    },
    /// The code depends on time, and start or stop is missing.
    NoTimes {
        /// The code.
        code: String,
    },
    /// The stop is not after the start.
    EndsBeforeItBegins,
    /// Nothing is known here about the code.
    CodeNotKnown {
        /// The code.
        code: String,
    },
    /// More than one code that goes by the time of an individual session: `cpt_rules` allows one.
    SeveralTimedCodes {
        /// The codes.
        codes: Vec<String>,
    },
    /// Something a claim needs is not entered yet.
    Missing {
        /// The claim's field, such as `birth_date`.
        field: String,
    },
}

/// The biller's view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingView {
    /// What the claim needs.
    pub claim: Claim,
    /// What does not fit together.
    pub questions: Vec<Question>,
}

/// A section without identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeidentifiedSection {
    /// The section's key in the format.
    pub name: String,
    /// Its sentences, cleaned; all empty where the note is withheld.
    pub sentences: Vec<String>,
}

/// The researcher's view of a note. Without ids: they are codes that lead back to the client's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeidentifiedView {
    /// Such as `SOAP`.
    pub format: String,
    /// In the format's order.
    pub sections: Vec<DeidentifiedSection>,
    /// What the warnings were about, without their words.
    pub dangers: Vec<Danger>,
    /// What was taken out. For the list of the release, not for the researcher: it holds positions, not words.
    pub removed: Vec<Removal>,
    /// Set where the note must not leave.
    pub withheld: Option<Withheld>,
    /// What the person who confirms should look at.
    pub doubts: Vec<Doubt>,
}

/// That there is a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Such as `SOAP`.
    pub format: String,
    /// How far it has come.
    pub state: NoteState,
    /// Warnings without an answer that the draft does not speak of: attesting waits for them.
    pub unanswered: usize,
}

/// A note as somebody sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum NoteView<'a> {
    /// Everything.
    Full {
        /// How far it has come.
        state: NoteState,
        /// The note.
        note: &'a NoteText,
    },
    /// Codes, dates, times and identities.
    Billing(Box<BillingView>),
    /// Text without identifiers.
    Deidentified(DeidentifiedView),
    /// How far it has come.
    StatusOnly(StatusView),
}

/// What the de-identified view needs beside the note.
#[derive(Debug, Clone, Copy)]
pub struct Cleaning<'a> {
    /// Whom the practice knows.
    pub roster: &'a Roster,
    /// How to clean.
    pub options: &'a Options,
    /// 32 random bytes for this release.
    pub seed: &'a [u8; 32],
}

/// A note as a view shows it. For the view that is asked for, only what it needs is looked at.
#[must_use]
pub fn view<'a>(
    view: View,
    note: &'a NoteText,
    state: NoteState,
    claim: &Claim,
    cleaning: &Cleaning<'_>,
) -> NoteView<'a> {
    match view {
        View::Full => NoteView::Full { state, note },
        View::Billing => NoteView::Billing(Box::new(billing(claim))),
        View::Deidentified => NoteView::Deidentified(deidentified(note, cleaning)),
        View::StatusOnly => NoteView::StatusOnly(status(note, state)),
    }
}

/// How far a note has come, and nothing of what it says.
#[must_use]
pub fn status(note: &NoteText, state: NoteState) -> StatusView {
    let open = |warning: &&Warning| !warning.in_draft && warning.answer.is_none();
    StatusView { format: note.format.clone(), state, unanswered: note.warnings.iter().filter(open).count() }
}

/// A note without identifiers. Reasons of marks and quotations of warnings are left out: they repeat the transcript.
#[must_use]
pub fn deidentified(note: &NoteText, cleaning: &Cleaning<'_>) -> DeidentifiedView {
    let texts: Vec<&str> = note
        .sections
        .iter()
        .flat_map(|section| section.sentences.iter().map(|sentence| sentence.text.as_str()))
        .collect();
    let cleaned = clean_parts(&texts, cleaning.roster, cleaning.options, cleaning.seed);
    let mut parts = cleaned.parts.into_iter();
    let sections = note
        .sections
        .iter()
        .map(|section| DeidentifiedSection {
            name: section.name.clone(),
            sentences: parts.by_ref().take(section.sentences.len()).collect(),
        })
        .collect();
    let mut dangers: Vec<Danger> = note.warnings.iter().map(|warning| warning.danger).collect();
    dangers.sort_unstable();
    dangers.dedup();
    DeidentifiedView {
        format: note.format.clone(),
        sections,
        dangers,
        removed: cleaned.whole.removed,
        withheld: cleaned.whole.withheld,
        doubts: cleaned.whole.doubts,
    }
}

/// What a biller sees. It is made of the claim alone.
#[must_use]
pub fn billing(claim: &Claim) -> BillingView {
    let minutes = claim.start.zip(claim.stop).map(|(start, stop)| (stop.millis() - start.millis()).div_euclid(60_000));
    let mut questions = Vec::new();
    if minutes.is_some_and(|minutes| minutes <= 0) {
        questions.push(Question::EndsBeforeItBegins);
    }
    for Code { code, .. } in &claim.codes {
        let Some(rule) = rule_of(code) else {
            questions.push(Question::CodeNotKnown { code: code.clone() });
            continue;
        };
        let Some(least) = rule.min_minutes else { continue };
        match minutes {
            None => questions.push(Question::NoTimes { code: code.clone() }),
            Some(minutes)
                if minutes > 0 && (minutes < least || rule.max_minutes.is_some_and(|most| minutes > most)) =>
            {
                questions.push(Question::TimeDoesNotFit { code: code.clone(), minutes, least, most: rule.max_minutes });
            }
            Some(_) => {}
        }
    }
    let timed: Vec<String> =
        claim.codes.iter().map(|code| code.code.clone()).filter(|code| INDIVIDUAL.contains(&code.as_str())).collect();
    if timed.len() > 1 {
        questions.push(Question::SeveralTimedCodes { codes: timed });
    }
    let needed = [
        ("client_name", claim.client_name.is_none()),
        ("birth_date", claim.birth_date.is_none()),
        ("service_date", claim.service_date.is_none()),
        ("place_of_service", claim.place_of_service.is_none()),
        ("codes", claim.codes.is_empty()),
        ("diagnoses", claim.diagnoses.is_empty()),
        ("clinician", claim.clinician.is_none()),
        ("npi", claim.npi.is_none()),
    ];
    let missing = needed.into_iter().filter(|(_, missing)| *missing);
    questions.extend(missing.map(|(field, _)| Question::Missing { field: field.to_owned() }));
    BillingView { claim: claim.clone(), questions }
}

/// What the biller's view rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingBasis {
    /// The sections.
    pub basis: String,
    /// How that was checked. Always shown with it.
    pub verification: String,
    /// What a biller may see.
    pub may_see: Vec<String>,
    /// What a payer may ask for beyond it.
    pub only_when_payer_asks: Vec<String>,
    /// What no biller sees.
    pub must_not_see: Vec<String>,
}

/// A procedure code and the time that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRule {
    /// Five digits; several joined by ` / ` share a line.
    pub code: String,
    /// A short paraphrase.
    pub label: String,
    /// The fewest minutes.
    #[serde(default)]
    pub min_minutes: Option<i64>,
    /// The most minutes.
    #[serde(default)]
    pub max_minutes: Option<i64>,
    /// The time in words, where it is not a range of minutes.
    #[serde(default)]
    pub time: Option<String>,
    /// How that was checked.
    pub verification: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    cpt: Vec<CodeRule>,
    #[expect(dead_code, reason = "for the reader of the file")]
    cpt_rules: Vec<TimeRule>,
    billing_view: BillingBasis,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the reader of the file")]
struct TimeRule {
    rule: String,
    verification: String,
}

/// Unreadable rules would make every code unknown (a test reads them).
static LOADED: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

/// What the biller's view rests on, with the mark of how it was checked.
#[must_use]
pub fn billing_basis() -> Option<&'static BillingBasis> {
    LOADED.as_ref().map(|rules| &rules.billing_view)
}

/// What is known of a code.
#[must_use]
pub fn rule_of(code: &str) -> Option<&'static CodeRule> {
    LOADED.as_ref()?.cpt.iter().find(|rule| rule.code.split(" / ").any(|one| one == code))
}

#[cfg(test)]
mod tests {
    use provenote_schemas::note::{Origin, Section, Sentence, Support};
    use provenote_schemas::{NoteId, SessionId};

    use super::*;

    fn note() -> NoteText {
        let sentence = |text: &str| Sentence {
            text: text.to_owned(),
            origin: Origin::Model,
            segments: vec![1],
            support: Support::Weak,
            reasons: vec!["Marcus is not in the transcript".to_owned()],
        };
        NoteText {
            note: NoteId::from_random([1; 10]),
            session: SessionId::from_random([2; 10]),
            format: "SOAP".to_owned(),
            sections: vec![
                Section {
                    name: "Subjective".to_owned(),
                    sentences: vec![sentence("Client told Marcus to leave."), sentence("Marcus left on May 3, 2023.")],
                    for_clinician: Some("Ask about Marcus".to_owned()),
                },
                Section {
                    name: "Plan".to_owned(),
                    sentences: vec![sentence("Continue sertraline 50 mg.")],
                    for_clinician: None,
                },
            ],
            warnings: vec![Warning {
                id: "w1".to_owned(),
                danger: Danger::Suicide,
                segments: vec![1],
                quote: "I told Marcus I want to die".to_owned(),
                in_draft: false,
                answer: None,
            }],
            removed: Vec::new(),
            doubts: Vec::new(),
            consent_statement: vec!["Marcus Reed signed on May 3, 2023.".to_owned()],
        }
    }

    fn claim(code: &str, minutes: Option<i64>) -> Claim {
        let text = |words: &str| Some(words.to_owned());
        Claim {
            client_name: text("A. Client"),
            birth_date: text("1980-01-01"),
            service_date: text("2024-05-03"),
            place_of_service: text("11"),
            codes: vec![Code { code: code.to_owned(), units: 1 }],
            start: Some(Time::from_millis(0)),
            stop: minutes.map(|minutes| Time::from_millis(minutes * 60_000)),
            diagnoses: vec!["F41.1".to_owned()],
            clinician: text("B. Clinician"),
            npi: text("1234567893"),
            ..Claim::default()
        }
    }

    fn shown(which: View) -> String {
        let (roster, options) = (Roster::default(), Options::years(Some(2024)));
        let cleaning = Cleaning { roster: &roster, options: &options, seed: &[3; 32] };
        let note = note();
        serde_json::to_string(&view(which, &note, NoteState::Draft, &claim("90834", Some(45)), &cleaning))
            .expect("JSON")
    }

    #[test]
    fn a_biller_sees_no_word_of_the_note() {
        let shown = shown(View::Billing);
        assert!(shown.contains("90834") && shown.contains("A. Client"));
        for word in ["Marcus", "sertraline", "Subjective", "die", "suicide", "note-", "session"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
    }

    #[test]
    fn a_status_says_nothing_of_the_text() {
        let shown = shown(View::StatusOnly);
        assert!(shown.contains("draft") && shown.contains("\"unanswered\":1"));
        for word in ["Marcus", "sertraline", "die", "Client"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
    }

    #[test]
    fn a_researcher_sees_the_note_without_names_and_ids() {
        let shown = shown(View::Deidentified);
        assert!(shown.contains("sertraline 50 mg") && shown.contains("[date:2023]") && shown.contains("suicide"));
        for word in ["Marcus", "May 3", "w1", "note", "want to die", "signed"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
        assert!(self::shown(View::Full).contains("Marcus"));
    }

    #[test]
    fn the_time_of_a_code_is_checked() {
        let questions = |code: &str, minutes| billing(&claim(code, minutes)).questions;
        assert_eq!(questions("90834", Some(45)), []);
        assert!(matches!(questions("90837", Some(45))[..], [Question::TimeDoesNotFit { least: 53, most: None, .. }]));
        assert!(matches!(questions("90834", None)[..], [Question::NoTimes { .. }]));
        assert!(matches!(questions("90834", Some(-5))[..], [Question::EndsBeforeItBegins]));
        assert!(matches!(questions("12345", Some(45))[..], [Question::CodeNotKnown { .. }]));
        assert_eq!(questions("90840", Some(45)), []);
    }

    #[test]
    fn what_is_missing_and_a_second_timed_code_are_asked_about() {
        let mut asked = claim("90834", Some(45));
        asked.npi = None;
        asked.codes.push(Code { code: "90832".to_owned(), units: 1 });
        let questions = billing(&asked).questions;
        assert!(questions.contains(&Question::Missing { field: "npi".to_owned() }), "{questions:?}");
        assert!(
            questions
                .iter()
                .any(|question| matches!(question, Question::SeveralTimedCodes { codes } if codes.len() == 2))
        );
        assert_eq!(billing(&Claim::default()).questions.len(), 8);
    }

    #[test]
    fn the_claim_has_the_fields_that_the_rules_list_and_no_other() {
        let basis = billing_basis().expect("the rules are readable");
        assert!(basis.verification.contains("verified from") && !basis.must_not_see.is_empty());
        let listed = basis.may_see.join("; ").to_lowercase();
        let words = [
            ("client_name", "client name"),
            ("birth_date", "date of birth"),
            ("address", "address"),
            ("policy", "policy data"),
            ("service_date", "date of service"),
            ("place_of_service", "place of service"),
            ("codes", "cpt code and units"),
            ("start", "start and stop time"),
            ("stop", "start and stop time"),
            ("diagnoses", "diagnosis code"),
            ("clinician", "rendering clinician"),
            ("npi", "npi"),
            ("authorization", "authorization number"),
            ("fee_cents", "fee"),
            ("paid_cents", "payments"),
        ];
        let fields = serde_json::to_value(Claim::default()).expect("JSON");
        let names: Vec<&String> = fields.as_object().expect("an object").keys().collect();
        assert_eq!(names.len(), words.len());
        for (name, word) in words {
            assert!(names.iter().any(|field| *field == name), "{name}");
            assert!(listed.contains(word), "{word}");
        }
    }
}
