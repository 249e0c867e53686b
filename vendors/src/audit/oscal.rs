//! An audit as OSCAL assessment results (NIST, JSON format, version 1.1).
//!
//! A question is a control objective of the practice's own questionnaire: there is no OSCAL catalogue of it, so what is
//! reviewed and what was found is named by the questions' ids, and each question is described where it is asked.

use serde_json::{Map, Value, json};

use super::csv::evidence as evidence_line;
use super::judging::{said, settled};
use super::{Answer, Audit, Evidence, Finding, Origin, Question, Says};

/// The version of the format.
const VERSION: &str = "1.1.2";

/// The namespace of our own properties.
const NAMESPACE: &str = "urn:provenote:vendor-audit";

/// The document, as `oscal_assessment-results` of OSCAL 1.1. `ids` gives 16 random bytes each time it is asked.
#[must_use]
pub fn oscal(audit: &Audit, ids: &mut dyn FnMut() -> [u8; 16]) -> Value {
    let mut uuid = || uuid(ids());
    let made = audit.made.to_string();
    let subject = uuid();
    let party = uuid();
    let mut observations = Vec::new();
    let mut risks = Vec::new();
    let mut findings = Vec::new();
    for (question, answer) in &audit.answers {
        let all = answer.iter().chain(audit.besides.iter().filter(|other| other.question == question.id));
        let seen: Vec<String> = all
            .map(|answer| {
                let id = uuid();
                observations.push(observation(&id, question, answer, &subject));
                id
            })
            .collect();
        let found = audit.findings.iter().find(|finding| finding.question == question.id);
        let risk = found.map(|finding| {
            let id = uuid();
            risks.push(risk(&id, question, finding, &seen));
            id
        });
        findings.push(finding(&uuid(), question, answer.as_ref(), found, &seen, risk.as_deref()));
    }
    let mut result = json!({
        "uuid": uuid(),
        "title": format!("Answers about {}", line(&audit.vendor)),
        "description": audit.verdict,
        "start": made,
        "end": made,
        "props": [
            property("questionnaire", &audit.questionnaire),
            property("own-pipeline", if audit.local { "yes" } else { "no" }),
        ],
        "reviewed-controls": {
            "description": "The questions of the questionnaire. They are no controls of a published catalogue.",
            "control-selections": [{
                "include-controls": audit.answers.iter().map(|(question, _)| json!({ "control-id": token(&question.id) })).collect::<Vec<_>>(),
            }],
        },
        "findings": findings,
        "remarks": audit.not_checked.join("\n"),
    });
    // Lists are left out rather than empty: the schema asks for one item at least.
    for (name, list) in [("observations", observations), ("risks", risks)] {
        if !list.is_empty() {
            result[name] = Value::Array(list);
        }
    }
    let subject_title = line(&audit.vendor);
    result["local-definitions"] = json!({
        "components": [{
            "uuid": subject,
            "type": if audit.local { "software" } else { "service" },
            "title": subject_title,
            "description": if audit.local { "The practice's own pipeline." } else { "A company that gets sound or words of the practice." },
            "status": { "state": "operational" },
        }],
    });
    let back = uuid();
    json!({
        "assessment-results": {
            "uuid": uuid(),
            "metadata": {
                "title": format!("Vendor audit: {subject_title}"),
                "last-modified": made,
                "version": "1",
                "oscal-version": VERSION,
                "roles": [{ "id": "assessor", "title": "Who asked and answered" }],
                "parties": [{ "uuid": party, "type": "organization", "name": "The practice" }],
                "responsible-parties": [{ "role-id": "assessor", "party-uuids": [party] }],
                "remarks": "Not legal advice. What was answered is told as it was answered; nothing here says that a law is kept.",
            },
            "import-ap": {
                "href": format!("#{back}"),
                "remarks": "There is no assessment plan beside the questionnaire, which is named in the back matter.",
            },
            "results": [result],
            "back-matter": {
                "resources": [{
                    "uuid": back,
                    "title": format!("Questionnaire {}", audit.questionnaire),
                    "description": "The questions that were asked; each stands word for word in its finding.",
                }],
            },
        }
    })
}

