//! What each command asks before it does anything: the one list from which the table of commands and roles is made.
//!
//! The match over the commands has no arm for "everything else": a new command does not compile before it says here what
//! it asks. The table's rows come from the program's own command line, each command by the examples of its help, so that a
//! command without an example that parses is missed by the tests too. Who may, the policies decide; nothing of that is
//! written here.

use std::collections::BTreeSet;

use clap::{CommandFactory as _, Parser as _};
use provenote_access::{Act, ResourceKind, Standing, cell, standings};
use provenote_schemas::Role;
use serde_json::{Value, json};

use crate::args::{
    Access, Args, Baa, Backup, Bundle, Claim, Client, Command, Consent, Device, DisclosureCommand, Doctor, Emergency,
    Factor, GrantCommand, Hold, IncidentCommand, Ledger, Model, Note, Person, Place, Policy, Release, Report,
    Retention, Session, Settings, Template, Terms, Transcript, User, Vendor, Witness,
};

/// An act, and the kind of thing that it is done to.
type On = (Act, ResourceKind);

/// What a command asks before it does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Nobody signs in: it opens no payload, and writes nothing in anybody's name.
    Nothing,
    /// Somebody signs in, whoever it is: about themselves, or a list of what they may see.
    SignIn,
    /// All of these.
    All(&'static [On]),
    /// One of these; which one decides what is shown.
    Any(&'static [On]),
    /// All of these at all, whosever the things are: a list of those that the reader may see.
    Each(&'static [On]),
    /// The same where it is the practice's own affair, and shown whole.
    AtAll(&'static [On]),
}

/// Acts, each on the only kind of thing that it is done to: all of them, or in another way than all.
macro_rules! act {
    ($how:ident: $($act:ident),+) => { Asks::$how(const { &[$((Act::$act, Act::$act.kinds()[0])),+] }) };
    ($($act:ident),+) => { act!(All: $($act),+) };
}

/// One act, on one of the kinds of things that it is done to.
macro_rules! act_on {
    ($act:ident, $kind:ident) => {
        Asks::All(const { &[(Act::$act, ResourceKind::$kind)] })
    };
}

/// What a command asks.
pub(crate) fn asks(command: &Command) -> Asks {
    match command {
        Command::Init(_) | Command::Demo(_) | Command::Lock | Command::Recover { .. } | Command::Agent { .. } => {
            Asks::Nothing
        }
        Command::Doctor(Doctor { accept_clock: false }) => Asks::Nothing,
        Command::Doctor(Doctor { accept_clock: true }) => act!(Configure),
        Command::Unlock(_) => Asks::SignIn,
        Command::Client(asked) => client(asked),
        Command::Consent(asked) => consent(asked),
        Command::Session(asked) => match asked {
            Session::Add { .. } | Session::Dictate { .. } => act!(AddSession),
            Session::List { client: None } => Asks::SignIn,
            Session::List { client: Some(_) } | Session::Show { .. } => act!(ViewSession),
        },
        Command::Vendor(asked) => match asked {
            Vendor::Add { .. } | Vendor::Remove { .. } | Vendor::Agreement(_) | Vendor::Answer(_) => act!(Configure),
            Vendor::List => act!(AtAll: ViewConsent),
            Vendor::Questions { .. } => Asks::Nothing,
            Vendor::Audit(_) => act!(MakeReport),
        },
        Command::Baa(asked) => match asked {
            Baa::Review(asked) if asked.model.is_some() => act!(Configure),
            Baa::Review(_) | Baa::Rules { .. } => Asks::Nothing,
        },
        Command::Terms(asked) => match asked {
            Terms::Diff { .. } => Asks::Nothing,
            Terms::List { .. } => act!(AtAll: ViewConsent),
            Terms::Track(_)
            | Terms::Untrack { .. }
            | Terms::Check { .. }
            | Terms::Settle { .. }
            | Terms::Import { .. } => act!(Configure),
        },
        Command::Transcript(Transcript::Show { .. }) => act!(ViewTranscript),
        Command::Note(asked) => note(asked),
        Command::Claim(asked) => match asked {
            Claim::List => act!(Each: ViewClaim),
            Claim::Show { .. } => act!(ViewClaim),
            Claim::Change(_) => act!(EditClaim),
        },
        Command::Release(asked) => match asked {
            Release::List => act!(Each: ViewRelease),
            Release::Show { .. } => act!(ViewRelease),
            Release::Prepare { .. } | Release::Make(_) | Release::Confirmation { .. } | Release::TakeBack { .. } => {
                act!(MakeRelease)
            }
        },
        Command::Disclosures(asked) => match &asked.command {
            None | Some(DisclosureCommand::Show(_)) => act!(ViewAccounting),
            Some(DisclosureCommand::Record(_)) => act!(RecordDisclosure),
        },
        Command::Ledger(asked) => match asked {
            // Where one person works alone, headers are read without signing in.
            Ledger::Log(_) => act!(ViewLedger),
            Ledger::Export(_) => act!(ExportTrail),
            Ledger::Verify { .. } | Ledger::Checkpoint | Ledger::Prove { .. } | Ledger::Timestamp { .. } => {
                Asks::Nothing
            }
            Ledger::Show { .. } => act!(ViewLedger),
            Ledger::RotateKey { .. } => act!(RotateLogKey),
        },
        Command::Witness(asked) => match asked {
            Witness::Serve { .. } | Witness::Update | Witness::List => Asks::Nothing,
            Witness::Add { .. } | Witness::Remove { .. } => act!(Configure),
        },
        Command::Bundle(asked) => match asked {
            Bundle::Create(_) => act!(MakeBundle),
            Bundle::Verify { .. } => Asks::Nothing,
        },
        Command::Backup(asked) => match asked {
            Backup::Create { .. } | Backup::Verify { .. } => act!(MakeBackup),
            Backup::Restore(_) => Asks::Nothing,
            Backup::Accept => act!(RestoreBackup),
        },
        Command::Retention(asked) => match asked {
            Retention::Plan | Retention::Run => act!(RunRetention),
            Retention::Hold(Hold::Place { .. } | Hold::Lift { .. } | Hold::Reason { .. }) => act!(PlaceHold),
            Retention::Hold(Hold::List) => act!(ViewLedger),
            Retention::Trail(_) => act!(SealTrail),
        },
        Command::Report(asked) => match asked {
            Report::Board { .. } | Report::Checklist { .. } | Report::Stack { .. } => act!(MakeReport),
            Report::Access { .. } => act!(MakeReport, ReviewAccess),
            Report::Consents { .. } => act!(Each: MakeReport, ViewConsent),
        },
        Command::Model(asked) => match asked {
            Model::List | Model::Check => Asks::Nothing,
            Model::Add { .. } | Model::Pull { .. } => act!(ManageModels),
        },
        Command::Settings(asked) => match asked {
            Settings::Show => Asks::Nothing,
            Settings::Set { .. } => act!(Configure),
        },
        Command::Access(asked) => access(asked),
    }
}

fn client(asked: &Client) -> Asks {
    match asked {
        Client::Add { .. } => act_on!(AddClient, Practice),
        Client::List => act!(Each: ViewClient),
        Client::Show { .. } => act!(ViewClient),
        Client::Openings { .. } => act!(ViewOpenings),
        Client::Person(Person::Add { .. } | Person::Remove { .. }) | Client::Know(_) => act_on!(AddClient, Client),
        Client::Destroy { .. } => act!(DestroyClient),
    }
}

fn consent(asked: &Consent) -> Asks {
    match asked {
        Consent::Form(_) | Consent::Amend { .. } | Consent::Export { .. } => act!(MakeForm),
        Consent::Offer { .. }
        | Consent::Discuss { .. }
        | Consent::Sign { .. }
        | Consent::Verbal { .. }
        | Consent::Decline { .. }
        | Consent::Revoke { .. }
        | Consent::Import { .. } => act!(TakeSignature),
        Consent::Status { client: Some(_), .. } => act!(ViewConsent),
        Consent::Status { client: None, .. } | Consent::Stale => act!(Each: ViewConsent),
        Consent::Rules(_) | Consent::Template(Template::List | Template::Show { .. } | Template::Check { .. }) => {
            Asks::Nothing
        }
        Consent::Template(Template::Add { .. }) => act!(Configure),
    }
}

fn note(asked: &Note) -> Asks {
    match asked {
        Note::Draft { .. } => act!(DraftNote),
        Note::List => Asks::SignIn,
        Note::Show { .. } => act!(Any: ViewNote, ViewClaim, ViewRelease),
        Note::Edit { .. } | Note::Answer { .. } => act!(EditNote),
        Note::Attest { .. } | Note::Amend { .. } => act!(AttestNote),
        Note::Export { .. } => act!(ExportNote),
        Note::Trace { .. } => act!(ViewLedger, ViewNote),
    }
}

fn access(asked: &Access) -> Asks {
    match asked {
        Access::User(asked) => match asked {
            User::List => act!(ViewUsers),
            User::Add(_) => act_on!(ManageUsers, Practice),
            User::Redeem { .. } => Asks::Nothing,
            User::Change { .. } | User::Remove { .. } => act_on!(ManageUsers, User),
        },
        Access::Assign { .. } | Access::Unassign { .. } => act_on!(AssignClients, Client),
        Access::Supervise { .. } => act_on!(AssignClients, User),
        Access::Grant(asked) => match asked {
            GrantCommand::Request(_) => act!(RequestGrant),
            GrantCommand::List => Asks::SignIn,
            GrantCommand::Reason { .. } => act!(ViewGrant),
            GrantCommand::Approve { .. } | GrantCommand::Deny { .. } => act!(ApproveGrant),
            GrantCommand::Revoke { .. } => act!(RevokeGrant),
        },
        Access::Emergency(asked) => match asked {
            Emergency::Prepare => act_on!(ManageUsers, Practice),
            Emergency::Take { .. } => act!(BreakGlass),
            Emergency::Review { .. } => act!(ReviewEmergency),
            Emergency::Status => Asks::SignIn,
        },
        Access::Incident(
            IncidentCommand::Report(_)
            | IncidentCommand::Assess { .. }
            | IncidentCommand::Close { .. }
            | IncidentCommand::List
            | IncidentCommand::Show { .. },
        )
        | Access::Review(_) => act!(ReviewAccess),
        Access::Factor(asked) => match asked {
            Factor::Add => act!(EnrolFactor),
            Factor::Reset { .. } => act!(ResetFactor),
        },
        Access::Device(asked) => match asked {
            Device::Enrol { .. } => act!(EnrolDevice),
            Device::Approve { .. } | Device::Revoke { .. } => act!(ApproveDevice),
            Device::List => Asks::SignIn,
        },
        Access::Place(asked) => match asked {
            Place::Show | Place::Try { .. } => Asks::SignIn,
            Place::Set { .. } => act!(Configure),
        },
        Access::Explain { .. } => act!(ExplainAccess),
        Access::Policy(asked) => match asked {
            Policy::Check { .. } => act!(CheckPolicy),
            Policy::Apply { .. } => act!(CheckPolicy, ChangePolicy),
            Policy::Table { .. } => Asks::Nothing,
        },
    }
}

impl Asks {
    fn acts(self) -> &'static [On] {
        match self {
            Self::Nothing | Self::SignIn => &[],
            Self::All(acts) | Self::Any(acts) | Self::Each(acts) | Self::AtAll(acts) => acts,
        }
    }

    /// Of what a user of the role may have it done, by the bundled policies. None where no policy is asked.
    fn allowed(self, role: Role) -> Option<BTreeSet<Standing>> {
        let of = |(act, kind): &On| {
            let mut allowed = standings(role, *act, *kind);
            // Whoever may with anybody's may with their own, on whatever kind of thing.
            if allowed.contains(&Standing::Stranger) {
                allowed.extend([Standing::Treats, Standing::Supervises, Standing::SupervisesUnagreed, Standing::Own]);
            }
            allowed
        };
        match self {
            Self::Nothing | Self::SignIn => None,
            Self::All(acts) | Self::Each(acts) | Self::AtAll(acts) => {
                acts.iter().map(of).reduce(|one, other| &one & &other)
            }
            Self::Any(acts) => acts.iter().map(of).reduce(|one, other| &one | &other),
        }
    }
}

/// A command, or one of its forms that asks something else.
pub(crate) struct Row {
    /// Its words, and the options that make it ask something else.
    name: String,
    /// The words of an example, without the program's own name.
    example: Vec<String>,
    asks: Asks,
}

/// A row for every command that can be given, in the order of the help.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    walk(&Args::command(), &mut Vec::new(), &mut rows);
    rows
}

fn walk(command: &clap::Command, path: &mut Vec<String>, rows: &mut Vec<Row>) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
        path.push(below.get_name().to_owned());
        if !below.is_subcommand_required_set() {
            rows.extend(rows_of(below, path));
        }
        walk(below, path, rows);
        path.pop();
    }
}

