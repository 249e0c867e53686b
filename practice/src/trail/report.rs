//! The record behind the report on access: who may do what, who opened what, what was refused, what was given for a time,
//! and what the periodic review found. Headers, and the names of users where the caller's keys open them; no client's name.

use std::collections::{BTreeMap, BTreeSet};

use provenote_access::Act;
use provenote_access::review::Rules;
use provenote_ledger::Query;
use provenote_schemas::{Kind, Role, Time, UserId};
use provenote_trail::retention::{label, statement};
use provenote_trail::{Cannot, Event, Outcome, cannot};
use serde::Serialize;

use crate::act::{Actor, Practice, fact_text};
use crate::authentication::{DeviceShown, FactorStanding};
use crate::error::PracticeError;
use crate::grants::{Emergencies, GrantShown};
use crate::setup::PracticeRecord;
use crate::trail::{Hold, Incident, LastReview, Local, Review, Row, numbered};

/// Somebody with an account, or who had one in the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccessUser {
    /// Pseudonym.
    pub user: UserId,
    /// The name, where the caller's keys open it.
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
    /// The second factor, where there is one.
    pub factor: Option<FactorStanding>,
    /// The practice asks the role for one.
    pub factor_required: bool,
    /// The last entry they made.
    pub last_seen: Option<Time>,
    /// How they came in, in the time.
    pub sign_ins: SignIns,
}

/// How somebody came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SignIns {
    /// Signed in or unlocked their keys. One person alone on their own machine leaves no entry for a single command.
    pub signed_in: u64,
    /// Passphrases and codes that did not fit.
    pub failed: u64,
    /// Ended by the idle time.
    pub expired: u64,
}

/// What somebody opened of one class of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Who, by pseudonym.
    pub user: String,
    /// What they were when they last did.
    pub role: Option<Role>,
    /// What the records are, such as `progress_note`.
    pub class: String,
    /// How often they looked.
    pub viewed: u64,
    /// How often they changed or added something.
    pub changed: u64,
    /// How often something left the records: saved, printed, sent, disclosed.
    pub handed_out: u64,
    /// Of how many clients.
    pub clients: usize,
}

/// What was refused to somebody, as often as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Who, by pseudonym.
    pub user: String,
    /// The act's word.
    pub act: String,
    /// The act in words that follow "may not".
    pub says: Option<&'static str>,
    /// The policy that decided, where the entry names one.
    pub policy: Option<String>,
    /// The entries.
    pub entries: Vec<u64>,
    /// When it was refused last.
    pub last: Time,
}

/// A change of who may do what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// What.
    pub kind: Kind,
    /// Who did it, by pseudonym.
    pub by: String,
    /// About whom or what, by pseudonym.
    pub about: Option<String>,
}

/// The whole record.
#[derive(Debug, Clone)]
pub struct AccessRecord {
    /// The practice.
    pub practice: PracticeRecord,
    /// When the record was made.
    pub made: Time,
    /// The first moment it covers.
    pub from: Time,
    /// The first moment it does not cover any more.
    pub to: Time,
    /// Entries of the time by type of event; those of none count as none.
    pub events: BTreeMap<Option<Event>, u64>,
    /// The types of which the program has no act, and why.
    pub cannot: Vec<Cannot>,
    /// Users: those with an account, and those removed within the time.
    pub users: Vec<AccessUser>,
    /// Who opened what, by user and class.
    pub seen: Vec<Seen>,
    /// What was refused.
    pub refused: Vec<Refused>,
    /// Grants asked for within the time, and all that wait, are in force or are not reviewed.
    pub grants: Vec<GrantShown>,
    /// Where the practice stands with emergencies.
    pub emergencies: Emergencies,
    /// Devices.
    pub devices: Vec<DeviceShown>,
    /// Who may do what was changed; who treats whom is only counted.
    pub changes: Vec<Change>,
    /// How often somebody was assigned to a client or taken off.
    pub assignments: u64,
    /// What the review of the time finds.
    pub review: Review,
    /// The last review that was signed off.
    pub signed_off: Option<LastReview>,
    /// Incidents that were open at some moment of the time.
    pub incidents: Vec<Incident>,
    /// Holds in force.
    pub holds: Vec<Hold>,
    /// How long the trail is kept, in a line with its mark.
    pub kept: String,
    /// The years of this practice.
    pub years: u32,
    /// What the law says of six years, and does not.
    pub kept_statement: String,
    /// The checkpoint of the moment, a signed note.
    pub checkpoint: String,
}

