//! Forms, acts and standing as the practice's use cases give them, on drivers in memory: what people did is kept whole,
//! and the gate of a session asks what that session needs.

mod common;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use common::{Counting, Hand, LIGHT, elm_street};
use provenote_consent::pictures::LARGEST_FILE;
use provenote_consent::{Authorization, INTENT, Material, Modality, Particulars, Shared, Status, intent};
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{Fact, Header};
use provenote_pipeline::engine::{Drafter, EngineError, Engines, ModelFile, OnProgress, Transcriber};
use provenote_practice::clients::{NewClient, NewPerson};
use provenote_practice::consents::{
    ClientStanding, FormMade, FormRequest, NoRequest, SessionAsked, SignRequest, SignatureTaken, SignedForm,
};
use provenote_practice::drafting::DraftRequest;
use provenote_practice::ledger_views::Shown;
use provenote_practice::ports::Models;
use provenote_practice::sessions::Opened;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::consent::{ConsentForm, Discussion, Evidence, Grant, Offer, Refusal, Signature, Verbal};
use provenote_schemas::disclosure::{ModelFact, VendorFact};
use provenote_schemas::people::{Client, ParticipantRole};
use provenote_schemas::{Digest, Purpose, Time};
use provenote_templates::{Shelf, Template};
use serde::de::DeserializeOwned;

/// 2026-11-22T00:00:00Z.
const START: i64 = 1_795_305_600_000;
const DAY: i64 = 24 * 3_600_000;

/// A catalogue in which every id is a model, and whose words for one can change.
#[derive(Default)]
struct Catalogue {
    makers: RefCell<BTreeMap<String, String>>,
}

impl Models for Catalogue {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        let maker = self.makers.borrow().get(id).cloned().unwrap_or_else(|| "A maker".to_owned());
        Some(ModelFact { id: id.to_owned(), name: id.to_owned(), maker, sha256: Digest::of(id.as_bytes()) })
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        Ok(ModelFile { id: id.to_owned(), path: "/nowhere".into(), sha256: Digest::of(id.as_bytes()) })
    }
}

/// No worker is installed.
struct NoEngines;

impl Engines for NoEngines {
    fn transcriber_watched(
        &self,
        _: &ModelFile,
        _: Option<&ModelFile>,
        _: OnProgress<'_>,
    ) -> Result<Box<dyn Transcriber>, EngineError> {
        Err(EngineError::Failed { engine: "whisper", why: "none is installed".to_owned() })
    }

    fn drafter_watched(&self, _: &ModelFile, _: OnProgress<'_>) -> Result<Box<dyn Drafter>, EngineError> {
        Err(EngineError::Failed { engine: "llama", why: "none is installed".to_owned() })
    }
}

/// A practice in memory.
struct Desk {
    practice: Practice,
    actor: Actor,
    models: Catalogue,
    shelf: Shelf,
    clock: Hand,
}

