//! What people did about a form: it was put before them, talked through, signed, said yes to aloud, declined.
//!
//! Each act is kept as its whole record, sealed; the words somebody said stand sealed beside it. The header carries who
//! (by pseudonym), which form, and for which purposes.

use std::collections::BTreeSet;

use provenote_access::Act;
use provenote_consent::acts::{Flaw, FormRecord, Talk, Word};
use provenote_consent::pictures::{PictureError, Scan, check_drawn, check_scan};
use provenote_consent::{ConsentEvent, Record as ConsentRecord, check_signature, compare, intent};
use provenote_ledger::{Fact, NewEntry};
use provenote_schemas::consent::{ConsentForm, Discussion, Evidence, Grant, Offer, Refusal, Signature, Verbal};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{ConsentId, Digest, Kind, Purpose, Time};
use serde::Serialize;

use super::forms::{supersedes, template_of};
use super::{NoRequest, SignRequest, SignatureTaken, SignedForm, checked_words, participant_named};
use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::ports::Models;

/// The longest note on device, identity or authority, in characters.
const LONGEST_EVIDENCE: usize = 500;

impl Practice {
    /// Records that the newest form was put before a participant; by the actor where nobody else is named.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where nobody of that name takes part or no form names them.
    pub fn consent_offer(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        by: Option<&str>,
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let client = self.client(actor, client)?;
        let person = participant_named(&client, participant)?;
        let by = match by {
            Some(by) => provenote_consent::people::checked_name(by).map_err(refused)?,
            None => actor.user().to_string(),
        };
        let form = self.form_before(actor, &client, &person, None)?;
        let offer = Offer {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            by,
            time: self.clock.now(),
        };
        let entry = self
            .consent_entry(actor, Kind::ConsentOffered, &client, &person, Some(&form.consent))
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()));
        self.append_act(actor, &client, entry, ("offer", &offer), "")
    }

    /// Records that the form was talked through aloud, and what was asked. It opens nothing.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where nobody of that name takes part.
    pub fn consent_discuss(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        summary: &str,
        questions: &[String],
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let client = self.client(actor, client)?;
        let person = participant_named(&client, participant)?;
        let questions = questions
            .iter()
            .map(|question| checked_words("a question", question))
            .filter(|question| !matches!(question, Ok(words) if words.is_empty()))
            .collect::<Result<Vec<_>, _>>()?;
        let consent = self.newest_naming(actor, &client, &person)?;
        let discussion = Discussion {
            participant: person.id.clone(),
            consent: consent.clone(),
            by: Some(actor.user().to_string()),
            summary: checked_words("the summary", summary)?,
            questions,
            time: self.clock.now(),
        };
        let asked = i64::try_from(discussion.questions.len()).unwrap_or(i64::MAX);
        let entry = self
            .consent_entry(actor, Kind::ConsentDiscussed, &client, &person, consent.as_ref())
            .fact("questions", Fact::Number(asked));
        self.append_act(actor, &client, entry, ("discussion", &discussion), "")
    }

    /// Takes a participant's signature.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where there is no form, it was superseded, has expired, no longer tells today's facts
    /// or people, or is on a template that says something else today; where nobody of that name takes part, the name
    /// typed is another's, a guardian does not say by what right they sign an authorization, or the picture is none.
    pub fn consent_sign(
        &mut self,
        actor: &Actor,
        client: &str,
        request: SignRequest<'_>,
        models: &dyn Models,
    ) -> Result<SignedForm, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let client = self.client(actor, client)?;
        let practice = self.record(actor)?;
        let person = participant_named(&client, request.participant)?;
        let form = self.form_before(actor, &client, &person, request.consent)?;
        let now = self.clock.now();
        self.check_open(actor, &client, &person, &form, now, models)?;
        let evidence = checked_evidence(request.evidence, &person, &form)?;
        let (signature, attachment) = read_signature(request.taken)?;
        check_signature(&person, &practice.clinician, &signature).map_err(refused)?;
        let grant = Grant {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            intent: intent(&form.lang).to_owned(),
            signature,
            time: now,
            evidence,
        };
        self.check_counts(actor, &client, &form, &ConsentEvent::Granted(grant.clone()))?;
        let file = self.file_group(&client.client)?;
        let mut entry = self
            .consent_entry(actor, Kind::ConsentGranted, &client, &person, Some(&form.consent))
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()))
            .fact("disclosure_digest", Fact::Text(form.disclosure_digest.to_string()))
            .fact("how", Fact::Text(how(&grant.signature).to_owned()));
        entry = purposes(entry, &form.purposes);
        entry = entry.payload(self.seal_record(actor, &file, "grant", &grant)?);
        if let Some((media_type, bytes)) = &attachment {
            entry = entry.payload(self.seal_bytes(actor, &file, "signature", media_type, bytes)?);
        }
        let seq = self.append_one(actor, entry)?;
        let grants = self.grants_under(actor, &form)?;
        let checkpoint = self.log.checkpoint()?;
        Ok(SignedForm { form, grants, seq, practice, checkpoint })
    }

    /// Records the clinician's statement that a participant said yes aloud to the newest form. Weaker than a signature:
    /// only the practice's policy lets it open the gate, and never where a law asks for writing.
    ///
    /// # Errors
    /// As [`Practice::consent_sign`]; also where nothing is told of what was said, and after a no.
    pub fn consent_spoken(
        &mut self,
        actor: &Actor,
        client: &str,
        participant: &str,
        summary: &str,
        models: &dyn Models,
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let client = self.client(actor, client)?;
        let person = participant_named(&client, participant)?;
        let summary = checked_words("the summary", summary)?;
        if summary.is_empty() {
            return Err(PracticeError::BadRequest(
                "nothing is told of what was said: write down the person's words in the summary".to_owned(),
            ));
        }
        let form = self.form_before(actor, &client, &person, None)?;
        let now = self.clock.now();
        self.check_open(actor, &client, &person, &form, now, models)?;
        if form.amends.is_some() {
            return Err(PracticeError::BadRequest(format!(
                "a short form of what is new is signed, not said yes to: `provenote consent sign {}`",
                client.client
            )));
        }
        let verbal = Verbal {
            consent: form.consent.clone(),
            participant: person.id.clone(),
            text_sha256: form.text_sha256,
            disclosure_digest: form.disclosure_digest,
            by: actor.user().to_string(),
            summary,
            time: now,
        };
        self.check_counts(actor, &client, &form, &ConsentEvent::Spoken(verbal.clone()))?;
        let entry = self
            .consent_entry(actor, Kind::ConsentSpoken, &client, &person, Some(&form.consent))
            .fact("text_sha256", Fact::Text(form.text_sha256.to_string()))
            .fact("disclosure_digest", Fact::Text(form.disclosure_digest.to_string()));
        let entry = purposes(entry, &form.purposes);
        self.append_act(actor, &client, entry, ("verbal", &verbal), "")
    }

    /// Records that a participant said no, for some purposes or for all. It needs no form.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where nobody of that name takes part.
    pub fn consent_decline(
        &mut self,
        actor: &Actor,
        client: &str,
        request: &NoRequest<'_>,
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let (client, person) = self.somebody(actor, client, request.participant)?;
        let words = checked_words("what was said", request.words)?;
        let consent = self.newest_naming(actor, &client, &person)?;
        let refusal = Refusal {
            participant: person.id.clone(),
            purposes: request.purposes.clone(),
            no_dictation: request.no_dictation,
            time: self.clock.now(),
        };
        let entry = self.consent_entry(actor, Kind::ConsentDeclined, &client, &person, consent.as_ref());
        let entry = purposes(entry, &request.purposes);
        self.append_act(actor, &client, entry, ("refusal", &refusal), &words)
    }

    /// An entry about a participant's consent.
    pub(crate) fn consent_entry(
        &self,
        actor: &Actor,
        kind: Kind,
        client: &Client,
        person: &Participant,
        consent: Option<&ConsentId>,
    ) -> NewEntry {
        let entry = self.entry(actor, kind).refer("client", &client.client).refer("participant", &person.id);
        match consent {
            Some(consent) => entry.refer("consent", consent),
            None => entry,
        }
    }

    /// Seals an act's whole record under the client's file, and the words said beside it where there are any.
    pub(crate) fn append_act<T: Serialize>(
        &mut self,
        actor: &Actor,
        client: &Client,
        mut entry: NewEntry,
        (name, record): (&str, &T),
        words: &str,
    ) -> Result<u64, PracticeError> {
        let file = self.file_group(&client.client)?;
        entry = entry.payload(self.seal_record(actor, &file, name, record)?);
        if !words.is_empty() {
            entry = entry.payload(self.seal_bytes(actor, &file, "words", "text/plain", words.as_bytes())?);
        }
        self.append_one(actor, entry)
    }

    /// The newest form that names somebody, if there is one.
    pub(crate) fn newest_naming(
        &self,
        actor: &Actor,
        client: &Client,
        person: &Participant,
    ) -> Result<Option<ConsentId>, PracticeError> {
        let forms = self.forms_of(actor, client)?;
        let newest = forms.into_iter().rev().find(|(_, form)| form.participants.iter().any(|one| one.id == person.id));
        Ok(newest.map(|(_, form)| form.consent))
    }

    /// The form that somebody has before them: the one asked for, or the newest that names them.
    fn form_before(
        &self,
        actor: &Actor,
        client: &Client,
        person: &Participant,
        asked: Option<&str>,
    ) -> Result<ConsentForm, PracticeError> {
        let forms = self.forms_of(actor, client)?;
        let make = format!("`provenote consent form {}`", client.client);
        if forms.is_empty() {
            return Err(PracticeError::BadRequest(format!(
                "nothing was shown to sign yet: make the form first with {make}"
            )));
        }
        let names = |form: &ConsentForm| form.participants.iter().any(|one| one.id == person.id);
        match asked {
            Some(asked) => {
                let form = forms.into_iter().map(|(_, form)| form).find(|form| form.consent.as_str() == asked.trim());
                let form = form.ok_or_else(|| {
                    PracticeError::BadRequest(format!(
                        "there is no form {} of this client: leave the id out for the newest one, or make one with {make}",
                        asked.chars().take(40).collect::<String>()
                    ))
                })?;
                if names(&form) {
                    Ok(form)
                } else {
                    Err(PracticeError::BadRequest(format!(
                        "that person does not stand on the form {}: make a new one with {make}",
                        form.consent
                    )))
                }
            }
            None => forms.into_iter().rev().map(|(_, form)| form).find(names).ok_or_else(|| {
                PracticeError::BadRequest(format!(
                    "that person does not stand on the newest form: make a new one with {make}"
                ))
            }),
        }
    }

    /// Refuses a form that may no longer be agreed to.
    fn check_open(
        &self,
        actor: &Actor,
        client: &Client,
        person: &Participant,
        form: &ConsentForm,
        now: Time,
        models: &dyn Models,
    ) -> Result<(), PracticeError> {
        let make = match form.amends {
            Some(_) => format!("`provenote consent amend {}`", client.client),
            None => format!("`provenote consent form {}`", client.client),
        };
        let refused = |why: String| Err(PracticeError::BadRequest(why));
        let forms = self.forms_of(actor, client)?;
        let place = forms.iter().position(|(_, one)| one.consent == form.consent).unwrap_or_default();
        let later = forms.iter().skip(place + 1).map(|(_, later)| later);
        if let Some(later) = later.rev().find(|later| supersedes(&FormRecord::of(later), &later.lang, form)) {
            return refused(format!(
                "the form {} took the place of {}: go through the newer one, or make another with {make}",
                later.consent, form.consent
            ));
        }
        if form.expires <= now {
            return refused(format!("the form has expired: make a new one with {make}"));
        }
        let shown = self.shown_template(&form.template, &form.lang)?;
        if forms.get(place).and_then(|(header, _)| template_of(header)).is_some_and(|own| Some(own) != shown) {
            return refused(format!(
                "the form is on a template that says something else than the one people were shown under its name: make a new one with {make}"
            ));
        }
        let today = self.disclosure_facts(actor, &self.settings()?, models, &client.state)?;
        let changes = compare(&form.facts, &today);
        let told: Vec<&str> =
            changes.iter().filter(|change| change.ends(form.promise)).map(|change| change.words.as_str()).collect();
        if !told.is_empty() {
            return refused(format!(
                "the form no longer tells how the pipeline is set up today ({}): make a new one with {make}",
                told.join("; ")
            ));
        }
        let stands =
            |one: &Participant| form.participants.iter().any(|named| named.id == one.id && named.role == one.role);
        if !stands(person) || !form.participants.contains(person) {
            return refused(format!(
                "that person does not stand on the form as they stand in the file today: make a new one with {make}"
            ));
        }
        if asks_everybody(form) && form.amends.is_none() && !client.participants.iter().all(stands) {
            return refused(format!(
                "somebody has joined since whom the form does not name: make a new one with {make}"
            ));
        }
        Ok(())
    }

    /// Refuses a yes that would count for nothing, with the reason the record gives.
    fn check_counts(
        &self,
        actor: &Actor,
        client: &Client,
        form: &ConsentForm,
        act: &ConsentEvent,
    ) -> Result<(), PracticeError> {
        let record = ConsentRecord::of(&self.consent_events(actor, &client.client)?).after(act);
        let who = match act {
            ConsentEvent::Granted(grant) => &grant.participant,
            ConsentEvent::Spoken(verbal) => &verbal.participant,
            _ => return Ok(()),
        };
        for purpose in &form.purposes {
            let stand = record.stand(who, *purpose);
            let counts = stand.is_some_and(|stand| match act {
                ConsentEvent::Granted(_) => {
                    matches!(&stand.word, Word::Signed(yes) if yes.form.consent == form.consent)
                }
                _ => matches!(&stand.talk, Talk::Spoken(yes) if yes.form.consent == form.consent),
            });
            if counts {
                continue;
            }
            let flaw = stand.and_then(|stand| stand.passed_over);
            let what = match flaw {
                Some(Flaw::AmendsNothing) => "sign a whole form instead",
                Some(Flaw::BeforeTheNo) if matches!(act, ConsentEvent::Spoken(_)) => {
                    return Err(PracticeError::BadRequest(format!(
                        "this person has said no or taken it back: only their signature opens again, `provenote consent sign {}`",
                        client.client
                    )));
                }
                _ => "make a new form",
            };
            return Err(PracticeError::BadRequest(format!(
                "this would not count, since {}: {what}, `provenote consent form {}`",
                flaw.map_or("the form does not hold", Flaw::words),
                client.client
            )));
        }
        Ok(())
    }
}