fn observation(id: &str, question: &Question, answer: &Answer, subject: &str) -> Value {
    let method = match answer.origin {
        Origin::Person => "INTERVIEW",
        Origin::Agreement | Origin::Terms => "EXAMINE",
        Origin::Ledger | Origin::Configuration => "TEST",
    };
    let mut props = vec![
        property("question", &question.id),
        property("says", answer.says.as_str()),
        property("origin", answer.origin.as_str()),
    ];
    if let Some(stale) = &answer.stale {
        props.push(property("stale", stale));
    }
    let mut observation = json!({
        "uuid": id,
        "title": line(&question.asks),
        "description": said(question, answer),
        "props": props,
        "methods": [method],
        "subjects": [{ "subject-uuid": subject, "type": "component" }],
        "collected": answer.at.to_string(),
    });
    if !answer.evidence.is_empty() {
        observation["relevant-evidence"] = answer.evidence.iter().map(evidence).collect();
    }
    observation
}

fn evidence(evidence: &Evidence) -> Value {
    let mut props: Vec<Value> = Vec::new();
    let mut add = |name: &str, value: Option<String>| props.extend(value.map(|value| property(name, &value)));
    add("sha256", evidence.sha256.map(|digest| digest.to_string()));
    add("start", evidence.start.map(|at| at.to_string()));
    add("end", evidence.end.map(|at| at.to_string()));
    add("date", evidence.date.clone());
    add("who", evidence.who.clone());
    add("entry", evidence.seq.map(|seq| seq.to_string()));
    let mut value = Map::from_iter([("description".to_owned(), Value::from(evidence_line(evidence)))]);
    if !props.is_empty() {
        value.insert("props".to_owned(), Value::Array(props));
    }
    Value::Object(value)
}

fn risk(id: &str, question: &Question, finding: &Finding, seen: &[String]) -> Value {
    // A property has a value, or it is none.
    let props: Vec<Value> =
        [("severity", finding.severity.as_str()), ("citation", &finding.citation), ("mark", &finding.mark)]
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| property(name, value))
            .collect();
    let mut risk = json!({
        "uuid": id,
        "title": line(&question.asks),
        "description": finding.says,
        "statement": format!("{} {}", question.why, finding.follows).trim(),
        "props": props,
        "status": "open",
    });
    if !seen.is_empty() {
        risk["related-observations"] = seen.iter().map(|id| json!({ "observation-uuid": id })).collect();
    }
    risk
}

fn finding(
    id: &str,
    question: &Question,
    answer: Option<&Answer>,
    found: Option<&Finding>,
    seen: &[String],
    risk: Option<&str>,
) -> Value {
    // `other` is what OSCAL has for what neither passed nor failed.
    let (state, reason) = match (answer, found) {
        (Some(answer), None) if settled(question, answer) && answer.says != Says::NotApplicable => {
            ("satisfied", "pass")
        }
        (Some(answer), _) if answer.says == Says::Unknown => ("not-satisfied", "other"),
        (Some(answer), None) if answer.says == Says::NotApplicable => ("satisfied", "other"),
        (None, _) => ("not-satisfied", "other"),
        _ => ("not-satisfied", "fail"),
    };
    let description = match (found, answer) {
        (Some(finding), _) => finding.says.clone(),
        (None, Some(answer)) => said(question, answer),
        (None, None) => format!("{} Nobody answered it.", question.asks),
    };
    let mut value = json!({
        "uuid": id,
        "title": line(&question.asks),
        "description": description,
        "target": {
            "type": "objective-id",
            "target-id": token(&question.id),
            "status": { "state": state, "reason": reason },
        },
    });
    if !seen.is_empty() {
        value["related-observations"] = seen.iter().map(|id| json!({ "observation-uuid": id })).collect();
    }
    if let Some(risk) = risk {
        value["related-risks"] = json!([{ "risk-uuid": risk }]);
    }
    value
}

/// A property of ours. Its value is one line: the format's strings neither begin nor end with white space.
fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": line(value) })
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An id as OSCAL's tokens are: a letter or an underscore first.
fn token(id: &str) -> String {
    if id.starts_with(|first: char| first.is_ascii_alphabetic()) { id.to_owned() } else { format!("_{id}") }
}

/// A version 4 UUID (RFC 9562, section 5.4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0F) | 0x40;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
