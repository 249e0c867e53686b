//! Markdown, in place: the parser says what stands where, and the text stays as it came.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::lines::Lines;
use super::numbering::Lists;
use super::{BlockKind, Document, Format, Label};

/// Reads Markdown.
pub(super) fn read(text: &str) -> Document {
    let mut lines = Lines::new(text);
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut lists = Lists::default();
    // The number of the next item of each list that is open; none for bullets.
    let mut next: Vec<Option<u64>> = Vec::new();
    // What the next words are, and where those seen so far stand.
    let mut kind = BlockKind::Paragraph;
    let mut words: Option<Range<usize>> = None;
    let (mut row, mut column) = (0, 0);
    let mut metadata = false;
    let mut inline = 0_usize;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(tag) => match tag {
                Tag::Emphasis
                | Tag::Strong
                | Tag::Strikethrough
                | Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Superscript
                | Tag::Subscript => {
                    inline += 1;
                    widen(&mut words, range);
                }
                Tag::MetadataBlock(_) => metadata = true,
                Tag::List(first) => {
                    flush(&mut lines, &mut kind, &mut words);
                    lists.open(&lines.numbering);
                    next.push(first);
                }
                Tag::Item => {
                    flush(&mut lines, &mut kind, &mut words);
                    kind = item(&mut lines, &mut lists, &mut next);
                }
                Tag::Heading { level, .. } => {
                    flush(&mut lines, &mut kind, &mut words);
                    kind = BlockKind::Heading { level: depth_of(level) };
                }
                Tag::Table(_) => {
                    flush(&mut lines, &mut kind, &mut words);
                    row = 0;
                }
                Tag::TableHead | Tag::TableRow => column = 0,
                Tag::TableCell => kind = BlockKind::TableCell { row, column },
                _ => {
                    if words.is_some() {
                        flush(&mut lines, &mut kind, &mut words);
                    }
                }
            },
            Event::End(tag) => match tag {
                TagEnd::Emphasis
                | TagEnd::Strong
                | TagEnd::Strikethrough
                | TagEnd::Link
                | TagEnd::Image
                | TagEnd::Superscript
                | TagEnd::Subscript => inline = inline.saturating_sub(1),
                TagEnd::MetadataBlock(_) => metadata = false,
                TagEnd::List(_) => {
                    flush(&mut lines, &mut kind, &mut words);
                    lists.close();
                    next.pop();
                }
                TagEnd::TableCell => {
                    flush(&mut lines, &mut kind, &mut words);
                    column += 1;
                }
                TagEnd::TableHead | TagEnd::TableRow => row += 1,
                _ => flush(&mut lines, &mut kind, &mut words),
            },
            Event::Rule => flush(&mut lines, &mut kind, &mut words),
            _ if metadata => {}
            Event::Html(html) if html.trim_start().starts_with("<!--") => {}
            _ if inline > 0 => {}
            _ => widen(&mut words, range),
        }
    }
    flush(&mut lines, &mut kind, &mut words);
    lines.finish(Format::Markdown)
}

fn widen(words: &mut Option<Range<usize>>, range: Range<usize>) {
    *words = Some(words.take().map_or(range.clone(), |seen| seen.start.min(range.start)..seen.end.max(range.end)));
}

/// Adds the words seen so far.
fn flush(lines: &mut Lines<'_>, kind: &mut BlockKind, words: &mut Option<Range<usize>>) {
    let Some(range) = words.take() else { return };
    match std::mem::replace(kind, BlockKind::Paragraph) {
        BlockKind::Heading { level } => lines.heading(level, range),
        kind @ BlockKind::TableCell { .. } => lines.add(kind, range),
        kind => lines.paragraph(kind, range),
    }
}

/// What an item is: a clause where its list is numbered.
fn item(lines: &mut Lines<'_>, lists: &mut Lists, next: &mut [Option<u64>]) -> BlockKind {
    let depth = u8::try_from(lists.depth().saturating_sub(1)).unwrap_or(u8::MAX);
    let Some(Some(number)) = next.last_mut() else { return BlockKind::ListItem { depth, label: None } };
    let printed = format!("{number}.");
    *number += 1;
    let Some(label) = Label::counted(&printed) else { return BlockKind::Paragraph };
    let (number, depth) = lists.item(&mut lines.numbering, &label);
    BlockKind::Clause { number, depth }
}

fn depth_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let document = Document::from_markdown(text);
        assert_eq!(document.text, text, "kept to the byte");
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
    fn nested_lists_make_clauses() {
        assert_eq!(
            shown(
                "# BAA\n\n1. Terms. Holds where:\n   1. One\n   2. Two **bold**\n2. More.\n   * Bullet\n   * Other\n     * Inner\n3. Effect\n    1. Return.\n        a. Upon the end.\n        b. Or before.\n    2. Last\n"
            ),
            [
                "h1 BAA",
                "1^0 Terms. Holds where:",
                "1.1^1 One",
                "1.2^1 Two **bold**",
                "2^0 More.",
                "*1 Bullet",
                "*1 Other",
                "*2 Inner",
                "3^0 Effect",
                "3.1^1 Return.",
                "3.1.a^2 Upon the end.",
                "3.1.b^2 Or before.",
                "3.2^1 Last",
            ]
        );
    }

    #[test]
    fn clauses_that_markdown_does_not_know_are_found() {
        assert_eq!(
            shown(
                "**1.\tDefinitions.**\n1.1.\t“**Breach**” is so.\n1.2.\t“**Form**” is this.\n\n**2.\tRole.** The vendor\nserves.\n\n(a)\tFirst [link](https://x.y).\n\n(i) inner\n\n(b)\tSecond\n\n**Signatures**\n\n## 3. Term\n\n1. Counted\n"
            ),
            [
                "1^0 Definitions.**",
                "1.1^1 “**Breach**” is so.",
                "1.2^1 “**Form**” is this.",
                "2^0 Role.** The vendor/serves.",
                "2(a)^1 First [link](https://x.y).",
                "2(a)(i)^2 inner",
                "2(b)^1 Second",
                "h3 **Signatures**",
                "h2 3. Term",
                "3.1^1 Counted",
            ]
        );
    }

    #[test]
    fn tables_and_front_matter() {
        assert_eq!(
            shown(
                "---\ntitle: x\n---\n\n| Vendor | Place |\n|---|---|\n| A **b** | US |\n\n<!-- note -->\n\nText `code` end.\n\n    indented text\n"
            ),
            ["[0,0] Vendor", "[0,1] Place", "[1,0] A **b**", "[1,1] US", "p Text `code` end.", "p indented text"]
        );
    }
}
