//! Consent taken back: what it stops, what it forbids, what becomes of what is there, and that no moment lies between
//! the gate's word and the entry that rests on it.

mod desk;

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::{Arc, Barrier};

use desk::{CLIENT, Catalogue, DAY, Desk, Hand, Place, START, Script, draft, revoking, sound};
use provenote_consent::AfterWithdrawal;
use provenote_consent::withdrawal::{Effect, Fate, Thing, Why};
use provenote_practice::PracticeError;
use provenote_practice::consents::SessionAsked;
use provenote_practice::notes::{Export, edit_text};
use provenote_practice::sessions::{AudioState, Opened};
use provenote_schemas::Purpose;
use provenote_schemas::note::Origin;
use provenote_schemas::people::ParticipantRole;

fn gate<T: std::fmt::Debug>(outcome: Result<T, PracticeError>) {
    assert!(matches!(outcome, Err(PracticeError::Gate { .. })), "{outcome:?}");
}

fn fate(effects: &[Effect], thing: Thing) -> Vec<&Fate> {
    effects.iter().filter(|effect| effect.thing == thing).map(|effect| &effect.fate).collect()
}

#[test]
fn wherever_an_engine_is_a_withdrawal_stops_it_and_leaves_nothing_made_after_it() {
    for place in Place::ALL {
        let mut desk = Desk::consented();
        let session = desk.record();
        let other = RefCell::new(Some(desk.drivers.process(7, desk.clock.clone())));
        let client = desk.client.clone();
        let script = Script::new().calling(move |reached| {
            if reached == place
                && let Some((mut practice, actor)) = other.borrow_mut().take()
            {
                practice.consent_revoke(&actor, &client, &revoking(CLIENT, &[], None)).expect("the withdrawal");
            }
        });
        gate(desk.draft(&session, &script));
        let kinds = desk.kinds();
        let revoked = kinds.iter().position(|kind| kind == "consent.revoked").expect("it is in the ledger");
        let made = ["transcript.received", "prompt.sent", "output.received", "draft.made", "worker.started"];
        let after: Vec<&String> = kinds[revoked..].iter().filter(|kind| made.contains(&kind.as_str())).collect();
        assert!(after.is_empty(), "{place:?}: {after:?}");
        assert_eq!(kinds.last().map(String::as_str), Some("draft.refused"), "{place:?}");
        let before_prompt = [Place::LoadingSpeech, Place::Hearing, Place::Heard];
        assert_eq!(desk.count("transcript.received"), usize::from(!before_prompt.contains(&place)), "{place:?}");
        // What an engine said is not waited for: but for the moments when its answer was already there, it was ended.
        let ended = usize::from(!matches!(place, Place::Heard | Place::Written));
        assert_eq!(desk.count("worker.failed"), ended, "{place:?}: {kinds:?}");
    }
}

#[test]
fn a_draft_of_before_can_be_neither_edited_nor_attested_nor_exported_until_somebody_signs_anew() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    let (note, edited) = (text.note.as_str(), edit_text(&text).replace("six", "five"));
    let done = desk.revoke(CLIENT, None);
    assert!(done.destroyed.is_empty() && done.checkpoint.contains('\n'));
    gate(desk.practice.note_to_edit(&desk.actor, note, &Catalogue));
    gate(desk.practice.edit_note(&desk.actor, note, &edited, &Catalogue));
    gate(desk.practice.attest_note(&desk.actor, note, &Catalogue));
    let left = desk.practice.export_note(&desk.actor, note, Export::Json, |_| Ok(Vec::new()));
    assert!(matches!(left, Err(PracticeError::NotAllowed(_))));
    gate(desk.draft(&session, &Script::new()));
    gate(desk.record_with(&[]));
    assert_eq!((desk.count("draft.refused"), desk.count("session.refused")), (4, 1), "each refusal is an entry");
    let refusal = desk.log().into_iter().rfind(|header| header.refs.contains_key("note")).expect("a refusal");
    assert_eq!((refusal.kind.as_str(), refusal.refs["note"].as_str()), ("draft.refused", note));
    // A new signature opens again: for new sessions, and for what is still there.
    desk.later(1_000);
    desk.form("ai-notes");
    desk.sign(CLIENT);
    desk.record();
    desk.draft(&session, &Script::new()).expect("the recording still exists");
    let attested = desk.attest(&text).expect("the draft still exists");
    assert!(attested.consent_statement[0].contains("signed the consent"), "{:?}", attested.consent_statement);
}

