//! What the practice's own ledger and settings answer: of its clients' consents for each company, and of its own pipeline
//! for everything. Never more firmly than what is recorded.

use std::collections::{BTreeMap, BTreeSet};

use provenote_ledger::{Fact, Header, Query};
use provenote_schemas::consent::ConsentForm;
use provenote_schemas::{Kind, Time};
use provenote_vendors::audit::{Answer, Evidence, Origin, Question, Questionnaire, Says};

use super::answers::Audited;
use crate::act::{Actor, Practice, fact_text, reference};
use crate::error::PracticeError;
use crate::settings::Settings;

/// What the edge knows of the own pipeline and the ledger does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnPipeline {
    /// Whether the disk that the practice lies on is encrypted by the operating system; none where that cannot be told.
    pub disk_encrypted: Option<bool>,
}

/// Clients of the practice, and how many of them something is true of.
struct Share {
    some: usize,
    all: usize,
    /// Who said no and had nothing recorded; not among `all`.
    declined: usize,
    last: Option<(u64, Time)>,
}

impl Share {
    fn of_clients(&self) -> String {
        format!("{} of {}", self.some, counted(self.all, "client", "clients"))
    }

    /// Who was left out of the count.
    fn besides(&self) -> String {
        match self.declined {
            0 => String::new(),
            declined => format!(" ({declined} more said no, and nothing of theirs was recorded)"),
        }
    }
}

/// A number with its noun.
fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

impl Practice {
    /// What the ledger shows of the clients: who signed a form that tells of it, and with whom it was talked over.
    pub(super) fn client_answers(
        &self,
        actor: &Actor,
        audited: &Audited,
        questionnaire: &Questionnaire,
    ) -> Result<Vec<Answer>, PracticeError> {
        let asked = |name: &str| {
            let questions = questionnaire.questions().iter();
            questions.filter(|one| one.sources.iter().any(|source| source == name)).collect::<Vec<_>>()
        };
        let (forms, talks) = (asked("ledger.consent_form"), asked("ledger.discussed"));
        if forms.is_empty() && talks.is_empty() {
            return Ok(Vec::new());
        }
        let (signed, discussed) = self.told_clients(actor, audited)?;
        let it = match audited {
            Audited::Own => "a form that tells of the recording and the AI",
            Audited::Company(..) => "a form that names it",
        };
        let mut answers = Vec::new();
        for question in forms {
            let tail = "whether each is in force, `provenote consent status` tells";
            let text = format!("{} signed {it}{}; {tail}", signed.of_clients(), signed.besides());
            answers.push(self.share_answer(question, &signed, text, "entries consent.granted"));
        }
        for question in talks {
            let text = format!("Recorded as talked over with {}{}", discussed.of_clients(), discussed.besides());
            answers.push(self.share_answer(question, &discussed, text, "entries consent.discussed"));
        }
        Ok(answers)
    }

    fn share_answer(&self, question: &Question, share: &Share, text: String, what: &str) -> Answer {
        let (says, text) = match (share.some, share.all) {
            (_, 0) if share.declined > 0 => (Says::NotApplicable, "Every client on file said no".to_owned()),
            (_, 0) => (Says::Unknown, "There are no clients on file".to_owned()),
            (0, _) => (Says::No, text),
            (some, all) if some < all => (Says::Partly, text),
            _ => (Says::Yes, text),
        };
        Answer {
            question: question.id.clone(),
            says,
            text,
            origin: Origin::Ledger,
            evidence: share.last.map(|(seq, time)| entry_evidence(what, seq, time)).into_iter().collect(),
            at: self.clock.now(),
            stale: None,
        }
    }

