//! Attacks on who may open what, through the real program and its real files: edited policies, edited and exchanged key
//! files, a copied database, a renamed user, an old backup of the keys. Each is refused, or `ledger verify` reports it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use provenote_ledger::{Log, Query, Unlocked, Vault};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use provenote_tests::{PASSPHRASE, Place, files, findings, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A group practice: an owner with a client, a clinician who treats the client, a biller, and a note.
struct Office {
    place: Place,
    owner: String,
    kim: String,
    sam: String,
    client: String,
}

fn phrase(name: &str) -> String {
    format!("quiet orchard lantern {name} seven")
}

impl Office {
    fn new() -> Self {
        let place = Place::founded();
        let client = place.consenting("Maria Alvarez");
        let founder = place.founder_without_factors();
        let add = |name: &str, role: &str| place.colleague(&founder, name, role).user;
        let (kim, sam) = (add("kim", "clinician"), add("sam", "biller"));
        place.done(&["--as", &founder.user, "access", "assign", &client, &kim]);
        let office = Self { place, owner: founder.user.clone(), kim, sam, client };
        office.note("Subjective. Client slept better. Plan. Continue weekly.\n");
        office
    }

    /// The owner dictates and has it put into a note.
    fn note(&self, words: &str) {
        let typed = self.place.file("note.txt", words.as_bytes());
        let session = self.place.json(&["--as", &self.owner, "session", "dictate", &self.client, "--text", &typed]);
        self.place.done(&["--as", &self.owner, "note", "draft", &text(&session["session"])]);
    }

    /// Runs as somebody with their passphrase; exit code and what was said.
    fn run(&self, user: &str, name: &str, args: &[&str]) -> (i32, String) {
        let file = self.place.work().join(format!("{name}.txt")).display().to_string();
        let ran = self.place.run(&[&["--as", user, "--passphrase-file", &file], args].concat());
        (ran.code, ran.err)
    }

    /// Exit code and report of a verification in nobody's name.
    fn verified(&self) -> (i32, Value) {
        let ran = self.place.run_locked(&["--json", "ledger", "verify"]);
        (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| json!({ "verdict": ran.err, "findings": [] })))
    }

    /// Verification finds something of that kind whose words hold these.
    fn reports(&self, kind: &str, words: &str) {
        let (code, report) = self.verified();
        let found = report["findings"].as_array().expect("findings").iter();
        let mut found = found.filter(|one| one["kind"] == kind);
        assert!(found.any(|one| text(&one["detail"]).contains(words)), "{kind} {words}: {}", findings(&report));
        assert_eq!((code, report["verdict"].as_str()), (3, Some("altered")), "{}", findings(&report));
    }

    fn keys(&self, file: &str) -> PathBuf {
        self.place.home().join("keys").join(file)
    }

    /// Edits a key file as somebody would who knows its form: its checksum fits afterwards.
    fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) {
        let path = self.keys(file);
        let text = fs::read_to_string(&path).expect("a key file");
        let (_, file) = text.split_once("\"file\": ").expect("the file in its envelope");
        let before = file.trim_end().strip_suffix('}').expect("the envelope's end").trim_end();
        let after = change(before);
        assert_ne!(before, after, "nothing was edited");
        let compact: String = after.lines().map(str::trim).collect::<String>().replace("\": ", "\":");
        let check: String = Sha256::digest(compact).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(path, format!("{{\n  \"check\": \"{check}\",\n  \"file\": {after}\n}}\n")).expect("written");
    }
}

/// The classes of the payloads that somebody opens with a copy of everything and a passphrase, asking no policy: what is
/// told of entries from this one on.
fn opened(home: &Path, user: &str, passphrase: &str, from: u64) -> BTreeSet<String> {
    let keys = FileKeys::open(home.join("keys")).expect("keys");
    let blobs = FileBlobs::open(home.join("blobs")).expect("blobs");
    let vault = Vault::new(Box::new(keys), Box::new(blobs));
    let keys: Unlocked = vault.unlock(user, passphrase.as_bytes()).expect("their own passphrase");
    opened_by(home, &vault, &keys, from)
}

