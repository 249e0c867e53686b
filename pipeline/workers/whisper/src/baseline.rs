//! The baseline that `benches/engines.rs` of `provenote-host` measures against: the engine's own
//! minimal loop on a file, in one call, without protocol, sandbox, voice activity or word times.
//!
//! `provenote-worker-whisper --bench-minimal MODEL PCM`, where PCM is 16 kHz mono s16le. Prints one
//! line of JSON: the CPU seconds of the transcription without loading, and the characters heard.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use provenote_lockdown::cpu_seconds;
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

/// Runs the baseline and prints its line.
pub(crate) fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let measured = || -> Result<String, Box<dyn std::error::Error>> {
        let (model, pcm) = arguments.next().zip(arguments.next()).ok_or("usage: --bench-minimal MODEL PCM")?;
        let samples: Vec<f32> = std::fs::read(pcm)?
            .chunks_exact(2)
            .map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0)
            .collect();
        let context = WhisperContext::new_with_params(&model, WhisperContextParameters::default())?;
        let mut state = context.create_state()?;
        let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        parameters.set_n_threads(1);
        parameters.set_language(Some("en"));
        parameters.set_temperature_inc(0.0);
        parameters.set_print_progress(false);
        parameters.set_print_timestamps(false);
        let before = cpu_seconds();
        state.full(parameters, &samples)?;
        let cpu_s = cpu_seconds() - before;
        let characters: usize =
            state.as_iter().map(|segment| segment.to_str_lossy().map_or(0, |text| text.chars().count())).sum();
        Ok(serde_json::json!({ "cpu_s": cpu_s, "characters": characters }).to_string())
    };
    let mut measured = measured;
    match measured() {
        Ok(line) if writeln!(std::io::stdout(), "{line}").is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
