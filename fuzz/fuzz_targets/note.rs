//! Signed notes: what is read is written back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provenote_ledger::SignedNote;

fuzz_target!(|text: &str| {
    if let Ok(note) = SignedNote::parse(text) {
        let lines: String = note.signatures().iter().map(ToString::to_string).collect();
        assert_eq!(format!("{}\n{lines}", note.text()), text);
    }
});
