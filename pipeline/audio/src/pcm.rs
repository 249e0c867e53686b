//! Samples as bytes: what the vault keeps of a recording is 16-bit little-endian PCM.

use std::io::Read;

use crate::RATE;

/// The media type of what [`to_pcm16`] makes (RFC 2586 names L16 big-endian; `endian` says ours is little).
pub const MEDIA_TYPE: &str = "audio/L16;rate=16000;channels=1;endian=little";

/// Bytes of one second of [`to_pcm16`]'s result.
pub const BYTES_PER_SECOND: usize = RATE as usize * 2;

/// Signed 16-bit little-endian samples from floats in `-1.0..=1.0`; what lies outside is clipped, NaN becomes silence.
#[must_use]
pub fn to_pcm16(samples: &[f32]) -> Vec<u8> {
    // `as` saturates and turns NaN to 0.
    samples.iter().flat_map(|s| ((s * 32_768.0).round() as i16).to_le_bytes()).collect()
}

/// Floats in `-1.0..1.0` from signed 16-bit little-endian samples; an odd last byte is left out.
#[must_use]
pub fn from_pcm16(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32_768.0).collect()
}

/// Seconds of so many bytes of PCM.
#[must_use]
pub fn seconds(bytes: u64) -> f64 {
    bytes as f64 / BYTES_PER_SECOND as f64
}

/// PCM read back from a stream, a second at a time.
pub struct Blocks<R> {
    source: R,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads `source`, whose bytes are as [`to_pcm16`] makes them.
    pub fn new(source: R) -> Self {
        Self { source, ended: false }
    }
}

impl<R: Read> Iterator for Blocks<R> {
    /// Samples in `-1.0..1.0`, a second of them but for the last block.
    type Item = std::io::Result<Vec<f32>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut bytes = Vec::with_capacity(BYTES_PER_SECOND);
        match self.source.by_ref().take(BYTES_PER_SECOND as u64).read_to_end(&mut bytes) {
            Ok(read) => {
                self.ended = read < BYTES_PER_SECOND;
                (read > 1).then(|| Ok(from_pcm16(&bytes)))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_comes_back_as_it_was() {
        let bytes: Vec<u8> = (i16::MIN..=i16::MAX).flat_map(i16::to_le_bytes).collect();
        assert_eq!(to_pcm16(&from_pcm16(&bytes)), bytes);
    }

    #[test]
    fn what_is_too_loud_is_clipped_and_what_is_no_number_is_silence() {
        let bytes = to_pcm16(&[2.0, -2.0, 1.0, f32::NAN, f32::INFINITY]);
        let samples: Vec<i16> = bytes.chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        assert_eq!(samples, [i16::MAX, i16::MIN, i16::MAX, 0, i16::MAX]);
    }

    #[test]
    fn a_stream_comes_in_blocks_of_a_second() {
        let bytes = to_pcm16(&vec![0.25; 40_000]);
        let blocks: Vec<Vec<f32>> = Blocks::new(bytes.as_slice()).collect::<Result<_, _>>().expect("bytes in memory");
        assert_eq!(blocks.iter().map(Vec::len).collect::<Vec<_>>(), [16_000, 16_000, 8_000]);
        assert!(blocks.concat().iter().all(|s| (s - 0.25).abs() < 1e-6));
        assert!((seconds(bytes.len() as u64) - 2.5).abs() < 1e-9);
        assert_eq!(Blocks::new(&b""[..]).count(), 0);
    }
}
