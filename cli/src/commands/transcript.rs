//! `transcript`: what was heard.

use std::process::ExitCode;

use serde_json::json;

use super::Outcome;
use crate::args::Transcript;
use crate::home::Home;
use crate::screen::{print, print_json};

pub(super) fn run(home: &Home, asked: Transcript) -> Outcome {
    let Transcript::Show { session } = asked;
    let (mut practice, actor) = home.signed_in()?;
    let transcript = practice.show_transcript(&actor, &session)?;
    if home.json() {
        let segments: Vec<_> = transcript
            .segments
            .iter()
            .map(|segment| json!({ "id": segment.id, "start_s": segment.start_s, "end_s": segment.end_s, "speaker": segment.speaker, "text": segment.text }))
            .collect();
        print_json(&json!({ "session": session, "language": transcript.language, "segments": segments }));
    } else if transcript.segments.is_empty() {
        print("Nobody speaks in this recording.");
    } else {
        for segment in &transcript.segments {
            print(&format!("[{:>3}] {}  {}", segment.id, clock(segment.start_s), segment.text));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Seconds as minutes and seconds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    format!("{:>3}:{:02}", whole / 60, whole % 60)
}
