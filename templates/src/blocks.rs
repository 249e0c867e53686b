//! Markdown as blocks of spans: the one thing that screen and PDF both show.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};

/// A stretch of text in one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The words; a line break inside is `\n`.
    pub text: String,
    /// Strong emphasis.
    #[serde(default)]
    pub bold: bool,
    /// Emphasis.
    #[serde(default)]
    pub italic: bool,
}

/// One block of a document, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "block", content = "of", rename_all = "snake_case")]
pub enum Block {
    /// A heading.
    Heading {
        /// 1 to 6.
        level: u8,
        /// Its words.
        text: Vec<Span>,
    },
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// A list with bullets. A list inside an item follows it as items of the same list.
    Bullets(Vec<Vec<Span>>),
    /// A list with numbers, counted from 1.
    Numbered(Vec<Vec<Span>>),
    /// A box to tick.
    Checkbox {
        /// Whether it is ticked.
        ticked: bool,
        /// What ticking it says.
        text: Vec<Span>,
    },
    /// A table.
    Table {
        /// The cells of the first row.
        head: Vec<Vec<Span>>,
        /// The cells of the other rows.
        rows: Vec<Vec<Vec<Span>>>,
    },
    /// A line across.
    Rule,
}

#[derive(Default)]
struct Reader {
    out: Vec<Block>,
    spans: Vec<Span>,
    bold: u32,
    italic: u32,
    links: Vec<String>,
    /// One for each open list: whether it is numbered.
    lists: Vec<bool>,
    items: Vec<Vec<Span>>,
    ticked: Option<bool>,
    row: Vec<Vec<Span>>,
    head: Vec<Vec<Span>>,
    rows: Vec<Vec<Vec<Span>>>,
    in_cell: bool,
}

impl Reader {
    fn text(&mut self, text: &str) {
        let (bold, italic) = (self.bold > 0, self.italic > 0);
        match self.spans.last_mut() {
            Some(last) if last.bold == bold && last.italic == italic => last.text.push_str(text),
            _ => self.spans.push(Span { text: text.to_owned(), bold, italic }),
        }
    }

    fn take(&mut self) -> Vec<Span> {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        spans.retain(|span| !span.text.is_empty());
        spans
    }

    /// Ends the item being read, in whatever list is open.
    fn end_item(&mut self) {
        let ticked = self.ticked.take();
        let text = self.take();
        if text.is_empty() {
            return;
        }
        match ticked {
            Some(ticked) => {
                self.end_items();
                self.out.push(Block::Checkbox { ticked, text });
            }
            None => self.items.push(text),
        }
    }

    /// Hands out the items read so far as one list.
    fn end_items(&mut self) {
        if self.items.is_empty() {
            return;
        }
        let items = std::mem::take(&mut self.items);
        let numbered = self.lists.first().copied().unwrap_or(false);
        self.out.push(if numbered { Block::Numbered(items) } else { Block::Bullets(items) });
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.end_items();
                } else {
                    self.end_item();
                }
                self.lists.push(first.is_some());
            }
            // A second paragraph of an item goes on in it, on a line of its own.
            Tag::Paragraph if !self.lists.is_empty() && !self.spans.is_empty() => self.text("\n"),
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.links.push(dest_url.into_string()),
            Tag::TableCell => self.in_cell = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = self.take();
                self.out.push(Block::Heading { level: number(level), text });
            }
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::HtmlBlock if self.lists.is_empty() && !self.in_cell => {
                let text = self.take();
                if !text.is_empty() {
                    self.out.push(Block::Paragraph(text));
                }
            }
            TagEnd::Item => self.end_item(),
            TagEnd::List(_) => {
                if self.lists.len() == 1 {
                    self.end_items();
                }
                self.lists.pop();
            }
            TagEnd::Strong => self.bold = self.bold.saturating_sub(1),
            TagEnd::Emphasis => self.italic = self.italic.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => {
                // On paper a link must show where it leads.
                if let Some(url) = self.links.pop()
                    && !url.is_empty()
                    && !self.spans.last().is_some_and(|span| span.text.ends_with(&url))
                {
                    self.text(&format!(" ({url})"));
                }
            }
            TagEnd::TableCell => {
                self.in_cell = false;
                let cell = self.take();
                self.row.push(cell);
            }
            TagEnd::TableHead => self.head = std::mem::take(&mut self.row),
            TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                self.rows.push(row);
            }
            TagEnd::Table => {
                let (head, rows) = (std::mem::take(&mut self.head), std::mem::take(&mut self.rows));
                self.out.push(Block::Table { head, rows });
            }
            _ => {}
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Cuts a Markdown text (CommonMark, with tables and boxes to tick) into blocks.
///
/// Nothing is left out but HTML comments: HTML of any other kind shows as the text it is, a link
/// shows its address, code and quotations are paragraphs.
#[must_use]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS) {
        match event {
            Event::Start(tag) => reader.start(tag),
            Event::End(tag) => reader.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                reader.text(&text)
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                if !html.trim_start().starts_with("<!--") {
                    reader.text(&html);
                }
            }
            Event::FootnoteReference(name) => reader.text(&format!("[{name}]")),
            Event::SoftBreak => reader.text(" "),
            Event::HardBreak => reader.text("\n"),
            Event::Rule => reader.out.push(Block::Rule),
            Event::TaskListMarker(ticked) => reader.ticked = Some(ticked),
        }
    }
    reader.out
}

