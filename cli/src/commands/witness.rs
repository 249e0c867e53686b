//! `witness`: others who sign that the ledger only grows, and being one for others.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use provenote_access::Act;
use provenote_ledger::policy::{Policy, Quorum};
use provenote_ledger::proof::prove_consistency;
use provenote_ledger::{CosignerKey, Log, VerifierKey};
use provenote_ledger_files::Alarm;
use provenote_practice::ports::Clock as _;
use provenote_witness::{Call, Folder, Limits, Outcome as Asked, Round, Server, told_to_stop, update_all};
use serde_json::json;

use super::Outcome;
use crate::args::Witness;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json, say};
use crate::surroundings::{SystemClock, SystemEntropy, proxy};

pub(super) fn run(home: &Home, asked: Witness) -> Outcome {
    match asked {
        Witness::Serve { name, listen, folder, log } => serve(home, &name, &listen, &folder, &log),
        Witness::Add { name, vkey, url, quorum } => add(home, &name, &vkey, &url, quorum),
        Witness::Remove { name } => remove(home, &name),
        Witness::Update => update(home),
        Witness::List => list(home),
    }
}

fn seconds() -> u64 {
    u64::try_from(SystemClock.now().millis() / 1000).unwrap_or(0)
}

fn serve(home: &Home, name: &str, listen: &str, folder: &Path, logs: &[String]) -> Outcome {
    let logs = logs.iter().map(|log| log.parse::<VerifierKey>()).collect::<Result<Vec<_>, _>>();
    let logs = logs.map_err(|error| Failure::Usage(format!("--log: {error}")))?;
    let folder = Folder::open(folder, Some(name), &logs, &mut SystemEntropy).map_err(Failure::could)?;
    let server = Server::bind(listen, folder, Arc::new(seconds), Limits::default()).map_err(Failure::could)?;
    if home.json() {
        print_json(&json!({ "address": server.address().to_string(), "vkey": server.key().to_string() }));
    } else {
        print(&format!("Witness at http://{}/", server.address()));
        print(&format!("  vkey  {}", server.key()));
    }
    server.serve(told_to_stop()).map_err(Failure::could)?;
    say("The witness has stopped; what it signed is kept.");
    Ok(ExitCode::SUCCESS)
}

fn add(home: &Home, name: &str, vkey: &str, url: &str, quorum: Option<usize>) -> Outcome {
    let key: CosignerKey = vkey.parse().map_err(|error| Failure::Usage(format!("VKEY: {error}")))?;
    let quorum = quorum.map(Quorum::AtLeast);
    // Checked before the entry says that it is so.
    let policy = home.policy()?.with_witness(name, &key, Some(url), quorum).map_err(Failure::could)?;
    if !provenote_witness::client::is_address(url) {
        return Err(Failure::Usage(format!("{url} is no address: it begins with http:// or https://")));
    }
    let (mut practice, actor) = home.signed_in()?;
    let seq = practice.witness_added(&actor, name, vkey, url)?;
    home.keep_policy(&policy)?;
    if home.json() {
        print_json(
            &json!({ "witness": name, "vkey": vkey, "url": url, "quorum": policy.quorum_in_words(), "seq": seq, "file": home.policy_file() }),
        );
    } else {
        print(&format!("Added the witness {name} (entry {seq}); {}", policy.quorum_in_words()));
        print(&format!("  kept in {}", home.policy_file().display()));
        print("Next: provenote witness update");
    }
    Ok(ExitCode::SUCCESS)
}

