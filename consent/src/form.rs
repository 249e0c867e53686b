//! Making a form: disclosure facts and people put into a template, giving the exact text.
//!
//! The text is made once. What is signed is its SHA-256; what is shown is cut from it
//! (`provenote_templates::blocks`).

mod check;
mod news;
mod particulars;
mod passages;
mod values;
mod words;

use std::collections::BTreeSet;

use chrono::{Datelike, Months, NaiveDate};
use provenote_schemas::consent::{ConsentForm, Promise};
use provenote_schemas::disclosure::{DisclosureFacts, Isolation, Place};
use provenote_schemas::encoding::digest_of;
use provenote_schemas::people::{Client, Participant, ParticipantRole};
use provenote_schemas::{ConsentId, Digest, Purpose, Time};
use provenote_templates::{Template, TemplateError};

pub use check::{Fault, Problem, Severity, check, reading_levels};
pub use particulars::{Authorization, Material, Particulars, Shared};
pub use values::FormValues;
pub use words::{date as date_words, intent, role_words};

use crate::changes::Weight;
use crate::elements::{form_kinds, missing_in_form, needed};
use crate::jurisdictions::majority;
use crate::signing::compared;
use crate::states::{State, UnknownState};

/// The age at which a client signs alone, for a template that does not ask for `majority`.
const OF_AGE: u8 = 18;

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
    /// The kind of form in a template's front matter is none of ours.
    #[error("the template {template} is a form of the kind `{form}`, which this version does not know: write `form` as one of {}", known.join(", "))]
    Kind {
        /// The template.
        template: String,
        /// As written.
        form: String,
        /// The kinds there are.
        known: Vec<&'static str>,
    },
    /// The template needs something that was not given.
    #[error("the template {template} needs {what}: give it, or choose another template")]
    Needs {
        /// The template.
        template: String,
        /// What is missing.
        what: &'static str,
    },
    /// The pipeline does something that the template has no words for.
    #[error(
        "the template {template} says nothing of {what}, and so would not be true: choose another, such as ai-notes or cloud-vendor"
    )]
    Untold {
        /// The template.
        template: String,
        /// What it is silent about.
        what: &'static str,
    },
    /// Nothing that ends the consent has changed.
    #[error(
        "nothing has changed since that form was signed that its text says must be asked again: no short form is needed"
    )]
    NothingNew,
    /// The file under a template's name is not the one people were shown.
    #[error(
        "the template {template} in `{lang}` is not the text that people were shown under this name: give the changed one a higher version"
    )]
    Changed {
        /// The template.
        template: String,
        /// Its language.
        lang: String,
    },
    /// A translation does not say that it is one.
    #[error(
        "the template {template} is a translation and does not say so: print `translation.by`, and whether a person has reviewed it"
    )]
    Translation {
        /// The template.
        template: String,
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
    /// Somebody under age without a parent or guardian.
    #[error(
        "somebody is under age and no parent or guardian takes part: add one with `--guardian`; whether this young person may consent alone is not verified, so the stricter rule is used"
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
    /// The clinician's state, two letters, where it may be another.
    pub clinician_state: Option<String>,
    /// The client and everybody else who takes part.
    pub client: Client,
    /// What the pipeline is today.
    pub facts: DisclosureFacts,
    /// Today.
    pub made: Time,
    /// When the consent ends by itself; earlier if the client comes of age before.
    pub expires: Time,
    /// What some forms need besides.
    pub particulars: Particulars,
}

/// SHA-256 of the RFC 8785 bytes of the facts: what binds a consent to the pipeline it was given for.
#[must_use]
pub fn disclosure_digest(facts: &DisclosureFacts) -> Digest {
    // Facts are strings, whole numbers and lists of these, which always have a canonical form.
    digest_of(facts).expect("disclosure facts have a canonical form")
}

/// SHA-256 of a template's file: what is frozen from the first time somebody was shown a form of it.
#[must_use]
pub fn template_digest(template: &Template) -> Digest {
    Digest::of(template.source().as_bytes())
}

