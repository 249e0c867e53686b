//! A witness's vkey in the first line, signature lines after it: read, merged into a note and checked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provenote_ledger::{CosignerKey, SignedNote};

fuzz_target!(|text: &str| {
    let (vkey, lines) = text.split_once('\n').unwrap_or((text, ""));
    let note = "log.example/1\n7\nAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\n\n— log.example/1 AAAAAAAA\n";
    let note = SignedNote::parse(note).expect("a note");
    let merged = note.with_lines(lines).ok().map(|merged| SignedNote::parse(&merged).expect("is a note"));
    if let Some(merged) = &merged {
        assert_eq!(merged.text(), note.text());
        let again = merged.with_lines(lines).expect("merges again");
        assert_eq!(SignedNote::parse(&again).as_ref(), Ok(merged), "merging twice changes nothing");
    }
    if let Ok(key) = vkey.parse::<CosignerKey>() {
        assert_eq!(key.to_string(), vkey);
        let _ = merged.as_ref().unwrap_or(&note).cosigned_by(&key);
    }
});
