//! Terms that are watched, with pages from a script: what each check keeps, what it compares with, what becomes stale by
//! it, and that two checks at once make one history.

mod desk;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use desk::{CLIENT, Catalogue, DAY, Desk, START};
use provenote_consent::Status;
use provenote_ledger::{Fact, Header};
use provenote_practice::consents::SessionAsked;
use provenote_practice::ports::{Fetch, FetchError, Fetched, ReadDocument};
use provenote_practice::vendors::terms::{Because, TermsChecked, TermsOutcome};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::{Time, VendorId};
use provenote_templates::Shelf;
use provenote_vendors::reading::Document;
use provenote_vendors::terms::{Declaration, Direction, Source, TermsType, diff};

const PRIVACY: &str = "https://scribe.example/privacy";
const LIST: &str = "https://scribe.example/subprocessors";
const HOUR: i64 = 3_600_000;

const FIRST: &str = "# Privacy Policy\n\nWe turn the recordings that you send us into text.\n\n\
We delete recordings after thirty days.\n\nWe do not sell your content.\n\nYou can write to our office in Ohio.\n";

fn form() -> String {
    FIRST.replace("into text.", "into   text.")
}

fn worse() -> String {
    FIRST.replace(
        "into text.",
        "into text.\n\nWe may use your recordings and transcripts to train our machine learning models.",
    )
}

fn other_words() -> String {
    FIRST.replace("office in Ohio", "friendly office in Columbus, Ohio, on weekdays")
}

/// Pages by address; each time it is asked what it is told.
#[derive(Clone, Default)]
struct Web {
    pages: Rc<RefCell<BTreeMap<String, Result<String, FetchError>>>>,
    asked: Rc<RefCell<Vec<String>>>,
    /// Called once, while a page is fetched.
    meanwhile: Rc<RefCell<Option<Meanwhile>>>,
}

type Meanwhile = Box<dyn FnOnce()>;

impl Web {
    fn says(&self, address: &str, text: &str) -> &Self {
        self.pages.borrow_mut().insert(address.to_owned(), Ok(text.to_owned()));
        self
    }

    fn fails(&self, address: &str, error: FetchError) -> &Self {
        self.pages.borrow_mut().insert(address.to_owned(), Err(error));
        self
    }
}

impl Fetch for Web {
    fn get(&self, address: &str) -> Result<Fetched, FetchError> {
        self.asked.borrow_mut().push(address.to_owned());
        let meanwhile = self.meanwhile.borrow_mut().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        let page = self.pages.borrow().get(address).cloned();
        let text = page.unwrap_or(Err(FetchError::Failed { status: Some(404), why: "there is no page".to_owned() }))?;
        let network = !address.starts_with('/');
        Ok(Fetched {
            address: format!("{address}#there"),
            redirects: vec![address.to_owned()],
            status: network.then_some(200),
            network,
            bytes: text.into_bytes(),
        })
    }
}

/// Reads Markdown; of a source with a selector, what stands after it.
struct Reads;

impl ReadDocument for Reads {
    fn read(&self, bytes: &[u8], _: Option<&Source>) -> Result<Document, String> {
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| "the file is no text".to_owned())?;
        if text.contains("%PDF") { Err("the PDF is a scan".to_owned()) } else { Ok(Document::from_markdown(&text)) }
    }
}

fn vendor(name: &str) -> VendorFact {
    VendorFact {
        name: name.to_owned(),
        does: "turns speech into text".to_owned(),
        place: Some("Ohio, United States".to_owned()),
        keeps_days: Some(30),
        trains: Some(false),
        passes_on_to: Vec::new(),
        terms_worsened: None,
    }
}

fn page(kind: &str, address: &str) -> Declaration {
    Declaration::of_page("Scribe", TermsType::new(kind), address, None).expect("a declaration")
}

