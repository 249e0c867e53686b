//! Consent for other systems: HL7 FHIR R4 (4.0.1) `Consent` with `Provenance`, and what a `Consent` of another
//! system would permit.
//!
//! # Reading
//! A consent read from FHIR is information. It is not an act of this ledger, binds no digest of what is done here,
//! and so never opens the gate by itself. What it would permit is read strictly: some `provision.type` must say
//! `permit` (a missing type is no permission, whatever `policyRule` says), that provision's purpose must be ours to
//! the letter, and anything not understood is a limit that is not met. R4 allows a type in nested provisions only;
//! systems that write one in the root are understood too.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use provenote_schemas::consent::{ConsentForm, Grant, Signature};
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_schemas::{ParticipantId, Purpose, Time};
use serde_json::{Map, Value, json};

use crate::people::Capacity;
use crate::standing::{ParticipantStanding, Standing, Status, purpose_words};

/// The system of our purposes' codes.
pub const PURPOSES: &str = "urn:provenote:purpose";

/// The system of our pseudonyms.
const IDS: &str = "urn:provenote:id";

/// The largest document that is read, in bytes.
pub const LARGEST: usize = 1024 * 1024;

/// What an export says besides the consent itself.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The practice's name.
    pub practice: &'a str,
    /// False where people stand by pseudonym alone.
    pub names: bool,
    /// True where the form's text goes along.
    pub text: bool,
    /// When it is made.
    pub now: Time,
}

fn coding(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn purpose_coding(purpose: Purpose) -> Value {
    json!({ "system": PURPOSES, "code": purpose.as_str(), "display": purpose_words(purpose) })
}

/// The client is the patient; everybody else is somebody related to them.
fn reference(form: &ConsentForm, person: &Participant, export: &Export<'_>) -> Value {
    let to = if person.role == ParticipantRole::Client {
        format!("Patient/{}", form.client)
    } else {
        format!("RelatedPerson/{}", person.id)
    };
    let mut value = json!({ "reference": to });
    if export.names {
        value["display"] = json!(person.name);
    }
    value
}

/// How a person's consent under this form stands, as FHIR's `Consent.status`.
fn status(form: &ConsentForm, one: Option<&ParticipantStanding>) -> &'static str {
    let under = one.is_some_and(|one| one.consents.contains(&form.consent));
    match one.map(|one| one.status) {
        Some(Status::InForce) if under => "active",
        Some(Status::Declined) => "rejected",
        Some(Status::Missing) => "proposed",
        // Taken back, over, no longer what is done, or replaced by another form.
        _ => "inactive",
    }
}

fn consent_id(form: &ConsentForm, who: &ParticipantId) -> String {
    format!("{}-{who}", form.consent)
}

fn consent(
    form: &ConsentForm,
    person: &Participant,
    grant: Option<&Grant>,
    standing: &Standing,
    export: &Export<'_>,
) -> Value {
    let one = standing.people.iter().find(|one| one.participant == person.id);
    let status = status(form, one);
    let patient = form.participants.iter().find(|one| one.role == ParticipantRole::Client).unwrap_or(person);
    let in_force: Vec<Purpose> = one
        .map(|one| &one.purposes)
        .into_iter()
        .flatten()
        .filter(|(purpose, status)| *status == Status::InForce && form.purposes.contains(purpose))
        .map(|(purpose, _)| *purpose)
        .collect();
    let active = status == "active" && !in_force.is_empty();
    let purposes = if active { &in_force } else { &form.purposes };
    let mut resource = json!({
        "resourceType": "Consent",
        "id": consent_id(form, &person.id),
        "language": form.lang,
        "identifier": [{ "system": IDS, "value": form.consent }],
        "status": status,
        "scope": coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [coding("http://loinc.org", "59284-0")],
        "patient": reference(form, patient, export),
        "dateTime": grant.map_or(form.made, |grant| grant.time),
        "performer": [reference(form, person, export)],
        "organization": [{ "display": export.practice }],
        "sourceAttachment": { "contentType": "text/markdown", "language": form.lang, "title": form.template, "creation": form.made },
        "policy": [{ "uri": format!("urn:provenote:text-sha256:{}", form.text_sha256) }, { "uri": format!("urn:provenote:disclosure-sha256:{}", form.disclosure_digest) }],
        // Nothing is permitted but what a nested rule permits: R4 has no type in the root.
        "policyRule": coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTOUT"),
        "provision": {
            "period": { "start": grant.map_or(form.made, |grant| grant.time), "end": form.expires },
            "provision": [{
                "type": if active { "permit" } else { "deny" },
                "purpose": purposes.iter().map(|purpose| purpose_coding(*purpose)).collect::<Vec<_>>(),
            }],
        },
    });
    if export.text {
        resource["sourceAttachment"]["data"] = json!(STANDARD.encode(&form.text));
    }
    if let Some(checked) = grant.filter(|grant| grant.evidence.identity.is_some()) {
        resource["verification"] = json!([{ "verified": true, "verifiedWith": reference(form, person, export), "verificationDate": checked.time }]);
    }
    resource
}

