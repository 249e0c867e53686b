//! Logs with several keys, checkpoints of each of them, witnesses, and a store that lies.

use std::cell::Cell;
use std::ops::Range;

use zeroize::Zeroizing;

use super::*;
use crate::conformance::{Seeded, entry, payload, signer};
use crate::cosignature::Cosigner;
use crate::log::Log;
use crate::memory::{MemoryBlobs, MemoryKeys, MemoryStore};
use crate::note::LogSigner;
use crate::packing::{Members, Packed};
use crate::store::{Commit, Identity, NoAnchor, Run, StoredCheckpoint, StoredPayload};
use crate::tree::Tile;
use crate::vault::Argon2Params;

/// Twelve entries under three keys; the second was given the log by entry 4, the third by entry 8.
struct Bench {
    store: MemoryStore,
    keys: [LogSigner; 3],
    epochs: Vec<Epoch>,
    /// The checkpoint of each size.
    notes: Vec<String>,
}

fn bench(compromised_after: Option<u64>) -> Bench {
    let (store, keys) = (MemoryStore::default(), [signer(1), signer(2), signer(3)]);
    let mut log = Log::create(Box::new(store.clone()), &keys[0], Box::new(NoAnchor)).expect("begins");
    let mut notes = vec![log.checkpoint().expect("reads")];
    for n in 0..12_i64 {
        match n {
            4 => drop(log.rotate(n, "usr-owner", &keys[0], &keys[1], compromised_after).expect("rotates")),
            8 => drop(log.rotate(n, "usr-owner", &keys[1], &keys[2], None).expect("rotates")),
            _ => {
                let signer = &keys[usize::from(n > 4) + usize::from(n > 8)];
                drop(log.append(n, signer, vec![entry("client.viewed", 1)]).expect("appends"));
            }
        }
        notes.push(log.checkpoint().expect("reads"));
    }
    let epochs = log.epochs().to_vec();
    Bench { store, keys, epochs, notes }
}

impl Bench {
    fn check(&self, known: usize, anchors: &[&str], policy: Option<&Policy>) -> Report {
        let anchors: Vec<GivenAnchor> = anchors
            .iter()
            .enumerate()
            .map(|(n, note)| GivenAnchor { label: format!("copy {n}"), note: (*note).to_owned() })
            .collect();
        let given = Verification { anchors: &anchors, policy, ..Verification::new(&self.store, &self.epochs[..known]) };
        verify(&given, &mut |_, _| {})
    }
}

fn kinds(report: &Report) -> Vec<FindingKind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_stranger_follows_the_keys_from_the_first() {
    let bench = bench(None);
    let handed: Vec<&str> = [2, 4, 5, 8, 9, 11].iter().map(|size| bench.notes[*size].as_str()).collect();
    for known in [1, 2, 3] {
        let report = bench.check(known, &handed, None);
        assert_eq!((report.verdict, report.findings.as_slice()), (Verdict::Intact, &[][..]), "{known}");
        assert_eq!((report.anchored_to, report.anchored_by.as_deref()), (Some(11), Some("copy 5")));
        assert!(report.anchors.iter().all(|anchor| anchor.comparison == Comparison::Agrees));
        assert_eq!(report.unanchored.map(|unanchored| (unanchored.from_seq, unanchored.entries)), Some((11, 1)));
        let vkeys: Vec<String> = bench.keys.iter().map(|key| key.verifier().to_string()).collect();
        assert_eq!(report.epochs.iter().map(|epoch| epoch.vkey.clone()).collect::<Vec<_>>(), vkeys);
        assert_eq!(report.doubtful, []);
    }
    // All of it is known outside.
    assert_eq!(bench.check(1, &[&bench.notes[12]], None).unanchored, None);
}

