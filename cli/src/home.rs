//! The practice's folder: opening it, making it. Drivers are chosen here and nowhere else.

mod sign_in;

use std::cell::OnceCell;
use std::fs;
use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use provenote_access::PolicyFile;
use provenote_host::WorkerPrograms;
use provenote_ledger::{
    Anchor as _, Argon2Params, Epoch, FindingKind, GivenAnchor, Log, OpenError, Report, Store, Unlocked, Vault,
    Verification,
};
use provenote_ledger_files::{FileAnchor, FileBlobs, FileKeys};
use provenote_ledger_sqlite::SqliteStore;
use provenote_models::{Listed, ModelDir};
use provenote_pipeline::engine::ModelFile;
use provenote_practice::astray::Astray;
use provenote_practice::ports::Models;
use provenote_practice::settings::Settings;
use provenote_practice::setup::{Founded, Parts, PracticeRecord, found};
use provenote_practice::vendors::OwnPipeline;
use provenote_practice::{Actor, Practice, PracticeError, Presence};
use provenote_schemas::Digest;
use provenote_schemas::disclosure::ModelFact;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::agent;
use crate::args::Global;
use crate::exit::Failure;
use crate::screen;
use crate::surroundings::{SystemClock, SystemEntropy, default_home, disk_encrypted, program_folder, shared_models};

/// Drafting models, the best first: what `init` looks for on this machine.
const DRAFTING: [&str; 3] = ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"];

/// The longest a worker may say nothing.
const PATIENCE: Duration = Duration::from_secs(300);

/// The longest passphrase that is read.
const LONGEST_PASSPHRASE: u64 = 4096;

/// The folder a command works on, and who works on it.
pub(crate) struct Home {
    path: PathBuf,
    json: bool,
    user: Option<String>,
    passphrase_file: Option<PathBuf>,
    factor_file: Option<PathBuf>,
    models: OnceCell<ModelsHere>,
}

impl Home {
    /// The folder that options and environment name.
    pub(crate) fn named(global: &Global) -> Result<Self, Failure> {
        let path = match &global.home {
            Some(path) => path.clone(),
            None => default_home()
                .ok_or_else(|| Failure::could("this system names no folder for data: say where with --home DIR"))?,
        };
        Ok(Self {
            factor_file: global.factor_file.clone(),
            ..Self::at(path, global.json, global.user.clone(), global.passphrase_file.clone())
        })
    }

