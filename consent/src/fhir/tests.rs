use super::*;
use crate::acts::{ConsentEvent, FactsBook, Record};
use crate::jurisdictions::Terms;
use crate::people::Room;
use crate::policy::Policy;
use crate::samples::{MADE, facts, person};
use crate::standing::{Question, Today, standing};
use provenote_schemas::consent::{Evidence, Promise, Withdrawal};
use provenote_schemas::{ClientId, ConsentId, Digest};
use std::path::PathBuf;

/// The published schema and examples, or a word that they are not there.
fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from("../../shared/cases/fhir");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(option_env!("CI").is_none(), "the FHIR schema has to be beside this checkout in continuous integration");
    eprintln!("skipped: the FHIR schema is not beside this checkout (../shared/cases/fhir)");
    None
}

/// A validator of one resource's definition in the published schema.
fn schema(folder: &std::path::Path, resource: &str) -> jsonschema::Validator {
    let text = std::fs::read_to_string(folder.join("fhir.schema.json")).expect("the schema is read");
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    let mut definitions = whole["definitions"].clone();
    // A few definitions of the file's own, none of them FHIR's, point at two that are not in it.
    for missing in ["Resource", "integer64"] {
        assert!(definitions.get(missing).is_none(), "{missing}");
        definitions[missing] = json!(false);
    }
    let part = json!({
        "$schema": whole["$schema"],
        "definitions": definitions,
        "$ref": format!("#/definitions/{resource}"),
    });
    jsonschema::validator_for(&part).expect("a schema")
}

struct Case {
    form: ConsentForm,
    grants: Vec<Grant>,
    events: Vec<ConsentEvent>,
}

/// A child with a guardian and an interpreter, for two purposes.
fn case() -> Case {
    let mut child = person(3, "Kim <b>Lee</b> \"李\"", ParticipantRole::Client);
    child.born = Some("2012-01-01".to_owned());
    let people = vec![
        child,
        person(4, "Mother Lee", ParticipantRole::Guardian),
        person(5, "In Terpreter", ParticipantRole::Interpreter),
    ];
    let facts = facts(crate::State::parse("TX").expect("a state"));
    let form = ConsentForm {
        consent: ConsentId::from_random([1; 10]),
        client: ClientId::from_random([2; 10]),
        template: "ai-notes@1".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes, Purpose::TelehealthRecording],
        participants: people.clone(),
        text: "Form — “quoted”.\n".to_owned(),
        text_sha256: Digest::of("Form — “quoted”.\n".as_bytes()),
        disclosure_digest: crate::disclosure_digest(&facts),
        facts,
        made: MADE,
        expires: MADE.plus_days(365),
        amends: None,
        promise: Promise::AnyChange,
    };
    let hands = [
        Signature::Typed { name: people[0].name.clone() },
        Signature::Drawn { png_sha256: Digest::of(b"png") },
        Signature::Scan { pdf_sha256: Digest::of(b"pdf") },
    ];
    let grants: Vec<Grant> = people
        .iter()
        .zip(hands)
        .map(|(person, signature)| Grant {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            intent: crate::INTENT.to_owned(),
            signature,
            time: MADE.plus_days(1),
            evidence: Evidence { identity: Some("known to the clinician".to_owned()), ..Evidence::default() },
        })
        .collect();
    let mut events = vec![ConsentEvent::Requested(form.clone())];
    events.extend(grants.iter().cloned().map(ConsentEvent::Granted));
    Case { form, grants, events }
}

const NAMED: Export<'static> = Export { practice: "Harbor Street Counseling", names: true, text: true, now: MADE };

fn exported(case: &Case, export: &Export<'_>) -> Value {
    let policy = Policy::default();
    let now = MADE.plus_days(2);
    let room = Room { people: &case.form.participants, client_born: None, present: None };
    let terms = Terms { majority: 18, own_consent_age: None, writing: true };
    let question = Question { room, purposes: &case.form.purposes, terms, policy: &policy };
    let today = Today::new(&case.form.facts, now, &FactsBook::of(&case.events));
    let found = standing(&question, &Record::of(&case.events), &today);
    bundle(&case.form, &case.grants, &found, export)
}

fn resources(bundle: &Value) -> Vec<&Value> {
    bundle["entry"].as_array().expect("entries").iter().map(|entry| &entry["resource"]).collect()
}

