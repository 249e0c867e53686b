//! Which role holds the keys of which class of payload, and of whose: `rules/roles.yaml`.
//!
//! Deny by default: what the file does not list is refused. Entitlement decides to whom keys are wrapped, so a role that
//! is not entitled to a class cannot open it whatever else goes wrong.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_schemas::{Class, Role};
use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/roles.yaml");

/// What a role's rules rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The section.
    pub citation: String,
    /// What it says, in short.
    pub says: String,
    /// How that was checked. Always shown with the citation.
    pub verification: String,
}

/// Whose payloads a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// What belongs to no client.
    Practice,
    /// Every client's.
    EveryClient,
    /// Those of clients whom the user treats.
    OwnClients,
    /// Those of clients whom somebody treats whom the user supervises.
    SuperviseesClients,
    /// Of clients whom the user treats, what the user wrote.
    OwnWriting,
}

/// What a user has to do with whatever a payload belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tie {
    /// It belongs to no client.
    Practice,
    /// It belongs to a client, or to every client.
    Client {
        /// The user treats the client.
        treats: bool,
        /// The user supervises somebody who treats the client.
        supervises: bool,
        /// The user wrote it.
        wrote: bool,
    },
}

impl Tie {
    /// To a client with whom the user has nothing to do.
    pub const STRANGER: Self = Self::Client { treats: false, supervises: false, wrote: false };

    const fn within(self, reach: Reach) -> bool {
        match (reach, self) {
            (Reach::Practice, Self::Practice) | (Reach::EveryClient, Self::Client { .. }) => true,
            (Reach::OwnClients, Self::Client { treats, .. }) => treats,
            (Reach::SuperviseesClients, Self::Client { supervises, .. }) => supervises,
            (Reach::OwnWriting, Self::Client { treats, wrote, .. }) => treats && wrote,
            (Reach::Practice | Reach::EveryClient | Reach::OwnClients, _)
            | (Reach::SuperviseesClients | Reach::OwnWriting, Self::Practice) => false,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    of: Reach,
    classes: Vec<Class>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRule {
    role: Role,
    #[serde(default)]
    includes: Option<Role>,
    keys: Vec<Keys>,
    basis: Basis,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    roles: Vec<RoleRule>,
}

/// By role. Were the file unreadable there would be no rule, and so no key (a test reads it).
static BY_ROLE: LazyLock<BTreeMap<Role, RoleRule>> = LazyLock::new(|| {
    serde_saphyr::from_str::<Rules>(RULES)
        .map(|rules| rules.roles.into_iter().map(|rule| (rule.role, rule)).collect())
        .unwrap_or_default()
});

/// True where a user of the role holds some key of the class; of whose payloads, [`opens`] tells.
#[must_use]
pub fn entitled(role: Role, class: Class) -> bool {
    BY_ROLE.get(&role).is_some_and(|rule| rule.keys.iter().any(|keys| keys.classes.contains(&class)))
}

/// True where the key of this class is wrapped to a user of the role who has this to do with whose it is.
#[must_use]
pub fn opens(role: Role, class: Class, tie: Tie) -> bool {
    BY_ROLE
        .get(&role)
        .is_some_and(|rule| rule.keys.iter().any(|keys| tie.within(keys.of) && keys.classes.contains(&class)))
}

/// The role itself and what its users are besides.
#[must_use]
pub fn with_included(role: Role) -> Vec<Role> {
    let mut roles = vec![role];
    if let Some(included) = BY_ROLE.get(&role).and_then(|rule| rule.includes)
        && included != role
    {
        roles.push(included);
    }
    roles
}

/// What a role's rules rest on, with the mark of how it was checked.
#[must_use]
pub fn basis(role: Role) -> Option<&'static Basis> {
    BY_ROLE.get(&role).map(|rule| &rule.basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Tie = Tie::Client { treats: true, supervises: false, wrote: false };
    const WRITTEN: Tie = Tie::Client { treats: true, supervises: false, wrote: true };
    const SUPERVISED: Tie = Tie::Client { treats: false, supervises: true, wrote: false };

    fn classes(role: Role, tie: Tie) -> Vec<Class> {
        Class::ALL.iter().copied().filter(|class| opens(role, *class, tie)).collect()
    }

    #[test]
    fn every_role_has_rules_with_a_citation_and_a_mark() {
        for role in Role::ALL {
            let basis = basis(*role).unwrap_or_else(|| panic!("{role} has no rules"));
            assert!(basis.citation.contains("CFR"));
            assert!(basis.verification.starts_with("verified from") || basis.verification.contains("unverified"));
        }
    }

    #[test]
    fn keys_follow_who_treats_and_who_supervises() {
        use Class::{Administrative, Billing, Clinical, Part2, Research};
        assert!(Class::ALL.iter().all(|class| entitled(Role::Owner, *class)));
        assert_eq!(classes(Role::Clinician, OWN), [Clinical, Billing, Administrative, Research, Part2]);
        assert_eq!(classes(Role::Clinician, Tie::STRANGER), []);
        assert_eq!(classes(Role::Clinician, SUPERVISED), [], "supervision is a supervisor's");
        assert_eq!(classes(Role::Supervisor, SUPERVISED), [Clinical, Administrative]);
        assert_eq!(classes(Role::Biller, OWN), [Billing]);
        assert_eq!(classes(Role::Researcher, Tie::STRANGER), [Research]);
        assert_eq!(classes(Role::FrontDesk, Tie::STRANGER), [Administrative]);
        for role in [Role::ComplianceOfficer, Role::Auditor] {
            assert_eq!(classes(role, WRITTEN), [], "{role}");
        }
    }

    #[test]
    fn what_is_kept_apart_only_its_author_opens() {
        for role in Role::ALL {
            for class in [Class::PsychotherapyNotes, Class::SudCounselingNotes] {
                for tie in [Tie::Practice, Tie::STRANGER, OWN, SUPERVISED] {
                    assert!(!opens(*role, class, tie), "{role} {class}");
                }
            }
        }
        assert!(opens(Role::Clinician, Class::PsychotherapyNotes, WRITTEN));
    }

    #[test]
    fn an_owner_and_a_supervisor_are_clinicians_too() {
        assert_eq!(with_included(Role::Owner), [Role::Owner, Role::Clinician]);
        assert_eq!(with_included(Role::Supervisor), [Role::Supervisor, Role::Clinician]);
        assert_eq!(with_included(Role::Biller), [Role::Biller]);
    }
}
