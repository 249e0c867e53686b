//! Making a form: disclosure facts and people put into a template, giving the exact text.

use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate};
use provenote_schemas::consent::ConsentForm;
use provenote_schemas::disclosure::{DisclosureFacts, Isolation, ModelFact};
use provenote_schemas::encoding::digest_of;
use provenote_schemas::people::{Client, ParticipantRole};
use provenote_schemas::{ConsentId, Digest, Purpose, Time};
use provenote_templates::{Template, TemplateError};
use serde::Serialize;

use crate::elements::missing_in_form;
use crate::signing::compared;
use crate::states::{AiNotice, State, UnknownState, consent_years, minor_note_retention};

/// The age at which a client signs alone.
const OF_AGE: u32 = 18;

/// Hexadecimal digits of a model's SHA-256 that the form prints; the record holds all 64.
const SHORT: usize = 12;

/// Why a form was not made. No variant carries a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The template could not be rendered for this client.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The state is none.
    #[error(transparent)]
    State(#[from] UnknownState),
    /// A purpose in the template's front matter is none of ours.
    #[error(
        "the template {template} asks consent for `{purpose}`, which this version does not know: correct `purposes` in its front matter"
    )]
    Purpose {
        /// The template.
        template: String,
        /// As written.
        purpose: String,
    },
    /// The template is not meant for the state.
    #[error("the template {template} is not meant for {state}: choose another, or add the state to `jurisdictions`")]
    Jurisdiction {
        /// The template.
        template: String,
        /// The state.
        state: State,
    },
    /// The rendered form does not speak of what every such form must.
    #[error("the template {template} leaves out what this form must say ({}): add paragraphs with these markers", elements.join(", "))]
    Uncovered {
        /// The template.
        template: String,
        /// Ids of the elements.
        elements: Vec<&'static str>,
    },
    /// Something the form must name is empty.
    #[error("the form would have a blank: {what} is empty")]
    Blank {
        /// What it is.
        what: &'static str,
    },
    /// The rendered text has a place left to fill in.
    #[error("the template {template} leaves a blank to fill in (`{found}`): a signed form with blanks is refused")]
    Unfilled {
        /// The template.
        template: String,
        /// What looks like a blank.
        found: &'static str,
    },
    /// Nobody is there as the client.
    #[error("the client is not among the people who take part: add the client before a form is made")]
    NoClient,
    /// Two people bear one name, so nobody could tell who signed.
    #[error(
        "two of the people who take part have the same name: tell them apart, with Jr. and Sr. or a middle initial"
    )]
    SameName,
    /// A client under 18 without a parent or guardian.
    #[error(
        "the client is under 18 and no parent or guardian takes part: add one with `--guardian`; whether this young person may consent alone is not verified, so the stricter rule is used"
    )]
    NoGuardian,
    /// The date of birth is no date, or not in the past.
    #[error("the date of birth is no past date: write it as YYYY-MM-DD")]
    Born,
    /// The consent would end before it begins.
    #[error("the consent would end before it begins: give a later end")]
    Ends,
}

/// What a form is made of: all read from the practice as it is configured, and from the client's file.
#[derive(Debug, Clone)]
pub struct FormContext {
    /// The id the form gets.
    pub consent: ConsentId,
    /// The practice's name.
    pub practice: String,
    /// The clinician's name.
    pub clinician: String,
    /// The clinician's license, as text; left out of the form where there is none.
    pub license: Option<String>,
    /// The state whose rules are told: the client's, or the practice's where the client's is not known.
    /// Two letters.
    pub state: String,
    /// The client and everybody else who takes part.
    pub client: Client,
    /// What the pipeline is today.
    pub facts: DisclosureFacts,
    /// Today.
    pub made: Time,
    /// When the consent ends by itself; earlier if the client comes of age before.
    pub expires: Time,
}

/// SHA-256 of the RFC 8785 bytes of the facts: what binds a consent to the pipeline it was given for.
#[must_use]
pub fn disclosure_digest(facts: &DisclosureFacts) -> Digest {
    // Facts are strings, whole numbers and lists of these, which always have a canonical form.
    digest_of(facts).expect("disclosure facts have a canonical form")
}

