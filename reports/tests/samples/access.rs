//! A report on access of a group practice, with something in every table, and of a practice of one, with next to nothing.

use provenote_reports::{
    AccessFinding, AccessReport, AccessUserRow, ChangeRow, DeviceRow, Emergencies, EmergencyRow, EventCount, GrantRow,
    HoldRow, IncidentRow, KeptTrail, RefusedRow, SeenRow, SignedOff, access_legal_facts,
};
use provenote_schemas::{Class, ClientId, DeviceId, GrantId, Kind, Role, UserId};

use super::{CHECKPOINT, at, practice};

fn user(n: u8) -> String {
    UserId::from_random([n, 7, 7, 7, 7, 7, 7, 7, 7, 7]).to_string()
}

fn client(n: u8) -> ClientId {
    ClientId::from_random([n, 2, 2, 2, 2, 2, 2, 2, 2, 2])
}

fn grant(n: u8) -> GrantId {
    GrantId::from_random([n, 3, 3, 3, 3, 3, 3, 3, 3, 3])
}

/// One access that nobody reviewed, and an envelope that is open.
pub(crate) fn emergencies() -> Emergencies {
    Emergencies {
        unreviewed: vec![EmergencyRow {
            grant: grant(1),
            user: user(1).parse().expect("an id"),
            class: Class::Clinical,
            client: Some(client(4)),
            taken: at("2026-11-15T03:12:00.000Z"),
            due: Some(at("2026-11-18T03:12:00.000Z")),
        }],
        envelope_open: true,
    }
}

/// A quarter in a group practice, with `rows` rows where there are many.
pub(crate) fn access(rows: u8) -> AccessReport {
    let roles = [Role::Owner, Role::Clinician, Role::Biller, Role::FrontDesk, Role::ComplianceOfficer, Role::Auditor];
    let users = roles.iter().zip(0..).map(|(role, n)| AccessUserRow {
        user: user(n),
        name: (n != 5).then(|| format!("Robin Whitfield-Okonkwo {n}, LPC")),
        role: *role,
        since: at("2026-02-03T09:00:00.000Z"),
        ends: (*role == Role::Auditor).then(|| at("2027-01-31")),
        removed: (n == 3).then(|| at("2026-10-30T17:00:00.000Z")),
        invited: n == 4,
        factor: (n < 2).then(|| at("2026-02-03T09:10:00.000Z")),
        factor_required: n != 4,
        last_seen: (n != 4).then(|| at("2026-11-20T16:00:00.000Z")),
        signed_in: 40 + u64::from(n),
        failed: u64::from(n % 2) * 3,
    });
    let seen = (0..rows).map(|n| SeenRow {
        user: user(n % 6),
        role: Some(roles[usize::from(n % 6)]),
        class: ["progress_note", "transcript", "client_file", "claim", "ledger"][usize::from(n % 5)].into(),
        viewed: u64::from(n) * 3 + 1,
        changed: u64::from(n % 3),
        handed_out: u64::from(n % 4),
        clients: u64::from(n % 9),
    });
    let grants = (0..rows / 4).map(|n| GrantRow {
        grant: grant(n + 1).to_string(),
        user: user(1),
        class: "psychotherapy_notes".into(),
        client: (n % 3 != 2).then(|| client(n + 4)),
        minutes: 120,
        asked: at(&format!("2026-11-{:02}T03:12:00.000Z", n % 28 + 1)),
        state: ["ended", "in_force", "waiting", "denied"][usize::from(n % 4)].into(),
        until: (n % 4 != 3).then(|| at("2026-11-22T05:12:00.000Z")),
        emergency: n < 2,
        unreviewed: n == 0,
    });
    AccessReport {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        from: at("2026-08-21"),
        to: at("2026-11-21T20:10:00.000Z"),
        emergencies: if rows > 0 { emergencies() } else { Emergencies::default() },
        users: users.take(if rows > 0 { 6 } else { 1 }).collect(),
        seen: seen.collect(),
        refused: (0..rows / 4)
            .map(|n| RefusedRow {
                user: user(n % 6),
                act: "read a note".into(),
                policy: (n % 2 == 0).then(|| "guard-keys".to_owned()),
                entries: (0..u64::from(n) * 5 + 1).map(|seq| 100 + seq).collect(),
                last: at("2026-11-19T08:30:00.000Z"),
            })
            .collect(),
        grants: grants.collect(),
        devices: (0..rows.min(3))
            .map(|n| DeviceRow {
                device: DeviceId::from_random([n, 5, 5, 5, 5, 5, 5, 5, 5, 5]).to_string(),
                holder: user(n),
                enrolled: at("2026-02-03T09:05:00.000Z"),
                state: ["approved", "waiting", "revoked"][usize::from(n)].into(),
            })
            .collect(),
        changes: (0..rows / 3)
            .map(|n| ChangeRow {
                seq: 300 + u64::from(n),
                time: at("2026-09-01T12:00:00.000Z"),
                kind: [Kind::UserAdded, Kind::UserChanged, Kind::PolicyChanged, Kind::DeviceApproved]
                    [usize::from(n % 4)],
                by: user(0),
                about: (n % 4 != 2).then(|| user(n % 6)),
            })
            .collect(),
        assignments: u64::from(rows),
        findings: (0..rows / 4)
            .map(|n| AccessFinding {
                says: "Opened 3 times a record with no session in the 30 days before and after.".into(),
                user: (n % 3 != 2).then(|| user(1)),
                client: (n % 2 == 0).then(|| client(n)),
                entries: (0..u64::from(n)).map(|seq| 200 + seq).collect(),
            })
            .collect(),
        readings: u64::from(rows) * 11,
        not_looked_at: if rows > 0 {
            Vec::new()
        } else {
            vec!["Names were not opened, so records of the reader's own family were not looked for.".into()]
        },
        signed_off: (rows > 0).then(|| SignedOff {
            seq: 190,
            time: at("2026-09-02T10:00:00.000Z"),
            by: user(4),
            from: at("2026-05-21"),
            to: at("2026-08-21"),
            findings: 2,
        }),
        incidents: (0..rows.min(2))
            .map(|n| IncidentRow {
                seq: 210 + u64::from(n),
                opened: at("2026-10-02T10:00:00.000Z"),
                stage: ["opened", "closed"][usize::from(n)].into(),
                severity: ["high", "low"][usize::from(n)].into(),
                entries: vec![210, 212],
            })
            .collect(),
        holds: (0..rows.min(2))
            .map(|n| HoldRow {
                seq: 220 + u64::from(n),
                since: at("2026-10-02T10:00:00.000Z"),
                of: client(n).to_string(),
            })
            .collect(),
        kept: KeptTrail {
            years: 6,
            label: "6 years (policy choice, commonly inferred; 45 CFR 164.316(b)(2)(i), verified from cfr-copy)".into(),
            statement: "It does not say that audit logs must be kept for six years.".into(),
        },
        events: ["view", "create", "permission_change", "recording_start_stop"]
            .into_iter()
            .zip(0..)
            .map(|(event, n)| EventCount {
                event: event.into(),
                count: if n == 3 { 0 } else { u64::from(rows) },
                cannot: (n == 3).then(|| "The program starts and stops no recording.".to_owned()),
            })
            .collect(),
        legal: access_legal_facts().expect("the bundled file"),
        checkpoint: Some(CHECKPOINT.into()),
    }
}
