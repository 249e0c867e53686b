//! Vectors nobody here wrote: RFC 8785 canonicalisation and Wycheproof's Ed25519, where `../shared` has them.
//! Accepted and refused alike.

use std::fs;
use std::path::PathBuf;

use provenote_ledger::verify_signature;
use provenote_schemas::canonical;
use provenote_tests::root;
use serde_json::Value;

/// The folder of the vectors, or a word that there is none.
fn vectors(name: &str) -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/cases/tlog").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
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
