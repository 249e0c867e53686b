//! How hard a text is to read: the Flesch-Kincaid grade level.
//!
//! J. P. Kincaid and others, "Derivation of new readability formulas", Research Branch Report
//! 8-75, 1975: `0.39 * words / sentences + 11.8 * syllables / words - 15.59`. The syllables are
//! counted by the usual rule of vowel groups, which is right for most English words and near for
//! the rest. The grade says nothing of whether the text is clear; it only catches what is not.

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

/// Counts words, sentences and syllables. Each line is at least a sentence of its own.
#[must_use]
pub fn counts(text: &str) -> Counts {
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
            let bare = word.trim_end_matches(['"', '\'', ')', '”', '’', '*']);
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
