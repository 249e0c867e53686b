//! Consent forms: to read and sign, or with the signatures of those who did.

use provenote_schemas::consent::{ConsentForm, Grant, Signature};
use provenote_schemas::encoding::Digest;
use provenote_templates::{Block, Span, blocks};
use serde_json::{Value, json};

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
    /// The pictures of drawn signatures.
    pub pictures: Vec<Picture>,
    /// The ledger's checkpoint, a signed note; none before the form is in the ledger.
    pub checkpoint: Option<String>,
    /// The key that signed it (C2SP vkey): what a bundle handed out later is compared with.
    pub vkey: Option<String>,
    /// Attached as `record.json`, byte for byte.
    pub record_json: String,
}

/// A signature as it was drawn.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The PNG file; found by its SHA-256.
    pub png: Vec<u8>,
}

/// A consent form as PDF.
///
/// # Errors
/// [`ReportError::AlteredForm`] and [`ReportError::ForeignSignature`] where form and signatures do
/// not belong together, [`ReportError::BadPicture`] and [`ReportError::NoPicture`] for drawn ones,
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
    if !(2..=3).contains(&form.lang.len()) || !form.lang.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(ReportError::Language { lang: form.lang.chars().take(8).collect() });
    }

    let mut drawn = Vec::new();
    let mut participants = Vec::new();
    for participant in &form.participants {
        // The last grant counts: somebody may sign anew.
        let signed = document.grants.iter().rev().find(|grant| grant.participant == participant.id);
        let signature = match signed {
            Some(grant) => mark(document, grant, &mut drawn)?,
            None => Value::Null,
        };
        participants.push(json!({ "name": participant.name, "role": participant.role, "signature": signature }));
    }

    let mut text = blocks(&form.text);
    let title = take_title(&mut text).unwrap_or_else(|| "Consent".to_owned());
    let data = json!({
        "title": title,
        "lang": form.lang,
        "practice": document.practice,
        "consent": form.consent,
        "template": form.template,
        "made": form.made,
        "expires": form.expires,
        "text_sha256": form.text_sha256,
        "disclosure_digest": form.disclosure_digest,
        "intent": document.intent,
        "checkpoint": document.checkpoint,
        "vkey": document.vkey,
        "blocks": printed(&text),
        "participants": participants,
    });
    let date = document.grants.iter().map(|grant| grant.time).max().unwrap_or(form.made);
    let mut copy = Copy::new("consent", include_str!("../typ/consent.typ"), date, data)?
        .record(&document.record_json)?
        .checkpoint(document.checkpoint.as_deref())?;
    for (name, rgba) in drawn {
        copy = copy.file(name, rgba);
    }
    copy.print()
}

/// One signature as the template reads it; the pixels of a drawn one go to `drawn`.
fn mark(document: &ConsentDocument, grant: &Grant, drawn: &mut Vec<(String, Vec<u8>)>) -> Result<Value, ReportError> {
    let mut mark = json!({ "time": grant.time, "sha256": null });
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
            mark["sha256"] = json!(png_sha256);
            mark["picture"] = pixels.about;
            drawn.push((file, pixels.rgba));
        }
        Signature::Scan { pdf_sha256 } => {
            mark["how"] = json!("scan");
            mark["sha256"] = json!(pdf_sha256);
        }
        Signature::Photo { image_sha256 } => {
            mark["how"] = json!("scan");
            mark["sha256"] = json!(image_sha256);
        }
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
                json!({ "kind": "heading", "level": above, "text": text })
            }
            Block::Paragraph(text) => json!({ "kind": "paragraph", "text": text }),
            Block::Bullets(items) => json!({ "kind": "bullets", "items": items }),
            Block::Numbered(items) => json!({ "kind": "numbered", "items": items }),
            Block::Checkbox { ticked, text } => json!({ "kind": "checkbox", "ticked": ticked, "text": text }),
            Block::Table { head, rows } => {
                let width = head.len();
                let fitted: Vec<Vec<&[Span]>> = rows
                    .iter()
                    .map(|row| (0..width).map(|at| row.get(at).map_or(&[][..], Vec::as_slice)).collect())
                    .collect();
                json!({ "kind": "table", "head": head, "rows": fitted })
            }
            Block::Rule => json!({ "kind": "rule" }),
        });
    }
    Value::Array(out)
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
