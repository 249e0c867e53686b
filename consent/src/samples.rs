//! Contexts that between them use every part of a consent template. All templates are rendered
//! with all of these in the tests; other crates may use them for theirs.

use provenote_schemas::disclosure::{DisclosureFacts, Isolation, ModelFact, Place, RetentionFacts};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{ClientId, ConsentId, Digest, ParticipantId, Time};

use crate::form::FormContext;
use crate::states::{State, UnknownState, note_retention};

/// 2026-11-21T20:00:00Z, the day of the samples.
pub const MADE: Time = Time::from_millis(1_795_291_200_000);

/// Facts of a local pipeline, sandboxed, with notes kept as the state says.
#[must_use]
pub fn facts(state: State) -> DisclosureFacts {
    let model = |id: &str, name: &str, maker: &str| ModelFact {
        id: id.to_owned(),
        name: name.to_owned(),
        maker: maker.to_owned(),
        sha256: Digest::of(id.as_bytes()),
    };
    let (note_years, note_basis) = note_retention(state.code());
    DisclosureFacts {
        speech: model("whisper-base", "Whisper base", "OpenAI"),
        voice_activity: Some(model("silero-vad", "Silero VAD", "Silero Team")),
        drafting: vec![model("qwen2.5-1.5b", "Qwen2.5 1.5B", "Alibaba Cloud")],
        place: Place::ThisComputer,
        isolation: Isolation::Enforced,
        processors: Vec::new(),
        retention: RetentionFacts {
            audio_days: 7,
            transcript_days: 7,
            prompts_days: 7,
            drafts_days: 7,
            note_years,
            note_basis,
        },
    }
}

/// Somebody who takes part; the number makes the id.
#[must_use]
pub fn person(number: u8, name: &str, role: ParticipantRole) -> Participant {
    Participant { id: ParticipantId::from_random([number; 10]), name: name.to_owned(), role }
}

/// A context for one adult client in a state.
///
/// # Errors
/// [`UnknownState`] when `state` is none.
pub fn adult(state: &str) -> Result<FormContext, UnknownState> {
    let state = State::parse(state)?;
    Ok(FormContext {
        consent: ConsentId::from_random([1; 10]),
        practice: "Harbor Street Counseling".to_owned(),
        clinician: "Dr. Ada Stone".to_owned(),
        license: Some("LCSW 123456".to_owned()),
        state: state.code().to_owned(),
        client: Client {
            client: ClientId::from_random([2; 10]),
            name: "Maria Gómez".to_owned(),
            state: state.code().to_owned(),
            born: Some("1987-04-02".to_owned()),
            participants: vec![person(3, "Maria Gómez", ParticipantRole::Client)],
        },
        facts: facts(state),
        made: MADE,
        expires: MADE.plus_days(365),
    })
}

/// All samples, each with what is special about it.
///
/// # Errors
/// [`UnknownState`] never, unless the table of states is broken.
pub fn all() -> Result<Vec<(&'static str, FormContext)>, UnknownState> {
    let mut couple = adult("OR")?;
    couple.client.participants.push(person(4, "Sam Lee", ParticipantRole::Participant));
    let mut group = adult("WA")?;
    for (number, name) in [(5, "李小龍"), (6, "Ολγα Παππά"), (7, "Ana-María d’Alençon")] {
        group.client.participants.push(person(number, name, ParticipantRole::Participant));
    }
    let mut minor = adult("ME")?;
    minor.client.born = Some("2009-03-01".to_owned());
    minor.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    let mut guarded = adult("CO")?;
    guarded.client.born = None;
    guarded.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    let mut bare = adult("VT")?;
    bare.license = None;
    bare.client.born = None;
    bare.facts.voice_activity = None;
    let mut open = adult("IL")?;
    open.facts.isolation = Isolation::Overridden;
    open.facts.processors = vec!["Cloud Scribe, Inc., Ohio".to_owned(), "Second & Sons".to_owned()];
    open.facts.retention.audio_days = 1;
    let second = open.facts.speech.clone();
    open.facts.drafting.push(second);
    let mut marked = adult("CA")?;
    marked.client.name = "**Bob** [x](y) # <b>".to_owned();
    marked.client.participants = vec![person(9, "**Bob** [x](y) # <b>", ParticipantRole::Client)];
    marked.practice = "1. _Practice_ & `Sons` {{ x }} __".to_owned();
    Ok(vec![
        ("an adult", adult("TX")?),
        ("a couple", couple),
        ("a group with names in other scripts", group),
        ("a minor with a guardian, in a state with a law on AI notes", minor),
        ("an adult with a guardian", guarded),
        ("no license, no date of birth, no voice activity model, no rule known", bare),
        ("without isolation, with processors", open),
        ("markup in names", marked),
    ])
}
