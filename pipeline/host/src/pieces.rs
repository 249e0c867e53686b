//! A long recording in pieces: each ends at the quietest place of its last half minute.

use std::ops::Range;

/// Samples a second.
pub(crate) const RATE: usize = 16_000;

/// The longest piece: five minutes. The worker takes ten; shorter pieces keep its memory small.
const LONGEST: usize = 300 * RATE;

/// Where the end of a piece is looked for.
const SEARCH: usize = 30 * RATE;

/// The most samples a frame of audio holds.
const BLOCK: usize = 10 * RATE;

/// A quiet place is so long.
const QUIET: usize = RATE * 3 / 10;

/// How finely quiet places are compared.
const STEP: usize = RATE / 50;

/// What to do with the samples that have come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Hand these over.
    Send(Vec<i16>),
    /// The piece is whole: so many samples of it were handed over.
    Whole(usize),
    /// More samples are needed.
    Wait,
}

/// Cuts a stream of samples into pieces, and pieces into blocks. Holds at most [`SEARCH`] samples
/// and what was pushed last.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    waiting: Vec<i16>,
    /// Samples of the piece that were handed over.
    sent: usize,
    /// Samples of the piece that are still to be handed over before it is whole.
    rest: Option<usize>,
    /// No more will come.
    ended: bool,
}

impl Pieces {
    /// Takes samples in `-1.0..=1.0`.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.waiting.extend(samples.iter().map(|sample| (sample.clamp(-1.0, 1.0) * 32767.0).round() as i16));
    }

    /// No more will come.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// What to do next; asked until it says [`Next::Wait`].
    pub(crate) fn next(&mut self) -> Next {
        if self.rest.is_none() {
            if self.sent + self.waiting.len() > LONGEST {
                let search = LONGEST - SEARCH - self.sent..LONGEST - self.sent;
                self.rest = Some(quietest(&self.waiting, search));
            } else if self.ended && self.sent + self.waiting.len() > 0 {
                self.rest = Some(self.waiting.len());
            }
        }
        match self.rest {
            Some(0) => {
                self.rest = None;
                Next::Whole(std::mem::take(&mut self.sent))
            }
            Some(rest) => {
                let block = self.take(rest.min(BLOCK));
                self.rest = Some(rest - block.len());
                Next::Send(block)
            }
            None if self.waiting.len() >= BLOCK && self.sent + BLOCK <= LONGEST - SEARCH => {
                Next::Send(self.take(BLOCK))
            }
            None => Next::Wait,
        }
    }

    fn take(&mut self, count: usize) -> Vec<i16> {
        let block = self.waiting.drain(..count).collect();
        self.sent += count;
        block
    }
}

/// The middle of the quietest stretch of [`QUIET`] samples that lies within `search`, and the last of several.
fn quietest(samples: &[i16], search: Range<usize>) -> usize {
    let energy = |from: usize| {
        samples[from..from + QUIET].iter().map(|sample| u64::from(sample.unsigned_abs()).pow(2)).sum::<u64>()
    };
    let last = search.end - QUIET;
    let from = (search.start..=last)
        .step_by(STEP)
        .min_by_key(|from| (energy(*from), std::cmp::Reverse(*from)))
        .unwrap_or(last);
    from + QUIET / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every piece as (length handed over, longest block), and all samples in order.
    fn cut(recording: &[f32], pushed: usize) -> (Vec<usize>, Vec<i16>) {
        let (mut lengths, mut all, mut since) = (Vec::new(), Vec::new(), 0);
        let mut pieces = Pieces::default();
        let mut blocks = recording.chunks(pushed);
        loop {
            match pieces.next() {
                Next::Send(block) => {
                    assert!(!block.is_empty() && block.len() <= BLOCK);
                    since += block.len();
                    all.extend(block);
                }
                Next::Whole(length) => {
                    assert_eq!(length, std::mem::take(&mut since));
                    lengths.push(length);
                }
                Next::Wait => {
                    assert!(pieces.waiting.len() <= SEARCH + BLOCK, "it holds {} samples", pieces.waiting.len());
                    match blocks.next() {
                        Some(block) => pieces.push(block),
                        None if pieces.ended => return (lengths, all),
                        None => pieces.end(),
                    }
                }
            }
        }
    }

    #[test]
    fn a_short_recording_is_one_piece_and_an_empty_one_is_none() {
        assert_eq!(cut(&vec![0.5; 5 * RATE + 1], 777).0, [5 * RATE + 1]);
        assert!(cut(&[], 777).0.is_empty());
    }

    #[test]
    fn a_long_recording_is_cut_where_it_is_quiet_and_nothing_is_lost() {
        let mut recording = vec![0.5; 700 * RATE];
        for quiet in [285 * RATE, 560 * RATE] {
            recording[quiet..quiet + RATE].fill(0.01);
        }
        let (lengths, all) = cut(&recording, RATE);
        assert_eq!(lengths.len(), 3);
        let (first, second) = (lengths[0], lengths[0] + lengths[1]);
        assert!((285 * RATE..286 * RATE).contains(&first), "{first}");
        assert!((560 * RATE..561 * RATE).contains(&second), "{second}");
        assert_eq!(all.len(), recording.len());
        assert!(all.iter().zip(&recording).all(|(a, b)| (f32::from(*a) / 32767.0 - b).abs() < 1e-3));
    }

    #[test]
    fn no_piece_is_longer_than_the_bound_however_the_samples_come() {
        for pushed in [1_000, BLOCK] {
            let (lengths, all) = cut(&vec![0.1; 620 * RATE], pushed);
            assert!(
                lengths.iter().all(|length| (LONGEST - SEARCH..=LONGEST).contains(length)
                    || *length == *lengths.last().expect("pieces")),
                "{lengths:?}"
            );
            assert!(lengths.iter().all(|length| *length <= LONGEST));
            assert_eq!(all.len(), 620 * RATE);
        }
    }

    #[test]
    fn samples_out_of_range_are_held_to_it() {
        let mut pieces = Pieces::default();
        pieces.push(&[2.0, -2.0, f32::NAN]);
        assert_eq!(pieces.waiting, [32767, -32767, 0]);
    }
}
