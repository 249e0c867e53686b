//! Words of a text with their places, and what their capitals and surroundings tell.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// What stands in place of what was removed. Its form is narrow, so that a text hardly has it by chance; it is never
/// looked into again, which makes cleaning twice the same as cleaning once.
pub(crate) static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\[(?:(?:person|place|organization)-[0-9]{3,4}|zip|phone|fax|email|ssn|record-number|plan-number|account-number|license-number|vehicle|device|url|ip|biometric|photo|unique|weekday|holiday|age:90\+|withheld|date(?::(?:[0-9]{4}(?:-[0-9]{2}){0,2}|[0-9]{2}-[0-9]{2}))?)\]",
    )
    .ok()
});

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No capital at its beginning.
    Lower,
    /// A capital, then small letters, or mixed.
    Capital,
    /// Two capitals or more and nothing small.
    Upper,
    /// One capital letter.
    Initial,
    /// With a digit.
    Code,
    /// A tag of ours.
    Tag,
}

/// A word.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Where the word stands, without `'s` and the like.
    pub(crate) at: Range<usize>,
    /// The word in lower case without accents.
    pub(crate) folded: String,
    pub(crate) shape: Shape,
    /// True for the first word of a sentence, quotation, parenthesis or line.
    pub(crate) begins: bool,
    /// True for the first word of a line.
    pub(crate) begins_line: bool,
    /// True where `'s` or the like follows.
    pub(crate) possessive: bool,
    /// What follows up to the next word holds only spaces.
    pub(crate) joined: bool,
}

/// Invisible characters that might stand inside a word.
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1dc0}'..='\u{1dff}')
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c) || is_invisible(c)
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '`' | '´')
}

const fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑')
}

