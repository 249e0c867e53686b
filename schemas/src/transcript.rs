//! What the speech engine heard.

use serde::{Deserialize, Serialize};

/// A word with its times, as the engine gave them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Seconds from the start of the recording.
    pub start_s: f64,
    /// Seconds from the start of the recording.
    pub end_s: f64,
    /// The word with its punctuation.
    pub text: String,
}

/// A stretch of speech of one sentence or so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// 1, 2, 3 … in order of time; what a draft cites.
    pub id: u32,
    /// Seconds from the start of the recording.
    pub start_s: f64,
    /// Seconds from the start of the recording.
    pub end_s: f64,
    /// Who spoke: always none where nobody knows. The engine does not tell speakers apart.
    pub speaker: Option<String>,
    /// What was heard.
    pub text: String,
    /// Words with times; empty where the engine gave none or a person typed the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// A whole transcript, sealed under the clinical key of the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// ISO 639-1 language.
    pub language: String,
    /// In order of time.
    pub segments: Vec<Segment>,
}
