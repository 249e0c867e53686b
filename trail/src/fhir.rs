//! The trail as FHIR R4 AuditEvent, in the shapes of IHE Basic Audit Log Patterns (BALP): one resource an entry, as NDJSON.
//!
//! A profile of BALP is named in `meta.profile` only where everything it asks for is there: successful reads, creations,
//! changes and deletions. What else BALP has (queries, privacy disclosures, user authentication) is written in its shape and
//! names no profile, because the ledger keeps the digest of a query and not its text, seals who a disclosure went to, and
//! knows no network address. On one machine client and server are the same program: both agents say so, at `localhost`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provenote_schemas::Role;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::About;
use crate::events::{Event, Placed, extras, fhir_shape, place};
use crate::record::{Outcome, Record};

/// Where BALP's profiles are defined.
pub const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";

const CODES: &str = include_str!("../rules/codes.yaml");
const IDS: &str = "urn:provenote:id";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ENTITY: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Codes {
    systems: BTreeMap<String, String>,
    codes: Vec<Code>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
    display: String,
    #[cfg_attr(not(test), allow(dead_code, reason = "read by a test and by people"))]
    verification: String,
}

static LOADED: LazyLock<Option<Codes>> = LazyLock::new(|| serde_saphyr::from_str(CODES).ok());

/// One entry as an AuditEvent.
#[must_use]
pub fn audit_event(record: &Record, about: &About) -> Json {
    let placed = place(record);
    let shape = fhir_shape(record);
    let rest = shape.event_type == "rest";
    let mut event = json!({ "resourceType": "AuditEvent", "id": format!("entry-{}", record.seq) });
    if let Some(profile) = shape.profile.as_deref().filter(|_| placed.outcome == Outcome::Allowed) {
        let patient = if record.client().is_some() { "Patient" } else { "" };
        event["meta"] = json!({ "profile": [format!("{PROFILES}{patient}{profile}")] });
    }
    event["type"] = coded(&shape.event_type);
    let kind = json!({ "system": "urn:provenote:kind", "code": record.kind });
    event["subtype"] = shape.subtype.iter().map(|subtype| coded(subtype)).chain([kind]).collect();
    event["action"] = json!(shape.action);
    event["recorded"] = json!(record.time.to_string());
    event["outcome"] = json!(match placed.outcome {
        Outcome::Allowed => "0",
        // A wrong passphrase is a slip; what was refused by the policies is not.
        Outcome::Failed => "4",
        Outcome::Refused if placed.event == Some(Event::LoginFailed) => "4",
        Outcome::Refused => "8",
    });
    if placed.outcome != Outcome::Allowed {
        event["outcomeDesc"] = json!(placed.outcome.as_str());
    }
    let program = program(about);
    event["agent"] = agents(record, &placed, &shape.action, rest, &program);
    event["source"] = json!({
        "observer": program,
        "type": [{ "system": "http://terminology.hl7.org/CodeSystem/security-source-type", "code": "4", "display": "Application Server" }],
    });
    event["entity"] = entities(record, &placed, rest, about);
    event
}

/// One entry as a line of NDJSON.
#[must_use]
pub fn line(record: &Record, about: &About) -> String {
    format!("{}\n", audit_event(record, about))
}

/// A coding by its word in `codes.yaml`.
fn coded(word: &str) -> Json {
    let (system, code) = word.split_once(':').unwrap_or((word, word));
    let codes = LOADED.as_ref();
    let url = codes.and_then(|codes| codes.systems.get(system)).map_or("urn:provenote:unknown", String::as_str);
    let display = codes.and_then(|codes| codes.codes.iter().find(|one| one.code == word)).map(|one| &one.display);
    match display {
        Some(display) => json!({ "system": url, "code": code, "display": display }),
        None => json!({ "system": url, "code": code }),
    }
}

fn program(about: &About) -> Json {
    json!({
        "identifier": { "system": "urn:provenote:log", "value": about.origin },
        "display": format!("Provenote {}", about.version),
    })
}

fn concept(system: &str, code: &str, display: &str) -> Json {
    json!({ "coding": [{ "system": system, "code": code, "display": display }] })
}

