//! The practice as it is open in this process, and who acts in it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use provenote_access::{Act, Policies, Subject};
use provenote_ledger::{
    AppendError, Entropy, Header, Log, LogSigner, NewEntry, Opening, PayloadRef, Query, Sealed, Unlocked, Vault,
};
use provenote_schemas::{DeviceId, Kind, Role, Time, UserId, canonical};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::PracticeError;
use crate::ports::Clock;
use crate::settings::Settings;

/// The scope of what belongs to no client.
pub(crate) const PRACTICE_SCOPE: &str = "practice";

/// The media type of a record of ours.
pub(crate) const JSON: &str = "application/json";

/// How somebody came to act: what sign-in found out about them, beside their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The user's role has to give a second factor.
    pub factor_required: bool,
    /// A second factor was given in this session.
    pub factor_given: bool,
    /// The passphrase was given for this very act.
    pub passphrase_anew: bool,
    /// The user wrote down why.
    pub reason_given: bool,
    /// The device, where it is enrolled.
    pub device: Option<DeviceId>,
    /// The device is approved and not revoked, or the practice asks for none.
    pub device_known: bool,
    /// The practice allows access from there.
    pub place_allowed: bool,
    /// The practice's own name of the network.
    pub network: Option<String>,
    /// ISO 3166-1, two capital letters.
    pub country: Option<String>,
    /// The hour where the practice is, 0 to 23.
    pub hour: u8,
    /// The day of the week where the practice is, 1 Monday to 7 Sunday.
    pub weekday: u8,
}

impl Default for Presence {
    /// On the practice's own machine, where neither factor nor device is asked for, on a Monday at noon.
    fn default() -> Self {
        Self {
            factor_required: false,
            factor_given: false,
            passphrase_anew: false,
            reason_given: false,
            device: None,
            device_known: true,
            place_allowed: true,
            network: None,
            country: None,
            hour: 12,
            weekday: 1,
        }
    }
}

/// Who acts: one user, with keys unlocked.
pub struct Actor {
    subject: Subject,
    keys: Unlocked,
    signer: LogSigner,
    presence: Presence,
}

impl Actor {
    /// The user.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.subject.user
    }

    /// What the user is.
    #[must_use]
    pub fn role(&self) -> Role {
        self.subject.role
    }

    /// The user as the policies see them.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// How they came to act.
    #[must_use]
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// The same user, who came to act in this way.
    #[must_use]
    pub fn with_presence(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    /// The unlocked keys, for the agent that holds them for a while.
    #[must_use]
    pub fn keys(&self) -> &Unlocked {
        &self.keys
    }

    /// Asks the access rules; nothing is done before this says yes.
    pub(crate) fn authorise(&self, act: Act) -> Result<(), PracticeError> {
        Ok(provenote_access::may(self.subject.role, act)?)
    }

    /// What is known of companies that get sound or words is the practice's own affair: for whoever sees which consents
    /// tell of them, and for whoever reports on them.
    pub(crate) fn may_see_companies(&self) -> Result<(), PracticeError> {
        self.authorise(Act::ViewConsent).or_else(|_| self.authorise(Act::MakeReport))
    }

    pub(crate) fn new(subject: Subject, keys: Unlocked, signer: LogSigner) -> Self {
        Self { subject, keys, signer, presence: Presence::default() }
    }

    /// Signs with another key of the ledger from now on; the one before is forgotten.
    pub(crate) fn sign_with(&mut self, signer: LogSigner) {
        self.signer = signer;
    }
}

/// A practice that is open in this process. Several processes may have it open at once: the
/// ledger's driver puts their entries in one order.
pub struct Practice {
    pub(crate) log: Log,
    pub(crate) vault: Vault,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) entropy: Box<dyn Entropy>,
    pub(crate) people: crate::people::Remembered,
    pub(crate) folded: crate::grants::Remembered,
    /// The practice's own policies beside the bundled ones, where they are those in force.
    pub(crate) policies: Option<Policies>,
}

/// How many users an error names, where somebody has to be named.
const MOST_NAMED: usize = 12;

