//! The agent: a process that holds one user's unlocked keys for a limited idle time.
//!
//! It answers on a Unix socket in a folder only this user can enter, and only to processes of this
//! user. The keys never touch a disk: they come in over a pipe and go out over the socket. It shows
//! no core dump, and it ends when nobody has asked for the idle time.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use provenote_practice::authentication::Session;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::surroundings::runtime_folder;

/// Ask for the keys.
const GET: u8 = b'g';
/// Forget the keys.
const FORGET: u8 = b'f';
/// The longest that is held.
const LONGEST: usize = 64 * 1024;
/// A peer that says nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is held for a user.
pub(crate) struct Held {
    /// Idle minutes until it is forgotten.
    pub(crate) idle: u32,
    /// What was found out when the user signed in.
    pub(crate) session: Session,
    /// The keys.
    pub(crate) keys: Zeroizing<Vec<u8>>,
}

impl Held {
    /// Minutes and the length of the session, four bytes each, the least first; the session as JSON; the keys.
    fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let session = serde_json::to_vec(&self.session).map_err(|error| error.to_string())?;
        let length = u32::try_from(session.len()).map_err(|error| error.to_string())?;
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(8 + session.len() + self.keys.len()));
        bytes.extend_from_slice(&self.idle.to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&session);
        bytes.extend_from_slice(&self.keys);
        Ok(bytes)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (idle, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (session, keys) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        Some(Self {
            idle: u32::from_le_bytes(*idle),
            session: serde_json::from_slice(session).ok()?,
            keys: Zeroizing::new(keys.to_vec()),
        })
    }
}

/// The folder of the sockets, and how the names of one practice's begin: with a digest, so that they tell nothing and fit
/// the 108 bytes a socket's path may have.
fn sockets_of(home: &Path) -> Result<(PathBuf, String), String> {
    let uid = rustix::process::getuid().as_raw();
    let folder = runtime_folder().join(format!("provenote-{uid}"));
    let problem = |why: &str| format!("the folder for the unlock agent ({}) {why}", folder.display());
    if !folder.exists() {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| problem(&format!("could not be made: {error}")))?;
    }
    let data = fs::symlink_metadata(&folder).map_err(|error| problem(&format!("could not be read: {error}")))?;
    if !data.is_dir() || data.uid() != uid || data.permissions().mode() & 0o077 != 0 {
        return Err(problem("belongs to somebody else or is open to others: remove it"));
    }
    let digest = Sha256::digest(home.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    Ok((folder, name))
}

/// The socket of one user's agent.
fn socket_of(home: &Path, user: &str) -> Result<PathBuf, String> {
    let (folder, name) = sockets_of(home)?;
    Ok(folder.join(format!("{name}-{user}")))
}

/// The users whose keys are held for this practice, as far as sockets tell.
fn users(home: &Path) -> Vec<String> {
    let Ok((folder, name)) = sockets_of(home) else { return Vec::new() };
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let prefix = format!("{name}-");
    files.filter_map(|file| Some(file.ok()?.file_name().to_str()?.strip_prefix(&prefix)?.to_owned())).collect()
}

/// What the agent holds for this user of the practice, if one runs; for the only one whose keys are held, where none is
/// named.
pub(crate) fn held(home: &Path, user: Option<&str>) -> Option<Held> {
    if let Some(user) = user {
        return held_of(home, user);
    }
    let mut held = users(home).into_iter().filter_map(|user| held_of(home, &user));
    let first = held.next()?;
    // Of several, nobody is meant.
    held.next().is_none().then_some(first)
}

fn held_of(home: &Path, user: &str) -> Option<Held> {
    let mut stream = connect(home, user)?;
    stream.write_all(&[GET]).ok()?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    stream.take(LONGEST as u64).read_to_end(&mut bytes).ok()?;
    Held::from_bytes(&bytes)
}

