//! Keys that go on after somebody has left: what a copy of the files still opens, what an edited file gains, and what a
//! crash leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::Value;

use super::super::*;
use crate::conformance::Seeded;
use crate::memory::{MemoryBlobs, MemoryKeys};

const SMALL: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };
const CLASS: &str = "clinical";
const END: i64 = 1_795_305_600_000;

type Files = BTreeMap<String, Vec<u8>>;

fn over(files: &Files) -> (Vault, MemoryKeys) {
    let keys = MemoryKeys(Arc::new(Mutex::new(files.clone())));
    (Vault::new(Box::new(keys.clone()), Box::new(MemoryBlobs::default())), keys)
}

fn files_of(keys: &MemoryKeys) -> Files {
    keys.0.lock().expect("unpoisoned").clone()
}

fn group(client: &str) -> String {
    format!("grp-{client}")
}

fn again(user: &Unlocked) -> Unlocked {
    Unlocked::from_bytes(&user.to_bytes()).expect("reads")
}

/// A practice as its ledger would tell of it, over key files in memory.
struct Practice {
    vault: Vault,
    keys: MemoryKeys,
    random: Seeded,
    /// Entries of the ledger.
    size: u64,
    users: Vec<Unlocked>,
    clients: Vec<String>,
    treats: BTreeSet<(usize, usize)>,
    office: BTreeSet<usize>,
    named: Option<OfficePublic>,
    /// By client: the ledger's size after the last time that somebody lost it.
    needs: Vec<u64>,
    /// Whose entitlement to which client began at which size of the ledger, and at which it ended.
    spans: Vec<(usize, usize, u64, u64)>,
    sealed: Vec<(usize, Sealed)>,
    /// Who lost which client, with the files as they were then, and how many payloads were sealed by then.
    lost: Vec<(usize, usize, Files, usize)>,
    /// Who was granted which client.
    granted: BTreeMap<String, (usize, usize)>,
    every_grant: Vec<(String, i64)>,
}

impl Practice {
    /// The first user is the owner, and of the office.
    fn new(users: usize, clients: usize) -> Self {
        let (vault, keys) = over(&Files::new());
        let mut practice = Self {
            vault,
            keys,
            random: Seeded::new(7),
            size: 1,
            users: Vec::new(),
            clients: (0..clients).map(|number| format!("cli-{number}")).collect(),
            treats: BTreeSet::new(),
            office: BTreeSet::new(),
            named: None,
            needs: vec![0; clients],
            spans: Vec::new(),
            sealed: Vec::new(),
            lost: Vec::new(),
            granted: BTreeMap::new(),
            every_grant: Vec::new(),
        };
        for number in 0..users {
            let name = format!("usr-{number}");
            let user = practice.vault.create_user(&name, b"pass", SMALL, &mut practice.random).expect("a user");
            practice.users.push(user);
        }
        practice.next_office(BTreeSet::from([0]));
        practice
    }

    fn entitled(&self, user: usize, client: usize) -> bool {
        self.office.contains(&user) || self.treats.contains(&(user, client))
    }

    fn publics(&self, of: impl IntoIterator<Item = usize>) -> Vec<UserPublic> {
        of.into_iter().map(|user| self.users[user].public()).collect()
    }

    /// An entry, after which some are entitled and others are not any more.
    fn change(&mut self, change: impl FnOnce(&mut Self)) {
        let all: Vec<(usize, usize)> =
            (0..self.users.len()).flat_map(|user| (0..self.clients.len()).map(move |client| (user, client))).collect();
        let before: Vec<bool> = all.iter().map(|(user, client)| self.entitled(*user, *client)).collect();
        let files = files_of(&self.keys);
        self.size += 1;
        change(self);
        for ((user, client), was) in all.into_iter().zip(before) {
            let is = self.entitled(user, client);
            if is && !was {
                self.spans.push((user, client, self.size, u64::MAX));
                self.lost.retain(|(who, what, ..)| (*who, *what) != (user, client));
            }
            if was && !is {
                self.needs[client] = self.size;
                self.spans.iter_mut().filter(|span| (span.0, span.1) == (user, client)).for_each(|span| {
                    span.3 = span.3.min(self.size - 1);
                });
                self.lost.push((user, client, files.clone(), self.sealed.len()));
            }
        }
    }

    fn next_office(&mut self, members: BTreeSet<usize>) {
        let publics = self.publics(members.iter().copied());
        self.change(|practice| practice.office = members);
        let lock = self.vault.lock_log_key().expect("locks");
        let next = NextOffice { class: CLASS, named: self.named.as_ref(), members: &publics, size: self.size };
        let public = self.vault.prepare_office(&lock, &self.users[0], &next, &mut self.random).expect("prepares");
        self.size += 1;
        assert!(self.vault.settle_office(&lock, &public).expect("settles"));
        assert!(!self.vault.settle_office(&lock, &public).expect("settles"), "once");
        self.named = Some(public);
    }

    fn signer(&self, client: usize) -> impl Fn(&str, u64) -> Option<[u8; 32]> + use<> {
        let spans: Vec<(String, [u8; 32], u64, u64)> = self
            .spans
            .iter()
            .filter(|span| span.1 == client)
            .map(|span| (self.users[span.0].user().to_owned(), self.users[span.0].public().sign_key, span.2, span.3))
            .collect();
        move |by, size| spans.iter().find(|span| span.0 == by && (span.2..=span.3).contains(&size)).map(|span| span.1)
    }

    /// Who has the key of a client by themselves.
    fn treating(&self, client: usize) -> Vec<UserPublic> {
        self.publics(self.treats.iter().filter(|(_, of)| *of == client).map(|(user, _)| *user))
    }

