//! From the recorder's rate to 16 kHz, without delay, click or fold-back.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, ResampleError, Resampler as _, ResamplerConstructionError, WindowFunction};

use crate::RATE;

/// A mono stream on its way to [`RATE`].
///
/// The filter is an FFT of about 50 ms with a Blackman-Harris window: what lies above 8 kHz is gone before the rate
/// falls. Its delay is cut off the front, and at the end it is flushed, so that a recording of n samples gives
/// `round(n * 16000 / rate)`.
pub(crate) struct Resampler {
    engine: Option<Engine>,
    /// Samples at the source's rate that do not yet fill a chunk.
    waiting: Vec<f32>,
    rate: u32,
    taken: u64,
    given: u64,
}

struct Engine {
    fft: Fft<f32>,
    chunk_in: usize,
    chunk_out: Vec<f32>,
    /// Samples of delay still to be cut off.
    delay: usize,
}

impl Resampler {
    /// From `rate` samples a second, which the caller has found to be sane.
    pub(crate) fn new(rate: u32) -> Result<Self, ResamplerConstructionError> {
        let engine = if rate == RATE {
            None
        } else {
            let chunk = (rate as usize / 20).max(1);
            let fft = Fft::new_custom(
                rate as usize,
                RATE as usize,
                chunk,
                1,
                1,
                WindowFunction::BlackmanHarris2,
                FixedSync::Both,
            )?;
            let (chunk_in, chunk_out) = (fft.input_frames_next(), vec![0.0; fft.output_frames_next()]);
            Some(Engine { delay: fft.output_delay(), fft, chunk_in, chunk_out })
        };
        Ok(Self { engine, waiting: Vec::new(), rate, taken: 0, given: 0 })
    }

    /// Takes samples and appends to `out` what is ready.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        self.taken += samples.len() as u64;
        let Some(engine) = &mut self.engine else {
            self.given += samples.len() as u64;
            out.extend_from_slice(samples);
            return Ok(());
        };
        self.waiting.extend_from_slice(samples);
        let before = out.len();
        let whole = self.waiting.len() - self.waiting.len() % engine.chunk_in;
        for chunk in self.waiting[..whole].chunks(engine.chunk_in) {
            engine.step(chunk, out)?;
        }
        self.waiting.drain(..whole);
        self.given += (out.len() - before) as u64;
        Ok(())
    }

    /// Appends what the filter still holds.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let due = (self.taken * u64::from(RATE) + u64::from(self.rate) / 2) / u64::from(self.rate);
        let end = out.len() + usize::try_from(due.saturating_sub(self.given)).unwrap_or(usize::MAX);
        let rest = std::mem::take(&mut self.waiting);
        engine.step(&rest, out)?;
        while out.len() < end {
            engine.step(&[], out)?;
        }
        out.truncate(end);
        self.given = due;
        Ok(())
    }
}

impl Engine {
    /// One chunk; a shorter one is followed by silence.
    fn step(&mut self, chunk: &[f32], out: &mut Vec<f32>) -> Result<(), ResampleError> {
        let frames = self.chunk_out.len();
        let mut padded;
        let chunk = if chunk.len() == self.chunk_in {
            chunk
        } else {
            padded = chunk.to_vec();
            padded.resize(self.chunk_in, 0.0);
            &padded
        };
        let (Ok(input), Ok(mut output)) =
            (InterleavedSlice::new(chunk, 1, chunk.len()), InterleavedSlice::new_mut(&mut self.chunk_out, 1, frames))
        else {
            // Both slices are one channel of exactly the length given.
            return Ok(());
        };
        let (_, made) = self.fft.process_into_buffer(&input, &mut output, None::<&Indexing>)?;
        let cut = self.delay.min(made);
        self.delay -= cut;
        // The filter overshoots at a full-scale edge.
        out.extend(self.chunk_out[cut..made].iter().map(|s| s.clamp(-1.0, 1.0)));
        Ok(())
    }
}
