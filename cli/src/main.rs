//! `provenote`, the command line.

mod acts;
mod agent;
mod anchors;
mod args;
mod commands;
mod documents;
mod exit;
mod home;
mod machine;
mod outside;
mod period;
mod reading;
mod screen;
mod surroundings;

use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser as _;

/// Where the program last broke down: a place in the source, never the words it broke on.
static FAULT: Mutex<Option<String>> = Mutex::new(None);

fn main() -> ExitCode {
    // A decoder that breaks down on a hostile file is caught and told as a damaged file; nothing is printed for it
    // here, because a panic's message may hold words of a session.
    std::panic::set_hook(Box::new(|fault| {
        if let Ok(mut place) = FAULT.lock() {
            *place = fault.location().map(|at| format!("{}:{}", at.file(), at.line()));
        }
    }));
    // The reader of strangers' files is this program too, with nothing else open.
    if std::env::args_os().nth(1).is_some_and(|word| word == reading::CHILD) {
        return provenote_reader::child_main();
    }
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let json = args.global.json;
    match std::panic::catch_unwind(|| commands::run(args)) {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => exit::failed(&failure, json),
        Err(_) => {
            let place =
                FAULT.lock().ok().and_then(|mut place| place.take()).unwrap_or_else(|| "an unknown place".to_owned());
            let words =
                format!("stopped by a fault of its own at {place}; nothing was left half-done, please report this");
            exit::failed(&exit::Failure::Could(words), json)
        }
    }
}
