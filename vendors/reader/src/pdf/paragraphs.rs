//! Lines to paragraphs, headings, clauses and lists.

use std::collections::{HashMap, HashSet};

use provenote_vendors::reading::{Composer, Document, Format, Label};

use super::layout::Line;
use super::tables;

/// A paragraph in the making.
struct Open {
    text: String,
    size: f32,
    bold: bool,
    lines: usize,
    x0: f32,
    /// True where wide gaps part it: a row of a table, or a signature's lines.
    parted: bool,
}

/// Composes a document of lines in reading order.
pub(super) fn compose(lines: Vec<Line>) -> Document {
    let body = body_size(&lines);
    let pitch = pitch(&lines);
    let margins = margins(&lines);
    let hyphenated = Hyphenated::of(&lines);
    let mut composer = Composer::new(Format::Pdf);
    let mut bullets: Vec<f32> = Vec::new();
    let mut open: Option<Open> = None;
    let mut before: Option<&Line> = None;
    let tables = tables::find(&lines, pitch);
    let mut skip = 0;
    for (index, line) in lines.iter().enumerate() {
        if index < skip {
            continue;
        }
        if let Some(table) = tables.get(&index) {
            if let Some(open) = open.take() {
                close(&mut composer, open, body, &mut bullets);
            }
            for (row, column, text) in &table.cells {
                composer.cell(*row, *column, text);
            }
            skip = table.end;
            before = None;
            continue;
        }
        let continues = before.is_some_and(|before| {
            open.as_ref().is_some_and(|open| goes_on(open, before, line, pitch, margins[&(before.page, before.column)]))
        });
        match (&mut open, continues) {
            (Some(open), true) => {
                hyphenated.append(&mut open.text, &line.text);
                open.bold &= line.bold;
                open.lines += 1;
            }
            _ => {
                if let Some(open) = open.take() {
                    close(&mut composer, open, body, &mut bullets);
                }
                open = Some(Open {
                    text: line.text.clone(),
                    size: line.size,
                    bold: line.bold,
                    lines: 1,
                    x0: line.x0,
                    parted: line.cells.len() > 2,
                });
            }
        }
        before = Some(line);
    }
    if let Some(open) = open {
        close(&mut composer, open, body, &mut bullets);
    }
    composer.finish()
}

/// The size of most letters.
fn body_size(lines: &[Line]) -> f32 {
    let mut letters: HashMap<i32, usize> = HashMap::new();
    for line in lines {
        *letters.entry((line.size * 2.0).round() as i32).or_default() += line.text.len();
    }
    letters.into_iter().max_by_key(|(size, count)| (*count, *size)).map_or(10.0, |(size, _)| size as f32 / 2.0)
}

/// How far apart lines are, as a multiple of their size: the middle one of all.
fn pitch(lines: &[Line]) -> f32 {
    let mut gaps: Vec<f32> = lines
        .windows(2)
        .filter(|pair| (pair[0].page, pair[0].column) == (pair[1].page, pair[1].column))
        .map(|pair| (pair[1].y - pair[0].y) / pair[0].size.max(1.0))
        .filter(|gap| (0.5..4.0).contains(gap))
        .collect();
    gaps.sort_by(f32::total_cmp);
    gaps.get(gaps.len() / 3).copied().unwrap_or(1.2)
}

/// Where each column of each page begins and ends.
fn margins(lines: &[Line]) -> HashMap<(usize, usize), (f32, f32)> {
    let mut margins: HashMap<(usize, usize), (f32, f32)> = HashMap::new();
    for line in lines {
        let (x0, x1) = margins.entry((line.page, line.column)).or_insert((line.x0, line.x1));
        (*x0, *x1) = (x0.min(line.x0), x1.max(line.x1));
    }
    margins
}

