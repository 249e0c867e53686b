//! Names of people, places and bodies that nobody told us of: by capitals, by lists of names, and by the words around.
//!
//! English in running text writes proper names, and little else, with a capital in the midst of a sentence. So a
//! capital there is a name unless the word is one of those of `rules/proper.yaml` that name nobody. At the beginning of
//! a sentence, and for names that are also words, the words around decide.

use std::collections::HashSet;

use crate::found::{Found, Put};
use crate::identifier::Identifier;
use crate::text::{Shape, Token};
use crate::words::{Lists, lists, phrase_at};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Person,
    Place,
    Body,
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
    lists: &'static Lists,
    /// Tokens that stay whatever is said of them: "New Mexico".
    fixed: Vec<bool>,
    /// Tokens that are spoken for.
    taken: Vec<bool>,
    /// Lines that are headings: their capitals say nothing.
    heading: Vec<bool>,
    /// Words that stand somewhere in small letters.
    small: HashSet<&'a str>,
    found: Vec<(usize, usize, Class)>,
}

/// Names, places and bodies by general evidence.
pub(crate) fn find(text: &str, tokens: &[Token]) -> Vec<Found> {
    let small = tokens.iter().filter(|token| token.shape == Shape::Lower).map(|token| token.folded.as_str()).collect();
    let mut reader = Reader {
        text,
        tokens,
        lists: lists(),
        fixed: vec![false; tokens.len()],
        taken: vec![false; tokens.len()],
        heading: headings(text, tokens),
        small,
        found: Vec::new(),
    };
    reader.known_places();
    reader.told_names();
    reader.bodies();
    reader.capitals();
    reader.repeats();
    reader
        .found
        .iter()
        .map(|(first, last, class)| {
            let at = tokens[*first].at.start..tokens[*last].at.end;
            match class {
                Class::Person => Found::new(at, Identifier::Name, Put::Person, 30),
                Class::Place => Found::new(at, Identifier::Place, Put::Place, 30),
                Class::Body => Found::new(at, Identifier::Name, Put::Organization, 30),
            }
        })
        .chain(other_scripts(text, tokens))
        .collect()
}

/// Words in letters other than Latin: what they say is not known here, so they go.
fn other_scripts<'t>(text: &'t str, tokens: &'t [Token]) -> impl Iterator<Item = Found> + 't {
    tokens
        .iter()
        .filter(|token| token.shape != Shape::Tag && text[token.at.clone()].chars().any(is_other_script))
        .map(|token| Found::new(token.at.clone(), Identifier::OtherUnique, Put::Words("unique".to_owned()), 20))
}

/// True for a letter that is not Latin.
pub(crate) fn is_other_script(c: char) -> bool {
    c.is_alphabetic()
        && !matches!(c, '\0'..='\u{24f}' | '\u{250}'..='\u{2ff}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}' | '\u{ff21}'..='\u{ff5a}')
}

/// For each token: whether its line is a heading, or in capitals throughout.
fn headings(text: &str, tokens: &[Token]) -> Vec<bool> {
    let mut out = vec![false; tokens.len()];
    let mut first = 0;
    while first < tokens.len() {
        let mut last = first + 1;
        while last < tokens.len() && !tokens[last].begins_line {
            last += 1;
        }
        let line = &tokens[first..last];
        let long: Vec<&Token> =
            line.iter().filter(|token| token.folded.len() > 3 && token.shape != Shape::Code).collect();
        let capital = long.iter().filter(|token| token.shape != Shape::Lower).count();
        let end = line.last().map_or(0, |token| token.at.end);
        let open = !text[end..].trim_start_matches(' ').starts_with(['.', '!', '?', ',']);
        let heading = long.len() > 1 && capital * 10 >= long.len() * 8 && open && line.len() < 12;
        let shouted =
            long.len() > 3 && long.iter().filter(|token| token.shape == Shape::Upper).count() * 10 >= long.len() * 7;
        out[first..last].fill(heading || shouted);
        first = last;
    }
    out
}