    /// This folder.
    pub(crate) fn at(path: PathBuf, json: bool, user: Option<String>, passphrase_file: Option<PathBuf>) -> Self {
        // One folder has one name, whoever asks: the agent's socket is named after it.
        let path = fs::canonicalize(&path).or_else(|_| std::path::absolute(&path)).unwrap_or(path);
        Self { path, json, user, passphrase_file, factor_file: None, models: OnceCell::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What only this machine knows of the practice's own pipeline.
    pub(crate) fn own_pipeline(&self) -> OwnPipeline {
        OwnPipeline { disk_encrypted: disk_encrypted(&self.path) }
    }

    /// Who acts, where somebody was named.
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn json(&self) -> bool {
        self.json
    }

    fn database(&self) -> PathBuf {
        self.path.join("ledger.db")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.path.join("keys")
    }

    fn anchor(&self) -> PathBuf {
        self.keys().join("anchor")
    }

    /// True where a practice is here.
    pub(crate) fn is_practice(&self) -> bool {
        self.database().is_file() && self.keys().is_dir()
    }

    fn must_be_practice(&self) -> Result<(), Failure> {
        if self.is_practice() {
            return Ok(());
        }
        if self.keys().is_dir() || self.database().exists() {
            return Err(Failure::Findings(format!(
                "{} is only half a practice: {} is missing; restore it from a backup",
                self.path.display(),
                if self.keys().is_dir() { "its ledger (ledger.db)" } else { "its folder of keys" }
            )));
        }
        Err(Failure::could(format!(
            "{} holds no practice: make one with `provenote init`, or name its folder with --home",
            self.path.display()
        )))
    }

    fn vault(&self) -> Result<Vault, Failure> {
        let keys = FileKeys::open(self.keys()).map_err(|error| self.broken("keys", &error))?;
        let blobs = FileBlobs::open(self.path.join("blobs")).map_err(|error| self.broken("blobs", &error))?;
        Ok(Vault::new(Box::new(keys), Box::new(blobs)))
    }

    pub(crate) fn broken(&self, what: &str, error: &dyn std::fmt::Display) -> Failure {
        Failure::could(format!("the folder {} cannot be used: {error}", self.path.join(what).display()))
    }

    /// The practice, nobody signed in. A witness that knows a longer ledger stops everything but looking into it.
    pub(crate) fn opened(&self) -> Result<Practice, Failure> {
        let practice = self.opened_despite_alarm()?;
        let size = practice.log().size().map_err(Failure::could)?;
        match self.anchors()?.alarm().map_err(|error| self.broken("keys/anchors", &error))? {
            Some(alarm) if alarm.size > size => Err(Failure::Findings(format!(
                "the witness {} has signed for a longer or another ledger than this one: an older copy was put back, or its end was cut off; restore the newest copy and run `provenote witness update`, or, where nothing newer is left, `provenote witness remove {}`",
                alarm.witness, alarm.witness
            ))),
            _ => Ok(practice),
        }
    }

    /// The same, whatever a witness says: for asking it again, and for parting from it.
    pub(crate) fn opened_despite_alarm(&self) -> Result<Practice, Failure> {
        let mut practice = self.opened_to_look()?;
        let texts = self.read_policies()?;
        let files: Vec<PolicyFile<'_>> = texts.iter().map(|(name, text)| PolicyFile { name, text }).collect();
        practice.use_policies(&files)?;
        Ok(practice)
    }

    /// The same, whatever its policies are: for looking into it in nobody's name.
    fn opened_to_look(&self) -> Result<Practice, Failure> {
        self.must_be_practice()?;
        let vault = self.vault()?;
        let store = SqliteStore::open(&self.database()).map_err(PracticeError::from)?;
        let epochs = vault.epochs()?;
        let anchor = FileAnchor::new(self.anchor());
        let log = Log::open(Box::new(store), &epochs, Box::new(anchor)).map_err(open_failure)?;
        Ok(Practice::open(log, vault, Box::new(SystemClock), Box::new(SystemEntropy)))
    }

    /// Key files that give somebody what the entries do not say is theirs. A ledger that does not open has findings enough.
    pub(crate) fn keys_astray(&self) -> Result<Vec<Astray>, Failure> {
        let look = || self.opened_to_look().and_then(|practice| Ok(practice.keys_astray()?));
        match look() {
            Err(Failure::Findings(_)) => Ok(Vec::new()),
            // Another process may be between an entry and its keys.
            Ok(found) if !found.is_empty() => look(),
            done => done,
        }
    }

    fn policies(&self) -> PathBuf {
        self.path.join("policies")
    }

    /// The practice's own policies: name and text, by name.
    fn read_policies(&self) -> Result<Vec<(String, String)>, Failure> {
        let folder = self.policies();
        let names = match fs::read_dir(&folder) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.broken("policies", &error)),
        };
        let mut texts = Vec::new();
        for entry in names {
            let path = entry.map_err(|error| self.broken("policies", &error))?.path();
            if path.extension().is_some_and(|ending| ending == "cedar") {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                texts.push((name, fs::read_to_string(&path).map_err(|error| self.broken("policies", &error))?));
            }
        }
        texts.sort();
        Ok(texts)
    }

    /// Writes the practice's own policies in place of those before, once their entry is there.
    pub(crate) fn write_policies(&self, texts: &[(String, String)]) -> Result<(), Failure> {
        let folder = self.policies();
        let broken = |error: std::io::Error| self.broken("policies", &error);
        fs::create_dir_all(&folder).map_err(broken)?;
        for (name, _) in self.read_policies()? {
            if !texts.iter().any(|(new, _)| *new == name) {
                fs::remove_file(folder.join(name)).map_err(broken)?;
            }
        }
        for (name, text) in texts {
            let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(broken)?;
            std::io::Write::write_all(&mut file, text.as_bytes()).map_err(broken)?;
            file.as_file().sync_all().map_err(broken)?;
            file.persist(folder.join(name)).map_err(|error| broken(error.error))?;
        }
        Ok(())
    }

    /// The first line of a file that holds a secret.
    pub(crate) fn secret_line(&self, file: &Path) -> Result<Zeroizing<String>, Failure> {
        read_passphrase(file)
    }