fn opened_by(home: &Path, vault: &Vault, keys: &Unlocked, from: u64) -> BTreeSet<String> {
    let store = SqliteStore::open(&home.join("ledger.db")).expect("the database");
    let anchor = FileAnchor::new(home.join("keys/anchor"));
    let log = Log::open(Box::new(store), &vault.epochs().expect("epochs"), Box::new(anchor)).expect("the ledger");
    let mut classes = BTreeSet::new();
    for header in log.find(&Query::default()).expect("entries").iter().filter(|header| header.seq >= from) {
        for payload in &header.payloads {
            let Some((wrapped, body)) = log.sealed(payload).expect("reads") else { continue };
            if vault.open(keys, payload, &wrapped, &body).is_ok() {
                classes.insert(payload.class.clone());
            }
        }
    }
    classes
}

#[test]
fn a_copied_database_and_a_billers_passphrase_open_no_note() {
    let office = Office::new();
    let copy = office.place.path().join("stolen");
    files::copy_folder(&office.place.home(), &copy);
    let everything = opened(&copy, &office.owner, PASSPHRASE, 0);
    assert!(everything.contains("clinical") && everything.contains("administrative"), "{everything:?}");
    let billers = opened(&copy, &office.sam, &phrase("sam"), 0);
    assert!(billers.iter().all(|class| class == "billing"), "{billers:?}");
    // Nor does the program that is told to ask a policy of the thief's own.
    fs::create_dir_all(copy.join("policies")).expect("a folder");
    let rule = "@id(\"all\")\npermit (principal, action, resource);\n";
    fs::write(copy.join("policies/all.cedar"), rule).expect("a file");
    let stolen = copy.display().to_string();
    let (code, said) = office.run(&office.sam, "sam", &["--home", &stolen, "note", "list"]);
    assert!(code == 1 && said.contains("policies were changed"), "{said}");
}

#[test]
fn an_edited_policy_file_stops_every_command() {
    let office = Office::new();
    let rule =
        "@id(\"desk-hours\")\nforbid (principal in Role::\"biller\", action, resource) when { context.hour > 20 };\n";
    let ours = office.place.file("ours.cedar", rule.as_bytes());
    office.place.done(&["--as", &office.owner, "access", "policy", "apply", &ours]);
    let file = office.place.home().join("policies/ours.cedar");
    let in_force = fs::read(&file).expect("the policy");
    for edited in [Some(rule.replace("20", "24")), Some(String::new()), None] {
        match &edited {
            Some(text) => fs::write(&file, text).expect("edited"),
            None => fs::remove_file(&file).expect("removed"),
        }
        for args in [&["client", "list"][..], &["ledger", "log"], &["settings", "show"]] {
            let ran = office.place.run(&[&["--as", &office.owner], args].concat());
            assert!(ran.code == 1 && ran.err.contains("policies were changed"), "{args:?}: {}", ran.err);
        }
        fs::write(&file, &in_force).expect("put back");
        office.place.done(&["--as", &office.owner, "client", "list"]);
    }
    // Where the former file is lost, an owner puts others in force, and nobody else.
    fs::remove_file(&file).expect("removed");
    let (code, said) = office.run(&office.kim, "kim", &["access", "policy", "apply"]);
    assert_eq!(code, 4, "{said}");
    office.place.done(&["--as", &office.owner, "access", "policy", "apply"]);
    office.place.done(&["--as", &office.owner, "client", "list"]);
}

