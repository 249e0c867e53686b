//! Consents that leave as a file, and consents of other systems that come in.
//!
//! What leaves is an entry, with the bytes sealed beside it, before anybody has them. What comes in is kept as it
//! came and opens nothing: it is no act of this ledger.

use std::collections::BTreeSet;

use provenote_access::Act;
use provenote_consent::fhir::{self, Foreign, Permit};
use provenote_consent::receipt::{Controller, NOT_GIVEN, receipt};
use provenote_consent::{ConsentEvent, Record as ConsentRecord};
use provenote_ledger::Fact;
use provenote_schemas::consent::{ConsentForm, Grant};
use provenote_schemas::people::{Client, Participant};
use provenote_schemas::{Kind, Purpose, Time};
use provenote_templates::{blocks, html_page};
use serde_json::Value;

use super::SessionTerms;
use super::copy::{Signed, plain_copy};
use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::ports::Models;

/// What an imported consent is good for.
pub const OPENS_NOTHING: &str = "a consent made elsewhere opens nothing here, for it binds nothing of what is done here: make a form with `provenote consent form`, and let everybody sign it";

/// As what a consent is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportAs {
    /// HL7 FHIR R4 `Bundle` with `Consent` and `Provenance`, JSON.
    Fhir,
    /// A JSON array of receipts in the shape of ISO/IEC TS 27560, one for each who signed or said yes aloud; each
    /// tells of its own person alone.
    Receipt,
    /// The exact text and who signed it, as plain text.
    Text,
    /// The exact text as a page for a browser.
    Html,
}

impl ExportAs {
    /// Every way.
    pub const ALL: &'static [Self] = &[Self::Fhir, Self::Receipt, Self::Text, Self::Html];

    /// The word of the command line and of the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Receipt => "receipt",
            Self::Text => "text",
            Self::Html => "html",
        }
    }

    /// The way a word stands for, if it is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Fhir => "fhir.json",
            Self::Receipt => "receipt.json",
            Self::Text => "txt",
            Self::Html => "html",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Fhir => "application/fhir+json",
            Self::Receipt => "application/json",
            Self::Text => "text/plain",
            Self::Html => "text/html",
        }
    }

    /// True where the words of the form themselves go along, and in them the names of those it was made for.
    const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Html)
    }
}

/// A consent to be handed out. The entry of it is durable.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it may be called: pseudonym and ending.
    pub file_name: String,
    /// `consent.exported`.
    pub seq: u64,
}

/// What a consent of another system says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedConsent {
    /// Its id there.
    pub id: Option<String>,
    /// Its status there.
    pub status: Option<String>,
    /// Of whom, as the other system refers to them. Nothing shows that it is this client.
    pub patient: Option<String>,
    /// When it was given, as written there.
    pub date: Option<String>,
    /// The purposes of ours it would permit now, were it one of ours.
    pub would_permit: Vec<Purpose>,
    /// The purposes it would not, and why, a clause each.
    pub why_not: Vec<(Purpose, Vec<String>)>,
}

/// Consents that were read from another system and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// `consent.imported`.
    pub seq: u64,
    /// Each consent of the document.
    pub consents: Vec<ImportedConsent>,
    /// What they are good for: [`OPENS_NOTHING`].
    pub opens: &'static str,
}

