//! The templates that come with the program.

use std::sync::LazyLock;

use crate::template::Template;

/// Every file of the folder `consent`: `id@version.language.md`.
const FILES: &[(&str, &str)] = &[("ai-notes@1.en.md", include_str!("../consent/ai-notes@1.en.md"))];

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
    let (id, version) = match id.split_once('@') {
        Some((id, version)) => (id, Some(version.parse::<u32>().ok()?)),
        None => (id, None),
    };
    TEMPLATES
        .iter()
        .filter(|t| t.id() == id && t.lang() == lang && version.is_none_or(|version| t.version() == version))
        .max_by_key(|t| t.version())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_parses_and_is_named_after_what_it_holds() {
        for (file, source) in FILES {
            let template = Template::parse_file(file, source).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(*file, format!("{}.{}.md", template.name(), template.lang()));
        }
        let folder = std::fs::read_dir("consent").expect("the folder is there");
        let mut found: Vec<String> =
            folder.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
        found.sort();
        assert_eq!(found, FILES.iter().map(|(file, _)| (*file).to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn a_template_is_found_by_id_version_and_language() {
        assert_eq!(bundled("ai-notes", "en").map(Template::name).as_deref(), Some("ai-notes@1"));
        assert!(bundled("ai-notes@1", "en").is_some());
        for (id, lang) in [("ai-notes@9", "en"), ("ai-notes", "xx"), ("nosuch", "en"), ("ai-notes@x", "en")] {
            assert!(bundled(id, lang).is_none(), "{id} {lang}");
        }
    }
}
