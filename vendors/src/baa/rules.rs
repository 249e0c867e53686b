//! The rules: data in `rules/baa`, and a practice's own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::thread::{self, available_parallelism};

use serde::Deserialize;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::matching::{Pattern, Segments, Sight};
use crate::clauses::{Agreement, Bound, Clause, ClauseKind, Polarity};
use crate::reading::Document;

/// Why a file of rules cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RulesError {
    /// It is not YAML, or not of the shape of rules.
    #[error("{file}, line {line}, column {column}: {problem}")]
    Malformed { file: String, line: u64, column: u64, problem: String },
    /// A pattern in it is none.
    #[error("{file}, line {line}, column {column}: the pattern of {rule} cannot be used: {problem}")]
    Pattern { file: String, line: u64, column: u64, rule: String, problem: String },
    /// A rule does not do what its own example says.
    #[error("{file}, line {line}, column {column}: {rule} {problem}: \"{example}\"")]
    Example { file: String, line: u64, column: u64, rule: String, problem: &'static str, example: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    words: BTreeMap<String, String>,
    #[serde(default)]
    provisions: Vec<RawRule>,
    #[serde(default)]
    facts: Vec<RawRule>,
    #[serde(default)]
    red_flags: Vec<RawRule>,
    #[serde(default)]
    contradictions: Vec<Contradiction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: String,
    title: String,
    #[serde(default)]
    citation: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    advice: String,
    #[serde(default)]
    replacement: String,
    #[serde(default)]
    yes: Vec<RawFind>,
    #[serde(default)]
    no: Vec<RawFind>,
    #[serde(default)]
    unclear: Vec<RawFind>,
    /// True for a fact of which the time that its clause names is a part.
    #[serde(default)]
    timed: bool,
    #[serde(default)]
    absent: Option<RawAbsent>,
    /// Rules that say the same of a clause with more weight; where one of them holds, this one is not told again.
    #[serde(default)]
    yields_to: Vec<String>,
    /// What, anywhere in the document, answers the worry.
    #[serde(default)]
    cleared: Vec<RawFind>,
    #[serde(default)]
    examples: RawExamples,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExamples {
    #[serde(default)]
    must: Vec<Spanned<String>>,
    #[serde(default)]
    must_not: Vec<Spanned<String>>,
    #[serde(default)]
    denies: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFind {
    #[serde(default)]
    any: Vec<Spanned<String>>,
    #[serde(default)]
    all: Vec<Spanned<String>>,
    #[serde(default)]
    none: Vec<Spanned<String>>,
    #[serde(default)]
    section: Vec<Spanned<String>>,
    #[serde(default)]
    polarity: Wanted,
    #[serde(default)]
    bound: Who,
    #[serde(default, rename = "in")]
    within: Within,
    /// Only where the clause names a time longer than this many calendar days.
    #[serde(default)]
    over_days: Option<f64>,
    /// Also where a defined term that the clause uses says it.
    #[serde(default)]
    definitions: bool,
    /// Also where the clause says it together with the sentence before it, to which it answers or refers back.
    #[serde(default)]
    joined: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAbsent {
    /// Missing only where something says this; nothing here means any agreement.
    #[serde(default)]
    when: Vec<RawFind>,
    /// Not missing where something says this.
    unless: Vec<RawFind>,
    say: String,
}

/// Two findings that cannot both stand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contradiction {
    pub(crate) id: String,
    /// `fact.yes` or `fact.no`.
    pub(crate) between: [String; 2],
    pub(crate) say: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// Said, or allowed as an exception.
    #[default]
    Said,
    /// Said outright, not as an exception.
    Affirmed,
    /// Denied.
    Denied,
    /// Denied, or allowed only as an exception.
    Restricted,
    Any,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    /// Not the covered entity's own.
    #[default]
    Vendor,
    Practice,
    Any,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Within {
    #[default]
    Operative,
    Definition,
    /// Operative clauses, definitions and recitals.
    Text,
    Heading,
}

#[derive(Debug)]
struct Find {
    any: Vec<Pattern>,
    all: Vec<Pattern>,
    none: Vec<Pattern>,
    section: Vec<regex::Regex>,
    polarity: Wanted,
    bound: Who,
    within: Within,
    over_days: Option<f64>,
    definitions: bool,
    joined: bool,
}

/// What a rule is about and what it looks for.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) citation: String,
    pub(crate) mark: String,
    pub(crate) severity: String,
    pub(crate) why: String,
    pub(crate) advice: String,
    pub(crate) replacement: String,
    pub(crate) timed: bool,
    yes: Vec<Find>,
    no: Vec<Find>,
    unclear: Vec<Find>,
    absent: Option<Absent>,
    yields_to: Vec<String>,
    cleared: Vec<Find>,
    examples: Examples,
}

#[derive(Debug)]
struct Absent {
    when: Vec<Find>,
    unless: Vec<Find>,
    say: String,
}

/// A rule, as a list of rules shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// `provision`, `fact` or `red flag`.
    pub kind: &'static str,
    /// Its id, such as `BAA-01`.
    pub id: String,
    /// What it finds.
    pub title: String,
    /// The law or the reason.
    pub citation: String,
    /// How the citation was checked.
    pub mark: String,
}

/// Where an example stands in its file: line and column, from 1.
type Place = (u64, u64);
type Example = (String, Place);
type Expected = fn(&Hits) -> bool;

#[derive(Debug, Default)]
struct Examples {
    must: Vec<Example>,
    must_not: Vec<Example>,
    denies: Vec<Example>,
    file: String,
}

/// What a rule's findings in one document are: indexes into its clauses.
#[derive(Debug, Default, Clone)]
pub(crate) struct Hits {
    pub(crate) yes: Vec<usize>,
    pub(crate) no: Vec<usize>,
    pub(crate) unclear: Vec<usize>,
}

/// Clauses with the place, in its rule, of what found them: what a rule names first is the surer sign.
#[derive(Debug, Default)]
struct Ranked {
    yes: Vec<(usize, usize)>,
    no: Vec<(usize, usize)>,
    unclear: Vec<(usize, usize)>,
}

impl From<Ranked> for Hits {
    fn from(ranked: Ranked) -> Self {
        let sorted = |mut list: Vec<(usize, usize)>| {
            list.sort_unstable();
            list.into_iter().map(|(_, at)| at).collect()
        };
        Self { yes: sorted(ranked.yes), no: sorted(ranked.no), unclear: sorted(ranked.unclear) }
    }
}

/// Of each rule, what was found in some of the clauses, and whether something there clears it.
type Part = Vec<(Ranked, bool)>;

/// Fewer clauses than this are not worth a second reader.
const FEW: usize = 250;
/// No more processors than this are taken.
const MOST_READERS: usize = 4;

/// Provisions, facts and red flags to look for.
#[derive(Debug)]
pub struct Rules {
    segments: Segments,
    words: BTreeMap<String, String>,
    pub(crate) provisions: Vec<Rule>,
    pub(crate) facts: Vec<Rule>,
    pub(crate) red_flags: Vec<Rule>,
    pub(crate) contradictions: Vec<Contradiction>,
}

const BUNDLED: &[(&str, &str)] = &[
    ("rules/baa/words.yaml", include_str!("../../rules/baa/words.yaml")),
    ("rules/baa/provisions.yaml", include_str!("../../rules/baa/provisions.yaml")),
    ("rules/baa/facts.yaml", include_str!("../../rules/baa/facts.yaml")),
    ("rules/baa/red-flags.yaml", include_str!("../../rules/baa/red-flags.yaml")),
    ("rules/baa/contradictions.yaml", include_str!("../../rules/baa/contradictions.yaml")),
];

impl Rules {
    /// The rules that come with the program.
    ///
    /// # Errors
    /// [`RulesError`] only if the program was built from broken rules; its tests read them all.
    pub fn bundled() -> Result<Self, RulesError> {
        Self::from_files(BUNDLED)
    }

    /// Rules of these files alone, each a name and its text, in an order in which lists of words come first.
    ///
    /// # Errors
    /// [`RulesError`] with file, line and column.
    pub fn from_files(files: &[(&str, &str)]) -> Result<Self, RulesError> {
        let mut rules = Self {
            segments: Segments::default(),
            words: BTreeMap::new(),
            provisions: Vec::new(),
            facts: Vec::new(),
            red_flags: Vec::new(),
            contradictions: Vec::new(),
        };
        for (file, text) in files {
            rules.add(file, text)?;
        }
        Ok(rules)
    }

    /// These rules with those of a practice's own file: YAML with `words`, `provisions`, `facts`, `red_flags` and
    /// `contradictions` as in `rules/baa`. A rule with an id that is known replaces it. Its examples are tried at once.
    ///
    /// # Errors
    /// [`RulesError`] with file, line and column.
    pub fn with(mut self, file: &str, text: &str) -> Result<Self, RulesError> {
        let added = self.add(file, text)?;
        self.segments.check().map_err(|problem| RulesError::Malformed {
            file: file.to_owned(),
            line: 1,
            column: 1,
            problem,
        })?;
        let failed = self
            .provisions
            .iter()
            .chain(&self.facts)
            .chain(&self.red_flags)
            .filter(|rule| added.contains(&rule.id))
            .find_map(|rule| self.failing_examples(rule).into_iter().next());
        failed.map_or(Ok(self), Err)
    }

    /// Every rule, in the order in which a review uses them.
    #[must_use]
    pub fn listed(&self) -> Vec<Listed> {
        [("provision", &self.provisions), ("fact", &self.facts), ("red flag", &self.red_flags)]
            .into_iter()
            .flat_map(|(kind, rules)| {
                rules.iter().map(move |rule| Listed {
                    kind,
                    id: rule.id.clone(),
                    title: rule.title.clone(),
                    citation: rule.citation.clone(),
                    mark: rule.mark.clone(),
                })
            })
            .collect()
    }

    /// Tries every expression, and every rule on its own examples: all that fail.
    pub fn failures(&self) -> Vec<RulesError> {
        let mut failures: Vec<RulesError> = Vec::new();
        if let Err(problem) = self.segments.check() {
            failures.push(RulesError::Malformed { file: "rules".to_owned(), line: 1, column: 1, problem });
        }
        for rule in self.provisions.iter().chain(&self.facts).chain(&self.red_flags) {
            failures.extend(self.failing_examples(rule));
        }
        failures
    }

    fn add(&mut self, file: &str, text: &str) -> Result<Vec<String>, RulesError> {
        let raw: File = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let problem = error.without_snippet().to_string().lines().next().unwrap_or_default().to_owned();
            RulesError::Malformed { file: file.to_owned(), line, column, problem }
        })?;
        self.words.extend(raw.words);
        let mut added = Vec::new();
        for (list, which) in [(raw.provisions, 0), (raw.facts, 1), (raw.red_flags, 2)] {
            for rule in list {
                let rule = self.rule(file, rule)?;
                added.push(rule.id.clone());
                let target = match which {
                    0 => &mut self.provisions,
                    1 => &mut self.facts,
                    _ => &mut self.red_flags,
                };
                match target.iter_mut().find(|known| known.id == rule.id) {
                    Some(known) => *known = rule,
                    None => target.push(rule),
                }
            }
        }
        self.contradictions.extend(raw.contradictions);
        Ok(added)
    }

    fn rule(&mut self, file: &str, raw: RawRule) -> Result<Rule, RulesError> {
        let id = raw.id.clone();
        let mut finds =
            |list: Vec<RawFind>| list.into_iter().map(|find| self.find(file, &id, find)).collect::<Result<Vec<_>, _>>();
        let (yes, no, unclear) = (finds(raw.yes)?, finds(raw.no)?, finds(raw.unclear)?);
        let cleared = finds(raw.cleared)?;
        let absent = match raw.absent {
            Some(absent) => Some(Absent { when: finds(absent.when)?, unless: finds(absent.unless)?, say: absent.say }),
            None => None,
        };
        let place = |list: Vec<Spanned<String>>| {
            list.into_iter()
                .map(|text| ((text.value.clone()), (text.referenced.line(), text.referenced.column())))
                .collect::<Vec<_>>()
        };
        let examples = Examples {
            must: place(raw.examples.must),
            must_not: place(raw.examples.must_not),
            denies: place(raw.examples.denies),
            file: file.to_owned(),
        };
        let (title, citation, mark, severity) = (raw.title, raw.citation, raw.mark, raw.severity);
        let (why, advice, replacement) = (raw.why, raw.advice, raw.replacement);
        Ok(Rule {
            id: raw.id,
            title,
            citation,
            mark,
            severity,
            why,
            advice,
            replacement,
            timed: raw.timed,
            yes,
            no,
            unclear,
            absent,
            yields_to: raw.yields_to,
            cleared,
            examples,
        })
    }

    fn find(&mut self, file: &str, rule: &str, raw: RawFind) -> Result<Find, RulesError> {
        let wrong = |at: &Spanned<String>, problem: String| RulesError::Pattern {
            file: file.to_owned(),
            line: at.referenced.line(),
            column: at.referenced.column(),
            rule: rule.to_owned(),
            problem,
        };
        let (segments, words) = (&mut self.segments, &self.words);
        let mut patterns = |list: &[Spanned<String>]| {
            list.iter()
                .map(|text| segments.pattern(&text.value, words).map_err(|problem| wrong(text, problem)))
                .collect::<Result<Vec<_>, _>>()
        };
        let (any, all, none) = (patterns(&raw.any)?, patterns(&raw.all)?, patterns(&raw.none)?);
        let section = raw
            .section
            .iter()
            .map(|text| regex::Regex::new(&text.value).map_err(|error| wrong(text, error.to_string())))
            .collect::<Result<Vec<_>, _>>()?;
        let Find { polarity, bound, within, over_days, definitions, joined, .. } = Find {
            any: Vec::new(),
            all: Vec::new(),
            none: Vec::new(),
            section: Vec::new(),
            polarity: raw.polarity,
            bound: raw.bound,
            within: raw.within,
            over_days: raw.over_days,
            definitions: raw.definitions,
            joined: raw.joined,
        };
        Ok(Find { any, all, none, section, polarity, bound, within, over_days, definitions, joined })
    }

    fn failing_examples(&self, rule: &Rule) -> Vec<RulesError> {
        let examples = &rule.examples;
        let mut failing = Vec::new();
        let checks: [(&Vec<Example>, &'static str, Expected); 3] = [
            (&examples.must, "does not find its own example", |hits| !hits.yes.is_empty()),
            (&examples.must_not, "finds what it must not", |hits| hits.yes.is_empty()),
            (&examples.denies, "does not see that its own example denies it", |hits| {
                hits.yes.is_empty() && !hits.no.is_empty()
            }),
        ];
        for (list, problem, holds) in checks {
            for (example, (line, column)) in list {
                let agreement = Agreement::read(&Document::from_text(example));
                let found = self.hits(&agreement, |other| std::ptr::eq(other, rule));
                if !found.iter().all(|(_, hits)| holds(hits)) {
                    let (file, rule, example) = (examples.file.clone(), rule.id.clone(), example.clone());
                    failing.push(RulesError::Example { file, line: *line, column: *column, rule, problem, example });
                }
            }
        }
        failing
    }

    /// Does now what the first review would do.
    pub(crate) fn make_ready(&self) {
        self.segments.make_ready();
    }

    /// What the rules that `wanted` holds of find in an agreement, clause by clause.
    pub(crate) fn hits<'a>(&'a self, agreement: &Agreement, wanted: impl Fn(&Rule) -> bool) -> Vec<(&'a Rule, Hits)> {
        let mut found: Vec<(&Rule, Ranked)> = self
            .provisions
            .iter()
            .chain(&self.facts)
            .chain(&self.red_flags)
            .filter(|rule| wanted(rule))
            .map(|rule| (rule, Ranked::default()))
            .collect();
        let mut answered = vec![false; found.len()];
        let expanded = expansions(agreement);
        let joined = joined(agreement);
        let rules: Vec<&Rule> = found.iter().map(|(rule, _)| *rule).collect();
        // A long agreement is read by as many as there are processors; their findings are put together in its order.
        let readers = if agreement.clauses.len() < FEW {
            1
        } else {
            available_parallelism().map_or(1, |most| most.get().min(MOST_READERS))
        };
        let share = agreement.clauses.len().div_ceil(readers).max(1);
        let parts: Vec<Part> = thread::scope(|scope| {
            let (rules, expanded, joined) = (&rules, &expanded, &joined);
            let started: Vec<_> = (0..agreement.clauses.len())
                .step_by(share)
                .map(|from| {
                    scope.spawn(move || {
                        let clauses = from..(from + share).min(agreement.clauses.len());
                        self.part(rules, agreement, [expanded, joined], clauses)
                    })
                })
                .collect();
            started
                .into_iter()
                .map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        for part in parts {
            for (((_, hits), answered), (more, cleared)) in found.iter_mut().zip(&mut answered).zip(part) {
                hits.yes.extend(more.yes);
                hits.no.extend(more.no);
                hits.unclear.extend(more.unclear);
                *answered |= cleared;
            }
        }
        for ((_, hits), answered) in found.iter_mut().zip(answered) {
            if answered {
                hits.yes.clear();
            }
        }
        for place in 0..found.len() {
            let stronger: Vec<usize> = found
                .iter()
                .filter(|(other, _)| found[place].0.yields_to.contains(&other.id))
                .flat_map(|(_, hits)| hits.yes.iter().map(|(_, at)| *at))
                .collect();
            found[place].1.yes.retain(|(_, at)| !stronger.contains(at));
        }
        found.into_iter().map(|(rule, ranked)| (rule, ranked.into())).collect()
    }

    /// What `rules` find in some of the clauses, and whether something there clears each.
    fn part(
        &self,
        rules: &[&Rule],
        agreement: &Agreement,
        [expanded, joined]: [&HashMap<usize, Clause>; 2],
        clauses: Range<usize>,
    ) -> Part {
        let mut found: Part = rules.iter().map(|_| (Ranked::default(), false)).collect();
        let mut reader = self.segments.reader();
        for at in clauses {
            let clause = &agreement.clauses[at];
            if clause.kind == ClauseKind::Note {
                continue;
            }
            let mut sight = reader.sight(clause);
            let mut wide = expanded.get(&at).map(|clause| reader.sight(clause));
            let mut long = joined.get(&at).map(|clause| reader.sight(clause));
            for (rule, (hits, cleared)) in rules.iter().zip(&mut found) {
                *cleared = *cleared || rule.cleared.iter().any(|find| find.holds(&mut sight));
                for (finds, list) in
                    [(&rule.yes, &mut hits.yes), (&rule.no, &mut hits.no), (&rule.unclear, &mut hits.unclear)]
                {
                    let here = finds.iter().position(|find| {
                        find.holds(&mut sight)
                            || (find.definitions && wide.as_mut().is_some_and(|wide| find.holds(wide)))
                            || (find.joined && long.as_mut().is_some_and(|long| find.holds(long)))
                    });
                    if let Some(strength) = here {
                        list.push((strength, at));
                    }
                }
            }
        }
        found
    }

    /// What is missing from the whole: the clause to blame where there is one, and what to say.
    pub(crate) fn absences<'a>(&'a self, agreement: &Agreement) -> Vec<(&'a Rule, Option<usize>, &'a str)> {
        let mut found = Vec::new();
        let mut reader = self.segments.reader();
        for rule in &self.red_flags {
            let Some(absent) = &rule.absent else { continue };
            let mut blamed = None;
            let mut present = false;
            for (at, clause) in agreement.clauses.iter().enumerate() {
                if clause.kind == ClauseKind::Note {
                    continue;
                }
                let mut sight = reader.sight(clause);
                if absent.unless.iter().any(|find| find.holds(&mut sight)) {
                    present = true;
                    break;
                }
                if blamed.is_none() && absent.when.iter().any(|find| find.holds(&mut sight)) {
                    blamed = Some(at);
                }
            }
            if !present && (absent.when.is_empty() || blamed.is_some()) {
                found.push((rule, blamed, absent.say.as_str()));
            }
        }
        found
    }
}

