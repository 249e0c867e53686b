//! Every command by every role, with the real program: what `access policy table --commands` says is what happens. The
//! table is made from the program's own list of commands, so a new command is tried here as soon as it is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use provenote_ledger::CosignerKey;
use provenote_tests::people::Person;
use provenote_tests::{Place, audio, files, root, text};
use serde_json::Value;

/// Commands that are not tried: one does the whole job with models, one never ends by itself.
const NOT_TRIED: [&str; 2] = ["demo", "witness serve"];

/// Who acts, by a name of ours.
struct Actor {
    name: &'static str,
    role: &'static str,
    person: Person,
}

/// A practice with a user of each role, and a colleague of the treating clinician; everybody's keys are unlocked.
struct Office {
    place: Place,
    people: Vec<Actor>,
    client: String,
    session: String,
    note: String,
    grant: String,
    release: String,
    device: String,
    hold: String,
    incident: String,
    /// What lay in the working folder before the first command was tried.
    work: BTreeSet<PathBuf>,
}

impl Office {
    fn new() -> Self {
        let place = Place::founded();
        let client = place.consenting("Maria Alvarez");
        let typed = place.file("note.txt", b"Subjective. Client slept better. Plan. Continue weekly.\n");
        let session = text(&place.json(&["session", "dictate", &client, "--text", &typed])["session"]);
        let note = text(&place.json(&["note", "draft", &session])["note"]);
        place.done(&["backup", "create", "backup"]);
        let owner = place.founder_without_factors();
        let mut people = vec![Actor { name: "owner", role: "owner", person: owner.clone() }];
        for (name, role) in [
            ("treating", "clinician"),
            ("colleague", "clinician"),
            ("supervisor", "supervisor"),
            ("biller", "biller"),
            ("researcher", "researcher"),
            ("compliance", "compliance_officer"),
            ("desk", "front_desk"),
            ("board", "auditor"),
        ] {
            people.push(Actor { name, role, person: place.colleague(&owner, name, role) });
        }
        let user = |name: &str| {
            let found = people.iter().find(|actor| actor.name == name).expect("one of them");
            found.person.clone()
        };
        let (treating, colleague, supervisor) = (user("treating"), user("colleague"), user("supervisor"));
        place.json_as(&owner, &["access", "assign", &client, &treating.user]);
        place.json_as(&owner, &["access", "supervise", &supervisor.user, &treating.user]);
        place.json_as(&owner, &["access", "emergency", "prepare"]);
        let asked = ["access", "grant", "request", &client, "--reason", "Covering this week."];
        let grant = text(&place.json_as(&colleague, &asked)["grant"]);
        place.json_as(&owner, &["note", "attest", &note]);
        let prepared = place.json_as(&owner, &["release", "prepare", &note]);
        let statement = place.file("statement.txt", text(&prepared["statement"]).as_bytes());
        let mark = text(&prepared["mark"]);
        let make = ["release", "make", &note, "--as-read", &mark, "--statement-file", &statement];
        let release = text(&place.json_as(&owner, &make)["release"]);
        let held = ["retention", "hold", "place", &client, "--reason", "A complaint."];
        let hold = place.json_as(&owner, &held)["hold"].to_string();
        let told = ["access", "incident", "report", "--severity", "low", "--words", "A lost key ring."];
        let incident = place.json_as(&owner, &told)["seq"].to_string();
        // Of the colleague's machine, which waits for an owner: none is asked for yet.
        let device = text(&place.json_as(&colleague, &["access", "device", "enrol"])["device"]);
        for actor in &people {
            place.json_as(&actor.person, &["unlock", "--idle", "480"]);
        }
        let mut office = Self {
            place,
            people,
            client,
            session,
            note,
            grant,
            release,
            device,
            hold,
            incident,
            work: BTreeSet::new(),
        };
        office.lay_out();
        files::copy_folder(&office.place.home(), &office.kept());
        office
    }

