//! Answers to the questions of an audit: those a person gives with what shows them, and those taken from the newest
//! reviewed agreement, from what is recorded of the company, and from its tracked terms.

use provenote_access::Act;
use provenote_ledger::{Fact, Header};
use provenote_schemas::disclosure::VendorFact;
use provenote_schemas::{Digest, Kind, Time, VendorId};
use provenote_vendors::audit::{Answer, Evidence, Layer, Origin, Question, Questionnaire, Says};
use provenote_vendors::baa::{Present, Quote, Review, Stance, Unit};
use provenote_vendors::reading::Document;

use super::agreements::AgreementKept;
use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;

/// What the practice's own pipeline is called where a company is asked for.
pub const OWN: &str = "local";

/// The longest text of an answer, in characters.
const LONGEST: usize = 4_000;

/// The longest name or date, in characters.
const LONGEST_LINE: usize = 200;

/// The provisions that the rule requires of an agreement (`baa-requirements.yaml`, status `required`), but those that
/// depend on what is agreed besides (BAA-13), stand in no clause (BAA-17, BAA-25) or are no contract's (BAA-08, BAA-23).
const REQUIRED: [&str; 14] = [
    "BAA-01", "BAA-02", "BAA-03", "BAA-04", "BAA-05", "BAA-06", "BAA-07", "BAA-09", "BAA-10", "BAA-11", "BAA-12",
    "BAA-14", "BAA-15", "BAA-16",
];

/// An answer as somebody gives it.
#[derive(Debug, Clone, Copy)]
pub struct AnswerGiven<'a> {
    /// The question's id.
    pub question: &'a str,
    /// What it says.
    pub says: Says,
    /// In words; may be empty.
    pub text: &'a str,
    /// What shows it: a file's name and bytes.
    pub file: Option<(&'a str, &'a [u8])>,
    /// What was read of that file; a quote is looked for in it.
    pub document: Option<&'a Document>,
    /// Words of the file.
    pub quote: Option<&'a str>,
    /// The day of the file or of the answer, `2026-11-21`.
    pub date: Option<&'a str>,
}

/// What is audited.
#[derive(Debug, Clone)]
pub(super) enum Audited {
    /// The practice's own pipeline.
    Own,
    /// A company.
    Company(Box<Company>),
}

/// A company that gets something today.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) id: VendorId,
    /// What is recorded of it.
    pub(super) fact: VendorFact,
    /// The entry that recorded it.
    pub(super) added: Header,
}

impl Audited {
    /// The company's id, or nothing for the practice's own pipeline.
    pub(super) fn vendor(&self) -> Option<&VendorId> {
        match self {
            Self::Own => None,
            Self::Company(company) => Some(&company.id),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Own => "This practice's own pipeline".to_owned(),
            Self::Company(company) => company.fact.name.clone(),
        }
    }

    /// Whether an entry is about it.
    pub(super) fn is_of(&self, header: &Header) -> bool {
        header.refs.get("vendor").map(String::as_str) == self.vendor().map(VendorId::as_str)
    }
}

