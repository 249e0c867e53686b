//! Consent forms: to read and sign, or with the signatures of those who did.

use provenote_consent::{Capacity, blank_in, role_words};
use provenote_schemas::ParticipantId;
use provenote_schemas::consent::{ConsentForm, Grant, Signature};
use provenote_schemas::encoding::Digest;
use provenote_templates::{Block, Span, blocks, language, right_to_left};
use serde_json::{Value, json};

use crate::labels::{Labels, capitalised};
use crate::press::Copy;
use crate::{Practice, ReportError, signature};

/// A form on paper.
#[derive(Debug, Clone)]
pub struct ConsentDocument {
    /// The letterhead.
    pub practice: Practice,
    /// The form as it was shown; its text is what is printed.
    pub form: ConsentForm,
    /// The statement that stands above the signatures.
    pub intent: String,
    /// Who has signed. A participant without a grant gets lines to sign on.
    pub grants: Vec<Grant>,
    /// In what way somebody says yes, where that was worked out: beside a guardian, or for whom. Nothing is printed for
    /// somebody who is not named here, or who says yes for themselves.
    pub capacities: Vec<(ParticipantId, Capacity)>,
    /// The pictures of drawn signatures.
    pub pictures: Vec<Picture>,
    /// The ledger's checkpoint, a signed note; none before the form is in the ledger.
    pub checkpoint: Option<String>,
    /// The key that signed it (C2SP vkey): what a bundle handed out later is compared with.
    pub vkey: Option<String>,
    /// Attached as `record.json`, byte for byte.
    pub record_json: String,
    /// The consent receipt; attached as `receipt.json`, byte for byte.
    pub receipt_json: Option<String>,
}

/// A signature as it was drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The PNG file; found by its SHA-256.
    pub png: Vec<u8>,
}

/// A consent form as PDF, its labels in the form's language. Where there are no labels in it they are English, and
/// the paper says so.
///
/// # Errors
/// [`ReportError::AlteredForm`] and [`ReportError::ForeignSignature`] where form and signatures do
/// not belong together, [`ReportError::Blank`] where somebody signed and something is left to fill in,
/// [`ReportError::BadPicture`] and [`ReportError::NoPicture`] for drawn signatures,
/// [`ReportError::Language`] for a language that is none or is written from right to left,
/// [`ReportError::NoGlyph`] for a character no font has.
pub fn consent_form(document: &ConsentDocument) -> Result<Vec<u8>, ReportError> {
    let form = &document.form;
    if Digest::of(form.text.as_bytes()) != form.text_sha256 {
        return Err(ReportError::AlteredForm { consent: form.consent.clone() });
    }
    for grant in &document.grants {
        let what = if grant.consent != form.consent {
            "another consent"
        } else if grant.text_sha256 != form.text_sha256 {
            "another text"
        } else if grant.disclosure_digest != form.disclosure_digest {
            "other disclosures"
        } else if form.participants.iter().all(|participant| participant.id != grant.participant) {
            "the name of somebody who is not on it"
        } else {
            continue;
        };
        return Err(ReportError::ForeignSignature { what });
    }
    check_direction(form)?;
    if !document.grants.is_empty() {
        check_filled(document)?;
    }
    let labels = Labels::of(&form.lang);

    let mut drawn = Vec::new();
    // The digest of each participant's signature, where it has one.
    let mut digests = Vec::new();
    let mut participants = Vec::new();
    for participant in &form.participants {
        // The last grant counts: somebody may sign anew.
        let signed = document.grants.iter().rev().find(|grant| grant.participant == participant.id);
        digests.push(signed.and_then(|grant| match grant.signature {
            Signature::Typed { .. } => None,
            Signature::Drawn { png_sha256: digest }
            | Signature::Scan { pdf_sha256: digest }
            | Signature::Photo { image_sha256: digest } => Some(digest),
        }));
        let signature = match signed {
            Some(grant) => mark(document, grant, labels, &mut drawn)?,
            None => Value::Null,
        };
        participants.push(json!({
            "name": participant.name,
            "role": capitalised(role_words(participant.role, labels.lang())),
            "capacity": capacity(document, &participant.id),
            "signature": signature,
        }));
    }

    let mut text = blocks(&form.text);
    let title = take_title(&mut text);
    let data = json!({
        "title": title,
        "lang": form.lang,
        "practice": document.practice,
        "consent": form.consent,
        "template": form.template,
        "amends": form.amends,
        "made": labels.moment(form.made),
        "expires": labels.moment(form.expires),
        "intent": document.intent,
        "blocks": printed(&text),
        "participants": participants,
        "receipt": document.receipt_json.is_some(),
    });
    let date = document.grants.iter().map(|grant| grant.time).max().unwrap_or(form.made);
    let codes = json!({
        "text_sha256": form.text_sha256,
        "disclosure_digest": form.disclosure_digest,
        "signatures": digests,
        "checkpoint": document.checkpoint,
        "vkey": document.vkey,
    });
    let mut copy = Copy::new("consent", include_str!("../typ/consent.typ"), date, data)?
        .codes(codes)?
        .in_words_of(labels)
        .record(&document.record_json)?
        .checkpoint(document.checkpoint.as_deref())?;
    if let Some(receipt) = &document.receipt_json {
        copy = copy.attached("receipt.json", receipt)?;
    }
    for (name, rgba) in drawn {
        copy = copy.file(name, rgba);
    }
    copy.print()
}

