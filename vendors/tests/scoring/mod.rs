//! Scores of the review over labelled fixtures; used by the tests and by the benchmark.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use provenote_vendors::baa::{Present, Quote, Review, Rules, Unit, review};
use provenote_vendors::reading::Document;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    value: u32,
    unit: String,
}

/// A labelled clause or agreement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    #[serde(default)]
    file: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    is_baa: Option<bool>,
    #[serde(default)]
    breach: Option<Window>,
    #[serde(default)]
    facts: BTreeMap<String, String>,
    #[serde(default)]
    provisions: BTreeMap<String, String>,
    #[serde(default)]
    flags: BTreeSet<String>,
    #[serde(default)]
    may: BTreeSet<String>,
    #[serde(default)]
    contradictions: BTreeSet<String>,
}

/// Right and wrong, with the wrong ones named.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    right: usize,
    misses: Vec<String>,
}

impl Tally {
    fn note(&mut self, right: bool, miss: impl FnOnce() -> String) {
        if right {
            self.right += 1;
        } else {
            self.misses.push(miss());
        }
    }

    /// The share that is right.
    pub(crate) fn share(&self) -> f64 {
        let all = self.right + self.misses.len();
        if all == 0 { 1.0 } else { self.right as f64 / all as f64 }
    }

    /// How many are wrong.
    pub(crate) fn wrong(&self) -> usize {
        self.misses.len()
    }
}

/// The score of a set.
#[derive(Debug, Default)]
pub(crate) struct Score {
    /// Provisions, facts, and whether it is an agreement of this kind.
    pub(crate) facts: Tally,
    /// Windows right, or not told where there is none.
    pub(crate) windows: Tally,
    found: usize,
    missed: Vec<String>,
    excess: Vec<String>,
    contradictions: Tally,
    /// Quotes that do not stand where they are said to stand.
    pub(crate) misplaced: usize,
}

impl Score {
    /// Red flags raised of those that should be.
    pub(crate) fn recall(&self) -> f64 {
        let all = self.found + self.missed.len();
        if all == 0 { 1.0 } else { self.found as f64 / all as f64 }
    }

    /// Red flags rightly raised of those raised.
    pub(crate) fn precision(&self) -> f64 {
        let all = self.found + self.excess.len();
        if all == 0 { 1.0 } else { self.found as f64 / all as f64 }
    }

    /// In words; `names` adds what is wrong.
    pub(crate) fn report(&self, names: bool) -> String {
        let mut out = format!(
            "provisions and facts {:.3} ({} wrong), breach windows {} wrong of {}, red flags recall {:.3} precision {:.3}, contradictions {} wrong of {}, misplaced quotes {}",
            self.facts.share(),
            self.facts.wrong(),
            self.windows.wrong(),
            self.windows.right + self.windows.wrong(),
            self.recall(),
            self.precision(),
            self.contradictions.wrong(),
            self.contradictions.right + self.contradictions.wrong(),
            self.misplaced
        );
        if names {
            for (kind, list) in [
                ("fact", &self.facts.misses),
                ("window", &self.windows.misses),
                ("missed", &self.missed),
                ("excess", &self.excess),
                ("contradiction", &self.contradictions.misses),
            ] {
                for miss in list {
                    out.push_str(&format!("\n  {kind}: {miss}"));
                }
            }
        }
        out
    }
}

/// The cases of a folder of `fixtures/baa`, with their texts.
pub(crate) fn fixtures(part: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/baa").join(part);
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{part}/{name}: {error}"))
    };
    let mut cases: Vec<Case> = serde_saphyr::from_str(&read("clauses.yaml")).expect("labelled clauses");
    let mut whole: Vec<Case> = serde_saphyr::from_str(&read("labels.yaml")).expect("labelled agreements");
    for case in &mut whole {
        case.text = read(&case.file);
    }
    cases.append(&mut whole);
    cases
}

fn document(case: &Case) -> Document {
    if case.file.ends_with(".md") { Document::from_markdown(&case.text) } else { Document::from_text(&case.text) }
}

