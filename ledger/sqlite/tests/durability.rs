//! Several processes on one ledger, processes killed at random points, and every write that can fail.
//!
//! A process here is this test's own program, run again as a worker: see [`a_worker_that_is_left_alone_does_it_all`].
//! `PROVENOTE_KILLS` says how many are killed: 100 unless told, 1,000 in `make soak`.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use provenote_ledger::conformance::{Fault, Faulty, entry, epochs, payload, signer, verified};
use provenote_ledger::log::{AppendError, Log, NewEntry, OpenError, Prepared, Query};
use provenote_ledger::store::{Anchor as _, StoreError};
use provenote_ledger::tree::leaf_hash;
use provenote_ledger::{FindingKind, Hash, Verdict};
use provenote_ledger_files::FileAnchor;
use provenote_ledger_sqlite::SqliteStore;

/// Makes this program a worker: what it is to do, as [`Work`] reads it.
const WORK: &str = "PROVENOTE_DURABILITY_WORK";
/// Every entry's time; the clock plays no part here.
const NOW: i64 = 1_000;
/// Kills on one ledger before the next is begun, so that verifying it does not become the whole test.
const KILLS_A_LEDGER: u64 = 10;

/// A number that looks random, and the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What a worker is to do: so many commits in this folder, with this seed.
struct Work {
    dir: PathBuf,
    seed: u64,
    commits: u64,
}

impl Work {
    fn text(&self) -> String {
        format!("{} {} {}", self.seed, self.commits, self.dir.display())
    }

    fn parse(text: &str) -> Self {
        let mut parts = text.splitn(3, ' ');
        let mut next = || parts.next().expect("three parts");
        let (seed, commits) = (next().parse().expect("a seed"), next().parse().expect("a number"));
        Self { dir: PathBuf::from(next()), seed, commits }
    }

    /// Runs this program again, as a worker. It waits for a line before it begins.
    fn spawn(&self) -> Worker {
        let mut child = Command::new(std::env::current_exe().expect("a test has a file"))
            .args(["--exact", "a_worker_that_is_left_alone_does_it_all", "--nocapture", "--test-threads=1"])
            .env(WORK, self.text())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a worker starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Worker { child, out }
    }
}

fn begin(dir: &Path) {
    let store = SqliteStore::create(&dir.join("ledger.db")).expect("makes it");
    Log::create(Box::new(store), &signer(1), Box::new(FileAnchor::new(dir.join("anchor")))).expect("begins");
}

fn open(dir: &Path) -> Log {
    let again = || {
        let store = SqliteStore::open(&dir.join("ledger.db"))?;
        Log::open(Box::new(store), &epochs(&signer(1)), Box::new(FileAnchor::new(dir.join("anchor"))))
    };
    patiently(again, |error| matches!(error, OpenError::Store(StoreError::Busy)))
}

/// Another process may be writing: until it has finished, the act is tried again.
fn patiently<T, E: std::fmt::Display>(mut act: impl FnMut() -> Result<T, E>, is_busy: impl Fn(&E) -> bool) -> T {
    loop {
        match act() {
            Ok(done) => return done,
            Err(error) if is_busy(&error) => {}
            Err(error) => panic!("this ledger cannot be used: {error}"),
        }
    }
}

