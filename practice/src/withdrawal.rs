//! Consent taken back: what it does to what is there, shown before, kept with the entry, and carried out.
//!
//! The withdrawal and the receipts of what it destroys at once are one commit, so that there is never a half recorded
//! one; [`Practice::finish_destructions`] carries out what a crash cuts off after it. The commit is made onto the very
//! ledger the list was read from: what another process drafts meanwhile is in the list, or is never drafted. Work that
//! runs elsewhere sees the entry and stops ([`crate::gate`]).

use std::collections::{BTreeMap, BTreeSet};

use provenote_access::Act;
use provenote_consent::acts::Word;
use provenote_consent::withdrawal::{Effect, Fate, Held, Thing, effects};
use provenote_consent::{AfterWithdrawal, Modality, Record};
use provenote_ledger::{AppendError, Fact, Header, NewEntry, StoreError};
use provenote_schemas::consent::Withdrawal;
use provenote_schemas::people::{Client, Participant};
use provenote_schemas::{Kind, Purpose, Time};

use crate::act::{Actor, Practice, reference};
use crate::consents::{SessionTerms, checked_words, in_the_room, purpose_facts};
use crate::error::PracticeError;
use crate::gate::concerned;
use crate::retention::{Due, RecordClass};
use crate::setup::PracticeRecord;

/// The basis of a receipt for what a withdrawal destroyed.
pub(crate) const CONSENT_WITHDRAWN: &str = "consent_withdrawn";

/// How often the list is made anew because others wrote meanwhile.
const ATTEMPTS: usize = 64;

/// Uses that are agreed to apart from the notes, and for which a record may stay when the notes are given up.
const OTHER_USES: [Purpose; 2] = [Purpose::Supervision, Purpose::Training];

/// A withdrawal to be recorded.
#[derive(Debug, Clone)]
pub struct RevokeRequest<'a> {
    /// Who, by name or id.
    pub participant: &'a str,
    /// For which purposes; for all of them when none is named.
    pub purposes: BTreeSet<Purpose>,
    /// What was said; may be empty.
    pub words: &'a str,
    /// What becomes of what is there already; the practice's policy where nobody chose.
    pub choice: Option<AfterWithdrawal>,
}

/// A withdrawal that was recorded and carried out.
#[derive(Debug, Clone)]
pub struct WithdrawalDone {
    /// `consent.revoked`.
    pub seq: u64,
    /// Whose file.
    pub client: Client,
    /// The practice, for the printed head.
    pub practice: PracticeRecord,
    /// Who took back what, and when.
    pub withdrawal: Withdrawal,
    /// What they said; empty where nothing was written down.
    pub words: String,
    /// What becomes of each thing there was.
    pub effects: Vec<Effect>,
    /// The receipts of what was destroyed at once.
    pub destroyed: Vec<u64>,
    /// The ledger's checkpoint that covers all of it.
    pub checkpoint: String,
}

/// What there is of a client's sessions, and the groups whose keys would be destroyed.
struct Inventory {
    effects: Vec<Effect>,
    doomed: Vec<Due>,
}

