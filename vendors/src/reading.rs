//! Extracted text: what a document says, and what stands where in it.
//!
//! Text and Markdown are kept as they came, to the byte, so that a position in the extracted text is a position in the
//! file. HTML, DOCX and PDF have no such text; for them one is composed, and positions count in it. Labels of clauses
//! and list items ("3.2", "(a)") stand in the text before their block, and in the block's kind.
//!
//! Files are opened, PDF and DOCX are parsed, and languages are told apart by the crate `provenote-reader`.

mod composing;
mod html;
mod lines;
mod markdown;
mod numbering;
mod plain;
mod selection;

use serde::{Deserialize, Serialize};

pub use composing::Composer;
pub use html::looks_like_html;
pub use numbering::{Label, Lists, Numbering, in_roman};
pub use plain::Plain;
pub use selection::{Selection, SelectorError};

/// The extracted text of a document, and what stands where in it. Offsets are byte offsets into `text`, on boundaries
/// of characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Document {
    /// All of the text.
    pub text: String,
    /// Its parts, in order, not overlapping. What stands between two blocks is white space, labels and marks.
    pub blocks: Vec<Block>,
    /// What the text was extracted from.
    pub format: Format,
}

/// A part of a document: `text[start..end]` is its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where it begins, in bytes.
    pub start: usize,
    /// Where it ends, in bytes.
    pub end: usize,
}

/// What a block is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading; a printed number is part of its text.
    Heading {
        /// 1 is the highest.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// An item of a list with bullets.
    ListItem {
        /// 0 for a list that stands in no other.
        depth: u8,
        /// What stands before the item, where the document says.
        label: Option<String>,
    },
    /// A numbered part.
    Clause {
        /// The whole number, from the outermost level: `2.3(a)(iv)`.
        number: String,
        /// 0 for the outermost level.
        depth: u8,
    },
    /// A cell of a table.
    TableCell {
        /// From 0.
        row: u32,
        /// From 0.
        column: u32,
    },
}

/// What a text was extracted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text.
    Text,
    /// Markdown.
    Markdown,
    /// A web page.
    Html,
    /// Word's format, Office Open XML.
    Docx,
    /// PDF.
    Pdf,
}

impl Document {
    /// Reads plain text: headings, numbered clauses, lists and paragraphs, also where lines are broken by hand.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        lines::read(text, Format::Text)
    }

    /// Reads Markdown: CommonMark with tables, and the clauses that agreements number in ways that Markdown does not
    /// know (`1.1.`, `(a)`).
    #[must_use]
    pub fn from_markdown(text: &str) -> Self {
        markdown::read(text)
    }

    /// Reads a whole web page: its main content, without navigation, scripts and cookie banners.
    #[must_use]
    pub fn from_html(page: &str) -> Self {
        html::read(page, None)
    }

    /// Reads the parts of a web page that a declaration selects.
    #[must_use]
    pub fn from_html_selected(page: &str, selection: &Selection) -> Self {
        html::read(page, Some(selection))
    }

    /// The text of a block; empty for a block of another document.
    #[must_use]
    pub fn text_of(&self, block: &Block) -> &str {
        self.text.get(block.start..block.end).unwrap_or_default()
    }

    /// The text of a block without Markdown's marks and with its white space made single spaces; every position in it
    /// leads back to the document.
    #[must_use]
    pub fn plain(&self, block: &Block) -> Plain {
        Plain::of(&self.text, block.start..block.end, self.format == Format::Markdown)
    }

    /// The position in characters (Unicode scalar values) of a position in bytes.
    #[must_use]
    pub fn char_offset(&self, byte: usize) -> usize {
        let end = (0..=byte.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        self.text[..end].chars().count()
    }

    /// The printed number of a clause, or of a heading that begins with one.
    #[must_use]
    pub fn number_of<'a>(&'a self, block: &'a Block) -> Option<&'a str> {
        match &block.kind {
            BlockKind::Clause { number, .. } => Some(number),
            BlockKind::Heading { .. } => {
                let (label, _) = Label::at_start(self.text_of(block))?;
                Some(label.printed_trimmed())
            }
            _ => None,
        }
    }
}

/// A document as it comes over a pipe, from a process that is not trusted.
#[derive(Deserialize)]
struct Unchecked {
    text: String,
    blocks: Vec<Block>,
    format: Format,
}

/// Blocks that do not fit their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("block {0} does not lie within the text, in order and on characters")]
pub struct MisplacedBlock(
    /// Which, from 0.
    pub usize,
);

impl TryFrom<Unchecked> for Document {
    type Error = MisplacedBlock;

    fn try_from(from: Unchecked) -> Result<Self, MisplacedBlock> {
        let Unchecked { text, blocks, format } = from;
        let mut reached = 0;
        for (index, block) in blocks.iter().enumerate() {
            let fits = reached <= block.start && text.get(block.start..block.end).is_some();
            if !fits {
                return Err(MisplacedBlock(index));
            }
            reached = block.end;
        }
        Ok(Self { text, blocks, format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_over_a_pipe_is_checked() {
        let good = Document::from_text("1. One.\n\nTwo é three.\n");
        let json = serde_json::to_string(&good).expect("JSON");
        assert_eq!(serde_json::from_str::<Document>(&json).expect("the same"), good);
        for (start, end) in [(0, 99), (3, 2), (14, 15)] {
            let mut bad = good.clone();
            bad.blocks = vec![Block { kind: BlockKind::Paragraph, start, end }];
            let json = serde_json::to_string(&bad).expect("JSON");
            assert!(serde_json::from_str::<Document>(&json).is_err(), "{start}..{end}");
        }
    }

    #[test]
    fn characters_are_counted_up_to_a_byte() {
        let document = Document::from_text("§ é x");
        assert_eq!(document.char_offset(document.text.find('x').expect("x")), 4);
        assert_eq!(document.char_offset(1), 0, "within a character: its beginning");
        assert_eq!(document.char_offset(usize::MAX - 1), 5);
    }
}
