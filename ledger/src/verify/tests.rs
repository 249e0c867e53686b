//! Forgeries, made by hand on the stored bytes: nothing here calls the verifier's own code to make them.

use zeroize::Zeroizing;

use super::*;
use crate::conformance::{Seeded, entry, epochs, payload, signer};
use crate::header::Header;
use crate::log::Log;
use crate::memory::{Contents, MemoryBlobs, MemoryEntry, MemoryKeys, MemoryStore};
use crate::note::LogSigner;
use crate::store::NoAnchor;
use crate::tree::{Frontier, leaf_hash};
use crate::vault::{Argon2Params, KeyStore as _};

/// A log of 300 entries: ten commits of one, then one of 290; so it has a full tile.
fn log() -> (MemoryStore, LogSigner, String) {
    let (store, signer) = (MemoryStore::default(), signer(1));
    let mut log = Log::create(Box::new(store.clone()), &signer, Box::new(NoAnchor)).expect("begins");
    for n in 0..10 {
        let sealed = payload(&format!("grp-{n}"), &[n as u8; 300]);
        log.append(1_000 * n as i64, &signer, vec![entry("session.recorded", n).payload(sealed)]).expect("appends");
    }
    log.append(20_000, &signer, (0..290).map(|n| entry("client.viewed", n)).collect()).expect("appends");
    let anchor = log.checkpoint().expect("reads");
    (store, signer, anchor)
}

fn check(store: &MemoryStore, signer: &LogSigner, anchor: Option<&String>) -> Report {
    let epochs = epochs(signer);
    let given = Verification {
        store,
        epochs: &epochs,
        local_anchor: anchor.cloned(),
        anchors: &[],
        vault: None,
        unlocked: None,
    };
    verify(&given, &mut |_, _| {})
}

/// Changes a stored log, and tells what the verifier says of it.
fn forged(change: impl FnOnce(&mut Contents)) -> Report {
    let (store, signer, anchor) = log();
    change(&mut store.contents());
    check(&store, &signer, Some(&anchor))
}

fn named(report: &Report, kind: FindingKind) -> Vec<u64> {
    report.findings.iter().filter(|f| f.kind == kind).filter_map(|f| f.seq).collect()
}

fn edited(bytes: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::parse(bytes).expect("a header");
    change(&mut header);
    header.encode()
}

#[test]
fn an_untouched_log_is_intact_and_says_what_it_cannot_show() {
    let report = forged(|_| {});
    assert_eq!(
        (report.verdict, report.size, report.signed, report.anchored_to),
        (Verdict::Intact, 300, true, Some(300))
    );
    assert_eq!(report.findings, []);
    assert_eq!(report.complete_until.as_deref(), Some("1970-01-01T00:00:20.000Z"));
    let json = serde_json::to_value(&report).expect("JSON");
    for key in ["verdict", "size", "root", "signed", "anchored_to", "findings", "cannot_show"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["verdict"], "intact");
    let (store, signer, _) = log();
    assert_eq!(check(&store, &signer, None).verdict, Verdict::Unanchored);
}

#[test]
fn an_edited_entry_is_named() {
    for seq in [0, 4, 100, 255, 256, 298, 299] {
        let report = forged(|c| {
            let entry = c.entries.get_mut(&seq).expect("is there");
            entry.bytes = edited(&entry.bytes, |header| header.actor = "usr-fedcba9876543210".to_owned());
        });
        assert_eq!(report.verdict, Verdict::Altered, "{seq}");
        if seq == 299 {
            assert_eq!(named(&report, FindingKind::RootMismatch), [299], "only the root can tell of the last");
        } else {
            assert_eq!(named(&report, FindingKind::AlteredEntry), [seq]);
            assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        }
    }
    // Bytes that are no header at all, and two entries at once.
    let report = forged(|c| {
        c.entries.get_mut(&3).expect("is there").bytes[5] ^= 1;
        c.entries.get_mut(&270).expect("is there").bytes.clear();
    });
    let mut seqs = named(&report, FindingKind::AlteredEntry);
    seqs.dedup();
    assert_eq!((report.verdict, seqs), (Verdict::Altered, vec![3, 270]));
}

