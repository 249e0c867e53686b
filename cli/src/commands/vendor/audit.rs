//! `vendor agreement`, `questions`, `answer`, `audit`: what is known of a company, and what follows.

use std::path::Path;
use std::process::ExitCode;

use provenote_ledger::Entropy as _;
use provenote_practice::vendors::agreements::AgreementGiven;
use provenote_practice::vendors::answers::AnswerGiven;
use provenote_vendors::audit::{Answer, Audit, Question, Questionnaire, Says, csv, oscal};
use provenote_vendors::baa::review;
use serde_json::json;

use crate::args::{Asked, VendorAgreement, VendorAnswer, VendorAudit};
use crate::commands::baa::{has_findings, rules_with, told};
use crate::commands::{Outcome, can_write, read_text, write_new};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::reading;
use crate::screen::{print, print_json, word};
use crate::surroundings::SystemEntropy;

/// The largest questionnaire, in bytes: frameworks of CISO Assistant reach a few megabytes.
const LARGEST_QUESTIONNAIRE: u64 = 16 << 20;

/// The questions asked for: a file's, in our form or that of CISO Assistant, else the bundled ones.
pub(crate) fn questionnaire(asked: &Asked) -> Result<Questionnaire, Failure> {
    let Some(file) = &asked.questionnaire else { return Ok(Questionnaire::bundled().clone()) };
    let text = read_text(file, LARGEST_QUESTIONNAIRE)?;
    let name = file.display().to_string();
    // A framework of CISO Assistant holds its questions under `objects`; a questionnaire of ours has no such key.
    let framework = text.lines().any(|line| line.trim_end() == "objects:");
    if framework { Questionnaire::from_ciso_assistant(&name, &text) } else { Questionnaire::parse(&name, &text) }
        .map_err(Failure::could)
}

