use super::*;
use crate::samples::{about, every, record};
use provenote_schemas::Kind;
use std::collections::BTreeSet;
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

#[test]
fn every_code_is_in_the_table_with_its_mark() {
    let codes: Codes = serde_saphyr::from_str(CODES).expect("the codes are readable");
    for code in &codes.codes {
        assert!(codes.systems.contains_key(code.code.split(':').next().expect("a word")), "{}", code.code);
        assert!(
            code.verification.split(", ").all(|one| ["balp", "example", "second-hand"].contains(&one)),
            "{}",
            code.code
        );
    }
    for one in every() {
        let event = audit_event(&one, &about());
        let codings = event["subtype"].as_array().expect("a list").iter().chain([&event["type"]]);
        for coding in codings.filter(|coding| coding["system"] != "urn:provenote:kind") {
            assert!(
                coding["display"].is_string() && coding["system"] != "urn:provenote:unknown",
                "{}: {coding}",
                one.kind
            );
        }
    }
}

#[test]
fn every_entry_fits_the_published_schema() {
    let Some(folder) = shared() else { return };
    let text = std::fs::read_to_string(folder.join("fhir.schema.json")).expect("the schema is read");
    let whole: Json = serde_json::from_str(&text).expect("JSON");
    let mut definitions = whole["definitions"].clone();
    // A few definitions of the file's own, none of them FHIR's, point at two that are not in it.
    for missing in ["Resource", "integer64"] {
        definitions[missing] = json!(false);
    }
    let schema = json!({ "$schema": whole["$schema"], "definitions": definitions, "$ref": "#/definitions/AuditEvent" });
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for one in every() {
        let event = audit_event(&one, &about());
        let wrong: Vec<String> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", one.kind);
        assert!(line(&one, &about()).ends_with("}\n") && line(&one, &about()).matches('\n').count() == 1);
    }
    // The test can fail.
    let mut broken = audit_event(&record("note.viewed", &[]), &about());
    broken["action"] = json!("X");
    assert!(!schema.is_valid(&broken));
}

/// Every element of ours is one that the published examples have too, but for those named here with a reason.
#[test]
fn the_shape_is_that_of_the_published_examples() {
    let Some(folder) = shared() else { return };
    let mut known = BTreeSet::new();
    for name in ["", "-rest", "-search", "-login", "-logout", "-disclosure", "-media", "-pixQuery", "-error"] {
        let text = std::fs::read_to_string(folder.join(format!("examples/AuditEvent-example{name}.json")))
            .expect("an example");
        paths(&serde_json::from_str(&text).expect("JSON"), "", &mut known);
    }
    // Identifiers in place of references: nothing of ours can be resolved. Profiles: the examples are older than BALP.
    let ours = [
        "/meta",
        "/meta/profile",
        "/agent/who/display",
        "/agent/who/identifier/system",
        "/source/observer/identifier/system",
        "/entity/what/type",
        "/entity/what/identifier/system",
        "/entity/detail/valueString",
        "/outcomeDesc",
        "/agent/role/text",
        "/source/observer/identifier",
        "/source/observer/identifier/value",
        "/agent/role",
        "/entity/detail",
        "/entity/detail/type",
    ];
    for one in every() {
        let mut mine = BTreeSet::new();
        paths(&audit_event(&one, &about()), "", &mut mine);
        for path in mine {
            assert!(known.contains(&path) || ours.contains(&path.as_str()), "{}: {path}", one.kind);
        }
    }
    let example = |name: &str| -> Json {
        let text = std::fs::read_to_string(folder.join(format!("examples/AuditEvent-example-{name}.json")))
            .expect("an example");
        serde_json::from_str(&text).expect("JSON")
    };
    for (name, kind) in [("login", "user.signed_in"), ("logout", "user.expired")] {
        let (theirs, mine) = (example(name), audit_event(&record(kind, &[]), &about()));
        assert_eq!(mine["type"]["code"], theirs["type"]["code"], "{name}");
        assert_eq!(mine["subtype"][0]["code"], theirs["subtype"][0]["code"], "{name}");
        assert_eq!(mine["action"], theirs["action"], "{name}");
    }
    let (theirs, mine) = (example("search"), audit_event(&record("records.searched", &[]), &about()));
    assert_eq!(mine["type"], theirs["type"]);
    assert_eq!(mine["subtype"][0], theirs["subtype"][0]);
    assert_eq!(mine["entity"][0]["role"], theirs["entity"][0]["role"]);
}

