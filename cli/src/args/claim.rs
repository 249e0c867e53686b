//! `claim`: what a claim for a note needs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use provenote_deidentify::views::Code;
use provenote_schemas::Time;

#[derive(Debug, Subcommand)]
pub(crate) enum Claim {
    /// List notes, and whether something is entered for their claims
    #[command(after_help = "Example:\n  provenote claim list")]
    List,
    /// Show what a claim needs, and what does not fit together or is missing
    #[command(after_help = "Example:\n  provenote claim show note-…")]
    Show {
        /// The note
        note: String,
    },
    /// Enter or change what a claim needs; an empty text takes an entry out
    #[command(
        after_help = "Examples:\n  provenote claim change note-… --cpt 90837=1 --npi 1234567893 --fee 150.00\n  provenote claim change note-… --start 2026-11-21T14:00-06:00 --stop 2026-11-21T14:55-06:00 --diagnosis F41.1\n  provenote claim change note-… --from claim.json   # keys as in `claim show --json`"
    )]
    Change(Box<ClaimAsked>),
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true))]
pub(crate) struct ClaimAsked {
    /// The note
    pub(crate) note: String,
    /// What changes, as JSON; options beside it count for more
    #[arg(long, value_name = "FILE", group = "changes")]
    pub(crate) from: Option<PathBuf>,
    /// The client's name as the payer knows it
    #[arg(long, value_name = "NAME", group = "changes")]
    pub(crate) client_name: Option<String>,
    /// The client's date of birth
    #[arg(long, value_name = "DATE", group = "changes")]
    pub(crate) birth_date: Option<String>,
    /// The client's address
    #[arg(long, value_name = "TEXT", group = "changes")]
    pub(crate) address: Option<String>,
    /// Payer, plan and member number
    #[arg(long, value_name = "TEXT", group = "changes")]
    pub(crate) policy: Option<String>,
    /// The date of service
    #[arg(long, value_name = "DATE", group = "changes")]
    pub(crate) service_date: Option<String>,
    /// Place of service, or the telehealth modifier
    #[arg(long, value_name = "TEXT", group = "changes")]
    pub(crate) place_of_service: Option<String>,
    /// A CPT code, with its units after `=` where they are not 1; all of the claim's codes, so give each
    #[arg(long, value_name = "CODE[=UNITS]", value_parser = code, group = "changes")]
    pub(crate) cpt: Vec<Code>,
    /// Take all CPT codes out
    #[arg(long, conflicts_with = "cpt", group = "changes")]
    pub(crate) no_cpt: bool,
    /// When the psychotherapy began, as the clinician knows it, with the hours from UTC: 2026-11-21T14:00-06:00
    #[arg(long, value_name = "TIME", value_parser = moment, group = "changes")]
    pub(crate) start: Option<Time>,
    /// When it ended
    #[arg(long, value_name = "TIME", value_parser = moment, group = "changes")]
    pub(crate) stop: Option<Time>,
    /// A diagnosis code (ICD-10-CM); all of the claim's, so give each. The clinician's to enter
    #[arg(long, value_name = "CODE", group = "changes")]
    pub(crate) diagnosis: Vec<String>,
    /// Take all diagnosis codes out
    #[arg(long, conflicts_with = "diagnosis", group = "changes")]
    pub(crate) no_diagnosis: bool,
    /// Who rendered the service
    #[arg(long, value_name = "NAME", group = "changes")]
    pub(crate) clinician: Option<String>,
    /// Their National Provider Identifier
    #[arg(long, value_name = "DIGITS", group = "changes")]
    pub(crate) npi: Option<String>,
    /// The payer's authorization
    #[arg(long, value_name = "TEXT", group = "changes")]
    pub(crate) authorization: Option<String>,
    /// The fee, in dollars
    #[arg(long, value_name = "DOLLARS", value_parser = cents, group = "changes")]
    pub(crate) fee: Option<u64>,
    /// What was paid, in dollars
    #[arg(long, value_name = "DOLLARS", value_parser = cents, group = "changes")]
    pub(crate) paid: Option<u64>,
}

/// `90837` or `90837=1`. Whether it is a code the library says.
fn code(words: &str) -> Result<Code, String> {
    let (code, units) = words.split_once('=').unwrap_or((words, "1"));
    let units = units.parse().map_err(|_| "give a code and how many of it, such as 90837=1".to_owned())?;
    Ok(Code { code: code.trim().to_uppercase(), units })
}

/// A moment with its hours from UTC, to the minute or finer. A bare date is none: start and stop are times of day.
fn moment(words: &str) -> Result<Time, String> {
    let whole = |text: &str| text.contains('T').then(|| Time::parse(text).ok()).flatten();
    let (day, rest) = words.split_at_checked(16).unwrap_or((words, ""));
    whole(words)
        .or_else(|| whole(&format!("{day}:00{rest}")))
        .ok_or_else(|| "give day, time and the hours from UTC, such as 2026-11-21T14:00-06:00".to_owned())
}

/// Dollars, with or without cents, in cents.
fn cents(words: &str) -> Result<u64, String> {
    let wrong = || "give dollars, such as 150 or 150.00".to_owned();
    let (dollars, cents) = words.split_once('.').unwrap_or((words, "00"));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits(dollars) || !digits(cents) || cents.len() != 2 {
        return Err(wrong());
    }
    let dollars: u64 = dollars.parse().map_err(|_| wrong())?;
    let cents: u64 = cents.parse().map_err(|_| wrong())?;
    dollars.checked_mul(100).and_then(|sum| sum.checked_add(cents)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_to_the_cent() {
        assert_eq!((cents("150"), cents("150.05"), cents("0.50")), (Ok(15_000), Ok(15_005), Ok(50)));
        for wrong in ["", "150.5", "150,00", "-3", "$150", "1.000", "99999999999999999999", "184467440737095517.00"] {
            assert!(cents(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_needs_its_hours_from_utc() {
        let expected = Time::parse("2026-11-21T20:00:00Z").ok();
        for right in
            ["2026-11-21T14:00-06:00", "2026-11-21T14:00:00-06:00", "2026-11-21T20:00Z", "2026-11-21T20:00:00Z"]
        {
            assert_eq!(moment(right).ok(), expected, "{right}");
        }
        for wrong in ["2026-11-21", "14:00", "2026-11-21T14:00", "", "gestern um zwölf Uhr früh"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_code_alone_is_one_unit() {
        assert_eq!(code("90837").map(|code| code.units), Ok(1));
        assert_eq!(code("g0560=2"), Ok(Code { code: "G0560".to_owned(), units: 2 }));
        assert!(code("90837=").is_err() && code("90837=two").is_err());
    }
}
