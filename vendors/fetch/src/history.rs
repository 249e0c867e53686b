//! Versions of terms that others kept: a git folder of Open Terms Archive, or a folder of files with dates in their
//! names.
//!
//! Git is read by the `git` program with fixed arguments: the libraries that read git are many times the size of this
//! program, and histories are read seldom. It is started with an empty environment, runs nothing that the folder's own
//! configuration names, and fetches nothing.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use provenote_vendors::terms::{dated_name, version_path};

use crate::LARGEST;

/// A version: when, in milliseconds since 1970; its path as in an archive (`Service/Privacy Policy.md`); its bytes.
pub type Version = (i64, String, Vec<u8>);

/// The most that is taken of one history, in bytes.
const MOST: u64 = 512 << 20;
/// The longest list of versions.
const MOST_VERSIONS: usize = 50_000;

/// Why a history could not be read: one sentence each, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No folder.
    #[error("{} is no folder: give the folder of versions", .0.display())]
    NoFolder(
        /// As given.
        PathBuf,
    ),
    /// No `git` on this machine.
    #[error("`git` could not be started ({0}): install it, or give a folder of files with dates in their names")]
    NoGit(
        /// The system's word.
        std::io::Error,
    ),
    /// Git did not do what it was asked.
    #[error("git could not read the history ({0}): check that the folder is one that Open Terms Archive made")]
    Git(
        /// Its own words, shortened.
        String,
    ),
    /// A file could not be read.
    #[error("{} could not be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word.
        source: std::io::Error,
    },
    /// More than is read at once.
    #[error("the history has more than {} MB or {MOST_VERSIONS} versions: name one service with --service", MOST >> 20)]
    TooMuch,
    /// No version in it.
    #[error("{} holds no versions of terms{}: they are named `Service/Privacy Policy.md`, or carry dates", folder.display(), service.as_ref().map(|name| format!(" of {name}")).unwrap_or_default())]
    Nothing {
        /// The folder.
        folder: PathBuf,
        /// The service that was asked for.
        service: Option<String>,
    },
}

/// Reads a history, of one service or of all in the folder, oldest first. A folder that git knows is read commit by commit,
/// another one file by file.
///
/// # Errors
/// [`HistoryError`].
pub fn read(folder: &Path, service: Option<&str>) -> Result<Vec<Version>, HistoryError> {
    if !folder.is_dir() {
        return Err(HistoryError::NoFolder(folder.to_owned()));
    }
    let mut versions = if in_git(folder)? { git(folder, service)? } else { dated(folder, service)? };
    if versions.is_empty() {
        return Err(HistoryError::Nothing { folder: folder.to_owned(), service: service.map(str::to_owned) });
    }
    // Of equal times, the order in which they were found.
    versions.sort_by_key(|(time, ..)| *time);
    Ok(versions)
}