fn desk_in(state: &str) -> Desk {
    let clock = Hand::at(START);
    let parts = Parts {
        store: Box::new(MemoryStore::default()),
        keys: Box::new(MemoryKeys::default()),
        blobs: Box::new(MemoryBlobs::default()),
        anchor: Box::new(MemoryAnchor::default()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street(state);
    let made = found(parts, &record, &Settings::default(), b"five random words in order", LIGHT).expect("a practice");
    Desk { practice: made.practice, actor: made.actor, models: Catalogue::default(), shelf: Shelf::bundled(), clock }
}

fn desk() -> Desk {
    desk_in("TX")
}

fn person(name: &str, role: ParticipantRole) -> NewPerson {
    NewPerson { name: name.to_owned(), role, ..NewPerson::default() }
}

fn typed(name: &str) -> SignatureTaken {
    SignatureTaken::Typed(name.to_owned())
}

fn video() -> SessionAsked<'static> {
    SessionAsked { modality: Modality::Video, present: &[] }
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

impl Desk {
    fn client(&mut self, name: &str, people: Vec<NewPerson>) -> Client {
        let asked = NewClient { name: name.to_owned(), people, ..NewClient::default() };
        self.practice.add_client(&self.actor, &asked).expect("a client")
    }

    fn try_form(&mut self, client: &Client, template: &str, lang: &str) -> Result<FormMade, PracticeError> {
        let shared = Shared {
            what: vec![Material::Recordings],
            who: vec!["students of the clinic's course".to_owned()],
            kept_days: 30,
            names_removed: true,
        };
        let authorization = Authorization {
            information: "notes on care for alcohol use".to_owned(),
            sources: vec!["Elm Street Counseling".to_owned()],
            recipients: vec!["Bay Clinic".to_owned()],
            purpose: "at the request of the individual".to_owned(),
            ..Authorization::default()
        };
        let particulars = match template {
            "training" | "supervision" => Particulars { shared: Some(shared), ..Particulars::default() },
            "part2" => Particulars { authorization: Some(authorization), ..Particulars::default() },
            _ => Particulars::default(),
        };
        let request = FormRequest { client: client.client.as_str(), template: Some(template), lang, particulars };
        self.practice.consent_form(&self.actor, &request, &self.shelf, &self.models)
    }

    fn form(&mut self, client: &Client, template: &str) -> ConsentForm {
        self.try_form(client, template, "en").expect("a form").form
    }

    fn try_sign(
        &mut self,
        client: &Client,
        who: &str,
        consent: Option<&str>,
        evidence: Evidence,
    ) -> Result<SignedForm, PracticeError> {
        let request = SignRequest { participant: who, consent, taken: typed(who), evidence };
        self.practice.consent_sign(&self.actor, client.client.as_str(), request, &self.models)
    }

    fn sign(&mut self, client: &Client, who: &str) -> SignedForm {
        self.try_sign(client, who, None, Evidence::default()).expect("a signature")
    }

    fn sign_for(&mut self, client: &Client, who: &str) -> SignedForm {
        let evidence = Evidence { authority: Some("parent, joint custody".to_owned()), ..Evidence::default() };
        self.try_sign(client, who, None, evidence).expect("a guardian's signature")
    }

    fn consented(&mut self, name: &str) -> Client {
        let client = self.client(name, Vec::new());
        self.form(&client, "ai-notes");
        self.sign(&client, name);
        client
    }

    fn status(&mut self, client: &Client, asked: &SessionAsked<'_>) -> ClientStanding {
        self.practice.consent_status(&self.actor, client.client.as_str(), asked, &self.models).expect("a standing")
    }

    fn now(&mut self, client: &Client) -> Status {
        self.status(client, &SessionAsked::default()).standing.status
    }

    fn add(&mut self, client: &Client, asked: &SessionAsked<'_>) -> Result<u64, PracticeError> {
        let recording = || {
            let blocks = (0..2).map(|_| Ok(vec![0.25_f32; 16_000]));
            Ok(Opened { blocks: Box::new(blocks), source_sha256: Digest::of(b"the file"), expected_s: None })
        };
        let go_on = &mut |_, _| ControlFlow::Continue(());
        let id = client.client.as_str();
        Ok(self.practice.add_session(&self.actor, id, asked, &self.models, recording, go_on)?.1)
    }

    /// Asks for a draft, which the gate refuses or no worker makes.
    fn draft(&mut self, session: &str) -> Result<u64, PracticeError> {
        let request = DraftRequest { session, format: "soap", model: None };
        let go_on = &mut |_, _| ControlFlow::Continue(());
        Ok(self.practice.draft_note(&self.actor, &request, &NoEngines, &self.models, go_on)?.1)
    }

    fn entry(&mut self, seq: u64) -> (Header, BTreeMap<String, Vec<u8>>) {
        let (header, shown) = self.practice.ledger_show(&self.actor, seq).expect("an entry");
        let opened = shown.into_iter().map(|(name, shown)| match shown {
            Shown::Bytes(bytes) => (name, bytes),
            Shown::Withheld(why) => panic!("{name}: {why}"),
        });
        (header, opened.collect())
    }

    fn payload<T: DeserializeOwned>(&mut self, seq: u64, name: &str) -> T {
        let (_, payloads) = self.entry(seq);
        serde_json::from_slice(&payloads[name]).expect("the record")
    }

    fn stale(&mut self) -> Vec<ClientStanding> {
        self.practice.consent_stale(&self.actor, &self.models, &mut |_, _| ()).expect("a list")
    }

    fn amendments(&mut self, client: &Client) -> Vec<ConsentForm> {
        self.practice
            .consent_amendments(&self.actor, client.client.as_str(), &self.shelf, &self.models)
            .expect("short forms")
            .into_iter()
            .map(|made| made.form)
            .collect()
    }

    fn no(&mut self, client: &Client, who: &str, purposes: &[Purpose]) -> u64 {
        let purposes = purposes.iter().copied().collect();
        let request = NoRequest { participant: who, purposes, words: "", no_dictation: false };
        self.practice.consent_decline(&self.actor, client.client.as_str(), &request).expect("a refusal")
    }

    fn set(&mut self, name: &str, value: &str) {
        self.practice.configure(&self.actor, name, value).expect("a setting");
    }
}

fn why(outcome: Result<impl std::fmt::Debug, PracticeError>) -> String {
    outcome.expect_err("refused").to_string()
}

// -- acts ---------------------------------------------------------------------------------------------------------

#[test]
fn every_act_is_kept_whole_and_read_back() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    let (id, who) = (client.client.to_string(), client.participants[0].id.clone());
    let made = desk.try_form(&client, "ai-notes", "en").expect("a form");
    let form = made.form.clone();
    assert_eq!(desk.payload::<ConsentForm>(made.seq, "form"), form);
    let (header, _) = desk.entry(made.seq);
    assert_eq!(header.facts["expires"], Fact::Number(form.expires.millis()));
    let source = desk.shelf.find("ai-notes", "en").expect("a template").source().to_owned();
    assert_eq!(header.facts["template_sha256"], Fact::Text(Digest::of(source.as_bytes()).to_string()));

    let seq = desk.practice.consent_offer(&desk.actor, &id, "maria  ALVAREZ", Some("Lee Ortiz")).expect("an offer");
    let time = Time::from_millis(START);
    let by = "Lee Ortiz".to_owned();
    let offer =
        Offer { consent: form.consent.clone(), participant: who.clone(), text_sha256: form.text_sha256, by, time };
    assert_eq!(desk.payload::<Offer>(seq, "offer"), offer);

    let questions = ["How long is it kept?".to_owned(), "  ".to_owned(), "Who hears it?".to_owned()];
    let seq = desk
        .practice
        .consent_discuss(&desk.actor, &id, who.as_str(), " Talked it through. ", &questions)
        .expect("a talk");
    let discussion = Discussion {
        participant: who.clone(),
        consent: Some(form.consent.clone()),
        by: Some(desk.actor.user().to_string()),
        summary: "Talked it through.".to_owned(),
        questions: vec![questions[0].clone(), questions[2].clone()],
        time,
    };
    assert_eq!(desk.payload::<Discussion>(seq, "discussion"), discussion);

    let seq = desk
        .practice
        .consent_spoken(&desk.actor, &id, "Maria Alvarez", "Yes, that is fine.", &desk.models)
        .expect("a spoken yes");
    let verbal: Verbal = desk.payload(seq, "verbal");
    assert_eq!((verbal.summary.as_str(), &verbal.consent), ("Yes, that is fine.", &form.consent));
    assert_eq!(verbal.by, desk.actor.user().to_string());

    let evidence = Evidence {
        device: Some("the practice's tablet".to_owned()),
        identity: Some("driver's license".to_owned()),
        authority: None,
    };
    let signed = desk.try_sign(&client, "Maria Alvarez", None, evidence.clone()).expect("a signature");
    let grant: Grant = desk.payload(signed.seq, "grant");
    assert_eq!((grant.intent.as_str(), &grant.evidence, grant.time), (INTENT, &evidence, time));
    assert_eq!(grant.signature, Signature::Typed { name: "Maria Alvarez".to_owned() });
    assert_eq!(signed.grants, [(grant, None)]);

    let request = NoRequest {
        participant: "Maria Alvarez",
        purposes: BTreeSet::from([Purpose::Training]),
        words: "Not for teaching, please.",
        no_dictation: true,
    };
    let seq = desk.practice.consent_decline(&desk.actor, &id, &request).expect("a refusal");
    let (header, payloads) = desk.entry(seq);
    let refusal: Refusal = serde_json::from_slice(&payloads["refusal"]).expect("the record");
    let purposes = BTreeSet::from([Purpose::Training]);
    assert_eq!(refusal, Refusal { participant: who, purposes, no_dictation: true, time });
    assert_eq!(payloads["words"], b"Not for teaching, please.");
    assert_eq!(header.facts["purpose.training"], Fact::Flag(true));

    // Nothing of it stands in a header.
    let headers = format!("{:?}", desk.practice.ledger_log(None, None, None).expect("the log"));
    for word in ["Maria", "teaching", "tablet", "Ortiz", "Talked", "no_dictation"] {
        assert!(!headers.contains(word), "{word} stands in a header");
    }
    let told = desk.status(&client, &SessionAsked::default());
    assert_eq!((told.standing.status, told.events), (Status::InForce, 6));
}

#[test]
fn a_signature_stands_under_the_intent_of_the_forms_language() {
    let mut desk = desk();
    let client = desk.client("María José", Vec::new());
    desk.try_form(&client, "ai-notes", "es").expect("a Spanish form");
    let signed = desk.sign(&client, "maría josé");
    assert_eq!((signed.form.lang.as_str(), signed.grants[0].0.intent.as_str()), ("es", intent("es")));
    assert!(signed.grants[0].0.intent.starts_with("Soy la persona"));
    assert_eq!(desk.now(&client), Status::InForce);
}

#[test]
fn nobody_signs_for_another_and_a_guardian_says_by_what_right() {
    let mut desk = desk();
    let people = vec![person("Ana Ortiz", ParticipantRole::Guardian)];
    let asked =
        NewClient { name: "Lena Ortiz".into(), born: Some("2014-05-01".into()), people, ..NewClient::default() };
    let client = desk.practice.add_client(&desk.actor, &asked).expect("a client");
    desk.form(&client, "minor");
    let id = client.client.as_str();
    let sign = |desk: &mut Desk, participant: &str, name: &str| {
        let evidence = Evidence { authority: Some("mother".to_owned()), ..Evidence::default() };
        let request = SignRequest { participant, consent: None, taken: typed(name), evidence };
        desk.practice.consent_sign(&desk.actor, id, request, &desk.models)
    };
    assert!(why(sign(&mut desk, "Lena Ortiz", "Dana Reyes")).contains("a clinician cannot sign"));
    assert!(why(sign(&mut desk, "Lena Ortiz", "Ana Ortiz")).contains("not the name on the form"));
    assert!(why(sign(&mut desk, "Kim Park", "Kim Park")).contains("nobody of that name takes part"));
    // A parent signs this form in their role; under an authorization they also say by what right.
    desk.sign(&client, "Ana Ortiz");
    desk.sign(&client, "Lena Ortiz");
    assert_eq!(desk.now(&client), Status::InForce);
    desk.form(&client, "part2");
    assert!(why(desk.try_sign(&client, "Ana Ortiz", None, Evidence::default())).contains("--authority"));
    let signed = desk.sign_for(&client, "Ana Ortiz");
    let authority = signed.grants[0].0.evidence.authority.as_deref();
    assert_eq!(authority, Some("parent, joint custody"));
}

#[test]
fn a_picture_is_looked_at_and_a_huge_one_is_not_even_read() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    desk.form(&client, "ai-notes");
    let id = client.client.as_str();
    let before = desk.practice.log().size().expect("a size");
    let mut sign = |taken: SignatureTaken| {
        let evidence = Evidence::default();
        let request = SignRequest { participant: "Maria Alvarez", consent: None, taken, evidence };
        desk.practice.consent_sign(&desk.actor, id, request, &desk.models)
    };
    let size = usize::try_from(LARGEST_FILE).expect("fits");
    assert!(why(sign(SignatureTaken::Scan(vec![b'%'; size + 1]))).contains("20 MB"));
    assert!(sign(SignatureTaken::Scan(b"not a picture".to_vec())).is_err());
    assert!(sign(SignatureTaken::Drawn(b"GIF89a".to_vec())).is_err());
    assert_eq!(desk.practice.log().size().expect("a size"), before, "nothing was recorded");
}

