//! Putting a value into Markdown so that it reads as it was typed.

/// True for characters that would change what a reader sees without being seen themselves:
/// controls, and the marks that turn the direction of text (UAX #9, "Trojan source").
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The value as it is printed: white space is one space, unseen characters are gone.
pub(crate) fn printed(value: &str) -> String {
    let spaced: String =
        value.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !unseen(*c)).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Escapes a value for any place in a Markdown text (CommonMark 0.31 §2.4: a backslash before
/// ASCII punctuation makes it literal).
///
/// Besides what starts markup anywhere, this escapes what starts a block at the beginning of a
/// line (`-`, `+`, `=`, `1.`), since a value may stand there, and braces and per cent
/// signs, so that no value looks like an unfilled place of a template.
#[must_use]
pub fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    // True while only digits were written: `1.` or `1)` would start a numbered list.
    let mut leading = true;
    for (at, c) in printed(value).chars().enumerate() {
        let anywhere = matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '~' | '|' | '{' | '}' | '%' | '!' | '$' | '^'
        );
        let at_start = (at == 0 && matches!(c, '-' | '+' | '=' | ':')) || (leading && matches!(c, '.' | ')'));
        if anywhere || at_start {
            out.push('\\');
        }
        out.push(c);
        leading = leading && c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, blocks};
    use proptest::prelude::*;

    fn read_back(markdown: &str) -> Vec<Block> {
        blocks(markdown)
    }

    #[test]
    fn markup_in_a_name_prints_literally() {
        let name = "**Bob** [x](y) # <b> `c` & &amp; _u_ ~~s~~ | 1. - + = {{ x }} <!-- CON-01 -->";
        for text in
            [escape(name), format!("- {}", escape(name)), format!("# {}", escape(name)), format!("1. {}", escape(name))]
        {
            let spans = match read_back(&text).remove(0) {
                Block::Paragraph(spans) | Block::Heading { text: spans, .. } => spans,
                Block::Bullets(mut items) | Block::Numbered(mut items) => items.remove(0),
                other => panic!("unexpected {other:?}"),
            };
            assert_eq!(spans.len(), 1, "{spans:?}");
            assert_eq!(spans[0].text, name);
            assert!(!spans[0].bold && !spans[0].italic);
        }
    }

    #[test]
    fn characters_nobody_sees_are_dropped() {
        assert_eq!(printed("  Ana\u{202E}\u{0}\t\n Maria\u{200F} "), "Ana Maria");
    }

    proptest! {
        #[test]
        fn any_value_reads_back_as_printed(value in "\\PC{0,40}") {
            let printed = printed(&value);
            let parsed = read_back(&escape(&value));
            if printed.is_empty() {
                prop_assert!(parsed.is_empty());
            } else {
                prop_assert_eq!(parsed.len(), 1);
                let Block::Paragraph(spans) = &parsed[0] else { panic!("{parsed:?}") };
                prop_assert_eq!(spans.iter().map(|s| s.text.as_str()).collect::<String>(), printed);
                prop_assert!(spans.iter().all(|s| !s.bold && !s.italic));
            }
        }

        #[test]
        fn any_punctuation_reads_back_in_a_list(value in "[!-/:-@\\[-`{-~0-9a ]{1,24}") {
            let printed = printed(&value);
            prop_assume!(!printed.is_empty());
            let parsed = read_back(&format!("- {}\n- b", escape(&value)));
            let Block::Bullets(items) = &parsed[0] else { panic!("{parsed:?}") };
            prop_assert_eq!(items.len(), 2);
            prop_assert_eq!(items[0].iter().map(|s| s.text.as_str()).collect::<String>(), printed);
        }
    }
}
