//! Why a recording cannot be read, each in one sentence that says what to do.

/// Why a recording gave no samples, or no more of them.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The file could not be opened or read.
    #[error("the recording could not be read: {0}; check that the file is there and that you may read it")]
    Unreadable(#[source] std::io::Error),
    /// The file has no bytes.
    #[error("the recording is an empty file; copy it from the recorder again")]
    Empty,
    /// The first bytes are those of no audio format.
    #[error("the file is no audio that can be read; give a WAV, MP3, M4A, FLAC or Ogg Vorbis recording")]
    NotAudio,
    /// An audio or video file of a kind that is not decoded.
    #[error("the recording is {kind}, which cannot be decoded here; convert it to WAV or FLAC and add that")]
    Unsupported {
        /// The container's or codec's name, from a fixed list: never bytes of the file.
        kind: &'static str,
    },
    /// A media file that holds video, subtitles or nothing.
    #[error("the file has no audio track; give the recording itself")]
    NoTrack,
    /// The header says what no recording can be.
    #[error("the recording's header is damaged: it claims {what}; copy it from the recorder again")]
    AbsurdHeader {
        /// `a sample rate of 0 Hz`, `200 channels`.
        what: String,
    },
    /// The headers are right, and no sample follows.
    #[error("the recording holds no sound at all: it ends before its first sample; record it again")]
    NoSamples,
    /// The file ends before its header says, or lacks its closing page.
    #[error("the recording is cut short: it breaks off at {at_s:.1} s{}; copy it from the recorder again", promised(.promised_s))]
    CutShort {
        /// Seconds that could be read.
        at_s: f64,
        /// Seconds the header promises, where it does.
        promised_s: Option<f64>,
    },
    /// Bytes in the middle are not what the format allows, or fail its checksum.
    #[error("the recording is damaged at {at_s:.1} s; copy it from the recorder again")]
    Damaged {
        /// Seconds read before the damage.
        at_s: f64,
    },
    /// The samples were decoded, and their checksum is not the one the file carries.
    #[error("the recording is damaged: its checksum does not match its sound; copy it from the recorder again")]
    WrongChecksum,
    /// Longer than [`crate::LONGEST_SECONDS`].
    #[error("the recording is longer than 12 hours; cut out the session and add that")]
    TooLong,
}

fn promised(seconds: &Option<f64>) -> String {
    seconds.map_or_else(String::new, |s| format!(" of {s:.1} s"))
}