fn provenance(
    form: &ConsentForm,
    person: &Participant,
    grant: &Grant,
    standing: &Standing,
    export: &Export<'_>,
) -> Value {
    let who = reference(form, person, export);
    let on_behalf =
        standing.people.iter().find(|one| one.participant == person.id).and_then(|one| match &one.capacity {
            Capacity::Guardian { of } => form.participants.iter().find(|person| of.contains(&person.id)),
            Capacity::Own | Capacity::Assent => None,
        });
    let mut agent = json!({
        "type": coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author"),
        "who": who,
    });
    let mut signature = json!({
        // ASTM E1762: consent signature.
        "type": [{ "system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.7", "display": "Consent Signature" }],
        "when": grant.time,
        "who": who,
        "targetFormat": "text/markdown",
    });
    if let Some(ward) = on_behalf {
        agent["onBehalfOf"] = reference(form, ward, export);
        signature["onBehalfOf"] = reference(form, ward, export);
    }
    let (format, digest) = match &grant.signature {
        Signature::Typed { .. } => (None, None),
        Signature::Drawn { png_sha256 } => (Some("image/png"), Some(png_sha256)),
        Signature::Scan { pdf_sha256 } => (Some("application/pdf"), Some(pdf_sha256)),
        Signature::Photo { image_sha256 } => (Some("image/*"), Some(image_sha256)),
    };
    if let Some(format) = format {
        signature["sigFormat"] = json!(format);
    }
    let mut entity = vec![json!({
        "role": "source",
        "what": { "identifier": { "system": "urn:provenote:text-sha256", "value": form.text_sha256 }, "display": "the exact text that was shown" },
    })];
    entity.extend(digest.map(|digest| {
        json!({ "role": "source", "what": { "identifier": { "system": "urn:provenote:signature-sha256", "value": digest }, "display": "the signature by hand" } })
    }));
    json!({
        "resourceType": "Provenance",
        "id": format!("prov-{}", person.id),
        "target": [{ "reference": format!("Consent/{}", consent_id(form, &person.id)) }],
        "occurredDateTime": grant.time,
        "recorded": grant.time,
        "reason": [{ "text": grant.intent }],
        "activity": { "text": "signed a consent form" },
        "agent": [agent],
        "entity": entity,
        "signature": [signature],
    })
}

/// A form and what was signed under it: a FHIR R4 `Bundle` of one `Consent` for each participant, and one
/// `Provenance` for each signature. `grants` hold the newest signature of each participant under this form, and
/// `standing` was judged for the form's purposes. A consent that is not in force says `deny`.
#[must_use]
pub fn bundle(form: &ConsentForm, grants: &[Grant], standing: &Standing, export: &Export<'_>) -> Value {
    let mut entries = Vec::new();
    for person in &form.participants {
        let grant = grants.iter().find(|grant| grant.participant == person.id && grant.consent == form.consent);
        entries.push(consent(form, person, grant, standing, export));
        entries.extend(grant.map(|grant| provenance(form, person, grant, standing, export)));
    }
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": export.now,
        "entry": entries.into_iter().map(|resource| json!({ "resource": resource })).collect::<Vec<_>>(),
    })
}

