//! Forgeries, made by hand on the stored bytes: nothing here calls the verifier's own code to make them.

use zeroize::Zeroizing;

use super::*;
use crate::conformance::{Seeded, entry, epochs, payload, signer};
use crate::header::Header;
use crate::log::Log;
use crate::memory::{Contents, MemoryBlobs, MemoryKeys, MemoryStore};
use crate::note::LogSigner;
use crate::packing::{Entries, Members, push_entry};
use crate::store::{NoAnchor, StoredCheckpoint};
use crate::tree::{Frontier, leaf_hash};
use crate::vault::{Argon2Params, KeyStore as _};

/// A log of 300 entries: ten commits of one, then one of 290; so it has a bundle, and 44 entries in its tail.
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

fn given(label: &str, note: String) -> GivenAnchor {
    GivenAnchor { label: label.to_owned(), note }
}

fn check(store: &MemoryStore, signer: &LogSigner, anchor: Option<&String>) -> Report {
    let epochs = epochs(signer);
    let given = Verification { local_anchor: anchor.cloned(), ..Verification::new(store, &epochs) };
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
            c.alter(seq, |bytes| *bytes = edited(bytes, |h| h.actor = "usr-fedcba9876543210".to_owned()));
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
        c.alter(3, |bytes| bytes[5] ^= 1);
        c.alter(270, Vec::clear);
    });
    let mut seqs = named(&report, FindingKind::AlteredEntry);
    seqs.dedup();
    assert_eq!((report.verdict, seqs), (Verdict::Altered, vec![3, 270]));
}

#[test]
fn an_edit_with_the_chain_made_to_fit_breaks_a_signed_root() {
    let report = forged(|c| {
        let mut prev: Option<Hash> = None;
        let mut entries = c.entries();
        for (seq, bytes) in &mut entries[5..] {
            *bytes = edited(bytes, |header| {
                header.prev = prev.unwrap_or(header.prev);
                if *seq == 5 {
                    header.kind = "client.added".to_owned();
                }
            });
            prev = Some(leaf_hash(bytes));
        }
        c.lay(entries);
    });
    assert_eq!((report.verdict, named(&report, FindingKind::RootMismatch)), (Verdict::Altered, vec![299]));
    assert_eq!(named(&report, FindingKind::AlteredTile), [5], "the tile remembers");
}

/// Changes of the entries as a list.
fn relaid(change: impl FnOnce(&mut Vec<(u64, Vec<u8>)>)) -> Report {
    forged(|c| {
        let mut entries = c.entries();
        change(&mut entries);
        c.lay(entries);
    })
}

#[test]
fn a_dropped_entry_is_named() {
    for seq in [0_u64, 7, 200, 290] {
        let report = relaid(|entries| drop(entries.remove(seq as usize)));
        assert_eq!((report.verdict, named(&report, FindingKind::MissingEntry)), (Verdict::Altered, vec![seq]));
        // The first ten carried a payload, which no entry speaks of now.
        let expected = if seq < 10 { 2 } else { 1 };
        assert_eq!(report.findings.len(), expected, "{:?}", report.findings);
    }
    let report = relaid(|entries| drop(entries.drain(260..270)));
    assert_eq!((report.verdict, named(&report, FindingKind::MissingEntry)), (Verdict::Altered, vec![260]));
}

#[test]
fn a_dropped_tail_is_named() {
    let report = relaid(|entries| entries.truncate(297));
    assert_eq!((report.verdict, named(&report, FindingKind::Truncated)), (Verdict::Truncated, vec![297]));
}

#[test]
fn an_older_copy_is_told_by_the_anchor_alone() {
    let (copy, first) = (MemoryStore::default(), signer(1));
    let mut old = Log::create(Box::new(copy.clone()), &first, Box::new(NoAnchor)).expect("begins");
    for n in 0..6 {
        let sealed = payload(&format!("grp-{n}"), &[n as u8; 300]);
        old.append(1_000 * n as i64, &first, vec![entry("session.recorded", n).payload(sealed)]).expect("appends");
    }
    let older = |c: &mut Contents| *c = copy.contents().clone();
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
    // A copy of entry 5 as a new entry 6, everything after moved up by one: in the bundle, and in the tail.
    for seq in [5, 270] {
        let report = forged(|c| {
            let copied = c.entries()[seq as usize].1.clone();
            let run = if seq < 256 {
                &mut c.bundles.get_mut(&0).expect("is there").entries
            } else {
                c.tail.get_mut(&256).expect("is there")
            };
            let mut entries: Vec<Vec<u8>> = Entries::of(run).map(<[u8]>::to_vec).collect();
            entries.insert((seq % 256) as usize + 1, copied);
            run.clear();
            entries.iter().for_each(|entry| push_entry(run, entry));
        });
        assert_eq!((report.verdict, named(&report, FindingKind::OutOfOrder)), (Verdict::Altered, vec![seq + 1]));
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    }
}

