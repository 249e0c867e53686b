//! The rules in `rules/` say what the regulatory facts say that they were condensed from: the same values, citations
//! and marks, and nothing more firmly. Compared with the facts themselves where they lie beside this checkout.

use std::path::PathBuf;

use provenote_consent::jurisdictions::{Line, NOT_VERIFIED, Parties, Topic, ai_laws};
use provenote_consent::{Modality, State, rules_for, rules_of};
use serde_json::Value;

const JURISDICTIONS: &str = include_str!("../rules/jurisdictions.yaml");
const STATES: &str = include_str!("../rules/states.yaml");
const ELEMENTS: &str = include_str!("../rules/elements.yaml");

/// The facts, or a word that they are not there.
fn facts(file: &str) -> Option<Value> {
    let path = PathBuf::from("../../shared/regulatory").join(file);
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Some(yaml(&text));
    }
    assert!(
        option_env!("CI").is_none(),
        "the regulatory facts have to be beside this checkout in continuous integration"
    );
    eprintln!("skipped: the regulatory facts are not beside this checkout (../shared/regulatory/{file})");
    None
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn by<'a>(all: &'a [Value], key: &str, word: &str) -> &'a Value {
    all.iter().find(|one| one[key] == word).unwrap_or_else(|| panic!("{word} is missing"))
}

/// One value under the facts' name for it and under ours.
fn same(place: &str, fact: &Value, rule: &Value, names: &[(&str, &str)]) {
    for (theirs, ours) in names {
        assert_eq!(fact[theirs], rule[ours], "{place}: {theirs}");
    }
}

fn state(code: &str) -> State {
    State::parse(code).expect("a state")
}

fn sorted(values: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = values.into_iter().collect();
    all.sort();
    all
}

#[test]
fn every_state_has_the_values_citations_and_marks_of_the_facts() {
    let Some(facts) = facts("jurisdictions.yaml") else { return };
    let ours = yaml(JURISDICTIONS);
    let all = list(&facts, "jurisdictions");
    assert_eq!((all.len(), list(&ours, "states").len()), (51, 51));
    for fact in all {
        let code = text(&fact["code"]);
        let rule = by(list(&ours, "states"), "code", code);
        same(
            code,
            &fact["recording"],
            &rule["recording"],
            &[
                ("telephone_or_video", "phone_or_video"),
                ("in_person", "in_person"),
                ("citation", "citation"),
                ("verification", "mark"),
                ("note", "note"),
            ],
        );
        let (minor, ours) = (&fact["minor_consent_outpatient_mental_health"], &rule["minor_consent"]);
        assert_eq!(minor.is_null(), ours.is_null(), "{code}");
        same(
            code,
            minor,
            ours,
            &[("age", "age"), ("limits", "limits"), ("citation", "citation"), ("verification", "mark")],
        );
        assert_eq!(fact["minor_consent_note"], rule["minor_note"], "{code}");
    }
}

#[test]
fn every_law_on_ai_has_the_values_citations_and_marks_of_the_facts() {
    let Some(facts) = facts("jurisdictions.yaml") else { return };
    let ours = yaml(JURISDICTIONS);
    let mut seen = 0;
    for fact in list(&facts, "jurisdictions") {
        let code = text(&fact["code"]);
        let laws = list(by(list(&ours, "states"), "code", code), "ai_laws");
        assert_eq!(list(fact, "ai_laws").len(), laws.len(), "{code}");
        for (law, rule) in list(fact, "ai_laws").iter().zip(laws) {
            seen += 1;
            let place = format!("{code}, {}", law["law"]);
            same(
                &place,
                law,
                rule,
                &[
                    ("law", "law"),
                    ("citation", "citation"),
                    ("status", "status"),
                    ("effective", "effective"),
                    ("written_consent_required", "written_consent"),
                    ("disclosure_required", "disclosure"),
                    ("specific_purpose_required", "specific_purpose"),
                    ("penalty", "penalty"),
                    ("verification", "mark"),
                ],
            );
            // Each requirement stands once, either as one or as a prohibition; `unknown` is none.
            let words = |value: &Value, name: &str| -> Vec<String> {
                list(value, name).iter().map(|one| text(one).to_owned()).filter(|one| one != "unknown").collect()
            };
            let told = words(rule, "requires").into_iter().chain(words(rule, "forbids"));
            assert_eq!(sorted(words(law, "requires_of_therapist")), sorted(told), "{place}");
            assert_eq!(words(law, "notes"), words(rule, "notes"), "{place}");
            let (standing, bearing) = match text(&law["relevance_to_notes"]) {
                "direct" => ("enacted", "direct"),
                "indirect" => ("enacted", "indirect"),
                "none for notes" | "marketing only" => ("enacted", "none"),
                "not enacted" | "pending" => ("not_law", "direct"),
                "unknown" => ("not_verified", "unknown"),
                other => panic!("{place}: {other}"),
            };
            assert_eq!((text(&rule["standing"]), text(&rule["bears_on_notes"])), (standing, bearing), "{place}");
        }
    }
    assert_eq!(seen, 19);
}

