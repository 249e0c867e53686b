//! `terms`: terms and policies that change.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Terms {
    /// Say what a new version permits or promises that the old one did not; needs no practice (exit 3 where worse)
    #[command(after_help = "Example:\n  provenote terms diff privacy-2025.html privacy-2026.html")]
    Diff {
        /// The old version: PDF, DOCX, HTML, Markdown or text
        old: PathBuf,
        /// The new version
        new: PathBuf,
    },
    /// Watch a page or a file of a company; nothing is fetched yet
    #[command(
        after_help = "Examples:\n  provenote terms track \"Cloudscribe Inc.\" https://cloudscribe.example/privacy --type \"Privacy Policy\"\n  provenote terms track \"Cloudscribe Inc.\" cloudscribe.json   # a declaration in the shape of Open Terms Archive"
    )]
    Track(Track),
    /// Watch it no longer; what was kept stays
    #[command(after_help = "Example:\n  provenote terms untrack terms-…")]
    Untrack {
        /// The source, as `terms list` prints it
        source: String,
    },
    /// What is watched, when it was looked at, and what came of it
    #[command(after_help = "Example:\n  provenote terms list")]
    List {
        /// Only this company
        vendor: Option<String>,
    },
    /// Fetch what is watched and compare: the only command that fetches terms, and only listed addresses (exit 3 where
    /// something became worse)
    #[command(after_help = "Examples:\n  provenote terms check\n  provenote terms check \"Cloudscribe Inc.\"")]
    Check {
        /// Only this company
        vendor: Option<String>,
    },
    /// Record why worsened terms do not touch your clients: consents from before hold again, and forms tell of it no
    /// longer. Where you go on with the new terms, do not settle: have clients sign what changed (`consent amend`)
    #[command(
        after_help = "Example:\n  provenote terms settle \"Cloudscribe Inc.\" --because taken-back \"They took the change back in writing on 1 November\""
    )]
    Settle {
        /// Id or name
        vendor: String,
        /// taken-back, agreement-forbids or misread
        #[arg(long, value_enum, value_name = "WHY")]
        because: Settled,
        /// The reason in words, which are kept
        words: String,
    },
    /// Take over the history that Open Terms Archive keeps: a git folder of versions
    #[command(after_help = "Example:\n  provenote terms import \"Cloudscribe Inc.\" versions/ --service Cloudscribe")]
    Import {
        /// Id or name
        vendor: String,
        /// The git folder
        folder: PathBuf,
        /// The service's name in it [default: the company's name]
        #[arg(long, value_name = "NAME")]
        service: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Track {
    /// Id or name
    pub(crate) vendor: String,
    /// An address (https://…), a file of the terms, or a declaration (.json) in the shape of Open Terms Archive
    pub(crate) source: String,
    /// What it is, in the words of Open Terms Archive
    #[arg(long = "type", value_name = "TYPE", default_value = "Privacy Policy")]
    pub(crate) kind: String,
    /// The part of the page that holds the words, as a CSS selector
    #[arg(long, value_name = "CSS")]
    pub(crate) select: Option<String>,
}

/// Why worsened terms do not touch clients.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Settled {
    /// The company took the change back
    TakenBack,
    /// The agreement with the company forbids it
    AgreementForbids,
    /// The comparison was wrong
    Misread,
}
