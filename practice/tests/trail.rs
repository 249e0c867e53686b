//! The audit trail in a practice: filters, exports, openings, disclosures, holds, incidents, the review, and sealing off.

mod office;

use std::collections::BTreeSet;

use office::{DAY, Office, START};
use provenote_access::Act;
use provenote_access::review::{Rules, Unusual};
use provenote_consent::Modality;
use provenote_ledger::note::VerifierKey;
use provenote_practice::PracticeError;
use provenote_practice::erasure::ErasureReason;
use provenote_practice::trail::{
    DisclosureGiven, Filter, HoldAsked, IncidentStage, Local, Severity, TrailFormat, read_archive,
};
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Digest, Kind, Time};
use provenote_trail::{Event, Outcome, of_act};

const REASON: &str = "a complaint to the licensing board of last Tuesday";

fn office() -> Office {
    let mut office = Office::new("CO", None, &[("Maria Alvarez", ParticipantRole::Client)]);
    office.form("ai-notes").expect("a form");
    office.sign("Maria Alvarez", None).expect("signed");
    office
}

fn last(office: &Office) -> (String, Vec<u8>) {
    let header = office.practice.log().header(office.size() - 1).expect("an entry");
    (header.kind.clone(), header.encode())
}

fn clock(time: Time) -> Local {
    let days = time.millis().div_euclid(DAY);
    // 1970-01-01 was a Thursday.
    let weekday = u8::try_from((days + 3).rem_euclid(7) + 1).expect("a weekday");
    Local { day: days, hour: u8::try_from(time.millis().rem_euclid(DAY) / 3_600_000).expect("an hour"), weekday }
}

#[test]
fn every_act_that_can_be_refused_has_a_type() {
    for act in Act::ALL {
        assert!(of_act(act.as_str()).is_some(), "{} has no type in trail/rules/events.yaml", act.as_str());
    }
}

#[test]
fn the_trail_is_filtered_and_looking_is_an_entry() {
    let mut office = office();
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    let size = office.size();
    let all = office.practice.trail(&office.actor, &Filter::default()).expect("the trail");
    assert_eq!(all.len() as u64, size, "every entry, but for the one of looking");
    assert_eq!(last(&office).0, "ledger.viewed");
    assert!(
        all.iter()
            .all(|row| row.record.entry
                == Digest::of(&office.practice.log().entry_bytes(row.record.seq).expect("bytes")))
    );
    assert!(all.iter().skip(1).all(|row| row.record.role.is_some()), "who acted has a role");

    let views = Filter { client: Some("Maria Alvarez"), event: Some(Event::View), ..Filter::default() };
    let views = office.practice.trail(&office.actor, &views).expect("the trail");
    assert_eq!(views.iter().map(|row| row.record.kind.as_str()).collect::<Vec<_>>(), ["client.viewed"]);
    let kinds = [Kind::ConsentRequested, Kind::ConsentGranted];
    let asked = Filter { kinds: &kinds, outcome: Some(Outcome::Allowed), ..Filter::default() };
    assert_eq!(office.practice.trail(&office.actor, &asked).expect("the trail").len(), 2);
    let asked = Filter { kinds: &kinds[..1], to: Some(Time::from_millis(START)), ..Filter::default() };
    assert!(office.practice.trail(&office.actor, &asked).expect("the trail").is_empty());
    let asked = Filter { actor: Some("usr-0000000000000000"), ..Filter::default() };
    assert!(office.practice.trail(&office.actor, &asked).expect("the trail").is_empty());
}

#[test]
fn an_export_is_an_entry_with_its_digest_and_holds_no_name() {
    let mut office = office();
    for format in TrailFormat::ALL {
        let size = office.size();
        let made = office.practice.export_trail(&office.actor, &Filter::default(), *format).expect("an export");
        assert_eq!((made.entries as u64, made.seq), (size, size));
        let (kind, header) = last(&office);
        assert_eq!(kind, "trail.exported");
        let header = String::from_utf8(header).expect("text");
        assert!(header.contains(&Digest::of(&made.bytes).to_string()) && header.contains(format.word()));
        let text = String::from_utf8(made.bytes).expect("text");
        assert_eq!(text.lines().count(), made.entries + usize::from(*format == TrailFormat::Csv));
        assert!(!text.contains("Alvarez") && !text.contains("Reyes"), "{format:?}");
        assert_eq!(TrailFormat::from_word(format.word()), Some(*format));
    }
}