#[test]
fn what_a_person_is_shown_carries_the_citation_and_mark_of_the_facts() {
    let Some(facts) = facts("jurisdictions.yaml") else { return };
    for fact in list(&facts, "jurisdictions") {
        let code = text(&fact["code"]);
        for modality in Modality::ALL {
            let found = rules_for(Some(state(code)), &[Some(state(code))], *modality);
            let recording = &fact["recording"];
            let value = &recording[if *modality == Modality::InPerson { "in_person" } else { "telephone_or_video" }];
            let expected = if value == "one_party" { Parties::OneParty } else { Parties::AllParty };
            assert_eq!(found.parties, expected, "{code} {modality:?}");
            let line = found
                .lines
                .iter()
                .find(|line| line.topic == Topic::Recording && line.state.is_some())
                .expect("a line on recording");
            assert_eq!(line.says.contains(NOT_VERIFIED), value.is_null(), "{code}");
            assert_eq!(line.citation.as_deref(), recording["citation"].as_str(), "{code}");
            assert_eq!(line.mark, text(&recording["verification"]), "{code}");
        }
        let lines = rules_of(state(code));
        let minor = &fact["minor_consent_outpatient_mental_health"];
        let line = lines.iter().find(|line| line.topic == Topic::MinorConsent).expect("a line on minors");
        assert_eq!(line.says.contains(NOT_VERIFIED), minor["age"].is_null(), "{code}: {}", line.says);
        if let Some(age) = minor["age"].as_u64() {
            assert!(line.says.contains(&age.to_string()) && line.mark == text(&minor["verification"]), "{code}");
        }
        if let Some(note) = fact["minor_consent_note"].as_str() {
            let told = |line: &Line| line.topic == Topic::MinorConsent && line.strictest && line.says == note;
            assert!(lines.iter().any(told), "{code}: {note}");
        }
        assert!(lines.iter().all(|line| line.checked == "2026-11-21"), "{code}");
        let prohibitions: Vec<&str> =
            lines.iter().filter(|line| line.topic == Topic::Prohibition).map(|line| line.says.as_str()).collect();
        for law in list(fact, "ai_laws") {
            let is_law = !text(&law["status"]).starts_with("NOT law");
            let line = lines
                .iter()
                .find(|line| line.topic == Topic::AiNotice && line.citation.as_deref() == law["citation"].as_str())
                .unwrap_or_else(|| panic!("{code}: {} is not told", law["law"]));
            assert_eq!(line.mark, text(&law["verification"]), "{code}");
            assert_eq!(line.says.contains("Not a law when checked"), !is_law, "{code}");
            // All that is known of it is told, and what is not known is told as such.
            let notes = list(law, "notes").iter();
            for words in [&law["status"], &law["effective"], &law["penalty"]].into_iter().chain(notes) {
                let words = words.as_str().unwrap_or_default().trim_end_matches('.');
                assert!(line.says.contains(words), "{code}: {words}");
            }
            for (name, what) in [
                ("written_consent_required", "Consent in writing"),
                ("disclosure_required", "Notice of AI"),
                ("specific_purpose_required", "The specific purpose must be told"),
            ] {
                let value = match law[name].as_bool() {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => NOT_VERIFIED,
                };
                assert_eq!(line.says.contains(&format!("{what}: {value}.")), is_law, "{code}: {what}");
            }
            // Everything it asks or forbids is told, and as a prohibition only what is law.
            for words in list(law, "requires_of_therapist").iter().map(text).filter(|words| *words != "unknown") {
                let words = words.trim_end_matches('.');
                let forbidden = prohibitions.iter().any(|says| says.contains(words));
                assert!(line.says.contains(words) || forbidden, "{code}: {words}");
                assert!(is_law || !forbidden, "{code}: {words}");
            }
        }
        assert_eq!(ai_laws(state(code)).len(), list(fact, "ai_laws").len());
    }
}

