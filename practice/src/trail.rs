//! The audit trail: looking through it, handing it out, who opened a client's file, what was disclosed, holds, incidents,
//! the periodic review, and how long it is kept. The rules are `provenote-trail`'s and `provenote-access`'s; here they meet
//! the ledger.

mod archive;
mod disclosures;
mod holds;
mod incidents;
mod openings;
mod report;
mod review;

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_ledger::{Fact, Header, Query};
use provenote_schemas::{Class, ClientId, Digest, Kind, Role, Time};
use provenote_trail::{About, Digested, Event, Outcome, Placed, Record, Value, csv, fhir, ocsf, place};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

pub use archive::{Archive, ArchiveError, TrailStanding, read_archive};
pub use disclosures::DisclosureGiven;
pub use holds::{Hold, HoldAsked};
pub use incidents::{Incident, IncidentStage, Severity};
pub use openings::{Opening, Openings};
pub use report::{AccessRecord, AccessUser, Change, Refused, Seen, SignIns};
pub use review::{LastReview, Local, Review};

/// Which entries are asked for. What is left empty limits nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    /// A client, by id or name.
    pub client: Option<&'a str>,
    /// Who acted, by pseudonym.
    pub actor: Option<&'a str>,
    /// Any of these kinds.
    pub kinds: &'a [Kind],
    /// Of this event type.
    pub event: Option<Event>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// On this device, by pseudonym.
    pub device: Option<&'a str>,
    /// Not before.
    pub from: Option<Time>,
    /// Before.
    pub to: Option<Time>,
}

/// An entry, and where it stands among the types of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The entry, as the ledger has it.
    pub header: Header,
    /// The same as the trail sees it, with what other entries tell of it.
    pub record: Record,
    /// Its type, class and outcome.
    pub placed: Placed,
}

/// What the trail is handed out as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailFormat {
    /// FHIR R4 AuditEvent, NDJSON.
    Fhir,
    /// OCSF, a JSON object a line.
    Ocsf,
    /// CSV.
    Csv,
}

impl TrailFormat {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Fhir, Self::Ocsf, Self::Csv];

    /// The word in the entry and of the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Ocsf => "ocsf",
            Self::Csv => "csv",
        }
    }

    /// The ending of the file.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Fhir => "ndjson",
            Self::Ocsf => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// The format a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.word() == word)
    }
}

/// The trail as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailExport {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Its SHA-256, as the entry has it.
    pub sha256: Digest,
    /// How many entries are in it.
    pub entries: usize,
    /// `trail.exported`.
    pub seq: u64,
}

impl Practice {
    /// The entries that fit, in order; looking is an entry, before they are shown. Headers only: no payload is opened.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`] for a client by a name that nobody has.
    pub fn trail(&mut self, actor: &Actor, filter: &Filter<'_>) -> Result<Vec<Row>, PracticeError> {
        self.allow_here(actor, Act::ViewLedger)?;
        let asked = self.asked(actor, filter)?;
        let rows = self.rows(filter, asked.client.as_ref())?;
        let mut entry = self
            .entry(actor, Kind::LedgerViewed)
            .fact("query_sha256", Fact::Text(asked.digest.to_string()))
            .fact("results", count(rows.len()));
        if let Some(client) = asked.client {
            entry = entry.refer("client", client);
        }
        self.append_one(actor, entry)?;
        Ok(rows)
    }