/// Kinds that stand in the report's own lists, or say who treats whom.
const APART: [Kind; 6] = [
    Kind::GrantApproved,
    Kind::GrantRevoked,
    Kind::GrantEnded,
    Kind::OfficeKeyed,
    Kind::ClientAssigned,
    Kind::ClientUnassigned,
];

impl Practice {
    /// Reads the record for a report on access. The review of the time is made with it, and is an entry.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for a time that ends before it begins.
    pub fn access_record(
        &mut self,
        actor: &Actor,
        from: Time,
        to: Time,
        local: &dyn Fn(Time) -> Local,
    ) -> Result<AccessRecord, PracticeError> {
        self.allow_here(actor, Act::MakeReport)?;
        let review = self.access_review(actor, from, to, local, &Rules::default())?;
        let known = self.known()?;
        let mut last_seen: BTreeMap<String, Time> = BTreeMap::new();
        let mut rows: Vec<Row> = Vec::new();
        for header in self.log.find(&Query::default())? {
            let time = Time::from_millis(header.time);
            last_seen.insert(header.actor.clone(), time);
            if from <= time && time < to {
                rows.push(known.row(header));
            }
        }
        let mut events = BTreeMap::new();
        for row in &rows {
            *events.entry(row.placed.event).or_insert(0) += 1;
        }
        let changed = |row: &&Row| {
            let kind = Kind::from_word(&row.record.kind);
            row.placed.event == Some(Event::PermissionChange) && kind.is_some_and(|kind| !APART.contains(&kind))
        };
        let assigned = [Kind::ClientAssigned, Kind::ClientUnassigned];
        let of_kind = |row: &&Row, kinds: &[Kind]| kinds.iter().any(|kind| kind.as_str() == row.record.kind);
        let grants = self.list_grants(actor)?.into_iter().filter(|grant| {
            (from <= grant.asked && grant.asked < to)
                || grant.unreviewed
                || matches!(grant.state, "waiting" | "in_force")
        });
        Ok(AccessRecord {
            practice: self.record(actor)?,
            made: self.clock.now(),
            from,
            to,
            cannot: cannot(),
            users: self.access_users(actor, from, &rows, &last_seen)?,
            seen: seen(&rows),
            refused: refused(&rows),
            grants: grants.collect(),
            emergencies: self.emergencies()?,
            devices: self.list_devices(actor)?,
            changes: rows.iter().filter(changed).filter_map(change).collect(),
            assignments: rows.iter().filter(|row| of_kind(row, &assigned)).count() as u64,
            review,
            signed_off: self.last_review()?,
            incidents: self.incidents_between(from, to)?,
            holds: self.holds()?.into_iter().filter(|hold| hold.lifted.is_none()).collect(),
            kept: label(),
            years: self.trail_years()?,
            kept_statement: statement(),
            checkpoint: self.log.checkpoint()?,
            events,
        })
    }

    fn access_users(
        &self,
        actor: &Actor,
        from: Time,
        rows: &[Row],
        last_seen: &BTreeMap<String, Time>,
    ) -> Result<Vec<AccessUser>, PracticeError> {
        let mut users = Vec::new();
        for person in self.people()?.all() {
            let removed = person.removed.map(|seq| self.log.header(seq)).transpose()?;
            let removed = removed.map(|header| Time::from_millis(header.time));
            if removed.is_some_and(|removed| removed < from) {
                continue;
            }
            users.push(AccessUser {
                user: person.id.clone(),
                name: self.user_name(actor, &person.id).ok(),
                role: person.role,
                since: person.since,
                ends: person.ends,
                removed,
                invited: person.invited,
                factor: self.factor_of(&person.id)?,
                factor_required: self.factor_required(person.role)?,
                last_seen: last_seen.get(person.id.as_str()).copied(),
                sign_ins: sign_ins(rows, &person.id),
            });
        }
        users.sort_by_key(|user| (user.removed.is_some(), user.role, user.since));
        Ok(users)
    }

