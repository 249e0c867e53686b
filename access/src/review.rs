//! The periodic review of who read what (45 CFR 164.308(a)(1)(ii)(D)): what stands out, for a person to look at.
//!
//! Nothing here accuses: each finding says what is unusual and names the entries. The thresholds are the author's design
//! ([`Rules`]); the law names none. The facts are handed in by whoever has the keys for them: a reviewer who cannot open
//! names (a compliance officer) hands in none, and the review then says that it did not look at them.

use std::collections::{BTreeMap, BTreeSet};

use provenote_schemas::{ClientId, Role, Time, UserId};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::grants::{Grants, State};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Somebody opened something of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Which day it was where the practice is, counted from any day.
    pub day: i64,
    /// The hour where the practice is, 0 to 23.
    pub hour: u8,
    /// The day of the week where the practice is, 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// Who.
    pub user: UserId,
    /// Whose.
    pub client: ClientId,
}

/// A session took place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Whose.
    pub client: ClientId,
    /// With whom.
    pub clinician: UserId,
    /// When.
    pub time: Time,
}

/// A user, as the review needs to know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: UserId,
    /// What.
    pub role: Role,
    /// The family name, where the reviewer may know it.
    pub family_name: Option<String>,
    /// A second factor is enrolled.
    pub factor: bool,
    /// The practice asks this role for one.
    pub factor_required: bool,
    /// The last time the user signed in.
    pub last_seen: Option<Time>,
    /// When the account was made.
    pub since: Time,
    /// When the account ends.
    pub ends: Option<Time>,
}

/// Everything a review looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who opened what in the period, in the order of the entries.
    pub readings: &'a [Reading],
    /// The sessions around the period.
    pub met: &'a [Met],
    /// Everybody with an account.
    pub people: &'a [Person],
    /// The family names in each client's file; empty where the reviewer may not know them.
    pub families: &'a BTreeMap<ClientId, Vec<String>>,
    /// All grants.
    pub grants: &'a Grants,
    /// The moment of the review.
    pub now: Time,
}

/// What counts as unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// The first hour of a usual day.
    pub from_hour: u8,
    /// The first hour that is too late.
    pub to_hour: u8,
    /// Saturdays and Sundays are usual too.
    pub weekends: bool,
    /// How many days before or after a session reading is to be expected.
    pub session_days: u32,
    /// How many clients' records a day are a lot.
    pub bulk_clients: usize,
    /// How many days without signing in make an account idle.
    pub idle_days: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { from_hour: 7, to_hour: 21, weekends: false, session_days: 30, bulk_clients: 20, idle_days: 90 }
    }
}

/// What stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusual {
    /// A record of somebody with the reader's own family name.
    OwnFamilyName,
    /// A record of a client with whom there was no session around that time.
    NoSession,
    /// At an hour or on a day when nobody works.
    OddHours,
    /// The records of many clients in a day.
    Bulk,
    /// By a user who is none of the practice's any more, or whose account had ended.
    NoAccount,
    /// A grant is in force.
    GrantOpen,
    /// A request waits for an answer.
    GrantWaiting,
    /// A grant is over and its key was not destroyed.
    KeyNotDestroyed,
    /// Emergency access that nobody has reviewed.
    EmergencyUnreviewed,
    /// An entry about a grant that ought not to be there.
    GrantOdd,
    /// A user without a second factor.
    NoFactor,
    /// An account that nobody uses.
    IdleAccount,
}

/// One thing for a person to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub what: Unusual,
    /// By whom, or about whom.
    pub user: Option<UserId>,
    /// Whose records.
    pub client: Option<ClientId>,
    /// The entries behind it.
    pub entries: Vec<u64>,
    /// In a sentence, without names.
    pub says: String,
}

/// What a review found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Sorted by what, user and client.
    pub findings: Vec<Finding>,
    /// What the review could not look at, in sentences.
    pub not_looked_at: Vec<String>,
}