#[test]
fn a_client_is_shown_who_opened_their_file() {
    let mut office = office();
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    office.practice.list_clients(&office.actor).expect("listed");
    let entry = office.practice.log().find(&provenote_ledger::Query::kind("consent.granted")).expect("found")[0].seq;
    office.practice.ledger_show(&office.actor, entry).expect("shown");
    let shown = office.practice.openings(&office.actor, "Maria Alvarez").expect("openings");
    let says: Vec<&str> = shown.openings.iter().map(|one| one.says.as_str()).collect();
    assert_eq!(
        says,
        [
            "Opened the file with names and contacts",
            "Saw the list of all clients",
            "Looked at an entry about the client in the record of acts"
        ]
    );
    assert!(shown.openings.iter().all(|one| one.name.as_deref() == Some("Dana Reyes")));
    assert_eq!(last(&office).0, "openings.viewed");
    let again = office.practice.openings(&office.actor, &client).expect("openings");
    assert_eq!(again.openings.last().map(|one| one.says.as_str()), Some("Looked at this list"));
}

#[test]
fn disclosures_are_sealed_counted_and_left_out_by_reason() {
    let mut office = office();
    let client = office.client.clone();
    let given = DisclosureGiven {
        client: &client,
        at: None,
        recipient: "County Court",
        address: Some("1 Main Street"),
        description: "the progress note of January",
        purpose: "an order of the court",
        exclusion: None,
        of: None,
    };
    office.practice.record_disclosure(&office.actor, &given).expect("recorded");
    let (kind, header) = last(&office);
    assert_eq!(kind, "disclosure.recorded");
    let header = String::from_utf8(header).expect("text");
    assert!(!header.contains("County") && !header.contains("court"), "to whom and what is sealed");
    let excluded = DisclosureGiven { exclusion: Some("treatment"), ..given };
    office.practice.record_disclosure(&office.actor, &excluded).expect("recorded");
    let old = DisclosureGiven { at: Some(Time::from_millis(START - 7 * 366 * DAY)), ..given };
    office.practice.record_disclosure(&office.actor, &old).expect("recorded");

    let made = office.practice.accounting(&office.actor, &client, None, None).expect("an accounting");
    assert_eq!(made.told.len(), 1);
    assert_eq!(made.told[0].recipient.as_deref(), Some("County Court"));
    assert_eq!(made.left_out.get("treatment"), Some(&1));
    assert!(made.unsaid.is_empty());
    assert_eq!(last(&office).0, "disclosure.accounted");

    let wrong = [
        DisclosureGiven { recipient: " ", ..given },
        DisclosureGiven { exclusion: Some("because"), ..given },
        DisclosureGiven { at: Some(Time::from_millis(START + 400 * DAY)), ..given },
        DisclosureGiven { of: Some(0), ..given },
        DisclosureGiven { of: Some(9_999), ..given },
    ];
    let size = office.size();
    for given in &wrong {
        let refused = office.practice.record_disclosure(&office.actor, given).expect_err("refused");
        assert!(matches!(refused, PracticeError::BadRequest(_)), "{refused}");
    }
    assert_eq!(office.size(), size);
}

