//! What a business associate agreement says: provisions, red flags, facts, and the window for notices of a breach.
//!
//! Nothing here decides whether an agreement is lawful. It says what stands in the text and where, what does not, and
//! what a practice may ask for instead. Requirements and their citations are those of 45 CFR 164.504(e), 164.314(a) and
//! 164.410, as kept in `rules/baa` with the mark of how each was checked.

mod breach;
mod matching;
mod rules;
mod verdict;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

pub use rules::{Rules, RulesError};

use crate::clauses::{Agreement, Clause, Polarity};

pub use crate::clauses::Unit;
use crate::reading::Document;

/// Whether something stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Present {
    /// It does.
    Yes,
    /// It does not, or the document says the contrary.
    No,
    /// It is touched on, but the words do not settle it.
    Unclear,
}

/// How a document stands to something it may permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// It permits or promises it.
    Permitted,
    /// It forbids or disclaims it.
    Forbidden,
    /// It says nothing of it.
    Silent,
    /// It says something that does not settle it.
    Unclear,
}

/// Words of the document. `start` and `end` count its Unicode characters; the quote is exactly what stands there. Where
/// nothing is quoted, the quote is empty and both are 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// The words.
    pub quote: String,
    /// Where they begin.
    pub start: usize,
    /// Where they end.
    pub end: usize,
}

/// A provision of the 27, or a practice's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provision {
    /// "BAA-01".
    pub id: String,
    /// Whether it is there.
    pub present: Present,
    /// Where.
    #[serde(flatten)]
    pub quote: Quote,
    /// What it is.
    pub title: String,
    /// The law.
    pub citation: String,
    /// How the citation was checked.
    pub mark: String,
    /// How bad it is that it is missing; nothing where it is there.
    pub severity: String,
    /// Words that could be added.
    pub replacement: String,
}

/// A red flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedFlag {
    /// "RF-01".
    pub id: String,
    /// "critical", "high", "medium".
    pub severity: String,
    /// Where.
    #[serde(flatten)]
    pub quote: Quote,
    /// The law or the reason.
    pub citation: String,
    /// What to do about it.
    pub advice: String,
    /// What it is.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// Words to propose instead.
    pub replacement: String,
    /// How the citation was checked.
    pub mark: String,
    /// "sentence", or "absence" where the flag is that something is missing from the whole.
    pub basis: &'static str,
}

/// The window for notice of a breach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreachNotice {
    /// How many.
    pub value: u32,
    /// Hours, days or business days.
    pub unit: Unit,
    /// What it counts from: discovery, knowledge, occurrence, confirmation, or unspecified.
    pub of: &'static str,
    /// The promise.
    #[serde(flatten)]
    pub quote: Quote,
    /// The words that give the number, where those stand elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<Quote>,
}

/// Why the window could not be told, and what comes nearest to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undetermined {
    /// Why.
    pub why: String,
    /// The nearest words.
    #[serde(flatten)]
    pub quote: Quote,
}

/// A fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Whether the document permits or promises it.
    pub present: Present,
    /// The words that say so, or that say the contrary.
    #[serde(flatten)]
    pub quote: Quote,
    /// Forbidden and silent are both "no"; this tells them apart.
    pub stance: Stance,
    /// Further words that say the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Quote>,
}

/// Two places that cannot both stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Which kind.
    pub id: String,
    /// In plain words.
    pub says: String,
    /// One place.
    pub one: Quote,
    /// The other.
    pub other: Quote,
}

/// Whether a document reads as a business associate agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// True if it does.
    pub is_baa: bool,
    /// Why, or why not.
    pub why: String,
}

/// All that a review says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Three sentences that a therapist understands.
    pub verdict: [String; 3],
    /// Whether it reads as a business associate agreement at all.
    #[serde(flatten)]
    pub kind: Kind,
    /// The 27 provisions.
    pub provisions: Vec<Provision>,
    /// What to worry about, the gravest first.
    pub red_flags: Vec<RedFlag>,
    /// The window for notice of a breach, or nothing where the text does not settle it.
    pub breach_notice: Option<BreachNotice>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breach_notice_undetermined: Option<Undetermined>,
    /// Facts by name.
    pub facts: BTreeMap<String, Fact>,
    /// Places that cannot both stand.
    pub contradictions: Vec<Contradiction>,
}

