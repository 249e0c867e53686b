//! Time-stamps: reading one ends, what is kept is read back, and nothing verifies but what the authority of the seeds
//! stated. Its keys were thrown away.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provenote_timestamp::{Authorities, Response, StampError, check, verify};

const TEXT: &str = "provenote.local/0123456789abcdef\n559\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const NOTE: &str = "provenote.local/0123456789abcdef\n559\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
                    — provenote.local/0123456789abcdef AAAAAAAA\n";

static TRUSTED: LazyLock<Authorities> =
    LazyLock::new(|| Authorities::parse(include_bytes!("timestamp.pem")).expect("a certificate"));

/// Times and serial numbers of the seeds.
static STATED: LazyLock<Vec<(i64, String)>> = LazyLock::new(|| {
    let seeds: [&[u8]; 3] = [
        include_bytes!("../corpus/timestamp/p256.tsr"),
        include_bytes!("../corpus/timestamp/p384.tsr"),
        include_bytes!("../corpus/timestamp/rsa.tsr"),
    ];
    let stamps = seeds.map(|seed| check(NOTE, seed, &TRUSTED, i64::MAX).expect("a seed verifies"));
    stamps.into_iter().map(|stamp| (stamp.time_ms, stamp.serial)).collect()
});

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(STATED.len(), 3);
    // An answer, or a token by itself.
    let _ = (Authorities::parse(bytes), verify(bytes, TEXT, Some(7), &Authorities::default(), 0));
    let Ok(response) = Response::parse(bytes) else { return };
    assert_eq!(Response::parse(&response.to_der()), Ok(response.clone()));
    let judged = verify(response.token(), TEXT, None, &TRUSTED, i64::MAX);
    assert_eq!(judged, check(NOTE, bytes, &TRUSTED, i64::MAX));
    match judged {
        Ok(stamp) => assert!(STATED.contains(&(stamp.time_ms, stamp.serial)), "a forgery"),
        Err(StampError::UnknownAuthority(stamp)) => assert!(stamp.time().len() <= 20),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});