/// Reviews every case and compares.
pub(crate) fn score(rules: &Rules, cases: &[Case]) -> Score {
    let mut score = Score::default();
    for case in cases {
        let document = document(case);
        let found = review(&document, rules);
        let name = if case.file.is_empty() { case.text.chars().take(70).collect() } else { case.file.clone() };
        compare(&mut score, case, &found, &name);
        score.misplaced += misplaced(&document, &found);
    }
    score
}

fn compare(score: &mut Score, case: &Case, found: &Review, name: &str) {
    if let Some(is_baa) = case.is_baa {
        score.facts.note(found.kind.is_baa == is_baa, || {
            format!("{name}: is_baa {} because {}", found.kind.is_baa, found.kind.why)
        });
    }
    let spoken = |present: Present| match present {
        Present::Yes => "yes",
        Present::No => "no",
        Present::Unclear => "unclear",
    };
    for (id, wanted) in &case.facts {
        let fact = &found.facts[id];
        score.facts.note(spoken(fact.present) == wanted, || {
            format!("{name}: {id} is {} not {wanted}: {}", spoken(fact.present), fact.quote.quote)
        });
    }
    for (id, wanted) in &case.provisions {
        let own = found.provisions.iter().find(|own| own.id == *id).expect("a known provision");
        score.facts.note(spoken(own.present) == wanted, || {
            format!("{name}: {id} is {} not {wanted}: {}", spoken(own.present), own.quote.quote)
        });
    }
    if case.breach.is_some() || case.is_baa == Some(true) {
        let told = found.breach_notice.as_ref().map(|notice| {
            (
                notice.value,
                match notice.unit {
                    Unit::Hours => "hours",
                    Unit::Days => "days",
                    Unit::BusinessDays => "business_days",
                    Unit::Months => "months",
                    Unit::Years => "years",
                },
            )
        });
        let wanted = case.breach.as_ref().map(|window| (window.value, window.unit.as_str()));
        score
            .windows
            .note(told == wanted, || format!("{name}: {told:?} for {wanted:?} {:?}", found.breach_notice_undetermined));
    }
    let raised: BTreeSet<String> = found.red_flags.iter().map(|flag| flag.id.clone()).collect();
    for id in &case.flags {
        if raised.contains(id) {
            score.found += 1;
        } else {
            score.missed.push(format!("{name}: {id}"));
        }
    }
    for id in raised.iter().filter(|id| !case.flags.contains(*id) && !case.may.contains(*id)) {
        let quote =
            found.red_flags.iter().find(|flag| flag.id == *id).map(|flag| flag.quote.quote.clone()).unwrap_or_default();
        score.excess.push(format!("{name}: {id}: {quote}"));
    }
    if case.is_baa.is_some() {
        let told: BTreeSet<String> = found.contradictions.iter().map(|found| found.id.clone()).collect();
        for id in &case.contradictions {
            score.contradictions.note(told.contains(id), || format!("{name}: {id} not told"));
        }
        for id in told.iter().filter(|id| !case.contradictions.contains(*id)) {
            score.contradictions.note(false, || format!("{name}: {id} told"));
        }
    }
}

fn misplaced(document: &Document, found: &Review) -> usize {
    let characters: Vec<char> = document.text.chars().collect();
    let stands = |quote: &Quote| characters[quote.start..quote.end].iter().collect::<String>() == quote.quote;
    let mut quotes: Vec<&Quote> = found.provisions.iter().map(|own| &own.quote).collect();
    quotes.extend(found.red_flags.iter().map(|flag| &flag.quote));
    quotes.extend(found.facts.values().flat_map(|fact| std::iter::once(&fact.quote).chain(&fact.also)));
    quotes.extend(found.contradictions.iter().flat_map(|found| [&found.one, &found.other]));
    quotes.extend(
        found.breach_notice.iter().flat_map(|notice| std::iter::once(&notice.quote).chain(&notice.resolved_by)),
    );
    quotes.iter().filter(|quote| !stands(quote)).count()
}
