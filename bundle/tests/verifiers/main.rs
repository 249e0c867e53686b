//! The three verifiers of a bundle: in Rust, in a browser and in Python. Each accepts what is whole, and each refuses
//! a bundle with one byte changed, wherever it stands, with a reason.

// These are tests: here a panic is the way to fail.
#![allow(clippy::missing_panics_doc)]

mod browser;
mod fixture;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use browser::Browser;
use fixture::{EVERYTHING, Fixture, Wanted, bundle};
use provenote_bundle::container::{self, Member};
use provenote_bundle::{Contents, FindingKind, Known, Prepared, Verdict, page, verify};
use provenote_ledger::policy::Policy;
use serde_json::json;

fn refused(bytes: &[u8], what: &str) {
    let report = verify(bytes, &Known::default());
    assert_ne!(report.verdict, Verdict::Intact, "{what}");
    assert!(report.findings.iter().all(|finding| !finding.detail.is_empty()) && !report.findings.is_empty(), "{what}");
}

/// The bundle with one byte of one member changed and its checksums mended, so that the container is whole again.
fn mended(bytes: &[u8], member: usize, at: usize, flip: u8) -> Vec<u8> {
    let members = container::read(bytes).expect("a container");
    let mut data = members[member].data.to_vec();
    data[at] ^= flip;
    let mut changed = members;
    changed[member] = Member { name: changed[member].name, data: &data };
    container::write(&changed).expect("a container")
}

/// Runs Python, one that has `cryptography`.
fn python(arguments: &[&Path]) -> Output {
    let has = |name: &&&str| {
        Command::new(name).args(["-c", "import cryptography"]).output().is_ok_and(|out| out.status.success())
    };
    let found = ["python3", "/usr/bin/python3"].iter().find(has);
    let found =
        found.expect("Python with `cryptography` is missing: run `scripts/install-deps.sh test`, which installs it");
    Command::new(found).arg("-B").args(arguments).output().expect("python3 starts")
}

/// Positions spread over a length, always the first and the last.
fn spread(length: usize, count: usize) -> impl Iterator<Item = usize> {
    let step = (length / count.max(1)).max(1);
    (0..length).step_by(step).chain(length.checked_sub(1))
}

/// The bundle with a name replaced by one as long, wherever it stands.
fn renamed(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

/// Files of a bundle, each with one byte changed: some as they are, some with the container mended. About `count`.
fn damaged(bytes: &[u8], folder: &Path, count: usize) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut keep = |name: String, contents: &[u8]| {
        refused(contents, &name);
        let path = folder.join(name);
        std::fs::write(&path, contents).expect("writes");
        files.push(path);
    };
    for at in spread(bytes.len(), count / 3) {
        let mut bad = bytes.to_vec();
        bad[at] ^= 1 << (at % 8);
        keep(format!("byte-{at}.zip"), &bad);
    }
    // What a hostile ZIP file does: a compressed member, and a name that leads out.
    let mut bomb = bytes.to_vec();
    bomb[8] = 8;
    keep("compressed.zip".to_owned(), &bomb);
    keep("leading-out.zip".to_owned(), &renamed(bytes, b"README.txt", b"../../a.sh"));
    let members = container::read(bytes).expect("a container");
    let each = (count * 2 / 3).div_ceil(members.len()).max(1);
    for (index, member) in members.iter().enumerate() {
        for at in spread(member.data.len(), each).skip(index % 2).take(each) {
            let name = format!("{}-{at}.zip", member.name.replace('/', "-"));
            keep(name, &mended(bytes, index, at, 1 << ((index + at) % 7)));
        }
    }
    files
}

#[test]
fn a_whole_bundle_is_intact() {
    for wanted in [Wanted::default(), EVERYTHING] {
        let report = verify(&bundle(wanted), &Known::default());
        assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);
        assert!(report.signed);
        assert_eq!((report.withheld, report.destroyed, report.attestations), (1, 1, 2));
        assert_eq!(report.disclosed, 9);
        assert_eq!(report.entries, if wanted.rotated { 12 } else { 11 });
        assert_eq!(report.cosigned.len(), if wanted.witnessed { 2 } else { 0 });
        assert_eq!(report.vkeys.len(), if wanted.rotated { 2 } else { 1 });
    }
}

