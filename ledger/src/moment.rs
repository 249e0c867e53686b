//! Times as headers write them: RFC 3339, UTC, milliseconds, `2026-11-21T20:00:00.123Z`.

/// Bytes of a time.
pub(crate) const LENGTH: usize = 24;
const DAY_MS: i64 = 86_400_000;
/// 0000-01-01T00:00:00.000Z.
pub(crate) const EARLIEST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
pub(crate) const LATEST: i64 = 253_402_300_799_999;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar, counting years from March so that the leap
/// day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    y * 365 + leap_days + (m * 153 + 2) / 5 + day - 1 - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    // The first guess of the year may be a few too late, never too early.
    let mut year = 1971 + days.div_euclid(if days < 0 { 366 } else { 365 });
    while self::days(year, 1, 1) > days {
        year -= 1;
    }
    let mut month = 12;
    while self::days(year, month, 1) > days {
        month -= 1;
    }
    (year, month, days - self::days(year, month, 1) + 1)
}

/// Appends the time's text. A time outside the years 0 to 9999 is written as the nearest within.
pub(crate) fn push(millis: i64, out: &mut Vec<u8>) {
    let millis = millis.clamp(EARLIEST, LATEST);
    let (year, month, day) = date(millis.div_euclid(DAY_MS));
    let ms = millis.rem_euclid(DAY_MS);
    let text = format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1_000 % 60,
        ms % 1_000
    );
    out.extend_from_slice(text.as_bytes());
}

/// The time's text.
pub(crate) fn text(millis: i64) -> String {
    let mut out = Vec::with_capacity(LENGTH);
    push(millis, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads exactly the form [`push`] writes.
pub(crate) fn parse(text: &[u8]) -> Option<i64> {
    let text: &[u8; LENGTH] = text.try_into().ok()?;
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if punctuation.iter().any(|(at, byte)| text[*at] != *byte) {
        return None;
    }
    // Looked at once, at the end: a branch for each digit costs more than the digits.
    let mut wrong = false;
    let mut number = |from: usize, to: usize| {
        text[from..to].iter().fold(0_i64, |n, digit| {
            wrong |= !digit.is_ascii_digit();
            n * 10 + i64::from(digit.wrapping_sub(b'0'))
        })
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second, ms) = (number(11, 13), number(14, 16), number(17, 19), number(20, 23));
    if wrong {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last_day = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last_day).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_chrono(millis in EARLIEST..=LATEST) {
            let theirs = chrono::DateTime::<chrono::Utc>::from_timestamp_millis(millis).expect("in range");
            let theirs = theirs.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
            prop_assert_eq!(text(millis), theirs.clone());
            prop_assert_eq!(parse(theirs.as_bytes()), Some(millis));
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026-01-01t00:00:00.000Z",
            "2026-01-01T00:00:00.000z",
            "2026-01-01T00:00:00,000Z",
            "+026-01-01T00:00:00.000Z",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
