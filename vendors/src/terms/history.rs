//! The versions of a document in sequence.
//!
//! Where they come from (a git folder of Open Terms Archive, a folder of files, the practice's own store) is the edge's
//! affair: it hands over times and documents, oldest first.

use std::collections::HashMap;

use super::rules::Rules;
use super::sentences::Page;
use super::{Reader, TermsDiff};
use crate::reading::Document;

/// A version that is back at what stood before within this time (three days, in milliseconds) was a flip: a capture that
/// failed, or a publication taken back.
pub const FLIP_WINDOW_MS: i64 = 3 * 24 * 60 * 60 * 1000;

/// What happened from one version to the next that differs.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// The words changed.
    Changed,
    /// The words changed and, within [`FLIP_WINDOW_MS`], changed back. The differences are in `unconfirmed`.
    Flip {
        /// When the earlier words were back, in milliseconds since 1970.
        back: i64,
    },
    /// The words changed back, later, to those of an earlier version.
    Returned {
        /// When those were first seen, in milliseconds since 1970.
        to: i64,
    },
}

/// A step of a history. Versions that differ in form alone make none.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When the words before were last seen, in milliseconds since 1970.
    pub from: i64,
    /// When the new ones were first seen.
    pub to: i64,
    /// What happened.
    pub turn: Turn,
    /// The differences.
    pub diff: TermsDiff,
}

/// All steps of a history, by the rules that come with Provenote. Times are in milliseconds since 1970, oldest first.
pub fn history(versions: impl IntoIterator<Item = (i64, Document)>) -> Vec<Step> {
    History::new(Rules::shipped(), versions).collect()
}

struct Version {
    document: Document,
    page: Page,
    /// When it was last seen.
    seen: i64,
}

struct Waiting {
    version: Version,
    step: Step,
}

/// Walks a history version by version and holds no more than three of them. A step comes out when the next version shows
/// that it stays, or when its time has passed.
pub struct History<'r, I> {
    versions: I,
    reader: Reader<'r>,
    standing: Option<Version>,
    waiting: Option<Waiting>,
    /// When each wording was first seen.
    first_seen: HashMap<u64, i64>,
}

impl<'r, I: Iterator<Item = (i64, Document)>> History<'r, I> {
    /// Walks these versions, oldest first, by these rules.
    pub fn new(rules: &'r Rules, versions: impl IntoIterator<IntoIter = I, Item = (i64, Document)>) -> Self {
        Self {
            versions: versions.into_iter(),
            reader: Reader::new(rules),
            standing: None,
            waiting: None,
            first_seen: HashMap::new(),
        }
    }

    /// The step that waited stands now.
    fn settle(&mut self) -> Option<Step> {
        let waiting = self.waiting.take()?;
        self.first_seen.entry(waiting.version.page.fingerprint).or_insert(waiting.step.to);
        self.standing = Some(waiting.version);
        Some(waiting.step)
    }

    /// Compares a version with the standing one and lets the difference wait.
    fn hold(&mut self, mut version: Version) {
        let Some(standing) = &mut self.standing else {
            self.first_seen.insert(version.page.fingerprint, version.seen);
            self.standing = Some(version);
            return;
        };
        let diff =
            self.reader.compare((&standing.document, &mut standing.page), (&version.document, &mut version.page));
        let (from, to) = (standing.seen, version.seen);
        if diff.sentences_changed == 0 {
            *standing = version;
            return;
        }
        let turn = match self.first_seen.get(&version.page.fingerprint) {
            Some(first) => Turn::Returned { to: *first },
            None => Turn::Changed,
        };
        self.waiting = Some(Waiting { version, step: Step { from, to, turn, diff } });
    }
}

impl<I: Iterator<Item = (i64, Document)>> Iterator for History<'_, I> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            let Some((time, document)) = self.versions.next() else {
                return self.settle();
            };
            let page = self.reader.page(&document);
            let version = Version { document, page, seen: time };
            if let Some(mut waiting) = self.waiting.take() {
                if version.page.fingerprint == waiting.version.page.fingerprint {
                    waiting.version.seen = time;
                    self.waiting = Some(waiting);
                    continue;
                }
                let back = self
                    .standing
                    .as_ref()
                    .is_some_and(|standing| standing.page.fingerprint == version.page.fingerprint);
                if back && time.saturating_sub(waiting.step.to) <= FLIP_WINDOW_MS {
                    if let Some(standing) = &mut self.standing {
                        standing.seen = time;
                    }
                    return Some(flip(waiting.step, time));
                }
                self.waiting = Some(waiting);
                let settled = self.settle();
                self.hold(version);
                return settled;
            }
            self.hold(version);
        }
    }
}

/// A step that was taken back.
fn flip(step: Step, back: i64) -> Step {
    let Step { from, to, diff, .. } = step;
    let unconfirmed = if diff.unconfirmed.is_empty() { diff.changes.clone() } else { diff.unconfirmed };
    let hours = back.saturating_sub(to) / 3_600_000;
    let caution = diff.caution.unwrap_or_else(|| {
        format!("The words were back at what they had been {hours} hours later: a capture that failed, or a text taken back.")
    });
    Step {
        from,
        to,
        turn: Turn::Flip { back },
        diff: TermsDiff {
            changes: Vec::new(),
            caution: Some(caution),
            unconfirmed,
            direction: super::Direction::None,
            ..diff
        },
    }
}

impl<I> std::fmt::Debug for History<'_, I> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("History").field("waiting", &self.waiting.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Direction;

    const HOUR: i64 = 3_600_000;
    const A: &str = "We keep recordings for 30 days.\n\nWe do not sell personal information.\n\nWrite to us.\n";
    const B: &str =
        "We keep recordings for 30 days.\n\nWe may sell personal information to partners.\n\nWrite to us.\n";

    fn steps(versions: &[(i64, &str)]) -> Vec<Step> {
        history(versions.iter().map(|(time, text)| (*time, Document::from_markdown(text))))
    }

    #[test]
    fn a_flip_is_one_step_and_no_alarm() {
        let found = steps(&[(0, A), (10 * HOUR, B), (22 * HOUR, A), (50 * HOUR, A)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].from, found[0].to), (0, 10 * HOUR));
        assert_eq!(found[0].turn, Turn::Flip { back: 22 * HOUR });
        assert_eq!(found[0].diff.direction, Direction::None);
        assert!(found[0].diff.changes.is_empty());
        assert_eq!(found[0].diff.unconfirmed[0].kind, "sale_added");
    }

    #[test]
    fn what_stays_is_told_and_so_is_a_late_return() {
        let found = steps(&[(0, A), (HOUR, B), (2 * HOUR, B), (500 * HOUR, A)]);
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0].turn, found[0].diff.direction), (&Turn::Changed, Direction::Worse));
        assert_eq!(found[1].from, 2 * HOUR, "the words before were last seen then");
        assert_eq!((&found[1].turn, found[1].diff.direction), (&Turn::Returned { to: 0 }, Direction::Better));
    }

    #[test]
    fn form_alone_makes_no_step() {
        assert_eq!(steps(&[(0, A), (HOUR, &A.replace("\n\n", "\n\n\n")), (2 * HOUR, &format!("{A}\n{A}"))]), []);
        assert_eq!(steps(&[]), []);
    }
}