/// The templates refuse what is written from right to left; so does paper, wherever a form came from.
fn check_direction(form: &ConsentForm) -> Result<(), ReportError> {
    language(&form.lang).map_err(|error| ReportError::Language(error.to_string()))?;
    let letters = form.text.chars().filter(|c| c.is_alphabetic());
    let (turned, all) =
        letters.fold((0_usize, 0_usize), |(turned, all), c| (turned + usize::from(right_to_left(c)), all + 1));
    // Names of people may be in any script.
    if turned * 2 > all {
        return Err(ReportError::RightToLeft { consent: form.consent.clone() });
    }
    Ok(())
}

/// Nothing that somebody signed has a place left to fill in.
fn check_filled(document: &ConsentDocument) -> Result<(), ReportError> {
    let blank = |text: &str| !text.chars().any(|c| !c.is_whitespace() && !c.is_control());
    let form = &document.form;
    let typed_nothing = |grant: &Grant| matches!(&grant.signature, Signature::Typed { name } if blank(name));
    let what = if let Some(found) = blank_in(&form.text) {
        format!("`{found}` in its text")
    } else if form.participants.iter().any(|participant| blank(&participant.name)) {
        "the name of somebody who is asked".to_owned()
    } else if blank(&document.intent) || document.grants.iter().any(|grant| blank(&grant.intent)) {
        "the statement above the signatures".to_owned()
    } else if document.grants.iter().any(typed_nothing) {
        "a typed signature".to_owned()
    } else {
        return Ok(());
    };
    Err(ReportError::Blank { consent: form.consent.clone(), what })
}

/// In what way somebody says yes, as the template reads it; null for somebody who says it for themselves.
fn capacity(document: &ConsentDocument, participant: &ParticipantId) -> Value {
    let name = |id: &ParticipantId| {
        let named = document.form.participants.iter().find(|other| other.id == *id);
        named.map_or_else(|| id.to_string(), |other| other.name.clone())
    };
    match document.capacities.iter().find(|(id, _)| id == participant).map(|(_, capacity)| capacity) {
        Some(Capacity::Assent) => json!({ "kind": "assent" }),
        Some(Capacity::Guardian { of }) if !of.is_empty() => {
            json!({ "kind": "guardian", "of": of.iter().map(name).collect::<Vec<_>>().join(", ") })
        }
        Some(Capacity::Own | Capacity::Guardian { .. }) | None => Value::Null,
    }
}

