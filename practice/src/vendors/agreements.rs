//! Agreements with companies: the file as it was signed and what a review made of it, both sealed.

use provenote_access::Act;
use provenote_ledger::{Fact, Header};
use provenote_schemas::{Digest, Kind, Time};
use provenote_vendors::baa::{Quote, Review};
use provenote_vendors::reading::Document;
use serde::{Deserialize, Serialize};

use super::answers::{Audited, checked_date, checked_line};
use crate::act::{Actor, Practice};
use crate::error::PracticeError;

/// The media type of a file as it came: what it is, is told by its content.
const FILE: &str = "application/octet-stream";

/// An agreement as it is handed in: the file, what was read of it, and the review of that.
#[derive(Debug, Clone, Copy)]
pub struct AgreementGiven<'a> {
    /// The file's name.
    pub file_name: &'a str,
    /// The file, byte for byte.
    pub bytes: &'a [u8],
    /// What was read of it.
    pub document: &'a Document,
    /// What the review says of that.
    pub review: &'a Review,
    /// The day on which it was signed, `2026-11-21`; none where nobody said so.
    pub signed: Option<&'a str>,
    /// By whom it was signed, as it shall stand in the audit.
    pub by: Option<&'a str>,
}

/// What is sealed beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct AgreementRecord {
    file_name: String,
    sha256: Digest,
    text_sha256: Digest,
    signed: Option<String>,
    by: Option<String>,
    review: Review,
}

/// An agreement on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementKept {
    /// `vendor.agreement_reviewed`.
    pub seq: u64,
    /// When it was put on record.
    pub at: Time,
    /// The file's name.
    pub file_name: String,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// The day on which it was signed.
    pub signed: Option<String>,
    /// By whom.
    pub by: Option<String>,
    /// What the review said then.
    pub review: Review,
}

impl Practice {
    /// Keeps an agreement with a company and what its review says. Answers of the audit are taken from the newest.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for a date that is none, and for a review whose quotes do
    /// not stand in the document: it is then a review of something else.
    pub fn vendor_agreement(
        &mut self,
        actor: &Actor,
        vendor: &str,
        given: &AgreementGiven<'_>,
    ) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let Audited::Company(company) = self.audited(actor, vendor)? else {
            return Err(PracticeError::BadRequest(
                "the practice needs no agreement with itself: name the company the agreement is with".to_owned(),
            ));
        };
        if given.bytes.is_empty() {
            return Err(PracticeError::BadRequest("the agreement's file is empty".to_owned()));
        }
        if !quotes_stand(given.document, given.review) {
            return Err(PracticeError::BadRequest(
                "a quote of the review does not stand in this document: review the file again".to_owned(),
            ));
        }
        let record = AgreementRecord {
            file_name: checked_line("the file's name", given.file_name)?,
            sha256: Digest::of(given.bytes),
            text_sha256: Digest::of(given.document.text.as_bytes()),
            signed: given.signed.map(checked_date).transpose()?,
            by: given.by.map(|by| checked_line("who signed", by)).transpose()?,
            review: given.review.clone(),
        };
        let group = self.practice_group()?;
        let review = self.seal_record(actor, &group, "review", &record)?;
        let file = self.seal_bytes(actor, &group, "file", FILE, given.bytes)?;
        let entry = self
            .entry(actor, Kind::VendorAgreementReviewed)
            .refer("vendor", &company.id)
            .fact("sha256", Fact::Text(record.sha256.to_string()))
            .fact("signed", Fact::Flag(record.signed.is_some()))
            .fact("is_baa", Fact::Flag(record.review.kind.is_baa))
            .fact("red_flags", Fact::Number(i64::try_from(record.review.red_flags.len()).unwrap_or(i64::MAX)))
            .payload(review)
            .payload(file);
        self.append_one(actor, entry)
    }

    /// The newest agreement with a company that is on record.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for the company; where the ledger or the record cannot be read.
    pub fn agreement(&self, actor: &Actor, vendor: &str) -> Result<Option<AgreementKept>, PracticeError> {
        match self.audited(actor, vendor)? {
            Audited::Company(company) => self.newest_agreement(actor, company.id.as_str()),
            Audited::Own => Ok(None),
        }
    }

    /// The file of an agreement on record, byte for byte.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] where that entry is none of an agreement.
    pub fn agreement_file(&self, actor: &Actor, seq: u64) -> Result<Vec<u8>, PracticeError> {
        actor.may_see_companies()?;
        let headers = self.headers(Kind::VendorAgreementReviewed, &[])?;
        let header = headers.into_iter().find(|header| header.seq == seq).ok_or_else(|| PracticeError::NotFound {
            what: "agreement",
            id: format!("in entry {seq}"),
            list: "ledger log --kind vendor.agreement_reviewed",
        })?;
        self.open_bytes(actor, &header, "file", "agreement")
    }

    pub(super) fn newest_agreement(&self, actor: &Actor, vendor: &str) -> Result<Option<AgreementKept>, PracticeError> {
        let newest = self.headers(Kind::VendorAgreementReviewed, &[("vendor", vendor)])?.pop();
        newest.map(|header| self.agreement_kept(actor, &header)).transpose()
    }

    fn agreement_kept(&self, actor: &Actor, header: &Header) -> Result<AgreementKept, PracticeError> {
        let record: AgreementRecord = self.open_record(actor, header, "review", "agreement's review")?;
        Ok(AgreementKept {
            seq: header.seq,
            at: Time::from_millis(header.time),
            file_name: record.file_name,
            sha256: record.sha256,
            signed: record.signed,
            by: record.by,
            review: record.review,
        })
    }
}

/// Whether every quote of a review is what stands at its place in the document.
fn quotes_stand(document: &Document, review: &Review) -> bool {
    let characters: Vec<char> = document.text.chars().collect();
    let stands = |quote: &Quote| {
        let at = characters.get(quote.start..quote.end);
        at.is_some_and(|there| there.iter().copied().eq(quote.quote.chars()))
    };
    let provisions = review.provisions.iter().map(|one| &one.quote);
    let flags = review.red_flags.iter().map(|one| &one.quote);
    let facts = review.facts.values().flat_map(|fact| std::iter::once(&fact.quote).chain(&fact.also));
    let window =
        review.breach_notice.iter().flat_map(|one| std::iter::once(&one.quote).chain(one.resolved_by.as_ref()));
    let undetermined = review.breach_notice_undetermined.iter().map(|one| &one.quote);
    let contradictions = review.contradictions.iter().flat_map(|one| [&one.one, &one.other]);
    provisions.chain(flags).chain(facts).chain(window).chain(undetermined).chain(contradictions).all(stands)
}
