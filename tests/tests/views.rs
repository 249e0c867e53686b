//! What each role sees of a note, with the real program: the note, its claim, a text without identifiers, or a refusal.

use std::sync::OnceLock;

use provenote_tests::people::Person;
use provenote_tests::{Place, sentence, text};
use serde_json::{Value, json};

const CLIENT: &str = "Maria Alvarez";

/// What the clinician typed. It names the client, a brother by a nickname, an employer, a town, a date and a number.
const TYPED: &str = "Subjective. Maria Alvarez slept about six hours and called Bubba on March 3, 2026. She works at the \
    Sunrise in Galena and can be reached at 415-555-0133.\nObjective. She arrived on time and was oriented.\nAssessment. \
    The worry is lower than two weeks ago.\nPlan. The client takes sertraline fifty milligrams every day.\n";

/// Words of the note that neither a claim nor a released text may hold.
const NAMES: [&str; 8] = ["Alvarez", "Bubba", "Sunrise", "Galena", "March", "555-0133", "Elm Street", "Reyes"];

/// Words of the note that say what it is about.
const SAID: [&str; 4] = ["sertraline", "slept", "worry", "oriented"];

/// A practice of five, with an attested note and a draft.
struct Office {
    place: Place,
    owner: String,
    client: String,
    kim: Person,
    sam: Person,
    lab: Person,
    desk: Person,
    note: String,
    draft: String,
}

/// A note of what was typed; nothing is drafted by a model.
fn typed(place: &Place, owner: &str, client: &str) -> String {
    let file = place.file("typed.txt", TYPED.as_bytes());
    let session = text(&place.json(&["--as", owner, "session", "dictate", client, "--text", &file])["session"]);
    text(&place.json(&["--as", owner, "note", "draft", &session])["note"])
}

fn office() -> &'static Office {
    static OFFICE: OnceLock<Office> = OnceLock::new();
    OFFICE.get_or_init(|| {
        let place = Place::founded();
        let founder = place.founder_without_factors();
        let owner = founder.user.clone();
        let client = text(&place.json(&["client", "add", CLIENT, "--born", "1984-02-29"])["client"]);
        let kim = place.colleague(&founder, "kim", "clinician");
        let sam = place.colleague(&founder, "sam", "biller");
        let lab = place.colleague(&founder, "lab", "researcher");
        let desk = place.colleague(&founder, "desk", "front_desk");
        let note = typed(&place, &owner, &client);
        place.json(&["--as", &owner, "note", "attest", &note]);
        let draft = typed(&place, &owner, &client);
        Office { place, owner, client, kim, sam, lab, desk, note, draft }
    })
}

impl Office {
    fn copied(&self) -> Place {
        self.place.copied()
    }

    /// Runs as the owner, who must get what is asked for.
    fn own(&self, place: &Place, args: &[&str]) -> Value {
        place.json(&[&["--as", &self.owner], args].concat())
    }

    /// Runs as the owner, who must get this code and one sentence.
    fn own_fails(&self, place: &Place, code: i32, args: &[&str]) -> String {
        place.fails(code, &[&["--as", &self.owner], args].concat())
    }
}

/// Runs as somebody: exit code, standard output, standard error.
fn run(place: &Place, who: &Person, args: &[&str]) -> (i32, String, String) {
    let ran = place.run_as(who, args);
    (ran.code, ran.out, ran.err)
}

/// Runs as somebody who must get what is asked for.
fn sees(place: &Place, who: &Person, args: &[&str]) -> Value {
    let (code, out, err) = run(place, who, &[&["--json"], args].concat());
    assert_eq!(code, 0, "{args:?}: {err}");
    serde_json::from_str(&out).expect("a document")
}

/// Runs as somebody who must get this code and one sentence.
fn fails(place: &Place, who: &Person, code: i32, args: &[&str]) -> String {
    let (got, out, err) = run(place, who, args);
    assert_eq!(got, code, "{args:?}: {out}{err}");
    sentence(args, &err)
}

