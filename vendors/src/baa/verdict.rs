//! Three sentences that a therapist understands.

use super::{BreachNotice, Contradiction, Kind, Present, Provision, RedFlag};
use crate::clauses::Unit;

/// What the law wants in every agreement (45 CFR 164.504(e)(2), 164.314(a)(2)); the rest is for some, or advice.
const REQUIRED: &[&str] = &[
    "BAA-01", "BAA-02", "BAA-03", "BAA-04", "BAA-05", "BAA-06", "BAA-09", "BAA-10", "BAA-11", "BAA-12", "BAA-14",
    "BAA-15", "BAA-16",
];

pub(super) fn verdict(
    kind: &Kind,
    provisions: &[Provision],
    flags: &[RedFlag],
    breach: Option<&BreachNotice>,
    contradictions: &[Contradiction],
) -> [String; 3] {
    if !kind.is_baa {
        return [
            format!("This does not read as a business associate agreement, because {}.", kind.why),
            match flags.iter().find(|flag| flag.basis == "sentence") {
                Some(flag) => format!("What it does say gives reason for care: {}.", lower(&flag.title)),
                None => "Nothing in it gave a reason to warn, but it does not protect your clients' information either.".to_owned(),
            },
            "Do not give this vendor anything about your clients on the strength of this document; ask for the business associate agreement itself.".to_owned(),
        ];
    }
    let needed: Vec<&Provision> =
        provisions.iter().filter(|provision| REQUIRED.contains(&provision.id.as_str())).collect();
    let missing: Vec<&&Provision> = needed.iter().filter(|provision| provision.present != Present::Yes).collect();
    let first = if missing.is_empty() {
        format!("All {} promises that HIPAA requires in such an agreement were found", needed.len())
    } else {
        let names: Vec<String> = missing.iter().take(3).map(|provision| lower(&provision.title)).collect();
        let more = if missing.len() > 3 { format!(" and {} more", missing.len() - 3) } else { String::new() };
        format!(
            "Of the {} promises that HIPAA requires in such an agreement, {} could not be found clearly: {}{more}",
            needed.len(),
            missing.len(),
            names.join("; ")
        )
    };
    let notice = match breach {
        Some(found) => {
            let unit = match found.unit {
                Unit::Hours => "hours",
                Unit::Days => "days",
                Unit::BusinessDays => "business days",
                Unit::Months => "months",
                Unit::Years => "years",
            };
            format!("you would hear of a breach within {} {unit}", found.value)
        }
        None => "it does not settle how soon you would hear of a breach".to_owned(),
    };
    let grave: Vec<&RedFlag> = flags
        .iter()
        .filter(|flag| flag.severity.starts_with("critical") || flag.severity.starts_with("high"))
        .collect();
    let mut titles: Vec<String> = Vec::new();
    for flag in &grave {
        let title = lower(&flag.title);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let second = match titles.len() {
        0 if contradictions.is_empty() => "Nothing in its words gave a serious warning.".to_owned(),
        0 => "Nothing in its words gave a serious warning, but it contradicts itself.".to_owned(),
        _ => {
            let more = if titles.len() > 3 { format!(", and {} more", titles.len() - 3) } else { String::new() };
            let contradicts = if contradictions.is_empty() { "" } else { " It also contradicts itself." };
            format!(
                "It gives serious warnings: {}{more}.{}",
                titles.iter().take(3).cloned().collect::<Vec<_>>().join("; "),
                contradicts.trim_end()
            )
            .replacen(". It also contradicts itself.", ", and it contradicts itself.", 1)
        }
    };
    let third = if missing.is_empty() && titles.is_empty() && contradictions.is_empty() {
        "Keep the signed copy for six years and read it again whenever the vendor changes its terms.".to_owned()
    } else if grave.iter().any(|flag| flag.severity.starts_with("critical")) || missing.len() > 2 {
        "Do not sign it as it stands: send the vendor the replacement wording below and wait for a written answer."
            .to_owned()
    } else {
        "Before you sign, ask the vendor about the points below and propose the replacement wording.".to_owned()
    };
    [format!("{first}, and {notice}."), second, third]
}

fn lower(title: &str) -> String {
    let mut chars = title.chars();
    match (chars.next(), chars.clone().next()) {
        // "AI features …" stays.
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().collect::<String>() + chars.as_str()
        }
        _ => title.to_owned(),
    }
}
