//! Recordings: through the gate, sealed as they stream, or refused and not stored.

use std::io::Write as _;
use std::ops::ControlFlow;

use provenote_access::Act;
use provenote_audio::pcm::{Blocks, MEDIA_TYPE, to_pcm16};
use provenote_ledger::{Fact, Header, NewEntry};
use provenote_schemas::people::Client;
use provenote_schemas::transcript::Transcript;
use provenote_schemas::{Class, ClientId, ConsentId, Digest, GroupId, Kind, SessionId, Time};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, payload, reference};
use crate::consents::{SessionAsked, SessionTerms, in_the_room};
use crate::error::PracticeError;
use crate::gate::{Asks, Gate};
use crate::ports::{Models, OnStage, Stage};

/// Samples a second of every sealed recording.
const RATE: f64 = provenote_audio::RATE as f64;

/// What is known of a recording; sealed with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub client: ClientId,
    /// Seconds.
    pub duration_s: f64,
    /// SHA-256 of the file as it was given. Not in the header: it would prove a guess about the recording.
    pub source_sha256: Digest,
}

/// How far a session has come.
#[derive(Debug, Clone, Serialize)]
pub struct SessionState {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub client: ClientId,
    /// When it was added.
    pub added: Time,
    /// Seconds.
    pub duration_s: f64,
    /// True where the clinician dictated or typed it afterwards, and nobody was recorded.
    pub dictated: bool,
    /// Whether the recording still exists.
    pub audio: AudioState,
    /// Whether it was transcribed.
    pub transcribed: bool,
    /// Its notes.
    pub notes: Vec<String>,
}

/// Whether a recording still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioState {
    /// Sealed in the vault.
    Sealed,
    /// Destroyed, with a receipt.
    Destroyed,
    /// There never was one: the clinician typed.
    None,
}

impl Practice {
    /// Lets a recording through the gate and seals it as it streams; a refused one is not stored. The entry names how the
    /// session was held and everybody who was there, so that who joins or leaves the file later changes nothing of it.
    ///
    /// # Errors
    /// [`PracticeError::BadRequest`] for somebody present who stands in no file; [`PracticeError::Gate`] when consent is
    /// not in force, at the start or by the time it is sealed; [`PracticeError::Audio`] when the recording cannot be read
    /// to its end. None keeps a byte of it.
    pub fn add_session(
        &mut self,
        actor: &Actor,
        client: &str,
        asked: &SessionAsked<'_>,
        models: &dyn Models,
        recording: impl FnOnce() -> Result<Opened, String>,
        on_stage: OnStage<'_>,
    ) -> Result<(SessionRecord, u64), PracticeError> {
        self.allow_client(actor, Act::AddSession, client)?;
        let client = self.client(actor, client)?;
        let asks = Asks::Consent(SessionTerms::of(&client, asked)?);
        let gate = Gate { client: &client, asks: &asks, models, refusal: Kind::SessionRefused, refs: Vec::new() };
        let keep = Keep { kind: Kind::SessionRecorded, client: &client, asks: &asks };
        self.keep_recording(actor, &keep, |practice| practice.pass(actor, &gate), recording, on_stage)
    }

    /// Seals a recording as it streams and writes its entry, while `ask` says yes: it is asked before the recording is
    /// opened, and again on the very ledger the entry is written onto, since sealing a long one takes its time.
    pub(crate) fn keep_recording(
        &mut self,
        actor: &Actor,
        keep: &Keep<'_>,
        mut ask: impl FnMut(&mut Self) -> Result<Vec<ConsentId>, PracticeError>,
        recording: impl FnOnce() -> Result<Opened, String>,
        on_stage: OnStage<'_>,
    ) -> Result<(SessionRecord, u64), PracticeError> {
        // The gate comes first: of a refused session not even the file is opened.
        ask(self)?;
        let mut opened = recording().map_err(PracticeError::Audio)?;
        let client = &keep.client.client;
        let audio = self.new_group(actor, Class::Clinical, client.as_str())?;
        let working = self.new_group(actor, Class::Clinical, client.as_str())?;
        let session = self.random_id(SessionId::from_random);
        let mut blob = Vec::new();
        let outcome =
            self.seal_recording(actor, audio.as_str(), &mut opened, on_stage).and_then(|(sealed, samples)| {
                blob.push(sealed.reference.ciphertext);
                #[allow(clippy::cast_precision_loss)]
                let duration_s = samples as f64 / RATE;
                let record = SessionRecord {
                    session: session.clone(),
                    client: client.clone(),
                    duration_s,
                    source_sha256: opened.source_sha256,
                };
                let seq = self.append_asking(actor, &mut ask, |practice, consents| {
                    let record = practice.seal_record(actor, audio.as_str(), "session", &record)?;
                    Ok(keep
                        .entry(practice.entry(actor, keep.kind), &session, &working, consents)
                        .refer("audio", &audio)
                        .fact("duration_ms", Fact::Number(millis(duration_s)))
                        .payload(sealed.clone())
                        .payload(record))
                })?;
                Ok((record, seq))
            });
        if outcome.is_err() {
            // Without its entry the recording must not stay: its keys go first, then what they sealed.
            self.vault.destroy_group(audio.as_str(), &blob)?;
            self.vault.destroy_group(working.as_str(), &[])?;
        }
        outcome
    }