impl Practice {
    /// What a withdrawal would do now, a line for each thing. Nothing is done and nothing recorded: no words are shown.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] where nobody of that name takes part.
    pub fn withdrawal_effects(
        &mut self,
        actor: &Actor,
        client: &str,
        request: &RevokeRequest<'_>,
    ) -> Result<Vec<Effect>, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let (client, person) = self.somebody(actor, client, request.participant)?;
        Ok(self.inventory(actor, &client, &person, request)?.effects)
    }

    /// Records that somebody takes consent back, and does what follows: it holds from this entry on, for every process
    /// that has the practice open.
    ///
    /// # Errors
    /// As [`Practice::withdrawal_effects`], and where the ledger cannot be written: then nothing was done.
    /// [`PracticeError::Unfinished`] where the withdrawal holds and something could not be destroyed yet.
    pub fn consent_revoke(
        &mut self,
        actor: &Actor,
        client: &str,
        request: &RevokeRequest<'_>,
    ) -> Result<WithdrawalDone, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, client)?;
        let (client, person) = self.somebody(actor, client, request.participant)?;
        let practice = self.record(actor)?;
        let words = checked_words("what was said", request.words)?;
        let mut written = None;
        for _ in 0..ATTEMPTS {
            let size = self.log.size()?;
            let withdrawal = Withdrawal {
                participant: person.id.clone(),
                purposes: request.purposes.clone(),
                time: self.clock.now(),
            };
            let Inventory { effects, doomed } = self.inventory(actor, &client, &person, request)?;
            let mut commit = vec![self.revoked(actor, &client, &person, &withdrawal, &words, &effects)?];
            for due in &doomed {
                commit.push(self.receipt_of(actor, &client, due, size)?);
            }
            match self.append_if(actor, size, commit) {
                Ok(seqs) => {
                    written = Some((seqs, withdrawal, effects));
                    break;
                }
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {}
                Err(error) => return Err(error),
            }
        }
        let (seqs, withdrawal, effects) = written.ok_or(StoreError::Busy)?;
        let seq = seqs.first().copied().unwrap_or_default();
        let destroyed: Vec<u64> = seqs.into_iter().skip(1).collect();
        let mut failed = None;
        for receipt in &destroyed {
            let header = self.log.header(*receipt)?;
            if let Err(error) = self.carry_out(actor, &header) {
                failed = failed.or(Some(error));
            }
        }
        if let Some(error) = failed {
            return Err(PracticeError::Unfinished { seq, source: Box::new(error) });
        }
        let checkpoint = self.log.checkpoint()?;
        Ok(WithdrawalDone { seq, client, practice, withdrawal, words, effects, destroyed, checkpoint })
    }

    /// Records that the client's copy of a withdrawal is handed out, and keeps it; before the file is written.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then no file may be written either.
    pub fn withdrawal_printed(
        &mut self,
        actor: &Actor,
        done: &WithdrawalDone,
        pdf: &[u8],
    ) -> Result<u64, PracticeError> {
        self.allow_client(actor, Act::TakeSignature, done.client.client.as_str())?;
        let file = self.file_group(&done.client.client)?;
        let sealed = self.seal_bytes(actor, &file, "pdf", "application/pdf", pdf)?;
        let entry = self
            .entry(actor, Kind::ConsentPrinted)
            .refer("client", &done.client.client)
            .refer("participant", &done.withdrawal.participant)
            .fact("withdrawal", Fact::Number(i64::try_from(done.seq).unwrap_or(i64::MAX)))
            .payload(sealed);
        self.append_one(actor, entry)
    }

    fn revoked(
        &mut self,
        actor: &Actor,
        client: &Client,
        person: &Participant,
        withdrawal: &Withdrawal,
        words: &str,
        effects: &[Effect],
    ) -> Result<NewEntry, PracticeError> {
        let consent = self.newest_naming(actor, client, person)?;
        let entry = self.consent_entry(actor, Kind::ConsentRevoked, client, person, consent.as_ref());
        let mut entry = purpose_facts(entry, &withdrawal.purposes);
        let file = self.file_group(&client.client)?;
        entry = entry
            .payload(self.seal_record(actor, &file, "withdrawal", withdrawal)?)
            .payload(self.seal_record(actor, &file, "effects", &effects)?);
        if !words.is_empty() {
            entry = entry.payload(self.seal_bytes(actor, &file, "words", "text/plain", words.as_bytes())?);
        }
        Ok(entry)
    }

    /// The receipt for what the withdrawal of entry `seq` destroys.
    fn receipt_of(&self, actor: &Actor, client: &Client, due: &Due, seq: u64) -> Result<NewEntry, PracticeError> {
        Ok(self
            .entry(actor, Kind::RecordDestroyed)
            .refer("client", &client.client)
            .refer("session", &due.record)
            .refer("group", &due.group)
            .fact("class", Fact::Text(due.class.as_str().to_owned()))
            .fact("basis", Fact::Text(CONSENT_WITHDRAWN.to_owned()))
            .fact("withdrawal", Fact::Number(i64::try_from(seq).unwrap_or(i64::MAX))))
    }

    /// Everything there is that the person's consent bears on, and what becomes of it.
    fn inventory(
        &self,
        actor: &Actor,
        client: &Client,
        person: &Participant,
        request: &RevokeRequest<'_>,
    ) -> Result<Inventory, PracticeError> {
        let policy = self.settings()?.policy();
        let record = Record::of(&self.consent_events(actor, &client.client)?);
        let entries = self.headers_with("client", client.client.as_str())?;
        let mut plan: BTreeMap<(String, &'static str), Due> = BTreeMap::new();
        for due in self.due(self.clock.now())? {
            // What was destroyed before and is only left over is no longer there.
            if self.destruction(&due.group)?.is_none() {
                plan.insert((due.record.clone(), due.class.as_str()), due);
            }
        }
        let last_backup = self.headers(Kind::BackupCreated, &[])?.last().map(|header| header.seq);
        let mut held = Vec::new();
        let mut in_backup = None;
        for session in entries.iter().filter(|header| header.kind == Kind::SessionRecorded.as_str()) {
            let terms = Self::terms_of_session(session)?;
            if !concerned(client, &terms, &person.id) {
                continue;
            }
            let id = reference(session, "session")?;
            let about: Vec<&Header> =
                entries.iter().filter(|header| header.refs.get("session").is_some_and(|of| of == id)).collect();
            let of = Kept::of(&record, client, session, &terms, &policy.always, &request.purposes, self.clock.now());
            let audio = plan.get(&(id.to_owned(), RecordClass::Audio.as_str()));
            let papers = plan.get(&(id.to_owned(), RecordClass::WorkingPapers.as_str()));
            let before = held.len();
            of.list(id, &about, audio, papers, &mut held);
            if self.held(client.client.as_str(), Some(id))?.is_some() {
                held.iter_mut().skip(before).for_each(|one| one.held = true);
            }
            let left = held.iter().skip(before).any(|one: &Held| one.due.is_some());
            if left && last_backup.is_some_and(|backup| backup > session.seq) {
                in_backup.get_or_insert(of.purposes.clone());
            }
        }
        let always_kept =
            |thing, id: &str| Held { thing, id: id.to_owned(), purposes: BTreeSet::new(), due: None, held: false };
        if let Some(purposes) = in_backup {
            held.push(Held { purposes, ..always_kept(Thing::Backup, client.client.as_str()) });
        }
        for form in record.forms().filter(|form| form.people.iter().any(|(id, _)| *id == person.id)) {
            held.push(always_kept(Thing::ConsentRecord, form.consent.as_str()));
        }
        held.push(always_kept(Thing::Ledger, client.client.as_str()));
        let effects = effects(&held, &request.purposes, request.choice.unwrap_or(policy.after_withdrawal));
        let doomed = |thing: Thing, id: &str| {
            effects.iter().any(|effect| effect.thing == thing && effect.id == id && effect.fate == Fate::DestroyedNow)
        };
        let doomed: Vec<Due> = plan
            .into_values()
            .filter(|due| match due.class {
                RecordClass::Audio => doomed(Thing::Recording, &due.record),
                // One group holds transcript, prompts, outputs and drafts, and none of them is there without the first.
                RecordClass::WorkingPapers => doomed(Thing::Transcript, &due.record),
            })
            .collect();
        Ok(Inventory { effects, doomed })
    }
}

