//! The bundled policies: against the keys, against the list of acts, and against a table that people read.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{ValidationMode, Validator};
use provenote_schemas::{Class, Time};

use super::*;
use crate::decision::Asked;
use crate::representative::rows_of;
use crate::schema::VOCABULARY;

fn every_row() -> Vec<Row> {
    usual_rows()
}

#[test]
fn the_bundled_policies_pass_strict_validation_without_a_warning() {
    let words = VOCABULARY.as_ref().expect("the schema parses");
    let result = Validator::new(words.schema.clone()).validate(Policies::bundled().set(), ValidationMode::Strict);
    let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
    let warnings: Vec<String> = result.validation_warnings().map(ToString::to_string).collect();
    assert_eq!((errors, warnings), (Vec::new(), Vec::new()));
    assert!(Policies::bundled().names().count() > 20, "a file was unreadable and all were left out");
    for name in Policies::bundled().names() {
        assert!(!Policies::bundled().says(name).contains("the policy `"), "{name} says nothing");
    }
}

#[test]
fn what_is_asked_of_cedar_fits_the_schema() {
    let words = VOCABULARY.as_ref().expect("the schema parses");
    for row in every_row() {
        let (subject, resource, circumstances) = (row.subject(), row.resource(), row.circumstances());
        let request = Request {
            subject: &subject,
            act: row.act,
            resource: &resource,
            circumstances: &circumstances,
            grants: &[],
        };
        let asked = Asked::new(words, &request).unwrap_or_else(|error| panic!("{row:?}: {error}"));
        // The entities are made without the schema, which is quicker; here they are held to it.
        let entities = asked.entities.iter().cloned();
        cedar_policy::Entities::from_entities(entities, Some(&words.schema))
            .unwrap_or_else(|error| panic!("{row:?}: {error:?}"));
    }
}

#[test]
fn no_act_lacks_a_policy() {
    for act in Act::ALL {
        assert!(Role::ALL.iter().any(|role| may(*role, *act).is_ok()), "{act} is permitted to nobody");
    }
}

/// Keys and policies say the same: nobody is permitted to read or write what their keys do not open, also where the guard
/// of the keys is taken away; and no key is held with which nothing may be done.
#[test]
fn keys_and_policies_agree() {
    let unguarded = Policies::bundled().without(&["guard-keys"]);
    let mut used: BTreeSet<(Role, Class)> = BTreeSet::new();
    for row in every_row().iter().filter(|row| row.act.needs_keys()) {
        let Some(class) = row.class else { continue };
        let allowed = row.decide(&unguarded).allowed;
        let opened = keys_open(&row.subject(), &row.resource());
        assert!(!allowed || opened, "permitted, and the keys do not open it: {row:?}");
        if allowed {
            used.insert((row.role, class));
        }
    }
    // What belongs to the practice has no rows of its own: the register of disclosures, users' names.
    let held: BTreeSet<(Role, Class)> = Role::ALL
        .iter()
        .flat_map(|role| Class::ALL.iter().map(move |class| (*role, *class)))
        .filter(|(role, class)| {
            let ties = [(false, false, false), (true, false, false), (false, true, false), (true, false, true)];
            ties.iter().any(|(treats, supervises, wrote)| {
                opens(*role, *class, Tie::Client { treats: *treats, supervises: *supervises, wrote: *wrote })
            })
        })
        .collect();
    assert_eq!(held, used, "keys that are held, and keys that something may be done with");
}

/// For each tie apart: whose keys open a class of a client, may read something of it there.
#[test]
fn whose_keys_open_a_class_may_read_something_of_it() {
    let mut opened: BTreeMap<(Role, Class, Standing), bool> = BTreeMap::new();
    for row in every_row().iter().filter(|row| row.act.is(Group::Reading) && row.kind != ResourceKind::Grant) {
        let Some(class) = row.class else { continue };
        // That somebody wrote it makes a difference only for what is kept apart.
        let apart = matches!(class, Class::PsychotherapyNotes | Class::SudCounselingNotes);
        if !keys_open(&row.subject(), &row.resource()) || (row.standing == Standing::Wrote && !apart) {
            continue;
        }
        let found = opened.entry((row.role, class, row.standing)).or_default();
        *found = *found || row.decide(Policies::bundled()).allowed;
    }
    // In a session without everybody's agreement a supervisor's keys open what the policy withholds.
    let withheld: Vec<_> =
        opened.iter().filter(|((.., standing), read)| !**read && *standing != Standing::SupervisesUnagreed).collect();
    assert_eq!(withheld, Vec::new());
}

