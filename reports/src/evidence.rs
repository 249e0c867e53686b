//! What an evidence bundle holds, for somebody who reads paper.

use provenote_schemas::{Kind, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::board::meaning;
use crate::press::Copy;
use crate::{Practice, ReportError};

/// The facts of an evidence bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceReport {
    /// Who hands it out.
    pub practice: Practice,
    /// When it was made.
    pub made: Time,
    /// What the bundle is of, in words that name no person.
    pub scope: String,
    /// The ledger's origin.
    pub origin: String,
    /// The key that signs it now (C2SP vkey).
    pub vkey: String,
    /// The entries, in order.
    pub entries: Vec<EvidenceEntry>,
    /// What is held back, with the reason.
    pub withheld: Vec<EvidenceWithheld>,
    /// Entries of the scope that are not in it, with the reason.
    pub left_out: Vec<(u64, String)>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceEntry {
    /// Its number.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// What.
    pub kind: Kind,
    /// Who.
    pub user: UserId,
    /// The texts of it that are shown.
    pub shown: Vec<String>,
}

/// Something held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceWithheld {
    /// Its entry.
    pub seq: u64,
    /// Its name there.
    pub name: String,
    /// Why, as a sentence.
    pub why: String,
    /// The rule, where there is one.
    pub citation: Option<String>,
    /// How the rule was checked.
    pub verification: Option<String>,
}

/// The bundle's paper, with the facts attached as `record.json`.
///
/// # Errors
/// [`ReportError::NoGlyph`] for a character no font has.
pub fn evidence_report(report: &EvidenceReport) -> Result<Vec<u8>, ReportError> {
    let data = json!({
        "practice": report.practice,
        "made": report.made,
        "scope": report.scope,
        "origin": report.origin,
        "vkey": report.vkey,
        "entries": report.entries.iter().map(|entry| json!({
            "seq": entry.seq, "time": entry.time, "kind": entry.kind, "meaning": meaning(entry.kind), "user": entry.user,
            "shown": entry.shown,
        })).collect::<Vec<_>>(),
        "withheld": report.withheld,
        "left_out": report.left_out,
    });
    let record = provenote_schemas::canonical(report)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ReportError::Typesetting("the facts have no JSON form".to_owned()))?;
    Copy::new("evidence", include_str!("../typ/evidence.typ"), report.made, data)?.record(&record)?.print()
}
