//! Looking into the ledger: headers for whoever may, payloads for whom the policies and their keys let.

use provenote_access::{Act, OfClient};
use provenote_ledger::{Header, PayloadRef, Query};
use provenote_schemas::ids::BadId;
use provenote_schemas::{Class, Kind};

use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::sessions::bad_reference;

/// A payload of an entry, as far as it can be shown.
#[derive(Debug, Clone)]
pub enum Shown {
    /// Opened.
    Bytes(Vec<u8>),
    /// Too large to show, or destroyed, or under keys this user does not have: a sentence.
    Withheld(String),
}

/// The largest payload that is shown, in bytes.
const LARGEST_SHOWN: u64 = 1024 * 1024;

impl Practice {
    /// Headers, by kind, client and time. They hold no health information, so this needs no keys.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn ledger_log(
        &self,
        kind: Option<&str>,
        client: Option<&str>,
        since_ms: Option<i64>,
    ) -> Result<Vec<Header>, PracticeError> {
        let refs = client.map(|client| ("client".to_owned(), client.to_owned())).into_iter().collect();
        Ok(self.log.find(&Query { kind, refs, since_ms, after_seq: None })?)
    }

    /// Whether the policies let somebody open an entry's payload: keys open more than is meant for the eyes of whoever has
    /// them, such as a session whose people did not agree to supervision.
    fn may_open(&self, actor: &Actor, header: &Header, payload: &PayloadRef) -> Result<bool, PracticeError> {
        let Some(client) = header.refs.get("client") else {
            return Ok(provenote_access::may(actor.role(), Act::ViewEntry).is_ok());
        };
        let client = client.parse().map_err(|error: BadId| bad_reference(header, &error))?;
        let Some(class) = Class::from_word(&payload.class) else { return Ok(false) };
        let clinicians = self.people()?.clinicians_of(&client);
        let entry = OfClient::entry(header.seq, class, &client, clinicians, header.actor.parse().ok().as_ref());
        let session = header.refs.get("session").and_then(|id| id.parse().ok());
        let note = header.refs.get("note").and_then(|id| id.parse().ok());
        self.may(actor, Act::ViewEntry, &entry.within(session.as_ref(), note.as_ref()).into())
    }

    /// One entry with its payloads opened; reading them is an entry, before they are shown.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for a sequence number the ledger does not have.
    pub fn ledger_show(&mut self, actor: &Actor, seq: u64) -> Result<(Header, Vec<(String, Shown)>), PracticeError> {
        self.allow_here(actor, Act::ViewLedger)?;
        if seq >= self.log.size()? {
            return Err(PracticeError::NotFound { what: "entry", id: seq.to_string(), list: "ledger log" });
        }
        let header = self.log.header(seq)?;
        let mut shown = Vec::new();
        for payload in &header.payloads {
            let what = if payload.padded_length > LARGEST_SHOWN {
                Shown::Withheld(format!("{} bytes, too many to print", payload.padded_length))
            } else if !self.may_open(actor, &header, payload)? {
                Shown::Withheld("the policies do not let this user open it".to_owned())
            } else {
                match self.open_bytes(actor, &header, &payload.name, "payload") {
                    Ok(bytes) => Shown::Bytes(bytes),
                    Err(
                        error @ (PracticeError::Destroyed { .. }
                        | PracticeError::Vault(_)
                        | PracticeError::Unreadable { .. }),
                    ) => Shown::Withheld(error.to_string()),
                    Err(error) => return Err(error),
                }
            };
            shown.push((payload.name.clone(), what));
        }
        let entry = self
            .entry(actor, Kind::LedgerViewed)
            .fact("entry", provenote_ledger::Fact::Number(i64::try_from(seq).unwrap_or(i64::MAX)));
        self.append_one(actor, entry)?;
        Ok((header, shown))
    }
}