    fn incidents_between(&self, from: Time, to: Time) -> Result<Vec<Incident>, PracticeError> {
        let mut incidents = Vec::new();
        for incident in self.incidents()? {
            let last = incident.entries.last().copied().unwrap_or(incident.seq);
            let last = Time::from_millis(self.log.header(last)?.time);
            let closed_before = incident.stage == super::IncidentStage::Closed && last < from;
            if incident.opened < to && !closed_before {
                incidents.push(incident);
            }
        }
        Ok(incidents)
    }
}

fn sign_ins(rows: &[Row], user: &UserId) -> SignIns {
    let mut counted = SignIns::default();
    for row in rows {
        let of = row.record.refs.get("user").unwrap_or(&row.record.actor);
        if of != user.as_str() {
            continue;
        }
        match row.placed.event {
            Some(Event::Login) => counted.signed_in += 1,
            Some(Event::LogoutAuto) => counted.expired += 1,
            // An entry of a wait tells of what was counted before.
            Some(Event::LoginFailed) if row.record.kind == Kind::UserRefused.as_str() => {
                counted.failed += numbered(&row.header, "times").unwrap_or(1);
            }
            _ => {}
        }
    }
    counted
}

fn seen(rows: &[Row]) -> Vec<Seen> {
    let mut found: BTreeMap<(String, String), (Seen, BTreeSet<&str>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.placed.outcome == Outcome::Allowed) {
        let (viewed, changed, handed_out) = match row.placed.event {
            Some(Event::View | Event::Query) => (1, 0, 0),
            Some(Event::Create | Event::Edit | Event::Delete | Event::HumanReview) => (0, 1, 0),
            Some(Event::Export | Event::Print | Event::Forward | Event::Disclosure) => (0, 0, 1),
            _ => continue,
        };
        let at = (row.record.actor.clone(), row.placed.record_class.clone());
        let (one, clients) = found.entry(at).or_insert_with_key(|(user, class)| {
            let (user, class) = (user.clone(), class.clone());
            (Seen { user, role: None, class, viewed: 0, changed: 0, handed_out: 0, clients: 0 }, BTreeSet::new())
        });
        one.role = row.record.role.or(one.role);
        one.viewed += viewed;
        one.changed += changed;
        one.handed_out += handed_out;
        clients.extend(row.record.client());
    }
    found.into_values().map(|(one, clients)| Seen { clients: clients.len(), ..one }).collect()
}

fn refused(rows: &[Row]) -> Vec<Refused> {
    let mut found: BTreeMap<(String, String, Option<String>), Refused> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.record.kind == Kind::AccessRefused.as_str()) {
        let word = |name: &str| row.header.facts.get(name).and_then(fact_text).map(str::to_owned);
        let (user, act, policy) = (row.record.actor.clone(), word("act").unwrap_or_default(), word("policy"));
        let one = found.entry((user.clone(), act.clone(), policy.clone())).or_insert_with(|| Refused {
            user,
            says: Act::from_word(&act).map(Act::in_words),
            act,
            policy,
            entries: Vec::new(),
            last: row.record.time,
        });
        one.entries.push(row.record.seq);
        one.last = row.record.time;
    }
    found.into_values().collect()
}

fn change(row: &Row) -> Option<Change> {
    Some(Change {
        seq: row.record.seq,
        time: row.record.time,
        kind: Kind::from_word(&row.record.kind)?,
        by: row.record.actor.clone(),
        about: row.record.about(),
    })
}
