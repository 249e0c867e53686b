//! Signing in: the second factor, waits after failures, devices and places; and attacks on each of them.

mod common;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;

use common::{Counting, elm_street};
use provenote_access::Act;
use provenote_access::factor::FactorError;
use provenote_access::lockout::LONGEST_MS;
use provenote_access::place::{Country, CountryError, Network, Origin, Places};
use provenote_ledger::memory::{MemoryAnchor, MemoryBlobs, MemoryKeys, MemoryStore};
use provenote_ledger::{Argon2Params, Fact, Header, Log, Unlocked, Vault, VaultError};
use provenote_ledger_files::FileKeys;
use provenote_practice::authentication::{Arrival, AuthenticationError, FactorBegun, FactorConfirmed, Wait};
use provenote_practice::clients::NewClient;
use provenote_practice::ports::{Clock, Countries, DeviceKey, DeviceKeys};
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Parts, found};
use provenote_practice::staff::{Entry, NewUser};
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::{DeviceId, Role, Time, UserId};
use totp_rs::Totp;

const START: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const PASSPHRASE: &[u8] = b"five random words in order";
const OTHERS: &[u8] = b"velvet harbour nineteen otters";
const LIGHT: Argon2Params = Argon2Params { memory_kib: 8, passes: 1, lanes: 1 };

/// Something that happens once the clock is read so many more times.
type Alarm = (usize, Box<dyn FnOnce()>);

/// A clock that tests move, and at whose reading something may happen.
#[derive(Clone)]
struct Hand {
    now: Rc<Cell<i64>>,
    alarm: Rc<RefCell<Option<Alarm>>>,
}

impl Hand {
    fn later(&self, ms: i64) {
        self.now.set(self.now.get() + ms);
    }
}

impl Clock for Hand {
    fn now(&self) -> Time {
        let mut alarm = self.alarm.borrow_mut();
        let due = match alarm.as_mut() {
            Some((0, _)) => alarm.take(),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        drop(alarm);
        if let Some((_, happens)) = due {
            happens();
        }
        Time::from_millis(self.now.get())
    }
}

/// A machine's key pair.
struct Machine(Unlocked);

impl Machine {
    fn new(seed: u64) -> Self {
        let mut vault = Vault::new(Box::new(MemoryKeys::default()), Box::new(MemoryBlobs::default()));
        Self(vault.create_user("usr-machine", b"x", LIGHT, &mut Counting(seed << 40 | 1)).expect("a key pair"))
    }
}

impl DeviceKeys for Machine {
    fn public(&self) -> Option<DeviceKey> {
        Some(DeviceKey(self.0.public().sign_key))
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        Some(self.0.sign(message))
    }
}

/// Says it is one machine and has another's key.
struct Pretender<'a>(&'a Machine, &'a Machine);

impl DeviceKeys for Pretender<'_> {
    fn public(&self) -> Option<DeviceKey> {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.1.sign(message)
    }
}

/// Signs with what it was told to sign the first time.
struct Replaying<'a>(&'a Machine, Cell<Option<[u8; 64]>>);

impl DeviceKeys for Replaying<'_> {
    fn public(&self) -> Option<DeviceKey> {
        self.0.public()
    }

    fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        if self.1.get().is_none() {
            self.1.set(self.0.sign(message));
        }
        self.1.get()
    }
}

/// What all processes share.
#[derive(Clone)]
struct Drivers {
    store: MemoryStore,
    keys: MemoryKeys,
    blobs: MemoryBlobs,
    anchor: MemoryAnchor,
    clock: Hand,
}

impl Drivers {
    /// The practice as one more process has it open.
    fn process(&self, seed: u64, clock: &Hand) -> Practice {
        let vault = Vault::new(Box::new(self.keys.clone()), Box::new(self.blobs.clone()));
        let epochs = vault.epochs().expect("epochs");
        let log = Log::open(Box::new(self.store.clone()), &epochs, Box::new(self.anchor.clone())).expect("it opens");
        Practice::open(log, vault, Box::new(clock.clone()), Box::new(Counting(seed << 32 | 1)))
    }
}

struct Office {
    practice: Practice,
    actor: Actor,
    owner: String,
    drivers: Drivers,
    recovery: String,
}