fn agents(record: &Record, placed: &Placed, action: &str, rest: bool, program: &Json) -> Json {
    // BALP: who reads or asks receives, who makes or changes is the author, who deletes is the custodian.
    let user_type = match action {
        "C" | "U" => concept(PARTICIPATION, "AUT", "author (originator)"),
        "D" => concept(PARTICIPATION, "CST", "custodian"),
        _ => concept(PARTICIPATION, "IRCP", "information recipient"),
    };
    let mut user = json!({
        "type": user_type,
        "who": { "identifier": { "system": IDS, "value": record.actor } },
        "requestor": true,
    });
    if let Some(role) = record.role {
        user["role"] = json!([{ "text": in_words(role) }]);
    }
    let source = || concept(DCM, "110153", "Source Role ID");
    let destination = || concept(DCM, "110152", "Destination Role ID");
    let client = match &record.device {
        Some(device) => json!({ "identifier": { "system": IDS, "value": device }, "display": "the device" }),
        None => program.clone(),
    };
    let network = json!({ "address": "localhost", "type": "1" });
    let on_machine =
        |kind: Json, who: Json| json!({ "type": kind, "who": who, "requestor": false, "network": network.clone() });
    let others = match (rest, action, placed.event) {
        // What is read flows to the client; what is asked or written flows from it.
        (true, "R", _) => vec![on_machine(destination(), client), on_machine(source(), program.clone())],
        (true, "D", _) => {
            let custodian =
                concept("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian");
            vec![on_machine(concept(DCM, "110150", "Application"), client), on_machine(custodian, program.clone())]
        }
        (true, _, _) => vec![on_machine(source(), client), on_machine(destination(), program.clone())],
        (false, _, Some(Event::Disclosure | Event::Forward | Event::Export | Event::Print)) => {
            let sealed = json!({ "display": "who it went to is sealed in the ledger" });
            vec![
                json!({ "type": source(), "who": program, "requestor": false, "network": network }),
                json!({ "type": destination(), "who": sealed, "requestor": false }),
            ]
        }
        (false, ..) => vec![on_machine(concept(DCM, "110150", "Application"), client)],
    };
    std::iter::once(user).chain(others).collect()
}

fn entities(record: &Record, placed: &Placed, rest: bool, about: &About) -> Json {
    let entity = |code: &str, display: &str| json!({ "system": ENTITY, "code": code, "display": display });
    let role = |code: &str, display: &str| json!({ "system": OBJECT_ROLE, "code": code, "display": display });
    let mut all = Vec::new();
    if let Some(client) = record.client() {
        all.push(json!({
            "what": { "type": "Patient", "identifier": { "system": IDS, "value": client } },
            "type": entity("1", "Person"),
            "role": role("1", "Patient"),
        }));
    }
    if rest && placed.event == Some(Event::Query) {
        // The text that was asked for may be health information and is not kept; its digest stands in its place.
        let digest = extras(record).into_iter().find(|extra| extra.name == "query_text_hash").and_then(|one| one.value);
        let said = format!("sha256={}", digest.as_deref().unwrap_or("unknown"));
        all.push(json!({
            "type": entity("2", "System Object"),
            "role": role("24", "Query"),
            "description": "The digest of what was asked, not its text.",
            "query": STANDARD.encode(said),
        }));
    } else {
        let what = record.about().unwrap_or_else(|| about.origin.clone());
        all.push(json!({
            "what": { "identifier": { "system": IDS, "value": what } },
            "type": entity("2", "System Object"),
            "role": role("4", "Domain Resource"),
            "detail": [{ "type": "record_class", "valueString": placed.record_class }],
        }));
    }
    let word = placed.event.map_or("other", |event| event.as_str()).to_owned();
    let mut details = vec![("event".to_owned(), word)];
    details.extend(placed.why_other.clone().map(|why| ("why_other".to_owned(), why)));
    details.extend(extras(record).into_iter().filter_map(|extra| Some((extra.name, extra.value?))));
    details.extend(record.facts.iter().map(|(name, fact)| (format!("fact.{name}"), fact.to_string())));
    details.push(("prev_hash".to_owned(), record.prev.to_string()));
    let details: Vec<Json> = details
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| json!({ "type": name, "valueString": value }))
        .collect();
    all.push(json!({
        "what": { "identifier": { "system": "urn:provenote:entry-sha256", "value": record.entry.to_string() } },
        "type": entity("4", "Other"),
        "name": format!("entry {}", record.seq),
        "detail": details,
    }));
    Json::Array(all)
}

fn in_words(role: Role) -> String {
    role.as_str().replace('_', " ")
}

#[cfg(test)]
mod tests;
