//! What one rule found, before overlaps are settled.

use std::ops::Range;

use crate::identifier::Identifier;

/// What is written in place of what is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Put {
    /// A person: the same number throughout the document.
    Person,
    /// A place: the same number throughout.
    Place,
    /// An employer, a school, a clinic: the same number throughout.
    Organization,
    /// These words in brackets.
    Words(String),
}

/// A stretch of text that must go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) at: Range<usize>,
    pub(crate) identifier: Identifier,
    pub(crate) put: Put,
    /// Decides between finds of the same length: the higher wins.
    pub(crate) weight: u8,
}

impl Found {
    pub(crate) fn new(at: Range<usize>, identifier: Identifier, put: Put, weight: u8) -> Self {
        Self { at, identifier, put, weight }
    }
}

/// Joins what overlaps. Of two that overlap the longer decides what is written, then the heavier; both go whole.
pub(crate) fn settle(mut found: Vec<Found>) -> Vec<Found> {
    found.retain(|one| !one.at.is_empty());
    found.sort_by_key(|one| (one.at.start, std::cmp::Reverse(one.at.end)));
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    let mut width_of_last = 0;
    for one in found {
        match out.last_mut() {
            Some(last) if one.at.start < last.at.end => {
                let end = last.at.end.max(one.at.end);
                let width = one.at.len();
                if (width, one.weight) > (width_of_last, last.weight) {
                    width_of_last = width;
                    last.identifier = one.identifier;
                    last.put = one.put;
                    last.weight = one.weight;
                }
                last.at.end = end;
            }
            _ => {
                width_of_last = one.at.len();
                out.push(one);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_finds_go_whole_and_the_longer_names_them() {
        let person = Found::new(4..8, Identifier::Name, Put::Person, 9);
        let place = Found::new(0..6, Identifier::Place, Put::Place, 1);
        let apart = Found::new(8..9, Identifier::Phone, Put::Words("phone".to_owned()), 1);
        let settled = settle(vec![person, place, apart.clone()]);
        assert_eq!(settled, [Found::new(0..8, Identifier::Place, Put::Place, 1), apart]);
    }
}
