//! `unlock` and `lock`: keys held for a while, and forgotten.

use std::path::Path;
use std::process::ExitCode;

use provenote_practice::Practice;
use serde_json::json;

use super::{Outcome, witness};
use crate::agent;
use crate::args::Unlock;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{self, print, print_json};

pub(super) fn unlock(home: &Home, asked: &Unlock) -> Outcome {
    let (mut practice, actor) = home.signed_in_to_unlock()?;
    // Before anything is added to what may be an older copy.
    ask_witnesses(home, &practice)?;
    // Held before the entry that says so: in between, nobody takes them for forgotten.
    home.hold(&actor, asked.idle, practice.session_of(&actor)?)?;
    practice.unlocked(&actor, asked.idle).inspect_err(|_| {
        agent::forget(home.path(), Some(actor.user().as_str()));
    })?;
    if home.json() {
        print_json(&json!({ "user": actor.user(), "idle_minutes": asked.idle }));
    } else {
        print(&format!(
            "Unlocked for {}; the keys are forgotten after {} minutes without a command, or with `provenote lock`",
            actor.user(),
            asked.idle
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The day begins with asking who watches: a witness that knows a longer ledger is the alarm for an older copy put back.
/// One that cannot be reached is asked again by `witness update`, and at the next unlocking.
fn ask_witnesses(home: &Home, practice: &Practice) -> Result<(), Failure> {
    let policy = home.policy()?;
    if policy.witnesses().is_empty() {
        return Ok(());
    }
    let round = witness::ask_log(home, practice.log(), &policy)?;
    for (name, outcome) in &round.outcomes {
        screen::say(&outcome.sentence(name));
    }
    if round.alarms().next().is_some() {
        agent::forget(home.path(), home.user());
        return Err(Failure::Findings(
            "a witness knows a longer or another ledger than this one (see above): nothing was unlocked".to_owned(),
        ));
    }
    Ok(())
}

pub(super) fn recover(home: &Home, code_file: Option<&Path>) -> Outcome {
    let code = match code_file {
        Some(file) => home.secret_line(file)?,
        None => screen::ask_passphrase("Recovery code: ").map_err(Failure::Could)?,
    };
    let (mut practice, actor) = home.recovered(&code)?;
    let passphrase = home.new_passphrase()?;
    practice.change_passphrase(&actor, passphrase.as_bytes())?;
    agent::forget(home.path(), home.user());
    let code = practice.new_recovery_code(&actor)?;
    screen::say(&format!(
        "New recovery code, shown once and kept nowhere; the one just used is no longer good:\n\n    {}\n",
        code.as_str()
    ));
    if home.json() {
        print_json(&json!({ "user": actor.user() }));
    } else {
        print(&format!("The keys of {} are sealed under the new passphrase.", actor.user()));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn lock(home: &Home) -> Outcome {
    // The entry needs the keys that are about to go; where none are held there is nothing to record.
    if let Some(held) = agent::held(home.path(), home.user()) {
        let (mut practice, actor) = home.resumed(&held.keys)?;
        practice.locked(&actor)?;
    }
    let was_held = agent::forget(home.path(), home.user());
    if home.json() {
        print_json(&json!({ "locked": true, "was_unlocked": was_held }));
    } else {
        print(if was_held { "Locked: the keys are forgotten." } else { "Locked: no keys were held." });
    }
    Ok(ExitCode::SUCCESS)
}
