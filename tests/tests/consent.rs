//! The gate, from the outside: nothing of a session is kept unless everybody in it has agreed to what is done today.

use std::fs;

use provenote_tests::{Place, audio, files, text};
use serde_json::Value;

const NAME: &str = "Maria Alvarez";

fn status(place: &Place, client: &str) -> String {
    text(&place.json(&["consent", "status", client])["status"])
}

fn reasons(place: &Place, client: &str) -> String {
    let status = place.json(&["consent", "status", client]);
    status["reasons"].as_array().expect("reasons").iter().map(text).collect::<Vec<_>>().join("; ")
}

/// Adds a session that the gate must refuse: exit 4, one entry that says so, and nothing stored.
fn refused(place: &Place, client: &str, why: &str) -> String {
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(2)));
    let stored = |place: &Place| (files::files(&place.home().join("blobs")), files::files(&place.home().join("keys")));
    let (before, size) = (stored(place), place.size());
    let said = place.fails(4, &["session", "add", client, &talk]);
    assert!(said.contains(why), "{said}");
    assert_eq!(stored(place), before, "a refused session leaves no blob and no key");
    assert_eq!(place.size(), size + 1);
    let entry = place.newest("session.refused");
    assert_eq!(entry["facts"]["status"], why);
    assert_eq!(entry["refs"]["client"], client);
    assert_eq!(entry["payloads"], Value::Array(Vec::new()));
    said
}

fn passes(place: &Place, client: &str) -> String {
    let talk = place.file("talk.wav", &audio::wav(&audio::noise(2)));
    text(&place.json(&["session", "add", client, &talk])["session"])
}

#[test]
fn a_signature_opens_the_gate_and_a_withdrawal_closes_it() {
    let place = Place::founded();
    let client = place.client(NAME);
    assert_eq!(status(&place, &client), "missing");
    refused(&place, &client, "missing");

    let form = place.json(&["consent", "form", &client, "-o", "form.pdf"]);
    for key in ["consent", "template", "disclosure_digest", "file"] {
        assert!(!text(&form[key]).is_empty(), "{key}");
    }
    assert!(fs::read(place.work().join("form.pdf")).expect("the form").starts_with(b"%PDF-"));
    // A form that nobody signed is no consent.
    assert_eq!(status(&place, &client), "missing");
    refused(&place, &client, "missing");

    place.done(&["consent", "discuss", &client, "--participant", NAME, "--summary", "asked how long it is kept"]);
    let signed = place.json(&[
        "consent",
        "sign",
        &client,
        "--participant",
        "maria  ALVAREZ",
        "--typed",
        "Maria Alvarez",
        "-o",
        "signed.pdf",
    ]);
    assert_eq!(signed["consent"], form["consent"]);
    assert!(signed["seq"].is_u64() && signed["still_to_sign"] == 0);
    assert!(fs::read(place.work().join("signed.pdf")).expect("the copy").starts_with(b"%PDF-"));
    assert_eq!(status(&place, &client), "in_force");
    assert_eq!(reasons(&place, &client), "");
    let session = passes(&place, &client);
    let recorded = place.newest("session.recorded");
    assert_eq!(recorded["refs"]["session"], session.as_str());
    assert_eq!(recorded["refs"]["consent.0"], form["consent"], "the entry names the consent that opened the gate");

    place.done(&["consent", "revoke", &client, "--words", "I would rather not any more."]);
    assert_eq!(status(&place, &client), "revoked");
    refused(&place, &client, "revoked");
    // What was recorded before is not worked on either.
    let before = place.size();
    let said = place.fails(4, &["note", "draft", &session]);
    assert!(said.contains("revoked"), "{said}");
    assert_eq!(place.newest("draft.refused")["refs"]["session"], session.as_str());
    assert_eq!(place.size(), before + 1);

    // Consent can be given again, under a new form.
    place.consent(&client, NAME);
    assert_eq!(status(&place, &client), "in_force");
    passes(&place, &client);
    place.verify();
}

