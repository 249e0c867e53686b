//! Words from the engine's tokens, which are bytes and may split a character.

use provenote_pipeline::engine::HeardWord;

/// A token of text with its times, in milliseconds of what the engine heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    pub(crate) p: f32,
}

/// Joins tokens to words: a word begins where the engine wrote a space. A word's probability is the
/// lowest of its tokens'.
pub(crate) fn join<'a>(tokens: impl IntoIterator<Item = Token<'a>>) -> Vec<HeardWord> {
    struct Part {
        bytes: Vec<u8>,
        start_ms: u64,
        end_ms: u64,
        p: f32,
    }
    let mut parts: Vec<Part> = Vec::new();
    for token in tokens {
        match parts.last_mut() {
            Some(part) if !token.bytes.starts_with(b" ") => {
                part.bytes.extend_from_slice(token.bytes);
                part.end_ms = part.end_ms.max(token.end_ms);
                part.p = part.p.min(token.p);
            }
            _ => parts.push(Part {
                bytes: token.bytes.to_vec(),
                start_ms: token.start_ms,
                end_ms: token.end_ms.max(token.start_ms),
                p: token.p,
            }),
        }
    }
    parts
        .into_iter()
        .map(|part| HeardWord {
            start_ms: part.start_ms,
            end_ms: part.end_ms,
            text: String::from_utf8_lossy(&part.bytes).into_owned(),
            p: part.p,
        })
        .filter(|word| !word.text.trim().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &[u8], start_ms: u64, p: f32) -> Token<'_> {
        Token { bytes: text, start_ms, end_ms: start_ms + 100, p }
    }

    #[test]
    fn words_begin_at_spaces_and_keep_their_punctuation() {
        let words = join([
            token(b" Ser", 0, 0.9),
            token(b"tral", 100, 0.4),
            token(b"ine", 200, 0.8),
            token(b",", 300, 0.9),
            token(b" yes", 400, 0.7),
        ]);
        let told: Vec<_> = words.iter().map(|word| (word.text.as_str(), word.start_ms, word.end_ms, word.p)).collect();
        assert_eq!(told, [(" Sertraline,", 0, 400, 0.4), (" yes", 400, 500, 0.7)]);
    }

    #[test]
    fn a_character_split_between_tokens_is_put_together() {
        let words = join([token(b" caf\xc3", 0, 0.9), token(b"\xa9", 100, 0.9), token(b" ", 200, 0.1)]);
        assert_eq!(words.len(), 1);
        assert_eq!(words[0].text, " caf\u{e9}");
    }
}
