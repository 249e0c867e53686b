//! The facts a consent form tells: read from the pipeline as it is configured today, never typed.

use serde::{Deserialize, Serialize};

use crate::encoding::Digest;

/// A model as the form names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFact {
    /// The catalogue's id.
    pub id: String,
    /// A name people know, such as `Whisper base`.
    pub name: String,
    /// Who made it.
    pub maker: String,
    /// What identifies it beyond doubt.
    pub sha256: Digest,
}

/// Where words are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// On the practice's own computer.
    ThisComputer,
}

/// Whether the operating system keeps the model from network and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Enforced and tested at each start.
    Enforced,
    /// The practice chose to go on without it.
    Overridden,
}

/// How long each kind of record is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionFacts {
    /// Recordings are destroyed at attestation, and no later than so many days after the session.
    pub audio_days: u32,
    /// Transcripts: at attestation, and no later than so many days.
    pub transcript_days: u32,
    /// Prompts and raw outputs: with the transcript, and no later than so many days.
    pub prompts_days: u32,
    /// Drafts: at attestation, and no later than so many days.
    pub drafts_days: u32,
    /// Signed notes, in years after the last service.
    pub note_years: u32,
    /// Where `note_years` comes from: a citation with its mark, or the product's default.
    pub note_basis: String,
}

/// Everything of substance a client agrees to. The digest of this binds the consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisclosureFacts {
    /// What hears.
    pub speech: ModelFact,
    /// What finds speech in the recording.
    pub voice_activity: Option<ModelFact>,
    /// What drafts: the models the practice allows itself, any one of which may be used for a draft.
    pub drafting: Vec<ModelFact>,
    /// Where.
    pub place: Place,
    /// How it is held.
    pub isolation: Isolation,
    /// Who else gets the words: nobody, in a local pipeline.
    pub processors: Vec<String>,
    /// What is kept how long.
    pub retention: RetentionFacts,
}
