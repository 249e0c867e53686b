//! The record behind a report for a licensing board: what the ledger holds, without a word of any session.

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_ledger::{Fact, Header, Query};
use provenote_schemas::note::NoteState;
use provenote_schemas::{ClientId, ConsentId, Digest, GroupId, Kind, NoteId, Purpose, SessionId, Time, UserId};

use crate::act::{Actor, Practice, fact_text, reference};
use crate::error::PracticeError;
use crate::notes::note_of;
use crate::sessions::{bad_reference, client_of, duration_s, session_of};
use crate::settings::Settings;
use crate::setup::PracticeRecord;

/// A model at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelUse {
    /// `whisper` or `llama`.
    pub engine: String,
    /// The engine's version.
    pub engine_version: String,
    /// The catalogue's id.
    pub model: String,
    /// SHA-256 of the model file, as the worker saw it.
    pub sha256: Digest,
    /// Whether the operating system isolated the worker.
    pub isolated: bool,
}

/// One session as a board sees it.
#[derive(Debug, Clone)]
pub struct BoardSession {
    /// Pseudonym.
    pub session: SessionId,
    /// Pseudonym.
    pub client: ClientId,
    /// Its entry.
    pub seq: u64,
    /// When it was added.
    pub added: Time,
    /// Seconds; none for a note that was typed from memory.
    pub duration_s: f64,
    /// True where nothing was recorded and the clinician dictated or typed afterwards.
    pub dictated: bool,
    /// The consents that opened the gate; none for a dictation, which records nobody but the clinician.
    pub consents: Vec<ConsentId>,
    /// Models that worked on it, each once, in order of use.
    pub models: Vec<ModelUse>,
    /// When the recording was destroyed, and the receipt's entry.
    pub audio_destroyed: Option<(Time, u64)>,
    /// When the recording falls due at the latest; none where there is no recording.
    pub audio_due: Option<Time>,
}

/// One refusal of the gate.
#[derive(Debug, Clone)]
pub struct BoardRefusal {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Pseudonym.
    pub client: ClientId,
    /// Why, in a word.
    pub status: String,
    /// True where a draft was refused, not a recording.
    pub of_draft: bool,
}

/// One draft or note.
#[derive(Debug, Clone)]
pub struct BoardNote {
    /// Pseudonym.
    pub note: NoteId,
    /// Pseudonym.
    pub session: SessionId,
    /// How far it has come.
    pub state: NoteState,
    /// The draft's format.
    pub format: String,
    /// When it was attested, and the entry.
    pub attested: Option<(Time, u64)>,
    /// Edits before attestation.
    pub edits: usize,
    /// Warnings raised with the draft; none where its text is destroyed, or not for whoever makes the report.
    pub warnings: Option<usize>,
    /// Warnings the clinician answered.
    pub answers: usize,
    /// Additions since.
    pub amendments: usize,
}

/// One reading or handing out.
#[derive(Debug, Clone)]
pub struct BoardLook {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Which kind of reading.
    pub kind: Kind,
    /// Who.
    pub user: UserId,
    /// What, by pseudonym.
    pub what: String,
}

/// One consent taken back.
#[derive(Debug, Clone)]
pub struct BoardWithdrawal {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Pseudonym.
    pub client: ClientId,
    /// For what; for everything where nothing is named.
    pub purposes: Vec<Purpose>,
    /// The receipts of what was destroyed for it.
    pub destroyed: Vec<u64>,
}

/// One destruction.
#[derive(Debug, Clone)]
pub struct BoardDestruction {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Pseudonym of the session, else of the client; none where the ledger is older than the destruction.
    pub record: Option<String>,
    /// What.
    pub class: String,
    /// The rule.
    pub basis: String,
    /// The retention group whose key is gone.
    pub group: GroupId,
    /// SHA-256 of the entry's bytes.
    pub receipt: Digest,
}

/// The whole record.
#[derive(Debug, Clone)]
pub struct BoardRecord {
    /// The practice.
    pub practice: PracticeRecord,
    /// When the report was made.
    pub made: Time,
    /// The first entry's time.
    pub from: Time,
    /// The last entry's time.
    pub to: Time,
    /// How many entries of each kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// The settings in force.
    pub settings: Settings,
    /// Sessions that passed the gate.
    pub sessions: Vec<BoardSession>,
    /// What the gate refused.
    pub refusals: Vec<BoardRefusal>,
    /// Consents taken back, and what was destroyed for them.
    pub withdrawals: Vec<BoardWithdrawal>,
    /// Drafts and notes.
    pub notes: Vec<BoardNote>,
    /// Who read or handed out what.
    pub looks: Vec<BoardLook>,
    /// Destructions.
    pub destructions: Vec<BoardDestruction>,
    /// The log's public key.
    pub vkey: String,
    /// The checkpoint of the moment, signed note.
    pub checkpoint: String,
}

