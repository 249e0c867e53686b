//! How long somebody has to wait after failures to sign in: longer each time, and never for good.
//!
//! The cost of a guess is Argon2id's; this bounds how many there are. Four tries are free, the fifth waits five seconds,
//! each further one twice as long, up to a quarter of an hour: at most about a hundred tries a day. Nothing locks an
//! account, so nobody can lock an owner out by guessing wrong on purpose.

use provenote_schemas::Time;

/// Failures without a wait.
pub const FREE: u32 = 4;
const FIRST_MS: i64 = 5_000;
/// The longest wait, in milliseconds.
pub const LONGEST_MS: i64 = 15 * 60 * 1000;

/// Whether somebody may try now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lockout {
    /// At once.
    Open,
    /// Not before so many milliseconds have passed.
    Wait {
        /// How many, at most [`LONGEST_MS`].
        ms: i64,
    },
}

/// The wait after so many failures in a row, in milliseconds.
#[must_use]
pub fn wait_ms(failures: u32) -> i64 {
    let Some(doublings) = failures.checked_sub(FREE + 1) else { return 0 };
    1_i64.checked_shl(doublings.min(20)).map_or(LONGEST_MS, |factor| FIRST_MS.saturating_mul(factor).min(LONGEST_MS))
}

/// Whether a try may be made, by the failures since the last success, in the order they were recorded.
///
/// A clock that stands before the last failure was set back. Then the wait cannot be measured and is asked in full:
/// the edge lets it pass by its own steady clock and goes on, so that a clock that was wrong for a day locks nobody out
/// for a day.
#[must_use]
pub fn standing(failures: &[Time], now: Time) -> Lockout {
    let count = u32::try_from(failures.len()).unwrap_or(u32::MAX);
    let wait = wait_ms(count);
    // Not the greatest: one entry from a clock that ran ahead must not hold for long.
    let Some(last) = failures.last() else { return Lockout::Open };
    let passed = now.millis().saturating_sub(last.millis()).max(0);
    match wait.saturating_sub(passed) {
        left if left <= 0 => Lockout::Open,
        ms => Lockout::Wait { ms },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Time {
        Time::from_millis(1_800_000_000_000 + ms)
    }

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (0..14).map(|failures| wait_ms(failures) / 1000).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 900]);
        assert_eq!(wait_ms(u32::MAX), LONGEST_MS);
    }

    #[test]
    fn a_wait_passes() {
        let failures = [at(0); 5];
        assert_eq!(standing(&failures, at(0)), Lockout::Wait { ms: 5_000 });
        assert_eq!(standing(&failures, at(4_999)), Lockout::Wait { ms: 1 });
        assert_eq!(standing(&failures, at(5_000)), Lockout::Open);
        assert_eq!(standing(&failures[..4], at(0)), Lockout::Open);
        assert_eq!(standing(&[], at(0)), Lockout::Open);
    }

    #[test]
    fn a_clock_set_back_skips_no_wait_and_locks_for_no_longer() {
        let failures = [at(0); 30];
        assert_eq!(standing(&failures, at(-86_400_000)), Lockout::Wait { ms: LONGEST_MS });
    }

    proptest! {
        #[test]
        fn no_history_locks_for_good(times in proptest::collection::vec(-9_000_000_i64..9_000_000, 0..200), now in -9_000_000_i64..9_000_000) {
            let failures: Vec<Time> = times.iter().map(|ms| at(*ms)).collect();
            if let Lockout::Wait { ms } = standing(&failures, at(now)) {
                prop_assert!((1..=LONGEST_MS).contains(&ms));
            }
            let last = times.last().copied().unwrap_or(0);
            prop_assert_eq!(standing(&failures, at(last + LONGEST_MS)), Lockout::Open);
        }

        #[test]
        fn one_failure_more_never_shortens_a_wait(failures in 0_u32..10_000) {
            prop_assert!(wait_ms(failures) <= wait_ms(failures + 1));
        }
    }
}