/// A practice with one company, its privacy policy watched.
fn watching() -> (Desk, Web, VendorId, String) {
    let mut desk = Desk::new();
    let (id, _) = desk.practice.add_vendor(&desk.actor, &vendor("Scribe, Inc.")).expect("a company");
    let tracked =
        desk.practice.track_terms(&desk.actor, "scribe, inc.", &page("Privacy Policy", PRIVACY)).expect("watched");
    let web = Web::default();
    web.says(PRIVACY, FIRST);
    (desk, web, id, tracked[0].0.clone())
}

fn check_as(practice: &mut Practice, actor: &Actor, web: &Web) -> Result<Vec<TermsChecked>, PracticeError> {
    practice.check_terms(actor, None, web, &Reads, &mut |_, _, _| {})
}

fn check(desk: &mut Desk, web: &Web) -> TermsChecked {
    check_as(&mut desk.practice, &desk.actor, web).expect("a check").remove(0)
}

fn checks(desk: &Desk) -> Vec<Header> {
    desk.log().into_iter().filter(|header| header.kind == "terms.checked").collect()
}

fn has(header: &Header, name: &str) -> bool {
    header.payloads.iter().any(|payload| payload.name == name)
}

fn text<'a>(header: &'a Header, name: &str) -> Option<&'a str> {
    match header.facts.get(name) {
        Some(Fact::Text(text)) => Some(text),
        _ => None,
    }
}

fn why<T: std::fmt::Debug>(result: Result<T, PracticeError>) -> String {
    result.expect_err("it is refused").to_string()
}

#[test]
fn each_check_tells_what_came_and_keeps_new_words_once() {
    let (mut desk, web, _, source) = watching();
    let mut told = Vec::new();
    desk.practice
        .check_terms(&desk.actor, Some("Scribe, Inc."), &web, &Reads, &mut |at, of, label| {
            told.push(format!("{at}/{of} {label}"));
        })
        .expect("a check");
    assert_eq!(told, ["0/1 Scribe, Inc.: Privacy Policy"]);
    let outcomes = |desk: &mut Desk, page: &str| {
        desk.later(DAY);
        web.says(PRIVACY, page);
        let checked = check(desk, &web);
        (checked.outcome, checked.direction)
    };
    assert_eq!(outcomes(&mut desk, FIRST), (TermsOutcome::Unchanged, None));
    assert_eq!(outcomes(&mut desk, &form()), (TermsOutcome::FormOnly, None));
    assert_eq!(outcomes(&mut desk, &other_words()), (TermsOutcome::Changed, Some(Direction::None)));
    assert_eq!(outcomes(&mut desk, &worse()), (TermsOutcome::Changed, Some(Direction::Worse)));
    assert_eq!(outcomes(&mut desk, &worse()), (TermsOutcome::Unchanged, None));

    let entries = checks(&desk);
    let kept: Vec<(Option<&str>, bool)> =
        entries.iter().map(|entry| (text(entry, "outcome"), has(entry, "version"))).collect();
    assert_eq!(
        kept,
        [
            (Some("first"), true),
            (Some("unchanged"), false),
            (Some("form_only"), true),
            (Some("changed"), true),
            (Some("changed"), true),
            (Some("unchanged"), false),
        ]
    );
    for entry in &entries {
        assert_eq!(entry.facts.get("network"), Some(&Fact::Flag(true)));
        assert_eq!(entry.facts.get("status"), Some(&Fact::Number(200)));
        assert_eq!(entry.refs.get("source"), Some(&source));
        assert_eq!(text(entry, "sha256").map(str::len), Some(64));
    }
    assert_eq!(text(&entries[4], "direction"), Some("worse"));
    assert_eq!(text(&entries[4], "sha256"), text(&entries[5], "sha256"));
    // That the network is asked stands there before each check, and no address stands in the clear.
    let kinds = desk.kinds();
    let asked: Vec<usize> = (0..kinds.len()).filter(|at| kinds[*at] == "terms.asked").collect();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|at| kinds[at + 1] == "terms.checked"));
    assert!(!format!("{:?}", desk.log()).contains("scribe.example"));
    let standing = desk.practice.terms_of(&desk.actor, None).expect("a standing").remove(0);
    assert_eq!((standing.versions, standing.last_outcome), (4, Some(TermsOutcome::Unchanged)));
    assert_eq!((standing.address.as_str(), standing.terms_type.as_str()), (PRIVACY, "Privacy Policy"));
    assert_eq!(standing.tracked_since.millis(), START);
    let worsened = standing.worsened.expect("it stands worse");
    assert_eq!(worsened.what, ["may use words to train models"]);
    assert_eq!(worsened.on, Time::from_millis(START + 4 * DAY).date(), "the day on which it was found");
}

