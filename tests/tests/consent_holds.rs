//! Consent from the outside, beyond the one client and the one form of `consent.rs`: every template in both languages,
//! people and their roles, states, acts, withdrawal by purpose, change, copies out and in.

use std::fs;
use std::process::Command;

use provenote_tests::{Place, Running, audio, files, text};
use serde_json::Value;

const NAME: &str = "Maria Alvarez";

fn status(place: &Place, args: &[&str]) -> Value {
    place.json(&[&["consent", "status"], args].concat())
}

fn sign(place: &Place, client: &str, name: &str) -> Value {
    let file = format!("signed-{}.pdf", place.size());
    place.json(&["consent", "sign", client, "--participant", name, "--typed", name, "-o", &file])
}

fn form(place: &Place, client: &str, more: &[&str]) -> Value {
    let file = format!("form-{}.md", place.size());
    place.json(&[&["consent", "form", client, "-o", &file], more].concat())
}

fn talk(place: &Place) -> String {
    place.file("talk.wav", &audio::wav(&audio::noise(2)))
}

/// What each template asks for besides.
fn particulars(template: &str) -> Vec<&'static str> {
    match template {
        "supervision" | "training" => {
            vec!["--share", "transcripts,notes", "--with", "Dr. Ruth Adler", "--kept-days", "30"]
        }
        "psychotherapy-notes" | "part2" => vec![
            "--information",
            "Notes of the sessions in October",
            "--source",
            "Elm Street Counseling",
            "--recipient",
            "Dr. Ruth Adler",
            "--purpose",
            "a second opinion",
        ],
        _ => vec![],
    }
}

#[test]
fn every_template_makes_a_form_in_both_languages_on_paper_on_screen_and_as_text() {
    let place = Place::founded();
    place.done(&["vendor", "add", "Cloudscribe Inc.", "--does", "turns speech into text", "--trains", "no"]);
    let vendor = place.newest("vendor.added");
    assert!(!vendor.to_string().contains("Cloudscribe"), "a header names no company: {vendor}");
    let listed = place.json(&["consent", "template", "list"]);
    let templates: Vec<(String, String)> = listed["templates"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (text(&one["template"]), text(&one["lang"])))
        .collect();
    assert!(templates.len() >= 21, "ten templates in two languages, and the first version of one: {templates:?}");
    let adult = place.client(NAME);
    let minor = text(
        &place.json(&["client", "add", "Lena Ortiz", "--born", "2014-05-01", "--guardian", "Ana Ortiz"])["client"],
    );
    let mut made = 0;
    for (template, lang) in &templates {
        let id = template.split('@').next().expect("an id");
        // The short form needs a form that is stale, and the first version tells of no company.
        if id == "amendment" || template == "ai-notes@1" {
            continue;
        }
        // Only the form for companies speaks of companies.
        let cloud = id == "cloud-vendor";
        let client = if id == "minor" { &minor } else { &adult };
        let asked = particulars(id);
        let base = format!("{}-{lang}", template.replace('@', "-"));
        let make = |file: &str| {
            let args = ["consent", "form", client, "--template", template, "--lang", lang, "-o", file];
            place.run(&[&args[..], &asked].concat())
        };
        let text_file = format!("{base}.txt");
        let ran = make(&text_file);
        if ran.code == 1 && !cloud {
            assert!(ran.err.contains("would not be true"), "{template} {lang}: {}", ran.err);
            continue;
        }
        assert_eq!(ran.code, 0, "{template} {lang}: {}", ran.err);
        assert_eq!(make(&format!("{base}.html")).code, 0);
        assert_eq!(make(&format!("{base}.pdf")).code, 0);
        let page = fs::read_to_string(place.work().join(format!("{base}.html"))).expect("a page");
        assert!(page.contains(&format!("lang=\"{lang}\"")), "{template} {lang}");
        let plain = fs::read_to_string(place.work().join(&text_file)).expect("text");
        for blank in ["{{", "{%", "____", "<!--"] {
            assert!(!plain.contains(blank), "{template} {lang}: {blank}");
        }
        assert!(!plain.to_lowercase().contains("hipaa compliant"));
        made += 1;
    }
    assert!(made >= 4, "{made}");
    // Without the company every other template is true.
    let vendors = place.json(&["vendor", "list"]);
    place.done(&["vendor", "remove", &text(&vendors["vendors"][0]["vendor"])]);
    for (template, lang) in &templates {
        let id = template.split('@').next().expect("an id");
        if id == "amendment" || id == "cloud-vendor" || template == "ai-notes@1" {
            continue;
        }
        let client = if id == "minor" { &minor } else { &adult };
        let made = form(&place, client, &[&["--template", template, "--lang", lang][..], &particulars(id)].concat());
        assert_eq!(made["template"], template.as_str());
        assert_eq!(made["lang"], lang.as_str());
    }
    place.verify();
}

