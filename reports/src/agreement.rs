//! A reviewed agreement on paper: what it promises, what it lacks, what to worry about, and words to propose.

use provenote_schemas::{Digest, Time};
use provenote_vendors::baa::{BreachNotice, Contradiction, Present, Provision, Quote, RedFlag, Review, Stance, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answers::tick;
use crate::labels::capitalised;
use crate::note::counted;
use crate::outside::{mark, quoted};
use provenote_vendors::audit::Says;

/// The file that was reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementFile {
    /// Its name.
    pub file_name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// When it was signed, `2026-10-01`, where somebody said so.
    pub signed: Option<String>,
    /// Who signed it or gave it, where somebody said so.
    pub by: Option<String>,
    /// When it was reviewed.
    pub reviewed: Time,
    /// The review's entry.
    pub seq: u64,
}

/// An answer of the reader as a box.
fn present(present: Present) -> String {
    tick(match present {
        Present::Yes => Says::Yes,
        Present::No => Says::No,
        Present::Unclear => Says::Partly,
    })
    .replace("Partly", "Unclear")
}

/// A quote with its place; nothing where nothing is quoted.
fn quote(quote: &Quote) -> Value {
    if quote.quote.trim().is_empty() {
        return Value::Null;
    }
    json!({ "quote": quoted(&quote.quote), "at": format!("characters {} to {}", quote.start, quote.end) })
}

fn provision(provision: &Provision) -> Value {
    json!({
        "id": provision.id,
        "title": provision.title,
        "citation": provision.citation,
        "mark": mark(&provision.mark),
        "present": present(provision.present),
        "there": provision.present == Present::Yes,
        "quote": quote(&provision.quote),
        "severity": capitalised(&provision.severity),
        "propose": if provision.present == Present::Yes { "" } else { provision.replacement.as_str() },
    })
}

fn flag(flag: &RedFlag) -> Value {
    json!({
        "id": flag.id,
        "title": flag.title,
        "severity": capitalised(&flag.severity),
        "severe": flag.severity.starts_with("critical") || flag.severity.starts_with("high"),
        "absent": flag.basis == "absence",
        "quote": quote(&flag.quote),
        "why": flag.why,
        "advice": flag.advice,
        "propose": flag.replacement,
        "citation": flag.citation,
        "mark": mark(&flag.mark),
    })
}

/// A fact's name in words, where its words alone do not say it.
fn fact_words(id: &str) -> String {
    match id {
        "deidentification_permitted" => "May remove names and so be free of the rules".to_owned(),
        "training_or_improvement_permitted" => "May use the data to train models or improve products".to_owned(),
        "training_prohibited" => "Forbids training".to_owned(),
        "subcontractor_flow_down" => "Binds subcontractors to the same terms".to_owned(),
        "liable_for_subcontractors" => "Answers for its subcontractors".to_owned(),
        "return_or_destroy" => "Returns or destroys the data at the end".to_owned(),
        "liability_cap" => "Limits what it pays".to_owned(),
        "sale_or_sharing" => "May sell or share the data".to_owned(),
        "offshore" => "May keep or work on the data outside the United States".to_owned(),
        "unilateral_change" => "May change the agreement alone".to_owned(),
        "audit_right" => "The practice may audit".to_owned(),
        "named_subprocessors" => "Names its subcontractors".to_owned(),
        "ai_content_retention" => "Says how long generated content is kept".to_owned(),
        other => capitalised(&other.replace('_', " ")),
    }
}

fn stance(stance: Stance) -> &'static str {
    match stance {
        Stance::Permitted => "Says so",
        Stance::Forbidden => "Says the contrary",
        Stance::Silent => "Silent",
        Stance::Unclear => "Unclear",
    }
}

fn contradiction(contradiction: &Contradiction) -> Value {
    json!({ "says": contradiction.says, "one": quote(&contradiction.one), "other": quote(&contradiction.other) })
}

/// A length of time in words; `calendar` tells plain days apart from business days.
fn length(value: u32, unit: Unit, calendar: bool) -> String {
    let number = usize::try_from(value).unwrap_or(usize::MAX);
    match unit {
        Unit::Hours => counted(number, "hour", "hours"),
        Unit::Days if calendar => counted(number, "calendar day", "calendar days"),
        Unit::Days => counted(number, "day", "days"),
        Unit::BusinessDays => counted(number, "business day", "business days"),
        Unit::Months => counted(number, "month", "months"),
        Unit::Years => counted(number, "year", "years"),
    }
}

/// The window for notices of a breach as a sentence.
fn window(notice: &BreachNotice) -> String {
    let length = length(notice.value, notice.unit, true);
    let from = match notice.of {
        "unspecified" => "the agreement does not say from when".to_owned(),
        from => format!("counted from {}", from.replace('_', " ")),
    };
    format!("{length}, {from}")
}

/// What the template prints of a review.
pub(crate) fn data(review: &Review) -> Value {
    let undetermined = review.breach_notice_undetermined.as_ref();
    let count = |wanted: Present| review.provisions.iter().filter(|one| one.present == wanted).count();
    json!({
        "verdict": review.verdict.join(" "),
        "is_baa": review.kind.is_baa,
        "why": review.kind.why,
        "tally": format!(
            "Of {}, {} stand in it, {} do not, {} not clear.",
            counted(review.provisions.len(), "provision", "provisions"),
            count(Present::Yes), count(Present::No),
            match count(Present::Unclear) { 1 => "1 is".to_owned(), several => format!("{several} are") },
        ),
        "breach": match &review.breach_notice {
            Some(notice) => json!({
                "words": window(notice),
                "settled": true,
                "quote": quote(&notice.quote),
                "resolved": notice.resolved_by.as_ref().map(quote),
            }),
            None => json!({
                "words": format!(
                    "Undetermined{}",
                    undetermined.map(|undetermined| format!(": {}", undetermined.why)).unwrap_or_default()
                ),
                "settled": false,
                "quote": undetermined.map(|undetermined| quote(&undetermined.quote)),
                "resolved": null,
            }),
        },
        "flags": review.red_flags.iter().map(flag).collect::<Vec<_>>(),
        "contradictions": review.contradictions.iter().map(contradiction).collect::<Vec<_>>(),
        "facts": review.facts.iter().map(|(id, fact)| json!({
            "words": fact_words(id), "stance": stance(fact.stance), "quote": quote(&fact.quote),
            "also": fact.also.len(),
            "time": fact.time.as_ref().map(|time| length(time.value, time.unit, false)),
        })).collect::<Vec<_>>(),
        "provisions": review.provisions.iter().map(provision).collect::<Vec<_>>(),
        "second": review.second_reader.as_ref().map(|second| json!({
            "model": second.model,
            "points": second.points.iter().map(|point| json!({
                "id": point.id, "was": present(point.was), "now": present(point.now), "moved": point.was != point.now,
                "because": quoted(&point.because), "quote": point.quote.as_ref().map(quote), "seq": point.seq,
            })).collect::<Vec<_>>(),
        })),
    })
}