/// Tells the agents of the practice to forget, or that of one user. True where one was running.
pub(crate) fn forget(home: &Path, user: Option<&str>) -> bool {
    let users = user.map_or_else(|| users(home), |user| vec![user.to_owned()]);
    // Every one of them, whether or not one before it was running.
    users.iter().filter(|user| forget_one(home, user)).count() > 0
}

fn forget_one(home: &Path, user: &str) -> bool {
    let Some(mut stream) = connect(home, user) else { return false };
    let told = stream.write_all(&[FORGET]).is_ok();
    // The agent closes the connection once the keys are gone.
    let mut rest = Vec::new();
    told && stream.read_to_end(&mut rest).is_ok()
}

fn connect(home: &Path, user: &str) -> Option<UnixStream> {
    let stream = UnixStream::connect(socket_of(home, user).ok()?).ok()?;
    if !same_user(&stream) {
        return None;
    }
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(stream)
}

#[cfg(target_os = "linux")]
fn same_user(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::getuid())
}

/// Elsewhere the folder's mode keeps others out.
#[cfg(not(target_os = "linux"))]
fn same_user(_stream: &UnixStream) -> bool {
    true
}

/// Starts an agent that holds this, in place of one that runs.
pub(crate) fn start(home: &Path, user: &str, held: &Held) -> Result<(), String> {
    let bytes = held.to_bytes()?;
    forget_one(home, user);
    let socket = socket_of(home, user)?;
    let program =
        std::env::current_exe().map_err(|error| format!("this program's own file could not be found: {error}"))?;
    let mut child = Command::new(program)
        .arg("agent")
        .arg("--idle")
        .arg(held.idle.to_string())
        .arg("--socket")
        .arg(&socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .current_dir("/")
        .spawn()
        .map_err(|error| format!("the unlock agent could not be started: {error}"))?;
    let failed = |why: &str| format!("the unlock agent did not come up: {why}");
    let mut input = child.stdin.take().ok_or_else(|| failed("no input"))?;
    input.write_all(&bytes).map_err(|error| failed(&error.to_string()))?;
    drop(input);
    // One byte says that it listens.
    let mut ready = [0];
    let mut output = child.stdout.take().ok_or_else(|| failed("no output"))?;
    output.read_exact(&mut ready).map_err(|_| failed("it ended at once"))
}

/// The agent's own life: reads keys, listens, answers, forgets.
pub(crate) fn serve(socket: &Path, idle_minutes: u32) -> Result<(), String> {
    let _ = rustix::process::setsid();
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(rustix::process::Resource::Core, none).map_err(|error| error.to_string())?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| error.to_string())?;
    let mut keys = Zeroizing::new(Vec::with_capacity(LONGEST));
    std::io::stdin().lock().take(LONGEST as u64).read_to_end(&mut keys).map_err(|error| error.to_string())?;
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket).map_err(|error| error.to_string())?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600)).map_err(|error| error.to_string())?;
    let mut out = std::io::stdout();
    out.write_all(b"!").and_then(|()| out.flush()).map_err(|error| error.to_string())?;
    let idle = Timespec { tv_sec: i64::from(idle_minutes) * 60, tv_nsec: 0 };
    loop {
        let waiting = match poll(&mut [PollFd::new(&listener, PollFlags::IN)], Some(&idle)) {
            Ok(waiting) => waiting,
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => 0,
        };
        if waiting == 0 {
            break;
        }
        let Ok((mut stream, _)) = listener.accept() else { continue };
        if !same_user(&stream)
            || stream.set_read_timeout(Some(PATIENCE)).is_err()
            || stream.set_write_timeout(Some(PATIENCE)).is_err()
        {
            continue;
        }
        let mut asked = [0];
        match stream.read_exact(&mut asked).map(|()| asked[0]) {
            Ok(GET) => {
                // A peer that went away is no reason to end.
                let _ = stream.write_all(&keys);
            }
            Ok(FORGET) => {
                let _ = fs::remove_file(socket);
                drop(keys);
                drop(stream);
                return Ok(());
            }
            _ => {}
        }
    }
    let _ = fs::remove_file(socket);
    Ok(())
}
