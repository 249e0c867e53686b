//! The register of disclosures and their accounting (45 CFR 164.528). Apart from the trail of who opened what: that one is of
//! openings inside the practice, this one of what went outside.
//!
//! What counts of existing acts: a note forwarded, a note or a consent saved as a file, and an evidence bundle about the
//! client left the records, and the ledger does not know to whom. Each stands in the accounting as not yet said, until
//! somebody records the disclosure and names that entry, with an exclusion where one applies. A note printed does not: paper
//! in the practice is no disclosure, and where it is handed on, that is recorded like any other.

use std::collections::BTreeSet;

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_schemas::{Kind, Time};
use provenote_trail::disclosures::{Accounting, Disclosed, Source, accounting, exclusion, exclusions};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::trail::{count, number, numbered, said};

/// What somebody says of a disclosure.
#[derive(Debug, Clone, Copy)]
pub struct DisclosureGiven<'a> {
    /// The client, by id or name.
    pub client: &'a str,
    /// When it was disclosed; now where nothing is given.
    pub at: Option<Time>,
    /// The name of who got it.
    pub recipient: &'a str,
    /// Their address, if known.
    pub address: Option<&'a str>,
    /// What it was, briefly.
    pub description: &'a str,
    /// What for, briefly.
    pub purpose: &'a str,
    /// The word of an exclusion of 164.528(a)(1), where one applies.
    pub exclusion: Option<&'a str>,
    /// The entry of the export that it tells about.
    pub of: Option<u64>,
}

/// As it is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sealed {
    recipient: String,
    address: Option<String>,
    description: String,
    purpose: String,
}

/// The kinds by which something left the records.
const LEFT: [(Kind, &str); 4] = [
    (Kind::NoteForwarded, "a note that was sent to somebody outside the practice"),
    (Kind::NoteExported, "a note that was saved as a file"),
    (Kind::ConsentExported, "a consent that was saved as a file"),
    (Kind::BundleCreated, "an evidence bundle"),
];

impl Practice {
    /// Records a disclosure. To whom, what and what for are sealed in the practice's own register, so that the accounting
    /// outlives the client's file.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for an empty recipient, description or purpose, an exclusion
    /// that is none, a time to come, and an entry that is no export of this client.
    pub fn record_disclosure(&mut self, actor: &Actor, given: &DisclosureGiven<'_>) -> Result<u64, PracticeError> {
        let client = self.allow_client(actor, Act::RecordDisclosure, given.client)?;
        let sealed = Sealed {
            recipient: said("the recipient", given.recipient)?,
            address: given.address.map(|address| said("the address", address)).transpose()?,
            description: said("the description", given.description)?,
            purpose: said("the purpose", given.purpose)?,
        };
        if given.exclusion.is_some_and(|code| exclusion(code).is_none()) {
            let codes: Vec<&str> = exclusions().iter().map(|one| one.code.as_str()).collect();
            return Err(PracticeError::BadRequest(format!(
                "this is no exclusion of 45 CFR 164.528(a)(1) that Provenote knows: give one of {}, or none",
                codes.join(", ")
            )));
        }
        let now = self.clock.now();
        if given.at.is_some_and(|at| at > now) {
            return Err(PracticeError::BadRequest(
                "the disclosure is in the future: record it once it happened".to_owned(),
            ));
        }
        if let Some(seq) = given.of {
            let about = if seq < self.log.size()? { Some(self.log.header(seq)?) } else { None };
            let fits = about.is_some_and(|header| {
                LEFT.iter().any(|(kind, _)| kind.as_str() == header.kind)
                    && header.refs.get("client").is_some_and(|of| of == client.as_str())
            });
            if !fits {
                return Err(PracticeError::BadRequest(format!(
                    "entry {seq} is no export, forward or bundle of this client: see `provenote disclosures CLIENT`"
                )));
            }
        }
        let group = self.practice_group()?;
        let payload = self.seal_record(actor, &group, "disclosure", &sealed)?;
        let mut entry = self
            .entry(actor, Kind::DisclosureRecorded)
            .refer("client", &client)
            .fact("at", Fact::Number(given.at.unwrap_or(now).millis()))
            .payload(payload);
        if let Some(code) = given.exclusion {
            entry = entry.fact("exclusion", Fact::Text(code.to_owned()));
        }
        if let Some(seq) = given.of {
            entry = entry.fact("of", number(seq));
        }
        self.append_one(actor, entry)
    }

    /// The accounting of what was disclosed of a client, at most six years back; making it is an entry, before it is shown.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::Vault`] where the actor's keys do not open the
    /// practice's register.
    pub fn accounting(
        &mut self,
        actor: &Actor,
        client: &str,
        from: Option<Time>,
        to: Option<Time>,
    ) -> Result<Accounting, PracticeError> {
        let client = self.allow_client(actor, Act::ViewAccounting, client)?;
        let refs = [("client", client.as_str())];
        let mut all = Vec::new();
        let mut told_about = BTreeSet::new();
        for header in self.headers(Kind::DisclosureRecorded, &refs)? {
            told_about.extend(numbered(&header, "of"));
            let sealed: Sealed = self.open_record(actor, &header, "disclosure", "disclosure")?;
            let at = match header.facts.get("at") {
                Some(Fact::Number(at)) => *at,
                _ => header.time,
            };
            all.push(Disclosed {
                seq: header.seq,
                time: Time::from_millis(at),
                source: Source::Register,
                recipient: Some(sealed.recipient),
                address: sealed.address,
                description: sealed.description,
                purpose: Some(sealed.purpose),
                exclusion: header.facts.get("exclusion").and_then(fact_text).map(str::to_owned),
            });
        }
        for (kind, description) in LEFT {
            for header in self.headers(kind, &refs)? {
                if !told_about.contains(&header.seq) {
                    all.push(Disclosed {
                        seq: header.seq,
                        time: Time::from_millis(header.time),
                        source: Source::Entry,
                        recipient: None,
                        address: None,
                        description: description.to_owned(),
                        purpose: None,
                        exclusion: None,
                    });
                }
            }
        }
        let made = accounting(all, from, to, self.clock.now());
        let entry = self
            .entry(actor, Kind::AccountingMade)
            .refer("client", &client)
            .fact("from", Fact::Number(made.from.millis()))
            .fact("to", Fact::Number(made.to.millis()))
            .fact("told", count(made.told.len()))
            .fact("unsaid", count(made.unsaid.len()))
            .fact("left_out", count(made.left_out.values().sum()));
        self.append_one(actor, entry)?;
        Ok(made)
    }
}
