//! The log's keys, as the verifier comes to know them: those it was given, and those the entries tell of.

use crate::header::Header;
use crate::moment;
use crate::note::{Epoch, SignedNote, epoch_at};
use crate::rotation::{Rotation, RotationError};

use super::{Doubtful, EpochReport, Finding, FindingKind};

/// An epoch that an entry began.
struct Begun {
    epoch: Epoch,
    /// Milliseconds since 1970.
    time: i64,
    compromised_after: Option<u64>,
}

/// Who signed a note.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignedBy {
    /// The key that signs at this size; its epoch's number.
    Right(u32),
    /// Another of the log's keys.
    Other(u32),
    /// None of the log's keys, or badly.
    Nobody,
}

pub(super) struct Epochs {
    /// From outside the store, ascending by number.
    given: Vec<Epoch>,
    /// Those after the first, by the entries, as far as each key vouched for the next.
    begun: Vec<Begun>,
    /// Since the newest key, somebody accepted a clock that was behind.
    clock_reset: bool,
    /// The entries at hand are of before the newest key, and that was told.
    before: bool,
}

impl Epochs {
    pub(super) fn new(given: &[Epoch]) -> Self {
        let mut given = given.to_vec();
        given.sort_by_key(|epoch| epoch.number);
        Self { given, begun: Vec::new(), clock_reset: false, before: false }
    }

    pub(super) fn first(&self) -> Option<&Epoch> {
        self.given.first()
    }

    /// All that are known; where entries and key files disagree, what the entries say, which both keys signed.
    fn known(&self) -> Vec<Epoch> {
        let told = |number: u32| self.begun.iter().find(|begun| begun.epoch.number == number);
        let mut known: Vec<Epoch> =
            self.given.iter().map(|given| told(given.number).map_or(given, |begun| &begun.epoch).clone()).collect();
        let more = self.begun.iter().filter(|begun| self.given.iter().all(|given| given.number != begun.epoch.number));
        known.extend(more.map(|begun| begun.epoch.clone()));
        known
    }

    /// Whose signature a note of a log of `size` entries bears.
    pub(super) fn who_signed(&self, note: &SignedNote, size: u64) -> SignedBy {
        let known = self.known();
        let right = epoch_at(&known, size);
        if let Some(right) = right.filter(|epoch| note.signed_by(&epoch.key).is_ok()) {
            return SignedBy::Right(right.number);
        }
        let other = known.iter().find(|epoch| Some(*epoch) != right && note.signed_by(&epoch.key).is_ok());
        other.map_or(SignedBy::Nobody, |epoch| SignedBy::Other(epoch.number))
    }

    /// Whether the key of an epoch was reported to be in other hands, and up to which size its word still counts.
    pub(super) fn compromised(&self, number: u32) -> Option<u64> {
        let next = self.begun.iter().find(|begun| begun.epoch.number == number.saturating_add(1))?;
        next.compromised_after
    }

    /// An entry that says it gives the log a new key.
    pub(super) fn rotate(&mut self, seq: u64, bytes: &[u8]) -> Option<Finding> {
        let last = self.begun.last().map(|begun| &begun.epoch).or(self.given.first())?;
        let header = Header::parse(bytes).ok()?;
        let read = Rotation::read(&header).and_then(|rotation| Ok((rotation.after(last, seq)?, rotation)));
        let finding = |kind, detail| Some(Finding { kind, seq: Some(seq), detail });
        let (epoch, rotation) = match read {
            Ok(read) => read,
            Err(error) => {
                let kind = match error {
                    RotationError::Gap { .. } => FindingKind::MissingEpoch,
                    _ => FindingKind::WrongEpoch,
                };
                return finding(kind, format!("entry {seq} gives the log no new key: {error}"));
            }
        };
        let differs = self.given.iter().any(|given| given.number == epoch.number && *given != epoch);
        let number = epoch.number;
        self.begun.push(Begun { epoch, time: header.time, compromised_after: rotation.compromised_after() });
        (self.clock_reset, self.before) = (false, false);
        if differs {
            return finding(
                FindingKind::WrongEpoch,
                format!("the key files know another key {number}, or another beginning of it, than entry {seq} tells"),
            );
        }
        None
    }

    pub(super) fn clock_was_reset(&mut self) {
        self.clock_reset = true;
    }

    /// An entry's time, against the beginning of the key that signs it. `Err` is for what a person accepted. Of entries
    /// one after the other, the first is told.
    pub(super) fn check_time(&mut self, seq: u64, time: i64) -> Option<Result<Finding, String>> {
        let begun = self.begun.last()?;
        let before = time < begun.time;
        if !before || std::mem::replace(&mut self.before, before) {
            self.before = before;
            return None;
        }
        let detail = format!(
            "entry {seq} is of {}, before {}, when the key that signs it came to be (key {})",
            moment::text(time),
            moment::text(begun.time),
            begun.epoch.number
        );
        if self.clock_reset {
            return Some(Err(format!("{detail}: somebody had accepted a clock that was behind")));
        }
        Some(Ok(Finding { kind: FindingKind::BeforeEpoch, seq: Some(seq), detail }))
    }

    /// What was given and no entry tells of, in a log of `found` entries.
    pub(super) fn untold(&self, found: u64) -> Vec<Finding> {
        let told = |given: &&Epoch| self.begun.iter().any(|begun| begun.epoch.number == given.number);
        let untold = self.given.iter().skip(1).filter(|given| !told(given));
        let finding = |given: &Epoch| {
            let Epoch { number, from_size, .. } = given;
            if *from_size > found {
                let detail = format!(
                    "the key files know that key {number} signs from {from_size} entries on, the log has {found}: its \
                     end was cut off or an older copy was put back"
                );
                Finding { kind: FindingKind::RolledBack, seq: Some(found), detail }
            } else {
                let seq = from_size.checked_sub(1);
                let detail =
                    format!("the key files know key {number} from {from_size} entries on; no entry tells of it");
                Finding { kind: FindingKind::MissingEpoch, seq, detail }
            }
        };
        untold.map(finding).collect()
    }

    /// Epochs that entries tell of and that were not given.
    pub(super) fn not_given(&self) -> impl Iterator<Item = &Epoch> {
        let given = |number: u32| self.given.iter().any(|given| given.number == number);
        self.begun.iter().map(|begun| &begun.epoch).filter(move |epoch| !given(epoch.number))
    }

    pub(super) fn report(&self) -> Vec<EpochReport> {
        let first = self.given.first().map(|first| EpochReport {
            number: first.number,
            from_size: first.from_size,
            vkey: first.key.to_string(),
            seq: None,
            compromised_after: self.compromised(first.number),
        });
        let later = self.begun.iter().map(|begun| EpochReport {
            number: begun.epoch.number,
            from_size: begun.epoch.from_size,
            vkey: begun.epoch.key.to_string(),
            seq: begun.epoch.from_size.checked_sub(1),
            compromised_after: self.compromised(begun.epoch.number),
        });
        first.into_iter().chain(later).collect()
    }

    /// Entries that a stolen key could have signed in place of others before the next one signed for them.
    pub(super) fn doubtful(&self) -> Vec<Doubtful> {
        let doubtful = self.begun.iter().filter_map(|begun| {
            let from_seq = begun.compromised_after?;
            let to_seq = begun.epoch.from_size.checked_sub(2).filter(|to| *to >= from_seq)?;
            let why = format!(
                "key {} was reported to be in other hands, and nothing known outside before that covers these entries",
                begun.epoch.number - 1
            );
            Some(Doubtful { from_seq, to_seq, since: None, why })
        });
        doubtful.collect()
    }
}