    /// The entries that fit as a file. Its bytes are made, then the entry with their digest, and only then are they
    /// returned.
    ///
    /// # Errors
    /// As [`Practice::trail`]. Where the entry cannot be written, no file may be either.
    pub fn export_trail(
        &mut self,
        actor: &Actor,
        filter: &Filter<'_>,
        format: TrailFormat,
    ) -> Result<TrailExport, PracticeError> {
        self.allow_here(actor, Act::ExportTrail)?;
        let asked = self.asked(actor, filter)?;
        let rows = self.rows(filter, asked.client.as_ref())?;
        let about = About { origin: self.log.identity()?.origin, version: env!("CARGO_PKG_VERSION").to_owned() };
        let mut text = if format == TrailFormat::Csv { csv::header() } else { String::new() };
        for row in &rows {
            text.push_str(&match format {
                TrailFormat::Fhir => fhir::line(&row.record, &about),
                TrailFormat::Ocsf => ocsf::line(&row.record, &about),
                TrailFormat::Csv => csv::row(&row.record),
            });
        }
        let bytes = text.into_bytes();
        let sha256 = Digest::of(&bytes);
        let mut entry = self
            .entry(actor, Kind::TrailExported)
            .fact("format", Fact::Text(format.word().to_owned()))
            .fact("sha256", Fact::Text(sha256.to_string()))
            .fact("query_sha256", Fact::Text(asked.digest.to_string()))
            .fact("entries", count(rows.len()));
        if let Some(client) = asked.client {
            entry = entry.refer("client", client);
        }
        let seq = self.append_one(actor, entry)?;
        Ok(TrailExport { bytes, sha256, entries: rows.len(), seq })
    }

    /// The entries that fit, for whoever works alone and is asked for no keys. The headers lie open in the folder of the
    /// practice; a practice of several asks its policies first ([`Practice::trail`]). A client is named by id.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for a client that there is not.
    pub fn trail_of_headers(&self, filter: &Filter<'_>) -> Result<Vec<Row>, PracticeError> {
        let id = |asked: &str| {
            let id = asked.parse::<ClientId>().map_err(|error| PracticeError::BadRequest(error.to_string()))?;
            self.client_header(&id).map(|_| id)
        };
        let client = filter.client.map(id).transpose()?;
        self.rows(filter, client.as_ref())
    }

    fn asked(&self, actor: &Actor, filter: &Filter<'_>) -> Result<Asked, PracticeError> {
        let client = filter.client.map(|asked| self.client_asked(actor, asked)).transpose()?;
        Ok(Asked::of(filter, client))
    }

    fn rows(&self, filter: &Filter<'_>, client: Option<&ClientId>) -> Result<Vec<Row>, PracticeError> {
        let refs = client.iter().map(|client| ("client".to_owned(), client.to_string())).collect();
        let kind = match filter.kinds {
            [kind] => Some(kind.as_str()),
            _ => None,
        };
        let since_ms = filter.from.map(Time::millis);
        let headers = self.log.find(&Query { kind, refs, since_ms, after_seq: None })?;
        let known = self.known()?;
        let rows = headers
            .into_iter()
            .filter(|header| filter.kinds.is_empty() || filter.kinds.iter().any(|kind| kind.as_str() == header.kind))
            .filter(|header| filter.actor.is_none_or(|actor| actor == header.actor))
            .filter(|header| filter.from.is_none_or(|from| from.millis() <= header.time))
            .filter(|header| filter.to.is_none_or(|to| header.time < to.millis()))
            .map(|header| known.row(header))
            .filter(|row| filter.event.is_none_or(|event| row.placed.event == Some(event)))
            .filter(|row| filter.outcome.is_none_or(|outcome| row.placed.outcome == outcome))
            .filter(|row| filter.device.is_none_or(|device| row.record.device.as_deref() == Some(device)))
            .collect();
        Ok(rows)
    }

    /// A client's pseudonym: as asked for by it, else of the file with that name. A pseudonym that was destroyed still names
    /// entries.
    pub(crate) fn client_asked(&self, actor: &Actor, asked: &str) -> Result<ClientId, PracticeError> {
        match asked.parse::<ClientId>() {
            Ok(id) => self.client_header(&id).map(|_| id),
            Err(_) => Ok(self.client(actor, asked)?.client),
        }
    }

    /// What else is known of who wrote entries and what they are about.
    pub(crate) fn known(&self) -> Result<Known, PracticeError> {
        let mut known = Known::default();
        // Roles: as entries told them up to then. The fold of people has those of today only.
        for kind in [Kind::UserInvited, Kind::UserAdded, Kind::UserChanged] {
            for header in self.headers(kind, &[])? {
                let role = header.facts.get("role").and_then(fact_text).and_then(Role::from_word);
                if let (Some(user), Some(role)) = (header.refs.get("user"), role) {
                    known.roles.entry(user.clone()).or_default().insert(header.seq, role);
                }
            }
        }
        for kind in [Kind::UserSignedIn, Kind::UserUnlocked] {
            for mut header in self.headers(kind, &[])? {
                let device = header.refs.remove("device");
                known.devices.entry(header.actor).or_default().insert(header.seq, device);
            }
        }
        for header in self.headers(Kind::DraftMade, &[])? {
            let class = header.payloads.iter().find_map(|payload| Class::from_word(&payload.class));
            if let (Some(note), Some(class)) = (header.refs.get("note"), class) {
                known.classes.insert(note.clone(), class);
            }
        }
        Ok(known)
    }
}

