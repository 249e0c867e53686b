//! DOCX: a ZIP of XML parts (ECMA-376, Office Open XML, part 1).
//!
//! Tracked changes are read as if all were accepted: what is inserted stands, what is deleted does not. Numbers that
//! Word only computes are computed. Headers, footers, comments and tables of contents are left out.

mod numbering;
mod styles;

use std::io::{Cursor, Read as _};

use provenote_vendors::reading::{Composer, Document, Format, Label};
use roxmltree::{Node, ParsingOptions};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::{ReadError, encoding};
use numbering::{Counters, Numbers};
use styles::Styles;

/// The most bytes of one part, unpacked: the words of two thousand pages with their markup.
const LARGEST_PART: u64 = 32 << 20;

/// The most parts.
const MOST_PARTS: usize = 4000;

/// The most nodes of a part's tree.
const MOST_NODES: u32 = 2_000_000;

/// How deep blocks may stand in each other.
const DEEPEST: usize = 40;

/// WordprocessingML's namespaces, the transitional and the strict one.
const WORD: [&str; 2] = [
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
];

/// Reads a DOCX.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    let mut package = Package::open(bytes)?;
    let document = package.part("word/document.xml")?.ok_or_else(|| broken("its main part is missing"))?;
    let styles = package.part("word/styles.xml")?;
    let numbering = package.part("word/numbering.xml")?;
    let footnotes = package.part("word/footnotes.xml")?;
    let endnotes = package.part("word/endnotes.xml")?;
    let trees = [&styles, &numbering, &footnotes, &endnotes]
        .into_iter()
        .map(|part| part.as_deref().map(parse).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let tree = parse(&document)?;
    let [styles, numbers, footnotes, endnotes] = trees.as_slice() else { return Err(broken("it has no parts")) };
    let styles = styles.as_ref().map(|tree| Styles::read(tree.root_element())).unwrap_or_default();
    let numbers = numbers.as_ref().map(|tree| Numbers::read(tree.root_element(), &styles)).unwrap_or_default();
    let mut reader = Reader {
        composer: Composer::new(Format::Docx),
        styles: &styles,
        numbers: &numbers,
        counters: Counters::of(&numbers),
        footnotes: footnotes.as_ref().map(roxmltree::Document::root_element),
        endnotes: endnotes.as_ref().map(roxmltree::Document::root_element),
        carried: String::new(),
    };
    let body = children(tree.root_element(), "body").next().ok_or_else(|| broken("its main part has no body"))?;
    reader.blocks(body, 0);
    Ok(reader.composer.finish())
}

fn broken(why: &str) -> ReadError {
    ReadError::Broken { format: "DOCX".to_owned(), why: why.to_owned() }
}

/// The ZIP file.
struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken("its ZIP directory cannot be followed"))?;
        if zip.len() > MOST_PARTS {
            return Err(ReadError::Bomb);
        }
        let mut package = Self { zip };
        let names: Vec<String> = package.zip.file_names().flatten().map(|name| name.to_lowercase()).collect();
        if names.iter().any(|name| name.ends_with("vbaproject.bin") || name.ends_with("vbadata.xml")) {
            return Err(ReadError::Macros);
        }
        let types = package.part("[Content_Types].xml")?;
        // A document with macros says so even where the macros have another name.
        if types.as_deref().is_some_and(|types| types.contains("macroEnabled") || types.contains("vbaProject")) {
            return Err(ReadError::Macros);
        }
        if !names.iter().any(|name| name == "word/document.xml") {
            let holds = |start: &str| names.iter().any(|name| name.starts_with(start));
            let what = match () {
                () if holds("xl/") => "a spreadsheet (XLSX)",
                () if holds("ppt/") => "a presentation (PPTX)",
                () if holds("mimetype") => "an OpenDocument file or an e-book",
                () if types.is_some() => return Err(broken("its main part is missing")),
                () => "a ZIP archive",
            };
            return Err(ReadError::Unreadable { what: what.to_owned() });
        }
        Ok(package)
    }

    /// The text of a part; `None` where the package has none of that name.
    fn part(&mut self, name: &str) -> Result<Option<String>, ReadError> {
        let part = match self.zip.by_name(name) {
            Ok(part) => part,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(why)) if why == ZipError::PASSWORD_REQUIRED => {
                return Err(ReadError::EncryptedOffice);
            }
            Err(_) => return Err(broken("one of its parts cannot be unpacked")),
        };
        if part.size() > LARGEST_PART {
            return Err(ReadError::Bomb);
        }
        let mut bytes = Vec::new();
        let read = part.take(LARGEST_PART + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > LARGEST_PART {
            return Err(ReadError::Bomb);
        }
        read.map_err(|_| broken("one of its parts cannot be unpacked"))?;
        encoding::decode(&bytes).map(Some).map_err(|_| broken("one of its parts is no text"))
    }
}

