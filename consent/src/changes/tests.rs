use super::*;
use crate::samples;
use crate::states::State;
use proptest::prelude::*;
use provenote_schemas::Digest;

fn facts() -> DisclosureFacts {
    let mut facts = samples::facts(State::parse("TX").expect("a state"));
    facts.vendors = vec![vendor("Cloud Scribe, Inc.")];
    facts.backups = vec![BackupFact { place: "a disk in the safe".to_owned(), sealed: true, days: 30 }];
    facts.gateways =
        vec![GatewayFact { name: "the clinician's phone".to_owned(), way: "the practice's own network".to_owned() }];
    facts
}

fn worse(day: u8, what: &[&str]) -> Option<TermsWorsened> {
    Some(TermsWorsened { on: format!("2026-11-0{day}"), what: what.iter().map(|one| (*one).to_owned()).collect() })
}

fn vendor(name: &str) -> VendorFact {
    VendorFact {
        name: name.to_owned(),
        does: "turns speech into text".to_owned(),
        place: Some("Ohio, United States".to_owned()),
        keeps_days: Some(30),
        trains: Some(false),
        passes_on_to: vec!["Second & Sons".to_owned()],
        terms_worsened: None,
    }
}

#[test]
fn every_kind_of_change_is_told_and_weighed() {
    type Case = (fn(&mut DisclosureFacts), Subject, Weight, &'static str);
    let table: Vec<Case> = vec![
        (
            |f| f.speech.sha256 = Digest::of(b"v3"),
            Subject::Model,
            Weight::Substance,
            "the model that turns speech into text is another version of Whisper base",
        ),
        (
            |f| {
                f.speech.sha256 = Digest::of(b"x");
                f.speech.name = "Parrot".into();
            },
            Subject::Model,
            Weight::Substance,
            "the model that turns speech into text is Parrot instead of Whisper base",
        ),
        (|f| f.speech.maker = "Open AI".into(), Subject::Model, Weight::Form, "described in other words"),
        (
            |f| f.drafting[0].sha256 = Digest::of(b"x"),
            Subject::Model,
            Weight::Substance,
            "a model that drafts the note is another version of Qwen2.5 1.5B",
        ),
        (
            |f| {
                let mut new = f.drafting[0].clone();
                new.sha256 = Digest::of(b"x");
                new.name = "Llama".into();
                f.drafting.push(new);
            },
            Subject::Model,
            Weight::Substance,
            "Llama may draft the note now",
        ),
        (|f| f.drafting.clear(), Subject::Model, Weight::Relief, "Qwen2.5 1.5B no longer drafts the note"),
        (|f| f.drafting[0].maker = "Someone".into(), Subject::Model, Weight::Form, "described in other words"),
        (|f| f.drafting[0].id = "other".into(), Subject::Model, Weight::Form, "described in other words"),
        (|f| f.voice_activity = None, Subject::Model, Weight::Relief, "no model looks for speech any more"),
        (|f| f.place = Place::Cloud, Subject::Place, Weight::Substance, "on computers of a company now"),
        (|f| f.place = Place::PracticeNetwork, Subject::Place, Weight::Substance, "another computer of the practice"),
        (
            |f| f.isolation = Isolation::Overridden,
            Subject::Isolation,
            Weight::Substance,
            "no longer keeps the models from network",
        ),
        (
            |f| f.processors.push("Somebody".into()),
            Subject::Processor,
            Weight::Substance,
            "Somebody gets the words too",
        ),
        (
            |f| f.vendors.push(vendor("Third")),
            Subject::Processor,
            Weight::Substance,
            "Third gets sound or words too (turns speech into text; in Ohio, United States)",
        ),
        (|f| f.vendors.clear(), Subject::Processor, Weight::Relief, "Cloud Scribe, Inc. no longer gets sound or words"),
        (
            |f| f.vendors[0].does = "drafts notes".into(),
            Subject::Processor,
            Weight::Substance,
            "what Cloud Scribe, Inc. does is now: drafts notes",
        ),
        (
            |f| f.vendors[0].place = Some("Texas".into()),
            Subject::Processor,
            Weight::Substance,
            "works in Texas instead of Ohio",
        ),
        (|f| f.vendors[0].place = None, Subject::Processor, Weight::Substance, "nobody tells any more where"),
        (
            |f| f.vendors[0].keeps_days = Some(31),
            Subject::Retention,
            Weight::Substance,
            "what Cloud Scribe, Inc. gets is kept for 31 days instead of 30",
        ),
        (
            |f| f.vendors[0].keeps_days = None,
            Subject::Retention,
            Weight::Substance,
            "kept for a time nobody told instead of 30",
        ),
        (|f| f.vendors[0].keeps_days = Some(7), Subject::Retention, Weight::Relief, "kept for 7 days instead of 30"),
        (
            |f| f.vendors[0].trains = Some(true),
            Subject::Processor,
            Weight::Substance,
            "trains models with what it gets",
        ),
        (|f| f.vendors[0].trains = None, Subject::Processor, Weight::Substance, "nobody tells any more whether"),
        (
            |f| f.vendors[0].passes_on_to.push("Fourth".into()),
            Subject::Processor,
            Weight::Substance,
            "passes what it gets on to Fourth too",
        ),
        (
            |f| f.vendors[0].terms_worsened = worse(1, &["may sell what it gets", "may keep what it gets"]),
            Subject::Processor,
            Weight::Substance,
            "Cloud Scribe, Inc. changed its terms for the worse (2026-11-01): it may sell what it gets; it may keep what it gets",
        ),
        (
            |f| f.vendors[0].passes_on_to.clear(),
            Subject::Processor,
            Weight::Relief,
            "no longer passes what it gets on to Second & Sons",
        ),
        (
            |f| f.retention.audio_days = 30,
            Subject::Retention,
            Weight::Substance,
            "recordings are kept for 30 days instead of 7",
        ),
        (
            |f| f.retention.transcript_days = 30,
            Subject::Retention,
            Weight::Substance,
            "transcripts are kept for 30 days instead of 7",
        ),
        (
            |f| f.retention.prompts_days = 30,
            Subject::Retention,
            Weight::Substance,
            "prompts and raw outputs are kept for 30 days",
        ),
        (
            |f| f.retention.drafts_days = 1,
            Subject::Retention,
            Weight::Relief,
            "drafts are kept for 1 days instead of 7",
        ),
        (
            |f| f.retention.note_years = 9,
            Subject::Retention,
            Weight::Substance,
            "notes are kept for 9 years instead of 7",
        ),
        (|f| f.retention.note_basis = "another".into(), Subject::Retention, Weight::Form, "in other words"),
        (
            |f| f.backups.push(BackupFact { place: "Iceland".into(), sealed: true, days: 1 }),
            Subject::Backup,
            Weight::Substance,
            "copies go to Iceland as well",
        ),
        (
            |f| f.backups[0].days = 31,
            Subject::Backup,
            Weight::Substance,
            "copies in a disk in the safe are kept for 31 days instead of 30",
        ),
        (
            |f| f.backups[0].sealed = false,
            Subject::Backup,
            Weight::Substance,
            "no longer locked with the practice's own keys",
        ),
        (|f| f.backups.clear(), Subject::Backup, Weight::Relief, "no copies go to a disk in the safe any more"),
        (
            |f| f.gateways[0].way = "the internet".into(),
            Subject::Gateway,
            Weight::Substance,
            "sound reaches the practice from the clinician's phone over the internet",
        ),
        (|f| f.gateways.clear(), Subject::Gateway, Weight::Relief, "sound no longer comes from the clinician's phone"),
    ];
    for (change, subject, weight, words) in table {
        let (before, mut after) = (facts(), facts());
        change(&mut after);
        let found = compare(&before, &after);
        assert_eq!(found.len(), 1, "{words}: {found:?}");
        assert_eq!((found[0].subject, found[0].weight), (subject, weight), "{words}");
        assert!(found[0].words.contains(words), "{words}: {found:?}");
        assert_eq!(found[0].ends(Promise::AnyChange), weight != Weight::Form);
        assert_eq!(found[0].ends(Promise::ForWorse), weight == Weight::Substance);
        // The way back is told too, and what takes something away one way adds it the other way.
        let back = compare(&after, &before);
        assert!(!back.is_empty(), "{words}");
        if weight == Weight::Relief {
            assert!(back.iter().any(|change| change.weight == Weight::Substance), "{words}: {back:?}");
        }
    }
    assert_eq!(compare(&facts(), &facts()), []);
}

#[test]
fn a_time_that_nobody_told_is_the_longest() {
    let (mut before, mut after) = (facts(), facts());
    before.vendors[0].keeps_days = None;
    after.vendors[0].keeps_days = Some(3650);
    assert_eq!(compare(&before, &after).iter().map(|one| one.weight).collect::<Vec<_>>(), [Weight::Relief]);
    assert_eq!(compare(&after, &before).iter().map(|one| one.weight).collect::<Vec<_>>(), [Weight::Substance]);
}

#[test]
fn order_weighs_nothing() {
    let mut before = facts();
    before.processors = vec!["A".to_owned(), "B".to_owned()];
    before.vendors.push(vendor("Third"));
    before.backups.push(BackupFact { place: "Iceland".into(), sealed: true, days: 1 });
    before.gateways.push(GatewayFact { name: "a phone".to_owned(), way: "a wire".to_owned() });
    let mut second = before.drafting[0].clone();
    second.sha256 = Digest::of(b"second");
    before.drafting.push(second);
    let mut after = before.clone();
    after.processors.reverse();
    after.vendors.reverse();
    after.backups.reverse();
    after.gateways.reverse();
    after.drafting.reverse();
    let found = compare(&before, &after);
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(found.iter().all(|change| change.weight == Weight::Form));
    assert_eq!(amendment(&form(&before, Promise::AnyChange), &after, &[]), None);
}

#[test]
fn two_of_one_name_are_never_taken_for_the_same() {
    let mut before = facts();
    before.vendors.push(VendorFact { place: Some("Texas".to_owned()), ..vendor("Cloud Scribe, Inc.") });
    let mut after = before.clone();
    after.vendors[1].trains = Some(true);
    assert!(compare(&before, &after).iter().any(|change| change.weight == Weight::Substance));
    after = before.clone();
    after.vendors.pop();
    assert!(compare(&after, &before).iter().any(|change| change.weight == Weight::Substance));
}

fn form(facts: &DisclosureFacts, promise: Promise) -> ConsentForm {
    ConsentForm {
        consent: ConsentId::from_random([1; 10]),
        client: provenote_schemas::ClientId::from_random([2; 10]),
        template: "ai-notes@1".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes],
        participants: Vec::new(),
        text: String::new(),
        text_sha256: Digest::of(b""),
        facts: facts.clone(),
        disclosure_digest: crate::disclosure_digest(facts),
        made: samples::MADE,
        expires: samples::MADE.plus_days(365),
        amends: None,
        promise,
    }
}

