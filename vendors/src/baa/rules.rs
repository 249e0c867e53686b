//! The rules: data in `rules/baa`, and a practice's own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::matching::{Pattern, Segments, Sight};
use crate::clauses::{Agreement, Bound, Clause, ClauseKind, Polarity, durations};
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
    #[serde(default)]
    absent: Option<RawAbsent>,
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
    yes: Vec<Find>,
    no: Vec<Find>,
    unclear: Vec<Find>,
    absent: Option<Absent>,
    examples: Examples,
}

#[derive(Debug)]
struct Absent {
    when: Vec<Find>,
    unless: Vec<Find>,
    say: String,
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
            yes,
            no,
            unclear,
            absent,
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
        let Find { polarity, bound, within, over_days, definitions, .. } = Find {
            any: Vec::new(),
            all: Vec::new(),
            none: Vec::new(),
            section: Vec::new(),
            polarity: raw.polarity,
            bound: raw.bound,
            within: raw.within,
            over_days: raw.over_days,
            definitions: raw.definitions,
        };
        Ok(Find { any, all, none, section, polarity, bound, within, over_days, definitions })
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
        let expanded = expansions(agreement);
        for (at, clause) in agreement.clauses.iter().enumerate() {
            if clause.kind == ClauseKind::Note {
                continue;
            }
            let mut sight = self.segments.sight(clause);
            let mut wide = expanded.get(&at).map(|clause| self.segments.sight(clause));
            for (rule, hits) in &mut found {
                for (finds, list) in
                    [(&rule.yes, &mut hits.yes), (&rule.no, &mut hits.no), (&rule.unclear, &mut hits.unclear)]
                {
                    let here = finds.iter().position(|find| {
                        find.holds(&mut sight)
                            || (find.definitions && wide.as_mut().is_some_and(|wide| find.holds(wide)))
                    });
                    if let Some(strength) = here {
                        list.push((strength, at));
                    }
                }
            }
        }
        found.into_iter().map(|(rule, ranked)| (rule, ranked.into())).collect()
    }

    /// What is missing from the whole: the clause to blame where there is one, and what to say.
    pub(crate) fn absences<'a>(&'a self, agreement: &Agreement) -> Vec<(&'a Rule, Option<usize>, &'a str)> {
        let mut found = Vec::new();
        for rule in &self.red_flags {
            let Some(absent) = &rule.absent else { continue };
            let mut blamed = None;
            let mut present = false;
            for (at, clause) in agreement.clauses.iter().enumerate() {
                if clause.kind == ClauseKind::Note {
                    continue;
                }
                let mut sight = self.segments.sight(clause);
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

/// Clauses that use a defined term, with what the term means written after them.
fn expansions(agreement: &Agreement) -> std::collections::HashMap<usize, Clause> {
    let mut found = std::collections::HashMap::new();
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
            Who::Vendor => clause.bound != Bound::Practice,
            Who::Practice => clause.bound == Bound::Practice,
            Who::Any => true,
        };
        if !kind || !who {
            return false;
        }
        if !self.section.is_empty() && !self.section.iter().any(|section| section.is_match(&clause.heading)) {
            return false;
        }
        if let Some(limit) = self.over_days
            && !durations(&clause.text).iter().any(|duration| duration.calendar_days() > limit)
        {
            return false;
        }
        let wanted = self.polarity;
        let accept = move |polarity: Polarity| match wanted {
            Wanted::Said => polarity != Polarity::Denied,
            Wanted::Affirmed => polarity == Polarity::Affirmed,
            Wanted::Denied => polarity == Polarity::Denied,
            Wanted::Restricted => polarity != Polarity::Affirmed,
            Wanted::Any => true,
        };
        let any = self.any.is_empty() || self.any.iter().any(|pattern| sight.find(pattern, false, &accept).is_some());
        any && self.all.iter().all(|pattern| sight.find(pattern, true, &|_| true).is_some())
            && !self.none.iter().any(|pattern| sight.find(pattern, true, &|_| true).is_some())
    }
}
