//! The other way to a note: nobody is recorded, and the clinician speaks or types it afterwards from memory.
//!
//! The consent gate is not asked, since nothing of the client's voice is worked on. But the consent forms promise that
//! AI makes text of the clinician's own voice only where nobody who takes part objects, and that holds here; typed text
//! is never refused. No model drafts: the clinician's sentences go into the sections they named while speaking.

use provenote_access::Act;
use provenote_ledger::Fact;
use provenote_pipeline::formats::NoteFormat;
use provenote_pipeline::sentences;
use provenote_schemas::note::{NoteText, Origin, Section, Sentence, Support};
use provenote_schemas::transcript::{Segment, Transcript};
use provenote_schemas::{Class, Digest, Kind, SessionId};

use crate::act::{Actor, Practice};
use crate::consents::{SessionAsked, SessionTerms};
use crate::drafting::Work;
use crate::error::PracticeError;
use crate::gate::Asks;
use crate::ports::OnStage;
use crate::sessions::{Keep, Opened, SessionRecord};

/// The most typed text, in bytes: some hundred pages.
const LONGEST_TEXT: usize = 256 * 1024;

/// A dictation as the edge hands it in. A recording is not opened before it is known that nobody objected.
pub enum Dictated<'a> {
    /// The clinician's voice.
    Recording(Box<dyn FnOnce() -> Result<Opened, String> + 'a>),
    /// The clinician's typed text.
    Text(String),
}

impl Practice {
    /// Keeps what the clinician dictated or typed about a session that was not recorded.
    ///
    /// # Errors
    /// [`PracticeError::Gate`] for a voice where somebody who took part objected to that;
    /// [`PracticeError::BadRequest`] for a text without words; [`PracticeError::Audio`] for a recording that cannot be
    /// read to its end.
    pub fn dictate(
        &mut self,
        actor: &Actor,
        client: &str,
        dictated: Dictated<'_>,
        asked: &SessionAsked<'_>,
        on_stage: OnStage<'_>,
    ) -> Result<(SessionRecord, u64), PracticeError> {
        self.allow_client(actor, Act::AddSession, client)?;
        let client = self.client(actor, client)?;
        let terms = SessionTerms::of(&client, asked)?;
        let text = match dictated {
            Dictated::Text(text) => text,
            Dictated::Recording(recording) => {
                let asks = Asks::NoObjection(terms);
                let keep = Keep { kind: Kind::SessionDictated, client: &client, asks: &asks };
                return self.keep_recording(
                    actor,
                    &keep,
                    |practice| {
                        practice
                            .pass_objections(actor, &client, asks.terms(), Kind::SessionRefused, &[])
                            .map(|()| Vec::new())
                    },
                    recording,
                    on_stage,
                );
            }
        };
        let transcript = typed(&text)?;
        let session = self.random_id(SessionId::from_random);
        let record = SessionRecord {
            session: session.clone(),
            client: client.client.clone(),
            duration_s: 0.0,
            source_sha256: Digest::of(text.as_bytes()),
        };
        let working = self.new_group(actor, Class::Clinical, client.client.as_str())?;
        let asks = Asks::Nothing(terms);
        let keep = Keep { kind: Kind::SessionDictated, client: &client, asks: &asks };
        let sealed = self.seal_record(actor, working.as_str(), "session", &record)?;
        let words = self.seal_record(actor, working.as_str(), "transcript", &transcript)?;
        let entry = keep
            .entry(self.entry(actor, Kind::SessionDictated), &session, &working, &[])
            .fact("typed", Fact::Flag(true))
            .fact("duration_ms", Fact::Number(0))
            .payload(sealed)
            .payload(words);
        let outcome = self.append_one(actor, entry);
        if outcome.is_err() {
            self.vault.destroy_group(working.as_str(), &[])?;
        }
        Ok((record, outcome?))
    }

