//! `report`: documents for people.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_access::Act;
use provenote_practice::{Actor, Practice};
use provenote_schemas::{Digest, Time};
use serde_json::{Value, json};

use super::consent::status::shown;
use super::vendor::audit::questionnaire;
use super::{Outcome, can_write, write_new};
use crate::args::{Asked, Period, Report};
use crate::documents;
use crate::documents::access::emergencies;
use crate::documents::vendors::{Checklist, VendorKnown};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::period;
use crate::screen::{Bars, print, print_json};
use crate::surroundings::local;

pub(super) fn run(home: &Home, asked: Report) -> Outcome {
    match asked {
        Report::Board { output } => board(home, &output.unwrap_or_else(|| PathBuf::from("board-report.pdf"))),
        Report::Checklist { vendor, asked, output } => {
            checklist(home, &vendor, &asked, &output.unwrap_or_else(|| PathBuf::from("checklist.pdf")))
        }
        Report::Stack { asked, output } => {
            stack(home, &asked, &output.unwrap_or_else(|| PathBuf::from("stack-report.pdf")))
        }
        Report::Consents { no_names, output } => {
            consents(home, !no_names, &output.unwrap_or_else(|| PathBuf::from("consents-report.pdf")))
        }
        Report::Access { period, output } => {
            access(home, &period, &output.unwrap_or_else(|| PathBuf::from("access-report.pdf")))
        }
    }
}

fn board(home: &Home, file: &Path) -> Outcome {
    can_write(file)?;
    let (mut practice, actor) = home.signed_in()?;
    let record = practice.board_record(&actor)?;
    let verified = home.verify(&practice, Some(&actor), &[])?;
    let companies = companies(&practice, &actor)?;
    let emergencies = emergencies(&practice)?;
    let pdf = documents::board_report(&record, &verified, companies, emergencies).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "board", &pdf)?;
    written(home, file, &pdf, seq, json!({}))
}

/// Each company that gets sound or words, with its agreement and its last audit.
pub(super) fn companies(practice: &Practice, actor: &Actor) -> Result<Vec<VendorKnown>, Failure> {
    let mut audits = practice.last_audits(actor)?;
    let mut known = Vec::new();
    for (id, fact) in practice.vendors(actor)? {
        let Some(at) = audits.iter().position(|last| last.id.as_ref() == Some(&id)) else { continue };
        let agreement = practice.agreement(actor, id.as_str())?;
        known.push(VendorKnown { fact, agreement, last: audits.swap_remove(at) });
    }
    Ok(known)
}

fn checklist(home: &Home, vendor: &str, asked: &Asked, file: &Path) -> Outcome {
    can_write(file)?;
    let questions = questionnaire(asked)?;
    let (mut practice, actor) = home.signed_in()?;
    let (audit, audit_seq) = practice.vendor_audit(&actor, vendor, &questions, home.models()?, &home.own_pipeline())?;
    let mut from = Checklist {
        vendor: None,
        agreement: None,
        terms: Vec::new(),
        imported: Vec::new(),
        made: practice.now(),
        practice: &practice.record(&actor)?,
        emergencies: emergencies(&practice)?,
        checkpoint: practice.log().checkpoint().map_err(Failure::could)?,
        audit: audit.clone(),
        audit_seq,
    };
    if !audit.local {
        let wanted = vendor.trim().to_lowercase();
        let all = practice.vendors(&actor)?;
        from.vendor = all
            .into_iter()
            .find(|(id, fact)| id.as_str() == vendor || fact.name.to_lowercase() == wanted)
            .map(|(_, fact)| fact);
        from.agreement = practice.agreement(&actor, vendor)?;
        for standing in practice.terms_of(&actor, Some(vendor))? {
            let past = practice.terms_past(&actor, &standing.source)?;
            from.terms.push((standing, past));
        }
        from.imported = practice.imported_terms(&actor, vendor)?;
    }
    let pdf = documents::vendors::checklist(from).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "checklist", &pdf)?;
    let done = written(home, file, &pdf, seq, json!({ "audit": audit, "audit_seq": audit_seq }))?;
    Ok(if audit.findings.is_empty() { done } else { ExitCode::from(FINDINGS) })
}

fn stack(home: &Home, asked: &Asked, file: &Path) -> Outcome {
    can_write(file)?;
    let questions = questionnaire(asked)?;
    let (mut practice, actor) = home.signed_in()?;
    let audits = practice.stack(&actor, &questions, home.models()?, &home.own_pipeline())?;
    let checkpoint = practice.log().checkpoint().map_err(Failure::could)?;
    let record = practice.record(&actor)?;
    let shown: Vec<Value> =
        audits.iter().map(|audit| json!({ "vendor": audit.vendor, "stack": audit.stack })).collect();
    let pdf = documents::vendors::stack(&record, practice.now(), audits, emergencies(&practice)?, checkpoint)
        .map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "stack", &pdf)?;
    written(home, file, &pdf, seq, json!({ "stack": shown }))
}

fn consents(home: &Home, names: bool, file: &Path) -> Outcome {
    can_write(file)?;
    let (mut practice, actor) = home.signed_in()?;
    practice.allow_at_all(&actor, Act::MakeReport)?;
    let mut bars = Bars::new(home.json());
    let all =
        practice.consent_overview(&actor, home.models()?, &mut |done, of| bars.count("reading consents", done, of));
    bars.end();
    let all = all?;
    let checkpoint = practice.log().checkpoint().map_err(Failure::could)?;
    let record = practice.record(&actor)?;
    let emergencies = emergencies(&practice)?;
    let pdf = documents::consents_report(&record, &all, names, practice.now(), emergencies, checkpoint)
        .map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "consents", &pdf)?;
    written(home, file, &pdf, seq, json!({ "clients": all.iter().map(shown).collect::<Vec<_>>() }))
}

fn access(home: &Home, asked: &Period, file: &Path) -> Outcome {
    can_write(file)?;
    let (from, to) = (period::since(asked)?, period::until(asked)?);
    let (mut practice, actor) = home.signed_in()?;
    let from = match from {
        Some(from) => from,
        // Like the report for a board: all there is.
        None => Time::from_millis(practice.log().header(0)?.time),
    };
    let to = to.unwrap_or_else(|| practice.now());
    let record = practice.access_record(&actor, from, to, &local)?;
    let findings = record.review.findings.findings.len();
    let pdf = documents::access::report(record, emergencies(&practice)?).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "access", &pdf)?;
    written(home, file, &pdf, seq, json!({ "from": from, "to": to, "findings": findings }))
}

/// Writes a report after its entry, and says what and where.
fn written(home: &Home, file: &Path, pdf: &[u8], seq: u64, mut more: Value) -> Outcome {
    write_new(file, pdf)?;
    let sha256 = Digest::of(pdf);
    if home.json() {
        more["file"] = json!(file);
        more["sha256"] = json!(sha256);
        more["seq"] = json!(seq);
        print_json(&more);
    } else {
        print(&format!("Wrote the report to {} (entry {seq})", file.display()));
        print(&format!("  SHA-256 {sha256}"));
    }
    Ok(ExitCode::SUCCESS)
}
