//! Who may open what: by keys, by policies, for a time, and after somebody has gone. What the keys refuse is tried with
//! code that asks no policy at all.

mod desk;

use desk::{Catalogue, DAY, Desk, Script, draft};
use provenote_consent::{Material, Particulars, Shared};
use provenote_ledger::memory::MemoryKeys;
use provenote_ledger::{Argon2Params, Header, KeyStore, Unlocked, Vault};
use provenote_practice::consents::FormRequest;
use provenote_practice::grants::GrantAsked;
use provenote_practice::staff::{Entry, NewUser};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::{Class, Role, Time};
use provenote_templates::Shelf;

const OTHERS: &[u8] = b"quiet orchard lantern drum seven";
const MINUTE: i64 = 60_000;

const LIGHT: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

/// A client's session, drafted and attested by the owner; returns the note.
fn noted(desk: &mut Desk) -> String {
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    desk.attest(&text).expect("attested").note.to_string()
}

fn add(desk: &mut Desk, name: &str, role: Role) -> (String, Actor) {
    let ends = (role == Role::Auditor).then(|| Time::from_millis(desk.clock.0.get() + 30 * DAY));
    let asked = NewUser { name, role, ends, entry: Entry::Passphrase(OTHERS), argon2: LIGHT };
    let user = desk.practice.add_user(&desk.actor, &asked).expect("a user").user.to_string();
    let actor = desk.practice.sign_in(&user, OTHERS).expect("signs in");
    (user, actor)
}

/// Every payload of the practice that these keys open, asking nobody: by class and the scope it belongs to.
fn opened(vault: &Vault, practice: &Practice, keys: &Unlocked, from: u64) -> Vec<(u64, String, String)> {
    let mut opened = Vec::new();
    for header in practice.ledger_log(None, None, None).expect("reads").iter().filter(|header| header.seq >= from) {
        for payload in &header.payloads {
            let Some((wrapped, body)) = practice.log().sealed(payload).expect("reads") else { continue };
            if vault.open(keys, payload, &wrapped, &body).is_ok() {
                opened.push((header.seq, payload.class.clone(), payload.name.clone()));
            }
        }
    }
    opened
}

/// A form that asks whether a supervisor may hear and read sessions.
fn supervision(desk: &mut Desk) {
    let shared = Shared {
        what: vec![Material::Recordings],
        who: vec!["Sam Ortiz, LCSW, supervisor".to_owned()],
        kept_days: 30,
        names_removed: false,
    };
    let particulars = Particulars { shared: Some(shared), ..Particulars::default() };
    let request = FormRequest { client: &desk.client, template: Some("supervision"), lang: "en", particulars };
    desk.practice.consent_form(&desk.actor, &request, &Shelf::bundled(), &Catalogue).expect("a form");
}

