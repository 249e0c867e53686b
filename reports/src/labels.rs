//! The words a document prints around what it tells: one table, a column for each language.
//!
//! Forms may be in any language the fonts carry. Where there is no column for it, the words around the form are
//! English, and the paper says so.

use provenote_schemas::Time;
use serde_json::{Map, Value};

/// The languages of the columns (ISO 639-1); the first stands in for all others. The Spanish is machine-translated by
/// Provenote's makers, not reviewed by a person.
const LANGUAGES: [&str; 2] = ["en", "es"];

type Row = (&'static str, [&'static str; LANGUAGES.len()]);

/// `{name}` is where the template of the document puts something in.
const TABLE: &[Row] = &[
    // Every document.
    ("page", ["Page", "Página"]),
    ("page_of", ["of", "de"]),
    ("checkpoint", ["Ledger checkpoint", "Comprobante del registro"]),
    (
        "checkpoint_alt",
        [
            "QR code that holds the ledger checkpoint; the same text is printed beside it.",
            "Código QR con el comprobante del registro; el mismo texto está impreso al lado.",
        ],
    ),
    (
        "checkpoint_file",
        ["The ledger checkpoint, a C2SP signed note", "El comprobante del registro, una nota firmada según C2SP"],
    ),
    (
        "checkpoint_keep",
        [
            "Keep this page. The code is a signed statement by the practice of everything its ledger held when this copy was made. If the ledger is later changed or cut short, your copy shows it.",
            "Guarde esta página. El código es una declaración firmada por el consultorio de todo lo que su registro contenía cuando se hizo esta copia. Si el registro se cambia o se recorta después, su copia lo muestra.",
        ],
    ),
    (
        "checkpoint_key",
        [
            "Its key is {key}. Evidence that the practice hands out later must name the same key, or lead to a newer one from it.",
            "Su clave es {key}. Las pruebas que el consultorio entregue después deben nombrar la misma clave, o llevar de ella a una más nueva.",
        ],
    ),
    // Consent forms.
    ("consent", ["Consent", "Consentimiento"]),
    ("signed_copy", ["Signed copy", "Copia firmada"]),
    ("partly_signed", ["Partly signed copy", "Copia firmada en parte"]),
    ("unsigned", ["Please read before you sign", "Lea esto antes de firmar"]),
    ("consent_foot", ["Copy for the client · consent {consent}", "Copia para el cliente · consentimiento {consent}"]),
    ("signatures", ["Signatures", "Firmas"]),
    ("signing", ["Signing", "Para firmar"]),
    ("signature", ["Signature", "Firma"]),
    ("date", ["Date", "Fecha"]),
    ("assent", ["Says yes beside a parent or guardian", "Dice que sí junto con su madre, padre o tutor"]),
    ("signs_for", ["Signs for {names}", "Firma por {names}"]),
    ("signed", ["Signed", "Firmado"]),
    ("how", ["How", "Cómo"]),
    ("how_typed", ["The person typed their name.", "La persona escribió su nombre."]),
    ("how_drawn", ["The person drew on a screen.", "La persona firmó en una pantalla."]),
    (
        "how_scan",
        [
            "The person signed on paper; a scan is kept in the record.",
            "La persona firmó en papel; el expediente guarda una imagen.",
        ],
    ),
    (
        "on_paper",
        [
            "Signed on paper. The scan is kept in the practice's record.",
            "Firmado en papel. El expediente del consultorio guarda la imagen.",
        ],
    ),
    ("drawn_alt", ["The signature as it was drawn on a screen.", "La firma tal como se dibujó en una pantalla."]),
    ("agreed_to", ["Agreed to", "Aceptó"]),
    ("device", ["Device", "Dispositivo"]),
    ("identity", ["Identity check", "Identidad"]),
    ("authority", ["By what right", "Con qué derecho"]),
    ("picture_sha256", ["Picture, SHA-256", "Imagen, SHA-256"]),
    ("scan_sha256", ["Scan, SHA-256", "Papel, SHA-256"]),
    ("about", ["About this form", "Sobre este formulario"]),
    ("form", ["Form", "Formulario"]),
    ("made", ["Made", "Hecho"]),
    ("amends", ["Adds to the form", "Se suma al formulario"]),
    ("ends", ["Ends by itself", "Termina solo"]),
    ("text_sha256", ["Text, SHA-256", "Texto, SHA-256"]),
    ("disclosures_sha256", ["Disclosures, SHA-256", "Informes, SHA-256"]),
    ("language", ["Language", "Idioma"]),
    // Printed only where a language has no column, and so in English only.
    (
        "language_words",
        [
            "The form itself is in the language {lang}. Provenote has no words in that language for the rest of this paper, so the rest is in English.",
            "El formulario está en el idioma {lang}. Provenote no tiene palabras en ese idioma para el resto de este papel.",
        ],
    ),
    (
        "about_words",
        [
            "The first number changes when a single letter of the text above changes. The second stands for the facts the text tells: which models are used, where, and how long things are kept. When they change in substance, this consent no longer holds and you are asked again. The record behind this form is attached to this file as {record}.",
            "El primer número cambia cuando cambia una sola letra del texto de arriba. El segundo representa los hechos que el texto cuenta: qué modelos se usan, dónde, y cuánto tiempo se guardan las cosas. Cuando cambian en lo importante, este consentimiento deja de valer y se le pregunta de nuevo. El registro de este formulario va adjunto a este archivo como {record}.",
        ],
    ),
    (
        "receipt_words",
        [
            "A receipt that other programs can read is attached as {receipt}.",
            "Un recibo que otros programas pueden leer va adjunto como {receipt}.",
        ],
    ),
    (
        "record_file",
        ["The consent record this form was made from, as JSON.", "El registro de este formulario, en JSON."],
    ),
    (
        "receipt_file",
        [
            "The consent receipt, in the shape of ISO/IEC TS 27560, as JSON.",
            "El recibo del consentimiento, con la forma de ISO/IEC TS 27560, en JSON.",
        ],
    ),
    // Withdrawals.
    ("taken_back", ["Consent taken back", "Consentimiento retirado"]),
    ("your_copy", ["Your copy", "Su copia"]),
    ("withdrawal_foot", ["Copy for the client · withdrawal", "Copia para el cliente · retiro"]),
    ("who", ["Who took it back", "Quién lo retiró"]),
    ("client", ["Client", "Cliente"]),
    ("when", ["When", "Cuándo"]),
    ("what_taken_back", ["What was taken back", "Qué se retiró"]),
    ("everything", ["Everything that was agreed to", "Todo lo que se había aceptado"]),
    ("said", ["In these words", "Con estas palabras"]),
    ("entry", ["Entry in the ledger", "Número en el registro"]),
    ("means", ["What this means", "Qué significa esto"]),
    (
        "means_nothing_new",
        [
            "From this moment on, nothing new is recorded or made for what was taken back.",
            "Desde este momento no se graba ni se hace nada nuevo para lo que se retiró.",
        ],
    ),
    (
        "means_no_use",
        [
            "What is there already is not used for it any more. The list below says what becomes of each thing.",
            "Lo que ya existe no se usa más para eso. La lista de abajo dice qué pasa con cada cosa.",
        ],
    ),
    (
        "means_care",
        [
            "Your care does not change. You do not have to say why.",
            "Su atención no cambia. No tiene que decir por qué.",
        ],
    ),
    (
        "means_again",
        [
            "You may say yes again at any time, with a new form. Nobody will press you.",
            "Puede volver a decir que sí cuando quiera, con un formulario nuevo. Nadie le va a presionar.",
        ],
    ),
    ("becomes", ["What becomes of what is there", "Qué pasa con lo que ya existe"]),
    (
        "becomes_nothing",
        [
            "There was nothing: no recording, no text of one and no draft.",
            "No había nada: ni grabación, ni su texto, ni borrador.",
        ],
    ),
    ("thing", ["What", "Qué"]),
    ("thing_id", ["Its number", "Su número"]),
    ("fate", ["What becomes of it", "Qué pasa con ello"]),
    (
        "destroyed_words",
        [
            "To destroy a thing, the practice destroys the only key that opens it. Then nobody can read it any more. A log of what was done, and when, stays. It uses codes in place of names.",
            "Para destruir algo, el consultorio destruye la única clave que lo abre. Después nadie puede leerlo. Queda un registro de lo que se hizo y cuándo. Usa códigos en lugar de nombres.",
        ],
    ),
    ("receipts", ["Receipts for what was destroyed", "Recibos de lo que se destruyó"]),
    ("receipts_entries", ["Entries in the ledger: {entries}", "Números en el registro: {entries}"]),
    (
        "withdrawal_record",
        [
            "The record of this withdrawal is attached to this file as {record}.",
            "El registro de este retiro va adjunto a este archivo como {record}.",
        ],
    ),
    ("withdrawal_file", ["The record of the withdrawal, as JSON.", "El registro del retiro, en JSON."]),
];

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labels {
    column: usize,
}

