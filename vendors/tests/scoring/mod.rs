//! Scores of the review over labelled documents; used by the tests and by the benchmark.
//!
//! A label that a careful reader cannot give for certain is left out rather than guessed: only what is labelled counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use provenote_vendors::baa::{Present, Quote, Review, Rules, Unit, review};
use provenote_vendors::reading::Document;
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    value: u32,
    unit: String,
}

/// What of a document has no single right answer, and is therefore not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Open {
    Windows,
    Contradictions,
    Flags,
}

/// A labelled clause or agreement.
#[derive(Debug, Default, Deserialize)]
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
    /// `yes`, `no`, `unclear`, or `not_yes` (no or unclear).
    #[serde(default)]
    facts: BTreeMap<String, String>,
    /// For facts that are there: words that the review's quotes must share.
    #[serde(default)]
    quotes: BTreeMap<String, String>,
    /// As `facts`.
    #[serde(default)]
    provisions: BTreeMap<String, String>,
    #[serde(default)]
    flags: BTreeSet<String>,
    #[serde(default)]
    may: BTreeSet<String>,
    #[serde(default)]
    contradictions: BTreeSet<String>,
    #[serde(default)]
    open: BTreeSet<Open>,
}

/// A label of the other shape: one clause of one agreement.
#[derive(Debug, Deserialize)]
struct Clause {
    file: String,
    clause: String,
    present: String,
    #[serde(default)]
    quote: String,
    #[serde(default)]
    days: Option<f64>,
    #[serde(default)]
    hours: Option<u32>,
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

    /// How many were labelled.
    pub(crate) fn all(&self) -> usize {
        self.right + self.misses.len()
    }

    /// The share that is right.
    pub(crate) fn share(&self) -> f64 {
        share(self.right, self.all())
    }

    /// How many are wrong.
    pub(crate) fn wrong(&self) -> usize {
        self.misses.len()
    }
}

fn share(right: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { right as f64 / all as f64 }
}

/// What to print with the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    /// The rates alone.
    Rates,
    /// How often each provision, fact or flag went wrong, and in which way; no words of any document.
    Kinds,
    /// Every miss, with its document and quote.
    Misses,
}

/// The score of a set.
#[derive(Debug, Default)]
pub(crate) struct Score {
    /// Provisions, facts, and whether it is an agreement of this kind.
    pub(crate) facts: Tally,
    /// Windows right, or not told where there is none.
    pub(crate) windows: Tally,
    /// Windows told as a number that is not the labelled one: worse than `undetermined`.
    pub(crate) wrong_numbers: Vec<String>,
    /// Quotes of facts that share no words with the labelled quote.
    pub(crate) quotes: Tally,
    found: usize,
    missed: Vec<String>,
    excess: Vec<String>,
    contradictions: Tally,
    kinds: BTreeMap<String, usize>,
    /// Quotes that do not stand where they are said to stand.
    pub(crate) misplaced: usize,
    documents: usize,
}

impl Score {
    /// Red flags raised of those that should be.
    pub(crate) fn recall(&self) -> f64 {
        share(self.found, self.found + self.missed.len())
    }

    /// Red flags rightly raised of those raised.
    pub(crate) fn precision(&self) -> f64 {
        share(self.found, self.found + self.excess.len())
    }

