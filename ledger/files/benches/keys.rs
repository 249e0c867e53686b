//! What it takes to let one more user open a class of every client, with few clients and with many; and what it takes to
//! look whether a key is fresh before something is sealed under it, beside the sealing itself. On the disk, as it is used.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use std::path::Path;
use std::time::Instant;

use provenote_ledger::memory::MemoryBlobs;
use provenote_ledger::{
    Argon2Params, Entropy, Freshened, Freshness, Hash, NextOffice, OfficePublic, Recipients, Unlocked, Vault,
};
use provenote_ledger_files::FileKeys;

const CLASSES: [&str; 4] = ["clinical", "billing", "administrative", "research"];
const SMALL: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
const FEW: usize = 100;
const ROUNDS: usize = 200;

struct Counted(u64);

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Hash::of(&self.0.to_be_bytes()).0[..chunk.len()]);
        }
    }
}

/// The median of some rounds, in milliseconds, after one to warm up.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn median(rounds: usize, mut work: impl FnMut()) -> f64 {
    work();
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[rounds / 2]
}

struct Practice {
    vault: Vault,
    owner: Unlocked,
    clinician: Unlocked,
    offices: Vec<OfficePublic>,
    random: Counted,
}

fn scope(client: usize) -> String {
    format!("cli-{client:016x}")
}

fn made(home: &Path, clients: usize) -> Practice {
    let mut random = Counted(0);
    let keys = FileKeys::open(home).expect("a folder");
    let mut vault = Vault::new(Box::new(keys), Box::new(MemoryBlobs::default()));
    let owner = vault.create_user("usr-owner", b"pass", SMALL, &mut random).expect("a user");
    let clinician = vault.create_user("usr-clinician", b"pass", SMALL, &mut random).expect("a user");
    let mut offices = Vec::new();
    for class in CLASSES {
        let lock = vault.lock_log_key().expect("locks");
        let next = NextOffice { class, named: None, members: &[owner.public()], size: 1 };
        let office = vault.prepare_office(&lock, &owner, &next, &mut random).expect("prepares");
        vault.settle_office(&lock, &office).expect("settles");
        offices.push(office);
    }
    let users = [clinician.public()];
    for client in 0..clients {
        for office in &offices {
            let to = Recipients { users: &users, office: Some(office) };
            vault.ensure_class_key(&owner, &office.class, &scope(client), to, 2, &mut random).expect("makes a key");
        }
    }
    Practice { vault, owner, clinician, offices, random }
}

/// A user added to all offices: a key file, and a wrap for each class.
fn adding(practice: &mut Practice) -> f64 {
    let Practice { vault, owner, offices, random, .. } = practice;
    let mut number = 0;
    median(20, || {
        number += 1;
        let user = vault.create_user(&format!("usr-{number}"), b"pass", SMALL, random).expect("a user");
        for office in offices.iter() {
            vault.grant_office(owner, &office.class, &user.public(), random).expect("joins");
        }
        assert!(vault.is_entitled(&user, "clinical", &scope(0)));
    })
}

/// Sealing a short note: without looking whether the key is fresh, with it, and by a member of the office.
fn sealing(practice: &mut Practice) -> [f64; 4] {
    let Practice { vault, owner, clinician, offices, random } = practice;
    let scope = scope(0);
    vault.create_group(clinician, "grp-one", "clinical", &scope, random).expect("a group");
    let key = owner.public().sign_key;
    let signer = |by: &str, _: u64| (by == "usr-owner").then_some(key);
    let users = [clinician.public()];
    let recipients = Recipients { users: &users, office: offices.first() };
    let due = Freshness { recipients, needs: 2, size: 9, signer: &signer };
    let text = [b'a'; 2_000];
    let seal = |vault: &Vault, by: &Unlocked, random: &mut Counted| {
        drop(vault.seal(by, "grp-one", "note", "text/plain", &text, random).expect("seals"));
    };
    let alone = median(ROUNDS, || seal(vault, clinician, random));
    let office = median(ROUNDS, || seal(vault, owner, random));
    let checked = median(ROUNDS, || {
        assert_eq!(vault.freshen_group(clinician, "grp-one", &due, random).expect("freshens"), Freshened::Kept);
        seal(vault, clinician, random);
    });
    let mut size = 9;
    let rekeyed = median(ROUNDS / 10, || {
        size += 1;
        let due = Freshness { needs: size, size, signer: &|_, _| Some(clinician.public().sign_key), ..due };
        assert_eq!(vault.freshen_group(clinician, "grp-one", &due, random).expect("freshens"), Freshened::Rekeyed);
        seal(vault, clinician, random);
    });
    [alone, office, checked, rekeyed]
}

fn main() {
    let clients: usize =
        std::env::var("PROVENOTE_BENCH_CLIENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000);
    let mut added = Vec::new();
    for count in [FEW, clients] {
        let home = tempfile::tempdir().expect("a folder");
        let mut practice = made(home.path(), count);
        added.push(adding(&mut practice));
        println!("a user added to {} offices, {count} clients: {:.2} ms", CLASSES.len(), added[added.len() - 1]);
        if count == clients {
            let [alone, office, checked, rekeyed] = sealing(&mut practice);
            println!("sealing 2,000 bytes: {alone:.3} ms; by a member of the office {office:.3} ms");
            println!("sealing after a look whether the key is fresh: {checked:.3} ms, {:.2} times", checked / alone);
            println!("sealing after somebody lost the client, with the next keys written: {rekeyed:.3} ms");
        }
    }
    println!("adding a user, {clients} clients to {FEW}: {:.2} times", added[1] / added[0]);
}
