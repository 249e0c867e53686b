//! `release`: texts without identifiers.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use provenote_practice::views::releases::ReleaseDates;

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Show what would be released of an attested note, what is taken out and what to look at; nothing is kept
    #[command(
        after_help = "Examples:\n  provenote release prepare note-…\n  provenote client know cli-… --relative \"Hector Alvarez / Papi\"   # where a name is left in it"
    )]
    Prepare {
        /// The note
        note: String,
        #[command(flatten)]
        dates: DatesAsked,
    },
    /// Release the text: read it, then say that you have no actual knowledge that it identifies anybody. Asks for the
    /// passphrase again, and signs
    #[command(
        after_help = "Examples:\n  provenote release make note-…\n  provenote release make note-… --as-read 3f1c… --statement-file statement.txt   # after `release prepare`\n  provenote release make note-… --dates shifted --determination \"Dr. Okafor, report of 2026-12-01\""
    )]
    Make(ReleaseMake),
    /// List releases
    #[command(after_help = "Example:\n  provenote release list")]
    List,
    /// Read a released text
    #[command(after_help = "Example:\n  provenote release show grp-…")]
    Show {
        /// The release, or the note it is of
        release: String,
    },
    /// Read who confirmed a release, and in which words
    #[command(after_help = "Example:\n  provenote release confirmation grp-…")]
    Confirmation {
        /// The release
        release: String,
    },
    /// Destroy a released text, with a receipt; copies that left the practice are not reached
    #[command(after_help = "Example:\n  provenote release take-back grp-…")]
    TakeBack {
        /// The release
        release: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DatesAsked {
    /// What becomes of dates: years (the year stays and nothing else), or shifted (all dates of the client move by the
    /// same days; needs an expert's determination)
    #[arg(long, value_name = "WORD", default_value = "years", value_parser = dates)]
    pub(crate) dates: ReleaseDates,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseMake {
    /// The note
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) dates: DatesAsked,
    /// Take the statement from this file instead of asking; it holds, word for word, what `release prepare` prints
    #[arg(long, value_name = "FILE", requires = "as_read")]
    pub(crate) statement_file: Option<PathBuf>,
    /// The mark that `release prepare` printed with the text you read
    #[arg(long, value_name = "MARK")]
    pub(crate) as_read: Option<String>,
    /// For shifted dates: whose determination (45 CFR 164.514(b)(1)) the release rests on, of which day
    #[arg(long, value_name = "TEXT")]
    pub(crate) determination: Option<String>,
    /// What you add to the statement; sealed
    #[arg(long, value_name = "TEXT")]
    pub(crate) words: Option<String>,
}

/// What becomes of dates, by its word.
fn dates(word: &str) -> Result<ReleaseDates, String> {
    ReleaseDates::from_word(word).ok_or_else(|| "there are years and shifted".to_owned())
}
