//! How easy a Spanish text is to read: perspicuity, on the INFLESZ scale.
//!
//! F. Szigriszt Pazos, "Sistemas predictivos de legibilidad del mensaje escrito: fórmula de
//! perspicuidad", thesis, Universidad Complutense de Madrid, 1993: `206.835 - 62.3 * syllables / words -
//! words / sentences`. The names of the bands are those of I. M. Barrio-Cantalejo and others,
//! "Validación de la Escala INFLESZ para evaluar la legibilidad de los textos dirigidos a pacientes",
//! Anales del Sistema Sanitario de Navarra 31(2), 2008, 135-152 (bands as secondary sources give them).
//!
//! A text at 60 or above on this scale is also at 60 or above on that of J. Fernández Huerta,
//! "Medidas sencillas de lecturabilidad", Consigna 214, 1959 (`206.84 - 60 * syllables / words - 1.02
//! * words / sentences`), since its first weight is smaller; and 60 to 70 is there the seventh and
//! eighth grade. So [`EASY`] stands for grade 8.

use super::Counts;

/// The lowest score that our forms may have.
pub const EASY: f64 = 60.0;

/// Syllables of one Spanish word, at least one.
///
/// Each of a, e, o and accented i, u makes a syllable; i and u beside one of these belong to it;
/// i and u among themselves make one. The u of `que`, `qui`, `gue`, `gui` is silent. A y is a
/// vowel at the end of a word only.
pub(super) fn syllables(word: &str) -> u32 {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let mut count = 0;
    // Strong vowels of the run being read, and whether one is being read.
    let mut run: Option<u32> = None;
    let close = |run: &mut Option<u32>, count: &mut u32| {
        if let Some(strong) = run.take() {
            *count += strong.max(1);
        }
    };
    for (at, &c) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1).copied();
        let silent = c == 'u' && matches!(before, Some('q' | 'g')) && matches!(after, Some('e' | 'i' | 'é' | 'í'));
        match c {
            'u' if silent => close(&mut run, &mut count),
            'a' | 'e' | 'o' | 'á' | 'é' | 'ó' | 'í' | 'ú' => run = Some(run.unwrap_or(0) + 1),
            'i' | 'u' | 'ü' => run = Some(run.unwrap_or(0)),
            'y' if after.is_none() => run = Some(run.unwrap_or(0)),
            _ => close(&mut run, &mut count),
        }
    }
    close(&mut run, &mut count);
    count.max(1)
}

/// The score, rounded to a tenth; higher is easier. `None` where there are no words.
pub(super) fn inflesz(counts: Counts) -> Option<f64> {
    let Counts { words, sentences, syllables } = counts;
    if words == 0 || sentences == 0 {
        return None;
    }
    let (words, sentences, syllables) = (f64::from(words), f64::from(sentences), f64::from(syllables));
    let score = 206.835 - 62.3 * syllables / words - words / sentences;
    Some((score * 10.0).round() / 10.0)
}

/// The band of the scale, in its own words.
pub(super) fn band(score: f64) -> &'static str {
    match score {
        score if score < 40.0 => "muy difícil",
        score if score < 55.0 => "algo difícil",
        score if score < 65.0 => "normal",
        score if score < 80.0 => "bastante fácil",
        _ => "muy fácil",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Level, level};

    #[test]
    fn syllables_are_counted_by_the_rules_of_spelling() {
        for (word, expected) in [
            ("y", 1),
            ("voz", 1),
            ("hoy", 1),
            ("usted", 2),
            ("quién", 1),
            ("guerra", 2),
            ("agüero", 3),
            ("terapia", 3),
            ("día", 2),
            ("construía", 3),
            ("ciudad", 2),
            ("cuidado", 3),
            ("leer", 2),
            ("poeta", 3),
            ("ahora", 3),
            ("inteligencia", 5),
            ("confidencialidad", 6),
            ("grabación", 3),
            ("país", 2),
            ("12", 1),
        ] {
            assert_eq!(syllables(word), expected, "{word}");
        }
    }

    #[test]
    fn the_formula_is_the_published_one() {
        // Five words, one sentence, ten syllables: 206.835 - 62.3 * 2 - 5 = 77.2.
        assert_eq!(inflesz(Counts { words: 5, sentences: 1, syllables: 10 }), Some(77.2));
        assert_eq!(
            level("El gato se queda aquí.", "es"),
            inflesz(Counts { words: 5, sentences: 1, syllables: 8 }).map(Level::Inflesz)
        );
        assert_eq!(inflesz(Counts::default()), None);
        assert_eq!(
            [30.0, 40.0, 55.0, 65.0, 80.0].map(band),
            ["muy difícil", "algo difícil", "normal", "bastante fácil", "muy fácil"]
        );
    }

    #[test]
    fn sixty_here_is_sixty_for_fernandez_huerta_too() {
        for tenths in 10..40_u32 {
            for words in 1..60_u32 {
                let per_word = f64::from(tenths) / 10.0;
                let here = 206.835 - 62.3 * per_word - f64::from(words);
                let there = 206.84 - 60.0 * per_word - 1.02 * f64::from(words);
                assert!(here < EASY || there >= EASY, "{per_word} syllables a word, {words} words a sentence");
            }
        }
    }

    #[test]
    fn legal_prose_is_found_to_be_hard() {
        let hard = "El infrascrito autoriza irrevocablemente a la organización anteriormente mencionada a procesar \
                    electrónicamente la información comunicada durante las consultas, independientemente de disposiciones contrarias.";
        assert!(matches!(level(hard, "es"), Some(Level::Inflesz(score)) if score < 40.0));
    }
}