    /// A draft of the clinician's own sentences.
    pub(crate) fn dictated_note(
        &mut self,
        actor: &Actor,
        work: &Work<'_>,
        transcript: &Transcript,
        format: &NoteFormat,
        on_stage: OnStage<'_>,
    ) -> Result<(NoteText, u64), PracticeError> {
        let sections = in_sections(format, transcript);
        if sections.iter().all(|section| section.sentences.is_empty()) {
            return Err(PracticeError::NotAllowed(
                "the dictation has headings and no sentence under them: dictate it again".to_owned(),
            ));
        }
        self.keep_draft(actor, work, transcript, format, sections, None, on_stage)
    }
}

/// Typed text as sentences, in order and without times: a line that begins with a heading's mark or a list's begins anew,
/// other lines go on.
fn typed(text: &str) -> Result<Transcript, PracticeError> {
    if text.len() > LONGEST_TEXT {
        return Err(PracticeError::BadRequest(format!(
            "the text is longer than {} KiB: give one session's note",
            LONGEST_TEXT / 1024
        )));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(PracticeError::BadRequest(
            "the text has control characters: save it as plain text (UTF-8)".to_owned(),
        ));
    }
    let mut paragraphs: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        let heading = any_heading(line.trim_start_matches('#').trim());
        let item = ["- ", "* ", "\u{2022} "].iter().find_map(|mark| line.strip_prefix(mark));
        match (line.is_empty(), heading, item) {
            (true, _, _) => goes_on = false,
            (_, Some((name, rest)), _) => {
                paragraphs.push(format!("{name}."));
                goes_on = !rest.is_empty();
                if goes_on {
                    paragraphs.push(capitalised(rest));
                }
            }
            (_, _, Some(item)) => {
                paragraphs.push(item.to_owned());
                goes_on = true;
            }
            _ => match paragraphs.last_mut().filter(|_| goes_on) {
                Some(open) => *open = format!("{open} {line}"),
                None => {
                    paragraphs.push(line.to_owned());
                    goes_on = true;
                }
            },
        }
    }
    let sentences = paragraphs.iter().flat_map(|paragraph| sentences::of_text(paragraph));
    let segments: Vec<Segment> = (1..)
        .zip(sentences)
        .map(|(id, text)| Segment { id, start_s: 0.0, end_s: 0.0, speaker: None, text, words: Vec::new() })
        .collect();
    if !segments.iter().any(|segment| segment.text.chars().any(char::is_alphanumeric)) {
        return Err(PracticeError::BadRequest("the text is empty: there is nothing to keep".to_owned()));
    }
    Ok(Transcript { language: "en".to_owned(), segments })
}

/// A heading of any format at the beginning of a line. A format's heading must not be lost because the note is made in
/// another one later.
fn any_heading(line: &str) -> Option<(&'static str, &str)> {
    let keys = NoteFormat::all().iter().flat_map(|format| &format.sections).map(|section| section.key.as_str());
    keys.filter_map(|key| heading(line, key).map(|rest| (key, rest))).next()
}

/// What follows a section's name at the beginning of a sentence, where the name stands alone or before a mark: `Plan.`,
/// `Plan: she will`, `Plan, she will`; not `Plan to meet on Tuesday`.
fn heading<'t>(sentence: &'t str, key: &str) -> Option<&'t str> {
    let begins = sentence.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key));
    let rest = sentence.get(key.len()..).filter(|_| begins)?;
    let mut chars = rest.trim_start().chars();
    match chars.next() {
        None => Some(""),
        Some('.' | ':' | ',' | ';' | '-' | '\u{2013}' | '\u{2014}') => Some(chars.as_str().trim()),
        Some(_) => None,
    }
}

