//! The list of models: who made what, under which licence, and the digest that identifies it.

use std::path::PathBuf;

use provenote_schemas::Digest;
use provenote_schemas::disclosure::ModelFact;
use serde::{Deserialize, Serialize};

use crate::magic::Format;

/// What a model is for, and so which worker loads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Speech to text: a whisper.cpp file.
    Whisper,
    /// Drafting: a GGUF file.
    Llama,
    /// Voice activity: a whisper.cpp file of Silero.
    Vad,
}

impl Engine {
    /// The word in the catalogue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whisper => "whisper",
            Self::Llama => "llama",
            Self::Vad => "vad",
        }
    }

    /// The format this engine reads.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::Whisper => Format::Whisper,
            Self::Llama => Format::Gguf,
            Self::Vad => Format::Silero,
        }
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What commands call it: lower case letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// A name people know, for consent forms.
    pub name: String,
    /// Who made it, for consent forms.
    pub maker: String,
    /// Its licence, an SPDX expression where there is one.
    pub licence: String,
    /// What it is for.
    pub engine: Engine,
    /// The file's name in a models folder.
    pub file: String,
    /// The file's length in bytes.
    pub bytes: u64,
    /// What the file must be.
    pub sha256: Digest,
    /// Where it can be pulled from, where the catalogue knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The file itself, where it lies outside the models folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A word to the person who chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entry {
    /// The model as a consent form names it.
    #[must_use]
    pub fn fact(&self) -> ModelFact {
        ModelFact { id: self.id.clone(), name: self.name.clone(), maker: self.maker.clone(), sha256: self.sha256 }
    }
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file is no catalogue.
    #[error("{file}, line {line}, column {column}: {problem}; correct that line, or move the file away to start anew")]
    Malformed {
        /// The catalogue's file.
        file: String,
        /// Counted from 1.
        line: u64,
        /// Counted from 1.
        column: u64,
        /// What the parser says of it.
        problem: String,
    },
    /// An id that cannot be typed, a name that leaves the folder, or two models of one id.
    #[error("{file}, model `{id}`: {problem}; correct that entry")]
    BadEntry {
        /// The catalogue's file.
        file: String,
        /// The entry's id, shortened.
        id: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// A list of models with distinct ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    models: Vec<Entry>,
}

impl Catalogue {
    /// What Provenote ships.
    #[must_use]
    pub fn bundled() -> Self {
        Self::parse("catalogue.yaml", include_str!("../catalogue.yaml"))
            .expect("the bundled catalogue is part of the program and read by its tests")
    }

    /// Reads a catalogue. `file` is how errors name it.
    ///
    /// # Errors
    /// [`CatalogueError`].
    pub fn parse(file: &str, text: &str) -> Result<Self, CatalogueError> {
        let catalogue: Self = serde_saphyr::from_str(text).map_err(|error| CatalogueError::Malformed {
            file: file.to_owned(),
            line: error.location().map_or(1, |at| at.line()),
            column: error.location().map_or(1, |at| at.column()),
            problem: error.without_snippet().to_string().lines().next().unwrap_or_default().to_owned(),
        })?;
        for (i, entry) in catalogue.models.iter().enumerate() {
            let bad = |problem| {
                Err(CatalogueError::BadEntry {
                    file: file.to_owned(),
                    id: entry.id.chars().take(60).collect(),
                    problem,
                })
            };
            if !is_id(&entry.id) {
                return bad("an id has 1 to 64 of a-z, 0-9, `.`, `_` and `-`");
            }
            if !is_file_name(&entry.file) {
                return bad("`file` is a plain file name");
            }
            if entry.bytes == 0 {
                return bad("`bytes` is the file's length");
            }
            if catalogue.models[..i].iter().any(|earlier| earlier.id == entry.id) {
                return bad("the id is there twice");
            }
        }
        Ok(catalogue)
    }

