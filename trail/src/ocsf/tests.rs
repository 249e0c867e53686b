use super::*;
use crate::samples::{about, every, record};
use std::collections::{BTreeMap, BTreeSet};

/// OCSF 1.8.0 as JSON Schema, the four classes that are used; see the file's `$comment`.
const SCHEMA: &str = include_str!("../../tests/ocsf-1.8.0.schema.json");

#[test]
fn every_entry_fits_the_published_schema() {
    let whole: Json = serde_json::from_str(SCHEMA).expect("JSON");
    let validators: BTreeMap<&String, jsonschema::Validator> = whole["classes"]
        .as_object()
        .expect("classes")
        .iter()
        .map(|(class, schema)| {
            let mut schema = schema.clone();
            schema["$defs"] = whole["$defs"].clone();
            (class, jsonschema::validator_for(&schema).expect("a schema"))
        })
        .collect();
    let mut classes = BTreeSet::new();
    for one in every() {
        let event = event(&one, &about());
        let class = event["class_uid"].to_string();
        let schema = validators.get(&class).unwrap_or_else(|| panic!("{}: class {class} has no schema", one.kind));
        let wrong: Vec<String> =
            schema.iter_errors(&event).map(|error| format!("{} at {}", error, error.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", one.kind);
        assert_eq!(
            event["type_uid"],
            json!(
                event["class_uid"].as_u64().expect("a number") * 100 + event["activity_id"].as_u64().expect("a number")
            )
        );
        let mut broken = event.clone();
        broken["surprise"] = json!(1);
        assert!(!schema.is_valid(&broken), "the schema can fail");
        classes.insert(class);
        assert_eq!(line(&one, &about()).matches('\n').count(), 1);
    }
    assert_eq!(classes, ["3001", "3002", "3004", "3005"].map(str::to_owned).into());
}

/// What OCSF says of classes beyond types, and JSON Schema does not carry: at least one of `service` and `dst_endpoint`.
#[test]
fn a_sign_in_names_the_service() {
    for one in every().iter().map(|one| event(one, &about())).filter(|one| one["class_uid"] == 3002) {
        assert!(one["service"]["name"].is_string());
    }
    let failed = event(&record("user.refused", &[]), &about());
    assert_eq!((&failed["activity_id"], &failed["status_id"]), (&json!(1), &json!(2)));
}