impl Practice {
    /// Records an answer, with the file that shows it.
    ///
    /// # Errors
    /// [`PracticeError::NotFound`] for a company or question that is not there; [`PracticeError::BadRequest`] for a text
    /// that is too long, a date that is none, and a quote that does not stand in the file that was read.
    pub fn vendor_answer(
        &mut self,
        actor: &Actor,
        vendor: &str,
        given: &AnswerGiven<'_>,
        questionnaire: &Questionnaire,
    ) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::Configure)?;
        let audited = self.audited(actor, vendor)?;
        let question = questionnaire.question(given.question).ok_or_else(|| PracticeError::NotFound {
            what: "question",
            id: format!("`{}`", given.question.chars().take(64).collect::<String>()),
            list: "vendor questions",
        })?;
        if given.text.chars().count() > LONGEST {
            return Err(PracticeError::BadRequest(format!(
                "the answer is longer than {LONGEST} characters: say what matters, and give the rest as a file"
            )));
        }
        let answer = Answer {
            question: question.id.clone(),
            says: given.says,
            text: given.text.split_whitespace().collect::<Vec<_>>().join(" "),
            origin: Origin::Person,
            evidence: vec![self.evidence_given(actor, given)?],
            at: self.clock.now(),
            stale: None,
        };
        let group = self.practice_group()?;
        let mut entry = self
            .entry(actor, Kind::VendorAnswered)
            .fact("question", Fact::Text(question.id.clone()))
            .fact("says", Fact::Text(given.says.as_str().to_owned()))
            .fact("questionnaire", Fact::Text(questionnaire.reference()))
            .payload(self.seal_record(actor, &group, "answer", &answer)?);
        entry = match audited.vendor() {
            Some(vendor) => entry.refer("vendor", vendor),
            None => entry.fact("own", Fact::Flag(true)),
        };
        if let Some((_, bytes)) = given.file {
            entry = entry.fact("sha256", Fact::Text(Digest::of(bytes).to_string())).payload(self.seal_bytes(
                actor,
                &group,
                "file",
                "application/octet-stream",
                bytes,
            )?);
        }
        self.append_one(actor, entry)
    }

    /// What shows an answer, as it is kept.
    fn evidence_given(&self, actor: &Actor, given: &AnswerGiven<'_>) -> Result<Evidence, PracticeError> {
        let mut evidence = Evidence {
            what: "an answer given without a file".to_owned(),
            date: given.date.map(checked_date).transpose()?,
            who: Some(actor.user().to_string()),
            ..Evidence::default()
        };
        if let Some((name, bytes)) = given.file {
            evidence.what = format!("the file {}", checked_line("the file's name", name)?);
            evidence.sha256 = Some(Digest::of(bytes));
        }
        let Some(quote) = given.quote.map(str::trim).filter(|quote| !quote.is_empty()) else { return Ok(evidence) };
        if quote.chars().count() > LONGEST {
            return Err(PracticeError::BadRequest(format!(
                "the quote is longer than {LONGEST} characters: quote less"
            )));
        }
        match (given.file, given.document) {
            (Some(_), Some(document)) => {
                let (start, end) = find(&document.text, quote).ok_or_else(|| {
                    PracticeError::BadRequest(
                        "the quote does not stand in that file: copy it from the text, word for word".to_owned(),
                    )
                })?;
                evidence.quote = Some(document.text.chars().skip(start).take(end - start).collect());
                (evidence.start, evidence.end) = (Some(start), Some(end));
            }
            (Some(_), None) => {
                evidence.what.push_str(", with words as somebody gave them, not looked up in it");
                evidence.quote = Some(quote.to_owned());
            }
            (None, _) => {
                evidence.what = "words as somebody gave them, without a file".to_owned();
                evidence.quote = Some(quote.to_owned());
            }
        }
        Ok(evidence)
    }

    /// The company of that id or whole name, or the practice's own pipeline.
    pub(super) fn audited(&self, actor: &Actor, asked: &str) -> Result<Audited, PracticeError> {
        if asked.trim() == OWN {
            return Ok(Audited::Own);
        }
        let (id, _) = self.vendor_of(actor, asked)?;
        let company = self.companies(actor)?.into_iter().find(|company| company.id == id);
        let company = company.ok_or_else(|| PracticeError::NotFound {
            what: "company",
            id: "of that id or name".to_owned(),
            list: "vendor list",
        })?;
        Ok(Audited::Company(Box::new(company)))
    }

    /// The companies that get something today, in the order they were added.
    pub(super) fn companies(&self, actor: &Actor) -> Result<Vec<Company>, PracticeError> {
        let added = self.headers(Kind::VendorAdded, &[])?;
        let of = |id: &VendorId| {
            added.iter().rfind(|header| header.refs.get("vendor").is_some_and(|one| one == id.as_str())).cloned()
        };
        let companies = self.vendors(actor)?.into_iter();
        Ok(companies.filter_map(|(id, fact)| of(&id).map(|added| Company { id, fact, added })).collect())
    }

    /// The newest answer of a person to each question.
    pub(super) fn given_answers(
        &self,
        actor: &Actor,
        audited: &Audited,
        questionnaire: &Questionnaire,
    ) -> Result<Vec<Answer>, PracticeError> {
        let checks = match audited {
            Audited::Own => Vec::new(),
            Audited::Company(company) => self.headers(Kind::TermsChecked, &[("vendor", company.id.as_str())])?,
        };
        let mut answers: Vec<Answer> = Vec::new();
        for header in self.headers(Kind::VendorAnswered, &[])? {
            let asked_in = header.facts.get("questionnaire").and_then(fact_text).unwrap_or_default();
            let (id, version) = asked_in.split_once('@').unwrap_or((asked_in, ""));
            // A question of the same name in another questionnaire is another question.
            if !audited.is_of(&header) || id != questionnaire.id() {
                continue;
            }
            let mut answer: Answer = self.open_record(actor, &header, "answer", "answer")?;
            for evidence in &mut answer.evidence {
                evidence.seq = Some(header.seq);
            }
            answer.at = Time::from_millis(header.time);
            let about_data = questionnaire.question(&answer.question).is_some_and(|one| one.layer == Layer::DataUse);
            if let (Audited::Company(company), true) = (audited, about_data) {
                answer.stale = outdated(&header, &company.fact, &checks);
            }
            if version != questionnaire.version() && answer.stale.is_none() {
                answer.stale = Some(format!("it was given to version {version} of these questions"));
            }
            answers.retain(|other| other.question != answer.question);
            answers.push(answer);
        }
        Ok(answers)
    }

    /// What the company's agreement, record and terms answer.
    pub(super) fn company_answers(
        &self,
        actor: &Actor,
        company: &Company,
        questionnaire: &Questionnaire,
    ) -> Result<Vec<Answer>, PracticeError> {
        let Company { id, fact, added } = company;
        let agreement = self.newest_agreement(actor, id.as_str())?;
        let watched = self.watched_terms(id)?;
        let mut answers = Vec::new();
        for question in questionnaire.questions() {
            for source in &question.sources {
                answers.extend(match source.split_once('.') {
                    Some(("baa", name)) => match &agreement {
                        Some(kept) => agreement_answer(question, name, kept),
                        None if name == "signed" => Some(Answer {
                            question: question.id.clone(),
                            says: Says::Unknown,
                            text: "No agreement with it is on record here".to_owned(),
                            origin: Origin::Ledger,
                            evidence: Vec::new(),
                            at: self.clock.now(),
                            stale: None,
                        }),
                        None => None,
                    },
                    Some(("vendor", name)) => record_answer(question, name, fact, added),
                    Some(("terms", name)) => watched.answer(question, name, fact, self.clock.now()),
                    _ => None,
                });
            }
        }
        Ok(answers)
    }

    fn watched_terms(&self, vendor: &VendorId) -> Result<Watched, PracticeError> {
        let of = [("vendor", vendor.as_str())];
        let mut sources = self.headers(Kind::TermsTracked, &of)?;
        for gone in self.headers(Kind::TermsUntracked, &of)? {
            if let Some(source) = gone.refs.get("source") {
                sources.retain(|header| header.refs.get("source") != Some(source) || header.seq > gone.seq);
            }
        }
        let accepted = self.headers(Kind::TermsSettled, &of)?.pop();
        Ok(Watched { sources, checks: self.headers(Kind::TermsChecked, &of)?, accepted })
    }
}

