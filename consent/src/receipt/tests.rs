use super::*;
use crate::samples::{MADE, facts, person};
use provenote_schemas::consent::{Evidence, Grant, Promise, Refusal, Signature, Withdrawal};
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::{ClientId, ConsentId, Digest};
use std::collections::BTreeSet;

const PRACTICE: Controller<'static> =
    Controller { name: "Harbor Street Counseling", address: "1 Harbor Street", contact: "front desk", state: "TX" };

fn form() -> ConsentForm {
    let mut facts = facts(crate::State::parse("TX").expect("a state"));
    facts.vendors.push(VendorFact {
        name: "Cloud Scribe, Inc.".to_owned(),
        does: "turns speech into text".to_owned(),
        place: None,
        keeps_days: None,
        trains: None,
        passes_on_to: vec!["Second & Sons".to_owned()],
    });
    ConsentForm {
        consent: ConsentId::from_random([1; 10]),
        client: ClientId::from_random([2; 10]),
        template: "ai-notes@1".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes, Purpose::Training],
        participants: vec![
            person(3, "Maria Gómez", ParticipantRole::Client),
            person(4, "Sam Lee", ParticipantRole::Partner),
        ],
        text: "Form.\n".to_owned(),
        text_sha256: Digest::of(b"Form.\n"),
        disclosure_digest: crate::disclosure_digest(&facts),
        facts,
        made: MADE,
        expires: MADE.plus_days(365),
        amends: None,
        promise: Promise::AnyChange,
    }
}

fn events(form: &ConsentForm) -> Vec<ConsentEvent> {
    let mut events = vec![ConsentEvent::Requested(form.clone())];
    for person in &form.participants {
        events.push(ConsentEvent::Granted(Grant {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            intent: crate::INTENT.to_owned(),
            signature: Signature::Typed { name: person.name.clone() },
            time: MADE.plus_days(1),
            evidence: Evidence::default(),
        }));
    }
    let (participant, time) = (form.participants[0].id.clone(), MADE.plus_days(2));
    events.push(ConsentEvent::Revoked(Withdrawal {
        participant: participant.clone(),
        purposes: BTreeSet::from([Purpose::Training]),
        time,
    }));
    events.push(ConsentEvent::Declined(Refusal {
        participant,
        purposes: BTreeSet::new(),
        no_dictation: false,
        time: MADE.plus_days(3),
    }));
    events
}

/// What the guide to the standard names as mandatory, by section.
const HEADER: [&str; 3] = ["schema_version", "record_id", "pii_principal_id"];
const PROCESSING: [&str; 10] = [
    "privacy_notice",
    "language",
    "purpose",
    "pii_information",
    "pii_controllers",
    "storage_locations",
    "retention_period",
    "jurisdiction",
    "recipient_third_parties",
    "withdrawal_method",
];
const PARTY: [&str; 5] = ["party_id", "party_address", "party_name", "party_contact", "party_type"];
const EVENT: [&str; 5] = ["event_time", "validity_duration", "entity_id", "event_type", "event_state"];

fn has(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some_and(|value| !value.is_null()), "{key} is missing in {value}");
    }
}

#[test]
fn a_receipt_has_what_the_standard_names_as_mandatory() {
    let form = form();
    let told = receipt(&form, &form.participants[0], &events(&form), &PRACTICE, "TX", true, MADE.plus_days(4));
    has(&told, &["schema_version", "receipt_id"]);
    let record = &told["record"];
    has(record, &HEADER);
    for (section, keys, count) in
        [("pii_processing", &PROCESSING[..], 2), ("party_identification", &PARTY[..], 3), ("event", &EVENT[..], 4)]
    {
        let list = record[section].as_array().expect("a list");
        assert_eq!(list.len(), count, "{section}: {list:?}");
        list.iter().for_each(|one| has(one, keys));
    }
    let states: Vec<&str> =
        record["event"].as_array().expect("a list").iter().filter_map(|one| one["event_state"].as_str()).collect();
    assert_eq!(states, ["requested", "given", "withdrawn", "refused"]);
    assert_eq!(record["event"][2]["purposes"], json!(["training"]));
    assert_eq!(record["event"][1]["validity_duration"]["until"], json!(form.expires));
    assert_eq!(record["pii_processing"][0]["retention_period"]["recordings"], "P7D");
    assert_eq!(
        record["pii_processing"][0]["recipient_third_parties"],
        json!(["Cloud Scribe, Inc. (turns speech into text)", "Second & Sons (from Cloud Scribe, Inc.)"])
    );
    assert!(record["pii_processing"][0]["processing_locations"].to_string().contains("Cloud Scribe, Inc.: not told"));
}

#[test]
fn a_receipt_tells_of_one_person_alone() {
    let form = form();
    for (own, other) in [(0, 1), (1, 0)] {
        let text = receipt(&form, &form.participants[own], &events(&form), &PRACTICE, "TX", true, MADE).to_string();
        assert!(text.contains(&form.participants[own].name), "{own}");
        assert!(
            !text.contains(&form.participants[other].name) && !text.contains(form.participants[other].id.as_str()),
            "{own}"
        );
        let bare = receipt(&form, &form.participants[own], &events(&form), &PRACTICE, "TX", false, MADE).to_string();
        assert!(!bare.contains(&form.participants[own].name));
    }
}
