//! What a sentence says: which topics it is about, whether it permits or forbids, with which limits.

use std::collections::BTreeSet;

use std::sync::LazyLock;

use regex::Regex;

use super::rules::{Kind, Reads, Rules};

/// The end of an item that is no clause of its own: "in data sets; (ii) in the development".
static ITEM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"; (?:or |and )?\([a-z0-9]{1,4}\) (?:in|as|to|for|by|with|on|from|through|within) ")
        .unwrap_or_else(|error| unreachable!("a fixed pattern: {error}"))
});

/// Whether a sentence permits or forbids; or offers a choice against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stance {
    Permit,
    Forbid,
    Offer,
}

/// How long data is kept, in hours; `u64::MAX` without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) hours: u64,
    /// "We delete within", not "we keep for".
    pub(crate) deletes: bool,
}

/// What a sentence says on one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) topic: usize,
    pub(crate) stance: Stance,
    /// Indices of the concepts compared on this topic, minor ones left out.
    pub(crate) scope: BTreeSet<usize>,
    /// Indices of all concepts named.
    pub(crate) named: BTreeSet<usize>,
    /// Names of the limits.
    pub(crate) limits: BTreeSet<String>,
    pub(crate) period: Option<Period>,
}

impl Statement {
    /// 0: as the vendor likes; 1: unless one opts out; 2: only with consent.
    pub(crate) fn control(&self) -> u8 {
        if self.limits.contains("consent") { 2 } else { u8::from(self.limits.contains("opt_out")) }
    }

    /// The limits that are neither consent nor a way out.
    pub(crate) fn bounds(&self) -> BTreeSet<&str> {
        self.limits
            .iter()
            .map(String::as_str)
            .filter(|limit| !matches!(*limit, "consent" | "opt_out" | "hedge"))
            .collect()
    }

    /// The exceptions to a promise.
    pub(crate) fn exceptions(&self) -> BTreeSet<&str> {
        self.limits
            .iter()
            .map(String::as_str)
            .filter(|limit| matches!(*limit, "consent" | "opt_out" | "exception" | "hedge"))
            .collect()
    }
}

impl Rules {
    /// What a folded sentence (see [`Rules::fold`]) says.
    ///
    /// `own` is where the words after those that lead into a list begin.
    pub(crate) fn statements(&self, text: &str, own: usize, heading: bool) -> Vec<Statement> {
        let alone = text.get(own..).unwrap_or(text);
        if text.len() < 8
            || self.silent.is_match(text)
            || self.banners.is_match(alone)
            || own > 0 && self.silent.is_match(alone)
        {
            return Vec::new();
        }
        // Three words by themselves are a title, and so is a short line without a verb.
        let count = text.split(' ').count();
        if own == 0 && (count < 4 || count < 12 && !self.finite.is_match(text)) {
            return Vec::new();
        }
        let mut named: Option<BTreeSet<usize>> = None;
        let mut own_named: Option<BTreeSet<usize>> = None;
        let mut masked: Option<String> = None;
        let mut out = Vec::new();
        for (index, topic) in self.topics.iter().enumerate() {
            if !topic.acts.iter().any(|act| act.is_match(text))
                || !topic.needs.iter().all(|need| need.is_match(text))
                || topic.unless.as_ref().is_some_and(|unless| unless.is_match(text))
            {
                continue;
            }
            let named = named.get_or_insert_with(|| self.named(text));
            if !topic.about.iter().all(|kind| named.iter().any(|id| self.weighs(*id, *kind))) {
                continue;
            }
            let masked = masked.get_or_insert_with(|| self.mask(text));
            // An item is compared by what it names itself; the lead counts where the item names nothing.
            let own_named = own_named.get_or_insert_with(|| if own > 0 { self.named(alone) } else { named.clone() });
            let itself = !topic.about.is_empty()
                && topic.about.iter().all(|kind| own_named.iter().any(|id| self.weighs(*id, *kind)));
            let scope: BTreeSet<usize> = if itself { &*own_named } else { &*named }
                .iter()
                .copied()
                .filter(|id| !topic.ignores.contains(id) && topic.watches.iter().any(|kind| self.weighs(*id, *kind)))
                .collect();
            let idle = !topic.ignores.is_empty() && scope.is_empty() && !self.besides.is_match(alone);
            let statement = |stance, period| Statement {
                topic: index,
                stance,
                scope: scope.clone(),
                named: named.clone(),
                limits: self.limits_in(text, stance),
                period,
            };
            match topic.reads {
                Reads::Period => {
                    if let Some(period) = self.period_in(text, topic).filter(|_| !heading) {
                        out.push(statement(Stance::Permit, Some(period)));
                    }
                }
                Reads::Right => {
                    let at = topic.acts.iter().find_map(|act| act.find_all(text).next());
                    let refused = at.is_some_and(|at| {
                        self.negations.is_match(&masked[clause_start(self, masked, at.start())..at.end()])
                    });
                    if !heading {
                        out.push(statement(if refused { Stance::Forbid } else { Stance::Permit }, None));
                    }
                }
                Reads::Statement => {
                    let stances = self.stances(text, masked, &topic.acts);
                    for stance in stances {
                        // A heading grants nothing; a promise may be made in bold.
                        let benign = stance == Stance::Permit
                            && topic.benign.as_ref().is_some_and(|benign| benign.is_match(text));
                        if !(heading && stance != Stance::Forbid || benign || idle && stance == Stance::Permit) {
                            out.push(statement(stance, None));
                        }
                    }
                }
            }
        }
        out
    }