fn paths(value: &Json, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Json::Object(members) => {
            for (name, member) in members {
                let path = format!("{at}/{name}");
                into.insert(path.clone());
                paths(member, &path, into);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| paths(item, at, into)),
        _ => {}
    }
}

/// What the profiles ask for, from their source (input/fsh of IHE BALP 1.1.5-current), written down here as a check.
#[test]
fn a_profile_is_named_only_where_everything_it_asks_for_is_there() {
    let mut named = BTreeSet::new();
    for one in every() {
        let event = audit_event(&one, &about());
        let Some(profile) = event["meta"]["profile"][0].as_str() else { continue };
        let profile = profile.strip_prefix(PROFILES).expect("one of BALP's");
        named.insert(profile.to_owned());
        let (action, interaction, client, server, users) = match profile.strip_prefix("Patient").unwrap_or(profile) {
            "Read" => ("R", "read", "110152", "110153", vec!["IRCP"]),
            "Create" => ("C", "create", "110153", "110152", vec!["AUT", "INF", "CST"]),
            "Update" => ("U", "update", "110153", "110152", vec!["AUT", "INF", "CST"]),
            "Delete" => ("D", "delete", "110150", "custodian", vec!["AUT", "INF", "CST"]),
            other => panic!("{other} is not claimed"),
        };
        assert_eq!(event["type"]["code"], "rest");
        assert_eq!(event["subtype"][0]["code"], interaction);
        assert_eq!((&event["action"], &event["outcome"]), (&json!(action), &json!("0")), "{}", one.kind);
        let agents = event["agent"].as_array().expect("a list");
        let of =
            |code: &str| agents.iter().filter(|agent| agent["type"]["coding"][0]["code"] == code).collect::<Vec<_>>();
        for code in [client, server] {
            assert_eq!(of(code).len(), 1, "{}: agent {code}", one.kind);
            assert!(
                of(code)[0]["who"].is_object() && of(code)[0]["network"].is_object() && of(code)[0]["media"].is_null()
            );
        }
        let users: Vec<_> = users.into_iter().flat_map(of).collect();
        assert!(users.len() == 1 && users[0]["requestor"] == true && users[0]["network"].is_null(), "{}", one.kind);
        let entities = event["entity"].as_array().expect("a list");
        let of = |code: &str| entities.iter().filter(|entity| entity["type"]["code"] == code).collect::<Vec<_>>();
        assert_eq!(of("2").len(), 1, "one entity is the data");
        assert!(
            ["3", "4", "20"].contains(&of("2")[0]["role"]["code"].as_str().expect("a role"))
                && of("2")[0]["what"].is_object()
        );
        assert_eq!(of("1").len(), usize::from(profile.starts_with("Patient")));
        for patient in of("1") {
            assert_eq!((&patient["role"]["code"], &patient["what"]["type"]), (&json!("1"), &json!("Patient")));
        }
    }
    let all = ["Create", "Delete", "PatientCreate", "PatientDelete", "PatientRead", "PatientUpdate", "Read", "Update"];
    assert_eq!(named, all.map(str::to_owned).into());
}

#[test]
fn what_was_refused_or_cannot_be_told_names_no_profile() {
    let mut refused = record("access.refused", &[("client", "cli-1")]);
    refused.facts.insert("act".to_owned(), crate::Value::Text("view_note".to_owned()));
    let event = audit_event(&refused, &about());
    assert_eq!((&event["outcome"], &event["type"]["code"]), (&json!("8"), &json!("110113")));
    assert!(event["meta"].is_null());
    let told = audit_event(&record("disclosure.recorded", &[("client", "cli-1")]), &about());
    assert!(told["meta"].is_null());
    assert_eq!(told["subtype"][0]["code"], "disclose");
    assert!(told["agent"][2]["network"].is_null());
    assert_eq!(audit_event(&record("user.refused", &[]), &about())["outcome"], "4");
    assert!(Kind::ALL.len() > 100);
}