#[test]
fn an_edit_with_the_chain_made_to_fit_breaks_a_signed_root() {
    let report = forged(|c| {
        let mut prev: Option<Hash> = None;
        for (seq, entry) in c.entries.range_mut(5..) {
            entry.bytes = edited(&entry.bytes, |header| {
                header.prev = prev.unwrap_or(header.prev);
                if *seq == 5 {
                    header.kind = "client.added".to_owned();
                }
            });
            entry.prev = prev.unwrap_or(entry.prev);
            prev = Some(leaf_hash(&entry.bytes));
        }
    });
    assert_eq!((report.verdict, named(&report, FindingKind::RootMismatch)), (Verdict::Altered, vec![5]));
}

#[test]
fn a_dropped_entry_is_named() {
    for seq in [0_u64, 7, 200, 290] {
        let report = forged(|c| drop(c.entries.remove(&seq)));
        assert_eq!((report.verdict, named(&report, FindingKind::MissingEntry)), (Verdict::Altered, vec![seq]));
        // The first ten carried a payload, which no entry speaks of now.
        let expected = if seq < 10 { 2 } else { 1 };
        assert_eq!(report.findings.len(), expected, "{:?}", report.findings);
    }
    let report = forged(|c| c.entries.retain(|seq, _| !(260..270).contains(seq)));
    assert_eq!((report.verdict, named(&report, FindingKind::MissingEntry)), (Verdict::Altered, vec![260]));
}

#[test]
fn a_dropped_tail_is_named() {
    let report = forged(|c| c.entries.retain(|seq, _| *seq < 297));
    assert_eq!((report.verdict, named(&report, FindingKind::Truncated)), (Verdict::Truncated, vec![297]));
}

#[test]
fn an_older_copy_is_told_by_the_anchor_alone() {
    let older = |c: &mut Contents| {
        c.entries.retain(|seq, _| *seq < 6);
        c.index.retain(|(_, seq)| *seq < 6);
        c.checkpoints.retain(|size, _| *size <= 6);
        c.tiles.clear();
        c.payloads.retain(|_, payload| payload.group.as_str() < "grp-6");
    };
    let report = forged(older);
    assert_eq!((report.verdict, named(&report, FindingKind::RolledBack)), (Verdict::RolledBack, vec![6]));
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    let (store, signer, anchor) = log();
    older(&mut store.contents());
    assert_eq!(check(&store, &signer, None).verdict, Verdict::Unanchored, "without an anchor nothing shows");
    let opened = Log::open(Box::new(store), &epochs(&signer), {
        let anchored = crate::memory::MemoryAnchor::default();
        *anchored.0.lock().expect("unpoisoned") = Some(anchor);
        Box::new(anchored)
    });
    assert!(matches!(opened, Err(crate::log::OpenError::RolledBack { size: 6, anchor: 300 })));
}

#[test]
fn an_inserted_entry_is_named() {
    // A copy of entry 5 as a new entry 6, everything after moved up by one.
    let report = forged(|c| {
        let entries: Vec<(u64, MemoryEntry)> = c.entries.clone().into_iter().collect();
        for (seq, entry) in entries.into_iter().filter(|(seq, _)| *seq >= 5) {
            c.entries.insert(seq + 1, entry);
        }
    });
    assert_eq!(report.verdict, Verdict::Altered);
    assert_eq!(named(&report, FindingKind::OutOfOrder).first(), Some(&6));
}

#[test]
fn reordered_entries_are_named() {
    let report = forged(|c| {
        let (a, b) = (c.entries[&20].clone(), c.entries[&21].clone());
        c.entries.insert(20, b);
        c.entries.insert(21, a);
    });
    assert_eq!((report.verdict, named(&report, FindingKind::OutOfOrder)), (Verdict::Altered, vec![20, 21]));
}

