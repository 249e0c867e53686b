//! Questionnaires: data in `questionnaires/`, a practice's own, and frameworks of other makers.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_saphyr::Spanned;
use thiserror::Error;

use super::{Layer, Question, Says, Severity, ciso};

/// Why a questionnaire cannot be used.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum QuestionnaireError {
    /// It is not YAML, or not of the shape of a questionnaire.
    #[error("{file}, line {line}, column {column}: {problem}")]
    Malformed {
        /// The file's name.
        file: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong there.
        problem: String,
    },
    /// It holds no question.
    #[error("{file}: there is no question in it, so there is nothing to ask: {hint}")]
    Empty {
        /// The file's name.
        file: String,
        /// What to do.
        hint: &'static str,
    },
}

/// Questions, in the order they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questionnaire {
    id: String,
    version: String,
    title: String,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    id: Spanned<String>,
    version: u32,
    title: String,
    questions: Vec<RawQuestion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestion {
    id: Spanned<String>,
    layer: Layer,
    asks: Spanned<String>,
    why: String,
    good: Says,
    severity: Severity,
    follows: String,
    #[serde(default)]
    citation: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
    #[serde(default)]
    essential: bool,
}

static BUNDLED: LazyLock<Questionnaire> = LazyLock::new(|| {
    let text = include_str!("../../questionnaires/ai-notes.yaml");
    // A test reads it too: what is bundled is whole.
    Questionnaire::parse("questionnaires/ai-notes.yaml", text).unwrap_or_else(|error| Questionnaire {
        id: "broken".to_owned(),
        version: "0".to_owned(),
        title: error.to_string(),
        questions: Vec::new(),
    })
});

impl Questionnaire {
    /// The questions every practice is asked about its AI notes.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED
    }

    /// Reads a questionnaire in our own form: `id`, `version` (a number), `title` and `questions`, each with `id`,
    /// `layer`, `asks`, `why`, `good`, `severity` and `follows`, and where there are some `citation`, `mark`, `sources`
    /// and `essential`.
    ///
    /// # Errors
    /// [`QuestionnaireError`], with the place.
    pub fn parse(file: &str, text: &str) -> Result<Self, QuestionnaireError> {
        let raw: RawFile = read(file, text)?;
        let wrong = |at: &Spanned<String>, problem: String| {
            let (line, column) = place(at);
            QuestionnaireError::Malformed { file: file.to_owned(), line, column, problem }
        };
        if !token(&raw.id.value) {
            return Err(wrong(&raw.id, "the questionnaire's id is of small letters, digits and hyphens".to_owned()));
        }
        let mut seen = BTreeSet::new();
        let mut questions = Vec::new();
        for one in raw.questions {
            if !token(&one.id.value) {
                return Err(wrong(
                    &one.id,
                    "a question's id is of small letters, digits and hyphens, at most 64".to_owned(),
                ));
            }
            if !seen.insert(one.id.value.clone()) {
                return Err(wrong(&one.id, format!("there are two questions `{}`", one.id.value)));
            }
            if one.asks.value.trim().is_empty() {
                return Err(wrong(&one.asks, format!("`{}` asks nothing", one.id.value)));
            }
            if one.good == Says::Unknown || one.good == Says::NotApplicable {
                return Err(wrong(
                    &one.id,
                    format!("no answer to `{}` could be good: `good` is yes, no or partly", one.id.value),
                ));
            }
            for source in &one.sources {
                if !source.value.split_once('.').is_some_and(|(family, name)| {
                    ["baa", "terms", "vendor", "ledger", "local"].contains(&family) && !name.is_empty()
                }) {
                    return Err(wrong(
                        source,
                        format!("`{}` is no source: baa.…, terms.…, vendor.…, ledger.… or local.…", source.value),
                    ));
                }
            }
            questions.push(Question {
                id: one.id.value,
                layer: one.layer,
                asks: one.asks.value,
                why: one.why,
                good: one.good,
                severity: one.severity,
                follows: one.follows,
                citation: one.citation,
                mark: one.mark,
                sources: one.sources.into_iter().map(|source| source.value).collect(),
                essential: one.essential,
            });
        }
        Self::of(file, raw.id.value, raw.version.to_string(), raw.title, questions)
    }

    /// Reads a framework in the form of CISO Assistant's libraries: each node that can be assessed becomes a question.
    ///
    /// # Errors
    /// [`QuestionnaireError`], with the place.
    pub fn from_ciso_assistant(file: &str, text: &str) -> Result<Self, QuestionnaireError> {
        ciso::read(file, text)
    }

    pub(super) fn of(
        file: &str,
        id: String,
        version: String,
        title: String,
        questions: Vec<Question>,
    ) -> Result<Self, QuestionnaireError> {
        if questions.is_empty() {
            return Err(QuestionnaireError::Empty {
                file: file.to_owned(),
                hint: "a questionnaire has `questions`, a framework has requirement_nodes with `assessable: true`",
            });
        }
        Ok(Self { id, version, title, questions })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version; raised with any change of what is asked.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is called in files, `id@version`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its questions, in order.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// The question of that id.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }
}

/// Reads YAML of a shape.
pub(super) fn read<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, QuestionnaireError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
        let problem = error.without_snippet().to_string().lines().next().unwrap_or_default().to_owned();
        QuestionnaireError::Malformed { file: file.to_owned(), line, column, problem }
    })
}

/// Line and column of a value.
pub(super) fn place<T>(at: &Spanned<T>) -> (u64, u64) {
    (at.referenced.line(), at.referenced.column())
}

fn token(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-._".contains(letter))
}
