//! Whoever reads entries meets each kind in words: a kind that is added gets its sentence on the bundle's page too.

use provenote_schemas::Kind;

const SHOW: &str = include_str!("../../bundle/verifiers/show.js");

#[test]
fn the_page_of_a_bundle_has_a_sentence_for_every_kind() {
    let kinds = SHOW.split("const KINDS = {").nth(1).and_then(|rest| rest.split("};").next()).expect("the list");
    for kind in Kind::ALL {
        let line = kinds
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("\"{kind}\":")))
            .unwrap_or_else(|| panic!("{kind} has no sentence"));
        let sentence =
            line.split_once(": \"").map(|(_, sentence)| sentence.trim_end_matches("\",")).expect("a sentence");
        assert!(sentence.split_whitespace().count() >= 3 && !sentence.ends_with('.'), "{line}");
    }
    assert_eq!(kinds.lines().filter(|line| line.contains("\": \"")).count(), Kind::ALL.len(), "none is left over");
}
