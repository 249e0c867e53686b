//! The reader as a program: it takes a file on standard input and answers on standard output. `provenote` starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    provenote_reader::child_main()
}