impl Reader<'_> {
    fn token(&self, at: usize) -> &Token {
        &self.tokens[at]
    }

    fn word(&self, at: usize) -> &str {
        &self.tokens[at].folded
    }

    /// The word before within the sentence, `steps` back.
    fn before(&self, at: usize, steps: usize) -> Option<&str> {
        let mut place = at;
        for _ in 0..steps {
            if place == 0 || self.tokens[place].begins {
                return None;
            }
            place -= 1;
        }
        Some(self.word(place))
    }

    fn any_before(&self, at: usize, steps: usize, is: impl Fn(&str) -> bool) -> bool {
        (1..=steps).map_while(|step| self.before(at, step)).any(is)
    }

    fn gap_after(&self, at: usize) -> &str {
        let end = self.tokens[at].at.end;
        self.tokens.get(at + 1).map_or(&self.text[end..], |next| &self.text[end..next.at.start])
    }

    fn free(&self, at: usize) -> bool {
        !self.taken[at] && !self.fixed[at] && self.tokens[at].shape != Shape::Tag
    }

    fn is_capital(&self, at: usize) -> bool {
        matches!(self.tokens[at].shape, Shape::Capital | Shape::Upper)
    }

    fn known(&self, at: usize) -> bool {
        self.lists.english(self.word(at))
    }

    fn kept(&self, at: usize) -> bool {
        let token = self.token(at);
        if !self.lists.kept(token) {
            return false;
        }
        // Jesús is a man of that name; Jesus may be an oath.
        self.text[token.at.clone()].is_ascii() || !self.lists.given(&token.folded)
    }

    fn never(&self, at: usize) -> bool {
        self.lists.never.contains(self.word(at))
    }

    /// May this word be one of a name's, by itself?
    fn like_a_name(&self, at: usize) -> bool {
        let word = self.word(at);
        self.is_capital(at)
            && self.free(at)
            && !self.never(at)
            && (!self.kept(at) || self.lists.surname(word) && !self.lists.eponyms.contains(word) && !self.known(at))
            && (!self.known(at) || self.lists.given(word) || self.lists.surname(word))
            && !(self.token(at).shape == Shape::Upper && word.len() < 4 && !self.lists.surname(word))
    }

    fn take(&mut self, first: usize, last: usize, class: Class) {
        if (first..=last).any(|at| self.taken[at]) {
            return;
        }
        self.taken[first..=last].fill(true);
        self.found.push((first, last, class));
    }

    /// The last word of a name that begins at `first`.
    fn end_of_name(&self, first: usize) -> usize {
        let mut last = first;
        while last + 1 < self.tokens.len() && self.token(last).joined {
            let next = last + 1;
            let initial = self.token(next).shape == Shape::Initial && self.word(next) != "i" && self.free(next);
            let like = self.like_a_name(next) && !self.lists.body_last.contains(self.word(next));
            if initial && self.token(next).joined || like {
                last = next;
                continue;
            }
            // Particles count only with a name after them: "Ms. de la Cruz".
            let mut beyond = next;
            while beyond < self.tokens.len()
                && beyond < next + 3
                && self.lists.particles.contains(self.word(beyond))
                && self.token(beyond).joined
            {
                beyond += 1;
            }
            if beyond > next
                && beyond < self.tokens.len()
                && self.is_capital(beyond)
                && self.free(beyond)
                && !self.never(beyond)
                && !self.kept(beyond)
            {
                last = beyond;
                continue;
            }
            break;
        }
        last
    }

    /// Initials before a name belong to it: "T. Brandvold".
    fn begin_of_name(&self, first: usize) -> usize {
        let mut begin = first;
        while begin > 0 {
            let token = self.token(begin - 1);
            if token.shape == Shape::Initial
                && token.joined
                && token.folded != "i"
                && token.folded != "a"
                && self.free(begin - 1)
            {
                begin -= 1;
            } else {
                break;
            }
        }
        begin
    }

    /// States and countries stay, well-known cities go.
    fn known_places(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if !matches!(self.token(at).shape, Shape::Capital | Shape::Upper) {
                at += 1;
                continue;
            }
            let city = phrase_at(&self.lists.cities, self.tokens, at);
            let region = phrase_at(&self.lists.regions, self.tokens, at);
            let either = phrase_at(&self.lists.ambiguous_regions, self.tokens, at);
            let all_capital =
                |count: usize| (at..at + count).all(|at| matches!(self.token(at).shape, Shape::Capital | Shape::Upper));
            if region > 0 && region >= city && all_capital(region) {
                let short = region == 1 && self.word(at).len() < 3;
                if !short || self.token(at).shape == Shape::Upper {
                    self.fixed[at..at + region].fill(true);
                    at += region;
                    continue;
                }
            }
            if either > city && all_capital(either) {
                // "Brooklyn, New York" names the state; "in New York" may be the city.
                let after_comma =
                    at > 0 && self.gap_after(at - 1).trim() == "," && self.token(at - 1).shape != Shape::Lower;
                let state = self.tokens.get(at + either).is_some_and(|next| next.folded == "state");
                if after_comma || state {
                    self.fixed[at..at + either].fill(true);
                } else {
                    self.take(at, at + either - 1, Class::Place);
                }
                at += either;
                continue;
            }
            if city > 0 && all_capital(city) {
                let given = city == 1 && self.lists.given(self.word(at));
                let word = city == 1 && self.known(at);
                let told = self.before(at, 1).is_some_and(|word| self.lists.place_before.contains(word));
                let begins_as_word = word && self.token(at).begins;
                if told || !(given || begins_as_word) {
                    self.take(at, at + city - 1, Class::Place);
                    at += city;
                    continue;
                }
            }
            at += 1;
        }
    }

    /// Names that the words before tell: after a title, a relation, "named".
    fn told_names(&mut self) {
        for at in 0..self.tokens.len() {
            if self.token(at).shape == Shape::Tag {
                continue;
            }
            let naming = phrase_at(&self.lists.naming, self.tokens, at);
            if naming > 0 {
                self.after_naming(at + naming);
            }
            if self.lists.titles.contains(self.word(at)) && self.token(at).joined && !self.token(at).possessive {
                self.after_title(at);
            }
            if self.lists.relations.contains(self.word(at)) && !self.token(at).possessive {
                self.after_relation(at);
            }
            self.label(at);
        }
    }

    fn after_naming(&mut self, at: usize) {
        if at >= self.tokens.len() || !self.tokens[at - 1].joined && !self.gap_after(at - 1).trim().is_empty() {
            return;
        }
        if !self.free(at) || self.never(at) {
            return;
        }
        let word = self.word(at);
        let named = if self.is_capital(at) {
            !self.kept(at) || self.lists.given(word)
        } else {
            self.token(at).shape == Shape::Lower && !self.known(at) && !self.kept(at)
        };
        let label = self.lists.relations.contains(word) || self.lists.titles.contains(word);
        if named && !label && !(self.lists.capital_ok.contains(word)) {
            let last = self.end_of_name(at);
            self.take(at, last, Class::Person);
        }
    }

    fn after_title(&mut self, title: usize) {
        let at = title + 1;
        if at >= self.tokens.len() || !self.free(at) || self.token(at).shape == Shape::Code {
            return;
        }
        let strong = matches!(
            self.word(title),
            "mr" | "mrs"
                | "ms"
                | "mx"
                | "miss"
                | "dr"
                | "sgt"
                | "cpl"
                | "lt"
                | "capt"
                | "rev"
                | "prof"
                | "rabbi"
                | "imam"
        );
        let word = self.word(at);
        let ordinary = self.known(at) || self.kept(at) || self.lists.titles.contains(word);
        let capital = matches!(self.token(at).shape, Shape::Capital | Shape::Upper);
        let weak_capital = self.token(title).shape != Shape::Lower;
        let named = if capital {
            (!self.never(at)
                && (strong
                    || !ordinary
                    || self.lists.given(word)
                    // "Aunt Sis", "Uncle June": after kin with a capital any word with a capital is a name.
                    || (weak_capital && is_kin(self.word(title)) && !self.heading[at])
                    || (weak_capital
                        && self.lists.surname(word)
                        && !self.lists.capital_ok.contains(word)
                        && !self.lists.body_last.contains(word))))
                || (strong && !self.never(at))
        } else if self.token(at).shape == Shape::Initial {
            strong && word != "i" && word != "a"
        } else {
            // "dr nakagawa" in a text without capitals; "Ms. de la Cruz".
            (strong && !self.known(at) && !self.kept(at))
                || (self.lists.particles.contains(word) && self.end_of_name(title) > title)
                || (!strong && self.lists.given(word) && !self.known(at))
        };
        if !named {
            return;
        }
        let last = if self.lists.particles.contains(word) && !capital {
            self.end_of_name(title)
        } else {
            self.end_of_name(at)
        };
        self.take(at, last.max(at), Class::Person);
    }

    fn after_relation(&mut self, relation: usize) {
        let at = relation + 1;
        if at >= self.tokens.len() || !self.free(at) || self.never(at) {
            return;
        }
        let gap = self.gap_after(relation);
        let comma = gap.trim() == ",";
        let blank = !gap.is_empty() && gap.trim().is_empty() && !gap.contains('\n');
        if !comma && !blank {
            return;
        }
        let word = self.word(at);
        let given = self.lists.given(word);
        let known = self.known(at);
        let label = self.lists.relations.contains(word)
            || self.lists.titles.contains(word)
            || self.lists.capital_ok.contains(word)
            || self.lists.body_last.contains(word);
        let named = match self.token(at).shape {
            Shape::Capital | Shape::Upper => {
                (!self.kept(at) || given && !known)
                    && (!known
                        || given
                        || (!comma && !label && !self.heading[at] && self.token(relation).shape == Shape::Lower))
            }
            Shape::Lower => !comma && !known && !self.kept(at) && (given || self.lists.surname(word)),
            _ => false,
        };
        if named {
            let last = self.end_of_name(at);
            self.take(at, last, Class::Person);
        }
    }

    /// "Joy: I think" at the beginning of a line names a speaker.
    fn label(&mut self, at: usize) {
        if !self.token(at).begins_line || !self.is_capital(at) {
            return;
        }
        let mut last = at;
        while last < at + 3 && last + 1 < self.tokens.len() && self.token(last).joined {
            last += 1;
        }
        if !self.gap_after(last).starts_with(':') {
            return;
        }
        for place in at..=last {
            let word = self.word(place);
            let names = self.lists.given(word) && !self.lists.capital_ok.contains(word);
            let acronym = self.token(place).shape == Shape::Upper && word.len() < 4 && !names;
            if !acronym
                && self.free(place)
                && !self.never(place)
                && self.is_capital(place)
                && !self.kept(place)
                && (names || !self.known(place))
            {
                self.take(place, place, Class::Person);
            }
        }
    }

    /// Employers, schools, clinics, churches: by the word at their end, or by "works at".
    fn bodies(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            if !self.body_word(at)
                || self.lists.particles.contains(self.word(at)) && self.token(at).shape == Shape::Lower
            {
                at += 1;
                continue;
            }
            let first = at;
            let mut last = at;
            while self.token(last).joined && last + 1 < self.tokens.len() {
                let next = last + 1;
                let link = matches!(self.word(next), "of" | "the" | "and" | "for" | "on")
                    || self.gap_after(last).trim() == "&";
                if self.body_word(next) {
                    last = next;
                } else if link
                    && next + 1 < self.tokens.len()
                    && self.token(next).joined
                    && self.body_word(next + 1)
                    && self.word(next) != "and"
                {
                    last = next + 1;
                } else {
                    break;
                }
            }
            at = last + 1;
            let first = self.trim_body(first, last);
            let ended = (first..=last).any(|place| place > first && self.lists.body_last.contains(self.word(place)));
            let specific = (first..=last).any(|place| {
                let word = self.word(place);
                self.is_capital(place)
                    && !self.lists.body_last.contains(word)
                    && !self.lists.capital_ok.contains(word)
                    && (!self.lists.never.contains(word) || !self.token(place).begins && word == "first")
                    && !self.lists.titles.contains(word)
                    && (!self.kept(place) || !self.token(place).begins && self.told_body(first))
            });
            if ended && specific && !self.heading[first] && !(first..=last).any(|place| self.taken_by_person(place)) {
                self.retake(first, last, Class::Body);
            } else if specific
                && self.lists.place_last.contains(self.word(last))
                && last > first
                && !self.heading[first]
                && !self.token(first).begins
                && !(first..=last).any(|place| self.fixed[place] || self.taken_by_person(place))
            {
                // "Silver Hill": ordinary words, but for their capitals.
                self.retake(first, last, Class::Place);
            } else if let count @ 1.. = phrase_at(&self.lists.employers, self.tokens, first)
                && self.told_body(first)
                && (first..first + count).all(|place| self.is_capital(place))
            {
                self.retake(first, first + count - 1, Class::Body);
            } else if self.token(first).shape == Shape::Upper
                && first == last
                && self.told_work(first)
                && !self.kept(first)
                && !self.known(first)
            {
                self.retake(first, last, Class::Body);
            }
        }
    }

    fn body_word(&self, at: usize) -> bool {
        matches!(self.token(at).shape, Shape::Capital | Shape::Upper)
            && !(self.token(at).begins && self.never(at))
            && self.word(at) != "i"
    }

    /// "Attended Mount Zion Church": an ordinary word that only begins a sentence is no part of the name.
    fn trim_body(&self, first: usize, last: usize) -> usize {
        let mut first = first;
        while first < last
            && (self.never(first) && self.word(first) != "first" || self.token(first).begins && self.only_begins(first))
        {
            first += 1;
        }
        first
    }

    /// A verb that has its capital from the sentence: "Attended", "Informed".
    fn only_begins(&self, at: usize) -> bool {
        let word = self.word(at);
        self.known(at)
            && (self.lists.work_words.contains(word)
                || self.lists.acts.contains(word)
                || word.ends_with("ed")
                || word.ends_with("ing"))
    }

    fn taken_by_person(&self, at: usize) -> bool {
        self.found.iter().any(|(first, last, class)| *class == Class::Person && (*first..=*last).contains(&at))
    }

    fn retake(&mut self, first: usize, last: usize, class: Class) {
        self.found.retain(|(f, l, _)| *l < first || *f > last);
        self.taken[first..=last].fill(false);
        self.take(first, last, class);
    }

    /// A word such as "at" stands before.
    fn told_body(&self, at: usize) -> bool {
        let the = usize::from(self.before(at, 1) == Some("the"));
        self.before(at, 1 + the).is_some_and(|word| self.lists.body_before.contains(word))
            || self.told_work(at)
            || (at > 0 && self.gap_after(at - 1).trim() == ":" && self.lists.work_words.contains(self.word(at - 1)))
    }

    /// A word such as "works at" stands before.
    fn told_work(&self, at: usize) -> bool {
        let the = usize::from(self.before(at, 1) == Some("the"));
        self.before(at, 1 + the).is_some_and(|word| self.lists.body_before.contains(word))
            && self.any_before(at, 7, |word| self.lists.work_words.contains(word))
    }

    /// Everything else with a capital.
    fn capitals(&mut self) {
        for at in 0..self.tokens.len() {
            if !self.free(at) {
                continue;
            }
            let token = self.token(at);
            let evident = match token.shape {
                Shape::Capital => self.capital_names(at),
                Shape::Upper => self.shouted_names(at),
                Shape::Lower => self.small_names(at),
                _ => false,
            };
            if !evident {
                continue;
            }
            if token.shape == Shape::Lower {
                self.take(at, at, Class::Person);
                continue;
            }
            let first = self.begin_of_name(at);
            let mut last = self.end_of_name(at);
            // "Lake Tahoe", "Larkspur Lane", "Shelby County".
            if self.token(last).joined
                && last + 1 < self.tokens.len()
                && self.is_capital(last + 1)
                && self.free(last + 1)
                && (self.lists.place_last.contains(self.word(last + 1))
                    || self.lists.body_last.contains(self.word(last + 1)))
            {
                last += 1;
            }
            let mut begin = first;
            if begin > 0
                && self.token(begin - 1).joined
                && self.is_capital(begin - 1)
                && self.free(begin - 1)
                && self.lists.place_first.contains(self.word(begin - 1))
            {
                begin -= 1;
            }
            let class = self.class(begin, last);
            self.take(begin, last, class);
        }
    }

    fn capital_names(&self, at: usize) -> bool {
        let token = self.token(at);
        let word = token.folded.as_str();
        if self.never(at) || is_drawn_out(word) {
            return false;
        }
        let (known, given, kept) = (self.known(at), self.lists.given(word), self.kept(at));
        let next_acts = self.token(at).joined
            && self
                .tokens
                .get(at + 1)
                .is_some_and(|next| next.shape == Shape::Lower && self.lists.acts.contains(&next.folded));
        if kept {
            // Molly, Mercedes, Harley: a person only where she does something, or something is done to her.
            return given
                && (next_acts || self.done_to_somebody(at))
                && !self.lists.capital_ok.contains(word)
                && !matches!(word, "mom" | "dad" | "god" | "jesus" | "may");
        }
        if self.lists.titles.contains(word) && !given {
            return false;
        }
        if !known {
            let chance = token.begins && self.small.contains(word) && !given && !self.lists.surname(word);
            return !chance;
        }
        if self.lists.capital_ok.contains(word) || self.lists.relations.contains(word) {
            return false;
        }
        if token.begins {
            return given && (next_acts || self.somebody_by_what_follows(at)) || self.before_region(at);
        }
        if self.before_region(at) {
            return true;
        }
        if self.heading[at] {
            return false;
        }
        if given {
            return true;
        }
        // "Fort Hood", "Lake Placid": whatever else the word means.
        let landmark =
            |word: &str| matches!(word, "fort" | "ft" | "lake" | "mount" | "mt" | "camp" | "cape" | "rancho");
        if at > 0 && self.token(at - 1).joined && self.is_capital(at - 1) && landmark(self.word(at - 1)) {
            return true;
        }
        // "the Young Adult Program": words in a row with capitals are a title of something.
        let in_a_row = |other: usize| {
            self.is_capital(other) && self.free(other) && self.known(other) && !self.never(other)
                || self.token(other).shape == Shape::Upper && self.kept(other)
        };
        let row = (at > 0 && self.token(at - 1).joined && in_a_row(at - 1))
            || (token.joined && at + 1 < self.tokens.len() && in_a_row(at + 1));
        // "a tender Fox": an ordinary word with a capital of its own.
        !row || self.attended(at)
            || self.before(at, 1).is_some_and(|word| self.lists.place_before.contains(word) && word != "to")
    }

    /// Whether a name that is also a word, at the beginning of a sentence, is somebody: "Pat, her aunt", "Angel is my
    /// oldest", "Skip was the director", "Kit and I", "Ray relapsed", "Mercy. That's her name."
    fn somebody_by_what_follows(&self, at: usize) -> bool {
        let word = |step: usize| self.tokens.get(at + step).map_or("", |token| token.folded.as_str());
        let own = |word: &str| matches!(word, "my" | "his" | "her" | "their" | "our" | "your");
        let role = |from: usize| {
            (from..from + 3).any(|step| {
                let word = word(step);
                self.lists.relations.contains(word)
                    || self.lists.titles.contains(word)
                    || self.lists.roles.contains(word)
            })
        };
        let gap = self.gap_after(at);
        if gap.trim_start().starts_with('(') {
            let digits = word(1).bytes().all(|byte| byte.is_ascii_digit()) && !word(1).is_empty();
            return digits || matches!(word(1), "he" | "she" | "they" | "him" | "her" | "age" | "aged");
        }
        let told = matches!(word(1), "is" | "was" | "that" | "thats");
        let named = |step: usize| {
            word(step) == "name"
                && (own(word(step - 1)) || own(word(step - 2)) || self.tokens[at + step - 1].possessive)
        };
        if told && (3..8).any(named) {
            return true;
        }
        if gap.trim() == "," {
            return own(word(1)) && role(2) || word(1) == "who" || word(1) == "the" && role(2);
        }
        if !self.token(at).joined {
            return false;
        }
        if self.token(at).possessive {
            return self.tokens.get(at + 1).is_some_and(|next| next.shape == Shape::Lower);
        }
        if word(1) == "and" {
            let also = self.tokens.get(at + 2).is_some_and(|token| {
                token.shape == Shape::Capital
                    && self.lists.given(&token.folded)
                    && !self.lists.never.contains(&token.folded)
            });
            return matches!(word(2), "i" | "me" | "my") || also;
        }
        if matches!(word(1), "is" | "was") {
            let beside = usize::from(matches!(word(2), "also" | "still" | "like" | "just" | "actually" | "always"));
            let then = word(2 + beside);
            return own(then)
                || matches!(then, "the" | "a" | "an") && role(3 + beside)
                || word(1) == "was" && then.len() > 5 && then.ends_with("ing");
        }
        let next = self.token(at + 1);
        next.shape == Shape::Lower && next.folded.len() > 4 && next.folded.ends_with("ed") && self.known(at + 1)
    }

    /// "told Christian", "texted Molly": what is done to somebody and to nothing else.
    fn done_to_somebody(&self, at: usize) -> bool {
        self.before(at, 1).is_some_and(|word| {
            matches!(
                word,
                "told"
                    | "asked"
                    | "texted"
                    | "married"
                    | "dated"
                    | "dating"
                    | "kissed"
                    | "hugged"
                    | "phoned"
                    | "thanked"
                    | "divorced"
                    | "texting"
            )
        })
    }

    /// "Hazard, Kentucky": a word with a capital, and a state after it.
    fn before_region(&self, at: usize) -> bool {
        let word = self.word(at);
        self.token(at).shape == Shape::Capital
            && self.gap_after(at) == ", "
            && self.fixed.get(at + 1) == Some(&true)
            && self.tokens[at + 1].folded.len() > 3
            && !word.ends_with("ly")
            && !self.lists.acts.contains(word)
    }

    /// "She goes to Little Acorns": words with capitals after going somewhere.
    fn attended(&self, at: usize) -> bool {
        let told = |at: usize| {
            self.before(at, 1).is_some_and(|word| matches!(word, "to" | "at"))
                && self.any_before(at, 4, |word| {
                    matches!(
                        word,
                        "goes"
                            | "go"
                            | "went"
                            | "going"
                            | "attend"
                            | "attends"
                            | "attended"
                            | "enrolled"
                            | "transferred"
                            | "teaches"
                            | "taught"
                            | "works"
                            | "worked"
                    )
                })
        };
        told(at) || at > 0 && self.token(at - 1).joined && self.is_capital(at - 1) && told(at - 1)
    }

    fn shouted_names(&self, at: usize) -> bool {
        let word = self.word(at);
        if self.never(at) || self.known(at) || self.kept(at) || is_drawn_out(word) {
            return false;
        }
        let letters = word.chars().count();
        (letters > 3 && (self.lists.given(word) || self.lists.surname(word))) || letters > 5
    }

    /// A given name in small letters that is no word.
    fn small_names(&self, at: usize) -> bool {
        let word = self.word(at);
        word.len() > 2 && self.lists.given(word) && !self.known(at) && !self.kept(at) && !self.never(at)
    }

    fn class(&self, first: usize, last: usize) -> Class {
        let lists = self.lists;
        if last > first && lists.body_last.contains(self.word(last)) && !lists.place_last.contains(self.word(last)) {
            return Class::Body;
        }
        if last > first && (lists.place_last.contains(self.word(last)) || lists.place_first.contains(self.word(first)))
        {
            return Class::Place;
        }
        let given = lists.given(self.word(first));
        let the = usize::from(self.before(first, 1) == Some("the"));
        let before = self.before(first, 1 + the).unwrap_or_default();
        let moves = self.any_before(first, 5, |word| lists.place_verbs.contains(word));
        let is_place = match before {
            "in" | "near" | "outside" | "downtown" | "visiting" | "via" | "into" | "through" | "reached" => true,
            "of" => self.before(first, 2) == Some("outside"),
            "to" | "from" | "left" | "across" | "around" | "past" | "toward" | "towards" => {
                !given && (moves || before == "from")
            }
            "on" => self.any_before(first, 5, |word| lists.place_on.contains(word)),
            _ => false,
        };
        let region_follows = self.gap_after(last).trim() == "," && last + 1 < self.tokens.len() && self.fixed[last + 1];
        // A list goes on as it began: "in Sacramento, then Bend".
        let goes_on = !given
            && moves
            && self.found.last().is_some_and(|(_, end, class)| {
                *class == Class::Place && first - end <= 4 && (end + 1..=first).all(|at| !self.token(at).begins)
            });
        if is_place || region_follows || goes_on {
            return Class::Place;
        }
        if self.told_work(first)
            || (!given && self.attended(first))
            || (!given && self.told_body(first) && before == "at")
        {
            return Class::Body;
        }
        Class::Person
    }

    /// What was a name once is a name wherever it has a capital, and, where it is no word, in small letters too.
    fn repeats(&mut self) {
        let mut names: HashSet<String> = HashSet::new();
        for (first, last, class) in &self.found {
            if *class == Class::Person {
                names.extend((*first..=*last).map(|at| self.word(at).to_owned()).filter(|word| {
                    word.chars().count() > 2 && !self.lists.particles.contains(word) && !self.lists.never.contains(word)
                }));
            }
        }
        for at in 0..self.tokens.len() {
            if self.free(at)
                && names.contains(self.word(at))
                && (!self.kept(at) || self.kept_name_again(at))
                && (self.is_capital(at) || (self.token(at).shape == Shape::Lower && !self.known(at)))
            {
                self.take(at, at, Class::Person);
            }
        }
    }
}

