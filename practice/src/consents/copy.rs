//! The client's copy of a form as plain text: the exact words, and below them who said what about it and when.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use provenote_consent::{ConsentEvent, date_words, purpose_words_in, role_words};
use provenote_schemas::consent::{ConsentForm, Evidence, Grant, Signature};
use provenote_schemas::{ParticipantId, Purpose, Time};
use provenote_templates::{blocks, plain_text};

/// A form, and everything that was done about the client's consent.
pub(super) struct Signed<'a> {
    /// The form.
    pub(super) form: &'a ConsentForm,
    /// The client's events, in the order of the ledger.
    pub(super) events: &'a [ConsentEvent],
    /// The clinician's name.
    pub(super) clinician: &'a str,
}

/// What the copy says of itself, in one language.
struct Labels {
    signatures: &'static str,
    signed_typed: &'static str,
    signed_drawn: &'static str,
    signed_paper: &'static str,
    intent: &'static str,
    device: &'static str,
    identity: &'static str,
    authority: &'static str,
    digest: &'static str,
    spoken: &'static str,
    declined: &'static str,
    revoked: &'static str,
    everything: &'static str,
    nothing: &'static str,
    record: &'static str,
    form: &'static str,
    language: &'static str,
    made: &'static str,
    ends: &'static str,
    text: &'static str,
    facts: &'static str,
    checkpoint: &'static str,
}

const ENGLISH: Labels = Labels {
    signatures: "Who said what",
    signed_typed: "Signed by typing the name",
    signed_drawn: "Signed by hand on a screen",
    signed_paper: "Signed by hand on paper",
    intent: "Above the signature stood",
    device: "Device",
    identity: "How the person was known",
    authority: "By what right",
    digest: "Digest of the signature (SHA-256)",
    spoken: "Said yes aloud, as this clinician states",
    declined: "Said no",
    revoked: "Took the consent back",
    everything: "for everything",
    nothing: "Has not signed.",
    record: "What is on record",
    form: "Form",
    language: "Language",
    made: "Made",
    ends: "The consent ends by itself",
    text: "Digest of the text as it was shown, in Markdown (SHA-256)",
    facts: "Digest of the facts it tells (SHA-256)",
    checkpoint: "State of the record book when this copy was made (signed checkpoint)",
};

/// Machine-translated by Provenote's makers, not reviewed by a person.
const SPANISH: Labels = Labels {
    signatures: "Quién dijo qué",
    signed_typed: "Firmó escribiendo el nombre",
    signed_drawn: "Firmó a mano en una pantalla",
    signed_paper: "Firmó a mano en papel",
    intent: "Sobre la firma decía",
    device: "Dispositivo",
    identity: "Cómo se supo quién es",
    authority: "Con qué derecho",
    digest: "Huella de la firma (SHA-256)",
    spoken: "Dijo que sí en voz alta, según declara",
    declined: "Dijo que no",
    revoked: "Retiró el consentimiento",
    everything: "para todo",
    nothing: "No ha firmado.",
    record: "Lo que consta",
    form: "Formulario",
    language: "Idioma",
    made: "Hecho",
    ends: "El consentimiento termina por sí solo",
    text: "Huella del texto tal como se mostró, en Markdown (SHA-256)",
    facts: "Huella de los datos que cuenta (SHA-256)",
    checkpoint: "Estado del libro de registro al hacer esta copia (punto firmado)",
};

/// A moment as people write it, with the hour in UTC.
fn moment(time: Time, lang: &str) -> String {
    let clock: String = time.to_string().chars().skip(11).take(5).collect();
    format!("{}, {clock} UTC", date_words(time, lang))
}

