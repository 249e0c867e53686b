//! What a verifier of bundles says.

use serde::Serialize;

/// The outcome in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything in the bundle is as the practice's log has it.
    Intact,
    /// The bundle is whole, but it is of another log or key than the one it was compared with.
    OtherLog,
    /// The checkpoint bears no valid signature of the practice's key, or fewer witnesses cosigned it than its policy asks for.
    Unsigned,
    /// Something is not what was signed.
    Altered,
    /// The file is no bundle, or not in the one form a bundle has.
    Malformed,
}

impl Verdict {
    /// The word, as reports and scripts use it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intact => "intact",
            Self::OtherLog => "other_log",
            Self::Unsigned => "unsigned",
            Self::Altered => "altered",
            Self::Malformed => "malformed",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The file is not in the one form of a bundle.
    Container,
    /// A member is missing, or one too many is there.
    Member,
    /// The manifest cannot be read.
    Manifest,
    /// A member is not what the manifest says.
    Digest,
    /// The entry that binds the manifest is missing or names another.
    ManifestEntry,
    /// An entry is not in its canonical form, or not where it says.
    Entry,
    /// The checkpoint cannot be read.
    Checkpoint,
    /// The keys do not follow from one another.
    Key,
    /// A signature does not hold, or nobody known made it.
    Signature,
    /// The witnesses' cosignatures are not what the policy asks for.
    Cosignature,
    /// An entry is not in the checkpoint's tree.
    Proof,
    /// A disclosed text is not the one that was sealed.
    Commitment,
    /// A payload of an entry is neither shown nor listed as withheld.
    Unlisted,
    /// A note's attestation does not hold.
    Attestation,
    /// An earlier checkpoint does not agree with the bundle's.
    Consistency,
    /// The checkpoint handed in is not of this log.
    Anchor,
    /// The key handed in is not one of this log's.
    Vkey,
}

impl FindingKind {
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::Container | Self::Member | Self::Manifest => Verdict::Malformed,
            Self::Signature | Self::Cosignature => Verdict::Unsigned,
            Self::Anchor | Self::Vkey => Verdict::OtherLog,
            _ => Verdict::Altered,
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// The entry it names.
    pub seq: Option<u64>,
    /// One sentence.
    pub detail: String,
}

/// A witness's cosignature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// The witness, as the policy names it.
    pub witness: String,
    /// When, in POSIX seconds, by the witness's clock.
    pub seconds: u64,
}

/// The outcome. Its first keys are those of `provenote ledger verify --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BundleReport {
    /// In a word.
    pub verdict: Verdict,
    /// Entries the log had at the checkpoint.
    pub size: Option<u64>,
    /// Root of its tree, hexadecimal.
    pub root: Option<String>,
    /// Whether the checkpoint is signed by the last of the practice's keys, and cosigned as the policy asks for.
    pub signed: bool,
    /// Size of the newest checkpoint handed in that the bundle agrees with.
    pub anchored_to: Option<u64>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The log's name.
    pub origin: Option<String>,
    /// The practice's keys, first to last, as C2SP verifier keys.
    pub vkeys: Vec<String>,
    /// When the bundle was made.
    pub created: Option<String>,
    /// What it is of.
    pub scope: Option<String>,
    /// Who cosigned the checkpoint.
    pub cosigned: Vec<Cosigned>,
    /// Entries in the bundle.
    pub entries: usize,
    /// Texts and files that are shown and are the ones that were sealed.
    pub disclosed: usize,
    /// Texts and files that are held back, each with its reason in the manifest.
    pub withheld: usize,
    /// Of these, destroyed, with the entry that says so.
    pub destroyed: usize,
    /// Attestations whose signature holds.
    pub attestations: usize,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// What a bundle never shows.
    pub cannot_show: Vec<&'static str>,
}

/// What a bundle never shows, for people.
pub const CANNOT_SHOW: [&str; 5] = [
    "It cannot show what was never recorded, nor that what was recorded is true.",
    "It cannot show that it is everything: the practice chose the entries. Entries of the log that are not in the \
     bundle are proved to exist by their place only.",
    "It cannot show whose key this is: compare the key with the one printed on a consent form or given to you by the \
     practice.",
    "It cannot show, without a witness's cosignature or an earlier checkpoint of yours, that the practice keeps no \
     second log with other entries.",
    "Times are those of the practice's own clock, except a witness's.",
];