#[test]
fn an_attested_note_stays_and_can_be_added_to_and_handed_out() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    desk.attest(&text).expect("a note");
    let done = desk.revoke(CLIENT, Some(AfterWithdrawal::DestroyNow));
    assert_eq!(fate(&done.effects, Thing::Note), [&Fate::Kept { why: Why::ClinicalRecord }]);
    assert_eq!(fate(&done.effects, Thing::Recording), [&Fate::DestroyedNow]);
    let note = text.note.as_str();
    desk.practice.amend_note(&desk.actor, note, "Moved to Friday.").expect("an amendment");
    let (bytes, ..) =
        desk.practice.export_note(&desk.actor, note, Export::Markdown, |_| Ok(Vec::new())).expect("an export");
    let file = String::from_utf8(bytes).expect("text");
    assert!(file.contains("## Consent (from the practice's records)\n\nThe client signed the consent"), "{file}");
    // What was said of consent at attestation stays; what the model wrote of it is nowhere.
    assert!(!file.contains("consented to the recording"), "{file}");
}

#[test]
fn what_is_destroyed_now_goes_with_receipts_and_what_falls_due_later_stays_unused() {
    for choice in [AfterWithdrawal::DestroyNow, AfterWithdrawal::KeepUntilDue] {
        let mut desk = Desk::consented();
        let session = desk.record();
        desk.draft(&session, &Script::new()).expect("a draft");
        desk.practice.configure(&desk.actor, "consent_after_withdrawal", "destroy_now").expect("a setting");
        desk.practice.backup_created(&desk.actor).expect("a backup");
        let before = desk.log().len();
        let request = revoking(CLIENT, &[], Some(choice));
        let foreseen = desk.practice.withdrawal_effects(&desk.actor, &desk.client, &request).expect("a preview");
        assert_eq!(desk.log().len(), before, "a preview does nothing");
        let done = desk.practice.consent_revoke(&desk.actor, &desk.client, &request).expect("the withdrawal");
        assert_eq!(done.effects, foreseen, "what was shown is what is done");
        let now = choice == AfterWithdrawal::DestroyNow;
        for thing in [Thing::Recording, Thing::Transcript, Thing::PromptsAndOutputs, Thing::Draft] {
            match fate(&done.effects, thing).as_slice() {
                [Fate::DestroyedNow] => assert!(now, "{thing:?}"),
                [Fate::DestroyedBy { due }] => {
                    assert!(!now && due.millis() == START + 7 * DAY, "{thing:?} by {due}");
                }
                other => panic!("{thing:?}: {other:?}"),
            }
        }
        assert_eq!(fate(&done.effects, Thing::Backup), [&Fate::Kept { why: Why::EndsByItself }]);
        assert_eq!(fate(&done.effects, Thing::ConsentRecord), [&Fate::Kept { why: Why::Proof }]);
        assert!(fate(&done.effects, Thing::RunningWork).is_empty(), "nothing runs");
        assert_eq!(done.destroyed.len(), if now { 2 } else { 0 });
        let log = desk.log();
        for (receipt, class) in done.destroyed.iter().zip(["audio", "working_papers"]) {
            let header = &log[usize::try_from(*receipt).expect("small")];
            assert_eq!((header.kind.as_str(), header.refs["session"].as_str()), ("record.destroyed", session.as_str()));
            let facts = format!("{:?}", header.facts);
            assert!(facts.contains("consent_withdrawn") && facts.contains(class), "{facts}");
        }
        let shown = desk.practice.show_transcript(&desk.actor, &session);
        assert_eq!(matches!(shown, Err(PracticeError::Destroyed { .. })), now, "{shown:?}");
        assert_eq!(desk.drivers.blobs.0.lock().expect("blobs").is_empty(), now, "the recording's ciphertext");
        let state = desk.practice.show_session(&desk.actor, &session).expect("the session").audio;
        assert_eq!(state, if now { AudioState::Destroyed } else { AudioState::Sealed });
        // No word of it stands in the header: the words and the list are sealed.
        let entry = &log[usize::try_from(done.seq).expect("small")];
        let names: Vec<&str> = entry.payloads.iter().map(|payload| payload.name.as_str()).collect();
        assert_eq!((entry.kind.as_str(), names), ("consent.revoked", vec!["withdrawal", "effects", "words"]));
        assert!(!format!("{:?}{:?}", entry.facts, entry.refs).contains("any more"));
    }
}

