//! Consent: the form from today's facts, signatures, withdrawal, and the gate.

use std::collections::BTreeSet;

use provenote_access::Act;
use provenote_consent::gate::{self, Decision};
use provenote_consent::pictures::{Scan, check_drawn, check_scan};
use provenote_consent::{
    ConsentEvent, FactsBook, FormContext, Modality, Particulars, Policy, Question, Record as ConsentRecord, Room,
    Standing, State, Today, check_signature, disclosure_digest, note_retention, purposes_needed, render_form,
    rules_for,
};
use provenote_ledger::{Fact, Header};
use provenote_schemas::consent::{ConsentForm, Discussion, Evidence, Grant, Refusal, Signature, Withdrawal};
use provenote_schemas::disclosure::{DisclosureFacts, Isolation, ModelFact, Place, RetentionFacts};
use provenote_schemas::people::{Client, Participant};
use provenote_schemas::{ClientId, ConsentId, Digest, Kind, Time};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::ports::Models;
use crate::settings::Settings;
use crate::setup::PracticeRecord;

/// A signature as the edge took it: the act, and the picture or scan behind it.
#[derive(Debug, Clone)]
pub enum SignatureTaken {
    /// The participant typed their name.
    Typed(String),
    /// The participant drew; PNG bytes.
    Drawn(Vec<u8>),
    /// Signed paper, scanned; PDF bytes.
    Scan(Vec<u8>),
}

/// A participant who said no or took consent back; sealed under the client's file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Statement {
    /// What was said, in the words of who wrote it down.
    words: String,
}

/// A form that was made, and its entry.
#[derive(Debug, Clone)]
pub struct FormMade {
    /// The form.
    pub form: ConsentForm,
    /// `consent.requested`.
    pub seq: u64,
    /// The practice, for the printed head.
    pub practice: PracticeRecord,
}

/// A grant, and the picture of its signature where one was drawn.
pub type SignedGrant = (Grant, Option<Vec<u8>>);

/// A signature under a form, with all others under it so far.
#[derive(Debug, Clone)]
pub struct SignedForm {
    /// The form.
    pub form: ConsentForm,
    /// Every signature so far, with the picture where one was drawn.
    pub grants: Vec<SignedGrant>,
    /// The newest `consent.granted`.
    pub seq: u64,
    /// The practice, for the printed head.
    pub practice: PracticeRecord,
    /// The ledger's checkpoint that covers the signature.
    pub checkpoint: String,
}

/// A client's standing, for `consent status`.
#[derive(Debug, Clone)]
pub struct ClientStanding {
    /// Who.
    pub client: Client,
    /// What is in force, and why not.
    pub standing: Standing,
}

impl Practice {
    /// The facts a form tells today, read from settings and catalogue.
    ///
    /// # Errors
    /// [`PracticeError::Form`] where a model chosen is not in the catalogue.
    pub fn disclosure_facts(
        &self,
        settings: &Settings,
        models: &dyn Models,
        state: &str,
    ) -> Result<DisclosureFacts, PracticeError> {
        let fact = |id: &str| -> Result<ModelFact, PracticeError> {
            models.fact(id).ok_or_else(|| {
                PracticeError::Form(format!(
                    "the settings name the model {id}, which the catalogue does not know: `provenote model list`"
                ))
            })
        };
        let (note_years, note_basis) = note_retention(state);
        Ok(DisclosureFacts {
            speech: fact(&settings.speech)?,
            voice_activity: Some(fact(&settings.voice_activity)?),
            drafting: settings.drafting.iter().map(|id| fact(id)).collect::<Result<_, _>>()?,
            place: Place::ThisComputer,
            isolation: if settings.allow_no_sandbox { Isolation::Overridden } else { Isolation::Enforced },
            processors: Vec::new(),
            vendors: Vec::new(),
            backups: Vec::new(),
            gateways: Vec::new(),
            retention: RetentionFacts {
                audio_days: settings.audio_days,
                transcript_days: settings.working_days,
                prompts_days: settings.working_days,
                drafts_days: settings.working_days,
                note_years,
                note_basis,
            },
        })
    }

