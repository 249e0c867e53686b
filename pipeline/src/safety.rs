//! What was said of suicide, self-harm, violence and abuse.
//!
//! The words that are looked for stand in `rules/danger.yaml`. A place that speaks of danger is shown
//! whether it grants or denies it: a denial that is missing from a note is a gap too. It is no
//! screening instrument, and finding nothing does not mean that nothing was said.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::Deserialize;

use provenote_schemas::note::{Danger, Section, Sentence, Support, Warning};
use provenote_schemas::transcript::Transcript;

use crate::reading::{self, Clause, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DangerFile {
    ignore: Vec<String>,
    rules: Vec<DangerRule>,
    #[cfg_attr(not(test), expect(dead_code, reason = "held against the rules by the tests"))]
    never: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DangerRule {
    danger: Danger,
    find: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "held against the rules by the tests"))]
    examples: Vec<String>,
}

struct Rules {
    ignore: Vec<Regex>,
    find: Vec<(Danger, RegexSet)>,
}

fn file() -> DangerFile {
    serde_saphyr::from_str(include_str!("../rules/danger.yaml"))
        .expect("rules/danger.yaml is part of the program and read by its tests")
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let file = file();
    Rules {
        ignore: file
            .ignore
            .iter()
            .map(|pattern| Regex::new(pattern).expect("a pattern of rules/danger.yaml, compiled by its tests"))
            .collect(),
        find: file
            .rules
            .iter()
            .map(|rule| {
                (rule.danger, RegexSet::new(&rule.find).expect("a pattern of rules/danger.yaml, compiled by its tests"))
            })
            .collect(),
    }
});

/// How many segments without a question are read as the answer to one: `No.` `Nothing like that.`
const ANSWER: usize = 2;

/// Every place of the transcript that speaks of danger, and whether the draft does too.
///
/// Neighbouring segments about the same danger are one warning, and so are a question and its answer.
/// `in_draft` is true where a sentence of the draft speaks of the same danger, rests on one of these
/// segments, is not marked `unsupported`, and grants or denies what they grant or deny.
#[must_use]
pub fn screen(transcript: &Transcript, sections: &[Section]) -> Vec<Warning> {
    let spoken: Vec<Vec<Clause>> = transcript.segments.iter().map(|segment| reading::read(&segment.text)).collect();
    let mut found: Vec<(BTreeSet<usize>, Danger, Option<bool>)> = Vec::new();
    for (at, segment) in transcript.segments.iter().enumerate() {
        for danger in dangers(&segment.text) {
            let answers = answer(&spoken, at);
            let denied = denied(&spoken, at, &answers, danger);
            let places: BTreeSet<usize> = std::iter::once(at).chain(answers).collect();
            match found.iter_mut().rev().find(|(_, other, _)| *other == danger) {
                Some((before, _, said)) if before.last().is_some_and(|last| last + 1 >= at) => {
                    if *said != denied {
                        *said = None;
                    }
                    before.extend(places);
                }
                _ => found.push((places, danger, denied)),
            }
        }
    }
    found.sort_by(|a, b| a.0.first().cmp(&b.0.first()).then(a.1.cmp(&b.1)));
    let mut warnings = Vec::with_capacity(found.len());
    for (number, (places, danger, denied)) in found.into_iter().enumerate() {
        let segments: Vec<u32> = places.iter().map(|at| transcript.segments[*at].id).collect();
        let quote = places.iter().map(|at| transcript.segments[*at].text.trim()).collect::<Vec<_>>().join(" ");
        let in_draft = sections
            .iter()
            .flat_map(|section| &section.sentences)
            .any(|sentence| covers(sentence, danger, &segments, denied));
        warnings.push(Warning { id: format!("w{}", number + 1), danger, segments, quote, in_draft, answer: None });
    }
    warnings
}

fn dangers(text: &str) -> Vec<Danger> {
    let mut plain = text.to_lowercase().replace(['’', 'ʼ', '‘'], "'");
    for ignore in &RULES.ignore {
        if ignore.is_match(&plain) {
            plain = ignore.replace_all(&plain, " ~ ").into_owned();
        }
    }
    RULES.find.iter().filter(|(_, find)| find.is_match(&plain)).map(|(danger, _)| *danger).collect()
}

fn asks(clauses: &[Clause]) -> bool {
    clauses.last().is_some_and(|clause| clause.question.is_some())
}

