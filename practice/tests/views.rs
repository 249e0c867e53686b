//! Who sees what of a note: the note, the claim, a text that a person released, or nothing. In memory, with engines that
//! answer from a script.

mod desk;

use desk::{CLIENT, Desk, Script};
use provenote_deidentify::Identifier;
use provenote_deidentify::views::{Code, Question};
use provenote_ledger::Argon2Params;
use provenote_practice::staff::{Entry, NewUser};
use provenote_practice::trail::HoldAsked;
use provenote_practice::views::NoteAsSeen;
use provenote_practice::views::claims::ClaimChange;
use provenote_practice::views::known::RosterAddition;
use provenote_practice::views::releases::{Confirmation, PreparedRelease, ReleaseDates};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::note::{NoteState, NoteText};
use provenote_schemas::{Role, Time};

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

const PASSPHRASE: &[u8] = b"velvet canyon orbit thirteen lamps";

/// Somebody of a role at a machine of their own: their keys and nothing else.
fn colleague(desk: &mut Desk, role: Role) -> (Practice, Actor) {
    let asked = NewUser {
        name: &format!("Kim {role}"),
        role,
        ends: (role == Role::Auditor).then(|| Time::from_millis(desk::START + 30 * desk::DAY)),
        entry: Entry::Passphrase(PASSPHRASE),
        argon2: Argon2Params { memory_kib: 8, passes: 1, lanes: 1 },
    };
    let added = desk.practice.add_user(&desk.actor, &asked).expect("a user");
    desk.drivers.process_of(77, desk.clock.clone(), added.user.as_str(), PASSPHRASE)
}

/// The words of the note that no claim and no release may hold.
const OF_THE_NOTE: [&str; 5] = ["sertraline", "slept", "Subjective", "Bubba", "415-555-0133"];

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
    assert_eq!(classes(&desk, "release.made"), ["released: research", "making: clinical", "confirmation: clinical"]);
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
fn the_mark_of_a_text_is_that_of_what_was_read_and_not_of_what_chance_put_into_it() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let marks =
        |desk: &mut Desk| [ReleaseDates::Years, ReleaseDates::Shifted].map(|dates| prepare(desk, note, dates).mark());
    let first = marks(&mut desk);
    assert_eq!(first, marks(&mut desk));
    assert!(first[0] != first[1] && first[0].len() == 16);
    desk.practice.amend_note(&desk.actor, note, "The client called back.").expect("amended");
    let amended = marks(&mut desk);
    assert!(first[0] != amended[0] && first[1] != amended[1]);
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
fn a_release_that_is_held_back_from_destruction_is_not_taken_back() {
    let (mut desk, text) = attested();
    let prepared = prepare(&mut desk, text.note.as_str(), ReleaseDates::Years);
    let confirmation = agreeing(&prepared);
    let (release, _) = desk.practice.confirm_release(&desk.actor, prepared, &confirmation).expect("released");
    let client = desk.client.clone();
    let held = HoldAsked { client: &client, session: None, reason: "A complaint." };
    let hold = desk.practice.place_hold(&desk.actor, &held).expect("held");
    let refused = desk.practice.take_back_release(&desk.actor, release.as_str()).expect_err("held");
    assert!(matches!(refused, PracticeError::NotAllowed(_)), "{refused}");
    desk.practice.view_release(&desk.actor, release.as_str()).expect("still there");
    desk.practice.lift_hold(&desk.actor, hold, "It was settled.").expect("lifted");
    desk.practice.take_back_release(&desk.actor, release.as_str()).expect("taken back");
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
}