impl Practice {
    /// Puts a practice together of its opened parts.
    #[must_use]
    pub fn open(log: Log, vault: Vault, clock: Box<dyn Clock>, entropy: Box<dyn Entropy>) -> Self {
        Self { log, vault, clock, entropy, people: RefCell::default(), folded: RefCell::default(), policies: None }
    }

    /// Signs a user in with a passphrase.
    ///
    /// # Errors
    /// One and the same error for a wrong passphrase and an unknown user, at the same cost.
    pub fn sign_in(&self, user: &str, passphrase: &[u8]) -> Result<Actor, PracticeError> {
        let keys = self.vault.unlock(user, passphrase)?;
        let actor = self.resume(keys)?;
        let presence = Presence { passphrase_anew: true, ..actor.presence().clone() };
        Ok(actor.with_presence(presence))
    }

    /// Goes on with keys unlocked earlier.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] when the user is no longer of this practice.
    pub fn resume(&self, keys: Unlocked) -> Result<Actor, PracticeError> {
        let not_found =
            || PracticeError::NotFound { what: "user", id: keys.user().to_owned(), list: "access user list" };
        let user: UserId = keys.user().parse().map_err(|_| not_found())?;
        let subject = self.people()?.subject(&user).ok_or_else(not_found)?;
        // Which key signs is the ledger's to tell: after a crash the key files may not know yet.
        let key = self.log.key().ok_or(AppendError::WrongKey)?;
        let signer = self.vault.log_signer_of(&keys, key)?;
        let in_force = self.grants_in_force(&user)?;
        let keys =
            keys.with_grants(in_force.iter().map(|access| (access.grant.to_string(), access.until.millis())).collect());
        Ok(Actor::new(subject, keys, signer))
    }

    /// The user who signs in when none is named: the only one.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where there are several.
    pub fn only_user(&self) -> Result<String, PracticeError> {
        // As the ledger says: among the key files is the emergency's, which is nobody's.
        let people = self.people()?;
        let users: Vec<&UserId> = people.users().map(|person| &person.id).collect();
        match users.as_slice() {
            [one] => Ok(one.to_string()),
            [] => Err(PracticeError::BadRequest("this practice has no user: its first entries are missing".to_owned())),
            several => {
                // A pseudonym and a role, as every entry tells them.
                let ids = people.users().take(MOST_NAMED).map(|person| format!("{} ({})", person.id, person.role));
                let ids: Vec<String> = ids.collect();
                Err(PracticeError::BadRequest(format!(
                    "this practice has several users: say who you are with --as USER: {}{}",
                    ids.join(", "),
                    if several.len() > MOST_NAMED { ", …" } else { "" }
                )))
            }
        }
    }

