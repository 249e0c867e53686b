//! The 26 event types of an audit log, and which kind of entry is which: `rules/events.yaml`, read once.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_schemas::{Class, Kind};
use serde::{Deserialize, Serialize};

use crate::record::{Outcome, Record};

const RULES: &str = include_str!("../rules/events.yaml");

macro_rules! events {
    ($($variant:ident = $word:literal),+ $(,)?) => {
        /// An event type of audit-log-requirements.yaml; what each means stands there and in `rules/events.yaml`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Event { $(#[serde(rename = $word)] $variant),+ }

        impl Event {
            /// Every type, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The type a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

events! {
    View = "view",
    Create = "create",
    Edit = "edit",
    Delete = "delete",
    Export = "export",
    Print = "print",
    Forward = "forward",
    Query = "query",
    Login = "login",
    LoginFailed = "login_failed",
    LogoutAuto = "logout_auto",
    EmergencyAccess = "emergency_access",
    PermissionChange = "permission_change",
    AuditLogStatusChange = "audit_log_status_change",
    EncryptionStatusChange = "encryption_status_change",
    Prompt = "prompt",
    ModelOutput = "model_output",
    HumanReview = "human_review",
    ConsentGiven = "consent_given",
    ConsentWithdrawn = "consent_withdrawn",
    RecordingStartStop = "recording_start_stop",
    Disclosure = "disclosure",
    RetentionAction = "retention_action",
    Incident = "incident",
    LogReview = "log_review",
    NetworkAttempt = "network_attempt",
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    events: Vec<EventRule>,
    kinds: Vec<Row>,
    acts: BTreeMap<Event, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), allow(dead_code, reason = "read by the test that compares them with the facts of regulation"))]
pub(crate) struct EventRule {
    pub(crate) event: Event,
    pub(crate) meaning: String,
    basis: Vec<String>,
    priority: String,
    verification: String,
    extra_fields: Vec<Field>,
    pub(crate) fhir: FhirShape,
    pub(crate) ocsf: OcsfShape,
    #[serde(default)]
    cannot: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    from: Vec<String>,
    #[serde(default)]
    why: Option<String>,
}

/// The shape of an AuditEvent; words of `rules/codes.yaml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FhirShape {
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    #[serde(default)]
    pub(crate) subtype: Option<String>,
    pub(crate) action: String,
    #[serde(default)]
    pub(crate) profile: Option<String>,
}

/// Class and activity of OCSF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OcsfShape {
    pub(crate) class: u32,
    pub(crate) activity: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    kind: Kind,
    event: Word,
    class: String,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    fhir_type: Option<String>,
    #[serde(default)]
    fhir_subtype: Option<String>,
    #[serde(default)]
    ocsf: Option<OcsfShape>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    /// None of the types, with a reason.
    Other,
    /// The type of the act that was refused.
    Refused,
    #[serde(untagged)]
    Event(Event),
}

/// A test reads the file; were it unreadable, every entry would be `other`.
static LOADED: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

/// Where an entry stands among the types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The type; none where none fits.
    pub event: Option<Event>,
    /// Why none fits, in a sentence.
    pub why_other: Option<String>,
    /// What the record is, in the words of AUD-R15: `note`, `transcript`, `psychotherapy_note` …
    pub record_class: String,
    /// What came of the act.
    pub outcome: Outcome,
}

/// An extra field of an event type, filled from one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extra {
    /// Its name.
    pub name: String,
    /// Its value, where the header holds it.
    pub value: Option<String>,
    /// Why the header does not hold it: sealed, or told elsewhere, or it was not known.
    pub why_not: Option<String>,
}

/// A type of which the product has no act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cannot {
    /// The type.
    pub event: Event,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// Where an entry stands.
#[must_use]
pub fn place(record: &Record) -> Placed {
    let Some(row) = row(&record.kind) else {
        return Placed {
            event: None,
            why_other: Some("A kind of entry that this version of the program does not know.".to_owned()),
            record_class: "unknown".to_owned(),
            outcome: Outcome::Allowed,
        };
    };
    let event = match row.event {
        Word::Event(event) => Some(event),
        Word::Other => None,
        Word::Refused => record.fact("act").and_then(|act| of_act(&act)),
    };
    let why_other = event.is_none().then(|| {
        row.reason.clone().unwrap_or_else(|| "An act that this version of the program does not know.".to_owned())
    });
    Placed { event, why_other, record_class: class_word(row, record), outcome: row.outcome.unwrap_or(Outcome::Allowed) }
}

