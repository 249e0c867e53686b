//! Web pages: the main content, without what stands around it.
//!
//! What is surely not the text goes: scripts, forms' fields, navigation, banners. Where the page names its main part
//! and that part holds most of the words, only it is read; else all that is left. When in doubt words stay: a clause
//! too many is seen, a clause too few is not.

use std::borrow::Cow;
use std::collections::HashMap;

use ego_tree::iter::Edge;
use ego_tree::{NodeId, NodeRef};
use scraper::{ElementRef, Html, Node};

use super::lines::is_heading;
use super::numbering::{Lists, in_roman};
use super::{BlockKind, Composer, Document, Format, Label, Selection};

/// True where a text is a web page: by its first tag, or by several of the tags that pages are made of.
#[must_use]
pub fn looks_like_html(text: &str) -> bool {
    let mut head = text.trim_start_matches('\u{feff}').trim_start();
    for _ in 0..16 {
        // Comments and an XML declaration may come first.
        let after = if head.starts_with("<!--") {
            head.split_once("-->")
        } else if head.starts_with("<?xml") {
            head.split_once("?>")
        } else {
            None
        };
        let Some((_, rest)) = after else { break };
        head = rest.trim_start();
    }
    let begins = |tag: &str| head.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| begins(tag)) {
        return true;
    }
    let start: String = text.chars().take(20_000).collect::<String>().to_lowercase();
    let closing = ["</p>", "</div>", "</li>", "</td>", "</h1>", "</h2>", "</h3>", "</span>", "</a>", "</strong>"];
    begins("<") && closing.iter().map(|tag| start.matches(tag).count()).sum::<usize>() >= 2
}

/// Reads a page.
pub(super) fn read(page: &str, selection: Option<&Selection>) -> Document {
    let page = Html::parse_document(&flattened(page));
    let root = page.tree.root();
    let measures = measure(root);
    let all = measures.get(&root.id()).copied().unwrap_or_default();
    let main = if selection.is_some() { None } else { main_part(root, &measures, all) };
    let mut reader = Reader {
        composer: Composer::new(Format::Html),
        words: String::new(),
        bold: 0,
        bold_depth: 0,
        preformatted: 0,
        heading: None,
        lists: Lists::default(),
        counters: Vec::new(),
        item: None,
        tables: Vec::new(),
        cell: None,
    };
    let mut walk = selection.map(Selection::walk);
    // The element whose inside is left out.
    let mut skipped: Option<NodeId> = None;
    for edge in main.unwrap_or(root).traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text)
                    if skipped.is_none() && walk.as_ref().is_none_or(super::selection::Walk::is_selected) =>
                {
                    reader.text(text);
                }
                Node::Element(_) => {
                    let Some(element) = ElementRef::wrap(node) else { continue };
                    if let Some(walk) = &mut walk {
                        walk.open(&element);
                    }
                    if skipped.is_some() {
                        continue;
                    }
                    let removed = match selection {
                        Some(selection) => is_never_text(&element) || selection.removes(&element),
                        None => {
                            let size = measures.get(&node.id()).copied().unwrap_or_default();
                            is_never_text(&element) || is_around(&element, size, all, main.is_some())
                        }
                    };
                    if removed {
                        reader.boundary(&element);
                        skipped = Some(node.id());
                    } else if walk.as_ref().is_none_or(super::selection::Walk::is_selected) {
                        reader.open(&element, &measures);
                    }
                }
                _ => {}
            },
            Edge::Close(node) => {
                let Some(element) = ElementRef::wrap(node) else { continue };
                let selected = walk.as_ref().is_none_or(super::selection::Walk::is_selected);
                if skipped == Some(node.id()) {
                    skipped = None;
                } else if skipped.is_none() && selected {
                    reader.close(&element);
                }
                if let Some(walk) = &mut walk {
                    walk.close(&element);
                }
            }
        }
    }
    reader.flush();
    reader.composer.finish()
}

/// How deep elements may stand in each other; browsers stop at 512.
const DEEPEST: usize = 500;

