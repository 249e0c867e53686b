//! The country of an address, by a database in MaxMind's format (<https://maxmind.github.io/MaxMind-DB/>).
//!
//! The edge reads the file and hands in its bytes. No database comes with Provenote and none is fetched.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::PlaceError;

/// A country: two capital letters of ISO 3166-1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

impl Country {
    /// Reads two letters, capital or not.
    ///
    /// # Errors
    /// [`PlaceError::NotACountry`].
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok(Self([first.to_ascii_uppercase(), second.to_ascii_uppercase()]))
            }
            _ => Err(PlaceError::NotACountry(text.chars().take(20).collect())),
        }
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl TryFrom<String> for Country {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        Self::parse(&text)
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

/// Why the country of an address could not be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountryError {
    /// Not a database of this format.
    #[error("the file is no database of countries in MaxMind's format: {0}; give one such as GeoLite2-Country.mmdb")]
    NotADatabase(String),
    /// The database is damaged, or knows no addresses of this kind.
    #[error("the database of countries could not be asked: {0}")]
    Unreadable(String),
}

/// Tells the country of an address.
pub trait Countries {
    /// The country; none where the address is not known, such as one of a private network.
    ///
    /// # Errors
    /// [`CountryError::Unreadable`]; the caller refuses then.
    fn of(&self, address: IpAddr) -> Result<Option<Country>, CountryError>;
}

/// A database in MaxMind's format, held in memory.
pub struct MaxMind(maxminddb::Reader<Vec<u8>>);

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    country: Named<'a>,
}

#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    iso_code: Option<&'a str>,
}

impl MaxMind {
    /// Reads a database of its bytes.
    ///
    /// # Errors
    /// [`CountryError::NotADatabase`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, CountryError> {
        let reader = maxminddb::Reader::from_source(bytes)
            .map_err(|error| CountryError::NotADatabase(error.to_string().chars().take(200).collect()))?;
        Ok(Self(reader))
    }
}

impl Countries for MaxMind {
    fn of(&self, address: IpAddr) -> Result<Option<Country>, CountryError> {
        let unreadable =
            |error: maxminddb::MaxMindDbError| CountryError::Unreadable(error.to_string().chars().take(200).collect());
        let found = self.0.lookup(address).map_err(unreadable)?;
        let record: Option<Record<'_>> = found.decode().map_err(unreadable)?;
        let code = record.and_then(|record| record.country.iso_code);
        code.map(|code| Country::parse(code).map_err(|error| CountryError::Unreadable(error.to_string()))).transpose()
    }
}
