//! An entry as the trail sees it.

use std::collections::BTreeMap;

use provenote_schemas::{Class, Digest, Role, Time};

/// A fact: a word, a number or a flag, never free text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(n) => write!(f, "{n}"),
            Self::Flag(yes) => write!(f, "{yes}"),
        }
    }
}

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Allowed,
    /// It was refused; nothing was done.
    Refused,
    /// It was begun and came to nothing.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Self] = &[Self::Allowed, Self::Refused, Self::Failed];

    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.as_str() == word)
    }
}

/// A sealed payload, as its entry names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// Its role in the entry.
    pub name: String,
    /// Its class, as far as it is one of ours.
    pub class: Option<Class>,
    /// SHA-256 of the ciphertext.
    pub sha256: Digest,
}

/// One entry: everything of its header, and what else is known of who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the ledger.
    pub seq: u64,
    /// When, UTC, by the clock of the machine that wrote it; entries never go back in time.
    pub time: Time,
    /// The pseudonym of who acted.
    pub actor: String,
    /// What they were at that time, where it is known.
    pub role: Option<Role>,
    /// The device they worked on, where it is known.
    pub device: Option<String>,
    /// The kind, as written: one that this program does not know stays readable.
    pub kind: String,
    /// Pseudonyms by name.
    pub refs: BTreeMap<String, String>,
    /// Facts by name.
    pub facts: BTreeMap<String, Value>,
    /// Sealed payloads.
    pub payloads: Vec<Digested>,
    /// The class of the record it is about, where that is known better than by its payloads.
    pub class: Option<Class>,
    /// The hash that this entry holds of the one before.
    pub prev: Digest,
    /// SHA-256 of the entry's own bytes.
    pub entry: Digest,
}

/// Which reference names what an entry is about, the narrowest first.
const ABOUT: &[&str] = &[
    "note", "session", "consent", "grant", "device", "bundle", "vendor", "terms", "incident", "hold", "group",
    "client", "user",
];

impl Record {
    /// The client's pseudonym, where there is one.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.refs.get("client").map(String::as_str)
    }

    /// What it is about: the narrowest thing it names, else the entry it looked at.
    #[must_use]
    pub fn about(&self) -> Option<String> {
        let named = ABOUT.iter().find_map(|name| self.refs.get(*name)).cloned();
        named.or_else(|| self.facts.get("entry").map(|seq| format!("entry {seq}")))
    }

    pub(crate) fn fact(&self, name: &str) -> Option<String> {
        self.facts.get(name).map(Value::to_string)
    }

    /// The class of the record: what the caller knows, else that of the payloads.
    pub(crate) fn sealed_class(&self) -> Option<Class> {
        self.class.or_else(|| self.payloads.iter().find_map(|payload| payload.class))
    }
}
