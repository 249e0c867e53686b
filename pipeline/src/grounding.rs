//! Does the transcript carry the sentence?
//!
//! A deterministic check of each sentence of a draft against the segments it cites, and against the
//! places where its words really stand. It knows word lists, numbers, negation, questions and their
//! answers; it understands nothing. It is made to be wrong on one side only: `supported` needs every
//! weighty word, number, time and name of the sentence in the segments, said as a fact, with the same
//! negation, and by somebody who can have said it. Nobody knows who spoke: a question is told from an
//! answer by its question mark alone.

mod places;

use std::collections::{BTreeMap, BTreeSet};

use provenote_schemas::note::{Origin, Section, Support};
use provenote_schemas::transcript::Transcript;

use crate::reading::lexicon::{Weighty, lexicon};
use crate::reading::quantities::{Quantity, TimeKind, TimeMark};
use crate::reading::{self, Clause, Content, Mood, Subject};
use places::{Effect, Place, Places};

/// Segments no farther than this from a cited one count as its neighbours.
const NEIGHBOURHOOD: usize = 3;

/// A person or name that was spoken no farther away may be meant by a pronoun.
const PRONOUN_REACH: usize = 6;

/// Places that are tried where the cited segments do not carry a clause.
const CANDIDATES: usize = 10;

/// Marks every sentence of the model and moves its citations to where its support stands.
///
/// `supported`: the cited segments, or their neighbours, carry every part of it. `weak`: something in it
/// is not in the segments, or it stands far from the cited ones, or nobody can tell who said it.
/// `unsupported`: it contradicts the transcript, or holds a number, name, medicine, diagnosis, danger or
/// observation that was not spoken. A reason is a short clause; a supported sentence has one where its
/// citations were moved. Sentences that the clinician wrote are marked `clinician` and left alone.
pub fn check(transcript: &Transcript, sections: &mut [Section]) {
    let places = Places::new(transcript);
    for sentence in sections.iter_mut().flat_map(|section| &mut section.sentences) {
        if sentence.origin == Origin::Clinician {
            sentence.support = Support::Clinician;
            sentence.reasons.clear();
            continue;
        }
        let judgement = judge(&places, &sentence.text, &sentence.segments);
        sentence.support = judgement.support;
        sentence.segments = judgement.segments;
        sentence.reasons = judgement.reasons;
    }
}

struct Judgement {
    support: Support,
    segments: Vec<u32>,
    reasons: Vec<String>,
}

/// Of whom a clause of a note speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Client,
    Clinician,
}

/// A clause of a note, ready to be compared.
struct Claim {
    clause: Clause,
    /// Its words without those that any note has.
    content: Vec<Content>,
    who: Who,
    /// `The clinician asked about …`: what was asked need not be so.
    asks: bool,
    /// `will`: speaks of the time to come.
    planned: bool,
    /// `agreed to`, `wants to`, `was asked to`: may speak of it.
    open: bool,
    agrees: bool,
    former: bool,
}

impl Claim {
    fn is_empty(&self) -> bool {
        self.content.is_empty() && self.clause.quantities.is_empty() && self.clause.times.is_empty()
    }
}

/// What a set of segments makes of a claim.
struct Verdict {
    support: Support,
    reasons: Vec<String>,
    /// Places in the transcript's list of segments that carry something of it.
    used: BTreeSet<usize>,
    /// Weight of what was found.
    found: f64,
}

