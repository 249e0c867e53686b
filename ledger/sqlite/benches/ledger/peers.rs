//! What else keeps a log that can be verified, where it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::{Goal, Table};
use super::{Outcome, quantile, timed};

const COMMITS: u32 = 30;

/// Appends entries of a kilobyte one by one, and prints the median of their times in seconds.
const PYMERKLE: &str = r"
import sys, time, statistics
from pymerkle import SqliteTree
times = []
with SqliteTree(sys.argv[1]) as tree:
    for n in range(300):
        entry = (b'%08d' % n) * 128
        start = time.perf_counter()
        tree.append_entry(entry)
        times.append(time.perf_counter() - start)
print(statistics.median(times))
";

pub(crate) fn beside(folder: &Path, ours: f64, table: &mut Table) -> Outcome<()> {
    let mut row = |name: &str, found: Result<f64, String>| match found {
        Ok(theirs) => table.row(
            name,
            format!("{:.0} us", ours * 1e6),
            format!("{:.0} us", theirs * 1e6),
            theirs / ours,
            Goal::None,
        ),
        Err(why) => table.left_out(name, &why),
    };
    row("peer: pymerkle, SQLite, one append", pymerkle(folder));
    row("peer: git commit, signed with ssh", git(folder));
    Ok(())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().last().unwrap_or("it failed").to_owned())
}

/// Where `scripts/bench-peers.sh` puts it.
fn python() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home)?;
    Some(cache.join("provenote/peers/bin/python")).filter(|python| python.exists())
}

fn pymerkle(folder: &Path) -> Result<f64, String> {
    let python = python().ok_or("run scripts/bench-peers.sh")?;
    let text = output(Command::new(python).args(["-c", PYMERKLE]).arg(folder.join("pymerkle.db")))?;
    text.trim().parse().map_err(|_| "it said something else".to_owned())
}

fn git(folder: &Path) -> Result<f64, String> {
    let (work, key) = (folder.join("git"), folder.join("git-key"));
    let installed = |program: &str| output(Command::new(program).arg("--version")).is_ok();
    if !installed("git") {
        return Err("git is not installed".to_owned());
    }
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        // Only what is set here: no settings of whoever runs this.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.arg("-C").arg(&work).args(["-c", "user.name=bench", "-c", "user.email=bench@localhost"]);
        command.args(["-c", "gpg.format=ssh", "-c", &format!("user.signingkey={}", key.display())]);
        command.args(["-c", "core.fsync=all", "-c", "gc.auto=0"]).args(arguments);
        output(&mut command)
    };
    std::fs::create_dir(&work).map_err(|error| error.to_string())?;
    output(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key))
        .map_err(|_| "ssh-keygen is not installed".to_owned())?;
    git(&["init", "-q"])?;
    let mut times = Vec::new();
    for n in 0..COMMITS {
        std::fs::write(work.join("entry"), format!("{n:08}").repeat(128)).map_err(|error| error.to_string())?;
        let (time, done) = timed(|| {
            git(&["add", "entry"])?;
            git(&["commit", "-q", "-S", "-m", "entry"])
        });
        done?;
        times.push(time);
    }
    Ok(quantile(&mut times, 0.5))
}