/// Why a person's answer about the use of data cannot be relied on: it is from before the terms became worse.
fn outdated(answer: &Header, fact: &VendorFact, checks: &[Header]) -> Option<String> {
    let worse = fact.terms_worsened.as_ref()?;
    let since = |check: &Header| {
        check.seq > answer.seq
            && matches!(check.facts.get("direction").and_then(fact_text), Some("worse" | "mixed" | "partly_better"))
    };
    checks
        .iter()
        .any(since)
        .then(|| format!("its terms became worse on {} (now it {})", worse.on, worse.what.join("; it ")))
}

/// An answer that somebody's document gives.
fn taken(question: &Question, says: Says, text: String, kept: &AgreementKept, quote: Option<&Quote>) -> Answer {
    let quote = quote.filter(|quote| !quote.quote.is_empty());
    Answer {
        question: question.id.clone(),
        says,
        text,
        origin: Origin::Agreement,
        evidence: vec![Evidence {
            what: format!("the agreement {}", kept.file_name),
            sha256: Some(kept.sha256),
            quote: quote.map(|quote| quote.quote.clone()),
            start: quote.map(|quote| quote.start),
            end: quote.map(|quote| quote.end),
            date: kept.signed.clone(),
            who: kept.by.clone(),
            seq: Some(kept.seq),
        }],
        at: kept.at,
        stale: None,
    }
}

