//! Lengths of time as contracts write them: "forty-eight (48) hours", "fourteen business (14) days", "10-day".

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

/// What a length of time is counted in. Weeks are counted as seven days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Hours,
    Days,
    BusinessDays,
    Months,
    Years,
}

/// A length of time found in folded lower-case text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duration {
    /// How many units.
    pub value: u32,
    /// The unit.
    pub unit: Unit,
    /// True where "calendar" is said.
    pub calendar: bool,
    /// True where words and figures differ, as in "thirty (10) days".
    pub differs: bool,
    /// Where it stands, in bytes of the text searched.
    pub at: Range<usize>,
}

impl Duration {
    /// The longest it can be in calendar days: a business day is at least 1.4 of them.
    pub fn calendar_days(&self) -> f64 {
        let value = f64::from(self.value);
        match self.unit {
            Unit::Hours => value / 24.0,
            Unit::Days => value,
            Unit::BusinessDays => value * 1.4,
            Unit::Months => value * 30.4,
            Unit::Years => value * 365.0,
        }
    }
}

const WORDS: &str = "(?:a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fourty|fifty|sixty|seventy|eighty|ninety|hundred)";

static LENGTH: LazyLock<Regex> = LazyLock::new(|| {
    let words = format!(r"{WORDS}(?:[ -](?:and )?{WORDS})*");
    let number = format!(r"(?:{words}|\d{{1,4}})");
    let kind = r"(calendar|consecutive|business|working|banking|full|clear)";
    Regex::new(&format!(
        r"\b({number})?(?:[ -]*{kind})?[ -]*(?:\( ?({number})(?:[ -]*{kind})? ?\))?[ -]*{kind}?[ -]*(hours?|hrs?|days?|weeks?|months?|years?)\b(\))?"
    ))
    .expect("a constant expression, used by the tests")
});

/// Every length of time in `text`, which is folded and in lower case.
pub fn durations(text: &str) -> Vec<Duration> {
    let mut found = Vec::new();
    for caught in LENGTH.captures_iter(text) {
        let whole = caught.get(0).expect("group 0 is the match").range();
        let first = caught.get(1).map(|group| group.as_str());
        let second = caught.get(3).map(|group| group.as_str());
        let (Some(value), differs) = (match (first.and_then(number), second.and_then(number)) {
            (Some(a), Some(b)) => (Some(b), a != b),
            (Some(a), None) => (Some(a), false),
            (None, b) => (b, false),
        }) else {
            continue;
        };
        // "a day", "an hour" are figures of speech unless a limit stands before them.
        if matches!(first, Some("a" | "an")) && second.is_none() && !text[..whole.start].trim_end().ends_with("within")
        {
            continue;
        }
        let kinds: Vec<&str> = [2, 4, 5].iter().filter_map(|at| caught.get(*at)).map(|group| group.as_str()).collect();
        let business = kinds.iter().any(|kind| matches!(*kind, "business" | "working" | "banking"));
        let (value, unit) = match caught.get(6).map_or("", |group| group.as_str()).as_bytes().first() {
            Some(b'h') if business => (value, Unit::Hours),
            Some(b'h') => (value, Unit::Hours),
            Some(b'd') if business => (value, Unit::BusinessDays),
            Some(b'd') => (value, Unit::Days),
            Some(b'w') => (value * 7, Unit::Days),
            Some(b'm') => (value, Unit::Months),
            _ => (value, Unit::Years),
        };
        let calendar = kinds.iter().any(|kind| matches!(*kind, "calendar" | "consecutive"));
        found.push(Duration { value, unit, calendar, differs, at: whole });
    }
    found
}

/// A number in figures or words, up to 9,999.
fn number(text: &str) -> Option<u32> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let mut total = 0;
    for word in text.split([' ', '-']).filter(|word| !word.is_empty() && *word != "and") {
        let value = match word {
            "a" | "an" | "one" => 1,
            "two" => 2,
            "three" => 3,
            "four" => 4,
            "five" => 5,
            "six" => 6,
            "seven" => 7,
            "eight" => 8,
            "nine" => 9,
            "ten" => 10,
            "eleven" => 11,
            "twelve" => 12,
            "thirteen" => 13,
            "fourteen" => 14,
            "fifteen" => 15,
            "sixteen" => 16,
            "seventeen" => 17,
            "eighteen" => 18,
            "nineteen" => 19,
            "twenty" => 20,
            "thirty" => 30,
            "forty" | "fourty" => 40,
            "fifty" => 50,
            "sixty" => 60,
            "seventy" => 70,
            "eighty" => 80,
            "ninety" => 90,
            "hundred" => {
                total = if total == 0 { 100 } else { total * 100 };
                continue;
            }
            _ => return None,
        };
        total += value;
    }
    (total > 0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::{Unit, durations};

    #[test]
    fn contracts_write_numbers_in_many_ways() {
        let cases = [
            ("within forty-eight (48) hours of", 48, Unit::Hours),
            ("no less than fourteen business (14) days from", 14, Unit::BusinessDays),
            ("a 10-day period", 10, Unit::Days),
            ("within one hundred and twenty days", 120, Unit::Days),
            ("in (5) working days", 5, Unit::BusinessDays),
            ("sixty (60) calendar days", 60, Unit::Days),
            ("two weeks after", 14, Unit::Days),
            ("5 (five) business days", 5, Unit::BusinessDays),
            ("within a day", 1, Unit::Days),
        ];
        for (text, value, unit) in cases {
            let found = durations(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].value, found[0].unit, found[0].differs), (value, unit, false), "{text}");
        }
    }

    #[test]
    fn words_and_figures_that_differ_are_told() {
        assert!(durations("thirty (10) days")[0].differs);
    }
}
