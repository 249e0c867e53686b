//! Consents that leave as a file and come back: FHIR to the published schema, receipts, plain text; and nothing that
//! comes in ever opens the gate.

mod office;

use std::path::{Path, PathBuf};

use office::{Office, somebody};
use provenote_consent::Modality;
use provenote_consent::fhir::PURPOSES;
use provenote_practice::PracticeError;
use provenote_practice::consents::{ExportAs, OPENS_NOTHING};
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Kind, Purpose};
use serde_json::{Value, json};

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
fn schema(folder: &Path, resource: &str) -> jsonschema::Validator {
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

const MARIA: &str = "Maria <b>Gómez</b> \"李\"";

/// A child, a mother and an interpreter; everybody has signed.
fn family() -> Office {
    let people = [
        (MARIA, ParticipantRole::Client),
        ("Rosa Gómez", ParticipantRole::Guardian),
        ("In Terpreter", ParticipantRole::Interpreter),
    ];
    let mut office = Office::new("TX", Some("2013-02-03"), &people);
    office.form("telehealth-recording").expect("a form");
    for (who, _) in people {
        office.sign(who, None).unwrap_or_else(|error| panic!("{who}: {error}"));
    }
    office
}

fn export(office: &mut Office, as_: ExportAs, names: bool) -> Vec<u8> {
    let client = office.client.clone();
    office
        .practice
        .consent_export(&office.actor, &client, None, as_, names, &office::Catalogue)
        .unwrap_or_else(|error| panic!("{as_:?}: {error}"))
        .bytes
}

fn import(office: &mut Office, bytes: &[u8]) -> Result<provenote_practice::consents::Imported, PracticeError> {
    let client = office.client.clone();
    office.practice.consent_import(&office.actor, &client, bytes)
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn consents(bundle: &Value) -> Vec<&Value> {
    let entries = bundle["entry"].as_array().expect("entries");
    entries.iter().map(|entry| &entry["resource"]).filter(|one| one["resourceType"] == "Consent").collect()
}

#[test]
fn what_a_real_practice_exports_is_fhir_to_the_published_schema() {
    let Some(folder) = shared() else { return };
    let (whole, consent, provenance) =
        (schema(&folder, "Bundle"), schema(&folder, "Consent"), schema(&folder, "Provenance"));
    let mut office = family();
    let mut bundles = vec![export(&mut office, ExportAs::Fhir, true), export(&mut office, ExportAs::Fhir, false)];
    office.later(1);
    office.decline("In Terpreter", &[Purpose::TelehealthRecording]).expect("a refusal");
    bundles.push(export(&mut office, ExportAs::Fhir, true));
    office.later(900);
    bundles.push(export(&mut office, ExportAs::Fhir, true));
    // Nobody has signed.
    let mut alone = Office::new("IL", None, &[("Sam Lee", ParticipantRole::Client)]);
    alone.form("ai-notes").expect("a form");
    bundles.push(export(&mut alone, ExportAs::Fhir, true));
    for bundle in &bundles {
        let bundle = value(bundle);
        let errors: Vec<String> =
            whole.iter_errors(&bundle).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:?}");
        for entry in bundle["entry"].as_array().expect("entries") {
            let resource = &entry["resource"];
            let validator = if resource["resourceType"] == "Consent" { &consent } else { &provenance };
            let errors: Vec<String> =
                validator.iter_errors(resource).map(|error| format!("{error} at {}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{errors:?} in {resource}");
        }
    }
    // And it is no formality.
    let mut wrong = consents(&value(&bundles[0]))[0].clone();
    wrong["status"] = json!("in_force");
    assert!(!consent.is_valid(&wrong));
}

#[test]
fn every_example_of_the_standard_is_read_and_opens_nothing() {
    let Some(folder) = shared() else { return };
    let mut office = Office::new("TX", None, &[("Sam Lee", ParticipantRole::Client)]);
    let mut seen = 0;
    for file in std::fs::read_dir(folder.join("examples")).expect("examples") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("reads");
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("Consent-")) {
            seen += 1;
            let imported = import(&mut office, &bytes).expect("a consent");
            for one in &imported.consents {
                assert!(one.would_permit.is_empty(), "{}", path.display());
                assert_eq!(one.why_not.len(), Purpose::ALL.len());
                assert!(one.why_not.iter().all(|(_, why)| !why.is_empty()), "{}", path.display());
            }
        } else {
            let before = office.size();
            assert!(matches!(import(&mut office, &bytes), Err(PracticeError::BadRequest(_))), "{}", path.display());
            assert_eq!(office.size(), before, "nothing is kept of it");
        }
    }
    assert!(seen >= 10, "{seen}");
    assert!(matches!(office.record(Modality::InPerson), Err(PracticeError::Gate { .. })));
}

