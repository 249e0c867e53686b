//! No order of acts opens the gate without a valid signature (or, where the practice's policy and the law let it
//! count, a spoken yes) of everybody who has to agree, for every purpose the session needs.
//!
//! Random orders of everything that can happen to consent in a practice: forms and short forms, signatures, spoken
//! yeses, refusals and withdrawals for a purpose or for all, people who join and leave, days that pass, a client who
//! comes of age, settings, companies and documents from elsewhere. After each of them the gate is asked, and compared
//! with the rule said again in another way, from nothing but the list of what was done.

mod office;

use office::{Catalogue, Office, somebody};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use provenote_consent::Modality;
use provenote_consent::fhir::PURPOSES;
use provenote_practice::PracticeError;
use provenote_practice::consents::FormMade;
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::people::ParticipantRole;
use provenote_schemas::{Purpose, Time};
use provenote_templates::Shelf;
use std::cell::Cell;

/// The client first, who is always there.
const PEOPLE: [(&str, ParticipantRole); 4] = [
    ("Kim Lee", ParticipantRole::Client),
    ("Pat Doe", ParticipantRole::Partner),
    ("Rosa Lee", ParticipantRole::Guardian),
    ("Luis Lee", ParticipantRole::Guardian),
];

const TEMPLATES: [&str; 4] = ["ai-notes", "telehealth-recording", "minor", "group-couple-family"];
const SPEECH: [&str; 2] = ["whisper-base", "whisper-small"];

#[derive(Debug, Clone)]
enum Move {
    Form(usize),
    Amend,
    Sign(usize),
    /// A form, and everybody of the file signs it.
    Everybody(usize),
    Speak(usize),
    /// A form, and everybody of the file says yes to it aloud.
    Aloud(usize),
    /// Recordings are kept longer, and everybody signs the short form of what is new.
    Short,
    Offer(usize),
    Discuss(usize),
    Refuse(usize, Vec<Purpose>),
    Withdraw(usize, Vec<Purpose>),
    Join(usize),
    Leave(usize),
    Days(i64),
    Audio(u32),
    Speech(usize),
    SpokenOpens(bool),
    TwoGuardians(bool),
    AlwaysSupervision(bool),
    Company(bool),
    Import,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let who = || 0..PEOPLE.len();
    let some = || prop::sample::subsequence(vec![Purpose::AiNotes, Purpose::TelehealthRecording], 0..=2);
    let one = prop_oneof![
        2 => (0..TEMPLATES.len()).prop_map(Move::Form),
        2 => Just(Move::Amend),
        6 => who().prop_map(Move::Sign),
        5 => (0..TEMPLATES.len()).prop_map(Move::Everybody),
        2 => who().prop_map(Move::Speak),
        2 => (0..2_usize).prop_map(Move::Aloud),
        2 => Just(Move::Short),
        1 => who().prop_map(Move::Offer),
        1 => who().prop_map(Move::Discuss),
        1 => (who(), some()).prop_map(|(who, of)| Move::Refuse(who, of)),
        2 => (who(), some()).prop_map(|(who, of)| Move::Withdraw(who, of)),
        2 => (1..PEOPLE.len()).prop_map(Move::Join),
        2 => (1..PEOPLE.len()).prop_map(Move::Leave),
        2 => prop_oneof![1_i64..8, Just(365)].prop_map(Move::Days),
        1 => prop::sample::select(vec![3_u32, 7, 30]).prop_map(Move::Audio),
        1 => (0..SPEECH.len()).prop_map(Move::Speech),
        2 => any::<bool>().prop_map(Move::SpokenOpens),
        1 => any::<bool>().prop_map(Move::TwoGuardians),
        1 => prop::bool::weighted(0.2).prop_map(Move::AlwaysSupervision),
        1 => prop::bool::weighted(0.3).prop_map(Move::Company),
        1 => Just(Move::Import),
    ];
    prop::collection::vec(one, 1..18)
}

/// The pipeline as far as the moves change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pipeline {
    audio_days: u32,
    speech: usize,
    company: bool,
}

/// A form as it was made.
struct Made {
    id: String,
    people: Vec<(String, ParticipantRole)>,
    purposes: Vec<Purpose>,
    expires: i64,
    pipeline: Pipeline,
    amends: bool,
}