impl Labels {
    /// The column of a language; English where it has none.
    pub(crate) fn of(lang: &str) -> Self {
        Self { column: LANGUAGES.iter().position(|known| *known == lang).unwrap_or(0) }
    }

    /// The language the words are in, which may be another than was asked for.
    pub(crate) fn lang(self) -> &'static str {
        LANGUAGES[self.column]
    }

    /// What templates read as `/words.json`; `long` says that some word of the document is longer than some line.
    pub(crate) fn json(self, long: bool) -> Vec<u8> {
        let mut words: Map<String, Value> =
            TABLE.iter().map(|(key, row)| ((*key).to_owned(), Value::from(row[self.column]))).collect();
        words.insert("lang".to_owned(), Value::from(self.lang()));
        words.insert("long".to_owned(), Value::from(long));
        Value::Object(words).to_string().into_bytes()
    }

    /// A moment as people write it: `November 21, 2026, 20:04:11 UTC`.
    pub(crate) fn moment(self, time: Time) -> String {
        let text = time.to_string();
        format!("{}, {} UTC", provenote_consent::date_words(time, self.lang()), text.get(11..19).unwrap_or_default())
    }
}

/// Words as a line begins with them.
pub(crate) fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fonts::FONTS;

    const TEMPLATES: [&str; 3] =
        [include_str!("../typ/house.typ"), include_str!("../typ/consent.typ"), include_str!("../typ/withdrawal.typ")];

    #[test]
    fn every_label_is_there_once_filled_printable_and_has_the_same_places_in_every_language() {
        let mut seen = BTreeSet::new();
        for (key, row) in TABLE {
            assert!(seen.insert(key), "{key} twice");
            let places = |text: &str| {
                text.split('{').skip(1).filter_map(|part| part.split('}').next().map(str::to_owned)).collect::<Vec<_>>()
            };
            for text in row {
                assert!(!text.trim().is_empty(), "{key}");
                assert_eq!(places(text), places(row[0]), "{key}");
                assert!(text.chars().all(|c| FONTS.can_print(c)), "{key}");
            }
        }
    }

    #[test]
    fn every_label_is_used_by_a_template_and_every_one_a_template_uses_is_there() {
        let all = TEMPLATES.concat();
        let mut used: BTreeSet<String> = all
            .split("words.")
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
            .collect();
        // `words.at("how_" + …)`, the language of the words, and whether some are long.
        assert!(["at", "lang", "long", "json"].into_iter().all(|word| used.remove(word)));
        used.extend(["how_typed", "how_drawn", "how_scan"].map(str::to_owned));
        let there: BTreeSet<String> = TABLE.iter().map(|(key, _)| (*key).to_owned()).collect();
        assert_eq!(used.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "used and not there");
        assert_eq!(there.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "there and not used");
    }

    #[test]
    fn a_language_without_a_column_gets_english() {
        assert_eq!((Labels::of("es").lang(), Labels::of("fr").lang()), ("es", "en"));
        let time = Time::parse("2026-11-21T20:04:11.000Z").expect("a time");
        assert_eq!(Labels::of("fr").moment(time), "November 21, 2026, 20:04:11 UTC");
        assert_eq!(Labels::of("es").moment(time), "21 de noviembre de 2026, 20:04:11 UTC");
        assert_eq!(capitalised("éxito"), "Éxito");
    }
}