/// A row for each thing that the examples of one command ask.
fn rows_of(command: &clap::Command, path: &[String]) -> Vec<Row> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut rows: Vec<Row> = Vec::new();
    for example in help.lines().filter_map(|line| line.trim().strip_prefix("provenote ")).map(words) {
        // An example may go on with another command.
        if !is_of(&example, path, command) {
            continue;
        }
        let Ok(args) = Args::try_parse_from(std::iter::once("provenote").chain(example.iter().map(String::as_str)))
        else {
            continue;
        };
        let asks = asks(&args.command);
        if rows.iter().any(|row| row.asks == asks) {
            continue;
        }
        let mut name = path.join(" ");
        if !rows.is_empty() {
            // Told apart by options, or by having nothing more to say.
            let options: Vec<&str> = example.iter().filter(|word| word.starts_with("--")).map(String::as_str).collect();
            name.push(' ');
            name.push_str(&if options.is_empty() { "(of all)".to_owned() } else { options.join(" ") });
        }
        rows.push(Row { name, example, asks });
    }
    rows
}

/// Whether the words are those of this command and of none below it: its path stands in them, after options of every
/// command.
fn is_of(example: &[String], path: &[String], command: &clap::Command) -> bool {
    let Some(at) = example.windows(path.len()).position(|window| window == path) else { return false };
    example.get(at + path.len()).is_none_or(|next| command.find_subcommand(next).is_none())
}

