//! `consent`: forms, acts, rules, copies.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Held;

#[derive(Debug, Subcommand)]
pub(crate) enum Consent {
    /// Make the form for a client from today's disclosure facts
    #[command(
        after_help = "Examples:\n  provenote consent form cli-… -o consent.pdf\n  provenote consent form cli-… --template telehealth-recording --lang es\n  provenote consent form cli-… --template supervision --share transcripts --with \"Dr. Ruth Adler\" --kept-days 30"
    )]
    Form(Box<FormAsked>),
    /// Record that a form was put before somebody
    #[command(after_help = "Example:\n  provenote consent offer cli-… --participant \"Maria Alvarez\"")]
    Offer {
        /// Id or whole name
        client: String,
        /// Before whom
        #[arg(long, value_name = "NAME")]
        participant: String,
        /// By whom, where it was not you
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
    /// Record that the form was talked through aloud
    #[command(
        after_help = "Example:\n  provenote consent discuss cli-… --participant \"Maria Alvarez\" --summary \"talked it through\" --question \"How long is the recording kept?\""
    )]
    Discuss {
        /// Id or whole name
        client: String,
        /// With whom
        #[arg(long, value_name = "NAME")]
        participant: String,
        /// What was said; `-` reads it from standard input, so that it stands in no shell history
        #[arg(long, value_name = "TEXT", default_value = "")]
        summary: String,
        /// What the person asked; may be given several times
        #[arg(long, value_name = "TEXT")]
        question: Vec<String>,
    },
    /// Take a participant's signature under the newest form
    #[command(
        after_help = "Examples:\n  provenote consent sign cli-… --participant \"Maria Alvarez\" --typed \"Maria Alvarez\"\n  provenote consent sign cli-… --participant \"Ana Ortiz\" --scan signed.pdf --authority \"mother, sole custody\""
    )]
    Sign {
        /// Id or whole name
        client: String,
        /// Who signs
        #[arg(long, value_name = "NAME")]
        participant: String,
        /// Another form than the newest
        #[arg(long, value_name = "CON")]
        consent: Option<String>,
        /// The name as the participant typed it
        #[arg(long, value_name = "NAME", group = "signature")]
        typed: Option<String>,
        /// A picture of the signature as drawn, PNG
        #[arg(long, value_name = "PNG", group = "signature")]
        drawn: Option<PathBuf>,
        /// A scan or photo of the signed paper: PDF, PNG or JPEG
        #[arg(long, value_name = "FILE", group = "signature")]
        scan: Option<PathBuf>,
        #[command(flatten)]
        noted: Noted,
        /// Where the signed PDF goes [default: consent-<id>-signed-<entry>.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// State that somebody said yes aloud: weaker than a signature, and opens nothing unless the practice's policy says so
    #[command(
        after_help = "Example:\n  provenote consent verbal cli-… --participant \"Maria Alvarez\" --summary \"said: yes, that is fine\""
    )]
    Verbal {
        /// Id or whole name
        client: String,
        /// Who said yes
        #[arg(long, value_name = "NAME")]
        participant: String,
        /// What they said, in their words; `-` reads it from standard input
        #[arg(long, value_name = "TEXT")]
        summary: String,
    },
    /// Record that a participant said no
    #[command(after_help = "Example:\n  provenote consent decline cli-… --participant \"Jon Park\"")]
    Decline {
        /// Id or whole name
        client: String,
        /// Who
        #[arg(long, value_name = "NAME")]
        participant: String,
        /// Only for this purpose; may be given several times [default: all]
        #[arg(long, value_name = "PURPOSE")]
        purpose: Vec<String>,
        /// In whose words, where they gave any; `-` reads them from standard input
        #[arg(long, value_name = "TEXT", default_value = "")]
        words: String,
        /// They do not want the clinician's dictation turned into text by a model either
        #[arg(long)]
        no_dictation: bool,
    },
    /// Record that a participant takes consent back, from now on, and do what follows from it
    #[command(
        after_help = "Examples:\n  provenote consent revoke cli-… --dry-run     # what it would do\n  provenote consent revoke cli-… --participant \"Maria Alvarez\" --destroy-now -o withdrawal.pdf"
    )]
    Revoke {
        /// Id or whole name
        client: String,
        /// Who; the client where nobody is named
        #[arg(long, value_name = "NAME")]
        participant: Option<String>,
        /// Only for this purpose; may be given several times [default: all]
        #[arg(long, value_name = "PURPOSE")]
        purpose: Vec<String>,
        /// In whose words, where they gave any; `-` reads them from standard input
        #[arg(long, value_name = "TEXT", default_value = "")]
        words: String,
        /// Destroy recordings, transcripts and drafts at once [default: as the practice's policy says]
        #[arg(long, conflicts_with = "keep_until_due")]
        destroy_now: bool,
        /// Use them no more, and destroy them when their time is over
        #[arg(long)]
        keep_until_due: bool,
        /// Say what it would do, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Language of the copy, ISO 639-1
        #[arg(long, default_value = "en")]
        lang: String,
        /// Where the client's copy goes [default: withdrawal-<entry>.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// What is in force, and why not; for all clients a table to work from
    #[command(
        after_help = "Examples:\n  provenote consent status cli-…\n  provenote consent status cli-… --by video\n  provenote consent status"
    )]
    Status {
        /// Id or whole name; all clients where none is given
        client: Option<String>,
        #[command(flatten)]
        held: Held,
    },
    /// Clients whose consent no longer tells what is done: what changed, and whom it concerns
    #[command(after_help = "Example:\n  provenote consent stale")]
    Stale,
    /// Make the short form that tells only what is new
    #[command(after_help = "Example:\n  provenote consent amend cli-… -o changes.pdf")]
    Amend {
        /// Id or whole name
        client: String,
        /// Where the PDF goes [default: consent-<id>.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// What applies in a state, or between states: with citation, mark and date (needs no practice)
    #[command(
        after_help = "Examples:\n  provenote consent rules --state IL\n  provenote consent rules --state IL --with WI --by video   # the stricter of both"
    )]
    Rules(RuleAsked),
    /// Templates of forms (needs no practice)
    #[command(subcommand, after_help = "Example:\n  provenote consent template list")]
    Template(Template),
    /// Hand out a consent: FHIR R4, a receipt, plain text or a page
    #[command(
        after_help = "Examples:\n  provenote consent export cli-… --as fhir -o consent.json\n  provenote consent export cli-… --as receipt --no-names"
    )]
    Export {
        /// Id or whole name
        client: String,
        /// Another form than the newest signed one
        #[arg(long, value_name = "CON")]
        consent: Option<String>,
        /// fhir: Consent with Provenance; receipt: in the shape of ISO/IEC TS 27560; text: plain text; html: a page
        #[arg(long = "as", value_name = "WHAT", value_enum)]
        form: ExportForm,
        /// People by pseudonym only
        #[arg(long)]
        no_names: bool,
        /// Where it goes [default: consent-<id>.<ending> here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read a FHIR R4 Consent made elsewhere: kept as evidence, it never opens the gate
    #[command(after_help = "Example:\n  provenote consent import cli-… consent.json")]
    Import {
        /// Id or whole name
        client: String,
        /// A FHIR R4 Consent, or a Bundle with some, as JSON
        file: PathBuf,
    },
}

