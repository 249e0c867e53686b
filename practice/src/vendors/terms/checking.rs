//! A check: ask, read, compare with the version before, keep.
//!
//! That the network is asked is an entry before it is. What came is one entry for each document, appended only where the
//! version it was compared with is still the last: of two checks at once, the second compares anew. Whatever breaks in
//! between, what was kept before stays as it was.

use provenote_access::Act;
use provenote_ledger::{AppendError, Fact, Header, NewEntry, StoreError};
use provenote_schemas::disclosure::TermsWorsened;
use provenote_schemas::{Digest, Kind, TermsId, VendorId};
use provenote_vendors::fetching::{Fetch, FetchError, is_file};
use provenote_vendors::reading::{Block, Document};
use provenote_vendors::terms::{Change, Direction, TermsDiff, Turn, diff, history};
use serde::{Deserialize, Serialize};

use super::{ATTEMPTS, Source, open_check, outcome_of};
use crate::act::{Actor, Practice, fact_text, payload};
use crate::error::PracticeError;
use crate::ports::ReadDocument;

/// What came of a check of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsOutcome {
    /// Its first version: there is nothing to compare it with.
    First,
    /// The same, to the letter.
    Unchanged,
    /// Another form of the same words.
    FormOnly,
    /// Other words.
    Changed,
    /// The words of an earlier version.
    CameBack,
    /// Somebody kept the page from the program, or what came may be no version; what it says is not known.
    Blocked,
    /// Nothing came, or nothing that can be read.
    Failed,
}

impl TermsOutcome {
    const ALL: [Self; 7] =
        [Self::First, Self::Unchanged, Self::FormOnly, Self::Changed, Self::CameBack, Self::Blocked, Self::Failed];

    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Unchanged => "unchanged",
            Self::FormOnly => "form_only",
            Self::Changed => "changed",
            Self::CameBack => "came_back",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether the words were had.
    #[must_use]
    pub const fn is_read(self) -> bool {
        !matches!(self, Self::Blocked | Self::Failed)
    }

    /// Whether it was the first time that these words stood there, or they stood there anew.
    const fn is_wording(self) -> bool {
        matches!(self, Self::First | Self::Changed | Self::CameBack)
    }
}

/// What a check of one document found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TermsChecked {
    /// The company's name.
    pub vendor: String,
    /// The company's id.
    pub vendor_id: VendorId,
    /// The document.
    pub source: TermsId,
    /// Its type.
    pub terms_type: String,
    /// Where it was had from.
    pub address: String,
    /// What came of it.
    pub outcome: TermsOutcome,
    /// Whom the change serves; none where nothing was compared.
    pub direction: Option<Direction>,
    /// The change from the version before, or the one that is not believed yet.
    pub diff: Option<TermsDiff>,
    /// Why nothing could be compared: one sentence.
    pub why: Option<String>,
    /// After how long the words came back, in milliseconds since they had changed.
    pub came_back_after_ms: Option<i64>,
    /// How the document stands worse after it.
    pub worsened: Option<TermsWorsened>,
    /// The entry.
    pub seq: u64,
    /// An audit of the company is stale by it.
    pub audit_stale: bool,
    /// Consents that tell of the company are stale by it.
    pub consents_stale: bool,
}

/// What is sealed of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CheckRecord {
    terms_type: String,
    /// Every address, with where it led.
    asked: Vec<Asked>,
    /// Why nothing could be compared, or why the outcome is not believed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) diff: Option<TermsDiff>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) worsened: Option<TermsWorsened>,
}

/// An address that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    address: String,
    /// The addresses on the way, the last being where it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    way: Vec<String>,
    status: Option<u16>,
    network: bool,
    /// SHA-256 of what came.
    sha256: Option<Digest>,
}

/// What came of asking for all parts of a document.
struct Gathered {
    asked: Vec<Asked>,
    document: Result<Document, (TermsOutcome, String)>,
}

impl Gathered {
    fn network(&self) -> bool {
        self.asked.iter().any(|asked| asked.network)
    }

    /// The status of the last answer.
    fn status(&self) -> Option<u16> {
        self.asked.iter().rev().find_map(|asked| asked.status)
    }
}

/// What was decided of what came.
#[derive(Clone)]
struct Judged {
    outcome: TermsOutcome,
    direction: Option<Direction>,
    diff: Option<TermsDiff>,
    why: Option<String>,
    came_back_after_ms: Option<i64>,
    /// The entry of the version it was compared with.
    compared_with: Option<u64>,
    /// After this check; `None` where it says nothing of it.
    standing: Option<Standing>,
    /// Whether clients were not told of it before.
    is_news: bool,
}