#[test]
fn without_a_choice_the_policy_of_the_practice_decides() {
    let mut desk = Desk::consented();
    let session = desk.record();
    desk.practice.configure(&desk.actor, "consent_after_withdrawal", "destroy_now").expect("a setting");
    let done = desk.revoke(CLIENT, None);
    assert_eq!(fate(&done.effects, Thing::Recording), [&Fate::DestroyedNow]);
    assert!(desk.practice.show_session(&desk.actor, &session).expect("the session").audio == AudioState::Destroyed);
    let copy = desk.practice.withdrawal_printed(&desk.actor, &done, b"%PDF").expect("an entry");
    assert_eq!(
        desk.log().last().map(|header| (header.seq, header.kind.clone())),
        Some((copy, "consent.printed".into()))
    );
}

#[test]
fn a_destruction_that_a_crash_cut_off_is_carried_out_at_the_next_run() {
    let mut desk = Desk::consented();
    desk.record();
    // Keys and recording as they were before, as after a crash between the entry and the deed.
    let keys = desk.drivers.keys.0.lock().expect("keys").clone();
    let blobs = desk.drivers.blobs.0.lock().expect("blobs").clone();
    let done = desk.revoke(CLIENT, Some(AfterWithdrawal::DestroyNow));
    assert_eq!(done.destroyed.len(), 1);
    let left = desk.drivers.keys.0.lock().expect("keys").len();
    desk.drivers.keys.0.lock().expect("keys").extend(keys);
    desk.drivers.blobs.0.lock().expect("blobs").extend(blobs);
    let (mut practice, actor) = desk.drivers.process(9, desk.clock.clone());
    assert_eq!(practice.finish_destructions(&actor).expect("the rest"), 1);
    assert!(desk.drivers.blobs.0.lock().expect("blobs").is_empty());
    assert_eq!(desk.drivers.keys.0.lock().expect("keys").len(), left);
    assert_eq!(practice.finish_destructions(&actor).expect("nothing"), 0);
}

#[test]
fn one_persons_withdrawal_bears_on_the_sessions_they_were_in() {
    let mut desk = Desk::with(None, &[("Jon Alvarez", ParticipantRole::Partner)]);
    desk.form("group-couple-family");
    desk.sign(CLIENT);
    desk.sign("Jon Alvarez");
    let alone = desk.record_with(&[CLIENT.to_owned()]).expect("a session of the client alone");
    let both = desk.record();
    let done = desk.revoke("Jon Alvarez", Some(AfterWithdrawal::DestroyNow));
    let ids: Vec<&str> =
        done.effects.iter().filter(|one| one.thing == Thing::Recording).map(|one| one.id.as_str()).collect();
    assert_eq!(ids, [both.as_str()]);
    gate(desk.draft(&both, &Script::new()));
    desk.draft(&alone, &Script::new()).expect("his withdrawal is not about the session without him");
    gate(desk.record_with(&[]));
}