    fn kind(&mut self, kind: String) {
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// In words.
    pub(crate) fn report(&self, detail: Detail) -> String {
        let mut out = format!(
            "{} texts: provisions and facts {:.3} ({} of {} wrong), breach windows {} of {} exact, {} undetermined, {} wrong, red flags recall {:.3} ({} missed) precision {:.3} ({} in excess), contradictions {} of {} wrong, quotes of facts {} of {} elsewhere, misplaced quotes {}",
            self.documents,
            self.facts.share(),
            self.facts.wrong(),
            self.facts.all(),
            self.windows.all() - self.windows.wrong(),
            self.windows.all(),
            self.windows.wrong() - self.wrong_numbers.len(),
            self.wrong_numbers.len(),
            self.recall(),
            self.missed.len(),
            self.precision(),
            self.excess.len(),
            self.contradictions.wrong(),
            self.contradictions.all(),
            self.quotes.wrong(),
            self.quotes.all(),
            self.misplaced
        );
        match detail {
            Detail::Rates => {}
            Detail::Kinds => {
                for (kind, times) in &self.kinds {
                    out.push_str(&format!("\n  {times} × {kind}"));
                }
            }
            Detail::Misses => {
                for (kind, list) in [
                    ("fact", &self.facts.misses),
                    ("window", &self.windows.misses),
                    ("missed", &self.missed),
                    ("excess", &self.excess),
                    ("contradiction", &self.contradictions.misses),
                    ("quote", &self.quotes.misses),
                ] {
                    for miss in list {
                        out.push_str(&format!("\n  {kind}: {miss}"));
                    }
                }
            }
        }
        out
    }
}

/// The cases of a part of `fixtures/baa`, with their texts.
pub(crate) fn fixtures(part: &str) -> Vec<Case> {
    folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/baa").join(part))
}

/// The cases of a folder outside the project that `PROVENOTE_BAA_CASES` names; several are separated by `:`.
pub(crate) fn elsewhere() -> Vec<(PathBuf, Vec<Case>)> {
    std::env::var_os("PROVENOTE_BAA_CASES")
        .map(|folders| std::env::split_paths(&folders).map(|path| (path.clone(), folder(&path))).collect())
        .unwrap_or_default()
}

/// The cases of a folder with `labels.yaml` (of either shape) and, if there is one, `clauses.yaml`.
pub(crate) fn folder(folder: &Path) -> Vec<Case> {
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name} in {folder:?}: {error}"))
    };
    let mut cases: Vec<Case> = if folder.join("clauses.yaml").exists() {
        serde_saphyr::from_str(&read("clauses.yaml")).expect("labelled clauses")
    } else {
        Vec::new()
    };
    let labels = read("labels.yaml");
    let mut whole: Vec<Case> = if labels.lines().any(|line| line.trim_start().starts_with("clause:")) {
        gathered(serde_saphyr::from_str(&labels).expect("labelled clauses of agreements"))
    } else {
        serde_saphyr::from_str(&labels).expect("labelled agreements")
    };
    for case in &mut whole {
        case.text = read(&case.file);
    }
    cases.append(&mut whole);
    cases
}

/// One case for each agreement of which single clauses are labelled.
fn gathered(clauses: Vec<Clause>) -> Vec<Case> {
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for clause in clauses {
        let case = cases.entry(clause.file.clone()).or_insert_with(|| Case {
            file: clause.file.clone(),
            is_baa: Some(true),
            open: BTreeSet::from([Open::Contradictions, Open::Flags]),
            ..Case::default()
        });
        let fact = match clause.clause.as_str() {
            "breach_notice_window" => {
                case.breach = match (clause.hours, clause.days) {
                    (Some(hours), _) => Some(Window { value: hours, unit: "hours".to_owned() }),
                    (None, Some(days)) => Some(Window { value: days as u32, unit: "days".to_owned() }),
                    (None, None) => None,
                };
                continue;
            }
            "training_or_improvement_use_permitted" => "training_or_improvement_permitted",
            "return_or_destroy_at_termination" => "return_or_destroy",
            "business_associate_liable_for_subcontractors" => "liable_for_subcontractors",
            "explicit_training_prohibition" => "training_prohibited",
            "liability_cap_or_limitation" => "liability_cap",
            other => other,
        };
        case.facts.insert(fact.to_owned(), clause.present.clone());
        if clause.present == "yes" && !clause.quote.is_empty() {
            case.quotes.insert(fact.to_owned(), clause.quote);
        }
    }
    cases.into_values().collect()
}

fn document(case: &Case) -> Document {
    match Path::new(&case.file).extension().and_then(|name| name.to_str()) {
        Some("md") => Document::from_markdown(&case.text),
        Some("html") => Document::from_html(&case.text),
        _ => Document::from_text(&case.text),
    }
}

/// Reviews every case and compares.
pub(crate) fn score(rules: &Rules, cases: &[Case]) -> Score {
    let mut score = Score { documents: cases.len(), ..Score::default() };
    for case in cases {
        let document = document(case);
        let found = review(&document, rules);
        let name = if case.file.is_empty() { case.text.chars().take(70).collect() } else { case.file.clone() };
        compare(&mut score, case, &found, &name);
        score.misplaced += misplaced(&document, &found);
    }
    score
}

fn spoken(present: Present) -> &'static str {
    match present {
        Present::Yes => "yes",
        Present::No => "no",
        Present::Unclear => "unclear",
    }
}

fn agrees(present: Present, wanted: &str) -> bool {
    if wanted == "not_yes" { present != Present::Yes } else { spoken(present) == wanted }
}

