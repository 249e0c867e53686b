//! Carrying out again, on a restored ledger and its keys, what was destroyed after they were saved.

use std::collections::BTreeSet;

use provenote_ledger::memory::{MemoryBlobs, MemoryKeys};
use provenote_ledger::vault::{Extent, SCOPE_DESTROYED};
use provenote_ledger::verify::RECORD_DESTROYED;
use provenote_ledger::{Fact, Header, KeyStore as _, Log, Query, Vault};

use crate::BackupError;

/// What must not come back.
#[derive(Debug, Default)]
pub(crate) struct Destroyed {
    pub(crate) groups: BTreeSet<String>,
    pub(crate) scopes: BTreeSet<String>,
}

impl Destroyed {
    /// What the ledger's entries and the list beside the keys name.
    pub(crate) fn known(log: &Log, vault: &Vault) -> Result<Self, BackupError> {
        let mut known = Self::default();
        for receipt in log.find(&Query::kind(RECORD_DESTROYED))? {
            known.groups.extend(named(&receipt, "group"));
        }
        for receipt in log.find(&Query::kind(SCOPE_DESTROYED))? {
            known.scopes.extend(named(&receipt, "client"));
        }
        for listed in vault.destructions()?.held {
            match listed.extent {
                Extent::Group => known.groups.insert(listed.name),
                Extent::Scope => known.scopes.insert(listed.name),
            };
        }
        for scope in &known.scopes {
            known.groups.extend(vault.groups_of(scope)?);
        }
        Ok(known)
    }

    /// Takes the keys of what was destroyed out of those in memory, before they are written anywhere, and the
    /// ciphertexts out of the database. Returns how many groups and scopes still had a key or a ciphertext.
    pub(crate) fn carry_out(&self, log: &mut Log, keys: &mut MemoryKeys) -> Result<u64, BackupError> {
        let unread = BackupError::reading("keys.pvk");
        let stored = log.store().payload_counts()?;
        let mut again = 0;
        for group in &self.groups {
            let file = format!("groups/{group}.json");
            let there = keys.read(&file).map_err(&unread)?.is_some();
            keys.destroy(&file).map_err(&unread)?;
            if stored.contains_key(group) {
                log.delete_ciphertext(group)?;
            }
            again += u64::from(there || stored.contains_key(group));
        }
        for scope in &self.scopes {
            let end = format!(".{scope}.json");
            let classes = keys.list("classes/").map_err(&unread)?;
            let classes: Vec<&String> = classes.iter().filter(|name| name.ends_with(&end)).collect();
            for class in &classes {
                keys.destroy(class).map_err(&unread)?;
            }
            again += u64::from(!classes.is_empty());
        }
        // A grant holds keys of its own.
        Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default()))
            .forget_grants_of(&self.groups, &self.scopes)?;
        Ok(again)
    }
}

/// A reference, or a fact of the same name: the verifier takes either.
fn named(header: &Header, name: &str) -> Vec<String> {
    let fact = header.facts.get(name).and_then(|fact| match fact {
        Fact::Text(text) => Some(text.clone()),
        _ => None,
    });
    header.refs.get(name).cloned().into_iter().chain(fact).collect()
}