/// The kinds that record a reading or a handing out.
const LOOKS: [Kind; 9] = [
    Kind::TranscriptViewed,
    Kind::NoteViewed,
    Kind::NoteExported,
    Kind::NoteTraced,
    Kind::ClaimViewed,
    Kind::ReleaseViewed,
    Kind::LedgerViewed,
    Kind::ConsentPrinted,
    Kind::ConsentExported,
];

impl Practice {
    /// Reads the record for a board.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn board_record(&mut self, actor: &Actor) -> Result<BoardRecord, PracticeError> {
        self.allow_here(actor, Act::MakeReport)?;
        let all = self.log.find(&Query::default())?;
        let settings = self.settings()?;
        let time = |header: Option<&Header>| Time::from_millis(header.map_or(0, |header| header.time));
        let mut record = BoardRecord {
            practice: self.record(actor)?,
            made: self.clock.now(),
            from: time(all.first()),
            to: time(all.last()),
            kinds: BTreeMap::new(),
            sessions: Vec::new(),
            refusals: Vec::new(),
            withdrawals: Vec::new(),
            notes: Vec::new(),
            looks: Vec::new(),
            destructions: Vec::new(),
            vkey: self.vault.vkey()?,
            checkpoint: self.log.checkpoint()?,
            settings,
        };
        for header in &all {
            let Some(kind) = Kind::from_word(&header.kind) else { continue };
            *record.kinds.entry(kind).or_insert(0) += 1;
            match kind {
                Kind::SessionRecorded | Kind::SessionDictated => {
                    record.sessions.push(self.board_session(header, &all, &record.settings)?)
                }
                Kind::SessionRefused | Kind::DraftRefused => record.refusals.push(BoardRefusal {
                    seq: header.seq,
                    time: Time::from_millis(header.time),
                    client: client_of(header)?,
                    status: word(header, "status"),
                    of_draft: kind == Kind::DraftRefused,
                }),
                Kind::ConsentRevoked => record.withdrawals.push(withdrawal(header, &all)?),
                Kind::DraftMade => record.notes.push(self.board_note(actor, header, &all)?),
                Kind::RecordDestroyed => record.destructions.push(BoardDestruction {
                    seq: header.seq,
                    time: Time::from_millis(header.time),
                    record: ["session", "client"].into_iter().find_map(|name| header.refs.get(name)).cloned(),
                    class: word(header, "class"),
                    basis: word(header, "basis"),
                    group: reference(header, "group")?.parse().map_err(|error| bad_reference(header, &error))?,
                    receipt: Digest::of(&self.log.entry_bytes(header.seq)?),
                }),
                _ if LOOKS.contains(&kind) => record.looks.push(BoardLook {
                    seq: header.seq,
                    time: Time::from_millis(header.time),
                    kind,
                    user: header.actor.parse().map_err(|error| bad_reference(header, &error))?,
                    what: looked_at(header),
                }),
                _ => {}
            }
        }
        Ok(record)
    }

    /// Records that a report leaves, before its file is written. The report itself is not kept: it can be made again.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then the file must not be written either.
    pub fn report_made(&mut self, actor: &Actor, report: &str, pdf: &[u8]) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::MakeReport)?;
        let entry = self
            .entry(actor, Kind::ReportMade)
            .fact("report", Fact::Text(report.to_owned()))
            .fact("sha256", Fact::Text(Digest::of(pdf).to_string()));
        self.append_one(actor, entry)
    }

    fn board_session(
        &self,
        header: &Header,
        all: &[Header],
        settings: &Settings,
    ) -> Result<BoardSession, PracticeError> {
        let session = session_of(header)?;
        let mut models: Vec<ModelUse> = Vec::new();
        let workers = all.iter().filter(|entry| {
            entry.kind == Kind::WorkerStarted.as_str()
                && entry.refs.get("session").is_some_and(|id| id == session.as_str())
        });
        for worker in workers {
            let used = model_use(worker)?;
            if !models.contains(&used) {
                models.push(used);
            }
        }
        let consents = header.refs.iter().filter(|(name, _)| name.starts_with("consent."));
        let consents = consents
            .map(|(_, id)| id.parse().map_err(|error| bad_reference(header, &error)))
            .collect::<Result<_, _>>()?;
        let added = Time::from_millis(header.time);
        // What was typed has no recording.
        let audio = header.refs.get("audio");
        let receipt = audio.map(|group| self.destruction(group)).transpose()?.flatten();
        Ok(BoardSession {
            session,
            client: client_of(header)?,
            seq: header.seq,
            added,
            duration_s: duration_s(header),
            dictated: header.kind == Kind::SessionDictated.as_str(),
            consents,
            models,
            audio_destroyed: receipt.map(|receipt| (Time::from_millis(receipt.time), receipt.seq)),
            audio_due: audio.map(|_| added.plus_days(settings.audio_days)),
        })
    }
}

