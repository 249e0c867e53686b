//! Devices: a key pair each, approved by the owner, revocable for good.

use std::collections::BTreeMap;

use provenote_schemas::{DeviceId, Time, UserId};
use serde::{Deserialize, Serialize};

/// The public half of a device's Ed25519 key. The private half never leaves the device; the edge checks that it answered
/// a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceKey(pub [u8; 32]);

/// What happened to a device: one entry of the ledger each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum DeviceEvent {
    /// Somebody asks that a device be known.
    Enrolled {
        /// The device.
        device: DeviceId,
        /// Its key.
        key: DeviceKey,
        /// Who asks.
        holder: UserId,
        /// True where only the holder signs in on it; false for a machine of the practice.
        personal: bool,
    },
    /// The owner says yes.
    Approved {
        /// The device.
        device: DeviceId,
        /// Who.
        by: UserId,
    },
    /// It is not to be used any more: lost, sold, or refused.
    Revoked {
        /// The device.
        device: DeviceId,
        /// Who.
        by: UserId,
    },
}

/// Where a device stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has said yes.
    Waiting,
    /// It may be used.
    Approved {
        /// Who said so.
        by: UserId,
        /// When.
        at: Time,
    },
    /// Never again.
    Revoked {
        /// Who said so.
        by: UserId,
        /// When.
        at: Time,
    },
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its key.
    pub key: DeviceKey,
    /// Who enrolled it.
    pub holder: UserId,
    /// Only for the holder.
    pub personal: bool,
    /// When it was enrolled.
    pub enrolled: Time,
    /// Where it stands.
    pub state: DeviceState,
}

/// Why a device is not known, or something cannot happen to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Never enrolled.
    #[error("the device {0} is not enrolled; `provenote access device enrol` asks the owner")]
    Unknown(DeviceId),
    /// Enrolled, and nobody has said yes.
    #[error("the device {0} waits for the owner's approval")]
    Waiting(DeviceId),
    /// Revoked.
    #[error("the device {0} was revoked; enrol it anew with a new key")]
    Revoked(DeviceId),
    /// Somebody else's own.
    #[error("the device {0} is for the user who enrolled it alone")]
    Personal(DeviceId),
    /// The pseudonym or the key is taken.
    #[error("the device {0}, or its key, is enrolled already")]
    Exists(DeviceId),
}

/// Every device of a practice, folded from the entries in their order.
#[derive(Debug, Clone, Default)]
pub struct Devices {
    by_id: BTreeMap<DeviceId, Device>,
    oddities: Vec<(u64, DeviceError)>,
}

impl Devices {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an event may happen, before its entry is written. Who has the right is for the policies to say.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn check(&self, event: &DeviceEvent) -> Result<(), DeviceError> {
        match event {
            DeviceEvent::Enrolled { device, key, .. } => {
                // A revoked key does not come back under another pseudonym.
                let taken = self.by_id.contains_key(device) || self.by_id.values().any(|known| known.key == *key);
                if taken { Err(DeviceError::Exists(device.clone())) } else { Ok(()) }
            }
            DeviceEvent::Approved { device, .. } => match self.get(device)?.state {
                DeviceState::Waiting => Ok(()),
                DeviceState::Approved { .. } => Err(DeviceError::Exists(device.clone())),
                DeviceState::Revoked { .. } => Err(DeviceError::Revoked(device.clone())),
            },
            DeviceEvent::Revoked { device, .. } => match self.get(device)?.state {
                DeviceState::Revoked { .. } => Err(DeviceError::Revoked(device.clone())),
                _ => Ok(()),
            },
        }
    }

    /// Folds the next entry in. One that ought not to be there changes nothing and is kept as an oddity.
    pub fn apply(&mut self, seq: u64, time: Time, event: &DeviceEvent) {
        if let Err(error) = self.check(event) {
            self.oddities.push((seq, error));
            return;
        }
        match event {
            DeviceEvent::Enrolled { device, key, holder, personal } => {
                let state = DeviceState::Waiting;
                let known = Device { key: *key, holder: holder.clone(), personal: *personal, enrolled: time, state };
                self.by_id.insert(device.clone(), known);
            }
            DeviceEvent::Approved { device, by } => {
                self.set(device, DeviceState::Approved { by: by.clone(), at: time });
            }
            DeviceEvent::Revoked { device, by } => {
                self.set(device, DeviceState::Revoked { by: by.clone(), at: time });
            }
        }
    }

    fn set(&mut self, device: &DeviceId, state: DeviceState) {
        if let Some(known) = self.by_id.get_mut(device) {
            known.state = state;
        }
    }

    fn get(&self, device: &DeviceId) -> Result<&Device, DeviceError> {
        self.by_id.get(device).ok_or_else(|| DeviceError::Unknown(device.clone()))
    }

    /// Whether a user may sign in on a device.
    ///
    /// # Errors
    /// [`DeviceError`]: why not.
    pub fn standing(&self, device: &DeviceId, user: &UserId) -> Result<(), DeviceError> {
        let known = self.get(device)?;
        match known.state {
            DeviceState::Waiting => Err(DeviceError::Waiting(device.clone())),
            DeviceState::Revoked { .. } => Err(DeviceError::Revoked(device.clone())),
            DeviceState::Approved { .. } if known.personal && known.holder != *user => {
                Err(DeviceError::Personal(device.clone()))
            }
            DeviceState::Approved { .. } => Ok(()),
        }
    }

    /// Every device.
    pub fn all(&self) -> impl Iterator<Item = (&DeviceId, &Device)> {
        self.by_id.iter()
    }

    /// Entries that ought not to be there, by their number.
    #[must_use]
    pub fn oddities(&self) -> &[(u64, DeviceError)] {
        &self.oddities
    }
}
