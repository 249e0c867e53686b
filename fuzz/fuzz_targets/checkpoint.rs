//! Checkpoints: the three lines of what is read are written back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provenote_ledger::Checkpoint;

fuzz_target!(|text: &str| {
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert!(text.starts_with(&checkpoint.text()));
    }
});