#[test]
fn an_appended_entry_without_a_checkpoint_is_unsigned() {
    let report = forged(|c| {
        let last = c.entries[&299].clone();
        let prev = leaf_hash(&last.bytes);
        let bytes = edited(&last.bytes, |header| (header.seq, header.prev) = (300, prev));
        let keys: Vec<i64> = c.index.iter().filter(|(_, seq)| *seq == 299).map(|(key, _)| *key).collect();
        c.index.extend(keys.into_iter().map(|key| (key, 300)));
        c.entries.insert(300, MemoryEntry { prev, time: last.time, bytes });
    });
    assert_eq!((report.verdict, named(&report, FindingKind::UnsignedEntries)), (Verdict::Unsigned, vec![300]));
    assert!(!report.signed);
}

#[test]
fn a_log_signed_again_with_another_key_is_unsigned() {
    let (store, signer, anchor) = log();
    let forger = LogSigner::new(signer.origin(), &Zeroizing::new([9; 32])).expect("a signer");
    {
        let mut c = store.contents();
        let mut tree = Frontier::default();
        let mut notes = BTreeMap::from([(0, forger.sign(0, tree.root()))]);
        for (seq, entry) in &c.entries {
            tree.push(leaf_hash(&entry.bytes));
            if c.checkpoints.contains_key(&(seq + 1)) {
                notes.insert(seq + 1, forger.sign(seq + 1, tree.root()));
            }
        }
        c.checkpoints = notes;
    }
    let report = check(&store, &signer, Some(&anchor));
    assert_eq!((report.verdict, report.signed), (Verdict::Unsigned, false));
    assert_eq!(named(&report, FindingKind::BadSignature).len(), 11, "the one of size 0 names no entry");
}

#[test]
fn a_rewrite_by_the_keys_holder_is_told_by_the_anchor() {
    let (store, signer, _) = log();
    let (_, _, anchor) = {
        // Another history under the same key: the anchor was handed out from this one.
        let other = MemoryStore::default();
        let mut log = Log::create(Box::new(other.clone()), &signer, Box::new(NoAnchor)).expect("begins");
        log.append(5, &signer, vec![entry("consent.revoked", 1)]).expect("appends");
        (other, (), log.checkpoint().expect("reads"))
    };
    let report = check(&store, &signer, Some(&anchor));
    assert_eq!((report.verdict, named(&report, FindingKind::Rewritten)), (Verdict::Altered, vec![0]));
}

#[test]
fn changed_checkpoints_tiles_columns_and_index_are_found() {
    let kind = |change: fn(&mut Contents)| {
        let report = forged(change);
        (report.verdict, report.findings.first().map(|f| (f.kind, f.seq)))
    };
    assert_eq!(
        kind(|c| {
            let other = c.checkpoints[&4].clone();
            c.checkpoints.insert(5, other);
        }),
        (Verdict::Altered, Some((FindingKind::AlteredCheckpoint, Some(4))))
    );
    // The root of one checkpoint under the signature of another.
    assert_eq!(
        kind(|c| {
            let root = c.checkpoints[&4].lines().nth(2).expect("a root").to_owned();
            let own = c.checkpoints[&5].lines().nth(2).expect("a root").to_owned();
            let note = c.checkpoints[&5].replacen(&own, &root, 1);
            c.checkpoints.insert(5, note);
        }),
        (Verdict::Altered, Some((FindingKind::AlteredCheckpoint, Some(4))))
    );
    assert_eq!(
        kind(|c| {
            let note = c.checkpoints[&5].clone();
            // A character within the signature's base64.
            let at = note.len() - 30;
            let flipped = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
            c.checkpoints.insert(5, format!("{}{flipped}{}", &note[..at], &note[at + 1..]));
        }),
        (Verdict::Unsigned, Some((FindingKind::BadSignature, Some(4))))
    );
    assert_eq!(kind(|c| c.tiles.clear()), (Verdict::Altered, Some((FindingKind::AlteredTile, Some(255)))));
    assert_eq!(
        kind(|c| c.tiles.get_mut(&(0, 0)).expect("is there").hashes[9] = Hash::ZERO),
        (Verdict::Altered, Some((FindingKind::AlteredTile, Some(255))))
    );
    assert_eq!(
        kind(|c| c.tiles.get_mut(&(0, 0)).expect("is there").root = Hash::ZERO),
        (Verdict::Altered, Some((FindingKind::AlteredTile, Some(255))))
    );
    assert_eq!(
        kind(|c| c.entries.get_mut(&9).expect("is there").time = 1),
        (Verdict::Altered, Some((FindingKind::AlteredIndex, Some(9))))
    );
    assert_eq!(
        kind(|c| {
            let first = *c.index.first().expect("has rows");
            c.index.remove(&first);
        }),
        (Verdict::Altered, Some((FindingKind::AlteredIndex, None)))
    );
    assert_eq!(
        kind(|c| c.identity.as_mut().expect("is there").origin = "provenote.local/other".to_owned()),
        (Verdict::Altered, Some((FindingKind::AlteredIdentity, None)))
    );
    assert_eq!(kind(|c| c.checkpoints.clear()).0, Verdict::Altered);
}

