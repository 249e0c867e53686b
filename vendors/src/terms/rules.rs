//! The rules for reading terms, as data: see `rules/terms/*.yaml`.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::Direction;

const READING: &str = include_str!("../../rules/terms/reading.yaml");
const CONCEPTS: &str = include_str!("../../rules/terms/concepts.yaml");
const TOPICS: &str = include_str!("../../rules/terms/topics.yaml");
const CHANGES: &str = include_str!("../../rules/terms/changes.yaml");

static SHIPPED: LazyLock<Rules> = LazyLock::new(|| {
    // Their examples are tried by the tests, not at every start.
    Rules::build(&RuleFiles { reading: READING, concepts: CONCEPTS, topics: TOPICS, changes: CHANGES })
        .map(|(rules, _)| rules)
        .unwrap_or_else(|error| unreachable!("the shipped rules are parsed by the tests: {error}"))
});

/// The four files that rules for terms are read from.
#[derive(Debug, Clone, Copy)]
pub struct RuleFiles<'a> {
    /// How a sentence is read: spellings, negations, limits, sentences that say nothing.
    pub reading: &'a str,
    /// What sentences speak of.
    pub concepts: &'a str,
    /// What a sentence can be about.
    pub topics: &'a str,
    /// What a difference means.
    pub changes: &'a str,
}

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A file is not YAML of the right shape.
    #[error("{file} of the rules for terms cannot be read: {cause}")]
    Shape {
        /// Which file.
        file: &'static str,
        /// What the parser says, with line and column.
        cause: Box<serde_saphyr::Error>,
    },
    /// A pattern is no regular expression.
    #[error("the pattern `{pattern}` of `{rule}` is no regular expression: {cause}")]
    Pattern {
        /// The rule it stands in.
        rule: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        cause: Box<regex::Error>,
    },
    /// A rule names something that no rule defines.
    #[error("`{rule}` names `{missing}`, which no rule for terms defines")]
    Unknown {
        /// The rule.
        rule: String,
        /// What it names.
        missing: String,
    },
    /// A rule does not do what its own example says.
    #[error("`{rule}` fails its own example `{example}`: it should be {expected}")]
    Example {
        /// The rule.
        rule: String,
        /// The example.
        example: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// A pattern whose long gaps are measured by hand: `[^;]{0,120}` written out would be 120 states of an automaton.
#[derive(Debug, Clone)]
pub(crate) struct Seeker {
    regex: Regex,
    /// The longest match that counts, in bytes.
    reach: usize,
}

/// How often a match that is too long is looked for anew from a later beginning.
const RETRIES: usize = 12;

static GAP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\{0,([0-9]{2,3})\}").unwrap_or_else(|error| unreachable!("a fixed pattern: {error}"))
});

impl Seeker {
    fn new(rule: &str, patterns: &[&str]) -> Result<Self, RulesError> {
        let mut reach = 0;
        let mut gaps = false;
        for pattern in patterns {
            let sum: usize = GAP.captures_iter(pattern).filter_map(|gap| gap[1].parse::<usize>().ok()).sum();
            gaps |= sum > 0;
            reach = reach.max(sum + 60);
        }
        let all = match patterns {
            [one] => (*one).to_owned(),
            many => many.iter().map(|pattern| format!("(?:{pattern})")).collect::<Vec<_>>().join("|"),
        };
        let regex = single(rule, &GAP.replace_all(&all, "*"))?;
        Ok(Self { regex, reach: if gaps { reach } else { usize::MAX } })
    }

    fn find_from<'t>(&self, text: &'t str, mut at: usize) -> Option<regex::Match<'t>> {
        for _ in 0..RETRIES {
            let found = self.regex.find_at(text, at)?;
            if found.len() <= self.reach {
                return Some(found);
            }
            at = (found.start() + 1..=text.len()).find(|at| text.is_char_boundary(*at))?;
        }
        None
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.find_from(text, 0).is_some()
    }

    pub(crate) fn find_all<'s>(&'s self, text: &'s str) -> impl Iterator<Item = regex::Match<'s>> + 's {
        let mut at = 0;
        std::iter::from_fn(move || {
            let found = self.find_from(text, at)?;
            at = found.end().max(found.start() + 1);
            while !text.is_char_boundary(at) && at < text.len() {
                at += 1;
            }
            if at > text.len() { None } else { Some(found) }
        })
    }
}

