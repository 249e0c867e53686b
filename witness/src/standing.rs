//! Where a log stands with its witnesses: what each cosigned last, and what is still to be asked.
//!
//! One small JSON file beside the keys. It is a memory, not a record: without it the next round asks again from the
//! beginning, and each witness names the size it has seen.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use provenote_ledger::Hash;
use provenote_ledger::note::{Checkpoint, NoteError, SignedNote};
use provenote_ledger::policy::{Policy, PolicyError};
use serde::{Deserialize, Serialize};

use crate::client::{AskError, Call, Log, Outcome, is_address, update};
use crate::durable::{found, replace};

/// The longest file read, in bytes.
const MAX_FILE: usize = 1 << 20;

/// Where the log stands with one witness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Size of the checkpoint it cosigned last; 0 when it never did.
    pub size: u64,
    /// When it did, by its own clock, in seconds since 1970; 0 when it never did.
    pub time: u64,
    /// What it still has to cosign.
    pub pending: Option<Pending>,
}

/// A cosignature that is still wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// Size of the checkpoint it was first wanted for. A cosignature of a later one serves as well.
    pub size: u64,
    /// Why it was not had at the last try, as a sentence.
    pub why: String,
}

/// The standing with all witnesses, by their vkeys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standings(BTreeMap<String, Standing>);

impl Standings {
    /// Reads the file. One that is missing or damaged is an empty memory.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = found(fs::read(path))?.filter(|bytes| bytes.len() <= MAX_FILE);
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    /// Writes the file, durably. One process at a time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        replace(path, &bytes)
    }

    /// The standing with the witness of this vkey.
    #[must_use]
    pub fn with(&self, vkey: &str) -> Standing {
        self.0.get(vkey).cloned().unwrap_or_default()
    }

    /// Whether any cosignature is still wanted.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.0.values().any(|standing| standing.pending.is_some())
    }

    fn note(&mut self, vkey: &str, size: u64, outcome: &Outcome, name: &str, now: u64) {
        let standing = self.0.entry(vkey.to_owned()).or_default();
        if let Outcome::Cosigned { time, .. } = outcome {
            *standing = Standing { size, time: *time, pending: None };
        } else {
            let (since, size) = standing.pending.as_ref().map_or((now, size), |pending| (pending.since, pending.size));
            standing.pending = Some(Pending { since, size, why: outcome.sentence(name) });
        }
    }
}

/// What a round of asking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Size of the checkpoint.
    pub size: u64,
    /// The checkpoint with all cosignatures it has now: keep it beside the keys.
    pub note: String,
    /// What each witness did, by its name in the policy.
    pub outcomes: Vec<(String, Outcome)>,
    /// Who cosigned this very checkpoint and when, in seconds since 1970, or why they are too few.
    pub agreed: Result<Vec<(String, u64)>, PolicyError>,
}

impl Round {
    /// The alarms: witnesses that have seen a longer log, or another one.
    pub fn alarms(&self) -> impl Iterator<Item = &(String, Outcome)> {
        self.outcomes.iter().filter(|(_, outcome)| outcome.is_alarm())
    }
}

/// Why a round could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum RoundError<E> {
    /// The log's own checkpoint is none.
    #[error("the ledger's own checkpoint cannot be sent: {0}")]
    Note(#[from] NoteError),
    /// The log could not be asked, or a proxy cannot be used.
    #[error(transparent)]
    Ask(#[from] AskError<E>),
}

/// Asks every witness of the policy that has an address for a cosignature on the log's latest checkpoint, one after
/// another, and notes in `standings` what is still wanted. Witnesses without an address are left out.
///
/// `log.note` may bear cosignatures already; they stay.
///
/// # Errors
/// [`RoundError`] when the ledger itself fails; nothing a witness does is an error.
pub fn update_all<E>(
    policy: &Policy,
    log: &Log<'_>,
    standings: &mut Standings,
    prove: &mut dyn FnMut(u64, u64) -> Result<Vec<Hash>, E>,
    call: &Call<'_>,
) -> Result<Round, RoundError<E>> {
    let mut note = log.note.to_owned();
    let size = Checkpoint::parse(SignedNote::parse(log.note)?.text())?.size;
    let mut outcomes = Vec::new();
    for witness in policy.witnesses().iter().filter(|witness| witness.url.as_deref().is_some_and(is_address)) {
        let vkey = witness.key.to_string();
        let known = standings.with(&vkey).size;
        let outcome = update(log, known, prove, witness, call)?;
        if let Outcome::Cosigned { line, .. } = &outcome {
            note = SignedNote::parse(&note)?.with_lines(line)?;
        }
        standings.note(&vkey, size, &outcome, &witness.name, call.now);
        outcomes.push((witness.name.clone(), outcome));
    }
    let agreed = policy.agreed(&SignedNote::parse(&note)?);
    Ok(Round { size, note, outcomes, agreed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_remembered_until_it_is_had() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("witnesses.json");
        let mut standings = Standings::read(&path).expect("reads");
        assert_eq!(standings, Standings::default());
        let away = Outcome::Unreachable { why: "offline".to_owned() };
        standings.note("vkey", 5, &away, "w", 100);
        standings.note("vkey", 9, &away, "w", 200);
        standings.write(&path).expect("writes");
        let mut read = Standings::read(&path).expect("reads");
        assert_eq!(read, standings);
        let pending = read.with("vkey").pending.expect("is wanted");
        assert_eq!((pending.since, pending.size), (100, 5), "the first try counts");
        assert!(read.is_pending());
        read.note("vkey", 9, &Outcome::Cosigned { line: String::new(), time: 300 }, "w", 301);
        assert_eq!(read.with("vkey"), Standing { size: 9, time: 300, pending: None });
        assert!(!read.is_pending());
        for bad in [&b""[..], b"{", b"[]", b"\xff", &vec![b' '; MAX_FILE + 1]] {
            fs::write(&path, bad).expect("writes");
            assert_eq!(Standings::read(&path).expect("reads"), Standings::default());
        }
    }
}