#[test]
fn a_purpose_taken_back_leaves_what_is_kept_for_another() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let done = desk.revoke_for(CLIENT, &[Purpose::Training], Some(AfterWithdrawal::DestroyNow));
    assert_eq!(fate(&done.effects, Thing::Recording), [&Fate::Kept { why: Why::OtherPurpose }]);
    assert!(done.destroyed.is_empty());
    let entry = &desk.log()[usize::try_from(done.seq).expect("small")];
    assert!(entry.facts.contains_key("purpose.training"), "{:?}", entry.facts);
    desk.draft(&session, &Script::new()).expect("nothing of the notes was taken back");
    let done = desk.revoke_for(CLIENT, &[Purpose::AiNotes], Some(AfterWithdrawal::DestroyNow));
    assert_eq!(fate(&done.effects, Thing::Recording), [&Fate::DestroyedNow]);
    gate(desk.draft(&session, &Script::new()));
}

#[test]
fn work_that_runs_is_on_the_list_and_stopped() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let (client, listed) = (desk.client.clone(), Rc::new(RefCell::new(Vec::new())));
    let (other, told) = (RefCell::new(Some(desk.drivers.process(7, desk.clock.clone()))), Rc::clone(&listed));
    let script = Script::new().calling(move |reached| {
        if reached == Place::Hearing
            && let Some((mut practice, actor)) = other.borrow_mut().take()
        {
            let request = revoking(CLIENT, &[], Some(AfterWithdrawal::DestroyNow));
            let done = practice.consent_revoke(&actor, &client, &request).expect("the withdrawal");
            *told.borrow_mut() = done.effects;
        }
    });
    gate(desk.draft(&session, &script));
    assert_eq!(fate(&listed.borrow(), Thing::RunningWork), [&Fate::Stopped]);
    assert_eq!(fate(&listed.borrow(), Thing::Recording), [&Fate::DestroyedNow]);
    assert!(fate(&listed.borrow(), Thing::Transcript).is_empty(), "there is none, and none comes to be");
    assert_eq!(desk.count("transcript.received"), 0);
}

#[test]
fn a_withdrawal_while_a_recording_is_sealed_leaves_nothing_of_it() {
    let mut desk = Desk::consented();
    let keys = desk.drivers.keys.0.lock().expect("keys").len();
    let (mut practice, actor) = desk.drivers.process(7, desk.clock.clone());
    let client = desk.client.clone();
    let mut withdrawn = false;
    let long = move || {
        let Opened { blocks, source_sha256, .. } = sound(4);
        let blocks = blocks.enumerate().map(move |(second, block)| {
            if second == 2 && !withdrawn {
                withdrawn = true;
                practice.consent_revoke(&actor, &client, &revoking(CLIENT, &[], None)).expect("the withdrawal");
            }
            block
        });
        Ok(Opened { blocks: Box::new(blocks), source_sha256, expected_s: None })
    };
    let asked = SessionAsked::default();
    gate(
        desk.practice
            .add_session(&desk.actor, &desk.client, &asked, &Catalogue, long, &mut |_, _| ControlFlow::Continue(())),
    );
    assert!(desk.drivers.blobs.0.lock().expect("blobs").is_empty());
    assert_eq!(desk.drivers.keys.0.lock().expect("keys").len(), keys, "no key of it is left");
    assert_eq!((desk.count("session.recorded"), desk.count("session.refused")), (0, 1));
}

#[test]
fn entries_of_others_between_the_gate_and_the_draft_do_not_hinder_it() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let other = RefCell::new(desk.drivers.process(7, desk.clock.clone()));
    let script = Script::new().calling(move |_| {
        let (practice, actor) = &mut *other.borrow_mut();
        practice.list_clients(actor).expect("an entry");
    });
    desk.draft(&session, &script).expect("a draft");
    assert_eq!((desk.count("client.viewed"), desk.count("draft.made")), (Place::ALL.len(), 1));
}