/// What a form is made of, besides what is read from the practice.
#[derive(Debug, Args)]
pub(crate) struct FormAsked {
    /// Id or whole name
    pub(crate) client: String,
    /// The template, with or without its version (`consent template list`)
    #[arg(long, value_name = "ID", default_value = "ai-notes")]
    pub(crate) template: String,
    /// Language, ISO 639-1
    #[arg(long, default_value = "en")]
    pub(crate) lang: String,
    /// Where the PDF goes (.md or .txt: the exact text, .html: a page) [default: consent-<id>.pdf here]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// For supervision and teaching: recordings, transcripts, notes
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "For supervision and teaching")]
    pub(crate) share: Vec<String>,
    /// With whom, by name or class; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "For supervision and teaching")]
    pub(crate) with: Vec<String>,
    /// How many days they may keep it
    #[arg(long, value_name = "DAYS", help_heading = "For supervision and teaching")]
    pub(crate) kept_days: Option<u32>,
    /// Names are taken out first
    #[arg(long, help_heading = "For supervision and teaching")]
    pub(crate) names_removed: bool,
    /// What is disclosed, specifically
    #[arg(long, value_name = "TEXT", help_heading = "For authorizations")]
    pub(crate) information: Option<String>,
    /// Who may disclose it; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "For authorizations")]
    pub(crate) source: Vec<String>,
    /// Who may receive it; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "For authorizations")]
    pub(crate) recipient: Vec<String>,
    /// What for
    #[arg(long, value_name = "TEXT", help_heading = "For authorizations")]
    pub(crate) purpose: Option<String>,
    /// An event that ends it, where one is agreed on
    #[arg(long, value_name = "TEXT", help_heading = "For authorizations")]
    pub(crate) ends: Option<String>,
    /// Part 2: one consent to all future care, payment and operations
    #[arg(long, help_heading = "For authorizations")]
    pub(crate) care_payment_operations: bool,
    /// Part 2: those it passes through; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "For authorizations")]
    pub(crate) intermediary: Vec<String>,
}

/// What is noted beside a signature.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Noted {
    /// The device it was signed on
    #[arg(long, value_name = "TEXT")]
    pub(crate) device: Option<String>,
    /// How the signer's identity was checked
    #[arg(long, value_name = "TEXT")]
    pub(crate) identity: Option<String>,
    /// For whoever signs for somebody else: by what right
    #[arg(long, value_name = "TEXT")]
    pub(crate) authority: Option<String>,
}

/// Which rules are asked for.
#[derive(Debug, Args)]
pub(crate) struct RuleAsked {
    /// The state, two letters
    #[arg(long, value_name = "XX")]
    pub(crate) state: String,
    /// Another person's state; may be given several times: then the stricter of all counts
    #[arg(long, value_name = "XX")]
    pub(crate) with: Vec<String>,
    /// How the session is held: in_person, telephone or video [default: all three]
    #[arg(long, value_name = "HOW")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// List templates: those that come with the program, and the practice's own
    #[command(after_help = "Example:\n  provenote consent template list")]
    List,
    /// Print a template's file, to write your own from
    #[command(after_help = "Example:\n  provenote consent template show ai-notes --lang es > my-form@1.es.md")]
    Show {
        /// Its id, with or without version
        template: String,
        /// Language, ISO 639-1
        #[arg(long, default_value = "en")]
        lang: String,
    },
    /// Say what is wrong with a template (exit 3 when something must be put right)
    #[command(after_help = "Example:\n  provenote consent template check my-form@1.en.md --state IL")]
    Check {
        /// The file
        file: PathBuf,
        /// For which state, two letters; may be given several times
        #[arg(long, value_name = "XX", required = true)]
        state: Vec<String>,
    },
    /// Take a template into the practice, once it has nothing wrong
    #[command(after_help = "Example:\n  provenote consent template add my-form@1.en.md")]
    Add {
        /// The file
        file: PathBuf,
    },
}

/// How a consent is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// FHIR R4 Bundle of Consent and Provenance
    Fhir,
    /// A consent receipt, in the shape of ISO/IEC TS 27560
    Receipt,
    /// Plain text
    Text,
    /// A page
    Html,
}