/// What one session is kept for.
struct Kept {
    /// For everything that is in the way of the withdrawal.
    purposes: BTreeSet<Purpose>,
    /// What its people must have agreed to for the note.
    needed: BTreeSet<Purpose>,
}

impl Kept {
    fn of(
        record: &Record,
        client: &Client,
        session: &Header,
        terms: &SessionTerms,
        always: &[Purpose],
        taken_back: &BTreeSet<Purpose>,
        now: Time,
    ) -> Self {
        let mut needed: BTreeSet<Purpose> = always.iter().copied().collect();
        needed.insert(Purpose::AiNotes);
        if terms.modality != Modality::InPerson {
            needed.insert(Purpose::TelehealthRecording);
        }
        let opened = session.refs.iter().filter(|(name, _)| name.starts_with("consent."));
        let opened = opened.filter_map(|(_, id)| record.forms().find(|form| form.consent.as_str() == id));
        if opened.into_iter().any(|form| form.purposes.contains(&Purpose::CloudProcessing)) {
            needed.insert(Purpose::CloudProcessing);
        }
        let agreed = |purpose: Purpose| {
            in_the_room(client, terms).iter().all(|who| {
                record
                    .stand(who, purpose)
                    .is_some_and(|stand| matches!(&stand.word, Word::Signed(yes) if yes.form.expires > now))
            })
        };
        let uses = OTHER_USES.into_iter().filter(|purpose| !needed.contains(purpose) && agreed(*purpose));
        // The note needs all of them: without one of them it is given up, and the others keep nothing for it.
        let touched = |purpose: &Purpose| taken_back.is_empty() || taken_back.contains(purpose);
        let gone: BTreeSet<Purpose> = needed.iter().copied().filter(touched).collect();
        let mut purposes = if gone.is_empty() { needed.clone() } else { gone.clone() };
        purposes.extend(uses);
        Self { purposes, needed: if gone.is_empty() { needed } else { gone } }
    }

