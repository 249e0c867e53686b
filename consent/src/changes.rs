//! What differs between the facts somebody agreed to and the facts of today, and whether it ends the consent.

use provenote_schemas::consent::{ConsentForm, Promise};
use provenote_schemas::disclosure::{
    BackupFact, DisclosureFacts, GatewayFact, Isolation, ModelFact, Place, TermsWorsened, VendorFact,
};
use provenote_schemas::{ConsentId, ParticipantId, Purpose};
use serde::{Deserialize, Serialize};

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A model.
    Model,
    /// Where the work is done.
    Place,
    /// What keeps the models from network and files.
    Isolation,
    /// Who else gets sound or words, and what they do with them.
    Processor,
    /// How long things are kept.
    Retention,
    /// Where copies go.
    Backup,
    /// On which way sound reaches the practice.
    Gateway,
}

/// How much a change weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The same in other words or another order. It ends no consent.
    Form,
    /// Less is done, fewer get it, it is kept for a shorter time or better. It ends a consent whose text promises
    /// to end with any change.
    Relief,
    /// Something the signer may mind. It ends every consent.
    Substance,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// How much it weighs.
    pub weight: Weight,
    /// In words: a clause without a full stop. Names of models and companies may stand in it, of people never.
    pub words: String,
}

impl Change {
    /// Whether a consent with this promise ends.
    #[must_use]
    pub const fn ends(&self, promise: Promise) -> bool {
        match promise {
            Promise::AnyChange => !matches!(self.weight, Weight::Form),
            Promise::ForWorse => matches!(self.weight, Weight::Substance),
        }
    }
}

/// True where two stand under one name, so that nobody can say which of them changed.
fn twice<T>(list: &[T], name: impl Fn(&T) -> &String) -> bool {
    list.iter().enumerate().any(|(place, one)| list.iter().take(place).any(|other| name(other) == name(one)))
}

/// What is told of a company's terms now and was not before, and the other way round.
pub(crate) fn worse_and_no_longer<'a>(
    before: Option<&'a TermsWorsened>,
    after: Option<&'a TermsWorsened>,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let what = |terms: Option<&'a TermsWorsened>| terms.map(|terms| terms.what.as_slice()).unwrap_or_default();
    let only = |one: &'a [String], other: &'a [String]| -> Vec<&'a str> {
        one.iter().filter(|words| !other.contains(words)).map(String::as_str).collect()
    };
    (only(what(after), what(before)), only(what(before), what(after)))
}

struct Found(Vec<Change>);

impl Found {
    fn add(&mut self, subject: Subject, weight: Weight, words: String) {
        self.0.push(Change { subject, weight, words });
    }

    fn model(&mut self, what: &str, before: &ModelFact, after: &ModelFact) {
        if before.sha256 != after.sha256 {
            let words = if before.name == after.name {
                format!("the model that {what} is another version of {}", after.name)
            } else {
                format!("the model that {what} is {} instead of {}", after.name, before.name)
            };
            self.add(Subject::Model, Weight::Substance, words);
        } else if before != after {
            let words =
                format!("the model that {what} is described in other words ({} by {})", after.name, after.maker);
            self.add(Subject::Model, Weight::Form, words);
        }
    }

