//! C2SP signed-note v1.0.0 and tlog-checkpoint, with Ed25519 keys (signature type 0x01).
//!
//! Signatures are verified strictly: no point of small order, no second encoding of a signature.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::hash::{Hash, push_hex};

/// The longest note this program reads, in bytes: room for a checkpoint with 16 post-quantum cosignatures.
pub const MAX_NOTE: usize = 128 * 1024;
pub(crate) const MAX_SIGNATURES: usize = 64;
const ED25519: u8 = 1;

/// Why a note, a checkpoint or a verifier key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the form of a C2SP signed note.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// The text is no checkpoint.
    #[error("this note is no checkpoint: {0}")]
    NoCheckpoint(&'static str),
    /// No signature of a key we trust.
    #[error("the note bears no signature of this log's key")]
    Unsigned,
    /// A signature in the name of a key we trust does not verify.
    #[error("the note's signature does not verify")]
    BadSignature,
    /// The checkpoint is another log's.
    #[error("the checkpoint is of another log")]
    OtherLog,
    /// The text is no verifier key of an Ed25519 key.
    #[error("this is no verifier key: it looks like NAME+KEYID+BASE64, with an Ed25519 key")]
    NoVerifierKey,
    /// The text is no verifier key of a witness.
    #[error("this is no witness's verifier key: it looks like NAME+KEYID+BASE64, of signature type 4 or 6")]
    NoCosignerKey,
    /// A cosignature of a kind that is known, but not implemented here.
    #[error("the cosignature is of a kind that cannot be checked by this program (ML-DSA-44)")]
    CannotCheck,
    /// A name no key may have.
    #[error("a key's name is not empty and has no space, plus sign or control character")]
    BadName,
}

pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+' || c.is_control());
    if bad { Err(NoteError::BadName) } else { Ok(()) }
}

/// A number as the C2SP formats write it: ASCII digits, no leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| digits)
}

/// A hash as the C2SP formats write it.
pub(crate) fn base64_hash(text: &str) -> Option<Hash> {
    BASE64.decode(text).ok().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok())
}

/// The id of a key of this signature type.
pub(crate) fn key_id(name: &str, kind: u8, key: &[u8]) -> u32 {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', kind]);
    bytes.extend_from_slice(key);
    let hash = Hash::of(&bytes).0;
    u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
}

/// A vkey's three parts: the name, the id as written, and the signature type with the public key.
pub(crate) fn vkey_parts(text: &str) -> Option<(&str, &str, Vec<u8>)> {
    // The base64 part may hold plus signs; the name may not.
    let mut parts = text.splitn(3, '+');
    let (name, id, material) = (parts.next()?, parts.next()?, parts.next()?);
    Some((name, id, BASE64.decode(material).ok()?))
}

/// A public key with its name: what a verifier has to know. Written as a C2SP vkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl VerifierKey {
    /// Names a public key.
    ///
    /// # Errors
    /// [`NoteError::BadName`], or [`NoteError::NoVerifierKey`] when the bytes are no point of the curve, or one of
    /// small order.
    pub fn new(name: &str, key: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        let point = VerifyingKey::from_bytes(key).map_err(|_| NoteError::NoVerifierKey)?;
        if point.is_weak() {
            return Err(NoteError::NoVerifierKey);
        }
        Ok(Self { name: name.to_owned(), id: key_id(name, ED25519, key), key: point })
    }

    /// The key's name; for a log's key, its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that tell keys of one name apart.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    pub(crate) fn verifies(&self, text: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(text, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, BASE64.encode(bytes))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, id, material) = vkey_parts(text).ok_or(NoteError::NoVerifierKey)?;
        let Some((&ED25519, key)) = material.split_first() else {
            return Err(NoteError::NoVerifierKey);
        };
        let key: &[u8; 32] = key.try_into().map_err(|_| NoteError::NoVerifierKey)?;
        let this = Self::new(name, key)?;
        if format!("{:08x}", this.id) == id { Ok(this) } else { Err(NoteError::NoVerifierKey) }
    }
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Its id.
    pub id: u32,
    /// The signature's bytes; 64 for Ed25519.
    pub bytes: Vec<u8>,
}

