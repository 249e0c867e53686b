//! Drafts and notes: sections of sentences, each with what it rests on.

use serde::{Deserialize, Serialize};

use crate::encoding::Digest;
use crate::ids::{NoteId, SessionId, UserId};
use crate::time::Time;

/// Who wrote a sentence as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The model, unchanged.
    Model,
    /// The model, then changed by the clinician.
    Edited,
    /// The clinician alone.
    Clinician,
}

/// How well the cited segments carry a sentence; a deterministic check, not the model's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Something in the sentence contradicts the transcript or stands nowhere in it.
    Unsupported,
    /// Partly carried, or carried by other segments than those cited.
    Weak,
    /// Numbers, dates, doses, names, negation and speaker agree with the cited segments.
    Supported,
    /// Written by the clinician: not a matter of the recording.
    Clinician,
}

/// One sentence of a draft or note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// The words.
    pub text: String,
    /// Who wrote it.
    pub origin: Origin,
    /// The transcript segments it rests on, after realignment.
    pub segments: Vec<u32>,
    /// The mark.
    pub support: Support,
    /// Why the mark is not `supported`, one short clause each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// A section of a note format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The section's key in the format, such as `Subjective`.
    pub name: String,
    /// In reading order.
    pub sentences: Vec<Sentence>,
    /// What a recording cannot show and the clinician is asked to add, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_clinician: Option<String>,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// Suicide, or not wanting to live.
    Suicide,
    /// Harming oneself.
    SelfHarm,
    /// Harming others, or being threatened.
    Violence,
    /// Abuse or neglect of a child, an elder, a partner.
    Abuse,
}

/// Something said that must not be missing from a note unnoticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// `w1`, `w2` …
    pub id: String,
    /// What it is about.
    pub danger: Danger,
    /// Where it was said.
    pub segments: Vec<u32>,
    /// The words of the transcript.
    pub quote: String,
    /// True where the draft speaks of it, in a sentence that rests on these segments.
    pub in_draft: bool,
    /// The clinician's answer; attesting needs one wherever `in_draft` is false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// A sentence on consent that the model wrote and that was taken out of its draft: that is told by the practice's
/// records alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedClaim {
    /// The section it stood in.
    pub section: String,
    /// What the model wrote.
    pub text: String,
    /// What stays of it in the section; nothing where all of it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// True where something besides consent may have gone with it: the clinician should look.
    pub look: bool,
}

/// A sentence that stays, and may speak of consent to the session: the clinician should look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtfulClaim {
    /// The section it stands in.
    pub section: String,
    /// What it says.
    pub text: String,
}

/// The text of a note at one moment, sealed under the clinical key of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteText {
    /// The note.
    pub note: NoteId,
    /// The session it is of.
    pub session: SessionId,
    /// The format's id in capitals, such as `SOAP`.
    pub format: String,
    /// In the format's order.
    pub sections: Vec<Section>,
    /// What the clinician must answer.
    pub warnings: Vec<Warning>,
    /// The model's own sentences on consent, taken out before anybody read the draft.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<RemovedClaim>,
    /// Sentences that may be such, and stay.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<DoubtfulClaim>,
    /// What the practice's records say of consent at this moment, a sentence each; printed under a heading of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent_statement: Vec<String>,
}

/// How far a note has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    /// Nobody answers for it: it cannot leave.
    Draft,
    /// A clinician answers for it.
    Attested,
    /// Attested, and added to since.
    Amended,
}

/// The clinician's signed statement that makes a draft a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// The note.
    pub note: NoteId,
    /// SHA-256 of the RFC 8785 bytes of the [`NoteText`].
    pub text: Digest,
    /// Who attests.
    pub user: UserId,
    /// When.
    pub time: Time,
    /// The sentence the clinician agreed to.
    pub statement: String,
}
