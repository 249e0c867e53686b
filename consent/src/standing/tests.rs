use super::*;
use crate::form::render_form;
use crate::gate::{Decision, decide};
use crate::samples::{MADE, adult, person};
use crate::signing::INTENT;
use std::sync::LazyLock;

use proptest::prelude::*;
use provenote_schemas::consent::Signature;

const DAY: i64 = 86_400_000;

fn at(day: i64) -> Time {
    Time::from_millis(MADE.millis() + day * DAY)
}

fn gate_at(
    people: &[Participant],
    events: &[ConsentEvent],
    purpose: Purpose,
    today: &DisclosureFacts,
    now: Time,
) -> Decision {
    decide(&standing(people, events, purpose, today, now))
}

struct Case {
    people: Vec<Participant>,
    form: ConsentForm,
    events: Vec<ConsentEvent>,
}

fn form(number: u8, people: &[Participant]) -> ConsentForm {
    let template = provenote_templates::bundled("ai-notes", "en").expect("bundled");
    let mut ctx = adult("TX").expect("a state");
    ctx.consent = ConsentId::from_random([number; 10]);
    ctx.client.participants = people.to_vec();
    render_form(template, &ctx).expect("renders")
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
        let participant = self.people[who].id.clone();
        self.events.push(ConsentEvent::Revoked { participant, time: at(day) });
        self
    }

    fn declines(&mut self, who: usize, day: i64) -> &mut Self {
        let participant = self.people[who].id.clone();
        self.events.push(ConsentEvent::Declined { participant, time: at(day) });
        self
    }

    fn standing(&self, day: i64) -> Standing {
        standing(&self.people, &self.events, Purpose::AiNotes, &self.form.facts, at(day))
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
    assert_eq!(standing(&[], &c.events, Purpose::AiNotes, facts, at(1)).status, Status::Missing);
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
        let found = standing(&c.people, &events, Purpose::AiNotes, &c.form.facts, at(2));
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
    c.events.push(ConsentEvent::Discussed { participant: c.people[0].id.clone(), time: at(1) });
    assert_eq!(c.status(1), Status::Missing);
}

fn changed(change: impl Fn(&mut DisclosureFacts)) -> (Standing, Vec<String>) {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    let mut today = c.form.facts.clone();
    change(&mut today);
    (standing(&c.people, &c.events, Purpose::AiNotes, &today, at(2)), changes(&c.form.facts, &today))
}

#[test]
fn every_change_of_the_facts_is_stale_and_told_in_words() {
    type Change = Box<dyn Fn(&mut DisclosureFacts)>;
    let table: Vec<(Change, &str)> = vec![
        (
            Box::new(|f| f.speech.sha256 = Digest::of(b"v3")),
            "the model that turns speech into text is another version of Whisper base",
        ),
        (
            Box::new(|f| {
                f.speech.sha256 = Digest::of(b"x");
                f.speech.name = "Parrot".into()
            }),
            "the model that turns speech into text is Parrot instead of Whisper base",
        ),
        (
            Box::new(|f| f.drafting[0].sha256 = Digest::of(b"x")),
            "a model that drafts the note is another version of Qwen2.5 1.5B",
        ),
        (
            Box::new(|f| {
                let mut new = f.drafting[0].clone();
                new.sha256 = Digest::of(b"x");
                new.name = "Llama".into();
                f.drafting.push(new);
            }),
            "Llama may draft the note now",
        ),
        (Box::new(|f| f.drafting.clear()), "Qwen2.5 1.5B no longer drafts the note"),
        (Box::new(|f| f.drafting[0].maker = "Someone".into()), "described in other words"),
        (Box::new(|f| f.drafting[0].id = "other".into()), "described in other words"),
        (Box::new(|f| f.voice_activity = None), "no model looks for speech any more"),
        (Box::new(|f| f.isolation = Isolation::Overridden), "no longer keeps the models from network"),
        (Box::new(|f| f.processors.push("Cloud Scribe, Inc.".into())), "Cloud Scribe, Inc. gets the words too"),
        (Box::new(|f| f.retention.audio_days = 30), "recordings are kept for 30 days instead of 7"),
        (Box::new(|f| f.retention.transcript_days = 30), "transcripts are kept for 30 days instead of 7"),
        (Box::new(|f| f.retention.prompts_days = 30), "prompts and raw outputs are kept for 30 days"),
        (Box::new(|f| f.retention.drafts_days = 1), "drafts are kept for 1 days instead of 7"),
        (Box::new(|f| f.retention.note_years = 9), "notes are kept for 9 years instead of 7"),
        (Box::new(|f| f.retention.note_basis = "another".into()), "the reason for how long notes are kept"),
    ];
    for (change, words) in table {
        let (found, told) = changed(change);
        assert_eq!(found.status, Status::Stale, "{words}");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(words), "{told:?}");
        assert!(found.reasons.iter().all(|reason| reason.contains(words)), "{:?}", found.reasons);
    }
    let (found, told) = changed(|_| ());
    assert_eq!((found.status, told), (Status::InForce, Vec::new()));
}

