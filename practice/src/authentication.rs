//! Signing in: passphrase, second factor, device and place, and what of it becomes an entry.
//!
//! A passphrase opens keys ([`Practice::sign_in_counted`]). Everything else that is asked for is the program's own question
//! ([`Practice::arrive`]): whoever has keys and another program is not stopped by it, whoever has a copy of the passphrase
//! and this program is. What was found out stands in the actor's [`Presence`], and the policies decide by it.
//!
//! Whatever must not be used twice is folded from entries: the step of a code, a recovery code, a device's revocation. An
//! entry is written only onto the ledger it was decided on, so of two processes with one code one is let in.

mod attempts;
mod devices;
mod expiry;
mod factor;
mod places;

use provenote_access::factor::FactorError;
use provenote_access::place::Origin;
use provenote_ledger::{AppendError, Fact, NewEntry, StoreError};
use provenote_schemas::{DeviceId, Kind, UserId};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, Presence};
use crate::error::PracticeError;
use crate::ports::{Countries, DeviceKeys};

pub use attempts::Wait;
pub use devices::DeviceShown;
pub use factor::{FactorBegun, FactorConfirmed, FactorStanding};
pub use places::PlaceTried;

/// How often an entry is decided on anew because others were faster with theirs.
const TRIES: usize = 64;

/// By what somebody proves who they are. More will come with the web pages: passkeys, and providers by OpenID Connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Opens the user's keys.
    Passphrase,
    /// A code of an authenticator (RFC 6238).
    Totp,
    /// A code of the list that was printed at enrolment.
    RecoveryCode,
}

impl Method {
    /// The word of entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why somebody was not let in, or not yet. None holds anything of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// So much did not fit that the next try has to wait.
    #[error("too many passphrases or codes did not fit: try again in {0}; it is never for good")]
    Delayed(Wait),
    /// The user has a second factor, and no code was given.
    #[error("this user has a second factor: give the code that the authenticator shows, or a recovery code")]
    CodeNeeded,
    /// The code was not accepted.
    #[error(transparent)]
    Factor(#[from] FactorError),
    /// The ledger says that there is a second factor, and it cannot be opened.
    #[error(
        "the key file of this user's second factor is missing, or not the one that the ledger names: restore it from a \
         backup of the keys, or have the owner reset the factor"
    )]
    FactorUnreadable,
    /// The practice knows its devices, and this one is none of them.
    #[error("refused, {why}; the refusal is entry {seq}")]
    Device {
        /// Why, in words.
        why: String,
        /// The entry.
        seq: u64,
    },
    /// The practice does not allow access from there.
    #[error("refused, {why}; the refusal is entry {seq}")]
    Place {
        /// Why, in words.
        why: String,
        /// The entry.
        seq: u64,
    },
    /// The role needs a second factor, and the user has made none yet.
    #[error(
        "refused, your role needs a second factor and you have none yet: make one with `provenote access factor add`; the refusal is entry {seq}"
    )]
    NoFactor {
        /// The entry.
        seq: u64,
    },
    /// What an agent kept is of another user, or the user locked it since.
    #[error("what was unlocked is over: sign in again with `provenote unlock`")]
    SessionOver,
}

/// How somebody comes to act, as the edge tells it.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// A code of the second factor, where one was given.
    pub code: Option<&'a str>,
    /// The machine's key pair, where it has one.
    pub device: Option<&'a dyn DeviceKeys>,
    /// From where.
    pub origin: Origin,
    /// The database of countries, where the practice has one.
    pub countries: Option<&'a dyn Countries>,
    /// The passphrase was given for this very act.
    pub passphrase_anew: bool,
    /// Hour of the day where the practice is, 0 to 23.
    pub hour: u8,
    /// Day of the week where the practice is, 1 Monday to 7 Sunday.
    pub weekday: u8,
    /// A passphrase was given for one command: its sign-in is an entry. An unlocking has an entry of its own.
    pub one_command: bool,
    /// What was kept of the sign-in whose keys are used again; none where a passphrase opened them just now.
    pub session: Option<&'a Session>,
    /// Comes to have this device known: it is let in unknown, and the policies let it do nothing else.
    pub to_enrol_device: bool,
    /// The wait that the edge let pass by its own steady clock.
    pub waited: Option<Wait>,
}

impl Arrival<'_> {
    /// From the machine itself, with nothing but a passphrase, for one command, on a Monday at noon.
    #[must_use]
    pub const fn here() -> Self {
        Self {
            code: None,
            device: None,
            origin: Origin::ThisMachine,
            countries: None,
            passphrase_anew: false,
            hour: 12,
            weekday: 1,
            one_command: true,
            session: None,
            to_enrol_device: false,
            waited: None,
        }
    }
}

/// What is kept of a sign-in beside the keys, for whoever uses them again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    user: UserId,
    /// Entries the ledger had.
    since: u64,
    factor_given: bool,
    device: Option<DeviceId>,
}

/// What a code was accepted as.
struct Accepted {
    method: Method,
    entry: NewEntry,
}

