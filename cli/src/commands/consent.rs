//! `consent`: what participants were shown, said and signed.

mod exchange;
mod form;
pub(super) mod rules;
pub(super) mod status;
pub(super) mod template;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_consent::AfterWithdrawal;
use provenote_consent::pictures::check_size;
use provenote_practice::consents::{NoRequest, SignRequest, SignatureTaken};
use provenote_practice::withdrawal::RevokeRequest;
use provenote_practice::{Actor, Practice};
use provenote_schemas::Purpose;
use provenote_schemas::consent::Evidence;
use serde_json::json;

use super::{Outcome, can_write, write_new};
use crate::args::{Consent, Noted};
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Consent) -> Outcome {
    match asked {
        Consent::Form(asked) => form::run(home, *asked),
        Consent::Amend { client, output } => form::amend(home, &client, output),
        Consent::Rules(asked) => rules::run(home, &asked),
        Consent::Template(asked) => template::run(home, &asked),
        Consent::Status { client, held } => status::run(home, client.as_deref(), &held),
        Consent::Stale => status::stale(home),
        Consent::Export { client, consent, form, no_names, output } => {
            exchange::export(home, &client, consent.as_deref(), form, !no_names, output)
        }
        Consent::Import { client, file } => exchange::import(home, &client, &file),
        Consent::Sign { client, participant, consent, typed, drawn, scan, noted, output } => {
            let taken = taken(typed, drawn.as_deref(), scan.as_deref())?;
            let request = SignRequest {
                participant: &participant,
                consent: consent.as_deref(),
                taken,
                evidence: evidence(noted),
            };
            sign(home, &client, request, output)
        }
        Consent::Offer { client, participant, by } => {
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.consent_offer(&actor, &client, &participant, by.as_deref())?;
            recorded(home, "that the form was put before them", seq)
        }
        Consent::Discuss { client, participant, summary, question } => {
            let summary = words(summary)?;
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.consent_discuss(&actor, &client, &participant, &summary, &question)?;
            recorded(home, "the discussion; it opens nothing: a signature does", seq)
        }
        Consent::Verbal { client, participant, summary } => {
            let summary = words(summary)?;
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.consent_spoken(&actor, &client, &participant, &summary, home.models()?)?;
            recorded(
                home,
                "your statement of a spoken yes; it is weaker than a signature, and `consent status` says whether it counts",
                seq,
            )
        }
        Consent::Decline { client, participant, purpose, words: said, no_dictation } => {
            let (said, purposes) = (words(said)?, purposes(&purpose)?);
            let (mut practice, actor) = home.signed_in()?;
            let request = NoRequest { participant: &participant, purposes, words: &said, no_dictation };
            let seq = practice.consent_decline(&actor, &client, &request)?;
            recorded(
                home,
                if no_dictation {
                    "the refusal; write the note by hand: provenote session dictate CLIENT --text FILE"
                } else {
                    "the refusal; afterwards, write or dictate the note: provenote session dictate CLIENT AUDIO"
                },
                seq,
            )
        }
        Consent::Revoke {
            client,
            participant,
            purpose,
            words: said,
            destroy_now,
            keep_until_due,
            dry_run,
            lang,
            output,
        } => {
            let choice = match (destroy_now, keep_until_due) {
                (true, _) => Some(AfterWithdrawal::DestroyNow),
                (_, true) => Some(AfterWithdrawal::KeepUntilDue),
                _ => None,
            };
            let (said, purposes) = (words(said)?, purposes(&purpose)?);
            let lang = provenote_templates::language(&lang).map_err(|error| Failure::Usage(error.to_string()))?;
            if let Some(output) = &output {
                can_write(output)?;
            }
            let (mut practice, actor) = home.signed_in()?;
            let participant = match participant {
                Some(participant) => participant,
                None => practice.client_named(&actor, &client)?,
            };
            let request = RevokeRequest { participant: &participant, purposes, words: &said, choice };
            revoke(home, (practice, actor), &client, &request, dry_run, lang, output)
        }
    }
}

