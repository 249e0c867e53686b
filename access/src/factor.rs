//! The second factor: time-based codes (TOTP, RFC 6238) and recovery codes.
//!
//! The secret is sealed by the edge under the user's own keys; here it is only worked with. Whoever signs in hands in the
//! last counter that was accepted, and keeps the one that is returned before anything is opened: so a code that was seen
//! over a shoulder, or replayed from a recording, opens nothing (RFC 6238 section 5.2).
//!
//! [`Kind`] leaves room for passkeys and OpenID Connect, which come with the web pages.

use std::collections::BTreeSet;

use provenote_schemas::Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

/// Seconds a code is good for (RFC 6238 section 4.1).
const STEP: u64 = 30;
/// Digits of a code: what every authenticator shows.
const DIGITS: u8 = 6;
/// Steps before and after that are accepted too, for clocks that differ (RFC 6238 section 6).
const WINDOW: u64 = 1;
/// Bytes of a secret: those of an HMAC-SHA-1 (RFC 4226 section 4, R6).
pub const SECRET: usize = 20;
/// How many recovery codes there are.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of entropy of one recovery code.
const RECOVERY_BYTES: usize = 10;
/// Bytes of entropy for all recovery codes and their salt.
pub const RECOVERY_ENTROPY: usize = RECOVERY_CODES * RECOVERY_BYTES + 16;

/// The kinds of second factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Codes of an authenticator (RFC 6238).
    Totp,
    /// A code of the printed list.
    RecoveryCode,
}

/// Why a factor was not accepted. Says nothing of what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorError {
    /// Not six digits.
    #[error("a code has six digits; read it off the authenticator")]
    NotACode,
    /// Another code.
    #[error("the code does not fit; wait for the next one, and check that the device's clock is right")]
    Wrong,
    /// A code works once.
    #[error("this code was used already, or a later one was; wait for the next one")]
    Used,
    /// A code of the list that was used.
    #[error("this recovery code was used already; take another of the list")]
    RecoveryUsed,
    /// Not on the list.
    #[error("this is no recovery code of the list")]
    NotOnTheList,
    /// A name an authenticator cannot show.
    #[error(
        "the name of the practice or the user is empty or too long for an authenticator; give one of 1 to 100 characters"
    )]
    BadName,
}

/// A secret shared with an authenticator.
pub struct Secret(Zeroizing<[u8; SECRET]>);

impl Secret {
    /// Of fresh entropy, or of the bytes that were sealed.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; SECRET]>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8; SECRET] {
        &self.0
    }

    fn totp(&self, practice: &str, user: &str) -> Result<Totp, FactorError> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP)
            .with_secret(self.0.to_vec())
            .with_issuer(Some(practice.to_owned()))
            .with_account_name(user.to_owned())
            .build()
            .map_err(|_| FactorError::BadName)
    }

    /// What the authenticator is shown: an `otpauth://` address, for a QR code, and the secret in base 32 to type.
    ///
    /// # Errors
    /// [`FactorError::BadName`].
    pub fn enrolment(&self, practice: &str, user: &str) -> Result<Enrolment, FactorError> {
        let [practice, user] = [practice, user].map(|name| name.replace(':', " ").trim().to_owned());
        if [&practice, &user].iter().any(|name| name.is_empty() || name.chars().count() > 100) {
            return Err(FactorError::BadName);
        }
        let totp = self.totp(&practice, &user)?;
        let address = Zeroizing::new(totp.to_url().map_err(|_| FactorError::BadName)?);
        let typed = Zeroizing::new(totp.secret().to_base32());
        Ok(Enrolment { address, typed })
    }

    /// Checks a code.
    ///
    /// `last` is the counter that was accepted last, none before the first. What is returned has to be durable before
    /// anything is opened; it is always greater than `last`.
    ///
    /// # Errors
    /// [`FactorError`].
    pub fn check(&self, code: &str, now: Time, last: Option<u64>) -> Result<u64, FactorError> {
        let code: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).collect());
        if code.len() != usize::from(DIGITS) || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FactorError::NotACode);
        }
        let totp = self.totp("Provenote", "user")?;
        let counter = u64::try_from(now.millis() / 1000).unwrap_or(0) / STEP;
        let fits = |counter: u64| {
            let right = Zeroizing::new(totp.generate(counter.saturating_mul(STEP)).to_string());
            bool::from(right.as_bytes().ct_eq(code.as_bytes()))
        };
        let (mut accepted, mut used) = (None, false);
        // Every counter of the window is worked out, whichever fits.
        for counter in counter.saturating_sub(WINDOW)..=counter.saturating_add(WINDOW) {
            let (fits, old) = (fits(counter), last.is_some_and(|last| counter <= last));
            used |= fits && old;
            if fits && !old && accepted.is_none() {
                accepted = Some(counter);
            }
        }
        accepted.ok_or(if used { FactorError::Used } else { FactorError::Wrong })
    }
}