impl Practice {
    /// Lets somebody in whose keys are open: asks for device, place and second factor, and writes what became of it. The
    /// actor that is returned carries the [`Presence`] that the policies decide by.
    ///
    /// Place and device come first, so that no code is spent on a machine that is refused. A code is an entry before
    /// anything can be done with it. Failures since the last time somebody was let in become entries here.
    ///
    /// # Errors
    /// [`AuthenticationError`]; where the ledger cannot be written.
    pub fn arrive(&mut self, actor: Actor, given: &Arrival<'_>) -> Result<Actor, PracticeError> {
        // Outside of every lock: a key in hardware may ask for a touch.
        let answered = given.device.map(|keys| self.answered(actor.user(), keys)).transpose()?.flatten();
        let lock = self.vault.lock_attempts()?;
        for _ in 0..TRIES {
            let size = self.log.size()?;
            let mut presence = self.presence_of(&actor, given, answered)?;
            let session = given.session.map(|session| self.session_holds(&actor, session, &presence)).transpose()?;
            let in_force = self.factor_in_force(actor.user())?;
            let accepted = match &in_force {
                None => None,
                Some(kept) if session.is_some_and(|session| session.covers(kept)) => {
                    presence.factor_given = true;
                    None
                }
                Some(kept) => {
                    presence.factor_given = true;
                    Some(self.accept(&actor, kept, given)?)
                }
            };
            if given.to_enrol_device && !presence.device_known && in_force.is_none() {
                // The policies leave nothing to an unknown device but to be enrolled; a factor comes after that.
                presence.factor_required = false;
            }
            // Keys that are used again prove nothing anew.
            let proven = given.session.is_none() || given.passphrase_anew;
            let noted = if proven { self.unrecorded(&actor)? } else { attempts::Noted::default() };
            let mut entries = noted.entries.clone();
            let method = accepted.as_ref().map(|accepted| accepted.method);
            entries.extend(accepted.map(|accepted| accepted.entry));
            if given.one_command && self.is_told(in_force.is_some())? {
                entries.push(self.signed_in(&actor, given, &presence, method));
            }
            match if entries.is_empty() { Ok(Vec::new()) } else { self.append_if(&actor, size, entries) } {
                // What was decided on has changed meanwhile.
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => continue,
                done => done?,
            };
            if proven {
                self.forget_recorded(&actor, &noted)?;
            }
            drop(lock);
            return Ok(actor.with_presence(presence));
        }
        Err(StoreError::Busy.into())
    }

    /// Turns away who was let in without the second factor that the role needs, for whatever they come but to make one. The
    /// policies refuse them each act; a list would be empty and tell them nothing.
    ///
    /// # Errors
    /// [`AuthenticationError::NoFactor`].
    pub fn must_have_factor(&mut self, actor: &Actor, given: &Arrival<'_>) -> Result<(), PracticeError> {
        let presence = actor.presence().clone();
        if !presence.factor_required || presence.factor_given {
            return Ok(());
        }
        let seq = self.turned_away(actor, given, &presence, "guard-factor", "factor_missing")?;
        Err(AuthenticationError::NoFactor { seq }.into())
    }

    /// What is to be kept beside the keys of somebody who was let in, for using them again.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn session_of(&self, actor: &Actor) -> Result<Session, PracticeError> {
        let presence = actor.presence();
        Ok(Session {
            user: actor.user().clone(),
            since: self.log.size()?,
            factor_given: presence.factor_given,
            device: presence.device.clone().filter(|_| presence.device_known),
        })
    }

    /// Whether sign-ins for one command are entries: a practice of one, without factor and devices, tells them by what is
    /// done.
    fn is_told(&self, has_factor: bool) -> Result<bool, PracticeError> {
        Ok(has_factor || self.people()?.several() || devices::asked_for(&self.devices()?))
    }

    fn signed_in(&self, actor: &Actor, given: &Arrival<'_>, presence: &Presence, factor: Option<Method>) -> NewEntry {
        let factor = factor.map_or("none", Method::as_str);
        let entry = self
            .entry(actor, Kind::UserSignedIn)
            .refer("user", actor.user())
            .fact("method", Fact::Text(Method::Passphrase.to_string()))
            .fact("factor", Fact::Text(factor.to_owned()));
        told_from(entry, given, presence)
    }
}

/// From where and on which device, as facts.
fn told_from(mut entry: NewEntry, given: &Arrival<'_>, presence: &Presence) -> NewEntry {
    if let Some(device) = &presence.device {
        entry = entry.refer("device", device);
    }
    if let Origin::Address(address) = given.origin {
        entry = entry.fact("address", Fact::Text(address.to_canonical().to_string()));
    }
    for (name, value) in [("network", &presence.network), ("country", &presence.country)] {
        entry = value.iter().fold(entry, |entry, value| entry.fact(name, Fact::Text(value.clone())));
    }
    entry
}

impl Session {
    /// Whether the factor that is in force was given when this began.
    fn covers(&self, in_force: &factor::InForce) -> bool {
        self.factor_given && in_force.seq < self.since
    }
}
