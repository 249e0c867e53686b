use super::*;

fn state(code: &str) -> State {
    State::parse(code).expect("a state")
}

fn one(code: &str, modality: Modality) -> Applicable {
    rules_for(Some(state(code)), &[Some(state(code))], modality)
}

/// The file read without this crate's types, so that no rule can be lost on the way.
#[derive(serde::Deserialize)]
struct Plain {
    states: Vec<serde_json::Value>,
}

fn plain() -> Vec<serde_json::Value> {
    serde_saphyr::from_str::<Plain>(RULES).expect("YAML").states
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn the_file_is_whole_and_nothing_in_it_lacks_its_mark() {
    let all = serde_saphyr::from_str::<Rules>(RULES).expect("the file is read");
    let codes: BTreeSet<&str> = all.states.iter().map(|one| one.code.as_str()).collect();
    assert_eq!((all.states.len(), codes), (51, State::all().map(State::code).collect()));
    assert_eq!(all.checked.len(), 10);
    for one in &all.states {
        assert!(!one.recording.mark.is_empty(), "{}", one.code);
        assert!(
            one.minor_consent.iter().all(|rule| !rule.mark.is_empty() && !rule.citation.is_empty()),
            "{}",
            one.code
        );
        for law in &one.ai_laws {
            assert!(!law.mark.is_empty() && !law.citation.is_empty() && !law.status.is_empty(), "{}", one.code);
            assert_eq!(law.standing == LawStanding::NotLaw, law.status.starts_with("NOT law"), "{}", one.code);
            // A bill that is no law is not told as one: nothing of it is known to be required.
            assert!(law.standing == LawStanding::Enacted || law.written_consent.is_none(), "{}", one.code);
        }
    }
}

#[test]
fn every_recording_rule_of_the_data_is_applied_and_told() {
    for raw in plain() {
        let code = text(&raw["code"]);
        for modality in Modality::ALL {
            let key = if *modality == Modality::InPerson { "in_person" } else { "phone_or_video" };
            let expected = match raw["recording"][key].as_str() {
                Some("one_party") => Parties::OneParty,
                Some("all_party") | None => Parties::AllParty,
                Some(other) => panic!("{code}: {other}"),
            };
            let found = one(code, *modality);
            assert_eq!(found.parties, expected, "{code} {modality:?}");
            let line = found.lines.iter().find(|line| line.topic == Topic::Recording).expect("a line on recording");
            assert_eq!(line.strictest, raw["recording"][key].is_null(), "{code} {modality:?}");
            assert_eq!(line.says.contains(NOT_VERIFIED), line.strictest, "{code}");
            assert_eq!(line.citation.as_deref(), raw["recording"]["citation"].as_str(), "{code}");
            assert_eq!(line.mark, text(&raw["recording"]["mark"]), "{code}");
            if let Some(note) = raw["recording"]["note"].as_str() {
                assert!(line.says.contains(note), "{code}");
            }
        }
    }
}

#[test]
fn every_ai_law_of_the_data_is_told_with_all_it_asks_and_forbids() {
    let mut seen = 0;
    for raw in plain() {
        let code = text(&raw["code"]);
        let found = one(code, Modality::InPerson);
        let laws = raw["ai_laws"].as_array().expect("a list");
        for law in laws {
            seen += 1;
            let line = found
                .lines
                .iter()
                .find(|line| line.topic == Topic::AiNotice && line.citation.as_deref() == law["citation"].as_str())
                .unwrap_or_else(|| panic!("{code}: {law} is not told"));
            assert_eq!(line.mark, text(&law["mark"]), "{code}");
            assert!(line.says.contains(text(&law["law"])) && line.says.contains(text(&law["status"])), "{code}");
            let is_law = law["standing"] != "not_law";
            assert_eq!(line.says.starts_with("Not a law when checked"), !is_law, "{code}");
            for required in law["requires"].as_array().expect("a list") {
                assert!(line.says.contains(text(required).trim_end_matches('.')), "{code}: {required}");
            }
            for forbidden in law["forbids"].as_array().expect("a list") {
                let told = found.prohibitions().any(|line| line.says.contains(text(forbidden)));
                assert_eq!(told, is_law, "{code}: {forbidden}");
            }
        }
        let binding = laws.iter().any(|law| {
            law["standing"] != "not_law" && (law["bears_on_notes"] == "direct" || law["bears_on_notes"] == "unknown")
        });
        let none_found =
            found.lines.iter().any(|line| line.says.starts_with("No law on AI in therapy that is in force was found"));
        assert_eq!(none_found, !binding, "{code}");
    }
    assert!(seen > 15, "{seen}");
}

#[test]
fn writing_is_asked_for_unless_a_law_that_binds_was_read_and_does_not_ask() {
    for state in State::all() {
        let asks = one(state.code(), Modality::InPerson).terms.writing;
        assert_eq!(asks, !["NV", "TX"].contains(&state.code()), "{state}");
    }
    let notices: Vec<&str> = State::all().filter(|state| state.ai_notice().is_some()).map(State::code).collect();
    assert_eq!(notices, ["CO", "IL", "ME"]);
    for code in ["CO", "IL", "ME"] {
        let found = one(code, Modality::Video);
        assert_eq!(found.notices().len(), 1);
        assert!(found.prohibitions().count() > 0, "{code}");
    }
    assert!(one("NE", Modality::Video).not_verified().any(|line| line.says.starts_with("Not a verified law")));
}

#[test]
fn every_minor_consent_age_of_the_data_is_applied_and_told() {
    let mut ages = 0;
    for raw in plain() {
        let code = text(&raw["code"]);
        let found = one(code, Modality::InPerson);
        let age = raw["minor_consent"]["age"].as_u64();
        ages += usize::from(age.is_some());
        assert_eq!(found.terms.own_consent_age.map(u64::from), age, "{code}");
        let line = found.lines.iter().find(|line| line.topic == Topic::MinorConsent).expect("a line on minors");
        assert_eq!(line.strictest, age.is_none(), "{code}");
        if let Some(limits) = raw["minor_consent"]["limits"].as_str() {
            assert!(line.says.contains(limits), "{code}");
            assert_eq!(line.citation.as_deref(), raw["minor_consent"]["citation"].as_str(), "{code}");
        }
        assert_eq!(u64::from(found.terms.majority), raw["majority"].as_u64().unwrap_or(18), "{code}");
        let majority = found.lines.iter().find(|line| line.topic == Topic::Majority).expect("a line on majority");
        assert_eq!(majority.mark, "from memory, unverified");
    }
    assert_eq!(ages, 7);
}

#[test]
fn the_stricter_of_all_states_counts() {
    let both = |a: &str, b: &str, modality| rules_for(Some(state(a)), &[Some(state(b))], modality);
    assert_eq!(both("TX", "CA", Modality::Video).parties, Parties::AllParty);
    assert_eq!(both("CA", "TX", Modality::Video).parties, Parties::AllParty);
    assert_eq!(both("TX", "UT", Modality::Video).parties, Parties::OneParty);
    // The room and the line are kept apart.
    assert_eq!(one("OR", Modality::InPerson).parties, Parties::AllParty);
    assert_eq!(one("OR", Modality::Telephone).parties, Parties::OneParty);
    assert_eq!(one("NV", Modality::InPerson).parties, Parties::OneParty);
    assert_eq!(one("NV", Modality::Video).parties, Parties::AllParty);
    assert!(!both("TX", "NV", Modality::InPerson).terms.writing && both("TX", "IL", Modality::InPerson).terms.writing);
    assert_eq!(both("CA", "PA", Modality::InPerson).terms.own_consent_age, Some(14));
    assert_eq!(both("CA", "TX", Modality::InPerson).terms.own_consent_age, None);
    assert_eq!(both("TX", "AL", Modality::InPerson).terms.majority, 19);
    assert_eq!(majority(state("MS")), 21);
    assert_eq!(both("IL", "IL", Modality::InPerson).states.len(), 1);
}

#[test]
fn a_place_that_is_not_known_is_the_strictest_and_said_so() {
    let found = rules_for(Some(state("TX")), &[Some(state("TX")), None], Modality::Telephone);
    assert_eq!((found.parties, found.terms), (Parties::AllParty, Terms::STRICTEST));
    assert!(found.not_verified().any(|line| line.state.is_none() && line.says.contains(NOT_VERIFIED)));
    assert_eq!(rules_for(None, &[], Modality::InPerson).terms, Terms::STRICTEST);
}

#[test]
fn the_rules_of_a_state_are_lines_with_mark_and_date() {
    for state in State::all() {
        let lines = rules_of(state);
        for line in &lines {
            assert!(!line.says.is_empty() && !line.mark.is_empty() && line.checked == "2026-11-21", "{line}");
            assert!(!line.says.contains("HIPAA compliant"), "{line}");
            assert!(!line.says.contains("..") && !line.says.contains(" ."), "{line}");
        }
        for topic in [Topic::Recording, Topic::AiNotice, Topic::MinorConsent, Topic::Majority, Topic::Product] {
            assert!(lines.iter().any(|line| line.topic == topic), "{state} {topic:?}");
        }
    }
    let printed = rules_of(state("IL")).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "720 ILCS 5/14-2(a)(2)",
        "225 ILCS 155/1",
        "mark: verified from il-pa104-0054",
        "detect emotions",
        "checked 2026-11-21",
        "18 U.S.C. 2511(2)(d)",
    ] {
        assert!(printed.contains(part), "{part}");
    }
}

#[test]
fn a_session_needs_each_purpose_of_its_own() {
    let mut facts = crate::samples::facts(state("TX"));
    assert_eq!(purposes_needed(Modality::InPerson, &facts), [Purpose::AiNotes]);
    assert_eq!(purposes_needed(Modality::Video, &facts), [Purpose::AiNotes, Purpose::TelehealthRecording]);
    facts.place = Place::Cloud;
    assert_eq!(
        purposes_needed(Modality::Telephone, &facts),
        [Purpose::AiNotes, Purpose::TelehealthRecording, Purpose::CloudProcessing]
    );
    for modality in Modality::ALL {
        assert_eq!(Modality::from_word(modality.as_str()), Some(*modality));
        assert_eq!(serde_json::to_value(modality).expect("JSON"), modality.as_str());
    }
    assert_eq!(Modality::from_word("fax"), None);
}
