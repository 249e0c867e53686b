//! What a practice may decide for itself about consent. No setting makes the gate wider than a law that applies.

use provenote_schemas::Purpose;
use serde::{Deserialize, Serialize};

/// How many guardians have to say yes for somebody under age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guardians {
    /// One of them.
    #[default]
    One,
    /// Two of them.
    Two,
}

impl Guardians {
    pub(crate) const fn needed(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

/// What happens at a withdrawal to what is there already, where nobody chooses otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterWithdrawal {
    /// Nothing is used any more, and all is destroyed when its time is over, as the form says.
    #[default]
    KeepUntilDue,
    /// It is destroyed now, but for what the law or a hold keeps.
    DestroyNow,
}

/// A practice's choices. The default is the strictest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A clinician's statement that somebody said yes aloud opens the gate where no law that applies asks for
    /// writing; where that was not verified, it does not.
    pub spoken_opens: bool,
    /// How many guardians have to say yes.
    pub guardians: Guardians,
    /// The practice has confirmed the state's rule, so that a minor of the age it names consents alone.
    pub minors_consent_alone: bool,
    /// What a withdrawal does where nobody chooses.
    pub after_withdrawal: AfterWithdrawal,
    /// Purposes that every session of the practice needs besides those the session itself needs.
    pub always: Vec<Purpose>,
}
