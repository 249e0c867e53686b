//! Pseudonymous ids: a prefix that says what is meant, and 80 random bits.
//!
//! The ids stand in entry headers, which are not sealed, so they carry nothing of the person they
//! stand for (design, invariant 4).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`, so an id read aloud is unambiguous.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A string that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no {what} id: one looks like {prefix}-0123456789abcdef")]
pub struct BadId {
    given: String,
    what: &'static str,
    prefix: &'static str,
}

fn encode(bytes: [u8; 10]) -> String {
    let mut out = String::with_capacity(16);
    for half in bytes.chunks(5) {
        let word = half.iter().fold(0_u64, |acc, byte| (acc << 8) | u64::from(*byte));
        for shift in (0..8).rev() {
            out.push(char::from(ALPHABET[((word >> (shift * 5)) & 31) as usize]));
        }
    }
    out
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every id of this kind begins with, without the hyphen.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id of ten random bytes.
            #[must_use]
            pub fn from_random(bytes: [u8; 10]) -> Self {
                Self(format!("{}-{}", $prefix, encode(bytes)))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(given: &str) -> Result<Self, BadId> {
                let well_formed = given
                    .strip_prefix(concat!($prefix, "-"))
                    .is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| ALPHABET.contains(&b)));
                if well_formed {
                    Ok(Self(given.to_owned()))
                } else {
                    Err(BadId { given: given.chars().take(64).collect(), what: $what, prefix: $prefix })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(given: String) -> Result<Self, BadId> {
                given.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A client's file.
    ClientId, "cli", "client"
);
id!(
    /// One person who takes part in a client's sessions, the client included.
    ParticipantId, "par", "participant"
);
id!(
    /// One recorded or dictated session.
    SessionId, "ses", "session"
);
id!(
    /// A note, from its first draft to its last amendment.
    NoteId, "note", "note"
);
id!(
    /// One consent form as it was shown to one client, and what became of it.
    ConsentId, "con", "consent"
);
id!(
    /// A company outside the practice that gets sound or words.
    VendorId, "ven", "vendor"
);
id!(
    /// One document of a company's terms that is watched.
    TermsId, "terms", "watched terms"
);
id!(
    /// A user of the practice.
    UserId, "usr", "user"
);
id!(
    /// Access given to one user for a limited time.
    GrantId, "gra", "grant"
);
id!(
    /// A machine that users sign in on.
    DeviceId, "dev", "device"
);
id!(
    /// A retention group: payloads that will be destroyed together, in one act.
    GroupId, "grp", "retention group"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text() {
        let id = ClientId::from_random([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(id.as_str().parse::<ClientId>().as_ref(), Ok(&id));
        assert_eq!(id.as_str().len(), 20);
    }

    #[test]
    fn another_kind_or_a_path_is_refused() {
        for bad in
            ["", "cli-", "ses-0123456789abcdef", "cli-0123456789abcdeF", "cli-../../etc/passwd", "cli-0123456789abcdei"]
        {
            assert!(bad.parse::<ClientId>().is_err(), "{bad}");
        }
    }
}
