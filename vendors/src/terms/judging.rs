//! What the differences mean: permissions and promises that came, went, or reach further or less far.
//!
//! One rule carries most of it: a permission that names more permits more, a promise that names more promises more; a
//! limit makes a permission smaller and a promise hollower.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::Direction;
use super::aligning::Alignment;
use super::rules::{Event, Kind, Meaning, Reads, Rules};
use super::sentences::{Page, Sentence};
use super::statements::{Period, Stance, Statement};

/// Retention from here on is long enough to be told even where nothing was said before: a year, in hours.
const LONG: u64 = 24 * 365;

/// A change, by the sentences it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) topic: usize,
    pub(crate) event: Event,
    pub(crate) kind: String,
    pub(crate) direction: Direction,
    pub(crate) weight: u8,
    pub(crate) old: Option<usize>,
    pub(crate) new: Option<usize>,
}

/// Statements read before, by the sentence's words; the versions of one document share most of them.
#[derive(Debug, Default)]
pub(crate) struct Memory(HashMap<(String, bool), Rc<[Statement]>>);

impl Memory {
    pub(crate) fn of(&mut self, rules: &Rules, sentence: &Sentence) -> Rc<[Statement]> {
        if let Some(known) = self.0.get(&(sentence.reading.clone(), sentence.heading)) {
            return Rc::clone(known);
        }
        let read: Rc<[Statement]> = rules.statements(&sentence.reading, sentence.own_at, sentence.heading).into();
        self.0.insert((sentence.reading.clone(), sentence.heading), Rc::clone(&read));
        read
    }

    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

/// All statements of a page, and which of them stand in changed sentences.
struct Side {
    all: Vec<Rc<[Statement]>>,
    changed: HashSet<usize>,
}

impl Side {
    fn each(&self) -> impl Iterator<Item = (usize, &Statement)> {
        self.all.iter().enumerate().flat_map(|(at, statements)| statements.iter().map(move |one| (at, one)))
    }

    fn on(&self, topic: usize, stance: Stance) -> impl Iterator<Item = (usize, &Statement)> {
        self.each().filter(move |(_, one)| one.topic == topic && one.stance == stance)
    }

    /// Whether the page says at least this much somewhere: a permission as wide, a promise as strict.
    fn says(&self, of: &Statement) -> bool {
        let enough = |one: &Statement| match of.stance {
            Stance::Permit => one.control() <= of.control() && one.bounds().is_subset(&of.bounds()),
            Stance::Forbid => one.exceptions().is_subset(&of.exceptions()),
            Stance::Offer => true,
        };
        if let Some(period) = of.period {
            return self.on(of.topic, of.stance).any(|(_, one)| {
                one.period == Some(period) && !one.scope.is_disjoint(&of.scope)
                    || one.period == Some(period) && of.scope.is_empty()
            });
        }
        let mut together: BTreeSet<usize> = BTreeSet::new();
        let mut any = false;
        for (at, one) in self.on(of.topic, of.stance).filter(|(_, one)| enough(one)) {
            if of.scope.is_subset(&one.scope) {
                return true;
            }
            if self.changed.contains(&at) {
                any = true;
                together.extend(&one.scope);
            }
        }
        any && of.scope.is_subset(&together)
    }

    /// The concepts that sentences name on a topic.
    fn named(&self, topic: usize, stance: Stance) -> BTreeSet<usize> {
        self.on(topic, stance).flat_map(|(_, one)| one.scope.iter().copied()).collect()
    }

