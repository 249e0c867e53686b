//! Terms of companies that are watched: which, since when, what came of it, and whether they became worse.
//!
//! Whether they did stands in the entries of the checks, so that nothing has to be written when it changes: a check whose
//! entry says that they are worse makes the consents stale that tell of the company, by [`Practice::vendors`], and the
//! same entry ends it. It is over when a later check finds that it was taken back, or when a person settles it.

mod checking;
mod importing;
mod past;

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_ledger::{AppendError, Fact, Header, StoreError};
use provenote_schemas::disclosure::TermsWorsened;
use provenote_schemas::{Kind, TermsId, Time, VendorId};
use provenote_vendors::terms::{Declaration, Terms};
use serde::{Deserialize, Serialize};

pub use checking::{TermsChecked, TermsOutcome};
pub use importing::{ImportedChange, TermsImported};
pub use past::TermsPast;

use crate::act::{Actor, Practice, fact_text, payload, reference};
use crate::consents::checked_words;
use crate::error::PracticeError;
use crate::sessions::bad_reference;

/// How often others may append between a decision and its entry.
const ATTEMPTS: usize = 64;

/// What is sealed of terms that are watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// The service, as the declaration names it.
    service: String,
    terms: Terms,
}

/// A document that is watched.
#[derive(Debug, Clone)]
struct Source {
    id: TermsId,
    vendor: VendorId,
    vendor_name: String,
    since: Time,
    watched: Watched,
}

impl Source {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.watched.terms.sources.iter().map(|source| source.fetch.as_str())
    }

    /// One line for people.
    fn address(&self) -> String {
        self.addresses().collect::<Vec<_>>().join(" and ")
    }
}

/// How one document stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermsStanding {
    /// The company's name.
    pub vendor: String,
    /// The company's id.
    pub vendor_id: VendorId,
    /// The document's own id.
    pub source: TermsId,
    /// Its type, such as `Privacy Policy`.
    pub terms_type: String,
    /// Where it is had from; several joined by `and`.
    pub address: String,
    /// Since when it is watched.
    pub tracked_since: Time,
    /// When it was last asked for.
    pub last_checked: Option<Time>,
    /// What came of that.
    pub last_outcome: Option<TermsOutcome>,
    /// When its words were last had, whether or not they had changed.
    pub last_read: Option<Time>,
    /// How many versions are kept.
    pub versions: usize,
    /// How it became worse, where it did and nobody settled it.
    pub worsened: Option<TermsWorsened>,
}

/// Why worsened terms do not touch what clients agreed to. That a practice goes on with them is no reason: then clients
/// are told, and agree anew or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The company took the change back, in another way than on the page.
    TakenBack,
    /// The agreement with the company forbids what the terms now permit.
    AgreementForbids,
    /// The comparison was wrong: the words do not say what it found.
    Misread,
}

impl Because {
    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TakenBack => "taken_back",
            Self::AgreementForbids => "agreement_forbids",
            Self::Misread => "misread",
        }
    }
}

/// What is sealed when a person settles it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Settled {
    because: Because,
    words: String,
    /// What had become worse.
    worsened: TermsWorsened,
}

impl Practice {
    /// Watches the documents of a declaration from now on. Nothing is fetched yet.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for the company; [`PracticeError::BadRequest`] for a document that is watched already,
    /// or a CSS selector that is none.
    pub fn track_terms(
        &mut self,
        actor: &Actor,
        vendor: &str,
        declaration: &Declaration,
    ) -> Result<Vec<(String, u64)>, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        for source in declaration.terms.iter().flat_map(|terms| &terms.sources) {
            source.selection().map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        }
        let group = self.practice_group()?;
        for _ in 0..ATTEMPTS {
            let size = self.log.size()?;
            let (vendor, _) = self.vendor_of(actor, vendor)?;
            let there = self.sources(actor, Some(vendor.as_str()))?;
            let mut entries = Vec::new();
            let mut ids = Vec::new();
            for terms in &declaration.terms {
                let known = there.iter().find(|source| {
                    source.watched.terms.kind == terms.kind
                        && source.addresses().eq(terms.sources.iter().map(|one| one.fetch.as_str()))
                });
                if let Some(known) = known {
                    return Err(PracticeError::BadRequest(format!(
                        "the {} at {} is watched already, as {}: end that first with `provenote terms untrack`",
                        terms.kind,
                        known.address(),
                        known.id.as_str()
                    )));
                }
                let id = self.random_id(TermsId::from_random);
                let watched = Watched { service: declaration.name.clone(), terms: terms.clone() };
                let sealed = self.seal_record(actor, &group, "terms", &watched)?;
                let entry = self.entry(actor, Kind::TermsTracked).refer("vendor", &vendor).refer("source", &id);
                entries.push(entry.payload(sealed));
                ids.push(id.as_str().to_owned());
            }
            match self.append_if(actor, size, entries) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {}
                done => return Ok(ids.into_iter().zip(done?).collect()),
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Watches a document no longer. Its versions are kept, and a change for the worse that is open stays so.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn untrack_terms(&mut self, actor: &Actor, source: &str) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let source = self
            .sources(actor, None)?
            .into_iter()
            .find(|one| one.id.as_str() == source.trim())
            .ok_or_else(|| not_watched(source.trim()))?;
        let entry = self.entry(actor, Kind::TermsUntracked).refer("vendor", &source.vendor).refer("source", &source.id);
        self.append_one(actor, entry)
    }

