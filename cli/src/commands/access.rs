//! `access`: who may open what, for how long, and why.

mod devices;
mod factor;
mod grants;
mod incidents;
mod places;
mod policies;
mod review;
mod users;

use std::process::ExitCode;

use serde_json::json;

pub(super) use grants::line;

use super::Outcome;
use crate::args::Access;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Access) -> Outcome {
    match asked {
        Access::User(asked) => users::run(home, asked),
        Access::Assign { client, user } => {
            let (mut practice, actor) = home.signed_in()?;
            let done = practice.assign(&actor, &client, &user)?;
            told(home, done, "They treat the client from now on")
        }
        Access::Unassign { client, user } => {
            let (mut practice, actor) = home.signed_in()?;
            let done = practice.unassign(&actor, &client, &user)?;
            told(home, done, "They treat the client no longer")
        }
        Access::Supervise { supervisor, supervisee, end } => {
            let (mut practice, actor) = home.signed_in()?;
            let done = practice.supervise(&actor, &supervisor, &supervisee, !end)?;
            told(
                home,
                done,
                if end { "They no longer answer for that work" } else { "They answer for that work from now on" },
            )
        }
        Access::Grant(asked) => grants::run(home, asked),
        Access::Emergency(asked) => grants::emergency(home, asked),
        Access::Factor(asked) => factor::run(home, asked),
        Access::Device(asked) => devices::run(home, asked),
        Access::Place(asked) => places::run(home, asked),
        Access::Incident(asked) => incidents::run(home, asked),
        Access::Review(asked) => review::run(home, asked),
        Access::Explain { user, action, resource } => policies::explain(home, &user, &action, &resource),
        Access::Policy(asked) => policies::run(home, asked),
    }
}

/// What a change of people did.
fn told(home: &Home, done: provenote_practice::staff::Changed, words: &str) -> Outcome {
    if home.json() {
        print_json(&json!(done));
    } else {
        let keys = if done.keys == 1 { "1 key was".to_owned() } else { format!("{} keys were", done.keys) };
        print(&format!("{words} (entry {}); {keys} wrapped anew", done.seq));
    }
    Ok(ExitCode::SUCCESS)
}