#[test]
fn edited_and_exchanged_key_files_are_reported_and_open_nothing() {
    let office = Office::new();
    let (clinical, names) =
        (format!("classes/clinical.{}.json", office.client), "classes/administrative.practice.json");
    let (code, report) = office.verified();
    assert_eq!(code, 0, "{}", findings(&report));
    let kept = office.place.path().join("kept");
    files::copy_folder(&office.place.home(), &kept);
    let put_back = || {
        fs::remove_dir_all(office.place.home()).expect("removed");
        files::copy_folder(&kept, &office.place.home());
    };

    // One class's file under another's name.
    fs::copy(office.keys(names), office.keys(&clinical)).expect("copied");
    office.reports("altered_key", "clinical");
    put_back();

    // A biller writes themselves into the class of the notes, with a wrap that is another's: it opens nothing.
    office.edit(&clinical, |file| {
        let (begun, rest) =
            file.split_once(&format!("{{\n        \"user\": \"{}\"", office.kim)).expect("the clinician's wrap");
        let (wrap, rest) = rest.split_once('}').expect("its end");
        let of = |user: &str| format!("{{\n        \"user\": \"{user}\"{wrap}}}");
        format!("{begun}{},\n      {}{rest}", of(&office.kim), of(&office.sam))
    });
    office.reports("key_astray", &office.sam);
    let billers = opened(&office.place.home(), &office.sam, &phrase("sam"), 0);
    assert!(billers.iter().all(|class| class == "billing"), "{billers:?}");
    put_back();

    // The same with the office of the class, and with who is said to have made its key.
    office.edit("offices/clinical.json", |file| file.replace(&office.owner, &office.sam));
    let (code, report) = office.verified();
    assert_eq!(code, 3, "{}", findings(&report));
    put_back();

    // An older generation in place of the newer one, after somebody left.
    let older = fs::read(office.keys(&clinical)).expect("the class's file");
    office.place.done(&["--as", &office.owner, "access", "user", "remove", &office.kim]);
    office.note("Subjective. After. Plan. As before.\n");
    let from = office.place.json(&["--as", &office.owner, "ledger", "log"])["entries"].as_array().expect("all").len();
    fs::write(office.keys(&clinical), &older).expect("put back");
    let (code, report) = office.verified();
    assert_eq!(code, 3, "{}", findings(&report));
    // What is written nevertheless is sealed under a key that who left does not have, or is not written.
    let typed = office.place.file("later.txt", b"Subjective. Later. Plan. None.\n");
    let _ = office.place.run(&["--as", &office.owner, "session", "dictate", &office.client, "--text", &typed]);
    let keys = FileKeys::open(kept.join("keys")).expect("keys");
    let blobs = FileBlobs::open(kept.join("blobs")).expect("blobs");
    let theirs = Vault::new(Box::new(keys), Box::new(blobs));
    let kims = theirs.unlock(&office.kim, phrase("kim").as_bytes()).expect("their old copy");
    let keys = FileKeys::open(office.keys("")).expect("keys");
    let blobs = FileBlobs::open(office.place.home().join("blobs")).expect("blobs");
    let now = Vault::new(Box::new(keys), Box::new(blobs));
    assert_eq!(opened_by(&office.place.home(), &now, &kims, from as u64), BTreeSet::new());
}

#[test]
fn a_renamed_user_is_nobody_and_reported() {
    let office = Office::new();
    let (owners, sams) = (format!("users/{}.json", office.owner), format!("users/{}.json", office.sam));
    let kept = fs::read(office.keys(&owners)).expect("the owner's file");

    // The biller's file under the owner's name.
    fs::copy(office.keys(&sams), office.keys(&owners)).expect("copied");
    let (code, said) = office.run(&office.owner, "sam", &["client", "list"]);
    assert!(code == 1 && said.contains("another user"), "{said}");
    office.reports("altered_key", "another user");

    // With the name inside changed too: the keys are bound to whose they are.
    office.edit(&owners, |file| file.replace(&office.sam, &office.owner));
    let (code, said) = office.run(&office.owner, "sam", &["client", "list"]);
    assert!(code == 1 && !said.contains("refused,"), "{said}");
    office.reports("key_astray", "other public keys");
    fs::write(office.keys(&owners), &kept).expect("put back");

    // A user of whom no entry speaks, by a copy under a name that nobody has.
    let nobody = office.sam.replace(|c: char| c.is_ascii_digit(), "a");
    assert_ne!(nobody, office.sam, "a pseudonym without a digit: run it again");
    fs::copy(office.keys(&sams), office.keys(&format!("users/{nobody}.json"))).expect("copied");
    office.edit(&format!("users/{nobody}.json"), |file| file.replace(&office.sam, &nobody));
    let (code, said) = office.run(&nobody, "sam", &["client", "list"]);
    assert!(code == 1, "{said}");
    office.reports("key_astray", "does not know");
}

