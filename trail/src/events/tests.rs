use super::*;
use crate::samples::record;
use std::collections::BTreeSet;
use std::path::Path;

fn rules() -> &'static Rules {
    match serde_saphyr::from_str::<Rules>(RULES) {
        Ok(_) => LOADED.as_ref().expect("the rules are readable"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn every_kind_has_one_row() {
    let rows: Vec<Kind> = rules().kinds.iter().map(|row| row.kind).collect();
    for kind in Kind::ALL {
        assert_eq!(rows.iter().filter(|row| *row == kind).count(), 1, "{kind} needs one row in rules/events.yaml");
    }
    assert_eq!(rows.len(), Kind::ALL.len());
    for row in &rules().kinds {
        assert_eq!(
            row.event == Word::Other,
            row.reason.is_some(),
            "{}: other needs a reason, and only other",
            row.kind
        );
        assert!(row.reason.as_deref().is_none_or(|reason| reason.ends_with('.')), "{}", row.kind);
    }
}

#[test]
fn every_type_has_a_kind_or_a_reason_why_not() {
    assert_eq!(Event::ALL.len(), 26);
    assert_eq!(rules().events.iter().map(|rule| rule.event).collect::<Vec<_>>(), Event::ALL);
    for rule in &rules().events {
        let has = rules().kinds.iter().any(|row| row.event == Word::Event(rule.event));
        assert_eq!(!has, rule.cannot.is_some(), "{} has no kind and no reason, or both", rule.event.as_str());
        assert!(rule.cannot.as_deref().is_none_or(|why| why.ends_with('.')));
        assert_eq!(Event::from_word(rule.event.as_str()), Some(rule.event));
    }
    let cannot: Vec<_> = cannot().iter().map(|one| one.event).collect();
    assert_eq!(cannot, [Event::EncryptionStatusChange, Event::RecordingStartStop]);
}

#[test]
fn every_field_says_where_it_is_found() {
    let words =
        ["record", "client", "class", "actor", "kind", "time", "period", "purposes", "payload", "sealed", "none"];
    for field in rules().events.iter().flat_map(|rule| &rule.extra_fields) {
        assert!(!field.from.is_empty(), "{}", field.name);
        for from in &field.from {
            let named =
                from.split_once(':').is_some_and(|(of, name)| ["fact", "ref"].contains(&of) && !name.is_empty());
            assert!(named || words.contains(&from.as_str()), "{}: {from}", field.name);
        }
        let withheld = field.from.iter().any(|from| from == "sealed" || from == "none");
        assert_eq!(withheld, field.why.is_some(), "{}", field.name);
    }
}

/// The list of regulation that the rules were made from, or a word that it is not there.
#[test]
fn the_types_are_those_of_the_list() {
    let list = Path::new("../../shared/regulatory/audit-log-requirements.yaml");
    if !list.is_file() {
        assert!(option_env!("CI").is_none(), "the list has to be beside this checkout in continuous integration");
        eprintln!("skipped: the list of regulation is not beside this checkout");
        return;
    }
    #[derive(Deserialize)]
    struct List {
        events: Vec<Type>,
    }
    #[derive(Deserialize)]
    struct Type {
        event: String,
        meaning: String,
        extra_fields: Vec<String>,
        basis: Vec<String>,
        priority: String,
        verification: String,
    }
    let list: List = serde_saphyr::from_str(&std::fs::read_to_string(list).expect("readable")).expect("the list");
    assert_eq!(list.events.len(), rules().events.len());
    for (given, mine) in list.events.iter().zip(&rules().events) {
        assert_eq!(given.event, mine.event.as_str());
        assert_eq!(given.meaning, mine.meaning);
        assert_eq!(given.basis, mine.basis);
        assert_eq!(given.priority, mine.priority);
        assert_eq!(given.verification, mine.verification);
        let fields: Vec<&str> = mine.extra_fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(given.extra_fields, fields);
    }
}

#[test]
fn what_was_refused_has_the_type_of_what_was_asked() {
    let mut refused = record("access.refused", &[("client", "cli-1")]);
    refused.facts.insert("act".to_owned(), crate::Value::Text("export_note".to_owned()));
    let placed = place(&refused);
    assert_eq!((placed.event, placed.outcome), (Some(Event::Export), Outcome::Refused));
    refused.facts.insert("act".to_owned(), crate::Value::Text("fly".to_owned()));
    let placed = place(&refused);
    assert_eq!((placed.event, placed.outcome), (None, Outcome::Refused));
    assert!(placed.why_other.is_some());
    let all: Vec<&String> = rules().acts.values().flatten().collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "an act stands once");
}

#[test]
fn what_is_kept_apart_is_told_by_its_keys() {
    let mut note = record("note.viewed", &[("note", "note-1")]);
    assert_eq!(place(&note).record_class, "progress_note");
    note.class = Some(Class::PsychotherapyNotes);
    assert_eq!(place(&note).record_class, "psychotherapy_note");
    note.class = Some(Class::Part2);
    assert_eq!(place(&note).record_class, "part2_note");
}

#[test]
fn extra_fields_are_filled_or_say_why_not() {
    let mut destroyed = record("record.destroyed", &[("session", "ses-1"), ("group", "grp-1")]);
    destroyed.facts.insert("basis".to_owned(), crate::Value::Text("RET-09".to_owned()));
    destroyed.facts.insert("class".to_owned(), crate::Value::Text("audio".to_owned()));
    let told: Vec<_> =
        extras(&destroyed).into_iter().map(|one| (one.name, one.value.is_some(), one.why_not.is_some())).collect();
    let expected = [("record_id", true), ("rule_id", true), ("method", false), ("hash_before", false)];
    assert_eq!(told, expected.map(|(name, told)| (name.to_owned(), told, !told)));
    assert_eq!(place(&destroyed).record_class, "audio");
    let disclosure = record("disclosure.recorded", &[("client", "cli-1")]);
    assert!(
        extras(&disclosure).iter().take(4).all(|one| one.value.is_none()
            && one.why_not.as_deref().is_some_and(|why| why.starts_with("In the sealed payload")))
    );
    assert!(extras(&record("moon.landed", &[])).is_empty());
}
