//! Who may open what in a practice, and who did: the report that goes with the periodic review.

use provenote_schemas::{ClientId, Kind, Role, Time};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::board::meaning;
use crate::checklist::record;
use crate::emergencies::Emergencies;
use crate::labels::capitalised;
use crate::legal::LegalFacts;
use crate::note::counted;
use crate::outside;
use crate::press::Copy;
use crate::{Practice, ReportError};

/// Everything the report tells. Users stand with names where they were handed over, clients under pseudonyms only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReport {
    /// The letterhead.
    pub practice: Practice,
    /// When it was made.
    pub made: Time,
    /// The first moment it covers.
    pub from: Time,
    /// The first moment it does not cover any more.
    pub to: Time,
    /// Emergency access that is not settled.
    pub emergencies: Emergencies,
    /// Everybody with an account, and who was removed within the time.
    pub users: Vec<AccessUserRow>,
    /// Who opened what.
    pub seen: Vec<SeenRow>,
    /// What was refused.
    pub refused: Vec<RefusedRow>,
    /// Access for a limited time.
    pub grants: Vec<GrantRow>,
    /// Devices.
    pub devices: Vec<DeviceRow>,
    /// Changes of who may do what.
    pub changes: Vec<ChangeRow>,
    /// How often somebody was assigned to a client or taken off.
    pub assignments: u64,
    /// What the review of the time finds.
    pub findings: Vec<AccessFinding>,
    /// How many openings it looked at.
    pub readings: u64,
    /// What it could not look at, in sentences.
    pub not_looked_at: Vec<String>,
    /// The review that was signed off last.
    pub signed_off: Option<SignedOff>,
    /// Security incidents.
    pub incidents: Vec<IncidentRow>,
    /// Holds in force.
    pub holds: Vec<HoldRow>,
    /// How long the trail is kept.
    pub kept: KeptTrail,
    /// Entries of the time by type of event.
    pub events: Vec<EventCount>,
    /// Legal statements, usually [`crate::access_legal_facts`].
    pub legal: LegalFacts,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessUserRow {
    /// Pseudonym.
    pub user: String,
    /// The name, where it is known.
    pub name: Option<String>,
    /// What they are.
    pub role: Role,
    /// When the account was made.
    pub since: Time,
    /// When it ends.
    pub ends: Option<Time>,
    /// When it was removed.
    pub removed: Option<Time>,
    /// Invited, and not yet in.
    pub invited: bool,
    /// Since when there is a second factor.
    pub factor: Option<Time>,
    /// The practice asks the role for one.
    pub factor_required: bool,
    /// Their last entry.
    pub last_seen: Option<Time>,
    /// How often they signed in.
    pub signed_in: u64,
    /// Passphrases and codes that did not fit.
    pub failed: u64,
}

/// What somebody opened of one class of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRow {
    /// Who, by pseudonym.
    pub user: String,
    /// What they were.
    pub role: Option<Role>,
    /// What the records are, such as `progress_note`.
    pub class: String,
    /// How often they looked.
    pub viewed: u64,
    /// How often they changed or added something.
    pub changed: u64,
    /// How often something left the records.
    pub handed_out: u64,
    /// Of how many clients.
    pub clients: u64,
}

/// What was refused to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Who, by pseudonym.
    pub user: String,
    /// The act, in words that follow "may not".
    pub act: String,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The entries.
    pub entries: Vec<u64>,
    /// When it was refused last.
    pub last: Time,
}

/// Access for a limited time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// Pseudonym.
    pub grant: String,
    /// Who has it or asked for it.
    pub user: String,
    /// The class of records.
    pub class: String,
    /// Whose; none for every client's.
    pub client: Option<ClientId>,
    /// For how many minutes.
    pub minutes: i64,
    /// When it was asked for or taken.
    pub asked: Time,
    /// Where it stands, a word.
    pub state: String,
    /// Until when.
    pub until: Option<Time>,
    /// Taken in an emergency.
    pub emergency: bool,
    /// An emergency that nobody has reviewed.
    pub unreviewed: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Pseudonym.
    pub device: String,
    /// Who enrolled it.
    pub holder: String,
    /// When.
    pub enrolled: Time,
    /// `waiting`, `approved` or `revoked`.
    pub state: String,
}

/// A change of who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// What.
    pub kind: Kind,
    /// Who did it.
    pub by: String,
    /// About whom or what.
    pub about: Option<String>,
}

/// Something the review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessFinding {
    /// In a sentence.
    pub says: String,
    /// By whom or about whom.
    pub user: Option<String>,
    /// Whose records.
    pub client: Option<ClientId>,
    /// The entries behind it.
    pub entries: Vec<u64>,
}

