//! Who may do what, when and from where.
//!
//! Two things decide. Keys: `rules/roles.yaml` tells to whom keys are wrapped ([`opens`]), and what a role's keys do not
//! open, it cannot read whatever else goes wrong. Policies: `policies/*.cedar`, asked beside every act ([`decide`]). A
//! test holds the two together.
//!
//! Pure: no clock, no database, no environment. Time and entropy are arguments, and so is every fact about the request.
//!
//! The citations are facts for product design with the mark of how they were checked. They are
//! not legal advice.

mod act;
mod check;
mod decision;
pub mod factor;
mod grants;
pub mod lockout;
pub mod passphrase;
pub mod place;
mod policies;
mod representative;
mod resource;
pub mod review;
mod roles;
mod schema;
mod withholding;

use provenote_schemas::Role;

pub use act::{Act, Group};
pub use check::{Change, check_added, compare};
pub use decision::{Circumstances, Decision, Request, Subject, decide, keys_open, tie};
pub use grants::{
    Access, Authority, Grant, GrantError, GrantEvent, Grants, Limits, Oddity, Reason, Review, Scope, ScopeOf, State,
};
pub use policies::{ADDED, BUNDLED, LONGEST_FILE, MOST_POLICIES, Place, Policies, PolicyError, PolicyFile};
pub use representative::{Row, Standing, Variation, cell, decide_at_all, standings, usual_rows};
pub use resource::{GrantSeen, OfClient, Resource, ResourceKind, WrongClass};
pub use roles::{Basis, Reach, Tie, basis, entitled, opens, with_included};
pub use schema::{SCHEMA, generated};
pub use withholding::{Withholding, held_back_by_rule, held_back_in_a_period};

/// Who may do what by the bundled policies, as a table in Markdown; a test makes it from the policies.
pub const TABLE: &str = include_str!("../policies/who-may-what.md");

/// The actor's role does not allow the act; nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: a user with the role {role} may not {}; ask the owner of the practice", act.in_words())]
pub struct Refusal {
    /// The role.
    pub role: Role,
    /// What was asked for.
    pub act: Act,
}

/// Whether a user of the role may do something at all: to somebody's records, under usual circumstances, without access
/// for a limited time. Whose records, [`decide`] tells; ask it wherever the resource is known.
///
/// # Errors
/// [`Refusal`] where no bundled policy permits it.
pub fn may(role: Role, act: Act) -> Result<(), Refusal> {
    let permitted =
        representative::rows_of(role, act, &Variation::Usual).iter().any(|row| row.decide(Policies::bundled()).allowed);
    if permitted { Ok(()) } else { Err(Refusal { role, act }) }
}

#[cfg(test)]
mod tests;