/// The words of a line as a shell takes them: quotes hold together, a comment or a redirection ends it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            '#' | '>' if !quoted && !begun => return words,
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// The words of the table above its rows.
const HEAD: &str = "\
# Which command whom

Printed by `provenote access policy table --commands`, made from the program's list of commands and the bundled policies; \
a test compares, and tries every command as every role.
`yes`: of everybody; `own`: of clients whom the user treats, or about the user; `supervised`: of clients of those whom \
the user supervises (sessions: where everybody agreed to it); `–`: refused, with an entry. Lists show what their reader \
may see. Notes that are kept apart are their author's alone. Access for a limited time, and a practice's own policies, \
are not in the table.
";

/// The table, in Markdown.
pub(crate) fn table() -> String {
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    let mut out =
        format!("{HEAD}\n| command | asks | {} |\n|---|---|{}\n", roles.join(" | "), "---|".repeat(roles.len()));
    for row in rows() {
        let asked = row.asks.acts().iter().map(|(act, _)| act.as_str());
        let (asked, cells) = match row.asks {
            Asks::Nothing => ("nobody signs in".to_owned(), vec![""; Role::ALL.len()]),
            Asks::SignIn => ("whoever signs in".to_owned(), vec!["yes"; Role::ALL.len()]),
            Asks::All(_) | Asks::Each(_) | Asks::AtAll(_) => (asked.collect::<Vec<_>>().join(" and "), row.cells()),
            Asks::Any(_) => (asked.collect::<Vec<_>>().join(" or "), row.cells()),
        };
        out.push_str(&format!("| {} | {asked} | {} |\n", row.name, cells.join(" | ")));
    }
    out
}

