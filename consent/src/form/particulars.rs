//! What some forms ask for besides the facts of the pipeline: typed, so that no form is made with half
//! of it.

use provenote_schemas::consent::ConsentForm;

/// What a form of a certain kind needs besides what every form is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// For sharing with a supervisor, or for teaching.
    pub shared: Option<Shared>,
    /// For an authorization to disclose (45 CFR 164.508, 42 CFR 2.31).
    pub authorization: Option<Authorization>,
    /// For the short form that tells only what is new: the form as it was signed.
    pub amends: Option<Box<ConsentForm>>,
}

/// What of a session is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Material {
    /// Recordings of the sound.
    Recordings,
    /// Their text.
    Transcripts,
    /// Notes.
    Notes,
}

/// Use of sessions by somebody who does not treat the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// What is shared.
    pub what: Vec<Material>,
    /// Who gets it: people by name, or a class such as `students of the clinic's course`.
    pub who: Vec<String>,
    /// Days for which they may keep it.
    pub kept_days: u32,
    /// Whether names are taken out first.
    pub names_removed: bool,
}

/// What is disclosed, by whom, to whom and why, in the words of whoever makes the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    /// A specific and meaningful description of the information (45 CFR 164.508(c)(1)(i)).
    pub information: String,
    /// Who may disclose it, by name or class.
    pub sources: Vec<String>,
    /// Who may receive it, by name or class.
    pub recipients: Vec<String>,
    /// Why; `at the request of the individual` is enough where the client starts it.
    pub purpose: String,
    /// The event that ends it, where one is agreed on besides the date.
    pub ends: Option<String>,
    /// Part 2: one consent to all future care, payment and operations (42 CFR 2.31(a)(4)).
    pub care_payment_operations: bool,
    /// Part 2: those it passes through, with the participants who treat the client.
    pub intermediaries: Vec<String>,
}
