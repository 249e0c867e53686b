//! The audit: its bundled questions, questionnaires of others, what follows of answers, and what leaves as a file.

use std::collections::BTreeSet;

use proptest::prelude::*;
use provenote_schemas::Time;
use provenote_vendors::audit::{
    Answer, Audit, Evidence, Layer, Origin, Questionnaire, QuestionnaireError, RowState, Says, Severity, StackLayer,
    audit, csv, oscal,
};
use serde_json::Value;

const BUNDLED: &str = include_str!("../questionnaires/ai-notes.yaml");

fn at(day: u32) -> Time {
    Time::from_millis(1_800_000_000_000).plus_days(day)
}

fn answer(question: &str, says: Says, text: &str, origin: Origin) -> Answer {
    let evidence = Vec::new();
    Answer { question: question.to_owned(), says, text: text.to_owned(), origin, evidence, at: at(0), stale: None }
}

fn person(question: &str, says: Says) -> Answer {
    answer(question, says, "", Origin::Person)
}

fn judged(answers: &[Answer]) -> Audit {
    audit(Questionnaire::bundled(), "Cloud Scribe", false, answers, at(1))
}

fn good() -> Vec<Answer> {
    Questionnaire::bundled().questions().iter().map(|question| person(&question.id, question.good)).collect()
}

fn ids(seed: u8) -> impl FnMut() -> [u8; 16] {
    let mut next = u128::from(seed);
    move || {
        next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        next.to_be_bytes()
    }
}

#[test]
fn the_bundled_questions_are_whole() {
    let read = Questionnaire::parse("ai-notes.yaml", BUNDLED).expect("it reads");
    assert_eq!(&read, Questionnaire::bundled());
    assert_eq!(read.reference(), "ai-notes@1");
    for question in read.questions() {
        for (what, text) in [
            ("asks", &question.asks),
            ("why", &question.why),
            ("follows", &question.follows),
            ("citation", &question.citation),
            ("mark", &question.mark),
        ] {
            assert!(text.len() > 8, "{}: {what}", question.id);
        }
        assert!(question.asks.ends_with('?'), "{}", question.asks);
        assert!(question.mark.contains("verified"), "{}: {}", question.id, question.mark);
    }
    for asked in [
        "baa-signed",
        "breach-window",
        "subcontractors-bound",
        "subcontractors-liable",
        "destination",
        "who-can-read",
        "kept-how-long",
        "ai-content-retention",
        "training",
        "deidentified-use",
        "subprocessors-named",
        "terms-read",
        "roles",
        "just-in-time",
        "second-factor",
        "single-sign-on",
        "place-limits",
        "shared-database",
        "activity-log",
        "prompt-log",
        "output-log",
        "export-log",
        "log-retention",
        "consent-form",
        "discussed",
    ] {
        assert!(read.question(asked).is_some(), "{asked}");
    }
    for layer in [Layer::Agreement, Layer::AccessControls, Layer::AuditLogs] {
        assert!(read.questions().iter().any(|question| question.layer == layer && question.essential), "{layer:?}");
    }
}

/// What vendors' articles say and the law does not is said to be so.
#[test]
fn what_is_not_law_is_not_called_law() {
    let questions = Questionnaire::bundled();
    let citation = |id: &str| questions.question(id).expect("a question").citation.to_lowercase();
    assert!(
        citation("second-factor").contains("proposed, not law")
            && citation("second-factor").contains("not in current law")
    );
    assert!(
        citation("log-retention").contains("inferred")
            && citation("log-retention").contains("does not say that audit logs")
    );
    assert!(citation("roles").contains("privacy rule and not the security rule"));
    for id in ["just-in-time", "place-limits"] {
        assert!(citation(id).contains("not named in hipaa"), "{id}");
    }
    for id in ["prompt-log", "output-log", "export-log"] {
        assert!(citation(id).contains("not named in law"), "{id}");
    }
    for id in ["training", "ai-content-retention"] {
        assert!(citation(id).contains("not a required provision"), "{id}");
    }
    let all = BUNDLED.to_lowercase();
    assert!(!all.contains("hipaa-compliant") && !all.contains("hipaa compliant") && !all.contains("defensible"));
}

