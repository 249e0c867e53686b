//! The templates a practice can choose from: those that come with the program, and its own.

use std::sync::LazyLock;

use crate::language::{LanguageError, language};
use crate::template::Template;

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// Every file of the folder `consent`: `id@version.language.md`, in order of names.
        const FILES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../consent/", $name)))),+];
    };
}

files! {
    "ai-notes@1.en.md",
    "ai-notes@2.en.md",
    "ai-notes@2.es.md",
    "amendment@1.en.md",
    "amendment@1.es.md",
    "cloud-vendor@1.en.md",
    "cloud-vendor@1.es.md",
    "cloud-vendor@2.en.md",
    "cloud-vendor@2.es.md",
    "group-couple-family@1.en.md",
    "group-couple-family@1.es.md",
    "minor@1.en.md",
    "minor@1.es.md",
    "part2@1.en.md",
    "part2@1.es.md",
    "psychotherapy-notes@1.en.md",
    "psychotherapy-notes@1.es.md",
    "supervision@1.en.md",
    "supervision@1.es.md",
    "telehealth-recording@1.en.md",
    "telehealth-recording@1.es.md",
    "training@1.en.md",
    "training@1.es.md",
}

/// A broken one would be left out here; the tests parse every file.
static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| FILES.iter().filter_map(|(file, source)| Template::parse_file(file, source).ok()).collect());

/// Every consent template that comes with the program, in every version and language.
#[must_use]
pub fn all_bundled() -> &'static [Template] {
    &TEMPLATES
}

/// The newest bundled template of an id (`ai-notes`) or a certain version (`ai-notes@1`), in a
/// language (ISO 639-1).
#[must_use]
pub fn bundled(id: &str, lang: &str) -> Option<&'static Template> {
    newest(&TEMPLATES, id, lang)
}

fn newest<'a>(templates: &'a [Template], id: &str, lang: &str) -> Option<&'a Template> {
    let (id, version) = match id.split_once('@') {
        Some((id, version)) => (id, Some(version.parse::<u32>().ok()?)),
        None => (id, None),
    };
    templates
        .iter()
        .filter(|t| t.id() == id && t.lang() == lang && version.is_none_or(|version| t.version() == version))
        .max_by_key(|t| t.version())
}

/// Why a template was not found, or not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShelfError {
    /// The language is none, or cannot be set.
    #[error(transparent)]
    Language(#[from] LanguageError),
    /// No template of that id in any language.
    #[error("there is no consent template `{id}`: choose one of {}", known.join(", "))]
    NoTemplate {
        /// As asked.
        id: String,
        /// The ids there are.
        known: Vec<String>,
    },
    /// Another version than any there is.
    #[error("there is no version {version} of the consent template {id}: there is {}", known.join(", "))]
    NoVersion {
        /// The id.
        id: String,
        /// As asked.
        version: String,
        /// The versions there are.
        known: Vec<String>,
    },
    /// Not in that language.
    #[error("the consent template {id} is not there in `{lang}`, but in {}: use one of these and an interpreter, or write your own", known.join(", "))]
    NoLanguage {
        /// The id.
        id: String,
        /// As asked.
        lang: String,
        /// The languages there are.
        known: Vec<String>,
    },
    /// Two templates of one name and language.
    #[error("{file}: there is already a template {name} in `{lang}`: give this one another id or a higher version")]
    Taken {
        /// The file of the second.
        file: String,
        /// Id and version.
        name: String,
        /// Language.
        lang: String,
    },
}

/// Templates to choose from.
#[derive(Debug, Clone)]
pub struct Shelf {
    templates: Vec<Template>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::bundled()
    }
}

impl Shelf {
    /// Those that come with the program.
    #[must_use]
    pub fn bundled() -> Self {
        Self { templates: TEMPLATES.clone() }
    }

    /// With a practice's own template.
    ///
    /// # Errors
    /// [`ShelfError::Taken`]: a template never stands for another of the same name.
    pub fn with(mut self, own: Template) -> Result<Self, ShelfError> {
        if self.templates.iter().any(|other| other.name() == own.name() && other.lang() == own.lang()) {
            let (file, name, lang) = (own.file().to_owned(), own.name(), own.lang().to_owned());
            return Err(ShelfError::Taken { file, name, lang });
        }
        self.templates.push(own);
        Ok(self)
    }

