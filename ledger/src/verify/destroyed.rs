//! Retention groups: what was sealed under them, what of it is gone, and whether an entry says that it was destroyed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::hash::Hash;
use crate::header::{self, FactView, PayloadRef, View};
use crate::moment;
use crate::vault::Vault;

use super::{Finding, FindingKind};

/// Missing payloads of a group that are told one by one.
const MAX_GONE: usize = 200;

/// A destruction that an entry records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// The entry.
    pub seq: u64,
    /// Its time.
    pub time: String,
    /// The retention group.
    pub group: String,
    /// What was destroyed: the first payloads, at most 200.
    pub payloads: Vec<DestroyedPayload>,
    /// Who did it.
    pub actor: String,
    /// Why, as the entry says.
    pub basis: Option<String>,
    /// The entry's leaf hash, hexadecimal: what a proof of it proves.
    pub receipt: Hash,
    /// False where the key or a ciphertext is still there; none where the keys were not given.
    pub carried_out: Option<bool>,
}

/// A payload that was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DestroyedPayload {
    /// The entry it belonged to.
    pub seq: u64,
    /// Its name there.
    pub name: String,
}

struct Gone {
    seq: u64,
    name: u32,
    ciphertext: Hash,
}

#[derive(Default)]
struct Group {
    /// The first entry that speaks of it.
    first: u64,
    /// Class and scope of what was sealed under it.
    class: Option<u32>,
    /// Payloads that are not in the store.
    gone: Vec<Gone>,
}

struct Record {
    seq: u64,
    time: i64,
    actor: String,
    basis: Option<String>,
    leaf: Hash,
}

/// Texts that come again and again, kept once.
#[derive(Default)]
struct Words {
    numbers: BTreeMap<String, u32>,
    words: Vec<String>,
}

impl Words {
    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }

    fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or("", String::as_str)
    }
}

#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Group>,
    records: BTreeMap<String, Record>,
    words: Words,
    destroyed: Vec<Destroyed>,
}

