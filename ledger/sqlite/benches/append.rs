//! Appends and verification against their baselines, as ratios of the same run.
//!
//! `cargo bench -p provenote-ledger-sqlite`; the folder of the databases is `BENCH_FOLDER`, or a temporary one. Durable
//! inserts measure the disk first of all: run it on the disk that matters.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time and is told its folder")]

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use provenote_ledger::conformance::{epochs, signer};
use provenote_ledger::{Fact, Log, NewEntry, Verification, verify};
use provenote_ledger_files::FileAnchor;
use provenote_ledger_sqlite::SqliteStore;
use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest as _, Sha256};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// An entry of 1 KB: 1,024 bytes, give or take the digits of its number.
fn entry(n: u64) -> NewEntry {
    let entry = NewEntry::new("usr-0123456789abcdef", "prompt.sent").refer("session", format!("ses-{:016}", n / 50));
    let entry = entry.fact("fill", Fact::Text("0123456789ab".to_owned()));
    (0..7).fold(entry, |entry, i| entry.fact(&format!("fact_{i}"), Fact::Text("0123456789abcdef".repeat(6))))
}

fn open_log(path: &Path) -> Outcome<Log> {
    let anchor = FileAnchor::new(path.with_extension("anchor"));
    Ok(Log::create(Box::new(SqliteStore::create(path)?), &signer(1), Box::new(anchor))?)
}

fn bare(path: &Path) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; CREATE TABLE entries (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    )?;
    Ok(connection)
}

fn bare_insert(connection: &mut Connection, rows: impl Iterator<Item = u64>, bytes: &[u8]) -> Outcome<()> {
    let write = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut insert = write.prepare_cached("INSERT INTO entries (seq, bytes) VALUES (?1, ?2)")?;
        for row in rows {
            insert.execute((row.cast_signed(), bytes))?;
        }
    }
    Ok(write.commit()?)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds by the clock, and seconds of processor time in all threads.
fn timed(act: impl FnOnce()) -> (f64, f64) {
    let processor = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let (start, used) = (Instant::now(), processor());
    act();
    (start.elapsed().as_secs_f64(), processor() - used)
}

fn main() -> Outcome<()> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::var_os("BENCH_FOLDER").map_or_else(|| temporary.path().to_owned(), std::path::PathBuf::from);
    let signer = signer(1);
    let mut table = Vec::new();

    // One durable append at a time, the two taking turns, so that the disk's moods hit both.
    let mut log = open_log(&folder.join("one.db"))?;
    let mut plain = bare(&folder.join("bare.db"))?;
    log.append(0, &signer, vec![entry(0)])?;
    let bytes = log.entry_bytes(0)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 1..=2_000_u64 {
        let start = Instant::now();
        log.append(0, &signer, vec![entry(n)])?;
        ours.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        bare_insert(&mut plain, n..n + 1, &bytes)?;
        theirs.push(start.elapsed().as_secs_f64());
    }
    let (sum_ours, sum_theirs) = (ours.iter().sum::<f64>(), theirs.iter().sum::<f64>());
    let (ours, theirs) = (median(ours), median(theirs));
    table.push((
        "one durable append, median",
        format!("{:.0} us", ours * 1e6),
        format!("{:.0} us bare insert", theirs * 1e6),
        theirs / ours,
        Some(0.9),
    ));
    table.push((
        "one durable append, mean",
        format!("{:.0} us", sum_ours / 2_000.0 * 1e6),
        format!("{:.0} us bare insert", sum_theirs / 2_000.0 * 1e6),
        sum_theirs / sum_ours,
        None,
    ));

    // Batches of 1,000.
    let mut log_many = open_log(&folder.join("many.db"))?;
    let (mut ours, mut theirs) = (0.0, 0.0);
    for batch in 0..100_u64 {
        let entries = (0..1_000).map(|n| entry(batch * 1_000 + n)).collect();
        let start = Instant::now();
        log_many.append(0, &signer, entries)?;
        ours += start.elapsed().as_secs_f64();
        let start = Instant::now();
        bare_insert(&mut plain, (1 + batch) * 10_000..(1 + batch) * 10_000 + 1_000, &bytes)?;
        theirs += start.elapsed().as_secs_f64();
    }
    table.push((
        "batches of 1,000",
        format!("{:.0} entries/s", 1e5 / ours),
        format!("{:.0} bare inserts/s", 1e5 / theirs),
        theirs / ours,
        None,
    ));

    // Full verification against SHA-256 over the same bytes, which lie in memory. Verification reads the database and
    // uses all processors, the baseline one; what both cost of processor time is told beside it, as it would be on one.
    for (name, log, goal) in
        [("verify, 1,000 entries a commit", &log_many, Some(0.4)), ("verify, one entry a commit", &log, None)]
    {
        let mut all = Vec::new();
        for seq in 0..log.size()? {
            all.push(log.entry_bytes(seq)?);
        }
        let size = all.iter().map(Vec::len).sum::<usize>() as f64;
        let epochs = epochs(&signer);
        let anchor = Some(log.checkpoint()?);
        let given = Verification {
            store: log.store(),
            epochs: &epochs,
            local_anchor: anchor,
            anchors: &[],
            vault: None,
            unlocked: None,
        };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..15 {
            theirs.push(timed(|| {
                let digest = all.iter().fold(0_u8, |fold, bytes| fold ^ Sha256::digest(bytes)[0]);
                std::hint::black_box(digest);
            }));
            let mut findings = Vec::new();
            ours.push(timed(|| findings = verify(&given, &mut |_, _| {}).findings));
            if !findings.is_empty() {
                return Err(format!("verification found {findings:?}").into());
            }
        }
        let both = |times: &[(f64, f64)]| {
            (
                median(times.iter().map(|(wall, _)| *wall).collect()),
                median(times.iter().map(|(_, processor)| *processor).collect()),
            )
        };
        let ((wall, processor), (their_wall, their_processor)) = (both(&ours), both(&theirs));
        let rate = |seconds: f64| format!("{:.0} MB/s", size / seconds / 1e6);
        table.push((name, rate(wall), format!("{} SHA-256", rate(their_wall)), their_wall / wall, goal));
        table.push((
            "  in processor time",
            rate(processor),
            format!("{} SHA-256", rate(their_processor)),
            their_processor / processor,
            None,
        ));
    }

    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<32} {:>18} {:>24} {:>6}  goal", "ledger (entries of 1 KB)", "provenote", "baseline", "ratio")?;
    for (name, ours, theirs, ratio, goal) in table {
        let goal = goal
            .map_or_else(String::new, |goal: f64| format!("{goal} {}", if ratio >= goal { "met" } else { "MISSED" }));
        writeln!(out, "{name:<32} {ours:>18} {theirs:>24} {ratio:>6.2}  {goal}")?;
    }
    Ok(())
}
