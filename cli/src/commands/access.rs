//! `access`: users and roles.

use std::process::ExitCode;

use serde_json::json;

use super::Outcome;
use crate::args::{Access, User};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Access) -> Outcome {
    let Access::User(User::List) = asked;
    let (practice, actor) = home.signed_in()?;
    let users = practice.list_users(&actor)?;
    if home.json() {
        print_json(&json!({ "users": users }));
    } else {
        users.iter().for_each(|user| print(&format!("{}  {}  {}", user.id, user.role, user.name)));
    }
    Ok(ExitCode::SUCCESS)
}
