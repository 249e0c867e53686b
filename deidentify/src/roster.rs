//! The people, places and employers whom the practice knows: whatever else happens, their names must go.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::found::{Found, Put};
use crate::identifier::Identifier;
use crate::text::{Shape, Token, tokens};
use crate::words::{lists, words_of};

/// Who somebody is to the client. It stands in no output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The client.
    Client,
    /// Family, household, friends.
    Family,
    /// A clinician.
    Clinician,
    /// Anybody else.
    Other,
}

/// A person with every name the practice knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Who.
    pub who: Who,
    /// Full names, former names, nicknames, each as it is written.
    pub names: Vec<String>,
}

/// Whom and what the practice knows about one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// People.
    pub people: Vec<Known>,
    /// Streets, towns, schools' towns: any place smaller than a state.
    pub places: Vec<String>,
    /// Employers, schools, clinics, churches.
    pub employers: Vec<String>,
}

impl Roster {
    /// True where the practice knows nobody: then only general evidence stands behind the names found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.places.is_empty() && self.employers.is_empty()
    }
}

/// To whom a word belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entry {
    Person(usize),
    /// A surname that several share, by the first of them.
    Shared(usize),
    Place(usize),
    Employer(usize),
}

/// The roster made ready for looking up.
pub(crate) struct Index {
    single: HashMap<String, Entry>,
    phrases: HashMap<String, Vec<(Vec<String>, Entry)>>,
    /// Single words that hide in longer ones: `marialopez88`.
    long: Vec<(String, Entry)>,
}

impl Index {
    pub(crate) fn new(roster: &Roster) -> Self {
        let lists = lists();
        let mut index = Self { single: HashMap::new(), phrases: HashMap::new(), long: Vec::new() };
        for (number, person) in roster.people.iter().enumerate() {
            for name in &person.names {
                let words = words_of(name);
                let untitled: Vec<String> = words.iter().filter(|word| !is_title(word)).cloned().collect();
                index.phrase(untitled, Entry::Person(number));
                for word in words {
                    // A name of one word alone may also be a particle or a title: "Al", "Sr".
                    let part = lists.particles.contains(&word) || is_title(&word) || lists.after_name.contains(&word);
                    if word.chars().count() > 1 && !(part && words_of(name).len() > 1) {
                        index.word(word, Entry::Person(number));
                    }
                }
            }
        }
        for (list, entry) in
            [(&roster.places, Entry::Place as fn(usize) -> Entry), (&roster.employers, Entry::Employer as _)]
        {
            for (number, name) in list.iter().enumerate() {
                let words = words_of(name);
                if let [word] = words.as_slice() {
                    index.word(word.clone(), entry(number));
                } else {
                    for word in &words {
                        if word.chars().count() > 2 && !lists.english(word) && !lists.given(word) {
                            index.word(word.clone(), entry(number));
                        }
                    }
                    index.phrase(words, entry(number));
                }
            }
        }
        index.long = index
            .single
            .iter()
            .filter(|(word, _)| word.chars().count() >= if word.is_ascii() { 5 } else { 2 })
            .map(|(word, entry)| (word.clone(), *entry))
            .collect();
        index.long.sort();
        index
    }

    fn word(&mut self, word: String, entry: Entry) {
        self.single
            .entry(word)
            .and_modify(|known| {
                if let (Entry::Person(first) | Entry::Shared(first), Entry::Person(second)) = (*known, entry)
                    && first != second
                {
                    *known = Entry::Shared(first);
                }
            })
            .or_insert(entry);
    }

    fn phrase(&mut self, words: Vec<String>, entry: Entry) {
        if words.len() > 1 {
            self.phrases.entry(words[0].clone()).or_default().push((words, entry));
        }
    }

    /// The entry of a word, also in the plural, in a compound, or in the midst of a longer word.
    pub(crate) fn entry(&self, folded: &str) -> Option<Entry> {
        if self.single.is_empty() || folded.is_empty() {
            return None;
        }
        if let Some(entry) = self.single.get(folded) {
            return Some(*entry);
        }
        let one = folded.strip_suffix('s').and_then(|one| {
            self.single.get(one).or_else(|| one.strip_suffix('e').and_then(|one| self.single.get(one)))
        });
        if let Some(entry) = one
            && !lists().english(folded)
        {
            return Some(*entry);
        }
        // "Marisela-Ana", "Jörg2".
        let joint = |c: char| matches!(c, '-' | '\'') || c.is_numeric();
        if folded.contains(joint) {
            let part = folded.split(joint).find_map(|part| self.single.get(part));
            if part.is_some() {
                return part.copied();
            }
        }
        if lists().english(folded) {
            return None;
        }
        self.long.iter().find(|(word, _)| folded.contains(word.as_str())).map(|(_, entry)| *entry)
    }