#[test]
fn what_was_exported_comes_back_and_never_opens_the_gate() {
    let mut office = family();
    assert!(office.record(Modality::Video).is_ok(), "everybody signed");
    let bundle = export(&mut office, ExportAs::Fhir, true);
    let all = value(&bundle);
    assert_eq!(consents(&all).len(), 3);
    assert!(consents(&all).iter().all(|one| one["status"] == "active"), "{all}");

    // The same people in another practice, where nobody signed.
    let mut other = Office::new("TX", Some("2013-02-03"), &[(MARIA, ParticipantRole::Client)]);
    let guardian = somebody("Rosa Gómez", ParticipantRole::Guardian);
    let client = other.client.clone();
    other.practice.add_person(&other.actor, &client, &guardian).expect("a guardian");
    other.later(1);
    let before = other.size();
    let imported = import(&mut other, &bundle).expect("it is read");
    assert_eq!((imported.seq, other.size()), (before, before + 1));
    assert_eq!(imported.opens, OPENS_NOTHING);
    assert_eq!(imported.consents.len(), 3);
    for one in &imported.consents {
        assert_eq!(one.would_permit, [Purpose::AiNotes, Purpose::TelehealthRecording]);
        let others: Vec<Purpose> = one.why_not.iter().map(|(purpose, _)| *purpose).collect();
        assert_eq!(others.len() + 2, Purpose::ALL.len());
        assert_eq!(one.status.as_deref(), Some("active"));
    }
    for modality in [Modality::InPerson, Modality::Telephone, Modality::Video] {
        let standing = other.standing(modality);
        assert_eq!(standing.standing.status.as_str(), "missing");
        assert_eq!(standing.events, 0, "an imported consent is no act");
        assert!(matches!(other.record(modality), Err(PracticeError::Gate { .. })));
    }
    // Nor where a form is there and only the import says yes.
    other.form("telehealth-recording").expect("a form");
    import(&mut other, &bundle).expect("it is read");
    assert!(matches!(other.record(Modality::Video), Err(PracticeError::Gate { .. })));
    // Nor does it undo a no.
    other.decline(MARIA, &[]).expect("a refusal");
    import(&mut other, &bundle).expect("it is read");
    assert_eq!(other.standing(Modality::Video).standing.status.as_str(), "declined");
}

#[test]
fn a_consent_for_training_or_without_a_type_permits_no_notes() {
    let mut office = family();
    let bundle = value(&export(&mut office, ExportAs::Fhir, true));
    office.later(1);
    let changed = |change: fn(&mut Value)| {
        let mut bundle = bundle.clone();
        for entry in bundle["entry"].as_array_mut().expect("entries") {
            if entry["resource"]["resourceType"] == "Consent" {
                change(&mut entry["resource"]["provision"]["provision"][0]);
            }
        }
        serde_json::to_vec(&bundle).expect("JSON")
    };
    let training = changed(|rule| rule["purpose"] = json!([{ "system": PURPOSES, "code": "training" }]));
    for one in import(&mut office, &training).expect("it is read").consents {
        assert_eq!(one.would_permit, [Purpose::Training]);
    }
    let untyped = changed(|rule| {
        rule.as_object_mut().expect("an object").remove("type");
    });
    for one in import(&mut office, &untyped).expect("it is read").consents {
        assert!(one.would_permit.is_empty());
        let (_, why) = &one.why_not[0];
        assert!(why.iter().any(|why| why.contains("no provision of it says that it permits")), "{why:?}");
    }
}

