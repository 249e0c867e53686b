//! The policies: those that are bundled (`policies/*.cedar`) and those that a practice adds.
//!
//! A practice's own are added to the bundled ones and replace none: each keeps its name behind `practice/`, and in Cedar a
//! forbid always wins, so the bundled guards hold whatever is permitted. What `access policy check` refuses besides stands
//! in [`crate::check_added`].

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use cedar_policy::{Authorizer, Effect, Policy, PolicyId, PolicySet, ValidationMode, Validator};
use miette::Diagnostic;

use crate::schema::VOCABULARY;

/// The bundled policies by file.
pub const BUNDLED: &[(&str, &str)] = &[
    ("guards.cedar", include_str!("../policies/guards.cedar")),
    ("everyone.cedar", include_str!("../policies/everyone.cedar")),
    ("grants.cedar", include_str!("../policies/grants.cedar")),
    ("owner.cedar", include_str!("../policies/owner.cedar")),
    ("clinician.cedar", include_str!("../policies/clinician.cedar")),
    ("supervisor.cedar", include_str!("../policies/supervisor.cedar")),
    ("biller.cedar", include_str!("../policies/biller.cedar")),
    ("researcher.cedar", include_str!("../policies/researcher.cedar")),
    ("compliance_officer.cedar", include_str!("../policies/compliance_officer.cedar")),
    ("front_desk.cedar", include_str!("../policies/front_desk.cedar")),
    ("auditor.cedar", include_str!("../policies/auditor.cedar")),
];

/// What a practice's policy is called in decisions: this and its own name.
pub const ADDED: &str = "practice/";

/// The longest file of policies, in bytes.
pub const LONGEST_FILE: usize = 64 * 1024;
/// The most policies a practice adds.
pub const MOST_POLICIES: usize = 200;

/// A file of a practice's own policies.
#[derive(Debug, Clone, Copy)]
pub struct PolicyFile<'a> {
    /// What it is called, for errors.
    pub name: &'a str,
    /// Cedar policies, each with `@id("…")`, and `@says("…")` where a decision is to tell why in words.
    pub text: &'a str,
}

/// Where in a file something stands. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, line {}, column {}", self.file, self.line, self.column)
    }
}

/// Why a practice's policies are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not Cedar.
    #[error("{at}: not a policy: {says}")]
    Syntax {
        /// Where.
        at: Place,
        /// What the parser says.
        says: String,
    },
    /// Cedar, but not of this schema: a role, an attribute or an action that does not exist, or a comparison of two
    /// kinds of things.
    #[error("{at}: the policy `{policy}` does not fit the schema: {says}")]
    Invalid {
        /// Where.
        at: Place,
        /// Which.
        policy: String,
        /// What the validator says.
        says: String,
    },
    /// A policy that no request can ever meet, or with letters that look like others.
    #[error("{at}: the policy `{policy}` cannot mean what it seems to: {says}")]
    Doubtful {
        /// Where.
        at: Place,
        /// Which.
        policy: String,
        /// What the validator says.
        says: String,
    },
    /// No name.
    #[error("{at}: a policy needs a name: write @id(\"some-name\") above it, of letters, digits and hyphens")]
    NoName {
        /// Where.
        at: Place,
    },
    /// A name twice.
    #[error("{at}: there is a policy `{policy}` already; give each its own name")]
    SameName {
        /// Where.
        at: Place,
        /// Which.
        policy: String,
    },
    /// A template with a slot.
    #[error("{file}: a policy with ?principal or ?resource is a template; write out whom and what it is about")]
    Template {
        /// The file.
        file: String,
    },
    /// Too much text or too many policies.
    #[error("{file}: more than {LONGEST_FILE} bytes or {MOST_POLICIES} policies; a practice's own are few and short")]
    TooMuch {
        /// The file.
        file: String,
    },
    /// It would let somebody read what their keys do not open.
    #[error(
        "{at}: the policy `{policy}` permits a {role} to {act} of the class {class}, which the keys of a {role} do not open; narrow it, or give access for a limited time"
    )]
    BeyondKeys {
        /// Where.
        at: Place,
        /// Which.
        policy: String,
        /// Whom it would permit.
        role: provenote_schemas::Role,
        /// What.
        act: &'static str,
        /// Of which class.
        class: provenote_schemas::Class,
    },
    /// It would permit what a guard forbids to everybody of the role.
    #[error("{at}: the policy `{policy}` permits a {role} to {act}, which `{guard}` forbids; it would change nothing")]
    BeyondGuards {
        /// Where.
        at: Place,
        /// Which.
        policy: String,
        /// Whom it would permit.
        role: provenote_schemas::Role,
        /// What.
        act: &'static str,
        /// The bundled policy that forbids it.
        guard: String,
    },
    /// The bundled schema or policies cannot be read; then nothing is permitted.
    #[error("the bundled policies cannot be read; install Provenote again")]
    NoSchema,
}