/// The words of spans, without their look.
pub(crate) fn words(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

/// The words of blocks, without marks of lists, boxes and tables: what every way of showing them
/// has in common.
#[must_use]
pub fn content_words(blocks: &[Block]) -> Vec<String> {
    let mut all = Vec::new();
    let mut add = |spans: &[Span]| all.extend(words(spans).split_whitespace().map(str::to_owned));
    for block in blocks {
        match block {
            Block::Heading { text, .. } | Block::Paragraph(text) | Block::Checkbox { text, .. } => add(text),
            Block::Bullets(items) | Block::Numbered(items) => items.iter().for_each(|item| add(item)),
            Block::Table { head, rows } => head.iter().chain(rows.iter().flatten()).for_each(|cell| add(cell)),
            Block::Rule => {}
        }
    }
    all
}

/// The document as plain text, a blank line between blocks.
#[must_use]
pub fn plain_text(blocks: &[Block]) -> String {
    let mut parts = Vec::with_capacity(blocks.len());
    for block in blocks {
        parts.push(match block {
            Block::Heading { level: 1, text } => {
                let title = words(text);
                let line = "=".repeat(title.chars().count());
                format!("{title}\n{line}")
            }
            Block::Heading { text, .. } | Block::Paragraph(text) => words(text),
            Block::Bullets(items) => {
                items.iter().map(|item| format!("- {}", words(item))).collect::<Vec<_>>().join("\n")
            }
            Block::Numbered(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| format!("{}. {}", at + 1, words(item)))
                .collect::<Vec<_>>()
                .join("\n"),
            Block::Checkbox { ticked, text } => format!("[{}] {}", if *ticked { 'x' } else { ' ' }, words(text)),
            Block::Table { head, rows } => std::iter::once(head)
                .chain(rows)
                .map(|row| row.iter().map(|cell| words(cell)).collect::<Vec<_>>().join(" | "))
                .collect::<Vec<_>>()
                .join("\n"),
            Block::Rule => "-".repeat(20),
        });
    }
    let mut out = parts.join("\n\n");
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Vec<Span> {
        vec![Span { text: text.to_owned(), bold: false, italic: false }]
    }

    #[test]
    fn every_kind_of_block_is_read() {
        let source = "# One *two*\n\nA **b** c\nd.\n\n- x\n- y\n  - z\n\n3. p\n4. q\n\n- [ ] open\n- [x] done\n\n---\n\n| a | b |\n|---|---|\n| 1 | **2** |\n";
        let got = blocks(source);
        assert_eq!(got.len(), 8, "{got:#?}");
        assert!(matches!(&got[0], Block::Heading { level: 1, text } if text.len() == 2 && text[1].italic));
        assert!(matches!(&got[1], Block::Paragraph(s) if s.len() == 3 && s[1].bold && s[2].text == " c d."));
        assert_eq!(got[2], Block::Bullets(vec![plain("x"), plain("y"), plain("z")]));
        assert_eq!(got[3], Block::Numbered(vec![plain("p"), plain("q")]));
        assert_eq!(got[4], Block::Checkbox { ticked: false, text: plain("open") });
        assert_eq!(got[5], Block::Checkbox { ticked: true, text: plain("done") });
        assert_eq!(got[6], Block::Rule);
        assert!(
            matches!(&got[7], Block::Table { head, rows } if head.len() == 2 && rows.len() == 1 && rows[0][1][0].bold)
        );
    }

    #[test]
    fn nothing_a_reader_should_see_is_hidden() {
        let text = plain_text(&blocks(
            "<b>bold</b> [here](https://a.example/b)\n\n<div>\nraw\n</div>\n\n> quoted\n\n    code\n\n<!-- note -->\n",
        ));
        for seen in ["<b>bold</b>", "here (https://a.example/b)", "raw", "quoted", "code"] {
            assert!(text.contains(seen), "{seen} is missing in {text}");
        }
        assert!(!text.contains("note"));
    }

    #[test]
    fn blocks_survive_json() {
        let before = blocks("# A\n\nb\n\n- c\n\n1. d\n\n- [ ] e\n\n---\n");
        let text = serde_json::to_string(&before).expect("blocks are JSON");
        assert_eq!(serde_json::from_str::<Vec<Block>>(&text).expect("and back"), before);
    }
}