#[test]
fn an_entry_that_lies_twice_is_named() {
    // Still in the tail, and in its bundle already.
    let report = forged(|c| {
        let mut run = Vec::new();
        push_entry(&mut run, &c.entries()[255].1);
        c.tail.insert(255, run);
    });
    assert_eq!((report.verdict, named(&report, FindingKind::OutOfOrder)), (Verdict::Altered, vec![255]));
    let report = forged(|c| {
        let bundle = c.bundles[&0].clone();
        c.bundles.insert(1, bundle);
    });
    assert_eq!(report.verdict, Verdict::Altered);
    assert_eq!(named(&report, FindingKind::OutOfOrder).first(), Some(&256));
}

#[test]
fn a_bundle_that_is_missing_or_cut_is_named() {
    let report = forged(|c| c.bundles.clear());
    assert_eq!((report.verdict, named(&report, FindingKind::MissingEntry)), (Verdict::Altered, vec![0]));
    // Lengths and bytes that fit no more: what is lost is told once, and what comes after is read.
    for at in [0, 1, 40_000] {
        let report = forged(|c| c.bundles.get_mut(&0).expect("is there").entries[at] ^= 0x11);
        assert_eq!(report.verdict, Verdict::Altered, "{at}");
        // Of the first ten entries' payloads nobody speaks any more when those cannot be read.
        let told = report.findings.iter().filter(|f| f.kind != FindingKind::UnloggedPayload).count();
        assert!((1..4).contains(&told), "{at}: {:?}", report.findings);
    }
    let report = forged(|c| c.bundles.get_mut(&0).expect("is there").entries.truncate(50_000));
    assert_eq!(report.verdict, Verdict::Altered);
    assert_eq!(named(&report, FindingKind::AlteredEntry).len(), 1, "{:?}", report.findings);
    let report = forged(|c| c.bundles.get_mut(&0).expect("is there").entries.push(0));
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredEntry)), (Verdict::Altered, vec![256]));
    let report = forged(|c| c.tail.get_mut(&256).expect("is there").push(0));
    assert_eq!((report.verdict, named(&report, FindingKind::AlteredEntry)), (Verdict::Altered, vec![300]));
    // A bundle far beyond, which costs no walk there.
    let report = forged(|c| {
        let bundle = c.bundles[&0].clone();
        c.bundles.insert(1 << 40, bundle);
    });
    assert_eq!(report.verdict, Verdict::Altered);
}

#[test]
fn entries_back_in_the_tail_are_as_good() {
    // As a crash leaves them between an append and the packing after it.
    let report = forged(|c| {
        let entries = c.entries();
        c.bundles.clear();
        c.tiles.clear();
        c.index.clear();
        c.lay(entries);
    });
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
}

#[test]
fn one_of_two_that_disagree_is_named_right() {
    // In the tail there is no tile to tell: the middle one altered, which then agrees with neither side.
    for (seq, change) in [
        (270_u64, (|h: &mut Header| h.prev = Hash::ZERO) as fn(&mut Header)),
        (298, |h| h.prev = Hash::ZERO),
        (270, |h| h.actor = "usr-other".to_owned()),
        (298, |h| h.actor = "usr-other".to_owned()),
    ] {
        let report = forged(|c| c.alter(seq, |bytes| *bytes = edited(bytes, change)));
        assert_eq!(named(&report, FindingKind::AlteredEntry), [seq], "{:?}", report.findings);
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    }
    let report = forged(|c| c.alter(299, |bytes| *bytes = edited(bytes, |h| h.prev = Hash::ZERO)));
    assert_eq!(named(&report, FindingKind::AlteredEntry), [299]);
}

#[test]
fn an_inserted_entry_at_the_end_is_unsigned() {
    let report = forged(|c| {
        let last = c.entries()[299].1.clone();
        push_entry(c.tail.get_mut(&256).expect("is there"), &last);
    });
    assert_eq!(report.verdict, Verdict::Altered);
    assert_eq!(named(&report, FindingKind::OutOfOrder).first(), Some(&300));
}