fn classes(opened: &[(u64, String, String)]) -> Vec<&str> {
    let mut classes: Vec<&str> = opened.iter().map(|(_, class, _)| class.as_str()).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// The key files as they are now, apart from what becomes of them.
fn copy_of(keys: &MemoryKeys) -> Vault {
    let mut copy = MemoryKeys::default();
    for name in keys.list("").expect("lists") {
        let contents = keys.read(&name).expect("reads").unwrap_or_default();
        copy.write(&name, &contents).expect("writes");
    }
    Vault::new(Box::new(copy), Box::new(provenote_ledger::memory::MemoryBlobs::default()))
}

fn denied(error: PracticeError) -> (String, u64) {
    match error {
        PracticeError::Denied { reasons, seq, .. } => (reasons, seq),
        other => panic!("not denied: {other}"),
    }
}

fn last(practice: &Practice) -> Header {
    practice.ledger_log(None, None, None).expect("reads").pop().expect("an entry")
}

#[test]
fn no_role_opens_more_than_its_classes_whatever_the_program_asks() {
    let mut desk = Desk::consented();
    noted(&mut desk);
    let expected: [(Role, &[&str]); 7] = [
        (Role::Clinician, &["administrative"]),
        (Role::Supervisor, &["administrative"]),
        (Role::Biller, &[]),
        (Role::Researcher, &[]),
        (Role::ComplianceOfficer, &["administrative"]),
        (Role::FrontDesk, &["administrative"]),
        (Role::Auditor, &[]),
    ];
    for (role, classes_expected) in expected {
        let (_, actor) = add(&mut desk, "Kim Lee", role);
        let opened = opened(desk.practice.vault(), &desk.practice, actor.keys(), 0);
        assert_eq!(classes(&opened), classes_expected, "{role}: {opened:?}");
        let of_client = |seq: &u64| desk.log()[usize::try_from(*seq).expect("small")].refs.contains_key("client");
        if role != Role::FrontDesk {
            assert!(!opened.iter().any(|(seq, ..)| of_client(seq)), "{role} opens something of a client: {opened:?}");
        }
    }
}

#[test]
fn a_clinician_sees_own_clients_and_is_refused_others_with_an_entry() {
    let mut desk = Desk::consented();
    let note = noted(&mut desk);
    let (kim, kims) = add(&mut desk, "Kim Lee, LPC", Role::Clinician);
    assert!(desk.practice.list_clients(&kims).expect("lists").is_empty());
    assert!(desk.practice.list_notes(&kims).expect("lists").is_empty());
    let (reasons, seq) = denied(desk.practice.show_note(&kims, &note).expect_err("not theirs"));
    assert!(reasons.contains("keys"), "{reasons}");
    let entry = last(&desk.practice);
    assert_eq!((entry.seq, entry.kind.as_str(), entry.actor.as_str()), (seq, "access.refused", kim.as_str()));
    assert_eq!(entry.refs.get("note"), Some(&note));
    // By name the client is not even there.
    assert!(matches!(desk.practice.show_client(&kims, desk::CLIENT), Err(PracticeError::NotFound { .. })));

    let client = desk.client.clone();
    desk.practice.assign(&desk.actor, &client, &kim).expect("assigned");
    let kims = desk.practice.sign_in(&kim, OTHERS).expect("signs in");
    assert_eq!(desk.practice.list_clients(&kims).expect("lists").len(), 1);
    desk.practice.show_note(&kims, &note).expect("theirs now");
    desk.practice.unassign(&desk.actor, &client, &kim).expect("no longer");
    denied(desk.practice.show_note(&kims, &note).expect_err("no longer"));
}

#[test]
fn a_supervisor_reads_a_session_only_where_everybody_agreed() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let text = desk.draft(&session, &Script::new()).expect("a draft");
    let note = desk.attest(&text).expect("attested").note.to_string();
    let (sam, sams) = add(&mut desk, "Sam Ortiz", Role::Supervisor);
    let owner = desk.actor.user().to_string();
    desk.practice.supervise(&desk.actor, &sam, &owner, true).expect("answers for");
    desk.practice.show_note(&sams, &note).expect("a supervisee's note");
    let (reasons, _) = denied(desk.practice.show_transcript(&sams, &session).expect_err("nobody agreed"));
    assert!(!reasons.is_empty());
    supervision(&mut desk);
    desk.sign(desk::CLIENT);
    desk.practice.show_transcript(&sams, &session).expect("everybody agreed");
    desk.practice.supervise(&desk.actor, &sam, &owner, false).expect("no longer");
    denied(desk.practice.show_note(&sams, &note).expect_err("no longer"));
}

#[test]
fn an_old_copy_of_everything_opens_nothing_that_is_written_after_somebody_left() {
    for role in [Role::Clinician, Role::Biller, Role::FrontDesk, Role::Owner, Role::Researcher] {
        let mut desk = Desk::consented();
        noted(&mut desk);
        let (kim, kims) = add(&mut desk, "Kim Lee", role);
        let client = desk.client.clone();
        if role == Role::Clinician {
            desk.practice.assign(&desk.actor, &client, &kim).expect("assigned");
        }
        let before = copy_of(&desk.drivers.keys);
        let could = opened(&before, &desk.practice, kims.keys(), 0);
        let gone = desk.practice.remove_user(&mut desk.actor, &kim).expect("removed");

        // What is written now goes into groups that were there before and into new ones.
        supervision(&mut desk);
        desk.sign(desk::CLIENT);
        noted(&mut desk);
        for vault in [&before, &copy_of(&desk.drivers.keys)] {
            assert_eq!(opened(vault, &desk.practice, kims.keys(), gone.seq), [], "{role}");
        }
        assert!(desk.practice.sign_in(&kim, OTHERS).is_err());
        // Who stayed opens everything there is, old and new.
        let mine = opened(desk.practice.vault(), &desk.practice, desk.actor.keys(), 0);
        assert!(could.iter().all(|one| mine.contains(one)), "{role}");
        assert!(mine.iter().any(|(seq, class, _)| *seq > gone.seq && class == "clinical"));
    }
}

/// An hour of the client's clinical records.
fn an_hour<'a>(client: &'a str, reason: &'a str) -> GrantAsked<'a> {
    let class = Class::Clinical;
    GrantAsked { client: Some(client), session: None, note: None, class, minutes: 60, reason, authority: None }
}

