//! Evidence bundles: what is read is written back byte for byte, and whatever a bundle holds, verifying it ends with a
//! verdict. A fuzzer does not guess checksums, so the bytes also take the place of one member of a whole bundle.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use provenote_bundle::container::{self, Member};
use provenote_bundle::{Known, Manifest, Verdict, verify};

const WHOLE: &[u8] = include_bytes!("../corpus/bundle/whole");
static MEMBERS: LazyLock<Vec<Member<'static>>> = LazyLock::new(|| container::read(WHOLE).expect("the whole bundle reads"));

fuzz_target!(|data: &[u8]| {
    if let Ok(members) = container::read(data) {
        assert_eq!(container::write(&members).as_deref(), Ok(data));
    }
    if let Ok(manifest) = Manifest::parse(data) {
        assert_eq!(manifest.encode(), data);
    }
    let _ = verify(data, &Known::default());
    let Some((which, rest)) = data.split_first() else { return };
    let mut members = MEMBERS.clone();
    let at = usize::from(*which) % members.len();
    let same = members[at].data == rest;
    members[at] = Member { name: members[at].name, data: rest };
    if let Ok(bytes) = container::write(&members) {
        assert_eq!(verify(&bytes, &Known::default()).verdict == Verdict::Intact, same);
    }
});
