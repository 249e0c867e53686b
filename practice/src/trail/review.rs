//! The periodic review of who read what (45 CFR 164.308(a)(1)(ii)(D)): facts gathered for `provenote-access`, and a person's
//! sign-off.

use std::collections::BTreeMap;

use provenote_access::Act;
use provenote_access::review::{Facts, Findings, Met, Person, Reading, Rules, review};
use provenote_ledger::{Fact, Header};
use provenote_schemas::ids::BadId;
use provenote_schemas::{ClientId, Digest, Kind, Time, UserId, digest_of};
use provenote_trail::{Event, Outcome};
use serde::{Deserialize, Serialize};

use crate::act::{Actor, Practice, fact_text};
use crate::error::PracticeError;
use crate::sessions::{bad_reference, client_of};
use crate::trail::{Known, count, numbered, said};

/// Where in the day and the week a moment falls where the practice is; the edge knows the time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// Which day, counted from any day.
    pub day: i64,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The day of the week, 1 Monday to 7 Sunday.
    pub weekday: u8,
}

/// What a review of a time found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// The first moment it looked at.
    pub from: Time,
    /// The first moment it did not look at any more.
    pub to: Time,
    /// How many openings it looked at.
    pub readings: usize,
    /// What stands out.
    pub findings: Findings,
}

impl Review {
    /// What it found, as one digest: by it a sign-off names the review that somebody looked at.
    fn digest(&self) -> Result<Digest, PracticeError> {
        digest_of(self).map_err(|error| PracticeError::BadRequest(error.to_string()))
    }
}

/// A review that was signed off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastReview {
    /// The entry.
    pub seq: u64,
    /// When.
    pub time: Time,
    /// By whom.
    pub by: String,
    /// The first moment it looked at.
    pub from: Time,
    /// The first moment it did not look at any more.
    pub to: Time,
    /// How many findings were signed off.
    pub findings: u64,
}

/// As it is sealed: what was found, and what the reviewer says of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SignedOff {
    review: serde_json::Value,
    words: String,
}

/// How many days around the time sessions are looked for, so that a reading at its edge finds its session.
const AROUND_DAYS: u32 = 60;
const DAY_MS: i64 = 86_400_000;

