//! One thread that writes for many.
//!
//! Waiting for the disk is what an append costs, and one wait can serve everybody whose entries are there: the thread
//! takes whatever waits and makes one durable commit of it. Several processes may each have a writer on one log; each
//! commit builds on the head as the store holds it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::log::{AppendError, Log, NewEntry, Prepared};
use crate::note::LogSigner;
use crate::store::StoreError;

/// How long those who were written for just now are waited for, each, before a commit is made without them. They come
/// again at once if they are at all busy: a commit that does not wait for them leaves them to the next one.
const MOMENT: Duration = Duration::from_micros(100);
/// Bytes of entries and payloads in one commit, more or less a group.
const MOST_BYTES: usize = 8 << 20;

/// The hand of a thread that appends to a log. Clones share the thread; it ends when the last of them is dropped and
/// everything that waited has been written.
#[derive(Clone)]
pub struct Writer {
    queue: Sender<Waiting>,
}

/// Entries on their way into the log.
pub struct Ticket {
    answer: Receiver<Result<Vec<u64>, AppendError>>,
}

struct Waiting {
    group: Prepared,
    answer: Sender<Result<Vec<u64>, AppendError>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the thread. `clock` tells the milliseconds since 1970; it is asked once a commit. The thread gives the log
    /// back when it ends.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn start(
        log: Log,
        signer: LogSigner,
        clock: impl FnMut() -> i64 + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<Log>)> {
        let (queue, waiting) = channel();
        let thread = std::thread::Builder::new().name("ledger-writer".to_owned());
        let thread = thread.spawn(move || work(log, &signer, clock, &waiting))?;
        Ok((Self { queue }, thread))
    }

    /// Appends entries, together with what others append; all of them or none. Returns their positions once they are
    /// durable.
    ///
    /// # Errors
    /// As [`Log::append`]; and [`AppendError::WriterGone`].
    pub fn append(&self, entries: Vec<NewEntry>) -> Result<Vec<u64>, AppendError> {
        self.submit(entries)?.wait()
    }

    /// Hands entries over, without waiting for them. What one thread submits is appended in that order.
    ///
    /// # Errors
    /// When they may not be logged, or with [`AppendError::WriterGone`].
    pub fn submit(&self, entries: Vec<NewEntry>) -> Result<Ticket, AppendError> {
        // Encoded here, in the thread of whoever asks: the one that writes has enough to do.
        let group = Prepared::new(entries)?;
        let (answer, ticket) = channel();
        self.queue.send(Waiting { group, answer }).map_err(|_| AppendError::WriterGone)?;
        Ok(Ticket { answer: ticket })
    }
}

impl Ticket {
    /// Waits until the entries are durable, and tells their positions.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn wait(self) -> Result<Vec<u64>, AppendError> {
        // A thread that panics drops the other end, for everybody who waits.
        self.answer.recv().unwrap_or(Err(AppendError::WriterGone))
    }
}

fn work(mut log: Log, signer: &LogSigner, mut clock: impl FnMut() -> i64, queue: &Receiver<Waiting>) -> Log {
    let mut last = 0;
    while let Ok(first) = queue.recv() {
        let (mut groups, mut answers) = (Vec::with_capacity(last), Vec::with_capacity(last));
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(Waiting { group, answer }) = next {
            bytes += group.bytes();
            groups.push(group);
            answers.push(answer);
            next = match queue.try_recv() {
                _ if bytes >= MOST_BYTES => None,
                Ok(waiting) => Some(waiting),
                Err(TryRecvError::Empty) if groups.len() < last => queue.recv_timeout(MOMENT).ok(),
                Err(_) => None,
            };
        }
        last = groups.len();
        match log.append_groups(clock(), signer, &groups) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.iter().zip(outcomes) {
                    // Whoever does not wait any more is not told.
                    let _ = answer.send(outcome.map(Iterator::collect));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                answers.iter().for_each(|answer| drop(answer.send(Err(again(&error)))));
            }
        }
        drop(answers);
        // Those answered prepare what comes next meanwhile.
        log.pack();
    }
    log
}

/// One failure, told to each whose entries it concerns.
fn again(error: &Arc<AppendError>) -> AppendError {
    match error.as_ref() {
        AppendError::ClockAbsurd => AppendError::ClockAbsurd,
        AppendError::WrongKey => AppendError::WrongKey,
        AppendError::Store(StoreError::Busy) => AppendError::Store(StoreError::Busy),
        AppendError::Store(StoreError::Full) => AppendError::Store(StoreError::Full),
        AppendError::Store(StoreError::Moved) => AppendError::Store(StoreError::Moved),
        _ => AppendError::Shared(Arc::clone(error)),
    }
}

#[cfg(test)]
mod tests;
