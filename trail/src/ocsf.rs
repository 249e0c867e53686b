//! The trail as events of the Open Cybersecurity Schema Framework, version 1.8.0, one JSON object a line.
//!
//! Four classes are used. Authentication (3002) for signing in and out. Account Change (3001) for users, factors and locks.
//! User Access Management (3005) for what is granted and taken back. Entity Management (3004) for everything done to a
//! record. API Activity and File Activity are not: the one asks for a network endpoint and the other for the name of a file,
//! and the ledger knows neither. What has no attribute of its own stands in `unmapped`, as OCSF asks.

use provenote_schemas::Kind;
use serde_json::{Map, Value as Json, json};

use crate::About;
use crate::events::{extras, ocsf_shape, place};
use crate::record::{Outcome, Record, Value};

/// The version of the schema that the events follow.
pub const VERSION: &str = "1.8.0";

/// One entry as an OCSF event.
#[must_use]
pub fn event(record: &Record, about: &About) -> Json {
    let placed = place(record);
    let shape = ocsf_shape(record);
    let user = |uid: &str| json!({ "uid": uid });
    let mut event = json!({
        "class_uid": shape.class,
        "category_uid": shape.class / 1000,
        "activity_id": shape.activity,
        "type_uid": shape.class * 100 + shape.activity,
        "time": record.time.millis(),
        // Informational; what was refused is low: whether it matters is for a person to say.
        "severity_id": if placed.outcome == Outcome::Allowed { 1 } else { 2 },
        "status_id": if placed.outcome == Outcome::Allowed { 1 } else { 2 },
        "status_detail": placed.outcome.as_str(),
        "actor": { "user": user(&record.actor), "app_name": "Provenote" },
        "metadata": {
            "version": VERSION,
            // Where actor and device come from.
            "profiles": ["host"],
            "product": { "name": "Provenote", "version": about.version },
            "uid": record.entry.to_string(),
            "sequence": record.seq,
            "event_code": record.kind,
            "log_name": about.origin,
            "original_time": record.time.to_string(),
        },
    });
    if shape.activity == 99 {
        event["activity_name"] = json!(record.kind);
    }
    if let Some(device) = &record.device {
        event["device"] = json!({ "uid": device, "type_id": 0 });
    }
    // Whose account or right it is: the one named, else the actor's own.
    let whose = ["user", "requester"].into_iter().find_map(|name| record.refs.get(name)).unwrap_or(&record.actor);
    match shape.class {
        3002 => {
            event["user"] = user(&record.actor);
            event["service"] = json!({ "name": "Provenote", "uid": about.origin });
            event["is_remote"] = json!(false);
            let given = match record.facts.get("factor") {
                Some(Value::Flag(given)) => Some(*given),
                Some(Value::Text(word)) => Some(word != "none"),
                _ => None,
            };
            if let Some(given) = given {
                event["is_mfa"] = json!(given);
            }
        }
        3001 => event["user"] = user(whose),
        3005 => {
            event["user"] = user(whose);
            let privilege = record.facts.get("class").map_or_else(|| record.kind.clone(), Value::to_string);
            event["privileges"] = json!([privilege]);
        }
        _ => {
            let uid = record.about().unwrap_or_else(|| about.origin.clone());
            event["entity"] = json!({ "uid": uid, "type": placed.record_class });
        }
    }
    let mut rest = Map::new();
    rest.insert("event".to_owned(), json!(placed.event.map_or("other", |event| event.as_str())));
    rest.insert("record_class".to_owned(), json!(placed.record_class));
    if let Some(why) = placed.why_other {
        rest.insert("why_other".to_owned(), json!(why));
    }
    if let Some(role) = record.role {
        rest.insert("role".to_owned(), json!(role.as_str()));
    }
    for extra in extras(record) {
        rest.insert(extra.name, extra.value.map_or(Json::Null, Json::String));
    }
    rest.insert("refs".to_owned(), json!(record.refs));
    let facts = record.facts.iter().map(|(name, fact)| {
        let value = match fact {
            Value::Text(text) => json!(text),
            Value::Number(n) => json!(n),
            Value::Flag(yes) => json!(yes),
        };
        (name.clone(), value)
    });
    rest.insert("facts".to_owned(), Json::Object(facts.collect()));
    rest.insert("prev_hash".to_owned(), json!(record.prev.to_string()));
    if Kind::from_word(&record.kind).is_none() {
        rest.insert("unknown_kind".to_owned(), json!(true));
    }
    event["unmapped"] = Json::Object(rest);
    event
}

/// One entry as a line.
#[must_use]
pub fn line(record: &Record, about: &About) -> String {
    format!("{}\n", event(record, about))
}

#[cfg(test)]
mod tests;
