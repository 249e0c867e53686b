//! What an evidence bundle holds back, whoever makes it: rules as data, each with its reason, its citation and how that
//! was checked.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const RULES: &str = include_str!("../rules/withholding.yaml");

/// Why a payload is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withholding {
    /// In a word.
    pub reason: String,
    /// The class it applies to; none where the media type decides.
    #[serde(default)]
    class: Option<String>,
    /// How the media type begins it applies to; none where the class decides.
    #[serde(default)]
    media_type: Option<String>,
    /// In a sentence.
    pub why: String,
    /// The section.
    pub citation: String,
    /// How that was checked. Always shown with the citation.
    pub verification: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rules: Vec<Withholding>,
    period: Withholding,
}

/// Read once. Were the file unreadable everything would be held back (a test reads it).
static LOADED: LazyLock<Option<Rules>> = LazyLock::new(|| serde_saphyr::from_str(RULES).ok());

/// The rule that holds a payload back, if one does.
#[must_use]
pub fn held_back_by_rule(class: &str, media_type: &str) -> Option<&'static Withholding> {
    let Some(rules) = LOADED.as_ref() else { return Some(unreadable()) };
    rules.rules.iter().find(|rule| {
        rule.class.as_deref() == Some(class)
            || rule.media_type.as_deref().is_some_and(|start| media_type.starts_with(start))
    })
}

/// Why a bundle of a period holds back what belongs to clients.
#[must_use]
pub fn held_back_in_a_period() -> &'static Withholding {
    LOADED.as_ref().map_or_else(unreadable, |rules| &rules.period)
}

fn unreadable() -> &'static Withholding {
    static UNREADABLE: LazyLock<Withholding> = LazyLock::new(|| Withholding {
        reason: "no_rules".to_owned(),
        class: None,
        media_type: None,
        why: "The rules for what may be shown could not be read.".to_owned(),
        citation: "none".to_owned(),
        verification: "none".to_owned(),
    });
    &UNREADABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_citation_and_a_mark() {
        let rules = LOADED.as_ref().expect("the rules are readable");
        for rule in rules.rules.iter().chain([&rules.period]) {
            assert!(rule.citation.contains("CFR"), "{}", rule.reason);
            assert!(rule.verification.starts_with("verified from"), "{}", rule.reason);
            assert!(rule.why.ends_with('.'), "{}", rule.reason);
        }
        assert!(rules.rules.iter().all(|rule| rule.class.is_some() != rule.media_type.is_some()));
    }

    #[test]
    fn kept_apart_and_recorded_is_held_back() {
        let reason = |class, media_type| held_back_by_rule(class, media_type).map(|rule| rule.reason.as_str());
        assert_eq!(reason("psychotherapy_notes", "text/plain"), Some("psychotherapy_notes"));
        assert_eq!(reason("part2", "application/json"), Some("part2"));
        assert_eq!(reason("clinical", "audio/L16;rate=16000"), Some("recording"));
        assert_eq!(reason("clinical", "application/json"), None);
        assert_eq!(held_back_in_a_period().reason, "minimum_necessary");
    }
}
