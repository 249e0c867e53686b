//! `backup`: copies of the practice, and a practice from a copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_access::Act;
use provenote_backup::{Backup as Files, Restore, Source};
use provenote_practice::backups::RestoredFrom;
use provenote_schemas::Time;
use serde_json::json;

use super::Outcome;
use crate::anchors;
use crate::args::{Backup, BackupRestore};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Backup) -> Outcome {
    match asked {
        Backup::Create { folder } => create(home, &folder),
        Backup::Verify { folder, vkey, anchor } => verify(home, &folder, vkey.as_deref(), &anchor),
        Backup::Restore(asked) => restore(home, &asked),
        Backup::Accept => accept(home),
    }
}

fn create(home: &Home, folder: &Path) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.backup_created(&actor)?;
    let made = practice.now().millis();
    let source = Source { home: home.path(), into: folder, seq, made, by: actor.keys() };
    let created = provenote_backup::create(&source).map_err(Failure::could)?;
    if home.json() {
        print_json(&json!({
            "data": created.data, "keys": created.keys, "size": created.size, "bytes": created.bytes, "seq": seq,
            "checkpoint": created.checkpoint,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Wrote a backup of {} entries (entry {seq}), {} bytes", created.size, created.bytes));
    print(&format!("  data  {}", created.data.display()));
    print(&format!("  keys  {}; the one before was replaced", created.keys.display()));
    print(
        "Keep data and keys on different media if you can; whoever has both and a passphrase or the recovery code can read everything.",
    );
    Ok(ExitCode::SUCCESS)
}

fn verify(home: &Home, folder: &Path, vkey: Option<&str>, anchors: &[String]) -> Outcome {
    let files = Files::newest(folder).map_err(Failure::could)?;
    let verified =
        provenote_backup::verify(&files, vkey, &anchors::given(anchors)?, &std::env::temp_dir()).map_err(damaged)?;
    let seq = match home.signed_in_if_practice()? {
        Some((mut practice, actor)) => {
            Some(practice.backup_verified(&actor, verified.seq, verified.size, verified.report.verdict.as_str())?)
        }
        None => None,
    };
    if home.json() {
        let mut value = serde_json::to_value(&verified.report).map_err(Failure::could)?;
        value["data"] = json!(files.data);
        value["keys"] = json!(files.keys);
        value["made"] = json!(Time::from_millis(verified.made));
        value["keys_size"] = json!(verified.keys_size);
        value["seq"] = json!(seq);
        print_json(&value);
    } else {
        print(&format!("{}: of {}", files.data.display(), Time::from_millis(verified.made)));
        print(&crate::home::told(&verified.report));
        print(&format!("  key  {}: compare it with the recovery kit", verified.vkey));
    }
    Ok(if verified.report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// What was altered is a finding; a file that cannot be read is a failure.
fn damaged(error: provenote_backup::BackupError) -> Failure {
    use provenote_backup::BackupError as Error;
    match error {
        Error::Altered { .. }
        | Error::Truncated(_)
        | Error::TwoPractices { .. }
        | Error::OtherLog { .. }
        | Error::KeysOlder { .. }
        | Error::KeyRotated
        | Error::Ledger { .. }
        | Error::ForeignList(_) => Failure::Findings(error.to_string()),
        other => Failure::could(other),
    }
}

fn restore(home: &Home, asked: &BackupRestore) -> Outcome {
    let mut files = Files::newest(&asked.folder).map_err(Failure::could)?;
    if let Some(seq) = asked.data {
        files.data = asked.folder.join(format!("data-{seq:010}.pvb"));
        if !files.data.is_file() {
            return Err(Failure::could(format!("{} is not there", files.data.display())));
        }
    }
    let read = |list: &PathBuf| {
        fs::read(list).map_err(|error| Failure::could(format!("{} could not be read: {error}", list.display())))
    };
    let lists = asked.destructions.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let restored = provenote_backup::restore(&Restore {
        backup: &files,
        home: home.path(),
        vkey: asked.vkey.as_deref(),
        anchors: &anchors::given(&asked.anchor)?,
        lists: &lists,
        accept_older_keys: asked.older_keys,
    })
    .map_err(damaged)?;
    if home.json() {
        let mut value = serde_json::to_value(&restored).map_err(Failure::could)?;
        value["home"] = json!(home.path());
        value["detail"] = json!(restored.told());
        print_json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Restored the practice into {}, as of {}", home.path().display(), Time::from_millis(restored.made)));
    print(&format!("  {}", restored.told()));
    print(&format!("  verification: {}", restored.verdict));
    if restored.destroyed_again > 0 {
        print(&format!("  {} things that had been destroyed since were destroyed again", restored.destroyed_again));
    }
    print(&format!("  key {}: compare it with the recovery kit", restored.vkey));
    print("Next: provenote backup accept (first `provenote recover`, where the passphrase is lost)");
    Ok(ExitCode::SUCCESS)
}

fn accept(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in_restored()?;
    practice.allow_at_all(&actor, Act::RestoreBackup)?;
    let pending = provenote_backup::pending(home.path()).map_err(Failure::could)?;
    let Some(restored) = pending else {
        return Err(Failure::could("this practice was not restored from a backup, or that was accepted already"));
    };
    let from = RestoredFrom {
        backup: restored.seq,
        size: restored.size,
        keys_size: restored.keys_size,
        anchor: restored.anchor,
        destroyed_again: restored.destroyed_again,
    };
    let accepted = practice.accept_restored(&actor, &from)?;
    provenote_backup::settle(home.path()).map_err(Failure::could)?;
    if home.json() {
        print_json(&json!({ "seq": accepted.seq, "destructions": accepted.destructions, "detail": restored.told() }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Accepted, and recorded what this practice was restored from (entry {})", accepted.seq));
    print(&format!("  {}", restored.told()));
    if accepted.destructions > 0 {
        print(&format!("  {} destructions were recorded or carried out again", accepted.destructions));
    }
    print("Next: provenote backup create, and `provenote witness update` where witnesses watch this ledger");
    Ok(ExitCode::SUCCESS)
}
