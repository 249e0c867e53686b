//! The first report for a licensing board: what the ledger recorded in a period.

mod vendors;

use std::fmt::Write as _;

use provenote_consent::purpose_words;
use provenote_schemas::disclosure::Isolation;
use provenote_schemas::encoding::Digest;
use provenote_schemas::note::NoteState;
use provenote_schemas::{ClientId, ConsentId, GroupId, Kind, NoteId, Purpose, SessionId, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::emergencies::Emergencies;
use crate::legal::LegalFacts;
use crate::note::counted;
use crate::press::Copy;
use crate::{Practice, ReportError};

pub use vendors::{VendorRow, VendorTerms};

/// Everything the report tells. Clients appear under pseudonyms only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardReport {
    /// The letterhead.
    pub practice: Practice,
    /// When it was made.
    pub made: Time,
    /// The first moment it covers.
    pub from: Time,
    /// The last moment it covers.
    pub to: Time,
    /// What it covers, in words that follow "It covers": `all clients of the practice`.
    pub scope: String,
    /// Emergency access that is not settled.
    #[serde(default, skip_serializing_if = "Emergencies::settled")]
    pub emergencies: Emergencies,
    /// What `ledger verify` found just now.
    pub verification: Verification,
    /// Entries of the period by kind.
    pub counts: Vec<KindCount>,
    /// Sessions that passed the gate, in order of time.
    pub sessions: Vec<SessionRow>,
    /// What the gate refused.
    pub refused: Vec<Refusal>,
    /// Consents taken back.
    pub withdrawals: Vec<WithdrawalRow>,
    /// Drafts and notes.
    pub notes: Vec<NoteRow>,
    /// Views and exports.
    pub looks: Vec<Look>,
    /// Destructions.
    pub destroyed: Vec<Destruction>,
    /// Companies outside the practice that get sound or words, as of the day the report is made.
    #[serde(default)]
    pub vendors: Vec<VendorRow>,
    /// Legal statements, usually [`crate::legal_facts`].
    pub legal: LegalFacts,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
}

/// What the verifier said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// The verdict's word, such as `intact`.
    pub verdict: String,
    /// True where nothing was found to be altered, missing or added.
    pub whole: bool,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 root hash.
    pub root: Digest,
    /// Whether the head's signature holds.
    pub signed: bool,
    /// What the ledger was compared with, in words; none where nothing outside it was at hand.
    pub anchored_to: Option<String>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// The ledger's origin.
    pub origin: String,
    /// The ledger's verifier key.
    pub vkey: String,
}

/// One thing the verifier found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its word.
    pub kind: String,
    /// The entry, where there is one.
    pub seq: Option<u64>,
    /// In a sentence.
    pub detail: String,
}

/// How many entries of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub count: u64,
}

/// How a session came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A recording of the session.
    Recorded,
    /// The clinician's dictation afterwards, or what they typed: then nothing was recorded.
    Dictated,
}

/// A session that passed the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// The session.
    pub session: SessionId,
    /// The client.
    pub client: ClientId,
    /// When the entry was made.
    pub time: Time,
    /// Its entry.
    pub seq: u64,
    /// Length in seconds, where it is known.
    pub duration_s: Option<f64>,
    /// How it came in.
    pub source: Source,
    /// The consents the gate opened for; empty for a dictation, which needs none.
    pub consents: Vec<ConsentId>,
    /// The models that worked on it.
    pub models: Vec<ModelUse>,
    /// What the workers reported; none where no worker has run.
    pub isolation: Option<Isolation>,
    /// What became of the recording.
    pub audio: AudioFate,
}

/// A model at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// `speech`, `voice activity` or `drafting`.
    pub task: String,
    /// Its name.
    pub name: String,
    /// The engine and its version.
    pub engine: String,
    /// SHA-256 of the model file, as the worker saw it.
    pub sha256: Digest,
}

/// What became of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum AudioFate {
    /// There was none.
    None,
    /// It is sealed in the vault.
    Kept {
        /// When it falls due for destruction at the latest.
        due: Time,
    },
    /// Its key and ciphertext are gone.
    Destroyed {
        /// When.
        time: Time,
        /// The receipt's entry.
        seq: u64,
    },
}

/// What the gate refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// The client.
    pub client: ClientId,
    /// The consent's status, such as `declined`.
    pub status: String,
    /// Why, one clause each.
    pub reasons: Vec<String>,
}

/// A consent taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalRow {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// The client.
    pub client: ClientId,
    /// For what; for everything where nothing is named.
    pub purposes: Vec<Purpose>,
    /// The receipts of what was destroyed for it at once.
    pub destroyed: Vec<u64>,
}

