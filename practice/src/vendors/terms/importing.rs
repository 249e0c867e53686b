//! Histories that others kept, such as Open Terms Archive: read once, compared version by version, and kept with the digests
//! of every version and the words of the last. They are no checks: no consent becomes stale by what happened before.

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_ledger::{Fact, header::MAX_NUMBER};
use provenote_schemas::{Digest, Kind, Time};
use provenote_vendors::reading::{Document, looks_like_html};
use provenote_vendors::terms::{Step, TermsDiff, Turn, history, version_path};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::ports::ReadDocument;

/// The longest version, in bytes.
const LONGEST: usize = 12 << 20;

/// What a history holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermsImported {
    /// How many versions were read.
    pub versions: usize,
    /// What changed, by document, oldest first.
    pub changes: Vec<ImportedChange>,
    /// The entry.
    pub seq: u64,
}

/// A change between two versions of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportedChange {
    /// The document's path in the history, such as `Notewell/Privacy Policy.md`.
    pub path: String,
    /// Its type.
    pub terms_type: String,
    /// When the words before were last seen.
    pub from: Time,
    /// When the new ones were first seen.
    pub to: Time,
    /// When the words before were back, where that was soon: the change was a flip.
    pub flipped_back: Option<Time>,
    /// When these words had been first seen, where they are those of an earlier version.
    pub returned_to: Option<Time>,
    /// What changed; of a flip, in `unconfirmed`.
    pub diff: TermsDiff,
}

/// A version that was read.
#[derive(Debug, Serialize, Deserialize)]
struct Version {
    path: String,
    time: Time,
    /// Of its bytes.
    sha256: Digest,
}

/// A document's type, and its versions with their times (milliseconds since 1970).
type Versions<'a> = (String, Vec<(i64, &'a [u8])>);

/// What is sealed of it.
#[derive(Debug, Serialize, Deserialize)]
struct Imported {
    versions: Vec<Version>,
    changes: Vec<ImportedChange>,
}

impl ImportedChange {
    fn of(path: &str, terms_type: &str, step: Step) -> Self {
        let (flipped_back, returned_to) = match step.turn {
            Turn::Changed => (None, None),
            Turn::Flip { back } => (Some(Time::from_millis(back)), None),
            Turn::Returned { to } => (None, Some(Time::from_millis(to))),
        };
        Self {
            path: path.to_owned(),
            terms_type: terms_type.to_owned(),
            from: Time::from_millis(step.from),
            to: Time::from_millis(step.to),
            flipped_back,
            returned_to,
            diff: step.diff,
        }
    }
}

impl Practice {
    /// Takes a history over: versions with their times (milliseconds since 1970), their paths as Open Terms Archive names them
    /// (`Service/Privacy Policy.md`) and their bytes. `progress` is told how many of all are read.
    ///
    /// Markdown is read here; pages and files of other formats are read by `reader`.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for the company; [`PracticeError::BadRequest`] where no path is one of terms, a version
    /// cannot be read, or the same history was taken over before.
    pub fn import_terms(
        &mut self,
        actor: &Actor,
        vendor: &str,
        versions: &[(i64, String, Vec<u8>)],
        reader: &dyn ReadDocument,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<TermsImported, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let (vendor, _) = self.vendor_of(actor, vendor)?;
        let mut by_path: BTreeMap<String, Versions<'_>> = BTreeMap::new();
        for (time, path, bytes) in versions {
            if let Some((_, kind)) = version_path(path) {
                by_path.entry(path.clone()).or_insert_with(|| (kind.to_string(), Vec::new())).1.push((*time, bytes));
            }
        }
        let all: usize = by_path.values().map(|(_, versions)| versions.len()).sum();
        if all == 0 {
            return Err(PracticeError::BadRequest(
                "there is no version of terms in it: files of an archive are named `Service/Privacy Policy.md`"
                    .to_owned(),
            ));
        }
        let mut kept = Vec::new();
        for (path, (_, versions)) in &mut by_path {
            versions.sort_by_key(|(time, _)| *time);
            kept.extend(versions.iter().map(|(time, bytes)| Version {
                path: path.clone(),
                time: Time::from_millis(*time),
                sha256: Digest::of(bytes),
            }));
        }
        let digest = Digest::of(
            &provenote_schemas::canonical(&kept).map_err(|error| PracticeError::BadRequest(error.to_string()))?,
        )
        .to_string();
        let before = self.headers(Kind::TermsImported, &[("vendor", vendor.as_str())])?;
        if let Some(same) =
            before.iter().find(|header| header.facts.get("sha256").and_then(fact_text) == Some(digest.as_str()))
        {
            return Err(PracticeError::BadRequest(format!(
                "this history was taken over already, by entry {}: nothing in it is new",
                same.seq
            )));
        }
        let mut changes = Vec::new();
        let mut last_versions = Vec::new();
        let mut done = 0;
        for (path, (kind, versions)) in by_path {
            let mut trouble = None;
            let mut last = None;
            let documents = versions.into_iter().map_while(|(time, bytes)| {
                done += 1;
                progress(done, all);
                match read(bytes, reader) {
                    Ok(document) => {
                        last = Some(document.clone());
                        Some((time, document))
                    }
                    Err(why) => {
                        trouble = Some((time, why));
                        None
                    }
                }
            });
            let steps = history(documents);
            if let Some((time, why)) = trouble {
                let day = Time::from_millis(time).date();
                return Err(PracticeError::BadRequest(format!("the version of {path} of {day} was not read: {why}")));
            }
            changes.extend(steps.into_iter().map(|step| ImportedChange::of(&path, &kind, step)));
            last_versions.extend(last);
        }
        let group = self.practice_group()?;
        let count = |number: usize| Fact::Number(i64::try_from(number).unwrap_or(MAX_NUMBER));
        let sealed =
            self.seal_record(actor, &group, "steps", &Imported { versions: kept, changes: changes.clone() })?;
        let mut entry = self
            .entry(actor, Kind::TermsImported)
            .refer("vendor", &vendor)
            .fact("versions", count(all))
            .fact("changes", count(changes.len()))
            .fact("sha256", Fact::Text(digest))
            .payload(sealed);
        for (at, document) in last_versions.iter().enumerate() {
            entry = entry.payload(self.seal_record(actor, &group, &format!("version.{at}"), document)?);
        }
        let seq = self.append_one(actor, entry)?;
        Ok(TermsImported { versions: all, changes, seq })
    }

    /// The changes of all histories that were taken over for a company, in the order in which they were.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for the company; where a record cannot be read.
    pub fn imported_terms(&self, actor: &Actor, vendor: &str) -> Result<Vec<ImportedChange>, PracticeError> {
        actor.may_see_companies()?;
        let (vendor, _) = self.vendor_of(actor, vendor)?;
        let mut changes = Vec::new();
        for header in self.headers(Kind::TermsImported, &[("vendor", vendor.as_str())])? {
            let imported: Imported = self.open_record(actor, &header, "steps", "history of terms")?;
            changes.extend(imported.changes);
        }
        Ok(changes)
    }
}

/// Archives keep Markdown, which is plain text; whatever else came is opened where it can do no harm.
fn read(bytes: &[u8], reader: &dyn ReadDocument) -> Result<Document, String> {
    if bytes.len() > LONGEST {
        return Err(format!("it has more than {} MB", LONGEST >> 20));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("%PDF") && !looks_like_html(text) => Ok(Document::from_markdown(text)),
        _ => reader.read(bytes, None),
    }
}
