//! Bundles of a real practice on drivers in memory: what goes in, what stays out, and that nothing of another client
//! can be found in one.

mod common;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

use common::{Counting, LIGHT, elm_street};
use provenote_bundle::{Known, Scope, Verdict, container, verify};
use provenote_consent::Particulars;
use provenote_ledger::Header;
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_pipeline::engine::ModelFile;
use provenote_practice::bundles::{BundleExtras, BundleMade, BundleScope};
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, SessionAsked, SignRequest, SignatureTaken};
use provenote_practice::ports::{Clock, Models};
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::Evidence;
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::{Digest, Time};
use provenote_templates::Shelf as Templates;

/// A clock that tests move.
#[derive(Clone)]
struct Hand(Rc<Cell<i64>>);

impl Clock for Hand {
    fn now(&self) -> Time {
        // No two entries share a time, so that a time is somebody's.
        self.0.set(self.0.get() + 61_007);
        Time::from_millis(self.0.get())
    }
}

struct Shelf;

impl Models for Shelf {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        Some(ModelFact {
            id: id.to_owned(),
            name: id.to_owned(),
            maker: "A maker".to_owned(),
            sha256: Digest::of(id.as_bytes()),
        })
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        Err(format!("{id} is not here"))
    }
}

struct Desk {
    practice: Practice,
    actor: Actor,
    clock: Hand,
}

/// Two clients with sessions, each looked at; Bruno came between Alma's entries.
struct Two {
    desk: Desk,
    alma: String,
    bruno: String,
    session: String,
}

const ALMA: &str = "Alma Whitcombe";
const BRUNO: &str = "Bruno Castellane";