#[test]
fn an_amendment_tells_what_ends_the_consent_first() {
    let mut after = facts();
    after.speech.maker = "Open AI".into();
    after.retention.drafts_days = 1;
    let who = [ParticipantId::from_random([3; 10])];
    assert_eq!(amendment(&form(&facts(), Promise::ForWorse), &after, &who), None);
    let told = amendment(&form(&facts(), Promise::AnyChange), &after, &who).expect("shorter, too, ends it");
    assert_eq!(told.changes.iter().map(|one| one.weight).collect::<Vec<_>>(), [Weight::Relief, Weight::Form]);
    after.place = Place::Cloud;
    let told = amendment(&form(&facts(), Promise::ForWorse), &after, &who).expect("the cloud");
    assert_eq!(told.changes[0].subject, Subject::Place);
    assert_eq!((told.changes.len(), told.concerns.as_slice()), (3, &who[..]));
}

fn any_facts() -> impl Strategy<Value = DisclosureFacts> {
    let name = || prop::sample::select(vec!["A", "B", "C"]);
    let vendor = (
        name(),
        prop::option::of(name()),
        prop::option::of(0..3_u32),
        prop::option::of(any::<bool>()),
        prop::collection::vec(name(), 0..2),
        prop::option::of((1..3_u8, prop::collection::vec(name(), 1..3))),
    )
        .prop_map(|(name, place, keeps_days, trains, on, worse)| VendorFact {
            name: name.to_owned(),
            does: "writes".to_owned(),
            place: place.map(str::to_owned),
            keeps_days,
            trains,
            passes_on_to: on.into_iter().map(str::to_owned).collect(),
            terms_worsened: worse.map(|(day, what)| TermsWorsened {
                on: format!("2026-11-0{day}"),
                what: what.into_iter().map(str::to_owned).collect(),
            }),
        });
    let backup = (name(), any::<bool>(), 0..3_u32).prop_map(|(place, sealed, days)| BackupFact {
        place: place.to_owned(),
        sealed,
        days,
    });
    let gateway = (name(), name()).prop_map(|(name, way)| GatewayFact { name: name.to_owned(), way: way.to_owned() });
    let model = (name(), name()).prop_map(|(name, bytes)| ModelFact {
        id: name.to_owned(),
        name: name.to_owned(),
        maker: "Somebody".to_owned(),
        sha256: Digest::of(bytes.as_bytes()),
    });
    (
        prop::collection::vec(model, 0..3),
        prop::collection::vec(name(), 0..3),
        prop::collection::vec(vendor, 0..3),
        prop::collection::vec(backup, 0..3),
        prop::collection::vec(gateway, 0..3),
        0..3_u32,
        any::<bool>(),
    )
        .prop_map(|(drafting, processors, vendors, backups, gateways, audio_days, open)| {
            let mut facts = samples::facts(State::parse("TX").expect("a state"));
            facts.drafting = drafting;
            facts.processors = processors.into_iter().map(str::to_owned).collect();
            facts.vendors = vendors;
            facts.backups = backups;
            facts.gateways = gateways;
            facts.retention.audio_days = audio_days;
            facts.isolation = if open { Isolation::Overridden } else { Isolation::Enforced };
            facts
        })
}

