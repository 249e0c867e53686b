//! How soon the business associate must tell of a breach: which number in the document it is, and what it counts from.
//!
//! An agreement has many windows: for breaches, for security incidents, for uses it does not allow, to cure, to answer an
//! access request, to send a follow-up. Only the first is the answer; where the text does not settle it, nothing is.

use std::sync::LazyLock;

use regex::Regex;

use crate::clauses::{Agreement, Bound, Clause, ClauseKind, Duration, Unit, durations};

/// A window for the notice of a breach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) value: u32,
    pub(super) unit: Unit,
    /// True where "calendar" is said.
    pub(super) calendar: bool,
    /// What it counts from.
    pub(super) of: &'static str,
    /// The clause that promises it.
    pub(super) clause: usize,
    /// The clause that gives the number, where that is another.
    pub(super) resolver: Option<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Finding {
    /// The window, if the document settles it.
    pub(super) window: Option<Window>,
    /// Otherwise why not, and the clause that comes nearest.
    pub(super) why: Option<(String, Option<usize>)>,
    /// Clauses whose windows cannot both hold.
    pub(super) conflict: Option<(usize, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    /// Breaches, named for themselves.
    Breach,
    /// Breaches as one case of something wider: "including breaches".
    Including,
    /// Uses and disclosures that the agreement does not allow.
    Impermissible,
    /// Security incidents.
    Incident,
}

static BREACH: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b(?:breach(?:es)?|data compromise|compromise of (?:unsecured )?PHI|privacy (?:violation|event)s?)\b")
});
/// "Material breach of this Agreement" is a breach of contract.
static OF_CONTRACT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:material|alleged|uncured|such|any|the|a) breach(?:es)? (?:of|or violation of|or default under) (?:this|the|its|any (?:material )?(?:term|provision|obligation)|a material|section|VENDOR's obligation|PRACTICE's obligation|contract)[^,;.]{0,30}|material breach|breach(?:es)? (?:of (?:contract|this|the (?:agreement|baa|terms)|confidentiality)|by (?:the )?(?:other|either) party)|(?:cure|remedy|end) (?:the|such|any|a|said) breach|breaching party|non-breaching|breach is not cured|has breached|confidentiality of [^,;.]{0,30}has been breached|breach notification rule",
    )
});
static INCLUDING: LazyLock<Regex> = LazyLock::new(|| regex(r"includ(?:ing|es?)[^,;.]{0,60}\bbreach"));
static IMPERMISSIBLE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:unauthorized|impermissible|improper|unpermitted|non-?permitted|inappropriate|wrongful|unlawful|actual or suspected)[^;.]{0,40}(?:use|disclosure|access|acquisition|exposure)|(?:use|disclosure|access)s?\b[^;.]{0,90}\bnot (?:otherwise |specifically |expressly )?(?:permitted|provided|authorized|allowed|covered|contemplated|in (?:accordance|compliance))|(?:use|disclosure)s?[^;.]{0,40}(?:in violation of|outside (?:of )?(?:this|the)|other than as|contrary to)|privacy incident|(?:misuse|loss|theft) of PHI",
    )
});
static INCIDENT: LazyLock<Regex> =
    LazyLock::new(|| regex(r"security (?:incident|event)s?|cyber(?:security)? (?:incident|event)s?|\bincidents?\b"));