#[test]
fn an_anchor_signed_by_another_epochs_key_is_told() {
    let bench = bench(None);
    let root = |size: usize| {
        Checkpoint::parse(SignedNote::parse(&bench.notes[size]).expect("a note").text()).expect("one").root
    };
    for (key, size) in [(0, 7), (1, 3), (2, 8), (0, 12)] {
        let note = bench.keys[key].sign(size as u64, root(size));
        let report = bench.check(3, &[&note], None);
        assert_eq!((report.verdict, kinds(&report)), (Verdict::WrongEpoch, vec![FindingKind::WrongEpoch]), "{size}");
        assert!(report.findings[0].detail.contains(&format!("signed by key {}", key + 1)));
        assert_eq!(report.anchors[0].comparison, Comparison::Refused);
    }
    // Both sign where one passes to the other.
    for key in [0, 1] {
        let both = SignedNote::parse(&bench.notes[5]).expect("a note");
        assert_eq!(both.signed_by(bench.keys[key].verifier()), Ok(()));
    }
}

#[test]
fn what_a_stolen_key_could_have_rewritten_is_told() {
    let all_known = bench(Some(4));
    let bench = bench(Some(1));
    let report = bench.check(1, &[&bench.notes[12]], None);
    assert_eq!((report.verdict, report.findings.as_slice()), (Verdict::Intact, &[][..]));
    let [doubtful] = report.doubtful.as_slice() else { panic!("{:?}", report.doubtful) };
    assert_eq!((doubtful.from_seq, doubtful.to_seq), (1, 3));
    assert_eq!(doubtful.since.as_deref(), Some("1970-01-01T00:00:00.001Z"));
    assert_eq!(report.epochs[0].compromised_after, Some(1));
    assert!(report.notes.iter().any(|note| note.contains("entries 1 to 3") && note.contains("stolen key")));

    // The thief shows another history. A witness's word decides.
    let forged = bench.keys[0].sign(3, Hash::ZERO);
    let report = bench.check(1, &[&forged], None);
    assert_eq!((report.verdict, kinds(&report)), (Verdict::Altered, vec![FindingKind::Rewritten]));
    assert!(report.findings[0].detail.contains("whoever has the stolen key 1"), "{:?}", report.findings);
    let witness = Cosigner::new("witness.example", &Zeroizing::new([7; 32])).expect("a cosigner");
    let policy = policy(&[&witness], "w0");
    let cosigned = with_cosignature(&forged, &witness, 1_000);
    let report = bench.check(1, &[&cosigned], Some(&policy));
    assert!(report.findings[0].detail.contains("w0 cosigned it: this log was rewritten"), "{:?}", report.findings);
    // Where everything was known outside, nothing is doubtful.
    assert_eq!(all_known.check(1, &[], None).doubtful, []);
}

fn policy(witnesses: &[&Cosigner], quorum: &str) -> Policy {
    let lines = witnesses.iter().enumerate().map(|(n, witness)| format!("witness w{n} {}\n", witness.key()));
    let mut text: String = lines.collect();
    if quorum.starts_with("group ") {
        text.push_str(&format!("{quorum}\nquorum g\n"));
    } else {
        text.push_str(&format!("quorum {quorum}\n"));
    }
    Policy::parse(&text).expect("a policy")
}

fn with_cosignature(note: &str, witness: &Cosigner, seconds: u64) -> String {
    let note = SignedNote::parse(note).expect("a note");
    let line = witness.cosign(note.text(), seconds);
    note.with_lines(&line).expect("fits")
}

