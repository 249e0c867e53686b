//! Signing in: keys from the agent or a passphrase, then this machine, the place and the second factor.

use provenote_access::lockout::{self, Lockout};
use provenote_access::place::Origin;
use provenote_ledger::{Unlocked, Vault, VaultError};
use provenote_practice::authentication::{Arrival, AuthenticationError, Session, Wait};
use provenote_practice::ports::Clock as _;
use provenote_practice::{Actor, Practice, PracticeError};
use provenote_schemas::{Role, Time};
use zeroize::Zeroizing;

use super::{Home, read_passphrase};
use crate::agent::{self, Held};
use crate::exit::Failure;
use crate::machine::Machine;
use crate::screen;
use crate::surroundings::{SystemClock, let_pass, local};

/// What somebody comes for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coming {
    /// For one command; with the keys that the agent holds, where it does.
    ForOneCommand,
    /// For an act that asks for the passphrase whatever is unlocked. A second factor that was given stays given.
    ForAnAct,
    /// To have the keys held.
    ToUnlock,
    /// To have this machine known.
    ToEnrolMachine,
    /// To make a second factor.
    ToEnrolFactor,
}

impl Home {
    /// The practice and who acts: keys from the agent, else from a passphrase.
    pub(crate) fn signed_in(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened()?, Coming::ForOneCommand)
    }

    /// The same in a practice that was opened already.
    pub(crate) fn signed_in_with(&self, practice: Practice) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(practice, Coming::ForOneCommand)
    }

    /// The same, whatever a witness says.
    pub(crate) fn signed_in_despite_alarm(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened_despite_alarm()?, Coming::ForOneCommand)
    }

    /// A restored practice, for the owner who is about to accept it.
    pub(crate) fn signed_in_restored(&self) -> Result<(Practice, Actor), Failure> {
        self.let_in(self.opened_despite_alarm()?, Coming::ForOneCommand)
    }

    /// The same where the files of the practice's own policies are not those in force: the bundled ones decide who may put
    /// others in force. A file that is lost or was edited must not lock an owner out.
    pub(crate) fn signed_in_to_change_policies(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        let practice = match self.opened() {
            Err(Failure::Practice(PracticeError::NotAllowed(_))) => self.opened_to_look()?,
            opened => opened?,
        };
        self.let_in(practice, Coming::ForOneCommand)
    }

    /// The practice and who acts, the passphrase asked for whatever is unlocked.
    pub(crate) fn signed_in_anew(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened()?, Coming::ForAnAct)
    }

    /// The practice and whose keys are to be held: everything is asked for.
    pub(crate) fn signed_in_to_unlock(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened()?, Coming::ToUnlock)
    }

    /// The practice and who wants this machine known, which may be unknown for that.
    pub(crate) fn signed_in_to_enrol_machine(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened()?, Coming::ToEnrolMachine)
    }

    /// The practice and who wants a second factor, and may have none for that.
    pub(crate) fn signed_in_to_enrol_factor(&self) -> Result<(Practice, Actor), Failure> {
        self.must_be_accepted()?;
        self.let_in(self.opened()?, Coming::ToEnrolFactor)
    }

    /// What a restored practice lacks is accepted by a person before anything else is done in it.
    fn must_be_accepted(&self) -> Result<(), Failure> {
        self.must_be_practice()?;
        match provenote_backup::pending(&self.path).map_err(Failure::could)? {
            None => Ok(()),
            Some(restored) => Err(Failure::could(format!(
                "this practice was restored from a backup and is not accepted yet ({}): run `provenote backup accept`",
                restored.told()
            ))),
        }
    }

    fn let_in(&self, mut practice: Practice, coming: Coming) -> Result<(Practice, Actor), Failure> {
        // What a crash left of a change of the ledger's key.
        practice.finish_rotation()?;
        let machine = Machine::of(&practice)?;
        let with_keys_held = self.passphrase_file.is_none() && !matches!(coming, Coming::ForAnAct | Coming::ToUnlock);
        let held = if with_keys_held { agent::held(&self.path, self.user.as_deref()) } else { None };
        let actor = match held.as_ref().and_then(|held| Some((held, Unlocked::from_bytes(&held.keys)?))) {
            Some((held, keys)) => {
                let actor = practice.resume(keys)?;
                let given = Arrival { one_command: false, session: Some(&held.session), ..arrival(&machine, coming) };
                practice.arrive(actor, &given)?
            }
            None => self.with_passphrase(&mut practice, &machine, coming)?,
        };
        if !matches!(coming, Coming::ToEnrolMachine | Coming::ToEnrolFactor) {
            practice.must_have_factor(&actor, &arrival(&machine, coming))?;
        }
        if coming == Coming::ForOneCommand {
            self.remind(&mut practice, &actor)?;
        }
        Ok((practice, actor))
    }

    /// Who signs in: whoever was named, else the only one there is.
    fn who_acts(&self, practice: &Practice) -> Result<String, Failure> {
        match &self.user {
            Some(user) => Ok(user.clone()),
            None => Ok(practice.only_user()?),
        }
    }

    fn with_passphrase(&self, practice: &mut Practice, machine: &Machine, coming: Coming) -> Result<Actor, Failure> {
        let user = self.who_acts(practice)?;
        let passphrase = match &self.passphrase_file {
            Some(file) => read_passphrase(file)?,
            None if screen::can_ask() => screen::ask_passphrase("Passphrase: ").map_err(Failure::Could)?,
            None => {
                return Err(Failure::could(
                    "this practice is locked: run `provenote unlock`, or give --passphrase-file FILE",
                ));
            }
        };
        let (actor, waited) = try_passphrase(practice, &user, passphrase.as_bytes())?;
        let held = agent::held(&self.path, Some(actor.user().as_str()));
        let session = held.as_ref().map(|held| &held.session).filter(|_| coming != Coming::ToUnlock);
        let code = if session.is_none() { self.code(practice, &actor)? } else { None };
        let given = Arrival {
            code: code.as_ref().map(|code| code.as_str()),
            passphrase_anew: true,
            one_command: coming != Coming::ToUnlock && session.is_none(),
            session,
            waited,
            ..arrival(machine, coming)
        };
        let actor = practice.arrive(actor, &given)?;
        if held.is_none() {
            // Whoever held the keys forgot them, and had none to write so.
            practice.expired_unnoticed(&actor)?;
        }
        Ok(actor)
    }

    /// A code of the second factor, for those who have one.
    fn code(&self, practice: &Practice, actor: &Actor) -> Result<Option<Zeroizing<String>>, Failure> {
        if practice.factor_of(actor.user())?.is_none() {
            return Ok(None);
        }
        match &self.factor_file {
            Some(file) => self.secret_line(file).map(Some),
            None if screen::can_ask() => screen::ask_passphrase("Code of your authenticator, or a recovery code: ")
                .map(Some)
                .map_err(Failure::Could),
            None => Ok(None),
        }
    }

    /// Keeps what was found out about whoever acts, where the agent holds their keys: a factor that was given just now
    /// counts for the commands to come.
    pub(crate) fn keep_session(&self, practice: &Practice, actor: &Actor) -> Result<(), Failure> {
        let user = actor.user().as_str();
        match agent::held(&self.path, Some(user)) {
            None => Ok(()),
            Some(held) => self.hold(actor, held.idle, practice.session_of(actor)?),
        }
    }

    /// Has the agent hold somebody's keys.
    pub(crate) fn hold(&self, actor: &Actor, idle: u32, session: Session) -> Result<(), Failure> {
        let held = Held { idle, session, keys: actor.keys().to_bytes() };
        agent::start(&self.path, actor.user().as_str(), &held).map_err(Failure::Could)
    }

    /// Nothing is destroyed behind anybody's back, and nothing that is past its date goes unmentioned.
    fn remind(&self, practice: &mut Practice, actor: &Actor) -> Result<(), Failure> {
        // Access that is over goes with whoever comes first.
        practice.end_grants(actor)?;
        if self.json {
            return Ok(());
        }
        if actor.role() == Role::Owner {
            let standing = practice.emergencies()?;
            if !standing.unreviewed.is_empty() || standing.envelope_open {
                screen::say(
                    "EMERGENCY ACCESS was taken and is not yet reviewed, or its code is known: `provenote access emergency status`",
                );
            }
        }
        // Who may not see the schedule is not reminded of it.
        let Ok(plan) = practice.retention_plan(actor) else { return Ok(()) };
        let overdue = plan.iter().filter(|due| due.now).count();
        if overdue > 0 {
            let what = if overdue == 1 { "1 record is".to_owned() } else { format!("{overdue} records are") };
            screen::say(&format!("{what} due for destruction: `provenote retention run` carries it out"));
        }
        Ok(())
    }

    /// The practice, somebody's keys opened with the recovery code.
    pub(crate) fn recovered(&self, code: &str) -> Result<(Practice, Actor), Failure> {
        let mut practice = self.opened()?;
        let user = self.who_acts(&practice)?;
        let machine = Machine::of(&practice)?;
        let actor = practice.recover_access(&user, code, Some(&machine))?;
        Ok((practice, actor))
    }

    /// The practice with keys the agent held.
    pub(crate) fn resumed(&self, keys: &[u8]) -> Result<(Practice, Actor), Failure> {
        let practice = self.opened()?;
        let keys = Unlocked::from_bytes(keys)
            .ok_or_else(|| Failure::could("the unlock agent holds something that is no key: run `provenote lock`"))?;
        let actor = practice.resume(keys)?;
        Ok((practice, actor))
    }
}

