//! The verifier: takes a file nobody vouches for, and believes nothing but signatures, hashes and proofs.
//!
//! It shares no code with what writes a bundle but the names and the form of the manifest. The verifiers in the browser
//! (`verifiers/`) check the same, in the same order, and refuse the same.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use provenote_ledger::note::epoch_at;
use provenote_ledger::policy::Policy;
use provenote_ledger::proof::{TlogProof, verify_consistency, verify_inclusion};
use provenote_ledger::rotation::{KEY_ROTATED, Rotation};
use provenote_ledger::tree::leaf_hash;
use provenote_ledger::{Checkpoint, Epoch, Fact, Hash, Header, SignedNote, VerifierKey};
use sha2::Sha256;

use crate::attestations::{self, Attested};
use crate::container;
use crate::manifest::{Manifest, entry_name, payload_name, proof_name};
use crate::report::{BundleReport, CANNOT_SHOW, Cosigned, Finding, FindingKind, Verdict};

/// The kind of the entry that binds a bundle's manifest, by its fact `manifest`.
pub const BUNDLE_CREATED: &str = "bundle.created";
/// The kind of entry that records a destruction.
const RECORD_DESTROYED: &str = "record.destroyed";
/// Findings told one by one; more are counted.
const MAX_FINDINGS: usize = 100;

/// What the reader has from elsewhere. Without any of it a bundle is only held against itself.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// The practice's key, first or later, as printed on a consent form.
    pub vkey: Option<&'a VerifierKey>,
    /// Checkpoints handed out earlier: signed notes.
    pub anchors: &'a [String],
    /// The reader's own policy: witnesses the reader trusts. Held against the checkpoint beside the bundle's own.
    pub policy: Option<&'a Policy>,
}

/// Verifies a bundle. Never fails and never panics: whatever is wrong is a finding.
#[must_use]
pub fn verify(bytes: &[u8], known: &Known<'_>) -> BundleReport {
    let mut check = Check::new();
    let members = match container::read(bytes) {
        Ok(members) => members,
        Err(error) => {
            check.find(FindingKind::Container, None, error.to_string());
            return check.done();
        }
    };
    if let Some(bundle) = check.take_apart(&members) {
        check.bundle(&bundle, known);
    }
    check.done()
}

/// A bundle whose manifest was read and whose members are those it lists.
struct Bundle<'a> {
    members: BTreeMap<&'a str, &'a [u8]>,
    manifest: Manifest,
    created: u64,
}

impl<'a> Bundle<'a> {
    fn data(&self, name: &str) -> &'a [u8] {
        self.members.get(name).copied().unwrap_or_default()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.data(name)).ok()
    }

    fn entries(&self) -> impl Iterator<Item = u64> {
        self.manifest.entries.iter().copied().chain([self.created])
    }
}

/// The checkpoint of a bundle and what was found of its signatures.
struct Head {
    note: String,
    checkpoint: Checkpoint,
}

struct Check {
    report: BundleReport,
    more: usize,
    /// The keys, where each follows from the one before.
    epochs: Vec<Epoch>,
    /// By epoch number: up to which size checkpoints of a key that fell into other hands are trusted.
    trusted_to: BTreeMap<u32, u64>,
}

impl Check {
    fn new() -> Self {
        let report = BundleReport {
            verdict: Verdict::Intact,
            size: None,
            root: None,
            signed: false,
            anchored_to: None,
            findings: Vec::new(),
            origin: None,
            vkeys: Vec::new(),
            created: None,
            scope: None,
            cosigned: Vec::new(),
            entries: 0,
            disclosed: 0,
            withheld: 0,
            destroyed: 0,
            attestations: 0,
            notes: Vec::new(),
            cannot_show: CANNOT_SHOW.to_vec(),
        };
        Self { report, more: 0, epochs: Vec::new(), trusted_to: BTreeMap::new() }
    }