/// A review that was signed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOff {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// By whom.
    pub by: String,
    /// The first moment it looked at.
    pub from: Time,
    /// The first moment it did not look at any more.
    pub to: Time,
    /// How many findings were signed off.
    pub findings: u64,
}

/// A security incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRow {
    /// The entry that opened it.
    pub seq: u64,
    /// When.
    pub opened: Time,
    /// `opened`, `assessed` or `closed`.
    pub stage: String,
    /// `low`, `medium` or `high`.
    pub severity: String,
    /// Its entries.
    pub entries: Vec<u64>,
}

/// A hold in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRow {
    /// The entry that placed it.
    pub seq: u64,
    /// When.
    pub since: Time,
    /// Whose records, by pseudonym.
    pub of: String,
}

/// How long the trail is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptTrail {
    /// The years of this practice.
    pub years: u32,
    /// The default in a line, with its mark.
    pub label: String,
    /// What the law says of it, and does not.
    pub statement: String,
}

/// How many entries are of one type of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCount {
    /// The type's word; `other` for what is of none.
    pub event: String,
    /// How many.
    pub count: u64,
    /// Why there can be none, where the program has no such act.
    pub cannot: Option<String>,
}

/// So many entries of one row are named by their numbers.
const NAMED: usize = 12;

/// The report on access as PDF, with the facts attached as `record.json` (RFC 8785 bytes of [`AccessReport`]).
///
/// # Errors
/// [`ReportError::CheckpointTooLong`]. A character no font has is printed as its number.
pub fn access_report(report: &AccessReport) -> Result<Vec<u8>, ReportError> {
    let name = |user: &str| {
        let known = report.users.iter().find(|known| known.user == user);
        known.and_then(|known| known.name.clone())
    };
    let who = |user: &str| json!({ "id": user, "name": name(user) });
    let data = json!({
        "practice": report.practice,
        "made": report.made,
        "from": report.from,
        "to": report.to,
        "alarms": report.emergencies.lines(report.made),
        "headline": headline(report),
        "clear": report.findings.is_empty() && report.emergencies.settled(),
        "users": report.users.iter().map(|user| json!({
            "who": who(&user.user),
            "role": role(user.role),
            "account": account(user, report.made),
            "over": user.removed.is_some() || user.ends.is_some_and(|ends| ends <= report.made),
            "factor": factor(user),
            "lacking": user.factor.is_none() && user.factor_required && user.removed.is_none(),
            "last_seen": user.last_seen.map(Time::date),
            "sign_ins": sign_ins(user),
        })).collect::<Vec<_>>(),
        "seen": report.seen.iter().map(|row| json!({
            "who": who(&row.user),
            "role": row.role.map(role),
            "what": capitalised(&row.class.replace('_', " ")),
            "viewed": row.viewed,
            "changed": row.changed,
            "handed_out": row.handed_out,
            "clients": row.clients,
        })).collect::<Vec<_>>(),
        "refused": report.refused.iter().map(|row| json!({
            "who": who(&row.user),
            "act": row.act,
            "policy": row.policy,
            "times": row.entries.len(),
            "entries": entries(&row.entries),
            "last": row.last,
        })).collect::<Vec<_>>(),
        "grants": grants(report).into_iter().map(|grant| json!({
            "grant": grant.grant,
            "who": who(&grant.user),
            "class": class(&grant.class),
            "client": grant.client,
            "minutes": grant.minutes,
            "asked": grant.asked,
            "state": capitalised(&grant.state.replace('_', " ")),
            "until": grant.until,
            "mark": match (grant.emergency, grant.unreviewed) {
                (true, true) => "Emergency, not reviewed",
                (true, false) => "Emergency, reviewed",
                (false, _) => "",
            },
            "unreviewed": grant.unreviewed,
        })).collect::<Vec<_>>(),
        "devices": report.devices.iter().map(|device| json!({
            "device": device.device, "who": who(&device.holder), "enrolled": device.enrolled,
            "state": capitalised(&device.state), "waiting": device.state == "waiting",
        })).collect::<Vec<_>>(),
        "changes": report.changes.iter().map(|change| json!({
            "seq": change.seq, "time": change.time, "what": meaning(change.kind), "kind": change.kind,
            "who": who(&change.by), "about": change.about.as_deref().map(who),
        })).collect::<Vec<_>>(),
        "assignments": report.assignments,
        "findings": report.findings.iter().map(|finding| json!({
            "says": finding.says,
            "who": finding.user.as_deref().map(who),
            "client": finding.client,
            "entries": entries(&finding.entries),
        })).collect::<Vec<_>>(),
        "readings": counted(usize::try_from(report.readings).unwrap_or(usize::MAX), "opening", "openings"),
        "not_looked_at": report.not_looked_at,
        "signed_off": report.signed_off.as_ref().map(|signed| json!({
            "seq": signed.seq, "time": signed.time, "who": who(&signed.by), "from": signed.from, "to": signed.to,
            "findings": counted(usize::try_from(signed.findings).unwrap_or(usize::MAX), "finding", "findings"),
            "covers": report.to <= signed.to,
        })),
        "incidents": report.incidents.iter().map(|incident| json!({
            "seq": incident.seq, "opened": incident.opened, "stage": capitalised(&incident.stage),
            "severity": capitalised(&incident.severity), "open": incident.stage != "closed",
            "entries": entries(&incident.entries),
        })).collect::<Vec<_>>(),
        "holds": report.holds,
        "kept": { "years": kept_years(&report.kept), "statement": report.kept.statement },
        "no_events": report
            .events
            .iter()
            .filter(|one| one.count == 0 && one.cannot.is_none())
            .map(|one| one.event.replace('_', " "))
            .collect::<Vec<_>>()
            .join(", "),
        "events": report.events.iter().filter(|one| one.count > 0 || one.cannot.is_some()).map(|one| json!({
            "event": capitalised(&one.event.replace('_', " ")), "count": one.count, "cannot": one.cannot,
        })).collect::<Vec<_>>(),
        "legal": report.legal.statements,
        "legal_checked": report.legal.checked_on,
        "checkpoint": report.checkpoint,
    });
    let record = record(report)?;
    outside::print(data, |data| {
        Copy::new("access", include_str!("../typ/access.typ"), report.made, data)?
            .record(&record)?
            .checkpoint(report.checkpoint.as_deref())
    })
}