#[test]
fn what_is_wrong_in_a_questionnaire_is_said_with_its_place() {
    let head = "id: own\nversion: 1\ntitle: Own\nquestions:\n";
    let one = "  - id: a\n    layer: data_use\n    asks: Is it so?\n    why: x\n    good: yes\n    severity: high\n    follows: y\n";
    let wrong = |text: &str| match Questionnaire::parse("own.yaml", text) {
        Err(QuestionnaireError::Malformed { line, column, problem, .. }) => (line, column, problem),
        other => panic!("{text}\n{other:?}"),
    };
    assert!(Questionnaire::parse("own.yaml", &format!("{head}{one}")).is_ok());
    let (line, column, problem) = wrong(&format!("{head}{one}{one}"));
    assert_eq!((line, column), (12, 9), "{problem}");
    assert!(problem.contains("two questions `a`"));
    assert_eq!(wrong(&format!("{head}{one}").replace("data_use", "weather")).0, 6);
    assert_eq!(wrong(&format!("{head}{one}").replace("id: a\n", "id: A b\n")).0, 5);
    assert_eq!(wrong(&format!("{head}{one}").replace("good: yes", "good: unknown")).0, 5);
    assert_eq!(wrong(&format!("{head}{one}").replace("why: x", "wherefore: x")).0, 8);
    let (line, _, problem) = wrong(&format!("{head}{one}    sources: [web.search]\n"));
    assert_eq!(line, 12, "{problem}");
    assert!(matches!(
        Questionnaire::parse("own.yaml", &format!("{head}  []\n").replace("questions:\n  []", "questions: []")),
        Err(QuestionnaireError::Empty { .. })
    ));
    assert!(Questionnaire::parse("own.yaml", "").is_err());
    assert!(Questionnaire::parse("own.yaml", "- [").is_err());
    let error = Questionnaire::parse("own.yaml", &head.replace("version: 1", "version: one")).expect_err("no number");
    assert!(error.to_string().starts_with("own.yaml, line 2, column "), "{error}");
}

const FRAMEWORK: &str = "\
urn: urn:elm:risk:library:small
locale: en
ref_id: small-library
name: A small framework
version: 3
objects:
  framework:
    urn: urn:elm:risk:framework:small
    ref_id: Small Framework
    name: A small framework
    requirement_nodes:
    - urn: urn:elm:risk:req_node:small:1
      assessable: false
      depth: 1
      ref_id: '1'
      name: Suppliers
    - urn: urn:elm:risk:req_node:small:1.1
      assessable: true
      depth: 2
      parent_urn: urn:elm:risk:req_node:small:1
      ref_id: '1.1'
      implementation_groups: [A]
      question:
        question_type: unique_choice
        question_choices: &choices ['Yes', 'No']
        questions:
        - urn: urn:elm:risk:req_node:small:1.1:question:1
          text: Are suppliers
            listed?
    - urn: urn:elm:risk:req_node:small:1.2
      assessable: true
      depth: 2
      parent_urn: urn:elm:risk:req_node:small:1
      ref_id: '1.2'
      questions:
        urn:elm:risk:req_node:small:1.2:question:1:
          type: unique_choice
          choices:
          - urn: urn:elm:risk:req_node:small:1.2:question:1:choice:1
            value: 'Yes'
          text: Is the list reviewed?
    - urn: urn:elm:risk:req_node:small:1.3
      assessable: true
      depth: 2
      parent_urn: urn:elm:risk:req_node:small:1
      name: Contracts
      description: Contracts are kept.
    - urn: urn:elm:risk:req_node:small:again
      assessable: true
      depth: 1
      ref_id: '1.1'
      name: The same number again
";

