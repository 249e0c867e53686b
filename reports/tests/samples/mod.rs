//! One sample of every document, as a practice would make it.

#![allow(dead_code, reason = "each test file and the benchmark use some of them")]

pub(crate) mod access;
pub(crate) mod vendors;

use std::collections::BTreeSet;

use provenote_consent::withdrawal::{Effect, Fate, Thing, Why};
use provenote_consent::{Capacity, FormContext, Status, intent, render_form};
use provenote_reports::{
    Amendment, AudioFate, BoardReport, ConsentDocument, ConsentPerson, ConsentRow, ConsentsReport, Destruction,
    Drafting, EntryLine, KindCount, Look, MadeBy, ModelUse, NoteDocument, NoteRow, Picture, Practice, RecoveryKit,
    Refusal, SessionRow, Source, Verification, WithdrawalCopy, WithdrawalRow, consents_legal_facts, legal_facts,
};
use provenote_schemas::consent::{ConsentForm, Evidence, Grant, Promise, Signature, Withdrawal};
use provenote_schemas::disclosure::{DisclosureFacts, Isolation, ModelFact, Place, RetentionFacts};
use provenote_schemas::note::{
    Attestation, Danger, NoteState, NoteText, Origin, RemovedClaim, Section, Sentence, Support, Warning,
};
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_schemas::{
    ClientId, ConsentId, Digest, GroupId, Kind, NoteId, ParticipantId, Purpose, SessionId, Time, UserId, digest_of,
};

pub(crate) const CHECKPOINT: &str = "provenote/ledger/7f3a9c2e5b1d4f60\n214\n3q2+7wAAESIzRFVmd4iZqrvM3e7/ABEiM0RVZneImao=\n\n\u{2014} provenote/ledger/7f3a9c2e5b1d4f60 Kx2ad9aWJ1tq8m0m9rQm7g0Xc0sFhQ1bq2dGh7b1nZ6yq0pVtZr8lq7g5m2Yw1e4fJt3uV0xk9hR6sD5aB4nC2mLQEw=\n";
const VKEY: &str = "provenote/ledger/7f3a9c2e5b1d4f60+2b1dad9a+AQkGm2hUq7yG1b8mZ0cVwJp5xR3tY6uK9nL4sD2fE7aH";

/// A picture of a line that goes up and down, 240 by 60 pixels, as a signature pad would give it.
pub(crate) const DRAWN: &[u8] = include_bytes!("drawn.png");

const FORM: &str = "\
# Recording and AI-drafted notes: your choice

I would like to record our sessions and use software to draft my notes. **You may say no.** Your care will not change if you do.

## What happens

- Your session will be audio recorded on this practice's own computer.
- Artificial intelligence turns the recording into text and drafts a note. I read, correct and sign every note myself.
- No sound and no text leaves the computer. The models have *no network*.

## What is kept, and how long

1. The recording: until I sign the note, at most 14 days.
2. The transcript: until I sign the note, at most 30 days.
3. The signed note: 7 years after your last visit.

### Your choices

- [x] I agree that my sessions are recorded and a note is drafted by software on this computer.
- [x] I would like to hear the recording before it is destroyed.

---

You may take this back at any time, by telling me or in writing. What was recorded until then follows the schedule above.
";

pub(crate) fn at(text: &str) -> Time {
    Time::parse(text).expect("a time")
}

pub(crate) fn practice() -> Practice {
    Practice {
        name: "Cedar Street Counseling".into(),
        clinician: "Dana Whitfield, LPC".into(),
        license: Some("Licensed Professional Counselor 20417".into()),
        state: Some("CO".into()),
    }
}

fn speech() -> ModelFact {
    ModelFact {
        id: "whisper-base".into(),
        name: "Whisper base".into(),
        maker: "OpenAI".into(),
        sha256: Digest::of(b"whisper"),
    }
}

fn drafter() -> ModelFact {
    ModelFact {
        id: "qwen".into(),
        name: "Qwen2.5-Coder 1.5B Instruct".into(),
        maker: "Alibaba".into(),
        sha256: Digest::of(b"qwen"),
    }
}

fn participant(n: u8, name: &str, role: ParticipantRole) -> Participant {
    Participant::new(ParticipantId::from_random([n; 10]), name.into(), role)
}