/// Whether a local model, and not a rule, settled a point of a review.
fn argued(review: &Review, id: &str) -> bool {
    let points = review.second_reader.iter().flat_map(|reading| &reading.points);
    points.into_iter().any(|point| point.id == id && point.now != Present::Unclear)
}

/// What the newest reviewed agreement says to a question, by the name of a source after `baa.`.
fn agreement_answer(question: &Question, name: &str, kept: &AgreementKept) -> Option<Answer> {
    let review = &kept.review;
    let by_model = if argued(review, name) { ", as a local model read an unclear clause" } else { "" };
    let answer = |says, text: String, quote| Some(taken(question, says, format!("{text}{by_model}"), kept, quote));
    match name {
        "signed" if !review.kind.is_baa => {
            answer(Says::No, format!("What is on record does not read as one: {}", review.kind.why), None)
        }
        "signed" => match &kept.signed {
            Some(date) => answer(Says::Yes, format!("Signed on {date}, as whoever put it on record says"), None),
            None => {
                answer(Says::Partly, "An agreement is on record, but nobody said when it was signed".to_owned(), None)
            }
        },
        "provisions" => {
            let titles = |wanted: Present| -> Vec<&str> {
                let required = review.provisions.iter().filter(|one| REQUIRED.contains(&one.id.as_str()));
                required.filter(|one| one.present == wanted).map(|one| one.title.as_str()).collect()
            };
            let (missing, unclear) = (titles(Present::No), titles(Present::Unclear));
            let (says, text) = match (missing.is_empty(), unclear.is_empty()) {
                (true, true) => {
                    (Says::Yes, "The reader found every one of them; a lawyer may see it otherwise".to_owned())
                }
                (true, false) => (Says::Partly, format!("Unclear: {}", unclear.join("; "))),
                (false, true) => (Says::No, format!("Not found: {}", missing.join("; "))),
                (false, false) => {
                    (Says::No, format!("Not found: {}. Unclear: {}", missing.join("; "), unclear.join("; ")))
                }
            };
            match REQUIRED.iter().filter(|id| argued(review, id)).count() {
                0 => answer(says, text, None),
                some => {
                    answer(says, format!("{text}. {some} of them were unclear, and a local model settled them"), None)
                }
            }
        }
        "breach_window" => {
            let Some(window) = &review.breach_notice else {
                let none = review.provisions.iter().any(|one| one.id == "BAA-07" && one.present == Present::No);
                let open = review.breach_notice_undetermined.as_ref();
                let quote = open.map(|open| &open.quote);
                return match open {
                    Some(open) if !none => {
                        answer(Says::Unknown, format!("The time cannot be told: {}", open.why), quote)
                    }
                    _ => answer(Says::No, "The agreement gives no time for it".to_owned(), quote),
                };
            };
            let (says, words) = within_sixty_days(window.value, window.unit);
            let (says, of) = match window.of {
                "confirmation" | "occurrence" if says == Says::Yes => {
                    (Says::Partly, format!(", counted from {} and not from discovery", window.of))
                }
                "unspecified" => (says, ", without saying from what it counts".to_owned()),
                of => (says, format!(", counted from {of}")),
            };
            answer(says, format!("{words}{of}"), Some(&window.quote))
        }
        flag if flag.starts_with("RF-") => {
            // That a flag was not found proves nothing: the agreement may be silent.
            let flag = review.red_flags.iter().find(|one| one.id == flag)?;
            let says = if question.good == Says::No { Says::Yes } else { Says::No };
            answer(says, flag.title.clone(), Some(&flag.quote))
        }
        provision if provision.starts_with("BAA-") => {
            let one = review.provisions.iter().find(|one| one.id == provision)?;
            let says = match one.present {
                Present::Yes => Says::Yes,
                Present::No => Says::No,
                Present::Unclear => Says::Unknown,
            };
            answer(says, one.title.clone(), Some(&one.quote))
        }
        fact => {
            let fact = review.facts.get(fact)?;
            let (says, text) = match fact.stance {
                Stance::Permitted => (Says::Yes, "The agreement says so"),
                Stance::Forbidden => (Says::No, "The agreement rules it out"),
                Stance::Silent => (Says::Unknown, "The agreement says nothing of it"),
                Stance::Unclear => (Says::Unknown, "The agreement touches on it, but its words do not settle it"),
            };
            answer(says, text.to_owned(), Some(&fact.quote))
        }
    }
}

