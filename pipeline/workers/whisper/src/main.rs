//! The speech worker: whisper.cpp behind the worker protocol, locked down.

mod baseline;
mod hearing;
mod spans;
mod words;

use std::process::ExitCode;

use provenote_lockdown::{About, Format, run};

fn main() -> ExitCode {
    // The engine's log goes nowhere: it may hold what was said.
    whisper_rs::install_logging_hooks();
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "--bench-minimal") {
        return baseline::run(arguments);
    }
    let about = About {
        engine: "whisper",
        engine_version: format!("whisper.cpp {}", whisper_rs::WHISPER_CPP_VERSION),
        worker_version: env!("CARGO_PKG_VERSION"),
        format: Format::Ggml,
    };
    run(&about, hearing::Hearing::load)
}
