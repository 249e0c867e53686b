use std::io::{Read as _, Write as _};

use proptest::prelude::*;

use super::*;
use crate::conformance::Seeded;
use crate::memory::{MemoryBlobs, MemoryKeys};

mod generations;

const SMALL: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
const CLIENT: &str = "cli-0123456789abcdef";
const GROUP: &str = "grp-0123456789abcdef";

struct Bench {
    vault: Vault,
    keys: MemoryKeys,
    blobs: MemoryBlobs,
    owner: Unlocked,
    random: Seeded,
}

fn bench() -> Bench {
    let (keys, blobs, mut random) = (MemoryKeys::default(), MemoryBlobs::default(), Seeded::new(1));
    let mut vault = Vault::new(Box::new(keys.clone()), Box::new(blobs.clone()));
    let owner = vault.create_user("usr-owner", b"correct horse", SMALL, &mut random).expect("makes a user");
    vault.create_class_key("clinical", CLIENT, &[owner.public()], &mut random).expect("makes a class");
    vault.create_group(&owner, GROUP, "clinical", CLIENT, &mut random).expect("makes a group");
    Bench { vault, keys, blobs, owner, random }
}

#[test]
fn a_passphrase_opens_and_nothing_else_does() {
    let mut b = bench();
    let opened = b.vault.unlock("usr-owner", b"correct horse").expect("opens");
    assert_eq!(opened.public(), b.owner.public());
    assert!(matches!(b.vault.unlock("usr-owner", b"correct horsf"), Err(VaultError::WrongPassphrase)));
    assert!(
        matches!(b.vault.unlock("usr-nobody", b"correct horse"), Err(VaultError::WrongPassphrase)),
        "the same answer"
    );
    assert!(matches!(b.vault.unlock("../log", b"x"), Err(VaultError::BadName(_))));
    assert!(matches!(b.vault.create_user("usr-owner", b"x", SMALL, &mut b.random), Err(VaultError::Exists(_))));
    b.vault.change_passphrase(&b.owner, b"battery staple", SMALL, &mut b.random).expect("changes");
    assert!(matches!(b.vault.unlock("usr-owner", b"correct horse"), Err(VaultError::WrongPassphrase)));
    assert_eq!(b.vault.unlock("usr-owner", b"battery staple").expect("opens").public(), b.owner.public());
}

#[test]
fn a_signature_is_the_users() {
    let b = bench();
    let signature = b.owner.sign(b"note");
    let key = b.owner.public().sign_key;
    assert!(verify_signature(&key, b"note", &signature));
    assert!(!verify_signature(&key, b"Note", &signature));
    // The neutral point as key and signature satisfies the lax equation for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut weak = [0; 64];
    weak[0] = 1;
    assert!(!verify_signature(&neutral, b"note", &weak));
    let copy = Unlocked::from_bytes(&b.owner.to_bytes()).expect("reads");
    assert_eq!((copy.user(), copy.public()), ("usr-owner", b.owner.public()));
    assert!(Unlocked::from_bytes(b"short").is_none());
}

#[test]
fn a_recovery_code_opens_the_same_keys() {
    let mut b = bench();
    assert!(matches!(b.vault.unlock_with_recovery("usr-owner", "0000"), Err(VaultError::MistypedRecoveryCode)));
    let code = b.vault.create_recovery(&b.owner, &mut b.random).expect("makes one");
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 9]);
    let opened = b.vault.unlock_with_recovery("usr-owner", &code).expect("opens");
    assert_eq!(opened.public(), b.owner.public());
    let typed = code.to_uppercase().replace('-', " ").replace('0', "O").replace('1', "l");
    assert!(b.vault.unlock_with_recovery("usr-owner", &typed).is_ok());
    let other = if code.starts_with('2') { code.replacen('2', "3", 1) } else { code.replacen(&code[..1], "2", 1) };
    assert!(matches!(b.vault.unlock_with_recovery("usr-owner", &other), Err(VaultError::MistypedRecoveryCode)));
    b.vault.change_passphrase(&b.owner, b"new", SMALL, &mut b.random).expect("changes");
    assert!(b.vault.unlock_with_recovery("usr-owner", &code).is_ok(), "outlives the passphrase");
    let second = b.vault.create_recovery(&b.owner, &mut b.random).expect("makes one");
    assert!(matches!(b.vault.unlock_with_recovery("usr-owner", &code), Err(VaultError::WrongPassphrase)), "replaced");
    assert!(b.vault.unlock_with_recovery("usr-owner", &second).is_ok());
}

