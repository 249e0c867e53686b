//! `consent`: form, signature, discussion, refusal, withdrawal, status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_practice::consents::{ClientStanding, SignatureTaken};
use serde_json::{Value, json};

use super::{Outcome, can_write, write_new};
use crate::args::Consent;
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, say};

pub(super) fn run(home: &Home, asked: Consent) -> Outcome {
    match asked {
        Consent::Form { client, lang, output } => form(home, &client, &lang, output),
        Consent::Sign { client, participant, typed, drawn, scan, output } => {
            let taken = taken(typed, drawn.as_deref(), scan.as_deref())?;
            sign(home, &client, &participant, taken, output)
        }
        Consent::Discuss { client, participant, summary } => {
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.consent_discuss(&actor, &client, &participant, &summary)?;
            recorded(home, "the discussion", seq)
        }
        Consent::Decline { client, participant, words } => {
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.consent_decline(&actor, &client, &participant, &words)?;
            recorded(home, "the refusal; sessions of this client are not recorded", seq)
        }
        Consent::Revoke { client, participant, words } => {
            let (mut practice, actor) = home.signed_in()?;
            let participant = match participant {
                Some(participant) => participant,
                None => practice.client_named(&actor, &client)?,
            };
            let seq = practice.consent_revoke(&actor, &client, &participant, &words)?;
            recorded(home, "the withdrawal; the gate is closed from now on", seq)
        }
        Consent::Status { client } => status(home, client.as_deref()),
    }
}

fn recorded(home: &Home, what: &str, seq: u64) -> Outcome {
    if home.json() {
        print_json(&json!({ "seq": seq }));
    } else {
        print(&format!("Recorded {what} (entry {seq})"));
    }
    Ok(ExitCode::SUCCESS)
}

fn form(home: &Home, client: &str, lang: &str, output: Option<PathBuf>) -> Outcome {
    if let Some(output) = &output {
        can_write(output)?;
    }
    let (mut practice, actor) = home.signed_in()?;
    let made = practice.consent_form(&actor, client, lang, home.models()?)?;
    let file = output.unwrap_or_else(|| PathBuf::from(format!("consent-{}.pdf", made.form.consent)));
    if is_text(&file) {
        write_new(&file, made.form.text.as_bytes())?;
    } else {
        let pdf = documents::consent_form(&made).map_err(Failure::Could)?;
        practice.consent_printed(&actor, &made.form, false, &pdf)?;
        write_new(&file, &pdf)?;
    }
    if home.json() {
        print_json(&json!({
            "consent": made.form.consent,
            "template": made.form.template,
            "disclosure_digest": made.form.disclosure_digest,
            "text_sha256": made.form.text_sha256,
            "file": file,
            "seq": made.seq,
        }));
    } else {
        print(&format!("Wrote the form {} ({}) to {}", made.form.consent, made.form.template, file.display()));
        print(&format!("  tells the pipeline as set up today, facts {}", made.form.disclosure_digest));
        print(&format!("Next: provenote consent sign {} --participant NAME --typed NAME", made.form.client));
    }
    Ok(ExitCode::SUCCESS)
}

fn is_text(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "md" || ending == "txt")
}

fn taken(typed: Option<String>, drawn: Option<&Path>, scan: Option<&Path>) -> Result<SignatureTaken, Failure> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error| Failure::could(format!("{} could not be read: {error}", path.display())))
    };
    match (typed, drawn, scan) {
        (Some(name), None, None) => Ok(SignatureTaken::Typed(name)),
        (None, Some(png), None) => Ok(SignatureTaken::Drawn(read(png)?)),
        (None, None, Some(pdf)) => Ok(SignatureTaken::Scan(read(pdf)?)),
        _ => Err(Failure::Usage("say how it was signed: one of --typed NAME, --drawn PNG or --scan PDF".to_owned())),
    }
}

fn sign(home: &Home, client: &str, participant: &str, taken: SignatureTaken, output: Option<PathBuf>) -> Outcome {
    if let Some(output) = &output {
        can_write(output)?;
    }
    let (mut practice, actor) = home.signed_in()?;
    let signed = practice.consent_sign(&actor, client, participant, taken, home.models()?)?;
    let file =
        output.unwrap_or_else(|| PathBuf::from(format!("consent-{}-signed-{}.pdf", signed.form.consent, signed.seq)));
    let pdf =
        documents::signed_consent(&signed, practice.log().key().map(ToString::to_string)).map_err(Failure::Could)?;
    practice.consent_printed(&actor, &signed.form, true, &pdf)?;
    write_new(&file, &pdf)?;
    let missing = signed.form.participants.len().saturating_sub(signed.grants.len());
    if home.json() {
        print_json(
            &json!({ "consent": signed.form.consent, "seq": signed.seq, "file": file, "still_to_sign": missing }),
        );
    } else {
        print(&format!("Recorded the signature (entry {}); the copy for the client is {}", signed.seq, file.display()));
        if missing > 0 {
            print(&format!("  {missing} more must sign before a session passes the gate"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn status(home: &Home, client: Option<&str>) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    if let Some(client) = client {
        let found = practice.consent_status(&actor, client, home.models()?)?;
        if home.json() {
            print_json(&shown(&found));
        } else {
            print(&line(&found));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut all = Vec::new();
    for client in practice.list_clients(&actor)? {
        all.push(practice.consent_status(&actor, client.client.as_str(), home.models()?)?);
    }
    if home.json() {
        print_json(&json!({ "clients": all.iter().map(shown).collect::<Vec<_>>() }));
    } else if all.is_empty() {
        say("No clients yet: provenote client add NAME");
    } else {
        all.iter().for_each(|found| print(&line(found)));
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(found: &ClientStanding) -> Value {
    json!({ "client": found.client.client, "status": found.standing.status, "reasons": found.standing.reasons })
}

fn line(found: &ClientStanding) -> String {
    let reasons = found.standing.reasons.join("; ");
    format!(
        "{}  {:10}  {}{}",
        found.client.client,
        found.standing.status.to_string(),
        found.client.name,
        if reasons.is_empty() { String::new() } else { format!(": {reasons}") }
    )
}