#[test]
fn swapped_changed_missing_and_unlogged_payloads_are_found() {
    let hash = |n: u8| Hash::of(&[n; 300]);
    let report = forged(|c| {
        let (a, b) = (c.payloads[&hash(2)].body.clone(), c.payloads[&hash(3)].body.clone());
        c.payloads.get_mut(&hash(2)).expect("is there").body = b;
        c.payloads.get_mut(&hash(3)).expect("is there").body = a;
    });
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredPayload)), (Verdict::Altered, vec![2, 3]));
    let report = forged(|c| c.payloads.get_mut(&hash(2)).expect("is there").wrapped_key[0] ^= 1);
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredPayload)), (Verdict::Altered, vec![2]));
    let report = forged(|c| c.payloads.get_mut(&hash(2)).expect("is there").group = "grp-3".to_owned());
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredPayload)), (Verdict::Altered, vec![2]));
    let report = forged(|c| drop(c.payloads.remove(&hash(2))));
    assert_eq!((report.verdict, named(&report, FindingKind::MissingPayload)), (Verdict::Incomplete, vec![2]));
    let report = forged(|c| {
        let mut stray = c.payloads[&hash(2)].clone();
        stray.group = "grp-stray".to_owned();
        c.payloads.insert(Hash::ZERO, stray);
    });
    assert_eq!(report.findings.first().map(|f| f.kind), Some(FindingKind::UnloggedPayload));
}

#[test]
fn a_clock_set_back_without_a_word_is_found() {
    // Only somebody with the key can make such a log; the writer refuses.
    let (store, signer) = (MemoryStore::default(), signer(1));
    let mut log = Log::create(Box::new(store.clone()), &signer, Box::new(NoAnchor)).expect("begins");
    log.append(9_000, &signer, vec![entry("client.added", 1)]).expect("appends");
    let mut c = store.contents();
    let first = c.entries[&0].clone();
    let prev = leaf_hash(&first.bytes);
    let bytes = edited(&first.bytes, |h| (h.seq, h.prev, h.time) = (1, prev, 10));
    let mut tree = Frontier::default();
    tree.push(prev);
    tree.push(leaf_hash(&bytes));
    c.checkpoints.insert(2, signer.sign(2, tree.root()));
    let keys: Vec<i64> = c.index.iter().map(|(key, _)| *key).collect();
    c.index.extend(keys.into_iter().map(|key| (key, 1)));
    c.entries.insert(1, MemoryEntry { prev, time: 10, bytes });
    drop(c);
    let report = check(&store, &signer, None);
    assert_eq!((report.verdict, named(&report, FindingKind::TimeWentBack)), (Verdict::Altered, vec![1]));
}

#[test]
fn anchors_of_other_logs_are_refused_and_torn_ones_noted() {
    let (store, signer, _) = log();
    let stranger = LogSigner::new("provenote.local/stranger", &Zeroizing::new([3; 32])).expect("a signer");
    let epochs = epochs(&signer);
    let anchors = [stranger.sign(5, Hash::ZERO), "nonsense".to_owned()];
    let given = Verification {
        store: &store,
        epochs: &epochs,
        local_anchor: Some("torn".to_owned()),
        anchors: &anchors,
        vault: None,
        unlocked: None,
    };
    let report = verify(&given, &mut |_, _| {});
    assert_eq!(report.findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::AnchorRefused; 2]);
    assert_eq!((report.verdict, report.anchored_to), (Verdict::Unanchored, None));
    assert!(report.notes.iter().any(|note| note.contains("beside the keys")));
}

