//! Cleaning a text: all rules, again and again until none finds anything more, then the tags.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::found::{Found, Put, settle};
use crate::identifier::Identifier;
use crate::labels::Labels;
use crate::patterns::{Patterns, patterns};
use crate::roster::{Index, Roster};
use crate::text::{Shape, TAG, Token, sentence_around, tokens};
use crate::words::lists;
use crate::{Dates, Options, dates, proper, spoken};

/// After so many rounds nothing new is found in any text we know of.
const ROUNDS: usize = 8;

/// Texts shorter than this, in words, are not judged by their capitals and their language.
const SHORT: usize = 25;

/// A text with no capital at all is withheld from this many words on.
const SHORT_SMALL: usize = 8;

/// Something that was taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Which of the 18.
    pub identifier: Identifier,
    /// Where it stood in the text given, in bytes.
    pub at: Range<usize>,
    /// Where its surrogate stands in the cleaned text, in bytes; empty where the text is withheld.
    pub stands_at: Range<usize>,
    /// What stands there now, such as `[person-412]`.
    pub surrogate: String,
}

/// Why a text is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Without capitals, or in capitals throughout, names cannot be told from words.
    NoCapitals,
    /// Too few of its words are English, the only language the rules know.
    NotEnglish,
    /// So much was taken out that what is left says little but who was named.
    MostlyIdentifiers,
    /// After several rounds the rules still found more.
    Unsettled,
    /// The rules could not be read.
    NoRules,
}

impl Reason {
    /// In a sentence.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NoCapitals => {
                "The text is written without capitals, or in capitals throughout, so names cannot be told from words."
            }
            Self::NotEnglish => "Too few of the words are English, the only language the rules know.",
            Self::MostlyIdentifiers => "So much had to be taken out that little but the gaps would be left.",
            Self::Unsettled => "The rules did not come to an end with this text.",
            Self::NoRules => "The rules could not be read.",
        }
    }
}

/// A text that does not leave, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// At least one.
    pub reasons: Vec<Reason>,
}

/// Something the person who confirms the release should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// The practice gave no names, so only general evidence stands behind those found.
    EmptyRoster,
    /// A name of the roster is also a word, and stood so many times in small letters, where it was left.
    NameAsWord {
        /// How many times.
        times: usize,
    },
    /// So many sentences were withheld because they tell who somebody is without naming anybody.
    SentencesWithheld {
        /// How many.
        times: usize,
    },
    /// Dates are shifted: the text still holds days and months, so it is not what Safe Harbor describes.
    DatesShifted,
}

/// What came of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// The text with its surrogates; empty where it is withheld.
    pub text: String,
    /// What was taken out, in the order of the text.
    pub removed: Vec<Removal>,
    /// Set where the text must not leave.
    pub withheld: Option<Withheld>,
    /// What a person should look at before confirming.
    pub doubts: Vec<Doubt>,
}

impl Cleaned {
    /// How many of each identifier were taken out: what a release lists.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Identifier, usize> {
        let mut out = BTreeMap::new();
        for removal in &self.removed {
            *out.entry(removal.identifier).or_default() += 1;
        }
        out
    }
}

/// What came of a text in parts, such as the sentences of a note or the segments of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanedParts {
    /// The parts, as many as were given; all empty where the whole is withheld.
    pub parts: Vec<String>,
    /// The whole, its parts joined by line ends; positions count in it.
    pub whole: Cleaned,
}

