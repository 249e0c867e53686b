//! `session`: recordings and dictations.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Let a recording through the gate (exit 4 when consent is not in force: nothing is stored)
    #[command(
        after_help = "Examples:\n  provenote session add cli-… session.wav\n  provenote session add cli-… call.m4a --by video\n  provenote session add cli-… couple.wav --present \"Jon Park\" --present \"Kim Park\""
    )]
    Add {
        /// Id or whole name
        client: String,
        /// wav, mp3, m4a, flac or ogg
        audio: PathBuf,
        #[command(flatten)]
        held: Held,
    },
    /// Take the clinician's own dictation instead, where a client said no: no model drafts from it
    #[command(
        after_help = "Examples:\n  provenote session dictate cli-… dictation.wav\n  provenote session dictate cli-… --text note.txt   # typed: no AI at all\n\nSpeak or write the headings of the note's format (\"Subjective.\", \"Plan.\"); `note draft` puts each sentence under its own."
    )]
    Dictate {
        /// Id or whole name
        client: String,
        /// wav, mp3, m4a, flac or ogg, of the clinician's voice alone
        #[arg(required_unless_present = "text", conflicts_with = "text")]
        audio: Option<PathBuf>,
        /// What the clinician wrote, as a text file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        text: Option<PathBuf>,
        #[command(flatten)]
        held: Held,
    },
    /// List sessions
    #[command(after_help = "Example:\n  provenote session list")]
    List {
        /// Only this client's: id or whole name
        client: Option<String>,
    },
    /// Show what became of a session
    #[command(after_help = "Example:\n  provenote session show ses-…")]
    Show {
        /// The session
        session: String,
    },
}

/// How a session is held, and who is there.
#[derive(Debug, Clone, Args)]
pub(crate) struct Held {
    /// How the session is held: in_person, telephone or video
    #[arg(long, value_name = "HOW", default_value = "in_person")]
    pub(crate) by: String,
    /// Who is present, by name or id; may be given several times [default: everybody of the file but guardians]
    #[arg(long, value_name = "NAME")]
    pub(crate) present: Vec<String>,
}
