//! The numbers of clauses: how they are printed, and which whole number a printed one stands for.

/// How a label counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Decimal,
    Letter { upper: bool },
    Roman { upper: bool },
}

/// What stands around a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// `1.` or, within a dotted number, `.1`.
    Dot,
    /// `(a)`
    Parentheses,
    /// `a)`
    Closing,
}

/// One part of a printed number.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    text: String,
    marks: Marks,
}

/// A label as printed: `3.`, `3.2`, `(a)`, `3.2(a)(iv)`, `Article IV`, `Section 2.`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label<'a> {
    printed: &'a str,
    parts: Vec<Part>,
}

impl<'a> Label<'a> {
    /// The label that a text begins with, and where the text after it begins. Marks of emphasis before and after the
    /// label are skipped.
    #[must_use]
    pub fn at_start(text: &'a str) -> Option<(Self, usize)> {
        let marks = text.len() - text.trim_start_matches(['*', '_', ' ', '\t', '\u{a0}']).len();
        let mut rest = text.get(marks..)?;
        let mut begun = marks;
        let mut worded = false;
        for word in ["article", "section", "clause", "§§", "§"] {
            let head = rest.get(..word.len()).filter(|head| head.to_lowercase() == word);
            if head.is_some() {
                let after = rest[word.len()..].trim_start_matches([' ', '\u{a0}']);
                if after.len() == rest.len() - word.len() && !word.starts_with('§') {
                    continue;
                }
                begun += rest.len() - after.len();
                rest = after;
                worded = true;
                break;
            }
        }
        let (parts, mut length) = parts(rest, worded)?;
        let printed = &text[begun..begun + length];
        if worded {
            // `Article 4: Term`, `Section 2 - Term`
            let after = rest[length..].trim_start_matches([' ', '\u{a0}']);
            if let Some(sign) = after.chars().next().filter(|sign| [':', '-', '–', '—', '.'].contains(sign)) {
                length = rest.len() - after.len() + sign.len_utf8();
            }
        }
        let after = &rest[length..];
        let text_at = after.trim_start_matches([' ', '\t', '\u{a0}']);
        let emphasis = text_at.trim_start_matches('*');
        // `1. ** Definitions`: closing marks of the label go, opening ones of the text stay.
        let spaced = text_at.len() < after.len() || after.is_empty() || after.starts_with(['\n', '\r', '*']);
        if !spaced {
            return None;
        }
        let text_at = if after.starts_with('*') || emphasis.starts_with([' ', '\t']) {
            emphasis.trim_start_matches([' ', '\t', '\u{a0}'])
        } else {
            text_at
        };
        Some((Self { printed, parts }, text.len() - text_at.len()))
    }

    /// The label of an ordered list that counts for itself, as HTML, DOCX and Markdown do: `3.`, `(a)`, `iv)`.
    #[must_use]
    pub fn counted(printed: &'a str) -> Option<Self> {
        let (parts, length) = parts(printed, true)?;
        (length == printed.len()).then_some(Self { printed, parts })
    }

    /// The label without the full stop at its end.
    #[must_use]
    pub fn printed_trimmed(&self) -> &'a str {
        self.printed.trim_end_matches(['.', ':', '\\'])
    }

    /// True for a label of several parts (`3.2`, `4(b)`), which says by itself where it stands.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.parts.len() > 1
    }

    /// True where a counter that has just begun would print this label.
    #[must_use]
    pub fn is_first(&self) -> bool {
        let [part] = self.parts.as_slice() else { return false };
        readings(&part.text).iter().any(|(_, value)| *value == 1)
    }
}

