//! Lists of words: the English language, given names, surnames, and the words of `rules/proper.yaml`. Where the lists
//! come from stands in `words/README.md`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::text::{Shape, Token};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProperFile {
    titles: Vec<String>,
    after_name: Vec<String>,
    particles: Vec<String>,
    relations: Vec<String>,
    naming: Vec<String>,
    acts: Vec<String>,
    roles: Vec<String>,
    nicknames: Vec<String>,
    place_before: Vec<String>,
    place_verbs: Vec<String>,
    place_on: Vec<String>,
    place_first: Vec<String>,
    place_last: Vec<String>,
    body_last: Vec<String>,
    body_before: Vec<String>,
    work_words: Vec<String>,
    cities: Vec<String>,
    employers: Vec<String>,
    regions: Vec<String>,
    kept_phrases: Vec<String>,
    ambiguous_regions: Vec<String>,
    peoples: Vec<String>,
    drugs: Vec<String>,
    drug_endings: Vec<String>,
    clinical: Vec<String>,
    eponyms: Vec<String>,
    everyday: Vec<String>,
    never: Vec<String>,
    capital_ok: Vec<String>,
}

/// A set of words.
pub(crate) type Words = HashSet<String>;

/// Phrases by their first word.
pub(crate) type Phrases = HashMap<String, Vec<Vec<String>>>;

/// Everything that is known about words.
pub(crate) struct Lists {
    pub(crate) readable: bool,
    english: HashSet<&'static str>,
    given: HashSet<String>,
    surnames: HashSet<String>,
    pub(crate) titles: Words,
    pub(crate) after_name: Words,
    pub(crate) particles: Words,
    pub(crate) relations: Words,
    pub(crate) naming: Phrases,
    pub(crate) acts: Words,
    pub(crate) roles: Words,
    pub(crate) place_before: Words,
    pub(crate) place_verbs: Words,
    pub(crate) place_on: Words,
    pub(crate) place_first: Words,
    pub(crate) place_last: Words,
    pub(crate) body_last: Words,
    pub(crate) body_before: Words,
    pub(crate) work_words: Words,
    pub(crate) cities: Phrases,
    pub(crate) employers: Phrases,
    /// States and countries, and other phrases that stay.
    pub(crate) regions: Phrases,
    pub(crate) ambiguous_regions: Phrases,
    acronyms: Words,
    kept: Words,
    drug_endings: Vec<String>,
    pub(crate) eponyms: Words,
    pub(crate) never: Words,
    pub(crate) capital_ok: Words,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    // Were the file unreadable every text would be withheld (a test reads it).
    let read: Option<ProperFile> = serde_saphyr::from_str(include_str!("../rules/proper.yaml")).ok();
    let readable = read.is_some();
    let file = read.unwrap_or_default();
    let set = |words: Vec<String>| words.into_iter().collect::<Words>();
    let folded = |list: &'static str| list.lines().map(crate::text::fold).filter(|word| word.len() > 1).collect();
    let mut given: HashSet<String> = folded(include_str!("../words/given.txt"));
    given.extend(file.nicknames);
    let (short, long): (Vec<String>, Vec<String>) = file.clinical.into_iter().partition(|word| word.len() <= 5);
    let mut kept = set(long);
    kept.extend(file.drugs.into_iter().chain(file.everyday).chain(file.peoples));
    Lists {
        readable,
        english: include_str!("../words/english.txt").lines().collect(),
        given,
        surnames: folded(include_str!("../words/surnames.txt")),
        titles: set(file.titles),
        after_name: set(file.after_name),
        particles: set(file.particles),
        relations: set(file.relations),
        naming: phrases(&file.naming),
        acts: set(file.acts),
        roles: set(file.roles),
        place_before: set(file.place_before),
        place_verbs: set(file.place_verbs),
        place_on: set(file.place_on),
        place_first: set(file.place_first),
        place_last: set(file.place_last),
        body_last: set(file.body_last),
        body_before: set(file.body_before),
        work_words: set(file.work_words),
        cities: phrases(&file.cities),
        employers: phrases(&file.employers),
        regions: phrases(&[file.regions, file.kept_phrases].concat()),
        ambiguous_regions: phrases(&file.ambiguous_regions),
        acronyms: set(short),
        kept,
        drug_endings: file.drug_endings,
        eponyms: set(file.eponyms),
        never: set(file.never),
        capital_ok: set(file.capital_ok),
    }
});

