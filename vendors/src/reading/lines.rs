//! Text read line by line: labels, bullets, headings, and lines that somebody broke by hand.

use std::ops::Range;

use super::{Block, BlockKind, Document, Format, Label, Numbering};

/// Reads plain text.
pub(super) fn read(text: &str, format: Format) -> Document {
    let mut lines = Lines::new(text);
    let width = broken_at(text);
    let mut at = 0;
    let mut run: Option<Range<usize>> = None;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        if line.trim().is_empty() {
            if let Some(run) = run.take() {
                lines.run(run, width);
            }
        } else {
            let start = run.map_or(range.start, |run| run.start);
            run = Some(start..range.end);
        }
    }
    if let Some(run) = run {
        lines.run(run, width);
    }
    lines.finish(format)
}

/// The width at which the lines of a text are broken by hand; `None` where a line is a paragraph.
fn broken_at(text: &str) -> Option<usize> {
    let (mut all, mut long, mut longest) = (0_usize, 0_usize, 0_usize);
    for line in text.lines() {
        let length = line.trim_end().chars().count();
        if length > 0 {
            all += 1;
        }
        if length > 120 {
            long += 1;
        } else {
            longest = longest.max(length);
        }
    }
    (long * 30 <= all).then_some(longest.max(40))
}

/// Reads runs of lines into blocks.
pub(super) struct Lines<'a> {
    text: &'a str,
    blocks: Vec<Block>,
    /// Where the clauses' numbers stand.
    pub(super) numbering: Numbering,
    /// A label that stood on a line of its own.
    pending: Option<BlockKind>,
    /// How far the bullets of the lists that are open are indented.
    bullets: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, blocks: Vec::new(), numbering: Numbering::default(), pending: None, bullets: Vec::new() }
    }

    pub(super) fn finish(self, format: Format) -> Document {
        Document { text: self.text.to_owned(), blocks: self.blocks, format }
    }

    /// Adds a block, without the white space around it.
    pub(super) fn add(&mut self, kind: BlockKind, range: Range<usize>) {
        let source = &self.text[range.clone()];
        let start = range.start + (source.len() - source.trim_start().len());
        let end = range.start + source.trim_end().len();
        if start < end {
            self.blocks.push(Block { kind, start, end });
        }
    }

    /// Adds a heading; a number in it opens a level.
    pub(super) fn heading(&mut self, level: u8, range: Range<usize>) {
        self.pending = None;
        self.bullets.clear();
        match Label::at_start(self.text[range.clone()].trim()) {
            // The number of a document's own title (`23. Agreement`) is none of its clauses'.
            Some((label, _)) if !self.blocks.is_empty() || label.is_first() || label.is_whole() => {
                self.numbering.next_heading(&label);
            }
            _ => self.numbering.restart(),
        }
        self.add(BlockKind::Heading { level }, range);
    }

    /// Reads lines that no empty line parts. `width` is where lines are broken; `None`: a line is a paragraph.
    fn run(&mut self, run: Range<usize>, width: Option<usize>) {
        let alone = self.text[run.clone()].lines().count() == 1;
        let mut open: Option<(BlockKind, Range<usize>)> = None;
        let mut at = run.start;
        let (mut before, mut indented) = ("", 0);
        for line in self.text[run].split_inclusive('\n') {
            let range = at..at + line.len();
            at = range.end;
            let shown = line.trim();
            if is_rule(shown) {
                // A line drawn under a heading, or between parts.
                match open.take() {
                    Some((BlockKind::Paragraph, range)) if is_heading(self.text[range.clone()].trim()) => {
                        self.heading(2, range);
                    }
                    Some((kind, range)) => self.add(kind, range),
                    None => {}
                }
                before = "";
                continue;
            }
            let first = open.is_none();
            let indent = line.len() - line.trim_start().len();
            let may_be_label = first || width.is_none() || ends_sentence(before) || {
                let begins = Label::at_start(shown).is_some_and(|(label, _)| label.is_first());
                begins && indent > indented
            };
            if let Some((kind, start)) = self.begin(range.clone(), may_be_label) {
                if let Some((kind, range)) = open.take() {
                    self.close(kind, range, alone);
                }
                open = Some((kind, start..range.end));
            } else if self.text[range.clone()].len() > shown.len() && shown.is_empty() {
                continue;
            } else {
                let parted = match width {
                    None => true,
                    // A heading, or the last line of a paragraph, is short.
                    Some(width) => {
                        let short = before.chars().count() * 5 < width * 3;
                        let outdented = matches!(open, Some((BlockKind::ListItem { .. }, _)))
                            && self.bullets.last().is_some_and(|bullet| indent < *bullet);
                        short && (ends_sentence(before) || is_heading(before))
                            || is_capitals(before) != is_capitals(shown)
                            || outdented
                    }
                };
                match &mut open {
                    Some((_, extent)) if !parted => extent.end = range.end,
                    _ => {
                        if let Some((kind, range)) = open.take() {
                            self.close(kind, range, width.is_some() && is_heading(before));
                        }
                        let kind = self.pending.take().unwrap_or(BlockKind::Paragraph);
                        open = Some((kind, range.clone()));
                    }
                }
            }
            before = shown;
            indented = indent;
        }
        if let Some((kind, range)) = open {
            self.close(kind, range, alone);
        }
    }

    /// Adds a block that is complete; a paragraph that stands alone may be a heading.
    fn close(&mut self, kind: BlockKind, range: Range<usize>, alone: bool) {
        let shown = self.text[range.clone()].trim();
        if kind == BlockKind::Paragraph && (alone && is_heading(shown) || is_capitals(shown) && shown.len() < 120) {
            let level = if is_capitals(shown) { 1 } else { 2 };
            self.heading(level, range);
        } else {
            if !matches!(kind, BlockKind::ListItem { .. }) {
                self.bullets.clear();
            }
            self.add(kind, range);
        }
    }

    /// The block that a line begins by a label or a bullet, and where its text begins.
    fn begin(&mut self, range: Range<usize>, may_be_label: bool) -> Option<(BlockKind, usize)> {
        let line = self.text[range.clone()].trim_end();
        let indent = line.len() - line.trim_start().len();
        let shown = &line[indent..];
        if let Some(sign) = shown.chars().next().filter(|sign| "-*+•‣▪●○◦·–".contains(*sign) || *sign == '\u{f0b7}')
        {
            let after = &shown[sign.len_utf8()..];
            let text = after.trim_start();
            if text.len() < after.len() && !text.is_empty() {
                self.pending = None;
                self.bullets.retain(|open| *open < indent);
                let depth = u8::try_from(self.bullets.len()).unwrap_or(u8::MAX);
                self.bullets.push(indent);
                let kind = BlockKind::ListItem { depth, label: Some(sign.to_string()) };
                return Some((kind, range.start + line.len() - text.len()));
            }
        }
        if !may_be_label {
            return None;
        }
        let (label, at) = Label::at_start(shown)?;
        if at == shown.len() {
            // The words come on the next line; a lone letter or number may also be a page's.
            if label.printed_trimmed().len() == shown.len() && !shown.starts_with('(') {
                return None;
            }
            let (number, depth) = self.numbering.next(&label);
            self.pending = Some(BlockKind::Clause { number, depth });
            return Some((BlockKind::Paragraph, range.end));
        }
        self.pending = None;
        let (number, depth) = self.numbering.next(&label);
        Some((BlockKind::Clause { number, depth }, range.start + indent + at))
    }

    /// Reads a run of lines that is one paragraph, but for the labels in it: Markdown's.
    pub(super) fn paragraph(&mut self, kind: BlockKind, run: Range<usize>) {
        let mut open: Option<(BlockKind, Range<usize>)> = None;
        let mut at = run.start;
        let mut before = "";
        for line in self.text[run].split_inclusive('\n') {
            let range = at..at + line.len();
            at = range.end;
            let shown = line.trim();
            if shown.is_empty() {
                continue;
            }
            let labelled = (open.is_some() || kind == BlockKind::Paragraph)
                && (open.is_none()
                    || ends_sentence(before)
                    || Label::at_start(shown).is_some_and(|(label, _)| label.is_whole()));
            let begun = Label::at_start(shown).filter(|(_, at)| labelled && *at < shown.len());
            if let Some((label, at)) = begun {
                if let Some((kind, range)) = open.take() {
                    self.add(kind, range);
                }
                let (number, depth) = self.numbering.next(&label);
                let start = range.start + (line.len() - line.trim_start().len()) + at;
                open = Some((BlockKind::Clause { number, depth }, start..range.end));
            } else {
                match &mut open {
                    Some((_, extent)) => extent.end = range.end,
                    None => open = Some((kind.clone(), range)),
                }
            }
            before = shown;
        }
        let Some((kind, range)) = open else { return };
        let shown = self.text[range.clone()].trim();
        let bare = shown.trim_matches(['*', '_']);
        let bold = shown.starts_with("**") && shown.ends_with("**") && !bare.contains("**");
        if kind == BlockKind::Paragraph && bare.len() < 150 && (bold && !bare.contains('\n') || is_heading(bare)) {
            self.heading(if is_capitals(bare) { 1 } else { 3 }, range);
        } else {
            self.add(kind, range);
        }
    }
}