/// The parts at the start of a text, and their length in bytes.
fn parts(text: &str, worded: bool) -> Option<(Vec<Part>, usize)> {
    let mut parts = Vec::new();
    let mut at = 0;
    let mut ended = false;
    loop {
        let rest = &text[at..];
        if let Some(inner) = rest.strip_prefix('(') {
            let length = inner.find(')').filter(|length| (1..=6).contains(length));
            let Some(length) = length.filter(|length| is_counter(&inner[..*length])) else { break };
            parts.push(Part { text: inner[..length].to_owned(), marks: Marks::Parentheses });
            at += length + 2;
            ended = true;
            if text[at..].starts_with('.') && !text[at + 1..].starts_with(|c: char| c.is_alphanumeric()) {
                at += 1;
                break;
            }
            continue;
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let token = &rest[..length];
        if ended && parts.last().is_none_or(|part: &Part| part.marks == Marks::Parentheses) && !parts.is_empty() {
            // Nothing but parentheses follows parentheses.
            break;
        }
        if !is_counter(token) {
            break;
        }
        // Markdown escapes the sign of a number that is no list's: `1\. Term`.
        let escaped = usize::from(rest[length..].starts_with("\\.") || rest[length..].starts_with("\\)"));
        let length = length + escaped;
        let sign = rest[length..].chars().next();
        match sign {
            Some('.') => {
                parts.push(Part { text: token.to_owned(), marks: Marks::Dot });
                at += length + 1;
                ended = true;
                if !text[at..].starts_with(|c: char| c.is_ascii_digit()) {
                    break;
                }
                ended = false;
            }
            Some(')') if parts.is_empty() => {
                parts.push(Part { text: token.to_owned(), marks: Marks::Closing });
                return Some((parts, length + 1));
            }
            Some('(') if token.bytes().all(|b| b.is_ascii_digit()) => {
                parts.push(Part { text: token.to_owned(), marks: Marks::Dot });
                at += length;
                let before = parts.len();
                let inner = &text[at + 1..];
                let closes = inner.find(')').filter(|end| (1..=6).contains(end));
                if closes.is_none_or(|end| !is_counter(&inner[..end])) {
                    ended = before > 1;
                    break;
                }
            }
            // `3.2 Term`, `Article IV`; a bare `3 Term` is a number of things.
            _ if worded || !parts.is_empty() => {
                parts.push(Part { text: token.to_owned(), marks: Marks::Dot });
                at += length;
                ended = true;
                break;
            }
            _ => break,
        }
    }
    // A year or a citation (`164.502`) is no clause; neither is a decimal number without a level above it (`0.5`).
    let sane = parts.iter().all(|part| part.text.len() <= if part.text.as_bytes()[0].is_ascii_digit() { 2 } else { 5 });
    (ended && sane && !parts.is_empty() && parts[0].text != "0").then_some((parts, at))
}

/// True for `12`, `b`, `aa`, `xiv`.
fn is_counter(token: &str) -> bool {
    let digits = token.len() <= 3 && token.bytes().all(|b| b.is_ascii_digit());
    let alike = token.bytes().all(|b| b.is_ascii_lowercase()) || token.bytes().all(|b| b.is_ascii_uppercase());
    !token.is_empty() && (digits || alike && !readings(token).is_empty())
}

/// The ways to read one part: `i` is the ninth letter and the first Roman number.
fn readings(token: &str) -> Vec<(Style, u32)> {
    if let Ok(value) = token.parse() {
        return vec![(Style::Decimal, value)];
    }
    let upper = token.starts_with(|c: char| c.is_ascii_uppercase());
    let lower = token.to_ascii_lowercase();
    let mut found = Vec::new();
    let bytes = lower.as_bytes();
    if bytes.first().is_some_and(|first| first.is_ascii_lowercase() && bytes.iter().all(|b| b == first))
        && bytes.len() <= 2
    {
        found.push((Style::Letter { upper }, u32::from(bytes[0] - b'a') + 1 + 26 * (bytes.len() as u32 - 1)));
    }
    if let Some(value) = roman(&lower) {
        found.push((Style::Roman { upper }, value));
    }
    found
}

/// A Roman number in lower case, up to 89, written as it should be.
fn roman(text: &str) -> Option<u32> {
    let worth = |c: char| match c {
        'i' => Some(1_u32),
        'v' => Some(5),
        'x' => Some(10),
        'l' => Some(50),
        _ => None,
    };
    let values = text.chars().map(worth).collect::<Option<Vec<_>>>()?;
    let total = values.iter().enumerate().try_fold(0_u32, |sum, (index, value)| {
        if values.get(index + 1).is_some_and(|next| next > value) {
            Some(sum.wrapping_sub(*value))
        } else {
            Some(sum.wrapping_add(*value))
        }
    })?;
    ((1..90).contains(&total) && in_roman(total) == text).then_some(total)
}

/// A number as Roman numerals in lower case; in digits where there is no such, below 1 and from 4000 on.
#[must_use]
pub fn in_roman(mut number: u32) -> String {
    if !(1..4000).contains(&number) {
        return number.to_string();
    }
    let mut text = String::new();
    for (value, sign) in [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ] {
        while number >= value {
            text.push_str(sign);
            number -= value;
        }
    }
    text
}

/// Where a document's numbering stands: makes whole numbers of printed labels.
#[derive(Debug, Clone, Default)]
pub struct Numbering {
    levels: Vec<Level>,
}

#[derive(Debug, Clone)]
struct Level {
    style: Style,
    marks: Marks,
    value: u32,
    /// Opened by a heading: a list under it that counts alike is another one.
    heading: bool,
    /// Printed together with the levels above it (`3.2`): a label of one part does not go on with it.
    joined: bool,
    /// What this level adds to the whole number, after the one above it.
    printed: String,
}

impl Numbering {
    /// The next label in the document: its whole number and depth.
    pub fn next(&mut self, label: &Label<'_>) -> (String, u8) {
        self.number_next(label, false)
    }

    /// The next label that stands in a heading.
    pub fn next_heading(&mut self, label: &Label<'_>) -> (String, u8) {
        self.number_next(label, true)
    }

    fn number_next(&mut self, label: &Label<'_>, heading: bool) -> (String, u8) {
        if label.is_whole() {
            self.levels = label
                .parts
                .iter()
                .enumerate()
                .map(|(depth, part)| {
                    let (style, value) = readings(&part.text).first().copied().unwrap_or((Style::Decimal, 0));
                    let joined = depth > 0 && part.marks == Marks::Dot;
                    Level { style, marks: part.marks, value, heading, joined, printed: part.text.clone() }
                })
                .collect();
            return self.number();
        }
        let Some(part) = label.parts.first() else { return self.number() };
        let candidates = readings(&part.text);
        let fits = |level: &Level, style: Style| level.marks == part.marks && level.style == style && !level.joined;
        let following_in = |headings: bool| {
            self.levels.iter().enumerate().rev().filter(|(_, level)| level.heading == headings).find_map(
                |(depth, level)| {
                    let next =
                        candidates.iter().find(|(style, value)| fits(level, *style) && *value == level.value + 1);
                    next.map(|next| (depth, *next))
                },
            )
        };
        let following = following_in(heading).or_else(|| following_in(!heading));
        let again = self.levels.iter().enumerate().rev().filter(|(_, level)| level.heading == heading).find_map(
            |(depth, level)| {
                let fitting =
                    |(style, value): &&(Style, u32)| fits(level, *style) && (*value == 1 || *value > level.value);
                candidates.iter().find(fitting).map(|again| (depth, *again))
            },
        );
        let first = candidates.iter().find(|(_, value)| *value == 1).map(|c| (self.levels.len(), *c));
        // A new `(i)` under `(c)` begins a list; the `(a)` of the next section begins its own again.
        let new_list = first
            .filter(|(_, (style, _))| !self.levels.iter().any(|level| level.heading == heading && fits(level, *style)));
        let fallback = || (self.levels.len(), candidates.first().copied().unwrap_or((Style::Decimal, 1)));
        // A bare number that continues nothing (`7.` after `(b)`) belongs to the outermost level.
        let (depth, (style, value)) = following.or(new_list).or(again).or(first).unwrap_or_else(|| match part.marks {
            Marks::Dot => (0, fallback().1),
            _ => fallback(),
        });
        self.levels.truncate(depth);
        self.levels.push(Level { style, marks: part.marks, value, heading, joined: false, printed: part.text.clone() });
        self.number()
    }

    /// The next label of a list that is known to stand `depth` levels deep.
    pub fn next_at(&mut self, label: &Label<'_>, depth: usize) -> (String, u8) {
        self.levels.truncate(depth);
        for part in &label.parts {
            let (style, value) = readings(&part.text).first().copied().unwrap_or((Style::Decimal, 1));
            self.levels.push(Level {
                style,
                marks: part.marks,
                value,
                heading: false,
                joined: false,
                printed: part.text.clone(),
            });
        }
        self.number()
    }

    /// How many levels are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.levels.len()
    }

    /// A heading without a number: what follows counts anew.
    pub fn restart(&mut self) {
        self.levels.clear();
    }

    fn number(&self) -> (String, u8) {
        let mut number = String::new();
        for level in &self.levels {
            match level.marks {
                Marks::Parentheses => {
                    number.push('(');
                    number.push_str(&level.printed);
                    number.push(')');
                }
                Marks::Dot | Marks::Closing => {
                    if !number.is_empty() {
                        number.push('.');
                    }
                    number.push_str(&level.printed);
                }
            }
        }
        (number, u8::try_from(self.levels.len().saturating_sub(1)).unwrap_or(u8::MAX))
    }
}

