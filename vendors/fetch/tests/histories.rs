//! Histories that others kept, made here by the real `git`.

use std::fs;
use std::path::Path;
use std::process::Command;

use provenote_fetch::history::{HistoryError, read};

fn git(folder: &Path, time: u64, arguments: &[&str]) {
    let done = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_DATE", format!("@{time} +0200"))
        .env("GIT_COMMITTER_DATE", format!("@{time} +0200"))
        .args(["-c", "user.name=Archive", "-c", "user.email=archive@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .expect("git is there");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn commit(folder: &Path, time: u64, file: &str, text: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("written");
    git(folder, time, &["add", "-A"]);
    git(folder, time, &["commit", "-q", "-m", "Record new changes\n\nof terms\u{1}9999"]);
}

#[test]
fn a_git_folder_is_read_commit_by_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    git(folder, 0, &["init", "-q"]);
    commit(folder, 1_000, "Note Well/Privacy Policy.md", "# Privacy\n\nWe keep data.\n");
    commit(folder, 2_000, "Other/Privacy Policy.md", "Another's.\n");
    commit(folder, 3_000, "Note Well/Privacy Policy.md", "# Privacy\n\nWe sell data.\n\n\u{0}binary\n");
    commit(folder, 3_500, "README.md", "An archive.\n");
    fs::remove_file(folder.join("Note Well/Privacy Policy.md")).expect("removed");
    commit(folder, 4_000, "Note Well/Terms of Service.md", "");

    // What a hostile folder would have git run.
    let trap = folder.join("trap");
    for key in ["core.fsmonitor", "core.pager", "diff.external", "core.sshCommand"] {
        git(folder, 0, &["config", key, &format!("touch {}", trap.display())]);
    }
    let all = read(folder, Some("note well")).expect("a history");
    let told: Vec<(i64, &str, usize)> =
        all.iter().map(|(time, path, bytes)| (*time, path.as_str(), bytes.len())).collect();
    assert_eq!(
        told,
        [
            (1_000_000, "Note Well/Privacy Policy.md", 25),
            (3_000_000, "Note Well/Privacy Policy.md", 34),
            (4_000_000, "Note Well/Terms of Service.md", 0),
        ]
    );
    assert!(all[1].2.starts_with(b"# Privacy\n\nWe sell"));
    assert_eq!(read(folder, None).expect("a history").len(), 4);
    assert!(!trap.exists(), "nothing of the folder's configuration ran");
    let nothing = read(folder, Some("Nobody")).expect_err("none").to_string();
    assert!(nothing.contains("no versions of terms of Nobody"), "{nothing}");
}

#[test]
fn a_folder_of_dated_files_is_a_history_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("Notewell/Privacy Policy");
    fs::create_dir_all(&policy).expect("a folder");
    fs::write(policy.join("2024-05-02.md"), "second").expect("written");
    fs::write(policy.join("2024-05-01.md"), "first").expect("written");
    fs::write(policy.join("notes.md"), "no date").expect("written");
    let all = read(folder.path(), Some("Notewell")).expect("a history");
    let told: Vec<&[u8]> = all.iter().map(|(.., bytes)| bytes.as_slice()).collect();
    assert_eq!(told, [b"first".as_slice(), b"second"]);
    assert!(all.iter().all(|(_, path, _)| path == "Notewell/Privacy Policy.md"));
    assert!(matches!(read(&policy.join("notes.md"), None), Err(HistoryError::NoFolder(_))));
    let empty = tempfile::tempdir().expect("a folder");
    assert!(matches!(read(empty.path(), None), Err(HistoryError::Nothing { .. })));
    fs::create_dir(empty.path().join(".git")).expect("a folder");
    assert!(matches!(read(empty.path(), None), Err(HistoryError::Git(_))), "a broken one is told");
}
