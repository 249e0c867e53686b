//! `baa`: what a business associate agreement promises, permits and leaves out.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use provenote_schemas::Digest;
use provenote_vendors::baa::{Fact, Present, Provision, Quote, RedFlag, Review, Rules, Stance, review};
use serde_json::json;

use super::{Outcome, read_text};
use crate::args::{Baa, BaaReview};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::reading;
use crate::screen::{Bars, print, print_json, word};

/// The largest file of rules, in bytes.
const LARGEST_RULES: u64 = 4 << 20;

/// What stands under every review.
const NOT_SHOWN: &str = "This is not legal advice. A review reads words: it does not show what a company does, and \
a rule may miss a promise or a permission that is worded in a new way. Read what is quoted in its place.";

pub(super) fn run(home: &Home, asked: Baa) -> Outcome {
    match asked {
        Baa::Review(asked) => reviewed(home, &asked),
        Baa::Rules { files } => rules(home, &files),
    }
}

/// The bundled rules and those of these files.
pub(super) fn rules_with(files: &[PathBuf]) -> Result<Rules, Failure> {
    let mut rules = Rules::bundled().map_err(Failure::could)?;
    for file in files {
        let text = read_text(file, LARGEST_RULES)?;
        rules = rules.with(&file.display().to_string(), &text).map_err(Failure::could)?;
    }
    Ok(rules)
}