fn remove(home: &Home, name: &str) -> Outcome {
    let (mut practice, actor) = home.signed_in_despite_alarm()?;
    practice.allow_at_all(&actor, Act::Configure)?;
    let policy = home.policy()?.without_witness(name).map_err(Failure::could)?;
    let anchors = home.anchors()?;
    let broken = |error: std::io::Error| home.broken("keys/anchors", &error);
    let alarm = anchors.alarm().map_err(broken)?.filter(|alarm| alarm.witness == name);
    let seq = practice.witness_removed(&actor, name, alarm.as_ref().map(|alarm| alarm.size))?;
    home.keep_policy(&policy)?;
    if alarm.is_some() {
        anchors.clear_alarm().map_err(broken)?;
    }
    if home.json() {
        print_json(&json!({ "removed": name, "seq": seq, "alarm_cleared": alarm.is_some() }));
    } else {
        print(&format!("The witness {name} is no longer asked (entry {seq}); {}", policy.quorum_in_words()));
        if alarm.is_some() {
            print(
                "  Its alarm is cleared. What it signed stays what it is: whoever asks it will hear of a longer ledger.",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks every witness. An alarm stays until a later round finds none.
pub(super) fn ask_log(home: &Home, log: &Log, policy: &Policy) -> Result<Round, Failure> {
    let keys: Vec<VerifierKey> = log.epochs().iter().map(|epoch| epoch.key.clone()).collect();
    let mut standings = home.standings()?;
    let proxy = policy.witnesses().iter().find_map(|witness| witness.url.as_deref().and_then(proxy));
    let call = Call { proxy: proxy.as_deref(), ..Call::at(seconds()) };
    let round = loop {
        let note = home.cosigned(log.checkpoint().map_err(Failure::could)?)?;
        let asking = provenote_witness::client::Log { note: &note, keys: &keys };
        let mut prove = |old, new| prove_consistency(log.store(), old, new);
        let round = update_all(policy, &asking, &mut standings, &mut prove, &call).map_err(Failure::could)?;
        // Another process may have appended and asked meanwhile. A witness alarms that knows more than is here now.
        let now = log.size().map_err(Failure::could)?;
        let overtaken =
            |outcome: &Asked| matches!(outcome, Asked::RollbackAlarm { their_size, .. } if *their_size <= now);
        if !round.alarms().any(|(_, outcome)| overtaken(outcome)) {
            break round;
        }
    };
    // Of the checkpoint that was asked about: another process may have appended since.
    let size = round.size;
    let anchors = home.anchors()?;
    let broken = |error: std::io::Error| home.broken("keys/anchors", &error);
    if round.outcomes.iter().any(|(_, outcome)| matches!(outcome, Asked::Cosigned { .. })) {
        anchors.keep_note(size, &round.note).map_err(broken)?;
    }
    home.keep_standings(&standings)?;
    for (name, outcome) in round.alarms() {
        let (alarm, seen) = match outcome {
            Asked::RollbackAlarm { their_size, evidence } => (*their_size, evidence),
            // However long this ledger grows, it stays another one.
            Asked::ForkAlarm { evidence, .. } => (u64::MAX, evidence),
            _ => continue,
        };
        anchors.raise_alarm(&Alarm { size: alarm, witness: name.clone() }).map_err(broken)?;
        if let (Some(seen), Asked::RollbackAlarm { their_size, .. } | Asked::ForkAlarm { their_size, .. }) =
            (seen, outcome)
            && anchors.note(*their_size).map_err(broken)?.is_none()
        {
            anchors.keep_note(*their_size, seen).map_err(broken)?;
        }
    }
    let raised = anchors.alarm().map_err(broken)?;
    if let Some(raised) = raised
        && round
            .outcomes
            .iter()
            .any(|(name, outcome)| *name == raised.witness && matches!(outcome, Asked::Cosigned { .. }))
    {
        anchors.clear_alarm().map_err(broken)?;
    }
    Ok(round)
}

fn update(home: &Home) -> Outcome {
    let policy = home.policy()?;
    if policy.witnesses().is_empty() {
        return Err(Failure::could("no witness is known: add one with `provenote witness add NAME VKEY ADDRESS`"));
    }
    let practice = home.opened_despite_alarm()?;
    let round = ask_log(home, practice.log(), &policy)?;
    let code = match (&round.agreed, round.alarms().next().is_some()) {
        (_, true) => ExitCode::from(FINDINGS),
        (Ok(_), false) => ExitCode::SUCCESS,
        (Err(_), false) => ExitCode::FAILURE,
    };
    if home.json() {
        let witnesses: Vec<_> = round
            .outcomes
            .iter()
            .map(|(name, outcome)| {
                let (word, time) = match outcome {
                    Asked::Cosigned { time, .. } => ("cosigned", Some(*time)),
                    Asked::RollbackAlarm { .. } => ("rollback_alarm", None),
                    Asked::ForkAlarm { .. } => ("fork_alarm", None),
                    Asked::Unreachable { .. } => ("unreachable", None),
                    Asked::Unknown => ("unknown", None),
                    Asked::Nonsense { .. } => ("nonsense", None),
                };
                json!({ "name": name, "outcome": word, "time": time, "detail": outcome.sentence(name) })
            })
            .collect();
        print_json(&json!({
            "size": round.size, "witnesses": witnesses, "agreed": round.agreed.is_ok(), "quorum": policy.quorum_in_words(),
            "detail": round.agreed.as_ref().err().map(ToString::to_string),
        }));
        return Ok(code);
    }
    for (name, outcome) in &round.outcomes {
        let line = outcome.sentence(name);
        if outcome.is_alarm() { say(&format!("ALARM: {line}")) } else { print(&line) }
    }
    match &round.agreed {
        Ok(agreed) => print(&format!(
            "{} witnesses signed for {} entries: that is enough ({})",
            agreed.len(),
            round.size,
            policy.quorum_in_words()
        )),
        Err(why) => print(&format!("Not enough witnesses signed for {} entries: {why}", round.size)),
    }
    Ok(code)
}

fn list(home: &Home) -> Outcome {
    let policy = home.policy()?;
    let standings = home.standings()?;
    let rows: Vec<_> =
        policy.witnesses().iter().map(|witness| (witness, standings.with(&witness.key.to_string()))).collect();
    if home.json() {
        let rows: Vec<_> = rows.iter().map(|(witness, standing)| json!({
            "name": witness.name, "vkey": witness.key.to_string(), "url": witness.url, "size": standing.size, "time": standing.time,
            "pending": standing.pending.as_ref().map(|pending| json!({ "size": pending.size, "since": pending.since, "why": pending.why })),
        })).collect();
        print_json(&json!({ "witnesses": rows, "quorum": policy.quorum_in_words() }));
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        print("No witness is asked: add one with `provenote witness add NAME VKEY ADDRESS`.");
    }
    for (witness, standing) in rows {
        let last = if standing.size == 0 {
            "never signed".to_owned()
        } else {
            format!("last signed for {} entries", standing.size)
        };
        print(&format!("{:16} {last}  {}", witness.name, witness.url.as_deref().unwrap_or("(no address)")));
        if let Some(pending) = standing.pending {
            print(&format!("  wanted: {}", pending.why));
        }
    }
    Ok(ExitCode::SUCCESS)
}