#[test]
fn a_page_that_was_not_had_is_not_unchanged() {
    let (mut desk, web, _, _) = watching();
    check(&mut desk, &web);
    let blocked = FetchError::Blocked { status: Some(403), why: "the server does not show it to programs".to_owned() };
    web.fails(PRIVACY, blocked);
    let told = check(&mut desk, &web);
    assert_eq!((told.outcome, told.direction), (TermsOutcome::Blocked, None));
    assert_eq!(told.why.as_deref(), Some("the server does not show it to programs"));
    web.says(PRIVACY, "%PDF of a scan");
    let told = check(&mut desk, &web);
    assert_eq!((told.outcome, told.why.as_deref()), (TermsOutcome::Failed, Some("the PDF is a scan")));
    web.fails(PRIVACY, FetchError::Failed { status: None, why: "no network".to_owned() });
    assert_eq!(check(&mut desk, &web).outcome, TermsOutcome::Failed);
    let entries = checks(&desk);
    assert_eq!(entries[1].facts.get("status"), Some(&Fact::Number(403)));
    assert!(entries[1..].iter().all(|entry| !has(entry, "version") && text(entry, "sha256").is_none()));
    let standing = desk.practice.terms_of(&desk.actor, None).expect("a standing").remove(0);
    assert_eq!((standing.versions, standing.last_outcome), (1, Some(TermsOutcome::Failed)));
    assert_eq!(standing.last_read.map(|time| time.millis()), Some(START));
    // The version from before is still what the next is compared with.
    web.says(PRIVACY, FIRST);
    assert_eq!(check(&mut desk, &web).outcome, TermsOutcome::Unchanged);
}

#[test]
fn what_may_be_no_version_is_believed_when_it_is_there_twice() {
    let (mut desk, web, _, _) = watching();
    let long: String = (1..60)
        .map(|number| format!("\n\nPart {number} says that matter number {number} is settled by letter {number}.\n"))
        .collect();
    let whole = format!("{FIRST}{long}");
    web.says(PRIVACY, &whole);
    check(&mut desk, &web);
    let cut = "# Privacy Policy\n\nWe turn the recordings that you send us into text.\n";
    let found = diff(&Document::from_markdown(&whole), &Document::from_markdown(cut));
    assert!(found.caution.is_some(), "the case is one: {found:?}");
    web.says(PRIVACY, cut);
    let told = check(&mut desk, &web);
    assert_eq!((told.outcome, told.direction, told.worsened), (TermsOutcome::Blocked, None, None));
    assert!(told.why.is_some_and(|why| why.contains("until another check gets the same")));
    assert!(told.diff.is_some_and(|diff| diff.caution.is_some()));
    let told = check(&mut desk, &web);
    assert_eq!((told.outcome, told.direction), (TermsOutcome::Changed, Some(Direction::Worse)));
    assert!(told.worsened.is_some_and(|worse| !worse.what.is_empty()));
    let kept: Vec<(bool, bool)> =
        checks(&desk).iter().map(|entry| (has(entry, "version"), has(entry, "unconfirmed"))).collect();
    assert_eq!(kept, [(true, false), (false, true), (true, false)]);
}

