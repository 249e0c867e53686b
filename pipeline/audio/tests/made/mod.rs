//! WAV files made by the tests, and what is measured of what came out.
// Each test program uses a part of this.
#![allow(dead_code, unreachable_pub)]

use std::f64::consts::TAU;
use std::io::Cursor;
use std::path::PathBuf;

use provenote_audio::{AudioError, RATE, Recording, open, open_source};

/// How a WAV file writes a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Sample {
    fn bytes(self) -> u16 {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    fn put(self, x: f64, out: &mut Vec<u8>) {
        match self {
            Self::U8 => out.push((x * 127.0 + 128.0).round() as u8),
            Self::I16 => out.extend(((x * 32_767.0).round() as i16).to_le_bytes()),
            Self::I24 => out.extend(&((x * 8_388_607.0).round() as i32).to_le_bytes()[..3]),
            Self::I32 => out.extend(((x * 2_147_483_647.0).round() as i32).to_le_bytes()),
            Self::F32 => out.extend((x as f32).to_le_bytes()),
            Self::F64 => out.extend(x.to_le_bytes()),
        }
    }
}

/// A WAV file's bytes from its fields: `tag` 1 is integers, 3 is floats.
pub fn wav_of(tag: u16, channels: u16, rate: u32, bytes: u16, data: &[u8]) -> Vec<u8> {
    let block = channels.wrapping_mul(bytes);
    let mut out = b"RIFF".to_vec();
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend(tag.to_le_bytes());
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    out.extend((bytes * 8).to_le_bytes());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

/// A WAV of `seconds`, each frame from `at(second, channel)`.
pub fn wav(sample: Sample, channels: u16, rate: u32, seconds: f64, at: impl Fn(f64, u16) -> f64) -> Vec<u8> {
    let frames = (seconds * f64::from(rate)).round() as u32;
    let mut data = Vec::new();
    for frame in 0..frames {
        for channel in 0..channels {
            sample.put(at(f64::from(frame) / f64::from(rate), channel), &mut data);
        }
    }
    let tag = if matches!(sample, Sample::F32 | Sample::F64) { 3 } else { 1 };
    wav_of(tag, channels, rate, sample.bytes(), &data)
}

/// A sine at half of full scale.
pub fn sine(hz: f64) -> impl Fn(f64, u16) -> f64 {
    move |second, _| 0.5 * (TAU * hz * second).sin()
}

/// A file of `fixtures/audio` or `fixtures/demo`.
pub fn fixture(name: &str) -> PathBuf {
    // Relative to the package, where cargo runs its tests: build products are kept between checkouts, so the folder they
    // were compiled in may be gone.
    PathBuf::from("../../fixtures").join(name)
}

/// The whole recording, or why there is none.
pub fn read(recording: Recording) -> Result<Vec<f32>, AudioError> {
    Ok(recording.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The whole recording of these bytes.
pub fn read_bytes(bytes: &[u8]) -> Result<Vec<f32>, AudioError> {
    read(open_source(Box::new(Cursor::new(bytes.to_vec())))?)
}

/// The whole recording of a fixture.
pub fn read_fixture(name: &str) -> Result<Vec<f32>, AudioError> {
    read(open(&fixture(name))?)
}

/// Hertz, by counting upward crossings of zero between the first and the last.
pub fn frequency(samples: &[f32]) -> f64 {
    let crossings: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(i, pair)| i as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
        .collect();
    match (crossings.first(), crossings.last()) {
        (Some(first), Some(last)) if last > first => (crossings.len() - 1) as f64 * f64::from(RATE) / (last - first),
        _ => 0.0,
    }
}

/// Root mean square.
pub fn loudness(samples: &[f32]) -> f64 {
    (samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64).sqrt()
}

/// Seconds at [`RATE`].
pub fn seconds(samples: &[f32]) -> f64 {
    samples.len() as f64 / f64::from(RATE)
}
