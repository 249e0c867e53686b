use std::collections::BTreeMap;

use proptest::prelude::*;
use provenote_schemas::note::{Origin, Section, Sentence, Support};
use provenote_schemas::transcript::{Segment, Transcript};
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    transcripts: BTreeMap<String, Vec<String>>,
    sentences: Vec<LabelledSentence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelledSentence {
    r#in: String,
    cites: Vec<u32>,
    label: Support,
    text: String,
}

fn transcript<S: AsRef<str>>(lines: &[S]) -> Transcript {
    let segments = lines
        .iter()
        .zip(1_u32..)
        .map(|(text, id)| Segment {
            id,
            start_s: f64::from(id),
            end_s: f64::from(id) + 1.0,
            speaker: None,
            text: text.as_ref().to_owned(),
            words: Vec::new(),
        })
        .collect();
    Transcript { language: "en".to_owned(), segments }
}

fn checked(transcript: &Transcript, text: &str, cites: &[u32]) -> Sentence {
    let sentence = Sentence {
        text: text.to_owned(),
        origin: Origin::Model,
        segments: cites.to_vec(),
        support: Support::Unsupported,
        reasons: Vec::new(),
    };
    let mut sections = [Section { name: "Data".to_owned(), sentences: vec![sentence], for_clinician: None }];
    check(transcript, &mut sections);
    let [section] = sections;
    section.sentences.into_iter().next().expect("the sentence that was put in")
}

struct Outcome {
    label: Support,
    mark: Support,
    line: String,
}

fn outcomes(source: &str) -> Vec<Outcome> {
    let labelled: Labelled = serde_saphyr::from_str(source).expect("the labelled sentences");
    let transcripts: BTreeMap<&str, Transcript> =
        labelled.transcripts.iter().map(|(name, lines)| (name.as_str(), transcript(lines))).collect();
    labelled
        .sentences
        .iter()
        .map(|sentence| {
            let result = checked(&transcripts[sentence.r#in.as_str()], &sentence.text, &sentence.cites);
            let line = format!(
                "{:?} -> {:?} {:?}->{:?} {} {:?}",
                sentence.label, result.support, sentence.cites, result.segments, sentence.text, result.reasons
            );
            Outcome { label: sentence.label, mark: result.support, line }
        })
        .collect()
}

fn share(outcomes: &[Outcome], label: Support, marks: &[Support]) -> (usize, usize) {
    let of_label: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.label == label).collect();
    (of_label.iter().filter(|outcome| marks.contains(&outcome.mark)).count(), of_label.len())
}

#[test]
fn labelled_sentences_get_their_marks() {
    let outcomes = outcomes(include_str!("../../tests/data/grounding.yaml"));
    let off: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.label != outcome.mark).map(|outcome| outcome.line.as_str()).collect();
    let (held, supported) = share(&outcomes, Support::Supported, &[Support::Supported]);
    let (caught, unsupported) = share(&outcomes, Support::Unsupported, &[Support::Unsupported]);
    let (missed, _) = share(&outcomes, Support::Unsupported, &[Support::Supported]);
    let (too_good, _) = share(&outcomes, Support::Weak, &[Support::Supported]);
    let summary = format!(
        "{} sentences; supported {held}/{supported}; unsupported {caught}/{unsupported}; off:\n{}",
        outcomes.len(),
        off.join("\n")
    );
    assert!(outcomes.len() >= 80, "{summary}");
    assert_eq!(missed, 0, "an unsupported sentence was marked supported; {summary}");
    assert_eq!(too_good, 0, "a weak sentence was marked supported; {summary}");
    assert!(held * 100 >= supported * 85, "{summary}");
    assert!(caught * 100 >= unsupported * 85, "{summary}");
}

#[test]
fn citations_move_to_where_the_words_stand() {
    let session = transcript(&[
        "Hello.",
        "How was the week?",
        "Busy.",
        "I slept six hours.",
        "And work?",
        "Fine.",
        "The bus was late.",
        "It rained.",
        "We had soup.",
        "I missed one dose on Saturday.",
    ]);
    let near = checked(&session, "The client slept six hours.", &[2, 3]);
    assert_eq!((near.support, near.segments.as_slice()), (Support::Supported, &[4][..]));
    assert_eq!(near.reasons, ["citation moved from 2, 3 to 4"]);
    let far = checked(&session, "The client missed one dose on Saturday.", &[1]);
    assert_eq!((far.support, far.segments.as_slice()), (Support::Weak, &[10][..]));
    assert_eq!(far.reasons, ["it rests on 10, far from those the model cited (1)"]);
    let right = checked(&session, "The client slept six hours.", &[4]);
    assert_eq!((right.support, right.segments.as_slice(), right.reasons.len()), (Support::Supported, &[4][..], 0));
    let uncited = checked(&session, "The client slept six hours.", &[]);
    assert_eq!((uncited.support, uncited.segments.as_slice()), (Support::Weak, &[4][..]));
}