#[test]
fn a_key_or_checkpoint_from_elsewhere_is_held_against_it() {
    let mut fixture = Fixture::new(EVERYTHING);
    let early = fixture.early.clone();
    let contents = fixture.contents(EVERYTHING);
    let bytes = fixture.finish(contents, EVERYTHING).expect("a bundle");
    let vkey = fixture.vkey().parse().expect("a key");
    let anchors = [early];
    let report = verify(&bytes, &Known { vkey: Some(&vkey), anchors: &anchors, policy: None });
    assert_eq!((report.verdict, report.anchored_to), (Verdict::Intact, Some(6)), "{:#?}", report.findings);
    let other = bundle(Wanted { report: true, ..Wanted::default() });
    let report = verify(&other, &Known { vkey: Some(&vkey), anchors: &anchors, policy: None });
    assert_eq!((report.verdict, report.anchored_to), (Verdict::Intact, None));
    assert!(report.notes.iter().any(|note| note.contains("--anchor")), "{:?}", report.notes);
    let stranger = fixture::witnesses()[0].key().to_string();
    assert!(stranger.parse::<provenote_ledger::VerifierKey>().is_err());
    let stranger = provenote_ledger::VerifierKey::new("provenote.local/0123456789abcdef", &{
        let signer =
            provenote_ledger::LogSigner::new("a.example", &zeroize::Zeroizing::new([3; 32])).expect("a signer");
        signer.verifier().key()
    });
    let report = verify(&bytes, &Known { vkey: stranger.as_ref().ok(), anchors: &[], policy: None });
    assert_eq!(report.verdict, Verdict::OtherLog);
    assert_eq!(report.findings[0].kind, FindingKind::Vkey);
}

/// The reader's own witnesses count, not those the practice names.
#[test]
fn a_reader_may_ask_for_other_witnesses() {
    let bytes = bundle(EVERYTHING);
    let strict = format!("{}group all-of-them all W0 W1 W2\nquorum all-of-them\n", fixture::witness_lines());
    for (policy, verdict) in [(fixture::policy(), Verdict::Intact), (strict, Verdict::Unsigned)] {
        let policy = Policy::parse(&policy).expect("a policy");
        let report = verify(&bytes, &Known { policy: Some(&policy), ..Known::default() });
        assert_eq!(report.verdict, verdict, "{:#?}", report.findings);
    }
}

/// What is wrong is told in one sentence.
#[test]
fn a_bomb_or_a_path_leading_out_is_refused_in_a_sentence() {
    let bytes = bundle(Wanted::default());
    let mut bomb = bytes.clone();
    bomb[8] = 8;
    let said = |bytes: &[u8]| {
        let report = verify(bytes, &Known::default());
        assert_eq!((report.verdict, report.findings.len()), (Verdict::Malformed, 1));
        report.findings[0].detail.clone()
    };
    assert!(said(&bomb).contains("README.txt is compressed"), "{}", said(&bomb));
    assert!(said(&renamed(&bytes, b"README.txt", b"../../a.sh")).contains("leading out"));
    assert!(said(b"%PDF-1.7").contains("no evidence bundle"));
    assert!(said(&[]).contains("no evidence bundle"));
    assert!(said(&bytes[..bytes.len() / 2]).contains("cut off"));
}

#[test]
fn every_byte_counts() {
    let bytes = bundle(EVERYTHING);
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        refused(&bad, &format!("byte {at}"));
        bad[at] = bytes[at];
    }
}

/// As above, with a container that is whole: only digests, signatures, proofs and commitments can tell.
#[test]
fn every_byte_counts_behind_the_checksums() {
    let bytes = bundle(EVERYTHING);
    for (index, member) in container::read(&bytes).expect("a container").iter().enumerate() {
        // A digest covers these, and every proof repeats the checkpoint: there a sample will do.
        let step = match member.name.split('/').next() {
            Some("verify.html" | "verify.py" | "README.txt") => 997,
            Some("proofs" | "entries") => 7,
            _ => 1,
        };
        for at in (0..member.data.len()).step_by(step) {
            refused(&mended(&bytes, index, at, 1 << (at % 7)), &format!("{} byte {at}", member.name));
        }
    }
}

