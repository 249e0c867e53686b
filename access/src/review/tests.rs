use provenote_schemas::{Class, GrantId};

use super::*;
use crate::grants::{GrantEvent, Limits, Scope, ScopeOf};

fn user(number: u8) -> UserId {
    UserId::from_random([number; 10])
}

fn client(number: u8) -> ClientId {
    ClientId::from_random([number; 10])
}

fn at(hours: i64) -> Time {
    Time::from_millis(1_800_000_000_000 + hours * HOUR_MS)
}

fn reading(seq: u64, who: u8, whose: u8) -> Reading {
    Reading { seq, time: at(0), day: 1, hour: 10, weekday: 2, user: user(who), client: client(whose) }
}

fn met(who: u8, whose: u8) -> Met {
    Met { client: client(whose), clinician: user(who), time: at(24) }
}

fn person(number: u8, role: Role, family_name: &str) -> Person {
    Person {
        user: user(number),
        role,
        family_name: Some(family_name.to_owned()),
        factor: true,
        factor_required: true,
        last_seen: Some(at(0)),
        since: at(-9000),
        ends: None,
    }
}

struct World {
    readings: Vec<Reading>,
    met: Vec<Met>,
    people: Vec<Person>,
    families: BTreeMap<ClientId, Vec<String>>,
    grants: Grants,
}

impl World {
    /// One clinician who read the record of a client whom they met.
    fn usual() -> Self {
        Self {
            readings: vec![reading(7, 1, 1)],
            met: vec![met(1, 1)],
            people: vec![person(1, Role::Clinician, "Whitfield")],
            families: BTreeMap::from([(client(1), vec!["Okafor".to_owned()])]),
            grants: Grants::new(),
        }
    }

    fn review(&self) -> Findings {
        let facts = Facts {
            readings: &self.readings,
            met: &self.met,
            people: &self.people,
            families: &self.families,
            grants: &self.grants,
            now: at(1),
        };
        review(&facts, &Rules::default())
    }

    fn found(&self) -> Vec<(Unusual, Vec<u64>)> {
        self.review().findings.into_iter().map(|finding| (finding.what, finding.entries)).collect()
    }
}

#[test]
fn usual_work_is_no_finding() {
    assert_eq!(World::usual().review(), Findings { findings: Vec::new(), not_looked_at: Vec::new() });
}

#[test]
fn the_own_family_name_is_found_however_it_is_written() {
    for (own, theirs, same) in [
        ("Okafor", "okafor", true),
        ("García", "Garcia Lopez", true),
        ("Smith-Jones", "Jones", true),
        ("van der Berg", "van der Meer", false),
        ("de la Cruz", "Cruz", true),
        ("Li", "Liu", false),
    ] {
        let mut world = World::usual();
        world.people = vec![person(1, Role::Clinician, own)];
        world.families = BTreeMap::from([(client(1), vec![theirs.to_owned()])]);
        assert_eq!(world.found().contains(&(Unusual::OwnFamilyName, vec![7])), same, "{own} and {theirs}");
    }
}

#[test]
fn who_cannot_open_names_is_told_what_was_not_looked_at() {
    let mut world = World::usual();
    world.families.clear();
    assert_eq!(world.review().not_looked_at.len(), 1);
}

#[test]
fn a_record_without_a_session_is_found() {
    let mut world = World::usual();
    world.met = vec![met(2, 1)];
    assert_eq!(world.found(), [(Unusual::NoSession, vec![7])], "somebody else's session is no reason to read");
    world.people = vec![person(1, Role::Biller, "Whitfield")];
    assert_eq!(world.found(), [], "for a biller it is");
    world.met = vec![Met { time: at(31 * 24), ..met(1, 1) }];
    assert_eq!(world.found(), [(Unusual::NoSession, vec![7])]);
}

#[test]
fn nights_and_weekends_are_found() {
    for (hour, weekday, odd) in [(6, 2, true), (7, 2, false), (20, 5, false), (21, 5, true), (10, 6, true)] {
        let mut world = World::usual();
        world.readings = vec![Reading { hour, weekday, ..reading(7, 1, 1) }];
        assert_eq!(world.found().contains(&(Unusual::OddHours, vec![7])), odd, "{hour} o'clock on day {weekday}");
    }
}

#[test]
fn many_records_in_a_day_are_found_by_what_is_usual_for_the_user() {
    let mut world = World::usual();
    let on_day = |day: i64, clients: u8| {
        (0..clients).map(move |number| Reading { day, ..reading(u64::from(number), 1, number) }).collect::<Vec<_>>()
    };
    world.met = (0..200).map(|number| met(1, number)).collect();
    world.readings = on_day(1, 20);
    assert_eq!(world.found(), []);
    world.readings = on_day(1, 21);
    assert_eq!(world.found(), [(Unusual::Bulk, (0..21).collect())]);
    // Whoever opens fifteen a day, as the front desk does, may open forty-five.
    world.readings = (2..9).flat_map(|day| on_day(day, 15)).chain(on_day(1, 45)).collect();
    assert_eq!(world.found(), []);
    world.readings.extend(on_day(20, 46));
    assert_eq!(world.found().len(), 1);
}

#[test]
fn a_reader_without_an_account_is_found() {
    let mut world = World::usual();
    world.people[0].ends = Some(at(0));
    assert_eq!(world.found(), [(Unusual::NoAccount, vec![7])]);
}

#[test]
fn accounts_without_a_factor_or_a_user_are_found() {
    let mut world = World::usual();
    world.people[0].factor = false;
    world.people[0].last_seen = Some(at(-91 * 24));
    assert_eq!(world.found(), [(Unusual::NoFactor, vec![]), (Unusual::IdleAccount, vec![])]);
    // An account that is over needs neither.
    world.people[0].ends = Some(at(1));
    assert_eq!(world.found(), []);
}

#[test]
fn grants_that_stand_open_are_found() {
    let mut world = World::usual();
    let scope = Scope { class: Class::Clinical, of: ScopeOf::Client(client(1)) };
    let grant = |number: u8| GrantId::from_random([number; 10]);
    let requested = |number, hours: i64| GrantEvent::Requested {
        grant: grant(number),
        requester: user(1),
        scope: scope.clone(),
        duration_ms: hours * HOUR_MS,
        authority: None,
    };
    let taken = GrantEvent::Taken {
        grant: grant(3),
        requester: user(1),
        scope: scope.clone(),
        duration_ms: HOUR_MS,
        authority: None,
    };
    for (seq, event) in (1..).zip([
        requested(1, 20),
        GrantEvent::Approved { grant: grant(1), by: user(2) },
        requested(2, 2),
        taken,
        GrantEvent::Approved { grant: grant(2), by: user(1) },
    ]) {
        world.grants.apply(seq, at(0), &Limits::default(), &event);
    }
    // An hour later, when the emergency access is over.
    assert_eq!(
        world.found(),
        [
            (Unusual::GrantOpen, vec![]),
            (Unusual::GrantWaiting, vec![]),
            (Unusual::KeyNotDestroyed, vec![]),
            (Unusual::EmergencyUnreviewed, vec![]),
            (Unusual::GrantOdd, vec![5]),
        ]
    );
    assert!(world.review().findings.iter().all(|finding| finding.says.ends_with('.')));
}
