//! What a stranger can check without this practice, and what the practice cannot hide from one: proofs, anchors,
//! witnesses, bundles, keys that change, backups, time-stamps. The real programs, real processes, real files.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use provenote_ledger::proof::{TlogProof, verify_inclusion};
use provenote_ledger::tree::leaf_hash;
use provenote_ledger::{Checkpoint, SignedNote, VerifierKey};
use provenote_tests::{PASSPHRASE, Place, files, findings, root, text};
use serde_json::Value;

#[path = "../../timestamp/tests/authority/mod.rs"]
#[allow(dead_code, reason = "the other tests of the authority use the rest")]
mod authority;

/// The ledger's key, as `doctor` tells it.
fn vkey(place: &Place) -> String {
    let checks = place.json(&["doctor"]);
    let checks = checks["checks"].as_array().expect("checks").clone();
    text(&checks.iter().find(|check| check["id"] == "vkey").expect("the key")["detail"])
}

/// Exit code, verdict and the whole report of a verification.
fn verified(place: &Place, more: &[&str]) -> (i32, String, Value) {
    let ran = place.run(&[&["--json", "ledger", "verify"], more].concat());
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    (ran.code, report["verdict"].as_str().unwrap_or("none").to_owned(), report)
}

/// Puts an older copy of a practice's folder back.
fn put_back(place: &Place, old: &Path) {
    fs::remove_dir_all(place.home()).expect("removes");
    files::copy_folder(old, &place.home());
}

#[test]
fn an_entry_is_proved_to_whoever_has_the_key_and_nothing_else() {
    let place = Place::founded();
    place.client("Maria Alvarez");
    let key: VerifierKey = vkey(&place).parse().expect("a vkey");
    let before = place.size();
    place.done(&["ledger", "prove", "2", "-o", "two.tlog-proof"]);
    assert_eq!(place.size(), before, "a proof shows no more than the ledger's own headers");
    let written = fs::read_to_string(place.work().join("two.tlog-proof")).expect("a proof");
    let proof: TlogProof = TlogProof::parse(&written).expect("C2SP tlog-proof");
    let checkpoint = Checkpoint::open(&proof.checkpoint, &key).expect("signed by the practice");
    // The entry's bytes come by another way: the copy of the database.
    let store = provenote_ledger_sqlite::SqliteStore::snapshot(&place.home().join("ledger.db")).expect("opens");
    let entry = provenote_ledger::Store::entry(&store, 2).expect("reads").expect("is there");
    verify_inclusion(&leaf_hash(&entry), 2, checkpoint.size, &proof.hashes, &checkpoint.root).expect("is in it");
    assert!(verify_inclusion(&leaf_hash(&entry), 3, checkpoint.size, &proof.hashes, &checkpoint.root).is_err());
    let grown = place.json(&["ledger", "prove", "5", "--grown-from", "3"]);
    assert!(text(&grown["proof"]).starts_with("old 3\nnew 5\n"), "{grown}");
    let sentence = place.fails(1, &["ledger", "prove", "100000"]);
    assert!(sentence.contains("no entry 100000"), "{sentence}");
    let sentence = place.fails(2, &["ledger", "prove", "3", "--grown-from", "5"]);
    assert!(sentence.contains("cannot be the beginning"), "{sentence}");
}

#[test]
fn a_clients_copy_shows_that_the_ledger_was_put_back() {
    let place = Place::founded();
    let old = place.path().join("old");
    files::copy_folder(&place.home(), &old);
    place.consenting("Maria Alvarez");
    let copy = fs::read_dir(place.work())
        .expect("files")
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "pdf"))
        .expect("a signed form");
    let copy = copy.display().to_string();
    let size = place.size();
    let (code, verdict, report) = verified(&place, &["--anchor", &copy]);
    assert_eq!((code, verdict.as_str()), (0, "intact"), "{report:#}");
    assert!(report["anchored_to"].as_u64().expect("a size") <= size as u64);

    // The same checkpoint as text: a file, standard input, an argument.
    let note = text(&place.json(&["ledger", "checkpoint"])["checkpoint"]);
    let file = place.file("checkpoint.txt", note.as_bytes());
    for given in [file.as_str(), note.as_str()] {
        assert_eq!(verified(&place, &["--anchor", given]).0, 0);
    }

    // The whole folder of an earlier day, keys, anchor and all: consistent in itself.
    put_back(&place, &old);
    assert_eq!(verified(&place, &[]).1, "intact");
    for given in [copy.as_str(), file.as_str()] {
        let (code, verdict, report) = verified(&place, &["--anchor", given]);
        assert_eq!((code, verdict.as_str()), (3, "rolled_back"), "{}", findings(&report));
        assert!(findings(&report).contains(given), "the anchor is named: {}", findings(&report));
    }
    // Another practice's checkpoint is refused, not taken for one of ours.
    let other = Place::founded();
    let foreign = text(&other.json(&["ledger", "checkpoint"])["checkpoint"]);
    let (code, _, report) = verified(&place, &["--anchor", &foreign]);
    assert_eq!(code, 3);
    assert!(findings(&report).contains("another log") || findings(&report).contains("origin"), "{}", findings(&report));
    let sentence = place.fails(1, &["ledger", "verify", "--anchor", &place.file("empty.txt", b"")]);
    assert!(sentence.contains("holds no checkpoint"), "{sentence}");
}

