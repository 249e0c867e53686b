//! What is no whole recording is refused in one sentence, and nothing of it passes for whole.

mod made;

use std::io::{Cursor, Read, Seek, SeekFrom};

use made::{Sample, fixture, read_bytes, read_fixture, sine, wav, wav_of};
use provenote_audio::{AudioError, open, open_source};

/// One sentence, with what to do after a semicolon, a colon or an `and`.
fn one_sentence(error: &AudioError) {
    let text = error.to_string();
    assert!(text.lines().count() == 1 && text.len() < 200 && text.contains(';'), "{text}");
}

#[test]
fn files_that_are_no_audio() {
    assert!(matches!(read_bytes(b""), Err(AudioError::Empty)));
    let html = b"<!doctype html><html lang=\"en\"><title>404</title>".repeat(400);
    let noise: Vec<u8> = (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("Notes of the session. ".repeat(300).encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for bytes in [&b"x"[..], b"RIFF", b"RIFF\x10\0\0\0AVI LIST", &html, &noise, &utf16, b"ID3\x04\0\0\0\0\0\0"] {
        let error = read_bytes(bytes).expect_err("no audio");
        assert!(matches!(error, AudioError::NotAudio), "{:?}: {error}", &bytes[..bytes.len().min(12)]);
        one_sentence(&error);
    }
    let here = open(&fixture("audio")).err().expect("a folder is no recording");
    assert!(matches!(here, AudioError::NotAudio | AudioError::Unreadable(_)));
    let nowhere = open(&fixture("audio/Doe, Jane.wav")).err().expect("no such file");
    assert!(matches!(nowhere, AudioError::Unreadable(_)));
    assert!(!nowhere.to_string().contains("Doe"), "a file's name may be a client's");
}

#[test]
fn codecs_that_are_not_decoded_are_named_and_the_way_out_too() {
    for (name, kind) in [("audio/opus.ogg", "Opus"), ("audio/opus.webm", "WebM or Matroska")] {
        let error = read_fixture(name).expect_err(name);
        assert!(matches!(&error, AudioError::Unsupported { kind: k } if *k == kind), "{error}");
        assert!(error.to_string().contains("WAV or FLAC"), "{error}");
        one_sentence(&error);
    }
    let error = read_fixture("audio/video-only.mp4").expect_err("no sound in it");
    assert!(matches!(error, AudioError::NoTrack), "{error}");
    one_sentence(&error);
}

#[test]
fn a_header_without_samples() {
    let error = read_bytes(&wav_of(1, 1, 16_000, 2, &[])).expect_err("no sample");
    assert!(matches!(error, AudioError::NoSamples), "{error}");
    one_sentence(&error);
    let flac = std::fs::read(fixture("demo/short.flac")).expect("a fixture");
    let audio = flac.windows(2).position(|w| w == [0xff, 0xf8]).expect("a FLAC frame");
    let error = read_bytes(&flac[..audio]).expect_err("no frame");
    assert!(matches!(error, AudioError::NoSamples | AudioError::CutShort { .. }), "{error}");
}

#[test]
fn absurd_headers() {
    for (channels, rate) in [(1, 0), (1, 1), (1, 4_000_000_000), (0, 16_000), (65_535, 16_000), (200, 44_100)] {
        let error = read_bytes(&wav_of(1, channels, rate, 2, &[0; 4_000])).expect_err("absurd");
        assert!(matches!(error, AudioError::AbsurdHeader { .. }), "{channels} channels at {rate}: {error}");
        one_sentence(&error);
    }
    for bytes in [0, 9, 4_000] {
        assert!(read_bytes(&wav_of(1, 1, 16_000, bytes, &[0; 4_000])).is_err(), "samples of {bytes} bytes");
    }
}

#[test]
fn an_absurd_header_behind_pages_of_other_chunks() {
    let whole = wav_of(1, 65_535, 4_000_000_000, 4, &[0; 4_000]);
    let mut bytes = whole[..12].to_vec();
    bytes.extend(b"LIST");
    bytes.extend(10_000u32.to_le_bytes());
    bytes.resize(bytes.len() + 10_000, 0);
    bytes.extend(&whole[12..]);
    one_sentence(&read_bytes(&bytes).expect_err("absurd"));
}

#[test]
fn a_recording_cut_short_says_where() {
    let whole = wav(Sample::I16, 1, 16_000, 5.0, sine(440.0));
    let error = read_bytes(&whole[..44 + 2 * 16_000 * 3]).expect_err("cut at 3 s");
    let AudioError::CutShort { at_s, promised_s: Some(promised) } = &error else { panic!("{error}") };
    assert!((at_s - 3.0).abs() < 0.2 && (promised - 5.0).abs() < 0.01, "{error}");
    one_sentence(&error);
    for name in [
        "demo/short.flac",
        "audio/tone-44100-mono.mp3",
        "audio/tone-44100-stereo.m4a",
        "audio/tone-44100-stereo.ogg",
        "audio/tone-48000-stereo-24.flac",
    ] {
        let bytes = std::fs::read(fixture(name)).expect("a fixture");
        for part in [4, 5, 6, 7] {
            let cut = bytes.len() * part / 8;
            let error =
                read_bytes(&bytes[..cut]).map(|heard| heard.len()).expect_err(&format!("{name} cut to {part}/8"));
            one_sentence(&error);
        }
    }
}

#[test]
fn damage_in_the_middle_is_found_where_the_format_has_a_checksum() {
    for name in ["demo/short.flac", "audio/tone-48000-stereo-24.flac", "audio/tone-44100-stereo.ogg"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        for part in [4, 6] {
            let mut bytes = whole.clone();
            let at = bytes.len() * part / 8;
            for byte in &mut bytes[at..at + 40] {
                *byte ^= 0x55;
            }
            let error = read_bytes(&bytes).map(|heard| heard.len()).expect_err(&format!("{name} damaged at {part}/8"));
            one_sentence(&error);
        }
    }
}

#[test]
fn the_error_comes_once_and_is_the_last_thing() {
    let whole = wav(Sample::I16, 1, 16_000, 5.0, sine(440.0));
    let mut recording = open_source(Box::new(Cursor::new(whole[..100_000].to_vec()))).expect("it begins well");
    let last = recording.by_ref().last();
    assert!(matches!(last, Some(Err(AudioError::CutShort { .. }))));
    assert!(recording.next().is_none());
}

#[test]
fn longer_than_twelve_hours_is_refused_at_once() {
    let mut header = wav_of(1, 1, 8_000, 1, &[0; 8_000]);
    let samples = 8_000u32 * 60 * 60 * 12 + 8_000;
    header[4..8].copy_from_slice(&(samples + 36).to_le_bytes());
    header[40..44].copy_from_slice(&samples.to_le_bytes());
    assert!(matches!(read_bytes(&header), Err(AudioError::TooLong)));
}

/// A disk that fails half way.
struct Failing(Cursor<Vec<u8>>, usize);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.1 > 200_000 {
            return Err(std::io::Error::other("the disk is gone"));
        }
        let read = self.0.read(out)?;
        self.1 += read;
        Ok(read)
    }
}