/// What a worker's entry tells of engine and model.
pub(crate) fn model_use(header: &Header) -> Result<ModelUse, PracticeError> {
    Ok(ModelUse {
        engine: word(header, "engine"),
        engine_version: word(header, "engine_version"),
        model: word(header, "model"),
        sha256: word(header, "model_sha256")
            .parse()
            .map_err(|error: provenote_schemas::encoding::BadDigest| bad_reference(header, &error))?,
        isolated: header.facts.get("isolated") == Some(&Fact::Flag(true)),
    })
}

pub(crate) fn word(header: &Header, name: &str) -> String {
    header.facts.get(name).and_then(fact_text).unwrap_or("?").to_owned()
}

/// A withdrawal, and the receipts that name its entry.
fn withdrawal(header: &Header, all: &[Header]) -> Result<BoardWithdrawal, PracticeError> {
    let seq = i64::try_from(header.seq).unwrap_or(i64::MAX);
    let for_it = |entry: &&Header| {
        entry.kind == Kind::RecordDestroyed.as_str() && entry.facts.get("withdrawal") == Some(&Fact::Number(seq))
    };
    Ok(BoardWithdrawal {
        seq: header.seq,
        time: Time::from_millis(header.time),
        client: client_of(header)?,
        purposes: header.facts.keys().filter_map(|name| Purpose::from_word(name.strip_prefix("purpose.")?)).collect(),
        destroyed: all.iter().filter(for_it).map(|entry| entry.seq).collect(),
    })
}

fn looked_at(header: &Header) -> String {
    let named = ["note", "session", "consent", "client"].into_iter().find_map(|name| header.refs.get(name));
    let what = match (named, header.facts.get("entry")) {
        (Some(id), _) => id.clone(),
        (None, Some(Fact::Number(seq))) => format!("entry {seq}"),
        _ => "the ledger".to_owned(),
    };
    match ["format", "as"].iter().find_map(|name| header.facts.get(*name)).and_then(fact_text) {
        Some(format) => format!("{what} as {format}"),
        None => what,
    }
}

impl Practice {
    fn board_note(&self, actor: &Actor, header: &Header, all: &[Header]) -> Result<BoardNote, PracticeError> {
        let note = note_of(header)?;
        // Warnings are health information: they are counted in the sealed text, where it still exists and whoever makes the
        // report may read it.
        let warnings = if self.may(actor, Act::ViewNote, &self.note_resource(header)?)? {
            match self.note(actor, note.as_str()) {
                Ok((_, view)) => Some(view.text.warnings),
                Err(PracticeError::Destroyed { .. }) => None,
                Err(error) => return Err(error),
            }
        } else {
            None
        };
        let answered = warnings.iter().flatten().filter(|warning| warning.answer.is_some()).count();
        let about = |kind: Kind| {
            all.iter()
                .filter(|entry| {
                    entry.kind == kind.as_str() && entry.refs.get("note").is_some_and(|id| id == note.as_str())
                })
                .collect::<Vec<_>>()
        };
        let attested = about(Kind::NoteAttested).first().map(|entry| (Time::from_millis(entry.time), entry.seq));
        let amendments = about(Kind::NoteAmended).len();
        Ok(BoardNote {
            session: session_of(header)?,
            state: match (attested, amendments) {
                (None, _) => NoteState::Draft,
                (Some(_), 0) => NoteState::Attested,
                (Some(_), _) => NoteState::Amended,
            },
            format: word(header, "format"),
            attested,
            edits: about(Kind::NoteEdited).len(),
            answers: answered,
            warnings: warnings.map(|warnings| warnings.len()),
            amendments,
            note,
        })
    }
}
