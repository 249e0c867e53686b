//! Composes the text of a document that has none of its own.

use super::{Block, BlockKind, Document, Format, Label, Numbering};

/// Puts blocks one after another, with an empty line between paragraphs.
#[derive(Debug)]
pub struct Composer {
    text: String,
    blocks: Vec<Block>,
    format: Format,
    numbering: Numbering,
}

impl Composer {
    /// An empty document.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self { text: String::new(), blocks: Vec::new(), format, numbering: Numbering::default() }
    }

    /// How many bytes of text there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// True where nothing has been added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The numbering so far.
    pub fn numbering(&mut self) -> &mut Numbering {
        &mut self.numbering
    }

    /// Adds a heading.
    pub fn heading(&mut self, level: u8, text: &str) {
        match Label::at_start(text.trim()) {
            // The number of a document's own title (`23. Agreement`) is none of its clauses'.
            Some((label, _)) if !self.blocks.is_empty() || label.is_first() || label.is_whole() => {
                self.numbering.next_heading(&label);
            }
            _ => self.numbering.restart(),
        }
        self.add(BlockKind::Heading { level }, "", text, "\n\n");
    }

    /// Adds running text; where it begins with a label, that is a clause.
    pub fn paragraph(&mut self, text: &str) {
        let text = text.trim();
        match Label::at_start(text) {
            Some((label, at)) if at < text.len() => {
                let (number, depth) = self.numbering.next(&label);
                self.add(BlockKind::Clause { number, depth }, &text[..at], &text[at..], "\n\n");
            }
            _ => self.add(BlockKind::Paragraph, "", text, "\n\n"),
        }
    }

    /// Adds an item of a list with bullets.
    pub fn item(&mut self, depth: u8, label: &str, text: &str) {
        let printed = format!("{}{label} ", "  ".repeat(usize::from(depth.min(8))));
        self.add(BlockKind::ListItem { depth, label: Some(label.to_owned()) }, &printed, text, "\n");
    }

    /// Adds a clause whose number is known, with its label as it is printed.
    pub fn clause(&mut self, number: String, depth: u8, printed: &str, text: &str) {
        self.add(BlockKind::Clause { number, depth }, &format!("{printed} "), text, "\n\n");
    }

    /// Adds a cell of a table; cells of a row stand on one line.
    pub fn cell(&mut self, row: u32, column: u32, text: &str) {
        let same_row = match self.blocks.last().map(|block| &block.kind) {
            Some(BlockKind::TableCell { row: last, column: before }) => *last == row && *before < column,
            _ => false,
        };
        let between = if same_row { " | " } else { "\n" };
        self.add(BlockKind::TableCell { row, column }, "", text, between);
    }

    /// The paragraphs that line breaks make of some words: a line goes on unless a sentence ended and a label or a
    /// capital follows.
    #[must_use]
    pub fn pieces(words: &str) -> Vec<String> {
        let mut pieces: Vec<String> = Vec::new();
        for line in words.lines() {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            match pieces.last_mut() {
                Some(last) if !line.is_empty() && !last.is_empty() => {
                    let ended = last.ends_with(['.', ';', ':', '!', '?']);
                    if ended && (Label::at_start(&line).is_some() || line.starts_with(|c: char| c.is_uppercase())) {
                        pieces.push(line);
                    } else {
                        last.push(' ');
                        last.push_str(&line);
                    }
                }
                _ => pieces.push(line),
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }

    /// The document.
    #[must_use]
    pub fn finish(mut self) -> Document {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        Document { text: self.text, blocks: self.blocks, format: self.format }
    }

    fn add(&mut self, kind: BlockKind, before: &str, text: &str, between: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(last) = self.blocks.last() {
            let alike = std::mem::discriminant(&last.kind) == std::mem::discriminant(&kind);
            self.text.push_str(if alike || between == " | " { between } else { "\n\n" });
        }
        self.text.push_str(before);
        let start = self.text.len();
        self.text.push_str(text);
        self.blocks.push(Block { kind, start, end: self.text.len() });
    }
}