    /// The concepts that changed sentences name on a topic.
    fn named_in_changes(&self, topic: usize, stance: Stance) -> BTreeSet<usize> {
        self.on(topic, stance)
            .filter(|(at, _)| self.changed.contains(at))
            .flat_map(|(_, one)| one.scope.iter().copied())
            .collect()
    }
}

/// What stays permitted, for the reader of a promise.
pub(crate) struct Verdict {
    pub(crate) direction: Direction,
    pub(crate) changes: Vec<Judged>,
    /// New sentences that permit training as before.
    pub(crate) stays: Vec<usize>,
}

/// Judges an alignment.
pub(crate) fn judge(rules: &Rules, memory: &mut Memory, old: &Page, new: &Page, aligned: &Alignment) -> Verdict {
    let mut any = false;
    let mut look = |page: &Page, at: usize| {
        let read = memory.of(rules, &page.sentences[at]);
        any |= !read.is_empty();
    };
    for (from, to) in &aligned.pairs {
        look(old, *from);
        look(new, *to);
    }
    aligned.removed.iter().for_each(|(at, _)| look(old, *at));
    aligned.added.iter().for_each(|(at, _)| look(new, *at));
    if !any {
        return Verdict { direction: Direction::None, changes: Vec::new(), stays: Vec::new() };
    }
    let before = Side {
        all: old.sentences.iter().map(|one| memory.of(rules, one)).collect(),
        changed: aligned.pairs.iter().map(|(from, _)| *from).chain(aligned.removed.iter().map(|(at, _)| *at)).collect(),
    };
    let after = Side {
        all: new.sentences.iter().map(|one| memory.of(rules, one)).collect(),
        changed: aligned.pairs.iter().map(|(_, to)| *to).chain(aligned.added.iter().map(|(at, _)| *at)).collect(),
    };
    let mut judge = Judge { rules, pages: (old, new), before, after, found: Vec::new() };
    for (from, to) in &aligned.pairs {
        let before = judge.found.len();
        judge.compare(Some(*from), Some(*to), true, true);
        // The same words on another lead: only a turn from yes to no, or back, is news.
        if old.sentences[*from].key == new.sentences[*to].key {
            let news: Vec<Judged> = judge.found.drain(before..).collect();
            judge.found.extend(
                news.into_iter().filter(|one| matches!(one.event, Event::PermitToForbid | Event::ForbidToPermit)),
            );
        }
    }
    for (from, near) in &aligned.removed {
        judge.compare(Some(*from), *near, true, false);
    }
    for (to, near) in &aligned.added {
        // Like an old sentence that stands as it did, with other words in it: said of something else.
        let near = near.filter(|near| beyond(&new.sentences[*to].reading, &old.sentences[*near].reading).is_empty());
        judge.compare(near, Some(*to), false, true);
    }
    judge.settle(old, new)
}

struct Judge<'a> {
    rules: &'a Rules,
    pages: (&'a Page, &'a Page),
    before: Side,
    after: Side,
    found: Vec<Judged>,
}

