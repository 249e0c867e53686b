//! `client openings`: everybody who opened a client's file, in words for the client.

use std::path::Path;

use provenote_practice::trail::{Opening, Openings};
use provenote_practice::{Actor, Practice};
use serde_json::json;

use crate::commands::{can_write, write_new};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(
    home: &Home,
    practice: &mut Practice,
    actor: &Actor,
    client: &str,
    output: Option<&Path>,
) -> Result<(), Failure> {
    if let Some(file) = output {
        can_write(file)?;
    }
    let made = practice.openings(actor, client)?;
    match output {
        None if home.json() => print_json(&json!(made)),
        None => lines(&made).iter().for_each(|line| print(line)),
        Some(file) => {
            let record = practice.record(actor)?;
            let mut text = vec![record.name.clone(), format!("Made {}", practice.now())];
            text.extend(lines(&made));
            write_new(file, (text.join("\n") + "\n").as_bytes())?;
            if home.json() {
                print_json(&json!({ "file": file, "openings": made.openings.len() }));
            } else {
                print(&format!("Wrote the list to {}", file.display()));
            }
        }
    }
    Ok(())
}

fn lines(made: &Openings) -> Vec<String> {
    let mut lines = vec![format!("Who opened the file {}", made.client)];
    if made.openings.is_empty() {
        lines.push("  Nobody has opened it yet.".to_owned());
    }
    lines.extend(made.openings.iter().map(line));
    lines.push("What this list cannot show:".to_owned());
    lines.extend(made.cannot_show.iter().map(|sentence| format!("  {sentence}")));
    lines
}

fn line(one: &Opening) -> String {
    let who = one.name.as_deref().unwrap_or(&one.user);
    let role = one.role.map(|role| format!(", {}", role.as_str().replace('_', " "))).unwrap_or_default();
    let left = if one.handed { "; it left the practice's records" } else { "" };
    let time = one.time.to_string();
    let (day, clock) = (time.get(..10).unwrap_or_default(), time.get(11..16).unwrap_or_default());
    format!("  {day} {clock} UTC  {} ({who}{role}{left}; entry {})", one.says, one.seq)
}
