//! From what the engine heard to a transcript: one sentence a segment.
//!
//! The engine cuts speech where it likes, and joins two speakers in one stretch. A draft cites
//! segments, so a segment must be one sentence, with the times of its own words. Nobody knows who
//! spoke: the speaker stays open.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use provenote_schemas::transcript::{Segment, Transcript, Word};

use crate::engine::HeardSegment;

/// The engine's own rule for a stretch without speech (openai/whisper, `no_speech_threshold` and
/// `logprob_threshold`): it says nobody spoke, and was not sure of its words either.
const NO_SPEECH: f32 = 0.6;
/// The natural logarithm of the words' mean probability under which the engine was not sure.
const UNSURE: f32 = -1.0;

/// A sentence goes on in the engine's next stretch if no longer a pause lies between, in milliseconds.
const PAUSE_MS: u64 = 1_000;

/// A stretch without any full stop is not joined to the next beyond this many words.
const LONGEST_JOIN: usize = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    abbreviations: Vec<String>,
    counting: Vec<String>,
    times: Vec<String>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    serde_saphyr::from_str(include_str!("../rules/sentences.yaml"))
        .expect("rules/sentences.yaml is part of the program and read by its tests")
});

/// What engines write for sounds that are not speech: `[BLANK_AUDIO]`, `(soft music)`, `*sighs*`, `♪`.
static ANNOTATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[[^\[\]]{0,60}\]|\([^()]{0,60}\)|\*[^*\s][^*]{0,40}\*|♪[^♪]{0,200}♪|[♪♫♬]")
        .expect("a constant expression, used by the tests")
});

/// A word on its way into a segment.
#[derive(Debug, Clone)]
struct Piece {
    start_ms: u64,
    end_ms: u64,
    text: String,
    /// True where the engine timed it; false where its time is guessed from its place in the text.
    timed: bool,
}

/// Splits what was heard at the ends of sentences, and numbers the sentences 1, 2, 3 …
///
/// Annotations of sounds are dropped, and stretches of which the engine itself says that nobody
/// spoke. Every other word is kept, in order. Where the engine timed no words, times are shared out
/// by length of text and the segment has no `words`.
#[must_use]
pub fn split(heard: &[HeardSegment]) -> Transcript {
    let mut segments: Vec<Segment> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    for stretch in heard.iter().filter(|stretch| !nobody_spoke(stretch)) {
        let pieces = without_annotations(pieces_of(stretch));
        let (Some(first), last) = (pieces.first(), open.last()) else { continue };
        let goes_on = last.is_some_and(|last| {
            !ends_sentence(&last.text, Some(&first.text))
                && first.text.starts_with(char::is_lowercase)
                && first.start_ms.saturating_sub(last.end_ms) <= PAUSE_MS
                && open.len() < LONGEST_JOIN
        });
        if !goes_on {
            close(&mut open, &mut segments);
        }
        let texts: Vec<String> = pieces.iter().map(|piece| piece.text.clone()).collect();
        for (index, piece) in pieces.into_iter().enumerate() {
            open.push(piece);
            if index + 1 < texts.len() && ends_sentence(&texts[index], texts.get(index + 1).map(String::as_str)) {
                close(&mut open, &mut segments);
            }
        }
    }
    close(&mut open, &mut segments);
    Transcript { language: "en".to_owned(), segments }
}

/// The sentences of a text, blanks collapsed. Joined by a blank they are the text again.
#[must_use]
pub fn of_text(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut sentences = Vec::new();
    let mut start = 0;
    for index in 0..words.len() {
        if index + 1 == words.len() || ends_sentence(words[index], words.get(index + 1).copied()) {
            sentences.push(words[start..=index].join(" "));
            start = index + 1;
        }
    }
    sentences
}

fn nobody_spoke(stretch: &HeardSegment) -> bool {
    if stretch.no_speech <= NO_SPEECH {
        return false;
    }
    let count = u16::try_from(stretch.words.len()).map_or(f32::from(u16::MAX), f32::from);
    stretch.words.is_empty() || stretch.words.iter().map(|word| word.p.max(1e-6).ln()).sum::<f32>() / count < UNSURE
}

