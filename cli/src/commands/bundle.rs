//! `bundle`: evidence for a stranger.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use provenote_access::Act;
use provenote_bundle::{BundleReport, Known};
use provenote_ledger::VerifierKey;
use provenote_practice::bundles::{BundleExtras, BundleScope};
use provenote_schemas::{Digest, Time};
use serde_json::json;

use super::{Outcome, can_write, witness, write_new};
use crate::anchors;
use crate::args::{Bundle, BundleCreate};
use crate::documents;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json, say};

/// The longest bundle that is read, in bytes.
const LONGEST: u64 = 4 << 30;

pub(super) fn run(home: &Home, asked: Bundle) -> Outcome {
    match asked {
        Bundle::Create(asked) => create(home, asked),
        Bundle::Verify { file, anchor, vkey } => verify(home, &file, &anchor, vkey.as_deref()),
    }
}

fn create(home: &Home, asked: BundleCreate) -> Outcome {
    can_write(&asked.output)?;
    let BundleCreate { client, session, note, period, output, withhold, anchor } = asked;
    let scope = match (client, session, note, period) {
        (Some(client), ..) => BundleScope::Client(client),
        (_, Some(session), ..) => BundleScope::Session(session),
        (_, _, Some(note), _) => BundleScope::Note(note),
        (.., Some(period)) => days(&period)?,
        _ => {
            return Err(Failure::Usage(
                "say what the bundle is of: --client, --session, --note or --period".to_owned(),
            ));
        }
    };
    let mut earlier = Vec::new();
    for anchor in &anchor {
        earlier.extend(anchors::read(anchor)?);
    }
    let policy = home.policy()?;
    let (mut practice, actor) = home.signed_in()?;
    practice.allow_at_all(&actor, Act::MakeBundle)?;
    let plan = practice.bundle_plan(&actor, &scope, &withhold)?;
    let record = practice.record(&actor)?;
    let vkey = practice.log().epochs().last().map(|epoch| epoch.key.to_string()).unwrap_or_default();
    let paper = documents::evidence(&record, &plan, &vkey, practice.now()).map_err(Failure::Could)?;
    let extras = BundleExtras {
        report: Some(paper),
        policy: (!policy.witnesses().is_empty()).then(|| policy.to_string()),
        anchors: earlier,
    };
    let made = practice.bundle_create(&actor, &plan, extras, |log, checkpoint| {
        if policy.witnesses().is_empty() {
            return Ok(checkpoint.to_owned());
        }
        let round = witness::ask_log(home, log, &policy).map_err(|failure| failure.to_string())?;
        for (name, outcome) in &round.outcomes {
            say(&outcome.sentence(name));
        }
        home.cosigned(checkpoint.to_owned()).map_err(|failure| failure.to_string())
    })?;
    write_new(&output, &made.bytes)?;
    let sha256 = Digest::of(&made.bytes);
    if home.json() {
        print_json(&json!({
            "file": output, "sha256": sha256, "seq": made.seq, "manifest": made.manifest.to_string(), "bytes": made.bytes.len(),
            "entries": plan.entries().len(), "disclosed": plan.disclosed().len(), "withheld": plan.withheld().len(),
            "left_out": plan.left_out().len(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Wrote the bundle to {} (entry {})", output.display(), made.seq));
    print(&format!(
        "  {} entries, {} texts shown, {} held back",
        plan.entries().len(),
        plan.disclosed().len(),
        plan.withheld().len()
    ));
    for held in plan.withheld() {
        print(&format!("  held back: {} of entry {}: {}", held.name, held.seq, held.why));
    }
    for left in plan.left_out() {
        print(&format!("  left out: entry {}: {}", left.seq, left.why));
    }
    print(&format!("  SHA-256 {sha256}"));
    print(
        "The bundle shows what it shows in the clear: hand it over as you would a chart. Its receiver opens verify.html from it in a browser.",
    );
    Ok(ExitCode::SUCCESS)
}

/// `FROM..TO`, days or moments, both included.
fn days(period: &str) -> Result<BundleScope, Failure> {
    let usage = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("--period {period}: {why}; write FROM..TO, such as 2026-01-01..2026-06-30"))
    };
    let (from, to) = period.split_once("..").ok_or_else(|| usage(&"there are no two dots"))?;
    let parse = |text: &str| Time::parse(text).map_err(|error| usage(&error));
    let (first, last) = (parse(from)?, parse(to)?);
    // A day includes all of itself.
    let last = if to.len() == 10 { last.plus_seconds(86_400 - 1) } else { last };
    if last < first {
        return Err(usage(&"it ends before it begins"));
    }
    Ok(BundleScope::Period { from: first, to: last })
}

fn verify(home: &Home, file: &Path, anchor: &[String], vkey: Option<&str>) -> Outcome {
    let problem = |error: std::io::Error| Failure::could(format!("{} could not be read: {error}", file.display()));
    let mut anchors_given = Vec::new();
    for anchor in anchor {
        anchors_given.extend(anchors::read(anchor)?);
    }
    let vkey = vkey.map(str::parse::<VerifierKey>).transpose();
    let vkey = vkey.map_err(|error| Failure::Usage(format!("--vkey: {error}")))?;
    let opened = fs::File::open(file).map_err(problem)?;
    if opened.metadata().map_err(problem)?.len() > LONGEST {
        return Err(Failure::could(format!("{} is longer than a bundle can be", file.display())));
    }
    let mut bytes = Vec::new();
    opened.take(LONGEST).read_to_end(&mut bytes).map_err(problem)?;
    let report =
        provenote_bundle::verify(&bytes, &Known { vkey: vkey.as_ref(), anchors: &anchors_given, policy: None });
    if home.json() {
        print_json(&serde_json::to_value(&report).map_err(Failure::could)?);
    } else {
        print(&told(&report));
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn told(report: &BundleReport) -> String {
    let mut lines = Vec::new();
    let size = report.size.map_or_else(String::new, |size| format!(", in a ledger of {size}"));
    lines.push(format!("{}: {} entries{size}", crate::screen::word(&report.verdict), report.entries));
    if let Some(scope) = &report.scope {
        lines.push(format!("of {scope}, made {}", report.created.as_deref().unwrap_or("at an unknown time")));
    }
    lines.push(format!(
        "{} texts shown and as they were recorded, {} held back, {} of them destroyed",
        report.disclosed, report.withheld, report.destroyed
    ));
    if let Some(anchor) = report.anchored_to {
        lines.push(format!("it continues the ledger of {anchor} entries that your checkpoint shows"));
    }
    for cosigned in &report.cosigned {
        let time = Time::from_millis(i64::try_from(cosigned.seconds).unwrap_or(0).saturating_mul(1000));
        lines.push(format!("the witness {} signed for it at {time}", cosigned.witness));
    }
    for finding in &report.findings {
        let place = finding.seq.map_or_else(String::new, |seq| format!("entry {seq}: "));
        lines.push(format!("! {place}{}", finding.detail));
    }
    lines.extend(report.vkeys.iter().map(|vkey| format!("key {vkey}")));
    lines.extend(report.notes.iter().map(|note| format!("- {note}")));
    lines.push("What it cannot show:".to_owned());
    lines.extend(report.cannot_show.iter().map(|line| format!("- {line}")));
    lines.join("\n")
}