#[test]
fn a_framework_of_another_tool_becomes_questions() {
    let read = Questionnaire::from_ciso_assistant("small.yaml", FRAMEWORK).expect("it reads");
    assert_eq!(read.reference(), "small-framework@3");
    let asked: Vec<(&str, &str, &str)> = read
        .questions()
        .iter()
        .map(|question| (question.id.as_str(), question.asks.as_str(), question.why.as_str()))
        .collect();
    assert_eq!(
        asked,
        [
            ("1.1", "Are suppliers listed?", "Suppliers"),
            ("1.2", "Is the list reviewed?", "Suppliers"),
            ("1.3", "Contracts: Contracts are kept.", "Suppliers"),
            ("again", "The same number again", ""),
        ]
    );
    for question in read.questions() {
        assert_eq!((question.layer, question.good), (Layer::Other, Says::Yes));
        assert!(question.mark.contains("not checked") && question.citation.contains("A small framework"));
    }
    let audit = audit(&read, "Cloud Scribe", false, &[person("1.1", Says::No)], at(1));
    assert_eq!(audit.findings.len(), 1);
    assert!(audit.stack.rows.iter().all(|row| row.state == RowState::Unknown));
}

#[test]
fn a_framework_that_is_none_is_refused_with_its_place() {
    let place = |text: &str| match Questionnaire::from_ciso_assistant("small.yaml", text) {
        Err(QuestionnaireError::Malformed { line, problem, .. }) => (line, problem),
        other => panic!("{other:?}"),
    };
    let lost = FRAMEWORK.replace(
        "parent_urn: urn:elm:risk:req_node:small:1\n      ref_id: '1.2'",
        "parent_urn: urn:elm:nobody\n      ref_id: '1.2'",
    );
    let (line, problem) = place(&lost);
    let there = lost.lines().position(|text| text.contains("urn:elm:nobody")).expect("the line");
    assert!(line == there as u64 + 1 && problem.contains("urn:elm:nobody"), "{line} {problem}");
    let ring = FRAMEWORK.replace(
        "      name: Suppliers\n",
        "      name: Suppliers\n      parent_urn: urn:elm:risk:req_node:small:1.1\n",
    );
    assert!(place(&ring).1.contains("its own ancestor"));
    assert!(place("urn: urn:x\nobjects: {}\n").1.contains("no framework"));
    assert!(matches!(
        Questionnaire::from_ciso_assistant("small.yaml", &FRAMEWORK.replace("assessable: true", "assessable: false")),
        Err(QuestionnaireError::Empty { .. })
    ));
}

#[test]
fn good_answers_leave_nothing_and_promise_nothing() {
    let audit = judged(&good());
    assert!(audit.findings.is_empty(), "{:?}", audit.findings);
    assert!(audit.stack.rows.iter().all(|row| row.state == RowState::There));
    assert!(audit.verdict.contains("0 leave something to do") && audit.verdict.contains("look again"));
    assert!(
        audit.stack.follows.contains("no proof that they work")
            && audit.stack.follows.contains("no proof that the law is kept")
    );
    assert_eq!(audit.stack.missing, "nothing that was asked for");
    assert!(audit.not_checked.iter().any(|line| line.contains("not legal advice")));
}

#[test]
fn no_answer_is_no_finding_and_is_said() {
    let audit = judged(&[]);
    assert!(audit.findings.is_empty());
    assert_eq!(
        audit.not_checked.iter().filter(|line| line.ends_with("Nobody answered it.")).count(),
        Questionnaire::bundled().questions().len()
    );
    assert!(audit.stack.rows.iter().all(|row| row.state == RowState::Unknown));
    assert!(
        audit.stack.follows.contains("nobody can say what happens to the words")
            && audit.stack.follows.contains("ask before")
    );
    assert!(audit.verdict.contains("but what was not answered may"));
}

#[test]
fn the_gravest_finding_comes_first() {
    let mut answers = good();
    for (id, says) in
        [("single-sign-on", Says::No), ("training", Says::Yes), ("roles", Says::Partly), ("baa-signed", Says::Unknown)]
    {
        answers.iter_mut().find(|one| one.question == id).expect("a question").says = says;
    }
    let audit = judged(&answers);
    let found: Vec<(&str, Severity)> = audit.findings.iter().map(|one| (one.question.as_str(), one.severity)).collect();
    // Not to know is high at most: what is known to be wrong goes before it.
    assert_eq!(
        found,
        [
            ("training", Severity::Critical),
            ("baa-signed", Severity::High),
            ("roles", Severity::High),
            ("single-sign-on", Severity::Low)
        ]
    );
    assert!(audit.verdict.contains("4 leave something to do") && audit.verdict.contains("May it use them to train"));
    assert!(
        audit
            .not_checked
            .iter()
            .any(|line| line.contains("signed business associate agreement") && line.contains("not known"))
    );
}