pub(super) fn agreement(home: &Home, asked: &VendorAgreement) -> Outcome {
    let rules = rules_with(&asked.rules)?;
    let (document, bytes) = reading::document(&asked.file)?;
    let review = review(&document, &rules);
    let (mut practice, actor) = home.signed_in()?;
    let given = AgreementGiven {
        file_name: &file_name(&asked.file),
        bytes: &bytes,
        document: &document,
        review: &review,
        signed: asked.signed.as_deref(),
        by: asked.by.as_deref(),
    };
    let seq = practice.vendor_agreement(&actor, &asked.vendor, &given)?;
    if home.json() {
        print_json(&json!({ "seq": seq, "review": review }));
    } else {
        told(&review, false);
        print(&format!("\nKept the agreement and its review, sealed (entry {seq})"));
        if asked.signed.is_none() {
            print("  it counts as not signed: give --signed DATE with the signed copy");
        }
        print(&format!("Next: provenote vendor audit \"{}\"", asked.vendor));
    }
    Ok(if has_findings(&review) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// A file's own name: where it lay is nobody's business.
fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "agreement".to_owned(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn questions(home: &Home, asked: &Asked) -> Outcome {
    let questionnaire = questionnaire(asked)?;
    if home.json() {
        print_json(&json!({ "questionnaire": questionnaire.reference(), "questions": questionnaire.questions() }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut layer = None;
    for question in questionnaire.questions() {
        if layer != Some(question.layer) {
            print(&format!("\n{}", question.layer.title()));
            layer = Some(question.layer);
        }
        print(&format!("  {:<24} {}", question.id, question.asks));
        print(&format!("  {:<24} {} ({})", "", question.citation, question.mark));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn answer(home: &Home, asked: &VendorAnswer) -> Outcome {
    let questionnaire = questionnaire(&asked.asked)?;
    let says = Says::from_word(&asked.says).ok_or_else(|| {
        Failure::Usage(format!("{} is no answer: yes, no, partly, unknown, not_applicable", asked.says))
    })?;
    // The words of a file are looked for only where somebody quotes them.
    let (document, bytes) = match (&asked.file, &asked.quote) {
        (Some(file), Some(_)) => reading::document(file).map(|(document, bytes)| (Some(document), Some(bytes)))?,
        (Some(file), None) => (None, Some(reading::bytes_of(file)?)),
        (None, _) => (None, None),
    };
    let name = asked.file.as_deref().map(file_name);
    let (mut practice, actor) = home.signed_in()?;
    let given = AnswerGiven {
        question: &asked.question,
        says,
        text: &asked.text,
        file: name.as_deref().zip(bytes.as_deref()),
        document: document.as_ref(),
        quote: asked.quote.as_deref(),
        date: asked.date.as_deref(),
    };
    let seq = practice.vendor_answer(&actor, &asked.vendor, &given, &questionnaire)?;
    if home.json() {
        print_json(&json!({ "seq": seq }));
    } else {
        print(&format!("Recorded the answer (entry {seq})"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn audit(home: &Home, asked: &VendorAudit) -> Outcome {
    for file in [&asked.oscal, &asked.csv].into_iter().flatten() {
        can_write(file)?;
    }
    let questionnaire = questionnaire(&asked.asked)?;
    let (mut practice, actor) = home.signed_in()?;
    let (audit, seq) =
        practice.vendor_audit(&actor, &asked.vendor, &questionnaire, home.models()?, &home.own_pipeline())?;
    let mut wrote = Vec::new();
    if let Some(file) = &asked.oscal {
        let mut ids = || {
            let mut bytes = [0; 16];
            SystemEntropy.fill(&mut bytes);
            bytes
        };
        let text = serde_json::to_string_pretty(&oscal(&audit, &mut ids)).map_err(Failure::could)?;
        write_new(file, format!("{text}\n").as_bytes())?;
        wrote.push(file);
    }
    if let Some(file) = &asked.csv {
        write_new(file, csv(&audit).as_bytes())?;
        wrote.push(file);
    }
    if home.json() {
        let mut shown = serde_json::to_value(&audit).map_err(Failure::could)?;
        shown["answers"] =
            audit.answers.iter().map(|(question, answer)| json!({ "question": question, "answer": answer })).collect();
        shown["seq"] = json!(seq);
        shown["wrote"] = json!(wrote);
        print_json(&shown);
    } else {
        shown(&audit);
        for file in wrote {
            print(&format!("Wrote {}", file.display()));
        }
        print(&format!("Recorded (entry {seq}). This is not legal advice."));
        print(&format!("Next: provenote report checklist \"{}\"", asked.vendor));
    }
    Ok(if audit.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// An audit for a person: findings first.
fn shown(audit: &Audit) {
    print(&audit.verdict);
    if !audit.findings.is_empty() {
        print("\nFindings");
        for finding in &audit.findings {
            print(&format!("  {} ({}): {}", finding.question, word(&finding.severity), finding.says));
            if let Some(quote) = finding.quote.as_ref().and_then(|evidence| evidence.quote.as_ref()) {
                print(&format!("    “{}”", quote.split_whitespace().collect::<Vec<_>>().join(" ")));
            }
            print(&format!("    {}", finding.follows));
            print(&format!("    {} ({})", finding.citation, finding.mark));
        }
    }
    print("\nThe stack");
    for row in &audit.stack.rows {
        print(&format!("  {:<16} {}", row.layer.title(), row.state.title()));
    }
    print(&format!("  {}", audit.stack.follows));
    print("\nAnswers");
    for (question, answer) in &audit.answers {
        answered(question, answer.as_ref());
    }
    print("\nNot checked");
    for one in &audit.not_checked {
        print(&format!("  {one}"));
    }
}

fn answered(question: &Question, answer: Option<&Answer>) {
    match answer {
        None => print(&format!("  {:<24} no answer", question.id)),
        Some(answer) => {
            let words = if answer.text.is_empty() { String::new() } else { format!(": {}", answer.text) };
            print(&format!("  {:<24} {}{words} ({})", question.id, answer.says.title(), answer.origin.title()));
            if let Some(stale) = &answer.stale {
                print(&format!("  {:<24} out of date: {stale}", ""));
            }
        }
    }
}