/// How a sentence begins that cannot be understood without the one before it.
const REFERS_BACK: &[&str] = &[
    "it ",
    "they ",
    "them ",
    "that ",
    "this ",
    "these ",
    "those ",
    "such ",
    "the same ",
    "its ",
    "their ",
    "yes",
    "no,",
    "no ",
    "no:",
    "none",
    "never",
    "not ",
    "only ",
    "both ",
    "all of ",
    "the new one",
    "and ",
    "but ",
    "so ",
    "everything else",
    "nothing ",
    "what ",
    "who ",
    "if PRACTICE ",
    "until then",
    "after that",
    "then ",
    "afterwards ",
    "there is ",
    "there are ",
];

/// Clauses that answer a question or refer back, with the sentence before them as their governing words.
fn joined(agreement: &Agreement) -> HashMap<usize, Clause> {
    let mut found = HashMap::new();
    for (at, pair) in agreement.clauses.windows(2).enumerate() {
        let (before, clause) = (&pair[0], &pair[1]);
        let text = |clause: &Clause| matches!(clause.kind, ClauseKind::Operative | ClauseKind::Definition);
        let beside = clause.range.start >= before.range.end && clause.range.start - before.range.end <= 1;
        let depends = before.text.ends_with('?') || REFERS_BACK.iter().any(|opening| clause.text.starts_with(opening));
        if text(before) && text(clause) && beside && clause.own == 0 && depends {
            let text = format!("{} {}", before.text, clause.text);
            let stretches = crate::clauses::Stretches::read(&text);
            let bound = if clause.bound == Bound::Practice { before.bound } else { clause.bound };
            found.insert(at + 1, Clause { text, own: before.text.len() + 1, stretches, bound, ..clause.clone() });
        }
    }
    found
}