#[derive(Debug, Clone)]
struct Known {
    at: Place,
    says: String,
}

/// A set of policies, parsed and validated once.
#[derive(Debug, Clone)]
pub struct Policies {
    set: Arc<PolicySet>,
    known: Arc<BTreeMap<String, Known>>,
    authorizer: Authorizer,
}

static BUNDLED_SET: LazyLock<Policies> = LazyLock::new(|| {
    let mut reading = Reading::default();
    for (name, text) in BUNDLED.iter().copied() {
        reading.file(PolicyFile { name, text }, "");
    }
    // Were one unreadable, guards might be missing: nothing is permitted then (a test reads them).
    if reading.errors.is_empty() { reading.done() } else { Reading::default().done() }
});

impl Policies {
    /// The bundled policies alone.
    #[must_use]
    pub fn bundled() -> &'static Self {
        &BUNDLED_SET
    }

    /// The bundled policies and a practice's own, validated strictly against the schema.
    ///
    /// # Errors
    /// Every [`PolicyError`] found, in the order of the text. Whether a policy goes beyond keys and guards is asked by
    /// [`crate::check_added`].
    pub fn with_added(files: &[PolicyFile<'_>]) -> Result<Self, Vec<PolicyError>> {
        let bundled = Self::bundled();
        let mut reading =
            Reading { set: (*bundled.set).clone(), known: (*bundled.known).clone(), ..Reading::default() };
        if reading.known.is_empty() {
            return Err(vec![PolicyError::NoSchema]);
        }
        for file in files {
            reading.file(*file, ADDED);
        }
        reading.validate();
        if reading.known.len() > bundled.known.len() + MOST_POLICIES {
            let file = files.last().map(|file| file.name.to_owned()).unwrap_or_default();
            reading.errors.push(PolicyError::TooMuch { file });
        }
        if reading.errors.is_empty() { Ok(reading.done()) } else { Err(reading.errors) }
    }

    /// The names of all policies, bundled and added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// Why a policy decides as it does, in words.
    #[must_use]
    pub fn says(&self, policy: &str) -> &str {
        self.known.get(policy).map_or("", |known| known.says.as_str())
    }

    /// Where a policy stands.
    #[must_use]
    pub fn place(&self, policy: &str) -> Option<&Place> {
        self.known.get(policy).map(|known| &known.at)
    }

    /// The policies that a practice added and that permit something.
    pub(crate) fn added_permits(&self) -> Vec<(String, Policy)> {
        self.set
            .policies()
            .filter(|policy| policy.effect() == Effect::Permit && policy.id().to_string().starts_with(ADDED))
            .map(|policy| (policy.id().to_string(), policy.clone()))
            .collect()
    }

    /// Some policies as a set of their own, of which nothing but the decision is asked. Empty where two share a name.
    pub(crate) fn of_policies(policies: impl IntoIterator<Item = Policy>) -> Self {
        let set = PolicySet::from_policies(policies).unwrap_or_default();
        Self { set: Arc::new(set), known: Arc::default(), authorizer: Authorizer::new() }
    }

    /// The same without some policies; for tests that show what a guard is for.
    #[cfg(test)]
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let left = self.set.policies().filter(|policy| !names.contains(&policy.id().to_string().as_str())).cloned();
        Self { known: Arc::clone(&self.known), ..Self::of_policies(left) }
    }

    pub(crate) fn set(&self) -> &PolicySet {
        &self.set
    }

    pub(crate) fn authorizer(&self) -> &Authorizer {
        &self.authorizer
    }
}

/// Policies while they are read.
#[derive(Default)]
struct Reading {
    set: PolicySet,
    known: BTreeMap<String, Known>,
    /// By file.
    texts: BTreeMap<String, String>,
    errors: Vec<PolicyError>,
}

