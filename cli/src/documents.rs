//! From the use cases' records to printed documents.

pub(crate) mod access;
pub(crate) mod vendors;

use std::path::Path;

use provenote_consent::ParticipantStanding;
use provenote_ledger::Report;
use provenote_pipeline::formats::NoteFormat;
use provenote_practice::board::{BoardRecord, ModelUse};
use provenote_practice::bundles::BundlePlan;
use provenote_practice::consents::{ClientStanding, FormMade, SignedForm};
use provenote_practice::notes::NotePrint;
use provenote_practice::setup::{Founded, PracticeRecord};
use provenote_practice::withdrawal::WithdrawalDone;
use provenote_reports as reports;
use provenote_schemas::disclosure::{Isolation, ModelFact};
use provenote_schemas::people::Client;
use provenote_schemas::{Digest, Kind, Time, canonical};

use crate::screen::word;

fn letterhead(practice: &PracticeRecord) -> reports::Practice {
    reports::Practice {
        name: practice.name.clone(),
        clinician: practice.clinician.clone(),
        license: practice.license.clone(),
        state: Some(practice.state.clone()),
    }
}

fn record_of<T: serde::Serialize>(record: &T) -> Result<String, String> {
    let bytes = canonical(record).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// A form to read and sign.
pub(crate) fn consent_form(made: &FormMade) -> Result<Vec<u8>, String> {
    reports::consent_form(&reports::ConsentDocument {
        practice: letterhead(&made.practice),
        intent: provenote_consent::intent(&made.form.lang).to_owned(),
        grants: Vec::new(),
        capacities: Vec::new(),
        pictures: Vec::new(),
        checkpoint: None,
        vkey: None,
        record_json: record_of(&serde_json::json!({ "form": made.form, "grants": [] }))?,
        receipt_json: None,
        form: made.form.clone(),
    })
    .map_err(|error| error.to_string())
}

/// A form with the signatures under it so far, the key that signed the checkpoint on it, and the receipts.
pub(crate) fn signed_consent(signed: &SignedForm, vkey: Option<String>, receipts: String) -> Result<Vec<u8>, String> {
    let grants: Vec<_> = signed.grants.iter().map(|(grant, _)| grant.clone()).collect();
    let pictures = signed.grants.iter().filter_map(|(_, png)| png.clone()).map(|png| reports::Picture { png });
    reports::consent_form(&reports::ConsentDocument {
        practice: letterhead(&signed.practice),
        intent: provenote_consent::intent(&signed.form.lang).to_owned(),
        capacities: Vec::new(),
        pictures: pictures.collect(),
        checkpoint: Some(signed.checkpoint.clone()),
        vkey,
        record_json: record_of(&serde_json::json!({ "form": signed.form, "grants": grants }))?,
        receipt_json: Some(receipts),
        form: signed.form.clone(),
        grants,
    })
    .map_err(|error| error.to_string())
}

/// The client's copy of a withdrawal, and the key that signed the checkpoint on it.
pub(crate) fn withdrawal(done: &WithdrawalDone, lang: &str, vkey: Option<String>) -> Result<Vec<u8>, String> {
    let person = done.client.participants.iter().find(|person| person.id == done.withdrawal.participant);
    let person = person.ok_or("whoever took consent back does not stand in the client's file")?;
    reports::withdrawal_copy(&reports::WithdrawalCopy {
        practice: letterhead(&done.practice),
        lang: lang.to_owned(),
        client_name: done.client.name.clone(),
        person_name: person.name.clone(),
        role: person.role,
        withdrawal: done.withdrawal.clone(),
        said: (!done.words.is_empty()).then(|| done.words.clone()),
        effects: done.effects.clone(),
        seq: done.seq,
        receipts: done.destroyed.clone(),
        checkpoint: Some(done.checkpoint.clone()),
        vkey,
        record_json: record_of(&serde_json::json!({ "withdrawal": done.withdrawal, "effects": done.effects }))?,
    })
    .map_err(|error| error.to_string())
}

/// Where the consent of every client stands.
pub(crate) fn consents_report(
    practice: &PracticeRecord,
    all: &[ClientStanding],
    names: bool,
    made: Time,
    emergencies: reports::Emergencies,
    checkpoint: String,
) -> Result<Vec<u8>, String> {
    let rows = all.iter().map(|one| reports::ConsentRow {
        client: one.client.client.clone(),
        name: Some(one.client.name.clone()),
        status: one.standing.status,
        since: one.standing.since,
        until: one.standing.until,
        purposes: one.standing.purposes.clone(),
        people: one.standing.people.iter().map(|person| consent_person(&one.client, person)).collect(),
        reasons: one.standing.reasons.clone(),
        next: one.next.clone(),
    });
    reports::consents_report(&reports::ConsentsReport {
        practice: letterhead(practice),
        made,
        names,
        emergencies,
        rows: rows.collect(),
        legal: reports::consents_legal_facts().map_err(|error| error.to_string())?,
        checkpoint: Some(checkpoint),
    })
    .map_err(|error| error.to_string())
}

fn consent_person(client: &Client, person: &ParticipantStanding) -> reports::ConsentPerson {
    let known = client.participants.iter().find(|one| one.id == person.participant);
    reports::ConsentPerson {
        participant: person.participant.clone(),
        name: known.map(|one| one.name.clone()),
        role: person.role,
        status: person.status,
        spoken: person.spoken,
        needed: person.needed,
    }
}

/// The page to lock away.
pub(crate) fn recovery_kit(practice: &PracticeRecord, founded: &Founded, home: &Path) -> Result<Vec<u8>, String> {
    reports::recovery_kit(&reports::RecoveryKit {
        practice: practice.name.clone(),
        origin: founded.origin.clone(),
        vkey: founded.vkey.clone(),
        user: founded.actor.user().clone(),
        name: practice.clinician.clone(),
        code: founded.recovery_code.as_str().to_owned(),
        command: format!("provenote --home {} recover", home.display()),
        made: founded.practice.now(),
    })
    .map_err(|error| error.to_string())
}

/// A model as the worker saw it; its digest is what identifies it.
fn model(used: &ModelUse) -> ModelFact {
    let catalogue = provenote_models::Catalogue::bundled();
    let known = catalogue.models().iter().find(|entry| entry.sha256 == used.sha256);
    ModelFact {
        id: used.model.clone(),
        name: known.map_or_else(|| used.model.clone(), |entry| entry.name.clone()),
        maker: known.map_or_else(|| "not stated".to_owned(), |entry| entry.maker.clone()),
        sha256: used.sha256,
    }
}

fn isolation(isolated: bool) -> Isolation {
    if isolated { Isolation::Enforced } else { Isolation::Overridden }
}

/// An attested note.
pub(crate) fn note(printed: &NotePrint) -> Result<Vec<u8>, String> {
    let NotePrint { practice, client, session_time, view, checkpoint, trace, speech, drafting, template, made } =
        printed;
    let attestation = view.attestation.clone().ok_or("a draft is not printed")?;
    let entries = trace.iter().filter_map(|entry| {
        Some(reports::EntryLine { seq: entry.seq, kind: Kind::from_word(&entry.kind)?, time: entry.time })
    });
    reports::note(&reports::NoteDocument {
        practice: letterhead(practice),
        made: *made,
        note: view.text.clone(),
        format_name: NoteFormat::by_id(&view.text.format)
            .map_or_else(|| view.text.format.clone(), |format| format.name.clone()),
        client_name: client.name.clone(),
        session_time: *session_time,
        attested_by: practice.clinician.clone(),
        amendments: view
            .amendments
            .iter()
            .map(|amendment| reports::Amendment {
                time: amendment.time,
                by: practice.clinician.clone(),
                text: amendment.text.clone(),
            })
            .collect(),
        made_by: match (drafting, speech) {
            (Some(drafting), speech) => reports::MadeBy::Model(reports::Drafting {
                speech: speech.as_ref().map(model),
                model: model(drafting),
                prompt: template.clone(),
                isolation: isolation(drafting.isolated && speech.as_ref().is_none_or(|speech| speech.isolated)),
            }),
            (None, Some(speech)) => {
                reports::MadeBy::Dictation { speech: model(speech), isolation: isolation(speech.isolated) }
            }
            (None, None) => reports::MadeBy::Typing,
        },
        consent_statement: view.text.consent_statement.clone(),
        entries: entries.collect(),
        checkpoint: Some(checkpoint.clone()),
        record_json: record_of(
            &serde_json::json!({ "note": view.text, "attestation": attestation, "amendments": view.amendments }),
        )?,
        attestation,
    })
    .map_err(|error| error.to_string())
}

/// The paper in an evidence bundle.
pub(crate) fn evidence(
    practice: &PracticeRecord,
    plan: &BundlePlan,
    vkey: &str,
    made: Time,
) -> Result<Vec<u8>, String> {
    let entries = plan.entries().iter().filter_map(|entry| {
        let shown = plan.disclosed().iter().filter(|shown| shown.seq == entry.seq).map(|shown| shown.name.clone());
        Some(reports::EvidenceEntry {
            seq: entry.seq,
            time: Time::from_millis(entry.time),
            kind: Kind::from_word(&entry.kind)?,
            user: entry.actor.parse().ok()?,
            shown: shown.collect(),
        })
    });
    reports::evidence_report(&reports::EvidenceReport {
        practice: letterhead(practice),
        made,
        scope: plan.scope().in_words(),
        origin: vkey.split('+').next().unwrap_or_default().to_owned(),
        vkey: vkey.to_owned(),
        entries: entries.collect(),
        withheld: plan
            .withheld()
            .iter()
            .map(|held| reports::EvidenceWithheld {
                seq: held.seq,
                name: held.name.clone(),
                why: held.why.clone(),
                citation: held.citation.clone(),
                verification: held.verification.clone(),
            })
            .collect(),
        left_out: plan.left_out().iter().map(|left| (left.seq, left.why.clone())).collect(),
    })
    .map_err(|error| error.to_string())
}

/// The report for a licensing board.
pub(crate) fn board_report(
    record: &BoardRecord,
    verified: &Report,
    companies: Vec<vendors::VendorKnown>,
    emergencies: reports::Emergencies,
) -> Result<Vec<u8>, String> {
    let task = |engine: &str| if engine == "whisper" { "speech" } else { "drafting" };
    let uses = |models: &[ModelUse]| {
        models
            .iter()
            .map(|used| reports::ModelUse {
                task: task(&used.engine).to_owned(),
                name: model(used).name,
                engine: used.engine_version.clone(),
                sha256: used.sha256,
            })
            .collect()
    };
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    reports::board_report(&reports::BoardReport {
        practice: letterhead(&record.practice),
        made: record.made,
        from: record.from,
        to: record.to,
        scope: "all clients of the practice".to_owned(),
        emergencies,
        verification: verification(record, verified),
        counts: record.kinds.iter().map(|(kind, count)| reports::KindCount { kind: *kind, count: *count }).collect(),
        sessions: record
            .sessions
            .iter()
            .map(|session| reports::SessionRow {
                session: session.session.clone(),
                client: session.client.clone(),
                time: session.added,
                seq: session.seq,
                // What was typed has no length.
                duration_s: session.audio_due.map(|_| session.duration_s),
                source: if session.dictated { reports::Source::Dictated } else { reports::Source::Recorded },
                consents: session.consents.clone(),
                models: uses(&session.models),
                isolation: (!session.models.is_empty())
                    .then(|| isolation(session.models.iter().all(|used| used.isolated))),
                audio: match (session.audio_destroyed, session.audio_due) {
                    (Some((time, seq)), _) => reports::AudioFate::Destroyed { time, seq },
                    (None, Some(due)) => reports::AudioFate::Kept { due },
                    (None, None) => reports::AudioFate::None,
                },
            })
            .collect(),
        vendors: vendors::rows(companies),
        refused: record
            .refusals
            .iter()
            .map(|refusal| reports::Refusal {
                seq: refusal.seq,
                time: refusal.time,
                client: refusal.client.clone(),
                status: refusal.status.clone(),
                reasons: vec![if refusal.of_draft {
                    "a draft was refused".to_owned()
                } else {
                    "a recording was refused and not stored".to_owned()
                }],
            })
            .collect(),
        withdrawals: record
            .withdrawals
            .iter()
            .map(|withdrawal| reports::WithdrawalRow {
                seq: withdrawal.seq,
                time: withdrawal.time,
                client: withdrawal.client.clone(),
                purposes: withdrawal.purposes.clone(),
                destroyed: withdrawal.destroyed.clone(),
            })
            .collect(),
        notes: record
            .notes
            .iter()
            .map(|note| reports::NoteRow {
                note: note.note.clone(),
                session: note.session.clone(),
                format: note.format.clone(),
                state: note.state,
                attested: note.attested,
                edits: count(note.edits),
                warnings: note.warnings.map(count),
                answered: count(note.answers),
                amendments: count(note.amendments),
            })
            .collect(),
        looks: record
            .looks
            .iter()
            .map(|look| reports::Look {
                seq: look.seq,
                time: look.time,
                kind: look.kind,
                user: look.user.clone(),
                what: look.what.clone(),
            })
            .collect(),
        destroyed: record
            .destructions
            .iter()
            .map(|destroyed| reports::Destruction {
                seq: destroyed.seq,
                time: destroyed.time,
                what: {
                    let what = match destroyed.class.as_str() {
                        "audio" => "recording",
                        "working_papers" => "working papers",
                        "client_file" => "client’s file",
                        "notes" => "notes",
                        "claim" => "what a claim needs",
                        "release" => "released text without identifiers",
                        _ => "records",
                    };
                    match &destroyed.record {
                        Some(record) => format!("{what} of {record}"),
                        None => what.to_owned(),
                    }
                },
                why: match destroyed.basis.as_str() {
                    "taken_back" => "the release was taken back".to_owned(),
                    basis => basis.replace('_', " "),
                },
                group: destroyed.group.clone(),
                receipt: destroyed.receipt,
            })
            .collect(),
        legal: reports::legal_facts().map_err(|error| error.to_string())?,
        checkpoint: Some(record.checkpoint.clone()),
    })
    .map_err(|error| error.to_string())
}

fn verification(record: &BoardRecord, verified: &Report) -> reports::Verification {
    reports::Verification {
        verdict: verified.verdict.as_str().to_owned(),
        whole: verified.findings.is_empty(),
        size: verified.size,
        root: Digest(verified.root.0),
        signed: verified.signed,
        anchored_to: verified
            .anchored_to
            .map(|size| format!("the checkpoint kept beside the keys, which covers {size} entries")),
        findings: verified
            .findings
            .iter()
            .map(|finding| reports::Finding {
                kind: word(&finding.kind),
                seq: finding.seq,
                detail: finding.detail.clone(),
            })
            .collect(),
        origin: record.vkey.split('+').next().unwrap_or_default().to_owned(),
        vkey: record.vkey.clone(),
    }
}
