//! A worker's life: lock down, test, load, say so, answer.

use std::path::Path;
use std::process::ExitCode;

use provenote_pipeline::protocol::{FromWorker, Handshake, Probe, ToWorker, VERSION, read_frame};
use provenote_schemas::Digest;

use crate::model::{Checked, Format};
use crate::options::Options;
use crate::pipes::{self, Outlet};
use crate::{probes, sandbox};

/// What a worker is.
#[derive(Debug, Clone)]
pub struct About {
    /// `whisper` or `llama`.
    pub engine: &'static str,
    /// The engine's version.
    pub engine_version: String,
    /// The worker's own version.
    pub worker_version: &'static str,
    /// What the engine reads.
    pub format: Format,
}

/// Why a request gave nothing: one sentence, with no word of the session in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// An engine with its model loaded.
pub trait Engine {
    /// Answers a request; `None` where the request wants no answer yet (a block of audio).
    ///
    /// # Errors
    /// [`Failure`]; the engine is ready for another request.
    fn answer(&mut self, request: ToWorker, outlet: &Outlet) -> Result<Option<FromWorker>, Failure>;
}

/// Why the worker does not start: what, and one sentence.
struct Refusal(&'static str, String);

/// Runs a worker until its standard input ends.
///
/// `load` makes the engine; it runs inside the sandbox and is the only code that opens the model.
pub fn run<E: Engine>(about: &About, load: impl FnOnce(&Options, &Outlet) -> Result<E, Failure>) -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}. This program is started by `provenote`.");
            return ExitCode::from(2);
        }
    };
    let Ok(outlet) = pipes::take() else {
        return ExitCode::FAILURE;
    };
    let mut engine = match start(about, &options, &outlet, load) {
        Ok(engine) => engine,
        Err(Refusal(what, why)) => {
            outlet.say(&FromWorker::Refused { what: what.to_owned(), why });
            return ExitCode::FAILURE;
        }
    };
    let mut stdin = std::io::stdin().lock();
    loop {
        match read_frame::<ToWorker>(&mut stdin) {
            Ok(Some(request)) => match engine.answer(request, &outlet) {
                Ok(None) => {}
                Ok(Some(answer)) => outlet.say(&answer),
                Err(Failure(why)) => outlet.say(&FromWorker::Failed { why }),
            },
            Ok(None) => return ExitCode::SUCCESS,
            Err(error) => {
                outlet.say(&FromWorker::Failed { why: format!("was sent what it does not understand: {error}") });
                return ExitCode::FAILURE;
            }
        }
    }
}

fn start<E: Engine>(
    about: &About,
    options: &Options,
    outlet: &Outlet,
    load: impl FnOnce(&Options, &Outlet) -> Result<E, Failure>,
) -> Result<E, Refusal> {
    let unreadable =
        |error: std::io::Error| Refusal("sandbox", format!("its own program file could not be read: {error}"));
    let own = std::env::current_exe().map_err(unreadable)?;
    let worker_sha256 = digest_of_file(&own).map_err(unreadable)?;

    let models: Vec<&Path> = [Some(options.model.as_path()), options.vad.as_deref()].into_iter().flatten().collect();
    for model in &models {
        // A path that is not there would otherwise be told as a fault of the sandbox.
        std::fs::metadata(model)
            .map_err(|error| Refusal("model", format!("the file {} could not be read: {error}", model.display())))?;
    }
    // On macOS the profile stands before the worker runs, and must let it read its own program.
    let foreign = if cfg!(target_os = "macos") { Path::new("/etc/hosts") } else { own.as_path() };
    let (sandbox, probes) = enforce(options.allow_no_sandbox, sandbox::lock(&models), || probes::probe_all(foreign))?;

    let model_fault = |why: String| Refusal("model", why);
    let progress = |share: f32| outlet.progress(share / 2.0);
    let model = Checked::read(&options.model, about.format, options.model_sha256, progress)
        .map_err(|error| model_fault(error.to_string()))?;
    let vad = match options.vad.as_deref() {
        Some(path) => Some(
            Checked::read(path, Format::Ggml, options.vad_sha256, progress)
                .map_err(|error| model_fault(error.to_string()))?,
        ),
        None => None,
    };
    outlet.progress(0.5);
    let engine = load(options, outlet).map_err(|Failure(why)| model_fault(why))?;
    for checked in [Some(&model), vad.as_ref()].into_iter().flatten() {
        checked.still_the_same().map_err(|error| model_fault(error.to_string()))?;
    }
    if sandbox != NO_SANDBOX {
        sandbox::tighten().map_err(|error| Refusal("sandbox", error.to_string()))?;
    }
    outlet.say(&FromWorker::Ready(Handshake {
        protocol: VERSION,
        engine: about.engine.to_owned(),
        engine_version: about.engine_version.clone(),
        worker_version: about.worker_version.to_owned(),
        worker_sha256,
        model_sha256: model.digest(),
        vad_sha256: vad.as_ref().map(Checked::digest),
        sandbox,
        probes,
        threads: options.threads,
    }));
    Ok(engine)
}

