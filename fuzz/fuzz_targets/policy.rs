//! Policies: what is read is kept byte for byte, can be added to, and judges a note without end or panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provenote_ledger::policy::{Policy, Quorum};
use provenote_ledger::{Cosigner, SignedNote};
use zeroize::Zeroizing;

static WITNESS: LazyLock<Cosigner> =
    LazyLock::new(|| Cosigner::new("fuzz.example", &Zeroizing::new([77; 32])).expect("a cosigner"));

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse(bytes) else { return };
    assert_eq!(policy.text(), bytes);
    let _ = (policy.quorum_in_words(), policy.can_be_met());
    let note = "log.example/1\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— log.example/1 AAAAAAAA\n";
    let note = SignedNote::parse(note).expect("a note");
    let _ = policy.agreed(&note);
    for quorum in [None, Some(Quorum::All), Some(Quorum::AtLeast(1))] {
        if let Ok(more) = policy.with_witness("fuzz", WITNESS.key(), Some("http://fuzz.example/"), quorum) {
            assert_eq!(more.witnesses().len(), policy.witnesses().len() + 1);
            assert_eq!(more.logs(), policy.logs());
        }
    }
});