#[test]
fn the_table_is_what_people_agreed_to() {
    let mut table = String::from(
        "# Who may do what\n\nMade by the tests of `access` from the policies; a change of a policy that changes a row has to change it here too.\n`yes`: of everybody; `own`: of clients whom the user treats, or about the user; `supervised`: of clients of those whom the user supervises (sessions: where everybody agreed to it). Notes that are kept apart are their author's alone, the owner included. Access for a limited time is not in the table.\n\n",
    );
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    table.push_str(&format!("| act | {} |\n|---|{}\n", roles.join(" | "), "---|".repeat(roles.len())));
    for act in Act::ALL {
        let cells: Vec<&str> = Role::ALL.iter().map(|role| cell(*role, *act)).collect();
        table.push_str(&format!("| {act} | {} |\n", cells.join(" | ")));
    }
    let kept = include_str!("../policies/who-may-what.md");
    assert!(kept == table, "policies/who-may-what.md is not what the policies say:\n{table}");
}

fn cell(role: Role, act: Act) -> &'static str {
    let allowed = act.kinds().iter().flat_map(|kind| crate::standings(role, act, *kind)).collect();
    crate::cell(&allowed)
}

#[test]
fn the_owner_may_do_everything() {
    assert!(Act::ALL.iter().all(|act| may(Role::Owner, *act).is_ok()));
}