/// The page without the tags that stand deeper than any page's do: a parser's time grows with the square of the depth.
fn flattened(page: &str) -> Cow<'_, str> {
    const CLOSED_BY_OTHERS: [&str; 26] = [
        "p", "li", "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot", "br", "hr", "img", "input",
        "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr", "html", "body",
    ];
    let bytes = page.as_bytes();
    let mut depth = 0_usize;
    let mut flat = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(next) = page[at..].find('<') {
        let tag = at + next;
        let closing = bytes.get(tag + 1) == Some(&b'/');
        let name_at = tag + 1 + usize::from(closing);
        let length = bytes[name_at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = page[name_at..name_at + length].to_ascii_lowercase();
        at = name_at + length;
        if length == 0 {
            continue;
        }
        // A start tag of a paragraph or a cell ends the one before; counted, each would seem to hold all that follow.
        let counts = !CLOSED_BY_OTHERS.contains(&name.as_str());
        let too_deep = if closing {
            let too_deep = depth > DEEPEST;
            depth -= usize::from(counts && depth > 0);
            too_deep
        } else {
            depth += usize::from(counts);
            depth > DEEPEST
        };
        if too_deep && let Some(end) = page[at..].find('>') {
            flat.push_str(&page[copied..tag]);
            at += end + 1;
            copied = at;
        }
    }
    if copied == 0 { Cow::Borrowed(page) } else { Cow::Owned(flat + &page[copied..]) }
}

/// How much text an element holds.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    /// Characters that are not white space.
    text: usize,
    /// Those of them in links.
    linked: usize,
    /// Links.
    links: usize,
    /// Links to a place on the same page.
    inner_links: usize,
    /// Blocks: paragraphs, items, headings, tables.
    blocks: usize,
}

/// Measures every element, in one walk.
fn measure(root: NodeRef<'_, Node>) -> HashMap<NodeId, Measure> {
    let mut measures = HashMap::new();
    let mut open: Vec<(NodeId, Measure)> = Vec::new();
    let (mut in_link, mut never) = (0_usize, 0_usize);
    for edge in root.traverse() {
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text) => {
                    if let Some((_, size)) = open.last_mut().filter(|_| never == 0) {
                        let count = text.chars().filter(|sign| !sign.is_whitespace()).count();
                        size.text += count;
                        size.linked += if in_link > 0 { count } else { 0 };
                    }
                }
                value => {
                    let mut size = Measure::default();
                    if let Node::Element(element) = value {
                        let name = element.name();
                        if name == "a" {
                            in_link += 1;
                            size.links = 1;
                            size.inner_links = usize::from(element.attr("href").is_some_and(|to| to.starts_with('#')));
                        }
                        size.blocks = usize::from(is_block(name));
                        never += usize::from(ElementRef::wrap(node).is_some_and(|element| is_never_text(&element)));
                    }
                    open.push((node.id(), size));
                }
            },
            Edge::Close(node) => {
                if matches!(node.value(), Node::Text(_)) {
                    continue;
                }
                if let Some(element) = ElementRef::wrap(node) {
                    in_link -= usize::from(element.value().name() == "a");
                    never -= usize::from(is_never_text(&element));
                }
                let Some((id, size)) = open.pop() else { continue };
                if let Some((_, around)) = open.last_mut() {
                    around.text += size.text;
                    around.linked += size.linked;
                    around.links += size.links;
                    around.inner_links += size.inner_links;
                    around.blocks += size.blocks;
                }
                measures.insert(id, size);
            }
        }
    }
    measures
}

/// The element that the page names as its main part, where it holds most of the words that are no links.
fn main_part<'a>(
    root: NodeRef<'a, Node>,
    measures: &HashMap<NodeId, Measure>,
    all: Measure,
) -> Option<NodeRef<'a, Node>> {
    let plain = |size: Measure| size.text - size.linked;
    root.descendants()
        .filter(|node| {
            let Node::Element(element) = node.value() else { return false };
            matches!(element.name(), "main" | "article") || element.attr("role") == Some("main")
        })
        .map(|node| (node, measures.get(&node.id()).copied().map_or(0, plain)))
        .filter(|(_, size)| size * 2 >= plain(all) && *size > 0)
        // The innermost of those that hold as much.
        .reduce(|best, next| if next.1 * 20 >= best.1 * 19 { next } else { best })
        .map(|(node, _)| node)
}

