//! Numbers in words and digits, with their units; days, months, times and frequencies.

use provenote_schemas::numerals::{CARDINALS, ORDINALS, TENS};

use super::lexicon::lexicon;
use super::tokens::{Mark as Punctuation, Token};

/// A number as it was said: `fifty milligrams`, `6/10`, `three times`, `at ten thirty`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) value: f64,
    /// The upper end of its scale: `6/10` has 10.
    pub(crate) of: Option<f64>,
    pub(crate) unit: Option<String>,
    pub(crate) surface: String,
    /// Tokens it was read from.
    pub(crate) at: std::ops::Range<usize>,
}

/// A word of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeMark {
    pub(crate) kind: TimeKind,
    pub(crate) value: String,
    pub(crate) surface: String,
    pub(crate) at: std::ops::Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeKind {
    Weekday,
    Month,
    Daypart,
    Frequency,
    /// `two weeks ago`
    Ago,
    /// `yesterday`, `next week`
    Relative,
    /// `sometimes`, `most nights`
    Share,
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn place(list: &[&str], word: &str) -> Option<f64> {
    list.iter().position(|entry| *entry == word).and_then(|at| u32::try_from(at).ok()).map(f64::from)
}

fn text_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

fn surface(tokens: &[Token], range: std::ops::Range<usize>) -> String {
    tokens[range].iter().map(|token| token.surface.as_str()).collect::<Vec<_>>().join(" ")
}

/// The number that begins at a token: its value and the tokens it takes.
fn number(tokens: &[Token], start: usize) -> Option<(f64, usize)> {
    let word = text_at(tokens, start);
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        if let Some((hours, minutes)) = word.split_once(':') {
            return Some((hours.parse::<f64>().ok()? + minutes.parse::<f64>().ok()? / 100.0, 1));
        }
        let value = word.replace(',', "").parse::<f64>().ok()?;
        let ordinal = matches!(text_at(tokens, start + 1), "st" | "nd" | "rd" | "th");
        return Some((value, 1 + usize::from(ordinal)));
    }
    match (word, text_at(tokens, start + 1)) {
        ("half", "past") => {
            let (hour, used) = number(tokens, start + 2)?;
            return Some((hour + 0.30, used + 2));
        }
        ("quarter", "past") => {
            let (hour, used) = number(tokens, start + 2)?;
            return Some((hour + 0.15, used + 2));
        }
        ("quarter", "to") => {
            let (hour, used) = number(tokens, start + 2)?;
            return Some((hour - 0.55, used + 2));
        }
        ("half", "a" | "an") if lexicon().unit(text_at(tokens, start + 2)).is_some() => return Some((0.5, 2)),
        ("dozen", _) => return Some((12.0, 1)),
        _ => {}
    }
    if let Some(value) = place(&ORDINALS, word).filter(|value| *value >= 3.0) {
        return Some((value, 1));
    }
    let (mut total, mut current, mut at, mut any) = (0.0_f64, 0.0_f64, start, false);
    loop {
        let word = text_at(tokens, at);
        let next = text_at(tokens, at + 1);
        let joined = |tokens: &[Token], at: usize| at == start || tokens[at - 1].after == Punctuation::None;
        if !joined(tokens, at) {
            break;
        }
        if let Some(value) = place(&CARDINALS, word) {
            let after_tens = (1.0..10.0).contains(&value) && current % 100.0 >= 20.0 && current % 10.0 == 0.0;
            let after_hundreds = current > 0.0 && current % 100.0 == 0.0;
            let after_thousands = current == 0.0 && total > 0.0;
            let fits = !any || after_tens || after_hundreds || after_thousands;
            if !fits {
                break;
            }
            current += value;
        } else if let Some(index) = place(&TENS, word) {
            if any && (current % 100.0 != 0.0) {
                break;
            }
            current += (index + 2.0) * 10.0;
        } else if let Some(value) = place(&ORDINALS, word)
            .filter(|value| any && *value < 10.0 && *value > 0.0 && current % 100.0 >= 20.0 && current % 10.0 == 0.0)
        {
            current += value;
            at += 1;
            any = true;
            break;
        } else if word == "hundred" && (any || start == at) {
            current = if current == 0.0 { 100.0 } else { current * 100.0 };
        } else if word == "thousand" && (any || start == at) {
            total += if current == 0.0 { 1000.0 } else { current * 1000.0 };
            current = 0.0;
        } else if at == start && matches!(word, "a" | "an") && matches!(next, "hundred" | "thousand" | "dozen") {
            at += 1;
            if next == "dozen" {
                return Some((12.0, 2));
            }
            continue;
        } else if word == "and"
            && any
            && (current % 100.0 == 0.0)
            && (current + total) >= 100.0
            && (place(&CARDINALS, next).is_some() || place(&TENS, next).is_some())
        {
            at += 1;
            continue;
        } else {
            break;
        }
        any = true;
        at += 1;
    }
    any.then_some((total + current, at - start))
}

