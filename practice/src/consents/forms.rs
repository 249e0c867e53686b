//! Forms: made on a template from today's facts, kept word for word, and the short ones that tell only what is new.

use provenote_access::Act;
use provenote_consent::acts::{FormRecord, Word};
use provenote_consent::{
    FormContext, Particulars, Record as ConsentRecord, Step, check_frozen, render_form, template_digest,
};
use provenote_ledger::{Fact, Header};
use provenote_schemas::consent::{ConsentForm, Grant, Signature};
use provenote_schemas::people::Client;
use provenote_schemas::{ConsentId, Digest, Kind, Purpose};
use provenote_templates::{Shelf, Template};

use super::facts::Configured;
use super::{FormMade, FormRequest, SessionTerms, SignedGrant};
use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::ports::Models;

/// The template where none is named.
const USUAL: &str = "ai-notes";

/// The reference by which a form's entry names its template.
const TEMPLATE: &str = "template";

/// The template of the short form.
const SHORT: &str = "amendment";

impl Practice {
    /// Makes a form for a client from today's facts; what was shown is kept word for word.
    ///
    /// # Errors
    /// [`PracticeError::Form`] for a template or language there is none of, a template that people were shown in other
    /// words before, or a form with blanks.
    pub fn consent_form(
        &mut self,
        actor: &Actor,
        request: &FormRequest<'_>,
        shelf: &Shelf,
        models: &dyn Models,
    ) -> Result<FormMade, PracticeError> {
        self.allow_client(actor, Act::MakeForm, request.client)?;
        let client = self.client(actor, request.client)?;
        let template = found(shelf, request.template.unwrap_or(USUAL), request.lang)?;
        if template.asks_for("amends") {
            return Err(PracticeError::Form(format!(
                "the template {} is for what is new since a form was signed: `provenote consent amend {}` makes it",
                template.name(),
                client.client
            )));
        }
        let configured = self.configured(actor, models)?;
        self.make_form(actor, client, template, request.particulars.clone(), &configured)
    }

    /// Makes the short forms for a client, one for each form that was signed and is stale by a change of the facts
    /// alone. None where nothing is, or where the short form is made already and waits for its signatures.
    ///
    /// # Errors
    /// As [`Practice::consent_form`].
    pub fn consent_amendments(
        &mut self,
        actor: &Actor,
        client: &str,
        shelf: &Shelf,
        models: &dyn Models,
    ) -> Result<Vec<FormMade>, PracticeError> {
        self.allow_client(actor, Act::MakeForm, client)?;
        let client = self.client(actor, client)?;
        let configured = self.configured(actor, models)?;
        let events = self.consent_events(actor, &client.client)?;
        let mut bases: Vec<ConsentId> = Vec::new();
        let record = ConsentRecord::of(&events);
        // Purpose by purpose: that somebody said no to one does not keep another from being asked again.
        for purpose in signed_purposes(&client, &record) {
            let standing = self.judge(&configured, &client, &SessionTerms::default(), &events, &record, &[purpose])?;
            for step in standing.next {
                if let Step::Amend { consent, .. } = step
                    && !bases.contains(&consent)
                {
                    bases.push(consent);
                }
            }
        }
        let mut made = Vec::new();
        for base in bases {
            let Some(form) = events.iter().find_map(|event| match event {
                provenote_consent::ConsentEvent::Requested(form) if form.consent == base => Some(form.clone()),
                _ => None,
            }) else {
                continue;
            };
            let template = found(shelf, SHORT, &form.lang)?;
            let mut asked = client.clone();
            // An amendment asks nobody whom the form it amends did not ask.
            asked
                .participants
                .retain(|person| form.participants.iter().any(|one| one.id == person.id && one.role == person.role));
            let particulars = Particulars { amends: Some(Box::new(form)), ..Particulars::default() };
            made.push(self.make_form(actor, asked, template, particulars, &configured)?);
        }
        Ok(made)
    }