/// Reviews a document.
pub fn review(document: &Document, rules: &Rules) -> Review {
    let agreement = Agreement::read(document);
    let quotes = Quotes::of(document);
    let found = rules.hits(&agreement, |_| true);
    let hits: BTreeMap<&str, &rules::Hits> = found.iter().map(|(rule, hits)| (rule.id.as_str(), hits)).collect();
    let window = breach::find(&agreement);

    let mut provisions: Vec<Provision> = Vec::new();
    for rule in &rules.provisions {
        let hits = hits[rule.id.as_str()];
        let (present, at) =
            match (best(&agreement, &hits.yes), best(&agreement, &hits.unclear), best(&agreement, &hits.no)) {
                (Some(at), _, _) => {
                    (if agreement.clauses[at].optional { Present::Unclear } else { Present::Yes }, Some(at))
                }
                (None, Some(at), _) => (Present::Unclear, Some(at)),
                (None, None, at) => (Present::No, at),
            };
        provisions.push(Provision {
            id: rule.id.clone(),
            present,
            quote: quotes.clause(&agreement, at),
            title: rule.title.clone(),
            citation: rule.citation.clone(),
            mark: rule.mark.clone(),
            severity: if present == Present::Yes { String::new() } else { rule.severity.clone() },
            replacement: if present == Present::Yes { String::new() } else { rule.replacement.clone() },
        });
    }
    settle_breach_provision(&mut provisions, &window, &agreement, &quotes);

    let mut facts = BTreeMap::new();
    for rule in &rules.facts {
        let hits = hits[rule.id.as_str()];
        let (yes, unclear, no) =
            (best(&agreement, &hits.yes), best(&agreement, &hits.unclear), best(&agreement, &hits.no));
        let (present, stance, at, list) = match (yes, unclear, no) {
            // What a drafter may still leave out is not agreed yet.
            (Some(at), _, _) if agreement.clauses[at].optional => (Present::No, Stance::Unclear, Some(at), &hits.yes),
            (Some(at), _, _) => (Present::Yes, Stance::Permitted, Some(at), &hits.yes),
            (None, _, Some(at)) => (Present::No, Stance::Forbidden, Some(at), &hits.no),
            (None, Some(at), None) => (Present::Unclear, Stance::Unclear, Some(at), &hits.unclear),
            (None, None, None) => (Present::No, Stance::Silent, None, &hits.no),
        };
        let also = separate(&agreement, list)
            .into_iter()
            .filter(|other| Some(*other) != at)
            .take(8)
            .map(|other| quotes.clause(&agreement, Some(other)))
            .collect();
        facts.insert(rule.id.clone(), Fact { present, quote: quotes.clause(&agreement, at), stance, also });
    }

    let kind = kind(&agreement, &provisions);
    let mut red_flags = Vec::new();
    for rule in &rules.red_flags {
        let mut places = separate(&agreement, &hits[rule.id.as_str()].yes);
        places.truncate(12);
        for at in places {
            red_flags.push(red_flag(rule, quotes.clause(&agreement, Some(at)), "sentence", &rule.why));
        }
    }
    if kind.is_baa {
        for (rule, at, say) in rules.absences(&agreement) {
            if !red_flags.iter().any(|flag| flag.id == rule.id) {
                red_flags.push(red_flag(rule, quotes.clause(&agreement, at), "absence", say));
            }
        }
    }
    red_flags.sort_by_key(|flag| (grade(&flag.severity), flag.quote.start));

    let mut contradictions = Vec::new();
    if let Some((one, other)) = window.conflict {
        contradictions.push(Contradiction {
            id: "breach_windows".to_owned(),
            says: "The agreement gives two different time limits for notice of a breach.".to_owned(),
            one: quotes.clause(&agreement, Some(one)),
            other: quotes.clause(&agreement, Some(other)),
        });
    }
    for rule in &rules.contradictions {
        let side = |name: &str| -> Option<usize> {
            let (id, answer) = name.split_once('.')?;
            let hits = hits.get(id)?;
            best(&agreement, if answer == "no" { &hits.no } else { &hits.yes })
                .filter(|at| !agreement.clauses[*at].optional)
        };
        if let (Some(one), Some(other)) = (side(&rule.between[0]), side(&rule.between[1]))
            && !nested(&agreement.clauses[one].range, &agreement.clauses[other].range)
        {
            contradictions.push(Contradiction {
                id: rule.id.clone(),
                says: rule.say.clone(),
                one: quotes.clause(&agreement, Some(one)),
                other: quotes.clause(&agreement, Some(other)),
            });
        }
    }

    let breach_notice = window.window.as_ref().map(|found| BreachNotice {
        value: found.value,
        unit: found.unit,
        of: found.of,
        quote: quotes.clause(&agreement, Some(found.clause)),
        resolved_by: found.resolver.map(|at| quotes.clause(&agreement, Some(at))),
    });
    let breach_notice_undetermined =
        window.why.as_ref().map(|(why, at)| Undetermined { why: why.clone(), quote: quotes.clause(&agreement, *at) });
    let verdict = verdict::verdict(&kind, &provisions, &red_flags, breach_notice.as_ref(), &contradictions);
    Review { verdict, kind, provisions, red_flags, breach_notice, breach_notice_undetermined, facts, contradictions }
}

