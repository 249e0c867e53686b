//! What a consent form must speak of, and whether a template does. Read from
//! `rules/elements.yaml`, condensed from the regulatory facts, with their marks.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_templates::{Covering, Template};
use serde::Deserialize;

use crate::states::State;

const RULES: &str = include_str!("../rules/elements.yaml");

/// When a form needs an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// In every form of its kind.
    Always,
    /// Where more than one person takes part.
    SeveralPeople,
    /// Where somebody is under age or a guardian takes part.
    Minor,
    /// A good form has it; no form is refused for lacking it.
    Recommended,
    /// Held by the reading level of every section, not by a paragraph.
    Reading,
}

/// Where an element comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Informed consent to recording and AI-assisted notes.
    Consent,
    /// A HIPAA authorization (45 CFR 164.508).
    HipaaAuthorization,
    /// A Part 2 consent (42 CFR 2.31).
    Part2Consent,
    /// Electronic signatures (15 U.S.C. 7001, UETA): how a form is signed, not what it says.
    ElectronicSignature,
    /// Codes of ethics: how consent is asked for, not what a form says.
    EthicsCodes,
}

/// One thing a form must speak of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Element {
    /// `CON-01`, `AUTH-1`, `P2-1` and so on.
    pub id: String,
    /// Where it comes from.
    pub group: Group,
    /// What it is about.
    pub element: String,
    /// Words that would say it, or what the source requires.
    pub says: String,
    /// How strongly, in the words of the source.
    pub level: String,
    /// States whose law is named as requiring it.
    pub states: Vec<String>,
    /// Citations.
    pub basis: Vec<String>,
    /// How that was checked. Always shown with the citations.
    pub mark: String,
    /// By language, the probe: the paragraph that covers the element holds at least one of these; of
    /// `a & b` both. Empty for what stands on no form.
    pub words: BTreeMap<String, Vec<String>>,
}

/// What one kind of form needs, by ids.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Needs {
    always: Vec<String>,
    several_people: Vec<String>,
    minor: Vec<String>,
    recommended: Vec<String>,
    reading: Vec<String>,
}

impl Needs {
    fn all(&self) -> impl Iterator<Item = (Need, &str)> {
        let lists = [
            (Need::Always, &self.always),
            (Need::SeveralPeople, &self.several_people),
            (Need::Minor, &self.minor),
            (Need::Recommended, &self.recommended),
            (Need::Reading, &self.reading),
        ];
        lists.into_iter().flat_map(|(need, ids)| ids.iter().map(move |id| (need, id.as_str())))
    }
}

/// A rule that binds the program rather than a form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRule {
    /// What it says.
    pub rule: String,
    /// Where it comes from.
    pub basis: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    forms: BTreeMap<String, Needs>,
    elements: Vec<Element>,
    rules: Vec<ProgramRule>,
}

static TABLE: LazyLock<Rules> = LazyLock::new(|| serde_saphyr::from_str::<Rules>(RULES).unwrap_or_default());

/// Every element, in the order of the list.
#[must_use]
pub fn elements() -> &'static [Element] {
    &TABLE.elements
}

/// The rules that bind the program rather than a form.
#[must_use]
pub fn program_rules() -> &'static [ProgramRule] {
    &TABLE.rules
}

/// The element of an id.
#[must_use]
pub(crate) fn element(id: &str) -> Option<&'static Element> {
    TABLE.elements.iter().find(|element| element.id == id)
}

/// The kinds of forms there are, for `form` in a template's front matter.
pub fn form_kinds() -> impl Iterator<Item = &'static str> {
    TABLE.forms.keys().map(String::as_str)
}