/// True for what no page shows as text.
fn is_never_text(element: &ElementRef<'_>) -> bool {
    let value = element.value();
    match value.name() {
        "script" | "style" | "noscript" | "template" | "svg" | "math" | "head" | "iframe" | "object" | "canvas"
        | "video" | "audio" | "select" | "option" | "textarea" | "input" | "datalist" | "dialog" | "map" => true,
        // The sign that links to the heading it stands in, and the number of a footnote.
        "a" | "sup" => {
            let mut signs = element.text().flat_map(str::chars).filter(|sign| !sign.is_whitespace()).peekable();
            let is_link = value.name() == "a";
            signs.peek().is_some()
                && signs.take(9).all(|sign| {
                    if is_link {
                        "¶#§🔗".contains(sign)
                    } else {
                        sign.is_ascii_digit() || "[]*†‡".contains(sign)
                    }
                })
        }
        "button" => {
            // The heading of a part that folds is often a button.
            !element.ancestors().take(3).any(|around| match around.value() {
                Node::Element(around) => is_heading_tag(around.name()) || around.name() == "summary",
                _ => false,
            })
        }
        _ => matches!(value.attr("role"), Some("dialog" | "alertdialog" | "menu" | "menubar" | "tooltip")),
    }
}

/// True for what stands around a page's text: navigation, head, foot, banners.
fn is_around(element: &ElementRef<'_>, size: Measure, all: Measure, in_main: bool) -> bool {
    let value = element.value();
    // An element with most of the words is the text, whatever it is called.
    if size.text * 2 > all.text && size.linked * 2 < size.text {
        return false;
    }
    let role = value.attr("role");
    match value.name() {
        "nav" => return true,
        "footer" | "aside" if !in_main => return true,
        "header" if !in_main && !holds_title(element) => return true,
        _ => {}
    }
    if matches!(role, Some("navigation" | "search"))
        || matches!(role, Some("banner" | "contentinfo" | "complementary")) && !in_main
    {
        return true;
    }
    let hidden = value.attr("hidden").is_some()
        || value.attr("style").is_some_and(|style| style.replace(' ', "").to_lowercase().contains("display:none"));
    // Parts that fold are hidden too, and hold sentences.
    if hidden && size.text < 60 {
        return true;
    }
    // Tables of contents, menus made of nothing but links.
    let only_links = size.links >= 3 && size.linked * 10 >= size.text * 9;
    if only_links && size.inner_links * 10 >= size.links * 9 {
        return true;
    }
    if only_links && !in_main && matches!(value.name(), "ul" | "ol" | "div" | "section" | "p" | "table" | "td") {
        return true;
    }
    let named = [value.attr("class"), value.attr("id"), value.attr("aria-label")]
        .into_iter()
        .flatten()
        .flat_map(|names| names.split(|c: char| c.is_whitespace()))
        .any(names_surroundings);
    named && size.text * 5 < all.text
}

/// True for a class or id that sites give to what is no text.
fn names_surroundings(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_part = |word: &str| parts.contains(&word);
    [
        "cookie",
        "onetrust",
        "gdpr",
        "breadcrumb",
        "newsletter",
        "popup",
        "skip-link",
        "skiplink",
        "site-footer",
        "site-header",
        "navbar",
        "sidebar",
        "social-share",
        "share-buttons",
        "related-posts",
        "edit-page",
        "feedback-widget",
    ]
    .iter()
    .any(|word| name.contains(word))
        || ["nav", "menu", "toc", "footer", "modal", "banner", "promo", "subscribe", "pagination", "share"]
            .iter()
            .any(|word| is_part(word))
        || name == "sr-only"
        || name == "visually-hidden"
}

