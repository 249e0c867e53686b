//! Recordings in, 16 kHz mono samples out: whatever a recorder or a phone writes becomes what the speech engine hears.
//!
//! [`open`] reads WAV (integer of 8 to 32 bits and float), MP3, M4A/AAC, FLAC, ALAC and Ogg Vorbis, of any number of
//! channels up to 32 and any rate from 4 to 384 kHz, and gives blocks of one second. Memory does not grow with the
//! recording. A file that is broken or cut short ends in an error, never in a shorter recording: a caller that throws
//! away what it has on the first `Err` keeps nothing half-heard.
//!
//! Errors never hold a path: a file's name may be a client's.

mod container;
mod error;
mod mp4;
pub mod pcm;
mod recording;
mod resample;

pub use error::AudioError;
pub use recording::{Recording, Source, open, open_source};

/// Samples a second of everything this crate gives: what Whisper was trained on.
pub const RATE: u32 = 16_000;

/// The longest recording taken, in seconds: twelve hours. A longer one is a recorder that nobody stopped.
pub const LONGEST_SECONDS: u32 = 12 * 60 * 60;