/// The numbered lists that are open around a place, in formats that nest them: HTML and Markdown.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    open: Vec<OpenList>,
}

#[derive(Debug, Clone)]
struct OpenList {
    /// How many levels of numbering are open outside of it.
    outside: usize,
    begun: bool,
}

impl Lists {
    /// A list begins.
    pub fn open(&mut self, numbering: &Numbering) {
        self.open.push(OpenList { outside: numbering.levels.len(), begun: false });
    }

    /// The innermost list ends.
    pub fn close(&mut self) {
        self.open.pop();
    }

    /// How many lists are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The next item of the innermost list: its whole number and depth.
    pub fn item(&mut self, numbering: &mut Numbering, label: &Label<'_>) -> (String, u8) {
        let outermost = self.open.len() == 1;
        let Some(list) = self.open.last_mut() else { return numbering.next(label) };
        let begun = std::mem::replace(&mut list.begun, true);
        if begun || !outermost {
            return numbering.next_at(label, list.outside);
        }
        // The outermost list may go on where the numbered paragraphs before it have stopped.
        let numbered = numbering.next(label);
        list.outside = numbering.levels.len() - 1;
        numbered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Option<(String, &str)> {
        Label::at_start(text).map(|(label, at)| (label.printed_trimmed().to_owned(), &text[at..]))
    }

    #[test]
    fn labels_are_known_by_how_they_are_printed() {
        for (text, printed, rest) in [
            ("1. Term", "1", "Term"),
            ("12) Term", "12)", "Term"),
            ("3.2 Term", "3.2", "Term"),
            ("3.2.\tTerm", "3.2", "Term"),
            ("3.2.1 Term", "3.2.1", "Term"),
            ("(a) Not use", "(a)", "Not use"),
            ("(iv)\tNot use", "(iv)", "Not use"),
            ("4.1(b)(ii) Not use", "4.1(b)(ii)", "Not use"),
            ("4(b) Not use", "4(b)", "Not use"),
            ("a. Upon", "a", "Upon"),
            ("IV. TERM", "IV", "TERM"),
            ("ARTICLE IV", "IV", ""),
            ("Article 4: Term", "4", "Term"),
            ("Section 2.1 Term", "2.1", "Term"),
            ("Section 2.1. Term", "2.1", "Term"),
            ("§ 3 Term", "3", "Term"),
            ("**1.\tDefinitions.**", "1", "Definitions.**"),
            ("**1.** Definitions.", "1", "Definitions."),
            ("1. **Definitions.** In", "1", "**Definitions.** In"),
            ("**(a)** Not", "(a)", "Not"),
        ] {
            assert_eq!(label(text), Some((printed.to_owned(), rest)), "{text}");
        }
        assert_eq!(label("1\\. Introduction").map(|(_, rest)| rest), Some("Introduction"));
        assert_eq!(label("a\\) Introduction").map(|(_, rest)| rest), Some("Introduction"));
    }

    #[test]
    fn what_only_looks_like_a_label_is_none() {
        for text in [
            "164.502(e)(1)(ii) of the",
            "45 CFR 164.502",
            "30 days after",
            "2.5% of",
            "1.5x",
            "0.5 percent",
            "2024. The",
            "U.S. Department",
            "(the \"BAA\")",
            "(including)",
            "A business associate",
            "I am",
            "i.e. this",
            "e.g. this",
            "Sections of this",
            "Article",
            "",
            "(",
            "(a",
            "().",
            "1.",
            "(c)(1)x",
            "Section 5's",
        ] {
            let found = label(text);
            let nothing_after = found.as_ref().is_some_and(|(_, rest)| rest.is_empty());
            assert!(found.is_none() || nothing_after, "{text}: {found:?}");
        }
    }

    fn numbers(labels: &[&str]) -> Vec<String> {
        let mut numbering = Numbering::default();
        labels
            .iter()
            .map(|text| numbering.next(&Label::at_start(&format!("{text} x")).unwrap_or_else(|| panic!("{text}")).0).0)
            .collect()
    }

    #[test]
    fn printed_labels_make_whole_numbers() {
        assert_eq!(
            numbers(&["1.", "1.1", "(a)", "(b)", "(i)", "(ii)", "(c)", "1.2", "(a)", "2.", "2.1.", "(a)"]),
            [
                "1",
                "1.1",
                "1.1(a)",
                "1.1(b)",
                "1.1(b)(i)",
                "1.1(b)(ii)",
                "1.1(c)",
                "1.2",
                "1.2(a)",
                "2",
                "2.1",
                "2.1(a)"
            ]
        );
        assert_eq!(numbers(&["(g)", "(h)", "(i)", "(j)"]), ["(g)", "(h)", "(i)", "(j)"], "a letter among letters");
        assert_eq!(
            numbers(&["(a)", "(1)", "(i)", "(A)", "(b)"]),
            ["(a)", "(a)(1)", "(a)(1)(i)", "(a)(1)(i)(A)", "(b)"]
        );
        assert_eq!(
            numbers(&["I.", "A.", "B.", "1.", "2.", "C.", "II.", "A."]),
            ["I", "I.A", "I.B", "I.B.1", "I.B.2", "I.C", "II", "II.A"]
        );
        assert_eq!(numbers(&["1.", "1.3", "4.", "2.1"]), ["1", "1.3", "4", "2.1"]);
        assert_eq!(numbers(&["1.", "(a)", "(c)", "3."]), ["1", "1(a)", "1(c)", "3"], "numbers left out");
    }

    #[test]
    fn roman_numbers_there_and_back() {
        for number in 1..90 {
            assert_eq!(roman(&in_roman(number)), Some(number));
        }
        for wrong in ["iiii", "vx", "ic", "", "ivi"] {
            assert_eq!(roman(wrong), None, "{wrong}");
        }
    }
}
