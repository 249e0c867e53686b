//! `access grant` and `access emergency`: access for a limited time.

use std::process::ExitCode;

use provenote_ledger::Argon2Params;
use provenote_practice::grants::{GrantAsked, GrantChanged, GrantShown};
use serde_json::json;

use super::super::Outcome;
use crate::args::{Emergency, GrantCommand, GrantScope};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{self, print, print_json};

fn asked(scope: &GrantScope) -> GrantAsked<'_> {
    GrantAsked {
        client: scope.client.as_deref(),
        session: scope.session.as_deref(),
        note: scope.note.as_deref(),
        class: scope.class,
        minutes: scope.minutes,
        reason: &scope.reason,
        authority: scope.authority,
    }
}

pub(super) fn run(home: &Home, command: GrantCommand) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    match command {
        GrantCommand::Request(scope) => {
            let done = practice.request_grant(&actor, &asked(&scope))?;
            told(home, &done, "Asked for; somebody else has to approve it")
        }
        GrantCommand::Approve { grant } => {
            let done = practice.approve_grant(&actor, &grant)?;
            told(home, &done, "Given")
        }
        GrantCommand::Deny { grant } => {
            let done = practice.deny_grant(&actor, &grant)?;
            told(home, &done, "Denied")
        }
        GrantCommand::Revoke { grant } => {
            let done = practice.revoke_grant(&actor, &grant)?;
            told(home, &done, "Taken back; its key is destroyed")
        }
        GrantCommand::Reason { grant } => {
            let reason = practice.grant_reason(&actor, &grant)?;
            if home.json() {
                print_json(&json!({ "grant": grant, "reason": reason }));
            } else {
                print(&reason);
            }
            Ok(ExitCode::SUCCESS)
        }
        GrantCommand::List => {
            let grants = practice.list_grants(&actor)?;
            if home.json() {
                print_json(&json!({ "grants": grants }));
            } else {
                grants.iter().for_each(|grant| print(&line(grant)));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

pub(super) fn emergency(home: &Home, command: Emergency) -> Outcome {
    // Breaking the glass asks for the passphrase again.
    let (mut practice, actor) =
        if matches!(command, Emergency::Take { .. }) { home.signed_in_anew()? } else { home.signed_in()? };
    match command {
        Emergency::Prepare => {
            let code = practice.prepare_emergency(&actor, Argon2Params::default())?;
            screen::say(&format!(
                "Code of the emergency key, shown once and kept nowhere. Write it on paper, seal it in an envelope, sign across the flap, and keep it where clinicians find it:\n\n    {}\n",
                code.as_str()
            ));
            if home.json() {
                print_json(&json!({ "prepared": true }));
            } else {
                print("The emergency key is made anew; the code before it opens nothing that is written from now on.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Emergency::Take { scope, code_file } => {
            let code = match code_file {
                Some(file) => home.secret_line(&file)?,
                None => screen::ask_passphrase("Code of the envelope: ").map_err(Failure::Could)?,
            };
            let done = practice.break_glass(&actor, &asked(&scope), &code)?;
            screen::say(
                "EMERGENCY ACCESS: this is in the ledger, in the client's file and in every report until somebody else has reviewed it. The envelope is open: an owner makes a new code with `provenote access emergency prepare`.",
            );
            told(home, &done, "Taken")
        }
        Emergency::Review { grant, words } => {
            let done = practice.review_emergency(&actor, &grant, &words)?;
            told(home, &done, "Reviewed")
        }
        Emergency::Status => {
            let standing = practice.emergencies()?;
            if home.json() {
                print_json(&json!(standing));
            } else {
                print(match (standing.prepared, standing.envelope_open) {
                    (false, _) => "No emergency key is prepared.",
                    (true, false) => "An emergency key is prepared; its code was not used.",
                    (true, true) => {
                        "The emergency key's code was used: make a new one with `provenote access emergency prepare`."
                    }
                });
                for grant in &standing.unreviewed {
                    print(&format!("Not reviewed: {}", line(grant)));
                }
            }
            let found = standing.envelope_open || !standing.unreviewed.is_empty();
            Ok(if found { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
        }
    }
}

fn told(home: &Home, done: &GrantChanged, words: &str) -> Outcome {
    if home.json() {
        print_json(&json!(done));
    } else {
        let until = done.until.map(|until| format!(", until {until}")).unwrap_or_default();
        print(&format!("{words}: {} (entry {}){until}", done.grant, done.seq));
    }
    Ok(ExitCode::SUCCESS)
}

pub(in crate::commands) fn line(grant: &GrantShown) -> String {
    let whose = grant.client.as_ref().map_or_else(|| "every client".to_owned(), ToString::to_string);
    let part = match (&grant.session, &grant.note) {
        (Some(session), _) => format!(" {session}"),
        (None, Some(note)) => format!(" {note}"),
        (None, None) => String::new(),
    };
    let until = grant.until.map(|until| format!(" {until}")).unwrap_or_default();
    let marks = match (grant.emergency, grant.unreviewed) {
        (true, true) => "  EMERGENCY, not reviewed",
        (true, false) => "  emergency, reviewed",
        (false, _) => "",
    };
    let state = grant.state.replace('_', " ");
    format!(
        "{}  {}  {} of {whose}{part}, {} minutes  {state}{until}{marks}",
        grant.grant, grant.requester, grant.class, grant.minutes
    )
}
