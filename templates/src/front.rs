//! The front matter of a template.

use serde::Deserialize;

use crate::language::language;

/// The front matter as it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Front {
    pub(crate) id: String,
    pub(crate) version: u32,
    #[serde(alias = "language")]
    pub(crate) lang: String,
    pub(crate) title: String,
    #[serde(default = "recording")]
    pub(crate) form: String,
    #[serde(default)]
    pub(crate) promise: Promise,
    pub(crate) purposes: Vec<String>,
    pub(crate) elements: Vec<String>,
    pub(crate) jurisdictions: Vec<String>,
    #[serde(default)]
    pub(crate) translator: Option<String>,
    #[serde(default)]
    pub(crate) reviewed_by_person: Option<bool>,
}

/// Which changes of what is done the text says end the consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// Any change of substance, for better or worse: what is taken where nothing is said.
    #[default]
    AnyChange,
    /// A change that the signer may mind.
    ForWorse,
}

fn recording() -> String {
    "recording".to_owned()
}

/// Who translated a template, and whether a person who speaks the language has read it since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Translation<'a> {
    /// In words, as the form prints them.
    pub by: &'a str,
    /// Whether a person has reviewed it.
    pub reviewed_by_person: bool,
}

fn token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Front {
    pub(crate) fn translation(&self) -> Option<Translation<'_>> {
        let by = self.translator.as_deref()?;
        Some(Translation { by, reviewed_by_person: self.reviewed_by_person.unwrap_or(false) })
    }

    /// The first field that is not as it must be, and what to do.
    pub(crate) fn problem(&self) -> Option<(&'static str, String)> {
        let one = |field: &'static str, problem: &str| Some((field, problem.to_owned()));
        if !token(&self.id) {
            return one("id", "`id` is lower-case letters, digits and hyphens");
        }
        if self.version == 0 {
            return one("version", "`version` counts from 1");
        }
        match language(&self.lang) {
            Err(error) => return Some(("lang", error.to_string())),
            Ok(code) if code != self.lang => return one("lang", "`language` is two lower-case letters, such as en"),
            Ok(_) => {}
        }
        if self.title.trim().is_empty() {
            return one("title", "`title` is empty");
        }
        if !word(&self.form) {
            return one("form", "`form` is one word, such as recording");
        }
        if self.purposes.is_empty() {
            return one("purposes", "`purposes` is empty: say what the template asks consent for");
        }
        if self.jurisdictions.is_empty() {
            return one("jurisdictions", "`jurisdictions` is empty: list states by their two letters, or US for all");
        }
        match (&self.translator, self.reviewed_by_person) {
            (Some(by), _) if by.trim().is_empty() => {
                one("translator", "`translator` is empty: say who translated the form")
            }
            (Some(_), None) => one(
                "translator",
                "a translated form also says `reviewed_by_person`: true or false, whether a person has read the translation",
            ),
            (None, Some(_)) => one("reviewed_by_person", "`reviewed_by_person` stands only beside `translator`"),
            _ => None,
        }
    }
}
