//! The baseline that `benches/engines.rs` of `provenote-host` measures against: the engine's own
//! minimal loop, greedy, without protocol, sandbox or grammar.
//!
//! `provenote-worker-llama --bench-minimal MODEL PROMPT TOKENS CONTEXT` decodes the file PROMPT and
//! then makes TOKENS tokens, whatever they are. Prints one line of JSON: the CPU seconds of both
//! together, without loading, and the tokens made.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::sampling::LlamaSampler;
use provenote_lockdown::cpu_seconds;

use crate::drafting::{BATCH, open};

/// Runs the baseline and prints its line.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match measured(arguments) {
        Ok(line) if writeln!(std::io::stdout(), "{line}").is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(arguments: impl Iterator<Item = OsString>) -> Result<String, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let [model, prompt, tokens, context] = arguments.as_slice() else {
        return Err("usage: --bench-minimal MODEL PROMPT TOKENS CONTEXT".into());
    };
    let wanted: usize = tokens.parse()?;
    let (model, mut engine) =
        open(model.as_ref(), Some(context.parse()?), 1, |_| {}).ok_or("the model could not be opened")?;
    let prompt = model.vocab().tokenize(&std::fs::read(prompt)?, true, true);

    let before = cpu_seconds();
    let mut batch = LlamaBatch::new(BATCH, 1);
    let mut position = 0;
    for chunk in prompt.chunks(BATCH) {
        batch.clear();
        for token in chunk {
            position += 1;
            batch.add(*token, position - 1, &[0], position as usize == prompt.len())?;
        }
        engine.decode(&mut batch)?;
    }
    let mut greedy = LlamaSampler::greedy();
    let mut made = 0;
    let mut text = Vec::new();
    while made < wanted {
        let token = greedy.sample(&engine, -1);
        text.extend(model.vocab().token_to_piece(token, false, None));
        made += 1;
        batch.clear();
        batch.add(token, position, &[0], true)?;
        position += 1;
        engine.decode(&mut batch)?;
    }
    Ok(serde_json::json!({ "cpu_s": cpu_seconds() - before, "tokens": made, "bytes": text.len() }).to_string())
}
