//! `client`: files, and who takes part.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Client {
    /// Open a client's file
    #[command(
        after_help = "Examples:\n  provenote client add \"Maria Alvarez\" --state IL --born 1984-02-29\n  provenote client add \"Jon Park\" --partner \"Kim Park\"\n  provenote client add \"Lena Ortiz\" --born 2012-05-01 --guardian \"Ana Ortiz\" --guardian \"Luis Ortiz\""
    )]
    Add {
        /// The client's name
        name: String,
        /// The state the client sits in, where it is not the practice's
        #[arg(long, value_name = "XX")]
        state: Option<String>,
        /// Date of birth, YYYY-MM-DD
        #[arg(long, value_name = "DATE")]
        born: Option<String>,
        #[command(flatten)]
        joining: Joining,
    },
    /// List clients
    #[command(after_help = "Example:\n  provenote client list")]
    List,
    /// Show a client's file
    #[command(after_help = "Example:\n  provenote client show cli-…")]
    Show {
        /// Id or whole name
        client: String,
    },
    /// List everybody who opened a client's file, in words for the client
    #[command(
        after_help = "Examples:\n  provenote client openings cli-…\n  provenote client openings cli-… -o openings.txt"
    )]
    Openings {
        /// Id or whole name
        client: String,
        /// Write it to this text file for the client
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Who else takes part: consents given before do not cover somebody who joins
    #[command(subcommand, after_help = "Example:\n  provenote client person add cli-… \"Kim Park\" --role partner")]
    Person(Person),
    /// Names and places that texts about the client are cleaned of before a release; without options, show them
    #[command(
        after_help = "Examples:\n  provenote client know cli-…\n  provenote client know cli-… --nickname Mimi --relative \"Hector Alvarez / Papi\" --place Galena --employer \"Sunrise Bakery\""
    )]
    Know(Known),
    /// Destroy the keys of everything that is kept of a client; nothing brings it back
    #[command(after_help = "Example:\n  provenote client destroy cli-… --reason retention_ended --yes")]
    Destroy {
        /// Id or whole name
        client: String,
        /// Why, in one of the words that `--reason ?` lists
        #[arg(long, value_name = "REASON")]
        reason: String,
        /// Destroy although the records must still be kept; the entry says so
        #[arg(long)]
        before_retention_ends: bool,
        /// Do it without asking again
        #[arg(long)]
        yes: bool,
    },
}

/// Everybody else in the sessions, by role. Each may be given several times.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Joining {
    /// A parent or guardian who signs for a client under age
    #[arg(long, value_name = "NAME")]
    pub(crate) guardian: Vec<String>,
    /// The other one of a couple
    #[arg(long, value_name = "NAME")]
    pub(crate) partner: Vec<String>,
    /// Somebody of the client's family
    #[arg(long, value_name = "NAME")]
    pub(crate) family: Vec<String>,
    /// Another member of the group
    #[arg(long, value_name = "NAME")]
    pub(crate) group_member: Vec<String>,
    /// Somebody under age who is not the client
    #[arg(long, value_name = "NAME")]
    pub(crate) minor: Vec<String>,
    /// Somebody who translates
    #[arg(long, value_name = "NAME")]
    pub(crate) interpreter: Vec<String>,
    /// Somebody who looks on
    #[arg(long, value_name = "NAME")]
    pub(crate) observer: Vec<String>,
    /// The clinician's supervisor, where present
    #[arg(long, value_name = "NAME")]
    pub(crate) supervisor: Vec<String>,
    /// Anybody else
    #[arg(long, value_name = "NAME")]
    pub(crate) participant: Vec<String>,
}

/// What the practice knows about a client beyond the people of the sessions. Each may be given several times.
#[derive(Debug, Args)]
pub(crate) struct Known {
    /// Id or whole name
    pub(crate) client: String,
    /// What else the client is called: a nickname, a former name
    #[arg(long, value_name = "NAME")]
    pub(crate) nickname: Vec<String>,
    /// Family, household, a friend: every name the person goes by, with ` / ` between them
    #[arg(long, value_name = "NAMES")]
    pub(crate) relative: Vec<String>,
    /// A street, a town: a place smaller than a state
    #[arg(long, value_name = "PLACE")]
    pub(crate) place: Vec<String>,
    /// An employer, school, clinic or church
    #[arg(long, value_name = "NAME")]
    pub(crate) employer: Vec<String>,
    /// A name that was added by mistake
    #[arg(long, value_name = "NAME")]
    pub(crate) forget: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Add somebody to a client's file
    #[command(
        after_help = "Examples:\n  provenote client person add cli-… \"Kim Park\" --role partner --state WI\n  provenote client person add cli-… \"Ana Ortiz\" --role guardian --answers-for \"Lena Ortiz\""
    )]
    Add {
        /// Id or whole name
        client: String,
        /// The person's name, as it is signed
        name: String,
        /// client, guardian, partner, family, group_member, minor, interpreter, observer, supervisor, participant
        #[arg(long, value_name = "ROLE")]
        role: String,
        /// Date of birth, YYYY-MM-DD
        #[arg(long, value_name = "DATE")]
        born: Option<String>,
        /// The state the person sits in, where it is not the client's
        #[arg(long, value_name = "XX")]
        state: Option<String>,
        /// For a guardian: for whom they sign, where it is not the client; may be given several times
        #[arg(long, value_name = "NAME")]
        answers_for: Vec<String>,
    },
    /// Take somebody out of a client's file; what they signed stays in the ledger
    #[command(after_help = "Example:\n  provenote client person remove cli-… \"Kim Park\"")]
    Remove {
        /// Id or whole name
        client: String,
        /// Id or whole name of the person
        person: String,
    },
}
