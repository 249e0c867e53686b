//! What a client gets when consent was taken back: what was taken back, and what becomes of everything there is.

use provenote_consent::withdrawal::{Effect, Fate};
use provenote_consent::{purpose_words_in, role_words};
use provenote_schemas::consent::Withdrawal;
use provenote_schemas::people::ParticipantRole;
use provenote_templates::language;
use serde_json::json;

use crate::labels::{Labels, capitalised};
use crate::press::Copy;
use crate::{Practice, ReportError};

/// A withdrawal on paper.
#[derive(Debug, Clone)]
pub struct WithdrawalCopy {
    /// The letterhead.
    pub practice: Practice,
    /// The language of the paper (ISO 639-1), usually that of the form; its words are English where there are none.
    pub lang: String,
    /// The client's name.
    pub client_name: String,
    /// The name of whoever took it back.
    pub person_name: String,
    /// What they are in the sessions.
    pub role: ParticipantRole,
    /// Who, when, and for which purposes; all of them where none is named.
    pub withdrawal: Withdrawal,
    /// What they said, where it was written down.
    pub said: Option<String>,
    /// What becomes of each thing there is, in the order it is printed.
    pub effects: Vec<Effect>,
    /// The entry of the withdrawal.
    pub seq: u64,
    /// The entries that are the receipts of what was destroyed at once.
    pub receipts: Vec<u64>,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
    /// The key that signed it (C2SP vkey).
    pub vkey: Option<String>,
    /// Attached as `record.json`, byte for byte.
    pub record_json: String,
}

/// The client's copy of a withdrawal as PDF.
///
/// # Errors
/// [`ReportError::Language`] for a language that is none or is written from right to left,
/// [`ReportError::NoGlyph`] for a character no font has.
pub fn withdrawal_copy(copy: &WithdrawalCopy) -> Result<Vec<u8>, ReportError> {
    language(&copy.lang).map_err(|error| ReportError::Language(error.to_string()))?;
    let labels = Labels::of(&copy.lang);
    let lang = labels.lang();
    let withdrawal = &copy.withdrawal;
    let effects: Vec<_> = copy
        .effects
        .iter()
        .map(|effect| {
            json!({
                "thing": capitalised(effect.thing.words_in(lang)),
                "id": effect.id,
                "fate": capitalised(&effect.fate.words_in(lang)),
                "gone": matches!(effect.fate, Fate::DestroyedNow | Fate::Stopped),
            })
        })
        .collect();
    let destroys =
        copy.effects.iter().any(|effect| matches!(effect.fate, Fate::DestroyedNow | Fate::DestroyedBy { .. }));
    let data = json!({
        "practice": copy.practice,
        "client_name": copy.client_name,
        "person_name": copy.person_name,
        "role": role_words(copy.role, lang),
        "time": labels.moment(withdrawal.time),
        "purposes": withdrawal.purposes.iter().map(|purpose| capitalised(purpose_words_in(*purpose, lang))).collect::<Vec<_>>(),
        "said": copy.said,
        "seq": copy.seq,
        "effects": effects,
        "destroys": destroys,
        "receipts": copy.receipts.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
        "checkpoint": copy.checkpoint,
        "vkey": copy.vkey,
    });
    Copy::new("withdrawal", include_str!("../typ/withdrawal.typ"), withdrawal.time, data)?
        .in_words_of(labels)
        .record(&copy.record_json)?
        .checkpoint(copy.checkpoint.as_deref())?
        .print()
}
