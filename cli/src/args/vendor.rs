//! `vendor`: companies that get sound or words.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Vendor {
    /// Name a company that gets sound or words: consents that do not tell of it become stale
    #[command(
        after_help = "Example:\n  provenote vendor add \"Cloudscribe Inc.\" --does \"turns speech into text\" --place \"Ohio, United States\" --keeps-days 30 --trains no"
    )]
    Add {
        /// Its name
        name: String,
        /// What it does with sound or words, in words for clients
        #[arg(long, value_name = "TEXT")]
        does: String,
        /// Where its computers stand
        #[arg(long, value_name = "TEXT")]
        place: Option<String>,
        /// How many days it keeps them
        #[arg(long, value_name = "DAYS")]
        keeps_days: Option<u32>,
        /// Whether it trains models on them: yes or no; left out where nobody said
        #[arg(long, value_name = "YES/NO", value_parser = ["yes", "no"])]
        trains: Option<String>,
        /// Whom it passes them on to; may be given several times
        #[arg(long, value_name = "NAME")]
        passes_on_to: Vec<String>,
    },
    /// List them
    #[command(after_help = "Example:\n  provenote vendor list")]
    List,
    /// Record that a company gets nothing any more
    #[command(after_help = "Example:\n  provenote vendor remove \"Cloudscribe Inc.\"")]
    Remove {
        /// Id or name
        vendor: String,
    },
}
