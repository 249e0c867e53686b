//! What a practice has chosen. Kept in the ledger, in the clear: it holds no health information,
//! and a setting that lets something through must be seen by whoever holds only the log.

use std::collections::BTreeMap;

use provenote_consent::{AfterWithdrawal, Guardians, Policy};
use provenote_ledger::Fact;
use provenote_schemas::{Purpose, Role};
use provenote_trail::retention::LEAST_YEARS;
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
    /// True where the clinician's statement that somebody said yes aloud opens the gate, if no law asks for writing.
    pub consent_spoken_opens: bool,
    /// How many guardians have to say yes for somebody under age.
    pub consent_guardians: Guardians,
    /// True where the practice has confirmed the rule of its state that lets a minor of some age consent alone.
    pub consent_minors_alone: bool,
    /// What a withdrawal does to what is there already, where nobody chooses.
    pub consent_after_withdrawal: AfterWithdrawal,
    /// Purposes that every session needs besides its own.
    pub consent_always: Vec<Purpose>,
    /// How many days a copy in a backup may outlive the record; 0 where no backups are made.
    pub backup_days: u32,
    /// How many years the trail of entries is kept at least; never fewer than six.
    pub trail_years: u32,
    /// Roles whose users have to give a second factor, or do not have to; those not named have to in every practice of
    /// more than one user.
    pub factor_roles: BTreeMap<Role, bool>,
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
            consent_spoken_opens: false,
            consent_guardians: Guardians::One,
            consent_minors_alone: false,
            consent_after_withdrawal: AfterWithdrawal::KeepUntilDue,
            consent_always: Vec::new(),
            backup_days: 30,
            // audit-log-requirements.yaml AUD-R4: a policy choice, commonly inferred.
            trail_years: LEAST_YEARS,
            factor_roles: BTreeMap::new(),
        }
    }
}

/// The settings' names, for `settings set`.
pub const NAMES: [&str; 16] = [
    "speech",
    "voice_activity",
    "drafting",
    "threads",
    "allow_no_sandbox",
    "audio_days",
    "working_days",
    "consent_days",
    "consent_spoken_opens",
    "consent_guardians",
    "consent_minors_alone",
    "consent_after_withdrawal",
    "consent_always",
    "backup_days",
    "trail_years",
    "factor_roles",
];

/// The word for no purpose: a fact of a header is never empty.
const NONE: &str = "none";
/// The word for no role whose second factor the practice decided on.
const USUAL: &str = "usual";

const fn guardians_word(guardians: Guardians) -> i64 {
    match guardians {
        Guardians::One => 1,
        Guardians::Two => 2,
    }
}

const fn after_word(after: AfterWithdrawal) -> &'static str {
    match after {
        AfterWithdrawal::KeepUntilDue => "keep_until_due",
        AfterWithdrawal::DestroyNow => "destroy_now",
    }
}

fn purposes(value: &str) -> Result<Vec<Purpose>, PracticeError> {
    let mut purposes: Vec<Purpose> = Vec::new();
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty() && *word != NONE) {
        let purpose = Purpose::from_word(word).ok_or_else(|| {
            let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
            PracticeError::BadRequest(format!(
                "`{}` is no purpose: give {NONE}, or some of {}",
                word.chars().take(40).collect::<String>(),
                known.join(", ")
            ))
        })?;
        if !purposes.contains(&purpose) {
            purposes.push(purpose);
        }
    }
    Ok(purposes)
}

/// `biller=off,owner=on`.
fn factor_roles(value: &str) -> Result<BTreeMap<Role, bool>, PracticeError> {
    let bad = |given: &str| {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        PracticeError::BadRequest(format!(
            "`{}` does not fit factor_roles: give {USUAL}, or ROLE=on and ROLE=off with commas between them; the roles are {}",
            given.chars().take(40).collect::<String>(),
            roles.join(", ")
        ))
    };
    let mut decided = BTreeMap::new();
    for part in value.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != USUAL) {
        let (role, on) = part.split_once('=').ok_or_else(|| bad(part))?;
        let on = match on.trim() {
            "on" => true,
            "off" => false,
            _ => return Err(bad(part)),
        };
        decided.insert(Role::from_word(role.trim()).ok_or_else(|| bad(part))?, on);
    }
    Ok(decided)
}