    fn seal_recording(
        &mut self,
        actor: &Actor,
        group: &str,
        opened: &mut Opened,
        on_stage: OnStage<'_>,
    ) -> Result<(provenote_ledger::Sealed, u64), PracticeError> {
        self.freshen_group(actor, group)?;
        let mut writer = self.vault.seal_stream(actor.keys(), group, "audio", MEDIA_TYPE, &mut *self.entropy)?;
        let mut samples = 0_u64;
        for block in opened.blocks.by_ref() {
            let block = block.map_err(PracticeError::Audio)?;
            let bytes = to_pcm16(&block);
            writer
                .write_all(&bytes)
                .map_err(|error| PracticeError::Audio(format!("the recording could not be sealed: {error}")))?;
            samples += block.len() as u64;
            #[allow(clippy::cast_precision_loss)]
            let done = opened.expected_s.map_or(0.0, |expected| (samples as f64 / RATE / expected.max(0.001)).min(1.0));
            #[allow(clippy::cast_possible_truncation)]
            if on_stage(Stage::Sealing, done as f32) == ControlFlow::Break(()) {
                return Err(PracticeError::NotAllowed(
                    "stopped as asked; nothing of the recording was kept".to_owned(),
                ));
            }
        }
        if samples == 0 {
            return Err(PracticeError::Audio("the recording holds no sound: its length is zero".to_owned()));
        }
        Ok((writer.finish()?, samples))
    }

    /// The sessions of one client, or of all.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn list_sessions(&mut self, actor: &Actor, client: Option<&str>) -> Result<Vec<SessionState>, PracticeError> {
        let headers = match client {
            None => self.session_headers(&[])?,
            Some(asked) => {
                let client = self.allow_client(actor, Act::ViewSession, asked)?;
                self.session_headers(&[("client", client.as_str())])?
            }
        };
        let mut sessions = Vec::with_capacity(headers.len());
        for header in &headers {
            if self.may(actor, Act::ViewSession, &self.session_resource(actor, header)?)? {
                sessions.push(self.session_state(header)?);
            }
        }
        Ok(sessions)
    }

    /// One session.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`].
    pub fn show_session(&mut self, actor: &Actor, session: &str) -> Result<SessionState, PracticeError> {
        let header = self.allow_session(actor, Act::ViewSession, session)?;
        self.session_state(&header)
    }

    fn session_state(&self, header: &Header) -> Result<SessionState, PracticeError> {
        let session = session_of(header)?;
        let audio = match header.refs.get("audio").map(|group| self.destruction(group)).transpose()? {
            Some(Some(_)) => AudioState::Destroyed,
            Some(None) => AudioState::Sealed,
            None => AudioState::None,
        };
        let mut notes: Vec<String> = Vec::new();
        for draft in self.headers(Kind::DraftMade, &[("session", session.as_str())])? {
            notes.push(reference(&draft, "note")?.to_owned());
        }
        Ok(SessionState {
            client: client_of(header)?,
            added: Time::from_millis(header.time),
            duration_s: duration_s(header),
            audio,
            transcribed: audio == AudioState::None
                || self.one(Kind::TranscriptReceived, &[("session", session.as_str())])?.is_some(),
            dictated: header.kind == Kind::SessionDictated.as_str(),
            notes,
            session,
        })
    }

    /// A session's transcript; reading it is an entry, before it is shown.
    ///
    /// # Errors
    /// [`PracticeError::NotAllowed`] before it was transcribed, [`PracticeError::Destroyed`] after its time.
    pub fn show_transcript(&mut self, actor: &Actor, session: &str) -> Result<Transcript, PracticeError> {
        let header = self.allow_session(actor, Act::ViewTranscript, session)?;
        let session = session_of(&header)?;
        let transcript = self.transcript(actor, &session)?.ok_or_else(|| {
            PracticeError::NotAllowed(format!(
                "session {session} is not transcribed yet: `provenote note draft {session}` does it"
            ))
        })?;
        let entry = self
            .entry(actor, Kind::TranscriptViewed)
            .refer("client", reference(&header, "client")?)
            .refer("session", &session);
        self.append_one(actor, entry)?;
        Ok(transcript)
    }

    pub(crate) fn transcript(&self, actor: &Actor, session: &SessionId) -> Result<Option<Transcript>, PracticeError> {
        if let Some(header) = self.headers(Kind::TranscriptReceived, &[("session", session.as_str())])?.last() {
            return self.open_record(actor, header, "transcript", "transcript").map(Some);
        }
        // What the clinician typed stands in the entry of the session.
        let typed = self.one(Kind::SessionDictated, &[("session", session.as_str())])?;
        let typed = typed.filter(|header| payload(header, "transcript").is_some());
        typed.map(|header| self.open_record(actor, &header, "transcript", "dictation")).transpose()
    }

    pub(crate) fn session_header(&self, asked: &str) -> Result<Header, PracticeError> {
        let not_found =
            || PracticeError::NotFound { what: "session", id: asked.chars().take(40).collect(), list: "session list" };
        let id: SessionId = asked.parse().map_err(|_| not_found())?;
        self.session_headers(&[("session", id.as_str())])?.into_iter().next().ok_or_else(not_found)
    }

    /// The entries that began sessions, recorded and dictated, in order.
    pub(crate) fn session_headers(&self, refs: &[(&str, &str)]) -> Result<Vec<Header>, PracticeError> {
        let mut headers = self.headers(Kind::SessionRecorded, refs)?;
        headers.extend(self.headers(Kind::SessionDictated, refs)?);
        headers.sort_by_key(|header| header.seq);
        Ok(headers)
    }

    /// The sealed recording, opened as blocks of half a second.
    pub(crate) fn open_recording(
        &self,
        actor: &Actor,
        header: &Header,
    ) -> Result<Box<dyn std::io::Read + Send>, PracticeError> {
        let sealed = payload(header, "audio").ok_or_else(|| PracticeError::Unreadable {
            seq: header.seq,
            what: "recording",
            why: "the entry carries none".to_owned(),
        })?;
        if let Some(receipt) = self.destruction(&sealed.group)? {
            return Err(PracticeError::Destroyed {
                what: "recording",
                on: Time::from_millis(receipt.time).date(),
                seq: receipt.seq,
            });
        }
        let (wrapped_key, _) = self.log.sealed(sealed)?.ok_or_else(|| PracticeError::Unreadable {
            seq: header.seq,
            what: "recording",
            why: "its ciphertext is missing".to_owned(),
        })?;
        Ok(self.vault.open_stream(actor.keys(), sealed, &wrapped_key)?)
    }
}

