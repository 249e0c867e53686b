//! Consent as it is recorded: the exact text shown, and what each participant did about it.

use serde::{Deserialize, Serialize};

use crate::disclosure::DisclosureFacts;
use crate::encoding::Digest;
use crate::ids::{ClientId, ConsentId, ParticipantId};
use crate::kind::Purpose;
use crate::people::Participant;
use crate::time::Time;

/// A form as it was made for one client; sealed under the client's administrative key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentForm {
    /// The form.
    pub consent: ConsentId,
    /// Whose.
    pub client: ClientId,
    /// Template id and version, such as `ai-notes@1`.
    pub template: String,
    /// ISO 639-1 language.
    pub lang: String,
    /// What is agreed to.
    pub purposes: Vec<Purpose>,
    /// Who is asked.
    pub participants: Vec<Participant>,
    /// The exact text, Markdown; what is signed is its SHA-256.
    pub text: String,
    /// SHA-256 of `text` in UTF-8.
    pub text_sha256: Digest,
    /// The facts the text tells.
    pub facts: DisclosureFacts,
    /// SHA-256 of the RFC 8785 bytes of `facts`.
    pub disclosure_digest: Digest,
    /// When it was made.
    pub made: Time,
    /// When the consent ends by itself.
    pub expires: Time,
}

/// How somebody signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Signature {
    /// The participant typed their name.
    Typed {
        /// As typed.
        name: String,
    },
    /// The participant drew on a screen.
    Drawn {
        /// SHA-256 of the PNG, which is a payload of its own.
        png_sha256: Digest,
    },
    /// A scan of signed paper.
    Scan {
        /// SHA-256 of the PDF, which is a payload of its own.
        pdf_sha256: Digest,
    },
}

/// A participant's signature under a form; sealed under the client's administrative key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The form.
    pub consent: ConsentId,
    /// Who signed.
    pub participant: ParticipantId,
    /// SHA-256 of the exact text shown.
    pub text_sha256: Digest,
    /// What the facts were.
    pub disclosure_digest: Digest,
    /// The statement of intent that stood above the signature.
    pub intent: String,
    /// The act.
    pub signature: Signature,
    /// When.
    pub time: Time,
}
