//! Vectors nobody here wrote, for the verifiers in the browser and in Python: Wycheproof's Ed25519 and the Merkle proofs of
//! transparency.dev, where `../shared` has them. Accepted and refused alike.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use provenote_bundle::page;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::fixture::hex;
use crate::python;

/// The folder of the vectors, or a word that there is none. Where CI is set they have to be there.
fn folder() -> Option<PathBuf> {
    // Relative to the package, where cargo runs its tests: build products are kept between checkouts, so the folder they
    // were compiled in may be gone.
    let folder = PathBuf::from("../../shared/cases/tlog");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "the vectors are not beside this checkout");
    eprintln!("skipped: the vectors are not beside this checkout (../shared/cases/tlog)");
    None
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("reads")).expect("JSON")
}

/// A hash as these vectors write it: a shorter word stands for itself, padded. `None` for what cannot be handed to a
/// verifier at all.
fn hash(value: &Value) -> Option<String> {
    let mut bytes = BASE64.decode(value.as_str()?).expect("base64");
    if bytes.is_empty() || bytes.len() > 32 {
        return None;
    }
    bytes.resize(32, 0);
    Some(hex(&bytes))
}

fn merkle(folder: &Path, cases: &mut Vec<Value>) {
    for file in fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            merkle(&path, cases);
            continue;
        }
        let case = read(&path);
        let proof = case["proof"].as_array().map_or(Some(Vec::new()), |nodes| nodes.iter().map(hash).collect());
        let inclusion = case.get("leafIdx").is_some();
        let [first, second] = if inclusion { ["leafHash", "root"] } else { ["root1", "root2"] };
        let [low, high] = if inclusion { ["leafIdx", "treeSize"] } else { ["size1", "size2"] };
        if let (Some(proof), Some(a), Some(b)) = (proof, hash(&case[first]), hash(&case[second])) {
            cases.push(json!({
                "what": if inclusion { "included" } else { "grown" }, "low": case[low], "high": case[high], "a": a, "b": b,
                "proof": proof, "should": case["wantErr"] == false, "name": path.display().to_string(),
            }));
        }
    }
}

/// Every case in one form: what is asked, with what, and what the answer should be.
fn cases() -> Option<Vec<Value>> {
    let folder = folder()?;
    let mut cases = Vec::new();
    for group in read(&folder.join("ed25519/ed25519_test.json"))["testGroups"].as_array().expect("groups") {
        for test in group["tests"].as_array().expect("tests") {
            cases.push(json!({
                "what": "signed", "key": group["publicKey"]["pk"], "message": test["msg"], "signature": test["sig"],
                "should": test["result"] == "valid", "name": format!("Wycheproof {}", test["tcId"]),
            }));
        }
    }
    merkle(&folder.join("merkle/testdata/inclusion"), &mut cases);
    merkle(&folder.join("merkle/testdata/consistency"), &mut cases);
    let accepted = cases.iter().filter(|case| case["should"] == true).count();
    assert!(accepted > 70 && cases.len() - accepted > 200, "{accepted} of {} are to be accepted", cases.len());
    Some(cases)
}

#[test]
fn python_judges_them_as_it_should() {
    let Some(cases) = cases() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("verify.py"), page::PYTHON).expect("writes");
    fs::write(folder.path().join("cases.json"), json!(cases).to_string()).expect("writes");
    let driver = folder.path().join("driver.py");
    let source = r#"
import json, os, verify
x = bytes.fromhex
def holds(case):
    if case["what"] == "signed": return verify.signed(x(case["key"]), x(case["message"]), x(case["signature"]))
    proof = [x(node) for node in case["proof"]]
    if case["what"] == "included": return verify.included(case["low"], case["high"], x(case["a"]), proof) == x(case["b"])
    return verify.grown(case["low"], case["high"], proof, x(case["a"])) == (x(case["a"]), x(case["b"]))
for case in json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json"))):
    try: held = holds(case)
    except (IndexError, TypeError, ValueError, RecursionError): held = False
    if bool(held) != case["should"]: print(case["name"], held)
"#;
    fs::write(&driver, source).expect("writes");
    let out = python(&[&driver]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(String::from_utf8_lossy(&out.stdout), "", "judged otherwise");
}

/// With the browser's own Ed25519 and without: the page has to say the same in a browser that lacks it.
#[test]
fn the_page_judges_them_as_it_should() {
    let Some(cases) = cases() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let html = folder.path().join("verify.html");
    fs::write(&html, page::html()).expect("writes");
    let mut browser = Browser::open(&html);
    let expression = format!(
        r#"(async () => {{
            const wrong = [];
            for (const c of {cases}) {{
                const proof = (c.proof || []).map(unhex);
                const held = c.what === "signed"
                    ? [await ed25519(unhex(c.key), unhex(c.message), unhex(c.signature)), ownEd25519(unhex(c.key), unhex(c.message), unhex(c.signature))]
                    : c.what === "included" ? [included(unhex(c.a), c.low, c.high, proof, unhex(c.b))]
                    : [consistent(c.low, unhex(c.a), c.high, unhex(c.b), proof)];
                if (held.some((one) => one !== c.should)) wrong.push(c.name + " " + held);
            }}
            return wrong.join("\n");
        }})()"#,
        cases = json!(cases)
    );
    assert_eq!(browser.evaluate(&expression), "", "judged otherwise");
    // Its own hashes are those of the browser.
    let hashes = "(async () => { for (let n = 0; n < 300; n += 7) { const message = crypto.getRandomValues(new Uint8Array(n)); \
        const theirs = async (name) => hex(new Uint8Array(await crypto.subtle.digest(name, message))); \
        if (hex(sha256(message)) !== await theirs('SHA-256') || hex(sha512(message)) !== await theirs('SHA-512')) return n; \
        const key = crypto.getRandomValues(new Uint8Array(32)); \
        if (hex(ownHmac(key, message)) !== hex(await hmac(key, message))) return -n; } return 'same'; })()";
    assert_eq!(browser.evaluate(hashes), "same");
}