#[test]
fn what_holds_everywhere_is_what_the_facts_say() {
    let Some(facts) = facts("jurisdictions.yaml") else { return };
    let ours = yaml(JURISDICTIONS);
    let (fact, rule) = (&facts["product_defaults"], &ours["defaults"]);
    same(
        "defaults",
        fact,
        rule,
        &[
            ("recording", "recording"),
            ("unknown_state_value", "unknown_state"),
            ("minor_when_null", "minor"),
            ("ai_notice", "ai_notice"),
        ],
    );
    let names = [("citation", "citation"), ("says", "says"), ("verification", "mark")];
    same("federal", &facts["federal_floor"]["recording"], &ours["federal"], &names);
    same("interstate", &facts["interstate_note"], &ours["interstate"], &[("text", "says"), ("verification", "mark")]);
    // The age of majority stands with the rules of retention.
    let Some(retention) = self::facts("retention.yaml") else { return };
    let told = list(&retention, "rules").iter().map(|rule| text(&rule["text"])).find(|text| text.contains("majority"));
    let told = told.expect("a rule on majority");
    assert!(told.contains(text(&ours["majority"]["says"])) && told.contains(text(&ours["majority"]["mark"])), "{told}");
    for one in list(&ours, "states") {
        let expected = match text(&one["code"]) {
            "AL" | "NE" => Some(19),
            "MS" => Some(21),
            _ => None,
        };
        assert_eq!(one["majority"].as_u64(), expected, "{}", one["code"]);
    }
}

#[test]
fn how_long_notes_are_kept_is_what_the_facts_say() {
    let Some(facts) = facts("jurisdictions.yaml") else { return };
    let ours = yaml(STATES);
    for fact in list(&facts, "jurisdictions") {
        let code = text(&fact["code"]);
        let rule = by(list(&ours, "states"), "code", code);
        assert_eq!(fact["name"], rule["name"]);
        let (fact, rule) = (&fact["record_retention"], &rule["notes"]);
        // Where the facts name no number there is none to carry, and the default holds.
        assert_eq!(rule.is_null(), fact["adult_years"].is_null(), "{code}");
        if rule.is_null() {
            continue;
        }
        same(
            code,
            fact,
            rule,
            &[
                ("profession", "profession"),
                ("citation", "citation"),
                ("verification", "mark"),
                ("minor_rule", "minor_rule"),
                ("note", "remark"),
            ],
        );
        // Two clocks, for the record and for its summary: the note is kept for the longer.
        let longest = ["adult_years", "record_or_summary_until_years", "summary_years"]
            .iter()
            .filter_map(|name| fact[name].as_u64())
            .max();
        assert_eq!(rule["years"].as_u64(), longest, "{code}");
    }
}

#[test]
fn every_element_of_a_form_is_what_the_facts_say() {
    let Some(facts) = facts("consent-elements.yaml") else { return };
    let ours = yaml(ELEMENTS);
    let mut seen = 0;
    for (group, names) in [
        (
            "elements",
            &[
                ("element", "element"),
                ("form_must_say", "says"),
                ("level", "level"),
                ("basis", "basis"),
                ("verification", "mark"),
            ][..],
        ),
        ("hipaa_authorization_core", &[("requirement", "says"), ("verification", "mark")]),
        ("part2_consent", &[("requirement", "says"), ("verification", "mark")]),
        ("electronic_signature", &[("requirement", "says"), ("verification", "mark")]),
        ("ethics_codes", &[("requirement", "says"), ("verification", "mark")]),
    ] {
        for fact in list(&facts, group) {
            seen += 1;
            let id = text(&fact["id"]);
            let rule = by(list(&ours, "elements"), "id", id);
            same(id, fact, rule, names);
            if let Some(citation) = fact["citation"].as_str() {
                assert_eq!(list(rule, "basis").iter().map(text).collect::<Vec<_>>().join(", "), citation, "{id}");
            }
        }
    }
    assert_eq!(seen, list(&ours, "elements").len(), "none of ours is invented");
    assert_eq!(facts["software_rules"], ours["rules"]);
}
