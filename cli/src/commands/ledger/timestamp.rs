//! `ledger timestamp`: an authority's word on when a checkpoint existed (RFC 3161).

use std::path::Path;
use std::process::ExitCode;

use provenote_ledger::{Checkpoint, Finding, FindingKind, Report, SignedNote};
use provenote_practice::ports::Clock as _;
use provenote_timestamp::{Authorities, Response, StampError, check, fetch, request, verify};
use serde::Serialize;
use serde_json::json;

use crate::commands::Outcome;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, say};
use crate::surroundings::{SystemClock, proxy, random_number};

pub(crate) fn run(home: &Home, address: &str, authority: Option<&Path>) -> Outcome {
    let authorities = home.authorities(authority)?;
    let practice = home.opened()?;
    let note = practice.log().checkpoint().map_err(Failure::could)?;
    let parsed = SignedNote::parse(&note).map_err(Failure::could)?;
    let size = Checkpoint::parse(parsed.text()).map_err(Failure::could)?.size;
    let nonce = random_number();
    let answer = fetch(address, &request(parsed.text(), nonce), proxy(address).as_deref()).map_err(Failure::could)?;
    let response = Response::parse(&answer).map_err(Failure::could)?;
    let now = practice.now().millis();
    let (stamp, trusted) = match verify(response.token(), parsed.text(), Some(nonce), &authorities, now) {
        Ok(stamp) => (stamp, true),
        // Kept all the same: whom to trust can be decided later, the time cannot be had later.
        Err(StampError::UnknownAuthority(stamp)) if authorities.is_empty() => (*stamp, false),
        Err(error) => return Err(Failure::Findings(error.to_string())),
    };
    let anchors = home.anchors()?;
    let broken = |error: std::io::Error| home.broken("keys/anchors", &error);
    anchors.keep_note(size, &home.cosigned(note)?).map_err(broken)?;
    anchors.keep_timestamp(size, &response.to_der()).map_err(broken)?;
    let file = home.path().join(format!("keys/anchors/{size}.tsr"));
    if home.json() {
        print_json(&json!({
            "size": size, "time": stamp.time(), "authority": stamp.authority, "policy": stamp.policy, "serial": stamp.serial,
            "trusted": trusted, "file": file,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("The ledger of {size} entries existed at {}, says {}", stamp.time(), stamp.authority));
    print(&format!("  kept in {}", file.display()));
    if !trusted {
        say(
            "This program was not told to trust that authority: give its certificate with --authority PEM, here and at `ledger verify`.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A time-stamp kept beside the keys.
#[derive(Serialize)]
pub(super) struct Kept {
    /// Entries of the ledger it speaks of.
    size: u64,
    /// The time it states.
    time: String,
    /// Who stamped.
    authority: String,
    /// Whether this program was told to trust that authority.
    trusted: bool,
}

impl Kept {
    pub(super) fn told(&self) -> String {
        let trust =
            if self.trusted { "" } else { ", an authority this program was not told to trust (--authority PEM)" };
        format!("the first {} entries existed at {}, says {}{trust}", self.size, self.time, self.authority)
    }
}

/// Verifies the time-stamps kept; one that does not hold becomes a finding.
pub(super) fn check_kept(home: &Home, authorities: &Authorities, report: &mut Report) -> Result<Vec<Kept>, Failure> {
    let anchors = home.anchors()?;
    let broken = |error: std::io::Error| home.broken("keys/anchors", &error);
    let now = SystemClock.now().millis();
    let mut kept = Vec::new();
    for (size, token) in anchors.timestamps().map_err(broken)? {
        let note = anchors.note(size).map_err(broken)?.unwrap_or_default();
        let (stamp, trusted) = match check(&note, &token, authorities, now) {
            Ok(stamp) => (stamp, true),
            Err(StampError::UnknownAuthority(stamp)) => (*stamp, false),
            Err(error) => {
                let detail = format!("the time-stamp keys/anchors/{size}.tsr does not hold: {error}");
                report.findings.push(Finding { kind: FindingKind::AnchorRefused, seq: None, detail });
                continue;
            }
        };
        kept.push(Kept { size, time: stamp.time(), authority: stamp.authority, trusted });
    }
    Ok(kept)
}
