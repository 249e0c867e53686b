//! How a log passes from one key to the next.
//!
//! A rotation is an entry of the log. Both keys sign the statement it carries, and both sign the checkpoint of the commit
//! that holds it: so whoever knows the first key alone can follow the log to the last one, and nobody can begin an epoch
//! without the key before it. The statement is
//!
//! ```text
//! provenote/rotate/v1
//! ORIGIN
//! EPOCH
//! FROM_SIZE
//! VKEY
//! ```
//!
//! with the number of the new epoch, the length of the log from which on its key signs (one more than the entry's
//! position) and the new key as a C2SP vkey; each line ends in a newline. The facts of the entry are `epoch`,
//! `from_size`, `vkey`, `signature_old`, `signature_new` (base64 of Ed25519 over the statement) and, where the old key
//! may be in other hands, `compromised_after`: the length of the log last known outside before that.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::header::{Fact, Header, View};
use crate::log::NewEntry;
use crate::note::{Epoch, LogSigner, VerifierKey};
use crate::store::{Store, StoreError, index_key};

/// The kind of entry that gives the log a new key.
pub const KEY_ROTATED: &str = "log.key_rotated";

/// Why an entry gives the log no new key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// A fact is missing or not of its form.
    #[error("its fact {0} is missing or not of its form")]
    Malformed(&'static str),
    /// The epochs are not numbered one after the other.
    #[error("it begins epoch {found}, where {expected} is next: an epoch is missing or told twice")]
    Gap {
        /// The number it gives.
        found: u32,
        /// The one after the epoch before.
        expected: u32,
    },
    /// The new key is to sign from somewhere else than the entry's end.
    #[error("it says that the new key signs from {from_size} entries on, but it stands at {seq}")]
    Misplaced {
        /// The length it gives.
        from_size: u64,
        /// Where the entry stands.
        seq: u64,
    },
    /// The new key is another log's.
    #[error("its new key is of another log")]
    OtherLog,
    /// The old key did not sign the statement.
    #[error("the key before it did not sign it")]
    OldKey,
    /// The new key did not sign the statement.
    #[error("the new key did not sign it")]
    NewKey,
    /// More is said to have been known outside than there was.
    #[error("it says that {compromised_after} entries were known outside, but the log had {size}")]
    Overstated {
        /// What it says.
        compromised_after: u64,
        /// The log's length before it.
        size: u64,
    },
}

/// Why a log's keys cannot be followed from its first.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// No first key was given.
    #[error("no key of this log is known")]
    NoKey,
    /// An entry that should begin an epoch does not.
    #[error("entry {seq} gives the ledger no new key: {source}")]
    Refused {
        /// The entry.
        seq: u64,
        /// Why.
        source: RotationError,
    },
    /// The entries tell of another key than is known.
    #[error("the ledger's entries and its key files disagree about key {0} of the ledger")]
    Disagree(u32),
    /// A key is known that no entry tells of.
    #[error(
        "the key files know key {number} of the ledger, which signs from {from_size} entries on; no entry tells of it"
    )]
    Unknown {
        /// The epoch's number.
        number: u32,
        /// The length it signs from.
        from_size: u64,
    },
    /// An entry could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The epochs of a stored log, from the first key of `known` through its entries; what else is known must agree with
