//! The three layers a practice can point to, for its own pipeline and for each company that gets sound or words.

use provenote_schemas::Time;
use provenote_vendors::audit::{Audit, RowState, StackLayer};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answers::{layer_words, name, stack_data, state_words, tally, unanswered};
use crate::checklist::record;
use crate::emergencies::Emergencies;
use crate::legal::LegalFacts;
use crate::note::counted;
use crate::outside;
use crate::press::Copy;
use crate::{Practice, ReportError};

/// Everything the stack table tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackDocument {
    /// The letterhead.
    pub practice: Practice,
    /// When it was made.
    pub made: Time,
    /// Emergency access that is not settled.
    #[serde(default, skip_serializing_if = "Emergencies::settled")]
    pub emergencies: Emergencies,
    /// The audits: the practice's own pipeline first, then each company.
    pub audits: Vec<Audit>,
    /// Legal statements, usually [`crate::vendors_legal_facts`].
    pub legal: LegalFacts,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
}

const LAYERS: [StackLayer; 3] = [StackLayer::Agreement, StackLayer::AccessControls, StackLayer::AuditLogs];

/// The stack table as PDF, with the facts attached as `record.json` (RFC 8785 bytes of [`StackDocument`]).
///
/// # Errors
/// [`ReportError::CheckpointTooLong`]. A character no font has is printed as its number.
pub fn stack(document: &StackDocument) -> Result<Vec<u8>, ReportError> {
    let companies = document.audits.iter().filter(|audit| !audit.local).count();
    let lacking = document
        .audits
        .iter()
        .filter(|audit| audit.stack.rows.iter().any(|row| !matches!(row.state, RowState::There | RowState::NotNeeded)))
        .count();
    let data = json!({
        "practice": document.practice,
        "made": document.made,
        "alarms": document.emergencies.lines(document.made),
        "headline": match (document.audits.len(), lacking) {
            (0, _) => "Nothing was audited.".to_owned(),
            (all, 0) => format!("No layer is missing in any of {}.", counted(all, "audit", "audits")),
            (all, lacking) => format!("A layer is missing, in part or as far as is known, in {lacking} of {}.", counted(all, "audit", "audits")),
        },
        "whole": lacking == 0 && !document.audits.is_empty(),
        "companies": companies,
        "layers": LAYERS.map(layer_words),
        "audits": document.audits.iter().map(|audit| json!({
            "vendor": name(audit),
            "local": audit.local,
            "made": audit.made.date(),
            "questionnaire": audit.questionnaire,
            "states": LAYERS.map(|layer| {
                let row = audit.stack.rows.iter().find(|row| row.layer == layer);
                row.map_or_else(|| "–".to_owned(), |row| state_words(row.state))
            }),
            "tally": tally(&audit.findings),
            "unanswered": match unanswered(audit) {
                0 => String::new(),
                open => counted(open, "question without an answer", "questions without an answer"),
            },
            "verdict": audit.verdict,
            "stack": stack_data(&audit.stack),
            "not_checked": audit.not_checked,
        })).collect::<Vec<_>>(),
        "legal": document.legal.statements,
        "legal_checked": document.legal.checked_on,
        "checkpoint": document.checkpoint,
    });
    let record = record(document)?;
    outside::print(data, |data| {
        Copy::new("stack", include_str!("../typ/stack.typ"), document.made, data)?
            .record(&record)?
            .checkpoint(document.checkpoint.as_deref())
    })
}
