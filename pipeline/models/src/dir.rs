//! A folder of models with the practice's own catalogue beside them.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use provenote_pipeline::engine::ModelFile;
use provenote_schemas::Digest;

use crate::catalogue::{Catalogue, CatalogueError, Engine, Entry, is_file_name, is_id};
use crate::durable;
use crate::magic::{Format, NoModel};
use crate::pull::{Pull, PullError, Pulled, Wanted, download};

const CATALOGUE: &str = "catalogue.yaml";
const NOT_STATED: &str = "not stated";

/// Why a model could not be listed, added, pulled or found.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The practice's catalogue cannot be read.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// No model has this id.
    #[error("no model is called `{id}`; the catalogue has {known}")]
    Unknown {
        /// What was asked for, shortened.
        id: String,
        /// The ids there are.
        known: String,
    },
    /// The catalogue knows it, and no file is there.
    #[error(
        "the model `{id}` is not on this machine: pull it with `model pull {id}`, or add your file with `model add FILE`"
    )]
    Missing {
        /// The catalogue's id.
        id: String,
    },
    /// A file of that name is there, of another length.
    #[error("the model `{id}` has {found} bytes and should have {expected}: pull or add it again")]
    WrongLength {
        /// The catalogue's id.
        id: String,
        /// The catalogue's length.
        expected: u64,
        /// The file's length.
        found: u64,
    },
    /// The file to add is no model.
    #[error(transparent)]
    NoModel(#[from] NoModel),
    /// A model of another kind than the id's.
    #[error("the file is a {found} model and `{id}` is a {expected} model; check which file it is")]
    WrongEngine {
        /// The catalogue's id.
        id: String,
        /// What the catalogue says.
        expected: Engine,
        /// What the file is.
        found: Engine,
    },
    /// The id stands for another file.
    #[error("`{id}` is another model already; give this one another id with --id")]
    IdTaken {
        /// The id asked for.
        id: String,
    },
    /// The id cannot be typed.
    #[error("`{id}` cannot be a model's id: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`")]
    BadId {
        /// What was asked for, shortened.
        id: String,
    },
    /// The catalogue knows no address.
    #[error("the catalogue has no address for `{id}`; give one with --url")]
    NoAddress {
        /// The catalogue's id.
        id: String,
    },
    /// A model that the catalogue does not know, without its digest.
    #[error("`{id}` is not in the catalogue; give the file's digest with --sha256")]
    NoDigest {
        /// The id asked for.
        id: String,
    },
    /// The digest given is not the catalogue's.
    #[error("the catalogue says that `{id}` has SHA-256 {expected}; give another id for another file")]
    OtherDigest {
        /// The catalogue's id.
        id: String,
        /// The catalogue's digest.
        expected: Digest,
    },
    /// The download failed.
    #[error(transparent)]
    Pull(#[from] PullError),
    /// The models folder cannot be used.
    #[error("the models folder cannot be used: {0}; check that you may write there and that the disk has room")]
    Folder(#[from] io::Error),
}

/// What a person says of a model that the catalogue does not know.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Made from the file's name where not given.
    pub id: Option<String>,
    /// The id where not given.
    pub name: Option<String>,
    /// `not stated` where not given.
    pub maker: Option<String>,
    /// `not stated` where not given.
    pub licence: Option<String>,
    /// A word to the person who chooses.
    pub note: Option<String>,
}

/// Where an added file stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Where it is; the catalogue notes the path.
    There,
    /// In the models folder, linked or copied.
    Here,
}

/// Whether a model is on this machine, by name and length alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// A file of the right length is there.
    Present(PathBuf),
    /// A file is there, of another length.
    WrongLength(PathBuf, u64),
    /// No file is there.
    Missing,
}

/// What [`ModelDir::check`] found of a model's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The digest is the catalogue's.
    Right,
    /// The file is another.
    Wrong {
        /// Its digest.
        found: Digest,
    },
    /// No file is there.
    Missing,
    /// It could not be read.
    Unreadable(String),
}

/// A model and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The catalogue's id.
    pub id: String,
    /// Where the file is, if it is.
    pub path: Option<PathBuf>,
    /// What it is.
    pub condition: Condition,
}

/// The models of a practice: a folder of its own, further folders to look in, and the catalogue.
#[derive(Debug, Clone)]
pub struct ModelDir {
    own: PathBuf,
    further: Vec<PathBuf>,
    added: Catalogue,
    all: Catalogue,
}

