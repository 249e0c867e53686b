//! Whether a signature can be the participant's own.

use provenote_schemas::consent::Signature;
use provenote_schemas::people::Participant;
use unicode_normalization::UnicodeNormalization;

/// The statement of intent that stands above every signature, and is recorded with it
/// (15 U.S.C. 7006(5): "executed or adopted by a person with the intent to sign the record";
/// mark: from memory, unverified).
pub const INTENT: &str = "I am the person named here. I have read this form, or it was read to me. I could ask questions. \
                          By signing I say yes to what it says. I sign of my own free will, and I mean this to be my signature.";

/// Why a signature was not taken. No variant repeats a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Nothing was typed.
    #[error("the typed name is empty: the person types their full name as the form prints it")]
    Empty,
    /// The clinician's name stands where somebody else signs.
    #[error("this is the clinician's name: a clinician cannot sign for somebody else; the person signs themselves")]
    Clinician,
    /// Another name than the participant's.
    #[error(
        "the typed name is not the name on the form: the person types it as the form prints it, or signs by hand (`--drawn`, `--scan`)"
    )]
    OtherName,
    /// Participant and clinician bear one name, so typing it does not show who signs.
    #[error(
        "this person has the same name as the clinician, so a typed name does not show who signs: take a signature by hand (`--drawn`, `--scan`)"
    )]
    SameName,
}

/// A name as it is compared: Unicode NFC, lower case, one space between words, plain apostrophes
/// and hyphens.
pub(crate) fn compared(name: &str) -> String {
    let folded: String = name
        .nfc()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            '\u{2019}' | '\u{02BC}' => '\'',
            '\u{2010}' | '\u{2011}' => '-',
            other => other,
        })
        // Lower-casing can leave letter and mark apart again.
        .nfc()
        .collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks a signature before it is recorded. A typed name must be the participant's, whatever the
/// case and spacing; never the clinician's. Drawn and scanned signatures are looked at by people.
///
/// # Errors
/// [`SignatureError`] says what to do instead.
pub fn check_signature(
    participant: &Participant,
    clinician_name: &str,
    signature: &Signature,
) -> Result<(), SignatureError> {
    let Signature::Typed { name } = signature else { return Ok(()) };
    let (typed, own, clinician) = (compared(name), compared(&participant.name), compared(clinician_name));
    if typed.is_empty() {
        Err(SignatureError::Empty)
    } else if own == clinician {
        Err(SignatureError::SameName)
    } else if typed == clinician {
        Err(SignatureError::Clinician)
    } else if typed != own {
        Err(SignatureError::OtherName)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use provenote_schemas::people::ParticipantRole;
    use provenote_schemas::{Digest, ParticipantId};

    fn participant(name: &str) -> Participant {
        Participant::new(ParticipantId::from_random([7; 10]), name.to_owned(), ParticipantRole::Client)
    }

    fn typed(own: &str, name: &str) -> Result<(), SignatureError> {
        check_signature(&participant(own), "Dr. Ada Stone", &Signature::Typed { name: name.to_owned() })
    }

    #[test]
    fn a_typed_name_is_compared_as_people_read_it() {
        for (own, name) in [
            ("Maria Gómez", "maria  GO\u{301}MEZ "),
            ("Sinéad O’Brien", "Sinéad O'Brien"),
            ("李小龍", "李小龍"),
            ("İpek Ak", "i\u{307}pek ak"),
            ("**Bob** [x](y)", "**bob** [x](y)"),
        ] {
            assert_eq!(typed(own, name), Ok(()), "{own}");
        }
    }

    #[test]
    fn another_name_is_refused() {
        assert_eq!(typed("Maria Gómez", ""), Err(SignatureError::Empty));
        assert_eq!(typed("Maria Gómez", " \t"), Err(SignatureError::Empty));
        assert_eq!(typed("Maria Gómez", "Maria Gomez"), Err(SignatureError::OtherName));
        assert_eq!(typed("Maria Gómez", "dr. ada  STONE"), Err(SignatureError::Clinician));
        assert_eq!(typed("DR. Ada Stone", "Dr. Ada Stone"), Err(SignatureError::SameName));
    }

    #[test]
    fn a_hand_is_looked_at_by_people() {
        let drawn = Signature::Drawn { png_sha256: Digest::of(b"png") };
        assert_eq!(check_signature(&participant("Dr. Ada Stone"), "Dr. Ada Stone", &drawn), Ok(()));
    }
}