impl Judge<'_> {
    /// Compares two sentences topic by topic. A sentence that has another partner is only looked at, not judged.
    fn compare(&mut self, from: Option<usize>, to: Option<usize>, gone: bool, come: bool) {
        let none: Rc<[Statement]> = Rc::from([]);
        let was = from.map_or_else(|| Rc::clone(&none), |at| Rc::clone(&self.before.all[at]));
        let is = to.map_or_else(|| Rc::clone(&none), |at| Rc::clone(&self.after.all[at]));
        let topics: BTreeSet<usize> = was.iter().chain(is.iter()).map(|one| one.topic).collect();
        for topic in topics {
            let old = was.iter().find(|one| one.topic == topic);
            let new = is.iter().find(|one| one.topic == topic);
            match (old, new) {
                (Some(old), Some(new)) => self.both(old, new, from, to),
                (Some(old), None) if gone => self.removed(old, from, to.filter(|_| come)),
                (None, Some(new)) if come => self.added(new, from.filter(|_| gone), to),
                _ => {}
            }
        }
    }

    fn tell(
        &mut self,
        topic: usize,
        event: Event,
        named: &BTreeSet<usize>,
        asked: bool,
        old: Option<usize>,
        new: Option<usize>,
    ) {
        if let Some(Meaning { kind, direction, weight, .. }) = self.rules.meaning(topic, event, named) {
            let weight = &if asked { weight.saturating_sub(1).max(1) } else { *weight };
            self.found.push(Judged {
                topic,
                event,
                kind: kind.clone(),
                direction: *direction,
                weight: *weight,
                old,
                new,
            });
        }
    }

    fn both(&mut self, was: &Statement, is: &Statement, from: Option<usize>, to: Option<usize>) {
        let topic = was.topic;
        let named = &is.named;
        match (was.stance, is.stance) {
            (Stance::Permit, Stance::Permit) if self.rules.topics[topic].reads == Reads::Period => {
                self.periods(was, is, from, to);
            }
            (Stance::Permit, Stance::Permit) => {
                let limits = permit_limits(was, is);
                let scope = self.scope_change(was, is).or_else(|| {
                    let (from, to) = from.zip(to).filter(|_| self.right(topic))?;
                    self.places_change(from, to)
                });
                for event in [
                    scope.map(|more| if more { Event::PermitBroadened } else { Event::PermitNarrowed }),
                    limits.map(|more| if more { Event::PermitFreed } else { Event::PermitQualified }),
                ]
                .into_iter()
                .flatten()
                {
                    self.tell(topic, event, named, false, from, to);
                }
            }
            (Stance::Forbid, Stance::Forbid) => {
                let (old, new) = (was.exceptions(), is.exceptions());
                let scope = self
                    .scope_change(was, is)
                    .map(|more| if more { Event::ForbidBroadened } else { Event::ForbidNarrowed });
                let limits = if new.difference(&old).next().is_some() {
                    Some(Event::ForbidQualified)
                } else if old.difference(&new).next().is_some() {
                    Some(Event::ForbidFreed)
                } else if scope.is_none() {
                    from.zip(to).and_then(|(from, to)| self.age(from, to).or_else(|| self.reach(from, to)))
                } else {
                    None
                };
                for event in [scope, limits].into_iter().flatten() {
                    self.tell(topic, event, named, false, from, to);
                }
            }
            (Stance::Permit, Stance::Forbid) => {
                let event = if is.exceptions().is_empty() { Event::PermitToForbid } else { Event::PermitQualified };
                self.tell(topic, event, named, false, from, to);
            }
            (Stance::Forbid, Stance::Permit) => {
                self.tell(topic, Event::ForbidToPermit, named, is.control() == 2, from, to)
            }
            (Stance::Offer, Stance::Offer) => {}
            (Stance::Offer, _) => {
                self.removed(was, from, to);
                self.added(is, from, to);
            }
            (_, Stance::Offer) => {
                self.removed(was, from, to);
                self.added(is, from, to);
            }
        }
    }

    /// Whether a right is said of people in more places than before (true), or in fewer.
    fn places_change(&self, from: usize, to: usize) -> Option<bool> {
        let places = |page: &Page, at: usize| -> BTreeSet<String> {
            let text = &page.sentences[at].reading;
            self.rules.places.find_all(text).map(|found| found.as_str().to_owned()).collect()
        };
        let (old, new) = (places(self.pages.0, from), places(self.pages.1, to));
        if old == new {
            None
        } else if old.is_empty() || new.is_empty() {
            // Said of everybody, it is said of more people than of those of one place.
            Some(new.is_empty())
        } else if old.is_subset(&new) {
            Some(true)
        } else {
            new.is_subset(&old).then_some(false)
        }
    }

    /// Whether a new sentence speaks of people in places that the old page never named.
    fn new_place(&self, to: usize) -> bool {
        self.rules.places.find_all(&self.pages.1.sentences[to].reading).any(|place| {
            let place = place.as_str();
            !self.pages.0.sentences.iter().any(|one| one.reading.contains(place))
        })
    }

    /// A promise about people under an age protects more of them the higher it is.
    fn age(&self, from: usize, to: usize) -> Option<Event> {
        let age = |page: &Page, at: usize| -> Option<u32> {
            let text = &page.sentences[at].reading;
            let found = self.rules.ages.find_all(text).next()?;
            found.as_str().split(|sign: char| !sign.is_ascii_digit()).find_map(|digits| digits.parse().ok())
        };
        let (old, new) = (age(self.pages.0, from)?, age(self.pages.1, to)?);
        match new.cmp(&old) {
            std::cmp::Ordering::Greater => Some(Event::ForbidBroadened),
            std::cmp::Ordering::Less => Some(Event::ForbidNarrowed),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// Whether a new sentence that stands for no old one tells a use as coming on top of others.
    fn besides(&self, is: &Statement, from: Option<usize>, to: Option<usize>) -> bool {
        let Some(to) = to.filter(|_| from.is_none() && is.stance == Stance::Permit && is.period.is_none()) else {
            return false;
        };
        let sentence = &self.pages.1.sentences[to];
        if self.right(is.topic) {
            return self.new_place(to);
        }
        self.rules.topics[is.topic].reads == Reads::Statement && self.rules.besides.is_match(&sentence.reading)
    }

    /// Whether a promise that names the same covers more or less: a word more after "except", or one less after
    /// "when you use", and no other difference.
    fn reach(&self, from: usize, to: usize) -> Option<Event> {
        let (old, new) = (&self.pages.0.sentences[from].reading, &self.pages.1.sentences[to].reading);
        let (lost, won) = (beyond(old, new), beyond(new, old));
        let within = |text: &str, words: &[&str], region: &super::rules::Pattern| {
            let start = region.find_all(text).next().map(|found| found.start());
            start.is_some_and(|start| {
                let after: Vec<&str> = tokens(&text[start..]).collect();
                words.iter().all(|word| after.contains(word))
            })
        };
        match (lost.is_empty(), won.is_empty()) {
            (true, false) if within(new, &won, &self.rules.exceptions) => Some(Event::ForbidQualified),
            (false, true) if within(old, &lost, &self.rules.exceptions) => Some(Event::ForbidFreed),
            (true, false) if within(new, &won, &self.rules.covered) => Some(Event::ForbidBroadened),
            (false, true) if within(old, &lost, &self.rules.covered) => Some(Event::ForbidNarrowed),
            _ => None,
        }
    }

    /// Whether a statement names more than before (true), less (false), or as much.
    fn scope_change(&self, was: &Statement, is: &Statement) -> Option<bool> {
        // A right holds wherever it is written; what a use covers may differ from place to place.
        let whole = self.right(was.topic);
        let elsewhere = |side: &Side, one: &Statement| {
            if whole { side.named(one.topic, one.stance) } else { side.named_in_changes(one.topic, one.stance) }
        };
        let elsewhere_before = elsewhere(&self.before, was);
        let elsewhere_after = elsewhere(&self.after, is);
        let more: BTreeSet<usize> =
            is.scope.difference(&was.scope).copied().filter(|id| !elsewhere_before.contains(id)).collect();
        let less: BTreeSet<usize> =
            was.scope.difference(&is.scope).copied().filter(|id| !elsewhere_after.contains(id)).collect();
        match more.len().cmp(&less.len()) {
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Less => Some(false),
            std::cmp::Ordering::Equal => None,
        }
    }

    fn periods(&mut self, was: &Statement, is: &Statement, from: Option<usize>, to: Option<usize>) {
        let (Some(old), Some(new)) = (was.period, is.period) else { return };
        // A month is said as thirty days.
        let close = |one: u64, other: u64| one.abs_diff(other) <= one.max(other) / 50;
        if close(old.hours, new.hours) {
            return;
        }
        let event = if new.hours > old.hours { Event::Longer } else { Event::Shorter };
        self.tell(was.topic, event, &is.named, false, from, to);
    }

    fn removed(&mut self, was: &Statement, from: Option<usize>, to: Option<usize>) {
        if self.after.says(was) {
            return;
        }
        let event = match (was.stance, was.period) {
            (_, Some(period)) => match of_period(period) {
                Some(Lasting::Short) => Event::DeletionRemoved,
                Some(Lasting::Long) => Event::KeepRemoved,
                None => return,
            },
            (Stance::Permit, None) if self.after.on(was.topic, Stance::Permit).next().is_some() => {
                Event::PermitNarrowed
            }
            (Stance::Permit, None) => Event::PermitRemoved,
            (Stance::Forbid, None) => Event::ForbidRemoved,
            (Stance::Offer, None) => Event::OfferRemoved,
        };
        // What is merely narrowed somewhere on a topic that many sentences share is told for what was named alone.
        let event = if event == Event::PermitNarrowed && self.right(was.topic) { Event::PermitRemoved } else { event };
        self.tell(was.topic, event, &was.named, false, from, to);
    }

    fn added(&mut self, is: &Statement, from: Option<usize>, to: Option<usize>) {
        if self.before.says(is)
            && (from.is_some() || is.stance != Stance::Permit || self.right(is.topic))
            && !self.besides(is, from, to)
        {
            return;
        }
        let event = match (is.stance, is.period) {
            (_, Some(period)) => match of_period(period) {
                Some(Lasting::Short) => Event::DeletionAdded,
                Some(Lasting::Long) => Event::KeepAdded,
                None => return,
            },
            (Stance::Permit, None)
                if self.before.on(is.topic, Stance::Permit).next().is_some() && !self.right(is.topic) =>
            {
                Event::PermitBroadened
            }
            (Stance::Permit, None) => Event::PermitAdded,
            (Stance::Forbid, None) if is.exceptions().is_empty() => Event::ForbidAdded,
            (Stance::Forbid, None) => Event::ForbidAddedQualified,
            (Stance::Offer, None) => Event::OfferAdded,
        };
        // What asks first weighs less.
        let asked = is.stance == Stance::Permit && is.control() == 2;
        self.tell(is.topic, event, &is.named, asked, from, to);
    }

    fn right(&self, topic: usize) -> bool {
        self.rules.topics[topic].reads == Reads::Right
    }

    /// Drops what other changes already say, and weighs the rest.
    fn settle(mut self, old: &Page, new: &Page) -> Verdict {
        let training = self.rules.topic("training");
        let is_training = |one: &Judged| Some(one.topic) == training;
        // The same words changed the same way twice are one change.
        let mut told = HashSet::new();
        self.found.retain(|one| {
            let key = |page: &Page, at: Option<usize>| at.map_or(0, |at| page.sentences[at].key);
            told.insert((one.kind.clone(), key(old, one.old), key(new, one.new)))
        });
        // What the words before a list say is not said again of each of its items.
        let lead_told = |page: &Page, at: Option<usize>, of_old: bool, one: &Judged, all: &[Judged]| {
            at.map(|at| page.sentences[at].lead).filter(|lead| *lead != 0).is_some_and(|lead| {
                all.iter().filter(|other| other.kind == one.kind).any(|other| {
                    let place = if of_old { other.old } else { other.new };
                    place.is_some_and(|place| page.sentences[place].key == lead)
                })
            })
        };
        let all = self.found.clone();
        self.found
            .retain(|one| !lead_told(old, one.old, true, one, &all) && !lead_told(new, one.new, false, one, &all));
        // A way out that comes with a new use does not make it better; one that goes with the use is not missed.
        let opened = self
            .found
            .iter()
            .any(|one| is_training(one) && one.direction == Direction::Worse && one.event != Event::OfferRemoved);
        let closed = training.is_some_and(|topic| self.after.on(topic, Stance::Permit).next().is_none())
            && self.found.iter().any(|one| is_training(one) && one.direction != Direction::Worse);
        self.found.retain(|one| !(one.event == Event::OfferRemoved && closed));
        for one in self.found.iter_mut().filter(|one| one.event == Event::OfferAdded) {
            if opened {
                one.weight = 0;
            }
        }
        // That what is newly kept will go again is no gain.
        let kept: Vec<usize> =
            ["storing", "collection", "access"].iter().filter_map(|id| self.rules.topic(id)).collect();
        let objects = |one: &Judged, side: &Side| -> BTreeSet<usize> {
            one.new
                .and_then(|at| side.all[at].iter().find(|statement| statement.topic == one.topic))
                .map(|statement| {
                    statement.named.iter().copied().filter(|id| self.rules.concepts[*id].kind == Kind::Object)
                })
                .map(Iterator::collect)
                .unwrap_or_default()
        };
        let newly: BTreeSet<usize> = self
            .found
            .iter()
            .filter(|one| kept.contains(&one.topic) && one.direction == Direction::Worse && one.old.is_none())
            .flat_map(|one| objects(one, &self.after))
            .collect();
        let idle: Vec<bool> = self
            .found
            .iter()
            .map(|one| one.event == Event::DeletionAdded && !objects(one, &self.after).is_disjoint(&newly))
            .collect();
        for (one, _) in self.found.iter_mut().zip(idle).filter(|(_, idle)| *idle) {
            one.weight = 1;
        }
        // One sentence, one thing: the nearest topic is told, not what follows from it.
        let ids = |names: &[&str]| names.iter().filter_map(|name| self.rules.topic(name)).collect::<Vec<_>>();
        let general = ids(&["promise", "trackers", "visibility"]);
        let led: [(Vec<usize>, Vec<usize>); 4] = [
            ((0..self.rules.topics.len()).filter(|topic| !general.contains(topic)).collect(), general.clone()),
            (ids(&["training"]), ids(&["improvement", "access", "storing", "deidentified", "collection"])),
            (
                ids(&[
                    "sale",
                    "sharing",
                    "advertising",
                    "deidentified",
                    "license",
                    "collection",
                    "retention",
                    "improvement",
                ]),
                ids(&["access", "storing"]),
            ),
            (ids(&["license", "sale", "sharing", "deidentified"]), ids(&["improvement"])),
        ];
        let places: Vec<(usize, Option<usize>, Option<usize>)> =
            self.found.iter().map(|one| (one.topic, one.old, one.new)).collect();
        self.found.retain(|one| {
            !led.iter().any(|(by, of)| {
                of.contains(&one.topic)
                    && places.iter().any(|(topic, old, new)| {
                        by.contains(topic) && (old.is_some() && *old == one.old || new.is_some() && *new == one.new)
                    })
            })
        });
        // Who passes data on under a promise that nobody trains on it has not said the first for the sake of the first.
        let bound: Vec<usize> = self
            .found
            .iter()
            .filter(|one| is_training(one) && one.direction == Direction::Better)
            .filter_map(|one| one.new)
            .collect();
        let passed_on = self.rules.topic("sharing");
        self.found.retain(|one| {
            !(Some(one.topic) == passed_on
                && one.direction == Direction::Worse
                && one.new.is_some_and(|at| bound.contains(&at)))
        });
        let stays = self.stays(training);
        // A promise beside a use that stays is half a promise.
        if !stays.is_empty() {
            for one in self.found.iter_mut().filter(|one| Some(one.topic) == training) {
                if one.direction == Direction::Better {
                    one.direction = Direction::PartlyBetter;
                }
            }
        }
        let about_training =
            self.found.iter().any(|one| Some(one.topic) == training && one.direction != Direction::Worse);
        self.found.sort_by_key(|one| (one.new.unwrap_or(usize::MAX), one.old.unwrap_or(usize::MAX)));
        Verdict {
            direction: direction(&self.found),
            stays: if about_training { stays } else { Vec::new() },
            changes: self.found,
        }
    }

    /// Sentences of the new page that still permit training without consent, beyond what it promises not to.
    fn stays(&self, training: Option<usize>) -> Vec<usize> {
        let Some(topic) = training else { return Vec::new() };
        let promised: BTreeSet<usize> = self
            .after
            .on(topic, Stance::Forbid)
            .filter(|(_, one)| one.exceptions().is_empty())
            .flat_map(|(_, one)| one.scope.iter().copied())
            .collect();
        self.after
            .on(topic, Stance::Permit)
            .filter(|(_, one)| one.control() < 2 && (one.scope.is_empty() || !one.scope.is_subset(&promised)))
            .map(|(at, _)| at)
            .collect()
    }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| word.len() > 3)
}

