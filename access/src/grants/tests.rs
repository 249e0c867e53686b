use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::resource::OfClient;

fn user(number: u8) -> UserId {
    UserId::from_random([number; 10])
}

fn grant(number: u8) -> GrantId {
    GrantId::from_random([number; 10])
}

fn client(number: u8) -> ClientId {
    ClientId::from_random([number; 10])
}

fn at(minutes: i64) -> Time {
    Time::from_millis(1_800_000_000_000 + minutes * MINUTE)
}

fn clinical() -> Scope {
    Scope { class: Class::Clinical, of: ScopeOf::Client(client(1)) }
}

fn requested(number: u8, by: u8, minutes: i64) -> GrantEvent {
    GrantEvent::Requested {
        grant: grant(number),
        requester: user(by),
        scope: clinical(),
        duration_ms: minutes * MINUTE,
        authority: None,
    }
}

fn taken(number: u8, by: u8, minutes: i64) -> GrantEvent {
    GrantEvent::Taken {
        grant: grant(number),
        requester: user(by),
        scope: clinical(),
        duration_ms: minutes * MINUTE,
        authority: None,
    }
}

fn approved(number: u8, by: u8) -> GrantEvent {
    GrantEvent::Approved { grant: grant(number), by: user(by) }
}

fn folded(events: &[(i64, GrantEvent)]) -> Grants {
    let mut grants = Grants::new();
    for (seq, (minute, event)) in (0..).zip(events) {
        grants.apply(seq, at(*minute), &Limits::default(), event);
    }
    grants
}

#[test]
fn approved_access_opens_until_its_end_and_not_a_moment_longer() {
    let grants = folded(&[(0, requested(1, 1, 60)), (10, approved(1, 2))]);
    assert_eq!(grants.oddities(), []);
    assert_eq!(grants.in_force(&user(1), at(69)).len(), 1);
    assert_eq!(grants.in_force(&user(2), at(69)), [], "it is the requester's, not the approver's");
    assert_eq!(grants.in_force(&user(1), at(70)), []);
    assert_eq!(grants.to_destroy(at(69)), Vec::<&GrantId>::new());
    assert_eq!(grants.to_destroy(at(70)), [&grant(1)]);
}

#[test]
fn nobody_approves_their_own() {
    let grants = folded(&[(0, requested(1, 1, 60)), (1, approved(1, 1))]);
    assert_eq!(grants.oddities(), [Oddity { seq: 1, error: GrantError::Own(grant(1)) }]);
    assert_eq!(grants.in_force(&user(1), at(2)), []);
    let grants = folded(&[(0, taken(1, 1, 60)), (1, GrantEvent::Reviewed { grant: grant(1), by: user(1) })]);
    assert_eq!(grants.unreviewed().len(), 1);
}

#[test]
fn a_clock_set_back_revives_nothing() {
    let mut grants = folded(&[(0, requested(1, 1, 60)), (0, approved(1, 2))]);
    assert_eq!(grants.in_force(&user(1), at(59)).len(), 1);
    grants.observe(at(60));
    assert_eq!(grants.in_force(&user(1), at(-1000)), [], "an entry has passed the end");
    grants.apply(9, at(-1000), &Limits::default(), &approved(1, 3));
    assert_eq!(grants.in_force(&user(1), at(-1000)), []);
    assert_eq!(grants.get(&grant(1)).map(Grant::state), Some(&State::Ended { at: at(60) }));
}

#[test]
fn a_request_lapses_and_a_denial_and_a_revocation_hold() {
    let two_days = 2 * 24 * 60;
    let grants = folded(&[(0, requested(1, 1, 60)), (two_days, approved(1, 2))]);
    assert_eq!(grants.get(&grant(1)).map(Grant::state), Some(&State::Lapsed));
    let denied = GrantEvent::Denied { grant: grant(1), by: user(2) };
    let grants = folded(&[(0, requested(1, 1, 60)), (1, denied), (2, approved(1, 3))]);
    assert_eq!(grants.in_force(&user(1), at(3)), []);
    let revoked = GrantEvent::Revoked { grant: grant(1), by: user(3) };
    let grants = folded(&[(0, requested(1, 1, 60)), (1, approved(1, 2)), (2, revoked), (3, approved(1, 2))]);
    assert_eq!(grants.in_force(&user(1), at(4)), []);
    assert_eq!(grants.to_destroy(at(4)), [&grant(1)]);
    assert_eq!(grants.oddities().len(), 1);
}

