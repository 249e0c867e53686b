use super::*;
use crate::acts::ConsentEvent;
use crate::gate::{Decision, decide};
use crate::policy::Guardians;
use crate::samples::{MADE, person};
use crate::signing::INTENT;
use std::sync::LazyLock;

use proptest::prelude::*;
use provenote_schemas::consent::{
    ConsentForm, Discussion, Evidence, Grant, Promise, Refusal, Signature, Verbal, Withdrawal,
};
use provenote_schemas::disclosure::{Isolation, VendorFact};

const DAY: i64 = 86_400_000;

/// A state whose law on AI was read and does not ask for writing.
const TERMS: Terms = Terms { majority: 18, own_consent_age: None, writing: false };

fn at(day: i64) -> Time {
    Time::from_millis(MADE.millis() + day * DAY)
}

/// Judges events for people who are all present.
fn asked(
    people: &[Participant],
    events: &[ConsentEvent],
    purposes: &[Purpose],
    today: &DisclosureFacts,
    now: Time,
    policy: &Policy,
) -> Standing {
    let everybody: Vec<ParticipantId> = people.iter().map(|one| one.id.clone()).collect();
    let room = Room { people, client_born: None, present: Some(&everybody) };
    let question = Question { room, purposes, terms: TERMS, policy };
    standing(&question, &Record::of(events), &Today::new(today, now, &FactsBook::of(events)))
}

fn judged(
    people: &[Participant],
    events: &[ConsentEvent],
    purpose: Purpose,
    today: &DisclosureFacts,
    now: Time,
) -> Standing {
    asked(people, events, &[purpose], today, now, &Policy::default())
}

fn gate_at(
    people: &[Participant],
    events: &[ConsentEvent],
    purpose: Purpose,
    today: &DisclosureFacts,
    now: Time,
) -> Decision {
    decide(&judged(people, events, purpose, today, now))
}

fn no(person: &Participant, day: i64) -> ConsentEvent {
    ConsentEvent::Declined(Refusal {
        participant: person.id.clone(),
        purposes: BTreeSet::new(),
        no_dictation: false,
        time: at(day),
    })
}

fn back(person: &Participant, day: i64) -> ConsentEvent {
    ConsentEvent::Revoked(Withdrawal { participant: person.id.clone(), purposes: BTreeSet::new(), time: at(day) })
}

fn talk(person: &Participant, day: i64) -> ConsentEvent {
    ConsentEvent::Discussed(Discussion {
        participant: person.id.clone(),
        consent: None,
        by: None,
        summary: String::new(),
        questions: Vec::new(),
        time: at(day),
    })
}

fn spoken(form: &ConsentForm, person: &Participant, day: i64) -> ConsentEvent {
    ConsentEvent::Spoken(Verbal {
        consent: form.consent.clone(),
        participant: person.id.clone(),
        text_sha256: form.text_sha256,
        disclosure_digest: form.disclosure_digest,
        by: "usr-0123456789abcdef".to_owned(),
        summary: "Read aloud; said yes.".to_owned(),
        time: at(day),
    })
}

struct Case {
    people: Vec<Participant>,
    form: ConsentForm,
    events: Vec<ConsentEvent>,
}

fn form(number: u8, people: &[Participant]) -> ConsentForm {
    let facts = facts();
    let text = format!("Form {number}.\n");
    ConsentForm {
        consent: ConsentId::from_random([number; 10]),
        client: provenote_schemas::ClientId::from_random([2; 10]),
        template: "ai-notes@1".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes],
        participants: people.to_vec(),
        text_sha256: Digest::of(text.as_bytes()),
        text,
        disclosure_digest: disclosure_digest(&facts),
        facts,
        made: MADE,
        expires: MADE.plus_days(365),
        amends: None,
        promise: Promise::AnyChange,
    }
}

fn grant(form: &ConsentForm, person: &Participant, day: i64) -> Grant {
    Grant {
        consent: form.consent.clone(),
        participant: person.id.clone(),
        text_sha256: form.text_sha256,
        disclosure_digest: form.disclosure_digest,
        intent: INTENT.to_owned(),
        signature: Signature::Typed { name: person.name.clone() },
        time: at(day),
        evidence: Evidence::default(),
    }
}

fn case(people: Vec<Participant>) -> Case {
    let form = form(1, &people);
    Case { events: vec![ConsentEvent::Requested(form.clone())], form, people }
}

fn couple() -> Case {
    case(vec![person(3, "Maria Gómez", ParticipantRole::Client), person(4, "Sam Lee", ParticipantRole::Participant)])
}

impl Case {
    fn signs(&mut self, who: usize, day: i64) -> &mut Self {
        self.events.push(ConsentEvent::Granted(grant(&self.form, &self.people[who], day)));
        self
    }

    fn revokes(&mut self, who: usize, day: i64) -> &mut Self {
        self.events.push(back(&self.people[who], day));
        self
    }

    fn declines(&mut self, who: usize, day: i64) -> &mut Self {
        self.events.push(no(&self.people[who], day));
        self
    }

    fn standing(&self, day: i64) -> Standing {
        judged(&self.people, &self.events, Purpose::AiNotes, &self.form.facts, at(day))
    }

    fn status(&self, day: i64) -> Status {
        let found = self.standing(day);
        let decision = gate_at(&self.people, &self.events, Purpose::AiNotes, &self.form.facts, at(day));
        assert_eq!(decision.is_open(), found.status == Status::InForce);
        assert_eq!(found.reasons.is_empty(), found.status == Status::InForce);
        for person in &self.people {
            assert!(!found.reasons.iter().any(|reason| reason.contains(&person.name)), "a reason holds a name");
        }
        found.status
    }
}

