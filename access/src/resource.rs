//! What acts are done to, with the facts that policies may ask of it.

use std::collections::BTreeSet;

use provenote_schemas::{Class, ClientId, DeviceId, GrantId, NoteId, SessionId, UserId};

/// The kinds of things that acts are done to. Each is an entity type of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// Settings, models, backups, reports: what belongs to no client.
    Practice,
    /// The entries as a whole.
    Ledger,
    /// A user.
    User,
    /// A machine that users sign in on.
    Device,
    /// A client's file: identities, contact, consents.
    Client,
    /// A session: recording, transcript, prompts, outputs.
    Session,
    /// A draft or a note.
    Note,
    /// What a claim needs.
    Claim,
    /// A text without identifiers.
    Release,
    /// An entry's payload, of any class.
    Entry,
    /// Access given, or asked for, for a limited time.
    Grant,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Practice,
        Self::Ledger,
        Self::User,
        Self::Device,
        Self::Client,
        Self::Session,
        Self::Note,
        Self::Claim,
        Self::Release,
        Self::Entry,
        Self::Grant,
    ];

    /// The entity type in the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Practice => "Practice",
            Self::Ledger => "Ledger",
            Self::User => "User",
            Self::Device => "Device",
            Self::Client => "Client",
            Self::Session => "Session",
            Self::Note => "Note",
            Self::Claim => "Claim",
            Self::Release => "Release",
            Self::Entry => "Entry",
            Self::Grant => "Grant",
        }
    }

    /// The kind a word stands for, capital or not.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }

    /// The classes its payloads may belong to; none where it has no payload of a client.
    #[must_use]
    pub const fn classes(self) -> &'static [Class] {
        match self {
            Self::Practice | Self::Ledger | Self::User | Self::Device => &[],
            Self::Client => &[Class::Administrative],
            Self::Session => &[Class::Clinical, Class::Part2],
            Self::Note => &[Class::Clinical, Class::Part2, Class::PsychotherapyNotes, Class::SudCounselingNotes],
            Self::Claim => &[Class::Billing],
            Self::Release => &[Class::Research],
            Self::Entry | Self::Grant => Class::ALL,
        }
    }
}

impl std::fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_str().to_lowercase())
    }
}

/// A payload of that class does not belong to a thing of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} has no payload of the class {class}")]
pub struct WrongClass {
    /// What it was said to be.
    pub kind: ResourceKind,
    /// The class it was said to have.
    pub class: Class,
}

/// Something of a client, whose payloads belong to one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfClient {
    kind: ResourceKind,
    id: String,
    class: Class,
    client: Option<ClientId>,
    session: Option<SessionId>,
    note: Option<NoteId>,
    clinicians: BTreeSet<UserId>,
    author: Option<UserId>,
    supervision_agreed: bool,
}

impl OfClient {
    /// A client's file. `clinicians` are those who treat the client.
    #[must_use]
    pub fn file(client: &ClientId, clinicians: BTreeSet<UserId>) -> Self {
        Self::new(ResourceKind::Client, client.as_str(), Class::Administrative, client, clinicians)
    }

    /// A session. `supervision_agreed` is true where everybody in it agreed that a supervisor hears or reads it.
    ///
    /// # Errors
    /// [`WrongClass`] for a class that no session has.
    pub fn session(
        session: &SessionId,
        class: Class,
        client: &ClientId,
        clinicians: BTreeSet<UserId>,
        supervision_agreed: bool,
    ) -> Result<Self, WrongClass> {
        let of = Self::new(ResourceKind::Session, session.as_str(), class, client, clinicians);
        Self { session: Some(session.clone()), supervision_agreed, ..of }.checked()
    }

    /// A draft or a note, of a session where there is one.
    ///
    /// # Errors
    /// [`WrongClass`] for a class that no note has.
    pub fn note(
        note: &NoteId,
        class: Class,
        client: &ClientId,
        session: Option<&SessionId>,
        clinicians: BTreeSet<UserId>,
        author: Option<&UserId>,
    ) -> Result<Self, WrongClass> {
        let of = Self::new(ResourceKind::Note, note.as_str(), class, client, clinicians);
        Self { note: Some(note.clone()), session: session.cloned(), author: author.cloned(), ..of }.checked()
    }

    /// What a claim for a note needs.
    #[must_use]
    pub fn claim(note: &NoteId, client: &ClientId, clinicians: BTreeSet<UserId>) -> Self {
        let of = Self::new(ResourceKind::Claim, note.as_str(), Class::Billing, client, clinicians);
        Self { note: Some(note.clone()), ..of }
    }