#[test]
fn a_receipt_is_made_for_everybody_who_signed_and_for_nobody_else() {
    let people = [("Sam Lee", ParticipantRole::Client), ("Pat Lee", ParticipantRole::Partner)];
    let mut office = Office::new("TX", None, &people);
    let form = office.form("ai-notes").expect("a form").form;
    let client = office.client.clone();
    let none =
        office.practice.consent_export(&office.actor, &client, None, ExportAs::Receipt, true, &office::Catalogue);
    assert!(matches!(none, Err(PracticeError::BadRequest(why)) if why.contains("nobody has said yes")));
    office.later(1);
    office.sign("Sam Lee", None).expect("a signature");
    let receipts = value(&export(&mut office, ExportAs::Receipt, true));
    let [one] = receipts.as_array().expect("a list").as_slice() else { panic!("{receipts}") };
    let record = &one["record"];
    assert_eq!(record["record_id"], json!(form.consent));
    assert_eq!(record["party_identification"][0]["party_name"], "Elm Street Counseling");
    assert_eq!(record["party_identification"][0]["party_address"], "not given");
    assert_eq!(record["party_identification"][1]["party_name"], "Sam Lee");
    assert!(!record["pii_processing"][0]["withdrawal_method"].to_string().contains("not given"));
    let states: Vec<&Value> =
        record["event"].as_array().expect("a list").iter().map(|event| &event["event_state"]).collect();
    assert_eq!(states, ["requested", "given"]);
    assert!(!one.to_string().contains("Pat"));
    office.sign("Pat Lee", None).expect("a signature");
    let receipts = value(&export(&mut office, ExportAs::Receipt, false));
    assert_eq!(receipts.as_array().map(Vec::len), Some(2));
    let for_print = office.practice.consent_receipts(&office.actor, &form, true).expect("for the printed form");
    assert_eq!(value(for_print.as_bytes()).as_array().map(Vec::len), Some(2));
}

#[test]
fn without_names_no_name_and_no_word_of_the_form_leaves() {
    let mut office = family();
    office.decline("In Terpreter", &[Purpose::Training]).expect("a refusal");
    for as_ in [ExportAs::Fhir, ExportAs::Receipt] {
        let text = String::from_utf8(export(&mut office, as_, false)).expect("UTF-8");
        for word in ["Maria", "Gómez", "李", "Rosa", "Terpreter", "No, thank you", "sourceAttachment\": \"data"] {
            assert!(!text.contains(word), "{as_:?}: {word}");
        }
        assert!(!text.contains("\"data\""), "{as_:?}");
        let text = String::from_utf8(export(&mut office, as_, true)).expect("UTF-8");
        assert!(text.contains("Rosa Gómez"), "{as_:?}");
    }
    let client = office.client.clone();
    for as_ in [ExportAs::Text, ExportAs::Html] {
        let before = office.size();
        let refused = office.practice.consent_export(&office.actor, &client, None, as_, false, &office::Catalogue);
        assert!(matches!(refused, Err(PracticeError::BadRequest(_))), "{as_:?}");
        assert_eq!(office.size(), before);
    }
}

#[test]
fn the_plain_copy_holds_the_exact_words_and_who_signed_them() {
    for (lang, signed, never, no, record) in [
        ("en", "Signed by typing the name", "Has not signed.", "Took the consent back", "What is on record"),
        ("es", "Firmó escribiendo el nombre", "No ha firmado.", "Retiró el consentimiento", "Lo que consta"),
    ] {
        let people = [(MARIA, ParticipantRole::Client), ("Pat Lee", ParticipantRole::Partner)];
        let mut office = Office::new("TX", None, &people);
        let form = office.form_in("ai-notes", lang).expect("a form").form;
        office.sign(MARIA, None).expect("a signature");
        let words = provenote_templates::plain_text(&provenote_templates::blocks(&form.text));
        let copy = String::from_utf8(export(&mut office, ExportAs::Text, true)).expect("UTF-8");
        assert!(copy.starts_with(&words), "{lang}");
        let below = &copy[words.len()..];
        for part in [
            signed,
            never,
            record,
            MARIA,
            "Pat Lee",
            "known to the clinician",
            "the practice's tablet",
            provenote_consent::intent(lang),
            &form.text_sha256.to_string(),
            form.consent.as_str(),
        ] {
            assert!(below.contains(part), "{lang}: {part} in {below}");
        }
        assert!(below.contains("\n— ") || below.contains("— provenote"), "the checkpoint with its signature: {below}");
        assert!(!below.contains(no));
        let html = String::from_utf8(export(&mut office, ExportAs::Html, true)).expect("UTF-8");
        assert!(html.contains("Maria &lt;b&gt;Gómez&lt;/b&gt;") && !html.contains("<b>Gómez"), "{lang}");
        assert!(html.contains(&format!("lang=\"{lang}\"")));
    }
}

