//! Putting a bundle together, in the two steps that binding it to the ledger asks for.
//!
//! [`Prepared`] fixes everything but checkpoint and proofs, and gives the manifest's SHA-256. The practice appends the
//! entry `bundle.created` with it; then [`Prepared::finish`] adds that entry, the checkpoint and the proofs, verifies
//! the result as a stranger would, and only then hands it out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_ledger::policy::{Policy, PolicyError};
use provenote_ledger::proof::TlogProof;
use provenote_ledger::{Hash, NoteError, SignedNote, VerifierKey};

use crate::container::{self, ContainerError, MAX_BUNDLE, MAX_MEMBERS, Member};
use crate::manifest::{
    FORMAT, KeyEpoch, LeftOut, MAX_ENTRIES, Manifest, Scope, Shown, Withheld, entry_name, payload_name, proof_name,
};
use crate::page;
use crate::verify::{Known, consistency_text, verify};

/// A payload opened for strangers.
pub struct Opened {
    /// The entry it belongs to.
    pub seq: u64,
    /// Its name in the entry's header.
    pub name: String,
    /// Its media type in the entry's header.
    pub media_type: String,
    /// What was sealed.
    pub plaintext: Vec<u8>,
    /// The key of its commitment.
    pub commitment_key: [u8; 32],
}

/// Everything of a bundle that is chosen before it is recorded.
pub struct Contents {
    /// The log's name.
    pub origin: String,
    /// The moment, RFC 3339.
    pub created: String,
    /// What the bundle is of.
    pub scope: Scope,
    /// Every key that has signed the log, first to last.
    pub keys: Vec<KeyEpoch>,
    /// The entries' exact bytes by position.
    pub entries: BTreeMap<u64, Vec<u8>>,
    /// What is shown.
    pub disclosed: Vec<Opened>,
    /// What is not.
    pub withheld: Vec<Withheld>,
    /// Entries of the scope that are not in the bundle.
    pub left_out: Vec<LeftOut>,
    /// The practice's witnesses: a C2SP tlog-policy; of its log lines none is taken. `None`: nobody is asked.
    pub policy: Option<String>,
    /// A document for people.
    pub report: Option<Vec<u8>>,
    /// Sizes of earlier checkpoints the bundle shall lead from.
    pub earlier: Vec<u64>,
}

/// What is known once the bundle has been recorded.
pub struct Proved {
    /// Position and bytes of the entry `bundle.created`.
    pub created: (u64, Vec<u8>),
    /// A checkpoint that covers it: a signed note, with cosignatures. Lines of nobody the policy names are left out.
    pub note: String,
    /// Inclusion proofs of every entry to the checkpoint.
    pub proofs: BTreeMap<u64, Vec<Hash>>,
    /// Root and consistency proof for each earlier checkpoint, by size.
    pub earlier: BTreeMap<u64, (Hash, Vec<Hash>)>,
}