/// The same for programs: with an example of each command, and of what each role may have it done.
pub(crate) fn table_json() -> Value {
    let rows = rows().into_iter().map(|row| {
        let roles: serde_json::Map<String, Value> = Role::ALL
            .iter()
            .map(|role| {
                let allowed = row.asks.allowed(*role).map(|allowed| allowed.into_iter().map(Standing::as_str).collect());
                (role.to_string(), json!(allowed.unwrap_or_else(Vec::new)))
            })
            .collect();
        let signs_in = row.asks != Asks::Nothing;
        let at_all = matches!(row.asks, Asks::Each(_) | Asks::AtAll(_));
        let acts: Vec<Value> =
            row.asks.acts().iter().map(|(act, kind)| json!({ "act": act.as_str(), "of": kind.to_string() })).collect();
        json!({ "command": row.name, "example": row.example, "signs_in": signs_in, "at_all": at_all, "acts": acts, "roles": roles })
    });
    json!({ "commands": rows.collect::<Vec<_>>() })
}

impl Row {
    fn cells(&self) -> Vec<&'static str> {
        let of = |role: &Role| {
            let allowed = self.asks.allowed(*role).unwrap_or_default();
            if matches!(self.asks, Asks::AtAll(_)) && !allowed.is_empty() { "yes" } else { cell(&allowed) }
        };
        Role::ALL.iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all commands that can be given.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help") {
            let path = format!("{path} {}", below.get_name()).trim().to_owned();
            if !below.is_subcommand_required_set() {
                found.push(path.clone());
            }
            leaves(below, &path, found);
        }
    }

    #[test]
    fn every_command_has_a_row_by_an_example_of_its_help_that_parses() {
        let mut commands = Vec::new();
        leaves(&Args::command(), "", &mut commands);
        assert!(commands.len() > 80, "{commands:?}");
        let rows = rows();
        let missing: Vec<&String> =
            commands.iter().filter(|command| !rows.iter().any(|row| row.name == **command)).collect();
        assert!(missing.is_empty(), "no example in the help of these parses: {missing:?}");
    }

    #[test]
    fn every_example_in_the_help_parses() {
        fn helps(command: &clap::Command, found: &mut Vec<String>) {
            found.extend(command.get_after_help().map(ToString::to_string));
            command.get_subcommands().for_each(|below| helps(below, found));
        }
        let mut found = Vec::new();
        helps(&Args::command(), &mut found);
        let lines = found.iter().flat_map(|help| help.lines());
        for line in lines.filter(|line| line.trim().starts_with("provenote ")) {
            let parsed = Args::try_parse_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
        }
    }

    #[test]
    fn every_act_that_a_row_asks_is_done_to_that_kind_of_thing_and_the_owner_may() {
        for row in rows() {
            for (act, kind) in row.asks.acts() {
                assert!(act.kinds().contains(kind), "{}: {act} is not done to a {kind}", row.name);
            }
            assert!(!row.asks.allowed(Role::Owner).is_some_and(|allowed| allowed.is_empty()), "{}", row.name);
        }
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        assert_eq!(words("a  \"b c\" d…   # e \"f\""), ["a", "b c", "d…"]);
        assert_eq!(words("note \"\" x#y > file"), ["note", "", "x#y"]);
    }
}