#[test]
fn an_export_is_an_entry_with_the_bytes_before_anybody_has_them() {
    let mut office = family();
    let client = office.client.clone();
    for as_ in ExportAs::ALL {
        let before = office.size();
        let made = office
            .practice
            .consent_export(&office.actor, &client, None, *as_, true, &office::Catalogue)
            .expect("an export");
        assert_eq!((made.seq, office.size()), (before, before + 1));
        let header = office.practice.log().header(made.seq).expect("the entry");
        assert_eq!(header.kind, Kind::ConsentExported.as_str());
        assert_eq!(header.refs.get("client"), Some(&client));
        assert!(made.file_name.starts_with(&header.refs["consent"]), "{}", made.file_name);
        assert_eq!(ExportAs::from_word(as_.as_str()), Some(*as_));
        let sealed = &header.payloads[0];
        let (key, body) = office.practice.log().sealed(sealed).expect("reads").expect("is there");
        let kept = office.practice.vault().open(office.actor.keys(), sealed, &key, &body).expect("opens");
        assert_eq!(*kept, made.bytes, "{as_:?}");
        // Nothing of a person stands in the header.
        let text = String::from_utf8(office.practice.log().entry_bytes(made.seq).expect("bytes")).expect("UTF-8");
        assert!(!text.contains("Maria") && !text.contains("Gómez"), "{text}");
    }
    // A form that is not this client's, and one that is no form.
    for asked in ["con-0123456789abcdef", "Maria \u{1b}[31m"] {
        let refused = office.practice.consent_export(
            &office.actor,
            &client,
            Some(asked),
            ExportAs::Fhir,
            true,
            &office::Catalogue,
        );
        let Err(error @ PracticeError::NotFound { .. }) = refused else { panic!("{asked}: {refused:?}") };
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let mut nothing = Office::new("TX", None, &[("Sam Lee", ParticipantRole::Client)]);
    let client = nothing.client.clone();
    let refused =
        nothing.practice.consent_export(&nothing.actor, &client, None, ExportAs::Fhir, true, &office::Catalogue);
    assert!(matches!(refused, Err(PracticeError::BadRequest(why)) if why.contains("no form")));
}

#[test]
fn a_strangers_document_is_checked_before_anything_is_kept() {
    let mut office = Office::new("TX", None, &[("Sam Lee", ParticipantRole::Client)]);
    let before = office.size();
    let large = vec![b' '; provenote_consent::fhir::LARGEST + 1];
    for (bad, why) in [
        (&large[..], "more than 1048576"),
        (b"{\"resourceType\": ", "no JSON (line 1"),
        (b"\xff\xfe", "no JSON"),
        (b"{}", "no FHIR Consent"),
        (b"{\"resourceType\":\"Patient\"}", "no FHIR Consent"),
    ] {
        match import(&mut office, bad) {
            Err(PracticeError::BadRequest(told)) => assert!(told.contains(why), "{told}"),
            other => panic!("{why}: {other:?}"),
        }
    }
    assert_eq!(office.size(), before);
    // What it says of itself is shown without what could turn a screen.
    let odd = json!({ "resourceType": "Consent", "id": "x\u{1b}[2J\u{202E}y", "status": "z".repeat(5000) });
    let imported = import(&mut office, odd.to_string().as_bytes()).expect("a consent");
    let one = &imported.consents[0];
    assert_eq!(one.id.as_deref(), Some("x[2Jy"));
    assert_eq!(one.status.as_ref().map(|status| status.chars().count()), Some(200));
    assert!(one.why_not.iter().flat_map(|(_, why)| why).all(|why| why.chars().count() <= 200));
    // Kept as it came.
    let header = office.practice.log().header(imported.seq).expect("the entry");
    assert_eq!(header.kind, Kind::ConsentImported.as_str());
    let sealed = &header.payloads[0];
    let (key, body) = office.practice.log().sealed(sealed).expect("reads").expect("is there");
    let kept = office.practice.vault().open(office.actor.keys(), sealed, &key, &body).expect("opens");
    assert_eq!(kept.as_slice(), odd.to_string().as_bytes());
}
