//! Terms that change: what a new version of a vendor's terms or privacy policy permits that the old one did not, and
//! what it promises no longer.
//!
//! Changes of form (links, white space, numbering, navigation, typography, parts moved, a document captured twice, dates
//! of editions, addresses, new names) are no changes. Both quotes of a change stand in their documents at the positions
//! given. The rules are data: see `rules/terms`. This is not legal advice.

mod aligning;
mod archive;
mod capture;
mod declaration;
mod history;
mod judging;
mod rules;
mod sentences;
mod statements;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use archive::{dated_name, version_path};
pub use declaration::{Declaration, DeclarationError, Range as RangeSelector, Selector, Source, Terms, TermsType};
pub use history::{FLIP_WINDOW_MS, History, Step, Turn, history};
pub use rules::{RuleFiles, Rules, RulesError};

use crate::reading::Document;
use judging::{Judged, Memory};
use sentences::{Page, Seen};

/// Whom a change serves, from the side of the people whose data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The vendor may do less, or promises more.
    Better,
    /// The vendor may do more, or promises less.
    Worse,
    /// Better in part: a use was limited and goes on.
    PartlyBetter,
    /// Some for better, some for worse.
    Mixed,
    /// Nothing about the use of data.
    None,
}

/// One change in what happens to data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What happened: `training_use_added`, `no_sale_promise_removed`, `retention_extended`, `fetch_artifact`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about: `training`, `sharing`, `sale`, `license`, `retention`, `deidentified`, `rights`, ...
    pub topic: String,
    /// Whom it serves.
    pub direction: Direction,
    /// What the old version says; empty where it says nothing.
    pub old_quote: String,
    /// What the new version says; empty where it says nothing.
    pub new_quote: String,
    /// Where the old quote begins in the old text, in characters.
    pub old_start: Option<usize>,
    /// Where it ends.
    pub old_end: Option<usize>,
    /// Where the new quote begins in the new text, in characters.
    pub new_start: Option<usize>,
    /// Where it ends.
    pub new_end: Option<usize>,
}

/// A passage of the new version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// Its words.
    pub quote: String,
    /// Where it begins in the new text, in characters.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// What changed between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsDiff {
    /// All changes together.
    pub direction: Direction,
    /// In the order of the new version; what only the old one says comes last.
    pub changes: Vec<Change>,
    /// Where training became better in part: what still permits it.
    pub stays: Vec<Passage>,
    /// Why the new version may be none: the page was blocked, cut off, or an older edition. Then `changes` holds that
    /// alone, and what a comparison would have found stands in `unconfirmed`.
    pub caution: Option<String>,
    /// Changes that wait for a later capture to say the same.
    pub unconfirmed: Vec<Change>,
    /// How many sentences differ in their words, whether or not it matters for data.
    pub sentences_changed: usize,
}

impl TermsDiff {
    fn none() -> Self {
        Self {
            direction: Direction::None,
            changes: Vec::new(),
            stays: Vec::new(),
            caution: None,
            unconfirmed: Vec::new(),
            sentences_changed: 0,
        }
    }
}

/// Compares two versions by the rules that come with Provenote.
#[must_use]
pub fn diff(old: &Document, new: &Document) -> TermsDiff {
    diff_by(Rules::shipped(), old, new)
}

/// Compares two versions by these rules.
#[must_use]
pub fn diff_by(rules: &Rules, old: &Document, new: &Document) -> TermsDiff {
    let mut reader = Reader::new(rules);
    let (mut before, mut after) = (reader.page(old), reader.page(new));
    reader.compare((old, &mut before), (new, &mut after))
}

/// Compares many versions of one document; what was read once is not read again.
#[derive(Debug)]
struct Reader<'r> {
    rules: &'r Rules,
    seen: Seen,
    memory: Memory,
    pages: usize,
}

/// After so many pages, what was remembered of them is let go.
const REMEMBERED: usize = 400;

impl<'r> Reader<'r> {
    fn new(rules: &'r Rules) -> Self {
        Self { rules, seen: Seen::default(), memory: Memory::default(), pages: 0 }
    }

    fn page(&mut self, document: &Document) -> Page {
        self.pages += 1;
        if self.pages.is_multiple_of(REMEMBERED) {
            self.seen.forget();
            self.memory.forget();
        }
        Page::read(self.rules, document, &mut self.seen)
    }

    fn compare(&mut self, old: (&Document, &mut Page), new: (&Document, &mut Page)) -> TermsDiff {
        if old.1.fingerprint == new.1.fingerprint {
            return TermsDiff::none();
        }
        let aligned = aligning::align(old.1, new.1);
        if aligned.is_same() {
            return TermsDiff::none();
        }
        let sentences_changed = aligned.pairs.len() + aligned.removed.len() + aligned.added.len();
        let verdict = judging::judge(self.rules, &mut self.memory, old.1, new.1, &aligned);
        let changes: Vec<Change> = verdict.changes.iter().map(|one| self.change(one, &old, &new)).collect();
        if let Some(artifact) = capture::artifact(self.rules, (old.0, &*old.1), (new.0, &*new.1), &aligned) {
            let (old_quote, old_at) = quote(old.0, artifact.old);
            let (new_quote, new_at) = quote(new.0, artifact.new);
            return TermsDiff {
                direction: Direction::None,
                changes: vec![Change {
                    kind: "fetch_artifact".to_owned(),
                    topic: "capture".to_owned(),
                    direction: Direction::None,
                    old_quote,
                    new_quote,
                    old_start: old_at.as_ref().map(|at| at.start),
                    old_end: old_at.map(|at| at.end),
                    new_start: new_at.as_ref().map(|at| at.start),
                    new_end: new_at.map(|at| at.end),
                }],
                stays: Vec::new(),
                caution: Some(artifact.caution),
                unconfirmed: changes,
                sentences_changed,
            };
        }
        let stays = verdict
            .stays
            .iter()
            .filter_map(|at| {
                let (quote, at) = quote(new.0, Some(new.1.sentences[*at].range.clone()));
                at.map(|at| Passage { quote, start: at.start, end: at.end })
            })
            .collect();
        TermsDiff {
            direction: verdict.direction,
            changes,
            stays,
            caution: None,
            unconfirmed: Vec::new(),
            sentences_changed,
        }
    }

    fn change(&self, judged: &Judged, old: &(&Document, &mut Page), new: &(&Document, &mut Page)) -> Change {
        let (old_quote, old_at) = quote(old.0, judged.old.map(|at| old.1.sentences[at].range.clone()));
        let (new_quote, new_at) = quote(new.0, judged.new.map(|at| new.1.sentences[at].range.clone()));
        Change {
            kind: judged.kind.clone(),
            topic: self.rules.topics[judged.topic].id.clone(),
            direction: judged.direction,
            old_quote,
            new_quote,
            old_start: old_at.as_ref().map(|at| at.start),
            old_end: old_at.map(|at| at.end),
            new_start: new_at.as_ref().map(|at| at.start),
            new_end: new_at.map(|at| at.end),
        }
    }
}

/// The words at a range of bytes, and the range in characters.
fn quote(document: &Document, range: Option<Range<usize>>) -> (String, Option<Range<usize>>) {
    let Some(range) = range else { return (String::new(), None) };
    let Some(words) = document.text.get(range.clone()) else { return (String::new(), None) };
    let start = document.char_offset(range.start);
    (words.to_owned(), Some(start..start + words.chars().count()))
}
