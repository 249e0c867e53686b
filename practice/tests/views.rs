//! Who sees what of a note: the note, the claim, a text that a person released, or nothing. In memory, with engines that
//! answer from a script.

mod desk;

use desk::{CLIENT, Catalogue, Desk, Script};
use provenote_deidentify::Identifier;
use provenote_deidentify::views::{Code, Question};
use provenote_practice::PracticeError;
use provenote_practice::views::NoteAsSeen;
use provenote_practice::views::claims::ClaimChange;
use provenote_practice::views::known::RosterAddition;
use provenote_practice::views::releases::{Confirmation, PreparedRelease, ReleaseDates};
use provenote_schemas::Time;
use provenote_schemas::note::{NoteState, NoteText};

/// A draft that names the client, a brother by a nickname, an employer, a date and a number.
const NAMING: &str = r#"{"Subjective":[{"text":"Maria Alvarez slept about six hours and called Bubba on March 3, 2026.","segments":[2]},
{"text":"She was seen at Elm Street Counseling by Dana Reyes, and works at the Sunrise.","segments":[2]}],
"Objective":[],"Assessment":[],"Plan":[{"text":"The client takes sertraline fifty milligrams every day and can be reached at 415-555-0133.","segments":[3,4]}]}"#;

/// A desk with an attested note of that draft.
fn attested() -> (Desk, NoteText) {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new().answering(NAMING)).expect("a draft");
    let text = desk.attest(&text).expect("attested");
    (desk, text)
}

fn prepare(desk: &mut Desk, note: &str, dates: ReleaseDates) -> PreparedRelease {
    desk.practice.prepare_release(&desk.actor, note, dates).expect("prepared")
}

fn agreeing(prepared: &PreparedRelease) -> Confirmation {
    Confirmation { statement: prepared.statement().to_owned(), ..Confirmation::default() }
}

fn words(prepared: &PreparedRelease) -> String {
    prepared.text().sections.iter().flat_map(|section| section.sentences.clone()).collect::<Vec<_>>().join(" ")
}

/// The classes of the payloads of the newest entry of a kind.
fn classes(desk: &Desk, kind: &str) -> Vec<String> {
    let last = desk.log().into_iter().rfind(|header| header.kind == kind).expect("an entry of the kind");
    last.payloads.into_iter().map(|payload| format!("{}: {}", payload.name, payload.class)).collect()
}

#[test]
fn who_treats_sees_the_note_and_that_is_one_entry() {
    let (mut desk, text) = attested();
    let before = desk.log().len();
    let seen = desk.practice.view_note(&desk.actor, text.note.as_str()).expect("seen");
    let NoteAsSeen::Full(view) = seen else { panic!("an owner sees the note") };
    assert_eq!(view.text.sections[0].sentences[0].text, text.sections[0].sentences[0].text);
    assert!(view.cited.is_some());
    assert_eq!(desk.log().len(), before + 1);
    assert_eq!(desk.kinds().pop().as_deref(), Some("note.viewed"));
    assert!(matches!(
        desk.practice.view_note(&desk.actor, "note-0000000000000000"),
        Err(PracticeError::NotFound { what: "note", .. })
    ));
}

#[test]
fn a_claim_is_filled_from_the_file_at_the_first_look_and_is_of_class_billing_alone() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let seen = desk.practice.view_claim(&desk.actor, note).expect("a claim");
    let claim = &seen.billing.claim;
    assert_eq!(claim.client_name.as_deref(), Some(CLIENT));
    assert_eq!(claim.clinician.as_deref(), Some("Dana Reyes"));
    assert_eq!(claim.service_date.as_deref(), Some("2027-01-15"));
    assert_eq!(claim.place_of_service.as_deref(), Some("in person"));
    // Never from the length of a recording.
    assert_eq!((claim.start, claim.stop), (None, None));
    assert_eq!(seen.state, NoteState::Attested);
    assert_eq!(classes(&desk, "claim.changed"), ["claim: billing"]);
    assert_eq!(desk.kinds()[desk.kinds().len() - 2..], ["claim.changed", "claim.viewed"]);
    // The second look fills nothing anew.
    let again = desk.practice.view_claim(&desk.actor, note).expect("a claim");
    assert_eq!(again.seq, seen.seq);
    assert_eq!(desk.count("claim.changed"), 1);
}