#[test]
fn a_processor_that_goes_and_an_order_that_turns_are_told() {
    let mut before = couple().form.facts;
    before.processors = vec!["A".to_owned(), "B".to_owned()];
    let mut after = before.clone();
    after.processors.remove(0);
    assert_eq!(changes(&before, &after), ["A no longer gets the words"]);
    after.processors = vec!["B".to_owned(), "A".to_owned()];
    assert_eq!(changes(&before, &after), ["the list of those who get the words is in another order"]);
    after.processors = vec!["A".to_owned(), "B".to_owned()];
    after.voice_activity = None;
    assert_eq!(changes(&after, &before), ["a model was added that finds speech (Silero VAD)"]);
}

#[test]
fn stale_is_told_before_expired_and_the_newest_signature_counts() {
    let mut c = couple();
    c.signs(0, 1).signs(1, 1);
    let mut today = c.form.facts.clone();
    today.retention.audio_days = 30;
    let found = standing(&c.people, &c.events, Purpose::AiNotes, &today, at(400));
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
    assert_eq!(standing(&c.people, &c.events, Purpose::AiNotes, &today, at(4)).status, Status::InForce);
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
    prop::collection::vec((0..people, 0_u8..9, 0_i64..12), 0..40)
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
            let participant = people[*who].id.clone();
            match what {
                0 => ConsentEvent::Requested(good.clone()),
                1 => ConsentEvent::Requested(bad.clone()),
                2..=4 => ConsentEvent::Granted(grant(good, &people[*who], *day)),
                5 => ConsentEvent::Granted(grant(bad, &people[*who], *day)),
                6 => ConsentEvent::Revoked { participant, time: at(*day) },
                7 => ConsentEvent::Declined { participant, time: at(*day) },
                _ => ConsentEvent::Discussed { participant, time: at(*day) },
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
                ConsentEvent::Revoked { participant, time, .. } | ConsentEvent::Declined { participant, time, .. } => {
                    *participant != person.id || (other < place && *time <= grant.time)
                }
                _ => true,
            })
    })
}

/// Made once, with a short text: rendering and hashing are slow beside what is tested here.
static ROOM: LazyLock<(Vec<Participant>, ConsentForm, ConsentForm)> = LazyLock::new(|| {
    let people = vec![
        person(3, "Maria Gómez", ParticipantRole::Client),
        person(4, "Sam Lee", ParticipantRole::Participant),
        person(5, "Rosa Gómez", ParticipantRole::Guardian),
    ];
    let short = |number| {
        let mut form = form(number, &people);
        form.text = format!("Form {number}.\n");
        form.text_sha256 = Digest::of(form.text.as_bytes());
        form
    };
    let (good, mut bad) = (short(1), short(2));
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
        closed.push(ConsentEvent::Revoked { participant: people[1].id.clone(), time: at(15) });
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
