//! What a person waits for: how fast a command starts, and what the ledger costs a session.
//!
//! Start: `provenote` on a practice that is there, beside starting `/bin/true`. Session: a real draft of
//! the short recording with the small models; then as many sealed, durable appends as that session made
//! entries, as a share of the time it took. All in one run.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark prints, and measures time")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use provenote_tests::{Place, root};

const STARTS: usize = 40;

fn main() {
    let place = Place::founded();
    starts(&place);
    session(&place);
}

fn timed(command: &mut Command) -> Duration {
    let before = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it starts");
    assert!(status.success(), "{command:?}");
    before.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

fn starts(place: &Place) {
    let nothing = median((0..STARTS).map(|_| timed(&mut Command::new("/bin/true"))).collect());
    println!("start of /bin/true: {nothing:.2} ms (median of {STARTS})");
    for args in [&["--version"] as &[&str], &["settings", "show"], &["ledger", "log"], &["model", "list"]] {
        let ours = median((0..STARTS).map(|_| timed(&mut place.command(args))).collect());
        println!(
            "provenote {}: {ours:.2} ms, {:.1} times /bin/true (goal: under 30 ms)",
            args.join(" "),
            ours / nothing
        );
    }
}

fn session(place: &Place) {
    place.done(&["settings", "set", "speech", "whisper-tiny.en"]);
    place.done(&["settings", "set", "drafting", "smollm2-135m"]);
    let client = place.consenting("Maria Alvarez");
    let recording = root().join("fixtures/demo/short.flac").display().to_string();
    let before = place.size();
    let began = Instant::now();
    let session = place.json(&["session", "add", &client, &recording]);
    let session = session["session"].as_str().expect("a session").to_owned();
    // The small model may not find its way to a note; the time and the entries count all the same.
    let _ = place.run(&["note", "draft", &session]);
    let took = began.elapsed().as_secs_f64();
    let entries = place.size() - before;
    // One entry with a sealed payload after another, in the practice as it is: `consent discuss` seals a
    // statement and appends. What starting the command and opening the keys costs is taken off.
    let talk = ["consent", "discuss", &client, "--participant", "Maria Alvarez", "--summary", "talked through"];
    let idle = median((0..10).map(|_| timed(&mut place.command(&["access", "user", "list"]))).collect());
    let append = median((0..10).map(|_| timed(&mut place.command(&talk))).collect());
    let each = (append - idle).max(0.0);
    #[allow(clippy::cast_precision_loss)]
    let share = each * entries as f64 / 1000.0 / took;
    println!(
        "a session of 12 s with the small models: {took:.1} s, {entries} entries at {each:.1} ms: logging is {:.2} % (goal: under 1 %)",
        share * 100.0
    );
}