impl fmt::Display for NoteSignature {
    /// The line, with its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        writeln!(f, "— {} {}", self.name, BASE64.encode(bytes))
    }
}

/// Reads signature lines, at least one; each ends with a newline.
pub(crate) fn signature_lines(lines: &str) -> Result<Vec<NoteSignature>, NoteError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed("the last line does not end"))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        let wrong = NoteError::Malformed("a signature line is not of the form `— NAME BASE64`");
        let (name, bytes) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(wrong)?;
        check_name(name).map_err(|_| wrong)?;
        let bytes = BASE64.decode(bytes).map_err(|_| wrong)?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(wrong)?;
        if bytes.is_empty() {
            return Err(wrong);
        }
        signatures.push(NoteSignature { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() });
        if signatures.len() > MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has more than 64 signatures"));
        }
    }
    Ok(signatures)
}

/// A note taken apart. Its text means nothing before [`SignedNote::signed_by`] says who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::Malformed("it is longer than 128 KiB"));
        }
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(NoteError::Malformed("it has control characters"));
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line stands before the signatures"))?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        Ok(Self { text: text.to_owned(), signatures: signature_lines(lines)? })
    }

    /// The signed text, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, known keys and unknown.
    #[must_use]
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Checks the signatures of `key`.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`] when there is none, [`NoteError::BadSignature`] when one does not verify.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut found = false;
        for signature in self.signatures.iter().filter(|s| s.name == key.name && s.id == key.id) {
            let bytes: &[u8; 64] = signature.bytes.as_slice().try_into().map_err(|_| NoteError::BadSignature)?;
            if !key.verifies(self.text.as_bytes(), bytes) {
                return Err(NoteError::BadSignature);
            }
            found = true;
        }
        if found { Ok(()) } else { Err(NoteError::Unsigned) }
    }
}

/// What a checkpoint says: this log, so long, had this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// Its length in entries.
    pub size: u64,
    /// The root of its tree.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads the text of a checkpoint. Extension lines are allowed and ignored.
    ///
    /// # Errors
    /// [`NoteError::NoCheckpoint`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let body = text.strip_suffix('\n').ok_or(NoteError::NoCheckpoint("its last line does not end"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(NoteError::NoCheckpoint("it has fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(NoteError::NoCheckpoint("a line is empty"));
        }
        let size = decimal(size).ok_or(NoteError::NoCheckpoint("its second line is no size"))?;
        let root = base64_hash(root).ok_or(NoteError::NoCheckpoint("its third line is no root hash"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The checkpoint's text, three lines.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root.0))
    }

    /// Reads a note, checks that `key` signed it and that it is a checkpoint of the key's log.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, NoteError> {
        let note = SignedNote::parse(note)?;
        note.signed_by(key)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == key.name { Ok(checkpoint) } else { Err(NoteError::OtherLog) }
    }
}

/// One of the log's keys, and the length of the log from which on it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// 1 for the first.
    pub number: u32,
    /// Checkpoints of at least this size are signed by this key, until the next epoch's size.
    pub from_size: u64,
    /// The key.
    pub key: VerifierKey,
}

/// The epoch whose key signs checkpoints of `size`.
#[must_use]
pub fn epoch_at(epochs: &[Epoch], size: u64) -> Option<&Epoch> {
    epochs.iter().filter(|epoch| epoch.from_size <= size).max_by_key(|epoch| (epoch.from_size, epoch.number))
}

/// The log's signing key. Zeroed when dropped.
pub struct LogSigner {
    public: VerifierKey,
    key: SigningKey,
}

impl LogSigner {
    /// A signer from its 32-byte seed.
    ///
    /// # Errors
    /// [`NoteError::BadName`] when the origin may not name a key.
    pub fn new(origin: &str, seed: &Zeroizing<[u8; 32]>) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        Ok(Self { public: VerifierKey::new(origin, key.verifying_key().as_bytes())?, key })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.public.name
    }

    /// The signed note for a state of the log.
    #[must_use]
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let text = Checkpoint { origin: self.public.name.clone(), size, root }.text();
        let line = self.line(&text);
        text + "\n" + &line
    }

    /// The signature line of this key for a note's text.
    pub(crate) fn line(&self, text: &str) -> String {
        let mut signature = self.public.id.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.sign_bytes(text.as_bytes()));
        format!("— {} {}\n", self.public.name, BASE64.encode(signature))
    }

    /// The bare signature over some bytes.
    pub(crate) fn sign_bytes(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}

/// A fresh origin of a log: random, so that it names nobody.
#[must_use]
pub fn origin_from(random: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let word = random.iter().fold(0_u128, |acc, byte| (acc << 8) | u128::from(*byte));
    let text: String = (0..16).rev().map(|i| char::from(ALPHABET[((word >> (i * 5)) & 31) as usize])).collect();
    format!("provenote.local/{text}")
}

/// Four bytes of a hash as hexadecimal, for short hints to people.
#[must_use]
pub fn fingerprint(key: &[u8; 32]) -> String {
    let mut out = Vec::new();
    push_hex(&Hash::of(key).0[..8], &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the C2SP signed-note specification.
    #[test]
    fn the_specifications_example() {
        let key: VerifierKey =
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k".parse().expect("a vkey");
        assert_eq!(key.to_string(), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
        let text = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        let note = SignedNote::parse(text).expect("a note");
        assert_eq!(note.text(), "This is an example message.\n");
        assert_eq!(note.signed_by(&key), Ok(()));
        let changed = SignedNote::parse(&text.replace("example message", "Example message")).expect("a note");
        assert_eq!(changed.signed_by(&key), Err(NoteError::BadSignature));
        let other = VerifierKey::new("example.com/bar", &key.key()).expect("a key");
        assert_eq!(note.signed_by(&other), Err(NoteError::Unsigned));
    }

    #[test]
    fn malformed_notes_are_refused() {
        let signature = "— a.example/x AAAAAAAA\n";
        for bad in [
            String::new(),
            "text\n".to_owned(),
            format!("text\n{signature}"),
            format!("text\n\n{}", signature.trim_end()),
            format!("te\txt\n\n{signature}"),
            format!("text\n\n{signature}\n"),
            "text\n\n— a.example/x AAAAAA==\n".to_owned(),
            "text\n\n— a.example/x AAAA\n".to_owned(),
            "text\n\n— a+b AAAAAAAA\n".to_owned(),
            "text\n\n- a.example/x AAAAAAAA\n".to_owned(),
            "text\n\n— a.example/x AAAAAAA*\n".to_owned(),
        ] {
            assert!(SignedNote::parse(&bad).is_err(), "{bad:?}");
        }
        assert!(SignedNote::parse(&format!("text\n\n{signature}")).is_ok());
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        let root = BASE64.encode([7; 32]);
        for bad in [
            format!("log\n1\n{root}"),
            format!("log\n01\n{root}\n"),
            format!("log\n+1\n{root}\n"),
            format!("log\n\n{root}\n"),
            format!("\n1\n{root}\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            format!("log\n1\n{root}\n\n"),
            "log\n1\nAAAA\n".to_owned(),
            "log\n1\n".to_owned(),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
        assert_eq!(Checkpoint::parse(&format!("log\n0\n{root}\next\n")).map(|c| c.size), Ok(0));
    }

    #[test]
    fn what_is_signed_opens_and_keys_are_told_apart() {
        let signer = LogSigner::new(&origin_from([9; 10]), &Zeroizing::new([1; 32])).expect("a signer");
        let other = LogSigner::new(signer.origin(), &Zeroizing::new([2; 32])).expect("a signer");
        let note = signer.sign(3, Hash([4; 32]));
        let opened = Checkpoint::open(&note, signer.verifier()).expect("opens");
        assert_eq!((opened.size, opened.root), (3, Hash([4; 32])));
        assert_eq!(Checkpoint::open(&note, other.verifier()), Err(NoteError::Unsigned));
        let vkey = signer.verifier().to_string();
        assert_eq!(vkey.parse::<VerifierKey>().as_ref(), Ok(signer.verifier()));
        for bad in ["", "a+b", "a+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", &vkey.replace("+", " ")] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }
}