    /// Makes the form for a client from today's facts; what was shown is kept word for word.
    ///
    /// # Errors
    /// [`PracticeError::Form`] for a language there is no template in, or a form with blanks.
    pub fn consent_form(
        &mut self,
        actor: &Actor,
        client: &str,
        lang: &str,
        models: &dyn Models,
    ) -> Result<FormMade, PracticeError> {
        actor.authorise(Act::MakeForm)?;
        let client = self.client(actor, client)?;
        let practice = self.record(actor)?;
        let settings = self.settings()?;
        let facts = self.disclosure_facts(&settings, models, &client.state)?;
        let made = self.clock.now();
        let template = provenote_templates::bundled("ai-notes", lang).ok_or_else(|| {
            PracticeError::Form(format!(
                "there is no consent form in `{}` yet: use --lang en",
                lang.chars().take(20).collect::<String>()
            ))
        })?;
        let context = FormContext {
            consent: self.random_id(ConsentId::from_random),
            practice: practice.name.clone(),
            clinician: practice.clinician.clone(),
            license: practice.license.clone(),
            state: client.state.clone(),
            client: client.clone(),
            facts,
            made,
            expires: made.plus_days(settings.consent_days),
            clinician_state: Some(practice.state.clone()),
            particulars: Particulars::default(),
        };
        let form = render_form(template, &context).map_err(|error| PracticeError::Form(error.to_string()))?;
        let file = self.file_group(&client.client)?;
        let record = self.seal_record(actor, &file, "form", &form)?;
        let entry = self
            .entry(actor, Kind::ConsentRequested)
            .refer("client", &client.client)
            .refer("consent", &form.consent)
            .fact("template", Fact::Text(form.template.clone()))
            .fact("lang", Fact::Text(form.lang.clone()))
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()))
            .fact("disclosure_digest", Fact::Text(form.disclosure_digest.to_string()))
            .payload(record);
        let seq = self.append_one(actor, entry)?;
        Ok(FormMade { form, seq, practice })
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
        actor.authorise(Act::MakeForm)?;
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

    /// Takes a participant's signature under the client's newest form.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where there is no form, the form no longer tells today's facts, nobody of
    /// that name takes part, the name typed is another's, or the picture is none.
    pub fn consent_sign(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        taken: SignatureTaken,
        models: &dyn Models,
    ) -> Result<SignedForm, PracticeError> {
        actor.authorise(Act::TakeSignature)?;
        let client = self.client(actor, client)?;
        let practice = self.record(actor)?;
        let person = participant_named(&client, participant)?;
        let form = self.newest_form(actor, &client)?.ok_or_else(|| {
            PracticeError::BadRequest(format!(
                "nothing was shown to sign yet: make the form first with `provenote consent form {}`",
                client.client
            ))
        })?;
        let now = self.clock.now();
        let today = self.disclosure_facts(&self.settings()?, models, &client.state)?;
        if disclosure_digest(&today) != form.disclosure_digest {
            return Err(PracticeError::BadRequest(format!(
                "the form no longer tells how the pipeline is set up today: make a new one with `provenote consent form {}`",
                client.client
            )));
        }
        if form.expires <= now {
            return Err(PracticeError::BadRequest(format!(
                "the form has expired: make a new one with `provenote consent form {}`",
                client.client
            )));
        }
        if !form.participants.contains(&person) {
            return Err(PracticeError::BadRequest(
                "that person does not stand on the newest form: make a new one".to_owned(),
            ));
        }
        let (signature, attachment) = read_signature(taken)?;
        check_signature(&person, &practice.clinician, &signature)
            .map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let grant = Grant {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            intent: provenote_consent::INTENT.to_owned(),
            signature,
            time: now,
            evidence: Evidence::default(),
        };
        let file = self.file_group(&client.client)?;
        let mut entry = self
            .entry(actor, Kind::ConsentGranted)
            .refer("client", &client.client)
            .refer("consent", &form.consent)
            .refer("participant", &person.id)
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()))
            .fact("disclosure_digest", Fact::Text(form.disclosure_digest.to_string()))
            .fact("how", Fact::Text(how(&grant.signature).to_owned()));
        for purpose in &form.purposes {
            entry = entry.fact(&format!("purpose.{purpose}"), Fact::Flag(true));
        }
        entry = entry.payload(self.seal_record(actor, &file, "grant", &grant)?);
        if let Some((media_type, bytes)) = &attachment {
            entry = entry.payload(self.seal_bytes(actor, &file, "signature", media_type, bytes)?);
        }
        let seq = self.append_one(actor, entry)?;
        let grants = self.grants_under(actor, &form)?;
        let checkpoint = self.log.checkpoint()?;
        Ok(SignedForm { form, grants, seq, practice, checkpoint })
    }

    /// Records that the form was talked through aloud.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where there is no form yet or nobody of that name takes part.
    pub fn consent_discuss(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        summary: &str,
    ) -> Result<u64, PracticeError> {
        self.consent_statement(actor, client, participant, summary, Kind::ConsentDiscussed)
    }

    /// Records that a participant said no.
    ///
    /// # Errors
    /// As [`Practice::consent_discuss`].
    pub fn consent_decline(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        words: &str,
    ) -> Result<u64, PracticeError> {
        self.consent_statement(actor, client, participant, words, Kind::ConsentDeclined)
    }

    /// Records that a participant takes consent back. It holds from this entry on.
    ///
    /// # Errors
    /// As [`Practice::consent_discuss`].
    pub fn consent_revoke(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        words: &str,
    ) -> Result<u64, PracticeError> {
        self.consent_statement(actor, client, participant, words, Kind::ConsentRevoked)
    }

    fn consent_statement(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        words: &str,
        kind: Kind,
    ) -> Result<u64, PracticeError> {
        actor.authorise(Act::TakeSignature)?;
        let client = self.client(actor, client)?;
        let person = participant_named(&client, participant)?;
        let newest = self.headers(Kind::ConsentRequested, &[("client", client.client.as_str())])?.pop();
        let mut entry = self.entry(actor, kind).refer("client", &client.client).refer("participant", &person.id);
        if let Some(header) = &newest {
            entry = entry.refer("consent", reference(header, "consent")?);
        }
        let file = self.file_group(&client.client)?;
        entry = entry.payload(self.seal_record(actor, &file, "statement", &Statement { words: words.to_owned() })?);
        self.append_one(actor, entry)
    }

    /// What is in force for a client, and why not; it names the client, so asking is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn consent_status(
        &mut self,
        actor: &Actor,
        client: &str,
        models: &dyn Models,
    ) -> Result<ClientStanding, PracticeError> {
        actor.authorise(Act::ViewConsent)?;
        let client = self.client(actor, client)?;
        let standing = self.standing(actor, &client, models)?;
        let entry = self.entry(actor, Kind::ClientViewed).refer("client", &client.client);
        self.append_one(actor, entry)?;
        Ok(ClientStanding { client, standing })
    }

    pub(crate) fn standing(
        &self,
        actor: &Actor,
        client: &Client,
        models: &dyn Models,
    ) -> Result<Standing, PracticeError> {
        let today = self.disclosure_facts(&self.settings()?, models, &client.state)?;
        let events = self.consent_events(actor, &client.client)?;
        let practice = self.record(actor)?;
        let state = |code: &str| State::parse(code).ok();
        let people: Vec<Option<State>> =
            client.participants.iter().map(|one| state(one.state.as_deref().unwrap_or(&client.state))).collect();
        // How a session was held is not recorded yet, and no policy can be set yet: the strictest of both.
        let (modality, policy) = (Modality::InPerson, Policy::default());
        let terms = rules_for(state(&practice.state), &people, modality).terms;
        let purposes = purposes_needed(modality, &today);
        let question = Question { room: Room::of(client), purposes: &purposes, terms, policy: &policy };
        let record = ConsentRecord::of(&events);
        Ok(provenote_consent::standing(
            &question,
            &record,
            &Today::new(&today, self.clock.now(), &FactsBook::of(&events)),
        ))
    }

    /// Asks the gate. A closed gate is an entry of its own kind before it is an answer.
    pub(crate) fn pass_gate(
        &mut self,
        actor: &Actor,
        client: &Client,
        models: &dyn Models,
        refusal: Kind,
        refs: &[(&str, &str)],
    ) -> Result<Vec<ConsentId>, PracticeError> {
        let standing = self.standing(actor, client, models)?;
        match gate::decide(&standing) {
            Decision::Open { consents } => Ok(consents),
            Decision::Closed { status, reasons } => {
                let mut entry = self
                    .entry(actor, refusal)
                    .refer("client", &client.client)
                    .fact("status", Fact::Text(status.to_string()));
                for (name, id) in refs {
                    entry = entry.refer(name, *id);
                }
                let seq = self.append_one(actor, entry)?;
                Err(PracticeError::Gate { client: client.client.to_string(), status, reasons: reasons.join("; "), seq })
            }
        }
    }

    /// What happened to a client's consent, in order.
    fn consent_events(&self, actor: &Actor, client: &ClientId) -> Result<Vec<ConsentEvent>, PracticeError> {
        let mut events = Vec::new();
        for header in self.headers_with("client", client.as_str())? {
            let time = Time::from_millis(header.time);
            let event = match Kind::from_word(&header.kind) {
                Some(Kind::ConsentRequested) => {
                    ConsentEvent::Requested(self.open_record(actor, &header, "form", "consent form")?)
                }
                Some(Kind::ConsentGranted) => {
                    ConsentEvent::Granted(self.open_record(actor, &header, "grant", "signature")?)
                }
                Some(Kind::ConsentDeclined) => ConsentEvent::Declined(Refusal {
                    participant: participant_of(&header)?,
                    purposes: BTreeSet::new(),
                    time,
                }),
                Some(Kind::ConsentRevoked) => ConsentEvent::Revoked(Withdrawal {
                    participant: participant_of(&header)?,
                    purposes: BTreeSet::new(),
                    time,
                }),
                Some(Kind::ConsentDiscussed) => ConsentEvent::Discussed(Discussion {
                    participant: participant_of(&header)?,
                    consent: None,
                    by: None,
                    summary: String::new(),
                    questions: Vec::new(),
                    time,
                }),
                _ => continue,
            };
            events.push(event);
        }
        Ok(events)
    }

    fn newest_form(&self, actor: &Actor, client: &Client) -> Result<Option<ConsentForm>, PracticeError> {
        self.headers(Kind::ConsentRequested, &[("client", client.client.as_str())])?
            .last()
            .map(|header| self.open_record(actor, header, "form", "consent form"))
            .transpose()
    }

    /// Every signature under a form, the newest of each participant.
    fn grants_under(&self, actor: &Actor, form: &ConsentForm) -> Result<Vec<SignedGrant>, PracticeError> {
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

    pub(crate) fn file_group(&self, client: &ClientId) -> Result<String, PracticeError> {
        reference(&self.client_header(client)?, "file").map(str::to_owned)
    }

    pub(crate) fn notes_group(&self, client: &ClientId) -> Result<String, PracticeError> {
        reference(&self.client_header(client)?, "notes").map(str::to_owned)
    }
}

