//! The other path: nobody is recorded, and the clinician dictates or types the note afterwards, with the same provenance.

mod desk;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use desk::{CLIENT, Catalogue, Desk, Script, draft, sound};
use provenote_consent::{AfterWithdrawal, Material, Particulars, Shared};
use provenote_ledger::Fact;
use provenote_practice::PracticeError;
use provenote_practice::bundles::BundleScope;
use provenote_practice::clients::NewPerson;
use provenote_practice::consents::{FormRequest, NoRequest, SessionAsked};
use provenote_practice::dictation::Dictated;
use provenote_practice::drafting::DraftRequest;
use provenote_practice::notes::Export;
use provenote_practice::retention::RecordClass;
use provenote_practice::sessions::{AudioState, Opened};
use provenote_schemas::note::{NoteText, Origin, Support};
use provenote_templates::Shelf as Templates;

const DICTATED: [&str; 5] = [
    "Subjective.",
    "The client slept badly and thought about killing herself on Monday.",
    "She consented to the recording of another session next month.",
    "Plan, the client will call the crisis line.",
    "We meet again on Tuesday.",
];

fn said(desk: &mut Desk, dictated: Dictated<'_>) -> Result<String, PracticeError> {
    let asked = SessionAsked::default();
    let (session, _) =
        desk.practice.dictate(&desk.actor, &desk.client, dictated, &asked, &mut |_, _| ControlFlow::Continue(()))?;
    Ok(session.session.to_string())
}

fn voice(desk: &mut Desk) -> Result<String, PracticeError> {
    said(desk, Dictated::Recording(Box::new(|| Ok(sound(2)))))
}

fn no(desk: &mut Desk, no_dictation: bool) {
    let request = NoRequest { participant: CLIENT, purposes: BTreeSet::new(), words: "No, thank you.", no_dictation };
    desk.practice.consent_decline(&desk.actor, &desk.client, &request).expect("a refusal");
}

fn told(text: &NoteText, section: usize) -> Vec<&str> {
    text.sections[section].sentences.iter().map(|sentence| sentence.text.as_str()).collect()
}

#[test]
fn after_a_no_the_clinician_dictates_and_every_step_is_in_the_ledger() {
    let mut desk = Desk::new();
    desk.form("ai-notes");
    no(&mut desk, false);
    assert!(matches!(desk.record_with(&[]), Err(PracticeError::Gate { .. })), "the client is not recorded");
    let session = voice(&mut desk).expect("the clinician's own voice");
    let script = Script::hearing(&DICTATED);
    let text = desk.draft(&session, &script).expect("a draft");
    assert!(script.asked.borrow().is_empty(), "no model drafts");
    assert_eq!(told(&text, 0), [DICTATED[1], DICTATED[2]]);
    assert_eq!(told(&text, 3), ["The client will call the crisis line.", DICTATED[4]]);
    let all: Vec<_> = text.sections.iter().flat_map(|section| &section.sentences).collect();
    assert!(all.iter().all(|one| one.origin == Origin::Clinician && one.support == Support::Clinician));
    assert!(all.iter().all(|one| one.segments.len() == 1), "each rests on what was heard");
    // Danger is looked for as in any session; the clinician's sentence on consent stays and is pointed out.
    assert!(!text.warnings.is_empty() && text.warnings.iter().all(|warning| warning.in_draft), "{:?}", text.warnings);
    assert!(text.removed.is_empty() && text.consent_statement.is_empty());
    assert_eq!(text.doubts.len(), 1);
    let kinds = desk.kinds();
    let steps = ["session.dictated", "worker.started", "transcription.requested", "transcript.received", "draft.made"];
    let order: Vec<usize> =
        steps.iter().map(|kind| kinds.iter().position(|found| found == kind).expect("each step is an entry")).collect();
    assert!(order.windows(2).all(|pair| pair[0] < pair[1]), "{kinds:?}");
    assert!(!kinds.contains(&"prompt.sent".to_owned()));
    let made = desk.log().into_iter().find(|header| header.kind == "draft.made").expect("the draft");
    assert!(!made.facts.contains_key("model") && !made.facts.contains_key("claims_removed"), "{:?}", made.facts);

    desk.attest(&text).expect("a note");
    let receipts = desk.practice.retention_run(&desk.actor, Some((&session, RecordClass::Audio))).expect("a run");
    assert_eq!(receipts.len(), 1, "the dictation goes when the note is attested, as any recording");
    let state = desk.practice.show_session(&desk.actor, &session).expect("the session");
    assert_eq!((state.audio, state.dictated), (AudioState::Destroyed, true));
    let note = text.note.as_str();
    let trace: Vec<String> =
        desk.practice.trace_note(&desk.actor, note).expect("a trace").into_iter().map(|entry| entry.kind).collect();
    assert!(steps.iter().all(|kind| trace.iter().any(|found| found == kind)), "{trace:?}");
    let (bytes, ..) =
        desk.practice.export_note(&desk.actor, note, Export::Text, |_| Ok(Vec::new())).expect("an export");
    let file = String::from_utf8(bytes).expect("text");
    assert!(file.contains("dictated by the clinician") && !file.contains("language model"), "{file}");
}

