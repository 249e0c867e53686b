//! C2SP tlog-witness without the network: what a log asks a witness, what the witness decides, and how the log reads
//! the answer.
//!
//! A witness keeps, of each log, the largest checkpoint it has cosigned ([`Seen`]). [`Witness::decide`] takes that and a
//! request and returns either the next state with the answer to it, or a refusal. Whoever calls it makes the next state
//! durable before the answer goes out, and lets nobody else decide about that log meanwhile; so no two cosigned
//! checkpoints of one log can contradict each other.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::cosignature::{Cosigner, CosignerKey};
use crate::hash::Hash;
use crate::note::{
    Checkpoint, MAX_NOTE, NoteError, NoteSignature, SignedNote, VerifierKey, base64_hash, decimal, signature_lines,
};
use crate::proof::{MAX_PROOF, verify_consistency};
use crate::tree::Frontier;

/// The longest request, in bytes: the first line, 63 hashes of 44 digits, and a note.
pub const MAX_REQUEST: usize = 32 + MAX_PROOF * 45 + MAX_NOTE;
/// The longest answer a log reads, in bytes.
pub const MAX_ANSWER: usize = MAX_NOTE;
/// What the body of an answer says about its type, unless it is a size.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// The type of the body of a 409.
pub const SIZE: &str = "text/x.tlog.size";
/// The path of the call, below the submission prefix.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";

/// Where a witness serves the latest checkpoint of a log, below the monitoring prefix.
#[must_use]
pub fn checkpoint_path(origin: &str) -> String {
    format!("{}/checkpoint", Hash::of(origin.as_bytes()))
}

/// Why a witness does not cosign. Each has its HTTP status and a sentence for the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400: not the form of a request.
    #[error("this is no add-checkpoint request: {0}")]
    Malformed(&'static str),
    /// 400: the note in it cannot be read.
    #[error("this is no add-checkpoint request: {0}")]
    Note(NoteError),
    /// 400: the old size is larger than the checkpoint's.
    #[error("the old size {old} is larger than the checkpoint's size {size}")]
    OldIsLarger {
        /// The old size.
        old: u64,
        /// The checkpoint's.
        size: u64,
    },
    /// 404: no key is known for the checkpoint's origin.
    #[error("this witness does not know the log of this checkpoint")]
    UnknownLog,
    /// 403: no trusted key signed, or a line in the name of one does not verify.
    #[error("the checkpoint is not signed by a key this witness trusts for its log")]
    NotSigned,
    /// 409: the old size is not that of the latest checkpoint cosigned. The body is that size and nothing else.
    #[error("{seen}")]
    Conflict {
        /// Size of the latest checkpoint cosigned; 0 when there is none.
        seen: u64,
    },
    /// 422: the checkpoint of an empty log has another root than the empty tree's.
    #[error("a checkpoint of size 0 has the root of the empty tree")]
    EmptyRoot,
    /// 422: there are hashes where nothing is to be proved.
    #[error("with an old size of 0 the proof is empty")]
    NeedlessProof,
    /// 422: the checkpoint does not follow from the one cosigned last.
    #[error("the checkpoint is not consistent with the one of size {seen} that was cosigned last")]
    Inconsistent {
        /// Size of the latest checkpoint cosigned.
        seen: u64,
    },
}

impl Refusal {
    /// The HTTP status of the specification.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Note(_) | Self::OldIsLarger { .. } => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict { .. } => 409,
            Self::EmptyRoot | Self::NeedlessProof | Self::Inconsistent { .. } => 422,
        }
    }

    /// The type of the body.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        if matches!(self, Self::Conflict { .. }) { SIZE } else { TEXT }
    }

    /// The body: one line.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{self}\n")
    }

    /// Whether it shows that the log signed two histories, or a tree that is none: the request is worth keeping.
    #[must_use]
    pub fn is_evidence(&self) -> bool {
        matches!(self, Self::Inconsistent { .. } | Self::EmptyRoot)
    }
}

/// A request to cosign a checkpoint. It has the right form; whether it is true is for [`Witness::decide`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old: u64,
    proof: Vec<Hash>,
    text: String,
    note: SignedNote,
    checkpoint: Checkpoint,
}