#[test]
fn absurd_argon2_parameters_are_refused() {
    let mut b = bench();
    for (memory_kib, passes, lanes) in [(u32::MAX, 1, 1), (7, 1, 1), (64, 0, 1), (64, 1_000, 1), (64, 1, 0), (8, 1, 16)]
    {
        let params = Argon2Params { memory_kib, passes, lanes };
        assert!(matches!(b.vault.create_user("usr-new", b"x", params, &mut b.random), Err(VaultError::Parameters)));
    }
    // The same in a file: rewritten with a right checksum, so that only the bound can stop it.
    let name = "users/usr-owner.json";
    let stored = b.keys.read(name).expect("reads").expect("is there");
    let text = String::from_utf8(stored).expect("text").replace("\"memory_kib\": 8", "\"memory_kib\": 4000000000");
    let mut envelope: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    envelope["check"] = Hash::of(envelope["file"].to_string().as_bytes()).to_string().into();
    let forged = serde_json::to_string_pretty(&envelope).expect("JSON") + "\n";
    b.keys.write(name, forged.as_bytes()).expect("writes");
    let refused = b.vault.unlock("usr-owner", b"correct horse");
    assert!(matches!(refused, Err(VaultError::Damaged { what: "its Argon2 parameters", .. })));
}

#[test]
fn the_logs_key_opens_for_the_entitled() {
    let mut b = bench();
    let signer = b.vault.create_log_key(&b.owner, &mut b.random).expect("makes it");
    assert!(matches!(b.vault.create_log_key(&b.owner, &mut b.random), Err(VaultError::Exists(_))));
    assert_eq!(b.vault.vkey().expect("reads"), signer.verifier().to_string());
    assert_eq!(b.vault.log_signer(&b.owner).expect("opens").verifier(), signer.verifier());
    assert!(signer.origin().starts_with("provenote.local/"));
    let clinician = b.vault.create_user("usr-clinician", b"pass", SMALL, &mut b.random).expect("makes a user");
    assert!(matches!(b.vault.log_signer(&clinician), Err(VaultError::NotEntitled { .. })));
    b.vault.grant_log_key(&b.owner, &clinician.public(), &mut b.random).expect("grants");
    assert_eq!(b.vault.log_signer(&clinician).expect("opens").verifier(), signer.verifier());
    assert_eq!(b.vault.users().expect("lists").len(), 2);
}

#[test]
fn what_a_user_is_not_entitled_to_stays_closed() {
    let mut b = bench();
    let biller = b.vault.create_user("usr-biller", b"pass", SMALL, &mut b.random).expect("makes a user");
    let sealed = b.vault.seal(&b.owner, GROUP, "output", "text/plain", b"word", &mut b.random).expect("seals");
    let refused = b.vault.open(&biller, &sealed.reference, &sealed.wrapped_key, &sealed.body);
    assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
    assert!(matches!(
        b.vault.seal(&biller, GROUP, "output", "text/plain", b"word", &mut b.random),
        Err(VaultError::NotEntitled { .. })
    ));
    assert!(matches!(
        b.vault.grant_class_key(&biller, "clinical", CLIENT, &biller.public(), &mut b.random),
        Err(VaultError::NotEntitled { .. })
    ));
    b.vault.grant_class_key(&b.owner, "clinical", CLIENT, &biller.public(), &mut b.random).expect("grants");
    assert_eq!(
        b.vault.open(&biller, &sealed.reference, &sealed.wrapped_key, &sealed.body).expect("opens").as_slice(),
        b"word"
    );
    assert!(b.vault.has_class_key("clinical", CLIENT) && !b.vault.has_class_key("billing", CLIENT));
    // A public key everybody knows the secret of is refused.
    let weak = UserPublic { user: "usr-weak".to_owned(), seal_key: [0; 32], sign_key: [0; 32] };
    assert!(b.vault.grant_class_key(&b.owner, "clinical", CLIENT, &weak, &mut b.random).is_err());
}