#[test]
fn what_is_held_is_not_destroyed_until_the_hold_is_lifted() {
    let mut office = office();
    let client = office.client.clone();
    office.record(Modality::InPerson).expect("a session");
    let session = office.practice.log().find(&provenote_ledger::Query::kind("session.recorded")).expect("found")[0]
        .refs["session"]
        .clone();
    let hold = HoldAsked { client: &client, session: Some(&session), reason: REASON };
    let hold = office.practice.place_hold(&office.actor, &hold).expect("held");
    assert!(!String::from_utf8(last(&office).1).expect("text").contains("complaint"));
    assert_eq!(office.practice.hold_reason(&office.actor, hold).expect("the reason"), REASON);

    office.later(4000);
    let plan = office.practice.retention_plan(&office.actor).expect("a plan");
    assert!(!plan.is_empty() && plan.iter().all(|due| due.held == Some(hold) && !due.now));
    assert!(office.practice.retention_run(&office.actor, None).expect("a run").is_empty());
    let refused =
        office.practice.destroy_client(&office.actor, &client, ErasureReason::Ordered, true).expect_err("held");
    assert!(refused.to_string().contains(&format!("entry {hold}")), "{refused}");
    office.revoke("Maria Alvarez", &[]).expect("taken back");
    assert!(
        !office.kinds().iter().any(|kind| kind.ends_with(".destroyed")),
        "a withdrawal destroys nothing that is held"
    );

    office.practice.lift_hold(&office.actor, hold, "the complaint was settled").expect("lifted");
    let again = office.practice.lift_hold(&office.actor, hold, "the complaint was settled").expect_err("lifted before");
    assert!(matches!(again, PracticeError::NotFound { .. }));
    assert_eq!(office.practice.holds().expect("holds")[0].lifted, Some(office.size() - 1));
    assert!(!office.practice.retention_run(&office.actor, None).expect("a run").is_empty());
    office.practice.destroy_client(&office.actor, &client, ErasureReason::Ordered, true).expect("destroyed");
}

#[test]
fn an_incident_is_opened_assessed_and_closed() {
    let mut office = office();
    let incident = office
        .practice
        .open_incident(&office.actor, Severity::Medium, "A laptop was left on a train.")
        .expect("opened");
    assert!(!String::from_utf8(last(&office).1).expect("text").contains("laptop"));
    let steps = [(IncidentStage::Assessed, "It was locked."), (IncidentStage::Closed, "It came back unopened.")];
    for (stage, words) in steps {
        office.practice.advance_incident(&office.actor, incident, stage, Severity::Low, words).expect("advanced");
    }
    let known = office.practice.incidents().expect("incidents");
    assert_eq!(
        (known.len(), known[0].stage, known[0].severity, known[0].entries.len()),
        (1, IncidentStage::Closed, Severity::Low, 3)
    );
    let closed =
        office.practice.advance_incident(&office.actor, incident, IncidentStage::Assessed, Severity::High, "More.");
    assert!(matches!(closed, Err(PracticeError::NotAllowed(_))));
    let words = office.practice.incident_words(&office.actor, incident).expect("words");
    assert_eq!(words[2].1, "It came back unopened.");
}

#[test]
fn a_review_finds_what_stands_out_and_is_signed_off() {
    let mut office = office();
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    let (from, to) = (Time::from_millis(START - DAY), Time::from_millis(START + DAY));
    let review = office.practice.access_review(&office.actor, from, to, &clock, &Rules::default()).expect("a review");
    assert_eq!(review.readings, 1);
    let found: BTreeSet<Unusual> = review.findings.findings.iter().map(|one| one.what).collect();
    assert!(found.contains(&Unusual::NoSession) && found.contains(&Unusual::NoFactor), "{found:?}");
    assert!(!found.contains(&Unusual::OwnFamilyName));
    assert!(review.findings.not_looked_at.is_empty(), "the owner's keys open names");
    assert!(office.practice.last_review().expect("read").is_none());
    let seq = office
        .practice
        .sign_off_review(&office.actor, &review, "The file was opened to call the client.")
        .expect("signed");
    let (kind, header) = last(&office);
    assert_eq!(kind, "access.reviewed");
    assert!(!String::from_utf8(header).expect("text").contains("Opened"), "findings are sealed");
    assert_eq!(
        office.practice.last_review().expect("read").map(|last| (last.seq, last.from, last.to)),
        Some((seq, from, to))
    );
    assert!(office.practice.sign_off_review(&office.actor, &review, " ").is_err());
    assert!(office.practice.access_review(&office.actor, to, from, &clock, &Rules::default()).is_err());
}