fn judge(places: &Places<'_>, text: &str, cited: &[u32]) -> Judgement {
    let cited_at: BTreeSet<usize> = cited.iter().filter_map(|id| places.at(*id)).collect();
    let claims = claims(text);
    let mut support = Support::Supported;
    let mut reasons: Vec<String> = Vec::new();
    let mut used: BTreeSet<usize> = BTreeSet::new();
    let mut compared = false;
    let people = claims.iter().any(|claim| claim.content.iter().any(|word| lexicon().persons.contains(&word.root)));
    for claim in claims.iter().filter(|claim| !claim.is_empty()) {
        compared = true;
        let verdict = carry(places, claim, people, &cited_at);
        support = support.min(verdict.support);
        reasons.extend(verdict.reasons);
        if verdict.support != Support::Unsupported || verdict.found > 0.0 {
            used.extend(verdict.used);
        }
    }
    if !compared {
        support = Support::Weak;
        reasons.push("it holds nothing that can be compared with the transcript".to_owned());
    }
    for phrase in observations(text) {
        if !used.iter().chain(&cited_at).any(|at| places.speaks(*at, &phrase)) {
            support = Support::Unsupported;
            reasons.push(format!("“{phrase}” is an observation, which a recording cannot show"));
        }
    }
    let far = beyond(&cited_at, &used);
    if used.is_empty() {
        used.clone_from(&cited_at);
    } else if support != Support::Unsupported && !far.is_empty() {
        support = support.min(Support::Weak);
        reasons.push(if cited_at.is_empty() {
            format!("the model cited no segment; the words stand in {}", places.numbers(&used))
        } else {
            format!(
                "it rests on {}, far from those the model cited ({})",
                places.numbers(&far),
                places.numbers(&cited_at)
            )
        });
    } else if support != Support::Unsupported && used != cited_at {
        reasons.push(format!("citation moved from {} to {}", places.numbers(&cited_at), places.numbers(&used)));
    }
    let mut seen = BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    Judgement { support, segments: used.iter().map(|at| places.id(*at)).collect(), reasons }
}

/// The used places that no chain of neighbours joins to a cited one.
fn beyond(cited: &BTreeSet<usize>, used: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut reached = cited.clone();
    loop {
        let next: Vec<usize> = used
            .iter()
            .copied()
            .filter(|at| !reached.contains(at) && reached.iter().any(|other| other.abs_diff(*at) <= NEIGHBOURHOOD))
            .collect();
        if next.is_empty() {
            return used.difference(&reached).copied().collect();
        }
        reached.extend(next);
    }
}

