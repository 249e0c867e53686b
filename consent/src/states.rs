//! The 50 states and the District of Columbia, and how long notes are kept there. Read from
//! `rules/states.yaml`, with citations and marks. Other rules of the states stand in [`crate::jurisdictions`].

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/states.yaml");

/// A text that is no US state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no US state: give two letters, such as IL, or DC")]
pub struct UnknownState(String);

/// A US state or the District of Columbia, by its two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct State(&'static str);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    default: DefaultRule,
    consent_form: FormRule,
    states: Vec<StateRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultRule {
    note_years: u32,
    citation: String,
    mark: String,
    minor_rule: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormRule {
    years: u32,
    citation: String,
    mark: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateRule {
    code: String,
    name: String,
    notes: Option<NoteRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteRule {
    years: u32,
    firm: bool,
    profession: String,
    citation: String,
    mark: String,
    minor_rule: Option<String>,
    remark: Option<String>,
}

/// A law that asks for written notice and consent where AI helps with a recorded session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AiNotice {
    /// Its name.
    pub law: String,
    /// Where it stands.
    pub citation: String,
    /// Whether it was enacted, as the sources say.
    pub status: String,
    /// Since when, as the sources say.
    pub effective: String,
    /// How all this was checked. Always shown with the citation.
    pub mark: String,
}

/// How long the signed note and the rest of the clinical record are kept.
struct NoteRetention {
    years: u32,
    basis: String,
    minor: String,
}

static TABLE: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

fn rules() -> Option<&'static Rules> {
    TABLE.as_ref()
}

impl State {
    /// Reads a state's two letters, in either case.
    ///
    /// # Errors
    /// [`UnknownState`] for anything but the 50 states and DC.
    pub fn parse(text: &str) -> Result<Self, UnknownState> {
        Self::all()
            .find(|state| state.0.eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownState(text.chars().take(20).collect()))
    }

    /// All of them, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        rules().into_iter().flat_map(|rules| rules.states.iter().map(|state| Self(&state.code)))
    }

    /// The two letters.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0
    }

    /// The name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.rule().map_or(self.0, |rule| rule.name.as_str())
    }

    /// The law that asks for a written notice of AI, where one was found. `None` means that none
    /// was found, not that there is none.
    #[must_use]
    pub fn ai_notice(self) -> Option<&'static AiNotice> {
        crate::jurisdictions::written_notice(self)
    }

    fn rule(self) -> Option<&'static StateRule> {
        rules().and_then(|rules| rules.states.iter().find(|rule| rule.code == self.0))
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// True for the two capital letters of one of the 50 states or DC.
#[must_use]
pub fn is_state(code: &str) -> bool {
    State::all().any(|state| state.0 == code)
}

/// For how many years after the last service a practice in a state keeps notes, and why, with
/// citation and mark; for `RetentionFacts`.
///
/// A number read in a text of law is taken as it is. Where a number is known but not verified,
/// or none is known, the longer of it and the product's default counts, and the basis says that
/// this is no law. An unknown state is kept longest. The HIPAA rules set no time for clinical
/// records.
#[must_use]
pub fn note_retention(state: &str) -> (u32, String) {
    match State::parse(state) {
        Ok(state) => {
            let kept = kept(state);
            (kept.years, kept.basis)
        }
        Err(_) => (
            longest(),
            "product default, not law; the state is not known, so the longest time of all is used".to_owned(),
        ),
    }
}

/// What is known of a longer time for a client under age in a state, with citation and mark.
#[must_use]
pub fn minor_note_retention(state: State) -> String {
    kept(state).minor
}

fn longest() -> u32 {
    State::all().map(|state| kept(state).years).max().unwrap_or(LONGEST)
}

/// The longest time in the table; a test holds the two together.
const LONGEST: u32 = 15;