    /// The settings in force.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn settings(&self) -> Result<Settings, PracticeError> {
        let last = self.headers(Kind::PracticeConfigured, &[])?.pop();
        Ok(last.map_or_else(Settings::default, |header| Settings::from_facts(&header.facts)))
    }

    /// Changes one setting; the entry carries all of them.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a setting that does not exist or a value that does not fit.
    pub fn configure(&mut self, actor: &Actor, name: &str, value: &str) -> Result<Settings, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let mut settings = self.settings()?;
        settings.set(name, value)?;
        self.append_settings(actor, &settings)?;
        Ok(settings)
    }

    pub(crate) fn append_settings(&mut self, actor: &Actor, settings: &Settings) -> Result<u64, PracticeError> {
        let mut entry = self.entry(actor, Kind::PracticeConfigured);
        for (name, fact) in settings.facts() {
            entry = entry.fact(&name, fact);
        }
        self.append_one(actor, entry)
    }

    /// The time the next entry will carry.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The open log, to be read.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The keys, to be read.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    pub(crate) fn entry(&self, actor: &Actor, kind: Kind) -> NewEntry {
        NewEntry::new(actor.user().as_str(), kind.as_str())
    }

    pub(crate) fn append(&mut self, actor: &Actor, entries: Vec<NewEntry>) -> Result<Vec<u64>, PracticeError> {
        let now = self.clock.now().millis();
        match self.log.append(now, &actor.signer, entries.clone()) {
            // Another process gave the ledger a new key since the actor signed in.
            Err(AppendError::WrongKey) => {
                let signer = self.log_signer(actor)?;
                Ok(self.log.append(now, &signer, entries)?)
            }
            done => Ok(done?),
        }
    }

    /// Appends entries only where the ledger still has `size` entries; see [`Log::append_if`].
    pub(crate) fn append_if(
        &mut self,
        actor: &Actor,
        size: u64,
        entries: Vec<NewEntry>,
    ) -> Result<Vec<u64>, PracticeError> {
        let now = self.clock.now().millis();
        match self.log.append_if(size, now, &actor.signer, entries.clone()) {
            // Another process gave the ledger a new key since the actor signed in.
            Err(AppendError::WrongKey) => {
                let signer = self.log_signer(actor)?;
                Ok(self.log.append_if(size, now, &signer, entries)?)
            }
            done => Ok(done?),
        }
    }

    pub(crate) fn append_one(&mut self, actor: &Actor, entry: NewEntry) -> Result<u64, PracticeError> {
        Ok(self.append(actor, vec![entry])?.first().copied().unwrap_or_default())
    }

    /// Headers of one kind that carry all these references, in order.
    pub(crate) fn headers(&self, kind: Kind, refs: &[(&str, &str)]) -> Result<Vec<Header>, PracticeError> {
        Ok(self.log.find(&query(kind, refs))?)
    }

    /// Headers of any kind that carry this reference, in order.
    pub(crate) fn headers_with(&self, name: &str, id: &str) -> Result<Vec<Header>, PracticeError> {
        let query = Query { refs: vec![(name.to_owned(), id.to_owned())], ..Query::default() };
        Ok(self.log.find(&query)?)
    }

    /// The first header of one kind that carries all these references.
    pub(crate) fn one(&self, kind: Kind, refs: &[(&str, &str)]) -> Result<Option<Header>, PracticeError> {
        Ok(self.log.first(&query(kind, refs))?)
    }

    pub(crate) fn random_id<T>(&mut self, make: impl Fn([u8; 10]) -> T) -> T {
        let mut bytes = [0; 10];
        self.entropy.fill(&mut bytes);
        make(bytes)
    }

    /// Seals a record as its RFC 8785 bytes.
    pub(crate) fn seal_record<T: Serialize>(
        &mut self,
        actor: &Actor,
        group: &str,
        name: &str,
        record: &T,
    ) -> Result<Sealed, PracticeError> {
        let bytes = canonical(record).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        self.seal_bytes(actor, group, name, JSON, &bytes)
    }

    pub(crate) fn seal_bytes(
        &mut self,
        actor: &Actor,
        group: &str,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Sealed, PracticeError> {
        self.freshen_group(actor, group)?;
        Ok(self.vault.seal(&actor.keys, group, name, media_type, bytes, &mut *self.entropy)?)
    }

    /// Opens the payload of that name of an entry.
    pub(crate) fn open_bytes(
        &self,
        actor: &Actor,
        header: &Header,
        name: &str,
        what: &'static str,
    ) -> Result<Vec<u8>, PracticeError> {
        let reference = payload(header, name).ok_or_else(|| PracticeError::Unreadable {
            seq: header.seq,
            what,
            why: "the entry carries no such payload".to_owned(),
        })?;
        if let Some(receipt) = self.destruction(&reference.group)? {
            return Err(PracticeError::Destroyed {
                what,
                on: Time::from_millis(receipt.time).date(),
                seq: receipt.seq,
            });
        }
        let (wrapped_key, body) = self.log.sealed(reference)?.ok_or_else(|| PracticeError::Unreadable {
            seq: header.seq,
            what,
            why: "its ciphertext is missing".to_owned(),
        })?;
        Ok(self.vault.open(&actor.keys, reference, &wrapped_key, &body)?.to_vec())
    }

    /// For reading many records of the whole practice in a row: what was destroyed is read at once.
    pub(crate) fn reader_of_all<'a>(&'a self, actor: &'a Actor) -> Result<Reader<'a>, PracticeError> {
        let mut reader = self.reader(actor);
        for mut receipt in self.headers(Kind::RecordDestroyed, &[])? {
            if let Some(group) = receipt.refs.remove("group") {
                reader.destroyed.get_mut().insert(group, Some((receipt.time, receipt.seq)));
            }
        }
        reader.all = true;
        Ok(reader)
    }

    /// For reading some records in a row, of few groups.
    pub(crate) fn reader<'a>(&'a self, actor: &'a Actor) -> Reader<'a> {
        let opening = self.vault.opening(&actor.keys);
        Reader { practice: self, opening, destroyed: RefCell::default(), all: false }
    }

    pub(crate) fn open_record<T: DeserializeOwned>(
        &self,
        actor: &Actor,
        header: &Header,
        name: &str,
        what: &'static str,
    ) -> Result<T, PracticeError> {
        let bytes = self.open_bytes(actor, header, name, what)?;
        parsed(header, &bytes, what)
    }

    /// The receipt of a group's destruction, if it was destroyed.
    pub(crate) fn destruction(&self, group: &str) -> Result<Option<Header>, PracticeError> {
        self.one(Kind::RecordDestroyed, &[("group", group)])
    }
}

