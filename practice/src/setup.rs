//! The practice's first minute: keys, ledger, first entries, recovery kit.

use std::collections::BTreeSet;

use provenote_access::{Act, Subject, Tie, opens};
use provenote_ledger::{
    Anchor, Argon2Params, BlobStore, Entropy, Fact, KeyStore, Log, NextOffice, Recipients, Store, Vault,
};
use provenote_schemas::{Class, GroupId, Kind, Role, UserId, canonical};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::act::{Actor, JSON, PRACTICE_SCOPE, Practice, Presence};
use crate::entitlement::office_classes;
use crate::error::PracticeError;
use crate::notes::hex;
use crate::people::office_fact;
use crate::ports::Clock;
use crate::settings::Settings;

/// What a practice is called; sealed under the practice's administrative key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PracticeRecord {
    /// The practice's name.
    pub name: String,
    /// The first clinician's name.
    pub clinician: String,
    /// The clinician's licence, as the board knows it.
    pub license: Option<String>,
    /// US state, two capital letters.
    pub state: String,
}

/// The parts a practice is made of, opened by the edge.
pub struct Parts {
    /// Where entries go.
    pub store: Box<dyn Store>,
    /// Where keys go.
    pub keys: Box<dyn KeyStore>,
    /// Where large ciphertexts go.
    pub blobs: Box<dyn BlobStore>,
    /// Where the last checkpoint is kept beside the keys.
    pub anchor: Box<dyn Anchor>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub entropy: Box<dyn Entropy>,
}

/// A practice just made.
pub struct Founded {
    /// Open and ready.
    pub practice: Practice,
    /// Its first user, signed in.
    pub actor: Actor,
    /// The code that opens the user's keys when the passphrase is lost. Printed once, kept nowhere.
    pub recovery_code: Zeroizing<String>,
    /// The log's name in its checkpoints.
    pub origin: String,
    /// The log's public key, C2SP form.
    pub vkey: String,
}

/// A state's two letters in capitals.
///
/// # Errors
/// [`PracticeError::BadRequest`] for anything but the 50 states and DC.
pub fn checked_state(given: &str) -> Result<String, PracticeError> {
    let state = given.trim().to_ascii_uppercase();
    if provenote_consent::is_state(&state) {
        Ok(state)
    } else {
        Err(PracticeError::BadRequest(format!(
            "`{}` is no US state: give two letters, such as IL (the 50 states and DC)",
            given.chars().take(20).collect::<String>()
        )))
    }
}

/// How strong a passphrase must be; `known` are the names that anybody guesses first.
///
/// # Errors
/// [`PracticeError::BadRequest`], which says what is weak and repeats nothing of it.
pub(crate) fn checked_passphrase(passphrase: &[u8], known: &[&str]) -> Result<(), PracticeError> {
    let text = std::str::from_utf8(passphrase).map_err(|_| {
        PracticeError::BadRequest("the passphrase is no text: use letters, digits and spaces".to_owned())
    })?;
    provenote_access::passphrase::check(text, known).map_err(|weak| PracticeError::BadRequest(weak.to_string()))
}

