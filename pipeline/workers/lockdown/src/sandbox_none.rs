//! Systems for which no sandbox has been written: a worker refuses there.

use std::path::Path;

/// Why the sandbox could not be raised.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This operating system has none that we know.
    #[error(
        "this operating system has no sandbox that the worker knows: run on Linux or macOS, or allow a run without one in the settings"
    )]
    Missing,
}

impl SandboxError {
    #[cfg(test)]
    pub(crate) fn missing() -> Self {
        Self::Missing
    }
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn lock(_models: &[&Path]) -> Result<String, SandboxError> {
    Err(SandboxError::Missing)
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn tighten() -> Result<(), SandboxError> {
    Err(SandboxError::Missing)
}
