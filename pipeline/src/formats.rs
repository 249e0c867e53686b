//! Note formats, read from `rules/formats.yaml`.

use std::sync::LazyLock;

use serde::Deserialize;

/// A section of a format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionSpec {
    /// The section's heading and its key in the model's answer, such as `Subjective`.
    pub key: String,
    /// What belongs into it.
    pub holds: String,
    /// What the model is asked to write there: follows the key and a colon.
    pub instruction: String,
    /// What a recording cannot show: shown to the clinician, never asked of the model.
    #[serde(default, rename = "for_clinician")]
    pub clinician_only: Option<String>,
    /// True where the section speaks of the time to come.
    #[serde(default)]
    pub planned: bool,
}

/// A note format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteFormat {
    /// In capitals, such as `SOAP`.
    pub id: String,
    /// Its sections in words.
    pub name: String,
    /// In the order of the note.
    pub sections: Vec<SectionSpec>,
    /// How the format's description was verified.
    pub verification: String,
}

/// A rule about drafts that comes from law, with its source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceRule {
    /// What is kept to.
    pub text: String,
    /// Where it stands.
    pub citation: String,
    /// How that was verified.
    pub verification: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatsFile {
    #[serde(rename = "source")]
    _source: String,
    inference_rule: InferenceRule,
    formats: Vec<NoteFormat>,
}

static FILE: LazyLock<FormatsFile> = LazyLock::new(|| {
    serde_saphyr::from_str(include_str!("../rules/formats.yaml"))
        .expect("rules/formats.yaml is part of the program and read by its tests")
});

impl NoteFormat {
    /// Every format, in the order of the file.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &FILE.formats
    }

    /// The format of that id, in capitals or not.
    #[must_use]
    pub fn by_id(id: &str) -> Option<&'static Self> {
        Self::all().iter().find(|format| format.id.eq_ignore_ascii_case(id.trim()))
    }
}

/// Why drafts do not speak of emotions that nobody named.
#[must_use]
pub fn inference_rule() -> &'static InferenceRule {
    &FILE.inference_rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_six_formats_are_there_in_order() {
        let sections: Vec<(&str, String)> = NoteFormat::all()
            .iter()
            .map(|format| {
                (
                    format.id.as_str(),
                    format.sections.iter().map(|section| section.key.as_str()).collect::<Vec<_>>().join(" "),
                )
            })
            .collect();
        let expected = [
            ("SOAP", "Subjective Objective Assessment Plan"),
            ("DAP", "Data Assessment Plan"),
            ("BIRP", "Behavior Intervention Response Plan"),
            ("GIRP", "Goal Intervention Response Plan"),
            ("PIE", "Problem Intervention Evaluation"),
            ("SIRP", "Situation Intervention Response Plan"),
        ];
        assert_eq!(sections, expected.map(|(id, keys)| (id, keys.to_owned())));
    }

    #[test]
    fn a_format_is_found_in_any_letters() {
        assert_eq!(NoteFormat::by_id(" soap ").map(|format| format.id.as_str()), Some("SOAP"));
        assert!(NoteFormat::by_id("INTAKE").is_none());
    }

    #[test]
    fn every_format_says_how_it_was_verified_and_leaves_something_to_the_clinician() {
        for format in NoteFormat::all() {
            assert!(format.verification.contains("verified"), "{}", format.id);
            assert_eq!(
                format.name,
                format.sections.iter().map(|section| section.key.as_str()).collect::<Vec<_>>().join(", ")
            );
            assert!(format.sections.iter().any(|section| section.clinician_only.is_some()), "{}", format.id);
            for section in &format.sections {
                assert!(
                    !section.holds.is_empty() && !section.instruction.is_empty() && !section.instruction.ends_with('.'),
                    "{} {}",
                    format.id,
                    section.key
                );
            }
        }
        assert!(!inference_rule().citation.is_empty() && inference_rule().verification.contains("verified"));
    }
}
