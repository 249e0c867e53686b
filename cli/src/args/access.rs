//! `access`: who may open what, for how long, and why.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::trail::{AccessReview, IncidentCommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Users of the practice
    #[command(subcommand, after_help = "Example:\n  provenote access user list")]
    User(User),
    /// Say that somebody treats a client
    #[command(after_help = "Example:\n  provenote access assign \"Maria Alvarez\" usr-…")]
    Assign {
        /// The client, by id or name
        client: String,
        /// The user's id
        user: String,
    },
    /// Say that somebody treats a client no longer
    #[command(after_help = "Example:\n  provenote access unassign \"Maria Alvarez\" usr-…")]
    Unassign {
        /// The client, by id or name
        client: String,
        /// The user's id
        user: String,
    },
    /// Say that a supervisor answers for somebody's work, or with --end that they no longer do
    #[command(after_help = "Example:\n  provenote access supervise usr-… usr-…")]
    Supervise {
        /// The supervisor's id
        supervisor: String,
        /// The id of the user whose work it is
        supervisee: String,
        /// They no longer do
        #[arg(long)]
        end: bool,
    },
    /// Access for a limited time
    #[command(subcommand, after_help = "Example:\n  provenote access grant list")]
    Grant(GrantCommand),
    /// Access in an emergency, at once, reviewed afterwards
    #[command(subcommand, after_help = "Example:\n  provenote access emergency status")]
    Emergency(Emergency),
    /// The second factor: codes of an authenticator (RFC 6238)
    #[command(subcommand, after_help = "Example:\n  provenote access factor add")]
    Factor(Factor),
    /// Machines that the practice knows
    #[command(subcommand, after_help = "Example:\n  provenote access device list")]
    Device(Device),
    /// From which networks and countries people may work
    #[command(subcommand, after_help = "Example:\n  provenote access place show")]
    Place(Place),
    /// Security incidents: opened, assessed, closed
    #[command(subcommand, after_help = "Example:\n  provenote access incident list")]
    Incident(IncidentCommand),
    /// The periodic review: unusual openings, grants, users without a second factor, emergencies (exit 3 on findings)
    #[command(
        after_help = "Examples:\n  provenote access review\n  provenote access review --since 2026-07-01 --until 2026-09-30 --hours 8-20\n  provenote access review sign-off --words \"Both openings were for a telephone call.\""
    )]
    Review(AccessReview),
    /// Print a decision with the policies that made it
    #[command(
        after_help = "Examples:\n  provenote access explain usr-… view_note note-…\n  provenote access explain usr-… make_report practice"
    )]
    Explain {
        /// The user's id
        user: String,
        /// The action; a wrong one prints the list
        action: String,
        /// practice, ledger, or the id of a client, session, note, user or grant
        resource: String,
    },
    /// The practice's own policies (Cedar)
    #[command(subcommand, after_help = "Example:\n  provenote access policy check our-rules.cedar")]
    Policy(Policy),
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List users with their roles
    #[command(after_help = "Example:\n  provenote access user list")]
    List,
    /// Add a user with keys of their own: with a passphrase typed here, or an invitation they redeem
    #[command(
        after_help = "Examples:\n  provenote access user add \"Sam Ortiz\" --role biller\n  provenote access user add \"Kim Lee, LPC\" --role clinician --user-passphrase-file passphrase.txt\n  provenote access user add \"Board of Examiners\" --role auditor --until 2027-01-31"
    )]
    Add(UserAdd),
    /// Redeem an invitation: choose a passphrase and make keys of one's own
    #[command(after_help = "Example:\n  provenote access user redeem usr-…      # asks for the code and a passphrase")]
    Redeem {
        /// The user's id, as the invitation names it
        user: String,
        /// Read the invitation's code from this file instead of asking; the passphrase then comes from --passphrase-file
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
    /// Change a user's role, or when the account ends
    #[command(after_help = "Example:\n  provenote access user change usr-… --role supervisor")]
    Change {
        /// The user's id
        user: String,
        /// What they are from now on
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: provenote_schemas::Role,
        /// The last day of the account
        #[arg(long, value_name = "DATE")]
        until: Option<String>,
    },
    /// Remove a user: their keys open nothing that is written from now on
    #[command(after_help = "Example:\n  provenote access user remove usr-…")]
    Remove {
        /// The user's id
        user: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UserAdd {
    /// The name, with credentials as they sign
    pub(crate) name: String,
    /// What they are: owner, clinician, supervisor, biller, researcher, compliance_officer, front_desk or auditor
    #[arg(long, value_name = "ROLE", value_parser = role)]
    pub(crate) role: provenote_schemas::Role,
    /// The last day of the account; an auditor's needs one
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
    /// The new user's passphrase is this file's first line; without it an invitation is made, which the user redeems
    #[arg(long, value_name = "FILE")]
    pub(crate) user_passphrase_file: Option<PathBuf>,
}

/// A role by its word.
fn role(word: &str) -> Result<provenote_schemas::Role, String> {
    provenote_schemas::Role::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = provenote_schemas::Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("there are {}", words.join(", "))
    })
}