/// Header facts that name purposes.
pub(crate) fn purposes<'p>(entry: NewEntry, purposes: impl IntoIterator<Item = &'p Purpose>) -> NewEntry {
    let each: BTreeSet<Purpose> = purposes.into_iter().copied().collect();
    each.into_iter().fold(entry, |entry, purpose| entry.fact(&format!("purpose.{purpose}"), Fact::Flag(true)))
}

/// True for a form that everybody who takes part is asked with; an authorization to disclose the client's own records
/// asks the client alone, and whoever answers for them.
fn asks_everybody(form: &ConsentForm) -> bool {
    let own = [Purpose::Part2Disclosure, Purpose::PsychotherapyNotesDisclosure];
    form.purposes.iter().any(|purpose| !own.contains(purpose))
}

fn refused(error: impl std::fmt::Display) -> PracticeError {
    PracticeError::BadRequest(error.to_string())
}

/// What was noted beside a signature. Under an authorization, whoever signs for somebody else says by what right (45 CFR
/// 164.508(c)(1)(vi)); under other forms it is noted where it was said.
fn checked_evidence(given: Evidence, person: &Participant, form: &ConsentForm) -> Result<Evidence, PracticeError> {
    let text = |what: &str, given: Option<String>| {
        let Some(given) = given else { return Ok(None) };
        let words = given.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.chars().count() > LONGEST_EVIDENCE {
            return Err(PracticeError::BadRequest(format!(
                "what is noted of the {what} is longer than {LONGEST_EVIDENCE} characters: say it shorter"
            )));
        }
        Ok(Some(words).filter(|words| !words.is_empty()))
    };
    let evidence = Evidence {
        device: text("device", given.device)?,
        identity: text("identity", given.identity)?,
        authority: text("authority", given.authority)?,
    };
    if person.role == ParticipantRole::Guardian && !asks_everybody(form) && evidence.authority.is_none() {
        return Err(PracticeError::BadRequest(
            "a parent or guardian signs an authorization for somebody else: say by what right with --authority, such as \"mother, joint custody\""
                .to_owned(),
        ));
    }
    Ok(evidence)
}

