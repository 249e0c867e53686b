//! A company, its agreement and its terms, as a practice would have them audited.

use provenote_reports::{
    AgreementFile, ChecklistDocument, StackDocument, TermsCheck, TermsOutcome, TermsRow, VendorRow, VendorTerms,
    vendors_legal_facts,
};
use provenote_schemas::Digest;
use provenote_schemas::disclosure::{TermsWorsened, VendorFact};
use provenote_vendors::audit::{
    Answer, Audit, Evidence, Finding, Layer, Origin, Question, Row, RowState, Says, Severity, Stack, StackLayer,
};
use provenote_vendors::baa::{
    BreachNotice, Contradiction, Fact, Kind, Present, Provision, Quote, RedFlag, Review, SecondPoint, SecondReading,
    Stance, Unit,
};
use provenote_vendors::terms::{Change, Direction, TermsDiff};

use super::{CHECKPOINT, at, practice};

/// An agreement that promises some of what it should, and allows what clients never agreed to.
const AGREEMENT: &str = "\
# Business Associate Agreement

This Business Associate Agreement is made between Quillnote AI, Inc. (\"Business Associate\") and the practice that signs it (\"Covered Entity\") under the Health Insurance Portability and Accountability Act of 1996 (HIPAA).

## 1. Permitted uses

1.1 Business Associate may use and disclose Protected Health Information only as needed to turn session audio into text and to draft notes for Covered Entity, as described in Exhibit A, or as required by law.

1.2 Business Associate may de-identify Protected Health Information and use the resulting data for any lawful purpose, including to train, test and improve its machine learning models.

1.3 Business Associate shall not use or disclose Protected Health Information other than as permitted by this Agreement or as required by law.

## 2. Duties

2.1 Business Associate shall use appropriate safeguards and comply with Subpart C of 45 CFR Part 164 with respect to electronic Protected Health Information.

2.2 Business Associate shall report to Covered Entity any use or disclosure of Protected Health Information not provided for by this Agreement of which it becomes aware, and any Security Incident.

2.3 Business Associate shall notify Covered Entity of a Breach of Unsecured Protected Health Information without unreasonable delay and in no case later than ninety (90) days after Business Associate confirms the Breach.

2.4 Business Associate shall make Protected Health Information available to Covered Entity within ten (10) days so that it can answer requests for access under 45 CFR 164.524, and shall incorporate amendments under 45 CFR 164.526.

2.5 Business Associate may engage third-party processors at its discretion and is not liable for their acts or omissions.

2.6 Business Associate shall make its internal practices, books and records available to the Secretary.

## 3. Term

3.1 Covered Entity may terminate this Agreement if Business Associate has violated a material term.

3.2 At termination, Business Associate shall return or destroy all Protected Health Information within sixty (60) days, if feasible.

3.3 Business Associate may change this Agreement at any time by posting a new version on its website.
";

const POLICY_BEFORE: &str = "\
# Privacy Policy

We keep recordings for 30 days after a note is signed, and then delete them.

We do not use your content to train artificial intelligence models.

We share your content only with the providers that host our service.
";

const POLICY_AFTER: &str = "\
# Privacy Policy

We keep recordings for 24 months after a note is signed, and then delete them.

We may use your content to train and improve our artificial intelligence models.

We share your content only with the providers that host our service.
";

const TRAINING: &str = "Business Associate may de-identify Protected Health Information and use the resulting data for any lawful purpose, including to train, test and improve its machine learning models.";
const BREACH: &str = "in no case later than ninety (90) days after Business Associate confirms the Breach";

/// A quote of [`AGREEMENT`].
fn quote(part: &str) -> Quote {
    let byte = AGREEMENT.find(part).expect("it stands there");
    let start = AGREEMENT[..byte].chars().count();
    Quote { quote: part.into(), start, end: start + part.chars().count() }
}

/// A review as the reader makes it: every third provision is missing, one is unclear.
pub(crate) fn reviewed() -> Review {
    let titles = [
        "Permitted and required uses are stated",
        "Subcontractors bound by the same terms",
        "Accounting of disclosures",
    ];
    let present = |number: usize| match number {
        7 => Present::Unclear,
        number if number % 3 == 0 => Present::No,
        _ => Present::Yes,
    };
    let flag = |id: &str, severity: &str, title: &str, quote: Quote, basis: &'static str| RedFlag {
        id: id.into(),
        severity: severity.into(),
        quote,
        citation:
            "45 CFR 164.502(d), 164.514(a)-(b) allow de-identification; nothing in HIPAA gives the client an opt-out"
                .into(),
        advice: "Ask for a sentence that forbids it, or for the client's own written yes.".into(),
        title: title.into(),
        why: "Words of therapy are easy to trace back to a person.".into(),
        replacement: format!("Vendor shall not do so without Practice's separate, signed consent ({id})."),
        mark: "verified from seed-002; seed-000; cfr-copy".into(),
        basis,
    };
    let fact = |stance: Stance, present: Present, quote: Quote, also: Vec<Quote>| Fact {
        present,
        quote,
        stance,
        also,
        time: None,
    };
    Review {
        verdict: [
            "Of the 13 promises that HIPAA requires in such an agreement, 4 could not be found clearly.".into(),
            "It gives serious warnings: training on client content, and a window for notices of a breach over 60 days.".into(),
            "Ask the company for the words proposed below before you give it anything.".into(),
        ],
        kind: Kind { is_baa: true, why: "it binds a vendor that handles protected health information".into() },
        provisions: (1..=27)
            .map(|number| Provision {
                id: format!("BAA-{number:02}"),
                present: present(number),
                quote: match present(number) {
                    Present::No => Quote::default(),
                    Present::Unclear => quote(BREACH),
                    Present::Yes => quote("Business Associate shall use appropriate safeguards and comply with Subpart C of 45 CFR Part 164"),
                },
                title: format!("{} ({number})", titles[number % titles.len()]),
                citation: "45 CFR 164.504(e)(2)(ii)(D); 164.502(e)(1)(ii)".into(),
                mark: "verified from cfr-copy".into(),
                severity: if present(number) == Present::Yes { String::new() } else { "critical".into() },
                replacement: match present(number) {
                    Present::Yes => String::new(),
                    _ => format!("Vendor will ensure in writing what provision {number} asks for."),
                },
            })
            .collect(),
        red_flags: vec![
            flag("RF-04", "critical", "Training on client content without explicit opt-in", quote(TRAINING), "sentence"),
            flag("RF-05", "critical", "Breach notice window over 60 days or open-ended", quote(BREACH), "sentence"),
            flag("RF-02", "high", "No responsibility for subcontractors", quote("is not liable for their acts or omissions"), "sentence"),
            flag("RF-03", "medium", "Silent on retention of AI-generated content", Quote::default(), "absence"),
        ],
        breach_notice: Some(BreachNotice {
            value: 90,
            unit: Unit::Days,
            of: "confirmation",
            quote: quote(BREACH),
            resolved_by: None,
        }),
        breach_notice_undetermined: None,
        facts: [
            ("training_or_improvement_permitted", fact(Stance::Permitted, Present::Yes, quote(TRAINING), vec![quote(BREACH)])),
            ("training_prohibited", fact(Stance::Silent, Present::No, Quote::default(), Vec::new())),
            ("liable_for_subcontractors", fact(Stance::Forbidden, Present::No, quote("is not liable for their acts or omissions"), Vec::new())),
        ]
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), fact))
        .collect(),
        contradictions: vec![Contradiction {
            id: "breach_windows".into(),
            says: "The agreement gives two different time limits for notice of a breach.".into(),
            one: quote("without unreasonable delay"),
            other: quote(BREACH),
        }],
        second_reader: Some(SecondReading {
            model: "small-local-model".into(),
            points: vec![SecondPoint {
                id: "BAA-07".into(),
                was: Present::Unclear,
                now: Present::No,
                because: "Ninety days are more than sixty.".into(),
                quote: Some(quote(BREACH)),
                seq: 201,
            }],
        }),
    }
}

