//! Reports on companies that get sound or words: what a board reads first, what stands behind it, and what does not.

use provenote_reports::{ChecklistDocument, TermsOutcome, board_report, checklist, stack};
use provenote_schemas::digest_of;
use provenote_vendors::audit::Evidence;

use super::*;

/// Words and letters of a checklist.
fn told(folder: &Folder, name: &str, document: &ChecklistDocument) -> (PathBuf, String, String) {
    let path = folder.put(name, &checklist(document).unwrap_or_else(|error| panic!("{name}: {error}")));
    let (text, letters) = (words(&path), bare(&letters(&path)));
    (path, text, letters)
}

/// Where a part stands in a text.
fn place(text: &str, part: &str) -> usize {
    text.find(part).unwrap_or_else(|| panic!("`{part}` is missing from: {text}"))
}

/// Without white space, and without hyphens: one at the end of a line may be taken for the line's own.
fn bare(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect()
}

#[test]
fn a_checklist_begins_with_the_verdict_and_the_gravest_finding() {
    let folder = Folder::new("a_checklist_begins_with_the_verdict");
    let document = samples::vendors::checklist();
    let (path, text, letters) = told(&folder, "checklist", &document);
    let order = [
        "Quillnote AI, Inc.",
        "Four answers need something to be done",
        "4 findings: 1 critical, 3 high.",
        "This audit is out of date: its privacy policy changed for the worse",
        "1. Critical: May it use what your clients say",
        "The agreement lets the company train models",
        "Taken from the reviewed agreement, 2026-11-20",
        "entry 198",
        "What follows",
        "Words to propose",
        "2. High:",
        "All questions of the list.",
        "The three layers",
        "Red flags:",
        "The provisions",
        "Terms and how they changed",
        "Of what day all this is",
        "What was not checked",
        "What this report cannot show",
        "Not legal advice.",
        "Ledger checkpoint",
    ];
    let places: Vec<usize> = order.iter().map(|part| place(&text, part)).collect();
    assert!(places.is_sorted(), "{:?}", order.iter().zip(&places).collect::<Vec<_>>());
    for finding in &document.audit.findings {
        assert!(letters.contains(&bare(&finding.says)), "{}", finding.says);
        let Some(Evidence { quote: Some(quote), sha256: Some(sha256), .. }) = &finding.quote else { continue };
        assert!(letters.contains(&bare(quote)), "`{quote}` is missing from: {letters}");
        assert!(letters.contains(&sha256.to_string()), "{sha256}");
    }
    assert!(!text.to_lowercase().contains("hipaa compliant") && !text.to_lowercase().contains("hipaa-compliant"));
    assert!(!text.contains("cfr-copy") && text.contains("a 2019 copy of 45 CFR 160 and 164"), "marks in words: {text}");
    // The attachment is the facts, exactly.
    let attached = attachment(&path, &folder);
    assert_eq!(Digest::of(attached.as_bytes()), digest_of(&document).expect("JSON"));
}

#[test]
fn every_question_has_its_box_in_words_and_its_result() {
    let folder = Folder::new("every_question_has_its_box");
    let document = samples::vendors::checklist();
    let (_, text, letters) = told(&folder, "checklist", &document);
    let list = &text[place(&text, "All questions of the list.")..place(&text, "The three layers")];
    for (question, _) in &document.audit.answers {
        assert!(letters.contains(&bare(&question.asks)), "{}", question.asks);
    }
    for part in [
        "☑ Yes",
        "☒ No",
        "◪ Partly",
        "☐ Not known",
        "⊟ Not applicable",
        "☐ No answer",
        "As it should be",
        "Open",
        "Out of date",
        "the terms changed on 2026-11-18",
        "Finding 4",
        "Given by the practice, 2026-11-20",
        "Taken from what the practice has set or recorded",
    ] {
        assert!(list.contains(part), "`{part}` is missing from: {list}");
    }
}

