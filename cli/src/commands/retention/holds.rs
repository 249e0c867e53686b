//! `retention hold`: what is held back from destruction.

use std::process::ExitCode;

use provenote_practice::trail::{Hold, HoldAsked};
use serde_json::json;

use crate::args;
use crate::commands::Outcome;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: args::Hold) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    match asked {
        args::Hold::Place { client, session, reason } => {
            let asked = HoldAsked { client: &client, session: session.as_deref(), reason: &reason };
            let hold = practice.place_hold(&actor, &asked)?;
            if home.json() {
                print_json(&json!({ "hold": hold }));
            } else {
                print(&format!("Held back from destruction: hold {hold}, until it is lifted; the reason is sealed"));
            }
        }
        args::Hold::Lift { hold, reason } => {
            let seq = practice.lift_hold(&actor, hold, &reason)?;
            if home.json() {
                print_json(&json!({ "hold": hold, "seq": seq }));
            } else {
                print(&format!("Lifted hold {hold} (entry {seq}); what is due falls under the schedule again"));
            }
        }
        args::Hold::List => {
            let holds = practice.list_holds(&actor)?;
            if home.json() {
                print_json(&json!({ "holds": holds }));
            } else if holds.is_empty() {
                print("Nothing was ever held.");
            } else {
                holds.iter().for_each(|hold| print(&line(hold)));
            }
        }
        args::Hold::Reason { hold } => {
            let reason = practice.hold_reason(&actor, hold)?;
            if home.json() {
                print_json(&json!({ "hold": hold, "reason": reason }));
            } else {
                print(&reason);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(hold: &Hold) -> String {
    let part = hold.session.as_ref().map(|session| format!(" {session} only")).unwrap_or_default();
    let state = match hold.lifted {
        Some(seq) => format!("lifted (entry {seq})"),
        None => "in force".to_owned(),
    };
    format!("{:>6}  {}{part}  since {} by {}  {state}", hold.seq, hold.client, hold.since, hold.by)
}
