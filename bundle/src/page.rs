//! The verifiers and the README that travel in every bundle.
//!
//! The page is one file: style and scripts stand in it, allowed by their SHA-256 in its Content-Security-Policy, which
//! allows nothing else: no network, no frame, no script that a disclosed text might smuggle in.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_ledger::Hash;

use crate::write::Contents;

/// The verifier in Python.
pub const PYTHON: &str = include_str!("../verifiers/verify.py");

const PAGE: &str = include_str!("../verifiers/page.html");
const STYLE: &str = include_str!("../verifiers/page.css");
const CHECK: &str = include_str!("../verifiers/check.js");
const SHOW: &str = include_str!("../verifiers/show.js");
const README: &str = include_str!("../verifiers/README.txt");

static HTML: LazyLock<String> = LazyLock::new(|| {
    let mut page = PAGE.to_owned();
    for (name, part) in [("STYLE", STYLE), ("CHECK", CHECK), ("SHOW", SHOW)] {
        let part = part.trim_end();
        let digest = format!("'sha256-{}'", BASE64.encode(Hash::of(part.as_bytes()).0));
        page = page.replace(&format!("{{{{{name}-DIGEST}}}}"), &digest).replace(&format!("{{{{{name}}}}}"), part);
    }
    page
});

/// The verifier for browsers.
#[must_use]
pub fn html() -> &'static str {
    &HTML
}

/// The README of a bundle.
pub(crate) fn readme(contents: &Contents) -> String {
    let keys: String = contents.keys.iter().map(|key| format!("    {}\n", key.vkey)).collect();
    README
        .replace("{{SCOPE}}", &contents.scope.in_words())
        .replace("{{CREATED}}", &contents.created)
        .replace("{{ENTRIES}}", &(contents.entries.len() + 1).to_string())
        .replace("{{SHOWN}}", &contents.disclosed.len().to_string())
        .replace("{{WITHHELD}}", &contents.withheld.len().to_string())
        .replace("{{KEYS}}", keys.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_one_file_that_loads_nothing() {
        let page = html();
        assert!(!page.contains("{{"), "every part is put in");
        for part in [STYLE, CHECK, SHOW] {
            assert!(page.contains(part.trim_end()));
            assert!(!part.contains("</script") && !part.contains("</style"), "a part must not end its own element");
        }
        for word in ["http://", "https://", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "innerHTML", "eval("]
        {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn the_python_verifier_stays_a_page_or_three() {
        let lines = PYTHON.lines().count();
        assert!(lines <= 150, "{lines} lines; at most 150 are promised");
        let longest = PYTHON.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(longest <= 160, "a line of {longest} characters");
        let imports: Vec<&str> =
            PYTHON.lines().filter(|line| line.starts_with("import ") || line.starts_with("from ")).collect();
        let known = ["import base64, hashlib, hmac, json, re, struct, sys, zlib"];
        assert!(
            imports.iter().all(|line| known.contains(line) || line.starts_with("from cryptography.")),
            "{imports:?}"
        );
    }
}