/// Takes the identifiers out of a text.
///
/// `seed` decides the numbers of people, places and bodies: 32 random bytes for each release. Cleaning a cleaned text
/// with the same options changes nothing.
#[must_use]
pub fn clean(text: &str, roster: &Roster, options: &Options, seed: &[u8; 32]) -> Cleaned {
    let index = Index::new(roster);
    let (removed, mut reasons, left) = match patterns().filter(|_| lists().readable) {
        Some(patterns) => search(text, &index, options, patterns),
        None => (Vec::new(), vec![Reason::NoRules], 0),
    };
    let reserved = roster.people.len().max(roster.places.len()).max(roster.employers.len());
    let mut labels = Labels::new(seed, reserved, &numbers_in(text));
    let what: Vec<(Range<usize>, Put)> = removed.iter().map(|one| (one.at.clone(), one.put.clone())).collect();
    let tags = labels.tags(text, &what, &index);
    let (mut cleaned, places) = render(text, &removed, &tags);
    reasons.extend(unfit(text, &removed));
    let withheld = (!reasons.is_empty()).then_some(Withheld { reasons });
    let mut out: Vec<Removal> = Vec::with_capacity(removed.len());
    for ((one, surrogate), place) in removed.iter().zip(tags).zip(places) {
        let stands_at = if withheld.is_some() { 0..0 } else { place };
        out.push(Removal { identifier: one.identifier, at: one.at.clone(), stands_at, surrogate });
    }
    if withheld.is_some() {
        cleaned.clear();
    }
    let sentences = out.iter().filter(|one| one.surrogate == "[withheld]").count();
    let mut doubts = Vec::new();
    if roster.is_empty() {
        doubts.push(Doubt::EmptyRoster);
    }
    if left > 0 {
        doubts.push(Doubt::NameAsWord { times: left });
    }
    if sentences > 0 {
        doubts.push(Doubt::SentencesWithheld { times: sentences });
    }
    if matches!(options.dates, Dates::Shifted { .. }) {
        doubts.push(Doubt::DatesShifted);
    }
    Cleaned { text: cleaned, removed: out, withheld, doubts }
}

/// Takes the identifiers out of a text in parts, with the same surrogates throughout. What goes from one part into the
/// next is replaced in the first.
#[must_use]
pub fn clean_parts(parts: &[&str], roster: &Roster, options: &Options, seed: &[u8; 32]) -> CleanedParts {
    let whole = clean(&parts.join("\n"), roster, options, seed);
    let joined = parts.join("\n");
    let mut out = Vec::with_capacity(parts.len());
    let mut begin = 0;
    let mut removed = whole.removed.iter().peekable();
    let mut gone = 0;
    for part in parts {
        let end = begin + part.len();
        let mut cleaned = String::with_capacity(part.len());
        let mut at = begin.max(gone).min(end);
        while let Some(one) = removed.next_if(|one| one.at.start < end) {
            cleaned.push_str(&joined[at..one.at.start.max(at)]);
            cleaned.push_str(&one.surrogate);
            gone = one.at.end;
            at = gone.min(end);
        }
        cleaned.push_str(&joined[at..end]);
        out.push(if whole.withheld.is_some() { String::new() } else { cleaned });
        begin = end + 1;
    }
    CleanedParts { parts: out, whole }
}

/// The numbers of tags that stand in a text already.
fn numbers_in(text: &str) -> HashSet<u16> {
    TAG.as_ref()
        .map(|tag| {
            tag.find_iter(text)
                .filter_map(|found| found.as_str().trim_end_matches(']').rsplit_once('-')?.1.parse().ok())
                .collect()
        })
        .unwrap_or_default()
}

/// What must go from a text, why the text cannot be cleaned, and how often a name was left as a word.
fn search(text: &str, index: &Index, options: &Options, patterns: &Patterns) -> (Vec<Found>, Vec<Reason>, usize) {
    let mut removed: Vec<Found> = Vec::new();
    let mut left = 0;
    for round in 0..ROUNDS {
        // Where it is not the first round, what was found stands as tags: what is left is read anew.
        let stand_ins: Vec<String> = removed.iter().map(|one| stand_in(&one.put)).collect();
        let (current, places) = render(text, &removed, &stand_ins);
        let (mut found, ordinary) = find(&current, index, options, patterns);
        if round == 0 {
            left = ordinary;
        }
        if found.is_empty() {
            return (removed, Vec::new(), left);
        }
        for one in &mut found {
            one.at = original(&one.at, &removed, &places);
        }
        removed.extend(found);
        removed.sort_by_key(|one| one.at.start);
    }
    (removed, vec![Reason::Unsettled], left)
}

