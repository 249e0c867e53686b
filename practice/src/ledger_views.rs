//! Looking into the ledger: headers for whoever may, payloads for whose keys open them.

use provenote_access::Act;
use provenote_ledger::{Header, Query};
use provenote_schemas::Kind;

use crate::act::{Actor, Practice};
use crate::error::PracticeError;

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
