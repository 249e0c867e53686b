//! What a sentence says yes and no to: "shall not … except …", "nothing in this agreement permits …", "never".
//!
//! A sentence is read from left to right. A negating phrase opens a stretch that is denied; a new subject with its own
//! verb, or a new sentence, closes it; an exception inside it opens a stretch that is allowed only as an exception.

use std::sync::LazyLock;

use regex::Regex;

/// How the sentence stands to what is said at one place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polarity {
    /// Said outright.
    Affirmed,
    /// Denied: "shall not", "is prohibited".
    Denied,
    /// Allowed as an exception from something denied: "shall not X except as …".
    Excepted,
}

/// Phrases with "not", "no" or "never" that deny nothing: "no later than", "not limited to", "not permitted by this".
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        \b(?:
          (?:in\ )?no\ (?:event|case|instance|circumstances?)\ (?:shall\ |will\ |may\ )?(?:such\ \w+\ |the\ \w+\ |this\ |that\ |any\ )?(?:\w+\ )?(?:be\ )?(?:later|more|longer|less|fewer|sooner)\b
        | (?:in\ )?no\ (?:event|case)\ (?:shall|will|may)\ (?:\w+\ ){0,5}(?:exceed|be\ later|take\ (?:more|longer)|occur\ later|be\ (?:made|given|provided|delayed)\ (?:later|beyond|more))
        | (?:no|not)\ (?:later|more|longer|less|fewer|sooner|greater)\ than
        | not\ (?:to\ )?exceed(?:ing)?
        | not\ limited\ to | without\ limit(?:ation|ing)\b | whether\ or\ not | not\ only | not\ just | not\ merely | if\ not\b | or\ not\b
        | no\ less\b | not\ feasible | not\ (?:reasonably\ )?practicable | not\ possible | non-?\w+
        | no\ (?:cost|charge|additional\ cost) | without\ (?:unreasonable\ |undue\ |further\ |any\ )?(?:delay|cause|charge|cost|prejudice)
        | (?:uses?|disclosures?|access|acquisition|phi|information|ones?|purposes?|anything|manner|party|parties|persons?|incident|law|data|features?)\ (?:or\ \w+\ )?(?:\w+\ of\ phi\ )?(?:that\ (?:is|are)\ |which\ (?:is|are)\ )?not\ (?:otherwise\ |expressly\ |specifically\ |explicitly\ )?(?:permitted|authori[sz]ed|provided|allowed|contemplated|required|covered|in\ accordance|consistent|compliant|listed|specified)
        | not\ (?:otherwise\ )?(?:permitted|authori[sz]ed|provided\ for|allowed|contemplated)\ (?:or\ \w+\ )?(?:by|under|in|for|hereunder|herein)
        | does\ not\ (?:include|comply|currently)
        )",
    )
    .expect("a constant expression, used by the tests")
});

static EVENTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?P<neg>\b(?:
            (?:shall|will|may|must|can|could|should|would|does|do|did|is|are|be|has|have|agrees?|and|or)(?:\ (?:also|further|hereby|itself|in\ turn|at\ any\ time|then))?,?\ not\b
          | cannot | won't | don't | doesn't | isn't | aren't | can't | mustn't | shan't | not\ to\b | never
          | nothing\ (?:in|contained|herein|here|about|stated)? | prohibited | barred | forbidden | forbids? | prohibits? | precluded | enjoined
          | (?:refrains?|abstains?|refraining)\ from | declines?\ to | under\ no\ circumstances? | in\ no\ (?:event|case|way|instance|circumstances?) | at\ no\ time
          | neither | nor | none\ of | no\ (?:right|licen[cs]e|permission|authority|authori[sz]ation|use|disclosure|person|party|one|part|phi|data|content|recordings?|employee|obligation|duty|sale|session|audio|customer|client|transcripts?|information|model|copies|copy|output|such|training|third|responsibilit(?:y|ies)|liabilit(?:y|ies)|warrant(?:y|ies)|representations?|subcontractor|sub-?processor|PHI|PRACTICE|VENDOR|other)
          | without\ (?:\w+ing | any\ (?:right|licen[cs]e)) | disclaims? | waives? | instead\ of | rather\ than | not\ (?:permitted|allowed|authori[sz]ed|entitled|required|obligated|obliged|responsible|liable|use|disclose|sell|train|de-?identify|retain|share)
        )\b)
      | (?P<exc>\b(?:
            except | other\ than | unless | save\ (?:as|for|that|to|where) | but\ only | provided,?\ (?:however,?\ )?that | provided,\ however | however | until | only\ (?:as|to\ the\ extent|if|when|where|with|upon|for|after|in|at)
        )\b | ,\ but\ (?:may|shall|will|it\ may) )
      | (?P<new>
            (?:;|\.|,)\ (?:(?:and|or|but|provided|however,?)\ )?(?:VENDOR|PRACTICE|it|they|we|the\ parties|either\ party|each\ party|the\ service)\ (?:hereby\ )?(?:shall|will|may|must|agrees|is|are|can|reserves|has|have|\w+s)\b
          | \b(?:and|but)\ (?:VENDOR|PRACTICE|it)\ (?:hereby\ )?(?:shall|will|may|must|agrees|is|can|reserves)\b
          | \b(?:and|but)\ (?:shall|will|may|must)\b
          | [.;]\ (?:in\ addition|additionally|furthermore|moreover|notwithstanding|however) | \n
          | ,\ (?:which|where|so)\ (?:VENDOR|it|we)\ (?:may|will)
        )",
    )
    .expect("a constant expression, used by the tests")
});

