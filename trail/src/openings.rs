//! Who opened a client's file, in words a client can be shown: `rules/openings.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use provenote_schemas::Kind;
use serde::Deserialize;

use crate::record::Record;

const RULES: &str = include_str!("../rules/openings.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    openings: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    kind: Kind,
    says: String,
    #[serde(default)]
    handed: bool,
}

static LOADED: LazyLock<BTreeMap<Kind, Rule>> = LazyLock::new(|| {
    let rules: Option<Rules> = serde_saphyr::from_str(RULES).ok();
    rules.into_iter().flat_map(|rules| rules.openings).map(|rule| (rule.kind, rule)).collect()
});

/// What an entry tells a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// What was done, in a sentence without its end, never what was in it.
    pub says: &'static str,
    /// True where something left the practice's records.
    pub handed: bool,
}

/// What an entry tells of an opening; none where it is none.
#[must_use]
pub fn opened(record: &Record) -> Option<Opened> {
    let rule = LOADED.get(&Kind::from_word(&record.kind)?)?;
    Some(Opened { says: &rule.says, handed: rule.handed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Event, place};
    use crate::samples::record;

    #[test]
    fn whatever_opens_hands_out_or_breaks_the_glass_is_told() {
        assert!(!LOADED.is_empty());
        for kind in Kind::ALL {
            let one = record(kind.as_str(), &[("client", "cli-0")]);
            let must = matches!(
                place(&one).event,
                Some(Event::View | Event::Print | Event::Forward | Event::Disclosure | Event::EmergencyAccess)
            );
            // These three name no client, or tell of what was told before.
            let of_none = [Kind::RecoveryPrinted, Kind::GrantReviewed].contains(kind);
            assert!(!must || of_none || opened(&one).is_some(), "{kind} opens something and is not told");
        }
        for rule in LOADED.values() {
            assert!(
                rule.says.chars().next().is_some_and(char::is_uppercase) && !rule.says.ends_with('.'),
                "{}",
                rule.says
            );
        }
    }
}