    /// A person read how a company's terms became worse, and says why that does not touch clients; the words are kept.
    /// Forms tell of it no longer, and consents from before hold again.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] without words, or where there is nothing to settle.
    pub fn settle_terms(
        &mut self,
        actor: &Actor,
        vendor: &str,
        because: Because,
        words: &str,
    ) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let words = checked_words("why it is settled", words)?;
        if words.is_empty() {
            return Err(PracticeError::BadRequest(
                "say in a few words why it is settled: they are kept with who settled it and when".to_owned(),
            ));
        }
        let group = self.practice_group()?;
        for _ in 0..ATTEMPTS {
            let size = self.log.size()?;
            let (id, fact) = self.vendor_of(actor, vendor)?;
            let Some(worsened) = fact.terms_worsened else {
                return Err(PracticeError::BadRequest(format!(
                    "nothing is open in the terms of {}: `provenote terms list` shows what is",
                    fact.name
                )));
            };
            let sealed =
                self.seal_record(actor, &group, "words", &Settled { because, words: words.clone(), worsened })?;
            let entry = self.entry(actor, Kind::TermsSettled).refer("vendor", &id);
            let entry = entry.fact("because", Fact::Text(because.as_str().to_owned())).payload(sealed);
            match self.append_if(actor, size, vec![entry]) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {}
                done => return Ok(done?.first().copied().unwrap_or_default()),
            }
        }
        Err(StoreError::Busy.into())
    }

    /// How everything stands that is watched, of one company or of all. No entry: part of other acts.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for the company; where a record cannot be read.
    pub fn terms_of(&self, actor: &Actor, vendor: Option<&str>) -> Result<Vec<TermsStanding>, PracticeError> {
        actor.may_see_companies()?;
        let vendor = vendor.map(|vendor| self.vendor_of(actor, vendor)).transpose()?.map(|(id, _)| id);
        let mut standings = Vec::new();
        for source in self.sources(actor, vendor.as_ref().map(VendorId::as_str))? {
            let checks = self.headers(Kind::TermsChecked, &[("source", source.id.as_str())])?;
            let settled = self.last_settled(&source.vendor)?;
            let open = open_check(&checks, settled);
            let worsened = open.map(|check| self.worsened_in(actor, check)).transpose()?.flatten();
            standings.push(TermsStanding {
                vendor: source.vendor_name.clone(),
                vendor_id: source.vendor.clone(),
                source: source.id.clone(),
                terms_type: source.watched.terms.kind.to_string(),
                address: source.address(),
                tracked_since: source.since,
                last_checked: checks.last().map(|check| Time::from_millis(check.time)),
                last_outcome: checks.last().and_then(outcome_of),
                last_read: checks
                    .iter()
                    .rfind(|check| outcome_of(check).is_some_and(TermsOutcome::is_read))
                    .map(|check| Time::from_millis(check.time)),
                versions: checks.iter().filter(|check| payload(check, "version").is_some()).count(),
                worsened,
            });
        }
        Ok(standings)
    }

    /// Whether an audit of a company, the entry `since_seq`, is older than a change of its terms for the worse that was not
    /// taken back since; the reason in a clause.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn audit_is_stale(&self, vendor: &VendorId, since_seq: u64) -> Result<Option<String>, PracticeError> {
        let checks = self.headers(Kind::TermsChecked, &[("vendor", vendor.as_str())])?;
        let stale = checks.iter().enumerate().find(|(at, check)| {
            check.seq > since_seq && is_worse(check) && {
                let later = &checks[at + 1..];
                !later
                    .iter()
                    .any(|later| later.refs.get("source") == check.refs.get("source") && flag(later) == Some(false))
            }
        });
        Ok(stale.map(|(_, check)| {
            let day = Time::from_millis(check.time).date();
            format!("its terms became worse on {day} (entry {})", check.seq)
        }))
    }

    /// How the terms of a company became worse, over all its documents, those too that are watched no longer. `ids` are all
    /// that the company ever had here: who is removed and added again is the same.
    pub(super) fn worsened_terms(
        &self,
        actor: &Actor,
        ids: &[&VendorId],
    ) -> Result<Option<TermsWorsened>, PracticeError> {
        let mut open: Option<TermsWorsened> = None;
        let mut settled = None;
        for id in ids {
            settled = settled.max(self.last_settled(id)?);
        }
        for id in ids {
            let mut by_source: BTreeMap<String, Vec<Header>> = BTreeMap::new();
            for check in self.headers(Kind::TermsChecked, &[("vendor", id.as_str())])? {
                by_source.entry(reference(&check, "source")?.to_owned()).or_default().push(check);
            }
            let mut checks: Vec<&Header> =
                by_source.values().filter_map(|checks| open_check(checks, settled)).collect();
            checks.sort_by_key(|check| check.seq);
            for check in checks {
                let Some(found) = self.worsened_in(actor, check)? else { continue };
                let all = open.get_or_insert_with(|| TermsWorsened { on: found.on.clone(), what: Vec::new() });
                all.on = all.on.clone().max(found.on);
                all.what.extend(found.what.into_iter().filter(|one| !all.what.contains(one)).collect::<Vec<_>>());
            }
        }
        Ok(open)
    }

    /// Whether any company's terms ever became worse: asked before records are opened for it.
    pub(super) fn any_terms_worsened(&self) -> Result<bool, PracticeError> {
        Ok(self.headers(Kind::TermsChecked, &[])?.iter().any(|check| flag(check) == Some(true)))
    }

    fn worsened_in(&self, actor: &Actor, check: &Header) -> Result<Option<TermsWorsened>, PracticeError> {
        let check: checking::CheckRecord = self.open_record(actor, check, "check", "check of terms")?;
        Ok(check.worsened)
    }

    /// The entry that settled a company's terms last.
    fn last_settled(&self, vendor: &VendorId) -> Result<Option<u64>, PracticeError> {
        Ok(self.headers(Kind::TermsSettled, &[("vendor", vendor.as_str())])?.last().map(|header| header.seq))
    }

    /// What is watched, of companies that get something still, in the order in which it began.
    fn sources(&self, actor: &Actor, vendor: Option<&str>) -> Result<Vec<Source>, PracticeError> {
        let vendors = self.vendors(actor)?;
        let of: Vec<(&str, &str)> = vendor.map(|id| ("vendor", id)).into_iter().collect();
        let gone = self.headers(Kind::TermsUntracked, &of)?;
        let mut sources = Vec::new();
        for header in self.headers(Kind::TermsTracked, &of)? {
            let id = reference(&header, "source")?;
            let of_vendor = reference(&header, "vendor")?;
            if gone.iter().any(|gone| gone.refs.get("source").is_some_and(|other| other == id)) {
                continue;
            }
            let Some((vendor, fact)) = vendors.iter().find(|(vendor, _)| vendor.as_str() == of_vendor) else {
                continue;
            };
            sources.push(Source {
                id: id.parse().map_err(|error| bad_reference(&header, &error))?,
                vendor: vendor.clone(),
                vendor_name: fact.name.clone(),
                since: Time::from_millis(header.time),
                watched: self.open_record(actor, &header, "terms", "record of watched terms")?,
            });
        }
        Ok(sources)
    }
}

fn not_watched(id: &str) -> PracticeError {
    PracticeError::NotFound { what: "document that is watched", id: id.to_owned(), list: "terms list" }
}

/// Whether a check says that the terms stand worse than they were; `None` where it says nothing of it.
fn flag(check: &Header) -> Option<bool> {
    match check.facts.get("worsened") {
        Some(Fact::Flag(worse)) => Some(*worse),
        _ => None,
    }
}

/// Whether the words had become worse from the version before.
fn is_worse(check: &Header) -> bool {
    matches!(check.facts.get("direction").and_then(fact_text), Some("worse" | "mixed"))
}

fn outcome_of(check: &Header) -> Option<TermsOutcome> {
    check.facts.get("outcome").and_then(fact_text).and_then(TermsOutcome::from_word)
}

/// The check by whose entry a document stands worse, of all its checks; none where it does not.
fn open_check(checks: &[Header], settled: Option<u64>) -> Option<&Header> {
    checks
        .iter()
        .rfind(|check| flag(check).is_some())
        .filter(|check| flag(check) == Some(true) && settled.is_none_or(|settled| check.seq > settled))
}
