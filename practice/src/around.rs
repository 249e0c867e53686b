//! Which entries tell of a session and its note: its own, the client's file as it was then, and every act about consent
//! that bore on the work, whichever form it was said of.
//!
//! Used by the trace of a note and by evidence bundles alike, so that both tell the same.

use std::collections::{BTreeMap, BTreeSet};

use provenote_ledger::{Fact, Header};
use provenote_schemas::{Kind, NoteId, Purpose};

use crate::act::{Practice, reference};
use crate::consents::named_purposes;
use crate::error::PracticeError;
use crate::sessions::client_of;

/// The entries with which work on a session goes on; what was done about consent after the last of them bore on none of it.
const WORK: [Kind; 6] = [
    Kind::SessionRecorded,
    Kind::SessionDictated,
    Kind::DraftMade,
    Kind::DraftRefused,
    Kind::NoteEdited,
    Kind::NoteAttested,
];

/// What recording a session and making a note of it may need.
const USES: [Purpose; 3] = [Purpose::AiNotes, Purpose::TelehealthRecording, Purpose::CloudProcessing];

impl Practice {
    /// The entries around a session, in order; of its notes all, or the one named.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub(crate) fn around_session(&self, session: &Header, note: Option<&NoteId>) -> Result<Vec<Header>, PracticeError> {
        let client = client_of(session)?;
        let mut chosen = self.headers_with("session", reference(session, "session")?)?;
        // Other notes of the same session are not behind this one.
        let of_it =
            |header: &Header| note.is_none_or(|note| header.refs.get("note").is_none_or(|of| of == note.as_str()));
        chosen.retain(of_it);
        // A session that was typed has no recording.
        for group in ["audio", "working"].into_iter().filter_map(|name| session.refs.get(name)) {
            chosen.extend(self.destruction(group)?);
        }
        let is_work = |header: &&Header| WORK.iter().any(|kind| header.kind == kind.as_str());
        let until = chosen.iter().filter(is_work).map(|header| header.seq).max().unwrap_or(session.seq);
        // What was taken back after the note, and destroyed for that: the receipt names the entry.
        let withdrawals: BTreeSet<u64> = chosen
            .iter()
            .filter(|header| header.kind == Kind::RecordDestroyed.as_str())
            .filter_map(|header| match header.facts.get("withdrawal") {
                Some(Fact::Number(seq)) => u64::try_from(*seq).ok(),
                _ => None,
            })
            .collect();
        let opened: BTreeSet<&str> = session
            .refs
            .iter()
            .filter(|(name, _)| name.starts_with("consent."))
            .map(|(_, consent)| consent.as_str())
            .collect();
        // The consents that opened the gate, with everything that happened to them.
        for consent in &opened {
            chosen.extend(self.headers_with("consent", consent)?);
        }
        let acts = self.consent_headers(Some(&client))?;
        let bearing = Bearing::of(&acts, &opened);
        chosen.extend(
            acts.into_iter().filter(|act| withdrawals.contains(&act.seq) || (act.seq <= until && bearing.on(act))),
        );
        chosen.push(self.client_header(&client)?);
        let changed = self.headers(Kind::ClientChanged, &[("client", client.as_str())])?;
        chosen.extend(changed.into_iter().filter(|header| header.seq <= until));
        chosen.sort_by_key(|header| header.seq);
        chosen.dedup_by_key(|header| header.seq);
        Ok(chosen)
    }
}

/// Which acts about consent bear on a session. One for another purpose, such as an authorization to disclose other
/// records, does not, and is nobody's affair who looks at the session.
struct Bearing {
    /// What the session is kept for.
    uses: BTreeSet<Purpose>,
    /// What each form asks for.
    forms: BTreeMap<String, BTreeSet<Purpose>>,
}

impl Bearing {
    fn of(acts: &[Header], opened: &BTreeSet<&str>) -> Self {
        let forms: BTreeMap<String, BTreeSet<Purpose>> = acts
            .iter()
            .filter(|act| act.kind == Kind::ConsentRequested.as_str())
            .filter_map(|act| Some((act.refs.get("consent")?.clone(), named_purposes(act))))
            .collect();
        let opened = opened.iter().filter_map(|consent| forms.get(*consent)).flatten();
        let uses = opened.copied().chain(USES).collect();
        Self { uses, forms }
    }

    fn on(&self, act: &Header) -> bool {
        let named = named_purposes(act);
        let no = [Kind::ConsentDeclined, Kind::ConsentRevoked].iter().any(|kind| act.kind == kind.as_str());
        let asked = match act.refs.get("consent").and_then(|consent| self.forms.get(consent)) {
            // An offer or a talk is for what its form asks; a no without purposes is for everything.
            Some(form) if named.is_empty() && !no => form,
            _ => &named,
        };
        asked.is_empty() || !asked.is_disjoint(&self.uses)
    }
}
