//! The numbers that Word computes (ECMA-376 part 1, 17.9).

use std::collections::{HashMap, HashSet};

use provenote_vendors::reading::in_roman;
use roxmltree::Node;

use super::styles::{Styles, named};
use super::{attribute, child, children, value};

/// The lists of a document.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    abstracts: HashMap<String, Vec<Level>>,
    /// Each list: its abstract one, and what it starts anew with, by level.
    lists: HashMap<String, (String, HashMap<usize, u32>)>,
    /// Levels that a list has of its own.
    own: HashMap<(String, usize), Level>,
}

#[derive(Debug, Clone)]
struct Level {
    start: u32,
    format: String,
    text: String,
    legal: bool,
    /// The style whose paragraphs stand at this level.
    style: Option<String>,
    /// The level whose number starts this one anew, from 1; 0: none.
    restart: Option<usize>,
}

impl Default for Level {
    fn default() -> Self {
        Self { start: 1, format: "decimal".to_owned(), text: String::new(), legal: false, style: None, restart: None }
    }
}

/// How a paragraph is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Counted {
    /// A sign before it.
    Bullet(String),
    /// A label before it, as it is printed.
    Number(String),
}

impl Numbers {
    pub(super) fn read(root: Node<'_, '_>, styles: &Styles) -> Self {
        let mut numbers = Self::default();
        let mut links = HashMap::new();
        for node in children(root, "abstractNum") {
            let Some(id) = attribute(node, "abstractNumId") else { continue };
            if let Some(style) = value(node, "numStyleLink") {
                links.insert(id.to_owned(), style.to_owned());
            }
            let mut levels = vec![Level::default(); 9];
            for level in children(node, "lvl") {
                if let Some(slot) = index(level).and_then(|at| levels.get_mut(at)) {
                    *slot = read_level(level);
                }
            }
            numbers.abstracts.insert(id.to_owned(), levels);
        }
        for node in children(root, "num") {
            let (Some(id), Some(of)) = (attribute(node, "numId"), value(node, "abstractNumId")) else { continue };
            let mut starts = HashMap::new();
            for replaced in named(node, "lvlOverride") {
                let Some(at) = index(replaced) else { continue };
                if let Some(start) = value(replaced, "startOverride").and_then(|start| start.parse().ok()) {
                    starts.insert(at, start);
                }
                if let Some(level) = child(replaced, "lvl") {
                    numbers.own.insert((id.to_owned(), at), read_level(level));
                }
            }
            numbers.lists.insert(id.to_owned(), (of.to_owned(), starts));
        }
        // A list may only point to the style of lists that another one defines.
        for (of, style) in links {
            let target = styles.list_of(&style).and_then(|list| numbers.lists.get(list)).map(|(of, _)| of.clone());
            if let Some(levels) = target.and_then(|target| numbers.abstracts.get(&target).cloned()) {
                numbers.abstracts.insert(of, levels);
            }
        }
        numbers
    }

    /// The level at which a list numbers the paragraphs of a style.
    pub(super) fn level_of_style(&self, list: &str, style: &str) -> Option<usize> {
        let (of, _) = self.lists.get(list)?;
        self.abstracts.get(of)?.iter().position(|level| level.style.as_deref() == Some(style))
    }

    fn level(&self, list: &str, of: &str, at: usize) -> Option<&Level> {
        self.own.get(&(list.to_owned(), at)).or_else(|| self.abstracts.get(of)?.get(at))
    }
}

fn index(node: Node<'_, '_>) -> Option<usize> {
    attribute(node, "ilvl")?.parse().ok().filter(|at| *at < 9)
}

fn read_level(node: Node<'_, '_>) -> Level {
    let number = |name: &str| value(node, name).and_then(|text| text.parse::<u32>().ok());
    Level {
        start: number("start").unwrap_or(0),
        format: value(node, "numFmt").unwrap_or("decimal").to_owned(),
        text: value(node, "lvlText").unwrap_or_default().to_owned(),
        legal: child(node, "isLgl").is_some_and(|legal| !matches!(attribute(legal, "val"), Some("0" | "false"))),
        style: value(node, "pStyle").map(str::to_owned),
        restart: number("lvlRestart").map(|level| level as usize),
    }
}

/// Where the numbers stand, while a document is read from its beginning.
#[derive(Debug)]
pub(super) struct Counters<'a> {
    numbers: &'a Numbers,
    /// By abstract list: lists that share it go on counting.
    counts: HashMap<&'a str, [Option<u32>; 9]>,
    started: HashSet<(&'a str, usize)>,
}

impl<'a> Counters<'a> {
    pub(super) fn of(numbers: &'a Numbers) -> Self {
        Self { numbers, counts: HashMap::new(), started: HashSet::new() }
    }