#[test]
fn a_form_that_may_no_longer_be_agreed_to_is_refused_with_what_to_do() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    let none = desk.try_sign(&client, "Maria Alvarez", None, Evidence::default());
    assert!(why(none).contains("make the form first with `provenote consent form"));

    let first = desk.form(&client, "ai-notes");
    let second = desk.form(&client, "telehealth-recording");
    let old = desk.try_sign(&client, "Maria Alvarez", Some(first.consent.as_str()), Evidence::default());
    assert!(why(old).contains(&format!("{} took the place of {}", second.consent, first.consent)));
    let unknown = desk.try_sign(&client, "Maria Alvarez", Some("con-0000000000000000"), Evidence::default());
    assert!(why(unknown).contains("there is no form con-0000000000000000 of this client"));

    desk.set("audio_days", "14");
    let stale = desk.try_sign(&client, "Maria Alvarez", None, Evidence::default());
    let stale = why(stale);
    assert!(
        stale.contains("no longer tells") && stale.contains("14 days") && stale.contains("consent form"),
        "{stale}"
    );
    desk.set("audio_days", "7");

    let partner = person("Kim Park", ParticipantRole::Partner);
    desk.practice.add_person(&desk.actor, client.client.as_str(), &partner).expect("joins");
    let joined = desk.try_sign(&client, "Maria Alvarez", None, Evidence::default());
    assert!(why(joined).contains("somebody has joined"));
    let unnamed = desk.try_sign(&client, "Kim Park", None, Evidence::default());
    assert!(why(unnamed).contains("does not stand on the newest form"));
    desk.practice.remove_person(&desk.actor, client.client.as_str(), "Kim Park").expect("leaves");

    desk.clock.0.set(START + 366 * DAY);
    let late = desk.try_sign(&client, "Maria Alvarez", None, Evidence::default());
    assert!(why(late).contains("the form has expired: make a new one with `provenote consent form"));
}

