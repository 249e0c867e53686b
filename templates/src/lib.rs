//! Consent templates: a YAML front matter, a body, and what a rendering of it becomes on screen
//! and paper.
//!
//! A template is Markdown with minijinja. Whatever is put into it is escaped, so a name
//! with markup in it prints as it was typed. One rendering gives the exact text; [`blocks`] cuts
//! that text into what screen and PDF both show, so they cannot differ.
//!
//! The folder `prompts` holds the templates a model reads; `provenote-pipeline` fills these itself,
//! since nothing in them is shown to a person or escaped.
//!
//! The crate is pure: no clock, no files at run time, no environment. A template somebody was
//! shown is frozen; a change is a new version.

mod blocks;
mod bundle;
mod coverage;
mod escape;
pub mod reading;
mod template;

pub use blocks::{Block, Span, blocks, plain_text};
pub use bundle::{all_bundled, bundled};
pub use coverage::{Covering, strip_markers};
pub use escape::escape;
pub use template::{Template, TemplateError};
