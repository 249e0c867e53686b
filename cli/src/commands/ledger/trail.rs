//! `ledger log` and `ledger export`: the trail of entries, shown and handed out; `ledger verify --archive`: its oldest part.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use provenote_ledger::VerifierKey;
use provenote_ledger::proof::root_at;
use provenote_practice::trail::{Archive, ArchiveError, Row, TrailFormat, read_archive};
use provenote_schemas::{ClientId, Digest, Time};
use provenote_trail::Outcome as Came;
use serde_json::{Value, json};

use super::shown;
use crate::args::{Entries, LedgerExport};
use crate::commands::{Outcome, can_write, write_new};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::period::Wanted;
use crate::screen::{print, print_json};

/// The longest archive that is read, in bytes.
const LONGEST: u64 = 4 << 30;

pub(super) fn log(home: &Home, asked: &Entries) -> Outcome {
    let wanted = Wanted::of(asked)?;
    let practice = home.opened()?;
    let several = practice.people()?.several();
    // A name is looked for with keys. Headers lie open in the folder, so somebody alone is asked for none; where several
    // work, the policies say who looks, and looking is an entry.
    let by_name = asked.client.as_deref().is_some_and(|client| client.parse::<ClientId>().is_err());
    let rows = if several || by_name {
        let (mut practice, actor) = home.signed_in_with(practice)?;
        practice.trail(&actor, &wanted.filter(asked))?
    } else {
        practice.trail_of_headers(&wanted.filter(asked))?
    };
    if home.json() {
        print_json(&json!({ "entries": rows.iter().map(value).collect::<Vec<_>>() }));
    } else {
        rows.iter().for_each(|row| print(&line(row, several)));
    }
    Ok(ExitCode::SUCCESS)
}

/// An entry with what the trail makes of it.
fn value(row: &Row) -> Value {
    let mut value = shown(&row.header);
    value["event"] = json!(row.placed.event);
    value["outcome"] = json!(row.placed.outcome);
    value["role"] = json!(row.record.role);
    value["device"] = json!(row.record.device);
    value["record_class"] = json!(row.placed.record_class);
    value
}

fn line(row: &Row, several: bool) -> String {
    let refs: Vec<_> = row.header.refs.iter().map(|(name, id)| format!("{name}={id}")).collect();
    let by = if several { format!("by={} ", row.header.actor) } else { String::new() };
    let came = match row.placed.outcome {
        Came::Allowed => "",
        Came::Refused => "REFUSED ",
        Came::Failed => "FAILED ",
    };
    format!(
        "{:>6}  {}  {:24} {by}{came}{}",
        row.header.seq,
        Time::from_millis(row.header.time),
        row.header.kind,
        refs.join(" ")
    )
}

pub(super) fn export(home: &Home, asked: &LedgerExport) -> Outcome {
    let wanted = Wanted::of(&asked.entries)?;
    let format = format(asked)?;
    can_write(&asked.output)?;
    let (mut practice, actor) = home.signed_in()?;
    let made = practice.export_trail(&actor, &wanted.filter(&asked.entries), format)?;
    write_new(&asked.output, &made.bytes)?;
    if home.json() {
        print_json(&json!({
            "file": asked.output, "format": format.word(), "entries": made.entries, "sha256": made.sha256, "seq": made.seq,
        }));
    } else {
        let entries = if made.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", made.entries) };
        print(&format!("Wrote {entries} as {} to {} (entry {})", format.word(), asked.output.display(), made.seq));
        print(&format!("  SHA-256 {}", made.sha256));
    }
    Ok(ExitCode::SUCCESS)
}

/// The format that was asked for, else the one of the file's ending.
fn format(asked: &LedgerExport) -> Result<TrailFormat, Failure> {
    match asked.format {
        Some(format) => Ok(format),
        None => {
            let ending = asked.output.extension().map(|ending| ending.to_string_lossy().to_lowercase());
            let format = TrailFormat::ALL.iter().find(|format| Some(format.ending()) == ending.as_deref());
            format.copied().ok_or_else(|| {
                Failure::Usage(format!(
                    "the ending of {} names no format: end it in .ndjson (FHIR), .jsonl (OCSF) or .csv, or give --format",
                    asked.output.display()
                ))
            })
        }
    }
}

