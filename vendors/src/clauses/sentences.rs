//! Sentences of legal English: "45 C.F.R. § 164.504(e)" and "Acme, Inc. may" do not end one.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// Words that end in a full stop in the middle of a sentence.
const ABBREVIATIONS: &[&str] = &[
    "inc", "corp", "ltd", "llc", "l.l.c", "co", "no", "nos", "sec", "secs", "art", "arts", "para", "paras", "pt",
    "pts", "subpt", "reg", "regs", "c.f.r", "cfr", "f.r", "fed", "u.s", "u.s.c", "stat", "pub", "l", "i.e", "e.g",
    "etc", "vs", "v", "al", "dr", "mr", "mrs", "ms", "st", "dept", "ex", "cf", "approx", "ph.d", "p.c", "p.a", "l.p",
    "n.a", "a.k.a", "d/b/a", "ch", "tex", "cal", "civ", "ann", "seq", "id", "p", "pp", "d.c", "a.m", "p.m", "e.d",
    "mass", "ill", "conn", "fla", "wash", "ariz", "colo",
];

/// The sentences of `text`, as ranges of bytes, without the white space around them.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, piece) in text.split_sentence_bound_indices() {
        let start = open.unwrap_or(at);
        let end = at + piece.len();
        // UAX 29 also breaks at line ends, which here are only wrapping.
        let body = text[start..end].trim_end();
        if end < text.len() && !ends(body, &text[end..]) {
            open = Some(start);
            continue;
        }
        open = None;
        split_missed(text, start..end, &mut found);
    }
    if let Some(start) = open {
        push(text, start..text.len(), &mut found);
    }
    found
}

/// UAX 29 does not break before a lower-case letter or a quotation mark glued to a stop; a label such as "(b)" after a stop
/// begins a sentence as well.
fn split_missed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut start = range.start;
    let mut at = range.start;
    while at + 2 < range.end {
        let label = bytes[at] == b'.' && bytes[at + 1] == b' ' && bytes[at + 2] == b'(';
        if label && ends(&text[start..=at], &text[at + 2..range.end]) {
            push(text, start..at + 1, found);
            start = at + 2;
        }
        at += 1;
    }
    push(text, start..range.end, found);
}

fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let slice = &text[range.clone()];
    // The end of a bold caption belongs to the caption.
    let bare = slice.trim_start();
    let bare =
        ["** ", "__ ", "* ", "_ ", "**\n"].iter().find_map(|mark| bare.strip_prefix(mark)).unwrap_or(bare).trim_start();
    let start = range.start + (slice.len() - bare.len());
    let end = start + bare.trim_end().len();
    if end > start {
        found.push(start..end);
    }
}

/// True if a sentence ends where `before` ends and `after` begins.
fn ends(before: &str, after: &str) -> bool {
    let stripped = before.trim_end_matches(['"', '\'', '”', '’', ')', ']', '*', '_']);
    let Some(last) = stripped.chars().last() else { return false };
    if !matches!(last, '.' | '!' | '?') {
        return false;
    }
    let next = after.trim_start().trim_start_matches(['"', '“', '‘', '(', '[', '*', '_']);
    let Some(first) = next.chars().next() else { return true };
    if last != '.' {
        return first.is_uppercase();
    }
    let stem = &stripped[..stripped.len() - 1];
    let word =
        stem.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“' | '*')).next().unwrap_or_default();
    // A label or a section number: "4.", "(a).", "B." at the very start.
    if stem.trim_start_matches(['*', '_', '#', ' ']).len() <= 6 && word.len() <= 6 && stem.trim().len() == word.len() {
        let numeric = word.chars().all(|c| c.is_ascii_digit() || c == '.');
        let letter = word.len() == 1 && word.chars().all(char::is_alphabetic);
        if numeric || letter {
            return false;
        }
    }
    let label = after.trim_start().strip_prefix('(').and_then(|rest| rest.find(") ")).is_some_and(|at| at <= 4);
    if first.is_lowercase() && !label {
        return false;
    }
    let lower = word.to_lowercase();
    if ABBREVIATIONS.contains(&lower.as_str()) {
        // "… of HIPAA, Inc. The vendor" ends; "Inc. may" did not come here. A number after "No." goes on.
        let goes_on = first.is_ascii_digit() || first == '§' || first == '(' || lower.contains('.') || lower.len() <= 4;
        return !goes_on
            || (matches!(lower.as_str(), "inc" | "corp" | "ltd" | "llc" | "etc" | "u.s" | "no")
                && starts_sentence(next));
    }
    // An initial: "J. Smith".
    if word.len() == 1 && word.chars().all(char::is_uppercase) {
        return false;
    }
    true
}

fn starts_sentence(next: &str) -> bool {
    let word = next.split_whitespace().next().unwrap_or_default();
    matches!(
        word,
        "The"
            | "This"
            | "If"
            | "Business"
            | "In"
            | "Any"
            | "We"
            | "You"
            | "Vendor"
            | "Customer"
            | "No"
            | "Upon"
            | "All"
            | "Covered"
            | "It"
            | "Each"
    )
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn citations_and_companies_do_not_end_a_sentence() {
        let text = "Vendor follows 45 C.F.R. § 164.410. Acme, Inc. may help, e.g. with No. 4. 4.1. Access is given\nin ten days. (b) It stays.";
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found[0], "Vendor follows 45 C.F.R. § 164.410.");
        assert_eq!(found[1], "Acme, Inc. may help, e.g. with No. 4.");
        assert!(found.last().expect("a sentence").starts_with("(b)"));
    }
}