/// Whether a window ends within 60 calendar days, and the window in words.
fn within_sixty_days(value: u32, unit: Unit) -> (Says, String) {
    let (days, name) = match unit {
        Unit::Hours => (value.div_ceil(24), "hours"),
        Unit::Days => (value, "calendar days"),
        // Five in seven, and holidays are not known.
        Unit::BusinessDays => (value.saturating_mul(7).div_ceil(5), "business days"),
        Unit::Months => (value.saturating_mul(31), "months"),
        Unit::Years => (value.saturating_mul(366), "years"),
    };
    let says = match (days, unit) {
        (..=60, Unit::BusinessDays) if days > 54 => Says::Partly,
        (..=60, _) => Says::Yes,
        // Two months have 59 to 62 days.
        (..=62, Unit::Months) => Says::Partly,
        _ => Says::No,
    };
    (says, format!("Within {value} {name}"))
}

/// What was recorded of the company when it was added.
fn record_answer(question: &Question, name: &str, fact: &VendorFact, header: &Header) -> Option<Answer> {
    let (says, text) = match name {
        "place" => (Says::Yes, fact.place.clone()?),
        "keeps" => (Says::Yes, format!("{} days", fact.keeps_days?)),
        "trains" => match fact.trains? {
            true => (Says::Yes, "It was recorded that it does".to_owned()),
            false => (Says::No, "It was recorded that it does not".to_owned()),
        },
        "passes_on_to" if !fact.passes_on_to.is_empty() => (Says::Yes, fact.passes_on_to.join(", ")),
        _ => return None,
    };
    let at = Time::from_millis(header.time);
    Some(Answer {
        question: question.id.clone(),
        says,
        text,
        origin: Origin::Configuration,
        evidence: vec![Evidence {
            what: "what was recorded of the company".to_owned(),
            date: Some(at.date()),
            who: Some(header.actor.clone()),
            seq: Some(header.seq),
            ..Evidence::default()
        }],
        at,
        stale: None,
    })
}

/// The documents of a company's terms that are watched, and every check of them.
struct Watched {
    sources: Vec<Header>,
    checks: Vec<Header>,
    accepted: Option<Header>,
}

impl Watched {
    fn changed_since(&self, seq: u64) -> bool {
        let changed = |check: &Header| {
            matches!(check.facts.get("outcome").and_then(fact_text), Some("changed" | "came_back" | "first"))
        };
        self.checks.iter().any(|check| check.seq > seq && changed(check))
    }