    /// A passphrase for a new practice: from the file, or asked for twice.
    pub(crate) fn new_passphrase(&self) -> Result<Zeroizing<String>, Failure> {
        if let Some(file) = &self.passphrase_file {
            return read_passphrase(file);
        }
        if !screen::can_ask() {
            return Err(Failure::could(
                "a new practice needs a passphrase: give --passphrase-file FILE, or run this in a terminal",
            ));
        }
        let first = screen::ask_passphrase("Choose a passphrase (several words): ").map_err(Failure::Could)?;
        let second = screen::ask_passphrase("The same again: ").map_err(Failure::Could)?;
        if first != second {
            return Err(Failure::could("the two passphrases differ; nothing was made"));
        }
        Ok(first)
    }

    /// Makes a practice in this folder, or leaves nothing behind.
    pub(crate) fn found(
        &self,
        record: &PracticeRecord,
        settings: &Settings,
        passphrase: &[u8],
    ) -> Result<Founded, Failure> {
        if self.is_practice() {
            return Err(Failure::could(format!(
                "{} is a practice already: name another folder with --home",
                self.path.display()
            )));
        }
        let empty = fs::read_dir(&self.path).map_or(true, |mut files| files.next().is_none());
        if !empty {
            return Err(Failure::could(format!("{} is not empty: name a new folder with --home", self.path.display())));
        }
        let problem = |path: &Path, error: std::io::Error| {
            Failure::could(format!("{} cannot be written: {error}", path.display()))
        };
        if self.path.is_dir() {
            // A folder that is there may be a mount point, which cannot be replaced.
            private(&self.path)?;
            return self.found_here(record, settings, passphrase).inspect_err(|_| {
                for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
                    let _ = fs::remove_file(self.path.join(name));
                }
                for name in ["keys", "blobs", "models"] {
                    let _ = fs::remove_dir_all(self.path.join(name));
                }
            });
        }
        // Made under another name and renamed when whole: a crash leaves no half practice.
        let parent = self.path.parent().unwrap_or_else(|| Path::new("/"));
        fs::create_dir_all(parent).map_err(|error| problem(parent, error))?;
        let making = tempfile::Builder::new()
            .prefix(".provenote-")
            .tempdir_in(parent)
            .map_err(|error| problem(parent, error))?;
        private(making.path())?;
        let made =
            Self::at(making.path().to_path_buf(), self.json, None, None).found_here(record, settings, passphrase)?;
        let Founded { practice, actor, recovery_code, origin, vkey } = made;
        let keys = actor.keys().to_bytes();
        drop((practice, actor));
        fs::rename(making.path(), &self.path).map_err(|error| problem(&self.path, error))?;
        // The folder has its own name now: there is nothing left to remove under the old one.
        let _ = making.keep();
        let (practice, actor) = self.resumed(&keys)?;
        // The passphrase was chosen a moment ago.
        let presence = Presence { passphrase_anew: true, ..actor.presence().clone() };
        let actor = actor.with_presence(presence);
        Ok(Founded { practice, actor, recovery_code, origin, vkey })
    }

    fn found_here(&self, record: &PracticeRecord, settings: &Settings, passphrase: &[u8]) -> Result<Founded, Failure> {
        Ok(found(self.parts()?, record, settings, passphrase, Argon2Params::default())?)
    }

    fn parts(&self) -> Result<Parts, Failure> {
        Ok(Parts {
            store: Box::new(SqliteStore::create(&self.database()).map_err(PracticeError::from)?),
            keys: Box::new(FileKeys::open(self.keys()).map_err(|error| self.broken("keys", &error))?),
            blobs: Box::new(FileBlobs::open(self.path.join("blobs")).map_err(|error| self.broken("blobs", &error))?),
            anchor: Box::new(FileAnchor::new(self.anchor())),
            clock: Box::new(SystemClock),
            entropy: Box::new(SystemEntropy),
        })
    }

    /// Checks the whole log of an open practice, payloads included where somebody is signed in.
    pub(crate) fn verify(
        &self,
        practice: &Practice,
        actor: Option<&Actor>,
        anchors: &[GivenAnchor],
    ) -> Result<Report, Failure> {
        self.verified(practice.vault(), actor.map(Actor::keys), anchors)
    }

    /// The ledger's keys, the first one first. Nothing else is opened.
    pub(crate) fn epochs(&self) -> Result<Vec<Epoch>, Failure> {
        self.must_be_practice()?;
        Ok(self.vault()?.epochs()?)
    }

    /// Checks the whole log without believing that it opens. Nobody needs to sign in; where keys are at
    /// hand, payloads are opened and checked too.
    pub(crate) fn verify_closed(&self, anchors: &[GivenAnchor]) -> Result<Report, Failure> {
        self.must_be_practice()?;
        let mut vault = self.vault()?;
        let unlocked = match &self.passphrase_file {
            Some(file) => {
                let user = match &self.user {
                    Some(user) => Some(user.clone()),
                    // As the ledger tells; where it tells nothing, as the key files do. Of several nobody is meant, and then
                    // no payload is opened.
                    None => match self.opened_to_look().map(|practice| practice.only_user()) {
                        Ok(Ok(only)) => Some(only),
                        Ok(Err(PracticeError::BadRequest(_))) => None,
                        Ok(Err(_)) | Err(_) => vault.users()?.first().map(|user| user.user.clone()),
                    },
                };
                match user {
                    Some(user) => {
                        Some(sign_in::unlock_without_ledger(&mut vault, &user, read_passphrase(file)?.as_bytes())?)
                    }
                    None => None,
                }
            }
            None => agent::held(&self.path, self.user.as_deref()).and_then(|held| Unlocked::from_bytes(&held.keys)),
        };
        self.verified(&vault, unlocked.as_ref(), anchors)
    }

    /// Other processes may append and destroy meanwhile. What was found and may be their doing is looked at again.
    fn verified(&self, vault: &Vault, unlocked: Option<&Unlocked>, given: &[GivenAnchor]) -> Result<Report, Failure> {
        let epochs = vault.epochs()?;
        let policy = self.policy()?;
        let kept = self.anchors()?.notes().map_err(|error| self.broken("keys/anchors", &error))?;
        let kept =
            kept.into_iter().map(|(size, note)| GivenAnchor { label: format!("keys/anchors/{size}.note"), note });
        let anchors: Vec<GivenAnchor> = given.iter().cloned().chain(kept).collect();
        let mut bars = screen::Bars::new(self.json);
        let mut attempts = 0;
        let report = loop {
            // The anchor never leads the ledger, so it is read before the ledger is.
            let local_anchor = FileAnchor::new(self.anchor()).read().map_err(|error| self.broken("keys", &error))?;
            let store = SqliteStore::snapshot(&self.database()).map_err(PracticeError::from)?;
            #[allow(clippy::cast_precision_loss)]
            let report = provenote_ledger::verify(
                &Verification {
                    local_anchor,
                    anchors: &anchors,
                    policy: Some(&policy).filter(|policy| !policy.witnesses().is_empty()),
                    vault: Some(vault),
                    unlocked,
                    ..Verification::new(&store, &epochs)
                },
                &mut |done, all| bars.show("verifying", if all == 0 { 1.0 } else { done as f32 / all as f32 }),
            );
            attempts += 1;
            let grown = || {
                SqliteStore::open(&self.database()).and_then(|now| now.latest()).is_ok_and(|now| now.size > report.size)
            };
            // Another process may be between the entry of a destruction and the destruction.
            let destroying = report.findings.iter().any(|finding| finding.kind == FindingKind::FakeDestruction);
            if report.findings.is_empty() || attempts == 3 || !(destroying || grown()) {
                break report;
            }
        };
        bars.end();
        Ok(report)
    }

    /// The catalogue and files of this practice and this machine.
    pub(crate) fn model_dir(&self) -> Result<ModelDir, Failure> {
        ModelDir::open(self.path.join("models"), shared_models()).map_err(Failure::could)
    }

    /// The same, as the use cases ask for it.
    pub(crate) fn models(&self) -> Result<&dyn Models, Failure> {
        if self.models.get().is_none() {
            let _ = self.models.set(ModelsHere(self.model_dir()?));
        }
        self.models
            .get()
            .map(|models| models as &dyn Models)
            .ok_or_else(|| Failure::could("the models could not be listed"))
    }

    /// The drafting models a new practice starts with: the best one on this machine.
    pub(crate) fn drafting_models(&self) -> Result<Vec<String>, Failure> {
        let models = self.model_dir()?;
        let here = |id: &&&str| {
            models.list().iter().any(|(entry, listed)| entry.id == ***id && matches!(listed, Listed::Present(_)))
        };
        let chosen = DRAFTING.iter().find(here).or(DRAFTING.first()).copied().unwrap_or_default();
        Ok(vec![chosen.to_owned()])
    }

    /// The practice and who acts, where there is a practice. A model can be had before there is one.
    pub(crate) fn signed_in_if_practice(&self) -> Result<Option<(Practice, Actor)>, Failure> {
        if self.is_practice() { self.signed_in().map(Some) } else { Ok(None) }
    }

    /// The worker programs, as the settings want them run.
    pub(crate) fn engines(&self, settings: &Settings) -> Result<WorkerPrograms, Failure> {
        let dir = program_folder().map_err(Failure::Could)?;
        Ok(WorkerPrograms {
            dir,
            threads: settings.threads,
            allow_no_sandbox: settings.allow_no_sandbox,
            idle: PATIENCE,
            context: None,
            language: "en".to_owned(),
        })
    }
}

