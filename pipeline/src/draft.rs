//! The model's raw answer, read: strictly, and without adding a word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use provenote_schemas::note::{Origin, Section, Sentence, Support};
use provenote_schemas::transcript::Transcript;

use crate::formats::NoteFormat;
use crate::sentences;

/// Why an answer is not a draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Nothing but blanks.
    #[error("the model answered nothing: run `note draft` again, or choose another model")]
    Empty,
    /// The JSON breaks off.
    #[error(
        "the model's answer breaks off after {bytes} bytes: nothing of it was kept; run `note draft` again with a higher token limit or another model"
    )]
    CutOff {
        /// Length of the answer.
        bytes: usize,
    },
    /// Not JSON of the expected shape.
    #[error(
        "the model's answer is not a draft (line {line}, column {column}): run `note draft` again, or choose another model"
    )]
    NotADraft {
        /// From 1; 0 where the shape as a whole is wrong.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A section of the format is not in the answer.
    #[error("the model's answer lacks the section {section}: run `note draft` again, or choose another model")]
    MissingSection {
        /// The format's key.
        section: String,
    },
    /// The answer has more sections than the format.
    #[error(
        "the model's answer has {count} section(s) that the format {format} does not have: run `note draft` again, or choose another model"
    )]
    UnknownSection {
        /// How many.
        count: usize,
        /// The format's id.
        format: String,
    },
    /// No section holds a sentence.
    #[error(
        "the model's answer holds no sentence: the session may be too short for a note; write it yourself, or choose another model"
    )]
    NoSentences,
}

/// A fact of one part of a long session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// One sentence.
    pub text: String,
    /// The segments it rests on, as the model named them.
    pub segments: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSentence {
    text: String,
    segments: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFacts {
    facts: Vec<RawSentence>,
}

/// Reads a draft: the format's sections in its order, each sentence unchecked and marked `unsupported`
/// until [`crate::grounding::check`] has held it against the transcript.
///
/// A text of several sentences becomes several, with the same citations. An exact repetition within a
/// section is left out; citations of segments that the transcript does not have are left out too (the
/// raw answer stays in the ledger). Nothing is added.
///
/// # Errors
/// [`DraftError`].
pub fn parse(raw: &str, format: &NoteFormat, transcript: &Transcript) -> Result<Vec<Section>, DraftError> {
    let mut answer: BTreeMap<String, Vec<RawSentence>> = read(raw)?;
    let mut sections = Vec::with_capacity(format.sections.len());
    for spec in &format.sections {
        let raw_sentences =
            answer.remove(&spec.key).ok_or_else(|| DraftError::MissingSection { section: spec.key.clone() })?;
        let sentences = single(raw_sentences, transcript)
            .into_iter()
            .map(|fact| Sentence {
                text: fact.text,
                origin: Origin::Model,
                segments: fact.segments,
                support: Support::Unsupported,
                reasons: Vec::new(),
            })
            .collect();
        sections.push(Section { name: spec.key.clone(), sentences, for_clinician: spec.clinician_only.clone() });
    }
    if !answer.is_empty() {
        return Err(DraftError::UnknownSection { count: answer.len(), format: format.id.clone() });
    }
    if sections.iter().all(|section| section.sentences.is_empty()) {
        return Err(DraftError::NoSentences);
    }
    Ok(sections)
}

/// Reads the facts of one part; there may be none.
///
/// # Errors
/// [`DraftError`].
pub fn parse_facts(raw: &str, transcript: &Transcript) -> Result<Vec<Fact>, DraftError> {
    let answer: RawFacts = read(raw)?;
    Ok(single(answer.facts, transcript))
}

fn read<T: serde::de::DeserializeOwned>(raw: &str) -> Result<T, DraftError> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(DraftError::Empty);
    }
    serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            DraftError::CutOff { bytes: raw.len() }
        } else {
            DraftError::NotADraft { line: error.line(), column: error.column() }
        }
    })
}

