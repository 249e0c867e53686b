//! How a sentence is read before it is compared: its clauses, and in each the words that carry
//! weight, what is negated, what is asked, planned or wished, its numbers and times.
//!
//! English, by word lists and a stemmer; no model. It understands nothing: it only makes two ways of
//! saying a thing comparable, and it prefers not to see an agreement over seeing one that is not there.

pub(crate) mod lexicon;
pub(crate) mod quantities;
pub(crate) mod tokens;

use lexicon::{Weighty, lexicon};
use quantities::{Quantity, TimeMark};
use tokens::{Mark, Token};

/// A word that carries weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Content {
    /// Its root or group.
    pub(crate) root: String,
    /// As it was written, for reasons.
    pub(crate) surface: String,
    pub(crate) negated: bool,
    /// True where the reach of a negation is open: `has not decided about the medicine`.
    pub(crate) loose: bool,
    pub(crate) weighty: Option<Weighty>,
    /// Its place among the clause's tokens.
    pub(crate) at: usize,
}

/// How a clause stands to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As a fact.
    Stated,
    /// Asked for, agreed or to come.
    Planned,
    /// Wanted, possible, conditional.
    Wished,
    /// So once, and no more.
    Former,
}

/// Of whom a clause speaks, by its first person word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `I`, `we`
    First,
    /// `you`
    Second,
    /// `he`, `they`, `my mother`
    Third,
    /// None of them.
    Open,
}

/// How a question is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// `Did you …?`, `Any …?`, `Alcohol?`: yes and no are answers.
    Closed,
    /// `How …?`
    Open,
}

/// How a sentence begins, if it is an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    Yes,
    No,
    Unclear,
}

/// A clause.
#[derive(Debug, Clone)]
pub(crate) struct Clause {
    pub(crate) content: Vec<Content>,
    pub(crate) quantities: Vec<Quantity>,
    pub(crate) times: Vec<TimeMark>,
    /// The upper end of a scale that was named: `on a scale of one to ten`.
    pub(crate) scale: Option<f64>,
    pub(crate) mood: Mood,
    pub(crate) subject: Subject,
    pub(crate) question: Option<Question>,
    pub(crate) reply: Option<Reply>,
    /// True where something in it is negated.
    pub(crate) negated: bool,
    /// True at the first clause of a sentence.
    pub(crate) opens: bool,
    /// The words, in small letters.
    pub(crate) words: Vec<String>,
    /// The same, as stems.
    pub(crate) stems: Vec<String>,
}

/// Reads a text: its clauses, in order.
pub(crate) fn read(text: &str) -> Vec<Clause> {
    let tokens = tokens::tokens(text);
    let mut clauses: Vec<Clause> = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let end = (start..tokens.len())
            .find(|at| matches!(tokens[*at].after, Mark::Stop | Mark::Question))
            .map_or(tokens.len(), |at| at + 1);
        read_sentence(&tokens[start..end], &mut clauses);
        start = end;
    }
    clauses
}

const QUESTION_AUXILIARIES: [&str; 24] = [
    "do", "does", "did", "have", "has", "had", "is", "are", "was", "were", "am", "can", "could", "will", "would",
    "should", "any", "anything", "you", "anyone", "may", "shall", "ever", "still",
];

const SUBJECTS: [&str; 10] = ["i", "he", "she", "it", "they", "we", "you", "there", "this", "that"];

const AUXILIARIES: [&str; 26] = [
    "did", "does", "do", "was", "is", "are", "were", "could", "can", "will", "would", "had", "has", "have", "not",
    "never", "denied", "denies", "then", "reported", "stated", "said", "says", "am", "should", "felt",
];