/// Words of a note that say what only somebody in the room could see.
fn observations(text: &str) -> Vec<String> {
    let words = reading::tokens::words(text);
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < texts.len() {
        match lexicon().observation.at(&texts[at..]) {
            Some(length) => {
                found.push(texts[at..at + length].join(" "));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn claims(text: &str) -> Vec<Claim> {
    let lexicon = lexicon();
    let mut claims: Vec<Claim> = Vec::new();
    for clause in reading::read(text) {
        let words: Vec<&str> = clause.words.iter().map(String::as_str).collect();
        let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
        let stem_is = |list: &[&str]| clause.stems.iter().any(|stem| list.contains(&stem.as_str()));
        let joined = words
            .first()
            .is_some_and(|word| matches!(*word, "and" | "but" | "when" | "because" | "so" | "although" | "while"));
        let before = claims.last().filter(|_| joined && !clause.opens);
        let who = if has(&["clinician", "therapist", "counselor", "provider"])
            && !(has(&["client", "patient"])
                && words.iter().position(|w| matches!(*w, "client" | "patient"))
                    < words.iter().position(|w| matches!(*w, "clinician" | "therapist" | "counselor" | "provider")))
        {
            Who::Clinician
        } else if has(&["client", "patient"]) {
            Who::Client
        } else {
            before.map_or(Who::Client, |claim| claim.who)
        };
        let passive = words.windows(2).any(|two| matches!(two, ["was" | "were", "asked" | "screened" | "assessed"]));
        let asking = stem_is(&["ask", "inquir", "screen", "check", "assess", "explor", "review"]);
        let to = words.windows(2).any(|two| two[0] == "to" && !lexicon.function.contains(two[1]))
            && !has(&["about", "whether", "if"]);
        let asks = asking && (who == Who::Clinician || passive) && !to;
        let own_past = words
            .iter()
            .skip(1)
            .take(2)
            .any(|word| word.ends_with("ed") || matches!(*word, "did" | "was" | "denied" | "had"));
        let planned = clause.mood == Mood::Planned
            || lexicon.note_planned.find(&words).is_some()
            || before.is_some_and(|claim| claim.planned && !own_past);
        let open = clause.stems.iter().any(|stem| lexicon.note_request.contains(stem))
            || clause.mood == Mood::Wished
            || before.is_some_and(|claim| claim.open && !own_past);
        let content: Vec<Content> = clause
            .content
            .iter()
            .filter(|word| !lexicon.is_frame(&clause.stems[word.at]) || word.weighty == Some(Weighty::Medicine))
            .cloned()
            .collect();
        claims.push(Claim {
            who,
            asks,
            planned,
            open,
            agrees: stem_is(&["agre", "accept", "consent"]),
            former: clause.mood == Mood::Former
                || has(&[
                    "previously",
                    "formerly",
                    "past",
                    "history",
                    "longer",
                    "stopped",
                    "quit",
                    "earlier",
                    "before",
                ]),
            content,
            clause,
        });
    }
    claims
}

/// The best that can be said of a claim: with the cited segments, or with the place that holds most of it.
fn carry(places: &Places<'_>, claim: &Claim, people: bool, cited: &BTreeSet<usize>) -> Verdict {
    let here = weigh(places, claim, people, &places.with_answers(cited));
    if here.support == Support::Supported {
        return here;
    }
    let mut best = here;
    for window in places.windows(&keys(claim), CANDIDATES) {
        let verdict = weigh(places, claim, people, &window);
        let distance = |verdict: &Verdict| beyond(cited, &verdict.used).len();
        let better = match (verdict.support == Support::Supported, best.support == Support::Supported) {
            (true, false) => true,
            (false, true) => false,
            _ if (verdict.found - best.found).abs() > 0.4 => verdict.found > best.found,
            _ if verdict.support != best.support => verdict.support > best.support,
            _ => (distance(&verdict), verdict.used.len()) < (distance(&best), best.used.len()),
        };
        if better {
            best = verdict;
        }
    }
    best
}

fn keys(claim: &Claim) -> Vec<String> {
    let words = claim.content.iter().map(|word| word.root.clone());
    words
        .chain(claim.clause.quantities.iter().map(places::number_key))
        .chain(claim.clause.times.iter().map(places::time_key))
        .collect()
}

/// How a number of a note stands to one that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Fit {
    No,
    Partly,
    Fully,
}

/// A claim against a set of segments.
struct Scale<'a> {
    claim: &'a Claim,
    set: Vec<&'a Place>,
}

impl Scale<'_> {
    fn says(place: &Place, root: &str) -> bool {
        place.clause.content.iter().any(|word| word.root == root)
    }

    fn weight(word: &Content) -> f64 {
        if word.weighty.is_some() { 1.5 } else { 1.0 }
    }

    fn fit(&self, quantity: &Quantity, place: &Place) -> Fit {
        place
            .clause
            .quantities
            .iter()
            .map(|said| self.fit_one(quantity, said, place))
            .fold(Fit::No, |best, fit| if fit > best { fit } else { best })
    }

    fn fit_one(&self, written: &Quantity, said: &Quantity, place: &Place) -> Fit {
        if (written.value - said.value).abs() > 1e-9 {
            return Fit::No;
        }
        match (written.of, said.of) {
            (Some(a), Some(b)) if (a - b).abs() > 1e-9 => return Fit::No,
            (Some(top), None) => {
                if said.unit.is_some() {
                    return Fit::No;
                }
                let named = self.set.iter().any(|place| {
                    place.clause.scale == Some(top) || place.clause.quantities.iter().any(|other| other.of == Some(top))
                });
                return if named { Fit::Fully } else { Fit::Partly };
            }
            _ => {}
        }
        match (&written.unit, &said.unit) {
            (Some(a), Some(b)) => return if a == b { Fit::Fully } else { Fit::No },
            (Some(unit), None) => {
                if said.of.is_some() {
                    return Fit::No;
                }
                // `How many hours?` names the unit for the number that answers; another number's unit does not.
                let named = self.set.iter().any(|place| {
                    place.clause.words.iter().any(|word| lexicon().unit(word) == Some(unit))
                        && !place.clause.quantities.iter().any(|other| other.unit.as_ref() == Some(unit))
                });
                // `I sleep five hours. Last month it was seven.`: a clause without words of its own goes on with the unit.
                let goes_on = place.clause.content.is_empty()
                    && self.set.iter().any(|other| {
                        other.segment + 1 == place.segment
                            && other.clause.quantities.iter().any(|before| before.unit.as_ref() == Some(unit))
                    });
                return if named || goes_on { Fit::Fully } else { Fit::Partly };
            }
            _ => {}
        }
        if written.of.is_none() && said.unit.is_some() {
            return Fit::Partly;
        }
        // `three thoughts`: what is counted must be counted there too.
        let counted = self.claim.content.iter().find(|word| word.at == written.at.end);
        match counted {
            Some(word) if !Self::says(place, &word.root) => Fit::Partly,
            _ => Fit::Fully,
        }
    }

    fn overlap(&self, place: &Place) -> f64 {
        let words: f64 = self.claim.content.iter().filter(|word| Self::says(place, &word.root)).map(Self::weight).sum();
        let numbers =
            self.claim.clause.quantities.iter().filter(|quantity| self.fit(quantity, place) > Fit::No).count();
        let times = self.claim.clause.times.iter().filter(|time| says_time(place, time)).count();
        // Of two places that say as much, the one that says it as a fact.
        let stated = if matches!(place.effect, Effect::AsSaid | Effect::Affirmed) && place.clause.mood == Mood::Stated {
            0.1
        } else {
            0.0
        };
        let all = words + 1.5 * count(numbers) + count(times);
        if all > 0.0 { all + stated } else { 0.0 }
    }

    /// How much of what stands near a number of the note stands in a place, or in the question it answers.
    fn nearby(&self, place: &Place, quantity: Option<&Quantity>, without: Option<TimeKind>) -> f64 {
        let clause = &self.claim.clause;
        let part = |at: usize| {
            clause.words[..at.min(clause.words.len())]
                .iter()
                .filter(|word| matches!(word.as_str(), "and" | "but" | "versus"))
                .count()
        };
        let gap = |at: usize, other: &Quantity| {
            let plain = if at < other.at.start { other.at.start - at } else { (at + 1).saturating_sub(other.at.end) };
            plain + if part(at) == part(other.at.start) { 0 } else { clause.words.len() }
        };
        let closest = |at: usize| {
            quantity.is_none_or(|own| {
                clause.quantities.iter().all(|other| std::ptr::eq(other, own) || gap(at, own) <= gap(at, other))
            })
        };
        let asked = |root: &str| {
            place.clause.opens
                && self.set.iter().any(|other| {
                    other.answered_in == Some(place.segment)
                        && other.clause.question.is_some()
                        && Self::says(other, root)
                })
        };
        let words: f64 = self
            .claim
            .content
            .iter()
            .filter(|word| closest(word.at))
            .map(|word| {
                if Self::says(place, &word.root) {
                    1.0
                } else if asked(&word.root) {
                    0.75
                } else {
                    0.0
                }
            })
            .sum();
        let times = clause
            .times
            .iter()
            .filter(|time| Some(time.kind) != without && closest(time.at.start) && says_time(place, time))
            .count();
        words + count(times)
    }
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

fn says_time(place: &Place, time: &TimeMark) -> bool {
    place.clause.times.iter().any(|said| {
        said.value == time.value
            || matches!(
                (time.value.as_str(), said.value.as_str()),
                ("am", "morning")
                    | ("morning", "am")
                    | ("pm", "afternoon" | "evening")
                    | ("afternoon" | "evening", "pm")
            )
    })
}

fn weigh(places: &Places<'_>, claim: &Claim, people: bool, set: &BTreeSet<usize>) -> Verdict {
    let scale = Scale { claim, set: set.iter().flat_map(|at| places.of_segment(*at)).collect() };
    let overlaps: Vec<f64> = scale.set.iter().map(|place| scale.overlap(place)).collect();
    let Some((main_at, _)) = overlaps
        .iter()
        .enumerate()
        .filter(|(_, overlap)| **overlap > 0.0)
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
    else {
        return Verdict {
            support: Support::Unsupported,
            reasons: vec!["nothing of it stands in the transcript where the model says".to_owned()],
            used: BTreeSet::new(),
            found: 0.0,
        };
    };
    let best_of_all = overlaps[main_at];
    let mut wrong: Vec<String> = Vec::new();
    let mut doubts: Vec<String> = Vec::new();
    let (mut found, mut missing) = (0.0, 0.0);
    // The place that says most of the claim among those that say this part of it.
    let best_of = |says: &dyn Fn(&Place) -> bool| -> Option<usize> {
        (0..scale.set.len())
            .filter(|at| says(scale.set[*at]))
            .max_by(|a, b| overlaps[*a].total_cmp(&overlaps[*b]).then(b.cmp(a)))
    };

    // What the claim says of its subject stands where its first word stands, if that place says enough.
    let head = claim
        .content
        .iter()
        .filter(|word| !lexicon().persons.contains(&word.root))
        .find_map(|word| best_of(&|place| Scale::says(place, &word.root)));
    let main = scale.set[head.filter(|at| overlaps[*at] >= 0.4 * best_of_all).unwrap_or(main_at)];
    let mut used: BTreeSet<usize> = BTreeSet::from([main.segment]);

    // Words.
    let mut polarity: BTreeMap<usize, (usize, usize, bool)> = BTreeMap::new();
    let mut unspoken: Vec<&str> = Vec::new();
    for word in &claim.content {
        let Some(at) = best_of(&|place| Scale::says(place, &word.root)) else {
            let negative = main.clause.negated || main.effect == Effect::Denied;
            // `denied suicidal thoughts` where wanting to die was asked about.
            let thought = word.root == "=think"
                && claim.content.iter().any(|other| matches!(other.root.as_str(), "=selfdanger" | "=otherdanger"));
            if (word.root == "=difficulty" && negative) || thought {
                continue;
            }
            missing += Scale::weight(word);
            if main
                .clause
                .content
                .iter()
                .any(|said| lexicon().are_opposite(&said.root, &word.root) && said.negated == word.negated)
            {
                wrong.push(format!("“{}” is the opposite of what was said", word.surface));
            } else if let Some(weighty) = word.weighty {
                let pronoun = matches!(weighty, Weighty::Person | Weighty::Name)
                    && places.spoken_near(&word.root, main.segment, PRONOUN_REACH);
                match alike(&scale.set, word, weighty) {
                    Some((heard, segment)) => {
                        used.insert(segment);
                        missing -= Scale::weight(word);
                        found += Scale::weight(word);
                        doubts.push(format!("“{}” is written where “{heard}” was heard", word.surface));
                    }
                    None if pronoun => doubts.push(format!(
                        "“{}” is named near segment {}, not in it",
                        word.surface,
                        places.id(main.segment)
                    )),
                    None => wrong.push(format!("{} “{}” was not spoken there", weighty.in_words(), word.surface)),
                }
            } else {
                unspoken.push(&word.surface);
            }
            continue;
        };
        found += Scale::weight(word);
        used.insert(scale.set[at].segment);
        if word.loose || (lexicon().persons.contains(&word.root) && claim.content.len() > 1) {
            continue;
        }
        // Any place that says as much of the claim may carry the word's negation.
        let polarities: Vec<bool> = (0..scale.set.len())
            .filter(|other| overlaps[*other] >= overlaps[at] - 0.15)
            .flat_map(|other| scale.set[other].polarities(&word.root))
            .collect();
        if polarities.is_empty() {
            continue;
        }
        let (agree, disagree, written) = polarity.entry(at).or_default();
        *written |= word.negated;
        if polarities.contains(&word.negated) { *agree += 1 } else { *disagree += 1 }
    }
    if !unspoken.is_empty() {
        doubts.push(format!("not in the segments: {}", unspoken.join(", ")));
    }
    for (at, (agree, disagree, written)) in
        polarity.into_iter().filter(|(_, (_, disagree, _))| *disagree > 0 && !claim.asks)
    {
        let place = scale.set[at];
        if place.effect == Effect::Denied && place.answered_in == Some(main.segment) && place.segment != main.segment {
            // The answer may take up the question's words with a pronoun.
            doubts.push(format!("segment {} was answered with no", places.id(place.segment)));
        } else if agree == 0 || (written != place.denies() && disagree >= agree) {
            wrong.push(format!("segment {} says the opposite: the negation does not agree", places.id(place.segment)));
        } else if written != place.denies() {
            doubts.push("the negation does not agree with every word".to_owned());
        }
    }

    // Numbers.
    for quantity in &claim.clause.quantities {
        let fit = scale
            .set
            .iter()
            .map(|place| scale.fit(quantity, place))
            .fold(Fit::No, |best, fit| if fit > best { fit } else { best });
        if fit == Fit::No {
            missing += 1.5;
            let reason = format!("“{}” was not said there", quantity.surface);
            if (quantity.value - 1.0).abs() < 1e-9
                && quantity.of.is_none()
                && !matches!(quantity.unit.as_deref(), Some("mg" | "g" | "mcg" | "ml"))
            {
                doubts.push(reason)
            } else {
                wrong.push(reason)
            }
            continue;
        }
        found += 1.5;
        if fit == Fit::Partly {
            doubts.push(format!("“{}” stands there without its unit, or counts something else", quantity.surface));
        }
        let own = best_of(&|place| scale.fit(quantity, place) > Fit::No);
        used.extend(own.map(|at| scale.set[at].segment));
        let here = scale
            .set
            .iter()
            .filter(|place| scale.fit(quantity, place) > Fit::No)
            .map(|place| scale.nearby(place, Some(quantity), None))
            .fold(0.0, f64::max);
        let rival = scale.set.iter().find(|place| {
            scale.fit(quantity, place) == Fit::No
                && scale.nearby(place, Some(quantity), None) > here
                && place.clause.quantities.iter().any(|other| same_kind(quantity, other))
        });
        if let Some(rival) = rival {
            wrong.push(format!(
                "“{}” was said of something else; segment {} has another number",
                quantity.surface,
                places.id(rival.segment)
            ));
        }
    }

    // Times.
    for time in &claim.clause.times {
        match best_of(&|place| says_time(place, time)) {
            Some(at) => {
                found += 1.0;
                used.insert(scale.set[at].segment);
                if matches!(
                    time.kind,
                    TimeKind::Weekday | TimeKind::Month | TimeKind::Daypart | TimeKind::Ago | TimeKind::Frequency
                ) {
                    let here = scale
                        .set
                        .iter()
                        .filter(|place| says_time(place, time))
                        .map(|place| scale.nearby(place, None, Some(time.kind)))
                        .fold(0.0, f64::max);
                    let rival = scale.set.iter().find(|place| {
                        !says_time(place, time)
                            && scale.nearby(place, None, Some(time.kind)) > here
                            && place.clause.times.iter().any(|other| other.kind == time.kind)
                    });
                    if let Some(rival) = rival {
                        wrong.push(format!(
                            "“{}” was said of something else; segment {} has another time",
                            time.surface,
                            places.id(rival.segment)
                        ));
                    }
                }
            }
            None => {
                let another = main.clause.times.iter().any(|said| said.kind == time.kind);
                let known = time.kind == TimeKind::Relative
                    && time.value.strip_prefix("last ").is_some_and(|unit| {
                        scale.set.iter().any(|place| place.clause.stems.iter().any(|stem| stem == unit))
                    });
                if known {
                    continue;
                }
                missing += 1.0;
                let reason = format!("“{}” was not said there", time.surface);
                let firm =
                    matches!(time.kind, TimeKind::Weekday | TimeKind::Month | TimeKind::Frequency | TimeKind::Ago);
                if firm || another { wrong.push(reason) } else { doubts.push(reason) }
            }
        }
    }

    // What is said only as asked, planned, wished or past.
    let number = places.id(main.segment);
    if claim.asks {
        if main.clause.question.is_none() {
            doubts.push(format!("segment {number} is no question"));
        }
    } else {
        match (main.clause.question, main.effect) {
            (Some(_), Effect::Unanswered) => {
                doubts.push(format!("segment {number} only asks; the answer is not clear"))
            }
            (None, Effect::Unanswered) if claim.who == Who::Client && main.clause.mood == Mood::Stated => {
                doubts.push(format!("segment {number} speaks of “you”: it may not be the client’s words"));
            }
            (None, Effect::Denied) if claim.agrees => wrong.push(format!("segment {number} was answered with no")),
            _ => {}
        }
        match main.clause.mood {
            Mood::Planned if !claim.planned && !claim.open => {
                wrong.push(format!("segment {number} speaks of something to come; here it is written as done"))
            }
            // `I thought about …` is a thought, and may be written as one.
            Mood::Wished if claim.content.iter().any(|word| word.root == "=think") => {}
            Mood::Wished if claim.planned && !claim.open => doubts.push(format!(
                "segment {number} speaks of something wished or possible; here it is written as planned"
            )),
            Mood::Wished if !claim.open => {
                let reason =
                    format!("segment {number} speaks of something wished or possible; here it is written as done");
                if main.clause.words.iter().any(|word| word == "would") {
                    doubts.push(reason)
                } else {
                    wrong.push(reason)
                }
            }
            Mood::Former if !claim.former => {
                wrong.push(format!("segment {number} speaks of something that is no more"))
            }
            Mood::Stated if claim.planned && !claim.open && main.clause.question.is_none() => {
                doubts.push(format!("segment {number} does not speak of something to come"))
            }
            _ => {}
        }
        who_said(claim, main, people, number, &mut doubts);
    }
    // The answer belongs to its question.
    if main.effect != Effect::AsSaid && !claim.asks {
        used.extend(main.answered_in);
    }

    let share = found / (found + missing).max(0.1);
    let support = if !wrong.is_empty() || share < 0.5 {
        Support::Unsupported
    } else if !doubts.is_empty() {
        Support::Weak
    } else {
        Support::Supported
    };
    if wrong.is_empty() && share < 0.5 {
        wrong.push("little of it stands in the transcript".to_owned());
    }
    wrong.extend(doubts);
    Verdict { support, reasons: wrong, used, found }
}

fn who_said(claim: &Claim, main: &Place, people: bool, number: u32, doubts: &mut Vec<String>) {
    let said = &main.clause;
    let we = said.words.iter().any(|word| matches!(word.as_str(), "we" | "us"));
    match claim.who {
        Who::Clinician => {
            let could = said.question.is_some() || we || said.mood == Mood::Planned || said.subject == Subject::Second;
            if !could {
                doubts.push(format!("nobody can tell whether the clinician said segment {number}"));
            }
        }
        Who::Client if said.question.is_none() && said.subject == Subject::Third && !people => {
            doubts.push(format!("segment {number} speaks of somebody else"));
        }
        Who::Client => {
            // Who did it to whom: a person who acts is named before the act, one who bears it after.
            let person = claim.content.iter().position(|word| lexicon().persons.contains(&word.root));
            let act = claim.content.iter().position(|word| {
                !lexicon().persons.contains(&word.root)
                    && word.weighty != Some(Weighty::Name)
                    && said.content.iter().any(|own| own.root == word.root)
            });
            let acts = match said.subject {
                Subject::Third => Some(true),
                Subject::First => Some(false),
                Subject::Second | Subject::Open => None,
            };
            let together = we || (said.subject == Subject::Third && said.words.iter().any(|word| word == "i"));
            let passive = claim.clause.words.iter().any(|word| word == "by");
            if let (Some(person), Some(act), Some(acts)) = (person, act, acts)
                && (person < act) != acts
                && !together
                && !passive
                && said.question.is_none()
            {
                doubts.push(format!("segment {number} may say it the other way round"));
            }
        }
    }
}

/// A medicine or a name that was heard almost so.
fn alike(set: &[&Place], word: &Content, weighty: Weighty) -> Option<(String, usize)> {
    let slips = match weighty {
        Weighty::Medicine => 2,
        Weighty::Name => 1,
        _ => return None,
    };
    let written = word.surface.to_lowercase();
    if written.chars().count() < 5 {
        return None;
    }
    set.iter().find_map(|place| {
        place
            .clause
            .content
            .iter()
            .find(|said| distance(&said.surface.to_lowercase(), &written) <= slips && said.surface.chars().count() >= 5)
            .map(|said| (said.surface.clone(), place.segment))
    })
}

/// Levenshtein's distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(left != *right)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

fn same_kind(a: &Quantity, b: &Quantity) -> bool {
    match (a.of, b.of) {
        (Some(_), Some(_)) => true,
        (Some(_), None) => b.unit.is_none(),
        (None, Some(_)) => a.unit.is_none(),
        (None, None) => a.unit == b.unit,
    }
}

#[cfg(test)]
mod tests;
