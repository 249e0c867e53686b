//! `provenote`, the command line.

mod agent;
mod args;
mod commands;
mod documents;
mod exit;
mod home;
mod screen;
mod surroundings;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let json = args.global.json;
    match commands::run(args) {
        Ok(code) => code,
        Err(failure) => exit::failed(&failure, json),
    }
}