/// The word for a worker that nothing holds.
const NO_SANDBOX: &str = "none";

/// Decides whether the worker goes on: only behind a sandbox that held against every probe, or,
/// where the practice has said so, behind none and with that said.
fn enforce(
    allow_none: bool,
    locked: Result<String, sandbox::SandboxError>,
    probe: impl FnOnce() -> Vec<Probe>,
) -> Result<(String, Vec<Probe>), Refusal> {
    let fault = match locked {
        Ok(name) => {
            let probes = probe();
            let through: Vec<&str> =
                probes.iter().filter(|probe| !probe.refused).map(|probe| probe.name.as_str()).collect();
            if !probes.is_empty() && through.is_empty() {
                return Ok((name, probes));
            }
            format!("the sandbox did not hold: {} was possible", through.join(", "))
        }
        Err(error) => error.to_string(),
    };
    if allow_none { Ok((NO_SANDBOX.to_owned(), Vec::new())) } else { Err(Refusal("sandbox", fault)) }
}

/// SHA-256 of a file, in constant memory.
fn digest_of_file(path: &Path) -> std::io::Result<Digest> {
    use sha2::{Digest as _, Sha256};
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(Digest(hash.finalize().into())),
            n => hash.update(&block[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(refused: [bool; 2]) -> Vec<Probe> {
        ["tcp_socket", "start_program"]
            .iter()
            .zip(refused)
            .map(|(name, refused)| Probe { name: (*name).to_owned(), refused })
            .collect()
    }

    #[test]
    fn a_sandbox_that_held_is_named_with_its_probes() {
        let (name, probes) = enforce(false, Ok("landlock".to_owned()), || probes([true, true]))
            .map_err(|Refusal(_, why)| why)
            .expect("held");
        assert_eq!((name.as_str(), probes.len()), ("landlock", 2));
    }

    #[test]
    fn a_sandbox_that_let_one_thing_through_is_refused() {
        let Err(Refusal("sandbox", why)) = enforce(false, Ok("landlock".to_owned()), || probes([true, false])) else {
            panic!("it was not refused");
        };
        assert!(why.contains("start_program") && !why.contains("tcp_socket"), "{why}");
        assert!(enforce(false, Ok("landlock".to_owned()), Vec::new).is_err(), "nothing was tried");
    }

    #[test]
    fn only_the_explicit_override_goes_on_without_and_says_so() {
        assert!(enforce(false, Err(sandbox::SandboxError::missing()), Vec::new).is_err());
        for locked in [Err(sandbox::SandboxError::missing()), Ok("landlock".to_owned())] {
            let (name, probes) =
                enforce(true, locked, || probes([true, false])).map_err(|Refusal(_, why)| why).expect("overridden");
            assert_eq!((name.as_str(), probes.len()), ("none", 0));
        }
    }
}