impl AddCheckpoint {
    /// A request for the checkpoint in `note`, with the proof that it begins with the tree of the first `old` entries.
    ///
    /// # Errors
    /// [`Refusal::Note`] when there is no checkpoint in it, [`Refusal::Malformed`] when the proof is too long.
    pub fn new(old: u64, proof: Vec<Hash>, note: &str) -> Result<Self, Refusal> {
        if proof.len() > MAX_PROOF {
            return Err(Refusal::Malformed("the proof has more than 63 hashes"));
        }
        let parsed = SignedNote::parse(note).map_err(Refusal::Note)?;
        let checkpoint = Checkpoint::parse(parsed.text()).map_err(Refusal::Note)?;
        Ok(Self { old, proof, text: note.to_owned(), note: parsed, checkpoint })
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`Refusal`], always of status 400.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > MAX_REQUEST {
            return Err(Refusal::Malformed("it is too long"));
        }
        let body = std::str::from_utf8(body).map_err(|_| Refusal::Malformed("it is not UTF-8"))?;
        let (first, mut rest) = body.split_once('\n').ok_or(Refusal::Malformed("its first line does not end"))?;
        let old = first.strip_prefix("old ").and_then(decimal);
        let old = old.ok_or(Refusal::Malformed("its first line is not `old SIZE`"))?;
        let mut proof = Vec::new();
        loop {
            let (line, after) =
                rest.split_once('\n').ok_or(Refusal::Malformed("no empty line stands before the checkpoint"))?;
            rest = after;
            if line.is_empty() {
                return Self::new(old, proof, rest);
            }
            if proof.len() == MAX_PROOF {
                return Err(Refusal::Malformed("the proof has more than 63 hashes"));
            }
            proof.push(base64_hash(line).ok_or(Refusal::Malformed("a line of the proof is no SHA-256 in base64"))?);
        }
    }

    /// The size of the tree the proof starts from.
    #[must_use]
    pub fn old(&self) -> u64 {
        self.old
    }

    /// The checkpoint. Nobody has looked at its signatures yet.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The whole note with the checkpoint.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for AddCheckpoint {
    /// The body of the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash.0)))?;
        write!(f, "\n{}", self.text)
    }
}

/// The latest checkpoint a witness has cosigned of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    checkpoint: Checkpoint,
    note: String,
}

impl Seen {
    /// Reads a state back: the note must bear this witness's own cosignature, so a state that was changed or damaged
    /// is not taken for one.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(note: &str, key: &CosignerKey) -> Result<Self, NoteError> {
        let parsed = SignedNote::parse(note)?;
        parsed.cosigned_by(key)?;
        Ok(Self { checkpoint: Checkpoint::parse(parsed.text())?, note: note.to_owned() })
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note: the checkpoint with the log's signatures that were verified, and the cosignature. This is what is kept,
    /// and what monitors are served.
    #[must_use]
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// A yes: the state to keep, and the answer that may go out when it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The next state.
    pub next: Seen,
    /// The body of the answer, with status 200: the signature line.
    pub body: String,
}

/// A witness: its key, and the keys of the logs it knows. Of one origin it may know several, as logs change keys.
pub struct Witness {
    cosigner: Cosigner,
    logs: Vec<VerifierKey>,
}

impl Witness {
    /// A witness for these logs; a log's key is named by its origin.
    #[must_use]
    pub fn new(cosigner: Cosigner, logs: Vec<VerifierKey>) -> Self {
        Self { cosigner, logs }
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        self.cosigner.key()
    }

    /// The keys of logs it trusts.
    #[must_use]
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Whether any key is known for this origin.
    #[must_use]
    pub fn knows(&self, origin: &str) -> bool {
        self.logs.iter().any(|key| key.name() == origin)
    }