fn compare(score: &mut Score, case: &Case, found: &Review, name: &str) {
    if let Some(is_baa) = case.is_baa {
        let right = found.kind.is_baa == is_baa;
        if !right {
            score.kind(format!("is_baa is {} not {is_baa}", found.kind.is_baa));
        }
        score.facts.note(right, || format!("{name}: is_baa {} because {}", found.kind.is_baa, found.kind.why));
    }
    for (id, wanted) in &case.facts {
        let fact = found.facts.get(id).unwrap_or_else(|| panic!("{name}: no fact {id}"));
        let right = agrees(fact.present, wanted);
        if !right {
            score.kind(format!("{id} is {} not {wanted}", spoken(fact.present)));
        }
        score
            .facts
            .note(right, || format!("{name}: {id} is {} not {wanted}: {}", spoken(fact.present), fact.quote.quote));
        if let Some(words) = case.quotes.get(id).filter(|_| right) {
            let all: Vec<String> =
                std::iter::once(&fact.quote).chain(&fact.also).map(|quote| bare(&quote.quote)).collect();
            let words = bare(words);
            score.quotes.note(all.iter().any(|quote| quote.contains(&words) || words.contains(quote.as_str())), || {
                format!("{name}: {id} quotes {all:?} for {words:?}")
            });
        }
    }
    for (id, wanted) in &case.provisions {
        let own = found.provisions.iter().find(|own| own.id == *id).expect("a known provision");
        let right = agrees(own.present, wanted);
        if !right {
            score.kind(format!("{id} is {} not {wanted}", spoken(own.present)));
        }
        score
            .facts
            .note(right, || format!("{name}: {id} is {} not {wanted}: {}", spoken(own.present), own.quote.quote));
    }
    if (case.breach.is_some() || case.is_baa == Some(true)) && !case.open.contains(&Open::Windows) {
        compare_windows(score, case, found, name);
    }
    if !case.open.contains(&Open::Flags) {
        compare_flags(score, case, found, name);
    }
    if case.is_baa.is_some() && !case.open.contains(&Open::Contradictions) {
        let told: BTreeSet<String> = found.contradictions.iter().map(|found| found.id.clone()).collect();
        for id in &case.contradictions {
            if !told.contains(id) {
                score.kind(format!("contradiction {id} not told"));
            }
            score.contradictions.note(told.contains(id), || format!("{name}: {id} not told"));
        }
        for contradiction in found.contradictions.iter().filter(|told| !case.contradictions.contains(&told.id)) {
            score.kind(format!("contradiction {} told wrongly", contradiction.id));
            score.contradictions.note(false, || {
                format!(
                    "{name}: {} told: {} / {}",
                    contradiction.id, contradiction.one.quote, contradiction.other.quote
                )
            });
        }
    }
}

fn compare_windows(score: &mut Score, case: &Case, found: &Review, name: &str) {
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
    if told != wanted {
        score.kind(
            match (told, wanted) {
                (None, _) => "window not told",
                (Some(_), None) => "window told where none is stated",
                (Some((a, _)), Some((b, _))) if a == b => "window with the wrong unit",
                _ => "window of something else",
            }
            .to_owned(),
        );
        if told.is_some() {
            score.wrong_numbers.push(format!("{name}: {told:?} for {wanted:?}"));
        }
    }
    score
        .windows
        .note(told == wanted, || format!("{name}: {told:?} for {wanted:?} {:?}", found.breach_notice_undetermined));
}

fn compare_flags(score: &mut Score, case: &Case, found: &Review, name: &str) {
    let raised: BTreeSet<String> = found.red_flags.iter().map(|flag| flag.id.clone()).collect();
    for id in &case.flags {
        if raised.contains(id) {
            score.found += 1;
        } else {
            score.kind(format!("{id} missed"));
            score.missed.push(format!("{name}: {id}"));
        }
    }
    for id in raised.iter().filter(|id| !case.flags.contains(*id) && !case.may.contains(*id)) {
        let quote =
            found.red_flags.iter().find(|flag| flag.id == *id).map(|flag| flag.quote.quote.clone()).unwrap_or_default();
        score.kind(format!("{id} in excess"));
        score.excess.push(format!("{name}: {id}: {quote}"));
    }
}

/// Without marks of emphasis and with one space between words, so that a label may be written on one line.
fn bare(text: &str) -> String {
    text.replace(['*', '_', '’', '\'', '“', '”', '"'], "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

fn misplaced(document: &Document, found: &Review) -> usize {
    let characters: Vec<char> = document.text.chars().collect();
    let stands = |quote: &Quote| {
        characters.get(quote.start..quote.end).is_some_and(|words| words.iter().collect::<String>() == quote.quote)
    };
    let mut quotes: Vec<&Quote> = found.provisions.iter().map(|own| &own.quote).collect();
    quotes.extend(found.red_flags.iter().map(|flag| &flag.quote));
    quotes.extend(found.facts.values().flat_map(|fact| std::iter::once(&fact.quote).chain(&fact.also)));
    quotes.extend(found.contradictions.iter().flat_map(|found| [&found.one, &found.other]));
    quotes.extend(
        found.breach_notice.iter().flat_map(|notice| std::iter::once(&notice.quote).chain(&notice.resolved_by)),
    );
    quotes.iter().filter(|quote| !stands(quote)).count()
}
