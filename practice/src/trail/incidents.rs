//! Security incidents (45 CFR 164.308(a)(6)(ii)): opened, assessed, closed. What happened is sealed.

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_schemas::{Kind, Time};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::trail::{number, numbered, said};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as it is written.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// How grave an incident is, as a person says.
    Severity {
        /// Nothing came of it.
        Low = "low",
        /// Something may have come of it.
        Medium = "medium",
        /// Records may have been opened, changed or lost.
        High = "high",
    }
}

words! {
    /// How far an incident has come.
    IncidentStage {
        /// Somebody noticed it.
        Opened = "opened",
        /// Somebody looked into it.
        Assessed = "assessed",
        /// It is settled; what came of it is documented.
        Closed = "closed",
    }
}

/// An incident as it stands. It is named by the entry that opened it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// The entry that opened it.
    pub seq: u64,
    /// When.
    pub opened: Time,
    /// How far it has come.
    pub stage: IncidentStage,
    /// How grave it is, by the newest entry.
    pub severity: Severity,
    /// Its entries, in order.
    pub entries: Vec<u64>,
}

/// As it is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Words {
    words: String,
}

impl Practice {
    /// Opens an incident. It is named by the entry returned.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for empty words.
    pub fn open_incident(&mut self, actor: &Actor, severity: Severity, words: &str) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        self.incident_entry(actor, None, IncidentStage::Opened, severity, words)
    }

    /// Says what was found out about an incident, or, with [`IncidentStage::Closed`], what came of it.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::NotAllowed`] once it is closed; [`PracticeError::BadRequest`] for empty
    /// words, and for opening it again.
    pub fn advance_incident(
        &mut self,
        actor: &Actor,
        incident: u64,
        stage: IncidentStage,
        severity: Severity,
        words: &str,
    ) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        let found = self.incident(incident)?;
        if found.stage == IncidentStage::Closed {
            return Err(PracticeError::NotAllowed(format!(
                "incident {incident} is closed: open a new one that names it"
            )));
        }
        if stage == IncidentStage::Opened {
            return Err(PracticeError::BadRequest("an incident is opened once: assess it, or close it".to_owned()));
        }
        self.incident_entry(actor, Some(incident), stage, severity, words)
    }

    fn incident_entry(
        &mut self,
        actor: &Actor,
        incident: Option<u64>,
        stage: IncidentStage,
        severity: Severity,
        words: &str,
    ) -> Result<u64, PracticeError> {
        let words = Words { words: said("what happened", words)? };
        let group = self.practice_group()?;
        let payload = self.seal_record(actor, &group, "words", &words)?;
        let mut entry = self
            .entry(actor, Kind::IncidentRecorded)
            .fact("stage", Fact::Text(stage.as_str().to_owned()))
            .fact("severity", Fact::Text(severity.as_str().to_owned()))
            .payload(payload);
        if let Some(incident) = incident {
            entry = entry.fact("incident", number(incident));
        }
        self.append_one(actor, entry)
    }

    /// Every incident, in order.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>, PracticeError> {
        let mut incidents: Vec<Incident> = Vec::new();
        for header in self.headers(Kind::IncidentRecorded, &[])? {
            let word = |name: &str| header.facts.get(name).and_then(fact_text).unwrap_or_default();
            let unreadable = || PracticeError::Unreadable {
                seq: header.seq,
                what: "incident",
                why: "its stage or severity is missing".to_owned(),
            };
            let stage = IncidentStage::from_word(word("stage")).ok_or_else(unreadable)?;
            let severity = Severity::from_word(word("severity")).ok_or_else(unreadable)?;
            match numbered(&header, "incident") {
                None => incidents.push(Incident {
                    seq: header.seq,
                    opened: Time::from_millis(header.time),
                    stage,
                    severity,
                    entries: vec![header.seq],
                }),
                Some(of) => {
                    if let Some(incident) = incidents.iter_mut().find(|one| one.seq == of) {
                        incident.stage = stage;
                        incident.severity = severity;
                        incident.entries.push(header.seq);
                    }
                }
            }
        }
        Ok(incidents)
    }

    fn incident(&self, incident: u64) -> Result<Incident, PracticeError> {
        let found = self.incidents()?.into_iter().find(|one| one.seq == incident);
        found.ok_or_else(|| PracticeError::NotFound {
            what: "incident",
            id: incident.to_string(),
            list: "access incident list",
        })
    }

    /// The same for somebody who asks.
    ///
    /// # Errors
    /// [`PracticeError::Denied`].
    pub fn list_incidents(&mut self, actor: &Actor) -> Result<Vec<Incident>, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        self.incidents()
    }

    /// What was said of an incident, an entry each; reading it is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`]; [`PracticeError::Denied`].
    pub fn incident_words(&mut self, actor: &Actor, incident: u64) -> Result<Vec<(u64, String)>, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        let found = self.incident(incident)?;
        let mut all = Vec::new();
        for seq in found.entries {
            let words: Words = self.open_record(actor, &self.log.header(seq)?, "words", "incident")?;
            all.push((seq, words.words));
        }
        let entry = self.entry(actor, Kind::LedgerViewed).fact("entry", number(incident));
        self.append_one(actor, entry)?;
        Ok(all)
    }
}
