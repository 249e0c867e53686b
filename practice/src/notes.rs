//! From draft to note: show, edit, answer warnings, attest, amend, export, trace.

use std::fmt::Write as _;

use provenote_access::Act;
use provenote_ledger::{Fact, Header, verify_signature};
use provenote_pipeline::{grounding, safety};
use provenote_schemas::ids::BadId;
use provenote_schemas::note::{Attestation, NoteState, NoteText, Origin, Section, Sentence, Support};
use provenote_schemas::people::Client;
use provenote_schemas::transcript::Transcript;
use provenote_schemas::{Digest, Kind, NoteId, SessionId, Time, canonical, digest_of};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, reference};
use crate::board::{ModelUse, model_use, word};
use crate::drafting::doubts;
use crate::error::PracticeError;
use crate::gate::{Asks, Gate};
use crate::ports::Models;
use crate::sessions::{bad_reference, client_of, session_of};
use crate::setup::PracticeRecord;
use crate::views::claims::ClaimChange;

/// A note as it stands.
#[derive(Debug, Clone, Serialize)]
pub struct NoteView {
    /// The note.
    pub note: NoteId,
    /// How far it has come.
    pub state: NoteState,
    /// Its text: the newest draft, or what was attested.
    pub text: NoteText,
    /// The attestation, once there is one.
    pub attestation: Option<Attestation>,
    /// Additions since, oldest first.
    pub amendments: Vec<Amendment>,
    /// The transcript's segments that the sentences cite, while the transcript exists.
    pub cited: Option<Transcript>,
}

/// An addition to an attested note. The note itself never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// When.
    pub time: Time,
    /// Who.
    pub user: String,
    /// The words.
    pub text: String,
}

/// What an edit changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Difference {
    /// Unified difference of the two texts, as shown to the clinician.
    unified: String,
}

/// An attestation and the signature over its RFC 8785 bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SignedAttestation {
    attestation: Attestation,
    /// Ed25519, hexadecimal.
    signature: String,
}

/// The words a clinician agrees to.
pub const ATTESTATION: &str = "I have read this note against my own knowledge of the session, corrected it where needed, and take responsibility for it as my own.";

/// What a note is exported as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Markdown.
    Markdown,
    /// Plain text.
    Text,
    /// The record as JSON.
    Json,
    /// PDF/A-3a with the record attached.
    Pdf,
}

impl Export {
    /// The file's ending and the word in the entry.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Text => "txt",
            Self::Json => "json",
            Self::Pdf => "pdf",
        }
    }
}

/// An attested note with everything its printed form needs.
#[derive(Debug, Clone)]
pub struct NotePrint {
    /// The practice.
    pub practice: PracticeRecord,
    /// Whose note.
    pub client: Client,
    /// When the session was added.
    pub session_time: Time,
    /// The note.
    pub view: NoteView,
    /// The ledger's checkpoint, signed note.
    pub checkpoint: String,
    /// The entries behind it.
    pub trace: Vec<TraceEntry>,
    /// What heard the recording.
    pub speech: Option<ModelUse>,
    /// What drafted; none where the clinician dictated or typed it.
    pub drafting: Option<ModelUse>,
    /// The prompt template and version; `?` where no model drafted.
    pub template: String,
    /// When this copy was made.
    pub made: Time,
}

/// One entry behind a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceEntry {
    /// The entry.
    pub seq: u64,
    /// Its kind.
    pub kind: String,
    /// Its time.
    pub time: Time,
}

impl Practice {
    /// A note with its marks and the segments they rest on; reading it is an entry, before it is shown.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`], [`PracticeError::Destroyed`] for a draft that was never attested.
    pub fn show_note(&mut self, actor: &Actor, note: &str) -> Result<NoteView, PracticeError> {
        self.allow_note(actor, Act::ViewNote, note)?;
        let (draft, view) = self.note(actor, note)?;
        self.append_about(actor, Kind::NoteViewed, &draft, &view.note, |entry| entry)?;
        Ok(view)
    }