fn how(signature: &Signature) -> &'static str {
    match signature {
        Signature::Typed { .. } => "typed",
        Signature::Drawn { .. } => "drawn",
        Signature::Scan { .. } => "scan",
        Signature::Photo { .. } => "photo",
    }
}

type Attachment = (&'static str, Vec<u8>);

/// Looks at a picture or scan, its size first, and takes its digest.
fn read_signature(taken: SignatureTaken) -> Result<(Signature, Option<Attachment>), PracticeError> {
    let not_taken = |error: PictureError| refused(error);
    match taken {
        SignatureTaken::Typed(name) => Ok((Signature::Typed { name }, None)),
        SignatureTaken::Drawn(png) => {
            check_drawn(&png).map_err(not_taken)?;
            Ok((Signature::Drawn { png_sha256: Digest::of(&png) }, Some(("image/png", png))))
        }
        SignatureTaken::Scan(bytes) => {
            let scan = check_scan(&bytes).map_err(not_taken)?;
            let digest = Digest::of(&bytes);
            let signature = match scan {
                Scan::Pdf => Signature::Scan { pdf_sha256: digest },
                Scan::Png | Scan::Jpeg => Signature::Photo { image_sha256: digest },
            };
            Ok((signature, Some((scan.media_type(), bytes))))
        }
    }
}
