//! What an audit says, shaped for templates: answers with their signs, evidence, findings and the three layers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_vendors::audit::{
    Answer, Audit, Evidence, Finding, Origin, Question, RowState, Says, Severity, Stack, StackLayer,
};
use provenote_vendors::baa::{Present, Quote, Review};
use serde_json::{Value, json};

use crate::labels::capitalised;
use crate::note::counted;
use crate::outside::{mark, quoted};

/// The sign of an answer; the word always stands beside it.
pub(crate) const fn sign(says: Says) -> &'static str {
    match says {
        Says::Yes => "☑",
        Says::No => "☒",
        Says::Partly => "◪",
        Says::Unknown => "☐",
        Says::NotApplicable => "⊟",
    }
}

/// The sign of a layer's state, of the same meaning.
const fn state_sign(state: RowState) -> &'static str {
    match state {
        RowState::There => sign(Says::Yes),
        RowState::Partly => sign(Says::Partly),
        RowState::Missing => sign(Says::No),
        RowState::Unknown => sign(Says::Unknown),
        RowState::NotNeeded => sign(Says::NotApplicable),
    }
}

/// An answer as a box: its sign and its word.
pub(crate) fn tick(says: Says) -> String {
    let words = match says {
        Says::Yes => "Yes",
        Says::No => "No",
        Says::Partly => "Partly",
        Says::Unknown => "Not known",
        Says::NotApplicable => "Not applicable",
    };
    format!("{} {words}", sign(says))
}

/// Whom an audit is of, as a line begins with it: a company is called what it calls itself.
pub(crate) fn name(audit: &Audit) -> String {
    if audit.local { capitalised(&audit.vendor) } else { audit.vendor.clone() }
}

/// The findings in the order they are printed: the gravest first, otherwise as they came.
pub(crate) fn by_gravity(audit: &Audit) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = audit.findings.iter().collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// How many findings of each severity: `4 findings: 1 critical, 3 high`.
pub(crate) fn tally(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings".to_owned();
    }
    let each: Vec<String> = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .filter_map(|severity| {
            let number = findings.iter().filter(|finding| finding.severity == severity).count();
            (number > 0).then(|| format!("{number} {}", severity.as_str()))
        })
        .collect();
    format!("{}: {}", counted(findings.len(), "finding", "findings"), each.join(", "))
}

/// Questions without an answer that says anything.
pub(crate) fn unanswered(audit: &Audit) -> usize {
    audit.answers.iter().filter(|(_, answer)| answer.as_ref().is_none_or(|given| given.says == Says::Unknown)).count()
}

/// Answers that nobody should rely on any more.
pub(crate) fn stale(audit: &Audit) -> usize {
    audit.answers.iter().filter(|(_, answer)| answer.as_ref().is_some_and(|given| given.stale.is_some())).count()
}

/// What an answer rests on.
pub(crate) fn evidence(evidence: &Evidence) -> Value {
    let mut about: Vec<String> = Vec::new();
    about.extend(evidence.date.clone());
    about.extend(evidence.who.as_ref().map(|who| format!("by {who}")));
    about.extend(evidence.seq.map(|seq| format!("entry {seq}")));
    if let (Some(start), Some(end), Some(_)) = (evidence.start, evidence.end, &evidence.quote) {
        about.push(format!("characters {start} to {end}"));
    }
    json!({
        "what": capitalised(&evidence.what),
        "about": about.join(" · "),
        "sha256": evidence.sha256,
        "quote": evidence.quote.as_deref().map(quoted),
    })
}

/// Where an answer comes from, and of what day it is.
fn source(answer: &Answer) -> String {
    let from = match answer.origin {
        Origin::Person => "Given by the practice",
        Origin::Agreement => "Taken from the reviewed agreement",
        Origin::Terms => "Taken from the tracked terms",
        Origin::Ledger => "Taken from the practice’s ledger",
        Origin::Configuration => "Taken from what the practice has set or recorded",
    };
    format!("{from}, {}", answer.at.date())
}

/// What was found, where it says more than question and answer do.
fn found(finding: &Finding, question: Option<&Question>, answer: Option<&Answer>) -> Option<String> {
    let asks = question.map_or("", |question| question.asks.as_str());
    let rest = finding.says.strip_prefix(asks).unwrap_or(&finding.says).trim();
    let bare = |words: &str| words.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    let told = answer.map(|answer| bare(answer.says.title()) + &bare(&answer.text)).unwrap_or_default();
    (bare(rest) != told).then(|| quoted(rest))
}

fn answer_data(answer: Option<&Answer>) -> Value {
    match answer {
        Some(answer) => json!({
            "tick": tick(answer.says),
            "text": quoted(&answer.text),
            "source": source(answer),
            "stale": answer.stale,
        }),
        None => {
            json!({ "tick": format!("{} No answer", sign(Says::Unknown)), "text": "", "source": "", "stale": null })
        }
    }
}

