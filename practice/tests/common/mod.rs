//! What tests of the practice are made of: a clock that tests move, bytes that never repeat, models that are names, and
//! the practice's own name.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::cell::Cell;
use std::rc::Rc;

use provenote_ledger::{Argon2Params, Entropy};
use provenote_pipeline::engine::ModelFile;
use provenote_practice::ports::{Clock, Models};
use provenote_practice::setup::PracticeRecord;
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::{Digest, Time};

/// 2027-01-15.
pub(crate) const START: i64 = 1_800_000_000_000;

/// Milliseconds.
pub(crate) const DAY: i64 = 86_400_000;

/// The founder's passphrase.
pub(crate) const PASSPHRASE: &[u8] = b"five random words in order";

/// Quick to unlock, and not for use.
pub(crate) const LIGHT: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

/// A clock that tests move.
#[derive(Clone)]
pub(crate) struct Hand(pub(crate) Rc<Cell<i64>>);

impl Hand {
    /// At this moment, in milliseconds since 1970.
    pub(crate) fn at(ms: i64) -> Self {
        Self(Rc::new(Cell::new(ms)))
    }
}

impl Clock for Hand {
    fn now(&self) -> Time {
        Time::from_millis(self.0.get())
    }
}

/// Bytes that never repeat within a test.
pub(crate) struct Counting(pub(crate) u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bytes = (self.0 ^ (self.0 >> 29)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// Every name is a model.
pub(crate) struct Catalogue;

impl Models for Catalogue {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        let (id, sha256) = (id.to_owned(), Digest::of(id.as_bytes()));
        Some(ModelFact { name: id.clone(), maker: "A maker".to_owned(), id, sha256 })
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        Ok(ModelFile { id: id.to_owned(), path: "/nowhere".into(), sha256: Digest::of(id.as_bytes()) })
    }
}

/// Elm Street Counseling in a state.
pub(crate) fn elm_street(state: &str) -> PracticeRecord {
    PracticeRecord {
        name: "Elm Street Counseling".to_owned(),
        clinician: "Dana Reyes".to_owned(),
        license: None,
        state: state.to_owned(),
    }
}
