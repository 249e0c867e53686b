//! `client`: files and participants.

use std::process::ExitCode;

use provenote_practice::clients::NewClient;
use provenote_schemas::people::Client as Record;
use serde_json::{Value, json};

use super::Outcome;
use crate::args::Client;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Client) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    match asked {
        Client::Add { name, state, born, guardian, participant } => {
            let client =
                practice.add_client(&actor, &NewClient { name, state, born, guardian, participants: participant })?;
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
            if home.json() {
                print_json(&shown(&client));
            } else {
                print(&format!("{}  {}", client.client, client.name));
                print(&format!("  state {}", client.state));
                if let Some(born) = &client.born {
                    print(&format!("  born  {born}"));
                }
                for person in &client.participants {
                    print(&format!("  {}  {} ({})", person.id, person.name, person.role));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
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