/// Whether a document stands worse.
#[derive(Clone)]
struct Standing {
    worsened: Option<TermsWorsened>,
    /// The entry of the version before it became so.
    baseline: Option<u64>,
}

impl Judged {
    fn plain(outcome: TermsOutcome) -> Self {
        Self {
            outcome,
            direction: None,
            diff: None,
            why: None,
            came_back_after_ms: None,
            compared_with: None,
            standing: None,
            is_news: false,
        }
    }
}

/// All that is known of a document before a check.
struct Known {
    checks: Vec<Header>,
    settled: Option<u64>,
}

impl Known {
    /// What a decision rests on.
    fn basis(&self) -> (Option<u64>, Option<u64>) {
        (self.checks.last().map(|check| check.seq), self.settled)
    }

    fn versions(&self) -> impl DoubleEndedIterator<Item = &Header> {
        self.checks.iter().filter(|check| payload(check, "version").is_some())
    }

    /// Versions whose words differ from those before.
    fn wordings(&self) -> impl DoubleEndedIterator<Item = &Header> {
        self.versions().filter(|check| outcome_of(check).is_some_and(TermsOutcome::is_wording))
    }
}

fn sha256_of(check: &Header) -> Option<&str> {
    check.facts.get("sha256").and_then(fact_text)
}

