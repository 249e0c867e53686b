//! The command line's words.

mod access;
mod baa;
mod claim;
mod client;
mod consent;
mod release;
mod session;
mod terms;
mod trail;
mod vendor;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

pub(crate) use access::{Access, Device, Emergency, Factor, GrantCommand, GrantScope, Place, Policy, User, UserAdd};
pub(crate) use baa::{Baa, BaaReview};
pub(crate) use claim::{Claim, ClaimAsked};
pub(crate) use client::{Client, Joining, Known, Person};
pub(crate) use consent::{Consent, ExportForm, FormAsked, Noted, RuleAsked, Template};
pub(crate) use release::{Release, ReleaseMake};
pub(crate) use session::{Held, Session};
pub(crate) use terms::{Settled, Terms, Track};
pub(crate) use trail::{
    AccessReview, Accounting, DisclosureCommand, DisclosureRecord, Disclosures, Entries, Hold, IncidentCommand,
    IncidentWords, LedgerExport, Period, ReviewAsked, ReviewCommand, Trail, TrailCommand,
};
pub(crate) use vendor::{Asked, Vendor, VendorAgreement, VendorAnswer, VendorAudit};

/// Keeps the evidence around AI-drafted therapy notes: consent, recording, prompts, drafts, notes,
/// destruction, in a ledger that strangers can verify.
#[derive(Debug, Parser)]
#[command(
    name = "provenote",
    version,
    about,
    max_term_width = 100,
    after_help = "\
Example, a first session:
  provenote init --practice \"Elm Street Counseling\" --clinician \"Dana Reyes, LCSW\" --state IL
  provenote client add \"Maria Alvarez\"
  provenote consent form cli-… -o consent.pdf
  provenote consent sign cli-… --participant \"Maria Alvarez\" --typed \"Maria Alvarez\"
  provenote session add cli-… session.wav
  provenote note draft ses-…
  provenote note attest note-…
  provenote ledger verify