/// Something that somebody did.
struct Act {
    who: String,
    time: i64,
    what: What,
}

enum What {
    Signed { form: usize },
    SaidYes { form: usize },
    SaidNo { purposes: Vec<Purpose> },
}

/// What was done, and nothing that follows from it.
struct Told {
    office: Office,
    /// Whether a law that applies asks for writing.
    writing: bool,
    of_age: Option<i64>,
    file: Vec<(String, &'static str, ParticipantRole)>,
    forms: Vec<Made>,
    acts: Vec<Act>,
    pipeline: Pipeline,
    spoken_opens: bool,
    guardians: usize,
    supervision: bool,
    company: Option<String>,
}

impl Told {
    fn new(state: &str, young: bool, partner: bool) -> Self {
        // 2009-02-04: eighteen on 2027-02-04, twenty days after the start.
        let born = young.then_some("2009-02-04");
        let people = if partner { &PEOPLE[..2] } else { &PEOPLE[..1] };
        let office = Office::new(state, born, people);
        let mut told = Self {
            office,
            writing: state != "TX",
            of_age: young.then(|| Time::parse("2027-02-04").expect("a day").millis()),
            file: Vec::new(),
            forms: Vec::new(),
            acts: Vec::new(),
            pipeline: Pipeline { audio_days: 7, speech: 0, company: false },
            spoken_opens: false,
            guardians: 1,
            supervision: false,
            company: None,
        };
        let client = told.office.client.clone();
        let shown = told.office.practice.show_client(&told.office.actor, &client).expect("the file");
        told.file = file_of(&shown);
        told
    }

    fn now(&self) -> i64 {
        self.office.clock.0.get()
    }

    fn id(&self, who: usize) -> Option<String> {
        self.file.iter().find(|(_, name, _)| *name == PEOPLE[who].0).map(|(id, ..)| id.clone())
    }

    fn made(&mut self, made: FormMade) {
        let form = made.form;
        self.forms.push(Made {
            id: form.consent.to_string(),
            people: form.participants.iter().map(|one| (one.id.to_string(), one.role)).collect(),
            purposes: form.purposes,
            expires: form.expires.millis(),
            pipeline: self.pipeline,
            amends: form.amends.is_some(),
        });
    }

    fn form_at(&self, seq: u64) -> usize {
        let header = self.office.practice.log().header(seq).expect("the entry");
        self.forms.iter().position(|form| form.id == header.refs["consent"]).expect("a form that was made")
    }

    fn did(&mut self, who: usize, what: What) {
        if let Some(who) = self.id(who) {
            let time = self.now();
            self.acts.push(Act { who, time, what });
        }
    }

    fn sign(&mut self, who: usize) {
        if let Ok(signed) = self.office.sign(PEOPLE[who].0, None) {
            let form = self.form_at(signed.seq);
            self.did(who, What::Signed { form });
        }
    }