/// What changed between [`POLICY_BEFORE`] and [`POLICY_AFTER`].
fn changed() -> TermsDiff {
    let change = |kind: &str, topic: &str, old: &str, new: &str| {
        let at = |text: &str, part: &str| {
            let start = text.find(part).expect("it stands there");
            (Some(start), Some(start + part.len()))
        };
        let ((old_start, old_end), (new_start, new_end)) = (at(POLICY_BEFORE, old), at(POLICY_AFTER, new));
        Change {
            kind: kind.into(),
            topic: topic.into(),
            direction: Direction::Worse,
            old_quote: old.into(),
            new_quote: new.into(),
            old_start,
            old_end,
            new_start,
            new_end,
        }
    };
    TermsDiff {
        direction: Direction::Worse,
        changes: vec![
            change(
                "retention_extended",
                "retention",
                "We keep recordings for 30 days after a note is signed, and then delete them.",
                "We keep recordings for 24 months after a note is signed, and then delete them.",
            ),
            change(
                "training_use_added",
                "training",
                "We do not use your content to train artificial intelligence models.",
                "We may use your content to train and improve our artificial intelligence models.",
            ),
        ],
        stays: Vec::new(),
        caution: None,
        unconfirmed: Vec::new(),
        sentences_changed: 2,
    }
}