fn form() -> ConsentForm {
    let facts = DisclosureFacts {
        speech: speech(),
        voice_activity: None,
        drafting: vec![drafter()],
        place: Place::ThisComputer,
        isolation: Isolation::Enforced,
        processors: Vec::new(),
        vendors: Vec::new(),
        backups: Vec::new(),
        gateways: Vec::new(),
        retention: RetentionFacts {
            audio_days: 14,
            transcript_days: 30,
            prompts_days: 30,
            drafts_days: 30,
            note_years: 7,
            note_basis: "product default".into(),
        },
    };
    ConsentForm {
        consent: ConsentId::from_random([7; 10]),
        client: ClientId::from_random([1; 10]),
        template: "ai-notes@1".into(),
        lang: "en".into(),
        purposes: vec![Purpose::AiNotes],
        participants: vec![
            participant(1, "Jordan Rivera", ParticipantRole::Client),
            participant(2, "Maria José Rivera-O’Neill", ParticipantRole::Guardian),
            participant(3, "Sam Lee", ParticipantRole::Participant),
        ],
        text: FORM.into(),
        text_sha256: Digest::of(FORM.as_bytes()),
        disclosure_digest: digest_of(&facts).expect("JSON"),
        facts,
        made: at("2026-11-21T20:00:00.123Z"),
        expires: at("2027-11-21T20:00:00.123Z"),
        amends: None,
        promise: Promise::AnyChange,
    }
}

/// A form nobody has signed.
pub(crate) fn unsigned() -> ConsentDocument {
    ConsentDocument {
        practice: practice(),
        form: form(),
        intent: "By signing I say that I have read this form, that my questions were answered, and that I agree to what it describes. My signature on a screen means the same as one on paper.".into(),
        grants: Vec::new(),
        capacities: Vec::new(),
        pictures: Vec::new(),
        checkpoint: None,
        vkey: None,
        record_json: "{\"consent\":\"con-0\"}".into(),
        receipt_json: None,
    }
}

/// A form of a bundled template for a context, nobody signed yet.
///
/// # Panics
/// Where the context does not fit the template.
pub(crate) fn of_template(id: &str, lang: &str, ctx: &FormContext) -> ConsentDocument {
    let template = provenote_templates::bundled(id, lang).expect("bundled");
    let form = render_form(template, ctx).unwrap_or_else(|error| panic!("{id} {lang}: {error}"));
    ConsentDocument {
        practice: Practice {
            name: ctx.practice.clone(),
            clinician: ctx.clinician.clone(),
            license: ctx.license.clone(),
            state: Some(ctx.state.clone()),
        },
        intent: intent(lang).to_owned(),
        form,
        ..unsigned()
    }
}

/// Signed by everybody: typed, drawn, on paper, and so on.
pub(crate) fn signed() -> ConsentDocument {
    sign(unsigned())
}

/// Everybody signs: typed, drawn, on paper, and so on.
pub(crate) fn sign(mut document: ConsentDocument) -> ConsentDocument {
    let signature = |number: usize, name: &str| match number % 3 {
        0 => Signature::Typed { name: name.into() },
        1 => Signature::Drawn { png_sha256: Digest::of(DRAWN) },
        _ => Signature::Scan { pdf_sha256: Digest::of(b"scan") },
    };
    document.grants = document
        .form
        .participants
        .iter()
        .enumerate()
        .map(|(number, participant)| Grant {
            consent: document.form.consent.clone(),
            participant: participant.id.clone(),
            text_sha256: document.form.text_sha256,
            disclosure_digest: document.form.disclosure_digest,
            intent: document.intent.clone(),
            signature: signature(number, &participant.name),
            time: at("2026-11-21T20:04:11.000Z"),
            evidence: match participant.role {
                ParticipantRole::Guardian => Evidence {
                    device: Some("the practice’s tablet".into()),
                    identity: Some("driver’s license seen".into()),
                    authority: Some("mother, with sole custody".into()),
                },
                ParticipantRole::Client => {
                    Evidence { identity: Some("known to the clinician".into()), ..Evidence::default() }
                }
                _ => Evidence::default(),
            },
        })
        .collect();
    let client = document.form.participants.iter().find(|one| one.role == ParticipantRole::Client);
    if let Some(client) = client.map(|one| one.id.clone()) {
        let guardians = document.form.participants.iter().filter(|one| one.role == ParticipantRole::Guardian);
        document.capacities =
            guardians.map(|one| (one.id.clone(), Capacity::Guardian { of: vec![client.clone()] })).collect();
        if !document.capacities.is_empty() {
            document.capacities.push((client, Capacity::Assent));
        }
    }
    document.pictures = vec![Picture { png: DRAWN.to_vec() }];
    document.checkpoint = Some(CHECKPOINT.into());
    document.vkey =
        Some("provenote.local/g2tjq6q6yhgmk38r+955cd94a+AbFABO5vHXdvI6Ya7VFCS9e4YT++eoP0KonCQd7m96G2".into());
    document.receipt_json = Some("{\"receipt_id\":\"con-0-par-0\"}".into());
    document
}

