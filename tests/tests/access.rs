//! Several people in one practice, with the real program: what each role gets, refusals, access for a time, an emergency,
//! somebody who leaves.

use std::fs;

use provenote_tests::Place;
use provenote_tests::people::Person;
use serde_json::json;

#[test]
fn a_group_practice_from_the_first_colleague_to_the_last_day() {
    let place = Place::founded();
    let founder = place.founder_without_factors();
    let owner = founder.user.clone();
    let client = place.json(&["client", "add", "Maria Alvarez"])["client"].as_str().expect("an id").to_owned();
    place.json(&["settings", "set", "consent_spoken_opens", "true"]);

    let kim = place.colleague(&founder, "Kim", "clinician");
    let sam = place.colleague(&founder, "Sam", "biller");
    let desk = place.colleague(&founder, "Desk", "front_desk");
    let board = place.colleague(&founder, "Board", "auditor");

    // Several users: somebody has to be named.
    let nobody = place.command(&["client", "list"]).output().expect("runs");
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("--as USER"));

    // Each sees their part.
    assert_eq!(place.try_as(&kim, &["client", "list"]).1["clients"].as_array().map(Vec::len), Some(0));
    assert_eq!(place.try_as(&desk, &["client", "list"]).1["clients"].as_array().map(Vec::len), Some(1));
    for who in [&sam, &board] {
        assert_eq!(place.try_as(who, &["client", "list"]).0, 4);
    }
    assert_eq!(place.try_as(&board, &["ledger", "show", "0"]).0, 0);
    let (code, refused) = place.try_as(&kim, &["client", "show", &client]);
    assert_eq!(code, 4, "{refused}");
    assert!(refused["error"].as_str().expect("words").contains("The refusal is entry"), "{refused}");
    for (who, args) in [
        (&kim, &["settings", "set", "audio_days", "1"][..]),
        (&sam, &["retention", "run"]),
        (&desk, &["access", "user", "list"]),
        (&board, &["bundle", "create", "--client", &client, "-o", "x.zip"]),
    ] {
        assert_eq!(place.try_as(who, args).0, 4, "{args:?}");
    }
    let refusals = place.json(&["--as", &owner, "ledger", "log", "--kind", "access.refused"]);
    assert!(refusals["entries"].as_array().expect("entries").len() >= 4, "{refusals}");

    // For a time.
    let asked = ["access", "grant", "request", &client, "--class", "administrative", "--reason", "Covering this week."];
    let grant = place.try_as(&kim, &asked).1["grant"].as_str().expect("an id").to_owned();
    assert_eq!(place.try_as(&kim, &["access", "grant", "approve", &grant]).0, 4);
    assert!(place.json(&["--as", &owner, "access", "grant", "approve", &grant])["until"].is_string());
    let (code, shown) = place.try_as(&kim, &["client", "show", &client]);
    assert_eq!(code, 0, "{shown}");
    let file = place.json(&["--as", &owner, "client", "show", &client]);
    assert_eq!(file["grants"][0]["state"], "in_force", "{file}");
    place.json(&["--as", &owner, "access", "grant", "revoke", &grant]);
    assert_eq!(place.try_as(&kim, &["client", "show", &client]).0, 4);

    // At once, with the envelope.
    let prepared = place.command(&["--as", &owner, "access", "emergency", "prepare"]).output().expect("runs");
    let said = String::from_utf8(prepared.stderr).expect("text");
    let code = said.lines().map(str::trim).find(|line| line.matches('-').count() == 8).expect("a code").to_owned();
    let envelope = place.work().join("envelope.txt");
    fs::write(&envelope, code).expect("a file");
    let envelope = envelope.display().to_string();
    let reason = "Client in crisis, nobody else can be reached.";
    let take = ["access", "emergency", "take", &client, "--class", "administrative", "--reason", reason];
    let taken = place.try_as(&kim, &[&take[..], &["--code-file", &envelope]].concat());
    assert_eq!(taken.0, 0, "{}", taken.1);
    let (code, shown) = place.try_as(&kim, &["client", "show", &client]);
    assert_eq!(code, 0, "{shown}");
    let status = place.command(&["--as", &owner, "access", "emergency", "status"]).output().expect("runs");
    assert_eq!(status.status.code(), Some(3));

    // Somebody leaves, and everything still verifies.
    place.json(&["--as", &owner, "access", "user", "remove", &kim.user]);
    assert_eq!(place.try_as(&kim, &["client", "list"]).0, 1);
    place.json(&["--as", &owner, "client", "person", "add", &client, "Ana Alvarez", "--role", "partner"]);
    assert_eq!(place.try_as(&desk, &["client", "show", &client]).1["participants"].as_array().map(Vec::len), Some(2));
    let verified = place.json(&["--as", &owner, "ledger", "verify"]);
    assert_eq!((&verified["verdict"], &verified["findings"]), (&json!("intact"), &json!([])), "{verified:#}");
}

#[test]
fn an_invitation_and_what_an_edited_folder_gets() {
    let place = Place::founded();
    let founder = place.founder_without_factors();
    let owner = founder.user.clone();
    let asked = ["--as", &owner, "access", "user", "add", "Sam Ortiz", "--role", "researcher"];
    let invited = place.command(&asked).output().expect("runs");
    let said = String::from_utf8(invited.stderr).expect("text");
    let code = said.lines().map(str::trim).find(|line| line.matches('-').count() == 8).expect("a code").to_owned();
    let told = String::from_utf8(invited.stdout).expect("text");
    let user = told.split_whitespace().find(|word| word.starts_with("usr-")).expect("an id").to_owned();
    let file = place.work().join("code.txt");
    fs::write(&file, code).expect("a file");
    let sam = Person { file: place.file("sam.txt", b"quiet orchard lantern sam seven\n"), user: user.clone() };
    let file = file.display().to_string();
    assert_eq!(place.try_as(&sam, &["access", "user", "redeem", &user, "--code-file", &file]).0, 0);
    assert_eq!(place.try_as(&sam, &["access", "user", "redeem", &user, "--code-file", &file]).0, 1, "once");
    assert_eq!(place.try_as(&sam, &["client", "list"]).0, 4);

    // A policy of the practice's own, in force by an entry; the file edited afterwards stops everything.
    let rule = place.work().join("ours.cedar");
    let text = "@id(\"no-research\")\nforbid (principal in Role::\"researcher\", action, resource);\n";
    fs::write(&rule, text).expect("a file");
    let rule = rule.display().to_string();
    let changes = place.json(&["--as", &owner, "access", "policy", "check", &rule]);
    assert!(!changes["changes"].as_array().expect("changes").is_empty());
    place.json(&["--as", &owner, "access", "policy", "apply", &rule]);
    let explained = place.json(&["--as", &owner, "access", "explain", &user, "explain_access", &user]);
    assert_eq!(explained["allowed"], false);
    assert_eq!(explained["policies"][0]["id"], "practice/no-research", "{explained:#}");
    fs::write(place.home().join("policies/ours.cedar"), "").expect("a file");
    let stopped = place.command(&["--as", &owner, "client", "list"]).output().expect("runs");
    assert_eq!(stopped.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&stopped.stderr).contains("policies were changed"));
}
