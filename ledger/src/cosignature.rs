//! C2SP tlog-cosignature: a witness's statement that it has seen a log grow to this checkpoint and never shrink.
//!
//! Made and checked here: Ed25519, version 1 (signature type 0x04). Keys of ML-DSA-44 (0x06) are recognised, so that
//! files that name them can be read, but their cosignatures cannot be checked here and never count.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::note::{
    MAX_NOTE, MAX_SIGNATURES, NoteError, NoteSignature, SignedNote, VerifierKey, check_name, key_id, signature_lines,
    vkey_parts,
};

/// Signature type of an Ed25519 cosignature.
const ED25519_V1: u8 = 4;
/// Signature type of an ML-DSA-44 cosignature.
const ML_DSA_44: u8 = 6;
/// Bytes of an ML-DSA-44 public key (FIPS 204, table 2).
const ML_DSA_44_KEY: usize = 1312;
/// Bytes of an Ed25519 cosignature: the time, then the signature.
const ED25519_V1_LENGTH: usize = 72;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Ed25519(Box<VerifierKey>),
    MlDsa44(Box<[u8]>),
}

/// A witness's public key with its name: what a verifier has to know. Written as a C2SP vkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    id: u32,
    material: Material,
}

impl CosignerKey {
    /// Names an Ed25519 public key.
    ///
    /// # Errors
    /// [`NoteError::BadName`], or [`NoteError::NoCosignerKey`] when the bytes are no point of the curve, or one of
    /// small order.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self, NoteError> {
        let checked = VerifierKey::new(name, key).map_err(|error| match error {
            NoteError::NoVerifierKey => NoteError::NoCosignerKey,
            other => other,
        })?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, ED25519_V1, key),
            material: Material::Ed25519(Box::new(checked)),
        })
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that tell keys of one name apart.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether this program can check cosignatures of this key; of ML-DSA-44 it cannot.
    #[must_use]
    pub fn can_be_checked(&self) -> bool {
        matches!(self.material, Material::Ed25519(_))
    }

    /// The bare public key: 32 bytes of Ed25519 or 1,312 of ML-DSA-44. Two keys that share it are one key twice.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        match &self.material {
            Material::Ed25519(key) => key.key().to_vec(),
            Material::MlDsa44(key) => key.to_vec(),
        }
    }

    /// Whether a signature line claims to be of this key.
    #[must_use]
    pub fn signs(&self, line: &NoteSignature) -> bool {
        line.name == self.name && line.id == self.id
    }

    /// The time of one line of this key, in seconds since 1970, when it holds for `text`.
    fn check(&self, text: &str, line: &NoteSignature) -> Result<u64, NoteError> {
        let Material::Ed25519(key) = &self.material else { return Err(NoteError::CannotCheck) };
        let (time, signature) = line.bytes.split_first_chunk::<8>().ok_or(NoteError::BadSignature)?;
        let signature: &[u8; 64] = signature.try_into().map_err(|_| NoteError::BadSignature)?;
        let time = u64::from_be_bytes(*time);
        if i64::try_from(time).is_err() || !key.verifies(message(text, time).as_bytes(), signature) {
            return Err(NoteError::BadSignature);
        }
        Ok(time)
    }
}

/// What an Ed25519 cosigner signs: C2SP tlog-cosignature, "Ed25519 signed message".
fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![if self.can_be_checked() { ED25519_V1 } else { ML_DSA_44 }];
        bytes.extend_from_slice(&self.public_key());
        write!(f, "{}+{:08x}+{}", self.name, self.id, BASE64.encode(bytes))
    }
}

impl FromStr for CosignerKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, material) = vkey_parts(text).ok_or(NoteError::NoCosignerKey)?;
        let this = match material.split_first() {
            Some((&ED25519_V1, key)) => Self::new(name, key.try_into().map_err(|_| NoteError::NoCosignerKey)?)?,
            Some((&ML_DSA_44, key)) if key.len() == ML_DSA_44_KEY => {
                check_name(name)?;
                let id = key_id(name, ML_DSA_44, key);
                Self { name: name.to_owned(), id, material: Material::MlDsa44(key.into()) }
            }
            _ => return Err(NoteError::NoCosignerKey),
        };
        if format!("{:08x}", this.id) == id { Ok(this) } else { Err(NoteError::NoCosignerKey) }
    }
}

/// A witness's signing key. Zeroed when dropped.
pub struct Cosigner {
    public: CosignerKey,
    key: SigningKey,
}

impl Cosigner {
    /// A cosigner from its 32-byte seed. The key must be of this one cosigner only: what is signed does not name it.
    ///
    /// # Errors
    /// [`NoteError::BadName`].
    pub fn new(name: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        Ok(Self { public: CosignerKey::new(name, key.verifying_key().as_bytes())?, key })
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        &self.public
    }