/// Any of these, and none of those.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    any: Option<Seeker>,
    unless: Option<Seeker>,
}

impl Pattern {
    fn new(rule: &str, any: &[String], unless: &[String]) -> Result<Self, RulesError> {
        Ok(Self { any: joined(rule, any)?, unless: joined(rule, unless)? })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.any.as_ref().is_some_and(|any| any.is_match(text))
            && !self.unless.as_ref().is_some_and(|no| no.is_match(text))
    }

    /// Where it is found, unless one of those is.
    pub(crate) fn find_all<'t>(&'t self, text: &'t str) -> impl Iterator<Item = regex::Match<'t>> + 't {
        let mut stopped = None;
        self.any.iter().flat_map(|any| any.find_all(text)).take_while(move |_| {
            !*stopped.get_or_insert_with(|| self.unless.as_ref().is_some_and(|no| no.is_match(text)))
        })
    }
}

fn joined(rule: &str, patterns: &[String]) -> Result<Option<Seeker>, RulesError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let all: Vec<&str> = patterns.iter().map(String::as_str).collect();
    // An error names the one that is wrong.
    let alone = |whole| patterns.iter().find_map(|pattern| single(rule, pattern).err()).unwrap_or(whole);
    Seeker::new(rule, &all).map(Some).map_err(alone)
}