#[test]
fn python_checks_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("verify.py");
    std::fs::write(&script, page::PYTHON).expect("writes");
    let run = |arguments: &[&Path]| {
        let out = python(arguments);
        let [said, error] = [&out.stdout, &out.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (out.status.code(), said, error)
    };
    let whole = folder.path().join("whole.zip");
    for bytes in [without_text(), bundle(EVERYTHING), bundle(Wanted::default())] {
        std::fs::write(&whole, bytes).expect("writes");
        let (code, said, error) = run(&[&script, &whole]);
        assert_eq!(code, Some(0), "{said}{error}");
        assert!(said.starts_with("intact"), "{said}");
    }
    let vkey = Fixture::new(Wanted::default()).vkey();
    assert_eq!(run(&[&script, &whole, Path::new(&vkey)]).0, Some(0));
    let (code, said, _) = run(&[&script, &whole, Path::new("provenote.local/other+00000000+AAAA")]);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(run(&[&script, &folder.path().join("nowhere.zip")]).0, Some(1));
    assert_eq!(run(&[&script]).0, Some(1));
    let (code, said, _) = run(&[&script, &script]);
    assert!(code == Some(3) && said.starts_with("refused: "), "{said}");

    // The rest in one process, as importing `cryptography` takes longest.
    let bytes = bundle(EVERYTHING);
    let files = damaged(&bytes, folder.path(), 200);
    assert!(files.len() >= 200, "{}", files.len());
    let driver = folder.path().join("driver.py");
    let source = "import sys, verify\nfor name in sys.argv[1:]:\n    try: print('ACCEPTED', name, verify.check(open(name, 'rb').read()))\n    except verify.Refused as why: print('refused:', why)\n    except Exception as why: print('refused in another way:', type(why).__name__)\n";
    std::fs::write(&driver, source).expect("writes");
    let arguments: Vec<&Path> = std::iter::once(driver.as_path()).chain(files.iter().map(PathBuf::as_path)).collect();
    let (code, said, error) = run(&arguments);
    assert_eq!(code, Some(0), "{error}");
    assert!(!said.contains("ACCEPTED"), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("refused")).count(), files.len());
}

#[test]
fn a_browser_checks_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let html = folder.path().join("verify.html");
    std::fs::write(&html, page::html()).expect("writes");
    let mut browser = Browser::open(&html);
    for (name, wanted) in [("everything.zip", EVERYTHING), ("least.zip", Wanted::default())] {
        let whole = folder.path().join(name);
        std::fs::write(&whole, bundle(wanted)).expect("writes");
        let said = browser.choose(&whole);
        assert!(said.contains("Everything in this bundle holds"), "{said}");
        for part in [
            "Dana Reyes",
            "Slept six hours, “mostly”.",
            "I agree that my sessions are recorded.",
            "The clinician attested",
            "destroyed on schedule",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(said.contains("W1 on 2026-11-21"), wanted.witnessed, "{said}");
    }
    for file in damaged(&bundle(EVERYTHING), folder.path(), 60) {
        let said = browser.choose(&file);
        assert!(said.contains("This bundle is refused") && !said.contains("holds"), "{}: {said}", file.display());
        let reason = said.lines().nth(1).unwrap_or_default();
        assert!(reason.len() > 20 && reason.ends_with('.'), "{}: {said}", file.display());
    }
    let partly = folder.path().join("partly.zip");
    std::fs::write(&partly, without_text()).expect("writes");
    let said = browser.choose(&partly);
    assert!(said.contains("Everything in this bundle holds") && !said.contains("Slept six hours"), "{said}");
    // What a reader has on paper is held against it.
    let mut fixture = Fixture::new(EVERYTHING);
    let contents = fixture.contents(EVERYTHING);
    let whole = folder.path().join("whole.zip");
    std::fs::write(&whole, fixture.finish(contents, EVERYTHING).expect("a bundle")).expect("writes");
    browser.choose(&whole);
    let mut compare = |given: &str| {
        let given = json!(given);
        let expression = format!(
            "new Promise((done) => {{ const [own, answer] = ['own', 'answer'].map((id) => document.getElementById(id)); \
             new MutationObserver((_, observer) => {{ if (answer.textContent) {{ observer.disconnect(); done(answer.className + ' ' + answer.textContent); }} }}).observe(answer, {{ childList: true, attributes: true }}); \
             answer.textContent = ''; own.value = {given}; own.dispatchEvent(new Event('input')); }})"
        );
        browser.evaluate(&expression).as_str().expect("an answer").to_owned()
    };
    for given in [fixture.vkey(), fixture.early.clone(), fixture.early.replace("\n\n", "\n")] {
        let said = compare(&given);
        assert!(said.starts_with("good-text "), "{said}");
    }
    for given in
        ["provenote.local/0123456789abcdef+00000000+AAAA".to_owned(), fixture.early.replacen("\n6\n", "\n5\n", 1)]
    {
        let said = compare(&given);
        assert!(said.starts_with("bad-text "), "{said}");
    }
}

