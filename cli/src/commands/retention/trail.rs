//! `retention trail`: how long entries are kept, and sealing off those that are old enough.

use std::path::Path;
use std::process::ExitCode;

use provenote_schemas::Digest;
use provenote_trail::retention::{LEAST_YEARS, Stop, Until};
use serde_json::json;

use crate::args::{Trail, TrailCommand};
use crate::commands::{Outcome, can_write, write_new};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Trail) -> Outcome {
    match asked.command {
        None => standing(home),
        Some(TrailCommand::Seal { output, upto }) => seal(home, &output, upto),
    }
}

fn standing(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let standing = practice.trail_standing(&actor)?;
    if home.json() {
        print_json(&json!(standing));
        return Ok(ExitCode::SUCCESS);
    }
    print(&if standing.years == LEAST_YEARS {
        format!("This practice keeps its trail {}.", standing.label)
    } else {
        format!(
            "This practice keeps its trail {} years, by its own choice; the default is {}.",
            standing.years, standing.label
        )
    });
    print(&match standing.sealable.upto {
        0 => "No entry is old enough to be sealed off.".to_owned(),
        1 => "Entry 0 is old enough to be sealed off.".to_owned(),
        upto => format!("Entries 0 to {} are old enough to be sealed off.", upto - 1),
    });
    if let Some(stop) = &standing.sealable.stopped {
        print(&format!("In the way of the next: {}", told(stop)));
    }
    print(&standing.statement);
    Ok(ExitCode::SUCCESS)
}

fn told(stop: &Stop) -> String {
    match stop.kept.until {
        Until::At(until) => format!("entry {} is to be kept until {}: {}", stop.seq, until.date(), stop.kept.basis),
        Until::Held => format!("entry {} is held: {}", stop.seq, stop.kept.basis),
    }
}

fn seal(home: &Home, output: &Path, upto: Option<u64>) -> Outcome {
    can_write(output)?;
    let (mut practice, actor) = home.signed_in()?;
    let (bytes, seq) = practice.seal_trail(&actor, upto)?;
    write_new(output, &bytes)?;
    let sha256 = Digest::of(&bytes);
    if home.json() {
        print_json(&json!({ "file": output, "sha256": sha256, "seq": seq, "bytes": bytes.len() }));
    } else {
        print(&format!("Wrote the archive to {} (entry {seq}); the ledger keeps its entries", output.display()));
        print(&format!("  SHA-256 {sha256}"));
        print(&format!("Check it with: provenote ledger verify --archive {}", output.display()));
    }
    Ok(ExitCode::SUCCESS)
}
