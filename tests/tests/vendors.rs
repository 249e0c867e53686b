//! Companies from the outside: agreements read, terms compared and watched, audits, and the papers that come of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use provenote_tests::{Place, files, has, root, text};
use serde_json::Value;

const NAME: &str = "Maria Alvarez";
const COMPANY: &str = "Cloudscribe Inc.";

fn fixture(name: &str) -> String {
    root().join("fixtures/vendors").join(name).to_str().expect("a path").to_owned()
}

fn scan(name: &str) -> String {
    root().join("vendors/reader/fixtures").join(name).to_str().expect("a path").to_owned()
}

/// The characters of a text from one position to another.
fn slice(words: &str, start: &Value, end: &Value) -> String {
    let at = |value: &Value| usize::try_from(value.as_u64().expect("a position")).expect("it fits");
    words.chars().skip(at(start)).take(at(end) - at(start)).collect()
}

/// A web server on loopback whose pages the test changes, and what was asked of it.
struct Pages {
    address: String,
    pages: Arc<Mutex<BTreeMap<String, String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pages {
    fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let pages: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (ours, log) = (Arc::clone(&pages), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut request = Vec::new();
                let mut piece = [0; 1024];
                while !request.windows(4).any(|four| four == b"\r\n\r\n") {
                    match stream.read(&mut piece) {
                        Ok(0) | Err(_) => break,
                        Ok(read) => request.extend_from_slice(&piece[..read]),
                    }
                }
                let line = String::from_utf8_lossy(&request).lines().next().unwrap_or_default().to_owned();
                let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
                let whole = ours.lock().expect("pages").get(&path).cloned().unwrap_or_else(|| {
                    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
                });
                log.lock().expect("a log").push(line);
                let _ = stream.write_all(whole.as_bytes());
            }
        });
        Self { address, pages, asked }
    }

    fn page(&self, path: &str, body: &str) {
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        self.answer(path, &whole);
    }

    fn answer(&self, path: &str, whole: &str) {
        self.pages.lock().expect("pages").insert(path.to_owned(), whole.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.lock().expect("a log").len()
    }
}

#[test]
fn an_agreement_is_reviewed_without_a_practice_and_every_quote_stands_where_it_is_said_to() {
    let place = Place::new();
    let file = fixture("cloudscribe-baa.md");
    let ran = place.run(&["--json", "baa", "review", &file]);
    assert_eq!(ran.code, 3, "it has findings: {}", ran.err);
    let review: Value = serde_json::from_str(&ran.out).expect("one document");
    let words = fs::read_to_string(&file).expect("the agreement");
    assert_eq!(review["provisions"].as_array().expect("a list").len(), 27);
    let mut quotes = 0;
    let mut check = |one: &Value| {
        if one["quote"].as_str().is_some_and(|quote| !quote.is_empty()) {
            assert_eq!(text(&one["quote"]), slice(&words, &one["start"], &one["end"]), "{one}");
            quotes += 1;
        }
    };
    review["provisions"].as_array().expect("provisions").iter().for_each(&mut check);
    review["red_flags"].as_array().expect("red flags").iter().for_each(&mut check);
    review["facts"].as_object().expect("facts").values().for_each(&mut check);
    check(&review["breach_notice"]);
    assert!(quotes > 20, "{quotes}");
    // Two windows, one of them a defined term in words, and the other for another thing.
    assert_eq!(review["breach_notice"]["value"], 15);
    assert_eq!(review["breach_notice"]["unit"], "business_days");
    let flags: Vec<String> =
        review["red_flags"].as_array().expect("a list").iter().map(|one| text(&one["id"])).collect();
    for expected in ["RF-01", "RF-08", "RF-12", "RF-14"] {
        assert!(flags.iter().any(|flag| flag == expected), "{expected}: {flags:?}");
    }
    assert_eq!(review["facts"]["deidentification_permitted"]["present"], "yes");
    assert_eq!(review["facts"]["liability_cap"]["present"], "yes");
    assert_eq!(review["facts"]["subcontractor_flow_down"]["present"], "no");
    assert!(!review["contradictions"].as_array().expect("a list").is_empty());
    for flag in review["red_flags"].as_array().expect("a list") {
        for field in ["severity", "why", "citation", "mark", "replacement"] {
            assert!(flag[field].as_str().is_some_and(|said| !said.is_empty()), "{field}: {flag}");
        }
    }
    // For a person: three sentences first, and no promise that nobody can give.
    let ran = place.run(&["baa", "review", &file]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("Red flags") && ran.out.contains("not legal advice"), "{}", ran.out);
    assert!(!ran.out.to_lowercase().contains("hipaa compliant"));
    assert!(!place.home().exists(), "no practice was needed and none was made");
}