impl Reader<'_> {
    /// "Christian is a Christian": who was somebody before is so again, unless an article makes it a word.
    fn kept_name_again(&self, at: usize) -> bool {
        self.token(at).shape == Shape::Capital
            && self.lists.given(self.word(at))
            && !self.token(at).begins
            && !matches!(self.word(at), "jesus" | "god" | "may")
            && !self.before(at, 1).is_some_and(|word| matches!(word, "a" | "an" | "the"))
    }
}

/// Words for kin that stand before a name and belong to it.
fn is_kin(title: &str) -> bool {
    matches!(
        title,
        "aunt"
            | "auntie"
            | "aunty"
            | "uncle"
            | "cousin"
            | "grandma"
            | "grandpa"
            | "granny"
            | "nana"
            | "papa"
            | "gram"
            | "gramps"
            | "grampa"
            | "gran"
            | "memaw"
            | "mawmaw"
            | "meemaw"
            | "papaw"
            | "pawpaw"
            | "tia"
            | "tio"
            | "titi"
            | "officer"
    )
}

/// "Nooo", "Mmm": a letter three times in a row.
fn is_drawn_out(word: &str) -> bool {
    word.as_bytes().windows(3).any(|three| three[0] == three[1] && three[1] == three[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let tokens = crate::text::tokens(text);
        crate::found::settle(find(text, &tokens)).into_iter().map(|found| text[found.at].to_owned()).collect()
    }

    #[test]
    fn names_are_told_from_words() {
        assert_eq!(of("I told Marcus that hope is hard. Hope said no."), ["Marcus", "Hope"]);
        assert_eq!(of("My sister Dawn is up before dawn."), ["Dawn"]);
        assert_eq!(of("Will I, won't I. Art helps. Hope is hard."), Vec::<String>::new());
        assert_eq!(of("Ms. de la Cruz and T. Brandvold came."), ["de la Cruz", "T. Brandvold"]);
        assert_eq!(of("It's Tariq. Didn't Tariq call? Couldn't say."), ["Tariq", "Tariq"]);
    }

    #[test]
    fn medicine_peoples_and_regions_stay() {
        let text = "She takes Wellbutrin for ADHD, is Catholic, from New Mexico, speaks Spanish, did EMDR on Zoom.";
        assert_eq!(of(text), Vec::<String>::new());
    }

    #[test]
    fn places_and_bodies_are_told_apart() {
        let text = "She works at Kroger, lives in Shelby County, attends Mount Zion Baptist Church.";
        let tokens = crate::text::tokens(text);
        let classes: Vec<(&str, Put)> =
            crate::found::settle(find(text, &tokens)).into_iter().map(|found| (&text[found.at], found.put)).collect();
        assert_eq!(
            classes,
            [
                ("Kroger", Put::Organization),
                ("Shelby County", Put::Place),
                ("Mount Zion Baptist Church", Put::Organization)
            ]
        );
    }
}
