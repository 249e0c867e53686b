//! What was found of a document at each look.

use provenote_ledger::Fact;
use provenote_schemas::{Digest, Kind, TermsId, Time};
use provenote_vendors::terms::TermsDiff;

use super::checking::{CheckRecord, TermsOutcome};
use super::outcome_of;
use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

/// One look at a document.
#[derive(Debug, Clone, PartialEq)]
pub struct TermsPast {
    /// When.
    pub at: Time,
    /// The entry.
    pub seq: u64,
    /// What came of it.
    pub outcome: TermsOutcome,
    /// Why nothing could be compared, or why the outcome is not believed yet.
    pub why: Option<String>,
    /// SHA-256 of the text.
    pub sha256: Option<Digest>,
    /// The change from the version before.
    pub diff: Option<TermsDiff>,
    /// After how long the words came back, in milliseconds.
    pub came_back_after_ms: Option<i64>,
}

impl Practice {
    /// Every look at a document, in order of time. No entry: part of other acts.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn terms_past(&self, actor: &Actor, source: &TermsId) -> Result<Vec<TermsPast>, PracticeError> {
        actor.may_see_companies()?;
        let mut past = Vec::new();
        for header in self.headers(Kind::TermsChecked, &[("source", source.as_str())])? {
            // An outcome of a later version of this program says nothing here.
            let Some(outcome) = outcome_of(&header) else { continue };
            let record: CheckRecord = self.open_record(actor, &header, "check", "check of terms")?;
            past.push(TermsPast {
                at: Time::from_millis(header.time),
                seq: header.seq,
                outcome,
                why: record.why,
                sha256: header.facts.get("sha256").and_then(fact_text).and_then(|digest| digest.parse().ok()),
                diff: record.diff,
                came_back_after_ms: match header.facts.get("came_back_after_ms") {
                    Some(Fact::Number(after)) => Some(*after),
                    _ => None,
                },
            });
        }
        Ok(past)
    }
}