/// A class of payloads by its word.
fn class(word: &str) -> Result<provenote_schemas::Class, String> {
    provenote_schemas::Class::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = provenote_schemas::Class::ALL.iter().map(|class| class.as_str()).collect();
        format!("there are {}", words.join(", "))
    })
}

/// A ground by its word.
fn authority(word: &str) -> Result<provenote_access::Authority, String> {
    let value = serde_json::Value::String(word.to_owned());
    serde_json::from_value(value).map_err(|_| {
        "there are client_authorization, own_training, legal_defence, secretary, required_by_law, oversight, coroner, serious_threat"
            .to_owned()
    })
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GrantScope {
    /// The client, by id, or by name where your keys open it; left out for every client's
    pub(crate) client: Option<String>,
    /// Only what one session left
    #[arg(long, value_name = "SESSION", conflicts_with = "note")]
    pub(crate) session: Option<String>,
    /// Only one note
    #[arg(long, value_name = "NOTE")]
    pub(crate) note: Option<String>,
    /// The class: clinical, billing, administrative, research, psychotherapy_notes, part2 or sud_counseling_notes
    #[arg(long, value_name = "CLASS", default_value = "clinical", value_parser = class)]
    pub(crate) class: provenote_schemas::Class,
    /// For how many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 60)]
    pub(crate) minutes: u32,
    /// Why: a sentence, read by whoever answers or reviews, and sealed
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// For notes that are kept apart: the ground in 45 CFR 164.508(a)(2)
    #[arg(long, value_name = "GROUND", value_parser = authority)]
    pub(crate) authority: Option<provenote_access::Authority>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// Ask for access; somebody else has to approve it
    #[command(
        after_help = "Examples:\n  provenote access grant request cli-… --minutes 120 --reason \"Covering for Dana Reyes this week\"\n  provenote access grant request --session ses-… --reason \"Question about the date of service\""
    )]
    Request(GrantScope),
    /// Requests, and access in force or over
    #[command(after_help = "Example:\n  provenote access grant list")]
    List,
    /// Read why access is asked for
    #[command(after_help = "Example:\n  provenote access grant reason grant-…")]
    Reason {
        /// The grant's id
        grant: String,
    },
    /// Give what was asked for; it ends by itself
    #[command(after_help = "Example:\n  provenote access grant approve grant-…")]
    Approve {
        /// The grant's id
        grant: String,
    },
    /// Say no
    #[command(after_help = "Example:\n  provenote access grant deny grant-…")]
    Deny {
        /// The grant's id
        grant: String,
    },
    /// Take access back before its end
    #[command(after_help = "Example:\n  provenote access grant revoke grant-…")]
    Revoke {
        /// The grant's id
        grant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Emergency {
    /// Make the emergency key anew and print its code once, for a sealed envelope
    #[command(after_help = "Example:\n  provenote access emergency prepare")]
    Prepare,
    /// Break the glass: access at once, with the envelope's code and a reason
    #[command(
        after_help = "Example:\n  provenote access emergency take cli-… --reason \"Client in crisis, treating clinician unreachable\""
    )]
    Take {
        #[command(flatten)]
        scope: GrantScope,
        /// Read the envelope's code from this file instead of asking
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
    /// Review emergency access of somebody else
    #[command(
        after_help = "Example:\n  provenote access emergency review grant-… --words \"Crisis call confirmed with the client\""
    )]
    Review {
        /// The grant's id
        grant: String,
        /// What the review found
        #[arg(long, value_name = "TEXT")]
        words: String,
    },
    /// What is prepared, and which emergencies nobody has reviewed (exit 3 where there are some)
    #[command(after_help = "Example:\n  provenote access emergency status")]
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show what policies would newly allow or forbid, before they are in force
    #[command(after_help = "Example:\n  provenote access policy check our-rules.cedar")]
    Check {
        /// Cedar files: all of the practice's own
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Put policies in force in place of the practice's own before; without files, the bundled ones alone
    #[command(after_help = "Example:\n  provenote access policy apply our-rules.cedar")]
    Apply {
        /// Cedar files: all of the practice's own
        files: Vec<PathBuf>,
    },
    /// Show the table of who may do what by the bundled policies
    #[command(
        after_help = "Examples:\n  provenote access policy table\n  provenote access policy table --commands   # which command whom"
    )]
    Table {
        /// A row for each command instead of each act
        #[arg(long)]
        commands: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Factor {
    /// Give yourself a second factor, or another one: shows a QR code for the authenticator, asks for a first code, and
    /// prints recovery codes once
    #[command(
        after_help = "Example:\n  provenote access factor add      # without a terminal, the first code is read from standard input"
    )]
    Add,
    /// Take away the second factor of somebody who lost the authenticator
    #[command(after_help = "Example:\n  provenote access factor reset usr-…")]
    Reset {
        /// The user's id
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Make a key pair for this machine and ask that the practice know it
    #[command(after_help = "Example:\n  provenote access device enrol --personal")]
    Enrol {
        /// Only you sign in on it
        #[arg(long)]
        personal: bool,
        /// Make another key pair, where the one this machine has was revoked or is damaged
        #[arg(long)]
        new_key: bool,
    },
    /// Let a machine count. From the first one on, nobody signs in on a machine that the practice does not know
    #[command(after_help = "Example:\n  provenote access device approve dev-…")]
    Approve {
        /// The device's id
        device: String,
    },
    /// Let a machine count no more: lost, sold, not wanted
    #[command(after_help = "Example:\n  provenote access device revoke dev-…")]
    Revoke {
        /// The device's id
        device: String,
    },
    /// List machines, and which of them this one is
    #[command(after_help = "Example:\n  provenote access device list")]
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Place {
    /// Show the rule in force
    #[command(after_help = "Example:\n  provenote access place show")]
    Show,
    /// Set the rule anew. It holds for access over a network; on the machine itself the machine's key counts
    #[command(
        after_help = "Examples:\n  provenote access place set --network office=198.51.100.0/24 --network vpn=2001:db8:7::/48\n  provenote access place set --country US\n  provenote access place set --nowhere"
    )]
    Set {
        /// A network that is allowed, with a name for it; may be given several times
        #[arg(long = "network", value_name = "NAME=CIDR", required_unless_present_any = ["country", "nowhere"])]
        networks: Vec<String>,
        /// A country that is allowed, ISO 3166-1, two letters; may be given several times
        #[arg(long, value_name = "XX")]
        country: Vec<String>,
        /// Nobody over a network, which is how a practice begins
        #[arg(long, conflicts_with_all = ["networks", "country"])]
        nowhere: bool,
    },
    /// Say whether an address would be let in, and why not (exit 3 where it would not)
    #[command(after_help = "Example:\n  provenote access place try 203.0.113.9 --countries GeoLite2-Country.mmdb")]
    Try {
        /// The address, IPv4 or IPv6
        address: std::net::IpAddr,
        /// A database of countries in MaxMind's format
        #[arg(long, value_name = "FILE")]
        countries: Option<PathBuf>,
    },
}
