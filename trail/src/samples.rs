//! Records for tests.

use std::collections::BTreeMap;

use provenote_schemas::{Class, Digest, Kind, Role, Time};

use crate::About;
use crate::record::{Digested, Record, Value};

pub(crate) fn about() -> About {
    About { origin: "provenote.example/log/0123".to_owned(), version: "0.1.0".to_owned() }
}

/// A record of a kind with these references.
pub(crate) fn record(kind: &str, refs: &[(&str, &str)]) -> Record {
    Record {
        seq: 7,
        time: Time::parse("2026-11-22T09:10:11.123Z").expect("a time"),
        actor: "usr-0123456789abcdef".to_owned(),
        role: Some(Role::Clinician),
        device: None,
        kind: kind.to_owned(),
        refs: refs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect(),
        facts: BTreeMap::new(),
        payloads: Vec::new(),
        class: None,
        prev: Digest::of(b"before"),
        entry: Digest::of(b"entry"),
    }
}

/// One record of every kind, with and without a client, a device and facts.
pub(crate) fn every() -> Vec<Record> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.push(record(kind.as_str(), &[]));
        let mut full = record(
            kind.as_str(),
            &[("client", "cli-0123456789abcdef"), ("note", "note-0123456789abcdef"), ("user", "usr-fedcba9876543210")],
        );
        full.device = Some("dev-0123456789abcdef".to_owned());
        full.facts = BTreeMap::from([
            ("act".to_owned(), Value::Text("view_note".to_owned())),
            ("method".to_owned(), Value::Text("passphrase".to_owned())),
            ("factor".to_owned(), Value::Flag(true)),
            ("class".to_owned(), Value::Text("clinical".to_owned())),
            ("query_sha256".to_owned(), Value::Text(Digest::of(b"query").to_string())),
            ("results".to_owned(), Value::Number(3)),
        ]);
        full.payloads =
            vec![Digested { name: "text".to_owned(), class: Some(Class::Clinical), sha256: Digest::of(b"sealed") }];
        all.push(full);
    }
    let mut unknown = record("moon.landed", &[("client", "cli-0123456789abcdef")]);
    unknown.role = None;
    all.push(unknown);
    all
}