impl Practice {
    /// Hands out a consent as a file: the form named, else the newest that somebody signed, else the newest. Without
    /// `names`, people stand by pseudonym alone and the words of the form stay here.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for the form's text without names, and for receipts
    /// of a form nobody has said yes to.
    pub fn consent_export(
        &mut self,
        actor: &Actor,
        client: &str,
        consent: Option<&str>,
        as_: ExportAs,
        names: bool,
        models: &dyn Models,
    ) -> Result<Exported, PracticeError> {
        let client = self.allow_client(actor, Act::MakeForm, client)?;
        if as_.is_text() && !names {
            return Err(PracticeError::BadRequest(
                "the words of the form hold the names of those it was made for: export it with names, or without them as fhir or receipt"
                    .to_owned(),
            ));
        }
        let client = self.client(actor, client.as_str())?;
        let events = self.consent_events(actor, &client.client)?;
        let form = chosen(&events, consent)?;
        let bytes = match as_ {
            ExportAs::Fhir => pretty(&self.fhir_bundle(actor, &client, form, &events, names, models)?)?,
            ExportAs::Receipt => pretty(&self.receipts(actor, &client, form, &events, names)?)?,
            ExportAs::Text => {
                let signed = Signed { form, events: &events, clinician: &self.record(actor)?.clinician };
                plain_copy(&signed, &self.log.checkpoint()?).into_bytes()
            }
            ExportAs::Html => html_page(&blocks(&form.text), &form.lang).into_bytes(),
        };
        let file = self.file_group(&client.client)?;
        let sealed = self.seal_bytes(actor, &file, "export", as_.media_type(), &bytes)?;
        let entry = self
            .entry(actor, Kind::ConsentExported)
            .refer("client", &client.client)
            .refer("consent", &form.consent)
            .fact("as", Fact::Text(as_.as_str().to_owned()))
            .fact("names", Fact::Flag(names))
            .payload(sealed);
        let file_name = format!("{}.{}", form.consent, as_.ending());
        let seq = self.append_one(actor, entry)?;
        Ok(Exported { bytes, file_name, seq })
    }

    /// The receipts of a form, one for each who said yes under it, as pretty JSON: an array. No entry: part of
    /// printing the form, which is one.
    ///
    /// # Errors
    /// As [`Practice::consent_export`].
    pub fn consent_receipts(
        &mut self,
        actor: &Actor,
        form: &ConsentForm,
        names: bool,
    ) -> Result<String, PracticeError> {
        self.allow_client(actor, Act::MakeForm, form.client.as_str())?;
        let client = self.client(actor, form.client.as_str())?;
        let events = self.consent_events(actor, &client.client)?;
        let bytes = pretty(&self.receipts(actor, &client, form, &events, names)?)?;
        String::from_utf8(bytes).map_err(|error| PracticeError::Print(error.to_string()))
    }

    /// Reads the consents of a FHIR R4 document, keeps the document with the client's file, and tells what each would
    /// permit. It never opens the gate.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a document that is too large, no JSON, or holds no consent; nothing is kept
    /// of it.
    pub fn consent_import(&mut self, actor: &Actor, client: &str, bytes: &[u8]) -> Result<Imported, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let client = self.client(actor, client)?;
        let found = fhir::read(bytes).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let now = self.clock.now();
        let consents: Vec<ImportedConsent> = found.iter().map(|one| judged(one, now)).collect();
        let file = self.file_group(&client.client)?;
        let sealed = self.seal_bytes(actor, &file, "import", ExportAs::Fhir.media_type(), bytes)?;
        let entry = self
            .entry(actor, Kind::ConsentImported)
            .refer("client", &client.client)
            .fact("as", Fact::Text(ExportAs::Fhir.as_str().to_owned()))
            .fact("consents", Fact::Number(i64::try_from(consents.len()).unwrap_or(i64::MAX)))
            .payload(sealed);
        let seq = self.append_one(actor, entry)?;
        Ok(Imported { seq, consents, opens: OPENS_NOTHING })
    }

    fn fhir_bundle(
        &self,
        actor: &Actor,
        client: &Client,
        form: &ConsentForm,
        events: &[ConsentEvent],
        names: bool,
        models: &dyn Models,
    ) -> Result<Value, PracticeError> {
        let configured = self.configured(actor, models)?;
        let record = ConsentRecord::of(events);
        let found = self.judge(&configured, client, &SessionTerms::default(), events, &record, &form.purposes)?;
        let export = fhir::Export { practice: &configured.practice.name, names, text: names, now: self.clock.now() };
        Ok(fhir::bundle(form, &newest_grants(events, form), &found, &export))
    }

    fn receipts(
        &self,
        actor: &Actor,
        client: &Client,
        form: &ConsentForm,
        events: &[ConsentEvent],
        names: bool,
    ) -> Result<Value, PracticeError> {
        let practice = self.record(actor)?;
        let controller =
            Controller { name: &practice.name, address: NOT_GIVEN, contact: NOT_GIVEN, state: &practice.state };
        let said_yes = |person: &&Participant| {
            events.iter().any(|event| match event {
                ConsentEvent::Granted(grant) => grant.consent == form.consent && grant.participant == person.id,
                ConsentEvent::Spoken(verbal) => verbal.consent == form.consent && verbal.participant == person.id,
                _ => false,
            })
        };
        let now = self.clock.now();
        let all: Vec<Value> = form
            .participants
            .iter()
            .filter(said_yes)
            .map(|person| receipt(form, person, events, &controller, &client.state, names, now))
            .collect();
        if all.is_empty() {
            return Err(PracticeError::BadRequest(format!(
                "nobody has said yes under the form {}, so there is no receipt of it: a receipt is made once somebody has signed",
                form.consent
            )));
        }
        Ok(Value::Array(all))
    }
}