/// Only its owner may enter the folder.
fn private(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(|error| Failure::could(format!("{} cannot be closed to other users: {error}", path.display())))
}

/// A log that is not what its anchor remembers is a finding; a broken database is a failure.
fn open_failure(error: OpenError) -> Failure {
    match error {
        OpenError::Store(error) => Failure::Practice(error.into()),
        other => Failure::Findings(other.to_string()),
    }
}

/// The first line of a passphrase file.
fn read_passphrase(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let problem = |why: &dyn std::fmt::Display| Failure::could(format!("the passphrase file {} {why}", file.display()));
    let opened = fs::File::open(file).map_err(|error| problem(&format!("could not be read: {error}")))?;
    let mut line = Zeroizing::new(String::new());
    std::io::BufReader::new(opened.take(LONGEST_PASSPHRASE))
        .read_line(&mut line)
        .map_err(|_| problem(&"holds something that is no text"))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() {
        return Err(problem(&"is empty"));
    }
    Ok(line)
}

/// SHA-256 of a file, read a block at a time.
pub(crate) fn digest_of_file(path: &Path) -> Result<Digest, String> {
    let problem = |error: std::io::Error| format!("{} could not be read: {error}", path.display());
    let mut file = fs::File::open(path).map_err(problem)?;
    if !file.metadata().map_err(problem)?.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    let mut sha = Sha256::new();
    let mut block = vec![0; 64 * 1024];
    loop {
        match file.read(&mut block).map_err(problem)? {
            0 => return Ok(Digest(sha.finalize().into())),
            read => sha.update(&block[..read]),
        }
    }
}

