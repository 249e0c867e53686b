//! A recording, decoded, mixed to one channel and brought to 16 kHz, a second at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as DecodeError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use crate::container::{Container, sane_channels, sane_rate};
use crate::resample::Resampler;
use crate::{AudioError, LONGEST_SECONDS, RATE};

/// How much a header may promise beyond what is there: encoders round up to their last frame.
const SLACK_SECONDS: f64 = 0.1;

/// Where a recording is read from.
pub trait Source: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> Source for T {}

/// A recording being read: an iterator over blocks of 16 kHz mono samples in `-1.0..=1.0`, a second each but the last.
///
/// After the first `Err` it is over. What came before it is no recording: throw it away.
pub struct Recording {
    demuxer: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    container: Container,
    /// Seconds the header promises, where it can be trusted.
    promised_s: Option<f64>,
    duration_s: Option<f64>,
    source_rate: u32,
    channels: u16,
    /// Samples of one channel read so far, at the source's rate.
    heard: u64,
    /// Frames still to be left out, and then to be kept: an encoder's delay and padding are no recording.
    skip: u64,
    keep: u64,
    resampler: Resampler,
    ready: Vec<f32>,
    mono: Vec<f32>,
    interleaved: Vec<f32>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Reading,
    Flushed,
    Over,
}

/// Opens a recording and decodes its first samples, so that what can be refused at once is.
///
/// # Errors
/// [`AudioError`].
pub fn open(path: &Path) -> Result<Recording, AudioError> {
    let file = File::open(path).map_err(AudioError::Unreadable)?;
    if !file.metadata().map_err(AudioError::Unreadable)?.is_file() {
        return Err(AudioError::NotAudio);
    }
    open_source(Box::new(file))
}

/// As [`open`], from anything that can be read and sought.
///
/// # Errors
/// [`AudioError`].
pub fn open_source(mut source: Box<dyn Source>) -> Result<Recording, AudioError> {
    let length = source.seek(SeekFrom::End(0)).map_err(AudioError::Unreadable)?;
    source.rewind().map_err(AudioError::Unreadable)?;
    let container = Container::of(&mut source)?;
    let stream = MediaSourceStream::new(Box::new(Measured { source, length }), Default::default());
    let demuxer = guarded(|| {
        symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    })
    .map_err(|error| refused_at_start(error, container))?;
    Recording::start(demuxer, container)
}

/// A source that knows its length, as the demuxers want it.
struct Measured {
    source: Box<dyn Source>,
    length: u64,
}

impl Read for Measured {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.source.read(out)
    }
}

impl Seek for Measured {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.source.seek(to)
    }
}

impl MediaSource for Measured {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// What a demuxer's refusal of the file's beginning means.
fn refused_at_start(error: DecodeError, container: Container) -> AudioError {
    match error {
        DecodeError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            AudioError::Unreadable(error)
        }
        DecodeError::IoError(_) if container != Container::Mpeg => AudioError::CutShort { at_s: 0.0, promised_s: None },
        DecodeError::Unsupported(_) | DecodeError::IoError(_) if container == Container::Mpeg => AudioError::NotAudio,
        DecodeError::Unsupported(_) => AudioError::Unsupported { kind: "audio of an unknown kind" },
        _ => AudioError::Damaged { at_s: 0.0 },
    }
}

/// The name people know a codec by.
fn codec_name(id: AudioCodecId) -> &'static str {
    match id {
        codec::CODEC_ID_OPUS => "Opus",
        codec::CODEC_ID_SPEEX => "Speex",
        codec::CODEC_ID_AC3 => "AC-3",
        codec::CODEC_ID_EAC3 => "E-AC-3",
        codec::CODEC_ID_WMA => "WMA",
        codec::CODEC_ID_MP1 => "MPEG layer I",
        codec::CODEC_ID_MP2 => "MPEG layer II",
        codec::CODEC_ID_AAC => "AAC of an unusual profile",
        _ => "audio of an unknown codec",
    }
}

