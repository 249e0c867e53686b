//! The report for a licensing board on one company, or on the practice's own pipeline: what an audit found, and the
//! whole list it went through.

use provenote_schemas::Time;
use provenote_schemas::disclosure::VendorFact;
use provenote_vendors::audit::Audit;
use provenote_vendors::baa::Review;
use serde::Serialize;
use serde_json::json;

use crate::agreement::{self, AgreementFile};
use crate::answers::{checklist_data, findings_data, name, stack_data, stale, tally, unanswered};
use crate::emergencies::Emergencies;
use crate::labels::capitalised;
use crate::legal::LegalFacts;
use crate::note::counted;
use crate::outside;
use crate::press::Copy;
use crate::terms::TermsRow;
use crate::{Practice, ReportError};

/// Everything the checklist tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChecklistDocument {
    /// The letterhead.
    pub practice: Practice,
    /// When it was made.
    pub made: Time,
    /// Emergency access that is not settled.
    #[serde(skip_serializing_if = "Emergencies::settled")]
    pub emergencies: Emergencies,
    /// What the practice has recorded of the company; none for its own pipeline.
    pub vendor: Option<VendorFact>,
    /// The audit.
    pub audit: Audit,
    /// The audit's entry.
    pub audit_seq: Option<u64>,
    /// Why the audit no longer holds, where it does not.
    pub audit_stale: Option<String>,
    /// The agreement that was reviewed.
    pub agreement: Option<AgreementFile>,
    /// Its review.
    pub review: Option<Review>,
    /// The company's terms that are watched.
    pub terms: Vec<TermsRow>,
    /// Legal statements, usually [`crate::vendors_legal_facts`].
    pub legal: LegalFacts,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
}

/// The checklist as PDF, with the facts attached as `record.json` (RFC 8785 bytes of [`ChecklistDocument`]).
///
/// # Errors
/// [`ReportError::CheckpointTooLong`]. A character no font has is printed as its number.
pub fn checklist(document: &ChecklistDocument) -> Result<Vec<u8>, ReportError> {
    let audit = &document.audit;
    let data = json!({
        "practice": document.practice,
        "made": document.made,
        "alarms": document.emergencies.lines(document.made),
        "vendor": name(audit),
        "local": audit.local,
        "verdict": audit.verdict,
        "tally": tally(&audit.findings),
        "clear": audit.findings.is_empty(),
        "attention": attention(document),
        "findings": findings_data(audit, document.review.as_ref()),
        "stack": stack_data(&audit.stack),
        "layers": checklist_data(audit),
        "agreement": document.agreement.as_ref().map(|file| json!({
            "file_name": file.file_name, "sha256": file.sha256, "signed": file.signed, "by": file.by,
            "reviewed": file.reviewed.date(), "seq": file.seq,
        })),
        "review": document.review.as_ref().map(agreement::data),
        "terms": document.terms.iter().map(TermsRow::data).collect::<Vec<_>>(),
        "about": document.vendor.as_ref().map(about).unwrap_or_default(),
        "dates": dates(document),
        "not_checked": not_checked(document),
        "legal": document.legal.statements,
        "legal_checked": document.legal.checked_on,
        "checkpoint": document.checkpoint,
    });
    let record = record(document)?;
    outside::print(data, |data| {
        Copy::new("checklist", include_str!("../typ/checklist.typ"), document.made, data)?
            .record(&record)?
            .checkpoint(document.checkpoint.as_deref())
    })
}

/// The facts in their one encoding.
pub(crate) fn record(facts: &impl Serialize) -> Result<String, ReportError> {
    provenote_schemas::canonical(facts)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ReportError::Typesetting("the facts have no JSON form".to_owned()))
}

