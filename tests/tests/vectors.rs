//! Vectors nobody here wrote: RFC 8785 canonicalisation, Wycheproof's Ed25519 and the Merkle proofs of
//! transparency.dev, where `../shared` has them. Accepted and refused alike.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_ledger::proof::{
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use provenote_ledger::{Hash, verify_signature};
use provenote_schemas::canonical;
use provenote_tests::root;
use serde_json::Value;

/// The folder of the vectors, or a word that there is none. Where CI is set they have to be there.
fn vectors(name: &str) -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/cases/tlog").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "the {name} vectors are not beside this checkout");
    eprintln!("skipped: {name} vectors are not beside this checkout (../shared/cases/tlog/{name})");
    None
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal")).collect()
}

#[test]
fn canonical_json_is_what_rfc_8785_says() {
    let Some(folder) = vectors("jcs") else { return };
    let mut seen = 0;
    for file in fs::read_dir(folder.join("testdata/input")).expect("inputs") {
        let input = file.expect("a file").path();
        let value: Value = serde_json::from_slice(&fs::read(&input).expect("reads")).expect("JSON");
        let output = folder.join("testdata/output").join(input.file_name().expect("a name"));
        let expected = fs::read(output).expect("the expected output");
        assert_eq!(
            String::from_utf8_lossy(&canonical(&value).expect("a canonical form")),
            String::from_utf8_lossy(&expected).trim_end(),
            "{}",
            input.display()
        );
        seen += 1;
    }
    assert!(seen >= 6, "{seen} vectors");
}

#[test]
fn signatures_are_verified_strictly() {
    let Some(folder) = vectors("ed25519") else { return };
    let file: Value =
        serde_json::from_slice(&fs::read(folder.join("ed25519_test.json")).expect("reads")).expect("JSON");
    let (mut accepted, mut refused) = (0, 0);
    for group in file["testGroups"].as_array().expect("groups") {
        let key: [u8; 32] = hex(group["publicKey"]["pk"].as_str().expect("a key")).try_into().expect("32 bytes");
        for case in group["tests"].as_array().expect("tests") {
            let message = hex(case["msg"].as_str().expect("a message"));
            // A signature of another length does not even have the form of one.
            let signature: Option<[u8; 64]> = hex(case["sig"].as_str().expect("a signature")).try_into().ok();
            let holds = signature.is_some_and(|signature| verify_signature(&key, &message, &signature));
            let should = case["result"] == "valid";
            assert_eq!(holds, should, "case {}: {}", case["tcId"], case["comment"]);
            if should { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted > 50 && refused > 30, "{accepted} accepted, {refused} refused");
}

/// A hash as the Merkle vectors write it. Where they mean "some value or other" they write a shorter word; padded, it
/// is that. `None` for nothing at all and for what is longer than a hash: neither can be handed to the verifier.
fn node(value: &Value) -> Option<Hash> {
    let mut bytes = BASE64.decode(value.as_str()?).expect("base64");
    if bytes.is_empty() || bytes.len() > 32 {
        return None;
    }
    bytes.resize(32, 0);
    Hash::try_from(bytes.as_slice()).ok()
}

/// The hashes of a proof; `null` is the empty one.
fn proof(value: &Value) -> Option<Vec<Hash>> {
    value.as_array().map_or(Some(Vec::new()), |nodes| nodes.iter().map(node).collect())
}

/// Runs every vector below a folder and counts those accepted and those refused.
fn merkle(kind: &str, holds: impl Fn(&Value) -> Option<bool>) -> Option<(usize, usize)> {
    let mut folders = vec![vectors("merkle")?.join("testdata").join(kind)];
    let (mut accepted, mut refused) = (0, 0);
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).expect("a folder") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let case: Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
            let should = !case["wantErr"].as_bool().expect("what is expected");
            assert_eq!(holds(&case).unwrap_or(false), should, "{}: {}", path.display(), case["desc"]);
            if should { accepted += 1 } else { refused += 1 }
        }
    }
    Some((accepted, refused))
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

#[test]
fn inclusion_proofs_hold_where_they_should() {
    let counted = merkle("inclusion", |case| {
        let (leaf, root, proof) = (node(&case["leafHash"])?, node(&case["root"])?, proof(&case["proof"])?);
        Some(verify_inclusion(&leaf, number(&case["leafIdx"]), number(&case["treeSize"]), &proof, &root).is_ok())
    });
    assert!(counted.is_none_or(|counted| counted == (6, 92)), "{counted:?}");
}

#[test]
fn consistency_proofs_hold_where_they_should() {
    let counted = merkle("consistency", |case| {
        let (old, new) = (number(&case["size1"]), number(&case["size2"]));
        let (old_root, new_root, proof) = (node(&case["root1"])?, node(&case["root2"])?, proof(&case["proof"])?);
        Some(verify_consistency(old, &old_root, new, &new_root, &proof).is_ok())
    });
    assert!(counted.is_none_or(|counted| counted == (6, 92)), "{counted:?}");
}

#[test]
fn subtree_inclusion_proofs_hold_where_they_should() {
    let counted = merkle("subtreeinclusion", |case| {
        let range = number(&case["start"])..number(&case["end"]);
        let (leaf, root, proof) = (node(&case["leafHash"])?, node(&case["root"])?, proof(&case["proof"])?);
        Some(verify_subtree_inclusion(&leaf, number(&case["leafIdx"]), range, &proof, &root).is_ok())
    });
    assert!(counted.is_none_or(|counted| counted == (12, 192)), "{counted:?}");
}

#[test]
fn subtree_consistency_proofs_hold_where_they_should() {
    let counted = merkle("subtreeconsistency", |case| {
        let range = number(&case["start"])..number(&case["end"]);
        let (small, root, proof) = (node(&case["root1"])?, node(&case["root2"])?, proof(&case["proof"])?);
        Some(verify_subtree_consistency(range, &small, number(&case["size"]), &root, &proof).is_ok())
    });
    assert!(counted.is_none_or(|counted| counted == (12, 106)), "{counted:?}");
}