/// Reviews the facts of a period.
#[must_use]
pub fn review(facts: &Facts<'_>, rules: &Rules) -> Findings {
    let people: BTreeMap<&UserId, &Person> = facts.people.iter().map(|person| (&person.user, person)).collect();
    let mut findings = Vec::new();
    findings.extend(of_readings(facts, rules, &people));
    findings.extend(bulk(facts, rules));
    findings.extend(of_grants(facts));
    findings.extend(of_accounts(facts, rules));
    findings.sort_by(|one, other| (one.what, &one.user, &one.client).cmp(&(other.what, &other.user, &other.client)));
    let mut not_looked_at = Vec::new();
    if facts.families.is_empty() || facts.people.iter().all(|person| person.family_name.is_none()) {
        not_looked_at
            .push("Names were not opened, so records of the reader's own family were not looked for.".to_owned());
    }
    Findings { findings, not_looked_at }
}

/// One finding for each user, client and kind, with all its entries.
fn of_readings(facts: &Facts<'_>, rules: &Rules, people: &BTreeMap<&UserId, &Person>) -> Vec<Finding> {
    let families: BTreeMap<&ClientId, BTreeSet<String>> = facts
        .families
        .iter()
        .map(|(client, names)| (client, names.iter().flat_map(|name| words(name)).collect()))
        .collect();
    let mut met: BTreeMap<&ClientId, Vec<&Met>> = BTreeMap::new();
    for one in facts.met {
        met.entry(&one.client).or_default().push(one);
    }
    let mut found: BTreeMap<(Unusual, &UserId, &ClientId), Vec<u64>> = BTreeMap::new();
    for reading in facts.readings {
        let mut note = |what| found.entry((what, &reading.user, &reading.client)).or_default().push(reading.seq);
        let person = people.get(&reading.user);
        if person.is_none_or(|person| person.ends.is_some_and(|ends| ends <= reading.time)) {
            note(Unusual::NoAccount);
        }
        let own = person.and_then(|person| person.family_name.as_deref()).map(words).unwrap_or_default();
        if families.get(&reading.client).is_some_and(|family| !family.is_disjoint(&own)) {
            note(Unusual::OwnFamilyName);
        }
        let usual_hour = (rules.from_hour..rules.to_hour).contains(&reading.hour);
        if !usual_hour || (!rules.weekends && reading.weekday >= 6) {
            note(Unusual::OddHours);
        }
        // Who treats is to have met the client; for everybody else it is enough that somebody did.
        let own_only = person.is_some_and(|person| person.role == Role::Clinician);
        let around = i64::from(rules.session_days) * DAY_MS;
        let expected = met.get(&reading.client).is_some_and(|met| {
            met.iter().any(|one| {
                (!own_only || one.clinician == reading.user)
                    && one.time.millis().abs_diff(reading.time.millis()) <= around.unsigned_abs()
            })
        });
        if !expected {
            note(Unusual::NoSession);
        }
    }
    found
        .into_iter()
        .map(|((what, user, client), entries)| Finding {
            what,
            user: Some(user.clone()),
            client: Some(client.clone()),
            says: says_of_reading(what, entries.len(), rules),
            entries,
        })
        .collect()
}

fn says_of_reading(what: Unusual, times: usize, rules: &Rules) -> String {
    let times = match times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    match what {
        Unusual::OwnFamilyName => format!("Opened {times} a record of somebody with their own family name."),
        Unusual::OddHours => format!(
            "Opened a record {times} before {} or after {} o'clock, or on a weekend.",
            rules.from_hour, rules.to_hour
        ),
        Unusual::NoAccount => format!("A record was opened {times} by somebody without an account in force."),
        _ => format!("Opened {times} a record with no session in the {} days before and after.", rules.session_days),
    }
}

/// Days on which a user opened the records of many clients: more than the rule, and than three times that user's usual.
fn bulk(facts: &Facts<'_>, rules: &Rules) -> Vec<Finding> {
    type Day<'a> = (BTreeSet<&'a ClientId>, Vec<u64>);
    let mut by_day: BTreeMap<&UserId, BTreeMap<i64, Day<'_>>> = BTreeMap::new();
    for reading in facts.readings {
        let day = by_day.entry(&reading.user).or_default().entry(reading.day).or_default();
        day.0.insert(&reading.client);
        day.1.push(reading.seq);
    }
    let mut findings = Vec::new();
    for (user, days) in by_day {
        let mut counts: Vec<usize> = days.values().map(|(clients, _)| clients.len()).collect();
        counts.sort_unstable();
        // With fewer than five days nobody can tell what is usual.
        let usual = if counts.len() < 5 { 0 } else { counts.get(counts.len() / 2).copied().unwrap_or(0) };
        let bound = rules.bulk_clients.max(usual.saturating_mul(3));
        findings.extend(days.into_values().filter(|(clients, _)| clients.len() > bound).map(|(clients, entries)| {
            let says =
                format!("Opened the records of {} clients in one day; more than {bound} is a lot.", clients.len());
            Finding { what: Unusual::Bulk, user: Some(user.clone()), client: None, entries, says }
        }));
    }
    findings
}