struct Asked {
    id: &'static str,
    layer: Layer,
    asks: &'static str,
    good: Says,
    severity: Severity,
    sources: &'static [&'static str],
}

const QUESTIONS: &[Asked] = &[
    Asked {
        id: "agreement-signed",
        layer: Layer::Agreement,
        asks: "Is there a signed business associate agreement?",
        good: Says::Yes,
        severity: Severity::Critical,
        sources: &["baa.signed"],
    },
    Asked {
        id: "breach-notice",
        layer: Layer::Agreement,
        asks: "Must it tell you of a breach within 60 days of finding it?",
        good: Says::Yes,
        severity: Severity::High,
        sources: &["baa.breach_notice"],
    },
    Asked {
        id: "training",
        layer: Layer::DataUse,
        asks: "May it use what your clients say to train or improve models?",
        good: Says::No,
        severity: Severity::Critical,
        sources: &["baa.training_or_improvement_permitted"],
    },
    Asked {
        id: "place",
        layer: Layer::DataUse,
        asks: "Is it known where the data goes?",
        good: Says::Yes,
        severity: Severity::Medium,
        sources: &["vendor.place"],
    },
    Asked {
        id: "terms-read",
        layer: Layer::DataUse,
        asks: "Were its current terms read?",
        good: Says::Yes,
        severity: Severity::High,
        sources: &["terms.read"],
    },
    Asked {
        id: "mfa",
        layer: Layer::AccessControls,
        asks: "Does it ask for a second factor at sign-in?",
        good: Says::Yes,
        severity: Severity::Medium,
        sources: &[],
    },
    Asked {
        id: "roles",
        layer: Layer::AccessControls,
        asks: "Can different people be given different rights?",
        good: Says::Yes,
        severity: Severity::Medium,
        sources: &[],
    },
    Asked {
        id: "tenants",
        layer: Layer::AccessControls,
        asks: "Do several practices share one database?",
        good: Says::No,
        severity: Severity::Medium,
        sources: &[],
    },
    Asked {
        id: "prompt-log",
        layer: Layer::AuditLogs,
        asks: "Does it log what was sent to the model, and by whom?",
        good: Says::Yes,
        severity: Severity::High,
        sources: &[],
    },
    Asked {
        id: "log-retention",
        layer: Layer::AuditLogs,
        asks: "Are its logs kept for six years?",
        good: Says::Yes,
        severity: Severity::Low,
        sources: &[],
    },
    Asked {
        id: "consent-form",
        layer: Layer::Consent,
        asks: "Does the consent form name it?",
        good: Says::Yes,
        severity: Severity::High,
        sources: &["ledger.form"],
    },
    Asked {
        id: "discussed",
        layer: Layer::Consent,
        asks: "Was it talked over with each client?",
        good: Says::Yes,
        severity: Severity::High,
        sources: &["ledger.discussed"],
    },
];

fn question(asked: &Asked) -> Question {
    Question {
        id: asked.id.into(),
        layer: asked.layer,
        asks: asked.asks.into(),
        why: "Your clients agreed to a note being drafted. What else is done with their words they can only agree to if they are told.".into(),
        good: asked.good,
        severity: asked.severity,
        follows: "Ask the company for the words proposed below, in writing. Until they stand in the agreement, tell your clients what it allows, or do not use the tool with them.".into(),
        citation: "45 CFR 164.504(e)(2)(i); the rule does not name training of models".into(),
        mark: "verified from cfr-copy; seed-002".into(),
        sources: asked.sources.iter().map(|source| (*source).to_owned()).collect(),
        essential: false,
    }
}