/// A draft or note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteRow {
    /// The note.
    pub note: NoteId,
    /// Its session.
    pub session: SessionId,
    /// The format's id.
    pub format: String,
    /// How far it has come.
    pub state: NoteState,
    /// When it was attested, and the entry.
    pub attested: Option<(Time, u64)>,
    /// Times the clinician changed the draft.
    pub edits: u32,
    /// Warnings the safety screen raised; none where they could not be counted.
    pub warnings: Option<u32>,
    /// Warnings the clinician answered.
    pub answered: u32,
    /// Times it was added to since.
    pub amendments: u32,
}

/// A view or an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Its entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// `note.viewed`, `note.exported` …
    pub kind: Kind,
    /// Who.
    pub user: UserId,
    /// What, by pseudonym: `note-… as PDF`.
    pub what: String,
}

/// Something destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destruction {
    /// The receipt's entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// What, by pseudonym: `recording of ses-…`.
    pub what: String,
    /// The rule it fell under.
    pub why: String,
    /// The retention group whose key is gone.
    pub group: GroupId,
    /// SHA-256 of the entry's bytes.
    pub receipt: Digest,
}

/// A board report as PDF, with the facts attached as `record.json` (RFC 8785 bytes of [`BoardReport`]).
///
/// # Errors
/// [`ReportError::CheckpointTooLong`], [`ReportError::NoGlyph`] for a character no font has.
pub fn board_report(report: &BoardReport) -> Result<Vec<u8>, ReportError> {
    let mut models: Vec<(&ModelUse, u64)> = Vec::new();
    let mut sessions = Vec::new();
    for session in &report.sessions {
        let mut keys = Vec::new();
        for model in &session.models {
            let at = match models.iter().position(|(known, _)| *known == model) {
                Some(at) => at,
                None => {
                    models.push((model, 0));
                    models.len() - 1
                }
            };
            let key = format!("M{}", at + 1);
            if !keys.contains(&key) {
                models[at].1 += 1;
                keys.push(key);
            }
        }
        sessions.push(session_data(session, &keys));
    }

    let data = json!({
        "practice": report.practice,
        "made": report.made,
        "from": report.from,
        "to": report.to,
        "scope": report.scope,
        "alarms": report.emergencies.lines(report.made),
        "short": in_short(report),
        "attention": attention(report),
        "verification": verification_data(&report.verification),
        "sessions": sessions,
        "models": models.iter().enumerate().map(|(at, (model, count))| json!({
            "key": format!("M{}", at + 1), "name": model.name, "task": model.task, "engine": model.engine,
            "sha256": model.sha256, "sessions": count,
        })).collect::<Vec<_>>(),
        "refused": report.refused.iter().map(|refusal| json!({
            "seq": refusal.seq, "time": refusal.time, "client": refusal.client,
            "status": sentence_case(&refusal.status), "reasons": refusal.reasons,
        })).collect::<Vec<_>>(),
        "withdrawals": report.withdrawals.iter().map(withdrawal_data).collect::<Vec<_>>(),
        "notes": report.notes.iter().map(note_data).collect::<Vec<_>>(),
        "looks": report.looks,
        "destroyed": report.destroyed,
        "vendors": report.vendors.iter().map(vendors::data).collect::<Vec<_>>(),
        "counts": report.counts.iter().filter(|of| of.count > 0).map(|of| json!({
            "kind": of.kind, "meaning": meaning(of.kind), "count": of.count,
        })).collect::<Vec<_>>(),
        "legal": report.legal.statements,
        "legal_checked": report.legal.checked_on,
        "checkpoint": report.checkpoint,
    });
    let record = provenote_schemas::canonical(report)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ReportError::Typesetting("the facts have no JSON form".to_owned()))?;
    Copy::new("board", include_str!("../typ/board.typ"), report.made, data)?
        .record(&record)?
        .checkpoint(report.checkpoint.as_deref())?
        .print()
}

fn in_short(report: &BoardReport) -> Vec<(&'static str, u64)> {
    let kind = |kind: Kind| report.counts.iter().filter(|of| of.kind == kind).map(|of| of.count).sum::<u64>();
    let notes =
        |attested: bool| report.notes.iter().filter(|note| (note.state != NoteState::Draft) == attested).count() as u64;
    vec![
        ("Sessions processed", report.sessions.len() as u64),
        ("Refused by the consent gate", report.refused.len() as u64),
        ("Consents signed", kind(Kind::ConsentGranted)),
        ("Consents declined or taken back", kind(Kind::ConsentDeclined) + kind(Kind::ConsentRevoked)),
        ("Notes attested", notes(true)),
        ("Drafts nobody has attested", notes(false)),
        ("Views and exports", report.looks.len() as u64),
        ("Destructions with a receipt", report.destroyed.len() as u64),
        ("Companies that get sound or words", report.vendors.len() as u64),
        ("Their findings that are open", report.vendors.iter().map(|vendor| u64::from(vendor.findings)).sum()),
    ]
}