fn sane(parameters: &AudioCodecParameters) -> Result<(), AudioError> {
    parameters.sample_rate.map_or(Ok(()), sane_rate)?;
    sane_channels(parameters.channels.as_ref().map_or(1, |channels| channels.count()))
}

/// Runs a step of the decoding library. It forbids unsafe code, but a hostile file can still make its arithmetic or an
/// index panic; that is a damaged file then, and the decoder is not used again.
fn guarded<T>(step: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(DecodeError::DecodeError("the decoder gave up")))
}

impl Recording {
    fn start(demuxer: Box<dyn FormatReader>, container: Container) -> Result<Self, AudioError> {
        let track = demuxer
            .default_track(TrackType::Audio)
            .or_else(|| demuxer.first_track(TrackType::Audio))
            .ok_or(AudioError::NoTrack)?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else { return Err(AudioError::NoTrack) };
        sane(parameters)?;
        let options = AudioDecoderOptions::default().verify(true);
        let decoder =
            guarded(|| symphonia::default::get_codecs().make_audio_decoder(parameters, &options)).map_err(|error| {
                match error {
                    DecodeError::Unsupported(_) => AudioError::Unsupported { kind: codec_name(parameters.codec) },
                    _ => AudioError::Damaged { at_s: 0.0 },
                }
            })?;
        let duration_s = match (track.num_frames, parameters.sample_rate, track.time_base, track.duration) {
            (_, _, Some(base), Some(duration)) => base.calc_duration(duration).map(|time| time.as_secs_f64()),
            (Some(frames), Some(rate), _, _) => Some(frames as f64 / f64::from(rate)),
            _ => None,
        }
        .filter(|&s| s > 0.0);
        if duration_s.is_some_and(|s| s > f64::from(LONGEST_SECONDS)) {
            return Err(AudioError::TooLong);
        }
        // Without an encoder's own tag, the length of MPEG audio is a guess from the file's size.
        let trusted = container != Container::Mpeg || track.delay.is_some();
        let track = track.id;
        let mut recording = Self {
            demuxer,
            decoder,
            track,
            container,
            promised_s: duration_s.filter(|_| trusted),
            duration_s,
            source_rate: 0,
            channels: 0,
            heard: 0,
            skip: 0,
            keep: u64::MAX,
            resampler: Resampler::new(RATE).map_err(|_| AudioError::NotAudio)?,
            ready: Vec::new(),
            mono: Vec::new(),
            interleaved: Vec::new(),
            state: State::Reading,
        };
        while recording.heard == 0 {
            if !recording.step()? {
                return Err(AudioError::NoSamples);
            }
        }
        if let Container::Mp4 { edit: Some(edit) } = container {
            let (skip, keep) = edit.frames(recording.source_rate);
            let rate = f64::from(recording.source_rate);
            recording.duration_s =
                recording.duration_s.map(|s| (s - skip as f64 / rate).clamp(0.0, keep as f64 / rate));
        }
        Ok(recording)
    }

    /// Seconds, where the header says or lets one guess.
    #[must_use]
    pub fn duration_s(&self) -> Option<f64> {
        self.duration_s
    }

    /// Samples a second in the file.
    #[must_use]
    pub fn source_rate(&self) -> u32 {
        self.source_rate
    }

    /// Channels in the file, mixed to one in equal parts.
    #[must_use]
    pub fn channels(&self) -> u16 {
        self.channels
    }

    fn at_s(&self) -> f64 {
        if self.source_rate == 0 { 0.0 } else { self.heard as f64 / f64::from(self.source_rate) }
    }