fn given(question: &Question, says: Says, text: &str, origin: Origin, evidence: Vec<Evidence>) -> Answer {
    Answer {
        question: question.id.clone(),
        says,
        text: text.into(),
        origin,
        evidence,
        at: at("2026-11-20T09:30:00.000Z"),
        stale: None,
    }
}

fn finding(question: &Question, says: &str, quote: Option<Evidence>) -> Finding {
    Finding {
        question: question.id.clone(),
        severity: question.severity,
        says: says.into(),
        follows: question.follows.clone(),
        citation: question.citation.clone(),
        mark: question.mark.clone(),
        quote,
    }
}

fn layers(states: [RowState; 3]) -> Stack {
    let names = [StackLayer::Agreement, StackLayer::AccessControls, StackLayer::AuditLogs];
    Stack {
        rows: names
            .into_iter()
            .zip(states)
            .map(|(layer, state)| Row {
                layer,
                state,
                by: vec!["A first question: yes".into(), "A second question: not known".into()],
            })
            .collect(),
        have: "An agreement, in part.".into(),
        missing: "Access controls in part, and audit logs.".into(),
        follows: "It is legal on paper in part. Nobody could show afterwards who read a client's words.".into(),
    }
}

/// The audit of the company, with the findings of its answers.
pub(crate) fn audit() -> Audit {
    let shown = |part: &str| {
        let Quote { quote, start, end } = quote(part);
        Evidence {
            what: "the agreement quillnote-baa.pdf".into(),
            sha256: Some(Digest::of(AGREEMENT.as_bytes())),
            quote: Some(quote),
            start: Some(start),
            end: Some(end),
            date: Some("2026-10-01".into()),
            who: None,
            seq: Some(198),
        }
    };
    let mut answers = Vec::new();
    let mut findings = Vec::new();
    for asked in QUESTIONS {
        let question = question(asked);
        let answer = match asked.id {
            "training" => {
                let evidence = shown(TRAINING);
                findings.push(finding(
                    &question,
                    "The agreement lets the company train models on de-identified words of your clients.",
                    Some(evidence.clone()),
                ));
                Some(given(&question, Says::Yes, "The agreement permits it.", Origin::Agreement, vec![evidence]))
            }
            "breach-notice" => {
                let evidence = shown(BREACH);
                findings.push(finding(
                    &question,
                    "It may wait ninety days, and counts from when it confirms the breach.",
                    Some(evidence.clone()),
                ));
                Some(given(
                    &question,
                    Says::No,
                    "Ninety days, counted from confirmation.",
                    Origin::Agreement,
                    vec![evidence],
                ))
            }
            "prompt-log" => {
                findings.push(finding(&question, "Nobody could tell afterwards what was sent to the model.", None));
                Some(given(
                    &question,
                    Says::No,
                    "Their support wrote that prompts are not logged.",
                    Origin::Person,
                    vec![Evidence {
                        what: "a mail from support, support.eml".into(),
                        sha256: Some(Digest::of(b"mail")),
                        quote: Some("For privacy reasons we do not log what is sent to the model.".into()),
                        date: Some("2026-11-19".into()),
                        who: Some("Dana Whitfield".into()),
                        seq: Some(203),
                        ..Evidence::default()
                    }],
                ))
            }
            "agreement-signed" => Some(given(
                &question,
                Says::Yes,
                "Signed on 2026-10-01 by Dana Whitfield.",
                Origin::Agreement,
                vec![Evidence {
                    what: "the agreement quillnote-baa.pdf".into(),
                    sha256: Some(Digest::of(AGREEMENT.as_bytes())),
                    date: Some("2026-10-01".into()),
                    who: Some("Dana Whitfield".into()),
                    seq: Some(198),
                    ..Evidence::default()
                }],
            )),
            "place" => Some(given(&question, Says::Yes, "Ohio, United States.", Origin::Configuration, Vec::new())),
            "terms-read" => Some(Answer {
                stale: Some("the terms changed on 2026-11-18".into()),
                ..given(&question, Says::Yes, "Read by Dana Whitfield on 2026-09-02.", Origin::Person, Vec::new())
            }),
            "roles" => Some(given(&question, Says::Partly, "Two roles: owner and member.", Origin::Person, Vec::new())),
            "tenants" => {
                Some(given(&question, Says::Unknown, "Asked on 2026-11-19, no reply yet.", Origin::Person, Vec::new()))
            }
            "log-retention" => {
                Some(given(&question, Says::NotApplicable, "It keeps no logs.", Origin::Person, Vec::new()))
            }
            "consent-form" => {
                Some(given(&question, Says::Yes, "The form of today names it.", Origin::Ledger, Vec::new()))
            }
            "discussed" => {
                findings.push(finding(&question, "It was talked over with 3 of 5 clients.", None));
                Some(given(&question, Says::Partly, "With 3 of 5 clients.", Origin::Ledger, Vec::new()))
            }
            _ => None,
        };
        answers.push((question, answer));
    }
    // As an audit hands them out: in no order a report may rely on.
    findings.reverse();
    Audit {
        vendor: "Quillnote AI, Inc.".into(),
        local: false,
        questionnaire: "ai-notes@1".into(),
        made: at("2026-11-20T09:31:00.000Z"),
        answers,
        besides: Vec::new(),
        findings,
        stack: layers([RowState::Partly, RowState::Unknown, RowState::Missing]),
        verdict: "Four answers need something to be done before you go on with this company. The agreement allows training on your clients' words.".into(),
        not_checked: vec!["Whether the company does what it promises.".into(), "Does it ask for a second factor at sign-in?".into()],
    }
}

