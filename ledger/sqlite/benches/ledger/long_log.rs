//! A long log: verification, its memory, proofs from disk, and storage.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use provenote_ledger::conformance::{epochs, signer, verified};
use provenote_ledger::packing::Entries;
use provenote_ledger::proof::{prove_inclusion, verify_inclusion};
use provenote_ledger::store::Store as _;
use provenote_ledger::tree::leaf_hash;
use provenote_ledger::{Checkpoint, Verdict};
use provenote_ledger_sqlite::SqliteStore;
use sha2::{Digest as _, Sha256};

use super::appends::storage;
use super::table::{Goal, Table};
use super::{Outcome, begin, entry, quantile, timed};

/// Set in the child process that verifies: the database.
pub(crate) const CHILD: &str = "BENCH_VERIFY";
const BATCH: u64 = 10_000;
/// Bytes hashed for the baseline, as entries that lie in memory.
const HASHED: usize = 32 << 20;

/// What a child found out about verification.
struct Measured {
    wall: f64,
    processor: f64,
    /// SHA-256 over as many bytes.
    hashing: f64,
    /// Most memory used, in bytes.
    memory: f64,
}

fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Verifies a database in this process, and prints what it cost.
pub(crate) fn verify_here(path: &Path) -> Outcome<()> {
    let store = SqliteStore::snapshot(path)?;
    let note = store.latest()?.note;
    let size = store.latest()?.size;
    let (mut walls, mut processors) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let used = processor_time();
        let (wall, report) = timed(|| verified(&store, &signer(1), Some(note.clone())));
        processors.push(processor_time() - used);
        walls.push(wall);
        if report.verdict != Verdict::Intact || report.size != size {
            return Err(format!("verification found {:?}", report.findings).into());
        }
    }
    let (wall, processor) = (quantile(&mut walls, 0.5), quantile(&mut processors, 0.5));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let memory: u64 = memory.unwrap_or_default();
    // The entries' own bytes, as many as are held at once, again and again: the median, as above.
    let (mut entries, mut bytes) = (Vec::new(), 0);
    store.runs(0, &mut |run| {
        for entry in Entries::of(run.bytes) {
            bytes += entry.len();
            entries.push(entry.to_vec());
        }
        if bytes < HASHED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let each = entries.len() as f64;
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..9 {
        let used = processor_time();
        let digest = entries.iter().fold(0_u8, |fold, bytes| fold ^ Sha256::digest(bytes)[0]);
        std::hint::black_box(digest);
        times.push(processor_time() - used);
    }
    let hashing = quantile(&mut times, 0.5) / each * size as f64;
    print(&format!("{wall} {processor} {hashing} {}", memory * 1024))
}

fn print(line: &str) -> Outcome<()> {
    use std::io::Write as _;
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// Verifies in a process of its own; `one_core` binds it to one processor, where the system can do that.
fn child(path: &Path, one_core: bool) -> Outcome<Measured> {
    let program = std::env::current_exe()?;
    let mut command = if one_core && Command::new("taskset").arg("--version").output().is_ok() {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    let output = command.env(CHILD, path).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [wall, processor, hashing, memory] = numbers[..] else { return Err("the child said something else".into()) };
    Ok(Measured { wall, processor, hashing, memory })
}

pub(crate) fn long(folder: &Path, table: &mut Table) -> Outcome<()> {
    let size: u64 = std::env::var("BENCH_ENTRIES").ok().map_or(Ok(1_000_000), |text| text.parse())?;
    let (path, key) = (folder.join("long.db"), signer(1));
    let mut log = begin(&path)?;
    let mut next = 0;
    while next < size {
        let end = size.min(next + BATCH);
        log.append(0, &key, (next..end).map(entry).collect())?;
        next = end;
    }
    let length = log.entry_bytes(0)?.len();
    drop(log);
    storage(&path, size, length, &format!("storage, {size} entries"), table)?;

    let bytes = size as f64 * length as f64;
    let rate = |seconds: f64| format!("{:.0} MB/s", bytes / seconds / 1e6);
    let one = child(&path, true)?;
    table.row(
        "verification on one core, processor time",
        rate(one.processor),
        format!("{} SHA-256", rate(one.hashing)),
        one.hashing / one.processor,
        Goal::Least(0.6),
    );
    table.row(
        "verification on one core, by the clock",
        rate(one.wall),
        format!("{} SHA-256", rate(one.hashing)),
        one.hashing / one.wall,
        Goal::None,
    );
    let all = child(&path, false)?;
    let seconds = all.wall / size as f64 * 1e6;
    table.row(
        "verification, s a million entries",
        format!("{:.2} s", all.wall),
        String::new(),
        seconds,
        Goal::Most(4.0),
    );
    let memory = one.memory.max(all.memory) / 1e6;
    table.row("  most memory, MB", format!("{memory:.0} MB"), String::new(), memory, Goal::Most(200.0));
    proofs(&path, size, table)
}

/// Inclusion proofs of entries all over the log, each from a store opened for it: nothing is remembered but what the
/// system keeps of the file.
fn proofs(path: &Path, size: u64, table: &mut Table) -> Outcome<()> {
    let (mut times, mut warm) = (Vec::new(), Vec::new());
    let kept = SqliteStore::snapshot(path)?;
    let key = epochs(&signer(1)).remove(0).key;
    let root = Checkpoint::open(&kept.latest()?.note, &key)?.root;
    for n in 0..1_000_u64 {
        let index = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % size;
        let store = SqliteStore::snapshot(path)?;
        let (time, proof) = timed(|| prove_inclusion(&store, index, size));
        let proof = proof?;
        times.push(time);
        let leaf = leaf_hash(&kept.entry(index)?.ok_or("an entry is missing")?);
        verify_inclusion(&leaf, index, size, &proof, &root)?;
        let (time, again) = timed(|| prove_inclusion(&kept, index, size));
        again?;
        warm.push(time);
    }
    let (slowest, median) = (quantile(&mut times, 0.99), quantile(&mut warm, 0.5));
    table.row(
        "inclusion proof from disk, p99, ms",
        format!("{:.0} us", slowest * 1e6),
        format!("{:.0} us median, open store", median * 1e6),
        slowest * 1e3,
        Goal::Most(1.0),
    );
    Ok(())
}