/// What a session is kept as.
pub(crate) struct Keep<'a> {
    /// [`Kind::SessionRecorded`] or [`Kind::SessionDictated`].
    pub(crate) kind: Kind,
    /// Whose.
    pub(crate) client: &'a Client,
    /// What it asks of its people.
    pub(crate) asks: &'a Asks,
}

impl Keep<'_> {
    /// What every entry that begins a session names: how it was held, everybody who was there, and the consents.
    pub(crate) fn entry(
        &self,
        entry: NewEntry,
        session: &SessionId,
        working: &GroupId,
        consents: &[ConsentId],
    ) -> NewEntry {
        let mut entry = entry.refer("client", &self.client.client).refer("session", session).refer("working", working);
        let terms = self.asks.terms();
        entry = entry.fact("modality", Fact::Text(terms.modality.as_str().to_owned()));
        for (index, person) in in_the_room(self.client, terms).iter().enumerate() {
            entry = entry.refer(&format!("person.{index}"), person);
        }
        for (index, consent) in consents.iter().enumerate() {
            entry = entry.refer(&format!("consent.{index}"), consent);
        }
        entry
    }
}

/// A recording the edge has opened.
pub struct Opened {
    /// Blocks of 16 kHz samples of one channel.
    pub blocks: Box<dyn Iterator<Item = Result<Vec<f32>, String>>>,
    /// SHA-256 of the file as it was given.
    pub source_sha256: Digest,
    /// Its length as far as the file tells it before it is decoded, in seconds.
    pub expected_s: Option<f64>,
}

/// Samples of a sealed recording, a second at a time.
pub(crate) fn pcm_blocks(reader: Box<dyn std::io::Read + Send>) -> impl Iterator<Item = Result<Vec<f32>, String>> {
    Blocks::new(reader)
        .map(|block| block.map_err(|error| format!("the sealed recording could not be opened to its end: {error}")))
}

#[allow(clippy::cast_possible_truncation)]
fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

pub(crate) fn duration_s(header: &Header) -> f64 {
    match header.facts.get("duration_ms") {
        #[allow(clippy::cast_precision_loss)]
        Some(Fact::Number(millis)) => *millis as f64 / 1000.0,
        _ => 0.0,
    }
}

pub(crate) fn session_of(header: &Header) -> Result<SessionId, PracticeError> {
    reference(header, "session")?.parse().map_err(|error: provenote_schemas::ids::BadId| bad_reference(header, &error))
}

pub(crate) fn client_of(header: &Header) -> Result<ClientId, PracticeError> {
    reference(header, "client")?.parse().map_err(|error: provenote_schemas::ids::BadId| bad_reference(header, &error))
}

pub(crate) fn bad_reference(header: &Header, error: &dyn std::fmt::Display) -> PracticeError {
    PracticeError::Unreadable { seq: header.seq, what: "reference", why: error.to_string() }
}