#[test]
fn an_older_form_of_another_purpose_can_still_be_signed() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    let notes = desk.form(&client, "ai-notes");
    desk.form(&client, "training");
    desk.try_sign(&client, "Maria Alvarez", Some(notes.consent.as_str()), Evidence::default()).expect("signs");
    assert_eq!(desk.now(&client), Status::InForce, "a consent for teaching is not implied, and not needed");
    let signed = desk.sign(&client, "Maria Alvarez");
    assert_eq!(signed.form.purposes, [Purpose::Training]);
}

#[test]
fn words_said_are_kept_as_long_as_they_are_and_no_longer_than_fits() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    let id = client.client.as_str();
    let long = "x".repeat(20_001);
    let talk = desk.practice.consent_discuss(&desk.actor, id, "Maria Alvarez", &long, &[]);
    assert!(why(talk).contains("longer than 20000 characters"));
    desk.form(&client, "ai-notes");
    let silent = desk.practice.consent_spoken(&desk.actor, id, "Maria Alvarez", " ", &desk.models);
    assert!(why(silent).contains("write down the person's words"));
}

// -- people -------------------------------------------------------------------------------------------------------

#[test]
fn two_guardians_are_asked_where_the_practice_says_so() {
    let mut desk = desk();
    let people = vec![person("Ana Ortiz", ParticipantRole::Guardian), person("Luis Ortiz", ParticipantRole::Guardian)];
    let asked =
        NewClient { name: "Lena Ortiz".into(), born: Some("2014-05-01".into()), people, ..NewClient::default() };
    let client = desk.practice.add_client(&desk.actor, &asked).expect("a client");
    desk.form(&client, "minor");
    desk.sign(&client, "Lena Ortiz");
    assert_eq!(desk.now(&client), Status::Incomplete);
    desk.sign_for(&client, "Ana Ortiz");
    assert_eq!(desk.now(&client), Status::InForce, "one of them is enough by default");
    desk.set("consent_guardians", "2");
    let asked = desk.status(&client, &SessionAsked::default());
    assert_eq!(asked.standing.status, Status::Incomplete);
    assert!(asked.next.iter().any(|step| step.contains("Luis Ortiz")), "{:?}", asked.next);
    assert!(desk.add(&client, &SessionAsked::default()).is_err());
    desk.sign_for(&client, "Luis Ortiz");
    assert_eq!(desk.now(&client), Status::InForce);
    desk.add(&client, &SessionAsked::default()).expect("the gate is open");
}

#[test]
fn coming_of_age_asks_anew_without_the_guardian() {
    let mut desk = desk();
    let people = vec![person("Ana Ortiz", ParticipantRole::Guardian)];
    let asked =
        NewClient { name: "Lena Ortiz".into(), born: Some("2008-12-24".into()), people, ..NewClient::default() };
    let client = desk.practice.add_client(&desk.actor, &asked).expect("a client");
    desk.form(&client, "minor");
    desk.sign(&client, "Lena Ortiz");
    desk.sign_for(&client, "Ana Ortiz");
    assert_eq!(desk.now(&client), Status::InForce);
    desk.clock.0.set(START + 40 * DAY);
    let told = desk.status(&client, &SessionAsked::default());
    assert_eq!(told.standing.status, Status::Stale);
    assert!(told.standing.reasons.iter().any(|reason| reason.contains("come of age")), "{:?}", told.standing.reasons);
    assert!(desk.add(&client, &SessionAsked::default()).is_err());
    desk.form(&client, "ai-notes");
    desk.sign(&client, "Lena Ortiz");
    assert_eq!(desk.now(&client), Status::InForce, "the guardian is not asked any more");
}

