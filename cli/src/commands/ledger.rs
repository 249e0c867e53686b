//! `ledger`: entries, verification, checkpoint, proofs, its key.

mod prove;
mod rotate;
mod timestamp;
mod trail;

use std::path::Path;
use std::process::ExitCode;

use provenote_ledger::{Fact, Finding, FindingKind, Header, Verdict};
use provenote_practice::astray::Astray;
use provenote_practice::ledger_views::Shown;
use provenote_schemas::Time;
use serde_json::{Value, json};

use super::Outcome;
use crate::anchors;
use crate::args::Ledger;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Ledger) -> Outcome {
    match asked {
        Ledger::Log(asked) => trail::log(home, &asked),
        Ledger::Export(asked) => trail::export(home, &asked),
        Ledger::Show { seq } => show(home, seq),
        Ledger::Verify { archive: Some(file), vkey, .. } => trail::archive(home, &file, vkey.as_deref()),
        Ledger::Verify { anchor, authority, .. } => verify(home, &anchor, authority.as_deref()),
        Ledger::Prove { seq, output, grown_from: None } => prove::inclusion(home, seq, output.as_deref()),
        Ledger::Prove { seq, output, grown_from: Some(old) } => prove::consistency(home, old, seq, output.as_deref()),
        Ledger::RotateKey { compromised, anchor } => rotate::run(home, compromised, &anchor),
        Ledger::Timestamp { tsa, authority } => timestamp::run(home, &tsa, authority.as_deref()),
        Ledger::Checkpoint => {
            let checkpoint = home.opened()?.log().checkpoint().map_err(Failure::could)?;
            if home.json() {
                print_json(&json!({ "checkpoint": checkpoint }));
            } else {
                print(checkpoint.trim_end_matches('\n'));
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn fact(fact: &Fact) -> Value {
    match fact {
        Fact::Text(text) => json!(text),
        Fact::Number(number) => json!(number),
        Fact::Flag(flag) => json!(flag),
    }
}

fn shown(header: &Header) -> Value {
    let facts: serde_json::Map<String, Value> =
        header.facts.iter().map(|(name, value)| (name.clone(), fact(value))).collect();
    let payloads: Vec<_> = header
        .payloads
        .iter()
        .map(|payload| {
            json!({
                "name": payload.name, "class": payload.class, "scope": payload.scope, "group": payload.group, "media_type": payload.media_type,
                "padded_length": payload.padded_length, "ciphertext": payload.ciphertext.to_string(), "commitment": payload.commitment.to_string(),
            })
        })
        .collect();
    json!({
        "seq": header.seq, "time": Time::from_millis(header.time), "prev": header.prev.to_string(), "actor": header.actor, "kind": header.kind,
        "refs": header.refs, "facts": facts, "payloads": payloads,
    })
}

fn show(home: &Home, seq: u64) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    let (header, payloads) = practice.ledger_show(&actor, seq)?;
    let opened: serde_json::Map<String, Value> = payloads
        .into_iter()
        .map(|(name, shown)| {
            let value = match shown {
                Shown::Bytes(bytes) => match serde_json::from_slice::<Value>(&bytes) {
                    Ok(value) => value,
                    Err(_) => String::from_utf8(bytes).map_or_else(
                        |error| json!(format!("{} bytes that are no text", error.as_bytes().len())),
                        |text| json!(text),
                    ),
                },
                Shown::Withheld(why) => json!({ "withheld": why }),
            };
            (name, value)
        })
        .collect();
    let mut value = shown(&header);
    value["opened"] = Value::Object(opened);
    print_json(&value);
    Ok(ExitCode::SUCCESS)
}

fn verify(home: &Home, given: &[String], authority: Option<&Path>) -> Outcome {
    let anchors = anchors::given(given)?;
    let authorities = home.authorities(authority)?;
    let mut report = home.verify_closed(&anchors)?;
    let stamps = timestamp::check_kept(home, &authorities, &mut report)?;
    let astray = match home.keys_astray() {
        // A ledger that cannot be read has findings already, which say where.
        Err(_) if !report.findings.is_empty() => Vec::new(),
        looked => looked?,
    };
    for Astray { file, detail } in astray {
        let detail = format!("the key file keys/{file} {detail}");
        report.findings.push(Finding { kind: FindingKind::KeyAstray, seq: None, detail });
        if report.verdict == Verdict::Intact {
            report.verdict = Verdict::Altered;
        }
    }
    if home.json() {
        let mut value = serde_json::to_value(&report).unwrap_or_default();
        value["timestamps"] = json!(stamps);
        print_json(&value);
    } else {
        print(&crate::home::told(&report));
        for stamp in &stamps {
            print(&stamp.told());
        }
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}
