//! Patterns over clauses: a few short expressions in order, with a limit to what may stand between them.
//!
//! `VENDOR ~~ >de-?identif\w+ ~ PHI`: three segments. `~` lets up to 60 bytes lie between, and no semicolon; `~~` up to
//! 170; `~~~` any number; inside brackets too. The segment marked `>` (else the last) is the one whose polarity counts. A segment is a regular
//! expression over canonical text with words from the lists (`{data}`), whole words only.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Mutex, OnceLock, PoisonError};

// Canonical text is plain ASCII; without Unicode's classes an expression is a tenth the size.
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input};

use crate::clauses::{Clause, Polarity, durations};

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
    compiled: OnceLock<Option<Finder>>,
}

/// What finds a segment's matches.
enum Finder {
    /// Tried at the words that a match can begin with, and nowhere else: one automaton, read forward only.
    AtWords(Box<DFA>, Mutex<Box<Cache>>),
    /// Sought everywhere, where it cannot be told how a match begins.
    Anywhere(Box<Regex>),
}

impl std::fmt::Debug for Finder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if matches!(self, Self::AtWords(..)) { "AtWords" } else { "Anywhere" })
    }
}

/// How a match of a segment can begin: with this part of a word, or with this word.
#[derive(Debug, PartialEq, Eq)]
struct Opening {
    begins: Vec<u8>,
    /// True where the word must end there.
    whole: bool,
}

/// A set of segments, a bit for each.
type Set = Rc<[u64]>;

/// Which segments can begin at a word: found by what the word begins with.
#[derive(Debug)]
struct Index {
    known: HashMap<Vec<u8>, Vec<(usize, bool)>>,
    /// Segments of which that cannot be told.
    always: Box<[u64]>,
}

/// No more matches of a segment than this many are looked at in one clause.
const MOST: usize = 24;

/// No more of a word than this many bytes is looked up.
const LONGEST_OPENING: usize = 12;

impl Index {
    fn of(list: &[Segment]) -> Self {
        let mut known: HashMap<Vec<u8>, Vec<(usize, bool)>> = HashMap::new();
        let mut always = vec![0_u64; list.len().div_ceil(64)];
        for (at, segment) in list.iter().enumerate() {
            match openings(&segment.source) {
                Some(found) => {
                    for opening in found {
                        known.entry(opening.begins).or_default().push((at, opening.whole));
                    }
                }
                None => always[at / 64] |= 1 << (at % 64),
            }
        }
        Self { known, always: always.into() }
    }

    fn of_word(&self, word: &[u8]) -> Set {
        let mut set = vec![0_u64; self.always.len()];
        for length in 1..=word.len().min(LONGEST_OPENING) {
            for (segment, whole) in self.known.get(&word[..length]).into_iter().flatten() {
                if !whole || length == word.len() {
                    set[segment / 64] |= 1 << (segment % 64);
                }
            }
        }
        set.into()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How a match of `source` can begin; nothing where that cannot be told.
fn openings(source: &str) -> Option<Vec<Opening>> {
    if !begins_with_word(source) {
        return None;
    }
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source).ok()?;
    let mut extractor = regex_syntax::hir::literal::Extractor::new();
    extractor.limit_total(4_000).limit_literal_len(LONGEST_OPENING).limit_repeat(2).limit_class(12);
    let found = extractor.extract(&parsed);
    let bounded = ends_with_word(source);
    let mut list = Vec::new();
    for literal in found.literals()? {
        let bytes = literal.as_bytes();
        // A match that begins beside a word is found by the expression alone.
        if bytes.is_empty() || !is_word(bytes[0]) {
            return None;
        }
        let length = bytes.iter().take_while(|byte| is_word(**byte)).count();
        let whole = length < bytes.len() || (literal.is_exact() && bounded);
        let opening = Opening { begins: bytes[..length].to_vec(), whole };
        if !list.contains(&opening) {
            list.push(opening);
        }
    }
    Some(list)
}

/// All segments of all rules, each once.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    list: Vec<Segment>,
    known: HashMap<String, usize>,
    index: OnceLock<Index>,
}

/// Looks at the clauses of one document, and remembers of each word which segments can begin at it.
pub(crate) struct Reader<'a> {
    segments: &'a Segments,
    index: &'a Index,
    words: HashMap<Vec<u8>, Set>,
}

/// Where the segments stand in one clause, found when first asked for.
pub(crate) struct Sight<'a> {
    segments: &'a Segments,
    index: &'a Index,
    pub(crate) clause: &'a Clause,
    /// Segments that a word of the clause lets begin; others need not be tried.
    possible: Box<[u64]>,
    /// Where each word begins, and which segments it lets begin.
    words: Vec<(usize, Set)>,
    /// Of each segment, where in `found` its places are, from 1; 0 where it was not asked for.
    asked: Vec<u16>,
    found: Vec<Vec<(usize, usize)>>,
    lengths: OnceCell<f64>,
}