/// An audit with so many findings, as a framework of another house would give it.
pub(crate) fn audit_of(findings: usize) -> Audit {
    let mut audit = audit();
    audit.answers.clear();
    audit.findings.clear();
    let severities = [Severity::Low, Severity::Critical, Severity::Medium, Severity::High];
    for number in 0..findings {
        let asked = &QUESTIONS[number % QUESTIONS.len()];
        let mut question = question(asked);
        question.id = format!("q-{number}");
        question.severity = severities[number % severities.len()];
        audit.findings.push(finding(&question, &format!("Answer number {number} is not as it should be."), None));
        let answer = given(&question, Says::No, "It is not so.", Origin::Person, Vec::new());
        audit.answers.push((question, Some(answer)));
    }
    audit
}

/// The audit of the practice's own pipeline.
pub(crate) fn own() -> Audit {
    let mut audit = audit();
    audit.vendor = "this practice's own computer".into();
    audit.local = true;
    audit.findings.clear();
    audit.verdict =
        "Nothing here leaves the practice's own computer, as far as its settings and its ledger tell.".into();
    audit.stack = layers([RowState::NotNeeded, RowState::There, RowState::There]);
    for (question, answer) in &mut audit.answers {
        *answer = Some(given(question, question.good, "As the settings say.", Origin::Configuration, Vec::new()));
    }
    audit
}

fn look(day: &str, seq: u64, outcome: TermsOutcome) -> TermsCheck {
    TermsCheck { at: at(day), seq: Some(seq), outcome, why: None, sha256: None, diff: None, came_back_after_ms: None }
}

/// What is known of the company's terms: a policy that became worse, a list that was not given out.
pub(crate) fn terms() -> Vec<TermsRow> {
    vec![
        TermsRow {
            source: "src-1".into(),
            terms_type: "Privacy Policy".into(),
            address: "https://quillnote.example/legal/privacy-policy-for-customers-in-the-united-states".into(),
            tracked_since: Some(at("2026-08-01")),
            last_checked: Some(at("2026-11-18")),
            last_outcome: Some(TermsOutcome::Changed),
            versions: 2,
            worsened: Some(TermsWorsened {
                on: "2026-11-18".into(),
                what: vec!["may use words to train models".into()],
            }),
            checks: vec![
                TermsCheck {
                    sha256: Some(Digest::of(POLICY_BEFORE.as_bytes())),
                    ..look("2026-08-01", 120, TermsOutcome::First)
                },
                look("2026-09-01", 131, TermsOutcome::Unchanged),
                look("2026-10-01", 145, TermsOutcome::Unchanged),
                TermsCheck {
                    why: Some("the page answered 403 and a captcha".into()),
                    ..look("2026-11-01", 177, TermsOutcome::Blocked)
                },
                TermsCheck {
                    sha256: Some(Digest::of(POLICY_AFTER.as_bytes())),
                    diff: Some(changed()),
                    ..look("2026-11-18", 199, TermsOutcome::Changed)
                },
            ],
        },
        TermsRow {
            source: "src-2".into(),
            terms_type: "Subprocessor List".into(),
            address: "https://quillnote.example/subprocessors".into(),
            tracked_since: Some(at("2026-08-01")),
            last_checked: Some(at("2026-11-18")),
            last_outcome: Some(TermsOutcome::Blocked),
            versions: 0,
            worsened: None,
            checks: vec![TermsCheck {
                why: Some("the page asks for a sign-in".into()),
                ..look("2026-11-18", 200, TermsOutcome::Blocked)
            }],
        },
    ]
}

