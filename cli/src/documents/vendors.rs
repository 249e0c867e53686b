//! What is known of companies, from the use cases' records to printed documents.

use provenote_practice::setup::PracticeRecord;
use provenote_practice::vendors::agreements::AgreementKept;
use provenote_practice::vendors::audit::LastAudit;
use provenote_practice::vendors::terms::{ImportedChange, TermsPast, TermsStanding};
use provenote_reports as reports;
use provenote_schemas::Time;
use provenote_schemas::disclosure::VendorFact;
use provenote_vendors::audit::{Audit, Severity};

use super::letterhead;

/// All that the checklist of one company, or of the own pipeline, is made of.
pub(crate) struct Checklist<'a> {
    pub(crate) practice: &'a PracticeRecord,
    pub(crate) made: Time,
    pub(crate) vendor: Option<VendorFact>,
    pub(crate) audit: Audit,
    pub(crate) audit_seq: u64,
    pub(crate) agreement: Option<AgreementKept>,
    /// Each document that is watched, with every look at it.
    pub(crate) terms: Vec<(TermsStanding, Vec<TermsPast>)>,
    /// Histories that were taken over.
    pub(crate) imported: Vec<ImportedChange>,
    pub(crate) emergencies: reports::Emergencies,
    pub(crate) checkpoint: String,
}

/// The checklist.
pub(crate) fn checklist(from: Checklist<'_>) -> Result<Vec<u8>, String> {
    let legal = reports::vendors_legal_facts().map_err(|error| error.to_string())?;
    let mut terms: Vec<reports::TermsRow> =
        from.terms.into_iter().map(|(standing, past)| watched(standing, past)).collect();
    terms.extend(taken_over(from.imported));
    reports::checklist(&reports::ChecklistDocument {
        practice: letterhead(from.practice),
        made: from.made,
        emergencies: from.emergencies,
        vendor: from.vendor,
        audit: from.audit,
        audit_seq: Some(from.audit_seq),
        // It was made just now.
        audit_stale: None,
        review: from.agreement.as_ref().map(|kept| kept.review.clone()),
        agreement: from.agreement.map(|kept| reports::AgreementFile {
            file_name: kept.file_name,
            sha256: kept.sha256,
            signed: kept.signed,
            by: kept.by,
            reviewed: kept.at,
            seq: kept.seq,
        }),
        terms,
        legal,
        checkpoint: Some(from.checkpoint),
    })
    .map_err(|error| error.to_string())
}

fn watched(standing: TermsStanding, past: Vec<TermsPast>) -> reports::TermsRow {
    reports::TermsRow {
        source: standing.source.as_str().to_owned(),
        terms_type: standing.terms_type,
        address: printed_address(&standing.address),
        tracked_since: Some(standing.tracked_since),
        last_checked: standing.last_checked,
        last_outcome: standing.last_outcome.and_then(|outcome| reports::TermsOutcome::from_word(outcome.as_str())),
        versions: standing.versions as u64,
        worsened: standing.worsened,
        checks: past
            .into_iter()
            .filter_map(|look| {
                Some(reports::TermsCheck {
                    at: look.at,
                    seq: Some(look.seq),
                    outcome: reports::TermsOutcome::from_word(look.outcome.as_str())?,
                    why: look.why,
                    sha256: look.sha256,
                    diff: look.diff,
                    came_back_after_ms: look.came_back_after_ms,
                })
            })
            .collect(),
    }
}

/// Where a file lay on this machine is nobody's business; an address on the web is everybody's.
fn printed_address(address: &str) -> String {
    match address.strip_prefix('/').and_then(|path| path.rsplit('/').next()) {
        Some(name) => format!("the file {name} on this computer"),
        None => address.to_owned(),
    }
}

/// A row for each document of a history that was taken over.
fn taken_over(changes: Vec<ImportedChange>) -> Vec<reports::TermsRow> {
    let mut rows: Vec<reports::TermsRow> = Vec::new();
    for change in changes {
        let check = reports::TermsCheck {
            at: change.to,
            seq: None,
            outcome: reports::TermsOutcome::Imported,
            why: None,
            sha256: None,
            came_back_after_ms: change.flipped_back.map(|back| back.millis().saturating_sub(change.to.millis())),
            diff: Some(change.diff),
        };
        match rows.iter_mut().find(|row| row.source == change.path) {
            Some(row) => row.checks.push(check),
            None => rows.push(reports::TermsRow {
                source: change.path.clone(),
                terms_type: change.terms_type,
                address: format!("a history kept by others: {}", change.path),
                tracked_since: None,
                last_checked: None,
                last_outcome: None,
                versions: 0,
                worsened: None,
                checks: vec![check],
            }),
        }
    }
    for row in &mut rows {
        // Each change leads to a version, and the first is led from.
        row.versions = row.checks.len() as u64 + 1;
    }
    rows
}

/// The stack table.
pub(crate) fn stack(
    practice: &PracticeRecord,
    made: Time,
    audits: Vec<Audit>,
    emergencies: reports::Emergencies,
    checkpoint: String,
) -> Result<Vec<u8>, String> {
    let legal = reports::vendors_legal_facts().map_err(|error| error.to_string())?;
    reports::stack(&reports::StackDocument {
        practice: letterhead(practice),
        made,
        emergencies,
        audits,
        legal,
        checkpoint: Some(checkpoint),
    })
    .map_err(|error| error.to_string())
}

/// A company as a board report tells of it.
pub(crate) struct VendorKnown {
    pub(crate) fact: VendorFact,
    pub(crate) agreement: Option<AgreementKept>,
    pub(crate) last: LastAudit,
}

/// The rows of a board report's section on companies.
pub(super) fn rows(known: Vec<VendorKnown>) -> Vec<reports::VendorRow> {
    known.into_iter().map(row).collect()
}

fn row(known: VendorKnown) -> reports::VendorRow {
    let VendorKnown { fact, agreement, last } = known;
    let grave = last.audit.as_ref().map_or(0, |audit| {
        audit.findings.iter().filter(|finding| matches!(finding.severity, Severity::Critical | Severity::High)).count()
    });
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    reports::VendorRow {
        name: fact.name,
        does: fact.does,
        place: fact.place,
        agreement: agreement.map(|kept| (kept.at, kept.seq)),
        audited: last.at.zip(last.seq),
        stale: last.stale,
        findings: count(last.findings),
        grave: count(grave),
        verdict: last.at.map(|_| last.verdict),
        terms: last
            .terms
            .into_iter()
            .map(|terms| reports::VendorTerms {
                terms_type: terms.terms_type,
                last_checked: terms.last_checked,
                last_outcome: terms.last_outcome.and_then(|outcome| reports::TermsOutcome::from_word(outcome.as_str())),
                worsened: terms.worsened,
            })
            .collect(),
    }
}
