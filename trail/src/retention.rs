//! How long the trail is kept, and what may be sealed off: `rules/retention.yaml`.
//!
//! Six years is a policy choice, commonly inferred; no law says that an audit log is kept six years ([`statement`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, Months, Utc};
use provenote_schemas::Time;
use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/retention.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    years: u32,
    label: String,
    citation: String,
    verification: String,
    statement: String,
    statement_verification: String,
    in_effect: Basis,
    client: Basis,
    held: Basis,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Basis {
    basis: String,
    citation: String,
    verification: String,
}

impl Basis {
    fn in_words(&self) -> String {
        format!("{}: {} ({})", self.basis, self.citation, self.verification)
    }
}

static LOADED: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

/// The fewest years, and the default: a practice may keep longer, never shorter.
pub const LEAST_YEARS: u32 = 6;

/// The honest statement on six years, with its mark.
#[must_use]
pub fn statement() -> String {
    LOADED.as_ref().map_or_else(String::new, |rules| format!("{} ({})", rules.statement, rules.statement_verification))
}

/// The default in a line, as reports print it.
#[must_use]
pub fn label() -> String {
    LOADED.as_ref().map_or_else(String::new, |rules| {
        format!("{} years ({}; {}, {})", rules.years, rules.label, rules.citation, rules.verification)
    })
}

/// What of an entry decides how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aged<'a> {
    /// Its place.
    pub seq: u64,
    /// When it was written.
    pub time: Time,
    /// The client it is about.
    pub client: Option<&'a str>,
    /// The session it is about.
    pub session: Option<&'a str>,
    /// Until when what it records was in effect, where that is longer: a consent, an agreement, a right.
    pub in_effect_until: Option<Time>,
}

/// What a practice must keep beyond the years.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floors {
    /// The years a practice keeps its trail; fewer than [`LEAST_YEARS`] count as those.
    pub years: u32,
    /// Until when the records of a client are to be kept, by state.
    pub clients: BTreeMap<String, Time>,
    /// Clients and sessions that are held.
    pub held: BTreeSet<String>,
    /// Everything is held.
    pub everything_held: bool,
}

/// Until when an entry is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Until this moment.
    At(Time),
    /// While a hold lasts, and then until its time.
    Held,
}

/// Until when an entry is kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Until when.
    pub until: Until,
    /// The rule that decides, its citation and mark.
    pub basis: String,
}

impl Kept {
    /// True where the entry must still be kept.
    #[must_use]
    pub fn runs(&self, now: Time) -> bool {
        match self.until {
            Until::At(until) => now < until,
            Until::Held => true,
        }
    }
}

/// Until when an entry is kept: the latest of the years after it was written, the years after what it records was last in
/// effect, and the client's records; and not before a hold is lifted.
#[must_use]
pub fn kept(entry: &Aged<'_>, floors: &Floors) -> Kept {
    let rules = LOADED.as_ref();
    let in_words = |basis: fn(&Rules) -> &Basis| rules.map_or_else(String::new, |rules| basis(rules).in_words());
    let held = [entry.client, entry.session].into_iter().flatten().any(|id| floors.held.contains(id));
    if held || floors.everything_held {
        return Kept { until: Until::Held, basis: in_words(|rules| &rules.held) };
    }
    let years = floors.years.max(LEAST_YEARS);
    let mut latest = (years_after(entry.time, years), label());
    if years > LEAST_YEARS {
        latest.1 = format!("{years} years, by the practice's own choice; the default is {}", label());
    }
    if let Some(effect) = entry.in_effect_until.map(|until| years_after(until, years)).filter(|until| *until > latest.0)
    {
        latest = (effect, in_words(|rules| &rules.in_effect));
    }
    if let Some(floor) = entry.client.and_then(|client| floors.clients.get(client)).filter(|floor| **floor > latest.0) {
        latest = (*floor, in_words(|rules| &rules.client));
    }
    Kept { until: Until::At(latest.0), basis: latest.1 }
}

/// The entry that may not be sealed off yet, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stop {
    /// The entry.
    pub seq: u64,
    /// Until when and why.
    pub kept: Kept,
}

/// The first part of the ledger that may be sealed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sealable {
    /// The entries before this one may be sealed off.
    pub upto: u64,
    /// What is in the way of the next; none where the ledger ends there.
    pub stopped: Option<Stop>,
}