#[test]
fn a_person_who_joins_makes_the_forms_stale_and_the_file_keeps_every_version() {
    let mut desk = desk();
    let client = desk.consented("Maria Alvarez");
    let id = client.client.to_string();
    let partner = NewPerson { state: Some("il".into()), ..person("Kim Park", ParticipantRole::Partner) };
    let changed = desk.practice.add_person(&desk.actor, &id, &partner).expect("joins");
    assert_eq!(changed.participants.len(), 2);
    assert_eq!(desk.practice.show_client(&desk.actor, "Maria Alvarez").expect("the file"), changed);
    assert_eq!(desk.now(&client), Status::Stale);
    assert!(desk.amendments(&client).is_empty(), "somebody new is asked with a whole form");
    let told = desk.stale();
    assert_eq!(told.len(), 1);
    assert!(told[0].words.iter().any(|line| line.contains("joined")), "{:?}", told[0].words);
    // Without the partner there, the old form still tells everything.
    let alone = ["Maria Alvarez".to_owned()];
    let alone = SessionAsked { modality: Modality::InPerson, present: &alone };
    assert_eq!(desk.status(&client, &alone).standing.status, Status::InForce);
    desk.form(&changed, "group-couple-family");
    desk.sign(&changed, "Maria Alvarez");
    desk.sign(&changed, "Kim Park");
    assert_eq!(desk.now(&client), Status::InForce);
    let left = desk.practice.remove_person(&desk.actor, &id, "kim park").expect("leaves");
    assert_eq!(left.participants, client.participants);
    assert_eq!(desk.now(&client), Status::InForce);
}

#[test]
fn who_left_the_file_is_still_asked_for_the_sessions_they_were_in() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", vec![person("Kim Park", ParticipantRole::Partner)]);
    desk.form(&client, "group-couple-family");
    desk.sign(&client, "Maria Alvarez");
    desk.sign(&client, "Kim Park");
    let seq = desk.add(&client, &SessionAsked::default()).expect("a session");
    let (header, _) = desk.entry(seq);
    assert_eq!(header.facts["modality"], Fact::Text("in_person".to_owned()));
    let there: Vec<&String> = (0..2).map(|place| &header.refs[&format!("person.{place}")]).collect();
    assert_eq!(there, [client.participants[0].id.as_str(), client.participants[1].id.as_str()]);
    assert!(header.refs.contains_key("consent.0"));
    let session = header.refs["session"].clone();
    desk.practice.remove_person(&desk.actor, client.client.as_str(), "Kim Park").expect("leaves");
    let open = desk.draft(&session);
    assert!(matches!(open, Err(PracticeError::Engine(_))), "the old forms still name both: {open:?}");
    // Who has left can still say no; then nothing is drafted of what was said in their presence.
    desk.no(&client, "Kim Park", &[]);
    assert_eq!(desk.now(&client), Status::InForce, "a session without them needs no yes of theirs");
    let closed = desk.draft(&session);
    assert!(matches!(closed, Err(PracticeError::Gate { status: Status::Declined, .. })), "{closed:?}");
}

#[test]
fn a_file_that_cannot_be_is_refused() {
    let mut desk = desk();
    let refused = |desk: &mut Desk, asked: NewClient| why(desk.practice.add_client(&desk.actor, &asked));
    let named = |name: &str| NewClient { name: name.to_owned(), ..NewClient::default() };
    let twice =
        NewClient { people: vec![person("maria  alvarez", ParticipantRole::Partner)], ..named("Maria Alvarez") };
    assert!(refused(&mut desk, twice).contains("the same name"));
    let future = NewClient { born: Some("2036-01-01".into()), ..named("Maria Alvarez") };
    assert!(refused(&mut desk, future).contains("in the future"));
    let nowhere = NewClient { state: Some("ZZ".into()), ..named("Maria Alvarez") };
    assert!(refused(&mut desk, nowhere).contains("no US state"));
    let unborn = NewPerson { born: Some("2036-01-01".into()), ..person("Kim Park", ParticipantRole::Family) };
    assert!(refused(&mut desk, NewClient { people: vec![unborn], ..named("Maria") }).contains("in the future"));
    let nobody = NewPerson { answers_for: vec!["Nobody".into()], ..person("Ana", ParticipantRole::Guardian) };
    assert!(refused(&mut desk, NewClient { people: vec![nobody], ..named("Maria") }).contains("nobody of that name"));
    assert!(refused(&mut desk, named("A\u{202E}da")).contains("direction of writing"));
    assert_eq!(desk.practice.list_clients(&desk.actor).expect("a list").len(), 0);
    // Markup is letters, in any script.
    let client = desk.client("<b>李小龍</b> {{ x }}", vec![person("Kim _[x]_ Park", ParticipantRole::Partner)]);
    desk.form(&client, "group-couple-family");
    desk.sign(&client, "<b>李小龍</b> {{ x }}");
    assert!(
        why(desk.practice.add_person(
            &desk.actor,
            client.client.as_str(),
            &person("kim _[X]_ park", ParticipantRole::Family)
        ))
        .contains("same name")
    );
    assert!(
        why(desk.practice.remove_person(&desk.actor, client.client.as_str(), "<b>李小龍</b> {{ x }}"))
            .contains("cannot leave")
    );
}

// -- sessions -----------------------------------------------------------------------------------------------------

