//! Destroying everything of one client: asked for, weighed against the law's retention, recorded, done.
//!
//! One commit holds the entry of the client's destruction and one receipt for each group, so that there is never a half
//! recorded destruction; [`Practice::finish_destructions`] carries out what a crash cut off after it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, Months, NaiveDate};
use provenote_access::Act;
use provenote_consent::note_retention;
use provenote_ledger::vault::Extent;
use provenote_ledger::{Fact, Header, NewEntry};
use provenote_schemas::people::{Client, ParticipantRole};
use provenote_schemas::{ClientId, Kind, Time};
use serde::Serialize;

use crate::act::{Actor, Practice};
use crate::destruction::destruction;
use crate::error::PracticeError;
use crate::views::releases::RELEASE;

/// How long consents are kept after their last entry, in years: retention.yaml RET-04.
const CONSENT_YEARS: u32 = 6;
/// The age of majority assumed here. Some states have a higher one; see retention.yaml, rules.
const OF_AGE: u32 = 18;

/// Why a client's records are destroyed. Free text could hold health information, so there is a word for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The time they had to be kept is over.
    RetentionEnded,
    /// The client asked for it.
    ClientRequest,
    /// They were handed to another practice, which keeps them.
    Transferred,
    /// The client was added by mistake.
    AddedInError,
    /// A court or authority ordered it.
    Ordered,
}

impl ErasureReason {
    /// Every reason.
    pub const ALL: &'static [Self] =
        &[Self::RetentionEnded, Self::ClientRequest, Self::Transferred, Self::AddedInError, Self::Ordered];

    /// The word as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetentionEnded => "retention_ended",
            Self::ClientRequest => "client_request",
            Self::Transferred => "transferred",
            Self::AddedInError => "added_in_error",
            Self::Ordered => "ordered",
        }
    }

    /// The reason a word stands for.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] with the words there are.
    pub fn from_word(word: &str) -> Result<Self, PracticeError> {
        let found = Self::ALL.iter().copied().find(|reason| reason.as_str() == word);
        found.ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.iter().map(|reason| reason.as_str()).collect();
            PracticeError::BadRequest(format!("this is no reason Provenote knows: give one of {}", words.join(", ")))
        })
    }
}

/// Until when a client's records are to be kept, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The date, `2033-11-21`.
    pub until: String,
    /// True while it has not come.
    pub runs: bool,
    /// The rules, their sources and marks.
    pub basis: String,
}

/// What was destroyed of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupReceipt {
    /// The retention group.
    pub group: String,
    /// `client_file`, `notes`, `audio`, `working_papers`, `claim`, `release` or `other`.
    pub class: &'static str,
    /// The session it was of.
    pub session: Option<String>,
    /// The entry.
    pub seq: u64,
    /// Bytes of ciphertext removed with the key.
    pub bytes: u64,
}

/// What was destroyed of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientReceipt {
    /// Pseudonym.
    pub client: ClientId,
    /// The entry of the destruction as a whole.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Why.
    pub reason: ErasureReason,
    /// Until when the records were to be kept, where a time is known.
    pub kept_until: Option<Kept>,
    /// One for each group.
    pub receipts: Vec<GroupReceipt>,
}

