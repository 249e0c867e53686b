//! Time-stamps of a real authority (`openssl ts`), and what an authority must not do.

mod authority;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use authority::{Authority, Key, STAMPING, openssl, serve};
use proptest::prelude::*;
use provenote_timestamp::{
    Authorities, FetchError, MAX_RESPONSE, Response, ResponseError, Stamp, StampError, check, fetch, request, verify,
};

const TEXT: &str = "provenote.local/0123456789abcdef\n559\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const NOTE: &str = "provenote.local/0123456789abcdef\n559\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
                    — provenote.local/0123456789abcdef AAAAAAAA\n";
const NONCE: u64 = 0x8899_aabb_ccdd_eeff;
/// A clock that no stamp is ahead of.
const LATE: i64 = i64::MAX;

fn trusted(authority: &Authority) -> Authorities {
    Authorities::parse(&authority.read("ca.pem")).expect("certificates")
}

fn token(authority: &Authority) -> Vec<u8> {
    Response::parse(&authority.reply(&request(TEXT, NONCE))).expect("an answer").token().to_vec()
}

fn verified(authority: &Authority, token: &[u8]) -> Result<Stamp, StampError> {
    verify(token, TEXT, Some(NONCE), &trusted(authority), LATE)
}

/// Each kind of key and digest, over HTTP; and `openssl ts -verify` accepts what we accept.
#[test]
fn stamps_of_every_kind_are_accepted_by_us_and_by_openssl() {
    for (key, digest) in [
        (Key::Rsa, "sha256"),
        (Key::Rsa, "sha384"),
        (Key::Rsa, "sha512"),
        (Key::P256, "sha256"),
        (Key::P256, "sha512"),
        (Key::P384, "sha256"),
        (Key::P384, "sha384"),
        (Key::P384, "sha512"),
    ] {
        let authority = Arc::new(Authority::new("Test authority", key, digest));
        let (url, server) = authority.serve(1);
        let query = request(TEXT, NONCE);
        let answer = fetch(&url, &query, None).expect("an answer");
        server.join().expect("served");
        let response = Response::parse(&answer).expect("a response");
        let stamp = verified(&authority, response.token()).unwrap_or_else(|error| panic!("{key:?} {digest}: {error}"));
        assert_eq!(stamp.authority, "Stamping server");
        assert_eq!(stamp.policy, "1.3.6.1.4.1.99999.3.1");
        assert_eq!(stamp.accuracy, Some(Duration::from_micros(1_500_100)));

        let kept = response.to_der();
        assert_eq!(check(NOTE, &kept, &trusted(&authority), LATE), Ok(stamp.clone()));
        fs::write(authority.file("kept.tsr"), &kept).expect("writes");
        fs::write(authority.file("note.txt"), TEXT).expect("writes");
        fs::write(authority.file("asked.tsq"), &query).expect("writes");
        for asked in [&["-data", "note.txt"][..], &["-queryfile", "asked.tsq"]] {
            let args = [&["ts", "-verify", "-in", "kept.tsr", "-CAfile", "ca.pem"], asked].concat();
            assert!(openssl(authority.path(), &args).contains("Verification: OK"), "{key:?} {digest}");
        }
        let told = openssl(authority.path(), &["ts", "-reply", "-in", "kept.tsr", "-text"]);
        assert!(told.contains(&format!("Serial number: 0x{}", stamp.serial.to_uppercase())), "{told} {stamp:?}");
        let millis = format!(":{:02}", stamp.time_ms / 1000 % 60);
        let line = told.lines().find(|line| line.starts_with("Time stamp:")).expect("a time");
        assert!(line.contains(&millis) && line.ends_with("GMT"), "{line} {}", stamp.time());
    }
}

#[test]
fn older_names_and_longer_chains_are_accepted() {
    // RFC 3161's own name of the certificate, by SHA-1.
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    authority.configure("sha256", "ess_cert_id_alg = sha1");
    verified(&authority, &token(&authority)).expect("named by SHA-1");
    // An authority between, sent along; and the order of names in the token.
    authority.key("between", Key::P384);
    authority.certify(
        "between",
        "between",
        "Between",
        "ca",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
    );
    authority.certify("tsa", "tsa", "Stamping server", "between", STAMPING);
    authority.configure("sha256", "ess_cert_id_chain = yes\ncerts = between.pem");
    verified(&authority, &token(&authority)).expect("a chain of three");
    // The same without the one between: nobody knows who vouches for the server.
    authority.configure("sha256", "");
    let missing = verified(&authority, &token(&authority)).expect_err("a gap in the chain");
    assert!(matches!(missing, StampError::UnknownAuthority(_)), "{missing}");
    // An authority between that may sign servers of the web only.
    let limited = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nextendedKeyUsage=serverAuth\n";
    authority.certify("between", "between", "Between", "ca", limited);
    authority.configure("sha256", "certs = between.pem");
    let refused = verified(&authority, &token(&authority)).expect_err("for something else").to_string();
    assert!(refused.contains("one may not be used for this"), "{refused}");
}

