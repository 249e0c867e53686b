//! The accounting of disclosures (45 CFR 164.528): what was disclosed of a client outside the practice in the six years
//! before they ask, but for what need not be told. `rules/disclosures.yaml` has the exclusions, each with its mark.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Months, Utc};
use provenote_schemas::Time;
use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/disclosures.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    years: u32,
    contents: String,
    answer: String,
    citation: String,
    verification: String,
    exclusions: Vec<Exclusion>,
}

/// A ground on which a disclosure need not be told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Its word.
    pub code: String,
    /// In a clause that begins with the purpose.
    pub says: String,
    /// The section.
    pub citation: String,
    /// How that was checked. Always shown with the citation.
    pub verification: String,
}

static LOADED: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

/// Every exclusion.
#[must_use]
pub fn exclusions() -> &'static [Exclusion] {
    LOADED.as_ref().map(|rules| rules.exclusions.as_slice()).unwrap_or_default()
}

/// The exclusion of that word.
#[must_use]
pub fn exclusion(code: &str) -> Option<&'static Exclusion> {
    exclusions().iter().find(|one| one.code == code)
}

/// What the law asks of an accounting, in sentences with the citation and its mark.
#[must_use]
pub fn rule() -> String {
    LOADED.as_ref().map_or_else(String::new, |rules| {
        format!("{} {} {} ({})", rules.contents, rules.answer, rules.citation, rules.verification)
    })
}

/// Where a disclosure is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Somebody recorded it, with recipient and purpose.
    Register,
    /// An entry tells that something left the records, and nobody has said yet to whom and what for.
    Entry,
}

/// Something that went outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Disclosed {
    /// The entry.
    pub seq: u64,
    /// When it was disclosed.
    pub time: Time,
    /// Where it is known from.
    pub source: Source,
    /// The name of who got it.
    pub recipient: Option<String>,
    /// Their address, if known.
    pub address: Option<String>,
    /// What it was, briefly.
    pub description: String,
    /// What for, briefly.
    pub purpose: Option<String>,
    /// The word of the exclusion, where one applies.
    pub exclusion: Option<String>,
}

/// The accounting of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// The first moment it covers.
    pub from: Time,
    /// The first moment it does not cover any more.
    pub to: Time,
    /// True where the client asked for a time before the six years.
    pub shortened: bool,
    /// What is to be told, in order of time.
    pub told: Vec<Disclosed>,
    /// What left the records and of which nobody has said to whom: a person is to say so before this is handed over.
    pub unsaid: Vec<Disclosed>,
    /// How many need not be told, by the word of the exclusion.
    pub left_out: BTreeMap<String, usize>,
    /// What the law asks, with its citation and mark.
    pub rule: String,
}

/// Makes the accounting of a time, no longer than the six years before it is asked for. An exclusion of an unknown word
/// leaves nothing out.
#[must_use]
pub fn accounting(all: Vec<Disclosed>, from: Option<Time>, to: Option<Time>, asked: Time) -> Accounting {
    let years = LOADED.as_ref().map_or(6, |rules| rules.years);
    let earliest = years_before(asked, years);
    let to = to.unwrap_or(asked.plus_seconds(1)).min(asked.plus_seconds(1));
    let start = from.unwrap_or(earliest).max(earliest);
    let (mut told, mut unsaid, mut left_out) = (Vec::new(), Vec::new(), BTreeMap::new());
    for one in all.into_iter().filter(|one| start <= one.time && one.time < to) {
        match one.exclusion.as_deref().and_then(exclusion) {
            Some(known) => *left_out.entry(known.code.clone()).or_insert(0) += 1,
            None if one.source == Source::Entry => unsaid.push(one),
            None => told.push(one),
        }
    }
    for list in [&mut told, &mut unsaid] {
        list.sort_by_key(|one| (one.time, one.seq));
    }
    Accounting {
        from: start,
        to,
        shortened: from.is_some_and(|from| from < earliest),
        told,
        unsaid,
        left_out,
        rule: rule(),
    }
}

fn years_before(time: Time, years: u32) -> Time {
    DateTime::<Utc>::from_timestamp_millis(time.millis())
        .and_then(|at| at.checked_sub_months(Months::new(years.saturating_mul(12))))
        .map_or(Time::from_millis(0), |at| Time::from_millis(at.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(seq: u64, time: &str, exclusion: Option<&str>, source: Source) -> Disclosed {
        Disclosed {
            seq,
            time: Time::parse(time).expect("a time"),
            source,
            recipient: (source == Source::Register).then(|| "County Court".to_owned()),
            address: None,
            description: "progress note".to_owned(),
            purpose: (source == Source::Register).then(|| "court order".to_owned()),
            exclusion: exclusion.map(str::to_owned),
        }
    }

    #[test]
    fn six_years_back_without_what_is_excluded() {
        let asked = Time::parse("2027-06-01T12:00:00Z").expect("a time");
        let all = vec![
            one(5, "2027-01-01", None, Source::Register),
            one(4, "2026-01-01", Some("treatment"), Source::Register),
            one(3, "2025-01-01", Some("no such word"), Source::Register),
            one(2, "2024-01-01", None, Source::Entry),
            one(1, "2021-05-31", None, Source::Register),
        ];
        let made = accounting(all, Some(Time::parse("2019-01-01").expect("a time")), None, asked);
        assert_eq!(made.told.iter().map(|one| one.seq).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(made.unsaid.iter().map(|one| one.seq).collect::<Vec<_>>(), [2]);
        assert_eq!(made.left_out, BTreeMap::from([("treatment".to_owned(), 1)]));
        assert!(made.shortened);
        assert_eq!(made.from.date(), "2021-06-01");
        assert!(made.rule.contains("164.528") && made.rule.contains("verified"));
    }

    #[test]
    fn every_exclusion_has_a_citation_and_a_mark() {
        assert_eq!(exclusions().len(), 10);
        for one in exclusions() {
            assert!(one.citation.contains("164.528(a)(1)"), "{}", one.code);
            assert!(
                one.verification.starts_with("verified from") || one.verification.contains("unverified"),
                "{}",
                one.code
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_of_the_time_is_lost(times in proptest::collection::vec(0_i64..400, 0..30), from in 0_i64..400, to in 0_i64..400) {
            let day = |n: i64| Time::from_millis(1_780_000_000_000 + n * 86_400_000);
            let all: Vec<Disclosed> = times.iter().enumerate().map(|(seq, at)| Disclosed {
                seq: seq as u64, time: day(*at), exclusion: exclusions().get(seq % 20).map(|one| one.code.clone()),
                ..one(0, "2027-01-01", None, if seq % 3 == 0 { Source::Entry } else { Source::Register })
            }).collect();
            let made = accounting(all, Some(day(from)), Some(day(to)), day(500));
            let within = times.iter().filter(|at| (from..to).contains(*at)).count();
            prop_assert_eq!(made.told.len() + made.unsaid.len() + made.left_out.values().sum::<usize>(), within);
        }
    }
}
