//! `consent export` and `consent import`: consents on their way out and in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use provenote_practice::consents::ExportAs;
use serde_json::json;

use crate::args::ExportForm;
use crate::commands::{Outcome, can_write, write_new};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn export(
    home: &Home,
    client: &str,
    consent: Option<&str>,
    form: ExportForm,
    names: bool,
    output: Option<PathBuf>,
) -> Outcome {
    if let Some(output) = &output {
        can_write(output)?;
    }
    let form = match form {
        ExportForm::Fhir => ExportAs::Fhir,
        ExportForm::Receipt => ExportAs::Receipt,
        ExportForm::Text => ExportAs::Text,
        ExportForm::Html => ExportAs::Html,
    };
    let (mut practice, actor) = home.signed_in()?;
    let exported = practice.consent_export(&actor, client, consent, form, names, home.models()?)?;
    let file = output.unwrap_or_else(|| PathBuf::from(&exported.file_name));
    write_new(&file, &exported.bytes)?;
    if home.json() {
        print_json(&json!({ "file": file, "seq": exported.seq }));
    } else {
        print(&format!("Wrote {} (entry {})", file.display(), exported.seq));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(home: &Home, client: &str, file: &Path) -> Outcome {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", file.display()));
    let bytes = fs::metadata(file).map_err(problem)?.len();
    let most = provenote_consent::fhir::LARGEST;
    if bytes > most as u64 {
        return Err(Failure::could(format!(
            "{} has {bytes} bytes, more than {most}: export one consent at a time",
            file.display()
        )));
    }
    let document = fs::read(file).map_err(problem)?;
    let (mut practice, actor) = home.signed_in()?;
    let imported = practice.consent_import(&actor, client, &document)?;
    if home.json() {
        let listed: Vec<_> = imported
            .consents
            .iter()
            .map(|one| {
                let not: Vec<_> =
                    one.why_not.iter().map(|(purpose, why)| json!({ "purpose": purpose, "why": why })).collect();
                json!({ "id": one.id, "status": one.status, "patient": one.patient, "date": one.date,
                    "would_permit": one.would_permit, "would_not": not })
            })
            .collect();
        print_json(&json!({ "seq": imported.seq, "consents": listed, "opens": imported.opens }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Kept {} consents made elsewhere as evidence (entry {})", imported.consents.len(), imported.seq));
    for one in &imported.consents {
        print(&format!(
            "  {}  {}  {}",
            one.id.as_deref().unwrap_or("without an id"),
            one.status.as_deref().unwrap_or("without a status"),
            one.date.as_deref().unwrap_or("without a date")
        ));
        for purpose in &one.would_permit {
            print(&format!("    would permit {}", provenote_consent::purpose_words(*purpose)));
        }
        for (purpose, why) in &one.why_not {
            print(&format!("    not {}: {}", provenote_consent::purpose_words(*purpose), why.join("; ")));
        }
    }
    print(&format!("  {}", imported.opens));
    Ok(ExitCode::SUCCESS)
}