#[test]
fn a_biller_sees_how_far_a_note_is_and_then_the_claim_with_keys_that_open_nothing_else() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let (mut office, biller) = colleague(&mut desk, Role::Biller);
    let seen = office.view_note(&biller, note).expect("how far it is");
    assert!(matches!(seen, NoteAsSeen::Status(status) if status.state == NoteState::Attested));
    desk.practice.prepare_claim(&desk.actor, note).expect("filled by who treats the client");
    let NoteAsSeen::Claim(seen) = office.view_note(&biller, note).expect("the claim") else { panic!("a claim") };
    assert_eq!(seen.billing.claim.client_name.as_deref(), Some(CLIENT));
    let shown = serde_json::to_string(&seen).expect("JSON");
    assert!(OF_THE_NOTE.iter().all(|word| !shown.contains(word)), "{shown}");
    let codes =
        ClaimChange { codes: Some(vec![Code { code: "90834".to_owned(), units: 1 }]), ..ClaimChange::default() };
    let (seen, _) = office.change_claim(&biller, note, &codes).expect("a biller's to change");
    assert_eq!(seen.billing.claim.codes.len(), 1);
    let times = ClaimChange { start: Some(Time::from_millis(desk::START)), ..ClaimChange::default() };
    let refused = office.change_claim(&biller, note, &times).expect_err("the clinician's");
    assert!(matches!(refused, PracticeError::NotAllowed(_)), "{refused}");
    // What the biller changed stands for who treats the client, with the file's facts beside it.
    let seen = desk.practice.view_claim(&desk.actor, note).expect("the claim");
    assert_eq!(seen.billing.claim.codes.len(), 1);
    // Their keys open neither the note nor the client's file, whatever the policies say.
    let opened = |class: &str| office.vault().is_entitled(biller.keys(), class, &desk.client);
    assert!(opened("billing") && !opened("clinical") && !opened("administrative") && !opened("research"));
    assert!(office.show_note(&biller, note).is_err());
    assert!(office.prepare_release(&biller, note, ReleaseDates::Years).is_err());
}

#[test]
fn where_several_work_an_attestation_fills_the_claim_in_its_own_commit() {
    let mut desk = Desk::consented();
    let (mut office, biller) = colleague(&mut desk, Role::Biller);
    let session = desk.record();
    let text = desk.draft(&session, &Script::new().answering(NAMING)).expect("a draft");
    let note = text.note.as_str();
    // What the biller began stays.
    let fee = ClaimChange { fee_cents: Some(12_000), ..ClaimChange::default() };
    office.change_claim(&biller, note, &fee).expect("begun");
    desk.attest(&text).expect("attested");
    let kinds = desk.kinds();
    let attested = kinds.iter().rposition(|kind| kind == "note.attested").expect("an attestation");
    assert_eq!(kinds[attested + 1], "claim.changed");
    let NoteAsSeen::Claim(seen) = office.view_note(&biller, note).expect("the claim") else { panic!("a claim") };
    assert_eq!(seen.billing.claim.client_name.as_deref(), Some(CLIENT));
    assert_eq!(seen.billing.claim.clinician.as_deref(), Some("Dana Reyes"));
    assert_eq!(seen.billing.claim.fee_cents, Some(12_000));
    assert_eq!(desk.practice.prepare_claim(&desk.actor, note).expect("nothing to do"), None);
}

#[test]
fn who_works_alone_has_no_entry_for_a_claim_nobody_asked_for() {
    let (desk, _) = attested();
    assert_eq!(desk.count("claim.changed"), 0);
}

#[test]
fn a_biller_may_begin_a_claim_and_who_treats_the_client_fills_the_rest() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let (mut office, biller) = colleague(&mut desk, Role::Biller);
    let fee = ClaimChange { fee_cents: Some(12_000), ..ClaimChange::default() };
    let (seen, _) = office.change_claim(&biller, note, &fee).expect("begun");
    assert_eq!((seen.billing.claim.client_name, seen.billing.claim.fee_cents), (None, Some(12_000)));
    assert_eq!(seen.billing.claim.service_date.as_deref(), Some("2027-01-15"));
    let npi = ClaimChange { npi: Some("1234567893".to_owned()), ..ClaimChange::default() };
    let (seen, _) = desk.practice.change_claim(&desk.actor, note, &npi).expect("filled");
    assert_eq!(seen.billing.claim.client_name.as_deref(), Some(CLIENT));
    assert_eq!(seen.billing.claim.fee_cents, Some(12_000));
}