fn holds_title(element: &ElementRef<'_>) -> bool {
    element.descendants().any(|node| matches!(node.value(), Node::Element(inner) if inner.name() == "h1"))
}

fn is_heading_tag(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

fn is_block(name: &str) -> bool {
    is_heading_tag(name)
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "body"
                | "center"
                | "dd"
                | "details"
                | "div"
                | "dl"
                | "dt"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "footer"
                | "form"
                | "header"
                | "hr"
                | "html"
                | "legend"
                | "li"
                | "main"
                | "ol"
                | "p"
                | "pre"
                | "section"
                | "summary"
                | "table"
                | "tbody"
                | "td"
                | "tfoot"
                | "th"
                | "thead"
                | "tr"
                | "ul"
                | "caption"
        )
}

/// How a numbered list counts.
struct Counter {
    style: char,
    next: u32,
}

/// An item of a list whose words are yet to come.
enum Item {
    Bullet(u8),
    Counted(String),
}

/// A table that is open, and where the next cell stands in it; `None` for one that only places things on the page.
type Table = Option<(u32, u32)>;

/// Gathers words into blocks.
struct Reader {
    composer: Composer,
    words: String,
    /// How many of the bytes of `words` are bold or underlined.
    bold: usize,
    bold_depth: usize,
    preformatted: usize,
    heading: Option<u8>,
    lists: Lists,
    /// One for each list that is open; none for bullets.
    counters: Vec<Option<Counter>>,
    item: Option<Item>,
    tables: Vec<Table>,
    /// The cell that is open.
    cell: Option<(u32, u32)>,
}

impl Reader {
    fn text(&mut self, text: &str) {
        let before = self.words.len();
        for sign in text.chars() {
            match sign {
                '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => {}
                _ if self.preformatted > 0 && self.cell.is_none() => self.words.push(sign),
                _ if sign.is_whitespace() => {
                    if !self.words.is_empty() && !self.words.ends_with([' ', '\n']) {
                        self.words.push(' ');
                    }
                }
                _ => self.words.push(sign),
            }
        }
        if self.bold_depth > 0 {
            self.bold += self.words.len() - before;
        }
    }

    /// What an element that is left out does to the words around it.
    fn boundary(&mut self, element: &ElementRef<'_>) {
        if is_block(element.value().name()) {
            self.part();
        }
    }

    /// A block begins or ends; within a cell of a table that is a space.
    fn part(&mut self) {
        if self.cell.is_some() || self.heading.is_some() {
            self.text(" ");
        } else {
            self.flush();
        }
    }

    fn open(&mut self, element: &ElementRef<'_>, measures: &HashMap<NodeId, Measure>) {
        let value = element.value();
        let name = value.name();
        if is_block(name) {
            self.part();
        }
        match name {
            "br" if self.preformatted > 0 || self.cell.is_none() && self.heading.is_none() => self.words.push('\n'),
            "br" => self.text(" "),
            "b" | "strong" | "u" => self.bold_depth += 1,
            "pre" => self.preformatted += 1,
            "ul" | "menu" => {
                self.lists.open(self.composer.numbering());
                self.counters.push(None);
            }
            "ol" => {
                self.lists.open(self.composer.numbering());
                let next = value.attr("start").and_then(|start| start.trim().parse().ok()).unwrap_or(1);
                self.counters.push(Some(Counter { style: list_style(element), next }));
            }
            "li" if self.cell.is_none() => self.item = Some(self.begin_item(value.attr("value"))),
            "table" => {
                let data = self.cell.is_none() && is_data(element, measures);
                self.tables.push(data.then_some((0, 0)));
            }
            "tr" => {
                if let Some(Some((_, column))) = self.tables.last_mut() {
                    *column = 0;
                }
            }
            "td" | "th" => {
                if let (Some(Some(place)), None) = (self.tables.last(), self.cell) {
                    self.cell = Some(*place);
                }
            }
            _ if is_heading_tag(name) && self.cell.is_none() => self.heading = name[1..].parse().ok(),
            _ => {}
        }
    }