/// What a kind of form needs, in the order of the list of elements; nothing for a kind that is none.
#[must_use]
pub fn needed(form: &str) -> Vec<(&'static Element, Need)> {
    let Some(needs) = TABLE.forms.get(form) else { return Vec::new() };
    let need = |element: &Element| needs.all().find(|(_, id)| *id == element.id).map(|(need, _)| need);
    TABLE.elements.iter().filter_map(|element| Some((element, need(element)?))).collect()
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
pub(crate) fn speaks_of(element: &Element, lang: &str, covering: &Covering) -> bool {
    let Some(said) = covering.words_for(&element.id) else { return false };
    let said = said.to_lowercase();
    let holds = |probe: &String| probe.split(" & ").all(|part| said.contains(part));
    // A language without a word list is taken at the marker's word.
    element.words.get(lang).is_none_or(|words| words.is_empty() || words.iter().any(holds))
}

fn missing(element: &Element, need: Need, state: State) -> Missing {
    let named = element.states.iter().any(|code| code == state.code());
    let where_from = if element.basis.is_empty() { "design".to_owned() } else { element.basis.join("; ") };
    let lead = if named { format!("named as required in {state}: ") } else { String::new() };
    Missing {
        id: element.id.clone(),
        element: element.element.clone(),
        says: element.says.clone(),
        required: need != Need::Recommended,
        why: format!("{lead}{where_from} (mark: {})", element.mark),
    }
}

/// The elements a template lacks: those it does not list, and those it lists without a paragraph
/// that speaks of them. A template must provide for several people and for minors too, since it
/// is made before anybody knows who will come.
#[must_use]
pub fn missing_elements(template: &Template, state: State) -> Vec<Missing> {
    let covering = template.covered_somewhere();
    needed(template.form())
        .into_iter()
        .filter(|(_, need)| *need != Need::Reading)
        .filter(|(element, _)| {
            !template.elements().contains(&element.id) || !speaks_of(element, template.lang(), &covering)
        })
        .map(|(element, need)| missing(element, need, state))
        .collect()
}

/// The elements a template claims beyond what its kind needs, without a paragraph that speaks of them.
pub(crate) fn empty_claims(template: &Template) -> Vec<&'static Element> {
    let covering = template.covered_somewhere();
    let needed = needed(template.form());
    template
        .elements()
        .iter()
        .filter_map(|id| element(id))
        .filter(|element| !needed.iter().any(|(one, _)| one.id == element.id))
        .filter(|element| !speaks_of(element, template.lang(), &covering))
        .collect()
}

