//! What the use cases need of the outside world, as the edge hands it in.

use std::ops::ControlFlow;

use provenote_schemas::Time;
use provenote_vendors::reading::Document;
use provenote_vendors::terms::Source;

pub use provenote_access::place::{Countries, DeviceKey, MaxMind};
pub use provenote_vendors::fetching::{Fetch, FetchError, Fetched};

/// The time of day. The edge reads the system's clock; tests move their own.
pub trait Clock {
    /// Now, UTC.
    fn now(&self) -> Time;
}

/// Where a long act has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Samples are sealed as they are decoded.
    Sealing,
    /// The speech worker comes up.
    StartingSpeech,
    /// The speech engine hears.
    Transcribing,
    /// The drafting worker comes up.
    StartingDrafting,
    /// The model writes; `part` of `parts`.
    Drafting {
        /// 1-based.
        part: usize,
        /// How many prompts this draft takes.
        parts: usize,
    },
    /// Sentences are held against the transcript.
    Checking,
}

/// Told of each step, with how much of it is done (0 to 1). `Break` stops the act.
pub type OnStage<'a> = &'a mut dyn FnMut(Stage, f32) -> ControlFlow<()>;

/// The models of this machine, by catalogue id.
pub trait Models {
    /// What a consent form tells of a model; none where the catalogue does not know the id.
    fn fact(&self, id: &str) -> Option<provenote_schemas::disclosure::ModelFact>;

    /// The model's file, where it is on this machine.
    ///
    /// # Errors
    /// One sentence that says how to get it.
    fn file(&self, id: &str) -> Result<provenote_pipeline::engine::ModelFile, String>;
}

/// Reads files and pages of strangers, in a process that can do nothing else.
pub trait ReadDocument {
    /// The text of a file; of a web page, the parts that a declaration selects.
    ///
    /// # Errors
    /// One sentence that says what was wrong and what to do.
    fn read(&self, bytes: &[u8], source: Option<&Source>) -> Result<Document, String>;
}

/// The key pair of the machine somebody signs in on. The edge makes it, and keeps it outside the practice's folder: a copy
/// of the folder on another machine does not have it.
pub trait DeviceKeys {
    /// The public half; none where this machine has no key yet.
    fn public(&self) -> Option<DeviceKey>;

    /// An Ed25519 signature over the message; none where there is no key, or it cannot be used now.
    fn sign(&self, message: &[u8]) -> Option<[u8; 64]>;
}