/// True where a label may follow: a sentence or an item has ended.
fn ends_sentence(line: &str) -> bool {
    let line = line.trim_end_matches(['*', '_', '"', '”', '’', ')', ']', ' ']);
    line.is_empty()
        || line.ends_with(['.', ';', ':', '!', '?', ',', '—', '–'])
        || line.ends_with(" and")
        || line.ends_with(" or")
        || is_capitals(line)
        || is_heading(line)
}

/// True for a line that is drawn, not written.
fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|sign| "-=_*~─━═ ".contains(sign))
}

/// True where all letters are capitals, and there is a word of them.
fn is_capitals(line: &str) -> bool {
    let capitals = line.chars().all(|sign| !sign.is_lowercase());
    // A date or a single abbreviation is no heading.
    capitals && line.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 3)
}

/// True for a line that reads as a heading: short, no sentence, and its longer words have capitals.
pub(super) fn is_heading(line: &str) -> bool {
    let line = line.trim();
    if line.len() > 100 || line.len() < 3 || line.contains("__") || line.contains('\n') {
        return false;
    }
    if line.ends_with(['.', ';', ',', '!', '?'])
        || line.starts_with(['[', '(', '"', '“', '<', '|'])
        || line.contains('@')
    {
        return false;
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    if words.len() > 14 || line.ends_with(':') && words.len() < 2 {
        return false;
    }
    if is_capitals(line) {
        return true;
    }
    let (mut capital, mut long) = (0, 0);
    for word in &words {
        let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
        if word.chars().count() >= 4 {
            long += 1;
            capital += usize::from(word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()));
        }
    }
    line.starts_with(|c: char| c.is_uppercase()) && long > 0 && capital * 10 >= long * 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &Document) -> Vec<String> {
        document
            .blocks
            .iter()
            .map(|block| {
                let text = document.text_of(block).replace('\n', "/");
                match &block.kind {
                    BlockKind::Heading { level } => format!("h{level} {text}"),
                    BlockKind::Paragraph => format!("p {text}"),
                    BlockKind::ListItem { depth, .. } => format!("*{depth} {text}"),
                    BlockKind::Clause { number, depth } => format!("{number}^{depth} {text}"),
                    BlockKind::TableCell { row, column } => format!("[{row},{column}] {text}"),
                }
            })
            .collect()
    }

    #[test]
    fn lines_broken_by_hand_are_joined() {
        let text = "\
BUSINESS ASSOCIATE AGREEMENT

This Agreement is made between the practice named below and the vendor
named below, and holds from the day on which both have signed.

1. Obligations. The vendor shall
   (a) use the information only as this Agreement allows, or as section
       (b) of another paper says; and
   (b) tell the practice of every breach within ten
       10) days.