fn parse(xml: &str) -> Result<roxmltree::Document<'_>, ReadError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    roxmltree::Document::parse_with_options(xml, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => ReadError::Bomb,
        _ => broken("one of its parts is no XML"),
    })
}

/// True for an element of WordprocessingML with this name.
fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element()
        && node.tag_name().name() == name
        && node.tag_name().namespace().is_none_or(|space| WORD.contains(&space))
}

fn children<'a, 'i: 'a>(node: Node<'a, 'i>, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, name))
}

fn child<'a, 'i: 'a>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| is(*child, name))
}

/// An attribute of WordprocessingML, with or without its namespace.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|attribute| attribute.name() == name && attribute.namespace().is_none_or(|space| WORD.contains(&space)))
        .map(|attribute| attribute.value())
}

/// The `val` of a child element.
fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name).and_then(|child| attribute(child, "val"))
}

/// True where a property is there and not switched off.
fn is_on(node: Node<'_, '_>, name: &str) -> bool {
    child(node, name).is_some_and(|child| !matches!(attribute(child, "val"), Some("0" | "false" | "off" | "none")))
}

/// What stands in a paragraph.
#[derive(Default)]
struct Words {
    text: String,
    letters: usize,
    bold: usize,
    /// Footnotes and endnotes, in order: which part, and the note's id.
    notes: Vec<(bool, String)>,
}

struct Reader<'a, 'i> {
    composer: Composer,
    styles: &'a Styles,
    numbers: &'a Numbers,
    counters: Counters<'a>,
    footnotes: Option<Node<'a, 'i>>,
    endnotes: Option<Node<'a, 'i>>,
    /// The words of a paragraph whose end was deleted: they belong to the next one.
    carried: String,
}

