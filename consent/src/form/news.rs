//! What the short form tells of changes: the clauses of [`compare`], and the same in Spanish.

use provenote_schemas::disclosure::{
    BackupFact, DisclosureFacts, GatewayFact, Isolation, ModelFact, Place, TermsWorsened, VendorFact,
};

use crate::changes::{Weight, compare, worse_and_no_longer};
use crate::worsening::worsened_in;

/// Every change, with its weight, as a clause in the language; English where there is no other.
pub(super) fn news(before: &DisclosureFacts, after: &DisclosureFacts, lang: &str) -> Vec<(Weight, String)> {
    let changes = compare(before, after);
    if lang == "es" {
        let told = spanish(before, after);
        // A test holds the two lists together; if they ever part, the English words are told rather than wrong ones.
        if told.len() == changes.len() {
            return changes.iter().map(|change| change.weight).zip(told).collect();
        }
    }
    changes.into_iter().map(|change| (change.weight, change.words)).collect()
}

/// The clauses of [`compare`] in its order.
fn spanish(before: &DisclosureFacts, after: &DisclosureFacts) -> Vec<String> {
    let mut told = Vec::new();
    model("pasa el sonido a texto", &before.speech, &after.speech, &mut told);
    match (&before.voice_activity, &after.voice_activity) {
        (Some(before), Some(after)) => model("halla dónde habla alguien", before, after, &mut told),
        (Some(_), None) => told.push("ya ningún modelo busca dónde habla alguien".to_owned()),
        (None, Some(new)) => told.push(format!("hay un modelo nuevo que halla dónde habla alguien ({})", new.name)),
        (None, None) => {}
    }
    drafting(&before.drafting, &after.drafting, &mut told);
    if before.place != after.place {
        told.push(
            match after.place {
                Place::ThisComputer => "el trabajo se hace ahora en la computadora del consultorio",
                Place::PracticeNetwork => "el trabajo se hace ahora en otra computadora del consultorio, por su red",
                Place::Cloud => "el trabajo se hace ahora en computadoras de una empresa, por internet",
            }
            .to_owned(),
        );
    }
    if before.isolation != after.isolation {
        told.push(
            match after.isolation {
                Isolation::Enforced => "el sistema mantiene ahora los modelos lejos de la red y de los archivos",
                Isolation::Overridden => "el sistema ya no mantiene los modelos lejos de la red y de los archivos",
            }
            .to_owned(),
        );
    }
    processors(&before.processors, &after.processors, &mut told);
    vendors(&before.vendors, &after.vendors, &mut told);
    let (old, new) = (&before.retention, &after.retention);
    for (what, old, new, unit) in [
        ("las grabaciones se guardan", old.audio_days, new.audio_days, "días"),
        ("los textos de las grabaciones se guardan", old.transcript_days, new.transcript_days, "días"),
        ("lo que se pidió a la IA y lo que escribió se guarda", old.prompts_days, new.prompts_days, "días"),
        ("los borradores se guardan", old.drafts_days, new.drafts_days, "días"),
        ("las notas se guardan", old.note_years, new.note_years, "años"),
    ] {
        time(what, Some(old), Some(new), unit, &mut told);
    }
    if old.note_basis != new.note_basis {
        told.push("el motivo del tiempo que se guardan las notas se dice con otras palabras".to_owned());
    }
    backups(&before.backups, &after.backups, &mut told);
    gateways(&before.gateways, &after.gateways, &mut told);
    told
}

fn model(what: &str, before: &ModelFact, after: &ModelFact, told: &mut Vec<String>) {
    if before.sha256 != after.sha256 {
        told.push(if before.name == after.name {
            format!("el modelo que {what} es otra versión de {}", after.name)
        } else {
            format!("el modelo que {what} es {} en lugar de {}", after.name, before.name)
        });
    } else if before != after {
        told.push(format!("el modelo que {what} se describe con otras palabras ({} de {})", after.name, after.maker));
    }
}

fn drafting(before: &[ModelFact], after: &[ModelFact], told: &mut Vec<String>) {
    let said_before = told.len();
    let has = |list: &[ModelFact], model: &ModelFact| list.iter().any(|one| one.sha256 == model.sha256);
    let gone: Vec<&ModelFact> = before.iter().filter(|model| !has(after, model)).collect();
    for new in after.iter().filter(|model| !has(before, model)) {
        told.push(if gone.iter().any(|old| old.name == new.name) {
            format!("un modelo que hace el borrador es otra versión de {}", new.name)
        } else {
            format!("{} ahora puede hacer el borrador", new.name)
        });
    }
    for old in gone.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
        told.push(format!("{} ya no hace el borrador", old.name));
    }
    if told.len() == said_before && before != after {
        told.push("los modelos del borrador se describen con otras palabras o en otro orden".to_owned());
    }
}