    /// The text of a draft as the clinician edits it.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] once the note is attested; [`PracticeError::Gate`] where consent is not in force.
    pub fn note_to_edit(&mut self, actor: &Actor, note: &str, models: &dyn Models) -> Result<String, PracticeError> {
        self.allow_note(actor, Act::EditNote, note)?;
        let (draft, view) = self.note(actor, note)?;
        must_be_draft(&view)?;
        let behind = self.behind(actor, &draft, &view)?;
        self.pass(actor, &behind.gate(models))?;
        self.append_about(actor, Kind::NoteViewed, &draft, &view.note, |entry| entry)?;
        Ok(edit_text(&view.text))
    }

    /// Takes an edited text; the difference is recorded with it.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] once the note is attested; [`PracticeError::BadRequest`] with the line for a
    /// text that names a section the format does not have; [`PracticeError::Gate`] where consent is not in force.
    pub fn edit_note(
        &mut self,
        actor: &Actor,
        note: &str,
        edited: &str,
        models: &dyn Models,
    ) -> Result<Option<(NoteView, u64)>, PracticeError> {
        self.allow_note(actor, Act::EditNote, note)?;
        let (draft, mut view) = self.note(actor, note)?;
        must_be_draft(&view)?;
        let before = edit_text(&view.text);
        let sections = read_edited(&view.text, edited)?;
        if sections == view.text.sections {
            return Ok(None);
        }
        view.text.sections = sections;
        if let Some(transcript) = self.transcript(actor, &view.text.session)? {
            remark(&transcript, &mut view.text);
        }
        view.text.doubts = doubts(&view.text.sections);
        let after = edit_text(&view.text);
        let unified = similar::TextDiff::from_lines(&before, &after).unified_diff().context_radius(1).to_string();
        let difference = Difference { unified };
        let behind = self.behind(actor, &draft, &view)?;
        let seq = self.append_while_open(actor, &behind.gate(models), |practice, _| {
            let text = practice.seal_record(actor, &behind.working, "text", &view.text)?;
            let difference = practice.seal_record(actor, &behind.working, "difference", &difference)?;
            let entry = practice.entry_about(actor, Kind::NoteEdited, &draft, &view.note)?;
            Ok(entry.payload(text).payload(difference))
        })?;
        Ok(Some((view, seq)))
    }