/// A parent takes back the yes to recording, and some of what there is goes at once.
pub(crate) fn withdrawal(lang: &str) -> WithdrawalCopy {
    let session = |n: u8| SessionId::from_random([n; 10]).to_string();
    let effect = |thing: Thing, id: String, fate: Fate| Effect { thing, id, fate };
    let kept = |why: Why| Fate::Kept { why };
    let due = at("2026-12-05T00:00:00.000Z");
    WithdrawalCopy {
        practice: practice(),
        lang: lang.into(),
        client_name: "Jordan Rivera".into(),
        person_name: "Maria José Rivera-O’Neill".into(),
        role: ParticipantRole::Guardian,
        withdrawal: Withdrawal {
            participant: ParticipantId::from_random([2; 10]),
            purposes: BTreeSet::from([Purpose::AiNotes, Purpose::Supervision]),
            time: at("2026-11-21T20:30:00.000Z"),
        },
        said: Some("We would rather not be recorded any more.".into()),
        effects: vec![
            effect(Thing::RunningWork, session(1), Fate::Stopped),
            effect(Thing::Recording, session(1), Fate::DestroyedNow),
            effect(Thing::Transcript, session(2), Fate::DestroyedBy { due }),
            effect(Thing::PromptsAndOutputs, session(2), Fate::DestroyedBy { due }),
            effect(Thing::Draft, NoteId::from_random([2; 10]).to_string(), Fate::OnHold),
            effect(Thing::Note, NoteId::from_random([3; 10]).to_string(), kept(Why::ClinicalRecord)),
            effect(Thing::Export, NoteId::from_random([3; 10]).to_string(), kept(Why::Gone)),
            effect(Thing::Recording, session(3), kept(Why::OtherPurpose)),
            effect(Thing::Backup, "bak-1".into(), kept(Why::EndsByItself)),
            effect(Thing::ConsentRecord, ConsentId::from_random([7; 10]).to_string(), kept(Why::Proof)),
            effect(Thing::Ledger, "entries 0 to 213".into(), kept(Why::Proof)),
        ],
        seq: 214,
        receipts: vec![215, 216],
        checkpoint: Some(CHECKPOINT.into()),
        vkey: Some(VKEY.into()),
        record_json: "{\"withdrawal\":214}".into(),
    }
}

