//! A clock that tests move, and bytes that are the same in each run: for tests that meet the use cases without the program.

use std::cell::Cell;
use std::rc::Rc;

use provenote_ledger::{Argon2Params, Entropy};
use provenote_practice::ports::Clock;
use provenote_practice::setup::PracticeRecord;
use provenote_schemas::Time;

/// A clock that stands where it was put.
#[derive(Debug, Clone)]
pub struct Moved(Rc<Cell<i64>>);

impl Moved {
    /// At this moment, in milliseconds since 1970.
    #[must_use]
    pub fn at(ms: i64) -> Self {
        Self(Rc::new(Cell::new(ms)))
    }

    /// Moves it on, or back.
    pub fn by(&self, seconds: i64) {
        self.0.set(self.0.get() + seconds * 1000);
    }

    /// Where it stands, in milliseconds since 1970.
    #[must_use]
    pub fn millis(&self) -> i64 {
        self.0.get()
    }
}

impl Clock for Moved {
    fn now(&self) -> Time {
        Time::from_millis(self.0.get())
    }
}

/// Quick to unlock, and not for use.
pub const QUICK: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

/// Elm Street in Illinois.
#[must_use]
pub fn elm_street() -> PracticeRecord {
    PracticeRecord {
        name: "Elm Street".to_owned(),
        clinician: "Dana Reyes".to_owned(),
        license: None,
        state: "IL".to_owned(),
    }
}

/// Not random: a counter, so that each run makes the same practice.
#[derive(Debug)]
pub struct Counted(pub u64);

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}
