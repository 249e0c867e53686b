//! Clients, and who else takes part in their sessions.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ParticipantId};

/// What somebody is in a client's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantRole {
    /// The client.
    Client,
    /// A parent or guardian who signs for a client who cannot.
    Guardian,
    /// Anybody else in the room or on the line.
    Participant,
}

/// One person in a client's sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// Pseudonym in headers.
    pub id: ParticipantId,
    /// The name as the form prints it.
    pub name: String,
    /// What the person is.
    pub role: ParticipantRole,
}

/// A client's file, sealed under the administrative key of the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Pseudonym in headers.
    pub client: ClientId,
    /// The client's name.
    pub name: String,
    /// US state, two capital letters, where the client sits; the practice's when none is given.
    pub state: String,
    /// Date of birth, `YYYY-MM-DD`, where it is known.
    pub born: Option<String>,
    /// Everybody who takes part, the client first.
    pub participants: Vec<Participant>,
}