#[test]
fn a_persons_answer_stands_and_what_speaks_against_it_is_a_finding() {
    let mut clause = answer("training", Says::Yes, "The agreement says so", Origin::Agreement);
    clause.evidence.push(Evidence {
        what: "the agreement baa.pdf".to_owned(),
        quote: Some("may use Content to improve its models".to_owned()),
        start: Some(40),
        end: Some(77),
        ..Evidence::default()
    });
    let said = answer("training", Says::No, "They told us so on the phone", Origin::Person);
    let audit = judged(&[clause.clone(), said.clone()]);
    let stands = audit.answers.iter().find(|(question, _)| question.id == "training").expect("a question");
    assert_eq!(stands.1.as_ref(), Some(&said));
    assert_eq!(audit.besides, [clause.clone()]);
    let [finding] = audit.findings.as_slice() else { panic!("{:?}", audit.findings) };
    assert_eq!(finding.severity, Severity::Critical);
    assert!(
        finding.says.contains("No. They told us so on the phone. But the agreement says: yes."),
        "{}",
        finding.says
    );
    assert_eq!(
        finding.quote.as_ref().and_then(|quote| quote.quote.as_deref()),
        Some("may use Content to improve its models")
    );
    // The other way round it is one finding, and says that the agreement reads better.
    let (mut clause, mut said) = (clause, said);
    (clause.says, said.says) = (Says::No, Says::Yes);
    let audit = judged(&[clause, said]);
    assert_eq!(audit.findings.len(), 1);
    assert!(audit.findings[0].says.contains("The agreement says otherwise"), "{}", audit.findings[0].says);
}

#[test]
fn of_derived_answers_the_one_that_leaves_most_to_do_stands() {
    let record = answer("training", Says::Yes, "It was recorded that it does", Origin::Configuration);
    let clause = answer("training", Says::No, "The agreement rules it out", Origin::Agreement);
    let silent = answer("deidentified-use", Says::Unknown, "The agreement says nothing of it", Origin::Agreement);
    let audit = judged(&[clause, record, silent]);
    let stands =
        |id: &str| audit.answers.iter().find(|(question, _)| question.id == id).and_then(|(_, answer)| answer.clone());
    assert_eq!(stands("training").map(|one| one.origin), Some(Origin::Configuration));
    let first = &audit.findings[0];
    assert!(first.says.contains("The agreement says otherwise: The agreement rules it out."), "{}", first.says);
    assert_eq!(stands("deidentified-use").map(|one| one.says), Some(Says::Unknown));
    assert_eq!(
        audit.findings.iter().find(|one| one.question == "deidentified-use").map(|one| one.severity),
        Some(Severity::High)
    );
}

#[test]
fn an_answer_out_of_date_is_a_finding_though_it_was_good() {
    let mut old = person("terms-read", Says::Yes);
    old.stale = Some("its terms became worse on 2027-01-20".to_owned());
    let audit = judged(&[old]);
    assert_eq!(audit.findings.len(), 1);
    assert!(audit.findings[0].says.contains("no longer be relied on: its terms became worse on 2027-01-20."));
}

#[test]
fn the_newest_answer_of_a_person_stands() {
    let old = person("roles", Says::No);
    let mut new = person("roles", Says::Yes);
    new.at = at(3);
    let audit = judged(&[new.clone(), old.clone()]);
    assert!(audit.findings.is_empty());
    assert_eq!(audit.besides, [old]);
}