#[test]
fn lengths_are_padded() {
    assert_eq!([0, 1, 2, 9, 256, 257, 1_000, 1_000_000].map(padme_of), [0, 1, 2, 10, 256, 272, 1_024, 1_015_808]);
    fn padme_of(n: u64) -> u64 {
        payload::padme(n)
    }
    let mut b = bench();
    let mut lengths = [0, 1, 20, 248].map(|n| {
        let sealed =
            b.vault.seal(&b.owner, GROUP, "output", "text/plain", &vec![b'a'; n], &mut b.random).expect("seals");
        sealed.reference.padded_length
    });
    lengths.sort_unstable();
    assert_eq!(lengths, [256; 4], "short texts are all of one length");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn padme_costs_little(n in 2_u64..1 << 50) {
        let padded = payload::padme(n);
        prop_assert!(padded >= n && padded - n <= n / 8);
        prop_assert_eq!(payload::padme(padded), padded, "a padded length stays");
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_else(plaintext in proptest::collection::vec(any::<u8>(), 0..2_000), flip in any::<u16>()) {
        let mut b = bench();
        let sealed = b.vault.seal(&b.owner, GROUP, "output", "text/plain", &plaintext, &mut b.random).expect("seals");
        let opened = b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &sealed.body).expect("opens");
        prop_assert_eq!(opened.as_slice(), plaintext.as_slice());
        let Body::Inline(mut ciphertext) = sealed.body.clone() else { panic!("short payloads are inline") };
        let at = usize::from(flip) % ciphertext.len();
        ciphertext[at] ^= 1;
        // With the hash made to fit, the tag has to tell.
        let mut reference = sealed.reference.clone();
        reference.ciphertext = Hash::of(&ciphertext);
        let body = Body::Inline(ciphertext);
        let refused = b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &body);
        let refused_too = b.vault.open(&b.owner, &reference, &sealed.wrapped_key, &body);
        let is_altered = |r: Result<_, VaultError>| matches!(r, Err(VaultError::Altered { .. }));
        prop_assert!(is_altered(refused) && is_altered(refused_too));
    }
}

#[test]
fn a_disclosed_payload_opens_its_commitment_and_nothing_else() {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut b = bench();
    let texts: [&[u8]; 3] = [b"", b"a word", &vec![7; 1 << 21]];
    let mut keys = Vec::new();
    for text in texts {
        let sealed = b.vault.seal(&b.owner, GROUP, "note", "text/plain", text, &mut b.random).expect("seals");
        let shown =
            b.vault.disclose(&b.owner, &sealed.reference, &sealed.wrapped_key, &sealed.body).expect("is disclosed");
        assert_eq!(shown.plaintext.as_slice(), text);
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(shown.commitment_key.as_slice()).expect("a key");
        mac.update(text);
        mac.verify_slice(&sealed.reference.commitment.0).expect("the header's commitment");
        keys.push(shown.commitment_key.to_vec());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), texts.len(), "a key of its own for each");
    let sealed = b.vault.seal(&b.owner, GROUP, "note", "text/plain", b"x", &mut b.random).expect("seals");
    let stranger = b.vault.create_user("usr-stranger", b"battery staple", SMALL, &mut b.random).expect("a user");
    assert!(matches!(
        b.vault.disclose(&stranger, &sealed.reference, &sealed.wrapped_key, &sealed.body),
        Err(VaultError::NotEntitled { .. })
    ));
    b.vault.destroy_group(GROUP, &[]).expect("destroys");
    assert!(matches!(
        b.vault.disclose(&b.owner, &sealed.reference, &sealed.wrapped_key, &sealed.body),
        Err(VaultError::GroupGone(_))
    ));
}