    /// The signature line, with its newline, that states: at this time, in seconds since 1970, the text's checkpoint
    /// was the largest seen of its log, and consistent with all seen before. The caller has made sure of it, and that
    /// the time is neither 0 nor above 2⁶³ - 1.
    #[must_use]
    pub fn cosign(&self, note_text: &str, seconds: u64) -> String {
        let mut bytes = seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.key.sign(message(note_text, seconds).as_bytes()).to_bytes());
        NoteSignature { name: self.public.name.clone(), id: self.public.id, bytes }.to_string()
    }
}

impl SignedNote {
    /// Checks the cosignatures of `key` and returns the time of the latest, in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] when there is none, [`NoteError::BadSignature`] when one does not verify,
    /// [`NoteError::CannotCheck`] when there is one of ML-DSA-44.
    pub fn cosigned_by(&self, key: &CosignerKey) -> Result<u64, NoteError> {
        let mut latest = None;
        for line in self.signatures().iter().filter(|line| key.signs(line)) {
            latest = latest.max(Some(key.check(self.text(), line)?));
        }
        latest.ok_or(NoteError::Unsigned)
    }

    /// The note with further signature lines, as [`Cosigner::cosign`] and witnesses write them. Of a key that has a
    /// line already, the note's own stays; but of two Ed25519 cosignatures the one with the later time. Checks no
    /// signature: hand in only lines that were checked.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] when `lines` are no signature lines, or the note would have more than 64 or be too long.
    pub fn with_lines(&self, lines: &str) -> Result<String, NoteError> {
        let mut signatures = self.signatures().to_vec();
        for line in signature_lines(lines)? {
            let timed = |line: &NoteSignature| line.bytes.len() == ED25519_V1_LENGTH;
            match signatures.iter_mut().find(|old| old.name == line.name && old.id == line.id) {
                // The time stands first, big-endian: of two such lines the greater is the later.
                Some(old) if timed(old) && timed(&line) && line.bytes > old.bytes => *old = line,
                Some(_) => {}
                None => signatures.push(line),
            }
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has more than 64 signatures"));
        }
        let note = signatures.iter().fold(format!("{}\n", self.text()), |note, line| note + &line.to_string());
        if note.len() > MAX_NOTE { Err(NoteError::Malformed("it is longer than 128 KiB")) } else { Ok(note) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::Hash;
    use crate::note::LogSigner;

    fn cosigner(name: &str, seed: u8) -> Cosigner {
        Cosigner::new(name, &Zeroizing::new([seed; 32])).expect("a cosigner")
    }

    fn note() -> String {
        LogSigner::new("log.example/1", &Zeroizing::new([1; 32])).expect("a signer").sign(7, Hash([3; 32]))
    }

    /// The id of the witness in the specification's example, from a key of the same name: the formula, by hand.
    #[test]
    fn ids_are_the_specifications() {
        let witness = cosigner("witness.example.com/w1", 9);
        let public = witness.key().public_key();
        let mut bytes = b"witness.example.com/w1\n\x04".to_vec();
        bytes.extend_from_slice(&public);
        assert_eq!(witness.key().id().to_be_bytes(), Hash::of(&bytes).0[..4]);
        // The same bytes as a log's key are another key.
        let log = VerifierKey::new("witness.example.com/w1", &public.try_into().expect("32 bytes")).expect("a key");
        assert_ne!(log.id(), witness.key().id());
        assert!(log.to_string().parse::<CosignerKey>().is_err(), "a log's vkey is no cosigner's");
        assert!(witness.key().to_string().parse::<VerifierKey>().is_err(), "nor the other way round");
    }

    #[test]
    fn a_cosignature_holds_for_its_text_and_time_alone() {
        let witness = cosigner("witness.example/w1", 2);
        let plain = SignedNote::parse(&note()).expect("a note");
        assert_eq!(plain.cosigned_by(witness.key()), Err(NoteError::Unsigned));
        let line = witness.cosign(plain.text(), 1_679_315_147);
        let cosigned = SignedNote::parse(&plain.with_lines(&line).expect("adds")).expect("a note");
        assert_eq!(cosigned.cosigned_by(witness.key()), Ok(1_679_315_147));
        assert_eq!(cosigned.text(), plain.text());
        assert_eq!(cosigned.cosigned_by(cosigner("witness.example/w1", 3).key()), Err(NoteError::Unsigned));
        assert_eq!(cosigned.cosigned_by(cosigner("witness.example/w2", 2).key()), Err(NoteError::Unsigned));
        // What is signed begins with the fixed line and the time, as the specification writes them.
        let signature = &cosigned.signatures()[1].bytes;
        let said = format!("cosignature/v1\ntime 1679315147\n{}", plain.text());
        let Material::Ed25519(key) = &witness.key().material else { panic!("an Ed25519 key") };
        assert!(key.verifies(said.as_bytes(), signature[8..].try_into().expect("64 bytes")));

        let retold = |from: &str, to: &str| {
            let note = plain.with_lines(&line).expect("adds").replacen(from, to, 1);
            SignedNote::parse(&note).expect("a note").cosigned_by(witness.key())
        };
        assert_eq!(retold("\n7\n", "\n8\n"), Err(NoteError::BadSignature));
        for at in 0..72 {
            let mut changed = cosigned.signatures()[1].clone();
            changed.bytes[at] ^= 1;
            let note = format!("{}\n{changed}", plain.text());
            let note = SignedNote::parse(&note).expect("a note");
            assert_eq!(note.cosigned_by(witness.key()), Err(NoteError::BadSignature), "byte {at}");
        }
        let mut short = cosigned.signatures()[1].clone();
        short.bytes.truncate(7);
        let short = SignedNote::parse(&format!("{}\n{short}", plain.text())).expect("a note");
        assert_eq!(short.cosigned_by(witness.key()), Err(NoteError::BadSignature));
    }

    #[test]
    fn a_time_beyond_2_to_the_63_is_refused() {
        let witness = cosigner("witness.example/w1", 2);
        let plain = SignedNote::parse(&note()).expect("a note");
        for (time, fine) in [(1, true), (u64::MAX >> 1, true), (1 << 63, false), (u64::MAX, false)] {
            let note = plain.with_lines(&witness.cosign(plain.text(), time)).expect("adds");
            assert_eq!(SignedNote::parse(&note).expect("a note").cosigned_by(witness.key()).is_ok(), fine, "{time}");
        }
    }

    #[test]
    fn lines_are_merged_once_for_each_key() {
        let (one, two) = (cosigner("w.example/1", 2), cosigner("w.example/2", 3));
        let plain = SignedNote::parse(&note()).expect("a note");
        let lines = one.cosign(plain.text(), 10) + &two.cosign(plain.text(), 11);
        let both = SignedNote::parse(&plain.with_lines(&lines).expect("adds")).expect("a note");
        assert_eq!(both.signatures().len(), 3);
        assert_eq!(both.with_lines(&lines).as_deref(), Ok(both.with_lines(&lines).expect("adds").as_str()));
        let later = SignedNote::parse(&both.with_lines(&one.cosign(plain.text(), 12)).expect("adds")).expect("a note");
        assert_eq!((later.signatures().len(), later.cosigned_by(one.key())), (3, Ok(12)));
        let earlier = SignedNote::parse(&later.with_lines(&lines).expect("adds")).expect("a note");
        assert_eq!(earlier, later, "an earlier time does not take a later one's place");
        // A line in the name of the log takes nothing from it.
        let mut forged = plain.signatures()[0].clone();
        forged.bytes.reverse();
        assert_eq!(plain.with_lines(&forged.to_string()).as_deref(), Ok(note().as_str()));
        for bad in
            ["", "\n", "nonsense\n", "— w.example/1 AAAA\n", "— w.example/1 AAAAAAAA", "— a AAAAAAAA\n\n— b AAAAAAAA\n"]
        {
            assert!(plain.with_lines(bad).is_err(), "{bad:?}");
        }
        let many: String = (0..64).map(|n| format!("— w{n} AAAAAAAA\n")).collect();
        assert!(plain.with_lines(&many).is_err());
        let long: String = (0..40).map(|n| format!("— w{n} {}\n", "AAAA".repeat(1000))).collect();
        assert!(plain.with_lines(&long).is_err());
    }

    #[test]
    fn an_ml_dsa_key_is_known_and_never_counts() {
        let mut material = vec![ML_DSA_44];
        material.extend_from_slice(&[5; ML_DSA_44_KEY]);
        let id = key_id("w.example/pq", ML_DSA_44, &material[1..]);
        let vkey = format!("w.example/pq+{id:08x}+{}", BASE64.encode(&material));
        let key: CosignerKey = vkey.parse().expect("a key");
        assert!(!key.can_be_checked());
        assert_eq!(key.to_string(), vkey);
        let plain = SignedNote::parse(&note()).expect("a note");
        assert_eq!(plain.cosigned_by(&key), Err(NoteError::Unsigned));
        let line = NoteSignature { name: "w.example/pq".to_owned(), id, bytes: vec![1; 8 + 2420] };
        let cosigned = SignedNote::parse(&plain.with_lines(&line.to_string()).expect("adds")).expect("a note");
        assert_eq!(cosigned.cosigned_by(&key), Err(NoteError::CannotCheck));
        material.pop();
        assert!(format!("w.example/pq+{id:08x}+{}", BASE64.encode(&material)).parse::<CosignerKey>().is_err());
    }

    proptest! {
        #[test]
        fn keys_are_read_back_as_written(seed in any::<[u8; 32]>(), name in "[a-zé./0-9-]{1,20}") {
            let key = Cosigner::new(&name, &Zeroizing::new(seed)).expect("a cosigner").public;
            prop_assert_eq!(key.to_string().parse::<CosignerKey>(), Ok(key));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,80}", lines in "[— a-zA-Z+/=\n]{0,120}") {
            let _ = text.parse::<CosignerKey>();
            let _ = SignedNote::parse(&note()).expect("a note").with_lines(&lines);
        }
    }
}
