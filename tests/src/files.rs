//! Looking at folders as a stranger would: names, bytes, lengths.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Copies a folder with everything below it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for path in children(from) {
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

/// Every file below a folder.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if !folder.exists() {
        return found;
    }
    for path in children(folder) {
        // Another process may remove a file between the listing and the look at it.
        let Ok(data) = fs::symlink_metadata(&path) else { continue };
        if data.is_dir() {
            found.extend(files(&path));
        } else if !data.file_type().is_socket() {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The bytes of all files below a folder together.
#[must_use]
pub fn bytes_in(folder: &Path) -> u64 {
    files(folder).iter().filter_map(|file| fs::metadata(file).ok()).map(|data| data.len()).sum()
}

/// Every file below a folder with its contents.
#[must_use]
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|file| (file.clone(), fs::read(&file).expect("a file"))).collect()
}

/// Where a needle stands in some bytes.
#[must_use]
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}

/// The files below a folder that hold a word in UTF-8 or UTF-16, in any case of its ASCII letters, in their bytes or names.
#[must_use]
pub fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let lower = word.to_lowercase().into_bytes();
    let wide: Vec<u8> = lower.iter().flat_map(|byte| [*byte, 0]).collect();
    let holds = |bytes: &[u8]| {
        let bytes = bytes.to_ascii_lowercase();
        find(&bytes, &lower).is_some() || find(&bytes, &wide).is_some()
    };
    contents(folder)
        .into_iter()
        .filter(|(path, bytes)| {
            holds(bytes) || holds(path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes())
        })
        .map(|(path, _)| path)
        .collect()
}

/// The words of a PDF in reading order, white space as one space, read with poppler's `pdftotext`.
#[must_use]
pub fn pdf_words(path: &Path) -> String {
    let read = std::process::Command::new("pdftotext").arg(path).arg("-").output();
    let read = read.unwrap_or_else(|error| panic!("pdftotext cannot run ({error}): install poppler-utils"));
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    String::from_utf8(read.stdout).expect("UTF-8").split_whitespace().collect::<Vec<_>>().join(" ")
}