#[test]
fn a_session_on_the_line_needs_its_own_purpose() {
    let mut desk = desk();
    let client = desk.consented("Maria Alvarez");
    let refused = desk.add(&client, &video());
    assert!(matches!(&refused, Err(PracticeError::Gate { .. })), "{refused:?}");
    let told = desk.status(&client, &video());
    assert_eq!(told.standing.purposes.len(), 2);
    assert!(told.next.iter().any(|step| step.contains("phone or video")), "{:?}", told.next);
    desk.form(&client, "telehealth-recording");
    desk.sign(&client, "Maria Alvarez");
    let seq = desk.add(&client, &video()).expect("the gate is open");
    let (header, _) = desk.entry(seq);
    assert_eq!(header.facts["modality"], Fact::Text("video".to_owned()));
    desk.set("consent_always", "supervision");
    assert!(desk.add(&client, &SessionAsked::default()).is_err(), "the practice asks for supervision in every session");
}

#[test]
fn only_those_who_are_there_are_asked() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", vec![person("Kim Park", ParticipantRole::Partner)]);
    desk.form(&client, "group-couple-family");
    desk.sign(&client, "Maria Alvarez");
    assert!(desk.add(&client, &SessionAsked::default()).is_err());
    let present = ["Maria Alvarez".to_owned()];
    let alone = SessionAsked { modality: Modality::InPerson, present: &present };
    let seq = desk.add(&client, &alone).expect("the partner is not there");
    let (header, _) = desk.entry(seq);
    assert!(!header.refs.contains_key("person.1"));
    let stranger = ["Somebody Else".to_owned()];
    let stranger = SessionAsked { modality: Modality::InPerson, present: &stranger };
    assert!(why(desk.add(&client, &stranger)).contains("nobody of that name takes part"));
    // Whoever is named, the client is there.
    let partner = ["Kim Park".to_owned()];
    let told = desk.status(&client, &SessionAsked { modality: Modality::InPerson, present: &partner });
    assert_eq!(told.standing.people.len(), 2);
}

// -- the stricter of two states -----------------------------------------------------------------------------------

#[test]
fn a_spoken_yes_opens_only_by_policy_and_only_where_no_state_asks_for_writing() {
    let mut desk = desk_in("TX");
    let client = desk.client("Maria Alvarez", vec![person("Kim Park", ParticipantRole::Partner)]);
    let id = client.client.to_string();
    desk.form(&client, "group-couple-family");
    for who in ["Maria Alvarez", "Kim Park"] {
        desk.practice.consent_spoken(&desk.actor, &id, who, "Yes.", &desk.models).expect("a spoken yes");
    }
    let told = desk.status(&client, &SessionAsked::default());
    assert_eq!(told.standing.status, Status::Missing);
    assert!(told.words.iter().any(|line| line.contains("only a signature counts")), "{:?}", told.words);
    desk.set("consent_spoken_opens", "true");
    let told = desk.status(&client, &SessionAsked::default());
    assert_eq!(told.standing.status, Status::InForce);
    assert!(told.standing.people.iter().all(|person| person.spoken));
    // A partner on the line from Illinois, where AI asks for writing: the stricter state counts.
    let away = desk.client(
        "Jon Park",
        vec![NewPerson { state: Some("IL".into()), ..person("Rae Moss", ParticipantRole::Partner) }],
    );
    desk.form(&away, "group-couple-family");
    for who in ["Jon Park", "Rae Moss"] {
        desk.practice.consent_spoken(&desk.actor, away.client.as_str(), who, "Yes.", &desk.models).expect("yes");
    }
    let told = desk.status(&away, &SessionAsked::default());
    assert_eq!(told.standing.status, Status::Missing);
    assert!(told.words.iter().any(|line| line.contains("asks for writing")), "{:?}", told.words);
    let alone = ["Jon Park".to_owned()];
    let alone = SessionAsked { modality: Modality::InPerson, present: &alone };
    assert_eq!(desk.status(&away, &alone).standing.status, Status::InForce, "without the partner, Texas alone");
    // After a no only a signature opens again.
    desk.no(&client, "Kim Park", &[]);
    let again = desk.practice.consent_spoken(&desk.actor, &id, "Kim Park", "Yes after all.", &desk.models);
    assert!(why(again).contains("only their signature opens again"));
    desk.sign(&client, "Kim Park");
    assert_eq!(desk.now(&client), Status::InForce);
}

#[test]
fn the_state_of_whoever_is_there_counts_where_it_is_stricter() {
    let guardian = |state: Option<&str>| NewClient {
        name: "Lena Ortiz".to_owned(),
        // Eighteen, and of age in Texas; in Alabama at nineteen.
        born: Some("2008-06-01".to_owned()),
        state: state.map(str::to_owned),
        people: vec![person("Ana Ortiz", ParticipantRole::Guardian)],
    };
    let mut desk = desk_in("TX");
    for (state, asked) in [(None, 1), (Some("AL"), 2)] {
        let client = desk.practice.add_client(&desk.actor, &guardian(state)).expect("a client");
        let told = desk.status(&client, &SessionAsked::default());
        assert_eq!(told.standing.people.len(), asked, "{state:?}");
    }
}

// -- purposes -----------------------------------------------------------------------------------------------------

#[test]
fn a_no_to_one_purpose_leaves_the_other() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    desk.form(&client, "telehealth-recording");
    desk.sign(&client, "Maria Alvarez");
    assert_eq!(desk.status(&client, &video()).standing.status, Status::InForce);
    desk.no(&client, "Maria Alvarez", &[Purpose::TelehealthRecording]);
    assert_eq!(desk.status(&client, &video()).standing.status, Status::Declined);
    assert_eq!(desk.now(&client), Status::InForce, "in one room she still agrees");
    desk.no(&client, "Maria Alvarez", &[]);
    assert_eq!(desk.now(&client), Status::Declined);
    assert!(desk.status(&client, &SessionAsked::default()).words.iter().any(|line| line.contains("do not press")));
}

