//! Devices: enrolled by whoever signs in on them, approved and revoked by the owner, asked for once one is approved.

use provenote_access::place::{
    self, Device, DeviceError, DeviceEvent, DeviceKey, DeviceState, Devices, Origin, Verdict,
};
use provenote_access::{Act, Resource};
use provenote_ledger::{AppendError, Fact, Hash, Header, NewEntry, StoreError, VaultError, verify_signature};
use provenote_schemas::{DeviceId, Kind, Role, Time, UserId};

use super::{Arrival, AuthenticationError, Session, TRIES, factor, told_from};
use crate::act::{Actor, Practice, Presence, fact_text, reference};
use crate::error::PracticeError;
use crate::notes::hex;
use crate::ports::DeviceKeys;
use crate::sessions::bad_reference;

/// What a device signs begins so: its signature is good for nothing else.
const CHALLENGE: &[u8] = b"provenote device challenge v1\0";

/// A device in the list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeviceShown {
    /// The device.
    pub device: DeviceId,
    /// Who enrolled it.
    pub holder: UserId,
    /// Only its holder signs in on it.
    pub personal: bool,
    /// When it was enrolled.
    pub enrolled: Time,
    /// `waiting`, `approved` or `revoked`.
    pub state: &'static str,
    /// Since when it is approved or revoked.
    pub since: Option<Time>,
    /// Who said so.
    pub by: Option<UserId>,
}

impl DeviceShown {
    fn of(id: &DeviceId, device: &Device) -> Self {
        let (state, said) = match &device.state {
            DeviceState::Waiting => ("waiting", None),
            DeviceState::Approved { by, at } => ("approved", Some((by, at))),
            DeviceState::Revoked { by, at } => ("revoked", Some((by, at))),
        };
        Self {
            device: id.clone(),
            holder: device.holder.clone(),
            personal: device.personal,
            enrolled: device.enrolled,
            state,
            since: said.map(|(_, at)| *at),
            by: said.map(|(by, _)| by.clone()),
        }
    }
}

/// Whether the practice asks for a device: once it has an approved one. The last one on which an owner signs in is not
/// revoked, so this does not end.
pub(super) fn asked_for(devices: &Devices) -> bool {
    devices.all().any(|(_, device)| matches!(device.state, DeviceState::Approved { .. }))
}

impl Practice {
    /// Asks that the machine somebody works on be known, and proves that it has its key. It counts once an owner has
    /// approved it. `personal`: only this user signs in on it.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] where the machine has no key that answers, or the key is enrolled already; where the
    /// user may not.
    pub fn enrol_device(
        &mut self,
        actor: &Actor,
        keys: &dyn DeviceKeys,
        personal: bool,
    ) -> Result<DeviceId, PracticeError> {
        let device = self.random_id(DeviceId::from_random);
        let holder = actor.user().clone();
        self.allow(actor, Act::EnrolDevice, &Resource::Device { id: device.clone(), holder: holder.clone() })?;
        let key = self.answered(&holder, keys)?.ok_or_else(|| {
            PracticeError::BadRequest("this machine has no key of its own, or the key does not answer".to_owned())
        })?;
        let event = DeviceEvent::Enrolled { device: device.clone(), key, holder, personal };
        self.device_entry(actor, &event, None)?;
        Ok(device)
    }

    /// Lets a device count from now on. The first one has to be one that the actor signs in on: from then on devices are
    /// asked for.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a device that does not wait; [`PracticeError::NotAllowed`] where the actor would
    /// have none; where the actor may not.
    pub fn approve_device(&mut self, actor: &Actor, device: &DeviceId) -> Result<u64, PracticeError> {
        self.may_rule(actor, device)?;
        let event = DeviceEvent::Approved { device: device.clone(), by: actor.user().clone() };
        self.device_entry(actor, &event, None)
    }

    /// Lets a device count no more: it is lost, sold, or not wanted. Its key is never known again.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a device that is revoked already; [`PracticeError::NotAllowed`] for the last one
    /// that the actor signs in on; where the actor may not.
    pub fn revoke_device(&mut self, actor: &Actor, device: &DeviceId) -> Result<u64, PracticeError> {
        self.may_rule(actor, device)?;
        let event = DeviceEvent::Revoked { device: device.clone(), by: actor.user().clone() };
        self.device_entry(actor, &event, None)
    }

