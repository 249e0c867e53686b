//! Signing in with the real program: the second factor, wrong passphrases, machines, places, keys that are forgotten.

use std::fs;

use provenote_tests::files::{self, holding};
use provenote_tests::{Place, Ran, eventually, text};

fn refused(ran: &Ran, code: i32, words: &str) {
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(words), "{}", ran.err);
}

#[test]
fn with_the_second_user_everybody_gives_a_second_factor() {
    let place = Place::founded();
    let owner = place.founder();
    let sam = place.colleague(&owner, "Sam", "front_desk");

    // Nothing but the enrolment is left to them.
    for who in [&owner, &sam] {
        refused(&place.run_as(who, &["client", "list"]), 4, "second factor");
    }
    let mut phone = place.enrol(&owner);
    assert_eq!(phone.recovery.len(), 10);
    refused(&place.run_as(&owner, &["client", "list"]), 1, "has a second factor: give the code");

    // Once for as long as the keys are held.
    let code = place.file("code.txt", phone.code().as_bytes());
    let unlocked = place.run_as(&owner, &["--factor-file", &code, "unlock", "--idle", "5"]);
    assert_eq!(unlocked.code, 0, "{}", unlocked.err);
    for _ in 0..2 {
        let listed = place.run_unlocked_as(&owner, &["client", "list"]);
        assert_eq!(listed.code, 0, "{}", listed.err);
    }
    let users = place.run_unlocked_as(&owner, &["access", "user", "list"]);
    assert!(
        users.out.lines().any(|line| line.contains(&owner.user) && line.contains("10 recovery codes left")),
        "{}",
        users.out
    );
    assert_eq!(place.run_unlocked_as(&owner, &["lock"]).code, 0);

    // A code never works twice, a wrong one is counted, a recovery code works once.
    assert_eq!(fs::read_to_string(&code).expect("a file"), phone.same_code());
    refused(&place.run_as(&owner, &["--factor-file", &code, "client", "list"]), 1, "was used");
    let wrong = place.file("wrong.txt", b"0000-0000-0000-0000\n");
    refused(&place.run_as(&owner, &["--factor-file", &wrong, "client", "list"]), 1, "recovery code");
    let paper = place.file("paper.txt", phone.recovery[3].as_bytes());
    let listed = place.run_as(&owner, &["--factor-file", &paper, "client", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    let paper = place.file("paper.txt", phone.recovery[5].as_bytes());
    let told = place.json_as(&owner, &["--factor-file", &paper, "ledger", "log", "--kind", "user.refused"]);
    assert_eq!(told["entries"].as_array().and_then(|entries| entries.last()).expect("an entry")["facts"]["codes"], 2);
    refused(&place.run_as(&owner, &["--factor-file", &paper, "client", "list"]), 1, "recovery code");

    // Neither the secret nor a recovery code is anywhere in the folder.
    for secret in phone.recovery.iter().chain([phone.secret()]) {
        assert!(holding(&place.home(), secret).is_empty());
    }

    // The owner takes a lost one away; the practice decides for which roles one is needed.
    let _ = place.enrol(&sam);
    refused(&place.run_as(&sam, &["client", "list"]), 1, "second factor");
    let paper = place.file("paper.txt", phone.recovery[4].as_bytes());
    assert_eq!(place.run_as(&owner, &["--factor-file", &paper, "unlock"]).code, 0);
    assert_eq!(place.run_unlocked_as(&owner, &["access", "factor", "reset", &sam.user]).code, 0);
    refused(&place.run_as(&sam, &["client", "list"]), 4, "second factor");
    assert_eq!(place.run_unlocked_as(&owner, &["settings", "set", "factor_roles", "front_desk=off"]).code, 0);
    let listed = place.run_as(&sam, &["client", "list"]);
    assert_eq!(listed.code, 0, "{}", listed.err);
    let verified = place.run_unlocked_as(&owner, &["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.out);
}

#[test]
fn wrong_passphrases_slow_whoever_tries_and_nobody_else() {
    let place = Place::founded();
    let owner = place.founder_without_factors();
    let sam = place.colleague(&owner, "Sam", "front_desk");
    let wrong = place.file("guess.txt", b"quiet orchard lantern sam eight\n");
    // Whichever command is used for guessing.
    for command in
        [["client", "list"], ["ledger", "verify"], ["client", "list"], ["ledger", "verify"], ["client", "list"]]
    {
        let args = [&["--as", &sam.user, "--passphrase-file", &wrong][..], &command].concat();
        refused(&place.run(&args), 1, "passphrase");
    }
    let other = place.run_as(&owner, &["client", "list"]);
    assert!(other.code == 0 && !other.err.contains("Too many"), "{}", other.err);
    let right = place.run_as(&sam, &["client", "list"]);
    assert_eq!(right.code, 0, "{}", right.err);
    assert!(right.err.contains("Too many passphrases or codes did not fit"), "{}", right.err);
    let entries = |kind: &str| place.run_as(&owner, &["--json", "ledger", "log", "--kind", kind]).out;
    assert!(entries("user.refused").contains("\"times\": 5"), "{}", entries("user.refused"));
    assert!(entries("user.delayed").contains(&sam.user));
    let again = place.run_as(&sam, &["client", "list"]);
    assert!(again.code == 0 && !again.err.contains("Too many"), "{}", again.err);
}

#[test]
fn a_copy_on_another_machine_is_refused_with_the_right_passphrase() {
    let place = Place::founded();
    let owner = place.founder();
    let enrolled = place.json(&["access", "device", "enrol"]);
    let device = text(&enrolled["device"]);
    let file = text(&enrolled["file"]);
    assert!(!file.starts_with(&place.home().display().to_string()), "the key is not in the practice's folder");
    place.done(&["access", "device", "approve", &device]);
    assert_eq!(place.json(&["access", "device", "list"])["this"], device);
    assert!(place.fails(1, &["access", "device", "revoke", &device]).contains("device"), "the last one stays");

    let thief = place.copied();
    let ran = thief.run_as(&owner, &["client", "list"]);
    refused(&ran, 4, "no device that the practice knows");
    refused(&thief.run_as(&owner, &["unlock"]), 4, "the refusal is entry");
    // It may ask to be known, and that is all.
    let asked = thief.json(&["access", "device", "enrol"]);
    let other = text(&asked["device"]);
    refused(&thief.run_as(&owner, &["access", "device", "approve", &other]), 4, "refused");
    // On the machine that is known nothing has changed.
    assert_eq!(place.json(&["access", "device", "list"])["devices"].as_array().map(Vec::len), Some(1));

    // A key that is open to others, or damaged, is none.
    fs::write(&file, b"short").expect("a file");
    let ran = place.run_as(&owner, &["client", "list"]);
    refused(&ran, 4, "is damaged");
    assert!(ran.out.is_empty());
}

#[test]
fn places_are_set_shown_and_tried() {
    let place = Place::founded();
    assert_eq!(
        place.done(&["access", "place", "show"]).trim(),
        "Nobody over a network; on the machine itself its key counts"
    );
    place.done(&["access", "place", "set", "--network", "office=198.51.100.0/24", "--network", "vpn=2001:db8:7::/48"]);
    let inside = place.json(&["access", "place", "try", "198.51.100.7"]);
    assert_eq!(inside["tried"]["network"], "office");
    assert_eq!(place.json(&["access", "place", "try", "2001:db8:7::9"])["tried"]["network"], "vpn");
    let outside = place.run(&["access", "place", "try", "203.0.113.9"]);
    assert_eq!(outside.code, 3, "{}", outside.err);
    assert!(
        place.fails(1, &["access", "place", "set", "--network", "office=198.51.100.0/99"]).contains("198.51.100.0/99")
    );
    assert!(place.fails(1, &["access", "place", "set", "--country", "Narnia"]).contains("Narnia"));
    place.done(&["access", "place", "set", "--nowhere"]);
    assert_eq!(place.run(&["access", "place", "try", "198.51.100.7"]).code, 3);
    place.verify();
}

#[test]
fn keys_that_were_forgotten_unnoticed_are_told_of_at_the_next_sign_in() {
    let place = Place::founded();
    place.done(&["unlock"]);
    let run = place.path().join("run");
    let folder = fs::read_dir(&run).expect("a folder").next().expect("the agent's").expect("an entry").path();
    let socket = fs::read_dir(&folder).expect("a folder").next().expect("the socket").expect("an entry").path();
    // The machine was switched off: the process is gone and its socket stays.
    let wanted = socket.display().to_string().into_bytes();
    let agents = fs::read_dir("/proc").expect("proc").flatten().filter(|process| {
        fs::read(process.path().join("cmdline")).is_ok_and(|line| files::find(&line, &wanted).is_some())
    });
    let pids: Vec<i32> = agents.filter_map(|process| process.file_name().to_str()?.parse().ok()).collect();
    assert_eq!(pids.len(), 1);
    let pid = rustix::process::Pid::from_raw(pids[0]).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is killed");
    eventually("the agent is gone", || place.run_locked(&["client", "list"]).code == 1);
    place.done(&["client", "list"]);
    assert_eq!(place.entries(&["--kind", "user.expired"]).len(), 1);
    place.done(&["client", "list"]);
    assert_eq!(place.entries(&["--kind", "user.expired"]).len(), 1, "told once");
    place.verify();
}
