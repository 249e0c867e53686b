//! Checkpoints known outside the database: the one beside the keys, and those that others hold or cosigned.

use serde::Serialize;

use crate::hash::Hash;
use crate::moment;
use crate::note::{Checkpoint, NoteError, SignedNote};
use crate::policy::{Policy, PolicyError};

use super::epochs::{Epochs, SignedBy};
use super::{Finding, FindingKind, GivenAnchor};

/// What the checkpoint beside the keys is called.
const LOCAL: &str = "the checkpoint beside the keys";

/// How an anchor compares with the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The log continues it.
    Agrees,
    /// It shows a longer log.
    Ahead,
    /// It shows another log of the same name.
    Differs,
    /// It is of no use: another log's, or not signed by the key that signed then.
    Refused,
    /// The log is too damaged to tell.
    Untold,
}

/// A witness's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// Who.
    pub witness: String,
    /// When, as the witness says.
    pub time: String,
}

/// What came of an anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnchorReport {
    /// Which.
    pub label: String,
    /// True for the one beside the keys, on the machine that is verified.
    pub local: bool,
    /// Entries it covers; none where it cannot be read.
    pub size: Option<u64>,
    /// How it compares with the log.
    pub comparison: Comparison,
    /// The witnesses of the policy that cosigned it.
    pub cosigned: Vec<Cosigned>,
    /// Whether they are as many as the policy asks for; none without a policy.
    pub enough: Option<bool>,
}

struct Expected {
    report: usize,
    size: u64,
    root: Hash,
    note: SignedNote,
}

/// An anchor that the log continues.
pub(super) struct Agreed {
    pub(super) label: String,
    pub(super) local: bool,
}

pub(super) struct Outside {
    /// Not compared yet, descending by size.
    expected: Vec<Expected>,
    /// Those that show another log: report, size, and the number of the key that signed.
    differing: Vec<(usize, u64, u32)>,
    reports: Vec<AnchorReport>,
    /// What is worth knowing and not wrong.
    pub(super) notes: Vec<String>,
}

impl Outside {
    pub(super) fn gather(
        local: Option<&String>,
        given: &[GivenAnchor],
        policy: Option<&Policy>,
        origin: Option<&str>,
    ) -> (Self, Vec<Finding>) {
        let mut this = Self { expected: Vec::new(), differing: Vec::new(), reports: Vec::new(), notes: Vec::new() };
        let mut findings = Vec::new();
        let local = local.map(|note| (LOCAL, note, true));
        for (label, note, local) in local.into_iter().chain(given.iter().map(|a| (a.label.as_str(), &a.note, false))) {
            let report = this.reports.len();
            let label = label.to_owned();
            let read = SignedNote::parse(note).and_then(|note| Ok((Checkpoint::parse(note.text())?, note)));
            this.reports.push(AnchorReport {
                label: label.clone(),
                local,
                size: read.as_ref().ok().map(|(checkpoint, _)| checkpoint.size),
                comparison: Comparison::Refused,
                cosigned: Vec::new(),
                enough: None,
            });
            let why = match read {
                Ok((checkpoint, _)) if origin.is_none_or(|origin| origin != checkpoint.origin) => NoteError::OtherLog,
                Ok((Checkpoint { size, root, .. }, note)) => {
                    if let Some(policy) = policy
                        && let Err(error) = this.cosigned(report, &note, policy)
                    {
                        findings.push(refused(format!("{label} is of no use: {error}")));
                        continue;
                    }
                    this.reports[report].comparison = Comparison::Untold;
                    this.expected.push(Expected { report, size, root, note });
                    continue;
                }
                Err(error) => error,
            };
            let detail = format!("{label} is of no use: {why}");
            // The local one is not written durably, so power loss may tear it; but it does not make it another log's.
            if local && why != NoteError::OtherLog {
                this.notes.push(detail);
            } else {
                findings.push(refused(detail));
            }
        }
        this.expected.sort_by_key(|expected| std::cmp::Reverse(expected.size));
        (this, findings)
    }

    /// Which witnesses cosigned an anchor. Too few is no error.
    fn cosigned(&mut self, report: usize, note: &SignedNote, policy: &Policy) -> Result<(), PolicyError> {
        let witnesses = policy.witnesses();
        let who = policy.cosigners(note)?;
        let name = |at: usize| witnesses.get(at).map_or_else(String::new, |witness| witness.name.clone());
        let cosigned = who.into_iter().map(|(at, seconds)| {
            let millis = i64::try_from(seconds).ok().and_then(|seconds| seconds.checked_mul(1_000)).unwrap_or(i64::MAX);
            Cosigned { witness: name(at), time: moment::text(millis) }
        });
        let report = &mut self.reports[report];
        report.cosigned = cosigned.collect();
        report.enough = Some(policy.agreed(note).is_ok());
        Ok(())
    }

