//! Consent: the form from today's facts, what people did about it, and the gate.
//!
//! - facts: what the pipeline is today, read from settings, catalogue and the practice's own records;
//! - forms: made on a shelf's template, kept word for word; short forms for what changed;
//! - acts: offered, discussed, signed, said aloud, declined;
//! - status: what is in force, for one client and for all, and the gate;
//! - exchange: what leaves as a file, the client's plain copy among it, and what comes in from other systems.

mod acts;
mod copy;
mod exchange;
mod facts;
mod forms;
mod status;

pub(crate) use acts::purposes as purpose_facts;
pub use exchange::{ExportAs, Exported, Imported, ImportedConsent, OPENS_NOTHING};
pub use status::OnClient;
pub(crate) use status::{in_the_room, purposes_of as named_purposes};

use std::collections::BTreeSet;

use provenote_consent::{Modality, Particulars, Standing};
use provenote_schemas::consent::{ConsentForm, Evidence, Grant};
use provenote_schemas::people::{Client, Participant};
use provenote_schemas::{ParticipantId, Purpose};

use crate::error::PracticeError;
use crate::setup::PracticeRecord;

/// The longest text that is taken of what somebody said, in characters.
pub(crate) const LONGEST_WORDS: usize = 20_000;

/// A form to be made.
#[derive(Debug, Clone)]
pub struct FormRequest<'a> {
    /// The client, by id or whole name.
    pub client: &'a str,
    /// The template, with or without its version; `ai-notes` where none is named.
    pub template: Option<&'a str>,
    /// ISO 639-1 language.
    pub lang: &'a str,
    /// What some forms need besides.
    pub particulars: Particulars,
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

/// A signature as the edge took it: the act, and the picture or scan behind it.
#[derive(Debug, Clone)]
pub enum SignatureTaken {
    /// The participant typed their name.
    Typed(String),
    /// The participant drew; PNG bytes.
    Drawn(Vec<u8>),
    /// Signed paper, scanned or photographed; PDF, PNG or JPEG bytes.
    Scan(Vec<u8>),
}

/// A signature to be taken.
#[derive(Debug, Clone)]
pub struct SignRequest<'a> {
    /// Who signs, by name or id.
    pub participant: &'a str,
    /// Which form; the newest that names them where none is given.
    pub consent: Option<&'a str>,
    /// The act.
    pub taken: SignatureTaken,
    /// What was noted beside it.
    pub evidence: Evidence,
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

/// A no to be recorded.
#[derive(Debug, Clone)]
pub struct NoRequest<'a> {
    /// Who, by name or id.
    pub participant: &'a str,
    /// For which purposes; for all of them when none is named.
    pub purposes: BTreeSet<Purpose>,
    /// What was said, in whose words whoever; may be empty.
    pub words: &'a str,
    /// They do not want the clinician's own dictation turned into text by a program either.
    pub no_dictation: bool,
}

/// A session as it is asked for: how it is held, and who is there.
#[derive(Debug, Clone, Copy)]
pub struct SessionAsked<'a> {
    /// How.
    pub modality: Modality,
    /// Who is present besides the client, by name or id; everybody of the file but guardians where nobody is named.
    pub present: &'a [String],
}

impl Default for SessionAsked<'_> {
    fn default() -> Self {
        Self { modality: Modality::InPerson, present: &[] }
    }
}

/// How a session is or was held, and who is or was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTerms {
    /// How.
    pub modality: Modality,
    /// Who; `None` for everybody of the file but guardians.
    pub present: Option<Vec<ParticipantId>>,
}

impl Default for SessionTerms {
    fn default() -> Self {
        Self { modality: Modality::InPerson, present: None }
    }
}

impl SessionTerms {
    /// Finds the people asked for in the client's file. The client is always among them: a session is a session of
    /// theirs, and nothing of it is kept without their yes.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where somebody named does not stand in the file.
    pub(crate) fn of(client: &Client, asked: &SessionAsked<'_>) -> Result<Self, PracticeError> {
        if asked.present.is_empty() {
            return Ok(Self { modality: asked.modality, present: None });
        }
        let named = asked.present.iter().map(|who| participant_named(client, who)).collect::<Result<Vec<_>, _>>()?;
        let client_role = provenote_schemas::people::ParticipantRole::Client;
        let present = client
            .participants
            .iter()
            .filter(|person| person.role == client_role || named.iter().any(|one| one.id == person.id))
            .map(|person| person.id.clone())
            .collect();
        Ok(Self { modality: asked.modality, present: Some(present) })
    }
}

/// A client's standing, for `consent status`.
#[derive(Debug, Clone)]
pub struct ClientStanding {
    /// Who.
    pub client: Client,
    /// What is in force, and why not. No name stands in it.
    pub standing: Standing,
    /// For which session it was asked.
    pub session: SessionTerms,
    /// How many entries there are about this client's consent.
    pub events: usize,
    /// The standing in plain words, with names in place of ids: for the actor's own screen.
    pub words: Vec<String>,
    /// What to do next in plain words, with names in place of ids.
    pub next: Vec<String>,
}

/// Somebody of the file, by id or whole name.
pub(crate) fn participant_named(client: &Client, asked: &str) -> Result<Participant, PracticeError> {
    client
        .participants
        .iter()
        .find(|person| person.id.as_str() == asked.trim())
        .or_else(|| client.participants.iter().find(|person| provenote_consent::people::same_name(&person.name, asked)))
        .cloned()
        .ok_or_else(|| {
            PracticeError::BadRequest(format!(
                "nobody of that name takes part: `provenote client show {}` lists who does",
                client.client
            ))
        })
}

/// Words somebody said, as they are kept.
pub(crate) fn checked_words(what: &str, given: &str) -> Result<String, PracticeError> {
    let words = given.trim();
    if words.chars().count() > LONGEST_WORDS {
        return Err(PracticeError::BadRequest(format!(
            "{what} is longer than {LONGEST_WORDS} characters: write down what matters for the consent"
        )));
    }
    Ok(words.to_owned())
}