#[test]
fn a_clinicians_own_sentence_is_left_alone_and_an_edited_one_is_checked() {
    let session = transcript(&["I slept six hours."]);
    let own = Sentence {
        text: "Affect was full.".to_owned(),
        origin: Origin::Clinician,
        segments: vec![],
        support: Support::Clinician,
        reasons: vec![],
    };
    let edited = Sentence {
        text: "The client slept nine hours.".to_owned(),
        origin: Origin::Edited,
        segments: vec![1],
        support: Support::Supported,
        reasons: vec![],
    };
    let mut sections = [Section { name: "Objective".to_owned(), sentences: vec![own, edited], for_clinician: None }];
    check(&session, &mut sections);
    let marks: Vec<Support> = sections[0].sentences.iter().map(|sentence| sentence.support).collect();
    assert_eq!(marks, [Support::Clinician, Support::Unsupported]);
}

#[test]
fn an_empty_session_supports_nothing() {
    let nothing = checked(&transcript::<&str>(&[]), "The client slept six hours.", &[1]);
    assert_eq!((nothing.support, nothing.segments.as_slice()), (Support::Unsupported, &[][..]));
}

#[test]
fn the_check_gives_the_same_result_each_time() {
    let session = transcript(&["I slept six hours.", "I slept six hours.", "Did you sleep?", "Six hours."]);
    let first = checked(&session, "The client slept six hours.", &[3]);
    assert!((0..5).all(|_| checked(&session, "The client slept six hours.", &[3]) == first));
}

proptest! {
    #[test]
    fn any_text_can_be_checked(lines in prop::collection::vec(".{0,40}", 0..6), text in ".{0,80}", cites in prop::collection::vec(any::<u32>(), 0..4)) {
        let session = transcript(&lines);
        let result = checked(&session, &text, &cites);
        prop_assert!(result.segments.iter().all(|id| session.segments.iter().any(|segment| segment.id == *id)));
        prop_assert!(result.support == Support::Supported || !result.reasons.is_empty());
    }

    #[test]
    fn words_of_a_session_can_be_checked(
        lines in prop::collection::vec(prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..8), 1..8),
        text in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..12),
    ) {
        let lines: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        let result = checked(&transcript(&lines), &text.join(" "), &[1]);
        prop_assert!(result.support == Support::Supported || !result.reasons.is_empty());
    }
}

const WORDS: [&str; 40] = [
    "I",
    "not",
    "slept",
    "six",
    "hours",
    "out",
    "of",
    "ten",
    "?",
    ".",
    ",",
    "and",
    "but",
    "a",
    "half",
    "past",
    "quarter",
    "to",
    "hundred",
    "point",
    "scale",
    "one",
    "Monday",
    "next",
    "denied",
    "sertraline",
    "mg",
    "50",
    "6/10",
    "10:30",
    "twice",
    "day",
    "no",
    "yes",
    "you",
    "will",
    "myself",
    "harm",
    "used",
    "let's",
];

#[test]
fn further_sessions_get_no_undeserved_mark() {
    for source in
        [include_str!("../../tests/data/grounding-more.yaml"), include_str!("../../tests/data/grounding-third.yaml")]
    {
        let outcomes = outcomes(source);
        let off: Vec<&str> = outcomes
            .iter()
            .filter(|outcome| outcome.label != outcome.mark)
            .map(|outcome| outcome.line.as_str())
            .collect();
        let (held, supported) = share(&outcomes, Support::Supported, &[Support::Supported]);
        let (missed, unsupported) = share(&outcomes, Support::Unsupported, &[Support::Supported]);
        let summary = format!(
            "{} sentences; supported {held}/{supported}; unsupported missed {missed}/{unsupported}; off:\n{}",
            outcomes.len(),
            off.join("\n")
        );
        assert_eq!(missed, 0, "{summary}");
        assert!(held * 100 >= supported * 85, "{summary}");
    }
}
