//! A receipt for whoever signed, in the shape of ISO/IEC TS 27560:2023 (consent record information structure):
//! header, processing, parties, events. Field names follow section 6.3 as the W3C community group's guide to it
//! gives them; the standard itself was not read, so this is its shape and no claim of conformity.

use provenote_schemas::consent::ConsentForm;
use provenote_schemas::disclosure::{DisclosureFacts, Place};
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_schemas::{Purpose, Time};
use serde_json::{Value, json};

use crate::acts::ConsentEvent;
use crate::standing::purpose_words;

/// What the receipt is shaped after, and which version of ours it is.
pub const SCHEMA: &str = "ISO/IEC TS 27560:2023 (shape); provenote-consent-receipt/1";

/// What stands where the practice has nothing on record.
pub const NOT_GIVEN: &str = "not given";

/// The practice, as the receipt names it.
#[derive(Debug, Clone, Copy)]
pub struct Controller<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its address; [`NOT_GIVEN`] where the practice has none on record.
    pub address: &'a str,
    /// How to reach it, to take a consent back among other things; [`NOT_GIVEN`] where nothing is on record.
    pub contact: &'a str,
    /// Two capital letters of its state.
    pub state: &'a str,
}

fn processing(form: &ConsentForm, purpose: Purpose, controller: &Controller<'_>, state: &str) -> Value {
    let facts = &form.facts;
    json!({
        "privacy_notice": { "template": form.template, "text_sha256": form.text_sha256, "disclosure_sha256": form.disclosure_digest },
        "language": form.lang,
        "purpose": purpose_words(purpose),
        "purpose_type": purpose,
        "lawful_basis": "consent",
        "pii_information": pii(purpose),
        "pii_controllers": ["practice"],
        "collection_method": "said in a session",
        "processing_method": methods(facts),
        "storage_locations": storage(facts),
        "retention_period": {
            "recordings": days(facts.retention.audio_days),
            "transcripts": days(facts.retention.transcript_days),
            "prompts_and_outputs": days(facts.retention.prompts_days),
            "drafts": days(facts.retention.drafts_days),
            "signed_notes": format!("P{}Y", facts.retention.note_years),
        },
        "processing_locations": places(facts),
        "geographic_restrictions": null,
        "service": "psychotherapy",
        "jurisdiction": format!("US-{state}"),
        "recipient_third_parties": recipients(facts),
        "withdrawal_method": if controller.contact == NOT_GIVEN {
            "tell the clinician or anybody at the practice, aloud or in writing".to_owned()
        } else {
            format!("tell the clinician, or write to {}", controller.contact)
        },
        "privacy_rights": ["say no", "take consent back at any time, in whole or by purpose", "a copy of what was signed", "complain"],
    })
}

fn pii(purpose: Purpose) -> Value {
    let types: &[&str] = match purpose {
        Purpose::AiNotes | Purpose::TelehealthRecording | Purpose::CloudProcessing => {
            &["voice", "words said in sessions", "notes about health"]
        }
        Purpose::Supervision | Purpose::Training => &["recordings, transcripts or notes"],
        Purpose::Part2Disclosure => &["records on substance use"],
        Purpose::PsychotherapyNotesDisclosure => &["psychotherapy notes"],
    };
    types
        .iter()
        .map(|kind| json!({ "pii_type": kind, "sensitive_pii_category": true, "special_pii_category": "health" }))
        .collect()
}

/// ISO 8601 duration.
fn days(days: u32) -> String {
    format!("P{days}D")
}

fn methods(facts: &DisclosureFacts) -> Vec<String> {
    let model = |what: &str, model: &provenote_schemas::disclosure::ModelFact| {
        format!("{what} with {} by {} (SHA-256 {})", model.name, model.maker, model.sha256)
    };
    let mut out = vec![model("speech to text", &facts.speech)];
    out.extend(facts.voice_activity.iter().map(|one| model("finding speech", one)));
    out.extend(facts.drafting.iter().map(|one| model("drafting a note", one)));
    out
}

fn places(facts: &DisclosureFacts) -> Vec<String> {
    let mut out = vec![
        match facts.place {
            Place::ThisComputer => "the practice's own computer",
            Place::PracticeNetwork => "another computer of the practice, over its own network",
            Place::Cloud => "computers of a company, over the internet",
        }
        .to_owned(),
    ];
    out.extend(facts.vendors.iter().map(|one| format!("{}: {}", one.name, one.place.as_deref().unwrap_or("not told"))));
    out
}

