//! `retention`: what falls due, and its destruction.

use std::process::ExitCode;

use provenote_practice::retention::{Receipt, RecordClass};
use serde_json::json;

use super::Outcome;
use crate::args::Retention;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Retention) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    match asked {
        Retention::Plan => {
            let plan = practice.retention_plan(&actor)?;
            if home.json() {
                print_json(&json!({ "due": plan }));
            } else if plan.is_empty() {
                print("Nothing on the schedule.");
            } else {
                for due in plan {
                    let when = if due.now { "due now" } else { "falls due" };
                    print(&format!("{}  {}  {when} {}\n    {}", due.record, word(due.class), due.at, due.basis));
                }
            }
        }
        Retention::Run => {
            let receipts = practice.retention_run(&actor, None)?;
            if home.json() {
                print_json(&json!({ "destroyed": receipts }));
            } else if receipts.is_empty() {
                print("Nothing is due.");
            } else {
                for receipt in receipts {
                    let Receipt { record, class, seq, bytes } = receipt;
                    print(&format!(
                        "Destroyed the {} of {record}: key and {bytes} bytes of ciphertext (receipt: entry {seq})",
                        word(class)
                    ));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn word(class: RecordClass) -> &'static str {
    match class {
        RecordClass::Audio => "recording",
        RecordClass::WorkingPapers => "transcript, prompts, outputs and drafts",
    }
}
