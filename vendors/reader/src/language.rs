//! Which language a document is in: the rules are written for English.

use whatlang::{Detector, Lang};

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Another one, by its English name.
    Other(&'static str),
    /// Too short or too mixed to tell.
    Unclear,
}

/// How much of a text is looked at, at its beginning, in its middle and at its end, in bytes each.
const SAMPLE: usize = 6000;

/// Tells the language of a text by its letters and their sequences.
#[must_use]
pub fn language_of(text: &str) -> Language {
    let detector = Detector::new();
    let (mut english, mut others, mut unclear) = (0_usize, Vec::new(), 0_usize);
    for sample in samples(text) {
        // Names, citations and numbers are no language: only words count.
        let letters = sample.chars().filter(|sign| sign.is_alphabetic()).count();
        if letters < 120 {
            continue;
        }
        match detector.detect(sample) {
            Some(info) if info.lang() == Lang::Eng => english += 1,
            // Short English passages full of names are taken for Dutch or Scots; a real other language is not in doubt.
            Some(info) if info.is_reliable() && info.confidence() > 0.6 => others.push(info.lang()),
            _ => unclear += 1,
        }
    }
    match others.first() {
        // English in one part and another language in the next: a text in two languages can be read.
        _ if english > 0 => Language::English,
        Some(other) if others.len() > unclear => Language::Other(other.eng_name()),
        _ => Language::Unclear,
    }
}

fn samples(text: &str) -> Vec<&str> {
    let part = |from: usize| {
        let start = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let end = (start + SAMPLE).min(text.len());
        let end = (start..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
        &text[start..end]
    };
    if text.len() <= SAMPLE {
        vec![text]
    } else {
        vec![part(0), part((text.len() - SAMPLE) / 2), part(text.len() - SAMPLE)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_told_from_its_neighbours() {
        for (text, language) in [
            (
                "Business Associate shall report to Covered Entity any Breach of Unsecured PHI without unreasonable delay and in no case later than ten days after its discovery, as 45 CFR 164.410 requires.",
                Language::English,
            ),
            (
                "Der Auftragnehmer verpflichtet sich, dem Verantwortlichen jede Verletzung des Schutzes personenbezogener Daten unverzüglich zu melden, spätestens jedoch binnen zehn Tagen nach ihrer Entdeckung.",
                Language::Other("German"),
            ),
            (
                "El asociado comercial deberá notificar a la entidad cubierta cualquier violación de la información médica protegida sin demora injustificada y a más tardar dentro de los diez días siguientes.",
                Language::Other("Spanish"),
            ),
            (
                "Le sous-traitant notifie au responsable du traitement toute violation de données à caractère personnel dans les meilleurs délais et au plus tard dix jours après en avoir pris connaissance.",
                Language::Other("French"),
            ),
            (
                "业务伙伴应当在发现违约后十日内毫不延迟地向受保护实体报告任何未受保护的健康信息的泄露。"
                    .repeat(4)
                    .leak(),
                Language::Other("Mandarin"),
            ),
            ("BAA v1.0", Language::Unclear),
        ] {
            assert_eq!(language_of(text), language, "{text}");
        }
    }
}