/// What a reader sees first.
fn headline(report: &AccessReport) -> String {
    let people = counted(report.users.iter().filter(|user| user.removed.is_none()).count(), "account", "accounts");
    let found = match report.findings.len() {
        0 => "The review of the time found nothing that stands out.".to_owned(),
        found => format!("The review of the time found {} for a person to look at.", counted(found, "thing", "things")),
    };
    format!("{people}. {found}")
}

/// The years with what they rest on.
fn kept_years(kept: &KeptTrail) -> String {
    if kept.label.starts_with(&format!("{} years", kept.years)) {
        return format!("{}.", kept.label);
    }
    format!("{} years, by the practice's own choice; the default is {}.", kept.years, kept.label)
}

/// Emergencies that nobody reviewed stand first, then what is in force or waits, then the newest.
fn grants(report: &AccessReport) -> Vec<&GrantRow> {
    let mut all: Vec<&GrantRow> = report.grants.iter().collect();
    all.sort_by_key(|grant| {
        let open = matches!(grant.state.as_str(), "in_force" | "waiting");
        (!grant.unreviewed, !open, std::cmp::Reverse(grant.asked))
    });
    all
}

/// A class of payloads as what it holds.
pub(crate) fn class(word: &str) -> String {
    let words = word.replace('_', " ");
    if words.ends_with("notes") { words } else { format!("{words} records") }
}

fn role(role: Role) -> String {
    capitalised(&role.as_str().replace('_', " "))
}

fn account(user: &AccessUserRow, made: Time) -> String {
    let since = format!("Since {}", user.since.date());
    match (user.removed, user.ends) {
        (Some(removed), _) => format!("{since}, removed {}", removed.date()),
        (None, Some(ends)) if ends <= made => format!("{since}, ended {}", ends.date()),
        (None, Some(ends)) => format!("{since}, ends {}", ends.date()),
        (None, None) if user.invited => format!("Invited {}, not yet in", user.since.date()),
        (None, None) => since,
    }
}

fn factor(user: &AccessUserRow) -> String {
    match (user.factor, user.factor_required) {
        (Some(since), _) => format!("Since {}", since.date()),
        (None, true) => "None, and the role needs one".to_owned(),
        (None, false) => "None; not asked for".to_owned(),
    }
}

fn sign_ins(user: &AccessUserRow) -> String {
    match user.failed {
        0 => user.signed_in.to_string(),
        failed => format!("{}, and {failed} that failed", user.signed_in),
    }
}

/// The numbers of entries, the first few and how many more.
fn entries(all: &[u64]) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(u64::to_string).collect();
    match all.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => format!("{} and {more} more", named.join(", ")),
        None => named.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_entries_are_named_and_counted() {
        assert_eq!(entries(&[]), "");
        assert_eq!(entries(&[3, 4]), "3, 4");
        let many: Vec<u64> = (0..14).collect();
        assert_eq!(entries(&many), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more");
    }
}
