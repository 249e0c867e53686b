//! The self-test: the worker tries what the sandbox must refuse, and reports what the kernel said.

use std::fs::File;
use std::path::Path;

use provenote_pipeline::protocol::Probe;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};

/// Tries everything a worker must not be able to do.
///
/// `foreign` is a file that exists and that the user can read, but the worker must not. A probe counts
/// as refused only where the kernel forbade it; a file that is missing was not refused.
#[must_use]
pub fn probe_all(foreign: &Path) -> Vec<Probe> {
    [
        (
            "tcp_socket",
            socket_refused(AddressFamily::INET, SocketType::STREAM)
                && socket_refused(AddressFamily::INET6, SocketType::STREAM),
        ),
        (
            "udp_socket",
            socket_refused(AddressFamily::INET, SocketType::DGRAM)
                && socket_refused(AddressFamily::INET6, SocketType::DGRAM),
        ),
        ("unix_socket", socket_refused(AddressFamily::UNIX, SocketType::STREAM)),
        ("read_foreign_file", forbidden(File::open(foreign).err())),
        ("write_foreign_file", write_refused()),
        ("start_program", fork_refused() && exec_refused()),
    ]
    .into_iter()
    .map(|(name, refused)| Probe { name: name.to_owned(), refused })
    .collect()
}

/// A socket of a family that this kernel does not know cannot be opened either.
fn socket_refused(family: AddressFamily, kind: SocketType) -> bool {
    matches!(socket(family, kind, None).err(), Some(Errno::PERM | Errno::ACCESS | Errno::AFNOSUPPORT))
}

fn forbidden(error: Option<std::io::Error>) -> bool {
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

#[allow(
    clippy::disallowed_methods,
    reason = "a folder everyone may write to, so that only the sandbox can refuse; the file is empty"
)]
fn write_refused() -> bool {
    let path = std::env::temp_dir().join(format!("provenote-probe-{}", std::process::id()));
    let made = File::options().write(true).create_new(true).open(&path);
    if made.is_ok() {
        // Only where the probe was not refused; the file is empty, and one left over harms nobody.
        let _ = std::fs::remove_file(&path);
    }
    forbidden(made.err())
}

/// A child that does start is one that does nothing, and it is waited for.
fn fork_refused() -> bool {
    match std::process::Command::new("/bin/sh").args(["-c", ":"]).spawn() {
        Ok(mut child) => {
            let _ = child.wait();
            false
        }
        Err(error) => forbidden(Some(error)),
    }
}

/// The kernel forbids `execve` before it looks at the path; where it looks, this path is not there.
fn exec_refused() -> bool {
    use std::os::unix::process::CommandExt as _;
    forbidden(Some(std::process::Command::new("/provenote-probe/no-such-program").exec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_sandbox_no_probe_is_refused() {
        let own = std::env::current_exe().expect("a path");
        let probes = probe_all(&own);
        assert_eq!(probes.len(), 6);
        for probe in probes {
            assert!(!probe.refused, "{} was refused on a machine where everything is allowed", probe.name);
        }
    }

    #[test]
    fn a_missing_file_is_not_a_refusal() {
        assert!(!forbidden(File::open("/no-such-folder/file").err()));
        assert!(!forbidden(None));
    }
}