impl Settings {
    /// As header facts, one a setting.
    #[must_use]
    pub fn facts(&self) -> BTreeMap<String, Fact> {
        let always: Vec<&str> = self.consent_always.iter().map(|purpose| purpose.as_str()).collect();
        let always = if always.is_empty() { NONE.to_owned() } else { always.join(",") };
        let mut facts = BTreeMap::from([
            ("speech".to_owned(), Fact::Text(self.speech.clone())),
            ("voice_activity".to_owned(), Fact::Text(self.voice_activity.clone())),
            ("drafting".to_owned(), Fact::Text(self.drafting.join(","))),
            ("threads".to_owned(), Fact::Number(self.threads.into())),
            ("allow_no_sandbox".to_owned(), Fact::Flag(self.allow_no_sandbox)),
            ("audio_days".to_owned(), Fact::Number(self.audio_days.into())),
            ("working_days".to_owned(), Fact::Number(self.working_days.into())),
            ("consent_days".to_owned(), Fact::Number(self.consent_days.into())),
            ("consent_spoken_opens".to_owned(), Fact::Flag(self.consent_spoken_opens)),
            ("consent_guardians".to_owned(), Fact::Number(guardians_word(self.consent_guardians))),
            ("consent_minors_alone".to_owned(), Fact::Flag(self.consent_minors_alone)),
            ("consent_after_withdrawal".to_owned(), Fact::Text(after_word(self.consent_after_withdrawal).to_owned())),
            ("consent_always".to_owned(), Fact::Text(always)),
            ("backup_days".to_owned(), Fact::Number(self.backup_days.into())),
        ]);
        // Most practices decide nothing of these, and their entries stay as they are.
        if self.trail_years != LEAST_YEARS {
            facts.insert("trail_years".to_owned(), Fact::Number(self.trail_years.into()));
        }
        if !self.factor_roles.is_empty() {
            let word = |on: bool| if on { "on" } else { "off" };
            let roles: Vec<String> =
                self.factor_roles.iter().map(|(role, on)| format!("{role}={}", word(*on))).collect();
            facts.insert("factor_roles".to_owned(), Fact::Text(roles.join(",")));
        }
        facts
    }

    /// What the practice has decided for itself about consent.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy {
            spoken_opens: self.consent_spoken_opens,
            guardians: self.consent_guardians,
            minors_consent_alone: self.consent_minors_alone,
            after_withdrawal: self.consent_after_withdrawal,
            always: self.consent_always.clone(),
        }
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
        let flag = |value: &str| {
            value
                .parse::<bool>()
                .map_err(|_| PracticeError::BadRequest(format!("`{value}` does not fit {name}: give true or false")))
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
            "backup_days" => self.backup_days = number(0, 90)?,
            "trail_years" => self.trail_years = number(LEAST_YEARS, 100)?,
            "allow_no_sandbox" => self.allow_no_sandbox = flag(value)?,
            "consent_spoken_opens" => self.consent_spoken_opens = flag(value)?,
            "consent_minors_alone" => self.consent_minors_alone = flag(value)?,
            "consent_guardians" => {
                self.consent_guardians = if number(1, 2)? == 1 { Guardians::One } else { Guardians::Two };
            }
            "consent_after_withdrawal" => {
                self.consent_after_withdrawal = [AfterWithdrawal::KeepUntilDue, AfterWithdrawal::DestroyNow]
                    .into_iter()
                    .find(|after| after_word(*after) == value)
                    .ok_or_else(|| {
                        PracticeError::BadRequest(format!(
                            "`{value}` does not fit {name}: give keep_until_due or destroy_now"
                        ))
                    })?;
            }
            "consent_always" => self.consent_always = purposes(value)?,
            "factor_roles" => self.factor_roles = factor_roles(value)?,
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
        for (name, value) in [
            ("consent_spoken_opens", "true"),
            ("consent_guardians", "2"),
            ("consent_minors_alone", "true"),
            ("consent_after_withdrawal", "destroy_now"),
            ("consent_always", "telehealth_recording, cloud_processing,telehealth_recording"),
            ("backup_days", "0"),
            ("trail_years", "10"),
            ("factor_roles", "biller=off, owner=on"),
        ] {
            settings.set(name, value).expect("a value that fits");
        }
        assert_eq!(settings.facts()["factor_roles"], Fact::Text("owner=on,biller=off".to_owned()));
        assert_eq!(settings.consent_always, [Purpose::TelehealthRecording, Purpose::CloudProcessing]);
        assert_eq!(Settings::default().facts()["consent_always"], Fact::Text("none".to_owned()));
        assert_eq!(Settings::from_facts(&Settings::default().facts()), Settings::default());
        assert_eq!(Settings::from_facts(&settings.facts()), settings);
    }

    #[test]
    fn every_role_fits_into_the_fact_and_usual_takes_it_back() {
        let mut settings = Settings::default();
        assert!(!settings.facts().contains_key("factor_roles"));
        let all: Vec<String> = Role::ALL.iter().map(|role| format!("{role}=off")).collect();
        settings.set("factor_roles", &all.join(",")).expect("fits");
        let Fact::Text(text) = &settings.facts()["factor_roles"] else { panic!("no text") };
        assert!(provenote_ledger::header::is_word(text), "{} characters", text.len());
        settings.set("factor_roles", "usual").expect("fits");
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        let mut settings = Settings::default();
        for (name, value) in [
            ("audio_days", "31"),
            ("threads", "0"),
            ("drafting", ""),
            ("allow_no_sandbox", "maybe"),
            ("spech", "x"),
            ("consent_guardians", "3"),
            ("consent_after_withdrawal", "keep"),
            ("consent_always", "ai_notes,selling"),
            ("backup_days", "91"),
            ("trail_years", "5"),
            ("factor_roles", "biller"),
            ("factor_roles", "boss=on"),
            ("factor_roles", "biller=maybe"),
        ] {
            assert!(settings.set(name, value).is_err(), "{name}={value}");
        }
        assert_eq!(settings, Settings::default());
    }
}