impl Seek for Failing {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_failing_disk_is_not_taken_for_the_end() {
    let whole = wav(Sample::I16, 1, 16_000, 10.0, sine(440.0));
    let recording = open_source(Box::new(Failing(Cursor::new(whole), 0))).expect("it begins well");
    let error = recording.last().expect("an item").expect_err("the disk failed");
    assert!(matches!(error, AudioError::Unreadable(_)), "{error}");
}

/// Small enough to run in the ordinary tests; the seeds are fixed, so a failure repeats.
#[test]
fn no_bytes_make_it_panic_or_run_away() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let seeds = [
        wav(Sample::I16, 2, 44_100, 0.05, sine(440.0)),
        wav(Sample::F32, 1, 8_000, 0.1, sine(440.0)),
        std::fs::read(fixture("audio/tone-44100-mono.mp3")).expect("a fixture"),
        std::fs::read(fixture("audio/tone-44100-stereo.m4a")).expect("a fixture"),
        std::fs::read(fixture("audio/tone-44100-mono.aac")).expect("a fixture"),
        std::fs::read(fixture("audio/tone-22050-mono-alac.m4a")).expect("a fixture"),
        std::fs::read(fixture("audio/tone-44100-stereo.ogg")).expect("a fixture"),
        std::fs::read(fixture("audio/tone-48000-stereo-24.flac")).expect("a fixture"),
        std::fs::read(fixture("audio/video-only.mp4")).expect("a fixture"),
    ];
    let (mut refused, mut heard) = (0, 0);
    for seed in &seeds {
        for round in 0..36 {
            let mut bytes = seed.clone();
            // Mostly the headers, where lengths and counts are.
            let reach = if round % 3 == 0 { bytes.len() } else { bytes.len().min(700) };
            for _ in 0..=random(6) {
                let at = random(reach.min(bytes.len()));
                match random(5) {
                    0 => bytes[at] ^= 1 << random(8),
                    1 => bytes[at] = [0, 0xff, 0x7f, 0x80][random(4)],
                    2 => bytes.truncate(at.max(1)),
                    3 => {
                        let end = (at + 4).min(bytes.len());
                        bytes[at..end].fill(0xff);
                    }
                    _ => {
                        let from = random(bytes.len());
                        let piece: Vec<u8> = bytes[from..(from + 16).min(bytes.len())].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            match read_bytes(&bytes) {
                Ok(samples) => {
                    heard += 1;
                    assert!(samples.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
                    assert!(samples.len() < 16_000 * 60, "a second of sound became a minute");
                }
                Err(error) => {
                    refused += 1;
                    one_sentence(&error);
                }
            }
        }
    }
    assert!(refused > 50 && heard > 20, "the mutations reach both ends: {refused} refused, {heard} heard");
}