/// True where a line goes on with the paragraph that the one before belongs to.
fn goes_on(open: &Open, before: &Line, line: &Line, pitch: f32, (left, right): (f32, f32)) -> bool {
    let ended = ends_sentence(&before.text);
    let short = before.x1 < right - (right - left) * 0.14;
    if is_bullet(&line.text).is_some() {
        return false;
    }
    let labelled = Label::at_start(&line.text);
    if let Some((label, _)) = &labelled {
        // `(b)` or `2.1` in the middle of a sentence is a reference when the line before is full and goes on.
        let begins = ended
            || short
            || label.is_first()
            || before.text.ends_with(',')
            || before.text.ends_with(" and")
            || before.text.ends_with(" or");
        if begins {
            return false;
        }
    }
    let alike = (line.size - before.size).abs() < before.size * 0.08;
    if (before.page, before.column) != (line.page, line.column) {
        return alike && !ended && line.bold == before.bold && labelled.is_none() && !is_capitals(&open.text);
    }
    if !alike && (line.size - before.size).abs() > before.size * 0.2 {
        return false;
    }
    if line.bold != before.bold && (open.bold && open.lines < 3 && short || line.bold && line.text.len() < 80 && ended)
    {
        return false;
    }
    if is_capitals(&before.text) != is_capitals(&line.text) && short {
        return false;
    }
    let gap = (line.y - before.y) / before.size.max(1.0);
    if gap > pitch * 1.3 + 0.15 || gap < 0.0 {
        return false;
    }
    if ended && short {
        return false;
    }
    // An indented first line; in a hanging paragraph the lines after the first are the indented ones.
    let indented = line.x0 > before.x0 + before.size * 0.8 && open.lines > 1;
    !(ended && indented)
}

fn close(composer: &mut Composer, open: Open, body: f32, bullets: &mut Vec<f32>) {
    let text = open.text.trim();
    if let Some((sign, rest)) = is_bullet(text) {
        bullets.retain(|x| *x < open.x0 - 4.0);
        let depth = u8::try_from(bullets.len()).unwrap_or(u8::MAX);
        bullets.push(open.x0);
        composer.item(depth, &sign.to_string(), rest);
        return;
    }
    bullets.clear();
    let words = text.split_whitespace().count();
    let short = open.lines <= 3 && !open.parted && words <= 16 && !text.ends_with([';', ',']);
    let numbered = Label::at_start(text).is_some_and(|(_, at)| at < text.len());
    let ratio = open.size / body.max(1.0);
    let signature = text.contains("__") || text.ends_with(':') && words < 3;
    let large = ratio > 1.12;
    let emphatic = (open.bold || is_capitals(text)) && !text.trim_end_matches('.').contains(". ");
    if short && !numbered && !signature && (large || emphatic) {
        let level = if ratio > 1.45 {
            1
        } else if ratio > 1.12 {
            2
        } else {
            3
        };
        composer.heading(level, text);
    } else {
        composer.paragraph(text);
    }
}

/// The bullet that a line begins with, and the text after it.
fn is_bullet(text: &str) -> Option<(char, &str)> {
    let mut signs = text.chars();
    let sign = signs.next().filter(|sign| "•‣▪●○◦·■□➢–-*\u{f0b7}".contains(*sign) || *sign == 'o')?;
    let rest = signs.as_str();
    let text = rest.trim_start();
    let bullet = if sign == '\u{f0b7}' { '•' } else { sign };
    let solid = "•‣▪●○◦■□➢\u{f0b7}".contains(sign);
    (!text.is_empty() && (solid || text.len() < rest.len())).then_some((bullet, text))
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '”', '’', ')', ']', ' ']).ends_with(['.', ';', ':', '!', '?'])
}

fn is_capitals(text: &str) -> bool {
    let capitals = text.chars().all(|sign| !sign.is_lowercase());
    // A date or a single abbreviation is no heading.
    capitals && text.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 3)
}

/// What the document shows about the hyphens in it.
struct Hyphenated {
    /// Words with a hyphen inside, as they stand within a line.
    with: HashSet<String>,
    /// Words without.
    without: HashSet<String>,
}

