//! `provenote demo`, with the small drafting model: the whole story, told and as a document.

use std::fs;

use provenote_tests::{Place, files, text};

#[test]
fn the_demo_does_the_whole_job_and_names_the_altered_entry() {
    let place = Place::new();
    let told = place.json(&["demo", "--out", "show"]);
    for key in ["note", "ledger", "pdfs", "verify"] {
        assert!(!told[key].is_null(), "{key}");
    }
    let pdfs = told["pdfs"].as_array().expect("paths");
    assert_eq!(pdfs.len(), 4);
    for pdf in pdfs {
        let bytes = fs::read(text(pdf)).unwrap_or_else(|error| panic!("{pdf}: {error}"));
        assert!(bytes.starts_with(b"%PDF-"), "{pdf}");
    }
    assert!(fs::read(text(&told["ledger"])).expect("the ledger").starts_with(b"SQLite format 3"));
    assert_eq!(told["verify"]["verdict"], "intact");
    assert!(text(&told["refused"]).contains("declined"));
    let altered = &told["altered"];
    let entry = altered["entry"].as_u64().expect("an entry");
    assert_ne!(altered["verify"]["verdict"], "intact");
    assert!(altered["verify"]["findings"].as_array().expect("findings").iter().any(|finding| finding["seq"] == entry));

    // The practice it leaves is a practice like any other.
    let out = place.work().join("show");
    let (home, passphrase) =
        (out.join("practice").display().to_string(), out.join("passphrase.txt").display().to_string());
    let inside = |args: &[&str]| place.json(&[&["--home", &home, "--passphrase-file", &passphrase], args].concat());
    assert_eq!(inside(&["ledger", "verify"])["verdict"], "intact");
    let note = text(&told["note"]);
    let shown = inside(&["note", "show", &note]);
    assert_eq!(shown["state"], "attested");
    let trace = inside(&["note", "trace", &note]);
    let kinds: Vec<_> =
        trace["entries"].as_array().expect("entries").iter().map(|entry| text(&entry["kind"])).collect();
    for kind in [
        "consent.granted",
        "session.recorded",
        "prompt.sent",
        "output.received",
        "note.attested",
        "record.destroyed",
        "note.exported",
    ] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} is missing in {kinds:?}");
    }
    assert!(files::holding(&out.join("practice"), "Alvarez").is_empty());

    // A folder that holds something is left alone.
    let before = files::files(&out).len();
    assert!(place.fails(1, &["demo", "--out", "show"]).contains("not empty"));
    assert_eq!(files::files(&out).len(), before);
}