    /// Reads and decodes one packet. False at the end of a whole recording.
    fn step(&mut self) -> Result<bool, AudioError> {
        let packet = match guarded(|| self.demuxer.next_packet()) {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.end().map(|()| false),
            Err(error) => return Err(self.broken(error)),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        let at_s = self.at_s();
        match guarded(|| self.decoder.decode(&packet)) {
            Ok(buffer) => {
                let (rate, channels) = (buffer.spec().rate(), buffer.num_planes());
                if buffer.is_empty() {
                    return Ok(true);
                }
                if self.source_rate == 0 {
                    // The header may have been silent about these, or wrong.
                    sane_rate(rate)?;
                    sane_channels(channels)?;
                    self.resampler = Resampler::new(rate).map_err(|_| AudioError::Damaged { at_s })?;
                    if let Container::Mp4 { edit: Some(edit) } = self.container {
                        (self.skip, self.keep) = edit.frames(rate);
                    }
                    (self.source_rate, self.channels) = (rate, u16::try_from(channels).unwrap_or(u16::MAX));
                } else if (rate, channels) != (self.source_rate, usize::from(self.channels)) {
                    return Err(AudioError::Damaged { at_s });
                }
                mix(&buffer, channels, &mut self.interleaved, &mut self.mono);
            }
            Err(error) => return Err(self.broken(error)),
        }
        self.heard += self.mono.len() as u64;
        if self.heard > u64::from(LONGEST_SECONDS) * u64::from(self.source_rate) {
            return Err(AudioError::TooLong);
        }
        let from = self.skip.min(self.mono.len() as u64);
        let upto = from + self.keep.min(self.mono.len() as u64 - from);
        self.skip -= from;
        self.keep -= upto - from;
        // Both lie within `mono`.
        self.resampler
            .push(&self.mono[from as usize..upto as usize], &mut self.ready)
            .map_err(|_| AudioError::Damaged { at_s })?;
        Ok(true)
    }

    /// At the last packet: is it all there, and is it what the file says?
    fn end(&mut self) -> Result<(), AudioError> {
        let at_s = self.at_s();
        if self.heard == 0 {
            return Err(AudioError::NoSamples);
        }
        if self.promised_s.is_some_and(|promised| at_s + SLACK_SECONDS < promised)
            || self.container == (Container::Ogg { whole: false })
        {
            let promised_s = self.promised_s.filter(|promised| at_s + SLACK_SECONDS < *promised);
            return Err(AudioError::CutShort { at_s, promised_s });
        }
        if self.decoder.finalize().verify_ok == Some(false) {
            return Err(AudioError::WrongChecksum);
        }
        Ok(())
    }

    fn broken(&self, error: DecodeError) -> AudioError {
        let at_s = self.at_s();
        match error {
            DecodeError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                AudioError::CutShort { at_s, promised_s: self.promised_s.filter(|&promised| promised > at_s) }
            }
            DecodeError::IoError(error) => AudioError::Unreadable(error),
            DecodeError::Unsupported(_) if self.heard == 0 => {
                AudioError::Unsupported { kind: codec_name(self.decoder.codec_params().codec) }
            }
            _ => AudioError::Damaged { at_s },
        }
    }
}

/// The channels' mean, so that nothing is lost and nothing clips. What is no number becomes silence.
fn mix(buffer: &GenericAudioBufferRef<'_>, channels: usize, interleaved: &mut Vec<f32>, mono: &mut Vec<f32>) {
    interleaved.resize(buffer.samples_interleaved(), 0.0);
    buffer.copy_to_slice_interleaved(&mut interleaved[..]);
    mono.clear();
    mono.extend(interleaved.chunks_exact(channels).map(|frame| {
        let mean = frame.iter().sum::<f32>() / channels as f32;
        if mean.is_finite() { mean.clamp(-1.0, 1.0) } else { 0.0 }
    }));
}

impl Iterator for Recording {
    type Item = Result<Vec<f32>, AudioError>;

    fn next(&mut self) -> Option<Self::Item> {
        let second = RATE as usize;
        while self.state == State::Reading && self.ready.len() < second {
            let flushed = match self.step() {
                Ok(true) => continue,
                Ok(false) => {
                    self.resampler.finish(&mut self.ready).map_err(|_| AudioError::Damaged { at_s: self.at_s() })
                }
                Err(error) => Err(error),
            };
            if let Err(error) = flushed {
                self.state = State::Over;
                return Some(Err(error));
            }
            self.state = State::Flushed;
        }
        if self.state == State::Over || self.ready.is_empty() {
            return None;
        }
        let rest = self.ready.split_off(second.min(self.ready.len()));
        Some(Ok(std::mem::replace(&mut self.ready, rest)))
    }
}