impl Groups {
    fn of(&mut self, seq: u64, name: &str) -> &mut Group {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group { first: seq, ..Group::default() });
        }
        self.groups.entry(name.to_owned()).or_default()
    }

    /// An entry refers to a group.
    pub(super) fn announce(&mut self, seq: u64, name: &[u8]) {
        self.of(seq, &header::text(name));
    }

    /// An entry has a payload of a group.
    pub(super) fn sealed(&mut self, seq: u64, reference: &PayloadRef) {
        let class = self.words.number(&format!("{} {}", reference.class, reference.scope));
        self.of(seq, &reference.group).class.get_or_insert(class);
    }

    /// A payload's ciphertext is not in the store.
    pub(super) fn gone(&mut self, seq: u64, reference: &PayloadRef) {
        let name = self.words.number(&reference.name);
        let group = self.of(seq, &reference.group);
        if group.gone.len() < MAX_GONE {
            group.gone.push(Gone { seq, name, ciphertext: reference.ciphertext });
        }
    }

    /// An entry records a destruction. The first one of a group counts.
    pub(super) fn destroy(&mut self, seq: u64, leaf: Hash, view: &View<'_>) {
        let text = |wanted: &[u8]| {
            view.facts().find_map(|(name, fact)| match fact {
                FactView::Text(text) if name == wanted => Some(header::text(text)),
                _ => None,
            })
        };
        let refs = view.refs().filter(|(name, _)| *name == b"group").map(|(_, group)| header::text(group));
        for group in refs.chain(text(b"group")) {
            self.records.entry(group).or_insert_with(|| Record {
                seq,
                time: view.time,
                actor: header::text(view.actor),
                basis: text(b"basis"),
                leaf,
            });
        }
    }

    /// Compares what the entries say with the payloads that are stored (how many, by group), and with the keys.
    pub(super) fn judge(
        &mut self,
        size: u64,
        stored: &BTreeMap<String, u64>,
        vault: Option<&Vault>,
        find: &mut dyn FnMut(Finding),
    ) {
        let blobs: BTreeSet<Hash> =
            vault.and_then(|vault| vault.blobs().list().ok()).unwrap_or_default().into_iter().collect();
        for (name, record) in &self.records {
            let gone = self.groups.get(name).map_or(&[][..], |group| &group.gone);
            let mut left = Vec::new();
            if vault.is_some_and(|vault| vault.group_exists(name)) {
                left.push("its key");
            }
            if stored.contains_key(name) || gone.iter().any(|gone| blobs.contains(&gone.ciphertext)) {
                left.push("a ciphertext");
            }
            if !left.is_empty() {
                let detail = format!(
                    "entry {} records that group {name} was destroyed, but {} is still there: `provenote retention run` \
                     destroys it",
                    record.seq,
                    left.join(" and ")
                );
                find(Finding { kind: FindingKind::FakeDestruction, seq: Some(record.seq), detail });
            }
            let payload = |gone: &Gone| DestroyedPayload { seq: gone.seq, name: self.words.word(gone.name).to_owned() };
            self.destroyed.push(Destroyed {
                seq: record.seq,
                time: moment::text(record.time),
                group: name.clone(),
                payloads: gone.iter().map(payload).collect(),
                actor: record.actor.clone(),
                basis: record.basis.clone(),
                receipt: record.leaf,
                carried_out: vault.map(|_| left.is_empty()),
            });
        }
        self.destroyed.sort_by_key(|destroyed| destroyed.seq);
        self.undestroyed(vault, find);
        let unlogged = stored.keys().filter(|name| self.groups.get(*name).is_none_or(|group| group.class.is_none()));
        for name in unlogged {
            let detail = format!("payloads of group {name} are stored that no entry speaks of");
            find(Finding { kind: FindingKind::UnloggedPayload, seq: None, detail });
        }
        self.listed(size, vault, find);
    }

    /// What should be there.
    fn undestroyed(&self, vault: Option<&Vault>, find: &mut dyn FnMut(Finding)) {
        let mut classes: BTreeMap<u32, bool> = BTreeMap::new();
        for (name, group) in self.groups.iter().filter(|(name, _)| !self.records.contains_key(*name)) {
            if vault.is_some_and(|vault| !vault.group_exists(name)) {
                let detail = format!("the key of group {name} is gone, and no entry records that it was destroyed");
                find(Finding { kind: FindingKind::DestroyedWithoutEntry, seq: Some(group.first), detail });
            }
            if let (Some(vault), Some(class)) = (vault, group.class)
                && let Some((class_name, scope)) = self.words.word(class).split_once(' ')
                && !*classes.entry(class).or_insert_with(|| vault.has_class_key(class_name, scope))
            {
                // Told once: it concerns every group of the class.
                classes.insert(class, true);
                let detail = format!(
                    "the {class_name} key of {scope} is gone, and no entry records that what it opened was destroyed"
                );
                find(Finding { kind: FindingKind::DestroyedWithoutEntry, seq: Some(group.first), detail });
            }
            for gone in &group.gone {
                let payload = self.words.word(gone.name);
                let detail = format!(
                    "payload {payload} of entry {} is missing, and no entry records that it was destroyed",
                    gone.seq
                );
                find(Finding { kind: FindingKind::MissingPayload, seq: Some(gone.seq), detail });
            }
        }
    }

    /// The list of destructions beside the keys knows of entries that an older copy of the log does not have.
    fn listed(&self, size: u64, vault: Option<&Vault>, find: &mut dyn FnMut(Finding)) {
        let Some(listed) = vault.and_then(|vault| vault.destructions().ok()) else { return };
        for listed in listed.held.iter().filter(|listed| listed.seq >= size) {
            let detail = format!(
                "the list of destructions beside the keys knows entry {} of {}, the log has {size} entries: its end was cut \
                 off or an older copy was put back",
                listed.seq,
                moment::text(listed.time)
            );
            find(Finding { kind: FindingKind::RolledBack, seq: Some(size), detail });
        }
    }

    pub(super) fn destroyed(&mut self) -> Vec<Destroyed> {
        std::mem::take(&mut self.destroyed)
    }
}