/// How many entries from the first on may be sealed off: a log is whole only from its beginning, so one entry that is still
/// to be kept keeps everything after it.
#[must_use]
pub fn sealable<'a>(entries: impl IntoIterator<Item = Aged<'a>>, floors: &Floors, now: Time) -> Sealable {
    let mut upto = 0;
    for entry in entries {
        let kept = kept(&entry, floors);
        if kept.runs(now) {
            return Sealable { upto: entry.seq, stopped: Some(Stop { seq: entry.seq, kept }) };
        }
        upto = entry.seq + 1;
    }
    Sealable { upto, stopped: None }
}

/// The moment so many years later; 29 February becomes 28 February. What is too far off to be written never comes.
fn years_after(time: Time, years: u32) -> Time {
    DateTime::<Utc>::from_timestamp_millis(time.millis())
        .and_then(|at| at.checked_add_months(Months::new(years.saturating_mul(12))))
        .map_or(Time::from_millis(i64::MAX), |at| Time::from_millis(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Time {
        Time::parse(text).expect("a time")
    }

    fn aged<'a>(time: &str, client: Option<&'a str>) -> Aged<'a> {
        Aged { seq: 0, time: at(time), client, session: None, in_effect_until: None }
    }

    #[test]
    fn six_years_and_the_words_say_whose_choice_that_is() {
        let kept = kept(&aged("2024-02-29T10:00:00Z", None), &Floors::default());
        assert_eq!(kept.until, Until::At(at("2030-02-28T10:00:00Z")));
        assert!(
            kept.basis.contains("policy choice, commonly inferred") && kept.basis.contains("verified from cfr-copy")
        );
        assert!(statement().contains("does not say that audit logs must be kept"));
        assert_eq!(LOADED.as_ref().map(|rules| rules.years), Some(LEAST_YEARS));
    }

    #[test]
    fn the_longest_rule_wins_and_a_hold_before_all() {
        let mut floors =
            Floors { years: 2, clients: BTreeMap::from([("cli-1".to_owned(), at("2040-01-01"))]), ..Floors::default() };
        let mine = aged("2026-01-01", Some("cli-1"));
        assert_eq!(kept(&mine, &floors).until, Until::At(at("2040-01-01")));
        assert_eq!(
            kept(&aged("2026-01-01", Some("cli-2")), &floors).until,
            Until::At(at("2032-01-01")),
            "never fewer than six"
        );
        let consent = Aged { in_effect_until: Some(at("2027-01-01")), ..aged("2026-01-01", None) };
        assert_eq!(kept(&consent, &floors).until, Until::At(at("2033-01-01")));
        floors.held.insert("ses-1".to_owned());
        let held = kept(&Aged { session: Some("ses-1"), ..mine }, &floors);
        assert_eq!(held.until, Until::Held);
        assert!(held.runs(at("2099-01-01")));
    }

    #[test]
    fn only_a_first_part_is_sealed_off() {
        let entries = [("2020-01-01", None), ("2020-01-02", Some("cli-1")), ("2020-01-03", None)];
        let entries = || entries.iter().zip(0..).map(|((time, client), seq)| Aged { seq, ..aged(time, *client) });
        let floors = Floors { clients: BTreeMap::from([("cli-1".to_owned(), at("2030-01-01"))]), ..Floors::default() };
        let found = sealable(entries(), &floors, at("2029-01-01"));
        assert_eq!(found.upto, 1);
        assert_eq!(found.stopped.map(|stop| stop.seq), Some(1));
        assert_eq!(sealable(entries(), &Floors::default(), at("2029-01-01")), Sealable { upto: 3, stopped: None });
        assert_eq!(sealable(entries(), &Floors::default(), at("2025-12-31")).upto, 0);
    }

    proptest! {
        #[test]
        fn nothing_younger_than_six_years_is_ever_sealed_off(days in proptest::collection::vec(0_i64..6000, 0..40), now in 0_i64..6000, years in 0_u32..12) {
            let day = |n: i64| Time::from_millis(1_400_000_000_000 + n * 86_400_000);
            let mut days = days;
            days.sort_unstable();
            let entries = days.iter().zip(0..).map(|(n, seq)| Aged { seq, time: day(*n), client: None, session: None, in_effect_until: None });
            let found = sealable(entries, &Floors { years, ..Floors::default() }, day(now));
            for n in days.iter().take(usize::try_from(found.upto).expect("few")) {
                prop_assert!(now - n >= 6 * 365, "{n} at {now}");
            }
        }
    }
}
