//! What a practice's own policies would change, before they are in force.
//!
//! Two questions. [`check_added`]: does a policy permit what the keys of a role do not open, or what only an owner
//! decides? It is refused then, although the bundled guards would hold anyhow: a rule that promises what cannot happen
//! misleads whoever reads it. [`compare`]: who may do what with the new policies and could not with the old, and the
//! other way round, over a table of representative requests. The table is wide, but it is a table: what a policy makes of
//! one named client, user or moment shows only where the table has it.

use std::collections::{BTreeMap, BTreeSet};

use provenote_schemas::Role;

use crate::act::{Act, Group};
use crate::decision::keys_open;
use crate::policies::{ADDED, Place, Policies, PolicyError, PolicyFile};
use crate::representative::{Row, Variation, rows_of};
use crate::resource::ResourceKind;

/// The bundled policy that keeps ruling to owners.
const RULING_GUARD: &str = "guard-ruling";

/// A practice's own policies with the bundled ones, where nothing is wrong with them.
///
/// # Errors
/// Every [`PolicyError`], with the place in the file.
pub fn check_added(files: &[PolicyFile<'_>]) -> Result<Policies, Vec<PolicyError>> {
    let policies = Policies::with_added(files)?;
    let mut errors = Vec::new();
    for (name, policy) in policies.added_permits() {
        let alone = Policies::of_policies([policy.clone()]);
        let at = policies.place(&name).cloned().unwrap_or(Place { file: String::new(), line: 1, column: 1 });
        errors.extend(beyond(&alone, &name, &at, &variations_in([policy.to_string()])));
    }
    if errors.is_empty() { Ok(policies) } else { Err(errors) }
}

/// What one permit, taken by itself, would permit that it must not.
fn beyond(alone: &Policies, name: &str, at: &Place, variations: &[Variation]) -> Vec<PolicyError> {
    let mut found = BTreeMap::new();
    for row in rows(variations) {
        let ruled = row.act.is(Group::Ruling) && row.role != Role::Owner;
        let locked = row.act.needs_keys() && !keys_open(&row.subject(), &row.resource());
        if (!ruled && !locked) || !row.decide(alone).allowed {
            continue;
        }
        let (at, policy, act) = (at.clone(), name.to_owned(), row.act.in_words());
        let error = match row.class {
            Some(class) if locked => PolicyError::BeyondKeys { at, policy, role: row.role, act, class },
            _ => PolicyError::BeyondGuards { at, policy, role: row.role, act, guard: RULING_GUARD.to_owned() },
        };
        found.entry((row.role, row.act, row.class)).or_insert(error);
    }
    found.into_values().collect()
}

/// Something that a change of policies would allow or forbid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// True where it is newly allowed, false where it is newly forbidden.
    pub allowed: bool,
    /// To whom.
    pub role: Role,
    /// What.
    pub act: Act,
    /// On what kind of thing.
    pub kind: ResourceKind,
    /// When: each says of which class, whose and under what circumstances; one that begins `in every case` where it is
    /// always, or always but for what it names.
    pub conditions: Vec<String>,
}

/// What would be newly allowed and newly forbidden, by role, act and kind.
#[must_use]
pub fn compare(old: &Policies, new: &Policies) -> Vec<Change> {
    // A request that no added policy of either set speaks of is decided alike by both.
    let added = Policies::added_of(old, new);
    let mut variations = variations_in(added.texts());
    variations.extend([Variation::Granted, Variation::Emergency]);
    let mut flipped: BTreeMap<(Role, Act, ResourceKind, bool), BTreeSet<Row>> = BTreeMap::new();
    for row in rows(&variations) {
        if !added.speaks_of(&row) {
            continue;
        }
        let (was, is) = (row.decide(old).allowed, row.decide(new).allowed);
        if was != is {
            flipped.entry((row.role, row.act, row.kind, is)).or_default().insert(row);
        }
    }
    flipped
        .into_iter()
        .map(|((role, act, kind, allowed), rows)| {
            let conditions = conditions(&rows, &variations);
            Change { allowed, role, act, kind, conditions }
        })
        .collect()
}

