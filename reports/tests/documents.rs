//! Every document, made from its sample, read back with the tools people have.

mod samples;
#[path = "documents/vendors.rs"]
mod vendors;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use provenote_reports::{
    MAX_CHECKPOINT, MadeBy, ReportError, access_report, board_report, checklist, consent_form, consents_report, note,
    recovery_kit, stack, withdrawal_copy,
};
use provenote_schemas::consent::Signature;
use provenote_schemas::note::NoteState;
use provenote_schemas::{Digest, digest_of};

/// All documents by name, from their samples.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("consent-unsigned", consent_form(&samples::unsigned()).expect("the unsigned form")),
        ("consent-signed", consent_form(&samples::signed()).expect("the signed form")),
        ("note", note(&samples::note()).expect("the note")),
        ("board", board_report(&samples::board(24)).expect("the report")),
        ("board-empty", board_report(&samples::board(0)).expect("the report of a quiet month")),
        ("recovery", recovery_kit(&samples::recovery()).expect("the kit")),
        ("withdrawal-en", withdrawal_copy(&samples::withdrawal("en")).expect("the copy")),
        ("withdrawal-es", withdrawal_copy(&samples::withdrawal("es")).expect("the copy")),
        ("consents", consents_report(&samples::consents(40, true)).expect("the overview")),
        ("consents-empty", consents_report(&samples::consents(0, false)).expect("the overview of no client")),
        ("checklist", checklist(&samples::vendors::checklist()).expect("the checklist")),
        ("checklist-own", checklist(&samples::vendors::own_checklist()).expect("our own checklist")),
        ("checklist-empty", checklist(&samples::vendors::checklist_of(0)).expect("the checklist of no question")),
        ("stack", stack(&samples::vendors::stack(2)).expect("the stack")),
        ("access", access_report(&samples::access::access(40)).expect("the report")),
        ("access-empty", access_report(&samples::access::access(0)).expect("the report of a practice of one")),
        ("stack-own", stack(&samples::vendors::stack(0)).expect("our own stack")),
    ]
}

/// A folder of the build for what a test makes; it stays there to be looked at.
struct Folder {
    at: PathBuf,
}

