//! A de-identified view of what was said and written, and the views of the roles that may see less than the note.
//!
//! [`clean`] takes the 18 identifiers of HIPAA's Safe Harbor (45 CFR 164.514(b)(2)(i)) out of a text: by rules (all of
//! them data, in `rules/*.yaml`), by lists of names, and by the [`Roster`] of what the practice knows about the client.
//! What it takes out it replaces by a tag such as `[person-412]`, the same for the same person throughout the document;
//! what it cannot judge it withholds and says why.
//!
//! **What it does not do.** It is an aid and no proof. Safe Harbor has a second condition, 45 CFR 164.514(b)(2)(ii): the
//! practice has no actual knowledge that what is left could identify the person, alone or combined. No program can know
//! that. A story may identify without any of the 18. So nothing that comes out of here is "HIPAA de-identified": a
//! person reads it and confirms before a release. Recall is below 1 (`cargo bench -p provenote-deidentify` prints it by
//! kind), and a recording remains a voice print whatever is taken out of its words.
//!
//! The crate is pure: no clock, no files, no randomness of its own. Facts and citations are for product design, not
//! legal advice.

mod cleaned;
mod dates;
mod found;
mod identifier;
mod labels;
mod patterns;
mod proper;
mod roster;
mod spoken;
mod text;
pub mod views;
mod words;

use std::num::NonZeroI32;

use serde::{Deserialize, Serialize};

pub use cleaned::{Cleaned, CleanedParts, Doubt, Reason, Removal, Withheld, clean, clean_parts};
pub use identifier::{
    Caution, Identifier, IdentifierFact, Statement, actual_knowledge, cautions, expert_determination,
    re_identification_code,
};
pub use roster::{Known, Roster, Who};

/// What becomes of dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dates {
    /// The year stays, nothing else: `[date:2019]`. What Safe Harbor says.
    Years,
    /// Every date moves by the same number of days, so that intervals stay: `[date:2019-04-02]`. A day and a month
    /// remain in the text, so this is for an expert's determination (45 CFR 164.514(b)(1)) and not for Safe Harbor.
    Shifted {
        /// Days, forward or back; drawn by chance for each client and kept secret.
        days: NonZeroI32,
    },
}

/// How to clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What becomes of dates.
    pub dates: Dates,
    /// The year the text was written, by which ages over 89 are told from years. Where nobody knows it, every year
    /// before 1960 goes.
    pub written: Option<i32>,
}

impl Options {
    /// Years only, for a text of this year.
    #[must_use]
    pub const fn years(written: Option<i32>) -> Self {
        Self { dates: Dates::Years, written }
    }
}
