//! What the protocol, the sandbox and the watching cost: each worker against its engine's own minimal
//! loop (`--bench-minimal` of the same program) on the same input, as ratios within one run.
//!
//! Models are looked for in `PROVENOTE_MODELS` (default `$HOME/.cache/provenote/models`), speech in
//! `PROVENOTE_SPEECH` (default: the LibriVox clips of Debian's `pocketsphinx-testdata`), workers in
//! `PROVENOTE_WORKERS` (default: beside this program's target folder). CPU time, not wall time: other
//! work on the machine does not count. The runs alternate, and the median of the ratios is told.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and is told by the environment where things are"
)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use provenote_host::WorkerPrograms;
use provenote_pipeline::engine::{Engines, ModelFile};
use provenote_pipeline::protocol::{Message, Sampler};
use provenote_schemas::Digest;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const ROUNDS: usize = 3;

fn main() -> Outcome<()> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let models =
        std::env::var_os("PROVENOTE_MODELS").map_or_else(|| home.join(".cache/provenote/models"), PathBuf::from);
    let workers = match std::env::var_os("PROVENOTE_WORKERS") {
        Some(dir) => PathBuf::from(dir),
        // target/release/deps/engines-… stands two folders below the workers' folder.
        None => std::env::current_exe()?.ancestors().nth(2).ok_or("no target folder")?.to_owned(),
    };
    transcription(&workers, &models)?;
    drafting(&workers, &models)
}

fn transcription(workers: &Path, models: &Path) -> Outcome<()> {
    let (model, vad) = (model(models, "ggml-base.bin")?, model(models, "ggml-silero-v6.2.0.bin")?);
    let speech = std::env::var_os("PROVENOTE_SPEECH")
        .map_or_else(|| PathBuf::from("/usr/share/pocketsphinx/test/data/librivox"), PathBuf::from);
    let mut clips: Vec<PathBuf> = std::fs::read_dir(speech)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    clips.sort();
    // The data of a canonical WAV file begins at byte 44. The clips three times over: a bit more than a minute.
    let once: Vec<u8> = clips
        .iter()
        .map(std::fs::read)
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .flat_map(|clip| clip[44..].to_vec())
        .collect();
    let pcm = once.repeat(3);
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("speech.pcm");
    std::fs::write(&file, &pcm)?;
    let samples: Vec<f32> =
        pcm.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])) / 32768.0).collect();
    let seconds = samples.len() as f64 / 16_000.0;

    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let minimal = baseline(
            workers,
            "provenote-worker-whisper",
            &[model.path.display().to_string(), file.display().to_string()],
        )?;
        let mut transcriber = WorkerPrograms::new(workers).transcriber(&model, Some(&vad))?;
        let before = children_cpu()?;
        let mut audio = samples.chunks(16_000).map(|block| Ok(block.to_vec()));
        transcriber.transcribe(&mut audio, seconds, &mut |_| ControlFlow::Continue(()))?;
        let ours = children_cpu()? - before;
        println!("transcription of {seconds:.0} s: {ours:.2} s of CPU, minimal loop {:.2} s", minimal.cpu_s);
        ratios.push(ours / minimal.cpu_s);
    }
    println!("transcription, CPU time over the minimal loop's: {:.3} (at most 1.05)", median(ratios));
    Ok(())
}

fn drafting(workers: &Path, models: &Path) -> Outcome<()> {
    let name = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf";
    let model = model(models, name).or_else(|_| model(models, "SmolLM2-135M-Instruct.Q4_1.gguf"))?;
    let lines: Vec<String> = (1..=12)
        .map(|i| format!("[{i}] C: I slept about {i} hours, and I worry about work, my manager and the rent."))
        .collect();
    let messages = [
        Message { role: "system".to_owned(), content: "Use only facts in the transcript. Never guess.".to_owned() },
        Message {
            role: "user".to_owned(),
            content: format!(
                "{}\nWhat did the client say? Write sentences with their segments as JSON.",
                lines.join("\n")
            ),
        },
    ];
    let sentence = serde_json::json!({
        "type": "object",
        "properties": {
            "text": { "type": "string", "minLength": 8, "maxLength": 200 },
            "segments": { "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 12 }, "minItems": 1, "maxItems": 3 },
        },
    });
    let schema = serde_json::json!({ "type": "object", "properties": { "subjective": { "type": "array", "items": sentence, "minItems": 3, "maxItems": 6 } } });
    let sampler = Sampler::greedy(160);
    let folder = tempfile::TempDir::new()?;
    let file = folder.path().join("prompt");

    let programs = WorkerPrograms { context: Some(2048), ..WorkerPrograms::new(workers) };
    let mut drafter = programs.drafter(&model)?;
    let rendered = drafter.render(&messages)?;
    std::fs::write(&file, &rendered.prompt)?;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let before = children_cpu()?;
        let made = drafter.generate(&rendered.prompt, &schema, &sampler, &mut |_| ControlFlow::Continue(()))?;
        let ours = f64::from(made.tokens) / (children_cpu()? - before);
        let minimal = baseline(
            workers,
            "provenote-worker-llama",
            &[model.path.display().to_string(), file.display().to_string(), made.tokens.to_string(), "2048".to_owned()],
        )?;
        let theirs = f64::from(made.tokens) / minimal.cpu_s;
        println!(
            "drafting {} tokens after {}: {ours:.2} tokens per CPU second, minimal loop {theirs:.2}",
            made.tokens, rendered.tokens
        );
        ratios.push(ours / theirs);
    }
    println!("drafting, tokens per CPU second over the minimal loop's: {:.3} (at least 0.97)", median(ratios));
    Ok(())
}

struct Minimal {
    cpu_s: f64,
}

fn baseline(workers: &Path, program: &str, arguments: &[String]) -> Outcome<Minimal> {
    let output = Command::new(workers.join(program)).arg("--bench-minimal").args(arguments).output()?;
    let line: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let cpu_s = line.get("cpu_s").and_then(serde_json::Value::as_f64).ok_or("the minimal loop told no time")?;
    Ok(Minimal { cpu_s })
}

fn model(folder: &Path, name: &str) -> Outcome<ModelFile> {
    let path = folder.join(name);
    let sha256 = Digest::of(&std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    Ok(ModelFile { id: name.to_owned(), path, sha256 })
}

/// CPU seconds of this process's living children: the one worker. Linux; ticks of a hundredth.
fn children_cpu() -> Outcome<f64> {
    let own = std::process::id();
    let mut ticks = 0.0;
    for task in std::fs::read_dir(format!("/proc/{own}/task"))? {
        for child in std::fs::read_to_string(task?.path().join("children"))?.split_whitespace() {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat"))?;
            // Fields 14 and 15, counted behind the name, which may hold spaces.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            for field in fields.get(11..13).ok_or("no times in stat")? {
                ticks += field.parse::<f64>()?;
            }
        }
    }
    Ok(ticks / 100.0)
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}
