//! A witness alone, for somebody who has no practice, such as a board: `provenote-witness LISTEN FOLDER NAME VKEY...`.
//! Prints its address and its vkey, then serves until it is told to stop. `provenote witness serve` does the same.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use provenote_ledger::Entropy;
use provenote_witness::{Folder, Limits, Server, told_to_stop};

struct System;

impl Entropy for System {
    #[expect(clippy::disallowed_methods, reason = "this program is an edge")]
    fn fill(&mut self, out: &mut [u8]) {
        getrandom::fill(out).expect("the system has randomness");
    }
}

#[expect(clippy::disallowed_methods, reason = "this program is an edge")]
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(listen), Some(folder), Some(name)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: provenote-witness LISTEN FOLDER NAME VKEY...".into());
    };
    let logs = args.map(|vkey| vkey.parse()).collect::<Result<Vec<_>, _>>()?;
    let folder = Folder::open(Path::new(&folder), Some(&name), &logs, &mut System)?;
    let server = Server::bind(&listen, folder, Arc::new(seconds), Limits::default())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n{}", server.address(), server.key())?;
    out.flush()?;
    drop(out);
    server.serve(told_to_stop())?;
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