#[test]
fn witnesses_are_counted_as_the_policy_asks() {
    let bench = bench(None);
    let [one, two] =
        [7, 8].map(|seed| Cosigner::new("witness.example", &Zeroizing::new([seed; 32])).expect("a cosigner"));
    let both = policy(&[&one, &two], "group g all w0 w1");
    let by_one = with_cosignature(&bench.notes[3], &one, 5_000);
    let by_both = with_cosignature(&with_cosignature(&bench.notes[7], &one, 6_000), &two, 7_000);
    let report = bench.check(3, &[&by_one, &by_both, &bench.notes[9]], Some(&both));
    assert_eq!((report.verdict, report.findings.as_slice()), (Verdict::Intact, &[][..]));
    let told: Vec<_> = report.anchors.iter().map(|anchor| (anchor.cosigned.len(), anchor.enough)).collect();
    assert_eq!(told, [(1, Some(false)), (2, Some(true)), (0, Some(false))]);
    assert_eq!(report.anchors[1].cosigned[1].witness, "w1");
    assert_eq!(report.anchors[1].cosigned[1].time, "1970-01-01T01:56:40.000Z");
    assert_eq!(report.known_outside_before(7_001_000), 7);
    assert_eq!(report.known_outside_before(7_000_000), 0, "the second witness came to it at that very moment");
    // A cosignature that does not hold makes the whole note worthless.
    let bad =
        by_one.replacen(&bench.notes[3].lines().nth(2).expect("a root").to_owned(), &Hash::ZERO.to_string()[..44], 1);
    let report = bench.check(3, &[&bad], Some(&both));
    assert_eq!(kinds(&report), [FindingKind::AnchorRefused]);
}

#[test]
fn key_files_that_lag_behind_are_told() {
    let mut random = Seeded::new(3);
    let keys = MemoryKeys::default();
    let mut vault = Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default()));
    let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let owner = vault.create_user("usr-owner", b"pass", small, &mut random).expect("makes a user");
    let first = vault.create_log_key(&owner, &mut random).expect("makes a key");
    let store = MemoryStore::default();
    let mut log = Log::create(Box::new(store.clone()), &first, Box::new(NoAnchor)).expect("begins");
    let lock = vault.lock_log_key().expect("locks");
    let next = vault.prepare_log_key(&lock, &owner, &[], &mut random).expect("makes a key");
    log.rotate(1, "usr-owner", &first, &next, None).expect("rotates");
    let check = |vault: &Vault| {
        let epochs = vault.epochs().expect("reads");
        let given = Verification {
            local_anchor: Some(log.checkpoint().expect("reads")),
            vault: Some(vault),
            unlocked: Some(&owner),
            ..Verification::new(&store, &epochs)
        };
        verify(&given, &mut |_, _| {})
    };
    let report = check(&vault);
    assert_eq!((report.verdict, report.findings.as_slice()), (Verdict::Intact, &[][..]));
    assert!(report.notes.iter().any(|note| note.contains("cut off")), "{:?}", report.notes);
    let before = keys.0.lock().expect("unpoisoned").clone();
    vault.settle_log_key(&lock, log.epochs()).expect("settles");
    assert_eq!(check(&vault).findings, []);
    // Older key files, and none of the next key in them.
    *keys.0.lock().expect("unpoisoned") = before;
    vault.settle_log_key(&lock, &log.epochs()[..1]).expect("forgets the next key");
    let report = check(&vault);
    assert_eq!((report.verdict, kinds(&report)), (Verdict::WrongEpoch, vec![FindingKind::WrongEpoch]));
    assert!(report.findings[0].detail.contains("do not know key 2"));
}

/// A store that reads one bit wrong: of which read, and which bit, `at` says.
struct Flipping {
    inner: MemoryStore,
    at: u64,
    /// Bits handed out so far.
    read: Cell<u64>,
    flipped: Cell<bool>,
}

impl Flipping {
    fn flip(&self, bytes: &mut [u8]) {
        let (from, bits) = (self.read.get(), bytes.len() as u64 * 8);
        self.read.set(from + bits);
        if !self.flipped.get()
            && let Some(bit) = self.at.checked_sub(from).filter(|bit| *bit < bits)
        {
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
            self.flipped.set(true);
        }
    }
}

