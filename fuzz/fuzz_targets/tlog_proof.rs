//! C2SP tlog-proof: what is read is written back byte for byte, and checking it ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provenote_ledger::proof::{verify_consistency, verify_subtree_consistency, verify_subtree_inclusion};
use provenote_ledger::{Hash, TlogProof};

fuzz_target!(|text: &str| {
    let Ok(proof) = TlogProof::parse(text) else { return };
    assert_eq!(proof.to_string(), text);
    let _ = proof.verify(&Hash::ZERO);
    if let Ok(checkpoint) = provenote_ledger::SignedNote::parse(&proof.checkpoint)
        .and_then(|note| provenote_ledger::Checkpoint::parse(note.text()))
    {
        let (size, root) = (checkpoint.size, checkpoint.root);
        let _ = verify_consistency(proof.index, &Hash::ZERO, size, &root, &proof.hashes);
        let _ = verify_subtree_consistency(proof.index..size, &Hash::ZERO, size, &root, &proof.hashes);
        let _ = verify_subtree_inclusion(&Hash::ZERO, proof.index, proof.index..size, &proof.hashes, &root);
    }
});