    /// The files that examples name and that are read before anybody is asked who they are.
    fn lay_out(&mut self) {
        let place = &self.place;
        let template = place.done(&["consent", "template", "show", "ai-notes"]);
        let own = template.replace("id: ai-notes", "id: my-form");
        for (name, contents) in [
            ("my-form@1.en.md", own.as_str()),
            ("our-rules.cedar", "@id(\"ours\")\nforbid (principal in Role::\"researcher\", action, resource);\n"),
            ("agreement.md", "Business Associate Agreement\n\nBusiness Associate may use PHI as the law permits.\n"),
            ("wrong-code.txt", "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA\n"),
            ("new.txt", "seven lanterns over a quiet orchard\n"),
            ("edited.md", "## Subjective\nClient slept well.\n\n## Plan\nContinue weekly.\n"),
            ("elsewhere.json", "{}"),
            ("model.gguf", "GGUF"),
        ] {
            fs::write(place.work().join(name), contents).expect("a file");
        }
        fs::create_dir(place.work().join("versions")).expect("a folder");
        let recording = audio::wav(&audio::silence(1));
        for name in ["session.wav", "dictation.wav"] {
            fs::write(place.work().join(name), &recording).expect("a file");
        }
        self.work = files::files(&self.place.work()).into_iter().collect();
    }

    fn kept(&self) -> PathBuf {
        self.place.path().join("kept")
    }

    /// Everything as it was before a command was tried. The agents stay: the folder's name is the same.
    fn put_back(&self) {
        fs::remove_dir_all(self.place.home()).expect("removed");
        files::copy_folder(&self.kept(), &self.place.home());
        for file in files::files(&self.place.work()) {
            if !self.work.contains(&file) {
                fs::remove_file(file).expect("removed");
            }
        }
    }

    /// The arguments to try a command with: its own example, about things that are there.
    fn args(&self, row: &Value) -> Vec<String> {
        let colleague = &self.people[2].person.user;
        // The base point of the curve: a key like any other.
        let mut point = [0x66; 32];
        point[0] = 0x58;
        let cosigner = CosignerKey::new("witness.board.example", &point).expect("a key");
        let command = text(&row["command"]);
        let example: Vec<String> = row["example"].as_array().expect("words").iter().map(text).collect();
        let by_name = |at: usize| {
            example.get(at.wrapping_sub(1)).is_some_and(|option| option.starts_with("--") && option != "--client")
        };
        let mut args: Vec<String> = example
            .iter()
            .enumerate()
            .map(|(at, word)| match word.as_str() {
                "cli-…" => self.client.clone(),
                // By name only those find a client whose keys open the file.
                "Maria Alvarez" if command != "client add" && !by_name(at) => self.client.clone(),
                "ses-…" => self.session.clone(),
                "note-…" => self.note.clone(),
                "usr-…" => colleague.clone(),
                "grant-…" => self.grant.clone(),
                "grp-…" => self.release.clone(),
                "dev-…" => self.device.clone(),
                "41" if command.starts_with("retention hold") => self.hold.clone(),
                "41" if command.starts_with("access incident") => self.incident.clone(),
                "VKEY" => cosigner.to_string(),
                "/media/backup" => "backup".to_owned(),
                "agreement.pdf" | "baa-signed.pdf" | "soc2.pdf" => "agreement.md".to_owned(),
                "consent.json" if command == "consent import" => "elsewhere.json".to_owned(),
                "my-model.gguf" => "model.gguf".to_owned(),
                _ => word.clone(),
            })
            .collect();
        match command.as_str() {
            // Records that must still be kept are refused for another reason.
            "client destroy" => args.push("--before-retention-ends".to_owned()),
            // Read and confirmed in a terminal otherwise.
            "release make" => args.extend(["--as-read", "0", "--statement-file", "statement.txt"].map(str::to_owned)),
            "access emergency take" => args.extend(["--code-file", "wrong-code.txt"].map(str::to_owned)),
            // In an editor otherwise.
            "note edit" => args.extend(["--from", "edited.md"].map(str::to_owned)),
            _ => {}
        }
        args
    }

    /// Runs as somebody with the keys that are unlocked; where the command wants the passphrase anew, with that.
    fn run(&self, actor: &Actor, args: &[String]) -> (i32, String) {
        let tried = |passphrase: &[&str]| {
            let mut all = vec!["--json", "--as", &actor.person.user];
            all.extend(passphrase);
            all.extend(args.iter().map(String::as_str));
            let ran = self.place.run_locked(&all);
            (ran.code, ran.err)
        };
        match tried(&[]) {
            (1, said) if said.contains("is locked") => tried(&["--passphrase-file", &actor.person.file]),
            done => done,
        }
    }