#[test]
fn without_headings_all_of_it_stands_in_the_first_section() {
    let mut desk = Desk::new();
    let session = voice(&mut desk).expect("a dictation needs no consent");
    let text =
        desk.draft(&session, &Script::hearing(&["She came on time.", "She talked about work."])).expect("a draft");
    assert_eq!(told(&text, 0), ["She came on time.", "She talked about work."]);
    assert!(text.sections[1..].iter().all(|section| section.sentences.is_empty()));
    assert!(text.sections[1].for_clinician.is_some(), "what is missing is asked for as in any draft");
}

#[test]
fn who_objects_to_dictation_is_heard_now_and_later() {
    let mut desk = Desk::new();
    let before = voice(&mut desk).expect("nobody objected yet");
    let keys = desk.drivers.keys.0.lock().expect("keys").len();
    no(&mut desk, true);
    let unopened = || -> Result<Opened, String> { panic!("it is not even opened") };
    let refused = said(&mut desk, Dictated::Recording(Box::new(unopened)));
    let Err(PracticeError::Gate { reasons, seq, .. }) = refused else { panic!("{refused:?}") };
    assert!(reasons.contains("dictation") && !reasons.contains("Alvarez"), "{reasons}");
    let entry = desk.log().into_iter().find(|header| header.seq == seq).expect("the refusal");
    assert_eq!(entry.kind, "session.refused");
    assert_eq!(entry.facts.get("objection"), Some(&Fact::Text("dictation".to_owned())));
    assert_eq!(desk.drivers.keys.0.lock().expect("keys").len(), keys);
    let late = desk.draft(&before, &Script::hearing(&DICTATED));
    assert!(matches!(late, Err(PracticeError::Gate { .. })), "{late:?}");
    assert_eq!((desk.count("transcript.received"), desk.count("draft.refused")), (0, 1));
    // Typed text is no matter of a program.
    let typed = said(&mut desk, Dictated::Text("She came on time.".to_owned())).expect("typed text is never refused");
    draft(&mut desk.practice, &desk.actor, &typed, &Script::new()).expect("a draft");
    // Who signs takes the objection back.
    desk.later(1_000);
    desk.form("ai-notes");
    desk.sign(CLIENT);
    voice(&mut desk).expect("nobody objects any more");
}

#[test]
fn typed_text_becomes_a_note_without_any_model() {
    let mut desk = Desk::new();
    let written = "## Subjective\nSlept badly (five hours),\nworried about work.\n\n## Plan\n- Call the doctor.\n";
    let session = said(&mut desk, Dictated::Text(written.to_owned())).expect("a session");
    let state = desk.practice.show_session(&desk.actor, &session).expect("the session");
    assert_eq!((state.audio, state.transcribed, state.duration_s), (AudioState::None, true, 0.0));
    let listed = desk.practice.list_sessions(&desk.actor, None).expect("a list");
    assert_eq!(listed.len(), 1);
    let with_model = DraftRequest { session: &session, format: "soap", model: Some("qwen2.5-coder-1.5b") };
    let refused = desk
        .practice
        .draft_note(&desk.actor, &with_model, &Script::new(), &Catalogue, &mut |_, _| ControlFlow::Continue(()));
    assert!(matches!(refused, Err(PracticeError::BadRequest(_))), "{refused:?}");
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    assert_eq!(told(&text, 0), ["Slept badly (five hours), worried about work."]);
    assert_eq!(told(&text, 3), ["Call the doctor."]);
    assert_eq!(desk.count("worker.started"), 0);
    desk.attest(&text).expect("a note");
    let (bytes, ..) = desk
        .practice
        .export_note(&desk.actor, text.note.as_str(), Export::Markdown, |_| Ok(Vec::new()))
        .expect("an export");
    assert!(String::from_utf8_lossy(&bytes).contains("No model took part in it"));
    let receipts = desk.practice.retention_run(&desk.actor, None).expect("a run");
    assert_eq!(receipts.iter().map(|receipt| receipt.class).collect::<Vec<_>>(), [RecordClass::WorkingPapers]);
    let nothing = said(&mut desk, Dictated::Text(" \n".to_owned()));
    assert!(matches!(nothing, Err(PracticeError::BadRequest(_))), "{nothing:?}");
}