/// `git` with everything off that a folder's configuration could turn on.
fn program(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        git.env("PATH", path);
    }
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        // Nobody but the folder's reader chose it, whoever made it.
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
        .args(["-c", "protocol.allow=never", "-c", "log.showSignature=false", "--no-pager", "-C"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    git
}

/// The folder itself is a work tree's, or bare; one that lies somewhere within another's is none of Open Terms Archive.
fn in_git(folder: &Path) -> Result<bool, HistoryError> {
    let bare = folder.join("HEAD").is_file() && folder.join("objects").is_dir();
    if !bare && !folder.join(".git").exists() {
        return Ok(false);
    }
    let output = program(folder).args(["rev-parse", "--git-dir"]).output().map_err(HistoryError::NoGit)?;
    if output.status.success() { Ok(true) } else { Err(HistoryError::Git(complaint(&output.stderr))) }
}

fn complaint(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    line.chars().filter(|one| !one.is_control()).take(200).collect()
}

/// Whether a path is a version of the service asked for.
fn wanted(path: &str, service: Option<&str>) -> bool {
    version_path(path).is_some_and(|(of, _)| service.is_none_or(|asked| of.eq_ignore_ascii_case(asked.trim())))
}

fn git(folder: &Path, service: Option<&str>) -> Result<Vec<Version>, HistoryError> {
    let output = program(folder)
        .args(["log", "--first-parent", "--reverse", "--no-renames", "--no-ext-diff", "--no-textconv", "-m", "--root"])
        .args(["--raw", "--no-abbrev", "-z", "--format=format:%x01%at", "HEAD", "--"])
        .output()
        .map_err(HistoryError::NoGit)?;
    if !output.status.success() {
        return Err(HistoryError::Git(complaint(&output.stderr)));
    }
    let listed = changed(&output.stdout, service);
    if listed.len() > MOST_VERSIONS {
        return Err(HistoryError::TooMuch);
    }
    contents(folder, listed)
}

/// Time, path and object of each version in what `git log --raw -z` lists.
fn changed(log: &[u8], service: Option<&str>) -> Vec<(i64, String, String)> {
    let mut listed = Vec::new();
    let mut time = 0;
    let mut fields = log.split(|byte| *byte == 0);
    while let Some(field) = fields.next() {
        let mut field = String::from_utf8_lossy(field).into_owned();
        if let Some((_, rest)) = field.split_once('\u{1}') {
            let (seconds, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            time = seconds.trim().parse::<i64>().unwrap_or(0).saturating_mul(1000);
            field = rest.to_owned();
        }
        // `:100644 100644 OLD NEW M`, then the path in a field of its own.
        let Some(change) = field.trim_start().strip_prefix(':') else { continue };
        let parts: Vec<&str> = change.split(' ').collect();
        let path = fields.next().map(|path| String::from_utf8_lossy(path).into_owned()).unwrap_or_default();
        if let [_, mode, _, object, _] = parts.as_slice()
            && mode.starts_with("100")
            && object.bytes().all(|byte| byte.is_ascii_hexdigit())
            && wanted(&path, service)
        {
            listed.push((time, path, (*object).to_owned()));
        }
    }
    listed
}

/// Reads the objects through one `git cat-file --batch`.
fn contents(folder: &Path, listed: Vec<(i64, String, String)>) -> Result<Vec<Version>, HistoryError> {
    let mut child = program(folder)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(HistoryError::NoGit)?;
    let broken = || HistoryError::Git("an object is missing or is no file".to_owned());
    let (mut stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or_else(broken)?;
    let asked: String = listed.iter().map(|(_, _, object)| format!("{object}\n")).collect();
    // A thread, because either pipe may be full while the other waits.
    let asking = std::thread::spawn(move || stdin.write_all(asked.as_bytes()));
    let mut answers = BufReader::new(stdout);
    let mut versions = Vec::with_capacity(listed.len());
    let mut total = 0;
    let read = || -> Result<(), HistoryError> {
        for (time, path, _) in listed {
            let mut head = String::new();
            answers.read_line(&mut head).map_err(|_| broken())?;
            let mut parts = head.trim_end().split(' ').skip(1);
            let (Some("blob"), Some(Ok(size))) = (parts.next(), parts.next().map(str::parse::<u64>)) else {
                return Err(broken());
            };
            total += size;
            if size > LARGEST || total > MOST {
                return Err(HistoryError::TooMuch);
            }
            let mut bytes = Vec::new();
            (&mut answers).take(size).read_to_end(&mut bytes).map_err(|_| broken())?;
            let mut end = [0];
            answers.read_exact(&mut end).map_err(|_| broken())?;
            versions.push((time, path, bytes));
        }
        Ok(())
    };
    let done = read();
    drop(answers);
    if done.is_err() {
        let _ = child.kill();
    }
    let _ = asking.join();
    child.wait().map_err(HistoryError::NoGit)?;
    done.map(|()| versions)
}

/// Files with dates in their names: `Service/Privacy Policy/2024-05-01.md`, `Service/Privacy Policy 2024-05-01.md`.
fn dated(folder: &Path, service: Option<&str>) -> Result<Vec<Version>, HistoryError> {
    let mut files = BTreeSet::new();
    collect(folder, 4, &mut files)?;
    let mut versions = Vec::new();
    let mut total = 0;
    for file in files {
        let Some((time, path)) = named(&file).filter(|(_, path)| wanted(path, service)) else { continue };
        let problem = |source| HistoryError::File { path: file.clone(), source };
        let mut bytes = Vec::new();
        fs::File::open(&file).map_err(problem)?.take(LARGEST + 1).read_to_end(&mut bytes).map_err(problem)?;
        total += bytes.len() as u64;
        if bytes.len() as u64 > LARGEST || total > MOST || versions.len() >= MOST_VERSIONS {
            return Err(HistoryError::TooMuch);
        }
        versions.push((time, path, bytes));
    }
    Ok(versions)
}

fn collect(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<(), HistoryError> {
    let problem = |source| HistoryError::File { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(problem)? {
        let entry = entry.map_err(problem)?;
        let kind = entry.file_type().map_err(problem)?;
        if kind.is_dir() && depth > 0 {
            collect(&entry.path(), depth - 1, files)?;
        } else if kind.is_file() {
            files.insert(entry.path());
        }
    }
    Ok(())
}

/// When a file is of, and its path as an archive would have it.
fn named(file: &Path) -> Option<(i64, String)> {
    let text = |part: &OsStr| part.to_str().map(str::to_owned);
    let stem = text(file.file_stem()?)?;
    let ending = text(file.extension()?)?;
    if !["md", "markdown", "txt", "html", "htm", "pdf", "docx"].iter().any(|known| ending.eq_ignore_ascii_case(known)) {
        return None;
    }
    let time = dated_name(&stem)?;
    let above: Vec<String> = file.ancestors().skip(1).filter_map(|folder| text(folder.file_name()?)).collect();
    // What stands before the date names the terms; where nothing does, the folder does.
    let at = (0..=stem.len())
        .find(|at| stem.is_char_boundary(*at) && dated_name(&stem[..*at]).is_some())
        .map_or(0, |end| end - 10);
    let before = stem[..at].trim_matches(|one: char| one.is_whitespace() || "-_.".contains(one)).to_owned();
    let (kind, service) = if before.is_empty() { (above.first()?, above.get(1)?) } else { (&before, above.first()?) };
    Some((time, format!("{service}/{kind}.md")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_their_terms_or_their_folder() {
        let of = |path: &str| named(Path::new(path)).map(|(_, path)| path);
        assert_eq!(of("/x/Notewell/Privacy Policy/2024-05-01.md").as_deref(), Some("Notewell/Privacy Policy.md"));
        assert_eq!(of("/x/Notewell/Privacy Policy 2024-05-01.txt").as_deref(), Some("Notewell/Privacy Policy.md"));
        assert_eq!(of("/x/Notewell/terms_2024-05-01T10-00-00Z.md").as_deref(), Some("Notewell/terms.md"));
        for none in ["/x/Notewell/Privacy Policy.md", "/x/y/2024-05-01.png", "/2024-05-01.md", "2024-05-01"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