/// The required elements a rendered form lacks, given who takes part.
pub(crate) fn missing_in_form(
    form: &str,
    covering: &Covering,
    lang: &str,
    several: bool,
    minor: bool,
) -> Vec<&'static str> {
    needed(form)
        .into_iter()
        .filter(|(_, need)| match need {
            Need::Always => true,
            Need::SeveralPeople => several,
            Need::Minor => minor,
            Need::Recommended | Need::Reading => false,
        })
        .filter(|(element, _)| !speaks_of(element, lang, covering))
        .map(|(element, _)| element.id.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use provenote_templates::all_bundled;

    #[test]
    fn the_list_is_whole() {
        let rules = serde_saphyr::from_str::<Rules>(RULES).expect("the file is read");
        let count = |group: Group| rules.elements.iter().filter(|element| element.group == group).count();
        assert_eq!(
            [
                Group::Consent,
                Group::HipaaAuthorization,
                Group::Part2Consent,
                Group::ElectronicSignature,
                Group::EthicsCodes
            ]
            .map(count),
            [32, 14, 10, 14, 15]
        );
        assert_eq!(rules.rules.len(), 6);
        let ids: std::collections::BTreeSet<&str> = rules.elements.iter().map(|element| element.id.as_str()).collect();
        assert_eq!(ids.len(), rules.elements.len(), "each id once");
        for element in &rules.elements {
            assert!(!element.mark.is_empty() && !element.says.is_empty(), "{}", element.id);
            assert!(element.states.iter().all(|code| State::parse(code).is_ok()), "{}", element.id);
            assert!(element.words.values().flatten().all(|word| *word == word.to_lowercase()), "{}", element.id);
        }
        for (form, needs) in &rules.forms {
            let mut seen = std::collections::BTreeSet::new();
            for (need, id) in needs.all() {
                assert!(seen.insert(id), "{form} names {id} twice");
                let element = element(id).unwrap_or_else(|| panic!("{form}: {id}"));
                // Whatever a paragraph must say can be probed for in both languages.
                let probed =
                    ["en", "es"].iter().all(|lang| element.words.get(*lang).is_some_and(|words| !words.is_empty()));
                assert_eq!(probed, need != Need::Reading, "{form}: {id}");
            }
        }
        let forms: Vec<&str> = form_kinds().collect();
        assert_eq!(forms, ["amendment", "hipaa_authorization", "part2_consent", "recording", "secondary_use"]);
        assert!(all_bundled().iter().all(|template| forms.contains(&template.form())));
    }

    #[test]
    fn every_core_element_of_an_authorization_and_of_a_part_2_consent_is_asked_for_somewhere() {
        for (group, form) in
            [(Group::HipaaAuthorization, "hipaa_authorization"), (Group::Part2Consent, "part2_consent")]
        {
            let asked = needed(form);
            for element in elements().iter().filter(|element| element.group == group) {
                assert!(asked.iter().any(|(one, _)| one.id == element.id), "{form}: {}", element.id);
            }
        }
        let asked = needed("recording");
        assert!(
            elements()
                .iter()
                .filter(|one| one.group == Group::Consent)
                .all(|one| asked.iter().any(|(a, _)| a.id == one.id))
        );
    }

    fn il() -> State {
        State::parse("IL").expect("a state")
    }

    #[test]
    fn the_bundled_templates_lack_nothing_in_any_state_and_claim_nothing_empty() {
        for template in all_bundled() {
            for state in State::all() {
                assert_eq!(missing_elements(template, state), [], "{} {}: {state}", template.name(), template.lang());
            }
            assert_eq!(empty_claims(template), Vec::<&Element>::new(), "{} {}", template.name(), template.lang());
            assert!(template.elements().iter().all(|id| element(id).is_some()), "{}", template.name());
        }
    }

    /// Takes the marker that names `id` out of the source, or the paragraph or list below it, or both.
    fn without(source: &str, id: &str, marker: bool, paragraph: bool) -> String {
        let mut out = Vec::new();
        let mut below = false;
        let names =
            |line: &str| line.trim_start_matches("<!--").trim_end_matches("-->").split([',', ' ']).any(|one| one == id);
        for line in source.lines() {
            if line.starts_with("<!--") && names(line) {
                below = true;
                if marker {
                    continue;
                }
            } else if below && paragraph && !line.is_empty() {
                // Tags stay, so that every `if` keeps its `endif`; the words between them go.
                let tags: String = line
                    .match_indices("{%")
                    .filter_map(|(at, _)| line[at..].find("%}").map(|end| &line[at..at + end + 2]))
                    .collect();
                if !tags.is_empty() {
                    out.push(tags);
                }
                continue;
            } else {
                below = false;
            }
            out.push(line.to_owned());
        }
        out.join("\n") + "\n"
    }

    #[test]
    fn taking_a_paragraph_or_its_marker_out_is_found_in_every_bundled_template() {
        for template in all_bundled() {
            for (element, _) in needed(template.form()).into_iter().filter(|(_, need)| *need != Need::Reading) {
                for (marker, paragraph) in [(true, false), (false, true)] {
                    let cut = without(template.source(), &element.id, marker, paragraph);
                    let what = format!("{} {}: {}", template.name(), template.lang(), element.id);
                    assert_ne!(cut, template.source(), "{what}");
                    let cut = Template::parse(&cut).unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(
                        missing_elements(&cut, il()).iter().any(|missing| missing.id == element.id),
                        "{what} is not missed (marker {marker}, paragraph {paragraph})"
                    );
                }
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
        // The same words in Spanish are probed for in Spanish.
        let spanish = source.replace("lang: en", "lang: es");
        assert!(
            missing_elements(&Template::parse(&spanish).expect("parses"), il()).iter().any(|one| one.id == "CON-02")
        );
    }
}
