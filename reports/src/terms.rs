//! A company's terms over time: which pages are watched, when each was looked at, and what changed.

use provenote_schemas::disclosure::TermsWorsened;
use provenote_schemas::{Digest, Time};
use provenote_vendors::terms::{Change, Direction, TermsDiff};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::labels::capitalised;
use crate::note::counted;
use crate::outside::quoted;

/// One document of a company's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsRow {
    /// The source's id.
    pub source: String,
    /// What kind of document it is, such as `Privacy Policy`.
    pub terms_type: String,
    /// Where it is fetched or read from.
    pub address: String,
    /// Since when it is watched.
    pub tracked_since: Option<Time>,
    /// When it was last looked at, whatever came of it.
    pub last_checked: Option<Time>,
    /// What came of it.
    pub last_outcome: Option<TermsOutcome>,
    /// How many versions are kept.
    pub versions: u64,
    /// What it newly permits, while nobody has settled it.
    pub worsened: Option<TermsWorsened>,
    /// What is known of its past, in order of time.
    pub checks: Vec<TermsCheck>,
}

/// One look at a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsCheck {
    /// When.
    pub at: Time,
    /// Its entry, where it has one of its own.
    pub seq: Option<u64>,
    /// What came of it.
    pub outcome: TermsOutcome,
    /// Why there are no words, or why they may not be the document's.
    pub why: Option<String>,
    /// SHA-256 of the text.
    pub sha256: Option<Digest>,
    /// What changed since the version before.
    pub diff: Option<TermsDiff>,
    /// How long the words stood that were taken back, in milliseconds.
    pub came_back_after_ms: Option<i64>,
}

/// What came of a look at a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsOutcome {
    /// The first version.
    First,
    /// A version that others had kept and that was read in.
    Imported,
    /// The same words.
    Unchanged,
    /// The same words in another form.
    FormOnly,
    /// Other words.
    Changed,
    /// The words of the version before the last are back.
    CameBack,
    /// The page was not given out, or something else in its place.
    Blocked,
    /// Nothing arrived.
    Failed,
}

impl TermsOutcome {
    /// Every outcome.
    pub const ALL: [Self; 8] = [
        Self::First,
        Self::Imported,
        Self::Unchanged,
        Self::FormOnly,
        Self::Changed,
        Self::CameBack,
        Self::Blocked,
        Self::Failed,
    ];

    /// The word in the ledger's facts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Imported => "imported",
            Self::Unchanged => "unchanged",
            Self::FormOnly => "form_only",
            Self::Changed => "changed",
            Self::CameBack => "came_back",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }

    /// The outcome a word of the ledger's facts stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// In a few words that no other outcome has.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::First => "First version kept",
            Self::Imported => "Older version read in",
            Self::Unchanged => "Unchanged: the same words",
            Self::FormOnly => "Only its form changed",
            Self::Changed => "Changed",
            Self::CameBack => "The words of before are back",
            Self::Blocked => "Fetch blocked: its words on that day are not known",
            Self::Failed => "Fetch failed: its words on that day are not known",
        }
    }

    /// True where nothing is known of the words.
    pub(crate) const fn is_blind(self) -> bool {
        matches!(self, Self::Blocked | Self::Failed)
    }
}

/// Whom a change serves, in words that follow a colon.
const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Better => "for the better",
        Direction::Worse => "for the worse",
        Direction::PartlyBetter => "for the better in part: a use was limited and goes on",
        Direction::Mixed => "some for the better, some for the worse",
        Direction::None => "nothing about the use of data",
    }
}

/// A length of time in the unit a person would take.
fn span(ms: i64) -> String {
    let minutes = usize::try_from(ms.max(0) / 60_000).unwrap_or(usize::MAX);
    match minutes {
        0..120 => counted(minutes, "minute", "minutes"),
        120..2_880 => counted(minutes / 60, "hour", "hours"),
        _ => counted(minutes / 1_440, "day", "days"),
    }
}

/// A change with both quotes.
fn change(change: &Change) -> Value {
    let place = |start: Option<usize>, end: Option<usize>| match (start, end) {
        (Some(start), Some(end)) => format!("characters {start} to {end}"),
        _ => String::new(),
    };
    json!({
        "kind": capitalised(&change.kind.replace('_', " ")),
        "direction": direction(change.direction),
        "worse": matches!(change.direction, Direction::Worse | Direction::Mixed),
        "old": quoted(&change.old_quote),
        "old_at": place(change.old_start, change.old_end),
        "new": quoted(&change.new_quote),
        "new_at": place(change.new_start, change.new_end),
    })
}

/// A check that has more to tell than its outcome.
fn detail(check: &TermsCheck, seen: usize) -> Option<Value> {
    let diff = check.diff.as_ref().filter(|diff| {
        !(diff.changes.is_empty() && diff.unconfirmed.is_empty() && diff.stays.is_empty() && diff.caution.is_none())
    })?;
    Some(json!({
        "number": seen + 1,
        "at": check.at,
        "seq": check.seq,
        "direction": direction(diff.direction),
        "worse": matches!(diff.direction, Direction::Worse | Direction::Mixed),
        "changes": diff.changes.iter().filter(|one| one.kind != "fetch_artifact").map(change).collect::<Vec<_>>(),
        "caution": diff.caution,
        "unconfirmed": diff.unconfirmed.iter().map(change).collect::<Vec<_>>(),
        "stays": diff.stays.iter().map(|passage| json!({
            "quote": quoted(&passage.quote), "at": format!("characters {} to {}", passage.start, passage.end),
        })).collect::<Vec<_>>(),
    }))
}

