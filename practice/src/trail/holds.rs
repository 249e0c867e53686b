//! Legal holds: what is held is not destroyed, whatever the schedule, a withdrawal or a client asks, until the hold is lifted.

use provenote_access::Act;
use provenote_schemas::{Kind, Time};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;
use crate::trail::{number, numbered, said};

/// What is to be held.
#[derive(Debug, Clone, Copy)]
pub struct HoldAsked<'a> {
    /// The client, by id or name.
    pub client: &'a str,
    /// One session of theirs only.
    pub session: Option<&'a str>,
    /// Why: a lawsuit, a complaint, a request for access. Sealed.
    pub reason: &'a str,
}

/// A hold as it stands. It is named by the entry that placed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The entry that placed it.
    pub seq: u64,
    /// When.
    pub since: Time,
    /// By whom.
    pub by: String,
    /// Whose records.
    pub client: String,
    /// Of one session only.
    pub session: Option<String>,
    /// The entry that lifted it.
    pub lifted: Option<u64>,
}

impl Hold {
    /// True where the hold keeps what is of a client, or of a session of theirs.
    #[must_use]
    pub fn covers(&self, client: &str, session: Option<&str>) -> bool {
        self.lifted.is_none()
            && self.client == client
            && match (&self.session, session) {
                (None, _) => true,
                (Some(mine), Some(asked)) => mine == asked,
                // A client's records as a whole hold the session that is held.
                (Some(_), None) => true,
            }
    }
}

/// As it is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Reason {
    reason: String,
}

impl Practice {
    /// Holds records of a client back from destruction, from this entry on.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for an empty reason or a session
    /// of somebody else.
    pub fn place_hold(&mut self, actor: &Actor, asked: &HoldAsked<'_>) -> Result<u64, PracticeError> {
        let client = self.allow_client(actor, Act::PlaceHold, asked.client)?;
        let reason = Reason { reason: said("the reason", asked.reason)? };
        if let Some(session) = asked.session
            && reference(&self.session_header(session)?, "client")? != client.as_str()
        {
            return Err(PracticeError::BadRequest("this session is of another client".to_owned()));
        }
        let group = self.practice_group()?;
        let payload = self.seal_record(actor, &group, "reason", &reason)?;
        let mut entry = self.entry(actor, Kind::HoldPlaced).refer("client", &client).payload(payload);
        if let Some(session) = asked.session {
            entry = entry.refer("session", session);
        }
        self.append_one(actor, entry)
    }

    /// Lifts a hold, named by the entry that placed it.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for a hold that there is not, or that was lifted before; [`PracticeError::Denied`].
    pub fn lift_hold(&mut self, actor: &Actor, hold: u64, reason: &str) -> Result<u64, PracticeError> {
        let reason = Reason { reason: said("the reason", reason)? };
        let found = self.holds()?.into_iter().find(|one| one.seq == hold && one.lifted.is_none());
        let found = found.ok_or_else(|| PracticeError::NotFound {
            what: "hold",
            id: hold.to_string(),
            list: "retention hold list",
        })?;
        self.allow_client(actor, Act::PlaceHold, &found.client)?;
        let group = self.practice_group()?;
        let payload = self.seal_record(actor, &group, "reason", &reason)?;
        let mut entry = self
            .entry(actor, Kind::HoldLifted)
            .refer("client", &found.client)
            .fact("hold", number(hold))
            .payload(payload);
        if let Some(session) = &found.session {
            entry = entry.refer("session", session);
        }
        self.append_one(actor, entry)
    }

    /// Every hold there was, in order.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn holds(&self) -> Result<Vec<Hold>, PracticeError> {
        let mut holds = Vec::new();
        for header in self.headers(Kind::HoldPlaced, &[])? {
            holds.push(Hold {
                seq: header.seq,
                since: Time::from_millis(header.time),
                by: header.actor.clone(),
                client: reference(&header, "client")?.to_owned(),
                session: header.refs.get("session").cloned(),
                lifted: None,
            });
        }
        for header in self.headers(Kind::HoldLifted, &[])? {
            let lifted = numbered(&header, "hold");
            // The first lifting counts; a later one of the same hold changes nothing.
            if let Some(hold) = holds.iter_mut().find(|hold| Some(hold.seq) == lifted && hold.lifted.is_none()) {
                hold.lifted = Some(header.seq);
            }
        }
        Ok(holds)
    }

    /// The same for somebody who asks: whoever may look at the ledger finds them there too.
    ///
    /// # Errors
    /// [`PracticeError::Denied`].
    pub fn list_holds(&mut self, actor: &Actor) -> Result<Vec<Hold>, PracticeError> {
        self.allow_here(actor, Act::ViewLedger)?;
        self.holds()
    }

    /// Why a hold was placed, as whoever opens the practice's register reads it.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`].
    pub fn hold_reason(&mut self, actor: &Actor, hold: u64) -> Result<String, PracticeError> {
        let found = self.holds()?.into_iter().find(|one| one.seq == hold).ok_or_else(|| PracticeError::NotFound {
            what: "hold",
            id: hold.to_string(),
            list: "retention hold list",
        })?;
        self.allow_client(actor, Act::PlaceHold, &found.client)?;
        let reason: Reason = self.open_record(actor, &self.log.header(hold)?, "reason", "reason of a hold")?;
        let entry = self.entry(actor, Kind::LedgerViewed).refer("client", &found.client).fact("entry", number(hold));
        self.append_one(actor, entry)?;
        Ok(reason.reason)
    }

    /// The hold that keeps what is of a client, or of one session of theirs.
    pub(crate) fn held(&self, client: &str, session: Option<&str>) -> Result<Option<Hold>, PracticeError> {
        Ok(self.holds()?.into_iter().find(|hold| hold.covers(client, session)))
    }
}
