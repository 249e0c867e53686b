//! Clauses: what an agreement says, one statement at a time, each with the words that govern it.
//!
//! "Business Associate shall not: (a) sell PHI; (b) …" is three statements to a reader: each item carries the words
//! before the list. A heading, a definition, a recital and a note to the drafter are told apart from what binds.

mod durations;
mod fold;
mod labels;
mod outline;
mod parties;
mod polarity;
mod sentences;

use std::collections::HashMap;
use std::ops::Range;

pub use durations::{Duration, Unit, durations};
pub use parties::Party;
pub use polarity::{Polarity, Stretches};

use crate::reading::Document;

/// What kind of statement a clause is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClauseKind {
    /// It binds, allows or states something.
    Operative,
    /// It says what a term means.
    Definition,
    /// A heading or caption.
    Heading,
    /// A note to whoever fills the template in.
    Note,
    /// "Whereas …".
    Recital,
}

/// Whose duty or right a clause speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The business associate's.
    Vendor,
    /// The covered entity's.
    Practice,
    /// Both, or either.
    Both,
    /// The clause and its headings do not say.
    Unknown,
}

/// One statement of an agreement.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Where it stands in the document, in bytes.
    pub range: Range<usize>,
    /// Canonical: folded, lower case, `VENDOR`, `PRACTICE` and `PHI` for the parties and the information; the governing
    /// words first, then its own.
    pub text: String,
    /// Where its own words begin in `text`.
    pub own: usize,
    /// The headings it stands under, canonical, outermost first, joined by " / ".
    pub heading: String,
    /// Its printed number with those above it, `5.2(a)`.
    pub number: Option<String>,
    /// What kind of statement it is.
    pub kind: ClauseKind,
    /// Whose it is.
    pub bound: Bound,
    /// True for text in brackets that a drafter may leave out.
    pub optional: bool,
    /// True for a whole sentence whose enumerated parts are clauses of their own as well.
    pub whole: bool,
    /// Where it denies and where it affirms.
    pub stretches: Stretches,
}

/// What a defined term stands for.
#[derive(Debug, Clone)]
pub struct Definition {
    /// What it means, canonical.
    pub body: String,
    /// The clause that says so: an index into [`Agreement::clauses`].
    pub clause: usize,
    /// True where the document says "means"; false for a caption or a row of a table.
    pub stated: bool,
}

/// A document read as an agreement.
#[derive(Debug, Clone)]
pub struct Agreement {
    /// In the order of the document.
    pub clauses: Vec<Clause>,
    /// Defined terms, in canonical lower case.
    pub definitions: HashMap<String, Definition>,
}

impl Agreement {
    /// Reads a document.
    pub fn read(document: &Document) -> Self {
        outline::read(document)
    }

    /// The clauses that bind, allow or state something.
    pub fn operative(&self) -> impl Iterator<Item = (usize, &Clause)> {
        self.clauses.iter().enumerate().filter(|(_, clause)| clause.kind == ClauseKind::Operative)
    }

    /// The clauses printed under `number`, "5.2" or "5.2(a)", without brackets' spelling.
    pub fn numbered<'a>(&'a self, number: &str) -> impl Iterator<Item = &'a Clause> {
        let wanted = plain_number(number);
        self.clauses.iter().filter(move |clause| {
            clause.number.as_deref().is_some_and(|own| {
                let own = plain_number(own);
                own == wanted || own.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'))
            })
        })
    }
}

/// "5.2(a)" and "5.2.a" are one number: "5.2.a".
fn plain_number(number: &str) -> String {
    let spaced: String =
        number.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(".")
}
