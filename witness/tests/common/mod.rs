//! A practice's side for the tests: a log in memory that can be copied, rolled back and forked.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use provenote_ledger::memory::{MemoryAnchor, MemoryStore};
use provenote_ledger::policy::{Policy, PolicyWitness};
use provenote_ledger::proof::{ProveError, prove_consistency};
use provenote_ledger::{CosignerKey, Entropy, Hash, Log, LogSigner, NewEntry, Store as _, VerifierKey};
use provenote_witness::server::Clock;
use provenote_witness::{Call, Folder, Limits, Outcome, Server, client};
use zeroize::Zeroizing;

/// The time everywhere in these tests, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Not random, but another each time.
pub(crate) struct Counted;

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        out.iter_mut().zip(Hash::of(&count).0.iter().cycle()).for_each(|(out, byte)| *out = *byte);
    }
}

/// A practice's log.
pub(crate) struct Practice {
    pub(crate) store: MemoryStore,
    signer: LogSigner,
    log: Log,
}

impl Practice {
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        let signer = LogSigner::new(origin, &Zeroizing::new([seed; 32])).expect("a signer");
        let store = MemoryStore::default();
        let log = Log::create(Box::new(store.clone()), &signer, Box::new(MemoryAnchor::default())).expect("begins");
        Self { store, signer, log }
    }

    /// Appends entries; what they say tells histories apart.
    pub(crate) fn grow(&mut self, entries: usize, actor: &str) -> &mut Self {
        let entries = (0..entries).map(|_| NewEntry::new(actor, "note.edited")).collect();
        self.log.append(1_800_000_000_000, &self.signer, entries).expect("appends");
        self
    }

    pub(crate) fn vkey(&self) -> VerifierKey {
        self.signer.verifier().clone()
    }

    pub(crate) fn note(&self) -> String {
        self.store.latest().expect("reads").note
    }

    pub(crate) fn size(&self) -> u64 {
        self.store.latest().expect("reads").size
    }

    pub(crate) fn root(&self) -> Hash {
        self.log.root().expect("reads")
    }

    pub(crate) fn prove(&self, old: u64, new: u64) -> Result<Vec<Hash>, ProveError> {
        prove_consistency(&self.store, old, new)
    }

    /// Asks a witness about the latest checkpoint.
    pub(crate) fn ask(&self, witness: &PolicyWitness, known: u64) -> Outcome {
        self.ask_by(witness, known, &Call::at(NOW))
    }

    pub(crate) fn ask_by(&self, witness: &PolicyWitness, known: u64, call: &Call<'_>) -> Outcome {
        let note = self.note();
        let keys = [self.vkey()];
        let log = client::Log { note: &note, keys: &keys };
        client::update(&log, known, &mut |old, new| self.prove(old, new), witness, call).expect("asks")
    }
}

/// A witness as a policy names it.
pub(crate) fn named(name: &str, key: &CosignerKey, address: &str) -> PolicyWitness {
    PolicyWitness { name: name.to_owned(), key: key.clone(), url: Some(format!("http://{address}/")) }
}

/// A policy that asks all of these to agree.
pub(crate) fn policy_of(witnesses: &[&PolicyWitness]) -> Policy {
    witnesses.iter().fold(Policy::without_witnesses(), |policy, witness| {
        policy.with_witness(&witness.name, &witness.key, witness.url.as_deref(), None).expect("adds")
    })
}

/// A server in this process, stopped when dropped.
pub(crate) struct Running {
    pub(crate) witness: PolicyWitness,
    pub(crate) address: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(crate) fn serve(folder: &Path, logs: &[VerifierKey], limits: Limits) -> Running {
    let folder = Folder::open(folder, None, logs, &mut Counted).expect("opens");
    let clock: Clock = Arc::new(|| NOW);
    let server = Server::bind("127.0.0.1:0", folder, clock, limits).expect("listens");
    let address = server.address().to_string();
    let witness = named("w", server.key(), &address);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let until = async {
            let _ = stopped.await;
        };
        server.serve(until).expect("serves");
    });
    Running { witness, address, stop: Some(stop), thread: Some(thread) }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