/// The values a consent template may use, and nothing else.
#[derive(Debug, Clone, Serialize)]
pub struct FormValues {
    template: String,
    practice: String,
    clinician: String,
    license: Option<String>,
    state: &'static str,
    client: String,
    people: Vec<Person>,
    /// More than one person besides guardians.
    several: bool,
    /// The client is under 18, or a guardian takes part.
    minor: bool,
    /// The client's date of birth shows that they are under 18.
    under_age: bool,
    made: String,
    expires: String,
    /// The consent ends early because the client comes of age.
    ends_at_18: bool,
    speech: ModelValues,
    voice_activity: Option<ModelValues>,
    drafting: Vec<ModelValues>,
    isolated: bool,
    processors: Vec<String>,
    kept: KeptValues,
    ai_notice: Option<&'static AiNotice>,
}

#[derive(Debug, Clone, Serialize)]
struct Person {
    name: String,
    role: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct ModelValues {
    name: String,
    maker: String,
    short: String,
}

#[derive(Debug, Clone, Serialize)]
struct KeptValues {
    audio: String,
    transcript: String,
    prompts: String,
    drafts: String,
    note_years: String,
    form_years: String,
    note_basis: String,
    minor_rule: String,
}

impl ModelValues {
    fn of(model: &ModelFact) -> Self {
        let short = model.sha256.to_string().chars().take(SHORT).collect();
        Self { name: model.name.clone(), maker: model.maker.clone(), short }
    }
}

fn count(number: u32, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A date as people write it in the language; ISO 8601 where that is not known.
fn date(time: Time, lang: &str) -> String {
    let iso = time.date();
    match NaiveDate::parse_from_str(&iso, "%Y-%m-%d") {
        Ok(day) if lang == "en" => {
            const MONTHS: [&str; 12] = [
                "January",
                "February",
                "March",
                "April",
                "May",
                "June",
                "July",
                "August",
                "September",
                "October",
                "November",
                "December",
            ];
            format!("{} {}, {}", MONTHS[day.month0() as usize], day.day(), day.year())
        }
        _ => iso,
    }
}

/// The day the client comes of age, where that is after `made`.
fn comes_of_age(born: Option<&str>, made: Time) -> Result<Option<Time>, FormError> {
    let Some(born) = born else { return Ok(None) };
    let day = NaiveDate::parse_from_str(born, "%Y-%m-%d").map_err(|_| FormError::Born)?;
    let at = |day: NaiveDate| Time::parse(&day.to_string()).map_err(|_| FormError::Born);
    if at(day)? >= made || day.year() < 1850 {
        return Err(FormError::Born);
    }
    // Born on 29 February: of age on 28 February in a common year, the earlier and so stricter day for a consent's end.
    let of_age = at(day.checked_add_months(Months::new(OF_AGE * 12)).ok_or(FormError::Born)?)?;
    Ok((of_age > made).then_some(of_age))
}

fn not_blank(text: &str, what: &'static str) -> Result<(), FormError> {
    if text.chars().any(|c| !c.is_whitespace() && !c.is_control()) { Ok(()) } else { Err(FormError::Blank { what }) }
}

/// The values for a template, checked; and when the consent ends.
///
/// # Errors
/// [`FormError`] for blanks, a bad date of birth, a client under 18 without a guardian.
pub fn form_context(template: &Template, ctx: &FormContext) -> Result<(FormValues, Time), FormError> {
    let people = &ctx.client.participants;
    let state = State::parse(&ctx.state)?;
    not_blank(&ctx.practice, "the practice's name")?;
    not_blank(&ctx.clinician, "the clinician's name")?;
    not_blank(&ctx.client.name, "the client's name")?;
    for person in people {
        not_blank(&person.name, "the name of somebody who takes part")?;
    }
    for processor in &ctx.facts.processors {
        not_blank(processor, "the name of somebody who gets the words")?;
    }
    if ctx.facts.drafting.is_empty() {
        return Err(FormError::Blank { what: "the list of models that may draft" });
    }
    for model in std::iter::once(&ctx.facts.speech).chain(&ctx.facts.voice_activity).chain(&ctx.facts.drafting) {
        not_blank(&model.name, "a model's name")?;
        not_blank(&model.maker, "a model's maker")?;
    }
    not_blank(&ctx.facts.retention.note_basis, "why the note is kept so long")?;

    let names: BTreeSet<String> = people.iter().map(|person| compared(&person.name)).collect();
    if names.len() < people.len() {
        return Err(FormError::SameName);
    }
    let of_age = comes_of_age(ctx.client.born.as_deref(), ctx.made)?;
    let guardian = people.iter().any(|person| person.role == ParticipantRole::Guardian);
    if !people.iter().any(|person| person.role == ParticipantRole::Client) {
        return Err(FormError::NoClient);
    }
    if of_age.is_some() && !guardian {
        return Err(FormError::NoGuardian);
    }
    let expires = of_age.map_or(ctx.expires, |of_age| of_age.min(ctx.expires));
    if expires <= ctx.made {
        return Err(FormError::Ends);
    }

    let retention = &ctx.facts.retention;
    let values = FormValues {
        template: template.name(),
        practice: ctx.practice.clone(),
        clinician: ctx.clinician.clone(),
        license: ctx.license.clone().filter(|license| !license.trim().is_empty()),
        state: state.name(),
        client: ctx.client.name.clone(),
        people: people
            .iter()
            .map(|person| Person {
                name: person.name.clone(),
                role: match person.role {
                    ParticipantRole::Client => "client",
                    ParticipantRole::Guardian => "parent or guardian",
                    ParticipantRole::Participant => "takes part",
                },
            })
            .collect(),
        several: people.iter().filter(|person| person.role != ParticipantRole::Guardian).count() > 1,
        minor: of_age.is_some() || guardian,
        under_age: of_age.is_some(),
        made: date(ctx.made, template.lang()),
        expires: date(expires, template.lang()),
        ends_at_18: expires < ctx.expires,
        speech: ModelValues::of(&ctx.facts.speech),
        voice_activity: ctx.facts.voice_activity.as_ref().map(ModelValues::of),
        drafting: ctx.facts.drafting.iter().map(ModelValues::of).collect(),
        isolated: ctx.facts.isolation == Isolation::Enforced,
        processors: ctx.facts.processors.clone(),
        kept: KeptValues {
            audio: count(retention.audio_days, "day"),
            transcript: count(retention.transcript_days, "day"),
            prompts: count(retention.prompts_days, "day"),
            drafts: count(retention.drafts_days, "day"),
            note_years: count(retention.note_years, "year"),
            form_years: count(consent_years().0, "year"),
            note_basis: retention.note_basis.clone(),
            minor_rule: minor_note_retention(state),
        },
        ai_notice: state.ai_notice(),
    };
    Ok((values, expires))
}

/// What a place left to fill in looks like. Values cannot look so: underscores, braces and
/// brackets in them are escaped.
const BLANKS: &[&str] =
    &["__", "{{", "}}", "{%", "[ ]", "[name", "[date", "[client", "[clinician", "TBD", "TODO", "XXX"];

fn unfilled(text: &str) -> Option<&'static str> {
    // Only the template's own words can hold such a place, so `TODO` inside a name is let pass.
    BLANKS.iter().copied().find(|blank| text.contains(blank))
}

/// Renders a template for a client: the exact text, its digest, and the facts it tells.
///
/// # Errors
/// [`FormError`]: nothing is rendered that has blanks, leaves out a required element, or is not
/// meant for the state.
pub fn render_form(template: &Template, ctx: &FormContext) -> Result<ConsentForm, FormError> {
    let purposes = template
        .purposes()
        .iter()
        .map(|word| {
            Purpose::from_word(word).ok_or_else(|| FormError::Purpose {
                template: template.name(),
                purpose: word.chars().take(40).collect(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let state = State::parse(&ctx.state)?;
    if !template.jurisdictions().iter().any(|place| place == "US" || place == state.code()) {
        return Err(FormError::Jurisdiction { template: template.name(), state });
    }
    let (values, expires) = form_context(template, ctx)?;
    let elements = missing_in_form(&template.covered(&values)?, template.lang(), values.several, values.minor);
    if !elements.is_empty() {
        return Err(FormError::Uncovered { template: template.name(), elements });
    }
    for (_, own) in template.own_words(&values)? {
        if let Some(found) = unfilled(&own) {
            return Err(FormError::Unfilled { template: template.name(), found });
        }
    }
    let text = template.render(&values)?;
    Ok(ConsentForm {
        consent: ctx.consent.clone(),
        client: ctx.client.client.clone(),
        template: template.name(),
        lang: template.lang().to_owned(),
        purposes,
        participants: ctx.client.participants.clone(),
        text_sha256: Digest::of(text.as_bytes()),
        text,
        disclosure_digest: disclosure_digest(&ctx.facts),
        facts: ctx.facts.clone(),
        made: ctx.made,
        expires,
    })
}

#[cfg(test)]
mod tests;