static NOTIFY: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\b(?:report(?:s|ed|ing)?|notif(?:y|ies|ied|ication|ications|ying)|notice|inform(?:s|ed|ing)?|alert(?:s|ed|ing)?|advise[sd]?|tells?|let PRACTICE know|contact(?:s|ed)?|communicat\w+|disclosed? to PRACTICE)\b",
    )
});
/// Before a number: it is a limit.
static LIMIT: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:within|later than|exceed|exceeding|more than|less than|longer than|beyond|maximum(?: of)?|period of|up to|in|under|by|after|the (?:first|next)|than|least|expir\w+ of|before the end of|:|means|is|\()(?: (?:the )?(?:a |an |first |period of |maximum of |next |following |no more than |initial |lesser of |earlier of |shorter of ))*\W*$",
    )
});
/// Near a number: it is the window of something else.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bcure[sd]?\b|\bcuring\b|terminat\w*|request(?:s|ed)? (?:for|from|by)|accounting|amendment|\bcop(?:y|ies)\b|retain\w*|invoice|insurance|supplement\w*|follow-?up|full (?:written )?report|final report|complete report|detailed|written (?:report|summary|account|follow)|additional (?:information|details)|further (?:information|details)|more information|status|updates?\b|root[- ]cause|corrective|remediation plan|risk assessment|credit monitoring|law enforcement|years? of|business hours|prior (?:written )?notice|advance|affected individuals within|notify (?:the )?(?:affected )?individuals|notify (?:the )?(?:secretary|hhs|media)|to (?:the )?(?:affected )?individuals|after receipt of|upon receipt of|of receiving|unsuccessful|quarter|aggregate report|summary report|subcontractors? (?:shall|will|must|to) (?:report|notify)|report(?:s|ed)? to VENDOR|notif(?:y|ies) VENDOR|notice to VENDOR|as required by law enforcement|delay\w* (?:the )?(?:notification|notice) (?:for|by)|contain the|list of",
    )
});
static COUNTED: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?P<confirmation>confirm\w*|determin\w*|investigat\w*|conclu\w*|verif\w*|validat\w*)|(?P<discovery>discover\w*|detect\w*|identif(?:y|ies|ying|ication)|uncover\w*)|(?P<knowledge>aware\w*|knowledge|knew|knows?|known|learn\w*|notice of|suspect\w*|realiz\w*|finds? out|found out)|(?P<occurrence>occurr\w*|happen\w*|taking place|took place)|(?P<breach>breach|incident|event)",
    )
});
static BLANK: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:\[[^\[\]]{0,40}\]|\{[^{}]{0,40}\}|\(\s*\)|<[^<>]{0,30}>|\bx{1,3}\b|#) ?(?:\([^()]{0,20}\) ?)?(?:calendar |business |working )?(?:hours?|days?|weeks?)",
    )
});
static SECTION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:time|period|window|deadline|timeframe|time frame|timeline|timing|days|hours|interval)s?[^.;]{0,60}(?:section|paragraph|clause|article|exhibit|schedule|attachment|appendix) (\d[\w.()]*|[a-z]\b)|(?:in accordance with|as (?:set forth|stated|provided|specified) in) (?:section|paragraph) (\d[\w.()]*)",
    )
});
static PERIOD: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:within|later than|exceed(?:ing)?|in|by the end of|before the end of|following|during) (?:the |its |such |an? |applicable )*([a-z][a-z -]{2,50}?(?:period|window|deadline|time ?frame|time ?limit|time|term|date|notice))\b",
    )
});
static SUCH_NOTICE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:\W*)(?:such|the|this|that|said|these|each|initial|any such|all such|it|VENDOR shall (?:make|give|provide|deliver) (?:such|the|this|that)|VENDOR will (?:make|give|provide|deliver) (?:such|the|this|that)|notice|notification|notifications|notices|reports?|reporting|breach notice)\b",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant expression, used by the tests")
}

/// A window in a clause and what it is for.
struct Candidate {
    topic: Topic,
    window: Window,
    differs: bool,
}

/// Finds the window for notices of breaches.
pub(super) fn find(agreement: &Agreement) -> Finding {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut open: Vec<(Topic, usize, String)> = Vec::new();
    for (at, clause) in agreement.clauses.iter().enumerate() {
        if clause.kind != ClauseKind::Operative || clause.bound == Bound::Practice {
            continue;
        }
        read(agreement, at, clause, &mut candidates, &mut open);
    }
    decide(agreement, candidates, &open)
}

fn decide(agreement: &Agreement, candidates: Vec<Candidate>, open: &[(Topic, usize, String)]) -> Finding {
    let incident_is_breach = agreement.definitions.iter().any(|(term, definition)| {
        (term.contains("incident") || term.contains("event"))
            && definition.body.contains("breach")
            && !definition.body.contains("same meaning")
    });
    for topic in [Topic::Breach, Topic::Including, Topic::Impermissible, Topic::Incident] {
        let waiting = open.iter().find(|(own, ..)| *own == topic);
        let mut here: Vec<&Candidate> = candidates.iter().filter(|candidate| candidate.topic == topic).collect();
        if here.is_empty() {
            if let Some((_, clause, why)) = waiting {
                return Finding { why: Some((why.clone(), Some(*clause))), ..Finding::default() };
            }
            continue;
        }
        if topic == Topic::Incident && !incident_is_breach {
            break;
        }
        if let Some(bad) = here.iter().find(|candidate| candidate.differs) {
            let why = "the words and the figures of the time limit differ".to_owned();
            return Finding { why: Some((why, Some(bad.window.clause))), ..Finding::default() };
        }
        here.sort_by(|a, b| days(&a.window).total_cmp(&days(&b.window)));
        let first = here[0];
        // Two limits in one sentence are a first and an outer one; in two sentences they fight.
        let rival = here.iter().find(|other| {
            (days(&other.window) - days(&first.window)).abs() > 0.01
                && !overlap(agreement, first.window.clause, other.window.clause)
                && first.window.resolver.is_none() == other.window.resolver.is_none()
        });
        if let Some(rival) = rival {
            let why = "the agreement gives two different time limits for notice of a breach".to_owned();
            return Finding {
                why: Some((why, Some(first.window.clause))),
                conflict: Some((first.window.clause, rival.window.clause)),
                ..Finding::default()
            };
        }
        return Finding { window: Some(first.window.clone()), ..Finding::default() };
    }
    let near = candidates.first().map(|candidate| candidate.window.clause);
    let why = if near.is_some() {
        "there is a time limit for security incidents, but none for breaches"
    } else {
        "no time limit for notice of a breach is stated"
    };
    Finding { why: Some((why.to_owned(), near)), ..Finding::default() }
}