impl TermsRow {
    /// The outcome of the last look as a clause with its day; says so where nobody has looked.
    pub(crate) fn standing(&self) -> String {
        match (self.last_checked, self.last_outcome) {
            (Some(at), Some(outcome)) => format!("{}. {}", at.date(), outcome.words()),
            (Some(at), None) => at.date(),
            (None, _) => "Never looked at".to_owned(),
        }
    }

    /// The document with its past: looks of the same outcome one after another are one row.
    pub(crate) fn data(&self) -> Value {
        let mut rows: Vec<Value> = Vec::new();
        let mut details: Vec<Value> = Vec::new();
        let mut at = 0;
        while let Some(check) = self.checks.get(at) {
            let told = detail(check, details.len());
            let plain = |other: &&TermsCheck| {
                other.outcome == check.outcome && other.why == check.why && detail(other, 0).is_none()
            };
            let run = match (told.is_some(), check.outcome) {
                (
                    false,
                    TermsOutcome::Unchanged | TermsOutcome::FormOnly | TermsOutcome::Blocked | TermsOutcome::Failed,
                ) => self.checks.iter().skip(at).take_while(plain).count(),
                _ => 1,
            };
            let last = &self.checks[at + run - 1];
            let mut words = check.outcome.words().to_owned();
            if let Some(diff) = check.diff.as_ref().filter(|_| check.outcome == TermsOutcome::Changed) {
                words = match told {
                    Some(_) => format!("{words}: {}", direction(diff.direction)),
                    None => format!(
                        "{words} in {}, nothing about the use of data",
                        counted(diff.sentences_changed, "sentence", "sentences")
                    ),
                };
            }
            if let Some(ms) = check.came_back_after_ms {
                words = format!("{words} after {}", span(ms));
            }
            rows.push(json!({
                "from": check.at.date(),
                "to": (run > 1).then(|| last.at.date()),
                "entries": match (check.seq, last.seq) {
                    (Some(first), Some(last)) if run > 1 => format!("{first} to {last}"),
                    (Some(first), _) => first.to_string(),
                    (None, _) => "–".to_owned(),
                },
                "looks": run,
                "words": words,
                "blind": check.outcome.is_blind(),
                "why": check.why,
                "sha256": check.sha256.filter(|_| run == 1),
                "detail": told.is_some().then_some(details.len() + 1),
            }));
            details.extend(told);
            at += run;
        }
        json!({
            "type": self.terms_type,
            "address": self.address,
            "source": self.source,
            "since": self.tracked_since.map(Time::date),
            "standing": self.standing(),
            "blind": self.last_outcome.is_some_and(TermsOutcome::is_blind),
            "versions": counted(usize::try_from(self.versions).unwrap_or(usize::MAX), "version", "versions"),
            "worsened": self.worsened.as_ref().map(|worsened| json!({ "on": worsened.on, "what": worsened.what.join("; ") })),
            "rows": rows,
            "details": details,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(day: i64, outcome: TermsOutcome) -> TermsCheck {
        TermsCheck {
            at: Time::from_millis(1_795_291_200_000 + day * 86_400_000),
            seq: u64::try_from(day).ok(),
            outcome,
            why: None,
            sha256: None,
            diff: None,
            came_back_after_ms: None,
        }
    }

    #[test]
    fn looks_of_one_outcome_are_one_row_and_a_blocked_one_breaks_them() {
        use TermsOutcome::{Blocked, First, Unchanged};
        let checks = [First, Unchanged, Unchanged, Blocked, Unchanged].into_iter().zip(1..);
        let row = TermsRow {
            source: "src-1".into(),
            terms_type: "Privacy Policy".into(),
            address: "https://vendor.example/privacy".into(),
            tracked_since: None,
            last_checked: None,
            last_outcome: None,
            versions: 1,
            worsened: None,
            checks: checks.map(|(outcome, day)| check(day, outcome)).collect(),
        };
        let data = row.data();
        let looks: Vec<u64> =
            data["rows"].as_array().expect("rows").iter().filter_map(|row| row["looks"].as_u64()).collect();
        assert_eq!(looks, [1, 2, 1, 1]);
        assert_eq!(data["rows"][1]["entries"], "2 to 3");
        assert_eq!(data["rows"][2]["blind"], true);
        assert_eq!(data["standing"], "Never looked at");
    }

    #[test]
    fn no_two_outcomes_share_their_words() {
        for outcome in TermsOutcome::ALL {
            assert_eq!(TermsOutcome::ALL.iter().filter(|other| other.words() == outcome.words()).count(), 1);
            assert_eq!(TermsOutcome::from_word(outcome.as_str()), Some(outcome));
        }
        assert_eq!(TermsOutcome::from_word("gone"), None);
    }

    #[test]
    fn a_span_is_told_in_the_unit_a_person_would_take() {
        assert_eq!(span(60_000), "1 minute");
        assert_eq!(span(7 * 3_600_000), "7 hours");
        assert_eq!(span(3 * 86_400_000), "3 days");
        assert_eq!(span(-1), "0 minutes");
    }
}
