//! How long the standing of every client of a practice on disk takes: SQLite, key files, sealed records, nothing kept
//! from before but what the operating system has in its cache. Beside it, in the same run, the same records read and
//! opened by hand, step by step, and judged or not.
//!
//! `PROVENOTE_BENCH_CLIENTS` sets the number of clients, 1,000 otherwise. To make them takes longest: each is three
//! durable commits and a form of its own. The times grow with the number of clients, so they are told per 1,000 too.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use provenote_consent::{
    ConsentEvent, FactsBook, Modality, Particulars, Question, Record, Room, State, Status, Today, purposes_needed,
    standing, terms_for,
};
use provenote_ledger::memory::MemoryKeys;
use provenote_ledger::{Argon2Params, Entropy, Header, KeyStore, Log, Query, Vault};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use provenote_pipeline::engine::ModelFile;
use provenote_practice::clients::NewClient;
use provenote_practice::consents::{FormRequest, SignRequest, SignatureTaken};
use provenote_practice::ports::{Clock, Models};
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, PracticeRecord, found};
use provenote_practice::{Actor, Practice};
use provenote_schemas::consent::{ConsentForm, Evidence, Grant};
use provenote_schemas::disclosure::ModelFact;
use provenote_schemas::people::Client;
use provenote_schemas::{Digest, Kind, Time};
use provenote_templates::Shelf;

const PASSPHRASE: &[u8] = b"five random words in order";
const ROUNDS: usize = 3;

struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(1_800_000_000_000)
    }
}

struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bytes = (self.0 ^ (self.0 >> 29)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

struct Catalogue;

impl Models for Catalogue {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        Some(ModelFact {
            id: id.to_owned(),
            name: id.to_owned(),
            maker: "A maker".to_owned(),
            sha256: Digest::of(id.as_bytes()),
        })
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        Err(id.to_owned())
    }
}

/// A practice with so many clients, three entries each: the file, a form, a signature. Keys are made in memory and
/// written out at the end, without waiting for the disk at each: how they were written is not measured.
fn made(home: &Path, clients: usize) {
    let keys = MemoryKeys::default();
    let parts = Parts {
        store: Box::new(SqliteStore::create(&home.join("ledger.db")).expect("a ledger")),
        keys: Box::new(keys.clone()),
        blobs: Box::new(FileBlobs::open(home.join("blobs")).expect("blobs")),
        anchor: Box::new(FileAnchor::new(home.join("anchor"))),
        clock: Box::new(Still),
        entropy: Box::new(Counting(1)),
    };
    let record = PracticeRecord {
        name: "Elm Street Counseling".to_owned(),
        clinician: "Dana Reyes".to_owned(),
        license: None,
        state: "IL".to_owned(),
    };
    let light = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, light).expect("a practice");
    let (mut practice, actor) = (made.practice, made.actor);
    let shelf = Shelf::bundled();
    for number in 0..clients {
        let name = format!("Client {number}");
        let asked = NewClient { name: name.clone(), ..NewClient::default() };
        let client = practice.add_client(&actor, &asked).expect("a client").client.to_string();
        // Every fifth was never asked, and another fifth has not signed.
        if number % 5 == 0 {
            continue;
        }
        let request = FormRequest { client: &client, template: None, lang: "en", particulars: Particulars::default() };
        practice.consent_form(&actor, &request, &shelf, &Catalogue).expect("a form");
        if number % 5 == 1 {
            continue;
        }
        let request = SignRequest {
            participant: &name,
            consent: None,
            taken: SignatureTaken::Typed(name.clone()),
            evidence: Evidence::default(),
        };
        practice.consent_sign(&actor, &client, request, &Catalogue).expect("a signature");
    }
    let folder = home.join("keys");
    drop(FileKeys::open(folder.clone()).expect("a folder of keys"));
    for name in keys.list("").expect("names") {
        let path = folder.join(&name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, keys.read(&name).expect("reads").expect("is there")).expect("writes");
    }
}

