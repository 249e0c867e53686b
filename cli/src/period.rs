//! Times as they are given on the command line: from a day or time on, and up to the end of a day or before a time.

use provenote_practice::trail::Filter;
use provenote_schemas::{Kind, Time};
use provenote_trail::{Event, Outcome};

use crate::args::{Entries, Period};
use crate::exit::Failure;

/// The first moment, where one is given.
pub(crate) fn since(period: &Period) -> Result<Option<Time>, Failure> {
    period.since.as_deref().map(parsed).transpose()
}

/// The first moment that is not meant any more. A bare date means all of that day.
pub(crate) fn until(period: &Period) -> Result<Option<Time>, Failure> {
    let Some(text) = period.until.as_deref() else { return Ok(None) };
    let time = parsed(text)?;
    Ok(Some(if text.contains('T') || text.contains(' ') { time } else { time.plus_days(1) }))
}

fn parsed(text: &str) -> Result<Time, Failure> {
    Time::parse(text).map_err(|error| Failure::Usage(error.to_string()))
}

/// What was asked for in words, as the use cases ask for it.
pub(crate) struct Wanted {
    kinds: Vec<Kind>,
    event: Option<Event>,
    outcome: Option<Outcome>,
    from: Option<Time>,
    to: Option<Time>,
}

impl Wanted {
    /// Reads every word before anything is opened.
    pub(crate) fn of(asked: &Entries) -> Result<Self, Failure> {
        let event = asked.event.as_deref().map(|word| {
            let all = || Event::ALL.iter().map(|event| event.as_str()).collect::<Vec<_>>().join(", ");
            Event::from_word(word).ok_or_else(|| Failure::Usage(format!("there is no such type: there are {}", all())))
        });
        let outcome = asked.outcome.as_deref().map(|word| {
            let all = || Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect::<Vec<_>>().join(", ");
            Outcome::from_word(word)
                .ok_or_else(|| Failure::Usage(format!("there is no such outcome: there are {}", all())))
        });
        Ok(Self {
            kinds: asked.kind.iter().map(|word| kind(word)).collect::<Result<_, _>>()?,
            event: event.transpose()?,
            outcome: outcome.transpose()?,
            from: since(&asked.period)?,
            to: until(&asked.period)?,
        })
    }

    /// The same with what names users, clients and devices.
    pub(crate) fn filter<'a>(&'a self, asked: &'a Entries) -> Filter<'a> {
        Filter {
            client: asked.client.as_deref(),
            actor: asked.actor.as_deref(),
            kinds: &self.kinds,
            event: self.event,
            outcome: self.outcome,
            device: asked.device.as_deref(),
            from: self.from,
            to: self.to,
        }
    }
}

fn kind(word: &str) -> Result<Kind, Failure> {
    Kind::from_word(word).ok_or_else(|| {
        // Of more than a hundred, those of the same family; otherwise one of each.
        let family = |kind: &str| kind.split('.').next().unwrap_or_default().to_owned();
        let mut known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        if known.iter().any(|one| family(one) == family(word)) {
            known.retain(|one| family(one) == family(word));
        } else {
            known.dedup_by_key(|one| family(one));
        }
        Failure::Usage(format!("there is no kind `{word}`: there are {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_day_is_meant_whole() {
        let period = |until: &str| Period { since: None, until: Some(until.to_owned()) };
        let end = |text: &str| until(&period(text)).ok().flatten().map(|time| time.to_string());
        assert_eq!(end("2026-01-31").as_deref(), Some("2026-02-01T00:00:00.000Z"));
        assert_eq!(end("2026-01-31T12:00:00Z").as_deref(), Some("2026-01-31T12:00:00.000Z"));
        assert!(until(&period("soon")).is_err());
    }
}
