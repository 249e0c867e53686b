//! The second factor of a user: enrolled, asked for, taken away.

use std::collections::BTreeSet;

use provenote_access::factor::{
    self, Enrolment, FactorError, RECOVERY_CODES, RECOVERY_ENTROPY, RecoveryCodes, SECRET, Secret,
};
use provenote_access::{Act, Resource};
use provenote_ledger::{AppendError, Fact, Hash, Header, Query, StoreError, VaultError};
use provenote_schemas::{Kind, Role, Time, UserId};
use zeroize::Zeroizing;

use super::{Accepted, Arrival, AuthenticationError, Method, TRIES};
use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

/// Entries this far back are asked which step was used. A step that is accepted now lies at most 30 seconds back, and the
/// entry of its use is not older than 30 seconds before the step; the rest is for clocks that were put right.
const LOOK_BACK_MS: i64 = 10 * 60 * 1000;

/// Who took a factor away, where the recovery code of the keys did: nobody else could for an owner.
pub(super) const BY_RECOVERY: &str = "recovery";

/// The longest name an authenticator is shown.
const LONGEST_NAME: usize = 100;

/// A second factor that is shown to its user and does not count yet. Lives only in memory.
pub struct FactorBegun {
    secret: Secret,
    /// What the authenticator is shown.
    pub shown: Enrolment,
}

/// A second factor that counts from now on.
pub struct FactorConfirmed {
    /// For the day the authenticator is lost; each works once. Shown now and kept nowhere.
    pub recovery_codes: Vec<Zeroizing<String>>,
    /// The entry.
    pub seq: u64,
}

/// A user's second factor, as the ledger tells of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FactorStanding {
    /// Enrolled when.
    pub since: Time,
    /// Recovery codes that were not used.
    pub recovery_codes_left: usize,
}

/// The factor that the ledger says is in force.
pub(super) struct InForce {
    /// The entry that enrolled it.
    pub(super) seq: u64,
    time: Time,
    /// Of what is sealed.
    digest: Hash,
    /// The step of the code it was confirmed with.
    step: u64,
}

impl InForce {
    fn of(header: &Header) -> Result<Self, PracticeError> {
        let unreadable = || PracticeError::Unreadable {
            seq: header.seq,
            what: "second factor",
            why: "its digest or step is missing".to_owned(),
        };
        let digest: Option<Hash> = header.facts.get("digest").and_then(fact_text).and_then(|text| text.parse().ok());
        Ok(Self {
            seq: header.seq,
            time: Time::from_millis(header.time),
            digest: digest.ok_or_else(unreadable)?,
            step: number(header, "step").ok_or_else(unreadable)?,
        })
    }
}

