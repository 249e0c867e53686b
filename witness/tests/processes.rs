//! Witnesses as processes of their own: two practices witness each other, the network is cut and restored, and servers
//! are killed at any point.

#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Practice, policy_of};
use provenote_ledger::policy::PolicyWitness;
use provenote_ledger::witness::{AddCheckpoint, Reply, checkpoint_path, read_reply};
use provenote_ledger::{Checkpoint, CosignerKey, Hash, SignedNote, VerifierKey};
use provenote_witness::{Call, Outcome, Round, Standings, client, update_all};
use rustix::process::{Pid, Signal, kill_process};

/// A witness process. Killed when dropped.
struct Process {
    child: Child,
    address: String,
    key: CosignerKey,
}

fn command(folder: &Path, listen: &str, name: &str, logs: &[VerifierKey]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provenote-witness"));
    command.arg(listen).arg(folder).arg(name).args(logs.iter().map(ToString::to_string));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Process {
    fn start(folder: &Path, listen: &str, name: &str, logs: &[VerifierKey]) -> Self {
        let mut child = command(folder, listen, name, logs).spawn().expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().expect("a line").expect("reads");
        let (address, vkey) = (line(), line());
        Self { child, address, key: vkey.parse().expect("a vkey") }
    }

    fn witness(&self, name: &str) -> PolicyWitness {
        common::named(name, &self.key, &self.address)
    }

    /// SIGKILL, at once.
    fn kill(&mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The system's clock: the servers have it too.
#[expect(clippy::disallowed_methods, reason = "the processes under test read the same clock")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

fn round(practice: &Practice, witness: &PolicyWitness, standings: &mut Standings) -> Round {
    let (note, keys) = (practice.note(), [practice.vkey()]);
    let log = client::Log { note: &note, keys: &keys };
    let policy = policy_of(&[witness]);
    update_all(&policy, &log, standings, &mut |old, new| practice.prove(old, new), &Call::at(now())).expect("asks")
}

#[test]
fn two_practices_witness_each_other_through_a_cut_of_the_network() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut one, mut two) = (Practice::new("log.example/1", 1), Practice::new("log.example/2", 2));
    let (at_one, at_two) = (dir.path().join("one"), dir.path().join("two"));
    // Each runs a witness for the other's log.
    let by_one = Process::start(&at_one, "127.0.0.1:0", "one.example", &[two.vkey()]);
    let mut by_two = Process::start(&at_two, "127.0.0.1:0", "two.example", &[one.vkey()]);
    let (witness_one, witness_two) = (by_one.witness("one"), by_two.witness("two"));
    let (mut standings_one, mut standings_two) = (Standings::default(), Standings::default());
    one.grow(5, "u-1");
    two.grow(9, "u-2");
    assert!(round(&one, &witness_two, &mut standings_one).agreed.is_ok());
    assert!(round(&two, &witness_one, &mut standings_two).agreed.is_ok());
    let own = one.ask(&witness_one, 0);
    assert_eq!(own, Outcome::Unknown, "a practice does not witness itself here");

    // The second practice's witness goes; the first's goes on.
    let address = by_two.address.clone();
    by_two.kill();
    let file = dir.path().join("standings.json");
    for _ in 0..2 {
        one.grow(300, "u-1");
        let cut = round(&one, &witness_two, &mut standings_one);
        assert!(matches!(&cut.outcomes[0].1, Outcome::Unreachable { .. }), "{:?}", cut.outcomes);
        assert!(cut.agreed.is_err() && cut.alarms().next().is_none());
        assert_eq!(cut.note, one.note(), "the checkpoint is as it was");
        standings_one.write(&file).expect("writes");
    }
    two.grow(2, "u-2");
    assert!(round(&two, &witness_one, &mut standings_two).agreed.is_ok());

    // It is back; the next update does what was pending, with one proof over all that came meanwhile.
    let back = Process::start(&at_two, &address, "two.example", &[]);
    assert_eq!(back.key, by_two.key, "it is the same witness");
    let mut remembered = Standings::read(&file).expect("reads");
    let pending = remembered.with(&back.key.to_string()).pending.expect("is pending");
    assert_eq!(pending.size, 305);
    let restored = round(&one, &witness_two, &mut remembered);
    assert!(restored.agreed.is_ok(), "{:?}", restored.outcomes);
    assert!(!remembered.is_pending());
    assert_eq!(remembered.with(&back.key.to_string()).size, 605);

    // And it remembers: a copy from before the cut is found out.
    let mut older = Practice::new("log.example/1", 1);
    older.grow(5, "u-1");
    let alarm = round(&older, &witness_two, &mut Standings::default());
    assert!(matches!(alarm.alarms().next(), Some((_, Outcome::RollbackAlarm { their_size: 605, evidence: Some(_) }))));
}

#[test]
fn two_processes_do_not_share_a_folder_and_a_stop_is_clean() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut practice = Practice::new("log.example/1", 1);
    let mut first = Process::start(dir.path(), "127.0.0.1:0", "w.example", &[practice.vkey()]);
    let second = command(dir.path(), "127.0.0.1:0", "w.example", &[]).output().expect("runs");
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.starts_with("another witness is running on the folder ") && said.lines().count() == 1, "{said}");
    let taken = command(&dir.path().join("other"), &first.address, "w.example", &[]).output().expect("runs");
    assert!(String::from_utf8_lossy(&taken.stderr).starts_with("the witness cannot listen at "));

    assert!(matches!(
        practice.grow(3, "u-1").ask_by(&first.witness("w"), 0, &Call::at(now())),
        Outcome::Cosigned { .. }
    ));
    // A connection that is kept open does not hold up the end.
    let _open = TcpStream::connect(&first.address).expect("connects");
    kill_process(Pid::from_child(&first.child), Signal::TERM).expect("signals");
    let status = first.child.wait().expect("ends");
    assert!(status.success(), "{status}");
    let again = Process::start(dir.path(), "127.0.0.1:0", "w.example", &[]);
    assert!(matches!(practice.ask_by(&again.witness("w"), 3, &Call::at(now())), Outcome::Cosigned { .. }));
}