/// Every quantity of a clause's tokens, in order.
pub(crate) fn quantities(tokens: &[Token]) -> (Vec<Quantity>, Option<f64>) {
    let mut out: Vec<Quantity> = Vec::new();
    let mut scale = None;
    let mut at = 0;
    while at < tokens.len() {
        let word = text_at(tokens, at);
        if matches!(word, "once" | "twice" | "thrice") {
            let value = match word {
                "once" => 1.0,
                "twice" => 2.0,
                _ => 3.0,
            };
            // `once` also means `as soon as`.
            if word != "once"
                || matches!(
                    text_at(tokens, at + 1),
                    "a" | "" | "every" | "each" | "on" | "this" | "last" | "daily" | "weekly" | "per"
                )
            {
                out.push(Quantity {
                    value,
                    of: None,
                    unit: Some("times".to_owned()),
                    surface: word.to_owned(),
                    at: at..at + 1,
                });
            }
            at += 1;
            continue;
        }
        let Some((mut value, used)) = number(tokens, at) else {
            at += 1;
            continue;
        };
        let start = at;
        at += used;
        if text_at(tokens, at) == "and" && text_at(tokens, at + 1) == "a" && text_at(tokens, at + 2) == "half" {
            value += 0.5;
            at += 3;
        } else if text_at(tokens, at) == "point"
            && let Some((fraction, used)) = number(tokens, at + 1).filter(|(fraction, _)| *fraction < 10.0)
        {
            value += fraction / 10.0;
            at += 1 + used;
        }
        // `scale of one to ten`, `scale from zero to ten`
        if text_at(tokens, at) == "to"
            && let Some((top, used)) = number(tokens, at + 1)
                .filter(|_| tokens[..start].iter().rev().take(4).any(|token| token.text == "scale"))
        {
            scale = Some(top);
            at += 1 + used;
            continue;
        }
        if tokens[..start].iter().rev().take(2).any(|token| token.text == "scale") {
            scale = Some(value);
            continue;
        }
        // `at ten thirty`
        if (1.0..=12.0).contains(&value)
            && start > 0
            && matches!(text_at(tokens, start - 1), "at" | "until" | "around" | "by")
            && let Some((minutes, used)) = number(tokens, at).filter(|(minutes, _)| (10.0..60.0).contains(minutes))
        {
            value += minutes / 100.0;
            at += used;
        }
        let mut of = None;
        let skip = match (text_at(tokens, at), text_at(tokens, at + 1)) {
            ("out", "of") => 2,
            ("/", _) | ("of", _) => 1,
            _ => 0,
        };
        if skip > 0
            && let Some((top, used)) = number(tokens, at + skip)
                .filter(|(top, _)| skip == 2 || text_at(tokens, at) == "/" || [5.0, 10.0, 100.0].contains(top))
        {
            of = Some(top);
            at += skip + used;
        }
        let mut unit = None;
        if of.is_none() {
            let ahead = usize::from(matches!(text_at(tokens, at), "full" | "more" | "whole" | "extra" | "missed"));
            if let Some(found) = lexicon().unit(text_at(tokens, at + ahead)) {
                unit = Some(found.to_owned());
                at += ahead + 1;
            }
        }
        // `one` alone stands for a thing more often than for a number.
        let word = text_at(tokens, start);
        if word == "one" && unit.is_none() && of.is_none() && lexicon().function.contains(text_at(tokens, at)) {
            continue;
        }
        if word == "one" && (start + 1 == tokens.len() || (start > 0 && text_at(tokens, start - 1) == "no")) {
            continue;
        }
        out.push(Quantity { value, of, unit, surface: surface(tokens, start..at), at: start..at });
    }
    (out, scale)
}