#[test]
fn emergency_access_opens_at_once_and_waits_for_review() {
    let grants = folded(&[(0, taken(1, 1, 60))]);
    assert!(grants.in_force(&user(1), at(1)).iter().all(|access| access.emergency));
    assert_eq!(grants.in_force(&user(1), at(1)).len(), 1);
    assert_eq!(grants.in_force(&user(1), at(60)), []);
    assert_eq!(grants.unreviewed().len(), 1, "ended, and still to be reviewed");
    let grants = folded(&[(0, taken(1, 1, 60)), (90, GrantEvent::Reviewed { grant: grant(1), by: user(2) })]);
    assert_eq!(grants.unreviewed(), Vec::<&Grant>::new());
}

#[test]
fn what_is_asked_is_checked_before_it_is_written() {
    let grants = Grants::new();
    let check = |event| grants.check(at(0), &Limits::default(), &event);
    assert_eq!(check(requested(1, 1, 24 * 60)), Ok(()));
    assert_eq!(check(requested(1, 1, 24 * 60 + 1)), Err(GrantError::TooLong { longest_minutes: 24 * 60 }));
    assert_eq!(check(taken(1, 1, 4 * 60 + 1)), Err(GrantError::TooLong { longest_minutes: 4 * 60 }));
    assert_eq!(check(requested(1, 1, 0)), Err(GrantError::TooShort));
    assert_eq!(check(approved(1, 2)), Err(GrantError::NotFound(grant(1))));
    let apart = |authority| GrantEvent::Requested {
        grant: grant(1),
        requester: user(1),
        scope: Scope { class: Class::PsychotherapyNotes, of: ScopeOf::Client(client(1)) },
        duration_ms: MINUTE,
        authority,
    };
    assert_eq!(check(apart(None)), Err(GrantError::NeedsAuthority));
    assert_eq!(check(apart(Some(Authority::ClientAuthorization))), Ok(()));
    assert_eq!(Limits::new(i64::MAX, i64::MAX, 0, -1).longest_ms(false), Limits::HARDEST.longest_ms(false));
    assert_eq!(Reason::parse("  because  "), Err(GrantError::NoReason));
    assert!(Reason::parse("covers for a colleague who is ill").is_ok());
}

#[test]
fn an_entry_that_asks_for_more_than_the_hardest_limit_opens_nothing() {
    let grants = folded(&[(0, taken(1, 1, 25 * 60)), (0, requested(2, 1, 8 * 24 * 60)), (1, approved(2, 2))]);
    assert_eq!(grants.in_force(&user(1), at(2)), []);
    assert_eq!(grants.oddities().len(), 3);
}

#[test]
fn a_user_who_leaves_keeps_nothing() {
    let grants = folded(&[(0, taken(1, 1, 60)), (0, requested(2, 1, 60)), (1, GrantEvent::UserGone { user: user(1) })]);
    assert_eq!(grants.in_force(&user(1), at(2)), []);
    assert!(grants.all().all(|grant| matches!(grant.state(), State::Revoked { .. })));
}

#[test]
fn a_scope_covers_what_it_names_and_no_other_class() {
    let session = SessionId::from_random([7; 10]);
    let note = NoteId::from_random([8; 10]);
    let of = |class| {
        let of = OfClient::note(&note, class, &client(1), Some(&session), BTreeSet::new(), None);
        Resource::OfClient(of.expect("a class of notes"))
    };
    let covers = |of_what: ScopeOf, class| Scope { class: Class::Clinical, of: of_what }.covers(&of(class));
    assert!(covers(ScopeOf::EveryClient, Class::Clinical));
    assert!(covers(ScopeOf::Client(client(1)), Class::Clinical));
    assert!(covers(ScopeOf::Session(client(1), session.clone()), Class::Clinical));
    assert!(covers(ScopeOf::Note(client(1), note.clone()), Class::Clinical));
    assert!(!covers(ScopeOf::EveryClient, Class::PsychotherapyNotes));
    assert!(!covers(ScopeOf::Client(client(2)), Class::Clinical));
    assert!(!covers(ScopeOf::Session(client(2), session.clone()), Class::Clinical));
    assert!(!covers(ScopeOf::Note(client(1), NoteId::from_random([9; 10])), Class::Clinical));
}

