//! The worker's arguments. They hold paths and numbers, never a word of a session.

use std::ffi::OsString;
use std::path::PathBuf;

use provenote_schemas::Digest;

/// How a worker was asked to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The model file.
    pub model: PathBuf,
    /// What the model file must be.
    pub model_sha256: Option<Digest>,
    /// The voice activity model.
    pub vad: Option<PathBuf>,
    /// What the voice activity model must be.
    pub vad_sha256: Option<Digest>,
    /// Threads of the engine; 1 unless told.
    pub threads: u32,
    /// Tokens of context; the engine's choice unless told.
    pub context: Option<u32>,
    /// The language spoken: an ISO 639-1 code or `auto`; `en` unless told.
    pub language: String,
    /// Go on where the operating system enforces no sandbox.
    pub allow_no_sandbox: bool,
}

/// Arguments that say nothing a worker can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// No `--model`.
    #[error("--model FILE is missing")]
    NoModel,
    /// An option without its value.
    #[error("{0} needs a value")]
    NoValue(&'static str),
    /// A value that the option cannot have.
    #[error("{option} cannot be `{value}`")]
    BadValue {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
    },
    /// An argument that is none of ours.
    #[error("unknown argument `{0}`")]
    Unknown(String),
}

impl Options {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// [`UsageError`].
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter();
        let mut model = None;
        let mut options = Self {
            model: PathBuf::new(),
            model_sha256: None,
            vad: None,
            vad_sha256: None,
            threads: 1,
            context: None,
            language: "en".to_owned(),
            allow_no_sandbox: false,
        };
        while let Some(argument) = arguments.next() {
            let mut value = |option: &'static str| arguments.next().ok_or(UsageError::NoValue(option));
            match argument.to_str() {
                Some("--model") => model = Some(PathBuf::from(value("--model")?)),
                Some("--vad") => options.vad = Some(PathBuf::from(value("--vad")?)),
                Some("--model-sha256") => {
                    options.model_sha256 = Some(parsed("--model-sha256", value("--model-sha256")?, |_| true)?)
                }
                Some("--vad-sha256") => {
                    options.vad_sha256 = Some(parsed("--vad-sha256", value("--vad-sha256")?, |_| true)?)
                }
                Some("--threads") => {
                    options.threads = parsed("--threads", value("--threads")?, |n| (1..=256).contains(n))?
                }
                Some("--context") => {
                    options.context = Some(parsed("--context", value("--context")?, |n| (256..=1_048_576).contains(n))?)
                }
                Some("--language") => {
                    options.language = parsed("--language", value("--language")?, |code: &String| {
                        (2..=4).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase())
                    })?;
                }
                Some("--allow-no-sandbox") => options.allow_no_sandbox = true,
                _ => return Err(UsageError::Unknown(argument.to_string_lossy().into_owned())),
            }
        }
        options.model = model.ok_or(UsageError::NoModel)?;
        Ok(options)
    }
}

fn parsed<T: std::str::FromStr>(
    option: &'static str,
    value: OsString,
    fits: impl Fn(&T) -> bool,
) -> Result<T, UsageError> {
    let value = value.to_string_lossy().into_owned();
    value.parse().ok().filter(fits).ok_or(UsageError::BadValue { option, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, UsageError> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let options = parse("--model m.bin").expect("arguments");
        assert_eq!((options.threads, options.language.as_str(), options.allow_no_sandbox), (1, "en", false));
        let options = parse("--model m --vad v --threads 3 --context 4096 --language auto --allow-no-sandbox")
            .expect("arguments");
        assert_eq!((options.threads, options.context, options.vad), (3, Some(4096), Some("v".into())));
    }

    #[test]
    fn arguments_that_mean_nothing_are_refused() {
        assert_eq!(parse("--threads 2"), Err(UsageError::NoModel));
        assert_eq!(parse("--model"), Err(UsageError::NoValue("--model")));
        for wrong in ["--threads 0", "--threads -1", "--context 3", "--language ../x", "--model-sha256 12", "--verbose"]
        {
            assert!(parse(&format!("--model m {wrong}")).is_err(), "{wrong}");
        }
    }
}
