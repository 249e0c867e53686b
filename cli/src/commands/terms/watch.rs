//! Terms that are watched: `track`, `untrack`, `list`, `check`, `settle`, `import`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use provenote_access::Act;
use provenote_fetch::Web;
use provenote_practice::vendors::terms::Because;
use provenote_vendors::terms::{Declaration, TermsType};
use serde_json::{Value, json};

use super::{in_words, is_worse, told};
use crate::args::{Settled, Track};
use crate::commands::{Outcome, read_text};
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::reading::Child;
use crate::screen::{Bars, print, print_json, word};
use crate::surroundings::proxy;

/// The largest declaration, in bytes.
const LARGEST_DECLARATION: u64 = 1 << 20;

pub(super) fn track(home: &Home, asked: &Track) -> Outcome {
    let declaration = declared(asked)?;
    let (mut practice, actor) = home.signed_in()?;
    let tracked = practice.track_terms(&actor, &asked.vendor, &declaration)?;
    if home.json() {
        let listed: Vec<Value> = tracked.iter().map(|(source, seq)| json!({ "source": source, "seq": seq })).collect();
        print_json(&json!({ "tracked": listed }));
    } else {
        for (source, seq) in &tracked {
            print(&format!("Watching {source} (entry {seq})"));
        }
        print("Nothing was fetched yet: provenote terms check");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a source on the command line stands for: a declaration, an address, or a file of the terms themselves.
fn declared(asked: &Track) -> Result<Declaration, Failure> {
    let path = Path::new(&asked.source);
    let is_declaration = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    if is_declaration && !asked.source.contains("://") {
        let text = read_text(path, LARGEST_DECLARATION)?;
        return Declaration::parse(&text).map_err(|error| Failure::could(format!("{}: {error}", path.display())));
    }
    let address = if asked.source.contains("://") {
        asked.source.clone()
    } else {
        let whole = fs::canonicalize(path)
            .map_err(|error| Failure::could(format!("{} could not be read: {error}", path.display())))?;
        whole.into_os_string().into_string().map_err(|_| {
            Failure::could(format!("{}: the path is no UTF-8 text, and only such paths can be kept", path.display()))
        })?
    };
    Declaration::of_page(&asked.vendor, TermsType::new(&asked.kind), &address, asked.select.as_deref())
        .map_err(Failure::could)
}

pub(super) fn untrack(home: &Home, source: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.untrack_terms(&actor, source)?;
    if home.json() {
        print_json(&json!({ "seq": seq }));
    } else {
        print(&format!("Watching it no longer (entry {seq}); the versions that were kept stay"));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(home: &Home, vendor: Option<&str>) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    practice.allow_at_all(&actor, Act::ViewConsent)?;
    let sources = practice.terms_of(&actor, vendor)?;
    if home.json() {
        print_json(&json!({ "sources": sources }));
        return Ok(ExitCode::SUCCESS);
    }
    if sources.is_empty() {
        print("No terms are watched: provenote terms track COMPANY ADDRESS");
    }
    for one in sources {
        print(&format!("{}  {}: {}", one.source, one.vendor, one.terms_type));
        print(&format!("  from      {}", one.address));
        let looked = match (one.last_checked, one.last_outcome) {
            (Some(at), Some(outcome)) => format!("{}: {}", at.date(), outcome_words(&word(&outcome))),
            _ => "not yet: provenote terms check".to_owned(),
        };
        print(&format!("  looked at {looked}"));
        print(&format!("  versions  {}", one.versions));
        if let Some(worsened) = &one.worsened {
            print(&format!("  WORSE     since {}: {}", worsened.on, worsened.what.join("; ")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The network, as this machine reaches it.
fn web() -> Web {
    // One way out for every address: a page that is listed is https, but for servers on this machine.
    Web { proxy: proxy("https://terms.example"), ..Web::default() }
}

/// What a check's outcome means, so that nobody takes "blocked" for "unchanged".
fn outcome_words(outcome: &str) -> String {
    match outcome {
        "first" => "the first version is kept",
        "unchanged" => "the same words",
        "form_only" => "the same words in another form",
        "changed" => "other words",
        "came_back" => "a change was taken back",
        "blocked" => "blocked: what it says now is not known",
        "failed" => "nothing arrived: what it says now is not known",
        other => other,
    }
    .to_owned()
}

pub(super) fn check(home: &Home, vendor: Option<&str>) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let mut bars = Bars::new(home.json());
    let checked = practice.check_terms(&actor, vendor, &web(), &Child, &mut |done, of, label| {
        #[allow(clippy::cast_precision_loss)]
        bars.show(label, if of == 0 { 1.0 } else { done as f32 / of as f32 });
    });
    bars.end();
    let checked = checked?;
    let worse = checked.iter().any(|one| one.diff.as_ref().is_some_and(|diff| is_worse(diff.direction)));
    if home.json() {
        print_json(&json!({ "checked": checked }));
    } else {
        for one in &checked {
            print(&format!(
                "{}: {}, {} (entry {})",
                one.vendor,
                one.terms_type,
                outcome_words(&word(&one.outcome)),
                one.seq
            ));
            print(&format!("  {}", one.address));
            if let Some(why) = &one.why {
                print(&format!("  {why}"));
            }
            if let Some(diff) = one.diff.as_ref().filter(|diff| !diff.changes.is_empty() || diff.caution.is_some()) {
                told(diff, "  ");
            } else if let Some(diff) = &one.diff {
                print(&format!("  {}", in_words(diff.direction)));
            }
            if one.audit_stale {
                print("  the audit of this company is stale: provenote vendor audit");
            }
            if one.consents_stale {
                print("  consents that tell of this company are stale: provenote consent stale");
            }
        }
    }
    Ok(if worse { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

pub(super) fn settle(home: &Home, vendor: &str, because: Settled, words: &str) -> Outcome {
    let because = match because {
        Settled::TakenBack => Because::TakenBack,
        Settled::AgreementForbids => Because::AgreementForbids,
        Settled::Misread => Because::Misread,
    };
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.settle_terms(&actor, vendor, because, words)?;
    if home.json() {
        print_json(&json!({ "seq": seq }));
    } else {
        print(&format!("Recorded why it does not touch clients (entry {seq})"));
        print("  consents from before hold again: provenote consent stale");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(home: &Home, vendor: &str, folder: &Path, service: Option<&str>) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    practice.allow_at_all(&actor, Act::Configure)?;
    let versions = provenote_fetch::history::read(folder, service).map_err(Failure::could)?;
    let mut bars = Bars::new(home.json());
    let imported = practice.import_terms(&actor, vendor, &versions, &Child, &mut |done, of| {
        bars.count("comparing versions", done, of);
    });
    bars.end();
    let imported = imported?;
    if home.json() {
        print_json(&serde_json::to_value(&imported).map_err(Failure::could)?);
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Took over {} versions (entry {})", imported.versions, imported.seq));
    Ok(ExitCode::SUCCESS)
}