#[test]
fn a_change_in_substance_makes_a_consent_stale() {
    let place = Place::founded();
    let client = place.consenting(NAME);
    assert_eq!(status(&place, &client), "in_force");
    // Threads are no matter of consent.
    place.done(&["settings", "set", "threads", "2"]);
    assert_eq!(status(&place, &client), "in_force");
    for (name, other, back) in [
        ("audio_days", "30", "7"),
        ("working_days", "30", "7"),
        ("speech", "whisper-base", "whisper-tiny.en"),
        ("drafting", "smollm2-135m,qwen2.5-coder-1.5b", "smollm2-135m"),
        ("allow_no_sandbox", "true", "false"),
    ] {
        place.done(&["settings", "set", name, other]);
        assert_eq!(status(&place, &client), "stale", "{name}");
        assert!(!reasons(&place, &client).is_empty(), "{name}");
        refused(&place, &client, "stale");
        // The old form cannot be signed for the new facts.
        let said =
            place.fails(1, &["consent", "sign", &client, "--participant", NAME, "--typed", NAME, "-o", "late.pdf"]);
        assert!(said.contains("no longer tells"), "{name}: {said}");
        place.done(&["settings", "set", name, back]);
        assert_eq!(status(&place, &client), "in_force", "{name}: the facts are again what was agreed to");
    }
    assert!(!place.work().join("late.pdf").exists());
    place.verify();
}

#[test]
fn one_person_of_several_keeps_the_gate_closed() {
    let place = Place::founded();
    let added = place.json(&["client", "add", "Jon Park", "--participant", "Ana Park", "--guardian", "Old Park"]);
    let client = text(&added["client"]);
    place.done(&["consent", "form", &client, "-o", "form.pdf"]);
    for (number, name) in ["Jon Park", "Ana Park"].into_iter().enumerate() {
        let signed = place.json(&[
            "consent",
            "sign",
            &client,
            "--participant",
            name,
            "--typed",
            name,
            "-o",
            &format!("signed-{number}.pdf"),
        ]);
        assert_eq!(signed["still_to_sign"], 2 - number);
        assert_eq!(status(&place, &client), "incomplete");
        refused(&place, &client, "incomplete");
    }
    place.done(&["consent", "sign", &client, "--participant", "Old Park", "--typed", "Old Park", "-o", "signed.pdf"]);
    assert_eq!(status(&place, &client), "in_force");
    passes(&place, &client);
    place.done(&["consent", "revoke", &client, "--participant", "Ana Park"]);
    assert_eq!(status(&place, &client), "revoked");
    refused(&place, &client, "revoked");
    place.verify();
}

#[test]
fn a_refusal_is_recorded_and_holds() {
    let place = Place::founded();
    let client = place.client("Jon Park");
    place.done(&["consent", "form", &client, "-o", "form.pdf"]);
    let declined = place.json(&[
        "consent",
        "decline",
        &client,
        "--participant",
        "Jon Park",
        "--words",
        "Would rather not be recorded.",
    ]);
    assert!(declined["seq"].is_u64());
    assert_eq!(status(&place, &client), "declined");
    let said = refused(&place, &client, "declined");
    assert!(!said.contains("Jon"), "no name in an error: {said}");
    // The words are sealed, and whoever may read them can.
    let entry = place.newest("consent.declined");
    let shown = place.json(&["ledger", "show", &entry["seq"].to_string()]);
    assert_eq!(shown["opened"]["words"], "Would rather not be recorded.");
    assert!(files::holding(&place.home(), "rather not").is_empty());
    place.verify();
}

#[test]
fn nobody_signs_for_somebody_else() {
    let place = Place::founded();
    let added = place.json(&["client", "add", NAME, "--participant", "Ana Park"]);
    let client = text(&added["client"]);
    let nothing =
        place.fails(1, &["consent", "sign", &client, "--participant", NAME, "--typed", NAME, "-o", "signed.pdf"]);
    assert!(nothing.contains("make the form first"), "{nothing}");
    place.done(&["consent", "form", &client, "-o", "form.pdf"]);
    let picture = place.file("signature.png", b"GIF89a nothing of the sort");
    let scan = place.file("scan.pdf", b"\x89PNG nothing of the sort");
    let before = place.size();
    for (how, why) in [
        (&["--participant", NAME, "--typed", "Ana Park"][..], "not the name on the form"),
        (&["--participant", NAME, "--typed", "Dana Reyes, LCSW"], "clinician"),
        (&["--participant", NAME, "--typed", "Maria"], "not the name on the form"),
        (&["--participant", NAME, "--typed", ""], "empty"),
        (&["--participant", "Dana Reyes, LCSW", "--typed", "Dana Reyes, LCSW"], "nobody of that name"),
        (&["--participant", "Somebody Else", "--typed", "Somebody Else"], "nobody of that name"),
        (&["--participant", NAME, "--drawn", &picture], "no PNG"),
        (&["--participant", NAME, "--scan", &scan], "no PDF"),
        (&["--participant", NAME, "--drawn", "missing.png"], "could not be read"),
    ] {
        let said = place.fails(1, &[&["consent", "sign", &client], how, &["-o", "signed.pdf"]].concat());
        assert!(said.contains(why), "{how:?}: {said}");
        assert!(!place.work().join("signed.pdf").exists(), "{how:?}");
    }
    assert_eq!(place.size(), before, "no entry of what was not signed");
    assert_eq!(status(&place, &client), "missing");
    // The clinician cannot sign for a client of the same name by typing it.
    let namesake = place.client("dana reyes, lcsw");
    place.done(&["consent", "form", &namesake, "-o", "namesake.pdf"]);
    let said = place.fails(
        1,
        &[
            "consent",
            "sign",
            &namesake,
            "--participant",
            "Dana Reyes, LCSW",
            "--typed",
            "Dana Reyes, LCSW",
            "-o",
            "x.pdf",
        ],
    );
    assert!(said.contains("by hand"), "{said}");
}

