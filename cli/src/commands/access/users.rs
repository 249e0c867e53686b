//! `access user`: who has keys.

use std::process::ExitCode;

use provenote_ledger::Argon2Params;
use provenote_practice::staff::{Entry, NewUser};
use provenote_schemas::Time;
use serde_json::json;

use super::super::Outcome;
use crate::args::{User, UserAdd};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{self, print, print_json};

pub(super) fn run(home: &Home, asked: User) -> Outcome {
    match asked {
        User::List => list(home),
        User::Add(asked) => add(home, &asked),
        User::Redeem { user, code_file } => {
            let mut practice = home.opened()?;
            let code = match code_file {
                Some(file) => home.secret_line(&file)?,
                None => screen::ask_passphrase("Code of the invitation: ").map_err(Failure::Could)?,
            };
            let passphrase = home.new_passphrase()?;
            let actor = practice.redeem(&user, &code, passphrase.as_bytes(), Argon2Params::default())?;
            if home.json() {
                print_json(&json!({ "user": actor.user(), "role": actor.role() }));
            } else {
                print(&format!(
                    "You are {} ({}). Your keys are your own now: name yourself with --as {}",
                    actor.user(),
                    actor.role(),
                    actor.user()
                ));
            }
            Ok(ExitCode::SUCCESS)
        }
        User::Change { user, role, until } => {
            let ends = until.as_deref().map(end_of_day).transpose()?;
            let (mut practice, mut actor) = home.signed_in()?;
            let done = practice.change_user(&mut actor, &user, role, ends)?;
            super::told(home, done, &format!("{user} is {role} from now on"))
        }
        User::Remove { user } => {
            let (mut practice, mut actor) = home.signed_in()?;
            let done = practice.remove_user(&mut actor, &user)?;
            super::told(
                home,
                done,
                &format!(
                    "{user} was removed, and the ledger has a new key; what is sealed from now on has keys they never had"
                ),
            )
        }
    }
}

fn list(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let users = practice.list_users(&actor)?;
    if home.json() {
        print_json(&json!({ "users": users }));
    } else {
        for user in &users {
            let mut marks = Vec::new();
            if user.invited {
                marks.push("invited".to_owned());
            }
            match &user.factor {
                Some(factor) => marks.push(format!(
                    "second factor since {}, {} recovery codes left",
                    factor.since.date(),
                    factor.recovery_codes_left
                )),
                None if practice.factor_required(user.role)? && !user.invited => {
                    marks.push("no second factor yet".to_owned());
                }
                None => {}
            }
            if let Some(ends) = user.ends {
                marks.push(format!("until {}", ends.date()));
            }
            let marks = if marks.is_empty() { String::new() } else { format!("  ({})", marks.join(", ")) };
            print(&format!("{}  {}  {}{marks}", user.id, user.role, user.name));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn add(home: &Home, asked: &UserAdd) -> Outcome {
    let ends = asked.until.as_deref().map(end_of_day).transpose()?;
    let passphrase = asked.user_passphrase_file.as_deref().map(|file| home.secret_line(file)).transpose()?;
    let (mut practice, actor) = home.signed_in()?;
    let entry = passphrase.as_ref().map_or(Entry::Invitation, |passphrase| Entry::Passphrase(passphrase.as_bytes()));
    let new = NewUser { name: &asked.name, role: asked.role, ends, entry, argon2: Argon2Params::default() };
    let added = practice.add_user(&actor, &new)?;
    if !actor.presence().factor_given && practice.factor_required(actor.role())? {
        screen::say("From now on you give a second factor: make one with `provenote access factor add`");
    }
    if let Some(code) = &added.code {
        screen::say(&format!(
            "Code of the invitation, shown once and kept nowhere; give it to the user, not with this folder:\n\n    {}\n",
            code.as_str()
        ));
    }
    if home.json() {
        print_json(&json!({
            "user": added.user, "role": asked.role, "seq": added.seq, "wrapped": added.wrapped,
            "invited": added.code.is_some(),
        }));
    } else {
        print(&format!("Added {} as {} (entry {}); {} keys wrapped", added.user, asked.role, added.seq, added.wrapped));
        if added.code.is_some() {
            print(&format!("Next, by the user: provenote access user redeem {}", added.user));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The end of a day, `YYYY-MM-DD`: the first moment of the next, UTC.
fn end_of_day(date: &str) -> Result<Time, Failure> {
    let day = (date.len() == 10).then(|| Time::parse(&format!("{date}T00:00:00Z")).ok()).flatten();
    let day = day.ok_or_else(|| Failure::Usage(format!("`{date}` is no date: give one as 2027-01-31")))?;
    Ok(day.plus_days(1))
}