/// Why a document was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// Larger than [`LARGEST`].
    #[error("the document has {bytes} bytes, more than {LARGEST}: export one consent at a time")]
    TooLarge {
        /// As large as it is.
        bytes: usize,
    },
    /// No JSON.
    #[error("the document is no JSON (line {line}, column {column}): export it again as FHIR R4 JSON")]
    NoJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// JSON of something else.
    #[error("the document is no FHIR Consent and no Bundle with one")]
    NoConsent,
}

/// A consent of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its id there.
    pub id: Option<String>,
    /// Its status there.
    pub status: Option<String>,
    /// Of whom, as the other system refers to them.
    pub patient: Option<String>,
    /// When it was given, as written.
    pub date: Option<String>,
    resource: Map<String, Value>,
}

/// Whether a consent of another system would permit a purpose. It never opens the gate by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    /// It says so, to the letter.
    Yes,
    /// It does not, or it is not certain that it does.
    No {
        /// Why, a clause each.
        why: Vec<String>,
    },
}

/// Reads the consents of a FHIR R4 JSON document: a `Consent`, or a `Bundle` that holds some.
///
/// # Errors
/// [`FhirError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Foreign>, FhirError> {
    if bytes.len() > LARGEST {
        return Err(FhirError::TooLarge { bytes: bytes.len() });
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| FhirError::NoJson { line: error.line(), column: error.column() })?;
    let resources: Vec<&Value> = match value["resourceType"].as_str() {
        Some("Bundle") => value["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"]).collect(),
        _ => vec![&value],
    };
    let found: Vec<Foreign> = resources
        .into_iter()
        .filter(|resource| resource["resourceType"] == "Consent")
        .filter_map(|resource| resource.as_object().cloned())
        .map(|resource| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Foreign {
                id: resource.get("id").and_then(text),
                status: resource.get("status").and_then(text),
                patient: resource.get("patient").and_then(|patient| text(&patient["reference"])),
                date: resource.get("dateTime").and_then(text),
                resource,
            }
        })
        .collect();
    if found.is_empty() { Err(FhirError::NoConsent) } else { Ok(found) }
}

/// Elements of a provision that say what this reader understands; any other narrows it in a way it does not.
const UNDERSTOOD: [&str; 5] = ["type", "period", "purpose", "provision", "id"];

impl Foreign {
    /// Whether it would permit a purpose at a moment.
    #[must_use]
    pub fn permits(&self, purpose: Purpose, now: Time) -> Permit {
        let mut why = Vec::new();
        if self.status.as_deref() != Some("active") {
            why.push(format!("its status is `{}`, not `active`", self.status.as_deref().unwrap_or("missing")));
        }
        if has_key(&Value::Object(self.resource.clone()), "modifierExtension")
            || self.resource.contains_key("implicitRules")
        {
            why.push("it carries a modifier that is not understood".to_owned());
        }
        match self.resource.get("provision").and_then(Value::as_object) {
            None => why.push("it has no provision".to_owned()),
            Some(root) => root_permits(root, purpose, now, &mut why),
        }
        if why.is_empty() { Permit::Yes } else { Permit::No { why } }
    }

    /// The purposes of ours that it would permit now.
    #[must_use]
    pub fn permitted(&self, now: Time) -> BTreeSet<Purpose> {
        Purpose::ALL.iter().copied().filter(|purpose| self.permits(*purpose, now) == Permit::Yes).collect()
    }
}

fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(key) || map.values().any(|value| has_key(value, key)),
        Value::Array(list) => list.iter().any(|value| has_key(value, key)),
        _ => false,
    }
}