struct ModelsHere(ModelDir);

impl Models for ModelsHere {
    fn fact(&self, id: &str) -> Option<ModelFact> {
        self.0.entry(id).ok().map(provenote_models::Entry::fact)
    }

    fn file(&self, id: &str) -> Result<ModelFile, String> {
        self.0.resolve(id).map_err(|error| error.to_string())
    }
}

/// What verification found, as a person reads it.
pub(crate) fn told(report: &Report) -> String {
    let mut lines = vec![format!("{}: {} entries, root {}", report.verdict.as_str(), report.size, report.root)];
    lines.push(
        if report.signed { "signed by this practice's key" } else { "NOT signed throughout by this practice's key" }
            .to_owned(),
    );
    if let (Some(anchor), Some(until)) = (report.anchored_to, &report.complete_until) {
        lines.push(format!(
            "complete up to entry {} of {until}, as a checkpoint outside the database shows",
            anchor.saturating_sub(1)
        ));
    }
    for anchor in report.anchors.iter().filter(|anchor| !anchor.cosigned.is_empty()) {
        let who: Vec<_> = anchor.cosigned.iter().map(|by| format!("{} at {}", by.witness, by.time)).collect();
        lines.push(format!("cosigned ({}): {}", anchor.label, who.join(", ")));
    }
    for epoch in report.epochs.iter().skip(1) {
        lines.push(format!("key {} signs from {} entries on: {}", epoch.number, epoch.from_size, epoch.vkey));
    }
    for destroyed in &report.destroyed {
        lines.push(format!(
            "destroyed: entry {} of {}, by {}, {} ({} payloads of {}; receipt {})",
            destroyed.seq,
            destroyed.time,
            destroyed.actor,
            destroyed.basis.as_deref().unwrap_or("no reason given"),
            destroyed.payloads.len(),
            destroyed.group,
            destroyed.receipt
        ));
    }
    for doubtful in &report.doubtful {
        lines.push(format!("? entries {} to {}: {}", doubtful.from_seq, doubtful.to_seq, doubtful.why));
    }
    for finding in &report.findings {
        let place = finding.seq.map_or_else(String::new, |seq| format!("entry {seq}: "));
        lines.push(format!("! {place}{}", finding.detail));
    }
    lines.extend(report.notes.iter().map(|note| format!("- {note}")));
    lines.push(report.cannot_show.to_owned());
    lines.join("\n")
}
