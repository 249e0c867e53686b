//! Linux: landlock for files, abstract sockets and signals; seccomp for everything else.
//!
//! Landlock alone leaves UDP open, and seccomp alone cannot tell one file from another, so both are
//! demanded. The seccomp filter is an allow-list, so that a system call nobody thought of, or an
//! alias of one (the x32 numbers), is refused: with `EPERM`, which a library can live with. Calls
//! that no engine has any business to make end the process.

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Why the sandbox could not be raised.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel has no landlock, or it is switched off.
    #[error(
        "this kernel does not enforce landlock (Linux 5.13 or later, `landlock` among the kernel's lsm=): \
         use such a kernel, or allow a run without a sandbox in the settings"
    )]
    NoLandlock,
    /// Landlock refused the rules.
    #[error("landlock could not be set up: {0}")]
    Landlock(String),
    /// Seccomp refused the filter.
    #[error(
        "seccomp could not be set up: {0}: use a kernel with seccomp filters, or allow a run without a sandbox in the settings"
    )]
    Seccomp(#[from] seccompiler::BackendError),
    /// Seccomp refused the filter.
    #[error(
        "seccomp could not be set up: {0}: use a kernel with seccomp filters, or allow a run without a sandbox in the settings"
    )]
    Filter(#[from] seccompiler::Error),
    /// A limit could not be set.
    #[error("the worker's limits could not be set: {0}")]
    Limits(std::io::Error),
}

impl SandboxError {
    #[cfg(test)]
    pub(crate) fn missing() -> Self {
        Self::NoLandlock
    }
}

/// Locks the process down. Only `models` can be read from here on. Call it before threads start.
///
/// Returns the sandbox's name, `landlock-abi-N+seccomp`.
///
/// # Errors
/// [`SandboxError`]; part of the sandbox may then be in force.
pub fn lock(models: &[&Path]) -> Result<String, SandboxError> {
    limits().map_err(|error| SandboxError::Limits(error.into()))?;
    let abi = landlock(models)?;
    for (calls, matched, otherwise) in [
        (hostile(), SeccompAction::KillProcess, SeccompAction::Allow),
        // glibc falls back from clone3, whose flags a filter cannot see, to clone, whose flags it can.
        (BTreeMap::from([(libc::SYS_clone3, vec![])]), SeccompAction::Errno(libc::ENOSYS as u32), SeccompAction::Allow),
        (allowed(Phase::Loading)?, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32)),
    ] {
        apply(calls, matched, otherwise)?;
    }
    Ok(format!("landlock-abi-{abi}+seccomp"))
}

/// Takes back what only loading the model needed: from here on no file can be opened, the model included.
///
/// # Errors
/// [`SandboxError`].
pub fn tighten() -> Result<(), SandboxError> {
    apply(allowed(Phase::Working)?, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32))
}

/// No core file, no file of any length written, few descriptors, and no peeking from the same user's other programs.
fn limits() -> rustix::io::Result<()> {
    let none = || Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none())?;
    setrlimit(Resource::Fsize, none())?;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: Some(64) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

fn landlock(models: &[&Path]) -> Result<u32, SandboxError> {
    let fault = |error: &dyn std::error::Error| SandboxError::Landlock(error.to_string());
    let abi = ABI::V7;
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(abi)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .map_err(|error| fault(&error))?;
    for model in models {
        let file = PathFd::new(model).map_err(|error| fault(&error))?;
        ruleset = ruleset.add_rule(PathBeneath::new(file, AccessFs::ReadFile)).map_err(|error| fault(&error))?;
    }
    let status = ruleset.restrict_self().map_err(|error| fault(&error))?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. }
            if status.ruleset != RulesetStatus::NotEnforced && status.no_new_privs =>
        {
            Ok(effective_abi as u32)
        }
        _ => Err(SandboxError::NoLandlock),
    }
}

fn apply(
    calls: BTreeMap<i64, Vec<SeccompRule>>,
    matched: SeccompAction,
    otherwise: SeccompAction,
) -> Result<(), SandboxError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let program: seccompiler::BpfProgram = SeccompFilter::new(calls, otherwise, matched, arch)?.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

/// What the worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The model is yet to be opened.
    Loading,
    /// The model is in memory.
    Working,
}

/// The system calls a worker may make, and with which arguments.
fn allowed(phase: Phase) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
    let equals =
        |argument: u8, value: u64| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let masked = |argument: u8, mask: u64, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
    };
    let when = |condition: Result<SeccompCondition, seccompiler::BackendError>| SeccompRule::new(vec![condition?]);

    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = [
        // The pipes, and files already open.
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_pread64,
        libc::SYS_close,
        libc::SYS_lseek,
        libc::SYS_fstat,
        // Memory. `mmap` and `mprotect` are below.
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        // Threads of this process. `clone` is below; `clone3` is answered with ENOSYS by a filter before this one.
        libc::SYS_clone3,
        libc::SYS_futex,
        libc::SYS_set_robust_list,
        libc::SYS_rseq,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_exit,
        libc::SYS_exit_group,
        // Signals within this process; `tgkill` is below.
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        // Time, randomness for hash tables, and what the machine is.
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_getcpu,
        libc::SYS_getrusage,
        libc::SYS_sysinfo,
        libc::SYS_uname,
    ]
    .into_iter()
    .map(|call| (call, vec![]))
    .collect();

    let no_code = || masked(2, libc::PROT_EXEC as u64, 0);
    calls.insert(libc::SYS_mmap, vec![when(no_code())?]);
    calls.insert(libc::SYS_mprotect, vec![when(no_code())?]);
    calls.insert(libc::SYS_clone, vec![when(masked(0, libc::CLONE_THREAD as u64, libc::CLONE_THREAD as u64))?]);
    calls.insert(libc::SYS_tgkill, vec![when(equals(0, u64::from(std::process::id())))?]);
    calls.insert(
        libc::SYS_fcntl,
        vec![
            when(equals(1, libc::F_GETFD as u64))?,
            when(equals(1, libc::F_SETFD as u64))?,
            when(equals(1, libc::F_GETFL as u64))?,
        ],
    );
    // Reading a limit (glibc does, for the size of a stack), never setting one.
    calls.insert(
        libc::SYS_prlimit64,
        vec![when(SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0))?],
    );
    let mut control = vec![when(equals(0, libc::PR_SET_NAME as u64))?];
    if phase == Phase::Loading {
        // `tighten` needs these two.
        control.push(when(equals(0, libc::PR_SET_NO_NEW_PRIVS as u64))?);
        calls.insert(libc::SYS_seccomp, vec![]);
        // Which file, landlock decides.
        let writing = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_APPEND;
        calls.insert(libc::SYS_openat, vec![when(masked(2, writing as u64, 0))?]);
        for call in [libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_fadvise64, libc::SYS_readahead] {
            calls.insert(call, vec![]);
        }
    }
    calls.insert(libc::SYS_prctl, control);
    Ok(calls)
}

/// What no engine has any business to do: whoever tries has taken the process over.
fn hostile() -> BTreeMap<i64, Vec<SeccompRule>> {
    [
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_bpf,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_setns,
        libc::SYS_unshare,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_io_uring_setup,
        libc::SYS_open_by_handle_at,
    ]
    .into_iter()
    .map(|call| (call, vec![]))
    .collect()
}