/// From this machine, now.
fn arrival(machine: &Machine, coming: Coming) -> Arrival<'_> {
    let now = local(SystemClock.now());
    Arrival {
        device: Some(machine),
        origin: Origin::ThisMachine,
        hour: now.hour,
        weekday: now.weekday,
        to_enrol_device: coming == Coming::ToEnrolMachine,
        ..Arrival::here()
    }
}

/// Tries a passphrase once whatever wait stands before it is over. Time passes by this machine's steady clock: setting the
/// other one shortens nothing.
fn try_passphrase(practice: &mut Practice, user: &str, passphrase: &[u8]) -> Result<(Actor, Option<Wait>), Failure> {
    loop {
        let waited = practice.wait_of(user)?;
        if let Some(wait) = waited {
            screen::say(&format!("Too many passphrases or codes did not fit: this one is tried in {wait}"));
            let_pass(u64::try_from(wait.ms).unwrap_or_default());
        }
        match practice.sign_in_counted(user, passphrase, waited) {
            // Somebody else failed meanwhile.
            Err(PracticeError::Authentication(AuthenticationError::Delayed(_))) => {}
            // Whether there is such a user is not told.
            Err(PracticeError::Vault(VaultError::BadName(_))) => {
                return Err(PracticeError::Vault(VaultError::WrongPassphrase).into());
            }
            done => return Ok((done?, waited)),
        }
    }
}

/// Opens a user's keys where the ledger may not open: whoever guesses is counted and waits there too.
pub(super) fn unlock_without_ledger(vault: &mut Vault, user: &str, passphrase: &[u8]) -> Result<Unlocked, Failure> {
    let counted_as = vault.counted_as(user)?;
    let times: Vec<Time> =
        vault.failures(&counted_as)?.iter().map(|failure| Time::from_millis(failure.at_ms)).collect();
    if let Lockout::Wait { ms } = lockout::standing(&times, SystemClock.now()) {
        let_pass(u64::try_from(ms).unwrap_or_default());
    }
    // A folder that cannot be written, such as a mounted copy, is verified all the same.
    let _lock = vault.lock_attempts().ok();
    vault.unlock(user, passphrase).map_err(|error| {
        if matches!(error, VaultError::WrongPassphrase) {
            // What cannot be counted has cost Argon2id its time all the same.
            let _ = vault.add_failure(&counted_as, SystemClock.now().millis(), false);
        }
        error.into()
    })
}