/// What the record is. Notes kept apart and those of substance use programs are told by the class of their keys.
fn class_word(row: &Row, record: &Record) -> String {
    let class = match row.class.as_str() {
        "any" => record.fact("class").unwrap_or_else(|| "any".to_owned()),
        class => class.to_owned(),
    };
    match (class.as_str(), record.sealed_class()) {
        ("note" | "draft", Some(Class::PsychotherapyNotes)) => "psychotherapy_note".to_owned(),
        ("note" | "draft", Some(Class::SudCounselingNotes)) => "sud_counseling_note".to_owned(),
        ("note" | "draft" | "transcript" | "audio", Some(Class::Part2)) => format!("part2_{class}"),
        ("note", _) => "progress_note".to_owned(),
        _ => class,
    }
}

/// The type of an act that was refused, by the act's word.
#[must_use]
pub fn of_act(act: &str) -> Option<Event> {
    let rules = LOADED.as_ref()?;
    rules.acts.iter().find(|(_, acts)| acts.iter().any(|one| one == act)).map(|(event, _)| *event)
}

/// The types of which the product has no act, with the reason.
#[must_use]
pub fn cannot() -> Vec<Cannot> {
    let rules = LOADED.as_ref().map(|rules| rules.events.as_slice()).unwrap_or_default();
    rules.iter().filter_map(|rule| Some(Cannot { event: rule.event, why: rule.cannot.as_deref()? })).collect()
}

/// The extra fields of an entry's type, in the order of the list; none where it is of no type.
#[must_use]
pub fn extras(record: &Record) -> Vec<Extra> {
    let placed = place(record);
    let fields = placed.event.and_then(rule).map(|rule| rule.extra_fields.as_slice()).unwrap_or_default();
    fields.iter().map(|field| extra(record, &placed, field)).collect()
}

fn extra(record: &Record, placed: &Placed, field: &Field) -> Extra {
    let value = field.from.iter().find_map(|from| match from.split_once(':') {
        Some(("fact", name)) => record.fact(name),
        Some(("ref", name)) => record.refs.get(name).cloned(),
        _ => match from.as_str() {
            "record" => record.about(),
            "class" => Some(placed.record_class.clone()),
            "client" => record.client().map(str::to_owned),
            "actor" => Some(record.actor.clone()),
            "kind" => Some(record.kind.clone()),
            "time" => Some(record.time.to_string()),
            "payload" => record.payloads.first().map(|payload| payload.sha256.to_string()),
            "period" => Some(format!("{}/{}", record.fact("from")?, record.fact("to")?)),
            "purposes" => {
                let purposes = record.facts.keys().filter_map(|name| name.strip_prefix("purpose."));
                let purposes: Vec<&str> = purposes.collect();
                Some(if purposes.is_empty() { "every purpose".to_owned() } else { purposes.join(",") })
            }
            _ => None,
        },
    });
    let why_not = value.is_none().then(|| match field.from.first().map(String::as_str) {
        Some("sealed") => {
            format!("In the sealed payload only. {}", field.why.as_deref().unwrap_or_default()).trim_end().to_owned()
        }
        Some("none") => field.why.clone().unwrap_or_default(),
        _ => "The entry does not tell.".to_owned(),
    });
    Extra { name: field.name.clone(), value, why_not }
}

pub(crate) fn rule(event: Event) -> Option<&'static EventRule> {
    LOADED.as_ref()?.events.iter().find(|rule| rule.event == event)
}

fn row(kind: &str) -> Option<&'static Row> {
    static BY_KIND: LazyLock<BTreeMap<&'static str, &'static Row>> = LazyLock::new(|| {
        let rows = LOADED.as_ref().map(|rules| rules.kinds.as_slice()).unwrap_or_default();
        rows.iter().map(|row| (row.kind.as_str(), row)).collect()
    });
    BY_KIND.get(kind).copied()
}

/// The shape of an entry's AuditEvent. What is of no type is an activity of the application.
pub(crate) fn fhir_shape(record: &Record) -> FhirShape {
    let row = row(&record.kind);
    // What was refused has its type in the list of what was asked for, and in FHIR that of an alert.
    let event = match row.map(|row| row.event) {
        Some(Word::Event(event)) => rule(event),
        _ => None,
    };
    let mut shape = event.map(|rule| rule.fhir.clone()).unwrap_or_else(|| FhirShape {
        event_type: "dcm:110100".to_owned(),
        subtype: None,
        action: "E".to_owned(),
        profile: None,
    });
    if let Some(own) = row.and_then(|row| row.fhir_type.clone()) {
        shape.event_type = own;
    }
    match row.and_then(|row| row.fhir_subtype.as_deref()) {
        Some("none") => shape.subtype = None,
        Some(own) => shape.subtype = Some(own.to_owned()),
        None => {}
    }
    shape
}

/// Class and activity of an entry in OCSF. What is of no type is "other" on an entity.
pub(crate) fn ocsf_shape(record: &Record) -> OcsfShape {
    let row = row(&record.kind);
    if let Some(own) = row.and_then(|row| row.ocsf) {
        return own;
    }
    place(record).event.and_then(rule).map_or(OcsfShape { class: 3004, activity: 99 }, |rule| rule.ocsf)
}

#[cfg(test)]
mod tests;