fn of_grants(facts: &Facts<'_>) -> Vec<Finding> {
    let now = facts.grants.judged_at(facts.now);
    let mut findings = Vec::new();
    let finding = |what, grant: &crate::grants::Grant, says: String| Finding {
        what,
        user: Some(grant.requester().clone()),
        client: grant.scope().client().cloned(),
        entries: Vec::new(),
        says,
    };
    let left: BTreeSet<_> = facts.grants.to_destroy(now).into_iter().collect();
    for grant in facts.grants.all() {
        let id = grant.id();
        match grant.state() {
            State::InForce { until, .. } if now < *until => {
                findings.push(finding(Unusual::GrantOpen, grant, format!("The grant {id} is in force until {until}.")));
            }
            State::Waiting { until } if now < *until => {
                let says = format!("The request {id} waits for an answer until {until}.");
                findings.push(finding(Unusual::GrantWaiting, grant, says));
            }
            _ => {}
        }
        if left.contains(id) {
            let says = format!("The grant {id} is over, and its key was not destroyed yet.");
            findings.push(finding(Unusual::KeyNotDestroyed, grant, says));
        }
    }
    for grant in facts.grants.unreviewed() {
        let due = grant.review().map(|review| review.due);
        let says = match due {
            Some(due) if due <= now => format!("Nobody has reviewed the emergency access {}, due {due}.", grant.id()),
            Some(due) => format!("The emergency access {} is to be reviewed by {due}.", grant.id()),
            None => continue,
        };
        findings.push(finding(Unusual::EmergencyUnreviewed, grant, says));
    }
    findings.extend(facts.grants.oddities().iter().map(|oddity| Finding {
        what: Unusual::GrantOdd,
        user: None,
        client: None,
        entries: vec![oddity.seq],
        says: format!("Entry {} changed nothing: {}.", oddity.seq, oddity.error),
    }));
    findings
}

fn of_accounts(facts: &Facts<'_>, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for person in facts.people.iter().filter(|person| person.ends.is_none_or(|ends| facts.now < ends)) {
        let finding = |what, says: String| Finding {
            what,
            user: Some(person.user.clone()),
            client: None,
            entries: Vec::new(),
            says,
        };
        if !person.factor {
            let says = match person.factor_required {
                true => "Has no second factor, which the role needs.",
                false => "Has no second factor; the practice does not ask this role for one.",
            };
            findings.push(finding(Unusual::NoFactor, says.to_owned()));
        }
        let last = person.last_seen.unwrap_or(person.since);
        if facts.now.millis().saturating_sub(last.millis()) > i64::from(rules.idle_days) * DAY_MS {
            let says = match person.last_seen {
                Some(seen) => format!("Has not signed in since {}.", seen.date()),
                None => format!("Never signed in since the account was made on {}.", person.since.date()),
            };
            findings.push(finding(Unusual::IdleAccount, says));
        }
    }
    findings
}

/// Parts of names that are not the name.
const PARTICLES: &[&str] = &[
    "al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "ibn", "jr", "la",
    "le", "los", "san", "sr", "st", "ten", "ter", "van", "von", "y",
];

/// The words of a family name by which families are told: small letters without accents, a double name's both.
fn words(name: &str) -> BTreeSet<String> {
    name.split(|c: char| c.is_whitespace() || c == '-' || c == '–')
        .map(|word| {
            let plain = word.nfd().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
            plain.filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect::<String>()
        })
        .filter(|word| word.chars().count() >= 2 && !PARTICLES.contains(&word.as_str()))
        .collect()
}

#[cfg(test)]
mod tests;
