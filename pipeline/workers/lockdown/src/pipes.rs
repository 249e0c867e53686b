//! The worker's end of the pipes, and the silence around it.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::rc::Rc;

use provenote_pipeline::protocol::{FromWorker, frame};

/// Where the worker's frames go. Clones write to the same pipe.
#[derive(Debug, Clone)]
pub struct Outlet(Rc<RefCell<File>>);

impl Outlet {
    /// Writes one frame.
    ///
    /// When the pipe is gone the host is gone, and nobody wants the work any more: the process ends.
    /// An answer too long for a frame becomes a failure that says so.
    pub fn say(&self, message: &FromWorker) {
        let bytes = frame(message)
            .or_else(|_| frame(&FromWorker::Failed { why: "made an answer longer than a frame may be".to_owned() }));
        let written = bytes.is_ok_and(|bytes| self.0.borrow_mut().write_all(&bytes).is_ok());
        if !written {
            std::process::exit(1);
        }
    }

    /// Says how far the work has come, between 0 and 1.
    pub fn progress(&self, done: f32) {
        self.say(&FromWorker::Progress { done });
    }
}

/// Takes standard output for frames, and leaves nothing else open but standard input.
///
/// What the engines print goes nowhere: it could hold words of the session, and on standard output
/// it would break the frames.
///
/// # Errors
/// The system's, where a descriptor could not be made.
pub(crate) fn take() -> std::io::Result<Outlet> {
    close_inherited();
    let outlet = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let nowhere = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    rustix::stdio::dup2_stderr(&nowhere)?;
    Ok(Outlet(Rc::new(RefCell::new(File::from(outlet)))))
}

/// Closes every descriptor above standard error that the parent left open.
#[expect(unsafe_code, reason = "closing descriptors by number has no safe form")]
fn close_inherited() {
    #[cfg(target_os = "linux")]
    // SAFETY: called first thing in `run`, before this process has opened a descriptor of its own,
    // so no value in it owns one of those closed.
    unsafe {
        if libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) == 0 {
            return;
        }
    }
    for descriptor in 3..1024 {
        // SAFETY: as above. Closing a number that is not open is an error that changes nothing.
        unsafe { rustix::io::close(descriptor) };
    }
}
