//! What a consent form must speak of, and whether a template does. Read from
//! `rules/elements.yaml`, condensed from the regulatory facts, with their marks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_templates::{Covering, Template};
use serde::Deserialize;

use crate::states::State;

const RULES: &str = include_str!("../rules/elements.yaml");

/// When a form needs an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// In every form.
    Always,
    /// Where more than one person takes part.
    SeveralPeople,
    /// Where the client is under 18 or a guardian takes part.
    Minor,
    /// A good form has it; no form is refused for lacking it.
    Recommended,
    /// Held by the reading grade of every section, not by a paragraph.
    ReadingGrade,
}

/// One thing a form must speak of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// `CON-01` and so on.
    pub id: String,
    /// What it is about.
    pub element: String,
    /// Words that would say it.
    pub says: String,
    /// When it is needed.
    pub need: Need,
    /// How strongly, in the words of the source.
    pub level: String,
    /// States whose law is named as requiring it.
    pub states: Vec<String>,
    /// Citations.
    pub basis: Vec<String>,
    /// How that was checked. Always shown with the citations.
    pub mark: String,
    /// By language: the paragraph that covers the element holds at least one of these.
    pub words: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    elements: Vec<Element>,
}

static TABLE: LazyLock<Vec<Element>> =
    LazyLock::new(|| serde_saphyr::from_str::<Rules>(RULES).map(|rules| rules.elements).unwrap_or_default());

/// Every element, in the order of the list.
#[must_use]
pub fn elements() -> &'static [Element] {
    &TABLE
}

/// An element a template or form lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `CON-01` and so on.
    pub id: String,
    /// What it is about.
    pub element: String,
    /// Words that would say it.
    pub says: String,
    /// False where it is only recommended.
    pub required: bool,
    /// The citations that name this state, or all where the state is not named, with the mark.
    pub why: String,
}

/// True where the words that cover an element are there and speak of it.
fn speaks_of(element: &Element, lang: &str, covering: &Covering) -> bool {
    let Some(said) = covering.words_for(&element.id) else { return false };
    let said = said.to_lowercase();
    // A language without a word list is taken at the marker's word.
    element
        .words
        .get(lang)
        .is_none_or(|words| words.is_empty() || words.iter().any(|word| said.contains(word.as_str())))
}

fn missing(element: &Element, state: State) -> Missing {
    let named = element.states.iter().any(|code| code == state.code());
    let where_from = if element.basis.is_empty() { "design".to_owned() } else { element.basis.join("; ") };
    let lead = if named { format!("named as required in {state}: ") } else { String::new() };
    Missing {
        id: element.id.clone(),
        element: element.element.clone(),
        says: element.says.clone(),
        required: element.need != Need::Recommended,
        why: format!("{lead}{where_from} (mark: {})", element.mark),
    }
}

/// The elements a template lacks: those it does not list, and those it lists without a paragraph
/// that speaks of them. A template must provide for several people and for minors too, since it
/// is made before anybody knows who will come.
#[must_use]
pub fn missing_elements(template: &Template, state: State) -> Vec<Missing> {
    let covering = template.covered_somewhere();
    elements()
        .iter()
        .filter(|element| element.need != Need::ReadingGrade)
        .filter(|element| !template.elements().contains(&element.id) || !speaks_of(element, template.lang(), &covering))
        .map(|element| missing(element, state))
        .collect()
}

/// The required elements a rendered form lacks, given who takes part.
pub(crate) fn missing_in_form(covering: &Covering, lang: &str, several: bool, minor: bool) -> Vec<&'static str> {
    elements()
        .iter()
        .filter(|element| match element.need {
            Need::Always => true,
            Need::SeveralPeople => several,
            Need::Minor => minor,
            Need::Recommended | Need::ReadingGrade => false,
        })
        .filter(|element| !speaks_of(element, lang, covering))
        .map(|element| element.id.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        let rules = serde_saphyr::from_str::<Rules>(RULES).expect("the file is read");
        let ids: Vec<String> = (1..=32).map(|n| format!("CON-{n:02}")).collect();
        assert_eq!(rules.elements.iter().map(|e| e.id.clone()).collect::<Vec<_>>(), ids);
        for element in &rules.elements {
            assert!(!element.mark.is_empty() && !element.says.is_empty(), "{}", element.id);
            assert!(element.states.iter().all(|code| State::parse(code).is_ok()), "{}", element.id);
            assert!(element.words.values().flatten().all(|word| *word == word.to_lowercase()), "{}", element.id);
        }
    }

    fn bundled_source() -> String {
        let template = provenote_templates::bundled("ai-notes@1", "en").expect("bundled");
        include_str!("../../templates/consent/ai-notes@1.en.md").replace("ai-notes@1", &template.name())
    }

    fn il() -> State {
        State::parse("IL").expect("a state")
    }

    #[test]
    fn the_bundled_template_lacks_nothing_in_any_state() {
        let template = Template::parse(&bundled_source()).expect("parses");
        for state in State::all() {
            assert_eq!(missing_elements(&template, state), [], "{state}");
        }
    }

    /// Takes the marker that names `id` out of the source, or the paragraph or list below it, or both.
    fn without(source: &str, id: &str, marker: bool, paragraph: bool) -> String {
        let mut out = Vec::new();
        let mut below = false;
        for line in source.lines() {
            if line.starts_with("<!--") && line.contains(id) {
                below = true;
                if marker {
                    continue;
                }
            } else if below && paragraph && !line.is_empty() {
                // Tags stay, so that every `if` keeps its `endif`.
                if !line.starts_with("{%") || !line.ends_with("%}") {
                    continue;
                }
            } else {
                below = false;
            }
            out.push(line);
        }
        out.join("\n") + "\n"
    }

    #[test]
    fn taking_a_paragraph_or_its_marker_out_is_found() {
        let source = bundled_source();
        for element in elements().iter().filter(|element| element.need != Need::ReadingGrade) {
            for (marker, paragraph) in [(true, false), (false, true), (true, true)] {
                let cut = without(&source, &element.id, marker, paragraph);
                assert_ne!(cut, source, "{}", element.id);
                let template = Template::parse(&cut).unwrap_or_else(|error| panic!("{}: {error}", element.id));
                assert!(
                    missing_elements(&template, il()).iter().any(|missing| missing.id == element.id),
                    "{} is not missed (marker {marker}, paragraph {paragraph})",
                    element.id
                );
            }
        }
    }

    #[test]
    fn a_marker_over_words_of_something_else_does_not_count() {
        let source = "---\nid: t\nversion: 1\nlang: en\ntitle: T\npurposes: [ai_notes]\nelements: [CON-01, CON-02]\njurisdictions: [US]\n---\n\
                      <!-- CON-01 -->\nWe are glad to see you.\n\n<!-- CON-02 -->\nArtificial intelligence is used.\n";
        let found = missing_elements(&Template::parse(source).expect("parses"), il());
        assert!(found.iter().any(|missing| missing.id == "CON-01" && missing.required));
        assert!(!found.iter().any(|missing| missing.id == "CON-02"));
        let purpose = found.iter().find(|missing| missing.id == "CON-03").expect("not listed at all");
        assert!(purpose.why.contains("named as required in IL") && purpose.why.contains("mark: verified from"));
    }
}
