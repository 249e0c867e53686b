//! From answers to findings, and to a verdict in plain words.

use provenote_schemas::Time;

use super::{Answer, Audit, Evidence, Finding, Origin, Question, Questionnaire, Says, Severity, stack};

/// What no audit of a company looks at.
const COMPANY_NOT_CHECKED: &str =
    "Whether what was answered or promised is done: nobody looked into the company's computers.";

/// What no audit of the own pipeline looks at.
const OWN_NOT_CHECKED: &str =
    "What other programs on this computer do, and who has it in hand: the ledger tells of this program alone.";

/// What no audit of this kind looks at.
const NEVER_CHECKED: [&str; 2] = [
    "Whether a law is kept: an agreement, access controls and audit logs do not settle that. This is not legal advice.",
    "What a state, a payer or a licensing board asks for beyond these questions.",
];

/// Judges the answers to a questionnaire. An answer to a question that it does not have is left aside.
///
/// Of several answers to one question a person's newest stands; without one, the one that leaves most to do.
#[must_use]
pub fn audit(questionnaire: &Questionnaire, vendor: &str, local: bool, answers: &[Answer], made: Time) -> Audit {
    let mut standing: Vec<(Question, Option<Answer>)> = Vec::new();
    let mut besides = Vec::new();
    let mut findings = Vec::new();
    let mut not_checked = Vec::new();
    for question in questionnaire.questions() {
        let given: Vec<&Answer> = answers.iter().filter(|answer| answer.question == question.id).collect();
        let stands = stands(question, &given);
        let others: Vec<&Answer> =
            given.into_iter().filter(|other| !stands.is_some_and(|one| same(one, other))).collect();
        match stands {
            None => not_checked.push(format!("{} Nobody answered it.", question.asks)),
            Some(answer) => {
                if answer.says == Says::Unknown {
                    not_checked.push(format!("{} It was asked and is not known.", question.asks));
                }
                findings.extend(finding(question, answer, &others));
            }
        }
        besides.extend(others.into_iter().cloned());
        standing.push((question.clone(), stands.cloned()));
    }
    findings.sort_by_key(|finding: &Finding| finding.severity);
    not_checked.push(if local { OWN_NOT_CHECKED } else { COMPANY_NOT_CHECKED }.to_owned());
    not_checked.extend(NEVER_CHECKED.map(str::to_owned));
    let stack = stack::stack(&standing, local);
    let verdict = verdict(vendor, local, &standing, &findings, questionnaire);
    Audit {
        vendor: vendor.to_owned(),
        local,
        questionnaire: questionnaire.reference(),
        made,
        answers: standing,
        besides,
        findings,
        stack,
        verdict,
        not_checked,
    }
}

/// Whether a question is settled by an answer: nothing is left to do.
pub(super) fn settled(question: &Question, answer: &Answer) -> bool {
    answer.stale.is_none() && (answer.says == question.good || answer.says == Says::NotApplicable)
}

/// The answer that stands.
fn stands<'a>(question: &Question, given: &[&'a Answer]) -> Option<&'a Answer> {
    let person = given.iter().filter(|answer| answer.origin == Origin::Person).max_by_key(|answer| answer.at);
    // Of derived ones: what leaves most to do, and of those the surest source.
    let weight = |answer: &&&Answer| match answer.says {
        _ if settled(question, answer) => 2,
        Says::Unknown => 1,
        _ => 0,
    };
    person
        .or_else(|| {
            let known = given.iter().any(|answer| answer.says != Says::Unknown);
            let derived = given.iter().filter(|answer| !known || answer.says != Says::Unknown);
            derived.min_by_key(|answer| (weight(answer), answer.origin))
        })
        .copied()
}

fn same(one: &Answer, other: &Answer) -> bool {
    std::ptr::eq(one, other)
}

/// What is to be done about one question.
fn finding(question: &Question, answer: &Answer, others: &[&Answer]) -> Option<Finding> {
    let against = others
        .iter()
        .filter(|other| other.origin != answer.origin && !matches!(other.says, Says::Unknown | Says::NotApplicable))
        .filter(|other| other.says != answer.says)
        .min_by_key(|other| (settled(question, other), other.origin));
    let said = said(question, answer);
    let (severity, says, quote) = if let Some(why) = answer.stale.as_deref().filter(|_| answer.says == question.good) {
        (question.severity, format!("{said} That can no longer be relied on: {}", sentence(why)), quoted(answer))
    } else if settled(question, answer) {
        // Nothing to do, unless another source says that there is.
        let against = against.filter(|other| !settled(question, other))?;
        let says = format!(
            "{said} But {} {} {}",
            against.origin.title(),
            match against.says {
                Says::Partly => "says: in part.".to_owned(),
                says => format!("says: {}.", says.title()),
            },
            sentence(&against.text),
        );
        (question.severity, says.trim_end().to_owned(), quoted(against).or_else(|| quoted(answer)))
    } else {
        // Not to know is no worse than high: what is not there is.
        let severity =
            if answer.says == Says::Unknown { question.severity.max(Severity::High) } else { question.severity };
        let mut says = said;
        if let Some(other) = against {
            says = format!("{says} {} says otherwise: {}", capital(other.origin.title()), sentence(&other.text));
        }
        (severity, says, quoted(answer))
    };
    Some(Finding {
        question: question.id.clone(),
        severity,
        says,
        follows: question.follows.clone(),
        citation: question.citation.clone(),
        mark: question.mark.clone(),
        quote,
    })
}

/// Question and answer as one line.
pub(super) fn said(question: &Question, answer: &Answer) -> String {
    let text = sentence(&answer.text);
    let said = format!("{} {}", question.asks, sentence(&capital(answer.says.title())));
    if text.is_empty() { said } else { format!("{said} {text}") }
}

fn quoted(answer: &Answer) -> Option<Evidence> {
    let mut evidence = answer.evidence.iter();
    evidence.clone().find(|one| one.quote.is_some()).or_else(|| evidence.next()).cloned()
}

/// A text that ends like a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '!', '?', '"', ':']) { text.to_owned() } else { format!("{text}.") }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Three sentences at most.
fn verdict(
    vendor: &str,
    local: bool,
    answers: &[(Question, Option<Answer>)],
    findings: &[Finding],
    questionnaire: &Questionnaire,
) -> String {
    let total = answers.len();
    let unanswered =
        answers.iter().filter(|(_, answer)| answer.as_ref().is_none_or(|answer| answer.says == Says::Unknown)).count();
    let of = if local { "the practice's own pipeline".to_owned() } else { vendor.to_owned() };
    let first = format!(
        "Of {total} questions about {of}, {} {} something to do; to {} nobody knows the answer yet.",
        findings.len(),
        if findings.len() == 1 { "leaves" } else { "leave" },
        unanswered,
    );
    let worst =
        findings.first().and_then(|finding| questionnaire.question(&finding.question).map(|one| (finding, one)));
    let second = match worst {
        Some((finding, question)) => format!("Begin with this one ({}): {} {}", finding.severity.as_str(), question.asks, finding.follows),
        None if unanswered == 0 => "What was answered leaves nothing to do today; look again when the terms, the agreement or the way of working change.".to_owned(),
        None => "What was answered leaves nothing to do, but what was not answered may.".to_owned(),
    };
    format!("{first} {second}")
}
