//! `access place`: from which networks and countries people may work.

use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use provenote_access::place::{Countries, Country, MaxMind, Network, Places};
use serde_json::json;

use super::super::Outcome;
use crate::args::Place;
use crate::exit::{FINDINGS, Failure};
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Place) -> Outcome {
    match asked {
        Place::Show => {
            let (practice, _) = home.signed_in()?;
            show(home, &practice.places()?, None)
        }
        Place::Set { networks, country, nowhere: _ } => {
            let places = Places {
                networks: networks.iter().map(|text| network(text)).collect::<Result<_, _>>()?,
                countries: country
                    .iter()
                    .map(|text| Country::parse(text))
                    .collect::<Result<_, _>>()
                    .map_err(Failure::could)?,
            };
            let (mut practice, actor) = home.signed_in()?;
            let seq = practice.set_places(&actor, &places)?;
            show(home, &places, Some(seq))
        }
        Place::Try { address, countries } => try_address(home, address, countries.as_deref()),
    }
}

/// `office=198.51.100.0/24`
fn network(text: &str) -> Result<Network, Failure> {
    let (name, net) = text.split_once('=').ok_or_else(|| {
        Failure::Usage(format!("`{text}` names no network: write NAME=CIDR, such as office=198.51.100.0/24"))
    })?;
    Network::parse(name, net).map_err(Failure::could)
}

fn show(home: &Home, places: &Places, seq: Option<u64>) -> Outcome {
    let networks: Vec<_> = places
        .networks
        .iter()
        .map(|network| json!({ "name": network.name(), "net": network.net().to_string() }))
        .collect();
    let countries: Vec<String> = places.countries.iter().map(ToString::to_string).collect();
    if home.json() {
        print_json(&json!({ "networks": networks, "countries": countries, "seq": seq }));
        return Ok(ExitCode::SUCCESS);
    }
    let entry = seq.map(|seq| format!(" (entry {seq})")).unwrap_or_default();
    if networks.is_empty() && countries.is_empty() {
        print(&format!("Nobody over a network; on the machine itself its key counts{entry}"));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!("Over a network, people are let in from{entry}:"));
    for network in &places.networks {
        print(&format!("  {}  {}", network.name(), network.net()));
    }
    for country in countries {
        print(&format!("  {country}, where a database of countries says so"));
    }
    Ok(ExitCode::SUCCESS)
}

fn try_address(home: &Home, address: IpAddr, file: Option<&Path>) -> Outcome {
    let (practice, actor) = home.signed_in()?;
    let database = file
        .map(|file| {
            let problem = |why: &dyn std::fmt::Display| {
                Failure::could(format!("the database of countries, {}, cannot be used: {why}", file.display()))
            };
            let bytes = std::fs::read(file).map_err(|error| problem(&error))?;
            MaxMind::read(bytes).map_err(|error| problem(&error))
        })
        .transpose()?;
    let tried = practice.try_place(&actor, address, database.as_ref().map(|database| database as &dyn Countries))?;
    if home.json() {
        print_json(&json!({ "address": address, "tried": tried }));
    } else {
        let place = [tried.network.clone(), tried.country.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        match &tried.why {
            None => print(&format!("{address}{place} is let in")),
            Some(why) => print(&format!("{address}{place} is not let in: {why}")),
        }
    }
    Ok(if tried.why.is_none() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}
