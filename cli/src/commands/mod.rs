//! A file a subcommand.

mod access;
mod baa;
mod backup;
mod bundle;
mod claim;
mod client;
mod consent;
mod demo;
mod disclosures;
mod doctor;
mod init;
mod ledger;
mod model;
mod note;
mod release;
mod report;
mod retention;
mod session;
mod settings;
mod terms;
mod transcript;
mod unlock;
mod vendor;
mod witness;

use std::process::ExitCode;

use crate::args::{Args, Command};
use crate::exit::Failure;
use crate::home::Home;

/// What a command ends with.
pub(crate) type Outcome = Result<ExitCode, Failure>;

/// Runs the command asked for.
pub(crate) fn run(args: Args) -> Outcome {
    let Args { global, command } = args;
    if let Command::Agent { idle, socket } = &command {
        crate::agent::serve(socket, *idle).map_err(Failure::Could)?;
        return Ok(ExitCode::SUCCESS);
    }
    let home = Home::named(&global)?;
    match command {
        Command::Init(asked) => init::run(&home, &asked),
        Command::Demo(asked) => demo::run(&home, &asked),
        Command::Doctor(asked) => doctor::run(&home, &asked),
        Command::Unlock(asked) => unlock::unlock(&home, &asked),
        Command::Recover { code_file } => unlock::recover(&home, code_file.as_deref()),
        Command::Lock => unlock::lock(&home),
        Command::Client(asked) => client::run(&home, asked),
        Command::Consent(asked) => consent::run(&home, asked),
        Command::Session(asked) => session::run(&home, asked),
        Command::Vendor(asked) => vendor::run(&home, asked),
        Command::Baa(asked) => baa::run(&home, asked),
        Command::Terms(asked) => terms::run(&home, asked),
        Command::Transcript(asked) => transcript::run(&home, asked),
        Command::Note(asked) => note::run(&home, asked),
        Command::Claim(asked) => claim::run(&home, asked),
        Command::Release(asked) => release::run(&home, asked),
        Command::Ledger(asked) => ledger::run(&home, asked),
        Command::Witness(asked) => witness::run(&home, asked),
        Command::Bundle(asked) => bundle::run(&home, asked),
        Command::Backup(asked) => backup::run(&home, asked),
        Command::Disclosures(asked) => disclosures::run(&home, asked),
        Command::Retention(asked) => retention::run(&home, asked),
        Command::Report(asked) => report::run(&home, asked),
        Command::Model(asked) => model::run(&home, asked),
        Command::Settings(asked) => settings::run(&home, asked),
        Command::Access(asked) => access::run(&home, asked),
        Command::Agent { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// Writes a file whole or not at all, and refuses to write over one that is there.
pub(crate) fn write_new(path: &std::path::Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| std::path::Path::new("."));
    let problem = |error: &std::io::Error| Failure::could(format!("{} could not be written: {error}", path.display()));
    if path.exists() {
        return Err(Failure::could(format!(
            "{} is there already: name another file with -o, or move it away",
            path.display()
        )));
    }
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| problem(&error))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|error| problem(&error))?;
    file.persist_noclobber(path).map_err(|error| problem(&error.error))?;
    Ok(())
}

/// A text file, or standard input for `-`; one that is too large is not read.
pub(crate) fn read_text(path: &std::path::Path, largest: u64) -> Result<String, Failure> {
    use std::io::Read as _;
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(largest + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).map_err(problem)?.take(largest + 1).read_to_end(&mut bytes)
    };
    read.map_err(problem)?;
    if bytes.len() as u64 > largest {
        return Err(Failure::could(format!("{} has more than {largest} bytes: is it the right file?", path.display())));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::could(format!("{} is no UTF-8 text (line {line}): save it as UTF-8", path.display()))
    })
}

/// Fails before anything is done where [`write_new`] would fail later.
pub(crate) fn can_write(path: &std::path::Path) -> Result<(), Failure> {
    let folder =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| std::path::Path::new("."));
    if path.exists() {
        return Err(Failure::could(format!(
            "{} is there already: name another file with -o, or move it away",
            path.display()
        )));
    }
    if !folder.is_dir() {
        return Err(Failure::could(format!("the folder {} does not exist", folder.display())));
    }
    tempfile::NamedTempFile::new_in(folder)
        .map(drop)
        .map_err(|error| Failure::could(format!("{} could not be written: {error}", path.display())))
}