/// The form asked for, or the one that says most about today.
fn chosen<'a>(events: &'a [ConsentEvent], asked: Option<&str>) -> Result<&'a ConsentForm, PracticeError> {
    let forms = || {
        events.iter().rev().filter_map(|event| match event {
            ConsentEvent::Requested(form) => Some(form),
            _ => None,
        })
    };
    if let Some(id) = asked {
        return forms().find(|form| form.consent.as_str() == id.trim()).ok_or_else(|| PracticeError::NotFound {
            what: "consent form",
            id: id.chars().filter(|c| !c.is_control()).take(40).collect(),
            list: "consent status CLIENT",
        });
    }
    let signed: BTreeSet<_> = events
        .iter()
        .filter_map(|event| match event {
            ConsentEvent::Granted(grant) => Some(&grant.consent),
            _ => None,
        })
        .collect();
    forms().find(|form| signed.contains(&form.consent)).or_else(|| forms().next()).ok_or_else(|| {
        PracticeError::BadRequest(
            "there is no form of this client yet: make one with `provenote consent form`".to_owned(),
        )
    })
}

/// The newest signature of each participant under a form.
fn newest_grants(events: &[ConsentEvent], form: &ConsentForm) -> Vec<Grant> {
    let mut grants: Vec<Grant> = Vec::new();
    for event in events {
        if let ConsentEvent::Granted(grant) = event
            && grant.consent == form.consent
        {
            grants.retain(|earlier| earlier.participant != grant.participant);
            grants.push(grant.clone());
        }
    }
    grants
}

fn pretty(value: &Value) -> Result<Vec<u8>, PracticeError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| PracticeError::Print(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The longest text of another system that is shown, in characters.
const LONGEST_SHOWN: usize = 200;

/// A stranger's text, made fit for a screen.
fn shown(text: &str) -> String {
    // Controls, and marks that turn the direction of writing (Unicode Standard Annex #9).
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
    text.chars().filter(|c| !c.is_control() && !turns(*c)).take(LONGEST_SHOWN).collect()
}

fn judged(foreign: &Foreign, now: Time) -> ImportedConsent {
    let mut would_permit = Vec::new();
    let mut why_not = Vec::new();
    for purpose in Purpose::ALL {
        match foreign.permits(*purpose, now) {
            Permit::Yes => would_permit.push(*purpose),
            Permit::No { why } => why_not.push((*purpose, why.iter().map(|one| shown(one)).collect())),
        }
    }
    let text = |value: &Option<String>| value.as_deref().map(shown);
    ImportedConsent {
        id: text(&foreign.id),
        status: text(&foreign.status),
        patient: text(&foreign.patient),
        date: text(&foreign.date),
        would_permit,
        why_not,
    }
}
