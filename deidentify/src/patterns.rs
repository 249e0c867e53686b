//! Rules that find by form: `rules/patterns.yaml` and `rules/dates.yaml`, each with texts in which it must and must not
//! find something.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::identifier::Identifier;

/// A rule as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    identifier: Option<Identifier>,
    #[serde(rename = "as")]
    put: Option<String>,
    #[expect(dead_code, reason = "for the reader of the file")]
    why: Option<String>,
    pattern: String,
    /// What is removed must hold this.
    needs: Option<String>,
    /// What is removed must not hold this.
    without: Option<String>,
    /// The text before must not end with this.
    before_not: Option<String>,
    /// The sentence before must hold this.
    needs_before: Option<String>,
    /// The text after must begin with this.
    followed: Option<String>,
    /// The text after must not begin with this.
    followed_not: Option<String>,
    /// What is removed must hold a digit.
    #[serde(default)]
    with_digits: bool,
    #[serde(rename = "match")]
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests read them"))]
    finds: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests read them"))]
    leave: Vec<String>,
    #[expect(dead_code, reason = "for the reader of the file")]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fragments: BTreeMap<String, String>,
    rules: Vec<Written>,
    #[serde(default)]
    withheld: Vec<Written>,
    #[serde(default)]
    ages: Vec<Written>,
}

/// A rule made ready.
pub(crate) struct Pattern {
    #[cfg(test)]
    id: String,
    pub(crate) identifier: Identifier,
    pub(crate) put: String,
    regex: Regex,
    needs: Option<Regex>,
    without: Option<Regex>,
    before_not: Option<Regex>,
    needs_before: Option<Regex>,
    followed: Option<Regex>,
    followed_not: Option<Regex>,
    with_digits: bool,
    #[cfg(test)]
    finds: Vec<String>,
    #[cfg(test)]
    leave: Vec<String>,
}

/// One find of a pattern.
pub(crate) struct Match<'t> {
    pub(crate) at: Range<usize>,
    pub(crate) year: Option<&'t str>,
    pub(crate) month: Option<&'t str>,
    pub(crate) day: Option<&'t str>,
}

/// The rules by kind.
pub(crate) struct Patterns {
    pub(crate) forms: Vec<Pattern>,
    pub(crate) withheld: Vec<Pattern>,
    pub(crate) dates: Vec<Pattern>,
    pub(crate) ages: Vec<Pattern>,
}

/// None only where a file is unreadable, which a test rules out; a text is then withheld.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| load().ok());

pub(crate) fn patterns() -> Option<&'static Patterns> {
    PATTERNS.as_ref()
}

fn load() -> Result<Patterns, String> {
    let forms: File =
        serde_saphyr::from_str(include_str!("../rules/patterns.yaml")).map_err(|error| format!("patterns: {error}"))?;
    let dates: File =
        serde_saphyr::from_str(include_str!("../rules/dates.yaml")).map_err(|error| format!("dates: {error}"))?;
    let ready = |fragments: &BTreeMap<String, String>, rules: Vec<Written>, identifier: Identifier, put: &str| {
        rules.into_iter().map(|rule| compile(fragments, rule, identifier, put)).collect::<Result<Vec<_>, _>>()
    };
    Ok(Patterns {
        forms: ready(&forms.fragments, forms.rules, Identifier::OtherUnique, "unique")?,
        withheld: ready(&forms.fragments, forms.withheld, Identifier::OtherUnique, "withheld")?,
        dates: ready(&dates.fragments, dates.rules, Identifier::Date, "date")?,
        ages: ready(&dates.fragments, dates.ages, Identifier::Date, "age:90+")?,
    })
}