/// Clauses that use a defined term, with what the term means written after them.
fn expansions(agreement: &Agreement) -> HashMap<usize, Clause> {
    let mut found = HashMap::new();
    let terms: Vec<(&str, &str)> = agreement
        .definitions
        .iter()
        .filter(|(term, definition)| {
            let telling = [
                "purpose",
                "use",
                "service",
                "operation",
                "data",
                "information",
                "content",
                "improvement",
                "activit",
                "partner",
                "output",
                "material",
                "right",
                "term",
            ];
            definition.stated
                && term.len() > 3
                && definition.body.len() < 900
                && !definition.body.contains("same meaning")
                && telling.iter().any(|word| term.contains(word))
        })
        .map(|(term, definition)| (term.as_str(), definition.body.as_str()))
        .collect();
    if terms.is_empty() {
        return found;
    }
    for (at, clause) in agreement.operative() {
        let mut text = clause.text.clone();
        let own = &clause.text[clause.own..];
        for (term, body) in &terms {
            // What a clause itself defines adds nothing.
            let place = own.find(term);
            if place.is_some_and(|place| !own[..place].ends_with('"')) && !own.contains(body) && body.len() > 8 {
                text = text.replacen(term, &format!("{term} ({})", body.trim().trim_end_matches('.')), 1);
            }
        }
        if text.len() > clause.text.len() {
            let stretches = crate::clauses::Stretches::read(&text);
            found.insert(at, Clause { text, stretches, ..clause.clone() });
        }
    }
    found
}

