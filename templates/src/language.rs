//! Languages a template may be in.

/// Every two-letter code of ISO 639-1.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
                     ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii \
                     ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi \
                     mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw \
                     sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk \
                     ur uz ve vi vo wa wo xh yi yo za zh zu";

/// Languages that are written from right to left as a rule.
const RIGHT_TO_LEFT: &str = "ar dv fa he ks ps sd ug ur yi";

/// Why a template cannot be in a language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LanguageError {
    /// No code of ISO 639-1.
    #[error("`{0}` is no language code: give the two letters of ISO 639-1, such as en or es")]
    Unknown(String),
    /// Written from right to left.
    #[error(
        "`{0}` is written from right to left, and these forms cannot be set that way: use a form in another language, and an interpreter"
    )]
    RightToLeft(String),
}

/// The code as it is kept, lower case.
///
/// # Errors
/// [`LanguageError`] for anything but a code of ISO 639-1 that is written from left to right.
pub fn language(code: &str) -> Result<&'static str, LanguageError> {
    let shown = || code.trim().chars().filter(|c| !c.is_control()).take(20).collect::<String>();
    let found = CODES
        .split(' ')
        .filter(|known| known.len() == 2)
        .find(|known| known.eq_ignore_ascii_case(code.trim()))
        .ok_or_else(|| LanguageError::Unknown(shown()))?;
    if RIGHT_TO_LEFT.split(' ').any(|one| one == found) {
        return Err(LanguageError::RightToLeft(found.to_owned()));
    }
    Ok(found)
}

/// True for letters of scripts that are written from right to left (Unicode 16, `Bidi_Class` R and
/// AL): Hebrew, Arabic, Syriac, Thaana, N'Ko and their kin.
#[must_use]
pub fn right_to_left(c: char) -> bool {
    matches!(u32::from(c), 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFE | 0x1_0800..=0x1_0FFF | 0x1_E800..=0x1_EFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_code_of_the_standard_that_runs_from_left_to_right() {
        assert_eq!(CODES.split_whitespace().count(), 184);
        assert!(CODES.split_whitespace().is_sorted());
        assert_eq!((language("en"), language(" ES ")), (Ok("en"), Ok("es")));
        for unknown in ["xx", "", "english", "e", "<b>", "\u{202E}en"] {
            assert!(matches!(language(unknown), Err(LanguageError::Unknown(_))), "{unknown:?}");
        }
        for rtl in RIGHT_TO_LEFT.split(' ') {
            assert_eq!(language(rtl), Err(LanguageError::RightToLeft(rtl.to_owned())));
        }
        assert!("שלום مرحبا".chars().filter(|c| c.is_alphabetic()).all(right_to_left));
        assert!(!"Ολγα Ж李é".chars().any(right_to_left));
    }
}