/// The segments that answer a question: none where the segment asks nothing.
fn answer(spoken: &[Vec<Clause>], at: usize) -> Vec<usize> {
    if !asks(&spoken[at]) {
        return Vec::new();
    }
    // A question may be put twice before it is answered.
    let Some(first) =
        (at + 1..spoken.len().min(at + 4)).find(|next| !asks(&spoken[*next]) && !spoken[*next].is_empty())
    else {
        return Vec::new();
    };
    let bare = spoken[first].iter().map(|clause| clause.words.len()).sum::<usize>() <= 2;
    let reply = |at: usize| spoken[at].first().and_then(|clause| clause.reply);
    let goes_on = |at: usize| bare && !asks(&spoken[at]) && reply(at).is_some() && reply(at) == reply(first);
    (first..spoken.len().min(first + ANSWER)).take_while(|next| *next == first || goes_on(*next)).collect()
}

/// Whether what was found is denied; nothing where that cannot be told.
fn denied(spoken: &[Vec<Clause>], at: usize, answers: &[usize], danger: Danger) -> Option<bool> {
    if asks(&spoken[at]) {
        let reply = answers.first().and_then(|first| spoken[*first].first()).and_then(|clause| clause.reply);
        return match reply {
            Some(Reply::No) => Some(true),
            Some(Reply::Yes) => Some(false),
            Some(Reply::Unclear) | None => None,
        };
    }
    denies(&spoken[at], danger)
}

/// Whether the clauses that speak of a danger deny it; nothing where they disagree, or only ask.
fn denies(clauses: &[Clause], danger: Danger) -> Option<bool> {
    let mut answers =
        clauses.iter().filter(|clause| dangers(&clause.words.join(" ")).contains(&danger)).filter_map(|clause| {
            let named = clause.content.iter().find(|word| matches!(word.root.as_str(), "=selfdanger" | "=otherdanger"));
            let negated = named.map_or(clause.negated, |word| word.negated);
            // `asked about suicidal thoughts` says neither yes nor no.
            let asks = clause
                .stems
                .iter()
                .any(|stem| matches!(stem.as_str(), "ask" | "inquir" | "screen" | "assess" | "explor" | "discuss"));
            (negated || !asks).then_some(negated)
        });
    let first = answers.next()?;
    answers.all(|other| other == first).then_some(first)
}

fn covers(sentence: &Sentence, danger: Danger, segments: &[u32], denied: Option<bool>) -> bool {
    sentence.support != Support::Unsupported
        && sentence.segments.iter().any(|id| segments.contains(id))
        && dangers(&sentence.text).contains(&danger)
        && match (denies(&reading::read(&sentence.text), danger), denied) {
            (Some(written), Some(said)) => written == said,
            // Nobody can tell what was said: the check of the sentence as a whole decides.
            (Some(_), None) => sentence.support != Support::Weak,
            (None, _) => false,
        }
}

