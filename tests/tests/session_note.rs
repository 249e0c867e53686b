//! The main job with the real engines: from a recording to an attested, exported note, and what is left of it.
//!
//! One practice is drafted in once; each test works on a copy of it.

use std::fs;
use std::sync::OnceLock;

use provenote_schemas::Digest;
use provenote_tests::{Place, audio, files, has, root, text};
use serde_json::{Value, json};

const CLIENT: &str = "Maria Alvarez";

/// A practice with one drafted session.
struct Drafted {
    place: Place,
    session: String,
    note: String,
    draft: Value,
}

impl Drafted {
    fn copied(&self) -> Place {
        self.place.copied()
    }
}

/// The part of the demo's session that speaks of danger, a dose and side effects.
fn recording() -> Vec<f32> {
    audio::piece(&root().join("fixtures/demo/session.flac"), 58, 86)
}

fn drafted() -> &'static Drafted {
    static DRAFTED: OnceLock<Drafted> = OnceLock::new();
    DRAFTED.get_or_init(|| {
        let place = Place::founded();
        place.consenting(CLIENT);
        let file = place.file("session.wav", &audio::wav(&recording()));
        let added = place.json(&["session", "add", CLIENT, &file]);
        assert_eq!(added["duration_s"], 28.0);
        assert_eq!(added["sha256"], Digest::of(&fs::read(&file).expect("the recording")).to_string().as_str());
        let session = text(&added["session"]);
        let draft = place.json(&["note", "draft", &session, "--format", "soap"]);
        Drafted { session, note: text(&draft["note"]), draft, place }
    })
}

fn sentences(note: &Value) -> Vec<Value> {
    let sections = note["sections"].as_array().expect("sections");
    sections.iter().flat_map(|section| section["sentences"].as_array().expect("sentences").clone()).collect()
}

fn seq(entry: &Value) -> u64 {
    entry["seq"].as_u64().expect("a sequence number")
}

/// A text that a clinician would write over the draft: it does not speak of any danger.
const EDITED: &str = "## Subjective\n\
    Client takes sertraline, fifty milligrams, in the morning. \n\
    ## Objective\n\
    Client arrived on time and was oriented.\n\
    ## Assessment\n\
    Anxiety is lower than two weeks ago.\n\
    ## Plan\n\
    Next session in a week.\n";

#[test]
fn the_transcript_holds_what_was_said() {
    let place = drafted().copied();
    let transcript = place.json(&["transcript", "show", &drafted().session]);
    let segments = transcript["segments"].as_array().expect("segments");
    let mut end = 0.0;
    for (number, segment) in segments.iter().enumerate() {
        assert_eq!(segment["id"], number + 1);
        let (from, to) = (segment["start_s"].as_f64().expect("a time"), segment["end_s"].as_f64().expect("a time"));
        assert!(from >= end - 0.5 && to >= from && to <= 28.5, "{segment}");
        end = to;
        assert_eq!(segment["speaker"], Value::Null, "nobody knows who spoke");
    }
    let said = segments.iter().map(|segment| text(&segment["text"]).to_lowercase()).collect::<Vec<_>>().join(" ");
    for word in ["harming yourself", "suicide", "milligrams", "side effects"] {
        assert!(said.contains(word), "{word} was not heard in: {said}");
    }
    assert_eq!(place.newest("transcript.viewed")["refs"]["session"], drafted().session.as_str());
    place.verify();
}

#[test]
fn a_draft_names_what_each_sentence_rests_on() {
    let Drafted { draft, session, .. } = drafted();
    for key in ["note", "state", "sections", "warnings"] {
        assert!(!draft[key].is_null(), "{key}");
    }
    assert_eq!(draft["state"], "draft");
    assert_eq!(draft["session"], session.as_str());
    let names: Vec<_> =
        draft["sections"].as_array().expect("sections").iter().map(|section| text(&section["name"])).collect();
    assert_eq!(names, ["Subjective", "Objective", "Assessment", "Plan"]);
    let sentences = sentences(draft);
    assert!(!sentences.is_empty());
    for sentence in &sentences {
        for key in ["text", "origin", "segments", "support"] {
            assert!(!sentence[key].is_null(), "{key} in {sentence}");
        }
        assert_eq!(sentence["origin"], "model");
        assert!(["supported", "weak", "unsupported"].contains(&text(&sentence["support"]).as_str()));
    }
    // What a recording cannot show is left to the clinician.
    assert!(draft["sections"][1]["for_clinician"].is_string());
    // What was said of suicide is not lost, whatever the model wrote.
    let warnings = draft["warnings"].as_array().expect("warnings");
    assert!(
        warnings.iter().any(|warning| warning["danger"] == "suicide" || warning["danger"] == "self_harm"),
        "{warnings:?}"
    );
}