impl Reading {
    fn file(&mut self, file: PolicyFile<'_>, prefix: &str) {
        self.texts.insert(file.name.to_owned(), file.text.to_owned());
        if file.text.len() > LONGEST_FILE {
            self.errors.push(PolicyError::TooMuch { file: file.name.to_owned() });
            return;
        }
        let read: PolicySet = match file.text.parse() {
            Ok(read) => read,
            Err(errors) => {
                let errors: &cedar_policy::ParseErrors = &errors;
                self.errors.extend(
                    errors
                        .iter()
                        .map(|error| PolicyError::Syntax { at: place(file, offset_of(error)), says: in_words(error) }),
                );
                return;
            }
        };
        if read.templates().next().is_some() {
            self.errors.push(PolicyError::Template { file: file.name.to_owned() });
        }
        let mut policies: Vec<(usize, &Policy)> =
            read.policies().map(|policy| (start_of(file.text, policy), policy)).collect();
        policies.sort_by_key(|(start, _)| *start);
        for (start, policy) in policies {
            self.policy(place(file, Some(start)), policy, prefix);
        }
    }

    fn policy(&mut self, at: Place, policy: &Policy, prefix: &str) {
        let name = policy.annotation("id").unwrap_or_default();
        let well_formed = (1..=64).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !well_formed {
            self.errors.push(PolicyError::NoName { at });
            return;
        }
        let name = format!("{prefix}{name}");
        if self.known.contains_key(&name) || self.set.add(policy.new_id(PolicyId::new(&name))).is_err() {
            self.errors.push(PolicyError::SameName { at, policy: name });
            return;
        }
        let effect = if policy.effect() == Effect::Permit { "permits" } else { "forbids" };
        let says = match policy.annotation("says") {
            Some(says) if !says.is_empty() => says.chars().take(300).collect(),
            _ => format!("the policy `{name}` {effect} it"),
        };
        self.known.insert(name, Known { at, says });
    }

    /// Cedar's strict validation of the whole set.
    fn validate(&mut self) {
        let Some(words) = VOCABULARY.as_ref() else {
            self.errors.push(PolicyError::NoSchema);
            return;
        };
        let result = Validator::new(words.schema.clone()).validate(&self.set, ValidationMode::Strict);
        for error in result.validation_errors() {
            let policy = error.policy_id().to_string();
            let (at, says) = self.found(&policy, error);
            self.errors.push(PolicyError::Invalid { at, policy, says });
        }
        for warning in result.validation_warnings() {
            let policy = warning.policy_id().to_string();
            let (at, says) = self.found(&policy, warning);
            self.errors.push(PolicyError::Doubtful { at, policy, says });
        }
    }

    /// Where the validator found something, and what; the policy's beginning where it does not say.
    fn found(&self, policy: &str, finding: &dyn Diagnostic) -> (Place, String) {
        let says = in_words(finding).replace(&format!("for policy `{policy}`, "), "");
        let Some(known) = self.known.get(policy) else {
            return (Place { file: String::new(), line: 1, column: 1 }, says);
        };
        let at = match (offset_of(finding), self.texts.get(&known.at.file)) {
            (Some(offset), Some(text)) => place(PolicyFile { name: &known.at.file, text }, Some(offset)),
            _ => known.at.clone(),
        };
        (at, says)
    }

    fn done(self) -> Policies {
        Policies { set: Arc::new(self.set), known: Arc::new(self.known), authorizer: Authorizer::new() }
    }
}

/// Where a diagnostic points, in bytes from the start of its text.
fn offset_of(error: &dyn Diagnostic) -> Option<usize> {
    error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset())
}

/// What a diagnostic says, with its help, in one line.
fn in_words(error: &dyn Diagnostic) -> String {
    let mut says = error.to_string().replace('\n', " ");
    if let Some(help) = error.help() {
        says.push_str(&format!(" ({})", help.to_string().replace('\n', " ")));
    }
    says.chars().take(500).collect()
}

/// Where a policy begins: at its name, which stands once in a file.
fn start_of(text: &str, policy: &Policy) -> usize {
    policy.annotation("id").and_then(|id| text.find(&format!("@id(\"{id}\")"))).unwrap_or(0)
}

fn place(file: PolicyFile<'_>, offset: Option<usize>) -> Place {
    let before: &str = file.text.get(..offset.unwrap_or(0).min(file.text.len())).unwrap_or(file.text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { file: file.name.to_owned(), line, column }
}

#[cfg(test)]
mod tests;