/// Two processes on one database, one drafting and one withdrawing: they are let go together at every step of the work,
/// and more often at the last one, where only the two commits are left to race.
#[test]
fn revoke_and_draft_at_the_same_moment_never_yield_a_draft_after_the_withdrawal() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut desk = Desk::with(Some(folder.path().join("ledger")), &[]);
    desk.form("ai-notes");
    let rounds: Vec<Place> = Place::ALL.into_iter().chain([Place::Written; 4]).collect();
    for (round, place) in (0_u64..).zip(rounds) {
        desk.later(1_000);
        desk.sign(CLIENT);
        let session = desk.record();
        let (now, from) = (desk.clock.0.get(), desk.log().len());
        let together = Arc::new(Barrier::new(2));
        let outcome = std::thread::scope(|scope| {
            let hand = || Hand(Rc::new(Cell::new(now)));
            let drafting = scope.spawn({
                let (drivers, session, together) = (desk.drivers.clone(), session.clone(), Arc::clone(&together));
                move || {
                    let (mut practice, actor) = drivers.process(100 + round, hand());
                    let script = Script::new().calling(move |reached| {
                        if reached == place {
                            together.wait();
                        }
                    });
                    draft(&mut practice, &actor, &session, &script).map(|text| text.note)
                }
            });
            let (mut practice, actor) = desk.drivers.process(10_000 + round, hand());
            let choice = if round % 2 == 0 { AfterWithdrawal::DestroyNow } else { AfterWithdrawal::KeepUntilDue };
            together.wait();
            practice
                .consent_revoke(&actor, &desk.client, &revoking(CLIENT, &[], Some(choice)))
                .expect("the withdrawal");
            drafting.join().expect("it does not panic")
        });
        let kinds: Vec<String> = desk.log().into_iter().skip(from).map(|header| header.kind).collect();
        let revoked = kinds.iter().position(|kind| kind == "consent.revoked").expect("it is in the ledger");
        let made = kinds.iter().position(|kind| kind == "draft.made");
        match outcome {
            Ok(_) => assert!(made.is_some_and(|made| made < revoked), "{place:?}: {kinds:?}"),
            Err(PracticeError::Gate { .. }) => assert_eq!(made, None, "{place:?}: {kinds:?}"),
            Err(error) => panic!("{place:?}: {error}"),
        }
        let used = ["transcript.received", "prompt.sent", "output.received"];
        assert!(!kinds[revoked..].iter().any(|kind| used.contains(&kind.as_str())), "{place:?}: {kinds:?}");
    }
}

#[test]
fn the_models_own_words_on_consent_are_taken_out_and_the_records_speak_instead() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    let [removed] = text.removed.as_slice() else { panic!("{:?}", text.removed) };
    assert_eq!((removed.section.as_str(), &removed.rest), ("Subjective", &None));
    assert_eq!(removed.text, "The client consented to the recording of the session.");
    assert_eq!(text.sections[0].sentences.len(), 1);
    assert!(text.consent_statement[0].starts_with("The client signed the consent to recording"), "{text:?}");
    assert!(text.consent_statement.iter().all(|sentence| !sentence.contains("Alvarez")), "people stand there by role");
    let made = desk.log().into_iter().find(|header| header.kind == "draft.made").expect("the draft");
    assert_eq!(made.facts.get("claims_removed"), Some(&provenote_ledger::Fact::Number(1)));
    // The clinician's own sentence stays, and is pointed out.
    let own = "The client gave written consent to the recording of this session.";
    let edited = edit_text(&text).replace("## Objective\n", &format!("## Objective\n{own}\n"));
    let note = text.note.as_str();
    let (view, _) =
        desk.practice.edit_note(&desk.actor, note, &edited, &Catalogue).expect("an edit").expect("a change");
    assert_eq!(view.text.sections[1].sentences[0].origin, Origin::Clinician);
    assert_eq!(view.text.doubts.iter().map(|doubt| doubt.text.as_str()).collect::<Vec<_>>(), [own]);
    desk.later(DAY);
    let attested = desk.attest(&view.text).expect("a note");
    assert_eq!(attested.sections[1].sentences[0].text, own);
    assert_eq!((attested.doubts.len(), attested.removed.len()), (1, 1));
    let day = |text: &[String]| text.iter().any(|sentence| sentence.contains("2027-01-16"));
    assert!(!day(&view.text.consent_statement) && day(&attested.consent_statement), "as of the attestation");
}