#[test]
fn a_practice_adds_rules_of_its_own_and_bad_ones_are_named_by_line() {
    let place = Place::new();
    assert!(place.done(&["baa", "rules"]).contains("each passes its own examples"));
    let broken = place.file("broken.yaml", b"red_flags:\n  - id: [\n");
    let said = place.fails(1, &["baa", "rules", &broken]);
    assert!(said.contains("broken.yaml, line "), "{said}");
    let said = place.fails(1, &["baa", "review", &fixture("cloudscribe-baa.md"), "--rules", &broken]);
    assert!(said.contains("broken.yaml, line "), "{said}");
}

#[test]
fn what_is_no_agreement_gets_one_sentence() {
    let place = Place::new();
    let german = "Dies ist ein Vertrag zwischen der Praxis und dem Anbieter. Der Anbieter verarbeitet Daten nur auf \
                  Weisung der Praxis. Die Parteien vereinbaren, dass alle Daten nach dem Ende des Vertrages gelöscht \
                  werden müssen. Es gilt deutsches Recht, und der Gerichtsstand ist Berlin.";
    let macros = include_bytes!("../../fixtures/vendors/macros.docm");
    let bomb = include_bytes!("../../fixtures/vendors/bomb.pdf");
    let huge = format!("<html><body>{}</body></html>", "<p>These are words of a page.</p>".repeat(1_600_000));
    let middle = format!("<html><body>{}</body></html>", "<p>These are words of a page.</p>".repeat(500_000));
    let cases: Vec<(String, &str)> = vec![
        (place.file("empty.txt", b""), "empty"),
        (place.file("noise.bin", &files_of_noise()), "not read here"),
        (place.file("german.txt", german.as_bytes()), "in German"),
        (place.file("macros.docm", macros), "macros"),
        (place.file("bomb.pdf", bomb), "hostile file"),
        (place.file("huge.html", huge.as_bytes()), "MB"),
        (place.file("middle.html", middle.as_bytes()), "at most 12 MB"),
        (place.file("cut.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog"), "broken"),
        (scan("locked.pdf"), "encrypted"),
        (scan("scan.pdf"), "is a scan"),
        ("nothere.pdf".to_owned(), "could not be read"),
    ];
    for (file, expected) in &cases {
        let said = place.fails(1, &["baa", "review", file]);
        assert!(said.contains(expected), "{file}: {said}");
    }
    let lease =
        b"RESIDENTIAL LEASE AGREEMENT\n\n1. The Landlord leases to the Tenant the premises at 12 Elm Street.\n\n\
                  2. The Tenant shall pay rent of $1,200 on the first day of each month.\n\n\
                  3. Either party may terminate this lease with 30 days notice.\n";
    let lease = place.file("lease.txt", lease);
    let ran = place.run(&["baa", "review", &lease]);
    assert_eq!(ran.code, 3);
    assert!(ran.out.contains("does not read as a business associate agreement, because"), "{}", ran.out);
}

/// Bytes of no format.
fn files_of_noise() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..4096).map(|_| byte()).collect()
}

