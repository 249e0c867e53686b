//! Dates and ages over 89: found by `rules/dates.yaml`, reduced to the year or shifted.

use chrono::{Datelike, Days, NaiveDate};
use provenote_schemas::numerals::{CARDINALS, ORDINALS, TENS};

use crate::found::{Found, Put};
use crate::identifier::Identifier;
use crate::patterns::{Match, Patterns};
use crate::{Dates, Options};

/// Where nobody says when a text was written, a year before this one may show an age over 89, and goes.
const OLD_WHEN_UNKNOWN: i32 = 1960;

/// The oldest age that may stand. 45 CFR 164.514(b)(2)(i)(C): "all ages over 89".
const OLDEST: i32 = 89;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A word for a number below a hundred, cardinal or ordinal.
fn small_number(word: &str) -> Option<i32> {
    let place = |list: &[&str]| list.iter().position(|one| *one == word);
    if let Some(at) = place(&CARDINALS).or_else(|| place(&ORDINALS)) {
        return i32::try_from(at).ok();
    }
    if let Some(at) = place(&TENS) {
        return i32::try_from((at + 2) * 10).ok();
    }
    match word {
        "oh" | "o" | "aught" => Some(0),
        "twentieth" => Some(20),
        "thirtieth" => Some(30),
        _ => None,
    }
}

/// `twenty-first`, `3rd`, `12`.
fn number(words: &str) -> Option<i32> {
    let digits: String = words.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        return digits.parse().ok();
    }
    let lower = words.to_lowercase();
    let mut sum = None;
    for word in lower.split([' ', '-']) {
        sum = Some(sum.unwrap_or(0) + small_number(word)?);
    }
    sum
}

/// `1984`, `'84`, `nineteen eighty-four`, `two thousand and five`. `now` settles the century of two digits.
fn year(words: &str, now: i32) -> Option<i32> {
    let lower = words.to_lowercase();
    let short = lower.trim_start_matches(['\'', '’']);
    if let Ok(value) = short.parse::<i32>() {
        return Some(match short.len() {
            2 if value <= now % 100 => now - now % 100 + value,
            2 => now - now % 100 - 100 + value,
            _ => value,
        });
    }
    let mut words = lower.split([' ', '-', ',']).filter(|word| !word.is_empty() && *word != "and");
    let first = small_number(words.next()?)?;
    let (mut sum, mut hundreds) = (0, first * 100);
    for word in words {
        match word {
            "thousand" => hundreds = first * 1000,
            "hundred" => {}
            word => sum += small_number(word)?,
        }
    }
    Some(hundreds + sum)
}

fn month(word: &str) -> Option<u32> {
    if let Ok(number) = word.parse::<u32>() {
        return (1..=12).contains(&number).then_some(number);
    }
    let lower = word.to_lowercase();
    MONTHS.iter().position(|month| lower.starts_with(month)).and_then(|at| u32::try_from(at + 1).ok())
}

/// What is written for a date.
fn written(found: &Match<'_>, options: &Options) -> String {
    let now = options.written.unwrap_or(2030);
    let y = found.year.and_then(|words| year(words, now)).filter(|y| (1800..=2199).contains(y));
    let y = y.filter(|y| !is_old(*y, options));
    let mut m = found.month.and_then(month);
    let mut d = found.day.and_then(number).and_then(|d| u32::try_from(d).ok());
    // 31/12/2020 is no American date.
    if let (None, Some(first), Some(second)) = (m, found.month.and_then(number), d)
        && first > 12
        && (1..=12).contains(&second)
    {
        m = Some(second);
        d = u32::try_from(first).ok();
    }
    match options.dates {
        Dates::Years => y.map_or_else(|| "date".to_owned(), |y| format!("date:{y:04}")),
        Dates::Shifted { days } => shifted(y, found.year.is_some(), m, d, days.get(), options),
    }
}

