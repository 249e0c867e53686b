//! Consent: the form, what participants did about it, and the gate.
//!
//! A consent binds the exact text shown and the digest of the disclosure facts it told. The gate
//! ([`gate::decide`]) is closed unless every participant's consent is in force; whatever is not
//! known is not consent. The crate is pure: time comes in as an argument, and there is no file,
//! clock or environment. Rules are data in `rules/`, each with its citation and the mark of how it
//! was checked. They are facts for product design, not legal advice.

mod elements;
mod form;
pub mod gate;
pub mod samples;
mod signing;
mod standing;
mod states;

pub use elements::{Element, Missing, Need, elements, missing_elements};
pub use form::{FormContext, FormError, FormValues, disclosure_digest, form_context, render_form};
pub use signing::{INTENT, SignatureError, check_signature};
pub use standing::{ConsentEvent, ParticipantStanding, Standing, Status, changes, standing};
pub use states::{AiNotice, State, UnknownState, consent_years, is_state, minor_note_retention, note_retention};