    fn find(&mut self, kind: FindingKind, seq: Option<u64>, detail: impl Into<String>) {
        self.report.verdict = self.report.verdict.max(kind.verdict());
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(Finding { kind, seq, detail: detail.into() });
        } else {
            self.more += 1;
        }
    }

    fn done(mut self) -> BundleReport {
        if self.more > 0 {
            self.report.notes.push(format!("{} more findings are not listed.", self.more));
        }
        self.report
    }

    /// Reads the manifest and holds the members against it.
    fn take_apart<'a>(&mut self, members: &[container::Member<'a>]) -> Option<Bundle<'a>> {
        let names: BTreeMap<&str, &[u8]> = members.iter().map(|member| (member.name, member.data)).collect();
        let Some(bytes) = names.get("manifest.json") else {
            self.find(FindingKind::Member, None, "the file has no manifest.json: it is no evidence bundle");
            return None;
        };
        let manifest = match Manifest::parse(bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                self.find(FindingKind::Manifest, None, error.to_string());
                return None;
            }
        };
        // The one entry that is not listed: the manifest was made before it.
        let listed: BTreeSet<String> = manifest.entries.iter().map(|seq| entry_name(*seq)).collect();
        let created = members.iter().filter(|m| m.name.starts_with("entries/") && !listed.contains(m.name));
        let created =
            created.filter_map(|m| m.name.strip_prefix("entries/")?.strip_suffix(".json")?.parse::<u64>().ok());
        let created = match created.collect::<Vec<_>>()[..] {
            [one] if manifest.entries.last().is_none_or(|last| *last < one) => one,
            _ => {
                let detail = "the entry that records the making of this bundle is missing, or there are several";
                self.find(FindingKind::ManifestEntry, None, detail);
                return None;
            }
        };
        let expected = manifest.members(created);
        let found: Vec<&str> = members.iter().map(|member| member.name).collect();
        if let Some(at) = (0..expected.len().max(found.len()))
            .find(|at| expected.get(*at).map(String::as_str) != found.get(*at).copied())
        {
            let detail = match (expected.get(at), found.get(at)) {
                (Some(missing), None) => format!("{missing} is missing"),
                (None, Some(extra)) => format!("{extra} does not belong to this bundle"),
                (expected, found) => format!(
                    "{} stands where {} belongs",
                    found.copied().unwrap_or_default(),
                    expected.map_or("nothing", String::as_str)
                ),
            };
            self.find(FindingKind::Member, None, detail);
            return None;
        }
        Some(Bundle { members: names, manifest, created })
    }

    fn bundle(&mut self, bundle: &Bundle<'_>, known: &Known<'_>) {
        let manifest = &bundle.manifest;
        self.report.origin = Some(manifest.origin.clone());
        self.report.created = Some(manifest.created.clone());
        self.report.scope = Some(manifest.scope.in_words());
        self.digests(bundle);
        let headers = self.headers(bundle);
        self.manifest_entry(bundle, headers.get(&bundle.created));
        self.keys(manifest, &headers);
        let Some(head) = self.checkpoint(bundle) else { return };
        self.signatures(bundle, &head, known);
        self.proofs(bundle, &head);
        self.payloads(bundle, &headers);
        let earlier = self.earlier(bundle, &head);
        self.anchors(&head, &earlier, known);
    }

    fn digests(&mut self, bundle: &Bundle<'_>) {
        let files = &bundle.manifest.files;
        let expected = ["README.txt", "policy", "verify.html", "verify.py"];
        let named: Vec<&str> = files.keys().map(String::as_str).filter(|name| *name != "report.pdf").collect();
        if named != expected {
            self.find(FindingKind::Digest, None, "the manifest does not give the SHA-256 of the members it should");
        }
        for (name, digest) in files {
            if bundle.members.get(name.as_str()).is_none_or(|data| Hash::of(data) != *digest) {
                self.find(
                    FindingKind::Digest,
                    None,
                    format!("{name} is not the file the practice put in: its SHA-256 differs"),
                );
            }
        }
    }

    /// The headers of the entries that are what they should be.
    fn headers(&mut self, bundle: &Bundle<'_>) -> BTreeMap<u64, Header> {
        let mut headers: BTreeMap<u64, Header> = BTreeMap::new();
        for seq in bundle.entries() {
            let bytes = bundle.data(&entry_name(seq));
            match Header::parse(bytes) {
                Ok(header) if header.seq == seq => {
                    if let Some(before) = seq.checked_sub(1).filter(|before| headers.contains_key(before))
                        && leaf_hash(bundle.data(&entry_name(before))) != header.prev
                    {
                        self.find(FindingKind::Entry, Some(seq), format!("entry {seq} does not follow entry {before}"));
                    }
                    headers.insert(seq, header);
                }
                Ok(header) => self.find(
                    FindingKind::Entry,
                    Some(seq),
                    format!("the file of entry {seq} holds entry {}", header.seq),
                ),
                Err(error) => self.find(FindingKind::Entry, Some(seq), format!("entry {seq} cannot be read: {error}")),
            }
        }
        self.report.entries = headers.len();
        headers
    }

    fn manifest_entry(&mut self, bundle: &Bundle<'_>, header: Option<&Header>) {
        let digest = Hash::of(bundle.data("manifest.json")).to_string();
        let binds = header.is_some_and(|header| {
            header.kind == BUNDLE_CREATED && header.facts.get("manifest") == Some(&Fact::Text(digest))
        });
        if !binds {
            let detail = "the manifest is not the one the practice recorded when it made this bundle";
            self.find(FindingKind::ManifestEntry, Some(bundle.created), detail);
        }
    }

    /// Follows the keys from the first to the last: each is announced by an entry that the one before signed too.
    fn keys(&mut self, manifest: &Manifest, headers: &BTreeMap<u64, Header>) {
        let mut epochs: Vec<Epoch> = Vec::new();
        for told in &manifest.keys {
            let key: Option<VerifierKey> = told.vkey.parse().ok();
            let Some(key) = key.filter(|key| key.name() == manifest.origin && is_canonical(&key.key())) else {
                self.find(FindingKind::Key, None, format!("key {} is no key of this log", told.epoch));
                return;
            };
            let next = match epochs.last() {
                None if told.epoch == 1 && told.from_size == 0 => Epoch { number: 1, from_size: 0, key },
                None => {
                    self.find(FindingKind::Key, None, "the first of the practice's keys is not in the manifest");
                    return;
                }
                Some(before) => {
                    let seq = told.from_size.checked_sub(1);
                    let header = seq.and_then(|seq| headers.get(&seq)).filter(|header| header.kind == KEY_ROTATED);
                    let Some(header) = header else {
                        let detail = format!("the entry that announces key {} is not in the bundle", told.epoch);
                        self.find(FindingKind::Key, seq, detail);
                        return;
                    };
                    let followed = Rotation::read(header)
                        .and_then(|rotation| Ok((rotation.after(before, header.seq)?, rotation.compromised_after())));
                    match followed {
                        Ok((epoch, known)) if epoch.number == told.epoch && epoch.key == key => {
                            if let Some(size) = known {
                                // Whoever has a later key of a broken line may have earlier ones too.
                                for number in 1..epoch.number {
                                    let limit = self.trusted_to.entry(number).or_insert(size);
                                    *limit = size.min(*limit);
                                }
                                self.report.notes.push(format!(
                                    "Entry {} says that the practice's key {} may have been in other hands: checkpoints \
                                     it signed count only up to {size} entries.",
                                    header.seq, before.number
                                ));
                            }
                            epoch
                        }
                        Ok(_) => {
                            self.find(
                                FindingKind::Key,
                                Some(header.seq),
                                "the entry announces another key than the manifest",
                            );
                            return;
                        }
                        Err(error) => {
                            let detail =
                                format!("entry {} does not hand the log on to another key: {error}", header.seq);
                            self.find(FindingKind::Key, Some(header.seq), detail);
                            return;
                        }
                    }
                }
            };
            epochs.push(next);
        }
        let announced = headers.values().filter(|header| header.kind == KEY_ROTATED).count();
        if announced + 1 != epochs.len() {
            self.find(FindingKind::Key, None, "the manifest does not list the keys that the entries announce");
        }
        self.report.vkeys = epochs.iter().map(|epoch| epoch.key.to_string()).collect();
        self.epochs = epochs;
    }

    fn checkpoint(&mut self, bundle: &Bundle<'_>) -> Option<Head> {
        let wrong = |check: &mut Self, detail: String| {
            check.find(FindingKind::Checkpoint, None, detail);
            None
        };
        let Some(note) = bundle.text("checkpoint") else {
            return wrong(self, "the checkpoint is no text".to_owned());
        };
        let signed = match SignedNote::parse(note) {
            Ok(signed) => signed,
            Err(error) => return wrong(self, error.to_string()),
        };
        let checkpoint = match Checkpoint::parse(signed.text()) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return wrong(self, error.to_string()),
        };
        // Three lines, in the one form: no extension that nobody reads.
        if checkpoint.text() != signed.text() || checkpoint.origin != bundle.manifest.origin {
            return wrong(self, "the checkpoint is of another log, or says more than a checkpoint does".to_owned());
        }
        if checkpoint.size <= bundle.created {
            return wrong(self, "the checkpoint is older than the bundle".to_owned());
        }
        self.report.size = Some(checkpoint.size);
        self.report.root = Some(checkpoint.root.to_string());
        Some(Head { note: note.to_owned(), checkpoint })
    }

    /// The log's signature comes first, then those of witnesses the policy names. There is no other line.
    fn signatures(&mut self, bundle: &Bundle<'_>, head: &Head, known: &Known<'_>) {
        let Ok(signed) = SignedNote::parse(&head.note) else { return };
        let Some(epoch) = epoch_at(&self.epochs, head.checkpoint.size).cloned() else {
            self.find(FindingKind::Signature, None, "nobody knows whose signature the checkpoint should bear");
            return;
        };
        let last = self.epochs.last().is_some_and(|last| last.number == epoch.number);
        let before = self.report.findings.len();
        if !last {
            self.find(FindingKind::Signature, None, "the checkpoint is older than the practice's last key");
        }
        if let Err(error) = signed.signed_by(&epoch.key) {
            self.find(FindingKind::Signature, None, format!("the checkpoint is not signed by the practice: {error}"));
        }
        let policy = match bundle.text("policy").map(Policy::parse) {
            Some(Ok(policy)) => policy,
            Some(Err(error)) => {
                self.find(FindingKind::Cosignature, None, format!("the policy cannot be read: {error}"));
                return;
            }
            None => {
                self.find(FindingKind::Cosignature, None, "the policy is no text");
                return;
            }
        };
        if policy.logs().len() != 1 || policy.logs().iter().any(|log| log.key != epoch.key) {
            self.find(FindingKind::Cosignature, None, "the policy is not for the key that signed the checkpoint");
        }
        let mut seen = BTreeSet::new();
        for (index, line) in signed.signatures().iter().enumerate() {
            let ours = line.name == epoch.key.name() && line.id == epoch.key.id();
            let witness = policy.witnesses().iter().find(|w| w.key.name() == line.name && w.key.id() == line.id);
            if !seen.insert((line.name.as_str(), line.id)) || ours != (index == 0) || (!ours && witness.is_none()) {
                let detail = format!("signature {} under the checkpoint is of nobody the bundle names", index + 1);
                self.find(FindingKind::Signature, None, detail);
                continue;
            }
            if let Some(witness) = witness.filter(|_| !ours) {
                match signed.cosigned_by(&witness.key) {
                    Ok(seconds) => self.report.cosigned.push(Cosigned { witness: witness.name.clone(), seconds }),
                    Err(error) => self.find(
                        FindingKind::Cosignature,
                        None,
                        format!("the cosignature of {} does not hold: {error}", witness.name),
                    ),
                }
            }
        }
        for (whose, policy) in [("the bundle's", Some(&policy)), ("your", known.policy)] {
            if let Some(Err(error)) = policy.map(|policy| policy.agreed(&signed)) {
                self.find(FindingKind::Cosignature, None, format!("{whose} policy is not met: {error}"));
            }
        }
        if self.report.cosigned.is_empty() {
            self.report.notes.push("No witness cosigned the checkpoint.".to_owned());
        }
        self.report.signed = self.report.findings.len() == before;
        if let Some(vkey) = known.vkey
            && !self.epochs.iter().any(|epoch| epoch.key == *vkey)
        {
            self.find(FindingKind::Vkey, None, "the key you gave is none of the keys of this bundle: it is another practice's, or somebody made this bundle up");
        }
    }

    fn proofs(&mut self, bundle: &Bundle<'_>, head: &Head) {
        for seq in bundle.entries() {
            let holds = bundle.text(&proof_name(seq)).is_some_and(|text| {
                TlogProof::parse(text).is_ok_and(|proof| {
                    proof.to_string() == text
                        && proof.extra.is_none()
                        && proof.index == seq
                        && proof.checkpoint == head.note
                        && verify_inclusion(
                            &leaf_hash(bundle.data(&entry_name(seq))),
                            seq,
                            head.checkpoint.size,
                            &proof.hashes,
                            &head.checkpoint.root,
                        )
                        .is_ok()
                })
            });
            if !holds {
                let detail = format!("entry {seq} is not proved to stand in the practice's log");
                self.find(FindingKind::Proof, Some(seq), detail);
            }
        }
    }

    /// Every payload of every entry is either shown and the one that was sealed, or listed as withheld.
    fn payloads(&mut self, bundle: &Bundle<'_>, headers: &BTreeMap<u64, Header>) {
        let mut listed: BTreeSet<(u64, &str)> = BTreeSet::new();
        let mut shown: BTreeMap<u64, BTreeMap<&str, &[u8]>> = BTreeMap::new();
        for disclosed in &bundle.manifest.disclosed {
            let (seq, name) = (disclosed.seq, disclosed.name.as_str());
            let of_that_name: Vec<_> =
                headers.get(&seq).map(|h| h.payloads.iter().filter(|p| p.name == name).collect()).unwrap_or_default();
            let [payload] = of_that_name[..] else {
                self.find(FindingKind::Commitment, Some(seq), format!("entry {seq} has no payload of the name {name}"));
                continue;
            };
            if !listed.insert((seq, name)) || disclosed.file != payload_name(seq, name, &payload.media_type) {
                self.find(
                    FindingKind::Commitment,
                    Some(seq),
                    format!("{name} of entry {seq} is listed twice, or under another name"),
                );
            }
            let data = bundle.data(&disclosed.file);
            let opens = Hmac::<Sha256>::new_from_slice(&disclosed.key.0)
                .is_ok_and(|mac| mac.chain_update(data).verify_slice(&payload.commitment.0).is_ok());
            if opens {
                self.report.disclosed += 1;
                shown.entry(seq).or_default().insert(name, data);
            } else {
                let detail = format!("{name} of entry {seq} is not what was sealed: its commitment does not open");
                self.find(FindingKind::Commitment, Some(seq), detail);
            }
        }
        for withheld in &bundle.manifest.withheld {
            let (seq, name) = (withheld.seq, withheld.name.as_str());
            let payload = headers.get(&seq).and_then(|h| h.payloads.iter().find(|payload| payload.name == name));
            let fits = payload.is_some_and(|payload| payload.class == withheld.class);
            if !fits || !listed.insert((seq, name)) {
                self.find(
                    FindingKind::Unlisted,
                    Some(seq),
                    format!("{name} of entry {seq} is said to be withheld, and there is none or it is listed twice"),
                );
                continue;
            }
            self.report.withheld += 1;
            if let Some(receipt) = withheld.destroyed_by {
                let group = payload.map(|payload| payload.group.as_str());
                let says_so = headers.get(&receipt).is_some_and(|header| {
                    header.kind == RECORD_DESTROYED && header.refs.get("group").map(String::as_str) == group
                });
                if says_so {
                    self.report.destroyed += 1;
                } else {
                    let detail =
                        format!("{name} of entry {seq} is said to be destroyed, and entry {receipt} does not say so");
                    self.find(FindingKind::Unlisted, Some(seq), detail);
                }
            }
        }
        for header in headers.values() {
            for payload in
                header.payloads.iter().filter(|payload| !listed.contains(&(header.seq, payload.name.as_str())))
            {
                let detail =
                    format!("{} of entry {} is neither shown nor listed as withheld", payload.name, header.seq);
                self.find(FindingKind::Unlisted, Some(header.seq), detail);
            }
        }
        let keys: BTreeMap<String, [u8; 32]> = headers.values().filter_map(attestations::signing_key).collect();
        for (seq, payloads) in &shown {
            let seq = *seq;
            match headers.get(&seq).and_then(|header| attestations::check(header, payloads, &keys)) {
                None => {}
                Some(Attested::Holds) => self.report.attestations += 1,
                Some(Attested::TextWithheld) => {
                    self.report.attestations += 1;
                    self.report
                        .notes
                        .push(format!("The attestation of entry {seq} holds; the text it is of is withheld."));
                }
                Some(Attested::Broken(why)) => {
                    self.find(
                        FindingKind::Attestation,
                        Some(seq),
                        format!("the attestation of entry {seq} does not hold: {why}"),
                    );
                }
            }
        }
    }

    /// The earlier checkpoints the bundle proves to be beginnings of this log: root by size.
    fn earlier(&mut self, bundle: &Bundle<'_>, head: &Head) -> BTreeMap<u64, Hash> {
        let mut roots = BTreeMap::new();
        for size in &bundle.manifest.earlier {
            let read = bundle.text(&format!("consistency/{size}.txt")).and_then(read_consistency);
            let proved = read.filter(|(old, root, hashes)| {
                old == size
                    && verify_consistency(*old, root, head.checkpoint.size, &head.checkpoint.root, hashes).is_ok()
            });
            match proved {
                Some((size, root, _)) => {
                    roots.insert(size, root);
                }
                None => {
                    let detail = format!("the log is not proved to have only grown since it had {size} entries");
                    self.find(FindingKind::Consistency, None, detail);
                }
            }
        }
        roots
    }

    fn anchors(&mut self, head: &Head, earlier: &BTreeMap<u64, Hash>, known: &Known<'_>) {
        for note in known.anchors {
            let anchor = SignedNote::parse(note).and_then(|signed| {
                let anchor = Checkpoint::parse(signed.text())?;
                // A checkpoint of the moment of a rotation bears both keys' signatures; each counts in its epoch.
                let epoch = epoch_at(&self.epochs, anchor.size).ok_or(provenote_ledger::NoteError::Unsigned)?;
                signed.signed_by(&epoch.key)?;
                Ok((anchor, epoch.number))
            });
            let (anchor, number) = match anchor {
                Ok((anchor, number)) if anchor.origin == head.checkpoint.origin => (anchor, number),
                Ok(_) => {
                    self.find(FindingKind::Anchor, None, "the checkpoint you gave is of another log");
                    continue;
                }
                Err(error) => {
                    self.find(FindingKind::Anchor, None, format!("the checkpoint you gave cannot be used: {error}"));
                    continue;
                }
            };
            let size = anchor.size;
            if self.trusted_to.get(&number).is_some_and(|limit| size > *limit) {
                let detail = format!(
                    "the checkpoint you gave, of {size} entries, is signed by a key that may have been in other hands by then"
                );
                self.find(FindingKind::Anchor, None, detail);
                continue;
            }
            let root = if size == head.checkpoint.size { Some(&head.checkpoint.root) } else { earlier.get(&size) };
            match root {
                Some(root) if *root == anchor.root => {
                    self.report.anchored_to = self.report.anchored_to.max(Some(size));
                }
                Some(_) => {
                    let detail = format!("your checkpoint and the bundle disagree about the first {size} entries: the log was rewritten, or the practice keeps two");
                    self.find(FindingKind::Anchor, None, detail);
                }
                None => self.report.notes.push(format!(
                    "Your checkpoint of {size} entries is signed by this practice, but this bundle cannot prove that its log \
                     continues the one of your checkpoint: ask the practice for a bundle made with it (bundle create --anchor)."
                )),
            }
        }
    }
}

