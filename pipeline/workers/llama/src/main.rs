//! The drafting worker: llama.cpp behind the worker protocol, locked down.

mod baseline;
mod choosing;
mod drafting;

use std::process::ExitCode;

use provenote_lockdown::{About, Format, run};

/// The engine, by the crate that carries its source; a test holds it to Cargo.lock.
const ENGINE_VERSION: &str = "llama.cpp (llama-cpp-sys-2 0.1.161)";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "--bench-minimal") {
        return baseline::run(arguments);
    }
    let about = About {
        engine: "llama",
        engine_version: ENGINE_VERSION.to_owned(),
        worker_version: env!("CARGO_PKG_VERSION"),
        format: Format::Gguf,
    };
    run(&about, drafting::Drafting::load)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_engine_named_is_the_one_that_is_linked() {
        let lock = include_str!("../../../../Cargo.lock");
        let version = super::ENGINE_VERSION.split(' ').next_back().expect("a version").trim_end_matches(')');
        assert!(
            lock.contains(&format!("name = \"llama-cpp-sys-2\"\nversion = \"{version}\"")),
            "update ENGINE_VERSION"
        );
    }
}