    fn make_form(
        &mut self,
        actor: &Actor,
        client: Client,
        template: &Template,
        particulars: Particulars,
        configured: &Configured<'_>,
    ) -> Result<FormMade, PracticeError> {
        let digest = template_digest(template);
        if let Some(shown) = self.shown_template(&template.name(), template.lang())? {
            check_frozen(template, &shown).map_err(|error| PracticeError::Form(error.to_string()))?;
        }
        let made = self.clock.now();
        let practice = configured.practice.clone();
        let context = FormContext {
            consent: self.random_id(ConsentId::from_random),
            practice: practice.name.clone(),
            clinician: practice.clinician.clone(),
            license: practice.license.clone(),
            state: client.state.clone(),
            clinician_state: Some(practice.state.clone()),
            facts: configured.facts(&client.state)?,
            client,
            made,
            expires: made.plus_days(configured.settings.consent_days),
            particulars,
        };
        let form = render_form(template, &context).map_err(|error| PracticeError::Form(error.to_string()))?;
        let file = self.file_group(&form.client)?;
        let record = self.seal_record(actor, &file, "form", &form)?;
        let mut entry = self
            .entry(actor, Kind::ConsentRequested)
            .refer("client", &form.client)
            .refer("consent", &form.consent)
            .refer(TEMPLATE, indexed(&form.template, &form.lang))
            .fact("template", Fact::Text(form.template.clone()))
            .fact("template_sha256", Fact::Text(digest.to_string()))
            .fact("lang", Fact::Text(form.lang.clone()))
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()))
            .fact("disclosure_digest", Fact::Text(form.disclosure_digest.to_string()))
            .fact("expires", Fact::Number(form.expires.millis()));
        for purpose in &form.purposes {
            entry = entry.fact(&format!("purpose.{purpose}"), Fact::Flag(true));
        }
        if let Some(base) = &form.amends {
            entry = entry.refer("amends", base);
        }
        let seq = self.append_one(actor, entry.payload(record))?;
        Ok(FormMade { form, seq, practice })
    }

    /// The digest of the template that people were shown first under this name and language.
    pub(super) fn shown_template(&self, name: &str, lang: &str) -> Result<Option<Digest>, PracticeError> {
        let first = self.one(Kind::ConsentRequested, &[(TEMPLATE, &indexed(name, lang))])?;
        Ok(first.as_ref().and_then(template_of))
    }

    /// Records that a PDF of a form is handed out, and keeps the PDF; before the file is written.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then no file may be written either.
    pub fn consent_printed(
        &mut self,
        actor: &Actor,
        form: &ConsentForm,
        signed: bool,
        pdf: &[u8],
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::MakeForm, form.client.as_str())?;
        let file = self.file_group(&form.client)?;
        let sealed = self.seal_bytes(actor, &file, "pdf", "application/pdf", pdf)?;
        let entry = self
            .entry(actor, Kind::ConsentPrinted)
            .refer("client", &form.client)
            .refer("consent", &form.consent)
            .fact("signed", Fact::Flag(signed))
            .payload(sealed);
        self.append_one(actor, entry)
    }

    /// Every form made for a client, with its entry, in order.
    pub(crate) fn forms_of(&self, actor: &Actor, client: &Client) -> Result<Vec<(Header, ConsentForm)>, PracticeError> {
        self.headers(Kind::ConsentRequested, &[("client", client.client.as_str())])?
            .into_iter()
            .map(|header| {
                let form = self.open_record(actor, &header, "form", "consent form")?;
                Ok((header, form))
            })
            .collect()
    }

    /// Every signature under a form, the newest of each participant.
    pub(crate) fn grants_under(&self, actor: &Actor, form: &ConsentForm) -> Result<Vec<SignedGrant>, PracticeError> {
        let mut grants: Vec<SignedGrant> = Vec::new();
        for header in self.headers(Kind::ConsentGranted, &[("consent", form.consent.as_str())])? {
            let grant: Grant = self.open_record(actor, &header, "grant", "signature")?;
            let picture = match grant.signature {
                Signature::Drawn { .. } => Some(self.open_bytes(actor, &header, "signature", "drawn signature")?),
                _ => None,
            };
            grants.retain(|(earlier, _)| earlier.participant != grant.participant);
            grants.push((grant, picture));
        }
        Ok(grants)
    }
}

/// A template and language as the ledger's index finds them: `ai-notes@2.en`.
fn indexed(template: &str, lang: &str) -> String {
    format!("{template}.{lang}")
}

/// The digest of the template a form was made on.
pub(super) fn template_of(header: &Header) -> Option<Digest> {
    header.facts.get("template_sha256").and_then(fact_text).and_then(|text| text.parse().ok())
}

fn found<'s>(shelf: &'s Shelf, id: &str, lang: &str) -> Result<&'s Template, PracticeError> {
    shelf.find(id, lang).map_err(|error| PracticeError::Form(error.to_string()))
}

/// The purposes for which somebody of the file has signed, and not taken it back.
pub(super) fn signed_purposes(client: &Client, record: &ConsentRecord) -> Vec<Purpose> {
    let signed = |purpose: &Purpose| {
        client
            .participants
            .iter()
            .any(|person| record.stand(&person.id, *purpose).is_some_and(|stand| matches!(stand.word, Word::Signed(_))))
    };
    Purpose::ALL.iter().copied().filter(signed).collect()
}

/// Whether a later form takes the place of another that is not signed yet: of the same language, for everything the
/// other is for, of the same kind.
pub(super) fn supersedes(later: &FormRecord, later_lang: &str, form: &ConsentForm) -> bool {
    later.amends == form.amends
        && later_lang == form.lang
        && form.purposes.iter().all(|purpose| later.purposes.contains(purpose))
}
