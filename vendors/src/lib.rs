//! Vendors: reading their agreements and terms, and telling what these allow, with quotes that stand where they are
//! said to stand.
//!
//! No network, no clock, no model. Rules are data in `rules/`, each with its citation, the mark of how it was checked,
//! and examples that must and must not match. They are facts for product design, not legal advice.

pub mod baa;
pub mod clauses;
pub mod reading;
pub mod terms;
