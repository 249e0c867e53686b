//! `terms`: terms and policies that change.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

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
    /// Record that you have read worsened terms and go on: forms then tell clients of them no longer
    #[command(
        after_help = "Example:\n  provenote terms accept \"Cloudscribe Inc.\" \"They took the change back in writing on 1 November\""
    )]
    Accept {
        /// Id or name
        vendor: String,
        /// Why
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
