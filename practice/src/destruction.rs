//! Carrying destructions out: after their entry, and again wherever one was left half done.
//!
//! The order is always the same (design, invariants 2 and 5): the entry in the ledger, the line in the list beside the
//! keys, the key, the blobs, the ciphertext in the database. What a crash cuts off is told by what is left: a group with
//! a receipt that still has a key or a ciphertext. Keys put back from an older backup, and an older ledger that knows
//! nothing of a destruction the list names, are found the same way.

use std::collections::{BTreeMap, BTreeSet};

use provenote_ledger::vault::{Destruction, Extent};
use provenote_ledger::{Fact, Hash, Header, NewEntry};
use provenote_schemas::Kind;

use crate::act::{Actor, Practice, reference};
use crate::error::PracticeError;

/// The basis of an entry that records again what only the list beside the keys knew.
const REPLAYED: &str = "destruction_list";

impl Practice {
    /// Carries out destructions that were recorded and not finished: after a crash, or where older keys or an older
    /// ledger were put back. What only the list beside the keys knows becomes an entry first. Returns how many groups
    /// and clients were destroyed anew.
    ///
    /// # Errors
    /// Where the entry cannot be written (then nothing more is destroyed) or a key cannot be removed.
    pub fn finish_destructions(&mut self, actor: &Actor) -> Result<usize, PracticeError> {
        self.record_listed(actor)?;
        self.record_late(actor)?;
        let receipts = self.headers(Kind::RecordDestroyed, &[])?;
        let clients = self.headers(Kind::ClientDestroyed, &[])?;
        let mut noted = Vec::new();
        for receipt in &receipts {
            noted.push(destruction(Extent::Group, reference(receipt, "group")?, receipt));
        }
        for client in &clients {
            noted.push(destruction(Extent::Scope, reference(client, "client")?, client));
        }
        self.vault.note_destructions(actor.keys(), &noted)?;
        let stored = self.log.store().payload_counts()?;
        let mut finished = 0;
        for receipt in &receipts {
            let group = reference(receipt, "group")?;
            if self.vault.group_exists(group) || stored.contains_key(group) {
                self.carry_out(actor, receipt)?;
                finished += 1;
            }
        }
        for client in &clients {
            let scope = reference(client, "client")?;
            if self.vault.scope_exists(scope)? {
                self.vault.destroy_scope(scope, &[])?;
                finished += 1;
            }
        }
        Ok(finished)
    }

    /// Destroys the group that a receipt names. Returns the bytes of ciphertext removed.
    pub(crate) fn carry_out(&mut self, actor: &Actor, receipt: &Header) -> Result<u64, PracticeError> {
        let group = reference(receipt, "group")?.to_owned();
        self.vault.note_destructions(actor.keys(), &[destruction(Extent::Group, &group, receipt)])?;
        let about = ["session", "client"].into_iter().find_map(|name| Some((name, receipt.refs.get(name)?)));
        let blobs = match about {
            Some((name, id)) => self.blobs_in(self.headers_with(name, id)?.iter(), &BTreeSet::from([group.clone()]))?,
            None => self.blobs_left(&group)?,
        };
        let hashes: Vec<Hash> = blobs.iter().map(|(hash, _)| *hash).collect();
        self.vault.destroy_group(&group, &hashes)?;
        // Last: while the rows are there, the blobs of a group without entries can be told.
        Ok(self.log.delete_ciphertext(&group)? + blobs.iter().map(|(_, bytes)| bytes).sum::<u64>())
    }

