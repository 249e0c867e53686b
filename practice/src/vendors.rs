//! Companies outside the practice that get sound or words: what a form tells of them.

pub mod agreements;
pub mod answers;
pub mod audit;
mod own;
pub mod second;
pub mod terms;

pub use own::OwnPipeline;

use provenote_access::Act;
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::{Kind, VendorId};

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::sessions::bad_reference;

/// The longest text a form can carry well of a company, in characters.
const LONGEST: usize = 200;

impl Practice {
    /// Records that a company gets sound or words from now on. Every consent that does not tell of it is stale from then.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for an empty or overlong text, or a company of a name that is there already.
    pub fn add_vendor(&mut self, actor: &Actor, asked: &VendorFact) -> Result<(VendorId, u64), PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let fact = checked_vendor(asked)?;
        if self.vendors(actor)?.iter().any(|(_, other)| other.name.to_lowercase() == fact.name.to_lowercase()) {
            return Err(PracticeError::BadRequest(
                "a company of that name is recorded already: remove it first with `provenote vendor remove`".to_owned(),
            ));
        }
        let vendor = self.random_id(VendorId::from_random);
        let file = self.practice_group()?;
        let sealed = self.seal_record(actor, &file, "vendor", &fact)?;
        let entry = self.entry(actor, Kind::VendorAdded).refer("vendor", &vendor).payload(sealed);
        let seq = self.append_one(actor, entry)?;
        Ok((vendor, seq))
    }

    /// Records that a company, by id or whole name, gets nothing any more.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn remove_vendor(&mut self, actor: &Actor, asked: &str) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let (vendor, fact) = self.vendor_of(actor, asked)?;
        let file = self.practice_group()?;
        let sealed = self.seal_record(actor, &file, "vendor", &fact)?;
        let entry = self.entry(actor, Kind::VendorRemoved).refer("vendor", &vendor).payload(sealed);
        self.append_one(actor, entry)
    }

    /// The companies that get sound or words today, in the order they were added, with how their terms became worse since
    /// they are watched. No entry: part of other acts.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn vendors(&self, actor: &Actor) -> Result<Vec<(VendorId, VendorFact)>, PracticeError> {
        actor.may_see_companies()?;
        let added = self.headers(Kind::VendorAdded, &[])?;
        if added.is_empty() {
            return Ok(Vec::new());
        }
        let removed = self.headers(Kind::VendorRemoved, &[])?;
        // Opened only where it matters: most practices never saw terms become worse.
        let worsened = self.any_terms_worsened()?;
        let mut all: Vec<(VendorId, VendorFact)> = Vec::new();
        let mut here = Vec::new();
        for header in &added {
            let id = reference(header, "vendor")?;
            let is_gone = removed.iter().any(|gone| gone.refs.get("vendor").is_some_and(|other| other == id));
            if is_gone && !worsened {
                continue;
            }
            let id: VendorId = id.parse().map_err(|error| bad_reference(header, &error))?;
            if !is_gone {
                here.push(all.len());
            }
            all.push((id, self.open_record(actor, header, "vendor", "company's record")?));
        }
        let mut vendors = Vec::new();
        for at in here {
            let (id, mut fact) = all[at].clone();
            if worsened {
                let name = fact.name.to_lowercase();
                let ids: Vec<&VendorId> =
                    all.iter().filter(|(_, other)| other.name.to_lowercase() == name).map(|(id, _)| id).collect();
                fact.terms_worsened = self.worsened_terms(actor, &ids)?;
            }
            vendors.push((id, fact));
        }
        Ok(vendors)
    }

    /// A company that gets something, by id or whole name.
    pub(crate) fn vendor_of(&self, actor: &Actor, asked: &str) -> Result<(VendorId, VendorFact), PracticeError> {
        let wanted = asked.trim().to_lowercase();
        self.vendors(actor)?
            .into_iter()
            .find(|(id, fact)| id.as_str() == asked.trim() || fact.name.to_lowercase() == wanted)
            .ok_or_else(|| PracticeError::NotFound {
                what: "company",
                id: "of that id or name".to_owned(),
                list: "vendor list",
            })
    }

    /// The retention group of what belongs to the practice itself.
    pub(crate) fn practice_group(&self) -> Result<String, PracticeError> {
        let created = self.one(Kind::PracticeCreated, &[])?.ok_or(PracticeError::NotFound {
            what: "practice",
            id: "here".to_owned(),
            list: "init --help",
        })?;
        reference(&created, "file").map(str::to_owned)
    }
}

fn checked_vendor(asked: &VendorFact) -> Result<VendorFact, PracticeError> {
    let text = |what: &str, given: &str| {
        let text = given.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(PracticeError::BadRequest(format!(
                "{what} is empty, longer than {LONGEST} characters or has control characters: say it as the form shall print it"
            )));
        }
        Ok(text)
    };
    Ok(VendorFact {
        terms_worsened: None,
        name: text("the company's name", &asked.name)?,
        does: text("what the company does", &asked.does)?,
        place: asked.place.as_deref().map(|place| text("where its computers stand", place)).transpose()?,
        keeps_days: asked.keeps_days,
        trains: asked.trains,
        passes_on_to: asked
            .passes_on_to
            .iter()
            .map(|other| text("the name of somebody it passes them on to", other))
            .collect::<Result<_, _>>()?,
    })
}
