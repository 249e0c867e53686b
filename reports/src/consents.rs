//! Where every client's consent stands: a table to work from.

use std::collections::BTreeMap;

use provenote_consent::{Status, purpose_words, role_words};
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{ClientId, ParticipantId, Purpose, Time};
use serde::Serialize;
use serde_json::{Value, json};

use crate::emergencies::Emergencies;
use crate::labels::capitalised;
use crate::legal::LegalFacts;
use crate::note::counted;
use crate::press::Copy;
use crate::{Practice, ReportError};

/// All clients' consents at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentsReport {
    /// The letterhead.
    pub practice: Practice,
    /// The moment it tells of.
    pub made: Time,
    /// True where names of people are printed. Where it is false they stand neither on paper nor in the record that is
    /// attached, also where they were handed over.
    pub names: bool,
    /// Emergency access that is not settled.
    #[serde(skip_serializing_if = "Emergencies::settled")]
    pub emergencies: Emergencies,
    /// A row for each client, in the order they are printed under each status.
    pub rows: Vec<ConsentRow>,
    /// Legal statements, usually [`crate::consents_legal_facts`].
    pub legal: LegalFacts,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
}

/// Where one client's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentRow {
    /// The client.
    pub client: ClientId,
    /// The client's name.
    pub name: Option<String>,
    /// As a whole.
    pub status: Status,
    /// Since when it is in force, or is not, where that is known.
    pub since: Option<Time>,
    /// When the first consent in force ends.
    pub until: Option<Time>,
    /// For what it was asked.
    pub purposes: Vec<(Purpose, Status)>,
    /// Everybody who is asked.
    pub people: Vec<ConsentPerson>,
    /// Why it is not in force, a clause or sentence each.
    pub reasons: Vec<String>,
    /// What to do next, a clause or sentence each.
    pub next: Vec<String>,
}

/// Where one person's consent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentPerson {
    /// Who.
    pub participant: ParticipantId,
    /// The name.
    pub name: Option<String>,
    /// As what.
    pub role: ParticipantRole,
    /// Where it stands.
    pub status: Status,
    /// True where a spoken yes counts in place of a signature.
    pub spoken: bool,
    /// False for a guardian whose yes is not needed, since enough others gave theirs.
    pub needed: bool,
}

/// What has to be done first stands first.
const ORDER: [Status; 7] = [
    Status::Revoked,
    Status::Declined,
    Status::Stale,
    Status::Expired,
    Status::Incomplete,
    Status::Missing,
    Status::InForce,
];

impl ConsentRow {
    /// The row without names: ids stand in their place, in sentences too.
    fn unnamed(&self) -> Self {
        let mut row = self.clone();
        let mut ids: Vec<(String, String)> = Vec::new();
        for person in &mut row.people {
            ids.extend(person.name.take().map(|name| (name, person.participant.to_string())));
        }
        ids.extend(row.name.take().map(|name| (name, row.client.to_string())));
        // A longer name first: it may hold a shorter one.
        ids.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for sentence in row.reasons.iter_mut().chain(&mut row.next) {
            for (name, id) in ids.iter().filter(|(name, _)| !name.trim().is_empty()) {
                *sentence = sentence.replace(name.as_str(), id);
            }
        }
        row
    }

    fn data(&self) -> Value {
        let worded = |status: Status| if status == Status::InForce { "in force" } else { short(status) };
        json!({
            "client": self.client,
            "name": self.name,
            "status": capitalised(short(self.status)),
            "in_force": self.status == Status::InForce,
            "since": self.since.map(Time::date),
            "until": self.until.map(Time::date),
            "purposes": self.purposes.iter().map(|(purpose, status)| {
                json!({ "what": purpose_words(*purpose), "status": worded(*status) })
            }).collect::<Vec<_>>(),
            "people": self.people.iter().map(|person| json!({
                "who": person.name.clone().unwrap_or_else(|| person.participant.to_string()),
                "named": person.name.is_some(),
                "role": role_words(person.role, "en"),
                "status": match (person.status, person.spoken, person.needed) {
                    (Status::InForce, true, _) => "in force, spoken".to_owned(),
                    (Status::InForce, false, _) => "in force".to_owned(),
                    (status, _, true) => short(status).to_owned(),
                    (status, _, false) => format!("{}; not needed", short(status)),
                },
                "in_force": person.status == Status::InForce,
            })).collect::<Vec<_>>(),
            "reasons": self.reasons.iter().map(|reason| sentence(reason)).collect::<Vec<_>>(),
            "next": self.next.iter().map(|step| sentence(step)).collect::<Vec<_>>(),
        })
    }
}

