//! `access explain` and `access policy`: what decides, and what other policies would change.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_access::{Change, PolicyFile};
use serde_json::json;

use super::super::{Outcome, read_text};
use crate::acts;
use crate::args::Policy;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

/// The longest policy file that is read.
const LONGEST: u64 = 64 * 1024;

pub(super) fn explain(home: &Home, user: &str, action: &str, resource: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let told = practice.explain(&actor, user, action, resource)?;
    if home.json() {
        print_json(&json!(told));
        return Ok(ExitCode::SUCCESS);
    }
    let verdict = if told.allowed { "allowed" } else { "refused" };
    print(&format!("{verdict}: {} ({}) {} on {}", told.user, told.role, told.act, told.resource));
    for reason in &told.reasons {
        print(&format!("  because {reason}"));
    }
    for policy in &told.policies {
        print(&format!("  policy {} ({})", policy.id, policy.at));
    }
    print(&format!("Taken for granted: {}", told.assumed.join("; ")));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn run(home: &Home, asked: Policy) -> Outcome {
    match asked {
        Policy::Check { files } => {
            let texts = read(&files)?;
            let (mut practice, actor) = home.signed_in()?;
            let changes = practice.check_policies(&actor, &named(&texts))?;
            told(home, &changes, "Nothing was changed. `provenote access policy apply` puts them in force.")
        }
        Policy::Apply { files } => {
            let texts = read(&files)?;
            let (mut practice, actor) = home.signed_in_to_change_policies()?;
            let changes = practice.check_policies(&actor, &named(&texts))?;
            let seq = practice.change_policies(&actor, &named(&texts))?;
            home.write_policies(&texts)?;
            told(home, &changes, &format!("In force from now on (entry {seq})."))
        }
        Policy::Table { commands } => {
            match (commands, home.json()) {
                (true, true) => print_json(&acts::table_json()),
                (true, false) => print(acts::table().trim_end()),
                (false, true) => print_json(&json!({ "table": provenote_access::TABLE })),
                (false, false) => print(provenote_access::TABLE),
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn told(home: &Home, changes: &[Change], end: &str) -> Outcome {
    if home.json() {
        let changes: Vec<_> = changes
            .iter()
            .map(|change| {
                json!({
                    "allowed": change.allowed, "role": change.role, "action": change.act,
                    "of": change.kind.to_string(), "conditions": change.conditions,
                })
            })
            .collect();
        print_json(&json!({ "changes": changes }));
        return Ok(ExitCode::SUCCESS);
    }
    if changes.is_empty() {
        print("Nothing would be decided in another way.");
    }
    for change in changes {
        let word = if change.allowed { "newly allowed" } else { "newly forbidden" };
        print(&format!("{word}: {} {} on a {}", change.role, change.act, change.kind));
        for condition in &change.conditions {
            print(&format!("  {condition}"));
        }
    }
    print(end);
    Ok(ExitCode::SUCCESS)
}

/// Names and texts of policy files.
fn read(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    files
        .iter()
        .map(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if Path::new(&name).extension().is_none_or(|ending| ending != "cedar") {
                return Err(Failure::Usage(format!("{} is no policy file: its name ends in .cedar", path.display())));
            }
            Ok((name, read_text(path, LONGEST)?))
        })
        .collect()
}

fn named(texts: &[(String, String)]) -> Vec<PolicyFile<'_>> {
    texts.iter().map(|(name, text)| PolicyFile { name, text }).collect()
}
