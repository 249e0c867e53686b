//! Documents for people: consent forms, notes, board reports, vendor checklists and recovery kits as PDF.
//!
//! Each document is PDF/A-3a and PDF/UA-1 in one file: it can be kept for decades, and a screen
//! reader can read it. The same input gives the same bytes; no clock, no file and no network is
//! touched. Words of people reach Typst as JSON strings, never as markup. Fonts travel with the
//! crate and are read when the first document is made, not before.

mod access;
mod agreement;
mod answers;
mod board;
mod checklist;
mod checkpoint;
mod consent;
mod consents;
mod emergencies;
mod evidence;
mod fonts;
mod labels;
mod legal;
mod note;
mod outside;
mod press;
mod recovery;
mod signature;
mod stack;
mod terms;
mod withdrawal;
mod wording;

use serde::{Deserialize, Serialize};

pub use access::{
    AccessFinding, AccessReport, AccessUserRow, ChangeRow, DeviceRow, EventCount, GrantRow, HoldRow, IncidentRow,
    KeptTrail, RefusedRow, SeenRow, SignedOff, access_report,
};
pub use agreement::AgreementFile;
pub use board::{
    AudioFate, BoardReport, Destruction, Finding, KindCount, Look, ModelUse, NoteRow, Refusal, SessionRow, Source,
    VendorRow, VendorTerms, Verification, WithdrawalRow, board_report,
};
pub use checklist::{ChecklistDocument, checklist};
pub use checkpoint::MAX_CHECKPOINT;
pub use consent::{ConsentDocument, Picture, consent_form};
pub use consents::{ConsentPerson, ConsentRow, ConsentsReport, consents_report};
pub use emergencies::{Emergencies, EmergencyRow};
pub use evidence::{EvidenceEntry, EvidenceReport, EvidenceWithheld, evidence_report};
pub use legal::{
    LegalFacts, LegalStatement, access_legal_facts, consents_legal_facts, legal_facts, vendors_legal_facts,
};
pub use note::{Amendment, Drafting, EntryLine, MadeBy, NoteDocument, note};
pub use recovery::{RecoveryKit, recovery_kit};
pub use stack::{StackDocument, stack};
pub use terms::{TermsCheck, TermsOutcome, TermsRow};
pub use withdrawal::{WithdrawalCopy, withdrawal_copy};

/// Who hands the document out, as its letterhead prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Practice {
    /// The practice's name.
    pub name: String,
    /// The clinician's name, with what follows it, such as `Dana Whitfield, LPC`.
    pub clinician: String,
    /// The license as it is to be printed, where one was given.
    pub license: Option<String>,
    /// US state, two capital letters.
    pub state: Option<String>,
}

/// Why no document was made. No variant carries a name or a word of a person.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A character that none of the fonts can print.
    #[error(
        "the character {shown} (U+{:04X}) cannot be printed with the fonts Provenote brings: write it in Latin, Greek, Cyrillic, Arabic or Hebrew letters and make the document again",
        u32::from(*.character)
    )]
    NoGlyph {
        /// The character.
        character: char,
        /// The character in quotes, or what it is where it has no shape of its own.
        shown: String,
    },
    /// Characters that can be printed one by one and not together.
    #[error(
        "the document holds letters and marks that the fonts cannot join: write the accent as one letter with its base and make the document again"
    )]
    NoJoinedGlyph,
    /// A drawn signature that is no usable picture.
    #[error("the drawn signature number {number} cannot be used: {why}; draw it again, or sign by typing")]
    BadPicture {
        /// Counted from 1 in the order of the participants.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A drawn signature without its picture.
    #[error(
        "the picture of drawn signature number {number} was not handed over: read it from the ledger and make the document again"
    )]
    NoPicture {
        /// Counted from 1 in the order of the participants.
        number: usize,
    },
    /// A signature that belongs to another form, another text or nobody on the form.
    #[error("a signature does not belong to this form: it is under {what}; run `provenote ledger verify`")]
    ForeignSignature {
        /// What does not agree.
        what: &'static str,
    },
    /// The text of the form is not the text its digest names.
    #[error(
        "the text of consent {consent} is not the text that was shown: its SHA-256 differs; run `provenote ledger verify`"
    )]
    AlteredForm {
        /// The form.
        consent: provenote_schemas::ConsentId,
    },
    /// The note's text is not what the attestation signs.
    #[error(
        "the text of {note} is not the text that was attested: attest it before it is exported, or run `provenote ledger verify`"
    )]
    NotAttested {
        /// The note.
        note: provenote_schemas::NoteId,
    },
    /// A checkpoint that does not fit a QR code a phone can read from paper.
    #[error(
        "the checkpoint has {bytes} bytes and a printed code holds {max}: make the document with fewer witnesses' signatures"
    )]
    CheckpointTooLong {
        /// Its length.
        bytes: usize,
        /// The most there can be.
        max: usize,
    },
    /// A language that is none, or that is written from right to left.
    #[error("{0}")]
    Language(String),
    /// A form most of whose letters are written from right to left.
    #[error(
        "the text of consent {consent} is written from right to left, and these forms cannot be set that way: use a form in another language, and an interpreter"
    )]
    RightToLeft {
        /// The form.
        consent: provenote_schemas::ConsentId,
    },
    /// Something is left to fill in on a form that somebody signed.
    #[error(
        "consent {consent} was signed with a blank ({what}), so no signed copy is made of it: make a new form and have it signed anew"
    )]
    Blank {
        /// The form.
        consent: provenote_schemas::ConsentId,
        /// Where.
        what: String,
    },
    /// A time a document cannot carry.
    #[error("{time} cannot be the date of a document: check the computer's clock")]
    Time {
        /// The time.
        time: provenote_schemas::Time,
    },
    /// A record to attach that is not JSON.
    #[error(
        "the record to attach is not JSON (line {line}, column {column}): this is a fault of Provenote, please report it"
    )]
    Record {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A data file that came with the program cannot be read.
    #[error("the legal statements that came with Provenote cannot be read: {0}")]
    Rules(String),
    /// The typesetter refused; words of the document are cut out of its message.
    #[error("the document could not be set: {0}; this is a fault of Provenote, please report it")]
    Typesetting(String),
}