#[test]
fn the_stack_tells_what_is_missing_and_what_follows() {
    let layers = [Layer::Agreement, Layer::AccessControls, Layer::AuditLogs];
    let mut told = BTreeSet::new();
    for there in 0..8_u8 {
        let answers: Vec<Answer> = Questionnaire::bundled()
            .questions()
            .iter()
            .filter_map(|question| {
                let layer = layers.iter().position(|layer| *layer == question.layer)?;
                let other = if question.good == Says::Yes { Says::No } else { Says::Yes };
                Some(person(&question.id, if there & (1 << layer) == 0 { other } else { question.good }))
            })
            .collect();
        let stack = judged(&answers).stack;
        let states: Vec<bool> = stack.rows.iter().map(|row| row.state == RowState::There).collect();
        assert_eq!(states, (0..3).map(|layer| there & (1 << layer) != 0).collect::<Vec<_>>());
        assert!(stack.rows.iter().all(|row| matches!(row.state, RowState::There | RowState::Missing)));
        assert!(
            !stack.follows.to_lowercase().contains("compliant") && told.insert(stack.follows.clone()),
            "{}",
            stack.follows
        );
        assert_eq!(stack.missing.contains("an agreement"), there & 1 == 0);
        assert_eq!(stack.have.contains("audit logs"), there & 4 != 0);
    }
}

#[test]
fn a_layer_can_be_there_in_part_and_is_lost_with_what_it_hangs_on() {
    let state = |answers: &[Answer], layer: StackLayer| {
        judged(answers).stack.rows.into_iter().find(|row| row.layer == layer).map(|row| row.state)
    };
    let logs = [person("activity-log", Says::Yes), person("prompt-log", Says::No), person("output-log", Says::No)];
    assert_eq!(state(&logs, StackLayer::AuditLogs), Some(RowState::Partly));
    let unsigned = [person("baa-signed", Says::No), person("baa-complete", Says::Yes)];
    assert_eq!(state(&unsigned, StackLayer::Agreement), Some(RowState::Missing));
    let some = [person("baa-signed", Says::Unknown)];
    assert_eq!(state(&some, StackLayer::Agreement), Some(RowState::Unknown));
    let needless = [person("baa-signed", Says::NotApplicable), person("baa-complete", Says::NotApplicable)];
    assert_eq!(state(&needless, StackLayer::Agreement), Some(RowState::NotNeeded));
    let mut old = person("baa-signed", Says::Yes);
    old.stale = Some("x".to_owned());
    assert_ne!(state(&[old, person("baa-complete", Says::Yes)], StackLayer::Agreement), Some(RowState::There));
}

#[test]
fn an_audit_is_read_back_as_it_was() {
    let audit = judged(&good());
    let text = serde_json::to_string(&audit).expect("JSON");
    assert_eq!(serde_json::from_str::<Audit>(&text).expect("it reads"), audit);
}

/// Reads a table as RFC 4180 has it.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (true, '"') if letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut field)),
            (false, '\r') => {
                assert_eq!(letters.next(), Some('\n'), "a line ends with CRLF");
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            (_, letter) => field.push(letter),
        }
    }
    assert!(field.is_empty() && row.is_empty() && !quoted, "the last line ends too");
    rows
}

#[test]
fn the_table_is_whole_and_runs_nothing() {
    let texts =
        ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\tx", "  =1+1", "a \"quote\", and\r\na line", "–"];
    let questions = Questionnaire::bundled().questions();
    let answers: Vec<Answer> = questions
        .iter()
        .zip(texts)
        .map(|(question, text)| answer(&question.id, Says::No, text, Origin::Person))
        .collect();
    let audit = audit(Questionnaire::bundled(), "=cmd|' /C calc'!A0", false, &answers, at(1));
    let rows = table(&csv(&audit));
    assert_eq!(rows.len(), questions.len() + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let column = rows[0].iter().position(|name| name == "text").expect("a column");
    for (row, text) in rows[1..].iter().zip(texts) {
        assert_eq!(row[column].trim_start_matches('\''), text);
        assert!(row[0].starts_with("'="));
    }
    for field in rows.iter().flatten() {
        assert!(!field.trim_start().starts_with(['=', '+', '-', '@']) && !field.starts_with(['\t', '\r']), "{field}");
    }
}