#[test]
fn a_change_that_is_taken_back_hours_later_is_shown_as_one() {
    let (mut desk, web, vendor, _) = watching();
    check(&mut desk, &web);
    desk.later(DAY);
    web.says(PRIVACY, &worse());
    let changed = check(&mut desk, &web);
    assert!(desk.practice.audit_is_stale(&vendor, 0).expect("asked").is_some());
    assert_eq!(desk.practice.audit_is_stale(&vendor, changed.seq).expect("asked"), None, "made after it");
    desk.later(5 * HOUR);
    web.says(PRIVACY, FIRST);
    let told = check(&mut desk, &web);
    assert_eq!((told.outcome, told.came_back_after_ms), (TermsOutcome::CameBack, Some(5 * HOUR)));
    assert_eq!((told.direction, told.worsened), (Some(Direction::Better), None));
    assert_eq!(desk.practice.audit_is_stale(&vendor, 0).expect("asked"), None, "taken back");
    assert!(desk.practice.vendors(&desk.actor).expect("a list")[0].1.terms_worsened.is_none());
    // Back again, months later, is told as well, and is worse again.
    desk.later(90 * DAY);
    web.says(PRIVACY, &worse());
    let again = check(&mut desk, &web);
    assert_eq!((again.outcome, again.came_back_after_ms), (TermsOutcome::CameBack, Some(90 * DAY)));
    assert_eq!(again.direction, Some(Direction::Worse));
    assert!(again.worsened.is_some());
}

#[test]
fn a_worsened_term_makes_exactly_the_consents_stale_that_tell_of_the_company() {
    let (mut desk, web, _, _) = watching();
    let status = |desk: &mut Desk| {
        let asked = SessionAsked::default();
        desk.practice.consent_status(&desk.actor, &desk.client, &asked, &Catalogue).expect("a standing")
    };
    check(&mut desk, &web);
    desk.form("cloud-vendor");
    desk.sign(CLIENT);
    assert_eq!(status(&mut desk).standing.status, Status::InForce);
    desk.later(DAY);
    web.says(PRIVACY, &other_words());
    let told = check(&mut desk, &web);
    assert!(!told.consents_stale && !told.audit_stale);
    assert_eq!(status(&mut desk).standing.status, Status::InForce, "other words alone end nothing");
    desk.later(DAY);
    web.says(PRIVACY, &worse());
    let told = check(&mut desk, &web);
    assert!(told.consents_stale);
    let now = status(&mut desk);
    assert_eq!(now.standing.status, Status::Stale);
    let words: Vec<&str> = now.standing.changes.iter().map(|change| change.words.as_str()).collect();
    assert!(
        words.iter().any(|words| words.contains("Scribe, Inc. changed its terms for the worse")
            && words.contains("it may use words to train models")),
        "{words:?}"
    );
    assert!(desk.record_with(&[]).is_err(), "the gate is closed");
    let short = desk
        .practice
        .consent_amendments(&desk.actor, &desk.client, &Shelf::bundled(), &Catalogue)
        .expect("the short form");
    assert_eq!(short.len(), 1);
    assert!(short[0].form.text.contains("it may use words to train models"), "{}", short[0].form.text);
    // Another page of it that stays as it is makes nothing worse of it, nor better.
    web.says(LIST, "# Subprocessors\n\nCloud Host LLC hosts our servers.\n");
    desk.practice.track_terms(&desk.actor, "Scribe, Inc.", &page("Subprocessor List", LIST)).expect("watched");
    check(&mut desk, &web);
    assert_eq!(status(&mut desk).standing.status, Status::Stale);
    // Told of it, the client may agree.
    desk.form("cloud-vendor");
    desk.sign(CLIENT);
    assert_eq!(status(&mut desk).standing.status, Status::InForce);
    // Settled: less is told than was agreed to, which ends nothing.
    assert!(
        why(desk.practice.settle_terms(&desk.actor, "Scribe, Inc.", Because::TakenBack, "  "))
            .contains("in a few words")
    );
    desk.practice
        .settle_terms(&desk.actor, "Scribe, Inc.", Because::TakenBack, "They wrote that it was a mistake.")
        .expect("settled");
    assert!(desk.practice.vendors(&desk.actor).expect("a list")[0].1.terms_worsened.is_none());
    assert_eq!(status(&mut desk).standing.status, Status::InForce);
    assert!(
        why(desk.practice.settle_terms(&desk.actor, "Scribe, Inc.", Because::TakenBack, "Again."))
            .contains("nothing is open")
    );
    // What was settled is not found again by the next check; something new is.
    desk.later(DAY);
    assert_eq!(check(&mut desk, &web).outcome, TermsOutcome::Unchanged);
    web.says(PRIVACY, &worse().replace("We do not sell your content.", "We may sell your content to advertisers."));
    let told = check(&mut desk, &web);
    let worsened = told.worsened.expect("worse again");
    assert!(!worsened.what.iter().any(|words| words == "may use words to train models"), "{worsened:?}");
    assert!(worsened.what.iter().any(|words| words.contains("sell")), "{worsened:?}");
    assert_eq!(status(&mut desk).standing.status, Status::Stale);
}