    fn weighs(&self, concept: usize, kind: Kind) -> bool {
        let concept = &self.concepts[concept];
        concept.kind == kind && !concept.minor
    }

    fn named(&self, text: &str) -> BTreeSet<usize> {
        self.concepts
            .iter()
            .enumerate()
            .filter(|(_, concept)| concept.pattern.is_match(text))
            .map(|(id, _)| id)
            .collect()
    }

    fn limits_in(&self, text: &str, stance: Stance) -> BTreeSet<String> {
        // What is only done under a condition is forbidden but for it.
        let but = (stance == Stance::Forbid && self.restricted.is_match(text)).then(|| "exception".to_owned());
        let named = self.limits.iter().filter(|(_, pattern)| pattern.is_match(text)).map(|(id, _)| id.clone());
        named.chain(but).collect()
    }

    /// The text with negative words hidden that negate nothing here; of the same length.
    fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for pattern in [&self.asides, &self.not_negations] {
            let ranges: Vec<_> = pattern
                .find_all(text)
                .filter(|found| !(found.as_str().starts_with("that it ") && promises(&text[..found.start()])))
                .map(|found| found.range())
                .collect();
            for range in ranges {
                let blank = " ".repeat(range.len());
                masked.replace_range(range, &blank);
            }
        }
        // The items of a list within a sentence share what is said before the first of them.
        let items: Vec<usize> = ITEM.find_iter(&masked).map(|item| item.start()).collect();
        for at in items {
            masked.replace_range(at..=at, ",");
        }
        masked
    }

    fn stances(&self, text: &str, masked: &str, acts: &[super::rules::Seeker]) -> Vec<Stance> {
        let mut found: Vec<Stance> = Vec::new();
        // Who scrapes, in a sentence that does not speak of us, is someone else.
        if self.scrapers.is_match(text) && !speaks_first_person(text) {
            return found;
        }
        let offered = self.offers.find_all(text).next().map(|offer| offer.range());
        for place in acts.iter().flat_map(|act| act.find_all(text)) {
            let stance = if let Some(offer) = &offered {
                let use_first =
                    offer.start > place.start() && speaks_vendor(&text[..offer.start]) && !text.starts_with("if ");
                let negated = self.negated(masked, &place);
                if negated {
                    Stance::Forbid
                } else if use_first {
                    Stance::Permit
                } else {
                    Stance::Offer
                }
            } else if self.governed(&self.conduct, text, place.start()) {
                continue;
            } else if self.negated(masked, &place) {
                if self.upon_objection.is_match(&text[..place.start()]) { Stance::Offer } else { Stance::Forbid }
            } else if self.governed(&self.agency, text, place.start()) {
                continue;
            } else if self.restricted.is_match(text) {
                Stance::Forbid
            } else {
                Stance::Permit
            };
            if !found.contains(&stance) {
                found.push(stance);
            }
        }
        // One act in several readings: the promise is the more careful one, unless it is only conceded.
        if found.len() > 1 && found.contains(&Stance::Permit) && concedes(text) {
            found.retain(|stance| *stance == Stance::Permit);
        } else if found.len() > 1 && found.contains(&Stance::Forbid) {
            found.retain(|stance| *stance == Stance::Forbid);
        }
        found.truncate(1);
        found
    }

    fn negated(&self, masked: &str, place: &regex::Match<'_>) -> bool {
        let start = clause_start(self, masked, place.start());
        let after = &masked[place.end()..];
        let clause = self.clause_ends.find_all(after).next().map_or(after, |end| &after[..end.start()]);
        // A "not" far behind the head of the act negates something else.
        let mut end = place.end().min(place.start() + 40);
        while !masked.is_char_boundary(end) {
            end += 1;
        }
        // Nor does a "not" far before it negate it.
        let start = start.max(reached(masked, place.start()));
        self.negations.is_match(&masked[start..end]) || self.negated_after.is_match(clause)
    }

    /// Whether words before a place govern it, with no other actor between.
    fn governed(&self, by: &super::rules::Pattern, text: &str, at: usize) -> bool {
        by.find_all(text).take_while(|found| found.start() < at).any(|found| {
            let between = text.get(found.end().min(at)..at).unwrap_or_default();
            !speaks_vendor(between) && !between.contains(". ")
        })
    }

    fn period_in(&self, text: &str, topic: &super::rules::Topic) -> Option<Period> {
        let periods: Vec<(usize, u64)> = self
            .period
            .captures_iter(text)
            .filter_map(|found| {
                let count = found.get(2).or(found.get(1))?.as_str();
                let count = count.parse().ok().or_else(|| self.numbers.get(count).copied())?;
                let unit = match found.get(3)?.as_str() {
                    "hour" => 1,
                    "day" => 24,
                    "week" => 24 * 7,
                    "month" => 24 * 30,
                    _ => 24 * 365,
                };
                Some((found.get(0)?.start(), u64::saturating_mul(count, unit)))
            })
            .collect();
        let soon =
            || self.promptly.find_all(text).next().filter(|_| topic.acts.get(1).is_some_and(|act| act.is_match(text)));
        let (at, hours) = match (periods.first(), self.open_ended.find_all(text).next(), soon()) {
            (Some((at, hours)), _, _) => (*at, *hours),
            (None, Some(open), _) => (open.start(), u64::MAX),
            (None, None, Some(soon)) => (soon.start(), PROMPTLY),
            (None, None, None) => return None,
        };
        // Which verb: the last before the period.
        let last = |act: &super::rules::Seeker| {
            act.find_all(text).take_while(|verb| verb.start() < at).last().map(|verb| verb.start())
        };
        let verbs: Vec<Option<usize>> = topic.acts.iter().map(last).collect();
        let deletes = match verbs.as_slice() {
            [keeps, deletes, ..] if keeps.is_none() && deletes.is_none() => {
                topic.acts.get(1).is_some_and(|act| act.is_match(text)) && !topic.acts[0].is_match(text)
            }
            [keeps, deletes, ..] => deletes > keeps,
            _ => false,
        };
        // What is deleted "permanently" is not kept forever.
        if deletes && hours == u64::MAX {
            return None;
        }
        Some(Period { hours, deletes: deletes || self.caps.is_match(text) || hours == PROMPTLY })
    }
}