/// Words are those of English: classes of ASCII alone compile and run several times faster.
fn single(rule: &str, pattern: &str) -> Result<Regex, RulesError> {
    let ascii = pattern
        .replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\W", "[^0-9A-Za-z_]")
        .replace(r"\d", "[0-9]")
        .replace(r"\b", r"(?-u:\b)");
    Regex::new(&ascii).map_err(|cause| RulesError::Pattern {
        rule: rule.to_owned(),
        pattern: pattern.to_owned(),
        cause: Box::new(cause),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    #[serde(default)]
    hidden: Vec<String>,
    #[serde(default)]
    kept: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCue {
    #[serde(default)]
    id: String,
    matches: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    examples: Examples,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReading {
    spellings: HashMap<String, String>,
    numbers: HashMap<String, u64>,
    not_negations: RawCue,
    negations: RawCue,
    clause_ends: RawCue,
    asides: RawCue,
    negated_after: RawCue,
    conduct: RawCue,
    agency: RawCue,
    open_ended: RawCue,
    silent: RawCue,
    finite: RawCue,
    boilerplate: RawCue,
    limits: Vec<RawCue>,
    scrapers: RawCue,
    promptly: RawCue,
    caps: RawCue,
    exceptions: RawCue,
    covered: RawCue,
    places: RawCue,
    besides: RawCue,
    ages: RawCue,
    restricted: RawCue,
    banners: RawCue,
    unnamed: RawCue,
    upon_objection: RawCue,
    offers: RawCue,
    edition: RawCue,
    blocked: RawCue,
}

/// What kind of thing a concept is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Object,
    Technology,
    Purpose,
    Recipient,
    Term,
    Right,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConcept {
    id: String,
    kind: Kind,
    #[serde(default)]
    minor: bool,
    matches: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    examples: Examples,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConcepts {
    concepts: Vec<RawConcept>,
}

/// How sentences on a topic are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reads {
    Statement,
    Period,
    Right,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicExamples {
    permits: Vec<String>,
    forbids: Vec<String>,
    silent: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    id: String,
    reads: Reads,
    acts: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    benign: Vec<String>,
    #[serde(default)]
    ignores: Vec<String>,
    #[serde(default)]
    about: Vec<Kind>,
    watches: Vec<Kind>,
    examples: TopicExamples,
}

/// The examples of all rules, in the order of the rules.
struct AllExamples {
    cues: Vec<(String, Examples)>,
    concepts: Vec<Examples>,
    topics: Vec<TopicExamples>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopics {
    topics: Vec<RawTopic>,
}

/// What happened to a statement between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    PermitAdded,
    PermitRemoved,
    PermitBroadened,
    PermitNarrowed,
    PermitQualified,
    PermitFreed,
    PermitToForbid,
    ForbidAdded,
    ForbidAddedQualified,
    ForbidRemoved,
    ForbidBroadened,
    ForbidNarrowed,
    ForbidQualified,
    ForbidFreed,
    ForbidToPermit,
    OfferAdded,
    OfferRemoved,
    Longer,
    Shorter,
    KeepAdded,
    KeepRemoved,
    DeletionAdded,
    DeletionRemoved,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChange {
    topic: String,
    when: Event,
    #[serde(default)]
    with: Vec<String>,
    #[serde(rename = "type")]
    kind: String,
    direction: Direction,
    weight: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChanges {
    changes: Vec<RawChange>,
}

/// Something that sentences speak of.
#[derive(Debug, Clone)]
pub(crate) struct Concept {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) minor: bool,
    pub(crate) pattern: Pattern,
}

/// Something that a sentence can be about.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) id: String,
    pub(crate) reads: Reads,
    pub(crate) acts: Vec<Seeker>,
    pub(crate) needs: Vec<Seeker>,
    pub(crate) unless: Option<Seeker>,
    /// Permissions that every such text gives.
    pub(crate) benign: Option<Seeker>,
    /// Indices of concepts that are no news on the topic.
    pub(crate) ignores: Vec<usize>,
    pub(crate) about: Vec<Kind>,
    pub(crate) watches: Vec<Kind>,
}

/// What a difference is called, and whom it serves.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    pub(crate) with: Vec<usize>,
    pub(crate) kind: String,
    pub(crate) direction: Direction,
    pub(crate) weight: u8,
}

/// The rules for reading and comparing terms, compiled.
#[derive(Debug)]
pub struct Rules {
    pub(crate) spellings: HashMap<String, String>,
    pub(crate) numbers: HashMap<String, u64>,
    pub(crate) period: Regex,
    pub(crate) not_negations: Pattern,
    pub(crate) negations: Pattern,
    pub(crate) clause_ends: Pattern,
    pub(crate) asides: Pattern,
    pub(crate) negated_after: Pattern,
    pub(crate) conduct: Pattern,
    pub(crate) agency: Pattern,
    pub(crate) open_ended: Pattern,
    pub(crate) silent: Pattern,
    pub(crate) finite: Pattern,
    pub(crate) boilerplate: Pattern,
    pub(crate) limits: Vec<(String, Pattern)>,
    pub(crate) scrapers: Pattern,
    pub(crate) promptly: Pattern,
    pub(crate) caps: Pattern,
    pub(crate) exceptions: Pattern,
    pub(crate) covered: Pattern,
    pub(crate) places: Pattern,
    pub(crate) besides: Pattern,
    pub(crate) ages: Pattern,
    pub(crate) restricted: Pattern,
    pub(crate) banners: Pattern,
    pub(crate) unnamed: Pattern,
    pub(crate) upon_objection: Pattern,
    pub(crate) offers: Pattern,
    /// The first group is the date.
    pub(crate) edition: Regex,
    pub(crate) blocked: Pattern,
    pub(crate) concepts: Vec<Concept>,
    pub(crate) topics: Vec<Topic>,
    meanings: HashMap<(usize, Event), Vec<Meaning>>,
}

fn yaml<'a, T: Deserialize<'a>>(file: &'static str, text: &'a str) -> Result<T, RulesError> {
    serde_saphyr::from_str(text).map_err(|cause| RulesError::Shape { file, cause: Box::new(cause) })
}

impl Rules {
    /// The rules that come with Provenote.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads rules and tests each by its own examples.
    ///
    /// # Errors
    /// A file of another shape, a pattern that is none, a name that nothing defines, an example that fails.
    pub fn parse(files: &RuleFiles<'_>) -> Result<Self, RulesError> {
        let (rules, examples) = Self::build(files)?;
        match rules.failures(&examples).into_iter().next() {
            None => Ok(rules),
            Some(failure) => Err(failure),
        }
    }

    fn build(files: &RuleFiles<'_>) -> Result<(Self, AllExamples), RulesError> {
        let raw: RawReading = yaml("reading.yaml", files.reading)?;
        let cue = |name: &'static str, raw: &RawCue| -> Result<Pattern, RulesError> {
            Pattern::new(name, &raw.matches, &raw.unless)
        };
        let mut words: Vec<&str> = raw.numbers.keys().map(String::as_str).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let period = format!(
            r"\b(\d{{1,4}}|{})(?: ?\((\d{{1,4}})\))? (?:business |calendar |working |full |consecutive )?(hour|day|week|month|year)s?\b",
            words.join("|")
        );
        let concepts: Vec<RawConcept> = yaml::<RawConcepts>("concepts.yaml", files.concepts)?.concepts;
        let topics: Vec<RawTopic> = yaml::<RawTopics>("topics.yaml", files.topics)?.topics;
        let changes: Vec<RawChange> = yaml::<RawChanges>("changes.yaml", files.changes)?.changes;
        let mut rules = Self {
            period: single("numbers", &period)?,
            not_negations: cue("not_negations", &raw.not_negations)?,
            negations: cue("negations", &raw.negations)?,
            clause_ends: cue("clause_ends", &raw.clause_ends)?,
            asides: cue("asides", &raw.asides)?,
            negated_after: cue("negated_after", &raw.negated_after)?,
            conduct: cue("conduct", &raw.conduct)?,
            agency: cue("agency", &raw.agency)?,
            open_ended: cue("open_ended", &raw.open_ended)?,
            silent: cue("silent", &raw.silent)?,
            finite: cue("finite", &raw.finite)?,
            boilerplate: cue("boilerplate", &raw.boilerplate)?,
            limits: raw
                .limits
                .iter()
                .map(|limit| Ok((limit.id.clone(), Pattern::new(&limit.id, &limit.matches, &limit.unless)?)))
                .collect::<Result<_, RulesError>>()?,
            scrapers: cue("scrapers", &raw.scrapers)?,
            promptly: cue("promptly", &raw.promptly)?,
            caps: cue("caps", &raw.caps)?,
            exceptions: cue("exceptions", &raw.exceptions)?,
            covered: cue("covered", &raw.covered)?,
            places: cue("places", &raw.places)?,
            besides: cue("besides", &raw.besides)?,
            ages: cue("ages", &raw.ages)?,
            restricted: cue("restricted", &raw.restricted)?,
            banners: cue("banners", &raw.banners)?,
            unnamed: cue("unnamed", &raw.unnamed)?,
            upon_objection: cue("upon_objection", &raw.upon_objection)?,
            offers: cue("offers", &raw.offers)?,
            edition: single("edition", raw.edition.matches.first().map_or("$^", String::as_str))?,
            blocked: cue("blocked", &raw.blocked)?,
            concepts: concepts
                .iter()
                .map(|concept| {
                    Ok(Concept {
                        id: concept.id.clone(),
                        kind: concept.kind,
                        minor: concept.minor,
                        pattern: Pattern::new(&concept.id, &concept.matches, &concept.unless)?,
                    })
                })
                .collect::<Result<_, RulesError>>()?,
            topics: topics.iter().map(|raw| topic(raw, &concepts)).collect::<Result<_, RulesError>>()?,
            meanings: HashMap::new(),
            spellings: raw.spellings,
            numbers: raw.numbers,
        };
        for change in changes {
            let unknown =
                |missing: &str| RulesError::Unknown { rule: change.kind.clone(), missing: missing.to_owned() };
            let topic = rules.topic(&change.topic).ok_or_else(|| unknown(&change.topic))?;
            let with = change
                .with
                .iter()
                .map(|id| rules.concept(id).ok_or_else(|| unknown(id)))
                .collect::<Result<Vec<_>, _>>()?;
            let meaning =
                Meaning { with, kind: change.kind.clone(), direction: change.direction, weight: change.weight };
            rules.meanings.entry((topic, change.when)).or_default().push(meaning);
        }
        let mut cues = vec![
            ("not_negations".to_owned(), raw.not_negations.examples),
            ("clause_ends".to_owned(), raw.clause_ends.examples),
            ("asides".to_owned(), raw.asides.examples),
            ("negated_after".to_owned(), raw.negated_after.examples),
            ("conduct".to_owned(), raw.conduct.examples),
            ("agency".to_owned(), raw.agency.examples),
            ("open_ended".to_owned(), raw.open_ended.examples),
            ("silent".to_owned(), raw.silent.examples),
            ("finite".to_owned(), raw.finite.examples),
            ("boilerplate".to_owned(), raw.boilerplate.examples),
            ("negations".to_owned(), raw.negations.examples),
            ("scrapers".to_owned(), raw.scrapers.examples),
            ("promptly".to_owned(), raw.promptly.examples),
            ("caps".to_owned(), raw.caps.examples),
            ("exceptions".to_owned(), raw.exceptions.examples),
            ("covered".to_owned(), raw.covered.examples),
            ("places".to_owned(), raw.places.examples),
            ("besides".to_owned(), raw.besides.examples),
            ("ages".to_owned(), raw.ages.examples),
            ("restricted".to_owned(), raw.restricted.examples),
            ("banners".to_owned(), raw.banners.examples),
            ("unnamed".to_owned(), raw.unnamed.examples),
            ("upon_objection".to_owned(), raw.upon_objection.examples),
            ("offers".to_owned(), raw.offers.examples),
            ("edition".to_owned(), raw.edition.examples),
            ("blocked".to_owned(), raw.blocked.examples),
        ];
        cues.extend(raw.limits.into_iter().map(|limit| (limit.id, limit.examples)));
        let examples = AllExamples {
            cues,
            concepts: concepts.into_iter().map(|concept| concept.examples).collect(),
            topics: topics.into_iter().map(|topic| topic.examples).collect(),
        };
        Ok((rules, examples))
    }

    fn cue(&self, name: &str) -> Option<&Pattern> {
        Some(match name {
            "not_negations" => &self.not_negations,
            "clause_ends" => &self.clause_ends,
            "asides" => &self.asides,
            "negated_after" => &self.negated_after,
            "conduct" => &self.conduct,
            "agency" => &self.agency,
            "open_ended" => &self.open_ended,
            "silent" => &self.silent,
            "finite" => &self.finite,
            "boilerplate" => &self.boilerplate,
            "negations" => &self.negations,
            "scrapers" => &self.scrapers,
            "promptly" => &self.promptly,
            "caps" => &self.caps,
            "exceptions" => &self.exceptions,
            "covered" => &self.covered,
            "places" => &self.places,
            "besides" => &self.besides,
            "ages" => &self.ages,
            "restricted" => &self.restricted,
            "banners" => &self.banners,
            "unnamed" => &self.unnamed,
            "upon_objection" => &self.upon_objection,
            "offers" => &self.offers,
            "blocked" => &self.blocked,
            limit => &self.limits.iter().find(|(id, _)| id == limit)?.1,
        })
    }

    /// Every example that a rule fails.
    fn failures(&self, examples: &AllExamples) -> Vec<RulesError> {
        let mut out = Vec::new();
        for (name, examples) in &examples.cues {
            if name == "edition" {
                let alone =
                    Pattern { any: Some(Seeker { regex: self.edition.clone(), reach: usize::MAX }), unless: None };
                check(name, &alone, examples, str::to_owned, &mut out);
            }
            let folds = name == "boilerplate";
            if let Some(pattern) = self.cue(name) {
                check(name, pattern, examples, |text| if folds { self.fold(text) } else { text.to_owned() }, &mut out);
            }
        }
        for (concept, examples) in self.concepts.iter().zip(&examples.concepts) {
            check(&concept.id, &concept.pattern, examples, str::to_owned, &mut out);
        }
        for (topic, examples) in examples.topics.iter().enumerate() {
            self.check_topic(topic, examples, &mut out);
        }
        out
    }

    pub(crate) fn topic(&self, id: &str) -> Option<usize> {
        self.topics.iter().position(|topic| topic.id == id)
    }

    pub(crate) fn concept(&self, id: &str) -> Option<usize> {
        self.concepts.iter().position(|concept| concept.id == id)
    }

    /// What an event on a topic means, for a statement that names these concepts.
    pub(crate) fn meaning(
        &self,
        topic: usize,
        event: Event,
        named: &std::collections::BTreeSet<usize>,
    ) -> Option<&Meaning> {
        self.meanings.get(&(topic, event))?.iter().find(|meaning| meaning.with.iter().all(|id| named.contains(id)))
    }

    fn check_topic(&self, topic: usize, examples: &TopicExamples, out: &mut Vec<RulesError>) {
        use super::statements::Stance;
        let id = &self.topics[topic].id;
        for (list, stance, expected) in [
            (&examples.permits, Some(Stance::Permit), "a permission"),
            (&examples.forbids, Some(Stance::Forbid), "a promise not to"),
            (&examples.silent, None, "silent"),
        ] {
            for example in list {
                let read = self.statements(&self.fold(example), 0, false);
                let stances: Vec<Stance> = read.iter().filter(|one| one.topic == topic).map(|one| one.stance).collect();
                if stances.first().copied() != stance || stances.len() > 1 {
                    out.push(RulesError::Example { rule: id.clone(), example: example.clone(), expected });
                }
            }
        }
    }
}

fn topic(raw: &RawTopic, concepts: &[RawConcept]) -> Result<Topic, RulesError> {
    let ignores = raw
        .ignores
        .iter()
        .map(|id| {
            let unknown = || RulesError::Unknown { rule: raw.id.clone(), missing: id.clone() };
            concepts.iter().position(|concept| concept.id == *id).ok_or_else(unknown)
        })
        .collect::<Result<_, _>>()?;
    let all = |patterns: &[String]| {
        patterns.iter().map(|pattern| Seeker::new(&raw.id, &[pattern])).collect::<Result<Vec<_>, _>>()
    };
    Ok(Topic {
        id: raw.id.clone(),
        reads: raw.reads,
        acts: all(&raw.acts)?,
        needs: all(&raw.needs)?,
        unless: joined(&raw.id, &raw.unless)?,
        benign: joined(&raw.id, &raw.benign)?,
        ignores,
        about: raw.about.clone(),
        watches: raw.watches.clone(),
    })
}

fn check(rule: &str, pattern: &Pattern, examples: &Examples, fold: impl Fn(&str) -> String, out: &mut Vec<RulesError>) {
    for (list, wanted, expected) in [(&examples.hidden, true, "matched"), (&examples.kept, false, "left alone")] {
        for example in list.iter().filter(|example| pattern.is_match(&fold(example)) != wanted) {
            out.push(RulesError::Example { rule: rule.to_owned(), example: example.clone(), expected });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_rule_does_what_its_examples_say() {
        let files = RuleFiles { reading: READING, concepts: CONCEPTS, topics: TOPICS, changes: CHANGES };
        let (rules, examples) = Rules::build(&files).unwrap_or_else(|error| panic!("{error}"));
        let failures: Vec<String> = rules.failures(&examples).iter().map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn rules_that_cannot_be_used_are_refused_with_the_place() {
        let with = |topics: &str, changes: &str| {
            Rules::parse(&RuleFiles { reading: READING, concepts: CONCEPTS, topics, changes })
                .expect_err("refused")
                .to_string()
        };
        assert!(with("topics: 3", CHANGES).contains("topics.yaml"));
        let broken = TOPICS.replace(r"'\bmodel training\b|\btraining (?:data|purposes)\b'", "'(model'");
        assert!(with(&broken, CHANGES).contains("`(model` of `training`"));
        assert!(with(TOPICS, &CHANGES.replace("topic: sale", "topic: barter")).contains("`barter`"));
        let wrong =
            TOPICS.replace("- \"your content is not used to train ai\"", "- \"your content is used to train ai\"");
        assert!(with(&wrong, CHANGES).contains("your content is used to train ai"));
    }
}