Exit codes: 0 done, 1 could not, 2 usage, 3 findings, 4 refused by consent or access."
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Global {
    /// The practice's folder [default: the platform's data folder]
    #[arg(long, global = true, env = "PROVENOTE_HOME", value_name = "DIR", hide_env_values = true)]
    pub(crate) home: Option<PathBuf>,
    /// Print one JSON document on standard output and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Who acts, where the practice has several users
    #[arg(
        id = "acting_user",
        long = "as",
        global = true,
        env = "PROVENOTE_USER",
        value_name = "USER",
        hide_env_values = true
    )]
    pub(crate) user: Option<String>,
    /// Read the passphrase from this file's first line instead of asking
    #[arg(long, global = true, env = "PROVENOTE_PASSPHRASE_FILE", value_name = "FILE", hide_env_values = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Read the second factor's code from this file's first line instead of asking
    #[arg(long, global = true, env = "PROVENOTE_FACTOR_FILE", value_name = "FILE", hide_env_values = true)]
    pub(crate) factor_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the practice here: keys, ledger, first entries, recovery code
    #[command(
        after_help = "Example:\n  provenote init --practice \"Elm Street Counseling\" --clinician \"Dana Reyes, LCSW\" --state IL --recovery-kit kit.pdf"
    )]
    Init(Init),
    /// Do the whole job once, on the bundled recording, in a folder of its own
    #[command(after_help = "Example:\n  provenote demo --out demo")]
    Demo(Demo),
    /// Say what works on this machine, and which safeguards are switched off
    #[command(
        after_help = "Examples:\n  provenote doctor\n  provenote doctor --accept-clock   # after the clock was set back on purpose"
    )]
    Doctor(Doctor),
    /// Hold this user's keys for a limited idle time, so that commands need no passphrase
    #[command(after_help = "Example:\n  provenote unlock --idle 15")]
    Unlock(Unlock),
    /// Forget the keys held by `unlock`
    #[command(after_help = "Example:\n  provenote lock")]
    Lock,
    /// Open the keys with the recovery code and choose a new passphrase
    #[command(after_help = "Example:\n  provenote recover            # asks for the code and a new passphrase")]
    Recover {
        /// Read the code from this file instead of asking; the new passphrase then comes from --passphrase-file
        #[arg(long, value_name = "FILE")]
        code_file: Option<PathBuf>,
    },
    /// Clients and who else takes part
    #[command(subcommand, after_help = "Example:\n  provenote client add \"Maria Alvarez\"")]
    Client(Client),
    /// Consent: the form, signatures, withdrawal, what is in force
    #[command(subcommand, after_help = "Example:\n  provenote consent status \"Maria Alvarez\"")]
    Consent(Consent),
    /// Recordings, through the gate
    #[command(subcommand, after_help = "Example:\n  provenote session add \"Maria Alvarez\" session.wav")]
    Session(Session),
    /// Companies outside the practice that get sound or words
    #[command(subcommand, after_help = "Example:\n  provenote vendor list")]
    Vendor(Vendor),
    /// Business associate agreements: what they promise, permit and leave out
    #[command(subcommand, after_help = "Example:\n  provenote baa review agreement.pdf")]
    Baa(Baa),
    /// Terms and policies of companies, and how they change
    #[command(subcommand, after_help = "Example:\n  provenote terms diff privacy-2025.html privacy-2026.html")]
    Terms(Terms),
    /// What the speech model heard
    #[command(subcommand, after_help = "Example:\n  provenote transcript show ses-…")]
    Transcript(Transcript),
    /// From draft to note
    #[command(subcommand, after_help = "Example:\n  provenote note draft ses-…")]
    Note(Note),
    /// What a claim for a note needs: codes, dates, times and identities, never the note's text
    #[command(subcommand, after_help = "Example:\n  provenote claim show note-…")]
    Claim(Claim),
    /// Texts without identifiers, which a person read and confirmed
    #[command(subcommand, after_help = "Example:\n  provenote release prepare note-…")]
    Release(Release),
    /// The ledger: entries, verification, checkpoint, proofs, its key
    #[command(subcommand, after_help = "Example:\n  provenote ledger verify")]
    Ledger(Ledger),
    /// Others who watch that the ledger only grows (C2SP tlog-witness)
    #[command(subcommand, after_help = "Example:\n  provenote witness add board VKEY https://witness.board.example/")]
    Witness(Witness),
    /// Evidence for a stranger, who checks it without Provenote
    #[command(
        subcommand,
        after_help = "Example:\n  provenote bundle create --client \"Maria Alvarez\" -o evidence.zip"
    )]
    Bundle(Bundle),
    /// Copies of the practice, and how it comes back
    #[command(subcommand, after_help = "Example:\n  provenote backup create /media/backup")]
    Backup(Backup),
    /// What was disclosed of a client outside the practice (45 CFR 164.528), and recording it
    #[command(
        after_help = "Examples:\n  provenote disclosures \"Maria Alvarez\"\n  provenote disclosures record \"Maria Alvarez\" --to \"County Court\" --what \"Progress note of January 7\" --purpose \"Order of the court\""
    )]
    Disclosures(Disclosures),
    /// What falls due, and its destruction with receipts
    #[command(subcommand, after_help = "Example:\n  provenote retention plan")]
    Retention(Retention),
    /// Documents for people
    #[command(subcommand, after_help = "Example:\n  provenote report board -o board.pdf")]
    Report(Report),
    /// Models by digest
    #[command(subcommand, after_help = "Example:\n  provenote model list")]
    Model(Model),
    /// What this practice has chosen
    #[command(subcommand, after_help = "Example:\n  provenote settings show")]
    Settings(Settings),
    /// Who may open what, for how long, and why: users, roles, access for a limited time, policies
    #[command(subcommand, after_help = "Example:\n  provenote access user list")]
    Access(Access),
    /// Holds unlocked keys; started by `unlock`
    #[command(hide = true)]
    Agent {
        /// Idle minutes until the keys are forgotten.
        #[arg(long)]
        idle: u32,
        /// The socket to answer on.
        #[arg(long)]
        socket: PathBuf,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    /// The practice's name
    #[arg(long, value_name = "NAME")]
    pub(crate) practice: String,
    /// The clinician's name, with credentials as they sign
    #[arg(long, value_name = "NAME")]
    pub(crate) clinician: String,
    /// The clinician's licence, as the board knows it
    #[arg(long, value_name = "TEXT")]
    pub(crate) license: Option<String>,
    /// The US state the practice is in, two letters
    #[arg(long, value_name = "XX")]
    pub(crate) state: String,
    /// Write the recovery kit to this PDF, to be printed and then deleted; otherwise the code is shown once
    #[arg(long, value_name = "FILE")]
    pub(crate) recovery_kit: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// The demonstration's folder; must be empty or not exist
    #[arg(long, value_name = "DIR", default_value = "provenote-demo")]
    pub(crate) out: PathBuf,
    /// Draft with this model instead of the best one on this machine
    #[arg(long, value_name = "ID")]
    pub(crate) model: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Accept that the clock stands behind the ledger, as an entry that says so
    #[arg(long)]
    pub(crate) accept_clock: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Unlock {
    /// Minutes without a command until the keys are forgotten
    #[arg(long, value_name = "MINUTES", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=480))]
    pub(crate) idle: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Transcript {
    /// Print segments with their times
    #[command(after_help = "Example:\n  provenote transcript show ses-…")]
    Show {
        /// The session
        session: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Note {
    /// Transcribe a session where that is not done yet, and draft a note of it
    #[command(after_help = "Example:\n  provenote note draft ses-… --format dap")]
    Draft {
        /// The session
        session: String,
        /// soap, dap, birp, girp, pie or sirp
        #[arg(long, default_value = "soap")]
        format: String,
        /// One of the drafting models clients were told of [default: the first]
        #[arg(long, value_name = "ID")]
        model: Option<String>,
    },
    /// List notes
    #[command(after_help = "Example:\n  provenote note list")]
    List,
    /// Print a draft or note as your role sees it: with its marks and segments, what a claim needs, or a released text
    #[command(after_help = "Example:\n  provenote note show note-…")]
    Show {
        /// The note
        note: String,
    },
    /// Change a draft in $EDITOR, or take it from a file
    #[command(after_help = "Examples:\n  provenote note edit note-…\n  provenote note edit note-… --from edited.md")]
    Edit {
        /// The note
        note: String,
        /// The whole edited text: a heading a section (`## Plan`), a line a sentence
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Answer a warning that the draft does not speak of
    #[command(
        after_help = "Example:\n  provenote note answer note-… w1 \"Asked as routine; client denied. Risk low.\""
    )]
    Answer {
        /// The note
        note: String,
        /// The warning, such as w1
        warning: String,
        /// What the clinician says to it
        answer: String,
    },
    /// Make a draft a note: asks for the passphrase again, and signs
    #[command(after_help = "Example:\n  provenote note attest note-…")]
    Attest {
        /// The note
        note: String,
    },
    /// Add to an attested note
    #[command(
        after_help = "Example:\n  provenote note amend note-… --text \"Client called: next session moved to Friday.\""
    )]
    Amend {
        /// The note
        note: String,
        /// What is added
        #[arg(long, value_name = "TEXT", conflicts_with = "from", required_unless_present = "from")]
        text: Option<String>,
        /// What is added, from a file
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Hand out an attested note
    #[command(after_help = "Example:\n  provenote note export note-… -o note.pdf")]
    Export {
        /// The note
        note: String,
        /// Its ending decides the format: .pdf, .md, .txt, .json [default: note-….pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List every entry behind a note, from consent to export
    #[command(after_help = "Example:\n  provenote note trace note-…")]
    Trace {
        /// The note
        note: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// List entries (headers; they hold no health information)
    #[command(
        after_help = "Examples:\n  provenote ledger log --kind consent.granted --since 2026-01-01\n  provenote ledger log --actor usr-… --event export\n  provenote ledger log --outcome refused"
    )]
    Log(Entries),
    /// Hand entries out as a file: FHIR AuditEvent, OCSF or CSV; the export is an entry
    #[command(
        after_help = "Examples:\n  provenote ledger export -o trail.ndjson\n  provenote ledger export --client cli-… --since 2026-01-01 -o trail.csv"
    )]
    Export(LedgerExport),
    /// Show one entry with the payloads this user may read
    #[command(after_help = "Example:\n  provenote ledger show 17")]
    Show {
        /// The entry's number
        seq: u64,
    },
    /// Check the whole log: chain, tree, checkpoints, signatures, payloads, destructions (exit 3 on findings)
    #[command(after_help = "Examples:\n  provenote ledger verify\n  provenote ledger verify --anchor checkpoint.txt")]
    Verify {
        /// A checkpoint handed out earlier: a text file, a form or report as PDF, a bundle, a proof, `-`, or the text
        /// itself; may be given several times
        #[arg(long, value_name = "FILE")]
        anchor: Vec<String>,
        /// Check this archive of the oldest entries instead, alone and against the ledger where one is here
        #[arg(long, value_name = "FILE", conflicts_with = "anchor")]
        archive: Option<PathBuf>,
        /// The ledger's key as you know it, for an archive without its practice
        #[arg(long, value_name = "VKEY", requires = "archive")]
        vkey: Option<String>,
        /// Certificates of time-stamp authorities to trust, PEM
        #[arg(long, value_name = "PEM")]
        authority: Option<PathBuf>,
    },
    /// Print the signed checkpoint (C2SP signed note)
    #[command(after_help = "Example:\n  provenote ledger checkpoint > checkpoint.txt")]
    Checkpoint,
    /// Prove that an entry is in the ledger (C2SP tlog-proof)
    #[command(after_help = "Example:\n  provenote ledger prove 17 -o entry-17.tlog-proof")]
    Prove {
        /// The entry's number
        seq: u64,
        /// Where the proof goes [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Prove instead that the ledger of this many entries is the beginning of the one of SEQ entries
        #[arg(long, value_name = "SIZE")]
        grown_from: Option<u64>,
    },
    /// Give the ledger a new key, signed for by the old one, which is destroyed
    #[command(
        after_help = "Examples:\n  provenote ledger rotate-key\n  provenote ledger rotate-key --compromised   # the old key may be in other hands"
    )]
    RotateKey {
        /// The old key may be in other hands: only what was anchored outside before stays trusted
        #[arg(long)]
        compromised: bool,
        /// With --compromised: a checkpoint handed out before, such as a client's copy of a form; may be given several
        /// times
        #[arg(long, value_name = "FILE", requires = "compromised")]
        anchor: Vec<String>,
    },
    /// Have a time-stamp authority (RFC 3161) say when the checkpoint existed
    #[command(after_help = "Example:\n  provenote ledger timestamp --tsa https://tsa.example/ --authority tsa-ca.pem")]
    Timestamp {
        /// The authority's address
        #[arg(long, value_name = "ADDRESS")]
        tsa: String,
        /// Certificates of the authorities to trust, PEM
        #[arg(long, value_name = "PEM")]
        authority: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Witness {
    /// Watch other practices' ledgers: sign for each new state that it continues the one before
    #[command(
        after_help = "Example:\n  provenote witness serve --name witness.elm.example --listen 0.0.0.0:7380 --folder witness --log VKEY"
    )]
    Serve {
        /// The witness's name in its signatures; such as the address it is reached at, without `https://`
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Where to listen
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7380")]
        listen: String,
        /// Its own folder, for its key and what it has signed; not the practice's
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// A ledger to watch: the vkey that `provenote doctor` prints there; may be given several times
        #[arg(long, value_name = "VKEY", required = true)]
        log: Vec<String>,
    },
    /// Ask this witness from now on
    #[command(after_help = "Example:\n  provenote witness add board VKEY https://witness.board.example/")]
    Add {
        /// What to call it here
        name: String,
        /// Its key, as `witness serve` prints it there
        vkey: String,
        /// Its address
        url: String,
        /// How many of all witnesses must agree [default: all of them]
        #[arg(long, value_name = "N")]
        quorum: Option<usize>,
    },
    /// Ask this witness no longer, and clear an alarm it raised
    #[command(after_help = "Example:\n  provenote witness remove board")]
    Remove {
        /// What it is called here
        name: String,
    },
    /// Ask all witnesses to sign for the ledger as it stands, and see whether one knows a longer ledger (exit 3)
    #[command(after_help = "Example:\n  provenote witness update")]
    Update,
    /// Who is asked, and what they signed last
    #[command(after_help = "Example:\n  provenote witness list")]
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bundle {
    /// Write a bundle: entries, proofs, texts with the keys to their commitments, what is withheld and why
    #[command(
        after_help = "Examples:\n  provenote bundle create --client \"Maria Alvarez\" -o evidence.zip\n  provenote bundle create --session ses-… --withhold prompt --withhold output -o session.zip\n  provenote bundle create --period 2026-01-01..2026-06-30 -o half-year.zip"
    )]
    Create(BundleCreate),
    /// Check a bundle; needs no practice (exit 3 on findings)
    #[command(
        after_help = "Examples:\n  provenote bundle verify evidence.zip\n  provenote bundle verify evidence.zip --anchor consent-signed.pdf"
    )]
    Verify {
        /// The bundle
        file: PathBuf,
        /// A checkpoint you were given earlier: a text file, a form as PDF, `-`, or the text itself
        #[arg(long, value_name = "FILE")]
        anchor: Vec<String>,
        /// The ledger's key as you know it, such as from a printed form
        #[arg(long, value_name = "VKEY")]
        vkey: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("scope").required(true))]