/// Makes a practice: the log's key, the first user's keys, the practice's class keys, the first entries.
///
/// # Errors
/// [`PracticeError::BadRequest`] for names or a state that do not fit; ledger and vault errors. The edge
/// removes the folder it made when this fails.
pub fn found(
    parts: Parts,
    asked: &PracticeRecord,
    settings: &Settings,
    passphrase: &[u8],
    argon2: Argon2Params,
) -> Result<Founded, PracticeError> {
    for (what, text) in [("practice", &asked.name), ("clinician", &asked.clinician)] {
        if text.trim().is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
            return Err(PracticeError::BadRequest(format!(
                "the {what}'s name is empty, too long, or has control characters"
            )));
        }
    }
    checked_passphrase(passphrase, &[&asked.name, &asked.clinician])?;
    let record = PracticeRecord { state: checked_state(&asked.state)?, ..asked.clone() };
    let Parts { store, keys, blobs, anchor, clock, mut entropy } = parts;
    let mut vault = Vault::new(keys, blobs);
    let user = random(&mut *entropy, UserId::from_random);
    let unlocked = vault.create_user(user.as_str(), passphrase, argon2, &mut *entropy)?;
    let signer = vault.create_log_key(&unlocked, &mut *entropy)?;
    let recovery_code = vault.create_recovery(&unlocked, &mut *entropy)?;
    let me = vault.users()?;
    for class in Class::ALL.iter().filter(|class| opens(Role::Owner, **class, Tie::Practice)) {
        let to = Recipients { users: &me, office: None };
        vault.ensure_class_key(&unlocked, class.as_str(), PRACTICE_SCOPE, to, 0, &mut *entropy)?;
    }
    let mut offices = Vec::new();
    let lock = vault.lock_log_key()?;
    for class in office_classes() {
        let next = NextOffice { class: class.as_str(), named: None, members: &me, size: 0 };
        let office = vault.prepare_office(&lock, &unlocked, &next, &mut *entropy)?;
        vault.settle_office(&lock, &office)?;
        offices.push((class, office));
    }
    let vkey = vault.vkey()?;
    let origin = signer.origin().to_owned();
    let log = Log::create(store, &signer, anchor)?;
    let mut practice = Practice::open(log, vault, clock, entropy);
    let subject = Subject { user: user.clone(), role: Role::Owner, supervises: BTreeSet::new(), ends: None };
    let presence = Presence { passphrase_anew: true, ..Presence::default() };
    let actor = Actor::new(subject, unlocked, signer).with_presence(presence);

    // Nobody is in the ledger yet, so keys are asked of the vault and not of the people.
    let Practice { vault, entropy, .. } = &mut practice;
    let file = random(&mut **entropy, GroupId::from_random);
    vault.create_group(actor.keys(), file.as_str(), ADMINISTRATIVE, PRACTICE_SCOPE, &mut **entropy)?;
    let bytes = canonical(&record).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
    let sealed = vault.seal(actor.keys(), file.as_str(), "practice", JSON, &bytes, &mut **entropy)?;
    let name = asked.clinician.as_bytes();
    let name = vault.seal(actor.keys(), file.as_str(), "name", "text/plain", name, &mut **entropy)?;
    let mut created = practice
        .entry(&actor, Kind::PracticeCreated)
        .refer("file", &file)
        .fact("state", Fact::Text(record.state.clone()))
        .payload(sealed);
    for (class, office) in offices {
        created = created.fact(&office_fact(class), Fact::Text(hex(&office.seal_key)));
    }
    let public = actor.keys().public();
    let added = practice
        .entry(&actor, Kind::UserAdded)
        .refer("user", &user)
        .fact("role", Fact::Text(Role::Owner.as_str().to_owned()))
        // What keys are wrapped to and attestations verified with: a key file swapped later shows.
        .fact("seal_key", Fact::Text(hex(&public.seal_key)))
        .fact("sign_key", Fact::Text(hex(&public.sign_key)))
        .payload(name);
    let mut configured = practice.entry(&actor, Kind::PracticeConfigured);
    for (name, fact) in settings.facts() {
        configured = configured.fact(&name, fact);
    }
    practice.append(&actor, vec![created, added, configured])?;
    Ok(Founded { practice, actor, recovery_code, origin, vkey })
}

const ADMINISTRATIVE: &str = Class::Administrative.as_str();

fn random<T>(entropy: &mut dyn Entropy, make: impl Fn([u8; 10]) -> T) -> T {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    make(bytes)
}

impl Practice {
    /// The practice's own record. No entry: part of other acts.
    ///
    /// # Errors
    /// Where the ledger or the record cannot be read.
    pub fn record(&self, actor: &Actor) -> Result<PracticeRecord, PracticeError> {
        let created = self.one(Kind::PracticeCreated, &[])?.ok_or(PracticeError::NotFound {
            what: "practice",
            id: "here".to_owned(),
            list: "init --help",
        })?;
        self.open_record(actor, &created, "practice", "practice's record")
    }

    /// Records that the recovery kit was printed, before it is.
    ///
    /// # Errors
    /// Where the ledger cannot be written; then the kit must not be shown.
    pub fn recovery_printed(&mut self, actor: &Actor) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::PrintRecovery)?;
        let entry = self.entry(actor, Kind::RecoveryPrinted).refer("user", actor.user());
        self.append_one(actor, entry)
    }

    /// Accepts that the clock stands behind the ledger, as an entry that says so.
    ///
    /// # Errors
    /// Where the ledger cannot be written.
    pub fn accept_clock(&mut self, actor: &Actor) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let entry = self.entry(actor, Kind::ClockReset);
        self.append_one(actor, entry)
    }
}