pub(crate) fn checklist() -> ChecklistDocument {
    ChecklistDocument {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        vendor: Some(VendorFact {
            name: "Quillnote AI, Inc.".into(),
            does: "turns speech into text and drafts notes".into(),
            place: Some("Ohio, United States".into()),
            keeps_days: Some(30),
            trains: None,
            passes_on_to: vec!["a hosting company".into()],
            terms_worsened: None,
        }),
        emergencies: super::access::emergencies(),
        audit: audit(),
        audit_seq: Some(205),
        audit_stale: Some("its privacy policy changed for the worse on 2026-11-18".into()),
        agreement: Some(AgreementFile {
            file_name: "quillnote-baa.pdf".into(),
            sha256: Digest::of(AGREEMENT.as_bytes()),
            signed: Some("2026-10-01".into()),
            by: Some("Dana Whitfield".into()),
            reviewed: at("2026-10-02T08:00:00.000Z"),
            seq: 198,
        }),
        review: Some(reviewed()),
        terms: terms(),
        legal: vendors_legal_facts().expect("the bundled file"),
        checkpoint: Some(CHECKPOINT.into()),
    }
}

/// The checklist of an audit with so many findings and nothing else.
pub(crate) fn checklist_of(findings: usize) -> ChecklistDocument {
    ChecklistDocument {
        audit: audit_of(findings),
        audit_stale: None,
        vendor: None,
        agreement: None,
        review: None,
        terms: Vec::new(),
        ..checklist()
    }
}

/// The checklist of the practice's own pipeline.
pub(crate) fn own_checklist() -> ChecklistDocument {
    ChecklistDocument { audit: own(), ..checklist_of(0) }
}

/// The stack of the practice's own pipeline and so many companies.
pub(crate) fn stack(companies: usize) -> StackDocument {
    let mut audits = vec![own()];
    for number in 0..companies {
        let mut audit = audit();
        audit.vendor = format!("{} (number {number})", audit.vendor);
        audits.push(audit);
    }
    StackDocument {
        practice: practice(),
        made: at("2026-11-21T20:10:00.000Z"),
        emergencies: super::access::emergencies(),
        audits,
        legal: vendors_legal_facts().expect("the bundled file"),
        checkpoint: Some(CHECKPOINT.into()),
    }
}

pub(crate) fn rows() -> Vec<VendorRow> {
    vec![
        VendorRow {
            name: "Quillnote AI, Inc.".into(),
            does: "turns speech into text and drafts notes".into(),
            place: Some("Ohio, United States".into()),
            agreement: Some((at("2026-10-02T08:00:00.000Z"), 198)),
            audited: Some((at("2026-11-20T09:31:00.000Z"), 205)),
            stale: Some("its privacy policy changed for the worse on 2026-11-18".into()),
            findings: 4,
            grave: 3,
            verdict: Some(audit().verdict),
            terms: terms()
                .into_iter()
                .map(|row| VendorTerms {
                    terms_type: row.terms_type,
                    last_checked: row.last_checked,
                    last_outcome: row.last_outcome,
                    worsened: row.worsened,
                })
                .collect(),
        },
        VendorRow {
            name: "Brightline Transcripts LLC".into(),
            does: "turns speech into text".into(),
            place: None,
            agreement: None,
            audited: None,
            stale: None,
            findings: 0,
            grave: 0,
            verdict: None,
            terms: Vec::new(),
        },
        VendorRow {
            name: "Cedar Backup Co-op".into(),
            does: "keeps sealed copies".into(),
            place: Some("Vermont, United States".into()),
            agreement: Some((at("2026-06-02T08:00:00.000Z"), 88)),
            audited: Some((at("2026-11-20T10:31:00.000Z"), 206)),
            stale: None,
            findings: 0,
            grave: 0,
            verdict: Some("Nothing is open.".into()),
            terms: vec![VendorTerms {
                terms_type: "Terms of Service".into(),
                last_checked: Some(at("2026-11-18")),
                last_outcome: Some(TermsOutcome::Unchanged),
                worsened: None,
            }],
        },
    ]
}