/// them. Looks rotations up in the index and reads nothing else: that the entries are the log's own is the verifier's to
/// tell, that each key vouched for the next is checked here.
///
/// # Errors
/// [`FollowError`].
pub fn follow(store: &dyn Store, known: &[Epoch]) -> Result<Vec<Epoch>, FollowError> {
    let first = known.iter().min_by_key(|epoch| epoch.number).ok_or(FollowError::NoKey)?;
    let mut epochs = vec![first.clone()];
    let mut failed = None;
    store.find(&[index_key("", KEY_ROTATED)], None, first.from_size.checked_sub(1), &mut |seq, bytes| {
        match begun(epochs.last().unwrap_or(first), seq, bytes) {
            Ok(None) => return ControlFlow::Continue(()),
            Ok(Some(epoch)) => epochs.push(epoch),
            Err(error) => failed = Some(error),
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    for epoch in known {
        match epochs.iter().find(|followed| followed.number == epoch.number) {
            Some(followed) if followed == epoch => {}
            Some(_) => return Err(FollowError::Disagree(epoch.number)),
            None => return Err(FollowError::Unknown { number: epoch.number, from_size: epoch.from_size }),
        }
    }
    Ok(epochs)
}

/// The epoch an entry begins; `None` when it is of another kind, which a search may show too.
fn begun(before: &Epoch, seq: u64, bytes: &[u8]) -> Result<Option<Epoch>, FollowError> {
    let damaged = |_| StoreError::Corrupt(format!("entry {seq} cannot be read"));
    if View::parse(bytes).map_err(damaged)?.kind != KEY_ROTATED.as_bytes() {
        return Ok(None);
    }
    let header = Header::parse(bytes).map_err(damaged)?;
    let rotation = Rotation::read(&header).and_then(|rotation| rotation.after(before, seq));
    rotation.map(Some).map_err(|source| FollowError::Refused { seq, source })
}

/// What a rotation's entry says. Its signatures mean nothing before [`Rotation::after`] has checked them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    epoch: u32,
    from_size: u64,
    key: VerifierKey,
    compromised_after: Option<u64>,
    signatures: [[u8; 64]; 2],
}

fn statement(origin: &str, epoch: u32, from_size: u64, key: &VerifierKey) -> String {
    format!("provenote/rotate/v1\n{origin}\n{epoch}\n{from_size}\n{key}\n")
}

impl Rotation {
    /// Has both keys sign that `new` begins the epoch of this number, from `from_size` entries on.
    #[must_use]
    pub fn sign(old: &LogSigner, new: &LogSigner, epoch: u32, from_size: u64, compromised_after: Option<u64>) -> Self {
        let text = statement(old.origin(), epoch, from_size, new.verifier());
        let signatures = [old.sign_bytes(text.as_bytes()), new.sign_bytes(text.as_bytes())];
        Self { epoch, from_size, key: new.verifier().clone(), compromised_after, signatures }
    }

    /// The entry that says so.
    #[must_use]
    pub fn entry(&self, actor: &str) -> NewEntry {
        let number = |n: u64| Fact::Number(i64::try_from(n).unwrap_or(i64::MAX));
        let mut entry = NewEntry::new(actor, KEY_ROTATED)
            .fact("epoch", number(self.epoch.into()))
            .fact("from_size", number(self.from_size))
            .fact("vkey", Fact::Text(self.key.to_string()))
            .fact("signature_old", Fact::Text(BASE64.encode(self.signatures[0])))
            .fact("signature_new", Fact::Text(BASE64.encode(self.signatures[1])));
        if let Some(size) = self.compromised_after {
            entry = entry.fact("compromised_after", number(size));
        }
        entry
    }

    /// Reads what a header of kind [`KEY_ROTATED`] says.
    ///
    /// # Errors
    /// [`RotationError::Malformed`].
    pub fn read(header: &Header) -> Result<Self, RotationError> {
        let facts = &header.facts;
        let epoch = number(facts, "epoch")?.ok_or(RotationError::Malformed("epoch"))?;
        Ok(Self {
            epoch: u32::try_from(epoch).map_err(|_| RotationError::Malformed("epoch"))?,
            from_size: number(facts, "from_size")?.ok_or(RotationError::Malformed("from_size"))?,
            key: text(facts, "vkey").and_then(|key| key.parse().ok()).ok_or(RotationError::Malformed("vkey"))?,
            compromised_after: number(facts, "compromised_after")?,
            signatures: [signature(facts, "signature_old")?, signature(facts, "signature_new")?],
        })
    }

    /// The epoch it begins after `before`, when it stands as entry `seq`: numbers follow each other, the key's first
    /// length is the entry's end, and both keys signed, verified strictly.
    ///
    /// # Errors
    /// [`RotationError`].
    pub fn after(&self, before: &Epoch, seq: u64) -> Result<Epoch, RotationError> {
        let expected = before.number.saturating_add(1);
        if self.epoch != expected {
            return Err(RotationError::Gap { found: self.epoch, expected });
        }
        if seq.checked_add(1) != Some(self.from_size) || self.from_size <= before.from_size {
            return Err(RotationError::Misplaced { from_size: self.from_size, seq });
        }
        if self.key.name() != before.key.name() {
            return Err(RotationError::OtherLog);
        }
        let text = statement(before.key.name(), self.epoch, self.from_size, &self.key);
        if !before.key.verifies(text.as_bytes(), &self.signatures[0]) {
            return Err(RotationError::OldKey);
        }
        if !self.key.verifies(text.as_bytes(), &self.signatures[1]) {
            return Err(RotationError::NewKey);
        }
        match self.compromised_after {
            Some(known) if known > seq => Err(RotationError::Overstated { compromised_after: known, size: seq }),
            _ => Ok(Epoch { number: self.epoch, from_size: self.from_size, key: self.key.clone() }),
        }
    }

    /// Where the old key may be in other hands: the length of the log last known outside before that.
    #[must_use]
    pub fn compromised_after(&self) -> Option<u64> {
        self.compromised_after
    }
}

fn number(facts: &BTreeMap<String, Fact>, name: &'static str) -> Result<Option<u64>, RotationError> {
    match facts.get(name) {
        None => Ok(None),
        Some(Fact::Number(n)) => u64::try_from(*n).map(Some).map_err(|_| RotationError::Malformed(name)),
        Some(_) => Err(RotationError::Malformed(name)),
    }
}

fn text<'a>(facts: &'a BTreeMap<String, Fact>, name: &str) -> Option<&'a str> {
    match facts.get(name) {
        Some(Fact::Text(text)) => Some(text),
        _ => None,
    }
}

fn signature(facts: &BTreeMap<String, Fact>, name: &'static str) -> Result<[u8; 64], RotationError> {
    let bytes = text(facts, name).and_then(|text| BASE64.decode(text).ok());
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(RotationError::Malformed(name))
}

#[cfg(test)]
mod tests;