impl Practice {
    /// Whether users of a role have to have a second factor: by the practice's setting, otherwise in every practice of
    /// more than one.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn factor_required(&self, role: Role) -> Result<bool, PracticeError> {
        let by_practice = self.settings()?.factor_roles.get(&role).copied();
        Ok(factor::required(by_practice, self.people()?.users().count()))
    }

    /// A user's second factor; none where there is none.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn factor_of(&self, user: &UserId) -> Result<Option<FactorStanding>, PracticeError> {
        let Some(kept) = self.factor_in_force(user)? else { return Ok(None) };
        let used = self.recovery_codes_used(user, &kept)?.len();
        let recovery_codes_left = RECOVERY_CODES.saturating_sub(used);
        Ok(Some(FactorStanding { since: kept.time, recovery_codes_left }))
    }

    /// Makes a secret to show to the user's authenticator. Nothing is kept until [`Practice::confirm_factor`].
    ///
    /// # Errors
    /// [`AuthenticationError::CodeNeeded`] where the user has a factor and did not give it in this session; where the user
    /// may not.
    pub fn begin_factor(&mut self, actor: &Actor) -> Result<FactorBegun, PracticeError> {
        self.may_enrol(actor)?;
        let mut bytes = Zeroizing::new([0; SECRET]);
        self.entropy.fill(bytes.as_mut_slice());
        let secret = Secret::new(bytes);
        let shown =
            secret.enrolment(&self.name_shown(actor), &self.user_shown(actor)).map_err(AuthenticationError::from)?;
        Ok(FactorBegun { secret, shown })
    }

    /// Makes a factor count, by a first code that shows that the authenticator has it. What was enrolled before counts no
    /// more, its recovery codes neither.
    ///
    /// # Errors
    /// [`AuthenticationError::Factor`] for a code that does not fit; nothing has changed then. As
    /// [`Practice::begin_factor`].
    pub fn confirm_factor(
        &mut self,
        actor: &Actor,
        begun: &FactorBegun,
        code: &str,
    ) -> Result<FactorConfirmed, PracticeError> {
        self.may_enrol(actor)?;
        let step = begun.secret.check(code, self.judged_at()?, None).map_err(AuthenticationError::from)?;
        let mut entropy = Zeroizing::new([0; RECOVERY_ENTROPY]);
        self.entropy.fill(entropy.as_mut_slice());
        let (kept, recovery_codes) = RecoveryCodes::new(&entropy);
        let sealed = to_seal(&begun.secret, &kept)?;
        for _ in 0..TRIES {
            let size = self.log.size()?;
            let before = self.factor_in_force(actor.user())?.map(|kept| kept.digest);
            // Durable beside the one before, so that whichever the ledger names is there.
            let digest = self.vault.prepare_factor(actor.keys(), &sealed, before.as_ref(), &mut *self.entropy)?;
            let entry = self
                .entry(actor, Kind::FactorEnrolled)
                .refer("user", actor.user())
                .fact("kind", Fact::Text(Method::Totp.to_string()))
                .fact("digest", Fact::Text(digest.to_string()))
                .fact("step", whole(step));
            match self.append_if(actor, size, vec![entry]) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => continue,
                done => {
                    let seq = done?.first().copied().unwrap_or_default();
                    self.vault.settle_factor(actor.user().as_str(), &digest)?;
                    return Ok(FactorConfirmed { recovery_codes, seq });
                }
            }
        }
        Err(StoreError::Busy.into())
    }

    /// Takes a user's second factor away: the authenticator is lost, or in other hands. The entry comes first. Where the
    /// role needs one, the user can do nothing but enrol another.
    ///
    /// # Errors
    /// Where the actor may not; [`PracticeError::NotFound`]; [`AuthenticationError::CodeNeeded`] for one's own that was
    /// not given in this session.
    pub fn reset_factor(&mut self, actor: &Actor, user: &UserId) -> Result<u64, PracticeError> {
        self.allow(actor, Act::ResetFactor, &Resource::User(user.clone()))?;
        if self.factor_in_force(user)?.is_none() {
            return Err(PracticeError::NotFound {
                what: "second factor of",
                id: user.to_string(),
                list: "access user list",
            });
        }
        if user == actor.user() && !actor.presence().factor_given {
            return Err(AuthenticationError::CodeNeeded.into());
        }
        self.take_factor(actor, user, "owner")
    }

    /// The entry of a reset, and then the reset.
    pub(super) fn take_factor(&mut self, actor: &Actor, user: &UserId, by: &str) -> Result<u64, PracticeError> {
        let entry = self.entry(actor, Kind::FactorReset).refer("user", user).fact("by", Fact::Text(by.to_owned()));
        let seq = self.append_one(actor, entry)?;
        self.vault.destroy_factor(user.as_str())?;
        Ok(seq)
    }

    /// The factor that the entries leave in force.
    pub(super) fn factor_in_force(&self, user: &UserId) -> Result<Option<InForce>, PracticeError> {
        let user = [("user", user.as_str())];
        let Some(enrolled) = self.headers(Kind::FactorEnrolled, &user)?.pop() else { return Ok(None) };
        let reset = self.headers(Kind::FactorReset, &user)?.pop();
        if reset.is_some_and(|reset| reset.seq > enrolled.seq) {
            return Ok(None);
        }
        InForce::of(&enrolled).map(Some)
    }

    /// Checks a code, and counts it where it does not fit. What is returned has to be appended onto the ledger that was
    /// read. Under the lock of the attempts.
    pub(super) fn accept(
        &mut self,
        actor: &Actor,
        kept: &InForce,
        given: &Arrival<'_>,
    ) -> Result<Accepted, PracticeError> {
        let code = given.code.ok_or(AuthenticationError::CodeNeeded)?;
        self.may_try(actor.user().as_str(), given.waited)?;
        let opened = match self.vault.open_factor(actor.keys(), &kept.digest) {
            Err(VaultError::Missing(_) | VaultError::Damaged { .. }) => {
                return Err(AuthenticationError::FactorUnreadable.into());
            }
            opened => opened?,
        };
        let (secret, recovery) = from_sealed(&opened).ok_or(AuthenticationError::FactorUnreadable)?;
        let found = if is_digits(code) {
            let now = self.judged_at()?;
            let last = self.last_step(actor.user(), kept, now)?;
            secret.check(code, now, Some(last)).map(|step| (Method::Totp, "step", step))
        } else {
            let used = self.recovery_codes_used(actor.user(), kept)?;
            let number = recovery.check(code, &used);
            number.map(|number| (Method::RecoveryCode, "number", u64::try_from(number).unwrap_or(u64::MAX)))
        };
        match found {
            Ok((method, name, value)) => {
                let entry = self
                    .entry(actor, Kind::FactorUsed)
                    .refer("user", actor.user())
                    .refer("method", method)
                    .fact(name, whole(value));
                Ok(Accepted { method, entry })
            }
            // What cannot be a code is a slip, no guess.
            Err(FactorError::NotACode) => Err(AuthenticationError::Factor(FactorError::NotACode).into()),
            Err(error) => {
                self.failed(actor.user().as_str(), true)?;
                Err(AuthenticationError::Factor(error).into())
            }
        }
    }

    /// The last step that was used, as far as it matters now.
    fn last_step(&self, user: &UserId, kept: &InForce, now: Time) -> Result<u64, PracticeError> {
        let query =
            Query { since_ms: Some(now.millis().saturating_sub(LOOK_BACK_MS)), ..uses(user, kept, Method::Totp) };
        let steps = self.log.find(&query)?;
        Ok(steps.iter().filter_map(|header| number(header, "step")).fold(kept.step, u64::max))
    }

    fn recovery_codes_used(&self, user: &UserId, kept: &InForce) -> Result<BTreeSet<usize>, PracticeError> {
        let headers = self.log.find(&uses(user, kept, Method::RecoveryCode))?;
        let numbers = headers.iter().filter_map(|header| number(header, "number"));
        Ok(numbers.filter_map(|number| usize::try_from(number).ok()).collect())
    }

    fn may_enrol(&mut self, actor: &Actor) -> Result<(), PracticeError> {
        self.allow(actor, Act::EnrolFactor, &Resource::User(actor.user().clone()))?;
        if self.factor_in_force(actor.user())?.is_some() && !actor.presence().factor_given {
            return Err(AuthenticationError::CodeNeeded.into());
        }
        Ok(())
    }

    /// The practice's name, for the authenticator's list; not everybody's keys open it.
    fn name_shown(&self, actor: &Actor) -> String {
        let name = self.record(actor).map(|record| shortened(&record.name)).unwrap_or_default();
        if name.is_empty() { "Provenote".to_owned() } else { name }
    }

    /// The user's name, where the user's own keys open it.
    fn user_shown(&self, actor: &Actor) -> String {
        let name = self.user_name(actor, actor.user()).map(|name| shortened(&name)).unwrap_or_default();
        if name.is_empty() { actor.user().to_string() } else { name }
    }
}