#[test]
fn nothing_can_be_moved() {
    let mut b = bench();
    b.vault.create_group(&b.owner, "grp-other", "clinical", CLIENT, &mut b.random).expect("makes a group");
    let sealed = b.vault.seal(&b.owner, GROUP, "output", "text/plain", b"word", &mut b.random).expect("seals");
    type Change = fn(&mut PayloadRef);
    let changes: [Change; 7] = [
        |r| r.name = "prompt".to_owned(),
        |r| r.media_type = "text/html".to_owned(),
        |r| r.group = "grp-other".to_owned(),
        |r| r.class = "billing".to_owned(),
        |r| r.scope = "practice".to_owned(),
        |r| r.commitment = Hash::ZERO,
        |r| r.padded_length = 512,
    ];
    for change in changes {
        let mut reference = sealed.reference.clone();
        change(&mut reference);
        let refused = b.vault.open(&b.owner, &reference, &sealed.wrapped_key, &sealed.body);
        assert!(matches!(refused, Err(VaultError::Altered { .. })), "{reference:?}");
    }
    let other = b.vault.seal(&b.owner, GROUP, "output", "text/plain", b"word", &mut b.random).expect("seals");
    assert!(b.vault.open(&b.owner, &sealed.reference, &other.wrapped_key, &sealed.body).is_err());
    assert_ne!(sealed.reference.commitment, other.reference.commitment, "equal texts do not look equal");
}

fn stream(b: &mut Bench, plaintext: &[u8]) -> Sealed {
    let mut writer = b
        .vault
        .seal_stream(&b.owner, GROUP, "audio", "audio/L16;rate=16000;channels=1", &mut b.random)
        .expect("begins");
    // Odd pieces, so that chunk borders fall anywhere.
    for piece in plaintext.chunks(7_777) {
        writer.write_all(piece).expect("writes");
    }
    writer.finish().expect("finishes")
}

#[test]
fn a_stream_of_every_length_comes_back() {
    let mut b = bench();
    let room = 64 * 1024 - 4;
    for length in [0, 1, room - 1, room, room + 1, 2 * room, 9 * room + 5, 40 * room] {
        let plaintext: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let sealed = stream(&mut b, &plaintext);
        assert_eq!(sealed.body, Body::Blob);
        assert_eq!(
            b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &Body::Blob).expect("opens").as_slice(),
            plaintext
        );
        let chunks = sealed.reference.padded_length / (64 * 1024);
        assert_eq!(payload::padme(chunks), chunks);
        let mut reader = b.vault.open_stream(&b.owner, &sealed.reference, &sealed.wrapped_key).expect("opens");
        let mut back = Vec::new();
        let mut piece = [0; 1_000];
        loop {
            match reader.read(&mut piece).expect("reads") {
                0 => break,
                n => back.extend_from_slice(&piece[..n]),
            }
        }
        assert_eq!(reader.read(&mut piece).expect("stays at its end"), 0);
        assert_eq!(back, plaintext);
    }
}

#[test]
fn a_large_payload_becomes_a_blob() {
    let mut b = bench();
    let plaintext = vec![7; 1 << 20];
    let sealed = b.vault.seal(&b.owner, GROUP, "output", "text/plain", &plaintext, &mut b.random).expect("seals");
    assert_eq!(sealed.body, Body::Blob);
    assert_eq!(
        b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &sealed.body).expect("opens").as_slice(),
        plaintext
    );
}