#[test]
fn a_removed_users_backup_of_the_keys_put_back_is_refused_or_reported() {
    let office = Office::new();
    let before = office.place.path().join("keys-before");
    files::copy_folder(&office.keys(""), &before);
    office.place.done(&["--as", &office.owner, "access", "user", "remove", &office.kim]);
    office.note("Subjective. After. Plan. As before.\n");
    let now = office.place.path().join("keys-now");
    files::copy_folder(&office.keys(""), &now);
    let file = format!("users/{}.json", office.kim);

    // Their own file alone: nobody of that name works here, and nothing is theirs.
    fs::copy(before.join(&file), office.keys(&file)).expect("put back");
    let (code, said) = office.run(&office.kim, "kim", &["client", "list"]);
    assert!(code == 1 && said.contains("no user"), "{said}");
    office.reports("key_astray", "was removed");

    // The whole folder: the ledger is signed by a key that this folder does not know.
    fs::remove_dir_all(office.keys("")).expect("removed");
    files::copy_folder(&before, &office.keys(""));
    for (user, name) in [(&office.kim, "kim"), (&office.sam, "sam")] {
        let (code, said) = office.run(user, name, &["client", "list"]);
        assert!(code == 1 || code == 3, "{name}: {said}");
    }
    let (code, report) = office.verified();
    assert_eq!(code, 3, "{}", findings(&report));

    // Everything as it should be is found so again.
    fs::remove_dir_all(office.keys("")).expect("removed");
    files::copy_folder(&now, &office.keys(""));
    let (code, report) = office.verified();
    assert_eq!(code, 0, "{}", findings(&report));
}

#[test]
fn two_users_append_at_once_and_nothing_is_lost() {
    let office = Office::new();
    let kims = office.place.work().join("kim.txt").display().to_string();
    let before = office.place.size();
    let mut running = Vec::new();
    for round in 0..4 {
        for (user, file) in [(&office.owner, None), (&office.kim, Some(kims.as_str()))] {
            let name = format!("Client {round} of {user}");
            let mut args = vec!["--as", user];
            args.extend(file.into_iter().flat_map(|file| ["--passphrase-file", file]));
            args.extend(["client", "add", &name]);
            let child = office.place.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
            running.push(child.expect("starts"));
        }
    }
    for child in running {
        let done = child.wait_with_output().expect("ends");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let added = office.place.entries(&["--kind", "client.added"]);
    let by = |user: &str| added.iter().filter(|entry| entry["actor"] == user).count();
    assert_eq!((by(&office.owner), by(&office.kim)), (5, 4), "{added:#?}");
    assert!(office.place.size() >= before + 8);
    let listed = office.place.json(&["--as", &office.owner, "client", "list"]);
    assert_eq!(listed["clients"].as_array().map(Vec::len), Some(9));
    let (code, said) = office.run(&office.kim, "kim", &["client", "list"]);
    assert_eq!(code, 0, "{said}");
    let verified = office.place.json(&["--as", &office.owner, "ledger", "verify"]);
    assert_eq!((&verified["verdict"], &verified["findings"]), (&json!("intact"), &json!([])), "{verified:#}");
}
