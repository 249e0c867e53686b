//! Whatever happens one after another to access for a limited time: nobody has it after its end, and nobody's copy of the
//! keys opens what is written after it.

mod desk;

use std::collections::BTreeSet;

use desk::{Desk, Script};
use proptest::prelude::*;
use provenote_ledger::memory::{MemoryBlobs, MemoryKeys};
use provenote_ledger::{Argon2Params, KeyStore, Unlocked, Vault};
use provenote_practice::grants::GrantAsked;
use provenote_practice::staff::{Entry, NewUser};
use provenote_practice::{Practice, PracticeError};
use provenote_schemas::{Class, Role};

const OTHERS: &[u8] = b"quiet orchard lantern drum seven";
const MINUTE: i64 = 60_000;
const LIGHT: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

/// What happens next. Whom and which it is about is told by a number that is counted around.
#[derive(Debug, Clone, Copy)]
enum Step {
    Ask { who: usize, minutes: u32, all: bool },
    Approve(usize),
    Deny(usize),
    Revoke(usize),
    Pass { minutes: i64 },
    Change(usize),
    Write,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2_usize, 1..90_u32, any::<bool>()).prop_map(|(who, minutes, all)| Step::Ask { who, minutes, all }),
        4 => any::<usize>().prop_map(Step::Approve),
        1 => any::<usize>().prop_map(Step::Deny),
        1 => any::<usize>().prop_map(Step::Revoke),
        2 => (1..60_i64).prop_map(|minutes| Step::Pass { minutes }),
        1 => (0..2_usize).prop_map(Step::Change),
        3 => Just(Step::Write),
    ]
}

/// A grant as this test counts it.
#[derive(Debug, Clone)]
struct Asked {
    id: String,
    who: usize,
    minutes: u32,
    waiting: bool,
    /// In force until then, where it is.
    until: Option<i64>,
}

/// A copy of all keys that somebody made while they had access, with what was unlocked then.
struct Copied {
    vault: Vault,
    keys: Unlocked,
    who: usize,
    /// How many entries there were when the access was over, once it is.
    over_at: Option<u64>,
}

struct Play {
    desk: Desk,
    note: String,
    users: Vec<String>,
    asked: Vec<Asked>,
    copies: Vec<Copied>,
}

impl Play {
    fn new() -> Self {
        let mut desk = Desk::consented();
        let session = desk.record();
        let text = desk.draft(&session, &Script::new()).expect("a draft");
        let note = desk.attest(&text).expect("attested").note.to_string();
        let add = |desk: &mut Desk, name: &str| {
            let asked =
                NewUser { name, role: Role::Clinician, ends: None, entry: Entry::Passphrase(OTHERS), argon2: LIGHT };
            desk.practice.add_user(&desk.actor, &asked).expect("a user").user.to_string()
        };
        let users = vec![add(&mut desk, "Kim Lee"), add(&mut desk, "Sam Ortiz")];
        Self { desk, note, users, asked: Vec::new(), copies: Vec::new() }
    }

    fn now(&self) -> i64 {
        self.desk.clock.0.get()
    }

    fn in_force(&self, who: usize) -> bool {
        self.asked.iter().any(|one| one.who == who && one.until.is_some_and(|until| self.now() < until))
    }

    fn act(&mut self, step: Step) {
        // As every command begins.
        self.desk.practice.end_grants(&self.desk.actor).expect("ends what is over");
        let client = self.desk.client.clone();
        let now = self.now();
        let waiting = |asked: &[Asked]| -> Vec<usize> { (0..asked.len()).filter(|at| asked[*at].waiting).collect() };
        match step {
            Step::Ask { who, minutes, all } => {
                let actor = self.desk.practice.sign_in(&self.users[who], OTHERS).expect("signs in");
                let asked = GrantAsked {
                    client: (!all).then_some(client.as_str()),
                    session: None,
                    note: None,
                    class: Class::Clinical,
                    minutes,
                    reason: "Covering for Dana Reyes this week.",
                    authority: None,
                };
                let id = self.desk.practice.request_grant(&actor, &asked).expect("asked for").grant.to_string();
                self.asked.push(Asked { id, who, minutes, waiting: true, until: None });
            }
            Step::Approve(which) | Step::Deny(which) => {
                let waiting = waiting(&self.asked);
                let Some(at) = waiting.get(which % waiting.len().max(1)).copied() else { return };
                let id = self.asked[at].id.clone();
                let one = &mut self.asked[at];
                one.waiting = false;
                if matches!(step, Step::Deny(_)) {
                    self.desk.practice.deny_grant(&self.desk.actor, &id).expect("denied");
                    return;
                }
                one.until = Some(now + i64::from(one.minutes) * MINUTE);
                let who = one.who;
                self.desk.practice.approve_grant(&self.desk.actor, &id).expect("given");
                let keys = self.desk.practice.sign_in(&self.users[who], OTHERS).expect("signs in");
                let keys = Unlocked::from_bytes(&keys.keys().to_bytes())
                    .expect("keys")
                    .with_grants(self.asked.iter().filter_map(|one| Some((one.id.clone(), one.until?))).collect());
                self.copies.push(Copied { vault: copy_of(&self.desk.drivers.keys), keys, who, over_at: None });
            }
            Step::Revoke(which) => {
                let given: Vec<usize> =
                    (0..self.asked.len()).filter(|at| self.asked[*at].until.is_some_and(|until| now < until)).collect();
                let Some(at) = given.get(which % given.len().max(1)).copied() else { return };
                self.desk.practice.revoke_grant(&self.desk.actor, &self.asked[at].id).expect("taken back");
                self.asked[at].until = None;
            }
            Step::Pass { minutes } => self.desk.later(minutes * MINUTE),
            Step::Change(who) => {
                let people = self.desk.practice.people().expect("people");
                let id = self.users[who].parse().expect("an id");
                let role = match people.person(&id).expect("a person").role {
                    Role::Clinician => Role::Supervisor,
                    _ => Role::Clinician,
                };
                self.desk.practice.change_user(&mut self.desk.actor, &self.users[who], role, None).expect("changed");
                for one in self.asked.iter_mut().filter(|one| one.who == who) {
                    (one.waiting, one.until) = (false, None);
                }
            }
            Step::Write => {
                let session = self.desk.record();
                self.desk.draft(&session, &Script::new()).expect("a draft");
            }
        }
    }