    fn freshen(&mut self, by: usize, client: usize) -> Result<Freshened, VaultError> {
        let users = self.treating(client);
        let signer = self.signer(client);
        let recipients = Recipients { users: &users, office: self.named.as_ref() };
        let due = Freshness { recipients, needs: self.needs[client], size: self.size, signer: &signer };
        let scope = self.clients[client].clone();
        let user = &self.users[by];
        if self.vault.ensure_class_key(user, CLASS, &scope, recipients, self.size, &mut self.random)? {
            self.vault.create_group(user, &group(&scope), CLASS, &scope, &mut self.random)?;
        }
        self.vault.freshen_group(user, &group(&scope), &due, &mut self.random)
    }

    fn seal(&mut self, by: usize, client: usize) -> Freshened {
        let done = self.freshen(by, client).expect("freshens");
        assert_eq!(self.freshen(by, client).expect("freshens"), Freshened::Kept, "once");
        let scope = self.clients[client].clone();
        let sealed = self.vault.seal(&self.users[by], &group(&scope), "note", "text/plain", b"said", &mut self.random);
        self.sealed.push((client, sealed.expect("seals")));
        done
    }

    fn grant(&mut self, user: usize, client: usize) {
        let scope = self.clients[client].clone();
        if !self.vault.has_class_key(CLASS, &scope) {
            return;
        }
        let grant = format!("gra-{}", self.every_grant.len());
        let opens = GrantOpens::Class { class: CLASS.to_owned(), scope };
        let to = self.users[user].public();
        self.vault.create_grant(&self.users[0], &grant, &to, END, &opens, &mut self.random).expect("grants");
        self.size += 1;
        self.every_grant.push((grant.clone(), END));
        self.granted.insert(grant.clone(), (user, client));
        self.lost.retain(|(who, what, ..)| (*who, *what) != (user, client));
        let holder = again(&self.users[user]).with_grants(vec![(grant, END)]);
        for (_, sealed) in self.sealed.iter().filter(|(of, _)| *of == client) {
            assert!(opens_with(&self.vault, &holder, sealed), "a grant opens what was sealed before it");
        }
    }

    fn end_grant(&mut self, which: usize) {
        let Some((grant, (user, client))) = self.granted.clone().into_iter().nth(which) else { return };
        let files = files_of(&self.keys);
        self.size += 1;
        self.needs[client] = self.size;
        self.vault.destroy_grant(&grant).expect("destroys");
        self.granted.remove(&grant);
        let has_another = self.granted.values().any(|other| *other == (user, client));
        if !self.entitled(user, client) && !has_another {
            self.lost.push((user, client, files, self.sealed.len()));
        }
    }

    fn act(&mut self, act: Act) {
        let (users, clients) = (self.users.len(), self.clients.len());
        match act {
            Act::Assign(user, client) => {
                let (user, client) = (1 + user % (users - 1), client % clients);
                self.change(|practice| practice.treats.extend([(user, client)]));
                let scope = self.clients[client].clone();
                if self.vault.has_class_key(CLASS, &scope) {
                    let to = self.users[user].public();
                    self.vault.grant_class_key(&self.users[0], CLASS, &scope, &to, &mut self.random).expect("grants");
                }
            }
            Act::Unassign(user, client) => {
                let (user, client) = (1 + user % (users - 1), client % clients);
                // A grant that goes on is an entitlement of its own.
                if !self.granted.values().any(|granted| *granted == (user, client)) {
                    self.change(|practice| practice.treats.retain(|one| *one != (user, client)));
                }
            }
            Act::Join(user) => {
                let user = 1 + user % (users - 1);
                self.change(|practice| practice.office.extend([user]));
                let to = self.users[user].public();
                self.vault.grant_office(&self.users[0], CLASS, &to, &mut self.random).expect("joins");
            }
            Act::Leave(user) => {
                let user = 1 + user % (users - 1);
                if self.office.contains(&user) && !self.granted.values().any(|(who, _)| *who == user) {
                    let mut left = self.office.clone();
                    left.remove(&user);
                    self.next_office(left);
                }
            }
            Act::Grant(user, client) => self.grant(user % users, client % clients),
            Act::EndGrant(which) => self.end_grant(which),
            Act::Seal(by, client) => {
                let client = client % clients;
                let may: Vec<usize> = (0..users).filter(|user| self.entitled(*user, client)).collect();
                self.seal(may[by % may.len()], client);
            }
        }
    }

    /// Everybody entitled opens everything; nobody who lost a client opens what was sealed for it later, whichever of the
    /// old and new files they lay over each other, and whichever grants they claim.
    fn check(&self) {
        for (client, sealed) in &self.sealed {
            for user in (0..self.users.len()).filter(|user| self.entitled(*user, *client)) {
                assert!(opens_with(&self.vault, &self.users[user], sealed), "user {user} opens client {client}");
            }
        }
        let now = files_of(&self.keys);
        for (user, client, then, count) in &self.lost {
            let thief = again(&self.users[*user]).with_grants(self.every_grant.clone());
            let later: Vec<&Sealed> =
                self.sealed[*count..].iter().filter(|(of, _)| of == client).map(|(_, sealed)| sealed).collect();
            if later.is_empty() {
                continue;
            }
            for mix in 0..16_u8 {
                let folders = ["classes/", "groups/", "offices/", "grants/"];
                let from_then = |name: &str| {
                    folders.iter().zip(0..).any(|(folder, bit)| name.starts_with(folder) && mix >> bit & 1 == 1)
                };
                let mut files: Files = now.clone().into_iter().filter(|(name, _)| !from_then(name)).collect();
                files.extend(then.clone().into_iter().filter(|(name, _)| from_then(name)));
                let (vault, _) = over(&files);
                for sealed in &later {
                    assert!(!opens_with(&vault, &thief, sealed), "user {user} lost client {client}; files {mix:04b}");
                }
            }
        }
    }
}

