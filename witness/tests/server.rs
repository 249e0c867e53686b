//! The witness over HTTP: honest logs, logs that were rolled back or forked, and clients and servers that are neither.

mod common;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use common::{NOW, Practice, policy_of, serve};
use provenote_ledger::witness::checkpoint_path;
use provenote_ledger::{Checkpoint, Cosigner, SignedNote};
use provenote_witness::{Call, Limits, Outcome, Standings, client, update_all};
use zeroize::Zeroizing;

/// Sends bytes as they are and returns what comes back until the server closes.
fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    // The server may answer and close before everything is sent.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(address: &str, body: &str) -> String {
    let length = body.len();
    raw(
        address,
        format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    )
}

fn get(address: &str, path: &str) -> String {
    raw(address, format!("GET /{path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").as_bytes())
}

#[test]
fn a_log_is_cosigned_as_it_grows_and_monitors_see_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let running = serve(dir.path(), &[practice.vkey()], Limits::default());
    let policy = policy_of(&[&running.witness]);
    let mut standings = Standings::default();
    let path = checkpoint_path("log.example/1");
    assert!(get(&running.address, &path).starts_with("HTTP/1.1 404"));
    for more in [1, 1, 300, 7] {
        practice.grow(more, "u-1");
        let (note, keys) = (practice.note(), [practice.vkey()]);
        let log = client::Log { note: &note, keys: &keys };
        let round = update_all(&policy, &log, &mut standings, &mut |old, new| practice.prove(old, new), &Call::at(NOW));
        let round = round.expect("asks");
        assert_eq!(round.agreed, Ok(vec![("w".to_owned(), NOW)]));
        let cosigned = SignedNote::parse(&round.note).expect("a note");
        assert_eq!(cosigned.cosigned_by(&running.witness.key), Ok(NOW));
        assert_eq!(standings.with(&running.witness.key.to_string()).size, practice.size());
        let answer = get(&running.address, &path);
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert_eq!(body, round.note, "monitors are served what the log got");
    }
    // Whoever does not know what the witness has seen is told, and gets there.
    assert!(matches!(practice.ask(&running.witness, 0), Outcome::Cosigned { time: NOW, .. }));
    assert!(matches!(practice.ask(&running.witness, 5), Outcome::Cosigned { .. }));
    assert!(matches!(practice.ask(&running.witness, u64::MAX), Outcome::Cosigned { .. }));
}