/// Holds a template to what people were shown under its name and language before.
///
/// # Errors
/// [`FormError::Changed`]: a change is a new version.
pub fn check_frozen(template: &Template, shown: &Digest) -> Result<(), FormError> {
    if template_digest(template) == *shown {
        return Ok(());
    }
    Err(FormError::Changed { template: template.name(), lang: template.lang().to_owned() })
}

/// The day the client comes of age, where that is after `made`.
fn comes_of_age(born: Option<&str>, made: Time, age: u8) -> Result<Option<Time>, FormError> {
    let Some(born) = born else { return Ok(None) };
    let day = NaiveDate::parse_from_str(born, "%Y-%m-%d").map_err(|_| FormError::Born)?;
    let at = |day: NaiveDate| Time::parse(&day.to_string()).map_err(|_| FormError::Born);
    if at(day)? >= made || day.year() < 1850 {
        return Err(FormError::Born);
    }
    // Born on 29 February: of age on 28 February in a common year, the earlier and so stricter day for a consent's end.
    let of_age = at(day.checked_add_months(Months::new(u32::from(age) * 12)).ok_or(FormError::Born)?)?;
    Ok((of_age > made).then_some(of_age))
}

fn not_blank(text: &str, what: &'static str) -> Result<(), FormError> {
    if text.chars().any(|c| !c.is_whitespace() && !c.is_control()) { Ok(()) } else { Err(FormError::Blank { what }) }
}

/// Who is asked to sign: everybody who takes part in sessions; under an authorization to disclose the client's
/// own records only the client, and whoever answers for them (45 CFR 164.508(c)(1)(vi), 42 CFR 2.31(a)(8)).
fn asked(template: &Template, ctx: &FormContext) -> Vec<Participant> {
    let own = matches!(template.form(), "hipaa_authorization" | "part2_consent");
    let of_own =
        |person: &&Participant| !own || matches!(person.role, ParticipantRole::Client | ParticipantRole::Guardian);
    ctx.client.participants.iter().filter(of_own).cloned().collect()
}

/// Everybody's states: the one whose rules are told, those of the people, the clinician's; each once.
fn states(ctx: &FormContext) -> Result<Vec<State>, UnknownState> {
    let mut states = vec![State::parse(&ctx.state)?];
    let others = ctx.client.participants.iter().filter_map(|person| person.state.as_deref());
    for code in others.chain(ctx.clinician_state.as_deref()) {
        let state = State::parse(code)?;
        if !states.contains(&state) {
            states.push(state);
        }
    }
    Ok(states)
}

fn check_names(ctx: &FormContext) -> Result<(), FormError> {
    let people = &ctx.client.participants;
    not_blank(&ctx.practice, "the practice's name")?;
    not_blank(&ctx.clinician, "the clinician's name")?;
    not_blank(&ctx.client.name, "the client's name")?;
    for person in people {
        not_blank(&person.name, "the name of somebody who takes part")?;
    }
    let names: BTreeSet<String> = people.iter().map(|person| compared(&person.name)).collect();
    if names.len() < people.len() {
        return Err(FormError::SameName);
    }
    if !people.iter().any(|person| person.role == ParticipantRole::Client) {
        return Err(FormError::NoClient);
    }
    Ok(())
}

fn check_facts(facts: &DisclosureFacts) -> Result<(), FormError> {
    for processor in &facts.processors {
        not_blank(processor, "the name of somebody who gets the words")?;
    }
    for vendor in &facts.vendors {
        not_blank(&vendor.name, "the name of a company that gets the words")?;
        not_blank(&vendor.does, "what a company does with the words")?;
        if let Some(place) = &vendor.place {
            not_blank(place, "where a company's computers are")?;
        }
        for other in &vendor.passes_on_to {
            not_blank(other, "the name of somebody who gets the words from a company")?;
        }
    }
    for backup in &facts.backups {
        not_blank(&backup.place, "where copies go")?;
    }
    for gateway in &facts.gateways {
        not_blank(&gateway.name, "the name of a way for sound")?;
        not_blank(&gateway.way, "the way sound takes")?;
    }
    if facts.drafting.is_empty() {
        return Err(FormError::Blank { what: "the list of models that may draft" });
    }
    for model in std::iter::once(&facts.speech).chain(&facts.voice_activity).chain(&facts.drafting) {
        not_blank(&model.name, "a model's name")?;
        not_blank(&model.maker, "a model's maker")?;
    }
    not_blank(&facts.retention.note_basis, "why the note is kept so long")
}

