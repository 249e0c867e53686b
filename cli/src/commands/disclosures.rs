//! `disclosures`: what went outside of a client's records (45 CFR 164.528).

use std::path::Path;
use std::process::ExitCode;

use provenote_practice::trail::DisclosureGiven;
use provenote_schemas::Time;
use provenote_trail::disclosures::{Accounting, Disclosed, exclusion};
use serde_json::json;

use super::{Outcome, can_write, write_new};
use crate::args::{self, DisclosureCommand, DisclosureRecord, Disclosures};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::period;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Disclosures) -> Outcome {
    match asked.command {
        Some(DisclosureCommand::Record(given)) => record(home, &given),
        Some(DisclosureCommand::Show(asked)) => show(home, &asked),
        None => show(home, &asked.asked),
    }
}

fn record(home: &Home, given: &DisclosureRecord) -> Outcome {
    let at = given.date.as_deref().map(Time::parse).transpose().map_err(|error| Failure::Usage(error.to_string()))?;
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.record_disclosure(
        &actor,
        &DisclosureGiven {
            client: &given.client,
            at,
            recipient: &given.to,
            address: given.address.as_deref(),
            description: &given.what,
            purpose: &given.purpose,
            exclusion: given.exclusion.as_deref(),
            of: given.entry,
        },
    )?;
    if home.json() {
        print_json(&json!({ "seq": seq, "exclusion": given.exclusion, "of": given.entry }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Recorded (entry {seq}); to whom, what and what for are sealed"));
    if let Some(one) = given.exclusion.as_deref().and_then(exclusion) {
        print(&format!("  not told to the client: {} ({}; {})", one.says, one.citation, one.verification));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(home: &Home, asked: &args::Accounting) -> Outcome {
    let client = asked.client.as_deref().ok_or_else(|| {
        Failure::Usage("say whose: `provenote disclosures CLIENT`, or `provenote disclosures record --help`".to_owned())
    })?;
    let (from, to) = (period::since(&asked.period)?, period::until(&asked.period)?);
    if let Some(file) = &asked.output {
        can_write(file)?;
    }
    let (mut practice, actor) = home.signed_in()?;
    let made = practice.accounting(&actor, client, from, to)?;
    if home.json() && asked.output.is_none() {
        print_json(&json!(made));
    } else if let Some(file) = &asked.output {
        handed(home, file, &practice.record(&actor)?.name, &made)?;
    } else {
        told(&made).iter().for_each(|line| print(line));
        unsaid(client, &made).iter().for_each(|line| print(line));
    }
    Ok(if made.unsaid.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

/// The file for the client, where nothing is left to be said.
fn handed(home: &Home, file: &Path, practice: &str, made: &Accounting) -> Result<(), Failure> {
    if !made.unsaid.is_empty() {
        let entries: Vec<String> = made.unsaid.iter().map(|one| one.seq.to_string()).collect();
        return Err(Failure::Findings(format!(
            "no file was written: nobody has said to whom {} went; say so with `provenote disclosures record CLIENT --entry N …` first",
            match entries.as_slice() {
                [one] => format!("what entry {one} tells of"),
                _ => format!("what entries {} tell of", entries.join(", ")),
            }
        )));
    }
    let mut lines = vec![practice.to_owned()];
    lines.extend(told(made));
    let text = lines.join("\n") + "\n";
    write_new(file, text.as_bytes())?;
    if home.json() {
        print_json(&json!({ "file": file, "told": made.told.len() }));
    } else {
        print(&format!("Wrote the accounting to {}", file.display()));
    }
    Ok(())
}

/// The accounting in lines.
fn told(made: &Accounting) -> Vec<String> {
    let mut lines = vec![format!("Disclosures from {} to {}", made.from.date(), made.to.date())];
    if made.shortened {
        lines.push("  The accounting reaches six years back from today; what lies before is not told.".to_owned());
    }
    if made.told.is_empty() {
        lines.push("  None that is to be told.".to_owned());
    }
    for one in &made.told {
        lines.push(format!("{}  {}", one.time.date(), to_whom(one)));
        lines.push(format!("    what      {}", one.description));
        lines.push(format!("    what for  {}", one.purpose.as_deref().unwrap_or("not said")));
        lines.push(format!("    recorded  entry {}", one.seq));
    }
    for (code, count) in &made.left_out {
        if let Some(one) = exclusion(code) {
            let times = if *count == 1 { "1 disclosure".to_owned() } else { format!("{count} disclosures") };
            lines.push(format!("Left out: {times} {} ({}; {})", one.says, one.citation, one.verification));
        }
    }
    lines.push(made.rule.clone());
    lines.push("Not legal advice.".to_owned());
    lines
}

fn to_whom(one: &Disclosed) -> String {
    let recipient = one.recipient.as_deref().unwrap_or("not said");
    match &one.address {
        Some(address) => format!("{recipient}, {address}"),
        None => format!("{recipient} (address not known)"),
    }
}

/// What left the records, and of which nobody has said to whom.
fn unsaid(client: &str, made: &Accounting) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &made.unsaid {
        lines.push(format!("! {}  {} (entry {}): nobody has said to whom", one.time.date(), one.description, one.seq));
    }
    if !lines.is_empty() {
        lines.push(format!(
            "Say so before this is handed over: provenote disclosures record {} --entry N --to … --what … --purpose …",
            if client.contains(' ') { format!("\"{client}\"") } else { client.to_owned() }
        ));
    }
    lines
}
