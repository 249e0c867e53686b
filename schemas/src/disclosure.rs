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
    /// On another computer of the practice, over its own network.
    PracticeNetwork,
    /// On computers of a company, over the internet.
    Cloud,
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

/// A company outside the practice that gets sound or words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorFact {
    /// Its name.
    pub name: String,
    /// What it does with them, such as `turns speech into text`.
    pub does: String,
    /// Where its computers stand, such as `Ohio, United States`; `None` where nobody said.
    pub place: Option<String>,
    /// How many days it keeps them; `None` where nobody said.
    pub keeps_days: Option<u32>,
    /// Whether it uses them to train models; `None` where nobody said.
    pub trains: Option<bool>,
    /// Whom it passes them on to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes_on_to: Vec<String>,
    /// How its terms became worse since they are watched, where they did and nobody settled it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_worsened: Option<TermsWorsened>,
}

/// Terms of a company that became worse for the people whose words it gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsWorsened {
    /// The day on which it was found, ISO 8601 (`YYYY-MM-DD`).
    pub on: String,
    /// What it may do now, or promises no longer: clauses to stand behind the company's name, in words that clients
    /// read, such as `may use words to train models`.
    pub what: Vec<String>,
}

/// Where copies go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFact {
    /// Where the copy lies, such as `a disk in the practice's safe`.
    pub place: String,
    /// Whether only the practice's keys open it.
    pub sealed: bool,
    /// How many days a copy outlives the record.
    pub days: u32,
}

/// A way other than this computer's own files on which sound reaches the practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayFact {
    /// What it is, such as `the clinician's phone`.
    pub name: String,
    /// The way the sound takes, such as `the practice's own network`.
    pub way: String,
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
    /// Who else gets the words: nobody, in a local pipeline. Companies of which more is known stand in
    /// [`Self::vendors`] instead.
    pub processors: Vec<String>,
    /// The companies that get sound or words, and what they do with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendors: Vec<VendorFact>,
    /// Where copies go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<BackupFact>,
    /// On which ways sound reaches the practice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<GatewayFact>,
    /// What is kept how long.
    pub retention: RetentionFacts,
}