/// What a practice that wants to deceive might put together: it is not even handed out.
#[test]
fn a_bundle_that_does_not_hold_is_not_made() {
    type Change = fn(&mut Contents);
    let changes: [(&str, Change); 8] = [
        ("a payload that is not spoken of", |contents| {
            contents.withheld.clear();
        }),
        ("another text", |contents| contents.disclosed[2].plaintext.push(b' ')),
        ("another key", |contents| contents.disclosed[2].commitment_key[0] ^= 1),
        ("a destruction that is not recorded", |contents| contents.withheld[0].destroyed_by = Some(0)),
        ("another class", |contents| contents.withheld[0].class = "billing".to_owned()),
        ("an entry changed", |contents| {
            let entry = contents.entries.get_mut(&3).expect("an entry");
            let text = String::from_utf8(entry.clone()).expect("text").replace("client.added", "client.addee");
            *entry = text.into_bytes();
        }),
        ("a key too few", |contents| {
            contents.keys.pop();
        }),
        ("keys in another order", |contents| contents.keys.reverse()),
    ];
    for (what, change) in changes {
        let mut fixture = Fixture::new(EVERYTHING);
        let mut contents = fixture.contents(EVERYTHING);
        change(&mut contents);
        assert!(fixture.finish(contents, EVERYTHING).is_err(), "{what}");
    }
    let mut fixture = Fixture::new(EVERYTHING);
    let contents = fixture.contents(EVERYTHING);
    let too_few = Wanted { witnessed: false, ..EVERYTHING };
    let refused = fixture.finish(contents, too_few).expect_err("nobody cosigned");
    assert!(refused.to_string().contains("policy"), "{refused}");
    let empty =
        Contents { entries: std::collections::BTreeMap::new(), ..Fixture::new(EVERYTHING).contents(EVERYTHING) };
    assert!(Prepared::new(empty).is_err());
}

/// A bundle that shows the attestation of a note and holds back its text.
fn without_text() -> Vec<u8> {
    let mut fixture = Fixture::new(EVERYTHING);
    fixture.withhold_text = true;
    let contents = fixture.contents(EVERYTHING);
    fixture.finish(contents, EVERYTHING).expect("a bundle")
}

#[test]
fn an_attestation_holds_without_its_text() {
    let report = verify(&without_text(), &Known::default());
    assert_eq!(
        (report.verdict, report.attestations, report.withheld),
        (Verdict::Intact, 2, 2),
        "{:#?}",
        report.findings
    );
    assert!(report.notes.iter().any(|note| note.contains("withheld")), "{:?}", report.notes);
}

/// A checkpoint that a key signed after it fell into other hands proves nothing.
#[test]
fn a_compromised_key_counts_only_as_far_as_it_was_known() {
    for (known, verdict) in [(6, Verdict::Intact), (5, Verdict::OtherLog)] {
        let wanted = Wanted { compromised_after: Some(known), ..EVERYTHING };
        let mut fixture = Fixture::new(wanted);
        let anchors = [fixture.early.clone()];
        let contents = fixture.contents(wanted);
        let bytes = fixture.finish(contents, wanted).expect("a bundle");
        let report = verify(&bytes, &Known { anchors: &anchors, ..Known::default() });
        assert_eq!(report.verdict, verdict, "{:#?}", report.findings);
        assert!(report.notes.iter().any(|note| note.contains("other hands")), "{:?}", report.notes);
    }
}

/// The page tells every kind of entry in words.
#[test]
fn the_page_knows_every_kind() {
    for kind in provenote_schemas::Kind::ALL {
        assert!(page::html().contains(&format!("\"{kind}\": \"")), "{kind}");
    }
}