/// "… is prohibited", "… are not permitted", "… requires a separate written opt-in" after what is named.
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^[^;\n]{0,140}?\b(?:(?:is|are|be|remains?|being)\ (?:strictly\ |expressly\ |hereby\ |specifically\ |absolutely\ |otherwise\ |also\ )*(?:prohibited|forbidden|barred|excluded|disallowed|off-?limits|not\ (?:\w+\ )?(?:permitted|allowed|authori[sz]ed|granted|acceptable|applicable|included|a\ permitted|conferred))
        | requires?\ [^.;]{0,60}(?:consent|authori[sz]ation|approval|opt-?in|amendment|permission)|(?:shall|will|may|must|can)\ (?:not|never)\ be\b|\bnever\ (?:happens|occurs)|not\ applicable|(?:does|do)\ not\ (?:happen|occur|take\ place|apply))",
    )
    .expect("a constant expression, used by the tests")
});

/// A sentence with its stretches.
#[derive(Debug, Clone)]
pub struct Stretches(Vec<(usize, Polarity)>);

impl Stretches {
    /// Reads `text`, which is canonical (see [`super::Clause::text`]).
    pub fn read(text: &str) -> Self {
        let harmless: Vec<(usize, usize)> =
            HARMLESS.find_iter(text).map(|found| (found.start(), found.end())).collect();
        let mut stretches = vec![(0, Polarity::Affirmed)];
        for caught in EVENTS.captures_iter(text) {
            let whole = caught.get(0).expect("group 0 is the match");
            let now = stretches.last().map_or(Polarity::Affirmed, |last| last.1);
            if caught.name("neg").is_some() {
                let inert = harmless.iter().any(|(from, to)| {
                    *from <= whole.start() && whole.start() < *to || whole.start() <= *from && *from < whole.end()
                });
                if inert || double(text, whole.start(), whole.as_str()) {
                    continue;
                }
                stretches.push((whole.start(), Polarity::Denied));
            } else if caught.name("exc").is_some() {
                if now == Polarity::Denied {
                    stretches.push((whole.start(), Polarity::Excepted));
                }
            } else if now != Polarity::Affirmed {
                // The new verb may itself be negated: the next event says so.
                stretches.push((whole.start(), Polarity::Affirmed));
            }
        }
        Self(stretches)
    }

    /// How the sentence stands to the words that begin at byte `at` of `text`.
    pub fn at(&self, text: &str, at: usize) -> Polarity {
        let place = self.0.partition_point(|(start, _)| *start <= at);
        let found = self.0[place.saturating_sub(1)].1;
        if found == Polarity::Affirmed && AFTER.is_match(&text[at..]) {
            return Polarity::Denied;
        }
        found
    }
}

/// "shall not be prohibited from", "nothing prohibits VENDOR from": two noes.
fn double(text: &str, at: usize, phrase: &str) -> bool {
    let before = text[..at].trim_end();
    let weak = phrase.starts_with("prohibit")
        || phrase.starts_with("preclud")
        || phrase.starts_with("barred")
        || phrase.starts_with("forb");
    if weak {
        let tail = &before[before.len().saturating_sub(48)..];
        return tail.contains(" not") || tail.contains("nothing") || tail.starts_with("not") || tail.contains("unless");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Polarity, Stretches};

    fn at(text: &str, word: &str) -> Polarity {
        let place = text.find(word).expect("the word");
        Stretches::read(text).at(text, place)
    }

    #[test]
    fn negation_reaches_to_the_exception_or_the_next_subject() {
        let text = "VENDOR shall not sell PHI or de-identify it, except as needed to bill, and VENDOR may aggregate it";
        assert_eq!(at(text, "sell"), Polarity::Denied);
        assert_eq!(at(text, "de-identify"), Polarity::Denied);
        assert_eq!(at(text, "bill"), Polarity::Excepted);
        assert_eq!(at(text, "aggregate"), Polarity::Affirmed);
    }

    #[test]
    fn limits_and_participles_deny_nothing() {
        assert_eq!(
            at("without unreasonable delay and in no case later than 5 days notify", "notify"),
            Polarity::Affirmed
        );
        assert_eq!(
            at("VENDOR shall report any use not permitted by this baa promptly", "promptly"),
            Polarity::Affirmed
        );
        assert_eq!(at("sale of PHI, as defined in 164.502, is prohibited", "sale"), Polarity::Denied);
        assert_eq!(at("nothing in this baa permits VENDOR to train models", "train"), Polarity::Denied);
    }
}