    /// The signature lines of keys trusted for the checkpoint's log, all of which hold.
    fn trusted(&self, request: &AddCheckpoint) -> Result<Vec<NoteSignature>, Refusal> {
        let origin = &request.checkpoint.origin;
        if !self.knows(origin) {
            return Err(Refusal::UnknownLog);
        }
        let mut lines = Vec::new();
        for key in self.logs.iter().filter(|key| key.name() == origin) {
            match request.note.signed_by(key) {
                Ok(()) => lines.extend(
                    request
                        .note
                        .signatures()
                        .iter()
                        .find(|line| line.name == key.name() && line.id == key.id())
                        .cloned(),
                ),
                Err(NoteError::Unsigned) => {}
                Err(_) => return Err(Refusal::NotSigned),
            }
        }
        if lines.is_empty() { Err(Refusal::NotSigned) } else { Ok(lines) }
    }

    /// Decides about a request. `seen` is what this witness cosigned last of the checkpoint's origin; `seconds` is the
    /// time since 1970, not 0.
    ///
    /// # Errors
    /// [`Refusal`]; the state stays as it is.
    pub fn decide(&self, seen: Option<&Seen>, request: &AddCheckpoint, seconds: u64) -> Result<Cosigned, Refusal> {
        let lines = self.trusted(request)?;
        let AddCheckpoint { old, ref proof, ref checkpoint, .. } = *request;
        if old > checkpoint.size {
            return Err(Refusal::OldIsLarger { old, size: checkpoint.size });
        }
        let seen_size = seen.map_or(0, |seen| seen.checkpoint.size);
        if old != seen_size {
            return Err(Refusal::Conflict { seen: seen_size });
        }
        if checkpoint.size == 0 && checkpoint.root != Frontier::default().root() {
            return Err(Refusal::EmptyRoot);
        }
        match seen {
            Some(seen) if old != 0 => {
                verify_consistency(old, &seen.checkpoint.root, checkpoint.size, &checkpoint.root, proof)
                    .map_err(|_| Refusal::Inconsistent { seen: old })?;
            }
            _ if !proof.is_empty() => return Err(Refusal::NeedlessProof),
            _ => {}
        }
        let body = self.cosigner.cosign(request.note.text(), seconds);
        let lines = lines.iter().fold(String::new(), |lines, line| lines + &line.to_string());
        let note = format!("{}\n{lines}{body}", request.note.text());
        Ok(Cosigned { next: Seen { checkpoint: checkpoint.clone(), note }, body })
    }
}

/// What a witness's answer says to the log that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It cosigned.
    Cosigned {
        /// Its signature line, checked, with its newline.
        line: String,
        /// The time it states, in seconds since 1970.
        time: u64,
    },
    /// It has seen another size last (409).
    Conflict {
        /// That size.
        seen: u64,
    },
    /// It says that the checkpoint does not follow from what it has seen (422).
    Inconsistent,
    /// It does not know this log (404).
    UnknownLog,
    /// It does not trust the key that signed (403).
    UnknownKey,
    /// It does not understand the request (400).
    Malformed,
    /// Anything else: a status or a body of no witness.
    Nonsense(&'static str),
}

/// Reads the answer to a request. Cosignatures of other keys than `key` are ignored.
#[must_use]
pub fn read_reply(request: &AddCheckpoint, key: &CosignerKey, status: u16, body: &[u8]) -> Reply {
    match status {
        200 => cosigned(request, key, body).unwrap_or_else(Reply::Nonsense),
        409 => {
            let size = std::str::from_utf8(body).ok().and_then(|body| body.strip_suffix('\n')).and_then(decimal);
            size.map_or(Reply::Nonsense("a conflict without the size it has seen"), |seen| Reply::Conflict { seen })
        }
        400 => Reply::Malformed,
        403 => Reply::UnknownKey,
        404 => Reply::UnknownLog,
        422 => Reply::Inconsistent,
        _ => Reply::Nonsense("a status no witness gives"),
    }
}

