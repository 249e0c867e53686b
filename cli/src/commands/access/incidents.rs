//! `access incident`: security incidents (45 CFR 164.308(a)(6)(ii)).

use std::process::ExitCode;

use provenote_practice::trail::{Incident, IncidentStage};
use serde_json::json;

use super::super::Outcome;
use crate::args::{IncidentCommand, IncidentWords};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: IncidentCommand) -> Outcome {
    match asked {
        IncidentCommand::Report(IncidentWords { severity, words }) => {
            let (mut practice, actor) = home.signed_in()?;
            let incident = practice.open_incident(&actor, severity, &words)?;
            told(home, incident, incident, "Opened; what happened is sealed")
        }
        IncidentCommand::Assess { incident, words } => {
            advance(home, incident, IncidentStage::Assessed, &words, "Assessed")
        }
        IncidentCommand::Close { incident, words } => advance(home, incident, IncidentStage::Closed, &words, "Closed"),
        IncidentCommand::List => {
            let (mut practice, actor) = home.signed_in()?;
            let incidents = practice.list_incidents(&actor)?;
            if home.json() {
                print_json(&json!({ "incidents": incidents }));
            } else if incidents.is_empty() {
                print("No incident was recorded.");
            } else {
                incidents.iter().for_each(|incident| print(&line(incident)));
            }
            Ok(ExitCode::SUCCESS)
        }
        IncidentCommand::Show { incident } => {
            let (mut practice, actor) = home.signed_in()?;
            let words = practice.incident_words(&actor, incident)?;
            if home.json() {
                let words: Vec<_> = words.iter().map(|(seq, words)| json!({ "seq": seq, "words": words })).collect();
                print_json(&json!({ "incident": incident, "words": words }));
            } else {
                words.iter().for_each(|(seq, words)| print(&format!("entry {seq}: {words}")));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn advance(home: &Home, incident: u64, stage: IncidentStage, said: &IncidentWords, words: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.advance_incident(&actor, incident, stage, said.severity, &said.words)?;
    told(home, incident, seq, words)
}

fn told(home: &Home, incident: u64, seq: u64, words: &str) -> Outcome {
    if home.json() {
        print_json(&json!({ "incident": incident, "seq": seq }));
    } else {
        print(&format!("{words}: incident {incident} (entry {seq})"));
    }
    Ok(ExitCode::SUCCESS)
}

fn line(incident: &Incident) -> String {
    let entries: Vec<String> = incident.entries.iter().map(u64::to_string).collect();
    format!(
        "{:>6}  {}  {}, {}  entries {}",
        incident.seq,
        incident.opened,
        incident.stage.as_str(),
        incident.severity.as_str(),
        entries.join(", ")
    )
}
