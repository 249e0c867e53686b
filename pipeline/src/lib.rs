//! The pipeline's rules, pure: what is asked of the engines, and what their answers are worth.
//!
//! `protocol` is the language of the worker processes; `engine` the ports through which the use
//! cases speak to them. `sentences` makes a transcript of what was heard; `formats`, `prompt` and
//! `parts` make what the model is asked, `grammar` what it can answer; `draft` reads its answer; `grounding` and `safety` hold the
//! answer against the transcript. No clock, no files, no environment.

pub mod draft;
pub mod engine;
pub mod formats;
pub mod grammar;
pub mod grounding;
pub mod parts;
pub mod prompt;
pub mod protocol;
mod reading;
pub mod safety;
pub mod sentences;
