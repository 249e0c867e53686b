//! Consent as it is recorded: the exact text shown, and what each participant did about it.

use std::collections::BTreeSet;

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
    /// The form this one amends: its text tells only what is new, and a signature under it counts only for
    /// somebody whose signature under that form stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amends: Option<ConsentId>,
    /// Which changes of the facts end the consent, as the text promises.
    #[serde(default, skip_serializing_if = "Promise::is_any_change")]
    pub promise: Promise,
}

/// Which changes of the disclosure facts end a consent, as its text promises the signer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Any change of what is done, to the signer's good or not; only other words for the same end nothing.
    /// What `ai-notes@1` promises, and what is taken where nothing is known.
    #[default]
    AnyChange,
    /// A change the signer may mind: a new model, processor, place or way, a longer time, less protection.
    ForWorse,
}

impl Promise {
    /// True for the default.
    #[must_use]
    pub const fn is_any_change(&self) -> bool {
        matches!(self, Self::AnyChange)
    }
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
    /// A picture of signed paper.
    Photo {
        /// SHA-256 of the PNG or JPEG, which is a payload of its own.
        image_sha256: Digest,
    },
}

/// What was noted beside an act: who was in front of the clinician, and how that was known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The device the person signed on, in the clinician's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// How the signer's identity was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// For whoever signs for somebody else: by what right (45 CFR 164.508(c)(1)(vi)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

impl Evidence {
    /// True where nothing was noted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.device.is_none() && self.identity.is_none() && self.authority.is_none()
    }
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
    /// What was noted beside it.
    #[serde(default, skip_serializing_if = "Evidence::is_empty")]
    pub evidence: Evidence,
}

/// A form put before somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The form.
    pub consent: ConsentId,
    /// Before whom.
    pub participant: ParticipantId,
    /// SHA-256 of the exact text shown.
    pub text_sha256: Digest,
    /// By whom: a user's id or the words for who it was.
    pub by: String,
    /// When.
    pub time: Time,
}

/// A form talked through aloud. It opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discussion {
    /// With whom.
    pub participant: ParticipantId,
    /// The form, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentId>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What was said, in the clinician's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What the person asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<String>,
    /// When.
    pub time: Time,
}

/// The clinician's statement that somebody said yes aloud. Weaker than a signature: it opens the gate only
/// where the practice's policy says so and no law that applies asks for writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verbal {
    /// The form that was read to them.
    pub consent: ConsentId,
    /// Who said yes.
    pub participant: ParticipantId,
    /// SHA-256 of the text that was read to them.
    pub text_sha256: Digest,
    /// What the facts were.
    pub disclosure_digest: Digest,
    /// Who states it.
    pub by: String,
    /// What was said, in their words.
    pub summary: String,
    /// When.
    pub time: Time,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who.
    pub participant: ParticipantId,
    /// For which purposes; for all of them when none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub purposes: BTreeSet<Purpose>,
    /// They also do not want the clinician's own dictation about the session to be turned into text by a program.
    #[serde(default, skip_serializing_if = "is_false")]
    pub no_dictation: bool,
    /// When.
    pub time: Time,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// Who.
    pub participant: ParticipantId,
    /// For which purposes; for all of them when none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub purposes: BTreeSet<Purpose>,
    /// When.
    pub time: Time,
}