impl ModelDir {
    /// `own` holds `catalogue.yaml` and what is pulled or copied; it need not exist yet. `further` folders are only
    /// read: a cache shared between practices, say.
    ///
    /// # Errors
    /// [`ModelError::Catalogue`] with line and column, [`ModelError::Folder`].
    pub fn open(own: impl Into<PathBuf>, further: Vec<PathBuf>) -> Result<Self, ModelError> {
        let own = own.into();
        let added = match fs::read_to_string(own.join(CATALOGUE)) {
            Ok(text) => Catalogue::parse(CATALOGUE, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Catalogue::default(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(CatalogueError::Malformed {
                    file: CATALOGUE.to_owned(),
                    line: 1,
                    column: 1,
                    problem: "it is no UTF-8 text".to_owned(),
                }
                .into());
            }
            Err(error) => return Err(error.into()),
        };
        let all = added.clone().over(Catalogue::bundled());
        Ok(Self { own, further, added, all })
    }

    /// Every model known here.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.all
    }

    /// Every model known here and whether it is on this machine. Reads no file.
    #[must_use]
    pub fn list(&self) -> Vec<(&Entry, Listed)> {
        self.all.models().iter().map(|entry| (entry, self.find(entry))).collect()
    }

    /// The entry of that id.
    ///
    /// # Errors
    /// [`ModelError::Unknown`].
    pub fn entry(&self, id: &str) -> Result<&Entry, ModelError> {
        self.all.get(id).ok_or_else(|| ModelError::Unknown {
            id: id.chars().take(64).collect(),
            known: self.all.models().iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The model's file for a worker. Its length is right; the worker proves the digest when it loads the file.
    ///
    /// # Errors
    /// [`ModelError::Unknown`], [`ModelError::Missing`], [`ModelError::WrongLength`].
    pub fn resolve(&self, id: &str) -> Result<ModelFile, ModelError> {
        let entry = self.entry(id)?;
        match self.find(entry) {
            Listed::Present(path) => Ok(ModelFile { id: entry.id.clone(), path, sha256: entry.sha256 }),
            Listed::WrongLength(_, found) => {
                Err(ModelError::WrongLength { id: entry.id.clone(), expected: entry.bytes, found })
            }
            Listed::Missing => Err(ModelError::Missing { id: entry.id.clone() }),
        }
    }

    fn find(&self, entry: &Entry) -> Listed {
        let places = entry.path.iter().cloned();
        let places = places.chain(std::iter::once(&self.own).chain(&self.further).map(|dir| dir.join(&entry.file)));
        let mut found = Listed::Missing;
        for path in places {
            match fs::metadata(&path) {
                Ok(data) if data.is_file() && data.len() == entry.bytes => return Listed::Present(path),
                Ok(data) if data.is_file() && found == Listed::Missing => found = Listed::WrongLength(path, data.len()),
                _ => {}
            }
        }
        found
    }

    /// Reads every present model and compares digests. `progress` hears id, bytes done and bytes in all.
    pub fn check(&self, progress: &mut dyn FnMut(&str, u64, u64)) -> Vec<Checked> {
        let check = |entry: &Entry| {
            let (Listed::Present(path) | Listed::WrongLength(path, _)) = self.find(entry) else {
                return Checked { id: entry.id.clone(), path: None, condition: Condition::Missing };
            };
            let condition = match durable::digest(&path, &mut |done| progress(&entry.id, done, entry.bytes)) {
                Ok(found) if found == entry.sha256 => Condition::Right,
                Ok(found) => Condition::Wrong { found },
                Err(error) => Condition::Unreadable(error.to_string()),
            };
            Checked { id: entry.id.clone(), path: Some(path), condition }
        };
        self.all.models().iter().map(check).collect()
    }

    /// Takes a model file that the person has. A file whose digest the catalogue knows becomes that model, whatever it
    /// is called; another becomes a new entry. `seen` hears how many bytes have been read.
    ///
    /// # Errors
    /// [`ModelError::NoModel`], [`ModelError::IdTaken`], [`ModelError::BadId`], [`ModelError::Folder`].
    pub fn add(
        &mut self,
        file: &Path,
        description: &Description,
        keep: Keep,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Entry, ModelError> {
        let format = Format::of(fs::File::open(file).map_err(NoModel::Unreadable)?)?;
        let sha256 = durable::digest(file, seen).map_err(NoModel::Unreadable)?;
        let bytes = fs::metadata(file).map_err(NoModel::Unreadable)?.len();
        let known = self.all.models().iter().find(|entry| entry.sha256 == sha256).cloned();
        let mut entry = match known {
            Some(known) => known,
            None => {
                let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model");
                self.describe(description, stem, &name_of(file), format, sha256, bytes)?
            }
        };
        fs::create_dir_all(&self.own)?;
        match keep {
            Keep::There => entry.path = Some(fs::canonicalize(file)?),
            Keep::Here => {
                entry.path = None;
                durable::link_or_copy(file, &self.own.join(&entry.file))?;
            }
        }
        self.record(entry.clone())?;
        Ok(entry)
    }

    /// Downloads a model into the folder, resuming what an earlier pull left. A model that is there and right is not
    /// fetched again.
    ///
    /// # Errors
    /// [`ModelError::NoAddress`], [`ModelError::NoDigest`], [`ModelError::OtherDigest`], [`ModelError::BadId`],
    /// [`ModelError::Pull`], [`ModelError::NoModel`], [`ModelError::WrongEngine`], [`ModelError::Folder`].
    pub fn pull(
        &mut self,
        pull: &Pull,
        progress: &mut dyn FnMut(Pulled) -> ControlFlow<()>,
    ) -> Result<Entry, ModelError> {
        let known = self.all.get(&pull.id).cloned();
        if let (Some(known), Some(given)) = (&known, &pull.sha256)
            && known.sha256 != *given
        {
            return Err(ModelError::OtherDigest { id: known.id.clone(), expected: known.sha256 });
        }
        if !is_id(&pull.id) {
            return Err(ModelError::BadId { id: pull.id.chars().take(64).collect() });
        }
        let Some(sha256) = known.as_ref().map(|entry| entry.sha256).or(pull.sha256) else {
            return Err(ModelError::NoDigest { id: pull.id.clone() });
        };
        let file = match &known {
            Some(entry) => entry.file.clone(),
            None => format!("{}.model", pull.id),
        };
        let target = self.own.join(&file);
        let here = fs::metadata(&target).is_ok_and(|data| data.is_file())
            && durable::digest(&target, &mut |_| {}).is_ok_and(|found| found == sha256);
        if !here {
            let url = pull.url.as_deref().or(known.as_ref().and_then(|entry| entry.url.as_deref()));
            let url = url.ok_or_else(|| ModelError::NoAddress { id: pull.id.clone() })?;
            fs::create_dir_all(&self.own)?;
            let bytes = known.as_ref().map(|entry| entry.bytes);
            download(&Wanted { url, sha256, bytes, proxy: pull.proxy.as_deref() }, &target, progress)?;
        }
        match self.pulled(pull, known, &target, &file, sha256) {
            Ok(entry) => Ok(entry),
            Err(error) => {
                // The right bytes of something that is no model: the digest was another file's.
                fs::remove_file(&target)?;
                Err(error)
            }
        }
    }

    /// The entry of a file that has just come, by what it turned out to be.
    fn pulled(
        &mut self,
        pull: &Pull,
        known: Option<Entry>,
        target: &Path,
        file: &str,
        sha256: Digest,
    ) -> Result<Entry, ModelError> {
        let format = Format::of(fs::File::open(target)?)?;
        let mut entry = match known {
            Some(known) if known.engine != format.engine() => {
                return Err(ModelError::WrongEngine { id: known.id, expected: known.engine, found: format.engine() });
            }
            Some(known) => Entry { path: None, ..known },
            None => {
                let description = Description { id: Some(pull.id.clone()), ..pull.description.clone() };
                self.describe(&description, &pull.id, file, format, sha256, fs::metadata(target)?.len())?
            }
        };
        entry.url = pull.url.clone().or(entry.url);
        self.record(entry.clone())?;
        Ok(entry)
    }

    fn describe(
        &self,
        description: &Description,
        stem: &str,
        file: &str,
        format: Format,
        sha256: Digest,
        bytes: u64,
    ) -> Result<Entry, ModelError> {
        let id = description.id.clone().unwrap_or_else(|| id_from(stem));
        if !is_id(&id) {
            return Err(ModelError::BadId { id: id.chars().take(64).collect() });
        }
        if self.all.get(&id).is_some_and(|entry| entry.sha256 != sha256) {
            return Err(ModelError::IdTaken { id });
        }
        let clash = self.all.models().iter().any(|entry| entry.file == file && entry.sha256 != sha256);
        let file = if clash || !is_file_name(file) { format!("{id}.model") } else { file.to_owned() };
        Ok(Entry {
            name: description.name.clone().unwrap_or_else(|| id.clone()),
            maker: description.maker.clone().unwrap_or_else(|| NOT_STATED.to_owned()),
            licence: description.licence.clone().unwrap_or_else(|| NOT_STATED.to_owned()),
            engine: format.engine(),
            file,
            bytes,
            sha256,
            url: None,
            path: None,
            note: description.note.clone(),
            id,
        })
    }

    fn record(&mut self, entry: Entry) -> Result<(), ModelError> {
        let mut added = self.added.clone();
        added.put(entry);
        let yaml = added.to_yaml().map_err(io::Error::other)?;
        durable::write(&self.own.join(CATALOGUE), yaml.as_bytes())?;
        self.all = added.clone().over(Catalogue::bundled());
        self.added = added;
        Ok(())
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().and_then(|name| name.to_str()).unwrap_or("model").to_owned()
}

/// An id out of a file's name: `My Model.Q4_K_M` becomes `my-model.q4_k_m`.
fn id_from(stem: &str) -> String {
    let mut id: String = stem
        .chars()
        .map(|c| c.to_ascii_lowercase())
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c) { c } else { '-' })
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .take(64)
        .collect();
    if id.is_empty() {
        id.push_str("model");
    }
    id
}
