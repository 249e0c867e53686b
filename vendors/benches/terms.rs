//! How well the labelled pairs of terms are judged, and how long 515 versions of a 14,000-word page take, beside a plain
//! line diff of the same versions.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use provenote_vendors::reading::Document;
use provenote_vendors::terms::{Direction, diff, history};
use similar::{ChangeTag, TextDiff};

#[path = "../tests/terms_pairs/mod.rs"]
mod terms_pairs;
use terms_pairs::{Pair, misplaced, pairs};

const VERSIONS: usize = 515;
const WORDS: usize = 14_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

fn main() {
    for part in ["seen", "held"] {
        score(part, &pairs().into_iter().filter(|pair| pair.part == part).collect::<Vec<_>>());
    }
    speed();
}

fn score(part: &str, pairs: &[Pair]) {
    let (mut real, mut direction, mut whole, mut form, mut alarms, mut wrong_quotes) = (0, 0, 0, 0, 0, 0);
    let mut faults = String::new();
    for pair in pairs {
        let (old, new) = pair.texts();
        let (old, new) = (Document::from_markdown(&old), Document::from_markdown(&new));
        let found = diff(&old, &new);
        wrong_quotes += misplaced(&found, &old, &new).len();
        let wrong = pair.faults(&found);
        if pair.direction == Direction::None {
            form += 1;
            alarms += usize::from(found.direction != Direction::None);
        } else {
            real += 1;
            direction += usize::from(found.direction == pair.direction);
        }
        whole += usize::from(wrong.is_empty());
        // What the held part gets wrong is counted, never shown: looked at, it would be no longer held.
        if part == "seen" && !wrong.is_empty() {
            let _ = writeln!(faults, "    {}: {}", pair.id, wrong.join("; "));
        }
    }
    println!(
        "terms, {part}: direction right in {direction} of {real} changes; {alarms} alarms on {form} changes of form; direction, \
         type and quote right in {whole} of {}; {wrong_quotes} quotes out of place",
        pairs.len()
    );
    print!("{faults}");
}

/// The page at a version: many clauses, of which a few differ from version to version; a few speak of data.
fn page(version: usize) -> String {
    let mut text = format!("# Terms\n\nLast updated: 2025-01-{:02}\n\n", version % 28 + 1);
    let mut words = 0;
    let mut clause = 0;
    while words < WORDS {
        clause += 1;
        if clause % 12 == 1 {
            let _ = write!(text, "## {}. Part {}\n\n", clause / 12 + 1, clause / 12 + 1);
        }
        // Each clause is reworded at its own pace.
        let edition = (version + clause * 7) / (40 + clause % 60);
        let sentence = match clause % 9 {
            0 => format!(
                "We keep the records of kind {clause} for {} days after the account of the customer is closed.",
                30 + edition
            ),
            1 => format!(
                "We may use content of sort {clause} to improve our services in the manner described in section {edition}."
            ),
            2 => format!(
                "We share personal information of group {clause} with service providers and affiliates under contract {edition}."
            ),
            3 => format!(
                "We do not sell personal information of register {clause} to advertisers, under edition {edition} of this part."
            ),
            4 => format!(
                "You can ask us to delete the documents of series {clause} by the form numbered {edition} in your settings."
            ),
            _ => format!(
                "The parties agree that matter {clause} is governed by the practice of the place in which it arises, as amended {edition} times."
            ),
        };
        words += sentence.split(' ').count();
        let _ = write!(text, "{sentence} ");
        if clause % 3 == 0 {
            text.push_str("\n\n");
        }
    }
    text
}

fn speed() {
    let texts: Vec<String> = (0..VERSIONS).map(page).collect();
    let words = texts[0].split_whitespace().count();
    let begun = Instant::now();
    let mut lines = 0;
    for two in texts.windows(2) {
        let changed = TextDiff::from_lines(two[0].as_str(), two[1].as_str());
        lines += changed.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).count();
    }
    black_box(lines);
    let baseline = begun.elapsed();
    let begun = Instant::now();
    let versions = texts.iter().enumerate().map(|(at, text)| (at as i64 * 10 * DAY, Document::from_markdown(text)));
    let steps = history(versions);
    let took = begun.elapsed();
    let changes: usize = steps.iter().map(|step| step.diff.changes.len()).sum();
    println!(
        "terms, speed: {VERSIONS} versions of {words} words in sequence in {:.2} s ({} steps, {changes} changes told); a plain line \
         diff of the same: {:.2} s, {:.1} times as long",
        took.as_secs_f64(),
        steps.len(),
        baseline.as_secs_f64(),
        took.as_secs_f64() / baseline.as_secs_f64().max(f64::EPSILON)
    );
    assert!(steps.len() > VERSIONS / 2, "the versions differ: {}", steps.len());
}
