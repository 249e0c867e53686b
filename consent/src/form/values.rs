//! The values a consent template may use, and nothing else.

use provenote_schemas::Time;
use provenote_schemas::consent::Promise;
use provenote_schemas::disclosure::{Isolation, ModelFact, Place, VendorFact};
use provenote_schemas::people::{Participant, ParticipantRole};
use provenote_templates::Template;
use serde::Serialize;

use super::passages::{LawValues, RecordingValues, laws, recording};
use super::{FormContext, words};
use crate::changes::Weight;
use crate::states::{AiNotice, State, consent_years, minor_note_retention};
use crate::worsening::worsened_in;

/// Hexadecimal digits of a model's SHA-256 that the form prints; the record holds all 64.
const SHORT: usize = 12;

/// The values a consent template may use, and nothing else. Whatever is not so for this client is `none`, false or
/// an empty list, never missing.
#[derive(Debug, Clone, Serialize)]
pub struct FormValues {
    /// Id and version.
    template: String,
    /// ISO 639-1.
    lang: String,
    /// Who translated the template.
    translation: Option<TranslationValues>,
    practice: String,
    clinician: String,
    license: Option<String>,
    /// The name of the state whose rules are told first.
    state: &'static str,
    client: String,
    people: Vec<Person>,
    /// Names of parents and guardians.
    guardians: Vec<String>,
    /// Names of those who are asked beside a guardian: the client, or others under age.
    young: String,
    /// More than one person besides guardians.
    several: bool,
    /// Somebody is under age, or a guardian takes part.
    minor: bool,
    /// The client's date of birth shows that they are under age.
    under_age: bool,
    /// The age at which somebody signs alone: the highest of the states that apply.
    majority: u8,
    made: String,
    expires: String,
    /// The consent ends early because the client comes of age.
    ends_of_age: bool,
    /// The same, for `ai-notes@1`.
    ends_at_18: bool,
    speech: ModelValues,
    voice_activity: Option<ModelValues>,
    drafting: Vec<ModelValues>,
    place: PlaceValues,
    isolated: bool,
    processors: Vec<String>,
    vendors: Vec<VendorValues>,
    /// A company trains models with the words, or did not say that it does not, or changed its terms for the worse.
    may_train: bool,
    /// A company changed its terms for the worse.
    terms_worsened: bool,
    backups: Vec<BackupValues>,
    gateways: Vec<GatewayValues>,
    kept: KeptValues,
    /// The rule on recording of every state that may apply.
    recording: Vec<RecordingValues>,
    /// The laws and bills on AI of every state that may apply.
    laws: Vec<LawValues>,
    /// The law that asks for a written notice of AI in `state`, for `ai-notes@1`.
    ai_notice: Option<&'static AiNotice>,
    shared: Option<SharedValues>,
    authorization: Option<AuthorizationValues>,
    amends: Option<AmendsValues>,
}