/// A witness in a process of its own, with the address it listens on and its key.
struct Serving {
    child: Child,
    address: String,
    vkey: String,
}

impl Serving {
    fn start(place: &Place, folder: &str, listen: &str, logs: &[&str]) -> Self {
        let mut args =
            vec!["--json", "witness", "serve", "--name", "witness.test", "--listen", listen, "--folder", folder];
        for log in logs {
            args.extend(["--log", log]);
        }
        let mut child =
            place.command(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        // The document ends with the first line that is a closing brace: the server goes on after it.
        let mut document = String::new();
        for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
            let line = line.expect("text");
            document.push_str(&line);
            if line == "}" {
                break;
            }
        }
        let told: Value = serde_json::from_str(&document).unwrap_or_else(|_| panic!("the witness said: {document}"));
        Self { child, address: text(&told["address"]), vkey: text(&told["vkey"]) }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("a child ends");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn two_practices_witness_each_other() {
    let (elm, oak) = (Place::founded(), Place::founded());
    let (elm_key, oak_key) = (vkey(&elm), vkey(&oak));
    let mut at_oak = Serving::start(&oak, "watching", "127.0.0.1:0", &[&elm_key]);
    let at_elm = Serving::start(&elm, "watching", "127.0.0.1:0", &[&oak_key]);
    elm.done(&["witness", "add", "oak", &at_oak.vkey, &format!("http://{}/", at_oak.address)]);
    oak.done(&["witness", "add", "elm", &at_elm.vkey, &format!("http://{}/", at_elm.address)]);
    for place in [&elm, &oak] {
        let round = place.json(&["witness", "update"]);
        assert_eq!(
            (&round["agreed"], &round["witnesses"][0]["outcome"]),
            (&Value::Bool(true), &"cosigned".into()),
            "{round:#}"
        );
        let report = place.verify();
        assert_eq!(report["anchored_to"], round["size"], "{report:#}");
    }
    // A bundle made now carries a witness's word for its own entry too.
    elm.done(&["bundle", "create", "--period", "2020-01-01..2099-12-31", "-o", "witnessed.zip"]);
    let report = elm.json(&["bundle", "verify", "witnessed.zip"]);
    assert_eq!(
        (&report["verdict"], report["cosigned"].as_array().map(Vec::len)),
        (&"intact".into(), Some(1)),
        "{report:#}"
    );
    let (code, said) = python(&elm.work().join("witnessed.zip"), &root().join("bundle/verifiers/verify.py"));
    assert!(code == 0 && !said.contains("witnesses: none"), "{said}");
    let old = elm.path().join("old");
    files::copy_folder(&elm.home(), &old);

    // The network is cut, comes back, and nothing was lost meanwhile.
    elm.client("Maria Alvarez");
    at_oak.kill();
    let ran = elm.run(&["--json", "witness", "update"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("unreachable"), "{}", ran.out);
    let listed = elm.json(&["witness", "list"]);
    assert!(listed["witnesses"][0]["pending"].is_object(), "{listed:#}");
    let address = at_oak.address.clone();
    let at_oak = Serving::start(&oak, "watching", &address, &[&elm_key]);
    let round = elm.json(&["witness", "update"]);
    assert_eq!(round["witnesses"][0]["outcome"], "cosigned", "{round:#}");
    assert!(elm.json(&["witness", "list"])["witnesses"][0]["pending"].is_null());

    // An older copy of everything, keys too: only the witness knows better.
    put_back(&elm, &old);
    assert_eq!(verified(&elm, &[]).1, "intact");
    let ran = elm.run(&["--json", "witness", "update"]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("rollback_alarm"), "{}", ran.out);
    for asked in [&["client", "list"][..], &["ledger", "log"]] {
        let sentence = elm.fails(3, asked);
        assert!(sentence.contains("oak") && sentence.contains("longer"), "{sentence}");
    }
    let (code, verdict, report) = verified(&elm, &[]);
    assert_eq!((code, verdict.as_str()), (3, "rolled_back"), "{}", findings(&report));
    // Where nothing newer is left, the owner can part from the witness, and the ledger says so.
    elm.done(&["witness", "remove", "oak"]);
    let entry = elm.newest("witness.removed");
    assert!(entry["facts"]["alarm_size"].is_number(), "{entry:#}");
    elm.done(&["client", "list"]);
    drop((at_oak, at_elm));
}

#[test]
fn a_witness_that_answers_nonsense_is_one_sentence() {
    let place = Place::founded();
    let server = std::net::TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = server.local_addr().expect("an address");
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in server.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = [0; 65_536];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnonsens");
        }
    });
    let key = Serving::start(&place, "watching", "127.0.0.1:0", &[&vkey(&place)]).vkey.clone();
    place.done(&["witness", "add", "odd", &key, &format!("http://{address}/")]);
    let ran = place.run(&["--json", "witness", "update"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nonsense"), "{}", ran.out);
    place.verify();
    let sentence = place.fails(2, &["witness", "add", "bad", "no-key", "http://127.0.0.1/"]);
    assert!(sentence.contains("VKEY"), "{sentence}");
}

/// Runs the page of Python on a bundle: exit code and what it said.
fn python(bundle: &Path, verifier: &Path) -> (i32, String) {
    let ran = Command::new("python3").arg(verifier).arg(bundle).output().expect("python3 is installed");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    (ran.status.code().expect("ends"), said)
}

#[test]
fn a_bundle_is_checked_by_a_stranger_and_shows_one_client_only() {
    let place = Place::founded();
    let maria = place.consenting("Maria Alvarez");
    let jon = place.consenting("Jon Park");
    let made = place.json(&["bundle", "create", "--client", "Maria Alvarez", "-o", "maria.zip"]);
    assert!(
        made["entries"].as_u64().expect("a count") > 3 && made["disclosed"].as_u64().expect("a count") > 0,
        "{made:#}"
    );
    let entry = place.newest("bundle.created");
    assert_eq!(entry["facts"]["manifest"], made["manifest"]);
    assert_eq!(entry["refs"]["client"], maria.as_str());
    place.verify();

    // No practice is needed: another place, nothing founded.
    let stranger = Place::new();
    let bytes = fs::read(place.work().join("maria.zip")).expect("a bundle");
    let bundle = stranger.file("maria.zip", &bytes);
    let report = stranger.json(&["bundle", "verify", &bundle]);
    assert_eq!(report["verdict"], "intact", "{report:#}");
    let key = vkey(&place);
    stranger.json(&["bundle", "verify", &bundle, "--vkey", &key]);
    let other = vkey(&Place::founded());
    let ran = stranger.run(&["--json", "bundle", "verify", &bundle, "--vkey", &other]);
    assert_eq!(ran.code, 3, "{}", ran.out);
    let verifier = root().join("bundle/verifiers/verify.py");
    let (code, said) = python(Path::new(&bundle), &verifier);
    assert_eq!(code, 0, "{said}");

    // One byte, anywhere.
    for at in (0..bytes.len()).step_by(bytes.len() / 12) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        let changed = stranger.file("changed.zip", &changed);
        let ran = stranger.run(&["--json", "bundle", "verify", &changed]);
        assert_eq!(ran.code, 3, "byte {at}: {}{}", ran.out, ran.err);
        let (code, said) = python(Path::new(&changed), &verifier);
        assert_ne!(code, 0, "byte {at}: {said}");
        assert!(!said.contains("Traceback"), "byte {at}: {said}");
    }
    for secret in [jon.as_bytes(), b"Jon Park"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "the bundle speaks of another client");
    }