impl<'a, 'i> Reader<'a, 'i> {
    fn blocks(&mut self, parent: Node<'_, '_>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for node in parent.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" => self.paragraph(node, depth),
                "tbl" => self.table(node, depth),
                "sdt" => {
                    if let Some(content) = child(node, "sdtContent") {
                        // A table of contents is no text of the agreement.
                        let gallery = node.descendants().take(40).find(|inner| is(*inner, "docPartGallery"));
                        if gallery.and_then(|gallery| attribute(gallery, "val")) != Some("Table of Contents") {
                            self.blocks(content, depth + 1);
                        }
                    }
                }
                "del" | "moveFrom" | "sectPr" | "Fallback" => {}
                // `ins`, `moveTo`, `customXml`, `smartTag`, `AlternateContent` and what later versions may wrap.
                _ => self.blocks(node, depth + 1),
            }
        }
    }

    fn paragraph(&mut self, node: Node<'_, '_>, depth: usize) {
        let properties = child(node, "pPr");
        let mut words = Words::default();
        let mut boxes = Vec::new();
        words_of(node, &mut words, &mut boxes);
        let style_id = properties.and_then(|properties| value(properties, "pStyle"));
        let style = self.styles.resolve(style_id);
        let mark_deleted = properties
            .and_then(|properties| child(properties, "rPr"))
            .is_some_and(|mark| child(mark, "del").is_some() || child(mark, "moveFrom").is_some());
        let text = std::mem::take(&mut self.carried) + &words.text;
        if mark_deleted {
            self.carried = text;
            return;
        }
        if style.contents {
            return;
        }
        let own = properties.and_then(|properties| child(properties, "numPr"));
        // The level stands in the paragraph, or the list says at which level it numbers the paragraph's style.
        let list = own.map_or(style.number.as_deref(), |own| value(own, "numId").or(style.number.as_deref()));
        let level_in = |list: &str| {
            let own = own.and_then(|own| value(own, "ilvl")).and_then(|level| level.parse().ok());
            own.or(style.level).or_else(|| self.numbers.level_of_style(list, style_id?)).unwrap_or(0)
        };
        let number = list.map(|list| (list, level_in(list)));
        // Word numbers empty paragraphs too, but not the mark of a table's or a section's end.
        let label = number
            .filter(|_| !text.trim().is_empty())
            .and_then(|(id, level)| self.counters.next(id, level).map(|label| (label, level)));
        let outline = properties
            .and_then(|properties| value(properties, "outlineLvl"))
            .and_then(|level| level.parse::<u8>().ok());
        let heading = outline.filter(|level| *level < 9).map(|level| level + 1).or(style.heading);
        self.add(&text, heading, label, words.bold * 10 > words.letters * 9);
        for (end, id) in words.notes {
            self.note(end, &id);
        }
        for text_box in boxes {
            self.blocks(text_box, depth + 1);
        }
    }

    /// Adds a paragraph's words.
    fn add(&mut self, text: &str, heading: Option<u8>, label: Option<(numbering::Counted, usize)>, bold: bool) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        // Some put whole clauses in the style of a heading, for its numbers.
        let is_sentence = text.len() > 160 || text.ends_with(['.', ';']) && text.split_whitespace().count() > 12;
        let heading = heading.filter(|_| !is_sentence);
        let joined = || text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (printed, bullet, level) = match label {
            Some((numbering::Counted::Bullet(sign), level)) => (sign, true, level),
            Some((numbering::Counted::Number(printed), level)) => (printed, false, level),
            None => (String::new(), false, 0),
        };
        if let Some(heading) = heading {
            let shown = if printed.is_empty() || bullet { joined() } else { format!("{printed} {}", joined()) };
            self.composer.heading(heading, &shown);
            return;
        }
        for (index, piece) in Composer::pieces(text).into_iter().enumerate() {
            let known = format!("{printed} x");
            let parsed = Label::at_start(&known).filter(|(_, at)| *at + 1 == known.len());
            match (index, parsed) {
                (0, _) if bullet => {
                    self.composer.item(u8::try_from(level).unwrap_or(u8::MAX), &printed, &piece);
                }
                (0, Some((label, _))) => {
                    let (number, depth) = self.composer.numbering().next(&label);
                    self.composer.clause(number, depth, &printed, &piece);
                }
                (0, None) if !printed.is_empty() => self.composer.paragraph(&format!("{printed} {piece}")),
                _ => {
                    let labelled = Label::at_start(&piece).is_some();
                    let sentence =
                        piece.trim_end_matches('.').contains(". ") || piece.len() > 100 || piece.contains("__");
                    let capitals = !piece.chars().any(char::is_lowercase)
                        && piece.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 3);
                    if (bold || capitals) && !labelled && !sentence && !piece.ends_with([':', ';', ',']) {
                        self.composer.heading(3, &piece);
                    } else {
                        self.composer.paragraph(&piece);
                    }
                }
            }
        }
    }

    /// Adds a footnote or an endnote after the paragraph that refers to it.
    fn note(&mut self, end: bool, id: &str) {
        let Some(part) = (if end { self.endnotes } else { self.footnotes }) else { return };
        let Some(note) = part.children().find(|note| note.is_element() && attribute(*note, "id") == Some(id)) else {
            return;
        };
        let mut words = Words::default();
        for paragraph in note.descendants().filter(|inner| is(*inner, "p")) {
            if !words.text.is_empty() {
                words.text.push(' ');
            }
            words_of(paragraph, &mut words, &mut Vec::new());
        }
        let text = words.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            self.composer.paragraph(&format!("Note {id}: {text}"));
        }
    }

    fn table(&mut self, table: Node<'_, '_>, depth: usize) {
        let mut rows: Vec<Vec<(u32, String)>> = Vec::new();
        let mut is_data = table.descendants().filter(|node| is(*node, "tbl")).count() == 1;
        for row in table.descendants().filter(|node| is(*node, "tr")) {
            if child(row, "trPr").is_some_and(|properties| child(properties, "del").is_some()) {
                continue;
            }
            let (mut cells, mut column) = (Vec::new(), 0_u32);
            for cell in row.descendants().filter(|node| is(*node, "tc")) {
                let properties = child(cell, "tcPr");
                let across = properties
                    .and_then(|properties| value(properties, "gridSpan"))
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(1_u32);
                let merged = properties
                    .and_then(|properties| child(properties, "vMerge"))
                    .is_some_and(|merge| attribute(merge, "val") != Some("restart"));
                let mut words = Words::default();
                for paragraph in cell.descendants().filter(|node| is(*node, "p")) {
                    words_of(paragraph, &mut words, &mut Vec::new());
                    words.text.push(' ');
                    is_data &= child(paragraph, "pPr").and_then(|properties| child(properties, "numPr")).is_none();
                }
                let text = words.text.split_whitespace().collect::<Vec<_>>().join(" ");
                is_data &= text.len() < 1200;
                if !merged {
                    cells.push((column, text));
                }
                column = column.saturating_add(across.clamp(1, 1000));
            }
            is_data &= column > 1;
            rows.push(cells);
        }
        if !is_data {
            // A frame around text.
            for row in table.children().filter(|node| is(*node, "tr")) {
                for cell in row.descendants().filter(|node| is(*node, "tc") && parent_row(*node) == Some(row)) {
                    self.blocks(cell, depth + 1);
                }
            }
            return;
        }
        for (row, cells) in rows.into_iter().enumerate() {
            for (column, text) in cells {
                self.composer.cell(u32::try_from(row).unwrap_or(u32::MAX), column, &text);
            }
        }
    }
}