#[cfg(test)]
mod tests {
    use provenote_schemas::note::Origin;
    use provenote_schemas::transcript::Segment;

    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        let segments = lines
            .iter()
            .zip(1_u32..)
            .map(|(text, id)| Segment {
                id,
                start_s: 0.0,
                end_s: 1.0,
                speaker: None,
                text: (*text).to_owned(),
                words: Vec::new(),
            })
            .collect();
        Transcript { language: "en".to_owned(), segments }
    }

    fn draft(sentences: &[(&str, &[u32])]) -> Vec<Section> {
        let sentences = sentences
            .iter()
            .map(|(text, segments)| Sentence {
                text: (*text).to_owned(),
                origin: Origin::Model,
                segments: segments.to_vec(),
                support: Support::Unsupported,
                reasons: Vec::new(),
            })
            .collect();
        vec![Section { name: "Data".to_owned(), sentences, for_clinician: None }]
    }

    fn screened(lines: &[&str], sentences: &[(&str, &[u32])]) -> Vec<Warning> {
        let transcript = transcript(lines);
        let mut sections = draft(sentences);
        crate::grounding::check(&transcript, &mut sections);
        screen(&transcript, &sections)
    }

    #[test]
    fn each_rule_finds_its_examples() {
        let mut missed = Vec::new();
        for rule in file().rules {
            for example in &rule.examples {
                if !dangers(example).contains(&rule.danger) {
                    missed.push(format!("{:?}: {example}", rule.danger));
                }
            }
        }
        assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
    }

    #[test]
    fn idioms_find_nothing() {
        let found: Vec<String> = file()
            .never
            .iter()
            .filter(|text| !dangers(text).is_empty())
            .map(|text| format!("{text} {:?}", dangers(text)))
            .collect();
        assert!(found.is_empty(), "found:\n{}", found.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_screened(lines in proptest::collection::vec(".{0,40}", 0..6), text in ".{0,60}") {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            for (warning, number) in screened(&lines, &[(&text, &[1, 2])]).iter().zip(1..) {
                proptest::prop_assert_eq!(&warning.id, &format!("w{number}"));
                proptest::prop_assert!(!warning.segments.is_empty());
            }
        }
    }

    #[test]
    fn an_idiom_beside_a_danger_does_not_hide_it() {
        assert_eq!(dangers("This traffic is killing me, and I want to kill myself."), [Danger::Suicide]);
    }

    #[test]
    fn a_question_and_its_denial_are_one_warning() {
        let lines = [
            "Have you had any thoughts of harming yourself, or of not wanting to be alive?",
            "No.",
            "Nothing like that.",
            "Good.",
        ];
        let warnings = screened(&lines, &[]);
        let about: Vec<(Danger, &[u32], bool)> =
            warnings.iter().map(|warning| (warning.danger, warning.segments.as_slice(), warning.in_draft)).collect();
        assert_eq!(about, [(Danger::Suicide, &[1, 2, 3][..], false), (Danger::SelfHarm, &[1, 2, 3][..], false)]);
        assert!(warnings[0].quote.ends_with("No. Nothing like that."));
        assert_eq!(warnings.iter().map(|warning| warning.id.as_str()).collect::<Vec<_>>(), ["w1", "w2"]);
    }

    #[test]
    fn an_answer_ends_where_something_else_is_said() {
        let warnings = screened(
            &["Did he ever hit you or the children?", "No, never.", "It sounds like you are carrying a lot of guilt."],
            &[],
        );
        assert_eq!(warnings.iter().map(|warning| warning.segments.as_slice()).collect::<Vec<_>>(), [&[1, 2][..]]);
    }

    #[test]
    fn a_draft_that_denies_what_was_denied_settles_the_warning() {
        let lines =
            ["Have you had any thoughts of harming yourself, or of not wanting to be alive?", "No. Nothing like that."];
        let warnings =
            screened(&lines, &[("The client denied suicidal thoughts and thoughts of harming herself.", &[1, 2])]);
        assert!(warnings.iter().all(|warning| warning.in_draft), "{warnings:?}");
    }

    #[test]
    fn a_draft_that_claims_what_was_denied_settles_nothing() {
        let lines = ["Have you had any thoughts of harming yourself?", "No. Nothing like that."];
        let warnings = screened(&lines, &[("The client reported thoughts of harming herself.", &[1, 2])]);
        assert_eq!(warnings.iter().map(|warning| warning.in_draft).collect::<Vec<_>>(), [false]);
    }

    #[test]
    fn a_draft_that_denies_what_was_said_settles_nothing() {
        let warnings =
            screened(&["I thought about killing myself."], &[("The client denied suicidal thoughts.", &[1])]);
        assert_eq!(warnings.iter().map(|warning| warning.in_draft).collect::<Vec<_>>(), [false]);
        let warnings =
            screened(&["I thought about killing myself."], &[("The client thought about killing himself.", &[1])]);
        assert_eq!(warnings.iter().map(|warning| warning.in_draft).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn another_place_or_another_danger_settles_nothing() {
        let lines = [
            "I thought about killing myself.",
            "Work was busy.",
            "The garden is fine.",
            "We ate soup.",
            "My boss called.",
            "He hits me.",
        ];
        let warnings = screened(&lines, &[("The client thought about killing himself.", &[1])]);
        let about: Vec<(Danger, bool)> = warnings.iter().map(|warning| (warning.danger, warning.in_draft)).collect();
        assert_eq!(about, [(Danger::Suicide, true), (Danger::Abuse, false)]);
    }

    #[test]
    fn only_asking_does_not_settle_the_answer() {
        let lines = ["Are you having suicidal thoughts?", "Yes, since Friday."];
        let warnings = screened(
            &lines,
            &[
                ("The clinician asked about suicidal thoughts.", &[1]),
                ("The client denied suicidal thoughts.", &[1, 2]),
            ],
        );
        assert_eq!(warnings.iter().map(|warning| warning.in_draft).collect::<Vec<_>>(), [false]);
        let denied = screened(
            &["Are you having suicidal thoughts?", "No."],
            &[("The clinician asked about suicidal thoughts.", &[1])],
        );
        assert_eq!(denied.iter().map(|warning| warning.in_draft).collect::<Vec<_>>(), [false]);
    }
}
