//! Consent: the form, what participants did about it, and the gate.
//!
//! A consent binds the exact text shown and the digest of the disclosure facts it told. The gate
//! ([`gate::decide`]) is closed unless every participant's consent is in force; whatever is not
//! known is not consent. The crate is pure: time comes in as an argument, and there is no file,
//! clock or environment. Rules are data in `rules/`, each with its citation and the mark of how it
//! was checked. They are facts for product design, not legal advice.

pub mod acts;
pub mod changes;
mod elements;
pub mod fhir;
mod form;
pub mod gate;
pub mod jurisdictions;
pub mod people;
pub mod pictures;
mod policy;
pub mod receipt;
pub mod samples;
mod signing;
mod standing;
pub mod statement;
mod states;
pub mod withdrawal;
mod worsening;

pub use acts::{ConsentEvent, FactsBook, Record, Word};
pub use changes::{Amendment, Change, Weight, amendment, compare};
pub use elements::{
    Element, Group, Missing, Need, ProgramRule, elements, form_kinds, missing_elements, needed, program_rules,
};
pub use form::{
    Authorization, Fault as TemplateFault, FormContext, FormError, FormValues, Material, Particulars,
    Problem as TemplateProblem, Severity, Shared, blank_in, check as check_template, check_frozen, date_words,
    disclosure_digest, form_context, intent, reading_levels, render_form, role_words, template_digest,
};
pub use jurisdictions::{Applicable, Modality, Terms, purposes_needed, rules_for, rules_of, terms_for};
pub use people::{Capacity, Room, checked_people};
pub use policy::{AfterWithdrawal, Guardians, Policy};
pub use signing::{INTENT, SignatureError, check_signature};
pub use standing::{
    ParticipantStanding, Question, Standing, Status, Step, Today, purpose_words, purpose_words_in, standing,
};
pub use states::{AiNotice, State, UnknownState, consent_years, is_state, minor_note_retention, note_retention};
pub use worsening::worsened_words;