    let sentence = place.fails(1, &["bundle", "create", "--client", "Nobody Here", "-o", "nobody.zip"]);
    assert!(!place.work().join("nobody.zip").exists(), "{sentence}");
    let sentence = place.fails(1, &["bundle", "create", "--client", "Jon Park", "-o", "maria.zip"]);
    assert!(sentence.contains("is there already"), "{sentence}");
    let held =
        place.json(&["bundle", "create", "--client", "Jon Park", "--withhold", "administrative", "-o", "held.zip"]);
    assert_eq!(held["disclosed"], 0, "{held:#}");
    place.done(&["bundle", "create", "--period", "2020-01-01..2099-12-31", "-o", "all.zip"]);
    assert_eq!(place.json(&["bundle", "verify", "all.zip"])["verdict"], "intact");
    place.fails(2, &["bundle", "create", "--period", "yesterday", "-o", "never.zip"]);
}

#[test]
fn a_new_key_continues_the_ledger_and_the_old_one_is_gone() {
    let place = Place::founded();
    let maria = place.consenting("Maria Alvarez");
    let (old_key, old_note) = (vkey(&place), text(&place.json(&["ledger", "checkpoint"])["checkpoint"]));
    let rotated = place.json(&["ledger", "rotate-key"]);
    assert_eq!((&rotated["old_vkey"], &rotated["epoch"]), (&Value::from(old_key.as_str()), &Value::from(2)));
    let new_key = vkey(&place);
    assert_ne!(old_key, new_key);
    place.client("Jon Park");
    let note = text(&place.json(&["ledger", "checkpoint"])["checkpoint"]);
    let signed = SignedNote::parse(&note).expect("a note");
    assert!(
        signed.signed_by(&new_key.parse().expect("a key")).is_ok()
            && signed.signed_by(&old_key.parse().expect("a key")).is_err()
    );
    // What was handed out before still counts, and a bundle leads a stranger from the first key to the last.
    let (code, verdict, report) = verified(&place, &["--anchor", &old_note]);
    assert_eq!((code, verdict.as_str()), (0, "intact"), "{report:#}");
    place.done(&["bundle", "create", "--client", &maria, "--anchor", &old_note, "-o", "after.zip"]);
    let report = place.json(&["bundle", "verify", "after.zip", "--vkey", &old_key, "--anchor", &old_note]);
    assert_eq!(report["verdict"], "intact", "{report:#}");
    assert!(report["anchored_to"].is_number(), "{report:#}");

    // The key was stolen: what nobody outside knew is said to be doubtful.
    let stolen = place.json(&["ledger", "rotate-key", "--compromised", "--anchor", &old_note]);
    let known =
        SignedNote::parse(&old_note).and_then(|note| Checkpoint::parse(note.text())).expect("a checkpoint").size;
    assert_eq!(stolen["compromised_after"], known);
    let (_, _, report) = verified(&place, &[]);
    assert!(!report["doubtful"].as_array().expect("a list").is_empty(), "{report:#}");
}

