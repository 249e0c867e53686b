//! `consent form` and `consent amend`: what is put before people.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_consent::{Authorization, Material, Particulars, Shared};
use provenote_practice::consents::{FormMade, FormRequest};
use provenote_practice::{Actor, Practice};
use provenote_templates::{blocks, html_page, plain_text};
use serde_json::{Value, json};

use super::template::shelf;
use crate::args::FormAsked;
use crate::commands::{Outcome, can_write, write_new};
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: FormAsked) -> Outcome {
    if let Some(output) = &asked.output {
        can_write(output)?;
    }
    let particulars = particulars(&asked)?;
    let shelf = shelf(home)?;
    let (mut practice, actor) = home.signed_in()?;
    let request =
        FormRequest { client: &asked.client, template: Some(&asked.template), lang: &asked.lang, particulars };
    let made = practice.consent_form(&actor, &request, &shelf, home.models()?)?;
    let file = written(&mut practice, &actor, &made, asked.output)?;
    if home.json() {
        print_json(&shown(&made, &file));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!(
        "Wrote the form {} ({}, {}) to {}",
        made.form.consent,
        made.form.template,
        made.form.lang,
        file.display()
    ));
    print(&format!("  tells the pipeline as set up today, facts {}", made.form.disclosure_digest));
    print(&format!("Next: provenote consent sign {} --participant NAME --typed NAME", made.form.client));
    Ok(ExitCode::SUCCESS)
}

/// Makes the short forms, each into a file of its own.
pub(super) fn amend(home: &Home, client: &str, output: Option<PathBuf>) -> Outcome {
    if let Some(output) = &output {
        can_write(output)?;
    }
    let shelf = shelf(home)?;
    let (mut practice, actor) = home.signed_in()?;
    let made = practice.consent_amendments(&actor, client, &shelf, home.models()?)?;
    if made.len() > 1 && output.is_some() {
        return Err(Failure::could(format!(
            "{} short forms were made, one for each form that changed: leave -o out, and each gets a file of its own",
            made.len()
        )));
    }
    let mut listed = Vec::new();
    for one in &made {
        let file = written(&mut practice, &actor, one, output.clone())?;
        if !home.json() {
            print(&format!(
                "Wrote the short form {}, which amends {}, to {}",
                one.form.consent,
                one.form.amends.as_ref().map_or_else(String::new, ToString::to_string),
                file.display()
            ));
        }
        listed.push(shown(one, &file));
    }
    if home.json() {
        print_json(&json!({ "forms": listed }));
    } else if made.is_empty() {
        print("Nothing has changed that the signed forms promise to ask again for: no short form is needed.");
    } else {
        print("Next: each who signed signs it too: provenote consent sign CLIENT --participant NAME --typed NAME");
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(made: &FormMade, file: &Path) -> Value {
    json!({
        "consent": made.form.consent,
        "template": made.form.template,
        "lang": made.form.lang,
        "purposes": made.form.purposes,
        "amends": made.form.amends,
        "disclosure_digest": made.form.disclosure_digest,
        "text_sha256": made.form.text_sha256,
        "file": file,
        "seq": made.seq,
    })
}

/// Writes a form as its file's ending says. A PDF that is handed out is an entry first.
fn written(
    practice: &mut Practice,
    actor: &Actor,
    made: &FormMade,
    output: Option<PathBuf>,
) -> Result<PathBuf, Failure> {
    let file = output.unwrap_or_else(|| PathBuf::from(format!("consent-{}.pdf", made.form.consent)));
    let bytes = match file.extension().and_then(std::ffi::OsStr::to_str) {
        Some("md") => made.form.text.clone().into_bytes(),
        Some("txt") => plain_text(&blocks(&made.form.text)).into_bytes(),
        Some("html" | "htm") => html_page(&blocks(&made.form.text), &made.form.lang).into_bytes(),
        _ => {
            let pdf = documents::consent_form(made).map_err(Failure::Could)?;
            practice.consent_printed(actor, &made.form, false, &pdf)?;
            pdf
        }
    };
    write_new(&file, &bytes)?;
    Ok(file)
}

/// What some forms need besides: half of it is refused here, before a form is made of it.
fn particulars(asked: &FormAsked) -> Result<Particulars, Failure> {
    let shared = match (asked.share.is_empty(), asked.with.is_empty(), asked.kept_days) {
        (true, true, None) if !asked.names_removed => None,
        (false, false, Some(kept_days)) => Some(Shared {
            what: asked.share.iter().map(|word| material(word)).collect::<Result<_, _>>()?,
            who: asked.with.clone(),
            kept_days,
            names_removed: asked.names_removed,
        }),
        _ => {
            return Err(Failure::Usage(
                "say all of what is shared: --share WHAT, --with NAME and --kept-days DAYS".to_owned(),
            ));
        }
    };
    let any = asked.information.is_some()
        || asked.purpose.is_some()
        || asked.ends.is_some()
        || asked.care_payment_operations
        || !(asked.source.is_empty() && asked.recipient.is_empty() && asked.intermediary.is_empty());
    let authorization = any.then(|| Authorization {
        information: asked.information.clone().unwrap_or_default(),
        sources: asked.source.clone(),
        recipients: asked.recipient.clone(),
        purpose: asked.purpose.clone().unwrap_or_default(),
        ends: asked.ends.clone(),
        care_payment_operations: asked.care_payment_operations,
        intermediaries: asked.intermediary.clone(),
    });
    Ok(Particulars { shared, authorization, amends: None })
}

fn material(word: &str) -> Result<Material, Failure> {
    match word.trim() {
        "recordings" => Ok(Material::Recordings),
        "transcripts" => Ok(Material::Transcripts),
        "notes" => Ok(Material::Notes),
        other => Err(Failure::Usage(format!(
            "`{}` is nothing to share: say recordings, transcripts or notes",
            other.chars().take(20).collect::<String>()
        ))),
    }
}
