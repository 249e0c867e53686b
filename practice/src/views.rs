//! A note as its reader may see it: the whole note, what a claim needs, a text without identifiers, or how far it has come
//! (45 CFR 164.502(b), 164.514(d)(2)).
//!
//! What a role sees is kept under the keys of that role's class, so that its view opens nothing else: a biller's view is
//! made of the claim and never of the note, a researcher's of a text that a person released.

pub mod claims;
pub mod known;
pub mod releases;

use provenote_access::Act;
use provenote_deidentify::views::View;
use provenote_ledger::{Fact, Header};
use provenote_schemas::note::NoteState;
use provenote_schemas::{ClientId, Kind, NoteId, Role};
use serde::Serialize;

use crate::act::{Actor, Practice};
use crate::error::PracticeError;
use crate::notes::{NoteView, note_of};
use crate::sessions::{client_of, session_of};
use claims::ClaimSeen;
use releases::ReleaseSeen;

/// A note as somebody sees it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum NoteAsSeen {
    /// The note: who treats the client, or supervises who does.
    Full(Box<NoteView>),
    /// Codes, dates, times and identities: who bills.
    Claim(Box<ClaimSeen>),
    /// Text without identifiers: who does research.
    Deidentified(Box<ReleaseSeen>),
    /// How far the note has come: who bills, while nothing is entered for a claim.
    Status(StatusView),
}

/// How far a note has come. It is told by the ledger's headers; no payload is opened for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusView {
    /// The note.
    pub note: NoteId,
    /// How far.
    pub state: NoteState,
}

/// What a role sees of a note where nothing else was given for a limited time.
#[must_use]
pub const fn view_of(role: Role) -> View {
    match role {
        Role::Owner | Role::Clinician | Role::Supervisor => View::Full,
        Role::Biller => View::Billing,
        Role::Researcher => View::Deidentified,
        Role::ComplianceOfficer | Role::FrontDesk | Role::Auditor => View::StatusOnly,
    }
}

impl Practice {
    /// A note as this reader may see it: by the policies and grants the whole note where they allow that, else by the
    /// role. Each view is an entry of its kind, before it is shown.
    ///
    /// # Errors
    /// [`PracticeError::Denied`] after its entry, for who sees nothing of a note; [`PracticeError::NotFound`], for a
    /// researcher also where no text of the note was released.
    pub fn view_note(&mut self, actor: &Actor, note: &str) -> Result<NoteAsSeen, PracticeError> {
        let draft = self.draft_header(note)?;
        let note = note_of(&draft)?;
        let whole = self.note_resource(&draft)?;
        let view = match view_of(actor.role()) {
            // Given for a limited time, the whole note is more than the role's own view.
            View::Billing | View::Deidentified if !self.may(actor, Act::ViewNote, &whole)? => view_of(actor.role()),
            _ => View::Full,
        };
        match view {
            View::Billing => match self.claim_header(&note)? {
                Some(_) => Ok(NoteAsSeen::Claim(Box::new(self.view_claim(actor, note.as_str())?))),
                None => Ok(NoteAsSeen::Status(self.view_status(actor, &draft)?)),
            },
            View::Deidentified => Ok(NoteAsSeen::Deidentified(Box::new(self.view_release(actor, note.as_str())?))),
            // Who sees nothing of a note is refused there, as an entry.
            View::Full | View::StatusOnly => Ok(NoteAsSeen::Full(Box::new(self.whole_note(actor, &draft, &note)?))),
        }
    }

    /// The whole note. What it cites of the transcript is left out for who may read the note and not the transcript, such
    /// as a supervisor whom the client did not agree to.
    fn whole_note(&mut self, actor: &Actor, draft: &Header, note: &NoteId) -> Result<NoteView, PracticeError> {
        let mut view = self.show_note(actor, note.as_str())?;
        if view.cited.is_some() {
            let session = self.session_header(session_of(draft)?.as_str())?;
            let resource = self.session_resource(actor, &session)?;
            if !self.may(actor, Act::ViewTranscript, &resource)? {
                view.cited = None;
                // Warnings quote the transcript, and doubts of marks name what stands in it.
                view.text.warnings.iter_mut().for_each(|warning| warning.quote.clear());
                view.text.sections.iter_mut().flat_map(|section| &mut section.sentences).for_each(|sentence| {
                    sentence.reasons.clear();
                });
            }
        }
        Ok(view)
    }

    fn view_status(&mut self, actor: &Actor, draft: &Header) -> Result<StatusView, PracticeError> {
        let (note, client) = (note_of(draft)?, client_of(draft)?);
        let resource = self.claim_resource(&note, &client)?;
        self.allow(actor, Act::ViewClaim, &resource)?;
        let state = self.note_state(&note)?;
        let entry = self
            .entry(actor, Kind::ClaimViewed)
            .refer("client", &client)
            .refer("note", &note)
            .fact("entered", Fact::Flag(false));
        self.append_one(actor, entry)?;
        Ok(StatusView { note, state })
    }
}

/// The client and the note of an entry that names both.
fn client_and_note(header: &Header) -> Result<(ClientId, NoteId), PracticeError> {
    let note = crate::act::reference(header, "note")?
        .parse()
        .map_err(|error: provenote_schemas::ids::BadId| crate::sessions::bad_reference(header, &error))?;
    Ok((client_of(header)?, note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use provenote_access::{Tie, opens};
    use provenote_schemas::Class;

    #[test]
    fn a_role_sees_what_the_keys_of_its_classes_open_and_no_more() {
        for role in Role::ALL {
            let own = Tie::Client { treats: true, supervises: false, wrote: true };
            let opened = |class| opens(*role, class, own);
            match view_of(*role) {
                View::Full => assert!(opened(Class::Clinical), "{role}"),
                View::Billing => assert!(opened(Class::Billing) && !opened(Class::Clinical), "{role}"),
                View::Deidentified => assert!(opened(Class::Research) && !opened(Class::Clinical), "{role}"),
                View::StatusOnly => {
                    assert!(!opened(Class::Clinical) && !opened(Class::Billing) && !opened(Class::Research), "{role}");
                }
            }
        }
    }
}
