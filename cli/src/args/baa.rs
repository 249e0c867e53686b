//! `baa`: business associate agreements.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Baa {
    /// Say what an agreement promises, permits and leaves out, with quotes; needs no practice (exit 3 on findings)
    #[command(
        after_help = "Examples:\n  provenote baa review agreement.pdf\n  provenote baa review agreement.docx --rules our-rules.yaml --json\n  provenote baa review agreement.pdf --model qwen2.5-coder-1.5b"
    )]
    Review(BaaReview),
    /// List the rules of a review, and try each on its own examples (exit 3 where one fails)
    #[command(
        after_help = "Examples:\n  provenote baa rules\n  provenote baa rules our-rules.yaml   # before you use them in a review"
    )]
    Rules {
        /// Rules of your own, YAML
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BaaReview {
    /// The agreement: PDF, DOCX, HTML, Markdown or text
    pub(crate) file: PathBuf,
    /// Rules of your own besides the bundled ones, YAML; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Let this local drafting model argue each point that the rules leave unclear; needs a practice, which logs it
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
    /// Print everything, also what is as it should be
    #[arg(long)]
    pub(crate) all: bool,
}