/// What a worker does: single entries, small batches, batches across the border where entries are packed (256), sealed
/// payloads and their destruction, and now and then it opens the ledger anew. Each act is acknowledged by a line as soon
/// as it is durable.
fn work(work: &Work) {
    let mut out = std::io::stdout();
    // The line that the test harness has begun ends here.
    out.write_all(b"\nready\n").expect("somebody listens");
    std::io::stdin().read_line(&mut String::new()).expect("somebody says go");
    let mut acknowledge = |line: String| out.write_all(line.as_bytes()).expect("somebody listens");
    let (mut dice, mut log, mut groups) = (Dice(work.seed), open(&work.dir), Vec::new());
    let append = |log: &mut Log, entries: &[NewEntry]| {
        let busy = |error: &AppendError| matches!(error, AppendError::Store(StoreError::Busy));
        patiently(|| log.append(NOW, &signer(1), entries.to_vec()), busy)
    };
    for commit in 0..work.commits {
        if dice.below(6) == 0 {
            // To open is to compare with the anchor, while others write both.
            log = open(&work.dir);
        }
        let client = dice.below(5);
        let mut doomed = None;
        let entries: Vec<NewEntry> = match dice.below(20) {
            0..=8 => vec![entry("client.viewed", client)],
            9..=11 => (0..2 + dice.below(40)).map(|n| entry("client.viewed", n)).collect(),
            12 => (0..200 + dice.below(120)).map(|n| entry("client.viewed", n)).collect(),
            13..=16 => {
                let group = format!("grp-{}-{commit}", work.seed);
                let bytes = Hash::of(group.as_bytes()).0.repeat(1 + dice.below(200) as usize);
                let sealed = payload(&group, &bytes);
                groups.push(group.clone());
                vec![entry("session.recorded", client).refer("group", group).payload(sealed)]
            }
            _ if groups.is_empty() => vec![entry("client.added", client)],
            _ => {
                let group = groups.swap_remove(dice.below(groups.len() as u64) as usize);
                doomed = Some(group.clone());
                vec![entry("record.destroyed", client).refer("group", group)]
            }
        };
        let seqs = append(&mut log, &entries);
        for seq in seqs {
            let hash = leaf_hash(&log.entry_bytes(seq).expect("what was just written is there"));
            acknowledge(format!("ack {seq} {hash}\n"));
        }
        if let Some(group) = doomed {
            patiently(|| log.delete_ciphertext(&group), |error| matches!(error, StoreError::Busy));
            acknowledge(format!("gone {group}\n"));
        }
    }
}

/// A running worker.
struct Worker {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// What workers have acknowledged.
#[derive(Default)]
struct Acknowledged {
    entries: BTreeMap<u64, String>,
    gone: Vec<String>,
}

impl Acknowledged {
    /// Takes a line. One that breaks off was never acknowledged.
    fn take(&mut self, line: &str) -> bool {
        let Some(line) = line.strip_suffix('\n') else { return false };
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["ack", seq, hash] => {
                let seq: u64 = seq.parse().expect("a position");
                let before = self.entries.insert(seq, (*hash).to_owned());
                assert_eq!(before, None, "entry {seq} was acknowledged twice: a fork");
            }
            ["gone", group] => self.gone.push((*group).to_owned()),
            _ => return false,
        }
        true
    }

    /// Holds a ledger to everything that was acknowledged.
    fn hold(&self, log: &Log) {
        for (seq, hash) in &self.entries {
            let bytes = log.entry_bytes(*seq).unwrap_or_else(|error| panic!("acknowledged entry {seq}: {error}"));
            assert_eq!(leaf_hash(&bytes).to_string(), *hash, "acknowledged entry {seq} is another now");
        }
        for group in &self.gone {
            let about = log.find(&Query::default().refer("group", group)).expect("finds");
            let sealed = about.iter().flat_map(|header| &header.payloads);
            assert_eq!(sealed.clone().count(), 1, "the destroyed payload's entry stays");
            for one in sealed {
                assert_eq!(log.sealed(one).expect("reads"), None, "group {group} was destroyed");
            }
        }
    }
}

impl Worker {
    fn go(&mut self) {
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert_ne!(self.out.read_line(&mut line).expect("reads"), 0, "the worker broke down");
        }
        self.child.stdin.take().expect("a pipe").write_all(b"go\n").expect("it listens");
    }

    /// Reads so many acknowledgements, or all there are.
    fn listen(&mut self, acknowledged: &mut Acknowledged, lines: u64) {
        let (mut line, mut heard) = (String::new(), 0);
        while heard < lines && self.out.read_line(&mut line).expect("reads") > 0 {
            heard += u64::from(acknowledged.take(&line));
            line.clear();
        }
    }

    /// Kills it as the system would at the worst moment, and hears what it still had to say.
    fn kill(mut self, acknowledged: &mut Acknowledged) {
        self.child.kill().expect("it runs");
        let ended = self.end(acknowledged);
        assert_eq!(ended.signal(), Some(9), "it was to be killed, but {ended}");
    }

    fn end(mut self, acknowledged: &mut Acknowledged) -> ExitStatus {
        self.listen(acknowledged, u64::MAX);
        self.child.wait().expect("a child ends")
    }
}