#[test]
fn tokens_of_other_programs_are_accepted() {
    let authority = Authority::new("Test authority", Key::Rsa, "sha256");
    let content = authority.content(&authority.reply(&request(TEXT, NONCE)));
    let pss = &["-cades", "-md", "sha384", "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1"];
    for more in [&["-cades"][..], &["-cades", "-keyid"], &["-cades", "-md", "sha512"], pss] {
        let token = authority.signed(&content, "tsa", "tsa", more);
        verified(&authority, &token).unwrap_or_else(|error| panic!("{more:?}: {error}"));
    }
}

#[test]
fn an_unknown_authority_is_named_and_not_believed() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    let stranger = Authority::new("Another authority", Key::P256, "sha256");
    let namesake = Authority::new("Test authority", Key::P256, "sha256");
    let token = token(&authority);
    let right = verified(&authority, &token).expect("trusted");
    for nobody in [Authorities::default(), trusted(&stranger)] {
        let error = verify(&token, TEXT, None, &nobody, LATE).expect_err("not trusted");
        assert_eq!(error, StampError::UnknownAuthority(Box::new(right.clone())), "it says what is stated all the same");
        let said = error.to_string();
        assert!(said.contains("by an authority this program was not told to trust: Stamping server"), "{said}");
    }
    let error = verify(&token, TEXT, None, &trusted(&namesake), LATE).expect_err("another of the same name");
    assert!(error.to_string().contains("not signed by the trusted authority of that name"), "{error}");
    let mut both = trusted(&stranger);
    both.extend(trusted(&authority));
    assert_eq!(verify(&token, TEXT, None, &both, LATE), Ok(right));
}

#[test]
fn a_stamp_of_something_else_is_refused() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    let reply = authority.reply(&request(TEXT, NONCE));
    let response = Response::parse(&reply).expect("an answer");
    let trusted = trusted(&authority);
    let said = |result: Result<Stamp, StampError>| result.expect_err("refused").to_string();
    let other = TEXT.replace("559", "560");
    assert_eq!(
        said(verify(response.token(), &other, None, &trusted, LATE)),
        "the time-stamp is of something else than this checkpoint"
    );
    assert_eq!(
        said(verify(response.token(), TEXT, Some(NONCE + 1), &trusted, LATE)),
        "the time-stamp answers another request than the one just made: ask again"
    );
    let future = said(verify(response.token(), TEXT, None, &trusted, 0));
    assert!(future.ends_with("but this computer's clock shows 1970-01-01T00:00:00Z: set the clock"), "{future}");
    assert!(said(check("no note", &reply, &trusted, LATE)).starts_with("the checkpoint beside the time-stamp"));
    for length in 0..reply.len() {
        let error = check(NOTE, &reply[..length], &trusted, LATE).expect_err("cut off");
        assert!(error.to_string().contains("it breaks off"), "{length}: {error}");
    }
}

#[test]
fn a_certificate_that_may_not_stamp_is_refused() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    let content = authority.content(&authority.reply(&request(TEXT, NONCE)));
    for (name, usage) in [
        ("none", "subjectKeyIdentifier=hash\n"),
        ("web", "extendedKeyUsage=critical,serverAuth\n"),
        ("mild", "extendedKeyUsage=timeStamping\n"),
        ("both", "extendedKeyUsage=critical,timeStamping,serverAuth\n"),
    ] {
        authority.certify(name, "tsa", name, "ca", usage);
        let token = authority.signed(&content, name, "tsa", &["-cades"]);
        let error = verified(&authority, &token).expect_err(name);
        assert_eq!(
            error.to_string(),
            format!("the certificate of {name} is not for time-stamping alone, as a time-stamp's must be")
        );
    }
}