    /// Answers a warning of a draft, so that it can be attested.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for a warning the note does not have or an empty answer; [`PracticeError::Gate`]
    /// where consent is not in force.
    pub fn answer_warning(
        &mut self,
        actor: &Actor,
        note: &str,
        warning: &str,
        answer: &str,
        models: &dyn Models,
    ) -> Result<u64, PracticeError> {
        self.allow_note(actor, Act::EditNote, note)?;
        let (draft, mut view) = self.note(actor, note)?;
        must_be_draft(&view)?;
        if answer.trim().is_empty() {
            return Err(PracticeError::BadRequest(
                "the answer is empty: say why the note does not speak of it, or edit the note".to_owned(),
            ));
        }
        let known: Vec<_> = view.text.warnings.iter().map(|warning| warning.id.clone()).collect();
        let Some(found) = view.text.warnings.iter_mut().find(|known| known.id == warning) else {
            return Err(PracticeError::BadRequest(format!(
                "this note has no warning of that id: it has {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        };
        found.answer = Some(answer.trim().to_owned());
        let behind = self.behind(actor, &draft, &view)?;
        self.append_while_open(actor, &behind.gate(models), |practice, _| {
            let text = practice.seal_record(actor, &behind.working, "text", &view.text)?;
            // That there was a warning, and what it is about, is health information: the header tells of an edit.
            Ok(practice.entry_about(actor, Kind::NoteEdited, &draft, &view.note)?.payload(text))
        })
    }

    /// Makes a draft a note. The edge has asked for the passphrase again: `actor` is signed in anew. What the records say
    /// of consent is written into it as they stand now, and the clinician's own sentences that may speak of it are
    /// pointed out in the view. Where more than one person works here, what a claim needs is filled in the same commit,
    /// so that who bills finds it without opening the file.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] while a warning is open or the note is attested already;
    /// [`PracticeError::Gate`] where consent was taken back since: from then on no draft becomes a note.
    pub fn attest_note(
        &mut self,
        actor: &Actor,
        note: &str,
        models: &dyn Models,
    ) -> Result<(NoteView, u64), PracticeError> {
        self.allow_note(actor, Act::AttestNote, note)?;
        let (draft, mut view) = self.note(actor, note)?;
        must_be_draft(&view)?;
        let behind = self.behind(actor, &draft, &view)?;
        self.pass(actor, &behind.gate(models))?;
        let open: Vec<_> = view
            .text
            .warnings
            .iter()
            .filter(|warning| !warning.in_draft && warning.answer.is_none())
            .map(|warning| warning.id.as_str())
            .collect();
        if !open.is_empty() {
            return Err(PracticeError::NotAllowed(format!(
                "the session speaks of danger that the note does not mention: edit the note, or answer {} with `provenote note answer {} {} \"…\"`",
                open.join(", "),
                view.note,
                open.first().copied().unwrap_or_default(),
            )));
        }
        if view.text.sections.iter().all(|section| section.sentences.is_empty()) {
            return Err(PracticeError::NotAllowed("the note is empty: edit it before you attest it".to_owned()));
        }
        let notes = self.notes_group(&behind.client.client)?;
        let claim = self.claim_at_attestation(actor, &draft)?;
        let mut attested = None;
        let gate = behind.gate(models);
        let ask = |practice: &mut Self| practice.pass(actor, &gate);
        let seqs = self.append_all_asking(actor, ask, |practice, _| {
            let mut text = view.text.clone();
            text.consent_statement = practice.consent_statement(actor, &gate)?;
            text.doubts = doubts(&text.sections);
            let attestation = Attestation {
                note: view.note.clone(),
                text: digest_of(&text).map_err(|error| PracticeError::BadRequest(error.to_string()))?,
                user: actor.user().clone(),
                time: practice.clock.now(),
                statement: ATTESTATION.to_owned(),
            };
            let bytes = canonical(&attestation).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
            let signature = hex(&actor.keys().sign(&bytes));
            let signed = SignedAttestation { attestation: attestation.clone(), signature };
            let sealed_text = practice.seal_record(actor, &notes, "text", &text)?;
            let sealed = practice.seal_record(actor, &notes, "attestation", &signed)?;
            let mut entry = practice
                .entry_about(actor, Kind::NoteAttested, &draft, &view.note)?
                .fact("format", Fact::Text(text.format.clone()));
            for (name, number) in marks(&text) {
                entry = entry.fact(name, Fact::Number(number));
            }
            attested = Some((text, attestation));
            let mut entries = vec![entry.payload(sealed_text).payload(sealed)];
            if let Some(known) = &claim {
                let filled = practice.claim_entry(actor, &draft, known, &ClaimChange::default())?;
                entries.extend(filled.entry);
            }
            Ok(entries)
        })?;
        if let Some((text, attestation)) = attested {
            view.text = text;
            view.attestation = Some(attestation);
        }
        view.state = NoteState::Attested;
        Ok((view, seqs.first().copied().unwrap_or_default()))
    }

    /// Adds to an attested note; what was attested stays as it is.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] for a draft: that is edited instead.
    pub fn amend_note(&mut self, actor: &Actor, note: &str, text: &str) -> Result<(NoteView, u64), PracticeError> {
        self.allow_note(actor, Act::AttestNote, note)?;
        let (draft, mut view) = self.note(actor, note)?;
        if view.state == NoteState::Draft {
            return Err(PracticeError::NotAllowed(format!(
                "{} is a draft: change it with `provenote note edit {}`",
                view.note, view.note
            )));
        }
        if text.trim().is_empty() {
            return Err(PracticeError::BadRequest("the amendment is empty".to_owned()));
        }
        let amendment =
            Amendment { time: self.clock.now(), user: actor.user().to_string(), text: text.trim().to_owned() };
        let notes = self.notes_group(&client_of(&draft)?)?;
        let bytes = canonical(&amendment).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let sealed = self.seal_record(actor, &notes, "amendment", &amendment)?;
        let signature =
            self.seal_bytes(actor, &notes, "signature", "text/plain", hex(&actor.keys().sign(&bytes)).as_bytes())?;
        let seq = self.append_about(actor, Kind::NoteAmended, &draft, &view.note, |entry| {
            entry.payload(sealed).payload(signature)
        })?;
        view.amendments.push(amendment);
        view.state = NoteState::Amended;
        Ok((view, seq))
    }

    /// Hands an attested note out. The file's bytes are made, then the entry, and only then are they returned.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] for a draft: it cannot leave.
    pub fn export_note(
        &mut self,
        actor: &Actor,
        note: &str,
        format: Export,
        print: impl FnOnce(&NotePrint) -> Result<Vec<u8>, String>,
    ) -> Result<(Vec<u8>, NoteView, u64), PracticeError> {
        self.allow_note(actor, Act::ExportNote, note)?;
        let (draft, view) = self.note(actor, note)?;
        if view.state == NoteState::Draft {
            return Err(PracticeError::NotAllowed(format!(
                "{} is a draft, and a draft cannot be exported: read it, then attest it with `provenote note attest {}`",
                view.note, view.note
            )));
        }
        let printed = NotePrint {
            practice: self.record(actor)?,
            client: self.client(actor, reference(&draft, "client")?)?,
            session_time: Time::from_millis(self.session_header(view.text.session.as_str())?.time),
            trace: self.entries_behind(&view)?,
            checkpoint: self.log.checkpoint()?,
            speech: self
                .one(Kind::TranscriptReceived, &[("session", view.text.session.as_str())])?
                .as_ref()
                .map(model_use)
                .transpose()?,
            drafting: draft.facts.contains_key("model").then(|| model_use(&draft)).transpose()?,
            template: self.template_before(&draft)?,
            made: self.clock.now(),
            view,
        };
        let bytes = match format {
            Export::Pdf => print(&printed).map_err(PracticeError::Print)?,
            Export::Json => {
                let mut bytes = serde_json::to_vec_pretty(&printed.view)
                    .map_err(|error| PracticeError::Print(error.to_string()))?;
                bytes.push(b'\n');
                bytes
            }
            Export::Markdown => markdown(&printed, true).into_bytes(),
            Export::Text => markdown(&printed, false).into_bytes(),
        };
        let notes = self.notes_group(&client_of(&draft)?)?;
        // The digest of a short text can be guessed; it is sealed, and the header holds only a commitment.
        let digest =
            self.seal_bytes(actor, &notes, "file_sha256", "text/plain", Digest::of(&bytes).to_string().as_bytes())?;
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let seq = self.append_about(actor, Kind::NoteExported, &draft, &printed.view.note, |entry| {
            entry.fact("format", Fact::Text(format.word().to_owned())).fact("bytes", Fact::Number(size)).payload(digest)
        })?;
        Ok((bytes, printed.view, seq))
    }

    /// Every entry behind a note, from consent to export; asking is an entry.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn trace_note(&mut self, actor: &Actor, note: &str) -> Result<Vec<TraceEntry>, PracticeError> {
        self.allow_here(actor, Act::ViewLedger)?;
        self.allow_note(actor, Act::ViewNote, note)?;
        let (draft, view) = self.note(actor, note)?;
        self.append_about(actor, Kind::NoteTraced, &draft, &view.note, |entry| entry)?;
        self.entries_behind(&view)
    }

    /// The template of the last prompt before a draft.
    fn template_before(&self, draft: &Header) -> Result<String, PracticeError> {
        let prompts = self.headers(Kind::PromptSent, &[("session", reference(draft, "session")?)])?;
        Ok(prompts
            .iter()
            .rfind(|prompt| prompt.seq < draft.seq)
            .map_or_else(|| "?".to_owned(), |prompt| word(prompt, "template")))
    }

    fn entries_behind(&self, view: &NoteView) -> Result<Vec<TraceEntry>, PracticeError> {
        let session = self.session_header(view.text.session.as_str())?;
        let headers = self.around_session(&session, Some(&view.note))?;
        Ok(headers
            .into_iter()
            .map(|header| TraceEntry { seq: header.seq, kind: header.kind, time: Time::from_millis(header.time) })
            .collect())
    }

    /// All notes, newest first: state and session, no text.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn list_notes(&self, actor: &Actor) -> Result<Vec<(NoteId, NoteState, Time)>, PracticeError> {
        let mut notes = Vec::new();
        for draft in self.headers(Kind::DraftMade, &[])?.into_iter().rev() {
            if !self.may(actor, Act::ViewNote, &self.note_resource(&draft)?)? {
                continue;
            }
            let note = note_of(&draft)?;
            let state = self.note_state(&note)?;
            notes.push((note, state, Time::from_millis(draft.time)));
        }
        Ok(notes)
    }

    pub(crate) fn note_state(&self, note: &NoteId) -> Result<NoteState, PracticeError> {
        if self.one(Kind::NoteAmended, &[("note", note.as_str())])?.is_some() {
            return Ok(NoteState::Amended);
        }
        Ok(match self.one(Kind::NoteAttested, &[("note", note.as_str())])? {
            Some(_) => NoteState::Attested,
            None => NoteState::Draft,
        })
    }

    /// The entry of a note's first draft.
    pub(crate) fn draft_header(&self, asked: &str) -> Result<Header, PracticeError> {
        let not_found =
            || PracticeError::NotFound { what: "note", id: asked.chars().take(40).collect(), list: "note list" };
        let note: NoteId = asked.parse().map_err(|_| not_found())?;
        self.one(Kind::DraftMade, &[("note", note.as_str())])?.ok_or_else(not_found)
    }

    /// The note as it stands and its first entry. No entry: part of other acts.
    pub(crate) fn note(&self, actor: &Actor, asked: &str) -> Result<(Header, NoteView), PracticeError> {
        let draft = self.draft_header(asked)?;
        let note: NoteId = reference(&draft, "note")?.parse().map_err(|error: BadId| bad_reference(&draft, &error))?;
        let mut newest = draft.clone();
        let mut attestation = None;
        let mut amendments = Vec::new();
        for header in self.headers_with("note", note.as_str())? {
            match Kind::from_word(&header.kind) {
                Some(Kind::NoteEdited) if attestation.is_none() => newest = header,
                Some(Kind::NoteAttested) => {
                    attestation = Some(self.attestation(actor, &header)?);
                    newest = header;
                }
                Some(Kind::NoteAmended) => {
                    amendments.push(self.open_record(actor, &header, "amendment", "amendment")?)
                }
                _ => {}
            }
        }
        let text: NoteText = self.open_record(actor, &newest, "text", "note")?;
        let state = match (&attestation, amendments.is_empty()) {
            (None, _) => NoteState::Draft,
            (Some(_), true) => NoteState::Attested,
            (Some(_), false) => NoteState::Amended,
        };
        let cited = match self.transcript(actor, &text.session) {
            Ok(transcript) => transcript,
            Err(PracticeError::Destroyed { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok((draft, NoteView { note, state, text, attestation, amendments, cited }))
    }

    /// An attestation whose signature holds over the text it is of.
    fn attestation(&self, actor: &Actor, header: &Header) -> Result<Attestation, PracticeError> {
        let unreadable =
            |why: &str| PracticeError::Unreadable { seq: header.seq, what: "attestation", why: why.to_owned() };
        let signed: SignedAttestation = self.open_record(actor, header, "attestation", "attestation")?;
        let bytes = canonical(&signed.attestation).map_err(|_| unreadable("no canonical form"))?;
        let signature = unhex(&signed.signature).ok_or_else(|| unreadable("its signature is no signature"))?;
        let signer = self
            .vault
            .users()?
            .into_iter()
            .find(|user| user.user == signed.attestation.user.as_str())
            .ok_or_else(|| unreadable("its signer has no key here"))?;
        let added = self.one(Kind::UserAdded, &[("user", &signer.user)])?;
        if added.is_none_or(|added| word(&added, "sign_key") != hex(&signer.sign_key)) {
            return Err(unreadable("the key file of its signer is not the key the ledger names"));
        }
        if !verify_signature(&signer.sign_key, &bytes, &signature) {
            return Err(unreadable("its signature does not hold"));
        }
        let text: NoteText = self.open_record(actor, header, "text", "note")?;
        if digest_of(&text).ok() != Some(signed.attestation.text) {
            return Err(unreadable("it is of another text"));
        }
        Ok(signed.attestation)
    }

    fn append_about(
        &mut self,
        actor: &Actor,
        kind: Kind,
        draft: &Header,
        note: &NoteId,
        fill: impl FnOnce(provenote_ledger::NewEntry) -> provenote_ledger::NewEntry,
    ) -> Result<u64, PracticeError> {
        let entry = self.entry_about(actor, kind, draft, note)?;
        self.append_one(actor, fill(entry))
    }

    fn entry_about(
        &self,
        actor: &Actor,
        kind: Kind,
        draft: &Header,
        note: &NoteId,
    ) -> Result<provenote_ledger::NewEntry, PracticeError> {
        Ok(self
            .entry(actor, kind)
            .refer("client", reference(draft, "client")?)
            .refer("session", reference(draft, "session")?)
            .refer("note", note))
    }

    /// The session behind a draft, and what its people are asked.
    fn behind(&self, actor: &Actor, draft: &Header, view: &NoteView) -> Result<Behind, PracticeError> {
        let session = self.session_header(view.text.session.as_str())?;
        Ok(Behind {
            client: self.client(actor, reference(draft, "client")?)?,
            asks: Asks::of(&session)?,
            working: reference(&session, "working")?.to_owned(),
            session: view.text.session.clone(),
            note: view.note.clone(),
        })
    }
}

/// What stands behind a draft.
struct Behind {
    client: Client,
    asks: Asks,
    /// The retention group of transcript, prompts and drafts.
    working: String,
    session: SessionId,
    note: NoteId,
}

impl Behind {
    /// The gate before anything that would make the draft a note.
    fn gate<'a>(&'a self, models: &'a dyn Models) -> Gate<'a> {
        let mut gate = Gate::of_session(&self.client, &self.asks, models, &self.session);
        gate.refs.push(("note", self.note.as_str()));
        gate
    }
}

pub(crate) fn note_of(header: &Header) -> Result<NoteId, PracticeError> {
    let _ = session_of(header)?;
    reference(header, "note")?
        .parse()
        .map_err(|error: provenote_schemas::ids::BadId| crate::sessions::bad_reference(header, &error))
}

fn must_be_draft(view: &NoteView) -> Result<(), PracticeError> {
    if view.state == NoteState::Draft {
        return Ok(());
    }
    Err(PracticeError::NotAllowed(format!(
        "{} is attested and does not change any more: add to it with `provenote note amend {}`",
        view.note, view.note
    )))
}

/// How many sentences carry each mark, and how many the clinician wrote or changed.
fn marks(text: &NoteText) -> [(&'static str, i64); 5] {
    let sentences: Vec<_> = text.sections.iter().flat_map(|section| &section.sentences).collect();
    let count = |fits: &dyn Fn(&Sentence) -> bool| {
        i64::try_from(sentences.iter().filter(|s| fits(s)).count()).unwrap_or(i64::MAX)
    };
    [
        ("sentences", count(&|_| true)),
        ("supported", count(&|s| s.support == Support::Supported)),
        ("weak", count(&|s| s.support == Support::Weak)),
        ("unsupported", count(&|s| s.support == Support::Unsupported)),
        ("by_clinician", count(&|s| s.origin != Origin::Model)),
    ]
}

/// A draft as the clinician edits it: a heading a section, a line a sentence.
#[must_use]
pub fn edit_text(text: &NoteText) -> String {
    let mut out = String::new();
    for section in &text.sections {
        let _ = writeln!(out, "## {}", section.name);
        if let Some(ask) = &section.for_clinician {
            let _ = writeln!(out, "<!-- For you to add, a recording cannot show it: {ask} -->");
        }
        for sentence in &section.sentences {
            let _ = write!(out, "{}", sentence.text);
            if !sentence.segments.is_empty() {
                let _ =
                    write!(out, " [{}]", sentence.segments.iter().map(u32::to_string).collect::<Vec<_>>().join(", "));
            }
            let _ = writeln!(out);
        }
        let _ = writeln!(out);
    }
    out
}

/// Reads an edited draft: sections by their headings, a sentence a line, citations in brackets at its end.
fn read_edited(before: &NoteText, edited: &str) -> Result<Vec<Section>, PracticeError> {
    let mut sections: Vec<Section> =
        before.sections.iter().map(|section| Section { sentences: Vec::new(), ..section.clone() }).collect();
    let mut current: Option<usize> = None;
    for (index, line) in edited.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || (line.starts_with("<!--") && line.ends_with("-->")) {
            continue;
        }
        if let Some(heading) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#').trim()) {
            let place =
                sections.iter().position(|section| section.name.eq_ignore_ascii_case(heading.trim_end_matches(':')));
            current = Some(place.ok_or_else(|| {
                let known: Vec<_> = before.sections.iter().map(|section| section.name.as_str()).collect();
                PracticeError::BadRequest(format!(
                    "line {}: {} has no such section; it has {}",
                    index + 1,
                    before.format,
                    known.join(", ")
                ))
            })?);
            continue;
        }
        let Some(place) = current else {
            return Err(PracticeError::BadRequest(format!(
                "line {}: this text stands before the first heading; begin with `## {}`",
                index + 1,
                before.sections.first().map_or("…", |section| section.name.as_str())
            )));
        };
        let (words, cited) = split_citation(line.trim_start_matches("- "));
        let old = before.sections.get(place).map(|section| section.sentences.as_slice()).unwrap_or_default();
        if let Some(section) = sections.get_mut(place) {
            section.sentences.push(edited_sentence(old, words, cited));
        }
    }
    Ok(sections)
}

/// `Words. [3, 4]` is the words and the segments they cite.
fn split_citation(line: &str) -> (&str, Option<Vec<u32>>) {
    let cited = line.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    if let Some((words, numbers)) = cited {
        let numbers: Option<Vec<u32>> = numbers.split(',').map(|number| number.trim().parse().ok()).collect();
        if let Some(numbers) = numbers {
            return (words.trim_end(), Some(numbers));
        }
    }
    (line, None)
}

/// A line that stood there before keeps its mark; one much like an old one is an edit of it; others are the clinician's own.
fn edited_sentence(old: &[Sentence], words: &str, cited: Option<Vec<u32>>) -> Sentence {
    if let Some(same) = old
        .iter()
        .find(|sentence| sentence.text == words && cited.as_ref().is_none_or(|cited| *cited == sentence.segments))
    {
        return same.clone();
    }
    let nearest = old
        .iter()
        .map(|sentence| (similar::TextDiff::from_words(sentence.text.as_str(), words).ratio(), sentence))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(ratio, _)| *ratio >= 0.5);
    match (nearest, cited) {
        (Some((_, sentence)), cited) => Sentence {
            text: words.to_owned(),
            origin: if sentence.origin == Origin::Clinician { Origin::Clinician } else { Origin::Edited },
            segments: cited.unwrap_or_else(|| sentence.segments.clone()),
            support: Support::Clinician,
            reasons: Vec::new(),
        },
        (None, cited) => Sentence {
            text: words.to_owned(),
            origin: Origin::Clinician,
            segments: cited.unwrap_or_default(),
            support: Support::Clinician,
            reasons: Vec::new(),
        },
    }
}

/// Holds changed sentences that cite segments against the transcript again, and looks anew for dangers left out.
fn remark(transcript: &Transcript, text: &mut NoteText) {
    let mut checked = text.sections.clone();
    grounding::check(transcript, &mut checked);
    for (section, checked) in text.sections.iter_mut().zip(checked) {
        for (sentence, checked) in section.sentences.iter_mut().zip(checked.sentences) {
            if sentence.origin != Origin::Model && !sentence.segments.is_empty() {
                *sentence = Sentence { origin: sentence.origin, ..checked };
            }
        }
    }
    let answers: Vec<_> = text
        .warnings
        .iter()
        .filter_map(|warning| warning.answer.clone().map(|answer| (warning.danger, warning.segments.clone(), answer)))
        .collect();
    text.warnings = safety::screen(transcript, &text.sections);
    for warning in &mut text.warnings {
        warning.answer = answers
            .iter()
            .find(|(danger, segments, _)| *danger == warning.danger && *segments == warning.segments)
            .map(|(_, _, answer)| answer.clone());
    }
}

fn markdown(printed: &NotePrint, marked: bool) -> String {
    let NotePrint { practice, client, session_time, view, checkpoint, .. } = printed;
    let mut out = String::new();
    let (h1, h2) = if marked { ("# ", "## ") } else { ("", "") };
    let _ = writeln!(out, "{h1}{} note, {}\n", view.text.format, view.note);
    let _ = writeln!(
        out,
        "Practice: {}\nClinician: {}\nClient: {}\nSession: {}, {}\n",
        practice.name,
        practice.clinician,
        client.name,
        view.text.session,
        session_time.date()
    );
    for section in &view.text.sections {
        let _ = writeln!(out, "{h2}{}\n", section.name);
        for sentence in &section.sentences {
            let _ = writeln!(out, "{}", sentence.text);
        }
        let _ = writeln!(out);
    }
    if !view.text.consent_statement.is_empty() {
        let _ = writeln!(out, "{h2}Consent (from the practice's records)\n");
        for sentence in &view.text.consent_statement {
            let _ = writeln!(out, "{sentence}");
        }
        let _ = writeln!(out);
    }
    if let Some(attestation) = &view.attestation {
        let _ = writeln!(
            out,
            "{h2}Attestation\n\n{}\n{}, {} ({})\n",
            attestation.statement, practice.clinician, attestation.time, attestation.user
        );
    }
    for amendment in &view.amendments {
        let _ = writeln!(out, "{h2}Amendment of {}\n\n{}\n", amendment.time, amendment.text);
    }
    let made = match (&printed.drafting, &printed.speech) {
        (Some(_), _) => {
            "This note was drafted by a language model on the practice's own computer and reviewed by the clinician."
        }
        (None, Some(_)) => {
            "This note was dictated by the clinician; a speech model on the practice's own computer wrote it down."
        }
        (None, None) => "This note was written by the clinician. No model took part in it.",
    };
    let _ = writeln!(out, "{made}\n");
    let _ = writeln!(out, "{h2}Ledger checkpoint\n");
    for line in checkpoint.lines() {
        let _ = writeln!(out, "{}{line}", if marked { "    " } else { "" });
    }
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

pub(crate) fn unhex(text: &str) -> Option<[u8; 64]> {
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    bytes?.try_into().ok()
}
