//! `ledger rotate-key`: a new key, signed for by the old one.

use std::process::ExitCode;

use serde_json::json;

use crate::anchors;
use crate::commands::Outcome;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

/// `anchors` are checkpoints that were handed out before the key went astray; those that witnesses and time-stamp
/// authorities signed are known here.
pub(crate) fn run(home: &Home, compromised: bool, anchors: &[String]) -> Outcome {
    let (mut practice, mut actor) = home.signed_in_anew()?;
    let known = if compromised { Some(known_outside(home, anchors)?) } else { None };
    let rotated = practice.rotate_log_key(&mut actor, known)?;
    if home.json() {
        let mut value = serde_json::to_value(&rotated).map_err(Failure::could)?;
        value["recorded"] = json!(true);
        print_json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("The ledger has a new key from entry {} on (epoch {})", rotated.seq, rotated.epoch));
    print(&format!("  new key  {}", rotated.vkey));
    print(&format!("  old key  {}; its private half is destroyed", rotated.old_vkey));
    if let Some(known) = rotated.compromised_after {
        print(&format!(
            "  Checkpoints of the old key are trusted up to {known} entries, the last that was known outside. Entries from {known} to {} could have been rewritten by whoever has the old key.",
            rotated.seq
        ));
    }
    print("Next: tell your witnesses the new key, and print a new recovery kit if keys were stolen with it.");
    Ok(ExitCode::SUCCESS)
}

/// The size of the newest checkpoint that somebody else holds.
fn known_outside(home: &Home, given: &[String]) -> Result<u64, Failure> {
    let mut known = 0;
    for (_, note) in home.anchors()?.notes().map_err(|error| home.broken("keys/anchors", &error))? {
        known = known.max(size_of(&note).unwrap_or(0));
    }
    for anchor in given {
        for note in anchors::read(anchor)? {
            known = known.max(size_of(&note).ok_or_else(|| Failure::could(format!("{anchor} holds no checkpoint")))?);
        }
    }
    Ok(known)
}

fn size_of(note: &str) -> Option<u64> {
    use provenote_ledger::{Checkpoint, SignedNote};
    SignedNote::parse(note).and_then(|note| Checkpoint::parse(note.text())).ok().map(|checkpoint| checkpoint.size)
}