fn check_particulars(particulars: &Particulars) -> Result<(), FormError> {
    if let Some(shared) = &particulars.shared {
        if shared.what.is_empty() || shared.who.is_empty() {
            return Err(FormError::Blank { what: "what is shared, or with whom" });
        }
        for one in &shared.who {
            not_blank(one, "with whom it is shared")?;
        }
    }
    if let Some(authorization) = &particulars.authorization {
        not_blank(&authorization.information, "what is to be disclosed")?;
        not_blank(&authorization.purpose, "why it is disclosed")?;
        if authorization.sources.is_empty() || authorization.recipients.is_empty() {
            return Err(FormError::Blank { what: "who discloses, or who receives" });
        }
        for one in authorization.sources.iter().chain(&authorization.recipients).chain(&authorization.intermediaries) {
            not_blank(one, "the name of somebody who discloses or receives")?;
        }
        if let Some(event) = &authorization.ends {
            not_blank(event, "the event that ends the consent")?;
        }
    }
    Ok(())
}

/// What the template cannot do without, in this context.
fn check_needs(template: &Template, ctx: &FormContext) -> Result<(), FormError> {
    let particulars = &ctx.particulars;
    let missing = [
        ("shared", particulars.shared.is_none(), "what is shared, with whom and for how long"),
        ("authorization", particulars.authorization.is_none(), "what is disclosed, by whom, to whom and why"),
        ("amends", particulars.amends.is_none(), "the form that was signed before"),
        (
            "guardians",
            !ctx.client.participants.iter().any(|person| person.role == ParticipantRole::Guardian),
            "a parent or guardian among those who take part",
        ),
    ];
    let lacks = |what| Err(FormError::Needs { template: template.name(), what });
    for (name, none, what) in missing {
        if none && template.asks_for(name) {
            return lacks(what);
        }
    }
    let cloud = Purpose::CloudProcessing.as_str();
    if ctx.facts.vendors.is_empty() && template.purposes().iter().any(|purpose| purpose == cloud) {
        return lacks("a company that gets the words; none is configured");
    }
    if ctx.particulars.amends.as_ref().is_some_and(|form| form.client != ctx.client.client)
        && template.asks_for("amends")
    {
        return lacks("a form of this client; the one given is another's");
    }
    Ok(())
}

/// A form about recording tells everything of substance, or it is not made.
fn check_told(template: &Template, facts: &DisclosureFacts) -> Result<(), FormError> {
    if template.form() != "recording" {
        return Ok(());
    }
    let tells = [
        ("place", facts.place != Place::ThisComputer, "the place where the work is done"),
        ("isolated", facts.isolation == Isolation::Overridden, "a missing guard around the models"),
        ("processors", !facts.processors.is_empty(), "others who get the words"),
        ("vendors", !facts.vendors.is_empty(), "the companies that get the words"),
        ("backups", !facts.backups.is_empty(), "backup copies"),
        ("gateways", !facts.gateways.is_empty(), "the way the sound takes"),
    ];
    for (name, so, what) in tells {
        if so && !template.asks_for(name) {
            return Err(FormError::Untold { template: template.name(), what });
        }
    }
    Ok(())
}