/// Opens a ledger after whatever happened, carries out what destructions were recorded and not finished, as every
/// program does that opens one, and demands that nothing is found wrong.
fn intact(dir: &Path, acknowledged: &Acknowledged) -> Log {
    let mut log = open(dir);
    for header in log.find(&Query::kind("record.destroyed")).expect("finds") {
        log.delete_ciphertext(&header.refs["group"]).expect("destroys");
    }
    acknowledged.hold(&log);
    let anchor = FileAnchor::new(dir.join("anchor")).read().expect("reads");
    let report = verified(log.store(), &signer(1), anchor);
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
    log
}

/// As a worker, the work. Otherwise one worker that nobody disturbs, held to what it says.
#[test]
fn a_worker_that_is_left_alone_does_it_all() {
    if let Ok(text) = std::env::var(WORK) {
        return work(&Work::parse(&text));
    }
    let dir = tempfile::tempdir().expect("a folder");
    begin(dir.path());
    let mut acknowledged = Acknowledged::default();
    let mut worker = Work { dir: dir.path().to_owned(), seed: 1, commits: 60 }.spawn();
    worker.go();
    assert!(worker.end(&mut acknowledged).success());
    let log = intact(dir.path(), &acknowledged);
    assert_eq!(log.size().expect("reads"), acknowledged.entries.len() as u64);
    assert!(acknowledged.entries.len() > 512 && !acknowledged.gone.is_empty(), "the work is of every kind");
}

