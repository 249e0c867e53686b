//! Many threads that append at once, through one writer.

use std::path::Path;

use provenote_ledger::Writer;
use provenote_ledger::conformance::signer;

use super::appends::Single;
use super::table::{Goal, Table};
use super::{Outcome, begin, entry, quantile, timed};

const WRITERS: u64 = 64;
const EACH: u64 = 500;

/// Each thread appends one entry and waits for it, again and again; while it waits, it makes the next.
pub(crate) fn many(folder: &Path, single: &Single, table: &mut Table) -> Outcome<()> {
    let log = begin(&folder.join("writers.db"))?;
    let (writer, thread) = Writer::start(log, signer(1), || 0)?;
    let (elapsed, times) = timed(|| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..WRITERS)
                .map(|number| {
                    let writer = writer.clone();
                    scope.spawn(move || {
                        let mut times = Vec::new();
                        let mut next = vec![entry(number)];
                        for n in 0..EACH {
                            let (time, appended) = timed(|| {
                                let ticket = writer.submit(std::mem::take(&mut next))?;
                                next = vec![entry(number * EACH + n)];
                                ticket.wait()
                            });
                            appended.map_err(|error| error.to_string())?;
                            times.push(time);
                        }
                        Ok::<_, String>(times)
                    })
                })
                .collect();
            let each = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a panic".to_owned())));
            each.collect::<Result<Vec<_>, _>>()
        })
    });
    let mut times: Vec<f64> = times?.into_iter().flatten().collect();
    drop(writer);
    thread.join().map_err(|_| "the writer panicked")?;
    let (rate, alone) = ((WRITERS * EACH) as f64 / elapsed, 1.0 / single.mean);
    table.row(
        "64 writers",
        format!("{rate:.0} entries/s"),
        format!("{alone:.0}/s one by one"),
        rate / alone,
        Goal::Least(50.0),
    );
    let slowest = quantile(&mut times, 0.99);
    table.row(
        "  p99 of an append",
        format!("{:.0} us", slowest * 1e6),
        format!("{:.0} us one fsync", single.fsync * 1e6),
        slowest / single.fsync,
        Goal::Most(6.0),
    );
    Ok(())
}
