//! `session`: recordings through the gate.

use std::path::Path;
use std::process::ExitCode;

use provenote_practice::consents::SessionAsked;
use provenote_practice::dictation::Dictated;
use provenote_practice::sessions::{AudioState, Opened, SessionState};
use serde_json::json;

use super::consent::rules::modality;
use super::{Outcome, read_text};
use crate::args::Session;
use crate::exit::Failure;
use crate::home::Home;
use crate::screen::{Bars, print, print_json};

/// The largest typed note that is read, in bytes.
const LARGEST_TEXT: u64 = 1024 * 1024;

pub(super) fn run(home: &Home, asked: Session) -> Outcome {
    let (mut practice, actor) = home.signed_in()?;
    match asked {
        Session::Add { client, audio, held } => {
            let how = SessionAsked { modality: modality(&held.by)?, present: &held.present };
            let mut bars = Bars::new(home.json());
            let added =
                practice.add_session(&actor, &client, &how, home.models()?, || open(&audio), &mut |stage, done| {
                    bars.stage(stage, done)
                });
            bars.end();
            let (session, seq) = added?;
            if home.json() {
                print_json(&json!({
                    "session": session.session,
                    "client": session.client,
                    "duration_s": session.duration_s,
                    "sha256": session.source_sha256,
                    "seq": seq,
                }));
            } else {
                print(&format!("Sealed {:.1} s of recording as {} (entry {seq})", session.duration_s, session.session));
                print(&format!(
                    "  your own file {} is not touched: delete it when you no longer need it",
                    audio.display()
                ));
                print(&format!("Next: provenote note draft {}", session.session));
            }
        }
        Session::Dictate { client, audio, text, held } => {
            let how = SessionAsked { modality: modality(&held.by)?, present: &held.present };
            let typed = text.as_deref().map(|file| read_text(file, LARGEST_TEXT)).transpose()?;
            let mut bars = Bars::new(home.json());
            let mut on_stage = |stage, done| bars.stage(stage, done);
            let dictated = match (typed, &audio) {
                (Some(text), _) => Dictated::Text(text),
                (None, Some(audio)) => Dictated::Recording(Box::new(|| open(audio))),
                (None, None) => {
                    return Err(Failure::Usage("say what was dictated: AUDIO, or --text FILE".to_owned()));
                }
            };
            let added = practice.dictate(&actor, &client, dictated, &how, &mut on_stage);
            bars.end();
            let (session, seq) = added?;
            if home.json() {
                print_json(&json!({
                    "session": session.session,
                    "client": session.client,
                    "duration_s": session.duration_s,
                    "seq": seq,
                }));
            } else {
                print(&format!("Sealed the dictation as {} (entry {seq})", session.session));
                print(&format!("Next: provenote note draft {}", session.session));
            }
        }
        Session::List { client } => {
            let sessions = practice.list_sessions(&actor, client.as_deref())?;
            if home.json() {
                print_json(&json!({ "sessions": sessions }));
            } else if sessions.is_empty() {
                print("No sessions yet: provenote session add CLIENT AUDIO");
            } else {
                sessions.iter().for_each(|session| print(&line(session)));
            }
        }
        Session::Show { session } => {
            let session = practice.show_session(&actor, &session)?;
            if home.json() {
                print_json(&serde_json::to_value(&session).unwrap_or_default());
            } else {
                print(&line(&session));
                session.notes.iter().for_each(|note| print(&format!("  {note}")));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a recording: its digest first, then its blocks as they are decoded.
pub(super) fn open(path: &Path) -> Result<Opened, String> {
    let source_sha256 = crate::home::digest_of_file(path)?;
    let recording = provenote_audio::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let expected_s = recording.duration_s();
    let shown = path.display().to_string();
    let blocks = recording.map(move |block| block.map_err(|error| format!("{shown}: {error}")));
    Ok(Opened { blocks: Box::new(blocks), source_sha256, expected_s })
}

fn line(session: &SessionState) -> String {
    let audio = match session.audio {
        AudioState::Sealed => "recording sealed",
        AudioState::Destroyed => "recording destroyed",
        AudioState::None => "typed, no recording",
    };
    let transcribed = if session.transcribed { "transcribed" } else { "not transcribed" };
    format!(
        "{}  {}  {:.0} s  {}  {audio}, {transcribed}, {} notes",
        session.session,
        session.client,
        session.duration_s,
        session.added,
        session.notes.len()
    )
}
