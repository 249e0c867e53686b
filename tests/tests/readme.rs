//! The README's example session, run as it stands there.
//!
//! A line that begins with `$ ` is run by `sh`; the lines below it must be printed, in this order. `…` stands for
//! anything, alone on a line for any lines. In a command `ses-…`, `note-…`, `usr-…` and `cli-…` stand for the newest such id
//! that was printed. A line that begins with `provenote: ` is an error, and the command must fail.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use provenote_tests::{Place, program, root};

struct Step {
    command: String,
    expected: Vec<String>,
}

fn blocks(readme: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in readme.lines() {
        match (&mut open, line) {
            (None, line) if line == format!("```{language}") => open = Some(String::new()),
            (Some(_), "```") => found.extend(open.take()),
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    found
}

fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks(readme, "console") {
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                steps.push(Step { command: command.to_owned(), expected: Vec::new() });
            } else {
                steps.last_mut().expect("output follows a command").expected.push(line.to_owned());
            }
        }
    }
    steps
}

/// Whether a line is what was expected, `…` standing for anything.
fn fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    // Where the pattern does not end in `…`, neither may the line go on.
    rest.is_empty() || last == Some("")
}

/// Remembers the newest id of each kind.
fn remember(ids: &mut BTreeMap<String, String>, printed: &str) {
    for word in printed.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        if let Some((prefix, random)) = word.split_once('-')
            && ["cli", "ses", "note", "con", "usr"].contains(&prefix)
            && random.len() == 16
        {
            ids.insert(prefix.to_owned(), word.to_owned());
        }
    }
}

#[test]
fn the_example_session_works_as_written() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let place = Place::new();
    fs::copy(root().join("fixtures/demo/short.flac"), place.work().join("session.flac")).expect("a recording");
    for file in ["cloudscribe-baa.md", "privacy-2025.html", "privacy-2026.html"] {
        fs::copy(root().join("fixtures/vendors").join(file), place.work().join(file)).expect("a document of a company");
    }
    let edited = blocks(&readme, "markdown").pop().expect("an edited draft");
    fs::write(place.work().join("edited.md"), edited).expect("a file");
    let environment: Vec<_> = place
        .command(&[])
        .get_envs()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value.to_owned())))
        .collect();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program().parent().expect("a folder").display());
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let steps = steps(&readme);
    assert!(steps.len() > 10, "the README has an example session");
    for step in steps {
        let mut command = step.command.clone();
        for (prefix, id) in &ids {
            command = command.replace(&format!("{prefix}-…"), id);
        }
        assert!(!command.contains('…'), "{command}: no such id was printed");
        let output = Command::new("sh")
            .args(["-c", &format!("{command} 2>&1")])
            .current_dir(place.work())
            .env_clear()
            .envs(environment.iter().cloned())
            .env("PATH", &path)
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        remember(&mut ids, &printed);
        let fails = step.expected.iter().any(|line| line.starts_with("provenote: "));
        assert_eq!(output.status.success(), !fails, "{command}\n{printed}");
        let mut lines = printed.lines();
        let mut any = false;
        for expected in &step.expected {
            if expected == "…" {
                any = true;
                continue;
            }
            let fitting = if any {
                lines.find(|line| fits(expected, line))
            } else {
                lines.find(|line| !line.is_empty()).filter(|line| fits(expected, line))
            };
            assert!(fitting.is_some(), "{command}\nexpected: {expected}\nprinted:\n{printed}");
            any = false;
        }
    }
}

#[test]
fn every_command_the_readme_names_exists() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let place = Place::new();
    let table = readme
        .lines()
        .skip_while(|line| *line != "| command | does |")
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut seen = 0;
    for line in table {
        let cell = line.split('|').nth(1).expect("a cell").replace('`', "");
        let mut group = String::new();
        for words in cell.split(',') {
            let words: Vec<&str> = words.split_whitespace().collect();
            // `client add`, `list`: the second stands in the first one's group, unless it is a command of its own.
            let args: Vec<&str> = match words.as_slice() {
                [first, .., last] if words.len() > 1 => {
                    group = words[..words.len() - 1].join(" ");
                    let _ = (first, last);
                    words.clone()
                }
                _ => group.split_whitespace().chain(words.iter().copied()).collect(),
            };
            place.done(&[&args[..], &["--help"]].concat());
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn the_documents_promise_nothing_they_cannot() {
    for name in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"] {
        let words = fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let lower = words.to_lowercase();
        for promise in ["hipaa compliant", "hipaa-compliant", "tamper-proof", "unbreakable", "military"] {
            assert!(!lower.contains(promise), "{name} says {promise}");
        }
        for place in ["/work/", "/root/", "/tmp/", "crates.io", "pypi.org"] {
            assert!(!words.contains(place), "{name} names {place}");
        }
        // A citation carries how it was verified.
        for line in words.lines().filter(|line| line.contains(" CFR ") || line.contains(" U.S.C. ")) {
            assert!(line.contains("verified"), "{name}: a citation without its mark: {line}");
        }
        for link in
            words.split("](").skip(1).filter_map(|rest| rest.split(')').next()).filter(|link| !link.contains("://"))
        {
            assert!(root().join(link).exists(), "{name} links to {link}, which is not there");
        }
    }
}
