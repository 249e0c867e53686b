use provenote_schemas::Role;

use super::*;
use crate::representative::{Row, Standing, Variation};
use crate::{Act, ResourceKind};

fn errors(text: &str) -> Vec<PolicyError> {
    Policies::with_added(&[PolicyFile { name: "own.cedar", text }]).expect_err("it should be refused")
}

fn with(text: &str) -> Policies {
    Policies::with_added(&[PolicyFile { name: "own.cedar", text }]).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn desk_views_clients() -> Row {
    Row {
        role: Role::FrontDesk,
        act: Act::ViewClient,
        kind: ResourceKind::Client,
        class: Some(provenote_schemas::Class::Administrative),
        standing: Standing::Stranger,
        variation: Variation::Usual,
    }
}

#[test]
fn what_is_no_policy_is_told_with_line_and_column() {
    let errors = errors("@id(\"one\")\npermit (principal, action, resource)\nwhen { true ;\n");
    let first = errors.first().expect("an error");
    assert!(matches!(first, PolicyError::Syntax { at, .. } if (at.line, at.column) == (3, 13)), "{first:?}");
    assert!(first.to_string().starts_with("own.cedar, line 3, column 13: not a policy: "), "{first}");
}

#[test]
fn what_does_not_fit_the_schema_is_told_where_it_stands() {
    for (text, says) in [
        ("@id(\"one\")\nforbid (\n  principal in Role::\"bilier\", action, resource);", "bilier"),
        ("@id(\"one\")\nforbid (principal, action == Action::\"read_all\", resource);", "read_all"),
        ("@id(\"one\")\nforbid (principal, action, resource)\nwhen { context.moon == 3 };", "moon"),
        ("@id(\"one\")\nforbid (principal, action, resource)\nwhen { context.hour == \"late\" };", ""),
        ("@id(\"one\")\nforbid (principal, action, resource is Diary);", "Diary"),
    ] {
        let errors = errors(text);
        let Some(PolicyError::Invalid { at, policy, says: said }) = errors.first() else {
            panic!("{text}: {errors:?}");
        };
        assert_eq!(policy, "practice/one");
        assert!(said.contains(says), "{said}");
        assert!(at.line >= 1 && at.file == "own.cedar", "{at}");
    }
    let errors = errors("\n\n@id(\"one\")\nforbid (principal, action, resource)\nwhen { true && context.moon };");
    assert!(matches!(errors.first(), Some(PolicyError::Invalid { at, .. }) if at.line == 5), "{errors:?}");
}

#[test]
fn a_policy_that_can_never_apply_is_refused() {
    let errors = errors("@id(\"one\")\nforbid (principal, action, resource)\nwhen { false };");
    assert!(matches!(errors[..], [PolicyError::Doubtful { .. }]), "{errors:?}");
}

#[test]
fn a_policy_needs_a_name_of_its_own_and_no_slots() {
    let plain = "forbid (principal, action, resource) when { context.hour < 6 };";
    assert!(matches!(errors(plain)[..], [PolicyError::NoName { .. }]));
    assert!(matches!(errors(&format!("@id(\"a b\") {plain}"))[..], [PolicyError::NoName { .. }]));
    let twice = format!("@id(\"one\") {plain}\n@id(\"one\") {plain}");
    assert!(matches!(errors(&twice)[..], [PolicyError::SameName { .. }]));
    let template = "@id(\"one\") permit (principal == ?principal, action, resource);";
    assert!(matches!(errors(template).first(), Some(PolicyError::Template { .. })));
    let long = format!("// {}\n@id(\"one\") {plain}", "x".repeat(LONGEST_FILE));
    assert!(matches!(errors(&long)[..], [PolicyError::TooMuch { .. }]));
    let many: String = (0..=MOST_POLICIES).map(|number| format!("@id(\"p{number}\") {plain}\n")).collect();
    assert!(matches!(errors(&many)[..], [PolicyError::TooMuch { .. }]));
}

#[test]
fn a_bundled_name_replaces_no_bundled_policy() {
    let policies = with("@id(\"guard-keys\") permit (principal, action, resource);");
    assert!(policies.names().any(|name| name == "guard-keys"));
    assert!(policies.names().any(|name| name == "practice/guard-keys"));
    let row = Row { role: Role::Biller, ..desk_views_clients() };
    let decision = row.decide(&policies);
    assert_eq!((decision.allowed, decision.policies), (false, vec!["guard-keys".to_owned()]));
}

#[test]
fn a_practice_may_forbid_more() {
    let policies = with(
        "@id(\"desk-in-the-office\") @says(\"the front desk works in the office\")\nforbid (principal in Role::\"front_desk\", action, resource)\nunless { context has network && context.network == \"office\" };",
    );
    let decision = desk_views_clients().decide(&policies);
    assert!(!decision.allowed);
    assert_eq!(decision.policies, ["practice/desk-in-the-office"]);
    assert_eq!(decision.reasons, ["the front desk works in the office"]);
    let office = Row { variation: Variation::Network("office".to_owned()), ..desk_views_clients() };
    assert!(office.decide(&policies).allowed);
}

#[test]
fn a_policy_about_one_client_is_about_everything_of_that_client() {
    let client = provenote_schemas::ClientId::from_random([1; 10]);
    let policies = with(&format!("@id(\"sealed\") forbid (principal, action, resource in Client::\"{client}\");"));
    assert_eq!(desk_views_clients().decide(&policies).policies, ["practice/sealed"]);
    let other = with("@id(\"sealed\") forbid (principal, action, resource in Client::\"cli-somebody-else\");");
    assert!(desk_views_clients().decide(&other).allowed);
}

#[test]
fn a_forbid_that_cannot_be_worked_out_forbids() {
    let policies =
        with("@id(\"overflow\") forbid (principal, action, resource) when { context.now * 9000000000000000000 > 1 };");
    let decision = desk_views_clients().decide(&policies);
    assert!(!decision.allowed, "Cedar skips what it cannot work out; a decision must not");
    assert_eq!(decision.errors.len(), 1);
}