#[test]
fn what_is_exported_is_fhir_to_the_published_schema() {
    let Some(folder) = shared() else { return };
    let (consent, provenance, whole) =
        (schema(&folder, "Consent"), schema(&folder, "Provenance"), schema(&folder, "Bundle"));
    let mut signed = case();
    let revoked = |purposes: &[Purpose]| {
        ConsentEvent::Revoked(Withdrawal {
            participant: case().form.participants[1].id.clone(),
            purposes: purposes.iter().copied().collect(),
            time: MADE.plus_days(2),
        })
    };
    let mut cases = vec![exported(&signed, &NAMED), exported(&signed, &Export { names: false, text: false, ..NAMED })];
    signed.events.push(revoked(&[Purpose::TelehealthRecording]));
    cases.push(exported(&signed, &NAMED));
    signed.events.push(revoked(&[]));
    cases.push(exported(&signed, &NAMED));
    signed.events.truncate(1);
    signed.grants.clear();
    cases.push(exported(&signed, &NAMED));
    for bundle in &cases {
        let errors: Vec<String> =
            whole.iter_errors(bundle).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
        for resource in resources(bundle) {
            let validator = if resource["resourceType"] == "Consent" { &consent } else { &provenance };
            let errors: Vec<String> =
                validator.iter_errors(resource).map(|error| format!("{error} at {}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:?} in {resource}");
        }
    }
    // The schema is no formality: it refuses a status that is none, and its own examples pass.
    let mut wrong = resources(&cases[0])[0].clone();
    wrong["status"] = json!("in_force");
    assert!(!consent.is_valid(&wrong));
    let mut wrong = resources(&cases[0])[0].clone();
    wrong["invented"] = json!(true);
    assert!(!consent.is_valid(&wrong));
    let example = std::fs::read(folder.join("examples/Consent-consent-example-signature.json")).expect("an example");
    assert!(consent.is_valid(&serde_json::from_slice(&example).expect("JSON")));
}

#[test]
fn an_export_says_what_is_in_force_and_for_whom() {
    let mut signed = case();
    let bundle = exported(&signed, &NAMED);
    let all = resources(&bundle);
    assert_eq!(all.len(), 6);
    assert!(all.iter().filter(|one| one["resourceType"] == "Consent").all(|one| one["status"] == "active"));
    assert_eq!(all[2]["performer"][0]["reference"], json!(format!("RelatedPerson/{}", signed.form.participants[1].id)));
    assert_eq!(all[2]["patient"]["reference"], json!(format!("Patient/{}", signed.form.client)));
    assert_eq!(all[3]["agent"][0]["onBehalfOf"]["reference"], json!(format!("Patient/{}", signed.form.client)));
    assert_eq!(all[3]["signature"][0]["sigFormat"], "image/png");
    assert_eq!(all[0]["patient"]["display"], "Kim <b>Lee</b> \"李\"");
    let bare = exported(&signed, &Export { names: false, text: false, ..NAMED }).to_string();
    assert!(!bare.contains("Lee") && !bare.contains("quoted"), "no name and no text");
    // A withdrawal of one purpose by the guardian takes that purpose out of the permission.
    signed.events.push(ConsentEvent::Revoked(Withdrawal {
        participant: signed.form.participants[1].id.clone(),
        purposes: BTreeSet::from([Purpose::AiNotes]),
        time: MADE.plus_days(2),
    }));
    let bundle = exported(&signed, &NAMED);
    let guardian = resources(&bundle)[2];
    assert_eq!(
        (&guardian["status"], &guardian["provision"]["provision"][0]["type"]),
        (&json!("inactive"), &json!("deny"))
    );
    signed.events.truncate(1);
    signed.grants.clear();
    let bundle = exported(&signed, &NAMED);
    assert!(
        resources(&bundle)
            .iter()
            .all(|one| one["status"] == "proposed" && one["provision"]["provision"][0]["type"] == "deny")
    );
}

#[test]
fn what_was_exported_is_read_back_and_permits_what_was_signed() {
    let signed = case();
    let bytes = serde_json::to_vec(&exported(&signed, &NAMED)).expect("JSON");
    let found = read(&bytes).expect("read");
    assert_eq!(found.len(), 3);
    for one in &found {
        let during = MADE.plus_days(3);
        assert_eq!(one.permitted(during), BTreeSet::from([Purpose::AiNotes, Purpose::TelehealthRecording]));
        assert_eq!(one.permitted(MADE.plus_days(365)), BTreeSet::new());
        assert_eq!(one.permitted(MADE), BTreeSet::new());
    }
}

fn ours() -> Value {
    let bundle = exported(&case(), &NAMED);
    resources(&bundle)[0].clone()
}

fn permit(resource: &Value, purpose: Purpose) -> Permit {
    let bytes = serde_json::to_vec(resource).expect("JSON");
    read(&bytes).expect("a consent")[0].permits(purpose, MADE.plus_days(3))
}

#[test]
fn nothing_but_a_plain_permission_permits() {
    assert_eq!(permit(&ours(), Purpose::AiNotes), Permit::Yes);
    type Change = (&'static str, fn(&mut Value));
    let table: Vec<Change> = vec![
        ("no provision of it says", |c| {
            c["provision"]["provision"][0].as_object_mut().expect("an object").remove("type");
            // Not even with a rule that is read as permitting everything.
            c["policyRule"]["coding"][0]["code"] = json!("OPTIN");
        }),
        ("no provision of it says", |c| {
            c["provision"].as_object_mut().expect("an object").remove("provision");
            c["policyRule"]["coding"][0]["code"] = json!("OPTIN");
        }),
        ("no provision", |c| {
            c.as_object_mut().expect("an object").remove("provision");
        }),
        ("denies", |c| c["provision"]["provision"][0]["type"] = json!("deny")),
        ("denies", |c| c["provision"]["type"] = json!("deny")),
        ("not understood", |c| c["provision"]["type"] = json!("maybe")),
        ("may reach this purpose", |c| c["provision"]["provision"][0]["type"] = json!("Permit")),
        ("another purpose", |c| {
            c["provision"]["provision"][0]["purpose"] = json!([{ "system": PURPOSES, "code": "training" }])
        }),
        ("another purpose", |c| {
            c["provision"]["provision"][0]["purpose"] =
                json!([{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "TREAT" }]);
        }),
        ("another purpose", |c| c["provision"]["provision"][0]["purpose"] = json!([{ "code": "ai_notes" }])),
        ("names no purpose", |c| {
            c["provision"]["provision"][0].as_object_mut().expect("an object").remove("purpose");
        }),
        ("another purpose", |c| c["provision"]["purpose"] = json!([{ "system": PURPOSES, "code": "training" }])),
        ("not `active`", |c| c["status"] = json!("proposed")),
        ("not `active`", |c| {
            c.as_object_mut().expect("an object").remove("status");
        }),
        ("ended on", |c| c["provision"]["period"]["end"] = json!("2026-11-22")),
        ("has not begun", |c| c["provision"]["period"]["start"] = json!("2027-01-01")),
        ("not certain when it ends", |c| c["provision"]["period"]["end"] = json!("2027")),
        ("not certain when it begins and ends", |c| {
            c["provision"].as_object_mut().expect("an object").remove("period");
        }),
        ("ended on", |c| {
            c["provision"]["provision"][0]["period"] = json!({ "start": "2026-01-01", "end": "2026-02-01" })
        }),
        ("limited by `actor`", |c| c["provision"]["actor"] = json!([])),
        ("limited by `class`", |c| c["provision"]["provision"][0]["class"] = json!([])),
        ("may reach this purpose", |c| {
            let rule = json!({ "type": "deny" });
            c["provision"]["provision"].as_array_mut().expect("a list").push(rule);
        }),
        ("an exception within", |c| c["provision"]["provision"][0]["provision"] = json!([{ "type": "deny" }])),
        ("not understood", |c| c["provision"]["provision"] = json!("permit")),
        ("a modifier", |c| c["modifierExtension"] = json!([{ "url": "urn:x" }])),
        ("a modifier", |c| c["provision"]["provision"][0]["modifierExtension"] = json!([])),
        ("a modifier", |c| c["implicitRules"] = json!("urn:x")),
    ];
    for (why, change) in table {
        let mut changed = ours();
        change(&mut changed);
        let Permit::No { why: told } = permit(&changed, Purpose::AiNotes) else { panic!("{why}: permitted") };
        assert!(told.iter().any(|one| one.contains(why)), "{why}: {told:?}");
    }
    // A rule that denies another purpose takes nothing away.
    let mut other = ours();
    let rule = json!({ "type": "deny", "purpose": [{ "system": PURPOSES, "code": "training" }] });
    other["provision"]["provision"].as_array_mut().expect("a list").push(rule);
    assert_eq!(permit(&other, Purpose::AiNotes), Permit::Yes);
}

#[test]
fn a_consent_for_training_never_permits_drafting() {
    let mut training = ours();
    training["provision"]["provision"][0]["purpose"] = json!([{ "system": PURPOSES, "code": "training" }]);
    assert_eq!(permit(&training, Purpose::Training), Permit::Yes);
    for purpose in Purpose::ALL.iter().filter(|purpose| **purpose != Purpose::Training) {
        assert_ne!(permit(&training, *purpose), Permit::Yes, "{purpose}");
    }
}

#[test]
fn no_example_of_the_standard_permits_drafting() {
    let Some(folder) = shared() else { return };
    let mut seen = 0;
    for file in std::fs::read_dir(folder.join("examples")).expect("examples") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("reads");
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("Consent-")) {
            seen += 1;
            for one in read(&bytes).expect("a consent") {
                assert_eq!(one.permitted(MADE), BTreeSet::new(), "{}", path.display());
            }
        } else {
            assert_eq!(read(&bytes), Err(FhirError::NoConsent), "{}", path.display());
        }
    }
    assert!(seen >= 10, "{seen}");
}

#[test]
fn what_is_no_consent_is_refused_with_its_place() {
    assert_eq!(read(b"{\n  \"resourceType\": \n"), Err(FhirError::NoJson { line: 3, column: 0 }));
    for bad in [
        "[]",
        "1",
        "{}",
        "{\"resourceType\":\"Patient\"}",
        "{\"resourceType\":\"Bundle\"}",
        "{\"resourceType\":\"Bundle\",\"entry\":[{}]}",
    ] {
        assert_eq!(read(bad.as_bytes()), Err(FhirError::NoConsent), "{bad}");
    }
    assert!(matches!(read(&vec![b' '; LARGEST + 1]), Err(FhirError::TooLarge { .. })));
    assert!(matches!(read("[".repeat(100_000).as_bytes()), Err(FhirError::NoJson { .. })));
}
