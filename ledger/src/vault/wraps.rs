//! What the key files say of who has which key, to be held against what the ledger says.

use super::class::recipients_of;
use super::people::class_of_name;
use super::{Vault, VaultError};

/// Who has a class key or an office's private half, by its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wraps {
    /// The key file.
    pub file: String,
    /// The class.
    pub class: String,
    /// Whose; none for an office, which opens the class of every client.
    pub scope: Option<String>,
    /// Which generation.
    pub number: u32,
    /// The users it is wrapped to.
    pub recipients: Vec<String>,
    /// For a class key: the generation of the office that it is wrapped to.
    pub office: Option<u32>,
    /// How many entries the ledger had when the key was made; 0 where nobody signed for it.
    pub since: u64,
    /// Who says to have made it.
    pub by: Option<String>,
    /// Whether that user's signature is good; none where nobody signed.
    pub signed: Option<bool>,
}

/// The Ed25519 key of a user who was entitled to a class (and scope, where one is given) when the ledger had that many
/// entries: class, scope, user, entries.
pub type Signers<'a> = dyn Fn(&str, Option<&str>, &str, u64) -> Option<[u8; 32]> + 'a;

impl Vault {
    /// Who has which class key and which office. Files that cannot be read are left to [`Vault::audit`].
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn wraps(&self, signers: &Signers<'_>) -> Result<Vec<Wraps>, VaultError> {
        let mut all = Vec::new();
        for name in self.keys.list("classes/")? {
            let Some((class, scope)) = class_of_name(&name) else { continue };
            let file = match self.class_of(class, scope) {
                Ok(file) => file,
                Err(VaultError::Io(error)) => return Err(error.into()),
                Err(_) => continue,
            };
            all.push(Wraps {
                class: class.to_owned(),
                scope: Some(scope.to_owned()),
                number: file.number,
                recipients: recipients_of(&file.wraps),
                office: file.office.as_ref().map(|office| office.number),
                since: file.since(),
                by: file.made.as_ref().map(|made| made.by.clone()),
                signed: file.is_signed(&|by, since| signers(class, Some(scope), by, since)),
                file: name,
            });
        }
        for name in self.keys.list("offices/")? {
            let Some(class) = name.strip_prefix("offices/").and_then(|rest| rest.strip_suffix(".json")) else {
                continue;
            };
            let file = match self.office_of(class) {
                Ok(file) => file,
                Err(VaultError::Io(error)) => return Err(error.into()),
                Err(_) => continue,
            };
            all.extend(file.all().filter(|one| !one.wraps.is_empty()).map(|one| Wraps {
                file: name.clone(),
                class: class.to_owned(),
                scope: None,
                number: one.number,
                recipients: recipients_of(&one.wraps),
                office: None,
                since: one.made.since,
                by: Some(one.made.by.clone()),
                signed: Some(one.is_signed(class, &|by, since| signers(class, None, by, since))),
            }));
        }
        Ok(all)
    }
}