#[test]
fn what_the_model_was_given_and_answered_is_in_the_ledger_before_it_is_used() {
    let place = drafted().copied();
    let of = |kind: &str| place.newest(kind);
    let chain = [
        "session.recorded",
        "worker.started",
        "transcription.requested",
        "transcript.received",
        "prompt.sent",
        "output.received",
        "draft.made",
    ];
    let mut before = 0;
    for kind in chain {
        let entry = if kind == "worker.started" { place.entries(&["--kind", kind])[0].clone() } else { of(kind) };
        assert!(seq(&entry) > before, "{kind} comes too early");
        before = seq(&entry);
    }
    let (prompt, output, draft) = (of("prompt.sent"), of("output.received"), of("draft.made"));
    for entry in [&prompt, &output, &draft] {
        for fact in
            ["engine", "engine_version", "worker_sha256", "model", "model_sha256", "sandbox", "isolated", "threads"]
        {
            assert!(!entry["facts"][fact].is_null(), "{fact} is missing in {}", entry["kind"]);
        }
        assert_eq!(entry["facts"]["isolated"], true);
        assert_eq!(entry["facts"]["model_sha256"], "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
    }
    for fact in ["template", "sampler", "seed", "max_tokens"] {
        assert!(!prompt["facts"][fact].is_null(), "{fact}");
    }
    assert_eq!(output["facts"]["prompt"], prompt["seq"], "the answer names its question");

    let opened = place.json(&["ledger", "show", &seq(&prompt).to_string()]);
    let asked = &opened["opened"]["prompt"];
    let shown = text(&asked["prompt"]);
    assert!(asked["schema"].is_object() && asked["sampler"]["seed"] == prompt["facts"]["seed"]);
    for message in asked["messages"].as_array().expect("messages") {
        assert!(shown.contains(text(&message["content"]).trim()), "each message is in the exact prompt");
    }
    let transcript = place.json(&["transcript", "show", &drafted().session]);
    for segment in transcript["segments"].as_array().expect("segments") {
        assert!(shown.contains(&text(&segment["text"])), "segment {} is not in the prompt", segment["id"]);
    }
    // The raw output is kept as it came: a sentence of the draft stands in it.
    let raw = place.json(&["ledger", "show", &seq(&output).to_string()]);
    let raw = raw["opened"]["output"].to_string();
    let first = text(&sentences(&drafted().draft)[0]["text"]);
    let words: Vec<&str> = first.split_whitespace().take(3).collect();
    assert!(raw.contains(&words.join(" ")), "{first} is not of {raw}");
    assert_eq!(place.newest("ledger.viewed")["facts"]["entry"], output["seq"]);
}

#[test]
fn a_draft_becomes_a_note_only_by_a_person() {
    let place = drafted().copied();
    let (note, session) = (drafted().note.as_str(), drafted().session.as_str());

    // A draft cannot leave.
    for file in ["note.pdf", "note.md", "note.txt", "note.json"] {
        let before = place.size();
        assert!(place.fails(1, &["note", "export", note, "-o", file]).contains("a draft cannot be exported"));
        assert!(!place.work().join(file).exists());
        assert_eq!(place.size(), before);
    }
    assert!(place.fails(1, &["note", "amend", note, "--text", "more"]).contains("is a draft"));

    // The clinician's text takes its place; what was said of danger is missing in it.
    let file = place.file("edited.md", EDITED.as_bytes());
    let edited = place.json(&["note", "edit", note, "--from", &file]);
    assert_eq!(edited["changed"], true);
    let origins: Vec<_> = sentences(&edited).iter().map(|sentence| text(&sentence["origin"])).collect();
    assert!(origins.iter().all(|origin| origin != "model"), "{origins:?}");
    let shown = place.json(&["ledger", "show", &edited["seq"].to_string()]);
    assert!(text(&shown["opened"]["difference"]["unified"]).contains("+Client arrived on time and was oriented."));
    assert_eq!(
        place.json(&["note", "edit", note, "--from", &file])["changed"],
        false,
        "the same text again is no edit"
    );

    let open: Vec<String> = edited["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .filter(|warning| warning["in_draft"] == false && warning["answer"].is_null())
        .map(|warning| text(&warning["id"]))
        .collect();
    assert!(!open.is_empty(), "{}", edited["warnings"]);
    let said = place.fails(1, &["note", "attest", note]);
    assert!(open.iter().all(|id| said.contains(id)), "{said}");
    assert!(place.entries(&["--kind", "note.attested"]).is_empty());
    for (args, why) in [([note, "w99", "No."], "no warning"), ([note, &open[0], " "], "empty")] {
        let said = place.fails(1, &[&["note", "answer"], &args[..]].concat());
        assert!(said.contains(why), "{said}");
    }
    for id in &open {
        place.done(&["note", "answer", note, id, "Asked as routine; client denied. No present risk."]);
    }
    // An answer outlives a later edit.
    let file = place.file("again.md", EDITED.replace("in a week", "on Tuesday").as_bytes());
    let again = place.json(&["note", "edit", note, "--from", &file]);
    assert!(
        again["warnings"]
            .as_array()
            .expect("warnings")
            .iter()
            .all(|w| w["in_draft"] == true || w["answer"].is_string()),
        "{}",
        again["warnings"]
    );

    // Keys that are held are not enough to attest.
    place.done(&["unlock"]);
    assert_eq!(place.run_locked(&["note", "show", note]).code, 0);
    let locked = place.run_locked(&["note", "attest", note]);
    assert_eq!(locked.code, 1, "{}", locked.out);
    place.done(&["lock"]);
    let attested = place.json(&["note", "attest", note]);
    assert_eq!(attested["state"], "attested");
    assert!(text(&attested["attestation"]["statement"]).contains("responsibility"));
    assert_eq!(attested["destroyed"][0]["class"], "audio");
    for args in [
        &["note", "attest", note][..],
        &["note", "edit", note, "--from", &file],
        &["note", "answer", note, &open[0], "x"],
    ] {
        assert!(place.fails(1, args).contains("attested"), "{args:?}");
    }

    // Export, each an entry that is there before the file.
    for file in ["note.pdf", "note.md", "note.txt", "note.json"] {
        let exported = place.json(&["note", "export", note, "-o", file]);
        let bytes = fs::read(place.work().join(file)).expect("the file");
        assert_eq!(exported["sha256"], Digest::of(&bytes).to_string().as_str());
        let entry = place.newest("note.exported");
        assert_eq!(entry["seq"], exported["seq"]);
        let shown = place.json(&["ledger", "show", &exported["seq"].to_string()]);
        assert_eq!(shown["opened"]["file_sha256"], exported["sha256"]);
        if file == "note.pdf" {
            assert!(bytes.starts_with(b"%PDF-"));
            continue;
        }
        let words = String::from_utf8(bytes).expect("text");
        assert!(words.contains("Client arrived on time and was oriented."), "{file}");
        let known: Value = serde_json::from_str(&words).unwrap_or(Value::Null);
        assert_eq!(known.is_object(), file == "note.json");
    }
    assert_eq!(place.entries(&["--kind", "note.exported"]).len(), 4);
    assert!(place.fails(1, &["note", "export", note, "-o", "note.md"]).contains("there already"));

    let amended = place.json(&["note", "amend", note, "--text", "Client called: next session moved to Friday."]);
    assert_eq!(amended["state"], "amended");
    place.done(&["note", "export", note, "-o", "amended.txt"]);
    let words = fs::read_to_string(place.work().join("amended.txt")).expect("the file");
    assert!(words.contains("moved to Friday") && words.contains("on Tuesday"), "what was attested stays");

    // Everything behind it, in order.
    let trace = place.json(&["note", "trace", note]);
    let kinds: Vec<_> =
        trace["entries"].as_array().expect("entries").iter().map(|entry| text(&entry["kind"])).collect();
    let mut at = 0;
    for kind in [
        "client.added",
        "consent.requested",
        "consent.granted",
        "session.recorded",
        "transcript.received",
        "prompt.sent",
        "output.received",
        "draft.made",
        "note.edited",
        "note.attested",
        "record.destroyed",
        "note.exported",
        "note.amended",
    ] {
        at += kinds[at..]
            .iter()
            .position(|found| found == kind)
            .unwrap_or_else(|| panic!("{kind} is missing in {kinds:?}"))
            + 1;
    }
    let report = place.json(&["report", "board", "-o", "board.pdf"]);
    assert_eq!(
        report["sha256"],
        Digest::of(&fs::read(place.work().join("board.pdf")).expect("the report")).to_string().as_str()
    );
    assert_eq!(place.json(&["session", "show", session])["audio"], "destroyed");
    place.verify();
}

#[test]
fn what_is_due_is_destroyed_and_the_log_still_verifies() {
    let place = drafted().copied();
    let (note, session) = (drafted().note.as_str(), drafted().session.as_str());
    let plan = place.json(&["retention", "plan"]);
    let due = plan["due"].as_array().expect("due");
    assert_eq!(due.len(), 2);
    for due in due {
        for key in ["record", "class", "at", "basis"] {
            assert!(!text(&due[key]).is_empty(), "{key}");
        }
        assert_eq!(due["now"], false);
        assert!(text(&due["basis"]).contains("verified"), "law and policy carry their mark");
    }
    assert_eq!(place.json(&["retention", "run"])["destroyed"], json!([]));

    let recorded = place.newest("session.recorded");
    let (audio_group, working) = (text(&recorded["refs"]["audio"]), text(&recorded["refs"]["working"]));
    let key = |group: &str| place.home().join("keys/groups").join(format!("{group}.json"));
    assert!(key(&audio_group).is_file() && key(&working).is_file());
    assert_eq!(files::files(&place.home().join("blobs")).len(), 1);
    let old = [fs::read(key(&audio_group)).expect("a key"), fs::read(key(&working)).expect("a key")];

    attest(&place, note);
    assert!(!key(&audio_group).exists());
    assert!(files::files(&place.home().join("blobs")).is_empty(), "the ciphertext goes with its key");
    let ran = place.json(&["retention", "run"]);
    assert_eq!(ran["destroyed"][0]["class"], "working_papers");
    assert_eq!(ran["destroyed"][0]["record"], session);
    assert!(ran["destroyed"][0]["bytes"].as_u64().is_some_and(|bytes| bytes > 1000));
    assert!(!key(&working).exists());

    // The receipts, and no byte of the old keys in any file.
    let receipts = place.entries(&["--kind", "record.destroyed"]);
    assert_eq!(receipts.iter().map(|entry| text(&entry["refs"]["group"])).collect::<Vec<_>>(), [audio_group, working]);
    for bytes in &old {
        let wrapped = text(&serde_json::from_slice::<Value>(bytes).map(|file| longest(&file)).expect("a key file"));
        for (file, found) in files::contents(&place.home()) {
            assert!(
                files::find(&found, wrapped.as_bytes()).is_none(),
                "{} still holds a destroyed key",
                file.display()
            );
        }
    }
    let gone = place.fails(1, &["transcript", "show", session]);
    assert!(gone.contains("destroyed"), "{gone}");
    let prompt = place.newest("prompt.sent");
    let shown = place.json(&["ledger", "show", &prompt["seq"].to_string()]);
    assert!(text(&shown["opened"]["prompt"]["withheld"]).contains("destroyed"));
    let draft = place.fails(1, &["note", "draft", session]);
    assert!(draft.contains("destroyed"), "{draft}");

    // The note is still there, and so is the proof.
    assert_eq!(place.json(&["note", "show", note])["state"], "attested");
    place.done(&["note", "export", note, "-o", "note.pdf"]);
    assert_eq!(place.json(&["retention", "plan"])["due"], json!([]));
    let report = place.verify();
    let destroyed = report["destroyed"].as_array().expect("a list");
    assert_eq!(destroyed.len(), 2, "the recording, and the working papers: {report:#}");
    assert!(destroyed.iter().all(|one| one["carried_out"] == true && one["receipt"].is_string()), "{report:#}");
}

/// The longest text in a key file: the wrapped key.
fn longest(file: &Value) -> Value {
    fn texts(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(text) => out.push(text.clone()),
            Value::Array(values) => values.iter().for_each(|value| texts(value, out)),
            Value::Object(map) => map.values().for_each(|value| texts(value, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    texts(file, &mut out);
    Value::String(out.into_iter().max_by_key(String::len).expect("a text"))
}

/// Edits, answers every open warning and attests.
fn attest(place: &Place, note: &str) -> Value {
    let file = place.file("edited.md", EDITED.as_bytes());
    let edited = place.json(&["note", "edit", note, "--from", &file]);
    for warning in edited["warnings"].as_array().expect("warnings") {
        if warning["in_draft"] == false {
            place.done(&["note", "answer", note, &text(&warning["id"]), "Asked as routine; client denied."]);
        }
    }
    place.json(&["note", "attest", note])
}

#[test]
fn a_restored_key_is_destroyed_again() {
    let place = drafted().copied();
    let backup = place.path().join("backup");
    files::copy_folder(&place.home().join("keys/groups"), &backup.join("groups"));
    files::copy_folder(&place.home().join("blobs"), &backup.join("blobs"));
    attest(&place, &drafted().note);
    place.done(&["retention", "run"]);
    let kept = files::files(&place.home());
    // A backup is put back over the folder, as after a crash between the entry and the act.
    files::copy_folder(&backup.join("groups"), &place.home().join("keys/groups"));
    files::copy_folder(&backup.join("blobs"), &place.home().join("blobs"));
    assert_ne!(files::files(&place.home()), kept);
    let ran = place.run(&["--json", "ledger", "verify"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.out.contains("fake_destruction"), "{}", ran.out);
    assert!(place.fails(1, &["transcript", "show", &drafted().session]).contains("destroyed"));
    place.done(&["retention", "run"]);
    assert_eq!(files::files(&place.home()), kept);
    assert_eq!(place.entries(&["--kind", "record.destroyed"]).len(), 2, "the act is repeated, its entry is not");
    place.verify();
}

#[test]
fn no_name_and_no_word_lies_in_the_clear() {
    let place = drafted().copied();
    place.done(&["note", "show", &drafted().note]);
    attest(&place, &drafted().note);
    place.done(&["note", "export", &drafted().note, "-o", "note.txt"]);
    place.done(&["unlock"]);
    // A reader that stays keeps SQLite's journal from being folded away.
    let reader = rusqlite::Connection::open(place.home().join("ledger.db")).expect("opens");
    let size: i64 = reader.query_row("SELECT size FROM head", [], |row| row.get(0)).expect("reads");
    assert!(size > 10);
    place.done(&["client", "add", "Noor Haddad", "--born", "1984-02-29"]);
    let journal = fs::metadata(place.home().join("ledger.db-wal")).map_or(0, |data| data.len());
    assert!(journal > 0, "the journal is searched too");
    for word in [
        CLIENT,
        "Alvarez",
        "Haddad",
        "1984-02-29",
        "Dana Reyes",
        "Elm Street",
        "sertraline",
        "milligrams",
        "suicide",
        "harming yourself",
        "oriented",
        "routine",
        provenote_tests::PASSPHRASE,
    ] {
        let found = files::holding(&place.home(), word);
        assert!(found.is_empty(), "`{word}` lies in the clear in {found:?}");
    }
    // The recording is not there either, in samples or as a file.
    let wav = audio::wav(&recording());
    for (file, bytes) in files::contents(&place.home()) {
        assert!(files::find(&bytes, &wav[20_000..20_064]).is_none(), "{} holds samples in the clear", file.display());
    }
    // The search can find: the exported file holds the words.
    assert!(!files::holding(&place.work(), "oriented").is_empty());
    let left = files::files(&place.path().join("run"));
    assert!(left.is_empty(), "the agent leaves no file: {left:?}");
    place.done(&["lock"]);
}

#[test]
fn silence_and_noise_yield_no_invented_text() {
    let place = Place::founded();
    place.consenting(CLIENT);
    for (name, samples) in [("silence.wav", audio::silence(12)), ("noise.wav", audio::noise(12))] {
        let file = place.file(name, &audio::wav(&samples));
        let session = text(&place.json(&["session", "add", CLIENT, &file])["session"]);
        let said = place.fails(1, &["note", "draft", &session]);
        assert!(said.contains("no speech"), "{name}: {said}");
        assert_eq!(place.json(&["transcript", "show", &session])["segments"], json!([]), "{name}");
    }
    assert!(place.entries(&["--kind", "prompt.sent"]).is_empty(), "nothing was asked of the drafting model");
    place.verify();
}

#[test]
fn a_file_that_is_no_recording_is_one_sentence_and_stores_nothing() {
    let place = Place::founded();
    place.consenting(CLIENT);
    let flac = fs::read(root().join("fixtures/demo/short.flac")).expect("the recording");
    let mut garbled = flac.clone();
    for byte in garbled.iter_mut().skip(30_000).step_by(3) {
        *byte = byte.wrapping_add(101);
    }
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty.wav", Vec::new()),
        ("words.wav", b"This is a letter and not a recording.\n".repeat(200)),
        ("header.wav", audio::wav(&[])),
        ("picture.mp3", fs::read(root().join("reports/tests/samples/drawn.png")).expect("a picture")),
        ("head.flac", flac[..60].to_vec()),
        ("garbled.flac", garbled),
        ("zeros.m4a", vec![0; 100_000]),
        ("film.mp4", fs::read(root().join("fixtures/audio/video-only.mp4")).expect("a film")),
    ];
    let stored = || (files::files(&place.home().join("blobs")), files::files(&place.home().join("keys")), place.size());
    let before = stored();
    for (name, bytes) in &cases {
        let file = place.file(name, bytes);
        let said = place.fails(1, &["session", "add", CLIENT, &file]);
        assert!(said.contains(name), "{name}: the file is named: {said}");
        assert_eq!(stored(), before, "{name} left something");
    }
    for missing in ["missing.wav", "."] {
        place.fails(1, &["session", "add", CLIENT, missing]);
    }
    assert_eq!(stored(), before);
    place.verify();
}

#[test]
fn the_formats_people_have_are_taken() {
    let place = Place::founded();
    place.consenting(CLIENT);
    for name in ["tone-44100-mono.mp3", "tone-44100-stereo.m4a", "tone-44100-stereo.ogg", "tone-48000-stereo-24.flac"] {
        let file = root().join("fixtures/audio").join(name).display().to_string();
        let added = place.json(&["session", "add", CLIENT, &file]);
        let duration = added["duration_s"].as_f64().expect("seconds");
        assert!((0.9..1.2).contains(&duration), "{name}: {duration}");
    }
    assert_eq!(place.json(&["session", "list", CLIENT])["sessions"].as_array().expect("sessions").len(), 4);
    place.verify();
}

#[test]
fn a_model_with_another_digest_is_refused_before_it_is_loaded() {
    let place = Place::founded();
    place.consenting(CLIENT);
    let file = place.file("talk.wav", &audio::wav(&audio::silence(2)));
    let session = text(&place.json(&["session", "add", CLIENT, &file])["session"]);
    let forged = place.models().join("ggml-silero-v6.2.0.bin");
    let mut bytes = fs::read(&forged).expect("a model");
    *bytes.last_mut().expect("bytes") ^= 1;
    fs::remove_file(&forged).expect("the link");
    fs::write(&forged, bytes).expect("a file");
    let said = place.fails(1, &["note", "draft", &session]);
    assert!(said.contains("SHA-256") || said.contains("digest"), "{said}");
    assert!(place.entries(&["--kind", "transcript.received"]).is_empty());
    fs::remove_file(&forged).expect("removed");
    let said = place.fails(1, &["note", "draft", &session]);
    assert!(said.contains("silero-vad"), "{said}");
    assert!(place.entries(&["--kind", "transcript.received"]).is_empty());
    place.verify();
}

#[test]
fn the_editor_gets_the_draft_in_memory_and_leaves_nothing() {
    let place = drafted().copied();
    let script = place.file(
        "editor.sh",
        b"#!/bin/sh\ncase \"$1\" in /dev/shm/provenote-*) ;; *) exit 9 ;; esac\n[ \"$(stat -c %a \"$1\")\" = 600 ] || exit 8\necho \"$1\" > edited-at\nprintf '\\n## Plan\\nNext session on Friday.\\n' >> \"$1\"\n",
    );
    let edit = |editor: &str| {
        let output =
            place.command(&["--json", "note", "edit", &drafted().note]).env("EDITOR", editor).output().expect("starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, out, err) = edit(&format!("sh {script}"));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("Next session on Friday."));
    let at = fs::read_to_string(place.work().join("edited-at")).expect("the editor ran");
    assert!(!std::path::Path::new(at.trim()).exists(), "the file is gone");
    let before = place.entries(&["--kind", "note.edited"]).len();
    let (code, _, err) = edit("false");
    assert_eq!(code, Some(1), "{err}");
    let (code, _, _) = edit("no-such-editor-anywhere");
    assert_eq!(code, Some(1));
    let (code, _, _) = edit("true");
    assert_eq!(code, Some(0), "nothing was changed");
    let (code, _, err) = edit("");
    assert_eq!(code, Some(1));
    assert!(err.contains("EDITOR"), "{err}");
    assert_eq!(place.entries(&["--kind", "note.edited"]).len(), before);
}

#[test]
fn a_text_that_does_not_fit_the_format_is_refused_with_its_line() {
    let place = drafted().copied();
    let before = place.entries(&["--kind", "note.edited"]).len();
    for (words, line) in [("Just words.\n", "line 1"), ("## Subjective\nFine.\n\n## Weather\nSunny.\n", "line 4")] {
        let file = place.file("wrong.md", words.as_bytes());
        let said = place.fails(1, &["note", "edit", &drafted().note, "--from", &file]);
        assert!(said.contains(line) && said.contains("Subjective"), "{said}");
    }
    let empty = place.file("empty.md", b"");
    place.done(&["note", "edit", &drafted().note, "--from", &empty]);
    // An empty note is not attested; the warnings are open again in any case.
    place.fails(1, &["note", "attest", &drafted().note]);
    assert_eq!(place.entries(&["--kind", "note.edited"]).len(), before + 1);
}

#[test]
fn the_printed_note_can_be_read_by_machines() {
    if !has("pdftotext") {
        eprintln!("skipped: pdftotext is not installed");
        return;
    }
    let place = drafted().copied();
    attest(&place, &drafted().note);
    place.done(&["note", "export", &drafted().note, "-o", "note.pdf"]);
    place.done(&["report", "board", "-o", "board.pdf"]);
    let words = |file: &str| {
        let output =
            std::process::Command::new("pdftotext").arg(place.work().join(file)).arg("-").output().expect("runs");
        String::from_utf8(output.stdout).expect("text").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let note = words("note.pdf");
    for word in ["Client arrived on time and was oriented.", CLIENT, "Dana Reyes, LCSW", &drafted().note] {
        assert!(note.contains(word), "{word} is not in the printed note");
    }
    let board = words("board.pdf");
    assert!(!board.contains("Alvarez"), "a board report knows pseudonyms only");
    for word in ["not legal advice", "cannot show"] {
        assert!(board.to_lowercase().contains(word), "{word} is not in the board report");
    }
    for text in [note, board] {
        assert!(!text.to_lowercase().contains("hipaa compliant"));
    }
}