impl Hyphenated {
    fn of(lines: &[Line]) -> Self {
        let (mut with, mut without) = (HashSet::new(), HashSet::new());
        for line in lines {
            for word in line.text.split_whitespace() {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                if word.contains('-') {
                    with.insert(word);
                } else if word.len() > 4 {
                    without.insert(word);
                }
            }
        }
        Self { with, without }
    }

    /// Adds a line to a paragraph; a word that was broken at the line's end becomes whole.
    fn append(&self, text: &mut String, line: &str) {
        let soft = text.ends_with('\u{ad}');
        let broken =
            soft || text.ends_with(['-', '\u{2010}']) && text.chars().rev().nth(1).is_some_and(char::is_alphabetic);
        if !broken || !line.starts_with(char::is_alphabetic) {
            // `and/` or a dash between words needs no space; all else does.
            if !text.ends_with(['/', '—']) {
                text.push(' ');
            }
            text.push_str(line);
            return;
        }
        let hyphen_at = text.char_indices().next_back().map_or(0, |(at, _)| at);
        let head_at = text[..hyphen_at].rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let head = text[head_at..hyphen_at].trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let end = line.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(line.len());
        let tail = line[..end].to_lowercase();
        if soft || !self.keeps(&head, &tail, line) {
            text.truncate(hyphen_at);
        }
        text.push_str(line);
    }

    /// True where the hyphen belongs to the word.
    fn keeps(&self, head: &str, tail: &str, line: &str) -> bool {
        // Parts that English joins with a hyphen, when the document itself does not tell.
        const JOINED: [&str; 24] = [
            "non", "de", "self", "third", "pre", "post", "co", "multi", "anti", "cross", "well", "business", "sub",
            "opt", "long", "short", "re", "on", "off", "end", "high", "low", "e", "day",
        ];
        if self.with.contains(&format!("{head}-{tail}")) {
            return true;
        }
        if self.without.contains(&format!("{head}{tail}")) {
            return false;
        }
        head.contains('-')
            || line.starts_with(char::is_uppercase)
            || JOINED.contains(&head)
            || tail.contains('-')
            || tail.len() < 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(known: &[&str], first: &str, second: &str) -> String {
        let lines: Vec<Line> = Vec::new();
        let mut hyphenated = Hyphenated::of(&lines);
        for word in known {
            if word.contains('-') {
                hyphenated.with.insert((*word).to_owned())
            } else {
                hyphenated.without.insert((*word).to_owned())
            };
        }
        let mut text = first.to_owned();
        hyphenated.append(&mut text, second);
        text
    }

    #[test]
    fn broken_words_become_whole() {
        assert_eq!(joined(&[], "any informa-", "tion held"), "any information held");
        assert_eq!(joined(&[], "any non-", "compliance"), "any non-compliance");
        assert_eq!(joined(&["deidentified"], "the de-", "identified data"), "the deidentified data");
        assert_eq!(joined(&["de-identified"], "the (de-", "identified data)"), "the (de-identified data)");
        assert_eq!(joined(&[], "the state-of-", "the-art"), "the state-of-the-art");
        assert_eq!(joined(&[], "Anglo-", "American"), "Anglo-American");
        assert_eq!(joined(&[], "inform\u{ad}", "ation"), "information");
        assert_eq!(joined(&[], "section 5 -", "term"), "section 5 - term");
        assert_eq!(joined(&[], "and/", "or"), "and/or");
        assert_eq!(joined(&[], "plain", "words"), "plain words");
    }

    #[test]
    fn bullets_are_signs_before_text() {
        assert_eq!(is_bullet("• one"), Some(('•', "one")));
        assert_eq!(is_bullet("•one"), Some(('•', "one")));
        assert_eq!(is_bullet("- one"), Some(('-', "one")));
        assert_eq!(is_bullet("-one"), None);
        assert_eq!(is_bullet("of it"), None);
    }
}