    /// Counts a paragraph of a list; `None` where the list does not count (`numId` 0 takes a number away).
    pub(super) fn next(&mut self, list: &str, level: usize) -> Option<Counted> {
        let level = level.min(8);
        let (list, (of, starts)) = self.numbers.lists.get_key_value(list)?;
        let shown = self.numbers.level(list, of, level)?;
        if shown.format == "bullet" {
            let sign = shown
                .text
                .chars()
                .next()
                .filter(|sign| !('\u{e000}'..='\u{f8ff}').contains(sign) && !sign.is_alphanumeric());
            return Some(Counted::Bullet(sign.unwrap_or('•').to_string()));
        }
        let counts = self.counts.entry(of).or_default();
        let start_at = |at: usize| {
            starts.get(&at).copied().or_else(|| self.numbers.level(list, of, at).map(|level| level.start)).unwrap_or(1)
        };
        let anew = starts.contains_key(&level) && self.started.insert((list, level));
        counts[level] = Some(match counts[level] {
            Some(count) if !anew => count.saturating_add(1),
            _ => start_at(level),
        });
        for (above, count) in counts.iter_mut().enumerate().take(level) {
            count.get_or_insert_with(|| start_at(above));
        }
        for (below, count) in counts.iter_mut().enumerate().skip(level + 1) {
            let restart = self.numbers.level(list, of, below).and_then(|level| level.restart);
            // A level starts anew under any higher one, or from the one that it names.
            if restart.is_none_or(|from| from > 0 && level < from) {
                *count = None;
            }
        }
        let counts = *counts;
        if shown.format == "none" && !shown.text.contains('%') {
            return (!shown.text.trim().is_empty()).then(|| Counted::Number(shown.text.trim().to_owned()));
        }
        let mut printed = String::new();
        let mut signs = shown.text.chars();
        while let Some(sign) = signs.next() {
            let place = if sign == '%' { signs.clone().next().and_then(|digit| digit.to_digit(10)) } else { None };
            let Some(place) = place.map(|place| place as usize).filter(|place| (1..=9).contains(place)) else {
                printed.push(sign);
                continue;
            };
            signs.next();
            let format = match self.numbers.level(list, of, place - 1) {
                Some(_) if shown.legal => "decimal",
                Some(level) => &level.format,
                None => "decimal",
            };
            printed.push_str(&in_format(counts[place - 1].unwrap_or(1), format));
        }
        let printed = printed.trim().to_owned();
        (!printed.is_empty()).then_some(Counted::Number(printed))
    }
}

/// A number in one of Word's formats (17.18.59); those of other scripts as digits.
fn in_format(number: u32, format: &str) -> String {
    let letters = |base: u8| match number {
        1..=780 => char::from(base + ((number - 1) % 26) as u8).to_string().repeat(((number - 1) / 26 + 1) as usize),
        _ => number.to_string(),
    };
    match format {
        "lowerLetter" => letters(b'a'),
        "upperLetter" => letters(b'A'),
        "lowerRoman" => in_roman(number),
        "upperRoman" => in_roman(number).to_uppercase(),
        "decimalZero" => format!("{number:02}"),
        "ordinal" => {
            let end = match (number % 10, number % 100) {
                (_, 11..=13) => "th",
                (1, _) => "st",
                (2, _) => "nd",
                (3, _) => "rd",
                _ => "th",
            };
            format!("{number}{end}")
        }
        "none" => String::new(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_formats() {
        for (number, format, shown) in [
            (4, "decimal", "4"),
            (2, "lowerLetter", "b"),
            (27, "lowerLetter", "aa"),
            (9, "upperRoman", "IX"),
            (3, "decimalZero", "03"),
            (12, "ordinal", "12th"),
            (22, "ordinal", "22nd"),
            (0, "lowerLetter", "0"),
        ] {
            assert_eq!(in_format(number, format), shown);
        }
    }

    fn count(xml: &str, paragraphs: &[(&str, usize)]) -> Vec<String> {
        let tree = roxmltree::Document::parse(xml).expect("XML");
        let numbers = Numbers::read(tree.root_element(), &Styles::default());
        let mut counters = Counters::of(&numbers);
        paragraphs
            .iter()
            .map(|(list, level)| match counters.next(list, *level) {
                Some(Counted::Number(text)) => text,
                Some(Counted::Bullet(sign)) => sign,
                None => String::new(),
            })
            .collect()
    }

    #[test]
    fn levels_count_as_word_counts_them() {
        let xml = r#"<numbering>
            <abstractNum abstractNumId="0">
              <lvl ilvl="0"><start val="1"/><numFmt val="upperRoman"/><lvlText val="Article %1."/></lvl>
              <lvl ilvl="1"><start val="1"/><numFmt val="decimal"/><isLgl/><lvlText val="%1.%2"/></lvl>
              <lvl ilvl="2"><start val="1"/><numFmt val="lowerLetter"/><lvlText val="(%3)"/></lvl>
            </abstractNum>
            <abstractNum abstractNumId="1"><lvl ilvl="0"><start val="1"/><numFmt val="bullet"/><lvlText val=""/></lvl></abstractNum>
            <num numId="1"><abstractNumId val="0"/></num>
            <num numId="2"><abstractNumId val="1"/></num>
            <num numId="3"><abstractNumId val="0"/><lvlOverride ilvl="2"><startOverride val="1"/></lvlOverride></num>
        </numbering>"#;
        assert_eq!(
            count(
                xml,
                &[
                    ("1", 0),
                    ("1", 1),
                    ("1", 2),
                    ("1", 2),
                    ("2", 0),
                    ("1", 1),
                    ("1", 2),
                    ("1", 0),
                    ("1", 1),
                    ("3", 2),
                    ("3", 2),
                    ("0", 0)
                ]
            ),
            ["Article I.", "1.1", "(a)", "(b)", "•", "1.2", "(a)", "Article II.", "2.1", "(a)", "(b)", ""]
        );
    }
}