/// The values for a template, checked; and when the consent ends.
///
/// # Errors
/// [`FormError`] for blanks, a bad date of birth, somebody under age without a guardian, and where the
/// template lacks something or would not be true.
pub fn form_context(template: &Template, ctx: &FormContext) -> Result<(FormValues, Time), FormError> {
    let states = states(ctx)?;
    check_names(ctx)?;
    check_facts(&ctx.facts)?;
    check_particulars(&ctx.particulars)?;
    let age = if template.asks_for("majority") {
        states.iter().map(|state| majority(*state)).max().unwrap_or(OF_AGE)
    } else {
        OF_AGE
    };
    let of_age = comes_of_age(ctx.client.born.as_deref(), ctx.made, age)?;
    let has = |role: ParticipantRole| ctx.client.participants.iter().any(|person| person.role == role);
    if (of_age.is_some() || has(ParticipantRole::Minor)) && !has(ParticipantRole::Guardian) {
        return Err(FormError::NoGuardian);
    }
    check_needs(template, ctx)?;
    check_told(template, &ctx.facts)?;
    let mut latest = ctx.expires;
    if let Some(form) = ctx.particulars.amends.as_ref().filter(|_| template.asks_for("amends")) {
        latest = latest.min(form.expires);
        let told = news::news(&form.facts, &ctx.facts, template.lang());
        let promise = form.promise;
        let ends = |weight: Weight| match promise {
            Promise::AnyChange => weight != Weight::Form,
            Promise::ForWorse => weight == Weight::Substance,
        };
        if !told.iter().any(|(weight, _)| ends(*weight)) {
            return Err(FormError::NothingNew);
        }
    }
    let expires = of_age.map_or(latest, |of_age| of_age.min(latest));
    if expires <= ctx.made {
        return Err(FormError::Ends);
    }
    let ages = values::Ages { majority: age, under_age: of_age.is_some(), ends_of_age: expires < latest };
    Ok((values::values(template, ctx, &asked(template, ctx), &states, ages, expires), expires))
}

/// What a place left to fill in looks like. Values cannot look so: underscores, braces and
/// brackets in them are escaped.
const BLANKS: &[&str] =
    &["__", "{{", "}}", "{%", "[ ]", "[name", "[date", "[client", "[clinician", "TBD", "TODO", "XXX"];

/// The first place to fill in that a rendered text still has, such as `__` or an empty box `[ ]`. Names and other
/// values cannot look like one: their underscores, braces and brackets are escaped. Words such as `TODO` are looked
/// for before values are put in, and not here.
#[must_use]
pub fn blank_in(text: &str) -> Option<&'static str> {
    BLANKS.iter().copied().filter(|blank| !blank.chars().all(char::is_alphanumeric)).find(|blank| text.contains(blank))
}

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
    if needed(template.form()).is_empty() {
        let form = template.form().chars().take(40).collect();
        return Err(FormError::Kind { template: template.name(), form, known: form_kinds().collect() });
    }
    let state = State::parse(&ctx.state)?;
    if !template.jurisdictions().iter().any(|place| place == "US" || place == state.code()) {
        return Err(FormError::Jurisdiction { template: template.name(), state });
    }
    let (values, expires) = form_context(template, ctx)?;
    let (several, minor) = (values.several(), values.minor());
    let elements = missing_in_form(template.form(), &template.covered(&values)?, template.lang(), several, minor);
    if !elements.is_empty() {
        return Err(FormError::Uncovered { template: template.name(), elements });
    }
    for (_, own) in template.own_words(&values)? {
        if let Some(found) = unfilled(&own) {
            return Err(FormError::Unfilled { template: template.name(), found });
        }
    }
    let text = template.render(&values)?;
    if let Some(translation) = template.translation()
        && !text.contains(&provenote_templates::escape(translation.by))
    {
        return Err(FormError::Translation { template: template.name() });
    }
    let promise = match template.promise() {
        provenote_templates::Promise::AnyChange => Promise::AnyChange,
        provenote_templates::Promise::ForWorse => Promise::ForWorse,
    };
    // An amendment asks for what the first form asked, and promises what it promised.
    let amends = ctx.particulars.amends.as_ref().filter(|_| template.asks_for("amends"));
    Ok(ConsentForm {
        consent: ctx.consent.clone(),
        client: ctx.client.client.clone(),
        template: template.name(),
        lang: template.lang().to_owned(),
        purposes: amends.map_or(purposes, |form| form.purposes.clone()),
        participants: asked(template, ctx),
        text_sha256: Digest::of(text.as_bytes()),
        text,
        disclosure_digest: disclosure_digest(&ctx.facts),
        facts: ctx.facts.clone(),
        made: ctx.made,
        expires,
        amends: amends.map(|form| form.consent.clone()),
        promise: amends.map_or(promise, |form| form.promise),
    })
}

#[cfg(test)]
mod tests;