fn processors(before: &[String], after: &[String], told: &mut Vec<String>) {
    for new in after.iter().filter(|one| !before.contains(one)) {
        told.push(format!("{new} también recibe sus palabras"));
    }
    for gone in before.iter().filter(|one| !after.contains(one)) {
        told.push(format!("{gone} ya no recibe sus palabras"));
    }
    let same_ones = after.iter().all(|one| before.contains(one)) && before.iter().all(|one| after.contains(one));
    if before != after && same_ones {
        told.push("la lista de quienes reciben sus palabras está en otro orden".to_owned());
    }
}

fn time(what: &str, before: Option<u32>, after: Option<u32>, unit: &str, told: &mut Vec<String>) {
    if before == after {
        return;
    }
    let nobody = || "un tiempo que nadie ha dicho".to_owned();
    let new = after.map_or_else(nobody, |after| format!("{after} {unit}"));
    let old = before.map_or_else(nobody, |before| before.to_string());
    told.push(format!("{what} {new} en lugar de {old}"));
}

fn vendor(before: &VendorFact, after: &VendorFact, told: &mut Vec<String>) {
    let name = &before.name;
    if before.does != after.does {
        told.push(format!("lo que hace {name} es ahora: {} (antes: {})", after.does, before.does));
    }
    if before.place != after.place {
        told.push(match (&after.place, &before.place) {
            (Some(after), Some(before)) => format!("{name} trabaja en {after} en lugar de {before}"),
            (Some(after), None) => format!("{name} trabaja en {after}; antes no se había dicho"),
            (None, _) => format!("ya nadie dice dónde trabaja {name}"),
        });
    }
    time(&format!("lo que recibe {name} se guarda"), before.keeps_days, after.keeps_days, "días", told);
    if before.trains != after.trains {
        told.push(match after.trains {
            Some(false) => format!("{name} no entrena modelos con lo que recibe"),
            Some(true) => format!("{name} entrena modelos con lo que recibe"),
            None => format!("ya nadie dice si {name} entrena modelos con lo que recibe"),
        });
    }
    for new in after.passes_on_to.iter().filter(|one| !before.passes_on_to.contains(one)) {
        told.push(format!("{name} también pasa lo que recibe a {new}"));
    }
    for gone in before.passes_on_to.iter().filter(|one| !after.passes_on_to.contains(one)) {
        told.push(format!("{name} ya no pasa lo que recibe a {gone}"));
    }
    terms(name, before.terms_worsened.as_ref(), after.terms_worsened.as_ref(), told);
}

fn terms(name: &str, before: Option<&TermsWorsened>, after: Option<&TermsWorsened>, told: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (new, gone) = worse_and_no_longer(before, after);
    let list = |all: &[&str]| all.iter().map(|words| worsened_in(words, "es")).collect::<Vec<_>>().join("; ");
    if let Some(after) = after.filter(|_| !new.is_empty()) {
        told.push(format!("{name} cambió sus condiciones para mal ({}): {}", after.on, list(&new)));
    }
    if !gone.is_empty() {
        told.push(format!("ya no hay aviso sobre las condiciones de {name}: {}", list(&gone)));
    }
    if new.is_empty() && gone.is_empty() {
        told.push(format!("lo que empeoró en las condiciones de {name} se dice con otra fecha o en otro orden"));
    }
}

/// Whether two of a list bear one name, so that before and after cannot be told apart by it.
fn twice<T>(list: &[T], name: impl Fn(&T) -> &str) -> bool {
    (1..list.len()).any(|at| list[..at].iter().any(|other| name(other) == name(&list[at])))
}

fn vendors(before: &[VendorFact], after: &[VendorFact], told: &mut Vec<String>) {
    let said_before = told.len();
    if before != after && (twice(before, |one| &one.name) || twice(after, |one| &one.name)) {
        told.push("lo que hacen las empresas que reciben sonido o palabras se dice de nuevo".to_owned());
    }
    for new in after {
        match before.iter().find(|old| old.name == new.name) {
            Some(old) => vendor(old, new, told),
            None => {
                let place = new.place.clone().unwrap_or_else(|| "un lugar que nadie ha dicho".to_owned());
                told.push(format!("{} también recibe sonido o palabras ({}; en {place})", new.name, new.does));
                terms(&new.name, None, new.terms_worsened.as_ref(), told);
            }
        }
    }
    for gone in before.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
        told.push(format!("{} ya no recibe sonido ni palabras", gone.name));
    }
    if told.len() == said_before && before != after {
        told.push("las empresas que reciben sonido o palabras se dicen en otro orden".to_owned());
    }
}