#[test]
fn access_for_a_time_is_given_by_somebody_else_and_ends_by_itself() {
    let mut desk = Desk::consented();
    let note = noted(&mut desk);
    let client = desk.client.clone();
    let (kim, kims) = add(&mut desk, "Kim Lee, LPC", Role::Clinician);
    let asked = an_hour(&client, "Covering for Dana Reyes this week.");
    let grant = desk.practice.request_grant(&kims, &asked).expect("asked for").grant.to_string();
    denied(desk.practice.show_note(&kims, &note).expect_err("nobody answered"));
    denied(desk.practice.approve_grant(&kims, &grant).expect_err("one's own"));
    assert_eq!(desk.practice.grant_reason(&desk.actor, &grant).expect("reads"), asked.reason);
    let given = desk.practice.approve_grant(&desk.actor, &grant).expect("given");
    assert_eq!(given.until.map(Time::millis), Some(desk.clock.0.get() + 60 * MINUTE));
    let kims = desk.practice.sign_in(&kim, OTHERS).expect("signs in");
    desk.practice.show_note(&kims, &note).expect("in force");
    assert_eq!(desk.practice.grants_about(&client.parse().expect("an id")).expect("reads")[0].state, "in_force");

    // Nothing runs; its time passes, and the clock is set back.
    desk.later(60 * MINUTE);
    denied(desk.practice.show_note(&kims, &note).expect_err("over"));
    desk.later(-120 * MINUTE);
    desk.practice.show_note(&kims, &note).expect_err("a clock set back revives nothing");
    let again = desk.practice.sign_in(&kim, OTHERS).expect("signs in");
    let notes = opened(desk.practice.vault(), &desk.practice, again.keys(), 0);
    assert!(!notes.iter().any(|(_, class, _)| class == "clinical"), "{notes:?}");

    // Whoever comes first destroys the key, with its entry; once.
    desk.later(120 * MINUTE);
    assert_eq!(desk.practice.end_grants(&again).expect("ends").len(), 1);
    assert_eq!(last(&desk.practice).kind, "grant.ended");
    assert!(desk.practice.end_grants(&desk.actor).expect("ends").is_empty());
    assert!(!desk.drivers.keys.list("grants/").expect("lists").iter().any(|name| name.contains(&grant)));
    // What is sealed from now on has a key that the grant never opened.
    let copy = copy_of(&desk.drivers.keys);
    let from = last(&desk.practice).seq + 1;
    noted(&mut desk);
    assert!(!opened(&copy, &desk.practice, again.keys(), from).iter().any(|(_, class, _)| class == "clinical"));
}

#[test]
fn an_emergency_is_at_once_needs_the_envelope_and_is_reviewed_by_somebody_else() {
    let mut desk = Desk::consented();
    let note = noted(&mut desk);
    let client = desk.client.clone();
    let (kim, kims) = add(&mut desk, "Kim Lee, LPC", Role::Clinician);
    let asked = an_hour(&client, "Client in crisis, Dana Reyes cannot be reached.");
    let error = desk.practice.break_glass(&kims, &asked, "0000").expect_err("none was prepared");
    assert!(error.to_string().contains("access emergency prepare"), "{error}");
    let code = desk.practice.prepare_emergency(&desk.actor, LIGHT).expect("a code");
    assert!(desk.practice.break_glass(&kims, &asked, "0000-0000").is_err(), "another code");
    let short = GrantAsked { reason: "now", ..asked.clone() };
    assert!(desk.practice.break_glass(&kims, &short, &code).is_err(), "no reason");

    let taken = desk.practice.break_glass(&kims, &asked, &code).expect("at once");
    let kims = desk.practice.sign_in(&kim, OTHERS).expect("signs in");
    desk.practice.show_note(&kims, &note).expect("in force");
    let standing = desk.practice.emergencies().expect("reads");
    assert!(standing.envelope_open && standing.unreviewed.len() == 1);
    let grant = taken.grant.to_string();
    let words = "Confirmed with the client and with Kim Lee.";
    denied(desk.practice.review_emergency(&kims, &grant, words).expect_err("one's own"));
    desk.practice.review_emergency(&desk.actor, &grant, words).expect("reviewed");
    assert!(desk.practice.emergencies().expect("reads").unreviewed.is_empty());
    // A code that was read opens nothing that is written after a new one was made.
    let before = copy_of(&desk.drivers.keys);
    let read = desk.practice.people().expect("reads").emergency().expect("prepared").user.clone();
    let read = before.unlock_with_recovery(&read, &code).expect("the code of the envelope");
    desk.practice.prepare_emergency(&desk.actor, LIGHT).expect("another code");
    let from = last(&desk.practice).seq + 1;
    noted(&mut desk);
    assert_eq!(opened(&before, &desk.practice, &read, from), []);
}