    /// Models are the same by their digest. One that went and one that came under the same name are two versions
    /// of it.
    fn drafting(&mut self, before: &[ModelFact], after: &[ModelFact]) {
        let said_before = self.0.len();
        let has = |list: &[ModelFact], model: &ModelFact| list.iter().any(|one| one.sha256 == model.sha256);
        let gone: Vec<&ModelFact> = before.iter().filter(|model| !has(after, model)).collect();
        for new in after.iter().filter(|model| !has(before, model)) {
            let words = if gone.iter().any(|old| old.name == new.name) {
                format!("a model that drafts the note is another version of {}", new.name)
            } else {
                format!("{} may draft the note now", new.name)
            };
            self.add(Subject::Model, Weight::Substance, words);
        }
        for old in gone.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
            self.add(Subject::Model, Weight::Relief, format!("{} no longer drafts the note", old.name));
        }
        if self.0.len() == said_before && before != after {
            let words = "the models that may draft the note are described in other words or another order".to_owned();
            self.add(Subject::Model, Weight::Form, words);
        }
    }

    /// A number of days or years; `None` is not known, which weighs more than any number.
    fn time(&mut self, subject: Subject, what: &str, before: Option<u32>, after: Option<u32>, unit: &str) {
        if before == after {
            return;
        }
        let told = |value: Option<u32>| {
            value.map_or_else(|| "a time nobody told".to_owned(), |value| format!("{value} {unit}"))
        };
        let longer = after.is_none_or(|after| before.is_some_and(|before| after > before));
        let weight = if longer { Weight::Substance } else { Weight::Relief };
        let old = before.map_or_else(|| "a time nobody told".to_owned(), |before| before.to_string());
        self.add(subject, weight, format!("{what} kept for {} instead of {old}", told(after)));
    }

    fn processors(&mut self, before: &[String], after: &[String]) {
        for new in after.iter().filter(|one| !before.contains(one)) {
            self.add(Subject::Processor, Weight::Substance, format!("{new} gets the words too"));
        }
        for gone in before.iter().filter(|one| !after.contains(one)) {
            self.add(Subject::Processor, Weight::Relief, format!("{gone} no longer gets the words"));
        }
        let same_ones = after.iter().all(|one| before.contains(one)) && before.iter().all(|one| after.contains(one));
        if before != after && same_ones {
            let words = "the list of those who get the words is in another order".to_owned();
            self.add(Subject::Processor, Weight::Form, words);
        }
    }

    fn vendor(&mut self, before: &VendorFact, after: &VendorFact) {
        let VendorFact { name, does, place, keeps_days, trains, passes_on_to, terms_worsened } = before;
        if *does != after.does {
            self.add(
                Subject::Processor,
                Weight::Substance,
                format!("what {name} does is now: {} (before: {does})", after.does),
            );
        }
        if *place != after.place {
            let words = match (&after.place, place) {
                (Some(after), Some(before)) => format!("{name} works in {after} instead of {before}"),
                (Some(after), None) => format!("{name} works in {after}, which was not told before"),
                (None, _) => format!("nobody tells any more where {name} works"),
            };
            self.add(Subject::Processor, Weight::Substance, words);
        }
        self.time(Subject::Retention, &format!("what {name} gets is"), *keeps_days, after.keeps_days, "days");
        if *trains != after.trains {
            let (weight, words) = match after.trains {
                Some(false) => (Weight::Relief, format!("{name} does not train models with what it gets")),
                Some(true) => (Weight::Substance, format!("{name} trains models with what it gets")),
                None => {
                    (Weight::Substance, format!("nobody tells any more whether {name} trains models with what it gets"))
                }
            };
            self.add(Subject::Processor, weight, words);
        }
        for new in after.passes_on_to.iter().filter(|one| !passes_on_to.contains(one)) {
            self.add(Subject::Processor, Weight::Substance, format!("{name} passes what it gets on to {new} too"));
        }
        for gone in passes_on_to.iter().filter(|one| !after.passes_on_to.contains(one)) {
            self.add(Subject::Processor, Weight::Relief, format!("{name} no longer passes what it gets on to {gone}"));
        }
        self.terms(name, terms_worsened.as_ref(), after.terms_worsened.as_ref());
    }

    fn terms(&mut self, name: &str, before: Option<&TermsWorsened>, after: Option<&TermsWorsened>) {
        if before == after {
            return;
        }
        let (new, gone) = worse_and_no_longer(before, after);
        if let Some(after) = after.filter(|_| !new.is_empty()) {
            let words = format!("{name} changed its terms for the worse ({}): it {}", after.on, new.join("; it "));
            self.add(Subject::Processor, Weight::Substance, words);
        }
        if !gone.is_empty() {
            let words = format!("there is no longer a warning about the terms of {name}: it {}", gone.join("; it "));
            self.add(Subject::Processor, Weight::Relief, words);
        }
        if new.is_empty() && gone.is_empty() {
            let words = format!("what made the terms of {name} worse is told with another date or in another order");
            self.add(Subject::Processor, Weight::Form, words);
        }
    }

    fn vendors(&mut self, before: &[VendorFact], after: &[VendorFact]) {
        let said_before = self.0.len();
        if before != after && (twice(before, |one| &one.name) || twice(after, |one| &one.name)) {
            let words = "what the companies do that get sound or words is told anew".to_owned();
            self.add(Subject::Processor, Weight::Substance, words);
        }
        for new in after {
            match before.iter().find(|old| old.name == new.name) {
                Some(old) => self.vendor(old, new),
                None => {
                    let place = new.place.as_ref().map_or_else(|| "a place nobody told".to_owned(), Clone::clone);
                    let words = format!("{} gets sound or words too ({}; in {place})", new.name, new.does);
                    self.add(Subject::Processor, Weight::Substance, words);
                    self.terms(&new.name, None, new.terms_worsened.as_ref());
                }
            }
        }
        for gone in before.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
            self.add(Subject::Processor, Weight::Relief, format!("{} no longer gets sound or words", gone.name));
        }
        if self.0.len() == said_before && before != after {
            let words = "the companies that get sound or words are told in another order".to_owned();
            self.add(Subject::Processor, Weight::Form, words);
        }
    }

    fn backups(&mut self, before: &[BackupFact], after: &[BackupFact]) {
        let said_before = self.0.len();
        if before != after && (twice(before, |one| &one.place) || twice(after, |one| &one.place)) {
            self.add(Subject::Backup, Weight::Substance, "where copies go is told anew".to_owned());
        }
        for new in after {
            let Some(old) = before.iter().find(|old| old.place == new.place) else {
                let sealed =
                    if new.sealed { "only the practice's keys open them" } else { "without the practice's own lock" };
                let words =
                    format!("copies go to {} as well and outlive the record by {} days, {sealed}", new.place, new.days);
                self.add(Subject::Backup, Weight::Substance, words);
                continue;
            };
            let what = format!("copies in {} are", new.place);
            self.time(Subject::Backup, &what, Some(old.days), Some(new.days), "days");
            match (old.sealed, new.sealed) {
                (true, false) => {
                    let words = format!("copies in {} are no longer locked with the practice's own keys", new.place);
                    self.add(Subject::Backup, Weight::Substance, words);
                }
                (false, true) => {
                    let words = format!("copies in {} are locked with the practice's own keys now", new.place);
                    self.add(Subject::Backup, Weight::Relief, words);
                }
                _ => {}
            }
        }
        for gone in before.iter().filter(|old| !after.iter().any(|new| new.place == old.place)) {
            self.add(Subject::Backup, Weight::Relief, format!("no copies go to {} any more", gone.place));
        }
        if self.0.len() == said_before && before != after {
            self.add(Subject::Backup, Weight::Form, "the places of copies are told in another order".to_owned());
        }
    }

    fn gateways(&mut self, before: &[GatewayFact], after: &[GatewayFact]) {
        let said_before = self.0.len();
        for new in after.iter().filter(|new| !before.contains(new)) {
            let words = format!("sound reaches the practice from {} over {}", new.name, new.way);
            self.add(Subject::Gateway, Weight::Substance, words);
        }
        for gone in before.iter().filter(|old| !after.iter().any(|new| new.name == old.name)) {
            self.add(Subject::Gateway, Weight::Relief, format!("sound no longer comes from {}", gone.name));
        }
        if self.0.len() == said_before && before != after {
            self.add(Subject::Gateway, Weight::Form, "the ways of sound are told in another order".to_owned());
        }
    }
}