fn cosigned(request: &AddCheckpoint, key: &CosignerKey, body: &[u8]) -> Result<Reply, &'static str> {
    let body = std::str::from_utf8(body).map_err(|_| "bytes that are no text")?;
    let lines = signature_lines(body).map_err(|_| "no signature lines")?;
    let ours: String = lines.iter().filter(|line| key.signs(line)).map(ToString::to_string).collect();
    let note = SignedNote::parse(&format!("{}\n{ours}", request.note.text()));
    match note.and_then(|note| note.cosigned_by(key)) {
        Ok(time) => Ok(Reply::Cosigned { line: ours, time }),
        Err(NoteError::BadSignature) => Err("a cosignature that does not hold"),
        Err(NoteError::CannotCheck) => {
            Err("a cosignature of a kind that cannot be checked by this program (ML-DSA-44)")
        }
        Err(_) => Err("no cosignature of its key"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::note::LogSigner;
    use crate::tree::{leaf_hash, node_hash};

    fn signer(seed: u8) -> LogSigner {
        LogSigner::new("log.example/1", &Zeroizing::new([seed; 32])).expect("a signer")
    }

    fn witness() -> Witness {
        let cosigner = Cosigner::new("w.example", &Zeroizing::new([50; 32])).expect("a cosigner");
        Witness::new(cosigner, vec![signer(1).verifier().clone()])
    }

    /// The tree of one history; two of them part after the fourth entry.
    fn mth(history: u8, from: u64, to: u64) -> Hash {
        match to - from {
            0 => Frontier::default().root(),
            1 => leaf_hash(&[if from < 4 { 0 } else { history }, from as u8]),
            n => {
                let k = n.next_power_of_two() / 2;
                node_hash(&mth(history, from, from + k), &mth(history, from + k, to))
            }
        }
    }

    /// RFC 6962 §2.1.2.
    fn consistency(history: u8, old: u64, from: u64, to: u64, whole: bool) -> Vec<Hash> {
        if old == to - from {
            return if whole { Vec::new() } else { vec![mth(history, from, to)] };
        }
        let k = (to - from).next_power_of_two() / 2;
        let (mut proof, other) = if old <= k {
            (consistency(history, old, from, from + k, whole), mth(history, from + k, to))
        } else {
            (consistency(history, old - k, from + k, to, false), mth(history, from, from + k))
        };
        proof.push(other);
        proof
    }

    fn request(history: u8, old: u64, size: u64) -> AddCheckpoint {
        let proof = if old == 0 || old > size { Vec::new() } else { consistency(history, old, 0, size, true) };
        AddCheckpoint::new(old, proof, &signer(1).sign(size, mth(history, 0, size))).expect("a request")
    }

    fn seen(size: u64) -> Seen {
        witness().decide(None, &request(1, 0, size), 1000).expect("cosigns").next
    }

    #[test]
    fn a_growing_log_is_cosigned_and_the_state_moves() {
        let witness = witness();
        let mut last: Option<Seen> = None;
        for size in [0_u64, 0, 1, 3, 3, 8, 21, 64, 65] {
            let old = last.as_ref().map_or(0, |seen| seen.checkpoint.size);
            let request = request(1, old, size);
            let cosigned = witness.decide(last.as_ref(), &request, 1_800_000_000 + size).expect("cosigns");
            assert_eq!(cosigned.next.checkpoint, *request.checkpoint());
            assert_eq!(
                read_reply(&request, witness.key(), 200, cosigned.body.as_bytes()),
                Reply::Cosigned { line: cosigned.body.clone(), time: 1_800_000_000 + size }
            );
            assert_eq!(Seen::parse(cosigned.next.note(), witness.key()).as_ref(), Ok(&cosigned.next), "it is kept");
            assert!(Checkpoint::open(cosigned.next.note(), signer(1).verifier()).is_ok(), "with the log's signature");
            last = Some(cosigned.next);
        }
    }

    #[test]
    fn every_refusal_has_the_status_of_the_specification() {
        let witness = witness();
        let other = LogSigner::new("log.example/2", &Zeroizing::new([1; 32])).expect("a signer");
        let root = mth(1, 0, 5);
        let ask = |old, proof: &[Hash], note: &str| AddCheckpoint::new(old, proof.to_vec(), note).expect("a request");
        let valid = signer(1).sign(5, root);
        let proof = consistency(1, 3, 0, 5, true);
        let tampered = valid.replacen("\n5\n", "\n6\n", 1);
        for (state, request, status) in [
            (None, ask(0, &[], &other.sign(5, root)), 404),
            (None, ask(0, &[], &signer(2).sign(5, root)), 403),
            (None, ask(0, &[], &tampered), 403),
            (None, ask(6, &[], &valid), 400),
            (None, ask(3, &proof, &valid), 409),
            (Some(3), ask(0, &[], &valid), 409),
            (Some(5), ask(3, &proof, &valid), 409),
            (None, ask(0, &[], &signer(1).sign(0, root)), 422),
            (None, ask(0, &proof, &valid), 422),
            (Some(3), ask(3, &[], &valid), 422),
            (Some(3), ask(3, &proof[1..], &valid), 422),
            (Some(3), ask(3, &proof, &signer(1).sign(5, mth(2, 0, 5))), 422),
            (Some(5), ask(5, &[], &signer(1).sign(5, mth(2, 0, 5))), 422),
            (Some(5), ask(5, &[root], &valid), 422),
        ] {
            let state = state.map(seen);
            let refusal = witness.decide(state.as_ref(), &request, 2000).expect_err("refuses");
            assert_eq!(refusal.status(), status, "{refusal}");
            if let Refusal::Conflict { seen } = refusal {
                assert_eq!((refusal.body(), refusal.content_type()), (format!("{seen}\n"), "text/x.tlog.size"));
                let reply = read_reply(&request, witness.key(), 409, refusal.body().as_bytes());
                assert_eq!(reply, Reply::Conflict { seen });
            } else {
                assert_eq!(refusal.content_type(), TEXT);
            }
        }
        // An unknown log is unknown before anything else is looked at, and a signature before any size.
        let unknown = ask(9, &proof, &other.sign(0, root));
        assert_eq!(witness.decide(None, &unknown, 1), Err(Refusal::UnknownLog));
    }

    #[test]
    fn a_log_that_changed_its_key_is_known_by_both() {
        let cosigner = || Cosigner::new("w.example", &Zeroizing::new([50; 32])).expect("a cosigner");
        let witness = Witness::new(cosigner(), vec![signer(1).verifier().clone(), signer(2).verifier().clone()]);
        let by_old = witness.decide(None, &request(1, 0, 3), 10).expect("cosigns").next;
        let note = signer(2).sign(5, mth(1, 0, 5));
        let rotated = AddCheckpoint::new(3, consistency(1, 3, 0, 5, true), &note).expect("a request");
        assert!(witness.decide(Some(&by_old), &rotated, 11).is_ok());
        // A line in the name of a trusted key that does not hold spoils the note, though the other one holds.
        let lie = signer(1).sign(6, mth(1, 0, 6));
        let lie = lie.split_once("\n\n").expect("a note").1;
        let spoilt = AddCheckpoint::new(3, consistency(1, 3, 0, 5, true), &format!("{note}{lie}")).expect("a request");
        assert_eq!(witness.decide(Some(&by_old), &spoilt, 11), Err(Refusal::NotSigned));
        // Lines of strangers do not, and are not kept.
        let strange = AddCheckpoint::new(3, consistency(1, 3, 0, 5, true), &format!("{note}— x.example AAAAAAAA\n"));
        let next = witness.decide(Some(&by_old), &strange.expect("a request"), 11).expect("cosigns").next;
        assert!(!next.note().contains("x.example"));
    }

    #[test]
    fn malformed_requests_are_refused() {
        let valid = request(1, 3, 5).to_string();
        assert_eq!(AddCheckpoint::parse(valid.as_bytes()), Ok(request(1, 3, 5)));
        let line = format!("{}\n", valid.lines().nth(1).expect("a hash"));
        for bad in [
            String::new(),
            "old 3".to_owned(),
            valid.replacen("old 3", "old 03", 1),
            valid.replacen("old 3", "old  3", 1),
            valid.replacen("old 3", "Old 3", 1),
            valid.replacen("old 3", "old -1", 1),
            valid.replacen("old 3", "old 18446744073709551616", 1),
            valid.replacen("old 3\n", "", 1),
            valid.replacen('\n', "\r\n", 1),
            valid.replacen(&line, "AAAA\n", 1),
            valid.replacen(&line, &line.repeat(64), 1),
            valid.replacen("\n\n", "\n", 1),
            valid.trim_end().to_owned(),
            valid.replacen("log.example/1\n5\n", "log.example/1\n05\n", 1),
            format!("{valid}\0"),
            format!("old 0\n\n{}", "x".repeat(MAX_REQUEST)),
        ] {
            assert_eq!(AddCheckpoint::parse(bad.as_bytes()).map_err(|refusal| refusal.status()), Err(400), "{bad}");
        }
        assert!(AddCheckpoint::parse(b"old 0\n\n\xff").is_err());
        assert!(AddCheckpoint::new(0, vec![Hash::ZERO; 64], &signer(1).sign(5, Hash::ZERO)).is_err());
    }

    #[test]
    fn a_state_is_believed_only_with_the_witnesss_own_signature() {
        let state = seen(5);
        let key = witness().key().clone();
        assert!(Seen::parse(state.note(), &key).is_ok());
        assert!(Seen::parse(&state.note().replacen("\n5\n", "\n4\n", 1), &key).is_err());
        assert!(Seen::parse(&signer(1).sign(5, mth(1, 0, 5)), &key).is_err());
        assert!(Seen::parse("", &key).is_err());
    }

    #[test]
    fn nonsense_is_told_apart_from_answers() {
        let request = request(1, 0, 5);
        let key = witness().key().clone();
        let good = witness().decide(None, &request, 77).expect("cosigns").body;
        let stranger = Cosigner::new("x.example", &Zeroizing::new([9; 32])).expect("a cosigner");
        let other = stranger.cosign(request.note.text(), 77);
        let read = |status, body: &str| read_reply(&request, &key, status, body.as_bytes());
        assert_eq!(read(200, &format!("{other}{good}")), Reply::Cosigned { line: good.clone(), time: 77 });
        for (status, body) in [
            (200, ""),
            (200, "<html></html>"),
            (200, other.as_str()),
            (200, good.trim_end()),
            (200, "— w.example AAAAAAAA\n"),
            (409, ""),
            (409, "5"),
            (409, "05\n"),
            (409, "five\n"),
            (409, "5\n\n"),
            (500, "5\n"),
            (302, ""),
            (201, good.as_str()),
        ] {
            assert!(matches!(read(status, body), Reply::Nonsense(_)), "{status} {body:?}");
        }
        let elsewhere = stranger.cosign("another\n1\ntext\n", 77).replace("x.example", "w.example");
        assert!(matches!(read(200, &elsewhere), Reply::Nonsense(_)));
        assert!(matches!(read_reply(&request, &key, 200, &[0xff, 0xfe]), Reply::Nonsense(_)));
        assert_eq!(read(422, "no"), Reply::Inconsistent);
        assert_eq!(
            (read(404, ""), read(403, ""), read(400, "")),
            (Reply::UnknownLog, Reply::UnknownKey, Reply::Malformed)
        );
    }

    proptest! {
        /// Whatever is asked, in whatever order, from two histories that part after the fourth entry:
        /// what was cosigned is one history.
        #[test]
        fn no_fork_is_ever_cosigned(asked in proptest::collection::vec((1_u8..3, 0_u64..12, 0_u64..12), 1..60)) {
            let witness = witness();
            let mut state: Option<Seen> = None;
            let mut given: Vec<Checkpoint> = Vec::new();
            for (history, old, size) in asked {
                let request = request(history, old, size);
                if let Ok(cosigned) = witness.decide(state.as_ref(), &request, 5) {
                    given.push(request.checkpoint().clone());
                    state = Some(cosigned.next);
                }
            }
            let sizes: Vec<u64> = given.iter().map(|checkpoint| checkpoint.size).collect();
            prop_assert!(sizes.is_sorted());
            let one = |history| given.iter().all(|given| given.root == mth(history, 0, given.size));
            prop_assert!(one(1) || one(2));
        }

        #[test]
        fn a_request_is_read_back_as_written(old in 0_u64..40, more in 0_u64..40) {
            let request = request(1, old, old + more);
            prop_assert_eq!(AddCheckpoint::parse(request.to_string().as_bytes()), Ok(request));
        }

        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), status in 0_u16..600) {
            let _ = AddCheckpoint::parse(&bytes);
            let _ = read_reply(&request(1, 0, 3), witness().key(), status, &bytes);
        }
    }
}
