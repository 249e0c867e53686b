//! The audit trail with the real program and several people: looking through it, handing it out, who opened a file, what was
//! disclosed, holds, incidents, the periodic review, the report, and how long it is kept.

use std::fs;

use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_schemas::{Digest, Time};
use provenote_tests::drivers::{Counted, Moved, QUICK, elm_street};
use provenote_tests::files::pdf_words;
use provenote_tests::people::Person;
use provenote_tests::{PASSPHRASE, Place, text};
use serde_json::{Value, json};

const CLIENT: &str = "Maria Alvarez";

/// A practice with an owner who treats one client, and colleagues of other roles.
struct Office {
    place: Place,
    owner: Person,
    kim: Person,
    sam: Person,
    cora: Person,
    client: String,
}

fn office() -> Office {
    let place = Place::founded();
    let owner = place.founder_without_factors();
    let client = place.client(CLIENT);
    let [kim, sam, cora] = [("Kim", "clinician"), ("Sam", "biller"), ("Cora", "compliance_officer")]
        .map(|(name, role)| place.colleague(&owner, name, role));
    Office { place, owner, kim, sam, cora, client }
}

impl Office {
    fn log(&self, who: &Person, filter: &[&str]) -> Vec<Value> {
        let log = self.place.json_as(who, &[&["ledger", "log"], filter].concat());
        log["entries"].as_array().expect("entries").clone()
    }

    fn newest(&self, kind: &str) -> Value {
        self.log(&self.owner, &["--kind", kind]).pop().unwrap_or_else(|| panic!("no entry {kind}"))
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.place.work().join(name)).expect("the file")
    }
}

#[test]
fn the_trail_is_looked_through_and_handed_out_by_those_who_may() {
    let office = office();
    let Office { place, owner, kim, sam, cora, client } = &office;
    assert_eq!(place.try_as(kim, &["client", "show", client]).0, 4);
    place.json_as(owner, &["client", "show", client]);

    // By whom, of whom, with what outcome, of what kinds, of what type, when.
    let kims = office.log(owner, &["--actor", &kim.user]);
    assert!(!kims.is_empty() && kims.iter().all(|entry| entry["actor"] == kim.user.as_str()), "{kims:#?}");
    let refused = office.log(owner, &["--outcome", "refused", "--client", client]);
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!((&refused[0]["kind"], &refused[0]["event"]), (&json!("access.refused"), &json!("view")));
    assert_eq!(refused[0]["role"], "clinician");
    let kinds = office.log(owner, &["--kind", "user.added", "--kind", "client.added"]);
    assert_eq!(kinds.len(), 5, "{kinds:#?}");
    let views = office.log(owner, &["--client", CLIENT, "--event", "view", "--outcome", "allowed"]);
    assert!(views.iter().any(|entry| entry["kind"] == "client.viewed"), "{views:#?}");
    assert!(office.log(owner, &["--until", "2026-01-01"]).is_empty());
    assert!(office.log(owner, &["--since", "2099-01-01"]).is_empty());
    assert!(office.log(owner, &["--device", "dev-0000000000000000"]).is_empty());
    let looked = office.newest("ledger.viewed");
    assert!(looked["facts"]["query_sha256"].is_string(), "looking is an entry: {looked:#}");
    for (option, word) in [("--kind", "note.eaten"), ("--event", "glance"), ("--outcome", "maybe"), ("--since", "soon")]
    {
        assert_eq!(place.run_as(owner, &["ledger", "log", option, word]).code, 2, "{option} {word}");
    }
    assert_eq!(place.try_as(sam, &["ledger", "log"]).0, 4, "a biller has no business in it");
    assert!(!office.log(cora, &[]).is_empty());

    // Each format; what is in the file is what its entry has the digest of, and no name is in it.
    for (file, format) in [("trail.ndjson", "fhir"), ("trail.jsonl", "ocsf"), ("trail.csv", "csv")] {
        let made = place.json_as(cora, &["ledger", "export", "-o", file]);
        assert_eq!((&made["format"], &made["file"]), (&json!(format), &json!(file)));
        let written = office.file(file);
        let entry = office.newest("trail.exported");
        assert_eq!(entry["seq"], made["seq"]);
        assert_eq!(entry["facts"]["sha256"], Digest::of(written.as_bytes()).to_string().as_str());
        let lines = written.lines().count() as u64 - u64::from(format == "csv");
        assert_eq!(Some(lines), made["entries"].as_u64());
        for name in ["Alvarez", "Reyes", "Kim"] {
            assert!(!written.contains(name), "{name} stands in the {format} file");
        }
        for line in written.lines().filter(|_| format != "csv") {
            let event: Value = serde_json::from_str(line).expect("a JSON object a line");
            assert!(event["resourceType"] == "AuditEvent" || event["class_uid"].is_u64(), "{event:#}");
        }
    }
    let asked =
        ["ledger", "export", "--client", client, "--outcome", "refused", "--format", "csv", "-o", "refused.txt"];
    assert_eq!(place.json_as(cora, &asked)["entries"], 1);
    assert!(office.file("refused.txt").contains("access.refused"));
    assert_eq!(place.run_as(owner, &["ledger", "export", "-o", "trail.docx"]).code, 2, "no such format");
    assert_eq!(place.run_as(owner, &["ledger", "export", "-o", "trail.csv"]).code, 1, "it is there already");
    assert_eq!(place.try_as(kim, &["ledger", "export", "-o", "kim.csv"]).0, 4);
    assert!(!place.work().join("kim.csv").exists());
}