/// Everybody who gets something, with everything that is told of it: what must not grow unseen.
fn exposure(facts: &DisclosureFacts) -> std::collections::BTreeSet<String> {
    let mut out: std::collections::BTreeSet<String> = facts.processors.iter().map(|one| format!("p {one}")).collect();
    for one in &facts.vendors {
        out.insert(format!("v {} {:?}", one.name, one.place));
        // A time that nobody tells is the longest: to learn it takes something away.
        if one.keeps_days.is_none() {
            out.insert(format!("v {} for ever", one.name));
        }
        out.extend(one.passes_on_to.iter().map(|on| format!("v {} on {on}", one.name)));
        if one.trains != Some(false) {
            out.insert(format!("v {} trains", one.name));
        }
    }
    out.extend(facts.backups.iter().map(|one| format!("b {}", one.place)));
    out.extend(facts.backups.iter().filter(|one| !one.sealed).map(|one| format!("b {} open", one.place)));
    out.extend(facts.gateways.iter().map(|one| format!("g {} {}", one.name, one.way)));
    out.extend(facts.drafting.iter().map(|one| format!("m {}", one.sha256)));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_unseen_and_nothing_grows_lightly((before, after) in (any_facts(), any_facts())) {
        let found = compare(&before, &after);
        prop_assert_eq!(found.is_empty(), before == after);
        let heavy = found.iter().any(|change| change.weight == Weight::Substance);
        if !exposure(&after).is_subset(&exposure(&before))
            || after.retention.audio_days > before.retention.audio_days
            || (after.isolation, before.isolation) == (Isolation::Overridden, Isolation::Enforced)
        {
            prop_assert!(heavy, "{:?}", found);
        }
    }
}

