//! `claim`: what a claim for a note needs, and nothing of the note.

use std::process::ExitCode;

use provenote_deidentify::views::{Claim as Needed, Question, rule_of};
use provenote_practice::views::claims::{ClaimChange, ClaimSeen};
use provenote_schemas::note::NoteState;
use serde_json::{Value, json};

use super::{Outcome, read_text};
use crate::args::{Claim, ClaimAsked};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, word};

/// A claim's changes are a handful of lines.
const LARGEST: u64 = 64 * 1024;

pub(super) fn run(home: &Home, asked: Claim) -> Outcome {
    match asked {
        Claim::List => list(home),
        Claim::Show { note } => {
            let (mut practice, actor) = home.signed_in()?;
            let seen = practice.view_claim(&actor, &note)?;
            show(home, &seen);
            Ok(ExitCode::SUCCESS)
        }
        Claim::Change(asked) => change(home, *asked),
    }
}

fn list(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let claims = practice.list_claims(&actor)?;
    if home.json() {
        print_json(&json!({ "claims": claims }));
    } else if claims.is_empty() {
        print("No note whose claim you see.");
    } else {
        for claim in claims {
            let entered =
                claim.changed.map_or_else(|| "nothing entered".to_owned(), |changed| format!("changed {changed}"));
            print(&format!("{}  {}  {entered}", claim.note, word(&claim.state)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn change(home: &Home, asked: ClaimAsked) -> Outcome {
    let note = asked.note.clone();
    let change = wanted(asked)?;
    let (mut practice, actor) = home.signed_in()?;
    let (seen, seq) = practice.change_claim(&actor, &note, &change)?;
    if home.json() {
        let mut value = shown(&seen);
        value["changed"] = json!(seq.is_some());
        print_json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    match seq {
        Some(seq) => print(&format!("Changed the claim for {} (entry {seq})\n", seen.note)),
        None => print("Nothing was changed.\n"),
    }
    print_claim(&seen);
    Ok(ExitCode::SUCCESS)
}

/// What the options and the file say, the options before the file.
fn wanted(asked: ClaimAsked) -> Result<ClaimChange, Failure> {
    let from: ClaimChange = match &asked.from {
        None => ClaimChange::default(),
        Some(file) => serde_json::from_str(&read_text(file, LARGEST)?).map_err(|error| {
            // The message of the parser could repeat what stands there.
            Failure::could(format!(
                "{}, line {}: this is no change of a claim; its keys are those under `claim` of `claim show --json`",
                file.display(),
                error.line()
            ))
        })?,
    };
    let listed = |given: Vec<_>, none: bool| (none || !given.is_empty()).then_some(given);
    let diagnoses = (asked.no_diagnosis || !asked.diagnosis.is_empty()).then_some(asked.diagnosis);
    Ok(ClaimChange {
        client_name: asked.client_name.or(from.client_name),
        birth_date: asked.birth_date.or(from.birth_date),
        address: asked.address.or(from.address),
        policy: asked.policy.or(from.policy),
        service_date: asked.service_date.or(from.service_date),
        place_of_service: asked.place_of_service.or(from.place_of_service),
        codes: listed(asked.cpt, asked.no_cpt).or(from.codes),
        start: asked.start.or(from.start),
        stop: asked.stop.or(from.stop),
        diagnoses: diagnoses.or(from.diagnoses),
        clinician: asked.clinician.or(from.clinician),
        npi: asked.npi.or(from.npi),
        authorization: asked.authorization.or(from.authorization),
        fee_cents: asked.fee.or(from.fee_cents),
        paid_cents: asked.paid.or(from.paid_cents),
    })
}

pub(super) fn show(home: &Home, seen: &ClaimSeen) {
    if home.json() {
        print_json(&shown(seen));
    } else {
        print_claim(seen);
    }
}

fn shown(seen: &ClaimSeen) -> Value {
    json!({
        "view": "claim",
        "note": seen.note,
        "state": seen.state,
        "claim": seen.billing.claim,
        "questions": seen.billing.questions,
        "seq": seen.seq,
    })
}

fn print_claim(seen: &ClaimSeen) {
    print(&format!("Claim for {}, {}", seen.note, word(&seen.state)));
    for (name, value) in lines(&seen.billing.claim) {
        if let Some(value) = value {
            print(&format!("  {name:<18}{value}"));
        }
    }
    if seen.state == NoteState::Draft {
        print("! the note is a draft: nobody answers for it yet, so the claim must not leave");
    }
    for question in &seen.billing.questions {
        print(&format!("! {}", in_words(question)));
    }
}

/// Each entry of a claim under the name people know; none where nothing stands there.
fn lines(claim: &Needed) -> [(&'static str, Option<String>); 15] {
    let dollars = |cents: u64| format!("${}.{:02}", cents / 100, cents % 100);
    let codes: Vec<String> = claim.codes.iter().map(|code| format!("{} × {}", code.code, code.units)).collect();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    [
        ("client", claim.client_name.clone()),
        ("date of birth", claim.birth_date.clone()),
        ("address", claim.address.clone()),
        ("policy", claim.policy.clone()),
        ("date of service", claim.service_date.clone()),
        ("place of service", claim.place_of_service.clone()),
        ("codes", some(codes.join(", "))),
        ("start", claim.start.map(|at| at.to_string())),
        ("stop", claim.stop.map(|at| at.to_string())),
        ("diagnoses", some(claim.diagnoses.join(", "))),
        ("clinician", claim.clinician.clone()),
        ("NPI", claim.npi.clone()),
        ("authorization", claim.authorization.clone()),
        ("fee", claim.fee_cents.map(dollars)),
        ("paid", claim.paid_cents.map(dollars)),
    ]
}

/// What a person should settle, with how the rule behind it was checked.
fn in_words(question: &Question) -> String {
    let checked = |code: &str| rule_of(code).map(|rule| format!(" [{}]", rule.verification)).unwrap_or_default();
    match question {
        Question::TimeDoesNotFit { code, minutes, least, most } => {
            let fits =
                most.map_or_else(|| format!("{least} minutes or more"), |most| format!("{least} to {most} minutes"));
            format!("{code} is for {fits}, and start and stop are {minutes} minutes apart{}", checked(code))
        }
        Question::NoTimes { code } => format!("{code} goes by time: start or stop is not entered{}", checked(code)),
        Question::EndsBeforeItBegins => "the stop is not after the start".to_owned(),
        Question::CodeNotKnown { code } => format!("nothing is known here about {code}: the clinician confirms it"),
        Question::SeveralTimedCodes { codes } => {
            format!("{} go by the time of the same session: one of them is allowed", codes.join(", "))
        }
        Question::Missing { field } => {
            let name = match field.as_str() {
                "client_name" => "the client's name",
                "birth_date" => "the date of birth",
                "service_date" => "the date of service",
                "place_of_service" => "the place of service",
                "codes" => "the codes",
                "diagnoses" => "the diagnoses",
                "clinician" => "the clinician",
                "npi" => "the NPI",
                other => other,
            };
            format!("not entered: {name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use provenote_deidentify::views::billing;

    use super::*;

    #[test]
    fn everything_a_claim_holds_has_a_line_and_everything_missing_a_name() {
        let fields = serde_json::to_value(Needed::default()).expect("JSON");
        assert_eq!(fields.as_object().expect("an object").len(), lines(&Needed::default()).len());
        for question in billing(&Needed::default()).questions {
            assert!(!in_words(&question).contains('_'), "{question:?}");
        }
    }
}