    /// Of all clients on file: who signed a form that tells of it, and with whom it was talked over since there is one.
    fn told_clients(&self, actor: &Actor, audited: &Audited) -> Result<(Share, Share), PracticeError> {
        let reader = self.reader_of_all(actor)?;
        let mut clients: BTreeSet<String> =
            self.clients_by(&reader)?.into_iter().map(|client| client.client.to_string()).collect();
        let of = |kind: Kind| -> Result<BTreeSet<String>, PracticeError> {
            Ok(self.headers(kind, &[])?.iter().filter_map(|header| header.refs.get("client").cloned()).collect())
        };
        let (granted, recorded) = (of(Kind::ConsentGranted)?, of(Kind::SessionRecorded)?);
        let before = clients.len();
        let declined = of(Kind::ConsentDeclined)?;
        // Who said no, and never had a session recorded, is asked for nothing more.
        clients.retain(|client| !declined.contains(client) || granted.contains(client) || recorded.contains(client));
        let declined = before - clients.len();
        let mut by_digest: BTreeMap<String, bool> = BTreeMap::new();
        // Forms that tell of it, and when each client was first given one.
        let mut forms: BTreeSet<String> = BTreeSet::new();
        let mut first: BTreeMap<String, u64> = BTreeMap::new();
        for header in self.headers(Kind::ConsentRequested, &[])? {
            let client = reference(&header, "client")?.to_owned();
            if !clients.contains(&client) {
                continue;
            }
            let digest = header.facts.get("disclosure_digest").and_then(fact_text).unwrap_or_default().to_owned();
            let tells = match (by_digest.get(&digest), audited) {
                (Some(tells), _) => *tells,
                (None, Audited::Own) => true,
                (None, Audited::Company(company)) => {
                    let form: ConsentForm = reader.record(&header, "form", "consent form")?;
                    let name = company.fact.name.to_lowercase();
                    form.facts.vendors.iter().any(|told| told.name.to_lowercase() == name)
                }
            };
            by_digest.insert(digest, tells);
            if tells {
                forms.insert(reference(&header, "consent")?.to_owned());
                first.entry(client).or_insert(header.seq);
            }
        }
        let share = |kind: Kind, counts: &dyn Fn(&Header) -> bool| -> Result<Share, PracticeError> {
            let headers = self.headers(kind, &[])?;
            let counted = headers.iter().filter(|header| {
                header.refs.get("client").is_some_and(|client| clients.contains(client)) && counts(header)
            });
            let counted: Vec<&Header> = counted.collect();
            let some: BTreeSet<&String> = counted.iter().filter_map(|header| header.refs.get("client")).collect();
            let last = counted.last().map(|header| (header.seq, Time::from_millis(header.time)));
            Ok(Share { some: some.len(), all: clients.len(), declined, last })
        };
        let named = |header: &Header| header.refs.get("consent").is_some_and(|consent| forms.contains(consent));
        let signed = share(Kind::ConsentGranted, &named)?;
        let discussed = share(Kind::ConsentDiscussed, &|header| match (audited, header.refs.get("consent")) {
            (Audited::Own, _) => true,
            (Audited::Company(..), Some(_)) => named(header),
            (Audited::Company(..), None) => {
                let client = header.refs.get("client").and_then(|client| first.get(client));
                client.is_some_and(|first| header.seq > *first)
            }
        })?;
        Ok((signed, discussed))
    }

    /// What ledger and settings answer about the practice's own pipeline.
    pub(super) fn own_answers(
        &self,
        actor: &Actor,
        questionnaire: &Questionnaire,
        own: &OwnPipeline,
    ) -> Result<Vec<Answer>, PracticeError> {
        // Who may not destroy does not see the schedule.
        let due = match self.retention_plan(actor) {
            Ok(plan) => Some(plan.iter().filter(|due| due.now).count()),
            Err(PracticeError::Access(_)) => None,
            Err(error) => return Err(error),
        };
        let record = OwnRecord { all: self.log.find(&Query::default())?, settings: self.settings()?, due, own };
        let now = self.clock.now();
        let mut answers = Vec::new();
        for question in questionnaire.questions() {
            for name in question.sources.iter().filter_map(|source| source.strip_prefix("local.")) {
                answers.extend(record.answer(name).map(|found| Answer {
                    question: question.id.clone(),
                    says: found.says,
                    text: found.text,
                    origin: found.origin,
                    evidence: found.evidence,
                    at: now,
                    stale: None,
                }));
            }
        }
        Ok(answers)
    }
}