#[test]
fn a_review_is_told_with_all_provisions_flags_and_quotes() {
    let folder = Folder::new("a_review_is_told");
    let document = samples::vendors::checklist();
    let (_, text, letters) = told(&folder, "checklist", &document);
    let review = document.review.as_ref().expect("a review");
    assert_eq!(review.provisions.len(), 27);
    assert!(review.red_flags.len() > 2, "the sample is meant to have some: {:?}", review.red_flags);
    for provision in &review.provisions {
        assert!(letters.contains(&bare(&provision.title)), "{}", provision.title);
        assert!(letters.contains(&bare(&provision.quote.quote)), "{}", provision.id);
        if provision.present != provenote_vendors::baa::Present::Yes {
            assert!(letters.contains(&bare(&provision.replacement)), "{}", provision.id);
        }
    }
    for flag in &review.red_flags {
        for part in [&flag.title, &flag.quote.quote, &flag.why, &flag.replacement, &flag.citation] {
            assert!(letters.contains(&bare(part)), "{}: {part}", flag.id);
        }
    }
    for sentence in &review.verdict {
        assert!(letters.contains(&bare(sentence)), "{sentence}");
    }
    assert!(text.contains("How soon the practice hears of a breach"), "{text}");

    let mut other = document.clone();
    if let Some(review) = &mut other.review {
        review.kind.is_baa = false;
        review.verdict[0] = "This does not read as a business associate agreement, because it names no vendor.".into();
        review.breach_notice = None;
        review.breach_notice_undetermined = Some(provenote_vendors::baa::Undetermined {
            why: "two periods stand in it".into(),
            quote: provenote_vendors::baa::Quote::default(),
        });
        review.red_flags.clear();
    }
    let (_, text, _) = told(&folder, "other", &other);
    for part in ["because it names no vendor", "Undetermined: two periods stand in it", "Red flags: 0"] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
}