/// Checks an archive by the ledger's key, and against the ledger where it is here.
pub(super) fn archive(home: &Home, file: &Path, vkey: Option<&str>) -> Outcome {
    let keys: Vec<VerifierKey> = match vkey {
        Some(text) => vec![text.trim().parse().map_err(|error| Failure::Usage(format!("the key: {error}")))?],
        // The newest signs most: it is tried first.
        None => home.epochs()?.into_iter().rev().map(|epoch| epoch.key).collect(),
    };
    let archive = match read(&bytes(file)?, &keys) {
        Ok(archive) => archive,
        Err(error) => return Err(Failure::Findings(format!("{}: {error}", file.display()))),
    };
    let begins = if home.is_practice() { here(home, &archive)? } else { Begins::Nothing };
    if home.json() {
        print_json(&json!({
            "origin": archive.origin, "entries": archive.entries, "root": Digest(archive.root.0),
            "checkpoint_size": archive.checkpoint_size, "first": archive.headers.first().map(|one| Time::from_millis(one.time)),
            "last": archive.headers.last().map(|one| Time::from_millis(one.time)), "ledger": begins.word(),
        }));
    } else {
        let last = archive.headers.last().map(|one| format!(", the last of {}", Time::from_millis(one.time)));
        print(&format!(
            "intact: entries 0 to {} of {}{}",
            archive.entries.saturating_sub(1),
            archive.origin,
            last.unwrap_or_default()
        ));
        print(&format!("  root {}", Digest(archive.root.0)));
        print(&format!(
            "  they are the beginning of the ledger of {} entries whose signed checkpoint the archive carries",
            archive.checkpoint_size
        ));
        print(&format!("  {}", begins.told()));
    }
    Ok(if begins == Begins::Otherwise { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", file.display()));
    let mut bytes = Vec::new();
    fs::File::open(file).map_err(problem)?.take(LONGEST + 1).read_to_end(&mut bytes).map_err(problem)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::could(format!("{} has more than {LONGEST} bytes: is it the right file?", file.display())));
    }
    Ok(bytes)
}

/// Each key signed for a time; what is wrong besides the signature is wrong by each of them.
fn read(bytes: &[u8], keys: &[VerifierKey]) -> Result<Archive, ArchiveError> {
    let mut refused = ArchiveError::Signature("no key is known".to_owned());
    for key in keys {
        match read_archive(bytes, key) {
            Err(error @ ArchiveError::Signature(_)) => refused = error,
            other => return other,
        }
    }
    Err(refused)
}

/// How the ledger here stands to an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// There is none, or it is another practice's.
    Nothing,
    /// With the same entries.
    Same,
    /// With others, or it is shorter.
    Otherwise,
}

impl Begins {
    const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "not_compared",
            Self::Same => "same",
            Self::Otherwise => "differs",
        }
    }

    const fn told(self) -> &'static str {
        match self {
            Self::Nothing => "there is no such ledger here to compare it with",
            Self::Same => "the ledger here begins with the same entries",
            Self::Otherwise => {
                "! the ledger here does NOT begin with these entries: it was changed, cut short, or an older copy was put back"
            }
        }
    }
}

fn here(home: &Home, archive: &Archive) -> Result<Begins, Failure> {
    let practice = home.opened_despite_alarm()?;
    let log = practice.log();
    if log.identity().map_err(Failure::could)?.origin != archive.origin {
        return Ok(Begins::Nothing);
    }
    if log.size().map_err(Failure::could)? < archive.entries {
        return Ok(Begins::Otherwise);
    }
    let root = root_at(log.store(), archive.entries).map_err(Failure::could)?;
    Ok(if root == archive.root { Begins::Same } else { Begins::Otherwise })
}
