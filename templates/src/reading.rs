//! How hard a text is to read: for English the Flesch-Kincaid grade level, for Spanish the INFLESZ
//! scale ([`spanish`]). For other languages nothing is measured, and that is said.
//!
//! J. P. Kincaid and others, "Derivation of new readability formulas", Research Branch Report
//! 8-75, 1975: `0.39 * words / sentences + 11.8 * syllables / words - 15.59`. The syllables are
//! counted by the usual rule of vowel groups, which is right for most English words and near for
//! the rest. The grade says nothing of whether the text is clear; it only catches what is not.

pub mod spanish;

/// The highest grade that our English forms may have.
pub const EASY_GRADE: f64 = 8.0;

/// How hard a text is, in the measure of its language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Level {
    /// English: US school grade; higher is harder.
    Grade(f64),
    /// Spanish: INFLESZ score; higher is easier.
    Inflesz(f64),
}

impl Level {
    /// True where a text is harder than our forms may be: above grade 8, or what stands for it.
    #[must_use]
    pub fn too_hard(self) -> bool {
        match self {
            Self::Grade(grade) => grade > EASY_GRADE,
            Self::Inflesz(score) => score < spanish::EASY,
        }
    }

    /// The harder of two levels of one measure; the first where they are of two.
    #[must_use]
    pub fn harder(self, other: Self) -> Self {
        match (self, other) {
            (Self::Grade(one), Self::Grade(two)) => Self::Grade(one.max(two)),
            (Self::Inflesz(one), Self::Inflesz(two)) => Self::Inflesz(one.min(two)),
            _ => self,
        }
    }

    /// What it should be.
    #[must_use]
    pub fn bar(self) -> &'static str {
        match self {
            Self::Grade(_) => "8 or below",
            Self::Inflesz(_) => "60 or above, which stands for grade 8",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grade(grade) => write!(f, "Flesch-Kincaid grade {grade:.1}"),
            Self::Inflesz(score) => write!(f, "INFLESZ {score:.1} ({})", spanish::band(*score)),
        }
    }
}

/// How hard a text in a language is; `None` where it has no words or the language no measure here.
#[must_use]
pub fn level(text: &str, lang: &str) -> Option<Level> {
    match lang {
        "en" => grade(text).map(Level::Grade),
        "es" => spanish::inflesz(counted(text, spanish::syllables)).map(Level::Inflesz),
        _ => None,
    }
}

/// Syllables of one English word, at least one.
fn syllables(word: &str) -> u32 {
    let letters: Vec<char> = word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut count = 0_u32;
    let mut before = false;
    for c in &letters {
        let now = vowel(*c);
        if now && !before {
            count += 1;
        }
        before = now;
    }
    let ends = |tail: &str| letters.iter().collect::<String>().ends_with(tail);
    // A last `e` is silent (`note`), and so is that of `es` and `ed` (`notes`, `used`), but not
    // where it is what makes the syllable: `table`, `wanted`, `pages`.
    let silent = (ends("e") && !ends("le") && !ends("ee"))
        || (ends("ed") && !ends("ted") && !ends("ded"))
        || (ends("es") && !["ses", "zes", "xes", "ces", "ges", "ches", "shes", "les"].iter().any(|tail| ends(tail)));
    if silent && count > 1 {
        count -= 1;
    }
    // Two vowels that are two syllables: `create`, `being`, `diagnose`, `violence`.
    if ["ia", "io", "eo", "iu", "ying", "eing", "dea"]
        .iter()
        .any(|pair| letters.iter().collect::<String>().contains(pair))
        && !["tion", "sion", "cial", "tial", "cian", "eop", "gion", "deal", "dead", "cious", "tious"]
            .iter()
            .any(|one| letters.iter().collect::<String>().contains(one))
    {
        count += 1;
    }
    count.max(1)
}

/// What a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Words: stretches with a letter or digit in them.
    pub words: u32,
    /// Sentences; a line of a list is one too.
    pub sentences: u32,
    /// Syllables.
    pub syllables: u32,
}

/// Counts words, sentences and syllables of an English text. Each line is at least a sentence of
/// its own.
#[must_use]
pub fn counts(text: &str) -> Counts {
    counted(text, syllables)
}

fn counted(text: &str, syllables: fn(&str) -> u32) -> Counts {
    let mut all = Counts::default();
    for line in text.lines() {
        let mut open = false;
        for word in line.split_whitespace() {
            if word.chars().any(char::is_alphanumeric) {
                all.words += 1;
                // `AI-assisted` is read as two words, but counted as one with all its syllables.
                all.syllables += word.split('-').filter(|part| !part.is_empty()).map(syllables).sum::<u32>();
                open = true;
            }
            let bare = word.trim_end_matches(['"', '\'', ')', '”', '’', '*', '»']);
            if open && bare.ends_with(['.', '!', '?']) && !bare.ends_with("e.g.") {
                all.sentences += 1;
                open = false;
            }
        }
        all.sentences += u32::from(open);
    }
    all
}

/// The Flesch-Kincaid grade of a text, rounded to a tenth; `None` where there are no words.
#[must_use]
pub fn grade(text: &str) -> Option<f64> {
    let Counts { words, sentences, syllables } = counts(text);
    if words == 0 || sentences == 0 {
        return None;
    }
    let (words, sentences, syllables) = (f64::from(words), f64::from(sentences), f64::from(syllables));
    let grade = 0.39 * words / sentences + 11.8 * syllables / words - 15.59;
    Some((grade * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_counted_as_spoken() {
        for (word, expected) in [
            ("note", 1),
            ("notes", 1),
            ("table", 2),
            ("used", 1),
            ("wanted", 2),
            ("recording", 3),
            ("computer", 3),
            ("session", 2),
            ("violence", 3),
            ("people", 2),
            ("therapist", 3),
            ("the", 1),
            ("I", 1),
            ("idea", 3),
            ("confidentiality", 7),
            ("agree", 2),
            ("pages", 2),
            ("special", 2),
        ] {
            assert!(syllables(word).abs_diff(expected) <= u32::from(expected > 4), "{word}: {}", syllables(word));
        }
    }

    #[test]
    fn the_formula_is_the_published_one() {
        // Six words, one sentence, six syllables: 0.39 * 6 + 11.8 - 15.59 = -1.45.
        assert_eq!(counts("The cat sat on the mat."), Counts { words: 6, sentences: 1, syllables: 6 });
        assert!(grade("The cat sat on the mat.").is_some_and(|grade| (grade + 1.45).abs() < 0.06));
        assert_eq!(grade(" — "), None);
    }

    #[test]
    fn legal_prose_is_found_to_be_hard() {
        let hard = "The undersigned hereby irrevocably authorizes the aforementioned organization to electronically \
                    process, disseminate and retain any and all information communicated during consultations, \
                    notwithstanding any contrary provision contained in applicable documentation.";
        assert!(grade(hard).is_some_and(|grade| grade > 15.0));
    }
}
