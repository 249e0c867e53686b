//! `model`: the catalogue, by digest.

use std::ops::ControlFlow;
use std::process::ExitCode;

use provenote_access::Act;
use provenote_models::{Condition, Description, Keep, Listed, Pull};
use provenote_practice::{Actor, Practice};
use serde_json::json;

use super::Outcome;
use crate::args::Model;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{Bars, print, print_json};

pub(super) fn run(home: &Home, asked: Model) -> Outcome {
    let mut models = home.model_dir()?;
    // Whoever cannot sign in, or may not, changes nothing.
    let mut desk = match &asked {
        Model::Add { .. } | Model::Pull { .. } => home.signed_in_if_practice()?,
        Model::List | Model::Check => None,
    };
    if let Some((practice, actor)) = &mut desk {
        practice.allow_at_all(actor, Act::ManageModels)?;
    }
    let mut bars = Bars::new(home.json());
    match asked {
        Model::List => {
            let rows: Vec<_> = models.list();
            if home.json() {
                let rows: Vec<_> = rows
                    .iter()
                    .map(|(entry, listed)| {
                        json!({
                            "id": entry.id, "name": entry.name, "maker": entry.maker, "licence": entry.licence, "engine": entry.engine,
                            "sha256": entry.sha256, "bytes": entry.bytes, "present": matches!(listed, Listed::Present(_)),
                        })
                    })
                    .collect();
                print_json(&json!({ "models": rows }));
            } else {
                for (entry, listed) in rows {
                    let here = match listed {
                        Listed::Present(_) => "here",
                        Listed::WrongLength(..) => "broken",
                        Listed::Missing => "-",
                    };
                    print(&format!(
                        "{:20} {here:7} {:>6} MB  {} ({}, {})",
                        entry.id,
                        entry.bytes / 1_000_000,
                        entry.name,
                        entry.maker,
                        entry.licence
                    ));
                }
            }
        }
        Model::Add { file, id, name, maker, licence, in_place } => {
            let length = std::fs::metadata(&file).map_or(0, |data| data.len());
            let description = Description { id, name, maker, licence, note: None };
            let keep = if in_place { Keep::There } else { Keep::Here };
            let added =
                models.add(&file, &description, keep, &mut |seen| bars.show("reading the model", share(seen, length)));
            bars.end();
            let entry = added.map_err(|error| Failure::could(format!("{}: {error}", file.display())))?;
            recorded(desk, &entry)?;
            shown(home, "Added", &entry);
        }
        Model::Pull { id, url, sha256, name, maker, licence } => {
            let sha256 = sha256.map(|text| text.parse()).transpose().map_err(Failure::could)?;
            let description = Description { id: Some(id.clone()), name, maker, licence, note: None };
            let pull = Pull { id, url, sha256, description, proxy: None };
            let pulled = models.pull(&pull, &mut |at| {
                bars.show("fetching the model", at.total.map_or(0.0, |total| share(at.done, total)));
                ControlFlow::Continue(())
            });
            bars.end();
            let entry = pulled.map_err(Failure::could)?;
            recorded(desk, &entry)?;
            shown(home, "Fetched and proved", &entry);
        }
        Model::Check => {
            let checked = models.check(&mut |id, done, total| bars.show(&format!("reading {id}"), share(done, total)));
            bars.end();
            let wrong = checked
                .iter()
                .any(|model| matches!(model.condition, Condition::Wrong { .. } | Condition::Unreadable(_)));
            let word = |condition: &Condition| match condition {
                Condition::Right => "right".to_owned(),
                Condition::Wrong { found } => format!("WRONG: it is {found}"),
                Condition::Missing => "not on this machine".to_owned(),
                Condition::Unreadable(why) => format!("unreadable: {why}"),
            };
            if home.json() {
                let rows: Vec<_> = checked
                    .iter()
                    .map(|model| json!({ "id": model.id, "ok": matches!(model.condition, Condition::Right), "present": !matches!(model.condition, Condition::Missing), "detail": word(&model.condition) }))
                    .collect();
                print_json(&json!({ "models": rows }));
            } else {
                checked.iter().for_each(|model| print(&format!("{:20} {}", model.id, word(&model.condition))));
            }
            if wrong {
                return Ok(ExitCode::from(FINDINGS));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to the ledger that a model came into the practice's catalogue.
fn recorded(desk: Option<(Practice, Actor)>, entry: &provenote_models::Entry) -> Result<(), Failure> {
    if let Some((mut practice, actor)) = desk {
        practice.model_added(&actor, &entry.id, &entry.sha256)?;
    }
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn share(done: u64, total: u64) -> f32 {
    if total == 0 { 0.0 } else { done as f32 / total as f32 }
}

fn shown(home: &Home, did: &str, entry: &provenote_models::Entry) {
    if home.json() {
        print_json(&json!({ "id": entry.id, "name": entry.name, "sha256": entry.sha256, "bytes": entry.bytes }));
    } else {
        print(&format!("{did} {} ({}), SHA-256 {}", entry.id, entry.name, entry.sha256));
        print(&format!("  to use it: provenote settings set drafting {}", entry.id));
    }
}