/// Lets workers run to their end at once, each heard by a thread of its own, so that none waits for a pipe to be emptied.
/// The first is killed after so many acknowledgements, if any are given. What they acknowledged, together.
fn together(mut workers: Vec<Worker>, first_is_killed_after: Option<u64>) -> Acknowledged {
    workers.iter_mut().for_each(Worker::go);
    let heard: Vec<Acknowledged> = std::thread::scope(|scope| {
        let listening: Vec<_> = workers
            .into_iter()
            .enumerate()
            .map(|(n, mut worker)| {
                scope.spawn(move || {
                    let mut acknowledged = Acknowledged::default();
                    match first_is_killed_after.filter(|_| n == 0) {
                        Some(lines) => {
                            worker.listen(&mut acknowledged, lines);
                            worker.kill(&mut acknowledged);
                        }
                        None => {
                            let ended = worker.end(&mut acknowledged);
                            assert!(ended.success(), "a worker broke down: {ended}");
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        listening.into_iter().map(|thread| thread.join().expect("a worker is heard to its end")).collect()
    });
    let mut all = Acknowledged::default();
    for one in heard {
        for (seq, hash) in one.entries {
            assert_eq!(all.entries.insert(seq, hash), None, "entry {seq} was acknowledged by two: a fork");
        }
        all.gone.extend(one.gone);
    }
    all
}

#[test]
fn four_processes_never_fork_and_lose_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    begin(dir.path());
    let workers = (1..=4).map(|seed| Work { dir: dir.path().to_owned(), seed, commits: 60 }.spawn()).collect();
    let all = together(workers, None);
    // The last to finish need not be the last to have written the anchor.
    open(dir.path()).append(NOW, &signer(1), vec![entry("client.viewed", 1)]).expect("appends");
    let log = intact(dir.path(), &all);
    assert_eq!(log.size().expect("reads"), all.entries.len() as u64 + 1, "each position was acknowledged once");
}

#[test]
fn a_process_killed_among_others_disturbs_none() {
    let dir = tempfile::tempdir().expect("a folder");
    begin(dir.path());
    for (seed, lines) in [(10, 1), (20, 30), (30, 200)] {
        let work = |seed, commits| Work { dir: dir.path().to_owned(), seed, commits }.spawn();
        let workers = vec![work(seed, u64::MAX), work(seed + 1, 15), work(seed + 2, 15), work(seed + 3, 15)];
        let acknowledged = together(workers, Some(lines));
        open(dir.path()).append(NOW, &signer(1), vec![entry("client.viewed", 1)]).expect("appends");
        intact(dir.path(), &acknowledged);
    }
}

#[test]
fn killed_at_any_point_nothing_acknowledged_is_lost() {
    let kills = std::env::var("PROVENOTE_KILLS").map_or(100, |kills| kills.parse().expect("a number of kills"));
    let mut dice = Dice(7);
    let mut survived = 0;
    while survived < kills {
        let dir = tempfile::tempdir().expect("a folder");
        begin(dir.path());
        let mut acknowledged = Acknowledged::default();
        for _ in 0..KILLS_A_LEDGER.min(kills - survived) {
            let mut worker = Work { dir: dir.path().to_owned(), seed: survived, commits: u64::MAX }.spawn();
            worker.go();
            // Up to some way into a batch, and then anywhere: within a write, a flush, or what comes between.
            let lines = dice.below(60) * dice.below(8);
            worker.listen(&mut acknowledged, lines);
            (0..dice.below(1 << 16)).for_each(|_| std::hint::spin_loop());
            worker.kill(&mut acknowledged);
            let mut log = intact(dir.path(), &acknowledged);
            // It goes on as if nothing had happened.
            let seqs = log.append(NOW, &signer(1), vec![entry("client.viewed", survived)]).expect("appends");
            let bytes = log.entry_bytes(seqs[0]).expect("is there");
            acknowledged.take(&format!("ack {} {}\n", seqs[0], leaf_hash(&bytes)));
            survived += 1;
        }
        assert!(acknowledged.entries.len() > 1, "something was acknowledged before a kill");
    }
}

/// A ledger whose next write fails as planned.
struct Unlucky {
    dir: tempfile::TempDir,
    log: Log,
    plan: Arc<Mutex<Option<Fault>>>,
    fault: Fault,
}

impl Unlucky {
    /// The first write of all fails: the log is not begun, or begun without saying so. Either way it can be used then.
    fn new(fault: Fault) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ledger.db");
        let anchor = || Box::new(FileAnchor::new(dir.path().join("anchor")));
        let begin = |fault: Option<Fault>| {
            let (store, plan) = Faulty::new(Box::new(SqliteStore::create(&path).expect("makes it")));
            *plan.lock().expect("nobody panicked") = fault;
            (Log::create(Box::new(store), &signer(1), anchor()), plan)
        };
        let (failed, _) = begin(Some(fault));
        assert!(matches!(failed, Err(OpenError::Store(StoreError::Backend(_)))), "reported");
        assert_eq!(anchor().read().expect("reads"), None, "the anchor does not lead");
        let (again, plan) = begin(None);
        let (log, plan) = match fault {
            Fault::Lost => (again.expect("begins now"), plan),
            Fault::Kept => {
                assert!(matches!(again, Err(OpenError::Store(StoreError::Exists))));
                let (store, plan) = Faulty::new(Box::new(SqliteStore::open(&path).expect("opens")));
                (Log::open(Box::new(store), &epochs(&signer(1)), anchor()).expect("was begun"), plan)
            }
        };
        Self { dir, log, plan, fault }
    }

    fn next_write_fails(&self) {
        *self.plan.lock().expect("nobody panicked") = Some(self.fault);
    }

    /// The plan was carried out, and another process that opens the ledger now finds nothing wrong: no fork, nothing
    /// lost, no anchor that leads.
    fn stands(&self, size: u64) {
        assert_eq!(*self.plan.lock().expect("nobody panicked"), None, "the write that was to fail was never made");
        let log = open(self.dir.path());
        assert_eq!(log.size().expect("reads"), size);
        let anchor = FileAnchor::new(self.dir.path().join("anchor")).read().expect("reads");
        let report = verified(log.store(), &signer(1), anchor);
        // A destruction that is recorded and not carried out yet is told, and nothing else.
        let recorded = !log.find(&Query::kind("record.destroyed")).expect("finds").is_empty();
        let owed = recorded && log.store().payload_counts().expect("reads").contains_key("grp-doomed");
        let found: Vec<_> = report.findings.iter().map(|one| one.kind).collect();
        assert_eq!(found, vec![FindingKind::FakeDestruction; usize::from(owed)], "{:?}", report.findings);
    }

    /// Appends what fails, then the same again, as whoever reads "try again" does. An entry that was kept without being
    /// acknowledged stays.
    fn append_twice(&mut self, entries: &[NewEntry]) {
        let (before, added) = (self.log.size().expect("reads"), entries.len() as u64);
        self.next_write_fails();
        let failed = self.log.append(NOW, &signer(1), entries.to_vec());
        assert!(matches!(failed, Err(AppendError::Store(StoreError::Backend(_)))), "reported");
        let kept = if self.fault == Fault::Kept { added } else { 0 };
        self.stands(before + kept);
        let seqs = self.log.append(NOW, &signer(1), entries.to_vec()).expect("works again");
        assert_eq!(seqs, (before + kept..before + kept + added).collect::<Vec<_>>());
        self.stands(before + kept + added);
    }
}

/// Every write of the store, each failing twice: lost, and kept but reported as failed.
#[test]
fn every_write_may_fail_and_nothing_is_lost() {
    for fault in [Fault::Lost, Fault::Kept] {
        let mut unlucky = Unlucky::new(fault);
        let views = |many: u64| (0..many).map(|n| entry("client.viewed", n)).collect::<Vec<_>>();
        let sealed = payload("grp-doomed", &[7; 900]);
        unlucky.append_twice(&views(1));
        unlucky.append_twice(&[entry("session.recorded", 1).refer("group", "grp-doomed").payload(sealed.clone())]);
        // Across one border of packing, across two, and up to one.
        unlucky.append_twice(&views(254));
        unlucky.append_twice(&views(600));
        let to_border = 256 - unlucky.log.size().expect("reads") % 256;
        unlucky.append_twice(&views(to_border));

        // A destruction is recorded, then carried out; each may fail, and is repeated.
        unlucky.append_twice(&[entry("record.destroyed", 1).refer("group", "grp-doomed")]);
        let size = unlucky.log.size().expect("reads");
        unlucky.next_write_fails();
        assert!(matches!(unlucky.log.delete_ciphertext("grp-doomed"), Err(StoreError::Backend(_))), "reported");
        unlucky.stands(size);
        unlucky.log.delete_ciphertext("grp-doomed").expect("repeated");
        assert_eq!(unlucky.log.sealed(&sealed.reference).expect("reads"), None);
        unlucky.stands(size);
    }
}

/// Packing moves acknowledged entries, and nobody waits for it: where it fails, they are where they were.
#[test]
fn packing_may_fail_and_nothing_is_lost() {
    for fault in [Fault::Lost, Fault::Kept] {
        let mut unlucky = Unlucky::new(fault);
        let entries = |many: u64| (0..many).map(|n| entry("client.viewed", n)).collect::<Vec<_>>();
        let (mut size, mut packings) = (0, 0);
        for many in [255, 1, 200, 100, 250] {
            let group = Prepared::new(entries(many)).expect("entries");
            unlucky.log.append_groups(NOW, &signer(1), &[group]).expect("appends");
            size += many;
            let full = size - unlucky.log.store().bundles().expect("reads") * 256 >= 256;
            if full {
                unlucky.next_write_fails();
            }
            unlucky.log.pack();
            packings += u64::from(full);
            unlucky.stands(size);
            assert_eq!(unlucky.log.find(&Query::kind("client.viewed")).expect("finds").len() as u64, size);
        }
        assert!(packings >= 2, "packing was to fail more than once");
        unlucky.log.pack();
        unlucky.stands(size);
        assert_eq!(unlucky.log.store().bundles().expect("reads"), size / 256, "packed in the end");
        assert_eq!(unlucky.log.find(&Query::kind("client.viewed")).expect("finds").len() as u64, size);
    }
}
