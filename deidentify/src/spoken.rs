//! Numbers that are told digit by digit: "five five five, one two three four". What they are numbers of is told by the
//! words before them; counting aloud, "one, two, three, four", is no number.

use provenote_schemas::numerals::{CARDINALS, TENS};

use crate::found::{Found, Put};
use crate::identifier::Identifier;
use crate::text::{Shape, Token};

/// The digits a word stands for: one for `seven`, two for `forty` or `nineteen`; none where it is no such word.
fn digits(word: &str) -> Option<String> {
    let at = |list: &[&str], word: &str| list.iter().position(|one| *one == word);
    if matches!(word, "oh" | "o") {
        return Some("0".to_owned());
    }
    if let Some(small) = at(&CARDINALS, word) {
        return Some(small.to_string());
    }
    let (ten, one) = word.split_once('-').unwrap_or((word, "zero"));
    match (at(&TENS, ten), at(&CARDINALS[..10], one)) {
        (Some(ten), Some(one)) => Some(((ten + 2) * 10 + one).to_string()),
        _ => word.contains('-').then(|| word.split('-').map(digits).collect::<Option<String>>()).flatten(),
    }
}

/// One run of spoken digits.
struct Run {
    first: usize,
    last: usize,
    digits: String,
    words: usize,
}

/// Words after which a run was a quantity.
fn is_unit(word: &str) -> bool {
    matches!(
        word,
        "hundred"
            | "thousand"
            | "million"
            | "percent"
            | "point"
            | "milligrams"
            | "mg"
            | "dollars"
            | "times"
            | "years"
            | "days"
            | "weeks"
            | "months"
            | "hours"
            | "minutes"
            | "pounds"
            | "o'clock"
            | "am"
            | "pm"
            | "beers"
            | "drinks"
    )
}

/// Counting up or down by one, as in breathing or grounding.
fn is_counting(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    bytes.windows(2).all(|pair| pair[1] == pair[0] + 1)
        || bytes.windows(2).all(|pair| pair[0] == pair[1] + 1)
        || matches!(digits, "12345678910" | "10987654321" | "123321" | "12341234" | "1234")
}

fn runs(text: &str, tokens: &[Token]) -> Vec<Run> {
    let mut out: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let mut run = Run { first: at, last: at, digits: String::new(), words: 0 };
        let mut repeat = 1;
        while at < tokens.len() {
            let token = &tokens[at];
            if run.words > 0 && tokens[run.last].at.end < token.at.start {
                let gap = &text[tokens[run.last].at.end..token.at.start];
                if gap.chars().any(|c| !matches!(c, ' ' | ',' | '-' | '–' | '\n' | '.' | '…')) {
                    break;
                }
            }
            if token.shape == Shape::Code && run.words > 0 && token.folded.bytes().all(|byte| byte.is_ascii_digit()) {
                run.digits.push_str(&token.folded);
            } else if matches!(token.folded.as_str(), "double" | "triple") {
                repeat = if token.folded == "double" { 2 } else { 3 };
                at += 1;
                continue;
            } else if let Some(one) = digits(&token.folded) {
                run.digits.push_str(&one.repeat(repeat));
                repeat = 1;
            } else {
                break;
            }
            if run.words == 0 {
                // "double oh seven" begins at "double".
                run.first =
                    if at > 0 && matches!(tokens[at - 1].folded.as_str(), "double" | "triple") { at - 1 } else { at };
            }
            run.words += 1;
            run.last = at;
            at += 1;
        }
        if run.words > 1 && !tokens.get(run.last + 1).is_some_and(|next| is_unit(&next.folded)) {
            out.push(run);
        }
        at += 1;
    }
    out
}

/// The numbers told digit by digit.
pub(crate) fn find(text: &str, tokens: &[Token]) -> Vec<Found> {
    let mut out = Vec::new();
    for run in runs(text, tokens) {
        let before: Vec<&str> =
            tokens[run.first.saturating_sub(8)..run.first].iter().map(|token| token.folded.as_str()).collect();
        let told = |words: &[&str]| before.iter().any(|word| words.contains(word));
        let length = run.digits.len();
        let (identifier, put, least) = if told(&["social", "ssn"]) {
            (Identifier::SocialSecurity, "ssn", 4)
        } else if told(&["zip", "zipcode", "postal"]) {
            (Identifier::Place, "zip", 3)
        } else if told(&["fax"]) {
            (Identifier::Fax, "fax", 4)
        } else if told(&["account", "routing", "card", "bank"]) {
            (Identifier::Account, "account-number", 4)
        } else if told(&["license", "licence", "passport", "npi"]) {
            (Identifier::Licence, "license-number", 4)
        } else if told(&["member", "policy", "insurance", "subscriber", "medicaid", "medicare"]) {
            (Identifier::HealthPlan, "plan-number", 4)
        } else if told(&["record", "chart", "mrn"]) {
            (Identifier::MedicalRecord, "record-number", 4)
        } else if told(&["plate", "vin"]) {
            (Identifier::Vehicle, "vehicle", 3)
        } else if told(&["serial", "device"]) {
            (Identifier::Device, "device", 4)
        } else if told(&["phone", "call", "text", "number", "cell", "reach", "area"]) {
            (Identifier::Phone, "phone", 3)
        } else if told(&["code", "pin", "password", "case", "docket", "inmate", "badge", "locker", "ticket", "id"]) {
            (Identifier::OtherUnique, "unique", 3)
        } else if length == 7 || length == 10 || length == 11 {
            (Identifier::Phone, "phone", 7)
        } else {
            (Identifier::OtherUnique, "unique", 5)
        };
        // Two words are a number only where a word before says so: "nineteen eighty-four" is a year.
        if length < least || (run.words < 3 && least > 4) || (run.words < 3 && length < 4) {
            continue;
        }
        if is_counting(&run.digits) && length < 9 && least != 4 {
            continue;
        }
        let year = run.words < 4 && length == 4 && (run.digits.starts_with("19") || run.digits.starts_with("20"));
        if year || matches!(run.digits.as_str(), "911" | "988" | "211" | "411") {
            continue;
        }
        let at = tokens[run.first].at.start..tokens[run.last].at.end;
        out.push(Found::new(at, identifier, Put::Words(put.to_owned()), 60));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(String, Identifier)> {
        find(text, &crate::text::tokens(text))
            .into_iter()
            .map(|found| (text[found.at].to_owned(), found.identifier))
            .collect()
    }

    #[test]
    fn numbers_told_in_words_are_found_and_told_apart() {
        let one = |text: &str| of(text).into_iter().next().expect("a number is told");
        assert_eq!(one("it's five five five, one two three four, ok").0, "five five five, one two three four");
        assert_eq!(one("it's five five five, one two three four").1, Identifier::Phone);
        assert_eq!(one("my social is five two one, forty-four, oh nine eight one").1, Identifier::SocialSecurity);
        assert_eq!(one("account number is double oh seven, four four one two").0, "double oh seven, four four one two");
        assert_eq!(one("zip is nine seven two one four").1, Identifier::Place);
    }

    #[test]
    fn counting_doses_and_years_are_left() {
        for text in [
            "breathe in, two, three, four, and out",
            "five, four, three, two, one, things I can see",
            "three, four times a week",
            "in nineteen eighty-four",
            "call nine one one",
            "a hundred and forty-four",
            "he drank four, five beers",
            "twenty-one days, thirty days, it does not matter",
        ] {
            assert_eq!(of(text), [], "{text}");
        }
    }
}