/// What differs between the facts somebody agreed to and the facts of today, a clause for each change; empty only
/// where they are equal.
#[must_use]
pub fn compare(before: &DisclosureFacts, after: &DisclosureFacts) -> Vec<Change> {
    // Taken apart by name, so that a new field cannot be forgotten here.
    let DisclosureFacts {
        speech,
        voice_activity,
        drafting,
        place,
        isolation,
        processors,
        vendors,
        backups,
        gateways,
        retention,
    } = before;
    let mut found = Found(Vec::new());
    found.model("turns speech into text", speech, &after.speech);
    match (voice_activity, &after.voice_activity) {
        (Some(before), Some(after)) => found.model("finds speech", before, after),
        (Some(_), None) => {
            found.add(Subject::Model, Weight::Relief, "no model looks for speech any more".to_owned());
        }
        (None, Some(after)) => {
            found.add(
                Subject::Model,
                Weight::Substance,
                format!("a model was added that finds speech ({})", after.name),
            );
        }
        (None, None) => {}
    }
    found.drafting(drafting, &after.drafting);
    if *place != after.place {
        let (weight, words) = match after.place {
            Place::ThisComputer => (Weight::Relief, "the work is done on the practice's own computer now"),
            Place::PracticeNetwork => {
                let nearer = if *place == Place::Cloud { Weight::Relief } else { Weight::Substance };
                (nearer, "the work is done on another computer of the practice now, over its network")
            }
            Place::Cloud => (Weight::Substance, "the work is done on computers of a company now, over the internet"),
        };
        found.add(Subject::Place, weight, words.to_owned());
    }
    if *isolation != after.isolation {
        let (weight, words) = match after.isolation {
            Isolation::Enforced => (Weight::Relief, "the operating system now keeps the models from network and files"),
            Isolation::Overridden => {
                (Weight::Substance, "the operating system no longer keeps the models from network and files")
            }
        };
        found.add(Subject::Isolation, weight, words.to_owned());
    }
    found.processors(processors, &after.processors);
    found.vendors(vendors, &after.vendors);
    let kept = [
        ("recordings are", retention.audio_days, after.retention.audio_days, "days"),
        ("transcripts are", retention.transcript_days, after.retention.transcript_days, "days"),
        ("prompts and raw outputs are", retention.prompts_days, after.retention.prompts_days, "days"),
        ("drafts are", retention.drafts_days, after.retention.drafts_days, "days"),
        ("notes are", retention.note_years, after.retention.note_years, "years"),
    ];
    for (what, before, after, unit) in kept {
        found.time(Subject::Retention, what, Some(before), Some(after), unit);
    }
    if retention.note_basis != after.retention.note_basis {
        let words = "the reason for how long notes are kept is told in other words".to_owned();
        found.add(Subject::Retention, Weight::Form, words);
    }
    found.backups(backups, &after.backups);
    found.gateways(gateways, &after.gateways);
    found.0
}

/// What the short form tells that asks again only for what is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amendment {
    /// The form that is amended.
    pub amends: ConsentId,
    /// Its template, so that the new text can name it.
    pub template: String,
    /// Its language.
    pub lang: String,
    /// What it was signed for; an amendment adds no purpose.
    pub purposes: Vec<Purpose>,
    /// Everybody who signed it and has to be asked again.
    pub concerns: Vec<ParticipantId>,
    /// Every change since, those that end the consent first. Changes of form only stand for completeness.
    pub changes: Vec<Change>,
}

/// What an amendment has to tell, or `None` where nothing ends the consent. `concerns` are those whose signature
/// under the form stands, but for the change.
#[must_use]
pub fn amendment(form: &ConsentForm, today: &DisclosureFacts, concerns: &[ParticipantId]) -> Option<Amendment> {
    let mut changes = compare(&form.facts, today);
    if !changes.iter().any(|change| change.ends(form.promise)) {
        return None;
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.weight));
    Some(Amendment {
        amends: form.consent.clone(),
        template: form.template.clone(),
        lang: form.lang.clone(),
        purposes: form.purposes.clone(),
        concerns: concerns.to_vec(),
        changes,
    })
}

#[cfg(test)]
mod tests;