fn desk() -> Desk {
    let clock = Hand(Rc::new(Cell::new(1_800_000_000_000)));
    let parts = Parts {
        store: Box::new(MemoryStore::default()),
        keys: Box::new(MemoryKeys::default()),
        blobs: Box::new(MemoryBlobs::default()),
        anchor: Box::new(MemoryAnchor::default()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street("IL");
    let made = found(parts, &record, &Settings::default(), b"five random words in order", LIGHT).expect("a practice");
    Desk { practice: made.practice, actor: made.actor, clock }
}

impl Desk {
    fn client(&mut self, name: &str) -> String {
        let asked = NewClient { name: name.to_owned(), ..NewClient::default() };
        self.practice.add_client(&self.actor, &asked).expect("a client").client.to_string()
    }

    fn consent(&mut self, client: &str, name: &str) {
        let form = FormRequest { client, template: None, lang: "en", particulars: Particulars::default() };
        self.practice.consent_form(&self.actor, &form, &Templates::bundled(), &Shelf).expect("a form");
        let taken = SignatureTaken::Typed(name.to_owned());
        let signature = SignRequest { participant: name, consent: None, taken, evidence: Evidence::default() };
        self.practice.consent_sign(&self.actor, client, signature, &Shelf).expect("a signature");
    }

    fn session(&mut self, client: &str) -> String {
        let recording = || {
            let blocks = (0..2).map(|_| Ok(vec![0.25_f32; 16_000]));
            Ok(Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None })
        };
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let asked = SessionAsked::default();
        let (session, _) =
            self.practice.add_session(&self.actor, client, &asked, &Shelf, recording, go_on).expect("a session");
        session.session.to_string()
    }

    fn make(
        &mut self,
        scope: &BundleScope,
        withhold: &[&str],
        extras: BundleExtras,
    ) -> Result<BundleMade, PracticeError> {
        let withhold: Vec<String> = withhold.iter().map(|what| (*what).to_owned()).collect();
        let plan = self.practice.bundle_plan(&self.actor, scope, &withhold)?;
        self.practice.bundle_create(&self.actor, &plan, extras, |_, note| Ok(note.to_owned()))
    }

    fn all(&self) -> Vec<Header> {
        self.practice.ledger_log(None, None, None).expect("the log reads")
    }

    fn seq_of(&self, kind: &str, client: &str) -> u64 {
        let found = self
            .all()
            .into_iter()
            .find(|header| header.kind == kind && header.refs.get("client").is_some_and(|of| of == client));
        found.expect("such an entry").seq
    }
}

fn two() -> Two {
    let mut desk = desk();
    let alma = desk.client(ALMA);
    let bruno = desk.client(BRUNO);
    desk.consent(&bruno, BRUNO);
    desk.consent(&alma, ALMA);
    let theirs = desk.session(&bruno);
    let session = desk.session(&alma);
    desk.practice.show_session(&desk.actor, &theirs).expect("a session");
    desk.practice.show_client(&desk.actor, &bruno).expect("a client");
    desk.practice.list_clients(&desk.actor).expect("clients");
    for client in [&alma, &bruno] {
        let seq = desk.seq_of("consent.granted", client);
        desk.practice.ledger_show(&desk.actor, seq).expect("an entry");
    }
    desk.session(&bruno);
    Two { desk, alma, bruno, session }
}

fn text_members(bytes: &[u8], folder: &str) -> Vec<(String, String)> {
    container::read(bytes)
        .expect("a container")
        .iter()
        .filter(|member| member.name.starts_with(folder))
        .map(|member| (member.name.to_owned(), String::from_utf8_lossy(member.data).into_owned()))
        .collect()
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn a_bundle_of_one_client_holds_nothing_of_another() {
    let Two { mut desk, alma, bruno, .. } = two();
    let made = desk.make(&BundleScope::Client(alma.clone()), &[], BundleExtras::default()).expect("a bundle");
    let report = verify(&made.bytes, &Known::default());
    assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);

    let mut needles: BTreeSet<Vec<u8>> =
        [BRUNO, "Bruno", "Castellane", &bruno].map(|text| text.as_bytes().to_vec()).into();
    let mine: BTreeSet<String> = desk
        .all()
        .iter()
        .filter(|h| h.refs.get("client") == Some(&alma))
        .flat_map(|h| h.refs.values().cloned())
        .collect();
    let mut theirs = 0;
    for header in desk.all() {
        let about_bruno = header.refs.get("client") == Some(&bruno);
        // Looking at the list of clients, or at another's entry, is not Alma's either.
        let others = about_bruno
            || header.kind == "client.viewed"
            || (header.kind == "ledger.viewed"
                && header.seq != desk.all().iter().find(|h| h.kind == "ledger.viewed").expect("one").seq);
        if !others {
            continue;
        }
        theirs += 1;
        needles.extend(header.refs.values().filter(|id| !mine.contains(*id)).map(|id| id.as_bytes().to_vec()));
        needles.insert(Time::from_millis(header.time).to_string().into_bytes());
        needles.insert(header.encode());
        for payload in &header.payloads {
            for hash in [payload.ciphertext, payload.commitment, payload.wrapped_key] {
                needles.insert(hash.to_string().into_bytes());
                needles.insert(hash.0.to_vec());
            }
        }
    }
    assert!(theirs > 6 && needles.len() > 30, "{theirs} entries, {} things to look for", needles.len());
    for needle in &needles {
        assert!(!holds(&made.bytes, needle), "found {}", String::from_utf8_lossy(needle));
    }
    // The search does find what is there.
    for needle in [ALMA, alma.as_str(), "Dana Reyes", "Elm Street Counseling"] {
        assert!(holds(&made.bytes, needle.as_bytes()), "{needle}");
    }
    // Who looked at Alma's entry is Alma's affair.
    let entries = text_members(&made.bytes, "entries/");
    assert_eq!(entries.iter().filter(|(_, text)| text.contains("ledger.viewed")).count(), 1);
}

#[test]
fn it_is_recorded_before_it_is_handed_out() {
    let Two { mut desk, alma, .. } = two();
    let made = desk.make(&BundleScope::Client(ALMA.to_owned()), &[], BundleExtras::default()).expect("a bundle");
    let header = desk.practice.log().header(made.seq).expect("an entry");
    assert_eq!((header.kind.as_str(), header.refs.get("client")), ("bundle.created", Some(&alma)));
    assert_eq!(header.facts.get("manifest"), Some(&provenote_ledger::Fact::Text(made.manifest.to_string())));
    // The next bundle of this client shows that there was one before.
    let again = desk.make(&BundleScope::Client(alma), &[], BundleExtras::default()).expect("a bundle");
    let earlier = format!("entries/{}.json", made.seq);
    assert!(text_members(&again.bytes, "entries/").iter().any(|(name, _)| *name == earlier));
}

#[test]
fn a_recording_is_held_back_with_the_reason_and_its_destruction_is_shown() {
    let Two { mut desk, alma, session, .. } = two();
    let scope = BundleScope::Session(session.clone());
    let plan = desk.practice.bundle_plan(&desk.actor, &scope, &[]).expect("a plan");
    let audio = plan.withheld().iter().find(|withheld| withheld.name == "audio").expect("the recording is listed");
    assert_eq!(audio.reason, "recording");
    assert!(audio.citation.as_deref().is_some_and(|citation| citation.contains("CFR")));
    assert!(audio.verification.as_deref().is_some_and(|mark| mark.starts_with("verified from")));
    assert_eq!(*plan.scope(), Scope::Session { id: session });

    desk.clock.0.set(desk.clock.0.get() + 9 * 86_400_000);
    desk.practice.retention_run(&desk.actor, None).expect("destroys");
    let made = desk.make(&scope, &[], BundleExtras::default()).expect("a bundle");
    let report = verify(&made.bytes, &Known::default());
    assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);
    assert!(report.destroyed >= 2, "the recording and what was sealed with it");
    let manifest = &text_members(&made.bytes, "manifest.json")[0].1;
    assert!(manifest.contains("\"reason\":\"destroyed\""));
    let receipt = desk.seq_of("record.destroyed", &alma);
    assert!(text_members(&made.bytes, &format!("entries/{receipt}.json")).len() == 1, "the receipt lies beside it");
}