#[test]
fn answers_are_those_of_the_specification() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let running = serve(dir.path(), &[practice.vkey()], Limits::default());
    let first = practice.grow(3, "u-1").note();
    let answer = post(&running.address, &format!("old 0\n\n{first}"));
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\r\n\r\n— provenote.local/"), "{answer}");
    let conflict = post(&running.address, &format!("old 0\n\n{first}"));
    assert!(conflict.starts_with("HTTP/1.1 409") && conflict.ends_with("\r\n\r\n3\n"), "{conflict}");
    assert!(conflict.to_ascii_lowercase().contains("content-type: text/x.tlog.size\r\n"), "{conflict}");
    let stranger = Practice::new("log.example/2", 2).note();
    let forged = Practice::new("log.example/1", 2).note();
    for (body, status) in [
        (format!("old 4\n\n{first}"), 400),
        ("old 0\n\nnonsense\n".to_owned(), 400),
        (String::new(), 400),
        (format!("old 0\n\n{stranger}"), 404),
        (format!("old 0\n\n{forged}"), 403),
        (format!("old 3\n{}\n\n{first}", "A".repeat(43) + "="), 422),
    ] {
        let answer = post(&running.address, &body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[test]
fn an_older_copy_and_a_rewritten_log_raise_the_alarm() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let running = serve(dir.path(), &[practice.vkey()], Limits::default());
    practice.grow(20, "u-1");
    assert!(matches!(practice.ask(&running.witness, 0), Outcome::Cosigned { .. }));

    // The same entries, but fewer of them: a copy of yesterday.
    let mut older = Practice::new("log.example/1", 1);
    older.grow(12, "u-1");
    for known in [0, 12, 20] {
        let Outcome::RollbackAlarm { their_size: 20, evidence: Some(note) } = older.ask(&running.witness, known) else {
            panic!("an alarm");
        };
        assert_eq!(Checkpoint::open(&note, &practice.vkey()).map(|seen| seen.size), Ok(20));
    }

    // As many entries, and more, but others.
    for more in [20, 31] {
        let mut rewritten = Practice::new("log.example/1", 1);
        rewritten.grow(19, "u-1").grow(more - 19, "u-2");
        let outcome = rewritten.ask(&running.witness, 0);
        let Outcome::ForkAlarm { their_size: 20, evidence: Some(note) } = &outcome else { panic!("{outcome:?}") };
        assert_eq!(Checkpoint::open(note, &practice.vkey()).map(|seen| seen.root), Ok(practice.root()));
        assert!(outcome.is_alarm() && outcome.sentence("w").contains("20 entries"), "{}", outcome.sentence("w"));
    }
    let evidence = std::fs::read_dir(dir.path().join("evidence")).expect("lists").count();
    assert_eq!(evidence, 2, "the witness keeps what the log signed against itself");
    assert!(matches!(practice.ask(&running.witness, 20), Outcome::Cosigned { .. }), "the true one goes on");
}

#[test]
fn a_log_that_is_not_known_is_told_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let running = serve(dir.path(), &[Practice::new("log.example/1", 2).vkey()], Limits::default());
    assert_eq!(practice.grow(2, "u-1").ask(&running.witness, 0), Outcome::Unknown, "another key");
    let other = Practice::new("log.example/9", 1);
    assert_eq!(other.ask(&running.witness, 0), Outcome::Unknown, "another log");
    drop(running);
    // The operator adds the new key of the log; the old one stays.
    let running = serve(dir.path(), &[practice.vkey()], Limits::default());
    assert!(matches!(practice.ask(&running.witness, 0), Outcome::Cosigned { .. }));
}

