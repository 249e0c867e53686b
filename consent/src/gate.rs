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

/// Decides by where the consents stand, for everybody who is asked, every purpose the session needs, the pipeline
/// of today and this moment: what [`crate::standing()`] was asked for. It trusts no summary: each participant's own
/// standing has to be in force for every purpose and name the forms they signed.
pub fn decide(standing: &Standing) -> Decision {
    let people = &standing.people;
    let consents: BTreeSet<ConsentId> = people.iter().flat_map(|one| one.consents.iter().cloned()).collect();
    let client = people.iter().any(|one| one.role == ParticipantRole::Client && one.needed);
    let everybody = people.iter().filter(|one| one.needed).all(|one| {
        one.status == Status::InForce
            && !one.consents.is_empty()
            && standing.purposes.iter().all(|(purpose, _)| one.purposes.contains(&(*purpose, Status::InForce)))
    });
    if standing.status == Status::InForce && client && everybody && !standing.purposes.is_empty() {
        return Decision::Open { consents: consents.into_iter().collect() };
    }
    let status = if standing.status == Status::InForce { Status::Incomplete } else { standing.status };
    Decision::Closed { status, reasons: standing.reasons.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capacity, ParticipantStanding};
    use provenote_schemas::{ParticipantId, Purpose};

    #[test]
    fn a_summary_alone_opens_nothing() {
        let person = |role, status, consents: Vec<ConsentId>| ParticipantStanding {
            participant: ParticipantId::from_random([1; 10]),
            role,
            capacity: Capacity::Own,
            needed: true,
            status,
            purposes: vec![(Purpose::AiNotes, status)],
            since: None,
            consents,
            spoken: false,
            reasons: Vec::new(),
        };
        let form = || vec![ConsentId::from_random([2; 10])];
        let claim = |people, purposes: &[Purpose]| {
            decide(&Standing {
                status: Status::InForce,
                reasons: Vec::new(),
                people,
                purposes: purposes.iter().map(|purpose| (*purpose, Status::InForce)).collect(),
                since: None,
                until: None,
                changes: Vec::new(),
                next: Vec::new(),
            })
        };
        let notes = &[Purpose::AiNotes][..];
        let closed = Decision::Closed { status: Status::Incomplete, reasons: Vec::new() };
        let client = |status, consents| person(ParticipantRole::Client, status, consents);
        assert_eq!(claim(vec![], notes), closed);
        assert_eq!(claim(vec![client(Status::InForce, vec![])], notes), closed);
        assert_eq!(claim(vec![person(ParticipantRole::Guardian, Status::InForce, form())], notes), closed);
        let stale = person(ParticipantRole::Participant, Status::Stale, form());
        assert_eq!(claim(vec![client(Status::InForce, form()), stale], notes), closed);
        assert_eq!(claim(vec![client(Status::InForce, form())], &[]), closed);
        assert_eq!(claim(vec![client(Status::InForce, form())], &[Purpose::AiNotes, Purpose::Training]), closed);
        let mut spare = client(Status::InForce, form());
        spare.needed = false;
        assert_eq!(claim(vec![spare], notes), closed);
        assert!(claim(vec![client(Status::InForce, form())], notes).is_open());
    }
}