/// Lower case, without accents and invisible characters, one form for every apostrophe and hyphen.
pub(crate) fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !is_mark(*c) && !is_invisible(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'ł' => out.push('l'),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            c if is_apostrophe(c) => out.push('\''),
            c if is_hyphen(c) => out.push('-'),
            c if is_mark(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Words that end with a point and do not end a sentence.
fn abbreviates(folded: &str) -> bool {
    matches!(
        folded,
        "dr" | "mr"
            | "mrs"
            | "ms"
            | "mx"
            | "st"
            | "prof"
            | "sgt"
            | "lt"
            | "capt"
            | "cpl"
            | "col"
            | "gen"
            | "maj"
            | "rev"
            | "fr"
            | "sr"
            | "jr"
            | "vs"
            | "no"
            | "ste"
            | "mt"
            | "ft"
            | "hon"
            | "officer"
            | "dept"
            | "apt"
            | "approx"
    ) || (folded.len() == 1 && folded != "i")
}

fn shape(word: &str) -> Shape {
    let mut letters = word.chars().filter(|c| c.is_alphabetic());
    if word.chars().any(char::is_numeric) {
        return Shape::Code;
    }
    let Some(first) = letters.next() else { return Shape::Code };
    if !first.is_uppercase() {
        return Shape::Lower;
    }
    let (mut upper, mut lower) = (1_u32, 0_u32);
    for c in letters {
        if c.is_uppercase() {
            upper += 1;
        } else if !is_mark(c) {
            lower += 1;
        }
    }
    match (upper, lower) {
        (1, 0) => Shape::Initial,
        (_, 0) => Shape::Upper,
        // "SUDs", "SSRIs".
        (2.., 1) if word.ends_with('s') => Shape::Upper,
        _ => Shape::Capital,
    }
}

/// The length of the word without `'s`, `'ll`, `n't` and the like, in bytes.
fn without_clitic(word: &str) -> usize {
    let Some((at, _)) = word.char_indices().rev().find(|(_, c)| is_apostrophe(*c)) else { return word.len() };
    let tail: String = fold(&word[at..]).chars().skip(1).collect();
    if at > 0 && matches!(tail.as_str(), "" | "s" | "m" | "re" | "ve" | "ll" | "d" | "t" | "es") {
        at
    } else {
        word.len()
    }
}

/// The words of a text in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(text.len() / 5);
    let mut tags: Vec<Range<usize>> =
        TAG.as_ref().map(|tag| tag.find_iter(text).map(|found| found.range()).collect()).unwrap_or_default();
    tags.reverse();
    let mut chars = text.char_indices().peekable();
    let mut end_of_last = 0;
    while let Some(&(start, c)) = chars.peek() {
        if tags.last().is_some_and(|tag| tag.start == start) {
            let tag = tags.pop().unwrap_or(start..start + 1);
            while chars.next_if(|(at, _)| *at < tag.end).is_some() {}
            push(&mut out, text, end_of_last, tag.clone(), Shape::Tag, 0);
            end_of_last = tag.end;
            continue;
        }
        if !is_word_char(c) || is_invisible(c) {
            chars.next();
            continue;
        }
        let mut end = start;
        while let Some(&(at, c)) = chars.peek() {
            if is_word_char(c) {
                end = at + c.len_utf8();
                chars.next();
            } else if is_apostrophe(c) || is_hyphen(c) {
                // Inside a word only where a letter follows: `O'Brien`, `Ji-woo`, not `cousins'`.
                let next = text[at + c.len_utf8()..].chars().next();
                if next.is_some_and(is_word_char) {
                    chars.next();
                } else {
                    break;
                }
            } else {
                break;
            }
        }
        let word = &text[start..end];
        let bare = without_clitic(word);
        push(&mut out, text, end_of_last, start..start + bare, shape(&word[..bare]), end - start - bare);
        end_of_last = end;
    }
    out
}

fn push(out: &mut Vec<Token>, text: &str, end_of_last: usize, at: Range<usize>, shape: Shape, clitic: usize) {
    let gap = &text[end_of_last..at.start];
    let begins_line = out.is_empty() || gap.contains('\n');
    let mut begins = begins_line;
    if let Some(last) = out.last_mut() {
        last.joined = !gap.is_empty() && !last.possessive && gap.chars().all(|c| matches!(c, ' ' | '\t' | '\u{a0}'));
        let short = abbreviates(&last.folded) && gap.starts_with('.') && gap.trim() == ".";
        if short {
            last.joined = true;
        }
        begins |= !short
            && gap.chars().any(|c| {
                matches!(
                    c,
                    '.' | '!'
                        | '?'
                        | '…'
                        | ':'
                        | '"'
                        | '“'
                        | '”'
                        | '('
                        | ')'
                        | '['
                        | '—'
                        | '–'
                        | '•'
                        | '*'
                        | '#'
                        | '|'
                        | '/'
                        | '¿'
                        | '¡'
                        | '«'
                )
            });
    }
    // "He said, Listen": what is quoted without marks begins anew.
    begins |= gap.starts_with(',')
        && out.last().is_some_and(|last| {
            matches!(last.folded.as_str(), "said" | "says" | "goes" | "like" | "asked" | "yelled" | "thought" | "went")
        });
    let folded = if shape == Shape::Tag { String::new() } else { fold(&text[at.clone()]) };
    out.push(Token { at, folded, shape, begins, begins_line, possessive: clitic > 0, joined: false });
}

/// Cuts a text at sentence ends and line ends; ranges with their end marks.
pub(crate) fn sentence_around(text: &str, at: &Range<usize>) -> Range<usize> {
    let is_end = |(i, c): &(usize, char)| {
        *c == '\n' || (matches!(c, '.' | '!' | '?') && text[i + 1..].chars().next().is_none_or(char::is_whitespace))
    };
    let start = text[..at.start].char_indices().rev().find(is_end).map_or(0, |(i, c)| i + c.len_utf8());
    let start = start + (text[start..at.start].len() - text[start..at.start].trim_start().len());
    let end = text[at.end..]
        .char_indices()
        .map(|(i, c)| (i + at.end, c))
        .find(is_end)
        .map_or(text.len(), |(i, c)| if c == '\n' { i } else { i + c.len_utf8() });
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_endings_and_keep_their_places() {
        let text = "Dr. O’Brien's dog can't see Ji-woo, José! [person-412] left";
        let words: Vec<(String, Shape, bool)> =
            tokens(text).into_iter().map(|token| (token.folded, token.shape, token.begins)).collect();
        let expect = [
            ("dr", Shape::Capital, true),
            ("o'brien", Shape::Capital, false),
            ("dog", Shape::Lower, false),
            ("can", Shape::Lower, false),
            ("see", Shape::Lower, false),
            ("ji-woo", Shape::Capital, false),
            ("jose", Shape::Capital, false),
            ("", Shape::Tag, true),
            ("left", Shape::Lower, false),
        ];
        assert_eq!(words.len(), expect.len());
        for (word, expect) in words.iter().zip(expect) {
            assert_eq!((word.0.as_str(), word.1, word.2), expect);
        }
    }

    #[test]
    fn an_invisible_character_hides_nothing() {
        assert_eq!(tokens("Ma\u{200b}ria")[0].folded, "maria");
        assert_eq!(fold("NGUYỄN"), "nguyen");
        assert_eq!(fold("Małgorzata"), "malgorzata");
    }

    #[test]
    fn a_sentence_ends_at_its_mark_or_its_line() {
        let text = "One. Two is it? Three\nFour";
        assert_eq!(&text[sentence_around(text, &(6..7))], "Two is it?");
        assert_eq!(&text[sentence_around(text, &(17..18))], "Three");
    }
}
