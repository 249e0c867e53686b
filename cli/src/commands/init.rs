//! `init`: makes the practice.

use std::process::ExitCode;

use provenote_practice::settings::Settings;
use provenote_practice::setup::PracticeRecord;
use serde_json::json;

use super::{Outcome, can_write, write_new};
use crate::args::Init;
use crate::documents;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, say};

pub(super) fn run(home: &Home, asked: &Init) -> Outcome {
    if let Some(kit) = &asked.recovery_kit {
        can_write(kit)?;
    }
    let record = PracticeRecord {
        name: asked.practice.trim().to_owned(),
        clinician: asked.clinician.trim().to_owned(),
        license: asked.license.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned),
        state: asked.state.clone(),
    };
    let passphrase = home.new_passphrase()?;
    let settings = Settings { drafting: home.drafting_models()?, ..Settings::default() };
    let mut founded = home.found(&record, &settings, passphrase.as_bytes())?;
    // The entry comes before the code is seen.
    founded.practice.recovery_printed(&founded.actor)?;
    let kit = match &asked.recovery_kit {
        None => {
            say(&format!(
                "Recovery code, shown once and kept nowhere. Write it down and keep it apart from this computer:\n\n    {}\n",
                founded.recovery_code.as_str()
            ));
            None
        }
        Some(path) => {
            let pdf = documents::recovery_kit(&record, &founded, home.path()).map_err(Failure::Could)?;
            write_new(path, &pdf)?;
            say(&format!(
                "Recovery kit: {}. Print it, keep it apart from this computer, and delete the file.",
                path.display()
            ));
            Some(path.display().to_string())
        }
    };
    if home.json() {
        print_json(&json!({
            "practice": record.name,
            "clinician": record.clinician,
            "origin": founded.origin,
            "vkey": founded.vkey,
            "user": founded.actor.user(),
            "home": home.path(),
            "recovery_kit": kit,
        }));
    } else {
        print(&format!("Made the practice {} in {}", record.name, home.path().display()));
        print(&format!("  user     {} (owner): {}", founded.actor.user(), record.clinician));
        print(&format!("  log key  {}", founded.vkey));
        print(&format!("  drafting {}", settings.drafting.join(", ")));
        print("Next: provenote client add NAME");
    }
    Ok(ExitCode::SUCCESS)
}