#[test]
fn versions_of_terms_are_compared_without_a_practice() {
    let place = Place::new();
    let (old, new, form) =
        (fixture("privacy-2025.html"), fixture("privacy-2026.html"), fixture("privacy-2025-form.html"));
    let ran = place.run(&["--json", "terms", "diff", &old, &new]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let diff: Value = serde_json::from_str(&ran.out).expect("one document");
    assert_eq!(diff["direction"], "worse");
    let kinds: Vec<String> = diff["changes"].as_array().expect("a list").iter().map(|one| text(&one["type"])).collect();
    assert!(kinds.iter().any(|kind| kind.starts_with("training")), "{kinds:?}");
    assert!(kinds.iter().any(|kind| kind.contains("retention") || kind.contains("deletion")), "{kinds:?}");
    // Links, numbering, navigation and the date of the edition are no change.
    let same = place.json(&["terms", "diff", &old, &form]);
    assert_eq!(same["direction"], "none");
    assert_eq!(same["changes"].as_array().map(Vec::len), Some(0));
    // An older edition is no new version: nothing is announced, and what it would have been is kept apart.
    let back = place.json(&["terms", "diff", &new, &old]);
    assert_eq!(back["direction"], "none");
    assert!(text(&back["caution"]).contains("older"), "{back}");
    assert!(!back["unconfirmed"].as_array().expect("a list").is_empty());
}

/// A practice with a company on record and a client who signed a form that tells of it.
fn with_company() -> (Place, String) {
    let place = Place::founded();
    place.done(&[
        "vendor",
        "add",
        COMPANY,
        "--does",
        "turns speech into text",
        "--place",
        "Ohio",
        "--keeps-days",
        "30",
        "--trains",
        "no",
    ]);
    let client = place.client(NAME);
    for (template, file) in [("ai-notes", "notes.pdf"), ("cloud-vendor", "cloud.pdf")] {
        let ran = place.run(&["consent", "form", &client, "--template", template, "-o", file]);
        // The form for AI-assisted notes may say that nothing leaves the machine, and then is not made.
        assert!(ran.code == 0 || template == "ai-notes", "{template}: {}", ran.err);
        if ran.code == 0 {
            place.done(&[
                "consent",
                "sign",
                &client,
                "--participant",
                NAME,
                "--typed",
                NAME,
                "-o",
                &format!("signed-{file}"),
            ]);
        }
    }
    (place, client)
}

#[test]
fn a_page_that_becomes_worse_makes_the_audit_and_the_consents_stale() {
    let (place, client) = with_company();
    let pages = Pages::serve();
    let page = |name: &str| fs::read_to_string(fixture(name)).expect("a page");
    pages.page("/privacy", &page("privacy-2025.html"));
    let address = format!("{}/privacy", pages.address);
    let tracked = place.json(&["terms", "track", COMPANY, &address]);
    let source = text(&tracked["tracked"][0]["source"]);
    assert_eq!(pages.asked(), 0, "nothing is fetched by being put on the list");
    let said = place.fails(1, &["terms", "track", COMPANY, &address]);
    assert!(said.contains("watched already"), "{said}");

    let look = |expected: &str, code: i32| -> Value {
        let ran = place.run(&["--json", "terms", "check"]);
        assert_eq!(ran.code, code, "{}", ran.err);
        let checked: Value = serde_json::from_str(&ran.out).expect("one document");
        let one = checked["checked"][0].clone();
        assert_eq!(one["outcome"], expected, "{one}");
        one
    };
    look("first", 0);
    look("unchanged", 0);
    pages.page("/privacy", &page("privacy-2025-form.html"));
    look("form_only", 0);
    let _ = place.run(&["vendor", "audit", COMPANY]);
    // Blocked and unreachable are told apart from unchanged, and nothing becomes stale by them.
    let wall =
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: 9\r\nconnection: close\r\n\r\nforbidden";
    pages.answer("/privacy", wall);
    assert!(text(&look("blocked", 0)["why"]).len() > 20);
    let away = format!(
        "HTTP/1.1 302 Found\r\nlocation: {}/privacy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        pages.address
    );
    pages.answer("/privacy", &away);
    assert!(text(&look("failed", 0)["why"]).contains("circle"));
    let status = |args: &[&str]| place.json(&[&["consent", "status", &client], args].concat());
    let before = status(&[]);
    assert!(place.json(&["consent", "stale"])["clients"].as_array().is_none_or(Vec::is_empty), "{before}");

    pages.page("/privacy", &page("privacy-2026.html"));
    let worse = look("changed", 3);
    assert_eq!(worse["direction"], "worse");
    assert_eq!(worse["audit_stale"], true);
    assert_eq!(worse["consents_stale"], true);
    assert!(
        worse["diff"]["changes"].as_array().expect("changes").iter().any(|one| {
            text(&one["old_quote"]).contains("do not use") && text(&one["new_quote"]).contains("may use")
        })
    );
    // The headers name neither the company nor its address, and a byte search of the folder finds neither.
    let header = place.newest("terms.checked").to_string();
    assert!(!header.contains("Cloudscribe") && !header.contains("127.0.0.1"), "{header}");
    assert!(files::holding(&place.home(), "may use recordings and transcripts").is_empty());
    assert!(files::holding(&place.home(), &address).is_empty());
    assert!(!place.newest("terms.asked").is_null(), "an entry says that the network was asked");

    // The consent that tells of the company is stale, in words for the client; the short form tells it.
    let stale = place.done(&["consent", "stale"]);
    assert!(stale.contains(NAME) && stale.to_lowercase().contains("train"), "{stale}");
    let amended = place.json(&["consent", "amend", &client, "-o", "changes.txt"]);
    assert!(!amended.is_null());
    let short = fs::read_to_string(place.work().join("changes.txt")).expect("the short form");
    assert!(short.contains("Cloudscribe") && short.to_lowercase().contains("train"), "{short}");
    place.done(&["consent", "sign", &client, "--participant", NAME, "--typed", NAME, "-o", "changes-signed.pdf"]);
    assert!(place.json(&["consent", "stale"])["clients"].as_array().is_none_or(Vec::is_empty));

    // Taken back within hours: shown as one, and no longer told.
    pages.page("/privacy", &page("privacy-2025.html"));
    let back = look("came_back", 0);
    assert!(back["came_back_after_ms"].as_i64().is_some(), "{back}");
    let listed = place.json(&["terms", "list"]);
    assert!(listed["sources"][0]["worsened"].is_null(), "{listed}");

    place.done(&["terms", "untrack", &source]);
    assert!(place.fails(1, &["terms", "check"]).contains("no terms are watched"));
    let asked = pages.asked();
    place.done(&["consent", "status", &client]);
    assert_eq!(pages.asked(), asked, "no other command fetches");
    place.verify();
}

#[test]
fn worsened_terms_are_settled_by_a_person_in_words() {
    let (place, _) = with_company();
    let file = place.file("terms.html", fs::read(fixture("privacy-2025.html")).expect("a page").as_slice());
    place.done(&["terms", "track", COMPANY, &file]);
    assert_eq!(place.run(&["terms", "check"]).code, 0);
    fs::copy(fixture("privacy-2026.html"), place.work().join("terms.html")).expect("a copy");
    assert_eq!(place.run(&["terms", "check"]).code, 3);
    assert_eq!(place.entries(&["--kind", "terms.asked"]).len(), 0, "a file is read, not fetched");
    assert!(place.fails(1, &["terms", "settle", COMPANY, "--because", "misread", " "]).contains("say in a few words"));
    place.done(&["terms", "settle", COMPANY, "--because", "taken-back", "They took it back in writing on 1 November"]);
    assert_eq!(place.newest("terms.settled")["facts"]["because"], "taken_back");
    let listed = place.json(&["terms", "list", COMPANY]);
    assert!(listed["sources"][0]["worsened"].is_null(), "{listed}");
    assert!(place.fails(1, &["terms", "settle", COMPANY, "--because", "misread", "again"]).contains("nothing is open"));
    place.verify();
}

#[test]
fn declarations_and_histories_of_open_terms_archive_are_read() {
    let (place, _) = with_company();
    let declaration = br#"{ "name": "Cloudscribe", "documents": {
        "Privacy Policy": { "fetch": "https://cloudscribe.example/privacy", "select": "main", "remove": [".cookie-banner"] },
        "Subprocessor List": { "fetch": "https://cloudscribe.example/subprocessors", "select": ["main", "table"] } } }"#;
    let declaration = place.file("cloudscribe.json", declaration);
    let tracked = place.json(&["terms", "track", COMPANY, &declaration]);
    assert_eq!(tracked["tracked"].as_array().map(Vec::len), Some(2));
    let bad = place
        .file("bad.json", br#"{ "name": "Cloudscribe", "documents": { "Privacy Policy": { "fetch": "ftp://x" } } }"#);
    let said = place.fails(1, &["terms", "track", COMPANY, &bad]);
    assert!(said.contains("bad.json") && said.contains("ftp://x"), "{said}");

    // A git folder of versions, as Open Terms Archive keeps them.
    let folder = place.work().join("versions");
    fs::create_dir_all(folder.join("Cloudscribe")).expect("a folder");
    let git = |args: &[&str], day: &str| {
        let done = std::process::Command::new("git")
            .args([
                "-C",
                folder.to_str().expect("a path"),
                "-c",
                "user.name=Archive",
                "-c",
                "user.email=archive@archive.example",
            ])
            .args(args)
            .env("GIT_AUTHOR_DATE", format!("{day}T10:00:00Z"))
            .env("GIT_COMMITTER_DATE", format!("{day}T10:00:00Z"))
            .output()
            .expect("git runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"], "2025-03-01");
    for (day, sentence) in [
        ("2025-03-01", "We do not use recordings to train models."),
        ("2025-09-01", "We may use recordings to train our models."),
        ("2026-02-01", "We may use recordings to train our models and share them with partners."),
    ] {
        fs::write(
            folder.join("Cloudscribe/Privacy Policy.md"),
            format!("# Privacy Policy\n\nWe make notes.\n\n{sentence}\n"),
        )
        .expect("a file");
        git(&["add", "."], day);
        git(&["commit", "-q", "-m", "Record new version"], day);
    }
    let imported = place.json(&["terms", "import", COMPANY, "versions", "--service", "Cloudscribe"]);
    assert_eq!(imported["versions"], 3, "{imported}");
    let changes = imported["changes"].as_array().expect("changes");
    assert_eq!(changes[0]["diff"]["direction"], "worse", "{imported}");
    let empty = place.work().join("empty");
    fs::create_dir(&empty).expect("a folder");
    place.fails(1, &["terms", "import", COMPANY, "empty"]);
    place.verify();
}