fn read_sentence(sentence: &[Token], clauses: &mut Vec<Clause>) {
    let texts: Vec<&str> = sentence.iter().map(|token| token.text.as_str()).collect();
    let asked = sentence.last().is_some_and(|token| token.after == Mark::Question);
    let mut bounds = vec![0];
    // A yes or no of its own, before the rest: `No, I take it every day.`
    let reply = reply_of(&texts);
    let particle = usize::from(sentence.first().is_some_and(|first| first.after == Mark::Comma && reply.is_some()));
    for at in 1..sentence.len() {
        let (before, word) = (&sentence[at - 1], texts[at]);
        let next = texts.get(at + 1).copied().unwrap_or("");
        let splits = (at == 1 && particle == 1)
            || matches!(before.after, Mark::Strong)
            || matches!(word, "but" | "although" | "though" | "however" | "because" | "while" | "unless" | "if" | "except" | "when")
            || (word == "so" && before.after == Mark::Comma)
            || (before.after == Mark::Comma && SUBJECTS[..8].contains(&word) && matches!(next, "will" | "would" | "did" | "do" | "am" | "is" | "was" | "have" | "had" | "could" | "can" | "not"))
            // A whole clause stands before: `No, I can't, I work at a bakery.`
            || (before.after == Mark::Comma && matches!(word, "i" | "he" | "she" | "they" | "we") && texts[*bounds.last().unwrap_or(&0)..at].iter().any(|word| SUBJECTS[..7].contains(word)))
            || (word == "and" && clause_follows(&texts[at + 1..]))
            || (word == "and" && (SUBJECTS.contains(&next) || AUXILIARIES.contains(&next) || verb_of_the_past(next) || (next == "the" && matches!(texts.get(at + 2), Some(&"client" | &"clinician")))));
        if splits {
            bounds.push(at);
        }
    }
    bounds.push(sentence.len());
    bounds.dedup();
    let mut previous: Option<(Subject, Mood)> = None;
    for (index, pair) in bounds.windows(2).enumerate() {
        let part = &sentence[pair[0]..pair[1]];
        let mut clause = read_clause(part, asked, index == 0, index == 0 && particle == 1);
        clause.reply = if index == 0 { reply } else { None };
        clause.opens = index == 0;
        if let Some((subject, mood)) = previous {
            if clause.subject == Subject::Open {
                clause.subject = subject;
            }
            let joined = part.first().is_some_and(|token| token.text == "and");
            if joined
                && clause.mood == Mood::Stated
                && mood != Mood::Former
                && !part.get(1).is_some_and(|token| {
                    verb_of_the_past(&token.text)
                        || matches!(token.text.as_str(), "did" | "was" | "were" | "had" | "denied")
                })
            {
                clause.mood = mood;
            }
        }
        previous = Some((clause.subject, clause.mood));
        clauses.push(clause);
    }
}

/// `and two weeks ago it was …`
fn clause_follows(texts: &[&str]) -> bool {
    texts.windows(2).take(5).any(|two| {
        matches!(two[0], "it" | "i" | "he" | "she" | "they" | "we" | "there") && AUXILIARIES.contains(&two[1])
    })
}

fn verb_of_the_past(word: &str) -> bool {
    (word.len() > 4 && word.ends_with("ed") && !matches!(word, "need" | "speed" | "indeed"))
        || matches!(
            word,
            "woke"
                | "slept"
                | "took"
                | "went"
                | "told"
                | "wrote"
                | "brought"
                | "met"
                | "kept"
                | "ate"
                | "drank"
                | "fought"
                | "left"
                | "lost"
                | "spent"
                | "spoke"
                | "ran"
                | "cut"
                | "began"
                | "got"
                | "made"
                | "found"
                | "hit"
                | "felt"
                | "gave"
        )
}

fn read_clause(tokens: &[Token], asked: bool, first: bool, particle: bool) -> Clause {
    let words: Vec<String> = tokens.iter().map(|token| token.text.clone()).collect();
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let stems: Vec<String> = words.iter().map(|word| lexicon().stem(word)).collect();
    let (mut quantities, scale) = quantities::quantities(tokens);
    let times = quantities::time_marks(tokens, &mut quantities);
    let content = content(tokens, &texts, &stems, &quantities, &times, first, particle);
    let negated = content.iter().any(|word| word.negated)
        || (content.is_empty() && !particle && texts.iter().any(|word| lexicon().explicit_negation.contains(*word)));
    let opening: Vec<&str> = texts
        .iter()
        .copied()
        .skip_while(|word| {
            matches!(*word, "and" | "so" | "but" | "or" | "okay" | "ok" | "well" | "then" | "now" | "also")
        })
        .collect();
    let question = asked.then(|| {
        let closed = opening.first().is_some_and(|word| QUESTION_AUXILIARIES.contains(word))
            || !opening.iter().any(|word| lexicon().question_words.contains(*word));
        if closed { Question::Closed } else { Question::Open }
    });
    Clause {
        content,
        quantities,
        times,
        scale,
        mood: mood(tokens, &texts),
        subject: subject(&texts, &stems),
        question,
        reply: None,
        negated,
        opens: first,
        words,
        stems,
    }
}