// -- staleness ----------------------------------------------------------------------------------------------------

#[test]
fn each_change_in_substance_makes_consents_stale_and_a_signed_short_form_mends_it() {
    type Change = fn(&mut Desk);
    let changes: [(&str, &str, Change); 6] = [
        ("another drafting model", "another-model", |desk| desk.set("drafting", "qwen2.5-coder-1.5b,another-model")),
        ("kept longer", "14 days", |desk| desk.set("audio_days", "14")),
        ("no sandbox", "no longer keeps the models", |desk| desk.set("allow_no_sandbox", "true")),
        ("backups last longer", "60 days", |desk| desk.set("backup_days", "60")),
        ("another speech model", "instead of", |desk| desk.set("speech", "another-model")),
        ("transcripts kept longer", "transcripts are", |desk| desk.set("working_days", "20")),
    ];
    for (what, told, change) in changes {
        let mut desk = desk();
        let client = desk.consented("Maria Alvarez");
        let untouched = desk.client("Jon Park", Vec::new());
        assert!(desk.stale().is_empty() && desk.amendments(&client).is_empty(), "{what}");
        change(&mut desk);
        assert_eq!(desk.now(&client), Status::Stale, "{what}");
        assert!(matches!(desk.add(&client, &SessionAsked::default()), Err(PracticeError::Gate { .. })), "{what}");
        let list = desk.stale();
        assert_eq!(list.len(), 1, "{what}: {} is not concerned", untouched.client);
        assert!(list[0].standing.changes.iter().any(|one| one.words.contains(told)), "{what}: {:?}", list[0].standing);
        let short = desk.amendments(&client);
        assert_eq!(short.len(), 1, "{what}");
        assert!(short[0].amends.is_some() && short[0].template.starts_with("amendment@"), "{what}");
        assert!(desk.amendments(&client).is_empty(), "{what}: it is made already");
        let signed = desk.sign(&client, "Maria Alvarez");
        assert_eq!(signed.form.consent, short[0].consent);
        assert_eq!(desk.now(&client), Status::InForce, "{what}");
        assert!(desk.stale().is_empty(), "{what}");
        desk.add(&client, &SessionAsked::default()).expect("the gate is open again");
    }
}

#[test]
fn a_company_that_gets_words_makes_consents_stale_and_asks_for_its_own_purpose() {
    let mut desk = desk();
    let client = desk.consented("Maria Alvarez");
    let (id, _) = desk.practice.add_vendor(&desk.actor, &vendor("Cloudscribe, Inc.")).expect("a company");
    let listed = desk.practice.vendors(&desk.actor).expect("a list");
    assert_eq!(listed, [(id.clone(), vendor("Cloudscribe, Inc."))]);
    assert!(why(desk.practice.add_vendor(&desk.actor, &vendor("cloudscribe, inc."))).contains("recorded already"));
    assert!(why(desk.practice.add_vendor(&desk.actor, &vendor(" "))).contains("the company's name is empty"));
    let told = desk.status(&client, &SessionAsked::default());
    assert_eq!(told.standing.status, Status::Stale);
    assert!(told.standing.changes.iter().any(|one| one.words.contains("Cloudscribe")), "{:?}", told.standing.changes);
    assert_eq!(told.standing.purposes[1].0, Purpose::CloudProcessing);
    let form = desk.form(&client, "cloud-vendor");
    assert_eq!(form.facts.vendors, [vendor("Cloudscribe, Inc.")]);
    desk.sign(&client, "Maria Alvarez");
    assert_eq!(desk.now(&client), Status::InForce);
    desk.practice.remove_vendor(&desk.actor, "Cloudscribe, Inc.").expect("removed");
    assert!(desk.practice.vendors(&desk.actor).expect("a list").is_empty());
    assert!(desk.practice.remove_vendor(&desk.actor, id.as_str()).is_err());
    assert_eq!(desk.now(&client), Status::InForce, "that nobody gets words any more is not for the worse");
    // The name of a company is sealed as everything else is.
    let headers = format!("{:?}", desk.practice.ledger_log(None, None, None).expect("the log"));
    assert!(!headers.contains("Cloudscribe") && headers.contains(id.as_str()));
}

#[test]
fn a_change_of_form_or_for_the_better_makes_nothing_stale() {
    type Change = fn(&mut Desk);
    let changes: [(&str, Change); 4] = [
        ("described in other words", |desk| {
            desk.models.makers.borrow_mut().insert("whisper-base".to_owned(), "Another word for the maker".to_owned());
        }),
        ("more threads", |desk| desk.set("threads", "4")),
        ("kept shorter", |desk| desk.set("audio_days", "3")),
        ("no backups", |desk| desk.set("backup_days", "0")),
    ];
    for (what, change) in changes {
        let mut desk = desk();
        let client = desk.consented("Maria Alvarez");
        let waiting = desk.client("Jon Park", Vec::new());
        desk.form(&waiting, "ai-notes");
        change(&mut desk);
        assert_eq!(desk.now(&client), Status::InForce, "{what}");
        assert!(desk.stale().is_empty() && desk.amendments(&client).is_empty(), "{what}");
        desk.sign(&waiting, "Jon Park");
        assert_eq!(desk.now(&waiting), Status::InForce, "{what}");
    }
}

