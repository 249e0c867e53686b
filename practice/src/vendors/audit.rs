//! The audit of a company, or of the practice's own pipeline, and what became of earlier ones since.

use provenote_access::Act;
use provenote_ledger::{Fact, Header};
use provenote_schemas::{Kind, Time, VendorId};
use provenote_vendors::audit::{Answer, Audit, Questionnaire, Severity, audit};

use super::answers::{Audited, OWN};
pub use super::own::OwnPipeline;
use super::terms::TermsStanding;
use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::ports::Models;

/// The newest audit of a company or of the own pipeline.
#[derive(Debug, Clone)]
pub struct LastAudit {
    /// Its name.
    pub vendor: String,
    /// The company's id; none for the own pipeline.
    pub id: Option<VendorId>,
    /// When; none where it was never audited.
    pub at: Option<Time>,
    /// `vendor.audited`.
    pub seq: Option<u64>,
    /// How many findings.
    pub findings: usize,
    /// The gravest.
    pub gravest: Option<Severity>,
    /// In plain words.
    pub verdict: String,
    /// Why it can no longer be relied on.
    pub stale: Option<String>,
    /// The whole audit.
    pub audit: Option<Audit>,
    /// How the company's watched terms stand.
    pub terms: Vec<TermsStanding>,
}

impl Practice {
    /// Audits a company by id or name, or the own pipeline (`local`), and keeps what was found.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; where the ledger or a record cannot be read.
    pub fn vendor_audit(
        &mut self,
        actor: &Actor,
        vendor: &str,
        questionnaire: &Questionnaire,
        models: &dyn Models,
        own: &OwnPipeline,
    ) -> Result<(Audit, u64), PracticeError> {
        self.allow_here(actor, Act::MakeReport)?;
        let audited = self.audited(actor, vendor)?;
        self.audit_of(actor, &audited, questionnaire, models, own)
    }

    /// Audits the own pipeline first, then each company in the order they were added.
    ///
    /// # Errors
    /// As [`Practice::vendor_audit`].
    pub fn stack(
        &mut self,
        actor: &Actor,
        questionnaire: &Questionnaire,
        models: &dyn Models,
        own: &OwnPipeline,
    ) -> Result<Vec<Audit>, PracticeError> {
        self.allow_here(actor, Act::MakeReport)?;
        self.all_audited(actor)?
            .iter()
            .map(|audited| Ok(self.audit_of(actor, audited, questionnaire, models, own)?.0))
            .collect()
    }

    /// The newest audit of the own pipeline and of each company of today, and what happened since. No entry: part of other
    /// acts.
    ///
    /// # Errors
    /// Where the ledger or a record cannot be read.
    pub fn last_audits(&self, actor: &Actor) -> Result<Vec<LastAudit>, PracticeError> {
        actor.authorise(Act::MakeReport)?;
        self.all_audited(actor)?.iter().map(|audited| self.last_audit(actor, audited)).collect()
    }

    /// The own pipeline, then each company.
    fn all_audited(&self, actor: &Actor) -> Result<Vec<Audited>, PracticeError> {
        let companies = self.companies(actor)?.into_iter().map(|company| Audited::Company(Box::new(company)));
        Ok(std::iter::once(Audited::Own).chain(companies).collect())
    }