2. TERM
The Agreement runs until it is ended. It is ended by a letter that gives
thirty days.

   - one thing
     that goes on
   - another
       * inner
Signature
---------
By: ________
";
        assert_eq!(
            shown(&Document::from_text(text)),
            [
                "h1 BUSINESS ASSOCIATE AGREEMENT",
                "p This Agreement is made between the practice named below and the vendor/named below, and holds from the day on which both have signed.",
                "1^0 Obligations. The vendor shall",
                "1(a)^1 use the information only as this Agreement allows, or as section/       (b) of another paper says; and",
                "1(b)^1 tell the practice of every breach within ten/       10) days.",
                "2^0 TERM",
                "p The Agreement runs until it is ended. It is ended by a letter that gives/thirty days.",
                "*0 one thing/     that goes on",
                "*0 another",
                "*1 inner",
                "h2 Signature",
                "p By: ________",
            ]
        );
    }

    #[test]
    fn a_long_line_is_a_paragraph() {
        let long = "The vendor shall do what is written here, and nothing else, and shall tell the practice when it cannot do what is written here at once.";
        let text =
            format!("Permitted Uses\n{long}\n(a) {long}\n(b) {long}\n{long}\r\nARTICLE II\n\nTerm of the Agreement\n");
        assert_eq!(
            shown(&Document::from_text(&text)),
            [
                "p Permitted Uses".to_owned(),
                format!("p {long}"),
                format!("(a)^0 {long}"),
                format!("(b)^0 {long}"),
                format!("p {long}"),
                "II^0 Term of the Agreement".to_owned(),
            ]
        );
    }
}
