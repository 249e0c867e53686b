//! Everybody who opened a client's file, in words a client can be shown.

use std::collections::{BTreeMap, BTreeSet};

use provenote_access::Act;
use provenote_ledger::{Header, Query};
use provenote_schemas::{ClientId, Kind, Role, Time, UserId};
use provenote_trail::opened;
use serde::Serialize;

use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::trail::{count, numbered};

/// One opening.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// Who, by pseudonym.
    pub user: String,
    /// Who, by name, where the caller's keys open names.
    pub name: Option<String>,
    /// What they were then.
    pub role: Option<Role>,
    /// What was done, in a sentence without its end, never what was in it.
    pub says: String,
    /// True where something left the practice's records.
    pub handed: bool,
}

/// What a client can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Openings {
    /// Pseudonym.
    pub client: ClientId,
    /// In the order of the entries.
    pub openings: Vec<Opening>,
    /// What the list cannot show, in sentences that belong under it.
    pub cannot_show: Vec<&'static str>,
}

const CANNOT_SHOW: &[&str] = &[
    "The list shows what was done with this program. It cannot show who looked at a screen, a printed page or a file that had left it.",
    "It tells that something was opened, not what was in it, and not why.",
];

/// The kinds that list every client at once and name none.
const OF_ALL: [Kind; 1] = [Kind::ClientViewed];

impl Practice {
    /// Everybody who opened a client's file or was given something of it; making the list is an entry, before it is shown.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`].
    pub fn openings(&mut self, actor: &Actor, client: &str) -> Result<Openings, PracticeError> {
        let client = self.allow_client(actor, Act::ViewOpenings, client)?;
        let known = self.known()?;
        let mut names: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut openings = Vec::new();
        for header in self.about_client(&client)? {
            let row = known.row(header);
            let header = &row.header;
            let Some(opened) = opened(&row.record) else { continue };
            let name = match names.get(&header.actor) {
                Some(name) => name.clone(),
                None => {
                    let user: Option<UserId> = header.actor.parse().ok();
                    let name = user.and_then(|user| self.user_name(actor, &user).ok());
                    names.insert(header.actor.clone(), name.clone());
                    name
                }
            };
            let of_all = !header.refs.contains_key("client") && header.kind == Kind::ClientViewed.as_str();
            let says = if of_all { "Saw the list of all clients".to_owned() } else { opened.says.to_owned() };
            openings.push(Opening {
                seq: header.seq,
                time: row.record.time,
                user: header.actor.clone(),
                name,
                role: row.record.role,
                says,
                handed: opened.handed,
            });
        }
        let entry =
            self.entry(actor, Kind::OpeningsViewed).refer("client", &client).fact("results", count(openings.len()));
        self.append_one(actor, entry)?;
        Ok(Openings { client, openings, cannot_show: CANNOT_SHOW.to_vec() })
    }

    /// Every entry about a client: those that name them, those about their sessions and notes that do not, those that looked
    /// at an entry of theirs, and the lists of all clients since the file was opened.
    fn about_client(&self, client: &ClientId) -> Result<Vec<Header>, PracticeError> {
        let named = self.headers_with("client", client.as_str())?;
        let mine: BTreeSet<u64> = named.iter().map(|header| header.seq).collect();
        let since = named.first().map_or(0, |header| header.seq);
        let mut all: BTreeMap<u64, Header> = BTreeMap::new();
        for name in ["session", "note"] {
            let ids: BTreeSet<&String> = named.iter().filter_map(|header| header.refs.get(name)).collect();
            for id in ids {
                all.extend(self.headers_with(name, id)?.into_iter().map(|header| (header.seq, header)));
            }
        }
        for header in self.log.find(&Query::kind(Kind::LedgerViewed.as_str()))? {
            if numbered(&header, "entry").is_some_and(|seq| mine.contains(&seq)) {
                all.insert(header.seq, header);
            }
        }
        for kind in OF_ALL {
            let lists = self.headers(kind, &[])?.into_iter();
            all.extend(
                lists
                    .filter(|header| header.seq > since && !header.refs.contains_key("client"))
                    .map(|header| (header.seq, header)),
            );
        }
        all.extend(named.into_iter().map(|header| (header.seq, header)));
        Ok(all.into_values().collect())
    }
}
