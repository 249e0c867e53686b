//! Time as the ledger writes it: UTC, to the millisecond, always handed in by the edge.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A moment, UTC, in milliseconds; written `2026-11-21T20:00:00.123Z` (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(i64);

/// A text that is no time of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time: write it like 2026-11-21T20:00:00.123Z or 2026-11-21")]
pub struct BadTime(String);

impl Time {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 in UTC or a bare date (its first millisecond).
    ///
    /// # Errors
    /// [`BadTime`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(time.timestamp_millis()));
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|date| date.and_hms_opt(0, 0, 0))
            .map(|at| Self(at.and_utc().timestamp_millis()))
            .ok_or_else(|| BadTime(text.chars().take(40).collect()))
    }

    /// This moment and so many days.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        Self(self.0.saturating_add(TimeDelta::days(i64::from(days)).num_milliseconds()))
    }

    /// This moment and so many seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as i64 * 1000))
    }

    /// The UTC date, `2026-11-21`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = DateTime::<Utc>::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl TryFrom<String> for Time {
    type Error = BadTime;

    fn try_from(text: String) -> Result<Self, BadTime> {
        Self::parse(&text)
    }
}

impl From<Time> for String {
    fn from(time: Time) -> Self {
        time.to_string()
    }
}
