//! Which consent element which paragraph covers.
//!
//! A line `<!-- CON-01, CON-02 -->` above a paragraph or list says that it covers these elements.
//! The marker is for the check alone; the text that is shown and signed has none.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::template::Covered;

/// The elements of a text, each with the words of the paragraph or list that covers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Covering(Covered);

impl Covering {
    /// The words that cover an element, if any do.
    #[must_use]
    pub fn words_for(&self, element: &str) -> Option<&str> {
        self.0.get(element).map(String::as_str)
    }

    /// The ids of all elements covered, in order.
    pub fn elements(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn ids(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(inner.split([',', ' ']).filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

/// The text without its markers, blank lines never doubled, ending in one line feed.
#[must_use]
pub fn strip_markers(marked: &str) -> String {
    let mut out = String::with_capacity(marked.len());
    for line in marked.lines().filter(|line| ids(line).is_none()).map(str::trim_end) {
        if line.is_empty() && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Reads the markers: each covers the one paragraph, list or table that begins on the next line,
/// and nothing where an empty line, a heading or another marker follows. So a paragraph that is
/// taken out leaves nothing for its marker to cover.
pub(crate) fn coverings(marked: &str) -> Covering {
    let mut covered = Covered::new();
    let mut pending: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut text = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    for (event, range) in Parser::new_ext(marked, options).into_offset_iter() {
        match event {
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Html(html) if depth == 0 => {
                if let Some(found) = ids(&html) {
                    let next_line = marked.get(range.end..).unwrap_or_default();
                    let adjacent = html.ends_with('\n') && !next_line.trim_start_matches([' ', '\t']).starts_with('\n');
                    pending = if adjacent { found } else { Vec::new() };
                }
            }
            Event::Start(tag) => {
                if depth == 0 && matches!(tag, Tag::Heading { .. }) {
                    pending.clear();
                }
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let words = std::mem::take(&mut text);
                    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                    for id in pending.drain(..) {
                        if words.is_empty() {
                            continue;
                        }
                        let all = covered.entry(id).or_default();
                        if !all.is_empty() {
                            all.push(' ');
                        }
                        all.push_str(&words);
                    }
                }
                text.push(' ');
            }
            Event::Text(part) | Event::Code(part) => text.push_str(&part),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    Covering(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# T\n\n<!-- A, B -->\nOne\ntwo.\n\n<!-- C -->\n- x\n- y\n\n<!-- D -->\n## Next\n\nThree.\n\n<!-- E -->\n<!-- F -->\nFour.\n\n<!-- G -->\n\nFive.\n";

    #[test]
    fn a_marker_covers_what_stands_below_it() {
        let covering = coverings(TEXT);
        assert_eq!(covering.words_for("A"), Some("One two."));
        assert_eq!(covering.words_for("B"), Some("One two."));
        assert_eq!(covering.words_for("C"), Some("x y"));
        assert_eq!(covering.words_for("D"), None, "a heading is no words");
        assert_eq!(covering.words_for("E"), None, "another marker follows");
        assert_eq!(covering.words_for("F"), Some("Four."));
        assert_eq!(covering.words_for("G"), None, "an empty line follows");
        assert_eq!(covering.elements().collect::<Vec<_>>(), ["A", "B", "C", "F"]);
    }

    #[test]
    fn the_shown_text_has_no_markers() {
        assert_eq!(strip_markers(TEXT), "# T\n\nOne\ntwo.\n\n- x\n- y\n\n## Next\n\nThree.\n\nFour.\n\nFive.\n");
    }
}