impl Practice {
    /// Looks for what stands out in who opened what. Grants, accounts and emergency access are judged as they are now,
    /// whatever the time: an emergency that nobody reviewed stands in every review. Family names are compared where the
    /// actor's keys open them; where they do not, the review says that it did not look.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for a time that ends before it begins.
    pub fn access_review(
        &mut self,
        actor: &Actor,
        from: Time,
        to: Time,
        local: &dyn Fn(Time) -> Local,
        rules: &Rules,
    ) -> Result<Review, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        let review = self.reviewed(actor, from, to, local, rules)?;
        let names = review.findings.not_looked_at.is_empty();
        let mut entry = self
            .entry(actor, Kind::LedgerViewed)
            .fact("review", Fact::Flag(true))
            .fact("names", Fact::Flag(names))
            .fact("from", Fact::Number(from.millis()))
            .fact("to", Fact::Number(to.millis()))
            .fact("results", count(review.readings))
            .fact("findings", count(review.findings.findings.len()))
            .fact("sha256", Fact::Text(review.digest()?.to_string()));
        for (name, value) in numbers(rules) {
            entry = entry.fact(name, Fact::Number(value));
        }
        self.append_one(actor, entry)?;
        Ok(review)
    }

    /// Signs off the review that the actor looked at last: it is made once more, over the same time and by the same rules,
    /// and has to find the same. So nobody signs what they have not seen.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::NotFound`] where the actor has looked at none since the last one was
    /// signed off; [`PracticeError::NotAllowed`] where it finds something else by now; [`PracticeError::BadRequest`] for
    /// empty words.
    pub fn sign_off_last(
        &mut self,
        actor: &Actor,
        local: &dyn Fn(Time) -> Local,
        words: &str,
    ) -> Result<(Review, u64), PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        let words = said("what you say of the findings", words)?;
        let done = self.last_review()?.map_or(0, |last| last.seq);
        let looked = self.headers(Kind::LedgerViewed, &[])?.into_iter().rev().find(|header| {
            header.seq > done && header.actor == actor.user().as_str() && header.facts.contains_key("review")
        });
        let looked = looked.ok_or_else(|| PracticeError::NotFound {
            what: "review to sign off",
            id: actor.user().to_string(),
            list: "access review",
        })?;
        let (from, to, rules) = (time_fact(&looked, "from")?, time_fact(&looked, "to")?, rules_of(&looked)?);
        // No entry of its own: what nobody is shown does not count as looked at.
        let review = self.reviewed(actor, from, to, local, &rules)?;
        if looked.facts.get("sha256").and_then(fact_text) != Some(review.digest()?.to_string().as_str()) {
            return Err(PracticeError::NotAllowed(format!(
                "the review you looked at (entry {}) finds something else by now: look at it again with `provenote access review`, and then sign it off",
                looked.seq
            )));
        }
        let seq = self.sign_off_review(actor, &review, &words)?;
        Ok((review, seq))
    }

    /// Signs a review off, with what the reviewer says of its findings.
    ///
    /// # Errors
    /// [`PracticeError::Denied`]; [`PracticeError::BadRequest`] for empty words.
    pub fn sign_off_review(&mut self, actor: &Actor, review: &Review, words: &str) -> Result<u64, PracticeError> {
        self.allow_here(actor, Act::ReviewAccess)?;
        let words = said("what you say of the findings", words)?;
        let digest = review.digest()?;
        let value = serde_json::to_value(review).map_err(|error| PracticeError::BadRequest(error.to_string()))?;
        let signed = SignedOff { review: value, words };
        let group = self.practice_group()?;
        let payload = self.seal_record(actor, &group, "review", &signed)?;
        let entry = self
            .entry(actor, Kind::AccessReviewed)
            .fact("from", Fact::Number(review.from.millis()))
            .fact("to", Fact::Number(review.to.millis()))
            .fact("findings", count(review.findings.findings.len()))
            .fact("sha256", Fact::Text(digest.to_string()))
            .payload(payload);
        self.append_one(actor, entry)
    }

    /// The review that was signed off last; reports say so.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn last_review(&self) -> Result<Option<LastReview>, PracticeError> {
        let Some(header) = self.headers(Kind::AccessReviewed, &[])?.pop() else { return Ok(None) };
        Ok(Some(LastReview {
            seq: header.seq,
            time: Time::from_millis(header.time),
            from: time_fact(&header, "from")?,
            to: time_fact(&header, "to")?,
            findings: numbered(&header, "findings").unwrap_or_default(),
            by: header.actor,
        }))
    }

    /// Until when the time before the next review was looked at: the end of the last one that was signed off, else the
    /// first entry.
    ///
    /// # Errors
    /// Where the ledger cannot be read.
    pub fn reviewed_until(&self) -> Result<Time, PracticeError> {
        match self.last_review()? {
            Some(last) => Ok(last.to),
            None => Ok(Time::from_millis(self.log.header(0)?.time)),
        }
    }

    /// What a review finds; no entry.
    fn reviewed(
        &self,
        actor: &Actor,
        from: Time,
        to: Time,
        local: &dyn Fn(Time) -> Local,
        rules: &Rules,
    ) -> Result<Review, PracticeError> {
        if to <= from {
            return Err(PracticeError::BadRequest("the time to review ends before it begins".to_owned()));
        }
        let readings = self.readings(&self.known()?, from, to, local)?;
        let findings = review(
            &Facts {
                readings: &readings,
                met: &self.met(from, to)?,
                people: &self.persons(actor)?,
                families: &self.families(actor),
                grants: &self.grants()?,
                now: self.judged_at()?,
            },
            rules,
        );
        Ok(Review { from, to, readings: readings.len(), findings })
    }

    /// Whoever opened something of a client.
    fn readings(
        &self,
        known: &Known,
        from: Time,
        to: Time,
        local: &dyn Fn(Time) -> Local,
    ) -> Result<Vec<Reading>, PracticeError> {
        let query = provenote_ledger::Query { since_ms: Some(from.millis()), ..Default::default() };
        let mut readings = Vec::new();
        let within = |header: &Header| from.millis() <= header.time && header.time < to.millis();
        for header in self.log.find(&query)?.into_iter().filter(within) {
            let row = known.row(header);
            let header = &row.header;
            let opens = matches!(row.placed.event, Some(Event::View | Event::Export | Event::Print | Event::Forward));
            let of_client = header.refs.contains_key("client");
            if !opens || !of_client || row.placed.outcome != Outcome::Allowed {
                continue;
            }
            // Lists about openings and disclosures are what a review itself is made with.
            let about_lists = [Kind::OpeningsViewed, Kind::AccountingMade, Kind::LedgerViewed];
            if about_lists.iter().any(|kind| kind.as_str() == header.kind) {
                continue;
            }
            let time = Time::from_millis(header.time);
            let Local { day, hour, weekday } = local(time);
            let user: UserId = header.actor.parse().map_err(|error: BadId| bad_reference(header, &error))?;
            readings.push(Reading { seq: header.seq, time, day, hour, weekday, user, client: client_of(header)? });
        }
        Ok(readings)
    }

    /// The sessions around a time: recorded or dictated, by whom.
    fn met(&self, from: Time, to: Time) -> Result<Vec<Met>, PracticeError> {
        let around = i64::from(AROUND_DAYS) * DAY_MS;
        let mut met = Vec::new();
        for kind in [Kind::SessionRecorded, Kind::SessionDictated] {
            for header in self.headers(kind, &[])? {
                if header.time < from.millis().saturating_sub(around)
                    || header.time > to.millis().saturating_add(around)
                {
                    continue;
                }
                met.push(Met {
                    client: client_of(&header)?,
                    clinician: header.actor.parse().map_err(|error: BadId| bad_reference(&header, &error))?,
                    time: Time::from_millis(header.time),
                });
            }
        }
        Ok(met)
    }

    /// Everybody with an account.
    fn persons(&self, actor: &Actor) -> Result<Vec<Person>, PracticeError> {
        let mut last_seen: BTreeMap<String, Time> = BTreeMap::new();
        for header in self.log.find(&provenote_ledger::Query::default())? {
            last_seen.insert(header.actor, Time::from_millis(header.time));
        }
        let mut persons = Vec::new();
        for person in self.people()?.users() {
            persons.push(Person {
                user: person.id.clone(),
                role: person.role,
                family_name: self.user_name(actor, &person.id).ok().and_then(|name| family_name(&name)),
                factor: self.factor_of(&person.id)?.is_some(),
                factor_required: self.factor_required(person.role)?,
                last_seen: last_seen.get(person.id.as_str()).copied(),
                since: person.since,
                ends: person.ends,
            });
        }
        Ok(persons)
    }

    /// The family names in each client's file, of those files that the actor's keys open; none where they open none.
    fn families(&self, actor: &Actor) -> BTreeMap<ClientId, Vec<String>> {
        let clients = self.clients(actor).unwrap_or_default();
        clients
            .into_iter()
            .map(|client| {
                let people = client.participants.iter().filter_map(|person| family_name(&person.name));
                (client.client.clone(), people.chain(family_name(&client.name)).collect())
            })
            .collect()
    }
}