/// What a reader must not miss.
fn attention(report: &BoardReport) -> Vec<String> {
    let mut out = Vec::new();
    let overridden = report.sessions.iter().filter(|session| session.isolation == Some(Isolation::Overridden)).count();
    if overridden > 0 {
        out.push(format!(
            "{} processed while the practice had switched off the operating system’s isolation of the models.",
            counted(overridden, "session was", "sessions were")
        ));
    }
    let unconsented = report
        .sessions
        .iter()
        .filter(|session| session.source == Source::Recorded && session.consents.is_empty())
        .count();
    if unconsented > 0 {
        out.push(format!(
            "{} no consent in this report.",
            counted(unconsented, "recorded session names", "recorded sessions name")
        ));
    }
    let unanswered: u32 = report
        .notes
        .iter()
        .filter(|note| note.state != NoteState::Draft)
        .filter_map(|note| Some(note.warnings?.saturating_sub(note.answered)))
        .sum();
    if unanswered > 0 {
        out.push(format!(
            "{} without a written answer: the attested note speaks of it itself, or the ledger holds no answer.",
            counted(unanswered as usize, "safety warning stands", "safety warnings stand")
        ));
    }
    out.extend(vendors::attention(&report.vendors));
    out
}

/// A word of the records as a sentence begins: `rolled_back` is `Rolled back`.
fn sentence_case(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>().replace('_', " "))
        .unwrap_or_default()
}

fn verification_data(verification: &Verification) -> Value {
    let meaning = match (verification.whole, verification.signed, &verification.anchored_to) {
        (false, _, _) => {
            "The verifier found what should not be there. What it found is listed below, and this report is only as good as the ledger behind it."
        }
        (true, false, _) => "Every entry is where it was written, but the head carries no valid signature.",
        (true, true, None) => {
            "Every entry is where it was written, and the head is signed. Nothing outside the ledger was at hand to show that it was not cut short."
        }
        (true, true, Some(_)) => {
            "Every entry is where it was written, the head is signed, and the ledger holds all that the checkpoint it was compared with held."
        }
    };
    json!({
        "verdict": verification.verdict, "whole": verification.whole, "headline": format!("{}.", sentence_case(&verification.verdict)), "meaning": meaning,
        "size": verification.size, "root": verification.root, "signed": verification.signed,
        "anchored_to": verification.anchored_to, "findings": verification.findings,
        "origin": verification.origin, "vkey": verification.vkey,
    })
}

fn session_data(session: &SessionRow, models: &[String]) -> Value {
    let mut length = session.duration_s.filter(|seconds| seconds.is_finite() && *seconds >= 0.0).map_or_else(
        String::new,
        |seconds| {
            let whole = seconds.round();
            format!("{} min {} s, ", (whole / 60.0).floor(), whole % 60.0)
        },
    );
    let _ = write!(
        length,
        "{}",
        match session.source {
            Source::Recorded => "recorded",
            Source::Dictated if session.audio == AudioFate::None => "typed",
            Source::Dictated => "dictated",
        }
    );
    let (ok, isolation) = match session.isolation {
        Some(Isolation::Enforced) => (true, "Isolation enforced"),
        Some(Isolation::Overridden) => (false, "Isolation overridden"),
        None => (true, ""),
    };
    json!({
        "session": session.session, "client": session.client, "time": session.time, "seq": session.seq, "length": length,
        "gate": match session.source {
            Source::Recorded => "Open",
            Source::Dictated => "Not recorded: by the clinician, afterwards",
        },
        "consents": session.consents,
        "models": if models.is_empty() { "No model ran".to_owned() } else { models.join(", ") },
        "isolation": { "ok": ok, "text": isolation },
        "recording": match &session.audio {
            AudioFate::None => "None was made".to_owned(),
            AudioFate::Kept { due } => format!("Sealed; due {}", due.date()),
            AudioFate::Destroyed { time, seq } => format!("Destroyed {}, entry {seq}", time.date()),
        },
    })
}