impl<'a> Reader<'a> {
    pub(crate) fn sight<'b>(&mut self, clause: &'b Clause) -> Sight<'b>
    where
        'a: 'b,
    {
        let mut possible = self.index.always.clone();
        let text = clause.text.as_bytes();
        let mut words = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let length = text[at..].iter().take_while(|byte| is_word(**byte)).count();
            if length == 0 {
                at += 1;
                continue;
            }
            let word = &text[at..at + length];
            if !self.words.contains_key(word) {
                self.words.insert(word.to_vec(), self.index.of_word(word));
            }
            let own = &self.words[word];
            let mut opens = 0;
            for (all, own) in possible.iter_mut().zip(&**own) {
                *all |= own;
                opens |= own;
            }
            if opens != 0 {
                words.push((at, Rc::clone(own)));
            }
            at += length;
        }
        Sight {
            segments: self.segments,
            index: self.index,
            clause,
            possible,
            words,
            asked: vec![0; self.segments.list.len()],
            found: Vec::new(),
            lengths: OnceCell::new(),
        }
    }
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
        self.list.push(Segment { source: source.clone(), compiled: OnceLock::new() });
        self.known.insert(source, place);
        self.index = OnceLock::new();
        Ok(place)
    }

    /// Compiles everything; the error names the first expression that is none.
    pub(crate) fn check(&self) -> Result<(), String> {
        for segment in &self.list {
            compile(&segment.source, true)
                .map_err(|error| format!("\"{}\" is no expression: {error}", segment.source))?;
        }
        Ok(())
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::of(&self.list))
    }

    /// Finds out how each segment can begin.
    pub(crate) fn make_ready(&self) {
        self.index();
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        let index = self.index();
        Reader { segments: self, index, words: HashMap::new() }
    }
}

/// The cheap half of the check, for every start of the program; [`Segments::check`] is the whole.
fn regex_syntax_check(source: &str) -> Result<(), String> {
    let opened = source.matches('(').count() - source.matches(r"\(").count();
    let closed = source.matches(')').count() - source.matches(r"\)").count();
    if opened == closed { Ok(()) } else { Err(format!("the brackets of \"{source}\" do not pair")) }
}

fn wrapped(source: &str) -> String {
    let begins = begins_with_word(source) || source.starts_with('[');
    format!("{}(?:{source}){}", if begins { r"\b" } else { "" }, if ends_with_word(source) { r"\b" } else { "" })
}

/// Most of the largest automaton that an expression may become.
const LARGEST: usize = 4 << 20;

fn compile(source: &str, at_words: bool) -> Result<Finder, String> {
    let wrapped = wrapped(source);
    if !at_words {
        let regex = RegexBuilder::new(&wrapped).unicode(false).size_limit(LARGEST).build();
        return regex.map(|regex| Finder::Anywhere(Box::new(regex))).map_err(|error| error.to_string());
    }
    let settings =
        thompson::Config::new().utf8(false).which_captures(WhichCaptures::None).nfa_size_limit(Some(LARGEST));
    let nfa = thompson::Compiler::new()
        .syntax(regex_automata::util::syntax::Config::new().unicode(false).utf8(false))
        .configure(settings)
        .build(&wrapped)
        .map_err(|error| error.to_string())?;
    let dfa = DFA::builder()
        .configure(DFA::config().skip_cache_capacity_check(true).cache_capacity(LARGEST / 16))
        .build_from_nfa(nfa)
        .map_err(|error| error.to_string())?;
    let cache = dfa.create_cache();
    Ok(Finder::AtWords(Box::new(dfa), Mutex::new(Box::new(cache))))
}

fn begins_with_word(source: &str) -> bool {
    source.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '(')
}

fn ends_with_word(source: &str) -> bool {
    source.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '*' | '+' | '?' | '}' | ']'))
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
        if self.asked[segment] == 0 {
            let text = self.clause.text.as_bytes();
            let one = &self.segments.list[segment];
            let anywhere = self.index.always[segment / 64] & (1 << (segment % 64)) != 0;
            let compiled = one.compiled.get_or_init(|| compile(&one.source, !anywhere).ok());
            let places = match compiled {
                Some(Finder::Anywhere(regex)) => {
                    regex.find_iter(text).take(MOST).map(|found| (found.start(), found.end())).collect()
                }
                Some(Finder::AtWords(dfa, cache)) => {
                    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
                    let mut places: Vec<(usize, usize)> = Vec::new();
                    let mut after = 0;
                    let opens = self.words.iter().filter(|(_, set)| set[segment / 64] & (1 << (segment % 64)) != 0);
                    for (start, _) in opens {
                        if *start < after || places.len() == MOST {
                            continue;
                        }
                        let input = Input::new(text).span(*start..text.len()).anchored(Anchored::Yes);
                        if let Ok(Some(end)) = dfa.try_search_fwd(&mut cache, &input) {
                            after = end.offset();
                            places.push((*start, after));
                        }
                    }
                    places
                }
                None => Vec::new(),
            };
            self.found.push(places);
            self.asked[segment] = u16::try_from(self.found.len()).unwrap_or(u16::MAX);
        }
        self.known_places(segment)
    }

    fn known_places(&self, segment: usize) -> &[(usize, usize)] {
        usize::from(self.asked[segment]).checked_sub(1).map_or(&[], |at| &self.found[at])
    }

    /// The longest time that the clause names, in calendar days.
    pub(crate) fn longest_days(&self) -> f64 {
        *self.lengths.get_or_init(|| {
            durations(&self.clause.text).iter().map(|length| length.calendar_days()).fold(0.0, f64::max)
        })
    }

    /// Where the key of `pattern` stands, if it matches with a key of which `accept` holds. The match must reach into the
    /// clause's own words unless `anywhere`.
    pub(crate) fn find(
        &mut self,
        pattern: &Pattern,
        anywhere: bool,
        accept: &dyn Fn(Polarity, usize) -> bool,
    ) -> Option<usize> {
        if pattern.segments.iter().any(|segment| self.possible[segment / 64] & (1 << (segment % 64)) == 0) {
            return None;
        }
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
            for (start, end) in self.known_places(*segment) {
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
                } else if accept(self.clause.stretches.at(text, start), start) {
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
