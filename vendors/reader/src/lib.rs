//! Reads an agreement from a file: what format it is by its content, its text, and whether it is one that can be
//! reviewed at all.
//!
//! PDF, DOCX and web pages come from strangers and are parsed in a process of their own, which can open nothing, start
//! nothing and reach nobody, and whose memory and time end: [`read_in_child`] starts it, [`child_main`] is its whole
//! life. [`read`] does the same work in this process, for files that the caller made itself.

mod child;
mod detecting;
mod docx;
mod encoding;
mod language;
mod pdf;

use provenote_vendors::reading::{Document, Format};
use serde::{Deserialize, Serialize};

pub use child::{ChildError, Limits, Program, child_main, read_in_child};
pub use language::{Language, language_of};

/// The largest file that is read, in bytes.
pub const LARGEST_FILE: usize = 40 << 20;

/// The largest web page that is read, in bytes: a tree takes many times as much memory as its page.
pub const LARGEST_PAGE: usize = 12 << 20;

/// The longest text that is read, in bytes: about four thousand pages.
pub const LONGEST_TEXT: usize = 12 << 20;

/// Why a file gave no text: one sentence each, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadError {
    /// Nothing in it, or nothing but white space.
    #[error("the file is empty: there is nothing to read")]
    Empty,
    /// More bytes than an agreement has.
    #[error(
        "the file has {megabytes} MB, and at most {most} MB of this format are read: save the agreement alone, without pictures"
    )]
    TooLarge {
        /// How large it is, rounded up.
        megabytes: usize,
        /// How large it may be.
        most: usize,
    },
    /// A small file that unpacks to far more than an agreement has.
    #[error(
        "the file unpacks to far more than an agreement holds, which only a broken or hostile file does: ask the sender for another copy"
    )]
    Bomb,
    /// Of no format that is read.
    #[error("the file is {what}, which is not read here: save it as PDF, DOCX, a web page, Markdown or text")]
    Unreadable {
        /// What it is, as far as can be told.
        what: String,
    },
    /// A PDF that opens only with a password.
    #[error("the PDF is encrypted and opens only with a password: print it to a new PDF without one, and read that")]
    Encrypted,
    /// A Word document that opens only with a password.
    #[error("the document is encrypted and opens only with a password: save it without one, and read that")]
    EncryptedOffice,
    /// A file that its format's reader cannot follow.
    #[error("the {format} file is broken ({why}): ask the sender for another copy, or print it to a new PDF")]
    Broken {
        /// `PDF`, `DOCX`, ….
        format: String,
        /// What was found.
        why: String,
    },
    /// Macros: a program in the document.
    #[error(
        "the document holds macros, which no agreement needs: ask the sender for a copy without them, as .docx or PDF"
    )]
    Macros,
    /// Pages, but no words on them.
    #[error(
        "the PDF is a scan: {pages} pages of pictures without text; run it through text recognition (OCR) first, or ask for the original"
    )]
    Scan {
        /// How many pages it has.
        pages: usize,
    },
    /// Text that has no meaning as letters.
    #[error(
        "the PDF's fonts do not say which letters they show, so its text cannot be read: ask for the original, or run it through text recognition (OCR)"
    )]
    NoLetters,
    /// Not English.
    #[error("the document is in {0}, and only English agreements can be reviewed: ask for the English version")]
    OtherLanguage(
        /// Its name in English.
        String,
    ),
    /// Well-formed, and no text in it.
    #[error("the {format} file holds no text")]
    NoText {
        /// `PDF`, `DOCX`, ….
        format: String,
    },
    /// The work took longer than it may.
    #[error(
        "reading the file took longer than {seconds} seconds, which only a broken or hostile file does: ask the sender for another copy"
    )]
    TooLong {
        /// How long it may take.
        seconds: u64,
    },
    /// The work took more memory than it may.
    #[error(
        "reading the file took more than {megabytes} MB of memory, which only a broken or hostile file does: ask the sender for another copy"
    )]
    TooMuchMemory {
        /// How much it may take.
        megabytes: u64,
    },
    /// The reader fell over it.
    #[error(
        "the file could not be read: its reader stopped, which only a broken or hostile file brings about; ask the sender for another copy"
    )]
    Stopped,
}

/// Reads a file in this process. The language is not looked at: see [`expect_english`].
///
/// # Errors
/// [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    limit(bytes.len(), LARGEST_FILE)?;
    let document = match detecting::detect(bytes)? {
        detecting::Kind::Pdf => caught(|| pdf::read(bytes))?,
        detecting::Kind::Docx => caught(|| docx::read(bytes))?,
        detecting::Kind::Html(page) => {
            limit(page.len(), LARGEST_PAGE)?;
            caught(|| Ok(Document::from_html(&page)))?
        }
        detecting::Kind::Markdown(text) => {
            limit(text.len(), LONGEST_TEXT)?;
            Document::from_markdown(&text)
        }
        detecting::Kind::Text(text) => {
            limit(text.len(), LONGEST_TEXT)?;
            Document::from_text(&text)
        }
    };
    limit(document.text.len(), LONGEST_TEXT)?;
    if document.blocks.is_empty() {
        return Err(match document.format {
            Format::Text | Format::Markdown => ReadError::Empty,
            format => ReadError::NoText { format: name_of(format).to_owned() },
        });
    }
    Ok(document)
}

/// A parser that panics has met a file that nobody thought of.
fn caught(parse: impl FnOnce() -> Result<Document, ReadError>) -> Result<Document, ReadError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse)).unwrap_or(Err(ReadError::Stopped))
}

/// Checks that a document is in English.
///
/// # Errors
/// [`ReadError::OtherLanguage`].
pub fn expect_english(document: &Document) -> Result<(), ReadError> {
    match language_of(&document.text) {
        Language::English | Language::Unclear => Ok(()),
        Language::Other(name) => Err(ReadError::OtherLanguage(name.to_owned())),
    }
}

/// What people call a format.
#[must_use]
pub fn name_of(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Markdown => "Markdown",
        Format::Html => "HTML",
        Format::Docx => "DOCX",
        Format::Pdf => "PDF",
    }
}

fn limit(bytes: usize, most: usize) -> Result<(), ReadError> {
    if bytes <= most {
        Ok(())
    } else {
        Err(ReadError::TooLarge { megabytes: bytes.div_ceil(1 << 20), most: most >> 20 })
    }
}
