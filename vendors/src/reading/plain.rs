//! Text without marks, whose positions lead back.

use std::ops::Range;

use super::Label;

/// Text with single spaces and without Markdown's marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    text: String,
    /// Where in the document each byte of `text` comes from, and where the last one ends.
    origins: Vec<usize>,
}

impl Plain {
    /// Makes plain text of a range of a document's text.
    #[must_use]
    pub fn of(text: &str, range: Range<usize>, markdown: bool) -> Self {
        let mut plain = Self { text: String::new(), origins: Vec::new() };
        let base = range.start;
        let source = text.get(range).unwrap_or_default();
        let hidden = if markdown { marks(source) } else { vec![false; source.len()] };
        let mut end = base;
        for (at, sign) in source.char_indices() {
            if hidden[at] {
                continue;
            }
            let soft = matches!(sign, '\u{ad}' | '\u{200b}' | '\u{feff}');
            if soft || sign.is_whitespace() && (plain.text.is_empty() || plain.text.ends_with(' ')) {
                continue;
            }
            let shown = if sign.is_whitespace() { ' ' } else { sign };
            plain.text.push(shown);
            // A space may stand for several bytes; each byte of a character keeps its own place.
            plain.origins.extend((0..shown.len_utf8()).map(|byte| base + at + byte));
            end = base + at + sign.len_utf8();
        }
        if plain.text.ends_with(' ') {
            plain.text.pop();
            end = plain.origins.pop().unwrap_or(base);
        }
        plain.origins.push(end);
        plain
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The range of the document that a range of this text comes from; it holds the marks between its ends.
    #[must_use]
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        let last = self.origins.len() - 1;
        let start = self.origins[range.start.min(last)];
        let end = range.end.min(last);
        if end <= range.start || end == 0 {
            return start..start;
        }
        // Where the last character ends, not where the next one begins: marks may stand between.
        let char_start = (0..end).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        if end == last {
            return start..self.origins[last];
        }
        start
            ..self.origins[char_start]
                + if self.text.as_bytes()[char_start] == b' ' { self.space(char_start) } else { end - char_start }
    }

    /// How many bytes of the document a space stands for, up to the next sign shown; at least 1.
    fn space(&self, at: usize) -> usize {
        // A space in the document may be longer than one byte (a no-break space); what follows it is on a boundary.
        (self.origins[at + 1] - self.origins[at]).max(1)
    }
}

/// Which bytes are Markdown's marks: emphasis, the address of a link, escapes, code marks. Never white space, which still
/// parts words.
fn marks(source: &str) -> Vec<bool> {
    use pulldown_cmark::{Event, Parser};
    // The inline parser is asked what it shows; what it does not show is a mark.
    let mut hidden = vec![true; source.len()];
    // A label in front is no list's mark here.
    let label = Label::at_start(source).map_or(0, |(_, at)| at);
    hidden[..label].fill(false);
    for (event, range) in Parser::new(&source[label..]).into_offset_iter() {
        let range = label + range.start..label + range.end;
        match event {
            Event::Text(_) | Event::Html(_) | Event::InlineHtml(_) => hidden[range].fill(false),
            Event::Code(code) => {
                let ticks = range.len().saturating_sub(code.len()) / 2;
                hidden[range.start + ticks..(range.end - ticks).max(range.start + ticks)].fill(false);
            }
            _ => {}
        }
    }
    // A block may begin or end within emphasis (`1. **Term.** The`): marks without their pair go too.
    for (at, pair) in source.match_indices("**") {
        hidden[at..at + pair.len()].fill(true);
    }
    for (at, sign) in source.char_indices().filter(|(_, sign)| sign.is_whitespace()) {
        hidden[at..at + sign.len_utf8()].fill(false);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_positions_lead_back() {
        let text = "xx “**Response  Period**” means\n[ten](http://a.b) \\* days, `code` and _so_ on. ";
        let plain = Plain::of(text, 3..text.len(), true);
        assert_eq!(plain.text(), "“Response Period” means ten * days, code and so on.");
        for (part, source) in [
            ("Response Period", "Response  Period"),
            ("means ten", "means\n[ten"),
            ("Period” means", "Period**” means"),
            ("so", "so"),
            ("on.", "on."),
            ("“", "“"),
        ] {
            let at = plain.text().find(part).expect("there");
            assert_eq!(&text[plain.origin(at..at + part.len())], source);
        }
        assert_eq!(plain.origin(5..5).len(), 0);
    }

    #[test]
    fn half_a_pair_of_marks_goes_and_labels_stay() {
        let text = "Role.** The vendor";
        let plain = Plain::of(text, 0..text.len(), true);
        assert_eq!(plain.text(), "Role. The vendor");
        assert_eq!(&text[plain.origin(4..9)], ".** The");
        let text = "3. [Term](#term)";
        assert_eq!(Plain::of(text, 0..text.len(), true).text(), "3. Term");
    }

    #[test]
    fn text_keeps_its_stars() {
        let text = "a * b\u{a0}\u{a0}c\u{ad}d";
        let plain = Plain::of(text, 0..text.len(), false);
        assert_eq!(plain.text(), "a * b cd");
        assert_eq!(&text[plain.origin(4..6)], "b\u{a0}\u{a0}");
        assert_eq!(&text[plain.origin(6..8)], "c\u{ad}d");
    }
}
