//! `ledger rotate-key`: a new key, signed for by the old one.

use std::process::ExitCode;

use provenote_ledger::{Checkpoint, SignedNote};
use provenote_practice::{Actor, Practice};

use crate::anchors;
use crate::commands::Outcome;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

/// A day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// `anchors` are checkpoints that were handed out before the key went astray; those that witnesses signed are known here.
pub(crate) fn run(home: &Home, compromised: bool, anchors: &[String]) -> Outcome {
    let (mut practice, mut actor) = home.signed_in_anew()?;
    let known = if compromised { Some(known_outside(home, &practice, &actor, anchors)?) } else { None };
    let rotated = practice.rotate_log_key(&mut actor, known)?;
    if home.json() {
        print_json(&serde_json::to_value(&rotated).map_err(Failure::could)?);
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("The ledger has a new key from entry {} on (epoch {})", rotated.seq, rotated.epoch));
    print(&format!("  new key  {}", rotated.vkey));
    print(&format!("  old key  {}; its private half is destroyed", rotated.old_vkey));
    if let Some(known) = rotated.compromised_after {
        print(&format!(
            "  Checkpoints of the old key are trusted up to {known} entries, the last known outside before."
        ));
        if known < rotated.seq {
            print(&format!(
                "  Entries {known} to {} could have been rewritten by whoever has the old key.",
                rotated.seq - 1
            ));
        }
    }
    print("Next: provenote backup create, since older backups hold the old key; and tell witnesses the new one");
    Ok(ExitCode::SUCCESS)
}

/// The size of the newest checkpoint that somebody else had before today: a cosignature of today may have been asked for
/// by whoever took the key.
fn known_outside(home: &Home, practice: &Practice, actor: &Actor, given: &[String]) -> Result<u64, Failure> {
    let anchors = anchors::given(given)?;
    let mut known = 0;
    for anchor in &anchors {
        let checkpoint = SignedNote::parse(&anchor.note).and_then(|note| Checkpoint::parse(note.text()));
        known = known.max(checkpoint.map_err(|error| Failure::could(format!("{}: {error}", anchor.label)))?.size);
    }
    let report = home.verify(practice, Some(actor), &anchors)?;
    if let Some(finding) = report.findings.first() {
        return Err(Failure::Findings(format!(
            "the ledger is not what it was ({}): see `provenote ledger verify`, and restore the newest backup that verifies before the key is changed",
            finding.detail
        )));
    }
    let today = practice.now().millis().div_euclid(DAY_MS) * DAY_MS;
    Ok(known.max(report.known_outside_before(today)))
}
