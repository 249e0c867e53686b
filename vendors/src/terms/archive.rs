//! The names that Open Terms Archive and plain folders give to versions of terms. What lists the files and reads them, or
//! asks git for them, is the edge; here only names are read.

use super::declaration::TermsType;

/// The service and the type that a path in an archive's history names: `GitHub/Privacy Policy.md`. Folders above the
/// service's do not matter. `None` for files that are no versions.
#[must_use]
pub fn version_path(path: &str) -> Option<(String, TermsType)> {
    let mut parts = path.rsplit('/');
    let file = parts.next()?;
    let service = parts.next()?.trim();
    let kind = [".md", ".markdown"].into_iter().find_map(|ending| file.strip_suffix(ending))?.trim();
    // A part of a document made of several: `Community Guidelines #Spam.md`.
    let kind = kind.split(" #").next().unwrap_or(kind);
    (!service.is_empty() && !kind.is_empty() && kind != "README").then(|| (service.to_owned(), TermsType::new(kind)))
}

/// The time that a file is named after, in milliseconds since 1970 (UTC): `2023-08-07.md`, `2023-08-07T18-49-21Z.md`,
/// `privacy 2023-08-07 18:49.txt`. The first date counts.
#[must_use]
pub fn dated_name(name: &str) -> Option<i64> {
    let bytes = name.as_bytes();
    let (at, (year, month, day)) = (0..bytes.len()).find_map(|at| {
        let free = at == 0 || !bytes[at - 1].is_ascii_digit();
        let date = (digits(bytes, at, 4)?, digits(bytes, at + 5, 2)?, digits(bytes, at + 8, 2)?);
        let dashes = bytes.get(at + 4) == Some(&b'-') && bytes.get(at + 7) == Some(&b'-');
        (free && dashes && (1..=12).contains(&date.1) && (1..=31).contains(&date.2)).then_some((at, date))
    })?;
    let clock = || -> Option<i64> {
        let start = at + 11;
        let separator = |at: usize| matches!(bytes.get(at), Some(b':' | b'-' | b'_' | b'.'));
        let (hour, minute) = (digits(bytes, start, 2)?, digits(bytes, start + 3, 2)?);
        let second = digits(bytes, start + 6, 2).filter(|_| separator(start + 5)).unwrap_or(0);
        (separator(start + 2) && hour < 24 && minute < 60 && second < 60).then_some((hour * 60 + minute) * 60 + second)
    };
    Some((days(year, month, day) * 86_400 + clock().unwrap_or(0)) * 1000)
}

fn digits(bytes: &[u8], at: usize, count: usize) -> Option<i64> {
    let part = bytes.get(at..at + count)?;
    part.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01 in the Gregorian calendar, counted from a year that begins in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_an_archive_name_a_service_and_a_type() {
        let (service, kind) = version_path("versions/Note Well/privacy policy.md").expect("a version");
        assert_eq!((service.as_str(), kind.as_str()), ("Note Well", "Privacy Policy"));
        assert_eq!(
            version_path("A/Community Guidelines #Spam.md").expect("a version").1.as_str(),
            "Community Guidelines"
        );
        for path in ["README.md", "A/README.md", "A/Privacy Policy.html", ""] {
            assert_eq!(version_path(path), None, "{path}");
        }
    }

    #[test]
    fn files_are_dated_by_their_names() {
        assert_eq!(dated_name("1970-01-02.md"), Some(86_400_000));
        assert_eq!(dated_name("privacy 2023-08-07T18-49-21Z.md"), Some(1_691_434_161_000));
        assert_eq!(dated_name("2000-02-29 00:01.txt"), Some(951_782_460_000));
        for name in ["policy.md", "12023-08-07.md", "2023-13-07.md", "2023-08", "é2023"] {
            assert_eq!(dated_name(name), None, "{name}");
        }
    }
}