    fn close(&mut self, element: &ElementRef<'_>) {
        let name = element.value().name();
        match name {
            "b" | "strong" | "u" => self.bold_depth = self.bold_depth.saturating_sub(1),
            "td" | "th" => {
                if let Some(Some((row, column))) = self.tables.last_mut()
                    && self.cell == Some((*row, *column))
                {
                    let words = std::mem::take(&mut self.words);
                    self.composer.cell(*row, *column, &words);
                    let across =
                        element.value().attr("colspan").and_then(|n| n.trim().parse::<u32>().ok()).unwrap_or(1);
                    *column = column.saturating_add(across.clamp(1, 1000));
                    self.cell = None;
                    self.bold = 0;
                }
            }
            "tr" => {
                if let Some(Some((row, _))) = self.tables.last_mut().filter(|_| self.cell.is_none()) {
                    *row += 1;
                }
            }
            "table" => {
                self.part();
                self.tables.pop();
            }
            "ul" | "ol" | "menu" => {
                self.part();
                self.lists.close();
                self.counters.pop();
                self.item = None;
            }
            "pre" => {
                self.part();
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            _ if is_heading_tag(name) && self.cell.is_none() => {
                self.flush();
                self.heading = None;
            }
            _ if is_block(name) => self.part(),
            _ => {}
        }
    }

    fn begin_item(&mut self, value: Option<&str>) -> Item {
        let depth = u8::try_from(self.counters.len().saturating_sub(1)).unwrap_or(u8::MAX);
        let Some(Some(counter)) = self.counters.last_mut() else { return Item::Bullet(depth) };
        if let Some(value) = value.and_then(|value| value.trim().parse().ok()) {
            counter.next = value;
        }
        let number = counter.next;
        counter.next = number.saturating_add(1);
        if counter.style == '-' {
            Item::Bullet(depth)
        } else {
            Item::Counted(format!("{}.", counted(number, counter.style)))
        }
    }

    /// Adds the words gathered so far.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let bold = std::mem::take(&mut self.bold);
        if words.trim().is_empty() {
            return;
        }
        if let Some(level) = self.heading {
            self.composer.heading(level, &words.split_whitespace().collect::<Vec<_>>().join(" "));
            return;
        }
        if self.preformatted > 0 {
            return self.lines(&words);
        }
        let emphatic = bold + 3 >= words.trim().len();
        for (index, piece) in Composer::pieces(&words).into_iter().enumerate() {
            let labelled = Label::at_start(&piece).is_some_and(|(_, at)| at < piece.len());
            match self.item.take().filter(|_| index == 0) {
                // A list without marks of its own, whose items bring theirs.
                Some(_) if labelled => self.composer.paragraph(&piece),
                Some(Item::Bullet(depth)) => self.composer.item(depth, "•", &piece),
                Some(Item::Counted(printed)) => match Label::counted(&printed) {
                    Some(label) => {
                        let (number, depth) = self.lists.item(self.composer.numbering(), &label);
                        self.composer.clause(number, depth, &printed, &piece);
                    }
                    None => self.composer.item(0, &printed, &piece),
                },
                None if !labelled && emphatic && (is_heading(&piece) || is_heading(piece.trim_end_matches('.'))) => {
                    self.composer.heading(3, &piece);
                }
                None => self.composer.paragraph(&piece),
            }
        }
    }

    /// Adds text whose lines were set by hand.
    fn lines(&mut self, text: &str) {
        let document = Document::from_text(text);
        for block in &document.blocks {
            let words = document.text_of(block).split_whitespace().collect::<Vec<_>>().join(" ");
            match &block.kind {
                BlockKind::Heading { level } => self.composer.heading(*level, &words),
                BlockKind::ListItem { depth, label } => {
                    self.composer.item(*depth, label.as_deref().unwrap_or("•"), &words);
                }
                BlockKind::Clause { number, depth } => {
                    let line = document.text[..block.start].rfind('\n').map_or(0, |at| at + 1);
                    let printed = document.text[line..block.start].trim().to_owned();
                    self.composer.clause(number.clone(), *depth, &printed, &words);
                }
                BlockKind::Paragraph | BlockKind::TableCell { .. } => self.composer.paragraph(&words),
            }
        }
    }
}

