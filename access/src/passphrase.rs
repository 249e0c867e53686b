//! How strong a passphrase is, by zxcvbn: how many guesses somebody needs who knows words, names, dates and keyboards.
//!
//! zxcvbn looks at the first hundred characters, reads the year to know which dates are recent and takes the time it
//! needs; neither changes anything outside, and the verdict depends on nothing else. What is given is never in an error.

use zxcvbn::zxcvbn;

/// The fewest characters.
pub const SHORTEST: usize = 12;
/// The fewest guesses, as a power of ten: with Argon2id about a second each on one machine, thousands of years.
pub const LEAST_GUESSES_LOG10: f64 = 10.0;

/// A passphrase that is too easy to guess.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short to look at.
    #[error("the passphrase has fewer than {SHORTEST} characters; use four or five words that do not belong together")]
    Short,
    /// Long enough, and still easy.
    #[error("the passphrase is too easy to guess: {}", hints.join(" "))]
    Guessable {
        /// What zxcvbn says of it and advises, in sentences. Holds no part of the passphrase.
        hints: Vec<String>,
    },
}

/// Checks a passphrase. `known` are words that anybody guesses first: the practice's and the user's names.
///
/// # Errors
/// [`Weak`].
pub fn check(passphrase: &str, known: &[&str]) -> Result<(), Weak> {
    if passphrase.chars().count() < SHORTEST {
        return Err(Weak::Short);
    }
    let mut words: Vec<&str> = vec!["provenote", "therapy", "therapist", "practice"];
    // A name is guessed as a whole and by its parts.
    words.extend(known.iter().flat_map(|name| name.split_whitespace().chain([*name])));
    let found = zxcvbn(passphrase, &words);
    if found.guesses_log10() >= LEAST_GUESSES_LOG10 {
        return Ok(());
    }
    let mut hints = Vec::new();
    if let Some(feedback) = found.feedback() {
        hints.extend(feedback.warning().map(|warning| warning.to_string()));
        hints.extend(feedback.suggestions().iter().map(ToString::to_string));
    }
    if hints.is_empty() {
        hints.push("Use four or five words that do not belong together.".to_owned());
    }
    Err(Weak::Guessable { hints })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_do_not_belong_together_are_strong() {
        for good in ["velvet harbour nineteen otters", "correct-tapir-lantern-quiet", "wG7!kq2Lz#9vTp"] {
            assert_eq!(check(good, &["Dana Whitfield", "Oak Street Practice"]), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_guessed_first_is_weak_and_not_repeated() {
        for weak in
            ["password1234", "aaaaaaaaaaaaaaaa", "qwertyuiop1234", "123456789012345", "DanaWhitfield1", "whitfielddana"]
        {
            let error = check(weak, &["Dana Whitfield"]).expect_err("weak");
            assert!(matches!(error, Weak::Guessable { .. }), "{weak}: {error:?}");
            assert!(!error.to_string().contains(weak));
        }
        assert_eq!(check("x7!Gq2", &[]), Err(Weak::Short));
    }

    #[test]
    fn a_very_long_passphrase_is_judged_at_once() {
        assert!(check(&"tapir lantern quiet velvet ".repeat(4_000), &[]).is_ok());
    }
}
