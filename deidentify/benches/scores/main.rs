//! Recall and precision by identifier on the labelled passages, and how long a transcript of ten thousand words takes,
//! beside reading its words once and doing nothing with them.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

mod passages;

use std::hint::black_box;
use std::time::Instant;

use passages::{FRESH, LATER, SCORED, SEEN, Score, read, score};
use provenote_deidentify::{Options, Roster, clean};

const WORDS: usize = 10_000;
const ROUNDS: usize = 9;

fn share(part: usize, of: usize) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.2}", part as f64 / of as f64) }
}

fn table(title: &str, file: &str, show: bool) {
    let passages = read(file);
    let (scores, wrong) = score(&passages);
    println!("\n{title}: {} passages", passages.len());
    println!(
        "{:<14} {:>8} {:>6} {:>7}   {:>7} {:>9}",
        "identifier", "labelled", "found", "recall", "removed", "precision"
    );
    let mut all = Score::default();
    for (identifier, score) in &scores {
        let name = format!("{identifier:?}");
        println!(
            "{name:<14} {:>8} {:>6} {:>7}   {:>7} {:>9}",
            score.labelled,
            score.found,
            share(score.found, score.labelled),
            score.removed,
            share(score.right, score.removed)
        );
        all.labelled += score.labelled;
        all.found += score.found;
        all.removed += score.removed;
        all.right += score.right;
    }
    println!(
        "{:<14} {:>8} {:>6} {:>7}   {:>7} {:>9}",
        "all",
        all.labelled,
        all.found,
        share(all.found, all.labelled),
        all.removed,
        share(all.right, all.removed)
    );
    // What went wrong is shown of the seen part only: looking at the other would make it seen.
    if show {
        for line in wrong {
            println!("  {line}");
        }
    }
}

fn transcript() -> (String, Roster) {
    let passages = read(SEEN);
    let mut text = String::new();
    let mut roster = Roster::default();
    let mut words = 0;
    for passage in passages.iter().cycle() {
        words += passage.text.split_whitespace().count();
        text.push_str(&passage.text);
        text.push('\n');
        if roster.people.len() < 12 {
            roster.people.extend(passage.roster.people.iter().cloned());
        }
        if words >= WORDS {
            break;
        }
    }
    (text, roster)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn timed(mut work: impl FnMut()) -> f64 {
    let times = (0..ROUNDS).map(|_| {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1000.0
    });
    median(times.collect())
}

fn main() {
    println!(
        "Safe Harbor needs more than any score: a person confirms, and the practice must have no actual knowledge."
    );
    table("seen while the rules were made", SEEN, std::env::args().any(|word| word == "--wrong"));
    table("written before the rules, never tuned by", SCORED, false);
    table("written after the rules, then looked at", FRESH, false);
    table("written after the rules were changed because of those", LATER, false);
    let (text, roster) = transcript();
    let options = Options::years(Some(2024));
    // The lists are read at the first use; that is no part of a text's time.
    black_box(clean("Once.", &roster, &options, &[1; 32]));
    let cleaning = timed(|| {
        black_box(clean(&text, &roster, &options, &[1; 32]));
    });
    let reading = timed(|| {
        black_box(
            text.split_whitespace().map(|word| word.chars().filter(|c| c.is_alphabetic()).count()).sum::<usize>(),
        );
    });
    println!(
        "\n{} words cleaned in {cleaning:.0} ms (wanted: under 300 ms), {:.0} times as long as reading them",
        text.split_whitespace().count(),
        cleaning / reading.max(0.001)
    );
}