#[test]
fn a_clinician_treats_and_does_not_rule_the_practice() {
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

#[test]
fn note_text_is_for_who_treats_and_supervises() {
    let text = [
        Act::ViewRecording,
        Act::ViewTranscript,
        Act::ViewNote,
        Act::EditNote,
        Act::ExportNote,
        Act::PrintNote,
        Act::ForwardNote,
    ];
    for role in [Role::Biller, Role::Researcher, Role::ComplianceOfficer, Role::FrontDesk, Role::Auditor] {
        for act in text {
            assert!(may(role, act).is_err(), "{role} {act}");
        }
    }
}

fn row(role: Role, act: Act, standing: Standing) -> Row {
    rows_of(role, act, &Variation::Usual)
        .into_iter()
        .find(|row| row.standing == standing)
        .unwrap_or_else(|| panic!("no row of {act} for {standing:?}"))
}

fn refused_by(row: &Row, guard: &str) {
    let decision = row.decide(Policies::bundled());
    assert!(!decision.allowed, "{row:?}");
    assert!(decision.policies.iter().any(|policy| policy == guard), "{:?} of {row:?}", decision.policies);
    let reason = Policies::bundled().says(guard);
    assert!(decision.reasons.iter().any(|given| given == reason), "{decision:?}");
}

#[test]
fn each_guard_forbids_what_it_says() {
    let own_note = row(Role::Clinician, Act::ViewNote, Standing::Treats);
    assert!(own_note.decide(Policies::bundled()).allowed);
    let varied = |variation: Variation| Row { variation, ..own_note.clone() };
    refused_by(&varied(Variation::NoFactor), "guard-factor");
    refused_by(&varied(Variation::UnknownDevice), "guard-device");
    refused_by(&varied(Variation::OtherPlace), "guard-place");
    refused_by(&row(Role::Clinician, Act::ViewNote, Standing::Stranger), "guard-keys");
    refused_by(&row(Role::Biller, Act::ViewNote, Standing::Stranger), "guard-keys");
    refused_by(&row(Role::Supervisor, Act::ManageUsers, Standing::Stranger), "guard-ruling");
    refused_by(&row(Role::Owner, Act::ApproveGrant, Standing::Own), "guard-own-grant");
    refused_by(&row(Role::Owner, Act::ReviewEmergency, Standing::Own), "guard-own-grant");
    refused_by(
        &Row { variation: Variation::NoReason, ..row(Role::Clinician, Act::BreakGlass, Standing::Own) },
        "guard-reason",
    );
    let apart = Row { class: Some(Class::PsychotherapyNotes), ..row(Role::Owner, Act::ViewNote, Standing::Stranger) };
    refused_by(&apart, "guard-kept-apart");
    // Whoever lost a factor or sits at a new machine can still begin to put that right.
    let enrol = Row { variation: Variation::NoFactor, ..row(Role::Biller, Act::EnrolFactor, Standing::Own) };
    assert!(enrol.decide(Policies::bundled()).allowed);
    let enrol = Row { variation: Variation::UnknownDevice, ..row(Role::Biller, Act::EnrolDevice, Standing::Own) };
    assert!(enrol.decide(Policies::bundled()).allowed);
}

#[test]
fn attesting_asks_for_the_passphrase_again() {
    let attest = row(Role::Clinician, Act::AttestNote, Standing::Wrote);
    let mut circumstances = attest.circumstances();
    let (subject, resource) = (attest.subject(), attest.resource());
    let decided = |circumstances: &Circumstances| {
        let request = Request { subject: &subject, act: attest.act, resource: &resource, circumstances, grants: &[] };
        decide(Policies::bundled(), &request)
    };
    assert!(decided(&circumstances).allowed);
    circumstances.passphrase_anew = false;
    assert_eq!(decided(&circumstances).policies, ["guard-attest-anew"]);
    assert!(!decided(&Circumstances::unknown(Time::from_millis(0))).allowed);
}

#[test]
fn an_account_ends_and_an_auditors_always_does() {
    let verify = row(Role::Auditor, Act::VerifyLedger, Standing::Stranger);
    let (resource, circumstances) = (verify.resource(), verify.circumstances());
    let decided = |ends: Option<Time>| {
        let subject = Subject { ends, ..verify.subject() };
        let request = Request {
            subject: &subject,
            act: Act::VerifyLedger,
            resource: &resource,
            circumstances: &circumstances,
            grants: &[],
        };
        decide(Policies::bundled(), &request)
    };
    let now = circumstances.now.millis();
    assert!(decided(Some(Time::from_millis(now + 1))).allowed);
    assert_eq!(decided(Some(Time::from_millis(now))).policies, ["guard-account-ended"]);
    assert_eq!(decided(None).policies, ["guard-auditor-without-end"]);
}

#[test]
fn access_for_a_limited_time_opens_reading_and_nothing_that_leaves() {
    let note = Row { variation: Variation::Granted, ..row(Role::Biller, Act::ViewNote, Standing::Stranger) };
    assert_eq!(note.decide(Policies::bundled()).policies, ["grant"]);
    for act in [Act::ExportNote, Act::PrintNote, Act::ForwardNote, Act::MakeRelease, Act::EditNote] {
        let row = Row { act, ..note.clone() };
        assert!(!row.decide(Policies::bundled()).allowed, "{act}");
    }
    let approve = Row { variation: Variation::Granted, ..row(Role::Biller, Act::ApproveGrant, Standing::Stranger) };
    assert!(!approve.decide(Policies::bundled()).allowed, "access is not handed on");
    // Part 2 records of a supervisee's client only so.
    let part2 = Row { class: Some(Class::Part2), ..row(Role::Supervisor, Act::ViewNote, Standing::Supervises) };
    assert!(!part2.decide(Policies::bundled()).allowed);
    assert!(Row { variation: Variation::Granted, ..part2 }.decide(Policies::bundled()).allowed);
}

#[test]
fn supervision_of_a_session_needs_everybodys_agreement() {
    let heard = |standing| row(Role::Supervisor, Act::ViewTranscript, standing).decide(Policies::bundled()).allowed;
    assert!(heard(Standing::Supervises));
    assert!(!heard(Standing::SupervisesUnagreed));
}

#[test]
fn what_no_policy_speaks_of_is_refused_in_words() {
    let row = row(Role::FrontDesk, Act::ViewLedger, Standing::Stranger);
    let decision = row.decide(Policies::bundled());
    assert_eq!((decision.allowed, decision.policies.len(), decision.errors.len()), (false, 0, 0));
    assert_eq!(decision.reasons, ["no policy permits a user with the role front_desk to look at the ledger"]);
}

#[test]
fn an_act_on_the_wrong_kind_of_thing_is_refused_with_an_error() {
    let row = Row { kind: ResourceKind::Ledger, ..row(Role::Owner, Act::ViewNote, Standing::Treats) };
    let decision = row.decide(Policies::bundled());
    assert!(!decision.allowed);
    assert_eq!(decision.errors.len(), 1, "{decision:?}");
}