#[test]
fn a_certificate_counts_at_the_stamps_own_time() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    let content = authority.content(&authority.reply(&request(TEXT, NONCE)));
    authority.certify_between("old", "tsa", "Old server", STAMPING, "20100101", "20120101");
    let late = authority.signed(&content, "old", "tsa", &["-cades"]);
    let error = verified(&authority, &late).expect_err("expired").to_string();
    assert!(error.starts_with("the certificate of Old server was not valid at 20"), "{error}");
    assert!(error.ends_with("but from 2010-01-01T00:00:00Z to 2012-01-01T00:00:00Z"), "{error}");
    // The same server in its own days: that its certificate has expired since does no harm.
    // DER drops a fraction's last zeros (X.690, 11.7), so the time's length differs from stamp to stamp.
    let at = content.windows(4).position(|bytes| bytes[0] == 0x18 && bytes[2..] == *b"20").expect("a time");
    let mut then = content.clone();
    then[at + 2..at + 6].copy_from_slice(b"2011");
    let stamp = verified(&authority, &authority.signed(&then, "old", "tsa", &["-cades"])).expect("valid then");
    assert!(stamp.time().starts_with("2011-"), "{}", stamp.time());
}

#[test]
fn a_token_that_is_put_together_is_refused() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    // Certificates before the stamp, so that they are valid at its time.
    authority.key("thief", Key::P256);
    authority.certify("thief", "thief", "Stamping server", "ca", STAMPING);
    let content = authority.content(&authority.reply(&request(TEXT, NONCE)));
    let refused = |token: &[u8]| verified(&authority, token).expect_err("refused").to_string();
    // Without the certificate's name, without the certificate, by two, with another certificate of the same number.
    assert!(refused(&authority.signed(&content, "tsa", "tsa", &[])).contains("does not name the certificate"));
    assert!(refused(&authority.signed(&content, "tsa", "tsa", &["-cades", "-nocerts"])).contains("does not carry"));
    authority.certify("second", "tsa", "Second", "ca", STAMPING);
    let two = authority.signed(&content, "tsa", "tsa", &["-cades", "-signer", "second.pem", "-inkey", "tsa.key"]);
    assert!(refused(&two).contains("not signed by exactly one authority"));
    authority.certify("twin", "tsa", "Twin", "ca", STAMPING);
    let twin = authority.signed(&content, "tsa", "tsa", &["-cades", "-nocerts", "-certfile", "twin.pem"]);
    assert!(refused(&twin).contains("names another certificate than that of Twin"), "{}", refused(&twin));
    // A message that is signed, but is no time-stamp; digests too weak; attributes left out.
    let letter = authority.signed_as("1.2.840.113549.1.9.16.1.1", &content, "tsa", "tsa", &["-cades"]);
    assert!(refused(&letter).contains("but no time-stamp"), "{}", refused(&letter));
    let weak = authority.signed(&content, "tsa", "tsa", &["-cades", "-md", "sha1"]);
    assert!(refused(&weak).contains("an algorithm this program does not verify (1.3.14.3.2.26)"), "{}", refused(&weak));
    let bare = authority.signed(&content, "tsa", "tsa", &["-noattr"]);
    assert!(
        refused(&bare).contains("signed attributes") || refused(&bare).contains("cannot be read"),
        "{}",
        refused(&bare)
    );
    // Another's signature under the right certificate.
    let forged = authority.signed(&content, "thief", "thief", &["-cades"]);
    let genuine = authority.signed(&content, "tsa", "tsa", &["-cades"]);
    for one in [&forged, &genuine] {
        verified(&authority, one).expect("each by itself is right");
    }
    let end = genuine.len() - 20;
    let mut mixed = genuine.clone();
    mixed[end..].copy_from_slice(&forged[forged.len() - 20..]);
    assert!(refused(&mixed).contains("does not verify"), "{}", refused(&mixed));
}

