//! `client`: files and participants.

mod openings;

use std::process::ExitCode;

use provenote_practice::clients::{NewClient, NewPerson};
use provenote_practice::erasure::{ClientReceipt, ErasureReason};
use provenote_practice::views::known::RosterAddition;
use provenote_practice::{Actor, Practice};
use provenote_schemas::people::{Client as Record, ParticipantRole};
use serde_json::{Value, json};

use super::Outcome;
use crate::args::{Client, Joining, Known, Person};
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Client) -> Outcome {
    let (mut practice, actor) = match &asked {
        // What cannot be taken back is not done with keys somebody left unlocked.
        Client::Destroy { .. } => home.signed_in_anew()?,
        _ => home.signed_in()?,
    };
    match asked {
        Client::Add { name, state, born, joining } => {
            let client = practice.add_client(&actor, &NewClient { name, state, born, people: people(joining) })?;
            if home.json() {
                print_json(&shown(&client));
            } else {
                print(&format!("Opened the file of {} as {}", client.name, client.client));
                for person in client.participants.iter().skip(1) {
                    print(&format!("  with {} ({})", person.name, person.role));
                }
                print(&format!("Next: provenote consent form {}", client.client));
            }
        }
        Client::List => {
            let clients = practice.list_clients(&actor)?;
            if home.json() {
                print_json(&json!({ "clients": clients.iter().map(shown).collect::<Vec<_>>() }));
            } else if clients.is_empty() {
                print("No clients yet: provenote client add NAME");
            } else {
                for client in clients {
                    print(&format!("{}  {}  {}", client.client, client.state, client.name));
                }
            }
        }
        Client::Show { client } => {
            let client = practice.show_client(&actor, &client)?;
            let grants = practice.grants_about(&client.client)?;
            if home.json() {
                let mut value = shown(&client);
                value["grants"] = json!(grants);
                print_json(&value);
            } else {
                print(&format!("{}  {}", client.client, client.name));
                print(&format!("  state {}", client.state));
                if let Some(born) = &client.born {
                    print(&format!("  born  {born}"));
                }
                for person in &client.participants {
                    print(&format!("  {}  {} ({})", person.id, person.name, person.role));
                }
                for grant in &grants {
                    print(&format!("  access: {}", super::access::line(grant)));
                }
            }
        }
        Client::Openings { client, output } => openings::run(home, &mut practice, &actor, &client, output.as_deref())?,
        Client::Person(asked) => {
            let (client, what) = match asked {
                Person::Add { client, name, role, born, state, answers_for } => {
                    let role = ParticipantRole::from_word(&role).ok_or_else(|| {
                        let known: Vec<&str> = ParticipantRole::ALL.iter().map(|role| role.as_str()).collect();
                        Failure::Usage(format!(
                            "`{}` is no role: there are {}",
                            role.chars().take(20).collect::<String>(),
                            known.join(", ")
                        ))
                    })?;
                    let person = NewPerson { name, role, born, state, answers_for };
                    (practice.add_person(&actor, &client, &person)?, "joins")
                }
                Person::Remove { client, person } => (practice.remove_person(&actor, &client, &person)?, "leaves"),
            };
            if home.json() {
                print_json(&shown(&client));
            } else {
                print(&format!("Changed the file of {} ({}): somebody {what}", client.name, client.client));
                for person in &client.participants {
                    print(&format!("  {}  {} ({})", person.id, person.name, person.role));
                }
                print(&format!("Next: provenote consent status {}", client.client));
            }
        }
        Client::Know(asked) => know(home, &mut practice, &actor, asked)?,
        Client::Destroy { client, reason, before_retention_ends, yes } => {
            if !yes {
                return Err(Failure::Usage(
                    "this destroys every key of the client's records, and nothing brings them back: give --yes"
                        .to_owned(),
                ));
            }
            let reason = ErasureReason::from_word(&reason)?;
            told(home, &practice.destroy_client(&actor, &client, reason, before_retention_ends)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Adds to the names that texts are cleaned of, or shows them.
fn know(home: &Home, practice: &mut Practice, actor: &Actor, asked: Known) -> Result<(), Failure> {
    let Known { client, nickname, relative, place, employer, forget } = asked;
    let names = |person: &String| person.split('/').map(|name| name.trim().to_owned()).collect();
    let addition = RosterAddition {
        nicknames: nickname,
        people: relative.iter().map(names).collect(),
        places: place,
        employers: employer,
        forget,
    };
    let (known, seq) = if addition == RosterAddition::default() {
        (practice.show_known(actor, &client)?, None)
    } else {
        let (known, seq) = practice.know(actor, &client, &addition)?;
        (known, Some(seq))
    };
    if home.json() {
        let mut value = json!({ "known": known });
        if let Some(seq) = seq {
            value["seq"] = json!(seq);
        }
        print_json(&value);
        return Ok(());
    }
    if let Some(seq) = seq {
        print(&format!("Texts about this client are cleaned of these names from now on (entry {seq})"));
    }
    let people = known.people.iter().map(|names| names.join(" / ")).collect();
    let lists =
        [("nicknames", known.nicknames), ("people", people), ("places", known.places), ("employers", known.employers)];
    if lists.iter().all(|(_, names)| names.is_empty()) {
        print("No names are known beside those in the file: provenote client know CLIENT --relative NAME");
    }
    for (what, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
        print(&format!("  {what}: {}", names.join("; ")));
    }
    Ok(())
}

/// Everybody named beside the client, by role.
fn people(joining: Joining) -> Vec<NewPerson> {
    let by_role = [
        (ParticipantRole::Guardian, joining.guardian),
        (ParticipantRole::Partner, joining.partner),
        (ParticipantRole::Family, joining.family),
        (ParticipantRole::GroupMember, joining.group_member),
        (ParticipantRole::Minor, joining.minor),
        (ParticipantRole::Interpreter, joining.interpreter),
        (ParticipantRole::Observer, joining.observer),
        (ParticipantRole::Supervisor, joining.supervisor),
        (ParticipantRole::Participant, joining.participant),
    ];
    by_role
        .into_iter()
        .flat_map(|(role, names)| names.into_iter().map(move |name| NewPerson { name, role, ..NewPerson::default() }))
        .collect()
}

fn told(home: &Home, destroyed: &ClientReceipt) -> Result<(), Failure> {
    if home.json() {
        print_json(&serde_json::to_value(destroyed).map_err(Failure::could)?);
        return Ok(());
    }
    print(&format!(
        "Destroyed everything of {} ({}; entry {})",
        destroyed.client,
        destroyed.reason.as_str(),
        destroyed.seq
    ));
    for receipt in &destroyed.receipts {
        let what = receipt.class.replace('_', " ");
        print(&format!("  {what}: key and {} bytes of ciphertext (receipt: entry {})", receipt.bytes, receipt.seq));
    }
    print(
        "Copies that left the practice, and backups whose keys are kept elsewhere, are not reached: run `provenote backup create` over each.",
    );
    Ok(())
}

fn shown(client: &Record) -> Value {
    json!({
        "client": client.client,
        "name": client.name,
        "state": client.state,
        "born": client.born,
        "participants": client.participants,
    })
}
