//! The audit trail: which entries, who opened a file, what was disclosed, holds, incidents, the periodic review.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use provenote_practice::trail::{Severity, TrailFormat};

/// Which entries. What is left out limits nothing.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Entries {
    /// Only these kinds, such as note.exported; may be given several times
    #[arg(long, value_name = "K")]
    pub(crate) kind: Vec<String>,
    /// Only this client's: an id, or a name where your keys open it
    #[arg(long, value_name = "C")]
    pub(crate) client: Option<String>,
    /// Only what this user did
    #[arg(long, value_name = "USER")]
    pub(crate) actor: Option<String>,
    /// Only what was done on this device
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Only this type of event, such as view, export, login_failed or permission_change; a wrong one prints the list
    #[arg(long, value_name = "TYPE")]
    pub(crate) event: Option<String>,
    /// Only what was allowed, refused or failed
    #[arg(long, value_name = "OUTCOME")]
    pub(crate) outcome: Option<String>,
    #[command(flatten)]
    pub(crate) period: Period,
}

/// A time, UTC.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Period {
    /// Only from this day or time on
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Only up to the end of this day, or before this time
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
}

/// What a trail is handed out as, by its word.
fn format(word: &str) -> Result<TrailFormat, String> {
    TrailFormat::from_word(word).ok_or_else(|| "there are fhir, ocsf, csv".to_owned())
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LedgerExport {
    #[command(flatten)]
    pub(crate) entries: Entries,
    /// Where the file goes; its ending decides the format where none is given: .ndjson, .jsonl, .csv
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// fhir (R4 AuditEvent in the shapes of IHE BALP, NDJSON), ocsf (JSON, an object a line) or csv
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    pub(crate) format: Option<TrailFormat>,
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Disclosures {
    #[command(subcommand)]
    pub(crate) command: Option<DisclosureCommand>,
    #[command(flatten)]
    pub(crate) asked: Accounting,
}

/// Whose accounting, and of which time.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Accounting {
    /// The client: id or whole name
    pub(crate) client: Option<String>,
    #[command(flatten)]
    pub(crate) period: Period,
    /// Write it to this text file for the client
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DisclosureCommand {
    /// What was disclosed of a client: the same as without `show`
    #[command(after_help = "Example:\n  provenote disclosures show \"Maria Alvarez\"")]
    Show(Accounting),
    /// Record that something was disclosed: by post, by telephone, or as the file of an earlier entry
    #[command(
        after_help = "Examples:\n  provenote disclosures record \"Maria Alvarez\" --to \"County Court\" --address \"1 Main Street\" --what \"Progress note of January 7\" --purpose \"Order of the court of January 20\"\n  provenote disclosures record cli-… --to \"Dr. Lee\" --what \"Note of March 2\" --purpose \"Referral\" --exclusion treatment --entry 41"
    )]
    Record(DisclosureRecord),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DisclosureRecord {
    /// The client: id or whole name
    pub(crate) client: String,
    /// The name of who got it
    #[arg(long, value_name = "NAME")]
    pub(crate) to: String,
    /// Their address, if known
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    /// What it was, briefly
    #[arg(long, value_name = "TEXT")]
    pub(crate) what: String,
    /// What for, briefly
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: String,
    /// When it was disclosed [default: now]
    #[arg(long, value_name = "T")]
    pub(crate) date: Option<String>,
    /// Where it need not be told to the client: the ground in 45 CFR 164.528(a)(1), a word; a wrong one prints the list
    #[arg(long, value_name = "GROUND")]
    pub(crate) exclusion: Option<String>,
    /// The entry of the export or bundle that it tells about
    #[arg(long, value_name = "SEQ")]
    pub(crate) entry: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Hold a client's records back from destruction, or those of one session
    #[command(
        after_help = "Example:\n  provenote retention hold place \"Maria Alvarez\" --reason \"Complaint to the licensing board\""
    )]
    Place {
        /// The client: id or whole name
        client: String,
        /// Only what this session left
        #[arg(long, value_name = "SESSION")]
        session: Option<String>,
        /// Why: a sentence, sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Lift a hold, by the number that `list` prints
    #[command(after_help = "Example:\n  provenote retention hold lift 41 --reason \"The complaint was settled\"")]
    Lift {
        /// The hold's number
        hold: u64,
        /// Why: a sentence, sealed
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List holds, those that were lifted too
    #[command(after_help = "Example:\n  provenote retention hold list")]
    List,
    /// Read why a hold was placed
    #[command(after_help = "Example:\n  provenote retention hold reason 41")]
    Reason {
        /// The hold's number
        hold: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Trail {
    #[command(subcommand)]
    pub(crate) command: Option<TrailCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrailCommand {
    /// Write the oldest entries, all that are old enough, into an archive that verifies alone; the ledger keeps them
    #[command(
        after_help = "Example:\n  provenote retention trail seal -o trail-2032.archive\n  provenote ledger verify --archive trail-2032.archive"
    )]
    Seal {
        /// Where the archive goes
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Only the entries before this one [default: all that are old enough]
        #[arg(long, value_name = "SEQ")]
        upto: Option<u64>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// Open an incident: what happened, as far as it is known; sealed
    #[command(
        after_help = "Example:\n  provenote access incident report --severity medium --words \"A laptop was left on a train; its disk is encrypted.\""
    )]
    Report(IncidentWords),
    /// Say what was found out about an incident
    #[command(after_help = "Example:\n  provenote access incident assess 41 --severity low --words \"It was locked.\"")]
    Assess {
        /// The incident's number
        incident: u64,
        #[command(flatten)]
        words: IncidentWords,
    },
    /// Close an incident with what came of it
    #[command(
        after_help = "Example:\n  provenote access incident close 41 --severity low --words \"It came back unopened.\""
    )]
    Close {
        /// The incident's number
        incident: u64,
        #[command(flatten)]
        words: IncidentWords,
    },
    /// List incidents
    #[command(after_help = "Example:\n  provenote access incident list")]
    List,
    /// Read what was said of an incident
    #[command(after_help = "Example:\n  provenote access incident show 41")]
    Show {
        /// The incident's number
        incident: u64,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct IncidentWords {
    /// How grave it is: low, medium or high
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) severity: Severity,
    /// What happened, or what came of it: sentences, sealed
    #[arg(long, value_name = "TEXT")]
    pub(crate) words: String,
}

/// How grave an incident is, by its word.
fn severity(word: &str) -> Result<Severity, String> {
    Severity::from_word(word).ok_or_else(|| "there are low, medium, high".to_owned())
}

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AccessReview {
    #[command(subcommand)]
    pub(crate) command: Option<ReviewCommand>,
    #[command(flatten)]
    pub(crate) asked: ReviewAsked,
}

#[derive(Debug, Default, ClapArgs)]
pub(crate) struct ReviewAsked {
    /// The time to review [default: from the end of the last review that was signed off until now]
    #[command(flatten)]
    pub(crate) period: Period,
    /// The usual hours of the day, where the practice is [default: 7-21]
    #[arg(long, value_name = "FROM-TO")]
    pub(crate) hours: Option<String>,
    /// Saturdays and Sundays are usual too
    #[arg(long)]
    pub(crate) weekends: bool,
    /// How many clients' records a day are a lot [default: 20]
    #[arg(long, value_name = "CLIENTS")]
    pub(crate) bulk: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Sign off the review you looked at last, with what you say of its findings; sealed
    #[command(
        after_help = "Example:\n  provenote access review sign-off --words \"Both openings were for a telephone call.\""
    )]
    SignOff {
        /// What you say of the findings
        #[arg(long, value_name = "TEXT")]
        words: String,
    },
}
