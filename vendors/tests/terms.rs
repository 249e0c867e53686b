//! Terms that change: the labelled pairs, the shared cases, changes of form, and text of any kind.

use std::path::PathBuf;

use proptest::prelude::*;
use provenote_vendors::reading::Document;
use provenote_vendors::terms::{Direction, diff};
use serde::Deserialize;

mod terms_pairs;
use terms_pairs::{Reshape, bases, misplaced, pairs, reshape};

#[test]
fn the_seen_pairs_are_judged_right() {
    let (mut real, mut right, mut wrong) = (0, 0, Vec::new());
    for pair in pairs().into_iter().filter(|pair| pair.part == "seen") {
        let (old, new) = pair.texts();
        let (old, new) = (Document::from_markdown(&old), Document::from_markdown(&new));
        let found = diff(&old, &new);
        assert_eq!(misplaced(&found, &old, &new), Vec::<String>::new(), "{}", pair.id);
        let faults = pair.faults(&found);
        if pair.direction == Direction::None {
            assert_eq!(found.direction, Direction::None, "{}: an alarm on a change of form: {found:#?}", pair.id);
            assert_eq!(faults, Vec::<String>::new(), "{}", pair.id);
        } else {
            real += 1;
            right += usize::from(faults.is_empty());
            if !faults.is_empty() {
                wrong.push(format!("{}: {faults:?}\n{found:#?}", pair.id));
            }
        }
    }
    assert!(right * 10 >= real * 9, "{right} of {real} right; wrong:\n{}", wrong.join("\n"));
}

#[derive(Deserialize)]
struct Label {
    id: String,
    direction: Direction,
    new_quote: String,
}

#[test]
fn the_shared_cases_are_judged_right() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases/terms");
    let Ok(labels) = std::fs::read_to_string(folder.join("labels.yaml")) else {
        eprintln!("skipped: the shared cases of terms are not here");
        return;
    };
    let labels: Vec<Label> = serde_saphyr::from_str(&labels).expect("labels.yaml is read");
    assert!(!labels.is_empty());
    for label in labels {
        let read = |name: &str| {
            Document::from_markdown(
                &std::fs::read_to_string(folder.join(&label.id).join(name)).expect("the case's file"),
            )
        };
        let (old, new) = (read("old.md"), read("new.md"));
        let found = diff(&old, &new);
        assert_eq!(misplaced(&found, &old, &new), Vec::<String>::new(), "{}", label.id);
        assert_eq!(found.direction, label.direction, "{}: {found:#?}", label.id);
        let quoted = found.changes.iter().any(|change| change.new_quote.contains(&label.new_quote));
        assert!(quoted, "{}: {:?} is not quoted in {found:#?}", label.id, label.new_quote);
    }
}

#[test]
fn what_stays_permitted_is_told_beside_half_a_promise() {
    let old = "## Use\n\nWe may use your content to train our AI models.\n\nWrite to us.\n";
    let new = "## Use\n\nWe may use your content to train our AI models. We will not use audio to train AI models without your consent.\n\nWrite to us.\n";
    let found = diff(&Document::from_markdown(old), &Document::from_markdown(new));
    assert_eq!(found.direction, Direction::PartlyBetter, "{found:#?}");
    assert_eq!(found.stays[0].quote, "We may use your content to train our AI models.");
}

#[test]
fn nothing_is_compared_with_nothing() {
    for (old, new) in [("", ""), ("", "A."), ("A.", ""), ("We do not sell data.", "We do not sell data.")] {
        let found = diff(&Document::from_markdown(old), &Document::from_markdown(new));
        assert_eq!(
            (found.direction, found.changes.len()),
            (Direction::None, usize::from(found.caution.is_some())),
            "{old} {new}"
        );
    }
}

#[test]
fn the_json_has_the_keys_that_scripts_rely_on() {
    let old = Document::from_markdown("We do not sell your content.\n\nThe end of it.\n");
    let new = Document::from_markdown("The end of it.\n");
    let json = serde_json::to_value(diff(&old, &new)).expect("JSON");
    assert_eq!(json["direction"], "worse");
    assert_eq!(json["changes"][0]["type"], "no_sale_promise_removed");
    assert_eq!(json["changes"][0]["old_quote"], "We do not sell your content.");
    assert_eq!(json["changes"][0]["new_quote"], "");
    assert_eq!(json["changes"][0]["old_start"], 0);
    assert!(json["changes"][0]["new_start"].is_null());
}

fn shapes() -> impl Strategy<Value = Vec<Reshape>> {
    let one = prop::sample::select(vec![
        Reshape::Duplicate,
        Reshape::Reorder,
        Reshape::Typography,
        Reshape::Whitespace,
        Reshape::Links,
        Reshape::Numbering,
    ]);
    prop::collection::vec(one, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_change_of_form_raises_no_alarm(base in 0_usize..3, shapes in shapes(), number in 2_u32..40, back in any::<bool>()) {
        let old = bases().into_values().nth(base).expect("a base").to_owned();
        let mut new = old.clone();
        for shape in shapes {
            new = reshape(&new, shape);
        }
        // Another numbering of the headings, another date, another address.
        new = new.lines().map(|line| match line.strip_prefix("## ") {
            Some(rest) => {
                let title = rest.split_once(". ").map_or(rest, |(_, title)| title);
                format!("## {number}. {title}\n")
            }
            None => format!("{line}\n"),
        }).collect();
        new = new.replace("March 2025", "April 2026").replace("January 15, 2024", "May 1, 2026").replace("@", &format!("{number}@"));
        let (old, new) = (Document::from_markdown(&old), Document::from_markdown(&new));
        let (from, to) = if back { (&new, &old) } else { (&old, &new) };
        let found = diff(from, to);
        prop_assert_eq!(found.direction, Direction::None, "{:#?}", found);
        prop_assert!(found.changes.iter().all(|change| change.kind == "fetch_artifact"), "{:#?}", found);
        prop_assert!(back || found.changes.is_empty(), "{:#?}", found);
    }

    #[test]
    fn no_text_makes_it_panic_or_misquote(old in any_text(), new in any_text()) {
        for read in [Document::from_markdown, Document::from_text] {
            let (old, new) = (read(&old), read(&new));
            let found = diff(&old, &new);
            prop_assert_eq!(misplaced(&found, &old, &new), Vec::<String>::new());
        }
    }
}

/// Scraps of agreements among signs of any kind.
fn any_text() -> impl Strategy<Value = String> {
    let scrap = prop::sample::select(vec![
        "We do not sell your content. ",
        "We may use your inputs to train our AI models",
        ", unless you opt out. ",
        "\n\n- ",
        "\n\n## 3.1 (a) ",
        "**[Your data](http://x.example/(y)**",
        "\u{a0}“we’ll keep recordings for thirty (30) days” ",
        "é\u{ad}\u{200b}ß except ",
        "You agree not to:\n\n* share personal data with third parties;\n",
        "| a | b |\n|---|---|\n| we sell data | no |\n",
    ]);
    let piece = prop_oneof![3 => scrap.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}
