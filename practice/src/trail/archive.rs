//! How long the trail is kept, and sealing off its oldest part: an archive that verifies alone, and beside the ledger it is
//! the beginning of.
//!
//! An archive is a container of the bundle's form with `about.json`, the entries in C2SP tlog-tiles entry bundles (each entry
//! behind its length, big-endian, 256 to a bundle), the checkpoint of the moment, and the proof that the tree of the archived
//! entries is the beginning of the checkpoint's. So whoever has the ledger's key believes nothing else: the entries give the
//! root, the proof leads from it to the signed checkpoint.
//!
//! The ledger itself keeps its entries: it is the fold of all of them that tells who the users and clients are. What an
//! archive gives is that what is older may be kept elsewhere too, and that whoever later cuts it off has it. Entries that are
//! still to be kept are refused.

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_bundle::container;
use provenote_ledger::note::{Checkpoint, VerifierKey};
use provenote_ledger::proof::{prove_consistency, root_at, verify_consistency};
use provenote_ledger::{Fact, Hash, Header, Query};
use provenote_schemas::{Digest, Kind, Time};
use provenote_trail::retention::{Aged, Floors, LEAST_YEARS, Sealable, Until, label, sealable, statement};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::trail::number;

/// The format's name, in `about.json`.
const FORMAT: &str = "provenote/trail-archive/v1";
/// Entries of a bundle, C2SP tlog-tiles.
const BUNDLE: usize = 256;

/// How the trail stands with its retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailStanding {
    /// The default in a line, with its mark.
    pub label: String,
    /// What the law does and does not say of six years.
    pub statement: String,
    /// The years this practice keeps its trail.
    pub years: u32,
    /// What may be sealed off, and what is in the way of the rest.
    pub sealable: Sealable,
}

/// `about.json` of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutArchive {
    format: String,
    origin: String,
    entries: u64,
    root: String,
    proof: Vec<String>,
}

/// An archive that was read and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The ledger it is the beginning of.
    pub origin: String,
    /// How many entries it has, from the first on.
    pub entries: u64,
    /// The root of their tree.
    pub root: Hash,
    /// The size of the ledger whose checkpoint it carries.
    pub checkpoint_size: u64,
    /// The headers.
    pub headers: Vec<Header>,
}