/// A tag of the right form for the rounds; its number does not matter.
fn stand_in(put: &Put) -> String {
    match put {
        Put::Person => "[person-100]".to_owned(),
        Put::Place => "[place-100]".to_owned(),
        Put::Organization => "[organization-100]".to_owned(),
        Put::Words(words) => format!("[{words}]"),
    }
}

/// Where a stretch of a text with tags stood in the text without them. It touches no tag.
fn original(at: &Range<usize>, removed: &[Found], places: &[Range<usize>]) -> Range<usize> {
    let before = places.partition_point(|place| place.end <= at.start);
    let (mut was, mut is) = (0, 0);
    if before > 0 {
        was = removed[before - 1].at.end;
        is = places[before - 1].end;
    }
    at.start - is + was..at.end - is + was
}

/// The text with surrogates, and where they stand.
fn render(text: &str, removed: &[Found], tags: &[String]) -> (String, Vec<Range<usize>>) {
    let mut out = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(removed.len());
    let mut at = 0;
    for (one, tag) in removed.iter().zip(tags) {
        out.push_str(&text[at..one.at.start]);
        let start = out.len();
        out.push_str(tag);
        places.push(start..out.len());
        at = one.at.end;
    }
    out.push_str(&text[at..]);
    (out, places)
}

/// Everything the rules find in a text, settled, none of it in a tag.
fn find(text: &str, index: &Index, options: &Options, patterns: &Patterns) -> (Vec<Found>, usize) {
    let tokens = tokens(text);
    let (mut found, left) = index.find(&tokens);
    for rule in &patterns.forms {
        let put = |name: &str| match name {
            "person" => Put::Person,
            "place" => Put::Place,
            "organization" => Put::Organization,
            words => Put::Words(words.to_owned()),
        };
        let heavy = 50;
        found.extend(rule.find(text).into_iter().map(|one| Found::new(one.at, rule.identifier, put(&rule.put), heavy)));
    }
    for rule in &patterns.withheld {
        found.extend(rule.find(text).into_iter().map(|one| {
            Found::new(sentence_around(text, &one.at), rule.identifier, Put::Words("withheld".to_owned()), 200)
        }));
    }
    found.extend(dates::find(text, patterns, options));
    found.extend(spoken::find(text, &tokens));
    found.extend(proper::find(text, &tokens));
    let tags: Vec<Range<usize>> =
        tokens.iter().filter(|token| token.shape == Shape::Tag).map(|token| token.at.clone()).collect();
    let mut settled = settle(beside_tags(text, found, &tags));
    join_names(text, &mut settled, index);
    (settled, left)
}

/// Cuts what reaches into a tag, so that tags are never touched.
fn beside_tags(text: &str, found: Vec<Found>, tags: &[Range<usize>]) -> Vec<Found> {
    if tags.is_empty() {
        return found;
    }
    let mut out = Vec::with_capacity(found.len());
    for one in found {
        let mut start = one.at.start;
        let first = tags.partition_point(|tag| tag.end <= one.at.start);
        let crossing = tags[first..].iter().take_while(|tag| tag.start < one.at.end);
        let mut pieces = Vec::new();
        for tag in crossing {
            pieces.push(start..tag.start.max(start));
            start = tag.end;
        }
        pieces.push(start..one.at.end.max(start));
        let whole = pieces.len() == 1;
        for piece in pieces {
            // Blanks and points between tags are nothing to remove.
            let inside = &text[piece.clone()];
            let trimmed = inside.trim_matches(|c: char| !c.is_alphanumeric());
            if trimmed.is_empty() {
                continue;
            }
            let at = if whole {
                piece
            } else {
                let start =
                    piece.start + (inside.len() - inside.trim_start_matches(|c: char| !c.is_alphanumeric()).len());
                start..start + trimmed.len()
            };
            out.push(Found::new(at, one.identifier, one.put.clone(), one.weight));
        }
    }
    out
}