/// Every byte of a kept stamp is changed in turn: none can be and still verify.
#[test]
fn no_byte_of_a_stamp_can_be_changed() {
    for key in [Key::Rsa, Key::P256] {
        let authority = Authority::new("Test authority", key, "sha256");
        let kept = Response::parse(&authority.reply(&request(TEXT, NONCE))).expect("an answer").to_der();
        let trusted = trusted(&authority);
        check(NOTE, &kept, &trusted, LATE).expect("as it was made");
        for at in 0..kept.len() {
            for change in [0x01, 0x80, u8::try_from(at % 255 + 1).expect("a byte")] {
                let mut changed = kept.clone();
                changed[at] ^= change;
                let result = check(NOTE, &changed, &trusted, LATE);
                assert!(
                    result.is_err() && !matches!(result, Err(StampError::UnknownAuthority(_))),
                    "{key:?}: byte {at} changed by {change:#04x}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn an_authority_that_refuses_is_quoted() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    // It wants another digest than SHA-256.
    let config =
        fs::read_to_string(authority.file("tsa.cnf")).expect("reads").replace("digests=sha256", "digests=sha512");
    fs::write(authority.file("tsa.cnf"), config).expect("writes");
    let error = Response::parse(&authority.reply(&request(TEXT, NONCE))).expect_err("refused").to_string();
    assert!(error.starts_with("the authority gave no time-stamp: it does not know the hash, it says"), "{error}");
}

#[test]
fn servers_that_are_no_authorities_are_refused() {
    let answers = |status, kind, body: Vec<u8>| {
        let (url, server) = serve(1, move |_| (status, kind, body.clone()));
        let result = fetch(&url, &request(TEXT, NONCE), None);
        server.join().expect("served");
        result
    };
    let reply = "application/timestamp-reply";
    assert_eq!(answers("200 OK", reply, b"nonsense".to_vec()).expect("bytes"), b"nonsense");
    assert_eq!(answers("200 OK", "Application/Timestamp-Reply; v=1", vec![]).expect("bytes"), b"");
    let page = answers("200 OK", "text/html; charset=utf-8", b"<html>".to_vec()).expect_err("a page");
    assert_eq!(
        page.to_string(),
        "127.0.0.1 is no time-stamping authority: it answered with \u{201c}text/html; charset=utf-8\u{201d}; check the address"
    );
    for status in ["404 Not Found", "302 Found", "500 Broken"] {
        let error = answers(status, reply, vec![]).expect_err(status);
        assert!(
            matches!(&error, FetchError::Refused { status: code, .. } if status.starts_with(&code.to_string())),
            "{error}"
        );
    }
    let long = answers("200 OK", reply, vec![0; MAX_RESPONSE + 1]).expect_err("too long");
    assert!(matches!(long, FetchError::TooLong { .. }), "{long}");
    let (url, server) = serve(0, |_| unreachable!("nobody is served"));
    server.join().expect("gone");
    let gone = fetch(&url, b"query", None).expect_err("nobody is there").to_string();
    assert!(gone.starts_with("127.0.0.1 could not be reached:") && !gone.contains('\n'), "{gone}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Response::parse(&bytes);
        let _ = Authorities::parse(&bytes);
        prop_assert!(verify(&bytes, TEXT, None, &Authorities::default(), LATE).is_err());
        prop_assert!(check(NOTE, &bytes, &Authorities::default(), LATE).is_err());
    }
}

/// Bytes that begin as a stamp does, so that they reach further into the reading.
#[test]
fn half_a_stamp_and_nonsense_do_not_make_it_panic() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    let token = token(&authority);
    let trusted = trusted(&authority);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    let places = proptest::collection::vec((0..token.len(), any::<u8>()), 1..6);
    let cut = (places, 0..token.len(), any::<bool>());
    runner
        .run(&cut, |(places, at, delete)| {
            let mut changed = token.clone();
            for (place, byte) in places {
                changed[place] = byte;
            }
            if delete {
                changed.remove(at);
            }
            if changed != token {
                prop_assert!(verify(&changed, TEXT, None, &trusted, LATE).is_err());
            }
            Ok(())
        })
        .expect("no panic, and nothing accepted");
}

#[test]
fn requests_are_read_by_openssl() {
    let authority = Authority::new("Test authority", Key::P256, "sha256");
    for nonce in [0, 1, 0x7f, 0x80, u64::from(u32::MAX), u64::MAX] {
        fs::write(authority.file("asked.tsq"), request(TEXT, nonce)).expect("writes");
        let told = openssl(authority.path(), &["ts", "-query", "-in", "asked.tsq", "-text"]);
        assert!(told.contains("Hash Algorithm: sha256") && told.contains("Certificate required: yes"), "{told}");
        // An even number of digits, whatever the first.
        let digits = told.lines().find_map(|line| line.strip_prefix("Nonce: 0x")).expect("a nonce");
        assert_eq!(u64::from_str_radix(digits, 16), Ok(nonce), "{told}");
        let token = Response::parse(&authority.reply(&request(TEXT, nonce))).expect("an answer");
        verify(token.token(), TEXT, Some(nonce), &trusted(&authority), LATE).expect("the nonce comes back");
    }
    assert_eq!(Response::parse(b"").expect_err("empty"), ResponseError::Malformed("it breaks off"));
}