/// BAA-07 is about a number, which rules over clauses do not read.
fn settle_breach_provision(
    provisions: &mut [Provision],
    window: &breach::Finding,
    agreement: &Agreement,
    quotes: &Quotes<'_>,
) {
    let Some(provision) = provisions.iter_mut().find(|provision| provision.id == "BAA-07") else { return };
    let (present, at) = match (&window.window, &window.why) {
        (Some(found), _) => (Present::Yes, Some(found.clause)),
        (None, Some((_, Some(at)))) if provision.present != Present::Yes => (Present::Unclear, Some(*at)),
        _ => return,
    };
    provision.present = present;
    provision.quote = quotes.clause(agreement, at);
    if present == Present::Yes {
        provision.severity.clear();
        provision.replacement.clear();
    }
}

fn red_flag(rule: &rules::Rule, quote: Quote, basis: &'static str, why: &str) -> RedFlag {
    RedFlag {
        id: rule.id.clone(),
        severity: rule.severity.clone(),
        quote,
        citation: rule.citation.clone(),
        advice: rule.advice.clone(),
        title: rule.title.clone(),
        why: why.to_owned(),
        replacement: rule.replacement.clone(),
        mark: rule.mark.clone(),
        basis,
    }
}

/// The order of severities.
fn grade(severity: &str) -> u8 {
    match severity.split(' ').next().unwrap_or_default() {
        "critical" => 0,
        "high" => 1,
        "medium" => 2,
        _ => 3,
    }
}

/// The clause to quote of several: one that binds before one a drafter may leave out, an item before the sentence it is
/// part of, otherwise the first.
fn best(agreement: &Agreement, places: &[usize]) -> Option<usize> {
    let first =
        places.iter().copied().find(|at| !agreement.clauses[*at].optional).or_else(|| places.first().copied())?;
    // "… if that is not feasible" is a condition of the promise, not the promise.
    let says = |at: usize| !agreement.clauses[at].text[agreement.clauses[at].own..].starts_with("if ");
    let inner = places
        .iter()
        .copied()
        .find(|at| *at != first && says(*at) && inside(&agreement.clauses[*at].range, &agreement.clauses[first].range));
    Some(inner.unwrap_or(first))
}

/// The places without those that only repeat another: a sentence whose item is among them.
fn separate(agreement: &Agreement, places: &[usize]) -> Vec<usize> {
    let range = |at: usize| &agreement.clauses[at].range;
    let mut kept: Vec<usize> = Vec::new();
    for at in places {
        let repeated = places.iter().any(|other| other != at && inside(range(*other), range(*at)))
            || kept.iter().any(|other| range(*other) == range(*at));
        if !repeated && !agreement.clauses[*at].optional {
            kept.push(*at);
        }
    }
    kept
}

