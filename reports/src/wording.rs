//! Words of people on their way to paper: every character is printed, shown, or refused.

use serde_json::Value;

use crate::ReportError;
use crate::fonts::FONTS;

/// Cleans every string of a document's data; fails on the first character no font has.
pub(crate) fn settle(value: &mut Value) -> Result<(), ReportError> {
    match value {
        Value::String(text) => {
            if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
                *text = settled(text)?;
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(settle),
        Value::Object(fields) => fields.iter_mut().try_for_each(|(_, field)| settle(field)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Characters in a row without a space from which on they are looked for and broken: a narrow column holds fewer.
const LONG: usize = 24;

/// True where some string of a document's data has a word that is longer than some line.
pub(crate) fn has_long_word(value: &Value) -> bool {
    match value {
        // A character has a byte at least.
        Value::String(text) => {
            text.len() >= LONG && text.split_whitespace().any(|word| word.chars().nth(LONG - 1).is_some())
        }
        Value::Array(items) => items.iter().any(has_long_word),
        Value::Object(fields) => fields.values().any(has_long_word),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn settled(text: &str) -> Result<String, ReportError> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\t' => out.push_str("    "),
            // They choose between two looks of the character before them; paper has one look.
            '\u{fe00}'..='\u{fe0f}' => {}
            other if is_unseen(other) => out.push_str(&format!("[U+{:04X}]", u32::from(other))),
            other if is_private(other) || !FONTS.can_print(other) => {
                let shown = if is_private(other) || other.is_whitespace() {
                    "without a shape of its own".to_owned()
                } else {
                    format!("“{other}”")
                };
                return Err(ReportError::NoGlyph { character: other, shown });
            }
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Characters that are not seen and could change what others look like: they are shown as their
/// number, so that what is printed is what was stored. An override that turns the rest of a line
/// around must not work in a signed document.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(u32::from(character),
            0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb
            | 0xfdd0..=0xfdef | 0xe0000..=0xe007f)
        || u32::from(character) & 0xfffe == 0xfffe
}

/// Unicode's private use areas: PDF/UA forbids them, since nobody knows what they mean.
fn is_private(character: char) -> bool {
    matches!(u32::from(character), 0xe000..=0xf8ff | 0xf0000..=0xffffd | 0x0010_0000..=0x0010_fffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_printed_stays_as_it_is() {
        for text in ["#panic(\"x\")", "*b* _i_ `c` $x$ <b>&amp;</b> \\ @ref", "Ñandú — “quoted” ☐ ☑", "שלום", "مرحبا"]
        {
            assert_eq!(settled(text).expect("printable"), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(settled("a\u{202e}b\u{0}c\u{feff}").expect("shown"), "a[U+202E]b[U+0000]c[U+FEFF]");
        assert_eq!(settled("one\r\ntwo\rthree\tfour\u{2028}").expect("shown"), "one\ntwo\nthree    four\n");
        assert_eq!(settled("☑\u{fe0f}").expect("shown"), "☑");
    }

    #[test]
    fn what_no_font_has_is_named() {
        let error = settled("Dr. 中村").expect_err("no Chinese font").to_string();
        assert!(error.contains("“中” (U+4E2D)") && !error.contains('村'), "{error}");
        assert!(settled("\u{e000}").expect_err("private use").to_string().contains("(U+E000)"));
    }

    #[test]
    fn long_words_are_found_wherever_they_stand() {
        let (fits, long) = ("ü".repeat(LONG - 1), "ü".repeat(LONG));
        assert!(!has_long_word(&serde_json::json!({"a": [format!("{fits} {fits}"), 1, {"b": fits}], "long": null})));
        assert!(has_long_word(&serde_json::json!({"a": ["", {"b": format!("a {long}")}]})));
    }

    #[test]
    fn strings_are_settled_wherever_they_stand() {
        let mut data = serde_json::json!({"a": ["x\u{7}", {"b": "y\u{202e}"}], "n": 1, "z": null});
        settle(&mut data).expect("printable");
        assert_eq!(data, serde_json::json!({"a": ["x[U+0007]", {"b": "y[U+202E]"}], "n": 1, "z": null}));
    }
}
