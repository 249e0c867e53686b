//! What must hold for any text.

use std::num::NonZeroI32;

use proptest::prelude::*;
use provenote_deidentify::{Cleaned, Dates, Known, Options, Roster, Who, clean, clean_parts};

const SEED: [u8; 32] = [5; 32];

/// Names that are no English words, in several spellings; what the practice would know.
const NAMES: &[&str] = &[
    "Marisela",
    "Oyelaran",
    "Nguyễn",
    "Siobhán",
    "O'Shaughnessy",
    "Abernathy-Cole",
    "Xochitl",
    "Bo",
    "Małgorzata",
    "Zoë",
    "Ji-woo",
    "Krzysztof",
    "al-Rashid",
    "Thandiwe",
    "Jörg",
    "D'Angelo",
    "Yesenia",
    "Ezekiel",
    "Wu",
    "Raghunathan",
];

/// Pieces of text as they stand in transcripts and notes, and pieces that stand nowhere.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "I told ",
            "my brother ",
            "Dr. ",
            "May ",
            "will ",
            "Hope ",
            "on March 3, 2019",
            "born 1931",
            "she is ninety-two years old",
            "five five five, one two three four",
            "415-555-0133",
            "MRN 4481920",
            "in Fresno, California ",
            "the mayor's daughter ",
            "Client reports ",
            "GAD-7 of 12",
            "sertraline 50 mg",
            "http://x.example.org/a?b",
            "[person-412]",
            "[date:2019]",
            "[",
            "]",
            "[person-",
            "K-R-Z-Y-S",
            ". ",
            "\n",
            ", ",
            "'s ",
            "’s ",
            "? ",
            ": ",
            "\"",
            "Street ",
            "48 Alder Court ",
            "10:53",
            "7/10",
            "@maria_l",
            "the third of May",
            "last Tuesday the 4th",
            "ZIP 97214",
            "Ms. de la ",
            "王伟",
            "Ольга",
            "\u{200b}",
            "İ",
            "ß",
            "ﬁ",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        "[a-zA-Z]{1,9} ",
        "[0-9]{1,5}[ /.:-]?",
        "\\PC{0,6}",
        any::<char>().prop_map(String::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

fn options() -> impl Strategy<Value = Options> {
    let dates = prop_oneof![
        Just(Dates::Years),
        (1..4000_i32, any::<bool>()).prop_map(|(days, back)| Dates::Shifted {
            days: NonZeroI32::new(if back { -days } else { days }).expect("not zero")
        }),
    ];
    (dates, prop::option::of(1990..2040_i32)).prop_map(|(dates, written)| Options { dates, written })
}

fn roster() -> impl Strategy<Value = Roster> {
    prop::collection::vec(prop::sample::subsequence(NAMES.to_vec(), 1..3), 0..4).prop_map(|people| Roster {
        people: people.into_iter().map(|names| Known { who: Who::Family, names: vec![names.join(" ")] }).collect(),
        ..Roster::default()
    })
}

/// The text is the one given, with each removed stretch replaced by its surrogate.
fn positions_are_right(text: &str, cleaned: &Cleaned) {
    let (mut at, mut stands_at) = (0, 0);
    for one in &cleaned.removed {
        assert!(one.at.start >= at && one.at.start < one.at.end, "in order, and not empty");
        assert_eq!(text[at..one.at.start], cleaned.text[stands_at..one.stands_at.start]);
        assert_eq!(cleaned.text[one.stands_at.clone()], one.surrogate);
        at = one.at.end;
        stands_at = one.stands_at.end;
    }
    assert_eq!(text[at..], cleaned.text[stands_at..]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_cleaned_or_withheld(text in text(), roster in roster(), options in options()) {
        let cleaned = clean(&text, &roster, &options, &SEED);
        if cleaned.withheld.is_some() {
            prop_assert_eq!(&cleaned.text, "");
        } else {
            positions_are_right(&text, &cleaned);
        }
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(text in text(), roster in roster(), options in options()) {
        let once = clean(&text, &roster, &options, &SEED);
        prop_assume!(once.withheld.is_none());
        let twice = clean(&once.text, &roster, &options, &SEED);
        prop_assert!(twice.removed.is_empty(), "{:?} in {:?}", twice.removed, once.text);
    }

    #[test]
    fn no_name_of_the_roster_survives(
        name in prop::sample::select(NAMES.to_vec()),
        form in 0..7_usize,
        before in text(),
        after in text(),
    ) {
        let written = match form {
            0 => name.to_owned(),
            1 => name.to_uppercase(),
            2 => name.to_lowercase(),
            3 => format!("{name}'s"),
            4 => format!("{}’S", name.to_uppercase()),
            5 => format!("{name}-Smith"),
            _ => format!("{}s'", name.to_lowercase()),
        };
        let roster = Roster {
            people: vec![Known { who: Who::Client, names: vec![name.to_owned()] }],
            ..Roster::default()
        };
        let cleaned = clean(&format!("{before} {written} {after}"), &roster, &Options::years(None), &SEED);
        let lower = cleaned.text.to_lowercase();
        let survives = lower
            .split(|c: char| !c.is_alphabetic() && !matches!(c, '\'' | '-' | '’'))
            .any(|word| word.trim_end_matches(['\'', '’']).trim_end_matches("'s").trim_end_matches("’s") == name.to_lowercase());
        prop_assert!(!survives, "{} in {}", name, cleaned.text);
    }

    #[test]
    fn a_shift_keeps_the_days_between(first in 0..20_000_u64, apart in 0..4000_u64, days in 1..2000_i32) {
        use chrono::{Days, NaiveDate};
        let from = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
        let one = from + Days::new(first);
        let other = one + Days::new(apart);
        let text = format!("Seen on {} and again on {}.", one.format("%m/%d/%Y"), other.format("%B %-d, %Y"));
        let options =
            Options { dates: Dates::Shifted { days: NonZeroI32::new(-days).expect("not zero") }, written: Some(2030) };
        let cleaned = clean(&text, &Roster::default(), &options, &SEED);
        let dates: Vec<NaiveDate> = cleaned
            .removed
            .iter()
            .filter_map(|one| NaiveDate::parse_from_str(&one.surrogate, "[date:%Y-%m-%d]").ok())
            .collect();
        prop_assert_eq!(dates.len(), 2, "{}", cleaned.text);
        prop_assert_eq!((dates[1] - dates[0]).num_days(), i64::try_from(apart).expect("small"));
        prop_assert_eq!((one - dates[0]).num_days(), i64::from(days));
    }

    #[test]
    fn parts_stay_as_many(parts in prop::collection::vec(text(), 0..6), roster in roster()) {
        let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let cleaned = clean_parts(&texts, &roster, &Options::years(Some(2024)), &SEED);
        prop_assert_eq!(cleaned.parts.len(), parts.len());
        if cleaned.whole.removed.is_empty() && cleaned.whole.withheld.is_none() {
            prop_assert_eq!(cleaned.parts, parts);
        }
    }
}