fn kept(state: State) -> NoteRetention {
    let Some(rules) = rules() else {
        // A test reads the file, so this is never seen.
        return NoteRetention {
            years: LONGEST,
            basis: "product default, not law".to_owned(),
            minor: "Not verified.".to_owned(),
        };
    };
    let default = &rules.default;
    let policy = format!("product default, not law; {}; mark: {}", default.citation, default.mark);
    let minor_default = format!("{} (product default, not law; mark: {})", default.minor_rule, default.mark);
    let Some(rule) = state.rule().and_then(|rule| rule.notes.as_ref()) else {
        return NoteRetention {
            years: default.note_years,
            basis: format!("{policy}; no rule of {} was verified", state.name()),
            minor: minor_default,
        };
    };
    let cited = format!("{} (text read for: {}; mark: {})", rule.citation, rule.profession, rule.mark);
    let remark = rule.remark.as_ref().map_or_else(String::new, |remark| format!("; {remark}"));
    let (years, basis) = if rule.firm {
        (rule.years, format!("{cited}{remark}"))
    } else {
        let years = rule.years.max(default.note_years);
        (
            years,
            format!("{policy}; the number of years in {cited} was not verified, so the longer time is used{remark}"),
        )
    };
    let minor = rule
        .minor_rule
        .as_ref()
        .map_or(minor_default, |minor| format!("{minor} ({}; mark: {})", rule.citation, rule.mark));
    NoteRetention { years, basis, minor }
}

/// How many years a consent form is kept after the consent ends, at least, and the basis with its
/// mark; it is never destroyed before the clinical record it belongs to.
#[must_use]
pub fn consent_years() -> (u32, String) {
    rules().map_or((6, "policy".to_owned()), |rules| {
        let rule = &rules.consent_form;
        (rule.years, format!("{}; mark: {}", rule.citation, rule.mark))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let rules = serde_saphyr::from_str::<Rules>(RULES).expect("the file is read");
        assert_eq!(rules.states.len(), 51);
        let codes: std::collections::BTreeSet<&str> = rules.states.iter().map(|state| state.code.as_str()).collect();
        assert_eq!(codes.len(), 51);
        assert!(rules.states.iter().all(|state| state.code.len() == 2 && !state.name.is_empty()));
    }

    #[test]
    fn a_state_is_two_letters_of_the_table() {
        assert_eq!(State::parse(" il ").map(State::code), Ok("IL"));
        assert_eq!(State::parse("DC").map(State::name), Ok("District of Columbia"));
        assert!(is_state("IL") && !is_state("il") && !is_state("XX"));
        for bad in ["", "XX", "Illinois", "PR", "I", "<b>"] {
            assert!(State::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verified_number_is_law_and_anything_else_says_that_it_is_not() {
        let of = |code: &str| kept(State::parse(code).expect("a state"));
        assert_eq!(of("WA").years, 8);
        assert!(of("WA").basis.contains("WAC 246-924-354(2)") && of("WA").basis.contains("verified from ret-wa"));
        assert!(!of("WA").basis.contains("not law"));
        assert_eq!(of("ME").years, 15, "the summary is kept longest");
        for code in ["VT", "IL", "NY", "MD"] {
            assert_eq!(of(code).years, 7, "{code}");
            assert!(of(code).basis.contains("product default, not law"), "{code}: {}", of(code).basis);
        }
        assert!(of("NV").minor.contains("age 23") && of("VT").minor.contains("not law"));
        assert_eq!((longest(), note_retention("??").0), (LONGEST, LONGEST));
        assert_eq!(note_retention("WA").0, 8);
        for state in State::all() {
            let found = kept(state);
            assert!(found.years >= 5 && found.basis.contains("verified"), "{state}");
            assert!(!found.basis.contains("HIPAA requires"));
        }
    }

    #[test]
    fn the_form_is_kept_six_years_as_policy() {
        let (years, basis) = consent_years();
        assert_eq!(years, 6);
        assert!(basis.contains("policy"));
    }
}
