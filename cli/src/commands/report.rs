//! `report`: documents for people.

use std::path::PathBuf;
use std::process::ExitCode;

use provenote_schemas::Digest;
use serde_json::json;

use super::{Outcome, can_write, write_new};
use crate::args::Report;
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Report) -> Outcome {
    let Report::Board { output } = asked;
    let file = output.unwrap_or_else(|| PathBuf::from("board-report.pdf"));
    can_write(&file)?;
    let (mut practice, actor) = home.signed_in()?;
    let record = practice.board_record(&actor)?;
    let verified = home.verify(&practice, Some(&actor), &[])?;
    let pdf = documents::board_report(&record, &verified).map_err(Failure::Could)?;
    let seq = practice.report_made(&actor, "board", &pdf)?;
    write_new(&file, &pdf)?;
    let sha256 = Digest::of(&pdf);
    if home.json() {
        print_json(&json!({ "file": file, "sha256": sha256, "seq": seq }));
    } else {
        print(&format!("Wrote the report to {} (entry {seq})", file.display()));
        print(&format!("  SHA-256 {sha256}"));
    }
    Ok(ExitCode::SUCCESS)
}