/// "Maria Lopez", found word by word, is one person.
fn join_names(text: &str, found: &mut Vec<Found>, index: &Index) {
    let mut out: Vec<Found> = Vec::with_capacity(found.len());
    for one in found.drain(..) {
        if let Some(last) = out.last_mut()
            && last.put == Put::Person
            && one.put == Put::Person
            && match &text[last.at.end..one.at.start] {
                " " | "-" | "\u{a0}" => true,
                // After an initial only: "Maria. Hector" are two sentences.
                ". " => text[..last.at.end].chars().rev().nth(1).is_none_or(|c| !c.is_alphanumeric()),
                _ => false,
            }
            && !two_known(text, &last.at, &one.at, index)
        {
            last.at.end = one.at.end;
            continue;
        }
        out.push(one);
    }
    *found = out;
}

/// True where two stretches name two people of the roster.
fn two_known(text: &str, first: &Range<usize>, second: &Range<usize>, index: &Index) -> bool {
    use crate::roster::Entry::Person;
    let entry = |at: &Range<usize>| index.entry_of(&crate::roster::naming_words(&text[at.clone()]));
    matches!((entry(first), entry(second)), (Some(Person(one)), Some(Person(other))) if one != other)
}

/// Why a text cannot be cleaned with confidence, apart from what was found.
fn unfit(text: &str, removed: &[Found]) -> Vec<Reason> {
    let tokens = tokens(text);
    let lists = lists();
    let gone: Vec<bool> = {
        let mut at = 0;
        tokens
            .iter()
            .map(|token| {
                while at < removed.len() && removed[at].at.end <= token.at.start {
                    at += 1;
                }
                removed.get(at).is_some_and(|one| one.at.start < token.at.end)
            })
            .collect()
    };
    let words: Vec<(&Token, bool)> =
        tokens.iter().zip(gone).filter(|(token, _)| !matches!(token.shape, Shape::Tag | Shape::Code)).collect();
    let mut reasons = Vec::new();
    let foreign = text.chars().filter(|c| proper::is_other_script(*c)).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let small = words.iter().all(|(token, _)| token.shape == Shape::Lower || token.folded == "i");
    let tagged = tokens.iter().any(|token| token.shape == Shape::Tag);
    if words.len() < SHORT {
        if small && !tagged && words.len() >= SHORT_SMALL {
            reasons.push(Reason::NoCapitals);
        }
        if foreign > 8 && foreign * 3 > letters {
            reasons.push(Reason::NotEnglish);
        }
        return reasons;
    }
    let share = |count: usize, percent: usize| count * 100 > words.len() * percent;
    let long = words.iter().filter(|(token, _)| token.folded.chars().count() > 1);
    let (mut capital, mut shouted, mut lower) = (0, 0, 0);
    for (token, _) in long {
        match token.shape {
            Shape::Capital => capital += 1,
            Shape::Upper => shouted += 1,
            Shape::Lower => lower += 1,
            _ => {}
        }
    }
    if (capital + shouted == 0 && !tagged) || (shouted > lower && shouted > capital) || share(capital, 70) {
        reasons.push(Reason::NoCapitals);
    }
    let kept = words.iter().filter(|(_, gone)| !gone).count();
    let english =
        words.iter().filter(|(token, gone)| !gone && (lists.english(&token.folded) || lists.kept(token))).count();
    if english * 100 < kept * 75 || foreign * 5 > letters {
        reasons.push(Reason::NotEnglish);
    }
    if share(words.len() - kept, 60) {
        reasons.push(Reason::MostlyIdentifiers);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Known, Who};

    const SEED: [u8; 32] = [7; 32];

    fn plain(text: &str) -> Cleaned {
        clean(text, &Roster::default(), &Options::years(Some(2024)), &SEED)
    }

    #[test]
    fn one_person_has_one_surrogate() {
        let cleaned = plain("I told Marcus. Marcus's mother, Mrs. Delgado, called Marcus Reed back.");
        let tags: Vec<&str> = cleaned.removed.iter().map(|one| one.surrogate.as_str()).collect();
        assert_eq!(tags.len(), 4, "{}", cleaned.text);
        assert_eq!(tags[0], tags[1]);
        assert_eq!(tags[0], tags[3]);
        assert_ne!(tags[0], tags[2]);
        assert!(cleaned.text.contains("]'s mother"));
    }

    #[test]
    fn positions_fit_both_texts() {
        let text = "Call Priya at 415-555-0133 on May 3, 2021.";
        let cleaned = plain(text);
        let kinds: Vec<(&str, Identifier)> =
            cleaned.removed.iter().map(|one| (&text[one.at.clone()], one.identifier)).collect();
        assert_eq!(
            kinds,
            [("Priya", Identifier::Name), ("415-555-0133", Identifier::Phone), ("May 3, 2021", Identifier::Date)]
        );
        for one in &cleaned.removed {
            assert_eq!(&cleaned.text[one.stands_at.clone()], one.surrogate);
        }
        assert_eq!(cleaned.counts()[&Identifier::Name], 1);
    }

    #[test]
    fn numbers_come_from_the_seed() {
        let text = "I told Marcus about Ngozi and about Wendell.";
        let other = clean(text, &Roster::default(), &Options::years(None), &[8; 32]);
        assert_ne!(plain(text).text, other.text);
        assert_eq!(plain(text).text, plain(text).text);
    }

    #[test]
    fn the_people_of_the_roster_keep_their_numbers() {
        let roster = Roster {
            people: vec![
                Known { who: Who::Client, names: vec!["Maria Lopez".to_owned(), "Mari".to_owned()] },
                Known { who: Who::Family, names: vec!["Hector Lopez".to_owned()] },
            ],
            ..Roster::default()
        };
        let one = clean("Hector called Mari.", &roster, &Options::years(None), &SEED);
        let two = clean("Priya left. Maria saw Hector Lopez.", &roster, &Options::years(None), &SEED);
        assert_eq!(one.removed[0].surrogate, two.removed[2].surrogate);
        assert_eq!(one.removed[1].surrogate, two.removed[1].surrogate);
    }

    #[test]
    fn a_sentence_that_tells_who_somebody_is_is_withheld() {
        let cleaned = plain("I slept. My father was the mayor of it all. I ate.");
        assert_eq!(cleaned.text, "I slept. [withheld] I ate.");
        assert!(cleaned.doubts.contains(&Doubt::SentencesWithheld { times: 1 }));
    }

    #[test]
    fn what_cannot_be_judged_is_withheld() {
        let small = "so i went to see mark and grace and will said that i should not have gone there and then he left me \
                     alone with all of the kids for the night";
        let reasons = |text: &str| plain(text).withheld.expect("withheld").reasons;
        assert_eq!(reasons(small), [Reason::NoCapitals]);
        assert!(reasons(&small.to_uppercase()).contains(&Reason::NoCapitals));
        let spanish = "Mi hermano me dijo que no quiere volver a la casa porque tiene mucho miedo de lo que pueda pasar con \
                       su hija cuando llegue la noche y nadie pueda ayudarle";
        assert!(reasons(spanish).contains(&Reason::NotEnglish));
        assert_eq!(plain(small).text, "");
    }

    #[test]
    fn parts_are_cleaned_as_one() {
        let parts = ["I told Marcus.", "My number is five five five,", "one two three four. Marcus knows."];
        let cleaned = clean_parts(&parts, &Roster::default(), &Options::years(None), &SEED);
        assert_eq!(cleaned.parts.len(), 3);
        assert_eq!(cleaned.parts[1], "My number is [phone]");
        let person = &cleaned.whole.removed[0].surrogate;
        assert_eq!(cleaned.parts[0], format!("I told {person}."));
        assert_eq!(cleaned.parts[2], format!(". {person} knows."));
    }
}
