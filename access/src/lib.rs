//! Who may do what: which role is entitled to which class of payload, and to which acts.
//!
//! Deny by default: what `rules/roles.yaml` does not list is refused. Entitlement decides to whom
//! keys are wrapped, so a role that is not entitled to a class cannot open it whatever else goes
//! wrong; [`may`] is asked beside every act. A clinician's clients are told apart by the keys of
//! their scopes, not here.
//!
//! The citations are facts for product design with the mark of how they were checked. They are
//! not legal advice.

mod withholding;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use withholding::{Withholding, held_back_by_rule, held_back_in_a_period};

use provenote_schemas::{Class, Role};
use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/roles.yaml");

/// Something a user may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Open a client's file or change who takes part.
    AddClient,
    /// See who the clients are.
    ViewClient,
    /// Make a consent form.
    MakeForm,
    /// Record a signature, a refusal, a withdrawal or a spoken discussion.
    TakeSignature,
    /// See which consents are in force.
    ViewConsent,
    /// Add a recording or a dictation.
    AddSession,
    /// See which sessions there are.
    ViewSession,
    /// Read a transcript.
    ViewTranscript,
    /// Have a note drafted.
    DraftNote,
    /// Read a draft or a note.
    ViewNote,
    /// Change a draft, or add to a note.
    EditNote,
    /// Make a draft a note.
    AttestNote,
    /// Let a note leave as a file.
    ExportNote,
    /// Look at entries, and at the payloads one is entitled to.
    ViewLedger,
    /// Verify the ledger; it opens no payload.
    VerifyLedger,
    /// Destroy what is due, with receipts.
    RunRetention,
    /// Make a report.
    MakeReport,
    /// Make an evidence bundle: texts leave the practice.
    MakeBundle,
    /// Add or fetch models.
    ManageModels,
    /// Add or remove users.
    ManageUsers,
    /// Change the practice's settings.
    Configure,
    /// Print the recovery kit.
    PrintRecovery,
    /// Give the ledger a new key.
    RotateLogKey,
    /// Destroy everything of one client.
    DestroyClient,
    /// Make or check a backup.
    MakeBackup,
    /// Accept that the practice was restored from a backup.
    RestoreBackup,
}

impl Act {
    /// Every act.
    pub const ALL: &'static [Self] = &[
        Self::AddClient,
        Self::ViewClient,
        Self::MakeForm,
        Self::TakeSignature,
        Self::ViewConsent,
        Self::AddSession,
        Self::ViewSession,
        Self::ViewTranscript,
        Self::DraftNote,
        Self::ViewNote,
        Self::EditNote,
        Self::AttestNote,
        Self::ExportNote,
        Self::ViewLedger,
        Self::VerifyLedger,
        Self::RunRetention,
        Self::MakeReport,
        Self::MakeBundle,
        Self::ManageModels,
        Self::ManageUsers,
        Self::Configure,
        Self::PrintRecovery,
        Self::RotateLogKey,
        Self::DestroyClient,
        Self::MakeBackup,
        Self::RestoreBackup,
    ];

    /// The act in a sentence that begins "may not".
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AddClient => "add or change clients",
            Self::ViewClient => "see the list of clients",
            Self::MakeForm => "make a consent form",
            Self::TakeSignature => "record what a client decided",
            Self::ViewConsent => "see which consents are in force",
            Self::AddSession => "add a session",
            Self::ViewSession => "see the sessions",
            Self::ViewTranscript => "read a transcript",
            Self::DraftNote => "have a note drafted",
            Self::ViewNote => "read a note",
            Self::EditNote => "change a note",
            Self::AttestNote => "attest a note",
            Self::ExportNote => "export a note",
            Self::ViewLedger => "look at the ledger",
            Self::VerifyLedger => "verify the ledger",
            Self::RunRetention => "destroy records",
            Self::MakeReport => "make a report",
            Self::MakeBundle => "make an evidence bundle",
            Self::ManageModels => "add models",
            Self::ManageUsers => "add or remove users",
            Self::Configure => "change the practice's settings",
            Self::PrintRecovery => "print the recovery kit",
            Self::RotateLogKey => "give the ledger a new key",
            Self::DestroyClient => "destroy everything of a client",
            Self::MakeBackup => "make or check a backup",
            Self::RestoreBackup => "accept a restored backup",
        }
    }
}

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

/// The actor's role does not allow the act; nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: a user with the role {role} may not {}; ask the owner of the practice", act.in_words())]
pub struct Refusal {
    /// The role.
    pub role: Role,
    /// What was asked for.
    pub act: Act,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleRule {
    role: Role,
    classes: Vec<Class>,
    acts: Vec<Act>,
    basis: Basis,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    roles: Vec<RoleRule>,
}

/// By role. Were the file unreadable there would be no rule, and so no right (a test reads it).
static BY_ROLE: LazyLock<BTreeMap<Role, RoleRule>> = LazyLock::new(|| {
    serde_saphyr::from_str::<Rules>(RULES)
        .map(|rules| rules.roles.into_iter().map(|rule| (rule.role, rule)).collect())
        .unwrap_or_default()
});

/// True where keys of the class are wrapped to users of the role.
#[must_use]
pub fn entitled(role: Role, class: Class) -> bool {
    BY_ROLE.get(&role).is_some_and(|rule| rule.classes.contains(&class))
}

/// Whether a user of the role may do something.
///
/// # Errors
/// [`Refusal`] where the rules do not list the act.
pub fn may(role: Role, act: Act) -> Result<(), Refusal> {
    if BY_ROLE.get(&role).is_some_and(|rule| rule.acts.contains(&act)) { Ok(()) } else { Err(Refusal { role, act }) }
}

/// What a role's rules rest on, with the mark of how it was checked.
#[must_use]
pub fn basis(role: Role) -> Option<&'static Basis> {
    BY_ROLE.get(&role).map(|rule| &rule.basis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_rules_with_a_citation_and_a_mark() {
        for role in Role::ALL {
            let basis = basis(*role).unwrap_or_else(|| panic!("{role} has no rules"));
            assert!(basis.citation.contains("CFR"));
            assert!(basis.verification.starts_with("verified from") || basis.verification.contains("unverified"));
        }
    }

    #[test]
    fn the_owner_may_do_everything() {
        assert!(Class::ALL.iter().all(|class| entitled(Role::Owner, *class)));
        assert!(Act::ALL.iter().all(|act| may(Role::Owner, *act).is_ok()));
    }

    #[test]
    fn a_clinician_treats_and_does_not_rule_the_practice() {
        let classes: Vec<Class> =
            Class::ALL.iter().copied().filter(|class| entitled(Role::Clinician, *class)).collect();
        assert_eq!(classes, [Class::Clinical, Class::Administrative]);
        assert!(may(Role::Clinician, Act::AttestNote).is_ok());
        for act in [
            Act::ManageUsers,
            Act::Configure,
            Act::RunRetention,
            Act::ManageModels,
            Act::PrintRecovery,
            Act::MakeBundle,
            Act::RotateLogKey,
            Act::DestroyClient,
            Act::MakeBackup,
            Act::RestoreBackup,
        ] {
            let refusal = may(Role::Clinician, act).expect_err("not a clinician's");
            assert_eq!((refusal.role, refusal.act), (Role::Clinician, act));
            assert!(refusal.to_string().contains("clinician may not"));
        }
    }
}
