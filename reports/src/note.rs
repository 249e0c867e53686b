//! Attested notes as they leave the practice.

use provenote_schemas::disclosure::{Isolation, ModelFact};
use provenote_schemas::note::{Attestation, NoteText, Origin};
use provenote_schemas::{Kind, Time, digest_of};
use serde_json::{Value, json};

use crate::press::Copy;
use crate::{Practice, ReportError};

/// A note on paper.
#[derive(Debug, Clone)]
pub struct NoteDocument {
    /// The letterhead.
    pub practice: Practice,
    /// When this copy was made.
    pub made: Time,
    /// The attested text.
    pub note: NoteText,
    /// The format's sections in words, such as `Subjective, Objective, Assessment, Plan`.
    pub format_name: String,
    /// The client's name in clear: an export is for people.
    pub client_name: String,
    /// When the session was.
    pub session_time: Time,
    /// What the practice's records said of consent when the note was attested, a sentence each; made from the ledger's
    /// facts and never by a model.
    pub consent_statement: Vec<String>,
    /// What makes it a note.
    pub attestation: Attestation,
    /// The name of the clinician who attested.
    pub attested_by: String,
    /// What was added since, in order of time.
    pub amendments: Vec<Amendment>,
    /// Who or what put its first words down.
    pub made_by: MadeBy,
    /// The entries behind the note, in order.
    pub entries: Vec<EntryLine>,
    /// The ledger's checkpoint, a signed note.
    pub checkpoint: Option<String>,
    /// Attached as `record.json`, byte for byte.
    pub record_json: String,
}

/// Something added to an attested note.
#[derive(Debug, Clone)]
pub struct Amendment {
    /// When.
    pub time: Time,
    /// The name of who added it.
    pub by: String,
    /// The words.
    pub text: String,
}

/// Who or what put a note's first words down.
#[derive(Debug, Clone)]
pub enum MadeBy {
    /// A model drafted it.
    Model(Drafting),
    /// The clinician dictated it, and a model wrote down what it heard. No model drafted.
    Dictation {
        /// What heard the dictation.
        speech: ModelFact,
        /// Whether the operating system held the model.
        isolation: Isolation,
    },
    /// The clinician typed it. No model took part.
    Typing,
}

/// What made the draft.
#[derive(Debug, Clone)]
pub struct Drafting {
    /// What heard the recording, where there was one.
    pub speech: Option<ModelFact>,
    /// What drafted.
    pub model: ModelFact,
    /// The prompt template, such as `note-soap@1`.
    pub prompt: String,
    /// Whether the operating system held the models.
    pub isolation: Isolation,
}

/// One entry of the ledger, in a line.
#[derive(Debug, Clone)]
pub struct EntryLine {
    /// Its number.
    pub seq: u64,
    /// What it records.
    pub kind: Kind,
    /// When.
    pub time: Time,
}

/// `n thing` or `n things`.
pub(crate) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// An attested note as PDF.
///
/// # Errors
/// [`ReportError::NotAttested`] where the attestation is not of exactly this text,
/// [`ReportError::NoGlyph`] for a character no font has.
pub fn note(document: &NoteDocument) -> Result<Vec<u8>, ReportError> {
    let NoteDocument { note, attestation, .. } = document;
    let signs_this_text = digest_of(note).is_ok_and(|digest| digest == attestation.text);
    if attestation.note != note.note || !signs_this_text {
        return Err(ReportError::NotAttested { note: note.note.clone() });
    }

    let sentences = || note.sections.iter().flat_map(|section| &section.sentences);
    let by = |origin: Origin| sentences().filter(|sentence| sentence.origin == origin).count();
    let answered = note.warnings.iter().filter(|warning| warning.answer.is_some()).count();
    let (origin_line, sources) = origin(&document.made_by, &document.attested_by);
    let data = json!({
        "title": format!("Progress note ({})", note.format),
        "subtitle": document.format_name,
        "practice": document.practice,
        "made": document.made,
        "note": note.note,
        "session": note.session,
        "client_name": document.client_name,
        "session_time": document.session_time,
        "attested_by": document.attested_by,
        "attested": attestation.time,
        "statement": attestation.statement,
        "text_sha256": attestation.text,
        "sections": note.sections.iter().map(|section| json!({
            "name": section.name,
            "sentences": section.sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "consent_statement": document.consent_statement,
        "amendments": document.amendments.iter().map(|amendment| json!({
            "time": amendment.time, "by": amendment.by, "text": amendment.text,
        })).collect::<Vec<_>>(),
        "origin_line": origin_line,
        "sources": sources,
        "sentence_counts": format!(
            "{} by the model unchanged, {} changed by the clinician, {} by the clinician alone",
            by(Origin::Model), by(Origin::Edited), by(Origin::Clinician)
        ),
        "removed_line": (!note.removed.is_empty()).then(|| format!(
            "{} that the model wrote on consent {} taken out: that is told by the practice’s records alone",
            counted(note.removed.len(), "sentence", "sentences"),
            if note.removed.len() == 1 { "was" } else { "were" },
        )),
        "warnings_line": if note.warnings.is_empty() {
            "None raised".to_owned()
        } else {
            format!("{} raised, {answered} answered before attestation", note.warnings.len())
        },
        "entries": document.entries.iter().map(|entry| json!({
            "seq": entry.seq, "kind": entry.kind, "time": entry.time,
        })).collect::<Vec<_>>(),
        "checkpoint": document.checkpoint,
    });
    Copy::new("note", include_str!("../typ/note.typ"), document.made, data)?
        .record(&document.record_json)?
        .checkpoint(document.checkpoint.as_deref())?
        .print()
}

/// A line of "Where this note comes from": its name, its value, and the SHA-256 of a model file.
type Source = (&'static str, String, Value);

/// Where the first words come from: in a sentence, and line by line.
fn origin(made_by: &MadeBy, clinician: &str) -> (String, Vec<Source>) {
    let model = |name, model: &ModelFact| (name, model.name.clone(), json!(model.sha256));
    let plain = |name, value: &str| (name, value.to_owned(), Value::Null);
    let held = |isolation: Isolation| {
        plain(
            "Isolation",
            match isolation {
                Isolation::Enforced => "Enforced: the operating system kept the models from network and files",
                Isolation::Overridden => "Overridden: the practice went on without it",
            },
        )
    };
    match made_by {
        MadeBy::Model(drafting) => {
            let mut sources: Vec<Source> = drafting.speech.iter().map(|speech| model("Speech model", speech)).collect();
            sources.push(model("Drafting model", &drafting.model));
            sources.push(plain("Prompt", &drafting.prompt));
            sources.push(held(drafting.isolation));
            (format!("Drafted with AI on the practice’s own computer; reviewed and attested by {clinician}."), sources)
        }
        MadeBy::Dictation { speech, isolation } => (
            format!(
                "Dictated by the clinician after the session, which was not recorded. A speech model on the practice’s own computer wrote it down; no model drafted it. Reviewed and attested by {clinician}."
            ),
            vec![
                model("Speech model", speech),
                plain("Drafting model", "None: no model drafted this note"),
                held(*isolation),
            ],
        ),
        MadeBy::Typing => (
            format!(
                "Typed by the clinician after the session, which was not recorded. No model took part in it. Attested by {clinician}."
            ),
            vec![plain("Models", "None: the clinician typed this note")],
        ),
    }
}
