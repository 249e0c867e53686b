//! What is known of access, from the use cases' records to printed documents.

use provenote_practice::Practice;
use provenote_practice::trail::AccessRecord;
use provenote_reports as reports;
use provenote_trail::Event;

use super::letterhead;
use crate::exit::Failure;

/// Emergency access that is not settled: every report begins with it.
pub(crate) fn emergencies(practice: &Practice) -> Result<reports::Emergencies, Failure> {
    let standing = practice.emergencies()?;
    Ok(reports::Emergencies {
        unreviewed: standing
            .unreviewed
            .into_iter()
            .map(|grant| reports::EmergencyRow {
                grant: grant.grant,
                user: grant.requester,
                class: grant.class,
                client: grant.client,
                taken: grant.asked,
                due: grant.review_due,
            })
            .collect(),
        envelope_open: standing.envelope_open,
    })
}

/// The report on access.
pub(crate) fn report(record: AccessRecord, emergencies: reports::Emergencies) -> Result<Vec<u8>, String> {
    let events = events(&record);
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    reports::access_report(&reports::AccessReport {
        practice: letterhead(&record.practice),
        made: record.made,
        from: record.from,
        to: record.to,
        emergencies,
        users: record
            .users
            .into_iter()
            .map(|user| reports::AccessUserRow {
                user: user.user.to_string(),
                name: user.name,
                role: user.role,
                since: user.since,
                ends: user.ends,
                removed: user.removed,
                invited: user.invited,
                factor: user.factor.map(|factor| factor.since),
                factor_required: user.factor_required,
                last_seen: user.last_seen,
                signed_in: user.sign_ins.signed_in,
                failed: user.sign_ins.failed,
            })
            .collect(),
        seen: record
            .seen
            .into_iter()
            .map(|seen| reports::SeenRow {
                user: seen.user,
                role: seen.role,
                class: seen.class,
                viewed: seen.viewed,
                changed: seen.changed,
                handed_out: seen.handed_out,
                clients: count(seen.clients),
            })
            .collect(),
        refused: record
            .refused
            .into_iter()
            .map(|refused| reports::RefusedRow {
                user: refused.user,
                act: refused.says.map_or(refused.act, str::to_owned),
                policy: refused.policy,
                entries: refused.entries,
                last: refused.last,
            })
            .collect(),
        grants: record
            .grants
            .into_iter()
            .map(|grant| reports::GrantRow {
                grant: grant.grant.to_string(),
                user: grant.requester.to_string(),
                class: grant.class.to_string(),
                client: grant.client,
                minutes: grant.minutes,
                asked: grant.asked,
                state: grant.state.to_owned(),
                until: grant.until,
                emergency: grant.emergency,
                unreviewed: grant.unreviewed,
            })
            .collect(),
        devices: record
            .devices
            .into_iter()
            .map(|device| reports::DeviceRow {
                device: device.device.to_string(),
                holder: device.holder.to_string(),
                enrolled: device.enrolled,
                state: device.state.to_owned(),
            })
            .collect(),
        changes: record
            .changes
            .into_iter()
            .map(|change| reports::ChangeRow {
                seq: change.seq,
                time: change.time,
                kind: change.kind,
                by: change.by,
                about: change.about,
            })
            .collect(),
        assignments: record.assignments,
        readings: count(record.review.readings),
        not_looked_at: record.review.findings.not_looked_at,
        findings: record
            .review
            .findings
            .findings
            .into_iter()
            .map(|finding| reports::AccessFinding {
                says: finding.says,
                user: finding.user.map(|user| user.to_string()),
                client: finding.client,
                entries: finding.entries,
            })
            .collect(),
        signed_off: record.signed_off.map(|last| reports::SignedOff {
            seq: last.seq,
            time: last.time,
            by: last.by,
            from: last.from,
            to: last.to,
            findings: last.findings,
        }),
        incidents: record
            .incidents
            .into_iter()
            .map(|incident| reports::IncidentRow {
                seq: incident.seq,
                opened: incident.opened,
                stage: incident.stage.as_str().to_owned(),
                severity: incident.severity.as_str().to_owned(),
                entries: incident.entries,
            })
            .collect(),
        holds: record
            .holds
            .into_iter()
            .map(|hold| reports::HoldRow { seq: hold.seq, since: hold.since, of: hold.session.unwrap_or(hold.client) })
            .collect(),
        kept: reports::KeptTrail { years: record.years, label: record.kept, statement: record.kept_statement },
        events,
        legal: reports::access_legal_facts().map_err(|error| error.to_string())?,
        checkpoint: Some(record.checkpoint),
    })
    .map_err(|error| error.to_string())
}

/// Every type of event, those of which there is none too; then what is of no type.
fn events(record: &AccessRecord) -> Vec<reports::EventCount> {
    let count = |event: Option<Event>| record.events.get(&event).copied().unwrap_or(0);
    let typed = Event::ALL.iter().map(|event| reports::EventCount {
        event: event.as_str().to_owned(),
        count: count(Some(*event)),
        cannot: record.cannot.iter().find(|one| one.event == *event).map(|one| one.why.to_owned()),
    });
    let other = reports::EventCount { event: "none of these types".to_owned(), count: count(None), cannot: None };
    typed.chain([other]).collect()
}
