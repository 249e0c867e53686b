//! `retention`: what falls due, and its destruction.

mod holds;
mod trail;

use std::process::ExitCode;

use provenote_access::Act;
use provenote_practice::retention::{Receipt, RecordClass};
use serde_json::json;

use super::Outcome;
use crate::args::Retention;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Retention) -> Outcome {
    match asked {
        Retention::Hold(asked) => holds::run(home, asked),
        Retention::Trail(asked) => trail::run(home, asked),
        Retention::Plan => {
            let (mut practice, actor) = home.signed_in()?;
            practice.allow_at_all(&actor, Act::RunRetention)?;
            let plan = practice.retention_plan(&actor)?;
            if home.json() {
                print_json(&json!({ "due": plan }));
            } else if plan.is_empty() {
                print("Nothing on the schedule.");
            } else {
                for due in plan {
                    let when = if due.now { "due now" } else { "falls due" };
                    let held = due.held.map(|hold| format!(", HELD (hold {hold})")).unwrap_or_default();
                    print(&format!("{}  {}  {when} {}{held}\n    {}", due.record, word(due.class), due.at, due.basis));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Retention::Run => {
            let (mut practice, actor) = home.signed_in()?;
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
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn word(class: RecordClass) -> &'static str {
    match class {
        RecordClass::Audio => "recording",
        RecordClass::WorkingPapers => "transcript, prompts, outputs and drafts",
    }
}