fn withdrawal_data(withdrawal: &WithdrawalRow) -> Value {
    let purposes: Vec<&str> = withdrawal.purposes.iter().map(|purpose| purpose_words(*purpose)).collect();
    let receipts: Vec<String> = withdrawal.destroyed.iter().map(u64::to_string).collect();
    json!({
        "seq": withdrawal.seq, "time": withdrawal.time, "client": withdrawal.client,
        "purposes": if purposes.is_empty() { "Everything".to_owned() } else { sentence_case(&purposes.join("; ")) },
        "destroyed": match receipts.as_slice() {
            [] => "Nothing was destroyed at once".to_owned(),
            [one] => format!("Receipt: entry {one}"),
            several => format!("Receipts: entries {}", several.join(", ")),
        },
    })
}

fn note_data(note: &NoteRow) -> Value {
    let mut review = counted(note.edits as usize, "edit", "edits");
    let _ = match note.warnings {
        Some(0) => write!(review, "; no warnings"),
        Some(raised) => {
            write!(review, "; {}, {} answered", counted(raised as usize, "warning", "warnings"), note.answered)
        }
        None => write!(review, "; warnings not counted: its text is destroyed, or closed to who made this report"),
    };
    if note.amendments > 0 {
        let _ = write!(review, "; {}", counted(note.amendments as usize, "amendment", "amendments"));
    }
    json!({
        "note": note.note, "session": note.session, "format": note.format, "review": review,
        "state": match note.state {
            NoteState::Draft => "Draft",
            NoteState::Attested => "Attested",
            NoteState::Amended => "Amended",
        },
        "attested": note.attested.map(|(time, _)| time), "attested_seq": note.attested.map(|(_, seq)| seq),
    })
}