#[test]
fn what_is_asked_for_is_held_back_and_a_wrong_word_is_refused() {
    let Two { mut desk, alma, .. } = two();
    let scope = BundleScope::Client(alma);
    let made = desk.make(&scope, &["form", "clinical"], BundleExtras::default()).expect("a bundle");
    let manifest = &text_members(&made.bytes, "manifest.json")[0].1;
    assert!(!text_members(&made.bytes, "payloads/").iter().any(|(name, _)| name.ends_with("-form.json")));
    assert!(manifest.contains("\"name\":\"form\",\"reason\":\"asked\""), "{manifest}");
    let refused = desk.make(&scope, &["forms"], BundleExtras::default()).expect_err("no such thing");
    assert!(refused.to_string().contains("`forms`") && refused.to_string().contains("form,"), "{refused}");
    let size = desk.all().len();
    assert!(matches!(
        desk.make(&BundleScope::Note("note-1".to_owned()), &[], BundleExtras::default()),
        Err(PracticeError::NotFound { .. })
    ));
    assert!(matches!(
        desk.make(&BundleScope::Session("../x".to_owned()), &[], BundleExtras::default()),
        Err(PracticeError::NotFound { .. })
    ));
    assert!(matches!(
        desk.make(&BundleScope::Client("Nobody".to_owned()), &[], BundleExtras::default()),
        Err(PracticeError::NotFound { .. })
    ));
    assert_eq!(desk.all().len(), size, "nothing was recorded");
}

#[test]
fn a_period_shows_what_happened_and_no_clients_texts() {
    let Two { mut desk, bruno, .. } = two();
    let (from, to) = (Time::from_millis(0), Time::from_millis(desk.clock.0.get()));
    let made = desk.make(&BundleScope::Period { from, to }, &[], BundleExtras::default()).expect("a bundle");
    let report = verify(&made.bytes, &Known::default());
    assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);
    assert!(
        holds(&made.bytes, bruno.as_bytes())
            && !holds(&made.bytes, BRUNO.as_bytes())
            && !holds(&made.bytes, ALMA.as_bytes())
    );
    assert!(text_members(&made.bytes, "manifest.json")[0].1.contains("minimum_necessary"));
    let empty = BundleScope::Period { from: Time::from_millis(5), to: Time::from_millis(6) };
    let refused = desk.make(&empty, &[], BundleExtras::default()).expect_err("nothing happened");
    assert!(refused.to_string().contains("1970-01-01"), "{refused}");
}

#[test]
fn it_leads_from_a_checkpoint_handed_out_earlier() {
    let Two { mut desk, alma, .. } = two();
    let early = desk.practice.log().checkpoint().expect("a checkpoint");
    desk.session(&alma);
    let anchors = vec![early];
    let extras = BundleExtras { anchors: anchors.clone(), ..BundleExtras::default() };
    let made = desk.make(&BundleScope::Client(alma.clone()), &[], extras).expect("a bundle");
    let report = verify(&made.bytes, &Known { anchors: &anchors, ..Known::default() });
    assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);
    assert!(report.anchored_to.is_some());
    // Another practice's checkpoint is none of ours.
    let foreign = another_practices_checkpoint();
    let extras = BundleExtras { anchors: vec![foreign], ..BundleExtras::default() };
    let size = desk.all().len();
    let refused = desk.make(&BundleScope::Client(alma), &[], extras).expect_err("another's");
    assert!(refused.to_string().contains("not signed by this practice"), "{refused}");
    assert_eq!(desk.all().len(), size, "nothing was recorded");
}

fn another_practices_checkpoint() -> String {
    let signer =
        provenote_ledger::LogSigner::new("provenote.local/zzzzzzzzzzzzzzzz", &zeroize::Zeroizing::new([7; 32]));
    signer.expect("a signer").sign(3, provenote_ledger::Hash::of(b"x"))
}

#[test]
fn without_the_witnesses_the_policy_asks_for_nothing_is_handed_out() {
    let Two { mut desk, alma, .. } = two();
    let witness = provenote_ledger::cosignature::Cosigner::new("witness.example/w1", &zeroize::Zeroizing::new([5; 32]))
        .expect("a cosigner");
    let policy = format!("witness board {} https://w1.example/\nquorum board\n", witness.key());
    let extras = BundleExtras { policy: Some(policy), ..BundleExtras::default() };
    let scope = BundleScope::Client(alma);
    let refused = desk.make(&scope, &[], extras.clone()).expect_err("nobody cosigned");
    assert!(matches!(refused, PracticeError::Bundle(_)), "{refused}");
    let plan = desk.practice.bundle_plan(&desk.actor, &scope, &[]).expect("a plan");
    let made = desk.practice.bundle_create(&desk.actor, &plan, extras, |log, note| {
        assert_eq!(log.checkpoint().expect("a checkpoint"), note);
        let signed = provenote_ledger::SignedNote::parse(note).map_err(|error| error.to_string())?;
        signed.with_lines(&witness.cosign(signed.text(), 1_800_100_000)).map_err(|error| error.to_string())
    });
    let report = verify(&made.expect("a bundle").bytes, &Known::default());
    assert_eq!(report.verdict, Verdict::Intact, "{:#?}", report.findings);
    assert_eq!(report.cosigned.len(), 1);
}