/// What the authenticator can show of a name.
fn shortened(name: &str) -> String {
    let kept: String = name.replace(':', " ").chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    kept.trim().to_owned()
}

/// Entries of uses since a factor was enrolled.
fn uses<'a>(user: &UserId, kept: &InForce, method: Method) -> Query<'a> {
    let query = Query::kind(Kind::FactorUsed.as_str()).refer("user", user).refer("method", method);
    Query { after_seq: Some(kept.seq), ..query }
}

fn number(header: &Header, name: &str) -> Option<u64> {
    match header.facts.get(name) {
        Some(Fact::Number(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn whole(number: u64) -> Fact {
    Fact::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

/// True for what can only be meant as a code of an authenticator: a recovery code is longer and has letters.
fn is_digits(code: &str) -> bool {
    let mut kept = code.chars().filter(|c| !c.is_whitespace() && *c != '-');
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').count() <= 8 && kept.all(|c| c.is_ascii_digit())
}

/// The secret, and then the recovery codes as JSON.
fn to_seal(secret: &Secret, recovery: &RecoveryCodes) -> Result<Zeroizing<Vec<u8>>, PracticeError> {
    let recovery = serde_json::to_vec(recovery).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET + recovery.len()));
    bytes.extend_from_slice(secret.bytes());
    bytes.extend_from_slice(&recovery);
    Ok(bytes)
}

fn from_sealed(bytes: &[u8]) -> Option<(Secret, RecoveryCodes)> {
    let (secret, recovery) = bytes.split_first_chunk::<SECRET>()?;
    Some((Secret::new(Zeroizing::new(*secret)), serde_json::from_slice(recovery).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_told_from_a_recovery_code() {
        for digits in ["123456", "123 456", "123-456", "12345", ""] {
            assert!(is_digits(digits), "{digits}");
        }
        for recovery in ["0000-1111-2222-3333", "abcd-efgh-jkmn-pqrs", "12345a"] {
            assert!(!is_digits(recovery), "{recovery}");
        }
    }

    #[test]
    fn what_is_sealed_is_read_back() {
        let (kept, codes) =
            RecoveryCodes::new(&Zeroizing::new(std::array::from_fn(|place| u8::try_from(place).unwrap_or(0))));
        let sealed = to_seal(&Secret::new(Zeroizing::new([9; SECRET])), &kept).expect("it has a form");
        let (secret, recovery) = from_sealed(&sealed).expect("reads");
        assert_eq!(secret.bytes(), &[9; SECRET]);
        assert_eq!(recovery.check(&codes[3], &BTreeSet::new()), Ok(3));
        assert!(from_sealed(&sealed[..30]).is_none());
    }
}