#[test]
fn what_is_open_does_not_go_away_by_not_looking() {
    let (mut desk, web, _, source) = watching();
    check(&mut desk, &web);
    web.says(PRIVACY, &worse());
    let told = check(&mut desk, &web);
    let on = told.worsened.expect("worse").on;
    desk.later(DAY);
    web.says(PRIVACY, &worse().replace("office in Ohio", "office in Columbus, which is in Ohio, on weekdays"));
    let neutral = check(&mut desk, &web);
    assert_eq!(neutral.outcome, TermsOutcome::Changed);
    let still = neutral.worsened.expect("still worse than before it became so");
    assert_eq!(still.on, on, "the day on which it was found");
    assert!(!neutral.consents_stale, "nothing new to tell");
    desk.practice.untrack_terms(&desk.actor, &source).expect("watched no longer");
    let open = |desk: &Desk| desk.practice.vendors(&desk.actor).expect("a list")[0].1.terms_worsened.clone();
    assert_eq!(open(&desk), Some(still.clone()));
    assert!(why(desk.practice.untrack_terms(&desk.actor, &source)).contains("document that is watched"));
    assert!(why(check_as(&mut desk.practice, &desk.actor, &web)).contains("no terms are watched"));
    desk.practice.remove_vendor(&desk.actor, "Scribe, Inc.").expect("removed");
    desk.practice.add_vendor(&desk.actor, &vendor("Scribe, Inc.")).expect("there again");
    assert_eq!(open(&desk), Some(still), "the same company under another id");
    desk.practice
        .settle_terms(&desk.actor, "Scribe, Inc.", Because::TakenBack, "Read and settled with the company.")
        .expect("settled");
    assert_eq!(open(&desk), None);
}

#[test]
fn two_checks_at_once_make_one_history() {
    let (mut desk, web, _, _) = watching();
    check(&mut desk, &web);
    web.says(PRIVACY, &worse());
    let (mut practice, actor) = desk.drivers.process(7, desk.clock.clone());
    let second: Rc<RefCell<Vec<TermsChecked>>> = Rc::default();
    let (kept, other_web) = (Rc::clone(&second), Web { meanwhile: Rc::default(), ..web.clone() });
    *web.meanwhile.borrow_mut() = Some(Box::new(move || {
        kept.borrow_mut().extend(check_as(&mut practice, &actor, &other_web).expect("the other's check"));
    }));
    let first = check(&mut desk, &web);
    assert_eq!(second.borrow()[0].outcome, TermsOutcome::Changed);
    assert_eq!(first.outcome, TermsOutcome::Unchanged, "compared anew with what the other kept");
    let versions = checks(&desk).iter().filter(|entry| has(entry, "version")).count();
    assert_eq!(versions, 2);
    // And the first check of all, by two at once.
    let (mut desk, web, _, _) = watching();
    let (mut practice, actor) = desk.drivers.process(9, desk.clock.clone());
    let other_web = Web { meanwhile: Rc::default(), ..web.clone() };
    *web.meanwhile.borrow_mut() = Some(Box::new(move || {
        check_as(&mut practice, &actor, &other_web).expect("the other's check");
    }));
    assert_eq!(check(&mut desk, &web).outcome, TermsOutcome::Unchanged);
    let outcomes: Vec<String> =
        checks(&desk).iter().filter_map(|entry| text(entry, "outcome").map(str::to_owned)).collect();
    assert_eq!(outcomes, ["first", "unchanged"]);
}