/// The rows of the checklist under the headings of their layers.
pub(crate) fn checklist_data(audit: &Audit) -> Vec<Value> {
    let findings = by_gravity(audit);
    let number = |question: &Question| findings.iter().position(|finding| finding.question == question.id);
    let row = |(question, answer): &(Question, Option<Answer>)| {
        let given = answer.as_ref();
        let finding = number(question).map(|at| at + 1);
        json!({
            "id": question.id,
            "asks": question.asks,
            "why": question.why,
            "answer": answer_data(given),
            "finding": finding,
            "besides": audit.besides.iter().filter(|other| other.question == question.id)
                .map(|other| answer_data(Some(other))).collect::<Vec<_>>(),
            "good": given.is_some_and(|given| given.says == question.good && given.stale.is_none()),
            "apart": given.is_some_and(|given| given.says == Says::NotApplicable),
            // A finding quotes what it rests on; the row points to it.
            "evidence": given.filter(|_| finding.is_none())
                .map(|given| given.evidence.iter().map(evidence).collect::<Vec<_>>()).unwrap_or_default(),
        })
    };
    provenote_vendors::audit::Layer::ALL
        .iter()
        .filter_map(|layer| {
            let rows: Vec<Value> =
                audit.answers.iter().filter(|(question, _)| question.layer == *layer).map(row).collect();
            (!rows.is_empty()).then(|| json!({ "title": layer.title(), "rows": rows }))
        })
        .collect()
}

/// The findings with everything a reader needs to judge them; words to propose come from the review.
pub(crate) fn findings_data(audit: &Audit, review: Option<&Review>) -> Vec<Value> {
    let by_id: BTreeMap<&str, &(Question, Option<Answer>)> =
        audit.answers.iter().map(|both| (both.0.id.as_str(), both)).collect();
    let severe = |severity: Severity| matches!(severity, Severity::Critical | Severity::High);
    by_gravity(audit)
        .into_iter()
        .zip(1..)
        .map(|(finding, number)| {
            let (question, answer) = by_id
                .get(finding.question.as_str())
                .map_or((None, None), |(question, answer)| (Some(question), answer.as_ref()));
            let mut shown: Vec<&Evidence> = finding.quote.iter().collect();
            shown.extend(
                answer
                    .iter()
                    .flat_map(|answer| &answer.evidence)
                    .filter(|other| finding.quote.as_ref() != Some(*other)),
            );
            json!({
                "number": number,
                "severity": capitalised(finding.severity.as_str()),
                "severe": severe(finding.severity),
                "asks": question.map_or(finding.question.as_str(), |question| question.asks.as_str()),
                "found": found(finding, question, answer),
                "answer": answer_data(answer),
                "why": question.map(|question| question.why.as_str()),
                "evidence": shown.into_iter().map(evidence).collect::<Vec<_>>(),
                "follows": finding.follows,
                "citation": finding.citation,
                "mark": mark(&finding.mark),
                "propose": review.map(|review| proposals(question, finding, review)).unwrap_or_default(),
            })
        })
        .collect()
}

/// Which flags and provisions have words for a fact.
static PROPOSALS: LazyLock<BTreeMap<String, Vec<String>>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../rules/proposals.yaml")).unwrap_or_default());

/// The most proposals one finding carries.
const PROPOSED: usize = 3;

/// The words the review has for a finding: of flags and provisions its question names, of those that go with a fact it
/// names, and of flags that quote the same words.
fn proposals(question: Option<&Question>, finding: &Finding, review: &Review) -> Vec<Value> {
    let mut ids: Vec<&str> = Vec::new();
    for source in question.iter().flat_map(|question| &question.sources) {
        if let Some(name) = source.strip_prefix("baa.") {
            ids.push(name);
            ids.extend(PROPOSALS.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    if let Some(Evidence { start: Some(start), end: Some(end), .. }) = finding.quote {
        let meets = |quote: &Quote| quote.start < quote.end && quote.start < end && start < quote.end;
        // The same place in another file is another place.
        let words = finding.quote.as_ref().and_then(|found| found.quote.as_deref()).unwrap_or_default();
        let same = |quote: &Quote| quote.quote.contains(words) || words.contains(&quote.quote);
        let flags = review.red_flags.iter().filter(|flag| meets(&flag.quote) && same(&flag.quote));
        ids.extend(flags.map(|flag| flag.id.as_str()));
    }
    let mut out: Vec<Value> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for id in ids {
        let flag = review.red_flags.iter().find(|flag| flag.id == id).map(|flag| (&flag.title, &flag.replacement));
        let provision = || {
            let missing = review.provisions.iter().find(|one| one.id == id && one.present != Present::Yes);
            missing.map(|provision| (&provision.title, &provision.replacement))
        };
        let Some((title, words)) = flag.or_else(provision) else { continue };
        if !words.is_empty() && !told.contains(&words.as_str()) && out.len() < PROPOSED {
            told.push(words.as_str());
            out.push(json!({ "id": id, "title": title, "words": quoted(words) }));
        }
    }
    out
}

/// The three layers.
pub(crate) fn stack_data(stack: &Stack) -> Value {
    json!({
        "rows": stack.rows.iter().map(|row| json!({
            "layer": layer_words(row.layer),
            "state": state_words(row.state),
            "lacking": matches!(row.state, RowState::Missing | RowState::Partly | RowState::Unknown),
            "by": row.by,
        })).collect::<Vec<_>>(),
        "have": stack.have,
        "missing": stack.missing,
        "follows": stack.follows,
    })
}

/// A layer as the head of a column.
pub(crate) const fn layer_words(layer: StackLayer) -> &'static str {
    match layer {
        StackLayer::Agreement => "Agreement",
        StackLayer::AccessControls => "Access controls",
        StackLayer::AuditLogs => "Audit logs",
    }
}

/// A state as a box: its sign and its words.
pub(crate) fn state_words(state: RowState) -> String {
    format!("{} {}", state_sign(state), capitalised(state.title()))
}