    /// The devices: an owner and whoever sees the users see all, others their own.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn list_devices(&self, actor: &Actor) -> Result<Vec<DeviceShown>, PracticeError> {
        let all = self.may(actor, Act::ViewUsers, &Resource::Practice)?;
        let devices = self.devices()?;
        let seen = devices.all().filter(|(_, device)| all || device.holder == *actor.user());
        Ok(seen.map(|(id, device)| DeviceShown::of(id, device)).collect())
    }

    /// The device that a machine is, where it is enrolled: to say which of the list it is.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn device_of(&self, keys: &dyn DeviceKeys) -> Result<Option<DeviceId>, PracticeError> {
        let devices = self.devices()?;
        Ok(keys.public().and_then(|key| of_key(&devices, key)))
    }

    /// Every device, as the entries tell.
    pub(crate) fn devices(&self) -> Result<Devices, PracticeError> {
        let mut headers = self.headers(Kind::DeviceEnrolled, &[])?;
        let mut devices = Devices::new();
        if headers.is_empty() {
            return Ok(devices);
        }
        headers.extend(self.headers(Kind::DeviceApproved, &[])?);
        headers.extend(self.headers(Kind::DeviceRevoked, &[])?);
        headers.sort_by_key(|header| header.seq);
        for header in &headers {
            devices.apply(header.seq, Time::from_millis(header.time), &event_of(header)?);
        }
        Ok(devices)
    }

    /// Has a key answer a fresh challenge; none where it does not.
    pub(super) fn answered(
        &mut self,
        user: &UserId,
        keys: &dyn DeviceKeys,
    ) -> Result<Option<DeviceKey>, PracticeError> {
        let Some(key) = keys.public() else { return Ok(None) };
        let mut fresh = [0; 32];
        self.entropy.fill(&mut fresh);
        let origin = self.log.identity()?.origin;
        let message = [CHALLENGE, origin.as_bytes(), b"\0", user.as_str().as_bytes(), b"\0", &fresh].concat();
        Ok(keys.sign(&message).filter(|signature| verify_signature(&key.0, &message, signature)).map(|_| key))
    }

    /// What is known of how somebody came. A device or place that is refused is an entry before it is an error.
    pub(super) fn presence_of(
        &mut self,
        actor: &Actor,
        given: &Arrival<'_>,
        answered: Option<DeviceKey>,
    ) -> Result<Presence, PracticeError> {
        let devices = self.devices()?;
        let device = answered.and_then(|key| of_key(&devices, key));
        let arrival = place::Arrival {
            origin: given.origin,
            user: actor.user(),
            device: device.as_ref(),
            countries: given.countries,
        };
        let verdict = place::decide(&self.places()?, &devices, &arrival);
        let asked_for = asked_for(&devices);
        let presence = Presence {
            factor_required: self.factor_required(actor.role())?,
            factor_given: false,
            passphrase_anew: given.passphrase_anew,
            reason_given: false,
            device_known: verdict.device_known || !asked_for,
            place_allowed: verdict.place_allowed,
            network: verdict.network.clone(),
            country: verdict.country.clone().map(String::from),
            hour: given.hour,
            weekday: given.weekday,
            device,
        };
        if !presence.place_allowed {
            let why = joined(&verdict, given.origin);
            let seq = self.turned_away(actor, given, &presence, "guard-place", "place")?;
            return Err(AuthenticationError::Place { why, seq }.into());
        }
        if !presence.device_known && !given.to_enrol_device {
            let standing = presence.device.as_ref().map(|id| devices.standing(id, actor.user()));
            let (word, why) = match standing {
                Some(Err(error)) => (device_word(&error), error.to_string()),
                _ => (
                    "device_unknown",
                    "this machine is no device that the practice knows: `provenote access device enrol` asks the owner"
                        .to_owned(),
                ),
            };
            let seq = self.turned_away(actor, given, &presence, "guard-device", word)?;
            return Err(AuthenticationError::Device { why, seq }.into());
        }
        Ok(presence)
    }

    /// Whether what was kept of a sign-in still stands.
    pub(super) fn session_holds<'s>(
        &self,
        actor: &Actor,
        session: &'s Session,
        presence: &Presence,
    ) -> Result<&'s Session, PracticeError> {
        let same_device = session.device.is_none() || session.device == presence.device;
        let over = session.user != *actor.user()
            || session.since > self.log.size()?
            || !same_device
            || self.ended_since(actor.user(), session.since)?;
        if over { Err(AuthenticationError::SessionOver.into()) } else { Ok(session) }
    }

    /// Signs a user in with the recovery code of the keys, for the day when passphrase, authenticator or machine are lost.
    ///
    /// For an owner nobody else could help: so an owner's second factor is taken away, and the machine becomes a known one
    /// where the practice asks for devices, each with its entry. Others have to ask an owner for both; until then the
    /// policies leave them nothing but a new passphrase.
    ///
    /// # Errors
    /// One and the same error for a wrong code and an unknown user.
    pub fn recover_access(
        &mut self,
        user: &str,
        code: &str,
        keys: Option<&dyn DeviceKeys>,
    ) -> Result<Actor, PracticeError> {
        let actor = match self.recover(user, code) {
            Err(error @ PracticeError::Vault(VaultError::WrongPassphrase)) => {
                // A code of 160 bits is not guessed: it is told, and needs no wait.
                let counted_as = self.vault.counted_as(user)?;
                let _lock = self.vault.lock_attempts()?;
                self.failed(&counted_as, false)?;
                return Err(error);
            }
            recovered => recovered?,
        };
        let owner = actor.role() == Role::Owner;
        let mut presence = Presence { passphrase_anew: true, ..Presence::default() };
        let has_factor = self.factor_in_force(actor.user())?.is_some();
        if has_factor && owner {
            self.take_factor(&actor, &actor.user().clone(), factor::BY_RECOVERY)?;
        }
        presence.factor_required = !owner && (has_factor || self.factor_required(actor.role())?);
        if asked_for(&self.devices()?) {
            let answered = keys.map(|keys| self.answered(actor.user(), keys)).transpose()?.flatten();
            if owner && let Some(key) = answered {
                self.know_machine(&actor, key)?;
            }
            let devices = self.devices()?;
            presence.device = answered.and_then(|key| of_key(&devices, key));
            let known = presence.device.as_ref().is_some_and(|id| devices.standing(id, actor.user()).is_ok());
            // An owner without any device left has to be able to have one known.
            presence.device_known = known || owner;
        }
        Ok(actor.with_presence(presence))
    }

    /// Has an owner's machine known after a recovery. One that was revoked is not: it needs a new key.
    fn know_machine(&mut self, actor: &Actor, key: DeviceKey) -> Result<(), PracticeError> {
        let devices = self.devices()?;
        let by = actor.user().clone();
        let device = match of_key(&devices, key) {
            Some(device) => device,
            None => {
                let device = self.random_id(DeviceId::from_random);
                let event = DeviceEvent::Enrolled { device: device.clone(), key, holder: by.clone(), personal: false };
                self.device_entry(actor, &event, Some(factor::BY_RECOVERY))?;
                device
            }
        };
        match self.devices()?.standing(&device, &by) {
            Err(DeviceError::Waiting(_)) => {
                let event = DeviceEvent::Approved { device, by };
                self.device_entry(actor, &event, Some(factor::BY_RECOVERY)).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn may_rule(&mut self, actor: &Actor, device: &DeviceId) -> Result<(), PracticeError> {
        let devices = self.devices()?;
        let Some((id, known)) = devices.all().find(|(id, _)| *id == device) else {
            return Err(not_so(&DeviceError::Unknown(device.clone())));
        };
        let resource = Resource::Device { id: id.clone(), holder: known.holder.clone() };
        self.allow(actor, Act::ApproveDevice, &resource)
    }

    /// Writes what happens to a device, onto the very ledger that lets it happen.
    fn device_entry(
        &mut self,
        actor: &Actor,
        event: &DeviceEvent,
        by: Option<&'static str>,
    ) -> Result<u64, PracticeError> {
        for _ in 0..TRIES {
            let size = self.log.size()?;
            let mut devices = self.devices()?;
            devices.check(event).map_err(|error| not_so(&error))?;
            devices.apply(size, self.judged_at()?, event);
            let mine = devices.all().any(|(id, _)| devices.standing(id, actor.user()).is_ok());
            let rules = matches!(event, DeviceEvent::Approved { .. } | DeviceEvent::Revoked { .. });
            if rules && asked_for(&devices) && !mine {
                return Err(PracticeError::NotAllowed(
                    "then there would be no device that you sign in on yourself: enrol this machine and approve it first"
                        .to_owned(),
                ));
            }
            if matches!(event, DeviceEvent::Revoked { .. }) && asked_for(&self.devices()?) && !asked_for(&devices) {
                return Err(PracticeError::NotAllowed(
                    "this is the last device that the practice knows: approve another one first".to_owned(),
                ));
            }
            let mut entry = self.entry_of(actor, event);
            entry = by.into_iter().fold(entry, |entry, by| entry.fact("by", Fact::Text(by.to_owned())));
            match self.append_if(actor, size, vec![entry]) {
                Err(PracticeError::Append(AppendError::Store(StoreError::Moved))) => {}
                done => return Ok(done?.first().copied().unwrap_or_default()),
            }
        }
        Err(StoreError::Busy.into())
    }

    fn entry_of(&self, actor: &Actor, event: &DeviceEvent) -> NewEntry {
        match event {
            DeviceEvent::Enrolled { device, key, holder, personal } => self
                .entry(actor, Kind::DeviceEnrolled)
                .refer("device", device)
                .refer("user", holder)
                .fact("key", Fact::Text(hex(&key.0)))
                .fact("personal", Fact::Flag(*personal)),
            DeviceEvent::Approved { device, .. } => self.entry(actor, Kind::DeviceApproved).refer("device", device),
            DeviceEvent::Revoked { device, .. } => self.entry(actor, Kind::DeviceRevoked).refer("device", device),
        }
    }

    /// The entry of somebody who is not let in.
    pub(super) fn turned_away(
        &mut self,
        actor: &Actor,
        given: &Arrival<'_>,
        presence: &Presence,
        policy: &str,
        why: &str,
    ) -> Result<u64, PracticeError> {
        let entry = self
            .entry(actor, Kind::AccessRefused)
            .refer("user", actor.user())
            .fact("act", Fact::Text("sign_in".to_owned()))
            .fact("of", Fact::Text(Resource::Practice.kind().to_string()))
            .fact("policy", Fact::Text(policy.to_owned()))
            .fact("why", Fact::Text(why.to_owned()));
        self.append_one(actor, told_from(entry, given, presence))
    }
}

fn of_key(devices: &Devices, key: DeviceKey) -> Option<DeviceId> {
    devices.all().find(|(_, device)| device.key == key).map(|(id, _)| id.clone())
}

fn not_so(error: &DeviceError) -> PracticeError {
    PracticeError::BadRequest(error.to_string())
}

const fn device_word(error: &DeviceError) -> &'static str {
    match error {
        DeviceError::Unknown(_) | DeviceError::Exists(_) => "device_unknown",
        DeviceError::Waiting(_) => "device_waiting",
        DeviceError::Revoked(_) => "device_revoked",
        DeviceError::Personal(_) => "device_personal",
    }
}

/// The reasons that speak of the place; over no network there are none to give.
pub(super) fn joined(verdict: &Verdict, origin: Origin) -> String {
    match origin {
        Origin::ThisMachine => "this machine is not where the practice allows access from".to_owned(),
        // The last one is of the device.
        Origin::Address(_) => verdict.reasons.split_last().map(|(_, place)| place.join("; ")).unwrap_or_default(),
    }
}

fn event_of(header: &Header) -> Result<DeviceEvent, PracticeError> {
    let unreadable = || PracticeError::Unreadable {
        seq: header.seq,
        what: "device",
        why: "its key or holder is missing".to_owned(),
    };
    let device: DeviceId = reference(header, "device")?.parse().map_err(|error| bad_reference(header, &error))?;
    let by = || header.actor.parse::<UserId>().map_err(|error| bad_reference(header, &error));
    match Kind::from_word(&header.kind) {
        Some(Kind::DeviceApproved) => Ok(DeviceEvent::Approved { device, by: by()? }),
        Some(Kind::DeviceRevoked) => Ok(DeviceEvent::Revoked { device, by: by()? }),
        _ => {
            let key: Option<Hash> = header.facts.get("key").and_then(fact_text).and_then(|text| text.parse().ok());
            let Hash(key) = key.ok_or_else(unreadable)?;
            let holder: UserId = reference(header, "user")?.parse().map_err(|error| bad_reference(header, &error))?;
            let personal = matches!(header.facts.get("personal"), Some(Fact::Flag(true)));
            Ok(DeviceEvent::Enrolled { device, key: DeviceKey(key), holder, personal })
        }
    }
}