/// What a kind of entry records, for somebody who has never seen the ledger.
pub(crate) const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::PracticeCreated => "The practice was set up on this computer",
        Kind::PracticeConfigured => "A setting of the practice was set or changed",
        Kind::UserAdded => "A user with keys of their own was added",
        Kind::UserUnlocked => "A user unlocked their keys for a limited time",
        Kind::UserLocked => "A user locked their keys again",
        Kind::UserRefused => "A passphrase did not fit",
        Kind::RecoveryPrinted => "A recovery kit was made",
        Kind::UserRecovered => "A lost passphrase was replaced with the recovery code",
        Kind::UserInvited => "A user was invited, with keys that are replaced when the invitation is redeemed",
        Kind::UserChanged => "A user’s role or the end of their account was changed",
        Kind::UserRemoved => "A user was removed, and what is written from then on has keys they never had",
        Kind::UserSignedIn => "A user signed in",
        Kind::UserExpired => "A user’s keys were forgotten after nobody had used them for a while",
        Kind::UserDelayed => "A user has to wait after too many failed attempts to sign in",
        Kind::SupervisionSet => "Whose work a supervisor answers for was changed",
        Kind::OfficeKeyed => "The key of all who open one class of records of every client was made or replaced",
        Kind::AccessRefused => "Somebody asked for what they may not do, and was refused",
        Kind::AccessExplained => "A decision about access was explained",
        Kind::AccessReviewed => "A person reviewed who read what, and signed it off",
        Kind::PolicyChanged => "The practice’s own rules of access were changed",
        Kind::GrantRequested => "Somebody asked for access for a limited time",
        Kind::GrantApproved => "Access for a limited time was given",
        Kind::GrantDenied => "Access for a limited time was denied",
        Kind::GrantRevoked => "Access for a limited time was taken back before its end",
        Kind::GrantTaken => "Somebody took access at once in an emergency",
        Kind::GrantReviewed => "Emergency access was reviewed by somebody else",
        Kind::GrantEnded => "Access for a limited time was over, and its key was destroyed",
        Kind::EmergencyPrepared => "The emergency key was made anew, its code printed for a sealed envelope",
        Kind::FactorEnrolled => "A user gave themselves a second factor",
        Kind::FactorUsed => "A code of a second factor was used up",
        Kind::FactorReset => "A user’s second factor was taken away",
        Kind::DeviceEnrolled => "A device asked to be known to the practice",
        Kind::DeviceApproved => "A device was approved",
        Kind::DeviceRevoked => "A device is no longer known to the practice",
        Kind::PlaceChanged => "From which networks and countries people may work was changed",
        Kind::LogKeyRotated => "The ledger was given a new key, and the old one was destroyed",
        Kind::ClockReset => "The clock ran behind the ledger, and the user accepted it",
        Kind::ClientAdded => "A client’s file was opened",
        Kind::ClientChanged => "Who takes part in a client’s sessions was changed",
        Kind::ClientAssigned => "Somebody treats a client from then on",
        Kind::ClientUnassigned => "Somebody treats a client no longer",
        Kind::ClientViewed => "Somebody looked at a client’s identity",
        Kind::ConsentRequested => "A consent form was made for a client",
        Kind::ConsentPrinted => "A consent form was printed",
        Kind::ConsentOffered => "A form was put before a participant",
        Kind::ConsentDiscussed => "A form was talked through aloud",
        Kind::ConsentSpoken => "The clinician stated that a participant said yes aloud",
        Kind::ConsentGranted => "A participant signed",
        Kind::ConsentDeclined => "A participant said no",
        Kind::ConsentRevoked => "A participant took a consent back",
        Kind::ConsentExported => "A consent left the practice’s records as a file",
        Kind::ConsentImported => "A consent made elsewhere was read; it opens nothing",
        Kind::SessionRecorded => "A recording passed the consent gate and was sealed",
        Kind::SessionRefused => "The consent gate refused a session",
        Kind::SessionDictated => "The clinician dictated instead of recording",
        Kind::WorkerStarted => "A model was started and reported its isolation",
        Kind::WorkerFailed => "A model failed or was stopped; nothing of its work was kept",
        Kind::TranscriptionRequested => "A recording was handed to the speech model",
        Kind::TranscriptReceived => "The speech model’s output was received",
        Kind::TranscriptViewed => "Somebody read a transcript",
        Kind::PromptSent => "A prompt was recorded and then shown to the drafting model",
        Kind::OutputReceived => "The drafting model’s output was received",
        Kind::DraftMade => "A draft was made of an output",
        Kind::DraftRefused => "The consent gate refused a draft",
        Kind::NoteViewed => "Somebody read a draft or a note",
        Kind::NoteEdited => "The clinician changed a draft",
        Kind::NoteAttested => "The clinician attested a note",
        Kind::NoteAmended => "The clinician added to an attested note",
        Kind::NoteExported => "A note left the practice’s records as a file",
        Kind::NotePrinted => "A note was printed",
        Kind::NoteForwarded => "A note was sent to somebody outside the practice",
        Kind::ClaimChanged => "What a claim needs was entered or changed",
        Kind::ClaimViewed => "Somebody saw what a claim needs",
        Kind::ReleaseMade => "A person confirmed a text without identifiers",
        Kind::ReleaseViewed => "Somebody read a text without identifiers",
        Kind::RecordsSearched => "Somebody searched the records",
        Kind::OpeningsViewed => "Somebody saw who opened a client’s file",
        Kind::DisclosureRecorded => "Something of a client was disclosed outside the practice",
        Kind::AccountingMade => "The accounting of a client’s disclosures was made",
        Kind::HoldPlaced => "Records are held back from destruction",
        Kind::HoldLifted => "Records are no longer held back from destruction",
        Kind::IncidentRecorded => "A security incident was opened, assessed or closed",
        Kind::TrailExported => "The audit trail left as a file",
        Kind::TrailSealed => "The oldest part of the ledger was sealed off into an archive",
        Kind::NoteTraced => "Somebody traced the entries behind a note",
        Kind::LedgerViewed => "Somebody looked at entries of the ledger",
        Kind::RecordDestroyed => "Keys and ciphertext were destroyed",
        Kind::ClientDestroyed => "All keys of a client were destroyed, and with them everything of the client",
        Kind::BackupCreated => "A backup was made",
        Kind::BackupVerified => "A backup was read through and checked",
        Kind::BackupRestored => "The practice was restored from a backup, and its owner accepted what the backup lacks",
        Kind::WitnessAdded => "A witness is asked from now on to sign for the ledger’s state",
        Kind::WitnessRemoved => "A witness is no longer asked",
        Kind::ReportMade => "A report was made",
        Kind::BundleCreated => "An evidence bundle was made for somebody outside",
        Kind::ModelAdded => "A model was added",
        Kind::VendorAdded => "A company outside the practice gets sound or words from now on",
        Kind::VendorRemoved => "A company outside the practice gets nothing any more",
        Kind::VendorAnswered => "Somebody answered a question of the audit of a company",
        Kind::VendorAgreementReviewed => "An agreement with a company was read and reviewed",
        Kind::VendorAudited => "A company, or the practice’s own pipeline, was audited",
        Kind::TermsTracked => "A document of a company’s terms is watched from now on",
        Kind::TermsUntracked => "A document of a company’s terms is no longer watched",
        Kind::TermsAsked => "The network was used to ask for companies’ terms",
        Kind::TermsChecked => "A company’s terms were fetched and compared with the version before, or could not be",
        Kind::TermsSettled => {
            "Somebody said why a company’s worsened terms do not touch clients; consents from before hold again"
        }
        Kind::TermsImported => "Versions of a company’s terms that others had kept were read in",
    }
}