#[test]
fn a_practice_comes_back_on_a_new_machine_with_the_recovery_code() {
    let place = Place::new();
    let ran =
        place.run(&["init", "--practice", "Elm Street Counseling", "--clinician", "Dana Reyes, LCSW", "--state", "IL"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let code = ran
        .err
        .lines()
        .map(str::trim)
        .find(|line| line.contains('-') && line.len() > 20 && !line.contains(' '))
        .expect("a code")
        .to_owned();
    place.done(&["settings", "set", "speech", "whisper-tiny.en"]);
    place.consenting("Maria Alvarez");
    place.consenting("Jon Park");
    let media = place.path().join("media").display().to_string();
    let made = place.json(&["backup", "create", &media]);
    let report = place.json(&["backup", "verify", &media]);
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");

    // A client is destroyed after the backup, and the next backup carries the keys that are left.
    let older = place.path().join("older");
    files::copy_folder(Path::new(&media), &older);
    let refused = place.fails(4, &["client", "destroy", "Jon Park", "--reason", "client_request", "--yes"]);
    assert!(
        refused.contains("kept until") || refused.contains("must be kept") || refused.contains("to be kept"),
        "{refused}"
    );
    place.json(&["client", "destroy", "Jon Park", "--reason", "client_request", "--before-retention-ends", "--yes"]);
    place.verify();
    place.json(&["backup", "create", &media]);

    // The new machine: neither folder nor passphrase, only the media and the paper.
    let new = Place::new();
    let oldest = made["seq"].as_u64().expect("an entry").to_string();
    let restored = new.json(&["backup", "restore", &media, "--data", &oldest]);
    assert!(restored["anchor"].is_number(), "the keys know of later entries: {restored:#}");
    let sentence = new.fails(1, &["client", "list"]);
    assert!(sentence.contains("backup accept"), "{sentence}");
    let code_file = new.file("code.txt", format!("{code}\n").as_bytes());
    fs::write(new.path().join("passphrase.txt"), "an entirely new passphrase\n").expect("a file");
    assert_ne!(PASSPHRASE, "an entirely new passphrase");
    new.done(&["recover", "--code-file", &code_file]);
    new.json(&["backup", "accept"]);
    let clients = new.done(&["client", "list"]);
    assert!(clients.contains("Maria Alvarez") && !clients.contains("Jon Park"), "{clients}");
    new.client("Ana Ruiz");
    let (code, verdict, report) = verified(&new, &[]);
    assert_eq!((code, verdict.as_str()), (0, "intact"), "{}", findings(&report));

    // Keys saved before the destruction, but the list of what was destroyed since.
    let third = Place::new();
    let list = place.home().join("keys/destroyed.jsonl").display().to_string();
    third.json(&["backup", "restore", &older.display().to_string(), "--destructions", &list]);
    third.json(&["backup", "accept"]);
    assert!(!third.done(&["client", "list"]).contains("Jon Park"));

    let altered = third.path().join("altered");
    files::copy_folder(&older, &altered);
    let keys = altered.join("keys.pvk");
    let mut bytes = fs::read(&keys).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&keys, bytes).expect("writes");
    let fourth = Place::new();
    fourth.fails(3, &["backup", "restore", &altered.display().to_string()]);
    assert!(
        !fourth.home().exists() || fs::read_dir(fourth.home()).expect("reads").next().is_none(),
        "nothing half made"
    );
    fourth.fails(1, &["backup", "restore", &fourth.work().display().to_string()]);
}

#[test]
fn an_authority_says_when_the_ledger_existed() {
    use authority::{Authority, Key};
    let place = Place::founded();
    let (one, other) = (
        Arc::new(Authority::new("First authority", Key::P256, "sha256")),
        Arc::new(Authority::new("Second authority", Key::Rsa, "sha256")),
    );
    let (address, server) = one.serve(2);
    let trusted = one.file("ca.pem").display().to_string();
    let stamped = place.json(&["ledger", "timestamp", "--tsa", &address, "--authority", &trusted]);
    assert_eq!((&stamped["trusted"], &stamped["size"]), (&Value::Bool(true), &place.size().into()), "{stamped:#}");
    place.client("Maria Alvarez");
    // Offline, by whoever trusts the authority.
    let report = place.json(&["ledger", "verify", "--authority", &trusted]);
    assert_eq!(
        (&report["verdict"], &report["timestamps"][0]["trusted"]),
        (&"intact".into(), &Value::Bool(true)),
        "{report:#}"
    );
    assert_eq!(place.json(&["ledger", "verify"])["timestamps"][0]["trusted"], Value::Bool(false));

    // By an authority that is not trusted, and one that is not there: a sentence, and nothing is kept.
    let wrong = other.file("ca.pem").display().to_string();
    let sentence = place.fails(3, &["ledger", "timestamp", "--tsa", &address, "--authority", &wrong]);
    assert!(sentence.contains("not told to trust"), "{sentence}");
    server.join().expect("both requests came");
    place.fails(1, &["ledger", "timestamp", "--tsa", &address]);
    place.fails(1, &["ledger", "timestamp", "--tsa", "nowhere"]);
    let kept = files::files(&place.home().join("keys/anchors"));
    let stamp = kept.iter().find(|file| file.extension().is_some_and(|end| end == "tsr")).expect("the stamp");
    assert_eq!(kept.iter().filter(|file| file.extension().is_some_and(|end| end == "tsr")).count(), 1);
    // A stamp that was changed is found.
    let mut token = fs::read(stamp).expect("reads");
    let middle = token.len() / 2;
    token[middle] ^= 1;
    fs::write(stamp, token).expect("writes");
    let (code, _, report) = verified(&place, &["--authority", &trusted]);
    assert_eq!(code, 3, "{report:#}");
    assert!(findings(&report).contains(".tsr"), "{}", findings(&report));
}
