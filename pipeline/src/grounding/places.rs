//! The clauses of a transcript, each with what the next speaker made of it, and an index over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use provenote_schemas::transcript::Transcript;

use crate::reading::quantities::{Quantity, TimeMark};
use crate::reading::{self, Clause, Mood, Question, Reply, Subject};

/// What became of a question, or of words about `you`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Neither: it stands for itself.
    AsSaid,
    /// Answered with yes, or with a few words that grant it.
    Affirmed,
    /// Answered with no.
    Denied,
    /// An open question with an answer of its own: the question only gives its words.
    Context,
    /// No answer that can be told.
    Unanswered,
}

/// A clause and where it stands.
#[derive(Debug)]
pub(super) struct Place {
    /// In the transcript's list.
    pub(super) segment: usize,
    pub(super) clause: Clause,
    pub(super) effect: Effect,
    /// The segment that holds the answer, or a reply that granted or refused it.
    pub(super) answered_in: Option<usize>,
}

impl Place {
    /// Whether a word is negated here, each time it stands here; nothing where that is open.
    pub(super) fn polarities(&self, root: &str) -> Vec<bool> {
        if matches!(self.effect, Effect::Context)
            || (self.effect == Effect::Unanswered && self.clause.question.is_some())
        {
            return Vec::new();
        }
        // `I used to drink` grants that it was so and that it is no more.
        if self.clause.mood == Mood::Former {
            return vec![false, true];
        }
        self.clause
            .content
            .iter()
            .filter(|word| word.root == root && !word.loose)
            .map(|word| self.turned(word.negated))
            .collect()
    }

    /// Whether something is negated here, all told.
    pub(super) fn denies(&self) -> bool {
        self.clause.content.iter().any(|word| self.turned(word.negated))
    }

    fn turned(&self, negated: bool) -> bool {
        if self.effect != Effect::Denied {
            return negated;
        }
        // `You have not missed any?` – `No.` says that none was missed.
        let explicit = self.clause.words.iter().any(|word| matches!(word.as_str(), "not" | "never" | "no"));
        if negated && explicit { true } else { !negated }
    }
}

pub(super) struct Places<'t> {
    transcript: &'t Transcript,
    all: Vec<Place>,
    of_segment: Vec<Range<usize>>,
    /// From a root, number or time to the segments that hold it, ascending.
    holders: HashMap<String, Vec<usize>>,
    by_id: HashMap<u32, usize>,
    /// From a segment with an answer to those it answers.
    asked_in: HashMap<usize, BTreeSet<usize>>,
}

pub(super) fn number_key(quantity: &Quantity) -> String {
    format!("#{}", quantity.value)
}

pub(super) fn time_key(time: &TimeMark) -> String {
    format!("@{}", time.value)
}

impl<'t> Places<'t> {
    pub(super) fn new(transcript: &'t Transcript) -> Self {
        let mut all: Vec<Place> = Vec::new();
        let mut of_segment = Vec::with_capacity(transcript.segments.len());
        let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
        for (segment, spoken) in transcript.segments.iter().enumerate() {
            let start = all.len();
            all.extend(reading::read(&spoken.text).into_iter().map(|clause| Place {
                segment,
                clause,
                effect: Effect::AsSaid,
                answered_in: None,
            }));
            of_segment.push(start..all.len());
            let mut keys: BTreeSet<String> = BTreeSet::new();
            for place in &all[start..] {
                keys.extend(place.clause.content.iter().map(|word| word.root.clone()));
                keys.extend(place.clause.quantities.iter().map(number_key));
                keys.extend(place.clause.times.iter().map(time_key));
            }
            for key in keys {
                holders.entry(key).or_default().push(segment);
            }
        }
        let effects: Vec<(Effect, Option<usize>)> = (0..all.len()).map(|at| effect(&all, at)).collect();
        let mut asked_in: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        for (place, (effect, answered_in)) in all.iter_mut().zip(effects) {
            place.effect = effect;
            place.answered_in = answered_in;
            if let Some(answer) = answered_in {
                asked_in.entry(answer).or_default().insert(place.segment);
            }
        }
        let by_id = transcript.segments.iter().enumerate().map(|(at, segment)| (segment.id, at)).collect();
        Self { transcript, all, of_segment, holders, by_id, asked_in }
    }

    pub(super) fn at(&self, id: u32) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    pub(super) fn id(&self, at: usize) -> u32 {
        self.transcript.segments[at].id
    }

    /// `4, 5` for people.
    pub(super) fn numbers(&self, at: &BTreeSet<usize>) -> String {
        if at.is_empty() {
            "none".to_owned()
        } else {
            at.iter().map(|at| self.id(*at).to_string()).collect::<Vec<_>>().join(", ")
        }
    }

