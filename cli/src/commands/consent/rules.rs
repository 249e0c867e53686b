//! `consent rules`: what applies, never without its mark and date. Needs no practice.

use std::process::ExitCode;

use provenote_consent::jurisdictions::{Line, Parties, Topic};
use provenote_consent::{Modality, State, rules_for, rules_of};
use serde_json::json;

use crate::args::RuleAsked;
use crate::commands::Outcome;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, word};

const TOPICS: [(Topic, &str); 6] = [
    (Topic::Recording, "Recording"),
    (Topic::AiNotice, "Notice of AI, and consent to it"),
    (Topic::Prohibition, "What AI may not do"),
    (Topic::MinorConsent, "Minors"),
    (Topic::Majority, "Coming of age"),
    (Topic::Product, "What Provenote does of itself, which is not law"),
];

const NOT_ADVICE: &str = "Facts for the design of this product, each as firm as its mark says; not legal advice.";

pub(super) fn run(home: &Home, asked: &RuleAsked) -> Outcome {
    let state = |text: &str| State::parse(text).map_err(|error| Failure::Usage(error.to_string()));
    let own = state(&asked.state)?;
    let others = asked.with.iter().map(|text| state(text)).collect::<Result<Vec<_>, _>>()?;
    let modality = asked.by.as_deref().map(modality).transpose()?;
    if others.is_empty() && modality.is_none() {
        let lines = rules_of(own);
        if home.json() {
            print_json(&json!({ "state": own, "rules": lines, "note": NOT_ADVICE }));
        } else {
            print(&format!("What is known of {} ({})", own.name(), own.code()));
            told(&lines);
            print(&format!("\n{NOT_ADVICE}"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let people: Vec<Option<State>> = others.into_iter().map(Some).collect();
    let rules = rules_for(Some(own), &people, modality.unwrap_or(Modality::InPerson));
    if home.json() {
        let mut value = serde_json::to_value(&rules).map_err(Failure::could)?;
        value["note"] = json!(NOT_ADVICE);
        print_json(&value);
        return Ok(ExitCode::SUCCESS);
    }
    let states: Vec<&str> = rules.states.iter().flatten().map(|state| state.code()).collect();
    print(&format!("A session {} between {}: the strictest counts", held(rules.modality), states.join(" and ")));
    print(&format!(
        "  recording     {}",
        match rules.parties {
            Parties::AllParty => "everybody has to agree",
            Parties::OneParty => "one of those who speak has to agree; Provenote asks everybody all the same",
        }
    ));
    print(&format!("  of age        at {}", rules.terms.majority));
    print(&format!(
        "  minors alone  {}",
        rules.terms.own_consent_age.map_or_else(
            || "not verified for every state: a guardian is asked".to_owned(),
            |age| format!("from {age}, where the practice has confirmed the rule (`consent_minors_alone`)")
        )
    ));
    print(&format!(
        "  in writing    {}",
        if rules.terms.writing { "asked for, or not verified that it is not" } else { "not asked for" }
    ));
    told(&rules.lines);
    print(&format!("\n{NOT_ADVICE}"));
    Ok(ExitCode::SUCCESS)
}

/// How a session is held, from the command line's word.
pub(in crate::commands) fn modality(text: &str) -> Result<Modality, Failure> {
    Modality::from_word(text).ok_or_else(|| {
        let words: Vec<&str> = Modality::ALL.iter().map(|one| one.as_str()).collect();
        Failure::Usage(format!(
            "`{}` is no way to hold a session: say {}",
            text.chars().take(20).collect::<String>(),
            words.join(", ")
        ))
    })
}

fn held(modality: Modality) -> String {
    match modality {
        Modality::InPerson => "in person".to_owned(),
        other => format!("by {}", word(&other)),
    }
}

fn told(lines: &[Line]) {
    for (topic, title) in TOPICS {
        let mut of_topic = lines.iter().filter(|line| line.topic == topic).peekable();
        if of_topic.peek().is_none() {
            continue;
        }
        print(&format!("\n{title}"));
        for line in of_topic {
            let strictest = if line.strictest { "  [strictest taken] " } else { "  " };
            print(&format!("{strictest}{line}"));
        }
    }
}