/// What an authenticator is shown once.
pub struct Enrolment {
    /// `otpauth://totp/…` (the Key URI format that authenticators read).
    pub address: Zeroizing<String>,
    /// The secret in base 32 (RFC 4648 section 6), to type where no camera is.
    pub typed: Zeroizing<String>,
}

/// Recovery codes as they are kept: a salt and a hash of each. A code has 80 random bits, so a fast hash is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodes {
    salt: [u8; 16],
    hashes: Vec<[u8; 32]>,
}

impl RecoveryCodes {
    /// A new list, and the codes to print: shown once and kept nowhere.
    #[must_use]
    pub fn new(entropy: &Zeroizing<[u8; RECOVERY_ENTROPY]>) -> (Self, Vec<Zeroizing<String>>) {
        let (codes, salt_bytes) = entropy.split_at(RECOVERY_CODES * RECOVERY_BYTES);
        let mut salt = [0; 16];
        salt.copy_from_slice(salt_bytes);
        let codes: Vec<Zeroizing<String>> = codes.chunks(RECOVERY_BYTES).map(printed).collect();
        let hashes = codes.iter().map(|code| hash(&salt, &read(code))).collect();
        (Self { salt, hashes }, codes)
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self, used: &BTreeSet<usize>) -> usize {
        (0..self.hashes.len()).filter(|number| !used.contains(number)).count()
    }

    /// Checks a code and tells its number on the list. The number has to be durable among `used` before anything is
    /// opened: each works once.
    ///
    /// # Errors
    /// [`FactorError::NotOnTheList`], [`FactorError::RecoveryUsed`].
    pub fn check(&self, code: &str, used: &BTreeSet<usize>) -> Result<usize, FactorError> {
        let given = hash(&self.salt, &read(code));
        let mut found = None;
        for (number, kept) in self.hashes.iter().enumerate() {
            if bool::from(kept.ct_eq(&given)) {
                found = Some(number);
            }
        }
        match found {
            None => Err(FactorError::NotOnTheList),
            Some(number) if used.contains(&number) => Err(FactorError::RecoveryUsed),
            Some(number) => Ok(number),
        }
    }
}

/// Crockford's base 32: no letter that looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Four groups of four.
fn printed(bytes: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(19));
    for half in bytes.chunks(5) {
        let word = half.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            if out.len() % 5 == 4 {
                out.push('-');
            }
            out.push(char::from(ALPHABET[((word >> (place * 5)) & 31) as usize]));
        }
    }
    out
}

/// A code as a person types it: capitals, spaces and hyphens do not matter, and O, I and L are the digits they look like.
fn read(code: &str) -> Zeroizing<String> {
    let kept = code.chars().filter(|c| c.is_ascii_alphanumeric()).take(64).map(|c| match c.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    });
    Zeroizing::new(kept.collect())
}

fn hash(salt: &[u8; 16], code: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"provenote recovery code v1\0").chain_update(salt).chain_update(code).finalize().into()
}

