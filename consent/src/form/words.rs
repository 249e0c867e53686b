//! The words that values are put into, by language. For a language other than English and Spanish the English
//! words stand; a template in such a language can say these things itself from the numbers and kinds beside them.

use chrono::{Datelike, NaiveDate};
use provenote_schemas::Time;
use provenote_schemas::people::ParticipantRole;

use super::particulars::Material;
use crate::jurisdictions::Parties;

/// The statement of intent that stands above every signature, in the language of the form where there is one:
/// [`crate::INTENT`] in English. The Spanish is machine-translated by Provenote's makers, not reviewed by a person.
#[must_use]
pub fn intent(lang: &str) -> &'static str {
    if lang == "es" {
        "Soy la persona que se nombra aquí. He leído este formulario, o me lo han leído. Pude hacer preguntas. Al firmar \
         digo que sí a lo que dice. Firmo por mi propia voluntad, y quiero que esta sea mi firma."
    } else {
        crate::INTENT
    }
}

/// A date as people write it in the language: `November 21, 2026`, `21 de noviembre de 2026`; ISO 8601 where that is
/// not known.
#[must_use]
pub fn date(time: Time, lang: &str) -> String {
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const SPANISH: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    let iso = time.date();
    match (NaiveDate::parse_from_str(&iso, "%Y-%m-%d"), lang) {
        (Ok(day), "en") => format!("{} {}, {}", ENGLISH[day.month0() as usize], day.day(), day.year()),
        (Ok(day), "es") => format!("{} de {} de {}", day.day(), SPANISH[day.month0() as usize], day.year()),
        _ => iso,
    }
}

pub(super) fn days(number: u32, lang: &str) -> String {
    match (lang, number) {
        ("es", 1) => "1 día".to_owned(),
        ("es", _) => format!("{number} días"),
        (_, 1) => "1 day".to_owned(),
        _ => format!("{number} days"),
    }
}

pub(super) fn years(number: u32, lang: &str) -> String {
    match (lang, number) {
        ("es", 1) => "1 año".to_owned(),
        ("es", _) => format!("{number} años"),
        (_, 1) => "1 year".to_owned(),
        _ => format!("{number} years"),
    }
}

/// Names one after the other, `and` before the last.
pub(super) fn list(names: &[String], lang: &str) -> String {
    let and = if lang == "es" { "y" } else { "and" };
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} {and} {last}", before.join(", ")),
    }
}

/// What somebody is in the sessions, in the language of the form where there are words; in English otherwise.
#[must_use]
pub fn role_words(role: ParticipantRole, lang: &str) -> &'static str {
    self::role(role, lang == "es")
}

pub(super) const fn role(role: ParticipantRole, spanish: bool) -> &'static str {
    use ParticipantRole as R;
    match (role, spanish) {
        (R::Client, false) => "client",
        (R::Client, true) => "cliente",
        (R::Guardian, false) => "parent or guardian",
        (R::Guardian, true) => "madre, padre o tutor",
        (R::Participant, false) => "takes part",
        (R::Participant, true) => "participa",
        (R::Partner, false) => "partner",
        (R::Partner, true) => "pareja",
        (R::Family, false) => "family",
        (R::Family, true) => "familia",
        (R::GroupMember, false) => "group member",
        (R::GroupMember, true) => "miembro del grupo",
        (R::Minor, false) => "young person",
        (R::Minor, true) => "persona joven",
        (R::Interpreter, false) => "interpreter",
        (R::Interpreter, true) => "intérprete",
        (R::Observer, false) => "looks on",
        (R::Observer, true) => "mira",
        (R::Supervisor, false) => "supervisor",
        (R::Supervisor, true) => "supervisa",
    }
}

pub(super) const fn material(what: Material, spanish: bool) -> &'static str {
    match (what, spanish) {
        (Material::Recordings, false) => "recordings of the sound",
        (Material::Recordings, true) => "grabaciones del sonido",
        (Material::Transcripts, false) => "the text of recordings",
        (Material::Transcripts, true) => "el texto de las grabaciones",
        (Material::Notes, false) => "notes",
        (Material::Notes, true) => "notas",
    }
}

/// Whose consent a rule on recording asks for; `verified` false means that the strictest is taken instead.
const fn parties(parties: Parties, verified: bool, spanish: bool) -> &'static str {
    match (parties, verified, spanish) {
        (_, false, false) => "not verified, so treated as the strictest: all must agree",
        (_, false, true) => "no comprobado, y tratado como lo más estricto: todos deben estar de acuerdo",
        (Parties::AllParty, true, false) => "all must agree",
        (Parties::AllParty, true, true) => "todos deben estar de acuerdo",
        (Parties::OneParty, true, false) => "one who takes part must agree",
        (Parties::OneParty, true, true) => "debe estar de acuerdo una persona que participa",
    }
}

/// The rules on recording of one state: in the room, and on the line.
pub(super) fn recording(in_person: (Parties, bool), on_the_line: (Parties, bool), spanish: bool) -> String {
    let says = |(whose, verified): (Parties, bool)| parties(whose, verified, spanish);
    if in_person == on_the_line {
        let where_ = if spanish { "en persona, por teléfono y por video" } else { "in person, by phone and by video" };
        return format!("{where_}: {}", says(in_person));
    }
    let (room, line) =
        if spanish { ("en persona", "por teléfono o video") } else { ("in person", "by phone or video") };
    format!("{room}: {}; {line}: {}", says(in_person), says(on_the_line))
}