fn content(
    tokens: &[Token],
    texts: &[&str],
    stems: &[String],
    quantities: &[Quantity],
    times: &[TimeMark],
    first: bool,
    particle: bool,
) -> Vec<Content> {
    let lexicon = lexicon();
    let taken = |at: usize| {
        quantities.iter().any(|quantity| quantity.at.contains(&at)) || times.iter().any(|time| time.at.contains(&at))
    };
    let mut negated = false;
    let mut turned_last: Option<(usize, bool)> = None;
    let mut loose = false;
    let mut out: Vec<Content> = Vec::new();
    let mut at = 0;
    while at < texts.len() {
        if let Some(length) = lexicon.not_negation.at(&texts[at..]) {
            at += length;
            continue;
        }
        if let Some((group, length)) = lexicon.group(&stems[at..]).filter(|(_, length)| *length > 1) {
            let surface =
                tokens[at..at + length].iter().map(|token| token.surface.as_str()).collect::<Vec<_>>().join(" ");
            out.push(Content {
                root: group.to_owned(),
                surface,
                negated,
                loose,
                weighty: lexicon.weighty(group, texts[at]),
                at,
            });
            at += length;
            // `thoughts of hurting yourself or anyone else`
            if group == "=selfdanger"
                && texts.get(at) == Some(&"or")
                && matches!(
                    texts.get(at + 1),
                    Some(&("anyone" | "anybody" | "someone" | "somebody" | "others" | "other"))
                )
            {
                let root = "=otherdanger".to_owned();
                out.push(Content {
                    weighty: lexicon.weighty(&root, "others"),
                    root,
                    surface: tokens[at + 1].surface.clone(),
                    negated,
                    loose,
                    at,
                });
                at += 2;
            }
            continue;
        }
        let word = texts[at];
        let explicit = lexicon.explicit_negation.contains(word) && !(particle && at == 0);
        let lexical = lexicon.lexical_negation.contains(&stems[at]);
        let reached = negated && out.last().is_some_and(|last| last.negated);
        if reached
            && matches!(
                word,
                "about" | "on" | "with" | "in" | "since" | "from" | "for" | "at" | "by" | "during" | "after" | "before"
            )
        {
            loose = true;
        }
        if explicit {
            loose = false;
            negated = true;
            turned_last = Some((out.len(), true));
        } else if lexical {
            loose = false;
            turned_last = Some((out.len(), false));
        }
        let carries =
            !taken(at) && !explicit && !lexicon.function.contains(word) && word.chars().any(char::is_alphabetic);
        if carries {
            let root =
                lexicon.group(&stems[at..at + 1]).map_or_else(|| stems[at].clone(), |(group, _)| group.to_owned());
            let name = tokens[at].capital && !(first && at == 0) && !lexicon.is_frame(&stems[at]);
            let weighty = lexicon.weighty(&root, word).or(name.then_some(Weighty::Name));
            out.push(Content { root, surface: tokens[at].surface.clone(), negated, loose, weighty, at });
        }
        if lexical {
            negated = !negated;
        }
        at += 1;
    }
    // `Suicidal thoughts were denied.` turns what stands before.
    if let Some((before, explicit)) = turned_last
        && before > 0
        && !explicit
        && !out[before..].iter().any(|word| {
            !lexicon.lexical_negation.contains(&word.root)
                && !lexicon.is_frame(&word.root)
                && !word.root.starts_with("=difficulty")
        })
    {
        for word in &mut out[..before] {
            word.negated = !word.negated;
        }
    }
    out
}

