//! `doctor`: what works on this machine, and which safeguards are switched off.

use std::process::ExitCode;

use provenote_pipeline::engine::Engines as _;
use provenote_practice::Practice;
use provenote_practice::ports::Models;
use provenote_practice::settings::Settings;
use provenote_schemas::{Kind, Time};
use serde_json::json;

use super::Outcome;
use crate::args::Doctor;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{Bars, print, print_json};
use crate::surroundings::program_folder;

/// Room a session and its models' work should have, in bytes.
const ROOM: u64 = 2_000_000_000;

struct Check {
    id: &'static str,
    ok: bool,
    detail: String,
}

pub(super) fn run(home: &Home, asked: &Doctor) -> Outcome {
    if asked.accept_clock {
        let (mut practice, actor) = home.signed_in_anew()?;
        let seq = practice.accept_clock(&actor)?;
        if home.json() {
            print_json(&json!({ "seq": seq }));
        } else {
            print(&format!("Recorded that the clock stands behind the ledger and is right (entry {seq})"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut checks = Vec::new();
    let mut add = |id, ok, detail: String| checks.push(Check { id, ok, detail });
    let practice = match home.opened() {
        Ok(practice) => Some(practice),
        Err(failure) => {
            add("practice", false, failure.to_string());
            None
        }
    };
    let settings = match &practice {
        Some(practice) => {
            add("practice", true, home.path().display().to_string());
            add("vkey", true, practice.vault().vkey()?);
            let astray = home.keys_astray()?;
            let detail = match astray.first() {
                None => "every key file gives what the ledger says, to whom it says".to_owned(),
                Some(first) => {
                    format!("{} of them astray, the first: keys/{} {}", astray.len(), first.file, first.detail)
                }
            };
            add("keys", astray.is_empty(), detail);
            let settings = practice.settings()?;
            let (ok, detail) = clock(practice)?;
            add("clock", ok, detail);
            settings
        }
        None => Settings { drafting: home.drafting_models()?, ..Settings::default() },
    };
    let mut bars = Bars::new(home.json());
    let models = home.models()?;
    for (id, model) in [("speech_model", &settings.speech), ("voice_activity_model", &settings.voice_activity)]
        .into_iter()
        .chain(settings.drafting.iter().map(|model| ("drafting_model", model)))
    {
        match models.file(model) {
            Ok(file) => add(id, true, format!("{model} at {}", file.path.display())),
            Err(why) => add(id, false, why),
        }
    }
    bars.show("trying the workers' sandbox", 0.0);
    for (id, started) in workers(home, &settings, models)? {
        match started {
            Ok(detail) => add(id, true, detail),
            Err(detail) => add(id, false, detail),
        }
    }
    bars.end();
    let (ok, detail) = room(home);
    add("disk", ok, detail);
    add(
        "safeguards",
        !settings.allow_no_sandbox,
        if settings.allow_no_sandbox {
            "allow_no_sandbox is on: workers may run without isolation; every form, entry and report says so".to_owned()
        } else {
            "no safeguard is switched off".to_owned()
        },
    );
    if let Some(practice) = &practice {
        let (ok, detail) = backups(practice)?;
        add("backups", ok, detail);
        add("witnesses", true, witnesses(home)?);
    }
    if home.json() {
        print_json(
            &json!({ "checks": checks.iter().map(|check| json!({ "id": check.id, "ok": check.ok, "detail": check.detail })).collect::<Vec<_>>() }),
        );
    } else {
        for check in &checks {
            print(&format!("{} {:22}{}", if check.ok { "✓" } else { "✗" }, check.id, check.detail));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn clock(practice: &Practice) -> Result<(bool, String), Failure> {
    let size = practice.log().size().map_err(Failure::could)?;
    let last = match size.checked_sub(1) {
        Some(last) => Time::from_millis(practice.log().header(last)?.time),
        None => return Ok((true, "no entry yet".to_owned())),
    };
    let now = practice.now();
    Ok(if now.plus_seconds(5) < last {
        (
            false,
            format!(
                "the clock says {now}, the last entry is of {last}: set the clock, or `provenote doctor --accept-clock`"
            ),
        )
    } else {
        (true, format!("{now}, the last entry is of {last}"))
    })
}

/// A backup older than this is said to be old.
const OLD_BACKUP_MS: i64 = 30 * 86_400_000;

fn backups(practice: &Practice) -> Result<(bool, String), Failure> {
    let made = practice.ledger_log(Some(Kind::BackupCreated.as_str()), None, None)?;
    Ok(match made.last() {
        None => (false, "none was made yet: `provenote backup create FOLDER`, best on another disk".to_owned()),
        Some(last) => {
            let recent = practice.now().millis() - last.time < OLD_BACKUP_MS;
            let detail = format!("the last one is of {} (entry {})", Time::from_millis(last.time), last.seq);
            (recent, if recent { detail } else { detail + ", which is long ago: `provenote backup create FOLDER`" })
        }
    })
}

/// Nobody has to be watched; who is, is told how far.
fn witnesses(home: &Home) -> Result<String, Failure> {
    let policy = home.policy()?;
    if policy.witnesses().is_empty() {
        return Ok(
            "none: whoever holds the keys could rewrite what has not left this machine (`provenote witness add`)"
                .to_owned(),
        );
    }
    let standings = home.standings()?;
    let told = policy.witnesses().iter().map(|witness| {
        let standing = standings.with(&witness.key.to_string());
        format!("{} signed for {} entries", witness.name, standing.size)
    });
    Ok(format!("{}; {}", told.collect::<Vec<_>>().join(", "), policy.quorum_in_words()))
}

/// A check's id, and what it found: right or wrong, in words.
type Tried = (&'static str, Result<String, String>);

/// Starts each worker as a draft would, and tells what its own self-test found.
fn workers(home: &Home, settings: &Settings, models: &dyn Models) -> Result<Vec<Tried>, Failure> {
    let engines = home.engines(settings)?;
    let told = |shake: &provenote_pipeline::protocol::Handshake| {
        let refused = shake.probes.iter().filter(|probe| probe.refused).count();
        let detail = format!(
            "{}, {}: {refused} of {} forbidden acts refused by the kernel, worker {}",
            shake.engine_version,
            shake.sandbox,
            shake.probes.len(),
            shake.worker_sha256
        );
        if shake.isolated() { Ok(detail) } else { Err(detail) }
    };
    let folder = program_folder().map_err(Failure::Could)?;
    let mut found = Vec::new();
    let speech = models.file(&settings.speech).and_then(|model| {
        let voice = models.file(&settings.voice_activity).ok();
        engines
            .transcriber(&model, voice.as_ref())
            .map_err(|error| error.to_string())
            .and_then(|worker| told(worker.handshake()))
    });
    found.push(("speech_worker", speech));
    let first = settings.drafting.first().cloned().unwrap_or_default();
    let drafting = models.file(&first).and_then(|model| {
        engines.drafter(&model).map_err(|error| error.to_string()).and_then(|worker| told(worker.handshake()))
    });
    found.push(("drafting_worker", drafting));
    let beside = ["provenote-worker-whisper", "provenote-worker-llama"].iter().all(|name| folder.join(name).is_file());
    found.push((
        "workers",
        if beside {
            Ok(folder.display().to_string())
        } else {
            Err(format!("the workers are not in {}: run `make`", folder.display()))
        },
    ));
    Ok(found)
}

fn room(home: &Home) -> (bool, String) {
    let place = home.path().ancestors().find(|path| path.is_dir());
    match place.and_then(|path| rustix::fs::statvfs(path).ok()) {
        Some(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            (free >= ROOM, format!("{} MB free", free / 1_000_000))
        }
        None => (false, "the free space cannot be read".to_owned()),
    }
}