/// A form that asks for something no session needs.
fn form_for_teaching(desk: &mut Desk) {
    let shared = Shared {
        what: vec![Material::Notes],
        who: vec!["students of the clinic's course".to_owned()],
        kept_days: 30,
        names_removed: true,
    };
    let request = FormRequest {
        client: &desk.client,
        template: Some("training"),
        lang: "en",
        particulars: Particulars { shared: Some(shared), ..Particulars::default() },
    };
    desk.practice.consent_form(&desk.actor, &request, &Templates::bundled(), &Catalogue).expect("a form");
}

#[test]
fn a_trace_and_a_bundle_tell_of_every_act_on_consent_that_bore_on_the_note() {
    let mut desk = Desk::new();
    desk.form("ai-notes");
    desk.practice.consent_offer(&desk.actor, &desk.client, CLIENT, None).expect("an offer");
    no(&mut desk, false);
    let partner = NewPerson { name: "Kim Park".to_owned(), ..NewPerson::default() };
    desk.practice.add_person(&desk.actor, &desk.client, &partner).expect("joins");
    form_for_teaching(&mut desk);
    let session = voice(&mut desk).expect("a dictation");
    let text = desk.draft(&session, &Script::hearing(&DICTATED)).expect("a draft");
    desk.attest(&text).expect("a note");
    // None of this can have borne on the note.
    desk.later(1_000);
    desk.revoke(CLIENT, None);
    desk.practice.remove_person(&desk.actor, &desk.client, "Kim Park").expect("leaves");

    let log = desk.log();
    let seqs =
        |kind: &str| -> Vec<u64> { log.iter().filter(|header| header.kind == kind).map(|header| header.seq).collect() };
    let first = |kind| seqs(kind)[0];
    let behind: Vec<u64> = [
        "client.added",
        "consent.requested",
        "consent.offered",
        "consent.declined",
        "client.changed",
        "session.dictated",
        "draft.made",
        "note.attested",
    ]
    .map(first)
    .into();
    let not_behind = [first("consent.revoked"), seqs("consent.requested")[1], seqs("client.changed")[1]];
    let note = text.note.as_str();
    let trace = desk.practice.trace_note(&desk.actor, note).expect("a trace");
    let scope = BundleScope::Note(note.to_owned());
    let plan = desk.practice.bundle_plan(&desk.actor, &scope, &[]).expect("a plan");
    let in_trace: Vec<u64> = trace.iter().map(|entry| entry.seq).collect();
    let in_bundle: Vec<u64> = plan.entries().iter().map(|entry| entry.seq).collect();
    for told in [&in_trace, &in_bundle] {
        assert!(behind.iter().all(|seq| told.contains(seq)), "{behind:?} are not all among {told:?}");
        assert!(not_behind.iter().all(|seq| !told.contains(seq)), "one of {not_behind:?} is among {told:?}");
        assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "in the order of the ledger: {told:?}");
    }
    // What people said is shown; the clinician's voice is a voice.
    let shown = |seq: u64| -> Vec<&str> {
        plan.disclosed().iter().filter(|one| one.seq == seq).map(|one| one.name.as_str()).collect()
    };
    assert_eq!(shown(first("consent.offered")), ["offer"]);
    assert_eq!(shown(first("consent.declined")), ["refusal", "words"]);
    assert_eq!(shown(first("client.changed")), ["client"]);
    let held = plan.withheld().iter().find(|held| held.name == "audio").expect("the dictation is listed");
    assert_eq!((held.seq, held.reason.as_str()), (first("session.dictated"), "recording"));
}

#[test]
fn a_withdrawal_that_destroyed_something_stands_beside_the_receipt() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    desk.attest(&text).expect("a note");
    desk.later(1_000);
    let done = desk.revoke(CLIENT, Some(AfterWithdrawal::DestroyNow));
    assert!(!done.destroyed.is_empty());
    let trace = desk.practice.trace_note(&desk.actor, text.note.as_str()).expect("a trace");
    for seq in done.destroyed.iter().chain([&done.seq]) {
        assert!(trace.iter().any(|entry| entry.seq == *seq), "{seq} is missing: {trace:?}");
    }
}
