//! Clients, and who else takes part in their sessions.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ParticipantId};

/// What somebody is in a client's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantRole {
    /// The client, of whatever age.
    Client,
    /// A parent or guardian who signs for a client who cannot.
    Guardian,
    /// Anybody else in the room or on the line.
    Participant,
    /// The other one of a couple.
    Partner,
    /// Somebody of the client's family.
    Family,
    /// Another member of the group.
    GroupMember,
    /// Somebody under age who is not the client, such as a child in a family's session.
    Minor,
    /// Somebody who translates.
    Interpreter,
    /// Somebody who looks on, such as a student.
    Observer,
    /// The clinician's supervisor.
    Supervisor,
}

impl ParticipantRole {
    /// Every role, the client first.
    pub const ALL: &'static [Self] = &[
        Self::Client,
        Self::Guardian,
        Self::Partner,
        Self::Family,
        Self::GroupMember,
        Self::Minor,
        Self::Interpreter,
        Self::Observer,
        Self::Supervisor,
        Self::Participant,
    ];

    /// The word of the command line and of records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Guardian => "guardian",
            Self::Participant => "participant",
            Self::Partner => "partner",
            Self::Family => "family",
            Self::GroupMember => "group_member",
            Self::Minor => "minor",
            Self::Interpreter => "interpreter",
            Self::Observer => "observer",
            Self::Supervisor => "supervisor",
        }
    }

    /// The role a word stands for, if it is one of ours.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == word)
    }
}

impl std::fmt::Display for ParticipantRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
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
    /// Date of birth, `YYYY-MM-DD`, where it is known; the client's stands in [`Client::born`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<String>,
    /// US state, two capital letters, where this person sits; where the client sits when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// For a guardian: whom they answer for; the client when nobody is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers_for: Vec<ParticipantId>,
}

impl Participant {
    /// Somebody of whom only name and role are known.
    #[must_use]
    pub const fn new(id: ParticipantId, name: String, role: ParticipantRole) -> Self {
        Self { id, name, role, born: None, state: None, answers_for: Vec::new() }
    }
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