/// Any event about one of three grants by one of three users.
fn any_event() -> impl Strategy<Value = GrantEvent> {
    (0..8_u8, 1..4_u8, 1..4_u8, -5..2000_i64).prop_map(|(what, number, by, minutes)| match what {
        0 => requested(number, by, minutes),
        1 => taken(number, by, minutes),
        2 | 3 => approved(number, by),
        4 => GrantEvent::Denied { grant: grant(number), by: user(by) },
        5 => GrantEvent::Revoked { grant: grant(number), by: user(by) },
        6 => GrantEvent::Reviewed { grant: grant(number), by: user(by) },
        _ => GrantEvent::Destroyed { grant: grant(number) },
    })
}

proptest! {
    /// Whatever happens in whatever order, with a clock that jumps: once any entry's time has reached the end of a
    /// grant, it never opens anything again.
    #[test]
    fn no_sequence_leaves_access_after_its_end(
        events in proptest::collection::vec((-3000..6000_i64, any_event()), 1..40),
        asked in proptest::collection::vec(-4000..9000_i64, 1..4),
    ) {
        let mut grants = Grants::new();
        let mut ends: BTreeMap<GrantId, Time> = BTreeMap::new();
        let mut latest = i64::MIN;
        for (seq, (minute, event)) in (0..).zip(&events) {
            grants.apply(seq, at(*minute), &Limits::default(), event);
            latest = latest.max(*minute);
            for found in grants.all() {
                if let State::InForce { until, .. } = found.state() {
                    let first = ends.entry(found.id().clone()).or_insert(*until);
                    prop_assert_eq!(*first, *until, "an end never moves");
                }
            }
            for number in 1..4 {
                for now in asked.iter().map(|minute| at(*minute)).chain([at(*minute), at(-100_000)]) {
                    for access in grants.in_force(&user(number), now) {
                        prop_assert!(now < access.until && at(latest) < access.until);
                        prop_assert!(access.until.millis() - at(latest).millis() <= Limits::HARDEST.longest_ms(false));
                        prop_assert_eq!(Some(&access.until), ends.get(&access.grant));
                    }
                }
            }
        }
    }

    /// Access that opens something was taken in an emergency or approved by somebody else, and anybody can end it.
    #[test]
    fn access_in_force_has_another_behind_it(events in proptest::collection::vec((0..600_i64, any_event()), 1..40)) {
        let grants = folded(&events);
        for number in 1..4 {
            for access in grants.in_force(&user(number), at(0)) {
                let found = grants.get(&access.grant).expect("it was just named");
                let State::InForce { approver, .. } = found.state() else {
                    return Err(TestCaseError::fail("opens something without being in force"));
                };
                prop_assert_eq!(approver.is_none(), found.review().is_some());
                prop_assert!(approver.as_ref() != Some(found.requester()));
                let mut grants = grants.clone();
                let revoked = GrantEvent::Revoked { grant: access.grant.clone(), by: user(9) };
                grants.apply(u64::MAX, at(0), &Limits::default(), &revoked);
                prop_assert!(grants.in_force(&user(number), at(0)).iter().all(|left| left.grant != access.grant));
            }
        }
    }

    /// Time alone takes away and never gives.
    #[test]
    fn later_is_never_more(events in proptest::collection::vec((0..600_i64, any_event()), 1..30), early in 0..900_i64, later in 0..900_i64) {
        let grants = folded(&events);
        let (first, then) = (at(early.min(later)), at(early.max(later)));
        for number in 1..4 {
            let before: BTreeSet<GrantId> = grants.in_force(&user(number), first).into_iter().map(|one| one.grant).collect();
            prop_assert!(grants.in_force(&user(number), then).iter().all(|one| before.contains(&one.grant)));
        }
    }
}