fn entry_evidence(what: &str, seq: u64, time: Time) -> Evidence {
    Evidence { what: format!("{what}, the last"), date: Some(time.date()), seq: Some(seq), ..Evidence::default() }
}

/// An answer without its question.
struct Found {
    says: Says,
    text: String,
    origin: Origin,
    evidence: Vec<Evidence>,
}

/// Everything the own pipeline is judged by.
struct OwnRecord<'a> {
    all: Vec<Header>,
    settings: Settings,
    /// How much should be destroyed and is still there; none where the actor does not see it.
    due: Option<usize>,
    own: &'a OwnPipeline,
}

impl OwnRecord<'_> {
    fn of(&self, kind: Kind) -> impl Iterator<Item = &Header> {
        self.all.iter().filter(move |header| header.kind == kind.as_str())
    }

    fn count(&self, kind: Kind) -> usize {
        self.of(kind).count()
    }

    fn last(&self, kind: Kind) -> Vec<Evidence> {
        let last = self.of(kind).last();
        last.map(|header| {
            let what = format!("{} {kind}", counted(self.count(kind), "entry", "entries"));
            entry_evidence(&what, header.seq, Time::from_millis(header.time))
        })
        .into_iter()
        .collect()
    }

    /// Worker starts, and how many of them the operating system kept from network and files, as each tried itself.
    fn starts(&self) -> (usize, usize) {
        let isolated =
            self.of(Kind::WorkerStarted).filter(|header| header.facts.get("isolated") == Some(&Fact::Flag(true)));
        (isolated.count(), self.count(Kind::WorkerStarted))
    }

    /// What was measured of the workers' isolation, in words.
    fn isolation(&self) -> String {
        match self.starts() {
            (_, 0) => "No engine has been started yet, so nothing was measured".to_owned(),
            (kept, all) => format!(
                "At {kept} of {all} starts the engine tried the network and foreign files itself and was refused by the operating system"
            ),
        }
    }

    fn measured(&self) -> bool {
        let (kept, all) = self.starts();
        all > 0 && kept == all && !self.settings.allow_no_sandbox
    }

    /// What the record says to a question, by the name of a source after `local.`.
    fn answer(&self, name: &str) -> Option<Found> {
        let found = |says, text: String, origin, evidence| Some(Found { says, text, origin, evidence });
        let ledger = |says, text: String, kind: Kind| found(says, text, Origin::Ledger, self.last(kind));
        let set = |says, text: &str| found(says, text.to_owned(), Origin::Configuration, Vec::new());
        match name {
            "nobody_else" => {
                let says = if self.measured() { Says::NotApplicable } else { Says::Unknown };
                let text = format!(
                    "Nobody outside works on the sessions here, as far as is recorded. {}. It arises as soon as somebody gets client information by support, crash reports or a backup service, which the ledger cannot see",
                    self.isolation()
                );
                ledger(says, text, Kind::WorkerStarted)
            }
            "place" | "offshore" => {
                let good = if name == "place" { Says::Yes } else { Says::No };
                let says = if self.measured() { good } else { Says::Unknown };
                let text = format!("Speech and drafting models run on this computer. {}", self.isolation());
                ledger(says, text, Kind::WorkerStarted)
            }
            "training" => {
                let says = if self.measured() { Says::No } else { Says::Unknown };
                let models: BTreeSet<&str> = self
                    .of(Kind::WorkerStarted)
                    .filter_map(|header| header.facts.get("model_sha256").and_then(fact_text))
                    .collect();
                let text = format!(
                    "Models are read from files of a known digest and never written: {} files in {} starts. {}",
                    models.len(),
                    self.count(Kind::WorkerStarted),
                    self.isolation()
                );
                ledger(says, text, Kind::WorkerStarted)
            }
            "other_ways" => set(
                Says::Unknown,
                "This program sends no telemetry, crash report or support data. What else runs on this computer, a backup service or a shared screen, it cannot see",
            ),
            "readers" => {
                let text = format!("{}. Each opens what their role has keys for; nobody else has keys", self.users());
                ledger(Says::Yes, text, Kind::UserAdded)
            }
            "accounts" => {
                let text = format!("{}, each with a passphrase of their own; each entry names who acted", self.users());
                ledger(Says::Yes, text, Kind::UserAdded)
            }
            "roles" => match self.count(Kind::UserAdded) {
                0 | 1 => ledger(
                    Says::No,
                    "There is one user, the owner, who holds every key; no role with less was given to anybody"
                        .to_owned(),
                    Kind::UserAdded,
                ),
                _ => ledger(
                    Says::Partly,
                    format!("{}; a role for billing or supervision is not there yet", self.users()),
                    Kind::UserAdded,
                ),
            },
            "second_factor" => set(Says::No, "A passphrase alone opens the keys; a second factor is not there yet"),
            "single_sign_on" => set(
                Says::No,
                "Each user's keys are opened by a passphrase on this computer; sign-in through another service is not there",
            ),
            "just_in_time" => {
                set(Says::No, "Whoever holds a key holds it until they are removed; access for a time is not there yet")
            }
            "place_limits" => set(
                Says::Partly,
                "There is no way in over the network, so only who has this computer or a copy of its files can try; nothing more is asked of the device or place",
            ),
            "logoff" => {
                let minutes = self.of(Kind::UserUnlocked).last().and_then(|header| header.facts.get("idle_minutes"));
                match minutes {
                    Some(Fact::Number(minutes)) => {
                        let text = format!("Keys were last held for {minutes} idle minutes, and then forgotten");
                        ledger(Says::Yes, text, Kind::UserUnlocked)
                    }
                    _ => {
                        set(Says::Yes, "Keys are held for one command; no entry shows that they were ever held longer")
                    }
                }
            }
            "sealed" => {
                let disk = match self.own.disk_encrypted {
                    Some(true) => "The disk is encrypted besides, as the operating system says",
                    Some(false) => "The disk itself is not encrypted, as the operating system says",
                    None => "Whether the disk is encrypted besides is not known",
                };
                let text = format!(
                    "What was said and who the clients are is sealed with keys that passphrases open; kinds, times and pseudonyms are in the clear. {disk}"
                );
                set(Says::Yes, &text)
            }
            "shared_database" => set(Says::No, "This ledger is of one practice, with keys of its own"),
            "retention" => {
                let settings = &self.settings;
                let text = format!(
                    "Recordings go when the note is signed and after {} days at the latest; transcripts, prompts, outputs and drafts likewise, after {} days. With a receipt: {}",
                    settings.audio_days,
                    settings.working_days,
                    counted(self.count(Kind::RecordDestroyed), "destruction", "destructions")
                );
                let (says, tail) = match self.due {
                    Some(0) => (Says::Yes, String::new()),
                    Some(due) => (Says::Partly, format!(". Due and still here: {due}; `provenote retention run`")),
                    None => (Says::Yes, ". Whether something is overdue, only the owner sees".to_owned()),
                };
                found(says, format!("{text}{tail}"), Origin::Configuration, self.last(Kind::RecordDestroyed))
            }
            "backups" => match self.settings.backup_days {
                0 if self.count(Kind::BackupCreated) == 0 => set(Says::Yes, "No backups are made by this program"),
                days => {
                    let text = format!(
                        "Sealed copies, which may outlive a record by {days} days; {} were made. Where they were put is not recorded",
                        self.count(Kind::BackupCreated)
                    );
                    found(Says::Partly, text, Origin::Configuration, self.last(Kind::BackupCreated))
                }
            },
            "views" => {
                let kinds = [
                    Kind::TranscriptViewed,
                    Kind::NoteViewed,
                    Kind::NoteEdited,
                    Kind::NoteAttested,
                    Kind::NoteExported,
                    Kind::ClientViewed,
                    Kind::LedgerViewed,
                ];
                let counted: Vec<String> = kinds
                    .iter()
                    .filter(|kind| self.count(**kind) > 0)
                    .map(|kind| format!("{} {kind}", self.count(*kind)))
                    .collect();
                match counted.as_slice() {
                    [] => set(
                        Says::Unknown,
                        "Each view, change and export is written before it happens; none is recorded yet",
                    ),
                    counted => {
                        ledger(Says::Yes, format!("Recorded so far: {}", counted.join(", ")), Kind::ClientViewed)
                    }
                }
            }
            "prompts" => self.logged(Kind::PromptSent, "the exact prompt", "before the model saw it"),
            "outputs" => self.logged(Kind::OutputReceived, "the raw answer", "before anything used it"),
            "exports" => {
                let kinds = [
                    Kind::NoteExported,
                    Kind::ConsentPrinted,
                    Kind::ConsentExported,
                    Kind::ReportMade,
                    Kind::BundleCreated,
                ];
                let counted: usize = kinds.iter().map(|kind| self.count(*kind)).sum();
                let text = format!(
                    "Files that leave are recorded before they are written ({counted} so far); what is printed or forwarded after that cannot be seen from here"
                );
                ledger(Says::Partly, text, Kind::NoteExported)
            }
            "log_readable" => match self.count(Kind::LedgerViewed) {
                0 => set(Says::Partly, "It can (`provenote ledger log`); no entry shows that anybody did"),
                views => ledger(Says::Yes, format!("It can; looks on record: {views}"), Kind::LedgerViewed),
            },
            "log_altered" => {
                let text = format!(
                    "Each entry carries the hash of the one before, and every commit is signed; witnesses asked to sign besides: {}. Run `provenote ledger verify`: this audit did not",
                    self.count(Kind::WitnessAdded).saturating_sub(self.count(Kind::WitnessRemoved))
                );
                set(Says::Yes, &text)
            }
            "log_kept" => {
                let since =
                    self.all.first().map_or_else(|| "today".to_owned(), |header| Time::from_millis(header.time).date());
                let text = format!(
                    "Entries are never removed; the first is of {since}. Sealed prompts and drafts are destroyed when they fall due, their digests stay"
                );
                set(Says::Yes, &text)
            }
            _ => None,
        }
    }

    /// Whether something was recorded for every draft that a model made and for its session's.
    fn logged(&self, kind: Kind, what: &str, when: &str) -> Option<Found> {
        let session = |header: &&Header| header.refs.get("session").cloned();
        let recorded: BTreeSet<String> = self.of(kind).filter_map(|header| session(&header)).collect();
        let drafts: Vec<&Header> =
            self.of(Kind::DraftMade).filter(|header| header.facts.contains_key("model")).collect();
        let with = drafts.iter().filter(|header| session(header).is_some_and(|id| recorded.contains(&id))).count();
        let (says, text) = match (with, drafts.len()) {
            (_, 0) => (Says::Unknown, format!("No model has drafted yet. The program writes {what} {when}")),
            (with, all) if with == all => (
                Says::Yes,
                format!(
                    "For {with} of {all} drafts by a model, {what} was recorded {when} ({})",
                    counted(self.count(kind), "entry", "entries")
                ),
            ),
            (with, all) => (Says::No, format!("For {with} of {all} drafts by a model, {what} is recorded")),
        };
        Some(Found { says, text, origin: Origin::Ledger, evidence: self.last(kind) })
    }

    fn users(&self) -> String {
        let mut roles: BTreeMap<&str, usize> = BTreeMap::new();
        for header in self.of(Kind::UserAdded) {
            *roles.entry(header.facts.get("role").and_then(fact_text).unwrap_or("unknown")).or_default() += 1;
        }
        let roles: Vec<String> = roles.iter().map(|(role, count)| format!("{count} {role}")).collect();
        format!("Users: {}", if roles.is_empty() { "none".to_owned() } else { roles.join(", ") })
    }
}