#[test]
fn the_assessment_results_hold_together() {
    let mut answers = good();
    answers.retain(|one| one.question != "roles");
    answers.push(answer("training", Says::Yes, "The agreement says so", Origin::Agreement));
    answers.iter_mut().find(|one| one.question == "discussed").expect("a question").says = Says::Partly;
    let audit = judged(&answers);
    let document = oscal(&audit, &mut ids(7));
    let results = &document["assessment-results"];
    assert_eq!(results["metadata"]["oscal-version"], "1.1.2");
    let result = &results["results"][0];
    let uuids = |list: &Value| -> BTreeSet<String> {
        list.as_array().into_iter().flatten().map(|one| one["uuid"].as_str().expect("a uuid").to_owned()).collect()
    };
    let (observations, risks) = (uuids(&result["observations"]), uuids(&result["risks"]));
    assert_eq!(observations.len(), answers.len(), "every answer is observed, also the one that another stands before");
    assert_eq!(risks.len(), audit.findings.len());
    let findings = result["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), audit.answers.len());
    let mut satisfied = 0;
    for finding in findings {
        for related in finding["related-observations"].as_array().into_iter().flatten() {
            assert!(observations.contains(related["observation-uuid"].as_str().expect("a uuid")));
        }
        for related in finding["related-risks"].as_array().into_iter().flatten() {
            assert!(risks.contains(related["risk-uuid"].as_str().expect("a uuid")));
        }
        satisfied += usize::from(finding["target"]["status"]["state"] == "satisfied");
    }
    assert_eq!(satisfied, findings.len() - audit.findings.len() - 1, "and `roles`, which nobody answered, is not");
    let own = &result["local-definitions"]["components"][0]["uuid"];
    assert!(
        result["observations"].as_array().expect("a list").iter().all(|one| &one["subjects"][0]["subject-uuid"] == own)
    );
    let back = results["back-matter"]["resources"][0]["uuid"].as_str().expect("a uuid");
    assert_eq!(results["import-ap"]["href"], format!("#{back}"));
    for uuid in observations.iter().chain(&risks) {
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert!(uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }
    assert_eq!(document, oscal(&audit, &mut ids(7)), "the same bytes for the same ids");
}

fn says() -> impl Strategy<Value = Says> {
    prop::sample::select(Says::ALL.to_vec())
}

fn origin() -> impl Strategy<Value = Origin> {
    prop::sample::select(vec![Origin::Person, Origin::Agreement, Origin::Terms, Origin::Ledger, Origin::Configuration])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is answered: nothing that leaves something to do goes without a finding, at most one a question, the
    /// gravest first, and no answer is lost.
    #[test]
    fn every_answer_is_somewhere(given in prop::collection::vec((0_usize..45, says(), origin(), 0_u32..5), 0..80)) {
        let questions = Questionnaire::bundled().questions();
        let answers: Vec<Answer> = given
            .into_iter()
            .map(|(index, says, origin, day)| Answer {
                at: at(day),
                ..answer(&questions[index % questions.len()].id, says, "in words", origin)
            })
            .collect();
        let audit = judged(&answers);
        let standing = audit.answers.iter().filter(|(_, answer)| answer.is_some()).count();
        prop_assert_eq!(standing + audit.besides.len(), answers.len());
        prop_assert!(audit.findings.windows(2).all(|pair| pair[0].severity <= pair[1].severity));
        let found: Vec<&str> = audit.findings.iter().map(|one| one.question.as_str()).collect();
        let once: BTreeSet<&str> = found.iter().copied().collect();
        prop_assert_eq!(once.len(), found.len());
        for (question, answer) in &audit.answers {
            let Some(answer) = answer else {
                prop_assert!(!once.contains(question.id.as_str()));
                continue;
            };
            if answer.says != question.good && answer.says != Says::NotApplicable {
                prop_assert!(once.contains(question.id.as_str()), "{}", question.id);
            }
        }
        let total: usize = audit.stack.rows.iter().map(|row| row.by.len()).sum();
        prop_assert_eq!(total, questions.iter().filter(|question| question.essential).count());
        prop_assert_eq!(table(&csv(&audit)).len(), 1 + questions.len() + audit.besides.len());
    }
}
