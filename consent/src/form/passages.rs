//! What a form tells of the laws on AI and on recording where its people are, from `rules/passages.yaml` and
//! `rules/jurisdictions.yaml`: never without citation, status and mark.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::words;
use crate::jurisdictions::{AiLaw, LawStanding, Line, Modality, NOT_VERIFIED, Parties, Topic, ai_laws, rules_for};
use crate::states::State;

const RULES: &str = include_str!("../../rules/passages.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    passages: Vec<Passage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Passage {
    state: String,
    law: String,
    says: BTreeMap<String, Vec<String>>,
}

static TABLE: LazyLock<Vec<Passage>> =
    LazyLock::new(|| serde_saphyr::from_str::<Rules>(RULES).map(|rules| rules.passages).unwrap_or_default());

/// What is told of one law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LawValues {
    /// The state's name.
    state: &'static str,
    /// Sentences.
    says: Vec<String>,
    /// Name, citation, status, since when, when and how it was checked.
    source: String,
    /// Whether it is law, as far as was checked.
    enacted: bool,
}

/// The rule on recording of one state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RecordingValues {
    state: &'static str,
    says: String,
    source: String,
}

fn recording_line(state: State, modality: Modality) -> (Parties, Option<Line>) {
    let found = rules_for(Some(state), &[], modality);
    (found.parties, found.lines.into_iter().find(|line| line.topic == Topic::Recording && line.state.is_some()))
}

fn marked(lang: &str, citation: &str, mark: &str, checked: &str) -> String {
    if lang == "es" {
        format!("{citation}; marca: {mark}; revisado: {checked}")
    } else {
        format!("{citation}; mark: {mark}; checked: {checked}")
    }
}

/// The rules on recording of states, each once.
pub(super) fn recording(states: &[State], lang: &str) -> Vec<RecordingValues> {
    let values = |&state: &State| {
        let (in_person, room) = recording_line(state, Modality::InPerson);
        let (on_the_line, line) = recording_line(state, Modality::Video);
        let verified = |line: &Option<Line>| line.as_ref().is_some_and(|line| !line.strictest);
        let rule = room.clone().or_else(|| line.clone());
        let citation = rule.as_ref().and_then(|rule| rule.citation.clone()).unwrap_or_else(|| NOT_VERIFIED.to_owned());
        let (mark, checked) = rule.map_or_else(Default::default, |rule| (rule.mark, rule.checked));
        RecordingValues {
            state: state.name(),
            says: words::recording((in_person, verified(&room)), (on_the_line, verified(&line)), lang == "es"),
            source: marked(lang, &citation, &mark, &checked),
        }
    };
    states.iter().map(values).collect()
}

/// The laws and bills of states that bear on the drafting of notes, in the order of the states.
pub(super) fn laws(states: &[State], lang: &str) -> Vec<LawValues> {
    let mut told = Vec::new();
    for &state in states {
        let (_, line) = recording_line(state, Modality::InPerson);
        let checked = line.map(|line| line.checked).unwrap_or_default();
        for law in ai_laws(state) {
            let passage = TABLE.iter().find(|one| one.state == state.code() && one.law == law.law);
            let says = match passage.and_then(|passage| passage.says.get(lang).or_else(|| passage.says.get("en"))) {
                Some(says) => says.clone(),
                // A law that may bind is told in any case, if need be in the words of the sources.
                None if law.may_bind() => law.requires.iter().chain(&law.forbids).cloned().collect(),
                None => continue,
            };
            let enacted = law.standing == LawStanding::Enacted;
            told.push(LawValues { state: state.name(), says, source: source(law, &checked, lang), enacted });
        }
    }
    told
}

