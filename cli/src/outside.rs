//! What is known of the ledger outside its database: anchors, witnesses and how many of them must agree, authorities.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use provenote_ledger::SignedNote;
use provenote_ledger::policy::Policy;
use provenote_ledger_files::FileAnchors;
use provenote_timestamp::Authorities;
use provenote_witness::Standings;

use crate::exit::Failure;
use crate::home::Home;

impl Home {
    /// Checkpoints cosigned or stamped with a time, beside the keys.
    pub(crate) fn anchors(&self) -> Result<FileAnchors, Failure> {
        FileAnchors::open(self.keys().join("anchors")).map_err(|error| self.broken("keys/anchors", &error))
    }

    /// The same checkpoint with the cosignatures that it already has.
    pub(crate) fn cosigned(&self, checkpoint: String) -> Result<String, Failure> {
        let text = |note: &str| SignedNote::parse(note).map(|note| note.text().to_owned());
        let ours = text(&checkpoint).map_err(Failure::could)?;
        let notes = self.anchors()?.notes().map_err(|error| self.broken("keys/anchors", &error))?;
        let kept = notes.into_iter().map(|(_, note)| note).find(|note| text(note).is_ok_and(|text| text == ours));
        Ok(kept.unwrap_or(checkpoint))
    }

    /// The practice's witness policy, C2SP tlog-policy.
    pub(crate) fn policy_file(&self) -> PathBuf {
        self.path().join("witness.policy")
    }

    /// Who watches the ledger; nobody where there is no policy.
    pub(crate) fn policy(&self) -> Result<Policy, Failure> {
        let file = self.policy_file();
        match fs::read(&file) {
            Ok(text) => Policy::parse(text).map_err(|error| Failure::could(format!("{}: {error}", file.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Policy::without_witnesses()),
            Err(error) => Err(self.broken("witness.policy", &error)),
        }
    }

    /// Writes the policy whole or not at all.
    pub(crate) fn keep_policy(&self, policy: &Policy) -> Result<(), Failure> {
        let problem = |error: std::io::Error| self.broken("witness.policy", &error);
        let mut file = tempfile::NamedTempFile::new_in(self.path()).map_err(problem)?;
        file.write_all(policy.text()).and_then(|()| file.as_file().sync_all()).map_err(problem)?;
        file.persist(self.policy_file()).map_err(|error| problem(error.error))?;
        Ok(())
    }

    fn standings_file(&self) -> PathBuf {
        self.keys().join("witnesses.json")
    }

    /// What each witness signed last, and what is still wanted of it.
    pub(crate) fn standings(&self) -> Result<Standings, Failure> {
        Standings::read(&self.standings_file()).map_err(|error| self.broken("keys/witnesses.json", &error))
    }

    /// Remembers it.
    pub(crate) fn keep_standings(&self, standings: &Standings) -> Result<(), Failure> {
        standings.write(&self.standings_file()).map_err(|error| self.broken("keys/witnesses.json", &error))
    }

    /// The time-stamp authorities a person trusts: those of this file.
    pub(crate) fn authorities(&self, given: Option<&Path>) -> Result<Authorities, Failure> {
        let mut all = Authorities::default();
        if let Some(file) = given {
            let problem = |error: &dyn std::fmt::Display| Failure::could(format!("{}: {error}", file.display()));
            let bytes = fs::read(file).map_err(|error| problem(&error))?;
            all.extend(Authorities::parse(&bytes).map_err(|error| problem(&error))?);
        }
        Ok(all)
    }
}