    /// Every template, the bundled ones first.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.templates
    }

    /// The newest template of an id, or a certain version (`ai-notes@1`), in a language.
    ///
    /// # Errors
    /// [`ShelfError`] says what there is instead.
    pub fn find(&self, id: &str, lang: &str) -> Result<&Template, ShelfError> {
        let lang = language(lang)?;
        if let Some(found) = newest(&self.templates, id, lang) {
            return Ok(found);
        }
        let (bare, version) = id.split_once('@').map_or((id, None), |(bare, version)| (bare, Some(version)));
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(40).collect::<String>();
        let of_id: Vec<&Template> = self.templates.iter().filter(|t| t.id() == bare).collect();
        if of_id.is_empty() {
            let known = sorted(self.templates.iter().map(|t| t.id().to_owned()));
            return Err(ShelfError::NoTemplate { id: shown(bare), known });
        }
        let of_version = |version: &str| of_id.iter().any(|t| t.version().to_string() == version);
        if let Some(version) = version.filter(|version| !of_version(version)) {
            let known = sorted(of_id.iter().map(|t| t.version().to_string()));
            return Err(ShelfError::NoVersion { id: shown(bare), version: shown(version), known });
        }
        let fitting = of_id.iter().filter(|t| version.is_none_or(|version| t.version().to_string() == version));
        Err(ShelfError::NoLanguage {
            id: shown(id),
            lang: lang.to_owned(),
            known: sorted(fitting.map(|t| t.lang().to_owned())),
        })
    }
}

fn sorted(words: impl Iterator<Item = String>) -> Vec<String> {
    words.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_parses_and_is_named_after_what_it_holds() {
        for (file, source) in FILES {
            let template = Template::parse_file(file, source).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(*file, format!("{}.{}.md", template.name(), template.lang()));
            assert_eq!(template.markup_faults(), [], "{file}");
            assert_eq!(template.source(), *source, "{file}");
        }
        let folder = std::fs::read_dir("consent").expect("the folder is there");
        let mut found: Vec<String> =
            folder.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        found.sort();
        assert_eq!(found, FILES.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn every_template_is_there_in_english_and_spanish_and_every_translation_is_named_as_one() {
        for template in all_bundled().iter().filter(|template| template.name() != "ai-notes@1") {
            let other = if template.lang() == "en" { "es" } else { "en" };
            let other = bundled(&template.name(), other).unwrap_or_else(|| panic!("{} lacks {other}", template.name()));
            assert_eq!((template.purposes(), template.elements()), (other.purposes(), other.elements()));
            assert_eq!((template.form(), template.promise()), (other.form(), other.promise()));
            match (template.lang(), template.translation()) {
                ("en", None) => {}
                ("es", Some(translation)) => {
                    assert!(translation.by.contains("machine-translated by Provenote's makers"), "{}", translation.by);
                    assert!(!translation.reviewed_by_person, "no person has reviewed it yet");
                }
                other => panic!("{}: {other:?}", template.name()),
            }
        }
    }

    #[test]
    fn a_template_is_found_by_id_version_and_language() {
        assert_eq!(bundled("ai-notes", "en").map(Template::name).as_deref(), Some("ai-notes@2"));
        assert_eq!(bundled("minor", "es").map(Template::name).as_deref(), Some("minor@1"));
        assert!(bundled("ai-notes@1", "en").is_some());
        for (id, lang) in [("ai-notes@9", "en"), ("ai-notes", "xx"), ("nosuch", "en"), ("ai-notes@x", "en")] {
            assert!(bundled(id, lang).is_none(), "{id} {lang}");
        }
    }

    #[test]
    fn what_is_not_there_is_said_in_a_sentence_with_what_is() {
        let shelf = Shelf::bundled();
        let says = |id: &str, lang: &str| shelf.find(id, lang).expect_err("not there").to_string();
        assert!(says("ai-notes", "xx").contains("`xx` is no language code"));
        assert!(says("ai-notes", "he").contains("right to left"));
        assert!(
            says("ai-note", "en").contains("there is no consent template `ai-note`: choose one of ai-notes, amendment")
        );
        assert!(says("ai-notes@9", "en").contains("there is no version 9"));
        assert!(says("ai-notes@1", "es").contains("not there in `es`, but in en"));
        assert!(says("ai-notes", "fr").contains("not there in `fr`, but in en, es"));
    }

    #[test]
    fn a_template_of_ones_own_never_stands_for_another() {
        let own = |name: &str| {
            let source = bundled("ai-notes@1", "en").expect("bundled").source().replace("id: ai-notes", name);
            Template::parse_file("own.md", &source).expect("parses")
        };
        assert!(matches!(Shelf::bundled().with(own("id: ai-notes")), Err(ShelfError::Taken { .. })));
        let shelf = Shelf::bundled().with(own("id: ours")).expect("a new name");
        assert_eq!(shelf.find("ours", "en").map(Template::file), Ok("own.md"));
        assert_eq!(shelf.templates().len(), all_bundled().len() + 1);
    }
}