impl Practice {
    /// Until when a client's records are to be kept: the later of the state's time for notes after the last session, and
    /// [`CONSENT_YEARS`] after the last entry of a consent. For a client under age the first clock begins at majority.
    /// `None` where there is neither session nor consent.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn kept_until(&mut self, actor: &Actor, client: &str) -> Result<Option<Kept>, PracticeError> {
        self.allow_client(actor, Act::ViewClient, client)?;
        let client = self.client(actor, client)?;
        self.kept(&client)
    }

    pub(crate) fn kept(&self, client: &Client) -> Result<Option<Kept>, PracticeError> {
        let id = client.client.as_str();
        let entries = self.headers_with("client", id)?;
        let last = |fits: &dyn Fn(&Header) -> bool| entries.iter().rev().find(|header| fits(header)).map(date);
        let service = last(&|header| {
            let service = [Kind::SessionRecorded, Kind::SessionDictated, Kind::NoteAttested, Kind::NoteAmended];
            service.iter().any(|kind| kind.as_str() == header.kind)
        });
        let consent = last(&|header| {
            let signed = [Kind::ConsentGranted, Kind::ConsentDeclined, Kind::ConsentRevoked, Kind::ConsentDiscussed];
            signed.iter().any(|kind| kind.as_str() == header.kind)
        });
        let (note_years, note_basis) = note_retention(&client.state);
        let mut clocks = Vec::new();
        if let Some(service) = service {
            let begins = of_age(client, &entries).map_or(service, |of_age| of_age.max(service));
            clocks.push((plus_years(begins, note_years), format!("clinical record, {note_years} years: {note_basis}")));
        }
        if let Some(consent) = consent {
            clocks.push((
                plus_years(consent, CONSENT_YEARS),
                format!(
                    "consents, {CONSENT_YEARS} years: policy, 45 CFR 164.530(j) by analogy (mark: verified from \
                     cfr-copy, the default is a policy choice)"
                ),
            ));
        }
        let Some((until, basis)) = clocks.into_iter().max_by_key(|(until, _)| *until) else { return Ok(None) };
        let runs = self.clock.now().date() < until.to_string();
        Ok(Some(Kept { until: until.to_string(), runs, basis }))
    }

    /// Destroys everything of one client: the keys of all classes and groups, the ciphertexts and the recordings. What
    /// stays is the ledger's entries, which name the client by a pseudonym only, and copies that left the practice.
    ///
    /// # Errors
    /// [`PracticeError::Retained`] while the records are to be kept, unless `before_retention_ends`, which the entry
    /// then says; [`PracticeError::NotAllowed`] while a hold keeps any of them. Where the entry cannot be written, nothing
    /// is destroyed.
    pub fn destroy_client(
        &mut self,
        actor: &Actor,
        asked: &str,
        reason: ErasureReason,
        before_retention_ends: bool,
    ) -> Result<ClientReceipt, PracticeError> {
        self.allow_client(actor, Act::DestroyClient, asked)?;
        let client = self.client(actor, asked)?;
        // No reason outweighs a hold: it is lifted first.
        if let Some(hold) = self.held(client.client.as_str(), None)? {
            return Err(PracticeError::NotAllowed(format!(
                "refused, records of this client are held back from destruction since entry {0}: lift the hold first, with \
                 `provenote retention hold lift {0}`",
                hold.seq
            )));
        }
        let kept = self.kept(&client)?;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.runs && !before_retention_ends) {
            return Err(PracticeError::Retained { until: kept.until.clone(), basis: kept.basis.clone() });
        }
        let id = client.client.as_str();
        let entries = self.headers_with("client", id)?;
        let groups = self.groups_of_client(id, &entries)?;

        let overridden = kept.as_ref().is_some_and(|kept| kept.runs);
        let mut whole = self
            .entry(actor, Kind::ClientDestroyed)
            .refer("client", id)
            .fact("reason", Fact::Text(reason.as_str().to_owned()))
            .fact("groups", Fact::Number(i64::try_from(groups.len()).unwrap_or(i64::MAX)))
            .fact("before_retention_ends", Fact::Flag(overridden));
        if let Some(kept) = &kept {
            whole = whole.fact("retained_until", Fact::Text(kept.until.clone()));
        }
        let mut commit = vec![whole];
        for (group, (class, session)) in &groups {
            commit.push(self.group_receipt(actor, id, group, class, session.as_deref(), reason));
        }
        let seqs = self.append(actor, commit)?;
        let seq = seqs.first().copied().unwrap_or_default();
        let receipts = seqs.into_iter().skip(1).zip(&groups).map(|(seq, (group, (class, session)))| GroupReceipt {
            group: group.clone(),
            class,
            session: session.clone(),
            seq,
            bytes: 0,
        });
        let mut receipts: Vec<GroupReceipt> = receipts.collect();

        let header = self.log.header(seq)?;
        let mut noted = vec![destruction(Extent::Scope, id, &header)];
        for receipt in &receipts {
            noted.push(destruction(Extent::Group, &receipt.group, &self.log.header(receipt.seq)?));
        }
        self.vault.note_destructions(actor.keys(), &noted)?;
        let names: BTreeSet<String> = groups.keys().cloned().collect();
        let blobs = self.blobs_in(entries.iter(), &names)?;
        self.vault.destroy_scope(id, &blobs.iter().map(|(hash, _)| *hash).collect::<Vec<_>>())?;
        for receipt in &mut receipts {
            let mine = |payload: &&provenote_ledger::PayloadRef| payload.group == receipt.group;
            let in_blobs = entries.iter().flat_map(|entry| &entry.payloads).filter(mine);
            let in_blobs: u64 = in_blobs
                .filter_map(|payload| {
                    blobs.iter().find(|(hash, _)| *hash == payload.ciphertext).map(|(_, bytes)| bytes)
                })
                .sum();
            receipt.bytes = self.log.delete_ciphertext(&receipt.group)? + in_blobs;
        }
        Ok(ClientReceipt {
            client: client.client,
            seq,
            time: Time::from_millis(header.time),
            reason,
            kept_until: kept,
            receipts,
        })
    }

    fn group_receipt(
        &self,
        actor: &Actor,
        client: &str,
        group: &str,
        class: &str,
        session: Option<&str>,
        reason: ErasureReason,
    ) -> NewEntry {
        let entry = self
            .entry(actor, Kind::RecordDestroyed)
            .refer("client", client)
            .refer("group", group)
            .fact("class", Fact::Text(class.to_owned()))
            .fact("basis", Fact::Text(reason.as_str().to_owned()));
        match session {
            Some(session) => entry.refer("session", session),
            None => entry,
        }
    }

    /// The groups of a client that were not destroyed yet: what each holds, and of which session.
    fn groups_of_client(
        &self,
        client: &str,
        entries: &[Header],
    ) -> Result<BTreeMap<String, (&'static str, Option<String>)>, PracticeError> {
        let mut groups: BTreeMap<String, (&'static str, Option<String>)> = BTreeMap::new();
        for header in entries {
            let named: &[(&str, &'static str)] = match Kind::from_word(&header.kind) {
                Some(Kind::ClientAdded) => &[("file", "client_file"), ("notes", "notes")],
                Some(Kind::SessionRecorded | Kind::SessionDictated) => {
                    &[("audio", "audio"), ("working", "working_papers")]
                }
                Some(Kind::ClaimChanged) => &[("claim", "claim")],
                Some(Kind::ReleaseMade) => &[("release", RELEASE)],
                _ => &[],
            };
            let session = header.refs.get("session").cloned();
            for (name, class) in named {
                // A session that was typed has no recording.
                if let Some(group) = header.refs.get(*name) {
                    groups.insert(group.clone(), (*class, session.clone()));
                }
            }
        }
        let in_payloads = entries.iter().flat_map(|header| &header.payloads).filter(|payload| payload.scope == client);
        let others = in_payloads.map(|payload| payload.group.clone()).chain(self.vault.groups_of(client)?);
        for group in others.collect::<BTreeSet<_>>() {
            groups.entry(group).or_insert(("other", None));
        }
        let mut left = BTreeMap::new();
        for (group, what) in groups {
            if self.destruction(&group)?.is_none() {
                left.insert(group, what);
            }
        }
        Ok(left)
    }
}

fn date(header: &Header) -> NaiveDate {
    NaiveDate::parse_from_str(&Time::from_millis(header.time).date(), "%Y-%m-%d").unwrap_or_default()
}

/// The date so many years later; 29 February becomes 28 February. A date too far off to be written is the last there is.
fn plus_years(date: NaiveDate, years: u32) -> NaiveDate {
    date.checked_add_months(Months::new(years.saturating_mul(12)))
        .filter(|date| date.year() <= 9999)
        .unwrap_or(NaiveDate::MAX)
}

/// When a client comes of age, where that may matter: by the date of birth, or, where a guardian signs and no date of
/// birth is known, as if the client had been born on the day the file was opened.
fn of_age(client: &Client, entries: &[Header]) -> Option<NaiveDate> {
    let guarded = client.participants.iter().any(|person| person.role == ParticipantRole::Guardian);
    let born = match &client.born {
        Some(born) => NaiveDate::parse_from_str(born, "%Y-%m-%d").ok(),
        None if guarded => entries.first().map(date),
        None => None,
    };
    born.map(|born| plus_years(born, OF_AGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        for reason in ErasureReason::ALL {
            assert_eq!(ErasureReason::from_word(reason.as_str()).expect("its word"), *reason);
            assert!(provenote_ledger::header::is_word(reason.as_str()));
        }
        let refused = ErasureReason::from_word("because she asked me to on Tuesday").expect_err("no free text");
        assert!(refused.to_string().contains("client_request") && !refused.to_string().contains("Tuesday"));
    }

    #[test]
    fn years_are_added_to_dates_that_are_not_in_every_year() {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").expect("a date");
        assert_eq!(plus_years(day("2028-02-29"), 7), day("2035-02-28"));
        assert_eq!(plus_years(day("2026-11-21"), 0), day("2026-11-21"));
        assert_eq!(plus_years(day("9998-01-01"), 7), NaiveDate::MAX);
    }
}
