//! Exit codes and what is said with them, in one place.
//!
//! 0 done, 1 could not, 2 usage, 3 findings (verify, review and audit commands), 4 refused by
//! consent or access.

use std::process::ExitCode;

use provenote_practice::PracticeError;
use provenote_practice::authentication::AuthenticationError;

/// The command found something that a script must not overlook.
pub(crate) const FINDINGS: u8 = 3;

/// Consent or access refused.
const REFUSED: u8 = 4;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A use case said no.
    #[error(transparent)]
    Practice(#[from] PracticeError),
    /// Anything the edge itself could not do; one sentence.
    #[error("{0}")]
    Could(String),
    /// The ledger is not what an anchor says it was.
    #[error("{0}")]
    Findings(String),
    /// A word on the command line makes no sense together with the others.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    pub(crate) fn could(words: impl std::fmt::Display) -> Self {
        Self::Could(words.to_string())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Practice(
                PracticeError::Gate { .. }
                | PracticeError::Access(_)
                | PracticeError::Denied { .. }
                | PracticeError::Retained { .. }
                | PracticeError::Authentication(
                    AuthenticationError::Device { .. }
                    | AuthenticationError::NoFactor { .. }
                    | AuthenticationError::Place { .. },
                ),
            ) => REFUSED,
            Self::Practice(_) | Self::Could(_) => 1,
            Self::Findings(_) => FINDINGS,
            Self::Usage(_) => 2,
        }
    }
}

impl From<provenote_ledger::ReadError> for Failure {
    fn from(error: provenote_ledger::ReadError) -> Self {
        Self::Practice(error.into())
    }
}

impl From<provenote_ledger::VaultError> for Failure {
    fn from(error: provenote_ledger::VaultError) -> Self {
        Self::Practice(error.into())
    }
}

/// Says why, in one sentence, and ends with the code for it. With `--json`, standard output holds one
/// document all the same.
pub(crate) fn failed(failure: &Failure, json: bool) -> ExitCode {
    let code = failure.code();
    if json {
        crate::screen::print_json(&serde_json::json!({ "error": failure.to_string(), "exit": code }));
    }
    crate::screen::say(&format!("provenote: {failure}"));
    ExitCode::from(code)
}

/// Prints clap's own words: help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
    // A closed pipe is no reason to panic.
    let _ = error.print();
    code
}