#[test]
fn blocked_is_told_apart_from_unchanged_and_a_change_has_both_quotes() {
    let folder = Folder::new("blocked_is_told_apart_from_unchanged");
    let document = samples::vendors::checklist();
    let (_, text, letters) = told(&folder, "checklist", &document);
    for part in [
        "Unchanged: the same words (2 times)",
        "131 to 145",
        "Fetch blocked: its words on that day are not known",
        "the page answered 403 and a captcha",
        "may use words to train models",
        "1 document of its terms could not be read when last looked at. That is not the same as unchanged.",
        "Subprocessor List as it stood on 2026-11-18: the fetch was blocked.",
        "for the worse",
        "Change 1 of this document, below",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let diff = document.terms[0].checks.iter().find_map(|check| check.diff.as_ref()).expect("a change");
    assert!(!diff.changes.is_empty());
    for change in &diff.changes {
        for quote in [&change.old_quote, &change.new_quote] {
            assert!(letters.contains(&bare(quote)), "`{quote}` is missing from: {letters}");
        }
    }
    let mut turned = document.clone();
    let last = turned.terms[0].checks.last_mut().expect("a check");
    last.outcome = TermsOutcome::CameBack;
    last.came_back_after_ms = Some(7 * 3_600_000);
    let (_, text, _) = told(&folder, "turned", &turned);
    assert!(text.contains("The words of before are back after 7 hours"), "{text}");
}

#[test]
fn without_agreement_and_terms_a_checklist_says_that_they_are_missing() {
    let folder = Folder::new("without_agreement_and_terms");
    let (_, text, _) = told(&folder, "bare", &samples::vendors::checklist_of(3));
    for part in [
        "No agreement was reviewed.",
        "None of the company’s terms are watched",
        "The agreement: none was handed over to be reviewed.",
        "None was reviewed",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let (_, own, _) = told(&folder, "own", &samples::vendors::own_checklist());
    assert!(own.contains("The practice’s own pipeline: This practice's own computer"), "{own}");
    assert!(own.contains("no company stands between the practice and its own computer"), "{own}");
    assert!(!own.contains("Terms and how they changed") && !own.contains("None was reviewed"), "{own}");
}

#[test]
fn no_finding_is_no_promise_and_300_are_all_told_the_gravest_first() {
    let folder = Folder::new("no_finding_is_no_promise_and_300");
    let (_, none, _) = told(&folder, "none", &samples::vendors::checklist_of(0));
    assert!(none.contains("No findings. That nothing was found does not show that nothing is wrong"), "{none}");
    let (path, text, _) = told(&folder, "many", &samples::vendors::checklist_of(300));
    assert!(text.contains("300 findings: 75 critical, 75 high, 75 medium, 75 low."), "{text}");
    let severities = ["1. Critical: ", "75. Critical: ", "76. High: ", "151. Medium: ", "226. Low: ", "300. Low: "];
    let places: Vec<usize> = severities.iter().map(|part| place(&text, part)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for number in 0..300 {
        assert!(text.contains(&format!("Answer number {number} is not as it should be.")), "{number}");
    }
    let heads = text.matches("Question Answer What it says, and what shows it Result").count();
    assert!(heads > 10, "the head of the list stands on each of its pages: {heads}");
    let out = run("qpdf", &["--check".as_ref(), path.as_os_str()]);
    assert!(out.status.success());
}

#[test]
fn no_word_of_a_company_stops_a_report() {
    let folder = Folder::new("no_word_of_a_company_stops_a_report");
    let odd = "Notes 🦊 中村 \u{f0b7} שלום עולם مرحبا नमस्ते e\u{301}\u{489}";
    let mut document = samples::vendors::checklist();
    document.audit.vendor = odd.into();
    if let Some(quote) = &mut document.audit.findings[0].quote {
        quote.quote = Some(odd.into());
    }
    if let Some(review) = &mut document.review {
        review.red_flags[0].quote.quote = odd.into();
        review.provisions[0].quote.quote = "word ".repeat(2_000);
    }
    document.terms[0].address = odd.into();
    let (path, text, letters) = told(&folder, "checklist", &document);
    for part in ["[U+1F98A]", "[U+4E2D][U+6751]", "[U+F0B7]", "[U+092E]"] {
        assert!(letters.contains(part), "`{part}` is missing from: {text}");
    }
    assert!(text.contains("more characters: record.json has them all]"), "{text}");
    let attached = attachment(&path, &folder);
    assert!(attached.contains("🦊 中村") && attached.contains("नमस्ते"), "the record has every character");
    let mut layers = samples::vendors::stack(1);
    layers.audits[1].vendor = odd.into();
    assert!(letters_of(&folder, "stack", &stack(&layers).expect("a stack")).contains("[U+1F98A]"));
    let mut board = samples::board(1);
    board.vendors[0].name = "Notes 🦊 中村".into();
    assert!(letters_of(&folder, "board", &board_report(&board).expect("a report")).contains("Notes[U+1F98A]"));
}

fn letters_of(folder: &Folder, name: &str, pdf: &[u8]) -> String {
    letters(&folder.put(name, pdf))
}

#[test]
fn a_stack_tells_what_is_there_what_is_missing_and_what_follows() {
    let folder = Folder::new("a_stack_tells_what_is_there");
    let document = samples::vendors::stack(2);
    let path = folder.put("stack", &stack(&document).expect("a stack"));
    let text = words(&path);
    for part in [
        "A layer is missing, in part or as far as is known, in 2 of 3 audits.",
        "Who Agreement Access controls Audit logs Findings",
        "⊟ Does not arise",
        "☑ There",
        "◪ There in part",
        "☒ Missing",
        "☐ Not known",
        "This practice's own computer",
        "Quillnote AI, Inc. (number 1)",
        "4 findings: 1 critical, 3 high",
        "2 questions without an answer",
        "Nobody could show afterwards who read a client's words.",
        "Not legal advice.",
        "What this report cannot show",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    assert_eq!(Digest::of(attachment(&path, &folder).as_bytes()), digest_of(&document).expect("JSON"));
    let alone = words(&folder.put("own", &stack(&samples::vendors::stack(0)).expect("a stack")));
    assert!(alone.contains("No layer is missing in any of 1 audit."), "{alone}");
    assert!(alone.contains("No company outside the practice gets sound or words"), "{alone}");
}

#[test]
fn a_board_report_names_who_gets_sound_or_words_or_says_that_nobody_does() {
    let folder = Folder::new("a_board_report_names_who_gets_sound_or_words");
    let text = words(&folder.put("board", &board_report(&samples::board(2)).expect("a report")));
    for part in [
        "Companies that get sound or words 3",
        "Their findings that are open 4",
        "1 company gets sound or words and no agreement with it was reviewed.",
        "1 company’s terms have become worse and nobody has settled that.",
        "1 company’s audit is out of date.",
        "1 company was never audited.",
        "Brightline Transcripts LLC",
        "No agreement was reviewed",
        "4 open findings, 3 critical or high",
        "Out of date: its privacy policy changed for the worse on 2026-11-18",
        "Fetch blocked: its words on that day are not known",
        "Unchanged: the same words",
        "Worse since 2026-11-18: may use words to train models",
        "Not out of date",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let quiet = words(&folder.put("quiet", &board_report(&samples::board(0)).expect("a report")));
    assert!(quiet.contains("No company outside the practice gets sound or words"), "{quiet}");
    // A report's facts from before companies stood in them.
    let mut facts = serde_json::to_value(samples::board(1)).expect("JSON");
    facts.as_object_mut().expect("an object").remove("vendors");
    let read: provenote_reports::BoardReport = serde_json::from_value(facts).expect("the facts of then");
    assert_eq!(read.vendors, Vec::new());
}