#[test]
fn a_claim_has_no_word_of_the_note_and_a_group_of_its_own() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let first = desk.practice.prepare_claim(&desk.actor, note).expect("prepared");
    assert!(first.is_some());
    assert_eq!(desk.practice.prepare_claim(&desk.actor, note).expect("nothing to do"), None);
    let seen = desk.practice.view_claim(&desk.actor, note).expect("a claim");
    let shown = serde_json::to_string(&seen).expect("JSON");
    for word in ["sertraline", "Subjective", "slept", "Bubba"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
    let log = desk.log();
    let group =
        |kind: &str| log.iter().rfind(|header| header.kind == kind).expect("an entry").payloads[0].group.clone();
    assert_ne!(group("claim.changed"), group("note.attested"));
    // Nothing of the claim stands in the header but pseudonyms.
    let header = log.iter().rfind(|header| header.kind == "claim.changed").expect("an entry");
    assert!(header.facts.is_empty());
    assert_eq!(header.refs.keys().collect::<Vec<_>>(), ["claim", "client", "note"]);
}

#[test]
fn a_change_keeps_the_rest_and_asks_what_does_not_fit() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let minute = |minutes: i64| Some(Time::from_millis(desk::START + minutes * 60_000));
    let change = ClaimChange {
        codes: Some(vec![Code { code: "90837".to_owned(), units: 1 }]),
        start: minute(0),
        stop: minute(45),
        diagnoses: Some(vec!["F41.1".to_owned()]),
        fee_cents: Some(15_000),
        ..ClaimChange::default()
    };
    let (seen, seq) = desk.practice.change_claim(&desk.actor, note, &change).expect("changed");
    assert!(seq.is_some());
    assert_eq!(seen.billing.claim.client_name.as_deref(), Some(CLIENT));
    assert!(
        seen.billing
            .questions
            .iter()
            .any(|question| matches!(question, Question::TimeDoesNotFit { minutes: 45, least: 53, .. })),
        "{:?}",
        seen.billing.questions
    );
    let entries = desk.log().len();
    let (_, nothing) = desk.practice.change_claim(&desk.actor, note, &change).expect("says so already");
    assert_eq!((nothing, desk.log().len()), (None, entries));
    let paid = ClaimChange { paid_cents: Some(15_000), ..ClaimChange::default() };
    let (seen, _) = desk.practice.change_claim(&desk.actor, note, &paid).expect("changed");
    assert_eq!(seen.billing.claim.fee_cents, Some(15_000));
    assert_eq!(seen.billing.claim.diagnoses, ["F41.1"]);
    let bad = ClaimChange { diagnoses: Some(vec!["worried".to_owned()]), ..ClaimChange::default() };
    let refused = desk.practice.change_claim(&desk.actor, note, &bad).expect_err("no code");
    assert!(matches!(&refused, PracticeError::BadRequest(why) if !why.contains("worried")), "{refused}");
}

#[test]
fn two_who_change_a_claim_at_once_undo_nothing_of_each_other() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    desk.practice.view_claim(&desk.actor, note).expect("filled");
    let (mut other, actor) = desk.drivers.process(9, desk.clock.clone());
    let fee = ClaimChange { fee_cents: Some(9_000), ..ClaimChange::default() };
    let policy = ClaimChange { policy: Some("Acme HMO".to_owned()), ..ClaimChange::default() };
    other.change_claim(&actor, note, &fee).expect("changed");
    let (seen, _) = desk.practice.change_claim(&desk.actor, note, &policy).expect("changed");
    assert_eq!(seen.billing.claim.fee_cents, Some(9_000));
    assert_eq!(seen.billing.claim.policy.as_deref(), Some("Acme HMO"));
}

#[test]
fn claims_are_listed_by_pseudonym() {
    let (mut desk, text) = attested();
    let listed = desk.practice.list_claims(&desk.actor).expect("listed");
    assert_eq!((&listed[0].note, listed[0].changed), (&text.note, None));
    desk.practice.prepare_claim(&desk.actor, text.note.as_str()).expect("prepared");
    let listed = desk.practice.list_claims(&desk.actor).expect("listed");
    assert!(listed[0].changed.is_some() && listed[0].state == NoteState::Attested);
}