/// `1`, `a`, `A`, `i`, `I`, or `-` where a numbered list shows no numbers.
fn list_style(element: &ElementRef<'_>) -> char {
    let value = element.value();
    if let Some(style) = value.attr("type").and_then(|style| style.trim().chars().next()) {
        return style;
    }
    let style = value.attr("style").unwrap_or_default().to_lowercase();
    let Some((_, style)) = style.split_once("list-style") else { return '1' };
    let style = style.split(';').next().unwrap_or_default();
    match () {
        () if style.contains("lower-alpha") || style.contains("lower-latin") => 'a',
        () if style.contains("upper-alpha") || style.contains("upper-latin") => 'A',
        () if style.contains("lower-roman") => 'i',
        () if style.contains("upper-roman") => 'I',
        () if style.contains("none") => '-',
        () => '1',
    }
}

/// A number as a list prints it.
fn counted(number: u32, style: char) -> String {
    let letter = |base: u8| match number {
        1..=52 => {
            let letter = char::from(base + u8::try_from((number - 1) % 26).unwrap_or(0));
            letter.to_string().repeat(if number > 26 { 2 } else { 1 })
        }
        _ => number.to_string(),
    };
    match style {
        'a' => letter(b'a'),
        'A' => letter(b'A'),
        'i' if (1..1000).contains(&number) => in_roman(number),
        'I' if (1..1000).contains(&number) => in_roman(number).to_uppercase(),
        _ => number.to_string(),
    }
}

