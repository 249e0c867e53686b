//! The recovery kit: a page to print and lock away.

use provenote_schemas::{Time, UserId};
use serde_json::json;

use crate::ReportError;
use crate::press::Copy;

/// What a user needs when the passphrase is lost. Holds a secret: no `Debug`.
#[derive(Clone)]
pub struct RecoveryKit {
    /// The practice's name.
    pub practice: String,
    /// The ledger's origin, which does not name the practice.
    pub origin: String,
    /// The ledger's verifier key (C2SP signed-note vkey).
    pub vkey: String,
    /// Whose keys the code opens.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The recovery code, groups parted by hyphens or spaces.
    pub code: String,
    /// The command that takes the code, such as `provenote unlock --recovery`.
    pub command: String,
    /// When it was made.
    pub made: Time,
}

/// A recovery kit as PDF, with no attachment: the code stands in one place only.
///
/// # Errors
/// [`ReportError::NoGlyph`] for a character no font has.
pub fn recovery_kit(kit: &RecoveryKit) -> Result<Vec<u8>, ReportError> {
    let groups: Vec<&str> =
        kit.code.split(|c: char| c == '-' || c.is_whitespace()).filter(|group| !group.is_empty()).collect();
    let data = json!({
        "practice": kit.practice,
        "origin": kit.origin,
        "vkey": kit.vkey,
        "user": kit.user,
        "name": kit.name,
        "groups": groups,
        "command": kit.command,
        "made": kit.made,
    });
    Copy::new("recovery", include_str!("../typ/recovery.typ"), kit.made, data)?.print()
}