#[test]
fn a_text_is_cleaned_of_everybody_the_practice_knows_and_nothing_is_kept_before_it_is_confirmed() {
    let (mut desk, text) = attested();
    let addition = RosterAddition {
        people: vec![vec!["Hector Alvarez".to_owned(), "Bubba".to_owned()]],
        employers: vec!["Sunrise".to_owned()],
        ..RosterAddition::default()
    };
    let client = desk.client.clone();
    desk.practice.know(&desk.actor, &client, &addition).expect("known");
    assert_eq!(classes(&desk, "client.changed"), ["client: administrative", "roster: clinical"]);
    let before = desk.log().len();
    let prepared = prepare(&mut desk, text.note.as_str(), ReleaseDates::Years);
    let cleaned = words(&prepared);
    for word in ["Maria", "Alvarez", "Bubba", "Elm Street", "Dana", "Reyes", "Sunrise", "March", "415", "consent"] {
        assert!(!cleaned.contains(word), "{word}: {cleaned}");
    }
    assert!(cleaned.contains("sertraline") && cleaned.contains("[date:2026]"), "{cleaned}");
    let removed = &prepared.text().removed;
    assert!(removed[&Identifier::Name] >= 4 && removed[&Identifier::Phone] == 1, "{removed:?}");
    assert!(prepared.withheld().is_none() && !prepared.cautions().is_empty());
    // Reading the note is an entry; the text itself is not kept.
    assert_eq!(desk.log().len(), before + 1);
    assert_eq!(desk.kinds().pop().as_deref(), Some("note.viewed"));
    assert!(desk.practice.list_releases(&desk.actor).expect("listed").is_empty());
}

#[test]
fn a_release_needs_the_words_of_a_person() {
    let (mut desk, text) = attested();
    let prepared = prepare(&mut desk, text.note.as_str(), ReleaseDates::Years);
    let unread = Confirmation { statement: "ok".to_owned(), ..Confirmation::default() };
    let refused = desk.practice.confirm_release(&desk.actor, prepared.clone(), &unread).expect_err("not the words");
    assert!(matches!(refused, PracticeError::BadRequest(_)), "{refused}");
    assert_eq!(desk.count("release.made"), 0);
    let confirmation = agreeing(&prepared);
    let (release, seq) = desk.practice.confirm_release(&desk.actor, prepared.clone(), &confirmation).expect("released");
    assert_eq!(classes(&desk, "release.made"), ["text: research", "making: clinical", "confirmation: clinical"]);
    let confirmed = desk.practice.release_confirmation(&desk.actor, release.as_str()).expect("who confirmed");
    assert!(confirmed.statement.contains("no actual knowledge") && confirmed.user == *desk.actor.user());
    let seen = desk.practice.view_release(&desk.actor, release.as_str()).expect("seen");
    assert_eq!(seen.text, *prepared.text());
    assert_eq!(seen.origin.expect("who treats is told").seq, seq);
    assert_eq!(desk.kinds().pop().as_deref(), Some("release.viewed"));
    // What is sealed for research names neither client nor note.
    let sealed = serde_json::to_string(&seen.text).expect("JSON");
    assert!(!sealed.contains(text.note.as_str()) && !sealed.contains(&desk.client) && !sealed.contains("seed"));
}

#[test]
fn a_draft_and_a_text_that_cannot_be_cleaned_are_not_released() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let small = r#"{"Subjective":[{"text":"so i went to see mark and grace and will said that i should not have gone there and then he left me alone with all of the kids for the night and the day after that too","segments":[2]}],"Objective":[],"Assessment":[],"Plan":[]}"#;
    let text = desk.draft(&session, &Script::new().answering(small)).expect("a draft");
    let refused = desk
        .practice
        .prepare_release(&desk.actor, text.note.as_str(), ReleaseDates::Years)
        .expect_err("nobody answers for a draft");
    assert!(matches!(refused, PracticeError::NotAllowed(_)), "{refused}");
    desk.attest(&text).expect("attested");
    let prepared = prepare(&mut desk, text.note.as_str(), ReleaseDates::Years);
    assert!(prepared.withheld().is_some() && words(&prepared).trim().is_empty());
    let confirmation = agreeing(&prepared);
    let refused = desk.practice.confirm_release(&desk.actor, prepared, &confirmation).expect_err("withheld");
    assert!(matches!(refused, PracticeError::NotAllowed(_)), "{refused}");
    assert_eq!(desk.count("release.made"), 0);
}