fn backups(before: &[BackupFact], after: &[BackupFact], told: &mut Vec<String>) {
    let said_before = told.len();
    if before != after && (twice(before, |one| &one.place) || twice(after, |one| &one.place)) {
        told.push("dónde hay copias se dice de nuevo".to_owned());
    }
    for new in after {
        let Some(old) = before.iter().find(|old| old.place == new.place) else {
            let sealed = if new.sealed {
                "solo las llaves del consultorio las abren"
            } else {
                "sin el cierre propio del consultorio"
            };
            told.push(format!("también hay copias en {}, que duran {} días más; {sealed}", new.place, new.days));
            continue;
        };
        time(&format!("las copias en {} duran", new.place), Some(old.days), Some(new.days), "días", told);
        match (old.sealed, new.sealed) {
            (true, false) => {
                told.push(format!("las copias en {} ya no están cerradas con las llaves del consultorio", new.place))
            }
            (false, true) => {
                told.push(format!("las copias en {} están ahora cerradas con las llaves del consultorio", new.place))
            }
            _ => {}
        }
    }
    for gone in before.iter().filter(|old| !after.iter().any(|new| new.place == old.place)) {
        told.push(format!("ya no hay copias en {}", gone.place));
    }
    if told.len() == said_before && before != after {
        told.push("los lugares de las copias se dicen en otro orden".to_owned());
    }
}

fn gateways(before: &[GatewayFact], after: &[GatewayFact], told: &mut Vec<String>) {
    let said_before = told.len();
    for new in after.iter().filter(|new| !before.contains(new)) {
        told.push(format!("el sonido llega al consultorio desde {} por {}", new.name, new.way));
    }
    for gone in before.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
        told.push(format!("ya no llega sonido desde {}", gone.name));
    }
    if told.len() == said_before && before != after {
        told.push("los caminos del sonido se dicen en otro orden".to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::facts;
    use crate::states::State;
    use proptest::prelude::*;
    use provenote_schemas::Digest;

    fn one_of(choice: u8, facts: &mut DisclosureFacts) {
        let named = |number: u8| ModelFact {
            id: "m".to_owned(),
            name: format!("M{}", number % 2),
            maker: format!("K{}", number % 3),
            sha256: Digest::of(&[number % 4]),
        };
        let vendor = |number: u8| VendorFact {
            name: format!("V{}", number % 2),
            does: format!("does {}", number % 3),
            place: (!number.is_multiple_of(3)).then(|| format!("P{}", number % 4)),
            keeps_days: (!number.is_multiple_of(2)).then_some(u32::from(number % 5)),
            trains: [None, Some(true), Some(false)][usize::from(number % 3)],
            passes_on_to: vec![format!("W{}", number % 4)],
            terms_worsened: (!number.is_multiple_of(3)).then(|| TermsWorsened {
                on: format!("2026-11-0{}", 1 + number % 2),
                what: [&["may sell what it gets"][..], &["may sell what it gets", "may keep what it gets"]]
                    [usize::from(number % 2)]
                .iter()
                .map(|one| (*one).to_owned())
                .collect(),
            }),
        };
        let number = choice / 14;
        match choice % 14 {
            0 => facts.speech = named(number),
            1 => facts.voice_activity = None,
            2 => facts.voice_activity = Some(named(number)),
            3 => facts.drafting.push(named(number)),
            4 => facts.drafting.reverse(),
            5 => facts.place = [Place::ThisComputer, Place::PracticeNetwork, Place::Cloud][usize::from(number % 3)],
            6 => facts.isolation = Isolation::Overridden,
            7 => facts.processors.insert(0, format!("P{}", number % 3)),
            8 => facts.vendors.insert(0, vendor(number)),
            9 => facts.retention.audio_days = u32::from(number),
            10 => facts.retention.note_basis = format!("b{number}"),
            11 => facts.backups.insert(
                0,
                BackupFact {
                    place: format!("B{}", number % 2),
                    sealed: number.is_multiple_of(3),
                    days: u32::from(number),
                },
            ),
            12 => facts
                .gateways
                .insert(0, GatewayFact { name: format!("G{}", number % 2), way: format!("w{}", number % 3) }),
            _ => facts.drafting.truncate(1),
        }
    }

    proptest! {
        #[test]
        fn the_spanish_clauses_are_those_of_the_comparison(
            first in prop::collection::vec(any::<u8>(), 0..6),
            second in prop::collection::vec(any::<u8>(), 0..6),
        ) {
            let mut before = facts(State::parse("TX").map_err(|error| TestCaseError::fail(error.to_string()))?);
            first.iter().for_each(|choice| one_of(*choice, &mut before));
            let mut after = before.clone();
            second.iter().for_each(|choice| one_of(*choice, &mut after));
            let changes = compare(&before, &after);
            prop_assert_eq!(spanish(&before, &after).len(), changes.len(), "{:?}", changes);
            for (told, change) in spanish(&before, &after).iter().zip(&changes) {
                prop_assert_ne!(told, &change.words);
                // Names and numbers are the same in both.
                for name in ["M0", "M1", "V0", "V1", "B0", "B1", "G0", "G1", "Silero VAD", "Whisper base"] {
                    prop_assert_eq!(told.contains(name), change.words.contains(name), "{} / {}", told, change.words);
                }
            }
        }
    }
}