fn days(window: &Window) -> f64 {
    Duration { value: window.value, unit: window.unit, calendar: false, differs: false, at: 0..0 }.calendar_days()
}

fn overlap(agreement: &Agreement, a: usize, b: usize) -> bool {
    let (a, b) = (&agreement.clauses[a].range, &agreement.clauses[b].range);
    a.start < b.end && b.start < a.end
}

/// Where each topic is named in a clause: byte and topic, in order.
fn topics(text: &str) -> Vec<(usize, Topic)> {
    let contract: Vec<(usize, usize)> = OF_CONTRACT.find_iter(text).map(|found| (found.start(), found.end())).collect();
    let including: Vec<usize> = INCLUDING.find_iter(text).map(|found| found.end()).collect();
    let mut found: Vec<(usize, Topic)> = Vec::new();
    for place in BREACH.find_iter(text) {
        let of_phi = text[place.end()..].starts_with(" of unsecured") || text[place.end()..].starts_with(" of PHI");
        if !of_phi && contract.iter().any(|(from, to)| *from <= place.start() && place.start() < *to) {
            continue;
        }
        let wider = including.iter().any(|end| place.start() < *end && *end <= place.end() + 2);
        found.push((place.start(), if wider { Topic::Including } else { Topic::Breach }));
    }
    found.extend(IMPERMISSIBLE.find_iter(text).map(|place| (place.start(), Topic::Impermissible)));
    found.extend(INCIDENT.find_iter(text).map(|place| (place.start(), Topic::Incident)));
    found.sort();
    found
}

fn read(
    agreement: &Agreement,
    at: usize,
    clause: &Clause,
    candidates: &mut Vec<Candidate>,
    open: &mut Vec<(Topic, usize, String)>,
) {
    let text = clause.text.as_str();
    let telling = NOTIFY.is_match(text);
    let heading_tells =
        clause.heading.contains("breach") || clause.heading.contains("report") || clause.heading.contains("notif");
    if !telling && !heading_tells {
        return;
    }
    let mut named = topics(text);
    let mut inherited = false;
    if named.is_empty() {
        // "Such notice shall be given within …" speaks of what the sentences before it spoke of.
        if telling && SUCH_NOTICE.is_match(&text[clause.own..]) {
            let before = agreement.clauses[..at]
                .iter()
                .rev()
                .take(3)
                .filter(|other| other.kind == ClauseKind::Operative && other.heading == clause.heading);
            for other in before {
                let topics = topics(&other.text);
                if let Some((_, topic)) = topics.iter().min_by_key(|(_, topic)| *topic) {
                    named.push((0, *topic));
                    break;
                }
            }
        }
        if named.is_empty() {
            let last = clause.heading.rsplit(" / ").next().unwrap_or_default();
            if let Some((_, topic)) = topics(last).into_iter().min_by_key(|(_, topic)| *topic) {
                named.push((0, topic));
            }
        }
        inherited = true;
    }
    let nothing_named = named.is_empty();
    let has_breach = named.iter().any(|(_, topic)| matches!(topic, Topic::Breach | Topic::Including));
    let lengths = durations(text);
    let mut used = false;
    for (place, length) in lengths.iter().enumerate() {
        if length.at.end <= clause.own && !clause.whole && clause.own > 0 && inherited {
            continue;
        }
        if matches!(length.unit, Unit::Years | Unit::Months) {
            continue;
        }
        if !LIMIT.is_match(&text[..length.at.start]) && length.at.start > clause.own + 1 {
            continue;
        }
        let from = if place > 0 { lengths[place - 1].at.end } else { 0 };
        let to = lengths.get(place + 1).map_or(text.len(), |next| next.at.start);
        let back = floor(text, length.at.start.saturating_sub(90).max(from));
        let ahead = floor(text, (length.at.end + 110).min(to));
        let before = &text[back..length.at.start];
        let after = &text[length.at.end..ahead];
        let sentence_after = after.split(". ").next().unwrap_or_default().split(';').next().unwrap_or_default();
        let sentence_before = before.rsplit(". ").next().unwrap_or_default().rsplit(';').next().unwrap_or_default();
        if OTHER.is_match(sentence_after) || OTHER.is_match(sentence_before) {
            continue;
        }
        if nothing_named || !(telling || heading_tells) {
            continue;
        }
        let counted = topics(sentence_after);
        let group: Vec<Topic> = named
            .iter()
            .filter(|(spot, _)| *spot >= from && *spot < length.at.start)
            .map(|(_, topic)| *topic)
            .collect();
        let topic = if let Some(topic) =
            counted.iter().map(|(_, topic)| *topic).min().filter(|_| group.is_empty() || place > 0)
        {
            topic
        } else if let Some(topic) = group.iter().copied().min() {
            topic
        } else if let Some((_, topic)) = named.iter().rev().find(|(spot, _)| *spot < length.at.start) {
            *topic
        } else if let Some(topic) = named
            .iter()
            .filter(|(spot, _)| *spot >= length.at.start && *spot < to.max(length.at.end + 200))
            .map(|(_, topic)| *topic)
            .min()
        {
            topic
        } else {
            continue;
        };
        used |= matches!(topic, Topic::Breach | Topic::Including);
        let window = Window {
            value: length.value,
            unit: length.unit,
            calendar: length.calendar,
            of: counted_from(sentence_after, text),
            clause: at,
            resolver: None,
        };
        candidates.push(Candidate { topic, window, differs: length.differs });
    }
    if used || !telling || nothing_named {
        return;
    }
    let best = named.iter().map(|(_, topic)| *topic).min().unwrap_or(Topic::Incident);
    if let Some((duration, resolver)) = elsewhere(agreement, clause) {
        let window = Window {
            value: duration.value,
            unit: duration.unit,
            calendar: duration.calendar,
            of: counted_from(text, text),
            clause: at,
            resolver: Some(resolver),
        };
        candidates.push(Candidate { topic: best, window, differs: duration.differs });
    } else if BLANK.is_match(text) && has_breach {
        open.insert(0, (best, at, "the number of days is left blank".to_owned()));
    } else if let Some(caught) = PERIOD.captures(text).filter(|_| has_breach) {
        let term = caught[1].to_owned();
        if !term.contains("reasonable") && !term.contains("same") && !term.contains("real") && !term.contains("any") {
            open.insert(0, (best, at, format!("the time limit is called \"{term}\", and no number is given for it")));
        } else {
            open.push((best, at, "no number of hours or days is given".to_owned()));
        }
    } else if has_breach && !inherited && duty(text) {
        open.push((best, at, "no number of hours or days is given".to_owned()));
    }
}