#[test]
fn an_audit_takes_its_answers_from_where_they_are_and_ends_on_paper() {
    let (place, _) = with_company();
    let questions = place.json(&["vendor", "questions"]);
    let ids: Vec<String> =
        questions["questions"].as_array().expect("a list").iter().map(|one| text(&one["id"])).collect();
    assert!(ids.len() >= 20, "{ids:?}");
    for question in questions["questions"].as_array().expect("a list") {
        assert!(!text(&question["citation"]).is_empty() && !text(&question["mark"]).is_empty(), "{question}");
    }
    let ran = place.run(&[
        "vendor",
        "agreement",
        COMPANY,
        &fixture("cloudscribe-baa.md"),
        "--signed",
        "2026-03-01",
        "--by",
        "Dana Reyes",
    ]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(files::holding(&place.home(), "de-identify PHI").is_empty(), "the agreement is sealed");
    let said =
        place.fails(1, &["vendor", "agreement", COMPANY, &fixture("cloudscribe-baa.md"), "--signed", "yesterday"]);
    assert!(said.contains("date"), "{said}");

    let audit = |who: &str, more: &[&str]| -> Value {
        let ran = place.run(&[&["--json", "vendor", "audit", who], more].concat());
        assert_eq!(ran.code, 3, "{}", ran.err);
        serde_json::from_str(&ran.out).expect("one document")
    };
    let first = audit(COMPANY, &["--csv", "audit.csv", "--oscal", "audit.json"]);
    let answer = |audit: &Value, id: &str| -> Value {
        let all = audit["answers"].as_array().expect("answers");
        all.iter().find(|one| one["question"]["id"] == id).map(|one| one["answer"].clone()).unwrap_or_default()
    };
    let origins: Vec<String> = first["answers"]
        .as_array()
        .expect("answers")
        .iter()
        .filter_map(|one| one["answer"]["origin"].as_str().map(str::to_owned))
        .collect();
    for origin in ["agreement", "ledger", "configuration"] {
        assert!(origins.iter().any(|one| one == origin), "{origin}: {origins:?}");
    }
    let words = fs::read_to_string(fixture("cloudscribe-baa.md")).expect("the agreement");
    let mut quotes = 0;
    for one in first["answers"].as_array().expect("answers") {
        for evidence in one["answer"]["evidence"].as_array().into_iter().flatten() {
            if let (Some(quote), true) = (evidence["quote"].as_str(), evidence["start"].is_u64()) {
                assert_eq!(quote, slice(&words, &evidence["start"], &evidence["end"]), "{evidence}");
                quotes += 1;
            }
        }
    }
    assert!(quotes > 3, "{quotes}");
    // `no training` was recorded of the company; its agreement says otherwise: both are shown, as a finding.
    assert!(first["findings"].as_array().expect("findings").iter().any(|one| one["question"] == "training"), "{first}");
    let table = fs::read_to_string(place.work().join("audit.csv")).expect("a table");
    assert!(table.lines().count() > ids.len());
    let oscal: Value =
        serde_json::from_slice(&fs::read(place.work().join("audit.json")).expect("a file")).expect("JSON");
    assert!(oscal["assessment-results"]["results"][0]["findings"].is_array());

    // A person's answer, with words that must stand in the file.
    let evidence = place.file("soc2.txt", b"All access to customer data requires multi-factor authentication.\n");
    let said = place.fails(
        1,
        &[
            "vendor",
            "answer",
            COMPANY,
            "second-factor",
            "yes",
            "--file",
            &evidence,
            "--quote",
            "Everybody has a token.",
        ],
    );
    assert!(said.contains("does not stand") || said.contains("not in"), "{said}");
    place.done(&[
        "vendor",
        "answer",
        COMPANY,
        "second-factor",
        "yes",
        "--file",
        &evidence,
        "--quote",
        "requires multi-factor authentication",
        "--date",
        "2026-02-10",
    ]);
    assert!(place.fails(1, &["vendor", "answer", COMPANY, "nonsense", "yes"]).contains("nonsense"));
    let second = audit(COMPANY, &[]);
    assert_eq!(answer(&second, "second-factor")["says"], "yes");
    assert_eq!(answer(&second, "second-factor")["origin"], "person");

    // Our own pipeline, by the same questions, without what does not exist.
    let own = audit("local", &[]);
    assert_eq!(own["local"], true);
    assert_ne!(answer(&own, "second-factor")["says"], "yes", "there is no second factor yet");

    // On paper.
    for (args, file) in [
        (vec!["report", "checklist", COMPANY], "company.pdf"),
        (vec!["report", "checklist", "local"], "own.pdf"),
        (vec!["report", "stack"], "stack.pdf"),
        (vec!["report", "board"], "board.pdf"),
    ] {
        let ran = place.run(&[&args[..], &["-o", file]].concat());
        assert!(ran.code == 0 || ran.code == 3, "{args:?}: {}", ran.err);
        if has("pdftotext") {
            let out =
                std::process::Command::new("pdftotext").arg(place.work().join(file)).arg("-").output().expect("runs");
            let words = String::from_utf8_lossy(&out.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.to_lowercase().contains("not legal advice"), "{file}");
            assert!(!words.to_lowercase().contains("hipaa compliant"), "{file}");
            if file != "own.pdf" {
                assert!(words.contains("Cloudscribe"), "{file}: {words}");
            }
        }
    }
    let said = place.fails(1, &["report", "checklist", "Nobody Inc.", "-o", "nobody.pdf"]);
    assert!(said.contains("vendor list"), "{said}");
    assert!(!place.work().join("nobody.pdf").exists());
    place.verify();
}

#[test]
fn a_local_model_argues_what_the_rules_left_unclear_and_every_word_of_it_is_on_record() {
    let place = Place::founded();
    let before = place.size();
    // "Industry-standard security" is not the Security Rule, and not nothing.
    let firm = "use appropriate safeguards and comply with Subpart C of 45 CFR Part 164 for electronic PHI";
    let agreement = fs::read_to_string(fixture("cloudscribe-baa.md")).expect("the agreement");
    assert!(agreement.contains(firm));
    let agreement = agreement.replace(firm, "protect PHI with industry-standard security measures");
    let agreement = place.file("vague.md", agreement.as_bytes());
    let ran = place.run(&["--json", "baa", "review", &agreement, "--model", "smollm2-135m"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let review: Value = serde_json::from_str(&ran.out).expect("one document");
    let second = &review["second_reader"];
    assert_eq!(second["model"], "smollm2-135m");
    let plain = place.run(&["--json", "baa", "review", &agreement]);
    let plain: Value = serde_json::from_str(&plain.out).expect("one document");
    // It moves nothing but what was unclear.
    for (with, without) in
        review["provisions"].as_array().expect("a list").iter().zip(plain["provisions"].as_array().expect("a list"))
    {
        if without["present"] != "unclear" {
            assert_eq!(with["present"], without["present"], "{without}");
        }
    }
    let points = second["points"].as_array().expect("points");
    assert!(!points.is_empty(), "the agreement leaves something unclear, or this test shows nothing");
    for point in points {
        assert_eq!(point["was"], "unclear");
        let prompt = place.json(&["ledger", "show", &point["seq"].to_string()]);
        assert!(prompt.to_string().contains("prompt"), "{prompt}");
    }
    assert!(place.size() > before + points.len());
    assert!(place.fails(1, &["baa", "review", &agreement, "--model", "nothing"]).contains("nothing"));
    place.verify();
}