/// The status in two or three words, for a narrow column.
const fn short(status: Status) -> &'static str {
    match status {
        Status::InForce => "in force",
        Status::Missing => "not signed",
        Status::Declined => "said no",
        Status::Revoked => "taken back",
        Status::Stale => "out of date",
        Status::Expired => "time over",
        Status::Incomplete => "not all signed",
    }
}

/// The status in a clause.
fn meaning(status: Status) -> String {
    if status == Status::InForce {
        return "In force: everybody who is asked has said yes, and nothing has ended it".to_owned();
    }
    capitalised(status.words())
}

/// A clause as a sentence of its own.
fn sentence(clause: &str) -> String {
    let words = capitalised(clause.trim());
    if words.is_empty() || words.ends_with(['.', '!', '?']) { words } else { words + "." }
}

/// The overview of all clients' consents as PDF, with the facts attached as `record.json` (RFC 8785 bytes of
/// [`ConsentsReport`]).
///
/// # Errors
/// [`ReportError::CheckpointTooLong`], [`ReportError::NoGlyph`] for a character no font has.
pub fn consents_report(report: &ConsentsReport) -> Result<Vec<u8>, ReportError> {
    let report = if report.names {
        report.clone()
    } else {
        ConsentsReport { rows: report.rows.iter().map(ConsentRow::unnamed).collect(), ..report.clone() }
    };
    let mut by_status: BTreeMap<Status, Vec<&ConsentRow>> = BTreeMap::new();
    for row in &report.rows {
        by_status.entry(row.status).or_default().push(row);
    }
    let rows_of = |status: Status| by_status.get(&status).map_or(&[][..], Vec::as_slice);
    let in_force = rows_of(Status::InForce).len();
    let data = json!({
        "practice": report.practice,
        "made": report.made,
        "names": report.names,
        "alarms": report.emergencies.lines(report.made),
        "clients": counted(report.rows.len(), "client", "clients"),
        "headline": if report.rows.is_empty() {
            "There is no client yet.".to_owned()
        } else {
            format!("Consent is in force for {in_force} of {}.", counted(report.rows.len(), "client", "clients"))
        },
        "all_in_force": in_force == report.rows.len(),
        "counts": ORDER.iter().map(|status| json!({
            "short": capitalised(short(*status)), "words": meaning(*status), "count": rows_of(*status).len(),
        })).collect::<Vec<_>>(),
        "groups": ORDER.iter().filter(|status| !rows_of(**status).is_empty()).map(|status| json!({
            "short": capitalised(short(*status)),
            "rows": rows_of(*status).iter().map(|row| row.data()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "spoken": report.rows.iter().any(|row| row.people.iter().any(|person| person.spoken)),
        "legal": report.legal.statements,
        "legal_checked": report.legal.checked_on,
        "checkpoint": report.checkpoint,
    });
    let record = provenote_schemas::canonical(&report)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ReportError::Typesetting("the facts have no JSON form".to_owned()))?;
    Copy::new("consents", include_str!("../typ/consents.typ"), report.made, data)?
        .record(&record)?
        .checkpoint(report.checkpoint.as_deref())?
        .print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_place_and_its_words() {
        for status in Status::ALL {
            assert_eq!(ORDER.iter().filter(|other| *other == status).count(), 1, "{status}");
            assert!(!short(*status).is_empty());
        }
        assert_eq!(sentence("make a new form"), "Make a new form.");
        assert_eq!(sentence(" Done! "), "Done!");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_row_without_names_has_none_in_its_sentences_either() {
        let person = |n: u8, name: &str| ConsentPerson {
            participant: ParticipantId::from_random([n; 10]),
            name: Some(name.to_owned()),
            role: ParticipantRole::Client,
            status: Status::Missing,
            spoken: false,
            needed: true,
        };
        let row = ConsentRow {
            client: ClientId::from_random([1; 10]),
            name: Some("Ana".to_owned()),
            status: Status::Missing,
            since: None,
            until: None,
            purposes: Vec::new(),
            people: vec![person(1, "Ana"), person(2, "Ana Lee"), person(3, "")],
            reasons: vec!["Ana Lee has yet to sign".to_owned()],
            next: vec!["ask Ana and Ana Lee".to_owned()],
        };
        let bare = row.unnamed();
        let text = serde_json::to_string(&bare).expect("JSON");
        assert!(!text.contains("Ana") && !text.contains("Lee"), "{text}");
        let ids: Vec<String> = row.people.iter().map(|person| person.participant.to_string()).collect();
        assert_eq!(bare.reasons, [format!("{} has yet to sign", ids[1])]);
    }
}
