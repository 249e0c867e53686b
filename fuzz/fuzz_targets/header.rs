//! Entries: what is read as a header is written back byte for byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use provenote_ledger::Header;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = Header::parse(bytes) {
        assert_eq!(header.encode(), bytes);
    }
});