#[test]
fn a_drawn_signature_and_a_scan_are_kept() {
    let place = Place::founded();
    let client = place.client(NAME);
    place.done(&["consent", "form", &client, "-o", "form.pdf"]);
    let drawn = provenote_tests::root().join("reports/tests/samples/drawn.png").display().to_string();
    place.done(&["consent", "sign", &client, "--participant", NAME, "--drawn", &drawn, "-o", "drawn.pdf"]);
    assert_eq!(status(&place, &client), "in_force");
    assert_eq!(place.newest("consent.granted")["facts"]["how"], "drawn");
    // A scan of the printed form, signed again on paper.
    let scan = place.work().join("form.pdf").display().to_string();
    place.done(&["consent", "sign", &client, "--participant", NAME, "--scan", &scan, "-o", "scanned.pdf"]);
    let entry = place.newest("consent.granted");
    assert_eq!(entry["facts"]["how"], "scan");
    let names: Vec<String> =
        entry["payloads"].as_array().expect("payloads").iter().map(|payload| text(&payload["name"])).collect();
    assert_eq!(names, ["grant", "signature"]);
    place.verify();
}

#[test]
fn the_text_that_was_shown_is_the_text_that_is_kept() {
    let place = Place::founded();
    let client = place.client(NAME);
    let form = place.json(&["consent", "form", &client, "-o", "form.md"]);
    let written = fs::read_to_string(place.work().join("form.md")).expect("the text");
    assert_eq!(provenote_schemas::Digest::of(written.as_bytes()).to_string(), text(&form["text_sha256"]));
    let entry = place.newest("consent.requested");
    let shown = place.json(&["ledger", "show", &entry["seq"].to_string()]);
    assert_eq!(shown["opened"]["form"]["text"], written.as_str());
    assert_eq!(entry["facts"]["disclosure_digest"], form["disclosure_digest"]);
    for fact in [
        "Whisper tiny, English",
        "OpenAI",
        "SmolLM2 135M",
        "Silero",
        NAME,
        "Elm Street Counseling",
        "Dana Reyes, LCSW",
        "7 days",
    ] {
        assert!(written.contains(fact), "the form does not tell {fact}");
    }
    for blank in ["{{", "{%", "____", "undefined", "TODO"] {
        assert!(!written.contains(blank), "the form has a blank: {blank}");
    }
    assert!(!written.to_lowercase().contains("hipaa compliant"));
    // A file that is there is not written over, and nothing is recorded.
    let before = place.size();
    assert!(place.fails(1, &["consent", "form", &client, "-o", "form.md"]).contains("there already"));
    assert_eq!(place.size(), before);
    assert_eq!(fs::read_to_string(place.work().join("form.md")).expect("the text"), written);
}

#[test]
fn a_consent_is_of_one_client() {
    let place = Place::founded();
    let (one, two) = (place.consenting(NAME), place.client("Jon Park"));
    // Another client's consent opens nothing here.
    assert_eq!(status(&place, &one), "in_force");
    refused(&place, &two, "missing");
    let all = place.json(&["consent", "status"]);
    let statuses: Vec<_> =
        all["clients"].as_array().expect("clients").iter().map(|client| text(&client["status"])).collect();
    assert_eq!(statuses, ["missing", "in_force"], "by name: Jon Park, Maria Alvarez");
}
