//! Companies outside the practice that get sound or words: what a form tells of them.

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
        actor.authorise(Act::Configure)?;
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
        actor.authorise(Act::Configure)?;
        let wanted = asked.trim().to_lowercase();
        let (vendor, fact) = self
            .vendors(actor)?
            .into_iter()
            .find(|(id, fact)| id.as_str() == asked || fact.name.to_lowercase() == wanted)
            .ok_or_else(|| PracticeError::NotFound {
                what: "company",
                id: "of that id or name".to_owned(),
                list: "vendor list",
            })?;
        let file = self.practice_group()?;
        let sealed = self.seal_record(actor, &file, "vendor", &fact)?;
        let entry = self.entry(actor, Kind::VendorRemoved).refer("vendor", &vendor).payload(sealed);
        self.append_one(actor, entry)
    }

    /// The companies that get sound or words today, in the order they were added. No entry: part of other acts.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn vendors(&self, actor: &Actor) -> Result<Vec<(VendorId, VendorFact)>, PracticeError> {
        actor.authorise(Act::ViewConsent)?;
        let added = self.headers(Kind::VendorAdded, &[])?;
        if added.is_empty() {
            return Ok(Vec::new());
        }
        let removed = self.headers(Kind::VendorRemoved, &[])?;
        let mut vendors = Vec::new();
        for header in added {
            let id = reference(&header, "vendor")?;
            if removed.iter().any(|gone| gone.refs.get("vendor").is_some_and(|other| other == id)) {
                continue;
            }
            let id: VendorId = id.parse().map_err(|error| bad_reference(&header, &error))?;
            vendors.push((id, self.open_record(actor, &header, "vendor", "company's record")?));
        }
        Ok(vendors)
    }

    /// The retention group of what belongs to the practice itself.
    fn practice_group(&self) -> Result<String, PracticeError> {
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