#[test]
fn a_stream_cut_reordered_or_changed_is_refused() {
    let mut b = bench();
    let sealed = stream(&mut b, &vec![9; 300_000]);
    let good = b.blobs.0.lock().expect("unpoisoned")[&sealed.reference.ciphertext].clone();
    let chunk = 64 * 1024 + 16;
    let mut swapped = good.clone();
    swapped[..2 * chunk].rotate_left(chunk);
    let mut flipped = good.clone();
    flipped[200_000] ^= 1;
    let mut longer = good.clone();
    longer.extend_from_slice(&good[..chunk]);
    for (what, bad) in [
        ("nothing", Vec::new()),
        ("cut", good[..good.len() - 1].to_vec()),
        ("cut at a chunk", good[..good.len() - chunk].to_vec()),
        ("without its start", good[chunk..].to_vec()),
        ("swapped", swapped),
        ("flipped", flipped),
        ("longer", longer),
    ] {
        b.blobs.0.lock().expect("unpoisoned").insert(sealed.reference.ciphertext, bad.clone());
        let refused = b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &Body::Blob);
        assert!(matches!(refused, Err(VaultError::Altered { .. })), "{what}");
        // Under a hash that fits, the chunks have to tell.
        let mut reference = sealed.reference.clone();
        reference.ciphertext = Hash::of(&bad);
        b.blobs.0.lock().expect("unpoisoned").insert(reference.ciphertext, bad);
        let refused = b.vault.open(&b.owner, &reference, &sealed.wrapped_key, &Body::Blob);
        assert!(matches!(refused, Err(VaultError::Altered { .. })), "{what}");
    }
    b.blobs.0.lock().expect("unpoisoned").clear();
    assert!(matches!(
        b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &Body::Blob),
        Err(VaultError::BlobMissing(_))
    ));
}

#[test]
fn a_dropped_stream_leaves_nothing() {
    let mut b = bench();
    let mut writer = b.vault.seal_stream(&b.owner, GROUP, "audio", "audio/L16", &mut b.random).expect("begins");
    writer.write_all(&[1; 100_000]).expect("writes");
    drop(writer);
    assert!(b.blobs.0.lock().expect("unpoisoned").is_empty());
}

#[test]
fn a_destroyed_group_cannot_be_opened() {
    let mut b = bench();
    let inline = b.vault.seal(&b.owner, GROUP, "output", "text/plain", b"word", &mut b.random).expect("seals");
    let blob = stream(&mut b, b"spoken");
    assert!(b.vault.group_exists(GROUP));
    b.vault.destroy_group(GROUP, &[blob.reference.ciphertext]).expect("destroys");
    b.vault.destroy_group(GROUP, &[blob.reference.ciphertext]).expect("twice is no error");
    assert!(!b.vault.group_exists(GROUP) && b.vault.groups().expect("lists").is_empty());
    assert!(b.blobs.0.lock().expect("unpoisoned").is_empty());
    let gone = b.vault.open(&b.owner, &inline.reference, &inline.wrapped_key, &inline.body);
    assert!(matches!(gone, Err(VaultError::GroupGone(_))));
}

/// A byte of any key file flipped: one clear error or a harmless difference, never a panic, and the audit names the file.
#[test]
fn a_damaged_key_file_is_named() {
    let mut b = bench();
    b.vault.create_log_key(&b.owner, &mut b.random).expect("makes it");
    b.vault.create_recovery(&b.owner, &mut b.random).expect("makes one");
    let sealed = b.vault.seal(&b.owner, GROUP, "output", "text/plain", b"word", &mut b.random).expect("seals");
    assert_eq!(b.vault.audit(Some(&b.owner)).expect("reads"), []);
    let names = b.keys.list("").expect("lists");
    assert_eq!(names.len(), 4);
    for name in names {
        let good = b.keys.read(&name).expect("reads").expect("is there");
        for at in (0..good.len()).step_by(5) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            b.keys.write(&name, &bad).expect("writes");
            assert_eq!(
                b.vault.audit(None).expect("reads").first().map(|(name, _)| name),
                Some(&name),
                "byte {at} of {name}"
            );
            let _ = b.vault.open(&b.owner, &sealed.reference, &sealed.wrapped_key, &sealed.body);
            let _ = (b.vault.log_signer(&b.owner), b.vault.vkey(), b.vault.users());
        }
        for bad in [Vec::new(), b"{}".to_vec(), good[..good.len() / 2].to_vec(), vec![b'['; 100_000]] {
            b.keys.write(&name, &bad).expect("writes");
            assert_eq!(b.vault.audit(None).expect("reads").len(), 1, "{name}");
        }
        b.keys.write(&name, &good).expect("writes");
    }
}

