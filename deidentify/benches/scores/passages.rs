//! The labelled passages and their scores. The form of the files is described in `tests/passages/README.md`.

use std::collections::BTreeMap;
use std::ops::Range;

use provenote_deidentify::{Identifier, Known, Options, Roster, Who, clean};

/// The passages the rules were made with.
pub(crate) const SEEN: &str = include_str!("../../tests/passages/seen.txt");
/// The passages written after the last change of the rules.
pub(crate) const FRESH: &str = include_str!("../../tests/passages/fresh.txt");
/// The passages written after the change of the rules that followed the fresh ones.
pub(crate) const LATER: &str = include_str!("../../tests/passages/later.txt");
/// The passages written before the rules and not tuned by.
pub(crate) const SCORED: &str = include_str!("../../tests/passages/scored.txt");

/// A label: where it stands, and which identifier it is.
pub(crate) struct Label {
    pub(crate) at: Range<usize>,
    pub(crate) identifier: Identifier,
}

/// A labelled passage.
pub(crate) struct Passage {
    pub(crate) id: String,
    pub(crate) roster: Roster,
    pub(crate) text: String,
    pub(crate) labels: Vec<Label>,
}

fn identifier(letter: &str) -> Identifier {
    match letter {
        "n" | "o" => Identifier::Name,
        "g" => Identifier::Place,
        "d" | "a" => Identifier::Date,
        "p" => Identifier::Phone,
        "f" => Identifier::Fax,
        "e" => Identifier::Email,
        "s" => Identifier::SocialSecurity,
        "m" => Identifier::MedicalRecord,
        "h" => Identifier::HealthPlan,
        "k" => Identifier::Account,
        "l" => Identifier::Licence,
        "v" => Identifier::Vehicle,
        "x" => Identifier::Device,
        "u" => Identifier::Url,
        "i" => Identifier::IpAddress,
        "b" => Identifier::Biometric,
        "q" => Identifier::Photograph,
        "r" => Identifier::OtherUnique,
        other => panic!("{other} labels no identifier"),
    }
}

fn roster(line: &str) -> Roster {
    let mut roster = Roster::default();
    let mut client = Vec::new();
    for part in line.split('|').map(str::trim) {
        let (who, names) = part.split_once(' ').expect("a word, then names");
        let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
        match who {
            "client" | "nickname" => client.extend(names),
            "family" => {
                roster.people.extend(names.into_iter().map(|name| Known { who: Who::Family, names: vec![name] }))
            }
            "clinician" => roster.people.push(Known { who: Who::Clinician, names }),
            "place" => roster.places.extend(names),
            "employer" => roster.employers.extend(names),
            other => panic!("{other} is nobody in a roster"),
        }
    }
    roster.people.push(Known { who: Who::Client, names: client });
    roster
}

/// Reads a file of passages.
pub(crate) fn read(file: &str) -> Vec<Passage> {
    let mut out = Vec::new();
    for block in file.split("\n--- ").skip(1) {
        let (head, rest) = block.split_once('\n').expect("a head and a text");
        let id = head.split(' ').next().unwrap_or_default().to_owned();
        let (known, body) = match rest.strip_prefix("roster: ") {
            Some(rest) => {
                let (line, body) = rest.split_once('\n').expect("a text after the roster");
                (roster(line), body)
            }
            None => (Roster::default(), rest),
        };
        let (mut text, mut labels) = (String::new(), Vec::new());
        let mut rest = body.trim();
        while let Some(open) = rest.find('{') {
            text.push_str(&rest[..open]);
            let close = rest.find('}').expect("every label ends");
            let (letter, words) = rest[open + 1..close].split_once(':').expect("a letter and words");
            let start = text.len();
            text.push_str(words);
            labels.push(Label { at: start..text.len(), identifier: identifier(letter) });
            rest = &rest[close + 1..];
        }
        text.push_str(rest);
        out.push(Passage { id, roster: known, text, labels });
    }
    out
}

/// Words in a label that may stay: they name nobody.
const MAY_STAY: &[&str] = &[
    "the",
    "of",
    "on",
    "at",
    "in",
    "a",
    "from",
    "to",
    "my",
    "his",
    "her",
    "following",
    "week",
    "mr",
    "mrs",
    "ms",
    "dr",
    "s",
    "reverend",
    "sergeant",
    "uncle",
    "md",
    "lcsw",
    "tío",
];

/// True where everything that matters in the label is gone.
fn gone(text: &str, label: &Label, removed: &[Range<usize>]) -> bool {
    let mut start = None;
    let mut words = Vec::new();
    for (at, c) in text[label.at.clone()].char_indices().chain([(label.at.len(), ' ')]) {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(label.at.start + from..label.at.start + at);
                start = None;
            }
            _ => {}
        }
    }
    words.iter().all(|word| {
        MAY_STAY.contains(&text[word.clone()].to_lowercase().as_str())
            || removed.iter().any(|one| one.start <= word.start && word.end <= one.end)
    })
}

/// How many were there, and how many of them were right.
#[derive(Default, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) labelled: usize,
    pub(crate) found: usize,
    pub(crate) removed: usize,
    pub(crate) right: usize,
}

/// The scores by identifier, and what was missed or taken out needlessly.
pub(crate) fn score(passages: &[Passage]) -> (BTreeMap<Identifier, Score>, Vec<String>) {
    let mut scores: BTreeMap<Identifier, Score> = BTreeMap::new();
    let mut wrong = Vec::new();
    for passage in passages {
        let cleaned = clean(&passage.text, &passage.roster, &Options::years(Some(2024)), &[1; 32]);
        if let Some(withheld) = &cleaned.withheld {
            wrong.push(format!("{}: withheld, {:?}", passage.id, withheld.reasons));
        }
        let removed: Vec<Range<usize>> = cleaned.removed.iter().map(|one| one.at.clone()).collect();
        for label in &passage.labels {
            let score = scores.entry(label.identifier).or_default();
            score.labelled += 1;
            if gone(&passage.text, label, &removed) {
                score.found += 1;
            } else {
                wrong.push(format!("{}: missed {:?}", passage.id, &passage.text[label.at.clone()]));
            }
        }
        for one in &cleaned.removed {
            let score = scores.entry(one.identifier).or_default();
            score.removed += 1;
            if passage.labels.iter().any(|label| label.at.start < one.at.end && one.at.start < label.at.end) {
                score.right += 1;
            } else {
                wrong.push(format!(
                    "{}: needless {:?} as {}",
                    passage.id,
                    &passage.text[one.at.clone()],
                    one.surrogate
                ));
            }
        }
    }
    (scores, wrong)
}