/// Words of some length that stand more often in one text than in another.
fn beyond<'t>(text: &'t str, other: &str) -> Vec<&'t str> {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for word in tokens(other) {
        *there.entry(word).or_default() += 1;
    }
    tokens(text)
        .filter(|word| match there.get_mut(word) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        })
        .collect()
}

/// Whether a period speaks for the person (data goes soon, or at a set time) or against (it is kept long).
enum Lasting {
    Short,
    Long,
}

fn of_period(period: Period) -> Option<Lasting> {
    match (period.deletes, period.hours) {
        (true, _) => Some(Lasting::Short),
        (false, hours) if hours >= LONG => Some(Lasting::Long),
        (false, _) => None,
    }
}

/// Whether a permission is freed of limits (true), gains some (false), or neither.
fn permit_limits(was: &Statement, is: &Statement) -> Option<bool> {
    match is.control().cmp(&was.control()) {
        std::cmp::Ordering::Less => return Some(true),
        std::cmp::Ordering::Greater => return Some(false),
        std::cmp::Ordering::Equal => {}
    }
    let (old, new) = (was.bounds(), is.bounds());
    match (old.difference(&new).count(), new.difference(&old).count()) {
        (0, 0) => None,
        (lost, gained) if lost > gained => Some(true),
        (lost, gained) if gained > lost => Some(false),
        _ => None,
    }
}

/// One direction for all changes: what weighs most; mixed where both sides weigh.
fn direction(changes: &[Judged]) -> Direction {
    let weigh = |worse: bool| {
        changes
            .iter()
            .filter(|one| (one.direction == Direction::Worse) == worse)
            .fold((0_u32, 0_u32), |(most, sum), one| (most.max(one.weight.into()), sum + u32::from(one.weight)))
    };
    let ((worst, bad), (best, good)) = (weigh(true), weigh(false));
    let for_better = || {
        let full = changes.iter().any(|one| one.direction == Direction::Better && u32::from(one.weight) == best);
        if full { Direction::Better } else { Direction::PartlyBetter }
    };
    match (bad, good) {
        (0, 0) => Direction::None,
        (_, 0) => Direction::Worse,
        (0, _) => for_better(),
        // What is said in passing does not balance what decides.
        _ if worst > best && (best < 2 || bad * 2 >= good) => Direction::Worse,
        _ if best > worst && (worst < 2 || good >= bad * 2) => for_better(),
        _ if worst == best && bad >= good * 4 => Direction::Worse,
        _ if worst == best && good >= bad * 4 => for_better(),
        _ => Direction::Mixed,
    }
}
