//! Words from outside the practice on their way to paper: agreements, terms and what companies call themselves.
//!
//! Nobody here can write them another way, so nothing in them may stop a report: a character no font has is printed as
//! its number, and a quote that would fill pages is cut and says so. The record attached to the paper has every
//! character.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::ReportError;
use crate::fonts::FONTS;
use crate::press::Copy;

/// The most characters of one quote that are printed.
pub(crate) const LONGEST_QUOTE: usize = 1_500;

/// A quote as it is printed: on one run of lines, cut where it would fill pages.
pub(crate) fn quoted(quote: &str) -> String {
    let words = quote.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = words.chars().count();
    if length <= LONGEST_QUOTE {
        return words;
    }
    let kept: String = words.chars().take(LONGEST_QUOTE).collect();
    format!("{}… [{} more characters: record.json has them all]", kept.trim_end(), length - LONGEST_QUOTE)
}

/// Prints a document of such words. `copy` makes it of its data.
///
/// # Errors
/// As the press, but for characters that cannot be printed.
pub(crate) fn print(
    mut data: Value,
    copy: impl Fn(Value) -> Result<Copy, ReportError>,
) -> Result<Vec<u8>, ReportError> {
    show(&mut data, false);
    match copy(data.clone())?.print() {
        Err(ReportError::NoJoinedGlyph) => {
            show(&mut data, true);
            copy(data)?.print()
        }
        printed => printed,
    }
}

/// Puts the number of a character in its place where no font has it; with `marks`, also where it joins another.
pub(crate) fn show(value: &mut Value, marks: bool) {
    match value {
        Value::String(text) => {
            let hidden = |character: char| {
                !character.is_control()
                    && !character.is_whitespace()
                    && (is_private(character) || !FONTS.can_print(character) || marks && joins(character))
                    // These only choose a look, and go away on paper.
                    && !matches!(character, '\u{fe00}'..='\u{fe0f}')
            };
            if text.chars().any(hidden) {
                *text = text
                    .chars()
                    .map(|character| match hidden(character) {
                        true => format!("[U+{:04X}]", u32::from(character)),
                        false => character.to_string(),
                    })
                    .collect();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| show(item, marks)),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, field)| show(field, marks)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Unicode's private use areas: what lists in PDF files often have for bullets.
fn is_private(character: char) -> bool {
    matches!(u32::from(character), 0xe000..=0xf8ff | 0xf0000..=0xffffd | 0x0010_0000..=0x0010_fffd)
}

/// Marks and joiners that only print together with another character.
fn joins(character: char) -> bool {
    matches!(u32::from(character),
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05c7 | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670
        | 0x06d6..=0x06ed | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200c | 0x200d | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// What ids in marks mean.
static SOURCES: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("../rules/sources.yaml")).unwrap_or_default());

/// A mark such as `verified from cfr-copy` in words.
pub(crate) fn mark(mark: &str) -> String {
    let ends = |character: char| !(character.is_ascii_alphanumeric() || matches!(character, '-' | '.'));
    mark.split_inclusive(ends)
        .map(|piece| {
            let id = piece.trim_end_matches(ends);
            match SOURCES.get(id) {
                Some(words) => format!("{words}{}", &piece[id.len()..]),
                None => piece.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_in_words_and_unknown_ones_stay() {
        assert!(SOURCES.len() > 5, "the bundled file");
        assert_eq!(
            mark("verified from seed-002; cfr-copy (a note)"),
            "verified from a second article by a maker of note software, which is no source of law; a 2019 copy of 45 CFR 160 and 164 (a note)"
        );
        assert_eq!(mark("from memory, unverified"), "from memory, unverified");
        assert_eq!(mark("verified from cfr-copy2"), "verified from cfr-copy2");
    }

    #[test]
    fn what_no_font_has_is_shown_as_its_number_and_the_rest_stays() {
        let mut value = serde_json::json!({"a": ["Notes 🦊 中", "é שלום ☑\u{fe0f}\n", "\u{f0b7} item"], "n": 1});
        show(&mut value, false);
        assert_eq!(
            value,
            serde_json::json!({"a": ["Notes [U+1F98A] [U+4E2D]", "é שלום ☑\u{fe0f}\n", "[U+F0B7] item"], "n": 1})
        );
        let mut joined = serde_json::json!("a\u{301}");
        show(&mut joined, true);
        assert_eq!(joined, serde_json::json!("a[U+0301]"));
    }

    #[test]
    fn a_quote_is_one_run_of_words_and_a_very_long_one_says_what_is_left_out() {
        assert_eq!(quoted(" one\n  two\u{a0}three "), "one two three");
        let long = "ü".repeat(LONGEST_QUOTE + 7);
        assert!(quoted(&long).ends_with("ü… [7 more characters: record.json has them all]"));
    }
}