/// The row that a cell stands in.
fn parent_row<'a, 'i>(cell: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    cell.ancestors().find(|node| is(*node, "tr"))
}

/// Gathers the words of a paragraph, and the text boxes that hang on it.
fn words_of<'a, 'i: 'a>(paragraph: Node<'a, 'i>, words: &mut Words, boxes: &mut Vec<Node<'a, 'i>>) {
    let mut open: Vec<(Node<'a, 'i>, bool)> = paragraph.children().rev().map(|node| (node, false)).collect();
    while let Some((node, bold)) = open.pop() {
        if !node.is_element() {
            continue;
        }
        let mut bold = bold;
        match node.tag_name().name() {
            "t" => {
                let text = node.text().unwrap_or_default();
                let letters = text.chars().filter(|sign| sign.is_alphabetic()).count();
                words.letters += letters;
                words.bold += if bold { letters } else { 0 };
                words.text.push_str(text);
                continue;
            }
            "tab" | "ptab" => words.text.push(' '),
            "br" | "cr" => words.text.push('\n'),
            "noBreakHyphen" => words.text.push('-'),
            "footnoteReference" | "endnoteReference" => {
                if let Some(id) = attribute(node, "id") {
                    words.notes.push((node.tag_name().name() == "endnoteReference", id.to_owned()));
                }
            }
            "del" | "moveFrom" | "delText" | "instrText" | "delInstrText" | "pPr" | "rPr" | "Fallback"
            | "softHyphen" | "rt" => continue,
            "txbxContent" => {
                boxes.push(node);
                continue;
            }
            "r" => {
                let properties = child(node, "rPr");
                if properties.is_some_and(|properties| is_on(properties, "vanish")) {
                    continue;
                }
                bold = properties.is_some_and(|properties| is_on(properties, "b"));
            }
            _ => {}
        }
        open.extend(node.children().rev().map(|child| (child, bold)));
    }
}