    /// The catalogue as YAML.
    ///
    /// # Errors
    /// A message, where a path is no text.
    pub(crate) fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|error| error.to_string())
    }

    /// The models, in the catalogue's order.
    #[must_use]
    pub fn models(&self) -> &[Entry] {
        &self.models
    }

    /// The model of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.models.iter().find(|entry| entry.id == id)
    }

    /// Puts an entry in, in place of one with the same id.
    pub(crate) fn put(&mut self, entry: Entry) {
        match self.models.iter_mut().find(|old| old.id == entry.id) {
            Some(old) => *old = entry,
            None => self.models.push(entry),
        }
    }

    /// These models and, where theirs is another id, those.
    #[must_use]
    pub(crate) fn over(mut self, others: Self) -> Self {
        let rest: Vec<Entry> = others.models.into_iter().filter(|entry| self.get(&entry.id).is_none()).collect();
        self.models.extend(rest);
        self
    }
}

pub(crate) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

/// A name that stays in its folder, hides nothing, and clashes with no file of our own.
pub(crate) fn is_file_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with('.')
        && !name.contains(['/', '\\', ':', '\0'])
        && !name.chars().any(char::is_control)
        && ![".part", ".tag", ".yaml"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_models_have_distinct_digests_and_no_address() {
        let bundled = Catalogue::bundled();
        let ids: Vec<&str> = bundled.models().iter().map(|m| m.id.as_str()).collect();
        for id in [
            "whisper-base",
            "whisper-tiny.en",
            "silero-vad",
            "smollm2-135m",
            "qwen2.5-coder-0.5b",
            "qwen2.5-coder-1.5b",
        ] {
            assert!(ids.contains(&id), "{id}");
        }
        let mut digests: Vec<String> = bundled.models().iter().map(|m| m.sha256.to_string()).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), ids.len());
        assert!(bundled.models().iter().all(|m| m.url.is_none() && m.path.is_none()));
    }

    #[test]
    fn a_damaged_catalogue_is_refused_with_line_and_column() {
        let good = Catalogue::bundled().to_yaml().expect("plain text");
        assert_eq!(Catalogue::parse("c.yaml", &good).expect("what we wrote"), Catalogue::bundled());
        for (from, to, at) in [
            ("engine: whisper", "engine: wisper", 6),
            ("bytes: 147951465", "bytes: many", 8),
            ("maker: OpenAI", "maker: [OpenAI", 4),
            ("licence: MIT", "license: MIT", 5),
        ] {
            let error = Catalogue::parse("c.yaml", &good.replacen(from, to, 1)).expect_err(to);
            let CatalogueError::Malformed { line, column, .. } = &error else { panic!("{to}: {error}") };
            assert!((at..=at + 2).contains(line) && *column >= 1, "{to}: {error}");
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
        }
        let short = good.replacen(&Catalogue::bundled().models()[0].sha256.to_string(), "c0db47", 1);
        assert!(Catalogue::parse("c.yaml", &short).is_err(), "a digest has 64 digits");
    }

    #[test]
    fn an_entry_cannot_name_a_file_outside_its_folder() {
        for (id, file) in
            [("a", "../x.gguf"), ("a", "/etc/x"), ("a", ".x"), ("a", "x.part"), ("A B", "x"), ("", "x"), ("a", "")]
        {
            let mut catalogue = Catalogue::bundled();
            let entry = Entry { id: id.to_owned(), file: file.to_owned(), ..catalogue.models()[0].clone() };
            catalogue.put(entry);
            let yaml = catalogue.to_yaml().expect("plain text");
            assert!(
                matches!(Catalogue::parse("c.yaml", &yaml), Err(CatalogueError::BadEntry { .. })),
                "{id:?} {file:?}"
            );
        }
        let twice = Catalogue { models: vec![Catalogue::bundled().models[0].clone(); 2] };
        assert!(Catalogue::parse("c.yaml", &twice.to_yaml().expect("plain text")).is_err());
    }

    #[test]
    fn the_practices_own_entry_stands_over_the_bundled_one() {
        let own =
            Catalogue { models: vec![Entry { note: Some("mine".into()), ..Catalogue::bundled().models[0].clone() }] };
        let both = own.over(Catalogue::bundled());
        assert_eq!(both.models().len(), Catalogue::bundled().models().len());
        assert_eq!(both.get("whisper-base").and_then(|m| m.note.as_deref()), Some("mine"));
    }
}
