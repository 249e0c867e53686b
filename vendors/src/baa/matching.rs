//! Patterns over clauses: a few short expressions in order, with a limit to what may stand between them.
//!
//! `VENDOR ~~ >de-?identif\w+ ~ PHI`: three segments. `~` lets up to 60 bytes lie between, and no semicolon; `~~` up to
//! 170; `~~~` any number; inside brackets too. The segment marked `>` (else the last) is the one whose polarity counts. A segment is a regular
//! expression over canonical text with words from the lists (`{data}`), whole words only.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

// Canonical text is plain ASCII; without Unicode's classes an expression is a tenth the size.
use regex::bytes::{Regex, RegexBuilder};

use crate::clauses::{Clause, Polarity};

/// How much may lie between two segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Near,
    Far,
    Any,
}

/// A sequence of segments.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    segments: Vec<usize>,
    gaps: Vec<Gap>,
    key: usize,
}

/// A segment, compiled when first used: most documents need few of them.
#[derive(Debug)]
struct Segment {
    source: String,
    compiled: OnceLock<Option<Regex>>,
    openings: OnceLock<Option<Vec<u16>>>,
}

/// How the words of a clause begin, as a set: an expression that can only begin otherwise need not be tried.
pub(crate) struct Openings(Box<[u64; SLOTS / 64]>);

/// Places in the set; two openings may share one, which costs a try and never an answer.
const SLOTS: usize = 8_192;

impl Openings {
    fn of(text: &str) -> Self {
        let mut set = Box::new([0_u64; SLOTS / 64]);
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            if is_word(*byte) && (at == 0 || !is_word(bytes[at - 1])) {
                for length in 1..=3.min(bytes.len() - at) {
                    let slot = usize::from(slot(&bytes[at..at + length]));
                    set[slot / 64] |= 1 << (slot % 64);
                }
            }
        }
        Self(set)
    }

    fn has(&self, slot: u16) -> bool {
        self.0[usize::from(slot) / 64] & (1 << (slot % 64)) != 0
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn slot(opening: &[u8]) -> u16 {
    let mixed = opening.iter().fold(17_u32, |sum, byte| sum.wrapping_mul(131).wrapping_add(u32::from(*byte)));
    u16::try_from(mixed as usize % SLOTS).unwrap_or(0)
}

/// How a match of `source` can begin: slots of its first one to three bytes; nothing where that cannot be told.
fn openings(source: &str) -> Option<Vec<u16>> {
    if !source.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '(') {
        return None;
    }
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source).ok()?;
    let mut extractor = regex_syntax::hir::literal::Extractor::new();
    extractor.limit_total(600).limit_literal_len(3).limit_repeat(3);
    let found = extractor.extract(&parsed);
    let literals = found.literals()?;
    let mut slots = Vec::with_capacity(literals.len());
    for literal in literals {
        let bytes = literal.as_bytes();
        // A match that begins beside a word is found by the expression alone.
        if bytes.is_empty() || !is_word(bytes[0]) {
            return None;
        }
        let length = bytes.iter().take(3).take_while(|byte| is_word(**byte)).count();
        let length = if bytes.len() > length || literal.is_exact() || bytes.len() >= 3 { length } else { bytes.len() };
        slots.push(slot(&bytes[..length.max(1)]));
    }
    slots.sort_unstable();
    slots.dedup();
    Some(slots)
}

/// All segments of all rules, each once.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    list: Vec<Segment>,
    known: HashMap<String, usize>,
}

/// Where the segments stand in one clause, found when first asked for.
pub(crate) struct Sight<'a> {
    segments: &'a Segments,
    pub(crate) clause: &'a Clause,
    openings: Openings,
    seen: Vec<Option<Vec<(usize, usize)>>>,
}

impl Segments {
    /// Reads a pattern; the error says what is wrong with it.
    pub(crate) fn pattern(&mut self, text: &str, words: &BTreeMap<String, String>) -> Result<Pattern, String> {
        let mut pattern = Pattern { segments: Vec::new(), gaps: Vec::new(), key: usize::MAX };
        for (at, part) in parts(text).into_iter().enumerate() {
            let (gap, source) = part;
            if at > 0 {
                pattern.gaps.push(gap);
            }
            let (source, is_key) = source.strip_prefix('>').map_or((source, false), |rest| (rest.trim_start(), true));
            if source.contains(" >(") || source.contains(")?>(") {
                return Err("the mark > of the key must open its segment".to_owned());
            }
            if source.is_empty() {
                return Err("a segment of the pattern is empty".to_owned());
            }
            if is_key {
                pattern.key = at;
            }
            let full = inner_gaps(&expand(source, words, 0)?);
            pattern.segments.push(self.intern(full)?);
        }
        if pattern.key == usize::MAX {
            pattern.key = pattern.segments.len() - 1;
        }
        Ok(pattern)
    }

    fn intern(&mut self, source: String) -> Result<usize, String> {
        if let Some(found) = self.known.get(&source) {
            return Ok(*found);
        }
        regex_syntax_check(&source)?;
        let place = self.list.len();
        self.list.push(Segment { source: source.clone(), compiled: OnceLock::new(), openings: OnceLock::new() });
        self.known.insert(source, place);
        Ok(place)
    }

    /// Compiles everything; the error names the first expression that is none.
    pub(crate) fn check(&self) -> Result<(), String> {
        for segment in &self.list {
            compile(&segment.source).map_err(|error| format!("\"{}\" is no expression: {error}", segment.source))?;
        }
        Ok(())
    }