#[test]
fn a_reader_of_their_own_name_stands_out() {
    let mut office = Office::new("CO", None, &[("Luz Reyes", ParticipantRole::Client)]);
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    let (from, to) = (Time::from_millis(START - DAY), Time::from_millis(START + DAY));
    let review = office.practice.access_review(&office.actor, from, to, &clock, &Rules::default()).expect("a review");
    assert!(review.findings.findings.iter().any(|one| one.what == Unusual::OwnFamilyName));
}

#[test]
fn what_is_younger_is_not_sealed_off_and_what_is_older_verifies_alone() {
    let mut office = office();
    let refused = office.practice.seal_trail(&office.actor, Some(1)).expect_err("too young");
    assert!(refused.to_string().contains("policy choice, commonly inferred"), "{refused}");
    assert!(matches!(office.practice.seal_trail(&office.actor, None), Err(PracticeError::BadRequest(_))));
    let standing = office.practice.trail_standing(&office.actor).expect("a standing");
    assert_eq!((standing.sealable.upto, standing.years), (0, 6));

    let old = office.size();
    office.later(8 * 366);
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    let may = office.practice.trail_standing(&office.actor).expect("a standing").sealable;
    assert!(0 < may.upto && may.upto <= old, "{may:?}");
    let beyond = office.practice.seal_trail(&office.actor, Some(office.size())).expect_err("the newest is young");
    assert!(matches!(beyond, PracticeError::NotAllowed(_)));

    let (bytes, seq) = office.practice.seal_trail(&office.actor, None).expect("sealed off");
    assert_eq!(last(&office).0, "trail.sealed");
    assert!(office.practice.log().header(seq).expect("an entry").facts.contains_key("root"));
    let key: VerifierKey = office.practice.vault().vkey().expect("a key").parse().expect("a verifier's key");
    let archive = read_archive(&bytes, &key).expect("it verifies");
    assert_eq!(archive.entries, may.upto);
    assert_eq!(archive.headers[0].kind, "practice.created");
    assert_eq!(
        archive.headers,
        (0..may.upto).map(|seq| office.practice.log().header(seq).expect("an entry")).collect::<Vec<_>>()
    );

    // Every byte is bound: a change anywhere is refused.
    for at in (0..bytes.len()).step_by(7) {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        assert!(read_archive(&broken, &key).is_err(), "byte {at}");
    }
}

#[test]
fn a_hold_keeps_the_trail_too() {
    let mut office = office();
    let client = office.client.clone();
    office
        .practice
        .place_hold(&office.actor, &HoldAsked { client: &client, session: None, reason: REASON })
        .expect("held");
    let first = office.practice.log().find(&provenote_ledger::Query::kind("client.added")).expect("found")[0].seq;
    office.later(20 * 366);
    let may = office.practice.trail_standing(&office.actor).expect("a standing").sealable;
    assert_eq!(may.upto, first, "nothing about the client, and so nothing after it");
}

#[test]
fn headers_are_read_without_keys_and_without_an_entry() {
    let mut office = office();
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    let asked = Filter { client: Some(&client), event: Some(Event::View), ..Filter::default() };
    let size = office.size();
    let plain = office.practice.trail_of_headers(&asked).expect("the trail");
    assert_eq!(office.size(), size);
    assert_eq!(plain.iter().map(|row| row.header.kind.as_str()).collect::<Vec<_>>(), ["client.viewed"]);
    assert_eq!(office.practice.trail(&office.actor, &asked).expect("the trail"), plain, "the same rows");
    let elsewhere = Filter { device: Some("dev-0000000000000000"), ..Filter::default() };
    assert!(office.practice.trail_of_headers(&elsewhere).expect("the trail").is_empty());
    let by_name = Filter { client: Some("Maria Alvarez"), ..Filter::default() };
    assert!(office.practice.trail_of_headers(&by_name).is_err(), "a name is looked for with keys");
}

