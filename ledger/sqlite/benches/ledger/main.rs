//! The ledger against its baselines, as ratios of the same run, in one table.
//!
//! `cargo bench -p provenote-ledger-sqlite`; the folder of the databases is `BENCH_FOLDER`, or a temporary one. Durable
//! inserts measure the disk first of all: run it on the disk that matters. `BENCH_ENTRIES` is the length of the long
//! log, 1,000,000 unless told.
//!
//! Peers stand in the table where they are installed: `scripts/bench-peers.sh` fetches pymerkle; git is taken as it is.
//! The crate hypercore is left out: the registry's latest is an alpha release (0.17.0-alpha.1), which is no dependency to
//! build on for one row of a table. It has not been built or measured here.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures time and is told its folder")]

mod appends;
mod long_log;
mod peers;
mod table;
mod writers;

use std::path::{Path, PathBuf};
use std::time::Instant;

use provenote_ledger::conformance::signer;
use provenote_ledger::{Fact, Log, NewEntry};
use provenote_ledger_files::FileAnchor;
use provenote_ledger_sqlite::SqliteStore;
use table::Table;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// An entry of 1 KB: 1,024 bytes, give or take the digits of its number.
fn entry(n: u64) -> NewEntry {
    let entry = NewEntry::new("usr-0123456789abcdef", "prompt.sent").refer("session", format!("ses-{:016}", n / 50));
    let entry = entry.fact("fill", Fact::Text("0123456789ab".to_owned()));
    // Other facts in every entry, as in a real log.
    let word = |i: u64| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i).repeat(6);
    (0..7).fold(entry, |entry, i| entry.fact(&format!("fact_{i}"), Fact::Text(word(i))))
}

fn begin(path: &Path) -> Outcome<Log> {
    let anchor = FileAnchor::new(path.with_extension("anchor"));
    Ok(Log::create(Box::new(SqliteStore::create(path)?), &signer(1), Box::new(anchor))?)
}

/// Value at a share of the sorted times, 0.5 being the median.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(((times.len() - 1) as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// Seconds by the clock.
fn timed<T>(act: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let outcome = act();
    (start.elapsed().as_secs_f64(), outcome)
}

fn main() -> Outcome<()> {
    if let Some(path) = std::env::var_os(long_log::CHILD) {
        return long_log::verify_here(Path::new(&path));
    }
    let temporary = tempfile::tempdir()?;
    let folder = std::env::var_os("BENCH_FOLDER").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let mut table = Table::default();
    let single = appends::one_at_a_time(&folder, &mut table)?;
    appends::batches(&folder, &mut table)?;
    writers::many(&folder, &single, &mut table)?;
    long_log::long(&folder, &mut table)?;
    peers::beside(&folder, single.median, &mut table)?;
    table.print()
}
