//! An audit as a table (RFC 4180).

use super::{Answer, Audit, Evidence};

const COLUMNS: [&str; 18] = [
    "vendor",
    "questionnaire",
    "made",
    "question",
    "layer",
    "asks",
    "good",
    "says",
    "text",
    "origin",
    "at",
    "stale",
    "finding",
    "severity",
    "follows",
    "citation",
    "mark",
    "evidence",
];

/// One line for each question, and one for each answer that another stands before. Lines end with CRLF, every field is
/// quoted, and a field that a spreadsheet would take for a formula begins with an apostrophe.
#[must_use]
pub fn csv(audit: &Audit) -> String {
    let mut out = String::new();
    line(&mut out, &COLUMNS.map(str::to_owned));
    let made = audit.made.to_string();
    for (question, answer) in &audit.answers {
        let besides = audit.besides.iter().filter(|other| other.question == question.id);
        let answers = std::iter::once(answer.as_ref()).chain(besides.map(Some));
        for (index, answer) in answers.enumerate() {
            let finding = audit.findings.iter().find(|finding| index == 0 && finding.question == question.id);
            let of = |say: fn(&Answer) -> String| answer.map(say).unwrap_or_default();
            line(
                &mut out,
                &[
                    audit.vendor.clone(),
                    audit.questionnaire.clone(),
                    made.clone(),
                    question.id.clone(),
                    question.layer.as_str().to_owned(),
                    question.asks.clone(),
                    question.good.as_str().to_owned(),
                    of(|answer| answer.says.as_str().to_owned()),
                    of(|answer| answer.text.clone()),
                    of(|answer| answer.origin.as_str().to_owned()),
                    of(|answer| answer.at.to_string()),
                    of(|answer| answer.stale.clone().unwrap_or_default()),
                    finding.map(|finding| finding.says.clone()).unwrap_or_default(),
                    finding.map(|finding| finding.severity.as_str().to_owned()).unwrap_or_default(),
                    finding.map(|finding| finding.follows.clone()).unwrap_or_default(),
                    question.citation.clone(),
                    question.mark.clone(),
                    of(|answer| answer.evidence.iter().map(evidence).collect::<Vec<_>>().join("; ")),
                ],
            );
        }
    }
    out
}

/// A piece of evidence on one line.
pub(super) fn evidence(evidence: &Evidence) -> String {
    let mut said = evidence.what.clone();
    let mut add = |part: String| {
        said.push_str(", ");
        said.push_str(&part);
    };
    if let Some(quote) = &evidence.quote {
        add(format!("\"{}\"", quote.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    if let (Some(start), Some(end)) = (evidence.start, evidence.end) {
        add(format!("at {start}..{end}"));
    }
    if let Some(sha256) = &evidence.sha256 {
        add(format!("sha256 {sha256}"));
    }
    if let Some(date) = &evidence.date {
        add(date.clone());
    }
    if let Some(who) = &evidence.who {
        add(format!("by {who}"));
    }
    if let Some(seq) = evidence.seq {
        add(format!("entry {seq}"));
    }
    said
}

fn line(out: &mut String, fields: &[String; 18]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        // What a spreadsheet takes for a formula when it stands first, with or without white space before it.
        if field.trim_start().starts_with(['=', '+', '-', '@']) || field.starts_with(['\t', '\r', '\n']) {
            out.push('\'');
        }
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}