fn conditions(rows: &BTreeSet<Row>, variations: &[Variation]) -> Vec<String> {
    let usual = |row: &Row| Row { variation: Variation::Usual, ..row.clone() };
    let all_usual = rows.first().is_some_and(|row| {
        rows_of(row.role, row.act, &Variation::Usual)
            .iter()
            .filter(|one| one.kind == row.kind)
            .all(|one| rows.contains(one))
    });
    if all_usual {
        let untouched = variations.iter().filter(|variation| rows.iter().all(|row| row.variation != **variation));
        let except: Vec<String> = untouched.map(Variation::in_words).collect();
        return vec![match except.as_slice() {
            [] => "in every case".to_owned(),
            except => format!("in every case except {}", except.join(" or ")),
        }];
    }
    let mut conditions: Vec<String> = rows
        .iter()
        // What holds usually need not be told again for each circumstance.
        .filter(|row| row.variation == Variation::Usual || !rows.contains(&usual(row)))
        .map(Row::condition)
        .collect();
    conditions.dedup();
    conditions
}

fn rows(variations: &[Variation]) -> impl Iterator<Item = Row> + '_ {
    let pairs = Role::ALL.iter().flat_map(|role| Act::ALL.iter().map(move |act| (*role, *act)));
    pairs.flat_map(move |(role, act)| variations.iter().flat_map(move |variation| rows_of(role, act, variation)))
}

/// The usual circumstances, and those that the policies speak of: the networks, countries, hours and days they name.
fn variations_in(texts: impl IntoIterator<Item = String>) -> Vec<Variation> {
    let mut found = BTreeSet::from([Variation::Usual]);
    for text in texts {
        for word in strings(&text) {
            if word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_uppercase()) {
                found.insert(Variation::Country(word.to_owned()));
            }
            if text.contains("context.network") {
                found.insert(Variation::Network(word.to_owned()));
            }
        }
        for number in numbers(&text) {
            if text.contains("context.hour") && number <= 24 {
                // On both sides of the bound, so that `<` and `<=` tell apart.
                found.extend([number + 23, number, number + 1].map(|hour| Variation::Hour(hour % 24)));
            }
            if text.contains("context.weekday") && (1..=7).contains(&number) {
                found.insert(Variation::Weekday(number));
                found.extend((1..=7_u8).filter(|day| day.abs_diff(number) == 1).map(Variation::Weekday));
            }
        }
        if text.contains("context.network") {
            found.insert(Variation::Network("another".to_owned()));
        }
        if text.contains("context.country") {
            found.insert(Variation::Country("ZZ".to_owned()));
        }
    }
    found.into_iter().collect()
}

/// The strings of a policy, without names of entities and actions.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    let mut parts = text.split('"');
    let mut before = parts.next().unwrap_or_default();
    std::iter::from_fn(move || {
        let word = parts.next()?;
        let own = !before.ends_with("::") && !before.ends_with('(');
        before = parts.next().unwrap_or_default();
        Some(own.then_some(word))
    })
    .flatten()
    .filter(|word| (1..=40).contains(&word.len()))
}

fn numbers(text: &str) -> impl Iterator<Item = u8> + '_ {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter_map(|word| word.parse().ok())
}

/// The policies that either of two sets adds, as a set of their own.
pub(crate) struct Added {
    set: Policies,
    texts: Vec<String>,
}

impl Policies {
    fn added_of(old: &Self, new: &Self) -> Added {
        let of = |policies: &Self| -> Vec<(String, cedar_policy::Policy)> {
            let own = policies.set().policies().filter(|policy| policy.id().to_string().starts_with(ADDED));
            own.map(|policy| (policy.to_string(), policy.clone())).collect()
        };
        let mut by_text: BTreeMap<String, cedar_policy::Policy> = BTreeMap::new();
        by_text.extend(of(old));
        by_text.extend(of(new));
        let texts = by_text.keys().cloned().collect();
        let renamed = by_text.into_values().enumerate().map(|(number, policy)| {
            // Both sets may have a policy of this name with another text.
            policy.new_id(cedar_policy::PolicyId::new(format!("{ADDED}{number}")))
        });
        Added { set: Self::of_policies(renamed), texts }
    }
}

impl Added {
    fn texts(&self) -> Vec<String> {
        self.texts.clone()
    }

    fn speaks_of(&self, row: &Row) -> bool {
        if self.texts.is_empty() {
            return false;
        }
        let decision = row.decide(&self.set);
        !decision.policies.is_empty() || !decision.errors.is_empty()
    }
}

#[cfg(test)]
mod tests;
