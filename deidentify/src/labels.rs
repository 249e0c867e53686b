//! Numbers for people, places and bodies: drawn from a seed, never made from a name.
//!
//! 45 CFR 164.514(c) lets a code stay that is not derived from information about the person. A number here depends on
//! the seed and on the order of the roster and of appearance; two documents cleaned with different seeds cannot be
//! joined by it, and with one seed and one roster the people of the roster keep their numbers.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::found::Put;
use crate::roster::{Entry, Index, naming_words};

const FIRST: u16 = 100;
const LAST: u16 = 999;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Known(Entry),
    Words(String),
}

/// Gives each thing removed its tag.
pub(crate) struct Labels {
    order: [Vec<u16>; 3],
    given: [HashMap<Key, usize>; 3],
    reserved: usize,
}

impl Labels {
    /// `reserved` numbers belong to the roster; the numbers in `used` stand in the text already.
    pub(crate) fn new(seed: &[u8; 32], reserved: usize, used: &HashSet<u16>) -> Self {
        let order = [b"person", b"place ", b"body  "].map(|kind| {
            let mut numbers: Vec<([u8; 32], u16)> = (FIRST..=LAST)
                .filter(|number| !used.contains(number))
                .map(|number| {
                    let mut hash = Sha256::new();
                    hash.update(b"provenote/surrogate/v1\n");
                    hash.update(seed);
                    hash.update(kind);
                    hash.update(number.to_be_bytes());
                    (hash.finalize().into(), number)
                })
                .collect();
            numbers.sort_unstable();
            numbers.into_iter().map(|(_, number)| number).collect()
        });
        Self { order, given: Default::default(), reserved }
    }

    /// The tags of everything removed, in the same order.
    pub(crate) fn tags(&mut self, text: &str, removed: &[(Range<usize>, Put)], index: &Index) -> Vec<String> {
        let words: Vec<Vec<String>> = removed
            .iter()
            .map(|(at, put)| if matches!(put, Put::Words(_)) { Vec::new() } else { naming_words(&text[at.clone()]) })
            .collect();
        // "Rogelio" is Rogelio Arriaga where there is one of that name only.
        let mut whole: HashMap<&str, HashSet<String>> = HashMap::new();
        for ((_, put), words) in removed.iter().zip(&words) {
            if *put == Put::Person && words.len() > 1 {
                for word in words {
                    whole.entry(word).or_default().insert(words.join(" "));
                }
            }
        }
        removed
            .iter()
            .zip(&words)
            .map(|((_, put), words)| {
                let (kind, name) = match put {
                    Put::Words(tag) => return format!("[{tag}]"),
                    Put::Person => (0, "person"),
                    Put::Place => (1, "place"),
                    Put::Organization => (2, "organization"),
                };
                let key = index.entry_of(words).map_or_else(
                    || {
                        let only = match words.as_slice() {
                            [word] => whole.get(word.as_str()).filter(|full| full.len() == 1),
                            _ => None,
                        };
                        Key::Words(only.and_then(|full| full.iter().next().cloned()).unwrap_or_else(|| words.join(" ")))
                    },
                    Key::Known,
                );
                format!("[{name}-{}]", self.number(kind, key))
            })
            .collect()
    }

    fn number(&mut self, kind: usize, key: Key) -> u16 {
        let unknown = self.given[kind].keys().filter(|key| matches!(key, Key::Words(_))).count();
        let next = match &key {
            // A surname that several share is a number of its own, beside those of the people.
            Key::Known(Entry::Person(at) | Entry::Place(at) | Entry::Employer(at)) => at * 2,
            Key::Known(Entry::Shared(at)) => at * 2 + 1,
            Key::Words(_) => self.reserved * 2 + unknown,
        };
        let place = *self.given[kind].entry(key).or_insert(next);
        // Nine hundred people in one document are more than any has; beyond them numbers of four digits follow.
        self.order[kind].get(place).copied().unwrap_or_else(|| {
            let beyond = place.saturating_sub(self.order[kind].len());
            u16::try_from(beyond).map_or(9999, |beyond| beyond.saturating_add(1000).min(9999))
        })
    }
}