fn compile(
    fragments: &BTreeMap<String, String>,
    rule: Written,
    identifier: Identifier,
    put: &str,
) -> Result<Pattern, String> {
    let regex = |pattern: &str| {
        let mut pattern = pattern.to_owned();
        // A fragment may hold fragments; none holds itself.
        for _ in 0..4 {
            for (name, fragment) in fragments {
                pattern = pattern.replace(&format!("{{{{{name}}}}}"), fragment);
            }
        }
        // ASCII boundaries keep the fast engine also beside letters with accents.
        let pattern = pattern.replace("\\b", "(?-u:\\b)");
        RegexBuilder::new(&pattern)
            .case_insensitive(true)
            .multi_line(true)
            .size_limit(1 << 24)
            .build()
            .map_err(|error| format!("{}: {error}", rule.id))
    };
    let optional = |pattern: &Option<String>| pattern.as_deref().map(regex).transpose();
    // What must stand right after, or right before, is looked for in the rest of the text.
    let after = |pattern: &Option<String>| {
        pattern
            .as_deref()
            .map(|pattern| regex(&format!("\\A(?:{}|[^\\s\\S])", pattern.trim_start_matches('^'))))
            .transpose()
    };
    Ok(Pattern {
        regex: regex(&rule.pattern)?,
        needs: optional(&rule.needs)?,
        without: optional(&rule.without)?,
        before_not: optional(&rule.before_not)?,
        needs_before: optional(&rule.needs_before)?,
        followed: after(&rule.followed)?,
        followed_not: after(&rule.followed_not)?,
        identifier: rule.identifier.unwrap_or(identifier),
        put: rule.put.unwrap_or_else(|| put.to_owned()),
        with_digits: rule.with_digits,
        #[cfg(test)]
        finds: rule.finds,
        #[cfg(test)]
        leave: rule.leave,
        #[cfg(test)]
        id: rule.id,
    })
}

impl Pattern {
    /// Everything the rule finds, in order.
    pub(crate) fn find<'t>(&self, text: &'t str) -> Vec<Match<'t>> {
        let mut out = Vec::new();
        let mut from = 0;
        while from <= text.len() {
            let Some(found) = self.regex.captures_at(text, from) else { break };
            let Some(whole) = found.get(0) else { break };
            let x = found.name("x").unwrap_or(whole);
            // From the end of what is removed, so that the character after may begin the next find.
            from = x.end().max(from + 1);
            while !text.is_char_boundary(from) {
                from += 1;
            }
            if x.is_empty() || !self.allows(text, &x.range()) {
                continue;
            }
            let part = |name: &str| found.name(name).map(|part| part.as_str());
            out.push(Match { at: x.range(), year: part("y"), month: part("m"), day: part("d") });
        }
        out
    }

    fn allows(&self, text: &str, at: &Range<usize>) -> bool {
        let inside = &text[at.clone()];
        let line = text[..at.start].rfind('\n').map_or(0, |found| found + 1);
        let before = &text[line..at.start];
        let is = |regex: &Option<Regex>, text: &str| regex.as_ref().map(|regex| regex.is_match(text));
        is(&self.needs, inside) != Some(false)
            && is(&self.without, inside) != Some(true)
            && is(&self.before_not, before.trim_end()) != Some(true)
            && is(&self.needs_before, last_sentence(before)) != Some(false)
            && is(&self.followed, &text[at.end..]) != Some(false)
            && is(&self.followed_not, &text[at.end..]) != Some(true)
            && (!self.with_digits || inside.bytes().any(|byte| byte.is_ascii_digit()))
    }
}

/// The end of a text: what stands since its last sentence end.
fn last_sentence(before: &str) -> &str {
    before.rfind(". ").map_or(before, |at| &before[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_finds_its_examples_and_leaves_the_others() {
        let patterns = load().expect("the rules are readable");
        let mut wrong = Vec::new();
        for rule in patterns.forms.iter().chain(&patterns.withheld).chain(&patterns.dates).chain(&patterns.ages) {
            if rule.finds.is_empty() || rule.leave.is_empty() {
                wrong.push(format!("{} has no examples", rule.id));
            }
            for text in &rule.finds {
                if rule.find(text).is_empty() {
                    wrong.push(format!("{} finds nothing in: {text}", rule.id));
                }
            }
            for text in &rule.leave {
                if let Some(found) = rule.find(text).first() {
                    wrong.push(format!("{} finds {:?} in: {text}", rule.id, &text[found.at.clone()]));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_is_written_instead_is_a_tag() {
        let tag = crate::text::TAG.as_ref().expect("the pattern is right");
        let patterns = load().expect("the rules are readable");
        for rule in patterns.forms.iter().chain(&patterns.withheld).chain(&patterns.dates).chain(&patterns.ages) {
            let numbered = matches!(rule.put.as_str(), "person" | "place" | "organization" | "year");
            assert!(numbered || tag.is_match(&format!("[{}]", rule.put)), "{}: {}", rule.id, rule.put);
        }
    }

    #[test]
    fn no_two_rules_have_one_name() {
        let patterns = load().expect("the rules are readable");
        let mut names = std::collections::HashSet::new();
        for rule in patterns.forms.iter().chain(&patterns.withheld).chain(&patterns.dates).chain(&patterns.ages) {
            assert!(names.insert(&rule.id), "{}", rule.id);
        }
    }
}
