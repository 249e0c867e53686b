//! What recorders write comes out as 16 kHz mono: as long as it was, as loud as it was, at the pitch it had.

mod made;

use made::{Sample, fixture, frequency, loudness, read, read_bytes, read_fixture, seconds, sine, wav};
use provenote_audio::{RATE, open};

/// Half of full scale, as root mean square.
const LOUD: f64 = 0.353_553;

#[test]
fn every_sample_format_at_every_rate_keeps_length_pitch_and_loudness() {
    for sample in [Sample::U8, Sample::I16, Sample::I24, Sample::I32, Sample::F32, Sample::F64] {
        for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000] {
            let heard = read_bytes(&wav(sample, 1, rate, 0.73, sine(440.0))).expect("a sound file");
            let case = format!("{sample:?} at {rate}");
            assert!((seconds(&heard) - 0.73).abs() < 0.001, "{case}: {} s", seconds(&heard));
            let inner = &heard[1_600..heard.len() - 1_600];
            assert!((frequency(inner) - 440.0).abs() < 0.5, "{case}: {} Hz", frequency(inner));
            assert!((loudness(inner) - LOUD).abs() < 0.006, "{case}: {}", loudness(inner));
        }
    }
}

#[test]
fn channels_are_mixed_in_equal_parts() {
    for channels in [1, 2, 3, 6, 8] {
        let one_sounds = |second: f64, channel: u16| if channel == 0 { sine(440.0)(second, 0) } else { 0.0 };
        let heard = read_bytes(&wav(Sample::I16, channels, 48_000, 0.5, one_sounds)).expect("a sound file");
        let inner = &heard[1_600..heard.len() - 1_600];
        assert!((loudness(inner) * f64::from(channels) - LOUD).abs() < 0.01, "{channels}: {}", loudness(inner));
    }
    let against = |second: f64, channel: u16| if channel == 0 { 1.0 } else { -1.0 } * sine(440.0)(second, 0);
    let heard = read_bytes(&wav(Sample::F32, 2, 44_100, 0.5, against)).expect("a sound file");
    assert!(loudness(&heard) < 1e-6);
}

#[test]
fn what_lies_above_8_khz_is_gone_and_does_not_fold_back() {
    for (rate, hz) in
        [(96_000, 9_000.0), (96_000, 15_560.0), (96_000, 31_000.0), (48_000, 12_000.0), (44_100, 15_800.0)]
    {
        let heard = read_bytes(&wav(Sample::F32, 1, rate, 1.0, sine(hz))).expect("a sound file");
        // The edges are a click in the recording itself; between them nothing is left: 60 dB down.
        let inner = &heard[1_600..heard.len() - 1_600];
        assert!(loudness(inner) < LOUD / 1000.0, "{hz} Hz at {rate}: {}", loudness(inner));
    }
    let heard = read_bytes(&wav(Sample::F32, 1, 96_000, 1.0, sine(7_000.0))).expect("a sound file");
    assert!((loudness(&heard[1_600..14_400]) - LOUD).abs() < 0.006, "speech below 8 kHz stays");
}

#[test]
fn the_first_sample_is_where_it_was_and_the_last_too() {
    for rate in [8_000, 22_050, 44_100, 48_000, 96_000] {
        // A smooth hump in the middle of half a second: where does its top come out?
        let hump = |second: f64, _| 0.9 * (-((second - 0.25) / 0.01).powi(2)).exp();
        let heard = read_bytes(&wav(Sample::F32, 1, rate, 0.5, hump)).expect("a sound file");
        let top = (0..heard.len()).max_by(|a, b| heard[*a].total_cmp(&heard[*b])).expect("samples");
        assert!(top.abs_diff(RATE as usize / 4) <= 2, "at {rate} the top is at {top}");
        // Silence before and after stays silence: no click where the filter starts and ends.
        for quiet in [&heard[..2_400], &heard[heard.len() - 2_400..]] {
            assert!(quiet.iter().all(|s| s.abs() < 1e-3), "at {rate}");
        }
    }
}

#[test]
fn a_short_or_odd_recording_is_as_long_as_it_was() {
    for rate in [8_000, 11_025, 16_000, 44_100, 44_101, 96_000] {
        for frames in [1u32, 2, 100, 441, 2_205, 2_206, 44_099] {
            let length = f64::from(frames) / f64::from(rate);
            let heard = read_bytes(&wav(Sample::I16, 1, rate, length, sine(440.0))).expect("a sound file");
            let due = (f64::from(frames) * f64::from(RATE) / f64::from(rate)).round();
            assert!((heard.len() as f64 - due).abs() <= 1.0, "{frames} frames at {rate}: {} for {due}", heard.len());
        }
    }
}

#[test]
fn blocks_are_a_second_each_but_the_last() {
    let bytes = wav(Sample::I16, 2, 44_100, 3.4, sine(440.0));
    let recording = provenote_audio::open_source(Box::new(std::io::Cursor::new(bytes))).expect("a sound file");
    assert_eq!((recording.source_rate(), recording.channels()), (44_100, 2));
    assert!(recording.duration_s().is_some_and(|s| (s - 3.4).abs() < 0.001));
    let lengths: Vec<usize> = recording.map(|block| block.expect("a sound file").len()).collect();
    assert_eq!(lengths, [16_000, 16_000, 16_000, 6_400]);
}

#[test]
fn compressed_formats_keep_length_and_pitch() {
    for (name, longest) in [
        ("audio/tone-44100-mono.mp3", 1.0),
        ("audio/tone-44100-stereo.m4a", 1.0),
        // ADTS has no header that tells encoder delay and padding.
        ("audio/tone-44100-mono.aac", 1.05),
        ("audio/tone-22050-mono-alac.m4a", 1.0),
        ("audio/tone-44100-stereo.ogg", 1.0),
        ("audio/tone-48000-stereo-24.flac", 1.0),
    ] {
        let heard = read_fixture(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((1.0 - 0.02..=longest + 0.02).contains(&seconds(&heard)), "{name}: {} s", seconds(&heard));
        let told = open(&fixture(name)).expect("as before").duration_s();
        assert!(told.is_none_or(|told| (told - seconds(&heard)).abs() < 0.06), "{name}: {told:?}");
        let inner = &heard[3_200..heard.len() - 3_200];
        assert!((frequency(inner) - 440.0).abs() < 0.5, "{name}: {} Hz", frequency(inner));
        assert!((loudness(inner) - LOUD).abs() < 0.02, "{name}: {}", loudness(inner));
    }
}

#[test]
fn the_demo_recording_is_between_90_and_150_seconds_and_small() {
    let path = fixture("demo/session.flac");
    let recording = open(&path).expect("the demo");
    assert!(recording.duration_s().is_some_and(|s| (90.0..=150.0).contains(&s)));
    assert!(std::fs::metadata(&path).expect("the demo").len() <= 3_000_000);
    let heard = read(recording).expect("the demo, with its checksum");
    assert!(loudness(&heard) > 0.02);
    assert!((10.0..14.0).contains(&seconds(&read_fixture("demo/short.flac").expect("the short clip"))));
}
