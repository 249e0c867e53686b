//! The manifest: what a bundle holds, what it holds back, and the digests of what nothing else proves.
//!
//! Its SHA-256 stands in the practice's ledger, in the entry `bundle.created`, which is itself in the bundle with a
//! proof: so the manifest is signed by the log, and what it lists cannot be changed afterwards by anybody.

use std::collections::BTreeMap;

use provenote_ledger::Hash;
use serde::{Deserialize, Serialize};

/// The format this code writes and reads.
pub const FORMAT: &str = "provenote-bundle/1";
/// The largest manifest that is read, in bytes.
pub const MAX_MANIFEST: usize = 32 << 20;
/// The most entries a bundle may hold: each takes two members, its disclosed payloads one each.
pub const MAX_ENTRIES: usize = 20_000;

/// What the practice was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scope {
    /// Everything of one client.
    Client {
        /// Pseudonym.
        id: String,
    },
    /// One session, and the consents it rests on.
    Session {
        /// Pseudonym.
        id: String,
    },
    /// One note, with its session and the consents it rests on.
    Note {
        /// Pseudonym.
        id: String,
    },
    /// Everything recorded in a period.
    Period {
        /// First moment, RFC 3339.
        from: String,
        /// Last moment, RFC 3339.
        to: String,
    },
}

impl Scope {
    /// What it is of, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Client { id } => format!("client {id}"),
            Self::Session { id } => format!("session {id}"),
            Self::Note { id } => format!("note {id}"),
            Self::Period { from, to } => format!("everything recorded from {from} to {to}"),
        }
    }
}

/// One of the practice's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEpoch {
    /// 1 for the first.
    pub epoch: u32,
    /// Checkpoints of at least this size are signed by this key, until the next epoch's size.
    pub from_size: u64,
    /// C2SP verifier key.
    pub vkey: String,
}

/// A payload that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// The entry it belongs to.
    pub seq: u64,
    /// Its name in the entry's header.
    pub name: String,
    /// The member that holds it.
    pub file: String,
    /// The key of its commitment, 64 hexadecimal digits: HMAC-SHA256 of the file under it is what the header says.
    pub key: Hash,
}

/// A payload that is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// The entry it belongs to.
    pub seq: u64,
    /// Its name in the entry's header.
    pub name: String,
    /// Its class in the entry's header.
    pub class: String,
    /// Why, in a word: `recording`, `psychotherapy_notes`, `part2`, `minimum_necessary`, `asked`, `not_entitled`,
    /// `destroyed`, `missing`.
    pub reason: String,
    /// Why, in a sentence.
    pub why: String,
    /// What that rests on in law, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub citation: Option<String>,
    /// How the citation was checked. Always there when a citation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<String>,
    /// The entry that records its destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destroyed_by: Option<u64>,
}

/// An entry of the scope that is not in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The entry.
    pub seq: u64,
    /// Why, in a sentence.
    pub why: String,
}

/// The manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The log's name.
    pub origin: String,
    /// When the bundle was made, RFC 3339.
    pub created: String,
    /// What it is of.
    pub scope: Scope,
    /// Every key that has signed the log, first to last.
    pub keys: Vec<KeyEpoch>,
    /// The entries in the bundle, ascending; the entry `bundle.created` comes after them and is not listed.
    pub entries: Vec<u64>,
    /// Payloads that are shown, in the order of their entries.
    pub disclosed: Vec<Shown>,
    /// Payloads that are not, in the order of their entries.
    pub withheld: Vec<Withheld>,
    /// Entries of the scope that are not in the bundle.
    pub left_out: Vec<LeftOut>,
    /// Sizes of earlier checkpoints for which the bundle proves that the log only grew, ascending.
    pub earlier: Vec<u64>,
    /// SHA-256 of the members that nothing else proves.
    pub files: BTreeMap<String, Hash>,
}

/// Why some bytes are no manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// More than [`MAX_MANIFEST`] bytes.
    #[error("the manifest is too large")]
    TooLarge,
    /// Not the JSON it should be.
    #[error("the manifest is not what a manifest is (line {line}, column {column})")]
    NotAManifest {
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
    },
    /// Valid JSON, written otherwise than RFC 8785 writes it.
    #[error("the manifest is not in its canonical form")]
    NotCanonical,
    /// Written by a newer program.
    #[error("the bundle is of another format than provenote-bundle/1: check it with a newer program")]
    Format,
    /// Numbers out of order, or more of them than a bundle holds.
    #[error("the manifest's {0} are out of order, come twice, or are too many")]
    Order(&'static str),
}

fn ascends<T: PartialOrd>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] < pair[1])
}