fn source(law: &AiLaw, checked: &str, lang: &str) -> String {
    let effective = law.effective.as_deref().unwrap_or(NOT_VERIFIED);
    let AiLaw { law: name, citation, status, mark, .. } = law;
    if lang == "es" {
        let told = format!("{name}, {citation}; estado (en inglés): {status}; vigencia: {effective}");
        return marked(lang, &told, mark, checked);
    }
    marked(lang, &format!("{name}, {citation}; status: {status}; in force: {effective}"), mark, checked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use provenote_templates::reading::level;

    fn state(code: &str) -> State {
        State::parse(code).expect("a state")
    }

    #[test]
    fn every_passage_is_of_a_law_in_the_data_and_every_law_that_may_bind_has_one() {
        let rules: Rules = serde_saphyr::from_str(RULES).expect("the file is read");
        for passage in &rules.passages {
            assert!(ai_laws(state(&passage.state)).iter().any(|law| law.law == passage.law), "{}", passage.law);
            assert_eq!(passage.says.keys().collect::<Vec<_>>(), ["en", "es"], "{}", passage.law);
            assert_eq!(passage.says["en"].len(), passage.says["es"].len(), "{}", passage.law);
            for (lang, says) in &passage.says {
                let text = says.join("\n");
                let level = level(&text, lang).expect("a measure");
                let bar = if lang == "en" { "12" } else { "50" };
                // The law is harder than the rest of a form; it may be, but not without end.
                let hard = match level {
                    provenote_templates::reading::Level::Grade(grade) => grade > 12.0,
                    provenote_templates::reading::Level::Inflesz(score) => score < 50.0,
                };
                assert!(!hard, "{} in {lang}: {level}, not {bar}", passage.law);
            }
        }
        for state in State::all() {
            for law in ai_laws(state).iter().filter(|law| law.may_bind()) {
                let told = rules.passages.iter().any(|one| one.state == state.code() && one.law == law.law);
                assert!(told, "{state}: {}", law.law);
            }
        }
    }

    #[test]
    fn a_bill_is_never_told_as_law_and_nothing_without_its_mark() {
        for state in State::all() {
            for lang in ["en", "es", "fr"] {
                let told = laws(&[state], lang);
                for law in &told {
                    let source = ai_laws(state).iter().find(|one| law.source.starts_with(&one.law)).expect("a law");
                    assert!(law.source.contains(&source.citation) && law.source.contains(&source.mark), "{state}");
                    assert!(law.source.contains(&source.status) && law.source.contains("2026-11-21"), "{state}");
                    let says = law.says.join(" ");
                    if source.standing == LawStanding::NotLaw && lang != "es" {
                        assert!(says.contains("not law when we checked"), "{state}: {says}");
                        assert!(!says.contains("must") && !law.enacted, "{state}: {says}");
                    }
                    if source.standing == LawStanding::NotLaw && lang == "es" {
                        assert!(says.contains("ley cuando l"), "{state}: {says}");
                        assert!(!says.contains("deben") && !law.enacted, "{state}: {says}");
                    }
                }
            }
        }
        assert!(laws(&[state("NE")], "en")[0].says[0].contains("not verified"));
        assert_eq!(laws(&[state("WA"), state("UT")], "en"), []);
        assert_eq!(laws(&[state("IL"), state("TX")], "en").len(), 3);
    }

    #[test]
    fn the_rule_on_recording_is_told_as_strictly_as_it_was_verified() {
        let told = |code: &str, lang: &str| {
            let rule = recording(&[state(code)], lang).remove(0);
            format!("{}: {} ({})", rule.state, rule.says, rule.source)
        };
        assert!(
            told("CA", "en")
                .starts_with("California: in person, by phone and by video: all must agree (Cal. Penal Code 632")
        );
        assert!(
            told("OR", "en").contains("in person: all must agree; by phone or video: one who takes part must agree")
        );
        assert!(
            told("GA", "en").contains("in person: not verified, so treated as the strictest: all must agree; by phone")
        );
        assert!(told("VT", "es").contains("no comprobado, y tratado como lo más estricto"));
        for state in State::all() {
            let rule = recording(&[state], "en").remove(0);
            assert!(rule.source.contains("mark: ") && rule.source.contains("checked: 2026-11-21"), "{state}: {rule:?}");
        }
    }
}