impl Practice {
    /// Asks for everything that is watched, of one company or of all, reads it and compares it with the version before.
    /// `on_source` is told which document of how many is asked for.
    ///
    /// Only the addresses listed are asked for, and where they lead; the entry `terms.asked` says so before.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where nothing is watched; [`PracticeError::NotFound`] for the company; where the ledger
    /// cannot be written. What was found until then is kept. A page that cannot be had is no error but an outcome.
    pub fn check_terms(
        &mut self,
        actor: &Actor,
        vendor: Option<&str>,
        fetch: &dyn Fetch,
        reader: &dyn ReadDocument,
        on_source: &mut dyn FnMut(usize, usize, &str),
    ) -> Result<Vec<TermsChecked>, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let vendor = vendor.map(|vendor| self.vendor_of(actor, vendor)).transpose()?.map(|(id, _)| id);
        let sources = self.sources(actor, vendor.as_ref().map(VendorId::as_str))?;
        if sources.is_empty() {
            return Err(PracticeError::BadRequest(
                "no terms are watched here: begin with `provenote terms track VENDOR ADDRESS`".to_owned(),
            ));
        }
        self.announce(actor, &sources)?;
        let mut checked = Vec::new();
        for (at, source) in sources.iter().enumerate() {
            let label = format!("{}: {}", source.vendor_name, source.watched.terms.kind);
            on_source(at, sources.len(), &label);
            let gathered = gather(source, fetch, reader);
            checked.push(self.keep(actor, source, &gathered)?);
        }
        Ok(checked)
    }

    /// The entry that the network is asked, before it is; none where only files are read.
    fn announce(&mut self, actor: &Actor, sources: &[Source]) -> Result<(), PracticeError> {
        let addresses: Vec<&str> =
            sources.iter().flat_map(Source::addresses).filter(|address| !is_file(address)).collect();
        if addresses.is_empty() {
            return Ok(());
        }
        let group = self.practice_group()?;
        let count = i64::try_from(addresses.len()).unwrap_or(i64::MAX);
        let sealed = self.seal_record(actor, &group, "addresses", &addresses)?;
        let entry = self
            .entry(actor, Kind::TermsAsked)
            .fact("network", Fact::Flag(true))
            .fact("addresses", Fact::Number(count))
            .payload(sealed);
        self.append_one(actor, entry)?;
        Ok(())
    }

    /// Compares what came with what is kept, and appends what that gives.
    fn keep(&mut self, actor: &Actor, source: &Source, gathered: &Gathered) -> Result<TermsChecked, PracticeError> {
        let mut made: Option<(_, Judged, NewEntry)> = None;
        for _ in 0..ATTEMPTS {
            let size = self.log.size()?;
            let known = Known {
                checks: self.headers(Kind::TermsChecked, &[("source", source.id.as_str())])?,
                settled: self.last_settled(&source.vendor)?,
            };
            // Entries of others change nothing of the decision.
            let (basis, judged, entry) = match made.take() {
                Some((basis, judged, entry)) if basis == known.basis() => (basis, judged, entry),
                _ => {
                    let judged = self.judged_terms(actor, &known, gathered)?;
                    let entry = self.checked_entry(actor, source, gathered, &judged)?;
                    (known.basis(), judged, entry)
                }
            };
            match self.append_if(actor, size, vec![entry.clone()]) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {
                    made = Some((basis, judged, entry));
                }
                done => {
                    let seq = done?.first().copied().unwrap_or_default();
                    return self.told(source, judged, seq);
                }
            }
        }
        Err(StoreError::Busy.into())
    }

    fn told(&self, source: &Source, judged: Judged, seq: u64) -> Result<TermsChecked, PracticeError> {
        let worse = matches!(judged.direction, Some(Direction::Worse | Direction::Mixed));
        let audited = || self.headers(Kind::VendorAudited, &[("vendor", source.vendor.as_str())]);
        let audit_stale = worse && !audited()?.is_empty();
        let consents_stale = judged.is_news && self.anybody_agreed_since(&source.vendor)?;
        Ok(TermsChecked {
            vendor: source.vendor_name.clone(),
            vendor_id: source.vendor.clone(),
            source: source.id.clone(),
            terms_type: source.watched.terms.kind.to_string(),
            address: source.address(),
            outcome: judged.outcome,
            direction: judged.direction,
            diff: judged.diff,
            why: judged.why,
            came_back_after_ms: judged.came_back_after_ms,
            worsened: judged.standing.and_then(|standing| standing.worsened),
            seq,
            audit_stale,
            consents_stale,
        })
    }

    /// Whether somebody signed a form that was made since the company is on record, and so tells of it.
    fn anybody_agreed_since(&self, vendor: &VendorId) -> Result<bool, PracticeError> {
        let Some(added) = self.one(Kind::VendorAdded, &[("vendor", vendor.as_str())])? else { return Ok(false) };
        let granted = self.headers(Kind::ConsentGranted, &[])?;
        let made = self.headers(Kind::ConsentRequested, &[])?;
        Ok(made.iter().filter(|form| form.seq > added.seq).any(|form| {
            let consent = form.refs.get("consent");
            consent.is_some() && granted.iter().any(|grant| grant.refs.get("consent") == consent)
        }))
    }

    fn judged_terms(&self, actor: &Actor, known: &Known, gathered: &Gathered) -> Result<Judged, PracticeError> {
        let document = match &gathered.document {
            Ok(document) => document,
            Err((outcome, why)) => return Ok(Judged { why: Some(why.clone()), ..Judged::plain(*outcome) }),
        };
        let Some(last) = known.versions().next_back() else {
            return Ok(Judged {
                standing: Some(Standing { worsened: None, baseline: None }),
                ..Judged::plain(TermsOutcome::First)
            });
        };
        let digest = Digest::of(document.text.as_bytes()).to_string();
        let compared_with = Some(last.seq);
        if sha256_of(last) == Some(digest.as_str()) {
            return Ok(Judged { compared_with, ..Judged::plain(TermsOutcome::Unchanged) });
        }
        let before = self.version(actor, last)?;
        let mut found = diff(&before, document);
        if found.sentences_changed == 0 {
            return Ok(Judged { compared_with, ..Judged::plain(TermsOutcome::FormOnly) });
        }
        let came_back_after_ms = self.came_back(actor, known, &before, document, &digest)?;
        let mut why = found.caution.clone();
        if came_back_after_ms.is_none() && found.caution.is_some() {
            // What may be no version has to be there twice.
            let seen_twice = known.checks.last().is_some_and(|check| {
                payload(check, "unconfirmed").is_some() && sha256_of(check) == Some(digest.as_str())
            });
            if !seen_twice {
                let why = Some(format!(
                    "what came may not be the document ({}), so it is not taken for a new version until another check gets the same",
                    found.caution.as_deref().unwrap_or_default().trim_end_matches('.')
                ));
                let judged = Judged::plain(TermsOutcome::Blocked);
                return Ok(Judged { compared_with, diff: Some(found), why, ..judged });
            }
            found.changes = std::mem::take(&mut found.unconfirmed);
            found.direction = together(&found.changes);
            found.caution = None;
            why = None;
        }
        let standing = self.standing_after(actor, known, last, document, &found)?;
        let told = self.told_before(actor, known)?;
        let is_news = standing.worsened.as_ref().is_some_and(|now| {
            now.what.iter().any(|words| !told.as_ref().is_some_and(|told| told.what.contains(words)))
        });
        Ok(Judged {
            outcome: if came_back_after_ms.is_some() { TermsOutcome::CameBack } else { TermsOutcome::Changed },
            direction: Some(found.direction),
            diff: Some(found),
            why,
            came_back_after_ms,
            compared_with,
            standing: Some(standing),
            is_news,
        })
    }

    /// After how long the words are back at those of an earlier version, if they are.
    fn came_back(
        &self,
        actor: &Actor,
        known: &Known,
        before: &Document,
        document: &Document,
        digest: &str,
    ) -> Result<Option<i64>, PracticeError> {
        let mut wordings = known.wordings().rev();
        let Some(last) = wordings.next() else { return Ok(None) };
        let now = self.clock.now().millis();
        let after = Some(now.saturating_sub(last.time).max(0));
        // Those just before may differ in form.
        if let Some(earlier) = wordings.next() {
            let versions =
                [(earlier.time, self.version(actor, earlier)?), (last.time, before.clone()), (now, document.clone())];
            if history(versions).last().is_some_and(|step| step.turn != Turn::Changed) {
                return Ok(after);
            }
        }
        let first = last.seq;
        let seen = known.versions().any(|check| check.seq < first && sha256_of(check) == Some(digest));
        Ok(after.filter(|_| seen))
    }

    /// What stood open before this check.
    fn told_before(&self, actor: &Actor, known: &Known) -> Result<Option<TermsWorsened>, PracticeError> {
        let open = open_check(&known.checks, known.settled);
        Ok(open.map(|check| self.worsened_in(actor, check)).transpose()?.flatten())
    }

    /// Whether the document stands worse after a change: than before it became worse, or than the version before.
    fn standing_after(
        &self,
        actor: &Actor,
        known: &Known,
        last: &Header,
        document: &Document,
        found: &TermsDiff,
    ) -> Result<Standing, PracticeError> {
        let open = open_check(&known.checks, known.settled);
        let before = self.told_before(actor, known)?;
        let baseline = open.and_then(|check| match check.facts.get("baseline") {
            Some(Fact::Number(seq)) => u64::try_from(*seq).ok(),
            _ => None,
        });
        let mut what: Vec<String> = Vec::new();
        let mut since = None;
        if let Some(version) = known.versions().find(|check| Some(check.seq) == baseline) {
            let whole = diff(&self.version(actor, version)?, document);
            let changes = if whole.caution.is_some() { &whole.unconfirmed } else { &whole.changes };
            let direction = if whole.caution.is_some() { together(changes) } else { whole.direction };
            if matches!(direction, Direction::Worse | Direction::Mixed) {
                what = worse_words(changes);
                since = baseline;
            }
        }
        if matches!(found.direction, Direction::Worse | Direction::Mixed) {
            let new: Vec<String> =
                worse_words(&found.changes).into_iter().filter(|words| !what.contains(words)).collect();
            what.extend(new);
            since = since.or(Some(last.seq));
        }
        if what.is_empty() {
            return Ok(Standing { worsened: None, baseline: None });
        }
        // The day on which the last of it was found.
        let on = before
            .filter(|before| what.iter().all(|words| before.what.contains(words)))
            .map_or_else(|| self.clock.now().date(), |before| before.on);
        Ok(Standing { worsened: Some(TermsWorsened { on, what }), baseline: since })
    }

    fn version(&self, actor: &Actor, check: &Header) -> Result<Document, PracticeError> {
        self.open_record(actor, check, "version", "version of terms")
    }

    fn checked_entry(
        &mut self,
        actor: &Actor,
        source: &Source,
        gathered: &Gathered,
        judged: &Judged,
    ) -> Result<NewEntry, PracticeError> {
        let group = self.practice_group()?;
        let record = CheckRecord {
            terms_type: source.watched.terms.kind.to_string(),
            asked: gathered.asked.clone(),
            why: judged.why.clone(),
            diff: judged.diff.clone(),
            worsened: judged.standing.as_ref().and_then(|standing| standing.worsened.clone()),
        };
        let sealed = self.seal_record(actor, &group, "check", &record)?;
        let mut entry = self
            .entry(actor, Kind::TermsChecked)
            .refer("vendor", &source.vendor)
            .refer("source", &source.id)
            .fact("outcome", Fact::Text(judged.outcome.as_str().to_owned()))
            .fact("network", Fact::Flag(gathered.network()))
            .payload(sealed);
        let number = |number: u64| Fact::Number(i64::try_from(number).unwrap_or(i64::MAX));
        if let Some(status) = gathered.status() {
            entry = entry.fact("status", Fact::Number(i64::from(status)));
        }
        if let Some(direction) = judged.direction {
            entry = entry.fact("direction", Fact::Text(word(direction).to_owned()));
        }
        if let Some(seq) = judged.compared_with {
            entry = entry.fact("compared_with", number(seq));
        }
        if let Some(after) = judged.came_back_after_ms {
            entry = entry.fact("came_back_after_ms", Fact::Number(after));
        }
        if let Some(standing) = &judged.standing {
            entry = entry.fact("worsened", Fact::Flag(standing.worsened.is_some()));
            if let Some(baseline) = standing.baseline {
                entry = entry.fact("baseline", number(baseline));
            }
        }
        if let Ok(document) = &gathered.document {
            entry = entry.fact("sha256", Fact::Text(Digest::of(document.text.as_bytes()).to_string()));
            let kept = match judged.outcome {
                TermsOutcome::Unchanged | TermsOutcome::Failed => None,
                TermsOutcome::Blocked => Some("unconfirmed"),
                _ => Some("version"),
            };
            if let Some(name) = kept {
                entry = entry.payload(self.seal_record(actor, &group, name, document)?);
            }
        }
        Ok(entry)
    }
}