/// What was asked for: the client that it names, and a digest of all of it.
struct Asked {
    client: Option<ClientId>,
    digest: Digest,
}

impl Asked {
    fn of(filter: &Filter<'_>, client: Option<ClientId>) -> Self {
        let time = |time: Option<Time>| time.map_or_else(String::new, |time| time.to_string());
        let kinds: Vec<&str> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
        let asked = format!(
            "provenote/trail/v2\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n",
            client.as_ref().map_or("", |client| client.as_str()),
            filter.actor.unwrap_or_default(),
            kinds.join(","),
            filter.event.map_or("", Event::as_str),
            filter.outcome.map_or("", Outcome::as_str),
            filter.device.unwrap_or_default(),
            time(filter.from),
            time(filter.to),
        );
        Self { client, digest: Digest::of(asked.as_bytes()) }
    }
}

/// What other entries tell of who wrote an entry, and of the note it is about.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// By user: from which entry on they were what.
    roles: BTreeMap<String, BTreeMap<u64, Role>>,
    /// By user: from which sign-in on they worked on which device, where one is known.
    devices: BTreeMap<String, BTreeMap<u64, Option<String>>>,
    /// By note: whose keys open it.
    classes: BTreeMap<String, Class>,
}

impl Known {
    pub(crate) fn row(&self, header: Header) -> Row {
        let record = self.record(&header);
        let placed = place(&record);
        Row { header, record, placed }
    }

    fn record(&self, header: &Header) -> Record {
        let role = self.roles.get(&header.actor).and_then(|roles| roles.range(..=header.seq).next_back());
        let device = self.devices.get(&header.actor).and_then(|devices| devices.range(..=header.seq).next_back());
        let facts = header.facts.iter().map(|(name, fact)| {
            let value = match fact {
                Fact::Text(text) => Value::Text(text.clone()),
                Fact::Number(n) => Value::Number(*n),
                Fact::Flag(yes) => Value::Flag(*yes),
            };
            (name.clone(), value)
        });
        Record {
            seq: header.seq,
            time: Time::from_millis(header.time),
            actor: header.actor.clone(),
            role: role.map(|(_, role)| *role),
            device: header.refs.get("device").cloned().or_else(|| device.and_then(|(_, device)| device.clone())),
            kind: header.kind.clone(),
            refs: header.refs.clone(),
            facts: facts.collect(),
            payloads: header
                .payloads
                .iter()
                .map(|payload| Digested {
                    name: payload.name.clone(),
                    class: Class::from_word(&payload.class),
                    sha256: Digest(payload.ciphertext.0),
                })
                .collect(),
            class: header.refs.get("note").and_then(|note| self.classes.get(note)).copied(),
            prev: Digest(header.prev.0),
            entry: Digest::of(&header.encode()),
        }
    }
}

pub(crate) fn count(number: usize) -> Fact {
    Fact::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(crate) fn number(number: u64) -> Fact {
    Fact::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The entry that a fact names by its number.
pub(crate) fn numbered(header: &Header, name: &str) -> Option<u64> {
    match header.facts.get(name) {
        Some(Fact::Number(n)) => u64::try_from(*n).ok(),
        _ => None,
    }
}

/// The longest text of a reason, a description or findings, in characters.
const LONGEST: usize = 10_000;

/// A text that a person gave, as it is sealed.
pub(crate) fn said(what: &str, given: &str) -> Result<String, PracticeError> {
    let text = given.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(PracticeError::BadRequest(format!(
            "{what} is empty or longer than {LONGEST} characters: say it in a few sentences"
        )));
    }
    Ok(text.to_owned())
}