/// The stretch word by word. The engine writes a blank before a word and none before its further parts.
fn pieces_of(stretch: &HeardSegment) -> Vec<Piece> {
    let spaced = stretch.words.iter().skip(1).any(|word| word.text.starts_with(char::is_whitespace));
    let mut pieces: Vec<Piece> = Vec::new();
    for word in &stretch.words {
        let text = word.text.trim();
        match pieces.last_mut() {
            Some(last) if spaced && !word.text.starts_with(char::is_whitespace) => {
                last.text.push_str(text);
                last.end_ms = last.end_ms.max(word.end_ms);
            }
            _ if text.is_empty() => {}
            _ => pieces.push(Piece {
                start_ms: word.start_ms,
                end_ms: word.end_ms.max(word.start_ms),
                text: text.to_owned(),
                timed: true,
            }),
        }
    }
    let solid =
        |text: &mut dyn Iterator<Item = char>| text.filter(|character| !character.is_whitespace()).collect::<String>();
    let same = solid(&mut pieces.iter().flat_map(|piece| piece.text.chars())) == solid(&mut stretch.text.chars());
    if same { split_inside(pieces) } else { shared_out(stretch) }
}

/// A timed word may hold blanks of its own; each part then has the word's times.
fn split_inside(pieces: Vec<Piece>) -> Vec<Piece> {
    pieces
        .into_iter()
        .flat_map(|piece| {
            piece
                .text
                .split_whitespace()
                .map(|text| Piece { text: text.to_owned(), ..piece.clone() })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The words of the text, where the engine's own words are missing or say something else.
fn shared_out(stretch: &HeardSegment) -> Vec<Piece> {
    let total = stretch.text.chars().count().max(1) as u64;
    let length_ms = stretch.end_ms.saturating_sub(stretch.start_ms);
    let at = |bytes: usize| {
        stretch.start_ms + length_ms.saturating_mul(stretch.text[..bytes].chars().count() as u64) / total
    };
    let base = stretch.text.as_ptr() as usize;
    stretch
        .text
        .split_whitespace()
        .map(|text| {
            let start = text.as_ptr() as usize - base;
            Piece { start_ms: at(start), end_ms: at(start + text.len()), text: text.to_owned(), timed: false }
        })
        .collect()
}

fn without_annotations(pieces: Vec<Piece>) -> Vec<Piece> {
    let text = pieces.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" ");
    let cuts: Vec<Range<usize>> = ANNOTATION.find_iter(&text).map(|found| found.range()).collect();
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut offset = 0;
    for mut piece in pieces {
        let length = piece.text.len();
        let touched = cuts.iter().any(|cut| cut.start < offset + length && offset < cut.end);
        if touched {
            piece.text = piece
                .text
                .char_indices()
                .filter(|(at, _)| !cuts.iter().any(|cut| cut.contains(&(offset + at))))
                .map(|(_, character)| character)
                .collect();
        }
        offset += length + 1;
        // What is left of a cut word may be its full stop alone.
        if !touched || piece.text.chars().any(char::is_alphanumeric) {
            kept.push(piece);
        }
    }
    kept
}

/// Makes a segment of the words so far; one without a letter or digit is no speech.
fn close(open: &mut Vec<Piece>, segments: &mut Vec<Segment>) {
    let pieces = std::mem::take(open);
    let (Some(first), Some(end_ms)) = (pieces.first(), pieces.iter().map(|piece| piece.end_ms).max()) else { return };
    if !pieces.iter().any(|piece| piece.text.chars().any(char::is_alphanumeric)) {
        return;
    }
    let words = if pieces.iter().all(|piece| piece.timed) {
        pieces
            .iter()
            .map(|piece| Word {
                start_s: seconds(piece.start_ms),
                end_s: seconds(piece.end_ms),
                text: piece.text.clone(),
            })
            .collect()
    } else {
        Vec::new()
    };
    segments.push(Segment {
        id: u32::try_from(segments.len() + 1).unwrap_or(u32::MAX),
        start_s: seconds(first.start_ms),
        end_s: seconds(end_ms),
        speaker: None,
        text: pieces.iter().map(|piece| piece.text.as_str()).collect::<Vec<_>>().join(" "),
        words,
    });
}

/// Milliseconds below 2^53 are exact in an `f64`.
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Whether a sentence ends with this word, before that one.
fn ends_sentence(word: &str, next: Option<&str>) -> bool {
    let bare = word.trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
    let Some(mark) = bare.chars().next_back() else { return false };
    match mark {
        '?' | '!' | '。' | '？' | '！' | '؟' | '।' => true,
        '.' | '…' => {
            let Some(next) = next else { return true };
            let next_starts_small =
                next.trim_start_matches(|character: char| !character.is_alphanumeric()).starts_with(char::is_lowercase);
            if next_starts_small || mark == '…' || bare.ends_with("..") {
                return false;
            }
            let stem = bare
                .trim_end_matches('.')
                .trim_start_matches(|character: char| !character.is_alphanumeric())
                .to_lowercase();
            if RULES.times.contains(&stem) {
                return next.starts_with(char::is_uppercase);
            }
            if RULES.counting.contains(&stem) {
                return !next.starts_with(|character: char| character.is_ascii_digit());
            }
            let initial = bare.chars().count() == 2 && bare.starts_with(char::is_uppercase) && stem != "i";
            !initial && !RULES.abbreviations.contains(&stem)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::HeardWord;

    /// A stretch whose words take 100 ms each.
    fn heard(start_ms: u64, text: &str) -> HeardSegment {
        let words: Vec<HeardWord> = text
            .split_whitespace()
            .zip(0_u64..)
            .map(|(word, at)| HeardWord {
                start_ms: start_ms + at * 100,
                end_ms: start_ms + at * 100 + 90,
                text: format!(" {word}"),
                p: 0.9,
            })
            .collect();
        let end_ms = words.last().map_or(start_ms, |word| word.end_ms);
        HeardSegment { start_ms, end_ms, text: format!(" {text}"), no_speech: 0.01, words }
    }

    fn texts(heard: &[HeardSegment]) -> Vec<String> {
        split(heard).segments.into_iter().map(|segment| segment.text).collect()
    }

    #[test]
    fn two_speakers_in_one_stretch_become_two_segments_with_their_own_times() {
        let transcript = split(&[heard(1_000, "Is that still all right with you? Yes, that is fine.")]);
        let [question, answer] = transcript.segments.as_slice() else { panic!("{transcript:?}") };
        assert_eq!(
            (question.id, question.text.as_str(), question.start_s, question.end_s),
            (1, "Is that still all right with you?", 1.0, 1.69)
        );
        assert_eq!(
            (answer.id, answer.text.as_str(), answer.start_s, answer.end_s),
            (2, "Yes, that is fine.", 1.7, 2.09)
        );
        assert_eq!((question.words.len(), answer.words.len()), (7, 4));
        assert!(transcript.segments.iter().all(|segment| segment.speaker.is_none()));
    }

    #[test]
    fn points_that_end_no_sentence_do_not_split() {
        let whole = [
            "Dr. Patel raised it to 5.5 mg in the morning.",
            "I saw Mr. J. Smith at 3 p.m. on Monday.",
            "I waited... and then it passed.",
            "It is No. 5 on my list.",
        ];
        for text in whole {
            assert_eq!(texts(&[heard(0, text)]), [text]);
        }
        assert_eq!(texts(&[heard(0, "No. Nothing like that.")]), ["No.", "Nothing like that."]);
        assert_eq!(texts(&[heard(0, "I woke at 3 a.m. Then I got up.")]), ["I woke at 3 a.m.", "Then I got up."]);
        assert_eq!(texts(&[heard(0, "is that all right? yes it is")]), ["is that all right?", "yes it is"]);
        assert_eq!(texts(&[heard(0, "It was me and I. We left.")]), ["It was me and I.", "We left."]);
    }

    #[test]
    fn annotations_are_dropped_and_words_beside_them_kept() {
        assert!(
            texts(&[
                heard(0, "[BLANK_AUDIO]"),
                heard(500, "(soft music)"),
                heard(900, "*sighs*"),
                heard(990, "♪ la la ♪"),
                heard(999, "...")
            ])
            .is_empty()
        );
        assert_eq!(
            texts(&[heard(0, "[MUSIC] Good morning. (door closes) *laughs* It is fine.")]),
            ["Good morning.", "It is fine."]
        );
        assert_eq!(texts(&[heard(0, "I said(coughs) no.")]), ["I said no."]);
        assert_eq!(texts(&[heard(0, "An open (bracket stays.")]), ["An open (bracket stays."]);
    }

    #[test]
    fn a_stretch_that_the_engine_takes_for_silence_is_dropped_only_if_it_was_unsure_of_the_words() {
        let mut invented = heard(0, "Thank you.");
        invented.no_speech = 0.9;
        for word in &mut invented.words {
            word.p = 0.1;
        }
        assert!(texts(&[invented.clone()]).is_empty());
        for word in &mut invented.words {
            word.p = 0.95;
        }
        assert_eq!(texts(&[invented.clone()]), ["Thank you."]);
        invented.words.clear();
        assert!(texts(&[invented]).is_empty());
    }

    #[test]
    fn a_sentence_that_the_engine_cut_is_joined() {
        assert_eq!(
            texts(&[heard(0, "I slept about six hours"), heard(600, "most nights. Then I woke.")]),
            ["I slept about six hours most nights.", "Then I woke."]
        );
        // A long pause may be a change of speaker.
        assert_eq!(texts(&[heard(0, "I slept about"), heard(9_000, "six hours.")]), ["I slept about", "six hours."]);
    }

    #[test]
    fn parts_of_a_word_are_put_together() {
        let mut stretch = heard(0, "I take sertra line.");
        stretch.text = " I take sertraline.".to_owned();
        stretch.words[3].text = "line.".to_owned();
        let transcript = split(&[stretch]);
        assert_eq!(
            transcript.segments[0].words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>(),
            ["I", "take", "sertraline."]
        );
        assert_eq!(transcript.segments[0].end_s, 0.39);
    }

    #[test]
    fn without_timed_words_the_times_are_shared_out() {
        let mut stretch = heard(0, "One two. Three four.");
        stretch.words.clear();
        (stretch.text, stretch.end_ms) = ("One two. Three four.".to_owned(), 2_000);
        let transcript = split(&[stretch]);
        let times: Vec<(f64, f64)> =
            transcript.segments.iter().map(|segment| (segment.start_s, segment.end_s)).collect();
        assert_eq!(times, [(0.0, 0.8), (0.9, 2.0)]);
        assert!(transcript.segments.iter().all(|segment| segment.words.is_empty()));
    }

    proptest! {
        #[test]
        fn any_text_is_split_without_losing_a_word(stretches in prop::collection::vec("[a-zA-Z0-9.?!, ’é日]{0,60}", 0..6)) {
            let heard: Vec<HeardSegment> = stretches.iter().zip(0_u64..).map(|(text, at)| heard(at * 10_000, text)).collect();
            let transcript = split(&heard);
            let solid = |text: &str| text.chars().filter(|character| character.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(solid(&stretches.concat()), transcript.segments.iter().map(|segment| solid(&segment.text)).collect::<String>());
            for (segment, id) in transcript.segments.iter().zip(1_u32..) {
                prop_assert_eq!(segment.id, id);
                prop_assert!(segment.start_s <= segment.end_s);
            }
        }

        #[test]
        fn anything_an_engine_may_say_is_taken(texts in prop::collection::vec(".{0,40}", 0..5), words in prop::collection::vec((".{0,8}", any::<u64>(), any::<u64>(), any::<f32>()), 0..6), no_speech in any::<f32>()) {
            let words: Vec<HeardWord> = words.into_iter().map(|(text, start_ms, end_ms, p)| HeardWord { start_ms, end_ms, text, p }).collect();
            let heard: Vec<HeardSegment> = texts.into_iter().map(|text| HeardSegment { start_ms: 5, end_ms: 3, text, no_speech, words: words.clone() }).collect();
            for segment in split(&heard).segments {
                prop_assert!(segment.text.chars().any(char::is_alphanumeric));
            }
        }

        #[test]
        fn the_sentences_of_a_text_are_the_text(text in ".{0,120}") {
            prop_assert_eq!(of_text(&text).join(" "), text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}