/// Asks for all parts of a document and reads them.
fn gather(source: &Source, fetch: &dyn Fetch, reader: &dyn ReadDocument) -> Gathered {
    let mut asked = Vec::new();
    let mut parts = Vec::new();
    for part in &source.watched.terms.sources {
        let mut one = Asked {
            address: part.fetch.clone(),
            way: Vec::new(),
            status: None,
            network: !is_file(&part.fetch),
            sha256: None,
        };
        let read = match fetch.get(&part.fetch) {
            Ok(got) => {
                one.status = got.status;
                one.network = got.network;
                if !got.redirects.is_empty() {
                    one.way = got.redirects.iter().skip(1).chain([&got.address]).cloned().collect();
                }
                one.sha256 = Some(Digest::of(&got.bytes));
                reader.read(&got.bytes, Some(part)).map_err(|why| (TermsOutcome::Failed, why))
            }
            Err(FetchError::Blocked { status, why }) => {
                one.status = status;
                Err((TermsOutcome::Blocked, why))
            }
            Err(FetchError::Failed { status, why }) => {
                one.status = status;
                Err((TermsOutcome::Failed, why))
            }
        };
        asked.push(one);
        match read {
            Ok(document) => parts.push(document),
            // One part alone is not the document.
            Err(failure) => return Gathered { asked, document: Err(failure) },
        }
    }
    let document = joined(parts).ok_or_else(|| (TermsOutcome::Failed, "the declaration names no address".to_owned()));
    Gathered { asked, document }
}