#[test]
fn a_stale_consent_to_teaching_is_listed_though_no_session_needs_it() {
    let mut desk = desk();
    let client = desk.consented("Maria Alvarez");
    desk.form(&client, "training");
    desk.sign(&client, "Maria Alvarez");
    desk.set("audio_days", "14");
    let short = desk.amendments(&client);
    assert_eq!(short.len(), 2, "one short form for each that was signed");
    for form in &short {
        desk.try_sign(&client, "Maria Alvarez", Some(form.consent.as_str()), Evidence::default()).expect("signs");
    }
    assert!(desk.stale().is_empty());
}

#[test]
fn one_who_said_no_is_not_pressed_by_a_short_form() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", vec![person("Kim Park", ParticipantRole::Partner)]);
    desk.form(&client, "group-couple-family");
    desk.sign(&client, "Maria Alvarez");
    desk.no(&client, "Kim Park", &[]);
    desk.set("audio_days", "14");
    assert!(desk.amendments(&client).is_empty());
}

#[test]
fn no_backup_is_made_where_clients_are_told_there_is_none() {
    let mut desk = desk();
    desk.practice.backup_created(&desk.actor).expect("a backup");
    desk.set("backup_days", "0");
    let refused = desk.practice.backup_created(&desk.actor);
    assert!(matches!(&refused, Err(PracticeError::NotAllowed(_))));
    assert!(why(refused).contains("backup_days"));
    let client = desk.client("Maria Alvarez", Vec::new());
    assert!(desk.form(&client, "ai-notes").facts.backups.is_empty());
}

// -- templates ----------------------------------------------------------------------------------------------------

#[test]
fn a_template_that_was_shown_is_frozen() {
    let own = |more: &str| {
        let source = provenote_templates::bundled("ai-notes@2", "en").expect("bundled").source();
        let source = source.replace("id: ai-notes", "id: ours").replace("version: 2", "version: 1");
        Template::parse_file("ours.md", &(source + more)).expect("a template")
    };
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    desk.shelf = Shelf::bundled().with(own("")).expect("on the shelf");
    desk.form(&client, "ours");
    desk.form(&client, "ours");
    desk.shelf = Shelf::bundled().with(own("\nOne more word.\n")).expect("on the shelf");
    let changed = why(desk.try_form(&client, "ours", "en"));
    assert!(changed.contains("give the changed one a higher version"), "{changed}");
    // What was shown can still be signed: the text is the one that was kept.
    desk.sign(&client, "Maria Alvarez");
    assert_eq!(desk.now(&client), Status::InForce);
}

#[test]
fn what_there_is_no_template_for_is_said() {
    let mut desk = desk();
    let client = desk.client("Maria Alvarez", Vec::new());
    for (template, lang, says) in [
        ("ai-notes", "xx", "no language code"),
        ("ai-notes", "he", "right to left"),
        ("ai-note", "en", "there is no consent template `ai-note`"),
        ("ai-notes", "fr", "not there in `fr`"),
        ("amendment", "en", "provenote consent amend"),
        ("cloud-vendor", "en", "none is configured"),
        ("minor", "en", "a parent or guardian"),
    ] {
        let refused = why(desk.try_form(&client, template, lang));
        assert!(refused.contains(says), "{template} {lang}: {refused}");
    }
    assert_eq!(desk.practice.ledger_log(Some("consent.requested"), None, None).expect("the log").len(), 0);
}

// -- all clients --------------------------------------------------------------------------------------------------

#[test]
fn the_overview_says_of_each_what_the_status_says_with_one_entry_for_all() {
    let mut desk = desk();
    let open = desk.consented("Maria Alvarez");
    let away = NewClient { name: "Abe Moss".into(), state: Some("IL".into()), ..NewClient::default() };
    let away = desk.practice.add_client(&desk.actor, &away).expect("a client");
    desk.form(&away, "ai-notes");
    desk.sign(&away, "Abe Moss");
    let declined = desk.client("Kim Park", Vec::new());
    desk.no(&declined, "Kim Park", &[]);
    let couple = desk.client("Jon Park", vec![person("Rae Moss", ParticipantRole::Partner)]);
    desk.form(&couple, "group-couple-family");
    desk.sign(&couple, "Jon Park");
    let gone = desk.consented("Old Client");
    desk.practice
        .destroy_client(
            &desk.actor,
            gone.client.as_str(),
            provenote_practice::erasure::ErasureReason::AddedInError,
            true,
        )
        .expect("destroyed");
    let before = desk.practice.log().size().expect("a size");
    let mut seen = Vec::new();
    let all = desk
        .practice
        .consent_overview(&desk.actor, &desk.models, &mut |done, of| seen.push((done, of)))
        .expect("an overview");
    assert_eq!(desk.practice.log().size().expect("a size"), before + 1);
    assert_eq!(desk.entry(before).0.kind, "client.viewed");
    assert_eq!(seen, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    let told: Vec<(&str, Status)> = all.iter().map(|one| (one.client.name.as_str(), one.standing.status)).collect();
    assert_eq!(
        told,
        [
            ("Abe Moss", Status::InForce),
            ("Jon Park", Status::Incomplete),
            ("Kim Park", Status::Declined),
            ("Maria Alvarez", Status::InForce),
        ]
    );
    for (client, place) in [(&away, 0), (&couple, 1), (&declined, 2), (&open, 3)] {
        let one = desk.status(client, &SessionAsked::default());
        assert_eq!(
            (&one.standing, &one.words, one.events),
            (&all[place].standing, &all[place].words, all[place].events)
        );
    }
    // Names stand in the words for the actor's own screen, and nowhere else.
    assert!(all[1].next.iter().any(|step| step.contains("Rae Moss")), "{:?}", all[1].next);
    assert!(!format!("{:?}", all[1].standing).contains("Moss"));
}