/// True for a table of data, false for one that places text on the page.
fn is_data(table: &ElementRef<'_>, measures: &HashMap<NodeId, Measure>) -> bool {
    let (mut rows, mut cells, mut largest) = (0_usize, 0_usize, 0_usize);
    for node in table.descendants().skip(1) {
        let Node::Element(element) = node.value() else { continue };
        match element.name() {
            "table" | "h1" | "h2" | "h3" | "h4" => return false,
            "tr" => rows += 1,
            "td" | "th" => {
                cells += 1;
                let size = measures.get(&node.id()).copied().unwrap_or_default();
                // Pages before 2005 set their clauses in tables: a label in one cell, the words in the next.
                largest = largest.max(if size.blocks > 8 { usize::MAX } else { size.text });
            }
            _ => {}
        }
    }
    rows > 0 && cells >= rows * 2 && largest < 1200
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(page: &str) -> Vec<String> {
        let document = Document::from_html(page);
        list(&document)
    }

    fn list(document: &Document) -> Vec<String> {
        document
            .blocks
            .iter()
            .map(|block| {
                let text = document.text_of(block);
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

    const AROUND: &str = "<!DOCTYPE html><html lang=en><head><title>T</title><style>p{}</style><script>var p='not text';</script></head>\
        <body><div class='cookie-banner'>We use cookies <button>Accept</button></div><header><a href='/'>Home</a><nav><ul><li><a href=x>Products</a></ul></nav></header>";

    #[test]
    fn what_stands_around_the_text_goes() {
        let page = format!(
            "{AROUND}<div class=content><h1>Business Associate Agreement</h1><ul class=toc><li><a href='#1'>Terms</a><li><a href='#2'>Uses</a><li><a href='#3'>End</a></ul>\
             <p>The vendor &amp; the practice agree on&nbsp;this<sup><a href='#n'>[1]</a></sup>.</p><h2>1. Uses<a href='#u'>¶</a></h2><ol type=a><li>Use only as allowed.<li>Report<ol type=i><li>breaches; and<li>incidents.</ol></ol>\
             <p><b>Deletion</b></p><p>All data goes.<br>(b) Even this.</p>\
             <table><tr><th>Name<th>Place<tr><td>A<p>B</p><td>US</table></div>\
             <footer>© 2026 Imprint</footer><div role=dialog>Join us</div><script>x()</script></body></html>"
        );
        assert_eq!(
            shown(&page),
            [
                "h1 Business Associate Agreement",
                "p The vendor & the practice agree on this.",
                "h2 1. Uses",
                "1.a^1 Use only as allowed.",
                "1.b^1 Report",
                "1.b.i^2 breaches; and",
                "1.b.ii^2 incidents.",
                "h3 Deletion",
                "p All data goes.",
                "(b)^0 Even this.",
                "[0,0] Name",
                "[0,1] Place",
                "[1,0] A B",
                "[1,1] US",
            ]
        );
        let document = Document::from_html(&page);
        assert!(document.text.contains("a. Use only as allowed."), "labels are printed: {}", document.text);
    }

    #[test]
    fn the_main_part_is_enough_where_it_holds_the_words() {
        let page = format!(
            "{AROUND}<main><article><h1>Terms</h1><p>{}</p></article></main><div>Read also what others wrote</div></body>",
            "Some words of the terms. ".repeat(10)
        );
        let blocks = shown(&page);
        assert_eq!(blocks.len(), 2, "{blocks:?}");
        let small =
            format!("{AROUND}<main>Loading</main><div><p>{}</p></div></body>", "Some words of the terms. ".repeat(10));
        assert!(shown(&small).iter().any(|block| block.contains("Some words")));
    }

    #[test]
    fn a_page_of_set_lines_and_one_of_layout_tables() {
        let page = "<html><body><pre>\nEXHIBIT\n\n1. Term. The agreement\n   runs for a year.\n\n   (a) It ends.\n</pre>\
            <table><tr><td><h2>Left</h2></td><td><p>One.</p><table><tr><td>x<td>y</table></td></tr></table></body></html>";
        assert_eq!(
            shown(page),
            [
                "h1 EXHIBIT",
                "1^0 Term. The agreement runs for a year.",
                "1(a)^1 It ends.",
                "h2 Left",
                "p One.",
                "[0,0] x",
                "[0,1] y"
            ]
        );
    }

    #[test]
    fn a_declaration_selects() {
        let page = "<body><h1>T</h1><div id=a><p>One.</p><p class=x>Two.</p></div><h2 id=b>B</h2><p>Three.</p><h2 id=c>C</h2><p>Four.</p></body>";
        let selection = Selection::new(["#a"], [".x"]).expect("selectors");
        assert_eq!(list(&Document::from_html_selected(page, &selection)), ["p One."]);
        let selection = selection.and_range("#b", true, "#c", false).expect("selectors");
        assert_eq!(list(&Document::from_html_selected(page, &selection)), ["p One.", "h2 B", "p Three."]);
        let after = Selection::new([], []).and_then(|none| none.and_range("#b", false, "#c", true)).expect("selectors");
        assert_eq!(list(&Document::from_html_selected(page, &after)), ["p Three.", "h2 C"]);
        assert_eq!(Selection::new(["p["], []).expect_err("no selector"), super::super::SelectorError("p[".to_owned()));
    }

    #[test]
    fn pages_are_known_by_their_tags() {
        for page in [
            "<!DOCTYPE HTML><p>x",
            " \n<!-- x -->\n<HTML>",
            "<div><p>a</p><p>b</p></div>",
            "<?xml version='1.0'?><html>",
        ] {
            assert!(looks_like_html(page), "{page}");
        }
        for other in ["# Title\n<b>x</b>", "<https://a.b>", "", "a < b"] {
            assert!(!looks_like_html(other), "{other}");
        }
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        for tag in ["div", "b", "ul", "table"] {
            let page = format!("{}words{}", format!("<{tag}>").repeat(50_000), format!("</{tag}>").repeat(50_000));
            assert_eq!(shown(&page).len(), 1, "{tag}");
        }
        let flat = "<p>a<div>b</div><li>c".repeat(300);
        assert!(matches!(flattened(&flat), Cow::Borrowed(_)));
    }
}