fn shifted(y: Option<i32>, had_year: bool, m: Option<u32>, d: Option<u32>, days: i32, options: &Options) -> String {
    let by = |date: NaiveDate| {
        let count = Days::new(u64::from(days.unsigned_abs()));
        if days < 0 { date.checked_sub_days(count) } else { date.checked_add_days(count) }
    };
    let moved = match (y, m, d) {
        (Some(y), Some(m), Some(d)) => NaiveDate::from_ymd_opt(y, m, d)
            .and_then(by)
            .filter(|date| !is_old(date.year(), options))
            .map(|date| date.format("date:%Y-%m-%d").to_string()),
        // The middle of the month stands for a month.
        (Some(y), Some(m), None) => NaiveDate::from_ymd_opt(y, m, 15)
            .and_then(by)
            .filter(|date| !is_old(date.year(), options))
            .map(|date| date.format("date:%Y-%m").to_string()),
        (Some(y), None, _) => Some(format!("date:{y:04}")),
        (None, Some(m), Some(d)) if !had_year => {
            let y = options.written.unwrap_or(2001);
            NaiveDate::from_ymd_opt(y, m, d)
                .or_else(|| NaiveDate::from_ymd_opt(2000, m, d))
                .and_then(by)
                .map(|date| date.format("date:%m-%d").to_string())
        }
        _ => None,
    };
    // A year of four digits only: a tag has no other form.
    moved.filter(|tag| tag.as_bytes().get(5).is_some_and(u8::is_ascii_digit)).unwrap_or_else(|| "date".to_owned())
}

/// True for a year that, as a year of birth or of anything else in a life, shows an age over 89.
fn is_old(year: i32, options: &Options) -> bool {
    options.written.map_or(year < OLD_WHEN_UNKNOWN, |written| year < written - OLDEST)
}

/// The dates and ages of a text.
pub(crate) fn find(text: &str, patterns: &Patterns, options: &Options) -> Vec<Found> {
    let mut out = Vec::new();
    for rule in &patterns.dates {
        for found in rule.find(text) {
            let put = match rule.put.as_str() {
                // A year alone may stand, but for one that shows an age over 89.
                "year" => {
                    let now = options.written.unwrap_or(2030);
                    match found.year.and_then(|words| year(words, now)) {
                        Some(y) if is_old(y, options) => "date".to_owned(),
                        _ => continue,
                    }
                }
                "date" => written(&found, options),
                other => other.to_owned(),
            };
            out.push(Found::new(found.at, Identifier::Date, Put::Words(put), 40));
        }
    }
    for rule in &patterns.ages {
        out.extend(
            rule.find(text)
                .into_iter()
                .map(|found| Found::new(found.at, Identifier::Date, Put::Words(rule.put.clone()), 45)),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroI32;

    use super::*;

    fn of(text: &str, options: &Options) -> Vec<(String, String)> {
        let patterns = crate::patterns::patterns().expect("the rules are readable");
        crate::found::settle(find(text, patterns, options))
            .into_iter()
            .map(|found| {
                let Put::Words(put) = found.put else { panic!("a date is written in words") };
                (text[found.at].to_owned(), put)
            })
            .collect()
    }

    #[test]
    fn years_are_read_in_every_form() {
        for (words, expect) in [
            ("1984", 1984),
            ("'84", 1984),
            ("86", 1986),
            ("19", 2019),
            ("nineteen eighty-four", 1984),
            ("nineteen oh five", 1905),
            ("two thousand nineteen", 2019),
            ("two thousand and five", 2005),
            ("twenty nineteen", 2019),
            ("nineteen hundred", 1900),
        ] {
            assert_eq!(year(words, 2024), Some(expect), "{words}");
        }
    }

    #[test]
    fn dates_become_years() {
        let options = Options { dates: Dates::Years, written: Some(2024) };
        let one = |text: &str| of(text, &options).into_iter().map(|(_, put)| put).collect::<Vec<_>>();
        assert_eq!(one("seen 03/14/2024."), ["date:2024"]);
        assert_eq!(one("on the third of May nineteen eighty-four"), ["date:1984"]);
        assert_eq!(one("born January 8, 1923"), ["date"]);
        assert_eq!(one("in nineteen thirty-one"), ["date"]);
        assert_eq!(one("in 2020 I lost it"), Vec::<String>::new());
        assert_eq!(one("Thanksgiving 2021"), ["holiday"]);
    }

    #[test]
    fn a_shift_keeps_intervals() {
        let options =
            Options { dates: Dates::Shifted { days: NonZeroI32::new(-40).expect("not zero") }, written: Some(2024) };
        assert_eq!(
            of("from 02/20/2024 to March 1, 2024", &options),
            [
                ("02/20/2024".to_owned(), "date:2024-01-11".to_owned()),
                ("March 1, 2024".to_owned(), "date:2024-01-21".to_owned())
            ]
        );
        assert_eq!(of("31.12.2020", &options)[0].1, "date:2020-11-21");
        assert_eq!(of("in June of 2018", &options)[0].1, "date:2018-05");
    }
}