    fn answer(&self, question: &Question, name: &str, fact: &VendorFact, now: Time) -> Option<Answer> {
        let outcome = |header: &Header| header.facts.get("outcome").and_then(fact_text).unwrap_or("?").to_owned();
        let read = |header: &&Header| !matches!(outcome(header).as_str(), "blocked" | "failed" | "?");
        let last = self.checks.iter().rfind(read);
        let (says, text, header, origin) = match name {
            "watched" if self.sources.is_empty() => {
                (Says::No, "None of its documents is watched".to_owned(), None, Origin::Ledger)
            }
            "watched" => {
                let text = format!("{} of its documents", self.sources.len());
                (Says::Yes, text, self.sources.last(), Origin::Ledger)
            }
            // Who settles a change for the worse has read it, unless the words changed again since.
            "read" if self.accepted.as_ref().is_some_and(|settled| !self.changed_since(settled.seq)) => {
                let settled = self.accepted.as_ref()?;
                let day = Time::from_millis(settled.time).date();
                (
                    Says::Yes,
                    format!("Somebody settled their last change for the worse on {day}"),
                    Some(settled),
                    Origin::Ledger,
                )
            }
            // Comparing two versions is not reading one.
            "read" => {
                let last = last?;
                let day = Time::from_millis(last.time).date();
                let text =
                    format!("They were last fetched and compared on {day}; whether somebody read them is not recorded");
                (Says::Partly, text, Some(last), Origin::Terms)
            }
            "worsened" => match (&fact.terms_worsened, last) {
                (Some(worse), _) => {
                    let text = format!("Found on {}: it {}", worse.on, worse.what.join("; it "));
                    (Says::Yes, text, last, Origin::Terms)
                }
                (None, Some(last)) if !self.sources.is_empty() => {
                    let checks = self.checks.iter().filter(read).count();
                    let day = Time::from_millis(last.time).date();
                    let text = format!(
                        "{checks} checks, the last on {day}, stand without a change for the worse that is open"
                    );
                    (Says::No, text, Some(last), Origin::Terms)
                }
                _ => return None,
            },
            _ => return None,
        };
        Some(Answer {
            question: question.id.clone(),
            says,
            text,
            origin,
            evidence: header
                .map(|header| Evidence {
                    what: format!("the entry {}", header.kind),
                    date: Some(Time::from_millis(header.time).date()),
                    seq: Some(header.seq),
                    ..Evidence::default()
                })
                .into_iter()
                .collect(),
            at: header.map_or(now, |header| Time::from_millis(header.time)),
            stale: None,
        })
    }
}

/// Where words stand in a text, however its lines are broken: start and end in characters.
fn find(text: &str, quote: &str) -> Option<(usize, usize)> {
    // Each run of white space is one space; `at` says where each character of that stood.
    let squeeze = |text: &str| {
        let mut squeezed: Vec<char> = Vec::new();
        let mut at: Vec<usize> = Vec::new();
        for (index, letter) in text.chars().enumerate() {
            let letter = if letter.is_whitespace() { ' ' } else { letter };
            if letter == ' ' && squeezed.last().is_none_or(|last| *last == ' ') {
                continue;
            }
            squeezed.push(letter);
            at.push(index);
        }
        (squeezed, at)
    };
    let ((text, at), (mut quote, _)) = (squeeze(text), squeeze(quote));
    while quote.last() == Some(&' ') {
        quote.pop();
    }
    if quote.is_empty() {
        return None;
    }
    let first = text.windows(quote.len()).position(|window| window == quote)?;
    Some((*at.get(first)?, at.get(first + quote.len() - 1)? + 1))
}

/// A day as `2026-11-21`.
pub(super) fn checked_date(given: &str) -> Result<String, PracticeError> {
    let day = given.trim();
    if day.len() == 10 && Time::parse(day).is_ok() {
        Ok(day.to_owned())
    } else {
        Err(PracticeError::BadRequest("the date is none: write it like 2026-11-21".to_owned()))
    }
}

/// A short text on one line.
pub(super) fn checked_line(what: &str, given: &str) -> Result<String, PracticeError> {
    let line = given.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() || line.chars().count() > LONGEST_LINE || line.chars().any(char::is_control) {
        return Err(PracticeError::BadRequest(format!(
            "{what} is empty, longer than {LONGEST_LINE} characters or has control characters"
        )));
    }
    Ok(line)
}