#[test]
fn a_researcher_sees_what_was_released_and_not_whose_it_is() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let (mut lab, researcher) = colleague(&mut desk, Role::Researcher);
    assert!(matches!(lab.view_note(&researcher, note), Err(PracticeError::NotFound { what: "release", .. })));
    assert!(lab.list_releases(&researcher).expect("none yet").is_empty());
    let prepared = prepare(&mut desk, note, ReleaseDates::Years);
    let confirmation = agreeing(&prepared);
    let (release, _) = desk.practice.confirm_release(&desk.actor, prepared, &confirmation).expect("released");
    let listed = lab.list_releases(&researcher).expect("listed");
    assert_eq!((&listed[0].release, &listed[0].origin), (&release, &None));
    let NoteAsSeen::Deidentified(seen) = lab.view_note(&researcher, note).expect("released") else {
        panic!("a release")
    };
    assert!(seen.origin.is_none());
    let shown = serde_json::to_string(&seen).expect("JSON");
    for word in [note, desk.client.as_str(), CLIENT, "Dana", "415-555-0133", "Bubba"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
    let opened = |class: &str| lab.vault().is_entitled(researcher.keys(), class, &desk.client);
    assert!(opened("research") && !opened("clinical") && !opened("administrative") && !opened("billing"));
    // The seed that leads back, and who confirmed, are sealed for who treats the client.
    assert!(lab.release_confirmation(&researcher, release.as_str()).is_err());
    assert!(lab.view_claim(&researcher, note).is_err());
    assert!(lab.take_back_release(&researcher, release.as_str()).is_err());
}

#[test]
fn who_needs_nothing_of_a_note_is_refused_and_that_is_an_entry() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    desk.practice.prepare_claim(&desk.actor, note).expect("a claim");
    for role in [Role::FrontDesk, Role::ComplianceOfficer, Role::Auditor] {
        let (mut other, actor) = colleague(&mut desk, role);
        let before = other.log().size().expect("the log reads");
        let refused = other.view_note(&actor, note).expect_err("nothing of a note");
        assert!(matches!(refused, PracticeError::Denied { .. }), "{role}: {refused}");
        assert!(other.view_claim(&actor, note).is_err() && other.view_release(&actor, note).is_err(), "{role}");
        assert!(other.list_claims(&actor).is_err() && other.list_releases(&actor).is_err(), "{role}");
        let entry = other.log().header(before).expect("an entry");
        assert_eq!(entry.kind, "access.refused", "{role}");
    }
}

#[test]
fn another_clinician_sees_nothing_of_the_note_before_they_treat_the_client() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let (mut room, clinician) = colleague(&mut desk, Role::Clinician);
    assert!(room.view_note(&clinician, note).is_err());
    assert!(room.view_claim(&clinician, note).is_err());
    assert!(room.list_claims(&clinician).expect("their own").is_empty());
    let client = desk.client.clone();
    desk.practice.assign(&desk.actor, &client, clinician.user().as_str()).expect("assigned");
    assert!(matches!(room.view_note(&clinician, note).expect("theirs"), NoteAsSeen::Full(_)));
    assert_eq!(room.list_claims(&clinician).expect("their own").len(), 1);
    // They know what the practice knows, and may release.
    let prepared = room.prepare_release(&clinician, note, ReleaseDates::Years).expect("prepared");
    let confirmation = agreeing(&prepared);
    room.confirm_release(&clinician, prepared, &confirmation).expect("released");
}

#[test]
fn a_supervisor_reads_the_note_and_not_the_transcript_that_the_client_did_not_agree_to() {
    let (mut desk, text) = attested();
    let note = text.note.as_str();
    let (mut room, supervisor) = colleague(&mut desk, Role::Supervisor);
    assert!(room.view_note(&supervisor, note).is_err());
    let owner = desk.actor.user().to_string();
    desk.practice
        .supervise(&desk.actor, supervisor.user().as_str(), &owner, true)
        .expect("answers for the owner's work");
    let NoteAsSeen::Full(seen) = room.view_note(&supervisor, note).expect("a supervisee's") else { panic!("the note") };
    assert!(seen.cited.is_none() && seen.text.warnings.iter().all(|warning| warning.quote.is_empty()));
    assert!(!seen.text.sections[0].sentences[0].text.is_empty());
}
