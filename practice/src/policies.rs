//! The practice's own policies beside the bundled ones: checked before they are in force, put in force by an entry that
//! names their digest, and refused where the files are not those of the entry.

use provenote_access::{
    Act, Change, Circumstances, OfClient, Policies, PolicyFile, Request, Resource, compare, decide,
};
use provenote_ledger::Fact;
use provenote_schemas::{Digest, Kind};
use serde::Serialize;

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

/// A decision, told to people.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// True where the act may be done.
    pub allowed: bool,
    /// Who was asked about.
    pub user: String,
    /// What they are.
    pub role: String,
    /// The act.
    pub act: String,
    /// What it would be done to.
    pub resource: String,
    /// The policies that made the decision.
    pub policies: Vec<ExplainedPolicy>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What was taken for granted, since nobody is signed in for this.
    pub assumed: Vec<String>,
    /// The entry.
    pub seq: u64,
}

/// A policy that took part in a decision.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedPolicy {
    /// Its name.
    pub id: String,
    /// Where it stands: file, line, column.
    pub at: String,
    /// What it says.
    pub says: String,
}

/// The digest of a set of policy files: over names and texts, in the order of the names.
fn digest(files: &[PolicyFile<'_>]) -> Digest {
    let mut files: Vec<&PolicyFile<'_>> = files.iter().collect();
    files.sort_by_key(|file| file.name);
    let mut bytes = Vec::new();
    for file in files {
        for part in [file.name, file.text] {
            bytes.extend_from_slice(&part.len().to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    Digest::of(&bytes)
}

impl Practice {
    /// Takes the practice's own policy files, where they are those that the ledger put in force.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] where they are not: then nothing is done until the files are those again.
    pub fn use_policies(&mut self, files: &[PolicyFile<'_>]) -> Result<(), PracticeError> {
        let last = self.headers(Kind::PolicyChanged, &[])?.pop();
        let wanted = last.as_ref().and_then(|header| header.facts.get("sha256")).and_then(fact_text);
        let nothing = files.is_empty();
        match wanted {
            None if nothing => return Ok(()),
            Some(wanted) if wanted == digest(files).to_string() => {}
            _ => {
                let since = last.map_or_else(
                    || "no policies of the practice's own are in force".to_owned(),
                    |header| format!("they differ from those that entry {} put in force", header.seq),
                );
                return Err(PracticeError::NotAllowed(format!(
                    "the files in the folder policies were changed: {since}. Put the former files back; an owner changes policies with `provenote access policy apply`"
                )));
            }
        }
        self.policies = if nothing { None } else { Some(read(files)?) };
        Ok(())
    }

    /// What other policies would newly allow or forbid, before they are in force.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] with file, line and column for a policy that is none or
    /// would reach beyond the keys.
    pub fn check_policies(&mut self, actor: &Actor, files: &[PolicyFile<'_>]) -> Result<Vec<Change>, PracticeError> {
        self.allow_here(actor, Act::CheckPolicy)?;
        let new = read(files)?;
        Ok(compare(self.policies(), &new))
    }

    /// Puts policies in force from the next command on. The edge writes the files once this entry is there.
    ///
    /// # Errors
    /// As [`Practice::check_policies`].
    pub fn change_policies(&mut self, actor: &Actor, files: &[PolicyFile<'_>]) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::ChangePolicy)?;
        let new = read(files)?;
        let entry = self
            .entry(actor, Kind::PolicyChanged)
            .fact("sha256", Fact::Text(digest(files).to_string()))
            .fact("files", Fact::Number(i64::try_from(files.len()).unwrap_or(i64::MAX)));
        let seq = self.append_one(actor, entry)?;
        self.policies = (!files.is_empty()).then_some(new);
        Ok(seq)
    }

    /// What would be decided if a user asked for something, and by which policies.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`]; [`PracticeError::BadRequest`] for an act or a resource that
    /// is none, or that do not go together.
    pub fn explain(
        &mut self,
        actor: &Actor,
        user: &str,
        act: &str,
        resource: &str,
    ) -> Result<Explained, PracticeError> {
        let user = self.user_of(user)?;
        self.allow(actor, Act::ExplainAccess, &Resource::User(user.clone()))?;
        let act = Act::from_word(act).ok_or_else(|| {
            let words: Vec<&str> = Act::ALL.iter().map(|act| act.as_str()).collect();
            PracticeError::BadRequest(format!(
                "`{}` is no action: there are {}",
                act.chars().take(40).collect::<String>(),
                words.join(", ")
            ))
        })?;
        let thing = self.resource_named(actor, act, resource)?;
        if !act.kinds().contains(&thing.kind()) {
            let kinds: Vec<String> = act.kinds().iter().map(ToString::to_string).collect();
            return Err(PracticeError::BadRequest(format!(
                "{act} is not done to a {}, but to a {}",
                thing.kind(),
                kinds.join(" or a ")
            )));
        }
        let subject = self.people()?.subject(&user).ok_or_else(|| PracticeError::NotFound {
            what: "user",
            id: user.to_string(),
            list: "access user list",
        })?;
        let circumstances = Circumstances::usual(self.judged_at()?);
        let grants = self.grants_in_force(&user)?;
        let request =
            Request { subject: &subject, act, resource: &thing, circumstances: &circumstances, grants: &grants };
        let decision = decide(self.policies(), &request);
        let entry = self
            .entry(actor, Kind::AccessExplained)
            .refer("user", &user)
            .fact("act", Fact::Text(act.as_str().to_owned()))
            .fact("allowed", Fact::Flag(decision.allowed));
        let seq = self.append_one(actor, entry)?;
        let policies = decision.policies.iter().map(|id| ExplainedPolicy {
            id: id.clone(),
            at: self.policies().place(id).map(ToString::to_string).unwrap_or_default(),
            says: self.policies().says(id).to_owned(),
        });
        Ok(Explained {
            allowed: decision.allowed,
            user: user.to_string(),
            role: subject.role.to_string(),
            act: act.to_string(),
            resource: resource.to_owned(),
            policies: policies.collect(),
            reasons: decision.reasons.iter().chain(&decision.errors).cloned().collect(),
            assumed: vec![
                "a second factor was given where the role needs one".to_owned(),
                "the device is known, and the place allowed".to_owned(),
                "the passphrase was given for this act, and a reason where one is needed".to_owned(),
                "it is noon on a Monday".to_owned(),
            ],
            seq,
        })
    }

    /// What a word on the command line names: `practice`, `ledger`, or the id of a client, session, note, user or grant.
    fn resource_named(&self, actor: &Actor, act: Act, asked: &str) -> Result<Resource, PracticeError> {
        use provenote_access::ResourceKind as Of;
        match asked {
            "practice" => return Ok(Resource::Practice),
            "ledger" => return Ok(Resource::Ledger),
            _ => {}
        }
        if let Ok(user) = self.user_of(asked) {
            return Ok(Resource::User(user));
        }
        if asked.parse::<provenote_schemas::SessionId>().is_ok() {
            return self.session_resource(actor, &self.session_header(asked)?);
        }
        if let Ok(note) = asked.parse::<provenote_schemas::NoteId>() {
            let draft = self.draft_header(asked)?;
            let client = crate::sessions::client_of(&draft)?;
            return match () {
                () if act.kinds().contains(&Of::Claim) => self.claim_resource(&note, &client),
                () if act.kinds().contains(&Of::Release) => self.release_resource(&note, &client),
                () => self.note_resource(&draft),
            };
        }
        if let Some(grant) = self.grant_resource(asked)? {
            return Ok(grant);
        }
        let client = match asked.parse::<provenote_schemas::ClientId>() {
            Ok(id) => crate::sessions::client_of(&self.client_header(&id)?)?,
            Err(_) => self.client(actor, asked)?.client,
        };
        if act.kinds() == [Of::Session] {
            let id = provenote_schemas::SessionId::from_random([0; 10]);
            let clinicians = self.people()?.clinicians_of(&client);
            let class = provenote_schemas::Class::Clinical;
            let of = OfClient::session(&id, class, &client, clinicians, false);
            return Ok(of.map_err(|error| PracticeError::BadRequest(error.to_string()))?.into());
        }
        self.file_of(&client)
    }
}

fn read(files: &[PolicyFile<'_>]) -> Result<Policies, PracticeError> {
    provenote_access::check_added(files).map_err(|errors| {
        let sentences: Vec<String> = errors.iter().map(ToString::to_string).collect();
        PracticeError::BadRequest(sentences.join("; "))
    })
}