fn root_permits(root: &Map<String, Value>, purpose: Purpose, now: Time, why: &mut Vec<String>) {
    limits(root, why);
    let nested: Vec<&Map<String, Value>> = match root.get("provision") {
        None => Vec::new(),
        Some(Value::Array(list)) if list.iter().all(Value::is_object) => {
            list.iter().filter_map(Value::as_object).collect()
        }
        Some(_) => {
            why.push("its nested provisions are not understood".to_owned());
            return;
        }
    };
    if root.get("purpose").is_some_and(|purposes| !names(purposes, purpose)) {
        why.push(format!("it is for another purpose than {}", purpose_words(purpose)));
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut permitted = false;
    match root.get("type").map(Value::as_str) {
        None => {}
        Some(Some("permit")) => {
            let missing = clause(root, None, purpose, now);
            permitted |= missing.is_empty();
            reasons.extend(missing);
        }
        Some(Some("deny")) => why.push("its provision denies".to_owned()),
        Some(_) => why.push("its provision is of a type that is not understood".to_owned()),
    }
    for rule in &nested {
        if rule.get("type").and_then(Value::as_str) == Some("permit") {
            let mut missing = clause(rule, root.get("period"), purpose, now);
            limits(rule, &mut missing);
            if rule.contains_key("provision") {
                missing.push("it has an exception within its permission".to_owned());
            }
            permitted |= missing.is_empty();
            reasons.extend(missing);
        } else if !plainly_other(rule, purpose) {
            // It denies, or does not say what it does.
            why.push("it has a rule that denies, or does not say what it does, and may reach this purpose".to_owned());
        }
    }
    if !permitted {
        if reasons.is_empty() {
            reasons.push("no provision of it says that it permits".to_owned());
        }
        reasons.dedup();
        why.extend(reasons);
    }
}

fn limits(rule: &Map<String, Value>, why: &mut Vec<String>) {
    for key in rule.keys().filter(|key| !UNDERSTOOD.contains(&key.as_str())) {
        why.push(format!(
            "a provision is limited by `{}`, which is not understood",
            key.chars().take(40).collect::<String>()
        ));
    }
}

fn names(purposes: &Value, purpose: Purpose) -> bool {
    let ours = |coding: &Value| coding["system"] == PURPOSES && coding["code"] == purpose.as_str();
    purposes.as_array().is_some_and(|list| list.iter().any(ours))
}

/// True for a rule whose purposes are all ours and all others than this.
fn plainly_other(rule: &Map<String, Value>, purpose: Purpose) -> bool {
    let other = |coding: &Value| {
        coding["system"] == PURPOSES
            && coding["code"].as_str().and_then(Purpose::from_word).is_some_and(|of| of != purpose)
    };
    rule.get("purpose").and_then(Value::as_array).is_some_and(|list| !list.is_empty() && list.iter().all(other))
}

/// Why a rule that says `permit` does not permit this purpose now; nothing where it does.
fn clause(rule: &Map<String, Value>, inherited: Option<&Value>, purpose: Purpose, now: Time) -> Vec<String> {
    let mut why = Vec::new();
    match rule.get("purpose") {
        Some(purposes) if names(purposes, purpose) => {}
        Some(_) => why.push(format!("it is for another purpose than {}", purpose_words(purpose))),
        None => why.push("it names no purpose".to_owned()),
    }
    // The narrower of both counts.
    for period in [rule.get("period"), inherited].into_iter().flatten() {
        if let Some(reason) = over(period, now) {
            why.push(reason);
        }
    }
    if rule.get("period").or(inherited).is_none() {
        why.push("it is not certain when it begins and ends".to_owned());
    }
    why
}

/// Why a period does not hold at a moment, if so. A year or a month alone is no moment.
fn over(period: &Value, now: Time) -> Option<String> {
    let moment = |key: &str| period[key].as_str().and_then(|text| Time::parse(text).ok());
    match (moment("start"), moment("end")) {
        (Some(start), _) if now < start => Some("it has not begun".to_owned()),
        (Some(_), Some(end)) if end <= now => Some(format!("it ended on {}", end.date())),
        (Some(_), Some(_)) => None,
        (None, _) => Some("it is not certain when it begins".to_owned()),
        (_, None) => Some("it is not certain when it ends".to_owned()),
    }
}

#[cfg(test)]
mod tests;