#[test]
fn reordered_entries_are_named() {
    let report = forged(|c| {
        let mut entries = c.entries();
        let (twenty, next) = entries.split_at_mut(21);
        std::mem::swap(&mut twenty[20].1, &mut next[0].1);
        c.lay(entries);
    });
    assert_eq!((report.verdict, named(&report, FindingKind::OutOfOrder)), (Verdict::Altered, vec![20, 21]));
}

#[test]
fn an_appended_entry_without_a_checkpoint_is_unsigned() {
    let report = forged(|c| {
        let last = c.entries()[299].1.clone();
        let prev = leaf_hash(&last);
        push_entry(c.tail.get_mut(&256).expect("is there"), &edited(&last, |h| (h.seq, h.prev) = (300, prev)));
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
        c.entries().iter().for_each(|(_, bytes)| tree.push(leaf_hash(bytes)));
        c.head = Some(StoredCheckpoint { size: 300, note: forger.sign(300, tree.root()) });
    }
    let report = check(&store, &signer, Some(&anchor));
    assert_eq!((report.verdict, report.signed), (Verdict::Unsigned, false));
    assert_eq!(named(&report, FindingKind::BadSignature), [299]);
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
    fn head(c: &mut Contents) -> &mut StoredCheckpoint {
        c.head.as_mut().expect("is there")
    }
    assert_eq!(kind(|c| head(c).size = 299), (Verdict::Altered, Some((FindingKind::AlteredCheckpoint, Some(298)))));
    assert_eq!(
        kind(|c| head(c).note.truncate(40)),
        (Verdict::Altered, Some((FindingKind::AlteredCheckpoint, Some(299))))
    );
    // Another root under the signature.
    assert_eq!(
        kind(|c| {
            let root = head(c).note.lines().nth(2).expect("a root").to_owned();
            let other = root.replacen(&root[..1], if root.starts_with('A') { "B" } else { "A" }, 1);
            head(c).note = head(c).note.replacen(&root, &other, 1);
        }),
        (Verdict::Unsigned, Some((FindingKind::BadSignature, Some(299))))
    );
    assert_eq!(
        kind(|c| {
            // A character within the signature's base64.
            let note = head(c).note.clone();
            let at = note.len() - 30;
            let flipped = if note.as_bytes()[at] == b'A' { "B" } else { "A" };
            head(c).note = format!("{}{flipped}{}", &note[..at], &note[at + 1..]);
        }),
        (Verdict::Unsigned, Some((FindingKind::BadSignature, Some(299))))
    );
    assert_eq!(kind(|c| c.tiles.clear()), (Verdict::Altered, Some((FindingKind::AlteredTile, Some(255)))));
    assert_eq!(
        kind(|c| c.tiles.get_mut(&(0, 0)).expect("is there").hashes[9] = Hash::ZERO),
        (Verdict::Altered, Some((FindingKind::AlteredTile, Some(9))))
    );
    assert_eq!(
        kind(|c| c.tiles.get_mut(&(0, 0)).expect("is there").root = Hash::ZERO),
        (Verdict::Altered, Some((FindingKind::AlteredTile, Some(255))))
    );
    assert_eq!(
        kind(|c| {
            let tile = c.tiles[&(0, 0)].clone();
            c.tiles.insert((0, 1), tile);
        }),
        (Verdict::Altered, Some((FindingKind::AlteredTile, None)))
    );
    assert_eq!(
        kind(|c| c.bundles.get_mut(&0).expect("is there").newest += 1),
        (Verdict::Altered, Some((FindingKind::AlteredIndex, Some(0))))
    );
    let index = (Verdict::Altered, Some((FindingKind::AlteredIndex, None)));
    assert_eq!(kind(|c| assert!(c.index.pop_first().is_some())), index);
    assert_eq!(kind(|c| assert_eq!(c.index.insert((1, 0), Members::ALL), None)), index);
    assert_eq!(kind(|c| assert_eq!(c.index.insert((1, 7), Members::ALL), None)), index);
    assert_eq!(kind(|c| c.index.first_entry().expect("has rows").get_mut().0[31] ^= 0x80), index);
    assert_eq!(
        kind(|c| c.identity.as_mut().expect("is there").origin = "provenote.local/other".to_owned()),
        (Verdict::Altered, Some((FindingKind::AlteredIdentity, None)))
    );
    assert_eq!(kind(|c| c.head = None).0, Verdict::Altered);
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
    let first = c.entries()[0].1.clone();
    let prev = leaf_hash(&first);
    let bytes = edited(&first, |h| (h.seq, h.prev, h.time) = (1, prev, 10));
    let mut tree = Frontier::default();
    tree.push(prev);
    tree.push(leaf_hash(&bytes));
    c.head = Some(StoredCheckpoint { size: 2, note: signer.sign(2, tree.root()) });
    push_entry(c.tail.get_mut(&0).expect("is there"), &bytes);
    drop(c);
    let report = check(&store, &signer, None);
    assert_eq!((report.verdict, named(&report, FindingKind::TimeWentBack)), (Verdict::Altered, vec![1]));
}

#[test]
fn anchors_of_other_logs_are_refused_and_torn_ones_noted() {
    let (store, signer, _) = log();
    let stranger = LogSigner::new("provenote.local/stranger", &Zeroizing::new([3; 32])).expect("a signer");
    let epochs = epochs(&signer);
    let anchors = [given("a form", stranger.sign(5, Hash::ZERO)), given("a text", "nonsense".to_owned())];
    let given =
        Verification { local_anchor: Some("torn".to_owned()), anchors: &anchors, ..Verification::new(&store, &epochs) };
    let report = verify(&given, &mut |_, _| {});
    assert_eq!(report.findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::AnchorRefused; 2]);
    assert_eq!((report.verdict, report.anchored_to), (Verdict::Unanchored, None));
    assert!(report.notes.iter().any(|note| note.contains("beside the keys")));
    assert!(report.findings[0].detail.starts_with("a form ") && report.findings[1].detail.starts_with("a text "));
    // Another log's checkpoint beside the keys is not torn: somebody put it there.
    let given = Verification { local_anchor: Some(stranger.sign(5, Hash::ZERO)), ..Verification::new(&store, &epochs) };
    let report = verify(&given, &mut |_, _| {});
    assert_eq!(report.findings.iter().map(|f| f.kind).collect::<Vec<_>>(), [FindingKind::AnchorRefused]);
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
            local_anchor: Some(anchor.clone()),
            vault: Some(vault),
            unlocked: by,
            ..Verification::new(&store, &epochs)
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
    assert_eq!((report.verdict, named(&report, FindingKind::FakeDestruction)), (Verdict::Incomplete, vec![3]));
    assert!(report.findings[0].detail.contains("a ciphertext is still there"), "{:?}", report.findings);
    assert_eq!(report.destroyed[0].carried_out, Some(false));
    log.delete_ciphertext("grp-2").expect("destroys");
    let report = check(&vault, Some(&owner));
    assert_eq!((report.verdict, report.findings), (Verdict::Intact, Vec::new()));
    let [destroyed] = report.destroyed.as_slice() else { panic!("{:?}", report.destroyed) };
    assert_eq!((destroyed.seq, destroyed.group.as_str(), destroyed.carried_out), (3, "grp-2", Some(true)));
    assert_eq!(destroyed.actor, "usr-0123456789abcdef");
    assert_eq!(destroyed.receipt, leaf_hash(&log.entry_bytes(3).expect("reads")));
    let payloads: Vec<_> = destroyed.payloads.iter().map(|payload| (payload.seq, payload.name.as_str())).collect();
    assert_eq!(payloads, [(2, "output"), (2, "audio")]);

    // A copy of the large ciphertext that stayed.
    let audio = sealed[2].1.reference.ciphertext;
    blobs.0.lock().expect("unpoisoned").insert(audio, vec![1]);
    assert_eq!(named(&check(&vault, Some(&owner)), FindingKind::FakeDestruction), [3]);
    blobs.0.lock().expect("unpoisoned").remove(&audio);

    // The key of a whole class: everything under it cannot be opened any more.
    let class = keys.read("classes/clinical.cli-1.json").expect("reads").expect("is there");
    keys.0.lock().expect("unpoisoned").remove("classes/clinical.cli-1.json");
    let report = check(&vault, Some(&owner));
    assert_eq!((report.verdict, named(&report, FindingKind::DestroyedWithoutEntry)), (Verdict::Incomplete, vec![0]));
    keys.0.lock().expect("unpoisoned").insert("classes/clinical.cli-1.json".to_owned(), class);

    // A group that an entry announces, under which nothing was sealed yet.
    vault.create_group(&owner, "grp-announced", "clinical", "cli-1", &mut random).expect("makes a group");
    log.append(3, &signer, vec![entry("session.recorded", 1).refer("working", "grp-announced")]).expect("appends");
    assert_eq!(check(&vault, Some(&owner)).findings, []);
    vault.destroy_group("grp-announced", &[]).expect("destroys");
    assert_eq!(named(&check(&vault, Some(&owner)), FindingKind::DestroyedWithoutEntry), [4]);
}
