//! `vendor`: companies that get sound or words, and what is known of them.

pub(crate) mod audit;

use std::process::ExitCode;

use provenote_access::Act;
use provenote_schemas::disclosure::VendorFact;
use serde_json::json;

use super::Outcome;
use crate::args::Vendor;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Vendor) -> Outcome {
    match asked {
        Vendor::Agreement(asked) => return audit::agreement(home, &asked),
        Vendor::Questions { asked } => return audit::questions(home, &asked),
        Vendor::Answer(asked) => return audit::answer(home, &asked),
        Vendor::Audit(asked) => return audit::audit(home, &asked),
        Vendor::Add { name, does, place, keeps_days, trains, passes_on_to } => {
            let (mut practice, actor) = home.signed_in()?;
            let trains = trains.map(|word| word == "yes");
            let fact = VendorFact { name, does, place, keeps_days, trains, passes_on_to, terms_worsened: None };
            let (vendor, seq) = practice.add_vendor(&actor, &fact)?;
            if home.json() {
                print_json(&json!({ "vendor": vendor, "seq": seq }));
            } else {
                print(&format!("Recorded {} as {vendor} (entry {seq})", fact.name));
                print("  consents that do not tell of it are stale from now on: provenote consent stale");
                print("Next: provenote consent form CLIENT --template cloud-vendor");
            }
        }
        Vendor::List => {
            let (mut practice, actor) = home.signed_in()?;
            practice.allow_at_all(&actor, Act::ViewConsent)?;
            let vendors = practice.vendors(&actor)?;
            if home.json() {
                let listed: Vec<_> =
                    vendors.iter().map(|(vendor, fact)| json!({ "vendor": vendor, "facts": fact })).collect();
                print_json(&json!({ "vendors": listed }));
            } else if vendors.is_empty() {
                print("No company gets sound or words.");
            } else {
                for (vendor, fact) in vendors {
                    print(&format!("{vendor}  {}: {}", fact.name, fact.does));
                    let said = |text: Option<String>| text.unwrap_or_else(|| "nobody said".to_owned());
                    print(&format!("  where     {}", said(fact.place)));
                    print(&format!("  keeps     {}", said(fact.keeps_days.map(|days| format!("{days} days")))));
                    print(&format!(
                        "  trains    {}",
                        said(fact.trains.map(|trains| if trains { "yes" } else { "no" }.to_owned()))
                    ));
                    if !fact.passes_on_to.is_empty() {
                        print(&format!("  passes on to {}", fact.passes_on_to.join(", ")));
                    }
                }
            }
        }
        Vendor::Remove { vendor } => {
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.remove_vendor(&actor, &vendor)?;
            if home.json() {
                print_json(&json!({ "seq": seq }));
            } else {
                print(&format!("Recorded that it gets nothing any more (entry {seq})"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