/// A generator that is the same for everybody (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// A history of a log, checkpoint by checkpoint.
struct History {
    practice: Practice,
    notes: BTreeMap<u64, (String, Hash)>,
}

fn history(actor: &str, checkpoints: u64) -> History {
    let mut practice = Practice::new("log.example/1", 1);
    let mut notes = BTreeMap::new();
    practice.grow(4, "u-1");
    for _ in 0..checkpoints {
        practice.grow(1, actor);
        notes.insert(practice.size(), (practice.note(), practice.root()));
    }
    History { practice, notes }
}

impl History {
    fn request(&self, old: u64, size: u64) -> AddCheckpoint {
        let proof = provenote_ledger::proof::prove_consistency(&self.practice.store, old, size).expect("proves");
        AddCheckpoint::new(old, proof, &self.notes[&size].0).expect("a request")
    }
}

/// Sends a request and does not wait.
fn send(address: &str, request: &AddCheckpoint) -> Option<TcpStream> {
    let body = request.to_string();
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    Some(stream)
}

/// Reads the whole answer, if there is one.
fn receive(stream: &mut TcpStream, request: &AddCheckpoint, key: &CosignerKey) -> Option<Reply> {
    let mut answer = Vec::new();
    // A killed server resets; what came before counts.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    match read_reply(request, key, status, body.as_bytes()) {
        // An answer cut in two is none.
        Reply::Nonsense(_) => None,
        reply => Some(reply),
    }
}

/// The checkpoint a witness shows monitors.
fn shown(address: &str, key: &CosignerKey) -> Option<Checkpoint> {
    let mut stream = TcpStream::connect(address).expect("connects");
    let path = checkpoint_path("log.example/1");
    stream
        .write_all(format!("GET /{path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").as_bytes())
        .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    if head.starts_with("HTTP/1.1 404") {
        return None;
    }
    let note = SignedNote::parse(body).expect("a note");
    note.cosigned_by(key).expect("its own cosignature");
    Some(Checkpoint::parse(note.text()).expect("a checkpoint"))
}

/// A log with two histories asks for both, and its witness is killed again and again, at points the dice choose: before
/// the request is read, while the record is written, before and after the answer. All that was ever cosigned is one
/// history, and nothing that was answered is forgotten.
#[test]
fn a_witness_killed_at_any_point_never_signs_a_fork_and_forgets_nothing() {
    let kills: u64 = std::env::var("PROVENOTE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(25);
    let dir = tempfile::tempdir().expect("a folder");
    // No round asks for more than ten further entries.
    let histories = [history("u-2", 10 * (kills + 1)), history("u-3", 10 * (kills + 1))];
    let vkey = histories[0].practice.vkey();
    let mut dice = Dice(2026);
    let mut cosigned: BTreeMap<u64, Hash> = BTreeMap::new();
    let mut key = None;
    for kill in 0..kills {
        let mut server = Process::start(dir.path(), "127.0.0.1:0", "w.example", std::slice::from_ref(&vkey));
        assert_eq!(*key.get_or_insert_with(|| server.key.clone()), server.key);
        let shown = shown(&server.address, &server.key);
        let (mut size, answered) = (shown.as_ref().map_or(0, |seen| seen.size), cosigned.last_key_value());
        assert!(answered.is_none_or(|(answered, _)| *answered <= size), "kill {kill}: what was answered was forgotten");
        if let Some(seen) = shown {
            let before = cosigned.insert(seen.size, seen.root);
            assert!(before.is_none_or(|before| before == seen.root), "kill {kill}: it changed its mind");
        }
        // Some requests that are waited for, from either history, then a volley that is not.
        for _ in 0..dice.roll(3) {
            let next = size.max(4) + 1 + dice.roll(3);
            for history in [dice.roll(2), dice.roll(2)].map(|n| &histories[n as usize]) {
                let request = history.request(size, next);
                let mut stream = send(&server.address, &request).expect("sends");
                if let Some(Reply::Cosigned { .. }) = receive(&mut stream, &request, &server.key) {
                    let before = cosigned.insert(next, history.notes[&next].1);
                    assert!(before.is_none_or(|before| before == history.notes[&next].1), "kill {kill}: a fork");
                    size = next;
                }
            }
        }
        let next = size.max(4) + 1 + dice.roll(3);
        let volley: Vec<_> = (0..4)
            .map(|n| (n % 2, histories[n % 2].request(size, next + n as u64 / 2)))
            .map(|(n, request)| (n, send(&server.address, &request), request))
            .collect();
        for _ in 0..dice.roll(400_000) {
            std::hint::spin_loop();
        }
        server.kill();
        for (n, stream, request) in volley {
            let Some(mut stream) = stream else { continue };
            if let Some(Reply::Cosigned { .. }) = receive(&mut stream, &request, &server.key) {
                let (size, root) = (request.checkpoint().size, histories[n].notes[&request.checkpoint().size].1);
                let before = cosigned.insert(size, root);
                assert!(before.is_none_or(|before| before == root), "kill {kill}: a fork");
            }
        }
    }
    let of = |history: &History| cosigned.iter().all(|(size, root)| history.notes[size].1 == *root);
    assert!(of(&histories[0]) || of(&histories[1]), "all that was cosigned is one history");
    assert!(cosigned.len() as u64 > kills / 2, "something was cosigned: {} checkpoints", cosigned.len());
}