/// True if the clause makes the business associate tell.
fn duty(text: &str) -> bool {
    text.contains("VENDOR") || text.contains("report") || text.contains("notify")
}

fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// A number given by a defined term or in another section.
fn elsewhere(agreement: &Agreement, clause: &Clause) -> Option<(Duration, usize)> {
    let text = clause.text.as_str();
    let mut terms: Vec<(&String, &crate::clauses::Definition)> = agreement
        .definitions
        .iter()
        .filter(|(term, _)| {
            let timed = ["period", "time", "window", "deadline", "limit", "notice", "term", "interval", "sla"];
            term.len() > 3 && timed.iter().any(|word| term.contains(word)) && text.contains(term.as_str())
        })
        .collect();
    terms.sort_by_key(|(term, _)| std::cmp::Reverse(term.len()));
    for (_, definition) in terms {
        if let Some(found) =
            durations(&definition.body).into_iter().find(|found| !matches!(found.unit, Unit::Years | Unit::Months))
        {
            return Some((found, definition.clause));
        }
    }
    let caught = SECTION.captures(text)?;
    let number = caught.get(1).or_else(|| caught.get(2))?.as_str().trim_end_matches(['.', ',']);
    let target = agreement.numbered(number).find_map(|other| {
        let found = durations(&other.text).into_iter().find(|found| {
            LIMIT.is_match(&other.text[..found.at.start]) && !OTHER.is_match(&other.text[..found.at.start])
        })?;
        let place = agreement.clauses.iter().position(|own| std::ptr::eq(own, other))?;
        Some((found, place))
    })?;
    (!std::ptr::eq(&agreement.clauses[target.1], clause)).then_some(target)
}

fn counted_from(after: &str, whole: &str) -> &'static str {
    for (text, near) in [(after, true), (whole, false)] {
        for caught in COUNTED.captures_iter(text) {
            if caught.name("confirmation").is_some() {
                return "confirmation";
            }
            if caught.name("discovery").is_some() {
                return "discovery";
            }
            if caught.name("knowledge").is_some() {
                return "knowledge";
            }
            if caught.name("occurrence").is_some() {
                return "occurrence";
            }
            if near && caught.name("breach").is_some() {
                // "within five days of a breach", with nothing about knowing of it.
                let rest = &text[caught.get(0).map_or(0, |group| group.end())..];
                if COUNTED.captures_iter(rest).all(|later| later.name("breach").is_some())
                    && !whole.contains("discover")
                    && !whole.contains("aware")
                {
                    return "occurrence";
                }
            }
        }
    }
    "unspecified"
}