#[test]
fn a_practice_of_one_looks_at_headers_without_a_passphrase() {
    let place = Place::founded();
    let client = place.client(CLIENT);
    let size = place.size();
    let shown = place.run_locked(&["--json", "ledger", "log", "--client", &client, "--event", "create"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("client.added"), "{}", shown.out);
    assert_eq!(place.size(), size, "and it is no entry");
    assert_eq!(place.run_locked(&["ledger", "log", "--client", CLIENT]).code, 1, "a name is looked for with keys");
    assert_eq!(place.entries(&["--client", CLIENT, "--kind", "client.added"]).len(), 1);
}

#[test]
fn a_client_is_shown_who_opened_the_file_and_what_was_disclosed() {
    let office = office();
    let Office { place, owner, kim, sam, cora, client } = &office;
    place.json_as(owner, &["client", "show", client]);
    assert_eq!(place.try_as(kim, &["client", "show", client]).0, 4);

    let told = place.run_as(owner, &["client", "openings", CLIENT]);
    assert_eq!(told.code, 0, "{}", told.err);
    for part in [
        "Opened the file with names and contacts (Dana Reyes, LCSW, owner; entry",
        "Asked for something of this file and was refused; nothing was opened (Kim, clinician; entry",
        "It cannot show who looked at a screen",
    ] {
        assert!(told.out.contains(part), "`{part}` is missing from: {}", told.out);
    }
    place.json_as(cora, &["client", "openings", client, "-o", "openings.txt"]);
    let list = office.file("openings.txt");
    assert!(list.starts_with("Elm Street Counseling\n") && list.contains("Looked at this list"), "{list}");
    assert!(!list.contains("Alvarez"), "the compliance officer's keys open no client's name: {list}");
    for who in [kim, sam] {
        assert_eq!(place.try_as(who, &["client", "openings", client]).0, 4);
    }

    // What left is not told before somebody says to whom.
    place.json_as(owner, &["bundle", "create", "--client", client, "-o", "evidence.zip"]);
    let bundle = office.newest("bundle.created")["seq"].as_u64().expect("a number").to_string();
    let (code, open) = place.try_as(cora, &["disclosures", client]);
    assert_eq!((code, open["unsaid"][0]["seq"].to_string()), (3, bundle.clone()), "{open:#}");
    let early = place.run_as(cora, &["disclosures", client, "-o", "accounting.txt"]);
    assert_eq!(early.code, 3, "{}", early.err);
    assert!(early.err.contains(&format!("entry {bundle}")), "{}", early.err);
    assert!(!place.work().join("accounting.txt").exists());

    let record = |who: &Person, more: &[&str]| {
        let asked = ["disclosures", "record", client, "--to", "County Court", "--what", "Consents and entries"];
        place.try_as(who, &[&asked[..], &["--purpose", "Order of the court"], more].concat())
    };
    let (code, recorded) = record(owner, &["--address", "1 Main Street", "--entry", &bundle]);
    assert_eq!(code, 0, "{recorded}");
    assert_eq!(record(cora, &["--exclusion", "treatment", "--date", "2026-01-07"]).0, 0);
    assert_eq!(record(owner, &["--exclusion", "because"]).0, 1);
    assert_eq!(record(owner, &["--date", "2099-01-01"]).0, 1);
    assert_eq!(record(sam, &[]).0, 4);
    let sealed = office.newest("disclosure.recorded").to_string();
    assert!(!sealed.contains("County") && !sealed.contains("court"), "{sealed}");

    let told = place.run_as(owner, &["disclosures", CLIENT, "-o", "accounting.txt"]);
    assert_eq!(told.code, 0, "{}", told.err);
    let paper = office.file("accounting.txt");
    for part in [
        "County Court, 1 Main Street",
        "what for  Order of the court",
        "Left out: 1 disclosure to carry out treatment (45 CFR 164.528(a)(1); verified from cfr-copy)",
        "Within 60 days of the request",
        "Not legal advice.",
    ] {
        assert!(paper.contains(part), "`{part}` is missing from: {paper}");
    }
    let show = place.json_as(cora, &["disclosures", "show", client]);
    assert_eq!((show["told"].as_array().map(Vec::len), &show["unsaid"]), (Some(1), &json!([])), "{show:#}");
    assert_eq!(place.run_as(owner, &["disclosures"]).code, 2);
}

#[test]
fn what_is_held_stays_and_incidents_are_closed_with_words() {
    let office = office();
    let Office { place, owner, kim, cora, client, .. } = &office;
    let reason = "Complaint to the licensing board of last Tuesday";
    let placed = place.json_as(cora, &["retention", "hold", "place", client, "--reason", reason]);
    let hold = placed["hold"].as_u64().expect("a number").to_string();
    assert!(!office.newest("hold.placed").to_string().contains("Complaint"));
    let destroyed = ["client", "destroy", client, "--reason", "ordered", "--before-retention-ends", "--yes"];
    let stopped = place.run_as(owner, &destroyed);
    assert!(stopped.code != 0 && stopped.err.contains(&format!("entry {hold}")), "{}", stopped.err);
    let listed = place.json_as(owner, &["retention", "hold", "list"]);
    assert_eq!((&listed["holds"][0]["client"], &listed["holds"][0]["lifted"]), (&json!(client), &Value::Null));
    assert_eq!(place.json_as(owner, &["retention", "hold", "reason", &hold])["reason"], reason);
    assert_eq!(place.try_as(kim, &["retention", "hold", "lift", &hold, "--reason", "No."]).0, 4);
    place.json_as(owner, &["retention", "hold", "lift", &hold, "--reason", "It was settled."]);
    assert_eq!(place.try_as(owner, &["retention", "hold", "lift", &hold, "--reason", "Again."]).0, 1);
    assert_eq!(place.run_as(owner, &destroyed).code, 0);

    let words = ["--severity", "medium", "--words", "A laptop was left on a train."];
    let opened = place.json_as(cora, &[&["access", "incident", "report"], &words[..]].concat());
    let incident = opened["incident"].as_u64().expect("a number").to_string();
    assert!(!office.newest("incident.recorded").to_string().contains("laptop"));
    assert_eq!(place.try_as(kim, &["access", "incident", "list"]).0, 4);
    for (step, said) in [("assess", "It was locked."), ("close", "It came back unopened.")] {
        place.json_as(owner, &["access", "incident", step, &incident, "--severity", "low", "--words", said]);
    }
    let known = place.json_as(cora, &["access", "incident", "list"]);
    assert_eq!(
        (&known["incidents"][0]["stage"], &known["incidents"][0]["severity"]),
        (&json!("closed"), &json!("low"))
    );
    let said = place.json_as(owner, &["access", "incident", "show", &incident]);
    assert_eq!(said["words"][2]["words"], "It came back unopened.");
    let late = ["access", "incident", "assess", &incident, "--severity", "low", "--words", "More."];
    assert_eq!(place.try_as(owner, &late).0, 1);
    let odd = ["access", "incident", "report", "--severity", "grave", "--words", "More."];
    assert_eq!(place.run_as(owner, &odd).code, 2);
}

#[test]
fn a_review_is_looked_at_and_signed_off_and_the_report_says_so() {
    let office = office();
    let Office { place, owner, kim, cora, client, .. } = &office;
    place.json_as(owner, &["client", "show", client]);
    let early = ["access", "review", "sign-off", "--words", "Nothing to say."];
    assert_eq!(place.try_as(cora, &early).0, 1, "nobody signs what they have not seen");

    let (code, review) = place.try_as(cora, &["access", "review"]);
    assert_eq!(code, 3, "{review:#}");
    let found: Vec<&str> = review["review"]["findings"]["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["what"].as_str().expect("a word"))
        .collect();
    assert!(found.contains(&"no_session") && found.contains(&"no_factor"), "{found:?}");
    assert!(!review["review"]["findings"]["not_looked_at"].as_array().expect("a list").is_empty());
    assert_eq!(place.try_as(kim, &["access", "review"]).0, 4);
    assert_eq!(place.run_as(owner, &["access", "review", "--hours", "9-99"]).code, 2);

    // Somebody takes access in an emergency: the review finds something else, and says so before it is signed.
    let prepared = place.run_as(owner, &["access", "emergency", "prepare"]);
    let code = prepared.err.lines().map(str::trim).find(|line| line.matches('-').count() == 8).expect("a code");
    let envelope = place.file("envelope.txt", code.as_bytes());
    let take = ["access", "emergency", "take", client, "--class", "administrative", "--code-file", &envelope];
    let (code, taken) = place.try_as(kim, &[&take[..], &["--reason", "Client in crisis."]].concat());
    assert_eq!(code, 0, "{taken}");
    let sign = ["access", "review", "sign-off", "--words", "The file was opened to call the client."];
    let stale = place.run_as(cora, &sign);
    assert!(stale.code == 1 && stale.err.contains("something else by now"), "{}", stale.err);
    let (code, again) = place.try_as(cora, &["access", "review"]);
    assert_eq!(code, 3);
    assert!(again.to_string().contains("emergency_unreviewed"), "{again:#}");
    let signed = place.json_as(cora, &sign);
    let entry = office.newest("access.reviewed");
    assert_eq!(entry["seq"], signed["seq"]);
    assert!(!entry.to_string().contains("call the client"), "words are sealed: {entry}");
    assert_eq!(place.try_as(cora, &sign).0, 1, "once");

    // Every report begins with the emergency, and the one on access tells all of it.
    place.json_as(owner, &["report", "access", "--since", "2026-01-01", "-o", "access.pdf"]);
    place.json_as(owner, &["report", "consents", "-o", "consents.pdf"]);
    place.json_as(owner, &["report", "board", "-o", "board.pdf"]);
    let words = |name: &str| pdf_words(&place.work().join(name));
    for name in ["access.pdf", "consents.pdf", "board.pdf"] {
        let paper = words(name);
        assert!(paper.contains("Emergency access. 1 emergency access is not reviewed yet"), "{name}: {paper}");
    }
    let paper = words("access.pdf");
    for part in [
        "Emergency, not reviewed",
        "sign off a review of access",
        "Compliance officer",
        "The last review that somebody signed off is entry",
        "A user with keys of their own was added",
        "45 CFR 164.308(a)(1)(ii)(D)",
        "Not legal advice.",
    ] {
        assert!(paper.contains(part), "`{part}` is missing from: {paper}");
    }
    assert!(!paper.contains("Alvarez"), "clients stand under pseudonyms");
    assert_eq!(office.newest("report.made")["facts"]["report"], "board");
    assert_eq!(place.try_as(kim, &["report", "access", "-o", "kim.pdf"]).0, 4, "a clinician reviews nobody");

    // Reviewed, and the envelope closed again: nothing more to say.
    let grant = text(&taken["grant"]);
    place.json_as(owner, &["access", "emergency", "review", &grant, "--words", "The crisis was real."]);
    assert_eq!(place.run_as(owner, &["access", "emergency", "prepare"]).code, 0);
    place.json_as(owner, &["report", "consents", "-o", "later.pdf"]);
    assert!(!words("later.pdf").contains("Emergency access."));
    let verified = place.json_as(owner, &["ledger", "verify"]);
    assert_eq!((&verified["verdict"], &verified["findings"]), (&json!("intact"), &json!([])), "{verified:#}");
}

/// A practice that was founded in 2018, and to which nothing happened since but a change of its settings.
fn old_practice() -> Place {
    let place = Place::new();
    let home = place.home();
    fs::create_dir(&home).expect("a folder");
    let parts = Parts {
        store: Box::new(SqliteStore::create(&home.join("ledger.db")).expect("a ledger")),
        keys: Box::new(FileKeys::open(home.join("keys")).expect("a folder of keys")),
        blobs: Box::new(FileBlobs::open(home.join("blobs")).expect("a folder")),
        anchor: Box::new(FileAnchor::new(home.join("keys/anchor"))),
        clock: Box::new(Moved::at(Time::parse("2018-03-01T09:00:00.000Z").expect("a time").millis())),
        entropy: Box::new(Counted(1)),
    };
    let mut founded =
        found(parts, &elm_street(), &Settings::default(), PASSPHRASE.as_bytes(), QUICK).expect("a practice");
    founded.practice.configure(&founded.actor, "audio_days", "3").expect("configured");
    place
}

#[test]
fn what_is_old_enough_is_sealed_off_into_an_archive_that_verifies_alone() {
    let young = Place::founded();
    let standing = young.json(&["retention", "trail"]);
    assert_eq!((&standing["sealable"]["upto"], &standing["years"]), (&json!(0), &json!(6)), "{standing:#}");
    let told = young.done(&["retention", "trail"]);
    assert!(
        told.contains("policy choice, commonly inferred") && told.contains("does not say that audit logs"),
        "{told}"
    );
    assert_eq!(young.run(&["retention", "trail", "seal", "-o", "a.archive"]).code, 1);
    let why = young.fails(1, &["retention", "trail", "seal", "--upto", "1", "-o", "a.archive"]);
    assert!(why.contains("the ledger does not lose what is still to be kept"), "{why}");
    assert!(!young.work().join("a.archive").exists());

    let place = old_practice();
    let old = place.size();
    place.client(CLIENT);
    let may = place.json(&["retention", "trail"]);
    assert_eq!(may["sealable"]["upto"], old, "{may:#}");
    let sealed = place.json(&["retention", "trail", "seal", "-o", "trail.archive"]);
    assert_eq!(place.newest("trail.sealed")["seq"], sealed["seq"]);
    let checked = place.json(&["ledger", "verify", "--archive", "trail.archive"]);
    assert_eq!((&checked["entries"], &checked["ledger"]), (&json!(old), &json!("same")), "{checked:#}");
    let told = place.done(&["ledger", "verify", "--archive", "trail.archive"]);
    assert!(told.contains("the ledger here begins with the same entries"), "{told}");
    place.verify();

    // Elsewhere it is believed by the key alone; another key believes nothing.
    let bytes = fs::read(place.work().join("trail.archive")).expect("the archive");
    let file = young.file("trail.archive", &bytes);
    assert_eq!(young.run(&["ledger", "verify", "--archive", &file]).code, 3, "another practice's key");
    let vkey = text(&place.json(&["ledger", "verify"])["epochs"][0]["vkey"]);
    let elsewhere = young.json(&["ledger", "verify", "--archive", &file, "--vkey", &vkey]);
    assert_eq!(elsewhere["ledger"], "not_compared", "{elsewhere:#}");
    let mut broken = bytes;
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    let file = young.file("broken.archive", &broken);
    assert_eq!(young.run(&["ledger", "verify", "--archive", &file, "--vkey", &vkey]).code, 3);
}