    /// The entry of a stretch of text: of its phrase, else of its first word that has one.
    pub(crate) fn entry_of(&self, words: &[String]) -> Option<Entry> {
        (0..words.len())
            .find_map(|at| {
                self.phrases
                    .get(&words[at])?
                    .iter()
                    .find(|(phrase, _)| words[at..].starts_with(phrase))
                    .map(|(_, e)| *e)
            })
            .or_else(|| {
                let entries: Vec<Entry> = words.iter().filter_map(|word| self.entry(word)).collect();
                // "Hector Lopez": the first name tells him from the others called Lopez.
                entries.iter().find(|entry| !matches!(entry, Entry::Shared(_))).or(entries.first()).copied()
            })
    }

    /// Everything of the roster in a text, and how often a name stood there as an ordinary word and was left.
    pub(crate) fn find(&self, found_in: &[Token]) -> (Vec<Found>, usize) {
        let lists = lists();
        let (mut out, mut left) = (Vec::new(), 0);
        let mut at = 0;
        while at < found_in.len() {
            let token = &found_in[at];
            if token.shape == Shape::Tag {
                at += 1;
                continue;
            }
            let phrase = self.phrases.get(&token.folded).and_then(|list| {
                list.iter()
                    .filter(|(words, _)| {
                        words.len() <= found_in.len() - at
                            && words.iter().zip(&found_in[at..]).all(|(word, token)| *word == token.folded)
                    })
                    .max_by_key(|(words, _)| words.len())
            });
            if let Some((words, entry)) = phrase {
                let last = &found_in[at + words.len() - 1];
                out.push(found(token.at.start..last.at.end, *entry));
                at += words.len();
                continue;
            }
            if let Some(entry) = self.entry(&token.folded) {
                // Will and will, Grace and grace: a small letter makes it the ordinary word, unless a word like "my
                // sister" stands before.
                let ordinary = token.shape == Shape::Lower
                    && lists.listed(&token.folded)
                    && !(at > 0 && lists.relations.contains(&found_in[at - 1].folded) && found_in[at - 1].joined);
                if ordinary {
                    left += 1;
                } else {
                    out.push(found(token.at.clone(), entry));
                }
            }
            at += 1;
        }
        (out, left)
    }
}

fn is_title(word: &str) -> bool {
    matches!(word, "dr" | "mr" | "mrs" | "ms" | "mx" | "prof" | "doctor" | "rev")
}

fn found(at: std::ops::Range<usize>, entry: Entry) -> Found {
    match entry {
        Entry::Person(_) | Entry::Shared(_) => Found::new(at, Identifier::Name, Put::Person, 100),
        Entry::Place(_) => Found::new(at, Identifier::Place, Put::Place, 100),
        Entry::Employer(_) => Found::new(at, Identifier::Name, Put::Organization, 100),
    }
}

/// The words of a stretch of text that tell whom it names.
pub(crate) fn naming_words(text: &str) -> Vec<String> {
    let lists = lists();
    tokens(text)
        .into_iter()
        .filter(|token| token.shape != Shape::Initial)
        .map(|token| token.folded)
        .filter(|word| !lists.titles.contains(word) && !lists.after_name.contains(word) && word != "the")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster() -> Roster {
        Roster {
            people: vec![
                Known { who: Who::Client, names: vec!["Maria Lopez".to_owned(), "Mari".to_owned()] },
                Known { who: Who::Family, names: vec!["Hector Lopez".to_owned()] },
                Known { who: Who::Clinician, names: vec!["Dr. Will Long".to_owned()] },
            ],
            places: vec!["Garden Grove".to_owned()],
            employers: vec!["Saigon Nails".to_owned()],
        }
    }

    fn of(text: &str) -> Vec<String> {
        Index::new(&roster()).find(&tokens(text)).0.into_iter().map(|found| text[found.at].to_owned()).collect()
    }

    #[test]
    fn every_form_of_a_name_is_found() {
        assert_eq!(of("MARIA'S, mari, the Lopezes"), ["MARIA", "mari", "Lopezes"]);
        assert_eq!(of("mari-carmen and marialopez88"), ["mari-carmen", "marialopez88"]);
        assert_eq!(of("in garden grove, at SAIGON NAILS"), ["garden grove", "SAIGON NAILS"]);
        assert_eq!(of("María López"), ["María López"]);
    }

    #[test]
    fn an_ordinary_word_stays_where_it_is_small() {
        assert_eq!(of("Will will wait a long time, Dr. Long"), ["Will", "Long"]);
        assert_eq!(of("a garden"), Vec::<String>::new());
    }

    #[test]
    fn a_shared_surname_is_told_by_the_first_name() {
        let index = Index::new(&roster());
        let entry = |text: &str| index.entry_of(&naming_words(text));
        assert_eq!(entry("Hector Lopez"), Some(Entry::Person(1)));
        assert_eq!(entry("Mr. Lopez"), Some(Entry::Shared(0)));
        assert_eq!(entry("Mari"), Some(Entry::Person(0)));
    }
}