fn mood(tokens: &[Token], texts: &[&str]) -> Mood {
    let lexicon = lexicon();
    if lexicon.former.find(texts).is_some()
        && !texts.windows(3).any(|three| matches!(three, ["am" | "get" | "getting" | "is" | "not", "used", "to"]))
    {
        return Mood::Former;
    }
    if lexicon.talk.at(texts).is_some() {
        return Mood::Stated;
    }
    if lexicon.planned.find(texts).is_some() {
        return Mood::Planned;
    }
    // A request begins the clause or a part of it: `Before the meeting, write down …`
    let requested = (0..texts.len()).any(|at| {
        let part = (0..at).rev().find(|before| tokens[*before].after == Mark::Comma).map_or(0, |before| before + 1);
        let lead = &texts[part..at];
        let opens = lead.iter().all(|word| {
            matches!(
                *word,
                "please" | "just" | "and" | "so" | "then" | "maybe" | "okay" | "ok" | "also" | "now" | "do" | "or"
            )
        });
        let next = texts.get(at + 1).copied().unwrap_or("");
        let plain = !texts[at].ends_with("ed") && !lexicon.function.contains(texts[at]);
        let asked = lead.contains(&"please") || (next == "your" && !texts[at].ends_with("ing"));
        let known = lexicon.request.contains(texts[at])
            && matches!(
                next,
                "the"
                    | "a"
                    | "an"
                    | "your"
                    | "it"
                    | "them"
                    | "this"
                    | "that"
                    | "these"
                    | "down"
                    | "up"
                    | "out"
                    | "off"
                    | "every"
                    | "each"
                    | "with"
                    | "to"
                    | "on"
                    | "for"
                    | "at"
                    | "one"
                    | "two"
                    | "three"
                    | "some"
                    | "any"
                    | "me"
                    | "using"
                    | "doing"
                    | "taking"
                    | "going"
                    | "track"
                    | "notes"
                    | "about"
                    | "in"
                    | "sure"
                    | ""
            )
            && texts.len() > 1;
        opens && plain && (asked || known)
    });
    if requested {
        return Mood::Planned;
    }
    if lexicon.wished.find(texts).is_some() && lexicon.not_wished.find(texts).is_none() {
        return Mood::Wished;
    }
    Mood::Stated
}

fn subject(texts: &[&str], stems: &[String]) -> Subject {
    let leads = |at: usize| {
        texts[..at].iter().all(|word| {
            lexicon().function.contains(*word)
                || !word.chars().any(char::is_alphabetic)
                || matches!(*word, "no" | "last" | "yesterday" | "today")
        })
    };
    for (at, word) in texts.iter().enumerate() {
        match *word {
            "i" | "we" => return Subject::First,
            "you"
                if !matches!(texts.get(at + 1), Some(&"know"))
                    && at.checked_sub(1).is_none_or(|before| {
                        !matches!(texts[before], "thank" | "see" | "like" | "tell" | "told" | "asking")
                    }) =>
            {
                return Subject::Second;
            }
            "he" | "she" | "they" => return Subject::Third,
            "your" if at < 2 => return Subject::Second,
            // `called my friend`: whoever acts was named before.
            "my" if !leads(at) => {}
            "my" => {
                // `my mother` is somebody else, `my chest` is not.
                let person = stems[at + 1..].iter().take(2).any(|stem| is_person(stem));
                return if person { Subject::Third } else { Subject::First };
            }
            _ if at < 3 && leads(at) && is_person(&stems[at]) => return Subject::Third,
            _ => {}
        }
    }
    Subject::Open
}

/// Whether a stem names a person other than client and clinician.
pub(crate) fn is_person(stem: &str) -> bool {
    let group = lexicon()
        .group(std::slice::from_ref(&stem.to_owned()))
        .map_or_else(|| stem.to_owned(), |(group, _)| group.to_owned());
    lexicon().persons.contains(&group)
}

fn reply_of(texts: &[&str]) -> Option<Reply> {
    let lexicon = lexicon();
    let skipped = texts.iter().take_while(|word| matches!(**word, "um" | "uh" | "well" | "oh" | "hmm" | "so")).count();
    let texts = &texts[skipped..];
    let lengths = [
        (lexicon.unclear.at(texts), Reply::Unclear),
        (lexicon.no.at(texts), Reply::No),
        (lexicon.yes.at(texts), Reply::Yes),
    ];
    let best = lengths
        .into_iter()
        .filter_map(|(length, reply)| length.map(|length| (length, reply)))
        .max_by_key(|(length, reply)| (*length, *reply != Reply::Yes));
    match best {
        // `not only`, `no problem` are no refusal.
        Some((_, Reply::No)) if lexicon.not_negation.at(texts).is_some() => Some(Reply::Yes),
        Some((_, reply)) => Some(reply),
        None if skipped > 0 && texts.is_empty() => Some(Reply::Unclear),
        None => None,
    }
}