    /// A text without identifiers made of a note.
    #[must_use]
    pub fn release(note: &NoteId, client: &ClientId, clinicians: BTreeSet<UserId>) -> Self {
        let of = Self::new(ResourceKind::Release, note.as_str(), Class::Research, client, clinicians);
        Self { note: Some(note.clone()), ..of }
    }

    /// An entry's payload.
    #[must_use]
    pub fn entry(
        seq: u64,
        class: Class,
        client: &ClientId,
        clinicians: BTreeSet<UserId>,
        author: Option<&UserId>,
    ) -> Self {
        let of = Self::new(ResourceKind::Entry, &seq.to_string(), class, client, clinicians);
        Self { author: author.cloned(), ..of }
    }

    /// The same thing where a part of it belongs to a session and a note, for grants that name these.
    #[must_use]
    pub fn within(self, session: Option<&SessionId>, note: Option<&NoteId>) -> Self {
        Self { session: session.cloned().or(self.session), note: note.cloned().or(self.note), ..self }
    }

    fn new(kind: ResourceKind, id: &str, class: Class, client: &ClientId, clinicians: BTreeSet<UserId>) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            class,
            client: Some(client.clone()),
            session: None,
            note: None,
            clinicians,
            author: None,
            supervision_agreed: false,
        }
    }

    fn checked(self) -> Result<Self, WrongClass> {
        if self.kind.classes().contains(&self.class) {
            Ok(self)
        } else {
            Err(WrongClass { kind: self.kind, class: self.class })
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The class of its payloads.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }

    /// Whose it is; none where it is of every client.
    #[must_use]
    pub fn client(&self) -> Option<&ClientId> {
        self.client.as_ref()
    }

    /// The session it belongs to.
    #[must_use]
    pub fn in_session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// The note it belongs to.
    #[must_use]
    pub fn in_note(&self) -> Option<&NoteId> {
        self.note.as_ref()
    }

    /// Who treats the client.
    #[must_use]
    pub fn clinicians(&self) -> &BTreeSet<UserId> {
        &self.clinicians
    }

    /// Who wrote it.
    #[must_use]
    pub fn author(&self) -> Option<&UserId> {
        self.author.as_ref()
    }

    /// True where everybody agreed to supervision.
    #[must_use]
    pub fn supervision_agreed(&self) -> bool {
        self.supervision_agreed
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// A grant as the policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantSeen {
    /// The grant.
    pub id: GrantId,
    /// Who asks for it, or has it.
    pub requester: UserId,
    /// The class it opens.
    pub class: Class,
    /// Whose records; none for every client's.
    pub client: Option<ClientId>,
    /// Who treats the client.
    pub clinicians: BTreeSet<UserId>,
    /// Who wrote what it opens, where it is one note.
    pub author: Option<UserId>,
}

/// What an act is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// What belongs to no client.
    Practice,
    /// The entries as a whole.
    Ledger,
    /// A user.
    User(UserId),
    /// A device and who signs in on it.
    Device {
        /// The device.
        id: DeviceId,
        /// Who has it.
        holder: UserId,
    },
    /// Something of a client.
    OfClient(OfClient),
    /// A grant.
    Grant(GrantSeen),
}

impl Resource {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::Practice => ResourceKind::Practice,
            Self::Ledger => ResourceKind::Ledger,
            Self::User(_) => ResourceKind::User,
            Self::Device { .. } => ResourceKind::Device,
            Self::OfClient(of) => of.kind,
            Self::Grant(_) => ResourceKind::Grant,
        }
    }

    /// The class of its payloads, where it has some of a client.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        match self {
            Self::OfClient(of) => Some(of.class),
            Self::Grant(grant) => Some(grant.class),
            Self::Practice | Self::Ledger | Self::User(_) | Self::Device { .. } => None,
        }
    }
}

impl From<OfClient> for Resource {
    fn from(of: OfClient) -> Self {
        Self::OfClient(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_of_a_class_that_it_cannot_have_is_refused() {
        let client = ClientId::from_random([1; 10]);
        let session = SessionId::from_random([2; 10]);
        let wrong = OfClient::session(&session, Class::Billing, &client, BTreeSet::new(), false)
            .expect_err("no session has billing payloads");
        assert_eq!(wrong.to_string(), "a session has no payload of the class billing");
        let note = NoteId::from_random([3; 10]);
        assert!(OfClient::note(&note, Class::Research, &client, None, BTreeSet::new(), None).is_err());
        assert!(OfClient::note(&note, Class::Part2, &client, Some(&session), BTreeSet::new(), None).is_ok());
    }
}