#[test]
fn everybody_signs_and_the_gate_opens_naming_the_form() {
    let mut c = couple();
    assert_eq!(c.status(0), Status::Missing);
    c.signs(0, 1);
    assert_eq!(c.status(1), Status::Incomplete);
    assert_eq!(c.standing(1).people[1].status, Status::Missing);
    c.signs(1, 1);
    assert_eq!(c.status(2), Status::InForce);
    assert_eq!(c.standing(2).until, Some(c.form.expires));
    let decision = gate_at(&c.people, &c.events, Purpose::AiNotes, &c.form.facts, at(2));
    assert_eq!(decision, Decision::Open { consents: vec![c.form.consent.clone()] });
}

#[test]
fn nothing_is_closed() {
    let facts = &couple().form.facts;
    assert!(!gate_at(&[], &[], Purpose::AiNotes, facts, MADE).is_open());
    let mut c = case(vec![person(3, "A", ParticipantRole::Client)]);
    c.signs(0, 1);
    // Everybody signed, but the client is not among those who take part now.
    let guardian = [Participant { role: ParticipantRole::Guardian, ..c.people[0].clone() }];
    assert!(!gate_at(&guardian, &c.events, Purpose::AiNotes, facts, at(1)).is_open());
    assert_eq!(judged(&[], &c.events, Purpose::AiNotes, facts, at(1)).status, Status::Missing);
}

#[test]
fn one_refusal_or_withdrawal_closes_it_and_a_new_signature_opens_it() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1).revokes(1, 2);
    assert_eq!(c.status(2), Status::Revoked);
    assert!(c.standing(2).reasons[0].contains("took the consent back on 2026-11-23"));
    c.signs(1, 3);
    assert_eq!(c.status(3), Status::InForce);
    c.declines(0, 4);
    assert_eq!(c.status(4), Status::Declined);
    c.revokes(1, 5);
    assert_eq!(c.status(5), Status::Revoked, "a withdrawal is told before a refusal");
}

#[test]
fn an_old_signature_played_again_undoes_nothing() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1).revokes(0, 2).signs(0, 1);
    assert_eq!(c.status(3), Status::Revoked);
    assert!(c.standing(3).reasons.iter().any(|reason| reason.contains("older than the refusal or withdrawal")));
}

#[test]
fn a_consent_ends_on_its_day() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    assert_eq!(c.status(364), Status::InForce);
    assert_eq!(c.status(365), Status::Expired);
    assert!(c.standing(365).reasons[0].contains("ended on 2027-11-21"));
}

#[test]
fn a_person_who_joins_makes_it_stale() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    c.people.push(person(5, "Third Person", ParticipantRole::Participant));
    assert_eq!(c.status(2), Status::Stale);
    assert!(c.standing(2).reasons.iter().any(|reason| reason.contains("somebody has joined")));
    // A role that changed is a person the form does not name as such.
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    c.people[1].role = ParticipantRole::Guardian;
    assert_eq!(c.status(2), Status::Stale);
    // Somebody who leaves does not.
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    c.people.pop();
    assert_eq!(c.status(2), Status::InForce);
}

#[test]
fn a_signature_that_is_not_for_this_text_counts_for_nothing() {
    let mut c = couple();
    c.signs(1, 1);
    let good = grant(&c.form, &c.people[0], 1);
    let other = Digest::of(b"another text");
    let stranger = form(9, &c.people);
    for (bad, why) in [
        (Grant { text_sha256: other, ..good.clone() }, "not the text"),
        (Grant { disclosure_digest: other, ..good.clone() }, "not what the form told"),
        (Grant { intent: " ".to_owned(), ..good.clone() }, "statement of intent"),
        (Grant { consent: stranger.consent.clone(), ..good.clone() }, "not on record"),
    ] {
        let mut events = c.events.clone();
        events.push(ConsentEvent::Granted(bad));
        let found = judged(&c.people, &events, Purpose::AiNotes, &c.form.facts, at(2));
        assert_eq!(found.status, Status::Incomplete, "{why}");
        assert!(found.reasons.iter().any(|reason| reason.contains(why)), "{why}: {:?}", found.reasons);
    }
    // A form altered after it was made: the text no longer fits its digest, or the facts theirs.
    for alter in [
        (|form: &mut ConsentForm| form.text.push('x')) as fn(&mut ConsentForm),
        |form| form.facts.retention.audio_days += 1,
        |form| {
            form.participants.remove(0);
        },
        |form| form.purposes.clear(),
    ] {
        let mut altered = c.form.clone();
        alter(&mut altered);
        let events =
            [ConsentEvent::Requested(altered.clone()), ConsentEvent::Granted(good.clone()), c.events[1].clone()];
        assert!(!gate_at(&c.people, &events, Purpose::AiNotes, &altered.facts, at(2)).is_open());
    }
    // A signature recorded before the form is none.
    let events = [ConsentEvent::Granted(good.clone()), c.events[1].clone(), c.events[0].clone()];
    assert!(!gate_at(&c.people, &events, Purpose::AiNotes, &c.form.facts, at(2)).is_open());
}

#[test]
fn talking_it_through_opens_nothing() {
    let mut c = couple();
    c.events.push(talk(&c.people[0], 1));
    assert_eq!(c.status(1), Status::Missing);
}

#[test]
fn stale_is_told_before_expired_and_the_newest_signature_counts() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    let mut today = c.form.facts.clone();
    today.retention.audio_days = 30;
    let found = judged(&c.people, &c.events, Purpose::AiNotes, &today, at(400));
    assert_eq!(found.status, Status::Stale);
    assert!(found.reasons.iter().any(|reason| reason.contains("ended on")));
    // A newer form told other facts: going back to the old facts does not bring the old consent back.
    let mut newer = form(2, &c.people);
    newer.facts = today.clone();
    newer.disclosure_digest = disclosure_digest(&today);
    c.events.push(ConsentEvent::Requested(newer.clone()));
    assert_eq!(c.status(2), Status::InForce, "a form nobody signed changes nothing");
    for who in 0..2 {
        c.events.push(ConsentEvent::Granted(grant(&newer, &c.people[who], 3)));
    }
    assert_eq!(judged(&c.people, &c.events, Purpose::AiNotes, &today, at(4)).status, Status::InForce);
    assert_eq!(c.status(4), Status::Stale);
}