/// The exact words of the form, then the acts of everybody it was made for, then the digests and the checkpoint.
pub(super) fn plain_copy(signed: &Signed<'_>, checkpoint: &str) -> String {
    let form = signed.form;
    let lang = if form.lang == "es" { "es" } else { "en" };
    let labels = if lang == "es" { &SPANISH } else { &ENGLISH };
    let mut out = plain_text(&blocks(&form.text));
    let mut line = |text: &str| {
        let _ = writeln!(out, "{text}");
    };
    let rule = "-".repeat(20);
    line(&format!("\n{rule}\n\n{}", labels.signatures));
    for person in &form.participants {
        line(&format!("\n{} ({})", person.name, role_words(person.role, lang)));
        let acts = signed.acts_of(&person.id, labels, lang);
        if acts.is_empty() {
            line(&format!("- {}", labels.nothing));
        }
        acts.iter().for_each(|act| line(&format!("- {act}")));
    }
    line(&format!("\n{rule}\n\n{}\n", labels.record));
    for (what, value) in [
        (labels.form, format!("{}, {}", form.consent, form.template)),
        (labels.language, form.lang.clone()),
        (labels.made, moment(form.made, lang)),
        (labels.ends, moment(form.expires, lang)),
        (labels.text, form.text_sha256.to_string()),
        (labels.facts, form.disclosure_digest.to_string()),
    ] {
        line(&format!("- {what}: {value}"));
    }
    line(&format!("\n{}:\n\n{}", labels.checkpoint, checkpoint.trim_end()));
    out
}

impl Signed<'_> {
    /// What one person did about this form, or about all consent since it was made, a line each.
    fn acts_of(&self, who: &ParticipantId, labels: &Labels, lang: &str) -> Vec<String> {
        let form = self.form;
        let mut lines = Vec::new();
        let made = self
            .events
            .iter()
            .position(|event| matches!(event, ConsentEvent::Requested(other) if other.consent == form.consent));
        for event in self.events.iter().skip(made.unwrap_or(0)) {
            match event {
                ConsentEvent::Granted(grant) if grant.consent == form.consent && grant.participant == *who => {
                    lines.extend(signature_lines(grant, labels, lang));
                }
                ConsentEvent::Spoken(verbal) if verbal.consent == form.consent && verbal.participant == *who => {
                    lines.push(format!("{} ({}): {}", labels.spoken, self.clinician, moment(verbal.time, lang)));
                }
                ConsentEvent::Declined(no) if no.participant == *who && self.concerns(&no.purposes) => {
                    lines.push(no_line(labels.declined, &no.purposes, no.time, labels, lang));
                }
                ConsentEvent::Revoked(no) if no.participant == *who && self.concerns(&no.purposes) => {
                    lines.push(no_line(labels.revoked, &no.purposes, no.time, labels, lang));
                }
                _ => {}
            }
        }
        lines
    }

    fn concerns(&self, purposes: &BTreeSet<Purpose>) -> bool {
        purposes.is_empty() || purposes.iter().any(|purpose| self.form.purposes.contains(purpose))
    }
}

fn signature_lines(grant: &Grant, labels: &Labels, lang: &str) -> Vec<String> {
    let (how, digest) = match &grant.signature {
        Signature::Typed { name } => (format!("{} “{name}”", labels.signed_typed), None),
        Signature::Drawn { png_sha256 } => (labels.signed_drawn.to_owned(), Some(png_sha256)),
        Signature::Scan { pdf_sha256 } => (labels.signed_paper.to_owned(), Some(pdf_sha256)),
        Signature::Photo { image_sha256 } => (labels.signed_paper.to_owned(), Some(image_sha256)),
    };
    let mut lines =
        vec![format!("{how}: {}", moment(grant.time, lang)), format!("{}: {}", labels.intent, grant.intent)];
    let Evidence { device, identity, authority } = &grant.evidence;
    for (what, value) in [(labels.device, device), (labels.identity, identity), (labels.authority, authority)] {
        lines.extend(value.as_ref().map(|value| format!("{what}: {value}")));
    }
    lines.extend(digest.map(|digest| format!("{}: {digest}", labels.digest)));
    lines
}

fn no_line(what: &str, purposes: &BTreeSet<Purpose>, time: Time, labels: &Labels, lang: &str) -> String {
    let which: Vec<&str> = purposes.iter().map(|purpose| purpose_words_in(*purpose, lang)).collect();
    let which = if which.is_empty() { labels.everything.to_owned() } else { which.join(", ") };
    format!("{what} ({which}): {}", moment(time, lang))
}