    /// Adds what there is of a session. `audio` and `papers` stand in the plan while they exist.
    fn list(&self, id: &str, about: &[&Header], audio: Option<&Due>, papers: Option<&Due>, held: &mut Vec<Held>) {
        let of = |kind: Kind| about.iter().filter(move |header| header.kind == kind.as_str());
        let due = |due: &Due| Some(due.at);
        let mut add = |thing, id: &str, purposes: &BTreeSet<Purpose>, due| {
            held.push(Held { thing, id: id.to_owned(), purposes: purposes.clone(), due, held: false });
        };
        let last_work = about.iter().rev().find_map(|header| match Kind::from_word(&header.kind) {
            Some(Kind::WorkerStarted | Kind::TranscriptionRequested | Kind::PromptSent) => Some(true),
            Some(
                Kind::TranscriptReceived
                | Kind::OutputReceived
                | Kind::DraftMade
                | Kind::DraftRefused
                | Kind::WorkerFailed,
            ) => Some(false),
            _ => None,
        });
        if last_work == Some(true) {
            add(Thing::RunningWork, id, &self.needed, None);
        }
        if let Some(audio) = audio {
            add(Thing::Recording, id, &self.purposes, due(audio));
        }
        let notes: BTreeSet<&String> = of(Kind::DraftMade).filter_map(|header| header.refs.get("note")).collect();
        let attested: BTreeSet<&String> = of(Kind::NoteAttested).filter_map(|header| header.refs.get("note")).collect();
        let exported: BTreeSet<&String> = of(Kind::NoteExported).filter_map(|header| header.refs.get("note")).collect();
        if let Some(papers) = papers {
            if of(Kind::TranscriptReceived).next().is_some() {
                add(Thing::Transcript, id, &self.purposes, due(papers));
            }
            if of(Kind::PromptSent).next().is_some() {
                add(Thing::PromptsAndOutputs, id, &self.purposes, due(papers));
            }
            for note in notes.difference(&attested) {
                add(Thing::Draft, note, &self.purposes, due(papers));
            }
        }
        for note in &attested {
            add(Thing::Note, note, &self.needed, None);
        }
        for note in &exported {
            add(Thing::Export, note, &self.needed, None);
        }
    }
}
