//! Numbers and letters printed before a clause: "2.3", "(a)", "iv.", "•".

use std::sync::LazyLock;

use regex::Regex;

/// How a label is written. Two labels of one style in sequence are siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Style {
    /// "Article IV", "Section 4", "4.": the outermost numbers; the level is the count of components.
    Decimal(u8),
    /// "(a)".
    LowerParen,
    /// "(A)".
    UpperParen,
    /// "(i)".
    RomanParen,
    /// "(1)".
    DigitParen,
    /// "a." or "a)".
    Lower,
    /// "A." or "A)".
    Upper,
    /// "i." or "i)".
    Roman,
    /// "IV.".
    UpperRoman,
    /// "1)".
    Digit,
    /// "•", "-".
    Bullet,
}

/// A label, and how much of the text it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) style: Style,
    /// Its place in the sequence, from 1; 0 for a bullet.
    pub(crate) value: u32,
    /// As printed, without brackets: "2.3", "a".
    pub(crate) printed: String,
    /// Bytes of the text up to the first word after it.
    pub(crate) length: usize,
}

static AT_START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^[\s*_\#>]*(?:
            (?P<article>(?:ARTICLE|Article|SECTION|Section|PART|Part|EXHIBIT|Exhibit|Clause|Schedule|SCHEDULE|ATTACHMENT|Attachment)[\s\u{a0}]+(?:\d+(?:\.\d+)*|[IVX]+|[A-Z])\b[.:)]?)
          | (?P<decimal>\d{1,2}(?:\.\d{1,2}){1,4}\.?)
          | (?P<number>\d{1,2}\.)
          | \((?P<paren>[A-Za-z]{1,5}|\d{1,2})\)
          | (?P<bare>[A-Za-z]|[ivxIVX]{1,5})[.)]
          | (?P<digit>\d{1,2}\))
          | (?P<bullet>[•●▪◦·‣–\-*+])
          | §[\s\u{a0}]*(?P<sign>\d+(?:\.\d+)*)\.?
        )(?:[\s\u{a0}*_]+|(?P<colon>[:\-–—])\s+)",
    )
    .expect("a constant expression, used by the tests")
});

/// The label that `text` begins with.
pub(crate) fn at_start(text: &str) -> Option<Label> {
    let caught = AT_START.captures(text)?;
    let length = caught.get(0)?.end();
    let make = |style, value, printed: &str| Some(Label { style, value, printed: printed.to_owned(), length });
    if let Some(found) = caught.name("article") {
        let printed = found.as_str().split_whitespace().nth(1).unwrap_or_default().trim_end_matches(['.', ':', ')']);
        return make(Style::Decimal(1), ordinal(printed), printed);
    }
    if let Some(found) = caught.name("decimal").or_else(|| caught.name("sign")) {
        let printed = found.as_str().trim_end_matches('.');
        let parts: Vec<&str> = printed.split('.').collect();
        let last = parts.last().and_then(|part| part.parse().ok()).unwrap_or(0);
        return make(Style::Decimal(u8::try_from(parts.len()).unwrap_or(u8::MAX)), last, printed);
    }
    if let Some(found) = caught.name("number") {
        let printed = found.as_str().trim_end_matches('.');
        return make(Style::Decimal(1), printed.parse().unwrap_or(0), printed);
    }
    if let Some(found) = caught.name("paren") {
        let printed = found.as_str();
        return lettered(
            printed,
            [Style::LowerParen, Style::UpperParen, Style::RomanParen, Style::RomanParen, Style::DigitParen],
        )
        .and_then(|(style, value)| make(style, value, printed));
    }
    if let Some(found) = caught.name("bare") {
        let printed = found.as_str();
        return lettered(printed, [Style::Lower, Style::Upper, Style::Roman, Style::UpperRoman, Style::Digit])
            .and_then(|(style, value)| make(style, value, printed));
    }
    if let Some(found) = caught.name("digit") {
        let printed = found.as_str().trim_end_matches(')');
        return make(Style::Digit, printed.parse().unwrap_or(0), printed);
    }
    caught.name("bullet").and_then(|_| make(Style::Bullet, 0, ""))
}