    /// Whether an anchor is to be compared with a log of so many entries.
    pub(super) fn is_due(&self, size: u64) -> bool {
        self.expected.last().is_some_and(|expected| expected.size <= size)
    }

    /// Compares the anchors of a size with the root the entries give; without one nothing can be told.
    pub(super) fn compare(&mut self, size: u64, root: Option<Hash>, epochs: &Epochs) -> (Vec<Agreed>, Vec<Finding>) {
        let (mut agreed, mut findings) = (Vec::new(), Vec::new());
        while self.is_due(size)
            && let Some(expected) = self.expected.pop()
        {
            let Some(root) = root.filter(|_| expected.size == size) else { continue };
            let Some(signer) = self.signer(&expected, epochs, &mut findings) else { continue };
            let report = &mut self.reports[expected.report];
            if expected.root == root {
                report.comparison = Comparison::Agrees;
                agreed.push(Agreed { label: report.label.clone(), local: report.local });
                continue;
            }
            report.comparison = Comparison::Differs;
            self.differing.push((expected.report, size, signer));
        }
        (agreed, findings)
    }

    /// Told when all entries, and with them all that is known of the keys, were read: the anchors that show another log,
    /// and those that show more entries than were found.
    pub(super) fn settle(&mut self, found: u64, epochs: &Epochs) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (report, size, signer) in std::mem::take(&mut self.differing) {
            let report = &self.reports[report];
            let mut detail = format!("{} shows another root for the first {size} entries", report.label);
            if let Some(cosigners) = cosigners(report) {
                detail.push_str(&format!(", and {cosigners} cosigned it: this log was rewritten"));
            } else if epochs.compromised(signer).is_some() {
                detail.push_str(&format!(
                    ": this log was rewritten, or whoever has the stolen key {signer} made that checkpoint; no witness \
                     cosigned it, so it depends on when it was handed out"
                ));
            } else {
                detail.push_str(": this log was rewritten");
            }
            findings.push(Finding { kind: FindingKind::Rewritten, seq: size.checked_sub(1), detail });
        }
        while let Some(expected) = self.expected.pop() {
            if self.signer(&expected, epochs, &mut findings).is_none() {
                continue;
            }
            let report = &mut self.reports[expected.report];
            report.comparison = Comparison::Ahead;
            let cosigners = cosigners(report).map_or_else(String::new, |who| format!(" (cosigned by {who})"));
            let detail = format!(
                "{}{cosigners} shows {} entries, the log has {found}: its end was cut off or an older copy was put back",
                report.label, expected.size
            );
            findings.push(Finding { kind: FindingKind::RolledBack, seq: Some(found), detail });
        }
        findings
    }

    /// Whose key signed an anchor, when it is the one that signed then.
    fn signer(&mut self, expected: &Expected, epochs: &Epochs, findings: &mut Vec<Finding>) -> Option<u32> {
        let report = &mut self.reports[expected.report];
        let label = &report.label;
        let finding = match epochs.who_signed(&expected.note, expected.size) {
            SignedBy::Right(number) => return Some(number),
            SignedBy::Other(number) => {
                let detail = format!(
                    "{label} shows {} entries and is signed by key {number}, which does not sign at that size",
                    expected.size
                );
                Finding { kind: FindingKind::WrongEpoch, seq: None, detail }
            }
            SignedBy::Nobody if report.local => {
                self.notes.push(format!("{label} is of no use: it is not signed by this log's key"));
                report.comparison = Comparison::Refused;
                return None;
            }
            SignedBy::Nobody => refused(format!("{label} is of no use: it is not signed by this log's key")),
        };
        report.comparison = Comparison::Refused;
        findings.push(finding);
        None
    }

    pub(super) fn reports(self) -> Vec<AnchorReport> {
        self.reports
    }
}

fn refused(detail: String) -> Finding {
    Finding { kind: FindingKind::AnchorRefused, seq: None, detail }
}

fn cosigners(report: &AnchorReport) -> Option<String> {
    let names: Vec<&str> = report.cosigned.iter().map(|cosigned| cosigned.witness.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