impl Store for Flipping {
    fn create(&mut self, identity: &Identity, checkpoint: &str) -> Result<(), StoreError> {
        self.inner.create(identity, checkpoint)
    }
    fn identity(&self) -> Result<Identity, StoreError> {
        self.inner.identity()
    }
    fn latest(&self) -> Result<StoredCheckpoint, StoreError> {
        let latest = self.inner.latest()?;
        let mut note = latest.note.into_bytes();
        self.flip(&mut note);
        Ok(StoredCheckpoint { note: String::from_utf8_lossy(&note).into_owned(), ..latest })
    }
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        self.inner.commit(commit)
    }
    fn pack(&mut self, packed: &[Packed]) -> Result<(), StoreError> {
        self.inner.pack(packed)
    }
    fn bundles(&self) -> Result<u64, StoreError> {
        self.inner.bundles()
    }
    fn runs(&self, from: u64, visit: &mut dyn FnMut(Run<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.inner.runs(from, &mut |run| {
            let mut bytes = run.bytes.to_vec();
            self.flip(&mut bytes);
            visit(Run { bytes: &bytes, ..run })
        })
    }
    fn find(
        &self,
        keys: &[i64],
        since_ms: Option<i64>,
        after: Option<u64>,
        visit: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.inner.find(keys, since_ms, after, visit)
    }
    fn index(&self, visit: &mut dyn FnMut(i64, u64, &Members)) -> Result<(), StoreError> {
        self.inner.index(&mut |key, bundle, members| {
            let mut members = *members;
            self.flip(&mut members.0);
            visit(key, bundle, &members);
        })
    }
    fn payload(&self, ciphertext: &Hash) -> Result<Option<StoredPayload>, StoreError> {
        Ok(self.inner.payload(ciphertext)?.map(|mut payload| {
            self.flip(&mut payload.wrapped_key);
            payload.body.iter_mut().for_each(|body| self.flip(body));
            payload
        }))
    }
    fn payload_counts(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        self.inner.payload_counts()
    }
    fn stored_tile(&self, level: u8, index: u64) -> Result<Option<Tile>, StoreError> {
        Ok(self.inner.stored_tile(level, index)?.map(|mut tile| {
            tile.hashes.iter_mut().for_each(|hash| self.flip(&mut hash.0));
            self.flip(&mut tile.root.0);
            tile
        }))
    }
    fn stored_roots(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.inner.stored_roots(level, range)
    }
    fn stored_tiles(&self) -> Result<u64, StoreError> {
        self.inner.stored_tiles()
    }
    fn destroy_group(&mut self, group: &str) -> Result<u64, StoreError> {
        self.inner.destroy_group(group)
    }
}

#[test]
fn a_bit_read_wrong_is_never_intact() {
    let (store, key) = (MemoryStore::default(), signer(1));
    let mut log = Log::create(Box::new(store.clone()), &key, Box::new(NoAnchor)).expect("begins");
    let sealed = payload("a-group", &[5; 90]);
    log.append(1, &key, (0..300).map(|n| entry("client.viewed", n)).collect()).expect("appends");
    log.append(2, &key, vec![entry("output.received", 1).payload(sealed)]).expect("appends");
    let anchor = log.checkpoint().expect("reads");
    let epochs = log.epochs().to_vec();
    let check = |at: u64| {
        let store = Flipping { inner: store.clone(), at, read: Cell::new(0), flipped: Cell::new(false) };
        let given = Verification { local_anchor: Some(anchor.clone()), ..Verification::new(&store, &epochs) };
        let report = verify(&given, &mut |_, _| {});
        (report, store.read.get(), store.flipped.get())
    };
    let (report, all, _) = check(u64::MAX);
    assert_eq!((report.verdict, report.size), (Verdict::Intact, 301));
    for n in 0..150 {
        let at = all * n / 150 + n % 8;
        let (report, _, flipped) = check(at);
        assert!(!flipped || report.verdict != Verdict::Intact, "bit {at} of {all}");
    }
}