#[test]
fn rules_and_templates_need_no_practice_and_say_how_firm_they_are() {
    let place = Place::new();
    for state in ["IL", "ME", "CO", "CA", "TX"] {
        let rules = place.json(&["consent", "rules", "--state", state]);
        for rule in rules["rules"].as_array().expect("rules") {
            assert!(!text(&rule["mark"]).is_empty() && !text(&rule["checked"]).is_empty(), "{state}: {rule}");
        }
        let told = place.done(&["consent", "rules", "--state", state]);
        assert!(told.contains("mark: ") && told.contains("not legal advice"), "{told}");
        assert!(!told.to_lowercase().contains("hipaa compliant"));
    }
    let both = place.json(&["consent", "rules", "--state", "TX", "--with", "CA", "--by", "video"]);
    assert_eq!(both["parties"], "all_party", "the stricter of both counts: {both}");
    let unknown = place.json(&["consent", "rules", "--state", "WY"]);
    assert!(unknown.to_string().contains("not verified"), "{unknown}");
    assert!(place.fails(2, &["consent", "rules", "--state", "ZZ"]).contains("ZZ"));
    assert!(place.fails(2, &["consent", "rules", "--state", "IL", "--by", "smoke"]).contains("in_person"));

    // An unclosed tag, by line and column.
    let source = place.done(&["consent", "template", "show", "ai-notes", "--lang", "en"]);
    assert_eq!(
        place.run(&["consent", "template", "check", &place.file("fine.md", source.as_bytes()), "--state", "IL"]).code,
        0
    );
    let broken = source.replacen("{% endif %}", "", 1);
    let file = place.file("broken.md", broken.as_bytes());
    let ran = place.run(&["consent", "template", "check", &file, "--state", "IL"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let place_in_file =
        ran.out.lines().next().and_then(|line| line.strip_prefix(&format!("{file}:"))).expect("file:line:column");
    assert!(place_in_file.split(':').take(2).all(|number| number.parse::<usize>().is_ok()), "{}", ran.out);
    // What is missing is named by its element.
    let without = source.replace("CON-09", "CON-99");
    let file = place.file("without.md", without.as_bytes());
    let ran = place.run(&["consent", "template", "check", &file, "--state", "IL"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("CON-09") && ran.out.contains("CON-99"), "{}", ran.out);
    let unknown = source.replacen("{{ practice }}", "{{ practise }}", 1);
    let file = place.file("unknown.md", unknown.as_bytes());
    let ran = place.run(&["consent", "template", "check", &file, "--state", "IL"]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("practise"), "{}", ran.out);
}

#[test]
fn a_practice_takes_in_its_own_template_and_it_is_frozen_once_shown() {
    let place = Place::founded();
    let client = place.client(NAME);
    let source = place.done(&["consent", "template", "show", "ai-notes", "--lang", "en"]);
    let own = source.replacen("id: ai-notes", "id: elm-notes", 1).replacen("version: 2", "version: 1", 1);
    let file = place.file("elm.md", own.as_bytes());
    let added = place.json(&["consent", "template", "add", &file]);
    assert_eq!(added["template"], "elm-notes@1");
    assert!(place.fails(1, &["consent", "template", "add", &file]).contains("elm-notes@1"));
    assert_eq!(form(&place, &client, &["--template", "elm-notes"])["template"], "elm-notes@1");
    let kept = place.home().join("templates/elm-notes@1.en.md");
    fs::write(&kept, own.replacen("your choice", "your own choice", 1)).expect("written");
    let said = place.fails(1, &["consent", "form", &client, "--template", "elm-notes", "-o", "late.md"]);
    assert!(said.contains("higher version"), "{said}");
    // A template with something wrong is not taken in.
    let bad = place.file("bad.md", own.replacen("elm-notes", "elm-bad", 1).replacen("CON-09", "CON-98", 9).as_bytes());
    assert!(place.fails(1, &["consent", "template", "add", &bad]).contains("template check"));
}

#[test]
fn a_young_client_needs_the_guardians_the_practice_asks_for_and_agrees_too() {
    let place = Place::founded();
    place.done(&["settings", "set", "consent_guardians", "2"]);
    let client = text(
        &place.json(&[
            "client",
            "add",
            "Lena Ortiz",
            "--born",
            "2014-05-01",
            "--guardian",
            "Ana Ortiz",
            "--guardian",
            "Luis Ortiz",
        ])["client"],
    );
    form(&place, &client, &["--template", "minor"]);
    for (name, after) in [("Ana Ortiz", "incomplete"), ("Lena Ortiz", "incomplete"), ("Luis Ortiz", "in_force")] {
        sign(&place, &client, name);
        assert_eq!(status(&place, &[&client])["status"], after, "{name}");
    }
    place.done(&["session", "add", &client, &talk(&place)]);
    place.done(&["consent", "revoke", &client, "--participant", "Lena Ortiz"]);
    assert_eq!(status(&place, &[&client])["status"], "revoked", "the young person's own no counts");
    let said = place.fails(4, &["session", "add", &client, &talk(&place)]);
    assert!(!said.contains("Lena") && !said.contains("Ortiz"), "{said}");
}

#[test]
fn whoever_joins_or_calls_from_elsewhere_is_asked() {
    let place = Place::founded();
    let client = place.consenting("Jon Park");
    assert_eq!(status(&place, &[&client])["status"], "in_force");
    // By video another purpose is needed, which no other implies.
    assert_eq!(status(&place, &[&client, "--by", "video"])["status"], "incomplete");
    place.fails(4, &["session", "add", &client, &talk(&place), "--by", "video"]);
    form(&place, &client, &["--template", "telehealth-recording"]);
    sign(&place, &client, "Jon Park");
    assert_eq!(status(&place, &[&client, "--by", "video"])["status"], "in_force");
    place.done(&["session", "add", &client, &talk(&place), "--by", "video"]);
    assert_eq!(place.newest("session.recorded")["facts"]["modality"], "video");

    let joined = place.json(&["client", "person", "add", &client, "Kim Park", "--role", "partner", "--state", "CA"]);
    assert_eq!(joined["participants"].as_array().map(Vec::len), Some(2));
    assert_eq!(status(&place, &[&client])["status"], "stale");
    place.fails(4, &["session", "add", &client, &talk(&place)]);
    // Alone he is who he was; she is not there.
    assert_eq!(status(&place, &[&client, "--present", "Jon Park"])["status"], "in_force");
    form(&place, &client, &["--template", "group-couple-family"]);
    sign(&place, &client, "Jon Park");
    assert_eq!(status(&place, &[&client])["status"], "incomplete");
    sign(&place, &client, "Kim Park");
    assert_eq!(status(&place, &[&client])["status"], "in_force");
    place.done(&["consent", "revoke", &client, "--participant", "Kim Park"]);
    assert_eq!(status(&place, &[&client])["status"], "revoked", "one withdrawal closes it for all");
    place.verify();
}

#[test]
fn what_is_said_is_recorded_and_only_a_signature_opens() {
    let place = Place::founded();
    let client = place.client(NAME);
    form(&place, &client, &[]);
    place.done(&["consent", "offer", &client, "--participant", NAME]);
    place.done(&[
        "consent",
        "discuss",
        &client,
        "--participant",
        NAME,
        "--summary",
        "talked it through",
        "--question",
        "How long is the recording kept?",
    ]);
    let talked = place.newest("consent.discussed");
    let shown = place.json(&["ledger", "show", &talked["seq"].to_string()]);
    assert!(shown["opened"].to_string().contains("How long is the recording kept?"), "{shown}");
    place.done(&["consent", "verbal", &client, "--participant", NAME, "--summary", "said: yes, go ahead"]);
    assert_eq!(status(&place, &[&client])["status"], "missing");
    assert!(status(&place, &[&client])["reasons"].to_string().contains("aloud"));
    place.fails(4, &["session", "add", &client, &talk(&place)]);
    // Illinois asks for writing: not even the practice's policy opens the gate by a spoken yes.
    place.done(&["settings", "set", "consent_spoken_opens", "true"]);
    assert_eq!(status(&place, &[&client])["status"], "missing");
    let words = place.done(&["consent", "status", &client]);
    assert!(words.contains("not in force") && words.contains("Next: ") && words.contains(NAME), "{words}");
    // Words read from standard input stand in no command line.
    let mut command = place.command(&["consent", "decline", &client, "--participant", NAME, "--words", "-"]);
    command.stdin(fs::File::open(place.file("said.txt", b"I would rather not.")).expect("a file"));
    assert!(command.status().expect("it runs").success());
    assert_eq!(status(&place, &[&client])["status"], "declined");
    assert!(files::holding(&place.home(), "rather not").is_empty());
    place.verify();
}

#[test]
fn a_withdrawal_by_purpose_leaves_the_other_and_a_whole_one_destroys_what_was_asked() {
    let place = Place::founded();
    let client = place.consenting(NAME);
    form(&place, &client, &[&["--template", "supervision"][..], &particulars("supervision")].concat());
    sign(&place, &client, NAME);
    let session = text(&place.json(&["session", "add", &client, &talk(&place)])["session"]);
    place.done(&["consent", "revoke", &client, "--purpose", "supervision", "-o", "part.pdf"]);
    assert_eq!(status(&place, &[&client])["status"], "in_force", "notes were not taken back");
    assert!(place.home().join("blobs").is_dir() && !files::files(&place.home().join("blobs")).is_empty());

    let before = place.size();
    let preview = place.json(&["consent", "revoke", &client, "--destroy-now", "--dry-run"]);
    assert!(preview["effects"].to_string().contains("destroyed_now"), "{preview}");
    assert_eq!(place.size(), before, "a preview records nothing");
    assert_eq!(status(&place, &[&client])["status"], "in_force");

    let done = place.json(&["consent", "revoke", &client, "--destroy-now", "--lang", "es", "-o", "copy.pdf"]);
    assert!(fs::read(place.work().join("copy.pdf")).expect("the copy").starts_with(b"%PDF-"));
    assert!(!done["receipts"].as_array().expect("receipts").is_empty(), "{done}");
    assert!(files::files(&place.home().join("blobs")).is_empty(), "the recording is gone");
    assert_eq!(place.json(&["session", "show", &session])["audio"], "destroyed");
    place.fails(4, &["note", "draft", &session]);
    place.verify();
}

#[test]
fn after_a_no_the_clinician_dictates_or_writes() {
    let place = Place::founded();
    let client = place.client("Jon Park");
    form(&place, &client, &[]);
    place.done(&["consent", "decline", &client, "--participant", "Jon Park"]);
    let demo = provenote_tests::root().join("fixtures/demo/session.flac");
    let spoken = place.file("dictation.wav", &audio::wav(&audio::piece(&demo, 0, 12)));
    place.fails(4, &["session", "add", &client, &spoken]);
    let session = text(&place.json(&["session", "dictate", &client, &spoken])["session"]);
    let drafted = place.json(&["note", "draft", &session]);
    assert!(place.entries(&["--kind", "prompt.sent"]).is_empty(), "no model drafts from a dictation");
    assert!(!place.entries(&["--kind", "transcript.received"]).is_empty());
    let origins = drafted["sections"].to_string();
    assert!(origins.contains("clinician") && !origins.contains("\"model\""), "{drafted:#}");
    let note = text(&drafted["note"]);
    let trace = place.json(&["note", "trace", &note]);
    for kind in ["session.dictated", "worker.started", "transcription.requested", "transcript.received", "draft.made"] {
        assert!(trace.to_string().contains(kind), "{kind}: {trace:#}");
    }

    // Who does not want even that: typed words, and no model at all.
    place.done(&["consent", "decline", &client, "--participant", "Jon Park", "--no-dictation"]);
    let said = place.fails(4, &["session", "dictate", &client, &spoken]);
    assert!(said.contains("--text"), "{said}");
    let typed = place.file("note.txt", b"Subjective.\nClient slept better.\n\nPlan.\nNext session in a week.\n");
    let workers = place.entries(&["--kind", "worker.started"]).len();
    let session = text(&place.json(&["session", "dictate", &client, "--text", &typed])["session"]);
    let drafted = place.json(&["note", "draft", &session]);
    assert_eq!(place.entries(&["--kind", "worker.started"]).len(), workers, "no model takes part");
    let section = |name: &str| {
        drafted["sections"]
            .as_array()
            .expect("sections")
            .iter()
            .find(|section| section["name"] == name)
            .map(|section| section["sentences"].to_string())
            .unwrap_or_default()
    };
    assert!(section("Subjective").contains("slept better"), "{drafted:#}");
    assert!(section("Plan").contains("Next session"), "{drafted:#}");
    assert!(files::holding(&place.home(), "slept better").is_empty());
    place.verify();
}

#[test]
fn a_change_is_listed_with_whom_it_concerns_and_the_short_form_is_enough() {
    let place = Place::founded();
    let client = place.consenting(NAME);
    assert_eq!(place.json(&["consent", "stale"])["clients"], Value::Array(Vec::new()));
    assert_eq!(place.json(&["consent", "amend", &client])["forms"], Value::Array(Vec::new()));
    place.done(&["settings", "set", "audio_days", "21"]);
    let stale = place.json(&["consent", "stale"]);
    assert_eq!(stale["clients"][0]["client"], client.as_str());
    let told = place.done(&["consent", "stale"]);
    assert!(told.contains("21 days") && told.contains(&format!("concerns {NAME}")), "{told}");
    let amended = place.json(&["consent", "amend", &client, "-o", "new.pdf"]);
    let short = &amended["forms"][0];
    assert!(text(&short["template"]).starts_with("amendment@") && short["amends"].is_string(), "{short}");
    assert_eq!(status(&place, &[&client])["status"], "stale", "shown is not signed");
    sign(&place, &client, NAME);
    assert_eq!(status(&place, &[&client])["status"], "in_force");
    // Less is no matter of asking again.
    place.done(&["settings", "set", "audio_days", "5"]);
    assert_eq!(status(&place, &[&client])["status"], "in_force");
    place.verify();
}

#[test]
fn consents_go_out_in_the_formats_of_others_and_what_comes_in_opens_nothing() {
    let place = Place::founded();
    let client = place.consenting(NAME);
    for (form, ending) in [("fhir", "json"), ("receipt", "json"), ("text", "txt"), ("html", "html")] {
        for names in [true, false] {
            let file = format!("out-{form}-{names}.{ending}");
            let mut args = vec!["consent", "export", &client, "--as", form, "-o", &file];
            if !names {
                args.push("--no-names");
            }
            // The exact text bears the names it was signed with.
            if !names && matches!(form, "text" | "html") {
                assert!(place.fails(1, &args).contains("names"));
                continue;
            }
            place.done(&args);
            let out = fs::read_to_string(place.work().join(&file)).expect("the export");
            assert_eq!(out.contains(NAME), names, "{form} {names}: {out}");
            assert!(!out.to_lowercase().contains("hipaa compliant"));
        }
    }
    assert_eq!(place.entries(&["--kind", "consent.exported"]).len(), 6);
    let other = place.client("Jon Park");
    let imported = place.json(&["consent", "import", &other, "out-fhir-true.json"]);
    assert!(imported["consents"].as_array().is_some_and(|list| !list.is_empty()), "{imported}");
    assert_eq!(status(&place, &[&other])["status"], "missing");
    place.fails(4, &["session", "add", &other, &talk(&place)]);
    let nothing = place.file("nothing.json", b"{\"resourceType\": \"Patient\"}");
    assert!(place.fails(1, &["consent", "import", &other, &nothing]).contains("no FHIR Consent"));
    let broken = place.file("broken.json", b"{\"resourceType\": ");
    assert!(place.fails(1, &["consent", "import", &other, &broken]).contains("line 1"));
    place.verify();
}

#[test]
fn the_overview_is_a_table_and_a_document() {
    let place = Place::founded();
    place.consenting(NAME);
    place.client("Jon Park");
    let table = place.done(&["consent", "status"]);
    assert!(table.contains("in_force") && table.contains("missing") && table.contains("Jon Park"), "{table}");
    let report = place.json(&["report", "consents", "-o", "consents.pdf"]);
    assert!(report["seq"].is_u64() && !text(&report["sha256"]).is_empty());
    let words = Command::new("pdftotext").args(["-layout", "consents.pdf", "-"]).current_dir(place.work()).output();
    let words = String::from_utf8(words.expect("pdftotext runs").stdout).expect("text");
    for part in [NAME, "Jon Park", "not legal advice", "cannot show"] {
        assert!(words.contains(part), "{part}: {words}");
    }
    place.verify();
}

#[test]
fn bad_input_gets_one_sentence_and_leaves_nothing() {
    let place = Place::founded();
    let client = place.client(NAME);
    form(&place, &client, &[]);
    let before = place.size();
    let text_scan = place.file("scan.pdf", b"this is no scan");
    let huge = place.work().join("huge.pdf");
    fs::File::create(&huge).and_then(|file| file.set_len(300 << 20)).expect("a sparse file");
    let huge = huge.display().to_string();
    for (args, why) in [
        (vec!["consent", "sign", &client, "--participant", NAME, "--scan", &text_scan], "no PDF"),
        (vec!["consent", "sign", &client, "--participant", NAME, "--scan", &huge], "20"),
        (vec!["consent", "form", &client, "--lang", "xx"], "language"),
        (vec!["consent", "form", &client, "--lang", "ar"], "right to left"),
        (vec!["consent", "form", &client, "--lang", "fr"], "fr"),
        (vec!["consent", "form", &client, "--template", "nothing"], "ai-notes"),
        (vec!["consent", "form", &client, "--template", "supervision"], "needs"),
        (vec!["client", "add", "A B", "--partner", "a  b"], "same name"),
        (vec!["client", "add", "A B", "--born", "2999-01-01"], "future"),
        (vec!["client", "add", "A B", "--state", "ZZ"], "ZZ"),
        (vec!["client", "add", "A\u{202E}B"], "direction"),
        (vec!["client", "person", "add", &client, NAME, "--role", "partner"], "same name"),
        (vec!["client", "person", "remove", &client, NAME], "client"),
        (vec!["session", "add", &client, "talk.wav", "--present", "Nobody"], "nobody of that name"),
    ] {
        let said = place.fails(1, &args);
        assert!(said.contains(why), "{args:?}: {said}");
    }
    for (args, why) in [
        (vec!["consent", "decline", &client, "--participant", NAME, "--purpose", "fun"], "ai_notes"),
        (vec!["client", "person", "add", &client, "C D", "--role", "king"], "partner"),
        (vec!["consent", "status", "--by", "smoke"], "video"),
    ] {
        let said = place.fails(2, &args);
        assert!(said.contains(why), "{args:?}: {said}");
    }
    assert_eq!(place.size(), before, "nothing of it was recorded");
    // Names in any script, and with what looks like markup, are names.
    for name in ["Ольга Ж. Петрова", "Στέλλα <b>&</b> \"X\"", "{{ client }} ~*_[x](y)", "Zoë $1 \\# O’Neill"]
    {
        let client = place.client(name);
        let file = format!("any-{}.md", place.size());
        place.done(&["consent", "form", &client, "-o", &file]);
        let pdf = format!("any-{}.pdf", place.size());
        place.done(&["consent", "sign", &client, "--participant", name, "--typed", name, "-o", &pdf]);
        assert_eq!(status(&place, &[&client])["status"], "in_force", "{name}");
    }
    place.verify();
}

/// A recording of ten minutes, the demo's over and over: longer than any withdrawal takes to arrive.
fn long(place: &Place) -> String {
    let demo = audio::piece(&provenote_tests::root().join("fixtures/demo/session.flac"), 0, 60);
    let mut samples = Vec::new();
    for _ in 0..10 {
        samples.extend_from_slice(&demo);
    }
    place.file("long.wav", &audio::wav(&samples))
}

#[test]
fn a_withdrawal_stops_a_transcription_that_runs_and_leaves_nothing_of_it() {
    let place = Place::founded();
    let client = place.consenting(NAME);
    let session = text(&place.json(&["session", "add", &client, &long(&place)])["session"]);
    let mut drafting = Running::start(&place, "drafting", &["--json", "note", "draft", &session]);
    provenote_tests::eventually("the transcription", || {
        !place.entries(&["--kind", "transcription.requested"]).is_empty()
    });
    place.done(&["consent", "revoke", &client, "--keep-until-due"]);
    let ended = drafting.child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(4), "{}", drafting.printed());
    assert!(place.entries(&["--kind", "transcript.received"]).is_empty(), "there is no transcript");
    assert!(place.entries(&["--kind", "draft.made"]).is_empty());
    assert_eq!(place.newest("worker.failed")["facts"]["why"], "cancelled");
    assert_eq!(place.newest("draft.refused")["facts"]["status"], "revoked");
    place.verify();
}