impl Find {
    fn holds(&self, sight: &mut Sight<'_>) -> bool {
        let clause = sight.clause;
        let kind = match self.within {
            Within::Operative => clause.kind == ClauseKind::Operative,
            Within::Definition => clause.kind == ClauseKind::Definition,
            Within::Text => matches!(clause.kind, ClauseKind::Operative | ClauseKind::Definition | ClauseKind::Recital),
            Within::Heading => clause.kind == ClauseKind::Heading,
        };
        let who = match self.bound {
            Who::Vendor => clause.bound != Bound::Practice || clause.vendor_from.is_some(),
            Who::Practice => clause.bound == Bound::Practice,
            Who::Any => true,
        };
        if !kind || !who {
            return false;
        }
        let wanted = self.polarity;
        let from = if self.bound == Who::Vendor && clause.bound == Bound::Practice {
            clause.vendor_from.unwrap_or(0)
        } else {
            0
        };
        let accept = move |polarity: Polarity, at: usize| {
            at >= from
                && match wanted {
                    Wanted::Said => polarity != Polarity::Denied,
                    Wanted::Affirmed => polarity == Polarity::Affirmed,
                    Wanted::Denied => polarity == Polarity::Denied,
                    Wanted::Restricted => polarity != Polarity::Affirmed,
                    Wanted::Any => true,
                }
        };
        let any = self.any.is_empty() || self.any.iter().any(|pattern| sight.find(pattern, false, &accept).is_some());
        any && self.all.iter().all(|pattern| sight.find(pattern, true, &|_, _| true).is_some())
            && !self.none.iter().any(|pattern| sight.find(pattern, true, &|_, _| true).is_some())
            && (self.section.is_empty() || self.section.iter().any(|section| section.is_match(&clause.heading)))
            && self.over_days.is_none_or(|limit| sight.longest_days() > limit)
    }
}
