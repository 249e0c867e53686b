//! The words of `rules/lexicon.yaml`, made ready for reading.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};
use serde::Deserialize;

use super::tokens;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    irregular: HashMap<String, String>,
    function: Vec<String>,
    frame: Vec<String>,
    same: Vec2,
    opposite: Vec<(String, String)>,
    negation: Vec<String>,
    not_negation: Vec<String>,
    yes: Vec<String>,
    no: Vec<String>,
    unclear: Vec<String>,
    question_words: Vec<String>,
    planned: Vec<String>,
    wished: Vec<String>,
    not_wished: Vec<String>,
    former: Vec<String>,
    request: Vec<String>,
    talk: Vec<String>,
    note_planned: Vec<String>,
    note_request: Vec<String>,
    observation: Vec<String>,
    diagnosis: Vec<String>,
    treatment: Vec<String>,
    danger: Vec<String>,
    substance: Vec<String>,
    person: Vec<String>,
    medicine: Vec<String>,
    medicine_endings: Vec<String>,
    units: HashMap<String, Vec<String>>,
}

type Vec2 = std::collections::BTreeMap<String, Vec<String>>;

/// Why a word must not be written unless it was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Weighty {
    Diagnosis,
    Treatment,
    Danger,
    Substance,
    Person,
    Medicine,
    Name,
}

impl Weighty {
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Diagnosis => "the diagnosis or symptom",
            Self::Treatment => "the treatment",
            Self::Danger => "the danger",
            Self::Substance => "the substance",
            Self::Person => "the person",
            Self::Medicine => "the medicine",
            Self::Name => "the name",
        }
    }
}

/// Phrases, each a list of words as [`tokens::words`] gives them.
pub(crate) struct Phrases(Vec<Vec<String>>);

impl Phrases {
    fn new(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| tokens::words(text)).collect())
    }

    /// Where a phrase stands first, and its words.
    pub(crate) fn find(&self, words: &[&str]) -> Option<std::ops::Range<usize>> {
        (0..words.len()).find_map(|at| self.at(&words[at..]).map(|length| at..at + length))
    }

    /// The length of the longest phrase that the words begin with.
    pub(crate) fn at(&self, words: &[&str]) -> Option<usize> {
        self.0
            .iter()
            .filter(|phrase| words.len() >= phrase.len() && phrase.iter().zip(words).all(|(a, b)| a == b))
            .map(Vec::len)
            .max()
    }
}

pub(crate) struct Lexicon {
    irregular: HashMap<String, String>,
    pub(crate) function: HashSet<String>,
    frame: HashSet<String>,
    /// The first root of a phrase, to the phrases and their group.
    groups: HashMap<String, Vec<(Vec<String>, String)>>,
    opposite: HashSet<(String, String)>,
    pub(crate) explicit_negation: HashSet<String>,
    pub(crate) lexical_negation: HashSet<String>,
    pub(crate) not_negation: Phrases,
    pub(crate) yes: Phrases,
    pub(crate) no: Phrases,
    pub(crate) unclear: Phrases,
    pub(crate) question_words: HashSet<String>,
    pub(crate) planned: Phrases,
    pub(crate) wished: Phrases,
    pub(crate) not_wished: Phrases,
    pub(crate) former: Phrases,
    pub(crate) request: HashSet<String>,
    pub(crate) talk: Phrases,
    pub(crate) note_planned: Phrases,
    pub(crate) note_request: HashSet<String>,
    pub(crate) observation: Phrases,
    weighty: HashMap<String, Weighty>,
    medicine: HashSet<String>,
    medicine_endings: Vec<String>,
    units: HashMap<String, String>,
    pub(crate) persons: HashSet<String>,
}

/// Turn what follows round by themselves; the other words of the list do so by their meaning.
const EXPLICIT: [&str; 10] =
    ["not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without"];

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let file: LexiconFile = serde_saphyr::from_str(include_str!("../../rules/lexicon.yaml"))
        .expect("rules/lexicon.yaml is part of the program and read by its tests");
    Lexicon::new(file)
});

pub(crate) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