/// A document of several parts, one after the other.
fn joined(parts: Vec<Document>) -> Option<Document> {
    let mut parts = parts.into_iter();
    let mut whole = parts.next()?;
    for part in parts {
        whole.text.push_str("\n\n");
        let from = whole.text.len();
        whole.text.push_str(&part.text);
        let moved = part.blocks.into_iter().map(|block| Block {
            kind: block.kind,
            start: block.start + from,
            end: block.end + from,
        });
        whole.blocks.extend(moved);
    }
    Some(whole)
}

/// The direction of changes together.
fn together(changes: &[Change]) -> Direction {
    let any = |direction: Direction| changes.iter().any(|change| change.direction == direction);
    let better = any(Direction::Better) || any(Direction::PartlyBetter);
    match (any(Direction::Worse), better) {
        _ if any(Direction::Mixed) => Direction::Mixed,
        (true, true) => Direction::Mixed,
        (true, false) => Direction::Worse,
        (false, true) if any(Direction::Better) => Direction::Better,
        (false, true) => Direction::PartlyBetter,
        (false, false) => Direction::None,
    }
}

/// What clients are told of changes for the worse, once each.
fn worse_words(changes: &[Change]) -> Vec<String> {
    let mut what: Vec<String> = Vec::new();
    for change in changes.iter().filter(|change| matches!(change.direction, Direction::Worse | Direction::Mixed)) {
        let words = provenote_consent::worsened_words(&change.kind, &change.topic);
        if !what.iter().any(|one| one == words) {
            what.push(words.to_owned());
        }
    }
    what
}

/// The word of a direction in records.
const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Better => "better",
        Direction::Worse => "worse",
        Direction::PartlyBetter => "partly_better",
        Direction::Mixed => "mixed",
        Direction::None => "none",
    }
}