/// Whether a user has to give a second factor: as the practice says for the role, otherwise in every practice of more
/// than one user.
#[must_use]
pub fn required(by_practice: Option<bool>, users: usize) -> bool {
    by_practice.unwrap_or(users > 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The secret of RFC 6238 appendix B.
    fn secret() -> Secret {
        Secret::new(Zeroizing::new(*b"12345678901234567890"))
    }

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1000)
    }

    fn code(seconds: u64) -> String {
        secret().totp("Practice", "user").expect("a secret").generate(seconds).to_string()
    }

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B, SHA-1: the last six of the eight digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().check(code, at(seconds), None), Ok(u64::try_from(seconds).expect("positive") / 30));
        }
    }

    #[test]
    fn one_step_before_and_after_is_accepted_and_no_more() {
        let now = 1_800_000_000;
        for (shift, accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = code(u64::try_from(now + shift * 30).expect("positive"));
            assert_eq!(secret().check(&code, at(now), None).is_ok(), accepted, "{shift}");
        }
    }

    #[test]
    fn a_code_works_once_and_none_before_it_does_either() {
        let now = 1_800_000_000;
        let (earlier, this) = (code(now - 30), code(now));
        let now = at(i64::try_from(now).expect("fits"));
        let accepted = secret().check(&this, now, None).expect("the first time");
        assert_eq!(secret().check(&this, now, Some(accepted)), Err(FactorError::Used));
        assert_eq!(secret().check(&earlier, now, Some(accepted)), Err(FactorError::Used));
        // A clock set back does not help.
        assert!(secret().check(&this, at(1_799_999_970), Some(accepted)).is_err());
    }

    #[test]
    fn what_is_no_code_is_told_apart() {
        for given in ["", "12345", "1234567", "12345a", "１２３４５６"] {
            assert_eq!(secret().check(given, at(1_800_000_000), None), Err(FactorError::NotACode), "{given}");
        }
        let spaced: String = code(1_800_000_000).chars().enumerate().fold(String::new(), |mut out, (place, digit)| {
            if place == 3 {
                out.push(' ');
            }
            out.push(digit);
            out
        });
        assert!(secret().check(&spaced, at(1_800_000_000), None).is_ok());
    }

    #[test]
    fn an_authenticator_reads_the_address() {
        let shown = secret().enrolment("Oak: Street Practice", "Dana Whitfield").expect("names fit");
        assert!(shown.address.starts_with("otpauth://totp/Oak"), "{}", *shown.address);
        assert!(shown.address.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        assert_eq!(*shown.typed, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let again = Totp::from_url(shown.address.as_str()).expect("an authenticator reads it");
        assert_eq!(again.generate(59).to_string(), "287082");
        assert!(matches!(secret().enrolment(" : ", "Dana"), Err(FactorError::BadName)));
    }

    #[test]
    fn each_recovery_code_works_once() {
        let entropy = Zeroizing::new(std::array::from_fn(|place| u8::try_from(place * 7 % 251).expect("a byte")));
        let (kept, printed) = RecoveryCodes::new(&entropy);
        assert_eq!(printed.len(), RECOVERY_CODES);
        assert_eq!(printed.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>().len(), RECOVERY_CODES);
        let mut used = BTreeSet::new();
        for (place, code) in printed.iter().enumerate() {
            assert_eq!(code.len(), 19);
            let typed = code.to_uppercase().replace('-', " ").replace('0', "O");
            assert_eq!(kept.check(&typed, &used), Ok(place));
            used.insert(place);
            assert_eq!(kept.check(code, &used), Err(FactorError::RecoveryUsed));
        }
        assert_eq!(kept.left(&used), 0);
        assert_eq!(kept.check("", &used), Err(FactorError::NotOnTheList));
        let text = format!("{kept:?}");
        assert!(printed.iter().all(|code| !text.contains(code.as_str())), "only hashes are kept");
    }

    #[test]
    fn a_factor_is_asked_of_all_but_a_practice_of_one() {
        assert!(!required(None, 1));
        assert!(required(None, 2));
        assert!(required(Some(true), 1));
        assert!(!required(Some(false), 9));
    }

    proptest! {
        /// However often and whenever codes are tried, no counter is accepted twice and none that came before.
        #[test]
        fn accepted_counters_only_grow(tries in proptest::collection::vec((0..40_u64, 0..40_i64), 1..60)) {
            let mut last = None;
            for (shown, asked) in tries {
                let base = 1_800_000_000;
                if let Ok(counter) = secret().check(&code(base + shown * 15), at(base as i64 + asked * 15), last) {
                    prop_assert!(last.is_none_or(|last| counter > last));
                    last = Some(counter);
                }
            }
        }
    }
}
