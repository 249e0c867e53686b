//! Which sentence of the new version stands for which of the old one.

use std::collections::HashMap;

use super::sentences::Page;

/// Two sentences are versions of one another from this similarity on (0 to 1).
const PAIRED: f64 = 0.45;
/// From here on a sentence without a partner is compared with one that has its own already.
const NEAR: f64 = 0.7;

/// What differs between two pages, as indices of their sentences.
#[derive(Debug, Default)]
pub(crate) struct Alignment {
    /// Old and new, in other words.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Only in the old page; the nearest new one, if near enough.
    pub(crate) removed: Vec<(usize, Option<usize>)>,
    /// Only in the new page; the nearest old one, if near enough.
    pub(crate) added: Vec<(usize, Option<usize>)>,
    /// The same words on another lead, or the same sentence cut or joined otherwise.
    pub(crate) reshaped: usize,
}

impl Alignment {
    pub(crate) fn is_same(&self) -> bool {
        self.pairs.is_empty() && self.removed.is_empty() && self.added.is_empty()
    }
}

/// Aligns two pages. The same words anywhere in both, in whatever order and number, are no difference.
pub(crate) fn align(old: &mut Page, new: &mut Page) -> Alignment {
    let mut out = Alignment::default();
    let changed = |one: &Page, other: &Page| -> Vec<usize> {
        (0..one.sentences.len()).filter(|at| !other.wholes.contains(&one.sentences[*at].whole)).collect()
    };
    let (gone, come) = (changed(old, new), changed(new, old));
    if gone.is_empty() && come.is_empty() {
        return out;
    }
    old.index();
    new.index();
    let left = |one: &Page, other: &Page, of: &[usize]| -> Vec<usize> {
        let mut seen = std::collections::HashSet::new();
        of.iter()
            .copied()
            .filter(|at| {
                let sentence = &one.sentences[*at];
                if !seen.insert(sentence.whole) {
                    return false;
                }
                // Cut or joined otherwise: the same run of words stands in the other page.
                let led = sentence.lead == 0 || other.keys.contains(&sentence.lead) || lead_stands(one, other, *at);
                !(sentence.words.len() >= 4 && led && other.holds(&sentence.words))
            })
            .collect()
    };
    let (gone_left, come_left) = (left(old, new, &gone), left(new, old, &come));
    out.reshaped = gone.len() + come.len() - gone_left.len() - come_left.len();
    let weights = Weights::of(old, new);
    let mut scored: Vec<(f64, usize, usize)> = Vec::new();
    let postings = weights.postings(new, &come_left);
    for from in &gone_left {
        for (to, score) in weights.near(&old.sentences[*from].words, new, &postings) {
            let aside = neighbours(old, new, *from, to);
            let score = if old.sentences[*from].key == new.sentences[to].key { 1.5 } else { score + aside };
            if score >= PAIRED {
                scored.push((score, *from, to));
            }
        }
    }
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2))));
    let mut partner_of_old: HashMap<usize, usize> = HashMap::new();
    let mut partner_of_new: HashMap<usize, usize> = HashMap::new();
    for (_, from, to) in scored {
        if !partner_of_old.contains_key(&from) && !partner_of_new.contains_key(&to) {
            partner_of_old.insert(from, to);
            partner_of_new.insert(to, from);
        }
    }
    out.pairs = partner_of_old.iter().map(|(from, to)| (*from, *to)).collect();
    out.pairs.sort_unstable();
    let nearest = |one: &Page, other: &Page, lonely: Vec<usize>| -> Vec<(usize, Option<usize>)> {
        if lonely.is_empty() {
            return Vec::new();
        }
        let all: Vec<usize> = (0..other.sentences.len()).collect();
        let postings = weights.postings(other, &all);
        lonely
            .into_iter()
            .map(|at| {
                let best = weights
                    .near(&one.sentences[at].words, other, &postings)
                    .into_iter()
                    .filter(|(_, score)| *score >= NEAR)
                    .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
                (at, best.map(|(to, _)| to))
            })
            .collect()
    };
    let lonely_old = gone_left.into_iter().filter(|at| !partner_of_old.contains_key(at)).collect();
    let lonely_new = come_left.into_iter().filter(|at| !partner_of_new.contains_key(at)).collect();
    out.removed = nearest(old, new, lonely_old);
    out.added = nearest(new, old, lonely_new);
    out
}

/// Whether the words that lead into a sentence stand in the other page too.
fn lead_stands(one: &Page, other: &Page, at: usize) -> bool {
    let lead = one.sentences[at].lead;
    one.sentences.iter().find(|sentence| sentence.key == lead).is_some_and(|lead| other.holds(&lead.words))
}

/// A little more for sentences whose neighbours are the same.
fn neighbours(old: &Page, new: &Page, from: usize, to: usize) -> f64 {
    let same = |from: Option<usize>, to: Option<usize>| {
        let (Some(from), Some(to)) =
            (from.and_then(|at| old.sentences.get(at)), to.and_then(|at| new.sentences.get(at)))
        else {
            return 0.0;
        };
        if from.key == to.key { 0.08 } else { 0.0 }
    };
    same(from.checked_sub(1), to.checked_sub(1)) + same(Some(from + 1), Some(to + 1))
}

/// How much a word tells: rare words more.
struct Weights {
    of: HashMap<u64, f64>,
}

impl Weights {
    fn of(old: &Page, new: &Page) -> Self {
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for word in old.stream.iter().chain(&new.stream) {
            *counts.entry(*word).or_default() += 1;
        }
        let all = f64::from(u32::try_from(old.stream.len() + new.stream.len()).unwrap_or(u32::MAX)).max(1.0);
        Self { of: counts.into_iter().map(|(word, count)| (word, (all / f64::from(count)).ln().max(0.1))).collect() }
    }

    fn sum(&self, words: &[u64]) -> f64 {
        words.iter().map(|word| self.of.get(word).copied().unwrap_or(1.0)).sum()
    }

    /// For each word, which of these sentences have it.
    fn postings(&self, page: &Page, among: &[usize]) -> HashMap<u64, Vec<usize>> {
        let mut out: HashMap<u64, Vec<usize>> = HashMap::new();
        for at in among {
            for word in &page.sentences[*at].words {
                out.entry(*word).or_default().push(*at);
            }
        }
        out
    }

    /// The sentences that share words with these, and how like they are: Dice's coefficient over weighted words.
    fn near(&self, words: &[u64], page: &Page, postings: &HashMap<u64, Vec<usize>>) -> Vec<(usize, f64)> {
        let mut shared: HashMap<usize, f64> = HashMap::new();
        let mut used: HashMap<u64, usize> = HashMap::new();
        for word in words {
            let turn = used.entry(*word).or_default();
            *turn += 1;
            let weight = self.of.get(word).copied().unwrap_or(1.0);
            let mut last = None;
            let mut times = 0;
            // A word counts in both as often as it stands in both.
            for at in postings.get(word).map(Vec::as_slice).unwrap_or_default() {
                times = if last == Some(*at) { times + 1 } else { 1 };
                last = Some(*at);
                if times == *turn {
                    *shared.entry(*at).or_default() += weight;
                }
            }
        }
        let own = self.sum(words);
        shared
            .into_iter()
            .map(|(at, both)| (at, 2.0 * both / (own + self.sum(&page.sentences[at].words)).max(f64::EPSILON)))
            .collect()
    }
}