#[test]
fn nobody_signs_off_a_review_that_they_have_not_seen() {
    let mut office = office();
    let client = office.client.clone();
    let words = "The file was opened to call the client.";
    let none = office.practice.sign_off_last(&office.actor, &clock, words).expect_err("nothing was looked at");
    assert!(matches!(none, PracticeError::NotFound { .. }), "{none}");

    office.practice.show_client(&office.actor, &client).expect("shown");
    let (from, to) = (Time::from_millis(START - DAY), Time::from_millis(START + DAY));
    let rules = Rules { bulk_clients: 3, weekends: true, from_hour: 5, ..Rules::default() };
    let seen = office.practice.access_review(&office.actor, from, to, &clock, &rules).expect("a review");
    office.practice.show_client(&office.actor, &client).expect("shown again");
    let other = office.practice.sign_off_last(&office.actor, &clock, words).expect_err("it finds more by now");
    assert!(matches!(other, PracticeError::NotAllowed(_)) && other.to_string().contains("access review"), "{other}");
    assert!(office.practice.last_review().expect("read").is_none());

    // The refused sign-off looked anew, and what it found was not shown: it does not count as seen.
    let again = office.practice.sign_off_last(&office.actor, &clock, words).expect_err("still not seen");
    assert!(matches!(again, PracticeError::NotAllowed(_)), "{again}");
    let now = office.practice.access_review(&office.actor, from, to, &clock, &rules).expect("a review");
    assert_eq!(now.readings, seen.readings + 1);
    let (signed, seq) = office.practice.sign_off_last(&office.actor, &clock, words).expect("signed off");
    assert_eq!(signed, now);
    assert_eq!(office.practice.last_review().expect("read").map(|last| last.seq), Some(seq));
    assert_eq!(office.practice.reviewed_until().expect("read"), to);
    let twice = office.practice.sign_off_last(&office.actor, &clock, words).expect_err("it is signed off");
    assert!(matches!(twice, PracticeError::NotFound { .. }), "{twice}");
}

#[test]
fn the_record_of_a_report_on_access_tells_the_time_that_was_asked_for() {
    let mut office = office();
    let client = office.client.clone();
    office.practice.show_client(&office.actor, &client).expect("shown");
    office.practice.open_incident(&office.actor, Severity::High, "A door stood open.").expect("opened");
    office
        .practice
        .place_hold(&office.actor, &HoldAsked { client: &client, session: None, reason: REASON })
        .expect("held");
    let (from, to) = (Time::from_millis(START - DAY), Time::from_millis(START + DAY));
    let record = office.practice.access_record(&office.actor, from, to, &clock).expect("a record");
    assert_eq!(record.users.len(), 1);
    assert_eq!(record.users[0].name.as_deref(), Some("Dana Reyes"));
    assert!(record.users[0].factor.is_none() && !record.users[0].factor_required);
    let file = record.seen.iter().find(|seen| seen.class == "client_file").expect("the file was opened");
    assert_eq!((file.viewed, file.clients), (1, 1));
    assert_eq!(record.events.get(&Some(Event::Incident)), Some(&1));
    assert_eq!((record.incidents.len(), record.holds.len(), record.refused.len()), (1, 1, 0));
    assert!(record.changes.iter().any(|change| change.kind == Kind::UserAdded), "{:?}", record.changes);
    assert!(record.emergencies.unreviewed.is_empty() && record.signed_off.is_none());
    assert!(record.kept.contains("policy choice") && record.years == 6);
    assert!(!format!("{record:?}").contains("Alvarez"), "no client's name");

    let (from, to) = (Time::from_millis(START - 9 * DAY), Time::from_millis(START - 8 * DAY));
    let before = office.practice.access_record(&office.actor, from, to, &clock).expect("a record");
    assert!(before.seen.is_empty() && before.events.is_empty() && before.incidents.is_empty());
}
