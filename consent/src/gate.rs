//! The gate before every session and every draft. It is closed unless it can name the consents
//! that open it.

use std::collections::BTreeSet;

use provenote_schemas::ConsentId;
use provenote_schemas::people::ParticipantRole;
use serde::Serialize;

use crate::standing::{Standing, Status};

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "gate", rename_all = "snake_case")]
#[must_use]
pub enum Decision {
    /// Go on; the entry of the act names these consents.
    Open {
        /// The forms that everybody signed, each once, in order.
        consents: Vec<ConsentId>,
    },
    /// Do nothing but record the refusal.
    Closed {
        /// Why, in a word. Never [`Status::InForce`].
        status: Status,
        /// Why, in sentences without names.
        reasons: Vec<String>,
    },
}

impl Decision {
    /// True where the gate is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// Decides by where the consents stand, for everybody who takes part, one purpose, the pipeline
/// of today and this moment: what [`crate::standing()`] was asked for. It trusts no summary: each
/// participant's own standing has to be in force and name the form they signed.
pub fn decide(standing: &Standing) -> Decision {
    let people = &standing.people;
    let consents: BTreeSet<ConsentId> = people.iter().filter_map(|one| one.consent.clone()).collect();
    let client = people.iter().any(|one| one.role == ParticipantRole::Client);
    let everybody = people.iter().all(|one| one.status == Status::InForce && one.consent.is_some());
    if standing.status == Status::InForce && client && everybody {
        return Decision::Open { consents: consents.into_iter().collect() };
    }
    let status = if standing.status == Status::InForce { Status::Incomplete } else { standing.status };
    Decision::Closed { status, reasons: standing.reasons.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParticipantStanding;
    use provenote_schemas::ParticipantId;

    #[test]
    fn a_summary_alone_opens_nothing() {
        let person = |role, status, consent| ParticipantStanding {
            participant: ParticipantId::from_random([1; 10]),
            role,
            status,
            since: None,
            consent,
            reasons: Vec::new(),
        };
        let form = || Some(ConsentId::from_random([2; 10]));
        let claim = |people| decide(&Standing { status: Status::InForce, reasons: Vec::new(), people, until: None });
        let closed = Decision::Closed { status: Status::Incomplete, reasons: Vec::new() };
        assert_eq!(claim(vec![]), closed);
        assert_eq!(claim(vec![person(ParticipantRole::Client, Status::InForce, None)]), closed);
        assert_eq!(claim(vec![person(ParticipantRole::Guardian, Status::InForce, form())]), closed);
        let stale = person(ParticipantRole::Participant, Status::Stale, form());
        assert_eq!(claim(vec![person(ParticipantRole::Client, Status::InForce, form()), stale]), closed);
        assert!(claim(vec![person(ParticipantRole::Client, Status::InForce, form())]).is_open());
    }
}