#[test]
fn with_keys_every_payload_is_opened_and_every_destruction_judged() {
    let mut random = Seeded::new(7);
    let (keys, blobs) = (MemoryKeys::default(), MemoryBlobs::default());
    let mut vault = Vault::new(Box::new(keys.clone()), Box::new(blobs.clone()));
    let small = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let owner = vault.create_user("usr-owner", b"pass", small, &mut random).expect("makes a user");
    let signer = vault.create_log_key(&owner, &mut random).expect("makes a key");
    vault.create_class_key("clinical", "cli-1", &[owner.public()], &mut random).expect("makes a class");
    let store = MemoryStore::default();
    let mut log = Log::create(Box::new(store.clone()), &signer, Box::new(NoAnchor)).expect("begins");
    let mut sealed = Vec::new();
    for n in 0..3 {
        let group = format!("grp-{n}");
        vault.create_group(&owner, &group, "clinical", "cli-1", &mut random).expect("makes a group");
        let text = vault.seal(&owner, &group, "output", "text/plain", b"word", &mut random).expect("seals");
        let audio = vault.seal(&owner, &group, "audio", "audio/L16", &vec![n; 2 << 20], &mut random).expect("seals");
        log.append(1, &signer, vec![entry("session.recorded", 1).payload(text.clone()).payload(audio.clone())])
            .expect("appends");
        sealed.push((text, audio));
    }
    let epochs = vault.epochs().expect("reads");
    let anchor = log.checkpoint().expect("reads");
    let check = |vault: &Vault, by: Option<&Unlocked>| {
        let given = Verification {
            store: &store,
            epochs: &epochs,
            local_anchor: Some(anchor.clone()),
            anchors: &[],
            vault: Some(vault),
            unlocked: by,
        };
        verify(&given, &mut |_, _| {})
    };
    let report = check(&vault, Some(&owner));
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));

    // A blob changed; found without any key.
    let hash = sealed[0].1.reference.ciphertext;
    let good = blobs.0.lock().expect("unpoisoned")[&hash].clone();
    blobs.0.lock().expect("unpoisoned").get_mut(&hash).expect("is there")[77_777] ^= 1;
    let report = check(&vault, None);
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredPayload)), (Verdict::Altered, vec![0]));
    blobs.0.lock().expect("unpoisoned").insert(hash, good);

    // A key file changed.
    let name = "groups/grp-1.json";
    let good = keys.read(name).expect("reads").expect("is there");
    let mut bad = good.clone();
    bad[120] ^= 1;
    keys.0.lock().expect("unpoisoned").insert(name.to_owned(), bad);
    let report = check(&vault, None);
    assert_eq!((report.verdict, report.findings[0].kind), (Verdict::Altered, FindingKind::AlteredKey));
    keys.0.lock().expect("unpoisoned").insert(name.to_owned(), good);

    // Destroyed without a word, then with one.
    vault.destroy_group("grp-2", &[sealed[2].1.reference.ciphertext]).expect("destroys");
    let report = check(&vault, Some(&owner));
    assert_eq!((report.verdict, named(&report, FindingKind::DestroyedWithoutEntry)), (Verdict::Incomplete, vec![2]));
    assert_eq!(named(&report, FindingKind::MissingPayload), [2], "and its blob is gone");
    log.append(2, &signer, vec![entry("record.destroyed", 1).refer("group", "grp-2")]).expect("appends");
    let report = check(&vault, Some(&owner));
    assert_eq!(report.findings, []);
    assert!(report.notes.iter().any(|note| note.contains("not destroyed in full")), "the ciphertext is still there");
    log.delete_ciphertext("grp-2").expect("destroys");
    let report = check(&vault, Some(&owner));
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
    assert!(report.notes.iter().any(|note| note.contains("lawfully destroyed")), "{:?}", report.notes);
}