fn participant_of(header: &Header) -> Result<provenote_schemas::ParticipantId, PracticeError> {
    reference(header, "participant")?.parse().map_err(|error: provenote_schemas::ids::BadId| {
        PracticeError::Unreadable { seq: header.seq, what: "reference", why: error.to_string() }
    })
}

fn participant_named(client: &Client, asked: &str) -> Result<Participant, PracticeError> {
    let wanted = asked.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    client
        .participants
        .iter()
        .find(|person| person.id.as_str() == asked || person.name.to_lowercase() == wanted)
        .cloned()
        .ok_or_else(|| {
            PracticeError::BadRequest(format!(
                "nobody of that name takes part: `provenote client show {}` lists who does",
                client.client
            ))
        })
}

fn how(signature: &Signature) -> &'static str {
    match signature {
        Signature::Typed { .. } => "typed",
        Signature::Drawn { .. } => "drawn",
        Signature::Scan { .. } | Signature::Photo { .. } => "scan",
    }
}

type Attachment = (&'static str, Vec<u8>);

/// Looks at a picture or scan, and takes its digest.
fn read_signature(taken: SignatureTaken) -> Result<(Signature, Option<Attachment>), PracticeError> {
    let refused = |error: provenote_consent::pictures::PictureError| PracticeError::BadRequest(error.to_string());
    match taken {
        SignatureTaken::Typed(name) => Ok((Signature::Typed { name }, None)),
        SignatureTaken::Drawn(png) => {
            check_drawn(&png).map_err(refused)?;
            Ok((Signature::Drawn { png_sha256: Digest::of(&png) }, Some(("image/png", png))))
        }
        SignatureTaken::Scan(bytes) => {
            let scan = check_scan(&bytes).map_err(refused)?;
            let digest = Digest::of(&bytes);
            let signature = match scan {
                Scan::Pdf => Signature::Scan { pdf_sha256: digest },
                Scan::Png | Scan::Jpeg => Signature::Photo { image_sha256: digest },
            };
            Ok((signature, Some((scan.media_type(), bytes))))
        }
    }
}
