//! The labelled pairs of `fixtures/terms`, made from their bases, edits and changes of form.

use std::collections::BTreeMap;

use provenote_vendors::reading::Document;
use provenote_vendors::terms::{Direction, TermsDiff};
use serde::Deserialize;

const PAIRS: &str = include_str!("../../fixtures/terms/pairs.yaml");
const BASES: [(&str, &str); 3] = [
    ("scribe-privacy.md", include_str!("../../fixtures/terms/scribe-privacy.md")),
    ("clinicdesk-terms.md", include_str!("../../fixtures/terms/clinicdesk-terms.md")),
    ("notewell-policy.md", include_str!("../../fixtures/terms/notewell-policy.md")),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    find: String,
    put: String,
}

#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reshape {
    Duplicate,
    Reorder,
    Typography,
    Whitespace,
    Links,
    Numbering,
    FirstThird,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pair {
    pub(crate) id: String,
    pub(crate) part: String,
    base: String,
    #[serde(default)]
    edits: Vec<Edit>,
    #[serde(default)]
    replace_all: Vec<(String, String)>,
    #[serde(default)]
    reshape: Vec<Reshape>,
    #[serde(default)]
    whole: Option<String>,
    pub(crate) direction: Direction,
    #[serde(default)]
    pub(crate) types: Vec<String>,
    #[serde(default)]
    pub(crate) quote: String,
}

#[derive(Deserialize)]
struct Pairs {
    pairs: Vec<Pair>,
}

pub(crate) fn bases() -> BTreeMap<&'static str, &'static str> {
    BASES.into_iter().collect()
}

pub(crate) fn pairs() -> Vec<Pair> {
    serde_saphyr::from_str::<Pairs>(PAIRS).expect("pairs.yaml is read").pairs
}

impl Pair {
    pub(crate) fn texts(&self) -> (String, String) {
        let old = bases()[self.base.as_str()].to_owned();
        let mut new = self.whole.clone().unwrap_or_else(|| old.clone());
        for edit in &self.edits {
            assert_eq!(new.matches(&edit.find).count(), 1, "{}: `{}` stands once", self.id, edit.find);
            new = new.replacen(&edit.find, &edit.put, 1);
        }
        for (find, put) in &self.replace_all {
            assert!(new.contains(find), "{}: `{find}`", self.id);
            new = new.replace(find, put);
        }
        for shape in &self.reshape {
            new = reshape(&new, *shape);
        }
        assert_ne!(old, new, "{}", self.id);
        (old, new)
    }

    /// What is wrong with a result; empty when all is right.
    pub(crate) fn faults(&self, diff: &TermsDiff) -> Vec<String> {
        let mut out = Vec::new();
        if diff.direction != self.direction {
            out.push(format!("direction {:?} instead of {:?}", diff.direction, self.direction));
        }
        if !self.types.is_empty() && !diff.changes.iter().any(|change| self.types.contains(&change.kind)) {
            out.push(format!("none of {:?}", self.types));
        }
        let quoted = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&self.quote);
        if !diff.changes.is_empty()
            && !diff.changes.iter().any(|change| quoted(&change.old_quote) || quoted(&change.new_quote))
        {
            out.push(format!("`{}` is not quoted", self.quote));
        }
        out
    }
}

/// Parts of a Markdown text that can change places: its beginning, then each second-level heading with what follows.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in text.lines() {
        if line.starts_with("## ") {
            parts.push(String::new());
        }
        let part = parts.last_mut().expect("one at least");
        part.push_str(line);
        part.push('\n');
    }
    parts
}

/// A change of form.
pub(crate) fn reshape(text: &str, shape: Reshape) -> String {
    match shape {
        Reshape::Duplicate => format!("{text}\n\n{text}"),
        Reshape::Reorder => {
            let mut parts = parts(text);
            parts[1..].reverse();
            parts.concat()
        }
        Reshape::Typography => text.replace('\'', "’").replace(" - ", " – ").replace("(\"", "(“").replace("\")", "”)"),
        Reshape::Whitespace => text.replace(". ", ".\u{a0} ").replace("\n\n", "\n \n\n").replace(", ", ",  "),
        Reshape::Links => {
            text.replace("the service", "[the service](https://elsewhere.example/x?y=1)").replace("](#", "](/p#")
        }
        Reshape::Numbering => text
            .lines()
            .map(|line| line.replacen("- ", "* ", usize::from(line.starts_with("- "))) + "\n")
            .collect::<String>(),
        Reshape::FirstThird => {
            let parts = parts(text);
            parts[..parts.len() / 3].concat()
        }
    }
}

/// Every quote stands at its position, counted in characters.
pub(crate) fn misplaced(diff: &TermsDiff, old: &Document, new: &Document) -> Vec<String> {
    let at = |document: &Document, start: Option<usize>, end: Option<usize>| -> String {
        match (start, end) {
            (Some(start), Some(end)) => document.text.chars().skip(start).take(end.saturating_sub(start)).collect(),
            _ => String::new(),
        }
    };
    let mut out = Vec::new();
    for change in diff.changes.iter().chain(&diff.unconfirmed) {
        if at(old, change.old_start, change.old_end) != change.old_quote {
            out.push(change.old_quote.clone());
        }
        if at(new, change.new_start, change.new_end) != change.new_quote {
            out.push(change.new_quote.clone());
        }
        if change.old_quote.is_empty() && change.new_quote.is_empty() && change.kind != "fetch_artifact" {
            out.push(format!("no quote for {}", change.kind));
        }
    }
    for passage in &diff.stays {
        if at(new, Some(passage.start), Some(passage.end)) != passage.quote {
            out.push(passage.quote.clone());
        }
    }
    out
}