    pub(crate) fn sight<'a>(&'a self, clause: &'a Clause) -> Sight<'a> {
        Sight { segments: self, clause, openings: Openings::of(&clause.text), seen: vec![None; self.list.len()] }
    }
}

/// The cheap half of the check, for every start of the program; [`Segments::check`] is the whole.
fn regex_syntax_check(source: &str) -> Result<(), String> {
    let opened = source.matches('(').count() - source.matches(r"\(").count();
    let closed = source.matches(')').count() - source.matches(r"\)").count();
    if opened == closed { Ok(()) } else { Err(format!("the brackets of \"{source}\" do not pair")) }
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    let begins = source.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '['));
    let ends = source.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '*' | '+' | '?' | '}' | ']'));
    let wrapped = format!("{}(?:{source}){}", if begins { r"\b" } else { "" }, if ends { r"\b" } else { "" });
    RegexBuilder::new(&wrapped).unicode(false).size_limit(4 << 20).build()
}

fn parts(text: &str) -> Vec<(Gap, &str)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut gap, mut from, mut at, mut depth) = (Gap::Any, 0, 0, 0_i32);
    let mut bar = false;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'|' if depth == 0 => bar = true,
            b'~' if depth == 0 && at > 0 && bytes[at - 1] == b' ' => {
                let length = bytes[at..].iter().take_while(|byte| **byte == b'~').count();
                found.push((gap, text[from..at].trim()));
                gap = [Gap::Near, Gap::Far, Gap::Any][length.min(3) - 1];
                from = at + length;
                at = from;
            }
            _ => {}
        }
        at += 1;
    }
    found.push((gap, text[from..].trim()));
    // Alternatives with gaps of their own are one expression.
    if bar && found.len() > 1 {
        return vec![(Gap::Any, text.trim())];
    }
    found
}

/// A gap inside brackets is part of the expression itself.
fn inner_gaps(segment: &str) -> String {
    segment.replace(" ~~~ ", r"\b.*?\b").replace(" ~~ ", r"\b.{0,170}?\b").replace(" ~ ", r"\b[^;]{0,60}?\b")
}

/// Puts the lists of words in place of `{name}`. Counts such as `{0,3}` stay.
fn expand(source: &str, words: &BTreeMap<String, String>, depth: u8) -> Result<String, String> {
    if depth > 5 {
        return Err(format!("the lists of words in \"{source}\" name each other in a circle"));
    }
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        let Some(length) = rest[at..].find('}') else {
            return Err(format!("\"{source}\" has a brace that is not closed"));
        };
        let name = &rest[at + 1..at + length];
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            out.push_str(&rest[at..=at + length]);
        } else {
            let list = words.get(name).ok_or_else(|| format!("there is no list of words named \"{name}\""))?;
            out.push_str("(?:");
            out.push_str(&expand(list, words, depth + 1)?);
            out.push(')');
        }
        rest = &rest[at + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

impl Sight<'_> {
    fn places(&mut self, segment: usize) -> &[(usize, usize)] {
        let text = self.clause.text.as_str();
        let (segments, openings_here) = (self.segments, &self.openings);
        self.seen[segment].get_or_insert_with(|| {
            let one = &segments.list[segment];
            if let Some(slots) = one.openings.get_or_init(|| openings(&one.source))
                && !slots.iter().any(|slot| openings_here.has(*slot))
            {
                return Vec::new();
            }
            let compiled = one.compiled.get_or_init(|| compile(&one.source).ok());
            compiled
                .as_ref()
                .map(|regex| {
                    regex.find_iter(text.as_bytes()).take(24).map(|found| (found.start(), found.end())).collect()
                })
                .unwrap_or_default()
        })
    }

    /// Where the key of `pattern` stands, if it matches with a key of which `accept` holds. The match must reach into the
    /// clause's own words unless `anywhere`.
    pub(crate) fn find(
        &mut self,
        pattern: &Pattern,
        anywhere: bool,
        accept: &dyn Fn(Polarity) -> bool,
    ) -> Option<usize> {
        if self.places(pattern.segments[pattern.key]).is_empty() {
            return None;
        }
        for segment in &pattern.segments {
            if self.places(*segment).is_empty() {
                return None;
            }
        }
        // Where a match of the first segments can end, and where its key stands; each end once.
        let mut ends: Vec<(usize, usize)> = vec![(0, usize::MAX)];
        for (at, segment) in pattern.segments.iter().enumerate() {
            let mut next: Vec<(usize, usize)> = Vec::new();
            self.places(*segment);
            let places = self.seen[*segment].as_deref().unwrap_or_default();
            for (start, end) in places {
                let (start, end) = (*start, *end);
                if next.iter().any(|(known, _)| *known == end) {
                    continue;
                }
                let text = self.clause.text.as_str();
                let fits = |(after, _): &&(usize, usize)| {
                    *after <= start
                        && (at == 0
                            || match pattern.gaps[at - 1] {
                                Gap::Near => start - after <= 60 && !text[*after..start].contains(';'),
                                Gap::Far => start - after <= 170,
                                Gap::Any => true,
                            })
                };
                let Some((_, key)) = ends.iter().find(fits) else { continue };
                if at != pattern.key {
                    next.push((end, *key));
                } else if accept(self.clause.stretches.at(text, start)) {
                    next.push((end, start));
                }
            }
            ends = next;
            if ends.is_empty() {
                return None;
            }
        }
        ends.iter().find(|(end, _)| anywhere || *end > self.clause.own).map(|(_, key)| *key)
    }
}