/// As a new process opens it.
fn opened(home: &Path) -> (Practice, Actor) {
    let keys = FileKeys::open(home.join("keys")).expect("keys");
    let vault = Vault::new(Box::new(keys), Box::new(FileBlobs::open(home.join("blobs")).expect("blobs")));
    let epochs = vault.epochs().expect("epochs");
    let store = SqliteStore::open(&home.join("ledger.db")).expect("the ledger");
    let log = Log::open(Box::new(store), &epochs, Box::new(FileAnchor::new(home.join("anchor")))).expect("the log");
    let practice = Practice::open(log, vault, Box::new(Still), Box::new(Counting(1 << 40)));
    let user = practice.only_user().expect("one user");
    let actor = practice.sign_in(&user, PASSPHRASE).expect("the passphrase fits");
    (practice, actor)
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let done = black_box(work());
    (done, start.elapsed().as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The payload that is read of each kind.
const READ: [(Kind, &str); 3] =
    [(Kind::ClientAdded, "client"), (Kind::ConsentRequested, "form"), (Kind::ConsentGranted, "grant")];

/// The same records by hand. Milliseconds for: headers, ciphertexts, opening, JSON, judging; and how many are in force.
fn by_hand(home: &Path) -> ([f64; 5], usize) {
    let (practice, actor) = opened(home);
    let (log, vault) = (practice.log(), practice.vault());
    let (headers, finding) = timed(|| {
        let find = |kind: Kind| log.find(&Query { kind: Some(kind.as_str()), ..Query::default() }).expect("reads");
        READ.map(|(kind, name)| (name, find(kind)))
    });
    let all: Vec<(&str, &Header)> =
        headers.iter().flat_map(|(name, headers)| headers.iter().map(move |header| (*name, header))).collect();
    let payload = |name: &str, header: &Header| {
        header.payloads.iter().find(|one| one.name == name).cloned().expect("the payload")
    };
    let (sealed, reading) = timed(|| {
        all.iter()
            .map(|(name, header)| {
                let reference = payload(name, header);
                let (key, body) = log.sealed(&reference).expect("reads").expect("is there");
                (reference, key, body)
            })
            .collect::<Vec<_>>()
    });
    let (texts, opening) = timed(|| {
        let opening = vault.opening(actor.keys());
        sealed
            .iter()
            .map(|(reference, key, body)| opening.open(reference, key, body).expect("opens"))
            .collect::<Vec<_>>()
    });
    let ((clients, mut events, book), parsing) = timed(|| {
        let mut clients: Vec<Client> = Vec::new();
        let mut events: BTreeMap<String, Vec<ConsentEvent>> = BTreeMap::new();
        let mut book = FactsBook::default();
        for ((name, header), text) in all.iter().zip(&texts) {
            let event = match *name {
                "client" => {
                    clients.push(serde_json::from_slice(text).expect("a client"));
                    continue;
                }
                "form" => {
                    let form: ConsentForm = serde_json::from_slice(text).expect("a form");
                    book.add(form.disclosure_digest, &form.facts);
                    ConsentEvent::Requested(form)
                }
                _ => ConsentEvent::Granted(serde_json::from_slice::<Grant>(text).expect("a signature")),
            };
            events.entry(header.refs["client"].clone()).or_default().push(event);
        }
        (clients, events, book)
    });
    let settings = practice.settings().expect("settings");
    let facts = practice.disclosure_facts(&actor, &settings, &Catalogue, "IL").expect("facts");
    let (policy, state) = (settings.policy(), State::parse("IL").ok());
    let (in_force, judging) = timed(|| {
        let today = Today::new(&facts, practice.now(), &book);
        let purposes = purposes_needed(Modality::InPerson, &facts);
        clients
            .iter()
            .filter(|client| {
                let record = Record::with(&book, &events.remove(client.client.as_str()).unwrap_or_default());
                let terms = terms_for(state, &[state]);
                let question = Question { room: Room::of(client), purposes: &purposes, terms, policy: &policy };
                standing(&question, &record, &today).status == Status::InForce
            })
            .count()
    });
    ([finding, reading, opening, parsing, judging], in_force)
}

/// What unwrapping the key of each client once takes: a key file read, and an HPKE opening (X25519).
fn class_keys(home: &Path) -> f64 {
    let (practice, actor) = opened(home);
    let headers =
        practice.log().find(&Query { kind: Some(Kind::ClientAdded.as_str()), ..Query::default() }).expect("reads");
    let scopes: BTreeSet<&str> = headers.iter().map(|header| header.refs["client"].as_str()).collect();
    let vault = practice.vault();
    let (all, time) =
        timed(|| scopes.iter().filter(|scope| vault.is_entitled(actor.keys(), "administrative", scope)).count());
    assert_eq!(all, scopes.len());
    time
}

fn main() {
    let clients: usize =
        std::env::var("PROVENOTE_BENCH_CLIENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    let home = tempfile::tempdir().expect("a folder");
    let ((), making) = timed(|| made(home.path(), clients));
    println!("consent overview: {clients} clients made in {:.0} s", making / 1000.0);

    let mut whole = Vec::new();
    let mut hand: [Vec<f64>; 5] = Default::default();
    let mut keys = Vec::new();
    let expected = (0..clients).filter(|number| number % 5 > 1).count();
    for _ in 0..ROUNDS {
        let (mut practice, actor) = opened(home.path());
        let (all, time) = timed(|| practice.consent_overview(&actor, &Catalogue, &mut |_, _| {}).expect("an overview"));
        let in_force = all.iter().filter(|one| one.standing.status == Status::InForce).count();
        assert_eq!((all.len(), in_force), (clients, expected));
        whole.push(time);
        let (times, in_force) = by_hand(home.path());
        assert_eq!(in_force, expected);
        hand.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        keys.push(class_keys(home.path()));
    }
    let [finding, reading, opening, parsing, judging] = hand.map(median);
    let (whole, keys) = (median(whole), median(keys));
    let records = finding + reading + opening + parsing;
    println!(
        "consent overview: {whole:.0} ms, the same records read by hand and not judged {records:.0} ms, ratio {:.2}",
        whole / records
    );
    println!(
        "  by hand: headers {finding:.0} ms, ciphertexts from SQLite {reading:.0} ms, opening {opening:.0} ms, JSON {parsing:.0} ms; then judging {judging:.1} ms"
    );
    #[allow(clippy::cast_precision_loss, reason = "a number of clients")]
    let thousands = clients as f64 / 1000.0;
    println!(
        "  per 1,000 clients: the whole overview {:.1} ms, checking and judging alone {:.2} ms",
        whole / thousands,
        judging / thousands
    );
    println!("  of opening, one class key for each client unwrapped once would be {keys:.0} ms");
}