/// How far a negation reaches, in bytes; what stands in brackets between is not counted.
const REACH: usize = 160;

/// Where the words begin that a negation may stand among and still reach `at`.
fn reached(text: &str, at: usize) -> usize {
    let (mut counted, mut inside) = (0_usize, false);
    for (place, sign) in text[..at].char_indices().rev() {
        match sign {
            ')' => inside = true,
            '(' => inside = false,
            _ if inside => {}
            _ => counted += sign.len_utf8(),
        }
        if counted > REACH {
            return place + sign.len_utf8();
        }
    }
    0
}

/// Hours that "promptly" stands for: fewer than any period told in days that matters.
const PROMPTLY: u64 = 71;

/// Whether a sentence opens with what it grants the reader before it says what is done all the same.
fn concedes(text: &str) -> bool {
    ["while ", "although ", "though ", "even though "].iter().any(|opening| text.starts_with(opening))
}

/// Whether the words just before tell that somebody states or agrees to what follows.
fn promises(before: &str) -> bool {
    let clause = before.rsplit(['.', ';']).next().unwrap_or(before);
    clause.split(|sign: char| !sign.is_alphanumeric()).rev().take(12).any(|word| {
        matches!(word, "agrees" | "states" | "promises" | "confirms" | "commits" | "undertakes" | "warrants")
    })
}

fn speaks_first_person(text: &str) -> bool {
    text.split(|sign: char| !sign.is_alphanumeric()).any(|word| matches!(word, "we" | "us"))
}

fn clause_start(rules: &Rules, masked: &str, at: usize) -> usize {
    rules.clause_ends.find_all(masked).take_while(|end| end.end() <= at).last().map_or(0, |end| end.start())
}

fn speaks_vendor(text: &str) -> bool {
    text.split(|sign: char| !sign.is_alphanumeric()).any(|word| matches!(word, "we" | "us" | "our"))
}
