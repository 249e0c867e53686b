//! Which stretches of a recording hold speech, and where a moment of the speech lies in the recording.
//!
//! The engine hears only the stretches in which the voice activity model found somebody speaking,
//! one behind the other; long pauses, where it would invent words, it never hears. Its times are
//! then carried back to the recording. (`whisper_full_with_state`, which is what whisper-rs calls,
//! leaves the engine's own voice activity out, whatever its parameters say.)

use std::ops::Range;

/// Samples a second.
pub(crate) const RATE: usize = 16_000;

/// Kept on either side of speech: no first or last sound is cut, and the engine still hears that there
/// was a pause, and puts its times on the right side of it.
const PAD: usize = RATE / 2;

/// What is left of a pause between two pads stays too where it is shorter than this.
const SHORT_PAUSE: usize = RATE / 2;

/// The most that the engine is given at once: a bound on memory.
const LONGEST: usize = 120 * RATE;

/// Stretches of one recording, in samples, in order, without overlap: what the engine hears in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spans(Vec<Range<usize>>);

impl Spans {
    /// Plans what the engine hears: `speech` is where somebody speaks, in samples of a recording of `length`.
    pub(crate) fn plan(speech: impl IntoIterator<Item = Range<usize>>, length: usize) -> Vec<Self> {
        let mut joined: Vec<Range<usize>> = Vec::new();
        for stretch in speech {
            let start = stretch.start.saturating_sub(PAD).min(length);
            let end = stretch.end.saturating_add(PAD).min(length);
            match joined.last_mut() {
                Some(last) if start < last.end + SHORT_PAUSE => last.end = last.end.max(end),
                _ if start < end => joined.push(start..end),
                _ => {}
            }
        }
        let mut groups: Vec<Self> = Vec::new();
        let mut heard = 0;
        for stretch in joined {
            match groups.last_mut() {
                Some(group) if heard + stretch.len() <= LONGEST => {
                    heard += stretch.len();
                    group.0.push(stretch);
                }
                _ => {
                    heard = stretch.len();
                    groups.push(Self(vec![stretch]));
                }
            }
        }
        groups
    }

    /// The samples of these stretches, one behind the other.
    pub(crate) fn cut(&self, recording: &[f32]) -> Vec<f32> {
        self.0.iter().flat_map(|stretch| &recording[stretch.clone()]).copied().collect()
    }

    /// Where something lies that was heard from `start` to `end`, all in milliseconds. A word is spoken
    /// in one breath: where the engine's times reach over a pause that was left out, it lies in the
    /// stretch that holds more of it.
    pub(crate) fn place(&self, start: u64, end: u64) -> (u64, u64) {
        let mut before = 0;
        let mut best = None;
        for stretch in &self.0 {
            let after = before + milliseconds(stretch.len());
            let (from, to) = (start.clamp(before, after), end.clamp(before, after).max(start.clamp(before, after)));
            let held = to - from;
            // A moment without length, between two stretches, begins the second.
            let touches = start < after && end >= before;
            if touches && best.is_none_or(|(most, _)| held > most) {
                let origin = milliseconds(stretch.start);
                best = Some((held, (origin + from - before, origin + to - before)));
            }
            before = after;
        }
        let last = self.0.last().map_or(0, |last| milliseconds(last.end));
        best.map_or((last, last), |(_, place)| place)
    }
}

/// Samples as milliseconds.
pub(crate) fn milliseconds(samples: usize) -> u64 {
    (samples * 1000 / RATE) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = RATE;

    #[test]
    fn short_pauses_stay_and_long_ones_are_left_out() {
        let groups = Spans::plan(
            [SECOND..2 * SECOND, 2 * SECOND + SECOND / 2..3 * SECOND, 60 * SECOND..61 * SECOND],
            61 * SECOND,
        );
        assert_eq!(groups, [Spans(vec![SECOND - PAD..3 * SECOND + PAD, 60 * SECOND - PAD..61 * SECOND])]);
        assert_eq!(
            Spans::plan([0..SECOND, 2 * SECOND..3 * SECOND], 4 * SECOND)
                .iter()
                .flat_map(|group| &group.0)
                .map(ExactSizeIterator::len)
                .sum::<usize>(),
            3 * SECOND + PAD
        );
    }

    #[test]
    fn silence_plans_nothing() {
        assert!(Spans::plan([], 10 * SECOND).is_empty());
        assert!(Spans::plan(std::iter::once(0..0), 0).is_empty());
    }

    #[test]
    fn no_group_grows_past_its_bound_and_nothing_is_lost() {
        let speech: Vec<_> = (0..40).map(|i| i * 10 * SECOND..(i * 10 + 8) * SECOND).collect();
        let groups = Spans::plan(speech.clone(), 400 * SECOND);
        assert!(groups.len() > 1);
        let held: Vec<Range<usize>> = groups.iter().flat_map(|group| group.0.clone()).collect();
        for group in &groups {
            assert!(group.0.iter().map(ExactSizeIterator::len).sum::<usize>() <= LONGEST);
        }
        for stretch in speech {
            assert!(held.iter().any(|kept| kept.start <= stretch.start && kept.end >= stretch.end));
        }
    }

    #[test]
    fn moments_are_carried_back_to_the_recording() {
        let spans = Spans(vec![SECOND..3 * SECOND, 10 * SECOND..11 * SECOND]);
        assert_eq!(spans.cut(&vec![0.5; 12 * SECOND]).len(), 3 * SECOND);
        assert_eq!(spans.place(0, 500), (1000, 1500));
        assert_eq!(spans.place(1500, 2000), (2500, 3000), "up to the end of a stretch");
        assert_eq!(spans.place(2000, 2500), (10_000, 10_500), "from the beginning of a stretch");
        assert_eq!(spans.place(2000, 2000), (10_000, 10_000), "a moment");
        assert_eq!(spans.place(1900, 2500), (10_000, 10_500), "more of it lies behind the pause");
        assert_eq!(spans.place(1000, 2100), (2000, 3000), "more of it lies before the pause");
        assert_eq!(spans.place(2500, 9000), (10_500, 11_000), "past the end");
        assert_eq!(spans.place(9000, 9900), (11_000, 11_000), "wholly past the end");
    }
}
