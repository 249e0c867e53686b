//! Consent templates: a YAML front matter, a body, and what a rendering of it becomes on screen
//! and paper.
//!
//! A template is Markdown with minijinja. Whatever is put into it is escaped, so a name
//! with markup in it prints as it was typed. One rendering gives the exact text; [`blocks`] cuts
//! that text into what PDF, screen ([`html`]) and plain text all show, so they cannot differ.
//!
//! The folder `prompts` holds the templates a model reads; `provenote-pipeline` fills these itself,
//! since nothing in them is shown to a person or escaped.
//!
//! The crate is pure: no clock, no files at run time, no environment. A template somebody was
//! shown is frozen; a change is a new version.

mod blocks;
mod coverage;
mod escape;
mod faults;
mod front;
mod html;
mod language;
pub mod reading;
mod shelf;
mod tags;
mod template;

pub use blocks::{Block, Span, blocks, content_words, plain_text};
pub use coverage::{Covering, strip_markers};
pub use escape::escape;
pub use faults::{Fault, FaultKind};
pub use front::{Promise, Translation};
pub use html::{html, html_page};
pub use language::{LanguageError, language, right_to_left};
pub use shelf::{Shelf, ShelfError, all_bundled, bundled};
pub use template::{Template, TemplateError};