#[test]
fn of_two_histories_asked_for_at_once_one_is_cosigned() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = |n: usize| {
        let mut practice = Practice::new("log.example/1", 1);
        practice.grow(4, "u-1").grow(8, &format!("u-{}", n + 2));
        practice
    };
    let running = serve(dir.path(), &[history(0).vkey()], Limits::default());
    let roots = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for asker in 0..12 {
            let (history, witness, roots) = (&history, &running.witness, &roots);
            scope.spawn(move || {
                let practice = history(asker % 2);
                for known in [0, 12, 4] {
                    match practice.ask(witness, known) {
                        Outcome::Cosigned { .. } => roots.lock().expect("a lock").push(practice.root()),
                        Outcome::ForkAlarm { their_size: 12, .. } => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    let roots = roots.into_inner().expect("a lock");
    assert_eq!(roots.len(), 18, "one side is cosigned each time");
    assert!(roots.iter().all(|root| *root == roots[0]), "and never the other");
}

#[test]
fn hostile_clients_are_cut_off_and_others_are_served() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let short = Duration::from_millis(60);
    let limits = Limits { connections: 4, head: short, body: short, ..Limits::default() };
    let running = serve(dir.path(), &[practice.vkey()], limits);
    let at = running.address.as_str();
    // More than are served at once, none of which says anything.
    let idle: Vec<TcpStream> = (0..9).map(|_| TcpStream::connect(at).expect("connects")).collect();
    let half = {
        let mut stream = TcpStream::connect(at).expect("connects");
        stream.write_all(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nX-Slow: ").expect("sends");
        stream
    };
    assert!(matches!(practice.grow(3, "u-1").ask(&running.witness, 0), Outcome::Cosigned { .. }));
    for mut stream in idle.into_iter().chain([half]) {
        let mut answer = Vec::new();
        // It ends: with an answer, with nothing, or with a reset.
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }

    let head = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n";
    let mut slow = TcpStream::connect(at).expect("connects");
    slow.write_all(format!("{head}Content-Length: 100\r\n\r\nold 3").as_bytes()).expect("sends");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("reads");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");

    let chunks =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{}", format!("10000\r\n{}\r\n", "x".repeat(65_536)).repeat(4));
    let long_head = format!("{head}X-Long: {}\r\n\r\n", "x".repeat(100_000));
    for (bytes, status) in [
        (format!("{head}Content-Length: 99999999999\r\n\r\n"), "413"),
        (chunks, "413"),
        (long_head, "431"),
        (format!("{head}Content-Length: 9\r\n\r\nold 3"), "400"),
        (format!("{head}Content-Length: -1\r\n\r\n"), "400"),
        ("GET /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".to_owned(), "405"),
        ("GET /../../key HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".to_owned(), "404"),
        ("GET /../key/checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n".to_owned(), "404"),
        (format!("GET /{}/checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n", "é".repeat(32)), "4"),
        (format!("GET /{}/checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n", "A".repeat(64)), "404"),
        ("\u{16}\u{3}\u{1}\0\u{1}\0\0nonsense\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = raw(at, bytes.as_bytes());
        // A client that is cut off while it still sends may lose the answer; never is it a yes.
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert!(matches!(practice.grow(2, "u-1").ask(&running.witness, 3), Outcome::Cosigned { .. }), "it still serves");
}

/// A server that answers every request with these bytes, as often as it is asked.
fn canned(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut asked = [0; 65_536];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(&answer);
        }
    });
    address
}

#[test]
fn a_witness_that_answers_nonsense_or_never_is_told_in_a_sentence() {
    let mut practice = Practice::new("log.example/1", 1);
    practice.grow(5, "u-1");
    let key = Cosigner::new("w.example", &Zeroizing::new([9; 32])).expect("a cosigner");
    let answer = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let note = practice.note();
    let text = SignedNote::parse(&note).expect("a note").text().to_owned();
    let elsewhere = TcpListener::bind("127.0.0.1:0").expect("a port");
    elsewhere.set_nonblocking(true).expect("does not wait");
    let moved = format!(
        "HTTP/1.1 307 Moved\r\nLocation: http://{}/add-checkpoint\r\nContent-Length: 0\r\n\r\n",
        elsewhere.local_addr().expect("an address")
    );
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize(400_000, b'x');
    let future = key.cosign(&text, NOW + 1_000_000);
    for bytes in [
        answer("200 OK", "<html>welcome</html>"),
        answer("200 OK", ""),
        answer("200 OK", &key.cosign("another text\n", NOW)),
        answer("200 OK", &future),
        answer("409 Conflict", "a lot\n"),
        answer("409 Conflict", "0\n"),
        answer("422 Unprocessable", ""),
        answer("400 Bad Request", ""),
        answer("500 Oops", ""),
        endless,
        moved.into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..60.min(bytes.len())]).into_owned();
        let witness = common::named("w", key.key(), &canned(bytes));
        let outcome = practice.ask(&witness, 0);
        assert!(matches!(outcome, Outcome::Nonsense { .. }), "{shown}: {outcome:?}");
        assert!(outcome.sentence("w").starts_with("the witness w answered with "));
    }
    assert!(elsewhere.accept().is_err(), "a redirect is not followed");

    let fine = common::named("w", key.key(), &canned(answer("200 OK", &key.cosign(&text, NOW))));
    assert!(matches!(practice.ask(&fine, 0), Outcome::Cosigned { time: NOW, .. }), "the fixture can be right");

    // A claim without a checkpoint to show is an alarm all the same, but says so.
    let claim = common::named("w", key.key(), &canned(answer("409 Conflict", "99\n")));
    assert_eq!(practice.ask(&claim, 0), Outcome::RollbackAlarm { their_size: 99, evidence: None });

    for bytes in [&b"\0\0\0\0"[..], b"", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort"] {
        let witness = common::named("w", key.key(), &canned(bytes.to_vec()));
        assert!(matches!(practice.ask(&witness, 0), Outcome::Unreachable { .. }), "{bytes:?}");
    }
    // The system completes the connection; nobody ever reads from it.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let witness = common::named("w", key.key(), &silent.local_addr().expect("an address").to_string());
    let call = Call { patience: Duration::from_millis(30), ..Call::at(NOW) };
    assert_eq!(practice.ask_by(&witness, 0, &call), Outcome::Unreachable { why: "it took too long".to_owned() });
}
