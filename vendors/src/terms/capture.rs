//! Whether a difference is one of the terms, or only of how a page was captured.

use super::aligning::Alignment;
use super::rules::Rules;
use super::sentences::Page;
use crate::reading::Document;
use std::ops::Range;

/// Why a new version may not be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) caution: String,
    /// What shows it, in bytes of the old and of the new text.
    pub(crate) old: Option<Range<usize>>,
    pub(crate) new: Option<Range<usize>>,
}

/// A capture of fewer words may be a page that says it was blocked.
const SHORT: usize = 150;

pub(crate) fn artifact(
    rules: &Rules,
    old: (&Document, &Page),
    new: (&Document, &Page),
    aligned: &Alignment,
) -> Option<Artifact> {
    for ((document, page), other, which) in [(new, old, "new"), (old, new, "old")] {
        let short = page.word_count() < SHORT && page.word_count() * 5 < other.1.word_count();
        let blocked = rules.blocked.find_all(&document.text).next().map(|found| found.range());
        if short && (blocked.is_some() || page.word_count() < 40) {
            let caution = format!(
                "The {which} capture holds {} words where the other holds {}: it reads as a page that could not be fetched, \
                 not as terms. Fetch it again.",
                page.word_count(),
                other.1.word_count()
            );
            let (old, new) = if which == "new" { (None, blocked) } else { (blocked, None) };
            return Some(Artifact { caution, old, new });
        }
    }
    if let (Some((old_range, old_day)), Some((new_range, new_day))) = (edition(rules, old.0), edition(rules, new.0))
        && new_day < old_day
    {
        return Some(Artifact {
            caution:
                "The new capture calls itself an older edition than the old one. It may be a fallback of the page that \
                      reverts; nothing is announced until a later capture says the same."
                    .to_owned(),
            old: Some(old_range),
            new: Some(new_range),
        });
    }
    if foreign(new.0) && !foreign(old.0) || foreign(old.0) && !foreign(new.0) {
        return Some(Artifact {
            caution: "The two captures are not in the same language; only English terms can be compared.".to_owned(),
            old: None,
            new: None,
        });
    }
    incomplete(old.1, new.1, aligned)
}

/// Large parts gone or come in one piece, and hardly a word changed besides: a cut-off capture.
fn incomplete(old: &Page, new: &Page, aligned: &Alignment) -> Option<Artifact> {
    let words = |page: &Page, at: &[usize]| at.iter().map(|at| page.sentences[*at].words.len()).sum::<usize>();
    let gone: Vec<usize> = aligned.removed.iter().map(|(at, _)| *at).collect();
    let come: Vec<usize> = aligned.added.iter().map(|(at, _)| *at).collect();
    let runs = |of: &[usize]| of.windows(2).filter(|two| two[1] > two[0] + 4).count() + usize::from(!of.is_empty());
    let pairs = aligned.pairs.len();
    let quiet = pairs <= 2;
    let (lost, won) = (words(old, &gone), words(new, &come));
    if quiet && lost * 5 >= old.word_count() * 2 && won * 50 <= new.word_count() && runs(&gone) <= 2 && lost > 60 {
        return Some(Artifact {
            caution: format!(
                "{lost} of the {} words of the old capture are missing in one piece and nothing took their place: the new \
                 capture may be cut off. Fetch it again before believing that they were taken out.",
                old.word_count()
            ),
            old: None,
            new: None,
        });
    }
    if quiet && won * 5 >= new.word_count() * 3 && lost * 50 <= old.word_count() && runs(&come) <= 2 && won > 60 {
        return Some(Artifact {
            caution: format!(
                "{won} of the {} words of the new capture came in one piece and nothing else changed: the old capture may have \
                 been cut off.",
                new.word_count()
            ),
            old: None,
            new: None,
        });
    }
    None
}

/// The date that an edition gives itself, as year, month and day, and where it stands. Only near the beginning or the
/// end, where editions are dated.
fn edition(rules: &Rules, document: &Document) -> Option<(Range<usize>, (u32, u32, u32))> {
    const NEAR: usize = 3000;
    let text = &document.text;
    let cut = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let head = &text[..cut(NEAR)];
    let tail_at = cut(text.len().saturating_sub(600));
    for (base, part) in [(0, head), (tail_at, &text[tail_at..])] {
        if let Some(found) = rules.edition.captures(part)
            && let (Some(whole), Some(date)) = (found.get(0), found.get(1))
        {
            return date_of(date.as_str()).map(|day| (base + whole.start()..base + whole.end(), day));
        }
    }
    None
}

fn date_of(text: &str) -> Option<(u32, u32, u32)> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = text.to_lowercase();
    let numbers: Vec<u32> = lower
        .split(|sign: char| !sign.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let month = MONTHS.iter().position(|month| lower.contains(month)).and_then(|at| u32::try_from(at + 1).ok());
    match (month, numbers.as_slice()) {
        (Some(month), [day, year]) => Some((*year, month, *day)),
        (None, [year, month, day]) if *year > 1000 => Some((*year, *month, *day)),
        _ => None,
    }
}

/// Whether a text of some length has hardly any of the commonest English words.
fn foreign(document: &Document) -> bool {
    const COMMON: [&str; 16] =
        ["the", "of", "and", "to", "a", "in", "or", "you", "we", "your", "our", "for", "is", "that", "with", "by"];
    let mut all = 0_usize;
    let mut english = 0_usize;
    for word in document.text.split(|sign: char| !sign.is_alphabetic()).filter(|word| !word.is_empty()).take(3000) {
        all += 1;
        english += usize::from(COMMON.contains(&word.to_lowercase().as_str()));
    }
    all > 150 && english * 12 < all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editions_are_dated_in_several_ways() {
        for (text, day) in [
            ("Last updated: March 4, 2025", (2025, 3, 4)),
            ("Effective as of 29th October 2025", (2025, 10, 29)),
            ("Last modified 2024-05-01", (2024, 5, 1)),
        ] {
            assert_eq!(edition(Rules::shipped(), &Document::from_text(text)).map(|(_, day)| day), Some(day), "{text}");
        }
        assert_eq!(edition(Rules::shipped(), &Document::from_text("We met on March 4, 2025.")), None);
    }

    #[test]
    fn languages_are_told_apart_when_there_is_enough() {
        let german =
            "Wir verarbeiten personenbezogene Daten nur nach Weisung und im Rahmen der Vereinbarung. ".repeat(20);
        assert!(foreign(&Document::from_text(&german)));
        assert!(!foreign(&Document::from_text("Wir verkaufen nichts.")));
        assert!(!foreign(&Document::from_text(
            &"We keep the data of a client for as long as you like it. ".repeat(20)
        )));
    }
}