    /// Who has access reads the note, old and new; who has not is refused; and no copy opens what came after.
    fn check(&mut self, step: Step) -> Result<(), TestCaseError> {
        for who in 0..self.users.len() {
            // Requests that nobody answered lapse on the way; they open nothing either.
            let allowed = self.in_force(who);
            let actor = self.desk.practice.sign_in(&self.users[who], OTHERS).expect("signs in");
            let shown = self.desk.practice.show_note(&actor, &self.note);
            prop_assert_eq!(shown.is_ok(), allowed, "user {} after {:?}: {:?}", who, step, shown.err());
            let opened = clinical(self.desk.practice.vault(), &self.desk.practice, actor.keys(), 0);
            prop_assert_eq!(!opened.is_empty(), allowed, "the keys of user {} after {:?}", who, step);
            if allowed {
                let all = clinical(self.desk.practice.vault(), &self.desk.practice, self.desk.actor.keys(), 0);
                prop_assert_eq!(&opened, &all, "user {} opens also what was written since, after {:?}", who, step);
            } else {
                let size = self.desk.practice.log().size().expect("a size");
                // Over for the program at once; for copies from the next command on, which begins with ending it.
                self.desk.practice.end_grants(&self.desk.actor).expect("ends what is over");
                for copy in self.copies.iter_mut().filter(|copy| copy.who == who && copy.over_at.is_none()) {
                    copy.over_at = Some(size);
                }
            }
        }
        for copy in &self.copies {
            let Some(from) = copy.over_at else { continue };
            let opened = clinical(&copy.vault, &self.desk.practice, &copy.keys, from);
            prop_assert!(opened.is_empty(), "a copy of user {} opens {:?} after {:?}", copy.who, opened, step);
        }
        Ok(())
    }
}

/// The entries whose clinical payloads these keys open, asking nobody.
fn clinical(vault: &Vault, practice: &Practice, keys: &Unlocked, from: u64) -> BTreeSet<u64> {
    let mut opened = BTreeSet::new();
    for header in practice.ledger_log(None, None, None).expect("reads").iter().filter(|header| header.seq >= from) {
        for payload in header.payloads.iter().filter(|payload| payload.class == Class::Clinical.as_str()) {
            let Some((wrapped, body)) = practice.log().sealed(payload).expect("reads") else { continue };
            if vault.open(keys, payload, &wrapped, &body).is_ok() {
                opened.insert(header.seq);
            }
        }
    }
    opened
}

fn copy_of(keys: &MemoryKeys) -> Vault {
    let mut copy = MemoryKeys::default();
    for name in keys.list("").expect("lists") {
        let contents = keys.read(&name).expect("reads").unwrap_or_default();
        copy.write(&name, &contents).expect("writes");
    }
    Vault::new(Box::new(copy), Box::new(MemoryBlobs::default()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nobody_has_access_after_its_end_and_no_copy_opens_what_comes_after(
        steps in proptest::collection::vec(step(), 1..16),
    ) {
        let mut play = Play::new();
        for step in steps {
            play.act(step);
            play.check(step)?;
        }
    }
}

#[test]
fn a_role_that_changes_takes_what_was_given_with_it_from_copies_too() {
    for removed in [false, true] {
        let mut play = Play::new();
        play.act(Step::Ask { who: 0, minutes: 60, all: false });
        play.act(Step::Approve(0));
        assert_eq!(play.copies.len(), 1);
        let from = play.desk.practice.log().size().expect("a size");
        if removed {
            let user = play.users[0].clone();
            play.desk.practice.remove_user(&mut play.desk.actor, &user).expect("removed");
            assert!(matches!(play.desk.practice.sign_in(&user, OTHERS), Err(PracticeError::Vault(_))));
        } else {
            play.act(Step::Change(0));
        }
        play.act(Step::Write);
        let copy = &play.copies[0];
        assert_eq!(clinical(&copy.vault, &play.desk.practice, &copy.keys, from), BTreeSet::new(), "{removed}");
        assert!(!clinical(&copy.vault, &play.desk.practice, &copy.keys, 0).is_empty(), "what was there, was theirs");
    }
}

#[test]
fn somebody_elses_end_takes_nothing_from_who_still_has_access() {
    let mut play = Play::new();
    for who in 0..2 {
        play.act(Step::Ask { who, minutes: 60, all: false });
        play.act(Step::Approve(0));
    }
    play.act(Step::Revoke(0));
    play.act(Step::Write);
    play.check(Step::Write).expect("the other reads what was written since");
    assert!(play.in_force(1) && !play.in_force(0));
}