/// A page that takes the whole program down.
struct Falls {
    web: Web,
    at: Cell<usize>,
}

impl Fetch for Falls {
    fn get(&self, address: &str) -> Result<Fetched, FetchError> {
        assert!(self.at.get() > 0, "the power is gone");
        self.at.set(self.at.get() - 1);
        self.web.get(address)
    }
}

#[test]
fn a_crash_between_two_pages_loses_nothing_that_was_kept() {
    let (mut desk, web, _, _) = watching();
    web.says(LIST, "# Subprocessors\n\nCloud Host LLC hosts our servers.\n");
    desk.practice.track_terms(&desk.actor, "Scribe, Inc.", &page("Subprocessor List", LIST)).expect("watched");
    let falls = Falls { web: web.clone(), at: Cell::new(1) };
    let (mut practice, actor) = desk.drivers.process(5, desk.clock.clone());
    let fallen = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        practice.check_terms(&actor, None, &falls, &Reads, &mut |_, _, _| {})
    }));
    assert!(fallen.is_err());
    drop(practice);
    let outcomes: Vec<String> =
        checks(&desk).iter().filter_map(|entry| text(entry, "outcome").map(str::to_owned)).collect();
    assert_eq!(outcomes, ["first"], "the page before is kept");
    let all = check_as(&mut desk.practice, &desk.actor, &web).expect("again");
    let outcomes: Vec<TermsOutcome> = all.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [TermsOutcome::Unchanged, TermsOutcome::First]);
}

#[test]
fn only_what_is_listed_is_asked_for() {
    let mut desk = Desk::new();
    for name in ["Scribe, Inc.", "Other Co."] {
        desk.practice.add_vendor(&desk.actor, &vendor(name)).expect("a company");
    }
    let json = r#"{"name": "Scribe", "documents": {
        "Privacy Policy": {"fetch": "https://scribe.example/privacy", "select": "main"},
        "Community Guidelines": {"combine": [{"fetch": "https://scribe.example/1"}, {"fetch": "https://scribe.example/2"}]}}}"#;
    let declaration = Declaration::parse(json).expect("a declaration");
    let tracked = desk.practice.track_terms(&desk.actor, "Scribe, Inc.", &declaration).expect("watched");
    assert_eq!(tracked.len(), 2);
    assert!(tracked.iter().all(|(source, _)| source.starts_with("terms-")));
    desk.practice.track_terms(&desk.actor, "Other Co.", &page("Terms of Service", "/srv/other.md")).expect("watched");
    assert!(why(desk.practice.track_terms(&desk.actor, "Scribe, Inc.", &declaration)).contains("is watched already"));
    assert!(why(desk.practice.track_terms(&desk.actor, "Nobody", &declaration)).contains("company"));
    let bad = Declaration::of_page("Scribe", TermsType::new("x"), PRIVACY, Some("p[")).expect("a declaration");
    assert!(why(desk.practice.track_terms(&desk.actor, "Scribe, Inc.", &bad)).contains("no CSS selector"));

    let web = Web::default();
    web.says(PRIVACY, FIRST).says("https://scribe.example/1", "Be kind.").says("https://scribe.example/2", "Be fair.");
    web.says("/srv/other.md", "We host it.");
    let all =
        desk.practice.check_terms(&desk.actor, Some("Scribe, Inc."), &web, &Reads, &mut |_, _, _| {}).expect("a check");
    assert_eq!(all.len(), 2);
    assert_eq!(
        *web.asked.borrow(),
        ["https://scribe.example/1", "https://scribe.example/2", "https://scribe.example/privacy"]
    );
    let guidelines = all.iter().find(|one| one.terms_type == "Community Guidelines").expect("checked");
    assert_eq!(guidelines.address, "https://scribe.example/1 and https://scribe.example/2");
    // One part that is missing is not a document without it.
    web.pages.borrow_mut().remove("https://scribe.example/2");
    let all = check_as(&mut desk.practice, &desk.actor, &web).expect("a check");
    let guidelines = all.iter().find(|one| one.terms_type == "Community Guidelines").expect("checked");
    assert_eq!(guidelines.outcome, TermsOutcome::Failed);
    // A file is read, and no network is used for it.
    let asked = desk.count("terms.asked");
    desk.practice.check_terms(&desk.actor, Some("Other Co."), &web, &Reads, &mut |_, _, _| {}).expect("a check");
    assert_eq!(desk.count("terms.asked"), asked);
    let last = checks(&desk).pop().expect("an entry");
    assert_eq!(last.facts.get("network"), Some(&Fact::Flag(false)));
    assert_eq!(last.facts.get("status"), None);
}

