//! `ledger prove`: that an entry is in the ledger, and that one state of it continues another.

use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_ledger::proof::{TlogProof, prove_consistency};
use serde_json::json;

use crate::commands::{Outcome, can_write, write_new};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

/// The proof for one entry, with the newest checkpoint: C2SP tlog-proof.
pub(crate) fn inclusion(home: &Home, seq: u64, output: Option<&Path>) -> Outcome {
    output.map_or(Ok(()), can_write)?;
    let practice = home.opened()?;
    let log = practice.log();
    let size = log.size().map_err(Failure::could)?;
    if seq >= size {
        return Err(Failure::could(format!("there is no entry {seq}: the ledger has {size}, numbered from 0")));
    }
    let checkpoint = home.cosigned(log.checkpoint().map_err(Failure::could)?)?;
    let proof = TlogProof::prove(log.store(), seq, &checkpoint).map_err(Failure::could)?;
    told(home, seq, size, &proof.to_string(), output)
}

/// The hashes that show that the ledger of `old` entries is the beginning of the one of `new`: RFC 6962 §2.1.2, a line
/// each, in base64.
pub(crate) fn consistency(home: &Home, old: u64, new: u64, output: Option<&Path>) -> Outcome {
    output.map_or(Ok(()), can_write)?;
    let practice = home.opened()?;
    let log = practice.log();
    let size = log.size().map_err(Failure::could)?;
    if old > new || new > size {
        return Err(Failure::Usage(format!(
            "a ledger of {old} entries cannot be the beginning of one of {new}: give --grown-from a number up to SEQ, and SEQ one up to {size}"
        )));
    }
    let hashes = prove_consistency(log.store(), old, new).map_err(Failure::could)?;
    let lines: String = hashes.iter().map(|hash| BASE64.encode(hash.0) + "\n").collect();
    told(home, old, new, &format!("old {old}\nnew {new}\n{lines}"), output)
}

fn told(home: &Home, of: u64, size: u64, proof: &str, output: Option<&Path>) -> Outcome {
    if let Some(path) = output {
        write_new(path, proof.as_bytes())?;
    }
    if home.json() {
        print_json(&json!({ "seq": of, "size": size, "proof": proof, "file": output }));
    } else if let Some(path) = output {
        print(&format!("Wrote the proof for {of} in the ledger of {size} entries to {}", path.display()));
    } else {
        print(proof.trim_end_matches('\n'));
    }
    Ok(ExitCode::SUCCESS)
}