/// An overview of `clients` clients, each status in turn.
pub(crate) fn consents(clients: u8, names: bool) -> ConsentsReport {
    let row = |n: u8| {
        let status = Status::ALL[usize::from(n) % Status::ALL.len()];
        let person = |number: u8, name: String, role: ParticipantRole, status: Status| ConsentPerson {
            participant: ParticipantId::from_random([n, number, 1, 1, 1, 1, 1, 1, 1, 1]),
            name: Some(name),
            role,
            status,
            spoken: n == 7,
            needed: number != 2,
        };
        let mut people = vec![person(1, format!("Jordan Rivera {n}"), ParticipantRole::Client, status)];
        if n % 4 == 3 {
            people.push(person(2, format!("Maria José Rivera {n}"), ParticipantRole::Guardian, Status::InForce));
        }
        if people[0].status == Status::Incomplete {
            people[0].status = Status::Missing;
        }
        let in_force = status == Status::InForce;
        ConsentRow {
            client: ClientId::from_random([n, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
            name: Some(format!("Jordan Rivera {n}")),
            status,
            since: (status != Status::Missing).then(|| at("2026-10-01T15:00:00.000Z")),
            until: in_force.then(|| at("2027-10-01T15:00:00.000Z")),
            purposes: vec![(Purpose::AiNotes, status)],
            people,
            reasons: if in_force {
                Vec::new()
            } else {
                vec![format!("Jordan Rivera {n} has not signed for all that is done today")]
            },
            next: if in_force { Vec::new() } else { vec![format!("show the form to Jordan Rivera {n}")] },
        }
    };
    ConsentsReport {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        names,
        emergencies: access::emergencies(),
        rows: (0..clients).map(row).collect(),
        legal: consents_legal_facts().expect("the bundled file"),
        checkpoint: Some(CHECKPOINT.into()),
    }
}

fn sentence(text: &str, origin: Origin) -> Sentence {
    let support = if origin == Origin::Clinician { Support::Clinician } else { Support::Supported };
    Sentence { text: text.into(), origin, segments: vec![3, 4], support, reasons: Vec::new() }
}

pub(crate) fn note() -> NoteDocument {
    let section = |name: &str, sentences: Vec<Sentence>| Section { name: name.into(), sentences, for_clinician: None };
    let text = NoteText {
        note: NoteId::from_random([9; 10]),
        session: SessionId::from_random([8; 10]),
        format: "SOAP".into(),
        sections: vec![
            section(
                "Subjective",
                vec![
                    sentence(
                        "The client reported sleeping about five hours a night since the move and named the noise in the new apartment as the reason.",
                        Origin::Model,
                    ),
                    sentence("She practiced the breathing exercise on four of seven days.", Origin::Edited),
                ],
            ),
            section(
                "Objective",
                vec![sentence("Calm, well groomed, oriented; affect congruent with mood.", Origin::Clinician)],
            ),
            section(
                "Assessment",
                vec![sentence("Sleep is worse than last month; worry about work is unchanged.", Origin::Model)],
            ),
            section("Plan", Vec::new()),
        ],
        warnings: vec![Warning {
            id: "w1".into(),
            danger: Danger::Suicide,
            segments: vec![12],
            quote: "not wanting to wake up".into(),
            in_draft: false,
            answer: Some("Asked; no plan, no intent.".into()),
        }],
        removed: vec![RemovedClaim {
            section: "Subjective".into(),
            text: "The client agreed to the recording.".into(),
            rest: None,
            look: false,
        }],
        doubts: Vec::new(),
        consent_statement: Vec::new(),
    };
    NoteDocument {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        attestation: Attestation {
            note: text.note.clone(),
            text: digest_of(&text).expect("JSON"),
            user: UserId::from_random([4; 10]),
            time: at("2026-11-20T17:00:00.000Z"),
            statement: "I have read this note against the session. It is mine, and I answer for it.".into(),
        },
        note: text,
        format_name: "Subjective, Objective, Assessment, Plan".into(),
        client_name: "Jordan Rivera".into(),
        session_time: at("2026-11-20T15:00:00.000Z"),
        consent_statement: vec![
            "Jordan Rivera signed form con-0 (ai-notes@2) for recording and AI-assisted notes on November 1, 2026."
                .into(),
            "The consent was in force when the session was recorded on November 20, 2026.".into(),
        ],
        attested_by: "Dana Whitfield, LPC".into(),
        amendments: vec![Amendment {
            time: at("2026-11-21T09:00:00.000Z"),
            by: "Dana Whitfield, LPC".into(),
            text: "Client called to move the next session to December 4.".into(),
        }],
        made_by: MadeBy::Model(Drafting {
            speech: Some(speech()),
            model: drafter(),
            prompt: "note-soap@1".into(),
            isolation: Isolation::Enforced,
        }),
        entries: [
            (4, Kind::ConsentGranted),
            (9, Kind::SessionRecorded),
            (12, Kind::TranscriptReceived),
            (14, Kind::PromptSent),
            (15, Kind::OutputReceived),
            (16, Kind::DraftMade),
            (19, Kind::NoteAttested),
        ]
        .into_iter()
        .map(|(seq, kind)| EntryLine { seq, kind, time: at("2026-11-20T15:55:00.000Z") })
        .collect(),
        checkpoint: Some(CHECKPOINT.into()),
        record_json: "{\"note\":\"note-0\"}".into(),
    }
}

/// A report over `sessions` sessions, counted from zero; the third ran with the isolation switched off.
pub(crate) fn board(sessions: u8) -> BoardReport {
    let uses = |fact: ModelFact, task: &str, engine: &str| ModelUse {
        task: task.into(),
        name: fact.name,
        engine: engine.into(),
        sha256: fact.sha256,
    };
    let session_id = |n: u8| SessionId::from_random([n, 8, 8, 8, 8, 8, 8, 8, 8, 8]);
    let note_id = |n: u8| NoteId::from_random([n, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
    let time = |n: u8, hour: u8| at(&format!("2026-10-{:02}T{hour:02}:01:00.000Z", n % 28 + 1));
    BoardReport {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        from: at("2026-08-01"),
        to: at("2026-11-21"),
        scope: "all clients of the practice".into(),
        emergencies: access::emergencies(),
        verification: Verification {
            verdict: "intact".into(),
            whole: true,
            size: 214,
            root: Digest::of(b"root"),
            signed: true,
            anchored_to: Some("the checkpoint kept beside the keys (214 entries)".into()),
            findings: Vec::new(),
            origin: "provenote/ledger/7f3a9c2e5b1d4f60".into(),
            vkey: VKEY.into(),
        },
        counts: Kind::ALL.iter().zip(0..).map(|(kind, count)| KindCount { kind: *kind, count: count % 7 }).collect(),
        sessions: (0..sessions)
            .map(|n| SessionRow {
                session: session_id(n),
                client: ClientId::from_random([n % 5; 10]),
                time: time(n, 15),
                seq: 30 + u64::from(n) * 9,
                duration_s: (n % 10 != 4).then_some(3012.4),
                source: if n % 5 == 4 { Source::Dictated } else { Source::Recorded },
                consents: if n % 5 == 4 { Vec::new() } else { vec![ConsentId::from_random([n % 5; 10])] },
                // The ninth was dictated, the fourth typed.
                models: match n % 10 {
                    4 => Vec::new(),
                    9 => vec![uses(speech(), "speech", "whisper.cpp 1.8.2")],
                    _ => vec![
                        uses(speech(), "speech", "whisper.cpp 1.8.2"),
                        uses(drafter(), "drafting", "llama.cpp b7000"),
                    ],
                },
                isolation: match n {
                    3 => Some(Isolation::Overridden),
                    n if n % 10 == 4 => None,
                    _ => Some(Isolation::Enforced),
                },
                audio: match n % 5 {
                    4 if n % 10 == 4 => AudioFate::None,
                    2 => AudioFate::Kept { due: at("2026-12-01") },
                    _ => AudioFate::Destroyed { time: time(n, 18), seq: 38 + u64::from(n) * 9 },
                },
            })
            .collect(),
        refused: vec![Refusal {
            seq: 44,
            time: time(3, 9),
            client: ClientId::from_random([2; 10]),
            status: "declined".into(),
            reasons: vec!["the client declined on 2026-10-02".into()],
        }],
        withdrawals: (0..sessions)
            .filter(|n| n % 8 == 1)
            .map(|n| WithdrawalRow {
                seq: 36 + u64::from(n) * 9,
                time: time(n, 17),
                client: ClientId::from_random([n % 5; 10]),
                purposes: if n == 1 { Vec::new() } else { vec![Purpose::AiNotes, Purpose::Training] },
                destroyed: if n == 1 { vec![46, 47] } else { Vec::new() },
            })
            .collect(),
        notes: (0..sessions)
            .map(|n| NoteRow {
                note: note_id(n),
                session: session_id(n),
                format: "SOAP".into(),
                state: [NoteState::Attested, NoteState::Amended, NoteState::Draft][usize::from(n % 3)],
                attested: (n % 3 != 2).then(|| (time(n, 18), 37 + u64::from(n) * 9)),
                edits: u32::from(n % 4),
                warnings: Some(u32::from(n % 2)),
                answered: u32::from(n % 2),
                amendments: u32::from(n % 3 == 1),
            })
            .collect(),
        looks: (0..sessions)
            .map(|n| Look {
                seq: 40 + u64::from(n) * 9,
                time: time(n, 19),
                kind: if n % 2 == 0 { Kind::NoteExported } else { Kind::TranscriptViewed },
                user: UserId::from_random([4; 10]),
                what: if n % 2 == 0 { format!("{} as PDF", note_id(n)) } else { session_id(n).to_string() },
            })
            .collect(),
        destroyed: (0..sessions)
            .filter(|n| n % 5 < 2)
            .map(|n| Destruction {
                seq: 38 + u64::from(n) * 9,
                time: time(n, 18),
                what: format!("recording of {}", session_id(n)),
                why: "recordings are destroyed when the note is attested".into(),
                group: GroupId::from_random([n; 10]),
                receipt: Digest::of(&[n]),
            })
            .collect(),
        vendors: if sessions == 0 { Vec::new() } else { vendors::rows() },
        legal: legal_facts().expect("the bundled file"),
        checkpoint: Some(CHECKPOINT.into()),
    }
}

pub(crate) fn recovery() -> RecoveryKit {
    RecoveryKit {
        practice: "Cedar Street Counseling".into(),
        origin: "provenote/ledger/7f3a9c2e5b1d4f60".into(),
        vkey: VKEY.into(),
        user: UserId::from_random([4; 10]),
        name: "Dana Whitfield".into(),
        code: "7KQ4M-2XN8V-T3P9D-H6RWB-5YJ0C-F1GZS".into(),
        command: "provenote unlock --recovery".into(),
        made: at("2026-11-21T20:00:00.123Z"),
    }
}
