//! Appends by one process, against bare inserts of the same bytes.

use std::io::{Seek as _, Write as _};
use std::path::Path;

use provenote_ledger::conformance::signer;
use rusqlite::{Connection, TransactionBehavior};

use super::table::{Goal, Table};
use super::{Outcome, begin, entry, quantile, timed};

const SINGLE: u64 = 2_000;
const BATCHES: u64 = 100;

/// What one durable append costs, in seconds.
pub(crate) struct Single {
    pub(crate) median: f64,
    pub(crate) mean: f64,
    /// Waiting for the disk after writing one page into a file.
    pub(crate) fsync: f64,
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

fn microseconds(seconds: f64) -> String {
    format!("{:.0} us", seconds * 1e6)
}

/// One durable append at a time. The log, the baseline and the bare disk take turns, so that its moods hit all.
pub(crate) fn one_at_a_time(folder: &Path, table: &mut Table) -> Outcome<Single> {
    let (path, signer) = (folder.join("one.db"), signer(1));
    let mut log = begin(&path)?;
    let mut plain = bare(&folder.join("bare.db"))?;
    let mut disk = std::fs::File::create(folder.join("disk"))?;
    log.append(0, &signer, vec![entry(0)])?;
    let bytes = log.entry_bytes(0)?;
    let (mut ours, mut theirs, mut fsyncs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=SINGLE {
        let entries = vec![entry(n)];
        let (time, appended) = timed(|| log.append(0, &signer, entries));
        appended?;
        ours.push(time);
        let (time, inserted) = timed(|| bare_insert(&mut plain, n..n + 1, &bytes));
        inserted?;
        theirs.push(time);
        let (time, written) = timed(|| {
            disk.rewind()?;
            disk.write_all(&[n as u8; 4096])?;
            disk.sync_data()
        });
        written?;
        fsyncs.push(time);
    }
    let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
    let single = Single { median: quantile(&mut ours, 0.5), mean: mean(&ours), fsync: quantile(&mut fsyncs, 0.5) };
    let baseline = quantile(&mut theirs, 0.5);
    table.row(
        "one durable append, median",
        microseconds(single.median),
        format!("{} bare insert", microseconds(baseline)),
        baseline / single.median,
        Goal::Least(0.9),
    );
    table.row(
        "one durable append, mean",
        microseconds(single.mean),
        format!("{} bare insert", microseconds(mean(&theirs))),
        mean(&theirs) / single.mean,
        Goal::None,
    );
    drop(log);
    storage(&path, SINGLE + 1, bytes.len(), "storage, one entry a commit", table)?;
    Ok(single)
}

/// The closed file against the payload in it.
pub(crate) fn storage(path: &Path, entries: u64, bytes: usize, what: &str, table: &mut Table) -> Outcome<()> {
    let (size, payload) = (path.metadata()?.len() as f64, entries as f64 * bytes as f64);
    table.row(
        what,
        format!("{:.1} MB", size / 1e6),
        format!("{:.1} MB of entries", payload / 1e6),
        size / payload,
        Goal::Most(1.25),
    );
    Ok(())
}

/// Commits of 1,000 entries.
pub(crate) fn batches(folder: &Path, table: &mut Table) -> Outcome<()> {
    let (path, signer) = (folder.join("many.db"), signer(1));
    let mut log = begin(&path)?;
    let mut plain = bare(&folder.join("bare-many.db"))?;
    log.append(0, &signer, vec![entry(0)])?;
    let bytes = log.entry_bytes(0)?;
    let (mut ours, mut theirs) = (0.0, 0.0);
    for batch in 0..BATCHES {
        let entries = (0..1_000).map(|n| entry(batch * 1_000 + n)).collect();
        let (time, appended) = timed(|| log.append(0, &signer, entries));
        appended?;
        ours += time;
        let (time, inserted) =
            timed(|| bare_insert(&mut plain, (1 + batch) * 10_000..(1 + batch) * 10_000 + 1_000, &bytes));
        inserted?;
        theirs += time;
    }
    let all = BATCHES as f64 * 1e3;
    table.row(
        "batches of 1,000",
        format!("{:.0} entries/s", all / ours),
        format!("{:.0} bare inserts/s", all / theirs),
        theirs / ours,
        Goal::Least(0.75),
    );
    Ok(())
}