#[test]
fn statuses_and_events_have_the_words_of_the_command_line() {
    let all = [
        Status::InForce,
        Status::Missing,
        Status::Declined,
        Status::Revoked,
        Status::Stale,
        Status::Expired,
        Status::Incomplete,
    ];
    let words: Vec<String> = all.iter().map(|status| serde_json::to_string(status).expect("JSON")).collect();
    assert_eq!(words.join(","), r#""in_force","missing","declined","revoked","stale","expired","incomplete""#);
    assert!(all.iter().zip(&words).all(|(status, word)| format!("\"{status}\"") == *word));
    let mut c = couple();
    c.signs(0, 1).revokes(0, 2).declines(1, 2);
    for event in &c.events {
        let text = serde_json::to_string(event).expect("JSON");
        assert_eq!(serde_json::from_str::<ConsentEvent>(&text).expect("and back"), *event);
    }
}

/// What may happen, in any order: who, what, on which day; two forms, one of them altered.
fn anything(people: usize) -> impl Strategy<Value = Vec<(usize, u8, i64)>> {
    prop::collection::vec((0..people, 0_u8..10, 0_i64..12), 0..40)
}

fn played(
    script: &[(usize, u8, i64)],
    people: &[Participant],
    good: &ConsentForm,
    bad: &ConsentForm,
) -> Vec<ConsentEvent> {
    script
        .iter()
        .map(|(who, what, day)| {
            let person = &people[*who];
            match what {
                0 => ConsentEvent::Requested(good.clone()),
                1 => ConsentEvent::Requested(bad.clone()),
                2..=4 => ConsentEvent::Granted(grant(good, &people[*who], *day)),
                5 => ConsentEvent::Granted(grant(bad, &people[*who], *day)),
                6 => back(person, *day),
                7 => no(person, *day),
                8 => talk(person, *day),
                _ => spoken(good, person, *day),
            }
        })
        .collect()
}

/// The rule said again, another way: for this person there is a signature under the good form,
/// after the form, with no refusal or withdrawal of theirs at a later place or a later time.
fn may_open(events: &[ConsentEvent], person: &Participant, good: &ConsentForm) -> bool {
    let requested =
        events.iter().position(|event| matches!(event, ConsentEvent::Requested(form) if form.consent == good.consent));
    events.iter().enumerate().any(|(place, event)| {
        let ConsentEvent::Granted(grant) = event else { return false };
        grant.participant == person.id
            && grant.consent == good.consent
            && requested.is_some_and(|asked| asked < place)
            && events.iter().enumerate().all(|(other, no)| match no {
                ConsentEvent::Revoked(Withdrawal { participant, time, .. })
                | ConsentEvent::Declined(Refusal { participant, time, .. }) => {
                    *participant != person.id || (other < place && *time <= grant.time)
                }
                _ => true,
            })
    })
}

static ROOM: LazyLock<(Vec<Participant>, ConsentForm, ConsentForm)> = LazyLock::new(|| {
    let people = vec![
        person(3, "Maria Gómez", ParticipantRole::Client),
        person(4, "Sam Lee", ParticipantRole::Participant),
        person(5, "Rosa Gómez", ParticipantRole::Guardian),
    ];
    let (good, mut bad) = (form(1, &people), form(2, &people));
    bad.text.push_str("and something nobody was shown");
    (people, good, bad)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_acts_opens_the_gate_without_everybodys_signature(script in anything(3)) {
        let (people, good, bad) = &*ROOM;
        let events = played(&script, people, good, bad);
        let decision = gate_at(people, &events, Purpose::AiNotes, &good.facts, at(20));
        let expected = people.iter().all(|person| may_open(&events, person, good));
        prop_assert_eq!(decision.is_open(), expected);
        // Nothing opens it for other facts, after the end, or with one more person in the room.
        let mut other = good.facts.clone();
        other.retention.audio_days += 1;
        prop_assert!(!gate_at(people, &events, Purpose::AiNotes, &other, at(20)).is_open());
        prop_assert!(!gate_at(people, &events, Purpose::AiNotes, &good.facts, good.expires).is_open());
        let mut more = people.clone();
        more.push(person(6, "New Person", ParticipantRole::Participant));
        prop_assert!(!gate_at(&more, &events, Purpose::AiNotes, &good.facts, at(20)).is_open());
        // A withdrawal at the end closes it whatever was before; a signature after that by the same person alone can open it again.
        let mut closed = events.clone();
        closed.push(back(&people[1], 15));
        prop_assert!(!gate_at(people, &closed, Purpose::AiNotes, &good.facts, at(20)).is_open());
        closed.push(ConsentEvent::Granted(grant(good, &people[0], 16)));
        closed.push(ConsentEvent::Granted(grant(good, &people[2], 16)));
        prop_assert!(!gate_at(people, &closed, Purpose::AiNotes, &good.facts, at(20)).is_open());
    }

    #[test]
    fn every_order_ends_open_once_everybody_signs_again(script in anything(3)) {
        let (people, good, bad) = &*ROOM;
        let mut events = played(&script, people, good, bad);
        events.push(ConsentEvent::Requested(good.clone()));
        events.extend(people.iter().map(|person| ConsentEvent::Granted(grant(good, person, 15))));
        prop_assert!(gate_at(people, &events, Purpose::AiNotes, &good.facts, at(20)).is_open());
    }
}

/// A form for these purposes with a short text, of the facts given.
fn short(number: u8, people: &[Participant], purposes: &[Purpose], facts: &DisclosureFacts) -> ConsentForm {
    let mut form = form(number, people);
    form.purposes = purposes.to_vec();
    form.facts = facts.clone();
    form.disclosure_digest = disclosure_digest(facts);
    form
}

fn facts() -> DisclosureFacts {
    crate::samples::facts(crate::states::State::parse("TX").expect("a state"))
}

fn requested(form: &ConsentForm) -> ConsentEvent {
    ConsentEvent::Requested(form.clone())
}

fn signs(form: &ConsentForm, person: &Participant, day: i64) -> ConsentEvent {
    ConsentEvent::Granted(grant(form, person, day))
}

fn alone() -> Vec<Participant> {
    vec![person(3, "Maria Gómez", ParticipantRole::Client)]
}

#[test]
fn one_purpose_is_never_implied_by_another() {
    let people = alone();
    let facts = facts();
    let training = short(1, &people, &[Purpose::Training], &facts);
    let mut events = vec![requested(&training), signs(&training, &people[0], 1)];
    let found = judged(&people, &events, Purpose::AiNotes, &facts, at(2));
    assert_eq!(found.status, Status::Missing);
    assert!(
        found.reasons.iter().any(|reason| reason.contains("a form for another purpose was signed")),
        "{:?}",
        found.reasons
    );
    let both = [Purpose::AiNotes, Purpose::Training];
    let ask = |events: &[ConsentEvent]| asked(&people, events, &both, &facts, at(2), &Policy::default());
    let found = ask(&events);
    assert_eq!(found.status, Status::Incomplete);
    assert_eq!(found.purposes, [(Purpose::AiNotes, Status::Missing), (Purpose::Training, Status::InForce)]);
    assert!(found.reasons.iter().any(|reason| reason.contains("for recording and AI-assisted notes")));
    let notes = short(2, &people, &[Purpose::AiNotes], &facts);
    events.extend([requested(&notes), signs(&notes, &people[0], 1)]);
    let found = ask(&events);
    assert_eq!(found.status, Status::InForce);
    assert_eq!(found.people[0].consents, [training.consent.clone(), notes.consent.clone()]);
    assert_eq!(decide(&found), Decision::Open { consents: vec![training.consent.clone(), notes.consent] });
    // A withdrawal of one purpose leaves the other, and closes the session that needs both.
    events.push(ConsentEvent::Revoked(Withdrawal {
        participant: people[0].id.clone(),
        purposes: BTreeSet::from([Purpose::Training]),
        time: at(2),
    }));
    assert_eq!(ask(&events).status, Status::Revoked);
    assert_eq!(judged(&people, &events, Purpose::AiNotes, &facts, at(2)).status, Status::InForce);
    // A withdrawal as a whole reaches purposes nobody had signed for.
    events.push(back(&people[0], 3));
    for purpose in Purpose::ALL {
        assert_eq!(judged(&people, &events, *purpose, &facts, at(4)).status, Status::Revoked, "{purpose}");
    }
}

#[test]
fn a_spoken_yes_is_weaker() {
    let people = alone();
    let facts = facts();
    let form = short(1, &people, &[Purpose::AiNotes], &facts);
    let events = vec![requested(&form), spoken(&form, &people[0], 1)];
    let opens = Policy { spoken_opens: true, ..Policy::default() };
    let found = judged(&people, &events, Purpose::AiNotes, &facts, at(2));
    assert_eq!(found.status, Status::Missing);
    assert!(found.reasons.iter().any(|reason| reason.contains("by the practice's policy only a signature counts")));
    let found = asked(&people, &events, &[Purpose::AiNotes], &facts, at(2), &opens);
    assert_eq!((found.status, found.people[0].spoken), (Status::InForce, true));
    assert!(decide(&found).is_open());
    // Not where a law asks for writing, or none was verified that does not.
    let everybody = [people[0].id.clone()];
    let room = Room { people: &people, client_born: None, present: Some(&everybody) };
    let terms = Terms { writing: true, ..TERMS };
    let question = Question { room, purposes: &[Purpose::AiNotes], terms, policy: &opens };
    let found = standing(&question, &Record::of(&events), &Today::new(&facts, at(2), &FactsBook::of(&events)));
    assert_eq!(found.status, Status::Missing);
    assert!(
        found.reasons.iter().any(|reason| reason.contains("asks for writing, or it is not verified")),
        "{:?}",
        found.reasons
    );
    // After a refusal or withdrawal only a signature opens.
    for refused in [no(&people[0], 2), back(&people[0], 2)] {
        let mut later = events.clone();
        later.extend([refused, spoken(&form, &people[0], 3)]);
        let found = asked(&people, &later, &[Purpose::AiNotes], &facts, at(4), &opens);
        assert!(matches!(found.status, Status::Declined | Status::Revoked), "{found:?}");
        later.push(signs(&form, &people[0], 4));
        assert_eq!(asked(&people, &later, &[Purpose::AiNotes], &facts, at(5), &opens).status, Status::InForce);
    }
    // A yes to another text is none.
    let ConsentEvent::Spoken(mut verbal) = events[1].clone() else { panic!("spoken") };
    verbal.text_sha256 = Digest::of(b"another");
    let other = [events[0].clone(), ConsentEvent::Spoken(verbal)];
    assert_eq!(asked(&people, &other, &[Purpose::AiNotes], &facts, at(2), &opens).status, Status::Missing);
}

#[test]
fn what_weighs_nothing_leaves_it_in_force_and_what_weighs_ends_it() {
    let people = alone();
    let facts = facts();
    let mut form = short(1, &people, &[Purpose::AiNotes], &facts);
    for promise in [Promise::AnyChange, Promise::ForWorse] {
        form.promise = promise;
        let events = [requested(&form), signs(&form, &people[0], 1)];
        let status = |change: &dyn Fn(&mut DisclosureFacts)| {
            let mut today = facts.clone();
            change(&mut today);
            judged(&people, &events, Purpose::AiNotes, &today, at(2))
        };
        assert_eq!(status(&|f| f.retention.note_basis = "in other words".into()).status, Status::InForce);
        assert_eq!(status(&|f| f.speech.maker = "Open AI".into()).status, Status::InForce);
        let shorter = status(&|f| f.retention.audio_days = 1).status;
        assert_eq!(shorter, if promise == Promise::AnyChange { Status::Stale } else { Status::InForce });
        let longer = status(&|f| f.retention.audio_days = 30);
        assert_eq!(longer.status, Status::Stale);
        assert_eq!(longer.changes.len(), 1);
        assert_eq!(
            longer.next,
            [Step::Amend { participants: vec![people[0].id.clone()], consent: form.consent.clone() }]
        );
        assert!(longer.reasons[0].contains("recordings are kept for 30 days instead of 7"), "{:?}", longer.reasons);
        // Together, only what ends it is told as the reason.
        let mixed = status(&|f| {
            f.retention.note_basis = "in other words".into();
            f.isolation = Isolation::Overridden;
        });
        assert_eq!(mixed.status, Status::Stale);
        assert!(!mixed.reasons[0].contains("other words"), "{:?}", mixed.reasons);
    }
}

#[test]
fn an_amendment_needs_the_signature_it_amends() {
    let people =
        vec![person(3, "Maria Gómez", ParticipantRole::Client), person(4, "Sam Lee", ParticipantRole::Partner)];
    let old = facts();
    let mut new = old.clone();
    new.vendors.push(VendorFact {
        name: "Cloud Scribe, Inc.".to_owned(),
        does: "turns speech into text".to_owned(),
        place: Some("Ohio, United States".to_owned()),
        keeps_days: Some(30),
        trains: Some(false),
        passes_on_to: Vec::new(),
    });
    let base = short(1, &people, &[Purpose::AiNotes], &old);
    let mut short_form = short(2, &people, &[Purpose::AiNotes], &new);
    short_form.amends = Some(base.consent.clone());
    let signed =
        vec![requested(&base), signs(&base, &people[0], 1), signs(&base, &people[1], 1), requested(&short_form)];
    let status = |events: &[ConsentEvent], day| judged(&people, events, Purpose::AiNotes, &new, at(day)).status;
    assert_eq!(status(&signed, 2), Status::Stale);
    let everybody: Vec<ParticipantId> = people.iter().map(|one| one.id.clone()).collect();
    let next = |events: &[ConsentEvent]| judged(&people, events, Purpose::AiNotes, &new, at(2)).next;
    assert_eq!(next(&signed), [Step::Ask { participants: everybody.clone(), consent: short_form.consent.clone() }]);
    assert_eq!(next(&signed[..3]), [Step::Amend { participants: everybody, consent: base.consent.clone() }]);
    let told = crate::changes::amendment(&base, &new, &[people[0].id.clone()]).expect("changed");
    assert!(told.changes[0].words.contains("Cloud Scribe, Inc. gets sound or words too"), "{told:?}");
    let mut events = signed.clone();
    events.push(signs(&short_form, &people[0], 3));
    assert_eq!(status(&events, 3), Status::Stale, "one of two");
    events.push(signs(&short_form, &people[1], 3));
    assert_eq!(status(&events, 3), Status::InForce);
    // Nobody who did not sign the whole form can sign only what is new.
    let mut events = vec![requested(&base), requested(&short_form), signs(&base, &people[0], 1)];
    events.extend(people.iter().map(|one| signs(&short_form, one, 2)));
    let found = judged(&people, &events, Purpose::AiNotes, &new, at(3));
    assert_eq!(found.status, Status::Incomplete);
    assert!(
        found.reasons.iter().any(|reason| reason.contains("whose signature does not stand")),
        "{:?}",
        found.reasons
    );
    // Nor after taking the whole form back, nor by an amendment that asks for more or lasts longer.
    let mut events = signed.clone();
    events.extend([back(&people[1], 2), signs(&short_form, &people[0], 3), signs(&short_form, &people[1], 3)]);
    assert_eq!(status(&events, 3), Status::Revoked);
    for change in [
        (|form: &mut ConsentForm| form.purposes.push(Purpose::Training)) as fn(&mut ConsentForm),
        |form| form.expires = form.expires.plus_days(1),
        |form| form.text.push_str("Name: ____"),
    ] {
        let mut other = short_form.clone();
        change(&mut other);
        let mut events = vec![requested(&base), requested(&other)];
        events.extend(people.iter().flat_map(|one| [signs(&base, one, 1), signs(&other, one, 2)]));
        assert!(!decide(&judged(&people, &events, Purpose::AiNotes, &new, at(3))).is_open());
    }
}

#[test]
fn a_rendered_amendment_opens_it_again() {
    let mut ctx = crate::samples::adult("TX").expect("a state");
    let people = ctx.client.participants.clone();
    let whole = provenote_templates::bundled("ai-notes", "en").expect("bundled");
    let first = crate::form::render_form(whole, &ctx).expect("renders");
    let mut events = vec![requested(&first), signs(&first, &people[0], 1)];
    ctx.facts.retention.audio_days = 30;
    let new = ctx.facts.clone();
    assert_eq!(judged(&people, &events, Purpose::AiNotes, &new, at(2)).status, Status::Stale);
    ctx.consent = ConsentId::from_random([77; 10]);
    ctx.made = at(2);
    ctx.expires = at(700);
    ctx.particulars.amends = Some(Box::new(first));
    let template = provenote_templates::bundled("amendment", "en").expect("bundled");
    let amendment = crate::form::render_form(template, &ctx).expect("renders");
    events.extend([requested(&amendment), signs(&amendment, &people[0], 3)]);
    let found = judged(&people, &events, Purpose::AiNotes, &new, at(4));
    assert_eq!(found.status, Status::InForce, "{:?}", found.reasons);
    assert!(found.until.is_some_and(|until| until <= at(365)), "an amendment lasts no longer than what it amends");
}

#[test]
fn a_form_with_a_blank_opens_nothing_and_a_rendered_one_has_none() {
    let people = alone();
    let facts = facts();
    for blank in ["Name: ______", "Dear {{ name }}", "{% if x %}"] {
        let mut form = short(1, &people, &[Purpose::AiNotes], &facts);
        form.text.push_str(blank);
        form.text_sha256 = Digest::of(form.text.as_bytes());
        let events = [requested(&form), signs(&form, &people[0], 1)];
        let found = judged(&people, &events, Purpose::AiNotes, &facts, at(2));
        assert_eq!(found.status, Status::Missing);
        assert!(found.reasons.iter().any(|reason| reason.contains("a place left to fill in")), "{:?}", found.reasons);
    }
    // The first template is frozen, so that it can be rendered here with whatever the samples hold.
    let template = provenote_templates::bundled("ai-notes@1", "en").expect("bundled");
    let mut rendered = 0;
    for (what, ctx) in crate::samples::all().expect("samples") {
        // It tells nothing of companies or copies, and is refused where there are some.
        let Ok(form) = crate::form::render_form(template, &ctx) else { continue };
        assert_eq!(FormRecord::of(&form).flaw, None, "{what}");
        rendered += 1;
    }
    assert!(rendered >= 5, "{rendered}");
}

fn child(age: i64) -> Vec<Participant> {
    let mut people = vec![
        person(3, "Kim Lee", ParticipantRole::Client),
        person(4, "Mother Lee", ParticipantRole::Guardian),
        person(5, "Father Lee", ParticipantRole::Guardian),
    ];
    people[0].born = Some(format!("{}-11-30", 2026 - age));
    people
}

/// As [`asked`], but only the client is in the room.
fn of_child(people: &[Participant], events: &[ConsentEvent], now: Time, policy: &Policy) -> Standing {
    let present = [people[0].id.clone()];
    let room = Room { people, client_born: None, present: Some(&present) };
    let facts = facts();
    let terms = Terms { own_consent_age: Some(14), ..TERMS };
    let question = Question { room, purposes: &[Purpose::AiNotes], terms, policy };
    standing(&question, &Record::of(events), &Today::new(&facts, now, &FactsBook::of(events)))
}

#[test]
fn a_minor_assents_and_a_guardian_consents() {
    let people = child(15);
    let form = short(1, &people, &[Purpose::AiNotes], &facts());
    let base = vec![requested(&form)];
    let with = |who: &[usize]| {
        let mut events = base.clone();
        events.extend(who.iter().map(|one| signs(&form, &people[*one], 1)));
        events
    };
    let one = Policy::default();
    let two = Policy { guardians: Guardians::Two, ..Policy::default() };
    for (who, by_one, by_two) in [
        (&[][..], Status::Missing, Status::Missing),
        (&[0], Status::Incomplete, Status::Incomplete),
        (&[1], Status::Incomplete, Status::Incomplete),
        (&[0, 1], Status::InForce, Status::Incomplete),
        (&[1, 2], Status::Incomplete, Status::Incomplete),
        (&[0, 1, 2], Status::InForce, Status::InForce),
    ] {
        assert_eq!(of_child(&people, &with(who), at(2), &one).status, by_one, "{who:?}");
        assert_eq!(of_child(&people, &with(who), at(2), &two).status, by_two, "{who:?}");
    }
    let found = of_child(&people, &with(&[0, 1]), at(2), &one);
    assert_eq!(found.people.iter().map(|one| one.needed).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(found.people[0].capacity, Capacity::Assent);
    // The no of a guardian who need not be asked still closes it.
    let mut refused = with(&[0, 1]);
    refused.push(no(&people[2], 2));
    assert_eq!(of_child(&people, &refused, at(3), &one).status, Status::Declined);
    // With one guardian in the file, two cannot sign.
    let lone = &people[..2];
    let form = short(1, lone, &[Purpose::AiNotes], &facts());
    let events = [requested(&form), signs(&form, &lone[0], 1), signs(&form, &lone[1], 1)];
    let found = of_child(lone, &events, at(2), &two);
    assert_eq!(found.status, Status::Incomplete);
    assert!(found.next.contains(&Step::AddGuardian { participant: lone[0].id.clone() }));
    // Nor can a minor without any.
    let orphan = &people[..1];
    let form = short(1, orphan, &[Purpose::AiNotes], &facts());
    let events = [requested(&form), signs(&form, &orphan[0], 1)];
    assert_eq!(of_child(orphan, &events, at(2), &one).status, Status::Incomplete);
    let confirmed = Policy { minors_consent_alone: true, ..Policy::default() };
    assert_eq!(of_child(orphan, &events, at(2), &confirmed).status, Status::InForce);
}

#[test]
fn coming_of_age_makes_the_consent_stale() {
    // Eighteen on 2026-11-30, nine days after the form.
    let people = child(18);
    let form = short(1, &people, &[Purpose::AiNotes], &facts());
    let mut events = vec![requested(&form)];
    events.extend(people.iter().map(|one| signs(&form, one, 1)));
    let policy = Policy::default();
    assert_eq!(of_child(&people, &events, at(8), &policy).status, Status::InForce);
    let found = of_child(&people, &events, at(9), &policy);
    assert_eq!(found.status, Status::Stale);
    assert!(
        found.reasons.iter().any(|reason| reason.contains("has come of age and is asked again")),
        "{:?}",
        found.reasons
    );
    assert_eq!(found.people.len(), 1, "no guardian is asked any more");
    // A guardian's no does not bind somebody of age; their own signature opens.
    events.push(no(&people[1], 9));
    events.push(signs(&form, &people[0], 9));
    assert_eq!(of_child(&people, &events, at(10), &policy).status, Status::InForce);
}

#[test]
fn only_who_is_present_is_asked() {
    let people = vec![
        person(3, "Maria Gómez", ParticipantRole::Client),
        person(4, "Sam Lee", ParticipantRole::Partner),
        person(5, "Ob Server", ParticipantRole::Observer),
    ];
    let facts = facts();
    let form = short(1, &people, &[Purpose::AiNotes], &facts);
    let events = [requested(&form), signs(&form, &people[0], 1), signs(&form, &people[1], 1)];
    let ask = |present: &[usize]| {
        let ids: Vec<ParticipantId> = present.iter().map(|one| people[*one].id.clone()).collect();
        let room = Room { people: &people, client_born: None, present: Some(&ids) };
        let question = Question { room, purposes: &[Purpose::AiNotes], terms: TERMS, policy: &Policy::default() };
        let found = standing(&question, &Record::of(&events), &Today::new(&facts, at(2), &FactsBook::of(&events)));
        assert_eq!(decide(&found).is_open(), found.status == Status::InForce && present.contains(&0));
        found.status
    };
    assert_eq!(ask(&[0]), Status::InForce);
    assert_eq!(ask(&[0, 1]), Status::InForce);
    assert_eq!(ask(&[0, 1, 2]), Status::Incomplete);
    assert_eq!(ask(&[]), Status::Missing);
    assert_eq!(ask(&[1]), Status::InForce, "the partner's consent stands, but no client's session opens");
}

#[test]
fn it_is_told_in_plain_words_what_to_do_next() {
    let mut c = couple();
    c.events.clear();
    let found = c.standing(0);
    assert_eq!(found.next, [Step::MakeForm { purposes: vec![Purpose::AiNotes] }]);
    c.events.push(requested(&c.form));
    c.signs(0, 1);
    let found = c.standing(1);
    assert_eq!(found.next, [Step::Ask { participants: vec![c.people[1].id.clone()], consent: c.form.consent.clone() }]);
    let words = found.words().join("\n");
    assert!(
        words.contains("Consent to recording and AI-assisted notes is not in force: somebody has yet to sign."),
        "{words}"
    );
    assert!(words.contains("has not signed.") && words.contains("Next: "), "{words}");
    c.signs(1, 2);
    assert_eq!(
        c.standing(3).words(),
        ["Consent to recording and AI-assisted notes is in force, since 2026-11-23, until 2027-11-21."]
    );
    assert_eq!(c.standing(3).since, Some(at(2)));
    c.revokes(0, 5);
    let found = c.standing(6);
    assert_eq!((found.since, found.next.clone()), (Some(at(5)), vec![Step::Dictate]));
    assert!(found.words().iter().any(|line| line.contains("do not press")), "{:?}", found.words());
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    assert_eq!(c.standing(365).since, Some(c.form.expires));
    assert_eq!(c.standing(365).next, [Step::MakeForm { purposes: vec![Purpose::AiNotes] }]);
    for standing in [c.standing(1), c.standing(365)] {
        assert!(
            standing.words().iter().all(|line| line.ends_with('.') && !line.contains("..")),
            "{:?}",
            standing.words()
        );
    }
}

#[test]
fn what_was_superseded_stays_on_record() {
    let people = alone();
    let facts = facts();
    let (first, second) =
        (short(1, &people, &[Purpose::AiNotes], &facts), short(2, &people, &[Purpose::AiNotes], &facts));
    let events = [
        requested(&first),
        signs(&first, &people[0], 1),
        requested(&second),
        signs(&second, &people[0], 2),
        back(&people[0], 3),
    ];
    let record = Record::of(&events);
    let stand = record.stand(&people[0].id, Purpose::AiNotes).expect("on record");
    assert_eq!(stand.superseded, [(first.consent.clone(), at(1)), (second.consent.clone(), at(2))]);
    assert_eq!(stand.word, Word::Revoked { time: at(3) });
    // A form is never replaced by another of its id.
    let mut forged = second.clone();
    forged.consent = first.consent.clone();
    let forged = Record::of(&[requested(&first), requested(&forged)]);
    assert_eq!(forged.form(&first.consent).map(|form| form.text_sha256), Some(first.text_sha256));
    // The record can be kept and read back.
    let text = serde_json::to_string(&record).expect("JSON");
    assert_eq!(serde_json::from_str::<Record>(&text).expect("and back"), record);
}

/// What may happen with two purposes, an amendment and a newer form.
#[derive(Debug, Clone)]
enum Move {
    Sign(usize, usize, i64),
    Refuse(usize, Option<Purpose>, i64),
    Withdraw(usize, Option<Purpose>, i64),
    Speak(usize, usize, i64),
    Talk(usize, i64),
    Make(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let purpose = || prop::option::of(prop::sample::select(vec![Purpose::AiNotes, Purpose::TelehealthRecording]));
    let (who, day) = (0..3_usize, 0..12_i64);
    let one = prop_oneof![
        6 => (who.clone(), 0..4_usize, day.clone()).prop_map(|(who, form, day)| Move::Sign(who, form, day)),
        1 => (who.clone(), purpose(), day.clone()).prop_map(|(who, of, day)| Move::Refuse(who, of, day)),
        1 => (who.clone(), purpose(), day.clone()).prop_map(|(who, of, day)| Move::Withdraw(who, of, day)),
        1 => (who.clone(), 0..4_usize, day.clone()).prop_map(|(who, form, day)| Move::Speak(who, form, day)),
        1 => (who, day).prop_map(|(who, day)| Move::Talk(who, day)),
        3 => (0..4_usize).prop_map(Move::Make),
    ];
    prop::collection::vec(one, 0..50)
}

/// A full form for both purposes, one for each alone, and an amendment of the first.
static FORMS: LazyLock<(Vec<Participant>, Vec<ConsentForm>)> = LazyLock::new(|| {
    let people = vec![
        person(3, "Maria Gómez", ParticipantRole::Client),
        person(4, "Sam Lee", ParticipantRole::Partner),
        person(5, "In Terpreter", ParticipantRole::Interpreter),
    ];
    let facts = facts();
    let both = [Purpose::AiNotes, Purpose::TelehealthRecording];
    let mut forms = vec![
        short(1, &people, &both, &facts),
        short(2, &people, &both[..1], &facts),
        short(3, &people, &both[1..], &facts),
        short(4, &people, &both, &facts),
    ];
    forms[3].amends = Some(forms[0].consent.clone());
    (people, forms)
});

fn played_moves(script: &[Move]) -> Vec<ConsentEvent> {
    let (people, forms) = &*FORMS;
    let set = |of: &Option<Purpose>| of.iter().copied().collect::<BTreeSet<_>>();
    script
        .iter()
        .map(|one| match one {
            Move::Sign(who, form, day) => signs(&forms[*form], &people[*who], *day),
            Move::Refuse(who, of, day) => ConsentEvent::Declined(Refusal {
                participant: people[*who].id.clone(),
                purposes: set(of),
                no_dictation: false,
                time: at(*day),
            }),
            Move::Withdraw(who, of, day) => ConsentEvent::Revoked(Withdrawal {
                participant: people[*who].id.clone(),
                purposes: set(of),
                time: at(*day),
            }),
            Move::Speak(who, form, day) => spoken(&forms[*form], &people[*who], *day),
            Move::Talk(who, day) => talk(&people[*who], *day),
            Move::Make(form) => requested(&forms[*form]),
        })
        .collect()
}

/// The rule said again, another way and without a state: this person has a signature of a whole form for the
/// purpose, made after the form, with no refusal or withdrawal for it at a later place or a later time. (An
/// amendment adds nothing here, since it rests on such a signature.)
fn may(events: &[ConsentEvent], person: &Participant, purpose: Purpose) -> bool {
    let (_, forms) = &*FORMS;
    events.iter().enumerate().any(|(place, event)| {
        let ConsentEvent::Granted(grant) = event else { return false };
        let form = forms.iter().find(|form| form.consent == grant.consent).expect("one of them");
        let made = events[..place]
            .iter()
            .any(|event| matches!(event, ConsentEvent::Requested(one) if one.consent == form.consent));
        grant.participant == person.id
            && form.amends.is_none()
            && form.purposes.contains(&purpose)
            && made
            && events.iter().enumerate().all(|(other, no)| match no {
                ConsentEvent::Revoked(Withdrawal { participant, purposes, time })
                | ConsentEvent::Declined(Refusal { participant, purposes, time, .. }) => {
                    *participant != person.id
                        || !(purposes.is_empty() || purposes.contains(&purpose))
                        || (other < place && *time <= grant.time)
                }
                _ => true,
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_order_opens_it_without_everybody_for_every_purpose(script in moves()) {
        let (people, forms) = &*FORMS;
        let facts = &forms[0].facts;
        let events = played_moves(&script);
        let both = [Purpose::AiNotes, Purpose::TelehealthRecording];
        let found = asked(people, &events, &both, facts, at(20), &Policy::default());
        let expected = people.iter().all(|one| both.iter().all(|purpose| may(&events, one, *purpose)));
        prop_assert_eq!(decide(&found).is_open(), expected);
        prop_assert_eq!(found.status == Status::InForce, expected);
        prop_assert_eq!(found.reasons.is_empty(), expected);
        prop_assert_eq!(found.next.is_empty(), expected);
        for purpose in both {
            let one = judged(people, &events, purpose, facts, at(20));
            prop_assert_eq!(decide(&one).is_open(), people.iter().all(|person| may(&events, person, purpose)));
        }
        // No other purpose is ever open.
        prop_assert!(!decide(&judged(people, &events, Purpose::Training, facts, at(20))).is_open());
        // One withdrawal by one person of one purpose closes it for everybody.
        for (who, purpose) in people.iter().zip([Purpose::AiNotes, Purpose::TelehealthRecording, Purpose::AiNotes]) {
            let mut closed = events.clone();
            closed.push(ConsentEvent::Revoked(Withdrawal { participant: who.id.clone(), purposes: BTreeSet::from([purpose]), time: at(15) }));
            let found = asked(people, &closed, &both, facts, at(20), &Policy::default());
            prop_assert!(!decide(&found).is_open());
            prop_assert_eq!(found.status, Status::Revoked);
        }
    }

    #[test]
    fn a_spoken_yes_alone_opens_nothing_by_default(script in moves()) {
        let (people, forms) = &*FORMS;
        let events: Vec<ConsentEvent> =
            played_moves(&script).into_iter().filter(|event| !matches!(event, ConsentEvent::Granted(_))).collect();
        for purpose in Purpose::ALL {
            prop_assert!(!decide(&judged(people, &events, *purpose, &forms[0].facts, at(20))).is_open());
        }
    }

    #[test]
    fn history_is_never_overwritten(script in moves()) {
        let events = played_moves(&script);
        let (people, _) = &*FORMS;
        let mut record = Record::default();
        for event in &events {
            let stands = |record: &Record| -> Vec<Stand> {
                people.iter().map(|one| record.stand(&one.id, Purpose::AiNotes).cloned().unwrap_or_default()).collect()
            };
            let before = stands(&record);
            let forms: Vec<FormRecord> = record.forms().cloned().collect();
            record = record.after(event);
            prop_assert!(record.forms().cloned().collect::<Vec<_>>().starts_with(&forms));
            for (old, new) in before.iter().zip(stands(&record)) {
                prop_assert!(new.superseded.starts_with(&old.superseded));
                prop_assert!(new.no_since >= old.no_since);
            }
        }
        // Read at once or one by one, it is the same.
        prop_assert_eq!(record, Record::of(&events));
    }
}

#[test]
fn a_book_of_facts_changes_nothing_of_a_record() {
    let people = [person(1, "Maria Alvarez", ParticipantRole::Client)];
    let form = form(1, &people);
    let mut altered = form.clone();
    altered.facts.isolation = Isolation::Overridden;
    let mut book = FactsBook::of(&[ConsentEvent::Requested(form.clone())]);
    for (told, fits) in [(form, true), (altered, false)] {
        book.add(told.disclosure_digest, &told.facts);
        let events = [ConsentEvent::Requested(told)];
        let record = Record::with(&book, &events);
        assert_eq!(record, Record::of(&events));
        assert_eq!(record.forms().all(|one| one.flaw.is_none()), fits);
        assert_eq!(record, Record::with(&FactsBook::default(), &events), "an empty book is asked in vain");
    }
}
