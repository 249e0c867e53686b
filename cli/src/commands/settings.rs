//! `settings`: what the practice has chosen.

use std::process::ExitCode;

use provenote_models::Engine;
use serde_json::json;

use super::Outcome;
use crate::args::Settings;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json, say};

pub(super) fn run(home: &Home, asked: Settings) -> Outcome {
    let settings = match asked {
        Settings::Show => home.opened()?.settings()?,
        Settings::Set { name, value } => {
            let (mut practice, actor) = home.signed_in()?;
            let wanted = match name.as_str() {
                "speech" => Some(Engine::Whisper),
                "voice_activity" => Some(Engine::Vad),
                "drafting" => Some(Engine::Llama),
                _ => None,
            };
            if let Some(engine) = wanted {
                let models = home.model_dir()?;
                for id in value.split(',').map(str::trim) {
                    let entry = models.entry(id).map_err(Failure::could)?;
                    if entry.engine != engine {
                        return Err(Failure::could(format!(
                            "`{id}` is no model for {name}: `provenote model list --json` tells what each is for"
                        )));
                    }
                }
            }
            let settings = practice.configure(&actor, &name, &value)?;
            if settings.allow_no_sandbox {
                say(
                    "Workers may now run without isolation by the operating system. Every form, entry and report says so, and consents given before are stale.",
                );
            }
            settings
        }
    };
    if home.json() {
        print_json(&json!(settings));
    } else {
        for (name, fact) in settings.facts() {
            let value = match fact {
                provenote_ledger::Fact::Text(text) => text,
                provenote_ledger::Fact::Number(number) => number.to_string(),
                provenote_ledger::Fact::Flag(flag) => flag.to_string(),
            };
            print(&format!("{name:18}{value}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}