    pub(super) fn of_segment(&self, at: usize) -> &[Place] {
        &self.all[self.of_segment[at].clone()]
    }

    /// Whether a segment holds the words of a phrase, in any form, in that order.
    pub(super) fn speaks(&self, at: usize, phrase: &str) -> bool {
        let stems: Vec<String> =
            reading::tokens::words(phrase).iter().map(|word| reading::lexicon::lexicon().stem(word)).collect();
        self.of_segment(at)
            .iter()
            .any(|place| place.clause.stems.windows(stems.len().max(1)).any(|window| window == stems))
    }

    /// Whether a root stands in a segment at most so far away.
    pub(super) fn spoken_near(&self, root: &str, at: usize, reach: usize) -> bool {
        self.holders.get(root).is_some_and(|holders| holders.iter().any(|holder| holder.abs_diff(at) <= reach))
    }

    /// Segments together with the questions they answer and the answers to their questions.
    pub(super) fn with_answers(&self, segments: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut all = segments.clone();
        for at in segments {
            all.extend(self.asked_in.get(at).into_iter().flatten());
            all.extend(self.of_segment(*at).iter().filter_map(|place| place.answered_in));
        }
        all
    }

    /// Runs of at most three segments round the places that hold most of the keys, rare ones counting more.
    pub(super) fn windows(&self, keys: &[String], most: usize) -> Vec<BTreeSet<usize>> {
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        let total = f64::from(u32::try_from(self.transcript.segments.len()).unwrap_or(u32::MAX));
        for key in keys {
            let Some(holders) = self.holders.get(key) else { continue };
            let rarity = (1.0 + total / f64::from(u32::try_from(holders.len()).unwrap_or(u32::MAX))).ln();
            for segment in holders {
                *scores.entry(*segment).or_default() += rarity;
            }
        }
        // A run's score is that of its three segments: the parts of a claim may lie side by side.
        let near = |at: usize| scores.get(&at).copied().unwrap_or(0.0);
        let mut ranked: Vec<(usize, f64)> =
            scores.keys().map(|at| (*at, near(*at) + 0.5 * (near(at.wrapping_sub(1)) + near(at + 1)))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let last = self.transcript.segments.len().saturating_sub(1);
        let mut windows: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
        for (at, _) in ranked.into_iter().take(most) {
            for (back, forth) in [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (2, 0)] {
                let run: BTreeSet<usize> = (at.saturating_sub(back)..=(at + forth).min(last)).collect();
                windows.insert(self.with_answers(&run));
            }
        }
        windows.into_iter().collect()
    }
}

/// How far an answer may lie from its question, in clauses.
const REACH: usize = 8;

/// Words of an answer that grants a question without a yes: `Three times.`
const SHORT: usize = 6;

fn effect(all: &[Place], at: usize) -> (Effect, Option<usize>) {
    let clause = &all[at].clause;
    let about_you = clause.question.is_none()
        && clause.subject == Subject::Second
        && matches!(clause.mood, Mood::Stated | Mood::Planned)
        && clause.reply.is_none();
    if clause.question.is_none() && !about_you && clause.mood != Mood::Planned {
        return (Effect::AsSaid, None);
    }
    // The first clause of the next sentence that asks nothing itself.
    let next = (at + 1..all.len().min(at + REACH)).find(|next| {
        let other = &all[*next].clause;
        other.opens && (other.question.is_none() || other.reply.is_some()) && !(about_you && *next > at + 4)
    });
    let Some(next) = next else {
        return (if clause.question.is_some() || about_you { Effect::Unanswered } else { Effect::AsSaid }, None);
    };
    let answer = &all[next].clause;
    let there = Some(all[next].segment);
    match (clause.question, answer.reply) {
        (Some(Question::Open), Some(Reply::No)) if answer.content.is_empty() => (Effect::Denied, there),
        (Some(Question::Open), _) => (Effect::Context, there),
        (_, Some(Reply::Yes)) => (
            if clause.mood == Mood::Planned && clause.question.is_none() { Effect::AsSaid } else { Effect::Affirmed },
            there,
        ),
        (_, Some(Reply::No)) => (Effect::Denied, there),
        (Some(Question::Closed), None)
            if !answer.negated && answer.words.len() <= SHORT && answer.question.is_none() =>
        {
            (Effect::Affirmed, there)
        }
        (Some(Question::Closed), None)
            if !clause
                .words
                .iter()
                .any(|word| matches!(word.as_str(), "you" | "any" | "do" | "did" | "have" | "are" | "is" | "was")) =>
        {
            (Effect::Context, there)
        }
        (Some(Question::Closed), _) => (Effect::Unanswered, there),
        (None, _) if about_you && clause.mood == Mood::Stated => (Effect::Unanswered, None),
        (None, _) => (Effect::AsSaid, None),
    }
}
