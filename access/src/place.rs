//! From where and on which device: a decision with its reasons in words.
//!
//! On one machine only the device's key counts. Over a network an address has to lie in a network that the practice named,
//! or in a country that it allows where a database of countries is supplied; whatever is not known is refused.

mod country;
mod device;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use provenote_schemas::{DeviceId, UserId};
use serde::{Deserialize, Serialize};

pub use country::{Countries, Country, CountryError, MaxMind};
pub use device::{Device, DeviceError, DeviceEvent, DeviceKey, DeviceState, Devices};

/// A network that the practice named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    name: String,
    net: IpNet,
}

/// Why a rule of places is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Not a network.
    #[error(
        "`{0}` is no network: write an address and how many bits of it count, like 192.168.1.0/24 or 2001:db8::/32"
    )]
    NotANetwork(String),
    /// Bits beyond the prefix.
    #[error("`{given}` names a machine in {net}: write {net}")]
    HostBits {
        /// What was given.
        given: String,
        /// The network it is in.
        net: IpNet,
    },
    /// The whole Internet.
    #[error("`{0}` is every address there is; name the networks of the practice")]
    Everywhere(String),
    /// A name that policies cannot use.
    #[error("`{0}` is no name of a network: use 1 to 40 letters, digits and hyphens")]
    BadName(String),
    /// Not two letters.
    #[error("`{0}` is no country: write the two letters of ISO 3166-1, like US")]
    NotACountry(String),
}

impl Network {
    /// Reads a network in CIDR notation.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn parse(name: &str, net: &str) -> Result<Self, PlaceError> {
        let shown = |text: &str| text.chars().take(60).collect::<String>();
        let well_named =
            (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !well_named {
            return Err(PlaceError::BadName(shown(name)));
        }
        let parsed: IpNet = net.trim().parse().map_err(|_| PlaceError::NotANetwork(shown(net)))?;
        if parsed.prefix_len() == 0 {
            return Err(PlaceError::Everywhere(shown(net)));
        }
        if parsed.trunc() != parsed {
            return Err(PlaceError::HostBits { given: shown(net), net: parsed.trunc() });
        }
        Ok(Self { name: name.to_owned(), net: parsed })
    }

    /// The practice's name of it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses.
    #[must_use]
    pub fn net(&self) -> IpNet {
        self.net
    }
}

/// A practice's rule of places. The default lets nobody in over a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Places {
    /// Networks from which users may come.
    pub networks: Vec<Network>,
    /// Countries from which users may come, wherever their address; asked of the database.
    pub countries: BTreeSet<Country>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a program on the machine itself, over no network.
    ThisMachine,
    /// From an address.
    Address(IpAddr),
}

/// What was decided, and the facts that policies may ask for besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// [`crate::Circumstances::place_allowed`].
    pub place_allowed: bool,
    /// [`crate::Circumstances::device_known`].
    pub device_known: bool,
    /// [`crate::Circumstances::network`].
    pub network: Option<String>,
    /// [`crate::Circumstances::country`].
    pub country: Option<Country>,
    /// Why, in words: of the place, then of the device. Names no person.
    pub reasons: Vec<String>,
}

/// Who comes from where, on what.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// From where.
    pub origin: Origin,
    /// Who signs in.
    pub user: &'a UserId,
    /// The device whose key answered a challenge; none where no key did.
    pub device: Option<&'a DeviceId>,
    /// The database, where the practice has one.
    pub countries: Option<&'a dyn Countries>,
}

/// Decides by the practice's rule and devices. Refused is whatever is not known.
#[must_use]
pub fn decide(places: &Places, devices: &Devices, arrival: &Arrival<'_>) -> Verdict {
    let mut verdict =
        Verdict { place_allowed: false, device_known: false, network: None, country: None, reasons: Vec::new() };
    verdict.place(places, arrival);
    match arrival.device.map(|id| devices.standing(id, arrival.user)) {
        Some(Ok(())) => {
            verdict.device_known = true;
            verdict.reasons.push("the device is known".to_owned());
        }
        Some(Err(error)) => verdict.reasons.push(error.to_string()),
        None => verdict.reasons.push("no enrolled device answered".to_owned()),
    }
    verdict
}

impl Verdict {
    fn place(&mut self, places: &Places, arrival: &Arrival<'_>) {
        let address = match arrival.origin {
            Origin::ThisMachine => return self.allow("the request comes from the machine itself".to_owned()),
            // An IPv4 address that came in over IPv6 is judged as what it is.
            Origin::Address(address) => address.to_canonical(),
        };
        if address.is_loopback() {
            return self.allow("the request comes from the machine itself".to_owned());
        }
        if let Some(network) = places.networks.iter().find(|network| network.net.contains(&address)) {
            self.network = Some(network.name.clone());
        }
        let country = match arrival.countries.map(|countries| countries.of(address)) {
            None => None,
            Some(Ok(country)) => country,
            Some(Err(error)) => {
                self.reasons.push(error.to_string());
                None
            }
        };
        self.country.clone_from(&country);
        match (self.network.clone(), country) {
            (Some(name), _) => self.allow(format!("the address is in the network {name}")),
            (None, Some(country)) if places.countries.contains(&country) => {
                self.allow(format!("the address is in {country}, which the practice allows"));
            }
            (None, Some(country)) => {
                self.reasons.push(format!("the address is in {country}, which the practice does not allow"));
            }
            (None, None) if places.countries.is_empty() => {
                self.reasons.push("the address is in no network that the practice allows".to_owned());
            }
            (None, None) => self
                .reasons
                .push("the address is in no network that the practice allows, and its country is not known".to_owned()),
        }
    }

    fn allow(&mut self, why: String) {
        self.place_allowed = true;
        self.reasons.push(why);
    }
}

#[cfg(test)]
mod tests;