fn inside(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    inner.start >= outer.start && inner.end <= outer.end && inner != outer
}

fn nested(one: &Range<usize>, other: &Range<usize>) -> bool {
    one == other || inside(one, other) || inside(other, one)
}

/// Makes quotes with positions in characters.
struct Quotes<'a> {
    text: &'a str,
    /// Characters before each block of 1,024 bytes, so that a position costs no walk over the whole text.
    before: Vec<usize>,
}

impl<'a> Quotes<'a> {
    const STEP: usize = 1_024;

    fn of(document: &'a Document) -> Self {
        let text = document.text.as_str();
        let mut before = vec![0];
        let mut characters = 0;
        for (at, byte) in text.bytes().enumerate() {
            if at > 0 && at % Self::STEP == 0 {
                before.push(characters);
            }
            // Every byte but those that continue a character begins one.
            if byte & 0xC0 != 0x80 {
                characters += 1;
            }
        }
        Self { text, before }
    }

    fn characters(&self, byte: usize) -> usize {
        let step = (byte / Self::STEP).min(self.before.len() - 1);
        let from = step * Self::STEP;
        self.before[step] + self.text.as_bytes()[from..byte].iter().filter(|byte| **byte & 0xC0 != 0x80).count()
    }

    fn clause(&self, agreement: &Agreement, at: Option<usize>) -> Quote {
        let Some(range) = at.map(|at| agreement.clauses[at].range.clone()) else { return Quote::default() };
        Quote {
            quote: self.text[range.clone()].to_owned(),
            start: self.characters(range.start),
            end: self.characters(range.end),
        }
    }
}

/// Whether the document is a business associate agreement: two sides, protected health information, and the duties that
/// make one.
fn kind(agreement: &Agreement, provisions: &[Provision]) -> Kind {
    let words: usize = agreement.clauses.iter().map(|clause| clause.text.len()).sum();
    let says = |needle: &str| agreement.clauses.iter().any(|clause| clause.text.contains(needle));
    let count =
        |needle: &str| agreement.clauses.iter().filter(|clause| clause.text[clause.own..].contains(needle)).count();
    let core =
        ["BAA-01", "BAA-03", "BAA-04", "BAA-05", "BAA-09", "BAA-10", "BAA-11", "BAA-12", "BAA-14", "BAA-15", "BAA-16"];
    let duties = provisions
        .iter()
        .filter(|provision| core.contains(&provision.id.as_str()) && provision.present == Present::Yes)
        .count();
    let health = says("PHI");
    let hipaa = says("hipaa") || says("164.") || says("health insurance portability");
    let sides = agreement.clauses.iter().any(bound_to_promise) && count("VENDOR") >= 3;
    let named = agreement
        .clauses
        .iter()
        .any(|clause| clause.text.contains("business associate") || clause.text.contains("baa"));
    let is_baa = health && sides && (hipaa || named) && duties >= 4;
    let why = if is_baa {
        format!(
            "it binds a vendor that handles protected health information, with {duties} of the {} duties that make such an agreement",
            core.len()
        )
    } else if words < 20 {
        "there is hardly any text in it".to_owned()
    } else if !health {
        "it does not speak of protected health information".to_owned()
    } else if !sides {
        "no vendor promises anything about protected health information in it".to_owned()
    } else if !hipaa && !named {
        "it names neither HIPAA nor a business associate".to_owned()
    } else {
        format!("it has only {duties} of the {} duties that make such an agreement", core.len())
    };
    Kind { is_baa, why }
}

fn bound_to_promise(clause: &Clause) -> bool {
    clause.text.find("VENDOR").is_some_and(|at| {
        let rest = &clause.text[at..];
        let near = &rest[..rest.floor_char_boundary(90)];
        [" shall ", " will ", " agrees", " may ", " must "].iter().any(|verb| near.contains(verb))
            && clause.stretches.at(&clause.text, at) != Polarity::Excepted
    })
}
