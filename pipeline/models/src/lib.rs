//! The models on this machine: a catalogue by SHA-256, and the ways a file comes into it.
//!
//! A [`Catalogue`] is data: what Provenote ships ([`Catalogue::bundled`]) and what a practice added. A [`ModelDir`] is a
//! folder of model files with the practice's own catalogue beside them; it lists, adds, pulls, checks and resolves.
//! Nothing is trusted by its name: a file counts as a model when its digest is the catalogue's.

mod catalogue;
mod dir;
mod durable;
mod magic;
mod pull;

pub use catalogue::{Catalogue, CatalogueError, Engine, Entry};
pub use dir::{Checked, Condition, Description, Keep, Listed, ModelDir, ModelError};
pub use magic::{Format, NoModel};
pub use pull::{Pull, PullError, Pulled};
