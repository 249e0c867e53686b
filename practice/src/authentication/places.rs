//! From which networks and countries people may work, in the clear: it is no health information, and whoever holds only the
//! log has to see a rule that lets somebody in.

use std::net::IpAddr;

use provenote_access::Act;
use provenote_access::place::{self, Arrival, Countries, Country, Network, Origin, Places};
use provenote_ledger::{Fact, Header};
use provenote_schemas::Kind;
use serde::Serialize;

use super::devices::joined;
use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

/// What the rule in force says of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceTried {
    /// The name of the network it is in, where the rule names it.
    pub network: Option<String>,
    /// The country that the database tells, ISO 3166-1, two letters.
    pub country: Option<String>,
    /// Why nobody is let in from there; none where somebody is.
    pub why: Option<String>,
}

/// The most networks, and the most countries there are.
const MOST: usize = 300;
/// Countries a fact: a fact holds 128 characters.
const COUNTRIES_A_FACT: usize = 40;

impl Practice {
    /// Says from which networks and countries people may work over a network; the machine itself is always allowed, by its
    /// device's key.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for more networks than an entry holds, or two of one name; where the actor may not.
    pub fn set_places(&mut self, actor: &Actor, places: &Places) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        if places.networks.len() > MOST {
            return Err(PracticeError::BadRequest(format!("an entry holds at most {MOST} networks: name larger ones")));
        }
        let mut names: Vec<&str> = places.networks.iter().map(Network::name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PracticeError::BadRequest(format!(
                "two networks have the name {}: give each its own",
                twice[0]
            )));
        }
        let mut entry = self.entry(actor, Kind::PlaceChanged);
        for (number, network) in places.networks.iter().enumerate() {
            let text = format!("{}={}", network.name(), network.net());
            entry = entry.fact(&format!("network.{number}"), Fact::Text(text));
        }
        let countries: Vec<String> = places.countries.iter().map(ToString::to_string).collect();
        for (number, some) in countries.chunks(COUNTRIES_A_FACT).enumerate() {
            entry = entry.fact(&format!("countries.{number}"), Fact::Text(some.join(",")));
        }
        self.append_one(actor, entry)
    }

    /// Whether somebody would be let in from an address, whatever machine they come with. Nothing is written.
    ///
    /// # Errors
    /// As [`Practice::places`].
    pub fn try_place(
        &self,
        actor: &Actor,
        address: IpAddr,
        countries: Option<&dyn Countries>,
    ) -> Result<PlaceTried, PracticeError> {
        let origin = Origin::Address(address);
        let arrival = Arrival { origin, user: actor.user(), device: None, countries };
        let verdict = place::decide(&self.places()?, &self.devices()?, &arrival);
        let why = (!verdict.place_allowed).then(|| joined(&verdict, origin));
        Ok(PlaceTried { network: verdict.network, country: verdict.country.map(String::from), why })
    }

    /// From which networks and countries people may work.
    ///
    /// # Errors
    /// [`PracticeError::Unreadable`] for an entry that is not understood: nobody is let in by a rule that is not read
    /// whole.
    pub fn places(&self) -> Result<Places, PracticeError> {
        self.headers(Kind::PlaceChanged, &[])?.pop().map_or_else(|| Ok(Places::default()), |header| read(&header))
    }
}

fn read(header: &Header) -> Result<Places, PracticeError> {
    let unreadable = |why: String| PracticeError::Unreadable { seq: header.seq, what: "rule of places", why };
    let mut places = Places::default();
    for (name, fact) in &header.facts {
        let text = fact_text(fact).ok_or_else(|| unreadable(format!("{name} is no text")))?;
        if name.starts_with("network.") {
            let (name, net) = text.split_once('=').ok_or_else(|| unreadable(format!("{name} names no network")))?;
            places.networks.push(Network::parse(name, net).map_err(|error| unreadable(error.to_string()))?);
        } else if name.starts_with("countries.") {
            for country in text.split(',') {
                places.countries.insert(Country::parse(country).map_err(|error| unreadable(error.to_string()))?);
            }
        } else {
            return Err(unreadable(format!("{name} is not known to this program")));
        }
    }
    Ok(places)
}