/// What a reader must not miss.
fn attention(document: &ChecklistDocument) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(why) = &document.audit_stale {
        out.push(format!("This audit is out of date: {why}. It has to be made again before anybody relies on it."));
    }
    for row in &document.terms {
        if let Some(worsened) = &row.worsened {
            out.push(format!(
                "{} changed for the worse on {} and nobody has settled it: {}.",
                row.terms_type,
                worsened.on,
                worsened.what.join("; ")
            ));
        }
    }
    let blind = document.terms.iter().filter(|row| row.last_outcome.is_some_and(crate::TermsOutcome::is_blind)).count();
    if blind > 0 {
        out.push(format!(
            "{} not be read when last looked at. That is not the same as unchanged.",
            counted(blind, "document of its terms could", "documents of its terms could")
        ));
    }
    let (open, old) = (unanswered(&document.audit), stale(&document.audit));
    if open > 0 {
        out.push(format!("{} no answer that says anything.", counted(open, "question has", "questions have")));
    }
    if old > 0 {
        out.push(format!("{} out of date.", counted(old, "answer is", "answers are")));
    }
    out
}

/// What the practice has recorded of the company, and tells its clients.
fn about(fact: &VendorFact) -> Vec<(&'static str, String)> {
    let not_said = || "Not said".to_owned();
    vec![
        ("Does", fact.does.clone()),
        ("Its computers", fact.place.clone().unwrap_or_else(not_said)),
        (
            "Keeps the data",
            fact.keeps_days
                .map_or_else(not_said, |days| counted(usize::try_from(days).unwrap_or(usize::MAX), "day", "days")),
        ),
        (
            "Trains models",
            match fact.trains {
                Some(true) => "Yes".to_owned(),
                Some(false) => "No".to_owned(),
                None => not_said(),
            },
        ),
        (
            "Passes it on to",
            if fact.passes_on_to.is_empty() { "Nobody was named".to_owned() } else { fact.passes_on_to.join(", ") },
        ),
    ]
}

/// Of what day everything in the report is.
fn dates(document: &ChecklistDocument) -> Vec<(String, String)> {
    let audit = &document.audit;
    let entry = |seq: Option<u64>| seq.map(|seq| format!(", entry {seq}")).unwrap_or_default();
    let mut out = vec![(
        "Audit".to_owned(),
        format!("{}{}, questions of {}", audit.made.date(), entry(document.audit_seq), audit.questionnaire),
    )];
    let mut given: Vec<Time> = audit.answers.iter().filter_map(|(_, answer)| Some(answer.as_ref()?.at)).collect();
    given.sort_unstable();
    out.push((
        "Answers".to_owned(),
        match (given.first(), given.last()) {
            (Some(first), Some(last)) if first.date() == last.date() => format!("All of {}", first.date()),
            (Some(first), Some(last)) => format!("{} to {}", first.date(), last.date()),
            _ => "None".to_owned(),
        },
    ));
    if !audit.local {
        out.push((
            "Agreement".to_owned(),
            match &document.agreement {
                Some(file) => format!(
                    "{}, reviewed {}, entry {}",
                    file.signed
                        .as_ref()
                        .map_or_else(|| "No date of signing was given".to_owned(), |day| format!("Signed {day}")),
                    file.reviewed.date(),
                    file.seq
                ),
                None => "None was reviewed".to_owned(),
            },
        ));
        for row in &document.terms {
            out.push((capitalised(&row.terms_type), format!("Last looked at {}", row.standing())));
        }
        if document.terms.is_empty() {
            out.push(("Terms".to_owned(), "None are watched".to_owned()));
        }
    }
    out.push(("Statements of law".to_owned(), format!("Checked {}", document.legal.checked_on)));
    out
}

/// What nobody looked at: the audit's own list, and what this report was not given.
fn not_checked(document: &ChecklistDocument) -> Vec<String> {
    let mut out = document.audit.not_checked.clone();
    if !document.audit.local {
        if document.review.is_none() {
            out.push("The agreement: none was handed over to be reviewed.".to_owned());
        }
        if document.terms.is_empty() {
            out.push("The company’s terms and privacy policy: none of them is watched.".to_owned());
        }
        for row in &document.terms {
            match (row.last_checked, row.last_outcome) {
                (Some(at), Some(outcome)) if outcome.is_blind() => out.push(format!(
                    "{} as it stood on {}: {}.",
                    row.terms_type,
                    at.date(),
                    if outcome == crate::TermsOutcome::Blocked { "the fetch was blocked" } else { "the fetch failed" }
                )),
                (None, _) => out.push(format!("{}: it is watched and was never looked at.", row.terms_type)),
                _ => {}
            }
        }
    }
    out
}
