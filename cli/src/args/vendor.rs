//! `vendor`: companies that get sound or words, and what is known of them.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

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
    /// Review an agreement with a company and keep both: answers of the audit are taken from it (exit 3 on findings)
    #[command(
        after_help = "Example:\n  provenote vendor agreement \"Cloudscribe Inc.\" baa-signed.pdf --signed 2026-03-01 --by \"Dana Reyes\""
    )]
    Agreement(VendorAgreement),
    /// The questions of the audit
    #[command(
        after_help = "Examples:\n  provenote vendor questions\n  provenote vendor questions --questionnaire our-framework.yaml"
    )]
    Questions {
        #[command(flatten)]
        asked: Asked,
    },
    /// Answer a question of the audit, with what the answer rests on
    #[command(
        after_help = "Examples:\n  provenote vendor answer \"Cloudscribe Inc.\" second-factor yes --file soc2.pdf --quote \"All access requires multi-factor authentication.\" --date 2026-02-10\n  provenote vendor answer local single-sign-on not_applicable --text \"One clinician, one laptop\""
    )]
    Answer(VendorAnswer),
    /// Go through the questions for a company, or for this practice's own pipeline: `local` (exit 3 on findings)
    #[command(
        after_help = "Examples:\n  provenote vendor audit \"Cloudscribe Inc.\"\n  provenote vendor audit local --csv local.csv\n  provenote vendor audit \"Cloudscribe Inc.\" --oscal assessment.json"
    )]
    Audit(VendorAudit),
}

/// Whose questions.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Asked {
    /// Questions of your own, YAML, or a framework in the shape of CISO Assistant [default: the bundled ones]
    #[arg(long, value_name = "FILE")]
    pub(crate) questionnaire: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VendorAgreement {
    /// Id or name
    pub(crate) vendor: String,
    /// The agreement: PDF, DOCX, HTML, Markdown or text
    pub(crate) file: PathBuf,
    /// The day it was signed, such as 2026-03-01; left out where it is not signed
    #[arg(long, value_name = "DATE")]
    pub(crate) signed: Option<String>,
    /// Who signed it for the practice
    #[arg(long, value_name = "NAME", requires = "signed")]
    pub(crate) by: Option<String>,
    /// Rules of your own besides the bundled ones, YAML; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VendorAnswer {
    /// Id or name, or `local`
    pub(crate) vendor: String,
    /// The question, as `vendor questions` lists it
    pub(crate) question: String,
    /// yes, no, partly, unknown or not_applicable
    #[arg(value_parser = ["yes", "no", "partly", "unknown", "not_applicable"])]
    pub(crate) says: String,
    /// In words
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) text: String,
    /// The file the answer rests on; it is kept, sealed
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Its words; they must stand in the file
    #[arg(long, value_name = "TEXT")]
    pub(crate) quote: Option<String>,
    /// Of what day it is
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VendorAudit {
    /// Id or name, or `local`
    pub(crate) vendor: String,
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Write it as OSCAL assessment results too
    #[arg(long, value_name = "FILE.json")]
    pub(crate) oscal: Option<PathBuf>,
    /// Write it as a table too
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) csv: Option<PathBuf>,
}