#[test]
fn dates_move_by_the_same_days_in_every_text_of_a_client_and_need_a_determination() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let prepared = prepare(&mut desk, note, ReleaseDates::Shifted);
    let moved = words(&prepared);
    assert!(moved.contains("[date:20") && !moved.contains("[date:2026-03-03]"), "{moved}");
    let confirmation = agreeing(&prepared);
    let refused =
        desk.practice.confirm_release(&desk.actor, prepared.clone(), &confirmation).expect_err("no determination");
    assert!(matches!(refused, PracticeError::BadRequest(_)), "{refused}");
    // A second text that was prepared before the first one was kept has days of its own, and must be prepared again.
    let rival = prepare(&mut desk, note, ReleaseDates::Shifted);
    let determined = Confirmation { determination: Some("Dr. Okafor, 2026-12-01".to_owned()), ..agreeing(&prepared) };
    desk.practice.confirm_release(&desk.actor, prepared, &determined).expect("released");
    let late = desk.practice.confirm_release(&desk.actor, rival, &determined).expect_err("other days");
    assert!(matches!(late, PracticeError::NotAllowed(_)), "{late}");
    let dates = |text: &str| text.split("[date:").nth(1).map(|rest| rest[..10].to_owned());
    let again = prepare(&mut desk, note, ReleaseDates::Shifted);
    assert_eq!(dates(&words(&again)), dates(&moved));
    // The numbers of people are new with every text.
    assert_ne!(words(&again), moved);
}

#[test]
fn an_addition_to_the_note_asks_for_another_reading() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let prepared = prepare(&mut desk, note, ReleaseDates::Years);
    desk.practice.amend_note(&desk.actor, note, "Maria called back on March 9.").expect("amended");
    let confirmation = agreeing(&prepared);
    let refused = desk.practice.confirm_release(&desk.actor, prepared, &confirmation).expect_err("added since");
    assert!(matches!(refused, PracticeError::NotAllowed(_)), "{refused}");
    let again = prepare(&mut desk, note, ReleaseDates::Years);
    let last = again.text().sections.last().expect("a section");
    assert_eq!(last.name, "Amendments");
    assert!(last.sentences[0].contains("called back") && !last.sentences[0].contains("Maria"));
}

#[test]
fn a_release_taken_back_is_gone_with_a_receipt() {
    let (mut desk, text) = attested();
    let prepared = prepare(&mut desk, text.note.as_str(), ReleaseDates::Years);
    let confirmation = agreeing(&prepared);
    let (release, _) = desk.practice.confirm_release(&desk.actor, prepared, &confirmation).expect("released");
    let seq = desk.practice.take_back_release(&desk.actor, release.as_str()).expect("taken back");
    assert_eq!(desk.practice.take_back_release(&desk.actor, release.as_str()).expect("already"), seq);
    assert!(matches!(desk.practice.view_release(&desk.actor, release.as_str()), Err(PracticeError::Destroyed { .. })));
    assert!(desk.practice.list_releases(&desk.actor).expect("listed").is_empty());
    // The note itself stays.
    desk.practice.view_note(&desk.actor, text.note.as_str()).expect("the note");
}

#[test]
fn what_is_known_of_a_client_stays_when_the_file_changes() {
    let mut desk = Desk::consented();
    let client = desk.client.clone();
    let addition = RosterAddition { nicknames: vec!["Mimi".to_owned()], ..RosterAddition::default() };
    desk.practice.know(&desk.actor, &client, &addition).expect("known");
    let person = provenote_practice::clients::NewPerson { name: "Jo Park".to_owned(), ..Default::default() };
    desk.practice.add_person(&desk.actor, &client, &person).expect("added");
    let places = RosterAddition { places: vec!["Galena".to_owned()], ..RosterAddition::default() };
    desk.practice.know(&desk.actor, &client, &places).expect("known");
    let known = desk.practice.show_known(&desk.actor, &client).expect("known");
    assert_eq!((known.nicknames, known.places), (vec!["Mimi".to_owned()], vec!["Galena".to_owned()]));
    let file = desk.practice.show_client(&desk.actor, &client).expect("the file");
    assert_eq!(file.participants.len(), 2);
    // Consent given before still stands: an addition to the list of names changes nobody who takes part.
    let _ = Catalogue;
}