/// One fact a sentence, each once.
fn single(raw: Vec<RawSentence>, transcript: &Transcript) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    for RawSentence { text, segments } in raw {
        let mut known: Vec<u32> =
            segments.into_iter().filter(|id| transcript.segments.iter().any(|segment| segment.id == *id)).collect();
        known.sort_unstable();
        known.dedup();
        for text in sentences::of_text(&text) {
            match facts.iter_mut().find(|fact| fact.text == text) {
                Some(fact) => {
                    fact.segments.extend(&known);
                    fact.segments.sort_unstable();
                    fact.segments.dedup();
                }
                None => facts.push(Fact { text, segments: known.clone() }),
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use provenote_schemas::transcript::Segment;

    use super::*;

    fn transcript() -> Transcript {
        let segments = (1..=4)
            .map(|id| Segment {
                id,
                start_s: 0.0,
                end_s: 1.0,
                speaker: None,
                text: "I slept.".to_owned(),
                words: Vec::new(),
            })
            .collect();
        Transcript { language: "en".to_owned(), segments }
    }

    fn pie() -> &'static NoteFormat {
        NoteFormat::by_id("PIE").expect("a format")
    }

    const WHOLE: &str = r#"{"Problem": [{"text": "The client slept. The client ate.", "segments": [3, 1, 3]}], "Intervention": [], "Evaluation": [{"text": "The client  agreed.", "segments": [2, 9]}]}"#;

    #[test]
    fn an_answer_becomes_the_formats_sections_with_one_sentence_each() {
        let sections = parse(WHOLE, pie(), &transcript()).expect("a draft");
        assert_eq!(
            sections.iter().map(|section| section.name.as_str()).collect::<Vec<_>>(),
            ["Problem", "Intervention", "Evaluation"]
        );
        let of = |at: usize| -> Vec<(&str, &[u32])> {
            sections[at]
                .sentences
                .iter()
                .map(|sentence| (sentence.text.as_str(), sentence.segments.as_slice()))
                .collect()
        };
        assert_eq!(of(0), [("The client slept.", &[1, 3][..]), ("The client ate.", &[1, 3])]);
        assert_eq!(of(1), []);
        assert_eq!(of(2), [("The client agreed.", &[2][..])]);
        let sentences: Vec<&Sentence> = sections.iter().flat_map(|section| &section.sentences).collect();
        assert!(
            sentences
                .iter()
                .all(|sentence| sentence.origin == Origin::Model && sentence.support == Support::Unsupported)
        );
        assert!(sections[2].for_clinician.is_some());
    }

    #[test]
    fn a_repeated_sentence_stands_once_with_all_its_citations() {
        let raw = r#"{"Problem": [{"text": "The client slept.", "segments": [1]}, {"text": "The client slept.", "segments": [2]}], "Intervention": [], "Evaluation": []}"#;
        let sections = parse(raw, pie(), &transcript()).expect("a draft");
        assert_eq!(
            sections[0].sentences.iter().map(|sentence| sentence.segments.clone()).collect::<Vec<_>>(),
            [vec![1, 2]]
        );
    }

    #[test]
    fn every_cut_of_an_answer_is_an_error_that_says_so() {
        for end in WHOLE.char_indices().map(|(at, _)| at).skip(1) {
            assert_eq!(
                parse(&WHOLE[..end], pie(), &transcript()),
                Err(DraftError::CutOff { bytes: end }),
                "{}",
                &WHOLE[..end]
            );
        }
        assert_eq!(parse(" \n", pie(), &transcript()), Err(DraftError::Empty));
    }

    #[test]
    fn other_shapes_are_refused() {
        let refused = |raw: &str| parse(raw, pie(), &transcript()).expect_err("not a draft");
        assert!(matches!(refused("The client slept."), DraftError::NotADraft { line: 1, column: 1 }));
        assert!(matches!(refused(r#"{"Problem": "The client slept."}"#), DraftError::NotADraft { .. }));
        assert!(matches!(refused(r#"{"Problem": [{"text": "x", "segments": [-1]}]}"#), DraftError::NotADraft { .. }));
        assert!(matches!(
            refused(r#"{"Problem": [{"text": "x", "segments": [1], "mood": "sad"}]}"#),
            DraftError::NotADraft { .. }
        ));
        assert_eq!(
            refused(r#"{"Problem": [], "Evaluation": []}"#),
            DraftError::MissingSection { section: "Intervention".to_owned() }
        );
        assert_eq!(
            refused(r#"{"Problem": [], "Intervention": [], "Evaluation": [], "Diagnosis": []}"#),
            DraftError::UnknownSection { count: 1, format: "PIE".to_owned() }
        );
        assert_eq!(refused(r#"{"Problem": [], "Intervention": [], "Evaluation": []}"#), DraftError::NoSentences);
    }

    #[test]
    fn no_word_of_the_answer_is_in_an_error() {
        for raw in [
            "Zebra",
            r#"{"Zebra": []}"#,
            r#"{"Problem": [], "Intervention": [], "Evaluation": [], "Zebra": []}"#,
            r#"{"Problem": [{"Zebra": 1}]}"#,
        ] {
            let error = parse(raw, pie(), &transcript()).expect_err("not a draft").to_string();
            assert!(!error.contains("Zebra"), "{error}");
        }
    }

    #[test]
    fn facts_are_read_and_may_be_none() {
        let raw = r#"{"facts": [{"text": "The client slept.", "segments": [4]}]}"#;
        assert_eq!(
            parse_facts(raw, &transcript()),
            Ok(vec![Fact { text: "The client slept.".to_owned(), segments: vec![4] }])
        );
        assert_eq!(parse_facts(r#"{"facts": []}"#, &transcript()), Ok(vec![]));
        assert_eq!(parse_facts(r#"{"facts": ["#, &transcript()), Err(DraftError::CutOff { bytes: 11 }));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_refused(raw in ".{0,200}") {
            prop_assert!(parse(&raw, pie(), &transcript()).is_err());
        }

        #[test]
        fn any_text_is_kept_word_for_word(text in "[^\"\\\\\\p{Cc}]{1,80}") {
            let raw = serde_json::json!({ "Problem": [{ "text": text, "segments": [1] }, { "text": "Rest", "segments": [1] }], "Intervention": [], "Evaluation": [] }).to_string();
            let sections = parse(&raw, pie(), &transcript()).expect("a draft");
            let kept: BTreeMap<&str, ()> = sections[0].sentences.iter().flat_map(|sentence| sentence.text.split_whitespace()).map(|word| (word, ())).collect();
            for word in text.split_whitespace() {
                prop_assert!(kept.contains_key(word));
            }
        }
    }
}