/// Why a file is no archive that can be believed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not the container's form.
    #[error("this is no archive of a trail: {0}")]
    Container(#[from] container::ContainerError),
    /// A part is missing or is not what it should be.
    #[error("the archive's {0} is missing or not of its form")]
    Part(&'static str),
    /// An entry is not as the ledger wrote it, or does not follow on the one before.
    #[error("entry {0} of the archive is not as the ledger wrote it")]
    Entry(u64),
    /// The entries are not the beginning of the ledger that signed.
    #[error("the archive's entries are not the beginning of the ledger that signed its checkpoint")]
    NotTheBeginning,
    /// The checkpoint is not signed by the key given.
    #[error("the archive's checkpoint is not signed by the ledger's key: {0}")]
    Signature(String),
}

impl Practice {
    /// How long the trail is kept, and what of it may be sealed off today.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; where the file of a client cannot be opened, whose records' time then is not known.
    pub fn trail_standing(&mut self, actor: &Actor) -> Result<TrailStanding, PracticeError> {
        self.allow_here(actor, Act::SealTrail)?;
        let years = self.trail_years()?;
        Ok(TrailStanding { label: label(), statement: statement(), years, sealable: self.sealable(actor, years)? })
    }

    /// Makes an archive of the entries before `upto`, of all that may be where none is given. Its bytes are made, then the
    /// entry with their digest, and only then are they returned. The ledger keeps what it has.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] where an entry among them is still to be kept, with the entry, until when and why;
    /// [`PracticeError::BadRequest`] where nothing is old enough.
    pub fn seal_trail(&mut self, actor: &Actor, upto: Option<u64>) -> Result<(Vec<u8>, u64), PracticeError> {
        self.allow_here(actor, Act::SealTrail)?;
        let may = self.sealable(actor, self.trail_years()?)?;
        let upto = upto.unwrap_or(may.upto);
        if upto > may.upto {
            let why = may.stopped.map_or_else(
                || format!("the ledger has {} entries", may.upto),
                |stop| {
                    let until = match stop.kept.until {
                        Until::At(until) => format!("until {}", until.date()),
                        Until::Held => "while the hold lasts".to_owned(),
                    };
                    format!("entry {} is to be kept {until}: {}", stop.seq, stop.kept.basis)
                },
            );
            return Err(PracticeError::NotAllowed(format!(
                "refused, the ledger does not lose what is still to be kept: {why}; up to entry {} may be sealed off",
                may.upto
            )));
        }
        if upto == 0 {
            return Err(PracticeError::BadRequest("nothing is old enough to be sealed off".to_owned()));
        }
        let bytes = self.archive(upto)?;
        let root = root_at(self.log.store(), upto).map_err(unproved)?;
        let entry = self
            .entry(actor, Kind::TrailSealed)
            .fact("upto", number(upto))
            .fact("root", Fact::Text(Digest(root.0).to_string()))
            .fact("sha256", Fact::Text(Digest::of(&bytes).to_string()));
        let seq = self.append_one(actor, entry)?;
        Ok((bytes, seq))
    }

    /// The years this practice keeps its trail.
    pub(crate) fn trail_years(&self) -> Result<u32, PracticeError> {
        Ok(self.settings()?.trail_years.max(LEAST_YEARS))
    }

    fn sealable(&self, actor: &Actor, years: u32) -> Result<Sealable, PracticeError> {
        let mut floors = Floors { years, ..Floors::default() };
        for client in self.clients(actor)? {
            if let Some(kept) = self.kept(&client)? {
                let until = Time::parse(&kept.until).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
                floors.clients.insert(client.client.to_string(), until);
            }
        }
        for hold in self.holds()?.into_iter().filter(|hold| hold.lifted.is_none()) {
            floors.held.insert(hold.session.unwrap_or(hold.client));
        }
        let mut in_effect: BTreeMap<String, Time> = BTreeMap::new();
        for form in self.headers(Kind::ConsentRequested, &[])? {
            if let (Some(consent), Some(Fact::Number(expires))) = (form.refs.get("consent"), form.facts.get("expires"))
            {
                in_effect.insert(consent.clone(), Time::from_millis(*expires));
            }
        }
        let headers = self.log.find(&Query::default())?;
        let aged = headers.iter().map(|header| Aged {
            seq: header.seq,
            time: Time::from_millis(header.time),
            client: header.refs.get("client").map(String::as_str),
            session: header.refs.get("session").map(String::as_str),
            in_effect_until: header.refs.get("consent").and_then(|consent| in_effect.get(consent)).copied(),
        });
        Ok(sealable(aged, &floors, self.clock.now()))
    }

    fn archive(&self, upto: u64) -> Result<Vec<u8>, PracticeError> {
        let checkpoint = self.log.checkpoint()?;
        let size = self.log.size()?;
        let root = root_at(self.log.store(), upto).map_err(unproved)?;
        let proof = prove_consistency(self.log.store(), upto, size).map_err(unproved)?;
        let about = AboutArchive {
            format: FORMAT.to_owned(),
            origin: self.log.identity()?.origin,
            entries: upto,
            root: Digest(root.0).to_string(),
            proof: proof.iter().map(|hash| Digest(hash.0).to_string()).collect(),
        };
        let about = serde_json::to_vec(&about).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let mut members = vec![("about.json".to_owned(), about), ("checkpoint".to_owned(), checkpoint.into_bytes())];
        for first in (0..upto).step_by(BUNDLE) {
            let mut bundle = Vec::new();
            for seq in first..upto.min(first + BUNDLE as u64) {
                let bytes = self.log.entry_bytes(seq)?;
                // A header has at most 65,535 bytes.
                bundle.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
                bundle.extend_from_slice(&bytes);
            }
            members.push((bundle_name(first), bundle));
        }
        let members: Vec<container::Member<'_>> =
            members.iter().map(|(name, data)| container::Member { name, data }).collect();
        container::write(&members)
            .map_err(|error| PracticeError::NotAllowed(format!("the archive cannot be made: {error}")))
    }
}

fn bundle_name(first: u64) -> String {
    format!("entries/{first:012}")
}

fn unproved(error: provenote_ledger::proof::ProveError) -> PracticeError {
    PracticeError::NotAllowed(format!("the ledger cannot prove its beginning: {error}"))
}

/// Reads an archive and believes nothing of it but the ledger's key.
///
/// # Errors
/// [`ArchiveError`], with what is wrong.
pub fn read_archive(bytes: &[u8], key: &VerifierKey) -> Result<Archive, ArchiveError> {
    let members = container::read(bytes)?;
    let part = |name: &str| members.iter().find(|member| member.name == name).map(|member| member.data);
    let about = part("about.json").and_then(|data| serde_json::from_slice::<AboutArchive>(data).ok());
    let about = about.filter(|about| about.format == FORMAT).ok_or(ArchiveError::Part("about.json"))?;
    let note = part("checkpoint").and_then(|data| std::str::from_utf8(data).ok());
    let note = note.ok_or(ArchiveError::Part("checkpoint"))?;
    let checkpoint = Checkpoint::open(note, key).map_err(|error| ArchiveError::Signature(error.to_string()))?;
    if checkpoint.origin != about.origin {
        return Err(ArchiveError::Part("origin"));
    }

    let mut headers = Vec::new();
    let mut tree = provenote_ledger::tree::Frontier::default();
    let mut prev = Hash([0; 32]);
    let mut used = 2;
    for first in (0..about.entries).step_by(BUNDLE) {
        let mut rest = part(&bundle_name(first)).ok_or(ArchiveError::Part("entries"))?;
        used += 1;
        for seq in first..about.entries.min(first + BUNDLE as u64) {
            let wrong = || ArchiveError::Entry(seq);
            let (length, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let (entry, after) = after.split_at_checked(length).ok_or_else(wrong)?;
            rest = after;
            let header = Header::parse(entry).map_err(|_| wrong())?;
            if header.seq != seq || header.prev != prev {
                return Err(wrong());
            }
            prev = provenote_ledger::tree::leaf_hash(entry);
            tree.push(prev);
            headers.push(header);
        }
        if !rest.is_empty() {
            return Err(ArchiveError::Part("entries"));
        }
    }
    if used != members.len() {
        return Err(ArchiveError::Part("list of parts"));
    }
    let root = tree.root();
    let proof: Option<Vec<Hash>> =
        about.proof.iter().map(|hash| hash.parse::<Digest>().ok().map(|digest| Hash(digest.0))).collect();
    let proof = proof.ok_or(ArchiveError::Part("proof"))?;
    if Digest(root.0).to_string() != about.root
        || verify_consistency(about.entries, &root, checkpoint.size, &checkpoint.root, &proof).is_err()
    {
        return Err(ArchiveError::NotTheBeginning);
    }
    Ok(Archive { origin: about.origin, entries: about.entries, root, checkpoint_size: checkpoint.size, headers })
}