/// The lists, read once.
pub(crate) fn lists() -> &'static Lists {
    &LISTS
}

/// The words of a phrase as the tokens of a text would have them.
pub(crate) fn words_of(phrase: &str) -> Vec<String> {
    crate::text::tokens(phrase).into_iter().map(|token| token.folded).collect()
}

fn phrases(list: &[String]) -> Phrases {
    let mut out = Phrases::new();
    for phrase in list {
        let words = words_of(phrase);
        if let Some(first) = words.first() {
            out.entry(first.clone()).or_default().push(words);
        }
    }
    // The longest first: "new york city" before "new york".
    for list in out.values_mut() {
        list.sort_by_key(|words| std::cmp::Reverse(words.len()));
    }
    out
}

/// How many tokens from `from` on are one of the phrases; 0 for none.
pub(crate) fn phrase_at(phrases: &Phrases, tokens: &[Token], from: usize) -> usize {
    let Some(list) = phrases.get(&tokens[from].folded) else { return 0 };
    list.iter()
        .find(|words| {
            words.len() <= tokens.len() - from
                && words.iter().zip(&tokens[from..]).all(|(word, token)| *word == token.folded)
                && tokens[from..from + words.len() - 1].iter().all(|token| token.joined)
        })
        .map_or(0, Vec::len)
}

impl Lists {
    /// A word of the language as it stands in the list. Compounds are none: "Ji-woo" is made of two words.
    pub(crate) fn listed(&self, folded: &str) -> bool {
        self.english.contains(folded)
    }

    /// A word of the language, or a compound of such words.
    pub(crate) fn english(&self, folded: &str) -> bool {
        self.english.contains(folded)
            || folded.len() == 1
            || (folded.contains(['-', '\'']) && folded.split(['-', '\'']).all(|part| self.part_known(part)))
            || folded.strip_suffix('s').is_some_and(|one| one.len() > 3 && self.english.contains(one))
    }

    fn part_known(&self, part: &str) -> bool {
        part.len() <= 2 || self.english.contains(part) || self.kept.contains(part) || self.acronyms.contains(part)
    }

    pub(crate) fn given(&self, folded: &str) -> bool {
        self.given.contains(folded) || folded.split_once('-').is_some_and(|(first, _)| self.given.contains(first))
    }

    pub(crate) fn surname(&self, folded: &str) -> bool {
        self.surnames.contains(folded) || folded.split_once('-').is_some_and(|(first, _)| self.surnames.contains(first))
    }

    /// Written with a capital and names nobody: a medicine, a language, a brand, an acronym in capitals.
    pub(crate) fn kept(&self, token: &Token) -> bool {
        let word = token.folded.as_str();
        let in_capitals = matches!(token.shape, Shape::Upper | Shape::Initial | Shape::Code);
        self.kept.contains(word)
            || self.eponyms.contains(word)
            || ((in_capitals || token.shape == Shape::Lower) && self.acronyms.contains(word))
            || (word.len() >= 7 && !self.given(word) && !self.surname(word) && self.medicine(word))
            || (word.contains('-')
                && word.split('-').all(|part| self.part_known(part) || self.eponyms.contains(part))
                && word.split('-').any(|part| self.kept.contains(part) || self.eponyms.contains(part)))
            || word.strip_suffix('s').is_some_and(|one| {
                self.kept.contains(one) && !self.given(word) || (in_capitals && self.acronyms.contains(one))
            })
    }

    fn medicine(&self, word: &str) -> bool {
        self.drug_endings.iter().any(|ending| word.ends_with(ending.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_readable() {
        let file: Result<ProperFile, _> = serde_saphyr::from_str(include_str!("../rules/proper.yaml"));
        file.expect("the words are readable");
        let lists = lists();
        assert!(lists.english("walked") && lists.english("self-harm") && !lists.english("marcus"));
        assert!(lists.given("priya") && lists.surname("okafor") && !lists.given("the"));
    }

    #[test]
    fn what_names_nobody_is_kept() {
        let lists = lists();
        for word in ["Sertraline", "PTSD", "Spanish", "Zoloft", "EMDR", "Beck", "Lamictal", "Spanish-speaking"] {
            assert!(lists.kept(&crate::text::tokens(word)[0]), "{word}");
        }
        for word in ["Marcus", "Ada", "Pat", "Christine", "Nadine"] {
            assert!(!lists.kept(&crate::text::tokens(word)[0]), "{word}");
        }
    }
}