impl Manifest {
    /// Its one encoding: RFC 8785 JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Strings, whole numbers and maps with text keys always have a JSON form.
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError`] for anything but the exact bytes [`Manifest::encode`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLarge);
        }
        let this: Self = serde_json::from_slice(bytes)
            .map_err(|error| ManifestError::NotAManifest { line: error.line(), column: error.column() })?;
        if this.format != FORMAT {
            return Err(ManifestError::Format);
        }
        if this.encode() != bytes {
            return Err(ManifestError::NotCanonical);
        }
        if this.entries.is_empty() || this.entries.len() > MAX_ENTRIES || !ascends(&this.entries) {
            return Err(ManifestError::Order("entries"));
        }
        if !ascends(&this.earlier) || this.earlier.len() > 64 {
            return Err(ManifestError::Order("earlier checkpoints"));
        }
        Ok(this)
    }

    /// The names of the members, in the order of the container, when `created` is the position of `bundle.created`.
    #[must_use]
    pub fn members(&self, created: u64) -> Vec<String> {
        let mut names: Vec<String> =
            ["README.txt", "verify.html", "verify.py", "manifest.json", "checkpoint", "policy"]
                .map(str::to_owned)
                .into();
        names.extend(self.files.contains_key("report.pdf").then(|| "report.pdf".to_owned()));
        names.extend(self.earlier.iter().map(|size| format!("consistency/{size}.txt")));
        let entries = || self.entries.iter().copied().chain([created]);
        names.extend(entries().map(entry_name));
        names.extend(entries().map(proof_name));
        names.extend(self.disclosed.iter().map(|shown| shown.file.clone()));
        names
    }
}

/// The member that holds an entry.
#[must_use]
pub fn entry_name(seq: u64) -> String {
    format!("entries/{seq}.json")
}

/// The member that holds its proof.
#[must_use]
pub fn proof_name(seq: u64) -> String {
    format!("proofs/{seq}.tlog-proof")
}

/// The member that holds a disclosed payload: its ending follows from the media type.
#[must_use]
pub fn payload_name(seq: u64, name: &str, media_type: &str) -> String {
    let ending = match media_type.split(';').next().unwrap_or_default() {
        "application/json" => "json",
        "application/pdf" => "pdf",
        "image/png" => "png",
        "text/plain" => "txt",
        _ => "bin",
    };
    format!("payloads/{seq}-{name}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            origin: "provenote.local/0123456789abcdef".to_owned(),
            created: "2026-11-21T20:00:00.000Z".to_owned(),
            scope: Scope::Client { id: "cli-0123456789abcdef".to_owned() },
            keys: Vec::new(),
            entries: vec![0, 3, 7],
            disclosed: Vec::new(),
            withheld: vec![Withheld {
                seq: 3,
                name: "audio".to_owned(),
                class: "clinical".to_owned(),
                reason: "recording".to_owned(),
                why: "a “recording”\n".to_owned(),
                citation: None,
                verification: None,
                destroyed_by: Some(7),
            }],
            left_out: Vec::new(),
            earlier: vec![2],
            files: BTreeMap::from([("README.txt".to_owned(), Hash::of(b""))]),
        }
    }

    #[test]
    fn one_form_is_read() {
        let manifest = sample();
        let bytes = manifest.encode();
        assert_eq!(Manifest::parse(&bytes), Ok(manifest.clone()));
        let text = String::from_utf8(bytes).expect("text");
        for (from, to) in [
            ("\"entries\":[0,3,7]", "\"entries\":[0, 3,7]"),
            ("\"entries\":[0,3,7]", "\"entries\":[0,3.0,7]"),
            ("\"entries\":[0,3,7]", "\"entries\":[0,7,3]"),
            ("\"entries\":[0,3,7]", "\"entries\":[0,3,3]"),
            ("\"entries\":[0,3,7]", "\"entries\":[]"),
            ("\"earlier\":[2]", "\"earlier\":[2,1]"),
            ("\"left_out\":[]", "\"left_out\":[],\"more\":1"),
            ("provenote-bundle/1", "provenote-bundle/2"),
            ("\\n", "\\u000a"),
            ("“", "\\u201c"),
        ] {
            let bad = text.replacen(from, to, 1);
            assert_ne!(bad, text, "{from}");
            assert!(Manifest::parse(bad.as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(Manifest::parse(b"").is_err());
    }

    #[test]
    fn members_follow_from_the_manifest() {
        assert_eq!(
            sample().members(9),
            [
                "README.txt",
                "verify.html",
                "verify.py",
                "manifest.json",
                "checkpoint",
                "policy",
                "consistency/2.txt",
                "entries/0.json",
                "entries/3.json",
                "entries/7.json",
                "entries/9.json",
                "proofs/0.tlog-proof",
                "proofs/3.tlog-proof",
                "proofs/7.tlog-proof",
                "proofs/9.tlog-proof",
            ]
        );
        assert_eq!(payload_name(7, "form", "application/json"), "payloads/7-form.json");
        assert_eq!(payload_name(7, "audio", "audio/L16;rate=16000"), "payloads/7-audio.bin");
    }
}
