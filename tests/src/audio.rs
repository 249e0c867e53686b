//! Recordings for tests: pieces of the demo's, silence, noise.

use std::path::Path;

/// Samples a second.
pub const RATE: u32 = 16_000;

/// A 16-bit WAV file of one channel.
#[must_use]
pub fn wav(samples: &[f32]) -> Vec<u8> {
    let length = u32::try_from(samples.len() * 2).expect("a short recording");
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + length).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    for short in [1_u16, 1] {
        out.extend_from_slice(&short.to_le_bytes());
    }
    out.extend_from_slice(&RATE.to_le_bytes());
    out.extend_from_slice(&(RATE * 2).to_le_bytes());
    for short in [2_u16, 16] {
        out.extend_from_slice(&short.to_le_bytes());
    }
    out.extend_from_slice(b"data");
    out.extend_from_slice(&length.to_le_bytes());
    for sample in samples {
        #[allow(clippy::cast_possible_truncation)]
        let sample = (sample.clamp(-1.0, 1.0) * 32_767.0) as i16;
        out.extend_from_slice(&sample.to_le_bytes());
    }
    out
}

/// Seconds of silence.
#[must_use]
pub fn silence(seconds: usize) -> Vec<f32> {
    vec![0.0; seconds * RATE as usize]
}

/// Seconds of noise, the same at every call: a linear congruential generator, low in volume.
#[must_use]
pub fn noise(seconds: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[allow(clippy::cast_precision_loss)]
        let unit = (state >> 8) as f32 / 16_777_216.0;
        (unit - 0.5) * 0.05
    };
    (0..seconds * RATE as usize).map(|_| next()).collect()
}

/// A piece of a recording, from and to in seconds.
#[must_use]
pub fn piece(file: &Path, from: usize, to: usize) -> Vec<f32> {
    let recording = provenote_audio::open(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let samples: Vec<f32> = recording.flat_map(|block| block.expect("the committed recording decodes")).collect();
    samples[from * RATE as usize..(to * RATE as usize).min(samples.len())].to_vec()
}
