//! macOS: the host starts the worker under `sandbox-exec` with a profile (see `provenote-host`),
//! so the sandbox stands before the worker's first instruction. UNTESTED: written from Apple's
//! profile language without a Mac at hand. The self-test decides: where the profile does not hold,
//! the probes are not refused and the worker does not start.

use std::path::Path;

/// Why the sandbox could not be raised.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A limit could not be set.
    #[error("the worker's limits could not be set: {0}")]
    Limits(std::io::Error),
}

impl SandboxError {
    #[cfg(test)]
    pub(crate) fn missing() -> Self {
        Self::Limits(std::io::Error::other("no limits"))
    }
}

/// Sets the limits that are the worker's own; the profile is already in force, or the probes will tell.
///
/// # Errors
/// [`SandboxError::Limits`].
pub fn lock(_models: &[&Path]) -> Result<String, SandboxError> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })
        .map_err(|error| SandboxError::Limits(error.into()))?;
    Ok("macos-sandbox".to_owned())
}

/// The profile cannot be narrowed from inside.
///
/// # Errors
/// None.
pub fn tighten() -> Result<(), SandboxError> {
    Ok(())
}