#[derive(Debug, Clone, Serialize)]
struct TranslationValues {
    by: String,
    reviewed: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Person {
    name: String,
    /// In words.
    role: &'static str,
    /// The role's word in records, such as `guardian`.
    kind: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct ModelValues {
    name: String,
    maker: String,
    short: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct PlaceValues {
    here: bool,
    network: bool,
    cloud: bool,
}

#[derive(Debug, Clone, Serialize)]
struct VendorValues {
    name: String,
    does: String,
    place: Option<String>,
    /// How long it keeps things.
    keeps: Option<String>,
    /// `yes`, `no` or `unknown`.
    trains: &'static str,
    passes_on_to: Vec<String>,
    /// How its terms became worse.
    worsened: Option<WorsenedValues>,
}

#[derive(Debug, Clone, Serialize)]
struct WorsenedValues {
    /// The day, in words.
    on: String,
    /// Clauses without a full stop.
    what: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct BackupValues {
    place: String,
    sealed: bool,
    days: String,
}

#[derive(Debug, Clone, Serialize)]
struct GatewayValues {
    name: String,
    way: String,
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
    /// The same as numbers, for a template in a language that has no words here.
    numbers: KeptNumbers,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct KeptNumbers {
    audio_days: u32,
    transcript_days: u32,
    prompts_days: u32,
    drafts_days: u32,
    note_years: u32,
    form_years: u32,
}

#[derive(Debug, Clone, Serialize)]
struct SharedValues {
    what: Vec<&'static str>,
    who: Vec<String>,
    kept: String,
    names_removed: bool,
}

#[derive(Debug, Clone, Serialize)]
struct AuthorizationValues {
    information: String,
    sources: Vec<String>,
    recipients: Vec<String>,
    purpose: String,
    ends: Option<String>,
    care_payment_operations: bool,
    intermediaries: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct AmendsValues {
    made: String,
    template: String,
    /// Changes that must be agreed to.
    news: Vec<String>,
    /// Changes that need not be.
    less: Vec<String>,
}

impl ModelValues {
    fn of(model: &ModelFact) -> Self {
        let short = model.sha256.to_string().chars().take(SHORT).collect();
        Self { name: model.name.clone(), maker: model.maker.clone(), short }
    }
}

impl VendorValues {
    fn of(vendor: &VendorFact, lang: &str) -> Self {
        Self {
            name: vendor.name.clone(),
            does: vendor.does.clone(),
            place: vendor.place.clone(),
            keeps: vendor.keeps_days.map(|days| words::days(days, lang)),
            trains: match vendor.trains {
                Some(true) => "yes",
                Some(false) => "no",
                None => "unknown",
            },
            passes_on_to: vendor.passes_on_to.clone(),
            worsened: vendor.terms_worsened.as_ref().map(|terms| WorsenedValues {
                on: words::day(&terms.on, lang),
                what: terms.what.iter().map(|one| worsened_in(one, lang).to_owned()).collect(),
            }),
        }
    }
}

impl FormValues {
    pub(super) const fn several(&self) -> bool {
        self.several
    }

    pub(super) const fn minor(&self) -> bool {
        self.minor
    }
}

/// What the dates of birth say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    pub(super) majority: u8,
    pub(super) under_age: bool,
    pub(super) ends_of_age: bool,
}

/// Puts everything into words; the context was checked before. `people` are those who are asked to sign.
pub(super) fn values(
    template: &Template,
    ctx: &FormContext,
    people: &[Participant],
    states: &[State],
    ages: Ages,
    expires: Time,
) -> FormValues {
    let lang = template.lang();
    let spanish = lang == "es";
    let names = |role: ParticipantRole| -> Vec<String> {
        people.iter().filter(|person| person.role == role).map(|person| person.name.clone()).collect()
    };
    let guardians = names(ParticipantRole::Guardian);
    let minors = names(ParticipantRole::Minor);
    let mut young = minors.clone();
    if ages.under_age || minors.is_empty() {
        young.insert(0, ctx.client.name.clone());
    }
    let retention = &ctx.facts.retention;
    let form_years = consent_years().0;
    let state = states.first().copied();
    FormValues {
        template: template.name(),
        lang: lang.to_owned(),
        translation: template.translation().map(|translation| TranslationValues {
            by: translation.by.to_owned(),
            reviewed: translation.reviewed_by_person,
        }),
        practice: ctx.practice.clone(),
        clinician: ctx.clinician.clone(),
        license: ctx.license.clone().filter(|license| !license.trim().is_empty()),
        state: state.map_or("", State::name),
        client: ctx.client.name.clone(),
        people: people
            .iter()
            .map(|person| Person {
                name: person.name.clone(),
                role: words::role(person.role, spanish),
                kind: person.role.as_str(),
            })
            .collect(),
        minor: ages.under_age || !guardians.is_empty() || !minors.is_empty(),
        guardians,
        young: words::list(&young, lang),
        several: people.iter().filter(|person| person.role != ParticipantRole::Guardian).count() > 1,
        under_age: ages.under_age,
        majority: ages.majority,
        made: words::date(ctx.made, lang),
        expires: words::date(expires, lang),
        ends_of_age: ages.ends_of_age,
        ends_at_18: ages.ends_of_age,
        speech: ModelValues::of(&ctx.facts.speech),
        voice_activity: ctx.facts.voice_activity.as_ref().map(ModelValues::of),
        drafting: ctx.facts.drafting.iter().map(ModelValues::of).collect(),
        place: PlaceValues {
            here: ctx.facts.place == Place::ThisComputer,
            network: ctx.facts.place == Place::PracticeNetwork,
            cloud: ctx.facts.place == Place::Cloud,
        },
        isolated: ctx.facts.isolation == Isolation::Enforced,
        processors: ctx.facts.processors.clone(),
        vendors: ctx.facts.vendors.iter().map(|vendor| VendorValues::of(vendor, lang)).collect(),
        may_train: ctx
            .facts
            .vendors
            .iter()
            .any(|vendor| vendor.trains != Some(false) || vendor.terms_worsened.is_some()),
        terms_worsened: ctx.facts.vendors.iter().any(|vendor| vendor.terms_worsened.is_some()),
        backups: ctx
            .facts
            .backups
            .iter()
            .map(|backup| BackupValues {
                place: backup.place.clone(),
                sealed: backup.sealed,
                days: words::days(backup.days, lang),
            })
            .collect(),
        gateways: ctx
            .facts
            .gateways
            .iter()
            .map(|gateway| GatewayValues { name: gateway.name.clone(), way: gateway.way.clone() })
            .collect(),
        kept: KeptValues {
            audio: words::days(retention.audio_days, lang),
            transcript: words::days(retention.transcript_days, lang),
            prompts: words::days(retention.prompts_days, lang),
            drafts: words::days(retention.drafts_days, lang),
            note_years: words::years(retention.note_years, lang),
            form_years: words::years(form_years, lang),
            note_basis: retention.note_basis.clone(),
            minor_rule: state.map(minor_note_retention).unwrap_or_default(),
            numbers: KeptNumbers {
                audio_days: retention.audio_days,
                transcript_days: retention.transcript_days,
                prompts_days: retention.prompts_days,
                drafts_days: retention.drafts_days,
                note_years: retention.note_years,
                form_years,
            },
        },
        recording: recording(states, lang),
        laws: laws(states, lang),
        ai_notice: state.and_then(State::ai_notice),
        shared: ctx.particulars.shared.as_ref().map(|shared| SharedValues {
            what: shared.what.iter().map(|one| words::material(*one, spanish)).collect(),
            who: shared.who.clone(),
            kept: words::days(shared.kept_days, lang),
            names_removed: shared.names_removed,
        }),
        authorization: ctx.particulars.authorization.as_ref().map(|one| AuthorizationValues {
            information: one.information.clone(),
            sources: one.sources.clone(),
            recipients: one.recipients.clone(),
            purpose: one.purpose.clone(),
            ends: one.ends.clone(),
            care_payment_operations: one.care_payment_operations,
            intermediaries: one.intermediaries.clone(),
        }),
        amends: ctx.particulars.amends.as_ref().map(|form| {
            let told = super::news::news(&form.facts, &ctx.facts, lang);
            let asked = |weight: Weight| match form.promise {
                Promise::AnyChange => weight != Weight::Form,
                Promise::ForWorse => weight == Weight::Substance,
            };
            let of = |wanted: bool| {
                told.iter()
                    .filter(|(weight, _)| *weight != Weight::Form && asked(*weight) == wanted)
                    .map(|(_, words)| words.clone())
                    .collect()
            };
            AmendsValues {
                made: words::date(form.made, lang),
                template: form.template.clone(),
                news: of(true),
                less: of(false),
            }
        }),
    }
}