    /// The blobs of groups among the payloads of some entries, and their lengths. What lies there counts, not what the
    /// database says of it: a blob may have been put back after its row was destroyed.
    pub(crate) fn blobs_in<'a>(
        &self,
        entries: impl Iterator<Item = &'a Header>,
        groups: &BTreeSet<String>,
    ) -> Result<Vec<(Hash, u64)>, PracticeError> {
        let here: BTreeSet<Hash> =
            self.vault.blobs().list().map_err(provenote_ledger::VaultError::Io)?.into_iter().collect();
        Ok(entries
            .flat_map(|header| &header.payloads)
            .filter(|payload| groups.contains(&payload.group) && here.contains(&payload.ciphertext))
            .map(|payload| (payload.ciphertext, payload.padded_length))
            .collect())
    }

    /// The blobs of a group of which nothing is known but the name. How long they were is not counted.
    fn blobs_left(&self, group: &str) -> Result<Vec<(Hash, u64)>, PracticeError> {
        let mut blobs = Vec::new();
        for blob in self.vault.blobs().list().map_err(provenote_ledger::VaultError::Io)? {
            if self.log.store().payload(&blob)?.is_some_and(|stored| stored.group == group) {
                blobs.push((blob, 0));
            }
        }
        Ok(blobs)
    }

    /// Makes entries for groups of destroyed clients that have a key and no receipt: another process was at work on the
    /// client while the keys went.
    fn record_late(&mut self, actor: &Actor) -> Result<(), PracticeError> {
        let mut entries = Vec::new();
        for client in self.headers(Kind::ClientDestroyed, &[])? {
            let scope = reference(&client, "client")?;
            for group in self.vault.groups_of(scope)? {
                if self.destruction(&group)?.is_none() {
                    let entry = self.entry(actor, Kind::RecordDestroyed).refer("client", scope).refer("group", &group);
                    entries.push(entry.fact("basis", Fact::Text(Kind::ClientDestroyed.to_string())));
                }
            }
        }
        self.append(actor, entries)?;
        Ok(())
    }

    /// Makes entries of what the list beside the keys names and this ledger does not: it is older than the list.
    fn record_listed(&mut self, actor: &Actor) -> Result<(), PracticeError> {
        let mut unrecorded = Vec::new();
        for listed in self.vault.destructions()?.held {
            let recorded = match listed.extent {
                Extent::Group => self.destruction(&listed.name)?,
                Extent::Scope => self.one(Kind::ClientDestroyed, &[("client", &listed.name)])?,
            };
            if recorded.is_none() {
                unrecorded.push(listed);
            }
        }
        if unrecorded.is_empty() {
            return Ok(());
        }
        let places = self.places_of(&unrecorded)?;
        let entries = unrecorded.iter().map(|listed| self.listed_entry(actor, listed, places.get(&listed.name)));
        let entries: Vec<NewEntry> = entries.collect();
        self.append(actor, entries)?;
        Ok(())
    }

    /// Whose the groups are, as far as this ledger knows them: client, and session where the entry names one.
    fn places_of(&self, listed: &[Destruction]) -> Result<BTreeMap<String, BTreeMap<String, String>>, PracticeError> {
        let wanted: BTreeSet<&str> =
            listed.iter().filter(|one| one.extent == Extent::Group).map(|one| one.name.as_str()).collect();
        let mut places: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for seq in 0..self.log.size()? {
            let header = self.log.header(seq)?;
            for payload in header.payloads.iter().filter(|payload| wanted.contains(payload.group.as_str())) {
                let known = |name: &&str| header.refs.contains_key(*name);
                let place = ["client", "session"].into_iter().filter(known);
                let place = place.map(|name| (name.to_owned(), header.refs[name].clone()));
                places.entry(payload.group.clone()).or_insert_with(|| place.collect());
            }
        }
        Ok(places)
    }

    fn listed_entry(&self, actor: &Actor, listed: &Destruction, place: Option<&BTreeMap<String, String>>) -> NewEntry {
        let number = |n: u64| Fact::Number(i64::try_from(n).unwrap_or(i64::MAX));
        let entry = match listed.extent {
            Extent::Scope => self.entry(actor, Kind::ClientDestroyed).refer("client", &listed.name),
            Extent::Group => {
                let entry = self.entry(actor, Kind::RecordDestroyed).refer("group", &listed.name);
                place.into_iter().flatten().fold(entry, |entry, (name, id)| entry.refer(name, id))
            }
        };
        entry
            .refer("destroyed_by", &listed.by)
            .fact("basis", Fact::Text(REPLAYED.to_owned()))
            .fact("destroyed_seq", number(listed.seq))
            .fact("destroyed_at", Fact::Text(provenote_schemas::Time::from_millis(listed.time).to_string()))
    }
}

/// A destruction as the list beside the keys takes it, from its entry.
pub(crate) fn destruction(extent: Extent, name: &str, entry: &Header) -> Destruction {
    Destruction { extent, name: name.to_owned(), seq: entry.seq, time: entry.time, by: entry.actor.clone() }
}
