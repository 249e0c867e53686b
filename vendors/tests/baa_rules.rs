//! A practice's own rules: added, replaced, tried on their own examples, and refused with file, line and column.

use provenote_vendors::baa::{Rules, RulesError, review};
use provenote_vendors::reading::Document;

const OWN: &str = "red_flags:
  - id: OWN-01
    title: Fees for records
    severity: medium
    yes:
      - any: ['VENDOR ~~ >(?:fee|charge|charges) ~~ PHI']
    examples:
      must: ['Vendor may charge a fee for copies of PHI.']
      must_not: ['Vendor may not charge a fee for PHI.']
";

fn bundled() -> Rules {
    Rules::bundled().expect("the bundled rules")
}

#[test]
fn a_practice_can_add_a_rule() {
    let rules = bundled().with("own.yaml", OWN).expect("a sound file");
    let found = review(&Document::from_text("Vendor may charge Practice for each copy of PHI."), &rules);
    let flag = found.red_flags.iter().find(|flag| flag.id == "OWN-01").expect("the practice's own flag");
    assert_eq!((flag.quote.start, flag.quote.end), (0, 48));
}

#[test]
fn a_file_that_is_no_rules_is_refused_with_its_place() {
    let refused =
        bundled().with("own.yaml", "red_flags:\n  - id: OWN-01\n    titel: x\n").expect_err("a key that is none");
    assert!(matches!(&refused, RulesError::Malformed { line: 3, .. }), "{refused}");
    let pattern = OWN.replace("(?:fee|charge|charges)", "(?:fee|{nobody})");
    let refused = bundled().with("own.yaml", &pattern).expect_err("a list of words that is none");
    assert!(matches!(&refused, RulesError::Pattern { line: 6, .. }), "{refused}");
}

#[test]
fn a_rule_that_fails_its_own_example_is_refused() {
    let wrong = OWN.replace("Vendor may charge a fee for copies of PHI.", "Vendor shall encrypt PHI.");
    let refused = bundled().with("own.yaml", &wrong).expect_err("an example that does not match");
    assert!(matches!(&refused, RulesError::Example { line: 8, .. }), "{refused}");
}

#[test]
fn nothing_and_nonsense_are_said_to_be_no_agreement() {
    for text in ["", "   \n", "Lorem ipsum.", "]]] [[[ ((( )", "\u{1F600} “”"] {
        let found = review(&Document::from_text(text), &bundled());
        assert!(!found.kind.is_baa);
        assert!(
            found.verdict[0].starts_with("This does not read as a business associate agreement, because "),
            "{}",
            found.verdict[0]
        );
    }
}

#[test]
fn the_keys_of_the_printed_review_are_those_that_scripts_rely_on() {
    let found = review(
        &Document::from_text("Vendor shall notify Practice of a Breach of PHI within two (2) days of discovery."),
        &bundled(),
    );
    let json = serde_json::to_value(&found).expect("a review is JSON");
    assert_eq!(json["breach_notice"]["value"], 2);
    assert_eq!(json["breach_notice"]["unit"], "days");
    assert_eq!(json["breach_notice"]["of"], "discovery");
    assert_eq!(json["provisions"].as_array().map(Vec::len), Some(27));
    assert_eq!(json["facts"]["deidentification_permitted"]["present"], "no");
    for key in ["verdict", "is_baa", "why", "red_flags", "contradictions"] {
        assert!(json.get(key).is_some(), "{key}");
    }
}
