//! The sentences of a document, in a form that links, white space, numbering and typography do not change.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::rules::Rules;
use crate::reading::{BlockKind, Document};

/// A sentence, or an item of a list, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    /// In bytes of the document's text.
    pub(crate) range: Range<usize>,
    /// Its words, folded, after the words that lead into the list it stands in.
    pub(crate) reading: String,
    /// Where its own words begin in `reading`.
    pub(crate) own_at: usize,
    /// The same for the same words, whatever the punctuation.
    pub(crate) key: u64,
    /// The same for the same words led into by the same words.
    pub(crate) whole: u64,
    /// The words of the lead alone; 0 without one.
    pub(crate) lead: u64,
    /// Hashes of its own words, in order.
    pub(crate) words: Vec<u64>,
    pub(crate) heading: bool,
}

/// A version of a document, read once.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) wholes: HashSet<u64>,
    pub(crate) keys: HashSet<u64>,
    /// Hashes of all words, in order, and where each word's hash begins.
    pub(crate) stream: Vec<u64>,
    places: HashMap<u64, Vec<u32>>,
    /// Changes only when the words do; not with the order of the parts or how often each stands there.
    pub(crate) fingerprint: u64,
}

static ADDRESSES: LazyLock<Regex> = LazyLock::new(|| {
    fixed(r"(?i)\(?\b(?:https?://|www\.)[^\s)\]]+\)?|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\]\([^)\s]*\)|<[^<>]{1,200}>")
});
/// Somebody named as the one that data goes to or comes from: "with Northwind Cloud".
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"\b(?:with|to|by|from|via|including|like|such as|use|uses|using|employ|employs|integrates?) (?:the )?[\[*]{0,2}([A-Z][A-Za-z0-9&.-]*[A-Za-z0-9])",
    )
});
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"^(?:[\s•·▪◦●○■□–—*#>|\\_-]+|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivxlc]{1,5})[.)]+(?:\s+|$)|\d{1,3}(?:\.\d{1,3})+\s+|(?:section|article|clause|§+)\s*[\divxlc.]+[.:)]*(?:\s+|$))+",
    )
});
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"\b(section|sections|clause|clauses|article|articles|paragraph|paragraphs|exhibit|schedule|annex|appendix|part) (?:\d[\w.]*(?:\([\w]+\))*|[ivxlc]+\b|[a-z]\b)(?:(?:,| and| or| through| to) (?:\d[\w.]*(?:\([\w]+\))*))*",
    )
});
/// The names that laws give to a link: no promise, however they are worded.
static LINK_NAME: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"\bdo not (?:sell|share)(?:(?: or |/| and )(?:sell|share))? my(?: personal)?(?: information| info| data)?\b|\bdo not track\b",
    )
});
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    fixed(
        r"\b(?:(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?,? \d{4}|\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{2,4})",
    )
});

/// Stands before a name in folded text.
const NAME: char = '~';

fn fixed(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a fixed pattern: {error}"))
}