#[test]
fn histories_of_others_are_taken_over_once() {
    let (mut desk, web, _, _) = watching();
    check(&mut desk, &web);
    let version = |day: i64, hours: i64, path: &str, text: &str| {
        (START + day * DAY + hours * HOUR, format!("Scribe/{path}"), text.as_bytes().to_vec())
    };
    let versions = vec![
        version(2, 0, "Privacy Policy.md", &worse()),
        version(0, 0, "Privacy Policy.md", FIRST),
        version(1, 0, "Privacy Policy.md", &form()),
        version(2, 6, "Privacy Policy.md", &form()),
        version(30, 0, "Privacy Policy.md", &worse()),
        version(0, 0, "Terms of Service.md", "You may use it."),
        version(0, 0, "README.md", "An archive."),
    ];
    let mut told = Vec::new();
    let imported = desk
        .practice
        .import_terms(&desk.actor, "Scribe, Inc.", &versions, &Reads, &mut |done, of| told.push((done, of)))
        .expect("a history");
    assert_eq!(imported.versions, 6);
    assert_eq!(told.last(), Some(&(6, 6)));
    let steps: Vec<(bool, Direction)> =
        imported.changes.iter().map(|one| (one.flipped_back.is_some(), one.diff.direction)).collect();
    assert_eq!(steps, [(true, Direction::None), (false, Direction::Worse)]);
    assert_eq!(imported.changes[0].flipped_back.map(|time| time.millis()), Some(START + 2 * DAY + 6 * HOUR));
    assert_eq!(imported.changes[0].terms_type, "Privacy Policy");
    let entry = desk.log().pop().expect("an entry");
    assert_eq!((entry.seq, entry.kind.as_str()), (imported.seq, "terms.imported"));
    assert_eq!(entry.facts.get("versions"), Some(&Fact::Number(6)));
    assert_eq!(entry.payloads.iter().filter(|one| one.name.starts_with("version.")).count(), 2);
    assert_eq!(desk.practice.imported_terms(&desk.actor, "Scribe, Inc.").expect("read back"), imported.changes);
    // What happened before it was watched ends no consent.
    assert!(desk.practice.vendors(&desk.actor).expect("a list")[0].1.terms_worsened.is_none());
    let mut import = |versions: Vec<(i64, String, Vec<u8>)>| {
        desk.practice.import_terms(&desk.actor, "Scribe, Inc.", &versions, &Reads, &mut |_, _| {})
    };
    assert!(why(import(versions)).contains("taken over already"));
    assert!(why(import(vec![version(0, 0, "README.md", "An archive.")])).contains("no version of terms"));
    let scan = why(import(vec![version(0, 0, "Privacy Policy.md", "%PDF of a scan")]));
    assert!(scan.contains("was not read: the PDF is a scan"), "{scan}");
}