fn storage(facts: &DisclosureFacts) -> Vec<String> {
    let mut out = places(facts);
    out.extend(facts.backups.iter().map(|one| format!("copies: {}", one.place)));
    out
}

fn recipients(facts: &DisclosureFacts) -> Vec<String> {
    let mut out = facts.processors.clone();
    for one in &facts.vendors {
        out.push(format!("{} ({})", one.name, one.does));
        out.extend(one.passes_on_to.iter().map(|on| format!("{on} (from {})", one.name)));
    }
    out
}

fn party(person: &Participant, controller: &Controller<'_>, names: bool) -> Value {
    json!({
        "party_id": person.id,
        "party_name": if names { person.name.as_str() } else { "as in the practice's file" },
        "party_address": "as in the practice's file",
        "party_contact": format!("through {}", controller.name),
        "party_role": person.role,
        "party_type": if person.role == ParticipantRole::Guardian { "representative" } else { "pii_principal" },
    })
}

/// The receipt of one person for one form, from the client's events. Events of other people are left out.
#[must_use]
pub fn receipt(
    form: &ConsentForm,
    person: &Participant,
    events: &[ConsentEvent],
    controller: &Controller<'_>,
    state: &str,
    names: bool,
    now: Time,
) -> Value {
    let practice = json!({
        "party_id": "practice",
        "party_name": controller.name,
        "party_address": controller.address,
        "party_contact": controller.contact,
        "party_role": "pii_controller",
        "party_type": "pii_controller",
        "jurisdiction": format!("US-{}", controller.state),
    });
    let companies =
        form.facts.vendors.iter().map(|one| one.name.as_str()).chain(form.facts.processors.iter().map(String::as_str));
    let others = companies.enumerate().map(|(number, name)| {
        json!({
            "party_id": format!("processor-{}", number + 1),
            "party_name": name,
            "party_address": "not told",
            "party_contact": format!("through {}", controller.name),
            "party_role": "pii_processor",
            "party_type": "recipient",
        })
    });
    let parties: Vec<Value> =
        std::iter::once(practice).chain([party(person, controller, names)]).chain(others).collect();
    json!({
        "schema_version": SCHEMA,
        "receipt_id": format!("{}-{}-{}", form.consent, person.id, now.millis()),
        "issued": now,
        "record": {
            "schema_version": SCHEMA,
            "record_id": form.consent,
            "pii_principal_id": person.id,
            "pii_processing": form.purposes.iter().map(|purpose| processing(form, *purpose, controller, state)).collect::<Vec<_>>(),
            "party_identification": parties,
            "event": events.iter().filter_map(|event| told(form, person, event)).collect::<Vec<_>>(),
        },
    })
}

fn told(form: &ConsentForm, person: &Participant, event: &ConsentEvent) -> Option<Value> {
    let (state, how, who, purposes) = match event {
        ConsentEvent::Requested(made) if made.consent == form.consent => ("requested", "notice", "practice", None),
        ConsentEvent::Offered(offer) if offer.consent == form.consent && offer.participant == person.id => {
            ("requested", "notice", "practice", None)
        }
        ConsentEvent::Granted(grant) if grant.consent == form.consent && grant.participant == person.id => {
            ("given", "explicit", person.id.as_str(), None)
        }
        ConsentEvent::Spoken(verbal) if verbal.consent == form.consent && verbal.participant == person.id => {
            ("given", "spoken, as the clinician states", person.id.as_str(), None)
        }
        ConsentEvent::Declined(refusal) if refusal.participant == person.id => {
            ("refused", "explicit", person.id.as_str(), Some(&refusal.purposes))
        }
        ConsentEvent::Revoked(withdrawal) if withdrawal.participant == person.id => {
            ("withdrawn", "explicit", person.id.as_str(), Some(&withdrawal.purposes))
        }
        _ => return None,
    };
    let mut value = json!({
        "event_time": event.time(),
        "validity_duration": { "from": event.time(), "until": if state == "given" { json!(form.expires) } else { Value::Null } },
        "entity_id": who,
        "event_type": how,
        "event_state": state,
    });
    if let Some(purposes) = purposes.filter(|purposes| !purposes.is_empty()) {
        value["purposes"] = json!(purposes);
    }
    Some(value)
}

#[cfg(test)]
mod tests;
