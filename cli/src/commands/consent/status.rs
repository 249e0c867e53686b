//! `consent status` and `consent stale`: what is in force, why not, and what to do next.

use std::process::ExitCode;

use provenote_consent::purpose_words;
use provenote_practice::consents::{ClientStanding, SessionAsked};
use serde_json::{Value, json};

use super::rules::modality;
use crate::args::Held;
use crate::commands::Outcome;
use crate::home::Home;
use crate::screen::{Bars, print, print_json, say};

pub(super) fn run(home: &Home, client: Option<&str>, held: &Held) -> Outcome {
    let how = SessionAsked { modality: modality(&held.by)?, present: &held.present };
    let (mut practice, actor) = home.signed_in()?;
    let Some(client) = client else {
        let mut bars = Bars::new(home.json());
        let all =
            practice.consent_overview(&actor, home.models()?, &mut |done, of| bars.count("reading consents", done, of));
        bars.end();
        return table(home, &all?);
    };
    let found = practice.consent_status(&actor, client, &how, home.models()?)?;
    if home.json() {
        print_json(&shown(&found));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{}  {}", found.client.client, found.client.name));
    for line in &found.words {
        print(&format!("  {line}"));
    }
    for one in &found.standing.people {
        let Some(person) = found.client.participants.iter().find(|person| person.id == one.participant) else {
            continue;
        };
        for (purpose, status) in &one.purposes {
            print(&format!(
                "  {:24} {:12} {:36} {}{}",
                person.name,
                person.role.as_str().replace('_', " "),
                purpose_words(*purpose),
                status,
                if one.needed { "" } else { " (not needed: others signed)" }
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Clients whose consent ended by a change.
pub(super) fn stale(home: &Home) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let mut bars = Bars::new(home.json());
    let found =
        practice.consent_stale(&actor, home.models()?, &mut |done, of| bars.count("reading consents", done, of));
    bars.end();
    let found = found?;
    if home.json() {
        print_json(&json!({ "clients": found.iter().map(shown).collect::<Vec<_>>() }));
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        print("No consent is stale: what was agreed to is what is done.");
        return Ok(ExitCode::SUCCESS);
    }
    for one in &found {
        print(&format!("{}  {}", one.client.client, one.client.name));
        for change in &one.standing.changes {
            print(&format!("  changed: {}", change.words));
        }
        if one.standing.changes.is_empty() {
            one.standing.reasons.iter().for_each(|reason| print(&format!("  {reason}")));
        }
        let concerned: Vec<&str> = one
            .standing
            .people
            .iter()
            .filter(|person| person.needed && person.status == provenote_consent::Status::Stale)
            .filter_map(|person| {
                one.client
                    .participants
                    .iter()
                    .find(|other| other.id == person.participant)
                    .map(|other| other.name.as_str())
            })
            .collect();
        print(&format!("  concerns {}", concerned.join(", ")));
    }
    print("Next: provenote consent amend CLIENT makes the short form that tells only what is new");
    Ok(ExitCode::SUCCESS)
}

fn table(home: &Home, all: &[ClientStanding]) -> Outcome {
    if home.json() {
        print_json(&json!({ "clients": all.iter().map(shown).collect::<Vec<_>>() }));
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        say("No clients yet: provenote client add NAME");
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("{:20}  {:10}  {:10}  {:10}  {:24}  next", "client", "status", "since", "until", "name"));
    for one in all {
        let day = |time: Option<provenote_schemas::Time>| time.map_or_else(|| "-".to_owned(), |time| time.date());
        let next = one.next.first().map_or_else(String::new, Clone::clone);
        print(&format!(
            "{:20}  {:10}  {:10}  {:10}  {:24}  {}",
            one.client.client.as_str(),
            one.standing.status.as_str(),
            day(one.standing.since),
            day(one.standing.until),
            one.client.name,
            next
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// As `--json` shows a standing.
pub(in crate::commands) fn shown(found: &ClientStanding) -> Value {
    let standing = &found.standing;
    json!({
        "client": found.client.client,
        "status": standing.status,
        "reasons": standing.reasons,
        "since": standing.since,
        "until": standing.until,
        "purposes": standing.purposes.iter().map(|(purpose, status)| json!({ "purpose": purpose, "status": status })).collect::<Vec<_>>(),
        "people": standing.people,
        "changes": standing.changes,
        "next": standing.next,
    })
}
