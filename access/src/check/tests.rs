use provenote_schemas::Class;

use super::*;

fn file(text: &str) -> PolicyFile<'_> {
    PolicyFile { name: "own.cedar", text }
}

fn taken(text: &str) -> Policies {
    check_added(&[file(text)]).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn refused(text: &str) -> Vec<PolicyError> {
    check_added(&[file(text)]).expect_err("it should be refused")
}

#[test]
fn a_permit_beyond_the_keys_is_refused_with_its_line() {
    let errors = refused(
        "// Claims, and what they rest on.\n@id(\"billers-read\")\npermit (principal in Role::\"biller\", action == Action::\"view_note\", resource);\n",
    );
    let first = errors.first().expect("an error");
    assert!(matches!(first, PolicyError::BeyondKeys { role: Role::Biller, class: Class::Clinical, .. }), "{first:?}");
    assert!(
        first.to_string().starts_with("own.cedar, line 2, column 1: the policy `practice/billers-read`"),
        "{first}"
    );
    // Another hour changes nothing of that.
    let errors = refused(
        "@id(\"night\") permit (principal in Role::\"biller\", action == Action::\"view_note\", resource) when { context.hour == 3 };",
    );
    assert!(matches!(errors[..], [PolicyError::BeyondKeys { .. }, ..]), "{errors:?}");
    // A clinician's keys open their own clients' notes and no others.
    let errors =
        refused("@id(\"all\") permit (principal in Role::\"clinician\", action == Action::\"view_note\", resource);");
    assert!(errors.iter().all(|error| matches!(error, PolicyError::BeyondKeys { .. })));
}

#[test]
fn what_only_an_owner_decides_cannot_be_given_away() {
    let errors = refused(
        "@id(\"deputy\") permit (principal in Role::\"compliance_officer\", action == Action::\"manage_users\", resource);",
    );
    assert!(matches!(errors[..], [PolicyError::BeyondGuards { role: Role::ComplianceOfficer, .. }, ..]), "{errors:?}");
}

#[test]
fn a_permit_within_the_keys_is_taken_and_told() {
    let new = taken(
        "@id(\"desk-forms\") permit (principal in Role::\"front_desk\", action == Action::\"make_form\", resource);",
    );
    let changes = compare(Policies::bundled(), &new);
    assert_eq!(
        changes,
        [Change {
            allowed: true,
            role: Role::FrontDesk,
            act: Act::MakeForm,
            kind: ResourceKind::Client,
            conditions: vec!["in every case".to_owned()],
        }]
    );
    let back = compare(&new, Policies::bundled());
    assert_eq!(back.iter().map(|change| change.allowed).collect::<Vec<_>>(), [false]);
}

#[test]
fn a_forbid_is_told_with_its_condition() {
    let new = taken(
        "@id(\"claims-in-office\") forbid (principal in Role::\"biller\", action == Action::\"view_claim\", resource) unless { context has network && context.network == \"office\" };",
    );
    let changes = compare(Policies::bundled(), &new);
    assert_eq!(changes.len(), 1, "{changes:?}");
    let change = changes.first().expect("one");
    assert_eq!((change.allowed, change.role, change.act), (false, Role::Biller, Act::ViewClaim));
    assert_eq!(change.conditions, ["in every case except from the network office"]);

    let new = taken(
        "@id(\"no-exports-at-night\") forbid (principal, action in Action::\"leaving\", resource) when { context.hour < 7 };",
    );
    let changes = compare(Policies::bundled(), &new);
    let exports = changes.iter().find(|change| change.role == Role::Clinician && change.act == Act::ExportNote);
    let exports = exports.expect("a clinician's exports change");
    assert!(!exports.allowed);
    assert!(exports.conditions.iter().all(|condition| condition.ends_with("at 6 o'clock")), "{exports:?}");
    assert!(changes.iter().all(|change| !change.allowed && change.act.is(Group::Leaving)));
}

#[test]
fn nothing_changes_where_nothing_is_added() {
    assert_eq!(compare(Policies::bundled(), Policies::bundled()), []);
}