/// Every word of time of a clause's tokens; quantities that are part of one are taken out of the list.
pub(crate) fn time_marks(tokens: &[Token], quantities: &mut Vec<Quantity>) -> Vec<TimeMark> {
    let mut out: Vec<TimeMark> = Vec::new();
    quantities.retain(|quantity| {
        let ago = text_at(tokens, quantity.at.end) == "ago";
        if let (true, Some(unit)) = (ago, &quantity.unit) {
            let at = quantity.at.start..quantity.at.end + 1;
            out.push(TimeMark {
                kind: TimeKind::Ago,
                value: format!("{} {unit} ago", quantity.value),
                surface: surface(tokens, at.clone()),
                at,
            });
        }
        !(ago && quantity.unit.is_some())
    });
    let mut at = 0;
    while at < tokens.len() {
        let (word, next) = (text_at(tokens, at), text_at(tokens, at + 1));
        let singular = word.strip_suffix('s').unwrap_or(word);
        let mut add = |kind, value: &str, length: usize| {
            let at = at..(at + length).min(tokens.len());
            out.push(TimeMark { kind, value: value.to_owned(), surface: surface(tokens, at.clone()), at });
            length
        };
        let capital = tokens[at].capital && at > 0;
        let used = if WEEKDAYS.contains(&singular) {
            add(TimeKind::Weekday, singular, 1)
        } else if MONTHS.contains(&word) && (!matches!(word, "may" | "march") || capital) {
            add(TimeKind::Month, word, 1)
        } else if singular == "weekend" {
            add(TimeKind::Weekday, "weekend", 1)
        } else if matches!(word, "every" | "each" | "per" | "a")
            && matches!(next, "day" | "night" | "week" | "month" | "hour")
            && (word != "a" || frequency_before(tokens, at, quantities))
        {
            add(TimeKind::Frequency, next, 2)
        } else if word == "every" && matches!(next, "morning" | "evening") {
            add(TimeKind::Frequency, "day", 1)
        } else if word == "every" && next == "other" {
            add(TimeKind::Frequency, "every other", 2)
        } else if matches!(word, "daily" | "nightly" | "weekly" | "monthly" | "hourly") {
            let value = match word {
                "daily" => "day",
                "nightly" => "night",
                "weekly" => "week",
                "monthly" => "month",
                _ => "hour",
            };
            add(TimeKind::Frequency, value, 1)
        } else if matches!(word, "always" | "constantly") {
            add(TimeKind::Frequency, "always", 1)
        } else if word == "all" && next == "the" && text_at(tokens, at + 2) == "time" {
            add(TimeKind::Frequency, "always", 3)
        } else if matches!(
            word,
            "sometimes"
                | "often"
                | "occasionally"
                | "rarely"
                | "frequently"
                | "usually"
                | "most"
                | "regularly"
                | "seldom"
        ) {
            let value = match word {
                "frequently" => "often",
                "seldom" => "rarely",
                "occasionally" => "sometimes",
                other => other,
            };
            add(TimeKind::Share, value, 1)
        } else if matches!(singular, "morning" | "afternoon" | "evening") {
            add(TimeKind::Daypart, singular, 1)
        } else if matches!(word, "am" | "pm") && at > 0 && quantities.iter().any(|quantity| quantity.at.end == at) {
            add(TimeKind::Daypart, word, 1)
        } else if matches!(word, "yesterday" | "tomorrow" | "tonight") {
            add(TimeKind::Relative, word, 1)
        } else if word == "last" && next == "night" {
            add(TimeKind::Relative, "last night", 2)
        } else if matches!(word, "last" | "past" | "next" | "coming")
            && matches!(next, "week" | "month" | "year" | "weekend")
        {
            add(
                TimeKind::Relative,
                &format!("{} {next}", if matches!(word, "next" | "coming") { "next" } else { "last" }),
                2,
            )
        } else {
            1
        };
        at += used;
    }
    out
}

/// `twice a day`, `three times a week`: a number of times before `a`.
fn frequency_before(tokens: &[Token], at: usize, quantities: &[Quantity]) -> bool {
    quantities.iter().any(|quantity| quantity.at.end == at && quantity.unit.is_some())
        || (at > 0 && matches!(text_at(tokens, at - 1), "times" | "once" | "twice" | "hours" | "minutes"))
}