#[test]
fn an_invitation_is_redeemed_once_with_keys_of_ones_own() {
    let mut desk = Desk::consented();
    let asked = NewUser { name: "Sam Ortiz", role: Role::Biller, ends: None, entry: Entry::Invitation, argon2: LIGHT };
    let added = desk.practice.add_user(&desk.actor, &asked).expect("invited");
    let (user, code) = (added.user.to_string(), added.code.expect("a code"));
    assert!(desk.practice.list_users(&desk.actor).expect("lists").iter().any(|one| one.invited));
    let invited = desk.practice.recover(&user, &code).expect("the code opens");
    let sams = desk.practice.redeem(&user, &code, OTHERS, LIGHT).expect("redeemed");
    assert_ne!(sams.keys().public(), invited.keys().public());
    assert!(desk.practice.redeem(&user, &code, OTHERS, LIGHT).is_err(), "once");
    assert!(!desk.practice.list_users(&desk.actor).expect("lists").iter().any(|one| one.invited));
    let people = desk.practice.people().expect("reads");
    let named = people.person(sams.user()).expect("a person").public().clone();
    assert_eq!(named, sams.keys().public());
}

#[test]
fn the_last_owner_stays_and_an_auditors_account_ends() {
    let mut desk = Desk::new();
    let owner = desk.actor.user().to_string();
    assert!(desk.practice.remove_user(&mut desk.actor, &owner).is_err());
    assert!(desk.practice.change_user(&mut desk.actor, &owner, Role::Clinician, None).is_err());
    let asked = NewUser { name: "The board", role: Role::Auditor, ends: None, entry: Entry::Invitation, argon2: LIGHT };
    let error = desk.practice.add_user(&desk.actor, &asked).err().expect("needs an end");
    assert!(error.to_string().contains("--until"), "{error}");
    let (_, board) = add(&mut desk, "The board", Role::Auditor);
    desk.practice.ledger_show(&board, 0).expect("looks at the ledger");
    desk.later(31 * DAY);
    let (reasons, _) = denied(desk.practice.ledger_show(&board, 0).expect_err("the account has ended"));
    assert!(reasons.contains("ended"), "{reasons}");
}

#[test]
fn two_users_work_at_once() {
    let mut desk = Desk::consented();
    let session = desk.record();
    let (kim, _) = add(&mut desk, "Kim Lee, LPC", Role::Clinician);
    let client = desk.client.clone();
    desk.practice.assign(&desk.actor, &client, &kim).expect("assigned");
    let (mut theirs, kims) = desk.drivers.process_of(2, desk.clock.clone(), &kim, OTHERS);
    let text = draft(&mut theirs, &kims, &session, &Script::new()).expect("a draft by one");
    desk.practice.show_note(&desk.actor, text.note.as_str()).expect("read by the other");
    desk.practice.unassign(&desk.actor, &client, &kim).expect("no longer");
    // The other process learns of it with its next act.
    denied(theirs.show_note(&kims, text.note.as_str()).expect_err("no longer"));
}

#[test]
fn an_edited_policy_file_stops_everything_and_a_renamed_user_is_nobody() {
    let mut desk = Desk::new();
    let rule = "@id(\"desk-hours\")\nforbid (principal in Role::\"front_desk\", action, resource) when { context.hour > 20 };\n";
    let file = provenote_access::PolicyFile { name: "ours.cedar", text: rule };
    let changes = desk.practice.check_policies(&desk.actor, &[file]).expect("checks");
    assert!(changes.iter().all(|change| !change.allowed && change.role == Role::FrontDesk) && !changes.is_empty());
    desk.practice.change_policies(&desk.actor, &[file]).expect("in force");
    desk.practice.use_policies(&[file]).expect("the same file");
    let edited = rule.replace("20", "24");
    let edited = provenote_access::PolicyFile { name: "ours.cedar", text: &edited };
    let error = desk.practice.use_policies(&[edited]).expect_err("another file").to_string();
    assert!(error.contains("were changed"), "{error}");
    assert!(desk.practice.use_policies(&[]).is_err(), "no file at all");

    let (kim, _) = add(&mut desk, "Kim Lee", Role::Biller);
    let mut keys = desk.drivers.keys.clone();
    let contents = keys.read(&format!("users/{kim}.json")).expect("reads").expect("a file");
    let owner = desk.actor.user().to_string();
    keys.write(&format!("users/{owner}.json"), &contents).expect("writes");
    assert!(desk.practice.sign_in(&owner, OTHERS).is_err(), "a biller's file under the owner's name");
}
