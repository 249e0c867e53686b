//! `terms`: terms and policies that change.

mod watch;

use std::path::Path;
use std::process::ExitCode;

use provenote_schemas::Digest;
use provenote_vendors::terms::{Direction, TermsDiff, diff};
use serde_json::json;

use super::Outcome;
use crate::args::Terms;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::reading;
use crate::screen::{print, print_json, word};

const NOT_SHOWN: &str = "This is not legal advice. It compares words: what a company does, it does not show.";

pub(super) fn run(home: &Home, asked: Terms) -> Outcome {
    match asked {
        Terms::Diff { old, new } => compare(home, &old, &new),
        Terms::Track(asked) => watch::track(home, &asked),
        Terms::Untrack { source } => watch::untrack(home, &source),
        Terms::List { vendor } => watch::list(home, vendor.as_deref()),
        Terms::Check { vendor } => watch::check(home, vendor.as_deref()),
        Terms::Settle { vendor, because, words } => watch::settle(home, &vendor, because, &words),
        Terms::Import { vendor, folder, service } => watch::import(home, &vendor, &folder, service.as_deref()),
    }
}

fn compare(home: &Home, old: &Path, new: &Path) -> Outcome {
    let (before, before_bytes) = reading::document(old)?;
    let (after, after_bytes) = reading::document(new)?;
    let found = diff(&before, &after);
    if home.json() {
        let mut shown = serde_json::to_value(&found).map_err(Failure::could)?;
        shown["old"] = json!({ "file": old, "sha256": Digest::of(&before_bytes) });
        shown["new"] = json!({ "file": new, "sha256": Digest::of(&after_bytes) });
        shown["not_shown"] = json!(NOT_SHOWN);
        print_json(&shown);
    } else {
        told(&found, "");
        print(NOT_SHOWN);
    }
    Ok(if is_worse(found.direction) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Whether a script must stop at it.
pub(super) fn is_worse(direction: Direction) -> bool {
    matches!(direction, Direction::Worse | Direction::Mixed)
}

/// A direction in words.
pub(super) fn in_words(direction: Direction) -> &'static str {
    match direction {
        Direction::Better => "better for the people whose data it is",
        Direction::Worse => "worse for the people whose data it is",
        Direction::PartlyBetter => "better in part: a use was limited and goes on",
        Direction::Mixed => "some for better, some for worse",
        Direction::None => "nothing about the use of data changed",
    }
}

/// What changed, for a person.
pub(super) fn told(found: &TermsDiff, indent: &str) {
    print(&format!("{indent}Direction: {} ({})", word(&found.direction), in_words(found.direction)));
    if let Some(caution) = &found.caution {
        print(&format!("{indent}Take care: {caution}"));
    }
    for change in &found.changes {
        print(&format!("{indent}  {} ({})", change.kind.replace('_', " "), word(&change.direction)));
        for (which, quote, start, end) in [
            ("was", &change.old_quote, change.old_start, change.old_end),
            ("is ", &change.new_quote, change.new_start, change.new_end),
        ] {
            if let (Some(start), Some(end)) = (start, end) {
                let words = quote.split_whitespace().collect::<Vec<_>>().join(" ");
                print(&format!("{indent}    {which} “{words}” (characters {start} to {end})"));
            }
        }
    }
    for passage in &found.stays {
        print(&format!("{indent}  goes on: “{}” (characters {} to {})", passage.quote, passage.start, passage.end));
    }
    print(&format!(
        "{indent}Sentences whose words changed, whether or not it matters for data: {}",
        found.sentences_changed
    ));
}