/// RFC 8032 §5.1.3, step 1: the encoded y is less than p.
fn is_canonical(key: &[u8; 32]) -> bool {
    let above = key[31] & 0x7f == 0x7f && key[1..31].iter().all(|byte| *byte == 0xff) && key[0] >= 0xed;
    !above
}

const CONSISTENCY: &str = "provenote-consistency/1";

/// The text of a consistency proof: what it is, the earlier size, the earlier root, and the hashes, a line each.
pub(crate) fn consistency_text(size: u64, root: &Hash, hashes: &[Hash]) -> String {
    let mut out = format!("{CONSISTENCY}\n{size}\n");
    for hash in std::iter::once(root).chain(hashes) {
        out.push_str(&BASE64.encode(hash.0));
        out.push('\n');
    }
    out
}

fn read_consistency(text: &str) -> Option<(u64, Hash, Vec<Hash>)> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    if lines.next() != Some(CONSISTENCY) {
        return None;
    }
    let size = lines.next()?.parse().ok()?;
    let mut hashes: Vec<Hash> = lines
        .map(|line| BASE64.decode(line).ok().and_then(|bytes| Hash::try_from(bytes.as_slice()).ok()))
        .collect::<Option<_>>()?;
    if hashes.is_empty() || hashes.len() > 130 {
        return None;
    }
    let root = hashes.remove(0);
    // One form only.
    (consistency_text(size, &root, &hashes) == text).then_some((size, root, hashes))
}
