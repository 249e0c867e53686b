//! A request to a witness, and an answer of one: what is read is written back byte for byte, and no cosignature comes of
//! bytes that this log's key did not sign.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provenote_ledger::witness::{AddCheckpoint, Reply, Witness, read_reply};
use provenote_ledger::{Cosigner, LogSigner};
use zeroize::Zeroizing;

/// The seeds are signed by this key; only they may be cosigned.
static LOG: LazyLock<LogSigner> =
    LazyLock::new(|| LogSigner::new("log.example/1", &Zeroizing::new([1; 32])).expect("a signer"));
static WITNESS: LazyLock<Witness> = LazyLock::new(|| {
    let cosigner = Cosigner::new("w.example", &Zeroizing::new([50; 32])).expect("a cosigner");
    Witness::new(cosigner, vec![LOG.verifier().clone()])
});

fuzz_target!(|bytes: &[u8]| {
    let (log, witness) = (&*LOG, &*WITNESS);
    let Ok(request) = AddCheckpoint::parse(bytes) else { return };
    assert_eq!(request.to_string().as_bytes(), bytes);
    match witness.decide(None, &request, 5) {
        Ok(cosigned) => {
            let checkpoint = request.checkpoint();
            assert!(
                request.note().contains(log.sign(checkpoint.size, checkpoint.root).rsplit(' ').next().expect("a part"))
            );
            let reply = read_reply(&request, witness.key(), 200, cosigned.body.as_bytes());
            assert!(matches!(reply, Reply::Cosigned { time: 5, .. }));
        }
        Err(refusal) => {
            let status = refusal.status();
            assert!([400, 403, 404, 409, 422].contains(&status));
            let _ = read_reply(&request, witness.key(), status, refusal.body().as_bytes());
        }
    }
    for status in [200, 409] {
        assert!(!matches!(read_reply(&request, witness.key(), status, bytes), Reply::Cosigned { .. }));
    }
});