/// Why a bundle could not be made. None of it holds a payload.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Nothing is in it.
    #[error("there is no entry to put into the bundle")]
    Empty,
    /// More entries than a bundle holds.
    #[error("the bundle would have {0} entries; it has at most 20000: choose a smaller scope or a shorter period")]
    TooManyEntries(usize),
    /// More bytes than a bundle has.
    #[error("the bundle would be larger than 512 MiB: choose a smaller scope, or withhold the largest files")]
    TooLarge,
    /// The container cannot hold it.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The practice has no key.
    #[error("the practice has no key to sign with")]
    NoKey,
    /// The practice's policy cannot be used.
    #[error("the witness policy cannot go into a bundle: {0}")]
    Policy(#[from] PolicyError),
    /// The checkpoint cannot be read.
    #[error("the checkpoint cannot go into a bundle: {0}")]
    Checkpoint(#[from] NoteError),
    /// A proof is missing.
    #[error("entry {0} has no proof")]
    NoProof(u64),
    /// The finished bundle does not pass its own verifier.
    #[error("the bundle does not verify, so it is not handed out: {0}")]
    Unsound(String),
}

/// A bundle but for its checkpoint and proofs.
pub struct Prepared {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    policy: String,
    /// The members that do not depend on the checkpoint, by name.
    members: BTreeMap<String, Vec<u8>>,
}

impl Prepared {
    /// Fixes everything that the manifest binds.
    ///
    /// # Errors
    /// [`BundleError`]; nothing has been recorded yet.
    pub fn new(contents: Contents) -> Result<Self, BundleError> {
        let count = contents.entries.len();
        if count == 0 {
            return Err(BundleError::Empty);
        }
        // The entry that records the bundle comes to them.
        if count > MAX_ENTRIES {
            return Err(BundleError::TooManyEntries(count));
        }
        if 2 * count + contents.disclosed.len() + contents.earlier.len() + 16 > MAX_MEMBERS {
            return Err(BundleError::TooManyEntries(count));
        }
        let key = contents.keys.last().ok_or(BundleError::NoKey)?;
        let policy = policy_text(&key.vkey, contents.policy.as_deref())?;
        let mut members: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        members.insert("README.txt".to_owned(), page::readme(&contents).into_bytes());
        members.insert("verify.html".to_owned(), page::html().as_bytes().to_vec());
        members.insert("verify.py".to_owned(), page::PYTHON.as_bytes().to_vec());
        members.insert("policy".to_owned(), policy.clone().into_bytes());
        members.extend(contents.report.map(|report| ("report.pdf".to_owned(), report)));
        let files = members.iter().map(|(name, data)| (name.clone(), Hash::of(data))).collect();
        let mut disclosed = Vec::with_capacity(contents.disclosed.len());
        for opened in contents.disclosed {
            let file = payload_name(opened.seq, &opened.name, &opened.media_type);
            disclosed.push(Shown {
                seq: opened.seq,
                name: opened.name,
                file: file.clone(),
                key: Hash(opened.commitment_key),
            });
            members.insert(file, opened.plaintext);
        }
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            origin: contents.origin,
            created: contents.created,
            scope: contents.scope,
            keys: contents.keys,
            entries: contents.entries.keys().copied().collect(),
            disclosed,
            withheld: contents.withheld,
            left_out: contents.left_out,
            earlier: contents.earlier,
            files,
        };
        members.extend(contents.entries.into_iter().map(|(seq, bytes)| (entry_name(seq), bytes)));
        // A proof has at most 64 hashes, and the checkpoint again.
        let proofs = (count + 1) * 4_000;
        if members.values().map(Vec::len).sum::<usize>() + proofs > MAX_BUNDLE {
            return Err(BundleError::TooLarge);
        }
        Ok(Self { manifest_bytes: manifest.encode(), manifest, policy, members })
    }

    /// SHA-256 of the manifest: the fact `manifest` of the entry `bundle.created`.
    #[must_use]
    pub fn manifest_digest(&self) -> Hash {
        Hash::of(&self.manifest_bytes)
    }

    /// What the bundle will hold.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Finishes the bundle and verifies it.
    ///
    /// # Errors
    /// [`BundleError`]; the bundle must not be handed out then.
    pub fn finish(self, proved: &Proved) -> Result<Vec<u8>, BundleError> {
        let Self { manifest, manifest_bytes, policy, mut members } = self;
        let (created, created_bytes) = &proved.created;
        let key = manifest.keys.last().ok_or(BundleError::NoKey)?.vkey.parse()?;
        let note = known_lines(&proved.note, &key, &policy)?;
        members.insert("manifest.json".to_owned(), manifest_bytes);
        members.insert(entry_name(*created), created_bytes.clone());
        for seq in manifest.entries.iter().chain([created]) {
            let hashes = proved.proofs.get(seq).cloned().ok_or(BundleError::NoProof(*seq))?;
            let proof = TlogProof { extra: None, index: *seq, hashes, checkpoint: note.clone() };
            members.insert(proof_name(*seq), proof.to_string().into_bytes());
        }
        members.insert("checkpoint".to_owned(), note.into_bytes());
        for (size, (root, hashes)) in &proved.earlier {
            members.insert(format!("consistency/{size}.txt"), consistency_text(*size, root, hashes).into_bytes());
        }
        let names = manifest.members(*created);
        let missing = |name: &String| BundleError::Unsound(format!("{name} is missing"));
        let listed: Vec<Member<'_>> = names
            .iter()
            .map(|name| Ok(Member { name, data: members.get(name).ok_or_else(|| missing(name))? }))
            .collect::<Result<_, BundleError>>()?;
        let bytes = container::write(&listed)?;
        match verify(&bytes, &Known::default()).findings.first() {
            None => Ok(bytes),
            Some(finding) => Err(BundleError::Unsound(finding.detail.clone())),
        }
    }
}

/// The policy as a bundle carries it: the log's key, then witnesses, groups and quorum of the practice's own. Comments
/// and addresses are the practice's affair.
///
/// # Errors
/// [`PolicyError`].
pub fn policy_text(vkey: &str, witnesses: Option<&str>) -> Result<String, PolicyError> {
    let Some(witnesses) = witnesses else { return Ok(format!("log {vkey}\nquorum none\n")) };
    Policy::parse(witnesses)?;
    let mut out = format!("log {vkey}\n");
    for line in witnesses.lines() {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        let kept = match words.first().copied() {
            Some("witness") => words.get(..3).unwrap_or_default(),
            Some("group" | "quorum") => words.as_slice(),
            _ => continue,
        };
        out.push_str(&kept.join(" "));
        out.push('\n');
    }
    Policy::parse(&out)?;
    Ok(out)
}

/// The note with the lines of the log's key and of the policy's witnesses alone: the specification tells readers to
/// ignore others, so they could be changed unseen.
fn known_lines(note: &str, key: &VerifierKey, policy: &str) -> Result<String, BundleError> {
    let signed = SignedNote::parse(note)?;
    signed.signed_by(key)?;
    let policy = Policy::parse(policy)?;
    let mut ours = None;
    let mut theirs: Vec<String> = Vec::new();
    for line in signed.signatures() {
        let mut bytes = line.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&line.bytes);
        let text = format!("— {} {}\n", line.name, BASE64.encode(bytes));
        let known = policy.witnesses().iter().find(|w| w.key.name() == line.name && w.key.id() == line.id);
        if line.name == key.name() && line.id == key.id() {
            ours = ours.or(Some(text));
        } else if known.is_some_and(|w| signed.cosigned_by(&w.key).is_ok()) && !theirs.contains(&text) {
            theirs.push(text);
        }
    }
    Ok(format!("{}\n{}{}", signed.text(), ours.unwrap_or_default(), theirs.concat()))
}
