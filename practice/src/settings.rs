//! What a practice has chosen. Kept in the ledger, in the clear: it holds no health information,
//! and a setting that lets something through must be seen by whoever holds only the log.

use std::collections::BTreeMap;

use provenote_ledger::Fact;
use serde::Serialize;

use crate::error::PracticeError;

/// The pipeline and retention of this practice as configured today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The speech model's catalogue id.
    pub speech: String,
    /// The voice activity model's catalogue id.
    pub voice_activity: String,
    /// Drafting models allowed, the first one by default.
    pub drafting: Vec<String>,
    /// Threads an engine may use.
    pub threads: u32,
    /// True where workers may run although the operating system does not isolate them.
    pub allow_no_sandbox: bool,
    /// Latest age of a recording, in days.
    pub audio_days: u32,
    /// Latest age of transcript, prompts, raw outputs and drafts, in days.
    pub working_days: u32,
    /// How long a consent is good for, in days.
    pub consent_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            speech: "whisper-base".to_owned(),
            voice_activity: "silero-vad".to_owned(),
            drafting: vec!["qwen2.5-coder-1.5b".to_owned()],
            threads: 1,
            allow_no_sandbox: false,
            // retention.yaml RET-09 and RET-10: at signing, and at most seven days.
            audio_days: 7,
            working_days: 7,
            // consent-elements.yaml CON-24: renewed each year.
            consent_days: 365,
        }
    }
}

/// The settings' names, for `settings set`.
pub const NAMES: [&str; 8] = [
    "speech",
    "voice_activity",
    "drafting",
    "threads",
    "allow_no_sandbox",
    "audio_days",
    "working_days",
    "consent_days",
];

impl Settings {
    /// As header facts, one a setting.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<String, Fact> {
        BTreeMap::from([
            ("speech".to_owned(), Fact::Text(self.speech.clone())),
            ("voice_activity".to_owned(), Fact::Text(self.voice_activity.clone())),
            ("drafting".to_owned(), Fact::Text(self.drafting.join(","))),
            ("threads".to_owned(), Fact::Number(self.threads.into())),
            ("allow_no_sandbox".to_owned(), Fact::Flag(self.allow_no_sandbox)),
            ("audio_days".to_owned(), Fact::Number(self.audio_days.into())),
            ("working_days".to_owned(), Fact::Number(self.working_days.into())),
            ("consent_days".to_owned(), Fact::Number(self.consent_days.into())),
        ])
    }

    /// From header facts; what is not named stays at its default.
    #[must_use]
    pub fn from_facts(facts: &BTreeMap<String, Fact>) -> Self {
        let mut settings = Self::default();
        for (name, fact) in facts {
            let text = match fact {
                Fact::Text(text) => text.clone(),
                Fact::Number(number) => number.to_string(),
                Fact::Flag(flag) => flag.to_string(),
            };
            // A fact of a later version is left alone: the settings it belongs to are not ours.
            let _ = settings.set(name, &text);
        }
        settings
    }

    /// Sets one setting from text.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for an unknown name or a value out of range.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), PracticeError> {
        let number = |least: u32, most: u32| {
            value.parse::<u32>().ok().filter(|n| (least..=most).contains(n)).ok_or_else(|| {
                PracticeError::BadRequest(format!(
                    "`{value}` does not fit {name}: give a whole number from {least} to {most}"
                ))
            })
        };
        let token = |value: &str| {
            let fits = !value.is_empty()
                && value.len() <= 64
                && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            if fits {
                Ok(value.to_owned())
            } else {
                Err(PracticeError::BadRequest(format!("`{value}` is no model id: `provenote model list` shows them")))
            }
        };
        match name {
            "speech" => self.speech = token(value)?,
            "voice_activity" => self.voice_activity = token(value)?,
            "drafting" => self.drafting = value.split(',').map(|id| token(id.trim())).collect::<Result<_, _>>()?,
            "threads" => self.threads = number(1, 64)?,
            "audio_days" => self.audio_days = number(0, 30)?,
            "working_days" => self.working_days = number(0, 30)?,
            "consent_days" => self.consent_days = number(1, 366)?,
            "allow_no_sandbox" => {
                self.allow_no_sandbox = value.parse().map_err(|_| {
                    PracticeError::BadRequest(format!("`{value}` does not fit {name}: give true or false"))
                })?;
            }
            _ => {
                return Err(PracticeError::BadRequest(format!(
                    "there is no setting `{name}`: there are {}",
                    NAMES.join(", ")
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_the_header() {
        let mut settings = Settings::default();
        settings.set("drafting", "smollm2-135m,qwen2.5-coder-1.5b").expect("two ids");
        settings.set("allow_no_sandbox", "true").expect("a flag");
        assert_eq!(Settings::from_facts(&settings.facts()), settings);
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        let mut settings = Settings::default();
        for (name, value) in
            [("audio_days", "31"), ("threads", "0"), ("drafting", ""), ("allow_no_sandbox", "maybe"), ("spech", "x")]
        {
            assert!(settings.set(name, value).is_err(), "{name}={value}");
        }
        assert_eq!(settings, Settings::default());
    }
}