fn office() -> Office {
    let clock = Hand { now: Rc::new(Cell::new(START)), alarm: Rc::default() };
    let drivers = Drivers {
        store: MemoryStore::default(),
        keys: MemoryKeys::default(),
        blobs: MemoryBlobs::default(),
        anchor: MemoryAnchor::default(),
        clock: clock.clone(),
    };
    let parts = Parts {
        store: Box::new(drivers.store.clone()),
        keys: Box::new(drivers.keys.clone()),
        blobs: Box::new(drivers.blobs.clone()),
        anchor: Box::new(drivers.anchor.clone()),
        clock: Box::new(clock),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street("il");
    let made = found(parts, &record, &Settings::default(), PASSPHRASE, LIGHT).expect("a practice is made");
    let owner = made.actor.user().to_string();
    Office { practice: made.practice, actor: made.actor, owner, drivers, recovery: made.recovery_code.to_string() }
}

/// The error of an authentication.
#[track_caller]
fn refused<T>(outcome: Result<T, PracticeError>) -> AuthenticationError {
    match outcome {
        Err(PracticeError::Authentication(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("it was let in"),
    }
}

#[track_caller]
fn delayed<T>(outcome: Result<T, PracticeError>) -> Wait {
    match refused(outcome) {
        AuthenticationError::Delayed(wait) => wait,
        other => panic!("another error: {other}"),
    }
}

impl Office {
    fn sign_in(&mut self) -> Actor {
        self.practice.sign_in_counted(&self.owner, PASSPHRASE, None).expect("the passphrase fits")
    }

    fn arrive(&mut self, given: &Arrival<'_>) -> Result<Actor, PracticeError> {
        let actor = self.practice.sign_in_counted(&self.owner, PASSPHRASE, given.waited)?;
        self.practice.arrive(actor, given)
    }

    fn arrive_with(&mut self, code: &str) -> Result<Actor, PracticeError> {
        self.arrive(&Arrival { code: Some(code), ..Arrival::here() })
    }

    fn wrong(&mut self) -> Result<Actor, PracticeError> {
        self.practice.sign_in_counted(&self.owner, b"four random words", None)
    }

    /// Enrols a factor for the owner, half a minute ago.
    fn enrol(&mut self) -> Authenticator {
        let begun = self.practice.begin_factor(&self.actor).expect("it begins");
        let authenticator = Authenticator::of(&begun, &self.drivers.clock);
        let confirmed =
            self.practice.confirm_factor(&self.actor, &begun, &authenticator.code()).expect("the code fits");
        self.drivers.clock.later(MINUTE);
        authenticator.with(confirmed)
    }

    fn headers(&self) -> Vec<Header> {
        let log = self.practice.log();
        (0..log.size().expect("reads")).map(|seq| log.header(seq).expect("reads")).collect()
    }

    fn of_kind(&self, kind: &str) -> Vec<Header> {
        self.headers().into_iter().filter(|header| header.kind == kind).collect()
    }

    fn count(&self, kind: &str) -> usize {
        self.of_kind(kind).len()
    }

    fn device(&mut self, machine: &Machine, personal: bool) -> DeviceId {
        self.practice.enrol_device(&self.actor, machine, personal).expect("it is enrolled")
    }

    /// Somebody else who works here.
    fn add(&mut self, name: &str, role: Role) -> UserId {
        let asked = NewUser { name, role, ends: None, entry: Entry::Passphrase(OTHERS), argon2: LIGHT };
        self.practice.add_user(&self.actor, &asked).expect("a user is added").user
    }
}

/// What somebody has in their pocket.
struct Authenticator {
    totp: Totp,
    clock: Hand,
    recovery: Vec<String>,
}

impl Authenticator {
    fn of(begun: &FactorBegun, clock: &Hand) -> Self {
        let totp = Totp::from_url(begun.shown.address.as_str()).expect("an authenticator reads it");
        Self { totp, clock: clock.clone(), recovery: Vec::new() }
    }

    fn with(mut self, confirmed: FactorConfirmed) -> Self {
        self.recovery = confirmed.recovery_codes.iter().map(|code| code.to_string()).collect();
        self
    }

    fn code(&self) -> String {
        self.code_at(self.clock.now.get())
    }

    fn code_at(&self, ms: i64) -> String {
        self.totp.generate(u64::try_from(ms / 1000).expect("after 1970")).to_string()
    }
}

fn number(header: &Header, name: &str) -> i64 {
    match header.facts.get(name) {
        Some(Fact::Number(number)) => *number,
        other => panic!("{name} is {other:?}"),
    }
}

fn text<'a>(header: &'a Header, name: &str) -> &'a str {
    match header.facts.get(name) {
        Some(Fact::Text(text)) => text,
        other => panic!("{name} is {other:?}"),
    }
}

// -- a practice of one ------------------------------------------------------------------------------------------

#[test]
fn in_a_practice_of_one_nothing_changes() {
    let mut office = office();
    let before = office.headers().len();
    let actor = office.arrive(&Arrival::here()).expect("is let in");
    assert_eq!(office.headers().len(), before, "no entry tells of it");
    let presence = actor.presence();
    assert!(presence.device_known && presence.place_allowed && !presence.factor_required && !presence.factor_given);
    assert!(
        office.practice.add_client(&actor, &NewClient { name: "Maria".to_owned(), ..NewClient::default() }).is_ok()
    );
}

// -- the second factor ------------------------------------------------------------------------------------------

#[test]
fn a_factor_counts_from_its_first_code_on() {
    let mut office = office();
    let begun = office.practice.begin_factor(&office.actor).expect("it begins");
    assert!(begun.shown.address.starts_with("otpauth://totp/Elm"), "{}", *begun.shown.address);
    assert!(begun.shown.address.contains("Dana"));
    let authenticator = Authenticator::of(&begun, &office.drivers.clock);
    let error = refused(office.practice.confirm_factor(&office.actor, &begun, "000000"));
    assert_eq!(error, AuthenticationError::Factor(FactorError::Wrong));
    let user = office.actor.user().clone();
    assert_eq!(office.practice.factor_of(&user).expect("reads"), None);
    assert!(office.arrive(&Arrival::here()).is_ok(), "nothing is asked for yet");

    let first = authenticator.code();
    let confirmed = office.practice.confirm_factor(&office.actor, &begun, &first).expect("the code fits");
    assert_eq!(confirmed.recovery_codes.len(), 10);
    let standing = office.practice.factor_of(&user).expect("reads").expect("there is one");
    assert_eq!(standing.recovery_codes_left, 10);
    assert_eq!(refused(office.arrive(&Arrival::here())), AuthenticationError::CodeNeeded);
    let error = refused(office.arrive_with(&first));
    assert_eq!(error, AuthenticationError::Factor(FactorError::Used), "the code of the enrolment is spent");
    office.drivers.clock.later(MINUTE);
    let actor = office.arrive_with(&authenticator.code()).expect("is let in");
    assert!(actor.presence().factor_given);
    let used = office.of_kind("factor.used").pop().expect("an entry");
    assert_eq!(number(&used, "step"), office.drivers.clock.now.get() / 30_000);
    assert_eq!(text(&office.of_kind("user.signed_in").pop().expect("an entry"), "factor"), "totp");
    // No code, secret or name in the clear.
    let clear: String =
        office.headers().iter().map(|header| String::from_utf8_lossy(&header.encode()).into_owned()).collect();
    for secret in [begun.shown.typed.as_str(), &first, "Dana", &*confirmed.recovery_codes[0]] {
        assert!(!clear.contains(secret));
    }
}

#[test]
fn a_code_that_was_used_opens_nothing_again_whatever_files_are_put_back() {
    let mut office = office();
    let authenticator = office.enrol();
    let keys_before = office.drivers.keys.0.lock().expect("no panic").clone();
    let (earlier, code) = (authenticator.code_at(office.drivers.clock.now.get() - 30_000), authenticator.code());
    office.arrive_with(&code).expect("the first time");
    let used = AuthenticationError::Factor(FactorError::Used);
    assert_eq!(refused(office.arrive_with(&code)), used);
    assert_eq!(refused(office.arrive_with(&earlier)), used, "nor one before it");
    // Without the counts of attempts.
    office.drivers.keys.0.lock().expect("no panic").retain(|name, _| !name.starts_with("attempts/"));
    assert_eq!(refused(office.arrive_with(&code)), used);
    // With the whole folder of keys from before the use.
    *office.drivers.keys.0.lock().expect("no panic") = keys_before;
    assert_eq!(refused(office.arrive_with(&code)), used);
    // In another process.
    let mut other = office.drivers.process(7, &office.drivers.clock);
    let actor = other.sign_in_counted(&office.owner, PASSPHRASE, None).expect("signs in");
    assert_eq!(refused(other.arrive(actor, &Arrival { code: Some(&code), ..Arrival::here() })), used);
    office.drivers.clock.later(30_000);
    assert!(office.arrive_with(&authenticator.code()).is_ok(), "the next one does");
}

#[test]
fn of_two_processes_with_one_code_one_is_let_in() {
    // The other one comes in at every place where the clock is read while the first is deciding.
    let mut beaten = 0;
    for place in 0..12 {
        let mut office = office();
        let authenticator = office.enrol();
        let code = authenticator.code();
        let (clock, drivers) = (office.drivers.clock.clone(), office.drivers.clone());
        let second_clock = Hand { now: clock.now.clone(), alarm: Rc::default() };
        let mut second = drivers.process(9, &second_clock);
        let (owner, theirs) = (office.owner.clone(), code.clone());
        let let_in = Rc::new(Cell::new(None));
        let told = let_in.clone();
        let actor = office.sign_in();
        let happens = move || {
            let actor = second.sign_in(&owner, PASSPHRASE).expect("signs in");
            told.set(Some(second.arrive(actor, &Arrival { code: Some(&theirs), ..Arrival::here() }).is_ok()));
        };
        *clock.alarm.borrow_mut() = Some((place, Box::new(happens)));
        let first = office.practice.arrive(actor, &Arrival { code: Some(&code), ..Arrival::here() });
        let Some(second) = let_in.get() else {
            assert!(first.is_ok() && place > 0, "the clock is read no more than {place} times");
            continue;
        };
        assert!(first.is_ok() != second, "at {place} one is let in and one is not");
        beaten += usize::from(first.is_err());
        assert_eq!(office.count("factor.used"), 1);
    }
    assert!(beaten > 0, "the other one was never faster");
}

#[test]
fn a_recovery_code_is_good_once_however_it_is_written() {
    let mut office = office();
    let authenticator = office.enrol();
    let code = authenticator.recovery[4].clone();
    assert!(office.arrive_with(&code).expect("is let in").presence().factor_given);
    let used = AuthenticationError::Factor(FactorError::RecoveryUsed);
    assert_eq!(refused(office.arrive_with(&code)), used);
    assert_eq!(refused(office.arrive_with(&code.to_uppercase().replace('-', " "))), used);
    let error = refused(office.arrive_with("0000-0000-0000-0000"));
    assert_eq!(error, AuthenticationError::Factor(FactorError::NotOnTheList));
    let user = office.actor.user().clone();
    assert_eq!(office.practice.factor_of(&user).expect("reads").map(|it| it.recovery_codes_left), Some(9));
    office.drivers.clock.later(LONGEST_MS);
    assert!(office.arrive_with(&authenticator.recovery[5]).is_ok());
    assert_eq!(text(&office.of_kind("user.signed_in").pop().expect("an entry"), "factor"), "recovery_code");
}

#[test]
fn a_clock_set_back_brings_no_old_code_back() {
    let mut office = office();
    let authenticator = office.enrol();
    let seen_then = authenticator.code();
    let then = office.drivers.clock.now.get();
    office.drivers.clock.later(60 * MINUTE);
    let actor = office.sign_in();
    // Any entry: the ledger knows the time now.
    office.practice.unlocked(&actor, 15).expect("an entry");
    office.drivers.clock.now.set(then);
    assert_eq!(refused(office.arrive_with(&seen_then)), AuthenticationError::Factor(FactorError::Wrong));
}

#[test]
fn another_authenticator_replaces_the_first_only_for_who_has_it() {
    let mut office = office();
    let old = office.enrol();
    let without = office.sign_in();
    assert_eq!(refused(office.practice.begin_factor(&without)), AuthenticationError::CodeNeeded, "a passphrase alone");
    let with = office.arrive_with(&old.code()).expect("is let in");
    let begun = office.practice.begin_factor(&with).expect("it begins");
    let new = Authenticator::of(&begun, &office.drivers.clock);
    let confirmed = office.practice.confirm_factor(&with, &begun, &new.code()).expect("the code fits");
    let new = new.with(confirmed);
    office.drivers.clock.later(MINUTE);
    assert_eq!(refused(office.arrive_with(&old.code())), AuthenticationError::Factor(FactorError::Wrong));
    let error = refused(office.arrive_with(&old.recovery[0]));
    assert_eq!(error, AuthenticationError::Factor(FactorError::NotOnTheList), "the old list neither");
    assert!(office.arrive_with(&new.code()).is_ok());
}

#[test]
fn a_factor_taken_away_from_the_disk_or_exchanged_lets_nobody_in() {
    let mut office = office();
    let old_file = {
        let authenticator = office.enrol();
        let with = office.arrive_with(&authenticator.code()).expect("is let in");
        let keys = office.drivers.keys.0.lock().expect("no panic");
        let name = format!("factors/{}.json", with.user());
        (name.clone(), keys[&name].clone(), with)
    };
    let (name, old, with) = old_file;
    let begun = office.practice.begin_factor(&with).expect("it begins");
    let new = Authenticator::of(&begun, &office.drivers.clock);
    office.practice.confirm_factor(&with, &begun, &new.code()).expect("the code fits");
    office.drivers.clock.later(MINUTE);
    let code = new.code();
    for file in [None, Some(old), Some(b"{}".to_vec())] {
        let kept =
            office.drivers.keys.0.lock().expect("no panic").insert(name.clone(), file.clone().unwrap_or_default());
        if file.is_none() {
            office.drivers.keys.0.lock().expect("no panic").remove(&name);
        }
        assert_eq!(refused(office.arrive_with(&code)), AuthenticationError::FactorUnreadable);
        assert_eq!(refused(office.arrive(&Arrival::here())), AuthenticationError::CodeNeeded);
        office.drivers.keys.0.lock().expect("no panic").insert(name.clone(), kept.expect("was there"));
    }
    assert!(office.arrive_with(&code).is_ok());
}

#[test]
fn the_owner_resets_anothers_factor_and_then_it_has_to_be_enrolled_anew() {
    let mut office = office();
    let user = office.add("Theo Brandt", Role::Clinician);
    assert!(office.practice.factor_required(Role::Clinician).expect("reads"), "more than one user");
    let arrive = |office: &mut Office, code: Option<&str>| {
        let actor = office.practice.sign_in_counted(user.as_str(), OTHERS, None)?;
        office.practice.arrive(actor, &Arrival { code, ..Arrival::here() })
    };
    // What the policies say, whatever becomes of it then.
    let denied = |office: &mut Office, theo: &Actor| {
        let client = NewClient { name: "Maria".to_owned(), ..NewClient::default() };
        matches!(office.practice.add_client(theo, &client), Err(PracticeError::Denied { .. }))
    };
    let theo = arrive(&mut office, None).expect("is let in to enrol a factor");
    assert!(denied(&mut office, &theo), "and no more");
    let begun = office.practice.begin_factor(&theo).expect("it begins");
    let authenticator = Authenticator::of(&begun, &office.drivers.clock);
    office.practice.confirm_factor(&theo, &begun, &authenticator.code()).expect("the code fits");
    office.drivers.clock.later(MINUTE);
    let theo = arrive(&mut office, Some(&authenticator.code())).expect("is let in");
    assert!(!denied(&mut office, &theo));

    let owner = office.actor.user().clone();
    assert!(matches!(office.practice.reset_factor(&theo, &owner), Err(PracticeError::Denied { .. })), "no owner");
    office.practice.reset_factor(&office.actor, &user).expect("is reset");
    assert!(!office.drivers.keys.0.lock().expect("no panic").contains_key(&format!("factors/{user}.json")));
    office.drivers.clock.later(MINUTE);
    let theo = arrive(&mut office, None).expect("is let in to enrol another");
    assert!(denied(&mut office, &theo));
    assert!(office.practice.begin_factor(&theo).is_ok());
    // A practice may decide otherwise for a role, by an entry.
    office.practice.configure(&office.actor, "factor_roles", "clinician=off").expect("is set");
    assert!(!office.practice.factor_required(Role::Clinician).expect("reads"));
    assert!(office.practice.factor_required(Role::Owner).expect("reads"));
    let theo = arrive(&mut office, None).expect("is let in");
    assert!(!denied(&mut office, &theo));
}

// -- failures and waits -----------------------------------------------------------------------------------------

#[test]
fn failures_are_slowed_told_and_never_lock_the_owner_out() {
    let mut office = office();
    for _ in 0..4 {
        assert!(matches!(office.wrong(), Err(PracticeError::Vault(VaultError::WrongPassphrase))));
    }
    let first = office.drivers.clock.now.get();
    assert!(office.practice.wait_of(&office.owner).expect("reads").is_none(), "four are free");
    office.wrong().err().expect("the fifth");
    let wait = office.practice.wait_of(&office.owner).expect("reads").expect("a wait");
    assert_eq!(wait.ms, 5_000);
    // The right passphrase has to wait too: nothing is told of it before.
    assert_eq!(delayed(office.arrive(&Arrival::here())), wait);
    for _ in 0..25 {
        office.drivers.clock.later(LONGEST_MS);
        office.wrong().err().expect("wrong");
    }
    let wait = office.practice.wait_of(&office.owner).expect("reads").expect("a wait");
    assert_eq!(wait.ms, LONGEST_MS, "the longest there is");
    let last = office.drivers.clock.now.get();
    office.drivers.clock.later(LONGEST_MS);
    assert!(office.arrive(&Arrival::here()).is_ok(), "the owner is let in");
    let told = office.of_kind("user.refused");
    assert_eq!(told.len(), 1);
    assert_eq!(number(&told[0], "times"), 30);
    assert_eq!(text(&told[0], "first"), Time::from_millis(first).to_string());
    assert_eq!(text(&told[0], "last"), Time::from_millis(last).to_string());
    assert_eq!(told[0].refs["user"], office.owner);
    let slowed = office.of_kind("user.delayed");
    assert_eq!((slowed.len(), number(&slowed[0], "times")), (1, 26));
    assert_eq!(number(&slowed[0], "longest_seconds"), 900);
    // Told once, and over.
    assert!(office.arrive(&Arrival::here()).is_ok());
    assert_eq!((office.count("user.refused"), office.count("user.delayed")), (1, 1));
    office.wrong().err().expect("wrong");
    assert!(office.practice.wait_of(&office.owner).expect("reads").is_none(), "counted from the beginning");
}

#[test]
fn a_clock_set_back_shortens_no_wait_and_the_edge_lets_it_pass() {
    let mut office = office();
    for _ in 0..5 {
        office.wrong().err().expect("wrong");
    }
    office.drivers.clock.later(3_000);
    let left = office.practice.wait_of(&office.owner).expect("reads").expect("a wait");
    assert_eq!(left.ms, 2_000);
    office.drivers.clock.later(-60 * MINUTE);
    let wait = delayed(office.arrive(&Arrival::here()));
    assert_eq!(wait.ms, 5_000, "in full");
    // The edge's own steady clock says that it passed; it is good for one try.
    assert!(matches!(
        office.practice.sign_in_counted(&office.owner, b"four random words", Some(wait)),
        Err(PracticeError::Vault(VaultError::WrongPassphrase))
    ));
    let next = delayed(office.practice.sign_in_counted(&office.owner, PASSPHRASE, Some(wait)));
    assert_eq!(next.ms, 10_000);
    let actor = office.practice.sign_in_counted(&office.owner, PASSPHRASE, Some(next)).expect("signs in");
    office.drivers.clock.now.set(START + MINUTE);
    assert!(office.practice.arrive(actor, &Arrival { waited: Some(next), ..Arrival::here() }).is_ok());
}

#[test]
fn a_guessed_passphrase_does_not_make_guesses_of_the_code_free() {
    let mut office = office();
    let authenticator = office.enrol();
    let right = authenticator.code();
    let wrong = if right == "123456" { "123457" } else { "123456" };
    for _ in 0..5 {
        assert_eq!(refused(office.arrive_with(wrong)), AuthenticationError::Factor(FactorError::Wrong));
    }
    assert_eq!(delayed(office.arrive_with(wrong)).ms, 5_000);
    assert_eq!(delayed(office.arrive_with(&right)).ms, 5_000, "also with the right one");
    // What cannot be a code is a slip.
    office.drivers.clock.later(5_000);
    assert_eq!(refused(office.arrive_with("12345")), AuthenticationError::Factor(FactorError::NotACode));
    office.drivers.clock.later(MINUTE);
    assert!(office.arrive_with(&authenticator.code()).is_ok());
    let told = office.of_kind("user.refused").pop().expect("an entry");
    assert_eq!((number(&told, "times"), number(&told, "codes")), (5, 5), "the passphrase is in other hands");
}

#[test]
fn somebody_elses_success_tells_of_failures_and_ends_no_wait() {
    let mut office = office();
    office.practice.configure(&office.actor, "factor_roles", "clinician=off,owner=off").expect("is set");
    let theo = office.add("Theo Brandt", Role::Clinician);
    for _ in 0..6 {
        office.drivers.clock.later(MINUTE);
        office.wrong().err().expect("wrong");
    }
    let actor = office.practice.sign_in_counted(theo.as_str(), OTHERS, None).expect("signs in");
    office.practice.arrive(actor, &Arrival::here()).expect("is let in");
    let told = office.of_kind("user.refused");
    assert_eq!(
        (told.len(), told[0].actor.as_str(), told[0].refs["user"].as_str()),
        (1, theo.as_str(), office.owner.as_str())
    );
    assert_eq!(delayed(office.arrive(&Arrival::here())).ms, 10_000, "still");
    let actor = office.practice.sign_in_counted(theo.as_str(), OTHERS, None).expect("signs in");
    office.practice.arrive(actor, &Arrival::here()).expect("is let in");
    assert_eq!(office.count("user.refused"), 1, "told once");
    office.drivers.clock.later(10_000);
    office.arrive(&Arrival::here()).expect("is let in");
    assert_eq!(office.count("user.refused"), 1);
    assert!(office.practice.wait_of(&office.owner).expect("reads").is_none());
    assert_eq!(office.count("user.signed_in"), 3, "there are several users");
}

#[test]
fn names_of_nobody_are_counted_together_and_not_kept() {
    let mut office = office();
    for typed in ["usr-0123456789abcdef", "Dana Reyes", "../../etc/passwd", PASSPHRASE_AS_NAME] {
        assert!(office.practice.sign_in_counted(typed, b"anything", None).is_err());
    }
    office.practice.sign_in_counted("usr-fedcba9876543210", b"anything", None).err().expect("nobody");
    assert_eq!(delayed(office.practice.sign_in_counted("usr-0123456789abcdeg", b"anything", None)).ms, 5_000);
    assert!(office.practice.wait_of(&office.owner).expect("reads").is_none(), "nobody's failures slow no user");
    office.arrive(&Arrival::here()).expect("is let in");
    let told = office.of_kind("user.refused").pop().expect("an entry");
    assert_eq!((number(&told, "times"), told.facts.get("nobody")), (5, Some(&Fact::Flag(true))));
    assert!(!told.refs.contains_key("user"));
    let files = office.drivers.keys.0.lock().expect("no panic");
    assert!(!files.keys().any(|name| name.starts_with("attempts/")), "told, and gone");
}

/// People type their passphrase where the name is asked for.
const PASSPHRASE_AS_NAME: &str = "five random words in order";

// -- devices ----------------------------------------------------------------------------------------------------

#[test]
fn once_a_device_is_approved_any_other_is_refused_with_an_entry() {
    let mut office = office();
    let (mine, thiefs) = (Machine::new(2), Machine::new(3));
    let device = office.device(&mine, false);
    assert!(office.arrive(&Arrival::here()).is_ok(), "one that waits asks for nothing");
    office.practice.approve_device(&office.actor, &device).expect("is approved");
    let actor = office.arrive(&Arrival { device: Some(&mine), ..Arrival::here() }).expect("is let in");
    assert_eq!(actor.presence().device.as_ref(), Some(&device));
    let told = office.of_kind("user.signed_in").pop().expect("an entry");
    assert_eq!(told.refs["device"], device.to_string());

    let pretender = Pretender(&mine, &thiefs);
    let replaying = Replaying(&mine, Cell::new(None));
    office.arrive(&Arrival { device: Some(&replaying), ..Arrival::here() }).expect("the signature is fresh");
    let cases: [(Option<&dyn DeviceKeys>, &str); 4] = [
        (None, "a copy of the folder without the key"),
        (Some(&thiefs), "another key"),
        (Some(&pretender), "another's name"),
        (Some(&replaying), "a signature of before"),
    ];
    for (device, what) in cases {
        let before = office.count("access.refused");
        let error = refused(office.arrive(&Arrival { device, ..Arrival::here() }));
        assert!(matches!(error, AuthenticationError::Device { .. }), "{what}: {error}");
        let told = office.of_kind("access.refused");
        assert_eq!(told.len(), before + 1, "{what}");
        assert_eq!(text(&told[before], "why"), "device_unknown");
        assert_eq!(text(&told[before], "act"), "sign_in");
    }
}

#[test]
fn a_revoked_device_is_refused_and_its_key_never_comes_back() {
    let mut office = office();
    let (desk, laptop) = (Machine::new(2), Machine::new(3));
    let (desk_id, laptop_id) = (office.device(&desk, false), office.device(&laptop, false));
    office.practice.approve_device(&office.actor, &desk_id).expect("is approved");
    let error = refused(office.arrive(&Arrival { device: Some(&laptop), ..Arrival::here() }));
    assert!(error.to_string().contains("waits for the owner's approval"), "{error}");
    office.practice.approve_device(&office.actor, &laptop_id).expect("is approved");
    let session = {
        let actor = office.arrive(&Arrival { device: Some(&laptop), ..Arrival::here() }).expect("is let in");
        office.practice.session_of(&actor).expect("reads")
    };
    office.practice.revoke_device(&office.actor, &laptop_id).expect("is revoked");
    for given in [
        Arrival { device: Some(&laptop), ..Arrival::here() },
        Arrival { device: Some(&laptop), session: Some(&session), one_command: false, ..Arrival::here() },
    ] {
        let error = refused(office.arrive(&given));
        assert!(matches!(&error, AuthenticationError::Device { why, .. } if why.contains("was revoked")), "{error}");
        let told = office.of_kind("access.refused").pop().expect("an entry");
        assert_eq!((text(&told, "why"), told.refs["device"].as_str()), ("device_revoked", laptop_id.as_str()));
    }
    assert!(matches!(office.practice.approve_device(&office.actor, &laptop_id), Err(PracticeError::BadRequest(_))));
    let anew = office.practice.enrol_device(&office.actor, &laptop, false);
    assert!(matches!(anew, Err(PracticeError::BadRequest(_))), "nor under another pseudonym");
    let listed = office.practice.list_devices(&office.actor).expect("reads");
    let states: Vec<_> = listed.iter().map(|shown| (shown.device.clone(), shown.state)).collect();
    assert!(states.contains(&(desk_id, "approved")) && states.contains(&(laptop_id, "revoked")));
}

#[test]
fn nobody_approves_or_revokes_themselves_out() {
    let mut office = office();
    let (mine, other) = (Machine::new(2), Machine::new(3));
    office.practice.configure(&office.actor, "factor_roles", "clinician=off,owner=off").expect("is set");
    let theo = office.add("Theo Brandt", Role::Clinician);
    let theo = office.practice.sign_in(theo.as_str(), OTHERS).expect("signs in");
    let theirs = office.practice.enrol_device(&theo, &other, true).expect("is enrolled");
    let first = office.practice.approve_device(&office.actor, &theirs);
    assert!(matches!(first, Err(PracticeError::NotAllowed(_))), "the owner would have none");
    assert!(matches!(office.practice.approve_device(&theo, &theirs), Err(PracticeError::Denied { .. })), "no owner");
    let device = office.device(&mine, false);
    office.practice.approve_device(&office.actor, &device).expect("is approved");
    office.practice.approve_device(&office.actor, &theirs).expect("now it is");
    let last = office.practice.revoke_device(&office.actor, &device);
    assert!(matches!(last, Err(PracticeError::NotAllowed(_))), "the last of the owner's");
    // What is somebody's own is nobody else's.
    let error = refused(office.arrive(&Arrival { device: Some(&other), ..Arrival::here() }));
    assert!(error.to_string().contains("for the user who enrolled it alone"), "{error}");
}

#[test]
fn whoever_comes_to_enrol_a_machine_can_do_nothing_else() {
    let mut office = office();
    let (mine, new) = (Machine::new(2), Machine::new(3));
    let device = office.device(&mine, false);
    office.practice.approve_device(&office.actor, &device).expect("is approved");
    let given = Arrival { device: Some(&new), to_enrol_device: true, ..Arrival::here() };
    let actor = office.arrive(&given).expect("is let in for that");
    assert!(!actor.presence().device_known);
    let client = NewClient { name: "Maria".to_owned(), ..NewClient::default() };
    let denied = office.practice.add_client(&actor, &client);
    assert!(matches!(denied, Err(PracticeError::Denied { act: Act::AddClient, .. })));
    let waiting = office.practice.enrol_device(&actor, &new, false).expect("is enrolled");
    let denied = office.practice.approve_device(&actor, &waiting);
    assert!(matches!(denied, Err(PracticeError::Denied { .. })), "an owner on an unknown machine does not approve it");
    office.practice.approve_device(&office.actor, &waiting).expect("on a known one");
    assert_eq!(office.practice.device_of(&new).expect("reads"), Some(waiting));
    assert!(office.arrive(&Arrival { device: Some(&new), ..Arrival::here() }).is_ok());
}

#[test]
fn the_recovery_code_brings_an_owner_back_who_lost_everything() {
    let mut office = office();
    let (lost, new) = (Machine::new(2), Machine::new(3));
    let device = office.device(&lost, false);
    office.practice.approve_device(&office.actor, &device).expect("is approved");
    office.enrol();
    let (owner, code) = (office.owner.clone(), office.recovery.clone());
    assert!(office.practice.recover_access(&owner, &code.replace(&code[..4], "0000"), Some(&new)).is_err());
    let actor = office.practice.recover_access(&owner, &code, Some(&new)).expect("is let in");
    office.practice.change_passphrase(&actor, OTHERS).expect("is changed");
    assert_eq!(text(&office.of_kind("factor.reset").pop().expect("an entry"), "by"), "recovery");
    assert_eq!(text(&office.of_kind("device.approved").pop().expect("an entry"), "by"), "recovery");
    let known = office.practice.device_of(&new).expect("reads").expect("it is known");
    office.practice.revoke_device(&actor, &device).expect("the lost one is revoked");
    let actor = office.practice.sign_in_counted(&owner, OTHERS, None).expect("signs in");
    let actor = office.practice.arrive(actor, &Arrival { device: Some(&new), ..Arrival::here() }).expect("is let in");
    assert_eq!(actor.presence().device.as_ref(), Some(&known));
}

// -- places -----------------------------------------------------------------------------------------------------

/// Everything that begins with 198 is in Germany, the rest nowhere.
struct Atlas;

impl Countries for Atlas {
    fn of(&self, address: IpAddr) -> Result<Option<Country>, CountryError> {
        match address {
            IpAddr::V4(four) if four.octets()[0] == 198 => Ok(Country::parse("de").ok()),
            IpAddr::V4(_) => Ok(None),
            IpAddr::V6(_) => Err(CountryError::Unreadable("it knows no such address".to_owned())),
        }
    }
}

#[test]
fn over_a_network_only_named_networks_and_countries_are_let_in() {
    let mut office = office();
    let from = |address: &str| Origin::Address(address.parse().expect("an address"));
    let arrive = |office: &mut Office, address: &str, atlas: bool| {
        let countries: Option<&dyn Countries> = if atlas { Some(&Atlas) } else { None };
        office.arrive(&Arrival { origin: from(address), countries, ..Arrival::here() })
    };
    let error = refused(arrive(&mut office, "192.168.7.20", true));
    assert!(matches!(error, AuthenticationError::Place { .. }), "no rule lets nobody in: {error}");
    let mut places = Places::default();
    places.networks.push(Network::parse("office", "192.168.7.0/24").expect("a network"));
    places.networks.push(Network::parse("VPN", "2001:db8::/32").expect("a network"));
    places.countries.insert(Country::parse("DE").expect("a country"));
    places.countries.insert(Country::parse("US").expect("a country"));
    let seq = office.practice.set_places(&office.actor, &places).expect("is set");
    assert_eq!(office.practice.places().expect("reads"), places);
    let rule = office.headers().remove(usize::try_from(seq).expect("fits"));
    assert_eq!((text(&rule, "network.0"), text(&rule, "countries.0")), ("office=192.168.7.0/24", "DE,US"));

    let actor = arrive(&mut office, "192.168.7.20", false).expect("is let in");
    assert_eq!(actor.presence().network.as_deref(), Some("office"));
    assert!(arrive(&mut office, "2001:db8::7", false).is_ok());
    let actor = arrive(&mut office, "198.51.100.4", true).expect("is let in");
    assert_eq!(actor.presence().country.as_deref(), Some("DE"));
    for (address, atlas, why) in [
        ("198.51.100.4", false, "not known"),
        ("203.0.113.9", true, "not known"),
        ("2001:db9::1", true, "could not be asked"),
    ] {
        let error = refused(arrive(&mut office, address, atlas));
        assert!(matches!(&error, AuthenticationError::Place { why: told, .. } if told.contains(why)), "{error}");
        let told = office.of_kind("access.refused").pop().expect("an entry");
        assert_eq!((text(&told, "policy"), text(&told, "address")), ("guard-place", address));
    }
    assert!(office.arrive(&Arrival::here()).is_ok(), "the machine itself");
}

#[test]
fn a_code_is_not_spent_where_device_or_place_is_refused() {
    let mut office = office();
    let authenticator = office.enrol();
    let code = authenticator.code();
    let origin = Origin::Address("203.0.113.9".parse().expect("an address"));
    refused(office.arrive(&Arrival { code: Some(&code), origin, ..Arrival::here() }));
    assert_eq!(office.count("factor.used"), 0);
    assert!(office.arrive_with(&code).is_ok());
}

// -- keys that are held -----------------------------------------------------------------------------------------

#[test]
fn what_was_unlocked_is_used_again_until_it_is_over() {
    let mut office = office();
    let authenticator = office.enrol();
    let actor = office
        .arrive(&Arrival { code: Some(&authenticator.code()), one_command: false, ..Arrival::here() })
        .expect("is let in");
    assert_eq!(office.count("user.signed_in"), 0, "an unlocking has an entry of its own");
    let session = office.practice.session_of(&actor).expect("reads");
    let kept = serde_json::to_string(&session).expect("it has a form");
    let session = serde_json::from_str(&kept).expect("it is read back");
    office.practice.unlocked(&actor, 15).expect("an entry");
    let resume = |office: &mut Office| {
        let keys = Unlocked::from_bytes(&office.actor.keys().to_bytes()).expect("keys");
        let actor = office.practice.resume(keys)?;
        office.practice.arrive(actor, &Arrival { session: Some(&session), one_command: false, ..Arrival::here() })
    };
    let before = office.headers().len();
    let again = resume(&mut office).expect("is let in without a code");
    assert!(again.presence().factor_given);
    assert_eq!(office.headers().len(), before, "without an entry");
    // A factor enrolled since has not been given.
    let begun = office.practice.begin_factor(&again).expect("it begins");
    let new = Authenticator::of(&begun, &office.drivers.clock);
    office.practice.confirm_factor(&again, &begun, &new.code()).expect("the code fits");
    assert_eq!(refused(resume(&mut office)), AuthenticationError::CodeNeeded);
    office.practice.locked(&actor).expect("an entry");
    assert_eq!(refused(resume(&mut office)), AuthenticationError::SessionOver);
}

#[test]
fn a_session_stays_on_its_machine_and_with_its_user() {
    let mut office = office();
    let (desk, laptop) = (Machine::new(2), Machine::new(3));
    for machine in [&desk, &laptop] {
        let id = office.device(machine, false);
        office.practice.approve_device(&office.actor, &id).expect("is approved");
    }
    let actor = office.arrive(&Arrival { device: Some(&desk), ..Arrival::here() }).expect("is let in");
    let session = office.practice.session_of(&actor).expect("reads");
    let given = |device| Arrival { device: Some(device), session: Some(&session), ..Arrival::here() };
    assert!(office.arrive(&given(&desk)).is_ok());
    assert_eq!(refused(office.arrive(&given(&laptop))), AuthenticationError::SessionOver);
    let theo = office.add("Theo Brandt", Role::Clinician);
    let theo = office.practice.sign_in(theo.as_str(), OTHERS).expect("signs in");
    assert_eq!(refused(office.practice.arrive(theo, &given(&desk))), AuthenticationError::SessionOver);
}

#[test]
fn keys_that_were_forgotten_by_themselves_are_told_of_once() {
    let mut office = office();
    let actor = office.sign_in();
    assert_eq!(office.practice.expired_unnoticed(&actor).expect("reads"), None, "never unlocked");
    office.practice.unlocked(&actor, 15).expect("an entry");
    let seq = office.practice.expired_unnoticed(&actor).expect("reads").expect("an entry");
    let told = office.practice.log().header(seq).expect("reads");
    assert_eq!((told.kind.as_str(), number(&told, "idle_seconds")), ("user.expired", 900));
    assert_eq!(office.practice.expired_unnoticed(&actor).expect("reads"), None, "once");
    office.practice.unlocked(&actor, 15).expect("an entry");
    office.practice.locked(&actor).expect("an entry");
    assert_eq!(office.practice.expired_unnoticed(&actor).expect("reads"), None, "locked");
}

// -- passphrases ------------------------------------------------------------------------------------------------

#[test]
fn a_passphrase_that_anybody_guesses_is_refused_and_not_repeated() {
    let mut office = office();
    for weak in ["short", "password1234", "Elm Street Counseling", "dana reyes 1", "reyesdana2027"] {
        let error = office.practice.change_passphrase(&office.actor, weak.as_bytes()).expect_err("weak");
        assert!(matches!(&error, PracticeError::BadRequest(said) if !said.contains(weak)), "{weak}: {error}");
    }
    assert!(office.practice.change_passphrase(&office.actor, &[0xff; 20]).is_err(), "no text");
    assert_eq!(office.count("user.recovered"), 0, "nothing was done");
    // Those of the documents, the demonstration and the tests.
    for strong in [
        "correct horse battery staple",
        "five random words in order",
        "velvet harbour nineteen otters",
        "an altogether different one",
        "yet another passphrase",
        "an entirely new passphrase",
        "a new passphrase of words",
        "0f1e2d3c4b5a69788796a5b4",
    ] {
        office.practice.change_passphrase(&office.actor, strong.as_bytes()).unwrap_or_else(|e| panic!("{strong}: {e}"));
    }
}

// -- on a disk --------------------------------------------------------------------------------------------------

/// In memory nothing is locked. On files one process waits for another, and must never wait for itself.
#[test]
fn on_files_nobody_waits_for_themselves() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Hand { now: Rc::new(Cell::new(START)), alarm: Rc::default() };
    let keys = || Box::new(FileKeys::open(folder.path().join("keys")).expect("opens"));
    let store = MemoryStore::default();
    let parts = Parts {
        store: Box::new(store.clone()),
        keys: keys(),
        blobs: Box::new(MemoryBlobs::default()),
        anchor: Box::new(MemoryAnchor::default()),
        clock: Box::new(clock.clone()),
        entropy: Box::new(Counting(1)),
    };
    let record = elm_street("il");
    let mut made = found(parts, &record, &Settings::default(), PASSPHRASE, LIGHT).expect("a practice is made");
    let owner = made.actor.user().to_string();
    let begun = made.practice.begin_factor(&made.actor).expect("it begins");
    let authenticator = Authenticator::of(&begun, &clock);
    made.practice.confirm_factor(&made.actor, &begun, &authenticator.code()).expect("the code fits");
    clock.later(MINUTE);
    made.practice.sign_in_counted(&owner, b"another passphrase", None).err().expect("wrong");
    made.practice.sign_in_counted("nobody here", b"another passphrase", None).err().expect("nobody");
    assert!(folder.path().join("keys/attempts/nobody.jsonl").is_file());
    // A process of its own, that has the same files.
    let vault = Vault::new(keys(), Box::new(MemoryBlobs::default()));
    let epochs = vault.epochs().expect("epochs");
    let log = Log::open(Box::new(store), &epochs, Box::new(MemoryAnchor::default())).expect("it opens");
    let mut other = Practice::open(log, vault, Box::new(clock.clone()), Box::new(Counting(5 << 32)));
    let actor = other.sign_in_counted(&owner, PASSPHRASE, None).expect("signs in");
    let code = authenticator.code();
    let actor = other.arrive(actor, &Arrival { code: Some(&code), ..Arrival::here() }).expect("is let in");
    assert!(actor.presence().factor_given);
    assert!(!folder.path().join(format!("keys/attempts/{owner}.jsonl")).exists());
    assert!(!folder.path().join("keys/attempts/nobody.jsonl").exists());
    let user = actor.user().clone();
    other.reset_factor(&actor, &user).expect("is reset");
    assert!(!folder.path().join(format!("keys/factors/{owner}.json")).exists());
    made.practice.recover_access(&owner, &made.recovery_code, None).expect("is let in");
}
