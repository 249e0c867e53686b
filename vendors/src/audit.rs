//! The audit of a company that gets sound or words, or of the practice's own pipeline: questions, answers with their
//! evidence, what follows of them, and the three layers a practice can point to.
//!
//! Nothing here decides whether a law is kept. It says what was answered, by whom or out of what, what was not, and
//! what a practice may do next. Questions are data (`questionnaires/`), each with its citation and the mark of how that
//! was checked; a practice may have its own, and frameworks in CISO Assistant's form can be read.

mod ciso;
mod csv;
mod judging;
mod oscal;
mod questionnaire;
mod stack;

use provenote_schemas::{Digest, Time};
use serde::{Deserialize, Serialize};

pub use csv::csv;
pub use judging::audit;
pub use oscal::oscal;
pub use questionnaire::{Questionnaire, QuestionnaireError};

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The contract with the company.
    Agreement,
    /// Where words go, how long they stay, what else is done with them.
    DataUse,
    /// Who can reach them.
    AccessControls,
    /// What is written down of who did what.
    AuditLogs,
    /// What clients were told and agreed to.
    Consent,
    /// A question of another framework.
    Other,
}

impl Layer {
    /// Every layer, in the order they are printed in.
    pub const ALL: [Self; 6] =
        [Self::Agreement, Self::DataUse, Self::AccessControls, Self::AuditLogs, Self::Consent, Self::Other];

    /// The heading people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Agreement => "The agreement",
            Self::DataUse => "What happens to the data",
            Self::AccessControls => "Who can reach it",
            Self::AuditLogs => "What is written down",
            Self::Consent => "What clients know",
            Self::Other => "Other questions",
        }
    }

    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::DataUse => "data_use",
            Self::AccessControls => "access_controls",
            Self::AuditLogs => "audit_logs",
            Self::Consent => "consent",
            Self::Other => "other",
        }
    }
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Yes.
    Yes,
    /// No.
    No,
    /// In part.
    Partly,
    /// It was asked and is not known.
    Unknown,
    /// The question does not arise here.
    NotApplicable,
}

impl Says {
    /// Every answer.
    pub const ALL: [Self; 5] = [Self::Yes, Self::No, Self::Partly, Self::Unknown, Self::NotApplicable];

    /// The word in files and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Partly => "partly",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// The word people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Unknown => "not known",
            Self::NotApplicable => "does not arise",
            other => other.as_str(),
        }
    }

    /// The answer a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|says| says.as_str() == word)
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody of the practice gave it.
    Person,
    /// The newest reviewed agreement says it.
    Agreement,
    /// The company's tracked terms say it.
    Terms,
    /// The practice's own entries show it.
    Ledger,
    /// The practice's settings, or what is recorded of the company, say it.
    Configuration,
}

impl Origin {
    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agreement => "agreement",
            Self::Terms => "terms",
            Self::Ledger => "ledger",
            Self::Configuration => "configuration",
        }
    }

    /// As the subject of a sentence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Person => "the practice's answer",
            Self::Agreement => "the agreement",
            Self::Terms => "the tracked terms",
            Self::Ledger => "the practice's ledger",
            Self::Configuration => "what the practice has set",
        }
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Before anything else.
    Critical,
    /// Soon.
    High,
    /// When there is time.
    Medium,
    /// Good to know.
    Low,
}

impl Severity {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What an answer rests on. What is not known stays away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What it is, such as `the agreement baa.pdf` or `an entry of the ledger`.
    pub what: String,
    /// SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// Its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Where they begin, in Unicode characters of the file's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<usize>,
    /// Where they end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<usize>,
    /// Of what day it is, `2026-11-21`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Who gave or found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The ledger's entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// A question of a questionnaire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// A short name, such as `training`.
    pub id: String,
    /// What it is about.
    pub layer: Layer,
    /// The question.
    pub asks: String,
    /// Why it is asked.
    pub why: String,
    /// The answer that leaves nothing to do.
    pub good: Says,
    /// How much another answer matters.
    pub severity: Severity,
    /// What follows of another answer, and what to do.
    pub follows: String,
    /// The law or the source, and what it does not say.
    pub citation: String,
    /// How that was checked.
    pub mark: String,
    /// Where an answer may be taken from, such as `baa.training_or_improvement_permitted`, `vendor.place`,
    /// `ledger.discussed`, `local.network`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Whether the layer of the stack stands on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's id.
    pub question: String,
    /// What it says.
    pub says: Says,
    /// In words.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// When it was given or found.
    pub at: Time,
    /// Why it cannot be relied on any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The question's id.
    pub question: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in plain words.
    pub says: String,
    /// What follows, and what to do.
    pub follows: String,
    /// The law or the source, and what it does not say.
    pub citation: String,
    /// How that was checked.
    pub mark: String,
    /// The words it rests on, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Evidence>,
}

/// A layer of the stack that a practice should be able to point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackLayer {
    /// A business associate agreement.
    Agreement,
    /// Access controls.
    AccessControls,
    /// Audit logs.
    AuditLogs,
}

impl StackLayer {
    /// What people call it, in the middle of a sentence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Agreement => "an agreement",
            Self::AccessControls => "access controls",
            Self::AuditLogs => "audit logs",
        }
    }
}

/// Whether a layer is there, as far as the answers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Everything it stands on was answered well.
    There,
    /// Some of it.
    Partly,
    /// None of it.
    Missing,
    /// Nothing of it was answered.
    Unknown,
    /// It does not arise.
    NotNeeded,
}

impl RowState {
    /// The word people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Partly => "there in part",
            Self::Missing => "missing",
            Self::Unknown => "not known",
            Self::NotNeeded => "does not arise",
        }
    }
}

/// One layer of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which.
    pub layer: StackLayer,
    /// Whether it is there.
    pub state: RowState,
    /// What says so, one line for each question it stands on.
    pub by: Vec<String>,
}

/// The three layers together: what is there, what is missing, what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The layers.
    pub rows: Vec<Row>,
    /// What is there.
    pub have: String,
    /// What is missing.
    pub missing: String,
    /// What follows.
    pub follows: String,
}

/// All that an audit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The company's name, or the practice's own pipeline.
    pub vendor: String,
    /// Whether it is the practice's own pipeline.
    pub local: bool,
    /// Whose questions, `id@version`.
    pub questionnaire: String,
    /// When.
    pub made: Time,
    /// Every question and the answer that stands.
    pub answers: Vec<(Question, Option<Answer>)>,
    /// Answers that another one stands before: a person's earlier ones, and derived ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<Answer>,
    /// What to do, the gravest first.
    pub findings: Vec<Finding>,
    /// The three layers.
    pub stack: Stack,
    /// In plain words.
    pub verdict: String,
    /// What nobody answered, and what no audit of this kind looks at.
    pub not_checked: Vec<String>,
}