fn opens_with(vault: &Vault, user: &Unlocked, sealed: &Sealed) -> bool {
    vault.open(user, &sealed.reference, &sealed.wrapped_key, &sealed.body).is_ok()
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Assign(usize, usize),
    Unassign(usize, usize),
    Join(usize),
    Leave(usize),
    Grant(usize, usize),
    EndGrant(usize),
    Seal(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    let (user, client) = (0..4_usize, 0..2_usize);
    prop_oneof![
        2 => (user.clone(), client.clone()).prop_map(|(user, client)| Act::Assign(user, client)),
        2 => (user.clone(), client.clone()).prop_map(|(user, client)| Act::Unassign(user, client)),
        1 => user.clone().prop_map(Act::Join),
        2 => user.clone().prop_map(Act::Leave),
        1 => (user.clone(), client.clone()).prop_map(|(user, client)| Act::Grant(user, client)),
        1 => (0..2_usize).prop_map(Act::EndGrant),
        4 => (user, client).prop_map(|(user, client)| Act::Seal(user, client)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn who_has_left_opens_nothing_that_comes_after(acts in proptest::collection::vec(act(), 1..24)) {
        let mut practice = Practice::new(4, 2);
        for act in acts {
            practice.act(act);
        }
        // Whatever came last, a payload of each client after it.
        for client in 0..2 {
            practice.seal(0, client);
        }
        practice.check();
        prop_assert_eq!(practice.vault.audit(Some(&practice.users[0])).expect("reads"), []);
    }
}

#[test]
fn a_removed_clinicians_copy_opens_what_was_and_nothing_that_comes() {
    let mut p = Practice::new(3, 1);
    p.act(Act::Assign(0, 0));
    assert_eq!(p.seal(1, 0), Freshened::Kept);
    let copy = files_of(&p.keys);
    p.act(Act::Unassign(0, 0));
    assert!(opens_with(&over(&copy).0, &p.users[1], &p.sealed[0].1), "what they had they had");
    assert_eq!(p.seal(0, 0), Freshened::Rekeyed);
    assert_eq!(p.seal(0, 0), Freshened::Kept);
    p.check();
    assert!(matches!(p.freshen(1, 0), Ok(Freshened::Kept)));
    let refused = p.vault.seal(&p.users[1], "grp-cli-0", "note", "text/plain", b"x", &mut p.random);
    assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
    // Somebody new reads the old and the new.
    p.act(Act::Assign(1, 0));
    p.check();
    let signer = p.signer(0);
    let all = p.vault.wraps(&|_, _, by, size| signer(by, size)).expect("reads");
    let class = all.iter().find(|wraps| wraps.scope.is_some()).expect("the class key");
    assert_eq!((class.number, class.office, class.signed), (2, Some(1), Some(true)));
    assert_eq!(class.recipients, ["usr-2"]);
    let office = all.iter().find(|wraps| wraps.scope.is_none()).expect("the office");
    assert_eq!((office.recipients.as_slice(), office.signed), (&["usr-0".to_owned()][..], Some(true)));
}

/// A removed member of the office keeps the office's old private half, which is no help.
#[test]
fn a_removed_member_of_the_office_opens_nothing_that_comes() {
    let mut p = Practice::new(3, 2);
    p.act(Act::Join(0));
    p.act(Act::Join(1));
    assert_eq!(p.vault.office_members(CLASS).expect("reads"), ["usr-0", "usr-1", "usr-2"]);
    p.seal(0, 0);
    p.seal(1, 1);
    p.act(Act::Leave(0));
    assert!(!p.vault.is_of_office(&p.users[1], CLASS) && p.vault.is_of_office(&p.users[2], CLASS));
    assert_eq!((p.seal(2, 0), p.seal(0, 1)), (Freshened::Rekeyed, Freshened::Rekeyed));
    p.act(Act::Leave(1));
    p.seal(0, 0);
    p.check();
    // Three generations on, who joins reads everything.
    p.act(Act::Join(1));
    p.check();
    assert_eq!(p.vault.audit(Some(&p.users[2])).expect("reads"), []);
}

/// Puts a change into a key file, with a checksum that fits.
fn edit(keys: &MemoryKeys, name: &str, change: impl FnOnce(&mut Value)) {
    let mut files = keys.0.lock().expect("unpoisoned");
    let mut envelope: Value = serde_json::from_slice(&files[name]).expect("JSON");
    change(&mut envelope["file"]);
    envelope["check"] = Hash::of(envelope["file"].to_string().as_bytes()).to_string().into();
    files.insert(name.to_owned(), (serde_json::to_string_pretty(&envelope).expect("JSON") + "\n").into_bytes());
}

const CLASS_FILE: &str = "classes/clinical.cli-0.json";
const GROUP_FILE: &str = "groups/grp-cli-0.json";

/// A clinician treated the client and does not any more; the next sealing has not come yet, or has.
fn after_removal(sealed: bool) -> Practice {
    let mut p = Practice::new(3, 2);
    p.act(Act::Assign(0, 0));
    p.act(Act::Assign(1, 0));
    p.seal(1, 0);
    p.seal(0, 1);
    p.act(Act::Unassign(0, 0));
    if sealed {
        assert_eq!(p.seal(2, 0), Freshened::Rekeyed);
    }
    p
}

#[test]
fn an_old_key_cannot_be_made_to_look_fresh() {
    type Edit = fn(&mut Value, u64);
    let edits: [Edit; 5] = [
        |_, _| {},
        |file, size| file["made"]["since"] = size.into(),
        |file, _| file["made"]["since"] = u64::MAX.into(),
        |file, size| {
            file["made"]["since"] = size.into();
            file["made"]["by"] = "usr-0".into();
        },
        |file, _| drop(file.as_object_mut().expect("an object").shift_remove("made")),
    ];
    for (number, change) in edits.into_iter().enumerate() {
        for sealed in [false, true] {
            let mut p = after_removal(sealed);
            // The newest file is replaced by the one that the removed clinician kept, edited or not.
            let then = p.lost[0].2[CLASS_FILE].clone();
            p.keys.0.lock().expect("unpoisoned").insert(CLASS_FILE.to_owned(), then);
            edit(&p.keys, CLASS_FILE, |file| change(file, p.size));
            if sealed {
                // The group knows of a later key: what was put back is told before anything is made of it.
                let now = files_of(&p.keys);
                assert!(matches!(p.freshen(2, 0), Err(VaultError::Damaged { name, .. }) if name == CLASS_FILE));
                assert!(files_of(&p.keys) == now && !p.vault.audit(Some(&p.users[2])).expect("reads").is_empty());
                continue;
            }
            assert_eq!(p.freshen(2, 0).expect("freshens"), Freshened::Rekeyed, "edit {number}");
            let sealed = p.vault.seal(&p.users[2], "grp-cli-0", "note", "text/plain", b"x", &mut p.random);
            p.sealed = vec![(0, sealed.expect("seals"))];
            p.lost.iter_mut().for_each(|lost| lost.3 = 0);
            p.check();
        }
    }
}

/// Somebody prepares for their removal: they sign a key of their own as if they had made it later.
#[test]
fn who_signs_ahead_gains_nothing() {
    for since in [0, 2, u64::MAX] {
        let mut p = after_removal(false);
        let (mut random, size) = (Seeded::new(99), p.size);
        let since = if since == u64::MAX { since } else { size + since };
        let thief = again(&p.users[1]);
        let recipients = p.treating(0);
        let recipients = Recipients { users: &recipients, office: p.named.as_ref() };
        let (mut own, keys) = over(&Files::new());
        own.ensure_class_key(&thief, CLASS, "cli-0", recipients, since, &mut random).expect("makes one");
        let planted = files_of(&keys)[CLASS_FILE].clone();
        p.keys.0.lock().expect("unpoisoned").insert(CLASS_FILE.to_owned(), planted);
        for _ in 0..3 {
            p.size += 1;
            let users = p.treating(0);
            let signer = p.signer(0);
            let recipients = Recipients { users: &users, office: p.named.as_ref() };
            let due = Freshness { recipients, needs: p.needs[0], size: p.size, signer: &signer };
            let done = p.vault.freshen(&p.users[2], CLASS, "cli-0", &due, &mut p.random).expect("freshens");
            assert_ne!(done, Freshened::Extended);
            let signed = p.vault.wraps(&|_, _, by, size| signer(by, size)).expect("reads");
            let signed = signed.iter().find(|wraps| wraps.scope.as_deref() == Some("cli-0")).expect("is there");
            assert_eq!((signed.signed, signed.by.as_deref()), (Some(true), Some("usr-2")));
        }
    }
}

#[test]
fn a_recipient_added_to_a_new_key_gains_nothing() {
    let mut p = after_removal(true);
    let now = files_of(&p.keys);
    let then = p.lost[0].2.clone();
    let thief = again(&p.users[1]);
    let old_wraps: Value = serde_json::from_slice::<Value>(&then[CLASS_FILE]).expect("JSON")["file"]["wraps"].clone();
    // The thief's wrap of the key before, as it was and made anew for the generation that there is.
    let old_key = over(&then).0.class_key(&thief, CLASS, "cli-0").expect("had it").key().clone();
    let renewed =
        keys::wrap_to(&thief.public(), "class", &[CLASS, "cli-0", "2"], &old_key, &mut p.random).expect("wraps");
    let renewed = serde_json::to_value(renewed).expect("JSON");
    for wrap in old_wraps.as_array().expect("an array").iter().chain([&renewed]) {
        *p.keys.0.lock().expect("unpoisoned") = now.clone();
        edit(&p.keys, CLASS_FILE, |file| file["wraps"].as_array_mut().expect("an array").push(wrap.clone()));
        assert!(!p.vault.is_entitled(&thief, CLASS, "cli-0"));
        p.check();
        assert_eq!(p.freshen(2, 0).expect("freshens"), Freshened::Kept);
    }
    // Everybody's wraps exchanged for wraps of a key of the thief's own: nobody seals under it.
    *p.keys.0.lock().expect("unpoisoned") = now.clone();
    let planted: Vec<Value> = (0..3)
        .map(|user| {
            let to = p.users[user].public();
            let wrap = keys::wrap_to(&to, "class", &[CLASS, "cli-0", "2"], &old_key, &mut p.random).expect("wraps");
            serde_json::to_value(wrap).expect("JSON")
        })
        .collect();
    edit(&p.keys, CLASS_FILE, |file| {
        file["wraps"] = planted.into();
        file.as_object_mut().expect("an object").shift_remove("office");
    });
    for user in [0, 1, 2] {
        let refused = p.vault.seal(&p.users[user], "grp-cli-0", "note", "text/plain", b"x", &mut p.random);
        assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
    }
    assert!(!p.vault.audit(Some(&p.users[2])).expect("reads").is_empty(), "and it is told");
    // A key without its maker's name.
    *p.keys.0.lock().expect("unpoisoned") = now;
    edit(&p.keys, CLASS_FILE, |file| drop(file.as_object_mut().expect("an object").shift_remove("made")));
    assert!(matches!(p.freshen(2, 0), Err(VaultError::Damaged { .. })));
}

#[test]
fn wraps_of_one_file_are_worth_nothing_in_another() {
    let mut p = after_removal(true);
    p.act(Act::Assign(1, 1));
    let other = files_of(&p.keys)["classes/clinical.cli-1.json"].clone();
    let other: Value = serde_json::from_slice(&other).expect("JSON");
    for field in ["wraps", "office"] {
        let before = files_of(&p.keys);
        edit(&p.keys, CLASS_FILE, |file| file[field] = other["file"][field].clone());
        let who = if field == "wraps" { 2 } else { 0 };
        assert!(!p.vault.is_entitled(&p.users[who], CLASS, "cli-0"), "{field}");
        assert_eq!(p.vault.audit(Some(&p.users[who])).expect("reads").len(), 1, "{field}");
        *p.keys.0.lock().expect("unpoisoned") = before;
    }
}

#[test]
fn an_old_group_key_is_not_sealed_under() {
    let mut p = after_removal(true);
    let now = files_of(&p.keys);
    let then = p.lost[0].2[GROUP_FILE].clone();
    p.keys.0.lock().expect("unpoisoned").insert(GROUP_FILE.to_owned(), then);
    let seal =
        |p: &mut Practice| p.vault.seal(&p.users[2], "grp-cli-0", "note", "text/plain", b"x", &mut p.random).map(drop);
    assert!(matches!(seal(&mut p), Err(VaultError::Stale(_))));
    edit(&p.keys, GROUP_FILE, |file| {
        let old = file.as_object_mut().expect("an object");
        let sealed = old.shift_remove("sealed").expect("is there");
        old.insert("class_number".to_owned(), 2.into());
        old.insert("sealed".to_owned(), sealed);
    });
    assert!(matches!(seal(&mut p), Err(VaultError::Damaged { .. })));
    *p.keys.0.lock().expect("unpoisoned") = now;
    seal(&mut p).expect("seals");
}

/// The office's file with a key pair of somebody else's: nothing is wrapped to it, for the ledger does not name it.
#[test]
fn an_office_that_the_ledger_does_not_name_does_no_harm() {
    let mut p = after_removal(true);
    let named = p.named.clone().expect("an office");
    let lock = p.vault.lock_log_key().expect("locks");
    let next = NextOffice { class: CLASS, named: Some(&named), members: &[p.users[0].public()], size: p.size };
    // Prepared and never named: twice, and everything goes on with the one that counts.
    let lost = p.vault.prepare_office(&lock, &p.users[0], &next, &mut p.random).expect("prepares");
    let second = p.vault.prepare_office(&lock, &p.users[0], &next, &mut p.random).expect("replaces it");
    assert!(lost != second && lost.number == second.number);
    assert_eq!(p.vault.next_office(CLASS).expect("reads"), Some(second.clone()));
    assert!(p.vault.has_office(&named).expect("reads") && !p.vault.has_office(&lost).expect("reads"));
    p.check();
    p.seal(0, 0);
    p.act(Act::Join(0));
    p.check();
    // Named, and not settled: what is wrapped to it opens.
    p.named = Some(second.clone());
    assert_eq!(p.freshen(0, 1).expect("freshens"), Freshened::Extended);
    p.check();
    // The next one settles it first; who joined meanwhile is not of it unless they are named as a member.
    let next = NextOffice { named: Some(&second), ..next };
    let third = p.vault.prepare_office(&lock, &p.users[0], &next, &mut p.random).expect("prepares");
    assert_eq!(third.number, 3);
    assert!(
        matches!(
            p.vault.prepare_office(&lock, &p.users[0], &NextOffice { named: Some(&named), ..next }, &mut p.random),
            Err(VaultError::Damaged { .. })
        ),
        "a ledger older than the key files"
    );
    let none = NextOffice { members: &[], ..next };
    assert!(matches!(p.vault.prepare_office(&lock, &p.users[0], &none, &mut p.random), Err(VaultError::NoRecipient)));
    assert!(matches!(
        p.vault.prepare_office(&lock, &p.users[2], &next, &mut p.random),
        Err(VaultError::NotEntitled { .. })
    ));
    assert!(matches!(
        p.vault.grant_office(&p.users[2], CLASS, &p.users[2].public(), &mut p.random),
        Err(VaultError::NotEntitled { .. })
    ));
}

fn class_of(client: &str) -> GrantOpens {
    GrantOpens::Class { class: CLASS.to_owned(), scope: client.to_owned() }
}

#[test]
fn a_grant_opens_what_it_says_while_it_is_named() {
    let mut p = after_removal(true);
    let (to, old) = (p.users[1].public(), again(&p.users[1]));
    p.sealed.truncate(3);
    let cases = [
        (class_of("cli-0"), [true, false, true]),
        (GrantOpens::Groups(vec!["grp-cli-0".to_owned()]), [true, false, true]),
        (GrantOpens::Groups(vec!["grp-cli-1".to_owned(), "grp-cli-0".to_owned()]), [true, true, true]),
        (GrantOpens::Office { class: CLASS.to_owned() }, [true, true, true]),
    ];
    for (opens, expected) in cases {
        p.vault.create_grant(&p.users[0], "gra-one", &to, END, &opens, &mut p.random).expect("grants");
        let opened = |p: &Practice, holder: &Unlocked| -> Vec<bool> {
            p.sealed.iter().map(|(_, sealed)| opens_with(&p.vault, holder, sealed)).collect()
        };
        let in_force = |end| again(&old).with_grants(vec![("gra-one".to_owned(), end)]);
        assert_eq!(opened(&p, &in_force(END)), expected, "{opens:?}");
        assert_eq!(p.vault.grants().expect("lists"), [("gra-one".to_owned(), "usr-1".to_owned(), END)]);
        assert_eq!(p.vault.audit(Some(&old)).expect("reads"), []);
        // Not named by the ledger, named with another end, another's, or edited.
        assert!(!opened(&p, &old).contains(&true) && !opened(&p, &in_force(END + 1)).contains(&true));
        let stranger = again(&p.users[2]).with_grants(vec![("gra-one".to_owned(), END)]);
        assert_eq!(opened(&p, &stranger), opened(&p, &p.users[2]));
        let good = files_of(&p.keys);
        edit(&p.keys, "grants/gra-one.json", |file| file["until"] = (END + 1).into());
        assert!(!opened(&p, &in_force(END + 1)).contains(&true) && !opened(&p, &in_force(END)).contains(&true));
        assert_eq!(p.vault.audit(Some(&old)).expect("reads").len(), 1);
        *p.keys.0.lock().expect("unpoisoned") = good.clone();
        edit(&p.keys, "grants/gra-one.json", |file| file["keys"][0]["number"] = 7.into());
        assert_eq!(p.vault.audit(Some(&old)).expect("reads").len(), 1);
        *p.keys.0.lock().expect("unpoisoned") = good.clone();
        for (name, contents) in good.iter().filter(|(name, _)| name.starts_with("grants/")) {
            // Under another grant's name.
            let text = String::from_utf8(contents.clone()).expect("text").replace("gra-one", "gra-two");
            p.keys.0.lock().expect("unpoisoned").insert(name.replace("one", "two"), text.into_bytes());
            edit(&p.keys, "grants/gra-two.json", |_| {});
        }
        let two = again(&old).with_grants(vec![("gra-two".to_owned(), END)]);
        assert!(!opened(&p, &two).contains(&true));
        p.vault.destroy_grant("gra-two").expect("destroys");
        // The holder hands nothing on.
        let holder = in_force(END);
        for more in [class_of("cli-0"), GrantOpens::Groups(vec!["grp-cli-0".to_owned()]), opens.clone()] {
            let refused = p.vault.create_grant(&holder, "gra-more", &to, END + 1, &more, &mut p.random);
            assert!(matches!(refused, Err(VaultError::NotEntitled { .. })), "{more:?}");
        }
        let refused = p.vault.grant_class_key(&holder, CLASS, "cli-0", &to, &mut p.random);
        assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
        let refused = p.vault.grant_office(&holder, CLASS, &to, &mut p.random);
        assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
        p.vault.destroy_grant("gra-one").expect("destroys");
        p.vault.destroy_grant("gra-one").expect("twice is no error");
        assert!(!opened(&p, &in_force(END)).contains(&true));
    }
}

/// Who has a grant seals with it where the key is fresh, and makes no key where it is not.
#[test]
fn a_holder_of_a_grant_seals_and_makes_no_key() {
    let mut p = after_removal(true);
    let to = p.users[1].public();
    p.vault.create_grant(&p.users[0], "gra-one", &to, END, &class_of("cli-0"), &mut p.random).expect("grants");
    p.users[1].set_grants(vec![("gra-one".to_owned(), END)]);
    p.lost.clear();
    assert_eq!(p.seal(1, 0), Freshened::Kept);
    assert!(p.vault.is_entitled(&p.users[1], CLASS, "cli-0") && !p.vault.holds_class_key(&p.users[1], CLASS, "cli-0"));
    // Somebody entitled lacks it: the holder does not extend it, and goes on.
    p.treats.insert((1, 0));
    assert_eq!(p.seal(1, 0), Freshened::Kept);
    p.treats.remove(&(1, 0));
    p.size += 1;
    p.needs[0] = p.size;
    assert!(matches!(p.freshen(1, 0), Err(VaultError::NotEntitled { .. })));
    assert_eq!(p.seal(0, 0), Freshened::Rekeyed);
    // The grant opens what was sealed before, and after it is made anew the rest.
    assert!(opens_with(&p.vault, &p.users[1], &p.sealed[2].1) && !opens_with(&p.vault, &p.users[1], &p.sealed[5].1));
    let refused = p.vault.seal(&p.users[1], "grp-cli-0", "note", "text/plain", b"x", &mut p.random);
    assert!(matches!(refused, Err(VaultError::NotEntitled { .. })));
    p.vault.create_grant(&p.users[0], "gra-one", &to, END, &class_of("cli-0"), &mut p.random).expect("anew");
    assert!(opens_with(&p.vault, &p.users[1], &p.sealed[5].1));
}

#[test]
fn what_is_destroyed_is_gone_from_grants_too() {
    let mut p = after_removal(true);
    let to = p.users[1].public();
    let both = GrantOpens::Groups(vec!["grp-cli-0".to_owned(), "grp-cli-1".to_owned()]);
    p.vault.create_grant(&p.users[0], "gra-groups", &to, END, &both, &mut p.random).expect("grants");
    p.vault.create_grant(&p.users[0], "gra-class", &to, END, &class_of("cli-1"), &mut p.random).expect("grants");
    let grants = vec![("gra-groups".to_owned(), END), ("gra-class".to_owned(), END)];
    let (holder, groups) = (again(&p.users[1]).with_grants(grants), files_of(&p.keys));
    p.vault.destroy_group("grp-cli-0", &[]).expect("destroys");
    // Even with the group's own file of before.
    p.keys.0.lock().expect("unpoisoned").insert(GROUP_FILE.to_owned(), groups[GROUP_FILE].clone());
    assert!(!opens_with(&p.vault, &holder, &p.sealed[0].1) && opens_with(&p.vault, &holder, &p.sealed[1].1));
    p.vault.destroy_scope("cli-1", &[]).expect("destroys");
    p.keys.0.lock().expect("unpoisoned").extend(groups.into_iter().filter(|(name, _)| !name.starts_with("grants/")));
    assert!(!opens_with(&p.vault, &holder, &p.sealed[1].1));
    assert_eq!(p.vault.grants().expect("lists"), [], "nothing is left in them");
}

#[test]
fn a_user_who_goes_signs_nothing_and_what_they_destroyed_stays_destroyed() {
    let mut p = after_removal(true);
    p.vault.create_log_key(&p.users[0], &mut p.random).expect("makes it");
    p.vault.grant_log_key(&p.users[0], &p.users[1].public(), &mut p.random).expect("grants");
    let to = p.users[1].public();
    p.vault.create_grant(&p.users[0], "gra-one", &to, END, &class_of("cli-0"), &mut p.random).expect("grants");
    let gone = |name: &str| Destruction {
        extent: Extent::Group,
        name: name.to_owned(),
        seq: 3,
        time: END,
        by: "usr-1".to_owned(),
    };
    p.vault.note_destructions(&p.users[1], &[gone("grp-a"), gone("grp-b")]).expect("notes");
    for _ in 0..2 {
        p.vault.remove_user(&p.users[0], "usr-1").expect("removes, also twice");
        assert_eq!(p.vault.log_signers().expect("reads"), ["usr-0"]);
        assert!(matches!(p.vault.log_signer(&p.users[1]), Err(VaultError::NotEntitled { .. })));
        assert!(matches!(p.vault.unlock("usr-1", b"pass"), Err(VaultError::WrongPassphrase)));
        let list = p.vault.destructions().expect("reads");
        assert_eq!(
            list.held.iter().map(|one| (one.name.as_str(), one.by.as_str())).collect::<Vec<_>>(),
            [("grp-a", "usr-0"), ("grp-b", "usr-0")]
        );
        assert_eq!((list.unsigned, list.damaged), (vec![], vec![]));
        assert_eq!(p.vault.grants().expect("lists"), []);
        assert_eq!(p.vault.audit(Some(&p.users[0])).expect("reads"), []);
    }
}

#[test]
fn an_invited_user_takes_keys_of_their_own() {
    let mut p = after_removal(true);
    p.act(Act::Join(1));
    p.vault.create_log_key(&p.users[0], &mut p.random).expect("makes it");
    p.vault.grant_log_key(&p.users[0], &p.users[2].public(), &mut p.random).expect("grants");
    let before = files_of(&p.keys);
    let old = again(&p.users[2]);
    assert_eq!(p.vault.succeeded("usr-2").expect("reads"), None);
    p.users[2] = p.vault.redeem_user(&old, b"my own", SMALL, &mut p.random).expect("redeems");
    assert_eq!(p.vault.unlock("usr-2", b"my own").expect("opens").public(), p.users[2].public());
    assert_eq!(p.vault.succeeded("usr-2").expect("reads"), Some(old.public()));
    p.check();
    assert!(p.vault.log_signer(&p.users[2]).is_ok() && p.vault.is_of_office(&p.users[2], CLASS));
    assert!(p.vault.log_signer(&old).is_err() && !p.vault.is_of_office(&old, CLASS));
    assert!(!p.vault.is_entitled(&old, CLASS, "cli-0"), "the inviter's passphrase opens nothing any more");
    assert!(matches!(p.vault.redeem_user(&old, b"again", SMALL, &mut p.random), Err(VaultError::Damaged { .. })));
    for (name, contents) in files_of(&p.keys) {
        let text = String::from_utf8(contents).expect("text");
        let wraps = text.matches("\"user\": \"usr-2\"").count();
        assert!(wraps <= 1 || name == "log.json", "{name}");
        assert!(before.contains_key(&name));
    }
    assert_eq!(p.vault.audit(Some(&p.users[2])).expect("reads"), []);
    // Somebody who swaps the file for keys of their own has no signature of the old ones.
    let (mut own, keys) = over(&Files::new());
    let thief = own.create_user("usr-2", b"thief", SMALL, &mut Seeded::new(5)).expect("makes one");
    let mine = own.redeem_user(&thief, b"thief", SMALL, &mut Seeded::new(6)).expect("redeems");
    p.keys
        .0
        .lock()
        .expect("unpoisoned")
        .insert("users/usr-2.json".to_owned(), files_of(&keys)["users/usr-2.json"].clone());
    assert_ne!(p.vault.succeeded("usr-2").expect("reads"), Some(old.public()));
    assert!(!p.vault.is_entitled(&mine, CLASS, "cli-0"));
}

/// Key files as programs before generations wrote them: no number, no maker, and wraps that do not say which key they are
/// for.
#[test]
fn files_of_before_are_read_and_go_on() {
    let mut p = Practice::new(2, 1);
    p.vault.create_class_key(CLASS, "cli-0", &p.publics([1]), &mut p.random).expect("makes it");
    p.treats.insert((1, 0));
    p.spans.push((1, 0, 1, u64::MAX));
    p.vault.create_group(&p.users[1], "grp-cli-0", CLASS, "cli-0", &mut p.random).expect("makes it");
    edit(&p.keys, CLASS_FILE, |file| {
        file["wraps"][0].as_object_mut().expect("an object").shift_remove("to");
    });
    let text = String::from_utf8(files_of(&p.keys)[CLASS_FILE].clone()).expect("text");
    for field in ["number", "made", "office", "earlier", "\"to\""] {
        assert!(!text.contains(field), "{field}");
    }
    p.named = None;
    assert_eq!(p.seal(1, 0), Freshened::Kept);
    assert_eq!(files_of(&p.keys)[CLASS_FILE], text.into_bytes());
    p.needs[0] = p.size;
    assert_eq!(p.seal(1, 0), Freshened::Rekeyed, "nobody signed for it");
    assert!(p.sealed.iter().all(|(_, sealed)| opens_with(&p.vault, &p.users[1], sealed)));
}

#[test]
fn a_key_for_nobody_is_not_made() {
    let mut p = Practice::new(2, 1);
    let mut ensure = |users: &[UserPublic], office: Option<&OfficePublic>| {
        let to = Recipients { users, office };
        p.vault.ensure_class_key(&p.users[0], CLASS, "cli-0", to, 1, &mut p.random)
    };
    assert!(matches!(ensure(&[], None), Err(VaultError::NoRecipient)));
    let other = OfficePublic { class: "billing".to_owned(), number: 1, seal_key: [9; 32] };
    assert!(matches!(ensure(&[], Some(&other)), Err(VaultError::BadName(_))));
    let weak = OfficePublic { class: CLASS.to_owned(), number: 1, seal_key: [0; 32] };
    assert!(matches!(ensure(&[], Some(&weak)), Err(VaultError::Damaged { .. })));
    assert!(ensure(&[], p.named.clone().as_ref()).expect("makes it"));
    assert!(
        !p.vault
            .ensure_class_key(&p.users[0], CLASS, "cli-0", Recipients { users: &[], office: None }, 1, &mut p.random)
            .expect("is there")
    );
}

/// A key store that stops at its n-th change: before it is made, or after.
#[derive(Clone)]
struct Failing {
    keys: MemoryKeys,
    left: Arc<AtomicUsize>,
    after: bool,
}

impl Failing {
    fn change(&self, change: impl FnOnce(MemoryKeys) -> io::Result<()>) -> io::Result<()> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 && !self.after {
            return Err(io::Error::other("the power went"));
        }
        if left > 0 || self.after {
            if left == usize::MAX {
                return Err(io::Error::other("there is no power"));
            }
            change(self.keys.clone())?;
        }
        self.left.store(left.checked_sub(1).unwrap_or(usize::MAX), Ordering::Relaxed);
        if left == 0 { Err(io::Error::other("the power went")) } else { Ok(()) }
    }
}

impl KeyStore for Failing {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.keys.read(name)
    }

    fn write(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.change(|mut keys| keys.write(name, contents))
    }

    fn append(&mut self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.change(|mut keys| keys.append(name, contents))
    }

    fn destroy(&mut self, name: &str) -> io::Result<()> {
        self.change(|mut keys| keys.destroy(name))
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        self.keys.list(prefix)
    }

    fn lock(&self) -> io::Result<Box<dyn Send>> {
        self.keys.lock()
    }
}

/// Stops an act at each of its writes; after it everybody reads what they read, and the act can be done again.
fn at_each_write(make: &dyn Fn() -> Practice, act: &dyn Fn(&mut Practice) -> Result<(), VaultError>, writes: usize) {
    for after in [false, true] {
        for stop in 0..=writes {
            let mut p = make();
            let left = Arc::new(AtomicUsize::new(stop));
            let failing = Failing { keys: p.keys.clone(), left, after };
            let whole =
                std::mem::replace(&mut p.vault, Vault::new(Box::new(failing), Box::new(MemoryBlobs::default())));
            let done = act(&mut p);
            assert_eq!(done.is_ok(), stop == writes, "{writes} writes, stopped at {stop}");
            p.vault = whole;
            p.check();
            assert_eq!(p.vault.audit(Some(&p.users[0])).expect("reads"), [], "stopped at {stop}");
            if stop < writes {
                act(&mut p).expect("can be done again");
                p.check();
                assert_eq!(p.vault.audit(Some(&p.users[0])).expect("reads"), []);
            }
        }
    }
}

#[test]
fn a_crash_at_any_write_leaves_everything_readable() {
    at_each_write(&|| after_removal(false), &|p| p.freshen(2, 0).map(drop), 2);
    at_each_write(
        &|| after_removal(true),
        &|p| {
            let members = p.publics([0, 2]);
            let named = p.named.clone();
            let lock = p.vault.lock_log_key()?;
            let next = NextOffice { class: CLASS, named: named.as_ref(), members: &members, size: p.size };
            let public = p.vault.prepare_office(&lock, &p.users[0], &next, &mut p.random)?;
            // The ledger's entry.
            p.named = Some(public.clone());
            p.vault.settle_office(&lock, &public).map(drop)
        },
        2,
    );
    at_each_write(
        &|| after_removal(true),
        &|p| p.vault.grant_office(&p.users[0], CLASS, &p.users[2].public(), &mut p.random),
        1,
    );
    at_each_write(
        &|| after_removal(true),
        &|p| {
            let to = p.users[1].public();
            p.vault.create_grant(&p.users[0], "gra-one", &to, END, &class_of("cli-0"), &mut p.random)?;
            p.vault.destroy_grant("gra-one")
        },
        2,
    );
    let with_log = || {
        let mut p = after_removal(true);
        p.vault.create_log_key(&p.users[0], &mut p.random).expect("makes it");
        p.vault.grant_log_key(&p.users[0], &p.users[1].public(), &mut p.random).expect("grants");
        let gone =
            Destruction { extent: Extent::Group, name: "grp-a".to_owned(), seq: 3, time: END, by: "usr-1".to_owned() };
        p.vault.note_destructions(&p.users[1], &[gone]).expect("notes");
        p
    };
    at_each_write(&with_log, &|p| p.vault.remove_user(&p.users[0], "usr-1"), 3);
}

/// Whichever key pair is in force after the crash, it opens everything.
#[test]
fn a_crash_while_keys_are_exchanged_locks_nobody_out() {
    let invited = || {
        let mut p = after_removal(true);
        p.act(Act::Join(1));
        p.vault.create_log_key(&p.users[0], &mut p.random).expect("makes it");
        p.vault.grant_log_key(&p.users[0], &p.users[2].public(), &mut p.random).expect("grants");
        p
    };
    // Class, office and log with the new wraps; the user's file; class, office and log without the old.
    let writes = 7;
    for after in [false, true] {
        for stop in 0..=writes {
            let mut p = invited();
            let failing = Failing { keys: p.keys.clone(), left: Arc::new(AtomicUsize::new(stop)), after };
            let mut vault = Vault::new(Box::new(failing), Box::new(MemoryBlobs::default()));
            let done = vault.redeem_user(&p.users[2], b"my own", SMALL, &mut p.random);
            assert_eq!(done.is_ok(), stop == writes, "stopped at {stop}");
            let old = again(&p.users[2]);
            if let Ok(new) = p.vault.unlock("usr-2", b"my own") {
                assert_eq!(p.vault.succeeded("usr-2").expect("reads"), Some(old.public()));
                p.users[2] = new;
                p.check();
                p.vault.forget_former_keys(&p.users[2]).expect("forgets");
            } else {
                p.check();
                p.users[2] = p.vault.redeem_user(&old, b"my own", SMALL, &mut p.random).expect("again");
            }
            p.check();
            assert!(p.vault.log_signer(&p.users[2]).is_ok());
            assert!(!p.vault.is_entitled(&old, CLASS, "cli-0") && p.vault.log_signer(&old).is_err());
            assert_eq!(p.vault.audit(Some(&p.users[2])).expect("reads"), []);
        }
    }
}