fn recorded(home: &Home, what: &str, seq: u64) -> Outcome {
    if home.json() {
        print_json(&json!({ "seq": seq }));
    } else {
        print(&format!("Recorded (entry {seq}): {what}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Words as given, or from standard input for `-`.
fn words(given: String) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given);
    }
    let mut read = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut read)
        .map_err(|error| Failure::could(format!("standard input could not be read as UTF-8 text: {error}")))?;
    Ok(read.trim().to_owned())
}

fn purposes(given: &[String]) -> Result<BTreeSet<Purpose>, Failure> {
    given
        .iter()
        .map(|word| {
            Purpose::from_word(word).ok_or_else(|| {
                let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
                Failure::Usage(format!(
                    "`{}` is no purpose: there are {}",
                    word.chars().take(40).collect::<String>(),
                    known.join(", ")
                ))
            })
        })
        .collect()
}

fn evidence(noted: Noted) -> Evidence {
    Evidence { device: noted.device, identity: noted.identity, authority: noted.authority }
}

/// Reads a picture or scan; one that is too large is not read at all.
fn read_picture(path: &Path) -> Result<Vec<u8>, Failure> {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", path.display()));
    let bytes = fs::metadata(path).map_err(problem)?.len();
    check_size(bytes).map_err(|error| Failure::could(format!("{}: {error}", path.display())))?;
    fs::read(path).map_err(problem)
}

fn taken(typed: Option<String>, drawn: Option<&Path>, scan: Option<&Path>) -> Result<SignatureTaken, Failure> {
    match (typed, drawn, scan) {
        (Some(name), None, None) => Ok(SignatureTaken::Typed(name)),
        (None, Some(png), None) => Ok(SignatureTaken::Drawn(read_picture(png)?)),
        (None, None, Some(scan)) => Ok(SignatureTaken::Scan(read_picture(scan)?)),
        _ => Err(Failure::Usage("say how it was signed: one of --typed NAME, --drawn PNG or --scan FILE".to_owned())),
    }
}

fn sign(home: &Home, client: &str, request: SignRequest<'_>, output: Option<PathBuf>) -> Outcome {
    if let Some(output) = &output {
        can_write(output)?;
    }
    let (mut practice, actor) = home.signed_in()?;
    let signed = practice.consent_sign(&actor, client, request, home.models()?)?;
    let file =
        output.unwrap_or_else(|| PathBuf::from(format!("consent-{}-signed-{}.pdf", signed.form.consent, signed.seq)));
    let receipts = practice.consent_receipts(&actor, &signed.form, true)?;
    let vkey = practice.log().key().map(ToString::to_string);
    let pdf = documents::signed_consent(&signed, vkey, receipts).map_err(Failure::Could)?;
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
            print(&format!("  not yet signed by {missing} on this form: `provenote consent status` tells who must"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(
    home: &Home,
    (mut practice, actor): (Practice, Actor),
    client: &str,
    request: &RevokeRequest<'_>,
    dry_run: bool,
    lang: &str,
    output: Option<PathBuf>,
) -> Outcome {
    if dry_run {
        let effects = practice.withdrawal_effects(&actor, client, request)?;
        if home.json() {
            print_json(&json!({ "effects": effects }));
        } else {
            print("A withdrawal would do this; nothing is done yet:");
            effects.iter().for_each(|effect| print(&format!("  {}", effect.words())));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let done = practice.consent_revoke(&actor, client, request)?;
    let file = output.unwrap_or_else(|| PathBuf::from(format!("withdrawal-{}.pdf", done.seq)));
    let vkey = practice.log().key().map(ToString::to_string);
    let pdf = documents::withdrawal(&done, lang, vkey).map_err(Failure::Could)?;
    practice.withdrawal_printed(&actor, &done, &pdf)?;
    write_new(&file, &pdf)?;
    if home.json() {
        print_json(&json!({ "seq": done.seq, "effects": done.effects, "receipts": done.destroyed, "file": file }));
    } else {
        print(&format!("Recorded the withdrawal (entry {}); the gate is closed from now on", done.seq));
        done.effects.iter().for_each(|effect| print(&format!("  {}", effect.words())));
        print(&format!("The client's copy is {}", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}