/// One signature as the template reads it; the pixels of a drawn one go to `drawn`.
fn mark(
    document: &ConsentDocument,
    grant: &Grant,
    labels: Labels,
    drawn: &mut Vec<(String, Vec<u8>)>,
) -> Result<Value, ReportError> {
    let evidence = &grant.evidence;
    let noted: Vec<(&str, &String)> =
        [("device", &evidence.device), ("identity", &evidence.identity), ("authority", &evidence.authority)]
            .into_iter()
            .filter_map(|(what, value)| value.as_ref().map(|value| (what, value)))
            .collect();
    let mut mark = json!({ "time": labels.moment(grant.time), "intent": null, "noted": noted });
    if grant.intent != document.intent {
        mark["intent"] = json!(grant.intent);
    }
    match &grant.signature {
        Signature::Typed { name } => {
            mark["how"] = json!("typed");
            mark["name"] = json!(name);
        }
        Signature::Drawn { png_sha256 } => {
            let number = drawn.len() + 1;
            let file = format!("signature-{number}.rgba");
            let png = document.pictures.iter().map(|picture| &picture.png).find(|png| Digest::of(png) == *png_sha256);
            let pixels = signature::read(number, &file, png.ok_or(ReportError::NoPicture { number })?)?;
            mark["how"] = json!("drawn");
            mark["picture"] = pixels.about;
            drawn.push((file, pixels.rgba));
        }
        Signature::Scan { .. } | Signature::Photo { .. } => mark["how"] = json!("scan"),
    }
    Ok(mark)
}

/// The words of a leading heading, which become the document's title.
fn take_title(text: &mut Vec<Block>) -> Option<String> {
    match text.first() {
        Some(Block::Heading { text: words, .. }) => {
            let title = words.iter().map(|span| span.text.as_str()).collect();
            text.remove(0);
            Some(title)
        }
        _ => None,
    }
}

/// The blocks as the template reads them. Headings start at level 2 below the title and skip no
/// level on the way down, as PDF/UA-1 (ISO 14289-1 §7.4.2) asks.
fn printed(text: &[Block]) -> Value {
    let top = text
        .iter()
        .filter_map(|block| if let Block::Heading { level, .. } = block { Some(*level) } else { None })
        .min()
        .unwrap_or(1);
    let mut above = 1;
    let mut out = Vec::new();
    for block in text {
        out.push(match block {
            Block::Heading { level, text } => {
                above = (level - top + 2).min(above + 1);
                json!({ "kind": "heading", "level": above, "text": line(text) })
            }
            Block::Paragraph(text) => json!({ "kind": "paragraph", "text": line(text) }),
            Block::Bullets(items) => json!({ "kind": "bullets", "items": lines(items) }),
            Block::Numbered(items) => json!({ "kind": "numbered", "items": lines(items) }),
            Block::Checkbox { ticked, text } => json!({ "kind": "checkbox", "ticked": ticked, "text": line(text) }),
            Block::Table { head, rows } => {
                let width = head.len();
                let fitted: Vec<Vec<Value>> = rows
                    .iter()
                    .map(|row| (0..width).map(|at| line(row.get(at).map_or(&[], Vec::as_slice))).collect())
                    .collect();
                json!({ "kind": "table", "head": lines(head), "rows": fitted })
            }
            Block::Rule => json!({ "kind": "rule" }),
        });
    }
    Value::Array(out)
}

/// Spans as the template reads them: a string where nothing in them is bold or italic.
fn line(text: &[Span]) -> Value {
    if text.iter().any(|span| span.bold || span.italic) {
        return json!(text);
    }
    Value::String(text.iter().map(|span| span.text.as_str()).collect())
}

fn lines(items: &[Vec<Span>]) -> Value {
    items.iter().map(|item| line(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_skip_no_level() {
        let mut text = blocks("# Title\n\n### Deep\n\n##### Deeper\n\n### Back\n\n#### Down\n");
        assert_eq!(take_title(&mut text).as_deref(), Some("Title"));
        let levels: Vec<u64> =
            printed(&text).as_array().expect("blocks").iter().filter_map(|block| block["level"].as_u64()).collect();
        assert_eq!(levels, [2, 3, 2, 3]);
    }
}