#[test]
fn terms_that_became_worse_end_a_consent_once() {
    let told = |before: Option<TermsWorsened>, after: Option<TermsWorsened>| {
        let (mut old, mut new) = (facts(), facts());
        old.vendors[0].terms_worsened = before;
        new.vendors[0].terms_worsened = after;
        compare(&old, &new)
    };
    let (sale, both) = (["may sell what it gets"], ["may sell what it gets", "may keep what it gets"]);
    let more = told(worse(1, &sale), worse(2, &both));
    assert_eq!(more.len(), 1);
    assert!(
        more[0].words.ends_with("(2026-11-02): it may keep what it gets"),
        "what was told before is not told again"
    );
    assert!(more[0].ends(Promise::ForWorse));
    let less = told(worse(2, &both), None);
    assert_eq!((less.len(), less[0].weight), (1, Weight::Relief));
    assert!(less[0].words.starts_with("there is no longer a warning about the terms of Cloud Scribe, Inc."));
    let again = told(worse(1, &both), worse(3, &both));
    assert_eq!((again.len(), again[0].weight), (1, Weight::Form), "the signer agreed to it already");
    let mixed = told(worse(1, &sale), worse(2, &both[1..]));
    assert_eq!(mixed.iter().map(|one| one.weight).collect::<Vec<_>>(), [Weight::Substance, Weight::Relief]);
    // A company that comes with such terms.
    let (mut old, new) = (facts(), facts());
    old.vendors.clear();
    let mut worsened = new.clone();
    worsened.vendors[0].terms_worsened = worse(1, &sale);
    assert_eq!(compare(&old, &new).len() + 1, compare(&old, &worsened).len());
}