impl Rules {
    /// The text with a sign before each name of a company; lower case would hide them among the other words.
    fn mark_names<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        // A title has capitals for other reasons.
        let words = || text.split_whitespace();
        let capitals = words().filter(|word| word.starts_with(char::is_uppercase)).count();
        if capitals * 2 > words().count() + 2 {
            return text.into();
        }
        NAMED.replace_all(text, |found: &regex::Captures<'_>| {
            let (all, name) = (&found[0], &found[1]);
            if self.unnamed.is_match(&name.to_lowercase()) {
                return all.to_owned();
            }
            format!("{}{NAME}{name}", &all[..all.len() - name.len()])
        })
    }

    /// Lower case, straight quotes, contractions and spellings made one, no addresses, labels, dates or numbers of
    /// sections, single spaces.
    pub(crate) fn fold(&self, text: &str) -> String {
        let straight: String = self
            .mark_names(text)
            .chars()
            .filter(|sign| !matches!(sign, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{feff}' | '*' | '`'))
            .flat_map(|sign| match sign {
                '‘' | '’' | '‛' | 'ʼ' | '′' => '\''.to_lowercase(),
                '“' | '”' | '„' | '«' | '»' | '″' => '"'.to_lowercase(),
                '‐' | '‑' | '‒' | '–' | '—' | '−' => '-'.to_lowercase(),
                '_' | '\\' | '[' | ']' => ' '.to_lowercase(),
                sign if sign.is_whitespace() => ' '.to_lowercase(),
                sign => sign.to_lowercase(),
            })
            .collect();
        let bare = ADDRESSES.replace_all(&straight, " ");
        let mut spelled = String::with_capacity(bare.len());
        for token in bare.split_whitespace() {
            if !spelled.is_empty() {
                spelled.push(' ');
            }
            let core = token.trim_matches(|sign: char| !sign.is_alphanumeric());
            match self.spellings.get(core) {
                Some(new) if !core.is_empty() => {
                    let at = token.find(core).unwrap_or_default();
                    spelled.push_str(&token[..at]);
                    spelled.push_str(new);
                    spelled.push_str(&token[at + core.len()..]);
                }
                _ => spelled.push_str(token),
            }
        }
        let unlabelled = LABEL.replace(&spelled, "");
        let unlabelled = LINK_NAME.replace_all(&unlabelled, "privacy choices");
        let dated = DATE.replace_all(&unlabelled, "<date>");
        REFERENCE.replace_all(&dated, "$1 #").trim().to_owned()
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn words(folded: &str) -> Vec<u64> {
    spoken(folded).map(hash).collect()
}

/// The same for the same letters, wherever white space was lost among them.
fn letters(folded: &str) -> u64 {
    hash(spoken(folded).collect::<String>())
}

fn spoken(folded: &str) -> impl Iterator<Item = &str> {
    folded
        .split(|sign: char| !(sign.is_alphanumeric() || sign == '\'' || sign == '#'))
        .map(|word| word.trim_matches('\''))
        .map(|word| word.strip_suffix("'s").unwrap_or(word))
        .filter(|word| !word.is_empty())
}

/// What a block's sentences read as, whatever document it stands in.
#[derive(Debug, Clone)]
struct Read {
    range: Range<usize>,
    own: String,
    words: Vec<u64>,
    boilerplate: bool,
}

/// Blocks read before: the versions of one document share most of them.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashMap<String, Vec<Read>>);

impl Seen {
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

impl Page {
    pub(crate) fn read(rules: &Rules, document: &Document, seen: &mut Seen) -> Self {
        let mut sentences: Vec<Sentence> = Vec::new();
        // The words that lead into a list, from the outermost.
        let mut leads: Vec<(Option<u8>, String)> = Vec::new();
        for block in &document.blocks {
            let text = document.text_of(block);
            if !seen.0.contains_key(text) {
                let read = split(rules, document, block);
                seen.0.insert(text.to_owned(), read);
            }
            let depth = match &block.kind {
                BlockKind::ListItem { depth, .. } => Some(depth.saturating_add(100)),
                BlockKind::Clause { depth, .. } => Some(*depth),
                _ => None,
            };
            let heading = matches!(block.kind, BlockKind::Heading { .. });
            leads.retain(|(of, _)| match (of, depth) {
                _ if heading => false,
                (None, Some(_)) => true,
                (Some(of), Some(depth)) => *of < depth,
                (_, None) => false,
            });
            let read = seen.0.get(text).map(Vec::as_slice).unwrap_or_default();
            for (order, one) in read.iter().enumerate().filter(|(_, one)| !one.boilerplate) {
                // The words before a list govern the first sentence of an item; what follows stands by itself.
                let lead = if order == 0 {
                    leads.iter().map(|(_, lead)| lead.as_str()).collect::<Vec<_>>().join(" ")
                } else {
                    String::new()
                };
                let led = if lead.is_empty() { 0 } else { letters(&lead) };
                let key = letters(&one.own);
                sentences.push(Sentence {
                    range: block.start + one.range.start..block.start + one.range.end,
                    reading: if lead.is_empty() { one.own.clone() } else { format!("{lead} {}", one.own) },
                    own_at: if lead.is_empty() { 0 } else { lead.len() + 1 },
                    key,
                    whole: hash((key, led)),
                    lead: led,
                    words: one.words.clone(),
                    heading,
                });
            }
            // A sentence that ends with a colon, or as one that goes on, leads into the list that follows it.
            let leads_in = |own: &str| {
                own.ends_with(':')
                    || depth.is_none() && (own.ends_with([';', ',']) || own.ends_with('.') && own.contains("following"))
            };
            if let Some(last) = read.last().filter(|last| !heading && leads_in(&last.own) && last.own.len() < 400) {
                leads.push((depth, last.own.clone()));
            }
        }
        let wholes: HashSet<u64> = sentences.iter().map(|one| one.whole).collect();
        let keys = sentences.iter().map(|one| one.key).collect();
        let mut sorted: Vec<u64> = wholes.iter().copied().collect();
        sorted.sort_unstable();
        let stream: Vec<u64> = sentences.iter().flat_map(|one| one.words.iter().copied()).collect();
        Self { fingerprint: hash(sorted), sentences, wholes, keys, stream, places: HashMap::new() }
    }

    /// Makes [`Page::holds`] ready.
    pub(crate) fn index(&mut self) {
        if self.places.is_empty() {
            for (at, word) in self.stream.iter().enumerate() {
                self.places.entry(*word).or_default().push(u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
    }

    /// Whether these words stand somewhere in the page in this order, across the ends of sentences too.
    pub(crate) fn holds(&self, words: &[u64]) -> bool {
        // The rarest word first: few places to look at.
        let rarest = words.iter().enumerate().map(|(at, word)| (self.places.get(word).map_or(0, Vec::len), at)).min();
        let Some((count, offset)) = rarest else { return true };
        count > 0
            && self.places[&words[offset]].iter().any(|place| {
                (*place as usize)
                    .checked_sub(offset)
                    .and_then(|start| self.stream.get(start..start + words.len()))
                    .is_some_and(|there| there == words)
            })
    }

    pub(crate) fn word_count(&self) -> usize {
        self.stream.len()
    }
}

/// The sentences of a block; ranges in bytes from the block's start.
fn split(rules: &Rules, document: &Document, block: &crate::reading::Block) -> Vec<Read> {
    let plain = document.plain(block);
    let text = plain.text();
    let mut out = Vec::new();
    for range in sentence_ranges(text) {
        let own = rules.fold(&text[range.clone()]);
        let words = words(&own);
        if words.is_empty() {
            continue;
        }
        let boilerplate = rules.boilerplate.is_match(&own);
        let origin = plain.origin(range);
        let start = origin.start.clamp(block.start, block.end);
        let end = origin.end.clamp(start, block.end);
        out.push(Read { range: start - block.start..end - block.start, own, words, boilerplate });
    }
    out
}

/// Words after which a full stop ends nothing.
const ABBREVIATIONS: [&str; 30] = [
    "inc", "ltd", "corp", "co", "llc", "no", "nos", "sec", "art", "e.g", "i.e", "eg", "ie", "etc", "vs", "v", "u.s",
    "u.k", "dr", "mr", "mrs", "ms", "st", "jr", "approx", "incl", "cf", "p.o", "d.c", "ave",
];

/// Where the sentences of a text stand: at a full stop, question or exclamation mark followed by white space and no
/// small letter.
fn sentence_ranges(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        if !matches!(sign, '.' | '?' | '!' | '。') {
            continue;
        }
        let mut end = at + sign.len_utf8();
        while let Some((at, closing)) = signs
            .peek()
            .copied()
            .filter(|(_, sign)| matches!(sign, '"' | '”' | '’' | '\'' | ')' | ']' | '.' | '?' | '!'))
        {
            end = at + closing.len_utf8();
            signs.next();
        }
        let rest = &text[end..];
        let joined = glued(&text[start..at], rest);
        if !joined && !rest.starts_with(char::is_whitespace) || rest.trim_start().starts_with(char::is_lowercase) {
            continue;
        }
        let before = &text[start..at];
        let last = before
            .rsplit(|sign: char| sign.is_whitespace() || matches!(sign, '(' | '"' | '“'))
            .next()
            .unwrap_or_default();
        let lower = last.to_lowercase();
        let initial = last.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_uppercase));
        let number = before.trim().chars().all(|sign| sign.is_ascii_digit() || sign == '.');
        if sign == '.' && (number || initial || ABBREVIATIONS.contains(&lower.as_str())) {
            continue;
        }
        out.push(start..end);
        start = end + (rest.len() - rest.trim_start().len());
    }
    if start < text.len() {
        out.push(start..text.len());
    }
    out.into_iter()
        .map(|range| {
            let trimmed = text[range.clone()].trim_start();
            let start = range.end - trimmed.len();
            start..start + trimmed.trim_end().len()
        })
        .filter(|range| !range.is_empty())
        .collect()
}

/// Whether a sentence begins where the white space was lost: "the website.The cookies".
fn glued(before: &str, rest: &str) -> bool {
    let mut next = rest.chars();
    let capital = next.next().is_some_and(char::is_uppercase);
    let word = before.rsplit(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default();
    capital
        && next.next().is_some_and(|sign| sign.is_lowercase() || sign == ' ')
        && word.len() >= 3
        && word.chars().all(char::is_lowercase)
        && before[..before.len() - word.len()].ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let text = "Acme Inc. and its U.S. affiliates (e.g. Beta) keep data. We do not sell it! \"Why?\" It pays. 3.1 is a number.";
        let parts: Vec<&str> = sentence_ranges(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(
            parts,
            [
                "Acme Inc. and its U.S. affiliates (e.g. Beta) keep data.",
                "We do not sell it!",
                "\"Why?\"",
                "It pays.",
                "3.1 is a number."
            ]
        );
    }

    #[test]
    fn lost_white_space_joins_no_sentences() {
        let text = "It counts visits to the site.The maker of Acme.Com sells ads.We do not.";
        let parts: Vec<&str> = sentence_ranges(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(parts, ["It counts visits to the site.", "The maker of Acme.Com sells ads.", "We do not."]);
    }

    #[test]
    fn form_folds_away() {
        let rules = Rules::shipped();
        for (one, other) in [
            ("3.2 We don’t sell “Data”; see Section 4.1.", "(b) We do not sell \"data\"; see section 12."),
            ("Write to a@b.example or https://c.example/x.", "Write to d@e.example or http://f.example."),
            ("As of March 3, 2024 we anonymise data.", "As of 9 June 2025 we anonymize data."),
        ] {
            assert_eq!(words(&rules.fold(one)), words(&rules.fold(other)), "{one}");
        }
        assert_ne!(words(&rules.fold("within 30 days")), words(&rules.fold("within 60 days")));
    }

    #[test]
    fn items_carry_the_words_that_lead_into_them() {
        let document = Document::from_markdown("We never:\n\n- sell your content;\n- read it.\n\nThe end.\n");
        let page = Page::read(Rules::shipped(), &document, &mut Seen::default());
        let readings: Vec<&str> = page.sentences.iter().map(|one| one.reading.as_str()).collect();
        assert_eq!(readings, ["we never:", "we never: sell your content;", "we never: read it.", "the end."]);
        for one in &page.sentences {
            let quote = &document.text[one.range.clone()];
            assert_eq!(Rules::shipped().fold(quote), one.reading[one.own_at..]);
        }
    }
}