fn reviewed(home: &Home, asked: &BaaReview) -> Outcome {
    let rules = rules_with(&asked.rules)?;
    let (document, bytes) = reading::document(&asked.file)?;
    let mut review = review(&document, &rules);
    if let Some(model) = &asked.model {
        second_reader(home, &mut review, &rules, model)?;
    }
    if home.json() {
        let mut shown = serde_json::to_value(&review).map_err(Failure::could)?;
        shown["document"] = json!({
            "file": asked.file,
            "sha256": Digest::of(&bytes),
            "format": document.format,
            "characters": document.text.chars().count(),
        });
        shown["not_shown"] = json!(NOT_SHOWN);
        print_json(&shown);
    } else {
        told(&review, asked.all);
    }
    Ok(if has_findings(&review) { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Lets the local model argue what the rules left unclear; every prompt and answer is an entry.
fn second_reader(home: &Home, review: &mut Review, rules: &Rules, model: &str) -> Result<(), Failure> {
    let (mut practice, actor) = home.signed_in()?;
    let engines = home.engines(&practice.settings()?)?;
    let mut bars = Bars::new(home.json());
    let mut on_point = |done: usize, of: usize| {
        #[allow(clippy::cast_precision_loss)]
        bars.show("the second reader", if of == 0 { 1.0 } else { done as f32 / of as f32 });
        ControlFlow::Continue(())
    };
    practice.second_reading(&actor, review, rules, model, &engines, home.models()?, &mut on_point)?;
    bars.end();
    Ok(())
}

/// Whether a script must stop at it.
pub(super) fn has_findings(review: &Review) -> bool {
    !review.kind.is_baa
        || !review.red_flags.is_empty()
        || !review.contradictions.is_empty()
        || review.provisions.iter().any(open)
}

/// A provision that every such agreement ought to have and this one has not, or not clearly.
fn open(provision: &Provision) -> bool {
    provision.present != Present::Yes && matches!(provision.severity.as_str(), "critical" | "high")
}

/// Whether it matters in every agreement: some only do under a condition, which their severity names.
fn always_due(provision: &Provision) -> bool {
    matches!(provision.severity.as_str(), "critical" | "high" | "medium" | "low")
}

fn quoted(quote: &Quote, indent: &str) {
    if !quote.quote.is_empty() {
        let words = quote.quote.split_whitespace().collect::<Vec<_>>().join(" ");
        print(&format!("{indent}“{words}” (characters {} to {})", quote.start, quote.end));
    }
}

/// The review for a person: the gravest first.
pub(super) fn told(review: &Review, all: bool) {
    for sentence in &review.verdict {
        print(sentence);
    }
    if !review.kind.is_baa {
        print("");
        print(&review.kind.why);
        print(NOT_SHOWN);
        return;
    }
    if !review.red_flags.is_empty() {
        print("\nRed flags");
        for flag in &review.red_flags {
            flagged(flag);
        }
    }
    if !review.contradictions.is_empty() {
        print("\nPlaces that cannot both stand");
        for one in &review.contradictions {
            print(&format!("  {}", one.says));
            quoted(&one.one, "    ");
            quoted(&one.other, "    ");
        }
    }
    print("\nNotice of a breach");
    match (&review.breach_notice, &review.breach_notice_undetermined) {
        (Some(window), _) => {
            let of = if window.of == "unspecified" { String::new() } else { format!(", counted from {}", window.of) };
            print(&format!("  {} {}{of}", window.value, word(&window.unit).replace('_', " ")));
            quoted(&window.quote, "    ");
            if let Some(resolved) = &window.resolved_by {
                quoted(resolved, "    ");
            }
        }
        (None, Some(why)) => {
            print(&format!("  undetermined: {}", why.why));
            quoted(&why.quote, "    ");
        }
        (None, None) => print("  undetermined: the agreement gives no time"),
    }
    let (there, not): (Vec<&Provision>, Vec<&Provision>) =
        review.provisions.iter().partition(|provision| provision.present == Present::Yes);
    let (due, optional): (Vec<&Provision>, Vec<&Provision>) = not.into_iter().partition(|one| always_due(one));
    for (title, list) in [
        ("Provisions that are absent or unclear", due),
        ("Absent or unclear, which matters only under a condition", optional),
    ] {
        if list.is_empty() {
            continue;
        }
        print(&format!("\n{title}"));
        for provision in list {
            lacking(provision);
        }
    }
    print(&format!("\nProvisions that are there: {} of {}", there.len(), review.provisions.len()));
    if all {
        for provision in there {
            print(&format!("  {} {} ({}; {})", provision.id, provision.title, provision.citation, provision.mark));
            quoted(&provision.quote, "    ");
        }
    }
    print("\nFacts");
    for (name, fact) in &review.facts {
        if all || !(fact.present == Present::No && fact.stance == Stance::Silent) {
            stated(name, fact);
        }
    }
    let silent: Vec<String> = review
        .facts
        .iter()
        .filter(|(_, fact)| fact.present == Present::No && fact.stance == Stance::Silent)
        .map(|(name, _)| name.replace('_', " "))
        .collect();
    if !all && !silent.is_empty() {
        print(&format!("  nothing is said of: {}", silent.join(", ")));
    }
    if let Some(second) = &review.second_reader {
        print(&format!(
            "\nThe second reader, {}: asked about {} unclear points; what it moved rests on a model's reading",
            second.model,
            second.points.len()
        ));
        for point in &second.points {
            print(&format!(
                "  {}: {} → {} (entry {}): {}",
                point.id,
                word(&point.was),
                word(&point.now),
                point.seq,
                point.because
            ));
            if let Some(quote) = &point.quote {
                quoted(quote, "    ");
            }
        }
    }
    print("");
    print(NOT_SHOWN);
}

fn lacking(provision: &Provision) {
    let state = if provision.present == Present::Unclear { "unclear" } else { "absent" };
    print(&format!("  {} {}: {state} ({}; {})", provision.id, provision.title, provision.citation, provision.mark));
    quoted(&provision.quote, "    ");
    if !provision.severity.is_empty() {
        print(&format!("    if missing: {}", provision.severity));
    }
    if !provision.replacement.is_empty() {
        print(&format!("    words to propose: {}", provision.replacement));
    }
}

fn flagged(flag: &RedFlag) {
    let basis = if flag.basis == "absence" { ", by something missing" } else { "" };
    print(&format!("  {} {} ({}{basis})", flag.id, flag.title, flag.severity));
    quoted(&flag.quote, "    ");
    print(&format!("    why it matters: {}", flag.why));
    print(&format!("    {} ({})", flag.citation, flag.mark));
    print(&format!("    what to do: {}", flag.advice));
    if !flag.replacement.is_empty() {
        print(&format!("    words to propose: {}", flag.replacement));
    }
}

fn stated(name: &str, fact: &Fact) {
    let stance = word(&fact.stance);
    print(&format!("  {}: {} ({stance})", name.replace('_', " "), word(&fact.present)));
    quoted(&fact.quote, "    ");
}

fn rules(home: &Home, files: &[PathBuf]) -> Outcome {
    let rules = rules_with(files)?;
    let failures = rules.failures();
    let listed = rules.listed();
    if home.json() {
        print_json(&json!({
            "rules": listed,
            "failures": failures.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }));
    } else {
        for rule in &listed {
            print(&format!("{:<14} {:<32} {} ({})", rule.kind, rule.id, rule.citation, rule.mark));
        }
        for failure in &failures {
            print(&failure.to_string());
        }
        let verb = if failures.is_empty() { "each passes its own examples" } else { "some fail their own examples" };
        print(&format!("{} rules; {verb}", listed.len()));
    }
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}
