//! `report`: documents for people.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_schemas::Digest;
use serde_json::{Value, json};

use super::consent::status::shown;
use super::{Outcome, can_write, write_new};
use crate::args::Report;
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{Bars, print, print_json};

pub(super) fn run(home: &Home, asked: Report) -> Outcome {
    match asked {
        Report::Board { output } => board(home, &output.unwrap_or_else(|| PathBuf::from("board-report.pdf"))),
        Report::Consents { no_names, output } => {
            consents(home, !no_names, &output.unwrap_or_else(|| PathBuf::from("consents-report.pdf")))
        }
    }
}

fn board(home: &Home, file: &Path) -> Outcome {
    can_write(file)?;
    let (mut practice, actor) = home.signed_in()?;
    let record = practice.board_record(&actor)?;
    let verified = home.verify(&practice, Some(&actor), &[])?;
    let pdf = documents::board_report(&record, &verified).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "board", &pdf)?;
    written(home, file, &pdf, seq, json!({}))
}

fn consents(home: &Home, names: bool, file: &Path) -> Outcome {
    can_write(file)?;
    let (mut practice, actor) = home.signed_in()?;
    let mut bars = Bars::new(home.json());
    let all =
        practice.consent_overview(&actor, home.models()?, &mut |done, of| bars.count("reading consents", done, of));
    bars.end();
    let all = all?;
    let checkpoint = practice.log().checkpoint().map_err(Failure::could)?;
    let record = practice.record(&actor)?;
    let pdf = documents::consents_report(&record, &all, names, practice.now(), checkpoint).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "consents", &pdf)?;
    written(home, file, &pdf, seq, json!({ "clients": all.iter().map(shown).collect::<Vec<_>>() }))
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
