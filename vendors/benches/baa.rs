//! `cargo bench -p provenote-vendors --bench baa`: the review's scores on the part of the fixtures that was looked at and
//! on the part that is only scored, and its speed on an agreement of sixty pages.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../tests/scoring/mod.rs"]
mod scoring;

use std::fmt::Write;
use std::time::{Duration, Instant};

use provenote_vendors::baa::{Rules, review};
use provenote_vendors::reading::Document;

/// What a review of sixty pages may take.
const LIMIT: Duration = Duration::from_millis(150);
/// Words on a page of an agreement.
const WORDS_A_PAGE: usize = 450;

fn main() {
    let start = now();
    let rules = Rules::bundled().expect("the bundled rules");
    println!("rules loaded in {:.1} ms", millis(start.elapsed()));
    for (part, what) in [("seen", "looked at"), ("scored", "only scored")] {
        println!("{what:<12} {}", scoring::score(&rules, &scoring::fixtures(part)).report(false));
    }

    let text = long_agreement(60 * WORDS_A_PAGE);
    let start = now();
    let document = Document::from_text(&text);
    let reading = start.elapsed();
    let fresh = Rules::bundled().expect("the bundled rules");
    let mut times = Vec::new();
    for rules in [&fresh, &rules, &rules, &rules] {
        let start = now();
        let found = review(&document, rules);
        times.push(start.elapsed());
        assert!(!found.provisions.is_empty());
    }
    println!(
        "60 pages ({} words): text read in {:.1} ms, first review {:.1} ms, next {:.1} ms, of {} ms allowed",
        text.split_whitespace().count(),
        millis(reading),
        millis(times[0]),
        millis(times[3]),
        LIMIT.as_millis()
    );
}

/// An agreement of so many words, of numbered sections that differ in what they name.
fn long_agreement(words: usize) -> String {
    let mut text = String::from(
        "BUSINESS ASSOCIATE AGREEMENT\n\nbetween Vendor (\"Business Associate\") and Practice (\"Covered Entity\").\n\n",
    );
    let mut section = 0;
    let mut written = 0;
    while written < words {
        for sentence in [
            "Business Associate shall not use or disclose PHI other than as permitted by this Agreement or as required by law.",
            "Business Associate shall report to Covered Entity any use or disclosure not provided for by this Agreement of which it becomes aware.",
            "Business Associate shall ensure that any subcontractor agrees in writing to the same restrictions, conditions and requirements.",
            "Upon termination Business Associate shall return or destroy all PHI received from Covered Entity and retain no copies.",
            "Covered Entity shall notify Business Associate of any limitation in its notice of privacy practices to the extent that it affects the services.",
            "Each party shall give the other notice in writing at the address stated on the signature page, and notice is effective on receipt.",
        ] {
            section += 1;
            write!(text, "{section}. Section {section} of Schedule {}. {sentence}\n\n", section % 17)
                .expect("writing to a string");
            written += sentence.split_whitespace().count() + 6;
        }
    }
    text
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[expect(clippy::disallowed_methods, reason = "benchmarks measure")]
fn now() -> Instant {
    Instant::now()
}