    fn audit_of(
        &mut self,
        actor: &Actor,
        audited: &Audited,
        questionnaire: &Questionnaire,
        models: &dyn Models,
        own: &OwnPipeline,
    ) -> Result<(Audit, u64), PracticeError> {
        let mut answers: Vec<Answer> = self.given_answers(actor, audited, questionnaire)?;
        match audited {
            Audited::Own => answers.extend(self.own_answers(actor, questionnaire, own)?),
            Audited::Company(company) => answers.extend(self.company_answers(actor, company, questionnaire)?),
        }
        answers.extend(self.client_answers(actor, audited, questionnaire)?);
        let local = matches!(audited, Audited::Own);
        let mut audit = audit(questionnaire, &audited.name(), local, &answers, self.clock.now());
        if local {
            audit.not_checked.extend(self.unknown_models(models)?);
        }
        let worst = audit.findings.first().map_or("none", |finding| finding.severity.as_str());
        let group = self.practice_group()?;
        let mut entry = self
            .entry(actor, Kind::VendorAudited)
            .fact("questionnaire", Fact::Text(audit.questionnaire.clone()))
            .fact("findings", Fact::Number(i64::try_from(audit.findings.len()).unwrap_or(i64::MAX)))
            .fact("gravest", Fact::Text(worst.to_owned()))
            .payload(self.seal_record(actor, &group, "audit", &audit)?);
        entry = match audited.vendor() {
            Some(vendor) => entry.refer("vendor", vendor),
            None => entry.fact("own", Fact::Flag(true)),
        };
        let seq = self.append_one(actor, entry)?;
        Ok((audit, seq))
    }

    /// Models in the settings that the catalogue does not know.
    fn unknown_models(&self, models: &dyn Models) -> Result<Vec<String>, PracticeError> {
        let settings = self.settings()?;
        let chosen = [&settings.speech, &settings.voice_activity].into_iter().chain(&settings.drafting);
        let unknown = chosen.filter(|id| models.fact(id).is_none());
        Ok(unknown.map(|id| format!("The model {id}: the catalogue does not know it.")).collect())
    }

    fn last_audit(&self, actor: &Actor, audited: &Audited) -> Result<LastAudit, PracticeError> {
        let last = self.headers(Kind::VendorAudited, &[])?.into_iter().rfind(|header| audited.is_of(header));
        let (vendor, id) = (audited.name(), audited.vendor().cloned());
        let terms = match &id {
            Some(id) => self.terms_of(actor, Some(id.as_str()))?,
            None => Vec::new(),
        };
        let Some(header) = last else {
            return Ok(LastAudit {
                verdict: format!("{vendor} was never audited: `provenote vendor audit {}`.", asked(audited)),
                vendor,
                id,
                at: None,
                seq: None,
                findings: 0,
                gravest: None,
                stale: None,
                audit: None,
                terms,
            });
        };
        let audit: Audit = self.open_record(actor, &header, "audit", "audit")?;
        Ok(LastAudit {
            vendor,
            id,
            at: Some(Time::from_millis(header.time)),
            seq: Some(header.seq),
            findings: audit.findings.len(),
            gravest: audit.findings.first().map(|finding| finding.severity),
            verdict: audit.verdict.clone(),
            stale: self.audit_stale(audited, &header)?,
            audit: Some(audit),
            terms,
        })
    }

    /// What happened since an audit that it does not know of.
    fn audit_stale(&self, audited: &Audited, audit: &Header) -> Result<Option<String>, PracticeError> {
        let since = |kind: Kind| -> Result<Vec<Header>, PracticeError> {
            let headers = self.headers(kind, &[])?.into_iter();
            Ok(headers.filter(|header| header.seq > audit.seq && audited.is_of(header)).collect())
        };
        let day = |header: &Header| Time::from_millis(header.time).date();
        if let Some(vendor) = audited.vendor() {
            if let Some(why) = self.audit_is_stale(vendor, audit.seq)? {
                return Ok(Some(why));
            }
            if let Some(agreement) = since(Kind::VendorAgreementReviewed)?.last() {
                return Ok(Some(format!("another agreement was reviewed on {}", day(agreement))));
            }
        } else if let Some(changed) = since(Kind::PracticeConfigured)?.last() {
            return Ok(Some(format!("settings were changed on {}", day(changed))));
        }
        Ok(since(Kind::VendorAnswered)?.last().map(|answer| format!("questions were answered on {}", day(answer))))
    }
}

/// How it is asked for.
fn asked(audited: &Audited) -> String {
    audited.vendor().map_or_else(|| OWN.to_owned(), ToString::to_string)
}
