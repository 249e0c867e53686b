//! A practice as its users meet it: making it, clients, passphrases, the unlock agent, settings, bad input, help.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use provenote_tests::{PASSPHRASE, Place, eventually, files, sentence, text};
use serde_json::json;

const INIT: [&str; 7] =
    ["init", "--practice", "Elm Street Counseling", "--clinician", "Dana Reyes, LCSW", "--state", "il"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

#[test]
fn init_makes_a_practice_that_verifies() {
    let place = Place::new();
    let ran = place.run(&[&["--json"], &INIT[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let made: serde_json::Value = serde_json::from_str(&ran.out).expect("one document");
    for key in ["practice", "clinician", "origin", "vkey"] {
        assert!(!text(&made[key]).is_empty(), "{key}");
    }
    assert_eq!(made["practice"], "Elm Street Counseling");
    assert!(!text(&made["origin"]).to_lowercase().contains("elm"), "the origin does not name the practice");
    assert!(text(&made["vkey"]).starts_with(&format!("{}+", text(&made["origin"]))), "a C2SP verifier key");
    let code = recovery_code(&ran.err);
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 9], "{code}");
    assert!(
        files::holding(&place.home(), &code).is_empty()
            && files::holding(&place.home(), &code.replace('-', "")).is_empty()
    );

    assert_eq!(mode(&place.home()), 0o700);
    for file in files::files(&place.home()) {
        assert_eq!(mode(&file) & 0o077, 0, "{} is open to others", file.display());
    }
    let kinds: BTreeSet<String> = place.entries(&[]).iter().map(|entry| text(&entry["kind"])).collect();
    for kind in ["practice.created", "user.added", "practice.configured", "recovery.printed"] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    assert!(
        place.entries(&[]).iter().all(|entry| text(&entry["actor"]).starts_with("usr-")),
        "each entry names its actor"
    );
    place.verify();
}

fn recovery_code(err: &str) -> String {
    let code = err.lines().map(str::trim).find(|line| line.len() == 44 && line.matches('-').count() == 8);
    code.unwrap_or_else(|| panic!("no recovery code in: {err}")).to_owned()
}

#[test]
fn init_leaves_what_is_there_alone() {
    let place = Place::founded();
    let before = files::contents(&place.home());
    assert!(place.fails(1, &INIT).contains("is a practice already"));
    assert_eq!(files::contents(&place.home()), before);

    let other = Place::new();
    fs::create_dir(other.home()).expect("a folder");
    fs::write(other.home().join("thesis.txt"), "mine").expect("a file");
    assert!(other.fails(1, &INIT).contains("not empty"));
    assert_eq!(files::contents(&other.home()).len(), 1);

    fs::remove_file(other.home().join("thesis.txt")).expect("removed");
    other.done(&INIT);
    other.verify();
}

#[test]
fn init_that_fails_leaves_nothing() {
    let place = Place::new();
    let short = place.path().join("short.txt");
    fs::write(&short, "seven77\n").expect("a file");
    let empty = place.path().join("empty.txt");
    fs::write(&empty, "\n").expect("a file");
    let long = "x".repeat(201);
    let missing = place.path().join("missing.txt");
    let cases: [(&[&str], &str); 8] = [
        (&["--practice", "Elm", "--clinician", "Dana", "--state", "XX"], "no US state"),
        (&["--practice", "Elm", "--clinician", "Dana", "--state", "Illinois"], "no US state"),
        (&["--practice", " ", "--clinician", "Dana", "--state", "IL"], "practice's name"),
        (&["--practice", &long, "--clinician", "Dana", "--state", "IL"], "practice's name"),
        (&["--practice", "Elm", "--clinician", "Da\u{7}na", "--state", "IL"], "clinician's name"),
        (
            &[
                "--practice",
                "Elm",
                "--clinician",
                "Dana",
                "--state",
                "IL",
                "--passphrase-file",
                short.to_str().expect("text"),
            ],
            "fewer than 12",
        ),
        (
            &[
                "--practice",
                "Elm",
                "--clinician",
                "Dana",
                "--state",
                "IL",
                "--passphrase-file",
                empty.to_str().expect("text"),
            ],
            "is empty",
        ),
        (
            &[
                "--practice",
                "Elm",
                "--clinician",
                "Dana",
                "--state",
                "IL",
                "--passphrase-file",
                missing.to_str().expect("text"),
            ],
            "could not be read",
        ),
    ];
    let names = || {
        fs::read_dir(place.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect::<BTreeSet<_>>()
    };
    let before = names();
    for (args, why) in cases {
        let said = place.fails(1, &[&["init"], args].concat());
        assert!(said.contains(why), "{args:?}: {said}");
        assert_eq!(names(), before, "{args:?} left something");
    }
    // The same in a folder that is there already, as a mount point would be.
    fs::create_dir(place.home()).expect("a folder");
    place.fails(1, &["init", "--practice", "Elm", "--clinician", "Dana", "--state", "XX"]);
    assert!(files::files(&place.home()).is_empty());
    let kit = place.file("kit.pdf", b"mine");
    place.fails(1, &[&INIT[..], &["--recovery-kit", &kit]].concat());
    assert!(
        files::files(&place.home()).is_empty(),
        "a kit that cannot be written is found out before anything is made"
    );
}

#[test]
fn the_recovery_kit_is_a_file_to_print() {
    let place = Place::new();
    let ran = place.run(&[&["--json"], &INIT[..], &["--recovery-kit", "kit.pdf"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(fs::read(place.work().join("kit.pdf")).expect("the kit").starts_with(b"%PDF-"));
    assert!(!ran.err.contains("shown once"), "the code stands in the kit and nowhere else");
}

#[test]
fn clients_are_added_listed_and_shown() {
    let place = Place::founded();
    let added = place.json(&[
        "client",
        "add",
        "  Noor   Haddad ",
        "--state",
        "wa",
        "--born",
        "2011-02-28",
        "--guardian",
        "Samir Haddad",
        "--participant",
        "Lena Haddad",
    ]);
    let client = text(&added["client"]);
    assert!(client.starts_with("cli-"));
    assert_eq!(added["name"], "Noor Haddad");
    assert_eq!(added["state"], "WA");
    let people: Vec<_> = added["participants"]
        .as_array()
        .expect("people")
        .iter()
        .map(|p| (text(&p["name"]), text(&p["role"])))
        .collect();
    assert_eq!(
        people,
        [("Noor Haddad", "client"), ("Samir Haddad", "guardian"), ("Lena Haddad", "participant")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    assert!(added["participants"][0]["id"].is_string());

    let other = place.client("Amos Bell");
    let list = place.json(&["client", "list"]);
    let names: Vec<_> = list["clients"].as_array().expect("clients").iter().map(|c| text(&c["name"])).collect();
    assert_eq!(names, ["Amos Bell", "Noor Haddad"]);
    for asked in [client.as_str(), "noor haddad", " Noor Haddad "] {
        assert_eq!(place.json(&["client", "show", asked])["client"], json!(client));
    }
    // Looking at identities is an act; the entries hold no name.
    assert_eq!(place.entries(&["--kind", "client.viewed"]).len(), 4);
    assert_eq!(place.entries(&["--kind", "client.added", "--client", &other]).len(), 1);
    place.verify();
}

#[test]
fn a_name_in_any_script_stays_as_it_is() {
    let place = Place::founded();
    let names = [
        "#panic(\"x\")",
        "<b>Ann</b> & Co",
        "{{ practice }} {% if x %}",
        "*Bold* _it_ `code` [a](b) | # -",
        "$x^2$ @ref \\u{0}",
        "Øyvind O’Brien–Smith Jr.",
        "Nguyễn Thị Ánh",
        "李小龍",
        "محمد علي",
        "Зоя Ильина",
        "'; DROP TABLE entries; --",
        "../../etc/passwd",
    ];
    for (number, name) in names.iter().enumerate() {
        let client = place.client(name);
        assert_eq!(place.json(&["client", "show", &client])["name"], json!(name));
        let file = format!("form-{number}.txt");
        place.done(&["consent", "form", &client, "-o", &file]);
        let form = place.newest("consent.requested");
        let shown = place.json(&["ledger", "show", &form["seq"].to_string()]);
        assert_eq!(shown["opened"]["form"]["participants"][0]["name"], json!(name));
        let signed = place.run(&[
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
        // A script without a font is refused in one sentence and never printed with holes.
        if signed.code != 0 {
            let said = sentence(&["consent", "sign"], &signed.err);
            assert!(said.contains("font") || said.contains("glyph") || said.contains("character"), "{name}: {said}");
        } else {
            assert!(fs::read(place.work().join(format!("signed-{number}.pdf"))).expect("a PDF").starts_with(b"%PDF-"));
        }
    }
    place.verify();
}

#[test]
fn bad_input_is_one_sentence_and_no_entry() {
    let place = Place::founded();
    let client = place.client("Maria Alvarez");
    let audio = place.file("talk.wav", b"no sound at all");
    let unknown = |prefix: &str| format!("{prefix}-{}", "0".repeat(16));
    let (no_client, no_session, no_note) = (unknown("cli"), unknown("ses"), unknown("note"));
    let many = "x".repeat(100_000);
    let form_folder = place.path().join("nowhere/form.pdf").display().to_string();
    let cases: Vec<(Vec<&str>, i32, &str)> = vec![
        (vec!["client", "show", &no_client], 1, "no client"),
        (vec!["client", "show", "Nobody Known"], 1, "no client"),
        (vec!["client", "show", ""], 1, "no client"),
        (vec!["client", "show", &many], 1, "no client"),
        (vec!["client", "add", ""], 1, "empty"),
        (vec!["client", "add", " \t "], 1, "empty"),
        (vec!["client", "add", "Li\nly"], 0, ""),
        (vec!["client", "add", "Be\u{0008}ep"], 1, "control characters"),
        (vec!["client", "add", &many], 1, "longer than"),
        (vec!["client", "add", "A B", "--state", "XX"], 1, "no US state"),
        (vec!["client", "add", "A B", "--born", "2199-01-01"], 1, "future"),
        (vec!["client", "add", "A B", "--born", "2023-02-29"], 1, "is no date"),
        (vec!["client", "add", "A B", "--born", "last May"], 1, "is no date"),
        (vec!["client", "add", "A B", "--participant", "a b"], 1, "same name"),
        (vec!["client", "add", "A B", "--participant", "C D", "--participant", "C  D"], 1, "same name"),
        (vec!["client", "add", "A B", "--guardian", " "], 1, "empty"),
        (vec!["consent", "form", &no_client], 1, "no client"),
        (vec!["consent", "form", &client, "--lang", "tlh"], 1, "no language code"),
        (vec!["consent", "form", &client, "-o", &form_folder], 1, "does not exist"),
        (vec!["consent", "status", &no_client], 1, "no client"),
        (vec!["session", "add", &no_client, &audio], 1, "no client"),
        (vec!["session", "list", &no_client], 1, "no client"),
        (vec!["session", "show", &no_session], 1, "no session"),
        (vec!["session", "show", "ses-??"], 1, "no session"),
        (vec!["transcript", "show", &no_session], 1, "no session"),
        (vec!["note", "draft", &no_session], 1, "no session"),
        (vec!["note", "draft", &no_session, "--format", "haiku"], 1, "no note format"),
        (vec!["note", "draft", &no_session, "--model", "gpt-9"], 1, "no session"),
        (vec!["note", "show", &no_note], 1, "no note"),
        (vec!["note", "attest", &client], 1, "no note"),
        (vec!["note", "trace", &no_note], 1, "no note"),
        (vec!["note", "export", &no_note, "-o", "note.doc"], 2, ".pdf, .md, .txt or .json"),
        (vec!["note", "export", &no_note, "-o", "note.pdf"], 1, "no note"),
        (vec!["note", "amend", &no_note, "--text", "more"], 1, "no note"),
        (vec!["note", "answer", &no_note, "w1", "fine"], 1, "no note"),
        (vec!["note", "edit", &no_note, "--from", "missing.md"], 1, "could not be read"),
        (vec!["ledger", "show", "99999"], 1, "no entry"),
        (vec!["ledger", "log", "--kind", "note.sung"], 2, "no kind"),
        (vec!["ledger", "log", "--since", "yesterday"], 2, "yesterday"),
        (vec!["ledger", "verify", "--anchor", "missing.txt"], 1, "could not be read"),
        (vec!["settings", "set", "speach", "x"], 1, "no setting"),
        (vec!["settings", "set", "audio_days", "31"], 1, "0 to 30"),
        (vec!["settings", "set", "threads", "0"], 1, "1 to 64"),
        (vec!["settings", "set", "drafting", "gpt-9"], 1, "gpt-9"),
        (vec!["settings", "set", "speech", "smollm2-135m"], 1, "smollm2-135m"),
        (vec!["settings", "set", "allow_no_sandbox", "maybe"], 1, "true or false"),
        (vec!["model", "add", "missing.gguf"], 1, "missing.gguf"),
        (vec!["model", "add", &audio], 1, "talk.wav"),
        (vec!["model", "pull", "unheard-of"], 1, "unheard-of"),
        (vec!["report", "board", "-o", &form_folder], 1, "does not exist"),
        (vec!["--as", "usr-0000000000000000", "client", "list"], 1, "passphrase"),
    ];
    for (args, code, why) in &cases {
        let before = place.size();
        let ran = place.run(args);
        let short: Vec<_> = args.iter().map(|arg| arg.chars().take(40).collect::<String>()).collect();
        assert_eq!(ran.code, *code, "{short:?}: {}{}", ran.out, ran.err);
        if *code != 0 {
            let said = sentence(args, &ran.err);
            assert!(said.contains(why), "{short:?}: {said}");
            assert!(said.len() < 1500, "{short:?}: a sentence, not a page");
            assert!(ran.out.is_empty(), "{short:?}: {}", ran.out);
            assert_eq!(place.size(), before, "{short:?} left an entry");
            assert!(!said.contains("Maria"), "{short:?}: no name in an error");
        }
    }
    place.verify();
}

#[test]
fn words_that_make_no_command_are_usage() {
    let place = Place::founded();
    let cases: [&[&str]; 9] = [
        &[],
        &["frobnicate"],
        &["client"],
        &["client", "add"],
        &["init", "--practice", "Elm"],
        &["consent", "sign", "x", "--participant", "y", "--typed", "a", "--drawn", "b.png"],
        &["unlock", "--idle", "0"],
        &["unlock", "--idle", "481"],
        &["note", "amend", "x"],
    ];
    for args in cases {
        let ran = place.run(args);
        assert_eq!(ran.code, 2, "{args:?}: {}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{args:?}");
    }
    let client = place.client("Maria Alvarez");
    let unsigned = place.run(&["consent", "sign", &client, "--participant", "Maria Alvarez"]);
    assert_eq!(unsigned.code, 2);
    sentence(&["consent", "sign"], &unsigned.err);
}

#[test]
fn a_folder_that_is_no_practice_is_told_apart() {
    let place = Place::new();
    for args in [
        &["client", "list"][..],
        &["ledger", "verify"],
        &["ledger", "log"],
        &["unlock"],
        &["settings", "show"],
        &["report", "board"],
    ] {
        assert!(place.fails(1, args).contains("holds no practice"), "{args:?}");
    }
    assert!(!place.home().exists(), "asking makes nothing");
    let ran = place.run(&["--json", "client", "list"]);
    assert_eq!(ran.code, 1);
    let said: serde_json::Value = serde_json::from_str(&ran.out).expect("one document");
    assert_eq!(said["exit"], 1);

    // Half a practice is a finding.
    let half = Place::founded();
    fs::remove_file(half.home().join("ledger.db")).expect("removed");
    assert!(half.fails(3, &["client", "list"]).contains("half a practice"));

    // A file of another program in the ledger's place.
    let foreign = Place::founded();
    fs::write(foreign.home().join("ledger.db"), "Dear diary,\n".repeat(500)).expect("a file");
    for args in [&["client", "list"][..], &["ledger", "verify"], &["ledger", "log"]] {
        let said = foreign.fails(1, args);
        assert!(said.contains("ledger.db"), "{args:?}: {said}");
    }
    assert_eq!(
        fs::read(foreign.home().join("ledger.db")).expect("a file"),
        "Dear diary,\n".repeat(500).into_bytes(),
        "left alone"
    );
}

#[test]
fn a_locked_practice_says_how_to_open_it() {
    let place = Place::founded();
    place.client("Maria Alvarez");
    for args in
        [&["client", "list"][..], &["note", "list"], &["ledger", "show", "0"], &["report", "board"], &["unlock"]]
    {
        let ran = place.run_locked(args);
        assert_eq!(ran.code, 1, "{args:?}");
        assert!(sentence(args, &ran.err).contains("locked"), "{args:?}: {}", ran.err);
    }
    // Headers, checkpoint, settings and verification need no keys.
    for args in [&["ledger", "log"][..], &["ledger", "checkpoint"], &["settings", "show"], &["ledger", "verify"]] {
        let ran = place.run_locked(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_wrong_passphrase_tells_nothing_and_is_counted() {
    let place = Place::founded();
    let wrong = place.file("wrong.txt", b"correct horse battery stable\n");
    let refused = place.fails(1, &["--passphrase-file", &wrong, "client", "list"]);
    let unknown = place.fails(1, &["--passphrase-file", &wrong, "--as", "usr-0000000000000000", "client", "list"]);
    assert_eq!(refused, unknown, "whether there is such a user is not told");
    assert!(!refused.contains("stable") && !refused.contains("horse"));
    assert!(place.entries(&["--kind", "user.refused"]).is_empty(), "without keys nothing can be signed");
    place.done(&["client", "list"]);
    let entries = place.entries(&["--kind", "user.refused"]);
    let of = |nobody: bool| entries.iter().filter(|entry| entry["facts"]["nobody"] == nobody).count();
    assert_eq!((entries.len(), of(true)), (2, 1), "{entries:?}");
    assert!(entries.iter().all(|entry| entry["facts"]["times"] == 1), "{entries:?}");
    place.done(&["client", "list"]);
    assert_eq!(place.entries(&["--kind", "user.refused"]).len(), 2, "counted once");
    place.verify();
}

#[test]
fn the_agent_holds_keys_until_it_is_locked() {
    let place = Place::founded();
    place.done(&["unlock", "--idle", "5"]);
    let folder = fs::read_dir(place.path().join("run"))
        .expect("a folder")
        .next()
        .expect("the agent's")
        .expect("an entry")
        .path();
    assert_eq!(mode(&folder), 0o700);
    let socket = fs::read_dir(&folder).expect("a folder").next().expect("the socket").expect("an entry").path();
    assert_eq!(mode(&socket), 0o600);
    let client = place.run_locked(&["--json", "client", "add", "Maria Alvarez"]);
    assert_eq!(client.code, 0, "{}", client.err);
    // No key on a command line, and none in the agent's environment or files.
    let agents = running(&socket);
    assert_eq!(agents.len(), 1);
    assert!(!agents[0].contains(PASSPHRASE));

    // Unlocking again replaces the agent.
    place.done(&["unlock"]);
    eventually("one agent", || running(&socket).len() == 1);

    assert_eq!(place.run_locked(&["lock"]).code, 0);
    eventually("the agent's end", || running(&socket).is_empty());
    assert!(!socket.exists());
    let after = place.run_locked(&["client", "list"]);
    assert_eq!(after.code, 1);
    assert!(after.err.contains("locked"));
    assert_eq!(place.run_locked(&["lock"]).code, 0, "locking twice is no error");
    assert_eq!(place.entries(&["--kind", "user.unlocked"]).len(), 2);
    assert_eq!(place.newest("user.unlocked")["facts"]["idle_minutes"], 15);
    assert_eq!(place.entries(&["--kind", "user.locked"]).len(), 1);
    place.verify();
}

/// Command lines of the agents that answer on a socket.
fn running(socket: &Path) -> Vec<String> {
    let wanted = socket.display().to_string();
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").expect("proc").flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(" agent ") && line.contains(&wanted) {
            found.push(line);
        }
    }
    found
}

#[test]
fn an_agent_of_one_practice_does_not_open_another() {
    let (one, other) = (Place::founded(), Place::founded());
    one.done(&["unlock"]);
    let mut command = other.command(&["client", "list"]);
    let ran = command
        .env_remove("PROVENOTE_PASSPHRASE_FILE")
        .env("XDG_RUNTIME_DIR", one.path().join("run"))
        .output()
        .expect("starts");
    assert_eq!(ran.status.code(), Some(1));
    one.done(&["lock"]);
}

#[test]
fn the_recovery_code_opens_the_keys_and_seals_them_anew() {
    let place = Place::new();
    let ran = place.run(&INIT);
    let code = recovery_code(&ran.err);
    let client = place.client("Maria Alvarez");
    let renewed = place.file("renewed.txt", b"an altogether different one\n");

    let mut letters: Vec<char> = code.chars().collect();
    letters[0] = if letters[0] == 'a' { 'b' } else { 'a' };
    let mistyped = place.file("mistyped.txt", letters.iter().collect::<String>().as_bytes());
    let said = place.fails(1, &["recover", "--code-file", &mistyped, "--passphrase-file", &renewed]);
    assert!(said.contains("recovery code") && !said.contains(&code[5..9]), "{said}");
    let short = place.file("short.txt", b"seven77\n");
    let right = place.file("code.txt", format!("{}\n", code.to_uppercase().replace('-', " ")).as_bytes());
    assert!(place.fails(1, &["recover", "--code-file", &right, "--passphrase-file", &short]).contains("fewer than 12"));
    place.done(&["client", "show", &client]);

    let recovered = place.run(&["recover", "--code-file", &right, "--passphrase-file", &renewed]);
    assert_eq!(recovered.code, 0, "{}", recovered.err);
    assert!(place.fails(1, &["client", "show", &client]).contains("passphrase"));
    assert_eq!(place.run(&["--passphrase-file", &renewed, "client", "show", &client]).code, 0);
    assert_eq!(place.entries(&["--kind", "user.recovered"]).len(), 1);
    // A code is good once; a new one takes its place.
    let again = place.file("again.txt", b"yet another passphrase\n");
    place.fails(1, &["recover", "--code-file", &right, "--passphrase-file", &again]);
    let next = recovery_code(&recovered.err);
    assert_ne!(next, code);
    let next = place.file("next.txt", next.as_bytes());
    place.done(&["recover", "--code-file", &next, "--passphrase-file", &again]);
    assert_eq!(place.run(&["--passphrase-file", &again, "--json", "ledger", "verify"]).code, 0);
}

#[test]
fn settings_are_entries_and_are_shown() {
    let place = Place::founded();
    let shown = place.json(&["settings", "show"]);
    assert_eq!(shown["speech"], "whisper-tiny.en");
    assert_eq!(shown["drafting"], json!(["smollm2-135m"]), "the best drafting model of this machine");
    assert_eq!(shown["allow_no_sandbox"], false);
    assert_eq!(place.json(&["settings", "set", "audio_days", "3"])["audio_days"], 3);
    assert_eq!(place.json(&["settings", "show"])["audio_days"], 3);
    assert_eq!(place.newest("practice.configured")["facts"]["audio_days"], 3);
    place.done(&["settings", "set", "allow_no_sandbox", "true"]);
    assert_eq!(
        place.newest("practice.configured")["facts"]["allow_no_sandbox"],
        true,
        "in the clear, for whoever holds the log"
    );
    let doctor = place.json(&["doctor"]);
    let check = |id: &str| {
        doctor["checks"].as_array().expect("checks").iter().find(|check| check["id"] == id).expect("a check").clone()
    };
    assert_eq!(check("safeguards")["ok"], false);
    assert!(text(&check("safeguards")["detail"]).contains("allow_no_sandbox"));
    place.verify();
}

#[test]
fn the_doctor_tells_what_works() {
    let place = Place::new();
    let nowhere = place.json(&["doctor"]);
    assert_eq!(nowhere["checks"][0]["id"], "practice");
    assert_eq!(nowhere["checks"][0]["ok"], false);
    assert!(!place.home().exists());
    let place = Place::founded();
    let found = place.json(&["doctor"]);
    for check in found["checks"].as_array().expect("checks") {
        let id = text(&check["id"]);
        // No backup was made yet, and the doctor says so.
        assert_eq!(check["ok"], json!(id != "backups"), "{id}: {}", check["detail"]);
    }
}

#[test]
fn a_model_that_is_not_what_it_must_be_is_found() {
    let place = Place::founded();
    let checked = place.json(&["model", "check"]);
    assert!(
        checked["models"]
            .as_array()
            .expect("models")
            .iter()
            .filter(|model| model["present"] == true)
            .all(|model| model["ok"] == true)
    );
    let listed = place.json(&["model", "list"]);
    let present: BTreeSet<String> = listed["models"]
        .as_array()
        .expect("models")
        .iter()
        .filter(|model| model["present"] == true)
        .map(|model| text(&model["id"]))
        .collect();
    assert_eq!(present, ["silero-vad", "smollm2-135m", "whisper-base", "whisper-tiny.en"].map(str::to_owned).into());
    forge(&place, "ggml-silero-v6.2.0.bin");
    let ran = place.run(&["--json", "model", "check"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let checked: serde_json::Value = serde_json::from_str(&ran.out).expect("one document");
    let wrong: Vec<_> = checked["models"]
        .as_array()
        .expect("models")
        .iter()
        .filter(|model| model["present"] == true && model["ok"] == false)
        .collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0]["id"], "silero-vad");
}

/// Replaces the link to a model by a file of the same length with its last byte changed.
fn forge(place: &Place, file: &str) {
    let path = place.models().join(file);
    let mut bytes = fs::read(&path).expect("a model");
    *bytes.last_mut().expect("a model has bytes") ^= 1;
    fs::remove_file(&path).expect("the link goes, the model stays");
    fs::write(&path, bytes).expect("a file");
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    let mut waiting = vec![Vec::<String>::new()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = place.done(&args);
        assert!(help.contains("Usage: provenote"), "{path:?}");
        assert!(help.contains("Example"), "`provenote {}` has no example", path.join(" "));
        assert!(!help.contains("/root/") && !help.contains("/tmp/"), "{path:?} prints a path of this machine");
        seen += 1;
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        // A command stands two spaces in; the lines of a long description stand further.
        for line in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let name = line.split_whitespace().next().expect("a name");
            if name != "help" {
                waiting.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
    }
    assert!(seen > 50, "only {seen} commands were found");
    assert!(place.done(&["--version"]).starts_with("provenote "));
}