/// Keys exchanged between files by somebody who can make the checksums fit.
#[test]
fn an_exchanged_key_file_is_found() {
    let mut b = bench();
    b.vault.create_group(&b.owner, "grp-other", "clinical", CLIENT, &mut b.random).expect("makes a group");
    let other = b.keys.read("groups/grp-other.json").expect("reads").expect("is there");
    let renamed = String::from_utf8(other.clone()).expect("text").replace("grp-other", GROUP);
    let mut envelope: serde_json::Value = serde_json::from_str(&renamed).expect("JSON");
    envelope["check"] = Hash::of(envelope["file"].to_string().as_bytes()).to_string().into();
    let forged = serde_json::to_string_pretty(&envelope).expect("JSON") + "\n";
    for contents in [other, forged.into_bytes()] {
        b.keys.write(&format!("groups/{GROUP}.json"), &contents).expect("writes");
        assert_eq!(b.vault.audit(Some(&b.owner)).expect("reads").len(), 1);
        assert!(matches!(b.vault.check_group(&b.owner, GROUP), Err(VaultError::Damaged { .. })));
    }
}

/// RFC 9180 binds info and associated data; a wrap made for one purpose or user opens for no other.
#[test]
fn a_wrap_opens_only_where_it_belongs() {
    let mut b = bench();
    let key = Key::generate(&mut b.random);
    let wrap = keys::wrap_to(&b.owner.public(), "class", &["clinical", CLIENT], &key, &mut b.random).expect("wraps");
    let opens = |purpose, place: &[&str]| keys::unwrap_with(&b.owner, purpose, place, &wrap).is_some();
    assert!(opens("class", &["clinical", CLIENT]));
    assert!(
        !opens("log", &["clinical", CLIENT]) && !opens("class", &["billing", CLIENT]) && !opens("class", &["clinical"])
    );
}

#[test]
fn many_payloads_open_by_one_unwrapping_with_the_same_checks() {
    let mut b = bench();
    b.vault.create_group(&b.owner, "grp-other", "clinical", CLIENT, &mut b.random).expect("makes a group");
    let mut sealed = Vec::new();
    for (group, text) in [(GROUP, "one"), ("grp-other", "two"), (GROUP, "three")] {
        sealed
            .push(b.vault.seal(&b.owner, group, "text", "text/plain", text.as_bytes(), &mut b.random).expect("seals"));
    }
    let opening = b.vault.opening(&b.owner);
    for one in &sealed {
        let alone = b.vault.open(&b.owner, &one.reference, &one.wrapped_key, &one.body).expect("opens");
        let among = opening.open(&one.reference, &one.wrapped_key, &one.body).expect("opens");
        assert_eq!(*alone, *among);
    }
    // Neither another's key, nor another text, nor another class passes.
    let (first, second) = (&sealed[0], &sealed[1]);
    assert!(opening.open(&first.reference, &second.wrapped_key, &first.body).is_err());
    assert!(opening.open(&first.reference, &first.wrapped_key, &second.body).is_err());
    let mut moved = first.reference.clone();
    moved.class = "billing".to_owned();
    assert!(opening.open(&moved, &first.wrapped_key, &first.body).is_err());
    let mut gone = first.reference.clone();
    gone.group = "grp-nowhere".to_owned();
    assert!(matches!(opening.open(&gone, &first.wrapped_key, &first.body), Err(VaultError::GroupGone(_))));
}
