//! How long the standing of ten thousand clients takes to judge, beside reading the same records once and doing
//! nothing with them.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::hint::black_box;
use std::time::Instant;

use provenote_consent::{ConsentEvent, FactsBook, Policy, Question, Record, Room, Status, Terms, Today, standing};
use provenote_schemas::consent::{ConsentForm, Evidence, Grant, Promise, Signature, Withdrawal};
use provenote_schemas::disclosure::DisclosureFacts;
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_schemas::{ClientId, ConsentId, Digest, ParticipantId, Purpose};

const CLIENTS: usize = 10_000;
const ROUNDS: usize = 15;

fn bytes(number: usize, of: u8) -> [u8; 10] {
    let mut out = [of; 10];
    out[..8].copy_from_slice(&(number as u64).to_be_bytes());
    out
}

/// One client with a partner: in force, stale, taken back, half signed or never asked, in turn.
fn client(number: usize, facts: &DisclosureFacts, older: &DisclosureFacts) -> (Vec<Participant>, Vec<ConsentEvent>) {
    let made = provenote_consent::samples::MADE;
    let people: Vec<Participant> = [(1, ParticipantRole::Client), (2, ParticipantRole::Partner)]
        .into_iter()
        .map(|(of, role)| {
            Participant::new(ParticipantId::from_random(bytes(number, of)), format!("Person {number} {of}"), role)
        })
        .collect();
    let told = if number % 5 == 1 { older } else { facts };
    let text = format!("Form of client {number}.\n");
    let form = ConsentForm {
        consent: ConsentId::from_random(bytes(number, 3)),
        client: ClientId::from_random(bytes(number, 4)),
        template: "ai-notes@1".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes],
        participants: people.clone(),
        text_sha256: Digest::of(text.as_bytes()),
        text,
        disclosure_digest: provenote_consent::disclosure_digest(told),
        facts: told.clone(),
        made,
        expires: made.plus_days(365),
        amends: None,
        promise: Promise::AnyChange,
    };
    let mut events = vec![ConsentEvent::Requested(form.clone())];
    let signers = match number % 5 {
        3 => 1,
        4 => 0,
        _ => 2,
    };
    events.extend(people.iter().take(signers).map(|person| {
        ConsentEvent::Granted(Grant {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            intent: provenote_consent::INTENT.to_owned(),
            signature: Signature::Typed { name: person.name.clone() },
            time: made.plus_days(1),
            evidence: Evidence::default(),
        })
    }));
    if number % 5 == 2 {
        events.push(ConsentEvent::Revoked(Withdrawal {
            participant: people[1].id.clone(),
            purposes: std::collections::BTreeSet::new(),
            time: made.plus_days(2),
        }));
    }
    (people, events)
}

/// The median of some rounds, in milliseconds, after one round to warm up.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn median(mut work: impl FnMut() -> usize) -> f64 {
    black_box(work());
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let state = provenote_consent::State::parse("TX").expect("a state");
    let facts = provenote_consent::samples::facts(state);
    let mut older = facts.clone();
    older.retention.audio_days = 1;
    let clients: Vec<_> = (0..CLIENTS).map(|number| client(number, &facts, &older)).collect();
    let records: Vec<(Vec<Participant>, Record)> =
        clients.iter().map(|(people, events)| (people.clone(), Record::of(events))).collect();
    let mut book = FactsBook::default();
    for told in [&facts, &older] {
        book.add(provenote_consent::disclosure_digest(told), told);
    }
    let now = provenote_consent::samples::MADE.plus_days(9);
    let policy = Policy::default();
    let terms = Terms { majority: 18, own_consent_age: None, writing: true };
    let judge = || {
        let today = Today::new(&facts, now, &book);
        records
            .iter()
            .filter(|(people, record)| {
                let room = Room { people, client_born: None, present: None };
                let question = Question { room, purposes: &[Purpose::AiNotes], terms, policy: &policy };
                standing(&question, record, &today).status == Status::InForce
            })
            .count()
    };
    assert_eq!(judge(), CLIENTS / 5, "every fifth is in force");
    let ours = median(judge);
    // What anybody would pay who touches the same records once.
    let copy =
        median(|| records.iter().map(|(people, record)| people.clone().len() + record.clone().forms().count()).sum());
    println!(
        "status: {CLIENTS} clients judged {ours:.1} ms, the same records copied once {copy:.1} ms, ratio {:.2}",
        ours / copy
    );
}