/// The sentences under the headings that were spoken or written; what stands before the first goes into the first
/// section. The sentences are the clinician's, word for word.
fn in_sections(format: &NoteFormat, transcript: &Transcript) -> Vec<Section> {
    let mut sections: Vec<Section> = format
        .sections
        .iter()
        .map(|spec| Section {
            name: spec.key.clone(),
            sentences: Vec::new(),
            for_clinician: spec.clinician_only.clone(),
        })
        .collect();
    let mut place = 0;
    for segment in &transcript.segments {
        let named = format
            .sections
            .iter()
            .enumerate()
            .find_map(|(at, spec)| heading(&segment.text, &spec.key).map(|rest| (at, capitalised(rest))));
        let text = match named {
            Some((at, rest)) => {
                place = at;
                rest
            }
            None => segment.text.clone(),
        };
        if let Some(section) = sections.get_mut(place).filter(|_| !text.is_empty()) {
            section.sentences.push(Sentence {
                text,
                origin: Origin::Clinician,
                segments: vec![segment.id],
                support: Support::Clinician,
                reasons: Vec::new(),
            });
        }
    }
    sections
}

/// A sentence begins with a capital, also where a heading stood before it.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn soap() -> &'static NoteFormat {
        NoteFormat::by_id("SOAP").expect("a format")
    }

    /// Every section that has sentences, with them.
    fn told(text: &str) -> Vec<(String, Vec<String>)> {
        let transcript = typed(text).expect("a text");
        let sections = in_sections(soap(), &transcript).into_iter();
        sections
            .map(|section| (section.name, section.sentences.into_iter().map(|one| one.text).collect::<Vec<_>>()))
            .filter(|(_, sentences)| !sentences.is_empty())
            .collect()
    }

    fn one(section: &str, sentences: &[&str]) -> (String, Vec<String>) {
        (section.to_owned(), sentences.iter().map(|one| (*one).to_owned()).collect())
    }

    #[test]
    fn sentences_stand_under_the_headings_they_were_said_under() {
        let text = "She came on time. Subjective. Slept badly this week. Worried about work.\nPlan: she will call the \
                    doctor. Plan to meet on Tuesday.";
        let expected = [
            one("Subjective", &["She came on time.", "Slept badly this week.", "Worried about work."]),
            one("Plan", &["She will call the doctor.", "Plan to meet on Tuesday."]),
        ];
        assert_eq!(told(text), expected);
        let marked = "## Subjective\n- slept badly,\n  worried\n- ate well\n\n## objective:\ncalm\n# PLAN\n\nNext week";
        assert_eq!(
            told(marked),
            [
                one("Subjective", &["slept badly, worried", "ate well"]),
                one("Objective", &["calm"]),
                one("Plan", &["Next week"]),
            ]
        );
        assert_eq!(told("No heading at all. None."), [one("Subjective", &["No heading at all.", "None."])]);
    }

    #[test]
    fn a_heading_of_another_format_is_kept_as_it_was_said() {
        assert_eq!(
            told("Behavior: paced the room. Plan. Rest."),
            [one("Subjective", &["Behavior.", "Paced the room."]), one("Plan", &["Rest."])]
        );
    }

    #[test]
    fn what_is_no_text_is_refused_without_repeating_it() {
        for bad in ["", " \n\t ", "...", "zebra\u{0}", &"zebra ".repeat(LONGEST_TEXT)] {
            let refused = typed(bad).expect_err("no text").to_string();
            assert!(!refused.contains("zebra"), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn no_word_is_lost_but_the_headings(text in "([a-z]{1,8}[.,]?[ \\n]){1,40}") {
            let words = |text: &str| {
                let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
                text.split_whitespace().map(letters).filter(|word| !word.is_empty()).collect::<Vec<_>>()
            };
            let kept: Vec<String> = told(&text).into_iter().flat_map(|(_, sentences)| sentences).collect();
            let keys: Vec<String> =
                soap().sections.iter().map(|section| section.key.to_lowercase()).collect();
            let given: Vec<String> = words(&text);
            if !given.iter().any(|word| keys.contains(word)) {
                prop_assert_eq!(words(&kept.join(" ")), given);
            }
        }
    }
}