impl Lexicon {
    fn new(file: LexiconFile) -> Self {
        let stems =
            |words: &[String]| -> HashSet<String> { words.iter().map(|word| stem(&file.irregular, word)).collect() };
        let mut groups: HashMap<String, Vec<(Vec<String>, String)>> = HashMap::new();
        for (group, phrases) in &file.same {
            for phrase in phrases {
                let roots: Vec<String> = tokens::words(phrase).iter().map(|word| stem(&file.irregular, word)).collect();
                if let Some(first) = roots.first() {
                    groups.entry(first.clone()).or_default().push((roots, format!("={group}")));
                }
            }
        }
        for phrases in groups.values_mut() {
            phrases.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        }
        let group_of = |word: &str| -> String {
            let root = stem(&file.irregular, word);
            groups
                .get(&root)
                .and_then(|phrases| phrases.iter().find(|(roots, _)| roots.len() == 1))
                .map_or(root, |(_, group)| group.clone())
        };
        let mut weighty = HashMap::new();
        for (list, kind) in [
            (&file.treatment, Weighty::Treatment),
            (&file.substance, Weighty::Substance),
            (&file.danger, Weighty::Danger),
            (&file.diagnosis, Weighty::Diagnosis),
            (&file.person, Weighty::Person),
            (&file.medicine, Weighty::Medicine),
        ] {
            for word in list {
                weighty.insert(group_of(word), kind);
            }
        }
        let opposite =
            file.opposite.iter().flat_map(|(a, b)| [(group_of(a), group_of(b)), (group_of(b), group_of(a))]).collect();
        let (explicit, lexical): (Vec<String>, Vec<String>) =
            file.negation.iter().cloned().partition(|word| EXPLICIT.contains(&word.as_str()));
        let persons = file.person.iter().map(|word| group_of(word)).collect();
        Self {
            function: file.function.iter().cloned().collect(),
            frame: stems(&file.frame),
            opposite,
            explicit_negation: explicit.into_iter().collect(),
            lexical_negation: stems(&lexical),
            not_negation: Phrases::new(&file.not_negation),
            yes: Phrases::new(&file.yes),
            no: Phrases::new(&file.no),
            unclear: Phrases::new(&file.unclear),
            question_words: file.question_words.into_iter().collect(),
            planned: Phrases::new(&file.planned),
            wished: Phrases::new(&file.wished),
            not_wished: Phrases::new(&file.not_wished),
            former: Phrases::new(&file.former),
            request: file.request.into_iter().collect(),
            talk: Phrases::new(&file.talk),
            note_planned: Phrases::new(&file.note_planned),
            note_request: file.note_request.iter().map(|word| stem(&file.irregular, word)).collect(),
            observation: Phrases::new(&file.observation),
            weighty,
            medicine: file.medicine.into_iter().collect(),
            medicine_endings: file.medicine_endings,
            units: file
                .units
                .into_iter()
                .flat_map(|(unit, words)| words.into_iter().map(move |word| (word, unit.clone())))
                .collect(),
            persons,
            groups,
            irregular: file.irregular,
        }
    }

    /// The base of a word in small letters, regular or not.
    pub(crate) fn stem(&self, word: &str) -> String {
        stem(&self.irregular, word)
    }

    /// The group of the longest phrase that the stems begin with, and its length in words.
    pub(crate) fn group(&self, stems: &[String]) -> Option<(&str, usize)> {
        let (roots, group) = self.groups.get(stems.first()?)?.iter().find(|(roots, _)| stems.starts_with(roots))?;
        Some((group, roots.len()))
    }

    pub(crate) fn is_frame(&self, stem: &str) -> bool {
        self.frame.contains(stem)
    }

    pub(crate) fn are_opposite(&self, a: &str, b: &str) -> bool {
        self.opposite.contains(&(a.to_owned(), b.to_owned()))
    }

    pub(crate) fn weighty(&self, root: &str, word: &str) -> Option<Weighty> {
        if self.is_medicine(word) { Some(Weighty::Medicine) } else { self.weighty.get(root).copied() }
    }

    pub(crate) fn is_medicine(&self, word: &str) -> bool {
        self.medicine.contains(word)
            || (word.chars().count() > 7 && self.medicine_endings.iter().any(|ending| word.ends_with(ending.as_str())))
    }

    pub(crate) fn unit(&self, word: &str) -> Option<&str> {
        self.units.get(word).map(String::as_str)
    }
}

fn stem(irregular: &HashMap<String, String>, word: &str) -> String {
    static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));
    if matches!(word, "yourself" | "himself" | "herself" | "themselves" | "oneself" | "ourselves") {
        return "myself".to_owned();
    }
    if matches!(word, "your" | "his" | "her" | "their" | "our") {
        return "my".to_owned();
    }
    let base = irregular.get(word).map_or(word, String::as_str);
    ENGLISH.stem(base).into_owned()
}
