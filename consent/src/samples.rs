//! Contexts that between them use every part of a consent template. All templates are rendered
//! with all of these in the tests; other crates may use them for theirs.

use provenote_schemas::consent::{ConsentForm, Promise};
use provenote_schemas::disclosure::{
    BackupFact, DisclosureFacts, GatewayFact, Isolation, ModelFact, Place, RetentionFacts, VendorFact,
};
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{ClientId, ConsentId, Digest, ParticipantId, Purpose, Time};

use crate::form::{Authorization, FormContext, Material, Particulars, Shared, disclosure_digest};
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
        vendors: Vec::new(),
        backups: Vec::new(),
        gateways: Vec::new(),
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
    Participant::new(ParticipantId::from_random([number; 10]), name.to_owned(), role)
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
        clinician_state: None,
        particulars: Particulars::default(),
    })
}

/// A form that was signed thirty days before a context, of older facts: of another model, kept longer.
#[must_use]
pub fn signed_before(ctx: &FormContext) -> ConsentForm {
    let mut facts = ctx.facts.clone();
    facts.speech = ModelFact { id: "whisper-tiny".to_owned(), name: "Whisper tiny".to_owned(), ..facts.speech };
    facts.speech.sha256 = Digest::of(b"whisper-tiny");
    facts.retention.transcript_days += 23;
    let text = "# The form that was signed before\n".to_owned();
    ConsentForm {
        consent: ConsentId::from_random([11; 10]),
        client: ctx.client.client.clone(),
        template: "ai-notes@2".to_owned(),
        lang: "en".to_owned(),
        purposes: vec![Purpose::AiNotes],
        participants: ctx.client.participants.clone(),
        text_sha256: Digest::of(text.as_bytes()),
        text,
        disclosure_digest: disclosure_digest(&facts),
        facts,
        made: Time::from_millis(1_792_699_200_000),
        expires: MADE.plus_days(335),
        amends: None,
        promise: Promise::ForWorse,
    }
}

/// Everything that some forms need besides, for a context.
#[must_use]
pub fn particulars(ctx: &FormContext) -> Particulars {
    Particulars {
        shared: Some(Shared {
            what: vec![Material::Recordings, Material::Transcripts, Material::Notes],
            who: vec!["Dr. Lee Ortiz, supervisor".to_owned()],
            kept_days: 30,
            names_removed: false,
        }),
        authorization: Some(Authorization {
            information: "notes of the sessions from January to June 2026".to_owned(),
            sources: vec!["Harbor Street Counseling".to_owned()],
            recipients: vec!["Dr. Lee Ortiz, new clinician".to_owned(), "Bay Clinic".to_owned()],
            purpose: "to go on with care there".to_owned(),
            ends: None,
            care_payment_operations: false,
            intermediaries: Vec::new(),
        }),
        amends: Some(Box::new(signed_before(ctx))),
    }
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
    let mut far = adult("NV")?;
    far.clinician_state = Some("TX".to_owned());
    far.facts.place = Place::PracticeNetwork;
    far.facts.backups = vec![
        BackupFact { place: "a disk in the practice's safe".to_owned(), sealed: true, days: 30 },
        BackupFact { place: "an older disk".to_owned(), sealed: false, days: 1 },
    ];
    far.facts.gateways =
        vec![GatewayFact { name: "the clinician's phone".to_owned(), way: "the practice's own network".to_owned() }];
    let mut cloud = adult("CA")?;
    cloud.facts.place = Place::Cloud;
    cloud.facts.isolation = Isolation::Overridden;
    cloud.facts.gateways =
        vec![GatewayFact { name: "the clinician's laptop".to_owned(), way: "the internet".to_owned() }];
    cloud.facts.vendors = vec![
        VendorFact {
            name: "Cloud Scribe, Inc.".to_owned(),
            does: "turns speech into text and drafts the note".to_owned(),
            place: Some("Ohio, United States".to_owned()),
            keeps_days: Some(30),
            trains: Some(false),
            passes_on_to: vec!["Big Cloud Co.".to_owned(), "Second & Sons".to_owned()],
            terms_worsened: None,
        },
        VendorFact {
            name: "Silent <Vendor>".to_owned(),
            does: "stores files".to_owned(),
            place: None,
            keeps_days: None,
            trains: None,
            passes_on_to: Vec::new(),
            terms_worsened: None,
        },
    ];
    let mut scribe = adult("OH")?;
    scribe.facts.vendors = cloud.facts.vendors.iter().take(1).cloned().collect();
    scribe.facts.vendors[0].trains = Some(true);
    let mut quiet = adult("IL")?;
    quiet.facts.vendors = cloud.facts.vendors.iter().take(1).cloned().collect();
    let mut family = adult("NE")?;
    family.client.participants.push(person(4, "Ana Gómez", ParticipantRole::Partner));
    family.client.participants.push(person(5, "Leo Gómez", ParticipantRole::Minor));
    family.client.participants.push(person(6, "Inés Gómez", ParticipantRole::Minor));
    family.client.participants.push(person(8, "Rosa Gómez", ParticipantRole::Guardian));
    family.client.participants.push(person(9, "Kim Park", ParticipantRole::Interpreter));
    family.client.participants[1].state = Some("IL".to_owned());
    let mut samples = vec![
        ("an adult", adult("TX")?),
        ("a couple", couple),
        ("a group with names in other scripts", group),
        ("a minor with a guardian, in a state with a law on AI notes", minor),
        ("an adult with a guardian", guarded),
        ("no license, no date of birth, no voice activity model, no rule known", bare),
        ("without isolation, with processors", open),
        ("markup in names", marked),
        ("a clinician in another state, on the practice's network, with backups and a gateway", far),
        ("in the cloud, with companies that told much and little", cloud),
        ("a company that trains on words", scribe),
        ("a company that does not train on words", quiet),
        ("a family with children, in two states", family),
    ];
    for (number, (_, ctx)) in samples.iter_mut().enumerate() {
        ctx.particulars = particulars(ctx);
        if let (Some(one), Some(shared)) = (&mut ctx.particulars.authorization, &mut ctx.particulars.shared)
            && number % 2 == 1
        {
            one.ends = Some("care at this practice ends".to_owned());
            one.care_payment_operations = true;
            one.intermediaries = vec!["Health Exchange, with Bay Clinic".to_owned()];
            shared.names_removed = true;
        }
    }
    Ok(samples)
}