/// The rules as facts of an entry.
fn numbers(rules: &Rules) -> [(&'static str, i64); 6] {
    let many = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    [
        ("from_hour", rules.from_hour.into()),
        ("to_hour", rules.to_hour.into()),
        ("weekends", rules.weekends.into()),
        ("session_days", rules.session_days.into()),
        ("bulk_clients", many(rules.bulk_clients)),
        ("idle_days", rules.idle_days.into()),
    ]
}

/// The rules that a review was made by, as its entry tells them.
fn rules_of(header: &Header) -> Result<Rules, PracticeError> {
    let number = |name: &str| numbered(header, name).ok_or_else(|| untold(header));
    let hour = |name: &str| number(name).and_then(|hour| u8::try_from(hour).map_err(|_| untold(header)));
    let days = |name: &str| number(name).and_then(|days| u32::try_from(days).map_err(|_| untold(header)));
    Ok(Rules {
        from_hour: hour("from_hour")?,
        to_hour: hour("to_hour")?,
        weekends: number("weekends")? != 0,
        session_days: days("session_days")?,
        bulk_clients: usize::try_from(number("bulk_clients")?).map_err(|_| untold(header))?,
        idle_days: days("idle_days")?,
    })
}

fn time_fact(header: &Header, name: &str) -> Result<Time, PracticeError> {
    match header.facts.get(name) {
        Some(Fact::Number(at)) => Ok(Time::from_millis(*at)),
        _ => Err(untold(header)),
    }
}

fn untold(header: &Header) -> PracticeError {
    PracticeError::Unreadable {
        seq: header.seq,
        what: "review",
        why: "its time or its rules are missing: look with `provenote access review` again".to_owned(),
    }
}

/// The family name of a name as it is signed: what stands before a comma, else the last word.
fn family_name(name: &str) -> Option<String> {
    let family = match name.split_once(',') {
        Some((family, _)) => family,
        None => name.split_whitespace().next_back()?,
    };
    Some(family.trim().to_owned()).filter(|family| !family.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_name_is_the_last_word_or_stands_before_a_comma() {
        assert_eq!(family_name("Maria Alvarez").as_deref(), Some("Alvarez"));
        assert_eq!(family_name("de la Cruz, Ana").as_deref(), Some("de la Cruz"));
        assert_eq!(family_name("  "), None);
    }
}