impl Folder {
    fn new(test: &str) -> Self {
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(test);
        std::fs::create_dir_all(&at).expect("the folder");
        Self { at }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.at.join(format!("{name}.pdf"));
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

fn run(program: &str, arguments: &[&std::ffi::OsStr]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot run ({error}): install qpdf and poppler-utils"))
}

/// The words of a PDF in reading order, all white space as one space.
fn words(pdf: &Path) -> String {
    let out = run("pdftotext", &[pdf.as_os_str(), "-".as_ref()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words with no white space at all: what is printed over several lines is one word again.
fn letters(pdf: &Path) -> String {
    words(pdf).replace(' ', "")
}

fn attachment(pdf: &Path, folder: &Folder) -> String {
    let to = folder.at.join("attached.json");
    let out = run(
        "pdfdetach",
        &["-savefile".as_ref(), "record.json".as_ref(), "-o".as_ref(), to.as_os_str(), pdf.as_os_str()],
    );
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    std::fs::read_to_string(to).expect("the attachment")
}

#[test]
fn every_document_keeps_pdf_a_and_pdf_ua() {
    let folder = Folder::new("every_document_keeps_pdf_a_and_pdf_ua");
    let paths: Vec<PathBuf> = all().iter().map(|(name, pdf)| folder.put(name, pdf)).collect();
    for path in &paths {
        let out = run("qpdf", &["--check".as_ref(), path.as_os_str()]);
        assert!(out.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&out.stdout));
    }
    // Relative to the package, where cargo runs its tests: build products are kept between checkouts, so the folder they
    // were compiled in may be gone.
    let script = Path::new("../scripts/validate-pdf.sh");
    let out = Command::new("bash").arg(script).args(&paths).output().expect("bash");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(said.matches("PDF/A-3a yes, PDF/UA-1 yes").count(), paths.len(), "{said}");
}

#[test]
fn every_document_names_its_language_and_title_and_is_tagged() {
    let folder = Folder::new("every_document_names_its_language_and_title_and_is_tagged");
    for (name, pdf) in all() {
        let path = folder.put(name, &pdf);
        let out = run("pdfinfo", &[path.as_os_str()]);
        let info = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(info.contains("Tagged:          yes"), "{name}: {info}");
        assert!(info.lines().any(|line| line.starts_with("Title:") && line.len() > 20), "{name}: {info}");
        for person in ["Jordan", "Rivera", "Whitfield"] {
            assert!(!info.contains(person), "{name}: a name stands in the file's properties: {info}");
        }
        let out = run("pdfinfo", &["-struct".as_ref(), path.as_os_str()]);
        let tree = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(tree.lines().filter(|line| line.trim_start().starts_with("H1 ")).count(), 1, "{name}: {tree}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_gives_another_identity() {
    for ((name, once), (_, again)) in all().into_iter().zip(all()) {
        assert!(once == again, "{name}");
    }
    let mut other = samples::recovery();
    other.code = "AAAAA-BBBBB".into();
    let (one, two) = (recovery_kit(&samples::recovery()).expect("a kit"), recovery_kit(&other).expect("a kit"));
    let identity = |pdf: &[u8]| {
        let text = String::from_utf8_lossy(pdf).into_owned();
        text.rsplit_once("/ID").map(|(_, rest)| rest.chars().take(80).collect::<String>())
    };
    assert!(identity(&one).is_some());
    assert_ne!(identity(&one), identity(&two));
}

#[test]
fn a_signed_form_shows_who_signed_what_when_and_how() {
    let folder = Folder::new("a_signed_form_shows_who_signed_what_when_and_how");
    let document = samples::signed();
    let path = folder.put("signed", &consent_form(&document).expect("a form"));
    let text = words(&path);
    for part in [
        "Recording and AI-drafted notes: your choice",
        "Signed copy",
        "You may say no.",
        "☑ I agree that my sessions are recorded",
        "☑ I would like to hear the recording",
        "Jordan Rivera",
        "Maria José Rivera-O’Neill",
        "Parent or guardian",
        "November 21, 2026, 20:04:11 UTC",
        "The person typed their name.",
        "The person drew on a screen.",
        "The person signed on paper; a scan is kept in the record.",
        "Copy for the client",
        "Page 3 of 3",
        &document.intent,
        document.form.consent.as_str(),
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let letters = letters(&path);
    for digest in [document.form.text_sha256, document.form.disclosure_digest, Digest::of(samples::DRAWN)] {
        assert!(letters.contains(&digest.to_string()), "{digest} is not copied exactly from: {letters}");
    }
    assert!(letters.contains(&samples::CHECKPOINT.split_whitespace().collect::<String>()), "{letters}");
    assert_eq!(attachment(&path, &folder), document.record_json);
}

#[test]
fn an_unsigned_form_has_lines_to_sign_on_and_no_code() {
    let folder = Folder::new("an_unsigned_form_has_lines_to_sign_on_and_no_code");
    let path = folder.put("unsigned", &consent_form(&samples::unsigned()).expect("a form"));
    let text = words(&path);
    assert!(text.contains("Please read before you sign"), "{text}");
    assert_eq!((text.matches("Signature").count(), text.matches("Date").count()), (3, 3), "{text}");
    assert!(!text.contains("Ledger checkpoint"), "{text}");
    let mut half = samples::signed();
    half.grants.truncate(1);
    let text = words(&folder.put("half", &consent_form(&half).expect("a form")));
    assert!(text.contains("Partly signed copy") && text.matches("Date").count() == 2, "{text}");
}

#[test]
fn form_and_signatures_that_do_not_belong_together_are_refused() {
    let mut altered = samples::signed();
    altered.form.text.push_str("\n\nAnd one thing more.");
    assert!(matches!(consent_form(&altered), Err(ReportError::AlteredForm { .. })));

    let mut other_text = samples::signed();
    other_text.grants[0].text_sha256 = Digest::of(b"other");
    assert!(matches!(consent_form(&other_text), Err(ReportError::ForeignSignature { what: "another text" })));

    let mut other_facts = samples::signed();
    other_facts.grants[1].disclosure_digest = Digest::of(b"other");
    assert!(matches!(consent_form(&other_facts), Err(ReportError::ForeignSignature { what: "other disclosures" })));

    let mut stranger = samples::signed();
    stranger.form.participants.remove(2);
    assert!(matches!(consent_form(&stranger), Err(ReportError::ForeignSignature { .. })));

    let mut no_picture = samples::signed();
    no_picture.pictures.clear();
    assert!(matches!(consent_form(&no_picture), Err(ReportError::NoPicture { number: 1 })));

    let mut broken = samples::signed();
    let png = samples::DRAWN[..samples::DRAWN.len() / 2].to_vec();
    broken.grants[1].signature = Signature::Drawn { png_sha256: Digest::of(&png) };
    broken.pictures[0].png = png;
    assert!(matches!(consent_form(&broken), Err(ReportError::BadPicture { number: 1, .. })));

    let mut language = samples::unsigned();
    language.form.lang = "#x".into();
    assert!(matches!(consent_form(&language), Err(ReportError::Language { .. })));

    let mut long = samples::signed();
    long.checkpoint = Some("x".repeat(MAX_CHECKPOINT + 1));
    assert!(matches!(consent_form(&long), Err(ReportError::CheckpointTooLong { .. })));
}

#[test]
fn a_note_says_who_answers_for_it_and_what_drafted_it() {
    let folder = Folder::new("a_note_says_who_answers_for_it_and_what_drafted_it");
    let document = samples::note();
    let path = folder.put("note", &note(&document).expect("a note"));
    let text = words(&path);
    for part in [
        "Progress note (SOAP)",
        "She practiced the breathing exercise on four of seven days.",
        "Nothing was entered in this section.",
        "Client called to move the next session",
        "Drafted with AI on the practice’s own computer; reviewed and attested by Dana Whitfield, LPC.",
        "November 20, 2026, 17:00:00 UTC",
        "2 by the model unchanged, 1 changed by the clinician, 1 by the clinician alone",
        "1 raised, 1 answered before attestation",
        "prompt.sent",
        "Whisper base",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    assert_eq!(attachment(&path, &folder), document.record_json);
}

#[test]
fn a_dictated_note_says_that_no_model_drafted_it_and_a_typed_one_that_none_took_part() {
    let folder = Folder::new("a_dictated_note_says_that_no_model_drafted_it");
    let mut document = samples::note();
    let MadeBy::Model(drafting) = document.made_by.clone() else { panic!("the sample was drafted by a model") };
    let speech = drafting.speech.expect("a speech model");
    document.made_by = MadeBy::Dictation { speech: speech.clone(), isolation: drafting.isolation };
    let path = folder.put("dictated", &note(&document).expect("a note"));
    let text = words(&path);
    for part in ["no model drafted it. Reviewed and attested by", "None: no model drafted this note", "Whisper base"] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    assert!(letters(&path).contains(&speech.sha256.to_string()), "the file of the speech model");
    assert!(!text.contains("Drafted with AI") && !text.contains("note-soap@1"), "{text}");
    document.made_by = MadeBy::Typing;
    let text = words(&folder.put("typed", &note(&document).expect("a note")));
    assert!(text.contains("No model took part in it. Attested by Dana Whitfield, LPC."), "{text}");
    assert!(!text.contains("Speech model") && !text.contains("Isolation"), "{text}");
}

#[test]
fn a_note_tells_of_consent_from_the_records_alone() {
    let folder = Folder::new("a_note_tells_of_consent_from_the_records_alone");
    let mut document = samples::note();
    let text = words(&folder.put("note", &note(&document).expect("a note")));
    for part in [
        "Consent, from the practice’s records",
        "Jordan Rivera signed form con-0 (ai-notes@2)",
        "not by the model",
        "1 sentence that the model wrote on consent was taken out",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    assert!(!text.contains("The client agreed to the recording."), "what was taken out stands in: {text}");
    document.consent_statement.clear();
    document.note.removed.clear();
    document.attestation.text = digest_of(&document.note).expect("JSON");
    let text = words(&folder.put("bare", &note(&document).expect("a note")));
    assert!(!text.contains("from the practice’s records") && !text.contains("taken out"), "{text}");
}

#[test]
fn a_withdrawal_tells_what_becomes_of_each_thing_in_the_language_of_the_form() {
    let folder = Folder::new("a_withdrawal_tells_what_becomes_of_each_thing");
    for (lang, parts) in [
        (
            "en",
            [
                "Consent taken back",
                "Maria José Rivera-O’Neill (parent or guardian)",
                "November 21, 2026, 20:30:00 UTC",
                "Recording and AI-assisted notes",
                "Use in supervision",
                "We would rather not be recorded any more.",
                "Your care does not change.",
                "December 5, 2026",
                "215, 216",
            ],
        ),
        (
            "es",
            [
                "Consentimiento retirado",
                "Maria José Rivera-O’Neill (madre, padre o tutor)",
                "21 de noviembre de 2026, 20:30:00 UTC",
                "Grabación y notas con ayuda de IA",
                "Uso en la supervisión",
                "We would rather not be recorded any more.",
                "Su atención no cambia.",
                "5 de diciembre de 2026",
                "215, 216",
            ],
        ),
    ] {
        let copy = samples::withdrawal(lang);
        let path = folder.put(lang, &withdrawal_copy(&copy).expect("a copy"));
        let text = words(&path);
        for part in parts {
            assert!(text.contains(part), "`{part}` is missing from: {text}");
        }
        let letters = letters(&path);
        for effect in &copy.effects {
            let fate: String = effect.fate.words_in(lang).split_whitespace().skip(1).collect();
            assert!(letters.contains(&fate), "`{fate}` is missing from: {letters}");
            assert!(letters.contains(&effect.id.replace(' ', "")), "{}", effect.id);
        }
        assert!(letters.contains(&samples::CHECKPOINT.split_whitespace().collect::<String>()), "{letters}");
        assert_eq!(attachment(&path, &folder), copy.record_json);
    }
    let mut all = samples::withdrawal("en");
    all.withdrawal.purposes.clear();
    all.effects.clear();
    all.receipts.clear();
    all.said = None;
    let text = words(&folder.put("all", &withdrawal_copy(&all).expect("a copy")));
    assert!(text.contains("Everything that was agreed to") && text.contains("There was nothing"), "{text}");
    assert!(!text.contains("Receipts") && !text.contains("To destroy a thing"), "{text}");
    let mut turned = samples::withdrawal("he");
    assert!(matches!(withdrawal_copy(&turned), Err(ReportError::Language(_))));
    turned.lang = "fr".into();
    assert!(words(&folder.put("fr", &withdrawal_copy(&turned).expect("in English"))).contains("Consent taken back"));
}

#[test]
fn an_overview_of_200_clients_has_a_row_for_each_and_its_head_on_every_page() {
    let folder = Folder::new("an_overview_of_200_clients");
    let report = samples::consents(200, true);
    let path = folder.put("consents", &consents_report(&report).expect("an overview"));
    let text = words(&path);
    for part in [
        "Consent is in force for 29 of 200 clients.",
        "Taken back: 29 clients",
        "In force: 29 clients",
        "What this report cannot show",
        "Not legal advice.",
        "45 CFR 164.508(b)(2)",
        "from memory, unverified",
        "in force, spoken",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let letters = letters(&path);
    for row in &report.rows {
        assert!(letters.contains(row.client.as_str()), "{}", row.client);
        assert!(letters.contains(&row.name.as_deref().expect("a name").replace(' ', "")), "{}", row.client);
    }
    let pages = text.matches("Consents of all clients · not legal advice Page").count();
    assert!(text.matches("Client Since and until For what Who is asked").count() >= pages - 2, "{pages}: {text}");
    let attached: serde_json::Value = serde_json::from_str(&attachment(&path, &folder)).expect("JSON");
    assert_eq!(attached["rows"].as_array().map(Vec::len), Some(200));
}

#[test]
fn an_overview_without_names_has_none_anywhere_in_the_file() {
    let folder = Folder::new("an_overview_without_names");
    let report = samples::consents(12, false);
    let path = folder.put("consents", &consents_report(&report).expect("an overview"));
    let (text, attached) = (words(&path), attachment(&path, &folder));
    for name in ["Jordan", "Maria José", "Rivera"] {
        assert!(!text.contains(name), "{name} stands in: {text}");
        assert!(!attached.contains(name), "{name} stands in: {attached}");
    }
    for row in &report.rows {
        assert!(attached.contains(row.client.as_str()), "{}", row.client);
    }
}

#[test]
fn a_report_on_access_tells_who_opened_what_and_puts_emergencies_first() {
    let folder = Folder::new("a_report_on_access");
    let report = samples::access::access(40);
    let path = folder.put("access", &access_report(&report).expect("a report"));
    let text = words(&path);
    for part in [
        "Emergency access. 1 emergency access is not reviewed yet by somebody other than who took it.",
        "The review was due on 2026-11-18.",
        "whoever knows it opens records with it",
        "5 accounts",
        "The review of the time found 10 things for a person to look at.",
        "What came after is not signed off yet.",
        "policy choice, commonly inferred",
        "None, and the role needs one",
        "Since 2026-02-03, removed 2026-10-30",
        "psychotherapy notes of",
        "Emergency, not reviewed",
        "and 24 more",
        "guard-keys",
        "What this report cannot show",
        "45 CFR 164.308(a)(1)(ii)(D)",
        "It covers disclosures, not internal views; it is not an access report.",
        "Not legal advice.",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    let letters = letters(&path);
    for user in &report.users {
        assert!(letters.contains(&user.user), "{}", user.user);
    }
    let emergency = text.find("Emergency, not reviewed").expect("there");
    assert!(emergency < text.find("In force").expect("there"), "what nobody reviewed stands first: {text}");
    let attached: serde_json::Value = serde_json::from_str(&attachment(&path, &folder)).expect("JSON");
    assert_eq!(attached["seen"].as_array().map(Vec::len), Some(40));
    let quiet = words(&folder.put("quiet", &access_report(&samples::access::access(0)).expect("a report")));
    for part in
        ["Nothing stands out.", "No review was ever signed off.", "Nothing was refused", "Names were not opened"]
    {
        assert!(quiet.contains(part), "`{part}` is missing from: {quiet}");
    }
    assert!(!quiet.contains("Emergency access."), "{quiet}");
}

#[test]
fn every_report_begins_with_emergency_access_that_nobody_reviewed() {
    let folder = Folder::new("every_report_begins_with_emergency_access");
    for (name, pdf) in [
        ("board", board_report(&samples::board(3))),
        ("consents", consents_report(&samples::consents(3, false))),
        ("stack", stack(&samples::vendors::stack(1))),
        ("checklist", checklist(&samples::vendors::checklist())),
        ("access", access_report(&samples::access::access(4))),
    ] {
        let text = words(&folder.put(name, &pdf.unwrap_or_else(|error| panic!("{name}: {error}"))));
        let at = text.find("Emergency access. 1 emergency access is not reviewed yet");
        assert!(at.is_some_and(|at| at < 600), "{name}: {text}");
    }
}

#[test]
fn a_draft_cannot_be_printed() {
    let mut changed = samples::note();
    changed.note.sections[0].sentences[0].text.push('!');
    assert!(matches!(note(&changed), Err(ReportError::NotAttested { .. })));
    let mut other = samples::note();
    other.attestation.note = provenote_schemas::NoteId::from_random([1; 10]);
    assert!(matches!(note(&other), Err(ReportError::NotAttested { .. })));
}

#[test]
fn a_board_report_tells_what_was_recorded_and_what_it_cannot_show() {
    let folder = Folder::new("a_board_report_tells_what_was_recorded_and_what_it_cannot_show");
    let report = samples::board(24);
    let path = folder.put("board", &board_report(&report).expect("a report"));
    let text = words(&path);
    for part in [
        "1 session was processed while the practice had switched off",
        "Isolation overridden",
        "What was never recorded.",
        "Not legal advice.",
        "from memory, unverified",
        "45 CFR 164.312(b)",
        "provenote ledger verify",
        "the client declined on 2026-10-02",
        "whisper.cpp 1.8.2",
        "Destroyed 2026-10-02, entry 47",
        "50 min 12 s, dictated",
        "No model ran",
        "Consent taken back",
        "Everything Receipts: entries 46, 47",
        "Recording and AI-assisted notes; use in teaching",
        "Nothing was destroyed at once",
    ] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
    assert!(!text.to_lowercase().contains("hipaa compliant") && !text.contains("HIPAA-compliant"));
    let letters = letters(&path);
    for session in &report.sessions {
        assert!(letters.contains(session.session.as_str()), "{}", session.session);
    }
    for destruction in &report.destroyed {
        assert!(letters.contains(&destruction.receipt.to_string()), "{}", destruction.receipt);
    }
    assert!(letters.contains(&report.verification.vkey), "{letters}");
    // The attachment is the facts, exactly.
    let attached = attachment(&path, &folder);
    assert_eq!(Digest::of(attached.as_bytes()), digest_of(&report).expect("JSON"));
    let read: provenote_reports::BoardReport = serde_json::from_str(&attached).expect("the facts");
    assert_eq!(read, report);
    // The header of the sessions' table stands on every page the table reaches.
    assert!(text.matches("Session and client When Gate and consents").count() >= 2, "{text}");
}

#[test]
fn a_report_on_a_damaged_ledger_says_so_first() {
    let folder = Folder::new("a_report_on_a_damaged_ledger_says_so_first");
    let mut report = samples::board(2);
    report.verification.whole = false;
    report.verification.verdict = "altered".into();
    report.verification.findings = vec![provenote_reports::Finding {
        kind: "altered_entry".into(),
        seq: Some(77),
        detail: "Entry 77 is not what was signed.".into(),
    }];
    report.notes[0].state = NoteState::Draft;
    let text = words(&folder.put("damaged", &board_report(&report).expect("a report")));
    for part in ["Altered.", "The verifier found what should not be there.", "Entry 77 is not what was signed."] {
        assert!(text.contains(part), "`{part}` is missing from: {text}");
    }
}

#[test]
fn a_recovery_kit_holds_the_code_once_and_no_attachment() {
    let folder = Folder::new("a_recovery_kit_holds_the_code_once_and_no_attachment");
    let path = folder.put("kit", &recovery_kit(&samples::recovery()).expect("a kit"));
    let letters = letters(&path);
    // A hyphen at the end of a line may be taken for hyphenation by a reader; the code is typed with or without them.
    assert_eq!(letters.replace('-', "").matches("7KQ4M2XN8VT3P9DH6RWB5YJ0CF1GZS").count(), 1, "{letters}");
    let out = run("pdfdetach", &["-list".as_ref(), path.as_os_str()]);
    assert!(String::from_utf8_lossy(&out.stdout).starts_with("0 embedded files"));
}

/// Words that would be code, markup, or a picture turned around, were they anything but words.
const HOSTILE: &str = "#panic(\"x\") *b* _i_ `c` $x^2$ <b>&amp;</b> \\ @ref = h // no #import \"/data.json\" [y] {z} ~ --- שלום עולם مرحبا \u{202e}turned";

#[test]
fn hostile_words_are_printed_as_they_stand() {
    let folder = Folder::new("hostile_words_are_printed_as_they_stand");
    let shown = HOSTILE.replace('\u{202e}', "[U+202E]");
    let ascii: String = shown.chars().filter(|c| c.is_ascii() && !c.is_whitespace()).collect();

    let mut form = samples::signed();
    for participant in &mut form.form.participants {
        participant.name = HOSTILE.into();
    }
    form.practice.name = HOSTILE.into();
    form.practice.clinician = HOSTILE.into();
    form.intent = HOSTILE.into();
    form.grants[0].signature = Signature::Typed { name: HOSTILE.into() };
    let mut kit = samples::recovery();
    kit.name = HOSTILE.into();
    kit.practice = HOSTILE.into();
    let mut exported = samples::note();
    exported.client_name = HOSTILE.into();
    exported.attested_by = HOSTILE.into();
    exported.amendments[0].text = HOSTILE.into();
    exported.note.sections[0].sentences[0].text = HOSTILE.into();
    exported.attestation.text = digest_of(&exported.note).expect("JSON");
    let mut report = samples::board(3);
    report.scope = HOSTILE.into();
    report.refused[0].reasons = vec![HOSTILE.into()];
    report.refused[0].status = "é".into();
    report.verification.verdict = "é".into();

    let mut copy = samples::withdrawal("es");
    copy.person_name = HOSTILE.into();
    copy.said = Some(HOSTILE.into());
    copy.effects[0].id = HOSTILE.into();
    let mut overview = samples::consents(8, true);
    overview.rows[1].name = Some(HOSTILE.into());
    overview.rows[1].next = vec![HOSTILE.into()];

    let mut vendor = samples::vendors::checklist();
    vendor.audit.vendor = HOSTILE.into();
    vendor.audit.findings[0].says = HOSTILE.into();
    vendor.audit.verdict = HOSTILE.into();
    let mut layers = samples::vendors::stack(1);
    layers.audits[1].vendor = HOSTILE.into();
    layers.audits[1].stack.rows[0].by = vec![HOSTILE.into()];
    report.vendors[0].name = HOSTILE.into();

    let documents = [
        ("hostile-checklist", checklist(&vendor)),
        ("hostile-stack", stack(&layers)),
        ("hostile-withdrawal", withdrawal_copy(&copy)),
        ("hostile-consents", consents_report(&overview)),
        ("hostile-form", consent_form(&form)),
        ("hostile-kit", recovery_kit(&kit)),
        ("hostile-note", note(&exported)),
        ("hostile-board", board_report(&report)),
    ];
    for (name, pdf) in documents {
        let path = folder.put(name, &pdf.unwrap_or_else(|error| panic!("{name}: {error}")));
        // In the order of the file: a column of a table is read from its top to its foot.
        let out = run("pdftotext", &["-raw".as_ref(), path.as_os_str(), "-".as_ref()]);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let printed: String = text.chars().filter(|c| c.is_ascii() && !c.is_whitespace()).collect();
        assert!(printed.contains(&ascii), "{name}: `{ascii}` is missing from: {printed}");
        let out = run("qpdf", &["--check".as_ref(), path.as_os_str()]);
        assert!(out.status.success(), "{name}");
    }
}

/// How far the words of a PDF reach: left, right and bottom edges, and the page's width and height, in points.
struct Reach {
    left: f64,
    right: f64,
    bottom: f64,
    width: f64,
    height: f64,
}

fn reach(pdf: &Path) -> Reach {
    let out = run("pdftotext", &["-bbox".as_ref(), pdf.as_os_str(), "-".as_ref()]);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let values = |name: &str| {
        let name = format!("{name}=\"");
        text.lines()
            .filter_map(|line| line.split_once(&name).and_then(|(_, rest)| rest.split('"').next()?.parse::<f64>().ok()))
            .collect::<Vec<_>>()
    };
    let most = |name: &str| values(name).into_iter().fold(f64::MIN, f64::max);
    Reach {
        left: values("xMin").into_iter().fold(f64::MAX, f64::min),
        right: most("xMax"),
        bottom: most("yMax"),
        width: most("page width"),
        height: most("height"),
    }
}

#[test]
fn nothing_runs_over_the_margin_however_long_a_name_is() {
    let folder = Folder::new("nothing_runs_over_the_margin_however_long_a_name_is");
    let margin = 25.0 / 25.4 * 72.0 - 1.0;
    for (name, long) in [
        ("letters", "x".repeat(5_000)),
        ("umlauts", "ü".repeat(5_000)),
        ("words", "Ana María ".repeat(500)),
        ("hebrew", "ש".repeat(5_000)),
    ] {
        let mut form = samples::signed();
        form.form.participants[1].name.clone_from(&long);
        form.practice.name.clone_from(&long);
        form.grants[0].signature = Signature::Typed { name: long.clone() };
        let mut kit = samples::recovery();
        kit.name.clone_from(&long);
        kit.code.clone_from(&"7KQ4M-".repeat(20));
        let mut exported = samples::note();
        exported.client_name.clone_from(&long);
        exported.attested_by.clone_from(&long);
        let mut report = samples::board(3);
        report.refused[0].reasons = vec![long.clone()];
        report.looks[0].what.clone_from(&long);
        let mut copy = samples::withdrawal("es");
        copy.person_name.clone_from(&long);
        copy.said = Some(long.clone());
        let mut overview = samples::consents(2, true);
        overview.rows[0].name = Some(long.clone());
        overview.rows[1].people[0].name = Some(long.clone());
        overview.rows[1].next = vec![long.clone()];
        let mut vendor = samples::vendors::checklist();
        vendor.audit.vendor.clone_from(&long);
        vendor.audit.findings[0].says.clone_from(&long);
        vendor.audit.answers[0].0.asks.clone_from(&long);
        vendor.terms[0].address.clone_from(&long);
        if let Some(file) = &mut vendor.agreement {
            file.file_name.clone_from(&long);
        }
        if let Some(review) = &mut vendor.review {
            review.red_flags[0].quote.quote.clone_from(&long);
            review.provisions[0].title.clone_from(&long);
        }
        let mut layers = samples::vendors::stack(1);
        layers.audits[1].vendor.clone_from(&long);
        layers.audits[1].stack.rows[0].by = vec![long.clone()];
        report.vendors[0].name.clone_from(&long);
        report.vendors[0].stale = Some(long.clone());
        let mut access = samples::access::access(8);
        access.users[0].name = Some(long.clone());
        access.findings[0].says.clone_from(&long);
        access.refused[0].policy = Some(long.clone());
        for (kind, margin, pdf) in [
            ("access", 18.0 / 25.4 * 72.0 - 1.0, access_report(&access)),
            ("checklist", margin, checklist(&vendor)),
            ("stack", margin, stack(&layers)),
            ("form", margin, consent_form(&form)),
            ("kit", margin, recovery_kit(&kit)),
            ("note", margin, note(&exported)),
            ("board", margin, board_report(&report)),
            ("withdrawal", margin, withdrawal_copy(&copy)),
            ("consents", 18.0 / 25.4 * 72.0 - 1.0, consents_report(&overview)),
        ] {
            let path = folder
                .put(&format!("long-{kind}-{name}"), &pdf.unwrap_or_else(|error| panic!("{kind} {name}: {error}")));
            let Reach { left, right, bottom, width, height } = reach(&path);
            assert!(
                left >= margin && right <= width - margin,
                "{kind} {name}: words stand from {left} to {right} on a page {width} wide"
            );
            assert!(bottom <= height - 30.0, "{kind} {name}: words stand down to {bottom} on a page {height} high");
        }
    }
}

#[test]
fn a_letter_no_font_has_is_named_and_nothing_is_made() {
    let mut form = samples::signed();
    form.form.participants[0].name = "Li 伟".into();
    let error = consent_form(&form).expect_err("no font").to_string();
    assert_eq!(
        error,
        "the character “伟” (U+4F1F) cannot be printed with the fonts Provenote brings: write it in Latin, Greek, Cyrillic, Arabic or Hebrew letters and make the document again"
    );
}
