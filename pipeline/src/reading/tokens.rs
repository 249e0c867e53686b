//! Words of a text, in small letters, short forms spelled out.

/// What stands between a word and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    None,
    Comma,
    /// `;`, `:`, a dash.
    Strong,
    /// The end of a sentence.
    Stop,
    /// The end of a question.
    Question,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// In small letters.
    pub(crate) text: String,
    /// As it was written.
    pub(crate) surface: String,
    /// True where it begins with a capital.
    pub(crate) capital: bool,
    pub(crate) after: Mark,
}

/// The words alone.
pub(crate) fn words(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.text).collect()
}

pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text
        .chars()
        .map(|character| if matches!(character, '’' | 'ʼ' | '‘' | '`') { '\'' } else { character })
        .collect();
    let mut out: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        if character.is_alphanumeric() {
            let start = at;
            let digits = character.is_ascii_digit();
            while let Some(&inner) = characters.get(at) {
                let following = characters.get(at + 1).copied();
                let inside = if digits {
                    inner.is_ascii_digit()
                        || (matches!(inner, '.' | ',' | ':') && following.is_some_and(|c| c.is_ascii_digit()))
                } else {
                    (inner.is_alphabetic())
                        || (inner == '\'' && following.is_some_and(char::is_alphabetic))
                        || (inner == '.' && initials(&characters, at))
                };
                if !inside {
                    break;
                }
                at += 1;
            }
            if at == start {
                at += 1;
            }
            let surface: String = characters[start..at].iter().collect();
            push(&mut out, &surface);
            continue;
        }
        let mark = match character {
            '.' if out
                .last()
                .is_some_and(|last| matches!(last.text.as_str(), "dr" | "mr" | "mrs" | "ms" | "prof" | "st")) =>
            {
                Mark::None
            }
            '.' | '!' | '…' | '。' | '！' => Mark::Stop,
            '?' | '？' | '؟' => Mark::Question,
            ';' | ':' | '—' | '–' => Mark::Strong,
            ',' | '、' => Mark::Comma,
            '/' => {
                if next.is_some_and(|c| c.is_ascii_digit()) && at > 0 && characters[at - 1].is_ascii_digit() {
                    push(&mut out, "/");
                }
                Mark::None
            }
            '%' => {
                push(&mut out, "percent");
                Mark::None
            }
            _ => Mark::None,
        };
        if let Some(last) = out.last_mut()
            && stronger(mark, last.after)
        {
            last.after = mark;
        }
        at += 1;
    }
    out
}

fn stronger(mark: Mark, than: Mark) -> bool {
    let rank = |mark| match mark {
        Mark::None => 0,
        Mark::Comma => 1,
        Mark::Strong => 2,
        Mark::Stop => 3,
        Mark::Question => 4,
    };
    rank(mark) > rank(than)
}

/// The points of `a.m.` and `p.m.` end no sentence.
fn initials(characters: &[char], at: usize) -> bool {
    let letter = |index: usize| characters.get(index).copied().map(|c| c.to_ascii_lowercase());
    let alone = |index: usize| index == 0 || !characters[index - 1].is_alphabetic();
    (at > 0 && matches!(letter(at - 1), Some('a' | 'p')) && alone(at - 1) && letter(at + 1) == Some('m'))
        || (at > 2
            && letter(at - 1) == Some('m')
            && characters[at - 2] == '.'
            && matches!(letter(at - 3), Some('a' | 'p'))
            && at + 1 < characters.len())
}

fn push(out: &mut Vec<Token>, surface: &str) {
    let capital = surface.starts_with(char::is_uppercase);
    let lower =
        surface.to_lowercase().replace('.', if surface.starts_with(|c: char| c.is_ascii_digit()) { "." } else { "" });
    let token = |text: &str| Token { text: text.to_owned(), surface: surface.to_owned(), capital, after: Mark::None };
    let parts: Vec<&str> = match lower.as_str() {
        "can't" | "cannot" => vec!["can", "not"],
        "won't" => vec!["will", "not"],
        "ain't" => vec!["is", "not"],
        "let's" => vec!["let", "us"],
        "gonna" => vec!["going", "to"],
        "wanna" => vec!["want", "to"],
        "i'm" => vec!["i", "am"],
        "dont" => vec!["do", "not"],
        "didnt" => vec!["did", "not"],
        "o'clock" => vec!["o'clock"],
        other => {
            if let Some(base) = other.strip_suffix("n't") {
                vec![base, "not"]
            } else if let Some((base, tail)) = other.split_once('\'') {
                match tail {
                    "re" => vec![base, "are"],
                    "ve" => vec![base, "have"],
                    "ll" => vec![base, "will"],
                    "d" => vec![base, "would"],
                    "s" if matches!(
                        base,
                        "that" | "it" | "he" | "she" | "what" | "there" | "how" | "who" | "where"
                    ) =>
                    {
                        vec![base, "is"]
                    }
                    "s" | "" => vec![base],
                    _ => vec![base, tail],
                }
            } else {
                vec![other]
            }
        }
    };
    out.extend(parts.into_iter().filter(|part| !part.is_empty()).map(token));
}