pub(crate) struct BundleCreate {
    /// Everything of this client: id or whole name
    #[arg(long, value_name = "C", group = "scope")]
    pub(crate) client: Option<String>,
    /// Everything of this session
    #[arg(long, value_name = "S", group = "scope")]
    pub(crate) session: Option<String>,
    /// Everything behind this note
    #[arg(long, value_name = "N", group = "scope")]
    pub(crate) note: Option<String>,
    /// All entries of these days, no texts: FROM..TO
    #[arg(long, value_name = "A..B", group = "scope")]
    pub(crate) period: Option<String>,
    /// Where the bundle goes
    #[arg(short, long, value_name = "FILE.zip")]
    pub(crate) output: PathBuf,
    /// Leave out a kind of text (such as transcript, prompt, output) or a class (such as psychotherapy); may be given
    /// several times
    #[arg(long, value_name = "WHAT")]
    pub(crate) withhold: Vec<String>,
    /// A checkpoint the receiver holds: the bundle then proves that it continues it
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Write a backup into a folder: one file of data for each time, one file of keys that is replaced
    #[command(after_help = "Example:\n  provenote backup create /media/backup")]
    Create {
        /// The folder; made where it does not exist
        folder: PathBuf,
    },
    /// Check a backup as it lies there (exit 3 on findings)
    #[command(after_help = "Example:\n  provenote backup verify /media/backup")]
    Verify {
        /// The folder
        folder: PathBuf,
        /// The ledger's first key, as the recovery kit prints it
        #[arg(long, value_name = "VKEY")]
        vkey: Option<String>,
        /// A checkpoint handed out earlier; may be given several times
        #[arg(long, value_name = "FILE")]
        anchor: Vec<String>,
    },
    /// Make the practice anew from a backup, into an empty --home, and destroy again what had been destroyed
    #[command(
        after_help = "Example:\n  provenote --home restored backup restore /media/backup\n  provenote --home restored recover   # with the recovery kit, where the passphrase is lost"
    )]
    Restore(BackupRestore),
    /// Accept a restored practice, and what its backup lacks, by an entry that says so
    #[command(after_help = "Example:\n  provenote backup accept")]
    Accept,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// What falls due when, and on what basis
    #[command(after_help = "Example:\n  provenote retention plan")]
    Plan,
    /// Destroy what is due: keys and ciphertext, with a receipt each
    #[command(after_help = "Example:\n  provenote retention run")]
    Run,
    /// Legal holds: what is held is not destroyed, whatever the schedule says
    #[command(subcommand, after_help = "Example:\n  provenote retention hold list")]
    Hold(Hold),
    /// How long the trail of entries is kept, what of it is old enough to be sealed off, and what is in the way
    #[command(
        after_help = "Examples:\n  provenote retention trail\n  provenote retention trail seal -o trail-2032.archive"
    )]
    Trail(Trail),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// For a licensing board: what the ledger shows, and what it cannot
    #[command(after_help = "Example:\n  provenote report board -o board.pdf")]
    Board {
        /// Where the PDF goes [default: board-report.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// The checklist for one company, or for this practice's own pipeline: `local`
    #[command(after_help = "Example:\n  provenote report checklist \"Cloudscribe Inc.\" -o cloudscribe.pdf")]
    Checklist {
        /// Id or name, or `local`
        vendor: String,
        #[command(flatten)]
        asked: Asked,
        /// Where the PDF goes [default: checklist.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Agreement, access controls and audit logs, for the own pipeline and each company: there, missing, what follows
    #[command(after_help = "Example:\n  provenote report stack -o stack.pdf")]
    Stack {
        #[command(flatten)]
        asked: Asked,
        /// Where the PDF goes [default: stack-report.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Whose consent is in force, whose is not, why, and what to do next
    #[command(after_help = "Example:\n  provenote report consents -o consents.pdf")]
    Consents {
        /// People by pseudonym only
        #[arg(long)]
        no_names: bool,
        /// Where the PDF goes [default: consents-report.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Who may open what, who did, what was refused, and what the periodic review finds
    #[command(
        after_help = "Examples:\n  provenote report access -o access.pdf\n  provenote report access --since 2026-07-01 --until 2026-09-30 -o access.pdf"
    )]
    Access {
        #[command(flatten)]
        period: Period,
        /// Where the PDF goes [default: access-report.pdf here]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// What the catalogue knows, and what is on this machine
    #[command(after_help = "Example:\n  provenote model list")]
    List,
    /// Add a model file of your own (GGUF or whisper.cpp ggml)
    #[command(
        after_help = "Example:\n  provenote model add my-model.gguf --id my-model --name \"My Model 7B\" --maker \"Its maker\""
    )]
    Add {
        /// The file
        file: PathBuf,
        /// The catalogue's id for it [default: the file's name]
        #[arg(long)]
        id: Option<String>,
        /// A name people know
        #[arg(long)]
        name: Option<String>,
        /// Who made it
        #[arg(long)]
        maker: Option<String>,
        /// Its licence
        #[arg(long)]
        licence: Option<String>,
        /// Leave the file where it is instead of copying it
        #[arg(long)]
        in_place: bool,
    },
    /// Fetch a model by its address, and prove its SHA-256
    #[command(
        after_help = "Example:\n  provenote model pull my-model --url https://hub.example/model.gguf --sha256 0123…"
    )]
    Pull {
        /// The catalogue's id
        id: String,
        /// Where it is; needed where the catalogue holds no address
        #[arg(long)]
        url: Option<String>,
        /// What it must be; needed where the catalogue does not know it
        #[arg(long)]
        sha256: Option<String>,
        /// A name people know
        #[arg(long)]
        name: Option<String>,
        /// Who made it
        #[arg(long)]
        maker: Option<String>,
        /// Its licence
        #[arg(long)]
        licence: Option<String>,
    },
    /// Prove the SHA-256 of every model on this machine (exit 3 when one is not what it must be)
    #[command(after_help = "Example:\n  provenote model check")]
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Settings {
    /// Show what is in force
    #[command(after_help = "Example:\n  provenote settings show")]
    Show,
    /// Change one setting; a change that clients were told otherwise makes consents stale
    #[command(after_help = "Example:\n  provenote settings set audio_days 3")]
    Set {
        /// One of those that `settings show` lists, such as audio_days or consent_guardians
        name: String,
        /// Its value
        value: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BackupRestore {
    /// The folder
    pub(crate) folder: PathBuf,
    /// The data to restore, by the number in the file's name [default: the newest]
    #[arg(long, value_name = "N")]
    pub(crate) data: Option<u64>,
    /// The list of destructions (keys/destroyed.jsonl) of the machine that was lost, where it is newer than the backup
    #[arg(long, value_name = "FILE")]
    pub(crate) destructions: Option<PathBuf>,
    /// Go on with keys that are older than the data; what was sealed in between cannot be opened
    #[arg(long)]
    pub(crate) older_keys: bool,
    /// The ledger's first key, as the recovery kit prints it
    #[arg(long, value_name = "VKEY")]
    pub(crate) vkey: Option<String>,
    /// A checkpoint handed out earlier; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Vec<String>,
}
