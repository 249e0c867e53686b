//! Attempts to sign in that failed, in `attempts/USER.jsonl`: a line each, written without any key, because whoever fails
//! has none. Whoever signs in next makes entries of them.
//!
//! Names that are no user's are counted under one name, and nothing of what was typed is kept. Whoever can write to the
//! folder of keys can also take such a file away; what bounds them is Argon2id, not these counts.

use serde::{Deserialize, Serialize};

use super::{Vault, VaultError, named, user_file};

/// Where they are counted, among the key files.
pub const ATTEMPTS: &str = "attempts/";
const ENDING: &str = ".jsonl";
/// Under which the attempts for names that are no user's are counted.
pub const NOBODY: &str = "nobody";

/// A failure to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// When, in milliseconds since 1970; 0 where the line was cut off by a crash.
    pub at_ms: i64,
    /// The passphrase fitted, and the code of the second factor did not.
    pub code: bool,
    /// An entry of the log tells of it.
    pub recorded: bool,
}

/// Held by the one process that tries, from counting the failures until its own is counted.
pub struct AttemptLock(#[expect(dead_code, reason = "held until it is dropped")] Box<dyn Send>);

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// A failure, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed: Option<i64>,
    /// The passphrase had fitted, the code did not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    code: bool,
    /// So many entries the log had when those before this line were in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<u64>,
}

impl Vault {
    /// Under which name the attempts for a user are counted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn counted_as(&self, user: &str) -> Result<String, VaultError> {
        let known = named(user).is_ok() && self.keys.read(&user_file(user))?.is_some();
        Ok(if known { user } else { NOBODY }.to_owned())
    }

    /// Waits until no other process tries, and holds that until what is returned is dropped: of many tries at once each
    /// sees the failures of those before it.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lock_attempts(&self) -> Result<AttemptLock, VaultError> {
        Ok(AttemptLock(self.keys.lock()?))
    }

    /// The failures since the last success, in the order they were counted. `counted_as`: [`Vault::counted_as`].
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn failures(&self, counted_as: &str) -> Result<Vec<Failure>, VaultError> {
        let contents = self.keys.read(&attempts_file(counted_as)?)?.unwrap_or_default();
        let mut failures: Vec<Failure> = Vec::new();
        for line in contents.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let read = serde_json::from_slice::<Line>(line);
            match read {
                Ok(Line { recorded: Some(_), .. }) => failures.iter_mut().for_each(|failure| failure.recorded = true),
                // What cannot be read counts too: a line that a crash cut off was a failure.
                line => {
                    let (at_ms, code) = line.map_or((None, false), |line| (line.failed, line.code));
                    let at_ms = at_ms.or_else(|| failures.last().map(|last| last.at_ms)).unwrap_or_default();
                    failures.push(Failure { at_ms, code, recorded: false });
                }
            }
        }
        Ok(failures)
    }

    /// Counts a failure, durably. `code`: the passphrase had fitted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn add_failure(&mut self, counted_as: &str, at_ms: i64, code: bool) -> Result<(), VaultError> {
        self.add_line(counted_as, &Line { failed: Some(at_ms), code, recorded: None })
    }

    /// Notes that entries of the log, now of this size, tell of the failures so far. They still count for waits.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn failures_recorded(&mut self, counted_as: &str, size: u64) -> Result<(), VaultError> {
        self.add_line(counted_as, &Line { failed: None, code: false, recorded: Some(size) })
    }

    /// Forgets the failures, after a success that recorded them.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn clear_failures(&mut self, counted_as: &str) -> Result<(), VaultError> {
        Ok(self.keys.destroy(&attempts_file(counted_as)?)?)
    }

    /// Every name under which failures are counted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn names_with_failures(&self) -> Result<Vec<String>, VaultError> {
        let names = self.keys.list(ATTEMPTS)?;
        Ok(names
            .iter()
            .filter_map(|name| name.strip_prefix(ATTEMPTS)?.strip_suffix(ENDING))
            .map(str::to_owned)
            .collect())
    }

    fn add_line(&mut self, counted_as: &str, line: &Line) -> Result<(), VaultError> {
        // Two numbers and no map: they always have a JSON form. The break comes first, so that the rest of a line which a
        // crash cut off stays a line of its own.
        let mut bytes = b"\n".to_vec();
        bytes.extend(serde_json::to_vec(line).unwrap_or_default());
        bytes.push(b'\n');
        Ok(self.keys.append(&attempts_file(counted_as)?, &bytes)?)
    }
}

fn attempts_file(counted_as: &str) -> Result<String, VaultError> {
    Ok(format!("{ATTEMPTS}{}{ENDING}", named(counted_as)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Seeded;
    use crate::memory::{MemoryBlobs, MemoryKeys};
    use crate::vault::Argon2Params;

    fn vault() -> (Vault, MemoryKeys) {
        let keys = MemoryKeys::default();
        let mut vault = Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default()));
        let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
        vault.create_user("usr-a", b"one", small, &mut Seeded::new(1)).expect("makes a user");
        (vault, keys)
    }

    #[test]
    fn failures_are_counted_recorded_and_forgotten() {
        let (mut vault, _) = vault();
        assert_eq!(vault.failures("usr-a").expect("reads"), []);
        vault.add_failure("usr-a", 10, false).expect("counts");
        vault.add_failure("usr-a", 20, true).expect("counts");
        vault.failures_recorded("usr-a", 5).expect("notes");
        vault.add_failure("usr-a", 30, false).expect("counts");
        let failure = |at_ms, code, recorded| Failure { at_ms, code, recorded };
        assert_eq!(
            vault.failures("usr-a").expect("reads"),
            [failure(10, false, true), failure(20, true, true), failure(30, false, false)]
        );
        assert_eq!(vault.names_with_failures().expect("lists"), ["usr-a"]);
        vault.clear_failures("usr-a").expect("forgets");
        assert_eq!(vault.failures("usr-a").expect("reads"), []);
        assert!(vault.names_with_failures().expect("lists").is_empty());
    }

    #[test]
    fn whoever_is_no_user_is_nobody_and_no_name_is_kept() {
        let (mut vault, keys) = vault();
        assert_eq!(vault.counted_as("usr-a").expect("reads"), "usr-a");
        for typed in ["usr-b", "Dana", "../log", "", "hunter2 is my passphrase"] {
            let name = vault.counted_as(typed).expect("reads");
            assert_eq!(name, NOBODY, "{typed}");
            vault.add_failure(&name, 1, false).expect("counts");
        }
        let files = keys.0.lock().expect("no panic");
        let names: Vec<&str> = files.keys().map(String::as_str).filter(|name| name.starts_with(ATTEMPTS)).collect();
        assert_eq!(names, ["attempts/nobody.jsonl"]);
        let kept = String::from_utf8_lossy(&files["attempts/nobody.jsonl"]).into_owned();
        assert!(!kept.contains("Dana") && !kept.contains("hunter2"), "{kept}");
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_a_failure_and_hides_none() {
        let (mut vault, keys) = vault();
        vault.add_failure("usr-a", 10, false).expect("counts");
        keys.0.lock().expect("no panic").get_mut("attempts/usr-a.jsonl").expect("is there").extend(b"\n{\"fai");
        vault.add_failure("usr-a", 30, false).expect("counts");
        let times: Vec<i64> = vault.failures("usr-a").expect("reads").iter().map(|failure| failure.at_ms).collect();
        assert_eq!(times, [10, 10, 30]);
    }
}