    fn configure(&mut self, name: &str, value: &str) {
        let office = &mut self.office;
        office.practice.configure(&office.actor, name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    /// Does one thing. What the practice refuses has not happened.
    fn play(&mut self, one: &Move) {
        // No two things happen in one millisecond.
        self.office.clock.0.set(self.now() + 1);
        let client = self.office.client.clone();
        match one {
            Move::Form(template) => {
                if let Ok(made) = self.office.form(TEMPLATES[*template]) {
                    self.made(made);
                }
            }
            Move::Amend => {
                let office = &mut self.office;
                let made = office.practice.consent_amendments(&office.actor, &client, &Shelf::bundled(), &Catalogue);
                made.into_iter().flatten().for_each(|made| self.made(made));
            }
            Move::Sign(who) => self.sign(*who),
            Move::Everybody(template) => {
                self.play(&Move::Form(*template));
                (0..PEOPLE.len()).for_each(|who| self.sign(who));
            }
            Move::Aloud(template) => {
                self.play(&Move::Form(*template));
                (0..PEOPLE.len()).for_each(|who| self.play(&Move::Speak(who)));
            }
            Move::Short => {
                self.play(&Move::Audio(30));
                self.play(&Move::Amend);
                (0..PEOPLE.len()).for_each(|who| self.sign(who));
            }
            Move::Speak(who) => {
                let office = &mut self.office;
                let done = office.practice.consent_spoken(
                    &office.actor,
                    &client,
                    PEOPLE[*who].0,
                    "Read aloud; said yes.",
                    &Catalogue,
                );
                if let Ok(seq) = done {
                    let form = self.form_at(seq);
                    self.did(*who, What::SaidYes { form });
                }
            }
            Move::Offer(who) => {
                let office = &mut self.office;
                let _ = office.practice.consent_offer(&office.actor, &client, PEOPLE[*who].0, None);
            }
            Move::Discuss(who) => {
                let office = &mut self.office;
                let _ = office.practice.consent_discuss(&office.actor, &client, PEOPLE[*who].0, "All of it.", &[]);
            }
            Move::Refuse(who, purposes) => {
                if self.office.decline(PEOPLE[*who].0, purposes).is_ok() {
                    self.did(*who, What::SaidNo { purposes: purposes.clone() });
                }
            }
            Move::Withdraw(who, purposes) => {
                if self.office.revoke(PEOPLE[*who].0, purposes).is_ok() {
                    self.did(*who, What::SaidNo { purposes: purposes.clone() });
                }
            }
            Move::Join(who) => {
                let (name, role) = PEOPLE[*who];
                let office = &mut self.office;
                if let Ok(file) = office.practice.add_person(&office.actor, &client, &somebody(name, role)) {
                    self.file = file_of(&file);
                }
            }
            Move::Leave(who) => {
                let office = &mut self.office;
                if let Ok(file) = office.practice.remove_person(&office.actor, &client, PEOPLE[*who].0) {
                    self.file = file_of(&file);
                }
            }
            Move::Days(days) => self.office.later(*days),
            Move::Audio(days) => {
                self.configure("audio_days", &days.to_string());
                self.pipeline.audio_days = *days;
            }
            Move::Speech(model) => {
                self.configure("speech", SPEECH[*model]);
                self.pipeline.speech = *model;
            }
            Move::SpokenOpens(opens) => {
                self.configure("consent_spoken_opens", &opens.to_string());
                self.spoken_opens = *opens;
            }
            Move::TwoGuardians(two) => {
                self.guardians = if *two { 2 } else { 1 };
                self.configure("consent_guardians", &self.guardians.to_string());
            }
            Move::AlwaysSupervision(always) => {
                self.configure("consent_always", if *always { "supervision" } else { "" });
                self.supervision = *always;
            }
            Move::Company(there) => self.company(*there),
            Move::Import => {
                let document = permits_everything();
                let office = &mut self.office;
                office.practice.consent_import(&office.actor, &client, &document).expect("it is read");
            }
        }
    }

    fn company(&mut self, there: bool) {
        let office = &mut self.office;
        match (there, self.company.take()) {
            (true, None) => {
                let fact = VendorFact {
                    name: "Cloud Scribe, Inc.".to_owned(),
                    does: "turns speech into text".to_owned(),
                    place: None,
                    keeps_days: None,
                    trains: None,
                    passes_on_to: Vec::new(),
                };
                let (id, _) = office.practice.add_vendor(&office.actor, &fact).expect("a company");
                self.company = Some(id.to_string());
            }
            (false, Some(id)) => {
                office.practice.remove_vendor(&office.actor, &id).expect("it goes");
            }
            (_, before) => self.company = before,
        }
        self.pipeline.company = self.company.is_some();
    }

    // -- the rule, said again ---------------------------------------------------------------------------------

    fn needed(&self, modality: Modality) -> Vec<Purpose> {
        let mut needed = vec![Purpose::AiNotes];
        if modality == Modality::Video {
            needed.push(Purpose::TelehealthRecording);
        }
        if self.pipeline.company {
            needed.push(Purpose::CloudProcessing);
        }
        if self.supervision {
            needed.push(Purpose::Supervision);
        }
        needed
    }

    fn under_age(&self) -> bool {
        match self.of_age {
            Some(at) => self.now() < at,
            // Of an age nobody knows, with a guardian in the file: taken for a child.
            None => self.file.iter().any(|(.., role)| *role == ParticipantRole::Guardian),
        }
    }

    /// Whether a yes under a form, given then, still tells what is done and who takes part.
    fn still_true(&self, form: &Made, who: &str, time: i64) -> bool {
        let (then, today) = (form.pipeline, self.pipeline);
        let worse =
            today.speech != then.speech || today.audio_days > then.audio_days || (today.company && !then.company);
        let asked = |role: ParticipantRole| role != ParticipantRole::Guardian || self.under_age();
        let names_everybody = self
            .file
            .iter()
            .filter(|(.., role)| asked(*role))
            .all(|(id, _, role)| form.people.iter().any(|one| one == &(id.clone(), *role)));
        let client = self.file.iter().any(|(id, _, role)| id == who && *role == ParticipantRole::Client);
        let grown = client && self.of_age.is_some_and(|at| time < at && at <= self.now());
        !worse && names_everybody && self.now() < form.expires && !grown
    }

    /// The place of somebody's last act of a sort that reaches a purpose.
    fn last(&self, who: &str, matches: impl Fn(&What) -> bool) -> Option<usize> {
        self.acts.iter().rposition(|act| act.who == who && matches(&act.what))
    }

    fn said_no(&self, who: &str, purpose: Purpose) -> Option<usize> {
        self.last(
            who,
            |what| matches!(what, What::SaidNo { purposes } if purposes.is_empty() || purposes.contains(&purpose)),
        )
    }

    fn signed(&self, who: &str, purpose: Purpose) -> Option<usize> {
        self.last(who, |what| matches!(what, What::Signed { form } if self.forms[*form].purposes.contains(&purpose)))
    }

    fn agreed(&self, who: &str, purpose: Purpose) -> bool {
        let (no, signed) = (self.said_no(who, purpose), self.signed(who, purpose));
        let yes = |place: usize| {
            let act = &self.acts[place];
            match &act.what {
                What::Signed { form } | What::SaidYes { form } => self.still_true(&self.forms[*form], who, act.time),
                What::SaidNo { .. } => false,
            }
        };
        // A no is answered by a signature alone.
        let unanswered_no = no.is_some() && no > signed;
        if unanswered_no {
            return false;
        }
        let spoken = self
            .last(who, |what| matches!(what, What::SaidYes { form } if self.forms[*form].purposes.contains(&purpose)))
            .filter(|place| Some(*place) > signed);
        signed.is_some_and(yes) || (self.spoken_opens && !self.writing && spoken.is_some_and(yes))
    }

    fn may_open(&self, modality: Modality) -> bool {
        let needed = self.needed(modality);
        let agreed = |who: &str| needed.iter().all(|purpose| self.agreed(who, *purpose));
        let (guardians, present): (Vec<_>, Vec<_>) =
            self.file.iter().partition(|(.., role)| *role == ParticipantRole::Guardian);
        let everybody_there = present.iter().all(|(id, ..)| agreed(id));
        let guardians_agree = !self.under_age() || {
            let against = |id: &str| {
                needed.iter().any(|purpose| {
                    let no = self.said_no(id, *purpose);
                    no.is_some() && no > self.signed(id, *purpose)
                })
            };
            guardians.iter().filter(|(id, ..)| agreed(id)).count() >= self.guardians
                && !guardians.iter().any(|(id, ..)| against(id))
        };
        everybody_there && guardians_agree
    }
}

/// What a state that is open rests on, so that it can be seen that each of these was tried.
#[derive(Debug, Default, Clone, Copy)]
struct Reached {
    open: u32,
    closed: u32,
    spoken: u32,
    amended: u32,
    guardian: u32,
    again: u32,
}

impl Reached {
    fn count(&mut self, told: &Told, open: bool) {
        if !open {
            self.closed += 1;
            return;
        }
        self.open += 1;
        let client = &told.file[0].0;
        let signed = told.signed(client, Purpose::AiNotes);
        let of = |place: usize| match told.acts[place].what {
            What::Signed { form } => Some(&told.forms[form]),
            _ => None,
        };
        self.spoken += u32::from(signed.is_none());
        self.amended += u32::from(signed.and_then(of).is_some_and(|form| form.amends));
        self.guardian += u32::from(told.under_age());
        self.again += u32::from(told.said_no(client, Purpose::AiNotes).is_some());
    }
}

fn file_of(client: &provenote_schemas::people::Client) -> Vec<(String, &'static str, ParticipantRole)> {
    let known = |name: &str| PEOPLE.iter().find(|(one, _)| *one == name).expect("one of them").0;
    client.participants.iter().map(|one| (one.id.to_string(), known(&one.name), one.role)).collect()
}

/// A document of another system that permits every purpose of ours, to the letter.
fn permits_everything() -> Vec<u8> {
    let purposes: Vec<serde_json::Value> = Purpose::ALL
        .iter()
        .map(|purpose| serde_json::json!({ "system": PURPOSES, "code": purpose.as_str() }))
        .collect();
    serde_json::to_vec(&serde_json::json!({
        "resourceType": "Consent",
        "status": "active",
        "provision": {
            "period": { "start": "2020-01-01", "end": "2090-01-01" },
            "provision": [{ "type": "permit", "purpose": purposes }],
        },
    }))
    .expect("JSON")
}

/// Plays a script, and asks the gate after each move.
fn asked_after_each(told: &mut Told, script: &[Move], reached: &mut Reached) -> Result<(), TestCaseError> {
    for (place, one) in script.iter().enumerate() {
        told.play(one);
        for modality in [Modality::InPerson, Modality::Video] {
            let expected = told.may_open(modality);
            let found = told.office.standing(modality);
            let open = found.standing.status.as_str() == "in_force";
            prop_assert_eq!(open, expected, "{} after {:?} ({}): {:#?}", modality.as_str(), one, place, found.words);
            reached.count(told, open);
        }
    }
    // The gate itself says the same.
    for modality in [Modality::InPerson, Modality::Video] {
        let expected = told.may_open(modality);
        match told.office.record(modality) {
            Ok(_) => prop_assert!(expected),
            Err(PracticeError::Gate { .. }) => prop_assert!(!expected),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
    Ok(())
}

#[test]
fn no_order_of_acts_opens_the_gate_without_everybodys_yes_to_every_purpose() {
    let reached = Cell::new(Reached::default());
    let start = (prop::sample::select(vec!["TX", "IL"]), any::<bool>(), any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(start, moves()), |((state, young, partner), script)| {
        let mut count = reached.get();
        let outcome = asked_after_each(&mut Told::new(state, young, partner), &script, &mut count);
        reached.set(count);
        outcome
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // It is no test where the gate is never open, or always.
    let reached = reached.get();
    assert!(reached.open > 10 && reached.closed > 10, "{reached:?}");
}

/// Orders that end open and orders that end closed, one for each thing that may open or close the gate: what the random
/// ones meet only now and then.
#[test]
fn each_thing_that_opens_or_closes_is_met() {
    let (kim, pat, rosa, luis) = (0, 1, 2, 3);
    let notes = || vec![Purpose::AiNotes];
    let mut reached = Reached::default();
    for (name, state, young, script, ends) in [
        ("nothing", "TX", false, vec![Move::Form(0)], false),
        ("signed", "TX", false, vec![Move::Everybody(0)], true),
        ("one of two", "TX", false, vec![Move::Join(pat), Move::Form(0), Move::Sign(kim)], false),
        ("both", "TX", false, vec![Move::Join(pat), Move::Everybody(0)], true),
        ("somebody joins", "TX", false, vec![Move::Everybody(0), Move::Join(pat)], false),
        ("and leaves", "TX", false, vec![Move::Everybody(0), Move::Join(pat), Move::Leave(pat)], true),
        ("aloud", "TX", false, vec![Move::SpokenOpens(true), Move::Aloud(0)], true),
        ("aloud, by default", "TX", false, vec![Move::Aloud(0)], false),
        ("aloud, where the law asks for writing", "IL", false, vec![Move::SpokenOpens(true), Move::Aloud(0)], false),
        (
            "aloud after a no",
            "TX",
            false,
            vec![Move::SpokenOpens(true), Move::Refuse(kim, vec![]), Move::Aloud(0)],
            false,
        ),
        ("no", "TX", false, vec![Move::Everybody(0), Move::Refuse(kim, notes())], false),
        ("taken back", "TX", false, vec![Move::Everybody(0), Move::Withdraw(kim, notes())], false),
        (
            "and signed anew",
            "TX",
            false,
            vec![Move::Everybody(0), Move::Withdraw(kim, vec![]), Move::Everybody(0)],
            true,
        ),
        ("kept longer", "TX", false, vec![Move::Everybody(0), Move::Audio(30)], false),
        ("kept shorter", "TX", false, vec![Move::Everybody(0), Move::Audio(3)], true),
        ("the short form", "TX", false, vec![Move::Everybody(0), Move::Short], true),
        (
            "the short form after a no",
            "TX",
            false,
            vec![Move::Everybody(0), Move::Refuse(kim, notes()), Move::Short],
            false,
        ),
        ("another model", "TX", false, vec![Move::Everybody(0), Move::Speech(1)], false),
        ("the model again", "TX", false, vec![Move::Everybody(0), Move::Speech(1), Move::Speech(0)], true),
        ("a company", "TX", false, vec![Move::Everybody(0), Move::Company(true)], false),
        ("gone again", "TX", false, vec![Move::Everybody(0), Move::Company(true), Move::Company(false)], true),
        ("another purpose always", "TX", false, vec![Move::Everybody(0), Move::AlwaysSupervision(true)], false),
        ("over", "TX", false, vec![Move::Everybody(0), Move::Days(365)], false),
        ("elsewhere", "TX", false, vec![Move::Form(0), Move::Import], false),
        ("talked through", "TX", false, vec![Move::Form(0), Move::Offer(kim), Move::Discuss(kim)], false),
        ("a child alone", "TX", true, vec![Move::Everybody(2)], false),
        ("with a guardian", "TX", true, vec![Move::Join(rosa), Move::Everybody(2)], true),
        ("without the child", "TX", true, vec![Move::Join(rosa), Move::Form(2), Move::Sign(rosa)], false),
        ("without the guardian", "TX", true, vec![Move::Join(rosa), Move::Form(2), Move::Sign(kim)], false),
        ("two wanted", "TX", true, vec![Move::TwoGuardians(true), Move::Join(rosa), Move::Everybody(2)], false),
        (
            "two there",
            "TX",
            true,
            vec![Move::TwoGuardians(true), Move::Join(rosa), Move::Join(luis), Move::Everybody(2)],
            true,
        ),
        (
            "one of two is enough",
            "TX",
            true,
            vec![Move::Join(rosa), Move::Join(luis), Move::Form(2), Move::Sign(kim), Move::Sign(rosa)],
            true,
        ),
        (
            "unless the other says no",
            "TX",
            true,
            vec![
                Move::Join(rosa),
                Move::Join(luis),
                Move::Form(2),
                Move::Sign(kim),
                Move::Sign(rosa),
                Move::Refuse(luis, vec![]),
            ],
            false,
        ),
        ("of age", "TX", true, vec![Move::Join(rosa), Move::Everybody(2), Move::Days(21)], false),
        (
            "asked again",
            "TX",
            true,
            vec![Move::Join(rosa), Move::Everybody(2), Move::Days(21), Move::Everybody(0)],
            true,
        ),
    ] {
        let mut told = Told::new(state, young, false);
        if let Err(error) = asked_after_each(&mut told, &script, &mut reached) {
            panic!("{name}: {error}");
        }
        let found = told.office.standing(Modality::InPerson);
        assert_eq!(found.standing.status.as_str() == "in_force", ends, "{name}: {:#?}", found.words);
        assert!(!told.may_open(Modality::Video), "{name}: nobody agreed to a recording on the line");
    }
    let mut told = Told::new("TX", false, false);
    told.play(&Move::Everybody(1));
    assert!(told.may_open(Modality::Video) && told.office.record(Modality::Video).is_ok());
    told.play(&Move::Withdraw(kim, vec![Purpose::TelehealthRecording]));
    assert!(told.office.record(Modality::Video).is_err() && told.office.record(Modality::InPerson).is_ok());
    let Reached { spoken, amended, guardian, again, .. } = reached;
    assert!([spoken, amended, guardian, again].iter().all(|count| *count > 0), "{reached:?}");
}