    /// What somebody has to do with the things that are tried, in the words of the table.
    fn standing(person: &Actor, row: &Value) -> &'static str {
        let acts = row["acts"].as_array().expect("acts");
        let of_a_client = acts.iter().rev().find(|act| {
            matches!(text(&act["of"]).as_str(), "client" | "session" | "note" | "claim" | "release" | "grant")
        });
        let Some(act) = of_a_client.or(acts.last()) else { return "stranger" };
        let (act, of) = (text(&act["act"]), text(&act["of"]));
        match (of.as_str(), act.as_str(), person.name) {
            (_, "request_grant" | "break_glass" | "enrol_factor" | "enrol_device", _) => "own",
            // The colleague is whom users are asked about.
            ("user", _, "colleague") => "own",
            ("practice" | "ledger" | "user" | "device", ..) => "stranger",
            ("grant", _, "colleague") => "own",
            (_, _, "owner" | "treating") => "treats",
            ("session", _, "supervisor") => "supervises_unagreed",
            (_, _, "supervisor") => "supervises",
            _ => "stranger",
        }
    }

    fn allowed(person: &Actor, row: &Value) -> bool {
        if row["acts"].as_array().expect("acts").is_empty() {
            return true;
        }
        let standings = row["roles"][person.role].as_array().expect("a list");
        if row["at_all"] == true {
            return !standings.is_empty();
        }
        standings.iter().any(|standing| standing == Self::standing(person, row))
    }
}

#[test]
fn the_table_in_the_documents_is_the_programs() {
    let printed = Place::new().done(&["access", "policy", "table", "--commands"]);
    let kept = fs::read_to_string(root().join("docs/roles.md")).expect("docs/roles.md");
    assert!(kept == printed, "docs/roles.md is not what `provenote access policy table --commands` prints:\n{printed}");
}

#[test]
fn every_command_is_refused_and_allowed_as_the_table_says() {
    let office = Office::new();
    let table = office.place.json(&["access", "policy", "table", "--commands"]);
    let mut wrong = Vec::new();
    let (mut refused, mut allowed) = (0, 0);
    for row in table["commands"].as_array().expect("rows") {
        let command = text(&row["command"]);
        if NOT_TRIED.contains(&command.as_str()) {
            continue;
        }
        let args = office.args(row);
        let said = |person: &Actor, what: &str, code: i32, err: &str| {
            format!("{command} as {}: {what}, exit {code}: {}", person.name, err.trim())
        };

        // Without anybody's keys: told so where somebody has to sign in, and only there.
        let owner = &office.people[0];
        let mut nobody = office.place.command(&[]);
        nobody.args(["--as", &owner.person.user]).args(&args).env_remove("PROVENOTE_PASSPHRASE_FILE");
        let output = nobody.env("XDG_RUNTIME_DIR", office.place.path().join("cache")).output().expect("runs");
        let (code, err) = (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned());
        let locked = code == 1 && err.contains("is locked");
        if locked != (row["signs_in"] == true) || code == 2 || code == 4 {
            wrong.push(said(owner, "without keys", code, &err));
        }
        if row["signs_in"] == false {
            office.put_back();
            continue;
        }

        // Refusals first: they change nothing but the trail.
        let mut entries = Vec::new();
        for person in office.people.iter().filter(|person| !Office::allowed(person, row)) {
            let (code, err) = office.run(person, &args);
            refused += 1;
            let seq = err
                .split("The refusal is entry ")
                .nth(1)
                .and_then(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u64>().ok());
            match seq {
                Some(seq) if code == 4 => entries.push((person, seq)),
                _ => wrong.push(said(person, "is to be refused with an entry", code, &err)),
            }
        }
        let log = ["--json", "ledger", "log", "--kind", "access.refused"];
        let log = office.place.run_unlocked_as(&owner.person, &log);
        let log: Value = serde_json::from_str(&log.out).expect("a document");
        for (person, seq) in entries {
            let entry = log["entries"].as_array().expect("entries").iter().find(|entry| entry["seq"] == seq);
            if entry.is_none_or(|entry| entry["actor"] != person.person.user.as_str()) {
                wrong.push(format!("{command} as {}: entry {seq} is not their refusal", person.name));
            }
        }

        for person in office.people.iter().filter(|person| Office::allowed(person, row)) {
            let (code, err) = office.run(person, &args);
            allowed += 1;
            if code == 2 || code == 4 {
                wrong.push(said(person, "is to be let", code, &err));
            }
            office.put_back();
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), refused + allowed, wrong.join("\n"));
    assert!(refused > 250 && allowed > 200, "{refused} refusals and {allowed} that were let");
}