/// Time and entry of a receipt, where there is one.
type Receipt = Option<(i64, u64)>;

/// Opens the records that are still there, many in a row: what was destroyed is asked once for each group, and a group's
/// key is unwrapped once.
pub(crate) struct Reader<'a> {
    practice: &'a Practice,
    opening: Opening<'a>,
    /// By group.
    destroyed: RefCell<BTreeMap<String, Receipt>>,
    /// Whether every receipt of the practice is among them.
    all: bool,
}

impl Reader<'_> {
    /// As [`Practice::open_record`].
    pub(crate) fn record<T: DeserializeOwned>(
        &self,
        header: &Header,
        name: &str,
        what: &'static str,
    ) -> Result<T, PracticeError> {
        let unreadable = |why: &str| PracticeError::Unreadable { seq: header.seq, what, why: why.to_owned() };
        let reference = payload(header, name).ok_or_else(|| unreadable("the entry carries no such payload"))?;
        if let Some((time, seq)) = self.receipt(&reference.group)? {
            return Err(PracticeError::Destroyed { what, on: Time::from_millis(time).date(), seq });
        }
        let (wrapped_key, body) =
            self.practice.log.sealed(reference)?.ok_or_else(|| unreadable("its ciphertext is missing"))?;
        let bytes = self.opening.open(reference, &wrapped_key, &body)?;
        parsed(header, &bytes, what)
    }

    fn receipt(&self, group: &str) -> Result<Receipt, PracticeError> {
        let known = self.destroyed.borrow().get(group).copied();
        match known {
            Some(receipt) => Ok(receipt),
            None if self.all => Ok(None),
            None => {
                let receipt = self.practice.destruction(group)?.map(|receipt| (receipt.time, receipt.seq));
                self.destroyed.borrow_mut().insert(group.to_owned(), receipt);
                Ok(receipt)
            }
        }
    }
}

fn parsed<T: DeserializeOwned>(header: &Header, bytes: &[u8], what: &'static str) -> Result<T, PracticeError> {
    serde_json::from_slice(bytes).map_err(|error| PracticeError::Unreadable {
        seq: header.seq,
        what,
        why: format!("not the record's form, at byte {}", error.column()),
    })
}

fn query(kind: Kind, refs: &[(&str, &str)]) -> Query<'static> {
    refs.iter().fold(Query::kind(kind.as_str()), |query, (name, id)| query.refer(name, id))
}

/// The payload of that name.
pub(crate) fn payload<'a>(header: &'a Header, name: &str) -> Option<&'a PayloadRef> {
    header.payloads.iter().find(|payload| payload.name == name)
}

/// A fact that is a word.
pub(crate) fn fact_text(fact: &provenote_ledger::Fact) -> Option<&str> {
    match fact {
        provenote_ledger::Fact::Text(text) => Some(text),
        _ => None,
    }
}

/// A reference an entry is known to carry.
pub(crate) fn reference<'a>(header: &'a Header, name: &'static str) -> Result<&'a str, PracticeError> {
    header.refs.get(name).map(String::as_str).ok_or_else(|| PracticeError::Unreadable {
        seq: header.seq,
        what: "reference",
        why: format!("the entry names no {name}"),
    })
}