/// Runs as somebody who must be refused, with an entry that names the act and them.
fn refused(place: &Place, who: &Person, act: &str, args: &[&str]) {
    let before = place.entries(&["--kind", "access.refused"]).len();
    fails(place, who, 4, args);
    let entries = place.entries(&["--kind", "access.refused"]);
    assert_eq!(entries.len(), before + 1, "{args:?}");
    let entry = entries.last().expect("an entry");
    assert_eq!((&entry["facts"]["act"], &entry["actor"]), (&json!(act), &json!(who.user)), "{args:?}");
}

fn has_none_of(shown: &str, words: &[&str]) {
    for word in words {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn a_biller_sees_the_claim_and_no_word_of_the_note() {
    let office = office();
    let place = office.copied();
    let (note, sam) = (office.note.as_str(), &office.sam);

    // The claim was filled in the commit of the attestation: the biller opens no file.
    let attested = place.newest("note.attested")["seq"].as_u64().expect("a number");
    assert_eq!(place.newest("claim.changed")["seq"], attested + 1);
    let seen = sees(&place, sam, &["note", "show", note]);
    assert_eq!((&seen["view"], &seen["state"]), (&json!("claim"), &json!("attested")));
    assert_eq!(seen["claim"]["client_name"], CLIENT);
    assert_eq!(seen["claim"]["birth_date"], "1984-02-29");
    assert_eq!(seen["claim"]["clinician"], "Dana Reyes, LCSW");
    has_none_of(&seen.to_string(), &SAID);
    let (_, printed, _) = run(&place, sam, &["note", "show", note]);
    assert!(printed.contains(CLIENT) && printed.contains("not entered: the codes"), "{printed}");
    has_none_of(&printed, &SAID);
    has_none_of(&printed, &["Bubba", "Sunrise", "Galena", "555-0133"]);
    assert_eq!(place.newest("claim.viewed")["actor"], sam.user.as_str());

    // Of a draft, how far it is.
    let seen = sees(&place, sam, &["note", "show", &office.draft]);
    assert_eq!(seen, json!({ "view": "status", "note": office.draft, "state": "draft" }));
    let listed = sees(&place, sam, &["claim", "list"]);
    assert_eq!(listed["claims"].as_array().expect("claims").len(), 2, "{listed}");
    assert_eq!(sees(&place, sam, &["note", "list"])["notes"], json!([]));

    // What is a biller's to change, and what is the clinician's.
    let change = ["claim", "change", note, "--cpt", "90837=1", "--npi", "1234567893", "--fee", "150.00"];
    let seen = sees(&place, sam, &change);
    assert_eq!((&seen["changed"], &seen["claim"]["fee_cents"]), (&json!(true), &json!(15_000)));
    assert_eq!(sees(&place, sam, &change)["changed"], false);
    let times = ["--start", "2026-11-21T14:00-06:00", "--stop", "2026-11-21T14:45-06:00", "--diagnosis", "f41.1"];
    fails(&place, sam, 1, &[&["claim", "change", note], &times[..]].concat());
    let seen = office.own(&place, &[&["claim", "change", note], &times[..]].concat());
    assert_eq!(seen["claim"]["start"], "2026-11-21T20:00:00.000Z");
    assert_eq!(seen["claim"]["codes"], json!([{ "code": "90837", "units": 1 }]));
    assert_eq!(seen["questions"][0]["time_does_not_fit"]["least"], 53, "{seen:#}");
    let said = office.own_fails(&place, 1, &["claim", "change", note, "--diagnosis", "worried"]);
    assert!(said.contains("ICD-10-CM") && !said.contains("worried"), "{said}");
    let file = place.file("claim.json", b"{\"policy\": \"Acme HMO 17\", \"diagnoses\": []}");
    let seen = office.own(&place, &["claim", "change", note, "--from", &file]);
    assert_eq!((&seen["claim"]["policy"], &seen["claim"]["diagnoses"]), (&json!("Acme HMO 17"), &json!([])));
    let file = place.file("wrong.json", b"{\"mood\": \"anxious\"}");
    let said = office.own_fails(&place, 1, &["claim", "change", note, "--from", &file]);
    assert!(!said.contains("anxious") && !said.contains("mood"), "{said}");
    assert_eq!(place.run(&["--as", &office.owner, "claim", "change", note]).code, 2, "nothing to change");
    assert_eq!(place.run(&["--as", &office.owner, "claim", "change", note, "--fee", "lots"]).code, 2);

    // Everything else is refused, as an entry.
    refused(&place, sam, "make_release", &["release", "prepare", note]);
    refused(&place, sam, "view_client", &["client", "show", &office.client]);
    refused(&place, sam, "export_note", &["note", "export", note, "-o", "note.txt"]);
    let verified = office.own(&place, &["ledger", "verify"]);
    assert_eq!((&verified["verdict"], &verified["findings"]), (&json!("intact"), &json!([])), "{verified:#}");
}

#[test]
fn who_needs_nothing_of_a_note_is_refused_and_that_is_an_entry() {
    let office = office();
    let place = office.copied();
    let note = office.note.as_str();
    for who in [&office.desk, &office.kim] {
        refused(&place, who, "view_note", &["note", "show", note]);
        refused(&place, who, "view_claim", &["claim", "show", note]);
        refused(&place, who, "edit_claim", &["claim", "change", note, "--fee", "1"]);
        refused(
            &place,
            who,
            "make_release",
            &["release", "make", note, "--as-read", "0", "--statement-file", "kim.txt"],
        );
    }
    // Another clinician is one more who sees the whole note as soon as they treat the client.
    office.own(&place, &["access", "assign", &office.client, &office.kim.user]);
    let seen = sees(&place, &office.kim, &["note", "show", note]);
    assert_eq!(seen["view"], "full");
    assert!(seen.to_string().contains("sertraline"));
    assert_eq!(sees(&place, &office.kim, &["claim", "show", note])["claim"]["client_name"], CLIENT);
}

#[test]
fn a_researcher_sees_what_a_person_released_and_nothing_once_it_was_taken_back() {
    let office = office();
    let place = office.copied();
    let (note, lab) = (office.note.as_str(), &office.lab);
    let made = || place.entries(&["--kind", "release.made"]).len();
    fails(&place, lab, 1, &["note", "show", note]);
    assert_eq!(sees(&place, lab, &["release", "list"])["releases"], json!([]));

    // What the practice tells goes from the text; each preparation of it has the same mark.
    let before = office.own(&place, &["release", "prepare", note]);
    assert!(before["withheld"].is_null() && text(&before["statement"]).contains("no actual knowledge"), "{before:#}");
    assert_eq!(before["mark"], office.own(&place, &["release", "prepare", note])["mark"]);
    let names = ["--relative", "Hector Alvarez / Bubba", "--employer", "Sunrise", "--place", "Galena"];
    let known = office.own(&place, &[&["client", "know", &office.client], &names[..]].concat());
    assert_eq!(known["known"]["people"], json!([["Hector Alvarez", "Bubba"]]));
    assert_eq!(office.own(&place, &["client", "know", &office.client])["known"], known["known"]);
    let prepared = office.own(&place, &["release", "prepare", note]);
    assert_eq!(prepared["mark"], office.own(&place, &["release", "prepare", note])["mark"]);
    let cleaned = prepared["text"]["sections"].to_string();
    has_none_of(&cleaned, &NAMES);
    assert!(cleaned.contains("sertraline") && cleaned.contains("[date:2026]"), "{cleaned}");
    assert!(prepared["text"]["removed"]["A"].as_u64().is_some_and(|names| names >= 3), "{prepared:#}");
    assert!(!prepared["cautions"].as_array().expect("cautions").is_empty());

    // Nobody's word, other words, another text: nothing is released.
    let statement = place.file("statement.txt", text(&prepared["statement"]).replace(". ", ".\n").as_bytes());
    let other = place.file("other.txt", b"I agree.\n");
    let mark = text(&prepared["mark"]);
    office.own_fails(&place, 1, &["release", "make", note]);
    office.own_fails(&place, 1, &["release", "make", note, "--as-read", &mark, "--statement-file", &other]);
    let stale = ["release", "make", note, "--as-read", "0000000000000000", "--statement-file", &statement];
    let said = office.own_fails(&place, 1, &stale);
    assert!(said.contains("release prepare"), "{said}");
    office.own_fails(&place, 1, &["release", "prepare", &office.draft]);
    assert_eq!(made(), 0);

    let make = ["release", "make", note, "--as-read", &mark, "--statement-file", &statement];
    let released = office.own(&place, &make);
    let release = text(&released["release"]);
    assert_eq!(place.newest("release.made")["seq"], released["seq"]);

    // The researcher, and what leads nowhere.
    assert_eq!(sees(&place, lab, &["release", "list"]), json!({ "releases": [{ "release": release }] }));
    for args in [&["release", "show", &release][..], &["note", "show", note]] {
        let seen = sees(&place, lab, args);
        assert_eq!(seen["view"], "deidentified");
        let shown = seen.to_string();
        has_none_of(&shown, &NAMES);
        has_none_of(&shown, &[note, &office.client]);
        let (_, printed, _) = run(&place, lab, args);
        assert!(printed.contains("sertraline") && printed.contains("Taken out"), "{printed}");
        has_none_of(&printed, &NAMES);
        has_none_of(&printed, &[note, &office.client]);
    }
    assert_eq!(place.newest("release.viewed")["actor"], lab.user.as_str());
    refused(&place, lab, "make_release", &["release", "confirmation", &release]);
    refused(&place, lab, "make_release", &["release", "take-back", &release]);
    refused(&place, lab, "view_claim", &["claim", "show", note]);
    refused(&place, &office.sam, "view_release", &["release", "show", &release]);
    refused(&place, &office.desk, "add_client", &["client", "know", &office.client]);

    // Who treats the client sees where it comes from, and who answers for it.
    assert_eq!(office.own(&place, &["release", "show", &release])["origin"]["note"], note);
    let confirmed = office.own(&place, &["release", "confirmation", &release]);
    assert_eq!((&confirmed["statement"], &confirmed["user"]), (&prepared["statement"], &json!(office.owner)));

    // Moved dates need somebody's determination.
    let shifted = office.own(&place, &["release", "prepare", note, "--dates", "shifted"]);
    assert!(text(&shifted["expert_determination"]["citation"]).contains("164.514(b)(1)"));
    let statement = place.file("moved.txt", text(&shifted["statement"]).as_bytes());
    let mark = text(&shifted["mark"]);
    let make = ["release", "make", note, "--dates", "shifted", "--as-read", &mark, "--statement-file", &statement];
    office.own_fails(&place, 1, &make);
    let moved = office.own(&place, &[&make[..], &["--determination", "Dr. Okafor, 2026-12-01"]].concat());
    assert_eq!(
        office.own(&place, &["release", "confirmation", &text(&moved["release"])])["determination"],
        "Dr. Okafor, 2026-12-01"
    );

    // Taken back.
    let seq = office.own(&place, &["release", "take-back", &release])["seq"].clone();
    let receipt = place.newest("record.destroyed");
    assert_eq!((&receipt["seq"], &receipt["facts"]["class"]), (&seq, &json!("release")));
    assert_eq!(receipt["facts"]["basis"], "taken_back");
    let said = fails(&place, lab, 1, &["release", "show", &release]);
    assert!(said.contains("destroyed"), "{said}");
    assert_eq!(sees(&place, lab, &["release", "list"])["releases"].as_array().map(Vec::len), Some(1));

    // What is left of all this goes with the client, under its own name.
    let args = ["client", "destroy", &office.client, "--reason", "client_request", "--before-retention-ends", "--yes"];
    let receipts = office.own(&place, &args)["receipts"].clone();
    let classes: Vec<String> =
        receipts.as_array().expect("receipts").iter().map(|receipt| text(&receipt["class"])).collect();
    assert!(classes.contains(&"claim".to_owned()) && classes.contains(&"release".to_owned()), "{classes:?}");
    assert!(!classes.contains(&"other".to_owned()), "{classes:?}");
    let verified = office.own(&place, &["ledger", "verify"]);
    assert_eq!((&verified["verdict"], &verified["findings"]), (&json!("intact"), &json!([])), "{verified:#}");
}