/// Styles in order: lower, upper, roman, upper roman, digit.
fn lettered(printed: &str, styles: [Style; 5]) -> Option<(Style, u32)> {
    if let Ok(value) = printed.parse() {
        return Some((styles[4], value));
    }
    let upper = printed.chars().all(|c| c.is_ascii_uppercase());
    if !upper && !printed.chars().all(|c| c.is_ascii_lowercase()) {
        return None;
    }
    let first = printed.chars().next()?;
    let doubled = printed.chars().all(|c| c == first);
    // "i", "v", "x" are read as roman; the outline reads them again where a letter is due.
    if let Some(value) = roman(printed)
        && (printed.len() > 1 || matches!(first.to_ascii_lowercase(), 'i' | 'v' | 'x'))
    {
        return Some((if upper { styles[3] } else { styles[2] }, value));
    }
    if printed.len() > 2 || (printed.len() == 2 && !doubled) {
        return None;
    }
    let place = u32::from(first.to_ascii_lowercase() as u8 - b'a') + 1;
    let value = if printed.len() == 2 { 26 + place } else { place };
    Some((if upper { styles[1] } else { styles[0] }, value))
}

fn roman(text: &str) -> Option<u32> {
    let mut total = 0;
    let mut last = 0;
    for c in text.to_ascii_lowercase().chars().rev() {
        let value = match c {
            'i' => 1,
            'v' => 5,
            'x' => 10,
            _ => return None,
        };
        if value < last {
            total -= value;
        } else {
            total += value;
            last = value;
        }
    }
    Some(total)
}

fn ordinal(printed: &str) -> u32 {
    printed
        .parse()
        .ok()
        .or_else(|| roman(printed))
        .or_else(|| printed.chars().next().map(|c| u32::from(c.to_ascii_lowercase() as u8).saturating_sub(96)))
        .unwrap_or(0)
}

static INLINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s:;,—–])\(?(?:(?P<letter>[a-zA-Z])|(?P<roman>[ivx]{2,5})|(?P<digit>\d{1,2}))\)[\s\u{a0}]")
        .expect("a constant expression, used by the tests")
});

/// Where enumerated items begin inside a sentence: "either (a) … or (b) …". Only sequences that start at the first
/// letter or number and go on in order count.
pub(crate) fn inline_items(sentence: &str) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    let marks: Vec<(usize, Vec<(u8, u32)>)> = INLINE
        .captures_iter(sentence)
        .filter_map(|caught| {
            let found = caught.name("letter").or_else(|| caught.name("roman")).or_else(|| caught.name("digit"))?;
            let text = found.as_str();
            let open = found.start().checked_sub(1).filter(|at| sentence.as_bytes()[*at] == b'(')?;
            let mut readings = Vec::new();
            if let Ok(value) = text.parse() {
                readings.push((0, value));
            } else {
                if text.len() == 1 {
                    let upper = text.as_bytes()[0].is_ascii_uppercase();
                    let kind = if upper { 2 } else { 1 };
                    readings.push((kind, u32::from(text.as_bytes()[0].to_ascii_lowercase() - b'a') + 1));
                }
                if let Some(value) = roman(text) {
                    readings.push((3, value));
                }
            }
            Some((open, readings))
        })
        .collect();
    for kind in 0..=3u8 {
        let mut found = Vec::new();
        for (at, readings) in &marks {
            let due = u32::try_from(found.len()).unwrap_or(u32::MAX) + 1;
            if readings.contains(&(kind, due)) {
                found.push(*at);
            }
        }
        // Of two lists, one inside the other, the outer begins first.
        if found.len() >= 2 && (best.is_empty() || found[0] < best[0]) {
            best = found;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{Style, at_start, inline_items};

    #[test]
    fn labels_are_read_as_printed() {
        for (text, style, value) in [
            ("(a) Not use", Style::LowerParen, 1),
            ("(iv) report", Style::RomanParen, 4),
            ("3.10. Minimum", Style::Decimal(2), 10),
            ("**1.\tDefinitions.**", Style::Decimal(1), 1),
            ("ARTICLE IV. Term", Style::Decimal(1), 4),
            ("b. Report", Style::Lower, 2),
            ("• Report", Style::Bullet, 0),
        ] {
            let label = at_start(text).expect(text);
            assert_eq!((label.style, label.value), (style, value), "{text}");
        }
        assert_eq!(at_start("A business associate may"), None);
        assert_eq!(at_start("45 CFR 164"), None);
    }

    #[test]
    fn items_inside_a_sentence_go_in_order() {
        let text = "provided that (i) it is required under 164.514(a)-(c), or (ii) assurances are had";
        assert_eq!(inline_items(text).len(), 2);
        assert_eq!(inline_items("under 164.502(e)(1)(ii) and 164.308(b)(2), ensure").len(), 0);
    }
}
