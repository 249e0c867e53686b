//! What both workers share: they lock themselves down, prove it, and answer requests over pipes.
//!
//! The order is the point. Descriptors that were inherited are closed and standard error is
//! silenced; the worker's own file is hashed; the sandbox is raised; the worker tries to break out
//! of it; only then is the model opened, hashed, compared with what was asked for, and handed to
//! the engine, which is C++ and not to be trusted with a hostile file. When the model is loaded the
//! sandbox is tightened: from then on no file can be opened at all.

mod model;
mod options;
mod pipes;
mod probes;
#[cfg_attr(target_os = "linux", path = "sandbox_linux.rs")]
#[cfg_attr(target_os = "macos", path = "sandbox_macos.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos")), path = "sandbox_none.rs")]
mod sandbox;
mod serve;

pub use model::{Format, ModelError};
pub use options::{Options, UsageError};
pub use pipes::Outlet;
pub use probes::probe_all;
pub use sandbox::{SandboxError, lock, tighten};
pub use serve::{About, Engine, Failure, run};

/// CPU seconds that this process has used, in all its threads: for the baselines of the benchmarks.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}
